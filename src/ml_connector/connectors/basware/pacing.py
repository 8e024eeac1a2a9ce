"""How fast we call: Basware publishes no limits ("fair use"). Five calls a second and two at once for one tenant."""

from __future__ import annotations

from ml_connector.connectors import pacing


class Pacer(pacing.Pacer):
    """Spaces the calls of one tenant."""

    system = "Basware"
    requests_per_second = 5.0
    calls_at_once = 2
