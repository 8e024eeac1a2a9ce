"""What is stored comes back exactly; the hash sees what is booked and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from ml_connector.finance.collection import (
    CollectionCredit,
    CollectionInvoice,
    CollectionLine,
    InvoiceVoid,
    LedgerAttachment,
    LedgerNote,
    OutsidePayment,
)
from ml_connector.finance.dimensions import DimensionValue
from ml_connector.finance.documents import Address, InvoiceAdjustment
from ml_connector.finance.encoding import (
    booked_hash,
    decode,
    decode_write,
    encode,
    encode_finding,
    encode_write,
    expected,
    text_of,
)
from ml_connector.finance.invoices import (
    Application,
    CustomerInvoice,
    CustomerPayment,
    InvoiceLine,
    PartyCard,
    Ref,
    Reversal,
    SupplierInvoice,
    SupplierInvoiceLine,
    TaxDetail,
)
from ml_connector.finance.journal import JournalEntry, Posting, joined, summarised
from ml_connector.finance.kinds import KINDS
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Content, Explanation, Finding, PlannedWrite
from ml_connector.finance.procurement import LedgerCoding
from ml_connector.finance.rulebook import Rulebook, Terms
from ml_connector.finance.selling import PaymentApplication, SalesOrder, SalesOrderLine
from tests.connectors.basware.contents import CONTENTS as PURCHASING
from tests.flows.builders import CHART, RULEBOOK, TERMS, eur

DAY = date(2026, 3, 10)
JOURNAL = JournalEntry(
    DAY, "EUR",
    (
        Posting("1580", eur("125"), "clearing", "sq:sale:O1", "REF", "text", ((1, "A"),)),
        Posting("3010", eur("-100"), "sales", "sq:sale:O1", "REF", vat_code="V25", vat_rate=Decimal(25)),
        Posting("2611", eur("-25"), "vat", "sq:sale:O1", "REF", vat_code="V25", vat_id="U25", vat_rate=Decimal(25)),
    ),
    "Sale", vat_transaction=True, branch="1", ledger="1", event_day=date(2026, 3, 9),
)  # fmt: skip
INVOICE = CustomerInvoice(
    "customer_invoice", Ref("sq:cus:C1"), DAY, DAY, "EUR",
    (InvoiceLine("3010", eur("100"), "V25", "Coffee", ((1, "A"),), eur("25")),), eur("125"), eur("25"), "7", "sq:inv:1",
    tax_details=(TaxDetail("U25", eur("100"), eur("25")),), event_day=DAY,
)  # fmt: skip
COLLECTED = CollectionInvoice(
    Ref("st:cus:10"), "1", DAY, None, "EUR",
    (CollectionLine("Work", eur("100"), eur("25"), Decimal(25), "VAT", line=1),), eur("125"), eur("25"), "st:inv:1",
    marks=(("visma_invoice_no", "1"),),
)  # fmt: skip
PAYMENT = CustomerPayment(
    "payment",
    "10",
    DAY,
    "SQ",
    "CARD",
    eur("125"),
    "sq:pay:1",
    (Application("Invoice", Ref("sq:inv:1"), eur("125"), eur("0")),),
)
SUPPLIER = SupplierInvoice(
    "5", DAY, None, "EUR", (SupplierInvoiceLine("4010", eur("80"), "V", "x"),), eur("100"), eur("20"), "R", "s"
)
CARD = PartyCard("customer", "Æ Ltd", "s", address=Address(("1 Quay",), "D01", "Dublin", "", "IE"), vat_number="IE1")
ADJUSTMENT = InvoiceAdjustment("external_payment", "INV2-1", "pp:adj:1", amount=eur("10"), day=DAY, text="Payment 7")
CONTENTS: dict[str, Content] = {
    "journal": JOURNAL,
    "customer_invoice": INVOICE,
    "credit_note": replace(INVOICE, kind="credit_note", applies_to="7"),
    "debit_note": replace(INVOICE, kind="debit_note"),
    "customer_payment": PAYMENT,
    "customer_refund": replace(PAYMENT, kind="refund"),
    "external_payment": ADJUSTMENT,
    "external_payment_removal": InvoiceAdjustment(
        "external_payment_removal", "INV2-1", "pp:adj:2", payment_id="EXTR-1"
    ),
    "external_refund": replace(ADJUSTMENT, kind="external_refund"),
    "invoice_cancel": InvoiceAdjustment("invoice_cancel", "INV2-1", "pp:adj:3"),
    "supplier_invoice": SUPPLIER,
    "customer": CARD,
    "supplier": replace(CARD, kind="supplier"),
    "reverse_invoice": Reversal("reverse_invoice", Ref("k"), "Invoice", "s"),
    "void_payment": Reversal("void_payment", "7", "Payment", "s"),
    "order_cancellation": Reversal("order_cancellation", "7", "SO", "s"),
    "application_freed": Reversal("application_freed", "7", "SO", "s"),
    "sales_order": SalesOrder(
        Ref("k"),
        DAY,
        "SO",
        "EUR",
        (SalesOrderLine("MUG", Decimal("1.5"), eur("100"), "25", "t", eur("25")),),
        eur("125"),
        eur("25"),
        "77",
        "wc:ord:77",
        tolerance=2,
    ),
    "payment_application": PaymentApplication(Ref("k", "remote_id"), "7", eur("10"), eur("20"), "s"),
    "collection_invoice": COLLECTED,
    "collection_credit": CollectionCredit(
        Ref("st:inv:1", "remote_id"), "C1", DAY, "EUR", COLLECTED.lines, eur("125"), eur("25"), "st:chg:1"
    ),
    "outside_payment": OutsidePayment(
        "outside_payment", Ref("st:inv:1", "remote_id"), eur("125"), DAY, True, "Payment/1", "st:chg:2"
    ),
    "dimension_value": DimensionValue(1, "40", "Bergen", active=False),
    "invoice_void": InvoiceVoid("in_1", "C2", "st:chg:3"),
    "ledger_attachment": LedgerAttachment("customer_invoice", "1", "a.txt", ("Pay at", Ref("st:inv:1", "url")), "k"),
    "ledger_note": LedgerNote("customer_invoice", "1", ("x",), "k", stop_dunning=True),
    **PURCHASING,
}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_write_comes_back_from_json_exactly(kind: str) -> None:
    write = PlannedWrite("k:1", kind, CONTENTS[kind], ("n",), "pool", (Explanation("a", "b", "c"),))
    stored = json.loads(text_of(encode_write(write)))
    assert decode_write(stored) == write
    assert booked_hash(kind, decode_write(stored).content) == booked_hash(kind, write.content)


def test_settings_and_charts_come_back_exactly() -> None:
    for value in (CHART, RULEBOOK, TERMS, Terms(), Rulebook(1, DAY)):
        assert decode(type(value), json.loads(text_of(encode(value)))) == value


def test_a_finding_is_stored_with_its_proposal() -> None:
    stored = encode_finding(Finding("c", "s", "f", {"rule": "x"}, blocks=False))
    assert stored == {"code": "c", "sentence": "s", "field": "f", "proposal": {"rule": "x"}, "blocks": False}


def test_texts_references_and_the_day_of_booking_do_not_change_the_hash() -> None:
    other = replace(
        JOURNAL, day=date(2026, 4, 1), text="other", ledger=None,
        postings=tuple(replace(one, text="t", reference="R2", source="s") for one in reversed(JOURNAL.postings)),
    )  # fmt: skip
    assert booked_hash("journal", other) == booked_hash("journal", JOURNAL)


@pytest.mark.parametrize(
    "change",
    [
        {"event_day": date(2026, 3, 8)},
        {"branch": "2"},
        {"postings": (replace(JOURNAL.postings[0], dimensions=()), *JOURNAL.postings[1:])},
        {"postings": (replace(JOURNAL.postings[0], account="1930"), *JOURNAL.postings[1:])},
        {"postings": (*JOURNAL.postings[:2], replace(JOURNAL.postings[2], vat_id="U12"))},
    ],
)
def test_what_is_booked_changes_the_hash(change: dict[str, object]) -> None:
    assert booked_hash("journal", replace(JOURNAL, **change)) != booked_hash("journal", JOURNAL)  # type: ignore[arg-type]


def test_the_same_invoice_made_from_another_document_is_another_booking() -> None:
    """Two documents of one invoice share a key and never a write: the second is told the number of the first."""
    first, second = (booked_hash("supplier_invoice", replace(SUPPLIER, document=one)) for one in ("D1", "D2"))
    assert len({first, second, booked_hash("supplier_invoice", SUPPLIER)}) == 3


def test_a_coding_is_the_same_whatever_period_its_invoice_stands_in() -> None:
    coding = CONTENTS["ledger_coding"]
    assert isinstance(coding, LedgerCoding)
    plain = replace(coding, day=None, period="")
    moved = replace(plain, day=DAY, period="202604")
    assert booked_hash("ledger_coding", plain) == booked_hash("ledger_coding", moved)


def test_a_payment_of_another_invoice_or_day_is_another_payment() -> None:
    assert booked_hash("customer_payment", replace(PAYMENT, text="x")) == booked_hash("customer_payment", PAYMENT)
    later = replace(PAYMENT, day=date(2026, 3, 11))
    assert booked_hash("customer_payment", later) != booked_hash("customer_payment", PAYMENT)
    assert booked_hash("customer_payment", replace(later, event_day=DAY)) == booked_hash("customer_payment", PAYMENT)


def test_what_must_be_read_back_before_release() -> None:
    journal, invoice, payment = expected(JOURNAL), expected(INVOICE), expected(PAYMENT)
    assert journal is not None
    assert (journal.total, journal.day) == (12500, DAY)
    assert invoice is not None
    assert (invoice.total, invoice.vat) == (12500, 2500)
    assert payment is not None
    assert payment.total == 12500
    assert expected(CARD) is None


# ---------------------------------------------------------------------------------------------------------- journals


@pytest.mark.parametrize(
    ("postings", "says"),
    [
        ((Posting("1", eur("1"), "a", "s", "r"),), "at least two"),
        ((Posting("1", eur("1"), "a", "s", "r"), Posting("2", eur("-2"), "a", "s", "r")), "differ by -1.00 EUR"),
        ((Posting("1", eur("1"), "a", "s", "r"), Posting("2", Money(-100, "SEK"), "a", "s", "r")), "must be in EUR"),
    ],
)
def test_an_unbalanced_entry_cannot_be_built(postings: tuple[Posting, ...], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        JournalEntry(DAY, "EUR", postings, "x")


def test_a_posting_of_nothing_or_nowhere_cannot_be_built() -> None:
    for wrong in ({"account": ""}, {"amount": eur("0")}, {"reference": "x" * 13}):
        given = {"account": "1", "amount": eur("1"), "role": "a", "source": "s", "reference": "r", **wrong}
        with pytest.raises(ValueError, match=r"account|zero|longer"):
            Posting(**given)  # type: ignore[arg-type]


def test_vouchers_never_mix_days_and_summaries_keep_sides_apart() -> None:
    with pytest.raises(ValueError, match="never mixes"):
        joined([JOURNAL, replace(JOURNAL, day=date(2026, 3, 11))], text="x")
    back = replace(JOURNAL, postings=tuple(replace(one, amount=-one.amount) for one in JOURNAL.postings))
    summed = summarised([JOURNAL, back], text="x", reference="TOKEN")
    assert len(summed.postings) == 6
    assert summed.vat_is_exact()
    assert summed.turnover == eur("250")


def test_an_invoice_whose_lines_differ_from_its_total_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="differ from the total"):
        replace(INVOICE, total=eur("126"))
    with pytest.raises(ValueError, match="at least one line"):
        replace(INVOICE, lines=(), total=eur("0"), vat_total=eur("0"))


def test_vat_that_its_rate_does_not_give_is_seen() -> None:
    assert JOURNAL.vat_is_exact()
    one, two, three = JOURNAL.postings
    off = replace(JOURNAL, postings=(replace(one, amount=eur("124.99")), two, replace(three, amount=eur("-24.99"))))
    assert not off.vat_is_exact()
