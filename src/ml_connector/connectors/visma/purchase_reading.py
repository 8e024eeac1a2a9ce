"""Reading what purchasing needs and no page shows: set-up lists that come whole, and look-ups around an invoice.

A list that is asked for changes does not show what was removed. So it is read whole once a day (a segment's values
always), and what was there and is gone is told once more, as inactive: that is all that purchasing needs of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ml_connector.connectors.shapes import Absent, Page, SourceObject
from ml_connector.connectors.visma import purchasing
from ml_connector.connectors.visma.client import VismaClient, segment
from ml_connector.connectors.visma.lookback import OVERLAP, stamp
from ml_connector.connectors.visma.observed import Row, day, text
from ml_connector.connectors.visma.payloads import REFERENCE_TEXT
from ml_connector.connectors.visma.rows import dimensions
from ml_connector.errors import Transient, Untranslatable, UsageError
from ml_connector.finance.plan import Found
from ml_connector.finance.purchasing import PurchaseDocument, PurchaseReceipt

DIMENSION = "SUBACCOUNT"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WHOLE_EVERY = timedelta(days=1)
MOST_KNOWN = 5_000  # rows whose removal is noticed: they are remembered by name in the stream's position
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


@dataclass(frozen=True, slots=True)
class _Position:
    """Where a list is: the newest change on the vendor's clock, when it was last read whole on ours, what it held.

    `known`: key -> description; empty when it holds too many to remember.
    """

    since: str = ""
    whole_at: str = ""
    known: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        return json.dumps([self.since, self.whole_at, self.known if len(self.known) <= MOST_KNOWN else {}])

    @classmethod
    def of(cls, position: str | None) -> _Position:
        return cls(*json.loads(position)) if position else cls()


def page(client: VismaClient, stream: str, position: str | None, *, now: datetime) -> Page:
    """The whole list once a day, else what changed in it since the newest change that was seen."""
    here = _Position.of(position)
    whole = not LISTS[stream].filtered or not here.whole_at or now - datetime.fromisoformat(here.whole_at) > WHOLE_EVERY
    rows = _listed(client, stream, "" if whole else here.since)
    objects = [source_object(stream, row) for row in rows]
    names = {one.external_id: text(one.payload.get("description")) for one in objects}
    gone = _missing(client, stream, here.known, names) if whole else {}
    newest = max([here.since, *(_clock(row) for row in rows)])
    there = _Position(newest, now.isoformat(), names) if whole else _Position(
        newest, here.whole_at, {**here.known, **names}
    )  # fmt: skip
    objects += [_removed(stream, key, name) for key, name in gone.items()]
    return Page(tuple(objects), (), there.text(), more=False)


def _missing(client: VismaClient, kind: str, known: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    """What was there and is gone: also from a second reading, as rows shift between the parts of a list.

    Raises Transient for an empty list: a wrong company answers so, and all of it would be switched off elsewhere.
    """
    if known and not names:
        raise Transient(
            f"Visma shows no {kind} at all, and showed {len(known)} before: it may be another company.", record=kind
        )
    if known.keys() <= names.keys():
        return {}
    again = {one.external_id for one in walk(client, kind)}
    return {key: name for key, name in known.items() if key not in names and key not in again}


def fetch(client: VismaClient, kind: str, external_ids: Sequence[str]) -> list[SourceObject | Absent]:
    """Rows of a list by their keys: one reading of it for all."""
    known = {one.external_id: one for one in walk(client, kind)}
    return [known.get(name) or Absent(kind, name, "Visma's list does not show it.") for name in external_ids]


def walk(client: VismaClient, kind: str) -> list[SourceObject]:
    """The whole list."""
    return [source_object(kind, row) for row in _listed(client, kind, "")]


def source_object(kind: str, row: Row) -> SourceObject:
    """A row as a record. A segment's value is named with its segment.

    It has no stamp: a list shows its present state, so that the later reading counts.
    """
    number = text(row.get(LISTS[kind].number)).strip()
    external_id = f"{row.get('segmentId')}/{number}" if kind == "segmentvalue" else number
    payload = {name: value for name, value in row.items() if name != "metadata"}
    return SourceObject(kind, external_id, payload, "", EPOCH)


def _removed(kind: str, external_id: str, description: str) -> SourceObject:
    """What a list held and holds no more: a row that is not active, and says that it is ours."""
    part, _, number = external_id.rpartition("/") if kind == "segmentvalue" else ("", "", external_id)
    row: dict[str, object] = {LISTS[kind].number: number, "description": description, "active": False, "removed": True}
    if part:
        row["segmentId"] = int(part) if part.isdecimal() else part
    return SourceObject(kind, external_id, row, "", EPOCH)


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
    for one in _objects(dimension.get("segments")):
        for value in _objects(one.get("segmentValues")):
            yield {**value, "segmentId": one.get("segmentId"), "segment": text(one.get("description"))}


def _objects(found: object) -> list[Row]:
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _clock(row: Row) -> str:
    """When a row was last changed on the vendor's clock, if it can be asked for again."""
    try:
        return datetime.fromisoformat(text(row.get("lastModifiedDateTime"))).replace(tzinfo=None).isoformat()
    except ValueError:
        return ""


