"""Charges, refunds and the payments of invoices. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ml_connector.connectors.stripe.fields import Fields
from ml_connector.finance.documents import Capture, Converted, InvoicePayment, Refund
from ml_connector.finance.money import Money

CHARGE_STATES: Mapping[str, Literal["pending", "completed", "canceled", "failed"]] = {
    "pending": "pending",
    "succeeded": "completed",
    "failed": "failed",
}
REFUND_STATES: Mapping[str, Literal["pending", "completed", "rejected", "failed"]] = {
    "pending": "pending",
    "requires_action": "pending",
    "succeeded": "completed",
    "failed": "failed",
    "canceled": "rejected",
}
ROW_STATES: Mapping[str, Literal["open", "paid", "canceled"]] = {"open": "open", "paid": "paid", "canceled": "canceled"}
METHODS: Mapping[str, str] = {"klarna": "bnpl", "afterpay_clearpay": "bnpl", "affirm": "bnpl", "paypal": "wallet",
                              "mobilepay": "wallet", "vipps": "wallet", "swish": "wallet"}  # fmt: skip
"""Payment methods that are neither card nor bank."""
ROWS = "invoice_payments"  # of ours: what GET /v1/invoice_payments of its payment intent listed
CARDS = frozenset({"card", "card_present", "interac_present"})


def charge_of(charge: Fields) -> Capture:
    """A charge. Its fee is None until its balance transaction exists: never a zero that nobody said.

    Only what was captured is money; an uncaptured one is pending.
    """
    currency = charge.currency()
    state = CHARGE_STATES.get(charge.text("status"), "pending")
    if state == "completed" and not charge.flag("captured"):
        state = "pending"
    amount = charge.positive("amount_captured" if state == "completed" else "amount", currency)
    fee, converted = _settled(charge, currency, minor_sign=1)
    created = charge.moment("created")
    return Capture(
        id=charge.id("id"),
        state=state,
        means=_means(charge.part("payment_method_details").text("type")),
        amount=amount,
        tip=Money.zero(currency),
        total=amount,
        location=None,
        order_id=None,
        customer_id=charge.id_or_none("customer"),
        occurred_at=created,
        updated_at=created,
        fee=fee,
        refunded=charge.money_or_none("amount_refunded", currency),
        reference=charge.text("description")[:200],
        converted=converted,
        intent_id=charge.id_or_none("payment_intent") or "",
        movement_id=charge.id_or_none("balance_transaction") or "",
        failed_movement_id=charge.id_or_none("failure_balance_transaction") or "",
        failure=charge.text("failure_message")[:500] or charge.text("failure_code"),
        marks=charge.marks(),
        settles=_settles(charge),
    )


def refund_of(refund: Fields) -> Refund:
    """A refund. It names its charge, and the payment intent behind it."""
    currency = refund.currency()
    created = refund.moment("created")
    _, converted = _settled(refund, currency, minor_sign=-1)
    return Refund(
        id=refund.id("id"),
        state=REFUND_STATES.get(refund.text("status"), "pending"),
        amount=refund.positive("amount", currency),
        payment_id=refund.id_or_none("charge"),
        return_order_id=None,
        location=None,
        means=None,
        occurred_at=created,
        updated_at=created,
        reason=refund.text("reason"),
        by_processor=True,
        converted=converted,
        intent_id=refund.id_or_none("payment_intent") or "",
        failed_movement_id=refund.id_or_none("failure_balance_transaction") or "",
    )


def invoice_payment_of(row: Fields) -> InvoicePayment:
    """One payment of an invoice. A payment record tells of money that Stripe never saw."""
    currency = row.currency()
    state = ROW_STATES.get(row.text("status"), "open")
    payment = row.part("payment")
    kind = payment.text("type")
    if kind not in {"payment_intent", "charge", "payment_record"}:
        payment.fail("type", f"is {kind[:40] or 'missing'}, a kind of payment that we do not know")
    return InvoicePayment(
        id=row.id("id"),
        invoice_id=row.id("invoice"),
        state=state,
        origin="recorded" if kind == "payment_record" else "processor",
        amount=row.positive("amount_paid" if state == "paid" else "amount_requested", currency),
        created_at=row.moment("created"),
        paid_at=row.part("status_transitions").moment_or_none("paid_at"),
        intent_id=payment.id_or_none("payment_intent") or "",
        charge_id=payment.id_or_none("charge") or "",
    )


def _settled(owner: Fields, currency: str, *, minor_sign: int) -> tuple[Money | None, Converted | None]:
    """The fee, and what was settled where the account's currency is another; nothing while only an id is there."""
    row = owner.expanded("balance_transaction")
    if row is None:
        return None, None
    settled = row.currency()
    fee = row.money("fee", settled)
    if settled == currency:
        return fee, None
    amount = row.money("amount", settled)
    return None, Converted(amount if minor_sign > 0 else -amount, row.rate_or_none("exchange_rate"), fee)


def _settles(charge: Fields) -> tuple[tuple[str, str], ...] | None:
    """The invoices it pays, as the reader found them by the payment intent; None where nobody has looked."""
    if charge.node.get(ROWS) is None:
        return None
    return tuple((row.id("id"), row.id("invoice")) for row in charge.parts(ROWS))


def _means(method: str) -> str:
    if method in CARDS or not method:
        return "card"
    return METHODS.get(method, "bank")
