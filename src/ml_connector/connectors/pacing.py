"""How fast we call: a bucket of calls a second, and a number in flight. A connector says how many its vendor bears."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import ClassVar, Protocol, Self

from ml_connector.errors import ConfigurationError


class Ticking(Protocol):
    """A clock handed in: the machine's, or one that a test moves."""

    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...
    def sleep(self, seconds: float) -> None: ...


class Pacer:
    """Lets `per_second` calls begin each second (that many at once after a pause) and `at_once` be in flight."""

    system: ClassVar[str]  # as people call it
    requests_per_second: ClassVar[float]
    calls_at_once: ClassVar[int] = 4

    def __init__(self, clock: Ticking, *, per_second: float | None = None, at_once: int | None = None) -> None:
        self._clock = clock
        self._rate = per_second or self.requests_per_second
        self._room = max(1.0, self._rate)
        self._left = self._room
        self._filled_at = clock.monotonic()
        self._lock = threading.Lock()
        self._flights = threading.BoundedSemaphore(at_once or self.calls_at_once)

    @classmethod
    def of(cls, settings: Mapping[str, str], clock: Ticking, *, per_second: float | None = None) -> Self:
        """As the settings `requests_per_second` and `calls_at_once` say. Raises ConfigurationError for nonsense."""
        rate = cls._number(settings, "requests_per_second", per_second or cls.requests_per_second)
        return cls(
            clock, per_second=rate, at_once=max(1, int(cls._number(settings, "calls_at_once", cls.calls_at_once)))
        )

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

    @classmethod
    def _number(cls, settings: Mapping[str, str], name: str, default: float) -> float:
        text = settings.get(name) or str(default)
        try:
            value = float(text)
        except ValueError:
            value = 0.0
        if not 0.01 <= value <= 1000:
            raise ConfigurationError(
                f"The {cls.system} setting {name} is {text!r}; it must be a number from 0.01 to 1000."
            )
        return value
