"""Visma.net to PayPal: what each document of people becomes at the PayPal invoice, and what is left alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from ml_connector.connectors.paypal import CONNECTOR
from ml_connector.finance.documents import Invoice, InvoiceAdjustment, InvoiceRow
from ml_connector.finance.ledger import LedgerApplication, LedgerInvoice, LedgerPayment
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Elsewhere, Found, Hold, Ignore, Need, Plan, Related, Verdict, Wait
from ml_connector.finance.rulebook import Rulebook
from ml_connector.flows.visma_to_paypal import FLOW
from tests.flows.paypal_world import CHART, NOON, RULES, TERMS, invoice

ID, NUMBER, DAY = "INV2-Z56S-5LLA-Q52L-CPZ5", "100001", date(2026, 3, 10)
KEY, PREFIX = f"pp:inv:{ID}", f"pp:adj:{ID}:"
ON = replace(TERMS, adjust_invoices=True)
OURS = (Elsewhere(NUMBER, "done", "customer_invoice", {KEY: InvoiceAdjustment("invoice_cancel", "x", "x")}),)


def sek(amount: str) -> Money:
    return Money.of(amount, "SEK")


def against(amount: str, document: str = "Invoice", number: str = NUMBER) -> LedgerApplication:
    return LedgerApplication(document, number, sek(amount))


def payment(amount: str = "1250", kind: Any = "payment", **more: Any) -> LedgerPayment:
    given: dict[str, Any] = {
        "number": "200001", "state": "closed", "customer": "20001", "currency": "SEK", "day": DAY,
        "amount": sek(amount),
        "updated_at": NOON, "cash_account": "BANK", "applications": (against(amount),),
    }  # fmt: skip
    return LedgerPayment(kind, **{**given, **more})


def credit(amount: str = "1250", **more: Any) -> LedgerInvoice:
    given: dict[str, Any] = {
        "kind": "credit_note", "number": "300001", "state": "closed", "customer": "20001", "currency": "SEK",
        "day": DAY,
        "due_on": None, "lines": (), "total": sek(amount), "balance": sek("0"), "vat_total": sek("0"),
        "updated_at": NOON, "applications": (against(amount),),
    }  # fmt: skip
    return LedgerInvoice(**{**given, **more})


def at_paypal(**more: Any) -> Invoice:
    """The invoice as PayPal shows it: 1,250.00, nothing of it paid."""
    given = {"id": ID, "requested": sek("1250"), "due": sek("1250"), "state": "open", "completed": sek("0")}
    return replace(invoice(), **{**given, **more})


def recorded(amount: str) -> InvoiceRow:
    return InvoiceRow("EXTR-1", "recorded", "bank", sek(amount), DAY)


class Books:
    """What stands in the ledger and at PayPal, and how the flow asks for it."""

    def __init__(
        self, shown: Invoice | None = None, *, own: Mapping[str, tuple[Elsewhere, ...]] | None = None,
        notes: tuple[LedgerInvoice, ...] = (), posted: dict[str, Any] | None = None, terms: Any = ON,
    ) -> None:  # fmt: skip
        self.shown, self.notes, self.posted, self.terms = shown or at_paypal(), notes, posted or {}, terms
        self.own = {f"Invoice/{NUMBER}|{NUMBER}": OURS, **(own or {})}

    def answer(self, need: Need) -> tuple[Any, ...]:
        fields = dict(need.fields)
        if need.system == "own":
            return self.own.get(fields.get("ids", fields.get("prefix", "")), ())
        if need.system == "target":
            return (Found(ID, document=self.shown),) if fields["number"] == ID else ()
        return tuple(one for one in self.notes if one.number == need.id)

    def verdict(self, document: LedgerPayment | LedgerInvoice) -> Verdict:
        answers: dict[str, Any] = {}
        for _ in range(8):
            related = Related(answers, {}, self.posted)
            missing = [one for one in FLOW.needs(document, related, self.terms) if one.name not in answers]
            if not missing:
                break
            answers = {**answers, **{one.name: self.answer(one) for one in missing}}
        return FLOW.plan(
            document, Related(answers, {}, self.posted), terms=self.terms, rulebook=Rulebook(1, DAY, RULES), chart=CHART
        )

    def told(self, document: LedgerPayment | LedgerInvoice) -> list[InvoiceAdjustment]:
        verdict = self.verdict(document)
        assert isinstance(verdict, Plan), verdict
        return [write.content for write in verdict.writes if isinstance(write.content, InvoiceAdjustment)]

    def asked(self, document: LedgerPayment | LedgerInvoice) -> list[str]:
        verdict = self.verdict(document)
        assert isinstance(verdict, Hold), verdict
        return [finding.code for finding in verdict.findings]

    def ignored(self, document: LedgerPayment | LedgerInvoice) -> str:
        verdict = self.verdict(document)
        assert isinstance(verdict, Ignore), verdict
        return verdict.reason


def test_a_bank_payment_is_one_from_outside_with_its_own_day() -> None:
    (told,) = Books().told(payment("250"))
    assert (told.kind, told.invoice_id, told.amount, told.day) == ("external_payment", ID, sek("250"), DAY)
    assert told.source == f"{PREFIX}payment/200001"
    assert told.source in told.text


def test_a_payment_for_several_invoices_tells_paypal_of_its_own_alone() -> None:
    several = payment("1500", applications=(against("1250"), against("250", number="100002")))
    assert [one.amount for one in Books().told(several)] == [sek("1250")]


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (payment(cash_account="PPSEK"), "it came through PayPal"),
        (payment(state="draft"), "it is not released"),
        (payment(kind="void_payment"), "what it voids tells"),
        (payment(kind="other"), "it pays no invoice"),
        (payment(applications=()), "it is put against no invoice of PayPal"),
        (payment(applications=(against("10", number="100002"),)), "it is put against no invoice of PayPal"),
        (payment(state="voided"), "it is voided"),
        (credit(state="draft"), "it is not released"),
        (credit(note="pp:ref:1JU08902781691411"), "it was made here"),
        (credit(note=f"pp:inv:{ID}:cancel"), "it was made here"),
        (credit(applications=()), "it is put against no invoice of PayPal"),
        (replace(credit(), kind="debit_note"), "PayPal is told nothing by it"),
    ],
)
def test_what_is_none_of_peoples_adjustments_is_left_alone(document: Any, why: str) -> None:
    assert Books().ignored(document) == why


def test_nothing_is_told_unless_the_terms_say_so() -> None:
    assert "adjust_invoices" in Books(terms=TERMS).ignored(payment())
    assert FLOW.needs(payment(), Related(), TERMS) == ()
    assert FLOW.writes is not None
    assert FLOW.writes(TERMS) == ()
    assert set(FLOW.writes(ON)) == set(CONNECTOR.writes)


def test_what_our_own_route_paid_is_left_alone() -> None:
    ours = {"Payment/200001|200001": OURS}
    assert Books(own=ours).ignored(payment()) == "it came through PayPal"
    reversed_by_us = {"CreditNote/300001|300001": OURS}
    assert Books(own=reversed_by_us).ignored(credit()) == "it was made here"


def test_before_the_go_live_day_nothing_is_told() -> None:
    terms = replace(ON, go_live=date(2026, 4, 1))
    assert "go-live" in Books(terms=terms).ignored(payment())
    assert "go-live" in Books(terms=terms).ignored(credit())


@pytest.mark.parametrize(
    ("shown", "code"),
    [
        (at_paypal(due=sek("1249.99")), "adjustment-too-large"),
        (at_paypal(due=None), "adjustment-too-large"),
        (at_paypal(state="paid", due=sek("0")), "adjustment-not-open"),
        (at_paypal(state="canceled"), "adjustment-not-open"),
        (at_paypal(currency="EUR", due=Money.of("1250", "EUR")), "adjustment-too-large"),
    ],
)
def test_a_payment_that_paypals_invoice_does_not_bear_asks_a_person(shown: Invoice, code: str) -> None:
    assert Books(shown).asked(payment()) == [code]


def test_an_invoice_that_paypal_does_not_show_asks_a_person() -> None:
    books = Books()
    books.shown = None  # type: ignore[assignment]
    assert books.asked(payment()) == ["adjustment-no-invoice"]


def told_payment(
    amount: str = "1250", state: str = "done", row: str = "EXTR-1"
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(posted, own) after a payment was told."""
    key = f"{PREFIX}payment/200001"
    content = InvoiceAdjustment("external_payment", ID, key, amount=sek(amount), day=DAY)
    return {key: content}, {PREFIX: (Elsewhere(f"{ID}/payments/{row}", state, "external_payment", {key: content}),)}


