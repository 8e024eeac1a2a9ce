"""How fast we call: far below Stripe's limits, which it may lower for one account. A few calls at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol

from ml_connector.errors import ConfigurationError

LIVE_PER_SECOND = 15.0
SANDBOX_PER_SECOND = 5.0
CALLS_AT_ONCE = 4


class Ticking(Protocol):
    """A clock handed in: the machine's, or one that a test moves."""

    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...
    def sleep(self, seconds: float) -> None: ...


class Pacer:
    """Spaces the calls of one key: a bucket of a second's calls, `at_once` in flight."""

    def __init__(self, clock: Ticking, *, per_second: float, at_once: int = CALLS_AT_ONCE) -> None:
        self._clock = clock
        self._rate = per_second
        self._room = max(1.0, per_second)
        self._left = self._room
        self._filled_at = clock.monotonic()
        self._lock = threading.Lock()
        self._flights = threading.BoundedSemaphore(at_once)

    @classmethod
    def of(cls, settings: Mapping[str, str], clock: Ticking, *, live: bool) -> Pacer:
        """As the setting `requests_per_second` says. Raises ConfigurationError for nonsense."""
        text = settings.get("requests_per_second") or str(LIVE_PER_SECOND if live else SANDBOX_PER_SECOND)
        try:
            rate = float(text)
        except ValueError:
            rate = 0.0
        if not 0.01 <= rate <= 1000:
            raise ConfigurationError(
                f"The Stripe setting requests_per_second is {text!r}; it must be a number from 0.01 to 1000."
            )
        return cls(clock, per_second=rate)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn and hold it for the length of one call."""
        with self._flights:
            wait = self._take()
            if wait > 0:
                self._clock.sleep(wait)
            yield

    def _take(self) -> float:
        """Take one call, owing it when there is none left; the seconds to wait until it is there."""
        with self._lock:
            now = self._clock.monotonic()
            self._left = min(self._room, self._left + (now - self._filled_at) * self._rate) - 1.0
            self._filled_at = now
            return max(0.0, -self._left / self._rate)
