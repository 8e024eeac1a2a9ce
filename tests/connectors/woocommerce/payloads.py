"""Payloads as a shop sends them, with readable defaults; amounts with six decimals, as the reader asks for them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

ADDRESS = {
    "first_name": "Siv", "last_name": "Sørensen", "company": "", "address_1": "Elvegata 4", "address_2": "",
    "city": "Bodø", "state": "", "postcode": "8006", "country": "NO", "phone": "75000000",
}  # fmt: skip
BILLING = {**ADDRESS, "email": "siv@example.no"}
STANDARD, FOOD, ZERO = 1, 2, 3


def meta(key: str, value: Any) -> dict[str, Any]:
    return {"id": 91, "key": key, "value": value}


def tax_line(rate_id: int, percent: Any, label: str = "MVA", **more: Any) -> dict[str, Any]:
    return {
        "id": 33, "rate_code": f"NO-MVA-{rate_id}", "rate_id": rate_id, "label": label, "compound": False,
        "tax_total": "0.00", "shipping_tax_total": "0.00", "rate_percent": percent, **more,
    }  # fmt: skip


def line(id_: int, name: str, net: str, tax: str, *, rate: int | None = STANDARD, **more: Any) -> dict[str, Any]:
    taxes = [] if rate is None else [{"id": rate, "total": tax, "subtotal": tax}]
    return {
        "id": id_, "name": name, "product_id": 88, "variation_id": 0, "quantity": 1, "tax_class": "", "sku": "LUE-M",
        "subtotal": net, "subtotal_tax": tax, "total": net, "total_tax": tax, "taxes": taxes,
        "price": Decimal("101.66086933333334"), "parent_name": None, "meta_data": [], **more,
    }  # fmt: skip


def shipping(net: str = "79.20", tax: str = "19.80", **more: Any) -> dict[str, Any]:
    return {
        "id": 35, "method_title": "Pakke", "method_id": "flat_rate", "instance_id": "3", "total": net, "total_tax": tax,
        "tax_status": "taxable", "taxes": [{"id": 1, "total": tax, "subtotal": ""}], "meta_data": [], **more,
    }  # fmt: skip


def fee(net: str, tax: str, taxes: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "id": 36, "name": "Rabatt", "tax_class": "", "tax_status": "taxable", "amount": "", "total": net,
        "total_tax": tax, "taxes": taxes, "meta_data": [], **more,
    }  # fmt: skip


def order(**changes: Any) -> dict[str, Any]:
    """A paid Norwegian order of 1327.00 with two rates and shipping."""
    made: dict[str, Any] = {
        "id": 727, "parent_id": 0, "number": "N-2026-0412", "status": "processing", "currency": "NOK",
        "prices_include_tax": True, "date_created": "2026-01-05T09:12:44", "date_created_gmt": "2026-01-05T08:12:44",
        "date_modified_gmt": "2026-01-05T08:13:02", "date_paid_gmt": "2026-01-05T08:13:01", "date_completed_gmt": None,
        "discount_total": "0.00", "discount_tax": "0.00", "shipping_total": "79.20", "shipping_tax": "19.80",
        "cart_tax": "229.60", "total_tax": "249.40", "total": "1327.00", "customer_id": 0, "order_key": "wc_order_Zk3",
        "billing": BILLING, "shipping": ADDRESS, "payment_method": "stripe", "payment_method_title": "Kort",
        "transaction_id": "ch_demo_1", "created_via": "store-api",
        "meta_data": [meta("is_vat_exempt", "no"), meta("_stripe_fee", "38.50")],
        "line_items": [
            line(31, "Lue &amp; votter", "798.40", "199.60", quantity=2),
            line(32, "Kaffe", "200.00", "30.00", rate=FOOD, sku="", product_id=93),
        ],
        "tax_lines": [tax_line(STANDARD, 25, "MVA 25%"), tax_line(FOOD, 15, "MVA 15%")],
        "shipping_lines": [shipping()], "fee_lines": [], "coupon_lines": [], "refunds": [], "currency_symbol": "kr",
    }  # fmt: skip
    return {**made, **changes}


def small(net: str, tax: str, total: str, **changes: Any) -> dict[str, Any]:
    """An order of one line and nothing else."""
    return order(
        **{
            "line_items": [line(31, "Lue", net, tax)],
            "shipping_lines": [],
            "total": total,
            "total_tax": tax,
            **changes,
        }
    )


ORDER_BITS = {
    "id": 727, "number": "N-2026-0412", "currency": "NOK", "payment_method": "stripe", "transaction_id": "ch_demo_1",
    "tax_lines": [{"rate_id": 1, "label": "MVA 25%", "compound": False, "rate_percent": 25}],
}  # fmt: skip


def refund_row(**changes: Any) -> dict[str, Any]:
    """One returned hat out of the order: 499.00."""
    made: dict[str, Any] = {
        "id": 731, "parent_id": 727, "date_created_gmt": "2026-01-09T10:00:00", "amount": "499.00", "reason": "Retur",
        "refunded_by": 1, "refunded_payment": True, "meta_data": [meta("_refund_type", "partial")],
        "line_items": [
            {
                "id": 40, "name": "Lue", "product_id": 88, "quantity": -1, "subtotal": "-399.20", "total": "-399.20",
                "total_tax": "-99.80", "taxes": [{"id": 1, "total": "-99.80", "subtotal": "-99.80"}],
                "price": Decimal("399.2"), "meta_data": [meta("_refunded_item_id", "31")],
            }
        ],
        "shipping_lines": [], "fee_lines": [],
        "tax_lines": [{"rate_id": 1, "rate_percent": 25, "tax_total": "-99.80"}],
    }  # fmt: skip
    return {**made, **changes}


def refund(**changes: Any) -> dict[str, Any]:
    return {"refund": refund_row(**changes), "order": ORDER_BITS}


def customer(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": 25, "date_created_gmt": "2026-01-02T10:00:00", "date_modified_gmt": None,
        "email": "innkjop@fjell.example", "first_name": "Jon", "last_name": "Fjell", "role": "customer",
        "username": "jonf", "is_paying_customer": True,
        "billing": {
            "first_name": "Jon", "last_name": "Fjell", "company": "Fjell Drift AS", "address_1": "Kaia 1",
            "address_2": "", "city": "Ålesund", "postcode": "6002", "country": "NO", "state": "",
            "email": "innkjop@fjell.example", "phone": "70000000",
        },
        "shipping": {}, "meta_data": [meta("billing_org_nr", "988077917")],
    }  # fmt: skip
    return {**made, **changes}


SHOP: dict[str, Any] = {
    "index": {
        "name": "Nordlys &amp; co", "url": "https://shop.example", "home": "https://shop.example",
        "timezone_string": "Europe/Oslo", "gmt_offset": 1,
    },
    "settings": {"woocommerce_default_country": "NO:NO-18", "woocommerce_prices_include_tax": "yes"},
    "currency": {"code": "NOK"},
}  # fmt: skip

ALL: dict[str, Any] = {
    "order": order(
        coupon_lines=[{"code": "VÅR", "discount": "10.00", "discount_tax": "2.50", "discount_type": "percent"}],
        refunds=[{"id": 731, "reason": "Retur", "total": "-499.00"}],
    ),
    "refund": refund(),
    "customer": customer(),
    "shop": SHOP,
    "article": {
        "id": "88",
        "product": {"name": "Lue", "categories": [{"id": 15, "name": "Kl&aelig;r", "slug": "klaer"}]},
    },
}
