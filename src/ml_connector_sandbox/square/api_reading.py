"""Endpoints that read: locations, merchants, payments, refunds, payouts, disputes."""

from __future__ import annotations

from collections.abc import Callable

from ml_connector_sandbox.core.instants import DAY, stamp_s
from ml_connector_sandbox.square import payments, payouts
from ml_connector_sandbox.square.calls import (
    Answer,
    Call,
    Walk,
    choice,
    limit_of,
    page,
    page_from,
    page_of_list,
    position,
    time_range,
)
from ml_connector_sandbox.square.faults import Json, bad, not_found
from ml_connector_sandbox.square.shelves import EVERYWHERE, Row, Shelf, Stored, dumps
from ml_connector_sandbox.square.state import Merchant

YEAR = 365 * DAY


def list_locations(call: Call) -> Answer:
    """All locations, inactive ones too; no paging."""
    return {"locations": list(call.merchant.locations.values())}


def get_location(call: Call) -> Answer:
    """One location; `main` is allowed."""
    return {"location": call.merchant.location(call.args["location_id"])}


def list_merchants(call: Call) -> Answer:
    """The merchant of the token. The key is singular even for the list."""
    return {"merchant": [_merchant(call.merchant)]}


def get_merchant(call: Call) -> Answer:
    """The merchant of the token, by id or `me`."""
    if call.args["merchant_id"] not in {"me", call.merchant.id}:
        raise not_found("Merchant", call.args["merchant_id"])
    return {"merchant": _merchant(call.merchant)}


def _merchant(merchant: Merchant) -> Json:
    first = merchant.locations[merchant.main_location_id]
    return {
        "id": merchant.id,
        "business_name": merchant.name,
        "country": merchant.country,
        "language_code": first["language_code"],
        "currency": merchant.currency,
        "status": "ACTIVE",
        "main_location_id": merchant.main_location_id,
        "created_at": stamp_s(merchant.created),
    }


def get_one(shelf: Shelf, kind: str, name: str, key: str) -> Answer:
    """A single read as JSON text."""
    row = shelf.get(key)
    if row is None:
        raise not_found(kind, key)
    return f'{{"{name}":{row.text()}}}'


def get_payment(call: Call) -> Answer:
    """One payment."""
    return get_one(call.merchant.payments, "Payment", "payment", call.args["payment_id"])


def get_refund(call: Call) -> Answer:
    """One refund."""
    return get_one(call.merchant.refunds, "Refund", "refund", call.args["refund_id"])


def get_dispute(call: Call) -> Answer:
    """One dispute."""
    return get_one(call.merchant.disputes, "Dispute", "dispute", call.args["dispute_id"])


def _boolean(call: Call, name: str, *, default: bool) -> bool:
    value = call.query.get(name)
    if value not in {None, "true", "false"}:
        raise bad("EXPECTED_BOOLEAN", f"Expected true or false for `{name}`.", field=name)
    return default if value is None else value == "true"


def list_payments(call: Call) -> Answer:
    """Payments of one location: the main one unless said otherwise; offline ones only when asked for (a knob)."""
    query, merchant = call.query, call.merchant
    location = str(merchant.location(query.get("location_id"))["id"])
    created = time_range(query, "begin_time", "end_time")
    updated = time_range(query, "updated_at_begin_time", "updated_at_end_time")
    begin = call.now - YEAR if created[0] is None else created[0]
    fields = ("CREATED_AT", "OFFLINE_CREATED_AT", "UPDATED_AT")
    sort = choice(query.get("sort_field"), fields, "sort_field", default="CREATED_AT")
    descending = choice(query.get("sort_order"), ("ASC", "DESC"), "sort_order", default="DESC") == "DESC"
    limit = limit_of(query.get("limit"), default=100, top=100, strict=False)
    keep = _payment_filter(call)
    if sort == "OFFLINE_CREATED_AT":
        return _offline_page(call, location, keep, descending=descending, limit=limit)
    if sort == "UPDATED_AT":

        def both(row: Row) -> bool:
            return begin <= row.created <= (created[1] or row.created) and keep(row)

        walk = Walk("updated", (location,), lo=updated[0], hi=updated[1], descending=descending, keep=both)
    else:

        def also(row: Row) -> bool:
            lo, hi = updated
            return (lo is None or row.updated >= lo) and (hi is None or row.updated <= hi) and keep(row)

        walk = Walk("created", (location,), lo=begin, hi=created[1], descending=descending, keep=also)
    return page(call, merchant.payments, name="payments", walk=walk, limit=limit)


def _payment_filter(call: Call) -> Callable[[Row], bool]:
    """What besides times decides: the offline flag, device time, total, card."""
    query = call.query
    offline = _boolean(call, "is_offline_payment", default=False)
    device = time_range(query, "offline_begin_time", "offline_end_time")
    by_device = any(query.get(name) for name in ("offline_begin_time", "offline_end_time"))
    # Both bounds default to the present, so that one alone finds nothing.
    lo, hi = (call.now if device[0] is None else device[0]), (call.now if device[1] is None else device[1])
    hide = call.world.knobs.offline_hidden_by_default and not by_device
    wanted = {k: query[k] for k in ("total", "last_4", "card_brand") if query.get(k)}
    if "total" in wanted and not wanted["total"].isdigit():
        raise bad("EXPECTED_INTEGER", "Expected an integer for `total`.", field="total")

    def keep(row: Row) -> bool:
        # Computed rows are plain online sales; reading their body would cost more than the page.
        body = row.body if wanted or isinstance(row, Stored) else {}
        is_offline = bool(body.get("is_offline_payment"))
        if (offline and not is_offline) or (is_offline and not offline and hide):
            return False
        if by_device and not (is_offline and isinstance(row, Stored) and lo <= payments.business_time(row) <= hi):
            return False
        return not wanted or _matches(body, wanted)

    return keep


