"""The ledger and the network at their worst: whatever a call does, each record stands in the books exactly once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ml_connector.engine import connecting, draining, replaying, reviewing, setup
from ml_connector.errors import StorageUnavailable
from tests.engine.proofs import drafts, expect_settled, in_ledger, lines_in_ledger, query, questions, states
from tests.engine.world import World

CREATE = "POST /v2/journaltransaction"
RELEASE = "POST /v2/journaltransaction/{batchNumber}/action/release"
LIST = "GET /v2/journaltransaction"
TOKEN = "POST /connect/token"

LOST_ANSWERS: list[tuple[str, str | dict[str, Any]]] = [
    (CREATE, "cut_before"),
    (CREATE, "cut_after"),
    (CREATE, {"kind": "timeout_before", "seconds": 60}),
    (CREATE, {"kind": "timeout_after", "seconds": 60}),
    (CREATE, {"kind": "delay_commit", "seconds": 240}),
    (CREATE, {"kind": "delay_commit", "seconds": 50, "answer": "hold"}),
    (CREATE, {"kind": "status", "status": 503}),
    (CREATE, {"kind": "status", "status": 500, "when": "after"}),
    (CREATE, {"kind": "status", "status": 429}),
    (CREATE, {"kind": "status", "status": 429, "retry_after": 90}),
    (CREATE, {"kind": "status", "status": 401}),
    (CREATE, "truncate"),
    (CREATE, {"kind": "slow", "seconds": 25}),
    (RELEASE, "cut_before"),
    (RELEASE, "cut_after"),
    (RELEASE, {"kind": "timeout_after", "seconds": 60}),
    (RELEASE, {"kind": "status", "status": 429, "retry_after": 90}),
    (RELEASE, {"kind": "status", "status": 502}),
    (RELEASE, {"kind": "status", "status": 500, "when": "after"}),
    (RELEASE, "truncate"),
    (LIST, {"kind": "status", "status": 503}),
    (LIST, "truncate"),
    (TOKEN, {"kind": "status", "status": 503}),
    (TOKEN, {"kind": "status", "status": 429, "retry_after": 30}),
    ("GET /v1/account", {"kind": "status", "status": 503}),
    ("GET /v1/vat", "cut_before"),
]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Three sales of this morning that nobody has read yet."""
    made = World(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    made.set_up()
    sell_three(made)
    yield made
    made.close()


def sell_three(world: World) -> None:
    """Sales of 125.00, 50.00 and 30.00."""
    world.clock.advance(3 * 3600)
    for amount, tax in ((12500, "25"), (5000, "25"), (3000, "12")):
        world.sell(lines=[{"amount": amount, "tax": tax}])
    world.clock.advance(300)


def rest(world: World, *, seconds: float = 1500, step: float = 60) -> None:
    """Time passes until everything has settled."""
    world.run()
    world.pass_time(seconds, step=step)


def gross(world: World) -> int:
    """Cents debited in the books."""
    return sum(round(100 * float(line["debit"])) for one in in_ledger(world) for line in one["lines"])


@pytest.mark.parametrize(
    ("operation", "effect"),
    LOST_ANSWERS,
    ids=[f"{o} {e['kind'] if isinstance(e, dict) else e}" for o, e in LOST_ANSWERS],
)
def test_a_call_that_goes_wrong_leaves_each_sale_in_the_books_once(
    world: World, operation: str, effect: str | dict[str, Any]
) -> None:
    world.fail("visma", operation, effect)
    rest(world)
    world.visma.remove()
    expect_settled(world)
    assert gross(world) == 20500
    assert questions(world) == []


def test_every_answer_lost_for_ten_minutes(world: World) -> None:
    rule = world.fail("visma", CREATE, "cut_after", times=None)
    world.run()
    world.visma.remove(rule)
    rest(world)
    expect_settled(world)
    assert len(in_ledger(world)) == 3


def test_a_second_unknown_outcome_asks_a_person(world: World) -> None:
    world.fail("visma", CREATE, "cut_before", times=6)
    rest(world)
    assert questions(world) == ["twice-unknown"] * 3
    for item in reviewing.open_items(world.works, world.workspace):
        reviewing.resolve(world.works, world.workspace, item.id, answer="send-again", by="Ann")
    rest(world)
    expect_settled(world)
    assert gross(world) == 20500


def test_a_limit_reached_is_waited_out(world: World) -> None:
    world.fail("visma", CREATE, {"kind": "status", "status": 429, "retry_after": 300})
    world.run()
    before = world.visma.calls[CREATE]
    world.pass_time(200, step=20)
    assert world.visma.calls[CREATE] == before == 3, "the two others were sent, the limited one waits"
    rest(world)
    expect_settled(world)


def test_a_limited_release_waits_as_long_as_it_was_told(world: World) -> None:
    world.fail("visma", RELEASE, {"kind": "status", "status": 429, "retry_after": 300})
    world.run()
    world.pass_time(200, step=20)
    assert world.visma.calls[RELEASE] == 3
    rest(world)
    expect_settled(world)


def test_a_token_that_expires_meanwhile_is_renewed(world: World) -> None:
    world.fail("visma", CREATE, {"kind": "control", "verb": "expire_tokens", "arguments": {}})
    rest(world)
    expect_settled(world)
    assert gross(world) == 20500


def test_a_withdrawn_approval_pauses_in_words_and_works_again_after_a_ping(world: World) -> None:
    world.run(only=lambda unit: unit.kind != "drain")
    world.ledger("revoke_tenant", state="revoked")
    world.ledger("expire_tokens")
    rest(world, seconds=600)
    assert questions(world) == ["connection-paused"]
    item = reviewing.open_items(world.works, world.workspace)[0]
    assert "approves its scopes" in item.sentence
    calls = sum(world.visma.calls.values())
    world.pass_time(3600, step=120)
    assert sum(world.visma.calls.values()) == calls, "a paused connection is left alone"
    world.ledger("approve_tenant", state="approved")
    assert connecting.ping(world.works, world.visma_id).ok
    rest(world)
    expect_settled(world)
    assert gross(world) == 20500
    assert questions(world) == []


def test_a_revoked_source_token_pauses_the_source_alone(world: World) -> None:
    world.run()
    world.do("revoke_token", token=world.shop["pat"], only_this=True)
    world.clock.advance(4000)
    world.run()
    assert questions(world) == ["connection-paused"]
    assert query(world, "SELECT code, state FROM connection ORDER BY code") == [("sq", "paused"), ("vn", "active")]


def test_a_period_closed_before_sending_holds_the_sales(world: World) -> None:
    world.ledger("close_period", period="202603")
    rest(world)
    assert states(world)[("payment", "held")] == 3
    assert world.visma.calls[CREATE] == 0
    world.ledger("open_period", period="202603")
    world.pass_time(4500, step=90)
    expect_settled(world)
    assert gross(world) == 20500


def test_a_period_closed_between_draft_and_release_asks_a_person(world: World) -> None:
    world.fail("visma", CREATE, {"kind": "control", "verb": "close_period", "arguments": {"period": "202603"}})
    rest(world)
    assert set(questions(world)) <= {"release-refused", "refused", "period-closed"}
    assert in_ledger(world) == []
    world.ledger("open_period", period="202603")
    for item in reviewing.open_items(world.works, world.workspace, code="release-refused"):
        reviewing.resolve(world.works, world.workspace, item.id, answer="release-again", by="Ann")
    world.pass_time(3600, step=60)
    for item in reviewing.open_items(world.works, world.workspace, code="refused"):
        reviewing.resolve(world.works, world.workspace, item.id, answer="plan-again", by="Ann")
    rest(world)
    expect_settled(world)
    assert gross(world) == 20500


def test_an_account_deactivated_in_the_ledger_is_seen_before_sending(world: World) -> None:
    setup.switch_posting(world.works, world.route_id, "off", by="Ann")
    world.run()
    assert states(world)[("payment", "planned")] == 3
    world.ledger("deactivate_account", number="3001")
    world.clock.advance(700)
    setup.switch_posting(world.works, world.route_id, "on", by="Ann")
    rest(world)
    assert states(world)[("payment", "held")] == 2
    assert states(world)[("payment", "posted")] == 1
    assert world.visma.calls[CREATE] == 1
    world.ledger("set_account", number="3001", active=True)
    world.pass_time(4500, step=90)
    expect_settled(world)
    assert gross(world) == 20500


def test_an_account_deactivated_after_the_chart_was_read_is_refused_in_words(world: World) -> None:
    world.run(only=lambda unit: unit.kind != "drain")
    world.fail(
        "visma", CREATE, {"kind": "control", "verb": "deactivate_account", "arguments": {"number": "3001"}}, skip=2
    )
    world.fail(
        "visma",
        "GET /v1/paymentmethod",
        {"kind": "control", "verb": "deactivate_account", "arguments": {"number": "3001"}},
    )
    rest(world)
    assert states(world)[("payment", "held")] == 2
    world.ledger("set_account", number="3001", active=True)
    for item in reviewing.open_items(world.works, world.workspace):
        reviewing.resolve(world.works, world.workspace, item.id, answer="plan-again", by="Ann")
    rest(world)
    expect_settled(world)
    assert gross(world) == 20500


def test_a_draft_that_was_changed_is_not_released(world: World) -> None:
    changed: list[str] = []

    def meddle(call: str) -> None:
        if call.startswith("GET /v2/journaltransaction") and not changed:
            changed.append(change_first_draft(world))

    world.during = meddle
    rest(world)
    assert questions(world) == ["differs"]
    assert len(in_ledger(world)) == 2
    assert len(drafts(world)) == 1
    item = reviewing.open_items(world.works, world.workspace)[0]
    reviewing.resolve(world.works, world.workspace, item.id, answer="cancel", by="Ann")
    trip = query(world, "SELECT id FROM trip WHERE state = 'held'")[0][0]
    replaying.replay_trips(world.works, world.workspace, [trip], by="Ann")
    rest(world)
    expect_settled(world, strays=True)
    assert gross(world) == 20500
    assert len(drafts(world)) == 1


def change_first_draft(world: World) -> str:
    """A person changes a draft in Visma: other amounts."""
    company = next(iter(world.visma.vendor.tenants.values()))  # type: ignore[attr-defined]
    batch = next(one for one in company.ledger.batches.values() if one.status != "Posted")
    for line in batch.lines:
        line.debit, line.credit = line.debit * 2, line.credit * 2
    return str(batch.number)


def test_a_second_worker_finds_the_company_busy(world: World) -> None:
    world.run(only=lambda unit: unit.kind != "drain")
    seen: list[bool] = []
    other = world.new_works("worker-2")

    def meanwhile(call: str) -> None:
        if call.startswith(CREATE) and len(seen) == 0:
            seen.append(draining.drain(other, world.company_id).busy)

    world.during = meanwhile
    rest(world)
    assert seen == [True]
    expect_settled(world)


def test_a_worker_paused_in_a_call_longer_than_its_lease_leaves_at_most_a_stray_draft(world: World) -> None:
    world.run(only=lambda unit: unit.kind != "drain")
    other = world.new_works("worker-2")
    taken: list[bool] = []

    def asleep(call: str) -> None:
        if call.startswith(CREATE) and not taken:
            taken.append(False)
            for _ in range(12):
                world.clock.advance(61)
                taken.append(draining.drain(other, world.company_id).worked)

    world.during = asleep
    rest(world)
    assert any(taken)
    expect_settled(world, strays=True)
    assert gross(world) == 20500
    assert len(drafts(world)) == 1, "the sleeper's own request arrived late: a draft nobody releases"


def test_a_worker_paused_in_a_release_does_no_harm(world: World) -> None:
    world.run(only=lambda unit: unit.kind != "drain")
    other = world.new_works("worker-2")
    taken: list[bool] = []

    def asleep(call: str) -> None:
        if call.endswith("/action/release") and not taken:
            taken.append(False)
            for _ in range(6):
                world.clock.advance(61)
                taken.append(draining.drain(other, world.company_id).worked)

    world.during = asleep
    rest(world)
    assert any(taken)
    expect_settled(world)
    assert gross(world) == 20500


@pytest.mark.parametrize("jump_s", [-7200, -30, 7200, 86_400 * 3])
def test_a_clock_that_jumps_loses_and_doubles_nothing(world: World, jump_s: int) -> None:
    jumped: list[str] = []

    def jump(call: str) -> None:
        if call.startswith(CREATE) and not jumped:
            jumped.append(call)
            world.clock.jump(world.clock.now() + timedelta(seconds=jump_s))

    world.during = jump
    rest(world)
    world.pass_time(3 * 3600, step=300)
    expect_settled(world)
    assert gross(world) == 20500


def test_both_sides_down_for_an_hour(world: World) -> None:
    rules = [world.fail(vendor, "/", "cut_before", times=None) for vendor in ("visma", "square")]
    rest(world, seconds=3600, step=60)
    world.visma.remove(rules[0])
    world.square.remove(rules[1])
    rest(world, seconds=3600, step=60)
    expect_settled(world)
    assert gross(world) == 20500
    assert questions(world) == []
    assert lines_in_ledger(world)


def test_evidence_that_the_ledger_refuses_asks_a_person(tmp_path: Path) -> None:
    world = World(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    world.set_up(mode="batch", batch_age_s=60)
    sell_three(world)
    world.visma.add({"match": {"path": "attachment"}, "effect": {"kind": "status", "status": 400}, "times": None})
    rest(world)
    assert set(questions(world)) == {"draft-missing"}
    assert in_ledger(world) == []
    world.visma.remove()
    for item in reviewing.open_items(world.works, world.workspace):
        reviewing.resolve(world.works, world.workspace, item.id, answer="check-again", by="Ann")
    rest(world)
    expect_settled(world)
    assert gross(world) == 20500
    world.close()


def test_a_job_of_a_document_that_waited_long_to_be_sent_has_its_full_time(world: World) -> None:
    world.ledger("set_preferences", customer_answer="job", job_seconds=30)
    world.fail("visma", "POST /v1/customer", {"kind": "status", "status": 429, "retry_after": 1200})
    who = {"given_name": "Ann", "email_address": "ann@shop.example"}
    world.do("invoice", customer=who, lines=[{"amount": 9900, "tax": "25"}], due_date="2026-04-10")
    rest(world, seconds=3000)
    assert questions(world) == []
    expect_settled(world)
    assert states(world)[("invoice", "posted")] == 1


def test_a_database_locked_by_another_process_delays_and_loses_nothing(tmp_path: Path) -> None:
    world = World(f"sqlite:///{tmp_path / 'main.db'}", tmp_path, patience_s=0.05)
    world.set_up()
    sell_three(world)
    intruder = sqlite3.connect(tmp_path / "main.db", isolation_level=None, check_same_thread=False)
    locked: list[str] = []

    def lock(call: str) -> None:
        if call.startswith("POST /v2/journaltransaction") and call not in locked and not intruder.in_transaction:
            locked.append(call)
            intruder.execute("BEGIN IMMEDIATE")

    world.during = lock
    for _ in range(4):
        try:
            world.run()
        except StorageUnavailable:
            intruder.execute("ROLLBACK")
        world.clock.advance(61)
    assert len(locked) >= 2
    rest(world)
    intruder.close()
    expect_settled(world)
    assert gross(world) == 20500
    world.close()


@pytest.mark.parametrize("moment", [CREATE, "GET /v2/payments", "GET /v1/account"])
def test_a_disk_that_is_full_while_reading_or_posting_loses_and_doubles_nothing(tmp_path: Path, moment: str) -> None:
    world = World(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    world.set_up()
    sell_three(world)
    full: list[str] = []

    def fill(call: str) -> None:
        if call.startswith(moment) and not full:
            full.append(call)
            leave_room(world, 0)

    world.during = fill
    refused: set[str] = set()
    for n in range(5):
        refused |= run_on(world)
        world.clock.advance(61)
        for amount in (1_100 + n, 2_200 + n, 3_300 + n):  # trade goes on; what is read needs room
            world.sell(lines=[{"amount": amount, "tax": "25"}])
        world.clock.advance(300)
    assert full
    assert any("disk of the database is full" in told for told in refused), refused
    leave_room(world, 1_000_000)
    rest(world)
    expect_settled(world)
    assert states(world)[("payment", "posted")] == 18
    assert gross(world) == 20_500 + 5 * 6_600 + 3 * sum(range(5))
    world.close()


def leave_room(world: World, pages: int) -> None:
    """The disk has room for so many more pages of the database."""
    with world.database.writing() as c:
        used = int(c.exec_driver_sql("PRAGMA page_count").scalar_one())
        c.exec_driver_sql(f"PRAGMA max_page_count = {used + pages}")


def run_on(world: World) -> set[str]:
    """Run what is due as a worker does, going on after a failure; what was said."""
    try:
        return {str(one.error) for one in world.run() if one.error}
    except StorageUnavailable as told:
        return {str(told)}
