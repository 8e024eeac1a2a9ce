"""Captures and refunds of PayPal's payments interface. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Literal
from urllib.parse import urlsplit

from ml_connector.connectors.paypal import LIVE_HOSTS, SANDBOX_HOSTS
from ml_connector.connectors.paypal.fields import Fields
from ml_connector.finance.documents import Capture, Converted, Refund
from ml_connector.finance.money import Money

CAPTURE_STATES: Mapping[str, Literal["pending", "completed", "canceled", "failed"]] = {
    "PENDING": "pending",
    "COMPLETED": "completed",
    "PARTIALLY_REFUNDED": "completed",  # money came; what went back are refunds of their own
    "REFUNDED": "completed",
    "DECLINED": "failed",
    "FAILED": "failed",
}
REFUND_STATES: Mapping[str, Literal["pending", "completed", "rejected", "failed"]] = {
    "PENDING": "pending",
    "COMPLETED": "completed",
    "CANCELLED": "rejected",
    "FAILED": "failed",
}
HOSTS = LIVE_HOSTS | SANDBOX_HOSTS | {"127.0.0.1", "localhost", "::1"}
_CAPTURE_PATH = re.compile(r"/v2/payments/captures/([A-Za-z0-9_-]{1,60})")


def capture_of(capture: Fields) -> Capture:
    """A capture. Its fee is None while PayPal has not stated one (pending): never a zero that nobody said."""
    amount = capture.positive("amount")
    breakdown = capture.part_or_none("seller_receivable_breakdown")
    fee, net = _breakdown(breakdown, amount)
    related = capture.part("supplementary_data").part("related_ids")
    created = capture.moment("create_time")
    return Capture(
        id=capture.id("id"),
        state=CAPTURE_STATES.get(capture.text("status"), "pending"),
        means="wallet",
        amount=amount,
        tip=Money.zero(amount.currency),
        total=amount,
        location=None,
        order_id=related.id_or_none("order_id"),
        customer_id=None,
        occurred_at=created,
        updated_at=capture.moment_or_none("update_time") or created,
        fee=fee,
        reference=capture.text("invoice_id"),
        net=net,
        invoice_number=capture.text("invoice_id"),
        custom_id=capture.text("custom_id"),
        converted=_received(breakdown),
    )


def refund_of(refund: Fields) -> Refund:
    """A refund: its own amount, not the running total. No field names its capture: a link does."""
    amount = refund.positive("amount")
    breakdown = refund.part_or_none("seller_payable_breakdown")
    fee, net = _breakdown(breakdown, amount)
    created = refund.moment("create_time")
    return Refund(
        id=refund.id("id"),
        state=REFUND_STATES.get(refund.text("status"), "pending"),
        amount=amount,
        payment_id=_captured_by(refund),
        return_order_id=None,
        location=None,
        means=None,
        occurred_at=created,
        updated_at=refund.moment_or_none("update_time") or created,
        reason=refund.text("note_to_payer"),
        by_processor=True,
        fee_returned=fee,
        net=net,
        invoice_number=refund.text("invoice_id"),
        custom_id=refund.text("custom_id"),
        converted=_paid_back(breakdown),
    )


def _breakdown(breakdown: Fields | None, amount: Money) -> tuple[Money | None, Money | None]:
    """Fee and net, proven: gross - fee - platform fees = net. Only the gross amount is always there.

    Platform fees, a partner's share, are booked by rows of their own in the report.
    """
    if breakdown is None:
        return None, None
    currency = amount.currency
    gross = breakdown.money_or_none("gross_amount", currency)
    if gross is not None and gross != amount:
        breakdown.fail("gross_amount", f"is {gross} while the amount is {amount}")
    shares = [row.positive("amount", currency) for row in breakdown.parts("platform_fees")]
    taken = sum(share.minor for share in shares)
    fee = breakdown.money_or_none("paypal_fee", currency)
    if fee is not None and fee.minor < 0:
        breakdown.fail("paypal_fee", "is below zero")
    net = breakdown.money_or_none("net_amount", currency)
    if fee is None and net is not None and "paypal_fee_in_receivable_currency" not in breakdown.node:
        fee = Money(amount.minor - taken - net.minor, currency)
        if fee.minor < 0:
            breakdown.fail("net_amount", f"is {net}, more than the amount of {amount}")
    if fee is not None and net is not None and amount.minor - fee.minor - taken != net.minor:
        breakdown.fail("net_amount", f"is {net} while amount and fees make {amount - fee - Money(taken, currency)}")
    return fee, net


def _received(breakdown: Fields | None) -> Converted | None:
    """What a capture brought where the account holds another currency."""
    amount = breakdown.money_or_none("receivable_amount") if breakdown is not None else None
    if breakdown is None or amount is None:
        return None
    return Converted(amount, _rate(breakdown, "exchange_rate"), _fee_there(breakdown, amount.currency))


def _paid_back(breakdown: Fields | None) -> Converted | None:
    """What a refund took where the account holds another currency."""
    if breakdown is None:
        return None
    amount = breakdown.money_or_none("net_amount_in_receivable_currency")
    rows = [row for row in breakdown.parts("net_amount_breakdown") if row.node.get("converted_amount") is not None]
    if amount is None and len(rows) == 1:
        amount = rows[0].money("converted_amount")
    if amount is None:
        return None
    rate = _rate(rows[0], "exchange_rate") if len(rows) == 1 else None
    return Converted(amount, rate, _fee_there(breakdown, amount.currency))


def _rate(owner: Fields, key: str) -> Decimal | None:
    rate = owner.part_or_none(key)
    return rate.decimal_or_none("value") if rate is not None else None


def _fee_there(breakdown: Fields, currency: str) -> Money | None:
    return breakdown.money_or_none("paypal_fee_in_receivable_currency", currency)


def _captured_by(refund: Fields) -> str | None:
    """The capture behind `rel=up`, on a host and path of PayPal alone; else None: the report row names it."""
    for link in refund.parts("links"):
        if link.text("rel") != "up":
            continue
        try:
            parts = urlsplit(link.text("href"))
            host = parts.hostname
        except ValueError:
            continue
        found = _CAPTURE_PATH.fullmatch(parts.path)
        if found is not None and host in HOSTS:
            return found[1]
    return None
