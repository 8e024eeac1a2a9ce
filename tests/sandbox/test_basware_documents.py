"""Approved invoices in the pretend Basware: how they come, what the ledger answers, what users do again."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from ml_connector_sandbox.core.wire import Request
from tests.sandbox.basware_tenant import Office, furnished, line, receipt

BASE = "/v1/accountingDocuments"
LINES = "/v1/matchingOrderLines"
PO = "PO000123"


def answered(code: str, *, success: bool = True, **more: Any) -> dict[str, Any]:
    return {"externalCode": code, "success": success, "responseMessage": "Posted", "paymentBlock": False} | more


def transferred(office: Office, **arguments: Any) -> str:
    """A document that is in the ledger."""
    made = str(office.do("invoice", **arguments)["invoice_id"])
    office.post(f"{BASE}/{made}/acknowledge")
    office.post(f"{BASE}/{made}/transferResponses", answered("t-1", voucherNumber1="400123"))
    office.settle()
    return made


def document(office: Office, invoice_id: str) -> dict[str, Any]:
    shown: dict[str, Any] = office.get(f"{BASE}/{invoice_id}")["accountingDocuments"][0]
    return shown


def sums(shown: dict[str, Any]) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    rows = shown["codingRows"]
    return (
        Decimal(str(shown["netSum"])),
        sum((Decimal(str(row["netTotal"])) for row in rows), Decimal(0)),
        Decimal(str(shown["grossSum"])),
        sum((Decimal(str(row["grossTotal"])) for row in rows), Decimal(0)),
    )


def test_an_exact_invoice_has_a_row_for_each_receipt() -> None:
    office = furnished()
    made = office.do("invoice", kind="exact", order_number=PO)
    shown = document(office, made["invoice_id"])
    assert [(row["goodsReceiptNumber"], row["netTotal"]) for row in shown["codingRows"]] == [("R1", 4002), ("R2", 6003)]
    assert sums(shown) == (Decimal(10005), Decimal(10005), Decimal("12506.25"), Decimal("12506.25"))
    assert shown["orderNumbers"] == [PO]
    with pytest.raises(ValueError, match="nothing open"):
        office.do("invoice", kind="exact", order_number=PO)


def test_a_reversed_receipt_is_not_invoiced() -> None:
    office = furnished()
    rows = [receipt("R1", 4), receipt("R2", 6), receipt("R3", -6, referenceGRExternalCode="receipt-R2")]
    assert office.outcome(LINES, [line(goodsReceipts=rows)]) == "Success"
    assert office.do("invoice", kind="exact", order_number=PO)["net"] == "4002.00"


@pytest.mark.parametrize(
    ("kind", "net"),
    [("over_price", "11005.50"), ("partial", "5002.50"), ("foreign_currency", "1000.50"), ("bad_sum", "10015.00")],
)
def test_invoices_that_differ_from_their_order(kind: str, net: str) -> None:
    office = furnished()
    made = office.do("invoice", kind=kind, order_number=PO)
    assert made["net"] == net
    net_sum, rows, gross_sum, gross_rows = sums(document(office, made["invoice_id"]))
    assert (net_sum == rows, gross_sum == gross_rows) == (kind != "bad_sum", kind != "bad_sum")
    assert (made["currency"] == "NOK") == (kind != "foreign_currency")


def test_a_credit_note_gives_back_what_was_invoiced() -> None:
    office = furnished()
    office.do("invoice", kind="exact", order_number=PO)
    made = office.do("invoice", kind="credit_note", order_number=PO)
    assert (made["net"], document(office, made["invoice_id"])["invoiceTypeCode"]) == ("-10005.00", "CreditNote")
    assert office.do("invoice", kind="exact", order_number=PO)["net"] == "10005.00"


def test_a_coding_in_three_parts_loses_no_cent() -> None:
    office = furnished()
    codings = [
        {"externalCode": f"c{n}", "rowIndex": n, "allocatedQuantity": 1, "costCenterCode": "100"} for n in (1, 2, 3)
    ]
    record = line("2", quantity=3, netPrice=33.34, isReceiptRequired=False, orderLineCoding=codings)
    record["isReceiptBasedMatching"] = False
    assert office.outcome(LINES, [record]) == "Success"
    made = office.do("invoice", kind="exact", order_number=PO)
    assert made["rows"] == 5
    net, rows, _, _ = sums(document(office, made["invoice_id"]))
    assert net == rows == Decimal("10105.02")


def test_closed_lines_and_lines_never_told_not_deleted_are_not_matched() -> None:
    office = furnished()
    record = line(goodsReceipts=[receipt("R1", 4)], text1="x")
    del record["isDeleted"]
    office.outcome(LINES, [record])
    with pytest.raises(ValueError, match="nothing open"):
        office.do("invoice", kind="exact", order_number=PO)
    office.outcome(LINES, [line(goodsReceipts=[receipt("R1", 4)], isClosed=True)])
    with pytest.raises(ValueError, match="nothing open"):
        office.do("invoice", kind="exact", order_number=PO)


def test_documents_come_by_a_redirect_that_rejects_authorization_another_host_and_late_comers() -> None:
    office = furnished()
    office.do("invoice")
    answer = office.send("GET", BASE)
    assert (answer.status, answer.body) == (302, b"")
    assert office.follow(answer).status == 200
    assert office.follow(answer, authorization=f"Bearer {office.token()}").status == 400
    path = dict(answer.headers)["Location"].split("127.0.0.1")[1].partition("?")[0]
    assert office.basware.answer(Request("GET", path, host="elsewhere"), office.now).status == 403
    office.wait(minutes=15)
    assert office.follow(answer).status == 403
    office.do("knobs", redirects="never")
    assert office.send("GET", BASE).status == 200


@pytest.mark.parametrize("place", ["answer", "redirect"])
def test_the_continuation_token_stands_on_the_redirect_or_on_what_it_leads_to(place: str) -> None:
    office = furnished()
    office.do("knobs", token_on=place)
    office.do("invoice", n=3)
    first = office.send("GET", BASE, pageSize=2)
    second = office.follow(first)
    name = "x-amz-meta-continuationtoken"
    assert (name in dict(first.headers), name in dict(second.headers)) == (place == "redirect", place == "answer")
    token = (dict(first.headers) | dict(second.headers))[name]
    last = office.follow(office.send("GET", BASE, pageSize=2, headers={name: token}))
    assert len(json.loads(last.body)["accountingDocuments"]) == 1


def test_many_coding_rows_make_a_page_shorter() -> None:
    office = furnished()
    office.do("knobs", rows_per_page=5)
    office.do("invoice", n=4, rows=[{"net": "10.00"}, {"net": "20.00"}])
    assert len(office.get(BASE)["accountingDocuments"]) == 2


def test_listings_filter_by_state_company_and_mode() -> None:
    office = furnished()
    office.do("invoice")
    office.do("invoice", company_code="SE01")
    office.do("invoice", prebook=True)
    assert len(office.get(BASE, ProcessingStatus="WaitingForTransfer")["accountingDocuments"]) == 2
    assert len(office.get(BASE, companyCode="SE01")["accountingDocuments"]) == 1
    assert office.call("GET", BASE, p2pProcessingMode="InvoiceEnrichment") == (404, None)
    assert office.refused("GET", BASE, ProcessingStatus="Lost")[0] == 400
    assert office.refused("GET", BASE, pageSize=101)[0] == 400


def test_optional_fields_come_as_null_or_not_at_all() -> None:
    office = furnished()
    office.do("invoice", n=20)
    rows = office.get(BASE)["accountingDocuments"]
    assert {"null" if "voucherNumber1" in row else "absent" for row in rows} == {"null", "absent"}
    assert all(row.get("voucherNumber1") is None for row in rows)


def test_an_unacknowledged_document_is_offered_again_an_acknowledged_one_is_not() -> None:
    office = furnished()
    made = office.do("invoice")["invoice_id"]
    waiting = {"ProcessingStatus": "WaitingForTransfer"}
    assert [office.get(BASE, **waiting)["accountingDocuments"][0]["invoiceId"] for _ in (1, 2)] == [made, made]
    assert office.call("POST", f"{BASE}/{made}/acknowledge") == (200, "Acknowledged")
    assert office.call("POST", f"{BASE}/{made}/acknowledge") == (405, None)
    assert office.call("GET", BASE, **waiting) == (404, None)
    assert office.call("POST", f"{BASE}/nothing/acknowledge") == (404, None)


def test_a_transfer_is_done_when_the_worker_says_so_and_cannot_be_answered_again() -> None:
    office = furnished()
    made = office.do("invoice")["invoice_id"]
    office.post(f"{BASE}/{made}/acknowledge")
    office.post(f"{BASE}/{made}/transferResponses", answered("t-1", voucherNumber1="400123", paymentBlock=True))
    request_id = office.request_id
    shown = document(office, made)
    assert (shown["processingStatus"], shown["transferResponses"][0]["externalCode"]) == ("TransferInProgress", "t-1")
    office.settle()
    shown = document(office, made)
    told = (shown["processingStatus"], shown["voucherNumber1"], shown["paymentBlock"])
    assert told == ("Transferred", "400123", True)
    row = office.get(f"/v1/requestStatus/{request_id}")["requestStatus"][0]
    item = row["systems"][0]["items"][0]
    assert (row["entityType"], item["parentExternalCode"], item["status"]) == ("TransferResponse", made, "Success")
    assert office.refused("POST", f"{BASE}/{made}/transferResponses", answered("t-2"))[0] == 400
    assert office.call("POST", f"{BASE}/{made}/acknowledge") == (400, None)


def test_the_same_transfer_response_twice_is_taken_once_and_another_one_behind_it_fails() -> None:
    office = furnished()
    made = office.do("invoice")["invoice_id"]
    office.post(f"{BASE}/{made}/acknowledge")
    path = f"{BASE}/{made}/transferResponses"
    office.post(path, answered("t-1"))
    office.post(path, answered("t-1"))
    again = office.request_id
    assert office.refused("POST", path, answered("t-1", success=False))[0] == 400
    office.settle()
    assert office.items(again) == {"t-1": "NotProcessed"}
    assert len(document(office, made)["transferResponses"]) == 1


def test_a_failed_transfer_keeps_no_voucher_and_is_offered_again_under_the_same_id() -> None:
    office = furnished()
    made = office.do("invoice")["invoice_id"]
    office.post(f"{BASE}/{made}/acknowledge")
    refusal = answered("t-1", success=False, voucherNumber1="1", responseMessage="Period closed")
    office.post(f"{BASE}/{made}/transferResponses", refusal)
    office.settle()
    shown = document(office, made)
    assert (shown["processingStatus"], shown.get("voucherNumber1")) == ("TransferFailed", None)
    assert office.do("retransfer", invoice_id=made)["status"] == "WaitingForTransfer"
    office.post(f"{BASE}/{made}/acknowledge")
    office.post(f"{BASE}/{made}/transferResponses", answered("t-2"))
    office.settle()
    assert document(office, made)["processingStatus"] == "Transferred"
    assert office.do("truth")["documents"][made]["offered"] == 2


def test_users_offer_a_failed_document_again_by_themselves_when_the_knob_says_so() -> None:
    office = furnished()
    office.do("knobs", reoffer_s=600)
    made = office.do("invoice")["invoice_id"]
    office.post(f"{BASE}/{made}/acknowledge")
    office.post(f"{BASE}/{made}/transferResponses", answered("t-1", success=False))
    office.settle()
    office.wait(minutes=11)
    assert document(office, made)["processingStatus"] == "WaitingForTransfer"


def test_a_payment_response_replaces_every_field_and_today_stands_in_for_a_missing_date() -> None:
    office = furnished()
    made = transferred(office)
    path = f"{BASE}/{made}/paymentResponses"
    first = {"externalCode": "p-1", "success": True, "paymentBlock": False, "paidTotal": 500, "paymentMethod": "BANK"}
    office.post(path, first)
    office.settle()
    shown = document(office, made)
    assert (shown["processingStatus"], shown["paymentMethod"]) == ("Transferred", "BANK")
    assert office.do("truth")["documents"][made]["payment"]["paymentDate"] == "2026-11-20T00:00:00"
    office.post(path, {"externalCode": "p-2", "success": True, "paymentBlock": False, "paidTotal": 1250})
    office.settle()
    shown = document(office, made)
    assert (shown["processingStatus"], shown["paymentMethod"]) == ("Paid", None)
    assert len(shown["paymentResponses"]) == 2
    assert office.call("POST", path, first)[0] == 409
    assert office.call("POST", path, {"externalCode": "p-3"}) == (400, None)


def test_an_unsuccessful_payment_response_changes_nothing() -> None:
    office = furnished()
    made = transferred(office)
    refusal = {"externalCode": "p-1", "success": False, "paymentBlock": True, "paymentMethod": "CASH"}
    office.post(f"{BASE}/{made}/paymentResponses", refusal)
    office.settle()
    shown = document(office, made)
    assert (shown.get("paymentMethod"), shown["paymentBlock"]) == (None, False)


def test_a_payment_before_the_transfer_is_refused_without_a_word() -> None:
    office = furnished()
    made = office.do("invoice")["invoice_id"]
    body = {"externalCode": "p-1", "success": True, "paymentBlock": False}
    assert office.call("POST", f"{BASE}/{made}/paymentResponses", body) == (400, None)


def test_a_prebooked_document_comes_again_for_transfer() -> None:
    office = furnished()
    made = office.do("invoice", prebook=True)["invoice_id"]
    office.post(f"{BASE}/{made}/acknowledge")
    office.post(f"{BASE}/{made}/prebookResponses", answered("b-1", voucherNumber1="77", prebookDate="2026-11-20"))
    office.settle()
    shown = document(office, made)
    assert (shown["processingStatus"], shown["prebooked"], shown["voucherNumber1"]) == ("Prebooked", True, "77")
    assert office.call("POST", f"{BASE}/{made}/prebookResponses", answered("b-2")) == (400, None)
    office.do("approve", invoice_id=made)
    assert document(office, made)["processingStatus"] == "WaitingForTransfer"


@pytest.mark.parametrize(
    "body",
    [
        answered("t", responseMessage=""),
        answered("t", responseMessage="x" * 251),
        answered("t", voucherNumber1="x" * 26),
        answered("t", sourceSystem="x" * 33),
        answered("t", colour="red"),
        {"externalCode": "t", "success": True, "responseMessage": "no block"},
        [answered("t")],
    ],
)
def test_a_response_is_checked_against_its_fields(body: Any) -> None:
    office = furnished()
    made = office.do("invoice")["invoice_id"]
    assert office.refused("POST", f"{BASE}/{made}/transferResponses", body) == (400, "SCHEMA_VALIDATION_ERROR")


def test_attachments_are_there_after_the_transfer_by_a_redirect() -> None:
    office = furnished()
    early = office.do("invoice")["invoice_id"]
    code = document(office, early)["attachments"][0]["externalCode"]
    assert office.call("GET", f"{BASE}/{early}/attachments/{code}") == (404, None)
    made = transferred(office)
    code = document(office, made)["attachments"][0]["externalCode"]
    status, image = office.call("GET", f"{BASE}/{made}/attachments/{code}")
    assert (status, image[:4]) == (200, b"%PDF")
    office.do("knobs", attachments=False)
    assert office.call("GET", f"{BASE}/{made}/attachments/{code}") == (404, None)


def test_the_status_is_off_until_basware_switches_it_on() -> None:
    office = furnished()
    made = transferred(office, invoice_number="F-1", invoice_date="2026-11-18")
    asked = {"companyCode": "NO01", "invoiceNumber": "F-1", "invoiceDate": "2026-11-18"}
    assert office.call("GET", f"{BASE}/status", **asked) == (404, None)
    office.do("knobs", document_status=True)
    row = office.get(f"{BASE}/status", **asked)[0]
    assert (row["invoiceId"], row["status"]) == (made, "ReadyForPayment")
    assert office.call("GET", f"{BASE}/status", **asked, grossSum="1.00") == (404, None)
    assert office.refused("GET", f"{BASE}/status", companyCode="NO01")[0] == 400


def test_invoices_for_all_open_orders_at_once_and_marks_by_people() -> None:
    office = furnished()
    rows = office.do("invoice_orders", kinds=["partial", "over_price"])["invoices"]
    assert [row["kind"] for row in rows] == ["partial"]
    marked = office.do("mark", invoice_id=rows[0]["invoice_id"], status="Removed", fields={"netSum": 1.5})
    assert (marked["status"], marked["net"]) == ("Removed", "1.5")
