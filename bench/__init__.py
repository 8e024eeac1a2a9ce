"""Benchmarks: what the product does in a second, what it costs in calls and memory. They print, and judge nothing."""
