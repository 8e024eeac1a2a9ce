"""Disputes v1 and payouts v1, both for reading."""

from __future__ import annotations

from urllib.parse import urlencode

from ml_connector_sandbox.core.instants import DAY
from ml_connector_sandbox.paypal import disputes, payouts
from ml_connector_sandbox.paypal.calls import Answer, Call, flag, whole
from ml_connector_sandbox.paypal.disputes import Dispute
from ml_connector_sandbox.paypal.refusals import Json, bad, not_found
from ml_connector_sandbox.paypal.state import must
from ml_connector_sandbox.paypal.times import parse

DISPUTE_QUERY = (
    "start_time", "disputed_transaction_id", "page_size", "next_page_token", "dispute_state", "update_time_before",
    "update_time_after",
)  # fmt: skip
_REACH = 180 * DAY
_STATES = {
    "OPEN_INQUIRIES", "REQUIRED_ACTION", "REQUIRED_OTHER_PARTY_ACTION", "UNDER_PAYPAL_REVIEW", "APPEALABLE", "RESOLVED",
}  # fmt: skip


def list_disputes(call: Call) -> Answer:
    """`GET /v1/customer/disputes`: summaries, newest created first, the next page by link."""
    found = [d for d in call.merchant.disputes.values() if _wanted(call, d)]
    found.sort(key=lambda d: (d.created, d.id), reverse=True)
    size = whole(call, "page_size", default=10, low=1, high=50)
    token = call.query.get("next_page_token")
    start = next((n + 1 for n, d in enumerate(found) if d.id == token), 0) if token else 0
    page = found[start : start + size]
    path = "/v1/customer/disputes"
    links = [call.world.link(f"{path}?{urlencode(call.query)}", "self")]
    if start + size < len(found):
        following = urlencode(call.query | {"next_page_token": page[-1].id})
        links.append(call.world.link(f"{path}?{following}", "next"))
    body: Json = {"items": [disputes.summary(call.world, d) for d in page]} if page else {}
    return Answer(200, body | {"links": links})


def _wanted(call: Call, made: Dispute) -> bool:
    query = call.query
    if "start_time" in query and "disputed_transaction_id" in query:
        text = "Give start_time or disputed_transaction_id, not both."
        raise bad("INVALID_PARAMETER_VALUE", text, field="start_time", location="query")
    start = _since(call, "start_time")
    after = _since(call, "update_time_after")
    before = parse(query["update_time_before"], "update_time_before") if "update_time_before" in query else call.now
    states = query.get("dispute_state", "").split(",") if query.get("dispute_state") else []
    unknown = [s for s in states if s not in _STATES]
    if unknown:
        raise bad(
            "INVALID_PARAMETER_VALUE", "No such state.", field="dispute_state", value=unknown[0], location="query"
        )
    if states and disputes.summary(call.world, made)["dispute_state"] not in states:
        return False
    if query.get("disputed_transaction_id", made.transaction_id) != made.transaction_id:
        return False
    return made.created >= start and after <= made.updated <= before


def _since(call: Call, name: str) -> int:
    if name not in call.query:
        return call.now - _REACH
    at = parse(call.query[name], name)
    if at < call.now - _REACH:
        text = "The time must be within the last 180 days."
        raise bad("INVALID_PARAMETER_VALUE", text, field=name, value=call.query[name], location="query")
    return at


def get_dispute(call: Call) -> Answer:
    """`GET /v1/customer/disputes/{id}`."""
    return Answer(200, disputes.show(call.world, must(call.merchant.disputes.get(call.args["id"]))))


def get_batch(call: Call) -> Answer:
    """`GET /v1/payments/payouts/{id}`."""
    batch = must(call.merchant.batches.get(call.args["id"]))
    size = whole(call, "page_size", default=1000, low=1, high=1000)
    number = whole(call, "page", default=1, low=1, high=1000)
    pages = -(-len(batch.items) // size)
    items = batch.items[(number - 1) * size : number * size]
    body: Json = {"batch_header": payouts.show_header(batch)}
    if call.query.get("fields") != "batch_header":
        body["items"] = [payouts.show_item(call.world, batch, item, alone=False) for item in items]
    if flag(call, "total_required", default=False):
        body |= {"total_items": len(batch.items), "total_pages": pages}
    path = f"/v1/payments/payouts/{batch.id}?page_size={size}&page="
    links = [call.world.link(f"{path}{number}", "self")]
    links += [call.world.link(f"{path}{number + 1}", "next")] if number < pages else []
    return Answer(200, body | {"links": links})


def get_item(call: Call) -> Answer:
    """`GET /v1/payments/payouts-item/{payout_item_id}`."""
    for batch in call.merchant.batches.values():
        for item in batch.items:
            if item.id == call.args["payout_item_id"]:
                return Answer(200, payouts.show_item(call.world, batch, item, alone=True))
    raise not_found()
