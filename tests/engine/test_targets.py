"""One company, two systems written to: the ledger as a source, a second target, and the note back into the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from ml_connector.connectors import SYSTEMS
from ml_connector.connectors.shapes import Check, Connector, Context, Created, Observed, Ping, System
from ml_connector.engine import connecting, reviewing, setup
from ml_connector.errors import NotAuthorized, UnknownOutcome, UsageError
from ml_connector.finance.documents import Party
from ml_connector.finance.invoices import PartyCard
from ml_connector.finance.journal import JournalEntry, Posting
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Found, Plan, PlannedWrite
from ml_connector.flows import FLOWS
from ml_connector.flows.flow import Flow
from ml_connector.store import connection_rows, cursors, submissions, writes
from ml_connector.store.tables import cursor
from tests.engine.world import START, World

DAY = START.date()


@dataclass(slots=True)
class Keeper:
    """A system that keeps cards, and whatever the next call is told to do."""

    cards: dict[str, PartyCard] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    next: list[Exception] = field(default_factory=list)

    def create(self, kind: str, content: Any, context: Context) -> Created:
        self.calls.append(f"create {kind} {context.key}")
        fault = self.next.pop(0) if self.next else None
        if isinstance(fault, NotAuthorized):
            raise fault
        number = content.number or f"K{len(self.cards) + 1}"
        self.cards[number] = replace(content, source=context.token)
        if fault is not None:
            raise fault
        return Created(number, number)

    def find(self, kind: str, contexts: Sequence[tuple[Any, Context]]) -> dict[str, list[Observed]]:
        self.calls.append(f"find {kind}")
        tokens = {context.token for _, context in contexts}
        return {
            token: [
                Observed(number, number, "released", "kept", "", 0, None, None, (token,))
                for number, card in self.cards.items()
                if card.source == token
            ]
            for token in tokens
        }

    def look_up(self, kind: str, fields: Mapping[str, str]) -> list[Found]:
        del kind, fields
        return []


def keeper_system(keeper: Keeper) -> System:
    data = Connector(
        name="keeper",
        title="Keeper",
        reads=(),
        writes=("customer",),
        webhooks=False,
        credential_fields=(),
        streams=(),
        hosts=("keeper.example",),
        default_base_url="https://keeper.example",
    )

    def opened(*_: Any, **__: Any) -> Any:
        return keeper  # it offers what these tests call

    return System(
        connector=data,
        open_reader=None,
        open_writer=opened,
        ping=lambda *_, **__: Ping(True, "keeper", (Check("there", True, "It answers."),)),
        translate=None,
        webhooks=None,
    )


def _plan(document: Any, related: Any, **_: Any) -> Plan:
    del related
    assert isinstance(document, Party)
    key = f"vn:cus:{document.id}"
    lines = (
        Posting("3004", Money(100, "EUR"), "sales", key, key[-10:]),
        Posting("1799", Money(-100, "EUR"), "suspense", key, key[-10:]),
    )
    card = PlannedWrite(key, "customer", PartyCard("customer", document.name, key))
    told = PlannedWrite(f"{key}:told", "journal", JournalEntry(DAY, "EUR", lines, "told"), needs=(key,), into="source")
    return Plan((card, told))


FLOW = Flow(
    name="visma_to_keeper",
    source="visma",
    target="keeper",
    kinds=("customer",),
    roles=(),
    needs=lambda *_: (),
    plan=_plan,
    links=lambda _: (),
)


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


@pytest.fixture
def world(tmp_path: Path, keeper: Keeper) -> World:
    world = World(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    flows, systems = {**FLOWS, FLOW.name: FLOW}, {**SYSTEMS, "keeper": keeper_system(keeper)}
    world.works = replace(world.works, flows=flows, systems=systems)
    world.set_up()
    world.keeper_id = connecting.connect(  # type: ignore[attr-defined]
        world.works, world.workspace, connector="keeper", code="kp", title="Keeper", by="test", credentials={},
        settings={}, base_url=None,
    )  # fmt: skip
    return world


def connect_route(world: World) -> str:
    return setup.add_route(
        world.works, company_id=world.company_id, flow=FLOW.name, source_id=world.visma_id,
        target_id=world.keeper_id, terms=world.terms, posting="on", by="test",  # type: ignore[attr-defined]
    )  # fmt: skip


def states(world: World) -> dict[str, str]:
    with world.works.database.reading() as c:
        done = [one for one, _, _ in writes.done_of_company(c, world.company_id)]
        targets = {one.id: one.connector for one in connection_rows.every(c)}
    return {one.key: targets[one.target_id] for one in done if one.key.startswith("vn:")}


def test_what_the_ledger_says_reaches_the_other_system_and_the_ledger_is_told(world: World, keeper: Keeper) -> None:
    connect_route(world)
    world.pass_time(60)
    found = states(world)
    assert keeper.cards
    assert len(found) == 2 * len(keeper.cards)
    assert {where for key, where in found.items() if key.endswith(":told")} == {"visma"}
    assert {where for key, where in found.items() if not key.endswith(":told")} == {"keeper"}
    told = [one for one in world.books() if one["description"].startswith("told")]
    assert len(told) == len(keeper.cards)


def test_both_systems_are_written_to_in_one_drain_and_each_once(world: World, keeper: Keeper) -> None:
    world.sell()
    connect_route(world)
    world.pass_time(700)
    assert len(keeper.calls) == len(set(keeper.calls)) == len(keeper.cards)
    assert [one for one in world.books() if not one["description"].startswith("told")]


def test_an_answer_that_was_lost_is_looked_for_in_the_system_it_went_to(world: World, keeper: Keeper) -> None:
    keeper.next.append(UnknownOutcome("cut", record="one"))
    connect_route(world)
    world.pass_time(400)
    assert "find customer" in keeper.calls
    created = [call for call in keeper.calls if call.startswith("create")]
    assert len(created) == len(set(created)) == len(keeper.cards)
    assert len(states(world)) == 2 * len(keeper.cards)


def test_a_system_that_refuses_our_rights_is_paused_and_the_ledger_goes_on(world: World, keeper: Keeper) -> None:
    keeper.next += [NotAuthorized("Keeper does not know the key.", fix="Enter a new one.")] * 50
    connect_route(world)
    world.sell()
    world.pass_time(700)
    with world.works.database.reading() as c:
        kept = connection_rows.get(c, world.keeper_id)  # type: ignore[attr-defined]
        visma = connection_rows.get(c, world.visma_id)
        waiting = submissions.of_company(c, world.company_id, states=("ready",))
    assert kept is not None
    assert kept.state == "paused"
    assert visma is not None
    assert visma.state == "active"
    assert {one.target_id for one in waiting} == {world.keeper_id}  # type: ignore[attr-defined]
    assert [one for one in world.books() if not one["description"].startswith("told")]
    assert any("Keeper" in item.sentence for item in reviewing.open_items(world.works, world.workspace))


def test_only_the_streams_that_a_flow_books_are_read_from_the_ledger(world: World) -> None:
    connect_route(world)
    world.pass_time(30)
    with world.works.database.reading() as c:
        read = {
            row.stream for row in cursors.due(c, now=world.works.now() + 10**12) if row.connection_id == world.visma_id
        }
    assert read == {"customer"}


def test_a_stream_that_came_after_the_connection_was_made_begins_with_the_route(world: World) -> None:
    with world.works.database.writing() as c:  # a connection of the time before the stream
        c.execute(delete(cursor).where(cursor.c.connection_id == world.visma_id, cursor.c.stream == "customer"))
    connect_route(world)
    with world.works.database.reading() as c:
        begun = cursors.get(c, world.visma_id, "customer")
    assert begun is not None
    assert begun.due_at <= world.works.now()


def test_a_route_whose_ends_are_not_the_ledger_is_refused(world: World) -> None:
    with pytest.raises(UsageError, match="writes to keeper"):
        setup.add_route(
            world.works, company_id=world.company_id, flow=FLOW.name, source_id=world.visma_id, terms=world.terms,
            posting="off", by="test",
        )  # fmt: skip
