"""Orders, refunds and customers of a pretend WooCommerce shop as they change."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from ml_connector_sandbox.woocommerce import WooCommerce
from tests.sandbox.woocommerce_shop import Shop

PAIR: Any = [{"price": "249.90", "quantity": 2, "tax": "25"}, {"price": "49.90", "tax": "12"}]


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_an_order_made_over_rest_is_priced_by_the_shop(shop: Shop) -> None:
    made = shop.post("/orders", {"line_items": [{"product_id": shop.facts["products"]["25"], "quantity": 2}]})
    assert (made["status"], made["total"], made["total_tax"]) == ("pending", "499.80", "99.96")
    assert (made["date_paid"], made["needs_payment"], made["created_via"]) == (None, True, "rest-api")
    paid = shop.put(f"/orders/{made['id']}", {"set_paid": True, "transaction_id": "ch_1"})
    assert (paid["status"], paid["transaction_id"]) == ("processing", "ch_1")
    assert paid["date_paid_gmt"] == "2026-01-05T08:12:44"


def test_amounts_sent_as_numbers_are_refused(shop: Shop) -> None:
    body = {"line_items": [{"product_id": 1, "total": 12.5}]}
    assert shop.refused("POST", "/orders", body) == (400, "rest_invalid_param")


def test_a_product_nobody_knows_gives_an_empty_line(shop: Shop) -> None:
    made = shop.post("/orders", {"line_items": [{"product_id": 99999, "quantity": 1}]})
    assert (made["line_items"][0]["total"], made["line_items"][0]["sku"]) == ("0.00", None)
    assert shop.refused("POST", "/orders", {"line_items": [{"quantity": 1}]})[1] == (
        "woocommerce_rest_required_product_reference"
    )


def test_a_coupon_nobody_knows_leaves_a_draft_behind(shop: Shop) -> None:
    status, body = shop.call("POST", "/orders", {"coupon_lines": [{"code": "none"}]})
    assert (status, body["code"]) == (400, "woocommerce_rest_invalid_coupon")
    assert shop.get(f"/orders/{body['data']['new_draft_order_id']}")["status"] == "auto-draft"
    assert shop.get("/orders") == []


def test_a_coupon_takes_off_its_share_over_rest(shop: Shop) -> None:
    shop.post("/coupons", {"code": "TIO", "amount": "10", "discount_type": "percent"})
    line = {"product_id": shop.facts["products"]["25"], "quantity": 2}
    made = shop.post("/orders", {"line_items": [line], "coupon_lines": [{"code": "tio"}]})
    assert (made["total"], made["discount_total"], made["discount_tax"]) == ("449.82", "39.98", "10.00")


def test_lines_can_be_edited_added_and_taken_away(shop: Shop) -> None:
    order = shop.order(lines=PAIR)
    first, second = order["line_items"]
    changed = shop.put(
        f"/orders/{order['id']}",
        {"line_items": [{"id": first["id"], "total": "80.00"}, {"id": second["id"], "quantity": 0}],
         "fee_lines": [{"name": "Frakttillegg", "total": "10.00"}]},
    )  # fmt: skip
    assert changed["total"] == "112.50"
    assert len(changed["line_items"]) == 1
    assert shop.refused("PUT", f"/orders/{order['id']}", {"line_items": [{"id": 99999, "total": "1"}]})[0] == 400


def test_a_paid_date_is_no_proof_of_money(shop: Shop) -> None:
    order = shop.order(gateway="bacs")
    assert (order["status"], order["date_paid"]) == ("on-hold", None)
    moved = shop.put(f"/orders/{order['id']}", {"status": "completed"})
    assert moved["date_paid"] is not None
    assert moved["transaction_id"] == ""
    assert shop.put(f"/orders/{order['id']}", {"status": "pending"})["date_paid"] is not None


def test_put_has_three_disguises(shop: Shop) -> None:
    order = shop.order()
    path = f"/orders/{order['id']}"
    assert shop.post(path, {"customer_note": "a"})["customer_note"] == "a"
    assert shop.call("PATCH", path, {"customer_note": "b"})[1]["customer_note"] == "b"
    assert shop.call("POST", path, {"customer_note": "c"}, _method="PUT")[1]["customer_note"] == "c"


def test_a_refund_by_lines_is_negative_and_names_its_lines(shop: Shop) -> None:
    order = shop.order(lines=PAIR)
    refund = shop.do("refund", order_id=order["id"], lines=[{"index": 0, "quantity": 1}])["refund"]
    line = refund["line_items"][0]
    assert (refund["amount"], line["quantity"], line["total"], line["total_tax"]) == ("249.90", -1, "-199.92", "-49.98")
    assert line["meta_data"][0]["value"] == str(order["line_items"][0]["id"])
    now = shop.get(f"/orders/{order['id']}")
    assert (now["status"], now["total"]) == ("processing", order["total"])
    assert now["refunds"] == [{"id": refund["id"], "reason": "", "total": "-249.90"}]


def test_refunding_the_rest_moves_the_order_to_refunded(shop: Shop) -> None:
    order = shop.order(lines=PAIR, shipping="79.20", fees=[{"amount": "-20.00"}])
    shop.do("refund", order_id=order["id"], lines=[{"index": 0, "quantity": 1}])
    rest = shop.do("refund", order_id=order["id"])["refund"]
    parts = [*rest["line_items"], *rest["shipping_lines"], *rest["fee_lines"]]
    assert -sum(Decimal(p["total"]) + Decimal(p["total_tax"]) for p in parts) == Decimal(rest["amount"])
    now = shop.get(f"/orders/{order['id']}")
    assert now["status"] == "refunded"
    assert sum(Decimal(r["total"]) for r in now["refunds"]) == -Decimal(order["total"])


def test_refunds_without_lines_come_in_three_ways(shop: Shop) -> None:
    amount, status, quantity = (shop.order(lines=PAIR)["id"] for _ in range(3))
    only = shop.do("refund", order_id=amount, amount="40.00")["refund"]
    assert (only["amount"], only["line_items"], only["tax_lines"]) == ("40.00", [], [])
    whole = shop.do("refund", order_id=status, by_status=True)["refund"]
    assert (whole["amount"], whole["line_items"]) == ("549.70", [])
    assert {"key": "_refund_type", "value": "full"}.items() <= whole["meta_data"][0].items()
    line = shop.get(f"/orders/{quantity}")["line_items"][0]["id"]
    blank = shop.post(f"/orders/{quantity}/refunds", {"line_items": [{"id": line, "quantity": 1}], "api_refund": False})
    assert (blank["amount"], blank["line_items"][0]["total"]) == ("", "0.00")


def test_refunds_refuse_with_500_and_a_bare_number(shop: Shop) -> None:
    order, other = shop.order(), shop.order()
    path = f"/orders/{order['id']}/refunds"
    status, body = shop.call("POST", path, {"amount": "9999.00", "api_refund": False})
    assert (status, body["code"], body["data"]) == (500, "woocommerce_rest_cannot_create_order_refund", 500)
    status, body = shop.call("POST", path, {"amount": "-1.00", "api_refund": False})
    assert (status, body["code"], body["data"]) == (500, "woocommerce_rest_invalid_order_refund", 400)
    refund = shop.do("refund", order_id=other["id"], amount="1.00")
    status, body = shop.call("GET", f"{path}/{refund['refund_id']}")
    assert (status, body["code"], body["data"]) == (500, "woocommerce_rest_invalid_order_refund_id", 404)
    cash = shop.order(gateway="cod")
    assert shop.refused("POST", f"/orders/{cash['id']}/refunds", {"amount": "1.00"})[0] == 500
    assert shop.get("/orders/99999/refunds") == []
    assert shop.refused("POST", path, {"amount": 1})[1] == "rest_invalid_param"


def test_the_feed_of_refunds_names_the_order_and_filters_by_time(shop: Shop) -> None:
    order = shop.order()
    refund = shop.do("refund", order_id=order["id"], amount="1.00")["refund"]
    shop.wait(hours=1)
    later = shop.do("refund", order_id=order["id"], amount="2.00")["refund"]
    rows = shop.get("/refunds", modified_after=refund["date_created_gmt"], dates_are_gmt="true")
    assert [(r["id"], r["parent_id"]) for r in rows] == [(later["id"], order["id"])]
    assert shop.get("/refunds", orderby="id", order="asc")[0]["id"] == refund["id"]


def test_deleting_a_refund_leaves_no_trace_but_its_absence(shop: Shop) -> None:
    order = shop.order()
    refund = shop.do("refund", order_id=order["id"])
    before = shop.get(f"/orders/{order['id']}")
    shop.wait(hours=1)
    assert shop.call("DELETE", f"/orders/{order['id']}/refunds/{refund['refund_id']}", force="true")[0] == 200
    after = shop.get(f"/orders/{order['id']}")
    assert (after["status"], after["date_modified"], after["refunds"]) == ("refunded", before["date_modified"], [])


def test_the_bin_keeps_and_force_forgets(shop: Shop) -> None:
    kept, gone = shop.order()["id"], shop.order()["id"]
    assert shop.call("DELETE", f"/orders/{kept}")[0] == 200
    assert shop.refused("DELETE", f"/orders/{kept}") == (410, "woocommerce_rest_already_trashed")
    assert shop.put(f"/orders/{kept}", {"status": "processing"})["status"] == "processing"
    assert shop.call("DELETE", f"/orders/{gone}", force="true")[0] == 200
    assert shop.refused("GET", f"/orders/{gone}")[0] == 404


def test_a_batch_tells_each_failure_in_its_place(shop: Shop) -> None:
    order = shop.order()
    done = shop.post(
        "/orders/batch", {"update": [{"id": order["id"], "status": "completed"}, {"id": 9}], "delete": [8]}
    )
    assert done["update"][0]["status"] == "completed"
    assert done["update"][1]["error"]["code"] == "woocommerce_rest_shop_order_invalid_id"
    assert done["delete"][0]["error"]["data"] == {"status": 404}
    assert shop.refused("POST", "/orders/batch", {"create": [{}] * 101}) == (
        413, "woocommerce_rest_request_entity_too_large",
    )  # fmt: skip


def test_a_deleted_product_leaves_name_and_amounts(shop: Shop) -> None:
    product = shop.facts["products"]["25"]
    order = shop.order(lines=[{"product_id": product}])
    shop.call("DELETE", f"/products/{product}", force="true")
    line = shop.get(f"/orders/{order['id']}")["line_items"][0]
    assert (line["product_id"], line["sku"], line["total"]) == (0, None, "199.92")


def test_a_deleted_customer_leaves_guests_behind(shop: Shop) -> None:
    buyer = shop.do("customer", email="b@example.test")["customer_id"]
    order = shop.order(customer_id=buyer)
    shop.wait(hours=1)
    shop.do("delete_customer", customer_id=buyer)
    now = shop.get(f"/orders/{order['id']}")
    assert (now["customer_id"], now["date_modified_gmt"]) == (0, "2026-01-05T09:12:44")


def test_customers_are_told_apart_by_e_mail(shop: Shop) -> None:
    shop.post("/customers", {"email": "c@example.test"})
    assert shop.refused("POST", "/customers", {"email": "C@example.test"}) == (400, "registration-error-email-exists")
    assert shop.refused("POST", "/customers", {}) == (400, "rest_missing_callback_param")
    assert shop.refused("DELETE", "/customers/2") == (501, "woocommerce_rest_trash_not_supported")


def test_notes_are_quiet(shop: Shop) -> None:
    order = shop.order()
    shop.wait(hours=1)
    note = shop.post(f"/orders/{order['id']}/notes", {"note": "Verifikat A 17"})
    assert shop.get(f"/orders/{order['id']}/notes/{note['id']}")["note"] == "Verifikat A 17"
    assert shop.get(f"/orders/{order['id']}")["date_modified"] == order["date_modified"]


def test_settings_and_rates_can_be_changed_and_orders_remember(shop: Shop) -> None:
    order = shop.order()
    rate = shop.get("/taxes")[0]["id"]
    assert shop.call("DELETE", f"/taxes/{rate}", force="true")[0] == 200
    assert shop.get(f"/orders/{order['id']}")["tax_lines"][0]["rate_percent"] == 25
    assert shop.refused("PUT", "/settings/general/woocommerce_currency", {"value": "XXX"})[0] == 400
    assert shop.put("/settings/general/woocommerce_currency", {"value": "EUR"})["value"] == "EUR"
    assert shop.get("/data/currencies/current")["code"] == "EUR"
    assert shop.refused("GET", "/settings/nothing")[0] == 404
    assert shop.get("/system_status")["settings"]["HPOS_enabled"] is True


@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_played_day_adds_up_to_what_its_script_says(inclusive: bool, seed: int) -> None:
    shop = Shop(seeded={"prices_include_tax": inclusive})
    played = shop.do("play_day", date="2026-01-04", seed=seed, foreign="EUR", orders=60)
    assert shop.do("truth", day="2026-01-04")["days"] == played["expected"]
    assert played["refunds"] == 4
    states = shop.do("truth")["statuses"]
    assert {"cancelled", "failed", "on-hold", "refunded", "processing", "checkout-draft"} <= states.keys()


def test_a_day_ahead_unfolds_as_time_is_told() -> None:
    shop = Shop()
    played = shop.do("play_day", date="2026-01-06", orders=30)
    assert shop.get("/orders") == []
    shop.now = datetime(2026, 1, 6, 12, tzinfo=UTC)
    part = shop.get("/orders", per_page=100)
    assert 0 < len(part) < 30
    shop.now = datetime(2026, 1, 7, tzinfo=UTC)
    assert shop.do("truth")["days"] == played["expected"]
    assert all(order["date_created_gmt"].startswith("2026-01-06") for order in shop.get("/orders", per_page=100))


def test_the_same_seed_gives_the_same_shop() -> None:
    made = []
    for _ in range(2):
        shop = Shop(woo=WooCommerce(seed=5))
        shop.do("play_day", date="2026-01-04", seed=9)
        made.append(shop.get("/orders", per_page=100))
    assert made[0] == made[1]


def test_nonsense_is_refused_in_words(shop: Shop) -> None:
    for verb, arguments in (
        ("order", {"lines": [{"price": "1", "tax": "6"}]}),
        ("order", {"at": "2030-01-01T00:00:00Z"}),
        ("order", {"customer_id": 77}),
        ("knobs", {"nothing": 1}),
        ("knobs", {"permalinks": "odd"}),
        ("play_day", {"date": "2026-01-04", "orders": 1}),
        ("refund", {"order_id": 1}),
        ("bulk", {"n": 0}),
        ("dance", {}),
    ):
        with pytest.raises(ValueError, match=r"\w{4}"):
            shop.do(verb, **arguments)
    assert shop.get("/orders") == []
