"""The connector against the pretend shop: keys, reading, webhooks, and what hosting does to all of it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

import pytest

from ml_connector.connectors.shapes import Absent, SourceObject, Subscribed
from ml_connector.connectors.woocommerce import auth, subscriptions
from ml_connector.connectors.woocommerce.client import WooClient
from ml_connector.connectors.woocommerce.signing import Key
from ml_connector.connectors.woocommerce.system import SYSTEM
from ml_connector.connectors.woocommerce.translate import GONE, translate
from ml_connector.connectors.woocommerce.webhooks import SUBSCRIBED, WEBHOOKS
from ml_connector.errors import BadSignature, NotAuthorized, Rejected, Transient, Untranslatable
from ml_connector.finance.documents import Article, Location, Party, Refund, Sale
from ml_connector_sandbox.core.wire import Delivery
from tests.connectors.woocommerce.on_sandbox import START, Shop

BACK = START - timedelta(days=3)
URL = "https://us.example/hooks/woocommerce/secret"
DAY = 86_400


def sales(found: list[SourceObject]) -> list[Sale]:
    return [cast(Sale, translate("order", one.payload)) for one in found]


def ping(shop: Shop, **changes: str) -> dict[str, Any]:
    answer = auth.ping(shop.http, {**shop.credentials, **changes}, {}, clock=shop.clock)
    return {"ok": answer.ok, "facts": answer.facts, **{check.name: check for check in answer.checks}}


def watch(shop: Shop) -> Subscribed:
    found = SYSTEM.watch(shop.http, shop.credentials, URL, clock=shop.clock) if SYSTEM.watch else None
    assert found is not None
    return found


def headers_of(delivery: Delivery) -> dict[str, str]:
    return {name.lower(): value for name, value in delivery.headers}


# ---------------------------------------------------------------------------------------------- ping and keys


@pytest.mark.parametrize("tls", [False, True])
def test_a_ping_names_each_right_and_how_the_shop_is_set_up(tls: bool) -> None:
    found = ping(Shop(tls=tls))
    assert found["ok"]
    assert found["facts"]["authentication"] == ("basic" if tls else "oauth")
    assert found["facts"]["currency"] == "SEK"
    assert found["facts"]["time_zone"] == "Europe/Stockholm"
    assert found["facts"]["version"]
    assert found["facts"]["account_ref"].endswith("/butikk")
    for name in ("address", "time zone", "key", "refunds", "customers", "currency", "taxes", "webhooks", "version"):
        assert found[name].ok, name
    assert "with tax" in found["taxes"].sentence


def test_a_header_that_is_dropped_is_told_from_a_wrong_key() -> None:
    shop = Shop(tls=True, knobs={"strip_authorization": True})
    dropped = ping(shop)
    assert not dropped["ok"]
    assert "authentication=query" in dropped["key"].fix
    assert ping(shop, authentication="query")["ok"]
    wrong = ping(shop, consumer_key="ck_" + "0" * 40)
    assert "query" not in wrong["key"].sentence


def test_a_shop_that_does_not_know_of_its_https_takes_signed_calls() -> None:
    shop = Shop(base="https://shop.example/butikk")  # a proxy in front ends TLS
    behind = ping(shop)
    assert not behind["ok"]
    assert "authentication=oauth" in behind["key"].fix
    assert ping(shop, authentication="oauth")["ok"]


@pytest.mark.parametrize("tls", [False, True])
def test_a_wrong_secret_and_an_unknown_key_pause_the_connection(tls: bool) -> None:
    for wrong in ({"consumer_secret": "cs_" + "0" * 40}, {"consumer_key": "ck_" + "0" * 40}):
        shop = Shop(tls=tls)
        shop.credentials |= wrong
        with pytest.raises(NotAuthorized):
            shop.poll("orders", backfill_from=BACK)
        assert not ping(shop)["ok"]


def test_a_ping_of_a_shop_whose_index_is_closed_goes_on() -> None:
    assert ping(Shop(knobs={"root_open": False}))["key"].ok


def test_a_shop_that_calls_itself_something_else_is_told_of() -> None:
    shop = Shop()
    other = Shop(store={}, base="http://127.0.0.1:8099/butikk")
    other.woo.world.store("Butik").home = "http://127.0.0.1:8099/annat"
    assert not ping(other)["address"].ok
    assert ping(shop)["address"].ok


def test_index_php_permalinks_are_found_and_remembered() -> None:
    shop = Shop(knobs={"permalinks": "pathinfo"})
    order_id = shop.order()
    found, _ = shop.poll("orders", backfill_from=BACK)
    assert [one.external_id for one in found] == [order_id]
    assert ping(shop)["ok"]
    before = sum(shop.calls.values())
    shop.reader.fetch("order", [order_id])
    shop.reader.fetch("order", [order_id])
    assert sum(shop.calls.values()) == before + 3  # the wrong root is tried once


def test_plain_permalinks_are_told_with_what_to_do() -> None:
    with pytest.raises(Rejected, match="Permalinks"):
        Shop(knobs={"permalinks": "plain"}).poll("orders", backfill_from=BACK)


# ---------------------------------------------------------------------------------------------- hosting


@pytest.mark.parametrize(
    ("knobs", "error"),
    [
        ({"page_instead": "coming_soon"}, Transient), ({"page_instead": "login"}, Transient),
        ({"page_instead": "maintenance"}, Transient), ({"page_instead": "firewall"}, Transient),
        ({"php_notice": True}, Transient), ({"redirect_to": "https://www.shop.example"}, Rejected),
        ({"blocked_agents": "ml-connector"}, Transient),
    ],
)  # fmt: skip
def test_what_stands_in_front_of_a_shop_is_never_read_as_an_answer(knobs: dict[str, Any], error: type) -> None:
    shop = Shop(knobs=knobs)
    shop.order()
    with pytest.raises(error) as caught:
        shop.poll("orders", backfill_from=BACK)
    assert shop.credentials["consumer_secret"] not in str(caught.value)


def test_a_cached_answer_is_not_taken() -> None:
    shop = Shop(knobs={"cache_s": 3600}, tls=True)
    order_id = shop.order(status="on-hold", gateway="bacs")
    shop.reader.fetch("order", [order_id])
    shop.do("pay", order_id=int(order_id))
    (found,) = shop.reader.fetch("order", [order_id])
    assert isinstance(found, SourceObject)
    assert found.payload["status"] == "processing"


def test_a_shop_that_breaks_over_big_pages_is_read_by_smaller_ones() -> None:
    shop = Shop(knobs={"heavy_rows": 30})
    for _ in range(40):
        shop.order()
    with pytest.raises(Transient):
        shop.reader.page("orders", None, now=START, backfill_from=BACK)
    with pytest.raises(Transient):
        shop.reader.page("orders", None, now=START, backfill_from=BACK)
    seen: set[str] = set()
    position, more = None, True
    while more:
        page = shop.reader.page("orders", position, now=START, backfill_from=BACK)
        seen |= {one.external_id for one in page.objects}
        position, more = page.position, page.more
    assert len(seen) == 40


# ---------------------------------------------------------------------------------------------- orders


@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize("at_subtotal", [True, False])
@pytest.mark.parametrize("decimals", [0, 2])
def test_orders_of_every_kind_of_shop_add_up(inclusive: bool, at_subtotal: bool, decimals: int) -> None:
    shop = Shop(
        store={
            "prices_include_tax": inclusive, "round_at_subtotal": at_subtotal, "decimals": decimals,
            "taxes": ["25", "12", "6", "0"],
        }
    )  # fmt: skip
    made = shop.do(
        "order",
        lines=[
            {"price": "249.90", "quantity": 3, "tax": "25"}, {"price": "33.33", "quantity": 7, "tax": "12"},
            {"price": "19.99", "tax": "6"}, {"price": "45.00", "tax": "0"}, {"price": "500.00", "tax": None},
        ],
        shipping="49", coupons=[{"code": "VÅR", "amount": "10"}],
        fees=[{"name": "Faktura", "amount": "29"}, {"name": "Bonus", "amount": "-33.50"}],
    )  # fmt: skip
    (found,), _ = shop.poll("orders", backfill_from=BACK)
    (sale,) = sales([found])
    assert sale.total.decimal() == Decimal(made["order"]["total"])
    assert sum(line.gross.minor for line in sale.lines) + sale.rounding.minor == sale.total.minor
    assert abs(sale.rounding.minor) <= (100 if decimals == 0 else 2)
    stated = {line["rate_percent"]: Decimal(str(line["tax_total"])) + Decimal(str(line["shipping_tax_total"]))
              for line in found.payload["tax_lines"]}  # fmt: skip
    for rate, amount in stated.items():
        ours = sum(
            share.amount.decimal() for line in sale.lines for share in line.taxes if share.rate == Decimal(str(rate))
        )
        # whole kroner: the shop shows each sum rounded by itself
        assert abs(ours - amount) <= (Decimal(1) if decimals == 0 else Decimal("0.03")), (rate, ours, amount)
    for line in sale.lines:
        assert len(line.taxes) <= 1  # the fee over several rates has been taken apart


def test_carts_and_trash_and_deleted_orders() -> None:
    shop = Shop()
    kept, cart, trashed, erased = shop.order(), shop.order(status="checkout-draft"), shop.order(), shop.order()
    _, position = shop.poll("deletions")
    shop.do("edit_order", order_id=int(trashed), trash=True)
    shop.do("edit_order", order_id=int(erased), erase=True)
    found, _ = shop.poll("orders", backfill_from=BACK)
    assert [one.external_id for one in found] == [kept]
    answers = shop.reader.fetch("order", [cart, trashed, erased])
    assert [type(one) for one in answers] == [SourceObject, SourceObject, Absent]
    assert [one.state for one in sales([one for one in answers if isinstance(one, SourceObject)])] == [
        "draft",
        "canceled",
    ]
    shop.clock.advance(DAY)
    vanished, _ = shop.poll("deletions", position)
    assert [(one.external_id, GONE in one.payload) for one in vanished] == [(trashed, False), (erased, True)]


def test_a_shop_far_from_greenwich_hides_nothing() -> None:
    for zone in ("America/Los_Angeles", "Asia/Tokyo"):
        shop = Shop(store={"time_zone": zone})
        first = shop.order()
        _, position = shop.poll("orders", backfill_from=BACK)
        shop.clock.advance(60)
        second = shop.order()
        found, _ = shop.poll("orders", position)
        assert {one.external_id for one in found} == {first, second}
        assert sales(found)[-1].created_at == shop.clock.now()


def test_a_deleted_customer_leaves_orders_of_a_guest() -> None:
    shop = Shop()
    customer_id = shop.do("customer", first_name="Jon", last_name="Fjell", email="jon@fjell.example")["customer_id"]
    order_id = shop.order(customer_id=customer_id)
    (customer,), _ = shop.poll("customers")
    assert cast(Party, translate("customer", customer.payload)).email == "jon@fjell.example"
    shop.clock.advance(5)
    shop.do("delete_customer", customer_id=customer_id)
    (found,) = shop.reader.fetch("order", [order_id])
    assert isinstance(found, SourceObject)
    (sale,) = sales([found])
    assert (sale.customer_id, sale.guest) == (None, True)
    assert isinstance(shop.reader.fetch("customer", [str(customer_id)])[0], Absent)


def test_vat_numbers_come_by_the_shops_own_key() -> None:
    shop = Shop()
    shop.order(vat_number="SE123456789701", vat_key="min_moms", vat_exempt=True)
    reader = shop.fresh_reader(vat_number_keys="min_moms")
    (found,) = reader.page("orders", None, now=START, backfill_from=BACK).objects
    (sale,) = sales([found])
    assert sale.vat_exempt
    assert sale.buyer is not None
    assert (sale.buyer.vat_number, sale.buyer.is_company) == ("SE123456789701", True)


def test_the_shop_itself() -> None:
    (found,), _ = Shop().poll("shop")
    shop = cast(Location, translate("shop", found.payload))
    assert (shop.currency, shop.country, shop.time_zone) == ("SEK", "SE", "Europe/Stockholm")


# ---------------------------------------------------------------------------------------------- refunds


def test_refunds_with_lines_without_and_by_status() -> None:
    shop = Shop(store={"taxes": ["25", "12"]})
    lines = [{"price": "125.00", "quantity": 4}, {"price": "112.00", "tax": "12"}]
    first, second, third = (int(shop.order(lines=lines, shipping="40")) for _ in range(3))
    shop.clock.advance(5)
    shop.do("refund", order_id=first, lines=[{"index": 0, "quantity": 1}, {"index": 1}])
    shop.do("refund", order_id=second, amount="100.00")
    shop.do("refund", order_id=third, by_status=True)
    found, _ = shop.poll("refunds", backfill_from=BACK)
    refunds = {one.sale_id: one for one in (cast(Refund, translate("refund", one.payload)) for one in found)}
    with_lines = refunds[str(first)]
    assert with_lines.returned is not None
    assert with_lines.amount.minor == 12500 + 11200
    assert [(line.gross.minor, line.taxes[0].rate) for line in with_lines.returned.lines] == [
        (12500, Decimal(25)),
        (11200, Decimal(12)),
    ]
    by_amount, by_status = refunds[str(second)], refunds[str(third)]
    assert by_amount.amount.minor == 10000
    assert by_amount.returned is not None
    assert not by_amount.returned.itemized
    assert by_status.returned is not None
    assert not by_status.returned.itemized
    assert by_status.amount.minor == 12500 * 4 + 11200 + 5000


def test_a_refund_deleted_without_a_word_is_found() -> None:
    shop = Shop()
    order_id = int(shop.order())
    refund_id = shop.do("refund", order_id=order_id, amount="10.00")["refund_id"]
    _, position = shop.poll("deletions")
    shop.do("delete_refund", order_id=order_id, refund_id=refund_id)
    shop.clock.advance(DAY)
    (found,), _ = shop.poll("deletions", position)
    assert (found.kind, found.external_id, GONE in found.payload) == ("refund", f"{order_id}:{refund_id}", True)


# ---------------------------------------------------------------------------------------------- webhooks


def test_webhooks_are_registered_once_and_left_alone_afterwards() -> None:
    shop = Shop()
    first = watch(shop)
    assert len(first.changes) == len(SUBSCRIBED)
    pings = shop.deliveries()
    for one in pings:
        WEBHOOKS.verify(one.body, headers_of(one), url=URL, keys=(), now=START)
        assert WEBHOOKS.read(one.body, headers_of(one))[0].ignored
    assert len(pings) == len(SUBSCRIBED)
    before = sum(shop.calls.values())
    assert watch(shop) == Subscribed((), first.signature_key)
    assert sum(shop.calls.values()) == before + 1


def test_an_order_rings_the_door_and_is_fetched_as_it_then_stands() -> None:
    shop = Shop()
    key = watch(shop).signature_key
    shop.deliveries()
    order_id = shop.order()
    shop.do("refund", order_id=int(order_id), amount="10.00")
    named = set()
    for one in shop.deliveries():
        WEBHOOKS.verify(one.body, headers_of(one), url=URL, keys=(key,), now=START)
        for told in WEBHOOKS.read(one.body, headers_of(one)):
            assert told.event_id is None
            assert told.account_ref == shop.base
            named.add((told.kind or "", told.external_id or ""))
        shop.answered(one, 200)
    assert ("order", order_id) in named
    (refund,) = [id_ for kind, id_ in named if kind == "refund"]
    for kind, id_ in named:
        assert isinstance(shop.reader.fetch(kind, [id_])[0], SourceObject)
    assert refund.startswith(f"{order_id}:")


def test_a_webhook_that_the_shop_has_disabled_is_made_anew_with_a_fresh_counter() -> None:
    shop = Shop(knobs={"job_delay_s": 1.0})
    watch(shop)
    shop.deliveries()
    for _ in range(8):
        shop.order(via="rest-api")
        for one in shop.deliveries():
            shop.answered(one, 500)
    changes = watch(shop).changes
    assert any("disabled" in change and "polling" in change for change in changes)
    health = shop.do("webhook_health")
    assert {one["status"] for one in health} == {"active"}
    assert len(health) == len(SUBSCRIBED)
    shop.deliveries()
    assert watch(shop).changes == ()


@pytest.mark.parametrize("fault", ["its secret was changed", "its user was demoted"])
def test_a_webhook_that_rings_in_vain_is_given_up_by_the_shop_and_made_anew(fault: str) -> None:
    shop = Shop(knobs={"job_delay_s": 1.0})
    owner = shop.do("key", role="administrator")
    first = shop.credentials
    shop.credentials = {name: owner[name] for name in ("consumer_key", "consumer_secret")}
    watch(shop)
    shop.deliveries()
    client = WooClient(shop.http, Key.of(shop.credentials), clock=shop.clock)
    if fault == "its secret was changed":
        for row in client.rows("/webhooks", {"per_page": "100"}):
            client.change("PUT", f"/webhooks/{row['id']}", {"secret": "theirs"})
    else:
        shop.credentials = first
        watch(shop)  # a new key: its secret is set, the webhook's user stays
        shop.do("role", user_id=owner["user_id"], role="customer")
    key = subscriptions.secret_for(Key.of(shop.credentials), URL)

    def taken(one: Delivery) -> str | None:
        WEBHOOKS.verify(one.body, headers_of(one), url=URL, keys=(key,), now=START)
        return WEBHOOKS.read(one.body, headers_of(one))[0].kind

    for _ in range(8):
        shop.order(via="rest-api")
        for one in shop.deliveries():
            with pytest.raises((BadSignature, Untranslatable)):
                taken(one)
            shop.answered(one, 401)
    assert any("made anew" in change for change in watch(shop).changes)
    shop.deliveries()
    shop.order(via="rest-api")
    assert taken(shop.deliveries()[0]) == "order"


def test_an_address_at_a_port_that_wordpress_never_calls_is_told_before_it_is_registered() -> None:
    shop = Shop()
    with pytest.raises(Rejected, match="No shop rings port 8443"):
        subscriptions.watch(shop.http, Key.of(shop.credentials), "https://us.example:8443/hooks/x", clock=shop.clock)
    assert not shop.calls


def test_paused_doubled_and_foreign_webhooks() -> None:
    shop = Shop()
    watch(shop)
    client = WooClient(shop.http, Key.of(shop.credentials), clock=shop.clock)
    rows = client.rows("/webhooks", {"per_page": "100", "orderby": "id", "order": "asc"})
    client.change("PUT", f"/webhooks/{rows[0]['id']}", {"status": "paused"})
    client.change("POST", "/webhooks", {"name": "x", "topic": rows[1]["topic"], "delivery_url": URL, "secret": "s"})
    client.change("POST", "/webhooks", {"name": "x", "topic": "Order.Updated", "delivery_url": URL, "secret": "s"})
    other = {"name": "theirs", "topic": "order.updated", "delivery_url": "https://other.example/x", "secret": "s"}
    client.change("POST", "/webhooks", other)
    told = " ".join(watch(shop).changes)
    assert "paused" in told
    assert "second" in told
    assert "(none)" in told
    left = client.rows("/webhooks", {"per_page": "100"})
    assert len([row for row in left if row["delivery_url"] == URL]) == len(SUBSCRIBED)
    assert len(left) == len(SUBSCRIBED) + 1


def test_a_new_key_signs_with_a_new_secret_from_then_on() -> None:
    shop = Shop()
    before = watch(shop).signature_key
    made = shop.do("key")
    shop.credentials = {"consumer_key": made["consumer_key"], "consumer_secret": made["consumer_secret"]}
    after = watch(shop)
    assert after.signature_key != before
    assert len(after.changes) == len(SUBSCRIBED)
    shop.deliveries()
    shop.order()
    one = shop.deliveries()[0]
    WEBHOOKS.verify(one.body, headers_of(one), url=URL, keys=(after.signature_key,), now=START)


def test_a_key_that_may_only_read_leaves_webhooks_alone_and_reading_goes_on() -> None:
    shop = Shop()
    shop.credentials = {"consumer_key": shop.facts["read_key"], "consumer_secret": shop.facts["read_secret"]}
    assert subscriptions.watch(shop.http, Key.of(shop.credentials), URL, clock=shop.clock) is None
    shop.order()
    assert len(shop.poll("orders", backfill_from=BACK)[0]) == 1


def test_a_dead_key_is_told_when_webhooks_are_watched() -> None:
    shop = Shop()
    shop.do("key", revoke=shop.credentials["consumer_key"])
    with pytest.raises(NotAuthorized):
        watch(shop)


# ---------------------------------------------------------------------------------------------- articles


def test_articles_are_read_by_the_product_that_order_lines_name_a_hundred_in_a_call() -> None:
    shop = Shop()
    product = shop.facts["products"]["25"]
    shop.do("categories", product_id=product, names=["Mat & drikke", "Kaffe"])
    order = shop.do("order", lines=[{"price": "125.00", "tax": "25", "product_id": product}])["order"]
    (sale,) = sales([one for one in shop.reader.fetch("order", [str(order["id"])]) if isinstance(one, SourceObject)])
    assert sale.lines[0].listed == str(product)
    before = sum(shop.calls.values())
    found = shop.reader.fetch("article", [str(product), "999999"])
    assert sum(shop.calls.values()) == before + 1
    made = [cast(Article, translate("article", one.payload)) for one in found if isinstance(one, SourceObject)]
    assert [(one.id, one.state, one.categories) for one in made] == [
        (str(product), "known", ("Mat & drikke", "Kaffe")), ("999999", "unknown", ()),
    ]  # fmt: skip


def test_articles_that_we_hold_are_read_again_and_one_that_is_gone_stays_as_it_was() -> None:
    shop = Shop()
    product = str(shop.facts["products"]["25"])
    page = shop.reader.page("articles", None, now=START)
    assert (page.objects, page.more, sum(shop.calls.values())) == ((), False, 0)
    shop.reader.compare_with(lambda kind, _since: [product, *map(str, range(900_000, 900_301))] if kind else [])
    first = shop.reader.page("articles", None, now=START)
    assert ([one.external_id for one in first.objects], first.more) == ([product], True)
    last = shop.reader.page("articles", first.position, now=START)
    assert (last.objects, last.more) == ((), False)


def test_products_that_the_key_may_not_read_are_told_as_hidden() -> None:
    shop = Shop()
    shop.do("role", user_id=shop.facts["owner_id"], role="customer")
    (one,) = shop.reader.fetch("article", ["1"])
    assert isinstance(one, SourceObject)
    assert cast(Article, translate("article", one.payload)).state == "hidden"
