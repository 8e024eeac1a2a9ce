"""Endpoints of customers, vendors, invoices, the catalog and gift cards."""

from __future__ import annotations

from ml_connector_sandbox.square import invoices, parties
from ml_connector_sandbox.square.api_orders import MONEY, RANGE
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
    page_of_list,
    time_range,
)
from ml_connector_sandbox.square.faults import Json, Refused, bad, not_found
from ml_connector_sandbox.square.shelves import EVERYWHERE, Row
from ml_connector_sandbox.square.state import must
from ml_connector_sandbox.square.times import parse, stamp

_ADDRESS: Shape = dict.fromkeys(
    """address_line_1 address_line_2 address_line_3 locality sublocality sublocality_2 sublocality_3
    administrative_district_level_1 administrative_district_level_2 administrative_district_level_3 postal_code country
    first_name last_name""".split(),
    "str",
)
_CUSTOMER: Shape = {
    "given_name": "str", "family_name": "str", "company_name": "str", "nickname": "str", "email_address": "str",
    "address": _ADDRESS, "phone_number": "str", "reference_id": "str", "note": "str", "birthday": "str",
    "tax_ids": {"eu_vat": "str"},
}  # fmt: skip
CREATE_CUSTOMER: Shape = dict(_CUSTOMER) | {"idempotency_key": "str"}
UPDATE_CUSTOMER: Shape = dict(_CUSTOMER) | {"version": "int"}
_TEXT: Shape = {"exact": "str", "fuzzy": "str"}
SEARCH_CUSTOMERS: Shape = {
    "cursor": "str", "limit": "int", "count": "bool",
    "query": {
        "filter": {
            "creation_source": {"values": ["str"], "rule": "str"}, "created_at": RANGE, "updated_at": RANGE,
            "email_address": _TEXT, "phone_number": _TEXT, "reference_id": _TEXT, "group_ids": "map",
            "custom_attribute": "map", "segment_ids": "map",
        },
        "sort": {"field": "str", "order": "str"},
    },
}  # fmt: skip
_CONTACT: Shape = {
    "id": "str", "name": "str", "email_address": "str", "phone_number": "str", "removed": "bool", "ordinal": "int",
}  # fmt: skip
_VENDOR: Shape = {
    "id": "str", "created_at": "str", "updated_at": "str", "name": "str", "address": _ADDRESS, "contacts": [_CONTACT],
    "account_number": "str", "note": "str", "version": "int", "status": "str",
}  # fmt: skip
CREATE_VENDOR: Shape = {"idempotency_key": "str", "vendor": _VENDOR}
SEARCH_VENDORS: Shape = {
    "filter": {"name": ["str"], "status": ["str"]}, "sort": {"field": "str", "order": "str"}, "cursor": "str",
}  # fmt: skip
BULK_VENDORS: Shape = {"vendor_ids": ["str"]}
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
SEARCH_CATALOG: Shape = {
    "cursor": "str", "object_types": ["str"], "include_deleted_objects": "bool", "include_related_objects": "bool",
    "begin_time": "str", "query": "map", "limit": "int", "include_category_path_to_root": "bool",
}  # fmt: skip
BATCH_CATALOG: Shape = {
    "object_ids": ["str"], "include_related_objects": "bool", "catalog_version": "int",
    "include_deleted_objects": "bool", "include_category_path_to_root": "bool",
}  # fmt: skip


# ---------------------------------------------------------------------------------------------------- customers
def list_customers(call: Call) -> Answer:
    """All customers; over 100 is refused."""
    limit = limit_of(call.query.get("limit"), default=100, top=100, strict=True)
    choice(call.query.get("sort_field"), ("DEFAULT", "CREATED_AT"), "sort_field", default="DEFAULT")
    order = choice(call.query.get("sort_order"), ("ASC", "DESC"), "sort_order", default="ASC")
    walk = Walk("created", (EVERYWHERE,), descending=order == "DESC")
    return page(call, call.merchant.customers, name="customers", walk=walk, limit=limit)


