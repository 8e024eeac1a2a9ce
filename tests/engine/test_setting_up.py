"""Mistakes in setting up: each is told in words, and nothing half done stays behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ml_connector.engine import connecting, setup
from ml_connector.errors import NotAuthorized, Transient, UsageError
from tests.engine.business_days import rest
from tests.engine.proofs import expect_settled, in_ledger, query
from tests.engine.world import SQUARE_URL, VISMA_URL, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A company and a shop, ready."""
    world = World(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    world.set_up()
    world.clock.advance(3 * 3600)
    yield world
    world.close()


def second_ledger(world: World, secret: str | None = None) -> str:
    """Another company in Visma, connected."""
    company = world.visma.control("seed_company", {"name": "Second AB"}, world.clock.now())
    credentials = {name: company[name] for name in ("client_id", "client_secret", "tenant_id")}
    return connecting.connect(
        world.works, world.workspace, connector="visma", code="v2", title="Visma", by="test", base_url=VISMA_URL,
        credentials=credentials | ({"client_secret": secret} if secret else {}),
        settings={"token_url": f"{VISMA_URL}/connect/token"},
    )  # fmt: skip


def add(world: World, connection_id: str, name: str = "Second AB", time_zone: str = "Europe/Stockholm") -> str:
    return setup.add_company(
        world.works, world.workspace, connection_id=connection_id, name=name, time_zone=time_zone, go_live=None, by="t"
    )


def renew(world: World, code: str = "sq", **credentials: str) -> Any:
    return connecting.renew(
        world.works, world.workspace, code=code, credentials=credentials, settings={}, base_url=None, by="Ann"
    )


def test_a_company_whose_ledger_does_not_answer_is_not_kept_and_added_again(world: World) -> None:
    ledger = second_ledger(world)
    broken = world.fail("visma", "/v1", {"kind": "status", "status": 503}, times=None)
    with pytest.raises(Transient):
        add(world, ledger)
    assert query(world, "SELECT name FROM company") == [("Retail AB",)]
    world.visma.remove(broken)
    add(world, ledger)
    assert query(world, "SELECT name, base_currency FROM company ORDER BY name") == [
        ("Retail AB", "EUR"),
        ("Second AB", "SEK"),
    ]


def test_a_company_needs_a_name_a_ledger_and_a_time_zone_of_its_own(world: World) -> None:
    ledger = second_ledger(world)
    with pytest.raises(UsageError, match="a company of this name already"):
        add(world, ledger, name="Retail AB")
    with pytest.raises(UsageError, match="Retail AB keeps its books over this connection already"):
        add(world, world.visma_id)
    with pytest.raises(UsageError, match="Europe/Stokholm is no time zone"):
        add(world, ledger, time_zone="Europe/Stokholm")
    with pytest.raises(UsageError, match=r"never written to|chart of accounts"):
        add(world, world.square_id)
    assert len(query(world, "SELECT id FROM company")) == 1


def test_a_route_that_is_there_is_not_added_again(world: World) -> None:
    with pytest.raises(UsageError, match="Retail AB has this route already") as refused:
        setup.add_route(
            world.works, company_id=world.company_id, flow="square_to_visma", source_id=world.square_id,
            terms=world.terms, posting="off", by="test",
        )  # fmt: skip
    assert world.route_id in refused.value.fix


def test_an_account_is_connected_once(world: World) -> None:
    connecting.ping(world.works, world.square_id)
    again = connecting.connect(
        world.works, world.workspace, connector="square", code="sq2", title="Square", by="test", base_url=SQUARE_URL,
        credentials={"access_token": world.shop["pat"]}, settings={},
    )  # fmt: skip
    with pytest.raises(UsageError, match="is connected already, as sq"):
        connecting.ping(world.works, again)


def test_credentials_are_renewed_only_by_such_as_work_and_are_of_the_same_account(world: World) -> None:
    connecting.ping(world.works, world.square_id)
    other = world.square.control("seed_merchant", {"name": "Another"}, world.clock.now())
    with pytest.raises(NotAuthorized, match=r"does not accept .* Nothing was changed\."):
        renew(world, access_token="EAAAwrong")
    with pytest.raises(UsageError, match=f"These are credentials of {other['merchant_id']}"):
        renew(world, access_token=other["pat"])
    with pytest.raises(UsageError, match="Unknown: token"):
        renew(world, token="x")
    world.sell()
    rest(world)
    assert len(in_ledger(world)) == 1, "the old ones still serve"


def test_a_connection_that_was_paused_for_its_credentials_works_again_with_new_ones(world: World) -> None:
    connecting.ping(world.works, world.square_id)
    world.sell()
    world.square.control("revoke_token", {"token": world.shop["pat"], "only_this": True}, world.clock.now())
    rest(world, 1200)
    assert query(world, "SELECT state FROM connection WHERE code = 'sq'") == [("paused",)]
    assert renew(world, access_token=world.shop["oauth_token"]).account == world.shop["merchant_id"]
    rest(world)
    expect_settled(world)
    assert len(in_ledger(world)) == 1
    told = query(world, "SELECT facts FROM audit_event WHERE verb = 'credentials renewed'")
    assert len(told) == 1
    assert world.shop["oauth_token"] not in str(told)
