"""Lists, pages, dates and amounts of a pretend WooCommerce shop."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.sandbox.woocommerce_shop import Shop


@pytest.fixture
def shop() -> Shop:
    return Shop(seeded={"time_zone": "Europe/Oslo", "currency": "NOK", "country": "NO"})


def ids(rows: Any) -> list[int]:
    return [row["id"] for row in rows]


def test_pages_tell_totals_and_links_until_a_proxy_strips_them(shop: Shop) -> None:
    for _ in range(5):
        shop.order()
        shop.wait(minutes=1)
    shop.get("/orders", per_page=2, page=2)
    assert (shop.header("X-WP-Total"), shop.header("X-WP-TotalPages")) == ("5", "3")
    links = str(shop.header("Link"))
    assert 'rel="prev"' in links
    assert 'rel="next"' in links
    assert "consumer" not in links
    shop.do("knobs", paging_headers=False)
    shop.get("/orders", per_page=2, page=2)
    assert shop.header("X-WP-Total") is None


@pytest.mark.parametrize(("hpos", "total"), [(True, "0"), (False, "1")])
def test_past_the_end_is_empty_and_its_totals_depend_on_storage(shop: Shop, hpos: bool, total: str) -> None:
    shop.order()
    shop.do("knobs", hpos=hpos)
    assert shop.get("/orders", page=7) == []
    assert shop.header("X-WP-Total") == total


@pytest.mark.parametrize(
    ("name", "value"),
    [("per_page", "101"), ("per_page", "0"), ("page", "0"), ("orderby", "total"), ("status", "wc-completed"),
     ("status", "shipped"), ("after", "2026-01-05"), ("after", "yesterday"), ("order", "up")],
)  # fmt: skip
def test_a_wrong_parameter_is_named(shop: Shop, name: str, value: str) -> None:
    status, body = shop.call("GET", "/orders", **{name: value})
    assert (status, body["code"]) == (400, "rest_invalid_param")
    assert name in body["data"]["params"]


def test_an_unknown_parameter_returns_everything(shop: Shop) -> None:
    shop.order()
    assert len(shop.get("/orders", number="nope", customer_email="x@example.test")) == 1
    shop.do("customer", email="a@example.test")
    assert len(shop.get("/customers", modified_after="2030-01-01T00:00:00")) == 1


def test_date_filters_are_strict_and_local_unless_told(shop: Shop) -> None:
    order = shop.order()
    assert order["date_created"] == "2026-01-05T09:12:44"
    assert order["date_created_gmt"] == "2026-01-05T08:12:44"
    assert shop.get("/orders", after="2026-01-05T09:12:44") == []
    assert len(shop.get("/orders", after="2026-01-05T09:12:43")) == 1
    assert shop.get("/orders", before="2026-01-05T09:12:44") == []
    assert shop.get("/orders", modified_after="2026-01-05T08:12:44", dates_are_gmt="true") == []
    assert len(shop.get("/orders", modified_after="2026-01-05T08:12:43", dates_are_gmt="true")) == 1
    assert len(shop.get("/orders", modified_after="2026-01-05T08:12:43Z")) == 1


def test_a_z_together_with_dates_are_gmt_is_wrong_by_the_zone(shop: Shop) -> None:
    shop.order()
    asked = "2026-01-05T08:00:00Z"
    assert len(shop.get("/orders", modified_after=asked)) == 1
    assert shop.get("/orders", modified_after=asked, dates_are_gmt="true") == []
    assert len(shop.get("/orders", modified_after="2026-01-05T07:12:43Z", dates_are_gmt="true")) == 1


def test_a_very_old_shop_ignores_dates_are_gmt(shop: Shop) -> None:
    shop.order()
    shop.do("knobs", knows_dates_are_gmt=False)
    assert len(shop.get("/orders", before="2026-01-05T09:12:45", dates_are_gmt="true")) == 1
    assert shop.get("/orders", before="2026-01-05T08:12:45", dates_are_gmt="true") == []


def test_any_shows_drafts_by_knob_and_never_the_bin(shop: Shop) -> None:
    draft, binned = shop.order(status="checkout-draft"), shop.order()
    shop.do("edit_order", order_id=binned["id"], trash=True)
    assert ids(shop.get("/orders")) == [draft["id"]]
    assert ids(shop.get("/orders", status="any,trash")) == [draft["id"]]
    assert ids(shop.get("/orders", status="trash")) == [binned["id"]]
    shop.do("knobs", drafts_in_default_list=False)
    assert shop.get("/orders") == []
    assert shop.get(f"/orders/{binned['id']}")["status"] == "trash"


def test_statuses_of_plugins_can_be_asked_for(shop: Shop) -> None:
    other = Shop(seeded={"statuses": {"shipped": "Shipped"}})
    order = other.order(status="shipped")
    assert ids(other.get("/orders", status="shipped")) == [order["id"]]
    assert {"slug": "shipped", "name": "Shipped"} in other.get("/orders/statuses")


def test_all_amounts_are_text_but_a_line_price_is_a_number(shop: Shop) -> None:
    shop.order(lines=[{"price": "499.00", "quantity": 3, "tax": "25", "name": "Lue & votter"}], shipping="79.20")
    shop.get("/orders")
    row = json.loads(shop.last.body, parse_float=Decimal)[0]
    line = row["line_items"][0]
    assert (row["total"], row["total_tax"], row["shipping_total"]) == ("1596.00", "319.20", "79.20")
    assert isinstance(line["price"], Decimal)
    assert line["name"] == "Lue &amp; votter"
    assert (line["total"], line["total_tax"]) == ("1197.60", "299.40")
    assert row["shipping_lines"][0]["taxes"] == [{"id": 1, "total": "19.8", "subtotal": ""}]
    assert row["tax_lines"][0]["rate_percent"] == 25
    assert b"\\/wp-json\\/" in shop.last.body


def test_dp_shows_the_figures_below_whole_kroner() -> None:
    shop = Shop(seeded={"decimals": 0, "prices_include_tax": False})
    shop.order(lines=[{"price": "23.98", "tax": "25"}])
    assert shop.get("/orders")[0]["line_items"][0]["total"] == "24"
    fine = shop.get("/orders", dp=2)[0]
    assert (fine["line_items"][0]["total"], fine["line_items"][0]["total_tax"]) == ("23.98", "6.00")
    assert fine["total"] == "30.00"


def test_rounding_at_subtotal_level_lets_tax_lines_differ_from_the_total() -> None:
    shop = Shop(seeded={"round_at_subtotal": True, "prices_include_tax": False})
    order = shop.order(lines=[{"price": "22.69", "tax": "25"}, {"price": "141.20", "tax": "12"}])
    assert order["total_tax"] == "22.62"
    assert [line["tax_total"] for line in order["tax_lines"]] == ["5.67", "16.94"]


def test_totals_are_the_sum_of_their_parts(shop: Shop) -> None:
    order = shop.order(
        lines=[{"price": "49.90", "quantity": 3, "tax": "12"}, {"price": "12.34", "tax": "25"}],
        shipping="49.00", fees=[{"amount": "-20.00"}, {"amount": "29.00"}], coupons=[{"code": "TI", "amount": "10"}],
    )  # fmt: skip
    parts = [*order["line_items"], *order["shipping_lines"], *order["fee_lines"]]
    assert Decimal(order["total"]) == sum(Decimal(p["total"]) + Decimal(p["total_tax"]) for p in parts)
    assert Decimal(order["total_tax"]) == Decimal(order["cart_tax"]) + Decimal(order["shipping_tax"])
    assert len(order["fee_lines"][0]["taxes"]) == 2  # a negative fee takes off tax at both rates
    assert order["fee_lines"][0]["amount"] == ""
    assert order["coupon_lines"][0]["nominal_amount"] == 10


def test_a_buyer_abroad_pays_the_net_of_a_price_typed_with_tax(shop: Shop) -> None:
    order = shop.order(lines=[{"price": "125.00", "tax": "25"}], country="DE")
    assert (order["total"], order["line_items"][0]["taxes"], order["tax_lines"]) == ("100.00", [], [])
    shop.do("tax_rate", percent="19", country="DE")
    taxed = shop.order(lines=[{"price": "125.00", "tax": "25"}], country="DE")
    assert (taxed["total"], taxed["total_tax"]) == ("119.00", "19.00")
    assert shop.order(lines=[{"price": "125.00", "tax": "25"}], vat_exempt=True)["total"] == "100.00"


def test_another_currency_keeps_the_decimals_of_the_shop(shop: Shop) -> None:
    assert shop.order(currency="JPY", lines=[{"price": "1000", "tax": "25"}])["total"] == "1000.00"


def test_fields_trim_the_answer_and_head_has_no_body(shop: Shop) -> None:
    shop.order()
    assert shop.get("/orders", _fields="id,total").pop().keys() == {"id", "total"}
    assert shop.call("HEAD", "/orders")[0] == 200
    assert (shop.last.body, shop.header("X-WP-Total")) == (b"", "1")


def test_meta_can_be_picked(shop: Shop) -> None:
    shop.order(meta={"_stripe_fee": "9.85"})
    assert [m["key"] for m in shop.get("/orders", include_meta="_stripe_fee")[0]["meta_data"]] == ["_stripe_fee"]


def test_what_is_not_an_order_is_not_found(shop: Shop) -> None:
    product = shop.facts["products"]["25"]
    for number in (product, 9999):
        assert shop.refused("GET", f"/orders/{number}") == (404, "woocommerce_rest_shop_order_invalid_id")
    assert shop.refused("GET", "/orders/abc") == (404, "rest_no_route")
    assert shop.refused("GET", "/customers/99") == (404, "wc_user_invalid_id")


def test_customers_are_buyers_only_unless_asked(shop: Shop) -> None:
    made = shop.do("customer", email="A@example.test", billing={"company": "Fjell AS"})["customer"]
    assert ids(shop.get("/customers", email="a@EXAMPLE.test")) == [made["id"]]
    assert made["date_modified_gmt"] is None
    assert len(shop.get("/customers", role="all")) == 2


def test_the_standard_class_has_two_names(shop: Shop) -> None:
    assert [t["class"] for t in shop.get("/taxes")] == ["standard", "reduced-rate"]
    assert shop.get("/taxes")[0]["rate"] == "25.0000"
    assert shop.order()["line_items"][0]["tax_class"] == ""


def test_bulk_orders_mix_with_real_ones_in_every_order(shop: Shop) -> None:
    shop.order(at="2026-01-04T12:00:00Z")
    made = shop.do("bulk", n=250, taxes=["25", "12"])
    latest = shop.order()
    for orderby, order in (("date", "desc"), ("modified", "asc"), ("id", "asc")):
        seen = [
            o for page in (1, 2, 3) for o in shop.get("/orders", per_page=100, page=page, orderby=orderby, order=order)
        ]
        assert len({o["id"] for o in seen}) == 252
        assert shop.header("X-WP-Total") == "252"
        field = {"date": "date_created_gmt", "modified": "date_modified_gmt", "id": "id"}[orderby]
        values = [o[field] for o in seen]
        assert values == sorted(values, reverse=order == "desc")
    number = made["first_order_id"] + 7
    changed = shop.put(f"/orders/{number}", {"status": "completed"})
    assert changed["status"] == "completed"
    assert shop.get(f"/orders/{number}")["date_completed_gmt"] is not None
    assert ids(shop.get("/orders", modified_after="2026-01-05T08:12:43", dates_are_gmt="true")) in (
        [latest["id"], number],
        [number, latest["id"]],
    )
    shop.get("/orders", per_page=1)
    assert shop.header("X-WP-Total") == "252"


def walked(shop: Shop, **query: Any) -> list[Any]:
    """Every page of a list of orders."""
    rows: list[Any] = []
    page = 1
    while found := shop.get("/orders", per_page=100, page=page, **query):
        rows += found
        page += 1
    return rows


@pytest.mark.parametrize("blocks", [1, 2])
@pytest.mark.parametrize(("orderby", "order"), [("date", "desc"), ("modified", "asc"), ("id", "desc"), ("id", "asc")])
def test_dense_blocks_and_own_orders_are_each_listed_once(shop: Shop, blocks: int, orderby: str, order: str) -> None:
    shop.do("bulk", n=60, start="2026-01-05T08:00:00Z", end="2026-01-05T08:00:05Z")  # twelve a second
    for second in range(6):
        shop.order(at=f"2026-01-05T08:00:0{second}Z")
    if blocks == 2:
        shop.do("bulk", n=50, start="2026-01-05T08:00:02Z", end="2026-01-05T08:00:30Z")
    rows = walked(shop, orderby=orderby, order=order)
    assert len({row["id"] for row in rows}) == len(rows) == (66 if blocks == 1 else 116)
    field = {"date": "date_created_gmt", "modified": "date_modified_gmt", "id": "id"}[orderby]
    assert [r[field] for r in rows] == sorted((r[field] for r in rows), reverse=order == "desc")
    for bound in ("2026-01-05T08:00:01", "2026-01-05T08:00:04"):
        after = walked(shop, modified_after=bound, dates_are_gmt="true")
        assert {r["id"] for r in after} == {r["id"] for r in rows if r["date_modified_gmt"] > bound}
        before = walked(shop, before=bound, dates_are_gmt="true")
        assert {r["id"] for r in before} == {r["id"] for r in rows if r["date_created_gmt"] < bound}


def test_filters_reach_into_blocks(shop: Shop) -> None:
    buyers = [shop.do("customer")["customer_id"] for _ in range(2)]
    first = shop.do("bulk", n=10, customers=buyers)["first_order_id"]
    assert ids(shop.get("/orders", customer=buyers[1], orderby="id", order="asc")) == [
        first + k for k in range(1, 10, 2)
    ]
    assert shop.get("/orders", customer=0) == []
    assert ids(shop.get("/orders", include=f"{first + 3}")) == [first + 3]
    assert len(shop.get("/orders", exclude=f"{first + 3}")) == 9
    assert ids(shop.get("/orders", search="kunde 4")) == [first + 4]
    assert shop.get("/orders", status="completed") == []
