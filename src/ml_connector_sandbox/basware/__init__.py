"""A pretend Basware P2P: strict, stateful, in memory. What it can do and how to drive it stands in README.md."""

from ml_connector_sandbox.basware.vendor import Basware

__all__ = ["Basware"]
