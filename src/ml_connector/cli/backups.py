"""`backup`, `restored`: safe copies of an install, and what holds when an older one was put back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ml_connector.cli.output import AsJson, lines
from ml_connector.cli.session import session
from ml_connector.clock import micros, moment
from ml_connector.engine import restoring


def register(root: typer.Typer) -> None:
    """Put these commands under the root."""
    root.command("backup")(backup)
    root.command("restored")(restored)


def backup(
    folder: Annotated[Path, typer.Argument(file_okay=False, help="Where to; made if it is not there.")],
    as_json: AsJson = False,
) -> None:
    """Copy the SQLite files of this install safely, while it works. The master key is kept apart, and not copied."""
    with session(as_json=as_json) as s:
        with s.out.progress("copying") as advance:
            made = restoring.back_up(s.works, folder, told=advance)
        key = "MLC_MASTER_KEY" if s.settings.master_key is not None else str(s.settings.master_key_file)
        content = {"files": [str(path) for path in made], "keep_apart": key}
        told = (
            f"Copied and checked: {', '.join(path.name for path in made)} in {folder}.",
            f"Keep the master key apart from them ({key}): without it the stored credentials cannot be opened.",
            "To restore: stop everything, put the files back under their names, start. See docs/operations.md.",
        )
        s.out.answer(content, lines(*told))


def restored(
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            help="When the backup was taken, UTC; left out: the last event that it holds.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say that this database is an older backup, before anything posts.

    What may stand in a ledger already is looked for by its mark and taken over, and sent only where it is not there.
    """
    with session(as_json=as_json) as s:
        began = micros(since.replace(tzinfo=UTC)) if since is not None else None
        found = restoring.declare(s.works, since=began, by=s.by)
        told = [
            f"{name}: what happened until now is looked for from {moment(one.since):%Y-%m-%d %H:%M} UTC on before it "
            "is sent."
            for name, one in found.items()
        ]
        content = {"companies": {name: moment(one.since).isoformat() for name, one in found.items()}}
        s.out.answer(content, lines(*(told or ["There is no company yet."]), "Next: ml-connector read"))