def search_customers(call: Call) -> Answer:
    """Customers by times and exact texts; sorted by creation only."""
    query = call.body.get("query") or {}
    wanted, sort = query.get("filter") or {}, query.get("sort") or {}
    choice(sort.get("field"), ("DEFAULT", "CREATED_AT"), "query.sort.field", default="DEFAULT")
    order = choice(sort.get("order"), ("ASC", "DESC"), "query.sort.sort_order", default="ASC")
    created = time_range(wanted.get("created_at") or {}, "start_at", "end_at")
    updated = time_range(wanted.get("updated_at") or {}, "start_at", "end_at")
    texts = {
        k: v["exact"]
        for k in ("email_address", "phone_number", "reference_id")
        if (v := wanted.get(k)) and "exact" in v
    }
    sources = wanted.get("creation_source") or {}

    def keep(row: Row) -> bool:
        body = row.body
        inside = body["creation_source"] in (sources.get("values") or [])
        return (
            (updated[0] or row.updated) <= row.updated <= (updated[1] or row.updated)
            and all(body.get(k) == v for k, v in texts.items())
            and (not sources or inside == (sources.get("rule", "INCLUDE") == "INCLUDE"))
        )

    walk = Walk("created", (EVERYWHERE,), lo=created[0], hi=created[1], descending=order == "DESC", keep=keep)
    limit = limit_of(call.body.get("limit"), default=100, top=100, strict=True)
    return page(call, call.merchant.customers, name="customers", walk=walk, limit=limit)


def get_customer(call: Call) -> Answer:
    """One customer."""
    return get_one(call.merchant.customers, "Customer", "customer", call.args["customer_id"])


def create_customer(call: Call) -> Answer:
    """A new customer."""
    return {"customer": parties.create_customer(call.world, call.merchant, call.body, call.now).body}


def update_customer(call: Call) -> Answer:
    """Sparse update."""
    row = must(call.merchant.customers.own(call.args["customer_id"]), "Customer", call.args["customer_id"])
    parties.update_customer(call.world, call.merchant, row, call.body, call.now)
    return {"customer": row.body}


def delete_customer(call: Call) -> Answer:
    """Remove a customer."""
    row = must(call.merchant.customers.own(call.args["customer_id"]), "Customer", call.args["customer_id"])
    parties.delete_customer(call.world, call.merchant, row, call.now)
    return {}


# ---------------------------------------------------------------------------------------------------- vendors
def _vendors_on(call: Call) -> None:
    if not call.world.knobs.vendors_enabled:
        raise Refused(403, "FORBIDDEN", "The seller's plan has no vendors.")


def search_vendors(call: Call) -> Answer:
    """Vendors by name and status: filter and sort stand at the root, there is no limit and no time filter."""
    _vendors_on(call)
    wanted, sort = call.body.get("filter") or {}, call.body.get("sort") or {}
    field = choice(sort.get("field"), ("NAME", "CREATED_AT"), "sort.field", default="CREATED_AT")
    order = choice(sort.get("order"), ("ASC", "DESC"), "sort.sort_order", default="ASC")
    for status in wanted.get("status") or []:
        choice(status, ("ACTIVE", "INACTIVE"), "filter.status", default="ACTIVE")
    rows = [
        row
        for row in call.merchant.vendors.rows.values()
        if (not wanted.get("name") or row.body["name"] in wanted["name"])
        and (not wanted.get("status") or row.body["status"] in wanted["status"])
    ]
    rows.sort(key=lambda row: (row.body["name"] if field == "NAME" else row.created, row.id), reverse=order == "DESC")
    return page_of_list(call, [row.text() for row in rows], name="vendors", limit=100)


def get_vendor(call: Call) -> Answer:
    """One vendor."""
    _vendors_on(call)
    return get_one(call.merchant.vendors, "Vendor", "vendor", call.args["vendor_id"])


