"""Dry runs promise what is posted, replays change nothing, and what a person took back stays so."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from ml_connector.engine import preview, replaying, ruling
from ml_connector.errors import Rejected, UsageError
from tests.engine.business_days import Open, answer, cents_on, read_only, rest, sale_and_refund, trip_of
from tests.engine.proofs import expect_settled, lines_in_ledger, query, questions, states


def test_a_dry_run_leaves_no_trace_and_keeps_its_promise(open_world: Open) -> None:
    world = open_world()
    world.sell()
    sale_and_refund(world)
    read_only(world)
    tables = ("trip", "trip_need", "planned_write", "submission", "attempt", "review_item", "audit_event", "binding")
    sums = {table: query(world, f"SELECT count(*), max(id) FROM {table}") for table in tables if table != "audit_event"}
    states_before = query(world, "SELECT id, state, plan_hash, due_at FROM trip ORDER BY id")
    promised = {one.trip_id: one for one in preview.dry_run(world.works, world.company_id)}
    events = query(world, "SELECT count(*) FROM audit_event")
    promised_again = {one.trip_id: one.plan_hash for one in preview.dry_run(world.works, world.company_id)}
    assert query(world, "SELECT count(*) FROM audit_event") == events
    assert promised_again == {trip_id: one.plan_hash for trip_id, one in promised.items()}
    assert {table: query(world, f"SELECT count(*), max(id) FROM {table}") for table in sums} == sums
    assert query(world, "SELECT id, state, plan_hash, due_at FROM trip ORDER BY id") == states_before
    rest(world)
    posted = dict(query(world, "SELECT id, plan_hash FROM trip WHERE state = 'posted'"))
    assert len(posted) == 3
    assert posted == {trip_id: promised[trip_id].plan_hash for trip_id in posted}


def test_replaying_everything_changes_nothing(open_world: Open) -> None:
    world = open_world()
    sale_and_refund(world)
    bill = world.do(
        "invoice",
        customer={"given_name": "Ann", "email_address": "ann@shop.example"},
        lines=[{"amount": 9900, "tax": "25"}],
        due_date="2026-04-10",
    )
    world.do("invoice_pay", invoice_id=bill["invoice_id"])
    world.clock.advance(60)
    world.do("payout")
    rest(world, 2 * 86_400, step=3600)
    before, vouchers = lines_in_ledger(world), len(world.books())
    told: list[tuple[int, int]] = []
    done = replaying.replay_range(
        world.works, world.company_id, since=None, until=None, states=None, by="Ann",
        told=lambda so_far, of: told.append((so_far, of)),
    )  # fmt: skip
    assert done.trips >= 5
    assert told == [(done.trips, done.trips)]
    rest(world)
    assert lines_in_ledger(world) == before
    assert len(world.books()) == vouchers
    expect_settled(world)


def test_a_taken_back_record_stays_so_until_a_person_opens_it_by_name(open_world: Open) -> None:
    world = open_world()
    world.sell()
    rest(world)
    trip = trip_of(world, "payment")
    replaying.undo(world.works, trip, by="Ann")
    rest(world)
    assert states(world)[("payment", "reversed")] == 1
    assert cents_on(world, "3001") == 0
    world.tamper("payments", note="changed")
    rest(world, 2 * 86_400, step=7200)
    replaying.replay_range(world.works, world.company_id, since=None, until=None, states=None, by="Ann")
    rest(world)
    assert (
        query(world, "SELECT max(n) FROM version v JOIN record r ON r.id = v.record_id WHERE r.kind = 'payment'")[0][0]
        > 1
    )
    assert states(world)[("payment", "reversed")] == 1
    replaying.replay_trips(world.works, world.workspace, [trip], by="Ann")
    rest(world)
    assert states(world)[("payment", "posted")] == 1
    assert cents_on(world, "3001") == -10000
    expect_settled(world)


def test_what_a_person_ignored_is_opened_again_when_it_is_named(open_world: Open) -> None:
    world = open_world(posting="approve")
    world.sell()
    rest(world, 600)
    answer(world, "consent", "ignore: entered by hand")
    rest(world, 600)
    assert states(world)[("payment", "ignored")] == 1
    replaying.replay_range(world.works, world.company_id, since=None, until=None, states=None, by="Ann")
    rest(world, 600)
    assert (states(world)[("payment", "ignored")], questions(world)) == (1, []), "not with all the others"
    replaying.replay_trips(world.works, world.workspace, [trip_of(world, "payment")], by="Ann")
    rest(world, 600)
    assert questions(world) == ["consent"]
    answer(world, "consent", "accept")
    rest(world, 600)
    assert states(world)[("payment", "posted")] == 1
    expect_settled(world)


@pytest.mark.parametrize("first", [True, False])
def test_taking_back_one_payment_of_a_shared_order_takes_back_both(open_world: Open, first: bool) -> None:
    world = open_world()
    world.sell(tenders=[{"means": "cash", "amount": 2500}, {"means": "card"}])
    rest(world)
    owner = query(world, "SELECT trip_id FROM planned_write WHERE state = 'done'")[0][0]
    other = next(row[0] for row in query(world, "SELECT id FROM trip WHERE kind = 'payment'") if row[0] != owner)
    if not first:
        with pytest.raises(UsageError, match="shares its posting"):
            replaying.undo(world.works, other, by="Ann")
    replaying.undo(world.works, owner, by="Ann")
    rest(world)
    replaying.replay_range(world.works, world.company_id, since=None, until=None, states=None, by="Ann")
    rest(world)
    assert cents_on(world, "3001") == 0, "the other payment does not bring the sale back"
    assert states(world)[("payment", "reversed")] == 2
    expect_settled(world)


def test_a_sale_whose_vat_is_reported_is_taken_back_in_the_next_return(open_world: Open) -> None:
    world = open_world()
    world.sell()
    rest(world)
    stated = replace(ruling.terms_now(world.works, world.route_id), vat_reported_until=date(2026, 3, 10))
    ruling.save_terms(world.works, world.route_id, stated, by="Ann")
    replaying.undo(world.works, trip_of(world, "payment"), by="Ann")
    rest(world)
    assert sorted(one["date"] for one in world.books()) == ["2026-03-10", "2026-03-11"]
    assert cents_on(world, "2611") == 0
    expect_settled(world)


def test_a_payment_in_a_closed_period_is_taken_back_when_it_is_open_again(open_world: Open) -> None:
    world = open_world()
    company = {"company_name": "Harbour Café Ltd", "email_address": "h@x.ie"}
    invoice = world.do("invoice", due_date="2026-03-20", customer=company)
    rest(world)
    world.do("invoice_pay", invoice_id=invoice["invoice_id"])
    rest(world)
    world.ledger("close_period", period="202603")
    world.clock.advance(3600)
    with pytest.raises(Rejected, match="Visma voids it there only"):
        replaying.undo(world.works, trip_of(world, "invoice"), by="Ann")
    assert states(world)[("payment", "posted")] == 1, "nothing has begun"
    world.ledger("open_period", period="202603")
    world.clock.advance(3600)
    replaying.undo(world.works, trip_of(world, "invoice"), by="Ann")
    rest(world)
    assert (cents_on(world, "1580"), cents_on(world, "3001")) == (0, 0)


def test_an_invoice_in_a_closed_period_is_taken_back_by_a_credit_note_in_the_next(open_world: Open) -> None:
    world = open_world()
    company = {"company_name": "Harbour Café Ltd", "email_address": "h@x.ie"}
    world.do("invoice", due_date="2026-03-20", customer=company)
    rest(world)
    world.ledger("close_period", period="202603")
    world.clock.advance(25 * 24 * 3600)
    replaying.undo(world.works, trip_of(world, "invoice"), by="Ann")
    rest(world)
    assert sorted(one["date"] for one in world.books()) == ["2026-03-10", "2026-04-01"]
    assert [cents_on(world, account) for account in ("1510", "3001", "2611")] == [0, 0, 0]
    assert states(world)[("invoice", "reversed")] == 1
    expect_settled(world)
