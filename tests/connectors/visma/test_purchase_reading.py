"""What purchasing reads of the ledger: suppliers, orders, receipts, bills with files, and payments."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from ml_connector.connectors.shapes import Absent, ReadsFiles, SourceObject
from ml_connector.connectors.visma import CONNECTOR, translate
from ml_connector.connectors.visma.purchasing import KINDS
from ml_connector.errors import NotFound, Rejected, UsageError
from ml_connector.finance.money import Money
from ml_connector.finance.purchasing import (
    LedgerSupplier,
    LedgerSupplierPayment,
    PaymentDetail,
    PurchaseOrder,
    PurchaseReceipt,
    SettledInvoice,
)
from ml_connector.flows.visma_to_basware import FLOW
from tests.connectors.visma.builders import FakeVisma, reader
from tests.connectors.visma.buying import CHAIR, DESK, PDF, Buyer
from tests.connectors.visma.sandboxed import START


@pytest.fixture
def buyer() -> Buyer:
    return Buyer()


def test_every_kind_the_pair_needs_has_a_stream_and_a_document() -> None:
    streamed = {kind for stream in CONNECTOR.streams for kind in stream.kinds}
    assert set(FLOW.kinds) <= streamed
    assert set(FLOW.kinds) <= set(CONNECTOR.reads)
    assert set(FLOW.kinds) == set(KINDS)


# ---------------------------------------------------------------------------------------------- suppliers


def test_a_supplier_is_read_whole_with_its_bank_details(buyer: Buyer) -> None:
    found = buyer.document("supplier", "50001")
    assert isinstance(found, LedgerSupplier)
    assert (found.name, found.status, found.term, found.currency) == ("Paper AB", "Active", "30", "SEK")
    assert found.details == (PaymentDetail("Bankgiro", "5050-1055"), PaymentDetail("IBAN", "SE4550000000058398257466"))
    assert (found.paid_by, found.payment_method) == ("BANKGIRO", "BANK")
    assert (found.org_number, found.vat_number) == ("5560001111", "SE556000111101")
    main = next(one for one in found.addresses if one.role == "main")
    assert (main.lines, main.postal_code, main.city, main.country) == (("Gatan 1",), "111 11", "Stockholm", "SE")


@pytest.mark.parametrize("shown", [True, False])
def test_a_supplier_has_the_same_shape_from_the_stream_and_alone(buyer: Buyer, shown: bool) -> None:
    buyer.sandbox.control("set_preferences", notes_on_single=shown)
    listed, _ = buyer.stream("supplier")
    assert buyer.one("supplier", "50001").payload == listed["50001"].payload


def test_suppliers_that_nobody_changed_since_long_before_are_read_too(buyer: Buyer) -> None:
    found, _ = buyer.stream("supplier", backfill_from=START + timedelta(days=300))
    assert "50001" in found


def test_a_supplier_that_was_switched_off_comes_again_and_the_others_do_not(buyer: Buyer) -> None:
    _, position = buyer.stream("supplier")
    buyer.sandbox.clock.advance(3 * 3600)
    buyer.sandbox.control("set_supplier", number="50001", status="Inactive")
    found, position = buyer.stream("supplier", position)
    assert found["50001"].payload["status"] == "Inactive"
    again, _ = buyer.stream("supplier", position)
    assert set(again) == {"50001"}  # what changed within the overlap comes twice, with the same content


def test_a_supplier_that_was_deleted_is_absent(buyer: Buyer) -> None:
    buyer.sandbox.control("remove", kind="supplier", number="50001")
    (gone,) = buyer.reader.fetch("supplier", ["50001"])
    assert isinstance(gone, Absent)


# ---------------------------------------------------------------------------------------------- orders


def test_an_order_is_read_with_its_lines_prices_and_segments(buyer: Buyer) -> None:
    number = buyer.order(reference="Q-7", promised="2026-06-01")
    found = buyer.document("purchaseorder", number)
    assert isinstance(found, PurchaseOrder)
    assert (found.type, found.status, found.hold, found.supplier, found.currency) == (
        "RegularOrder", "Open", False, "50001", "SEK",
    )  # fmt: skip
    chair, desk = found.lines
    assert (chair.kind, chair.quantity, chair.unit_price, chair.article) == (
        "GoodsForInventory", Decimal(10), Decimal("100.125"), "CHAIR",
    )  # fmt: skip
    assert (chair.net, chair.vat_code, chair.account, dict(chair.dimensions)[1]) == (
        Money.of("1001.25", "SEK"), "25", "", "10",
    )  # fmt: skip
    assert (desk.kind, desk.account, chair.supplier_article, chair.overreceipt_allowed) == (
        "NonStock", "4000", "C-1", False,
    )  # fmt: skip
    assert (found.supplier_reference, str(found.promised)) == ("Q-7", "2026-06-01")


def test_orders_that_were_open_before_reading_began_are_read_and_closed_ones_are_not(buyer: Buyer) -> None:
    is_open = buyer.order()
    buyer.order(status="Closed")
    buyer.sandbox.clock.advance(30 * 86_400)
    found, position = buyer.stream("purchaseorder", backfill_from=buyer.sandbox.clock.now())
    assert set(found) == {is_open}
    buyer.sandbox.control("change_order", number=is_open, fields={"status": "Cancelled"})
    later, _ = buyer.stream("purchaseorder", position)
    assert later[is_open].payload["status"] == "Cancelled"


def test_an_order_is_open_only_off_hold(buyer: Buyer) -> None:
    number = buyer.order(hold=True, status="Open")
    found = buyer.document("purchaseorder", number)
    assert isinstance(found, PurchaseOrder)
    assert (found.status, found.hold) == ("Open", True)  # the API has no field for approval


def test_an_agreement_of_the_same_number_is_another_record(buyer: Buyer) -> None:
    buyer.order(DESK, number="PO1", type="Blanket")
    buyer.order(number="PO1")
    assert buyer.document("purchaseorder", "PO1").type == "RegularOrder"  # the path shows the agreement: it came first
    assert buyer.document("purchaseorder", "Blanket/PO1").type == "Blanket"
    found, _ = buyer.stream("purchaseorder")
    assert set(found) == {"PO1", "Blanket/PO1"}


def test_a_foreign_order_is_read_in_its_own_currency_which_here_is_the_name_without_suffix(buyer: Buyer) -> None:
    line = {"lineNbr": 1, "lineType": "Service", "orderQty": 2, "unitCost": 10.5, "unitCostInBaseCurrency": 118.65,
            "extCost": 21, "amount": 20.5, "taxCategory": "25", "account": "4000"}  # fmt: skip
    row = {"orderNbr": "1", "orderType": "RegularOrder", "status": "Open", "currency": "EUR", "supplier": "50001",
           "orderTotal": 20.5, "orderTotalInBaseCurrency": 231.65, "terms": "30", "lines": [line]}  # fmt: skip
    found = translate("purchaseorder", row)
    assert isinstance(found, PurchaseOrder)
    assert (found.lines[0].unit_price, found.lines[0].net) == (Decimal("10.5"), Money.of("20.50", "EUR"))
    nested = {
        **row, "supplier": {"number": "50001"}, "terms": {"id": "30"},
        "lines": [{**line, "taxCategory": {"number": "25"}, "account": {"type": "Expense", "number": "4000"}}],
    }  # fmt: skip
    assert translate("purchaseorder", nested) == found  # a look-up is a text here and an object there


def test_words_that_no_contract_names_are_read_as_they_are() -> None:
    row = {"orderNbr": "1", "orderType": "Undefined", "status": "PendingApproval", "currency": {"id": "SEK"}}
    found = translate("purchaseorder", {**row, "hold": True})
    assert isinstance(found, PurchaseOrder)
    assert (found.type, found.status, found.hold) == ("Undefined", "PendingApproval", True)


def test_numbers_with_reserved_characters_are_asked_for_encoded() -> None:
    visma = FakeVisma().on("GET", "/v1/supplier/", 200, {"number": "A/1", "name": "A"})
    visma.on("GET", "/v2/PurchaseReceipt/", 404).on("GET", "/v1/purchaseorder/", 404)
    there = reader(visma)
    (found,) = there.fetch("supplier", ["A/1"])
    assert isinstance(found, SourceObject)
    there.fetch("purchasereceipt", ["R/1"])
    there.fetch("purchaseorder", ["PO/1", "Blanket/PO/1"])
    assert visma.calls() == [
        "GET /v1/supplier/b64(QS8x)",
        "GET /v2/PurchaseReceipt/b64(Ui8x)",
        "GET /v1/purchaseorder/b64(UE8vMQ)",
        "GET /v1/purchaseorder/b64(UE8vMQ)",
    ]


def test_an_event_about_an_agreement_brings_the_agreement_in_one_call(buyer: Buyer) -> None:
    number = buyer.order(DESK, type="Blanket")
    before = buyer.calls()
    (found,) = buyer.reader.fetch("purchaseorder", [number], since=START)
    assert isinstance(found, SourceObject)
    assert (found.external_id, buyer.calls() - before) == (f"Blanket/{number}", 1)


def test_an_order_that_is_gone_is_absent(buyer: Buyer) -> None:
    assert buyer.reader.fetch("purchaseorder", ["PO9"]) == [
        Absent("purchaseorder", "PO9", "Visma answers 404: there is no such record.")
    ]


# ---------------------------------------------------------------------------------------------- receipts


def test_receipts_are_read_by_version_two_and_found_by_their_order(buyer: Buyer) -> None:
    number = buyer.order()
    came = buyer.receive(number, quantities={"1": 6}, reference="DN-1")
    back = buyer.receive(number, quantities={"1": 1}, type="PoReturn")
    other = buyer.receive(buyer.order())
    found = buyer.reader.find("purchasereceipt", ("order", number), location=None)
    assert {one.external_id for one in found} == {came, back}
    receipt = buyer.document("purchasereceipt", came)
    assert isinstance(receipt, PurchaseReceipt)
    assert (receipt.type, receipt.status, receipt.orders, receipt.supplier_reference) == (
        "PoReceipt", "Released", (number,), "DN-1",
    )  # fmt: skip
    (line,) = receipt.lines
    assert (line.order_type, line.order_line, line.quantity) == ("RegularOrder", 1, Decimal(6))
    walked = buyer.reader.walk("purchasereceipt", location=None, since=START - timedelta(days=1))
    assert {one.external_id for one in walked} == {came, back, other}
    assert not any("/v1/PurchaseReceipt" in operation for operation in buyer.sandbox.meter.calls)


def test_more_receipts_than_a_page_holds_are_all_read(buyer: Buyer) -> None:
    number = buyer.order({**CHAIR, "quantity": 2_000})
    row = {"receiptType": "PoReceipt", "status": "Released", "date": "2026-05-20T00:00:00"}
    rows = [
        {**row, "receiptNbr": f"R{n:04d}", "lines": [{"lineNbr": 1, "receiptQty": 1, "poOrderNbr": number}]}
        for n in range(1_100)
    ]
    buyer.sandbox.control("seed_rows", kind="purchase_receipts", rows=rows)  # 500 is the most that a page holds
    found, position = buyer.stream("purchasereceipt")
    assert len(found) == 1_100
    assert len(buyer.reader.find("purchasereceipt", ("order", number), location=None)) == 1_100
    assert json.loads(position)[2] == 1  # the next sweep begins at its first page


def test_a_receipt_that_is_released_later_comes_again(buyer: Buyer) -> None:
    came = buyer.receive(buyer.order(), status="Balanced")
    first, position = buyer.stream("purchasereceipt")
    buyer.sandbox.clock.advance(86_400)
    buyer.sandbox.control("change_receipt", number=came, fields={"status": "Released"})
    again, _ = buyer.stream("purchasereceipt", position)
    assert first[came].payload["status"] == "Balanced"
    assert again[came].payload["status"] == "Released"
    assert again[came].stamp > first[came].stamp


def test_receipts_of_other_orders_are_left_out_where_the_filter_is_ignored() -> None:
    rows = [
        {"receiptNbr": number, "receiptType": "PoReceipt", "lines": [{"lineNbr": 1, "poOrderNbr": order}]}
        for number, order in (("R1", "PO1"), ("R2", "PO2"))
    ]
    visma = FakeVisma().on("GET", "/v2/PurchaseReceipt", 200, rows)
    found = reader(visma).find("purchasereceipt", ("order", "PO2"), location=None)
    assert [one.external_id for one in found] == ["R2"]


# ---------------------------------------------------------------------------------------------- bills


def test_a_bill_is_read_with_its_note_and_files_which_only_the_list_shows(buyer: Buyer) -> None:
    number = buyer.bill(note="Ask Eva", description="Chairs", paymentRefNo="12344")
    before = buyer.calls()
    found = buyer.invoice(number)
    assert buyer.calls() - before == 2  # the record for its supplier and day, the list for the rest
    assert (found.type, found.number, found.status, found.supplier) == ("Invoice", number, "Hold", "50001")
    assert (found.total, found.vat_total) == (Money.of("1250", "SEK"), Money.of("250", "SEK"))
    assert (found.note, found.text, found.payment_reference, found.reference) == ("Ask Eva", "Chairs", "12344", "F-1")
    (file,) = found.files
    assert file.name == "F-1.pdf"
    listed, _ = buyer.stream("supplierInvoice")
    assert buyer.one("supplierInvoice", f"Invoice/{number}").payload == listed[f"Invoice/{number}"].payload


def test_one_bill_is_listed_whatever_zone_the_filter_of_changes_is_in() -> None:
    row = {
        "documentType": "Invoice", "referenceNumber": "7", "supplier": {"number": "50001"},
        "date": "2026-05-18T00:00:00", "lastModifiedDateTime": "2026-05-20T10:00:00.5",
    }  # fmt: skip
    visma = FakeVisma().on("GET", "/v1/supplierInvoice/Invoice/7", 200, row)
    visma.on("GET", "/v1/supplierInvoice", 200, [{**row, "note": "Ask Eva"}])
    (found,) = reader(visma).fetch("supplierInvoice", ["Invoice/7"])
    assert isinstance(found, SourceObject)
    assert found.payload["note"] == "Ask Eva"
    asked = dict(visma.last().url.params)
    assert asked["lastModifiedDateTime"] == "2026-05-19T10:00:00"  # which zone is meant is not documented
    assert {name: asked[name] for name in ("supplier", "documentType", "docDate", "docDateCondition")} == {
        "supplier": "50001", "documentType": "Invoice", "docDate": "2026-05-18T00:00:00", "docDateCondition": ">=",
    }  # fmt: skip
    assert (asked["expandNote"], asked["expandAttachment"]) == ("true", "true")


def test_a_bill_that_was_deleted_is_absent(buyer: Buyer) -> None:
    number = buyer.bill()
    buyer.sandbox.control("remove", kind="supplierInvoice", number=f"Invoice/{number}")
    (gone,) = buyer.reader.fetch("supplierInvoice", [f"Invoice/{number}"])
    assert isinstance(gone, Absent)


def test_a_bill_that_is_paid_in_part_keeps_its_total(buyer: Buyer) -> None:
    number = buyer.bill(hold=False)
    buyer.release(number)
    buyer.pay(number, amount="1000")
    found = buyer.invoice(number)
    assert (found.status, found.total) == ("Open", Money.of("1250", "SEK"))


def test_a_foreign_bill_is_read_in_its_own_currency() -> None:
    row = {
        "documentType": "Invoice", "referenceNumber": "7", "status": "Open", "currencyId": "EUR", "supplier": "50001",
        "balance": 14125.0, "balanceInCurrency": 1250.0, "amount": 14125.0,
        "vatTotal": 2825.0, "vatTotalInCurrency": 250.0,
    }  # fmt: skip
    found = translate("supplierInvoice", row)
    assert (found.total, found.vat_total) == (Money.of("1250", "EUR"), Money.of("250", "EUR"))  # type: ignore[union-attr]


# ---------------------------------------------------------------------------------------------- files


def file_of(buyer: Buyer) -> tuple[str, str]:
    number = buyer.bill()
    return f"Invoice/{number}", buyer.invoice(number).files[0].id


def test_a_file_is_read_by_its_id(buyer: Buyer) -> None:
    external_id, file_id = file_of(buyer)
    assert isinstance(buyer.reader, ReadsFiles)
    assert buyer.reader.attachment("supplierInvoice", external_id, file_id) == PDF


def test_a_file_that_is_gone_empty_or_no_file_is_refused_in_words() -> None:
    read = reader(FakeVisma().on("GET", "/v1/attachment/", 404)).attachment
    with pytest.raises(NotFound):
        read("supplierInvoice", "Invoice/1", "6e2a06a8-0000-4000-8000-000000000000")
    with pytest.raises(UsageError):
        read("supplierInvoice", "Invoice/1", "../../v1/customer")
    with pytest.raises(NotFound, match="empty"):
        reader(FakeVisma().on("GET", "/v1/attachment/", 200, b"")).attachment("supplierInvoice", "Invoice/1", "a")


def test_a_file_that_is_too_large_is_refused() -> None:
    large = FakeVisma().on("GET", "/v1/attachment/", 200, bytes(20 * 1024 * 1024 + 1))
    with pytest.raises(Rejected, match="larger"):
        reader(large).attachment("supplierInvoice", "Invoice/1", "a")
    endless = FakeVisma().on("GET", "/v1/attachment/", 200, bytes(33 * 1024 * 1024))
    with pytest.raises(Rejected, match="larger"):
        reader(endless).attachment("supplierInvoice", "Invoice/1", "a")


def test_an_address_elsewhere_instead_of_a_file_is_not_called() -> None:
    visma = FakeVisma().on("GET", "/v1/attachment/", 302, Location="https://files.evil.example/x")
    with pytest.raises(Rejected):
        reader(visma).attachment("supplierInvoice", "Invoice/1", "a")
    assert visma.calls() == ["GET /v1/attachment/a"]
    with pytest.raises(Rejected, match="job"):
        reader(FakeVisma().on("GET", "/v1/attachment/", 202, {"id": "J"})).attachment("x", "y", "a")


# ---------------------------------------------------------------------------------------------- payments


def test_a_payment_is_read_by_type_and_number_with_what_it_took(buyer: Buyer) -> None:
    number = buyer.bill(hold=False)
    buyer.release(number)
    paid = buyer.pay(number, amount="1000", discount="50", day="2026-05-20", reference="K-1")
    found = buyer.document("supplierPayment", f"Payment/{paid}")
    assert isinstance(found, LedgerSupplierPayment)
    assert (found.type, found.released, found.reference, str(found.day)) == ("Payment", True, "K-1", "2026-05-20")
    assert found.settled == (SettledInvoice("Invoice", number, Money.of("1000", "SEK"), Money.of("50", "SEK")),)
    (one,) = buyer.reader.find("supplierPayment", ("invoice", number), location=None)
    assert one.external_id == f"Payment/{paid}"


def test_a_voided_payment_and_what_voids_it_are_two_records_of_one_number(buyer: Buyer) -> None:
    number = buyer.bill(hold=False)
    buyer.release(number)
    paid = buyer.pay(number)
    _, position = buyer.stream("supplierPayment")
    buyer.sandbox.clock.advance(3 * 3600)
    buyer.sandbox.control("void_supplier_payment", number=paid)
    found = buyer.documents("supplierPayment", position)
    assert {key: one.status for key, one in found.items()} == {  # type: ignore[union-attr]
        f"Payment/{paid}": "Voided",
        f"VoidPayment/{paid}": "Closed",
    }


def test_what_a_payment_took_is_in_the_documents_currency() -> None:
    line = {"docType": "Invoice", "invoiceRefNbr": "7", "amountPaid": 100.0, "currency": "EUR"}
    row = {"type": "Payment", "refNbr": "1", "status": "Closed", "currency": {"id": "SEK"}, "paymentLines": [line]}
    found = translate("supplierPayment", row)
    assert isinstance(found, LedgerSupplierPayment)
    assert found.settled == (SettledInvoice("Invoice", "7", Money.of("100", "EUR"), Money.of("0", "EUR")),)


@pytest.mark.parametrize(
    ("status", "told", "released"),
    [
        ("Balanced", None, False), ("PendingApproval", None, False), ("Printed", None, False), ("Closed", None, True),
        ("Printed", True, True), ("Open", False, False),
    ],
)  # fmt: skip
def test_a_payment_counts_once_it_is_released(status: str, told: bool | None, released: bool) -> None:
    row = {"type": "Payment", "refNbr": "1", "status": status, "currency": {"id": "SEK"}}
    found = translate("supplierPayment", row if told is None else {**row, "released": told})
    assert isinstance(found, LedgerSupplierPayment)
    assert found.released is released