# ---------------------------------------------------------------------------------------------- look-ups


def look_up(client: VismaClient, kind: str, fields: Mapping[str, str]) -> list[Found]:
    """Orders and receipts by an order's number, supplier invoices by supplier and reference, combinations of segments.

    One listing each.
    """
    return _LOOK_UPS[kind](client, fields)


def _orders(client: VismaClient, fields: Mapping[str, str]) -> list[Found]:
    number = fields.get("number", "")
    place = "/v1/purchaseorder"
    found = client.row(f"{place}/{segment(number)}", operation=f"GET {place}/{{id}}") if number else None
    if found is None or text(found[0].get("orderNbr")).strip() != number:
        return []
    row = found[0]
    made = _read(purchasing.order, row)
    return [Found(number, status=text(row.get("status")), currency=text(row.get("currency")) or None, document=made)]


def _receipts(client: VismaClient, fields: Mapping[str, str]) -> list[Found]:
    number = fields.get("order", "")
    if not number:
        return []
    rows = client.listed("/v2/PurchaseReceipt", {"poOrderNbr": number}, operation="GET /v2/PurchaseReceipt")
    made = [(row, _read(purchasing.receipt, row)) for row in rows]
    return [
        Found(text(row.get("receiptNbr")), status=text(row.get("status")), document=one)
        for row, one in made
        if isinstance(one, PurchaseReceipt) and number in one.orders
    ]


def _invoices(client: VismaClient, fields: Mapping[str, str]) -> list[Found]:
    """A supplier's documents of one year with this reference: no list knows the reference, so rows are compared.

    One that cannot be read is still there, and no second one must be made: it is found without its document.
    """
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
        and text(row.get("status")) != "Voided"
    ]
    return [_found_invoice(row) for row in same[:MOST]]


def _found_invoice(row: Row) -> Found:
    supplier = row.get("supplier")
    return Found(
        f"{text(row.get('documentType'))}/{text(row.get('referenceNumber'))}",
        text(supplier.get("name")) if isinstance(supplier, Mapping) else "",
        text(row.get("status")),
        currency=text(row.get("currencyId")) or None,
        document=_read(purchasing.invoice, row),
    )


def _combinations(client: VismaClient, fields: Mapping[str, str]) -> list[Found]:
    """The subaccounts with these segment values: one whose other segments are not asked for stands for all of them."""
    wanted = {(int(name), value) for name, value in fields.items() if name.isdecimal() and value}
    rows = client.listed("/v1/subaccount", operation="GET /v1/subaccount")
    return [
        Found(text(row.get("subaccountNumber")), status="Active" if row.get("active") is True else "Inactive")
        for row in rows
        if wanted and wanted <= set(_segments(row))
    ]


def _segments(row: Row) -> Sequence[tuple[int, str]]:
    try:
        return dimensions(row)
    except Untranslatable:
        return ()


def _read(reader: Callable[[Row], PurchaseDocument], row: Row) -> PurchaseDocument | None:
    """A row as a document; one row that cannot be read must not stop a whole company's planning."""
    try:
        return reader(row)
    except Untranslatable:
        return None


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
