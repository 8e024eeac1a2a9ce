"""PayPal invoices: the customer document, what people record on it, and its cancellation."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from ml_connector.finance.invoices import CustomerPayment, Ref
from ml_connector.finance.plan import Found, Hold, Ignore
from tests.flows.builders import journal, readable
from tests.flows.paypal_world import (
    D12,
    KARI,
    NOON,
    TERMS,
    PayPal,
    invoice,
    line,
    paid_row,
    party,
    sale_row,
    sek,
)


def test_a_sent_invoice_makes_its_customer_and_the_document() -> None:
    card, write = PayPal().writes(invoice())
    assert card.kind == "customer"
    assert "kari" not in card.key  # no address stands in a key
    assert readable(write).splitlines()[1:] == ["3010 sales V25 800.00", "VAT 200.00 total 1000.00"]
    assert write.needs == (card.key,)


def test_lines_without_vat_and_of_several_rates_keep_their_own() -> None:
    bill = invoice(line("100", "25"), line("100", "12", rate=D12), line("50"))
    write = PayPal(found=KARI).writes(bill)[0]
    assert readable(write) == journal(
        "pp:inv:INV2-1 2026-03-09 customer_invoice to 10007",
        "3010 sales V25 100.00",
        "3020 sales V12 100.00",
        "3030 sales V0 50.00",
        "VAT 37.00 total 287.00",
    )


def test_a_payment_names_the_customer_that_its_invoice_makes() -> None:
    bill, paid = invoice(payments=(paid_row(),)), sale_row(invoice_id="INV2-1")
    world = PayPal(bill, paid)
    card = world.writes(bill)[0]
    (payment, _fee) = world.writes(paid)
    assert isinstance(payment.content, CustomerPayment)
    assert payment.content.customer == Ref(card.key)
    assert payment.needs == ("pp:inv:INV2-1", card.key)


def test_payer_and_recipient_of_one_address_are_one_customer() -> None:
    card = PayPal().writes(invoice())[0]
    found = {card.key: Found("20001", how="made")}
    other = sale_row(id="CAP9", party=party("K. Nordmann", "KARI@example.com", id="PAYER1"))
    payment = PayPal(other, found=found).writes(other)[0]
    assert isinstance(payment.content, CustomerPayment)
    assert payment.content.customer == Ref(card.key)


def test_drafts_and_invoices_before_go_live_are_not_booked() -> None:
    assert isinstance(PayPal().verdict(invoice(state="draft")), Ignore)
    assert isinstance(PayPal().verdict(invoice(state="scheduled")), Ignore)
    late = replace(TERMS, go_live=date(2026, 3, 10))
    assert isinstance(PayPal(found=KARI, terms=late).verdict(invoice()), Ignore)


def test_a_payment_of_an_invoice_from_before_go_live_stays_on_account() -> None:
    bill, paid = invoice(payments=(paid_row(),)), sale_row(invoice_id="INV2-1")
    world = PayPal(bill, paid, found=KARI, terms=replace(TERMS, go_live=date(2026, 3, 10)))
    assert readable(world.writes(paid)[0]) == "pp:cap:CAP1 2026-03-10 payment 1000.00 of 10007 on PPSEK PP"


def test_what_a_person_recorded_asks_a_person() -> None:
    bill = invoice(state="paid", payments=(paid_row(id="EXTR-1", origin="recorded"),))
    verdict = PayPal(found=KARI).verdict(bill)
    assert isinstance(verdict, Hold)
    assert [one.code for one in verdict.findings] == ["external-payment"]
    assert "1,000.00 SEK on 2026-03-10 by bank" in verdict.findings[0].sentence
    (write,) = PayPal(found=KARI, decisions={"external-payment": "approve"}).writes(bill)
    assert write.kind == "customer_invoice"
    refunded = invoice(state="refunded", refunds=(paid_row(id="EXTR-2", origin="recorded"),))
    assert PayPal(found=KARI).holds(refunded) == ["external-payment"]


def test_an_invoice_cancelled_after_it_was_booked_is_credited() -> None:
    booked = PayPal(found=KARI).writes(invoice())[0]
    gone = invoice(state="canceled", updated_at=NOON + timedelta(days=5))
    world = PayPal(found=KARI, posted={booked.key: booked.content})
    bill, note = world.writes(gone)
    assert bill == booked
    assert readable(note) == journal(
        "pp:inv:INV2-1:cancel 2026-03-15 credit_note to 10007",
        "3010 sales V25 800.00",
        "VAT 200.00 total 1000.00",
        "applied to <pp:inv:INV2-1>",
    )
    world.posted[note.key] = note.content
    assert world.writes(replace(gone, updated_at=NOON + timedelta(days=9))) == (bill, note)


def test_an_invoice_cancelled_before_it_was_booked_is_ignored() -> None:
    assert isinstance(PayPal(found=KARI).verdict(invoice(state="canceled")), Ignore)


def test_gratuity_and_a_missing_recipient_are_held() -> None:
    assert PayPal(found=KARI).holds(invoice(tip=sek("50"))) == ["invoice-gratuity"]
    assert PayPal(found=KARI).writes(invoice(tip=sek("0")))
    assert PayPal().holds(invoice(recipient=None)) == ["invoice-without-customer"]


def test_two_customers_with_one_address_in_the_ledger_ask_which() -> None:
    several = {"kari@example.com": Found("1"), "other": Found("2")}
    world = PayPal(found=several)
    world.answer = lambda need: (Found("1"), Found("2")) if need.system == "target" else ()  # type: ignore[method-assign]
    assert world.holds(invoice()) == ["party-ambiguous"]


def test_an_edited_invoice_keeps_the_day_it_was_booked_on() -> None:
    booked = PayPal(found=KARI).writes(invoice())[0]
    edited = invoice(line("900", "225"), issued_on=date(2026, 3, 20))
    write = PayPal(found=KARI, posted={booked.key: booked.content}).writes(edited)[0]
    assert readable(write).startswith("pp:inv:INV2-1 2026-03-09")
    assert write.content != booked.content  # another content under the same key: a correction, which asks
