"""The doctor on sales orders: their service, the items that a route names, and what only a person can see."""

from __future__ import annotations

from pathlib import Path

from ml_connector.engine import doctor
from tests.engine.test_selling import ITEMS, SellingWorld


def told(world: SellingWorld) -> dict[str, tuple[str, str]]:
    return {one.item: (one.verdict, one.sentence) for one in doctor.examine(world.works, world.company_id)}


def test_the_doctor_tells_of_the_service_and_of_each_item(tmp_path: Path) -> None:
    world = SellingWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    world.sell_by_order(order_items={**ITEMS, "gift_cards": "CARD"})
    world.ledger("set_item", number="FREIGHT", status="Inactive")
    found = told(world)
    assert found["sales order service"][0] == "ok"
    assert found["item GOODS"] == ("ok", "Goods, for service_charge; its own VAT code is 25.")
    assert found["item FREIGHT"] == ("wrong", "It is Inactive.")
    assert found["item CARD"][0] == "wrong"
    assert found["order type SO"][0] == "asked"
    world.close()


def test_the_doctor_names_the_right_that_is_missing(tmp_path: Path) -> None:
    world = SellingWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    world.sell_by_order(order_items={})
    scopes = [one for one in world.company["scopes"] if "salesorder" not in one]
    world.ledger("approve_tenant", scopes=scopes)
    found = told(world)
    assert found["sales order service"][0] == "wrong"
    assert found["order items"][0] == "wrong"
    world.close()


def test_a_route_without_sales_orders_hears_nothing_of_them(tmp_path: Path) -> None:
    world = SellingWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    world.set_up()
    assert not {"sales order service", "order type SO"} & told(world).keys()
    world.close()
