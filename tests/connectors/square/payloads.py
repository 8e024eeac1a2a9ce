"""Square payloads with readable defaults, written as Square writes them."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def money(amount: int, currency: str = "EUR") -> Json:
    return {"amount": amount, "currency": currency}


def payment(**changes: Any) -> Json:
    """A completed card payment of 125.00 with 10.00 tip."""
    return {
        "id": "P1",
        "created_at": "2026-01-31T12:00:00.123Z",
        "updated_at": "2026-01-31T12:00:01.456Z",
        "status": "COMPLETED",
        "source_type": "CARD",
        "card_details": {"status": "CAPTURED", "card": {"card_brand": "VISA", "last_4": "1111"}},
        "amount_money": money(12500),
        "tip_money": money(1000),
        "total_money": money(13500),
        "location_id": "L1",
        "order_id": "O1",
        "receipt_number": "R1",
        **changes,
    }


def line(uid: str = "u1", *, total: int = 12500, tax: int = 2500, **changes: Any) -> Json:
    """One line of 100.00 and 25 % VAT."""
    return {
        "uid": uid,
        "name": "Chair",
        "quantity": "1",
        "item_type": "ITEM",
        "catalog_object_id": "ITEM1",
        "base_price_money": money(total),
        "gross_sales_money": money(total),
        "total_tax_money": money(tax),
        "total_discount_money": money(0),
        "total_money": money(total),
        "applied_taxes": [{"uid": "a1", "tax_uid": "t25", "applied_money": money(tax)}] if tax else [],
        **changes,
    }


def tender(payment_id: str = "P1", *, amount: int = 13500, tip: int = 1000, **changes: Any) -> Json:
    return {
        "id": payment_id,
        "payment_id": payment_id,
        "type": "CARD",
        "card_details": {"card": {"card_brand": "VISA"}},
        "amount_money": money(amount),
        "tip_money": money(tip),
        "created_at": "2026-01-31T12:00:00Z",
        **changes,
    }


def order(**changes: Any) -> Json:
    """A completed till sale of 125.00 incl. 25 % VAT, tip 10.00, paid by card."""
    return {
        "id": "O1",
        "location_id": "L1",
        "state": "COMPLETED",
        "version": 4,
        "line_items": [line()],
        "taxes": [{"uid": "t25", "name": "VAT", "percentage": "25", "type": "INCLUSIVE", "scope": "ORDER"}],
        "tenders": [tender()],
        "total_money": money(13500),
        "total_tax_money": money(2500),
        "total_tip_money": money(1000),
        "total_discount_money": money(0),
        "created_at": "2026-01-31T12:00:00Z",
        "updated_at": "2026-01-31T12:00:01Z",
        "closed_at": "2026-01-31T12:00:01Z",
        **changes,
    }


def refund(**changes: Any) -> Json:
    """62.50 of P1 given back."""
    return {
        "id": "R1",
        "status": "COMPLETED",
        "amount_money": money(6250),
        "payment_id": "P1",
        "order_id": "O2",
        "location_id": "L1",
        "created_at": "2026-02-01T09:00:00Z",
        "updated_at": "2026-02-01T09:00:05Z",
        "reason": "Broken",
        **changes,
    }


def invoice(**changes: Any) -> Json:
    return {
        "id": "inv:0-1",
        "version": 3,
        "invoice_number": "000017",
        "order_id": "O1",
        "location_id": "L1",
        "status": "PARTIALLY_PAID",
        "title": "Chairs",
        "primary_recipient": {"customer_id": "C1"},
        "payment_requests": [
            {
                "uid": "d",
                "request_type": "DEPOSIT",
                "due_date": "2026-02-01",
                "computed_amount_money": money(2500),
                "total_completed_amount_money": money(2500),
            },
            {
                "uid": "b",
                "request_type": "BALANCE",
                "due_date": "2026-03-01",
                "computed_amount_money": money(10000),
                "total_completed_amount_money": money(0),
            },
        ],
        "created_at": "2026-01-31T10:00:00Z",
        "updated_at": "2026-01-31T10:05:00Z",
        **changes,
    }


def customer(**changes: Any) -> Json:
    return {
        "id": "C1",
        "given_name": "Anna",
        "family_name": "Berg",
        "company_name": "Berg AB",
        "email_address": "anna@berg.test",
        "phone_number": "+46700000000",
        "address": {"address_line_1": "Storgatan 1", "postal_code": "111 22", "locality": "Stockholm", "country": "SE"},
        "tax_ids": {"eu_vat": "SE556000000001"},
        "version": 2,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-02T00:00:00Z",
        **changes,
    }


def vendor(**changes: Any) -> Json:
    return {
        "id": "V1",
        "name": "Joe's Fish",
        "account_number": "4025391",
        "status": "ACTIVE",
        "contacts": [
            {"id": "k2", "name": "Second", "email_address": "two@joe.test", "ordinal": 2},
            {"id": "k0", "name": "Gone", "email_address": "gone@joe.test", "ordinal": 0, "removed": True},
            {"id": "k1", "name": "First", "email_address": "one@joe.test", "phone_number": "1", "ordinal": 1},
        ],
        "version": 1,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        **changes,
    }


def location(id_: str = "L1", **changes: Any) -> Json:
    return {
        "id": id_,
        "name": "Dublin",
        "status": "ACTIVE",
        "timezone": "Europe/Dublin",
        "currency": "EUR",
        "country": "IE",
        "created_at": "2025-01-01T00:00:00Z",
        **changes,
    }


def payout(**changes: Any) -> Json:
    """The payout of flows.md: three sales of 135.00, one refund of 62.50, fees 4.05."""
    return {
        "id": "po_1",
        "status": "SENT",
        "location_id": "L1",
        "amount_money": money(33845),
        "type": "BATCH",
        "destination": {"type": "BANK_ACCOUNT", "id": "bact:1"},
        "arrival_date": "2026-02-02",
        "version": 1,
        "created_at": "2026-02-01T18:00:00Z",
        "updated_at": "2026-02-01T18:00:00Z",
        **changes,
    }


def entry(id_: str, *, gross: int, fee: int, type_: str = "CHARGE", **changes: Any) -> Json:
    return {
        "id": id_,
        "payout_id": "po_1",
        "effective_at": "2026-02-01T17:00:00Z",
        "type": type_,
        "gross_amount_money": money(gross),
        "fee_amount_money": money(fee),
        "net_amount_money": money(gross - fee),
        **changes,
    }


def entries() -> list[Json]:
    charges = [entry(f"poe_{n}", gross=13500, fee=135, type_charge_details={"payment_id": f"P{n}"}) for n in (1, 2, 3)]
    back = {"payment_id": "P1", "refund_id": "R1"}
    return [*charges, entry("poe_4", gross=-6250, fee=0, type_="REFUND", type_refund_details=back)]


def dispute(**changes: Any) -> Json:
    return {
        "id": "D1",
        "state": "EVIDENCE_REQUIRED",
        "amount_money": money(12500),
        "reason": "NOT_RECEIVED",
        "disputed_payment": {"payment_id": "P1"},
        "due_at": "2026-03-01T00:00:00Z",
        "location_id": "L1",
        "version": 1,
        "created_at": "2026-02-10T00:00:00Z",
        "updated_at": "2026-02-10T00:00:00Z",
        **changes,
    }


def article(**changes: Any) -> Json:
    """A variation with its item and its reporting category, which is below another."""
    variation = {"item_id": "IT1", "name": "Large", "sku": "BUN-L", "ordinal": 1}
    item = {"name": "Bun", "reporting_category": {"id": "CT1", "ordinal": 0}, "categories": [{"id": "CT2"}]}
    path = [{"category_id": "CT0", "category_name": "Food"}]
    return {
        "id": "ITEM1",
        "variation": {"type": "ITEM_VARIATION", "id": "ITEM1", "version": 1, "item_variation_data": variation},
        "item": {"type": "ITEM", "id": "IT1", "version": 1, "item_data": item},
        "categories": [{"type": "CATEGORY", "id": "CT1", "category_data": {"name": "Bread", "path_to_root": path}}],
        **changes,
    }


def publication(**changes: Any) -> Json:
    return {"id": "INV1", "published_at": "2026-01-31T11:00:00Z", **changes}


def succession(**changes: Any) -> Json:
    return {"id": "C1", "became": "C9", **changes}


ALL: dict[str, Json] = {
    "succession": succession(),
    "publication": publication(),
    "article": article(),
    "payment": payment(),
    "refund": refund(),
    "order": order(),
    "invoice": invoice(),
    "customer": customer(),
    "vendor": vendor(),
    "location": location(),
    "payout": {"payout": payout(), "entries": entries()},
    "dispute": dispute(),
}
