"""Journals that close what another left in transit: worked by hand, as in the recipes of currency."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.finance.encoding import booked_hash, decode_content, encode
from ml_connector.finance.journal import Closing, JournalEntry, Posting, closed, mirrored
from ml_connector.finance.money import Money
from ml_connector.finance.refs import Ref

DAY = date(2026, 3, 10)
CLOSES = Closing(Ref("st:bt:1", "base_total"), "7960", ((1, "10"),))


def entry(*lines: tuple[str, str, str]) -> JournalEntry:
    """An entry in SEK of (account, role, amount) that closes what st:bt:1 left in transit."""
    made = tuple(Posting(account, sek(amount), role, "st:bt:1:in", "AB12") for account, role, amount in lines)
    return JournalEntry(DAY, "SEK", made, "Settlement", closes=CLOSES)


def sek(amount: str) -> Money:
    return Money.of(amount, "SEK")


def lines_of(one: JournalEntry) -> list[tuple[str, str]]:
    return [(posting.account, str(posting.amount.decimal())) for posting in one.postings]


SETTLED = entry(("1591", "clearing", "1098"), ("6570", "fee", "30"), ("1690", "transit", "-1128"))


def test_a_settlement_below_the_ledgers_rate_is_a_loss() -> None:
    sent = closed(SETTLED, sek("1140"))
    assert lines_of(sent) == [("1591", "1098.00"), ("6570", "30.00"), ("7960", "12.00"), ("1690", "-1140.00")]
    assert sent.postings[2].dimensions == ((1, "10"),)
    assert sent.postings[2].text == "currency loss"
    assert sent.closes is None


def test_a_settlement_above_the_ledgers_rate_is_a_gain() -> None:
    sent = closed(SETTLED, sek("1100.50"))
    assert lines_of(sent) == [("1591", "1098.00"), ("6570", "30.00"), ("1690", "-1100.50"), ("7960", "-27.50")]


def test_a_settlement_at_the_ledgers_rate_has_no_difference() -> None:
    assert lines_of(closed(SETTLED, sek("1128"))) == lines_of(SETTLED)


def test_a_reversal_takes_back_what_was_sent() -> None:
    sent = closed(SETTLED, sek("1140"))
    back = closed(mirrored(SETTLED, day=DAY, text="reverses 1"), sek("1140"))
    assert sorted(lines_of(back)) == sorted(
        (account, str(-sek(amount).decimal())) for account, amount in lines_of(sent)
    )


def test_what_it_closes_survives_the_store() -> None:
    assert decode_content("journal", encode(SETTLED)) == SETTLED


@pytest.mark.parametrize("worth", ["1140", "1100.50"])
def test_the_ledgers_rate_is_no_part_of_what_was_planned(worth: str) -> None:
    assert booked_hash("journal", SETTLED) != booked_hash("journal", closed(SETTLED, sek(worth)))
    assert booked_hash("journal", SETTLED) == booked_hash(
        "journal",
        entry(*((posting.account, posting.role, str(posting.amount.decimal())) for posting in SETTLED.postings)),
    )


MINOR = st.integers(min_value=1, max_value=10**12)


@given(got=MINOR, fee=st.integers(min_value=0, max_value=10**6), worth=MINOR, turned=st.booleans())
def test_transit_is_taken_off_exactly_and_nothing_else_moves(got: int, fee: int, worth: int, turned: bool) -> None:
    parts = [("1591", "clearing", got), ("6570", "fee", fee), ("1690", "transit", -got - fee)]
    lines = [(account, role, str(Money(minor, "SEK").decimal())) for account, role, minor in parts if minor]
    planned = entry(*lines)
    if turned:
        planned = mirrored(planned, day=DAY, text="reverses 1")
    sent = closed(planned, Money(worth, "SEK"))
    assert sent.balance_of("1690").minor == (worth if turned else -worth)
    assert sent.balance_of("1591") == planned.balance_of("1591")
    assert sent.balance_of("6570") == planned.balance_of("6570")
    assert abs(sent.balance_of("7960").minor) == abs(worth - got - fee)
