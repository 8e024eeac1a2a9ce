"""Sales orders in the service that keeps them: plain bodies, versions that must be named, pages from 0.

An order is no document of the ledger: nothing is released, the invoice is made there by people. It is taken back by
deleting it, and only while nothing was shipped or invoiced: the service has no other call for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from ml_connector.connectors.http import Answer
from ml_connector.connectors.shapes import Context, Created, Observed
from ml_connector.connectors.visma.client import MAX_PAGES, VismaClient, last_segment, rows_of, segment
from ml_connector.connectors.visma.observed import Row, bracketed, day, gone, minor, text
from ml_connector.connectors.visma.payloads import HEADER_TEXT, LINE_TEXT, REFERENCE_TEXT, known, marked, number
from ml_connector.errors import Rejected, Transient, UnknownOutcome, Untranslatable, UsageError
from ml_connector.finance.invoices import Reversal
from ml_connector.finance.money import Money, exponent
from ml_connector.finance.plan import Content
from ml_connector.finance.selling import SalesOrder, SalesOrderLine

Body = dict[str, Any]
Asked = Sequence[tuple[Content, Context]]

PATH = "/api/v3/SalesOrders"
PAGE_SIZE = 100  # the most that is given where anything is expanded; asked for always, so that either is whole
OVERLAP = timedelta(hours=2)
_ONE = f"GET {PATH}/{{type}}/{{id}}"
_GONE = frozenset({"cancelled", "canceled", "voided"})


def create(client: VismaClient, order: SalesOrder, context: Context) -> Created:
    """Enter the order. One call."""
    operation = f"POST {PATH}"
    content = body(order, token=context.token)
    answer = client.call("POST", PATH, operation=operation, content=content, record=context.key)
    found = _number(answer)
    if not found:
        raise UnknownOutcome(f"{operation} was accepted without naming the new number.", record=context.key)
    return Created(f"{order.type}/{found}", found, etag=answer.headers.get("etag"))


def cancel(client: VismaClient, content: Reversal, context: Context) -> Created:
    """Delete an order that nothing was made of. Three calls; one where it is gone already."""
    remote_id = f"{content.document_type}/{known(content.number)}"
    made = Created(f"{remote_id}/cancelled", known(content.number))
    row = client.row(_place(remote_id), operation=_ONE)
    if row is None:
        return made
    invoices = shipments(client, remote_id)
    if invoices:
        numbers = ", ".join(text(one.get("invoiceNo")) or text(one.get("shipmentNo")) for one in invoices)
        raise Rejected(
            f"Order {remote_id} is shipped or invoiced already ({numbers}).",
            record=context.key,
            fix="Take it back in Visma (a return or a credit note), then answer ignore here.",
        )
    headers = {"If-Match": row[1] or _version(row[0])}
    client.call("DELETE", _place(remote_id), operation=f"DELETE {PATH}/{{type}}/{{id}}", headers=headers,
                record=context.key)  # fmt: skip
    return made


def cancelled(client: VismaClient, content: Reversal) -> Observed | None:
    """The order as taken back, once the service does not have it any more; None while it does."""
    remote_id = f"{content.document_type}/{known(content.number)}"
    row = client.row(_place(remote_id), operation=_ONE)
    if row is not None and _status(row[0]).lower() not in _GONE:
        return None
    found = known(content.number)
    return Observed(f"{remote_id}/cancelled", found, "released", "Deleted", "", 0, None, None, ())


def observe(client: VismaClient, remote_id: str) -> Observed:
    """One order as the service shows it: one call, three where it shows no totals."""
    found = client.row(_place(remote_id), operation=_ONE, params={"expand": "customer"})
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
    for row in _listed(client, {"modifiedSince": (min(begun) - OVERLAP).isoformat(timespec="seconds")}):
        tokens = (row.get("customerRefNo"), row.get("customerOrder"))
        for token in {text(one) for one in tokens} & answer.keys():
            remote_id = f"{text(row.get('type'))}/{text(row.get('orderId'))}"
            total = minor(row.get("orderTotal"), exponent(text(row.get("currency"))))
            answer[token].append(_shown(row, remote_id, total=total, vat=None, tokens=tokens, etag=None))
    return answer


def shipments(client: VismaClient, remote_id: str) -> list[Row]:
    """What was shipped of an order, each with the invoice that was made of it. One call."""
    rows = _part(client, remote_id, "shipment")
    return [row for row in rows if text(row.get("shipmentNo")) or text(row.get("invoiceNo"))]


def marks_of(client: VismaClient, remote_id: str) -> tuple[str, str] | None:
    """(status, our token) of an order; None when it is gone."""
    found = client.row(_place(remote_id), operation=_ONE, params={"expand": "customer"})
    if found is None or _status(found[0]).lower() in _GONE:
        return None
    marks = _marks(found[0])
    return _status(found[0]), marks[0] if marks else ""


def missing_rights(client: VismaClient) -> str:
    """The scopes that the service's token lacks, after a call that shows that it is taken. One call."""
    client.call("GET", PATH, operation=f"GET {PATH}", params={"pageIndex": "0", "pageSize": "1"})
    return ", ".join(scope for scope in client.account.scopes if scope not in client.token().scopes)


