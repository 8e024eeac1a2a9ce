"""Rules by category and article number, from Square's catalogue into the ledger: what is asked, when, and how often."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ml_connector.engine import preview, ruling, setup
from ml_connector.finance.rulebook import Rule, When
from ml_connector.store import trips
from tests.engine.proofs import expect_settled, query, questions
from tests.engine.world import World

Open = Callable[..., World]
FOOD = Rule("food", ("sales",), When(category=("Food",)), account="3002")
FOOD_ELSEWHERE = Rule("food elsewhere", ("sales",), When(category=("Food",)), account="3004")
BY_NUMBER = Rule("by number", ("sales",), When(article=("HOUSEHOLD-1",)), account="3002")


@pytest.fixture
def open_world(database_url: str, inbox_url: str, tmp_path: Path) -> Iterator[Open]:
    opened: list[World] = []

    def make(*rules: Rule, **terms: Any) -> World:
        world = World(database_url, tmp_path, inbox_url=inbox_url)
        world.set_up(**terms)
        if rules:
            add(world, *rules)
        world.clock.advance(60)
        world.run()
        opened.append(world)
        return world

    yield make
    for world in opened:
        world.close()


def add(world: World, *rules: Rule) -> None:
    book = world.rulebook()
    ruling.save_rules(world.works, world.route_id, replace(book, rules=(*rules, *book.rules)), by="Ann")


def sell(world: World, *rates: str | None, gone: str = "") -> str:
    """A sale with a line for each VAT rate, of the article that is sold at it; without one, an amount typed in."""
    lines = []
    for rate in rates:
        line: dict[str, Any] = {"name": "Goods", "amount": 11_200, "tax": rate or "25"}
        if rate is None:
            line["custom"] = True
        else:
            line["catalog_object_id"] = gone or world.shop["variations"][rate]
        lines.append(line)
    return str(world.sell(lines=lines)["order"]["id"])


def asked(world: World) -> dict[str, int]:
    """Calls to the catalogue."""
    return {call: n for call, n in world.square.calls.items() if "catalog" in call}


def accounts(world: World) -> list[str]:
    """Where sales went, over all vouchers: account and amount."""
    lines = [line for voucher in world.books() for line in voucher["lines"]]
    return sorted(f"{line['account']} {line['credit']}" for line in lines if line["account"].startswith("300"))


def move_to_garden(world: World, rate: str) -> None:
    """In the catalogue, the article that is sold at this rate goes to another category."""
    garden = world.do("catalog", type="CATEGORY", content={"category_data": {"name": "Garden"}})["object"]["id"]
    merchant = next(iter(world.square.vendor.world.merchants.values()))  # type: ignore[attr-defined]
    variation = merchant.catalog.get(world.shop["variations"][rate]).body
    item = merchant.catalog.get(variation["item_variation_data"]["item_id"]).body
    moved = {**item["item_data"], "reporting_category": {"id": garden}}
    world.do("catalog", type="ITEM", id=item["id"], content={"item_data": moved})


def test_a_sale_is_booked_by_the_category_of_its_article_and_the_catalogue_is_asked_once(open_world: Open) -> None:
    world = open_world(FOOD, BY_NUMBER)
    sell(world, "12")
    world.pass_time(step=50)
    assert accounts(world) == ["3002 100.00"]
    assert asked(world) == {"POST /v2/catalog/batch-retrieve": 2}
    sell(world, "12")
    sell(world, "12")
    world.pass_time(step=50)
    assert accounts(world) == ["3002 100.00"] * 3
    assert asked(world) == {"POST /v2/catalog/batch-retrieve": 2}
    expect_settled(world)


def test_a_shop_whose_rules_do_not_ask_pays_no_call_and_no_need(open_world: Open) -> None:
    world = open_world()
    sell(world, "12", "25", None)
    world.pass_time(4_000, step=100)
    assert asked(world) == {}
    assert query(world, "SELECT count(*) FROM record WHERE kind = 'article'") == [(0,)]
    assert query(world, "SELECT count(*) FROM trip_need WHERE kind = 'article'") == [(0,)]


def test_what_was_told_apart_once_and_is_no_more_asks_nothing(open_world: Open) -> None:
    world = open_world(FOOD)
    add(world)
    sell(world, "12")
    world.pass_time(step=50)
    assert accounts(world) == ["3002 100.00"]
    assert asked(world) == {}


def test_visma_is_not_called_more_often_for_it(open_world: Open) -> None:
    def for_one_sale(world: World) -> int:
        before = sum(n for call, n in world.visma.calls.items() if "journal" in call)
        sell(world, "12")
        world.pass_time(step=50)
        return sum(n for call, n in world.visma.calls.items() if "journal" in call) - before

    world = open_world(FOOD)
    asking = for_one_sale(world)
    add(world)
    assert for_one_sale(world) == asking > 0


def test_amounts_typed_in_and_what_is_not_in_the_catalogue_fall_to_other_rules(open_world: Open) -> None:
    world = open_world(BY_NUMBER)
    sell(world, "25", None)
    sell(world, "25", gone="GONE00000000000000000001")
    world.pass_time(step=50)
    assert questions(world) == []
    assert accounts(world) == ["3001 89.60", "3001 89.60", "3002 89.60"]
    calls = asked(world)
    sell(world, "25", gone="GONE00000000000000000001")
    world.pass_time(step=50)
    assert asked(world) == calls, "that it is not there is an answer, and kept"


def test_an_article_that_moves_to_another_category_moves_later_sales_only(open_world: Open) -> None:
    world = open_world(Rule("garden", ("sales",), When(category=("Garden",)), account="3004"))
    first = sell(world, "25")
    world.pass_time(step=50)
    assert accounts(world) == ["3001 89.60"]
    move_to_garden(world, "25")
    world.pass_time(1_000, step=50)
    sell(world, "25")
    world.pass_time(step=50)
    assert accounts(world) == ["3001 89.60", "3004 89.60"]
    assert questions(world) == [], f"order {first} stays where it was booked"


def test_a_new_rule_by_category_is_judged_on_past_records_before_it_is_saved(open_world: Open) -> None:
    world = open_world(posting="off")
    sell(world, "12")
    sell(world, "25")
    world.pass_time(step=50)
    book = world.rulebook()
    assert asked(world) == {}
    found = preview.what_if(
        world.works, world.company_id, world.route_id, replace(book, rules=(FOOD_ELSEWHERE, *book.rules))
    )
    assert len(found) == 1
    now, then = found[0]
    assert (now.outcome, then.outcome) == ("planned", "planned")
    why = [tuple(one) for write in then.writes for one in write["why"]]
    assert ("sales account", "3004", "rule food elsewhere: category = Food") in why
    assert asked(world) == {"POST /v2/catalog/batch-retrieve": 2}
    assert query(world, "SELECT count(*) FROM trip_need WHERE kind = 'article'") == [(0,)]
    add(world, FOOD_ELSEWHERE)
    with world.database.reading() as c:
        due = [trip.id for trip in trips.of_route(c, world.route_id, states=("planned", "received", "waiting"))]
    dry = preview.dry_run(world.works, world.company_id, trip_ids=due)
    assert then.plan_hash in {one.plan_hash for one in dry}
    assert asked(world) == {"POST /v2/catalog/batch-retrieve": 2}, "what was read is kept"


def test_a_rule_that_is_saved_later_is_told_what_was_sold_before(open_world: Open) -> None:
    world = open_world(posting="off")
    sell(world, "12")
    world.pass_time(step=50)
    add(world, FOOD_ELSEWHERE)
    world.pass_time(step=50)
    setup.switch_posting(world.works, world.route_id, "on", by="Ann")
    world.pass_time(step=50)
    assert accounts(world) == ["3004 100.00"]


def test_a_hidden_catalogue_is_told_in_words_and_the_sale_goes_on_when_it_is_shown(open_world: Open) -> None:
    world = open_world(FOOD)
    for call in ("POST /v2/catalog/batch-retrieve", "POST /v2/catalog/search"):
        world.fail("square", call, {"kind": "status", "status": 403}, times=None)
    sell(world, "12")
    world.pass_time(step=50)
    ((reason,),) = query(world, "SELECT reason FROM trip WHERE kind = 'payment'")
    assert "ITEMS_READ" in reason
    assert accounts(world) == []
    world.square.remove()
    world.pass_time(5_000, step=100)
    assert accounts(world) == ["3002 100.00"]


def test_a_held_sale_is_planned_again_when_its_article_moves_and_no_other(open_world: Open) -> None:
    world = open_world()
    book = world.rulebook()
    unmapped = [replace(one, account=None) if one.id in ("sales 25", "sales 12") else one for one in book.rules]
    rules = [one for one in unmapped if one.id != "any sales"]
    garden = Rule("garden", ("sales",), When(category=("Garden",)), account="3004")
    ruling.save_rules(world.works, world.route_id, replace(book, rules=(garden, *rules)), by="Ann")
    sell(world, "25")
    sell(world, "12")
    world.pass_time(step=50)
    held = "SELECT count(*) FROM trip WHERE kind = 'payment' AND state = 'held'"
    assert query(world, held) == [(2,)]
    planned = query(world, "SELECT max(updated_at) FROM trip WHERE kind = 'payment'")[0][0]
    world.pass_time(1_000, step=50)
    assert query(world, "SELECT max(updated_at) FROM trip WHERE kind = 'payment'") == [(planned,)]
    move_to_garden(world, "25")
    world.pass_time(1_000, step=50)
    assert accounts(world) == ["3004 89.60"]
    assert query(world, held + " AND updated_at = :planned", planned=planned) == [(1,)], "the other was left alone"
    assert query(world, "SELECT count(*) FROM trip_need WHERE kind = 'watched'") == [(1,)]
