"""What approval writes into the ledger: a supplier invoice, or the lines of one that waits; what is looked up first."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from ml_connector.connectors.shapes import Context, Observed
from ml_connector.errors import Conflict, NotFound, Rejected, UnknownOutcome
from ml_connector.finance.invoices import PurchaseLink, SupplierInvoice, SupplierInvoiceLine
from ml_connector.finance.plan import Found
from ml_connector.finance.procurement import LedgerCoding
from ml_connector.finance.purchasing import LedgerSupplierInvoice, PurchaseOrder, PurchaseReceipt
from ml_connector.flows.visma_to_basware_invoices import document_of
from tests.connectors.visma.builders import FakeVisma, context, writer
from tests.connectors.visma.buying import CHAIR, DESK, Buyer
from tests.connectors.visma.driver import DAY, Driver, sek
from tests.flows.purchase_builders import TERMS

DOC = "bw:doc:63255782"
OFFICE = SupplierInvoiceLine("4000", sek("600"), "25", "Chairs", ((1, "10"), (2, "100")))
SHOP = SupplierInvoiceLine("6570", sek("400"), "25", "Desks", ((1, "20"),))


@pytest.fixture
def buyer() -> Buyer:
    return Buyer()


@pytest.fixture
def books(buyer: Buyer) -> Driver:
    return Driver(buyer.sandbox, buyer.sandbox.writer())


def coding(number: str, *lines: SupplierInvoiceLine, **changes: Any) -> LedgerCoding:
    whole = LedgerCoding(number, "SEK", lines or (OFFICE, SHOP), sek("1250"), sek("250"), DOC)
    return replace(whole, **changes)


def approved(*lines: SupplierInvoiceLine, **changes: Any) -> SupplierInvoice:
    whole = SupplierInvoice(
        "50001", DAY, DAY, "SEK", lines or (OFFICE, SHOP), sek("1250"), sek("250"), "F-1", DOC, "Furniture"
    )
    return replace(whole, **changes)


def row_of(buyer: Buyer, number: str, kind: str = "Invoice") -> dict[str, Any]:
    return dict(buyer.one("supplierInvoice", f"{kind}/{number}").payload)


# ---------------------------------------------------------------------------------------------- coding what waits


@pytest.mark.parametrize("answer", ["declared", "job", "accepted_result", "empty"])
def test_a_waiting_invoice_gets_its_lines_its_hold_taken_off_and_is_released(
    buyer: Buyer, books: Driver, answer: str
) -> None:
    buyer.sandbox.control("set_preferences", action_answer=answer, validate_control_totals=True)
    number = buyer.bill(note="Ask Eva", description="Chairs and desks")
    seen = books.released("ledger_coding", coding(number))
    assert (seen.remote_id, seen.status, seen.total, seen.vat) == (f"Invoice/{number}", "Open", 125000, 25000)
    row = row_of(buyer, number)
    first, second = row["invoiceLines"]
    assert [one["account"]["number"] for one in (first, second)] == ["4000", "6570"]
    assert (first["subaccount"]["subaccountNumber"], second["subaccount"]["subaccountNumber"]) == ("10-100", "20-000")
    assert [one["costInCurrency"] for one in (first, second)] == [Decimal(600), Decimal(400)]
    assert row["supplierReference"] == "F-1"
    assert row["taxCalculationMode"] == "Net"


def test_people_keep_their_words_and_ours_stand_beside_them(buyer: Buyer, books: Driver) -> None:
    number = buyer.bill(note="Ask Eva", description="Chairs and desks")
    made = books.create("ledger_coding", coding(number))
    found = buyer.invoice(number)
    assert found.note == f"{DOC}\nAsk Eva"
    assert found.text == f"Chairs and desks [{made.token}]"
    assert document_of(found, TERMS) == "63255782"  # so its payments are told there


@pytest.mark.parametrize("shown", [True, False])
def test_a_note_is_kept_wherever_the_ledger_shows_it(buyer: Buyer, books: Driver, shown: bool) -> None:
    buyer.sandbox.control("set_preferences", notes_on_single=shown)
    number = buyer.bill(note="Ask Eva")
    before = buyer.calls()
    books.create("ledger_coding", coding(number))
    assert buyer.calls() - before == (2 if shown else 3)
    assert buyer.invoice(number).note == f"{DOC}\nAsk Eva"


def test_a_payment_block_is_written_and_the_invoice_released_all_the_same(buyer: Buyer, books: Driver) -> None:
    number = buyer.bill(paySelected=True)
    books.released("ledger_coding", coding(number, pay_selected=False))
    assert row_of(buyer, number)["paySelected"] is False


def test_an_invoice_that_takes_no_lines_any_more_is_refused_untouched(buyer: Buyer, books: Driver) -> None:
    number = buyer.bill(hold=False)
    path = f"/v1/supplierInvoice/Invoice/{number}/action/prebook"
    books.writer.client.call("POST", path, operation="prebook", content={})
    buyer.sandbox.clock.advance(2)
    before = row_of(buyer, number)
    with pytest.raises(Rejected, match="Prebooked"):
        books.create("ledger_coding", coding(number))
    assert row_of(buyer, number) == before
    with pytest.raises(NotFound):
        books.create("ledger_coding", coding("999999"))


@pytest.mark.parametrize("effect", [{"kind": "cut_after"}, {"kind": "status", "status": 500, "when": "after"}])
def test_a_coding_whose_answer_got_lost_is_found_by_its_token(
    buyer: Buyer, books: Driver, effect: dict[str, Any]
) -> None:
    number = buyer.bill()
    asked = lost(books, coding(number), effect)
    (found,) = books.writer.find("ledger_coding", [(coding(number), asked)])[asked.token]
    assert (found.remote_id, found.state, found.total) == (f"Invoice/{number}", "draft", 125000)


def test_a_coding_that_never_arrived_is_not_found_and_is_sent_again_once(buyer: Buyer, books: Driver) -> None:
    number = buyer.bill()
    asked = lost(books, coding(number), {"kind": "cut_before"})
    assert books.writer.find("ledger_coding", [(coding(number), asked)]) == {asked.token: []}
    books.writer.create("ledger_coding", coding(number), asked)
    books.writer.create("ledger_coding", coding(number), asked)  # were it sent twice, the lines would stand once
    assert len(row_of(buyer, number)["invoiceLines"]) == 2
    assert buyer.invoice(number).text.count(asked.token) == 1


def lost(books: Driver, content: LedgerCoding, effect: dict[str, Any]) -> Context:
    books.writer.client.token()
    books.sandbox.vendor.add({"match": {"method": "PUT", "path": "^/v1/supplierInvoice"}, "effect": effect})
    asked = books.context()
    with pytest.raises(UnknownOutcome):
        books.writer.create("ledger_coding", content, asked)
    books.sandbox.clock.advance(30)
    return asked


WAITS = {
    "documentType": "Invoice",
    "referenceNumber": "7",
    "status": "Hold",
    "currencyId": "SEK",
    "supplier": {"number": "50001"},
    "date": "2026-05-18T00:00:00",
    "invoiceLines": [{"lineNumber": 1}, {"lineNumber": 4}],
    "timeStamp": "AAAA",
    "note": "",
}


def test_lines_are_replaced_against_the_very_version_that_was_read() -> None:
    visma = FakeVisma().on("GET", "/v1/supplierInvoice/Invoice/7", 200, WAITS, ETag='"AAAA"')
    visma.on("PUT", "/v1/supplierInvoice/Invoice/7", 204, ETag='"BBBB"')
    made = writer(visma).create("ledger_coding", coding("7"), context())
    assert (made.remote_id, made.etag) == ("Invoice/7", '"BBBB"')
    sent = visma.last()
    assert sent.headers["if-match"] == '"AAAA"'
    assert "erp-api-background" not in sent.headers  # on supplier invoices the version counts by itself
    lines = json.loads(sent.content)["invoiceLines"]
    assert [(one["operation"], one["lineNumber"]["value"]) for one in lines] == [
        ("Delete", 1), ("Delete", 4), ("Insert", 5), ("Insert", 6),
    ]  # fmt: skip


def conflicting(*versions: dict[str, Any], refused: int = 9) -> FakeVisma:
    """An invoice that is read in these versions one after another; so many PUTs are refused as stale."""
    visma, shown, left = FakeVisma(), list(versions), [412] * refused

    def read(_: httpx2.Request) -> httpx2.Response:
        row = shown.pop(0) if len(shown) > 1 else shown[0]
        return httpx2.Response(200, json=row, headers={"ETag": f'"{row["timeStamp"]}"'})

    def put(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(left.pop(0) if left else 204)

    where = "/v1/supplierInvoice/Invoice/7"
    return visma.by("GET", where, read).by("PUT", where, put)


def test_a_stale_version_is_read_again_and_what_people_added_meanwhile_stays() -> None:
    visma = conflicting(WAITS, {**WAITS, "timeStamp": "BBBB", "note": "Ask Eva"}, refused=1)
    writer(visma).create("ledger_coding", coding("7"), context())
    sent = visma.last()
    assert sent.headers["if-match"] == '"BBBB"'
    assert json.loads(sent.content)["note"] == {"value": f"{DOC}\nAsk Eva"}


def test_an_invoice_that_keeps_changing_is_a_conflict_after_two_more_readings() -> None:
    visma = conflicting(WAITS)
    with pytest.raises(Conflict):
        writer(visma).create("ledger_coding", coding("7"), context())
    assert (len(visma.calls("PUT")), len(visma.calls("GET"))) == (3, 3)


def test_lines_that_somebody_changed_meanwhile_are_not_overwritten() -> None:
    changed = {**WAITS, "timeStamp": "BBBB", "invoiceLines": [{"lineNumber": 1, "costInCurrency": 7}]}
    visma = conflicting(WAITS, changed)
    with pytest.raises(Conflict, match="Somebody changed"):
        writer(visma).create("ledger_coding", coding("7"), context())
    assert len(visma.calls("PUT")) == 1
    with pytest.raises(Rejected, match="Open"):
        writer(conflicting(WAITS, {**WAITS, "status": "Open"})).create("ledger_coding", coding("7"), context())


def test_a_change_between_reading_and_release_is_refused(buyer: Buyer, books: Driver) -> None:
    number = buyer.bill()
    made = books.create("ledger_coding", coding(number))
    draft = books.seen("ledger_coding", coding(number), made)
    buyer.sandbox.control("touch", kind="supplierInvoice", number=number)
    books.writer.release("ledger_coding", coding(number), replace(made, etag=draft.etag))
    buyer.sandbox.clock.advance(2)
    assert books.seen("ledger_coding", coding(number), made).state == "draft"


def test_a_note_that_nobody_shows_is_left_alone() -> None:
    row = {name: value for name, value in WAITS.items() if name != "note"}
    visma = FakeVisma().on("GET", "/v1/supplierInvoice/Invoice/7", 200, row, ETag='"AAAA"')
    visma.on("GET", "/v1/supplierInvoice", 200, []).on("PUT", "/v1/supplierInvoice/Invoice/7", 204)
    writer(visma).create("ledger_coding", coding("7"), context())
    assert "note" not in json.loads(visma.last().content)


def test_a_full_note_is_left_alone_and_a_long_description_keeps_its_length() -> None:
    row = {**WAITS, "note": "x" * 3_890, "description": "y" * 200}
    visma = FakeVisma().on("GET", "/v1/supplierInvoice/Invoice/7", 200, row, ETag='"AAAA"')
    visma.on("PUT", "/v1/supplierInvoice/Invoice/7", 204)
    writer(visma).create("ledger_coding", coding("7"), context())
    sent = json.loads(visma.last().content)
    assert "note" not in sent
    assert len(sent["description"]["value"]) == 200
    assert sent["description"]["value"].endswith("y [tok0000001]")


def test_codings_are_read_back_together_with_other_documents(buyer: Buyer, books: Driver) -> None:
    made = [(coding(number), books.create("ledger_coding", coding(number))) for number in (bills(buyer, 5))]
    seen = books.writer.observe("ledger_coding", made)
    assert {one.total for one in seen.values()} == {125000}
    assert len(seen) == 5


def bills(buyer: Buyer, count: int) -> list[str]:
    return [buyer.bill(supplierReference=f"F-{n}") for n in range(count)]


# ---------------------------------------------------------------------------------------------- a new invoice


def test_an_approved_invoice_is_booked_in_the_period_of_its_posting_day(buyer: Buyer, books: Driver) -> None:
    seen = books.released("supplier_invoice", approved(posting_day=date(2026, 6, 2), payment_reference="12344"))
    row = row_of(buyer, seen.number)
    assert (row["date"][:10], row["financialPeriod"], row["postPeriod"]) == ("2026-05-20", "202606", "062026")
    assert (row["paymentRefNo"], row["note"], row["supplierReference"]) == ("12344", DOC, "F-1")
    assert document_of(buyer.invoice(seen.number), TERMS) == "63255782"


def test_the_periods_are_read_where_the_writer_does_not_know_them_yet() -> None:
    periods = [
        {"year": 2026, "period": "11-2026", "startDate": "2026-05-01T00:00:00", "endDate": "2026-06-01T00:00:00"},
        {"year": 2026, "period": "12-2026", "startDate": "2026-06-01T00:00:00", "endDate": "2026-07-01T00:00:00"},
    ]  # the year of this company begins in July
    visma = FakeVisma().on("GET", "/v1/financialPeriod", 200, periods)
    visma.on("POST", "/v1/supplierInvoice", 201, Location="/v1/supplierInvoice/Invoice/9")
    there = writer(visma)
    for _ in range(2):
        there.create("supplier_invoice", approved(posting_day=date(2026, 6, 2)), context())
    assert visma.body()["financialPeriod"] == {"value": "202612"}
    assert visma.calls("GET") == ["GET /v1/financialPeriod"]
    there.create("supplier_invoice", approved(), context())
    assert visma.body()["financialPeriod"] == {"value": "202611"}


def waited(books: Driver, minutes: int) -> Context:
    return replace(books.context(), started_at=books.sandbox.clock.now() - timedelta(minutes=minutes))


def test_an_approved_invoice_that_waited_long_is_not_made_where_somebody_booked_it_by_hand(
    buyer: Buyer, books: Driver
) -> None:
    number = buyer.bill(supplierReference="F-1")
    wanted = approved(document="63255782")
    with pytest.raises(Rejected, match=f"as Invoice/{number} meanwhile"):
        books.writer.create("supplier_invoice", wanted, waited(books, 10))
    other = approved(document="63255782", reference="F-2")
    assert books.writer.create("supplier_invoice", other, waited(books, 10)).number != number


def test_one_that_was_planned_a_moment_ago_or_by_another_road_is_not_looked_for_again(
    buyer: Buyer, books: Driver
) -> None:
    buyer.bill(supplierReference="F-1")
    books.writer.create("supplier_invoice", approved(document="63255782"), waited(books, 1))
    books.writer.create("supplier_invoice", approved(), waited(books, 10))


def test_one_that_waited_long_and_is_there_as_ours_is_found_and_not_made_again(buyer: Buyer, books: Driver) -> None:
    buyer.bill(supplierReference="F-1", note=DOC)
    with pytest.raises(UnknownOutcome):
        books.writer.create("supplier_invoice", approved(document="63255782"), waited(books, 10))


def test_a_blocked_one_is_posted_and_not_selected_for_payment(buyer: Buyer, books: Driver) -> None:
    seen = books.released("supplier_invoice", approved(pay_selected=False))
    row = row_of(buyer, seen.number)
    assert (row["status"], row["paySelected"]) == ("Open", False)


def test_stock_is_linked_to_its_receipt_and_the_rest_to_its_order(buyer: Buyer, books: Driver) -> None:
    order = buyer.order(CHAIR, DESK)
    receipt = buyer.receive(order, quantities={"1": 6})
    stock = replace(OFFICE, link=PurchaseLink("receipt", receipt, 1), quantity=Decimal(6))
    made = replace(SHOP, link=PurchaseLink("order", order, 2), quantity=Decimal(1))
    seen = books.released("supplier_invoice", approved(stock, made))
    first, second = row_of(buyer, seen.number)["invoiceLines"]
    assert (first["poReceiptNbr"], first["poReceiptLineNbr"], first["quantity"]) == (receipt, 1, Decimal(6))
    assert (second["poNumber"], second["poLineNr"]) == (order, 2)
    to_order = replace(OFFICE, link=PurchaseLink("order", order, 1), quantity=Decimal(6))
    with pytest.raises(Rejected, match="purchase receipt"):
        books.create("supplier_invoice", approved(to_order, SHOP))


def test_a_credit_is_a_debit_adjustment_with_positive_amounts(buyer: Buyer, books: Driver) -> None:
    lines = (replace(OFFICE, net=sek("-600")), replace(SHOP, net=sek("-400")))
    seen = books.released("supplier_invoice", approved(*lines, total=sek("-1250"), vat_total=sek("-250")))
    assert (seen.remote_id, seen.total) == (f"DebitAdj/{seen.number}", -125000)
    row = row_of(buyer, seen.number, "DebitAdj")
    assert [one["costInCurrency"] for one in row["invoiceLines"]] == [Decimal(600), Decimal(400)]


# ---------------------------------------------------------------------------------------------- looked up first


def looked_up(books: Driver, kind: str, **fields: str) -> list[Found]:
    return books.writer.look_up(kind, fields)


def test_an_order_and_its_receipts_are_looked_up_whole(buyer: Buyer, books: Driver) -> None:
    number = buyer.order()
    came = buyer.receive(number)
    buyer.receive(buyer.order())
    (order,) = looked_up(books, "purchase_order", number=number)
    assert isinstance(order.document, PurchaseOrder)
    assert (order.number, order.status, order.currency, len(order.document.lines)) == (number, "Open", "SEK", 2)
    (receipt,) = looked_up(books, "purchase_receipt", order=number)
    assert isinstance(receipt.document, PurchaseReceipt)
    assert (receipt.number, receipt.status) == (came, "Released")
    assert looked_up(books, "purchase_order", number="PO9") == []
    assert looked_up(books, "purchase_receipt", order="PO9") == []


def test_a_suppliers_document_is_found_by_its_reference_in_any_spelling_within_its_year(
    buyer: Buyer, books: Driver
) -> None:
    number = buyer.bill(supplierReference="F 77-a", note="bw:doc:1")
    buyer.bill(supplierReference="F-78")
    (found,) = looked_up(books, "supplier_document", supplier="50001", reference="f77-A", year="2026")
    assert (found.number, found.name, found.status) == (f"Invoice/{number}", "Paper AB", "Hold")
    assert isinstance(found.document, LedgerSupplierInvoice)
    assert found.document.note == "bw:doc:1"
    assert looked_up(books, "supplier_document", supplier="50001", reference="F 77-a", year="2025") == []
    assert looked_up(books, "supplier_document", supplier="50000", reference="F 77-a", year="2026") == []
    assert looked_up(books, "supplier_document", supplier="50001", reference="", year="2026") == []


def test_a_voided_document_does_not_count_and_one_that_cannot_be_read_does() -> None:
    row = {**WAITS, "supplierReference": "F-1", "currencyId": "??"}
    visma = FakeVisma().on(
        "GET", "/v1/supplierInvoice", 200, [row, {**row, "referenceNumber": "8", "status": "Voided"}]
    )
    (found,) = writer(visma).look_up("supplier_document", {"supplier": "50001", "reference": "F-1", "year": "2026"})
    assert (found.number, found.document) == ("Invoice/7", None)


def test_one_odd_receipt_does_not_hide_the_others() -> None:
    rows = [
        {"receiptNbr": "R1", "lines": [{"poOrderNbr": "PO1"}]},  # no line number
        {"receiptNbr": "R2", "lines": [{"lineNbr": 1, "poOrderNbr": "PO1"}], "status": "Released"},
    ]
    visma = FakeVisma().on("GET", "/v2/PurchaseReceipt", 200, rows)
    assert [one.number for one in writer(visma).look_up("purchase_receipt", {"order": "PO1"})] == ["R2"]


def test_a_combination_of_segments_is_found_with_whatever_stands_beside_it(buyer: Buyer, books: Driver) -> None:
    client = books.writer.client
    body = {"subaccountNumber": {"value": "10-100"}}
    client.call("POST", "/v1/subaccount", operation="subaccount", content=body)
    (exact,) = looked_up(books, "subaccount", **{"1": "10", "2": "100"})
    assert (exact.number, exact.status) == ("10-100", "Active")
    assert [one.number for one in looked_up(books, "subaccount", **{"1": "10"})] == ["10-100"]
    assert looked_up(books, "subaccount", **{"1": "10", "2": "200"}) == []
    assert looked_up(books, "subaccount", supplier="50001") == []


def test_the_supplier_is_looked_up_as_any_party_is(books: Driver) -> None:
    (found,) = looked_up(books, "supplier", number="50001")
    assert (found.number, found.name, found.status) == ("50001", "Paper AB", "Active")


def test_what_is_observed_of_a_coding_is_the_invoice_itself(buyer: Buyer, books: Driver) -> None:
    number = buyer.bill()
    made = books.create("ledger_coding", coding(number))
    seen: Observed = books.seen("ledger_coding", coding(number), made)
    assert made.token in seen.tokens
    assert (seen.state, seen.currency, seen.vat) == ("draft", "SEK", 25000)
