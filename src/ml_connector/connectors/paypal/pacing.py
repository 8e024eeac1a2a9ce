"""How fast we call: PayPal publishes no limits. Five calls a second for one app, and one report at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from ml_connector.connectors import pacing
from ml_connector.connectors.pacing import Ticking


class Pacer(pacing.Pacer):
    """Spaces the calls of one app, reports one by one."""

    system = "PayPal"
    requests_per_second = 5.0

    def __init__(self, clock: Ticking, *, per_second: float | None = None, at_once: int | None = None) -> None:
        super().__init__(clock, per_second=per_second, at_once=at_once)
        self._reports = threading.Lock()

    @contextmanager
    def turn(self, *, report: bool = False) -> Iterator[None]:
        """Wait for a turn and hold it for the length of one call."""
        with self._reports if report else nullcontext(), super().turn():
            yield
