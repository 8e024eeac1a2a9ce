"""The pairs: one pure module for each pair of systems."""
