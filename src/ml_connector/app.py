"""The composition root: settings become real things. No logic; it alone knows everything."""

from __future__ import annotations

import gc
import os
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ml_connector.clock import Clock
from ml_connector.connectors import SYSTEMS
from ml_connector.engine.works import Limits, Works
from ml_connector.flows import FLOWS
from ml_connector.logs import Redactor
from ml_connector.settings import Settings, make_data_dir
from ml_connector.store import sealed_secrets
from ml_connector.store.copying import refuse_moved
from ml_connector.store.database import Database
from ml_connector.store.ids import Ids, SystemChance
from ml_connector.store.migrations import migrate
from ml_connector.vault.keys import open_ring
from ml_connector.vault.tokens import TokenCache

# A page of a source makes some 50,000 objects and almost no cycle: Python's own 700 has the collector look at them a
# hundred times in vain, a fifth of the time of planning. Found by `python -m bench planning`.
COLLECT_AFTER = (50_000, 20, 50)


def build(
    settings: Settings,
    *,
    clock: Clock | None = None,
    redactor: Redactor | None = None,
    transport: Callable[..., Any] | None = None,
) -> Works:
    """Open everything that the settings name; the database is brought to this version's tables."""
    gc.set_threshold(*COLLECT_AFTER)
    time = clock or Clock()
    make_data_dir(settings)
    refuse_moved(settings.database_url)
    database = Database(settings.database_url, inbox_url=settings.inbox_url, slots=settings.worker_slots)
    migrate(database)
    concealed = redactor or Redactor()
    text = settings.master_key.get_secret_value() if settings.master_key else None
    return Works(
        database=database,
        clock=time,
        ids=Ids(time, SystemChance()),
        ring=open_ring(settings.master_key_file, text=text, create=not _seals(database)),
        tokens=TokenCache(time),
        flows=FLOWS,
        systems=SYSTEMS,
        holder=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}",
        limits=Limits(
            chart_max_age_s=settings.chart_max_age_s, lease_s=settings.lease_s, call_timeout_s=settings.call_timeout_s
        ),
        allowed_hosts=frozenset(settings.allow_insecure_hosts),
        private_hosts=frozenset(settings.allow_private_hosts),
        conceal=concealed.add,
        transport=transport,
    )


def _seals(database: Database) -> bool:
    """Whether secrets are sealed here: then a key file that is missing is lost, and a new one would hide that."""
    with database.reading() as c:
        return sealed_secrets.any_sealed(c)


@contextmanager
def opened(settings: Settings, **parts: Any) -> Iterator[Works]:
    """Works for the length of a command."""
    works = build(settings, **parts)
    try:
        yield works
    finally:
        works.lines.close()
        works.database.close()
