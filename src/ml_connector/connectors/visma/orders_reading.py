"""Sales orders as the service shows them: one by one whole, many by a list, by our reference where an answer was lost.

An order that is on hold is a draft: nobody ships or invoices it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from ml_connector.connectors.http import Answer
from ml_connector.connectors.shapes import Context, Observed
from ml_connector.connectors.visma.client import MAX_PAGES, VismaClient, rows_of, segment
from ml_connector.connectors.visma.observed import Row, bracketed, day, gone, minor, text
from ml_connector.connectors.visma.payloads import known
from ml_connector.errors import Transient, Untranslatable
from ml_connector.finance.invoices import Reversal
from ml_connector.finance.money import exponent
from ml_connector.finance.plan import Content
from ml_connector.finance.selling import SalesOrder

Asked = Sequence[tuple[Content, Context]]

PATH = "/api/v3/SalesOrders"
ONE = f"GET {PATH}/{{type}}/{{id}}"
SINGLES = 3  # so many orders are read one by one where a list may take more calls, for all we know
PAGE_SIZE = 100  # the most that is given where anything is expanded; asked for always, so that either is whole
OVERLAP = timedelta(hours=2)
_GONE = frozenset({"cancelled", "canceled", "voided"})
_HELD = frozenset({"hold", "on hold", "onhold"})
_UNTOUCHED = _HELD | {"open", "backorder", "back order"}


def cancelled(client: VismaClient, content: Reversal) -> Observed | None:
    """The order as taken back, once the service does not have it any more; None while it does."""
    remote_id = f"{content.document_type}/{known(content.number)}"
    row = client.row(place_of(remote_id), operation=ONE)
    if row is not None and state_of(row[0]) != "gone":
        return None
    found = known(content.number)
    return Observed(f"{remote_id}/cancelled", found, "released", "Deleted", "", 0, None, None, ())


def observe(client: VismaClient, asked: Asked) -> dict[str, Observed]:
    """Orders by remote id.

    Of many, those that went on are told by a list, which shows the total alone; one that is on hold is read by itself,
    as its VAT and version are needed.
    """
    listed: dict[str, Observed] = {}
    wanted = {context.remote_id for _, context in asked}
    if len(wanted) > SINGLES:
        begun = [context.started_at or _morning(content) for content, context in asked]
        rows = _listed(client, {**_since(begun), "orderBy": "lastModified desc"})
        for seen in (_in_list(row) for row in rows):
            if seen.remote_id in wanted:
                listed[seen.remote_id] = seen
            if len(listed) == len(wanted):
                break
    went_on = {found: seen for found, seen in listed.items() if seen.state == "released"}
    return {one: went_on.get(one) or _one(client, one) for one in wanted}


def _one(client: VismaClient, remote_id: str) -> Observed:
    """One order as the service shows it: one call, three where it shows no totals."""
    found = client.row(place_of(remote_id), operation=ONE, params={"expand": "customer"})
    if found is None:
        return gone(remote_id)
    row, etag = found
    currency = text(row.get("currencyId"))
    decimals = exponent(currency)
    totals = row.get("totals")
    if isinstance(totals, Mapping) and totals.get("orderTotal") is not None and totals.get("taxTotal") is not None:
        total, vat = minor(totals["orderTotal"], decimals), minor(totals["taxTotal"], decimals)
    else:
        vat = _taxes(client, remote_id, decimals)
        total = vat + sum(minor(line.get("extendedPrice"), decimals) for line in _lines(client, remote_id))
    return _shown(row, remote_id, total=total, vat=vat, tokens=_marks(row), etag=etag)


def find(client: VismaClient, contexts: Asked) -> dict[str, list[Observed]]:
    """Orders by our token: one listing for all, of what has changed since the first of them was sent."""
    answer: dict[str, list[Observed]] = {context.token: [] for _, context in contexts}
    begun = [context.started_at or _morning(content) for content, context in contexts]
    for seen in (_in_list(row) for row in _listed(client, _since(begun))):
        for token in set(seen.tokens) & answer.keys():
            answer[token].append(seen)
    return answer


def _since(begun: Sequence[datetime]) -> dict[str, str]:
    return {"modifiedSince": (min(begun) - OVERLAP).isoformat(timespec="seconds")}


def _in_list(row: Row) -> Observed:
    remote_id = f"{text(row.get('type'))}/{text(row.get('orderId'))}"
    total = minor(row.get("orderTotal"), exponent(text(row.get("currency"))))
    tokens = (row.get("customerRefNo"), row.get("customerOrder"))
    return _shown(row, remote_id, total=total, vat=None, tokens=tokens, etag=None)


def shipments(client: VismaClient, remote_id: str) -> list[tuple[str, str]]:
    """(shipment, invoice that was made of it or nothing) of what was shipped of an order. One call."""
    rows = _part(client, remote_id, "shipment")
    found = [(_named(row, "shipmentNo", "id"), _named(row, "invoiceNo", "invoiceId")) for row in rows]
    return [one for one in found if any(one)]


def _named(row: Row, *names: str) -> str:
    """By either of the names that are seen."""
    return next((found for name in names if (found := text(row.get(name)))), "")


def token_of(client: VismaClient, remote_id: str) -> str | None:
    """Our token on an order of which something may have been made; nothing while it is open; None when it is gone."""
    found = client.row(place_of(remote_id), operation=ONE, params={"expand": "customer"})
    if found is None or state_of(found[0]) == "gone":
        return None
    return "" if _status(found[0]).lower() in _UNTOUCHED else next(iter(_marks(found[0])), "")


def missing_rights(client: VismaClient) -> str:
    """The scopes that the service's token lacks, after a call that shows that it is taken. One call."""
    client.call("GET", PATH, operation=f"GET {PATH}", params={"pageIndex": "0", "pageSize": "1"})
    return ", ".join(scope for scope in client.account.scopes if scope not in client.token().scopes)


