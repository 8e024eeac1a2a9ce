"""The process that only takes webhooks in, started by `serve`.

`python -m ml_connector.cli.intake INBOX-FILE LOG-LEVEL LOG-FORM NUMBER-OF-ITS-SOCKET`
"""

from __future__ import annotations

import gc
import socket
import sys
from pathlib import Path
from typing import Any, cast

from ml_connector.cli import lean  # noqa: F401  before what it keeps out
from ml_connector.logs import Redactor, configure
from ml_connector.web import intake

COLLECT_AFTER = (20_000, 20, 50)  # as the main process, and for its reason


def main() -> None:
    """Run until the process that started this closes the line."""
    inbox, level, form, descriptor = sys.argv[1:5]
    redactor = Redactor()
    configure(level=level, form=cast(Any, form), redactor=redactor)
    gc.set_threshold(*COLLECT_AFTER)
    gc.freeze()
    listening = socket.socket(fileno=int(descriptor))
    sys.exit(intake.run(Path(inbox), listening, hear=sys.stdin.buffer, tell=sys.stdout.buffer, conceal=redactor.add))


if __name__ == "__main__":
    main()
