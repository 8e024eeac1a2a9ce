"""What a person ignores stays out as it was shown: a later version that says the same is no news, another is asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ml_connector.engine import preview, replaying, reviewing, ruling
from ml_connector.finance.rulebook import Rule, Rulebook
from ml_connector.store.reviews import ReviewItem
from tests.engine.proofs import expect_settled, in_ledger, query, questions
from tests.engine.world import World

Open = Callable[..., World]
CASH = {
    "source_type": "CASH", "card_details": None,
    "cash_details": {"buyer_supplied_money": {"amount": 12500, "currency": "EUR"}},
}  # fmt: skip


@pytest.fixture
def open_world(database_url: str, inbox_url: str, tmp_path: Path) -> Iterator[Open]:
    """One sale with a tip in the shop, which the route may have no rule for."""
    opened: list[World] = []

    def make(*, without: str = "", **terms: Any) -> World:
        world = World(database_url, tmp_path, inbox_url=inbox_url)
        world.set_up(**terms)
        if without:
            save(world, *(rule for rule in world.rulebook().rules if without not in rule.roles))
        world.do("knobs", fee_delay_s=10**9)
        world.sell(tenders=[{"means": "card", "tip": 500}])
        opened.append(world)
        rest(world)
        return world

    yield make
    for world in opened:
        world.close()


def save(world: World, *rules: Rule) -> None:
    ruling.save_rules(world.works, world.route_id, Rulebook(1, world.rulebook().valid_from, rules), by="Ann")


def rest(world: World) -> None:
    world.pass_time(450, step=50)


def the_question(world: World) -> ReviewItem:
    (item,) = reviewing.open_items(world.works, world.workspace)
    return item


def answer(world: World, said: str) -> None:
    reviewing.resolve(world.works, world.workspace, the_question(world).id, answer=said, by="Ann")
    rest(world)


def payment(world: World) -> tuple[str, str]:
    """State and reason of the one payment."""
    ((state, reason),) = query(world, "SELECT state, reason FROM trip WHERE kind = 'payment'")
    return state, reason or ""


def told(world: World, verb: str) -> list[dict[str, Any]]:
    rows = query(world, f"SELECT facts FROM audit_event WHERE verb = '{verb}' ORDER BY seq")
    return [json.loads(row[0]) for row in rows]


def test_the_same_content_in_a_later_version_stays_ignored(open_world: Open) -> None:
    world = open_world(posting="approve")
    answer(world, "ignore: booked by hand")
    assert payment(world) == ("ignored", "A person decided: booked by hand")
    for note in ("a note", "another"):
        world.tamper("payments", note=note)
        rest(world)
        assert payment(world)[0] == "ignored"
    assert questions(world) == []
    assert told(world, "ignored no more") == []


def test_other_content_is_asked_about_again_and_the_trail_says_so(open_world: Open) -> None:
    world = open_world(posting="approve")
    answer(world, "ignore: booked by hand")
    world.tamper("payments", **CASH)
    rest(world)
    item = the_question(world)
    assert item.code == "ignored-changed"
    assert "Ann ignored this record (booked by hand)" in item.sentence
    (facts,) = told(world, "ignored no more")
    assert facts["was"] != facts["is"]
    assert in_ledger(world) == []
    ((trip_id,),) = query(world, "SELECT id FROM trip WHERE kind = 'payment'")
    (shown,) = preview.dry_run(world.works, world.company_id, trip_ids=[trip_id])
    assert (shown.outcome, shown.plan_hash) == ("held", item.proposal["plan_hash"]), "what is asked about is shown"
    assert shown.writes
    answer(world, "accept")
    assert questions(world) == [], "who accepts a plan by its name has consented to it"
    assert payment(world)[0] == "posted"
    expect_settled(world)


def test_what_is_ignored_again_is_ignored_as_it_is_now(open_world: Open) -> None:
    world = open_world(posting="approve")
    answer(world, "ignore")
    world.tamper("payments", **CASH)
    rest(world)
    answer(world, "ignore: still by hand")
    world.tamper("payments", note="a note")
    rest(world)
    assert payment(world) == ("ignored", "A person decided: still by hand")
    assert questions(world) == []


def test_a_finding_that_stands_stays_ignored_and_one_that_is_gone_is_not_posted_unasked(open_world: Open) -> None:
    world = open_world(without="tips")
    assert the_question(world).code == "mapping-missing"
    answer(world, "ignore: staff party")
    world.tamper("payments", note="a note")
    rest(world)
    assert (payment(world)[0], questions(world)) == ("ignored", [])
    save(world, *world.rulebook().rules)
    rest(world)
    assert (payment(world)[0], questions(world)) == ("ignored", []), "a rule brings nothing back that is ignored"
    world.tamper("payments", note="another")
    rest(world)
    assert questions(world) == ["ignored-changed"]
    assert in_ledger(world) == []
    answer(world, "accept")
    assert payment(world)[0] == "posted"


def test_another_finding_is_a_new_question(open_world: Open) -> None:
    world = open_world(without="tips")
    answer(world, "ignore: staff party")
    world.tamper("payments", location_id="LNOBODYKNOWS", **CASH)
    save(world, *(rule for rule in world.rulebook().rules if not {"tips", "till"} & set(rule.roles)))
    rest(world)
    assert set(questions(world)) == {"mapping-missing"}
    assert payment(world)[0] == "held"
    assert len(told(world, "ignored no more")) == 1
    save(world, *(rule for rule in world.rulebook().rules if not {"tips", "till", "bank"} & set(rule.roles)))
    rest(world)
    assert len(told(world, "ignored no more")) == 1, "once for each version"


def test_neither_a_range_replayed_nor_other_terms_bring_it_back_and_its_name_does(open_world: Open) -> None:
    world = open_world(posting="approve")
    answer(world, "ignore: booked by hand")
    ruling.save_terms(world.works, world.route_id, replace(world.terms, tips_are="sales"), by="Ann")
    replaying.replay_range(world.works, world.company_id, since=None, until=None, states=None, by="Ann")
    rest(world)
    assert (payment(world)[0], questions(world)) == ("ignored", [])
    ((trip_id,),) = query(world, "SELECT id FROM trip WHERE kind = 'payment'")
    (dry,) = preview.dry_run(world.works, world.company_id, trip_ids=[trip_id])
    assert (dry.outcome, dry.reason) == ("ignored", "A person decided: booked by hand")
    replaying.replay_trips(world.works, world.workspace, [trip_id], by="Ann")
    rest(world)
    assert questions(world) == ["consent"]


def test_a_change_that_leaves_nothing_to_book_asks_nothing(open_world: Open) -> None:
    world = open_world(posting="approve")
    answer(world, "ignore: booked by hand")
    world.tamper("payments", status="CANCELED")
    rest(world)
    assert payment(world) == ("ignored", "the payment is canceled")
    assert questions(world) == []


def test_a_record_that_cannot_be_read_may_be_ignored_until_it_can(open_world: Open) -> None:
    world = open_world(posting="approve")
    answer(world, "accept")
    world.sell()
    rest(world)
    answer(world, "accept")
    world.forge("payments", total_money={"amount": "much", "currency": "EUR"})
    rest(world)
    assert the_question(world).code == "untranslatable"
    answer(world, "ignore: made by a test of theirs")
    assert questions(world) == []
    expect_settled(world)
