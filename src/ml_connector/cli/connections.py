"""`connections`, `ping`: every access to a system, and the proof that it works."""

from __future__ import annotations

from typing import Annotated

import typer

from ml_connector.cli.output import PERSON, AsJson, table, when
from ml_connector.cli.session import Session, session
from ml_connector.engine import connecting


def register(app: typer.Typer) -> None:
    """Put these commands under the root."""
    app.command("connections")(connections)
    app.command("ping")(ping)


def connections(as_json: AsJson = False) -> None:
    """Every access to a system, and its state."""
    with session(as_json=as_json) as s:
        rows = [
            {
                "code": one.code, "connector": one.connector, "title": one.title, "state": one.state,
                "reason": one.reason, "paused_until": when(one.paused_until) or None, "account_ref": one.account_ref,
                "id": one.id,
            }
            for one in s.connections()
        ]  # fmt: skip
        columns = ("code", "connector", "state", "reason", "account_ref", "id")
        s.out.answer({"connections": rows}, table("Connections", columns, [[row[c] for c in columns] for row in rows]))


def ping(
    code: Annotated[str, typer.Argument(help="Code of a connection.")],
    as_json: AsJson = False,
) -> None:
    """Prove a connection: who answers, and each right tried harmlessly."""
    with session(as_json=as_json) as s:
        prove(s, code)


def prove(s: Session, code: str) -> None:
    """Prove a connection and show each check; the exit code says whether a person is needed."""
    answer = connecting.ping(s.works, s.connection(code).id)
    checks = [{"name": c.name, "ok": c.ok, "sentence": c.sentence, "fix": c.fix} for c in answer.checks]
    rows = [("ok" if c.ok else "WRONG", c.name, c.sentence, "" if c.ok else c.fix) for c in answer.checks]
    content = {"ok": answer.ok, "account": answer.account, "checks": checks, "facts": dict(answer.facts)}
    shown = table(f"{code}: {answer.account or 'no answer'}", ("", "check", "what", "to do"), rows)
    s.out.answer(content, shown, code=0 if answer.ok else PERSON)
