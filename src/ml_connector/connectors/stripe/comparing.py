"""A draft beside the invoice of the ledger: everything that must be equal before it is finalized. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from ml_connector.connectors.stripe.amounts import from_wire
from ml_connector.connectors.stripe.bodies import wire
from ml_connector.connectors.stripe.fields import Fields, id_in
from ml_connector.finance.collection import CollectionInvoice


def differences(content: CollectionInvoice, row: Mapping[str, Any], *, due: date) -> list[str]:
    """In words, what of Stripe's draft is not as the ledger has it, with this due date; empty when all is."""
    return list(_differences(content, Fields(row, record=id_in(row)), due))


def _differences(content: CollectionInvoice, draft: Fields, due: date) -> Iterator[str]:
    currency = draft.currency()
    if currency != content.currency:
        yield f"its currency is {currency}, not {content.currency}"
        return
    net = content.total - content.vat_total
    for name, wanted in (("total", content.total), ("subtotal", net), ("total_excluding_tax", net)):
        found = draft.whole_or_none(name)
        if found is not None and found != wire(wanted):
            yield f"its {name} is {from_wire(found, currency)}, not {wanted}"
    if draft.whole_or_none("total") is None:
        yield "it has no total"
    vat = sum(tax.whole_or_none("amount") or 0 for tax in draft.parts("total_taxes"))
    if vat != wire(content.vat_total):
        yield f"its VAT is {from_wire(vat, currency)}, not {content.vat_total}"
    lines = draft.part("lines").whole_or_none("total_count")
    if lines is not None and lines != len(content.lines):
        yield f"it has {lines} lines, not {len(content.lines)}"
    due_there = draft.day_or_none("due_date")
    if due_there != due:
        yield f"it is due on {due_there or 'no day'}, not {due}"
    if draft.whole_or_none("starting_balance"):
        yield "the customer has a balance, which Stripe would set off"
