"""The durable engine's only door: units queued, begun, listed, cancelled and forgotten.

An executor's id is new for each life of a process. Recovery by a stable id would start again what the rows no longer
ask for, and two processes of one name run each other's work.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import structlog
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetEnqueueOptions, SetWorkflowID

from ml_connector.engine.pace import Pace
from ml_connector.engine.ticking import QUEUES, priority
from ml_connector.engine.units import Unit
from ml_connector.engine.works import Works
from ml_connector.store.database import Database

UNIT = "unit"
SCHEMA = "dbos"
_FINISHED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_ACTIVE = ["ENQUEUED", "PENDING", "DELAYED"]

log = structlog.get_logger(__name__)

Outcome = dict[str, Any]
"""What a unit that ended says of itself: {"worked", "failed"} and, in words, "error"."""


class Durable:
    """The durable engine of this process. `shares`: slots by queue. `single`: no other process shares its tables."""

    def __init__(
        self, works: Works, database_url: str, *, shares: Mapping[str, int], pace: Pace, version: str, single: bool
    ) -> None:
        self._works, self._url, self._shares = works, database_url, shares
        self._pace, self._version, self._single = pace, version, single

    def launch(self, run: Callable[[Unit], Outcome]) -> None:
        """Begin to run what is queued, each unit by `run`."""
        quiet = logging.getLogger("dbos")
        if not quiet.handlers:
            quiet.addHandler(logging.NullHandler())  # else it writes past our log, and past its masking
        DBOS(config=self._config())

        def run_here(kind: str, subject: str, stream: str) -> Outcome:
            return run(Unit(kind, subject, stream))  # type: ignore[arg-type]  # our own names come back

        # Registered here and not at import: a process may start, stop and start again, with other works.
        self._workflow = DBOS.workflow(name=UNIT, max_recovery_attempts=5)(run_here)
        DBOS.launch()
        self.register_queues()

    def end(self) -> None:
        """Run nothing more; another may be launched in this process."""
        DBOS.destroy(destroy_registry=True)

    def register_queues(self) -> None:
        """Make the queues, or set them right where another process made them otherwise."""
        every_s = self._pace.idle_queue_s if self._single else self._pace.queue_s
        for name, share in self._shares.items():
            DBOS.register_queue(
                name, worker_concurrency=share, partition_concurrency=1, polling_interval_sec=every_s,
                on_conflict="always_update",
            )  # fmt: skip

    def begin(self, unit: Unit) -> str:
        """Run a unit that has a slot here, without the wait for a queue to be asked; its id."""
        name = self._name(unit)
        with SetWorkflowID(name):
            DBOS.start_workflow(self._workflow, unit.kind, unit.subject, unit.stream)
        return name

    def enqueue(self, unit: Unit) -> str:
        """Queue a unit for any process; its id."""
        name = self._name(unit)
        options = SetEnqueueOptions(
            priority=priority(unit), queue_partition_key=unit.subject, app_version=self._version
        )
        with SetWorkflowID(name), options:
            DBOS.enqueue_workflow(QUEUES[unit.kind], self._workflow, unit.kind, unit.subject, unit.stream)
        return name

    def active(self, alive: Mapping[str, str]) -> dict[str, Unit]:
        """Units that are really queued or running, by id. `alive`: processes and their versions.

        Units of dead processes and of unknown versions are cancelled.
        """
        listed = DBOS.list_workflows(status=_ACTIVE, name=UNIT, load_input=False, load_output=False)
        versions = set(alive.values())
        lost = [
            one.workflow_id
            for one in listed
            if (one.status == "PENDING" and one.executor_id not in alive) or one.app_version not in versions
        ]
        if lost:
            log.warning("runtime.taken_over", units=len(lost))
            DBOS.cancel_workflows(lost)
        gone = set(lost)
        return {one.workflow_id: _unit_of(one.workflow_id) for one in listed if one.workflow_id not in gone}

    def outcomes(self, ended: Collection[str]) -> Iterator[tuple[Unit, Outcome | None]]:
        """What units said that have ended, by their ids; None: it was cancelled, or nobody knows."""
        if not ended:
            return
        for one in DBOS.list_workflows(workflow_ids=sorted(ended), load_input=False, load_output=True):
            known = dict(one.output) if isinstance(one.output, Mapping) else None
            if one.status in ("ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"):
                known = {"worked": False, "failed": True}
            yield _unit_of(one.workflow_id), known

    def forget_finished(self, *, stop: Callable[[], bool]) -> None:
        """Delete units that ended longer ago than people look into them."""
        before = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - self._pace.retain_s))
        while not stop():
            old = DBOS.list_workflows(
                status=_FINISHED, completed_before=before, name=UNIT, limit=500, load_input=False, load_output=False
            )
            if not old:
                return
            DBOS.delete_workflows([one.workflow_id for one in old])

    def _config(self) -> DBOSConfig:
        slots = sum(self._shares.values())
        url = self._url
        if self._single:
            url = f"sqlite:///{engine_file(self._url)}"
            _write_ahead(url)
        return {
            "name": "ml-connector",
            "system_database_url": url,
            "dbos_system_schema": SCHEMA,
            "executor_id": self._works.holder,
            "application_version": self._version,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
            "max_executor_threads": slots + 4,
            "sys_db_pool_size": slots + 10,
            "use_listen_notify": False,
            "enable_otlp": False,
        }

    def _name(self, unit: Unit) -> str:
        return f"{unit.name}/{self._works.ids.new()}"


def engine_file(database_url: str) -> Path:
    """The durable engine's own file beside a SQLite database; it may be deleted whenever nothing runs."""
    main = Path(database_url.removeprefix("sqlite:///"))
    return main.with_name(f"{main.stem}-engine{main.suffix}")


def _write_ahead(url: str) -> None:
    """Write-ahead log on before the durable engine opens the file: it does not do so itself."""
    file = Database(url)
    with file.reading():
        pass
    file.close()


def _unit_of(workflow_id: str) -> Unit:
    kind, subject, *stream = workflow_id.rsplit("/", 1)[0].split(":", 2)
    return Unit(kind, subject, "".join(stream))  # type: ignore[arg-type]  # our own names come back
