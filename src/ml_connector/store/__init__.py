"""The memory: the only place that speaks SQL."""
