"""Balance transactions: the complete ledger of an account, in its settlement currencies."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ml_connector_sandbox.stripe import events
from ml_connector_sandbox.stripe.currencies import times, usual_rate
from ml_connector_sandbox.stripe.refusals import Json
from ml_connector_sandbox.stripe.state import Book
from ml_connector_sandbox.stripe.times import seconds


@dataclass(frozen=True, slots=True)
class Movement:
    """Money that moves, in the currency of the event; `rate` is settlement per event currency, in API amounts."""

    amount: int
    currency: str
    type: str
    category: str
    source: str
    fee: int = 0  # in settlement currency
    rate: Decimal | None = None
    description: str | None = None
    at_once: bool = False  # available now, as of payouts and their returns


def settlement(book: Book, currency: str) -> str:
    """The currency a charge of that currency settles in."""
    return currency if currency in book.account.settles else book.account.currency


def rate_for(book: Book, currency: str, given: Decimal | None = None) -> Decimal | None:
    """The rate into the settlement currency; None when it is the same one."""
    target = settlement(book, currency)
    return None if target == currency else given or usual_rate(currency, target)


def fee_for(book: Book, amount: int, currency: str, rate: Decimal | None) -> int:
    """The processing fee by the knobs' model, in settlement currency."""
    knobs = book.world.knobs
    settled = amount if rate is None else times(amount, rate)
    return times(settled, Decimal(knobs.fee_percent) / 100) + knobs.fee_fixed


def post(book: Book, movement: Movement, now: int) -> Json:
    """Write one line of the ledger; net = amount - fee, always."""
    currency = settlement(book, movement.currency)
    rate = rate_for(book, movement.currency, movement.rate)
    amount = movement.amount if rate is None else times(movement.amount, rate)
    wait = 0 if movement.at_once else book.world.delay(book.world.knobs.available_s)
    kind = "stripe_fee"
    details = [{"amount": movement.fee, "application": None, "currency": currency,
                "description": _FEES.get(movement.category, "Stripe processing fees"), "type": kind}]  # fmt: skip
    row: Json = {
        "id": book.key("balance_transaction"), "object": "balance_transaction", "amount": amount,
        "available_on": seconds(now + wait), "balance_type": "payments", "created": seconds(now),
        "currency": currency, "description": movement.description,
        "exchange_rate": None if rate is None else float(rate), "fee": movement.fee,
        "fee_details": details if movement.fee else [], "net": amount - movement.fee,
        "reporting_category": movement.category, "source": movement.source,
        "status": "available" if movement.at_once else "pending", "type": movement.type,
    }  # fmt: skip
    events.made(book, row, now)
    if movement.category != "payout":
        book.unpaid.append(row["id"])
    return row


_FEES = {"dispute": "Dispute fee", "dispute_reversal": "Dispute fee"}
