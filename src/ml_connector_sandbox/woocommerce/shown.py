"""How orders, refunds, notes and customers look on the wire (v3): money as text, odd empties included."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ml_connector_sandbox.woocommerce.faults import Json
from ml_connector_sandbox.woocommerce.pricing import line_tax, rounded
from ml_connector_sandbox.woocommerce.state import ZERO, CouponLine, Line, Note, Order, Refund, Store, TaxLine, User
from ml_connector_sandbox.woocommerce.times import shown_gmt, shown_local

_SYMBOLS = {"NOK": "kr", "SEK": "kr", "DKK": "kr.", "EUR": "\u20ac", "GBP": "\u00a3", "USD": "$", "JPY": "\u00a5"}
_BILLING = ("first_name", "last_name", "company", "address_1", "address_2", "city", "state", "postcode", "country")
BILLING = (*_BILLING, "email", "phone")
SHIPPING = (*_BILLING, "phone")


def address(given: Json, fields: tuple[str, ...]) -> Json:
    """An address with every field, empty text where nothing is known."""
    return {name: str(given.get(name) or "") for name in fields}


def money(amount: Decimal, dp: int) -> str:
    """An amount as text with `dp` decimals; no minus before zero."""
    value = rounded(amount, dp)
    return str(abs(value) if value == 0 else value)


def bare(amount: Decimal) -> str:
    """An amount as text without trailing zeros: so stand taxes inside lines."""
    text = format(amount.normalize(), "f")
    return "0" if text in ("-0", "0") else text


def link(store: Store, path: str) -> str:
    """An address of the shop's REST API, as the shop itself writes it."""
    middle = "/index.php" if store.knobs.permalinks == "pathinfo" else ""
    return f"{store.home}{middle}/wp-json/wc/v3{path}"


def _moment(store: Store, name: str, stamp: int | None) -> Json:
    return {name: shown_local(stamp, store.zone), f"{name}_gmt": shown_gmt(stamp)}


def order(store: Store, row: Order, dp: int | None = None) -> Json:
    """An order, with its links."""
    dp = store.decimals if dp is None else dp
    sums = row.sums
    open_ = row.status in ("pending", "failed")
    key = row.key
    return {
        "id": row.id,
        "parent_id": row.parent_id,
        "status": row.status,
        "currency": row.currency,
        "version": store.version,
        "prices_include_tax": row.prices_include_tax,
        "date_created": shown_local(row.created, store.zone),
        "date_modified": shown_local(row.modified, store.zone),
        "discount_total": money(sums.discount, dp),
        "discount_tax": money(sums.discount_tax, dp),
        "shipping_total": money(sums.shipping, dp),
        "shipping_tax": money(sums.shipping_tax, dp),
        "cart_tax": money(sums.cart_tax, dp),
        "total": money(sums.total, dp),
        "total_tax": money(sums.cart_tax + sums.shipping_tax, dp),
        "customer_id": row.customer_id,
        "order_key": key,
        "billing": address(row.billing, BILLING),
        "shipping": address(row.shipping, SHIPPING),
        "payment_method": row.payment_method,
        "payment_method_title": row.payment_title,
        "transaction_id": row.transaction_id,
        "customer_ip_address": "",
        "customer_user_agent": "",
        "created_via": row.created_via,
        "customer_note": row.customer_note,
        "date_completed": shown_local(row.completed, store.zone),
        "date_paid": shown_local(row.paid, store.zone),
        "cart_hash": "",
        "number": row.number,
        "meta_data": row.meta,
        "line_items": [_goods(store, line, dp) for line in row.of("line_item")],
        "tax_lines": [_tax_line(line, dp) for line in row.tax_lines],
        "shipping_lines": [_shipping(store, line, dp) for line in row.of("shipping")],
        "fee_lines": [_fee(store, line, dp) for line in row.of("fee")],
        "coupon_lines": [_coupon(line, dp) for line in row.coupons],
        "refunds": [
            {"id": r.id, "reason": r.reason, "total": money(-(r.amount or ZERO), dp)} for r in reversed(row.refunds)
        ],
        "payment_url": f"{store.home}/checkout/order-pay/{row.id}/?pay_for_order=true&key={key}",
        "is_editable": row.status in ("pending", "on-hold", "auto-draft"),
        "needs_payment": open_ and sums.total > 0,
        "needs_processing": True,
        "date_created_gmt": shown_gmt(row.created),
        "date_modified_gmt": shown_gmt(row.modified),
        "date_completed_gmt": shown_gmt(row.completed),
        "date_paid_gmt": shown_gmt(row.paid),
        "currency_symbol": _SYMBOLS.get(row.currency, row.currency),
        "_links": _order_links(store, row),
    }


