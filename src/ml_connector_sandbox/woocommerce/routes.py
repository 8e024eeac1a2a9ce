"""Every endpoint: its address, who may, what it takes, who answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ml_connector_sandbox.woocommerce import api_goods as goods
from ml_connector_sandbox.woocommerce import api_orders as orders
from ml_connector_sandbox.woocommerce import api_people as people
from ml_connector_sandbox.woocommerce import api_refunds as refunds
from ml_connector_sandbox.woocommerce import api_shop as shop
from ml_connector_sandbox.woocommerce import api_taxes as taxes
from ml_connector_sandbox.woocommerce import api_webhooks as webhooks
from ml_connector_sandbox.woocommerce import order_args as args
from ml_connector_sandbox.woocommerce.calls import CONTEXT, VIEW, Answer, Args, Call

BASE = "/wc/v3"
_WRITES = ("POST", "PUT", "PATCH")
_PATTERNS = {"d": r"\d+", "w": r"[\w-]+", "c": r"\w{3}"}


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint. `right` is view, create, edit, delete or batch; public ones have none."""

    methods: tuple[str, ...]
    path: str
    answer: Callable[[Call], Answer]
    right: str = "view"
    args: Args = field(default_factory=dict)
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        text = re.sub(r"\{(\w+):(\w)\}", lambda m: f"(?P<{m[1]}>{_PATTERNS[m[2]]})", self.path)
        object.__setattr__(self, "pattern", re.compile(text))


def _get(path: str, answer: Callable[[Call], Answer], args: Args = CONTEXT, right: str = "view") -> Route:
    return Route(("GET",), path, answer, right, args)


def _new(path: str, answer: Callable[[Call], Answer], args: Args) -> Route:
    return Route(("POST",), path, answer, "create", args)


def _set(path: str, answer: Callable[[Call], Answer], args: Args) -> Route:
    return Route(_WRITES, path, answer, "edit", args)


def _cut(path: str, answer: Callable[[Call], Answer], args: Args) -> Route:
    return Route(("DELETE",), path, answer, "delete", args)


def _many(path: str, answer: Callable[[Call], Answer]) -> Route:
    return Route(_WRITES, path, answer, "batch", {})


ROUTES = (
    _get("/orders", orders.list_orders, args.LIST),
    _new("/orders", orders.create_order, args.CREATE),
    _many("/orders/batch", orders.batch_orders),
    _get("/orders/statuses", orders.statuses, {}, right=""),
    _get("/orders/{id:d}", orders.read_order),
    _set("/orders/{id:d}", orders.update_order, args.UPDATE),
    _cut("/orders/{id:d}", orders.delete_order, args.DELETE),
    _get("/orders/{order_id:d}/notes", orders.list_notes, args.NOTES),
    _new("/orders/{order_id:d}/notes", orders.create_note, args.NOTE),
    _get("/orders/{order_id:d}/notes/{id:d}", orders.read_note),
    _cut("/orders/{order_id:d}/notes/{id:d}", orders.delete_note, args.DELETE),
    _get("/orders/{order_id:d}/refunds", refunds.list_refunds, args.REFUNDS),
    _new("/orders/{order_id:d}/refunds", refunds.create_refund, args.REFUND),
    _get("/orders/{order_id:d}/refunds/{id:d}", refunds.read_refund),
    _cut("/orders/{order_id:d}/refunds/{id:d}", refunds.delete_refund, args.DELETE_REFUND),
    _get("/refunds", refunds.list_all, args.REFUNDS),
    _get("/customers", people.list_customers, people.LIST),
    _new("/customers", people.create_customer, people.CREATE),
    _many("/customers/batch", people.batch_customers),
    _get("/customers/{id:d}", people.read_customer),
    _set("/customers/{id:d}", people.update_customer, people.UPDATE),
    _cut("/customers/{id:d}", people.delete_customer, people.DELETE),
    _get("/products", goods.list_products, goods.PRODUCTS),
    _new("/products", goods.create_product, goods.PRODUCT_CREATE),
    _get("/products/{id:d}", goods.read_product),
    _set("/products/{id:d}", goods.update_product, goods.PRODUCT_UPDATE),
    _cut("/products/{id:d}", goods.delete_product, goods.DELETE),
    _get("/products/{product_id:d}/variations", goods.list_products, goods.VARIATIONS),
    _new("/products/{product_id:d}/variations", goods.create_product, goods.VARIATION_UPDATE),
    _get("/products/{product_id:d}/variations/{id:d}", goods.read_product),
    _set("/products/{product_id:d}/variations/{id:d}", goods.update_product, goods.VARIATION_UPDATE),
    _cut("/products/{product_id:d}/variations/{id:d}", goods.delete_product, goods.DELETE),
    _get("/coupons", goods.list_coupons, goods.COUPONS),
    _new("/coupons", goods.create_coupon, goods.COUPON_CREATE),
    _get("/coupons/{id:d}", goods.read_coupon),
    _set("/coupons/{id:d}", goods.update_coupon, goods.COUPON_UPDATE),
    _cut("/coupons/{id:d}", goods.delete_coupon, goods.DELETE),
    _get("/taxes", taxes.list_taxes, taxes.TAXES),
    _new("/taxes", taxes.create_tax, taxes.TAX_CREATE),
    _get("/taxes/classes", taxes.list_classes),
    _new("/taxes/classes", taxes.create_class, taxes.TAX_CLASS),
    _get("/taxes/{id:d}", taxes.read_tax),
    _set("/taxes/{id:d}", taxes.update_tax, taxes.TAX_UPDATE),
    _cut("/taxes/{id:d}", taxes.delete_tax, taxes.FORCE),
    _get("/settings", shop.list_groups, {}),
    _get("/settings/{group:w}", shop.list_options, {}),
    _get("/settings/{group:w}/{id:w}", shop.read_option, {}),
    _set("/settings/{group:w}/{id:w}", shop.update_option, shop.OPTION),
    _get("/data/currencies", shop.list_currencies, {}),
    _get("/data/currencies/current", shop.current_currency, {}),
    _get("/data/currencies/{currency:c}", shop.read_currency, {}),
    _get("/payment_gateways", shop.list_gateways),
    _get("/payment_gateways/{id:w}", shop.read_gateway),
    _set("/payment_gateways/{id:w}", shop.update_gateway, shop.GATEWAY),
    _get("/shipping_methods", shop.list_shipping_methods, VIEW),
    _get("/system_status", shop.system_status, VIEW),
    _get("/webhooks", webhooks.list_webhooks, webhooks.LIST),
    _new("/webhooks", webhooks.create_webhook, webhooks.CREATE),
    _many("/webhooks/batch", webhooks.batch_webhooks),
    _get("/webhooks/{id:d}", webhooks.read_webhook),
    _set("/webhooks/{id:d}", webhooks.update_webhook, webhooks.UPDATE),
    _cut("/webhooks/{id:d}", webhooks.delete_webhook, webhooks.DELETE),
)


def find(method: str, path: str) -> tuple[Route | None, Mapping[str, str]]:
    """The endpoint of a method and a path below /wc/v3, and the parts of the path it names. HEAD asks as GET."""
    asked = "GET" if method == "HEAD" else method
    for route in ROUTES:
        match = route.pattern.fullmatch(path)
        if match and asked in route.methods:
            return route, match.groupdict()
    return None, {}


def at(path: str) -> list[Route]:
    """All endpoints of an address, for OPTIONS."""
    return [route for route in ROUTES if route.pattern.fullmatch(path)]
