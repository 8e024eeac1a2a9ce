"""Orders as buyers make them: prices as typed in the shop, coupons, shipping, fees, a way to pay."""

from __future__ import annotations

import html
from decimal import Decimal
from typing import Any

from ml_connector_sandbox.woocommerce import pricing, trade
from ml_connector_sandbox.woocommerce.api_goods import new_coupon
from ml_connector_sandbox.woocommerce.faults import Json
from ml_connector_sandbox.woocommerce.order_editing import coupon_line
from ml_connector_sandbox.woocommerce.shown import meta_list
from ml_connector_sandbox.woocommerce.state import ZERO, CouponLine, Line, Order, Rate, Store
from ml_connector_sandbox.woocommerce.times import given

_GUEST = {
    "first_name": "Siv", "last_name": "S\u00f8rensen", "address_1": "Storgatan 4", "city": "Ume\u00e5",
    "postcode": "903 26", "email": "siv@example.test", "phone": "0700000000",
}  # fmt: skip
_UNPAID = ("bacs", "cheque")  # gateways whose orders wait on-hold for the money
_VAT_KEY = "_billing_vat_number"


def buy(store: Store, wanted: Json, now: int) -> Order:
    """One order by the `order` verb's arguments. ValueError when they make no sense."""
    stamp = given(wanted.get("at"), now // 1_000_000)
    order = trade.new_order(store, now, created=stamp, via=str(wanted.get("via", "store-api")))
    try:
        _who(store, order, wanted)
        goods = [_line(store, order, line) for line in wanted.get("lines") or [{"price": "125.00"}]]
        _discount(store, order, goods, wanted)
        _shipping(store, order, wanted.get("shipping"))
        _fees(store, order, wanted.get("fees") or [])
        pricing.add_up(store, order)
    except BaseException:
        del store.orders[order.id]
        raise
    _settle(store, order, wanted, stamp)
    if wanted.get("number") is not None:
        order.number = str(wanted["number"])
    _ring(store, order, now)
    return order


def _who(store: Store, order: Order, wanted: Json) -> None:
    order.currency = str(wanted.get("currency", store.currency))
    customer_id = int(wanted.get("customer_id", 0))
    user = store.users.get(customer_id)
    if customer_id and user is None:
        raise ValueError(f"There is no customer {customer_id}: use the verb customer first.")
    known = {k: v for k, v in user.billing.items() if v} | {"email": user.email} if user else {}
    country = {"country": str(wanted.get("country", store.country))}
    order.customer_id = customer_id
    order.billing = (known or _GUEST) | country | dict(wanted.get("billing", {}))
    kept = {k: v for k, v in order.billing.items() if k not in ("email", "phone")}
    order.shipping = kept | dict(wanted.get("shipping_address", {}))
    meta = [{"key": "is_vat_exempt", "value": "yes" if wanted.get("vat_exempt") else "no"}]
    if wanted.get("vat_number"):
        order.billing["company"] = order.billing.get("company") or "F\u00f6retag AB"
        meta.append({"key": str(wanted.get("vat_key", _VAT_KEY)), "value": str(wanted["vat_number"])})
    meta += [{"key": k, "value": v} for k, v in dict(wanted.get("meta", {})).items()]
    order.meta = meta_list(store, meta)
    order.customer_note = str(wanted.get("note", ""))


def class_of(store: Store, percent: Any) -> str:
    """The tax class that has this rate at the shop's base. ValueError when there is none."""
    for rate in store.rates.values():
        if rate.country in ("", store.country) and rate.percent == Decimal(str(percent)):
            return rate.tax_class
    raise ValueError(f"The shop has no rate of {percent} %: give `taxes` to seed_store.")


def _line(store: Store, order: Order, wanted: Json) -> tuple[Line, Decimal]:
    line = Line(store.number("item"), "line_item", "Vara", ZERO, ZERO, quantity=int(wanted.get("quantity", 1)))
    price = Decimal(str(wanted.get("price", "125.00")))
    product = store.products.get(int(wanted.get("product_id", 0)))
    if product is not None:
        parent = store.products.get(product["parent_id"])
        line.product_id, line.variation_id = (parent["id"], product["id"]) if parent else (product["id"], 0)
        line.parent_name = parent["name"] if parent else None
        line.name, line.sku, line.tax_class = product["name"], product["sku"], product["tax_class"]
        price = Decimal(str(wanted.get("price", product["price"])))
    if "tax" in wanted:
        line.taxable = wanted["tax"] is not None
        line.tax_class = class_of(store, wanted["tax"]) if line.taxable else ""
    line.name = html.escape(str(wanted["name"]), quote=False) if "name" in wanted else line.name
    line.sku = wanted.get("sku", line.sku)
    line.meta = meta_list(store, wanted.get("meta"))
    order.lines.append(line)
    return line, price * line.quantity


def rates_of(store: Store, order: Order, line: Line) -> list[Rate]:
    """The rates of a line at the buyer's place."""
    if not line.taxable or pricing.exempt(order):
        return []
    rates = pricing.rates_for(store, *pricing.place(store, order), line.tax_class)
    return [r for r in rates if r.shipping] if line.kind == "shipping" else rates


def _discount(store: Store, order: Order, goods: list[tuple[Line, Decimal]], wanted: Json) -> None:
    rates = [rates_of(store, order, line) for line, _ in goods]
    typed = []
    for (line, price), rate in zip(goods, rates, strict=True):
        typed.append(pricing.at_customer(store, price, line.tax_class, rate) if _moves(store, line) else price)
    left = list(typed)
    for coupon in _coupons(store, order, wanted):
        pairs = [(price, line.quantity) for price, (line, _) in zip(left, goods, strict=True)]
        cuts = pricing.coupon_cuts(store, coupon.kind, coupon.nominal, pairs)
        pricing.credit_coupon(store, coupon, zip(cuts, rates, strict=True))
        left = [max(ZERO, price - cut) for price, cut in zip(left, cuts, strict=True)]
        order.coupons.append(coupon)
    for (line, _), before, after, rate in zip(goods, typed, left, rates, strict=True):
        pricing.price_typed(store, line, (before, after), rate)


def _moves(store: Store, line: Line) -> bool:
    return store.inclusive and line.taxable


def _coupons(store: Store, order: Order, wanted: Json) -> list[CouponLine]:
    made = []
    for entry in wanted.get("coupons") or []:
        known = {"code": entry} if isinstance(entry, str) else dict(entry)
        found = next((c for c in store.coupons.values() if c["code"] == str(known["code"]).lower()), None)
        if found is None:
            known["discount_type"] = known.pop("type", known.get("discount_type", "percent"))
            found = new_coupon(store, known, order.created)
        found["usage_count"] += 1
        made.append(coupon_line(store, found))
    return made


def _shipping(store: Store, order: Order, wanted: Any) -> None:
    if wanted is None:
        return
    cost = wanted if isinstance(wanted, dict) else {"amount": wanted}
    classes = [line.tax_class for line in order.of("line_item") if line.taxable]
    line = Line(store.number("item"), "shipping", str(cost.get("title", "Paket")), ZERO, ZERO)
    line.tax_class = "" if "" in classes or not classes else classes[0]  # inherited from the goods
    line.taxable = bool(cost.get("taxable", True))
    line.method_id, line.instance_id = str(cost.get("method", "flat_rate")), str(cost.get("instance_id", "3"))
    line.total = line.subtotal = pricing.precise(store, Decimal(str(cost.get("amount", "0"))))
    taxes = pricing.tax_on_net(store, line.total, rates_of(store, order, line))
    line.taxes = {rate_id: (tax, tax) for rate_id, tax in taxes.items()}
    order.lines.append(line)


def _fees(store: Store, order: Order, wanted: list[Json]) -> None:
    for entry in wanted:
        fee = Line(store.number("item"), "fee", str(entry.get("name", "Avgift")), ZERO, ZERO)
        fee.total = fee.subtotal = pricing.precise(store, Decimal(str(entry["amount"])))
        fee.taxable = entry.get("tax", "25") is not None
        fee.tax_class = class_of(store, entry["tax"]) if entry.get("tax") else ""
        order.lines.append(fee)
        if fee.total < 0:
            fee.taxes = pricing.shared(store, order, fee)
        else:
            taxes = pricing.tax_on_net(store, fee.total, rates_of(store, order, fee))
            fee.taxes = {rate_id: (tax, tax) for rate_id, tax in taxes.items()}


def _settle(store: Store, order: Order, wanted: Json, stamp: int) -> None:
    gateway = str(wanted.get("gateway", "stripe"))
    known = store.gateways.get(gateway, {"title": gateway})
    order.payment_method, order.payment_title = gateway, str(known["title"])
    default = "on-hold" if gateway in _UNPAID else "processing"
    status = str(wanted.get("status", default))
    if status not in {*store.statuses(), "pending"}:
        raise ValueError(f"The shop has no status {status}: it has {', '.join(store.statuses())}.")
    if status in ("processing", "completed") and gateway not in (*_UNPAID, "cod"):
        order.transaction_id = str(wanted.get("transaction_id", f"tx_{store.mint.mixed(14)}"))
    if status == "checkout-draft":
        order.payment_method = order.payment_title = ""
    trade.set_status(store, order, status, stamp)


def _ring(store: Store, order: Order, now: int) -> None:
    """The block checkout rings order.updated for its draft before order.created; the older one rings both."""
    if order.created_via == "store-api":
        trade.ring_updated(store, order, now)
        if order.status == "checkout-draft":
            return
    trade.ring_created(store, order, now)