def _order_links(store: Store, row: Order) -> Json:
    links = {
        "self": [
            {"href": link(store, f"/orders/{row.id}"), "targetHints": {"allow": ["GET", "POST", "PUT", "DELETE"]}}
        ],
        "collection": [{"href": link(store, "/orders")}],
    }
    if row.customer_id:
        links["customer"] = [{"href": link(store, f"/customers/{row.customer_id}")}]
    return links


def total_tax(store: Store, line: Line) -> Decimal:
    """The tax of a line as it counts in the order."""
    return sum((line_tax(store, after) for _, after in line.taxes.values()), ZERO)


def _subtotal_tax(store: Store, line: Line) -> Decimal:
    return sum((line_tax(store, before) for before, _ in line.taxes.values()), ZERO)


def _price(line: Line) -> Decimal:
    """A JSON number on the wire: the net unit price after coupons, unrounded."""
    return line.total / line.quantity if line.quantity else ZERO


def _goods(store: Store, line: Line, dp: int) -> Json:
    return {
        "id": line.id,
        "name": line.name,
        "product_id": line.product_id,
        "variation_id": line.variation_id,
        "quantity": line.quantity,
        "tax_class": line.tax_class,
        "subtotal": money(line.subtotal, dp),
        "subtotal_tax": money(_subtotal_tax(store, line), dp),
        "total": money(line.total, dp),
        "total_tax": money(total_tax(store, line), dp),
        "taxes": [
            {"id": rate_id, "total": bare(after), "subtotal": bare(before)}
            for rate_id, (before, after) in line.taxes.items()
        ],
        "meta_data": line.meta,
        "sku": line.sku,
        "global_unique_id": "",
        "price": _price(line),
        "image": {"id": "", "src": ""},
        "parent_name": line.parent_name,
    }


def _shipping(store: Store, line: Line, dp: int) -> Json:
    return {
        "id": line.id,
        "method_title": line.name,
        "method_id": line.method_id,
        "instance_id": line.instance_id,
        "total": money(line.total, dp),
        "total_tax": money(total_tax(store, line), dp),
        "taxes": _side_taxes(line),
        "tax_status": "taxable" if line.taxable else "none",
        "meta_data": line.meta,
    }


def _fee(store: Store, line: Line, dp: int) -> Json:
    return {
        "id": line.id,
        "name": line.name,
        "tax_class": line.tax_class,
        "tax_status": "taxable" if line.taxable else "none",
        "amount": "",
        "total": money(line.total, dp),
        "total_tax": money(total_tax(store, line), dp),
        "taxes": _side_taxes(line),
        "meta_data": line.meta,
    }


def _side_taxes(line: Line) -> list[Json]:
    return [{"id": rate_id, "total": bare(after), "subtotal": ""} for rate_id, (_, after) in line.taxes.items()]


def _tax_line(line: TaxLine, dp: int) -> Json:
    return {
        "id": line.id,
        "rate_code": line.code,
        "rate_id": line.rate_id,
        "label": line.label,
        "compound": line.compound,
        "tax_total": money(line.tax, dp),
        "shipping_tax_total": money(line.shipping_tax, dp),
        "rate_percent": line.percent,
        "meta_data": [],
    }


