"""Calls are counted once for all processes, and never more are made than the vendor allows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from ml_connector.store import tables
from ml_connector.store.budget import ASSUMED_LIMIT, WINDOW_US, Block, Standing, give_back, hear, standing, take
from ml_connector.store.database import Database
from tests.store.rows import LEDGER, T0, WORKSPACE, a_company

END = T0 + WINDOW_US


@pytest.fixture
def company(database: Database) -> Database:
    with database.writing() as c:
        a_company(c)
    return database


def taken(database: Database, calls: int, now: int = T0, *, for_a_person: bool = False) -> Block | None:
    with database.writing() as c:
        return take(c, WORKSPACE, connection_id=LEDGER, calls=calls, now=now, for_a_person=for_a_person)


def heard(database: Database, limit: int, remaining: int, ends: int = END, now: int = T0) -> None:
    with database.writing() as c:
        hear(c, WORKSPACE, connection_id=LEDGER, limit=limit, remaining=remaining, window_ends_at=ends, now=now)


def left(database: Database) -> int:
    with database.reading() as c:
        found = standing(c, WORKSPACE, connection_id=LEDGER)
    assert found
    return found.calls_left


def test_until_headers_speak_the_smallest_known_limit_holds_less_a_tenth_for_people(company: Database) -> None:
    assert taken(company, 10_000) == Block(LEDGER, ASSUMED_LIMIT - 50, END)
    assert taken(company, 1) is None
    assert taken(company, 80, for_a_person=True) == Block(LEDGER, 50, END)
    assert taken(company, 1, for_a_person=True) is None


def test_the_first_header_replaces_the_guess_and_remembers_what_was_taken(company: Database) -> None:
    taken(company, 20)
    heard(company, limit=15_000, remaining=14_999)
    assert left(company) == 14_980
    with company.reading() as c:
        assert standing(c, WORKSPACE, connection_id=LEDGER) == Standing(15_000, 14_980, END, True)
        assert standing(c, "another workspace", connection_id=LEDGER) is None


def test_headers_only_lower_within_a_window(company: Database) -> None:
    heard(company, limit=1_000, remaining=400)
    heard(company, limit=1_000, remaining=900)
    assert left(company) == 400
    heard(company, limit=1_000, remaining=100, ends=END + 1_000_000)
    assert left(company) == 100


def test_a_late_answer_of_the_last_window_changes_nothing(company: Database) -> None:
    heard(company, limit=1_000, remaining=5)
    heard(company, limit=1_000, remaining=990, ends=END + WINDOW_US, now=END - 1)
    assert left(company) == 990
    heard(company, limit=1_000, remaining=3, ends=END, now=END - 1)
    heard(company, limit=1_000, remaining=3, ends=END, now=END + 5)
    assert left(company) == 990


def test_a_window_that_is_over_opens_anew(company: Database) -> None:
    heard(company, limit=1_000, remaining=0)
    assert taken(company, 10, END - 1) is None
    assert taken(company, 10, END) == Block(LEDGER, 10, END + WINDOW_US)


def test_what_a_block_did_not_use_comes_back_but_never_above_what_was_heard(company: Database) -> None:
    heard(company, limit=1_000, remaining=1_000)
    block = taken(company, 20)
    assert block
    heard(company, limit=1_000, remaining=999)
    with company.writing() as c:
        give_back(c, block, unused=19)
    assert left(company) == 999
    block = taken(company, 20)
    assert block
    heard(company, limit=1_000, remaining=50)  # somebody else calls with the same client
    with company.writing() as c:
        give_back(c, block, unused=19)
        give_back(c, block, unused=-5)
    assert left(company) == 50


def test_a_block_of_a_window_that_is_over_gives_nothing_back(company: Database) -> None:
    block = taken(company, 20)
    assert block
    assert taken(company, 5, END)
    with company.writing() as c:
        give_back(c, block, unused=20)
    assert left(company) == ASSUMED_LIMIT - 5


def test_processes_together_never_take_more_than_there_is(company: Database) -> None:
    heard(company, limit=1_000, remaining=1_000)
    with ThreadPoolExecutor(8) as pool:
        blocks = list(pool.map(lambda _: taken(company, 30), range(50)))
    assert sum(block.calls for block in blocks if block) == 900
    assert left(company) == 100


Step = tuple[str, int]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(["take", "person", "call", "other", "hear", "back"]), st.integers(1, 60)), max_size=25
    )
)
def test_whatever_the_order_our_calls_fit_the_vendors_limit(company: Database, steps: list[Step]) -> None:
    """The vendor counts 200 an hour. Without strangers on the same client we are never refused."""
    with company.writing() as c:
        c.execute(delete(tables.budget))
    heard(company, limit=200, remaining=200)
    used, late = 0, 200
    blocks: list[Block] = []
    for name, number in steps:
        if name in {"take", "person"}:
            block = taken(company, number, for_a_person=name == "person")
            blocks += [block] if block else []
        elif name == "call" and blocks:
            mine = blocks.pop()
            made = min(number, mine.calls)
            late, used = 200 - used, used + made
            with company.writing() as c:
                give_back(c, mine, unused=mine.calls - made)
        elif name == "hear":
            heard(company, limit=200, remaining=late if number % 2 else 200 - used)
        assert used + sum(block.calls for block in blocks) + left(company) <= 200