def place_of(remote_id: str) -> str:
    """The path of one order."""
    kind, _, found = remote_id.rpartition("/")
    return f"{PATH}/{segment(kind)}/{segment(found)}"


def _marks(row: Row) -> tuple[str, ...]:
    """Where our reference may be shown, its own field first: how a single order names that is not certain."""
    customer = row.get("customer")
    said = customer if isinstance(customer, Mapping) else {}
    fields = (said.get("refNo"), said.get("customerRefNo"), row.get("customerRefNo"), *bracketed(text(row.get("note"))))
    return tuple(found for one in (*fields, said.get("order"), row.get("customerOrder")) if (found := text(one)))


def version_of(row: Row) -> str:
    """The version of an order where no ETag tells it."""
    return f'"{text(row.get("version"))}"'


def state_of(row: Row) -> Literal["draft", "released", "gone"]:
    """Its status is a word, or an object with a word and flags: both are seen."""
    said = row.get("status")
    flags = said if isinstance(said, Mapping) else {}
    word = _status(row).lower()
    if flags.get("cancelled") is True or word in _GONE:
        return "gone"
    return "draft" if flags.get("hold") is True or word in _HELD else "released"


def _status(row: Row) -> str:
    said = row.get("status")
    return text(said.get("description")) if isinstance(said, Mapping) else text(said)


def _shown(
    row: Row, remote_id: str, *, total: int, vat: int | None, tokens: tuple[Any, ...], etag: str | None
) -> Observed:
    return Observed(
        remote_id=remote_id,
        number=text(row.get("orderId")),
        state=state_of(row),
        status=_status(row),
        currency=text(row.get("currencyId") or row.get("currency")),
        total=total,
        vat=vat,
        day=day(row.get("date")),
        tokens=tuple(found for one in tokens if (found := text(one))),
        etag=etag,
        facts={"type": text(row.get("type"))},
    )


def _taxes(client: VismaClient, remote_id: str, decimals: int) -> int:
    """The VAT that is charged: neither turned round nor mere statistics."""
    apart = ("isReverseTax", "isStatisticalTax", "isPendingTax")
    rows = _part(client, remote_id, "tax")
    return sum(minor(row.get("taxAmount"), decimals) for row in rows if not any(row.get(name) for name in apart))


def _lines(client: VismaClient, remote_id: str) -> Iterator[Row]:
    where = f"{place_of(remote_id)}/lines"
    return _pages(client, where, {}, operation=f"{ONE}/lines", size=1_000)


def _listed(client: VismaClient, params: Mapping[str, str]) -> Iterator[Row]:
    return _pages(client, PATH, params, operation=f"GET {PATH}", size=PAGE_SIZE)


def _part(client: VismaClient, remote_id: str, name: str) -> list[Row]:
    return client.rows(f"{place_of(remote_id)}/{name}", operation=f"{ONE}/{name}")


def _pages(client: VismaClient, path: str, params: Mapping[str, str], *, operation: str, size: int) -> Iterator[Row]:
    """A list to its end: by the total it tells, else until a page is shorter than asked for."""
    seen = 0
    for page in range(MAX_PAGES):
        asked = {**params, "pageIndex": str(page), "pageSize": str(size)}
        answer = client.one(path, operation=operation, params=asked)
        rows = [] if answer is None else rows_of(answer, path)
        yield from rows
        seen += len(rows)
        total = None if answer is None else _total(answer)
        if not rows or (seen >= total if total is not None else len(rows) < size):
            return
    raise Transient(f"{path} has more than {MAX_PAGES} pages.", record=path)


def _total(answer: Answer) -> int | None:
    content = answer.json()
    found = content.get("totalCount") if isinstance(content, Mapping) else None
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _morning(content: Content) -> datetime:
    if not isinstance(content, SalesOrder):
        raise Untranslatable("Only an order has a day.", field="content")
    return datetime(content.day.year, content.day.month, content.day.day, tzinfo=UTC)
