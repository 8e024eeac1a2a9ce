"""What was put on documents of the ledger is seen there; what is not is put once more, and then a person is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ml_connector.engine import reviewing
from tests.engine.collecting_world import CollectingWorld
from tests.engine.test_collecting import attachments
from tests.engine.test_pools import posted
from tests.engine.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[CollectingWorld]:
    made = CollectingWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    made.open_books()
    yield made
    made.close()


@pytest.fixture
def till(tmp_path: Path) -> Iterator[World]:
    opened = World(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    opened.set_up(mode="batch", batch_size=2, batch_age_s=60)
    yield opened
    opened.close()


def answer(world: Any, answer: str) -> str:
    (item,) = reviewing.open_items(world.works, world.workspace)
    reviewing.resolve(world.works, world.workspace, item.id, answer=answer, by="anna")
    return item.code


def test_a_file_that_was_not_kept_is_put_once_more(world: CollectingWorld) -> None:
    world.ledger("set_preferences", files_lost=1)
    number = world.invoice()
    world.look()
    assert attachments(world, number) == [f"payment-page-{number}.txt"]
    assert world.keys()[f"st:inv:{number}:link"] == "done"
    assert world.items() == {}


def test_a_file_that_was_kept_in_half_is_put_once_more_as_its_new_version(world: CollectingWorld) -> None:
    world.ledger("set_preferences", files_cut=1)
    number = world.invoice()
    world.look()
    assert attachments(world, number) == [f"payment-page-{number}.txt"]
    assert world.keys()[f"st:inv:{number}:link"] == "done"


@pytest.mark.parametrize("said", ["send-again", "leave-it", "check-again"])
def test_a_file_that_is_never_kept_is_a_question_that_a_person_can_close(world: CollectingWorld, said: str) -> None:
    world.ledger("set_preferences", files_lost=2)
    number = world.invoice()
    world.look()
    assert attachments(world, number) == []
    told = world.items()["kept-otherwise"]
    assert "twice" in told
    assert "it is not there" in told
    world.look()
    assert list(world.items()) == ["kept-otherwise"]  # nothing is sent a third time by itself
    assert answer(world, said) == "kept-otherwise"
    world.look()
    if said == "check-again":
        assert list(world.items()) == ["kept-otherwise"]
        return
    assert world.items() == {}
    assert world.trips()[f"customerinvoice {number}"][0] == "posted"
    assert bool(attachments(world, number)) == (said == "send-again")


def test_the_list_of_a_vouchers_records_is_attached_once_more_where_it_does_not_show(till: World) -> None:
    till.ledger("set_preferences", files_lost=1)
    for _ in range(2):
        till.sell(lines=[{"amount": 1000, "tax": "25"}])
    till.clock.advance(400)
    till.run()
    till.pass_time(60, step=2)
    assert posted(till) == 2
    books = till.ledger("books", module="GL")["vouchers"]
    assert [one["attachments"] for one in books if len(one["lines"]) > 3] == [1]


def test_a_voucher_that_never_shows_its_list_is_a_question(till: World) -> None:
    till.ledger("set_preferences", files_lost=3)
    for _ in range(2):
        till.sell(lines=[{"amount": 1000, "tax": "25"}])
    till.clock.advance(400)
    till.run()
    till.pass_time(60, step=2)
    (item,) = reviewing.open_items(till.works, till.workspace)
    assert "is not attached" in item.sentence
    assert posted(till) == 0
    till.ledger("set_preferences", files_lost=0)
    assert answer(till, "check-again") == "differs"
    till.run()
    till.pass_time(60, step=2)
    assert posted(till) == 2
