"""A pretend PayPal: strict, stateful, in memory. What it can do and how to drive it stands in README.md."""

from ml_connector_sandbox.paypal.vendor import PayPal

__all__ = ["PayPal"]
