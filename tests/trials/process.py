"""A process of ours to be killed: `python -m tests.trials.process serve|work PORT`, its settings in MLC_ variables.

The same calls as the commands `serve` and `worker`; only times are shorter, so that a hundred deaths fit into minutes:
a dead process is taken over after six seconds, and a call nobody knows the end of is looked for after five and again
after twenty. The pretend ledger's slowest commit (three seconds) lies well inside, as Visma's four minutes do in five.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

from ml_connector import app
from ml_connector.cli.serving import beside
from ml_connector.engine.pace import Pace
from ml_connector.logs import Redactor, configure
from ml_connector.settings import load
from ml_connector.web import serving

PACE = Pace(beat_s=1, silent_s=6, give_up_s=4, lead_s=3, sweep_s=10)
PROBE_FIRST_S, PROBE_LAST_S = 5, 20


def main() -> None:
    """Run until killed."""
    what, port = sys.argv[1], int(sys.argv[2])
    settings = load(os.environ, folder=Path.cwd())
    redactor = Redactor()
    configure(level="WARNING", form="console", redactor=redactor)
    with app.opened(settings, redactor=redactor) as opened:
        limits = replace(opened.limits, probe_first_s=PROBE_FIRST_S, probe_last_s=PROBE_LAST_S)
        works = replace(opened, limits=limits)
        url, slots = settings.database_url, settings.worker_slots
        if what == "serve":
            sys.exit(
                serving.serve(
                    works, database_url=url, host="127.0.0.1", port=port, slots=slots, pace=PACE,
                    beside=beside(settings),
                )
            )  # fmt: skip
        sys.exit(serving.work(works, database_url=url, slots=slots, pace=PACE))


if __name__ == "__main__":
    main()
