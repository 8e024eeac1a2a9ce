"""What Stripe shows of what we wrote, as `Observed`. Pure. An unknown state is pending: no success and no failure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from ml_connector.connectors.shapes import Observed
from ml_connector.connectors.stripe.bodies import TOKEN
from ml_connector.connectors.stripe.fields import Fields, id_in
from ml_connector.finance.money import Money

State = Literal["draft", "pending", "released", "gone"]

INVOICE_STATES: Mapping[str, State] = {
    "draft": "draft",
    "open": "released",
    "paid": "released",
    "uncollectible": "released",
    "void": "gone",
}
CREDIT_STATES: Mapping[str, State] = {"issued": "released", "void": "gone"}


def invoice(row: Mapping[str, Any]) -> Observed:
    """A collected invoice, with the address where it is paid."""
    fields = Fields(row, record=id_in(row))
    currency = fields.currency()
    status = fields.text("status")
    id_ = fields.id("id")
    return Observed(
        remote_id=id_,
        number=fields.text("number") or id_,
        state=INVOICE_STATES.get(status, "pending"),
        status=status,
        currency=currency,
        total=fields.money("total", currency).minor,
        vat=_vat(fields, currency),
        day=None,
        tokens=token_of(fields),
        facts={
            "url": fields.text("hosted_invoice_url"),
            "pdf": fields.text("invoice_pdf"),
            "due_date": fields.whole_or_none("due_date"),
            "customer": fields.id_or_none("customer") or "",
            "remaining": _minor(fields, "amount_remaining", currency),
            "paid": _minor(fields, "amount_paid", currency),
            "starting_balance": _minor(fields, "starting_balance", currency),
        },
    )


def credit(row: Mapping[str, Any]) -> Observed:
    """A credit note."""
    fields = Fields(row, record=id_in(row))
    currency = fields.currency()
    status = fields.text("status")
    return Observed(
        remote_id=fields.id("id"),
        number=fields.text("number") or fields.id("id"),
        state=CREDIT_STATES.get(status, "pending"),
        status=status,
        currency=currency,
        total=fields.money("total", currency).minor,
        vat=_vat(fields, currency),
        day=None,
        tokens=token_of(fields),
    )


def gone(remote_id: str) -> Observed:
    """What Stripe does not have."""
    return Observed(remote_id, remote_id, "gone", "", "", 0, None, None, ())


def standing(remote_id: str, *, number: str, token: str, status: str, total: int, currency: str) -> Observed:
    """What stands at once and has no object of its own: a payment marked, an invoice voided."""
    return Observed(remote_id, number, "released", status, currency, total, None, None, (token,))


def token_of(fields: Fields) -> tuple[str, ...]:
    """The token in the object's metadata."""
    found = fields.marks().get(TOKEN)
    return (found,) if found else ()


def outside_paid(invoice_row: Mapping[str, Any], rows: list[dict[str, Any]]) -> Money:
    """What of an invoice was paid outside Stripe: what is paid less the paid rows that went through it."""
    fields = Fields(invoice_row, record=id_in(invoice_row))
    currency = fields.currency()
    paid = fields.money("amount_paid", currency)
    for row in rows:
        one = Fields(row, record=id_in(row))
        if one.text("status") == "paid" and one.part("payment").text("type") != "payment_record":
            paid -= one.money("amount_paid", currency)
    return paid


def _vat(fields: Fields, currency: str) -> int:
    return sum(row.money("amount", currency).minor for row in fields.parts("total_taxes"))


def _minor(fields: Fields, name: str, currency: str) -> int:
    found = fields.money_or_none(name, currency)
    return 0 if found is None else found.minor
