"""Walking by time: whatever pages Square cuts, whatever changes meanwhile, nothing is lost over restarts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_connector.connectors.square.client import Row, Rows, wire
from ml_connector.connectors.square.faults import CursorLost
from ml_connector.connectors.square.positions import Lane, Position, dump, load
from ml_connector.connectors.square.walks import OVERLAP, advance
from ml_connector.errors import Rejected, Transient, UsageError

START = datetime(2026, 1, 1, tzinfo=UTC)
UNTIL = START + timedelta(hours=1)


def row(id_: str, second: float) -> Row:
    return {"id": id_, "updated_at": wire(START + timedelta(seconds=second))}


@dataclass
class Listing:
    """A list as Square keeps it: pages of any size, cursors by place that die when the walk is told so."""

    rows: list[Row]
    sizes: list[int]
    cursors_live: int = 10**6
    asked: int = 0
    alive: dict[str, int] = field(default_factory=dict)

    def ask(self, begin: datetime, cursor: str | None) -> Rows:
        self.asked += 1
        inside = sorted(
            (one for one in self.rows if one["updated_at"] >= wire(begin) and one["updated_at"] <= wire(UNTIL)),
            key=lambda one: (one["updated_at"], one["id"]),
        )
        place = 0
        if cursor is not None:
            if self.alive[cursor] <= 0:
                raise CursorLost("/x")
            self.alive[cursor] -= 1
            place = int(cursor.split("/")[1])
        size = self.sizes[self.asked % len(self.sizes)]
        if place + size >= len(inside):
            return inside[place:], None
        name = f"{self.asked}/{place + size}"
        self.alive[name] = self.cursors_live
        return inside[place : place + size], name


def read_all(listing: Listing, *, room: int, between: Any = None) -> list[str]:
    """Every row of the window, our page by page, the position going through its text each time."""
    lane = Lane(START + OVERLAP)
    found: list[str] = []
    for turn in range(10_000):
        rows, lane = advance(lane, listing.ask, until=UNTIL, begin=START, stamp="updated_at", room=room)
        found += [str(one["id"]) for one in rows]
        assert len(rows) <= room
        lane = load(dump(Position(lanes={"x": lane}))).lanes["x"]
        if lane.mark == UNTIL:
            return found
        assert rows, "a page of ours without a row does not get on"
        if between is not None:
            between(turn)
    raise AssertionError("the walk does not end")


SECONDS = st.lists(st.integers(0, 20), max_size=60)


@settings(max_examples=200, deadline=None)
@given(seconds=SECONDS, sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4), room=st.integers(1, 30))
def test_every_row_is_given_once_however_pages_are_cut(seconds: list[int], sizes: list[int], room: int) -> None:
    rows = [row(f"P{number}", second) for number, second in enumerate(seconds)]
    assert sorted(read_all(Listing(rows, sizes), room=room)) == sorted(str(one["id"]) for one in rows)


@settings(max_examples=100, deadline=None)
@given(seconds=SECONDS, zeros=st.integers(1, 3), room=st.integers(1, 30))
def test_empty_pages_with_a_cursor_end_nothing(seconds: list[int], zeros: int, room: int) -> None:
    rows = [row(f"P{number}", second) for number, second in enumerate(seconds)]
    found = read_all(Listing(rows, [0] * zeros + [3]), room=room)
    assert sorted(found) == sorted(str(one["id"]) for one in rows)


@settings(max_examples=100, deadline=None)
@given(
    seconds=st.lists(st.integers(0, 20), min_size=5, max_size=60),
    changes=st.lists(st.tuples(st.integers(0, 59), st.integers(21, 3000)), max_size=20),
    room=st.integers(1, 10),
)
def test_rows_that_change_while_we_walk_are_given_with_their_last_state(
    seconds: list[int], changes: list[tuple[int, int]], room: int
) -> None:
    rows = [row(f"P{number}", second) for number, second in enumerate(seconds)]
    listing = Listing(rows, [4])
    left = list(changes)
    newest = 20

    def change(_turn: int) -> None:
        nonlocal newest
        if left:
            which, later = left.pop()
            newest += 1 + later // 20  # a change is stamped with its own moment, never before an earlier one
            listing.rows[which % len(rows)] = row(f"P{which % len(rows)}", newest)

    found = read_all(listing, room=room, between=change)
    assert set(found) == {str(one["id"]) for one in rows}


def test_a_cursor_that_is_forgotten_starts_again_where_the_walk_stands() -> None:
    rows = [row(f"P{number:03}", 5) for number in range(40)]  # one moment: only cursors lead through

    @dataclass
    class Forgetting(Listing):
        lost: int = 0

        def ask(self, begin: datetime, cursor: str | None) -> Rows:
            if cursor is not None and self.lost < 2:
                self.lost += 1
                raise CursorLost("/x")
            return super().ask(begin, cursor)

    assert len(read_all(Forgetting(rows, [10]), room=100)) == 40
    with pytest.raises(Transient, match="forgot"):
        read_all(Listing(rows, [10], cursors_live=0), room=100)


def test_a_row_fresher_than_its_list_does_not_move_the_mark() -> None:
    fresh = row("FRESH", 1) | {"updated_at": wire(UNTIL + timedelta(seconds=30))}

    @dataclass
    class Lagging(Listing):
        """Its index says second 1, its body is newer."""

        def ask(self, begin: datetime, cursor: str | None) -> Rows:
            found, after = super().ask(begin, cursor)
            return ([fresh, *found] if cursor is None else found), after

    found = read_all(Lagging([row(f"P{n}", n) for n in range(30)], [5]), room=7)
    assert set(found) == {"FRESH", *(f"P{n}" for n in range(30))}


def test_a_list_that_is_not_sorted_as_asked_is_refused() -> None:
    def ask(begin: datetime, cursor: str | None) -> Rows:
        return [row("P1", 9), row("P2", 3)], None

    with pytest.raises(Transient, match="sort"):
        advance(Lane(START), ask, until=UNTIL, begin=START, stamp="updated_at", room=10)


def test_a_vendor_that_always_has_a_next_page_is_left() -> None:
    def ask(begin: datetime, cursor: str | None) -> Rows:
        return [], "more"

    with pytest.raises(Rejected, match="pages"):
        advance(Lane(START), ask, until=UNTIL, begin=START, stamp="updated_at", room=10)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"v":2}', '{"v":1,"lanes":{"x":[]}}', '{"v":1,"lanes":{"x":["soon"]}}', "[" * 99_999]
)
def test_a_position_that_is_none_of_ours_is_told(text: str) -> None:
    with pytest.raises(UsageError):
        load(text)


def test_a_position_survives_its_text() -> None:
    whole = Position(
        lanes={"L1": Lane(START), "L1+offline": Lane(START, UNTIL, ("a", "b"))},
        until=UNTIL,
        night="2026-01-01",
        known={"po": "x"},
        watched={"po": "2026"},
        due=("po",),
        place="L1",
        walked=7,
    )
    assert load(dump(whole)) == whole
    assert load(None) == Position() == load(dump(Position()))
