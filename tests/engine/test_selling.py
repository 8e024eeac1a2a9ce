"""A shop's orders as sales orders: an order and an advance, which the invoice takes that people make in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ml_connector.engine import census, clearing, journals, preview, replaying, reviewing, ruling
from ml_connector.engine.tracing import trace
from ml_connector.finance.encoding import decode_content
from tests.engine.proofs import query
from tests.engine.shop_world import CLEARING, RECEIVABLE, VAT_25, ShopWorld

Open = Callable[..., "SellingWorld"]
ADVANCES = "2420"
ITEMS = {"sales": "GOODS", "shipping": "FREIGHT", "service_charge": "GOODS", "rounding": "GOODS"}


class SellingWorld(ShopWorld):
    """A shop whose orders become sales orders; Visma knows an item for goods and one for freight."""

    def sell_by_order(self, **terms: Any) -> None:
        """The route, and the items that it names."""
        self.set_up(**{"order_document": "sales_order", "order_items": ITEMS, **terms})
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


def look(world: SellingWorld, seconds: float = 1_200) -> None:
    """As long, in coarse steps."""
    world.look(seconds, step=300)


def explained(world: SellingWorld) -> list[int]:
    """What of each clearing account nobody can explain."""
    return [one.unexplained.minor for one in clearing.statements(world.works, world.company_id)]


def settled(world: SellingWorld) -> None:
    """Nothing is owed, nothing waits as an advance, and every clearing account is explained."""
    assert (world.balance(RECEIVABLE), world.balance(ADVANCES)) == (0, 0)
    assert set(explained(world)) <= {0}


def test_a_dry_run_shows_what_is_ordered_and_what_will_be_waited_for(open_world: Open) -> None:
    world = open_world(posting="off")
    order = world.order("125.00")
    look(world)
    (dry,) = preview.dry_run(world.works, world.company_id, trip_ids=[world.trip(order)[0]])
    assert (dry.outcome, "not invoiced in Visma yet" in dry.reason) == ("planned", True)
    sold, paid = [
        journals.lines_of(one["kind"], decode_content(one["kind"], one["content"]), one["why"], chart=None)
        for one in dry.writes
    ]
    assert [(one.account, one.role, str(one.debit - one.credit)) for one in sold] == [
        ("", "receivable", "125.00 SEK"), ("GOODS", "sales", "-100.00 SEK"), ("", "vat", "-25.00 SEK"),
    ]  # fmt: skip
    assert [(one.role, one.name) for one in paid][1] == ("advance", "prepayments of customer 10000")


def test_a_lost_answer_leaves_one_order(open_world: Open) -> None:
    world = open_world()
    world.visma.add({"match": {"operation": "POST /api/v3/SalesOrders"}, "effect": {"kind": "cut_after"}})
    order = world.order("125.00")
    look(world)
    assert len(world.orders()) == 1
    assert world.trip(order)[1] == "waiting"
    assert [outcome for (outcome,) in query(world, "SELECT outcome FROM attempt WHERE call = 'create'")].count(
        "adopted"
    ) == 1


def test_planning_again_changes_nothing(open_world: Open) -> None:
    world = open_world()
    order = world.order("125.00")
    look(world)
    world.invoice()
    look(world, 5_000)
    before, calls = world.writes(), dict(world.visma.calls)
    replaying.replay_trips(world.works, world.workspace, [world.trip(order)[0]], by="Ann")
    look(world)
    assert (world.writes(), world.trip(order)[1]) == (before, "posted")
    written = [name for name in world.visma.calls if not name.startswith("GET") and "connect" not in name]
    assert {name: world.visma.calls[name] for name in written} == {name: calls[name] for name in written}
    settled(world)


def test_what_the_ledger_has_no_item_for_is_held_until_somebody_names_one(open_world: Open) -> None:
    world = open_world(order_items={})
    order = world.order("125.00")
    look(world)
    (item,) = world.items("item-missing")
    assert item.proposal["terms"]["order_items"]
    assert world.orders() == []
    (name,) = item.proposal["terms"]["order_items"]
    ruling.save_terms(world.works, world.route_id, replace(world.terms, order_items={name: "GOODS"}), by="Ann")
    look(world)
    assert [line[0] for line in world.orders()[0]["lines"]] == ["GOODS"]
    assert world.trip(order)[1] == "waiting"


def test_an_item_that_may_not_be_sold_is_held(open_world: Open) -> None:
    world = open_world()
    world.ledger("set_item", number="GOODS", status="NoSales")
    world.order("125.00")
    look(world)
    assert [one.code for one in world.items("item-not-sold")] == ["item-not-sold"]
    assert world.orders() == []


def test_a_draft_invoice_is_waited_for_until_it_is_released(open_world: Open) -> None:
    world = open_world()
    order = world.order("125.00")
    look(world)
    number = world.invoice(release=False)
    look(world, 5_000)
    assert world.trip(order)[1:] == (
        "waiting", f"invoice {number} of order {order['number']} is Balanced in Visma: release it there"
    )  # fmt: skip
    world.ledger("by_hand", path=f"/v1/customerinvoice/{number}/action/release", body={})
    look(world, 8_000)
    assert world.trip(order)[1] == "posted"
    settled(world)


def test_somebody_is_asked_when_an_order_is_not_invoiced_for_long_and_it_goes_on_all_the_same(open_world: Open) -> None:
    world = open_world(order_patience_days=2)
    order = world.order("125.00")
    look(world)
    world.clock.advance(3 * 86_400)
    look(world, 600)
    (item,) = world.items("waited-too-long")
    assert "ship and invoice it there" in item.sentence
    assert world.trip(order)[1] == "waiting"
    world.invoice()
    world.clock.advance(86_400)
    look(world)
    assert (world.trip(order)[1], world.items("waited-too-long")) == ("posted", [])
    settled(world)


def test_an_order_that_is_given_back_before_it_is_invoiced_is_taken_back_and_its_advance_paid_out(
    open_world: Open,
) -> None:
    world = open_world(corrections="automatic")
    order = world.order("125.00")
    look(world)
    world.do("refund", order_id=order["id"], amount="125.00")
    look(world, 5_000)
    assert world.orders() == []
    assert world.trip(order)[1] == "posted"
    assert (world.balance(CLEARING["stripe"]), world.balance("3001")) == (0, 0)
    assert census.census(world.works, world.company_id).ok  # an order that was taken back is not missed
    settled(world)


def test_goods_given_back_before_the_invoice_are_taken_off_the_order_and_paid_out_of_its_advance(
    open_world: Open,
) -> None:
    world = open_world(corrections="automatic")
    lines = [{"price": "50.00", "tax": "25", "quantity": 2}, {"price": "25.00", "tax": "25"}]
    order = world.do("order", lines=lines, gateway="stripe")["order"]
    look(world)
    world.do("refund", order_id=order["id"], lines=[{"index": 0, "quantity": 1}])
    look(world, 6_000)
    (sold,) = world.orders()
    assert (sold["number"], sold["total"], [line[1] for line in sold["lines"]]) == ("000002", "75.00", ["1", "1"])
    assert (world.balance(CLEARING["stripe"]), world.balance(ADVANCES)) == (7_500, -7_500)
    world.invoice()
    look(world, 6_000)
    assert {state for (state,) in query(world, "SELECT state FROM trip WHERE kind IN ('order', 'refund')")} == {
        "posted"
    }
    assert (world.balance("3001"), world.balance(VAT_25)) == (-6_000, -1_500)
    settled(world)


def test_money_given_back_before_the_invoice_is_paid_out_at_once_and_credited_once_people_invoiced_the_order(
    open_world: Open,
) -> None:
    world = open_world()
    order = world.order("125.00")
    look(world)
    world.do("refund", order_id=order["id"], amount="25.00")
    look(world, 5_000)
    assert (world.balance(CLEARING["stripe"]), world.balance(ADVANCES)) == (10_000, -10_000)
    assert explained(world) == [0]  # what waits for its invoice is booked
    assert world.orders()[0]["total"] == "125.00"
    world.invoice()
    look(world, 5_000)
    world.answer("refund-vat-mix", "approve")
    look(world)
    assert {state for (state,) in query(world, "SELECT state FROM trip WHERE kind IN ('order', 'refund')")} == {
        "posted"
    }
    assert (world.balance("3001"), world.balance(VAT_25)) == (-8_000, -2_000)
    settled(world)


def test_an_order_edited_before_it_is_invoiced_is_made_anew(open_world: Open) -> None:
    world = open_world(corrections="automatic")
    order = world.order("125.00")
    look(world)
    world.reprice(order, "200.00")
    look(world, 5_000)
    (sold,) = world.orders()
    assert (sold["number"], sold["total"]) == ("000002", "250.00")
    assert world.balance(CLEARING["stripe"]) == 25_000
    world.invoice()
    look(world, 5_000)
    settled(world)


def test_an_order_edited_after_it_was_invoiced_is_held_and_stays_as_it_was_sent(open_world: Open) -> None:
    world = open_world(corrections="automatic")
    order = world.order("125.00")
    look(world)
    world.invoice()
    world.reprice(order, "200.00")
    look(world, 5_000)
    (item,) = world.items("order-changed-since")
    assert "Credit or invoice the difference in Visma" in item.sentence
    world.answer("order-changed-since", "approve")
    look(world, 5_000)
    assert world.trip(order)[1] == "posted"
    assert world.orders()[0]["total"] == "125.00"
    assert (world.balance(RECEIVABLE), world.balance(ADVANCES)) == (0, 0)
    assert explained(world) == [-12_500]  # the shop says that more was paid than was ordered


def test_a_shipped_order_is_not_taken_back_behind_the_warehouse(open_world: Open) -> None:
    world = open_world(corrections="automatic")
    order = world.order("125.00")
    look(world)
    world.ledger("ship_sales_order", number="000001")
    world.reprice(order, "200.00")
    look(world, 5_000)
    (item,) = world.items("refused")
    assert "shipped or invoiced" in item.sentence
    assert [one["number"] for one in world.orders()] == ["000001"]


def test_an_order_that_waits_for_its_invoice_can_be_undone(open_world: Open) -> None:
    world = open_world()
    order = world.order("125.00")
    look(world)
    replaying.undo(world.works, world.trip(order)[0], by="Ann")
    look(world)
    assert world.trip(order)[1] == "reversed"
    assert (world.orders(), world.balance(CLEARING["stripe"])) == ([], 0)
    settled(world)


def test_an_order_that_somebody_deleted_in_the_ledger_is_asked_about(open_world: Open) -> None:
    world = open_world()
    order = world.order("125.00")
    look(world)
    company = next(iter(world.visma.vendor.companies()))  # type: ignore[attr-defined]
    company.sales_orders.clear()
    look(world, 5_000)
    assert [one.code for one in world.items("order-gone")] == ["order-gone"]
    assert world.trip(order)[1] == "held"


def test_vat_on_advances_stops_an_order_where_the_route_says_so(open_world: Open) -> None:
    world = open_world(advances="hold")
    order = world.order("125.00")
    look(world)
    assert (world.orders(), world.trip(order)[1]) == ([], "held")
    world.answer("vat-on-advance", "approve")
    look(world)
    assert len(world.orders()) == 1


def test_a_company_that_did_not_approve_the_service_is_told_so_and_the_rest_of_its_ledger_goes_on(
    open_world: Open,
) -> None:
    world = open_world()
    scopes = [one for one in world.company["scopes"] if "salesorder" not in one]
    world.ledger("approve_tenant", scopes=scopes)
    order = world.order("125.00")
    look(world)
    assert (world.orders(), world.trip(order)[1]) == ([], "held")
    (item,) = world.items("refused")
    assert "App Store" in item.sentence
    assert query(world, "SELECT state FROM connection WHERE code = 'vn'") == [("active",)]
    world.ledger("approve_tenant", scopes=world.company["scopes"])
    replaying.replay_trips(world.works, world.workspace, [world.trip(order)[0]], by="Ann")
    look(world)
    assert len(world.orders()) == 1


def test_a_service_that_is_down_delays_only_what_needs_it(open_world: Open) -> None:
    world = open_world()
    first = world.order("125.00")
    look(world)
    number = world.invoice()
    world.visma.add({"match": {"path": "SalesOrders"}, "effect": {"kind": "status", "status": 503}, "times": None})
    world.do("refund", order_id=first["id"], amount="125.00")
    look(world, 5_000)
    assert world.trip(first)[2] == "Visma does not say just now what became of the sales order"
    assert {state for _, _, state in world.writes()} == {"done"}
    for rule in world.visma.rules():
        world.visma.remove(rule["id"])
    look(world, 8_000)
    assert world.trip(first)[1] == "posted"
    assert f"wc:app:{first['id']}:{number}" in [key for key, _, _ in world.writes()]
    settled(world)


def test_an_article_is_the_item_of_its_own_number_where_the_ledger_has_one(open_world: Open) -> None:
    world = open_world()
    world.ledger("set_item", number="MUG-RED", description="Mug", vat="25", account="3001", type="FinishedGoodItem")
    lines = [{"price": "100.00", "tax": "25", "sku": "mug-red", "quantity": 3}, {"price": "12.50", "tax": "25"}]
    world.do("order", lines=lines, gateway="stripe", shipping="40.00")
    look(world)
    (sold,) = world.orders()
    assert [line[:2] for line in sold["lines"]] == [["MUG-RED", "3"], ["GOODS", "1"], ["FREIGHT", "1"]]
    world.invoice()
    look(world, 5_000)
    settled(world)


def test_an_unpaid_order_is_ordered_and_taken_back_when_it_is_cancelled(open_world: Open) -> None:
    world = open_world(order_statuses=("on-hold", "processing"), corrections="automatic")
    order = world.order("125.00", gateway="bacs")
    look(world)
    assert (len(world.orders()), world.trip(order)[1]) == (1, "posted")
    world.set_status(order, "cancelled")
    look(world, 5_000)
    assert (world.orders(), world.trip(order)[1]) == ([], "ignored")


def test_an_unpaid_order_that_is_cancelled_after_its_invoice_is_credited(open_world: Open) -> None:
    world = open_world(order_statuses=("on-hold", "processing"))
    order = world.order("125.00", gateway="bacs")
    look(world)
    world.invoice()
    world.set_status(order, "cancelled")
    look(world, 5_000)
    assert [key for key, _, _ in world.writes()] == [f"wc:ord:{order['id']}", f"wc:ord:{order['id']}:cancel"]
    settled(world)


def test_an_order_that_is_paid_after_it_was_invoiced_settles_its_invoice(open_world: Open) -> None:
    world = open_world(order_statuses=("on-hold", "processing"))
    order = world.order("125.00", gateway="bacs")
    look(world)
    world.invoice()
    world.do("pay", order_id=order["id"])
    look(world, 8_000)
    assert world.trip(order)[1] == "posted"
    assert world.balance(CLEARING["bacs"]) == 12_500
    settled(world)


THREE = [{"price": "0.99", "tax": "25", "name": f"Pin {n}"} for n in range(3)]  # 0.20 of VAT each; Visma: 0.59 of all


def test_a_cent_of_vat_within_tolerance_goes_on_and_what_is_left_of_the_advance_is_told(open_world: Open) -> None:
    world = open_world()
    order = world.do("order", lines=THREE, gateway="stripe")["order"]
    look(world)
    assert (order["total"], world.orders()[0]["total"]) == ("2.97", "2.96")
    world.invoice()
    look(world, 5_000)
    assert world.trip(order)[1] == "posted"
    assert (world.balance(RECEIVABLE), world.balance(ADVANCES)) == (0, -1)
    assert "advance-left" in str(trace(world.works, world.workspace, f"wc:ord:{order['id']}"))


def test_an_order_in_question_is_on_hold_until_somebody_puts_it_right_or_gives_it_up(open_world: Open) -> None:
    world = open_world(tolerance_minor=0)
    order = world.do("order", lines=THREE, gateway="stripe")["order"]
    look(world)
    (item,) = world.items("differs")
    assert "total 296 instead of 297" in item.sentence
    assert "VAT 59 instead of 60" in item.sentence
    assert world.orders()[0]["status"] == "Hold"
    with pytest.raises(ValueError, match="is Hold"):
        world.invoice()
    assert world.balance(CLEARING["stripe"]) == 0  # no advance for an order that is in doubt
    world.ledger("set_sales_order", number="000001", price="1.00")
    reviewing.resolve(world.works, world.workspace, item.id, answer="check-again", by="Ann")
    look(world)
    (item,) = world.items("differs")  # 2.98 and 0.60: still not it
    world.ledger("set_sales_order", number="000001", price="0.99")
    ruling.save_terms(world.works, world.route_id, replace(world.terms, tolerance_minor=1), by="Ann")
    reviewing.resolve(world.works, world.workspace, item.id, answer="cancel", by="Ann")
    look(world)
    assert (world.trip(order)[1], world.orders()[0]["status"]) == ("held", "Hold")
    assert len(census.census(world.works, world.company_id).stray_drafts) == 1
    replaying.replay_trips(world.works, world.workspace, [world.trip(order)[0]], by="Ann")
    look(world)
    assert [one["status"] for one in world.orders()] == ["Hold", "Open"]
    assert world.balance(CLEARING["stripe"]) == 297


def test_an_order_that_somebody_touched_before_it_was_taken_off_hold_is_compared_anew(open_world: Open) -> None:
    world = open_world()
    touch = {"kind": "control", "verb": "set_sales_order", "arguments": {"number": "000001"}}
    world.visma.add({"match": {"operation": "PATCH /api/v3/SalesOrders/{type}/{orderId}"}, "effect": touch})
    order = world.order("125.00")
    look(world)
    assert (world.orders()[0]["status"], world.trip(order)[1]) == ("Open", "waiting")
    assert query(world, "SELECT outcome FROM attempt WHERE call = 'release' ORDER BY started_at")[:2] == [
        ("refused",), ("accepted",)
    ]  # fmt: skip
    change = {**touch, "arguments": {"number": "000002", "price": "90.00"}}
    world.visma.add({"match": {"operation": "PATCH /api/v3/SalesOrders/{type}/{orderId}"}, "effect": change})
    world.order("125.00")
    look(world)
    (item,) = world.items("differs")
    assert "total 11250 instead of 12500" in item.sentence
    assert world.orders()[1]["status"] == "Hold"
