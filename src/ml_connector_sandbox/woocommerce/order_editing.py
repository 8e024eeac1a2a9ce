"""Orders as REST bodies make and change them: lines, coupons, addresses, totals."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from ml_connector_sandbox.woocommerce import pricing
from ml_connector_sandbox.woocommerce.faults import Json, Refused, bad_param
from ml_connector_sandbox.woocommerce.shown import merge_meta, meta_list
from ml_connector_sandbox.woocommerce.state import ZERO, CouponLine, Line, Order, Store

_TEXTS = {
    "payment_method": "payment_method",
    "payment_method_title": "payment_title",
    "transaction_id": "transaction_id",
    "customer_note": "customer_note",
    "currency": "currency",
    "created_via": "created_via",
    "parent_id": "parent_id",
}
_KINDS = {"line_items": "line_item", "shipping_lines": "shipping", "fee_lines": "fee"}


def amount(value: Any, name: str) -> Decimal:
    """A decimal from a body's text. Refused when it is none."""
    try:
        parsed = Decimal(str(value or 0))
    except InvalidOperation:
        parsed = Decimal("NaN")
    if not parsed.is_finite():
        raise bad_param(name, f"{name} is not an amount.")
    return parsed


def fill(store: Store, order: Order, body: Json, *, new: bool) -> None:
    """Put a checked body into an order and calculate it again where lines changed. Refused: order may be half done."""
    _fill_head(store, order, body)
    changed = [name for name in _KINDS if name in body]
    for name in changed:
        for n, wanted in enumerate(body[name]):
            _put_line(store, order, _KINDS[name], wanted, where=f"{name}[{n}]")
    if not changed and not new and "coupon_lines" not in body:
        return
    if "coupon_lines" in body:
        apply_coupons(store, order, [str(c.get("code") or "") for c in body["coupon_lines"]])
    pricing.tax_lines_on_net(store, order)
    _credit_coupons(store, order)
    pricing.add_up(store, order)


def _fill_head(store: Store, order: Order, body: Json) -> None:
    customer = body.get("customer_id")
    if customer and customer not in store.users:
        raise Refused(400, "woocommerce_rest_invalid_customer_id", "Customer ID is invalid.")
    order.customer_id = order.customer_id if customer is None else customer
    for name, attribute in _TEXTS.items():
        if name in body:
            setattr(order, attribute, body[name])
    for name in ("billing", "shipping"):
        if name in body:
            setattr(order, name, getattr(order, name) | {k: v or "" for k, v in body[name].items()})
    if "meta_data" in body:
        order.meta = merge_meta(store, order.meta, body["meta_data"])


def _put_line(store: Store, order: Order, kind: str, wanted: Json, *, where: str) -> None:
    line = None
    if wanted.get("id"):
        line = next((one for one in order.lines if one.id == int(wanted["id"]) and one.kind == kind), None)
        if line is None:
            raise Refused(400, "woocommerce_rest_invalid_item_id", "Order item ID is not of this order.")
        if _is_removed(kind, wanted):
            order.lines.remove(line)
            return
    if line is None:
        line = Line(store.number("item"), kind, "", ZERO, ZERO)
        _fillers[kind](store, line, wanted, True, where)
        order.lines.append(line)
        return
    _fillers[kind](store, line, wanted, False, where)


def _is_removed(kind: str, wanted: Json) -> bool:
    names = {"line_item": ("product_id",), "shipping": ("method_id", "method_title"), "fee": ("name",)}[kind]
    nulled = any(name in wanted and wanted[name] is None for name in names)
    return nulled or (kind == "line_item" and wanted.get("quantity") == 0)


def _fill_goods(store: Store, line: Line, wanted: Json, new: bool, where: str) -> None:
    if new and not (wanted.get("product_id") or wanted.get("sku") or wanted.get("variation_id")):
        raise Refused(400, "woocommerce_rest_required_product_reference", "Product ID or SKU is required.")
    repriced = new or "product_id" in wanted or "variation_id" in wanted
    if "quantity" in wanted:
        line.quantity = int(wanted["quantity"])
    if repriced:
        product = _product(store, wanted)
        if product is not None:
            _of_product(store, line, product)
            price = amount(product["price"], where)
            line.total = line.subtotal = pricing.net_price(store, price, line.tax_class, line.quantity)
        elif new:
            line.quantity = int(wanted.get("quantity", 1))
            line.sku = None
    if "name" in wanted and wanted["name"] is not None:
        line.name = str(wanted["name"])
    if "tax_class" in wanted:
        line.tax_class = "" if wanted["tax_class"] == "standard" else str(wanted["tax_class"])
    if "subtotal" in wanted:
        line.subtotal = amount(wanted["subtotal"], where)
    if "total" in wanted:
        line.total = amount(wanted["total"], where)
        line.subtotal = max(line.subtotal, line.total) if "subtotal" not in wanted else line.subtotal
    line.meta = merge_meta(store, line.meta, _displayed(wanted.get("meta_data")))


