"""Refunds of captures: whole or in parts, at once or pending, with the fee kept or given back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from ml_connector_sandbox.core.instants import DAY
from ml_connector_sandbox.paypal.ledger import Row
from ml_connector_sandbox.paypal.money import convert, wire
from ml_connector_sandbox.paypal.payments import Capture, Refund, exchange, late
from ml_connector_sandbox.paypal.refusals import Json, bad, unprocessable
from ml_connector_sandbox.paypal.state import Merchant, World
from ml_connector_sandbox.paypal.times import stamp

_CUSTOM = re.compile(r"[A-Za-z0-9-_.,]*")
# The sentences of PayPal's file, which a client may show but must not read.
_TEXTS = {
    "PENDING_CAPTURE": (
        "Cannot initiate a refund as the capture is pending. Capture is typically pending when the payer has funded the"
        " transaction using e-check/bank funded."
    ),
    "REFUND_NOT_ALLOWED": "Capture cannot be refunded.",
    "REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK": (
        "Refunds are not allowed on this capture due to a chargeback on the card or bank. Please contact the payee to"
        " resolve the chargeback."
    ),
    "CAPTURE_FULLY_REFUNDED": "The capture has already been fully refunded",
    "REFUND_CAPTURE_CURRENCY_MISMATCH": "Refund must be in the same currency as the capture",
    "REFUND_AMOUNT_EXCEEDED": (
        "The refund amount must be less than or equal to the capture amount that has not yet been refunded."
    ),
    "TRANSACTION_DISPUTED": (
        "Partial refunds cannot be offered at this time because there is an open case on this transaction. Visit the"
        " PayPal Resolution Center to review this case."
    ),
    "PARTIAL_REFUND_NOT_ALLOWED": "You cannot do a refund less than the original capture amount.",
    "MAX_NUMBER_OF_REFUNDS_EXCEEDED": "You have exceeded the maximum number of refund attempts for this capture.",
    "REFUND_TIME_LIMIT_EXCEEDED": "You are over the time limit to perform a refund on this capture",
    "REFUND_AMOUNT_TOO_LOW": (
        "The amount after applying currency conversion is zero and hence the capture cannot be refunded. The currency"
        " conversion is required because the currency of the capture is different than the currency in which the amount"
        " was settled into the payee account."
    ),
    "REFUND_FAILED_INSUFFICIENT_FUNDS": (
        "Capture could not be refunded due to insufficient funds. Please check to see if you have sufficient funds in"
        " your PayPal account or if the bank account linked to your PayPal account is verified and has sufficient"
        " funds."
    ),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A refund somebody asks for. `amount` None: all that is left."""

    amount: int | None = None
    currency: str = ""
    fee_back: int = 0
    invoice_id: str = ""
    custom_id: str = ""
    note: str = ""
    client_id: str = ""
    rate: Decimal | None = None
    fails: bool = False  # ends FAILED instead of COMPLETED, when it starts PENDING


def refund(world: World, merchant: Merchant, capture: Capture, *, wanted: Wanted, at: int) -> Refund:
    """Give money back. Refused with PayPal's issues; COMPLETED at once unless `refund_delay_s` is set."""
    amount = capture.left if wanted.amount is None else wanted.amount
    _check(world, merchant, capture, amount=amount, wanted=wanted, at=at)
    sale = capture.sale
    made = Refund(
        world.mint.transaction(), capture.id, wanted.client_id, amount, sale.currency, "PENDING", wanted.fee_back, at,
        at, invoice_id=wanted.invoice_id or sale.invoice_id, custom_id=wanted.custom_id or _inherited(sale.custom_id),
        note=wanted.note, rate=wanted.rate,
    )  # fmt: skip
    capture.refunded += amount
    capture.refund_ids.append(made.id)
    made.total = capture.refunded
    capture.status = "PARTIALLY_REFUNDED" if capture.left else "REFUNDED"
    capture.updated = at
    merchant.refunds[made.id] = made
    delay = world.span(world.knobs.refund_delay_s)
    if not delay:
        complete(world, merchant, made, at)
        return made
    made.row = merchant.ledger.post(_row(world, made, "P", at))
    tell(world, made, "PAYMENT.REFUND.PENDING", at)
    ending = fail if wanted.fails else complete
    world.later(at + delay, lambda then: ending(world, merchant, made, then))
    return made


def _inherited(custom_id: str) -> str:
    # A refund's custom_id allows fewer characters than a capture's: one with others is not carried over.
    return custom_id if _CUSTOM.fullmatch(custom_id) else ""


def _check(world: World, merchant: Merchant, capture: Capture, *, amount: int, wanted: Wanted, at: int) -> None:
    if wanted.custom_id and not _CUSTOM.fullmatch(wanted.custom_id):
        text = "The value of a field does not conform to the expected format."
        raise bad("INVALID_PARAMETER_SYNTAX", text, field="/custom_id", value=wanted.custom_id)
    knobs, partly = world.knobs, amount < capture.left
    reasons = (
        (capture.status == "PENDING", "PENDING_CAPTURE"),
        (capture.status in {"DECLINED", "FAILED"}, "REFUND_NOT_ALLOWED"),
        (capture.charged_back, "REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK"),
        (not capture.left, "CAPTURE_FULLY_REFUNDED"),
        (wanted.currency not in {"", capture.sale.currency}, "REFUND_CAPTURE_CURRENCY_MISMATCH"),
        (amount > capture.left, "REFUND_AMOUNT_EXCEEDED"),
        (bool(capture.dispute_id) and partly, "TRANSACTION_DISPUTED"),
        (not knobs.partial_refunds and amount < capture.sale.amount, "PARTIAL_REFUND_NOT_ALLOWED"),
        (len(capture.refund_ids) >= knobs.refund_limit, "MAX_NUMBER_OF_REFUNDS_EXCEEDED"),
        (at - capture.created > knobs.refund_days * DAY, "REFUND_TIME_LIMIT_EXCEEDED"),
        (wanted.fee_back > min(capture.fee, amount), "REFUND_NOT_ALLOWED"),
    )
    for holds, issue in reasons:
        if holds:
            raise unprocessable(issue, _TEXTS[issue])
    _check_funds(world, merchant, capture, amount - wanted.fee_back)


