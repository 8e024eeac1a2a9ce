"""States move along the arrows only, and for one worker only."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import insert, select

from ml_connector.store import tables
from ml_connector.store.database import Database
from ml_connector.store.states import ARROWS, keep, move, move_many, state_column
from tests.store.rows import T0, a_company, a_submission, a_trip, an_attempt


def test_every_state_of_the_arrows_is_one_the_database_knows_and_the_other_way_round() -> None:
    for table, arrows in ARROWS.items():
        column = state_column(table)
        rule = next(
            str(constraint.sqltext)  # type: ignore[attr-defined]
            for constraint in table.constraints
            if str(constraint.name) in {column, f"ck_{table.name}_{column}"}
        )
        known = set(rule.split("'")[1::2])
        assert {state for state in arrows if state} | {to for targets in arrows.values() for to in targets} == known


def test_a_final_state_has_no_way_out_but_the_named_ones() -> None:
    final = {
        (table.name, state) for table, arrows in ARROWS.items() for state, targets in arrows.items() if not targets
    }
    assert ("submission", "done") in final
    assert ("planned_write", "reversed") in final
    assert ("trip", "posted") not in final


def test_a_move_along_an_arrow_sets_the_values_with_it(database: Database) -> None:
    with database.writing() as c:
        a_company(c)
        trip = a_trip(c, state="received")
        assert move(c, tables.trip, trip, source={"received", "waiting"}, target="held", reason="no account")
    with database.reading() as c:
        assert c.execute(select(tables.trip.c.state, tables.trip.c.reason)).one() == ("held", "no account")


def test_a_row_in_another_state_stays_as_it_is(database: Database) -> None:
    with database.writing() as c:
        a_company(c)
        trip = a_trip(c, state="held")
        assert not move(c, tables.trip, trip, source="received", target="planned", reason="late")
        assert not move(c, tables.trip, "nobody", source="received", target="planned")
        assert c.execute(select(tables.trip.c.state, tables.trip.c.reason)).one() == ("held", None)


@pytest.mark.parametrize(("source", "target"), [("posted", "planned"), ("reversed", "posted"), ("held", "lost")])
def test_a_move_without_an_arrow_is_a_mistake_of_the_program(database: Database, source: str, target: str) -> None:
    with database.writing() as c, pytest.raises(ValueError, match="never goes"):
        move(c, tables.trip, "T", source=source, target=target)


def test_an_attempt_moves_from_an_empty_outcome(database: Database) -> None:
    with database.writing() as c:
        a_company(c)
        a_submission(c)
        c.execute(insert(tables.attempt).values(an_attempt()))
        assert not move(c, tables.attempt, "ATT1", source="unknown", target="adopted")
        assert move(c, tables.attempt, "ATT1", source=None, target="unknown", ended_at=T0)
        assert move(c, tables.attempt, "ATT1", source="unknown", target="adopted")


def test_many_rows_move_at_once_and_only_those_in_the_source_state_count(database: Database) -> None:
    with database.writing() as c:
        a_company(c)
        trips = [a_trip(c, number, state="planned" if number % 2 else "held") for number in range(1, 12)]
        assert move_many(c, tables.trip, trips, source="planned", target="posting") == 6
        assert move_many(c, tables.trip, [], source="planned", target="posting") == 0


def test_values_can_be_set_while_a_state_lasts(database: Database) -> None:
    with database.writing() as c:
        a_company(c)
        submission = a_submission(c, state="created")
        assert keep(c, tables.submission, submission, state="created", etag="2")
        assert not keep(c, tables.submission, submission, state={"done", "ready"}, etag="3")
        assert c.execute(select(tables.submission.c.etag)).scalar() == "2"


def test_of_many_workers_one_moves_the_row(database: Database) -> None:
    with database.writing() as c:
        a_company(c)
        submission = a_submission(c, state="ready")

    def try_it(_number: int) -> bool:
        with database.writing() as c:
            return move(c, tables.submission, submission, source="ready", target="creating")

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(try_it, range(8))) == [False] * 7 + [True]
