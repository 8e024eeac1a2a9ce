"""A process killed in the midst of taking in notices has stored every one it acknowledged."""

from __future__ import annotations

import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
from sqlalchemy import select

from ml_connector.store import tables
from ml_connector.store.database import Database
from ml_connector.store.inbox_writer import InboxWriter
from ml_connector.store.migrations import migrate
from ml_connector.store.notices import Notice

ROOT = Path(__file__).parents[2]


@pytest.mark.trials
@pytest.mark.parametrize("acknowledged", [1, 300, 700])
def test_what_was_acknowledged_before_the_kill_is_there_after_it(database_url: str, acknowledged: int) -> None:
    database = Database(database_url)
    migrate(database)
    command = [sys.executable, "-m", "tests.store.sender", database_url]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": "src:."}) as sender:
        assert sender.stdout
        told = [line.strip() for line in islice(sender.stdout, acknowledged)]
        sender.kill()
        rest = sender.stdout.read()
    told += [line for line in rest.split("\n")[:-1] if line]  # the last line may be cut
    with database.inbox_reading() as c:
        kept = set(c.execute(select(tables.notice.c.id)).scalars())
    assert len(told) >= acknowledged
    assert set(told) <= kept
    writer = InboxWriter(database)  # the next process finds a whole inbox and takes in what is sent again
    writer.start()
    again = Notice(id="again", door_id="D", kind="payment", external_id="x", received_at=2, event_id=told[0])
    assert writer.submit(again).result(20) == "duplicate"
    writer.stop()
    database.close()
