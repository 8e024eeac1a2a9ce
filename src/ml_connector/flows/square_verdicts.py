"""Verdicts that only Square's records ask for: a place nobody has mapped, a payment without its order."""

from __future__ import annotations

from ml_connector.finance.plan import Finding
from ml_connector.finance.rulebook import Terms
from ml_connector.rules.findings import location_unmapped
from ml_connector.rules.texts import begun


def unmapped(location: str | None, terms: Terms) -> Finding | None:
    """The finding for a place nobody has mapped yet."""
    return location_unmapped(location) if location and location not in terms.locations else None


def no_order(record: str) -> Finding:
    """Nothing tells what was sold."""
    return Finding(
        "order-missing",
        f"{begun(record)} names no order, so its lines and VAT are unknown. Book it by hand and ignore it here.",
        "order",
    )
