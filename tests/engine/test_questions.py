"""What people are asked, what their answers set in motion, and what is asked about because it waits too long."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ml_connector.engine import preview, reviewing, ruling, tracing
from ml_connector.errors import Rejected, UsageError
from tests.engine.business_days import Open, answer, cents_on, items, rest, sale_and_refund, trip_of
from tests.engine.proofs import expect_settled, in_ledger, query, questions, states


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
    (story,) = tracing.trace(world.works, world.workspace, trip_of(world, "payment"))
    assert [one.told for one in story.moments if one.what == "decision"] == ["Ann: accept, as it was shown"]


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


@pytest.mark.parametrize("slip", ["acept", "no", "cancel", "ignored", "use:3001", "accept:"])
def test_a_slip_of_the_pen_is_no_answer(open_world: Open, slip: str) -> None:
    world = open_world(posting="approve")
    world.sell()
    rest(world, 600)
    (item,) = items(world, "consent")
    with pytest.raises(UsageError, match="is no answer to this question") as refused:
        reviewing.resolve(world.works, world.workspace, item.id, answer=slip, by="Ann")
    assert refused.value.fix == "Answer accept, ignore."
    rest(world, 600)
    assert questions(world) == ["consent"]
    assert sum(n for call, n in world.visma.calls.items() if call.startswith("POST /v2")) == 0


def test_a_ledger_that_does_not_post_what_is_released_is_told_of_once(open_world: Open) -> None:
    world = open_world()
    world.ledger("set_preferences", auto_post_on_release=False)
    world.sell()
    rest(world, 600)
    world.sell()
    rest(world, 600)
    (question,) = items(world, "not-posted")
    assert "Visma" in question.sentence
    assert states(world)[("payment", "posted")] == 2
    answer(world, "not-posted", "accept")
    world.ledger("set_preferences", auto_post_on_release=True)
    world.sell()
    rest(world, 600)
    assert questions(world) == []
