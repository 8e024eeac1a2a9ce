"""What the answers to our own writes showed of invoices: good for the one look that follows, and not for long.

An answer that arrived whole shows the invoice as Stripe has it after that write. What was lost on the way, what Stripe
only repeats from before, and what this process did not write itself is read for real.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from ml_connector.connectors.pacing import Ticking
from ml_connector.connectors.shapes import Observed
from ml_connector.connectors.stripe import seen

GOOD_FOR = timedelta(minutes=2)  # a round of writing takes a minute at most, and the look follows it
MOST = 10_000


class Shown:
    """Invoices by id as the last answer showed them. Thread-safe; each is told once."""

    def __init__(self, clock: Ticking) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[datetime, Observed]] = {}

    def keep(self, row: Mapping[str, Any]) -> None:
        """The invoice as an answer of this moment shows it."""
        one = seen.invoice(row)
        with self._lock:
            if len(self._kept) >= MOST:
                self._kept.clear()
            self._kept[one.remote_id] = (self._clock.now(), one)

    def take(self, remote_id: str, *, token: str) -> Observed | None:
        """What is known of an invoice of ours, if it is young enough; it is not known any more then."""
        with self._lock:
            at, one = self._kept.pop(remote_id, (None, None))
        if at is None or one is None or self._clock.now() - at > GOOD_FOR:
            return None
        return one if token in one.tokens else None

    def forget(self, remote_id: str) -> None:
        """Whatever was shown of it counts no longer."""
        with self._lock:
            self._kept.pop(remote_id, None)
