"""Which lines of an invoice a credit note takes back, with the VAT of each to the last cent. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ml_connector.connectors.stripe.bodies import PERCENT, percent_of, wire
from ml_connector.connectors.stripe.fields import Fields, id_in
from ml_connector.errors import Rejected
from ml_connector.finance.collection import CollectionCredit, CollectionLine


@dataclass(slots=True)
class _Open:
    """A line of the invoice: what may still be credited of it, net, and the rate object of its VAT."""

    id: str
    percent: str
    left: int
    rate: str


def lines_of(
    credit: CollectionCredit, invoice_lines: Sequence[Mapping[str, Any]], *, credited: Mapping[str, int]
) -> list[dict[str, Any]]:
    """The lines of the credit note: each of ours put on lines of its rate, in their order.

    Less what is `credited` of them already (net, by line). Raises Rejected where they do not bear it.
    """
    open_lines = [_read(row) for row in invoice_lines]
    for one in open_lines:
        one.left -= credited.get(one.id, 0)
    found: list[dict[str, Any]] = []
    for line in credit.lines:
        found += _placed(line, open_lines, credit)
    return found


def _placed(line: CollectionLine, open_lines: Sequence[_Open], credit: CollectionCredit) -> list[dict[str, Any]]:
    net, vat, percent = wire(line.net), wire(line.vat), percent_of(line)
    rows, given = [], 0
    left = net
    fitting = [one for one in open_lines if one.percent == percent and one.left > 0]
    for one in fitting:
        part = min(left, one.left)
        if part <= 0:
            break
        left -= part
        one.left -= part
        share = vat - given if left == 0 else _share(vat, part, net)
        given += share
        rows.append(_row(one, part, share, line))
    if left or net <= 0:
        raise Rejected(
            f"Invoice {credit.invoice} has no lines of {percent or 'no'} % VAT that bear {line.net} more.",
            record=credit.number,
            fix="Credit it by hand in Stripe and ignore it here.",
        )
    return rows


def _row(one: _Open, part: int, share: int, line: CollectionLine) -> dict[str, Any]:
    row: dict[str, Any] = {"type": "invoice_line_item", "invoice_line_item": one.id, "amount": part}
    if line.vat_percent is not None and one.rate:
        row["tax_amounts"] = [{"amount": share, "taxable_amount": part, "tax_rate": one.rate}]
    return row


def _share(whole: int, part: int, of: int) -> int:
    return int((Decimal(whole) * part / of).quantize(Decimal(1), ROUND_HALF_UP))


def _read(row: Mapping[str, Any]) -> _Open:
    fields = Fields(row, record=id_in(row))
    taxes = list(fields.parts("taxes"))
    rate = taxes[0].part("tax_rate_details").id_or_none("tax_rate") if taxes else None
    return _Open(fields.id("id"), fields.marks().get(PERCENT, ""), fields.whole_or_none("amount") or 0, rate or "")
