"""Disputes: opened, moved on, resolved, and the holds and reversals they leave in the ledger."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ml_connector_sandbox.core.instants import DAY, stamp_ms
from ml_connector_sandbox.paypal import payments
from ml_connector_sandbox.paypal.ledger import Payer, Row
from ml_connector_sandbox.paypal.money import wire
from ml_connector_sandbox.paypal.payments import Capture
from ml_connector_sandbox.paypal.refusals import Json
from ml_connector_sandbox.paypal.state import Merchant, World
from ml_connector_sandbox.paypal.times import stamp

REASONS = {
    "MERCHANDISE_OR_SERVICE_NOT_RECEIVED", "MERCHANDISE_OR_SERVICE_NOT_AS_DESCRIBED", "UNAUTHORISED",
    "CREDIT_NOT_PROCESSED", "DUPLICATE_TRANSACTION", "INCORRECT_AMOUNT", "PAYMENT_BY_OTHER_MEANS",
    "CANCELED_RECURRING_BILLING", "PROBLEM_WITH_REMITTANCE", "OTHER",
}  # fmt: skip
STATUSES = {
    "OPEN", "WAITING_FOR_BUYER_RESPONSE", "WAITING_FOR_SELLER_RESPONSE", "UNDER_REVIEW", "RESOLVED", "OTHER",
}  # fmt: skip
STAGES = {"INQUIRY", "CHARGEBACK", "PRE_ARBITRATION", "ARBITRATION"}
OUTCOMES = {
    "RESOLVED_BUYER_FAVOUR", "RESOLVED_SELLER_FAVOUR", "RESOLVED_WITH_PAYOUT", "CANCELED_BY_BUYER", "ACCEPTED",
    "DENIED", "NONE",
}  # fmt: skip
LOST = {"RESOLVED_BUYER_FAVOUR", "ACCEPTED"}
_STATES = {
    "OPEN": "OPEN_INQUIRIES", "WAITING_FOR_BUYER_RESPONSE": "REQUIRED_OTHER_PARTY_ACTION",
    "WAITING_FOR_SELLER_RESPONSE": "REQUIRED_ACTION", "UNDER_REVIEW": "UNDER_PAYPAL_REVIEW", "RESOLVED": "RESOLVED",
    "OTHER": "APPEALABLE",
}  # fmt: skip
_NUMBER = re.compile(r"[A-Za-z0-9:\-|]{1,127}")


@dataclass(frozen=True, slots=True)
class Movement:
    """Money of a dispute as its detail shows it."""

    kind: str  # DEBIT or CREDIT
    reason: str
    amount: int
    at: int


@dataclass(slots=True)
class Dispute:
    """A case about one payment. `held` is what T1110 keeps back."""

    id: str
    client_id: str
    transaction_id: str
    amount: int
    currency: str
    gross: int
    payer: Payer
    reason: str
    channel: str
    stage: str
    created: int
    updated: int
    status: str = "WAITING_FOR_SELLER_RESPONSE"
    outcome: str = ""
    refunded: int = 0
    held: int = 0
    invoice_number: str = ""
    movements: list[Movement] = field(default_factory=list)


def open_case(world: World, merchant: Merchant, made: Dispute, at: int, *, hold: bool, fee: int) -> None:
    """A buyer (INTERNAL: the money is held, T1110) or a bank (EXTERNAL: it is taken, T1201, and a fee, T0106)."""
    merchant.disputes[made.id] = made
    capture = merchant.captures.get(made.transaction_id)
    if capture is not None:
        capture.dispute_id = made.id
    if made.channel == "EXTERNAL":
        _post(world, merchant, made, "T1201", -made.amount, at)
        made.movements.append(Movement("DEBIT", "DISPUTE_SETTLEMENT", made.amount, at))
        if fee:
            _post(world, merchant, made, "T0106", -fee, at)
            made.movements.append(Movement("DEBIT", "CHARGEBACK_FEE", fee, at))
        _reverse(world, merchant, capture, made.amount, at)
    elif hold:
        made.held = made.amount
        _post(world, merchant, made, "T1110", -made.amount, at)
    _tell(world, made, "CREATED", at)


def move_on(world: World, made: Dispute, at: int, *, status: str, stage: str) -> None:
    """Another status or stage."""
    made.status, made.stage, made.updated = status, stage, at
    _tell(world, made, "UPDATED", at)


def resolve(world: World, merchant: Merchant, made: Dispute, at: int, *, outcome: str, refunded: int) -> None:
    """The end: holds are cancelled; money goes (T1106) or returns (T1202; T1205 where PayPal pays) as decided."""
    if made.status == "RESOLVED":
        raise ValueError(f"Dispute {made.id} is resolved already: open another one.")
    if made.held:
        _post(world, merchant, made, "T1111", made.held, at)
        made.held = 0
    capture = merchant.captures.get(made.transaction_id)
    if made.channel == "EXTERNAL" and outcome not in LOST:
        code = "T1205" if outcome == "RESOLVED_WITH_PAYOUT" else "T1202"
        _post(world, merchant, made, code, made.amount, at)
        made.movements.append(Movement("CREDIT", "DISPUTE_SETTLEMENT", made.amount, at))
        _restore(merchant, capture, at)
    elif made.channel != "EXTERNAL" and outcome in LOST:
        _post(world, merchant, made, "T1106", -refunded, at)
        made.movements.append(Movement("DEBIT", "DISPUTE_SETTLEMENT", refunded, at))
        _reverse(world, merchant, capture, refunded, at)
    if capture is not None:
        capture.dispute_id = ""
    made.status, made.outcome, made.updated = "RESOLVED", outcome, at
    made.refunded = refunded if outcome in LOST else 0
    _tell(world, made, "RESOLVED", at)


def _post(world: World, merchant: Merchant, made: Dispute, code: str, amount: int, at: int) -> None:
    row = Row(world.mint.transaction(), code, "S", made.currency, amount, at, at, reference=made.transaction_id)
    merchant.ledger.post(payments.late(world, row))


def _reverse(world: World, merchant: Merchant, capture: Capture | None, amount: int, at: int) -> None:
    if capture is None or capture.row is None:
        return
    capture.charged_back = True
    if world.knobs.reversed_status == "V" and amount >= capture.sale.amount:
        capture.row = merchant.ledger.change(capture.row, at, status="V")
    payments.tell(world, capture, "PAYMENT.CAPTURE.REVERSED", at)


def _restore(merchant: Merchant, capture: Capture | None, at: int) -> None:
    if capture is None or capture.row is None:
        return
    capture.charged_back = False
    if merchant.ledger.latest(capture.row).status == "V":
        capture.row = merchant.ledger.change(capture.row, at, status="S")


def _tell(world: World, made: Dispute, name: str, at: int) -> None:
    event = f"CUSTOMER.DISPUTE.{name}"
    world.desk.emit(made.client_id, event, show(world, made), kind="dispute", resource_id=made.id, at=at)


def summary(world: World, made: Dispute) -> Json:
    """A dispute as lists show it: without transactions, outcome or money movements."""
    path = f"/v1/customer/disputes/{made.id}"
    body: Json = {"dispute_id": made.id, "create_time": stamp_ms(made.created), "update_time": stamp_ms(made.updated)}
    body |= {"reason": made.reason, "status": made.status, "dispute_state": _STATES[made.status]}
    body |= {"dispute_amount": wire(made.amount, made.currency), "dispute_life_cycle_stage": made.stage}
    body |= {"dispute_channel": made.channel}
    if made.status == "WAITING_FOR_SELLER_RESPONSE":
        body["seller_response_due_date"] = stamp_ms(made.created + 10 * DAY)
    return body | {"links": [world.link(path, "self")]}


def show(world: World, made: Dispute) -> Json:
    """A dispute in full."""
    body = {k: v for k, v in summary(world, made).items() if k != "dispute_state"}
    paid: Json = {
        "seller_transaction_id": made.transaction_id, "create_time": stamp(made.created),
        "transaction_status": "COMPLETED", "gross_amount": wire(made.gross, made.currency),
        "buyer": {"name": f"{made.payer.given_name} {made.payer.surname}"},
    }  # fmt: skip
    if _NUMBER.fullmatch(made.invoice_number):
        paid["invoice_number"] = made.invoice_number
    body["disputed_transactions"] = [paid]
    if made.outcome:
        body["dispute_outcome"] = {
            "outcome_code": made.outcome, "amount_refunded": wire(made.refunded, made.currency),
        }  # fmt: skip
    if made.movements:
        body["money_movements"] = [
            {
                "affected_party": "SELLER", "amount": wire(m.amount, made.currency), "initiated_time": stamp_ms(m.at),
                "type": m.kind, "reason": m.reason,
            }
            for m in made.movements
        ]  # fmt: skip
    return body
