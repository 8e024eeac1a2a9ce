"""What a command prints: for people, or one JSON object; errors in three parts, never a stack trace."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import Annotated, Any, Literal, NoReturn

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from ml_connector.clock import moment
from ml_connector.errors import (
    ConfigurationError,
    ConnectorError,
    HostRefused,
    LeaseLost,
    NotAuthorized,
    StorageUnavailable,
    Transient,
    UnknownOutcome,
    UsageError,
)
from ml_connector.finance.money import Money

OK, PERSON, USAGE, CONFIGURATION, NOT_AUTHORIZED, TRANSIENT = range(6)
MEANING = {
    OK: "done",
    PERSON: "something needs a person, or a check failed",
    USAGE: "the command was not understood, or names something that is not there",
    CONFIGURATION: "a setting is missing or wrong",
    NOT_AUTHORIZED: "the other side refuses our credentials or rights",
    TRANSIENT: "the other side or the database cannot answer now: run it again later",
}
"""What each exit code says."""

PROSE = 24  # characters from which a text with blanks is a sentence, and the least that it is wrapped to
_NUMBER = re.compile(r"-?[\d,]+(\.\d+)?( [A-Z]{3})?")
PIPED_WIDTH = 140  # into a file or a pipe: nobody turns the page there, and tables need room

_CODES: tuple[tuple[type[ConnectorError], int], ...] = (
    (UsageError, USAGE),
    (ConfigurationError, CONFIGURATION),
    (HostRefused, CONFIGURATION),
    (NotAuthorized, NOT_AUTHORIZED),
    (Transient, TRANSIENT),
    (UnknownOutcome, TRANSIENT),
    (StorageUnavailable, TRANSIENT),
    (LeaseLost, TRANSIENT),
)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output, nothing else.")]


class Output:
    """Where a command's answer goes. Progress and remarks go to standard error."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPED_WIDTH)
        self.remarks = Console(stderr=True, highlight=False, soft_wrap=True)

    def answer(
        self, content: Mapping[str, Any], show: Callable[[Console], None] | None = None, *, code: int = OK
    ) -> None:
        """Print the answer; a code other than 0 ends the command with it."""
        if self.as_json:
            print(
                json.dumps(plain(content), ensure_ascii=False), flush=True
            )  # a server's answer must not wait in a buffer
        elif show is not None:
            show(self.console)
        if code:
            raise typer.Exit(code)

    def say(self, sentence: str) -> None:
        """A remark for people; silent where JSON was asked for."""
        if not self.as_json:
            self.console.print(sentence, markup=False)

    @contextmanager
    def progress(self, what: str, total: int | None = None) -> Iterator[Callable[..., None]]:
        """A bar on standard error for long work.

        Call what is given with how far it has come, and of how much where that was not known before.
        """
        bar = Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}"), TimeElapsedColumn(),
            console=self.remarks, transient=True, disable=not sys.stderr.isatty(),
        )  # fmt: skip
        with bar:
            task: TaskID = bar.add_task(what, total=total)
            yield lambda done, of=None: bar.update(task, completed=done, total=of)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Callable[[Console], None]:
    """A table for people; told in words when it is empty.

    Columns that say nothing are left out, numbers stand right, sentences wrap. Where the screen is too narrow for the
    rest, each row is a block of lines instead: ids and amounts are never broken.
    """

    def show(console: Console) -> None:
        found = [["" if value is None else str(value) for value in row] for row in rows]
        if not found:
            console.print(f"{title}: none.", markup=False)
            return
        said = [n for n in range(len(columns)) if n == 0 or any(row[n] for row in found)]
        told = [_Column(columns[n], [row[n] for row in found]) for n in said]
        if sum(one.least + len(" ┃ ") for one in told) - 1 > console.width:
            _print_blocks(console, title, told)
            return
        shown = Table(title=escape(title), title_justify="left", header_style="bold", show_edge=False)
        for one in told:
            justify: Literal["left", "right"] = "right" if one.is_number else "left"
            shown.add_column(one.name, overflow="fold", justify=justify, no_wrap=not one.is_prose, min_width=one.least)
        for cells in zip(*(one.cells for one in told), strict=True):
            shown.add_row(*map(escape, cells))
        console.print(shown)

    return show


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    cells: Sequence[str]

    @property
    def is_number(self) -> bool:
        return all(_NUMBER.fullmatch(cell) for cell in self.cells if cell)

    @property
    def is_prose(self) -> bool:
        """Whether it may be wrapped: sentences, not ids, times or amounts."""
        return any(len(cell) > PROSE and " " in cell for cell in self.cells)

    @property
    def least(self) -> int:
        """How wide it must be."""
        words = (word for cell in self.cells for word in cell.split()) if self.is_prose else iter(self.cells)
        longest = max(map(cell_len, words), default=0)
        return max(len(self.name), longest, PROSE if self.is_prose else 0)


def _print_blocks(console: Console, title: str, told: Sequence[_Column]) -> None:
    """Each row as lines: what it is first, the rest by name."""
    console.print(title, style="italic", markup=False)
    for cells in zip(*(one.cells for one in told), strict=True):
        named = list(zip((one.name for one in told), cells, strict=True))
        heads = 1 if named[0][0] else 2  # a verdict has no name, and belongs to what it is about
        console.print("  ".join(cell for _, cell in named[:heads]), style="bold", markup=False)
        for name, cell in named[heads:]:
            if cell:
                console.print(f"    {name}: {cell}" if name else f"    {cell}", markup=False)


def lines(*sentences: str) -> Callable[[Console], None]:
    """Sentences for people, one a line."""

    def show(console: Console) -> None:
        for sentence in sentences:
            console.print(sentence, markup=False)

    return show


_zone: dict[str, tzinfo] = {"of": UTC}  # set by the session, as soon as it knows whose books are looked at


def tell_times_in(zone: tzinfo) -> None:
    """From now on times are told in this zone."""
    _zone["of"] = zone


def when(micros: int | None) -> str:
    """A stored time for people, in the zone of their books."""
    return "" if micros is None else moment(micros).astimezone(_zone["of"]).strftime("%Y-%m-%d %H:%M:%S %Z")


def plain(value: Any) -> Any:
    """A value as JSON: money as text with its currency, decimals as text, times as ISO 8601."""
    if isinstance(value, Money | Decimal):
        return str(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in (sorted(value) if isinstance(value, set | frozenset) else value)]
    return value


def code_of(error: ConnectorError) -> int:
    """The exit code an error ends the command with."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), PERSON)


def told(error: ConnectorError) -> dict[str, Any]:
    """An error as JSON, in its three parts."""
    return {"error": {"code": error.code, "what": error.what, "record": error.record, "fix": error.fix}}


def fail(error: ConnectorError, *, as_json: bool) -> NoReturn:
    """Tell an error and end with its code."""
    tell(error, as_json=as_json)
    raise typer.Exit(code_of(error))


def tell(error: ConnectorError, *, as_json: bool) -> None:
    """An error in its three parts: what happened, to what, what to do."""
    if as_json:
        print(json.dumps(told(error), ensure_ascii=False))
    else:
        remarks = Console(stderr=True, highlight=False, soft_wrap=True)
        remarks.print(f"{error.code}  {error.what}", markup=False)
        if error.record:
            remarks.print(f"Record:   {error.record}", markup=False)
        remarks.print(f"To do:    {error.fix}", markup=False)
