"""Square's webhook door: who signed these bytes, and what they ask us to read. Pure.

There is no freshness check: Square repeats a failed delivery for 24 hours with the first body and signature, so an
old one is legal. A replayed delivery does no harm: its event id is known, and it is only a hint to read the present
state.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NoReturn

from pydantic_core import from_json

from ml_connector.connectors.shapes import Delivered
from ml_connector.connectors.square import successions
from ml_connector.connectors.square.fields import MAX_ID, moment_of
from ml_connector.errors import BadSignature, Untranslatable

SIGNATURE_HEADER = "x-square-hmacsha256-signature"

# event type -> kind, the key inside data.object (None: the object is not sent, data.id is the id), the key of the id
# in it
EVENTS: Mapping[str, tuple[str, str | None, str]] = {
    **{f"payment.{what}": ("payment", "payment", "id") for what in ("created", "updated")},
    **{f"refund.{what}": ("refund", "refund", "id") for what in ("created", "updated")},
    "order.created": ("order", "order_created", "order_id"),
    "order.updated": ("order", "order_updated", "order_id"),
    **{
        f"invoice.{what}": ("invoice", "invoice", "id")
        for what in (
            "created",
            "published",
            "updated",
            "payment_made",
            "refunded",
            "canceled",
            "scheduled_charge_failed",
        )
    },
    "invoice.deleted": ("invoice", None, "id"),
    **{f"customer.{what}": ("customer", "customer", "id") for what in ("created", "updated", "deleted")},
    **{f"vendor.{what}": ("vendor", "vendor", "id") for what in ("created", "updated")},
    **{f"payout.{what}": ("payout", "payout", "id") for what in ("sent", "paid", "failed")},
    **{f"location.{what}": ("location", None, "id") for what in ("created", "updated")},
    **{f"dispute.{what}": ("dispute", "dispute", "id") for what in ("created", "state.updated", "state.changed")},
}
PUBLISHED = "invoice.published"  # it carries the date of issue, which no read of the invoice gives
PUBLICATION, PARTED = "publication", "@"  # the record of that date, named by the invoice and the moment
# fetching kind "authorization" asks Square and raises NotAuthorized, which pauses
REVOKED = "oauth.authorization.revoked"
RETIRED = "dispute.state.changed"  # read when it comes; no new subscription can name it
SUBSCRIBED = (*(kind for kind in EVENTS if kind != RETIRED), REVOKED)

NOT_READ: Mapping[str, str] = {
    "order.fulfillment.updated": "Fulfilment moves no money.",
    "catalog.version.updated": "Articles that rules ask about are read again every quarter of an hour.",
    **{f"dispute.evidence.{what}": "Evidence moves no money." for what in ("added", "created", "deleted", "removed")},
}


class SquareWebhooks:
    """The verifying half of the door."""

    def verify(self, body: bytes, headers: Mapping[str, str], *, url: str, keys: Sequence[str], now: datetime) -> None:
        """Raise BadSignature unless one of the keys signed `url` + these bytes.

        `url` is the subscription's own text, to the letter.

        Several keys live side by side while one is rotated. An empty body is refused, as Square's own SDK does.
        """
        del now  # see the module's first lines
        given = headers.get(SIGNATURE_HEADER)
        if not given:
            raise BadSignature(f"The header {SIGNATURE_HEADER} is missing.")
        if not body:
            raise BadSignature("The body is empty.")
        if not any(_signed(body, given, url=url, key=key) for key in keys if key):
            raise BadSignature("No signature key of this door made this signature.")

    def read(self, body: bytes, headers: Mapping[str, str]) -> list[Delivered]:
        """The one event in the bytes: what to fetch, or why it is ignored.

        Raises Untranslatable for bodies that are no event.
        """
        del headers
        return all_of(_parsed(body))


WEBHOOKS = SquareWebhooks()


def all_of(event: object) -> list[Delivered]:
    """What an event tells, and beside it what no later read gives: when an invoice was published, who became whom."""
    told = delivered(event)
    if told.external_id is None or not isinstance(event, dict):
        return [told]
    if told.kind == "customer":
        names = successions.named_in(event)
        return [told, *(_beside(told, successions.KIND, name, mark=f"{n}") for n, name in enumerate(names))]
    if told.event_type != PUBLISHED or told.occurred_at is None:
        return [told]
    name = f"{told.external_id}{PARTED}{told.occurred_at.isoformat()}"
    return [told, _beside(told, PUBLICATION, name)]


def _beside(told: Delivered, kind: str, external_id: str, *, mark: str = "") -> Delivered:
    return Delivered(
        event_id=f"{told.event_id}:{kind}{mark}" if told.event_id is not None else None,
        account_ref=told.account_ref,
        kind=kind,
        external_id=external_id,
        event_type=told.event_type,
        occurred_at=told.occurred_at,
    )


def delivered(event: object) -> Delivered:
    """What one event says; the Events API gives the same shape.

    The id is taken from data.object where there is one: data.id is another id for vendors, catalogue and revocations.
    """
    if not isinstance(event, dict):
        _refuse("is no JSON object", "(body)")
    kind_of_event = event.get("type")
    if type(kind_of_event) is not str or not kind_of_event or len(kind_of_event) > MAX_ID:
        _refuse("has no event type", "type")
    account = _id(event.get("merchant_id"))
    kind, external_id, ignored = _named(kind_of_event, event, account)
    return Delivered(
        event_id=_id(event.get("event_id")),
        account_ref=account,
        kind=kind,
        external_id=external_id,
        event_type=kind_of_event,
        occurred_at=_moment(event.get("created_at")),
        ignored=ignored,
    )


def _named(event_type: str, event: Mapping[str, Any], account: str | None) -> tuple[str | None, str | None, str | None]:
    """kind, external id, why ignored."""
    if event_type == REVOKED:
        return "authorization", account or _refuse("names no merchant", "merchant_id"), None
    known = EVENTS.get(event_type)
    if known is None:
        return None, None, NOT_READ.get(event_type, f"Events of type {event_type} are not needed for the books.")
    kind, inside, key = known
    field = "data.id" if inside is None else f"data.object.{inside}.{key}"
    node = _object(event.get("data"))
    if inside is not None:
        node = _object(_object(node.get("object")).get(inside))
    found = _id(node.get(key)) or (_id(node.get("dispute_id")) if kind == "dispute" else None)
    return kind, found or _refuse("names nothing to read", field), None


def _signed(body: bytes, given: str, *, url: str, key: str) -> bool:
    making = _begun(key, url).copy()
    making.update(body)
    return hmac.compare_digest(base64.b64encode(making.digest()), given.encode("utf-8", "replace"))


@lru_cache(maxsize=256)
def _begun(key: str, url: str) -> hmac.HMAC:
    """The signature as far as the address: the same in every delivery to a door."""
    return hmac.new(key.encode("utf-8", "replace"), url.encode("utf-8", "replace"), hashlib.sha256)


def _parsed(body: bytes) -> object:
    """Only names are taken from it, so numbers need not be exact; the parser at hand takes half the time of json's."""
    try:
        return from_json(body, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        raise Untranslatable(f"The delivery is no JSON text: {type(error).__name__}.", field="(body)") from None


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _id(value: object) -> str | None:
    return value if type(value) is str and 0 < len(value) <= MAX_ID and value.isprintable() else None


def _moment(value: object) -> datetime | None:
    """A delivery never fails on its time: what cannot be read is left out."""
    return moment_of(value) if type(value) is str else None


def _refuse(what: str, field: str) -> NoReturn:
    raise Untranslatable(f"The delivery {what}.", field=field)
