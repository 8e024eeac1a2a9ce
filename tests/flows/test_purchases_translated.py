"""From the ledger's own payloads to what Basware is told, and from an approval back into the ledger: both flows whole.

The reader and the writer ask the pretend Visma; what they answer is planned with, and what is planned for the ledger is
written there.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.connectors.shapes import SourceObject
from ml_connector.connectors.visma import translate
from ml_connector.finance.chart import Chart
from ml_connector.finance.documents import Document
from ml_connector.finance.invoices import SupplierInvoice
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Hold, Ignore, Need, Plan, Related, Verdict
from ml_connector.finance.procurement import (
    LedgerCoding,
    OrderHeader,
    OrderLine,
    PaymentAnswer,
    ReceivedInvoice,
    ReferenceRow,
    SupplierCard,
    TransferAnswer,
)
from ml_connector.finance.purchasing import ApprovedInvoice
from ml_connector.finance.rulebook import Rule, Rulebook, Terms, When
from ml_connector.flows.basware_to_visma import FLOW as BACK
from ml_connector.flows.flow import Flow
from ml_connector.flows.visma_to_basware import FLOW as OUT
from tests.connectors.visma.buying import Buyer
from tests.connectors.visma.driver import Driver
from tests.flows.purchase_builders import approved, row, terms

RULES = Rulebook(
    1, date(2026, 1, 1),
    (
        Rule("stock", ("accrual",), When(type=("GoodsForInventory",)), account="2895"),
        Rule("plain", ("no_vat",), vat_code="NONE"),
        Rule("round", ("rounding",), account="3740"),
    ),
)  # fmt: skip


class Ledger:
    """One company in the pretend Visma with the terms of its pair, planned for as the engine does."""

    def __init__(self, **purchase: Any) -> None:
        self.buyer = Buyer()
        self.driver = Driver(self.buyer.sandbox, self.buyer.sandbox.writer())
        mailbox = {"mailbox": "in@demo.example", "notify": "ap@demo.example"}
        given = {"vat_zone": "SE", "company": "SE01", **mailbox, **purchase}
        self.terms: Terms = replace(terms(**given), code="vi")
        self.chart: Chart = self.driver.writer.chart()

    def verdict(self, flow: Flow, document: Document, posted: dict[str, Any] | None = None) -> Verdict:
        answers: dict[str, Any] = {}
        for _ in range(5):
            related = Related(answers, posted=posted or {})
            fresh = {n.name: self.answer(flow, n, document) for n in flow.needs(document, related, self.terms)}
            if fresh.keys() <= answers.keys():
                return flow.plan(document, related, terms=self.terms, rulebook=RULES, chart=self.chart)
            answers |= fresh
        raise AssertionError("the needs never end")

    def contents(self, flow: Flow, document: Document, posted: dict[str, Any] | None = None) -> list[Any]:
        found = self.verdict(flow, document, posted)
        assert isinstance(found, Plan), found
        return [write.content for write in found.writes]

    def told(self, kind: str, external_id: str, posted: dict[str, Any] | None = None) -> list[Any]:
        """What Basware is told of a record of the ledger."""
        return self.contents(OUT, self.buyer.document(kind, external_id), posted)

    def answer(self, flow: Flow, need: Need, asking: Document) -> tuple[Any, ...]:
        if need.kind == "accountingDocument":  # Basware's, made by hand here: no other one of the same number
            return (asking,)
        if need.system == "target":
            return tuple(self.driver.writer.look_up(need.kind, dict(need.fields)))
        if need.system == "own":
            return ()
        reader = self.buyer.reader
        if need.link is not None:
            assert need.since is not None
            walked = [
                translate(need.kind, one.payload) for one in reader.walk(need.kind, location=None, since=need.since)
            ]
            return tuple(one for one in walked if need.link in flow.links(one))
        (found,) = reader.fetch(need.kind, [need.id or ""])
        return (translate(need.kind, found.payload),) if isinstance(found, SourceObject) else ()


def sek(amount: str | int) -> Money:
    return Money.of(amount, "SEK")


def approval(*rows: Any, **more: Any) -> ApprovedInvoice:
    """The bill of Paper AB, coded on Oslo's department."""
    given = {
        "company": "SE01", "supplier": "50001", "currency": "SEK", "number": "F-1", "day": date(2026, 5, 18),
        "due_on": date(2026, 6, 17), "net": sek(1000), "gross": sek(1250),
    }  # fmt: skip
    return approved(*(rows or (coded(),)), **given | more)


def coded(net: str | int = 1000, gross: str | int = 1250, **more: Any) -> Any:
    given = {"account": "4000", "cost_center": "10", "dimensions": ((1, "100"),), "tax_code": "25"}
    return replace(row(**given | more), net=sek(net), gross=sek(gross))