def test_what_was_told_stands_when_the_payment_is_read_again() -> None:
    posted, own = told_payment()
    paid = at_paypal(state="paid", due=sek("0"), payments=(recorded("1250"),))
    assert Books(paid, own=own, posted=posted).told(payment()) == list(posted.values())


def test_a_void_removes_the_very_record_that_was_made() -> None:
    posted, own = told_payment()
    stays, removal = Books(own=own, posted=posted).told(payment(state="voided", applications=()))
    assert (stays.kind, removal.kind, removal.payment_id) == ("external_payment", "external_payment_removal", "EXTR-1")
    assert removal.source == f"{stays.source}:void"


def test_a_void_waits_until_the_record_that_it_removes_is_known() -> None:
    posted, own = told_payment(state="sealed")
    assert isinstance(Books(own=own, posted=posted).verdict(payment(state="voided")), Wait)


def test_a_payment_taken_off_its_invoice_or_changed_asks_a_person() -> None:
    posted, own = told_payment()
    assert Books(own=own, posted=posted).asked(payment(applications=())) == ["adjustment-unapplied"]
    assert Books(own=own, posted=posted).asked(payment("1000")) == ["adjustment-changed"]


def test_a_whole_credit_of_an_unpaid_invoice_cancels_it() -> None:
    (told,) = Books().told(credit())
    assert (told.kind, told.invoice_id, told.source) == ("invoice_cancel", ID, f"{PREFIX}credit_note/300001")


