"""Matching orders in the pretend Basware: header before lines, lines of a request together, receipts, closing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.basware_tenant import Office, furnished, line, order, receipt, vendor

LINES = "/v1/matchingOrderLines"


def told(office: Office, path: str, record: dict[str, Any]) -> str:
    office.post(path, [record])
    request_id = office.request_id
    office.settle()
    assert set(office.items(request_id).values()) == {"Error"}
    return "; ".join(office.told(request_id))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"companyCode": "XX"}, "Company XX not found"),
        ({"organizationElementCode": "SE01"}, "Organization element SE01 not found"),
        ({"currencyCode": "ZAR"}, "Currency ZAR is not active"),
        ({"supplierCode": "4711"}, "Supplier 4711 not found"),
        ({"invoicingSupplierCode": "4711"}, "Supplier 4711 not found"),
        ({"paymentTermCode": "99"}, "Payment term 99 not found"),
        ({"companyCode": "SE01", "organizationElementCode": "SE01"}, "Supplier 50012 not found"),
    ],
)
def test_an_order_needs_its_company_element_currency_supplier_and_term(change: dict[str, Any], reason: str) -> None:
    assert reason in told(furnished(), "/v1/matchingOrders", order("PO2", **change))


def test_what_identifies_an_order_never_changes_and_is_unique() -> None:
    office = furnished()
    assert "cannot change" in told(office, "/v1/matchingOrders", order(orderNumber="PO-OTHER"))
    assert "exists as externalCode" in told(office, "/v1/matchingOrders", order(externalCode="another"))


def test_a_new_order_of_an_inactive_supplier_is_an_error_an_old_one_goes_on() -> None:
    office = furnished()
    assert office.outcome("/v1/vendors", [vendor(processingStatus={"active": False})]) == "Success"
    assert "not active" in told(office, "/v1/matchingOrders", order("PO2"))
    assert office.outcome("/v1/matchingOrders", [order(description="late")]) == "Success"


def test_a_line_before_its_header_is_an_error() -> None:
    office = furnished()
    assert "Order order-PO2 not found" in told(office, LINES, line(order_number="PO2"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"quantity": 0}, "above 0"),
        ({"matchingMode": "Blanket", "quantity": 2}, "must be 1"),
        ({"matchingMode": "Blanket", "quantity": 1}, "isReceiptRequired is not allowed"),
        ({"matchingMode": "Service", "quantity": 1, "isReceiptBasedMatching": False}, "needs isReceiptRequired"),
        ({"matchingMode": "Return"}, "negative price"),
        ({"netPrice": -1}, "negative price"),
        ({"grossPrice": 1}, "not both"),
        ({"taxCode": "99"}, "Tax code 99 not found"),
        ({"currencyCode": "EUR"}, "currency is not that of its order"),
        ({"externalCode": "another"}, "Line number 1 is in use"),
        ({"goodsReceipts": [receipt("R1", 4), receipt("R1", 2)]}, "one externalCode"),
        ({"goodsReceipts": [receipt("R1", 11)]}, "11 were received, 10 ordered"),
        ({"goodsReceipts": [receipt("R1", -1)]}, "names the receipt it reverses"),
        (
            {"goodsReceipts": [receipt("R1", 1), receipt("R2", -2, referenceGRExternalCode="receipt-R1")]},
            "reverses more",
        ),
        ({"goodsReceipts": [receipt("R2", -2, referenceGRExternalCode="receipt-R9")]}, "receipt-R9 not found"),
    ],
)
def test_a_line_is_checked_against_its_mode_its_order_and_its_receipts(change: dict[str, Any], reason: str) -> None:
    assert reason in told(furnished(), LINES, line(**change))


def test_one_bad_line_undoes_the_lines_of_its_request() -> None:
    office = furnished()
    office.post(LINES, [line("2"), line("3", taxCode="99")])
    request_id = office.request_id
    office.settle()
    assert office.items(request_id) == {"line-PO000123-2": "Error", "line-PO000123-3": "Error"}
    assert office.do("truth")["records"]["matchingOrderLines"]["line-PO000123-2"]["target"] is None
    assert office.outcome(LINES, [line("2")]) == "NotProcessed"
    assert office.outcome(LINES, [line("2", text10="1")]) == "Success"


def test_lines_stand_for_themselves_when_the_knob_says_so() -> None:
    office = furnished()
    office.do("knobs", lines_transaction=False)
    office.post(LINES, [line("2"), line("3", taxCode="99")])
    request_id = office.request_id
    office.settle()
    assert office.items(request_id) == {"line-PO000123-2": "Success", "line-PO000123-3": "Error"}


@pytest.mark.parametrize(("knob", "status"), [("warning", "Warning"), ("error", "Error"), ("off", "Success")])
def test_an_unknown_cost_centre_of_a_coding(knob: str, status: str) -> None:
    office = furnished()
    office.do("knobs", coding_check=knob)
    coding = {"externalCode": "c", "rowIndex": 1, "allocatedQuantity": 10, "costCenterCode": "NOWHERE"}
    assert office.outcome(LINES, [line("2", orderLineCoding=[coding])]) == status


def test_a_hundred_lines_fit_in_a_request_and_a_listing_needs_its_order() -> None:
    office = furnished()
    assert office.refused("POST", LINES, [line(str(n)) for n in range(101)])[0] == 400
    assert office.refused("GET", LINES)[0] == 400
    assert office.call("GET", LINES, orderExternalCode="order-PO9") == (404, None)


@pytest.mark.parametrize(("knob", "left"), [("replace", ["receipt-R3"]), ("merge", ["receipt-R1", "receipt-R3"])])
def test_a_post_replaces_or_merges_receipts(knob: str, left: list[str]) -> None:
    office = furnished()
    office.do("knobs", post_arrays=knob)
    office.outcome(LINES, [line("2", goodsReceipts=[receipt("R1", 4)])])
    office.outcome(LINES, [line("2", goodsReceipts=[receipt("R3", 1)])])
    shown = office.get(f"{LINES}/line-PO000123-2")
    assert [row["externalCode"] for row in shown["goodsReceipts"]] == left


@pytest.mark.parametrize(("knob", "left"), [("replace", ["receipt-R3"]), ("merge", ["receipt-R1", "receipt-R3"])])
def test_a_patch_merges_or_replaces_receipts(knob: str, left: list[str]) -> None:
    office = furnished()
    office.do("knobs", patch_arrays=knob)
    office.outcome(LINES, [line("2", goodsReceipts=[receipt("R1", 4)])])
    path = f"{LINES}/line-PO000123-2"
    assert office.outcome(path, line("2", goodsReceipts=[receipt("R3", 1)]), "PATCH") == "Success"
    assert [row["externalCode"] for row in office.get(path)["goodsReceipts"]] == left


def test_a_second_patch_of_a_line_within_a_second_is_a_503() -> None:
    office = furnished()
    path = f"{LINES}/line-PO000123-1"
    assert office.call("PATCH", path, line(text1="a"))[0] == 200
    assert office.call("PATCH", path, line(text1="b")) == (503, None)
    office.wait(seconds=2)
    assert office.call("PATCH", path, line(text1="b"))[0] == 200


def test_invoiced_quantities_cannot_be_set_after_matching() -> None:
    office = furnished()
    assert office.outcome(LINES, [line(invoicedQuantity=1, goodsReceipts=[receipt("R1", 4)])]) == "Success"
    office.do("invoice", kind="exact", order_number="PO000123")
    reason = told(office, LINES, line(invoicedQuantity=2, goodsReceipts=[receipt("R1", 4)]))
    assert "cannot be set after matching" in reason
