"""Payloads as PayPal writes them, in the shapes its descriptions and reports have."""

from __future__ import annotations

from typing import Any

CAPTURE = "3C679366HH908993F"
REFUND = "1JU08902781691411"
INVOICE = "INV2-Z56S-5LLA-Q52L-CPZ5"
API = "https://api-m.paypal.com"


def money(value: str, currency: str = "NOK") -> dict[str, str]:
    return {"currency_code": currency, "value": value}


def capture(**changed: Any) -> dict[str, Any]:
    return {
        "id": CAPTURE,
        "status": "COMPLETED",
        "amount": money("1250.00"),
        "final_capture": True,
        "invoice_id": "10042",
        "custom_id": "tenant7-10042",
        "seller_receivable_breakdown": {
            "gross_amount": money("1250.00"),
            "paypal_fee": money("45.30"),
            "net_amount": money("1204.70"),
        },
        "supplementary_data": {"related_ids": {"order_id": "5O190127TN364715T"}},
        "create_time": "2026-11-20T10:15:28Z",
        "links": [{"rel": "self", "href": f"{API}/v2/payments/captures/{CAPTURE}", "method": "GET"}],
        **changed,
    }


def refund(**changed: Any) -> dict[str, Any]:
    return {
        "id": REFUND,
        "status": "COMPLETED",
        "amount": money("250.00"),
        "invoice_id": "10042",
        "custom_id": "tenant7-10042",
        "seller_payable_breakdown": {
            "gross_amount": money("250.00"),
            "paypal_fee": money("0.00"),
            "net_amount": money("250.00"),
            "total_refunded_amount": money("750.00"),
        },
        "create_time": "2026-11-20T12:00:00Z",
        "links": [
            {"rel": "self", "href": f"{API}/v2/payments/refunds/{REFUND}", "method": "GET"},
            {"rel": "up", "href": f"{API}/v2/payments/captures/{CAPTURE}", "method": "GET"},
        ],
        **changed,
    }


def up(href: str) -> dict[str, Any]:
    return refund(links=[{"rel": "up", "href": href, "method": "GET"}])


def invoice(**changed: Any) -> dict[str, Any]:
    """One line of 1,000.00 and 25 % tax, 100.00 of it paid outside PayPal."""
    return {
        "id": INVOICE,
        "status": "PARTIALLY_PAID",
        "detail": {
            "invoice_number": "10042",
            "reference": "deal-7",
            "currency_code": "NOK",
            "invoice_date": "2026-11-20",
            "payment_term": {"term_type": "NET_10", "due_date": "2026-11-30"},
            "metadata": {
                "create_time": "2026-11-20T08:00:00Z",
                "first_sent_time": "2026-11-20T09:00:00Z",
                "last_update_time": "2026-11-27T08:00:00Z",
            },
        },
        "primary_recipients": [
            {
                "billing_info": {
                    "business_name": "Fjord AS",
                    "name": {"given_name": "Kari", "surname": "Nordmann"},
                    "email_address": "kari@example.com",
                    "address": {
                        "address_line_1": "Storgata 1",
                        "admin_area_2": "Oslo",
                        "postal_code": "0155",
                        "country_code": "NO",
                    },
                }
            }
        ],
        "items": [
            {
                "name": "Consulting",
                "quantity": "1",
                "unit_amount": money("1000.00"),
                "tax": {"name": "MVA", "percent": "25", "amount": money("250.00")},
            }
        ],
        "configuration": {"partial_payment": {"allow_partial_payment": True}},
        "amount": {**money("1250.00"), "breakdown": {"item_total": money("1000.00"), "tax_total": money("250.00")}},
        "due_amount": money("1150.00"),
        "payments": {
            "paid_amount": money("100.00"),
            "transactions": [
                {
                    "type": "EXTERNAL",
                    "payment_id": "EXTR-86F38350LX4353815",
                    "payment_date": "2026-11-27",
                    "method": "BANK_TRANSFER",
                    "note": "mlc 8f3c21",
                    "amount": money("100.00"),
                }
            ],
        },
        **changed,
    }


def open_invoice(**changed: Any) -> dict[str, Any]:
    """Sent, nothing paid."""
    return invoice(**{"status": "SENT", "due_amount": money("1250.00"), "payments": {}, **changed})