def _check_funds(world: World, merchant: Merchant, capture: Capture, debit: int) -> None:
    currency = capture.sale.currency
    if capture.rate is not None:
        debit = convert(debit, capture.rate, source=currency, target=merchant.currency)
        currency = merchant.currency
        if not debit:
            raise unprocessable("REFUND_AMOUNT_TOO_LOW", _TEXTS["REFUND_AMOUNT_TOO_LOW"])
    if world.knobs.refunds_need_funds and merchant.ledger.available(currency) < debit:
        raise unprocessable("REFUND_FAILED_INSUFFICIENT_FUNDS", _TEXTS["REFUND_FAILED_INSUFFICIENT_FUNDS"])


def complete(world: World, merchant: Merchant, made: Refund, at: int) -> None:
    """The money goes: T1107, the fee given back, and the conversion back where the sale was converted."""
    capture = merchant.captures[made.capture_id]
    made.status, made.updated = "COMPLETED", at
    inside = made.fee_back if world.knobs.fee_back_as == "amount" else 0
    if made.row is None:
        made.row = merchant.ledger.post(_row(world, made, "S", at))
    else:
        made.row = merchant.ledger.change(made.row, at, status="S", affects_balance=True, fee=inside or None)
    if made.fee_back and not inside:
        back = Row(
            world.mint.transaction(), "T1109", "S", made.currency, made.fee_back, at, at, reference=capture.id,
            invoice_id=made.invoice_id,
        )  # fmt: skip
        merchant.ledger.post(late(world, back))
    if capture.rate is not None:
        made.rate = made.rate or capture.rate
        net = made.amount - made.fee_back
        made.receivable_currency = merchant.currency
        made.debited = convert(net, made.rate, source=made.currency, target=merchant.currency)
        if world.knobs.conversion_rows:
            named = made.id if world.knobs.refund_conversion_names == "refund" else capture.id
            exchange(world, merchant, {made.currency: net, merchant.currency: -made.debited}, at, reference=named)
    tell(world, made, "PAYMENT.CAPTURE.REFUNDED", at)
    world.refunded(merchant, made, at)


def fail(world: World, merchant: Merchant, made: Refund, at: int) -> None:
    """A pending refund comes to nothing: the capture is refundable again."""
    capture = merchant.captures[made.capture_id]
    made.status, made.updated = "FAILED", at
    capture.refunded -= made.amount
    capture.status = "PARTIALLY_REFUNDED" if capture.refunded else "COMPLETED"
    capture.updated = at
    if made.row is not None:
        made.row = merchant.ledger.change(made.row, at, status="D")
    tell(world, made, "PAYMENT.REFUND.FAILED", at)


def _row(world: World, made: Refund, status: str, at: int) -> Row:
    inside = made.fee_back if status == "S" and world.knobs.fee_back_as == "amount" else 0
    row = Row(
        made.id, "T1107", status, made.currency, -made.amount, at, at, fee=inside or None, reference=made.capture_id,
        invoice_id=made.invoice_id, custom=made.custom_id, note=made.note, affects_balance=status == "S",
    )  # fmt: skip
    return late(world, row)


def tell(world: World, made: Refund, name: str, at: int) -> None:
    """An event about a refund, to the application that took the payment."""
    shown = show(world, made)
    world.desk.emit(made.client_id, name, shown, kind="refund", resource_id=made.id, at=at)


def show(world: World, made: Refund, *, minimal: bool = False) -> Json:
    """A refund as PayPal shows it: its capture is named by the `up` link alone."""
    links = [
        world.link(f"/v2/payments/refunds/{made.id}", "self"),
        world.link(f"/v2/payments/captures/{made.capture_id}", "up"),
    ]
    body: Json = {"id": made.id, "status": made.status}
    if made.status in {"PENDING", "FAILED"}:
        body["status_details"] = {"reason": "ECHECK"}
    if minimal:
        return body | {"links": links}
    body["amount"] = wire(made.amount, made.currency)
    body |= {"invoice_id": made.invoice_id} if made.invoice_id else {}
    body |= {"custom_id": made.custom_id} if made.custom_id else {}
    body |= {"note_to_payer": made.note} if made.note else {}
    net = made.amount - made.fee_back
    payable: Json = {"gross_amount": wire(made.amount, made.currency), "paypal_fee": wire(made.fee_back, made.currency)}
    payable |= {"net_amount": wire(net, made.currency), "total_refunded_amount": wire(made.total, made.currency)}
    if made.debited is not None:
        debited = wire(made.debited, made.receivable_currency)
        rate = {"source_currency": made.currency, "target_currency": made.receivable_currency, "value": str(made.rate)}
        payable["net_amount_in_receivable_currency"] = debited
        payable["net_amount_breakdown"] = [
            {"payable_amount": wire(net, made.currency), "converted_amount": debited, "exchange_rate": rate}
        ]
    body["seller_payable_breakdown"] = payable
    return body | {"create_time": stamp(made.created), "update_time": stamp(made.updated), "links": links}