@pytest.fixture
def ledger() -> Ledger:
    found = Ledger()
    found.driver.writer.client.call(
        "POST", "/v1/subaccount", operation="subaccount", content={"subaccountNumber": {"value": "10-100"}}
    )
    return found


# ---------------------------------------------------------------------------------------------- out


@pytest.mark.parametrize(
    ("kind", "key", "told"),
    [
        ("account", "4000", ("account", "4000", "Purchases")),
        ("segmentvalue", "1/10", ("cost_center", "10", "Oslo")),
        ("segmentvalue", "2/100", ("list", "100", "Web shop")),
        ("vatcategory", "25", ("tax_code", "25", "Taxable 25 %")),
        ("creditterm", "30", ("payment_term", "30", "30 days")),
    ],
)
def test_the_set_up_becomes_rows_there(ledger: Ledger, kind: str, key: str, told: tuple[str, str, str]) -> None:
    (content,) = ledger.told(kind, key)
    assert isinstance(content, ReferenceRow)
    assert (content.kind, content.code, content.name) == told
    assert (content.percent == Decimal(25)) == (kind == "vatcategory")
    assert (content.term is not None and content.term.days == 30) == (kind == "creditterm")


def test_a_value_that_was_removed_is_switched_off_there(ledger: Ledger) -> None:
    document = ledger.buyer.document("segmentvalue", "1/30")
    (sent,) = ledger.contents(OUT, document)
    _, position = ledger.buyer.stream("segmentvalue")
    ledger.buyer.sandbox.control("remove", kind="segmentvalue", number="1/30")
    found, _ = ledger.buyer.stream("segmentvalue", position)
    (content,) = ledger.contents(OUT, translate("segmentvalue", found["1/30"].payload), {sent.source: sent})
    assert (content.external_code, content.name, content.active) == (sent.external_code, "Gothenburg", False)


def test_a_supplier_becomes_a_card_with_its_bank_account(ledger: Ledger) -> None:
    (card,) = ledger.told("supplier", "50001")
    assert isinstance(card, SupplierCard)
    assert (card.number, card.name, card.term, card.currency) == ("50001", "Paper AB", "30", "SEK")
    (account,) = card.accounts
    assert (account.bban, account.iban) == ("5050-1055", "SE4550000000058398257466")
    (address,) = card.addresses
    assert (address.city, address.country) == ("Stockholm", "SE")


def test_an_order_goes_out_with_its_receipts_and_stock_on_the_accrual_account(ledger: Ledger) -> None:
    number = ledger.buyer.order()
    ledger.buyer.receive(number, quantities={"1": 6})
    head, chair, desk = ledger.told("purchaseorder", number)
    assert isinstance(head, OrderHeader)
    assert isinstance(chair, OrderLine)
    assert (head.number, head.supplier, head.lines) == (number, "50001", ("1", "2"))
    assert (chair.quantity, chair.net_price, chair.unit, chair.tax_percent) == (
        Decimal(10), Decimal("100.125"), "C62", Decimal(25),
    )  # fmt: skip
    assert (chair.coding[0].account, dict(chair.coding[0].dimensions)["cost_center"]) == ("2895", "10")
    assert (desk.coding[0].account, desk.receipts) == ("4000", ())
    (receipt,) = chair.receipts
    assert (receipt.quantity, receipt.net_price, str(receipt.received)) == (
        Decimal(6),
        Decimal("100.125"),
        "2026-05-20",
    )


def test_a_receipt_plans_the_same_line_as_its_order(ledger: Ledger) -> None:
    number = ledger.buyer.order()
    came = ledger.buyer.receive(number, quantities={"1": 6})
    (line,) = ledger.told("purchasereceipt", came)
    assert line == ledger.told("purchaseorder", number)[1]


def test_a_return_takes_back_the_only_receipt_of_its_line(ledger: Ledger) -> None:
    number = ledger.buyer.order()
    ledger.buyer.receive(number, quantities={"1": 6})
    back = ledger.buyer.receive(number, quantities={"1": 2}, type="PoReturn")
    (line,) = ledger.told("purchasereceipt", back)
    first, second = line.receipts
    assert (first.quantity, second.quantity, second.reverses) == (Decimal(6), Decimal(-2), first.external_code)


def test_a_bill_that_waits_goes_out_with_its_file(ledger: Ledger) -> None:
    number = ledger.buyer.bill()
    (content,) = ledger.told("supplierInvoice", f"Invoice/{number}")
    assert isinstance(content, ReceivedInvoice)
    assert (content.number, content.total, content.vat_total) == ("F-1", sek(1250), sek(250))
    assert content.file_name == "F-1.pdf"
    read = ledger.buyer.reader.attachment("supplierInvoice", f"Invoice/{number}", content.file)
    assert read.startswith(b"%PDF")


