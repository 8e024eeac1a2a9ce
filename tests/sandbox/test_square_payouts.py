"""Payouts of the pretend Square: what a batch holds, how it ends, what comes back."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ml_connector_sandbox.square.payouts import ENTRY_TYPES
from tests.sandbox.square_shop import Shop


def entries(shop: Shop, payout_id: str) -> list[Any]:
    path = f"/v2/payouts/{payout_id}/payout-entries"
    return shop.walk(path, "payout_entries", sort_order="ASC", limit=3)


def plain(money: Any) -> int:
    assert money.keys() in ({"amount", "currency"}, {"amount", "currency_code"})
    return int(money["amount"])


def test_the_worked_payout_of_three_sales_and_a_refund() -> None:
    shop = Shop()
    sales = [shop.do("sell", lines=[{"amount": 12500, "tax": "25"}], tip=1000) for _ in range(3)]
    shop.do("refund", payment_id=sales[0]["payment_ids"][0], amount=6250)
    shop.wait(minutes=1)
    payout = shop.do("payout")["payout"]
    found = entries(shop, payout["id"])
    assert payout["amount_money"]["amount"] == 33845
    assert [e["type"] for e in found] == ["CHARGE", "CHARGE", "CHARGE", "REFUND"]
    assert sum(plain(e["fee_amount_money"]) for e in found) == 405
    assert sum(plain(e["net_amount_money"]) for e in found) == 33845
    assert plain(found[3]["gross_amount_money"]) == -6250
    assert found[3]["type_refund_details"]["payment_id"] == sales[0]["payment_ids"][0]


def test_cash_external_and_gift_cards_never_reach_a_payout() -> None:
    shop = Shop()
    card = shop.do("gift_card", amount=20000, means="cash")["gift_card_id"]
    shop.do("sell", means="cash")
    shop.do("sell", tenders=[{"means": "external", "external_fee": 30}])
    shop.do("sell", tenders=[{"means": "gift_card", "gift_card_id": card}])
    assert shop.do("payout")["payout_id"] is None
    shop.do("sell", means="wallet")
    assert shop.do("payout")["payout"]["amount_money"]["amount"] == 12375


def test_a_payout_is_sent_then_paid_with_events_ordered_by_version() -> None:
    shop = Shop()
    shop.subscribe("payout.sent", "payout.paid")
    shop.do("sell")
    key = shop.do("payout")["payout_id"]
    shop.wait(days=1)
    payout = shop.get(f"/v2/payouts/{key}")["payout"]
    assert (payout["status"], payout["version"]) == ("PAID", 2)
    assert date.fromisoformat(payout["arrival_date"]) == date(2026, 2, 1)
    events = shop.events()
    assert [(e["type"], e["data"]["object"]["payout"]["version"]) for e in events] == [
        ("payout.sent", 1),
        ("payout.paid", 2),
    ]
    assert all(e["location_id"] == shop.places[0] for e in events)
    assert all(e["data"]["object"]["payout"]["updated_at"].startswith("1970") for e in events)


def test_a_failed_payout_returns_in_the_next_batch() -> None:
    shop = Shop()
    shop.do("sell")
    failed = shop.do("payout", fail=True)
    shop.wait(days=1)
    assert shop.get(f"/v2/payouts/{failed['payout_id']}")["payout"]["status"] == "FAILED"
    shop.do("sell")
    following = shop.do("payout")
    assert [e["type"] for e in entries(shop, following["payout_id"])] == ["RETURNED_PAYOUT", "CHARGE"]
    assert following["payout"]["amount_money"]["amount"] == 2 * failed["payout"]["amount_money"]["amount"]


def test_even_a_paid_payout_may_fail_afterwards() -> None:
    shop = Shop()
    shop.do("sell")
    key = shop.do("payout")["payout_id"]
    shop.wait(days=2)
    assert shop.do("payout", payout_id=key, fail=True)["payout"]["status"] == "FAILED"
    assert shop.do("truth")["balance"][shop.places[0]] == 12375


def test_a_simple_payout_has_no_entries_and_shows_in_the_next_batch() -> None:
    shop = Shop()
    shop.do("sell")
    simple = shop.do("payout", type="SIMPLE", amount=2000)
    assert shop.get(f"/v2/payouts/{simple['payout_id']}/payout-entries") == {}
    batch = shop.do("payout")
    found = entries(shop, batch["payout_id"])
    assert [e["type"] for e in found] == ["CHARGE", "MONEY_TRANSFER"]
    assert batch["payout"]["amount_money"]["amount"] == 12375 - 2000


def test_a_batch_can_be_negative() -> None:
    shop = Shop()
    key = shop.do("sell")["payment_ids"][0]
    shop.do("payout")
    shop.do("refund", payment_id=key)
    shop.wait(minutes=1)
    assert shop.do("payout")["payout"]["amount_money"]["amount"] == -12500


@pytest.mark.parametrize("kind", sorted(ENTRY_TYPES))
def test_any_entry_type_can_be_scripted(kind: str) -> None:
    shop = Shop()
    made = shop.do("payout", entries=[{"type": kind, "amount": -700, "fee": 20}, {"type": "OTHER", "amount": 1}])
    found = entries(shop, made["payout_id"])
    assert [e["type"] for e in found] == [kind, "OTHER"]
    assert [plain(found[0][f"{name}_amount_money"]) for name in ("gross", "fee", "net")] == [-680, 20, -700]


def test_there_are_58_entry_types_and_no_other() -> None:
    assert len(ENTRY_TYPES) == 58
    with pytest.raises(ValueError, match="no payout entry type"):
        Shop().do("entry", type="SURPRISE", amount=1)


def test_fees_come_back_and_are_taxed_when_the_knobs_say_so() -> None:
    shop = Shop()
    shop.do("knobs", refund_returns_fee=True, tax_on_fee_percent="23")
    key = shop.do("sell", lines=[{"amount": 10000, "tax": "25"}])["payment_ids"][0]
    made = shop.do("refund", payment_id=key, amount=5000)
    shop.wait(minutes=1)
    found = entries(shop, shop.do("payout")["payout_id"])
    assert [(e["type"], plain(e["net_amount_money"])) for e in found] == [
        ("CHARGE", 9900), ("TAX_ON_FEE", -23), ("REFUND", -4950),
    ]  # fmt: skip
    assert plain(found[2]["fee_amount_money"]) == -50
    refund = shop.get(f"/v2/refunds/{made['refund_ids'][0]}")["refund"]
    assert refund["processing_fee"][0]["amount_money"]["amount"] == -50


def test_a_share_of_payouts_says_currency_code() -> None:
    shop = Shop()
    for share, name in ((0, "currency"), (1, "currency_code")):
        shop.do("knobs", currency_code_share=share)
        shop.do("sell")
        key = shop.do("payout")["payout_id"]
        assert name in shop.get(f"/v2/payouts/{key}")["payout"]["amount_money"]
        assert name in entries(shop, key)[0]["net_amount_money"]


def test_with_the_knob_a_batch_leaves_at_each_local_cut_off() -> None:
    shop = Shop()
    shop.do("reset")
    shop.facts = shop.do("seed_merchant", locations=[{"name": "A", "cutoff": "17:00"}, {"name": "B"}])
    shop.do("knobs", auto_payout=True)
    for place in shop.places:
        shop.do("sell", location_id=place)
    shop.wait(hours=24)
    times = [shop.get("/v2/payouts", location_id=place)["payouts"][0]["created_at"] for place in shop.places]
    assert times == ["2026-01-31T17:00:00Z", "2026-02-01T00:00:00Z"]
