"""Basware's webhook door: who signed these bytes, and which document they ask us to read. Pure.

How the HMAC is written is confirmed nowhere: hexadecimal (with or without `sha256=`) and base64 are taken. A
notification is a wake-up and no more: a replayed or forged one causes a read at most.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn

from ml_connector.connectors.basware.doorkeys import DoorKey, read_key
from ml_connector.connectors.deliveries import event_in
from ml_connector.connectors.shapes import Delivered
from ml_connector.errors import BadSignature, ConfigurationError, Untranslatable

MAX_ID = 300
TEST = "connectiontest"
DOCUMENTS = frozenset({"accountingdocuments", "accoutingdocuments"})  # the second is Basware's own spelling
STATUS = "requeststatus"
WAITING = frozenset({"waitingfortransfer", "waitingforprebook", "all", ""})


class BaswareWebhooks:
    """The verifying half of the door."""

    def verify(self, body: bytes, headers: Mapping[str, str], *, url: str, keys: Sequence[str], now: datetime) -> None:
        """Raise BadSignature unless one of the keys signed these very bytes.

        A connection test is let in unsigned, or while the door does not know its key yet: Basware sends it while it
        makes the subscription, wants 200, and it asks for nothing.
        """
        del url, now  # neither is signed
        doors = [_door(text) for text in keys if text]
        given = [(door, found) for door in doors if (found := headers.get(door.header, "").strip())]
        if not given:
            if is_test(body) and (not doors or not _looks_signed(headers)):
                return
            raise BadSignature(
                "The signature's header is missing.", fix="See the header's name with `ml-connector ping`."
            )
        if not any(_signed(body, signature, door.secret) for door, signature in given):
            raise BadSignature("No key of this door made this signature.")

    def read(self, body: bytes, headers: Mapping[str, str]) -> list[Delivered]:
        """The one notification: what to fetch, or why it is ignored. Raises Untranslatable for bodies that are none."""
        del headers
        return [_delivered(event_in(body))]


WEBHOOKS = BaswareWebhooks()


def is_test(body: bytes) -> bool:
    """Whether these bytes are the notification that tries a door."""
    try:
        found = event_in(body)
    except Untranslatable:
        return False
    return isinstance(found, Mapping) and _word(found.get("taskType")) == TEST


def signature(body: bytes, secret: str) -> str:
    """The signature of these bytes, in lower-case hexadecimal."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _signed(body: bytes, given: str, secret: str) -> bool:
    made = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    text = given[7:] if given[:7].lower() == "sha256=" else given
    as_hex = hmac.compare_digest(made.hex().encode(), text.lower().encode("utf-8", "replace"))
    as_base64 = hmac.compare_digest(base64.b64encode(made), text.encode("utf-8", "replace"))
    return as_hex or as_base64


def _looks_signed(headers: Mapping[str, str]) -> bool:
    return any("signature" in name.lower() for name in headers)


def _door(text: str) -> DoorKey:
    try:
        return read_key(text)
    except ConfigurationError as broken:
        raise BadSignature(broken.what, fix=broken.fix) from None


def _delivered(event: Any) -> Delivered:
    if not isinstance(event, Mapping):
        _refuse("is no JSON object", "(body)")
    task_type = event.get("taskType")
    if not isinstance(task_type, str) or not 0 < len(task_type) <= MAX_ID:
        _refuse("has no task type", "taskType")
    word, sub = _word(task_type), _word(event.get("taskSubType"))

    def told(kind: str | None, external_id: str | None, ignored: str | None = None) -> Delivered:
        name = f"{task_type}.{event.get('taskSubType')}" if sub else task_type
        return Delivered(_id(event.get("taskId")), None, kind, external_id, name[:MAX_ID], None, ignored)

    if word == TEST:
        return Delivered(None, None, None, None, "ConnectionTest", None, ignored="Basware tries the door's address.")
    if word == STATUS:
        return told(None, None, "Results of requests are read by the sweep.")
    if word not in DOCUMENTS or sub not in WAITING:
        return told(None, None, f"Notifications of {task_type[:60]} are not needed.")
    found = _id(event.get("documentId"))
    return told("accountingDocument", found or _refuse("names no document", "documentId"))


def _word(value: object) -> str:
    return value.strip().lower() if isinstance(value, str) else ""


def _id(value: object) -> str | None:
    return value if type(value) is str and 0 < len(value) <= MAX_ID and value.isprintable() else None


def _refuse(what: str, field: str) -> NoReturn:
    raise Untranslatable(f"The notification {what}.", field=field)
