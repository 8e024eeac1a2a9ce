"""What people do in Stripe's dashboard to an invoice of the ledger: asked in words, ended by what the ledger shows."""

from __future__ import annotations

from typing import Any

import pytest

from ml_connector.finance.collection import InvoiceVoid, OutsidePayment
from ml_connector.finance.documents import Invoice
from ml_connector.finance.plan import Content, Elsewhere, Finding, Hold
from ml_connector.flows import stripe_to_visma_asking as ask
from ml_connector.flows.stripe_to_visma import FLOW
from tests.flows.collection_world import DAY, bill, collected, sek
from tests.flows.stripe_world import Stripe

CASES = [
    (collected(outside=sek("1250")), "paid-outside-stripe"),
    (collected(outside=sek("400"), state="part_paid", completed=sek("400"), due=sek("850")), "paid-outside-stripe"),
    (collected(state="canceled"), "voided-in-stripe"),
    (collected(state="failed"), "uncollectible-in-stripe"),
]
CODES = [code for _, code in CASES]


def told(content: Content, kind: str = "customerPayment", state: str = "posted") -> dict[str, tuple[Elsewhere, ...]]:
    """What our way out has told of invoice 10042."""
    (need,) = [need for need in ask.told_of("10042") if need.kind == kind]
    return {need.name: (Elsewhere(f"{kind} P1 of vn", state, "", {"st:chg:P1:10042": content}),)}


def paid(amount: str, invoice: str = "in_1") -> OutsidePayment:
    return OutsidePayment("outside_payment", invoice, sek(amount), DAY, True, "P1", "st:chg:P1:10042")


def finding(invoice: Invoice, **more: Any) -> Finding:
    made = Stripe(invoice, **more).verdict(invoice)
    assert isinstance(made, Hold), made
    (found,) = made.findings
    return found


@pytest.mark.parametrize(("invoice", "code"), CASES, ids=CODES)
def test_each_is_asked_with_number_amount_and_what_to_do_and_books_nothing(invoice: Invoice, code: str) -> None:
    found = finding(invoice)
    assert found.code == code
    assert "10042" in found.sentence
    assert "in_1" in found.sentence
    assert "Visma has 1,250.00 SEK of it open" in found.sentence
    assert "Ask whoever" in found.sentence
    assert "closes by itself" in found.sentence


def test_the_amount_is_what_never_came_through_stripe() -> None:
    assert "400.00 SEK that never came through Stripe" in finding(collected(outside=sek("400"))).sentence


@pytest.mark.parametrize(("invoice", "code"), CASES, ids=CODES)
def test_a_person_may_say_that_it_is_dealt_with_or_the_ledger_shows_it(invoice: Invoice, code: str) -> None:
    assert "a person settles it" in Stripe(invoice, decisions={code: "approved"}).ignores(invoice)
    settled = bill(state="closed", balance=sek(0))
    assert "settled in Visma" in Stripe(invoice, bills=[settled]).ignores(invoice)
    part = bill(balance=sek("10"))
    assert "Visma has 10.00 SEK" in finding(invoice, bills=[part]).sentence
    assert "Visma does not show it" in finding(invoice, bills=[bill(number="7")]).sentence


def test_what_our_own_way_out_told_is_no_question_also_while_it_is_on_its_way() -> None:
    whole = collected(outside=sek("1250"))
    for state in ("posted", "posting"):
        assert "our own route" in Stripe(whole, shop=told(paid("1250"), state=state)).ignores(whole)
    void = collected(state="canceled")
    ours = told(InvoiceVoid("in_1", "credit_note/CN7", "st:chg:CN7:10042"), "customerCreditNote")
    assert "our own route" in Stripe(void, shop=ours).ignores(void)


def test_only_what_is_more_than_we_told_is_asked() -> None:
    whole = collected(outside=sek("1250"))
    assert "850.00 SEK that never" in finding(whole, shop=told(paid("400"))).sentence
    assert "1,250.00 SEK that never" in finding(whole, shop=told(paid("1250", invoice="in_2"))).sentence


def test_an_invoice_as_ever_asks_nothing_and_nobody() -> None:
    for invoice in (collected(), collected(outside=sek(0)), collected(state="open", outside=None)):
        assert FLOW.needs(invoice, Stripe(invoice).related(invoice), Stripe(invoice).terms) == ()
        assert "booked by their charges" in Stripe(invoice).ignores(invoice)
    foreign = collected(outside=sek("1250"), marks={})
    assert "did not come from Visma" in Stripe(foreign).ignores(foreign)


def test_what_people_put_against_an_invoice_has_it_look_again() -> None:
    assert FLOW.links(collected()) == (("ledger_invoice", "10042"),)
    assert ("customerPayment", "invoice", "ledger_invoice") in FLOW.siblings
