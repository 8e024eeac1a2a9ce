"""Stripe charges and payments of invoices: what pays which invoice of the ledger, and what pays none."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from ml_connector.finance.collection import LedgerNote
from ml_connector.finance.documents import Document, Invoice
from ml_connector.finance.encoding import decode_write, encode_write
from ml_connector.finance.invoices import Application, CustomerPayment
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Plan
from ml_connector.finance.rulebook import Rule, When
from ml_connector.flows.stripe_to_visma import FLOW
from ml_connector.rules.collecting import is_ours
from tests.flows.collection_world import (
    NOON,
    TERMS,
    bill,
    book,
    by_kind,
    cash,
    charge,
    collected,
    eur,
    journal,
    moved,
    payout,
    row,
    sek,
)
from tests.flows.stripe_world import PAID, Stripe, all_writes, balances, fee, paying

HOUR = timedelta(hours=1)


def two(first: str, second: str) -> tuple[Document, Document]:
    """Two paid rows of one invoice, an hour apart, by two payment intents."""
    return row(first), row(second, id="inpay_2", intent_id="pi_2", paid_at=NOON + HOUR)


# ---------------------------------------------------------------------------------------------- invoices of the ledger


def test_a_paid_invoice_is_one_customer_payment_of_the_gross_on_that_invoice() -> None:
    here = Stripe(*paying())
    (write,) = here.writes(charge(**PAID))
    content = cash([write], "st:inpay:inpay_1")
    assert (content.kind, content.customer, content.cash_account, content.method) == (
        "payment", "10001", "STSEK", "STRIPE"
    )  # fmt: skip
    assert content.amount == sek("1250")
    assert content.applications == (Application("Invoice", "10042", sek("1250")),)
    assert decode_write(encode_write(write)) == write


def test_order_550_of_the_recipes_leaves_clearing_and_receivables_at_zero() -> None:
    """P Dr clearing 550.00; fee 9.85; payout Dr bank 540.15."""
    whole, paid = bill("550"), charge("550", **PAID)
    po = payout("540.15")
    rows = (fee("9.85", of="550"), moved("payout", "-540.15", id="txn_po", reference_id="po_1"))
    here = Stripe(*paying(row("550"), invoice=collected("550")), paid, po, bills=[whole])
    writes = all_writes(here, paid, *rows)
    assert journal(writes, "st:bt:txn_1") == {"6570": "9.85", "1583": "-9.85"}
    assert journal(writes, "st:po:po_1") == {"1930": "540.15", "1583": "-540.15"}
    assert balances(writes) == {"AR": -55_000, "6570": 985, "1930": 54_015}  # the invoice itself stands at +550.00


def test_the_payment_carries_our_key_so_that_the_way_out_knows_it_as_ours() -> None:
    content = cash(Stripe(*paying()).writes(charge(**PAID)), "st:inpay:inpay_1")
    assert is_ours(content.text)
    assert is_ours(f"{'sandbox-2'}:inpay:inpay_1SdfghjklQwertyuiopZxcvb, 10042"[:50])


def test_trap_partial_payments_are_one_payment_a_row_and_never_one_per_paid_invoice() -> None:
    first, second = two("500", "750")
    invoice = collected("1250", state="part_paid")
    here = Stripe(invoice, first, second)
    one = cash(here.post(charge("500", **PAID)), "st:inpay:inpay_1")
    other = charge("750", id="ch_2", intent_id="pi_2", settles=(("inpay_2", "in_1"),))
    two_ = cash(here.post(other), "st:inpay:inpay_2")
    assert [one.applications[0].amount, two_.applications[0].amount] == [sek("500"), sek("750")]


def test_trap_one_charge_that_pays_several_invoices_is_one_payment_of_each() -> None:
    rows = (row("1250"), row("250", id="inpay_2", invoice_id="in_2"))
    other = collected("250", id="in_2", number="10043", marks={"visma_invoice_no": "10043"})
    here = Stripe(collected(), other, *rows, bills=[bill(), bill("250", number="10043")])
    writes = here.writes(charge("1500", settles=(("inpay_1", "in_1"), ("inpay_2", "in_2"))))
    assert by_kind(writes) == {"st:inpay:inpay_1": "customer_payment", "st:inpay:inpay_2": "customer_payment"}
    assert cash(writes, "st:inpay:inpay_2").applications == (Application("Invoice", "10043", sek("250")),)


def test_trap_an_overpaid_invoice_leaves_the_excess_available_and_says_so() -> None:
    """Invoice 1,000.00, paid 1,050.00: P 1,050.00, line 1,000.00; 50.00 stays available."""
    invoice = collected("1000", overpaid=sek("50"))
    here = Stripe(invoice, row("1050"), bills=[bill("1000")])
    content = cash(here.writes(charge("1050", **PAID)), "st:inpay:inpay_1")
    assert (content.amount, content.applications[0].amount) == (sek("1050"), sek("1000"))
    assert here.warnings(charge("1050", **PAID)) == ["paid-more-than-open"]
    assert here.findings(invoice) == {"collected-overpaid"}


def test_an_excess_that_no_row_names_stays_available_too() -> None:
    here = Stripe(collected("1000", overpaid=sek("50")), row("1000"), bills=[bill("1000")])
    content = cash(here.writes(charge("1050", **PAID)), "st:inpay:inpay_1")
    assert (content.amount, content.applications[0].amount) == (sek("1050"), sek("1000"))


def test_what_people_paid_in_the_ledger_meanwhile_leaves_the_rest_available() -> None:
    here = Stripe(*paying(), bills=[bill(balance=sek("200"))])
    content = cash(here.writes(charge(**PAID)), "st:inpay:inpay_1")
    assert (content.amount, content.applications) == (sek("1250"), (Application("Invoice", "10042", sek("200")),))


def test_a_posted_payment_stays_as_it_was_put_though_nothing_of_the_invoice_is_open_since() -> None:
    here = Stripe(*paying())
    before = here.post(charge(**PAID))
    here.bills["10042"] = replace(here.bills["10042"], balance=sek(0), state="closed")
    assert here.writes(charge(**PAID)) == before


def test_a_payment_is_dated_the_day_it_was_paid_and_never_before_its_invoice() -> None:
    late = row(paid_at=NOON + 48 * HOUR)
    assert cash(Stripe(collected(), late).writes(charge(**PAID)), "st:inpay:inpay_1").day == date(2026, 5, 22)
    later = bill(day=date(2026, 5, 25))
    assert cash(Stripe(*paying(), bills=[later]).writes(charge(**PAID)), "st:inpay:inpay_1").day == date(2026, 5, 25)


@pytest.mark.parametrize(
    ("ledger", "code"),
    [
        (bill(number="77"), "collected-invoice-unknown"),
        (bill(state="voided"), "collected-invoice-voided"),
        (bill(kind="credit_note"), "collected-invoice-voided"),
        (bill(customer="20000"), "collected-invoice-differs"),
        (bill(currency="EUR"), "collected-invoice-differs"),
    ],
)
def test_a_payment_of_an_invoice_that_the_ledger_does_not_have_so_is_held(ledger: object, code: str) -> None:
    assert Stripe(*paying(), bills=[ledger]).findings(charge(**PAID)) == {code}  # type: ignore[list-item]


def test_a_payment_of_an_invoice_not_released_yet_waits() -> None:
    assert "not released" in Stripe(*paying(), bills=[bill(state="draft")]).waits(charge(**PAID))


def test_rows_of_more_than_the_charge_are_held() -> None:
    assert Stripe(*paying(row("1300"))).findings(charge("1250", **PAID)) == {"charge-differs"}


def test_a_row_in_another_currency_than_its_charge_is_held() -> None:
    assert Stripe(*paying(row("1250", currency="EUR"))).findings(charge(**PAID)) == {"charge-currency"}


def test_a_charge_for_invoices_of_which_some_are_not_the_ledgers_is_held() -> None:
    other = collected("100", id="in_2", marks={})
    rows = (row("1250"), row("100", id="inpay_2", invoice_id="in_2"))
    paid = charge("1350", settles=(("inpay_1", "in_1"), ("inpay_2", "in_2")))
    assert Stripe(collected(), other, *rows).findings(paid) == {"charge-several-origins"}


# ------------------------------------------------------------------------------------------ doorbells and their order


def test_trap_a_paid_invoice_proves_no_money_and_books_nothing_itself() -> None:
    here = Stripe(*paying(), charge(**PAID))
    assert "booked by their charges" in here.ignores(collected())
    assert here.ignores(row()) == "its charge books it"


def test_trap_what_was_marked_paid_out_of_band_never_comes_back_as_a_payment() -> None:
    outside = row(origin="recorded", intent_id="")
    here = Stripe(*paying(outside))
    assert "outside Stripe" in here.ignores(outside)
    assert "booked by their charges" in here.ignores(collected())


@pytest.mark.parametrize(
    "invoice",
    [collected("2"), collected(credited=sek("1250"), completed=sek(0)), collected("0")],
    ids=["too small to collect", "credited whole", "of nothing"],
)
def test_trap_an_invoice_may_be_paid_without_any_charge_and_then_books_nothing(invoice: Invoice) -> None:
    assert "booked by their charges" in Stripe().ignores(invoice)


def test_trap_the_invoice_of_a_charge_is_told_by_its_payment_intents_rows_alone() -> None:
    """No field of a charge names its invoice any more; the number in its texts proves nothing."""
    loose = charge(reference="Payment for invoice 10042", marks={"visma_invoice_no": "10042"}, settles=())
    assert by_kind(Stripe(*paying()).writes(loose)) == {"st:ch:ch_1": "journal"}


def test_trap_the_row_is_still_open_when_the_charge_is_read_first() -> None:
    here = Stripe(*paying(row(state="open", paid_at=None)))
    assert "is open as it was last read" in here.waits(charge(**PAID))
    assert "nothing is paid yet" in here.ignores(row(state="open", paid_at=None))


def test_a_canceled_row_is_no_payment_of_its_invoice() -> None:
    here = Stripe(*paying(row(state="canceled")))
    assert by_kind(here.writes(charge(**PAID))) == {"st:ch:ch_1": "journal"}
    assert here.ignores(row(state="canceled")) == "it was canceled"


def test_a_payment_of_an_invoice_waits_for_its_charge_and_for_one_that_names_it() -> None:
    assert "no charge" in Stripe(collected(), charge(settles=())).waits(row())


def test_a_charge_waits_while_nobody_has_looked_which_invoices_it_pays() -> None:
    assert "not read yet" in Stripe(*paying()).waits(charge(settles=None))


def test_a_charge_without_payment_intent_is_found_by_the_row_that_names_it() -> None:
    alone = row(intent_id="", charge_id="ch_1")
    here = Stripe(collected(), alone, charge(intent_id="", settles=None))
    assert by_kind(here.writes(charge(intent_id="", settles=None))) == {"st:inpay:inpay_1": "customer_payment"}
    assert here.ignores(alone) == "its charge books it"


def test_trap_an_uncaptured_charge_is_no_money() -> None:
    assert "not captured" in Stripe().waits(charge(state="pending"))
    assert "given up" in Stripe().ignores(charge(state="pending", refunded=sek("1250")))


def test_what_came_before_go_live_is_ignored_unless_its_money_came_after() -> None:
    terms = replace(TERMS, go_live=date(2026, 5, 21))
    assert "go-live" in Stripe(*paying(), fee(), terms=terms).ignores(charge(**PAID))
    slow = fee(occurred_at=NOON + 48 * HOUR, updated_at=NOON + 48 * HOUR)
    here = Stripe(*paying(row(paid_at=NOON + 48 * HOUR)), slow, charge(**PAID), terms=terms)
    assert by_kind(here.writes(charge(**PAID))) == {"st:inpay:inpay_1": "customer_payment"}
    assert journal(here.writes(slow), "st:bt:txn_1") == {"6570": "30.00", "1583": "-30.00"}


# ---------------------------------------------------------------------------------------------- failed


def test_trap_a_failed_charge_has_an_open_row_and_is_a_note_on_its_invoice_and_no_money() -> None:
    failed = charge(state="failed", failure="Your card was declined.", **PAID)
    (write,) = Stripe(*paying(row(state="open", paid_at=None))).writes(failed)
    assert (write.key, write.kind) == ("st:ch:ch_1:failed:10042", "ledger_note")
    assert isinstance(write.content, LedgerNote)
    assert write.content.number == "10042"
    assert write.content.lines == ("Payment ch_1 of 1,250.00 SEK failed: no money came (Your card was declined.).",)


def test_a_failed_charge_is_told_on_its_invoice_though_its_row_was_canceled_since() -> None:
    failed = charge(state="failed", failed_movement_id="txn_f", **PAID)
    (write,) = Stripe(*paying(row(state="canceled"))).writes(failed)
    assert (write.key, write.kind) == ("st:ch:ch_1:failed:10042", "ledger_note")


def test_a_failed_charge_for_no_invoice_is_ignored_with_its_reason() -> None:
    assert Stripe().ignores(charge(state="failed", failure="Expired card")) == "it failed: Expired card"


def test_trap_a_slow_method_that_fails_after_it_was_credited_takes_its_payment_back() -> None:
    here = Stripe(*paying(), charge(**PAID))
    here.post(charge(**PAID))
    failed = charge(state="failed", failed_movement_id="txn_f", **PAID)
    writes = here.writes(failed)
    assert "st:inpay:inpay_1" not in by_kind(writes)  # so the engine voids it
    (note,) = (write.content for write in writes)
    assert isinstance(note, LedgerNote)
    assert "after it had been credited" in str(note.lines[0])


# ---------------------------------------------------------------------------------------------- without an invoice


def test_a_charge_without_an_invoice_goes_to_suspense_with_a_warning() -> None:
    here = Stripe()
    assert journal(here.writes(charge()), "st:ch:ch_1") == {"1583": "1250.00", "2999": "-1250.00"}
    assert here.warnings(charge()) == ["capture-unplaced"]


def test_the_owner_may_have_charges_without_an_invoice_held() -> None:
    terms = replace(TERMS, unknown_receipts="hold")
    assert Stripe(terms=terms).findings(charge()) == {"charge-unplaced"}


def test_a_rule_makes_it_a_payment_on_account_of_a_customer() -> None:
    rule = Rule("walk-in", ("customer",), When(type=("charge",)), customer="19999")
    content = cash(Stripe(rulebook=book(rule)).writes(charge()), "st:ch:ch_1")
    assert (content.customer, content.applications, content.amount) == ("19999", (), sek("1250"))


def test_a_rule_makes_it_an_anonymous_sale_with_vat() -> None:
    rule = Rule("shop", ("sales",), When(type=("charge",)), account="3001", vat_code="25")
    writes = Stripe(rulebook=book(rule)).writes(charge())
    assert journal(writes, "st:ch:ch_1") == {"1583": "1250.00", "3001": "-1000.00", "2611": "-250.00"}


def test_an_invoice_that_was_made_in_stripe_is_as_if_there_were_none() -> None:
    own = collected(marks={})
    here = Stripe(own, row())
    assert by_kind(here.writes(charge(**PAID))) == {"st:ch:ch_1": "journal"}
    assert "did not come from Visma" in here.ignores(own)


def test_trap_the_customers_balance_paid_and_no_money_came() -> None:
    invoice = collected(balance_used=sek("200"))
    assert Stripe().findings(invoice) == {"collected-from-balance"}
    assert "charges" in Stripe(decisions={"collected-from-balance": "approve"}).ignores(invoice)


def test_credit_used_and_credit_notes_leave_less_for_the_payment() -> None:
    invoice = collected(balance_used=sek("200"), credited=sek("50"))
    here = Stripe(*paying(row("1000"), invoice=invoice))
    assert cash(here.writes(charge("1000", **PAID)), "st:inpay:inpay_1").applications[0].amount == sek("1000")


def test_planning_again_from_any_doorbell_gives_the_same_writes() -> None:
    documents = (*paying(), charge(**PAID), fee())
    here = Stripe(*documents)
    first = [here.verdict(one) for one in documents]
    assert [here.verdict(one) for one in reversed(documents)] == first[::-1]
    keys = [write.key for made in first if isinstance(made, Plan) for write in made.writes]
    assert sorted(keys) == ["st:bt:txn_1", "st:inpay:inpay_1"]


def test_only_cash_accounts_of_the_currency_take_the_money() -> None:
    invoice = collected("100", currency="EUR")
    euros = replace(bill("100"), currency="EUR", total=eur("100"), balance=eur("100"), vat_total=eur("20"))
    here = Stripe(*paying(row("100", currency="EUR"), invoice=invoice), bills=[euros])
    content = cash(here.writes(charge("100", currency="EUR", **PAID)), "st:inpay:inpay_1")
    assert isinstance(content, CustomerPayment)
    assert (content.cash_account, content.amount) == ("STEUR", Money(10_000, "EUR"))


def test_the_flow_says_what_moves_money_and_who_books_which_key() -> None:
    assert FLOW.moves == ("balance_transaction",)
    assert FLOW.links(charge(**PAID)) == (
        ("transaction", "ch_1"), ("intent", "pi_1"), ("transaction", "pi_1"), ("movement", "txn_1"),
        ("invoice_payment", "inpay_1"),
    )  # fmt: skip
    assert ("inpay", "charge", "invoice_payment") in FLOW.makers
