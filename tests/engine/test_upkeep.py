"""Upkeep of the inbox: webhooks of accounts that nobody knew when they came, and walls between workspaces."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from ml_connector.clock import HandClock
from ml_connector.connectors import webhooks_of
from ml_connector.engine import upkeep
from ml_connector.engine.door import OpenDoor
from ml_connector.engine.door_rows import DoorRows
from ml_connector.store import connection_rows, reviews, setups, webhook_doors
from ml_connector.store.database import Database
from ml_connector.store.inbox_writer import InboxWriter
from ml_connector.store.migrations import migrate
from ml_connector.store.notices import Notice
from tests.engine.runner import bare_works

WEEK_S = 7 * 86_400


class Street:
    """Doors and shops of several workspaces."""

    def __init__(self, database_url: str) -> None:
        self.clock = HandClock(datetime(2026, 3, 10, 6, 0, tzinfo=UTC))
        self.works = bare_works(Database(database_url), self.clock)
        migrate(self.works.database)

    def workspace(self, name: str) -> str:
        with self.works.database.writing() as c:
            return setups.ensure_workspace(c, name=name, now=self.works.now())

    def door(self, workspace_id: str | None) -> str:
        with self.works.database.writing() as c:
            return webhook_doors.add(
                c, workspace_id=workspace_id, connection_id=None, connector="square", path_hash=str(workspace_id),
                settings={}, ids=self.works.ids, now=self.works.now(),
            )  # fmt: skip

    def connect(self, workspace_id: str, account: str) -> str:
        with self.works.database.writing() as c:
            made = connection_rows.add(
                c, workspace_id=workspace_id, connector="square", code="sq", title="Shop", base_url=None, settings={},
                ids=self.works.ids, now=self.works.now(),
            )  # fmt: skip
            connection_rows.change(c, made, account_ref=account)
        return made

    def ring(self, door_id: str, account: str, workspace_id: str | None = None) -> str:
        one = Notice(
            id=self.works.ids.new(), door_id=door_id, received_at=self.works.now(), workspace_id=workspace_id,
            kind="payment", external_id="P1", body="{}", account_ref=account,
        )  # fmt: skip
        writer = InboxWriter(self.works.database)
        writer.start()
        assert writer.submit(one).result(10) == "stored"
        writer.stop()
        return one.id

    def look_after(self) -> None:
        self.clock.advance(61)
        upkeep.look_after_inbox(self.works)

    def notice(self, notice_id: str) -> tuple[Any, ...]:
        """(state, connection) of a notice."""
        query = text("SELECT state, connection_id FROM notice WHERE id = :id")
        with self.works.database.inbox_reading() as c:
            return tuple(c.execute(query, {"id": notice_id}).one())

    def questions(self, workspace_id: str) -> list[tuple[str, str]]:
        with self.works.database.reading() as c:
            return [(one.code, one.field) for one in reviews.open_items(c, workspace_id)]

    def directly(self, door_id: str, workspace_id: str | None, account: str) -> tuple[str, str] | None:
        """Whom a delivery rings at once."""
        door = OpenDoor(door_id, "square", workspace_id, None, "", (), webhooks_of("square"), 0)
        return DoorRows(self.works).account(door, account)


@pytest.fixture
def street(database_url: str) -> Iterator[Street]:
    made = Street(database_url)
    yield made
    made.works.database.close()


def test_an_unknown_account_is_asked_about_once_and_rings_when_it_is_connected(street: Street) -> None:
    mine = street.workspace("mine")
    door = street.door(mine)
    notice = street.ring(door, "M1", mine)
    for _ in range(3):
        street.look_after()
    assert street.questions(mine) == [("account-unknown", "M1")]
    assert street.notice(notice) == ("open", None)
    shop = street.connect(mine, "M1")
    street.look_after()
    assert street.notice(notice) == ("open", shop)


def test_a_webhook_never_rings_in_another_workspace_than_its_door(street: Street) -> None:
    mine, theirs = street.workspace("mine"), street.workspace("theirs")
    door = street.door(mine)
    street.connect(theirs, "M1")
    notice = street.ring(door, "M1", mine)
    street.look_after()
    assert street.notice(notice) == ("open", None)
    assert street.questions(theirs) == []
    assert street.directly(door, mine, "M1") is None


def test_an_account_of_two_workspaces_rings_at_the_door_of_each(street: Street) -> None:
    mine, theirs = street.workspace("mine"), street.workspace("theirs")
    shops = {one: street.connect(one, "M1") for one in (mine, theirs)}
    for one, shop in shops.items():
        door = street.door(one)
        notice = street.ring(door, "M1", one)
        street.look_after()
        assert street.notice(notice) == ("open", shop)
        assert street.directly(door, one, "M1") == (one, shop)


def test_a_door_of_no_workspace_chooses_only_where_one_workspace_has_the_account(street: Street) -> None:
    mine, theirs, default = (street.workspace(name) for name in ("mine", "theirs", setups.DEFAULT_WORKSPACE))
    door = street.door(None)
    shop = street.connect(mine, "M1")
    assert street.directly(door, None, "M1") == (mine, shop)
    street.connect(theirs, "M1")
    assert street.directly(door, None, "M1") is None
    shared, unknown = street.ring(door, "M1"), street.ring(door, "M2")
    street.look_after()
    assert {street.notice(shared), street.notice(unknown)} == {("open", None)}
    assert [street.questions(one) for one in (mine, theirs, default)] == [[], [], []], "nobody hears of another's shop"


def test_a_notice_that_nobody_claims_is_given_up_after_a_week(street: Street) -> None:
    mine = street.workspace("mine")
    notice = street.ring(street.door(mine), "M1", mine)
    street.clock.advance(WEEK_S)
    street.look_after()
    assert street.notice(notice) == ("dead", None)
