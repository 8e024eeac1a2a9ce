"""Endpoints of invoices."""

from __future__ import annotations

from ml_connector_sandbox.square import invoices
from ml_connector_sandbox.square.api_orders import MONEY
from ml_connector_sandbox.square.api_reading import get_one
from ml_connector_sandbox.square.calls import (
    Answer,
    Call,
    Shape,
    Walk,
    choice,
    limit_of,
    need,
    page,
)
from ml_connector_sandbox.square.faults import bad
from ml_connector_sandbox.square.state import must

_PAYMENT_REQUEST: Shape = {
    "uid": "str", "request_type": "str", "due_date": "str", "fixed_amount_requested_money": MONEY,
    "percentage_requested": "str", "tipping_enabled": "bool", "automatic_payment_source": "str", "card_id": "str",
    "reminders": ["map"], "request_method": "str",
}  # fmt: skip
_INVOICE: Shape = {
    "version": "int", "location_id": "str", "order_id": "str", "primary_recipient": {"customer_id": "str"},
    "payment_requests": [_PAYMENT_REQUEST], "delivery_method": "str", "invoice_number": "str", "title": "str",
    "description": "str", "scheduled_at": "str", "accepted_payment_methods": "map", "custom_fields": ["map"],
    "sale_or_service_date": "str", "payment_conditions": "str", "store_payment_method_enabled": "bool",
}  # fmt: skip
CREATE_INVOICE: Shape = {"invoice": _INVOICE, "idempotency_key": "str"}
UPDATE_INVOICE: Shape = {"invoice": _INVOICE, "idempotency_key": "str", "fields_to_clear": ["str"]}
PUBLISH_INVOICE: Shape = {"version": "int", "idempotency_key": "str"}
CANCEL_INVOICE: Shape = {"version": "int"}
SEARCH_INVOICES: Shape = {
    "limit": "int", "cursor": "str",
    "query": {"filter": {"location_ids": ["str"], "customer_ids": ["str"]}, "sort": {"field": "str", "order": "str"}},
}  # fmt: skip


def list_invoices(call: Call) -> Answer:
    """Invoices of one location; no other filter exists."""
    if not call.query.get("location_id"):
        raise bad("MISSING_REQUIRED_PARAMETER", "location_id is required.", field="location_id")
    location = str(call.merchant.location(call.query["location_id"])["id"])
    limit = limit_of(call.query.get("limit"), default=100, top=200, strict=True)
    walk = Walk("created", (location,), descending=True)
    return page(call, call.merchant.invoices, name="invoices", walk=walk, limit=limit)


def search_invoices(call: Call) -> Answer:
    """Invoices of exactly one location and at most one customer."""
    query = need(call.body, "query")
    wanted, sort = query.get("filter") or {}, query.get("sort") or {}
    places, customers = wanted.get("location_ids") or [], wanted.get("customer_ids") or []
    if len(places) != 1:
        raise bad("INVALID_VALUE", "Exactly one location id.", field="query.filter.location_ids")
    if len(customers) > 1:
        raise bad("INVALID_VALUE", "At most one customer id.", field="query.filter.customer_ids")
    choice(sort.get("field"), ("INVOICE_SORT_DATE",), "query.sort.field", default="INVOICE_SORT_DATE")
    order = choice(sort.get("order"), ("ASC", "DESC"), "query.sort.sort_order", default="DESC")
    location = str(call.merchant.location(places[0])["id"])
    walk = Walk(
        "created",
        (location,),
        descending=order == "DESC",
        keep=lambda row: not customers or row.body["primary_recipient"].get("customer_id") == customers[0],
    )
    limit = limit_of(call.body.get("limit"), default=100, top=200, strict=True)
    return page(call, call.merchant.invoices, name="invoices", walk=walk, limit=limit)


def get_invoice(call: Call) -> Answer:
    """One invoice."""
    return get_one(call.merchant.invoices, "Invoice", "invoice", call.args["invoice_id"])


def create_invoice(call: Call) -> Answer:
    """A DRAFT of an open order."""
    return {"invoice": invoices.draft(call.world, call.merchant, request=need(call.body, "invoice"), now=call.now).body}


def change_invoice(call: Call) -> Answer:
    """Update, publish, cancel or delete, each against the present version."""
    row = must(call.merchant.invoices.own(call.args["invoice_id"]), "Invoice", call.args["invoice_id"])
    verb = call.request.path.rsplit("/", 1)[-1]
    version = call.query.get("version") if call.request.method == "DELETE" else call.body.get("version")
    if call.request.method == "PUT":
        version = need(call.body, "invoice").get("version")
    if str(version) != str(row.body["version"]) and not (call.request.method == "DELETE" and version is None):
        raise bad("VERSION_MISMATCH", f"Invoice {row.id} is at version {row.body['version']}.", field="version")
    world, merchant, now = call.world, call.merchant, call.now
    if call.request.method == "DELETE":
        invoices.delete(world, merchant, row, now=now)
        return {}
    if verb == "publish":
        invoices.publish(world, merchant, row, now=now)
    elif verb == "cancel":
        invoices.cancel(world, merchant, row, now=now)
    else:
        invoices.update(world, merchant, row, changes=call.body["invoice"], now=now)
    return {"invoice": row.body}
