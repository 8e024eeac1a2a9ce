"""A played day adds up: script, notes and what the API shows agree; bulk trade is lean and quick."""

from __future__ import annotations

import time
import tracemalloc
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.sandbox.square_shop import Shop

EVENING = datetime(2026, 2, 1, 0, 30, tzinfo=UTC)


def played(**arguments: Any) -> tuple[Shop, Any]:
    shop = Shop(now=EVENING)
    return shop, shop.do("play_day", **{"date": "2026-01-31"} | arguments)


@pytest.mark.parametrize("seed", range(5))
def test_the_expected_totals_and_the_notes_agree(seed: int) -> None:
    shop, day = played(seed=seed, payments=60 + 7 * seed)
    truth = shop.do("truth")
    noted = {(row["day"], row["location_id"]): row for row in truth["days"]}
    assert truth["mishaps"] == []
    assert len(day["expected"]) == 4
    for row in day["expected"]:
        assert {k: noted[row["day"], row["location_id"]][k] for k in row} == row
    assert set(truth["balance"].values()) == {0}


def test_a_day_holds_everything_a_ledger_must_survive() -> None:
    shop, day = played()
    (main, offline) = (day["expected"][1], day["expected"][0])
    assert day["payments"] >= 60
    assert day["refunds"] == 4
    assert (offline["day"], offline["gross"], offline["location_id"]) == ("2026-01-30", 9995, shop.places[0])
    assert main["invoiced"] == 80000 + 20000 + 29400 + 3528
    assert {"cash", "card", "external", "gift_card", "wallet"} == {m for row in day["expected"] for m in row["means"]}
    assert all(row["payouts"] > 0 for row in day["expected"][1:])
    for name in ("gift_cards_sold", "service_charges", "rounding", "tips", "refunds"):
        assert any(row[name] for row in day["expected"]), name
    kinds = {t["type"] for o in orders_of(shop) for t in o.get("taxes", [])}
    assert kinds == {"INCLUSIVE", "ADDITIVE"}


def orders_of(shop: Shop) -> list[Any]:
    return shop.search("/v2/orders/search", "orders", {"location_ids": shop.places, "limit": 50})


def business_day(shop: Shop, payment: Any) -> date:
    text = payment.get("offline_payment_details", {}).get("client_created_at", payment["created_at"])
    return datetime.fromisoformat(text).astimezone(ZoneInfo("Europe/Dublin")).date()


def test_what_the_api_shows_adds_up_to_the_expected_totals() -> None:
    shop, day = played(seed=9)
    payments = [
        p
        for place in shop.places
        for offline in ("false", "true")
        for p in shop.walk("/v2/payments", "payments", location_id=place, is_offline_payment=offline, limit=9)
    ]
    orders = {o["id"]: o for o in orders_of(shop)}
    assert len({p["id"] for p in payments}) == len(payments) == day["payments"]
    rows: dict[tuple[str, str], Counter[str]] = {}
    for payment in payments:
        key = (business_day(shop, payment).isoformat(), payment["location_id"])
        row = rows.setdefault(key, Counter())
        row["gross"] += payment["total_money"]["amount"]
        row["tips"] += payment.get("tip_money", {}).get("amount", 0)
        row["fees"] += sum(f["amount_money"]["amount"] for f in payment.get("processing_fee", []))
    for order_id in {p["order_id"] for p in payments}:
        order = orders[order_id]
        first = next(p for p in payments if p["order_id"] == order_id)
        rows[business_day(shop, first).isoformat(), order["location_id"]]["vat"] += order["total_tax_money"]["amount"]
    for refund in shop.walk("/v2/refunds", "refunds", limit=2):
        rows["2026-01-31", refund["location_id"]]["refunds"] += refund["amount_money"]["amount"]
    for place in shop.places:
        for payout in shop.walk("/v2/payouts", "payouts", location_id=place):
            rows["2026-01-31", place]["payouts"] += payout["amount_money"]["amount"]
    for row in day["expected"]:
        shown = rows[row["day"], row["location_id"]]
        assert shown["vat"] == sum(row["vat"].values())
        for name in ("gross", "tips", "fees", "refunds", "payouts"):
            assert shown[name] == row[name], name


