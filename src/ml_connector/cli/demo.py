"""`demo`: whole business days on pretend vendors, in less than a minute."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from ml_connector.cli.output import PERSON, AsJson, Output
from ml_connector.cli.session import telling
from ml_connector.errors import UsageError
from ml_connector.logs import Redactor, configure

STORIES = {
    "square": "Square", "woocommerce": "WooCommerce", "paypal": "PayPal", "stripe": "Stripe", "basware": "Basware",
}  # fmt: skip
ALL = "all"


def register(root: typer.Typer) -> None:
    """Put the command under the root."""
    root.command("demo")(demo)


def demo(
    story: Annotated[str, typer.Option(help=f"One of: {', '.join(STORIES)}, {ALL}.")] = ALL,
    keep: Annotated[
        Path | None, typer.Option(file_okay=False, help="Keep everything in this folder, to look at afterwards.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Play a business day on pretend shops and a pretend Visma: read, post, hold, mend, interrupt, replay, prove."""
    with telling(as_json=as_json) as out:
        if story not in (*STORIES, ALL):
            fix = f"Choose one of: {', '.join((*STORIES, ALL))}."
            raise UsageError("There is no such story.", record=story, fix=fix)
        redactor = Redactor()
        configure(level="ERROR", form="console", redactor=redactor)
        with _folder(keep) as folder:
            names = tuple(STORIES) if story == ALL else (story,)
            told = {name: _tell(name, _room(folder, name, story), out, redactor) for name in names}
        good = all(all_is_well(one) for one in told.values())
        if not as_json:
            seconds = round(sum(float(one["seconds"]) for one in told.values()), 1)
            out.say(f"\n{'All is well' if good else 'SOMETHING IS NOT AS IT SHOULD BE'}, in {seconds} s.")
            out.say(f"Kept in {keep}." if keep else "Everything was removed again.")
        out.answer({"stories": told} if story == ALL else told[story], code=0 if good else PERSON)


def _room(folder: Path, name: str, story: str) -> Path:
    """A story alone has the folder for itself; several have one each."""
    room = folder / name if story == ALL else folder
    room.mkdir(mode=0o700, exist_ok=True)
    return room


def _tell(name: str, folder: Path, out: Output, redactor: Redactor) -> dict[str, Any]:
    """One story, told; its parts load only here."""
    out.say(f"\n=== {STORIES[name]} and Visma.net ERP ===\n")
    teller = import_module(f"ml_connector.cli.stories.{name}").tell
    told: dict[str, Any] = teller(folder, out, redactor=redactor)
    return told


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