def test_a_bill_without_a_file_goes_out_by_its_data(ledger: Ledger) -> None:
    number = ledger.buyer.bill(file=None)
    (content,) = ledger.told("supplierInvoice", f"Invoice/{number}")
    assert isinstance(content, ReceivedInvoice)
    assert (content.file, content.lines[0].net, content.lines[0].percent) == ("", sek(1000), Decimal(25))


# ---------------------------------------------------------------------------------------------- back


def test_an_approval_becomes_a_released_supplier_invoice_whose_payments_are_told(ledger: Ledger) -> None:
    ledger.terms = replace(terms(mode="basware_receives", company="SE01", vat_zone="SE"), code="vi")
    asked = approval(voucher_day=date(2026, 6, 1), payment_reference="12344")
    _, invoice, answer = ledger.contents(BACK, asked)
    assert isinstance(invoice, SupplierInvoice)
    assert isinstance(answer, TransferAnswer)
    seen = ledger.driver.released("supplier_invoice", invoice)
    shown = ledger.buyer.one("supplierInvoice", seen.remote_id).payload
    assert (shown["financialPeriod"], shown["invoiceLines"][0]["subaccount"]["subaccountNumber"]) == (
        "202606",
        "10-100",
    )
    paid = ledger.buyer.pay(seen.number, amount="1000", reference="K-1")
    (told,) = ledger.told("supplierPayment", f"Payment/{paid}")
    assert isinstance(told, PaymentAnswer)
    assert (told.document_id, told.paid, told.number) == ("DOC1", sek(1000), "K-1")
    again = approval(id="DOC2")
    _, refused = ledger.contents(BACK, again)
    assert isinstance(refused, TransferAnswer)
    assert not refused.success
    assert f"is in the ledger as Invoice/{seen.number}" in refused.message  # the same bill is never booked twice
    assert isinstance(ledger.verdict(OUT, ledger.buyer.invoice(seen.number)), Ignore)


def test_an_approval_that_names_stock_is_linked_to_its_receipt(ledger: Ledger) -> None:
    ledger.terms = replace(terms(mode="basware_receives", company="SE01", vat_zone="SE"), code="vi")
    order = ledger.buyer.order()
    receipt = ledger.buyer.receive(order, quantities={"1": 10})
    by_order = coded(order=order, order_line="1", quantity=Decimal(10))
    _, invoice, _ = ledger.contents(BACK, approval(by_order))
    seen = ledger.driver.released("supplier_invoice", invoice)
    (line,) = ledger.buyer.one("supplierInvoice", seen.remote_id).payload["invoiceLines"]
    assert (line["poReceiptNbr"], line["poReceiptLineNbr"]) == (receipt, 1)


def test_an_approval_of_what_waits_codes_it_and_makes_no_second_one(ledger: Ledger) -> None:
    ledger.terms = replace(terms(updates=True, payments=True, company="SE01", vat_zone="SE"), code="vi")
    number = ledger.buyer.bill(note="Ask Eva")
    _, coding, answer = ledger.contents(BACK, approval())
    assert isinstance(coding, LedgerCoding)
    assert (coding.number, answer.voucher) == (number, number)
    seen = ledger.driver.released("ledger_coding", coding)
    assert (seen.status, seen.total) == ("Open", 125000)
    (line,) = ledger.buyer.one("supplierInvoice", f"Invoice/{number}").payload["invoiceLines"]
    assert line["subaccount"]["subaccountNumber"] == "10-100"
    paid = ledger.buyer.pay(number)
    (told,) = ledger.told("supplierPayment", f"Payment/{paid}")
    assert (told.document_id, told.paid) == ("DOC1", sek(1250))


def test_a_combination_that_is_not_in_the_ledger_goes_back_in_words(ledger: Ledger) -> None:
    ledger.terms = replace(terms(mode="basware_receives", company="SE01", vat_zone="SE"), code="vi")
    _, answer = ledger.contents(BACK, approval(coded(dimensions=((1, "200"),))))
    assert isinstance(answer, TransferAnswer)
    assert "the combination 10-200 is not in the ledger" in answer.message


def test_an_approval_that_fits_nothing_that_waits_is_held(ledger: Ledger) -> None:
    ledger.terms = replace(terms(updates=True, company="SE01", vat_zone="SE"), code="vi")
    ledger.buyer.bill(supplierReference="F-2")
    found = ledger.verdict(BACK, approval())
    assert isinstance(found, Hold)
    assert {one.code for one in found.findings} == {"document-unmatched"}
