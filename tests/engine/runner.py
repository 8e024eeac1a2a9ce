"""A process that runs made-up units: `python -m tests.engine.runner DATABASE_URL FOLDER SECONDS quick|hasty`.

What is due are the files in FOLDER/due, each named as its unit; a unit that is done removes its file. Everything that
happens is one line in FOLDER/story: began or ended, unit, process.
"""

from __future__ import annotations

import os
import random
import secrets
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ml_connector.clock import Clock
from ml_connector.engine.pace import Pace
from ml_connector.engine.runtime import Runtime
from ml_connector.engine.units import Ran, Unit
from ml_connector.engine.works import Works
from ml_connector.logs import Redactor, configure
from ml_connector.store.database import Database
from ml_connector.store.ids import Ids
from ml_connector.store.migrations import migrate
from ml_connector.vault.keys import KeyRing, MasterKey
from ml_connector.vault.tokens import TokenCache

# Looks come quickly; nobody is thought dead for a stall, which a busy machine brings and these tests are not about.
QUICK = Pace(
    tick_s=0.1, queue_s=0.05, beat_s=0.3, silent_s=120, give_up_s=60, stalled_s=60, lead_s=30, sweep_s=1, stop_s=3
)  # fmt: skip
# For processes that die or lose their tables, alone on their machine or with nobody who could take a stall for a death.
HASTY = replace(QUICK, silent_s=4, give_up_s=20, stalled_s=2, lead_s=3)
PACES = {"quick": QUICK, "hasty": HASTY}


class Errands:
    """Made-up units in a folder: what is due, running one, and what happened."""

    def __init__(self, folder: Path, *, seconds: float = 0.0) -> None:
        self.folder = folder
        self.seconds = seconds
        (folder / "due").mkdir(parents=True, exist_ok=True)

    def add(self, *units: Unit) -> None:
        for unit in units:
            (self.folder / "due" / unit.name).touch()

    def due(self, _works: Works) -> list[Unit]:
        return sorted(_unit(path.name) for path in (self.folder / "due").iterdir())

    def run(self, _works: Works, unit: Unit, *, stop: Callable[[], bool]) -> Ran:
        self._tell("began", unit)
        until = time.monotonic() + self.seconds
        while time.monotonic() < until and not stop():
            time.sleep(0.01)
        (self.folder / "due" / unit.name).unlink(missing_ok=True)
        self._tell("ended", unit)
        return Ran(unit, worked=True, more=False)

    def story(self) -> list[tuple[str, Unit, str]]:
        """(began or ended, unit, process) in order."""
        path = self.folder / "story"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(what, _unit(name), process) for what, name, process in (line.split(" ") for line in lines)]

    def _tell(self, what: str, unit: Unit) -> None:
        line = f"{what} {unit.name} {os.getpid()}\n".encode()
        file = os.open(self.folder / "story", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, line)
        os.close(file)


def bare_works(database: Database, clock: Clock | None = None, holder: str | None = None) -> Works:
    """Works without systems and flows, for units that need none."""
    time_of = clock or Clock()
    return Works(
        database=database, clock=time_of, ids=Ids(time_of, random.Random()), ring=KeyRing((MasterKey(1, bytes(32)),)),
        tokens=TokenCache(time_of), flows={}, systems={}, holder=holder or f"{os.getpid()}-{secrets.token_hex(3)}",
    )  # fmt: skip


def _unit(name: str) -> Unit:
    kind, subject, *stream = name.split(":", 2)
    return Unit(kind, subject, "".join(stream))  # type: ignore[arg-type]  # names that we made


def main() -> None:
    url, folder, seconds, pace = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), PACES[sys.argv[4]]
    errands = Errands(folder, seconds=seconds)
    configure(level="WARNING", form="console", redactor=Redactor())  # what we print is for the test
    database = Database(url)
    migrate(database)
    ended = threading.Event()
    runtime = Runtime(
        bare_works(database), database_url=url, slots=8, pace=pace, run=errands.run, due=errands.due,
        on_failure=lambda _reason: ended.set(),
    )  # fmt: skip
    runtime.start()
    print("running", flush=True)  # noqa: T201  the test waits for it
    ended.wait()
    runtime.stop()
    sys.exit(70)


if __name__ == "__main__":
    main()
