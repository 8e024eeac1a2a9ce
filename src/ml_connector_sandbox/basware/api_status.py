"""What became of requests: requestStatus with its acknowledge, and the older errorFeedbacks."""

from __future__ import annotations

import json

from ml_connector_sandbox.basware import refusals
from ml_connector_sandbox.basware.calls import Answer, Call, choice, flag, page_size, paged, since, token_header
from ml_connector_sandbox.basware.fields import faults
from ml_connector_sandbox.basware.refusals import Fault, Json, Refused, bad, doubled
from ml_connector_sandbox.basware.shapes_orders import ACKNOWLEDGED
from ml_connector_sandbox.basware.state import Item, Posted
from ml_connector_sandbox.basware.times import stamp

STATES = ("InProgress", "Success", "Error", "AcknowledgedSuccess", "AcknowledgedError")
ENTITIES = (
    "Account", "Contract", "CostCenter", "TaxCode", "ExchangeRate", "PaymentTerm", "User", "Project", "MatchingOrder",
    "MatchingOrderLine", "GenericList", "AdvancedPermission", "TransferResponse", "PaymentResponse", "PrebookResponse",
    "Vendor", "AdvancedValidation", "PurchaseRequisition", "PurchaseOrder", "PurchaseGoodsReceipt", "Organization",
    "EnrichmentTransferResponse", "UserGroup", "UserGroupAssociatedUser", "UserGroupPermission",
)  # fmt: skip
SYSTEM, MODULE = "P2P", "IA"
_PAGE = 500
_KIND = "entityType"


def listing(call: Call) -> Answer:
    """`GET /v1/requestStatus`: only errors, unless the question is narrowed by type or system."""
    kind, state = choice(call, _KIND, ENTITIES), choice(call, "status", STATES)
    system = call.query.get("system")
    if state is None and kind is None and system is None:
        state = "Error"
    after, size = since(call), page_size(call, _PAGE, _PAGE)
    quiet = flag(call, "ignoreSuccessfullItems")

    def found() -> list[str]:
        wanted = [
            posted
            for posted in call.tenant.requests.values()
            if posted.visible <= call.now and posted.updated > after and system in (None, SYSTEM)
            and kind in (None, posted.entity_type) and state in (None, posted.status)
        ]  # fmt: skip
        return [posted.request_id for posted in sorted(wanted, key=lambda p: (p.updated, p.request_id))]

    keys, token = paged(call, found, size)
    rows = [shown(call.tenant.requests[key], quiet=quiet) for key in keys]
    return Answer({"requestStatus": rows}, headers=token_header(token))


def reading(call: Call) -> Answer:
    """`GET /v1/requestStatus/{requestId}`: 404 until the request has come through."""
    posted = call.tenant.requests.get(call.args["requestId"])
    if posted is None or posted.visible > call.now or call.query.get("system", SYSTEM) != SYSTEM:
        raise Refused(404)
    return Answer({"requestStatus": [shown(posted, quiet=flag(call, "ignoreSuccessfulItems"))]})


def acknowledging(call: Call) -> Answer:
    """`POST /v1/requestStatus/acknowledge`: all of them, or none."""
    found = faults(call.body, ACKNOWLEDGED)
    keys = call.body.get("requestIds") if isinstance(call.body, dict) else None
    if found or not keys:
        raise bad(refusals.SCHEMA, "; ".join(found) or "requestIds: one at least is needed.")
    rows = [call.tenant.requests.get(key) for key in keys]
    known = [posted for posted in rows if posted is not None and posted.visible <= call.now]
    if len(known) < len(rows):
        raise Refused(404)
    if any(posted.acknowledged or not posted.done for posted in known):
        raise Refused(405, Fault(refusals.NOT_ALLOWED, "A request is acknowledged already, or not finished."))
    for posted in known:
        posted.acknowledged, posted.updated = True, call.now
    return Answer("Acknowledged")


def shown(posted: Posted, *, quiet: bool = False) -> Json:
    """A request as requestStatus shows it; `quiet` leaves out items that went well."""
    items = [_item(item) for item in posted.items if not (quiet and item.status in ("Success", "NotProcessed"))]
    system = {
        "system": SYSTEM, "module": MODULE, "systemStatus": posted.status, "lastUpdated": stamp(posted.updated),
        "items": items,
    }  # fmt: skip
    key = posted.resource.partition("/")[2] or None
    return {
        "requestId": posted.request_id, "entityType": posted.entity_type, "entityVersion": posted.entity_version,
        "requestStatus": posted.status, "changedBy": posted.changed_by, "operationType": posted.operation,
        "genericListKey": key, "lastUpdated": stamp(posted.updated), "systems": [system],
    }  # fmt: skip


def _item(item: Item) -> Json:
    return {
        "externalCode": item.external_code, "parentExternalCode": item.parent, "status": item.status,
        "errors": list(item.errors) or None,
    }  # fmt: skip


def feedback_listing(call: Call) -> Answer:
    """`GET /v1/errorFeedbacks`."""
    kind, after, size = choice(call, _KIND, ENTITIES), since(call), page_size(call, _PAGE, _PAGE)
    if call.query.get("targetSystem", SYSTEM) != SYSTEM:
        raise Refused(404)
    rows = {row["id"]: row for row in _feedbacks(call, kind) if _stamp_of(call, row) > after}
    keys, token = paged(call, lambda: list(rows), size)
    return Answer({"errorList": [rows[key] for key in keys if key in rows]}, headers=token_header(token))


def feedback_of_request(call: Call) -> Answer:
    """`GET /v1/errorFeedbacks/{requestId}`."""
    return _feedback(call, [row for row in _feedbacks(call, None) if row["requestId"] == call.args["requestId"]])


def feedback_of_record(call: Call) -> Answer:
    """`GET /v1/errorFeedbacks/{entityType}/{errorEntityExternalCode}`."""
    rows = _feedbacks(call, call.args["entityType"])
    return _feedback(call, [row for row in rows if row["externalCode"] == call.args["errorEntityExternalCode"]])


def _feedback(call: Call, rows: list[Json]) -> Answer:
    if not rows:
        raise Refused(404)
    return Answer({"errorList": rows})


def _feedbacks(call: Call, kind: str | None) -> list[Json]:
    return [
        {
            "id": f"{posted.request_id}:{n}", "requestId": posted.request_id, "externalCode": item.external_code,
            "errorEntity": json.dumps(doubled(item.content)), "entityType": posted.entity_type,
            "errorStamp": stamp(posted.updated), "targetSystem": SYSTEM,
            "errors": [error["message"] for error in item.errors if error["type"] == "Error"],
        }
        for posted in call.tenant.requests.values()
        if posted.done and kind in (None, posted.entity_type)
        for n, item in enumerate(posted.items)
        if item.status == "Error"
    ]  # fmt: skip


def _stamp_of(call: Call, row: Json) -> int:
    return call.tenant.requests[row["requestId"]].updated
