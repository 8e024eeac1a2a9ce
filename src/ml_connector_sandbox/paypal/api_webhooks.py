"""Notifications v1: webhooks, the event log, verification, simulation, and the certificates."""

from __future__ import annotations

import base64
import binascii
import json
from urllib.parse import urlencode, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from ml_connector_sandbox.core.instants import stamp_ms
from ml_connector_sandbox.core.wire import Request, Response
from ml_connector_sandbox.paypal.calls import Answer, Call, whole
from ml_connector_sandbox.paypal.ids import Mint
from ml_connector_sandbox.paypal.refusals import Json, Refused, bad, not_found
from ml_connector_sandbox.paypal.state import World, must
from ml_connector_sandbox.paypal.times import parse
from ml_connector_sandbox.paypal.webhooks import (
    EVENT_TYPES,
    URLS_PER_APP,
    Event,
    Webhook,
    check_types,
    check_url,
    dumps,
    message,
)

_TYPE = {"name*": "str", "description": "str", "status": "str", "resource_versions": ["str"]}
CREATE = {"url*": "str:2048", "event_types*": [_TYPE]}
PATCH = [{"op*": "str", "path": "str", "value": "any", "from": "str"}]
RESEND = {"webhook_ids": ["str"]}
SIMULATE = {"webhook_id": "str:50", "url": "str:2048", "event_type*": "str:50", "resource_version": "str"}
VERIFY = {
    "auth_algo*": "str:100", "cert_url*": "str:500", "transmission_id*": "str:50", "transmission_sig*": "str:500",
    "transmission_time*": "str:100", "webhook_id*": "str:50", "webhook_event*": "map",
}  # fmt: skip
_CERTS = "/v1/notifications/certs/"


def certificate(world: World, request: Request) -> Response:
    """`GET /v1/notifications/certs/{cert_id}`: open to everybody."""
    name = request.path[len(_CERTS) :]
    pem = None if name in world.desk.withdrawn else world.desk.chain().served(name)
    if pem is None:
        raise not_found()
    return Response(200, pem, (("Content-Type", "application/octet-stream"),))


def _webhook(call: Call) -> Webhook:
    found = must(call.world.desk.webhooks.get(call.args["webhook_id"]))
    if found.client_id != call.app.client_id:
        raise not_found()
    return found


def _own(call: Call) -> list[Webhook]:
    return [w for w in call.world.desk.webhooks.values() if w.client_id == call.app.client_id]


def create(call: Call) -> Answer:
    """`POST /v1/notifications/webhooks`."""
    url, types = check_url(call.body["url"]), check_types(call.body["event_types"])
    if len(_own(call)) >= URLS_PER_APP:
        text = f"Webhook number limit exceeded: {URLS_PER_APP} for an application."
        raise Refused(400, name="WEBHOOK_NUMBER_LIMIT_EXCEEDED", message=text)
    _check_free(call, url, "")
    made = Webhook(call.world.mint.transaction(), call.app.client_id, url, types)
    call.world.desk.webhooks[made.id] = made
    return Answer(201, _show(call, made))


def _check_free(call: Call, url: str, own: str) -> None:
    if any(w.url == url and w.id != own for w in _own(call)):
        raise Refused(400, name="WEBHOOK_URL_ALREADY_EXISTS", message="Webhook URL already exists.")


def list_all(call: Call) -> Answer:
    """`GET /v1/notifications/webhooks`."""
    anchor = call.query.get("anchor_type", "APPLICATION")
    if anchor not in {"APPLICATION", "ACCOUNT"}:
        text = "Expected APPLICATION or ACCOUNT."
        raise bad("INVALID_PARAMETER_VALUE", text, field="anchor_type", value=anchor, location="query")
    return Answer(200, {"webhooks": [_show(call, w) for w in _own(call)] if anchor == "APPLICATION" else []})


def get(call: Call) -> Answer:
    """`GET /v1/notifications/webhooks/{webhook_id}`."""
    return Answer(200, _show(call, _webhook(call)))


def patch(call: Call) -> Answer:
    """`PATCH /v1/notifications/webhooks/{webhook_id}`: replaces `/url` or `/event_types`."""
    webhook = _webhook(call)
    for change in call.body:
        if change["op"] != "replace" or change.get("path") not in {"/url", "/event_types"}:
            text = "Only replace of /url or /event_types is possible."
            raise bad("INVALID_PARAMETER_VALUE", text, field="/path", value=str(change.get("path")))
    for change in call.body:
        value = change.get("value")
        if change["path"] == "/url":
            url = check_url(value if isinstance(value, str) else "")
            _check_free(call, url, webhook.id)
            webhook.url = url
        else:
            webhook.event_types = check_types([t for t in value if isinstance(t, dict)] if value else [])
    return Answer(200, _show(call, webhook))


def delete(call: Call) -> Answer:
    """`DELETE /v1/notifications/webhooks/{webhook_id}`."""
    del call.world.desk.webhooks[_webhook(call).id]
    return Answer(204)


def event_types_of(call: Call) -> Answer:
    """`GET /v1/notifications/webhooks/{webhook_id}/event-types`."""
    return Answer(200, {"event_types": [_type(name) for name in _webhook(call).event_types]})


def event_types(call: Call) -> Answer:
    """`GET /v1/notifications/webhooks-event-types`."""
    del call
    return Answer(200, {"event_types": [_type(name) for name in sorted(EVENT_TYPES)]})


def _type(name: str) -> Json:
    if name == "*":
        return {"name": "*", "description": "ALL", "status": "ENABLED"}
    description, version = EVENT_TYPES[name]
    return {"name": name, "description": description, "status": "ENABLED", "resource_versions": [version]}


