"""Is it alive, can it work, and how much did it do: for supervisors, load balancers and Prometheus."""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ml_connector.errors import ConnectorError
from ml_connector.store import setups
from ml_connector.web import metrics
from ml_connector.web.metrics import Seen

_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


@dataclass(frozen=True, slots=True)
class Health:
    """The three addresses. `token`: who may read the figures from elsewhere than this machine."""

    seen: Seen
    token: str | None = None

    def live(self, _request: Request) -> Response:
        """GET /health: the process answers. Touches nothing that could be slow."""
        return JSONResponse({"status": "live"})

    def ready(self, _request: Request) -> Response:
        """GET /ready: the database answers and the workers work."""
        missing = self._missing()
        return JSONResponse({"ready": not missing, "missing": missing}, status_code=503 if missing else 200)

    def figures(self, request: Request) -> Response:
        """GET /metrics: from this machine itself, or with `Authorization: Bearer <token>`."""
        if not (_is_here(request) or self._has_token(request)):
            return JSONResponse({"error": "Ask from this machine, or with the token."}, status_code=403)
        return Response(metrics.text(self.seen), media_type=metrics.CONTENT_TYPE)

    def _missing(self) -> list[str]:
        missing = []
        database = self.seen.works.database
        try:
            with database.reading() as c:
                setups.companies(c)
            with database.inbox_reading():
                pass
        except ConnectorError as fault:
            missing.append(f"database: {type(fault).code}")
        if self.seen.runtime is not None and self.seen.runtime.failure is not None:
            missing.append("workers")
        if self.seen.intake is not None and not self.seen.intake.alive:
            missing.append("intake")
        return missing

    def _has_token(self, request: Request) -> bool:
        given = request.headers.get("authorization", "")
        return bool(self.token) and hmac.compare_digest(given.encode(), f"Bearer {self.token}".encode())


def _is_here(request: Request) -> bool:
    """Asked by this machine itself; what a proxy on this machine passes on is not."""
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
