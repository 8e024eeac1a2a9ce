"""The sweep: pauses that end, bodies that have been kept long enough, leases of the dead."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from ml_connector.clock import HandClock
from ml_connector.engine import sweep
from ml_connector.engine.works import Works
from ml_connector.store import connection_rows, leases, setups, webhook_doors
from ml_connector.store.database import Database
from ml_connector.store.inbox_writer import InboxWriter
from ml_connector.store.migrations import migrate
from ml_connector.store.notices import Notice
from tests.engine.runner import bare_works

DAY_S = 86_400


class Shop:
    """One connection to a shop, and a door that serves any account."""

    def __init__(self, works: Works) -> None:
        self.works = works
        with works.database.writing() as c:
            self.workspace = setups.ensure_workspace(c, name="default", now=works.now())
            self.door = webhook_doors.add(
                c, workspace_id=self.workspace, connection_id=None, connector="square", path_hash="h", settings={},
                ids=works.ids, now=works.now(),
            )  # fmt: skip

    def connect(self, account: str) -> str:
        with self.works.database.writing() as c:
            connection_id = connection_rows.add(
                c, workspace_id=self.workspace, connector="square", code=account, title=account, base_url=None,
                settings={}, ids=self.works.ids, now=self.works.now(),
            )  # fmt: skip
            connection_rows.change(c, connection_id, account_ref=account)
        return connection_id

    def notice(self, account: str = "MERCHANT", **changes: Any) -> str:
        values = {"kind": "payment", "external_id": "P1", "body": "{}", "account_ref": account, **changes}
        one = Notice(id=self.works.ids.new(), door_id=self.door, received_at=self.works.now(), **values)
        writer = InboxWriter(self.works.database)
        writer.start()
        assert writer.submit(one).result(10) == "stored"
        writer.stop()
        return one.id

    def row(self, notice_id: str) -> tuple[Any, ...]:
        query = text("SELECT state, connection_id, body FROM notice WHERE id = :id")
        with self.works.database.inbox_reading() as c:
            return tuple(c.execute(query, {"id": notice_id}).one())


@pytest.fixture
def clock() -> HandClock:
    return HandClock(datetime(2026, 3, 10, 6, 0, tzinfo=UTC))


@pytest.fixture
def shop(database_url: str, clock: HandClock) -> Iterator[Shop]:
    database = Database(database_url)
    migrate(database)
    yield Shop(bare_works(database, clock))
    database.close()


def test_a_notice_that_names_nothing_is_kept_and_done_at_once(shop: Shop) -> None:
    assert shop.row(shop.notice(kind="", external_id=""))[0] == "done"


def test_bodies_of_closed_notices_are_erased_after_a_month(shop: Shop, clock: HandClock) -> None:
    closed = shop.notice(kind="", body="a name")
    clock.advance(31 * DAY_S)
    assert sweep.sweep(shop.works).erased == 1
    assert shop.row(closed)[2] is None


def test_a_pause_ends_at_its_time(shop: Shop, clock: HandClock) -> None:
    connection = shop.connect("MERCHANT")
    with shop.works.database.writing() as c:
        connection_rows.pause(c, connection, reason="busy", until=shop.works.now() + 60_000_000)
    assert sweep.sweep(shop.works).resumed == 0
    clock.advance(61)
    assert sweep.sweep(shop.works).resumed == 1


def test_the_leases_of_a_dead_process_end(shop: Shop) -> None:
    works = shop.works
    connection = shop.connect("LEDGER")
    with works.database.writing() as c:
        company = setups.add_company(
            c, workspace_id=shop.workspace, connection_id=connection, name="C", base_currency="EUR",
            time_zone="UTC", go_live=None, ids=works.ids, now=works.now(),
        )  # fmt: skip
        leases.acquire(
            c, shop.workspace, name=f"company:{company}", holder="dead/1", now=works.now(), ttl_us=60_000_000
        )
    assert sweep.release_leases(works) == 1
    with works.database.reading() as c:
        assert leases.holder_of(c, name=f"company:{company}", now=works.now()) is None
