"""Stripe refunds: tied to their charge, as that was booked; partial, pending, failed, too large, too early."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from ml_connector.finance.documents import Refund
from ml_connector.finance.invoices import Application, CustomerInvoice, Ref
from ml_connector.finance.ledger import LedgerInvoice
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Found, Hold, Plan, PlannedWrite, Related, Wait
from ml_connector.finance.rulebook import Rule, When
from ml_connector.flows.stripe_to_visma import FLOW
from ml_connector.rules.collecting import is_ours
from tests.flows.collection_world import (
    BOOK,
    CHART,
    D12,
    NOON,
    TERMS,
    bill,
    book,
    by_kind,
    cash,
    charge,
    collected,
    journal,
    line,
    moved,
    refund,
    row,
    sek,
    tax,
)
from tests.flows.stripe_world import PAID, Stripe, all_writes, balances, paying

HOUR = timedelta(hours=1)


def world(*refunds: Refund, bills: Any = (), notes: Any = (), **more: Any) -> Stripe:
    """A charge of 1,250.00 that paid invoice 10042, and refunds of it."""
    return Stripe(*paying(), charge(**PAID), *refunds, bills=bills, notes=notes, **more)


def note_of(writes: list[PlannedWrite], key: str = "st:re:re_1") -> CustomerInvoice:
    (content,) = [write.content for write in writes if write.key == key]
    assert isinstance(content, CustomerInvoice), content
    return content


# ---------------------------------------------------------------------------------------------- of an invoice


def test_a_partial_refund_is_a_credit_note_with_the_invoices_own_lines_and_money_out() -> None:
    """Refund 250.00. C: Dr sales 200.00; Dr VAT 50.00; Cr AR 250.00. R: Dr AR 250.00; Cr clearing 250.00."""
    back = refund("250")
    writes = world(back).writes(back)
    assert by_kind(writes) == {"st:re:re_1": "credit_note", "st:re:re_1:paid": "customer_refund"}
    note = note_of(writes)
    assert (note.kind, note.customer, note.total, note.vat_total) == ("credit_note", "10001", sek("250"), sek("50"))
    assert [(one.account, one.net, one.vat_code, one.vat) for one in note.lines] == [
        ("3001", sek("200"), "25", sek("50"))
    ]
    assert [(one.vat_id, one.base, one.vat) for one in note.tax_details] == [("S25", sek("200"), sek("50"))]
    out = cash(writes, "st:re:re_1:paid")
    assert (out.kind, out.amount, out.cash_account) == ("refund", sek("250"), "STSEK")
    assert out.applications == (Application("CreditNote", Ref("st:re:re_1"), sek("250")),)
    assert balances(writes) == {"3001": 20_000, "VAT": 5_000, "1583": -25_000}


def test_a_refund_comes_after_the_payment_that_it_gives_back() -> None:
    back = refund("250")
    assert [write.needs for write in world(back).writes(back)] == [
        ("st:inpay:inpay_1",), ("st:re:re_1", "st:inpay:inpay_1")
    ]  # fmt: skip


def test_a_whole_refund_gives_back_every_line_as_it_stands() -> None:
    lines = (line("800"), line("200", "12", number=2, account="3002"))
    whole = replace(bill(), lines=lines, taxes=(tax("800", "200"), tax("200", "24", D12, id="S12")))
    whole = replace(whole, total=sek("1224"), balance=sek("1224"), vat_total=sek("224"))
    back = refund("1224")
    here = Stripe(collected("1224"), row("1224"), charge("1224", **PAID), back, bills=[whole])
    note = note_of(here.writes(back))
    assert [(one.account, one.net, one.vat) for one in note.lines] == [
        ("3001", sek("800"), sek("200")), ("3002", sek("200"), sek("24"))
    ]  # fmt: skip


def two_rates() -> LedgerInvoice:
    lines = (line("800"), line("200", "12", number=2, account="3002"))
    made = replace(bill(), lines=lines, taxes=(tax("800", "200"), tax("200", "24", D12, id="S12")))
    return replace(made, total=sek("1224"), balance=sek("1224"), vat_total=sek("224"))


def test_a_part_of_an_invoice_with_two_rates_asks_for_approval_of_the_mix() -> None:
    back = refund("612")
    around: tuple[Any, ...] = (collected("1224"), row("1224"), charge("1224", **PAID), back)
    assert Stripe(*around, bills=[two_rates()]).findings(back) == {"refund-vat-mix"}
    approved = Stripe(*around, bills=[two_rates()], decisions={"refund-vat-mix": "approve"})
    note = note_of(approved.writes(back))
    assert [(one.net, one.vat) for one in note.lines] == [(sek("400"), sek("100")), (sek("100"), sek("12"))]


def test_a_refund_is_paid_out_on_the_open_credit_note_that_people_made() -> None:
    back = refund("250")
    found = Found("CN9", status="Open", currency="SEK", facts={"by": "document", "open": "25000"})
    (write,) = world(back, notes=[found]).writes(back)
    assert (write.key, write.kind) == ("st:re:re_1", "customer_refund")
    assert cash([write], "st:re:re_1").applications == (Application("CreditNote", "CN9", sek("250")),)


@pytest.mark.parametrize(
    "found",
    [
        (Found("CN9", facts={"by": "document", "open": "30000"}),),
        (Found("CN9", facts={"by": "amount", "open": "25000"}),),
        (
            Found("CN8", facts={"by": "document", "open": "25000"}),
            Found("CN9", facts={"by": "document", "open": "25000"}),
        ),
    ],
    ids=["unequal", "names nothing", "several"],
)
def test_credit_notes_that_may_be_meant_are_asked_about(found: tuple[Found, ...]) -> None:
    back = refund("250")
    assert world(back, notes=found).findings(back) == {"refund-credit-note"}
    none = world(back, notes=found, decisions={"refund-credit-note": "none"})
    assert by_kind(none.writes(back))["st:re:re_1"] == "credit_note"
    named = world(back, notes=found, decisions={"refund-credit-note": "CN9"})
    assert cash(named.writes(back), "st:re:re_1").applications[0].number == "CN9"


def test_our_own_credit_note_of_another_refund_is_not_taken_for_one_of_people() -> None:
    back = refund("250")
    ours = Found("CN5", facts={"by": "document", "open": "25000", "marks": "10042\nst:re:re_0"})
    assert by_kind(world(back, notes=[ours]).writes(back))["st:re:re_1"] == "credit_note"


def test_what_we_credited_stays_ours_though_people_make_another_credit_note_later() -> None:
    back = refund("250")
    here = world(back)
    before = here.post(back)
    here.found = {"credit_note": (Found("CN9", facts={"by": "document", "open": "25000"}),)}
    assert here.writes(back) == before


def test_our_credit_note_and_refund_do_not_go_out_to_stripe_again() -> None:
    back = refund("250")
    writes = world(back).writes(back)
    assert is_ours(note_of(writes).source)
    assert is_ours(cash(writes, "st:re:re_1:paid").text)


def test_what_was_paid_too_much_goes_back_on_the_payment_itself() -> None:
    """50.00 stays available; paid back: R with line {Payment, nr, 50.00}."""
    back, paid = refund("50"), charge("1050", **PAID)
    here = Stripe(collected("1000", overpaid=sek("50")), row("1050"), paid, back, bills=[bill("1000")])
    (write,) = here.writes(back)
    out = cash([write], "st:re:re_1")
    assert out.applications == (Application("Payment", Ref("st:inpay:inpay_1"), sek("50")),)
    assert balances(all_writes(here, paid, back)) == {"1583": 100_000, "AR": -100_000}


# ---------------------------------------------------------------------------------------------- state and order


def test_trap_a_pending_refund_waits_and_one_that_needs_the_customer_too() -> None:
    assert "pending" in world().waits(refund(state="pending"))


def test_trap_a_refund_that_failed_before_it_was_booked_is_no_money() -> None:
    assert "came back" in world().ignores(refund(state="failed"))
    assert "rejected" in world().ignores(refund(state="rejected"))


def test_trap_a_refund_that_fails_later_voids_the_money_and_leaves_the_credit_note_open() -> None:
    back = refund("250")
    here = world(back)
    credit = here.post(back)[0]
    failed = replace(back, state="failed", failed_movement_id="txn_f")
    made = here.verdict(failed)
    assert isinstance(made, Plan)
    assert [(one.key, one.content) for one in made.writes] == [("st:re:re_1", credit.content)]
    assert [finding.code for finding in made.findings] == ["refund-failed"]


def test_a_failed_refund_on_peoples_credit_note_is_taken_back_whole() -> None:
    back = refund("250")
    here = world(back, notes=[Found("CN9", facts={"by": "document", "open": "25000"})])
    here.post(back)
    assert "credit note that it paid out is open again" in here.ignores(replace(back, state="failed"))


def test_a_refund_larger_than_its_charge_is_held() -> None:
    back = refund("1300")
    assert world(back).findings(back) == {"over-refund"}


def test_refunds_that_together_exceed_their_charge_are_held_from_the_one_that_does() -> None:
    first, second = refund("1000"), refund("500", id="re_2", occurred_at=NOON + HOUR)
    here = world(first, second)
    assert by_kind(here.writes(first))["st:re:re_1"] == "credit_note"
    assert here.findings(second) == {"over-refund"}
    freed = world(replace(first, state="failed"), second)
    assert "st:re:re_2" in by_kind(freed.writes(second))


def test_a_refund_before_its_charge_waits() -> None:
    back = refund("250")
    pending = Stripe(*paying(), charge(state="pending", **PAID), back)
    assert "is pending" in pending.waits(back)
    nobody_looked = Related(posted={})
    asked = [need.name for need in FLOW.needs(back, nobody_looked, TERMS)]
    assert asked[0] == "source:charge:ch_1"
    verdict = FLOW.plan(back, nobody_looked, terms=TERMS, rulebook=BOOK, chart=CHART)
    assert verdict == Wait("charge ch_1 is not read yet")


def test_a_refund_in_another_currency_than_its_charge_is_held() -> None:
    back = refund("25", currency="EUR")
    assert world(back).findings(back) == {"refund-currency"}


def test_a_refund_of_a_charge_for_several_invoices_is_held() -> None:
    rows = (row("1250"), row("250", id="inpay_2", invoice_id="in_2"))
    other = collected("250", id="in_2", marks={"visma_invoice_no": "10043"})
    paid = charge("1500", settles=(("inpay_1", "in_1"), ("inpay_2", "in_2")))
    back = refund("250")
    here = Stripe(collected(), other, *rows, paid, back, bills=[bill(), bill("250", number="10043")])
    made = here.verdict(back)
    assert isinstance(made, Hold)
    (found,) = made.findings
    assert found.code == "refund-several-invoices"
    for word in ("10042 (1,250.00 SEK)", "10043 (250.00 SEK)", "customer 10001", "STSEK", "st:re:re_1 in its note"):
        assert word in found.sentence
    # A credit note with this in its note is not told to Stripe again.
    assert is_ours("Credited by hand, st:re:re_1")


def test_a_refund_waits_while_its_charge_is_held_and_asks_nothing_itself() -> None:
    back = refund("250")
    assert "waits for an answer" in world(back, bills=[bill(state="voided")]).waits(back)


def test_a_refund_of_a_charge_from_before_go_live_is_on_suspense_with_a_warning() -> None:
    back = refund("250", occurred_at=NOON + 48 * HOUR)
    here = world(back, terms=replace(TERMS, go_live=date(2026, 5, 22)))
    assert journal(here.writes(back), "st:re:re_1") == {"2999": "250.00", "1583": "-250.00"}
    assert here.warnings(back) == ["refund-of-older-payment"]


def test_a_refund_that_names_no_charge_of_this_account_is_on_suspense_with_a_warning() -> None:
    for back in (refund("250", payment_id=None), refund("250", payment_id="ch_elsewhere")):
        assert Stripe(back).warnings(back) == ["refund-unlinked"]


# ---------------------------------------------------------------------------------------------- without an invoice


def test_a_refund_of_a_charge_on_suspense_goes_there_too() -> None:
    paid, back = charge(), refund("250")
    writes = all_writes(Stripe(paid, back), paid, back)
    assert journal(writes, "st:re:re_1") == {"2999": "250.00", "1583": "-250.00"}
    assert writes[-1].needs == ("st:ch:ch_1",)


def test_a_refund_of_an_anonymous_sale_mirrors_it_in_part() -> None:
    rule = Rule("shop", ("sales",), When(type=("charge",)), account="3001", vat_code="25")
    paid, back = charge(), refund("250")
    writes = Stripe(paid, back, rulebook=book(rule)).writes(back)
    assert journal(writes, "st:re:re_1") == {"3001": "200.00", "2611": "50.00", "1583": "-250.00"}


def test_a_refund_of_a_payment_on_account_asks_which_credit_note_or_pays_it_back() -> None:
    rule = Rule("walk-in", ("customer",), When(type=("charge",)), customer="19999")
    paid, back = charge(), refund("250")
    assert Stripe(paid, back, rulebook=book(rule)).findings(back) == {"refund-credit-note"}
    told = Stripe(paid, back, rulebook=book(rule), decisions={"refund-credit-note": "payment"})
    out = cash(told.writes(back), "st:re:re_1")
    assert out.applications == (Application("Payment", Ref("st:ch:ch_1"), sek("250")),)


# ---------------------------------------------------------------------------------------------- its rows


def test_the_row_of_a_refund_books_nothing_where_it_has_no_fee() -> None:
    back = refund("250")
    gone = moved("refund", "-250", id="txn_2", reference_id="re_1")
    assert "refund re_1 books it" in world(back).ignores(gone)


def test_the_rows_of_a_failed_refund_are_found_by_its_failure_and_sum_to_nothing() -> None:
    back = refund("250", state="failed", failed_movement_id="txn_f")
    gone = moved("refund", "-250", id="txn_2", reference_id="re_1")
    again = moved("refund_failure", "250", id="txn_f", reference_id="ch_1")
    here = world(back)
    assert "refund re_1 books it" in here.ignores(gone)
    assert "refund re_1 books it" in here.ignores(again)


def test_trap_the_fee_of_a_refunded_charge_is_kept_unless_a_row_gives_it_back() -> None:
    back = refund("250")
    gone = moved("refund", "-250", "-7.50", id="txn_2", reference_id="re_1")
    assert journal(world(back).writes(gone), "st:bt:txn_2") == {"1583": "7.50", "6570": "-7.50"}


def test_a_refund_settled_in_another_currency_goes_through_transit() -> None:
    """40.00 EUR of a charge given back, 451.20 SEK taken from the balance."""
    paid = charge("100", currency="EUR")
    back = refund("40", currency="EUR")
    gone = moved("refund", "-451.20", id="txn_2", reference_id="re_1")
    here = Stripe(paid, back)
    writes = all_writes(here, back, gone)
    assert journal(writes, "st:re:re_1") == {"2999": "40.00", "1584": "-40.00"}
    assert journal(writes, "st:bt:txn_2") == {"1584": "40.00", "1790": "-40.00"}
    assert journal(writes, "st:bt:txn_2:in") == {"1790": "451.20", "1583": "-451.20"}
    assert Money(-45_120, "SEK") == gone.net
