"""Captures and refunds of PayPal: customers, anonymous sales, suspense."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from ml_connector.finance.documents import Movement
from ml_connector.finance.encoding import booked_hash
from ml_connector.finance.plan import Found, Ignore, Plan, Wait
from ml_connector.finance.rulebook import Rule, When
from ml_connector.flows.paypal_to_visma import FLOW
from tests.flows.builders import journal, readable
from tests.flows.paypal_world import (
    ANONYMOUS,
    D12,
    KARI,
    NOON,
    NORWAY,
    TERMS,
    PayPal,
    balances,
    book,
    capture,
    credit_notes,
    invoice,
    line,
    paid_row,
    party,
    refund,
    refund_row,
    row,
    sale_row,
    sek,
)


def test_an_invoice_paid_and_partly_refunded_and_withdrawn_is_booked_as_worked_by_hand() -> None:
    bill = invoice(payments=(paid_row(),), state="part_refunded")
    paid, back = sale_row(invoice_id="INV2-1", party=party()), refund_row()
    taken = row("T0400", "-717.10", id="WD1")
    world = PayPal(bill, paid, back, taken, capture(), refund(), found=KARI, known=credit_notes())
    assert [readable(write) for write in world.writes(bill)] == [
        journal(
            "pp:inv:INV2-1 2026-03-09 customer_invoice to 10007", "3010 sales V25 800.00", "VAT 200.00 total 1000.00"
        )
    ]
    assert [readable(write) for write in world.writes(paid)] == [
        journal("pp:cap:CAP1 2026-03-10 payment 1000.00 of 10007 on PPSEK PP", "Invoice <pp:inv:INV2-1> 1000.00"),
        journal("pp:cap:CAP1:fee 2026-03-10", "Dr 6570 fee 32.90", "Cr 1581 clearing 32.90"),
    ]
    assert [readable(write) for write in world.writes(back)] == [
        journal("pp:ref:REF1 2026-03-10 credit_note to 10007", "3010 sales V25 200.00", "VAT 50.00 total 250.00"),
        journal("pp:ref:REF1:paid 2026-03-10 refund 250.00 of 10007 on PPSEK PP", "CreditNote <pp:ref:REF1> 250.00"),
    ]
    assert readable(world.writes(taken)[0]) == journal(
        "pp:txn:WD1:T0400:SEK- 2026-03-10", "Dr 1930 bank 717.10", "Cr 1581 clearing 717.10"
    )
    left = balances([write for one in (bill, paid, back, taken) for write in world.writes(one)])
    assert left["1581"] == 0
    assert left["AR"] == 0


def test_an_anonymous_sale_is_one_journal() -> None:
    (write,) = PayPal(sale_row(), capture(), rulebook=book(ANONYMOUS)).writes(sale_row())
    assert readable(write) == journal(
        "pp:cap:CAP1 2026-03-10",
        "Dr 6570 fee 32.90",
        "Dr 1581 clearing 967.10",
        "Cr 3010 sales V25 800.00",
        "Cr 2611 vat U25 200.00",
    )


def test_a_payment_nobody_can_place_goes_to_suspense_with_a_warning() -> None:
    world = PayPal(sale_row(party=party()))
    (write,) = world.writes(world.documents[0])
    assert readable(write) == journal(
        "pp:cap:CAP1 2026-03-10", "Dr 6570 fee 32.90", "Dr 1581 clearing 967.10", "Cr 2999 suspense 1000.00"
    )
    assert world.warnings(world.documents[0]) == ["capture-unplaced"]


def test_an_ordinary_sales_rule_does_not_make_payments_anonymous_sales() -> None:
    catch_all = Rule("all", ("sales",), account="3010", vat_code="V25")
    assert "Cr 2999 suspense 1000.00" in readable(PayPal(rulebook=book(catch_all)).writes(sale_row())[0])


def test_a_payer_the_ledger_knows_pays_on_account() -> None:
    paid = sale_row(party=party())
    payment, fee = PayPal(paid, found=KARI).writes(paid)
    assert readable(payment) == "pp:cap:CAP1 2026-03-10 payment 1000.00 of 10007 on PPSEK PP"
    assert fee.key == "pp:cap:CAP1:fee"


def test_fees_share_a_voucher_where_others_do_and_a_customers_payment_never_does() -> None:
    paid = sale_row(party=party())
    payment, fee = PayPal(paid, found=KARI, terms=replace(TERMS, mode="daily")).writes(paid)
    assert payment.pool is None
    assert fee.pool == "pp:pool:daily:2026-03-10:SEK:::plain"
    assert [one.pool for one in PayPal(paid, found=KARI).writes(paid)] == [None, None]
    bill, back = invoice(payments=(paid_row(),)), refund_row(fee="8.23")
    stored = (bill, sale_row(invoice_id="INV2-1"), back)
    daily = PayPal(*stored, found=KARI, known=credit_notes(), terms=replace(TERMS, mode="daily"))
    assert [one.pool for one in daily.writes(back)] == [None, None, fee.pool]


def test_a_known_customer_comes_before_a_rule_for_anonymous_sales() -> None:
    paid = sale_row(party=party())
    assert PayPal(paid, found=KARI, rulebook=book(ANONYMOUS)).writes(paid)[0].kind == "customer_payment"


def test_what_an_event_told_of_is_booked_and_asked_about_by_its_row_alone() -> None:
    paid, told, back, said = sale_row(party=party()), capture(), refund_row(), refund()
    world = PayPal(paid, told, back, said, found=KARI, known=credit_notes("C1", "C2", of="pp:cap:CAP1"))
    assert world.verdict(told) == Ignore("its row in PayPal's report books it: CAP1:T0006:SEK+")
    assert world.verdict(said) == Ignore("its row in PayPal's report books it: REF1:T1107:SEK-")
    assert world.writes(paid)
    assert world.holds(back) == ["refund-credit-note"]


def test_a_capture_waits_for_its_row_in_the_report() -> None:
    assert PayPal(capture()).waits(capture()) == ["source:transaction:transaction:CAP1"]


def test_a_fee_that_the_row_lacks_is_taken_from_the_capture() -> None:
    paid = sale_row(fee=None)
    assert "Dr 6570 fee 32.90" in readable(PayPal(paid, capture(), rulebook=book(ANONYMOUS)).writes(paid)[0])


def test_a_row_that_says_it_all_asks_for_no_capture() -> None:
    assert not asks(PayPal(), sale_row())
    assert asks(PayPal(), sale_row(fee=None)) == ["source:capture:CAP1"]
    assert asks(PayPal(), sale_row(state="unknown", status="X")) == ["source:capture:CAP1"]
    whole = refund_row(fee="0")
    assert not asks(PayPal(sale_row()), whole)
    assert asks(PayPal(sale_row()), refund_row()) == ["source:refund:REF1"]
    assert asks(PayPal(sale_row()), refund_row(of=None, fee="0")) == ["source:refund:REF1"]
    assert asks(PayPal(), whole) == ["source:capture:CAP1"]  # is it older than the books?


def asks(world: PayPal, document: Movement) -> list[str]:
    """What of PayPal has to be read one by one to plan this."""
    read, _ = world.related(document)
    return [need.name for need in FLOW.needs(document, read, TERMS) if need.kind in {"capture", "refund"} and need.id]


def test_an_event_and_the_report_make_the_same_of_a_payment() -> None:
    polled, told = PayPal(sale_row(), rulebook=book(ANONYMOUS)), PayPal(sale_row(), capture(), rulebook=book(ANONYMOUS))
    assert polled.writes(sale_row()) == told.writes(sale_row())
    late = PayPal(sale_row(fee=None), capture(), rulebook=book(ANONYMOUS))  # before the row had its fee
    assert [booked_hash(one.kind, one.content) for one in late.writes(sale_row(fee=None))] == [
        booked_hash(one.kind, one.content) for one in polled.writes(sale_row())
    ]


def test_capture_and_row_that_differ_are_held() -> None:
    assert PayPal(capture("900")).holds(sale_row(fee=None)) == ["capture-differs"]
    assert PayPal(capture("900"), sale_row()).holds(capture("900")) == ["capture-differs"]
    assert PayPal(capture(fee="30"), sale_row()).holds(capture(fee="30")) == ["capture-fee-differs"]
    said_once = PayPal(capture("900"), sale_row(fee=None))
    assert isinstance(said_once.verdict(capture("900")), Ignore)


@pytest.mark.parametrize(
    ("when", "suspense"),
    [
        (When(type=("T0006",)), False),
        (When(type=("T0007",)), True),
        (When(type=("capture",), amount_to=sek("500").decimal()), True),
        (When(type=("capture",), amount_from=sek("500").decimal()), False),
        (When(type=("capture",), customer_group=("consumer",)), False),
        (When(type=("capture",), customer_group=("company",)), True),
        (When(type=("capture",), country=("NO",)), False),
    ],
)
def test_rules_choose_by_type_amount_group_and_country(when: When, suspense: bool) -> None:
    paid = sale_row(party=party(address=NORWAY))
    rule = Rule("r", ("sales",), when, account="3030")
    (write,) = PayPal(paid, rulebook=book(rule)).writes(paid)
    assert ("suspense" in readable(write)) is suspense


def test_a_rule_can_name_the_customer_of_payments() -> None:
    rule = Rule("shop", ("customer",), When(type=("capture",)), customer="90001")
    payment = PayPal(rulebook=book(rule)).writes(sale_row())[0]
    assert readable(payment) == "pp:cap:CAP1 2026-03-10 payment 1000.00 of 90001 on PPSEK PP"


def test_a_vat_code_without_one_rate_holds_the_sale() -> None:
    rule = Rule("r", ("sales",), When(type=("capture",)), account="3010", vat_code="V0")
    assert PayPal(rulebook=book(rule)).holds(sale_row()) == ["vat-rate-unknown"]


def test_an_unset_fee_vat_holds_what_has_a_fee() -> None:
    world = PayPal(terms=replace(TERMS, fee_vat=None), rulebook=book(ANONYMOUS))
    assert world.holds(sale_row()) == ["fee-vat-unset"]
    assert world.writes(sale_row(fee=None))


def test_fees_under_reverse_charge_wait_for_the_processors_invoice() -> None:
    world = PayPal(terms=replace(TERMS, fee_vat="reverse_charge"), rulebook=book(ANONYMOUS))
    assert "Dr 2990 fee_settlement 32.90" in readable(world.writes(sale_row())[0])


def test_pending_denied_and_early_payments_are_not_booked() -> None:
    world = PayPal()
    assert isinstance(world.verdict(sale_row(state="pending")), Wait)
    assert isinstance(world.verdict(sale_row(state="denied")), Ignore)
    assert isinstance(world.verdict(capture(state="pending")), Wait)
    assert isinstance(world.verdict(capture(state="failed")), Ignore)
    assert isinstance(PayPal(terms=replace(TERMS, go_live=date(2026, 3, 11))).verdict(sale_row()), Ignore)


def test_a_status_nobody_knows_goes_to_suspense() -> None:
    odd = sale_row(state="unknown", status="X")
    assert PayPal(odd, rulebook=book(ANONYMOUS)).warnings(odd) == ["movement-status"]
    assert PayPal(odd, capture(), rulebook=book(ANONYMOUS)).warnings(odd) == []


# ------------------------------------------------------------------------------------------------ refunds


def test_a_refund_of_an_anonymous_sale_mirrors_it_in_part() -> None:
    world = PayPal(sale_row(), refund_row(), rulebook=book(ANONYMOUS))
    assert readable(world.writes(refund_row())[0]) == journal(
        "pp:ref:REF1 2026-03-10", "Dr 3010 sales V25 200.00", "Dr 2611 vat U25 50.00", "Cr 1581 clearing 250.00"
    )


def test_a_refund_of_a_payment_on_suspense_leaves_suspense() -> None:
    assert readable(PayPal(sale_row(), refund_row()).writes(refund_row())[0]) == journal(
        "pp:ref:REF1 2026-03-10", "Dr 2999 suspense 250.00", "Cr 1581 clearing 250.00"
    )


def test_a_fee_given_back_is_booked_once() -> None:
    back, fee = refund_row(), row("T1109", "8.23", id="FEE1", reference_id="REF1")
    told = refund(fee_returned=sek("8.23"))
    world = PayPal(sale_row(), back, fee, told, rulebook=book(ANONYMOUS))
    (write,) = world.writes(back)
    assert "Cr 6570 fee 8.23" in readable(write)
    assert "Cr 1581 clearing 241.77" in readable(write)
    assert isinstance(world.verdict(fee), Ignore)
    by_payment = replace(fee, reference_id="CAP1")
    assert isinstance(PayPal(sale_row(), back, by_payment, told).verdict(by_payment), Ignore)
    unstated = PayPal(sale_row(), back, fee, refund())
    assert readable(unstated.writes(fee)[0]) == journal(
        "pp:txn:FEE1:T1109:SEK+ 2026-03-10", "Dr 1581 clearing 8.23", "Cr 6570 fee 8.23"
    )


def test_a_customers_refund_with_a_fee_back_has_a_journal_for_it() -> None:
    bill = invoice(payments=(paid_row(),))
    back = refund_row(fee="8.23")
    world = PayPal(bill, sale_row(invoice_id="INV2-1"), back, found=KARI, known=credit_notes())
    assert readable(world.writes(back)[2]) == journal(
        "pp:ref:REF1:fee 2026-03-10", "Dr 1581 clearing 8.23", "Cr 6570 fee 8.23"
    )


def test_an_open_credit_note_is_only_paid_out() -> None:
    bill = invoice(payments=(paid_row(),))
    world = PayPal(bill, sale_row(invoice_id="INV2-1"), refund_row(), found=KARI, known=credit_notes("CN-9"))
    assert [readable(write) for write in world.writes(refund_row())] == [
        journal("pp:ref:REF1 2026-03-10 refund 250.00 of 10007 on PPSEK PP", "CreditNote CN-9 250.00")
    ]


def test_the_ledger_is_asked_for_credit_notes_of_the_invoice_that_a_refund_gives_back() -> None:
    stored = (invoice(payments=(paid_row(),)), sale_row(invoice_id="INV2-1"), refund_row())
    related, _ = PayPal(*stored, found=KARI).related(refund_row())
    assert "target:credit_note:of=pp:inv:INV2-1,minor=25000,currency=SEK" in related.answers


@pytest.mark.parametrize(
    "found",
    [
        (Found("C1"), Found("C2")),
        (Found("C1", facts={"by": "document", "open": "30000"}),),
        (Found("C1", facts={"by": "amount", "open": "25000", "said": "250.00 SEK, of the same customer"}),),
    ],
    ids=["several", "unequal", "of the amount alone"],
)
def test_a_credit_note_that_is_not_certainly_the_one_is_asked_about(found: tuple[Found, ...]) -> None:
    stored = (invoice(payments=(paid_row(),)), sale_row(invoice_id="INV2-1"), refund_row())
    known = dict.fromkeys(credit_notes(), found)
    assert PayPal(*stored, found=KARI, known=known).holds(refund_row()) == ["refund-credit-note"]
    yes = PayPal(*stored, found=KARI, known=known, decisions={"refund-credit-note": "approved"})
    assert yes.holds(refund_row()) == ["refund-credit-note"]
    none = PayPal(*stored, found=KARI, known=known, decisions={"refund-credit-note": "none"})
    assert [write.kind for write in none.writes(refund_row())] == ["credit_note", "customer_refund"]


def test_a_refund_paid_out_stays_on_its_credit_note_when_it_is_planned_again() -> None:
    bill = invoice(payments=(paid_row(),))
    stored = (bill, sale_row(invoice_id="INV2-1"), refund_row())
    named = dict.fromkeys(credit_notes(), (Found("C1", facts={"by": "document", "open": "25000"}),))
    first = PayPal(*stored, found=KARI, known=named).plan(refund_row())
    posted = {write.key: write.content for write in first.writes}
    assert PayPal(*stored, found=KARI, known=credit_notes(), posted=posted).plan(refund_row()).writes == first.writes
    ours = PayPal(*stored, found=KARI, known=credit_notes()).plan(refund_row())
    posted = {write.key: write.content for write in ours.writes}
    assert PayPal(*stored, found=KARI, known=named, posted=posted).plan(refund_row()).writes == ours.writes


def test_a_person_names_the_credit_note_or_says_that_there_is_none() -> None:
    stored = (invoice(payments=(paid_row(),)), sale_row(invoice_id="INV2-1"), refund_row())
    said = PayPal(*stored, found=KARI, decisions={"refund-credit-note": "CN-9"}).writes(refund_row())
    assert [write.key for write in said] == ["pp:ref:REF1"]
    made = PayPal(*stored, found=KARI, decisions={"refund-credit-note": "none"}).writes(refund_row())
    assert [write.kind for write in made] == ["credit_note", "customer_refund"]


def test_a_refund_of_a_payment_without_invoice_asks_for_its_credit_note() -> None:
    stored = (sale_row(party=party()), refund_row())
    assert PayPal(*stored, found=KARI).holds(refund_row()) == ["refund-credit-note"]
    by_number = PayPal(*stored, found=KARI, decisions={"refund-credit-note": "CN-9"}).writes(refund_row())[0]
    assert "CreditNote CN-9 250.00" in readable(by_number)
    unapplied = PayPal(*stored, found=KARI, decisions={"refund-credit-note": "payment"}).writes(refund_row())[0]
    assert "Payment <pp:cap:CAP1> 250.00" in readable(unapplied)
    assert PayPal(*stored, found=KARI, decisions={"refund-credit-note": "none"}).holds(refund_row())
    open_note = PayPal(*stored, found=KARI, known=credit_notes("CN-8", of="pp:cap:CAP1")).writes(refund_row())[0]
    assert "CreditNote CN-8 250.00" in readable(open_note)


def test_a_part_refund_of_mixed_vat_waits_for_a_person() -> None:
    bill = invoice(line("400", "100"), line("446.43", "53.57", rate=D12, name="Food"), payments=(paid_row(),))
    stored = (bill, sale_row(invoice_id="INV2-1"), refund_row())
    assert PayPal(*stored, found=KARI, known=credit_notes()).holds(refund_row()) == ["refund-vat-mix"]
    note = PayPal(*stored, found=KARI, known=credit_notes(), decisions={"refund-vat-mix": "approve"}).writes(
        refund_row()
    )[0]
    assert "total 250.00" in readable(note)
    whole = refund_row("-1000")
    assert PayPal(*stored[:2], whole, found=KARI, known=credit_notes(amount="1000")).writes(whole)


def test_refunds_that_together_exceed_the_payment_are_held() -> None:
    first, second = refund_row("-600"), refund_row("-500", id="REF2", occurred_at=NOON + timedelta(hours=2))
    world = PayPal(sale_row(), first, second, rulebook=book(ANONYMOUS))
    assert world.holds(second) == ["over-refund"]
    assert world.writes(first)


def test_a_refund_is_tied_by_its_own_link_where_its_row_names_nothing() -> None:
    back = refund_row(of=None)
    world = PayPal(sale_row(), back, refund(), rulebook=book(ANONYMOUS))
    assert "Dr 3010 sales V25 200.00" in readable(world.writes(back)[0])
    alone = PayPal(sale_row(), back, rulebook=book(ANONYMOUS))
    assert alone.warnings(back) == ["refund-unlinked"]
    assert "Dr 2999 suspense 250.00" in readable(alone.writes(back)[0])


def test_a_refund_of_a_payment_before_go_live_goes_to_suspense() -> None:
    old = capture(occurred_at=NOON - timedelta(days=30))
    world = PayPal(old, refund_row(), terms=replace(TERMS, go_live=date(2026, 3, 1)), rulebook=book(ANONYMOUS))
    assert world.warnings(refund_row()) == ["refund-of-older-payment"]


def test_a_refund_waits_for_its_payment() -> None:
    assert PayPal(refund_row()).waits(refund_row()) == ["source:transaction:transaction:CAP1"]


def test_two_payments_of_one_invoice_share_its_amount() -> None:
    bill = invoice(payments=(paid_row("600"), paid_row("500", id="CAP2")), state="paid")
    second = sale_row("500", id="CAP2", invoice_id="INV2-1")
    payment = PayPal(bill, second, found=KARI).writes(second)[0]
    assert "payment 500.00" in readable(payment)
    assert "Invoice <pp:inv:INV2-1> 400.00" in readable(payment)


def test_planning_twice_is_planning_once() -> None:
    world = PayPal(sale_row(), refund_row(), rulebook=book(ANONYMOUS))
    first = world.plan(refund_row())
    world.posted = {write.key: write.content for write in first.writes}
    assert world.plan(refund_row()) == first
    assert isinstance(first, Plan)


def test_a_payment_called_reversed_counts_where_a_row_takes_it_back() -> None:
    gone = sale_row(state="reversed", status="V")
    taken = row("T1106", "-1000", id="D1", reference_id="CAP1")
    world = PayPal(gone, taken, capture(), rulebook=book(ANONYMOUS))
    assert world.writes(gone)[0].key == "pp:cap:CAP1"
    assert PayPal(gone).waits(gone) == ["source:transaction:reference:CAP1"]
    refunded = PayPal(gone, refund_row(), rulebook=book(ANONYMOUS))
    assert refunded.holds(gone) == ["movement-reversed"]
    refunded.decisions["movement-reversed"] = "approve"
    assert refunded.writes(gone)
