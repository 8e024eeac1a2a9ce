"""A shop's orders as sales orders: an order and an advance, which the invoice takes that people make in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ml_connector.engine.tracing import trace
from tests.engine.shop_world import CLEARING, RECEIVABLE, VAT_25, ShopWorld

Open = Callable[..., "SellingWorld"]
ADVANCES = "2420"
ITEMS = {"sales": "GOODS", "shipping": "FREIGHT", "service_charge": "GOODS", "rounding": "GOODS"}


class SellingWorld(ShopWorld):
    """A shop whose orders become sales orders; Visma knows an item for goods and one for freight."""

    def sell_by_order(self, **terms: Any) -> None:
        """The route, and the items that it names."""
        self.set_up(order_document="sales_order", order_items=ITEMS, **terms)
        self.ledger("set_item", number="GOODS", description="Goods", vat="25", account="3001")
        self.ledger("set_item", number="FREIGHT", description="Freight", vat="25", account="3001")

    def orders(self) -> list[dict[str, Any]]:
        """The sales orders of the pretend service."""
        return list(self.ledger("sales_orders"))

    def invoice(self, **more: Any) -> str:
        """A person ships and invoices the first order."""
        return str(self.ledger("invoice_sales_order", number=self.orders()[0]["number"], **more)["invoice"])


@pytest.fixture
def open_world(tmp_path: Path) -> Iterator[Open]:
    opened: list[SellingWorld] = []

    def make(**terms: Any) -> SellingWorld:
        world = SellingWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
        opened.append(world)
        world.sell_by_order(**terms)
        world.look(60)
        return world

    yield make
    for world in opened:
        world.close()


def test_a_paid_order_is_ordered_advanced_invoiced_by_a_person_and_settled(open_world: Open) -> None:
    world = open_world()
    order = world.order("125.00")
    world.look()
    (sold,) = world.orders()
    assert (sold["total"], sold["vat"], sold["order"]) == ("125.00", "25.00", order["number"])
    trip, state, reason = world.trip(order)
    assert (state, reason) == (
        "waiting", f"the sales order of order {order['number']} is not invoiced in Visma yet: ship and invoice it there"
    )  # fmt: skip
    assert (world.balance(CLEARING["stripe"]), world.balance(RECEIVABLE)) == (12_500, 0)
    assert "vat-on-advance" in str(trace(world.works, world.workspace, f"wc:ord:{order['id']}"))
    number = world.invoice()
    assert world.balance(RECEIVABLE) == 12_500
    world.look(4_000)
    assert world.trip(order)[1:] == ("posted", None)
    assert [key for key, _, state in world.writes() if state == "done"] == [
        f"wc:app:{order['id']}:{number}", f"wc:ord:{order['id']}", f"wc:pay:{order['id']}",
    ]  # fmt: skip
    assert (world.balance(RECEIVABLE), world.balance(VAT_25), world.balance("3001")) == (0, -2_500, -10_000)
    shown = str(trace(world.works, world.workspace, f"wc:ord:{order['id']}"))
    assert trip in shown
    assert sold["number"] in shown
    assert f"wc:app:{order['id']}:{number}" in shown