def _matches(body: Json, wanted: dict[str, str]) -> bool:
    card = (body.get("card_details") or {}).get("card") or {}
    facts = {
        "total": str(body["total_money"]["amount"]),
        "last_4": card.get("last_4"),
        "card_brand": card.get("card_brand"),
    }
    return all(facts[k] == v for k, v in wanted.items())


def _offline_page(call: Call, location: str, keep: Callable[[Row], bool], *, descending: bool, limit: int) -> str:
    """Offline payments by device time; few enough to be sorted for each page."""
    found = [
        row
        for row in call.merchant.payments.rows.values()
        if row.location == location and row.body.get("is_offline_payment") and keep(row)
    ]
    found.sort(key=lambda row: (payments.business_time(row), row.id), reverse=descending)
    return page_of_list(call, [row.text() for row in found], name="payments", limit=limit)


def list_refunds(call: Call) -> Answer:
    """Refunds of all locations unless one is named."""
    query, merchant = call.query, call.merchant
    location = str(merchant.location(query["location_id"])["id"]) if query.get("location_id") else EVERYWHERE
    created = time_range(query, "begin_time", "end_time")
    begin = call.now - YEAR if created[0] is None else created[0]
    updated = time_range(query, "updated_at_begin_time", "updated_at_end_time")
    # An omitted updated range starts at begin_time.
    updated_lo = begin if updated[0] is None else updated[0]
    sort = choice(query.get("sort_field"), ("CREATED_AT", "UPDATED_AT"), "sort_field", default="CREATED_AT")
    descending = choice(query.get("sort_order"), ("ASC", "DESC"), "sort_order", default="DESC") == "DESC"
    limit = limit_of(query.get("limit"), default=100, top=100, strict=False)

    def keep(row: Row) -> bool:
        return (
            begin <= row.created <= (created[1] or row.created)
            and updated_lo <= row.updated <= (updated[1] or row.updated)
            and query.get("status") in {None, row.body["status"]}
            and query.get("source_type") in {None, row.body.get("destination_type")}
        )

    by_update = sort == "UPDATED_AT"
    walk = Walk(
        "updated" if by_update else "created",
        (location,),
        lo=updated_lo if by_update else begin,
        hi=updated[1] if by_update else created[1],
        descending=descending,
        keep=keep,
    )
    return page(call, merchant.refunds, name="refunds", walk=walk, limit=limit)


def list_payouts(call: Call) -> Answer:
    """Payouts of one location (the main one unless said otherwise), by created_at; there is no filter on changes."""
    query, merchant = call.query, call.merchant
    location = str(merchant.location(query.get("location_id"))["id"])
    lo, hi = time_range(query, "begin_time", "end_time")
    status = query.get("status")
    if status:
        choice(status, ("SENT", "FAILED", "PAID"), "status", default="PAID")
    descending = choice(query.get("sort_order"), ("ASC", "DESC"), "sort_order", default="DESC") == "DESC"
    walk = Walk(
        "created",
        (location,),
        lo=call.now - YEAR if lo is None else lo,
        hi=hi,
        descending=descending,
        keep=lambda row: not status or row.body["status"] == status,
    )
    limit = limit_of(query.get("limit"), default=100, top=100, strict=False)
    return page(
        call, merchant.payouts, name="payouts", walk=walk, limit=limit, render=lambda row: _payout_text(call, row)
    )


def _payout_text(call: Call, row: Row) -> str:
    return dumps(payouts.shown(call.world, row))


def get_payout(call: Call) -> Answer:
    """One payout."""
    row = call.merchant.payouts.get(call.args["payout_id"])
    if row is None:
        raise not_found("Payout", call.args["payout_id"])
    return {"payout": payouts.shown(call.world, row)}


def list_payout_entries(call: Call) -> Answer:
    """The entries of a BATCH; a SIMPLE payout has none."""
    merchant, key = call.merchant, call.args["payout_id"]
    if merchant.payouts.get(key) is None:
        raise not_found("Payout", key)
    limit = limit_of(call.query.get("limit"), default=100, top=100, strict=False)
    order = choice(call.query.get("sort_order"), ("ASC", "DESC"), "sort_order", default="DESC")
    total = sum(len(run) for run in merchant.entries.get(key, []))
    start = position(call)
    stop = min(total, start + limit)
    span = (total - stop, total - start) if order == "DESC" else (start, stop)
    texts = [
        dumps(payouts.entry_shown(call.world, merchant, key, n, entry))
        for n, entry in payouts.entries_of(merchant, key, *span)
    ]
    texts = texts[::-1] if order == "DESC" else texts
    return page_from(call, texts, name="payout_entries", next_position=stop if stop < total else None)


def list_disputes(call: Call) -> Answer:
    """Disputes of all locations unless one is named; no `limit`."""
    query, merchant = call.query, call.merchant
    location = str(merchant.location(query["location_id"])["id"]) if query.get("location_id") else EVERYWHERE
    states = set(query["states"].split(",")) if query.get("states") else None
    walk = Walk("created", (location,), keep=lambda row: states is None or row.body["state"] in states)
    return page(call, merchant.disputes, name="disputes", walk=walk, limit=50)
