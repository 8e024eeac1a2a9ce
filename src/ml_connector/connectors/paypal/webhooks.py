"""PayPal's webhook door: did PayPal sign these very bytes for our webhook, and what do they ask us to read.

A signature is over transmission id | time | our webhook's id | CRC-32 of the raw body; the key to it is in a
certificate at an address the delivery names. `verify` looks only into the store of certificates; see there how it is
filled.
"""

from __future__ import annotations

import binascii
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, NoReturn, TypedDict

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from ml_connector.connectors.deliveries import events_of
from ml_connector.connectors.paypal.certificates import CertificateStore
from ml_connector.connectors.paypal.doorkeys import DoorKey, read_key
from ml_connector.connectors.paypal.fields import MAX_ID, moment_of
from ml_connector.connectors.paypal.vouching import Vouched
from ml_connector.connectors.shapes import Delivered, Opinion
from ml_connector.errors import BadSignature, ConfigurationError, Transient, Untranslatable

ALGORITHM = "SHA256withRSA"
OLDEST = timedelta(days=4)  # PayPal repeats a delivery for three days
EARLIEST = timedelta(minutes=5)
RETRY_AFTER_S = 30.0
MAX_HEADER = 2000
_PADDING, _HASH = PKCS1v15(), SHA256()
SIGNED = tuple(f"paypal-{name}" for name in (
    "auth-algo", "cert-url", "transmission-id", "transmission-sig", "transmission-time",
))  # fmt: skip
"""The headers that PayPal is shown when it is asked about a delivery."""

INVOICE_EVENTS = tuple(
    f"INVOICING.INVOICE.{what}" for what in ("CREATED", "SCHEDULED", "UPDATED", "PAID", "REFUNDED", "CANCELLED")
)
EVENTS: Mapping[str, str] = {
    **{f"PAYMENT.CAPTURE.{what}": "capture" for what in ("COMPLETED", "PENDING", "DECLINED", "DENIED")},
    "PAYMENT.CAPTURE.REFUNDED": "refund",  # its resource is the refund
    "PAYMENT.CAPTURE.REVERSED": "refund",  # or a capture: its own link tells
    **{f"PAYMENT.REFUND.{what}": "refund" for what in ("COMPLETED", "PENDING", "FAILED")},
    **dict.fromkeys(INVOICE_EVENTS, "invoice"),
    **{f"CUSTOMER.DISPUTE.{what}": "dispute" for what in ("CREATED", "UPDATED", "RESOLVED")},
}
SUBSCRIBED = tuple(EVENTS)
NOT_READ: Mapping[str, str] = {
    **{f"PAYMENT.AUTHORIZATION.{what}": "An authorization moves no money." for what in ("CREATED", "VOIDED")},
    **{
        f"CHECKOUT.{what}": "An order moves no money; its capture has an event of its own."
        for what in ("ORDER.APPROVED", "ORDER.COMPLETED", "PAYMENT-APPROVAL.REVERSED")
    },
    **{
        f"PAYMENT.SALE.{what}": "A payment of the old interface is read from the report."
        for what in ("COMPLETED", "REFUNDED", "REVERSED", "PENDING", "DENIED")
    },
}


class _Link(TypedDict, total=False):
    rel: Any
    href: Any


class _Named(TypedDict, total=False):
    id: Any


class _Resource(TypedDict, total=False):
    id: Any
    dispute_id: Any
    invoice: _Named
    links: list[_Link]


class _Event(TypedDict, total=False):
    """What is looked at of an event."""

    id: Any
    event_type: Any
    create_time: Any
    resource: _Resource


_event_in = events_of(_Event)


class Transmission(NamedTuple):
    """The signed parts of a delivery's headers."""

    id: str
    time: str
    signature: bytes
    certificate: str

    def message(self, webhook_id: str, body: bytes) -> bytes:
        """What PayPal signs: its own header texts to the letter, the CRC of the raw body as an unsigned number."""
        return f"{self.id}|{self.time}|{webhook_id}|{zlib.crc32(body) & 0xFFFFFFFF}".encode()


Ask = Callable[[DoorKey, Mapping[str, str], bytes], bool]
"""Asks PayPal's own interface whether a delivery is genuine: (door, headers, raw body)."""


