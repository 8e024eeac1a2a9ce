"""Rows that take others back (T1100 to T1104): booked where the other stands, whatever that is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ml_connector.connectors.paypal.codes import role_of
from ml_connector.finance.documents import Movement
from ml_connector.finance.rulebook import Rule, When
from tests.flows.builders import journal, readable
from tests.flows.paypal_world import ANONYMOUS, TERMS, PayPal, balances, book, refund_row, row, sale_row

MIRRORS = ("T1100", "T1102", "T1103", "T1104")
PLACES = [
    ("T0104", "6570"),  # a fee
    ("T0106", "6575"),  # the fee of a chargeback, which is not like other fees
    ("T0300", "1930"),  # money from the bank
    ("T0400", "1930"),  # a withdrawal
    ("T2101", "1610"),  # a hold
    ("T1201", "1690"),  # a chargeback
    ("T0800", "3990"),  # a bonus, by a rule for its code
]


def taken_back(origin: Movement, code: str = "T1100", amount: str | None = None) -> Movement:
    """A row of this code that refers to another and moves the money the other way."""
    worth = str(-origin.amount.decimal()) if amount is None else amount
    return row(code, worth, id="BACK", reference_id=origin.transaction_id)


def origin_of(code: str) -> Movement:
    """A row of 20.00 as this event code has it: in or out."""
    comes_in = role_of(code, minor=2_000) in {"funding", "bonus"}
    return row(code, "20" if comes_in else "-20", id="ORIGIN")


@pytest.mark.parametrize("code", MIRRORS)
@pytest.mark.parametrize(("taken", "account"), PLACES)
def test_a_mirror_stands_where_the_row_it_takes_back_stands(code: str, taken: str, account: str) -> None:
    origin = origin_of(taken)
    back = taken_back(origin, code)
    world = PayPal(origin, back)
    both = [*world.writes(origin), *world.writes(back)]
    assert balances(both) == {"1581": 0, account: 0}
    assert world.warnings(back) == []


@pytest.mark.parametrize("code", MIRRORS)
def test_a_mirror_of_part_of_a_row_takes_that_part_back(code: str) -> None:
    origin = row("T0104", "-20", id="ORIGIN")
    back = taken_back(origin, code, "5")
    assert readable(PayPal(origin, back).writes(back)[0]) == journal(
        f"pp:txn:BACK:{code}:SEK+ 2026-03-10", "Dr 1581 clearing 5.00", "Cr 6570 fee 5.00"
    )


@pytest.mark.parametrize("code", MIRRORS)
def test_a_mirror_of_a_payment_is_a_persons_to_place(code: str) -> None:
    back = taken_back(sale_row(), code)
    world = PayPal(sale_row(), back, rulebook=book(ANONYMOUS))
    assert world.warnings(back) == ["movement-unmapped"]
    assert "Dr 2999 suspense 1000.00" in readable(world.writes(back)[0])


@pytest.mark.parametrize("code", MIRRORS)
def test_a_mirror_of_a_refund_is_a_persons_to_place(code: str) -> None:
    back = taken_back(refund_row(), code)
    world = PayPal(sale_row(), refund_row(), back, rulebook=book(ANONYMOUS))
    assert world.warnings(back) == ["movement-unmapped"]
    assert "Cr 2999 suspense 250.00" in readable(world.writes(back)[0])


@pytest.mark.parametrize("code", MIRRORS)
def test_a_mirror_that_names_nothing_goes_to_suspense(code: str) -> None:
    alone = row(code, "20", id="BACK")
    assert PayPal(alone).warnings(alone) == ["movement-unmapped"]


def test_a_mirror_of_more_than_it_refers_to_goes_to_suspense() -> None:
    origin = row("T0104", "-20", id="ORIGIN")
    back = taken_back(origin, "T1100", "20.01")
    assert PayPal(origin, back).warnings(back) == ["movement-unmapped"]


def test_a_mirror_of_a_denied_row_goes_to_suspense() -> None:
    origin = row("T0104", "-20", id="ORIGIN", state="denied")
    back = taken_back(origin)
    assert PayPal(origin, back).warnings(back) == ["movement-unmapped"]


def test_a_mirror_waits_for_the_row_it_refers_to() -> None:
    back = row("T1104", "20", id="BACK", reference_id="NOT-READ")
    assert PayPal(back).waits(back) == ["source:transaction:transaction:NOT-READ"]


def test_a_rule_for_the_mirrors_own_code_decides_before_what_it_takes_back() -> None:
    own = Rule("ach", ("payout_adjustment",), When(type=("T1104",)), account="6595")
    origin = row("T0300", "20", id="ORIGIN")
    back = taken_back(origin, "T1104")
    assert "Dr 6595" in readable(PayPal(origin, back, rulebook=book(own)).writes(back)[0])
    alone = row("T1104", "-20", id="BACK")
    assert "Dr 6595" in readable(PayPal(alone, rulebook=book(own)).writes(alone)[0])


def test_a_rule_for_what_was_taken_back_places_its_mirror_too() -> None:
    sent = Rule("mass-pay", ("payout_adjustment",), When(type=("T0001",)), account="6595")
    origin = row("T0001", "-20", id="ORIGIN")
    back = taken_back(origin)
    world = PayPal(origin, back, rulebook=book(sent))
    assert balances([*world.writes(origin), *world.writes(back)]) == {"1581": 0, "6595": 0}


def test_a_withdrawal_to_transit_is_taken_back_from_transit() -> None:
    origin = row("T0400", "-20", id="ORIGIN")
    back = taken_back(origin)
    world = PayPal(origin, back, terms=replace(TERMS, payout_to="transit"))
    assert balances([*world.writes(origin), *world.writes(back)]) == {"1581": 0, "1790": 0}


def test_a_mirror_is_dated_by_itself() -> None:
    origin = row("T0104", "-20", id="ORIGIN")
    back = replace(taken_back(origin), occurred_at=origin.occurred_at + timedelta(days=3))
    assert readable(PayPal(origin, back).writes(back)[0]).splitlines()[0].endswith("2026-03-13")


@pytest.mark.parametrize(
    ("code", "amount", "role"),
    [
        ("T0001", "20", "receipt"), ("T0001", "-20", "sent"), ("T0002", "20", "receipt"), ("T0013", "20", "receipt"),
        ("T0021", "20", "receipt"), ("T0102", "-20", "fee"), ("T0113", "-20", "fee"), ("T0200", "20", "conversion"),
        ("T0201", "20", "conversion"), ("T0202", "-20", "conversion"), ("T0303", "20", "funding"),
        ("T0402", "-20", "withdrawal"), ("T0403", "-20", "withdrawal"), ("T0500", "-20", "card"),
        ("T0600", "-20", "funding"), ("T0700", "20", "funding"), ("T0800", "20", "bonus"), ("T0900", "20", "bonus"),
        ("T1100", "20", "mirror"), ("T1101", "20", "withdrawal_returned"), ("T1102", "20", "mirror"),
        ("T1103", "20", "mirror"), ("T1104", "-20", "mirror"), ("T1105", "20", "reserve"), ("T1106", "-20", "dispute"),
        ("T1107", "-20", "refund"), ("T1107", "20", "other"), ("T1108", "20", "fee_returned"),
        ("T1109", "20", "fee_returned"), ("T1110", "-20", "reserve"), ("T1111", "20", "reserve"),
        ("T1113", "-20", "other"), ("T1114", "20", "other"), ("T1115", "20", "other"), ("T1116", "20", "other"),
        ("T1117", "20", "other"), ("T1119", "20", "other"), ("T1200", "20", "other"), ("T1201", "-20", "dispute"),
        ("T1202", "20", "dispute"), ("T1203", "-20", "dispute"), ("T1204", "20", "other"), ("T1205", "20", "dispute"),
        ("T1207", "-20", "dispute"), ("T1208", "20", "dispute"), ("T1300", "20", "none"), ("T1500", "-20", "reserve"),
        ("T1503", "-20", "reserve"), ("T2001", "20", "transfer"), ("T2101", "-20", "reserve"),
        ("T2112", "20", "reserve"), ("T2113", "-20", "reserve"), ("T2114", "-20", "reserve"),
        ("T1900", "20", "other"), ("T2200", "-20", "other"), ("T5000", "20", "other"), ("T9700", "20", "other"),
        ("T9800", "20", "none"), ("T9900", "20", "other"), ("T1000", "-20", "other"),
    ],
)  # fmt: skip
def test_every_code_of_the_sheet_is_what_the_sheet_says(code: str, amount: str, role: str) -> None:
    assert row(code, amount).role == role
