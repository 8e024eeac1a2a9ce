"""Endpoints that only a personal access token may call: webhook subscriptions and the event log."""

from __future__ import annotations

from ml_connector_sandbox.core.instants import instant
from ml_connector_sandbox.square import webhooks
from ml_connector_sandbox.square.api_orders import RANGE
from ml_connector_sandbox.square.calls import (
    Answer,
    Call,
    Shape,
    choice,
    limit_of,
    need,
    page_of_list,
    position,
    time_range,
)
from ml_connector_sandbox.square.faults import Json, bad, not_found
from ml_connector_sandbox.square.shelves import dumps
from ml_connector_sandbox.square.times import stamp

_SUBSCRIPTION: Shape = {
    "name": "str", "enabled": "bool", "event_types": ["str"], "notification_url": "str", "api_version": "str",
}  # fmt: skip
CREATE: Shape = {"idempotency_key": "str", "subscription": _SUBSCRIPTION}
UPDATE: Shape = {"subscription": _SUBSCRIPTION}
TEST: Shape = {"event_type": "str"}
ROTATE: Shape = {"idempotency_key": "str"}
SEARCH_EVENTS: Shape = {
    "cursor": "str", "limit": "int",
    "query": {
        "filter": {"event_types": ["str"], "merchant_ids": ["str"], "location_ids": ["str"], "created_at": RANGE},
        "sort": {"field": "str", "order": "str"},
    },
}  # fmt: skip


def list_subscriptions(call: Call) -> Answer:
    """Subscriptions without their keys; disabled ones only when asked for."""
    limit = limit_of(call.query.get("limit"), default=100, top=100, strict=False)
    order = choice(call.query.get("sort_order"), ("ASC", "DESC"), "sort_order", default="ASC")
    rows = [
        s
        for s in call.world.desk.subscriptions.values()
        if s.application_id == call.app.id and (s.enabled or call.query.get("include_disabled") == "true")
    ]
    rows.sort(key=lambda s: (s.created, s.id), reverse=order == "DESC")
    return page_of_list(call, [dumps(s.shown(with_key=False)) for s in rows], name="subscriptions", limit=limit)


def create_subscription(call: Call) -> Answer:
    """A new subscription; this answer and the single read show its key."""
    subscription = webhooks.subscribe(call.world, call.app, need(call.body, "subscription"), call.now)
    return {"subscription": subscription.shown(with_key=True)}


def _subscription(call: Call) -> webhooks.Subscription:
    found = call.world.desk.subscriptions.get(call.args["subscription_id"])
    if found is None or found.application_id != call.app.id:
        raise not_found("Webhook subscription", call.args["subscription_id"])
    return found


def get_subscription(call: Call) -> Answer:
    """One subscription with its key."""
    return {"subscription": _subscription(call).shown(with_key=True)}


def update_subscription(call: Call) -> Answer:
    """Change what is given. Enabling it again starts the three silent weeks anew."""
    found, changes = _subscription(call), call.body.get("subscription") or {}
    types = changes.get("event_types")
    if types is not None:
        unknown = [t for t in types if t not in webhooks.EVENT_TYPES]
        if unknown or not types:
            raise bad("INVALID_VALUE", f"Unknown event types: {unknown}.", field="subscription.event_types")
        found.event_types = tuple(types)
    found.name = changes.get("name") or found.name
    if changes.get("notification_url"):
        found.url = webhooks.check_url(changes["notification_url"])
    found.api_version = changes.get("api_version") or found.api_version
    if changes.get("enabled") is not None:
        found.enabled, found.heard = changes["enabled"], call.now
    found.updated = call.now
    return {"subscription": found.shown(with_key=False)}


def delete_subscription(call: Call) -> Answer:
    """Remove a subscription; what waits for it is dropped."""
    del call.world.desk.subscriptions[_subscription(call).id]
    return {}


def rotate_key(call: Call) -> Answer:
    """A new signature key at once; the old one signs nothing any more."""
    found = _subscription(call)
    found.key, found.updated = webhooks.new_key(call.world), call.now
    return {"signature_key": found.key}


def try_subscription(call: Call) -> Answer:
    """Queue a test event. The sandbox does not wait for its delivery: the answer says 200 beforehand."""
    found = _subscription(call)
    wanted = call.body.get("event_type") or found.event_types[0]
    if wanted not in found.event_types:
        raise bad("INVALID_VALUE", f"{wanted} is not in the subscription.", field="event_type")
    event: Json = {"merchant_id": call.merchant.id, "type": wanted, "event_id": call.world.mint.uuid()}
    key = call.world.mint.mixed(29) + "ZY"
    event |= {
        "created_at": stamp(call.now),
        "data": {"type": wanted.split(".", maxsplit=1)[0], "id": key, "object": {}},
    }
    text = dumps(event)
    call.world.desk.send(found, text.encode(), call.now)
    if call.world.knobs.test_shape == "root":
        return {"notification_url": found.url, "status_code": 200, "passes_filter": True, "payload": event}
    odd = instant(call.now).strftime("%Y-%m-%d %H:%M:%S.%f +0000 UTC m=+3863.054453746")
    result = {"id": event["event_id"], "status_code": 200, "payload": text, "created_at": odd, "updated_at": odd}
    return {"subscription_test_result": result}


def list_event_types(call: Call) -> Answer:
    """All event types."""
    introduced = {"api_version_introduced": "2018-07-12", "release_status": "PUBLIC"}
    types = list(webhooks.EVENT_TYPES)
    del call
    return {"event_types": types, "metadata": [{"event_type": t} | introduced for t in types]}


def search_events(call: Call) -> Answer:
    """Events of the last 28 days that happened while the log was enabled, of all merchants of the application."""
    query = call.body.get("query") or {}
    wanted, sort = query.get("filter") or {}, query.get("sort") or {}
    limit = limit_of(call.body.get("limit"), default=100, top=100, strict=True)
    choice(sort.get("field"), ("DEFAULT",), "query.sort.field", default="DEFAULT")
    order = choice(sort.get("order"), ("ASC", "DESC"), "query.sort.sort_order", default="DESC")
    lo, hi = time_range(wanted.get("created_at") or {}, "start_at", "end_at")
    chosen = [
        event
        for at, event in sorted(webhooks.searchable(call.app, call.now), key=lambda p: p[0], reverse=order == "DESC")
        if (lo is None or at >= lo) and (hi is None or at <= hi) and _wanted(event, wanted)
    ]
    text = page_of_list(call, [event["text"] for event in chosen], name="events", limit=limit)
    if text == "{}":
        return text
    version = call.world.knobs.default_version
    start = position(call)
    shown = [{"event_id": e["event_id"], "api_version": version} for e in chosen[start : start + limit]]
    return f'{text[:-1]},"metadata":{dumps(shown)}}}'


def _wanted(event: Json, wanted: Json) -> bool:
    names = (("event_types", "type"), ("merchant_ids", "merchant_id"), ("location_ids", "location_id"))
    return all(not wanted.get(many) or event[one] in wanted[many] for many, one in names)


def enable_events(call: Call) -> Answer:
    """Keep events from now on."""
    call.app.events_enabled = True
    return {}


def disable_events(call: Call) -> Answer:
    """Keep no events until enabled again; what happens meanwhile is never found."""
    call.app.events_enabled = False
    return {}
