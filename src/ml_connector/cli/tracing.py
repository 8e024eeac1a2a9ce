"""`trace`: the whole story behind any id."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console

from ml_connector.cli.output import AsJson, plain, table, when
from ml_connector.cli.running import COLUMNS, rows_of
from ml_connector.cli.session import Session, session
from ml_connector.engine import journals, paypages, tracing
from ml_connector.engine.paypages import PayPage
from ml_connector.engine.tracing import Story


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
    for story, vouchers, pages in found:
        console.print(f"{story.connection} {story.kind} {story.external_id}", style="bold", markup=False)
        for trip in story.trips:
            console.print(f"  trip {trip.id}: {trip.state} {trip.reason or ''}".rstrip(), markup=False)
        for write in story.writes:
            told = f"  write {write.key}, revision {write.revision}: {write.state}, {write.kind} {write.number or ''}"
            console.print(told.rstrip(), markup=False)
        for one in story.submissions:
            console.print(
                f"  submission {one.key}: {one.state}, token {one.token}, number {one.number or '-'}", markup=False
            )
        for page in pages:
            told = page.trouble or f"{page.status}, {page.url or 'no address to pay at'}"
            console.print(f"  collected as {page.number}: {told}", markup=False)
        for voucher in vouchers:
            if voucher.lines:
                title = f"  {voucher.number or 'not numbered yet'}  {voucher.day}  {voucher.text}"
                table(title, COLUMNS, rows_of(_of_story(voucher, story)))(console)
        rows: list[tuple[Any, ...]] = [(when(one.at), one.what, one.told) for one in story.moments]
        table("  Timeline", ("when", "", "what"), rows)(console)


def _of_story(voucher: journals.Voucher, story: Story) -> tuple[journals.Line, ...]:
    """Of a summary voucher the lines of this record alone, where lines tell their record."""
    own = tuple(line for line in voucher.lines if story.external_id in line.source_ids)
    return own or voucher.lines
