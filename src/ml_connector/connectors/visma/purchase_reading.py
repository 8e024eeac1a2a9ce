"""Reading what purchasing needs and no page shows: set-up lists that come whole, and look-ups around an invoice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ml_connector.connectors.shapes import Absent, Page, SourceObject
from ml_connector.connectors.visma import purchasing
from ml_connector.connectors.visma.client import VismaClient, segment
from ml_connector.connectors.visma.lookback import OVERLAP, stamp
from ml_connector.connectors.visma.observed import Row, day, text
from ml_connector.connectors.visma.payloads import REFERENCE_TEXT
from ml_connector.errors import UsageError
from ml_connector.finance.plan import Found

DIMENSION = "SUBACCOUNT"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST = 200  # documents of one supplier and year that are compared


@dataclass(frozen=True, slots=True)
class Listed:
    """A list that comes whole: its address, its key, and whether it can be asked for changes."""

    path: str
    number: str
    filtered: bool


LISTS: Mapping[str, Listed] = {
    "account": Listed("/v1/account", "accountCD", filtered=True),
    "vatcategory": Listed("/v1/vatCategory", "vatCategoryId", filtered=True),
    "creditterm": Listed("/v1/creditTerm", "termsId", filtered=True),
    "segmentvalue": Listed(f"/v1/dimension/{DIMENSION}", "valueId", filtered=False),
}
PAGED = frozenset({"creditterm"})


def page(client: VismaClient, stream: str, position: str | None) -> Page:
    """The whole list, or what changed in it since the newest change that was seen."""
    since = json.loads(position)["since"] if position else ""
    rows = _listed(client, stream, since)
    newest = max([since, *(text(row.get("lastModifiedDateTime"))[:19] for row in rows)])
    objects = tuple(source_object(stream, row) for row in rows)
    return Page(objects, (), json.dumps({"since": newest}), more=False)


def fetch(client: VismaClient, kind: str, external_ids: Sequence[str]) -> list[SourceObject | Absent]:
    """Rows of a list by their keys: one reading of it for all."""
    known = {one.external_id: one for row in _listed(client, kind, "") for one in [source_object(kind, row)]}
    return [known.get(name) or Absent(kind, name, "Visma's list does not show it.") for name in external_ids]


def source_object(kind: str, row: Row) -> SourceObject:
    """A row as a record. A segment's value is named with its segment."""
    number = text(row.get(LISTS[kind].number)).strip()
    external_id = f"{row.get('segmentId')}/{number}" if kind == "segmentvalue" else number
    payload = {name: value for name, value in row.items() if name != "metadata"}
    return SourceObject(kind, external_id, payload, text(row.get("lastModifiedDateTime")), EPOCH)


def _listed(client: VismaClient, kind: str, since: str) -> list[Row]:
    place = LISTS.get(kind)
    if place is None:
        raise UsageError(f"Visma has no list of {kind}.", record=kind)
    operation = f"GET {place.path}"
    if kind == "segmentvalue":
        found = client.row(place.path, operation=operation, params={"expandSegmentsValues": "true"})
        return list(_values(found[0])) if found is not None else []
    params = {}
    if since and place.filtered:
        asked = datetime.fromisoformat(since) - OVERLAP
        params = {"lastModifiedDateTime": stamp(asked), "lastModifiedDateTimeCondition": ">="}
    if kind in PAGED:
        return client.listed(place.path, params, operation=operation)
    return client.unpaged(place.path, params, operation=operation)


def _values(dimension: Row) -> Iterable[Row]:
    """The values of every segment, each with its segment's number."""
    for one in dimension.get("segments") or ():
        for value in one.get("segmentValues") or ():
            yield {**value, "segmentId": one.get("segmentId"), "segment": text(one.get("description"))}


# ---------------------------------------------------------------------------------------------- look-ups


def look_up(client: VismaClient, kind: str, fields: Mapping[str, str]) -> list[Found]:
    """Orders and receipts by an order's number, supplier invoices by supplier and reference, combinations of segments.

    One listing each.
    """
    return _LOOK_UPS[kind](client, fields)


def _orders(client: VismaClient, fields: Mapping[str, str]) -> list[Found]:
    number = fields.get("number", "")
    found = (
        client.row(f"/v1/purchaseorder/{segment(number)}", operation="GET /v1/purchaseorder/{id}") if number else None
    )
    if found is None:
        return []
    made = purchasing.order(found[0])
    return [Found(made.number, status=made.status, currency=made.currency, document=made)]


def _receipts(client: VismaClient, fields: Mapping[str, str]) -> list[Found]:
    if not fields.get("order"):
        return []
    rows = client.listed("/v2/PurchaseReceipt", {"poOrderNbr": fields["order"]}, operation="GET /v2/PurchaseReceipt")
    made = (purchasing.receipt(row) for row in rows)
    return [Found(one.number, status=one.status, document=one) for one in made if fields["order"] in one.orders]


def _invoices(client: VismaClient, fields: Mapping[str, str]) -> list[Found]:
    """A supplier's documents of one year with this reference: no list knows the reference, so rows are compared."""
    supplier, reference, year = (fields.get(name, "") for name in ("supplier", "reference", "year"))
    if not supplier or not reference or not year:
        return []
    params = {"supplier": supplier, "docDate": f"{year}-01-01", "docDateCondition": ">=", "expandNote": "true"}
    rows = client.listed("/v1/supplierInvoice", params, operation="GET /v1/supplierInvoice")
    same = [
        row
        for row in rows
        if text(row.get("supplier")) == supplier
        and _same(text(row.get("supplierReference")), reference)
        and (day(row.get("date")) or "")[:4] == year
    ]
    made = (purchasing.invoice(row) for row in same[:MOST])
    return [
        Found(f"{one.type}/{one.number}", one.supplier_name, one.status, currency=one.currency, document=one)
        for one in made
        if one.status != "Voided"
    ]


def _combinations(client: VismaClient, fields: Mapping[str, str]) -> list[Found]:
    """The subaccount with exactly these segment values."""
    wanted = tuple(sorted((int(name), value) for name, value in fields.items() if name.isdecimal()))
    rows = client.listed("/v1/subaccount", operation="GET /v1/subaccount")
    return [
        Found(text(row.get("subaccountNumber")), status="Active" if row.get("active") is True else "Inactive")
        for row in rows
        if purchasing.dimensions(row) == wanted
    ]


def _same(written: str, asked: str) -> bool:
    """Blanks and case aside; what we wrote there was cut to its field."""
    packed, whole = ("".join(one.split()).casefold() for one in (written, asked))
    return packed == whole or (len(written) == REFERENCE_TEXT and asked.startswith(written))


_LOOK_UPS: Mapping[str, Callable[[VismaClient, Mapping[str, str]], list[Found]]] = {
    "purchase_order": _orders,
    "purchase_receipt": _receipts,
    "supplier_document": _invoices,
    "subaccount": _combinations,
}
KINDS = frozenset(_LOOK_UPS)
