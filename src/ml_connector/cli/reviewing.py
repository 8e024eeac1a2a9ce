"""`review`: what waits for a person, and the person's answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from textwrap import indent
from typing import Annotated, Any

import typer
from rich.console import Console

from ml_connector.cli.output import PERSON, AsJson, lines, plain, when
from ml_connector.cli.running import print_previews, shown
from ml_connector.cli.session import CompanyName, Session, session
from ml_connector.engine import preview, reviewing
from ml_connector.store import trips
from ml_connector.store.reviews import ReviewItem

app = typer.Typer(help="What waits for a person.", no_args_is_help=True)

_MEANINGS = {
    "accept": "as it is proposed",
    "ignore": "book nothing of this record; ignore:REASON keeps why",
    "plan-again": "what was wrong is mended, look again",
    "use": "this value instead of the proposed one",
    "create": "make the value in the ledger first, as it is proposed or as you say, and book on it",
    "check-again": "look at the ledger again",
    "release-again": "it is mended in the ledger, release it",
    "send-again": "it did not arrive, send it once more",
    "arrived": "it did arrive",
    "leave-it": "it stays as it is in the ledger",
    "number": "the one of them that counts",
    "cancel": "give it up; the record waits for a word",
    "resume": "call again",
}
_SHOWS_PLAN = frozenset({"consent", "correction", "ignored-changed"})

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
        about = _about(s, found)
        rows = [{**_item(one), "about": about[one.id]} for one in found]
        s.out.answer({"items": rows}, lines(*_listed(found, about)), code=PERSON if found else 0)


@app.command("show")
def show(item: ItemId, as_json: AsJson = False) -> None:
    """One question with its proposal and the answers it takes."""
    with session(as_json=as_json) as s:
        one = reviewing.show(s.works, s.workspace, item)
        about = _about(s, [one])[one.id]
        told = [f"{one.id}  {one.code}, {one.state} since {when(one.created_at)}", about, one.sentence]
        told += [f"Decided: {reviewing.decided(one)}, by {one.decided_by}"] if one.decided_by else []
        told += [f"{name}: {_words(value)}" for name, value in one.proposal.items() if value not in ("", None)]
        if one.state == "open":
            told += ["Answers:", *(f"  {each}: {_meaning(each)}" for each in reviewing.answers_to(one))]
        planned = _planned(s, one)
        posted = [shown(s, one.company_id or "", each) for each in planned]
        content = {**_item(one), "about": about, "would_be_posted": posted}

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
        asked = answered + len(refused)
        told = [f"{answered} of {asked} questions are answered." if asked else f"No question of kind {code} is open."]
        told += [f"{item}: {why}" for item, why in refused.items()]
        content = {"code": code, "answer": answer, "answered": answered, "refused": refused}
        s.out.answer(content, lines(*told), code=PERSON if refused else 0)


def _listed(found: Sequence[ReviewItem], about: Mapping[str, str]) -> list[str]:
    """A question a block: its id stands alone in the line, to be copied, however narrow the screen."""
    if not found:
        return ["Waiting for a person: none."]
    rest = ", the oldest" if len(found) >= reviewing.MOST_SHOWN else ""
    told = [f"Waiting for a person{rest}: {len(found)}"]
    for one in found:
        told += [
            "",
            f"{one.id}  {one.code}",
            f"    {about[one.id]}, since {when(one.created_at)}",
            f"    {one.sentence}",
        ]
    return [*told, "", "Next: ml-connector review show ID"]


def _about(s: Session, found: Sequence[ReviewItem]) -> dict[str, str]:
    """Which record, connection and company a question is about, by the question's id."""
    codes = {one.id: one.code for one in s.connections()}
    names = {one.id: one.name for one in s.companies()}
    with s.works.database.reading() as c:
        known = trips.with_external_ids(c, [one.trip_id for one in found if one.trip_id])
    told = {}
    for one in found:
        kind, name, source = known.get(one.trip_id or "", ("", "", one.connection_id))
        parts = (f"{kind} {name}".strip(), codes.get(source or "", ""), names.get(one.company_id or "", ""))
        told[one.id] = ", ".join(part for part in parts if part) or one.subject
    return told


def _meaning(answer: str) -> str:
    return _MEANINGS.get(answer.partition(":")[0], "what you decided, in a word; it is kept with the record")


def _planned(s: Session, one: ReviewItem) -> list[preview.Previewed]:
    """What a record would post now, where a person is asked to consent to that."""
    if one.state != "open" or one.trip_id is None or one.company_id is None or one.code not in _SHOWS_PLAN:
        return []
    return preview.dry_run(s.works, one.company_id, trip_ids=[one.trip_id])


def _item(one: ReviewItem) -> dict[str, Any]:
    return {**plain(one), "answers": list(reviewing.answers_to(one))}


def _words(value: Any) -> str:
    text = value.rstrip() if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return "\n" + indent(text, "    ") if "\n" in text else text
