"""`trace`: the whole story behind any id."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import typer
from rich.console import Console

from ml_connector.cli import journal_table
from ml_connector.cli.output import AsJson, plain, when
from ml_connector.cli.session import Session, session
from ml_connector.engine import journals, paypages, tracing
from ml_connector.engine.paypages import PayPage
from ml_connector.engine.tracing import Moment, Story


def register(root: typer.Typer) -> None:
    """Put the command under the root."""
    root.command("trace")(trace)


def trace(
    name: Annotated[str, typer.Argument(help="Source id, key, Visma number, token, event id, trip id... any id.")],
    as_json: AsJson = False,
) -> None:
    """Tell the story of a record: what was read when, planned why, sent, answered and booked, on both sides."""
    with session(as_json=as_json) as s:
        stories = tracing.trace(s.works, s.workspace, name)
        found = [(story, _vouchers(s, story), paypages.pay_pages(s.works, story.submissions)) for story in stories]
        content = {
            "stories": [
                {**plain(story), "vouchers": plain(vouchers), "pages": plain(pages)} for story, vouchers, pages in found
            ]
        }
        s.out.answer(content, lambda console: _print(console, found))


def _vouchers(s: Session, story: Story) -> list[journals.Voucher]:
    numbers = dict.fromkeys(one.token for one in story.submissions)
    return [voucher for number in numbers for voucher in journals.voucher(s.works, s.workspace, number)]


def _print(console: Console, found: list[tuple[Story, list[journals.Voucher], tuple[PayPage, ...]]]) -> None:
    marks = _marks(len(found))
    for mark, (story, vouchers, pages) in zip(marks, found, strict=True):
        console.print(f"{mark}{story.connection} {story.kind} {story.external_id}", style="bold", markup=False)
        for told in (*_standing(story), *(_page(page) for page in pages)):
            console.print(f"  {told.rstrip()}", markup=False)
        for voucher in vouchers:
            if voucher.lines:
                title = f"  {voucher.number or 'not numbered yet'}  {voucher.day}  {voucher.text}"
                journal_table.show(console, title, _of_story(voucher, story))
    console.print("Timeline", style="italic", markup=False)
    for told in timeline([story for story, _, _ in found]):
        console.print(f"  {told}", markup=False)


def timeline(stories: Sequence[Story]) -> Iterator[str]:
    """All that happened to these records, in the order of time; each line has the mark of its record, if several."""
    told = [(one, mark) for mark, story in zip(_marks(len(stories)), stories, strict=True) for one in story.moments]
    width = max((len(one.what) for one, _ in told), default=0)
    for one, mark in sorted(told, key=lambda pair: pair[0].at):
        yield f"{mark}{when(one.at)}  {one.what.ljust(width)}  {_told(one)}"


def _marks(count: int) -> list[str]:
    """What records are told apart by."""
    return [f"{n})".ljust(len(str(count)) + 2) for n in range(1, count + 1)] if count > 1 else [""] * count


def _standing(story: Story) -> Iterator[str]:
    """Where its trips, writes and documents stand."""
    for trip in story.trips:
        yield f"trip {trip.id}: {trip.state} {trip.reason or ''}"
    for write in story.writes:
        yield f"write {write.key}, revision {write.revision}: {write.state}, {write.kind} {write.number or ''}"
    for one in story.submissions:
        yield f"submission {one.key}: {one.state}, token {one.token}, number {one.number or '-'}"


def _page(page: PayPage) -> str:
    told = page.trouble or f"{page.status}, {page.url or 'no address to pay at'}"
    return f"collected as {page.number}: {told}"


def _told(one: Moment) -> str:
    """What happened; of an audit event its number is enough, --json names its chain."""
    return one.told.replace(f" of {one.facts['chain']})", ")") if one.what == "audit" else one.told


def _of_story(voucher: journals.Voucher, story: Story) -> tuple[journals.Line, ...]:
    """Of a summary voucher the lines of this record alone, where lines tell their record."""
    own = tuple(line for line in voucher.lines if story.external_id in line.source_ids)
    return own or voucher.lines
