"""Endpoints of orders: search with its odd rules, batch read, create, update, pay, calculate."""

from __future__ import annotations

from collections.abc import Callable

from ml_connector_sandbox.square import orders, payments, pricing
from ml_connector_sandbox.square.api_reading import get_one
from ml_connector_sandbox.square.calls import Answer, Call, Shape, Walk, choice, limit_of, need, page, time_range
from ml_connector_sandbox.square.faults import Json, bad
from ml_connector_sandbox.square.shelves import Field, Row, Stored, dumps
from ml_connector_sandbox.square.state import must

RANGE: Shape = {"start_at": "str", "end_at": "str"}
MONEY: Shape = {"amount": "int", "currency": "str"}
_APPLIED: Shape = {"uid": "str", "tax_uid": "str", "discount_uid": "str", "applied_money": MONEY}
_MODIFIER: Shape = {
    "uid": "str", "name": "str", "base_price_money": MONEY, "quantity": "str", "catalog_object_id": "str",
}  # fmt: skip
_LINE: Shape = {
    "uid": "str", "name": "str", "quantity": "str", "note": "str", "catalog_object_id": "str", "catalog_version": "int",
    "variation_name": "str", "item_type": "str", "metadata": "map", "base_price_money": MONEY,
    "modifiers": [_MODIFIER],
    "applied_taxes": [_APPLIED], "applied_discounts": [_APPLIED],
}  # fmt: skip
_TAX: Shape = {
    "uid": "str", "catalog_object_id": "str", "catalog_version": "int", "name": "str", "type": "str",
    "percentage": "str", "metadata": "map", "scope": "str",
}  # fmt: skip
_DISCOUNT: Shape = dict(_TAX) | {"amount_money": MONEY}
_CHARGE: Shape = {
    "uid": "str", "name": "str", "catalog_object_id": "str", "percentage": "str", "amount_money": MONEY,
    "calculation_phase": "str", "taxable": "bool", "applied_taxes": [_APPLIED], "metadata": "map",
    "treatment_type": "str", "scope": "str",
}  # fmt: skip
ORDER: Shape = {
    "location_id": "str", "reference_id": "str", "source": {"name": "str"}, "customer_id": "str", "line_items": [_LINE],
    "taxes": [_TAX], "discounts": [_DISCOUNT], "service_charges": [_CHARGE], "fulfillments": ["map"], "metadata": "map",
    "state": "str", "version": "int", "ticket_name": "str", "pricing_options": "map",
}  # fmt: skip

CREATE: Shape = {"order": ORDER, "idempotency_key": "str"}
UPDATE: Shape = {"order": ORDER, "fields_to_clear": ["str"], "idempotency_key": "str"}
PAY: Shape = {"idempotency_key": "str", "order_version": "int", "payment_ids": ["str"]}
CALCULATE: Shape = {"order": ORDER, "proposed_rewards": ["map"]}
BATCH: Shape = {"location_id": "str", "order_ids": ["str"]}
SEARCH: Shape = {
    "location_ids": ["str"], "cursor": "str", "limit": "int", "return_entries": "bool",
    "query": {
        "filter": {
            "state_filter": {"states": ["str"]},
            "date_time_filter": {"created_at": RANGE, "updated_at": RANGE, "closed_at": RANGE},
            "fulfillment_filter": {"fulfillment_types": ["str"], "fulfillment_states": ["str"]},
            "source_filter": {"source_names": ["str"]},
            "customer_filter": {"customer_ids": ["str"]},
        },
        "sort": {"sort_field": "str", "sort_order": "str"},
    },
}  # fmt: skip
_STATES = ("OPEN", "COMPLETED", "CANCELED", "DRAFT")


def get_order(call: Call) -> Answer:
    """One order."""
    return get_one(call.merchant.orders, "Order", "order", call.args["order_id"])


