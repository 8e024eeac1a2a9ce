"""WooCommerce's payloads as canonical documents: one function a kind. Pure and quick; no decision about accounts.

Untranslatable names the field; nothing else is raised, whatever the payload.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ml_connector.connectors.woocommerce.articles import article_of
from ml_connector.connectors.woocommerce.fields import Fields, id_of
from ml_connector.connectors.woocommerce.parties import customer_of, shop_of
from ml_connector.connectors.woocommerce.sales import refund_of, sale_of
from ml_connector.errors import Untranslatable
from ml_connector.finance.documents import Document

GONE = "_gone"
"""Key of the payload that stands for a record which vanished without a word; its value says when that was found."""


def translate(kind: str, payload: Mapping[str, Any]) -> Document:
    """The canonical document of a payload. Raises Untranslatable naming the field.

    order, customer: the REST object. refund: `{"refund", "order"}`. shop: `{"index", "settings", "currency"}`. article:
    `{"id", "product"}`.
    A record that is gone has no canonical form: it is held, so that a person sees what was booked for it.
    """
    make = _KINDS.get(kind)
    if make is None:
        raise Untranslatable(f"WooCommerce's {kind!r} has no canonical form.", field="(kind)")
    fields = Fields(payload, "", _record_of(payload))
    if GONE in fields.node:
        raise Untranslatable(
            f"The shop has this {kind} no more; it was deleted for good.",
            field="(gone)",
            record=fields.record,
            fix="If something was booked for it, undo that; otherwise ignore the record.",
        )
    return make(fields)


def _record_of(payload: object) -> str | None:
    return id_of(payload.get("id")) if isinstance(payload, Mapping) else None


_KINDS: Mapping[str, Callable[[Fields], Document]] = {
    "order": sale_of,
    "refund": refund_of,
    "customer": customer_of,
    "shop": shop_of,
    "article": article_of,
}
KINDS = tuple(_KINDS)
