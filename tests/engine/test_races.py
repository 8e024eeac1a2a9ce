"""What happens at the same moment: readings during planning, sealing, sending and taking back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ml_connector.engine import draining, replaying, reviewing, ruling, setup, units
from ml_connector.finance.rulebook import Rule, Rulebook
from ml_connector.store import setups, trip_moves
from tests.engine.proofs import expect_settled, in_ledger, query, questions, states
from tests.engine.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A shop where corrections are made without asking; one sale of 125.00 is read and not planned."""
    made = World(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    made.set_up(corrections="automatic")
    made.clock.advance(3 * 3600)
    made.sell()
    made.clock.advance(300)
    made.run(only=lambda unit: unit.kind != "drain")
    yield made
    made.close()


def only_trip(world: World) -> str:
    """The trip of the one payment."""
    return str(query(world, "SELECT id FROM trip WHERE kind = 'payment'")[0][0])


def rest(world: World, seconds: float = 900) -> None:
    world.run()
    world.pass_time(seconds, step=60)


def sales_to(world: World, account: str) -> None:
    """Save rules under which all sales go to this account."""
    rules: list[Rule] = [
        replace(rule, account=account) if rule.roles[0] == "sales" and rule.account else rule
        for rule in ruling.rules_now(world.works, world.route_id).rules
    ]
    book = ruling.rules_now(world.works, world.route_id)
    ruling.save_rules(world.works, world.route_id, Rulebook(book.version, book.valid_from, tuple(rules)), by="Ann")


def sales_accounts(world: World) -> dict[str, int]:
    """Cents credited less debited by sales account."""
    found: dict[str, int] = {}
    for one in in_ledger(world):
        for line in one["lines"]:
            if line["account"].startswith("30"):
                cents = round(100 * float(line["credit"])) - round(100 * float(line["debit"]))
                found[line["account"]] = found.get(line["account"], 0) + cents
    return {account: cents for account, cents in found.items() if cents}


def test_a_version_that_arrives_during_planning_is_planned_too(world: World) -> None:
    trip = only_trip(world)
    read: list[str] = []

    def arrive(call: str) -> None:
        if call.startswith("GET /v1/paymentmethod") and not read:
            read.append(call)
            world.clock.advance(0.001)
            with world.database.writing() as c:
                trip_moves.reopen(c, [trip], now=world.works.now())

    world.during = arrive
    rest(world)
    assert read
    expect_settled(world)


def test_what_is_due_again_is_not_sealed_before_it_is_planned_again(world: World) -> None:
    setup.switch_posting(world.works, world.route_id, "off", by="Ann")
    world.run()
    assert states(world)[("payment", "planned")] == 1
    setup.switch_posting(world.works, world.route_id, "on", by="Ann")
    sales_to(world, "3004")
    rest(world)
    expect_settled(world)
    assert sales_accounts(world) == {"3004": 10000}


def test_a_worker_that_ends_between_planning_and_sealing_leaves_due_work(world: World) -> None:
    setup.switch_posting(world.works, world.route_id, "off", by="Ann")
    world.run()
    with world.database.writing() as c:
        setups.switch_posting(c, world.route_id, "on")
    assert units.Unit("drain", world.company_id) in units.due_units(world.works)
    draining.drain(world.works, world.company_id)
    expect_settled(world)


def test_a_reading_while_something_is_taken_back_does_not_post_it_again(world: World) -> None:
    rest(world)
    trip = only_trip(world)
    replaying.undo(world.works, trip, by="Ann")
    replaying.replay_trips(world.works, world.workspace, [trip], by="Bo")
    rest(world)
    assert states(world)[("payment", "reversed")] == 1
    assert sales_accounts(world) == {}
    expect_settled(world)


def test_posted_and_taken_back_again_and_again(world: World) -> None:
    rest(world)
    trip = only_trip(world)
    for _ in range(3):
        replaying.undo(world.works, trip, by="Ann")
        rest(world)
        assert states(world)[("payment", "reversed")] == 1
        assert sales_accounts(world) == {}
        replaying.replay_trips(world.works, world.workspace, [trip], by="Ann")
        rest(world)
        assert states(world)[("payment", "posted")] == 1
    assert sales_accounts(world) == {"3001": 10000}
    assert len(in_ledger(world)) == 7
    expect_settled(world)


def test_corrected_again_and_again_the_books_show_the_last_word(world: World) -> None:
    rest(world)
    trip = only_trip(world)
    for account in ("3004", "3001", "3004"):
        sales_to(world, account)
        replaying.replay_trips(world.works, world.workspace, [trip], by="Ann")
        rest(world)
        assert sales_accounts(world) == {account: 10000}
    assert len(in_ledger(world)) == 7
    expect_settled(world)


def test_a_correction_that_asks_is_made_when_a_person_accepts(world: World) -> None:
    ruling.save_terms(world.works, world.route_id, replace(world.terms, corrections="ask"), by="Ann")
    rest(world)
    sales_to(world, "3004")
    replaying.replay_trips(world.works, world.workspace, [only_trip(world)], by="Ann")
    rest(world)
    assert questions(world) == ["correction"]
    assert sales_accounts(world) == {"3001": 10000}
    item = reviewing.open_items(world.works, world.workspace)[0]
    assert "10000" in str(item.proposal) or "3004" in str(item.proposal)
    reviewing.resolve(world.works, world.workspace, item.id, answer="accept", by="Ann")
    rest(world)
    assert sales_accounts(world) == {"3004": 10000}
    assert questions(world) == []
    expect_settled(world)


def test_a_correction_that_a_person_ignores_leaves_the_posting_as_it_is(world: World) -> None:
    ruling.save_terms(world.works, world.route_id, replace(world.terms, corrections="ask"), by="Ann")
    rest(world)
    sales_to(world, "3004")
    replaying.replay_trips(world.works, world.workspace, [only_trip(world)], by="Ann")
    rest(world)
    item = reviewing.open_items(world.works, world.workspace)[0]
    reviewing.resolve(world.works, world.workspace, item.id, answer="ignore: as it was agreed", by="Ann")
    rest(world)
    assert sales_accounts(world) == {"3001": 10000}
    assert states(world)[("payment", "posted")] == 1
    expect_settled(world)


def test_an_ignored_correction_silences_only_that_very_change(world: World) -> None:
    ruling.save_terms(world.works, world.route_id, replace(world.terms, corrections="ask"), by="Ann")
    rest(world)
    sales_to(world, "3004")
    replaying.replay_trips(world.works, world.workspace, [only_trip(world)], by="Ann")
    rest(world)
    item = reviewing.open_items(world.works, world.workspace)[0]
    reviewing.resolve(world.works, world.workspace, item.id, answer="ignore: as it was agreed", by="Ann")
    world.tamper("payments", note="looked at")
    rest(world)
    assert questions(world) == [], "the same change is not asked twice"
    assert query(world, "SELECT reason FROM trip WHERE kind = 'payment'") == [
        ("A person left the posting as it is: as it was agreed",)
    ]
    sales_to(world, "3002")
    replaying.replay_trips(world.works, world.workspace, [only_trip(world)], by="Ann")
    rest(world)
    assert questions(world) == ["correction"], "another change is"
    item = reviewing.open_items(world.works, world.workspace)[0]
    reviewing.resolve(world.works, world.workspace, item.id, answer="accept", by="Ann")
    rest(world)
    assert sales_accounts(world) == {"3002": 10000}
    expect_settled(world)


def test_a_payment_that_is_kept_although_cancelled_is_asked_about_when_it_changes_otherwise(world: World) -> None:
    ruling.save_terms(world.works, world.route_id, replace(world.terms, corrections="ask"), by="Ann")
    rest(world)
    world.tamper("payments", status="CANCELED")
    rest(world)
    item = reviewing.open_items(world.works, world.workspace)[0]
    reviewing.resolve(world.works, world.workspace, item.id, answer="ignore", by="Ann")
    rest(world)
    assert (questions(world), states(world)[("payment", "posted")]) == ([], 1)
    world.tamper("payments", status="COMPLETED")
    sales_to(world, "3004")
    rest(world)
    assert questions(world) == ["correction"]


@pytest.mark.parametrize("asks", [False, True])
def test_a_posted_payment_that_turns_out_to_be_none_is_taken_back(world: World, asks: bool) -> None:
    if asks:
        ruling.save_terms(world.works, world.route_id, replace(world.terms, corrections="ask"), by="Ann")
    rest(world)
    world.tamper("payments", status="CANCELED")
    rest(world)
    if asks:
        assert questions(world) == ["correction"]
        item = reviewing.open_items(world.works, world.workspace)[0]
        reviewing.resolve(world.works, world.workspace, item.id, answer="accept", by="Ann")
        rest(world)
    assert sales_accounts(world) == {}
    assert states(world)[("payment", "ignored")] == 1
    expect_settled(world)


def test_a_question_whose_answer_changed_is_asked_anew(world: World) -> None:
    setup.switch_posting(world.works, world.route_id, "approve", by="Ann")
    rest(world)
    first = reviewing.open_items(world.works, world.workspace, code="consent")
    sales_to(world, "3004")
    rest(world)
    second = reviewing.open_items(world.works, world.workspace, code="consent")
    assert len(first) == len(second) == 1
    assert first[0].proposal["plan_hash"] != second[0].proposal["plan_hash"]
    reviewing.resolve(world.works, world.workspace, second[0].id, answer="accept", by="Ann")
    rest(world)
    assert sales_accounts(world) == {"3004": 10000}
    expect_settled(world)


def test_a_newer_version_while_posting_waits_for_the_end(world: World) -> None:
    trip = only_trip(world)
    seen: list[str] = []

    def arrive(call: str) -> None:
        if call.endswith("/action/release") and not seen:
            seen.append(call)
            sales_to(world, "3004")
            replaying.replay_trips(world.works, world.workspace, [trip], by="Ann")

    world.during = arrive
    rest(world)
    assert seen
    assert sales_accounts(world) == {"3004": 10000}
    expect_settled(world)
