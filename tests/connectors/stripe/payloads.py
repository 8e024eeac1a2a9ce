"""Payloads as Stripe writes them, in the shapes of 2026-10-28.endive. Every builder takes what is to be different."""

from __future__ import annotations

from typing import Any

T = 1790000000

Json = dict[str, Any]


def movement(**changed: Any) -> Json:
    return {
        "id": "txn_1T", "object": "balance_transaction", "amount": 125000, "available_on": T + 172800,
        "balance_type": "payments", "created": T, "currency": "nok", "description": "Payment for Invoice",
        "exchange_rate": None, "fee": 1930,
        "fee_details": [{"amount": 1930, "application": None, "currency": "nok", "description": "Fees",
                         "type": "stripe_fee"}],
        "net": 123070, "reporting_category": "charge", "source": "ch_1T", "status": "pending", "type": "charge",
    } | changed  # fmt: skip


def charge(**changed: Any) -> Json:
    return {
        "id": "ch_1T", "object": "charge", "amount": 125000, "amount_captured": 125000, "amount_refunded": 0,
        "balance_transaction": movement(), "captured": True, "created": T, "currency": "nok", "customer": "cus_1T",
        "description": "Invoice 10042", "disputed": False, "failure_balance_transaction": None, "failure_code": None,
        "failure_message": None, "livemode": False, "metadata": {"visma": "10042"}, "paid": True,
        "payment_intent": "pi_1T", "payment_method_details": {"card": {"brand": "visa"}, "type": "card"},
        "refunded": False, "status": "succeeded",
        "invoice_payments": [{"id": "inpay_1T", "invoice": "in_1T"}],
    } | changed  # fmt: skip


def refund(**changed: Any) -> Json:
    return {
        "id": "re_1T", "object": "refund", "amount": 25000,
        "balance_transaction": movement(id="txn_2T", amount=-25000, fee=0, net=-25000, reporting_category="refund"),
        "charge": "ch_1T", "created": T + 60, "currency": "nok", "failure_balance_transaction": None,
        "metadata": {}, "payment_intent": "pi_1T", "reason": "requested_by_customer", "status": "succeeded",
    } | changed  # fmt: skip


def invoice(**changed: Any) -> Json:
    return {
        "id": "in_1T", "object": "invoice", "amount_due": 125000, "amount_overpaid": 0, "amount_paid": 0,
        "amount_paid_off_stripe": 0, "amount_remaining": 125000, "collection_method": "send_invoice", "created": T,
        "currency": "nok", "customer": "cus_1T", "due_date": T + 14 * 86400, "effective_at": T, "ending_balance": 0,
        "hosted_invoice_url": "https://invoice.stripe.com/i/acct_1/test_x", "metadata": {"visma_invoice_no": "10042"},
        "number": "10042", "pre_payment_credit_notes_amount": 0, "starting_balance": 0, "status": "open",
        "status_transitions": {"finalized_at": T, "marked_uncollectible_at": None, "paid_at": None, "voided_at": None},
        "subtotal": 100000, "total": 125000,
        "total_taxes": [{"amount": 25000, "tax_behavior": "exclusive", "taxable_amount": 100000}],
    } | changed  # fmt: skip


def invoice_payment(**changed: Any) -> Json:
    return {
        "id": "inpay_1T", "object": "invoice_payment", "invoice": "in_1T", "amount_requested": 125000,
        "amount_paid": 125000, "currency": "nok", "is_default": True, "livemode": False, "created": T,
        "status": "paid", "payment": {"type": "payment_intent", "payment_intent": "pi_1T"},
        "status_transitions": {"paid_at": T + 100, "canceled_at": None},
    } | changed  # fmt: skip


def dispute(**changed: Any) -> Json:
    taken = movement(
        id="txn_3T", amount=-125000, fee=15000, net=-140000, reporting_category="dispute", type="adjustment",
        source="dp_1T", created=T + 500,
    )  # fmt: skip
    return {
        "id": "dp_1T", "object": "dispute", "amount": 125000, "balance_transactions": [taken], "charge": "ch_1T",
        "created": T + 400, "currency": "nok", "evidence_details": {"due_by": T + 14 * 86400, "has_evidence": False},
        "is_charge_refundable": False, "metadata": {}, "network_reason_code": "10.4", "payment_intent": "pi_1T",
        "reason": "fraudulent", "status": "needs_response",
    } | changed  # fmt: skip


def payout(**changed: Any) -> Json:
    own = movement(
        id="txn_9T", amount=-98070, fee=0, net=-98070, reporting_category="payout", type="payout", source="po_1T"
    )  # fmt: skip
    back = movement(id="txn_2T", amount=-25000, fee=0, net=-25000, reporting_category="refund", source="re_1T")
    return {
        "id": "po_1T", "object": "payout", "amount": 98070, "arrival_date": T + 86400, "automatic": True,
        "balance_transaction": "txn_9T", "created": T, "currency": "nok", "failure_balance_transaction": None,
        "reconciliation_status": "completed", "statement_descriptor": "STRIPE 1T", "status": "paid",
        "trace_id": {"status": "pending", "value": None}, "type": "bank_account",
        "balance_transactions": [movement(), back, own],
    } | changed  # fmt: skip


ALL: dict[str, Json] = {
    "invoice": invoice(),
    "invoice_payment": invoice_payment(),
    "charge": charge(),
    "refund": refund(),
    "dispute": dispute(),
    "payout": payout(),
    "balance_transaction": movement(),
}
