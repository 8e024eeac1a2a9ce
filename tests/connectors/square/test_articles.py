"""The catalogue: articles by the ids that orders name, in few calls, read again only where something has changed."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ml_connector.connectors.shapes import SourceObject
from ml_connector.connectors.square.translate import translate
from ml_connector.finance.documents import Article
from tests.connectors.square import payloads
from tests.connectors.square.on_sandbox import Shop

BATCH, SEARCH = "POST /v2/catalog/batch-retrieve", "POST /v2/catalog/search"


def article(found: Any) -> Article:
    assert isinstance(found, SourceObject)
    return cast(Article, translate("article", found.payload))


def variation(shop: Shop, rate: str = "25") -> str:
    return str(shop.facts["variations"][rate])


def counted(shop: Shop) -> dict[str, int]:
    return {name: n for name, n in shop.calls.items() if "catalog" in name}


def item_of(shop: Shop, id_: str) -> dict[str, Any]:
    (found,) = shop.reader.fetch("article", [id_])
    assert isinstance(found, SourceObject)
    return dict(found.payload["item"])


def page(shop: Shop, held: list[str], position: str | None = None) -> tuple[list[Article], str]:
    """What the stream brings to somebody who holds these articles, with a fresh reader each time."""
    reader = shop.fresh_reader()
    reader.compare_with(lambda kind, _since: held if kind == "article" else [])
    given = reader.page("articles", position, now=shop.clock.now())
    while given.more:
        position = given.position
        reader = shop.fresh_reader()
        reader.compare_with(lambda kind, _since: held if kind == "article" else [])
        after = reader.page("articles", position, now=shop.clock.now())
        given = type(given)((*given.objects, *after.objects), (), after.position, more=after.more)
    return [article(one) for one in given.objects], given.position


def test_articles_are_read_by_a_hundred_in_two_calls_with_number_and_category() -> None:
    shop = Shop()
    ids = [variation(shop), variation(shop, "12"), "NO-SUCH"]
    household, food, none = (article(one) for one in shop.reader.fetch("article", ids))
    assert (household.sku, household.categories) == ("HOUSEHOLD-1", ("Household",))
    assert (food.sku, food.categories, food.name) == ("FOOD-1", ("Food",), "Food article, Regular")
    assert (none.state, none.categories) == ("unknown", ())
    assert counted(shop) == {BATCH: 2}


def test_who_holds_no_article_pays_no_call() -> None:
    shop = Shop()
    found, position = page(shop, [])
    page(shop, [], position)
    assert not found
    assert not counted(shop)


def test_an_unchanged_catalogue_costs_one_call_and_brings_nothing() -> None:
    shop = Shop()
    held = [variation(shop)]
    shop.clock.advance(60)
    first, position = page(shop, held)
    assert [one.id for one in first] == held  # the first look reads what is held, come what may
    before = counted(shop)
    shop.clock.advance(900)
    again, position = page(shop, held, position)
    assert not again
    assert counted(shop) == {**before, SEARCH: before[SEARCH] + 1}


def test_a_renamed_category_and_a_moved_item_are_noticed() -> None:
    shop = Shop()
    held = [variation(shop, "12")]
    shop.clock.advance(60)
    _, position = page(shop, held)
    item = item_of(shop, held[0])
    (category,) = item["item_data"]["categories"]
    shop.clock.advance(60)
    shop.do("catalog", type="CATEGORY", id=category["id"], content={"category_data": {"name": "Groceries"}})
    (renamed,), position = page(shop, held, position)
    assert renamed.categories == ("Groceries",)
    shop.clock.advance(60)
    garden = shop.do("catalog", type="CATEGORY", content={"category_data": {"name": "Garden"}})["object"]
    moved = {**item["item_data"], "reporting_category": {"id": garden["id"], "ordinal": 1}}
    shop.do("catalog", type="ITEM", id=item["id"], content={"item_data": moved})
    (now,), _ = page(shop, held, position)
    assert now.categories == ("Garden",)


def test_an_article_that_was_deleted_stays_as_it_was_known() -> None:
    shop = Shop()
    held = [variation(shop), variation(shop, "12")]
    shop.clock.advance(60)
    _, position = page(shop, held)
    shop.clock.advance(60)
    shop.do("catalog", id=held[0], delete=True)
    found, _ = page(shop, held, position)
    assert [one.id for one in found] == held[1:]
    (asked,) = (article(one) for one in shop.fresh_reader().fetch("article", held[:1]))
    assert asked.state == "unknown"


def test_without_the_right_to_the_catalogue_articles_are_hidden_and_read_when_it_is_given() -> None:
    shop = Shop(merchant={"scopes": ["PAYMENTS_READ", "ORDERS_READ"]})
    (found,) = (article(one) for one in shop.reader.fetch("article", [variation(shop)]))
    assert found.state == "hidden"
    held = [found.id]
    nothing, position = page(shop, held)
    assert not nothing
    shop.credentials["access_token"] = shop.facts["pat"]
    (now,), _ = page(shop, held, position)
    assert (now.state, now.sku) == ("known", "HOUSEHOLD-1")


def test_many_articles_are_read_again_a_thousand_at_a_time() -> None:
    shop = Shop()
    held = [f"V{n:05}" for n in range(2100)]
    reader = shop.fresh_reader()
    reader.compare_with(lambda _kind, _since: held)
    first = reader.page("articles", None, now=shop.clock.now())
    assert (len(first.objects), first.more) == (1000, True)
    found, _ = page(shop, held, first.position)
    assert [one.id for one in found] == held[1000:]


@pytest.mark.parametrize(
    ("item", "categories"),
    [
        ({"reporting_category": {"id": "CT1"}, "categories": [{"id": "CT2"}]}, ("Bread",)),
        ({"categories": [{"id": "CT2"}, {"id": "CT1"}]}, ("Lunch", "Bread")),
        ({"category_id": "CT2"}, ("Lunch",)),
        ({"reporting_category": None, "categories": []}, ()),
    ],
)
def test_the_reporting_category_counts_else_all_of_them(item: dict[str, Any], categories: tuple[str, ...]) -> None:
    shop = Shop()
    for id_, name in (("CT1", "Bread"), ("CT2", "Lunch")):
        shop.do("catalog", type="CATEGORY", id=id_, content={"category_data": {"name": name}})
    of = item_of(shop, variation(shop))["id"]
    shop.do("catalog", type="ITEM", id=of, content={"item_data": {"name": "Bun", **item}})
    (found,) = shop.reader.fetch("article", [variation(shop)])
    assert article(found).categories == categories


def test_a_category_counts_with_those_above_it_nearest_first() -> None:
    found = cast(Article, translate("article", payloads.article()))
    assert (found.categories, found.sku, found.name) == (("Bread", "Food"), "BUN-L", "Bun, Large")
