"""Time as a small object, so that tests own it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment, aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds on a clock that never jumps."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class HandClock(Clock):
    """A clock that moves only when told to: for tests and simulations."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._ran = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._ran

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
        self._ran += seconds

    def jump(self, to: datetime) -> None:
        """Set the wall clock, as an operator or a bad time server would; the monotonic clock does not notice."""
        self._now = to


def micros(moment: datetime) -> int:
    """Aware datetime -> integer microseconds since 1970 UTC, the form in which the store keeps times.

    Raises ValueError for a naive one.
    """
    if moment.tzinfo is None:
        raise ValueError("a naive datetime has no place on the time line")
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def moment(value: int) -> datetime:
    """Integer microseconds since 1970 -> aware UTC datetime."""
    return _EPOCH + timedelta(microseconds=value)
