"""A pretend Square: strict, stateful, in memory. What it can do and how to drive it stands in README.md."""

from ml_connector_sandbox.square.vendor import Square

__all__ = ["Square"]
