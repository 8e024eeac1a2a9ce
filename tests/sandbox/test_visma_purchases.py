"""Purchasing in the pretend ERP: orders, receipts, payments to suppliers, and what its lists show and hide."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.sandbox.test_visma_payables import PATH, bill, bill_line
from tests.sandbox.visma_office import NOON, Office, header, office, wrapped

PAPER = {"number": "50001", "name": "Paper AB", "zone": "SE", "currency": "SEK"}
CHAIR = {"article": "CHAIR", "text": "Chair", "quantity": 10, "price": "100", "vat": "25"}
DESK = {"text": "Desk, made to measure", "quantity": 2, "price": "400", "account": "4000", "vat": "25"}


@pytest.fixture
def shop() -> Office:
    return office(suppliers=[PAPER])


def ordered(shop: Office, *lines: dict[str, Any], **more: Any) -> str:
    wishes = {"supplier": "50001", "lines": list(lines) or [CHAIR, DESK], **more}
    return str(shop.control("order_goods", **wishes)["number"])


def entered(shop: Office, *lines: dict[str, Any], file: dict[str, str] | None = None, **more: Any) -> str:
    body = bill(*lines, supplierNumber="50001", **more)
    return str(shop.control("enter_supplier_invoice", body=body, file=file)["number"])


def test_an_order_shows_its_lines_and_sums_in_its_own_currency(shop: Office) -> None:
    number = ordered(shop)
    row = shop.get(f"/v1/purchaseorder/{number}")
    assert (row["orderType"], row["status"], row["hold"], row["orderTotal"]) == ("RegularOrder", "Open", False, 1800.0)
    chair, desk = row["lines"]
    assert (chair["lineType"], chair.get("account"), chair["taxCategory"]["number"]) == (
        "GoodsForInventory",
        None,
        "25",
    )
    assert (desk["lineType"], desk["account"]["number"], desk["amount"]) == ("NonStock", "4000", 800.0)
    assert header(shop.last, "ETag") == f'"{row["timeStamp"]}"'


def test_orders_are_filtered_by_order_status_and_not_by_status(shop: Office) -> None:
    number = ordered(shop)
    ordered(shop, hold=True)
    assert [row["orderNbr"] for row in shop.get("/v1/purchaseorder?orderStatus=Open")] == [number]
    assert len(shop.get("/v1/purchaseorder?status=Open")) == 2  # what is no parameter is ignored


def test_an_order_changes_with_its_version_and_its_time(shop: Office) -> None:
    number = ordered(shop)
    before = shop.get(f"/v1/purchaseorder/{number}")
    shop.wait(minutes=40)
    shop.control("change_order", number=number, lines={"1": {"orderQty": "8"}}, remove=[2])
    row = shop.get(f"/v1/purchaseorder/{number}")
    assert [line["lineNbr"] for line in row["lines"]] == [1]
    assert (row["lines"][0]["amount"], row["orderTotal"]) == (800.0, 800.0)
    assert row["timeStamp"] != before["timeStamp"]
    since = "lastModifiedDateTime=2026-03-10T13:30:00&lastModifiedDateTimeCondition=%3E%3D"
    assert len(shop.get(f"/v1/purchaseorder?{since}")) == 1
    assert len(shop.get("/v1/purchaseorder?lastModifiedDateTime=2027-01-01")) == 1  # alone it is ignored


def test_two_types_may_share_a_number_and_the_path_has_no_type(shop: Office) -> None:
    ordered(shop, number="PO1")
    ordered(shop, number="PO1", type="Blanket")
    assert len(shop.get("/v1/purchaseorder")) == 2
    assert shop.get("/v1/purchaseorder/PO1")["orderType"] == "RegularOrder"


def test_a_receipt_names_order_and_line_and_a_return_names_no_receipt(shop: Office) -> None:
    number = ordered(shop)
    came = shop.control("receive_goods", order=number, quantities={"1": 6})["number"]
    back = shop.control("receive_goods", order=number, quantities={"1": 1}, type="PoReturn")["number"]
    row = shop.get(f"/v2/PurchaseReceipt/{came}")
    (line,) = row["lines"]
    assert (line["poOrderType"], line["poOrderNbr"], line["poOrderLineNbr"]) == ("RegularOrder", number, 1)
    assert (row["status"], line["receiptQty"]) == ("Released", 6.0)
    returned = shop.get(f"/v2/PurchaseReceipt/{back}")
    assert returned["receiptType"] == "PoReturn"
    assert came not in str(returned)
    assert shop.get(f"/v1/purchaseorder/{number}")["lines"][0]["qtyOnReceipts"] == 5.0
    assert {row["receiptNbr"] for row in shop.get(f"/v2/PurchaseReceipt?poOrderNbr={number}")} == {came, back}


def test_reading_receipts_by_version_one_ends_in_september_2026(shop: Office) -> None:
    number = ordered(shop)
    shop.control("receive_goods", order=number)
    assert shop.get("/v1/PurchaseReceipt")
    shop.vendor.control("set_token_rules", {"life_s": 40_000_000}, NOON)
    late = office(shop.vendor, name="Another")
    late.at = datetime(2026, 9, 15, tzinfo=UTC)
    assert "retired" in late.refused("GET", "/v1/PurchaseReceipt", status=410)
    assert late.get("/v2/PurchaseReceipt") == []


def test_a_note_is_shown_only_where_it_is_asked_for(shop: Office) -> None:
    number = entered(shop, note="Ask Eva")
    assert "note" not in shop.get(f"{PATH}/Invoice/{number}")
    assert "note" not in shop.get(PATH)[0]
    assert shop.get(f"{PATH}?expandNote=true")[0]["note"] == "Ask Eva"
    shop.control("set_preferences", notes_on_single=True)
    assert shop.get(f"{PATH}/Invoice/{number}")["note"] == "Ask Eva"


def test_files_are_shown_by_the_expanded_list_and_read_by_their_id(shop: Office) -> None:
    pdf = b"%PDF-1.4 invoice"
    number = entered(shop, file={"name": "F-1.pdf", "content": base64.b64encode(pdf).decode()})
    assert "attachments" not in shop.get(f"{PATH}/Invoice/{number}")
    (file,) = shop.get(f"{PATH}?expandAttachment=true")[0]["attachments"]
    assert (file["name"], file["revision"]) == ("F-1.pdf", 1)
    assert shop.call("GET", f"/v1/attachment/{file['id']}").body == pdf
    assert shop.call("GET", "/v1/attachment/6e2a06a8-0000-4000-8000-000000000000").status == 404


def test_a_stock_line_is_linked_to_its_receipt_alone(shop: Office) -> None:
    number = ordered(shop)
    came = shop.control("receive_goods", order=number)["number"]
    to_order = wrapped(purchaseNumber=number, purchaseLineNbr=1)
    line = bill_line("4000", 1000, "25") | {"linkLine": {"purchaseType": "PurchaseOrder", **to_order}}
    assert "purchase receipt" in shop.refused("POST", PATH, bill(line, supplierNumber="50001"))
    line["linkLine"] = {"purchaseType": "PurchaseReceipt", **wrapped(purchaseNumber=came, purchaseLineNbr=1)}
    made = shop.create(PATH, bill(line, supplierNumber="50001"))
    assert shop.get(f"{PATH}/Invoice/{made}")["invoiceLines"][0]["poReceiptNbr"] == came


def test_a_supplier_invoice_may_name_another_period_than_its_own_day(shop: Office) -> None:
    number = entered(shop, financialPeriod="202604")
    row = shop.get(f"{PATH}/Invoice/{number}")
    assert (row["date"][:10], row["financialPeriod"], row["postPeriod"]) == ("2026-03-10", "202604", "042026")
    shop.control("close_period", period="202604", ledgers=["SupplierLedger"])
    assert "closed" in shop.refused("POST", f"{PATH}/Invoice/{number}/action/release")


def test_a_payment_lowers_the_invoice_and_moves_the_money(shop: Office) -> None:
    number = entered(shop, bill_line("4000", 1000, "25"))
    shop.act(f"{PATH}/Invoice/{number}/action/release")
    first = shop.control("pay_supplier", invoice=number, amount="1000", day="2026-03-20")["number"]
    assert shop.get(f"{PATH}/Invoice/{number}")["balanceInCurrency"] == 250.0
    shop.control("pay_supplier", invoice=number, discount="50")
    assert shop.get(f"{PATH}/Invoice/{number}")["status"] == "Closed"
    row = shop.get(f"/v1/supplierPayment/Payment/{first}")
    (line,) = row["paymentLines"]
    assert (row["released"], line["docType"], line["invoiceRefNbr"], line["amountPaid"]) == (
        True,
        "Invoice",
        number,
        1000.0,
    )
    assert (shop.balance("2440"), shop.balance("1930")) == ("0.00", "-1200.00")
    assert len(shop.get(f"/v1/supplierPayment?invoiceRefNbr={number}")) == 2
    with pytest.raises(ValueError, match="There is no supplier invoice"):
        shop.control("pay_supplier", invoice=number)


def test_a_voided_payment_shares_its_number_with_what_voids_it(shop: Office) -> None:
    number = entered(shop, bill_line("4000", 1000, "25"))
    shop.act(f"{PATH}/Invoice/{number}/action/release")
    paid = shop.control("pay_supplier", invoice=number)["number"]
    shop.control("void_supplier_payment", number=paid)
    states = {(row["type"], row["status"]) for row in shop.get("/v1/supplierPayment") if row["refNbr"] == paid}
    assert states == {("Payment", "Voided"), ("VoidPayment", "Closed")}
    assert shop.get(f"{PATH}/Invoice/{number}")["status"] == "Open"
    assert (shop.balance("2440"), shop.balance("1930")) == ("-1250.00", "0.00")


def test_credit_terms_are_paged_in_records_and_asked_for_by_change(shop: Office) -> None:
    found = shop.get("/v1/creditTerm?pageNumber=1&pageSize=2")
    assert (found["totalCount"], len(found["records"])) == (3, 2)
    shop.wait(minutes=40)
    shop.control("set_credit_terms", id="EOM", description="End of month", dueDateType="EndOfMonth", days=0)
    asked = "/v1/creditTerm?lastModifiedDateTime=2026-03-10T13:30:00&lastModifiedDateTimeCondition=%3E%3D"
    (row,) = shop.get(asked)["records"]
    assert (row["termsId"], row["dueDateType"]) == ("EOM", "EndOfMonth")


def test_what_was_removed_is_not_shown_and_nothing_tells_of_it(shop: Office) -> None:
    assert any(row["vatCategoryId"] == "12" for row in shop.get("/v1/vatCategory"))
    shop.control("remove", kind="vatcategory", number="12")
    assert not any(row["vatCategoryId"] == "12" for row in shop.get("/v1/vatCategory"))
    with pytest.raises(ValueError, match="There is no"):
        shop.control("remove", kind="account", number="0000")


def test_rows_with_words_the_api_does_not_know_are_not_seeded(shop: Office) -> None:
    with pytest.raises(ValueError, match="orderType"):
        shop.control("seed_rows", kind="purchase_orders", rows=[{"orderNbr": "1", "orderType": "Normal"}])
    with pytest.raises(ValueError, match="needs receiptNbr"):
        shop.control("seed_rows", kind="purchase_receipts", rows=[{}])