def batch_retrieve(call: Call) -> Answer:
    """Up to 100 orders by id; unknown ids are dropped in silence."""
    ids = need(call.body, "order_ids")
    if len(ids) > 100:
        raise bad("ARRAY_LENGTH_TOO_LONG", "At most 100 order_ids.", field="order_ids")
    rows = [row for key in ids if (row := call.merchant.orders.get(key))]
    if call.body.get("location_id"):
        rows = [row for row in rows if row.location == call.body["location_id"]]
    return f'{{"orders":[{",".join(row.text() for row in rows)}]}}' if rows else "{}"


def search(call: Call) -> Answer:
    """Orders of up to ten locations. One time filter at most, and the sort must name the same time."""
    places = need(call.body, "location_ids")
    if len(places) > 10:
        raise bad("ARRAY_LENGTH_TOO_LONG", "At most 10 location_ids.", field="location_ids")
    for place in places:
        call.merchant.location(place)
    query = call.body.get("query") or {}
    wanted, sort = query.get("filter") or {}, query.get("sort") or {}
    field_name = choice(
        sort.get("sort_field"), ("CREATED_AT", "UPDATED_AT", "CLOSED_AT"), "query.sort.sort_field", default="CREATED_AT"
    )
    order = choice(sort.get("sort_order"), ("ASC", "DESC"), "query.sort.sort_order", default="DESC")
    times = {k: v for k, v in (wanted.get("date_time_filter") or {}).items() if v}
    if len(times) > 1:
        raise bad("BAD_REQUEST", "Only one time range at a time.", field="query.filter.date_time_filter")
    if times and next(iter(times)).upper() != field_name:
        detail = "The sort_field must be the field of the date_time_filter."
        raise bad("BAD_REQUEST", detail, field="query.sort.sort_field")
    lo, hi = time_range(next(iter(times.values())), "start_at", "end_at") if times else (None, None)
    fields: dict[str, Field] = {"CREATED_AT": "created", "UPDATED_AT": "updated", "CLOSED_AT": "closed"}
    walk = Walk(
        fields[field_name],
        tuple(dict.fromkeys(places)),
        lo=lo,
        hi=call.now if hi is None else hi,
        descending=order == "DESC",
        keep=_order_filter(wanted),
    )
    limit = limit_of(call.body.get("limit"), default=500, top=1000, strict=True)
    if call.body.get("return_entries"):
        return page(call, call.merchant.orders, name="order_entries", walk=walk, limit=limit, render=_entry)
    return page(call, call.merchant.orders, name="orders", walk=walk, limit=limit)


def _order_filter(wanted: Json) -> Callable[[Row], bool] | None:
    states = (wanted.get("state_filter") or {}).get("states")
    for state in states or []:
        choice(state, _STATES, "query.filter.state_filter.states", default="OPEN")
    sources = (wanted.get("source_filter") or {}).get("source_names")
    customers = (wanted.get("customer_filter") or {}).get("customer_ids")
    for name, values in (("source_names", sources), ("customer_ids", customers)):
        if values and len(values) > 10:
            raise bad("ARRAY_LENGTH_TOO_LONG", f"At most 10 {name}.", field=f"query.filter.{name}")
    fulfilled = wanted.get("fulfillment_filter")
    if not (states or sources or customers or fulfilled):
        return None

    def keep(row: Row) -> bool:
        # A computed row is a completed till sale: no need to read it.
        if not isinstance(row, Stored) and not (sources or customers or fulfilled):
            return "COMPLETED" in (states or ())
        body = row.body
        return (
            (not states or body["state"] in states)
            and (not sources or (body.get("source") or {}).get("name") in sources)
            and (not customers or body.get("customer_id") in customers)
            and (not fulfilled or bool(body.get("fulfillments")))
        )

    return keep


def _entry(row: Row) -> str:
    body = row.body
    version = {"version": body["version"]} if "version" in body else {}
    return dumps({"order_id": row.id, "location_id": row.location} | version)


def create(call: Call) -> Answer:
    """A new order by API: it has a version and sends events."""
    wanted = need(call.body, "order")
    location_id = str(call.merchant.location(need(wanted, "location_id"))["id"])
    if wanted.get("state") not in {None, "OPEN", "DRAFT"}:
        raise bad("INVALID_VALUE", "A new order is OPEN or DRAFT.", field="order.state")
    source = (wanted.get("source") or {}).get("name") or "Sandbox application"
    row = orders.open_order(
        call.world, call.merchant, request=wanted, location_id=location_id, now=call.now, source=source, api=True
    )
    return {"order": row.body}


