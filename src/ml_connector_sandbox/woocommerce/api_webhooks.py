"""Endpoints of webhooks, with the traps of their creation."""

from __future__ import annotations

from typing import Any

from ml_connector_sandbox.woocommerce import listing
from ml_connector_sandbox.woocommerce.api_orders import batch
from ml_connector_sandbox.woocommerce.calls import CONTEXT, PAGING, PICKED, Answer, Arg, Call, check
from ml_connector_sandbox.woocommerce.faults import Json, Refused, bad_param
from ml_connector_sandbox.woocommerce.shown import link
from ml_connector_sandbox.woocommerce.webhooks import Webhook, check_topic, check_url, shown

_STATUSES = ("active", "paused", "disabled")
LIST = {
    **CONTEXT, **PAGING, **PICKED,
    "after": Arg("date-time"),
    "before": Arg("date-time"),
    "order": Arg("string", "desc", ("asc", "desc")),
    "orderby": Arg("string", "date", ("date", "id", "title")),
    "search": Arg("string"),
    "status": Arg("string", "all", ("all", *_STATUSES)),
}  # fmt: skip
CREATE = {
    "delivery_url": Arg("string", required=True),
    "name": Arg("string"),
    "secret": Arg("string"),
    "status": Arg("string", "active", _STATUSES),
    "topic": Arg("string", required=True),
}
UPDATE = {"name": Arg("string"), "secret": Arg("string"), "status": Arg("string"), "topic": Arg("string")}
DELETE = {"force": Arg("boolean", default=False)}


def list_webhooks(call: Call) -> Answer:
    """Webhooks; `offset` is ignored here."""
    call.params.pop("offset", None)
    limits = listing.bounds(call)
    rows = [
        h
        for h in call.store.desk.hooks.values()
        if call.params["status"] in ("all", h.status)
        and listing.picked(call, h.id)
        and limits.keep(h.created, h.modified)
        and str(call.params.get("search", "")).lower() in h.name.lower()
    ]
    by_name = call.params["orderby"] == "title"
    rows = listing.in_order(call, rows, lambda h: (h.name if by_name else "", h.id))
    return listing.paged(call, rows, lambda h: shown(call.store, h))


def _find(call: Call, hook_id: Any) -> Webhook:
    found = call.store.desk.hooks.get(int(hook_id or 0))
    if found is None:
        raise Refused(404, "woocommerce_rest_shop_webhook_invalid_id", "Invalid ID.")
    return found


def read_webhook(call: Call) -> Answer:
    """One webhook, without its secret."""
    return Answer(shown(call.store, _find(call, call.id())))


def create_webhook(call: Call) -> Answer:
    """A new webhook, active whatever was asked; the ping goes out at once and its failure does not matter."""
    hook = _create(call, call.params)
    return Answer(shown(call.store, hook), 201, (("Location", link(call.store, f"/webhooks/{hook.id}")),))


def _create(call: Call, body: Json) -> Webhook:
    store = call.store
    topic, url = check_topic(body["topic"]), check_url(body["delivery_url"])
    name = body.get("name") or f"Webhook created on {call.stamp}"
    secret = body.get("secret") or store.mint.mixed(50)
    hook_id = store.number("webhook")
    hook = Webhook(hook_id, name, "active", topic, url, secret, call.me.id, call.stamp, call.stamp)
    store.desk.add(hook)
    return hook


def update_webhook(call: Call) -> Answer:
    """Change a webhook; its counter of failures stays, and no ping goes out."""
    return Answer(shown(call.store, _update(call, call.id(), call.params)))


def _update(call: Call, hook_id: Any, body: Json) -> Webhook:
    hook = _find(call, hook_id)
    if body.get("status") and body["status"] not in _STATUSES:
        raise bad_param("status", f"status is not one of {', '.join(_STATUSES)}.", "rest_not_in_enum")
    topic = check_topic(body["topic"]) if body.get("topic") else hook.topic
    hook.topic, hook.modified = topic, call.stamp
    hook.name, hook.secret = body.get("name", hook.name), body.get("secret", hook.secret)
    hook.status = body.get("status") or hook.status
    return hook


def delete_webhook(call: Call) -> Answer:
    """Webhooks have no bin: force is needed."""
    if not call.params["force"]:
        raise Refused(501, "woocommerce_rest_trash_not_supported", "Webhooks do not support trashing.")
    return Answer(_delete(call, call.id()))


def _delete(call: Call, hook_id: Any) -> Json:
    hook = _find(call, hook_id)
    del call.store.desk.hooks[hook.id]
    return shown(call.store, hook)


def batch_webhooks(call: Call) -> Answer:
    """Many at once."""
    return batch(
        call,
        create=lambda body: shown(call.store, _create(call, check(CREATE, body))),
        update=lambda body: shown(call.store, _update(call, body.get("id"), check(UPDATE, body))),
        delete=lambda hook_id: _delete(call, hook_id),
    )
