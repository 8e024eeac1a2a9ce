"""What the parts of a document sum up to."""

from __future__ import annotations

from collections.abc import Iterable

from ml_connector.finance.money import Money


def check_total(nets: Iterable[Money], *, vat: Money, total: Money) -> None:
    """Raise ValueError unless the lines' amounts without VAT, and their VAT, make the total."""
    off = sum(net.minor for net in nets) + vat.minor - total.minor
    if off:
        raise ValueError(f"lines and VAT differ from the total by {Money(off, total.currency)}")
