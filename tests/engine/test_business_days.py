"""A day at the till, told to the books: sales, refunds, places, closed periods, vouchers of a day, payouts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ml_connector.engine import replaying, ruling
from ml_connector.finance.rulebook import LocationTerms
from tests.engine.business_days import Open, answer, cents_on, rest, sale_and_refund, trip_of
from tests.engine.proofs import expect_settled, in_ledger, query, questions, states


def test_a_refund_that_is_seen_before_its_sale_waits_for_it(open_world: Open) -> None:
    world = open_world()
    sale_and_refund(world)
    world.fail("square", "/v2/payments", {"kind": "status", "status": 503}, times=None)
    rest(world, 900)
    assert states(world)[("refund", "waiting")] == 1
    assert in_ledger(world) == []
    world.square.remove()
    rest(world, 3600)
    expect_settled(world)
    assert cents_on(world, "3001") == 0
    assert len(in_ledger(world)) == 2


def test_a_refund_larger_than_its_sale_is_held(open_world: Open) -> None:
    world = open_world()
    sale_and_refund(world)
    world.tamper("refunds", amount_money={"amount": 99900, "currency": "EUR"})
    rest(world)
    assert states(world)[("refund", "held")] == 1
    assert len(in_ledger(world)) == 1


def test_two_refunds_together_larger_than_their_sale_are_held(open_world: Open) -> None:
    world = open_world()
    sale = world.sell(lines=[{"amount": 6000, "tax": "25", "quantity": "2"}])
    world.clock.advance(300)
    for _ in range(2):
        world.do("refund", payment_id=sale["payment_ids"][0], lines=[{"index": 0, "quantity": "1"}])
        world.clock.advance(300)
    rest(world)
    assert states(world)[("refund", "posted")] == 2
    world.forge("refunds")
    rest(world)
    assert states(world)[("refund", "held")] == 1
    assert len(in_ledger(world)) == 3


def test_a_sale_at_a_place_nobody_mapped_is_held_and_posted_when_it_is_mapped(open_world: Open) -> None:
    world = open_world()
    known, new = world.shop["location_ids"][:2]
    ruling.save_terms(
        world.works, world.route_id, replace(world.terms, locations={known: LocationTerms("Europe/Dublin")}), by="Ann"
    )
    world.sell(location_id=new)
    rest(world)
    assert states(world)[("payment", "held")] == 1
    assert "location-unmapped" in questions(world)
    calls = sum(world.square.calls.values())
    ruling.save_terms(world.works, world.route_id, world.terms, by="Ann")
    world.run(only=lambda unit: unit.kind == "drain")
    assert sum(world.square.calls.values()) == calls, "nothing was read again"
    expect_settled(world)
    assert len(in_ledger(world)) == 1
    assert questions(world) == []


def test_what_was_sold_before_go_live_is_left_to_the_old_way(open_world: Open) -> None:
    world = open_world()
    world.sell(at="2026-02-27T12:00:00Z")
    world.sell(at="2026-03-02T12:00:00Z")
    rest(world)
    found = query(world, "SELECT state, reason FROM trip WHERE kind = 'payment' ORDER BY state")
    assert [row[0] for row in found] == ["ignored", "posted"]
    assert "go-live" in found[0][1]
    expect_settled(world)


def test_an_offline_sale_that_comes_after_its_day_was_closed_opens_another_voucher(open_world: Open) -> None:
    world = open_world("daily")
    world.sell()
    rest(world, 20 * 3600, step=1800)
    assert len(in_ledger(world)) == 1
    world.sell(offline_at="2026-03-10T19:00:00Z")
    rest(world, 4 * 3600, step=900)
    vouchers = in_ledger(world)
    assert [one["date"] for one in vouchers] == ["2026-03-10", "2026-03-10"]
    keys = [row[0] for row in query(world, "SELECT key FROM submission ORDER BY ordinal")]
    assert keys[0].endswith("#1")
    assert keys[1] == keys[0].replace("#1", "#2")
    expect_settled(world)


def test_days_that_were_over_before_they_were_read_are_one_voucher_each_however_many_rounds_plan_them(
    open_world: Open,
) -> None:
    world = open_world("daily")
    world.works = replace(world.works, limits=replace(world.works.limits, trips_at_once=2))
    place = world.shop["location_ids"][0]
    for day in (8, 9):
        for minute in range(25):
            world.sell(location_id=place, at=f"2026-03-{day:02}T10:{minute:02}:00Z")
    rest(world, 1200, step=30)
    assert [one["date"] for one in in_ledger(world)] == ["2026-03-08", "2026-03-09"]
    assert states(world)[("payment", "posted")] == 50
    expect_settled(world)


def test_a_day_is_one_voucher_for_each_place(open_world: Open) -> None:
    world = open_world("daily")
    for place in world.shop["location_ids"][:2]:
        for _ in range(3):
            world.sell(location_id=place)
    rest(world, 3600, step=600)
    assert in_ledger(world) == []
    rest(world, 20 * 3600, step=1800)
    assert len(in_ledger(world)) == 2
    assert cents_on(world, "3001") == -60000
    expect_settled(world)


def test_a_sale_in_a_closed_period_is_held(open_world: Open) -> None:
    world = open_world()
    world.sell(at="2026-03-05T12:00:00Z")
    world.ledger("close_period", period="202603")
    rest(world)
    assert states(world)[("payment", "held")] == 1
    assert questions(world) == ["period-closed"]


def test_a_sale_in_a_closed_period_goes_to_the_next_open_one_where_the_company_says_so(open_world: Open) -> None:
    world = open_world(late="next_open")
    world.sell(at="2026-03-05T12:00:00Z")
    world.ledger("close_period", period="202603")
    rest(world)
    assert [one["date"] for one in in_ledger(world)] == ["2026-04-01"]
    expect_settled(world)


def test_what_is_posted_stays_when_its_period_is_closed(open_world: Open) -> None:
    world = open_world()
    world.sell()
    rest(world)
    world.ledger("close_period", period="202603")
    replaying.replay_trips(world.works, world.workspace, [trip_of(world, "payment")], by="Ann")
    world.clock.advance(700)
    rest(world)
    assert questions(world) == []
    expect_settled(world)


def test_the_payments_of_one_order_share_its_voucher(open_world: Open) -> None:
    world = open_world()
    world.sell(tenders=[{"means": "cash", "amount": 2500}, {"means": "card"}])
    rest(world)
    assert states(world)[("payment", "posted")] == 2
    assert len(in_ledger(world)) == 1
    assert cents_on(world, "1910") == 2500
    assert cents_on(world, "1580") == 10000
    expect_settled(world)


def test_one_voucher_for_each_payout(open_world: Open) -> None:
    world = open_world("per_payout")
    for _ in range(3):
        world.sell()
    world.clock.advance(60)
    rest(world, 3600, step=600)
    assert in_ledger(world) == []
    world.do("payout")
    rest(world, 2 * 86_400, step=3600)
    assert cents_on(world, "3001") == -30000
    assert len(in_ledger(world)) == 2, "the sales together, and the payout"
    assert states(world)[("payment", "posted")] == 3
    expect_settled(world)


def test_a_payout_that_failed_is_mirrored_once(open_world: Open) -> None:
    world = open_world()
    world.sell()
    world.clock.advance(60)
    made = world.do("payout")
    rest(world, 86_400 * 1.5, step=3600)
    assert cents_on(world, "1940") + cents_on(world, "1930") > 0
    world.do("payout", payout_id=made["payout_id"], fail=True)
    rest(world, 86_400, step=3600)
    replaying.replay_range(world.works, world.company_id, since=None, until=None, states=None, by="Ann")
    rest(world)
    assert cents_on(world, "1930") == 0
    assert len(in_ledger(world)) == 3
    assert [
        row[0].rpartition(":")[2] for row in query(world, "SELECT key FROM planned_write WHERE key LIKE '%failed'")
    ] == ["failed"]
    expect_settled(world)
    world.do("payout")
    rest(world, 86_400, step=3600)
    assert cents_on(world, "1580") == 0, "the money that came back left with the next payout"
    expect_settled(world)


@pytest.mark.slow
def test_five_thousand_sales_while_the_ledger_is_down_are_posted_once_and_in_order(open_world: Open) -> None:
    world = open_world("batch")
    down = world.fail("visma", "/", "cut_before", times=None)
    start = world.clock.now()
    world.clock.advance(3600)
    world.do("bulk", n=5000, start=start.isoformat(), end=world.clock.now().isoformat())
    rest(world, 3600, step=300)
    assert world.books() == []
    world.visma.remove(down)
    rest(world, 3600, step=300)
    assert states(world)[("payment", "posted")] == 5000
    expect_settled(world)
    for pool in {row[0] for row in query(world, "SELECT pool_key FROM planned_write")}:
        numbers = query(
            world,
            "SELECT s.number, min(t.occurred_at) AS first FROM submission s "
            "JOIN planned_write w ON w.submission_id = s.id JOIN trip t ON t.id = w.trip_id "
            "WHERE w.pool_key = :pool GROUP BY s.number ORDER BY first",
            pool=pool,
        )
        assert [row[0] for row in numbers] == sorted(row[0] for row in numbers)
    assert len(in_ledger(world)) < 120


def test_a_refused_batch_is_split_until_the_refused_record_stands_alone(open_world: Open) -> None:
    world = open_world("batch", batch_size=8, batch_age_s=60)
    for n in range(7):
        world.sell(lines=[{"amount": 1000 + n, "tax": "25"}])
    world.sell(lines=[{"amount": 9900, "tax": "12"}])
    world.clock.advance(300)
    world.run(only=lambda unit: unit.kind != "drain")
    world.fail(
        "visma",
        "GET /v1/paymentmethod",
        {"kind": "control", "verb": "deactivate_account", "arguments": {"number": "3002"}},
    )
    rest(world)
    assert states(world)[("payment", "posted")] == 7
    assert states(world)[("payment", "held")] == 1
    assert cents_on(world, "3002") == 0
    world.ledger("set_account", number="3002", active=True)
    answer(world, "refused", "plan-again")
    rest(world, 4500)
    expect_settled(world)
    assert cents_on(world, "3002") == -8839
