"""How fast we call: far below Stripe's limits, which it may lower for one account. A few calls at once."""

from __future__ import annotations

from collections.abc import Mapping

from ml_connector.connectors import pacing
from ml_connector.connectors.pacing import Ticking

SANDBOX_PER_SECOND = 5.0


class Pacer(pacing.Pacer):
    """Spaces the calls of one key."""

    system = "Stripe"
    requests_per_second = 15.0


def pacer_of(settings: Mapping[str, str], clock: Ticking, *, live: bool) -> Pacer:
    """As the setting `requests_per_second` says; test mode has lower limits."""
    return Pacer.of(settings, clock, per_second=None if live else SANDBOX_PER_SECOND)
