"""PayPal invoices: the customer document, what people record on it, and its cancellation."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Literal

from ml_connector.finance.documents import InvoiceAdjustment
from ml_connector.finance.invoices import CustomerPayment, Ref
from ml_connector.finance.plan import Elsewhere, Found, Hold, Ignore
from ml_connector.flows import paypal_needs as need
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


def told(content: InvoiceAdjustment, row: str = "", state: str = "done") -> dict[str, tuple[Elsewhere, ...]]:
    """What our route out has told the invoice."""
    one = Elsewhere(f"INV2-1/payments/{row}" if row else "", state, content.kind, {content.source: content})
    return {need.told("INV2-1", TERMS).name: (one,)}


def recorded(kind: Literal["external_payment", "external_refund"] = "external_payment") -> InvoiceAdjustment:
    return InvoiceAdjustment(kind, "INV2-1", "pp:adj:INV2-1:7", amount=sek("1000"), day=date(2026, 3, 10))


def test_what_we_recorded_ourselves_asks_nobody() -> None:
    row = paid_row(id="EXTR-1", origin="recorded")
    bill = invoice(state="paid", payments=(row,))
    for ours in (told(recorded(), "EXTR-1"), told(recorded(), state="sealed")):
        assert len(PayPal(found=KARI, siblings=ours).writes(bill)) == 1
    noted = invoice(state="paid", payments=(replace(row, day=date(2026, 3, 11), note="pp:adj:INV2-1:7 7 MBU7QNO75N"),))
    assert len(PayPal(found=KARI, siblings=told(recorded(), state="sealed")).writes(noted)) == 1
    back = invoice(state="refunded", refunds=(paid_row(id="EXTR-2", origin="recorded"),))
    assert len(PayPal(found=KARI, siblings=told(recorded("external_refund"), state="sealed")).writes(back)) == 1


def test_beside_what_we_recorded_what_a_person_did_is_asked_about() -> None:
    row = paid_row(id="EXTR-1", origin="recorded")
    same = paid_row(id="EXTR-2", origin="recorded")
    assert PayPal(found=KARI, siblings=told(recorded(), "EXTR-1")).holds(
        invoice(state="paid", payments=(row, same))
    ) == ["external-payment"]
    planned = told(recorded(), state="open")
    assert PayPal(found=KARI, siblings=planned).holds(invoice(state="paid", payments=(row,))) == ["external-payment"]


def test_an_invoice_that_we_cancelled_for_the_ledger_is_not_credited_again() -> None:
    booked = PayPal(found=KARI).writes(invoice())[0]
    gone = invoice(state="canceled", updated_at=NOON + timedelta(days=5))
    ours = told(InvoiceAdjustment("invoice_cancel", "INV2-1", "pp:adj:INV2-1:credit_note/7"), state="sealed")
    assert PayPal(found=KARI, posted={booked.key: booked.content}, siblings=ours).writes(gone) == (booked,)


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
