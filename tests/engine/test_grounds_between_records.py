"""Records that need one another's writes: in whatever order they are planned, and where what is needed never comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ml_connector.connectors import SYSTEMS
from ml_connector.engine import connecting, reviewing, setup
from ml_connector.finance.documents import Party
from ml_connector.finance.invoices import PartyCard
from ml_connector.finance.plan import Ignore, Plan, PlannedWrite, Verdict
from ml_connector.flows import FLOWS
from ml_connector.flows.flow import Flow
from tests.engine.proofs import query
from tests.engine.test_targets import Keeper, keeper_system
from tests.engine.world import World

Open = Callable[[dict[str, tuple[str, ...]]], World]


def key_of(number: str) -> str:
    return f"kp:cus:{number}"


def flow_of(needed: dict[str, tuple[str, ...]]) -> Flow:
    """Each customer of the ledger becomes a card that needs those of these other numbers; `!` ignores the record."""

    def plan(document: Any, related: Any, **_: Any) -> Verdict:
        del related
        assert isinstance(document, Party)
        wants = needed.get(document.id, ())
        if document.id not in needed:
            return Ignore("not of this test")
        if "!" in wants:
            return Ignore("nobody wants it")
        key = key_of(document.id)
        card = PartyCard("customer", document.name, key)
        return Plan((PlannedWrite(key, "customer", card, needs=tuple(key_of(one) for one in wants)),))

    return Flow(
        name="visma_to_keeper", source="visma", target="keeper", kinds=("customer",), roles=(),
        needs=lambda *_: (), plan=plan, links=lambda _: (),
    )  # fmt: skip


@pytest.fixture
def open_world(tmp_path: Path) -> Iterator[Open]:
    opened: list[World] = []

    def make(needed: dict[str, tuple[str, ...]]) -> World:
        world = World(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
        opened.append(world)
        flow = flow_of(needed)
        world.works = replace(
            world.works, flows={**FLOWS, flow.name: flow}, systems={**SYSTEMS, "keeper": keeper_system(Keeper())}
        )
        world.set_up()
        target = connecting.connect(
            world.works, world.workspace, connector="keeper", code="kp", title="Keeper", by="test", credentials={},
            settings={}, base_url=None,
        )  # fmt: skip
        setup.add_route(
            world.works, company_id=world.company_id, flow=flow.name, source_id=world.visma_id, target_id=target,
            terms=world.terms, posting="on", by="test",
        )  # fmt: skip
        return world

    yield make
    for world in opened:
        world.close()


def customers(world: World) -> list[str]:
    described = world.visma.control("companies", {"tenant_id": world.company["tenant_id"]}, world.clock.now())
    return sorted(one["number"] for one in described["customers"])


def trips(world: World) -> dict[str, tuple[str, str | None]]:
    rows = query(
        world, "SELECT r.external_id, t.state, t.reason FROM trip t JOIN record r ON r.id = t.record_id "
        "WHERE r.kind = 'customer' AND t.state <> 'ignored'",
    )  # fmt: skip
    return {row[0]: (row[1], row[2]) for row in rows}


def first_two(tmp_path: Path) -> tuple[str, str]:
    world = World(f"sqlite:///{tmp_path / 'look.db'}", tmp_path / "look")
    world.set_up()
    found = customers(world)
    world.close()
    return found[0], found[1]


@pytest.fixture
def two(tmp_path: Path) -> tuple[str, str]:
    """The numbers of two customers that every pretend ledger has."""
    (tmp_path / "look").mkdir()
    return first_two(tmp_path)


@pytest.mark.parametrize("turned", [False, True])
def test_who_needs_another_of_the_same_round_goes_with_it(open_world: Open, two: tuple[str, str], turned: bool) -> None:
    first, second = reversed(two) if turned else two
    world = open_world({first: (second,), second: ()})
    world.pass_time(120)
    assert {state for state, _ in trips(world).values()} == {"posted"}


def test_what_needs_itself_in_a_circle_stops_nothing_else(open_world: Open, two: tuple[str, str]) -> None:
    first, second = two
    world = open_world({first: (second,), second: (first,)})
    world.sell()
    world.pass_time(700)
    assert {state for state, _ in trips(world).values()} <= {"planned", "waiting"}
    assert world.books()


def test_what_is_read_nowhere_is_waited_for_in_words_and_then_asked_about(
    open_world: Open, two: tuple[str, str]
) -> None:
    first, _ = two
    world = open_world({first: ("NOBODY",)})
    world.pass_time(120)
    assert trips(world) == {first: ("waiting", "Waits for kp:cus:NOBODY, whose record is not read yet.")}
    world.pass_time(76 * 3600, step=4 * 3600)
    assert trips(world)[first][0] == "held"
    assert {one.code for one in reviewing.open_items(world.works, world.workspace)} == {"waited-too-long"}


def test_what_its_own_record_ignores_is_asked_about_at_once(open_world: Open, two: tuple[str, str]) -> None:
    first, second = two
    world = open_world({first: (second,), second: ("!",)})
    world.pass_time(120)
    (item,) = reviewing.open_items(world.works, world.workspace)
    assert item.code == "need-ignored"
    assert item.sentence.startswith(f"kp:cus:{first} needs kp:cus:{second}, whose record is ignored: nobody wants it.")