def bulk_vendors(call: Call) -> Answer:
    """Several vendors: each id answers with the vendor or with errors."""
    _vendors_on(call)
    responses: Json = {}
    for key in need(call.body, "vendor_ids"):
        row = call.merchant.vendors.get(key)
        responses[key] = {"vendor": row.body} if row else {"errors": [not_found("Vendor", key).error()]}
    return {"responses": responses}


def create_vendor(call: Call) -> Answer:
    """A new vendor."""
    _vendors_on(call)
    return {"vendor": parties.create_vendor(call.world, call.merchant, need(call.body, "vendor"), call.now).body}


def update_vendor(call: Call) -> Answer:
    """Sparse update."""
    _vendors_on(call)
    row = must(call.merchant.vendors.own(call.args["vendor_id"]), "Vendor", call.args["vendor_id"])
    parties.update_vendor(call.world, call.merchant, row, need(call.body, "vendor"), call.now)
    return {"vendor": row.body}


# ---------------------------------------------------------------------------------------------------- invoices
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


# ---------------------------------------------------------------------------------------------------- catalog
def search_catalog(call: Call) -> Answer:
    """Objects changed after `begin_time` (exclusive). `latest_time` is the next mark."""
    begin = parse(call.body["begin_time"], "begin_time") if call.body.get("begin_time") else None
    types, deleted = call.body.get("object_types"), bool(call.body.get("include_deleted_objects"))
    limit = call.body.get("limit") or 0
    rows = [
        row
        for row in call.merchant.catalog.walk(
            "updated", (EVERYWHERE,), lo=(begin, "~") if begin is not None else (-1, "")
        )
        if (not types or row.body["type"] in types) and (deleted or not row.body["is_deleted"])
    ]
    text = page_of_list(call, [row.text() for row in rows], name="objects", limit=limit if 0 < limit <= 1000 else 1000)
    latest = f'"latest_time":"{stamp(call.now)}"'
    return f"{{{latest}}}" if text == "{}" else f"{text[:-1]},{latest}}}"


def get_catalog_object(call: Call) -> Answer:
    """One object."""
    return get_one(call.merchant.catalog, "Catalog object", "object", call.args["object_id"])


def batch_catalog(call: Call) -> Answer:
    """Several objects; unknown ids are left out."""
    rows = [row for key in need(call.body, "object_ids") if (row := call.merchant.catalog.get(key))]
    kept = [row.body for row in rows if call.body.get("include_deleted_objects") or not row.body["is_deleted"]]
    return {"objects": kept} if kept else {}


# ---------------------------------------------------------------------------------------------------- gift cards
def list_gift_cards(call: Call) -> Answer:
    """Gift cards."""
    limit = limit_of(call.query.get("limit"), default=30, top=200, strict=False)
    state = call.query.get("state")
    walk = Walk("created", (EVERYWHERE,), descending=False, keep=lambda row: state in {None, row.body["state"]})
    return page(call, call.merchant.gift_cards, name="gift_cards", walk=walk, limit=limit)


def get_gift_card(call: Call) -> Answer:
    """One gift card."""
    return get_one(call.merchant.gift_cards, "Gift card", "gift_card", call.args["id"])


def list_activities(call: Call) -> Answer:
    """What happened to gift cards, of all locations unless one is named."""
    query = call.query
    location = str(call.merchant.location(query["location_id"])["id"]) if query.get("location_id") else EVERYWHERE
    lo, hi = time_range(query, "begin_time", "end_time")
    order = choice(query.get("sort_order"), ("ASC", "DESC"), "sort_order", default="DESC")

    def keep(row: Row) -> bool:
        return query.get("gift_card_id") in {None, row.body["gift_card_id"]} and query.get("type") in {
            None,
            row.body["type"],
        }

    walk = Walk("created", (location,), lo=lo, hi=hi, descending=order == "DESC", keep=keep)
    limit = limit_of(query.get("limit"), default=50, top=100, strict=False)
    return page(call, call.merchant.activities, name="gift_card_activities", walk=walk, limit=limit)
