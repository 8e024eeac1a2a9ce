"""How fast we call Square, for one access token: it publishes no limits."""

from __future__ import annotations

from ml_connector.connectors import pacing


class Pacer(pacing.Pacer):
    """Spaces the calls of one access token."""

    system = "Square"
    requests_per_second = 10.0
