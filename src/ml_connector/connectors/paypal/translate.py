"""PayPal's payloads as canonical documents: one function a kind. Pure and quick; no decision about accounts.

Untranslatable names the field; nothing else is raised, whatever the payload. Unknown words: a capture or refund of an
unknown status waits as pending; a report row of an unknown status is `unknown`, of an unknown code `other`; an invoice
or a resolved dispute of an unknown word is held, as a guess could be booked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ml_connector.connectors.paypal.disputes import dispute_of
from ml_connector.connectors.paypal.fields import Fields
from ml_connector.connectors.paypal.invoices import invoice_of
from ml_connector.connectors.paypal.movements import movement_of
from ml_connector.connectors.paypal.payments import capture_of, refund_of
from ml_connector.errors import Untranslatable
from ml_connector.finance.documents import Document

_KINDS: Mapping[str, Callable[[Fields], Document]] = {
    "capture": capture_of,
    "refund": refund_of,
    "invoice": invoice_of,
    "dispute": dispute_of,
    "transaction": movement_of,
}
KINDS = tuple(_KINDS)


def translate(kind: str, payload: Mapping[str, Any]) -> Document:
    """The canonical document of a payload: PayPal's object untouched, for "transaction" one row of the report.

    Raises Untranslatable naming the field.
    """
    make = _KINDS.get(kind)
    if make is None:
        raise Untranslatable(f"PayPal's {kind!r} has no canonical form.", field="(kind)")
    return make(Fields(payload, record=_record_of(payload)))


def _record_of(node: object) -> str | None:
    if not isinstance(node, Mapping):
        return None
    inner = node.get("transaction_info")
    for where in (node, inner if isinstance(inner, Mapping) else {}):
        for key in ("id", "dispute_id", "transaction_id"):
            id_ = where.get(key)
            if type(id_) is str and 0 < len(id_) <= 300 and id_.isprintable():
                return id_
    return None
