"""The webhook door: verify the very bytes, note what they say changed, and nothing else before the answer.

What is known of doors and accounts is looked up elsewhere (`door_rows`, or `door_line` in a process that has no
database), so that this needs few parts.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from ml_connector.clock import Clock, micros
from ml_connector.connectors.shapes import Delivered, Vouchable, Webhooks
from ml_connector.errors import BadSignature, TooLarge, UsageError
from ml_connector.store.ids import Ids
from ml_connector.store.notices import Notice

_FRESH_S = 10.0  # a rotated key is known to every process within this time
PATH_BYTES = 24
KEY_FIELD = "signature_key"


_Whose: TypeAlias = "tuple[str | None, str | None]"  # workspace, connection
_AccountName: TypeAlias = "tuple[str, str | None, str]"  # connector, workspace of the door, account
_Account: TypeAlias = "tuple[float, tuple[str, str] | None]"  # read when; workspace and connection


@dataclass(frozen=True, slots=True)
class OpenDoor:
    """A door with its keys, as long as it is fresh."""

    door_id: str
    connector: str
    workspace_id: str | None
    connection_id: str | None
    url: str
    keys: tuple[str, ...]
    webhooks: Webhooks
    body_limit: int


class Lookup(Protocol):
    """Where doors are known. Both may take their time and raise StorageUnavailable."""

    def door(self, path_secret: str) -> OpenDoor | None:
        """The door with this secret in its path."""
        ...

    def account(self, door: OpenDoor, account_ref: str) -> tuple[str, str] | None:
        """Workspace and connection of an account at this door."""
        ...

    def vouch(self, connection_id: str, key: str, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether the vendor itself says that it sent this to a connection's door. Calls out."""
        ...


@dataclass(slots=True)
class Doors:
    """The doors of this process: looked up by the secret part of the path, kept for seconds. Safe between threads."""

    lookup: Lookup
    clock: Clock
    ids: Ids
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _open: dict[str, tuple[float, OpenDoor]] = field(default_factory=dict)  # by the secret in the path; looked up when
    _accounts: dict[_AccountName, _Account] = field(default_factory=dict)
    counted: dict[tuple[str, str], int] = field(default_factory=dict)

    def find(self, path_secret: str) -> OpenDoor | None:
        """The door with this secret in its path; None when there is none."""
        known = self.glance(path_secret)
        if known is not None:
            return known
        read_s = self.clock.monotonic()
        found = self.lookup.door(path_secret)
        with self._lock:
            if found is None or not found.keys:  # a vendor tries the address before we have learnt its key
                self._open.pop(path_secret, None)
            else:
                self._open[path_secret] = (read_s, found)
        return found

    def glance(self, path_secret: str) -> OpenDoor | None:
        """The door with this secret if it is remembered and fresh; never reads the database."""
        known = self._open.get(path_secret)
        return known[1] if known is not None and self.clock.monotonic() - known[0] < _FRESH_S else None

    def receive(
        self, door: OpenDoor, body: bytes, headers: Mapping[str, str], *, from_memory: bool = False
    ) -> list[Notice] | None:
        """The notices that a delivery makes. Raises BadSignature (401), TooLarge (413), Untranslatable (400).

        `from_memory` never reads the database, for an event loop: None where that is not enough.
        """
        if len(body) > door.body_limit:
            raise TooLarge(f"The body has {len(body)} bytes; this door takes {door.body_limit}.")
        if not body:
            self.count(door, "unsigned")
            raise BadSignature("The body is empty.")
        moment = self.clock.now()
        try:
            door.webhooks.verify(body, headers, url=door.url, keys=door.keys, now=moment)
        except BadSignature:
            self.count(door, "bad signature")
            raise
        delivered = door.webhooks.read(body, headers)
        now = micros(moment)
        notices = []
        for one in delivered:
            whose = self._whose(door, one.account_ref, from_memory=from_memory)
            if whose is None:
                return None
            notices.append(self._notice(door, one, whose, now))
        return notices

    def count(self, door: OpenDoor, what: str) -> None:
        """Count what happened at a door, for the metrics."""
        with self._lock:
            self.counted[door.connector, what] = self.counted.get((door.connector, what), 0) + 1

    def _notice(self, door: OpenDoor, one: Delivered, whose: _Whose, now: int) -> Notice:
        return Notice(
            id=self.ids.new(),
            door_id=door.door_id,
            kind=one.kind or "",
            external_id=one.external_id or "",
            received_at=now,
            workspace_id=whose[0],
            connection_id=whose[1],
            event_id=one.event_id,
            event_type=one.event_type,
            account_ref=one.account_ref,
            body=one.ignored,
        )

    def _whose(self, door: OpenDoor, account_ref: str | None, *, from_memory: bool) -> _Whose | None:
        """The workspace and connection of an account at this door; None where memory does not know."""
        if account_ref is None:
            return door.workspace_id, door.connection_id
        known = self._accounts.get((door.connector, door.workspace_id, account_ref))
        if known is not None and self.clock.monotonic() - known[0] < _FRESH_S:
            found = known[1]
        elif from_memory:
            return None
        else:
            found = self._read_account(door, account_ref)
        return found or (door.workspace_id, None)  # another account than this door's: kept, and told

    def _read_account(self, door: OpenDoor, account_ref: str) -> tuple[str, str] | None:
        read_s = self.clock.monotonic()
        found = self.lookup.account(door, account_ref)
        with self._lock:
            # Two workspaces may have the same shop.
            self._accounts[door.connector, door.workspace_id, account_ref] = (read_s, found)
        return found


def with_opinion(lookup: Lookup, webhooks: Webhooks, connection_id: str | None) -> Webhooks:
    """A door whose vendor can be asked is given somebody who asks, in whichever process has the credentials."""
    if connection_id is None or not isinstance(webhooks, Vouchable):
        return webhooks
    return webhooks.through(lambda key, headers, body: lookup.vouch(connection_id, key, headers, body))


def path_hash(path_secret: str) -> str:
    """Doors are kept by the hash of their path: who reads the database cannot ring."""
    return hashlib.sha256(path_secret.encode()).hexdigest()


def new_path_secret() -> str:
    """The secret part of a new door's path."""
    return secrets.token_urlsafe(PATH_BYTES)


def door_url(public_url: str, connector: str, path_secret: str) -> str:
    """The exact address to register with the vendor."""
    if not public_url:
        raise UsageError("The public address of this install is not set.", fix="Set MLC_PUBLIC_URL.")
    return f"{public_url.rstrip('/')}/hooks/{connector}/{path_secret}"
