"""Square customers that were merged, through the whole engine: bound once, booked once, asked about once, traced."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ml_connector.engine import reviewing, tracing
from ml_connector.errors import UsageError
from ml_connector.store.inbox_writer import InboxWriter
from ml_connector.store.notices import Notice
from tests.engine.proofs import expect_settled, in_ledger, query, states
from tests.engine.world import World

NUMBERS = "SELECT our_key, remote_id FROM binding WHERE kind = 'customer' ORDER BY our_key"


def opened(world: World, **terms: Any) -> Iterator[World]:
    world.set_up(**terms)
    world.clock.advance(60)
    world.run()
    yield world
    world.close()


@pytest.fixture
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    """A shop whose route posts, or does what the parameter says."""
    yield from opened(World(f"sqlite:///{tmp_path / 'main.db'}", tmp_path), posting=getattr(request, "param", "on"))


@pytest.fixture
def on_both(database_url: str, inbox_url: str, tmp_path: Path) -> Iterator[World]:
    """The same on SQLite and on PostgreSQL."""
    yield from opened(World(database_url, tmp_path, inbox_url=inbox_url))


def customer(world: World, name: str) -> str:
    return str(world.do("customer", company_name=name, phone_number="+4712345678")["customer_id"])


def bill(world: World, customer_id: str) -> str:
    lines = [{"amount": 9900, "tax": "25"}]
    return str(world.do("invoice", lines=lines, due_date="2026-04-10", customer_id=customer_id)["invoice_id"])


def ring(world: World, **named: str) -> None:
    """Webhooks came, each naming one record."""
    writer = InboxWriter(world.works.database)
    writer.start()
    for kind, external_id in named.items():
        one = Notice(
            id=world.works.ids.new(), door_id="D", kind=kind, external_id=external_id, received_at=world.works.now(),
            workspace_id=world.workspace, connection_id=world.square_id,
        )  # fmt: skip
        assert writer.submit(one).result(10) == "stored"
    writer.stop()


def merge(world: World, *old: str, told: bool = True) -> str:
    """Square merges customers, and rings for it or does not."""
    new = str(world.do("customer", merge=list(old))["customer_id"])
    for one in old if told else ():
        ring(world, customer=one, succession=f"{one}@{new}")
    if told:
        ring(world, customer=new)
    return new


def rest(world: World, *invoices: str) -> None:
    """What these invoices ring for is read, and everything comes to rest."""
    for one in invoices:
        ring(world, invoice=one)
    world.pass_time(700, step=50)


def trip_state(world: World, kind: str, external_id: str) -> tuple[str, str | None]:
    sql = "SELECT t.state, t.reason FROM trip t JOIN record r ON r.id = t.record_id"
    ((state, reason),) = query(world, f"{sql} WHERE r.kind = :k AND r.external_id = :x", k=kind, x=external_id)
    return state, reason


@pytest.mark.parametrize("repoints", [False, True])
def test_the_binding_follows_to_the_customer_that_stays_and_nothing_is_doubled(world: World, repoints: bool) -> None:
    world.do("knobs", merge_repoints=repoints)
    first, second = customer(world, "Harbour"), customer(world, "Harbor")
    before = bill(world, first)
    ring(world, customer=second)
    rest(world, before)
    new = merge(world, first, second)
    after = bill(world, new)
    rest(world, before, after)
    world.do("invoice_pay", invoice_id=before)
    rest(world, before)
    assert states(world)[("invoice", "posted")] == 2
    assert world.visma.calls["POST /v1/customer"] == 1
    assert [key for key, _ in query(world, NUMBERS)] == [f"sq:cus:{first}"]
    assert trip_state(world, "customer", new)[0] == "posted", "it keeps the card up"
    told = f"it is customer {new} now, which is in the ledger for both"
    assert trip_state(world, "customer", second) == ("ignored", told)
    assert query(world, "SELECT code FROM review_item WHERE state = 'open'") == []
    expect_settled(world)
    for name in (first, new):
        stories = tracing.trace(world.works, world.workspace, name)
        assert {one.external_id for one in stories if one.kind == "customer"} >= {first, second, new}
        words = [moment.told for one in stories for moment in one.moments]
        assert any(f"became another: customer {first} is {new} now" in one for one in words)


def test_two_that_are_bound_apart_are_asked_about_once_and_the_answer_counts_from_then_on(on_both: World) -> None:
    world = on_both
    first, second = customer(world, "Harbour"), customer(world, "Bakery")
    old = bill(world, first), bill(world, second)
    rest(world, *old)
    bound = dict(query(world, NUMBERS))
    new = merge(world, first, second)
    later = bill(world, new), bill(world, new)
    rest(world, *old, *later)
    items = reviewing.open_items(world.works, world.workspace)
    assert {one.code for one in items} == {"party-merged"}
    assert len(items) == 3, "the customer and two invoices ask the same"
    kept = bound[f"sq:cus:{second}"]
    assert reviewing.answers_to(items[0])[:2] == tuple(sorted(bound.values()))
    with pytest.raises(UsageError, match="no answer"):
        reviewing.resolve(world.works, world.workspace, items[0].id, answer="99999", by="Ann")
    reviewing.resolve(world.works, world.workspace, items[0].id, answer=kept, by="Ann")
    assert reviewing.open_items(world.works, world.workspace) == [], "one answer is enough"
    rest(world, bill(world, new))
    for one in old:
        world.do("invoice_pay", invoice_id=one)
    rest(world, *old)
    assert states(world)[("invoice", "posted")] == 5
    assert world.visma.calls["POST /v1/customer"] == 2
    booked = query(world, "SELECT content FROM planned_write WHERE kind = 'customer_invoice' AND state = 'done'")
    assert sum(f"sq:cus:{second}" in content for (content,) in booked) == 4
    decided = query(world, "SELECT facts FROM audit_event WHERE verb = 'decided'")
    assert len(decided) == 3
    assert reviewing.open_items(world.works, world.workspace) == []
    expect_settled(world)


def test_a_merge_that_only_polling_saw_leaves_what_is_booked_and_asks_before_it_makes_a_twin(world: World) -> None:
    world.do("knobs", merge_repoints=True)
    first, second = customer(world, "Harbour"), customer(world, "Harbor")
    before = bill(world, first)
    rest(world, before)
    ((_, number),) = query(world, NUMBERS)
    new = merge(world, first, second, told=False)
    after = bill(world, new)
    rest(world, before, after)
    assert trip_state(world, "invoice", before)[0] == "posted"
    (item,) = reviewing.open_items(world.works, world.workspace)
    assert item.code == "party-merged-untold"
    reviewing.resolve(world.works, world.workspace, item.id, answer=f"number:{number}", by="Ann")
    rest(world, bill(world, new))
    assert states(world)[("invoice", "posted")] == 3
    assert world.visma.calls["POST /v1/customer"] == 1
    ring(world, succession=f"{first}@{new}")
    rest(world, before, after)
    assert reviewing.open_items(world.works, world.workspace) == [], "told late, it changes nothing"
    assert len(in_ledger(world)) == 3
    expect_settled(world)


def test_an_invoice_to_one_that_square_lost_is_asked_about_and_goes_on_when_the_merge_is_told(world: World) -> None:
    first, second = customer(world, "Harbour"), customer(world, "Harbor")
    made = bill(world, first)
    new = merge(world, first, second, told=False)
    rest(world, made)
    (item,) = reviewing.open_items(world.works, world.workspace)
    assert item.code == "customer-gone"
    ring(world, succession=f"{first}@{new}")
    rest(world)
    assert trip_state(world, "invoice", made)[0] == "posted"
    assert [key for key, _ in query(world, NUMBERS)] == [f"sq:cus:{new}"]
    expect_settled(world)


@pytest.mark.parametrize("world", ["approve"], indirect=True)
def test_a_card_that_waits_for_consent_is_not_planned_a_second_time_for_the_one_that_stays(world: World) -> None:
    first, second = customer(world, "Harbour"), customer(world, "Harbor")
    before = bill(world, first)
    rest(world, before)
    new = merge(world, first, second)
    rest(world, before, bill(world, new))
    for _ in range(3):  # a card before its invoice, each with its own consent
        for item in reviewing.open_items(world.works, world.workspace):
            assert item.code == "consent"
            reviewing.resolve(world.works, world.workspace, item.id, answer="accept", by="Ann")
        rest(world)
    assert states(world)[("invoice", "posted")] == 2
    assert world.visma.calls["POST /v1/customer"] == 1
    assert [key for key, _ in query(world, NUMBERS)] == [f"sq:cus:{first}"]
    expect_settled(world)
