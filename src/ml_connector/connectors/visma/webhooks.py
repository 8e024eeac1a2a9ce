"""Webhook deliveries: verified over the raw bytes, read leniently, worth no more than "go and read this".

The vendor's texts name neither the signature header nor the body's fields, so any header with "signature" in its name
is tried, and the body is searched for what it may say. Nothing can be deduplicated by an id we cannot trust.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from ml_connector.connectors.shapes import Delivered
from ml_connector.errors import BadSignature, Untranslatable

MAX_DEPTH = 4

# Part of an event or resource name, lower case -> the kind that is read.
_KINDS = (
    ("purchaseorder", "purchaseorder"),
    ("apinvoice", "supplierInvoice"),
    ("supplierinvoice", "supplierInvoice"),
    ("arinvoice", "customerinvoice"),
    ("customerinvoice", "customerinvoice"),
    ("supplier", "supplier"),
    ("customer", "customer"),
)
_NUMBER = ("referencenumber", "refnbr", "entitynumber", "number", "entityid", "ordernbr", "resourceid", "key", "id")
_TENANT = ("tenantid", "tenant_id", "companyid", "company_id", "tenant")
_EVENT = ("eventtype", "eventname", "event", "type", "topic", "name")
_RESOURCE = ("resourceurl", "resourceuri", "resource", "url", "uri", "location")
_ENTITY = ("entity", "entityname", "entitytype")
_TYPE = ("documenttype", "doctype")


class VismaWebhooks:
    """The verifying half of a Visma door."""

    def verify(self, body: bytes, headers: Mapping[str, str], *, url: str, keys: Sequence[str], now: datetime) -> None:
        """base64(HMAC-SHA256(key, body)) in any signature header, with or without `sha256=`. Raises BadSignature."""
        del url, now  # neither is part of what this vendor signs
        given = [_bare(value) for name, value in headers.items() if "signature" in name.lower()]
        if not given:
            raise BadSignature("The delivery carries no signature header.")
        right = False
        for key in filter(None, keys):  # an empty key would let anybody sign
            expected = base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()
            for value in given:
                right |= hmac.compare_digest(expected.encode(), value.encode())
        if not right:
            raise BadSignature("No signature key of this door fits the delivery.")

    def read(self, body: bytes, headers: Mapping[str, str]) -> list[Delivered]:
        """What a delivery says: kind and number where it names them. Raises Untranslatable when it is no event."""
        del headers
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            raise Untranslatable("The delivery is not JSON.", field="body") from None
        events = content if isinstance(content, list) else [content]
        if not all(isinstance(event, dict) for event in events):
            raise Untranslatable("The delivery is no event.", field="body")
        return [_delivered(event) for event in events]


def _delivered(event: Mapping[str, Any]) -> Delivered:
    fields: dict[str, str] = {}
    for name, value in _scalars(event):
        fields.setdefault(name, value)
    kind_of_event, resource = _first(fields, _EVENT), _first(fields, _RESOURCE)
    kind = _kind(resource) or _kind(_first(fields, _ENTITY)) or _kind(kind_of_event)
    parts = _path(resource)
    number = parts[-1] if parts else _first(fields, _NUMBER)
    if kind == "supplierInvoice" and number and "/" not in number:
        stated = parts[-2] if len(parts) > 1 and _kind(parts[-2]) is None else ""
        number = f"{stated or _first(fields, _TYPE) or 'Invoice'}/{number}"
    ignored = None
    if kind is None or not number:
        kind, number, ignored = None, "", f"{kind_of_event or 'an event without a name'} names nothing that is read"
    return Delivered(
        event_id=None,
        account_ref=_first(fields, _TENANT) or None,
        kind=kind,
        external_id=number or None,
        event_type=kind_of_event,
        occurred_at=None,
        ignored=ignored,
    )


def _scalars(content: Any, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Every text and number in the event with its lower-case name, outermost first."""
    if not isinstance(content, Mapping) or depth > MAX_DEPTH:
        return
    inner = []
    for name, value in content.items():
        if isinstance(value, str | int) and not isinstance(value, bool):
            yield str(name).lower(), str(value)
        else:
            inner += value if isinstance(value, list) else [value]
    for value in inner:
        yield from _scalars(value, depth + 1)


def _kind(name: str) -> str | None:
    plain = "".join(letter for letter in name.lower() if letter.isalnum())
    return next((kind for part, kind in _KINDS if part in plain), None)


def _path(resource: str) -> list[str]:
    """The parts of a resource's path, the number last; the URL itself is never called."""
    return [unquote(part) for part in urlsplit(resource).path.split("/") if part] if "/" in resource else []


def _first(fields: Mapping[str, str], names: Sequence[str]) -> str:
    return next((fields[name] for name in names if fields.get(name)), "")


def _bare(value: str) -> str:
    value = value.strip()
    return value[7:] if value.lower().startswith("sha256=") else value


WEBHOOKS = VismaWebhooks()
