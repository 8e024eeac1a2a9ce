"""A process among others: it says that it lives, knows who else does, and leads when nobody else has the lead."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from ml_connector.engine.pace import Pace
from ml_connector.engine.works import Works
from ml_connector.errors import ConfigurationError, ConnectorError
from ml_connector.store import leases
from ml_connector.store.database import database_time
from ml_connector.store.leases import Lease

CLOCK_TOLERANCE_US = 5_000_000
LEADER = "ticker"


class Presence:
    """`beaten_s`: when it last said that it lives, of the monotonic clock. `on_lost` hears that another one leads."""

    def __init__(self, works: Works, *, pace: Pace, version: str, on_lost: Callable[[], None]) -> None:
        self.works = works
        self.beaten_s = 0.0
        self._pace = pace
        self._version = version
        self._on_lost = on_lost
        self._lease: Lease | None = None
        self._lease_renewed_s = 0.0

    @property
    def single(self) -> bool:
        """SQLite: this process is the only one."""
        return self.works.database.dialect == "sqlite"

    def check_clock(self) -> None:
        """Raises ConfigurationError: leases and signs of life are judged by clocks that agree."""
        before = self.works.now()
        with self.works.database.reading() as c:
            theirs = database_time(c)
        after = self.works.now()
        if theirs is None or before - CLOCK_TOLERANCE_US <= theirs <= after + CLOCK_TOLERANCE_US:
            return
        raise ConfigurationError(
            f"This machine's clock is {abs(theirs - after) / 1e6:.0f} s off the database's.",
            fix="Set both machines by a time server, then start again.",
        )

    def beat(self) -> None:
        """Say that this process lives."""
        with self.works.database.writing() as c:
            leases.beat(c, executor_id=self.works.holder, version=self._version, now=self.works.now())
        self.beaten_s = time.monotonic()

    def alive(self) -> Mapping[str, str]:
        """Processes that live: id -> version."""
        if self.single:
            return {self.works.holder: self._version}
        since = self.works.now() - int(self._pace.silent_s * 1_000_000)
        with self.works.database.reading() as c:
            return {one: its for one, its, beat in leases.executors(c) if beat >= since} | {
                self.works.holder: self._version
            }

    def lead(self) -> bool:
        """Whether this process leads: it does already, or nobody else has the lease."""
        if self.single:
            return True
        now_s = time.monotonic()
        if self._lease is not None and now_s - self._lease_renewed_s < self._pace.lead_s / 4:
            return True
        leads = self._take_lead()
        self._lease_renewed_s = now_s
        return leads

    def _take_lead(self) -> bool:
        ttl_us = int(self._pace.lead_s * 1_000_000)
        now = self.works.now()
        with self.works.database.writing() as c:
            if self._lease is not None:
                try:
                    self._lease = leases.renew(c, self._lease, now=now, ttl_us=ttl_us)
                    return True
                except ConnectorError:
                    self._lease = None
                    self._on_lost()
            self._lease = leases.acquire(c, None, name=LEADER, holder=self.works.holder, now=now, ttl_us=ttl_us)
        return self._lease is not None

    def forget_dead(self) -> None:
        """Processes that have said nothing for ten times as long as it takes to be thought dead."""
        with self.works.database.writing() as c:
            before = self.works.now() - 10 * int(self._pace.silent_s * 1_000_000)
            for one in leases.silent_executors(c, before=before):
                leases.forget_executor(c, executor_id=one)

    def leave(self, *, finished: bool) -> None:
        """Give the lead away; where all work is finished, be forgotten, else others find this process silent."""
        with self.works.database.writing() as c:
            if self._lease is not None:
                leases.release(c, self._lease)
            if finished:
                leases.forget_executor(c, executor_id=self.works.holder)
