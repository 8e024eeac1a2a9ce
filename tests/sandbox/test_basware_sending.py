"""Invoices sent into the pretend Basware: the Network API and the upload of an image."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from ml_connector_sandbox.core.wire import Request, Response
from tests.sandbox.basware_network import BUM_ID, network_invoice, post_invoice
from tests.sandbox.basware_tenant import Office, basic, furnished

BASE = "/v1/accountingDocuments"
UPLOAD = "/v2/smartpdf/invoiceUpload"
ADDRESSES = {"receivingEmailAddress": "no01@invoices.example.test", "notificationEmailAddress": "ap@example.test"}
PDF = b"%PDF-1.4\nan invoice"


def put(office: Office, address: str, body: bytes, **headers: str) -> Response:
    place = urlsplit(address)
    return office.basware.answer(Request("PUT", place.path, place.query, headers, body, place.netloc), office.now)


def test_an_invoice_sent_once_or_three_times_is_one_document() -> None:
    office = furnished()
    for _ in range(3):
        assert post_invoice(office, network_invoice())[0] == 202
    office.settle()
    rows = office.get(BASE, ProcessingStatus="New")["accountingDocuments"]
    assert [(row["bumid"], row["invoiceNumber"], row["grossSum"]) for row in rows] == [(BUM_ID, "F-778", 1250)]
    assert rows[0]["supplierCode"] == "50012"


def test_people_approve_it_and_it_comes_for_transfer() -> None:
    office = furnished()
    post_invoice(office, network_invoice())
    office.settle()
    made = office.do("approve", bumid=BUM_ID, account="6540", cost_center="100", tax_code="25")
    assert (made["status"], made["net"], made["gross"]) == ("WaitingForTransfer", "1000.00", "1250.00")
    row = office.get(f"{BASE}/{made['invoice_id']}")["accountingDocuments"][0]["codingRows"][0]
    assert (row["accountCode"], row["costCenterCode"], row["taxPercent"]) == ("6540", "100", 25)


@pytest.mark.parametrize(
    ("body", "bum_id", "headers"),
    [
        (network_invoice("not a uuid"), BUM_ID, {}),
        (network_invoice(), "not-a-uuid", {}),
        (network_invoice(), BUM_ID, {"x-bw-request-id": ""}),
        (network_invoice(colour="red"), BUM_ID, {}),
        (network_invoice(issueDate="2026-11-18T00:00:00"), BUM_ID, {}),
        (network_invoice() | {"fileRefs": [{"refId": "x"}]}, BUM_ID, {}),
        ({"clientToken": "x"}, BUM_ID, {}),
        ([], BUM_ID, {}),
    ],
)
def test_a_wrong_invoice_is_refused_in_the_networks_own_shape(body: Any, bum_id: str, headers: dict[str, str]) -> None:
    office = furnished()
    status, answer = post_invoice(office, body, bum_id, **headers)
    assert (status, answer["errors"]["code"]) == (400, "Error.004.0002")
    assert answer["errors"]["validationErrors"]
    assert office.do("truth")["parcels"] == {}


def test_a_client_token_and_a_bumid_belong_to_one_invoice() -> None:
    office = furnished()
    post_invoice(office, network_invoice())
    assert post_invoice(office, network_invoice(id="F-779"))[0] == 400
    other = "0d2b6c0e-0000-5000-8000-000000000002"
    assert post_invoice(office, network_invoice(other, id="F-779"))[0] == 400
    assert post_invoice(office, network_invoice(other, id="F-779"), "0d2b6c0e-0000-5000-8000-0000000000b2")[0] == 202


def test_only_network_users_send_and_they_do_nothing_else() -> None:
    office = furnished()
    user = office.facts["basic_user"]
    header = {"authorization": basic(user["user"], user["password"])}
    assert post_invoice(office, network_invoice(), **header)[0] == 401
    network = office.facts["network_user"]
    header = {"authorization": basic(network["user"], network["password"])}
    assert office.call("GET", "/v1/vendors", headers=header) == (401, None)


def test_an_invoice_to_nobody_never_arrives_and_the_bumid_may_come_back_changed() -> None:
    office = furnished()
    stranger = {"partyName": "Demo AS", "endpoint": {"id": "1"}}
    post_invoice(office, network_invoice(accountingCustomerParty=stranger))
    office.settle()
    assert office.call("GET", BASE) == (404, None)
    assert office.do("truth")["parcels"][BUM_ID]["trouble"] == "No company has that address."
    second = furnished()
    second.do("knobs", bumid_returns=False)
    post_invoice(second, network_invoice())
    second.settle()
    assert second.get(BASE)["accountingDocuments"][0]["bumid"] != BUM_ID


def test_an_image_is_put_without_authorization_and_becomes_a_document() -> None:
    office = furnished()
    answer = office.post(UPLOAD, ADDRESSES)
    assert put(office, answer["uploadUrl"], PDF, authorization=f"Bearer {office.token()}").status == 400
    assert put(office, answer["uploadUrl"], b"GIF89a").status == 400
    assert put(office, answer["uploadUrl"], PDF).status == 200
    assert put(office, answer["uploadUrl"], PDF).status == 200
    office.settle()
    rows = office.get(BASE, ProcessingStatus="New")["accountingDocuments"]
    assert [row["bumid"] for row in rows] == [answer["bumId"]]
    made = office.do("approve", bumid=answer["bumId"], net="100.00", supplier_code="50012", invoice_number="F-9")
    assert (made["gross"], made["supplier_code"], made["invoice_number"]) == ("125.00", "50012", "F-9")


def test_an_upload_without_its_addresses_or_after_its_time_is_refused() -> None:
    office = furnished()
    assert office.refused("POST", UPLOAD, {"receivingEmailAddress": "a@b.se"})[0] == 400
    assert office.refused("POST", UPLOAD, ADDRESSES | {"x": 1})[0] == 400
    address = office.post(UPLOAD, ADDRESSES)["uploadUrl"]
    office.wait(minutes=15)
    assert put(office, address, PDF).status == 403
    token = office.grant("vendors.read")[1]["access_token"]
    assert office.refused("POST", UPLOAD, ADDRESSES, headers={"authorization": f"Bearer {token}"})[0] == 403
