"""`python -m tests.trials --kills 100 --database sqlite|postgresql`: the whole kill trial; minutes, not seconds."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests import postgres
from tests.trials.killing import run_trial


def main() -> None:
    """Run it and print what happened; an AssertionError names what was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.trials", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--mode", choices=("per_record", "batch"), default="batch")
    parser.add_argument("--workers", type=int, default=2, help="beside the one that serves; PostgreSQL only")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--intake", action="store_true", help="webhooks come to a process of their own; SQLite only")
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="mlc-trial-"))
    common = {"kills": chosen.kills, "seed": chosen.seed, "mode": chosen.mode}
    if chosen.database == "sqlite":
        _say(run_trial(folder, database_url=None, intake=chosen.intake, **common))
        return
    with postgres.running() as server:
        server.create("trial")
        _say(run_trial(folder, database_url=server.url("trial"), workers=chosen.workers, **common))


def _say(line: object) -> None:
    print(line, flush=True)  # noqa: T201  the outcome is what this command is for


if __name__ == "__main__":
    main()
