"""Moving an install from SQLite to PostgreSQL, where many processes share the work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ml_connector.clock import Clock, micros
from ml_connector.errors import ConfigurationError, StorageUnavailable
from ml_connector.store import audit, audit_proof, copying
from ml_connector.store.audit import Entry
from ml_connector.store.database import Database
from ml_connector.store.migrations import migrate


@dataclass(frozen=True, slots=True)
class Moved:
    """Rows by table, what the audit trail holds there, and under which names the old files were put aside."""

    rows: dict[str, int]
    audit_events: int
    put_aside: tuple[Path, ...]


def move(
    source: Database, target: Database, *, clock: Clock, by: str, told: Callable[[int, int], object] = lambda *_: None
) -> Moved:
    """Copy everything, prove it, and put the old files aside. `told` hears how many rows of how many are copied.

    All or nothing: what fails leaves the target empty and the source as it was. Two installs over one set of books
    would post everything twice, so the source cannot be started again by its old name. `source` is closed at the end.

    Raises ConfigurationError while a process works on the source, or where the target is no empty PostgreSQL.
    """
    if source.dialect != "sqlite" or target.dialect != "postgresql":
        raise ConfigurationError("An install is moved from SQLite to PostgreSQL, in no other direction.")
    source.claim_single_process()
    migrate(source)
    migrate(target)
    with copying.still(source) as (main, inbox), target.writing() as c:
        _verify(audit_proof.verify(main), "here")
        total = copying.count(main, inbox)
        rows = copying.copy(main, inbox, c, told=lambda done: told(done, total))
        audit.append_many(
            c, chain=audit.INSTALL, workspace_id=None,
            entries=[Entry(micros(clock.now()), by, "moved to PostgreSQL", "install", {"rows": rows})],
        )  # fmt: skip
        trail = audit_proof.verify(c)
        _verify(trail, "there")
    return Moved(rows, trail.events, tuple(copying.put_aside(source)))


def _verify(trail: audit_proof.VerifyResult, where: str) -> None:
    if trail.ok:
        return
    broken = trail.broken[0]
    raise StorageUnavailable(
        f"The audit trail {where} is not as it was written: {broken.reason}.",
        record=f"{broken.chain} {broken.seq}",
        fix="Nothing was moved. See `ml-connector audit verify`, and restore a backup where rows were changed.",
    )
