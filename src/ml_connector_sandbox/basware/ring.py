"""One webhook posted at once and waited for: how a ConnectionTest is made during the call that subscribes."""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from ml_connector_sandbox.core.wire import Delivery

TIMEOUT_S = 5.0


def ring(delivery: Delivery) -> int | None:
    """The status the receiver answers; None when there is none in time."""
    parts = urlsplit(delivery.url)
    make = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = make(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
    try:
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        connection.request("POST", path, delivery.body, dict(delivery.headers))
        return connection.getresponse().status
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()