def test_a_future_day_unfolds_as_time_is_told_with_the_same_totals() -> None:
    shop = Shop(now=datetime(2026, 1, 31, 6, tzinfo=UTC))
    shop.subscribe("payment.created")
    day = shop.do("play_day", date="2026-01-31")
    assert shop.get("/v2/payments") == {}
    shop.now = datetime(2026, 1, 31, 13, tzinfo=UTC)
    midday = len(shop.events())
    assert 0 < midday < day["payments"]
    shop.now = EVENING
    assert midday + len(shop.events()) == day["payments"]
    noted = {(row["day"], row["location_id"]): row for row in shop.do("truth")["days"]}
    assert all(noted[row["day"], row["location_id"]]["gross"] == row["gross"] for row in day["expected"])


def test_the_same_seed_plays_the_same_day() -> None:
    assert played(seed=3)[1] == played(seed=3)[1]
    assert played(seed=3)[1]["totals"] != played(seed=4)[1]["totals"]


def test_bulk_sales_are_read_refunded_and_paid_out_like_any_other() -> None:
    shop = Shop()
    made = shop.do("bulk", n=1000, start="2026-01-30T00:00:00Z", end="2026-01-31T00:00:00Z")
    place = shop.places[0]
    rows = shop.walk("/v2/payments", "payments", location_id=place, sort_field="UPDATED_AT", sort_order="ASC")
    assert len({r["id"] for r in rows}) == len(rows) == 334
    order = shop.get(f"/v2/orders/{rows[5]['order_id']}")["order"]
    assert order["tenders"][0]["payment_id"] == rows[5]["id"]
    assert order["total_money"] == rows[5]["total_money"]
    shop.do("refund", payment_id=rows[5]["id"])
    shop.wait(minutes=1)
    again = shop.walk("/v2/payments", "payments", location_id=place, sort_field="UPDATED_AT", sort_order="ASC")
    assert [r["id"] for r in again] == [r["id"] for n, r in enumerate(rows) if n != 5] + [rows[5]["id"]]
    payout = shop.do("payout", location_id=place)["payout"]
    entries = shop.walk(f"/v2/payouts/{payout['id']}/payout-entries", "payout_entries", limit=100)
    assert Counter(e["type"] for e in entries) == {"CHARGE": 334, "REFUND": 1}
    assert sum(e["net_amount_money"]["amount"] for e in entries) == payout["amount_money"]["amount"]
    days = shop.do("truth")["days"]
    assert sum(row["gross"] for row in days) == made["gross"]
    assert shop.do("payout", location_id=place)["payout_id"] is None


def test_bulk_sales_of_the_future_appear_when_their_time_comes() -> None:
    shop = Shop()
    shop.subscribe("payment.updated")
    shop.do("bulk", n=300, start="2026-01-31T12:00:00Z", end="2026-01-31T13:00:00Z", events=True)
    assert shop.get("/v2/payments") == {}
    shop.wait(minutes=30, seconds=2)
    assert len(shop.get("/v2/payments")["payments"]) == 51
    assert len(shop.events()) == 151
    assert shop.do("truth")["counts"]["payments"] == 151


@pytest.mark.slow
def test_two_hundred_thousand_sales_are_made_quickly_and_take_little_memory() -> None:
    shop = Shop()
    tracemalloc.start()
    began = time.perf_counter()
    shop.do("bulk", n=200_000, start="2026-01-01T00:00:00Z", end="2026-01-31T00:00:00Z")
    took = time.perf_counter() - began
    grown = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert took < 10
    assert grown < 200_000 * 1500
    shop.now += timedelta(minutes=1)
    page = shop.get("/v2/payments", sort_field="UPDATED_AT", sort_order="ASC")
    assert len(page["payments"]) == 100


def test_bulk_sales_of_a_broken_vat_rate_add_up() -> None:
    shop = Shop()
    shop.do("reset")
    shop.facts = shop.do("seed_merchant", taxes=["23", "13.5"], locations=1)
    shop.do("bulk", n=10, start="2026-01-31T00:00:00Z", end="2026-01-31T01:00:00Z")
    orders = orders_of(shop)
    vat = Counter[str]()
    for order in orders:
        vat[order["taxes"][0]["percentage"]] += order["total_tax_money"]["amount"]
        price, rate = order["total_money"]["amount"], float(order["taxes"][0]["percentage"])
        assert abs(order["total_tax_money"]["amount"] - price * rate / (100 + rate)) <= 0.5
    assert shop.do("truth")["days"][0]["vat"] == vat


def test_a_knob_takes_its_own_kind_only() -> None:
    shop = Shop()
    with pytest.raises(ValueError, match="cannot be"):
        shop.do("knobs", shuffle="false")
    with pytest.raises(ValueError, match="No knob"):
        shop.do("knobs", speed=3)
    assert shop.do("knobs", fee_percent=1.75)["fee_percent"] == "1.75"
