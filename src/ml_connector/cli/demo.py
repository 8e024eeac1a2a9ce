"""`demo`: a whole business day on pretend vendors, in less than a minute."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from ml_connector.cli.output import PERSON, AsJson
from ml_connector.cli.session import telling
from ml_connector.errors import UsageError
from ml_connector.logs import Redactor, configure

STORIES = ("square",)


def register(root: typer.Typer) -> None:
    """Put the command under the root."""
    root.command("demo")(demo)


def demo(
    story: Annotated[str, typer.Option(help=f"One of: {', '.join(STORIES)}.")] = "square",
    keep: Annotated[
        Path | None, typer.Option(file_okay=False, help="Keep everything in this folder, to look at afterwards.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Play a business day on a pretend Square and a pretend Visma: read, post, hold, mend, interrupt, replay, prove."""
    with telling(as_json=as_json) as out:
        if story not in STORIES:
            raise UsageError("There is no such story.", record=story, fix=f"Choose one of: {', '.join(STORIES)}.")
        from ml_connector.cli.stories import square  # the story's parts load only here

        redactor = Redactor()
        configure(level="ERROR", form="console", redactor=redactor)
        with _folder(keep) as folder:
            told = square.tell(folder, out, redactor=redactor)
        good = all_is_well(told)
        if not as_json:
            out.say(f"\n{'All is well' if good else 'SOMETHING IS NOT AS IT SHOULD BE'}, in {told['seconds']} s.")
            out.say(f"Kept in {keep}." if keep else "Everything was removed again.")
        out.answer(told, code=0 if good else PERSON)


def all_is_well(told: dict[str, Any]) -> bool:
    """Whether a story ended as it must: no duplicate, nothing unexplained, an unbroken trail, the truth met."""
    return bool(
        told["duplicates_in_ledger"] == 0
        and told["clearing_unexplained"].startswith("0.00")
        and told["audit_chain_ok"]
        and told["held"] == 0
        and told["interrupted"]["copies_in_ledger"] == 1
        and told["replayed"]["unchanged"]
        and all(row["equal"] for row in told["truth"].values())
    )


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """A folder for the story: the one to keep, or one that goes with it."""
    if keep is not None:
        if keep.exists() and any(keep.iterdir()):
            raise UsageError("The folder is not empty.", record=str(keep), fix="Name a new one.")
        keep.mkdir(mode=0o700, parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="ml-connector-demo-") as name:
        yield Path(name)
