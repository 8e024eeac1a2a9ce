"""When a route posts: at hours of the day, every so often, not in quiet hours. Pure: the moment is an argument.

A *run* begins at an hour of the timetable and sends what is ready then. One whose hour lies in quiet hours begins when
these end; a timetable that only names quiet hours always runs, except in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

LEAST, MOST = timedelta(minutes=1), timedelta(days=1)
Quiet = tuple[time, time]
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class Timetable:
    """`at`: hours of the day; or `every_s`, counted from midnight; `quiet`: from, to (which may be past midnight).

    Clock times are those of the company's time zone.
    """

    at: tuple[time, ...] = ()
    every_s: int | None = None
    quiet: tuple[Quiet, ...] = ()

    def __post_init__(self) -> None:
        if self.at and self.every_s is not None:
            raise ValueError("a route posts at hours of the day or every so often, not both")
        if self.every_s is not None and not LEAST <= timedelta(seconds=self.every_s) <= MOST:
            raise ValueError("a route posts every minute at the most, and once a day at the least")
        if any(begins == ends for begins, ends in self.quiet):
            raise ValueError("quiet hours end at another time than they begin")

    @property
    def has_runs(self) -> bool:
        """Whether it posts in runs; else all the time outside quiet hours."""
        return bool(self.at) or self.every_s is not None


def run_at(table: Timetable, now: datetime, zone: ZoneInfo) -> datetime | None:
    """When the run that is on, or was on last, began (aware UTC). None: quiet hours."""
    if quiet_until(table, now, zone) is not None:
        return None
    if not table.has_runs:
        return now
    begins = max(one for one in _hours(table, now, zone) if one <= now)
    return quiet_until(table, begins, zone) or begins


def next_run(table: Timetable, now: datetime, zone: ZoneInfo) -> datetime:
    """When the next run begins; for a timetable without runs when it may send again."""
    if not table.has_runs:
        return quiet_until(table, now, zone) or now
    begins = min(one for one in _hours(table, now, zone) if one > now)
    return quiet_until(table, begins, zone) or begins


def quiet_until(table: Timetable, moment: datetime, zone: ZoneInfo) -> datetime | None:
    """When the quiet hours end that this moment lies in, those that follow at once too; None: it lies in none."""
    ends = moment
    for _ in range(len(table.quiet)):
        later = max((end for begin, end in _quiet(table, ends, zone) if begin <= ends < end), default=ends)
        if later == ends:
            break
        ends = later
    return ends if ends > moment else None


def timetable_of(at: tuple[str, ...] = (), *, every_s: int | None = None, quiet: tuple[str, ...] = ()) -> Timetable:
    """From what people write: `02:00`, `22:00-06:00`. Raises ValueError in words."""
    spans = []
    for one in quiet:
        begins, parted, ends = one.partition("-")
        if not parted:
            raise ValueError(f"{one} is no span of hours such as 22:00-06:00")
        spans.append((_clock(begins), _clock(ends)))
    return Timetable(tuple(sorted({_clock(one) for one in at})), every_s, tuple(spans))


def said(table: Timetable) -> str:
    """The timetable as people read it."""
    if table.at:
        told = f"at {', '.join(f'{one:%H:%M}' for one in table.at)}"
    elif table.every_s is not None:
        minutes, seconds = divmod(table.every_s, 60)
        told = f"every {minutes} minutes" if not seconds else f"every {table.every_s} seconds"
    else:
        told = "at once"
    return told + "".join(f", not from {begins:%H:%M} to {ends:%H:%M}" for begins, ends in table.quiet)


def _clock(text: str) -> time:
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text.strip() or 'nothing'} is no time of day such as 02:00")
    return time(int(found[1]), int(found[2]))


def _hours(table: Timetable, around: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """When runs begin from the day before to the day after."""
    for shift in (-1, 0, 1):
        day = around.astimezone(zone).date() + timedelta(days=shift)
        if table.at:
            yield from (datetime.combine(day, one, zone).astimezone(UTC) for one in table.at)
            continue
        begins, ends = (datetime.combine(one, time(), zone).astimezone(UTC) for one in (day, day + timedelta(days=1)))
        step = timedelta(seconds=table.every_s or 1)
        yield from (begins + n * step for n in range(-(-(ends - begins) // step)))


def _quiet(table: Timetable, around: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    today = around.astimezone(zone).date()
    for begins, ends in table.quiet:
        for shift in (-1, 0):
            day = today + timedelta(days=shift)
            last = day if ends > begins else day + timedelta(days=1)
            yield (
                datetime.combine(day, begins, zone).astimezone(UTC),
                datetime.combine(last, ends, zone).astimezone(UTC),
            )
