"""Obtained tokens: kept in memory, renewed before they expire, by one thread at a time for each connection."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from ml_connector.errors import Transient
from ml_connector.vault.credentials import Secret

RENEW_AT = 0.8  # of a token's life: a refusal then leaves a fifth of it to try again in
RENEW_BEFORE = timedelta(seconds=60)  # a call may take 40 s and must not be overtaken by the expiry
PAUSE_AFTER_FAILURE = timedelta(seconds=15)  # while the old token still serves, a failing token server is left alone


class Now(Protocol):
    """Anything that tells the time; the clock of the process, or a test's."""

    def now(self) -> datetime:
        """The present moment, aware UTC."""
        ...


@dataclass(frozen=True, slots=True)
class Token:
    """An access token as a vendor gave it. `expires_at` None means that it does not expire by itself."""

    value: Secret
    expires_at: datetime | None

    def __post_init__(self) -> None:
        if self.expires_at is not None and self.expires_at.tzinfo is None:
            raise ValueError("a token's expiry needs a time zone")


class TokenCache:
    """Tokens by key, usually (workspace, connection)."""

    def __init__(self, clock: Now) -> None:
        self._clock = clock
        self._slots: dict[Hashable, _Slot] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, obtain: Callable[[], Token]) -> Secret:
        """The token of `key`, obtained or renewed first when it is due.

        One thread calls `obtain`; while it does, others use the token that still serves, or wait and share the outcome,
        an error too. If renewing fails with Transient and the old token still serves, that one is returned.
        """
        slot = self._slot(key)
        flights, held = slot.flights, slot.held  # in this order: a flight that ends between the two is then noticed
        now = self._clock.now()
        if held is not None and now < held.renew_at:
            return held.token.value
        still_serving = held.token.value if held is not None and held.serves(now) else None
        if not slot.lock.acquire(blocking=still_serving is None) and still_serving is not None:
            return still_serving
        try:
            if slot.flights != flights:
                return slot.outcome(now)
            return self._renew(slot, obtain)
        finally:
            slot.lock.release()

    def forget(self, key: Hashable, refused: Secret) -> None:
        """Drop a token that the vendor has refused, unless it was renewed meanwhile: ten refusals make one renewal."""
        slot = self._slot(key)
        with slot.lock:
            if slot.held is not None and slot.held.token.value == refused:
                slot.held = None

    def _slot(self, key: Hashable) -> _Slot:
        with self._lock:
            return self._slots.setdefault(key, _Slot())

    def _renew(self, slot: _Slot, obtain: Callable[[], Token]) -> Secret:
        """Call `obtain` and note what came of it. The slot's lock is held."""
        asked_at = self._clock.now()
        slot.failure = None
        try:
            token = obtain()
            slot.held = _Held(token, _renew_at(token, asked_at))
        except Transient as failure:
            if slot.held is None or not slot.held.serves(asked_at):
                slot.held, slot.failure = None, failure
                raise
            slot.held = _Held(slot.held.token, asked_at + PAUSE_AFTER_FAILURE)
        except Exception as failure:
            slot.held, slot.failure = None, failure
            raise
        finally:
            slot.flights += 1
        return slot.held.token.value


@dataclass(frozen=True, slots=True)
class _Held:
    token: Token
    renew_at: datetime

    def serves(self, now: datetime) -> bool:
        return self.token.expires_at is None or now < self.token.expires_at


class _Slot:
    """What is known of one key. Changed only under its lock; read without, since each attribute is one value."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.held: _Held | None = None
        self.failure: Exception | None = None
        self.flights = 0

    def outcome(self, now: datetime) -> Secret:
        """What the thread that went before us brought back."""
        if self.held is None or not self.held.serves(now):
            raise self.failure or Transient("The token was dropped while others waited for it.")
        return self.held.token.value


def _renew_at(token: Token, obtained_at: datetime) -> datetime:
    """When 80 % of the life is over or a minute before its end, whichever is first, but never in its first half."""
    if token.expires_at is None:
        return datetime.max.replace(tzinfo=obtained_at.tzinfo)
    life = token.expires_at - obtained_at
    return max(obtained_at + life / 2, min(obtained_at + life * RENEW_AT, token.expires_at - RENEW_BEFORE))
