"""What happens in a shop and at a bookkeeper's desk, told from the till to the books."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ml_connector.engine import preview, replaying, reviewing, ruling
from ml_connector.errors import Rejected, UsageError
from ml_connector.finance.rulebook import LocationTerms
from tests.engine.proofs import expect_settled, in_ledger, lines_in_ledger, query, questions, states, turnover
from tests.engine.world import World

Open = Callable[..., World]


@pytest.fixture
def open_world(tmp_path: Path) -> Iterator[Open]:
    """A shop with a company, at nine in the morning."""
    opened: list[World] = []

    def make(mode: Any = "per_record", **terms: Any) -> World:
        world = World(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
        world.set_up(mode=mode, **terms)
        world.clock.advance(3 * 3600)
        opened.append(world)
        return world

    yield make
    for world in opened:
        world.close()


def rest(world: World, seconds: float = 1800, step: float = 120) -> None:
    """Time passes."""
    world.run()
    world.pass_time(seconds, step=step)


def read_only(world: World) -> None:
    """Everything is read and nothing planned."""
    world.clock.advance(300)
    world.run(only=lambda unit: unit.kind != "drain")


def items(world: World, code: str) -> list[Any]:
    return reviewing.open_items(world.works, world.workspace, code=code)


def answer(world: World, code: str, word: str) -> None:
    for item in items(world, code):
        reviewing.resolve(world.works, world.workspace, item.id, answer=word, by="Ann")


def trip_of(world: World, kind: str, nth: int = 0) -> str:
    return str(query(world, "SELECT id FROM trip WHERE kind = :kind ORDER BY id", kind=kind)[nth][0])


def cents_on(world: World, account: str) -> int:
    """Debit less credit."""
    return sum(cents for (_, name), cents in turnover(world).items() if name == account)


def sale_and_refund(world: World) -> None:
    sale = world.sell()
    world.clock.advance(30)
    world.do("refund", payment_id=sale["payment_ids"][0])
    world.clock.advance(30)


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


def test_more_questions_than_one_list_holds_are_answered_at_once(open_world: Open) -> None:
    world = open_world(posting="approve")
    for n in range(7):
        world.sell(lines=[{"amount": 1_000 + n, "tax": "25"}])
    rest(world, 600)
    assert questions(world) == ["consent"] * 7
    stale = items(world, "consent")[0].id
    with pytest.raises(UsageError):
        reviewing.resolve(world.works, world.workspace, "no such question", answer="accept", by="Ann")
    heard: list[int] = []
    answered, refused = reviewing.resolve_all(
        world.works,
        world.workspace,
        company_id=None,
        code="consent",
        answer="accept",
        by="Ann",
        told=heard.append,
        at_once=3,
    )
    assert (answered, refused, heard) == (7, {}, list(range(1, 8)))
    with pytest.raises(UsageError, match="resolved already"):
        reviewing.resolve(world.works, world.workspace, stale, answer="accept", by="Ann")
    rest(world, 600)
    assert states(world)[("payment", "posted")] == 7


def test_nothing_is_posted_before_a_person_consents_to_this_very_plan(open_world: Open) -> None:
    world = open_world(posting="approve")
    world.sell()
    rest(world)
    assert questions(world) == ["consent"]
    assert sum(n for call, n in world.visma.calls.items() if call.startswith("POST /v2")) == 0
    item = items(world, "consent")[0]
    promised = preview.dry_run(world.works, world.company_id, trip_ids=[trip_of(world, "payment")])[0]
    assert item.proposal["plan_hash"] == promised.plan_hash
    answer(world, "consent", "accept")
    rest(world)
    expect_settled(world)
    assert len(in_ledger(world)) == 1
    assert query(world, "SELECT plan_hash, approved_hash FROM trip WHERE kind = 'payment'") == [
        (promised.plan_hash, promised.plan_hash)
    ]


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
    done = replaying.replay_range(world.works, world.company_id, since=None, until=None, states=None, by="Ann")
    assert done.trips >= 5
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


def test_the_payments_of_one_order_share_its_voucher(open_world: Open) -> None:
    world = open_world()
    world.sell(tenders=[{"means": "cash", "amount": 2500}, {"means": "card"}])
    rest(world)
    assert states(world)[("payment", "posted")] == 2
    assert len(in_ledger(world)) == 1
    assert cents_on(world, "1910") == 2500
    assert cents_on(world, "1580") == 10000
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


def bill(world: World, customer_id: str | None = None, **more: Any) -> dict[str, Any]:
    """An invoice of 99.00."""
    who = (
        {"customer_id": customer_id}
        if customer_id
        else {"customer": {"given_name": "Ann", "email_address": "ann@shop.example"}}
    )
    return world.do("invoice", lines=[{"amount": 9900, "tax": "25"}], due_date="2026-04-10", **who, **more)


def test_a_customer_is_made_once_for_two_invoices(open_world: Open) -> None:
    world = open_world()
    first = bill(world)
    bill(world, first["customer_id"])
    rest(world, 90_000, step=3600)
    assert world.visma.calls["POST /v1/customer"] == 1
    assert states(world)[("invoice", "posted")] == 2
    bill(world, first["customer_id"])
    rest(world, 90_000, step=3600)
    assert world.visma.calls["POST /v1/customer"] == 1, "the binding is used again"
    assert states(world)[("invoice", "posted")] == 3
    assert len(query(world, "SELECT id FROM binding WHERE kind = 'customer'")) == 1
    expect_settled(world)


def test_an_invoice_to_a_customer_blocked_in_the_ledger_is_held(open_world: Open) -> None:
    world = open_world()
    first = bill(world)
    rest(world)
    company = next(iter(world.visma.vendor.tenants.values()))  # type: ignore[attr-defined]
    made = next(one for one in company.customers.values() if not one.number.startswith("100"))
    made.status = "Hold"
    world.clock.advance(700)
    bill(world, first["customer_id"])
    rest(world, 90_000, step=3600)
    assert states(world)[("invoice", "held")] == 1
    assert len(in_ledger(world)) == 1


def test_a_cancelled_invoice_is_credited(open_world: Open) -> None:
    world = open_world()
    made = bill(world)
    rest(world)
    assert cents_on(world, "3001") == -7920
    world.do("invoice_cancel", invoice_id=made["invoice_id"])
    rest(world, 90_000, step=3600)
    assert cents_on(world, "3001") == 0
    expect_settled(world)


def sell_to(world: World, account: str) -> None:
    """Save rules under which sales at 25 % go to another account, and plan invoices again."""
    book = ruling.rules_now(world.works, world.route_id)
    rules = tuple(replace(rule, account=account) if rule.id == "sales 25" else rule for rule in book.rules)
    ruling.save_rules(world.works, world.route_id, replace(book, rules=rules), by="Ann")
    replaying.replay_trips(world.works, world.workspace, [trip_of(world, "invoice")], by="Ann")
    rest(world, 600)


def test_a_credit_note_that_lowers_an_invoice_is_a_persons_matter_and_asked_about_once_for_each_change(
    open_world: Open,
) -> None:
    world = open_world()
    made = bill(world)
    rest(world)
    world.do("invoice_cancel", invoice_id=made["invoice_id"])
    rest(world, 90_000, step=3600)
    by_hand = r"lowers the invoice of sq:inv:.*, and no call of Visma frees it again. In Visma, reverse its application"
    with pytest.raises(Rejected, match=by_hand):
        replaying.undo(world.works, trip_of(world, "invoice"), by="Ann")
    sell_to(world, "3004")
    assert questions(world) == ["correction"]
    answer(world, "correction", "accept")
    rest(world, 600)
    (item,) = items(world, "reversal-by-hand")
    assert "then answer ignore" in item.sentence
    answer(world, "reversal-by-hand", "ignore: mended in Visma")
    rest(world, 600)
    replaying.replay_trips(world.works, world.workspace, [trip_of(world, "invoice")], by="Ann")
    rest(world, 600)
    assert questions(world) == [], "the very change that a person has dealt with"
    sell_to(world, "3002")
    assert questions(world) == ["correction"], "another one"


def test_a_part_paid_invoice_and_its_refund(open_world: Open) -> None:
    world = open_world()
    made = bill(world)
    rest(world)
    paid = world.do("invoice_pay", invoice_id=made["invoice_id"])
    rest(world)
    world.do("refund", payment_id=paid["payment_id"])
    rest(world, 3600)
    assert cents_on(world, "3001") == 0
    assert cents_on(world, "1510") == 0
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


def test_a_customers_newer_card_updates_the_one_that_an_invoice_made(open_world: Open) -> None:
    world = open_world()
    fields = {"given_name": "Ada", "company_name": "Ada Ltd", "email_address": "ada@example.test"}
    first = world.square.control("invoice", {"customer": fields, "due_date": "2026-04-10"}, world.clock.now())
    rest(world)
    changed = {"customer_id": first["customer_id"], "company_name": "Ada & Daughters Ltd"}
    world.square.control("customer", changed, world.clock.now())
    again = {"customer_id": first["customer_id"], "due_date": "2026-04-10"}
    world.square.control("invoice", again, world.clock.now())
    rest(world, seconds=90_000, step=3_600)
    cards = query(world, "SELECT revision, state FROM planned_write WHERE kind = 'customer' ORDER BY revision")
    assert cards == [(1, "reversed"), (2, "done")]
    assert questions(world) == []


def test_an_accepted_rule_decides_only_what_no_other_rule_decides(open_world: Open) -> None:
    world = open_world()
    book = ruling.rules_now(world.works, world.route_id)
    kept = [rule for rule in book.rules if rule.id != "any tips"]
    ruling.save_rules(world.works, world.route_id, replace(book, rules=tuple(kept)), by="test")
    world.sell(tenders=[{"means": "card", "tip": 500}])
    rest(world)
    (item,) = items(world, "mapping-missing")
    assert reviewing.answers_to(item)[:2] == ("accept", "use:<the value to use>")
    with pytest.raises(UsageError, match="no account could be proposed"):
        reviewing.resolve(world.works, world.workspace, item.id, answer="accept", by="Ann")
    with pytest.raises(Rejected, match="is not in the ledger"):
        reviewing.resolve(world.works, world.workspace, item.id, answer="use:4711", by="Ann")
    reviewing.resolve(world.works, world.workspace, item.id, answer="use: 2820", by="Ann")
    rest(world)
    rules = ruling.rules_now(world.works, world.route_id).rules
    assert [rule.id for rule in rules] == [*(rule.id for rule in kept), "tips"]
    assert rules[-1].account == "2820"
    assert cents_on(world, "2820") == -500
    expect_settled(world)


def test_rules_from_proposals_have_names_of_their_own(open_world: Open) -> None:
    world = open_world()
    before = ruling.rules_now(world.works, world.route_id).rules
    proposal = '[[rule]]\nid = "any fee"\nroles = ["fee"]\naccount = "6570"\n'
    for _ in range(2):
        ruling.add_rule(world.works, world.route_id, proposal, by="Ann")
    after = ruling.rules_now(world.works, world.route_id).rules
    assert [rule.id for rule in after] == [*(rule.id for rule in before), "any fee-2", "any fee-3"]


HOUR = 3_600


def test_what_waits_for_its_own_source_is_asked_about_after_three_days_and_posted_when_it_moves(
    open_world: Open,
) -> None:
    world = open_world()
    world.sell()
    world.tamper("payments", status="APPROVED")
    rest(world, HOUR, step=900)
    rest(world, 70 * HOUR, step=10 * HOUR)
    assert states(world)[("payment", "waiting")] == 1
    assert questions(world) == []
    rest(world, 8 * HOUR, step=2 * HOUR)
    (item,) = items(world, "waited-too-long")
    assert "It has waited for 72 hours" in item.sentence
    assert "approved or pending" in item.sentence
    answer(world, "waited-too-long", "accept")
    rest(world, 24 * HOUR, step=8 * HOUR)
    assert (states(world)[("payment", "waiting")], questions(world)) == (1, []), "a person lets it wait"
    world.tamper("payments", status="COMPLETED")
    rest(world, HOUR, step=600)
    assert states(world)[("payment", "posted")] == 1
    expect_settled(world)


def test_a_change_at_the_source_begins_the_wait_anew(open_world: Open) -> None:
    world = open_world()
    world.sell()
    world.tamper("payments", status="APPROVED")
    rest(world, 48 * HOUR, step=8 * HOUR)
    world.tamper("payments", note="still waiting for the bank")
    rest(world, 48 * HOUR, step=8 * HOUR)
    assert (states(world)[("payment", "waiting")], questions(world)) == (1, [])
    rest(world, 40 * HOUR, step=8 * HOUR)
    assert questions(world) == ["waited-too-long"]


def test_a_refund_whose_sale_never_appears_is_asked_about_after_three_days(open_world: Open) -> None:
    world = open_world()
    sale_and_refund(world)
    world.fail("square", "/v2/payments", {"kind": "status", "status": 503}, times=None)
    rest(world, HOUR, step=900)
    rest(world, 70 * HOUR, step=10 * HOUR)
    assert questions(world) == []
    rest(world, 8 * HOUR, step=2 * HOUR)
    (item,) = items(world, "need-not-met")
    assert item.sentence.startswith("payment ")
    assert "has not appeared for 72 hours" in item.sentence
    world.square.remove()
    rest(world, 12 * HOUR, step=HOUR)
    assert states(world)[("refund", "posted")] == 1, "what was missed comes after all"
    assert questions(world) == []
    expect_settled(world)
