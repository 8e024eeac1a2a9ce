"""The clearing statement rests on the ledger's own lines, whoever booked them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ml_connector.engine import clearing, replaying, ruling
from ml_connector.engine.clearing import Statement
from ml_connector.finance.rulebook import Rule, When
from tests.engine.business_days import Open, answer, items, rest
from tests.engine.world import World

DAY = 24 * 3600


def by_hand(world: World, day: str, debit: str, credit: str, amount: float) -> None:
    """A journal that a person writes, releases and posts in Visma."""

    def line(account: str, side: str) -> dict[str, Any]:
        money = {f"{side}AmountInCurrency": {"value": amount}, "transactionDescription": {"value": "by Eva"}}
        return {"operation": "Insert", "accountNumber": {"value": account}, **money}

    body = {
        "hold": {"value": False}, "transactionDate": {"value": f"{day}T00:00:00"}, "currencyId": {"value": "EUR"},
        "controlTotalInCurrency": {"value": amount},
        "journalTransactionLines": [line(debit, "debit"), line(credit, "credit")],
    }  # fmt: skip
    made = world.ledger("by_hand", path="/v2/journaltransaction", body=body)
    world.ledger("by_hand", path=f"/v2/journaltransaction/{made['number']}/action/release", body={})


def statement(world: World) -> Statement:
    (one,) = clearing.statements(world.works, world.company_id)
    return one


def test_what_somebody_else_books_on_clearing_is_named_and_unexplained(open_world: Open) -> None:
    world = open_world()
    world.sell()
    rest(world)
    by_hand(world, "2026-03-10", "6570", "1580", 12.5)
    found = statement(world)
    assert (found.ledger.minor, found.waiting.minor, found.unexplained.minor) == (11_250, 12_500, -1_250)
    (stranger,) = found.others
    assert (stranger.amount.minor, stranger.why) == (-1_250, "booked by others: by Eva")
    by_hand(world, "2026-03-11", "1580", "6570", 12.5)
    assert statement(world).unexplained.minor == 0


def test_a_record_that_was_booked_by_hand_and_ignored_here_is_explained_before_and_after_its_payout(
    open_world: Open,
) -> None:
    world = open_world()
    world.sell(lines=[{"name": "Goods", "amount": 12_500, "tax": "25"}], location_id=world.shop["location_ids"][0])
    world.ledger("set_account", number="3001", active=False)
    rest(world)
    answer(world, "account-inactive", "ignore: booked by hand")
    rest(world)
    assert statement(world).unexplained.minor == -12_500, "it was not booked by hand yet"
    by_hand(world, "2026-03-10", "1580", "3004", 125)
    assert statement(world).unexplained.minor == 0
    world.clock.advance(DAY)
    world.do("payout")
    rest(world, 4_000, step=400)
    found = statement(world)
    assert (found.ledger.minor, found.waiting.minor, found.unexplained.minor) == (0, 0, 0)


def test_a_balance_brought_forward_waits_until_payouts_settle_it(open_world: Open) -> None:
    world = open_world()
    by_hand(world, "2026-02-27", "1580", "3004", 125)
    world.sell()
    rest(world)
    found = statement(world)
    assert (found.ledger.minor, found.unexplained.minor) == (25_000, 0)
    assert [one.amount.minor for one in found.open_amounts if one.key == clearing.BEFORE] == [12_500]
    assert [one.key for one in found.overdue(world.clock.now().date())] == [clearing.BEFORE]


@pytest.mark.parametrize(("brought", "settled", "left"), [
    (100, 40, 60), (100, 100, 0), (100, 140, 0), (0, 40, 0), (-100, -40, -60), (-100, 40, -100), (100, -40, 100),
])  # fmt: skip
def test_payouts_settle_what_was_brought_forward_and_nothing_beyond_it(brought: int, settled: int, left: int) -> None:
    assert clearing.left_of(brought, settled) == left


def test_what_is_not_paid_out_for_more_than_a_week_is_told(open_world: Open) -> None:
    world = open_world()
    world.sell()
    rest(world)
    world.clock.advance(6 * DAY)
    assert statement(world).overdue(world.clock.now().date()) == []
    world.clock.advance(2 * DAY)
    (late,) = statement(world).overdue(world.clock.now().date())
    assert (late.amount.minor, late.why) == (12_500, "not paid out yet")


def test_a_payout_that_failed_waits_until_it_is_paid_out_anew(open_world: Open) -> None:
    world = open_world()
    world.sell()
    rest(world)
    world.clock.advance(DAY)
    sent = world.do("payout")["payout_id"]
    rest(world, 4_000, step=400)
    world.do("payout", payout_id=sent, fail=True)
    rest(world, DAY, step=4_000)
    (waits,) = statement(world).open_amounts
    assert (waits.amount.minor, waits.why) == (12_375, "its payout failed")
    world.do("payout")
    rest(world, 4_000, step=400)
    found = statement(world)
    assert (found.ledger.minor, found.open_amounts, found.unexplained.minor) == (0, [], 0)


def test_what_is_posted_and_held_for_a_correction_counts_as_it_stands(open_world: Open) -> None:
    world = open_world()
    world.sell()
    rest(world)
    where = Rule("moved", ("sales",), When(type=("sale",)), account="3002", vat_code="25")
    book = ruling.rules_now(world.works, world.route_id)
    ruling.save_rules(world.works, world.route_id, replace(book, rules=(where, *book.rules)), by="Ann")
    replaying.replay_range(world.works, world.company_id, since=None, until=None, states=None, by="Ann")
    rest(world)
    assert [one.code for one in items(world, "correction")] == ["correction"]
    found = statement(world)
    assert (found.ledger.minor, found.unbooked_amounts, found.unexplained.minor) == (12_500, [], 0)
