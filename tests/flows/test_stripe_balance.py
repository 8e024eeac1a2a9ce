"""Stripe's balance transactions and payouts: fees, currencies, reserves, the bank; clearing is what Stripe shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from ml_connector.finance.documents import Document, Movement
from ml_connector.finance.journal import Closing, JournalEntry, closed
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Plan
from ml_connector.finance.refs import Ref
from ml_connector.finance.rulebook import Rule, When
from ml_connector.flows.stripe_to_visma import FLOW
from tests.flows.collection_world import (
    NOON,
    TERMS,
    book,
    by_kind,
    charge,
    collected,
    entry,
    eur,
    journal,
    moved,
    payout,
    refund,
    row,
    sek,
)
from tests.flows.stripe_world import PAID, Stripe, all_writes, balances, fee, paying

HOUR = timedelta(hours=1)
SENT = moved("payout", "-1000", id="txn_po", reference_id="po_1")
BACK = moved("payout_reversal", "1000", id="txn_pf", reference_id="po_1", occurred_at=NOON + 96 * HOUR)


# ---------------------------------------------------------------------------------------------- fees


def test_trap_the_gross_is_not_booked_without_its_fee() -> None:
    """P 1,250.00; fee 30.00: Dr fee; Cr clearing."""
    here = Stripe(*paying(), charge(**PAID), fee())
    (write,) = here.writes(fee())
    assert journal([write], "st:bt:txn_1") == {"6570": "30.00", "1583": "-30.00"}
    assert write.needs == ("st:inpay:inpay_1",)


def test_the_fee_of_a_charge_without_an_invoice_needs_that_charge() -> None:
    (write,) = Stripe(charge(), fee()).writes(fee())
    assert write.needs == ("st:ch:ch_1",)


def test_a_fee_with_vat_or_reverse_charge_waits_on_fee_settlement_for_the_monthly_invoice() -> None:
    terms = replace(TERMS, fee_vat="reverse_charge")
    here = Stripe(*paying(), charge(**PAID), terms=terms)
    assert journal(here.writes(fee()), "st:bt:txn_1") == {"2990": "30.00", "1583": "-30.00"}


def test_a_fee_is_held_while_nobody_has_said_whether_it_carries_vat() -> None:
    here = Stripe(*paying(), charge(**PAID), terms=replace(TERMS, fee_vat=None))
    assert here.findings(fee()) == {"fee-vat-unset"}


def test_trap_tax_on_fees_contradicts_exempt_fees_and_is_held() -> None:
    tax = moved("tax", "-2.50", id="txn_t", reference_id=None)
    assert Stripe().findings(tax) == {"fee-vat-charged"}
    settled = Stripe(terms=replace(TERMS, fee_vat="reverse_charge"))
    assert journal(settled.writes(tax), "st:bt:txn_t") == {"2990": "2.50", "1583": "-2.50"}


def test_trap_the_balance_transaction_comes_after_the_charge_and_only_brings_the_fee() -> None:
    early = charge(movement_id="", **PAID)
    here = Stripe(*paying(), early)
    assert by_kind(here.writes(early)) == {"st:inpay:inpay_1": "customer_payment"}
    settled = replace(early, movement_id="txn_1", fee=sek("30"))
    later = Stripe(*paying(), settled, fee())
    assert later.writes(settled) == here.writes(early)
    assert by_kind(later.writes(fee())) == {"st:bt:txn_1": "journal"}


def test_a_charge_without_a_fee_books_nothing_by_its_row() -> None:
    assert Stripe(*paying(), charge(**PAID)).ignores(fee("0")) == "charge ch_1 books it, and it has no fee"


def test_trap_fee_rows_need_not_flood_the_books_they_may_share_a_voucher_of_their_day() -> None:
    for mode, pool in (
        ("batch", "st:pool:batch:2026-05-20:SEK:::plain"),
        ("daily", "st:pool:daily:2026-05-20:SEK:::plain"),
        ("per_payout", "st:pool:daily:2026-05-20:SEK:::plain"),
        ("per_record", None),
    ):
        here = Stripe(*paying(), charge(**PAID), terms=replace(TERMS, mode=mode))  # type: ignore[arg-type]
        assert [write.pool for write in here.writes(fee())] == [pool]
        assert [write.pool for write in here.writes(charge(**PAID))] == [None]
    foreign = charge("100", currency="EUR")
    two = Stripe(foreign, terms=replace(TERMS, mode="batch")).writes(fee("30", of="1128"))
    assert [write.pool for write in two] == [None, None]


def test_a_fee_of_its_own_is_a_fee() -> None:
    alone = moved("fee", "-45", id="txn_f", reference_id=None)
    assert journal(Stripe().writes(alone), "st:bt:txn_f") == {"6570": "45.00", "1583": "-45.00"}


def test_trap_rows_are_grouped_by_category_so_local_methods_are_charges_too() -> None:
    local = charge(id="py_1", means="bank", **PAID)
    paid = fee(reference_id="py_1", status="payment")
    here = Stripe(*paying(), local, paid)
    assert journal(here.writes(paid), "st:bt:txn_1") == {"6570": "30.00", "1583": "-30.00"}


def test_trap_an_unknown_category_goes_to_suspense_with_an_alert_or_where_a_rule_says() -> None:
    odd = moved("climate_order_purchase", "-100", id="txn_o", reference_id=None)
    assert journal(Stripe().writes(odd), "st:bt:txn_o") == {"2999": "100.00", "1583": "-100.00"}
    assert Stripe().warnings(odd) == ["movement-unmapped"]
    rule = Rule("climate", ("payout_adjustment",), When(type=("climate_order_purchase",)), account="6590")
    assert journal(Stripe(rulebook=book(rule)).writes(odd), "st:bt:txn_o") == {"6590": "100.00", "1583": "-100.00"}


def test_a_status_nobody_knows_is_booked_as_it_stands_with_a_warning() -> None:
    odd = moved("fee", "-45", id="txn_f", reference_id=None, state="unknown")
    assert Stripe().warnings(odd) == ["movement-status"]


def test_reserves_top_ups_and_transfers_of_a_platform_have_their_places() -> None:
    held = moved("risk_reserved_funds", "-300", id="txn_r", reference_id=None)
    top = moved("topup", "500", id="txn_u", reference_id="tu_1")
    assert journal(Stripe().writes(held), "st:bt:txn_r") == {"1610": "300.00", "1583": "-300.00"}
    assert journal(Stripe().writes(top), "st:bt:txn_u") == {"1930": "-500.00", "1583": "500.00"}
    transfer = moved("transfer", "-50", id="txn_x", reference_id="tr_1")
    assert Stripe().warnings(transfer) == ["movement-unmapped"]


def test_a_row_of_a_charge_that_this_account_does_not_show_is_on_suspense() -> None:
    odd = fee(reference_id="ch_of_another_account")
    here = Stripe()
    assert journal(here.writes(odd), "st:bt:txn_1") == {"2999": "-1220.00", "1583": "1220.00"}
    assert here.warnings(odd) == ["movement-unnamed"]


def test_a_row_waits_while_its_charge_is_pending_as_it_was_last_read() -> None:
    assert "pending" in Stripe(charge(state="pending")).waits(fee())


def test_trap_a_partial_capture_leaves_its_reversal_and_the_difference_on_suspense_together() -> None:
    paid = charge("1000")
    whole, part = fee("30", of="1250"), moved("partial_capture_reversal", "-250", id="txn_p", reference_id="ch_1")
    here = Stripe(paid, whole, part)
    left = balances(all_writes(here, paid, whole, part))
    assert left["1583"] == 100_000 - 3_000
    assert here.warnings(whole) == ["settlement-differs"]
    assert left["2999"] == -100_000  # the charge itself, which nobody knows; 250.00 came and went


# ---------------------------------------------------------------------------------------------- currencies


def test_a_charge_of_100_eur_settled_as_1128_sek_is_two_journals_through_transit() -> None:
    """J EUR: Dr transit 100.00; Cr clearing. J SEK: Dr clearing 1,098.00; Dr fee 30.00; Dr loss 12.00; Cr transit."""
    paid = charge("100", currency="EUR")
    settled = fee("30", of="1128")
    here = Stripe(paid, settled)
    out, into = here.writes(settled)
    assert journal([out], "st:bt:txn_1") == {"1790": "100.00", "1584": "-100.00"}
    assert journal([into], "st:bt:txn_1:in") == {"1583": "1098.00", "6570": "30.00", "1790": "-1128.00"}
    assert (out.needs, into.needs) == (("st:ch:ch_1",), ("st:bt:txn_1", "st:ch:ch_1"))
    assert here.warnings(settled) == []
    entry_in = into.content
    assert isinstance(entry_in, JournalEntry)
    assert entry_in.closes == Closing(Ref("st:bt:txn_1", "base_total"), "7960")
    sent = replace(into, content=closed(entry_in, sek("1140")))  # as the ledger worked the first one out
    assert journal([sent], "st:bt:txn_1:in") == {
        "1583": "1098.00", "6570": "30.00", "7960": "12.00", "1790": "-1140.00"
    }  # fmt: skip
    assert balances([*here.writes(paid), out])["2999"] == -10_000
    assert "1584" not in balances([*here.writes(paid), out])


def test_trap_one_unit_of_rounding_in_the_exchange_rate_changes_nothing() -> None:
    """The rate is never multiplied: both amounts are as the account states them."""
    paid = charge("10.01", currency="EUR")
    settled = fee("0", of="113.12", rate=None)
    writes = Stripe(paid).writes(settled)
    assert journal(writes, "st:bt:txn_1:in") == {"1583": "113.12", "1790": "-113.12"}


def test_a_failed_charge_in_another_currency_comes_back_through_transit_too() -> None:
    failed = charge("100", currency="EUR", state="failed", failed_movement_id="txn_f")
    came = fee("0", of="1128")
    gone = moved("charge_failure", "-1120", id="txn_f", reference_id="ch_1")
    here = Stripe(failed, came, gone)
    left = balances(all_writes(here, came, gone))
    assert left == {"1583": 800, "1790": -800}  # 8.00 SEK won by the rate; nothing is left in EUR


def test_trap_a_slow_method_that_failed_leaves_only_its_fees() -> None:
    failed = charge(state="failed", failed_movement_id="txn_f", **PAID)
    gone = moved("charge_failure", "-1250", "5", id="txn_f", reference_id="pyr_9")
    here = Stripe(*paying(), failed, fee(), gone)
    writes = all_writes(here, fee(), gone)
    assert [write.needs for write in writes] == [(), ()]
    assert balances(writes) == {"6570": 3_500, "1583": -3_500}


# ---------------------------------------------------------------------------------------------- payouts


def test_a_payout_is_bank_against_clearing_on_the_day_it_arrives() -> None:
    here = Stripe(payout())
    (write,) = here.writes(SENT)
    assert journal([write], "st:po:po_1") == {"1930": "1000.00", "1583": "-1000.00"}
    assert write.content.day == date(2026, 5, 22)  # type: ignore[union-attr]
    assert here.ignores(payout()) == "its balance transaction books it"


def test_a_payout_may_go_to_transit_where_the_bank_feed_books_the_bank() -> None:
    here = Stripe(payout(), terms=replace(TERMS, payout_to="transit"))
    assert journal(here.writes(SENT), "st:po:po_1") == {"1790": "1000.00", "1583": "-1000.00"}


def test_a_payout_whose_arrival_moves_stays_on_the_day_it_was_booked() -> None:
    here = Stripe(payout())
    before = here.post(SENT)
    here.documents = (payout(arrives_on=date(2026, 5, 26)),)
    assert here.writes(SENT) == before


def test_trap_a_payout_that_failed_after_it_was_paid_is_mirrored_once() -> None:
    failed = payout(state="failed")
    here = Stripe(failed, SENT, BACK)
    writes = all_writes(here, SENT, BACK)
    assert journal(writes, "st:po:po_1:failed") == {"1583": "1000.00", "1930": "-1000.00"}
    assert balances(writes) == {}
    assert writes[-1].needs == ("st:po:po_1",)
    assert all_writes(here, BACK, SENT, BACK)[0] == writes[-1]


def test_a_payout_from_before_go_live_that_fails_after_it_comes_back_alone() -> None:
    old = payout(state="failed", created_at=NOON - 240 * HOUR)
    here = Stripe(old, terms=replace(TERMS, go_live=date(2026, 5, 18)))
    (write,) = here.writes(BACK)
    assert (write.key, write.needs) == ("st:bt:txn_pf", ())
    assert journal([write], "st:bt:txn_pf") == {"1583": "1000.00", "1930": "-1000.00"}


def test_trap_a_negative_payout_takes_money_from_our_bank() -> None:
    debit = moved("payout", "200", id="txn_po", reference_id="po_1")
    assert journal(Stripe(payout("-200")).writes(debit), "st:po:po_1") == {"1930": "-200.00", "1583": "200.00"}


def test_an_instant_payout_to_a_card_asks_for_its_account_and_books_its_own_fee() -> None:
    instant = moved("payout", "-1000", "10", id="txn_po", reference_id="po_1")
    to_card = payout(destination="card")
    assert Stripe(to_card).findings(instant) == {"payout-destination"}
    rule = Rule("card", ("bank",), When(method=("card",)), cash_account="BANK")
    writes = Stripe(to_card, rulebook=book(rule)).writes(instant)
    assert journal(writes, "st:po:po_1") == {"1930": "1000.00", "1583": "-1000.00"}
    assert journal(writes, "st:bt:txn_po") == {"6570": "10.00", "1583": "-10.00"}


def test_trap_a_manual_payout_lists_no_content_and_is_booked_by_its_row() -> None:
    assert by_kind(Stripe(payout()).writes(SENT)) == {"st:po:po_1": "journal"}


def test_trap_the_rows_of_a_payout_must_add_up_to_it() -> None:
    good = payout("1220", entry("charge", "1250", "30"))
    assert Stripe().ignores(good) == "its balance transaction books it"
    bad = payout("1220", entry("charge", "1200", "30"))
    assert Stripe().findings(bad) == {"payout-differs"}
    gone = moved("payout", "-1220", id="txn_po", reference_id="po_1")
    assert "does not add up" in Stripe(bad).waits(gone)


def test_a_payout_in_a_currency_without_a_bank_account_is_held_with_a_proposal() -> None:
    foreign = replace(payout(), amount=eur("100"))
    gone = moved("payout", "-100", id="txn_po", reference_id="po_1", currency="EUR")
    assert Stripe(foreign).findings(gone) == {"mapping-missing"}


def test_rows_from_before_go_live_are_ignored() -> None:
    here = Stripe(terms=replace(TERMS, go_live=date(2026, 5, 21)))
    assert "go-live" in here.ignores(fee())
    assert "go-live" in here.ignores(payout())


# ---------------------------------------------------------------------------------------------- the whole


def test_clearing_ends_at_zero_when_everything_was_paid_out() -> None:
    """Three charges, one refund, one fee of its own, one payout of the rest."""
    rows: list[Movement] = [
        moved("charge", "1250", "30", id="txn_1", reference_id="ch_1"),
        moved("charge", "800", "20", id="txn_2", reference_id="ch_2"),
        moved("charge", "405", "9.85", id="txn_3", reference_id="ch_3"),
        moved("refund", "-250", id="txn_4", reference_id="re_1"),
        moved("fee", "-15", id="txn_5", reference_id=None),
    ]
    net = sum(one.net.minor for one in rows)
    rows.append(moved("payout", str(-Money(net, "SEK").decimal()), id="txn_po", reference_id="po_1"))
    documents: list[Document] = [
        charge(**PAID), charge("800", id="ch_2", intent_id="pi_2"), charge("405", id="ch_3", intent_id="pi_3"),
        refund("250"), payout(str(Money(net, "SEK").decimal())),
    ]  # fmt: skip
    here = Stripe(collected(), row(), *documents, *rows)
    verdicts = [here.verdict(one) for one in (*documents, *rows)]
    writes = [write for made in verdicts if isinstance(made, Plan) for write in made.writes]
    left = balances(writes)
    assert "1583" not in left
    assert left["1930"] == net


@pytest.mark.parametrize("kind", ["charge", "payout", "refund"])
def test_rows_find_what_they_are_of_by_its_own_change(kind: str) -> None:
    named = {"charge": "ch_1", "payout": "po_1", "refund": "re_1"}[kind]
    assert (kind, named) in FLOW.links(moved("charge", "1", id="t", reference_id=named))
