"""The command line: the same engine as the pages, for a terminal. Secrets never come from a command's words."""

from __future__ import annotations

import sys


def main() -> None:
    """Run one command and end with its exit code."""
    from ml_connector.cli.commands import run

    sys.exit(run(sys.argv[1:]))
