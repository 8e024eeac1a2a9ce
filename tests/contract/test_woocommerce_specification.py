"""What the pretend shop says and takes is what a real shop described: every answer, every parameter."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

from ml_connector_sandbox.woocommerce.routes import ROUTES as ENDPOINTS
from ml_connector_sandbox.woocommerce.webhooks import shown
from tests.contract.woocommerce_schemas import ITEMS, OPTIONS, ROUTES, Specification
from tests.sandbox.woocommerce_shop import Shop

pytestmark = pytest.mark.skipif(
    not (ROUTES.exists() and OPTIONS.exists()), reason=f"no WooCommerce specification at {ROUTES.parent}"
)
# List filters of the real shop that this one ignores, as it ignores whatever it does not know.
IGNORED = {
    "/products": {
        "attribute", "attribute_term", "brand", "category", "downloadable", "exclude_meta", "exclude_status",
        "exclude_types", "featured", "include_meta", "include_status", "include_types", "max_price", "min_price",
        "on_sale", "parent", "parent_exclude", "pos_products_only", "search_fields", "search_name_or_sku",
        "search_sku", "shipping_class", "slug", "stock_status", "tag", "tax_class", "type", "virtual",
    },
    "/products/{product_id}/variations": {
        "attributes", "downloadable", "exclude_meta", "exclude_status", "has_price", "include_meta",
        "include_status", "max_price", "min_price", "on_sale", "parent", "parent_exclude", "pos_products_only",
        "slug", "stock_status", "tax_class", "virtual",
    },
    "/data/currencies/{currency}": {"location"},
    "/settings/{group}": {"group"},
    "/settings/{group}/{id}": {"group", "id"},
}  # fmt: skip


@pytest.fixture(scope="module")
def specification() -> Specification:
    return Specification()


@pytest.fixture(scope="module")
def busy() -> Shop:
    """A shop in which everything happened and everything was read."""
    shop = Shop()
    shop.do("play_day", date="2026-01-04", foreign="EUR")
    live_through(shop)
    read_everything(shop)
    return shop


def live_through(shop: Shop) -> None:
    product = shop.facts["products"]["25"]
    variation = shop.post(f"/products/{product}/variations", {"regular_price": "99.00", "sku": "V-1"})
    shop.put(f"/products/{product}", {"name": "Lue & votter"})
    shop.post("/products", {"name": "Skarf", "regular_price": "10"})
    shop.post("/coupons", {"code": "sommar", "amount": "5"})
    lines = [{"product_id": product, "variation_id": variation["id"], "quantity": 2}]
    made = shop.post(
        "/orders",
        {"line_items": lines, "coupon_lines": [{"code": "sommar"}], "set_paid": True, "payment_method": "stripe",
         "shipping_lines": [{"method_id": "flat_rate", "method_title": "Paket", "total": "49.00"}],
         "fee_lines": [{"name": "Avgift", "total": "-5.00"}], "meta_data": [{"key": "erp", "value": {"a": [1]}}]},
    )  # fmt: skip
    line = made["line_items"][0]["id"]
    shop.post(f"/orders/{made['id']}/refunds", {"line_items": [{"id": line, "quantity": 1, "refund_total": "10.00"}]})
    shop.post(f"/orders/{made['id']}/notes", {"note": "bokf\u00f6rd"})
    shop.post("/customers", {"email": "x@example.test", "billing": {"company": "X AB"}})
    shop.post("/webhooks", {"topic": "order.updated", "delivery_url": "http://127.0.0.1:1/h"})
    shop.post("/taxes", {"rate": "6", "country": "SE", "name": "Moms 6%", "class": "zero-rate"})
    shop.put("/payment_gateways/cod", {"enabled": False})
    shop.do("bulk", n=3)


def read_everything(shop: Shop) -> None:
    for path in ("orders", "refunds", "customers", "products", "coupons", "taxes", "webhooks"):
        for row in shop.get(f"/{path}", per_page=100):
            if path != "refunds":
                shop.get(f"/{path}/{row['id']}")
            for refund in row.get("refunds", []):
                shop.get(f"/orders/{row['id']}/refunds/{refund['id']}")
            if path == "orders":
                shop.get(f"/orders/{row['id']}/refunds")
                for note in shop.get(f"/orders/{row['id']}/notes"):
                    shop.get(f"/orders/{row['id']}/notes/{note['id']}")
    product = shop.facts["products"]["25"]
    for row in shop.get(f"/products/{product}/variations"):
        shop.get(f"/products/{product}/variations/{row['id']}")
    for path in (
        "orders/statuses", "taxes/classes", "settings", "settings/general", "settings/tax",
        "settings/general/woocommerce_currency", "data/currencies", "data/currencies/current", "data/currencies/nok",
        "payment_gateways", "payment_gateways/stripe", "shipping_methods", "system_status",
    ):  # fmt: skip
        shop.get(f"/{path}")


def test_every_answer_is_what_a_real_shop_describes(specification: Specification, busy: Shop) -> None:
    found: Counter[str] = Counter()
    seen = set()
    for _, operation, status, body in busy.log:
        path = operation.split("/wc/v3", 1)[1]
        assert status < 300, (operation, body)
        seen.add(path)
        found.update(f"{path} {fault}" for fault in specification.faults(path, body))
    assert found == {}
    assert seen == ITEMS.keys()


def test_bodies_of_webhooks_are_answers_too(specification: Specification, busy: Shop) -> None:
    hook = next(iter(busy.woo.world.store(None).desk.hooks.values()))
    assert specification.faults("/webhooks", shown(busy.woo.world.store(None), hook)) == []
    busy.take()  # the ping
    busy.order()
    bodies = [body for topic, body in busy.events() if topic == "order.updated"]
    assert bodies
    assert specification.faults("/orders", bodies) == []


def test_the_check_itself_notices_what_is_wrong(specification: Specification, busy: Shop) -> None:
    order = busy.get("/orders", per_page=1)[0]
    faults = specification.faults("/orders", order | {"total": 12.5, "colour": "red"})
    assert any("colour" in fault for fault in faults)
    assert any("12.5" in fault for fault in faults)


def described(specification: Specification, path: str) -> Any:
    """The real shop's entry of an endpoint of ours, whatever it calls the parts of the path."""
    shape = re.sub(r"\{\w+:\w\}", "*", f"/wc/v3{path}")
    for real, entry in specification.routes.items():
        if re.sub(r"\(\?P<\w+>(\[[^\]]*\]|\\w|[^)])+\)", "*", real) == shape:
            return entry
    return None


