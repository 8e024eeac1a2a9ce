"""Many rows at once, on both sides of the size where PostgreSQL's COPY begins."""

from __future__ import annotations

import pytest
from sqlalchemy import bindparam, func, select, update
from sqlalchemy.exc import IntegrityError, StatementError

from ml_connector.store import tables
from ml_connector.store.bulk import COPY_FROM_ROWS, chunks, insert_many, update_many, upsert_ignore
from ml_connector.store.database import Database
from tests.store.rows import a_company, a_record

SIZES = [1, COPY_FROM_ROWS, COPY_FROM_ROWS * 5]


def count(database: Database) -> int:
    with database.reading() as c:
        return int(c.execute(select(func.count()).select_from(tables.record)).scalar_one())


@pytest.mark.parametrize("size", SIZES)
def test_all_rows_go_in_as_they_are(database: Database, size: int) -> None:
    odd = 'tab\t newline\n backslash\\N "quoted" Å'
    with database.writing() as c:
        a_company(c)
        insert_many(c, tables.record, [a_record(n, location=odd, parent=None, occurred_at=n) for n in range(size)])
    assert count(database) == size
    with database.reading() as c:
        query = select(tables.record.c.location, tables.record.c.parent).distinct()
        assert c.execute(query).all() == [(odd, None)]


@pytest.mark.parametrize("size", SIZES)
def test_one_row_too_many_undoes_all(database: Database, size: int) -> None:
    with database.writing() as c:
        a_company(c)
    rows = [a_record(n) for n in range(size)] + [a_record(0, id="twin")]
    with pytest.raises(IntegrityError), database.writing() as c:
        insert_many(c, tables.record, rows)
    assert count(database) == 0


@pytest.mark.parametrize("size", SIZES)
def test_known_rows_are_left_out_and_new_ones_counted(database: Database, size: int) -> None:
    with database.writing() as c:
        a_company(c)
        insert_many(c, tables.record, [a_record(n) for n in range(0, size, 2)])
        known = len(range(0, size, 2))
        rows = [a_record(n, id=f"again{n}") for n in range(size)]
        assert upsert_ignore(c, tables.record, rows) == size - known
        assert upsert_ignore(c, tables.record, rows) == 0
        assert upsert_ignore(c, tables.record, []) == 0
    assert count(database) == size


def test_rows_of_different_columns_are_a_mistake_of_the_program(database: Database) -> None:
    with database.writing() as c, pytest.raises(ValueError, match="parent"):
        insert_many(c, tables.record, [a_record(1), a_record(2, parent="x")])


def test_parts_lose_nothing() -> None:
    assert [list(part) for part in chunks([1, 2, 3, 4, 5], 2)] == [[1, 2], [3, 4], [5]]
    assert list(chunks([], 2)) == []


LEAVING = (
    update(tables.record)
    .where(tables.record.c.id == bindparam("b_id"), tables.record.c.current_n == bindparam("b_was"))
    .values(current_n=bindparam("b_n"), location="there", parent=None)
)


def test_an_update_of_many_rows_counts_those_it_changed(database: Database) -> None:
    with database.writing() as c:
        a_company(c)
        insert_many(c, tables.record, [a_record(n, id=f"r{n}", parent="p", current_n=1) for n in range(3)])
        rows = [{"b_id": f"r{n}", "b_was": was, "b_n": n + 10} for n, was in enumerate((1, 1, 7))]
        assert update_many(c, LEAVING, rows) == 2
        assert update_many(c, LEAVING, []) == 0
    with database.reading() as c:
        record = tables.record.c
        found = c.execute(select(record.current_n, record.location, record.parent).order_by(record.id)).all()
    assert found[:2] == [(10, "there", None), (11, "there", None)]
    assert (found[2].current_n, found[2].parent) == (1, "p")


def test_a_parameter_left_out_is_never_taken_for_null(database: Database) -> None:
    with pytest.raises((KeyError, StatementError)), database.writing() as c:
        update_many(c, LEAVING, [{"b_id": "r1", "b_was": 1}])
