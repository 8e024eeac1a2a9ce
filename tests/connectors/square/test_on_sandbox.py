"""The connector against the pretend Square: what happened there is read here, once and whole."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any, cast

import pytest

from ml_connector.connectors.shapes import Absent, SourceObject
from ml_connector.connectors.square.subscriptions import watch
from ml_connector.connectors.square.translate import translate
from ml_connector.connectors.square.webhooks import WEBHOOKS
from ml_connector.errors import BadSignature, NotAuthorized, UsageError
from ml_connector.finance.documents import Capture, Invoice, Payout, Refund, Sale
from tests.connectors.square.on_sandbox import START, Shop

BACK = START - timedelta(days=60)
HOOK = "https://hooks.example.test/webhooks/square"


def ids(found: list[SourceObject]) -> list[str]:
    return [one.external_id for one in found]


def played(**knobs: Any) -> tuple[Shop, Any]:
    """A shop that has traded for a day, read the evening after."""
    shop = Shop(knobs=knobs)
    day = date(2026, 1, 30)
    expected = shop.do("play_day", date=day.isoformat(), payments=60)
    return shop, expected


@pytest.mark.parametrize("knobs", [{}, {"empty_pages": 0.3, "short_pages": 0.5}, {"offline_hidden_by_default": False}])
def test_a_day_is_read_whole_and_every_record_translates(knobs: dict[str, Any]) -> None:
    shop, played_day = played(**knobs)
    captures = [
        cast(Capture, translate("payment", one.payload)) for one in shop.poll("payments", backfill_from=BACK)[0]
    ]
    refunds = [cast(Refund, translate("refund", one.payload)) for one in shop.poll("refunds", backfill_from=BACK)[0]]
    sales = [cast(Sale, translate("order", one.payload)) for one in shop.poll("orders", backfill_from=BACK)[0]]
    payouts = [cast(Payout, translate("payout", one.payload)) for one in shop.poll("payouts", backfill_from=BACK)[0]]
    totals = played_day["totals"]
    assert len({one.id for one in captures}) == played_day["payments"]
    assert sum(one.total.minor for one in captures if one.state == "completed") == totals["gross"]
    assert sum(one.tip.minor for one in captures if one.state == "completed") == totals["tips"]
    assert sum(one.amount.minor for one in refunds if one.state == "completed") == totals["refunds"]
    vat = sum(line.tax.minor for sale in sales if sale.state == "completed" for line in sale.lines)
    assert vat == totals["vat"]
    assert sum(one.amount.minor for one in payouts) == totals["payouts"]
    for payout in payouts:
        assert sum(entry.net.minor for entry in payout.entries) == payout.amount.minor


@pytest.mark.parametrize("tip_in_total", [True, False])
def test_a_tip_is_found_whether_the_total_holds_it_or_not(tip_in_total: bool) -> None:
    shop = Shop(knobs={"tip_in_total": tip_in_total})
    made = shop.do("sell", tip=1000, auto_gratuity="10", cash_rounding=5, means="cash", tax_mode="ADDITIVE")
    (one,) = shop.reader.fetch("order", [made["order_id"]])
    sale = cast(Sale, translate("order", cast(SourceObject, one).payload))
    assert sale.tip.minor == 1000
    assert sale.total.minor == sum(line.gross.minor for line in sale.lines) + 1000 + sale.rounding.minor
    assert sale.total.minor == sum(tender.amount.minor for tender in sale.tenders)


def test_the_second_poll_reads_what_changed_and_little_else() -> None:
    shop = Shop()
    first = shop.do("sell")["payment_ids"]
    shop.clock.advance(3600)
    found, position = shop.poll("payments", backfill_from=BACK)
    assert ids(found) == first
    second = shop.do("sell")["payment_ids"]
    shop.clock.advance(3600)
    found, position = shop.poll("payments", position, backfill_from=BACK)
    assert ids(found) == second
    assert shop.poll("payments", position)[0] == []


def test_a_sale_taken_offline_and_uploaded_two_days_late_is_read() -> None:
    for created_at in ("upload", "device"):
        shop = Shop(knobs={"offline_created_at": created_at})
        shop.do("sell")
        shop.clock.advance(3600)
        _, position = shop.poll("payments")
        _, orders = shop.poll("orders")
        device = shop.clock.now()
        shop.clock.advance(48 * 3600)
        _, position = shop.poll("payments", position)
        _, orders = shop.poll("orders", orders)
        late = shop.do("sell", offline_at=device.isoformat().replace("+00:00", "Z"))
        shop.clock.advance(3600)
        found, _ = shop.poll("payments", position)
        assert late["payment_ids"][0] in ids(found)
        assert late["order_id"] in ids(shop.poll("orders", orders)[0])
        (one,) = [one for one in found if one.external_id == late["payment_ids"][0]]
        assert one.occurred_at == device
        assert cast(Capture, translate("payment", one.payload)).offline


def test_payments_of_every_location_are_read_not_only_the_main_one() -> None:
    shop = Shop(merchant={"locations": 12})
    made = [shop.do("sell", location_id=place) for place in shop.facts["location_ids"]]
    shop.clock.advance(600)
    assert sorted(ids(shop.poll("payments")[0])) == sorted(one["payment_ids"][0] for one in made)
    assert sorted(ids(shop.poll("orders")[0])) == sorted(one["order_id"] for one in made)
    assert shop.calls["POST /v2/orders/search"] == 2  # ten locations a call


def test_a_payout_is_read_again_when_it_becomes_paid_or_failed() -> None:
    shop = Shop(knobs={"fee_delay_s": 1})
    shop.do("sell")
    shop.clock.advance(3600)
    made = shop.do("payout")
    shop.clock.advance(600)
    found, position = shop.poll("payouts")
    assert [translate("payout", one.payload).state for one in found] == ["sent"]  # type: ignore[union-attr]
    assert shop.poll("payouts", position)[0] == []
    shop.do("payout", payout_id=made["payout_id"], fail=True)
    shop.clock.advance(600)
    found, position = shop.poll("payouts", position)
    assert [translate("payout", one.payload).state for one in found] == ["failed"]  # type: ignore[union-attr]
    assert shop.poll("payouts", position)[0] == []


def test_a_payout_that_stays_sent_beyond_the_look_back_is_still_watched() -> None:
    shop = Shop(knobs={"payout_paid_delay_s": 20 * 86_400})
    shop.do("sell")
    shop.clock.advance(3600)
    made = shop.do("payout")
    shop.clock.advance(600)
    found, position = shop.poll("payouts")
    for _ in range(21):
        shop.clock.advance(86_400)
        more, position = shop.poll("payouts", position)
        found += more
    states = [translate("payout", one.payload).state for one in found]  # type: ignore[union-attr]
    assert made["payout_id"] in ids(found)
    assert (states[0], states[-1]) == ("sent", "paid")


def test_a_simple_payout_has_no_entries() -> None:
    shop = Shop()
    shop.do("payout", type="SIMPLE", amount=-5000)
    shop.clock.advance(600)
    (one,) = shop.poll("payouts")[0]
    payout = cast(Payout, translate("payout", one.payload))
    assert (payout.itemized, payout.amount.minor, payout.entries) == (False, -5000, ())
    assert "GET /v2/payouts/{id}/payout-entries" not in shop.calls


def test_invoices_vendors_customers_disputes_and_locations_are_read() -> None:
    shop = Shop()
    customer = shop.do("customer", given_name="Anna", company_name="Berg AB")["customer_id"]
    invoice = shop.do("invoice", customer_id=customer, due_date="2026-03-01")["invoice_id"]
    vendor = shop.do("vendor", name="Joe")["vendor_id"]
    payment = shop.do("sell")["payment_ids"][0]
    dispute = shop.do("dispute", payment_id=payment)["dispute_id"]
    shop.clock.advance(600)
    wanted = {"invoices": invoice, "customers": customer, "vendors": vendor, "disputes": dispute}
    for stream, id_ in wanted.items():
        found, _ = shop.poll(stream)
        assert ids(found) == [id_]
        translate(found[0].kind, found[0].payload)
    assert sorted(ids(shop.poll("locations")[0])) == sorted(shop.facts["location_ids"])


def test_customers_are_walked_by_creation_within_the_window_of_changes() -> None:
    shop = Shop()
    made = []
    for number in range(250):
        made.append(shop.do("customer", given_name=f"N{number}")["customer_id"])
        shop.clock.advance(1)
    shop.clock.advance(1200)
    found, position = shop.poll("customers")
    assert ids(found) == made
    shop.do("customer", customer_id=made[3], given_name="Changed")
    shop.clock.advance(1200)
    assert ids(shop.poll("customers", position)[0]) == [made[3]]


def test_vendors_that_the_seller_does_not_have_are_no_failure() -> None:
    shop = Shop(knobs={"vendors_enabled": False})
    assert shop.poll("vendors")[0] == []
    assert isinstance(shop.reader.fetch("vendor", ["V1"])[0], Absent)


def test_records_by_id_come_in_few_calls_and_the_unknown_are_absent() -> None:
    shop = Shop()
    made = [shop.do("sell") for _ in range(130)]
    shop.calls.clear()
    orders = shop.reader.fetch("order", [*(one["order_id"] for one in made), "NOPE"])
    assert [one.external_id for one in orders] == [*(one["order_id"] for one in made), "NOPE"]
    assert isinstance(orders[-1], Absent)
    assert shop.calls == {"POST /v2/orders/batch-retrieve": 2}


def test_a_hundred_payments_that_changed_lately_cost_few_calls() -> None:
    shop = Shop(merchant={"locations": 1})
    since = shop.clock.now()
    wanted = [shop.do("sell")["payment_ids"][0] for _ in range(100)]
    shop.clock.advance(60)
    shop.calls.clear()
    found = shop.reader.fetch("payment", wanted, since=since)
    assert [one.external_id for one in found] == wanted
    assert all(isinstance(one, SourceObject) for one in found)
    assert sum(shop.calls.values()) <= 4, shop.calls
    shop.calls.clear()
    assert len(shop.reader.fetch("payment", wanted[:3], since=since)) == 3
    assert shop.calls == {"GET /v2/payments/{id}": 3}


def test_what_changed_first_is_found_without_reading_all_that_came_after() -> None:
    shop = Shop()
    places = shop.facts["location_ids"]
    since = shop.clock.now()
    wanted = [shop.do("sell", location_id=place)["payment_ids"][0] for _ in range(3) for place in places]
    shop.clock.advance(60)
    for _ in range(101):
        shop.do("sell", location_id=places[0])
    shop.calls.clear()
    found = shop.reader.fetch("payment", wanted, since=since)
    assert [one.external_id for one in found if isinstance(one, SourceObject)] == wanted
    assert shop.calls["GET /v2/payments"] == len(places) > 1, shop.calls


def test_payments_that_listing_does_not_show_are_asked_for_singly() -> None:
    shop = Shop(merchant={"locations": 1})
    old = [shop.do("sell")["payment_ids"][0] for _ in range(5)]
    shop.clock.advance(86_400)
    since = shop.clock.now()
    new = [shop.do("sell")["payment_ids"][0] for _ in range(9)]
    shop.clock.advance(60)
    found = shop.reader.fetch("payment", [*old, *new, "NOPE"], since=since)
    assert [one.external_id for one in found if isinstance(one, SourceObject)] == [*old, *new]
    assert isinstance(found[-1], Absent)


def test_webhook_and_poll_give_the_very_same_payload() -> None:
    shop = Shop()
    shop.do("sell")
    shop.do("vendor", name="Joe")
    shop.do("customer", given_name="Anna")
    payment = shop.do("sell")["payment_ids"][0]
    shop.clock.advance(60)
    shop.do("refund", payment_id=payment, amount=100)
    shop.do("payout")
    shop.clock.advance(7200)
    for stream in ("payments", "refunds", "orders", "payouts", "vendors", "customers", "locations"):
        polled, _ = shop.poll(stream)
        assert polled
        assert shop.reader.fetch(polled[0].kind, ids(polled)) == polled


def test_an_invoice_is_found_by_its_order_and_many_orders_cost_few_calls() -> None:
    shop = Shop(merchant={"locations": 1})
    place = shop.facts["location_ids"][0]
    invoices = [shop.do("invoice", customer={"given_name": "Anna"}, due_date="2026-03-01") for _ in range(3)]
    orders = [shop.do("sell")["order_id"] for _ in range(20)]
    shop.calls.clear()
    for order in orders:
        assert shop.reader.find("invoice", ("order", order), location=place) == []
    assert shop.calls == {"POST /v2/invoices/search": 1}
    for made in invoices:
        (found,) = shop.reader.find("invoice", ("order_id", made["order_id"]), location=place)
        assert found.external_id == made["invoice_id"]
        assert cast(Invoice, translate("invoice", found.payload)).order_id == made["order_id"]
    late = shop.do("invoice", customer={"given_name": "Bo"}, due_date="2026-03-01")
    shop.clock.advance(30)
    assert ids(shop.reader.find("invoice", ("order", late["order_id"]), location=place)) == [late["invoice_id"]]


def test_a_payout_is_found_by_its_payment() -> None:
    shop = Shop()
    payment = shop.do("sell")["payment_ids"][0]
    shop.clock.advance(3600)
    assert shop.reader.find("payout", ("payment", payment), location=None) == []
    payout = shop.do("payout")["payout_id"]
    shop.clock.advance(600)
    assert ids(shop.reader.find("payout", ("payment", payment), location=None)) == [payout]
    with pytest.raises(UsageError):
        shop.reader.find("payment", ("order", "O1"), location=None)


def test_a_walk_brings_all_invoices_of_a_location_and_its_later_payouts() -> None:
    shop = Shop()
    main, other, _ = shop.facts["location_ids"]
    made = shop.do("invoice", customer={"given_name": "Anna"}, due_date="2026-03-01")["invoice_id"]
    shop.do("sell")
    shop.clock.advance(3600)
    early = shop.do("payout")["payout_id"]
    shop.clock.advance(86_400)
    shop.do("sell")
    shop.clock.advance(3600)
    late = shop.do("payout")["payout_id"]
    shop.clock.advance(60)
    day_ago = shop.clock.now() - timedelta(days=1)
    assert ids(shop.reader.walk("invoice", location=main, since=day_ago)) == [made]
    assert ids(shop.reader.walk("invoice", location=other, since=day_ago)) == []
    assert ids(shop.reader.walk("invoice", location=None, since=day_ago)) == [made]
    assert ids(shop.reader.walk("payout", location=main, since=day_ago)) == [late]
    found = shop.reader.walk("payout", location=None, since=day_ago - timedelta(days=1))
    assert sorted(ids(found)) == sorted([early, late])
    assert all(one.payload["entries"] for one in found)
    with pytest.raises(UsageError, match="not walked"):
        shop.reader.walk("payment", location=None, since=day_ago)


def test_missed_events_are_found_by_searching() -> None:
    shop = Shop()
    _, position = shop.poll("events")  # makes events searchable from now on
    payment = shop.do("sell")["payment_ids"][0]
    shop.clock.advance(600)
    page = shop.reader.page("events", position, now=shop.clock.now())
    assert ("payment", payment) in [(one.kind, one.external_id) for one in page.named]
    shop.clock.advance(86_400)
    again = shop.reader.page("events", page.position, now=shop.clock.now())
    assert not again.more


def test_deliveries_are_verified_and_read_and_lead_to_records() -> None:
    shop = Shop()
    made = watch(shop.http, shop.credentials["personal_access_token"], HOOK, clock=shop.clock)
    key = made.subscription.signature_key
    payment = shop.do("sell", tip=500)["payment_ids"][0]
    shop.do("refund", payment_id=payment, amount=100)
    shop.do("vendor", name="Joe")
    shop.do("invoice", customer={"given_name": "Anna"}, due_date="2026-03-01")
    shop.do("payout", type="SIMPLE", amount=700)
    kinds: Counter[str] = Counter()
    for _ in range(3):
        shop.clock.advance(60)
        for delivery in shop.square.deliveries(shop.clock.now()):
            headers = {name.lower(): value for name, value in delivery.headers}
            WEBHOOKS.verify(delivery.body, headers, url=HOOK, keys=["old", key], now=shop.clock.now())
            with pytest.raises(BadSignature):
                WEBHOOKS.verify(delivery.body, headers, url=HOOK, keys=["old"], now=shop.clock.now())
            events = WEBHOOKS.read(delivery.body, headers)
            assert {event.account_ref for event in events} == {shop.facts["merchant_id"]}
            for kind, name in [(one.kind, one.external_id) for one in events]:
                if kind is None:
                    continue
                (record,) = shop.reader.fetch(kind, [str(name)])
                assert isinstance(record, SourceObject)
                translate(record.kind, record.payload)
                kinds[kind] += 1
            shop.square.delivered(delivery, 200, shop.clock.now())
    assert set(kinds) >= {"payment", "refund", "vendor", "invoice", "publication", "payout", "customer"}


def test_a_revoked_authorization_says_so_and_a_living_one_too() -> None:
    shop = Shop()
    (alive,) = shop.reader.fetch("authorization", [shop.facts["merchant_id"]])
    assert isinstance(alive, Absent)
    shop.do("revoke_token", token=shop.facts["oauth_token"])
    with pytest.raises(NotAuthorized):
        shop.reader.fetch("authorization", [shop.facts["merchant_id"]])
