"""`review`: what waits for a person, and the person's answer."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Console

from ml_connector.cli.output import PERSON, AsJson, lines, plain, table, when
from ml_connector.cli.running import print_previews, shown
from ml_connector.cli.session import CompanyName, Session, session
from ml_connector.engine import preview, reviewing
from ml_connector.store.reviews import ReviewItem

app = typer.Typer(help="What waits for a person.", no_args_is_help=True)

_SHOWS_PLAN = frozenset({"consent", "correction"})

ItemId = Annotated[str, typer.Argument(help="Id of the question, from `review list`.")]


def register(root: typer.Typer) -> None:
    """Put these commands under the root."""
    root.add_typer(app, name="review")


@app.command("list")
def list_items(
    company: CompanyName = None,
    code: Annotated[str | None, typer.Option(help="Only this kind of question.")] = None,
    as_json: AsJson = False,
) -> None:
    """Every open question, oldest first. Ends with 1 where there is one."""
    with session(as_json=as_json) as s:
        company_id = s.company(company).id if company else None
        found = reviewing.open_items(s.works, s.workspace, company_id=company_id, code=code)
        rows = [(one.id, one.code, one.sentence, when(one.created_at)) for one in found]
        title = "Waiting for a person" + (f", the oldest {len(found)}" if len(found) >= reviewing.MOST_SHOWN else "")
        shown = table(title, ("id", "code", "what and what to do", "since"), rows)
        s.out.answer({"items": [_item(one) for one in found]}, shown, code=PERSON if found else 0)


@app.command("show")
def show(item: ItemId, as_json: AsJson = False) -> None:
    """One question with its proposal and the answers it takes."""
    with session(as_json=as_json) as s:
        one = reviewing.show(s.works, s.workspace, item)
        told = [one.sentence, f"State: {one.state}"]
        told += [f"Decided: {one.decision} by {one.decided_by}"] if one.decided_by else []
        told += [f"{name}:\n{_words(value)}" for name, value in one.proposal.items() if value not in ("", None)]
        told.append(f"Answers: {', '.join(reviewing.answers_to(one))}")
        planned = _planned(s, one)
        content = {**_item(one), "would_be_posted": [shown(s, one.company_id or "", each) for each in planned]}

        def show_it(console: Console) -> None:
            lines(*told)(console)
            if planned:
                print_previews(s, console, one.company_id or "", planned)

        s.out.answer(content, show_it)


@app.command("resolve")
def resolve(
    item: ItemId,
    answer: Annotated[str, typer.Argument(help="accept, ignore, ignore:reason, or one that `review show` names.")],
    as_json: AsJson = False,
) -> None:
    """Answer a question; what it set in motion is told. Nothing is posted before the next `post` or worker's turn."""
    with session(as_json=as_json) as s:
        told = reviewing.resolve(s.works, s.workspace, item, answer=answer, by=s.by)
        s.out.answer({"item": item, "answer": answer, "told": told}, lines(told))


@app.command("resolve-all")
def resolve_all(
    code: Annotated[str, typer.Argument(help="The kind of question, from `review list`; such as consent.")],
    answer: Annotated[str, typer.Argument(help="The answer to each of them.")],
    company: CompanyName = None,
    as_json: AsJson = False,
) -> None:
    """Answer every open question of one kind alike. Those that changed or were answered meanwhile stay."""
    with session(as_json=as_json) as s:
        company_id = s.company(company).id if company else None
        with s.out.progress("answering") as advance:
            answered, refused = reviewing.resolve_all(
                s.works, s.workspace, company_id=company_id, code=code, answer=answer, by=s.by, told=advance
            )
        told = [f"{answered} of {answered + len(refused)} questions are answered."]
        told += [f"{item}: {why}" for item, why in refused.items()]
        content = {"code": code, "answer": answer, "answered": answered, "refused": refused}
        s.out.answer(content, lines(*told), code=PERSON if refused else 0)


def _planned(s: Session, one: ReviewItem) -> list[preview.Previewed]:
    """What a record would post now, where a person is asked to consent to that."""
    if one.state != "open" or one.trip_id is None or one.company_id is None or one.code not in _SHOWS_PLAN:
        return []
    return preview.dry_run(s.works, one.company_id, trip_ids=[one.trip_id])


def _item(one: ReviewItem) -> dict[str, Any]:
    return {**plain(one), "answers": list(reviewing.answers_to(one))}


def _words(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2, default=str)
