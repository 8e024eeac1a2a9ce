"""Stripe's payloads as canonical documents: one function a kind. Pure and quick; no decision about accounts.

Untranslatable names the field; nothing else is raised, whatever the payload. Unknown words: a charge or refund of an
unknown status waits as pending, an invoice payment as open; a balance transaction of an unknown category is `other`; an
unknown state of a dispute is open; an invoice, a payout or a kind of payment of an unknown word is held, as a guess
could be booked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ml_connector.connectors.stripe.disputes import dispute_of
from ml_connector.connectors.stripe.fields import Fields, id_in
from ml_connector.connectors.stripe.invoices import invoice_of
from ml_connector.connectors.stripe.movements import movement_of
from ml_connector.connectors.stripe.payments import charge_of, invoice_payment_of, refund_of
from ml_connector.connectors.stripe.payouts import payout_of
from ml_connector.errors import Untranslatable
from ml_connector.finance.documents import Document

_KINDS: Mapping[str, Callable[[Fields], Document]] = {
    "invoice": invoice_of,
    "invoice_payment": invoice_payment_of,
    "charge": charge_of,
    "refund": refund_of,
    "dispute": dispute_of,
    "payout": payout_of,
    "balance_transaction": movement_of,
}
KINDS = tuple(_KINDS)


def translate(kind: str, payload: Mapping[str, Any]) -> Document:
    """The canonical document of a payload: Stripe's object untouched (a payout with its content beside it).

    Raises Untranslatable naming the field.
    """
    make = _KINDS.get(kind)
    if make is None:
        raise Untranslatable(f"Stripe's {kind!r} has no canonical form.", field="(kind)")
    fields = Fields(payload, record=id_in(payload))
    named = fields.text("object")
    if named not in {"", kind}:
        fields.fail("object", f"is {named[:40]}, not {kind}")
    return make(fields)
