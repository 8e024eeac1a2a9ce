"""`keys`: a new master key, and everything sealed again under the newest."""

from __future__ import annotations

import typer

from ml_connector.cli.output import AsJson, lines
from ml_connector.cli.session import session
from ml_connector.engine import masterkeys, safekeeping

app = typer.Typer(help="The master keys that seal every stored secret. They are never shown.", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Put these commands under the root."""
    root.add_typer(app, name="keys")


@app.command("add")
def add(as_json: AsJson = False) -> None:
    """Put a new newest key into the key file; the old ones stay, so that everything still opens."""
    with session(as_json=as_json) as s:
        key_id = masterkeys.add(s.settings.master_key_file, in_variable=s.settings.master_key is not None)
        s.out.answer({"key": key_id}, lines(f"Key {key_id} is the newest. Next: ml-connector keys rotate"))


@app.command("rotate")
def rotate(as_json: AsJson = False) -> None:
    """Seal every stored secret again under the newest key. Safe to repeat."""
    with session(as_json=as_json) as s:
        changed = safekeeping.rotate_master_key(s.works, by=s.by)
        s.out.answer(
            {"secrets": changed},
            lines(f"{changed} secrets are sealed anew.", "Keep the old key as long as old backups."),
        )
