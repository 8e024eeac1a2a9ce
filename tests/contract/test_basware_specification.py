"""What the pretend Basware says and accepts is what Basware's published files say."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from ml_connector_sandbox.basware.routes import ROUTES
from ml_connector_sandbox.basware.state import ALL_SCOPES
from tests.contract.basware_schemas import FOLDER, Specification
from tests.sandbox.basware_network import network_invoice, post_invoice
from tests.sandbox.basware_tenant import (
    Office,
    account,
    company,
    cost_center,
    line,
    order,
    receipt,
    tax_code,
    term,
    vendor,
)

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason=f"no Basware specifications at {FOLDER}")

# In no file we hold: the network's host and the upload of images (fact sheet, section 9).
_IN_NO_FILE = {"POST /v1/invoices/{bumId}", "POST /v2/smartpdf/invoiceUpload"}
# The files are silent on these statuses; the fact sheet (3.2, 3.4) names them.
_BEYOND_THE_FILE = {400, 403, 405, 413, 429}
_RESPONSE = {"success": True, "paymentBlock": False, "responseMessage": "Posted"}


@pytest.fixture(scope="module")
def specification() -> Specification:
    return Specification()


@pytest.fixture(scope="module")
def busy() -> tuple[Office, list[Any]]:
    """A tenant where everything was written, read and refused once, and all its notifications."""
    office = Office()
    office.do("knobs", document_status=True, duplicate_share=0.0)
    office.subscribe()
    office.subscribe("RequestStatus", "All")
    office.due()
    master_data(office)
    purchasing(office)
    pushed = documents(office)
    status(office)
    be_refused(office)
    return office, pushed + [json.loads(d.body) for d in office.due()]


def master_data(office: Office) -> None:
    item = {"externalCode": "dim-1", "text_1": "P1", "number_1": 1.5, "companies": [company()]}
    project = {
        "externalCode": "p-1", "projectCode": "P1", "projectName": "Harbour", "validFrom": "2026-01-01",
        "validUntil": "2027-12-31T00:00:00Z", "companies": [company()],
    }  # fmt: skip
    rate = {
        "externalCode": "r-1", "rate": 11.37, "currencyCodeFrom": "EUR", "currencyCodeTo": "NOK",
        "validFrom": "2026-01-01", "companies": [company()],
    }  # fmt: skip
    for path, record in (
        ("/v1/taxCodes", tax_code()), ("/v1/accounts", account(taxCode="25")), ("/v1/costCenters", cost_center()),
        ("/v1/lists/ACC_LIST_1", item), ("/v2/projects", project), ("/v1/exchangeRates", rate),
        ("/v1/paymentTerms", term()), ("/v1/vendors", vendor()), ("/v1/matchingOrders", order()),
    ):  # fmt: skip
        assert office.outcome(path, [record]) == "Success"
        office.get(path, pageSize=1, lastUpdated="2026-01-01T00:00:00Z", companyCode="NO01")
        office.get(f"{path}/{record['externalCode']}")
        assert office.call("PATCH", f"{path}/{record['externalCode']}", record)[0] == 200
        office.settle()


def purchasing(office: Office) -> None:
    path = "/v1/matchingOrderLines"
    assert office.outcome(path, [line(goodsReceipts=[receipt("R1", 4), receipt("R2", 6)])]) == "Success"
    office.get(path, orderExternalCode="order-PO000123")
    office.get(f"{path}/line-PO000123-1")
    assert office.call("PATCH", f"{path}/line-PO000123-1", line(description="New text"))[0] == 200
    office.settle()
    assert office.outcome("/v1/matchingOrders", [order("PO9", supplierCode="NOBODY")]) == "Error"


def documents(office: Office) -> list[Any]:
    whole = office.do("invoice", kind="exact", order_number="PO000123")["invoice_id"]
    for kind in ("plain", "credit_note", "foreign_currency", "unknown_cost_center", "bad_sum"):
        office.do("invoice", kind=kind)
    early = office.do("invoice", prebook=True)["invoice_id"]
    base = "/v1/accountingDocuments"
    office.get(base, ProcessingStatus="WaitingForTransfer", companyCode="NO01", pageSize=2)
    respond(office, early, "prebookResponses", _RESPONSE | {"prebookDate": "2026-11-20"})
    respond(office, whole, "transferResponses", _RESPONSE | {"voucherNumber1": "400123"})
    paid = {"success": True, "paymentBlock": False, "paidTotal": 100.5, "paymentMethod": "BANK"}
    office.post(f"{base}/{whole}/paymentResponses", paid | {"externalCode": "pay-1"})
    assert office.call("POST", f"{base}/{whole}/paymentResponses", paid | {"externalCode": "pay-1"})[0] == 409
    office.settle()
    document = office.get(f"{base}/{whole}")["accountingDocuments"][0]
    asked = {"companyCode": "NO01", "invoiceNumber": document["invoiceNumber"], "invoiceDate": "2026-11-20"}
    office.get(f"{base}/status", **asked)
    office.call("GET", f"{base}/{whole}/attachments/{document['attachments'][0]['externalCode']}")
    assert post_invoice(office, network_invoice())[0] == 202
    office.settle()
    office.get(base, ProcessingStatus="New")
    return [json.loads(delivery.body) for delivery in office.due()]


def respond(office: Office, invoice_id: str, name: str, body: dict[str, Any]) -> None:
    base = f"/v1/accountingDocuments/{invoice_id}"
    office.post(f"{base}/acknowledge")
    assert office.call("POST", f"{base}/acknowledge")[0] == 405
    office.post(f"{base}/{name}", body | {"externalCode": f"{name}-1"})
    office.settle()
    assert office.call("POST", f"{base}/{name}", body | {"externalCode": f"{name}-2"})[0] == 400


def status(office: Office) -> None:
    rows = office.get("/v1/requestStatus", system="P2P")["requestStatus"]
    failed = office.get("/v1/requestStatus")["requestStatus"][0]["requestId"]
    office.get(f"/v1/requestStatus/{failed}", system="P2P", ignoreSuccessfulItems="true")
    office.post("/v1/requestStatus/acknowledge", {"requestIds": [rows[0]["requestId"]]})
    office.refused("POST", "/v1/requestStatus/acknowledge", {"requestIds": [rows[0]["requestId"]]})
    office.get("/v1/errorFeedbacks", entityType="MatchingOrder")
    office.get(f"/v1/errorFeedbacks/{failed}")
    office.get("/v1/errorFeedbacks/MatchingOrder/order-PO9")
    known = office.get("/v1/tasks", taskType="AccountingDocuments")["taskStatus"]
    office.get(f"/v1/tasks/{known[0]['taskId']}")
    office.get("/v1/subscriptions", taskType="RequestStatus")
    wanted = {"lastUpdated": "2020-01-01T00:00:00Z", "taskType": "RequestStatus", "taskSubType": "All"}
    assert office.call("DELETE", "/v1/subscriptions", **wanted)[0] == 200


def be_refused(office: Office) -> None:
    office.refused("POST", "/v1/vendors", [vendor(colour="red")])
    office.refused("POST", "/v1/vendors", [vendor(), vendor()])
    office.refused("GET", "/v1/vendors/nobody")
    office.refused("GET", "/v1/vendors", headers={"authorization": "Bearer nobody's"})
    office.refused("GET", "/v1/costCenters", lastUpdated="2030-01-01T00:00:00Z")
    office.refused("GET", "/v1/tasks/nothing")
    office.refused("POST", "/v1/subscriptions", [{"taskType": "AccountingDocuments"}])
    office.refused("DELETE", "/v1/subscriptions", taskType="All")
    office.refused("GET", "/v1/requestStatus/00000000-0000-4000-8000-000000000000")
    office.grant(secret="wrong")
    office.grant("vendors.read", "everything.write")
    assert office.call("DELETE", "/v1/accounts", {"externalCode": "acc-6540"})[0] == 200
    assert office.call("DELETE", "/v1/accounts", {"lastUpdated": "0001-01-01T00:00:00Z"})[0] == 202


def test_every_answer_is_what_the_specifications_allow(
    specification: Specification, busy: tuple[Office, list[Any]]
) -> None:
    found: Counter[str] = Counter()
    for operation, status, _, answer in busy[0].log:
        if operation in _IN_NO_FILE or (isinstance(answer, bytes) and status == 200):
            continue
        faults = specification.answer_faults(operation, status, answer)
        if status in _BEYOND_THE_FILE and faults == [f"status {status} is not foreseen"]:
            continue
        found.update(f"{operation} {status} {fault}" for fault in faults)
    assert found == {}
    assert len({operation for operation, _, _, _ in busy[0].log}) >= 50


def test_every_request_body_we_accept_is_what_the_specifications_allow(
    specification: Specification, busy: tuple[Office, list[Any]]
) -> None:
    found: Counter[str] = Counter()
    for operation, status, body, _ in busy[0].log:
        if body is None or status >= 300:
            continue
        if operation in _IN_NO_FILE:
            found.update(specification.network_faults(body))
        else:
            found.update(f"{operation} {fault}" for fault in specification.request_faults(operation, body))
    assert found == {}


def test_every_notification_is_what_the_specification_allows(
    specification: Specification, busy: tuple[Office, list[Any]]
) -> None:
    found = Counter(fault for body in busy[1] for fault in specification.notification_faults(body))
    assert found == {}
    kinds = {(body["taskType"], body.get("taskSubType")) for body in busy[1]}
    assert kinds == {
        ("AccountingDocuments", "WaitingForTransfer"), ("AccountingDocuments", "WaitingForPrebook"),
        ("RequestStatus", "Success"), ("RequestStatus", "Error"),
    }  # fmt: skip


def test_every_endpoint_scope_and_parameter_stands_in_the_specifications(specification: Specification) -> None:
    scopes = specification.scopes() | {"importDocuments.write", ""}
    assert set(ALL_SCOPES) <= scopes
    for route in ROUTES:
        assert route.scope in scopes, route.name
        if route.name in _IN_NO_FILE:
            continue
        assert specification.knows(route.name), route.name
        assert set(route.query) <= specification.parameters(route.name), route.name


def test_the_check_itself_notices_what_is_wrong(specification: Specification) -> None:
    wrong = {"vendorEntities": [vendor(colour="red")]}
    assert any("colour" in fault for fault in specification.answer_faults("GET /v1/vendors", 200, wrong))
    assert specification.answer_faults("GET /v1/vendors", 404, {"message": "no"})
    assert specification.request_faults("POST /v1/vendors", [vendor(name="")])
    assert specification.network_faults({"clientToken": "x"})