def body(order: SalesOrder, *, token: str) -> Body:
    """The order as this service takes it: nothing is wrapped, and nothing empty is sent."""
    return {
        "type": order.type,
        "customer": {"id": known(order.customer), "refNo": token, "order": order.reference[:REFERENCE_TEXT]},
        "date": f"{order.day.isoformat()}T00:00:00",
        "currencyId": order.currency,
        "description": order.text[:HEADER_TEXT] or order.reference,
        "note": marked(order.source, token),
        **({"branchId": order.branch} if order.branch else {}),
        "orderLines": [row for line in order.lines for row in _rows(line)],
    }


def _rows(line: SalesOrderLine) -> Iterator[Body]:
    """One line, or two where no price of whole cents gives the amount: the last one costs what is left.

    A discount would say it in one, but whether the extended price is before or after it is not documented.
    """
    for quantity, price in prices(line.quantity, line.net):
        yield {
            "inventoryId": line.item,
            "quantity": _plain(quantity),
            "unitPrice": number(price),
            "hasManualPrice": True,
            "hasManualDiscount": True,
            "taxCategoryId": line.vat_code,
            "description": line.text[:LINE_TEXT],
        }


def prices(quantity: Decimal, net: Money) -> list[tuple[Decimal, Money]]:
    """(quantity, price of one) whose products sum to `net` exactly.

    Raises UsageError for part of a unit that no price of whole cents gives.
    """
    each = Decimal(net.minor) / quantity
    if each == each.to_integral_value():
        return [(quantity, Money(int(each), net.currency))]
    if quantity != quantity.to_integral_value() or quantity < 2:
        raise UsageError(f"{net} for {quantity} has no price of whole cents.", record=str(quantity))
    low = int(each.to_integral_value(ROUND_DOWN))
    most = quantity - 1
    return [(most, Money(low, net.currency)), (Decimal(1), Money(net.minor - low * int(most), net.currency))]


def _plain(quantity: Decimal) -> int | Decimal:
    return int(quantity) if quantity == quantity.to_integral_value() else quantity


def _number(answer: Answer) -> str:
    """From the Location, read as text and never called; else as the body says it."""
    location = answer.headers.get("location", "")
    if location:
        return last_segment(location)
    try:
        content = answer.json() if answer.body.strip() else {}
    except ValueError:
        return ""
    return text(content.get("orderId")) if isinstance(content, Mapping) else ""


def _place(remote_id: str) -> str:
    kind, _, found = remote_id.rpartition("/")
    return f"{PATH}/{segment(kind)}/{segment(found)}"


def _marks(row: Row) -> tuple[str, ...]:
    """Where our reference may be shown, its own field first: how a single order names that is not certain."""
    customer = row.get("customer")
    said = customer if isinstance(customer, Mapping) else {}
    fields = (said.get("refNo"), said.get("customerRefNo"), row.get("customerRefNo"), *bracketed(text(row.get("note"))))
    return tuple(found for one in (*fields, said.get("order"), row.get("customerOrder")) if (found := text(one)))


def _version(row: Row) -> str:
    return f'"{text(row.get("version"))}"'


def _status(row: Row) -> str:
    """A word, or an object that holds one: both are seen."""
    said = row.get("status")
    if isinstance(said, Mapping):
        return next((str(one) for one in said.values() if isinstance(one, str) and one), "")
    return text(said)


def _shown(
    row: Row, remote_id: str, *, total: int, vat: int | None, tokens: tuple[Any, ...], etag: str | None
) -> Observed:
    status = _status(row)
    return Observed(
        remote_id=remote_id,
        number=text(row.get("orderId")),
        state="gone" if status.lower() in _GONE else "released",
        status=status,
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
    where = f"{_place(remote_id)}/lines"
    return _pages(client, where, {}, operation=f"{_ONE}/lines", size=1_000)


def _listed(client: VismaClient, params: Mapping[str, str]) -> Iterator[Row]:
    return _pages(client, PATH, params, operation=f"GET {PATH}", size=PAGE_SIZE)


def _part(client: VismaClient, remote_id: str, name: str) -> list[Row]:
    return client.rows(f"{_place(remote_id)}/{name}", operation=f"{_ONE}/{name}")


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
