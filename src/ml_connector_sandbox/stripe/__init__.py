"""A pretend Stripe: strict, stateful, in memory. What it can do and how to drive it stands in README.md."""

from ml_connector_sandbox.stripe.vendor import Stripe

__all__ = ["Stripe"]
