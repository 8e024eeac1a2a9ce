"""When a run of a timetable begins: hours of the day, every so often, quiet hours, days on which clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.rules.timetable import Timetable, next_run, quiet_until, run_at, said, timetable_of

OSLO = ZoneInfo("Europe/Oslo")
MONDAY = datetime(2026, 3, 9, tzinfo=UTC)
NIGHTLY = timetable_of(("02:00",))
QUARTERS = timetable_of(every_s=900)
NIGHTS_OFF = timetable_of(quiet=("22:00-06:00",))


def at(clock: str, *, day: int = 9, zone: ZoneInfo = OSLO, month: int = 3) -> datetime:
    hours, minutes = map(int, clock.split(":"))
    return datetime(2026, month, day, hours, minutes, tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("table", "now", "began", "following"),
    [
        (NIGHTLY, at("01:59"), at("02:00", day=8), at("02:00")),
        (NIGHTLY, at("02:00"), at("02:00"), at("02:00", day=10)),
        (NIGHTLY, at("23:00"), at("02:00"), at("02:00", day=10)),
        (timetable_of(("14:00", "02:00")), at("13:00"), at("02:00"), at("14:00")),
        (QUARTERS, at("09:14"), at("09:00"), at("09:15")),
        (QUARTERS, at("00:03"), at("00:00"), at("00:15")),
        (timetable_of(every_s=7 * 3600), at("23:00"), at("21:00"), at("00:00", day=10)),  # counted from midnight
        (NIGHTS_OFF, at("12:00"), at("12:00"), at("12:00")),
        (NIGHTS_OFF, at("23:00"), None, at("06:00", day=10)),
        (NIGHTS_OFF, at("05:59"), None, at("06:00")),
        (NIGHTS_OFF, at("06:00"), at("06:00"), at("06:00")),
        (timetable_of(("02:00",), quiet=("01:00-03:00",)), at("04:00"), at("03:00"), at("03:00", day=10)),
        (timetable_of(every_s=3600, quiet=("12:30-13:30",)), at("13:40"), at("13:30"), at("14:00")),
        (timetable_of(every_s=3600, quiet=("12:30-13:30",)), at("13:10"), None, at("14:00")),
        (timetable_of(quiet=("22:00-02:00", "02:00-06:00")), at("23:00"), None, at("06:00", day=10)),
    ],
)
def test_a_run_began_and_the_next_begins(
    table: Timetable, now: datetime, began: datetime | None, following: datetime
) -> None:
    assert run_at(table, now, OSLO) == began
    assert next_run(table, now, OSLO) == following


def test_a_day_on_which_the_clock_changes_has_its_run_once() -> None:
    spring = [at("00:00", day=29) + timedelta(minutes=10 * n) for n in range(6 * 23)]
    autumn = [at("00:00", day=25, month=10) + timedelta(minutes=10 * n) for n in range(6 * 25)]
    for day in (spring, autumn):
        begun = [run_at(timetable_of(("02:30",)), moment, OSLO) for moment in day]
        assert len({one for one in begun if one is not None and one >= day[0]}) == 1


@given(
    st.integers(0, 60 * 24 * 400), st.sampled_from([NIGHTLY, QUARTERS, NIGHTS_OFF, timetable_of(("02:00", "23:30"))]),
    st.sampled_from(["Europe/Oslo", "Europe/Dublin", "Pacific/Auckland", "UTC"]),
)  # fmt: skip
def test_the_next_run_is_the_one_that_began_when_its_time_has_come(
    minutes: int, table: Timetable, zone_name: str
) -> None:
    now, zone = MONDAY + timedelta(minutes=minutes), ZoneInfo(zone_name)
    following = next_run(table, now, zone)
    assert run_at(table, following, zone) == following
    assert quiet_until(table, following, zone) is None
    begun = run_at(table, now, zone)
    assert begun is None or begun <= now <= following


@pytest.mark.parametrize(
    ("given_", "why"),
    [
        ({"at": ("25:00",)}, "25:00 is no time of day"),
        ({"at": ("02:00",), "every_s": 900}, "not both"),
        ({"every_s": 30}, "every minute at the most"),
        ({"every_s": 90_000}, "once a day at the least"),
        ({"quiet": ("22:00",)}, "no span"),
        ({"quiet": ("22:00-22:00",)}, "another time"),
        ({"quiet": ("22:00-",)}, "nothing is no time of day"),
    ],
)
def test_what_is_no_timetable_is_refused_in_words(given_: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        timetable_of(**given_)  # type: ignore[arg-type]


def test_a_timetable_reads_like_a_sentence() -> None:
    assert said(timetable_of(("14:00", "02:00"))) == "at 02:00, 14:00"
    assert said(timetable_of(every_s=900, quiet=("22:00-06:00",))) == "every 15 minutes, not from 22:00 to 06:00"
    assert said(NIGHTS_OFF) == "at once, not from 22:00 to 06:00"