def type_of(shape: Any) -> str:
    if isinstance(shape, list):
        return "array"
    return "object" if isinstance(shape, dict) else {"date-time": "string"}.get(shape, shape)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda e: f"{e.methods[0]} {e.path}")
def test_every_endpoint_takes_what_a_real_shop_takes(specification: Specification, endpoint: Any) -> None:
    entry = described(specification, endpoint.path)
    assert entry is not None, endpoint.path
    real = next(e["args"] or {} for e in entry["endpoints"] if set(endpoint.methods) <= set(e["methods"]))
    for name, arg in endpoint.args.items():
        if name == "line_items" and "refunds" in endpoint.path:
            continue  # described as read-only, taken all the same
        assert name in real, name
        told = real[name].get("type")
        assert arg.type == "mixed" or type_of(arg.type) in (told if isinstance(told, list) else [told]), name
        assert arg.required == bool(real[name].get("required")), name
        if arg.enum:
            assert set(arg.enum) == set(real[name].get("enum") or real[name]["items"]["enum"]), name
        if arg.default is not None and name != "status":
            assert arg.default == real[name].get("default"), name
    if endpoint.methods == ("GET",):
        path = re.sub(r":\w\}", "}", endpoint.path)
        in_path = set(re.findall(r"\{(\w+)\}", path))
        assert real.keys() - endpoint.args.keys() - in_path <= IGNORED.get(path, set()), path
