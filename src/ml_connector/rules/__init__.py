"""The decisions: pure functions from finance values to plans and findings."""
