"""Everything else that moves a PayPal balance: holds, withdrawals, fees, conversions, disputes, the unknown."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from ml_connector.finance.journal import Closing, JournalEntry, closed
from ml_connector.finance.plan import Ignore, PlannedWrite, Wait
from ml_connector.finance.refs import Ref
from ml_connector.finance.rulebook import Rule, When
from tests.flows.builders import journal, readable
from tests.flows.paypal_world import (
    ANONYMOUS,
    CHART,
    HOUR,
    NOON,
    TERMS,
    PayPal,
    balances,
    book,
    dispute,
    later,
    refund_row,
    row,
    sale_row,
    sek,
)


def test_a_hold_waits_in_reserve_and_comes_back() -> None:
    held, freed = row("T2101", "-300", id="H1"), row("T1105", "300", id="H2", reference_id="H1")
    world = PayPal(held, freed)
    assert readable(world.writes(held)[0]) == journal(
        "pp:txn:H1:T2101:SEK- 2026-03-10", "Dr 1610 reserve 300.00", "Cr 1581 clearing 300.00"
    )
    assert readable(world.writes(freed)[0]) == journal(
        "pp:txn:H2:T1105:SEK+ 2026-03-10", "Dr 1581 clearing 300.00", "Cr 1610 reserve 300.00"
    )


@pytest.mark.parametrize(
    ("code", "amount", "account"),
    [
        ("T0400", "-100", "1930"),
        ("T0401", "-100", "1930"),
        ("T1101", "100", "1930"),
        ("T0300", "100", "1930"),
        ("T0104", "-100", "6570"),
        ("T0106", "-100", "6575"),
        ("T1110", "-100", "1610"),
        ("T1111", "100", "1610"),
        ("T1201", "-100", "1690"),
        ("T1106", "-100", "1690"),
        ("T1202", "100", "1690"),
        ("T1205", "100", "1690"),
        ("T0800", "100", "3990"),
        ("T0000", "-100", "2999"),
        ("T0700", "100", "2999"),
        ("T0500", "-100", "2999"),
        ("T2001", "-100", "2999"),
        ("T1200", "-100", "2999"),
        ("T9999", "100", "2999"),
        ("T1900", "100", "2999"),
        ("X1", "-100", "2999"),
    ],
)
def test_every_event_code_has_its_place(code: str, amount: str, account: str) -> None:
    world = PayPal()
    one = row(code, amount)
    (write,) = world.writes(one)
    assert write.key == f"pp:txn:{one.id}"
    assert balances([write]) == {"1581": one.amount.minor, account: -one.amount.minor}
    assert world.warnings(one) == (["movement-unmapped"] if account == "2999" else [])


def test_a_rule_for_an_event_code_decides_before_its_group() -> None:
    rule = Rule("sweep", ("payout_adjustment",), When(type=("T0401",)), account="1690")
    assert "Dr 1690" in readable(PayPal(rulebook=book(rule)).writes(row("T0401", "-10"))[0])
    general = Rule("rest", ("payout_adjustment",), account="6595")
    assert "Dr 1930 bank" in readable(PayPal(rulebook=book(general)).writes(row("T0401", "-10"))[0])
    assert "Dr 6595" in readable(PayPal(rulebook=book(general)).writes(row("T0500", "-10"))[0])


def test_a_rule_can_ask_for_an_amount() -> None:
    small = Rule("small", ("payout_adjustment",), When(type=("T1200",), amount_to=row("X", "5").amount.decimal()))
    rule = replace(small, account="6595")
    assert PayPal(rulebook=book(rule)).warnings(row("T1200", "-5")) == []
    assert PayPal(rulebook=book(rule)).warnings(row("T1200", "-5.01")) == ["movement-unmapped"]


def test_withdrawals_can_go_to_transit_and_bear_a_fee() -> None:
    taken = row("T0400", "-700", fee="-10")
    (write,) = PayPal(terms=replace(TERMS, payout_to="transit")).writes(taken)
    assert readable(write) == journal(
        "pp:txn:TX1:T0400:SEK- 2026-03-10", "Dr 1790 transit 700.00", "Dr 6570 fee 10.00", "Cr 1581 clearing 710.00"
    )


def test_a_withdrawal_is_dated_by_its_start_in_the_companys_time() -> None:
    late = row("T0400", "-1", occurred_at=NOON + timedelta(hours=11, minutes=30))
    assert readable(PayPal().writes(late)[0]).splitlines()[0].endswith("2026-03-11")


def test_a_withdrawal_with_a_status_nobody_knows_goes_to_suspense() -> None:
    odd = row("T0400", "-100", state="unknown", status="R")
    assert PayPal().warnings(odd) == ["movement-status"]
    assert "Dr 2999 suspense 100.00" in readable(PayPal().writes(odd)[0])


def test_what_moves_no_money_is_not_booked() -> None:
    assert isinstance(PayPal().verdict(row("T1300", "100")), Ignore)
    assert isinstance(PayPal().verdict(row("T0400", "-100", state="denied")), Ignore)
    assert isinstance(PayPal().verdict(row("T0400", "-100", state="pending")), Wait)
    early = PayPal(terms=replace(TERMS, go_live=date(2026, 4, 1)))
    assert isinstance(early.verdict(row("T0400", "-100")), Ignore)


def test_a_reversal_takes_back_what_it_refers_to() -> None:
    fee, back = row("T0104", "-20", id="F1"), row("T1100", "20", id="B1", reference_id="F1")
    assert readable(PayPal(fee, back).writes(back)[0]) == journal(
        "pp:txn:B1:T1100:SEK+ 2026-03-10", "Dr 1581 clearing 20.00", "Cr 6570 fee 20.00"
    )
    undone = row("T1100", "-1000", id="B2", reference_id="CAP1")
    assert PayPal(sale_row(), undone, rulebook=book(ANONYMOUS)).warnings(undone) == ["movement-unmapped"]


# ------------------------------------------------------------------------------------------------ conversions


def entry_of(write: PlannedWrite) -> JournalEntry:
    assert isinstance(write.content, JournalEntry)
    return write.content


def closing_of(write: PlannedWrite) -> Closing | None:
    return entry_of(write).closes


SALE = sale_row("100", "-3.90", id="EU1", currency="EUR")
OUT = row("T0200", "-96.10", id="C1", currency="EUR", reference_id="EU1")
INTO = row("T0200", "1084.20", id="C2", reference_id="EU1")


def test_a_conversion_is_one_event_of_two_journals_through_transit() -> None:
    world = PayPal(SALE, OUT, INTO)
    first, second = world.writes(OUT)
    assert readable(first) == journal(
        "pp:txn:C1:T0200:EUR- 2026-03-10", "Dr 1790 transit 96.10", "Cr 1582 clearing 96.10"
    )
    assert readable(second) == journal(
        "pp:txn:C1:T0200:EUR-:in 2026-03-10", "Dr 1581 clearing 1084.20", "Cr 1790 transit 1084.20"
    )
    assert second.needs == (first.key,)
    assert world.plan(INTO) == world.plan(OUT)
    assert world.warnings(OUT) == []
    assert closing_of(second) == Closing(Ref(first.key, "base_total"), "7960")
    eur = [world.writes(SALE)[0], first]
    assert balances(eur)["1582"] == 0


def test_the_pair_of_a_conversion_closes_exactly_at_what_the_ledger_gave_the_foreign_half() -> None:
    out = row("T0201", "-100", id="U1", currency="EUR")
    into = row("T0201", "1131", id="U2")
    _, second = PayPal(out, into).writes(out)
    assert readable(replace(second, content=closed(entry_of(second), sek("1140")))) == journal(
        "pp:txn:U1:T0201:EUR-:in 2026-03-10",
        "Dr 1581 clearing 1131.00",
        "Dr 7960 currency_difference 9.00",
        "Cr 1790 transit 1140.00",
    )


def test_a_conversion_into_foreign_money_books_the_foreign_half_first() -> None:
    back = refund_row("-50", of="EU1", currency="EUR")
    pay_in = row("T0200", "50", id="C3", currency="EUR", reference_id="EU1", occurred_at=NOON + HOUR)
    pay_out = row("T0200", "-564", id="C4", reference_id="EU1", occurred_at=NOON + HOUR)
    first, second = PayPal(SALE, OUT, INTO, back, pay_in, pay_out).writes(pay_out)
    assert (first.key, second.needs) == ("pp:txn:C4:T0200:SEK-:in", (first.key,))
    assert closing_of(second) == Closing(Ref(first.key, "base_total"), "7960")
    assert readable(replace(second, content=closed(entry_of(second), sek("570")))) == journal(
        "pp:txn:C4:T0200:SEK- 2026-03-10",
        "Dr 1790 transit 570.00",
        "Cr 1581 clearing 564.00",
        "Cr 7960 currency_difference 6.00",
    )


def test_a_conversion_between_two_foreign_currencies_is_a_persons_to_close() -> None:
    chart = replace(CHART, currencies={**CHART.currencies, "SEK": replace(CHART.currencies["SEK"], base=False)})
    world = PayPal(SALE, OUT, INTO, chart=chart)
    assert world.warnings(OUT) == ["transit-residue"]
    assert all(closing_of(write) is None for write in world.writes(OUT))


def test_a_conversion_without_a_rule_for_currency_gain_and_loss_is_held() -> None:
    bare = replace(book(), rules=tuple(rule for rule in book().rules if rule.id != "currency"))
    assert PayPal(SALE, OUT, INTO, rulebook=bare).holds(OUT) == ["mapping-missing"]


def test_a_conversion_waits_for_its_other_row() -> None:
    assert isinstance(PayPal(SALE, OUT).verdict(OUT), Wait)
    assert PayPal(OUT, INTO).waits(OUT) == ["source:transaction:transaction:EU1"]


def test_a_conversion_that_no_payment_explains_is_held() -> None:
    dearer = replace(SALE, fee=None)
    assert PayPal(dearer, OUT, INTO).holds(OUT) == ["conversion-differs"]
    assert PayPal(SALE, OUT, INTO, replace(INTO, id="C3:T0200:SEK+")).holds(OUT) == ["conversion-unpaired"]


def test_conversions_of_a_sale_and_of_its_refund_are_told_apart_by_time() -> None:
    back = refund_row("-50", of="EU1", currency="EUR")
    pay_in = row("T0200", "50", id="C3", currency="EUR", reference_id="EU1", occurred_at=NOON + HOUR)
    pay_out = row("T0200", "-564", id="C4", reference_id="EU1", occurred_at=NOON + HOUR)
    world = PayPal(SALE, OUT, INTO, back, pay_in, pay_out)
    assert [write.key for write in world.writes(OUT)] == ["pp:txn:C1:T0200:EUR-", "pp:txn:C1:T0200:EUR-:in"]
    assert [write.key for write in world.writes(pay_in)] == ["pp:txn:C4:T0200:SEK-:in", "pp:txn:C4:T0200:SEK-"]
    assert world.plan(pay_in) == world.plan(pay_out)


def test_a_conversion_by_hand_is_paired_by_its_moment() -> None:
    out = row("T0201", "-10", id="U1", currency="EUR")
    into = row("T0201", "112", id="U2")
    other = later(row("T0201", "50", id="U3"), 1)
    assert len(PayPal(out, into, other).writes(into)) == 2


# ------------------------------------------------------------------------------------------------ disputes


def test_a_lost_dispute_turns_its_claim_into_a_loss() -> None:
    taken = row("T1201", "-1250", id="D1", reference_id="CAP1", fee="-150")
    world = PayPal(taken, dispute())
    assert readable(world.writes(taken)[0]) == journal(
        "pp:txn:D1:T1201:SEK- 2026-03-10",
        "Dr 1690 dispute_receivable 1250.00",
        "Dr 6575 dispute_fee 150.00",
        "Cr 1581 clearing 1400.00",
    )
    assert readable(world.writes(dispute())[0]) == journal(
        "pp:dp:PP-D-1:lost 2026-03-11", "Dr 6590 dispute_loss 1250.00", "Cr 1690 dispute_receivable 1250.00"
    )


def test_a_dispute_won_or_open_books_nothing_by_itself() -> None:
    assert isinstance(PayPal().verdict(dispute("open")), Ignore)
    assert isinstance(PayPal().verdict(dispute("won")), Ignore)


def test_money_given_back_leaves_no_loss() -> None:
    rows = (row("T1201", "-1250", id="D1", reference_id="CAP1"), row("T1202", "1250", id="D2", reference_id="CAP1"))
    assert isinstance(PayPal(*rows).verdict(dispute()), Ignore)
    assert sum(balances([write for one in rows for write in PayPal().writes(one)]).values()) == 0


def test_a_dispute_settled_by_a_refund_is_left_to_it() -> None:
    assert isinstance(PayPal(refund_row("-1250")).verdict(dispute()), Ignore)


def test_a_lost_dispute_waits_for_its_money() -> None:
    assert PayPal().waits(dispute()) == ["source:transaction:reference:CAP1"]
    assert isinstance(PayPal(row("T0106", "-20", reference_id="CAP1")).verdict(dispute()), Wait)


def test_a_loss_won_on_appeal_is_mirrored() -> None:
    taken = row("T1201", "-1250", id="D1", reference_id="CAP1")
    (loss,) = PayPal(taken).writes(dispute())
    won = dispute("won", updated_at=NOON + 240 * HOUR)
    first, appeal = PayPal(posted={loss.key: loss.content}).writes(won)
    assert first.content == loss.content
    assert readable(appeal) == journal(
        "pp:dp:PP-D-1:lost:appeal 2026-03-20", "Cr 6590 dispute_loss 1250.00", "Dr 1690 dispute_receivable 1250.00"
    )
