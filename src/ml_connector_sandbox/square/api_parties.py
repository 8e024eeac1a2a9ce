"""Endpoints of customers and vendors."""

from __future__ import annotations

from ml_connector_sandbox.square import parties
from ml_connector_sandbox.square.api_orders import RANGE
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
from ml_connector_sandbox.square.faults import Refused, not_found
from ml_connector_sandbox.square.shelves import EVERYWHERE, Row, Shelf
from ml_connector_sandbox.square.state import must

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
BULK_CUSTOMERS: Shape = {"customer_ids": ["str"]}
BULK_VENDORS: Shape = {"vendor_ids": ["str"]}


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


def bulk_customers(call: Call) -> Answer:
    """Several customers: each id answers with the customer or with errors."""
    shelf = call.merchant.customers
    return _each(need(call.body, "customer_ids"), shelf, "Customer", "customer")


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


def _each(keys: list[str], shelf: Shelf, what: str, name: str) -> Answer:
    rows = {key: shelf.get(key) for key in keys}
    answers = {k: {name: row.body} if row else {"errors": [not_found(what, k).error()]} for k, row in rows.items()}
    return {"responses": answers}


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
    return _each(need(call.body, "vendor_ids"), call.merchant.vendors, "Vendor", "vendor")


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
