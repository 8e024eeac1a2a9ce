"""Disputes: inquiries and chargebacks, their money taken and given back, their ends that may not be the end."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ml_connector_sandbox.core.instants import DAY
from ml_connector_sandbox.stripe import events, ledger
from ml_connector_sandbox.stripe.ledger import Movement
from ml_connector_sandbox.stripe.refusals import Json, bad
from ml_connector_sandbox.stripe.shapes import merged
from ml_connector_sandbox.stripe.state import Book
from ml_connector_sandbox.stripe.times import seconds

STATUSES = {
    "warning_needs_response", "warning_under_review", "warning_closed", "needs_response", "under_review",
    "appeal_needs_response", "appeal_under_review", "won", "lost", "prevented",
}  # fmt: skip
ENDED = {"won", "lost", "warning_closed", "prevented"}
EVIDENCE = (
    "access_activity_log", "billing_address", "cancellation_policy", "cancellation_policy_disclosure",
    "cancellation_rebuttal", "customer_communication", "customer_email_address", "customer_name",
    "customer_purchase_ip", "customer_signature", "duplicate_charge_documentation", "duplicate_charge_explanation",
    "duplicate_charge_id", "product_description", "receipt", "refund_policy", "refund_policy_disclosure",
    "refund_refusal_explanation", "service_date", "service_documentation", "shipping_address", "shipping_carrier",
    "shipping_date", "shipping_documentation", "shipping_tracking_number", "uncategorized_file", "uncategorized_text",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Claim:
    """What a bank asks for."""

    amount: int  # in charge currency
    reason: str = "fraudulent"
    warning: bool = False  # an inquiry: no money moves
    withdraw: bool = True
    fee: int | None = None  # in settlement currency; None: by the knobs
    rate: Decimal | None = None
    due_days: int = 14


def open_dispute(book: Book, charge: Json, claim: Claim, now: int) -> Json:
    """A new dispute on a charge that succeeded."""
    if charge["status"] != "succeeded" or not claim.amount > 0:
        raise bad(f"Charge {charge['id']} cannot be disputed with {claim.amount}.")
    status = "warning_needs_response" if claim.warning else "needs_response"
    row: Json = {
        "id": book.key("dispute"), "object": "dispute", "amount": claim.amount, "balance_transactions": [],
        "charge": charge["id"], "created": seconds(now), "currency": charge["currency"],
        "enhanced_eligibility_types": [], "evidence": dict.fromkeys(EVIDENCE) | {"enhanced_evidence": {}},
        "evidence_details": {"due_by": seconds(now + claim.due_days * DAY), "enhanced_eligibility": {},
                             "has_evidence": False, "past_due": False, "submission_count": 0,
                             "submission_method": "not_submitted"},
        "intended_submission_method": "manual", "is_charge_refundable": claim.warning, **book.mode(), "metadata": {},
        "network_reason_code": "10.4", "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {"brand": "visa", "case_type": "inquiry" if claim.warning else "chargeback", "network": "visa",
                     "network_reason_code": "10.4"},
            "type": "card"},
        "reason": claim.reason, "status": status,
    }  # fmt: skip
    book.extra[row["id"]] = {"rate": claim.rate or book.extra[charge["id"]]["rate"], "fee": claim.fee}
    events.made(book, row, now, "charge.dispute.created")
    events.changed(book, charge, now, "charge.updated", disputed=True)
    if claim.withdraw and not claim.warning:
        withdraw(book, row, now)
    return row


def withdraw(book: Book, row: Json, now: int) -> Json:
    """The bank takes the money, with the fee."""
    given = book.extra[row["id"]]["fee"]
    fee = book.world.knobs.dispute_fee if given is None else given
    book.extra[row["charge"]]["chargeback"] = True
    return _move(book, row, -row["amount"], fee, "charge.dispute.funds_withdrawn", now)


def reinstate(book: Book, row: Json, now: int, *, amount: int | None = None, fee_back: int = 0) -> Json:
    """The money comes back, whole or in part; `fee_back` is part of the same line."""
    return _move(book, row, row["amount"] if amount is None else amount, -fee_back, _BACK, now)


_BACK = "charge.dispute.funds_reinstated"


def _move(book: Book, row: Json, amount: int, fee: int, name: str, now: int) -> Json:
    back = amount > 0
    movement = Movement(
        amount, row["currency"], "adjustment", "dispute_reversal" if back else "dispute", row["id"], fee,
        book.extra[row["id"]]["rate"], f"Chargeback {'reversal' if back else 'withdrawal'} for {row['charge']}",
    )  # fmt: skip
    line = ledger.post(book, movement, now)
    moved = [*row["balance_transactions"], dict(line)]
    return events.changed(book, row, now, name, balance_transactions=moved)


def move_on(book: Book, row: Json, status: str, now: int) -> Json:
    """Another status; an end is told as closed."""
    if status not in STATUSES:
        raise bad(f"No dispute status {status}: use one of {', '.join(sorted(STATUSES))}.")
    name = "charge.dispute.closed" if status in ENDED else "charge.dispute.updated"
    past = row["evidence_details"] | ({"due_by": None} if status in ENDED else {})
    return events.changed(book, row, now, name, status=status, evidence_details=past)


def submit(book: Book, row: Json, given: Json, now: int) -> Json:
    """Evidence and metadata through the API; submitting sends it to the bank."""
    if row["status"] in ENDED:
        raise bad(f"This dispute is already closed: {row['status']}.")
    fields: Json = {}
    if given.get("evidence"):
        fields["evidence"] = row["evidence"] | given["evidence"]
        fields["evidence_details"] = row["evidence_details"] | {"has_evidence": True}
    if "metadata" in given:
        fields["metadata"] = merged(row["metadata"], given["metadata"])
    if given.get("submit", "evidence" in given):
        details: Json = fields.get("evidence_details") or row["evidence_details"]
        fields["evidence_details"] = details | {
            "submission_count": details["submission_count"] + 1, "submission_method": "manual",
        }  # fmt: skip
        fields["status"] = _REVIEW.get(row["status"], row["status"])
    return events.changed(book, row, now, "charge.dispute.updated", **fields)


_REVIEW = {
    "needs_response": "under_review", "warning_needs_response": "warning_under_review",
    "appeal_needs_response": "appeal_under_review",
}  # fmt: skip


def accept(book: Book, row: Json, now: int) -> Json:
    """The account gives in: lost for good."""
    if row["status"] in ENDED:
        raise bad(f"This dispute is already closed: {row['status']}.")
    return move_on(book, row, "lost", now)
