"""A proposed rule that is whole as it stands: accepted as it is, and a value for it is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_connector.engine import reviewing, ruling
from ml_connector.errors import UsageError
from tests.engine.shop_world import ShopWorld


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[ShopWorld]:
    """A shop that has sold something without tax to another country, of which no rule says anything."""
    world = ShopWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    world.set_up()
    world.clock.advance(3 * 3600)
    world.do("order", lines=[{"price": "100.00", "tax": None}], gateway="stripe", country="DE")
    world.look()
    yield world
    world.close()


def test_a_rule_that_names_a_country_is_accepted_as_it_stands(shop: ShopWorld) -> None:
    (item,) = shop.items("mapping-missing")
    assert item.proposal["field"] == "country"
    before = ruling.rules_now(shop.works, shop.route_id).rules
    told = reviewing.resolve(shop.works, shop.workspace, item.id, answer="accept", by="Ann")
    assert "saved" in told
    added = ruling.rules_now(shop.works, shop.route_id).rules[len(before) :]
    assert [rule.when.country for rule in added] == [("DE",)]
    shop.look()
    assert shop.items("mapping-missing") == []
    assert reviewing.show(shop.works, shop.workspace, item.id).decision == "accept"


def test_a_value_for_it_is_refused(shop: ShopWorld) -> None:
    (item,) = shop.items("mapping-missing")
    with pytest.raises(UsageError, match="whole"):
        reviewing.resolve(shop.works, shop.workspace, item.id, answer="use:3010", by="Ann")
    assert shop.items("mapping-missing") == [item]
