"""What is due is found by a few questions to the database, however many companies an install serves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from ml_connector.engine import connecting, setup
from ml_connector.engine.units import Unit, due_units
from ml_connector.finance.rulebook import Terms
from tests.engine.world import SQUARE_URL, VISMA_URL, World


@contextmanager
def counted() -> Iterator[list[str]]:
    """Every statement that any database is asked meanwhile."""
    asked: list[str] = []

    def ask(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", ask)
    yield asked
    event.remove(Engine, "before_cursor_execute", ask)


def more_companies(world: World, first: int, last: int) -> None:
    """More books with a shop each; nothing is ever read for them."""
    for n in range(first, last):
        seeded = world.visma.control("seed_company", {"base_currency": "EUR"}, world.clock.now())
        ledger = connecting.connect(
            world.works, world.workspace, connector="visma", code=f"vn{n}", title=f"Visma {n}", by="test",
            base_url=VISMA_URL, credentials={key: seeded[key] for key in ("client_id", "client_secret", "tenant_id")},
            settings={"token_url": f"{VISMA_URL}/connect/token"},
        )  # fmt: skip
        shop = connecting.connect(
            world.works, world.workspace, connector="square", code=f"sq{n}", title=f"Square {n}", by="test",
            base_url=SQUARE_URL, credentials={"access_token": f"a{n}"}, settings={},
        )  # fmt: skip
        company = setup.add_company(
            world.works, world.workspace, connection_id=ledger, name=f"Company {n}", time_zone="Europe/Dublin",
            go_live=date(2026, 3, 1), by="test",
        )  # fmt: skip
        setup.add_route(
            world.works, company_id=company, flow="square_to_visma", source_id=shop, terms=Terms(mode="daily"),
            posting="on", by="test",
        )  # fmt: skip


def test_more_companies_make_no_more_questions(database_url: str, inbox_url: str, tmp_path: Path) -> None:
    world = World(database_url, tmp_path, inbox_url=inbox_url)
    world.set_up(mode="batch", batch_age_s=600)
    world.clock.advance(3 * 3600)
    world.sell()
    world.clock.advance(300)
    world.run()
    found = []
    for first, last in ((0, 2), (2, 12)):
        more_companies(world, first, last)
        with counted() as asked:
            due_units(world.works)
        found.append(len(asked))
    assert found[0] == found[1], asked
    assert found[0] < 30
    assert Unit("drain", world.company_id) not in due_units(world.works)
    world.clock.advance(600)
    assert Unit("drain", world.company_id) in due_units(world.works), "the pool is of age"
    world.close()