def update(call: Call) -> Answer:
    """Sparse update of an OPEN order; needs its present version."""
    row = must(call.merchant.orders.own(call.args["order_id"]), "Order", call.args["order_id"])
    wanted = call.body.get("order") or {}
    if row.id not in call.merchant.api_orders:
        raise bad("BAD_REQUEST", "Orders not made through the API cannot be updated.", field="order_id")
    if wanted.get("version") != row.body["version"]:
        raise bad("VERSION_MISMATCH", f"Order {row.id} is at version {row.body['version']}.", field="order.version")
    if row.body["state"] not in {"OPEN", "DRAFT"}:
        raise bad("BAD_REQUEST", f"Order {row.id} is {row.body['state']}.", field="order.state")
    if wanted.get("state") == "CANCELED":
        orders.cancel(call.world, call.merchant, row, now=call.now)
        return {"order": row.body}
    request = _merged(row.body, wanted, call.body.get("fields_to_clear") or [])
    row.body |= {
        k: wanted[k] for k in ("customer_id", "reference_id", "metadata", "state", "ticket_name") if wanted.get(k)
    }
    orders.reprice(call.world, call.merchant, row, request)
    orders.touch(call.world, call.merchant, row, now=call.now)
    return {"order": row.body}


def _merged(body: Json, wanted: Json, clear: list[str]) -> Json:
    """The order request after the change: parts replaced by uid, new ones added, cleared ones gone."""
    merged: Json = {}
    for part in ("line_items", "taxes", "discounts", "service_charges"):
        kept = {item["uid"]: _asked(item) for item in body.get(part) or [] if part not in clear}
        kept = {uid: item for uid, item in kept.items() if f"{part}[{uid}]" not in clear}
        fresh = []
        for item in wanted.get(part) or []:
            if item.get("uid") in kept:
                kept[item["uid"]] |= item
            else:
                fresh.append(item)
        merged[part] = [*kept.values(), *fresh]
    return merged


def _asked(item: Json) -> Json:
    """A priced part as it was asked for."""
    computed = {
        "variation_total_price_money", "gross_sales_money", "total_tax_money", "total_discount_money", "total_money",
        "total_service_charge_money", "applied_money",
    }  # fmt: skip
    return {k: v for k, v in item.items() if k not in computed}


def calculate(call: Call) -> Answer:
    """Price an order without making it."""
    wanted = need(call.body, "order")
    location_id = str(call.merchant.location(need(wanted, "location_id"))["id"])
    parts = pricing.priced(call.merchant, orders.with_uids(call.world, wanted))
    return {"order": {"location_id": location_id, "state": "OPEN", "version": 1} | parts}


def pay(call: Call) -> Answer:
    """Complete the APPROVED payments of an order, or close an order that costs nothing."""
    row = must(call.merchant.orders.own(call.args["order_id"]), "Order", call.args["order_id"])
    version = call.body.get("order_version")
    if version is not None and version != row.body.get("version"):
        raise bad("VERSION_MISMATCH", f"Order {row.id} is at version {row.body.get('version')}.", field="order_version")
    rows = [must(call.merchant.payments.own(key), "Payment", key) for key in call.body.get("payment_ids") or []]
    if any(payment.body["order_id"] != row.id for payment in rows):
        raise bad("BAD_REQUEST", "A payment belongs to another order.", field="payment_ids")
    if orders.amount_due(row, call.world) > 0:
        raise bad("BAD_REQUEST", "The payments do not cover the order.", field="payment_ids")
    _capture_all(call, rows)
    orders.settle(call.world, call.merchant, row, now=call.now, business_at=call.now)
    return {"order": row.body}


def _capture_all(call: Call, rows: list[Stored]) -> None:
    for payment in rows:
        if payment.body["status"] == "APPROVED":
            payments.capture(call.world, call.merchant, payment, now=call.now)