def _show(call: Call, webhook: Webhook) -> Json:
    path = f"/v1/notifications/webhooks/{webhook.id}"
    links = [
        call.world.link(path, "self"), call.world.link(path, "update", "PATCH"),
        call.world.link(path, "delete", "DELETE"),
    ]  # fmt: skip
    return {
        "id": webhook.id,
        "url": webhook.url,
        "event_types": [_type(n) for n in webhook.event_types],
        "links": links,
    }


def events(call: Call) -> Answer:
    """`GET /v1/notifications/webhooks-events`: newest first, pages by link."""
    found = _wanted(call)
    size = whole(call, "page_size", default=10, low=1, high=500)
    token = call.query.get("next_page_token", "")
    if token:
        at, _, key = token.partition("_")
        found = [e for e in found if (e.at, e.id) < (int(at) if at.isdigit() else 0, key)]
    page = found[:size]
    path = "/v1/notifications/webhooks-events"
    links = [call.world.link(f"{path}?{urlencode(call.query)}", "self")]
    if len(found) > size:
        following = call.query | {"next_page_token": f"{page[-1].at}_{page[-1].id}"}
        links.append(call.world.link(f"{path}?{urlencode(following)}", "next"))
    return Answer(200, {"events": [e.body for e in page], "count": len(page), "links": links})


def _wanted(call: Call) -> list[Event]:
    query = call.query
    start = parse(query["start_time"], "start_time") if "start_time" in query else 0
    end = parse(query["end_time"], "end_time") if "end_time" in query else call.now
    return [
        e
        for e in call.world.desk.events_of(call.app, call.now)
        if start <= e.at <= end
        and query.get("event_type", e.name) == e.name
        and query.get("transaction_id", e.resource_id) == e.resource_id
    ]


def _event(call: Call) -> Event:
    kept = {e.id: e for e in call.world.desk.events_of(call.app, call.now)}
    return must(kept.get(call.args["event_id"]))


def event(call: Call) -> Answer:
    """`GET /v1/notifications/webhooks-events/{event_id}`."""
    return Answer(200, _event(call).body)


def resend(call: Call) -> Answer:
    """`POST /v1/notifications/webhooks-events/{event_id}/resend`: the same event, another transmission."""
    found = _event(call)
    wanted = call.body.get("webhook_ids") or [w.id for w in _own(call) if w.wants(found.name)]
    for key in wanted:
        webhook = must(call.world.desk.webhooks.get(key))
        call.world.desk.send(webhook, found.text, call.now)
    return Answer(202, found.body)


def simulate(call: Call) -> Answer:
    """`POST /v1/notifications/simulate-event`: a mock event, signed with the literal id WEBHOOK_ID."""
    name = call.body["event_type"]
    check_types([{"name": name}])
    if name == "*":
        raise bad("INVALID_PARAMETER_VALUE", "Name one event type.", field="/event_type", value=name)
    if "webhook_id" in call.body:
        target = must(call.world.desk.webhooks.get(call.body["webhook_id"]))
    else:
        target = Webhook("", call.app.client_id, check_url(call.body.get("url", "")), (name,))
    body = _mock(call.world.mint, name, call.now)
    call.world.desk.send(target, dumps(body).encode(), call.now, signed_id="WEBHOOK_ID")
    return Answer(202, body)


def _mock(mint: Mint, name: str, now: int) -> Json:
    resource = {"id": mint.transaction(), "amount": {"currency_code": "USD", "value": "7.47"}, "status": "COMPLETED"}
    description, version = EVENT_TYPES[name]
    body: Json = {"id": mint.event(), "create_time": stamp_ms(now), "event_type": name, "event_version": "1.0"}
    body |= {"resource_type": name.split(".")[1].lower(), "resource_version": version, "summary": description}
    return body | {"resource": resource, "links": []}


def verify(call: Call) -> Answer:
    """`POST /v1/notifications/verify-webhook-signature`: over the event's text exactly as it stands in the request."""
    good = _verified(call)
    return Answer(200, {"verification_status": "SUCCESS" if good else "FAILURE"})


def _verified(call: Call) -> bool:
    body: Json = call.body
    desk = call.world.desk
    webhook = desk.webhooks.get(body["webhook_id"])
    name = urlsplit(body["cert_url"]).path.removeprefix(_CERTS)
    leaf = desk.leaf()
    if webhook is None or webhook.client_id != call.app.client_id or body["auth_algo"] != "SHA256withRSA":
        return False
    if leaf.id != name and desk.chain().served(name) is None:
        return False
    generation = int(name.split("-")[1]) if name.count("-") > 1 else desk.generation
    key = desk.chain().leaf("good", generation).key.public_key()
    raw = _event_text(call.request.body.decode())
    signed = message(body["transmission_id"], body["transmission_time"], body["webhook_id"], raw.encode())
    try:
        signature = base64.b64decode(body["transmission_sig"], validate=True)
        key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, binascii.Error):
        return False
    return True


def _event_text(text: str) -> str:
    """The raw JSON text of the member `webhook_event`, byte for byte."""
    decoder = json.JSONDecoder()
    at = text.index("{") + 1
    while True:
        at = _skip(text, at)
        name, at = decoder.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)
        start = at
        at = decoder.raw_decode(text, at)[1]
        if name == "webhook_event":
            return text[start:at]
        at = _skip(text, at) + 1


def _skip(text: str, at: int) -> int:
    while text[at] in " \t\r\n":
        at += 1
    return at