@pytest.mark.parametrize(
    "shown",
    [
        at_paypal(state="part_paid", completed=sek("100")),
        at_paypal(payments=(recorded("1250"),)),
        at_paypal(state="paid"),
        at_paypal(requested=sek("1300")),
    ],
)
def test_a_credit_that_is_no_cancel_asks_a_person(shown: Invoice) -> None:
    assert Books(shown).asked(credit()) == ["adjustment-credit"]


def test_a_credit_of_part_asks_a_person() -> None:
    assert Books().asked(credit("250")) == ["adjustment-credit"]


def test_a_credit_waits_while_our_own_reversal_of_its_invoice_is_on_its_way() -> None:
    own = {f"{KEY}:rev": (Elsewhere("", "sealed", "reverse_invoice", {}),)}
    assert isinstance(Books(own=own).verdict(credit()), Wait)


def refund(amount: str = "250", **more: Any) -> LedgerPayment:
    return payment(amount, kind="refund", applications=(against(amount, "CreditNote", "300001"),), **more)


OPEN_NOTE = credit("250", applications=(), balance=sek("250"), state="closed")


def test_a_bank_refund_is_told_by_the_invoice_that_its_credit_note_names() -> None:
    paid = at_paypal(state="paid", payments=(recorded("1250"),))
    for note in (replace(OPEN_NOTE, text=f"Credit of {NUMBER}"), replace(OPEN_NOTE, reference=NUMBER)):
        (told,) = Books(paid, notes=(note,)).told(refund())
        assert (told.kind, told.amount, told.day) == ("external_refund", sek("250"), DAY)
    assert Books(paid, notes=(OPEN_NOTE,)).ignored(refund()) == "it is put against no invoice of PayPal"


def test_a_bank_refund_above_what_was_recorded_asks_a_person() -> None:
    note = replace(OPEN_NOTE, text=f"Credit of {NUMBER}")
    paid = at_paypal(state="paid", payments=(recorded("200"),))
    assert Books(paid, notes=(note,)).asked(refund()) == ["adjustment-refund-too-large"]
    left = at_paypal(state="paid", payments=(recorded("300"),), refunds=(recorded("100"),))
    assert Books(left, notes=(note,)).asked(refund()) == ["adjustment-refund-too-large"]


def test_the_void_of_a_bank_refund_that_was_told_asks_a_person() -> None:
    key = f"{PREFIX}refund/200001"
    posted = {key: InvoiceAdjustment("external_refund", ID, key, amount=sek("250"), day=DAY)}
    assert Books(posted=posted).asked(refund(state="voided")) == ["adjustment-refund-voided"]
