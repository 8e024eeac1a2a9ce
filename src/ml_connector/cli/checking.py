"""`doctor`, `clearing`, `census`: is the ledger set up, does the money add up, is everything there once."""

from __future__ import annotations

from datetime import date
from typing import Any

import typer
from rich.console import Console

from ml_connector.cli.output import PERSON, AsJson, lines, plain, table
from ml_connector.cli.session import CompanyName, session
from ml_connector.engine import census as counting
from ml_connector.engine import clearing as statements
from ml_connector.engine import doctor as doctors
from ml_connector.engine import reviewing
from ml_connector.engine.at_processor import USUAL, OpenAmount
from ml_connector.engine.clearing import Statement

MOST_SHOWN = 20  # open amounts printed for a person; --json has them all


def register(root: typer.Typer) -> None:
    """Put these commands under the root."""
    root.command("doctor")(doctor)
    root.command("clearing")(clearing)
    root.command("census")(census)


def doctor(company: CompanyName = None, as_json: AsJson = False) -> None:
    """Check what must be set up in Visma for this company's routes. Reads, and writes nothing there."""
    with session(as_json=as_json) as s:
        row = s.company(company)
        with s.out.progress("reading the set-up"):
            items = doctors.examine(s.works, row.id)
        wrong = [one for one in items if one.verdict == "wrong"]
        shown = table(row.name, ("", "item", "what", "to do"), [(i.verdict, i.item, i.sentence, i.fix) for i in items])
        s.out.answer({"ok": not wrong, "items": plain(items)}, shown, code=PERSON if wrong else 0)


def clearing(company: CompanyName = None, as_json: AsJson = False) -> None:
    """Each clearing account: the ledger's own balance, what waits at the processor, and what nobody can explain."""
    with session(as_json=as_json) as s:
        row = s.company(company)
        with s.out.progress("reading the ledger's clearing accounts"):
            found = statements.statements(s.works, row.id)
        today = s.works.clock.now().date()
        off = [one for one in found if one.unexplained or one.overdue(today)]
        unread = len(reviewing.open_items(s.works, s.workspace, company_id=row.id, code="untranslatable"))
        content = {
            "ok": not off, "statements": [statement_json(one, today) for one in found], "unreadable_records": unread,
        }  # fmt: skip
        s.out.answer(content, lambda console: _print(console, found, unread, today), code=PERSON if off else 0)


def statement_json(one: Statement, today: date) -> dict[str, Any]:
    """A clearing statement as JSON."""
    return {
        **plain(one), "ledger": str(one.ledger), "waiting": str(one.waiting), "unexplained": str(one.unexplained),
        "overdue": plain(one.overdue(today)), "residue": plain(one.residue),
    }  # fmt: skip


def _print(console: Console, found: list[Statement], unread: int, today: date) -> None:
    if unread:
        console.print(f"{unread} records cannot be read and are not in this: ml-connector review list", markup=False)
    if not found:
        console.print("Nothing went through clearing yet.")
    for one in found:
        for sentence in told(one):
            console.print(sentence, markup=False)
        for title, amounts in (
            ("Waiting", one.open_amounts),
            ("Not in the ledger", one.unbooked_amounts),
            ("In the ledger, and not by us", one.others),
            (f"Longer than {USUAL.days} days: look at the processor what became of it", one.overdue(today)),
        ):
            _amounts(console, title, amounts)


def _amounts(console: Console, title: str, amounts: list[OpenAmount]) -> None:
    rows = [(amount.key, amount.amount, amount.since or "", amount.why) for amount in amounts[:MOST_SHOWN]]
    if rows:
        more = f", {MOST_SHOWN} of {len(amounts)}; --json has them all" if len(amounts) > MOST_SHOWN else ""
        table(f"{title}{more}", ("record", "amount", "since", "why"), rows)(console)


def told(one: Statement) -> list[str]:
    """A clearing statement in sentences."""
    said = [
        (
            f"Clearing account {one.account}: {one.ledger} in the ledger ({one.entries} lines), "
            f"{one.waiting} waits at the processor."
        ),
        f"Unexplained: {one.unexplained}",
    ]
    if one.residue:
        said.append(
            f"It is empty in {one.currency} and keeps {one.residue}: revaluing the currency in the ledger clears that."
        )
    return said


def census(company: CompanyName = None, as_json: AsJson = False) -> None:
    """Count every record by state, and look up each of our documents in the ledger by its token."""
    with session(as_json=as_json) as s:
        row = s.company(company)
        with s.out.progress("looking up our documents"):
            found = counting.census(s.works, row.id)
        told = [
            f"{kind}: " + ", ".join(f"{n} {state}" for state, n in by.items()) for kind, by in found.records.items()
        ]
        told.append(f"{found.documents} documents looked up in the ledger.")
        for name, several in (
            ("Missing", found.missing),
            ("Twice", found.twice),
            ("Drafts of ours", found.stray_drafts),
        ):
            told += [f"{name}: {one}" for one in several]
        s.out.answer({"ok": found.ok, **plain(found)}, lines(*told), code=0 if found.ok else PERSON)