def _product(store: Store, wanted: Json) -> Json | None:
    number = int(wanted.get("variation_id") or wanted.get("product_id") or 0)
    if number:
        return store.products.get(number)
    return next((p for p in store.products.values() if p["sku"] and p["sku"] == wanted.get("sku")), None)


def _of_product(store: Store, line: Line, product: Json) -> None:
    parent = store.products.get(product.get("parent_id") or 0)
    line.product_id = parent["id"] if parent else product["id"]
    line.variation_id = product["id"] if parent else 0
    line.name, line.sku = product["name"], product["sku"]
    line.parent_name = parent["name"] if parent else None
    line.tax_class, line.taxable = product["tax_class"], product["tax_status"] == "taxable"


def _displayed(meta: Any) -> list[Json]:
    return [{"id": m.get("id"), "key": m.get("key"), "value": m.get("value")} for m in meta or []]


def _fill_shipping(store: Store, line: Line, wanted: Json, new: bool, where: str) -> None:
    if new and not wanted.get("method_id"):
        raise Refused(400, "woocommerce_rest_invalid_shipping_item", "Shipping method ID is required.")
    line.method_id = str(wanted.get("method_id", line.method_id))
    line.instance_id = str(wanted.get("instance_id", line.instance_id))
    line.name = str(wanted.get("method_title", line.name))
    if "total" in wanted:
        line.total = line.subtotal = amount(wanted["total"], where)
    line.meta = merge_meta(store, line.meta, wanted.get("meta_data"))


def _fill_fee(store: Store, line: Line, wanted: Json, new: bool, where: str) -> None:
    if new and not wanted.get("name"):
        raise Refused(400, "woocommerce_rest_invalid_fee_item", "Fee name is required.")
    line.name = str(wanted.get("name", line.name))
    if "tax_class" in wanted:
        line.tax_class = "" if wanted["tax_class"] == "standard" else str(wanted["tax_class"])
    line.taxable = wanted.get("tax_status", "taxable" if line.taxable else "none") == "taxable"
    if "total" in wanted:
        line.total = line.subtotal = amount(wanted["total"], where)
    line.meta = merge_meta(store, line.meta, wanted.get("meta_data"))


_fillers: dict[str, Callable[[Store, Line, Json, bool, str], None]] = {
    "line_item": _fill_goods,
    "shipping": _fill_shipping,
    "fee": _fill_fee,
}


def apply_coupons(store: Store, order: Order, codes: list[str]) -> None:
    """Replace the order's coupons. Refused for a code nobody knows."""
    coupons = []
    for code in codes:
        found = next(
            (c for c in store.coupons.values() if c["code"] == code.lower() and c["status"] == "publish"), None
        )
        if found is None:
            raise Refused(400, "woocommerce_rest_invalid_coupon", f"Coupon &quot;{code}&quot; does not exist.")
        coupons.append(found)
    order.coupons = [coupon_line(store, found) for found in coupons]
    goods = order.of("line_item")
    for line in goods:
        line.total = line.subtotal
    where = pricing.place(store, order)
    for coupon in order.coupons:
        rates = [pricing.rates_for(store, *where, line.tax_class) if line.taxable else [] for line in goods]
        typed = [_typed(store, line, rate) for line, rate in zip(goods, rates, strict=True)]
        cuts = pricing.coupon_cuts(store, coupon.kind, coupon.nominal, typed)
        for line, cut, rate in zip(goods, cuts, rates, strict=True):
            taxes = pricing.tax_in_gross(store, cut, rate) if store.inclusive else {}
            line.total = max(ZERO, pricing.precise(store, line.total - cut + sum(taxes.values(), ZERO)))


def _typed(store: Store, line: Line, rates: list[Any]) -> tuple[Decimal, int]:
    tax = sum(pricing.tax_on_net(store, line.subtotal, rates).values(), ZERO) if store.inclusive else ZERO
    return pricing.rounded(line.subtotal + tax, store.decimals), line.quantity


def coupon_line(store: Store, coupon: Json) -> CouponLine:
    """A coupon as an order remembers it."""
    brief = f'[{coupon["id"]},"{coupon["code"]}","{coupon["discount_type"]}",{coupon["amount"]}]'
    meta = meta_list(store, [{"key": "coupon_info", "value": brief}])
    kind, nominal = coupon["discount_type"], Decimal(coupon["amount"])
    return CouponLine(store.number("item"), coupon["code"], kind, nominal, meta=meta)


def _credit_coupons(store: Store, order: Order) -> None:
    """Share what came off the lines among the coupons, by nominal value where there are several."""
    goods = order.of("line_item")
    if not order.coupons:
        return
    net = sum((line.subtotal - line.total for line in goods), ZERO)
    tax = sum((b - a for line in goods for b, a in line.taxes.values()), ZERO)
    weights = [c.nominal or Decimal(1) for c in order.coupons]
    parts = zip(pricing.spread(net, weights, 6), pricing.spread(tax, weights, 6), strict=True)
    for coupon, (part, part_tax) in zip(order.coupons, parts, strict=True):
        coupon.discount, coupon.discount_tax = part, part_tax
