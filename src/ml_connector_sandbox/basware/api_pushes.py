"""Subscriptions and tasks: the Push Notification API, with its own shapes of errors."""

from __future__ import annotations

from ml_connector_sandbox.basware import refusals
from ml_connector_sandbox.basware.calls import Answer, Call, paged, token_header
from ml_connector_sandbox.basware.fields import Shape, faults, tidy
from ml_connector_sandbox.basware.pushes import Subscription, Task, callable_url
from ml_connector_sandbox.basware.refusals import Fault, Json, Refused, bad
from ml_connector_sandbox.basware.times import read, stamp

SUBTYPES = {
    "AccountingDocuments": (
        "WaitingForPrebook", "WaitingForTransfer", "WaitingForPrebookCancelation", "WaitingToBeRemoved",
        "WaitingToBeReturned", "WaitingToBeCompleted", "All",
    ),
    "RequestStatus": ("Error", "Success", "All"),
}  # fmt: skip
SUBSCRIPTION: Shape = {
    "taskType*": "str:1-",
    "taskSubType": "str",
    "subscriptionType*": "one:Webhook|Polling",
    "notificationWebhookURL*": "str:1-2083",
    "webhookAuthenticationToken*": "str:1-",
    "lastUpdated": "date",
}


def subscribing(call: Call) -> Answer:
    """`POST /v1/subscriptions`: an array; each address is tested."""
    if not isinstance(call.body, list) or not call.body:
        raise bad(refusals.SCHEMA, "The body must be an array of subscriptions.")
    wrong = [text for row in call.body for text in _wrong(row)]
    if wrong:
        raise Refused(400, *(Fault(refusals.SCHEMA, text) for text in wrong))
    rows = [_filled(row) for row in call.body]
    for row in rows:
        if not call.world.desk.subscribe(call.tenant, row, call.now):
            raise bad(refusals.INVALID, "The connection test was not answered with 200.")
    return Answer([row | {"lastUpdated": stamp(call.now)} for row in rows])


def listing(call: Call) -> Answer:
    """`GET /v1/subscriptions`: the secrets are shown."""
    wanted = [s for s in call.world.desk.of(call.tenant) if _asked_for(call, s.content, s.updated)]
    if not wanted:
        raise Refused(404)
    return Answer({"subscriptions": [_shown(subscription) for subscription in wanted]})


def removing(call: Call) -> Answer:
    """`DELETE /v1/subscriptions`: those of a type and subtype updated after an instant; All is any."""
    for name in ("lastUpdated", "taskType", "taskSubType"):
        if not call.query.get(name):
            raise Refused(422)
    desk = call.world.desk
    asked = {name: value for name, value in call.query.items() if value != "All"}
    gone = [s for s in desk.of(call.tenant) if _asked_for(call, s.content, s.updated, asked)]
    desk.subscriptions = [s for s in desk.subscriptions if s not in gone]
    return Answer({"status": "Deleted successfully", "numberOfRecordsDeleted": len(gone)})


def tasks(call: Call) -> Answer:
    """`GET /v1/tasks`: pages without a size of their own."""

    def found() -> list[str]:
        return [t.id for t in call.world.desk.tasks.values() if t.tenant_id == call.tenant.id and _task(call, t)]

    keys, token = paged(call, found, call.world.knobs.tasks_per_page)
    rows = [call.world.desk.tasks[key].as_json() for key in keys]
    return Answer({"taskStatus": rows}, headers=token_header(token))


def task(call: Call) -> Answer:
    """`GET /v1/tasks/{taskId}`."""
    known = call.world.desk.tasks.get(call.args["taskId"])
    if known is None or known.tenant_id != call.tenant.id:
        raise Refused(404)
    return Answer({"taskStatus": [known.as_json()]})


def _wrong(row: Json) -> list[str]:
    found = faults(row, SUBSCRIPTION)
    if found:
        return found
    kind = row["taskType"]
    if kind not in SUBTYPES:
        return [f"taskType: {kind} cannot be subscribed to."]
    if row.get("taskSubType", "All") not in SUBTYPES[kind]:
        return [f"taskSubType: {row['taskSubType']} does not go with {kind}."]
    if row["subscriptionType"] != "Webhook":
        return ["subscriptionType: Polling is reserved."]
    if not callable_url(row["notificationWebhookURL"]):
        return ["notificationWebhookURL: an https address is expected."]
    return []


def _filled(row: Json) -> Json:
    kept: Json = tidy({name: value for name, value in row.items() if name != "lastUpdated"}, SUBSCRIPTION)
    kept.setdefault("taskSubType", "Error" if kept["taskType"] == "RequestStatus" else "All")
    return kept


def _shown(subscription: Subscription) -> Json:
    return subscription.content | {"lastUpdated": stamp(subscription.updated)}


def _asked_for(call: Call, content: Json, updated: int, asked: dict[str, str] | None = None) -> bool:
    query = call.query if asked is None else asked
    named = all(query.get(name) in (None, content[name]) for name in ("taskType", "taskSubType"))
    return named and updated > _since(call)


def _task(call: Call, known: Task) -> bool:
    pairs = (("taskType", known.kind), ("taskStatus", known.status), ("documentId", known.document_id))
    return all(call.query.get(name) in (None, value) for name, value in pairs) and known.updated > _since(call)


def _since(call: Call) -> int:
    if "lastUpdated" not in call.query:
        return -1
    try:
        return read(call.query["lastUpdated"].replace(" ", "+"))
    except ValueError:
        raise Refused(422) from None