class PayPalWebhooks:
    """The verifying half of the door. `ask` is PayPal's own word, where a certificate cannot be had or proven here."""

    def __init__(
        self, certificates: CertificateStore, *, ask: Ask | None = None, vouched: Vouched | None = None
    ) -> None:
        self.certificates = certificates
        self.vouched = vouched or Vouched()
        self._ask = ask

    def through(self, opinion: Opinion) -> PayPalWebhooks:
        """The same door for one connection, through which PayPal itself can be asked."""

        def ask(door: DoorKey, headers: Mapping[str, str], body: bytes) -> bool:
            return opinion(door.text(), {name: headers.get(name, "") for name in SIGNED}, body)

        return PayPalWebhooks(self.certificates, ask=ask, vouched=self.vouched)

    def verify(self, body: bytes, headers: Mapping[str, str], *, url: str, keys: Sequence[str], now: datetime) -> None:
        """Raise BadSignature unless PayPal signed these bytes for one of our webhooks. `keys` are texts of DoorKey.

        Raises Transient while the certificate is not here: the door answers 503 and PayPal sends it again. By then
        PayPal was asked about these bytes, if the certificate cannot be had.
        """
        del url  # PayPal signs the webhook's id, not its address
        sent = transmission_of(headers, now=now)
        if not body:
            raise BadSignature("The body is empty.")
        doors = [_door(text) for text in keys if text]
        if not doors:
            raise BadSignature("This door knows no webhook id yet.", fix="Run `ml-connector ping`, or enter the id.")
        if any(self._signed_by_held(door, sent, body, now=now) for door in doors):
            return
        reachable = [door for door in doors if door.allows(sent.certificate)]
        if not reachable:
            raise BadSignature("The certificate's address is none of PayPal's for this environment.")
        if any(self._signed(door, sent, body, headers, now=now) for door in reachable):
            return
        raise BadSignature("The signature does not fit the body and this door's webhook id.")

    def read(self, body: bytes, headers: Mapping[str, str]) -> list[Delivered]:
        """The one event in the bytes: what to fetch, or why it is ignored. Raises Untranslatable for no event."""
        del headers
        return [delivered(_event_in(body))]

    def _signed_by_held(self, door: DoorKey, sent: Transmission, body: bytes, *, now: datetime) -> bool:
        """Whether a proven key, got from where this door allows, made the signature: nearly every delivery."""
        key = self.certificates.held(sent.certificate, door, now=now)
        return key is not None and _fits(key, sent.signature, sent.message(door.webhook_id, body))

    def _signed(
        self, door: DoorKey, sent: Transmission, body: bytes, headers: Mapping[str, str], *, now: datetime
    ) -> bool:
        message = sent.message(door.webhook_id, body)

        def fits(key: RSAPublicKey) -> bool:
            return _fits(key, sent.signature, message)

        key = self.certificates.held(sent.certificate, door, now=now)
        if self.vouched.knows(door, body, now=now):
            return True
        ask = self._ask
        vouch = (lambda: ask(door, headers, body)) if ask is not None else None
        asked = self.certificates.ask_for(sent.certificate, door, now=now, check=fits, vouch=vouch)
        after = self.certificates.held(sent.certificate, door, now=now)
        if after is not None and after is not key and fits(after):
            return True
        # Rotated under the same address: the new one is on its way. Otherwise what we hold is new enough to judge by.
        if after is None or (asked and after is key):
            problem = self.certificates.problem(sent.certificate, door)
            if problem and vouch is not None:
                self.vouched.ask(door, body, vouch, now=now)
            raise Transient(
                problem or "PayPal's certificate is being fetched.",
                record=sent.certificate,
                retry_after_s=RETRY_AFTER_S,
            )
        return False


WEBHOOKS = PayPalWebhooks(CertificateStore())


def transmission_of(headers: Mapping[str, str], *, now: datetime) -> Transmission:
    """The signed headers. Raises BadSignature for missing, foreign, old or future ones."""
    found = []
    for one in SIGNED:
        value = headers.get(one, "")
        if not value or len(value) > MAX_HEADER or "|" in value:
            raise BadSignature(f"The header {one} is missing or broken.")
        found.append(value)
    algorithm, certificate, name, signed, time = found
    if algorithm != ALGORITHM:
        raise BadSignature(f"The signature is not of {ALGORITHM}.")
    at = moment_of(time)
    if at is None or now - at > OLDEST or at - now > EARLIEST:
        raise BadSignature("The transmission's time is too old, in the future or none.")
    try:
        signature = binascii.a2b_base64(signed, strict_mode=True)
    except (binascii.Error, ValueError):
        raise BadSignature("The signature is no base64.") from None
    return Transmission(name, time, signature, certificate)


def _door(text: str) -> DoorKey:
    try:
        return read_key(text)
    except ConfigurationError as broken:
        raise BadSignature(broken.what, fix=broken.fix) from None


def _fits(key: RSAPublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message, _PADDING, _HASH)
    except InvalidSignature:
        return False
    return True


# ---------------------------------------------------------------------------------------------- what an event says


def delivered(event: object) -> Delivered:
    """What one event says. PayPal names no account in it: the door's connection is the one."""
    if not isinstance(event, dict):
        _refuse("is no JSON object", "(body)")
    event_type = event.get("event_type")
    if type(event_type) is not str or not event_type or len(event_type) > MAX_ID:
        _refuse("has no event type", "event_type")
    kind, external_id, ignored = _named(event_type, _object(event.get("resource")))
    created = event.get("create_time")
    return Delivered(
        event_id=_id(event.get("id")),
        account_ref=None,
        kind=kind,
        external_id=external_id,
        event_type=event_type,
        occurred_at=moment_of(created) if type(created) is str else None,
        ignored=ignored,
    )


def _named(event_type: str, resource: Mapping[str, Any]) -> tuple[str | None, str | None, str | None]:
    """kind, external id, why ignored."""
    kind = EVENTS.get(event_type)
    if kind is None:
        return None, None, NOT_READ.get(event_type, f"Events of type {event_type} are not needed for the books.")
    if kind == "invoice":  # seen as the invoice itself and as one that holds it
        found = _id(resource.get("id")) or _id(_object(resource.get("invoice")).get("id"))
    elif kind == "dispute":
        found = _id(resource.get("dispute_id")) or _id(resource.get("id"))
    else:
        found = _id(resource.get("id"))
        kind = _linked(resource) or kind
    return kind, found or _refuse("names nothing to read", "resource.id"), None


def _linked(resource: Mapping[str, Any]) -> str | None:
    """Capture or refund, as the resource's own link says."""
    links = resource.get("links")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("rel") == "self" and isinstance(link.get("href"), str):
            for kind in ("capture", "refund"):
                if f"/v2/payments/{kind}s/" in link["href"]:
                    return kind
    return None


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _id(value: object) -> str | None:
    return value if type(value) is str and 0 < len(value) <= MAX_ID and value.isprintable() else None


def _refuse(what: str, field: str) -> NoReturn:
    raise Untranslatable(f"The delivery {what}.", field=field)