def _coupon(line: CouponLine, dp: int) -> Json:
    return {
        "id": line.id,
        "code": line.code,
        "discount": money(line.discount, dp),
        "discount_tax": money(line.discount_tax, dp),
        "meta_data": line.meta,
        "discount_type": line.kind,
        "nominal_amount": line.nominal,
        "free_shipping": False,
    }


def refund(store: Store, row: Refund, *, dp: int | None = None, with_parent: bool = False) -> Json:
    """A refund; the feed across orders names the order too."""
    dp = store.decimals if dp is None else dp
    body: Json = {"id": row.id} | ({"parent_id": row.parent_id} if with_parent else {})
    path = f"/orders/{row.parent_id}/refunds"
    return (
        body
        | _moment(store, "date_created", row.created)
        | {
            "amount": "" if row.amount is None else money(row.amount, dp),
            "reason": row.reason,
            "refunded_by": row.by,
            "refunded_payment": row.paid,
            "meta_data": row.meta,
            "line_items": [_goods(store, line, dp) for line in row.lines if line.kind == "line_item"],
            "shipping_lines": [_shipping(store, line, dp) for line in row.lines if line.kind == "shipping"],
            "tax_lines": [_tax_line(line, dp) for line in row.tax_lines],
            "fee_lines": [_fee(store, line, dp) for line in row.lines if line.kind == "fee"],
            "_links": {
                "self": [{"href": link(store, f"{path}/{row.id}")}],
                "collection": [{"href": link(store, path)}],
                "up": [{"href": link(store, f"/orders/{row.parent_id}")}],
            },
        }
    )


def note(store: Store, row: Note, order_id: int) -> Json:
    """A note on an order."""
    path = f"/orders/{order_id}/notes"
    return (
        {"id": row.id, "author": row.author}
        | _moment(store, "date_created", row.created)
        | {
            "note": row.text,
            "customer_note": row.for_customer,
            "_links": {
                "self": [{"href": link(store, f"{path}/{row.id}")}],
                "collection": [{"href": link(store, path)}],
                "up": [{"href": link(store, f"/orders/{order_id}")}],
            },
        }
    )


def customer(store: Store, row: User) -> Json:
    """A registered user as a customer."""
    return (
        {"id": row.id}
        | _moment(store, "date_created", row.created)
        | _moment(store, "date_modified", row.modified)
        | {
            "email": row.email,
            "first_name": row.first_name,
            "last_name": row.last_name,
            "role": row.role,
            "username": row.username,
            "billing": address(row.billing, BILLING),
            "shipping": address(row.shipping, SHIPPING),
            "is_paying_customer": row.paying,
            "avatar_url": f"https://secure.gravatar.com/avatar/{row.id:032x}?s=96&d=mm&r=g",
            "meta_data": row.meta,
            "_links": {
                "self": [{"href": link(store, f"/customers/{row.id}")}],
                "collection": [{"href": link(store, "/customers")}],
            },
        }
    )


def meta_list(store: Store, given: Any) -> list[Json]:
    """Metadata as it is stored: each entry with an id."""
    return [{"id": store.number("meta"), "key": str(m["key"]), "value": m.get("value")} for m in given or []]


def merge_meta(store: Store, kept: list[Json], given: Any) -> list[Json]:
    """Metadata after an edit: by id, or by key (the first of that key), null value removes, else it is added."""
    result = [dict(m) for m in kept]
    for change in given or []:
        same = ("id", int(change["id"])) if change.get("id") else ("key", str(change.get("key")))
        found = next((m for m in result if m[same[0]] == same[1]), None)
        if found is None:
            result += meta_list(store, [change])
        elif change.get("value") is None:
            result.remove(found)
        else:
            found |= {"key": str(change.get("key", found["key"])), "value": change["value"]}
    return result
