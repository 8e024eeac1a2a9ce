"""`audit`: show, verify and export the trail, and its heads, which prove it elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ml_connector.cli.output import PERSON, AsJson, lines, plain, table, when
from ml_connector.cli.session import session
from ml_connector.errors import ChainBroken, UsageError
from ml_connector.store import audit, audit_proof
from ml_connector.store.audit import Head

app = typer.Typer(help="The trail of everything that was done.", no_args_is_help=True)

MOST_FACTS = 400  # characters of an event for people
OutFile = Annotated[Path, typer.Argument(dir_okay=False, help="Where to write.")]


def register(root: typer.Typer) -> None:
    """Put these commands under the root."""
    root.add_typer(app, name="audit")


@app.command("show")
def show(
    subject: Annotated[str | None, typer.Argument(help="Only events about this id.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """The newest events of this workspace, or all about one id."""
    with session(as_json=as_json) as s, s.works.database.reading() as c:
        names = {one.id: one.name for one in s.companies()} | {one.id: one.code for one in s.connections()}
        if subject:
            found = audit.events_about(c, s.workspace, subject=subject, limit=limit)
        else:
            found = audit.latest_events(c, s.workspace, limit=limit)
        events = [{**plain(e), "facts": json.loads(e.facts)} for e in found]
        told = [
            line
            for e, row in zip(found, events, strict=True)
            for line in (
                f"{when(e.at)}  {e.actor}  {e.verb}  {names.get(e.subject, e.subject)}",
                f"    {_facts(row['facts'])}",
            )
            if line.strip()
        ]
        s.out.answer({"events": events}, lines(*(told or ["Events: none."])))


def _facts(facts: Mapping[str, Any]) -> str:
    """What an event says besides, in a line; a batch's many ids are cut short, --json has them all."""
    text = "; ".join(f"{name}: {_words(value)}" for name, value in facts.items())
    return text if len(text) <= MOST_FACTS else f"{text[:MOST_FACTS].rpartition(' ')[0]} … (--json tells all)"


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_words(one)}" for name, one in value.items())
    if isinstance(value, list):
        return (", " if any(isinstance(one, list) for one in value) else " ").join(map(_words, value))
    return "-" if value is None else str(value)


@app.command("verify")
def verify(
    chain: Annotated[str | None, typer.Option(help="One chain; none: all.")] = None,
    heads: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Heads exported before.")] = None,
    as_json: AsJson = False,
) -> None:
    """Recompute every hash. With heads that were kept elsewhere, a cut or rewritten trail shows too."""
    with session(as_json=as_json) as s:
        kept = _read_heads(heads) if heads else []
        with s.out.progress("verifying"), s.works.database.reading() as c:
            found = audit_proof.verify(c, chain, exported=kept)
        told = [f"{found.events} events in {found.chains} chains, {len(kept)} exported heads: "]
        told[0] += "unbroken." if found.ok else "BROKEN."
        told += [f"{one.chain}, event {one.seq}: {one.reason}." for one in found.broken]
        if not found.ok:
            told.append(f"{ChainBroken.code}: {ChainBroken.what_to_do}")
        s.out.answer({"ok": found.ok, **plain(found)}, lines(*told), code=0 if found.ok else PERSON)


@app.command("export")
def export(
    file: OutFile,
    chain: Annotated[str | None, typer.Option(help="One chain; none: all of the install.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write every event as one JSON object a line, verifiable far away from this database."""
    with session(as_json=as_json) as s:
        count = 0
        with (
            s.out.progress("exporting") as advance,
            s.works.database.reading() as c,
            file.open("w", encoding="utf-8") as out,
        ):
            for line in audit_proof.export(c, chain=chain):
                out.write(line + "\n")
                count += 1
                advance(count)
        s.out.answer({"file": str(file), "events": count}, lines(f"{count} events are in {file}."))


@app.command("heads")
def heads(
    file: Annotated[Path | None, typer.Argument(dir_okay=False, help="Where to write; none: to the screen.")] = None,
    as_json: AsJson = False,
) -> None:
    """The end of every chain. Keep them daily where this database's administrator cannot write."""
    with session(as_json=as_json) as s:
        with s.works.database.reading() as c:
            found = audit.heads(c)
        content = {"heads": [plain(one) for one in found], "at": s.works.clock.now().isoformat()}
        if file is not None:
            file.write_text(json.dumps(content), encoding="utf-8")
        s.out.answer(content, table("Heads", ("chain", "events", "hash"), [(h.chain, h.seq, h.hash) for h in found]))


def _read_heads(file: Path) -> list[Head]:
    try:
        return [Head(**row) for row in json.loads(file.read_text(encoding="utf-8"))["heads"]]
    except (ValueError, KeyError, TypeError):
        raise UsageError(
            "This file holds no heads.", record=str(file), fix="Make it with `ml-connector audit heads FILE`."
        ) from None
