"""The sales order service: its own paths, scopes and problem details; If-Match is demanded, pages begin at 0."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ml_connector_sandbox.core.wire import Request, Response
from ml_connector_sandbox.visma import sales_orders
from ml_connector_sandbox.visma.access import Access, Session
from ml_connector_sandbox.visma.call import as_json, etag
from ml_connector_sandbox.visma.company import Company, row_version
from ml_connector_sandbox.visma.refusal import Refusal
from ml_connector_sandbox.visma.sales_order_fields import Problem
from ml_connector_sandbox.visma.sales_orders import SalesOrder

Row = dict[str, Any]
ROOT = ["api", "v3", "salesorders"]
READ, WRITE = "visma.net.erp.salesorder:read", "visma.net.erp.salesorder:write"
SECTIONS = frozenset({"none", "customer", "payment", "lines", "shipping", "billing", "attachments", "totals"})
LARGEST_PAGE, LARGEST_EXPANDED, USUAL_PAGE, LINES_PAGE = 1_000, 100, 100, 1_000
_TITLES = {
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    412: "Precondition Failed", 428: "Precondition Required", 429: "Too Many Requests",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Call:
    """One request inside a company. `at` is aware UTC: this service keeps time by UTC."""

    company: Company
    request: Request
    query: dict[str, str]
    at: datetime

    @property
    def root(self) -> str:
        """The address of the orders, as this service names itself."""
        return f"http://{self.request.host}/api/v3/SalesOrders"


def is_of_service(request: Request) -> bool:
    """Whether a request is for this service."""
    return [part.lower() for part in request.path.split("/") if part][:3] == ROOT


def operation(request: Request) -> str:
    """The method and the path with its placeholders."""
    rest = [part for part in request.path.split("/") if part][3:]
    shown = "/".join((*("{type}", "{orderId}")[: len(rest)], *rest[2:3]))
    return f"{request.method} /api/v3/SalesOrders" + (f"/{shown}" if shown else "")


def answer(access: Access, request: Request, at: datetime) -> Response:
    """Answer one request."""
    session = access.session(request)
    if session is None:
        return problem(Refusal(401, "The access token is missing or invalid."))
    within, limits = access.count(session, at)
    try:
        if not within:
            raise Refusal(429, "Rate limit is exceeded.")
        response = _inside(access, session, request, at)
    except Refusal as refusal:
        response = problem(refusal)
    return Response(response.status, response.body, (*response.headers, *limits))


def problem(refusal: Refusal) -> Response:
    """A refusal as problem details."""
    body: Row = {"title": _TITLES.get(refusal.status, "Error"), "status": refusal.status, "detail": refusal.message}
    if isinstance(refusal, Problem):
        body |= {"title": "One or more validation errors occurred.", "errors": {refusal.where: [refusal.message]}}
    return Response(refusal.status, as_json(body), (("Content-Type", "application/problem+json; charset=utf-8"),))


def _inside(access: Access, session: Session, request: Request, at: datetime) -> Response:
    company = access.admitted(session, READ if request.method == "GET" else WRITE, at)
    rest = [part for part in request.path.split("/") if part][3:]
    call = Call(company, request, request.params() if request.query else {}, at)
    if len(rest) < 2:
        acts: dict[str, Callable[[], Response]] = {"GET": lambda: _list(call, rest)}
        if not rest:
            acts["POST"] = lambda: _create(call)
    elif len(rest) == 2:
        order = _find(call, rest)
        acts = {
            "GET": lambda: _one(call, order),
            "PATCH": lambda: _patch(call, order),
            "DELETE": lambda: _delete(call, order),
        }
    else:
        order, part = _find(call, rest), _PARTS.get(rest[2].lower())
        if part is None or len(rest) > 3:
            raise Refusal(404, "There is no such resource.")
        acts = {"GET": lambda: part(call, order)}
    act = acts.get(request.method)
    if act is None:
        raise Refusal(405, f"{request.method} is not allowed here.")
    return act()


def _find(call: Call, rest: list[str]) -> SalesOrder:
    found: SalesOrder | None = call.company.sales_orders.get((rest[0].upper(), rest[1]))
    if found is None:
        raise Refusal(404, f"Sales order {rest[0]} {rest[1]} was not found.")
    return found


def _create(call: Call) -> Response:
    order = sales_orders.create(call.company, call.request.body, call.at)
    place = f"{call.root}/{order.type}/{order.number}"
    return Response(201, b"", (("Location", place), etag(order.stamp)))


def _guard(call: Call, order: SalesOrder) -> None:
    wanted = call.request.headers.get("if-match", "").strip()
    if not wanted:
        raise Refusal(428, "The If-Match header was not supplied.")
    if wanted.removeprefix("W/").strip('"') != row_version(order.stamp):
        raise Refusal(412, "The order version does not match the If-Match header.")


def _patch(call: Call, order: SalesOrder) -> Response:
    _guard(call, order)
    sales_orders.change(call.company, order, call.request.body, call.at)
    return Response(202, b"", (etag(order.stamp),))


def _delete(call: Call, order: SalesOrder) -> Response:
    _guard(call, order)
    sales_orders.remove(call.company, order)
    return Response(202)


def _expanded(call: Call) -> frozenset[str]:
    asked = frozenset(name.strip().lower() for name in call.query.get("expand", "").split(",") if name.strip())
    for name in asked - SECTIONS:
        raise Problem(400, "expand", f"The value '{name}' is not valid.")
    return asked


def _one(call: Call, order: SalesOrder) -> Response:
    return _ok(_shown(call.company, order, _expanded(call)), order)


def _list(call: Call, rest: list[str]) -> Response:
    expanded, query = _expanded(call), call.query
    size = _whole(query, "pageSize", USUAL_PAGE, 1, LARGEST_PAGE)
    size = min(size, LARGEST_EXPANDED) if expanded else size
    page = _whole(query, "pageIndex", 0, 0, 1_000_000)
    since = _moment(query.get("modifiedSince"))
    field, _, direction = query.get("orderBy", "orderId").partition(" ")
    orders: list[SalesOrder] = list(call.company.sales_orders.values())
    keys: dict[str, Callable[[SalesOrder], Any]] = {
        "created": lambda one: one.created, "lastModified": lambda one: one.modified, "orderId": lambda one: one.number,
    }  # fmt: skip
    if field not in keys or direction not in ("", "asc", "desc"):
        raise Problem(400, "orderBy", f"The value '{query['orderBy']}' is not valid.")
    rows = [
        one for one in orders
        if (not rest or one.type == rest[0].upper())
        and query.get("customerId", one.customer.number) in ("", one.customer.number)
        and query.get("status", one.status) in ("", one.status)
        and query.get("filter", "") in one.number
        and (since is None or one.modified >= since)
    ]  # fmt: skip
    rows.sort(key=keys[field], reverse=direction == "desc")
    shown = [_shown_in_list(call.company, one, expanded) for one in rows[page * size : (page + 1) * size]]
    return _ok({"value": shown, "totalCount": len(rows), "pageSize": size, "pageIndex": page})


def _lines(call: Call, order: SalesOrder) -> Response:
    size = _whole(call.query, "pageSize", LINES_PAGE, 1, LINES_PAGE)
    page = _whole(call.query, "pageIndex", 0, 0, 1_000_000)
    rows = _shown_lines(order)
    return _ok({"value": rows[page * size : (page + 1) * size], "totalCount": len(rows)})


def _tax(call: Call, order: SalesOrder) -> Response:
    return _ok([{
        "taxId": tax.vat.id, "taxType": "VAT", "taxRate": tax.rate, "taxableAmount": tax.taxable,
        "taxAmount": tax.amount, "isReverseTax": tax.vat.reverse, "isPendingTax": False, "isStatisticalTax": False,
        "exemptTax": False, "includeInTaxable": True,
    } for tax in order.taxes])  # fmt: skip


def _shipment(call: Call, order: SalesOrder) -> Response:
    return _ok(order.shipments)


_PARTS: dict[str, Callable[[Call, SalesOrder], Response]] = {"lines": _lines, "tax": _tax, "shipment": _shipment}


def _shown(company: Company, order: SalesOrder, expanded: frozenset[str]) -> Row:
    row: Row = {
        "type": order.type,
        "orderId": order.number,
        "status": _status(company, order),
        "date": f"{order.date.isoformat()}T00:00:00Z",
        "currencyId": order.currency,
        "description": order.text,
        "note": order.note,
        "lastModified": _utc(order.modified),
        "orderQty": sum(line.quantity for line in order.lines),
        "version": row_version(order.stamp),
    }
    if company.preferences.order_totals or "totals" in expanded:
        row["totals"] = {"orderTotal": order.net + order.vat, "taxTotal": order.vat, "taxableTotal": order.net}
    if "customer" in expanded:
        row["customer"] = {
            "id": order.customer.number, "name": order.customer.name, "refNo": order.reference, "order": order.order,
        }  # fmt: skip
    if "lines" in expanded:
        row["orderLines"] = _shown_lines(order)
    return row


def _status(company: Company, order: SalesOrder) -> str | Row:
    if not company.preferences.order_status_object:
        return order.status
    return {"description": order.status, "hold": order.status == "Hold", "cancelled": order.status == "Cancelled"}


def _shown_in_list(company: Company, order: SalesOrder, expanded: frozenset[str]) -> Row:
    row = _shown(company, order, expanded - {"totals"})
    for name in ("currencyId", "note", "version", "totals"):
        row.pop(name, None)
    return {
        **row, "status": order.status, "currency": order.currency,
        "customerId": order.customer.number, "customerName": order.customer.name,
        "customerRefNo": order.reference, "customerOrder": order.order, "orderTotal": order.net + order.vat,
        "location": "MAIN",
    }  # fmt: skip


def _shown_lines(order: SalesOrder) -> list[Row]:
    return [{
        "lineId": line.number, "sortOrder": line.number, "inventory": {"id": line.item, "description": line.text},
        "description": line.text, "quantity": line.quantity, "unitPrice": line.price, "extendedPrice": line.amount,
        "lineTotalBeforeDiscount": line.amount, "discountAmount": 0, "discountPercent": 0, "taxCategoryId": line.vat,
        "quantityOnShipments": line.shipped, "billedQuantity": line.billed,
        "openQuantity": line.quantity - line.shipped, "openLine": line.shipped < line.quantity,
        "completed": line.shipped >= line.quantity,
    } for line in order.lines]  # fmt: skip


def _ok(content: Any, order: SalesOrder | None = None) -> Response:
    headers = (("Content-Type", "application/json; charset=utf-8"),)
    return Response(200, as_json(content), headers if order is None else (*headers, etag(order.stamp)))


def _whole(query: dict[str, str], name: str, usual: int, least: int, most: int) -> int:
    text = query.get(name, str(usual))
    if not text.isdecimal() or not least <= int(text) <= most:
        raise Problem(400, name, f"The value '{text}' is outside the allowed range.")
    return int(text)


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Problem(400, "modifiedSince", f"The value '{text}' is not valid.") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _utc(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
