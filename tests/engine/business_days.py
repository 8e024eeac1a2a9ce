"""Days of a shop for several tests: time passes, what is asked is answered, and the books are looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ml_connector.engine import reviewing
from tests.engine.proofs import query, turnover
from tests.engine.world import World

Open = Callable[..., World]


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
