"""The event types an endpoint may ask for: those about what this sandbox plays, and their silent neighbours."""

from __future__ import annotations

_FAMILIES = {
    "account": "updated application.authorized application.deauthorized external_account.created",
    "balance": "available",
    "charge": "captured expired failed pending refunded succeeded updated refund.updated dispute.closed "
              "dispute.created dispute.funds_reinstated dispute.funds_withdrawn dispute.updated",
    "checkout.session": "completed expired async_payment_failed async_payment_succeeded",
    "credit_note": "created updated voided",
    "customer": "created deleted updated tax_id.created tax_id.deleted tax_id.updated source.created",
    "invoice": "created deleted finalization_failed finalized marked_uncollectible overdue overpaid paid "
               "payment_action_required payment_attempt_required payment_failed payment_succeeded sent upcoming "
               "updated voided will_be_due",
    "invoice_payment": "paid",
    "invoiceitem": "created deleted",
    "payment_intent": "amount_capturable_updated canceled created partially_funded payment_failed processing "
                      "requires_action succeeded",
    "payment_method": "attached automatically_updated detached updated",
    "payout": "canceled created failed paid reconciliation_completed updated",
    "price": "created deleted updated",
    "product": "created deleted updated",
    "radar.early_fraud_warning": "created updated",
    "refund": "created failed updated",
    "reporting.report_run": "failed succeeded",
    "tax_rate": "created updated",
    "topup": "canceled created failed reversed succeeded",
    "transfer": "created reversed updated",
}  # fmt: skip

NAMES = frozenset(f"{family}.{name}" for family, names in _FAMILIES.items() for name in names.split())
