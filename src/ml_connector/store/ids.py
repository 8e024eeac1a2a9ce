"""Ids: 26 characters of text that sort by the time they were made (the ULID layout: 48 bits of ms, 80 of chance)."""

from __future__ import annotations

import os
import random
import threading
from datetime import datetime
from typing import Protocol

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no I, L, O, U to misread
_LENGTH = 26
# Ten bits at a time: ids are made by the thousand.
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_SHIFTS = range(10 * (_LENGTH // 2 - 1), -1, -10)
_CHANCE_BITS = 80


class TellsTime(Protocol):
    """Anything with a present moment."""

    def now(self) -> datetime: ...


class SystemChance(random.SystemRandom):
    """The system's chance, drawn by the page: each call of the kernel gives the interpreter away.

    Not safe between threads by itself; `Ids` asks under its lock.
    """

    _PAGE = 4_096
    _left = b""

    def getrandbits(self, k: int, /) -> int:
        """`k` bits as a number."""
        size = (k + 7) // 8
        if len(self._left) < size:
            self._left = os.urandom(max(self._PAGE, size))
        taken, self._left = self._left[:size], self._left[size:]
        return int.from_bytes(taken, "big") >> (8 * size - k)


class Ids:
    """Makes ids from a clock and a source of chance (`SystemChance()` in earnest, a seeded one in tests).

    Ids of one instance rise strictly, even within a millisecond and when the clock is set back. Safe between threads.
    """

    def __init__(self, clock: TellsTime, chance: random.Random) -> None:
        self._clock = clock
        self._chance = chance
        self._last = 0
        self._lock = threading.Lock()

    def new(self) -> str:
        """The next id."""
        milliseconds = int(self._clock.now().timestamp() * 1000)
        with self._lock:
            if milliseconds > self._last >> _CHANCE_BITS:
                self._last = (milliseconds << _CHANCE_BITS) | self._chance.getrandbits(_CHANCE_BITS)
            else:
                # A step of chance, not one, so that a neighbour's id cannot be guessed.
                self._last += 1 + self._chance.getrandbits(32)
            return _spelled(self._last)


def least_at(moment_us: int) -> str:
    """No id that was made from this moment on (microseconds) sorts before this text."""
    return _spelled(moment_us // 1000 << _CHANCE_BITS)


def _spelled(number: int) -> str:
    return "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])
