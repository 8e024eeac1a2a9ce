"""WooCommerce's webhook door: who signed these bytes, and what they ask us to read. Pure.

Signatures carry no time, so a replayed delivery is valid for ever: harmless, as it only asks to read the present state.
The delivery id is made of webhook and second, several orders share one: nothing is deduplicated by it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NoReturn

from pydantic_core import SchemaValidator, core_schema

from ml_connector.connectors.deliveries import event_in
from ml_connector.connectors.shapes import Delivered
from ml_connector.connectors.woocommerce.fields import id_of, moment_of
from ml_connector.connectors.woocommerce.sales import DRAFTS
from ml_connector.errors import BadSignature, Untranslatable

SIGNATURE_HEADER = "x-wc-webhook-signature"
TOPIC_HEADER = "x-wc-webhook-topic"
SOURCE_HEADER = "x-wc-webhook-source"
KINDS: Mapping[str, str] = {"order": "order", "customer": "customer"}
EVENTS = frozenset({"created", "updated", "deleted", "restored"})
SUBSCRIBED = (
    *(f"order.{event}" for event in ("created", "updated", "deleted", "restored")),
    *(f"customer.{event}" for event in ("created", "updated", "deleted")),
)
MAX_REFUNDS = 100  # named beside their order; more are found by polling
_PING = re.compile(rb"webhook_id=\d{1,20}")
_MAX_SOURCE = 300

# What is read of a body. It holds a whole order, of which hardly anything is needed: the rest is checked to be JSON and
# never made into values, which takes a quarter of the time.
_ANYTHING = core_schema.typed_dict_field(core_schema.any_schema(), required=False)
_NEEDED = ("id", "code", "status", "date_modified_gmt", "refunds")
_EVENT = SchemaValidator(
    core_schema.typed_dict_schema(dict.fromkeys(_NEEDED, _ANYTHING), extra_behavior="ignore", strict=True)
)


class WooWebhooks:
    """The verifying half of the door."""

    def verify(self, body: bytes, headers: Mapping[str, str], *, url: str, keys: Sequence[str], now: datetime) -> None:
        """Raise BadSignature unless one of the keys signed these very bytes.

        A ping is let in unsigned: the shop sends it while it makes a webhook, wants 200, and it asks for nothing.
        """
        del url, now  # neither is signed
        given = headers.get(SIGNATURE_HEADER)
        if not given:
            if is_ping(body):
                return
            raise BadSignature(f"The header {SIGNATURE_HEADER} is missing.")
        if not any(_signed(body, given, key) for key in keys if key):
            raise BadSignature(
                "No signature key of this door made this signature.",
                fix="If somebody changed the webhook's secret in the shop: after seven refusals it gives the webhook "
                "up, and it is made anew. Deleting it there and `ml-connector webhook watch` do so at once.",
            )

    def read(self, body: bytes, headers: Mapping[str, str]) -> list[Delivered]:
        """What to fetch, or why it is ignored: the order and its refunds, or the customer.

        Raises Untranslatable for bodies that are no event.
        """
        if is_ping(body):
            return [Delivered(None, None, None, None, "ping", None, ignored="The shop tries a webhook's address.")]
        return list(_delivered(_parsed(body), headers))


WEBHOOKS = WooWebhooks()


def is_ping(body: bytes) -> bool:
    """Whether these bytes are the form that a shop posts when a webhook is made."""
    return _PING.fullmatch(body.strip()) is not None


def signature(body: bytes, key: str) -> str:
    """The signature header of these bytes."""
    return _signature(body, key).decode()


@lru_cache(maxsize=256)  # every delivery names its shop
def source_ref(address: object) -> str | None:
    """A shop's own address as the name of its account: without the slash at its end, host in lower case."""
    if type(address) is not str or not 0 < len(address) <= _MAX_SOURCE or not address.isprintable():
        return None
    scheme, found, rest = address.strip().rstrip("/").partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme.lower()}://{host.lower()}{slash}{path}" if found and host else None


def _delivered(event: Any, headers: Mapping[str, str]) -> Iterator[Delivered]:
    if not isinstance(event, Mapping):
        _refuse("is no JSON object", "(body)")
    topic = headers.get(TOPIC_HEADER, "").strip().lower()
    resource, _, happened = topic.partition(".")
    account, moment = source_ref(headers.get(SOURCE_HEADER)), moment_of(event.get("date_modified_gmt"))

    def told(kind: str | None, external_id: str | None, ignored: str | None = None) -> Delivered:
        return Delivered(None, account, kind, external_id, topic or "(no topic)", moment, ignored)

    if not topic:
        _refuse("has no topic", TOPIC_HEADER)
    if resource not in KINDS or happened not in EVENTS:
        yield told(None, None, f"Events of topic {topic[:60]} are not needed for the books.")
        return
    id_ = id_of(event.get("id"))
    if id_ is None and type(event.get("code")) is str:
        # refused on purpose: taken, it would come like this for ever
        _refuse("is an error, because the user who made the webhook has lost its rights; it will be made anew", "code")
    if id_ is None:
        _refuse("names nothing to read", "id")
    if resource == "order" and event.get("status") in tuple(DRAFTS):
        yield told(None, None, "A cart that is no order yet.")
        return
    yield told(KINDS[resource], id_)
    for refund_id in _refunds(event) if resource == "order" else ():
        yield told("refund", f"{id_}:{refund_id}")


def _refunds(order: Mapping[str, Any]) -> Iterator[str]:
    found = order.get("refunds")
    for one in found[:MAX_REFUNDS] if isinstance(found, list) else ():
        if isinstance(one, Mapping) and (refund_id := id_of(one.get("id"))):
            yield refund_id


def _signed(body: bytes, given: str, key: str) -> bool:
    return hmac.compare_digest(_signature(body, key), given.strip().encode("utf-8", "replace"))


def _signature(body: bytes, key: str) -> bytes:
    making = _begun(key).copy()
    making.update(body)
    return base64.b64encode(making.digest())


@lru_cache(maxsize=256)
def _begun(key: str) -> hmac.HMAC:
    """A signature before its body: the same in every delivery to a door."""
    return hmac.new(key.encode("utf-8", "replace"), digestmod=hashlib.sha256)


def _parsed(body: bytes) -> object:
    """What is needed of the event in the bytes; whatever else they are, where they are no object."""
    try:
        return _EVENT.validate_json(body)
    except ValueError:
        return event_in(body)


def _refuse(what: str, field: str) -> NoReturn:
    raise Untranslatable(f"The delivery {what}.", field=field)
