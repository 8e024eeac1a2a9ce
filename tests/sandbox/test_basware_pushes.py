"""The pretend Basware's push notifications: subscribing, the connection test, signatures, twins, tasks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ml_connector_sandbox.basware import Basware
from ml_connector_sandbox.basware.pushes import payload, signature
from ml_connector_sandbox.core.wire import Delivery
from tests.sandbox.basware_tenant import HOOK, SECRET, Office, furnished, term

B1 = (
    b'{"taskId":"eb9ea3fa-0000-4000-8000-f4347cd18626","taskStatus":"New","taskType":"AccountingDocuments",'
    b'"taskSubType":"WaitingForTransfer","documentId":"63255782d0a04d8d8defcc6a0062101d"}'
)
B2 = b'{"taskId":"t-conn-1","taskStatus":"New","taskType":"ConnectionTest","documentId":"test"}'
HEX1 = "3eaf86ecabc904a8928f1f20e40583853e44f5605cb620eee4ebe71008f5e323"
HEX2 = "5f2e7104ddf5273e1ce72aa0994857f307136b196d7470c00145383a9f20bc61"


def quiet(**knobs: Any) -> Office:
    """A furnished office with a proven subscription to documents and no twins."""
    office = furnished()
    office.do("knobs", duplicate_share=0.0, **knobs)
    office.subscribe()
    office.due()
    return office


def test_bodies_and_signatures_are_those_of_the_test_vectors() -> None:
    task = "eb9ea3fa-0000-4000-8000-f4347cd18626"
    document = "63255782d0a04d8d8defcc6a0062101d"
    assert payload(task, "AccountingDocuments", document, "WaitingForTransfer") == B1
    assert payload("t-conn-1", "ConnectionTest", "test") == B2
    assert signature(SECRET, B1, "hex") == HEX1
    assert signature(SECRET, B2, "prefixed") == f"sha256={HEX2}"
    assert signature(SECRET, B1, "base64") == "Pq+G7KvJBKiSjx8g5AWDhT5E9WBctiDu5OvnEAj14yM="
    assert signature(SECRET, B1, "wrong") != HEX1


def test_a_subscription_speaks_once_its_connection_test_was_answered_with_200() -> None:
    office = furnished()
    office.subscribe()
    assert office.call("GET", "/v1/subscriptions") == (404, {"detail": "Not Found"})
    tests = office.due()
    assert json.loads(tests[0].body)["taskType"] == "ConnectionTest"
    assert "x-bwapi-signature-256" not in dict(tests[0].headers)
    row = office.get("/v1/subscriptions")["subscriptions"][0]
    assert (row["notificationWebhookURL"], row["webhookAuthenticationToken"]) == (HOOK, SECRET)


@pytest.mark.parametrize("status", [None, 204, 401, 500])
def test_a_connection_test_that_is_not_answered_with_200_ends_the_subscription(status: int | None) -> None:
    office = furnished()
    office.subscribe()
    office.due(status)
    assert office.call("GET", "/v1/subscriptions")[0] == 404
    office.do("invoice")
    assert office.due() == []


def test_a_connection_test_during_the_call_decides_the_call() -> None:
    rung: list[Delivery] = []
    answers = [500, 200]

    def ring(delivery: Delivery) -> int | None:
        rung.append(delivery)
        return answers.pop(0)

    office = Office(basware=Basware(ring=ring))
    office.do("knobs", connection_test="inline", connection_test_signed=True)
    row = {
        "taskType": "RequestStatus", "subscriptionType": "Webhook", "notificationWebhookURL": HOOK,
        "webhookAuthenticationToken": SECRET,
    }  # fmt: skip
    assert office.refused("POST", "/v1/subscriptions", [row])[0] == 400
    assert office.post("/v1/subscriptions", [row])[0]["taskSubType"] == "Error"
    assert dict(rung[1].headers)["x-bwapi-signature-256"] == signature(SECRET, rung[1].body, "hex")
    assert office.get("/v1/subscriptions")["subscriptions"]


@pytest.mark.parametrize(
    "change",
    [
        {"taskType": "Moons"},
        {"taskSubType": "Error"},
        {"subscriptionType": "Polling"},
        {"notificationWebhookURL": "http://hooks.example.test/x"},
        {"notificationWebhookURL": "https://x.test/" + "x" * 2083},
        {"webhookAuthenticationToken": ""},
        {"colour": "red"},
    ],
)
def test_a_subscription_is_checked_and_refused_in_the_push_services_own_shape(change: dict[str, str]) -> None:
    office = Office()
    row = {
        "taskType": "AccountingDocuments", "taskSubType": "All", "subscriptionType": "Webhook",
        "notificationWebhookURL": HOOK, "webhookAuthenticationToken": SECRET,
    }  # fmt: skip
    status, answer = office.call("POST", "/v1/subscriptions", [row | change])
    assert (status, answer["hasError"]) == (400, True)
    assert answer["errorMessages"][0]["code"] == "SCHEMA_VALIDATION_ERROR"


def test_a_document_that_waits_is_announced_and_signed() -> None:
    office = quiet()
    made = office.do("invoice")["invoice_id"]
    pushed = office.due()[0]
    body = json.loads(pushed.body)
    assert (body["taskSubType"], body["documentId"]) == ("WaitingForTransfer", made)
    assert dict(pushed.headers)["x-bwapi-signature-256"] == signature(SECRET, pushed.body, "hex")
    task = office.get(f"/v1/tasks/{body['taskId']}")["taskStatus"][0]
    assert (task["taskStatus"], [row["action"] for row in task["taskHistory"]]) == ("Completed", ["New", "Completed"])


def test_finished_requests_are_announced_to_who_wants_errors() -> None:
    office = furnished()
    office.do("knobs", duplicate_share=0.0)
    office.subscribe("RequestStatus", "Error")
    office.due()
    office.post("/v1/paymentTerms", [term("60")])
    office.post("/v1/paymentTerms", [term("61", companies=[])])
    failed = office.request_id
    office.settle()
    assert [json.loads(d.body)["documentId"] for d in office.due()] == [failed]


def test_a_push_is_not_tried_again_unless_the_knob_says_so() -> None:
    office = quiet()
    office.do("invoice")
    assert len(office.due(500)) == 1
    office.wait(hours=1)
    assert office.due() == []
    assert office.get("/v1/tasks", taskStatus="Failed")["taskStatus"]
    office.do("knobs", retries=1)
    office.do("invoice")
    assert len(office.due(500)) == 1
    office.wait(seconds=61)
    assert len(office.due()) == 1


def test_twins_losses_and_resends_carry_the_same_task() -> None:
    office = quiet()
    office.do("knobs", duplicate_share=1.0)
    office.do("invoice")
    twins = [json.loads(d.body)["taskId"] for d in office.due()]
    assert (len(twins), len(set(twins))) == (2, 1)
    assert office.do("push_again") == {"task_id": twins[0], "queued": 1}
    assert [json.loads(d.body)["taskId"] for d in office.due()] == twins[:1]
    office.do("knobs", lost_share=1.0)
    office.do("invoice")
    assert office.due() == []
    assert len(office.get("/v1/tasks", taskType="AccountingDocuments")["taskStatus"]) == 2


def test_the_type_can_be_misspelt_and_the_signature_missing() -> None:
    office = quiet(misspelt_type=True, signature="none")
    office.do("invoice")
    pushed = office.due()[0]
    assert json.loads(pushed.body)["taskType"] == "AccoutingDocuments"
    assert dict(pushed.headers) == {"content-type": "application/json"}


@pytest.mark.parametrize(("knob", "heard"), [("add", 2), ("replace", 1)])
def test_a_second_subscription_adds_or_replaces(knob: str, heard: int) -> None:
    office = quiet(subscription_post=knob)
    office.subscribe()
    office.due()
    office.do("invoice")
    assert len(office.due()) == heard


def test_subscriptions_are_deleted_by_all_three_filters() -> None:
    office = quiet()
    assert office.call("DELETE", "/v1/subscriptions", taskType="All")[0] == 422
    late = {"lastUpdated": "2030-01-01T00:00:00Z", "taskType": "All", "taskSubType": "All"}
    assert office.call("DELETE", "/v1/subscriptions", **late)[1]["numberOfRecordsDeleted"] == 0
    early = late | {"lastUpdated": "2020-01-01T00:00:00Z"}
    assert office.call("DELETE", "/v1/subscriptions", **early)[1]["numberOfRecordsDeleted"] == 1
    office.do("invoice")
    assert office.due() == []


def test_tasks_page_by_header_and_have_no_page_size() -> None:
    office = quiet(tasks_per_page=2)
    office.do("invoice", n=3)
    name = "x-amz-meta-continuationtoken"
    token = dict(office.send("GET", "/v1/tasks").headers)[name]
    status, page = office.call("GET", "/v1/tasks", headers={name: token})
    assert (status, len(page["taskStatus"])) == (200, 1)
    assert office.refused("GET", "/v1/tasks", pageSize=2)[0] == 400
