"""Rows of WooCommerce as source records: which id, which stamp, when it happened. Pure.

The payload is the REST object less `_links`, which tell where it was read and not what it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ml_connector.connectors.shapes import SourceObject
from ml_connector.connectors.woocommerce.fields import id_of, moment_of
from ml_connector.connectors.woocommerce.numbers import CHOSEN
from ml_connector.connectors.woocommerce.translate import GONE
from ml_connector.errors import Untranslatable

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MODIFIED, CREATED = "date_modified_gmt", "date_created_gmt"
ORDER_BITS = ("id", "number", "currency", "payment_method", "transaction_id", "tax_lines")
"""What a refund lacks and its order knows."""
RATE_BITS = ("rate_id", "rate_code", "label", "compound", "rate_percent")
INDEX_BITS = ("name", "url", "home", "timezone_string", "gmt_offset")

Row = Mapping[str, Any]
MetaKeys = Mapping[str, list[str]]


def row_id(kind: str, row: Row) -> str:
    """The id of a row. Raises Untranslatable when it has none: what cannot be named cannot be kept."""
    found = id_of(row.get("id"))
    if found is None:
        raise Untranslatable(f"A {kind} in the shop's list has no id.", field="id")
    return found


def order_object(row: Row, keys: MetaKeys) -> SourceObject:
    """An order as a record."""
    occurred = moment_of(row.get("date_paid_gmt")) or moment_of(row.get(CREATED)) or EPOCH
    return SourceObject("order", row_id("order", row), _payload(row, keys), _stamp(row), occurred)


def customer_object(row: Row, keys: MetaKeys) -> SourceObject:
    """A customer as a record; many have never been modified and have no stamp."""
    occurred = moment_of(row.get(CREATED)) or EPOCH
    return SourceObject("customer", row_id("customer", row), _payload(row, keys), _stamp(row), occurred)


def refund_object(row: Row, order_id: str, order: Row | None) -> SourceObject:
    """A refund with the bits of its order; its id is `{order}:{refund}`."""
    bits: dict[str, Any] = (
        {name: order[name] for name in ORDER_BITS if name in order} if order is not None else {"id": int(order_id)}
    )
    if isinstance(rates := bits.get("tax_lines"), list):
        # amounts of the order change when it is edited; the rates are what a refund needs
        bits["tax_lines"] = [
            {k: rate[k] for k in RATE_BITS if k in rate} for rate in rates if isinstance(rate, Mapping)
        ]
    created = moment_of(row.get(CREATED))
    payload = {"refund": _payload(row, {}), "order": bits}
    return SourceObject("refund", f"{order_id}:{row_id('refund', row)}", payload, "", created or EPOCH)


def shop_object(index: Row, settings: Row, currency: Row) -> SourceObject:
    """The shop itself, out of three answers."""
    payload = {
        "index": {name: index[name] for name in INDEX_BITS if name in index},
        "settings": settings,
        "currency": {"code": currency.get("code")},
    }
    return SourceObject("shop", "shop", payload, "", EPOCH)


def gone_object(kind: str, external_id: str, *, now: datetime) -> SourceObject:
    """What stands for a record that the shop had and has no more."""
    payload = {"id": external_id.rpartition(":")[2], GONE: now.isoformat(timespec="seconds")}
    return SourceObject(kind, external_id, payload, now.isoformat(timespec="seconds"), now)


def _payload(row: Row, keys: MetaKeys) -> dict[str, Any]:
    kept = {name: value for name, value in row.items() if name != "_links"}
    return {**kept, CHOSEN: dict(keys)} if keys else kept


def _stamp(row: Row) -> str:
    """Text that sorts as the versions do, to the second; empty when the shop gives none."""
    changed = moment_of(row.get(MODIFIED))
    return changed.isoformat(timespec="seconds") if changed is not None else ""
