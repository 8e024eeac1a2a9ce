"""Stripe's webhook door: did Stripe sign these very bytes, and what do they ask us to read. Pure.

An event is a doorbell: whatever it carries is read again. Its shape follows the endpoint's version, and our endpoints
are made with the one we read.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn, TypedDict

from ml_connector.connectors.deliveries import events_of
from ml_connector.connectors.shapes import Delivered
from ml_connector.connectors.stripe.fields import id_in, moment_of
from ml_connector.errors import BadSignature, Untranslatable

HEADER = "stripe-signature"
SCHEME = "v1"
TOLERANCE_S = 300  # both ways: Stripe's own library lets a time far in the future pass
MAX_HEADER = 4000
MAX_SIGNATURES = 20
MAX_TYPE = 100
THIN = "v2.core.event"

EVENTS: Mapping[str, str] = {
    **{
        f"invoice.{what}": "invoice"
        for what in ("paid", "payment_succeeded", "payment_failed", "overpaid", "voided", "marked_uncollectible")
    },
    "invoice_payment.paid": "invoice_payment",
    **{f"charge.{what}": "charge" for what in ("succeeded", "failed", "captured", "updated", "refunded", "expired")},
    **{f"refund.{what}": "refund" for what in ("created", "updated", "failed")},
    "charge.refund.updated": "refund",
    **{
        f"charge.dispute.{what}": "dispute"
        for what in ("created", "updated", "closed", "funds_withdrawn", "funds_reinstated")
    },
    **{
        f"payout.{what}": "payout"
        for what in ("created", "updated", "paid", "failed", "canceled", "reconciliation_completed")
    },
}
SUBSCRIBED = tuple(EVENTS)
ALIASES: Mapping[str, str] = {
    "charge.completed": "charge.succeeded",
    **{f"dispute.{what}": f"charge.dispute.{what}" for what in ("created", "updated", "closed")},
}
"""Names that people use for events of Stripe."""
POLLED = (
    "invoice.paid", "invoice.voided", "invoice.overpaid", "invoice.marked_uncollectible", "invoice_payment.paid",
    "charge.succeeded", "charge.failed", "charge.updated", "refund.created", "refund.updated", "refund.failed",
    "charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed", "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated", "payout.paid", "payout.failed", "payout.canceled",
    "payout.reconciliation_completed",
)  # fmt: skip
"""What the list of events is asked for: it takes twenty names. That a payout begins its row in the account tells."""


class _Named(TypedDict, total=False):
    id: Any
    type: Any


class _Rows(TypedDict, total=False):
    data: list[_Named]


class _Thing(TypedDict, total=False):
    id: Any
    refunds: _Rows | None
    payment: _Named | None
    invoice: Any


class _Data(TypedDict, total=False):
    object: _Thing


class _Event(TypedDict, total=False):
    """What is looked at of an event."""

    id: Any
    object: Any
    type: Any
    account: Any
    created: Any
    data: _Data


_event_in = events_of(_Event)


class StripeWebhooks:
    """The verifying half of the door."""

    def verify(self, body: bytes, headers: Mapping[str, str], *, url: str, keys: Sequence[str], now: datetime) -> None:
        """Raise BadSignature unless one of the keys signed these bytes within five minutes of `now`.

        A key is the whole text whsec_..., as it is. Several serve while a secret is rolled, and Stripe then signs with
        several too.
        """
        del url  # Stripe does not sign its address
        at, given = signed_parts(headers.get(HEADER, ""))
        if abs(now.timestamp() - at) > TOLERANCE_S:
            raise BadSignature("The signature's time is too old or in the future.")
        right = False
        for key in filter(None, keys):  # an empty key would let anybody sign
            expected = signature(body, key, at=at).encode()
            for one in given:
                right |= hmac.compare_digest(expected, one.encode())
        if not right:
            raise BadSignature("No signing secret of this door fits the delivery.")

    def read(self, body: bytes, headers: Mapping[str, str]) -> list[Delivered]:
        """The one event in the bytes: what to fetch, or why it is ignored. Raises Untranslatable for no event."""
        del headers
        return [delivered(_event_in(body))]


WEBHOOKS = StripeWebhooks()


def signature(body: bytes, key: str, *, at: int) -> str:
    """What Stripe writes as v1: hex HMAC-SHA256 over time, dot and raw body."""
    return hmac.new(key.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def signed_parts(header: str) -> tuple[int, list[str]]:
    """The time and every v1 signature; v0 and unknown schemes are passed over. Raises BadSignature."""
    if not header or len(header) > MAX_HEADER:
        raise BadSignature("The header Stripe-Signature is missing or broken.")
    at: int | None = None
    given = []
    for piece in header.split(","):
        name, _, value = piece.strip().partition("=")
        if name == "t" and at is None:
            at = int(value) if value.isascii() and value.isdecimal() and len(value) < 13 else -1
        elif name == SCHEME and value:
            given.append(value)
    if at is None or at < 0:
        raise BadSignature("The signature has no time.")
    if not given or len(given) > MAX_SIGNATURES:
        raise BadSignature(f"The header holds no signature of scheme {SCHEME}.")
    return at, given


# ---------------------------------------------------------------------------------------------- what an event says


def delivered(event: object) -> Delivered:
    """What one event says. `account` stands in it for connected accounts alone."""
    if not isinstance(event, Mapping):
        _refuse("is no JSON object", "(body)")
    if event.get("object") == THIN:
        _refuse("is a thin event; make the endpoint with the snapshot payload", "object")
    if event.get("object") not in {None, "event"}:
        _refuse("is no event", "object")
    event_type = event.get("type")
    if type(event_type) is not str or not event_type or len(event_type) > MAX_TYPE:
        _refuse("has no event type", "type")
    kind, external_id, ignored = named(event_type, _object(_object(event.get("data")).get("object")))
    account = event.get("account")
    return Delivered(
        event_id=id_in(event.get("id")),
        account_ref=account if type(account) is str and account else None,
        kind=kind,
        external_id=external_id,
        event_type=event_type,
        occurred_at=moment_of(event.get("created")),
        ignored=ignored,
    )


def named(event_type: str, content: Mapping[str, Any]) -> tuple[str | None, str | None, str | None]:
    """kind, external id, why ignored."""
    kind = EVENTS.get(ALIASES.get(event_type, event_type))
    if kind is None:
        return None, None, f"Events of type {event_type} are not needed for the books."
    id_ = id_in(content)
    if event_type == "charge.refunded":  # the charge; older shapes hold the refunds, newest first
        refund = _newest(content.get("refunds"))
        kind, id_ = ("refund", refund) if refund else (kind, id_)
    if kind == "invoice_payment" and _object(content.get("payment")).get("type") == "payment_record":
        kind, id_ = "invoice", id_in(content.get("invoice"))  # money that people told of: the invoice says all of it
    return kind, id_ or _refuse("names nothing to read", "data.object.id"), None


def _newest(refunds: object) -> str | None:
    rows = _object(refunds).get("data")
    return id_in(rows[0]) if isinstance(rows, list) and rows else None


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _refuse(what: str, field: str) -> NoReturn:
    raise Untranslatable(f"The delivery {what}.", field=field)
