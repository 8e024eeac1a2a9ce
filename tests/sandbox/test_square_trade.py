"""Sales, refunds and gift cards of the pretend Square: the objects add up and live as the real ones do."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.square_shop import Shop


def test_a_sale_with_inclusive_tax_and_tip_has_the_worked_amounts() -> None:
    shop = Shop()
    sale = shop.do("sell", lines=[{"amount": 12500, "tax": "25"}], tip=1000)
    payment, order = sale["payments"][0], sale["order"]
    assert (payment["amount_money"]["amount"], payment["tip_money"]["amount"]) == (12500, 1000)
    assert payment["total_money"]["amount"] == 13500
    assert (order["total_money"]["amount"], order["total_tax_money"]["amount"]) == (13500, 2500)
    assert order["tenders"][0]["amount_money"]["amount"] == 13500
    assert order["net_amount_due_money"]["amount"] == 0
    assert order["state"] == "COMPLETED"
    assert "version" not in order


@pytest.mark.parametrize(
    ("mode", "total", "tax", "gross"), [("INCLUSIVE", 1000, 107, 1000), ("ADDITIVE", 1120, 120, 1000)]
)
def test_tax_is_inside_or_on_top(mode: str, total: int, tax: int, gross: int) -> None:
    line = Shop().do("sell", lines=[{"amount": 1000, "tax": "12"}], tax_mode=mode)["order"]["line_items"][0]
    assert line["total_money"]["amount"] == total
    assert line["total_tax_money"]["amount"] == tax
    assert line["gross_sales_money"]["amount"] == gross


def test_in_the_united_states_inclusive_tax_is_taken_out_of_gross_sales() -> None:
    shop = Shop()
    shop.do("reset")
    shop.facts = shop.do("seed_merchant", country="US", currency="USD")
    line = shop.do("sell", lines=[{"amount": 1000, "tax": "12"}])["order"]["line_items"][0]
    assert (line["gross_sales_money"]["amount"], line["total_money"]["amount"]) == (893, 1000)


def test_lines_charges_tip_and_rounding_make_the_total() -> None:
    shop = Shop()
    lines = [{"amount": 333, "tax": "25", "quantity": "3"}, {"amount": 777, "tax": "12", "tax_mode": "ADDITIVE"}]
    cash = shop.do("sell", lines=lines, means="cash", cash_rounding=5, discount_percent="7")["order"]
    card = shop.do("sell", lines=lines, tip=55, auto_gratuity="10")["order"]
    for order in (cash, card):
        parts = sum(line["total_money"]["amount"] for line in order["line_items"])
        parts += sum(charge["total_money"]["amount"] for charge in order.get("service_charges", []))
        parts += order.get("rounding_adjustment", {}).get("amount_money", {}).get("amount", 0)
        assert parts + order["total_tip_money"]["amount"] == order["total_money"]["amount"]
    assert cash["total_money"]["amount"] % 5 == 0
    assert card["service_charges"][0]["type"] == "AUTO_GRATUITY"
    assert card["service_charges"][0]["total_tax_money"]["amount"] > 0


def test_the_fee_appears_later_and_sends_a_further_event() -> None:
    shop = Shop()
    shop.subscribe("payment.created", "payment.updated")
    key = shop.do("sell")["payment_ids"][0]
    assert "processing_fee" not in shop.get(f"/v2/payments/{key}")["payment"]
    assert [e["data"]["object"]["payment"]["status"] for e in shop.events()] == ["APPROVED", "COMPLETED"]
    shop.wait(seconds=11)
    assert shop.get(f"/v2/payments/{key}")["payment"]["processing_fee"][0]["amount_money"]["amount"] == 125
    assert [e["type"] for e in shop.events()] == ["payment.updated"]


def test_an_approved_payment_can_be_captured_or_voided() -> None:
    shop = Shop()
    sale = shop.do("sell", complete=False)
    assert sale["payments"][0]["status"] == "APPROVED"
    assert sale["order"]["state"] == "OPEN"
    shop.do("complete", payment_id=sale["payment_ids"][0])
    assert shop.get(f"/v2/orders/{sale['order_id']}")["order"]["state"] == "COMPLETED"
    other = shop.do("sell", complete=False)
    assert shop.do("complete", payment_id=other["payment_ids"][0], cancel=True)["payment"]["status"] == "CANCELED"
    assert shop.get(f"/v2/orders/{other['order_id']}")["order"]["tenders"] == []


def test_a_part_paid_order_stays_open_until_the_rest_is_paid() -> None:
    shop = Shop()
    sale = shop.do("sell", tenders=[{"means": "cash", "amount": 5000}])
    assert (sale["order"]["state"], sale["order"]["net_amount_due_money"]["amount"]) == ("OPEN", 7500)
    rest = shop.do("pay", order_id=sale["order_id"])
    assert (rest["order"]["state"], rest["payment"]["amount_money"]["amount"]) == ("COMPLETED", 7500)


def test_a_gift_card_is_sold_as_a_line_and_spent_as_a_card() -> None:
    shop = Shop()
    sold = shop.do("gift_card", amount=50000)
    order = shop.get(f"/v2/orders/{sold['order_id']}")["order"]
    assert order["line_items"][0]["item_type"] == "GIFT_CARD"
    assert order["total_tax_money"]["amount"] == 0
    used = shop.do("sell", tenders=[{"means": "gift_card", "gift_card_id": sold["gift_card_id"]}])
    assert used["payments"][0]["source_type"] == "CARD"
    assert used["payments"][0]["card_details"]["card"]["card_brand"] == "SQUARE_GIFT_CARD"
    assert used["order"]["tenders"][0]["type"] == "SQUARE_GIFT_CARD"
    card = shop.get(f"/v2/gift-cards/{sold['gift_card_id']}")["gift_card"]
    assert card["balance_money"]["amount"] == 37500
    kinds = [a["type"] for a in shop.get("/v2/gift-cards/activities", sort_order="ASC")["gift_card_activities"]]
    assert sorted(kinds) == ["ACTIVATE", "REDEEM"]


def test_a_refund_is_pending_then_completed_and_changes_the_payment() -> None:
    shop = Shop()
    sale = shop.do("sell", lines=[{"amount": 12500, "tax": "25"}])
    shop.wait(minutes=1)
    shop.subscribe("refund.created", "refund.updated", "payment.updated")
    made = shop.do("refund", payment_id=sale["payment_ids"][0], amount=6250)
    assert made["refunds"][0]["status"] == "PENDING"
    assert made["order_id"] != sale["order_id"]
    shop.wait(seconds=6)
    refund = shop.get(f"/v2/refunds/{made['refund_ids'][0]}")["refund"]
    payment = shop.get(f"/v2/payments/{sale['payment_ids'][0]}")["payment"]
    assert refund["status"] == "COMPLETED"
    assert (payment["refunded_money"]["amount"], payment["refund_ids"]) == (6250, made["refund_ids"])
    types = [e["type"] for e in shop.events()]
    assert sorted(types) == ["payment.updated", "payment.updated", "refund.created", "refund.updated"]


def test_an_amount_only_refund_has_one_line_without_tax() -> None:
    shop = Shop()
    sale = shop.do("sell")
    made = shop.do("refund", payment_id=sale["payment_ids"][0], amount=999)
    returned = shop.get(f"/v2/orders/{made['order_id']}")["order"]["returns"][0]
    assert returned["source_order_id"] == sale["order_id"]
    assert [line["item_type"] for line in returned["return_line_items"]] == ["CUSTOM_AMOUNT"]
    assert returned["return_amounts"]["tax_money"]["amount"] == 0


def test_itemized_refunds_of_the_pieces_add_up_to_the_sale() -> None:
    shop = Shop()
    sale = shop.do("sell", lines=[{"amount": 333, "tax": "25", "quantity": "3"}], tip=77)
    taken = []
    for _ in range(2):
        made = shop.do("refund", payment_id=sale["payment_ids"][0], lines=[{"index": 0, "quantity": "1"}])
        taken.append(shop.get(f"/v2/orders/{made['order_id']}")["order"]["return_amounts"])
    last = shop.do("refund", payment_id=sale["payment_ids"][0])
    taken.append(shop.get(f"/v2/orders/{last['order_id']}")["order"]["return_amounts"])
    for name in ("total_money", "tax_money", "tip_money"):
        whole = sale["order"]["net_amounts"][name]["amount"]
        assert sum(t[name]["amount"] for t in taken) == whole, name
    with pytest.raises(ValueError, match="REFUND_AMOUNT_INVALID"):
        shop.do("refund", payment_id=sale["payment_ids"][0])


def test_a_split_sale_is_refunded_on_both_its_payments() -> None:
    shop = Shop()
    sale = shop.do("sell", tenders=[{"means": "cash", "amount": 5000}, {"means": "card", "tip": 100}])
    made = shop.do("refund", order_id=sale["order_id"])
    assert [(r["destination_type"], r["amount_money"]["amount"]) for r in made["refunds"]] == [
        ("CASH", 5000),
        ("CARD", 7600),
    ]


def test_an_unlinked_refund_names_no_payment_and_its_order_no_source() -> None:
    shop = Shop()
    made = shop.do("refund", unlinked=True, amount=500)
    refund = made["refunds"][0]
    assert refund["unlinked"] is True
    assert "payment_id" not in refund
    assert "source_order_id" not in shop.get(f"/v2/orders/{made['order_id']}")["order"]["returns"][0]


def test_a_refund_to_a_gift_card_names_that_brand_and_leaves_the_balance_alone() -> None:
    shop = Shop()
    sale = shop.do("sell")
    made = shop.do("refund", payment_id=sale["payment_ids"][0], amount=2500, destination="gift_card")
    card = made["refunds"][0]["destination_details"]["card_details"]["card"]
    assert card["card_brand"] == "SQUARE_GIFT_CARD"
    shop.wait(seconds=6)
    assert shop.get("/v2/gift-cards")["gift_cards"][0]["balance_money"]["amount"] == 2500
    assert shop.do("truth")["balance"][shop.places[0]] == 12500 - 125


def test_no_order_events_are_sent_for_sales_at_the_till_but_for_orders_of_the_api() -> None:
    shop = Shop()
    shop.subscribe("order.created", "order.updated")
    shop.do("sell")
    assert shop.events() == []
    line = {"name": "Tea", "quantity": "1", "base_price_money": {"amount": 400, "currency": "EUR"}}
    body: dict[str, Any] = {"order": {"location_id": shop.places[0], "line_items": [line]}, "idempotency_key": "o-1"}
    made = shop.post("/v2/orders", body)["order"]
    (event,) = shop.events()
    assert (event["type"], event["data"]["type"], event["data"]["id"]) == ("order.created", "order_created", made["id"])
    assert event["data"]["object"]["order_created"]["version"] == 1


def test_a_verb_that_makes_no_sense_is_refused_with_a_reason() -> None:
    shop = Shop()
    with pytest.raises(ValueError, match="knows no verb"):
        shop.do("sing")
    with pytest.raises(ValueError, match="future"):
        shop.do("sell", at="2030-01-01T00:00:00Z")
    with pytest.raises(ValueError, match="means is one of"):
        shop.do("sell", means="cheque")
    with pytest.raises(ValueError, match="missing"):
        shop.do("bulk")