def discounted_invoice(**breakdown: Any) -> dict[str, Any]:
    """The sums of PayPal's own example: two discounts, tax on items and shipping, a custom amount."""
    usd = "USD"
    tax = {"name": "Sales Tax", "percent": "7.25"}
    stated = {
        "item_total": money("60.00", usd),
        "discount": {
            "invoice_discount": {"percent": "5", "amount": money("-2.63", usd)},
            "item_discount": money("-7.50", usd),
        },
        "tax_total": money("4.34", usd),
        "shipping": {"amount": money("10.00", usd), "tax": {**tax, "amount": money("0.73", usd)}},
        "custom": {"label": "Packing Charges", "amount": money("10.00", usd)},
        **breakdown,
    }
    return {
        **invoice(
            items=[
                {
                    "name": "Yoga Mat",
                    "quantity": "1",
                    "unit_amount": money("50.00", usd),
                    "tax": {**tax, "amount": money("3.27", usd)},
                    "discount": {"percent": "5", "amount": money("2.50", usd)},
                },
                {
                    "name": "Yoga t-shirt",
                    "quantity": "1",
                    "unit_amount": money("10.00", usd),
                    "tax": {**tax, "amount": money("0.34", usd)},
                    "discount": {"amount": money("5.00", usd)},
                },
            ],
            amount={**money("74.21", usd), "breakdown": stated},
            due_amount=money("74.21", usd),
            payments={},
            status="SENT",
        ),
        "detail": {**invoice()["detail"], "currency_code": usd},
    }


def row(
    transaction_id: str = CAPTURE,
    code: str = "T0006",
    value: str = "1250.00",
    currency: str = "NOK",
    *,
    fee: str | None = "-45.30",
    at: str = "2026-11-20T10:15:28Z",
    **info: Any,
) -> dict[str, Any]:
    stated = {
        "transaction_id": transaction_id,
        "transaction_event_code": code,
        "transaction_initiation_date": at,
        "transaction_updated_date": at,
        "transaction_amount": money(value, currency),
        "transaction_status": "S",
        "invoice_id": "10042",
        "custom_field": "tenant7-10042",
        "available_balance": money("8120.11", currency),
        **({} if fee is None else {"fee_amount": money(fee, currency)}),
        **info,
    }
    return {
        "transaction_info": stated,
        "payer_info": {
            "account_id": "KX5P2TESTPAY1",
            "email_address": "kari@example.com",
            "payer_name": {"given_name": "Kari", "surname": "Nordmann"},
            "country_code": "NO",
        },
        "cart_info": {"paypal_invoice_id": INVOICE},
    }


def dispute(outcome: str = "RESOLVED_BUYER_FAVOUR", **changed: Any) -> dict[str, Any]:
    return {
        "dispute_id": "PP-D-27803",
        "create_time": "2026-11-21T08:00:00.000Z",
        "update_time": "2026-11-25T08:00:00.000Z",
        "disputed_transactions": [{"seller_transaction_id": CAPTURE, "invoice_number": "10042"}],
        "reason": "UNAUTHORISED",
        "status": "RESOLVED",
        "dispute_life_cycle_stage": "CHARGEBACK",
        "dispute_amount": money("1250.00"),
        "dispute_outcome": {"outcome_code": outcome, "amount_refunded": money("1250.00")},
        "seller_response_due_date": "2026-12-01T08:00:00.000Z",
        "money_movements": [
            movement("DEBIT", "1250.00", "DISPUTE_SETTLEMENT"),
            movement("DEBIT", "150.00", "CHARGEBACK_FEE"),
            movement("CREDIT", "1250.00", "DISPUTE_SETTLEMENT", party="BUYER"),
        ],
        **changed,
    }


def movement(kind: str, value: str, reason: str, party: str = "SELLER") -> dict[str, Any]:
    return {
        "affected_party": party,
        "amount": money(value),
        "initiated_time": "2026-11-25T08:00:00Z",
        "type": kind,
        "reason": reason,
    }


ALL: dict[str, dict[str, Any]] = {
    "capture": capture(),
    "refund": refund(),
    "invoice": discounted_invoice(),
    "dispute": dispute(),
    "transaction": row(),
}
