"""PayPal's own word for deliveries whose certificate cannot be had here: asked beside the door, kept by the bytes.

The door never waits and keeps nothing that is not verified: it answers 503, and PayPal sends the delivery again. Asked
meanwhile, PayPal has said by then whether these very bytes are its own for this webhook.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta

from ml_connector.connectors.paypal.certificates import Vouch, in_background
from ml_connector.connectors.paypal.doorkeys import DoorKey

KEPT = timedelta(days=4)  # PayPal repeats a delivery for three days
PAUSE = timedelta(seconds=2)  # between two questions, whoever sends us what
AT_ONCE = 2
MOST = 10_000


class Vouched:
    """What PayPal called genuine. Thread-safe; nothing here waits."""

    def __init__(self, *, run: Callable[[Callable[[], None]], None] = in_background) -> None:
        self._run = run
        self._good: OrderedDict[bytes, datetime] = OrderedDict()
        self._asking: set[bytes] = set()
        self._asked_at: datetime | None = None
        self._lock = threading.Lock()

    def knows(self, door: DoorKey, body: bytes, *, now: datetime) -> bool:
        """Whether PayPal has said that these bytes are its own, for this webhook."""
        if not self._good:
            return False
        with self._lock:
            at = self._good.get(_name(door, body))
        return at is not None and now - at < KEPT

    def ask(self, door: DoorKey, body: bytes, vouch: Vouch, *, now: datetime) -> bool:
        """Have PayPal asked, unless that is under way or was done a moment ago; whether it was set going."""
        name = _name(door, body)
        with self._lock:
            waits = self._asked_at is not None and timedelta(0) <= now - self._asked_at < PAUSE
            if waits or name in self._asking or len(self._asking) >= AT_ONCE:
                return False
            self._asking.add(name)
            self._asked_at = now
        self._run(lambda: self._learn(name, vouch, now))
        return True

    def _learn(self, name: bytes, vouch: Vouch, now: datetime) -> None:
        good = False
        try:
            good = vouch()
        finally:
            with self._lock:
                self._asking.discard(name)
                if good:
                    self._good[name] = now
                while len(self._good) > MOST:
                    self._good.popitem(last=False)


def _name(door: DoorKey, body: bytes) -> bytes:
    return hashlib.sha256(f"{door.environment}|{door.webhook_id}|".encode() + body).digest()
