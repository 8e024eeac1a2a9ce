"""Stories told on pretend vendors: one for each pair of systems, readable from top to bottom."""
