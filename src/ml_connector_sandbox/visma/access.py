"""Who may come in: token requests as Visma Connect answers them, tenant approval, scopes, rate windows."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from urllib.parse import parse_qsl, unquote

from ml_connector_sandbox.core.wire import Request, Response, json_response
from ml_connector_sandbox.visma.company import SCOPES, Company
from ml_connector_sandbox.visma.refusal import Gateway

WINDOW_S = 3600
POLICY = "4-fixed-window"
SCOPE_OF_METHOD = dict(zip(("GET", "POST", "PUT", "DELETE"), SCOPES, strict=True))


@dataclass(slots=True)
class Session:
    """What a token stands for. `company` is None for a customer tenant: a token exists, every call is 401."""

    client_id: str
    tenant_id: str
    company: Company | None
    scopes: frozenset[str]
    expires_at: datetime


@dataclass(slots=True)
class Window:
    """The calls of one hour for one company and client."""

    started: int
    used: int = 0


@dataclass(slots=True)
class Access:
    """Clients, tokens and rate windows of the whole installation."""

    random: Random
    token_life_s: int = 3600
    limit: int = 15_000
    unapproved_error: str = "unauthorized_client"
    secrets: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    limits: dict[tuple[str, str], int] = field(default_factory=dict)
    windows: dict[tuple[str, str], Window] = field(default_factory=dict)

    def token(self, request: Request, tenants: dict[str, Company], at: datetime) -> Response:
        """Answer a token request."""
        form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        client_id, secret = _credentials(request, form)
        if form.get("grant_type") != "client_credentials":
            return _oauth(400, "unsupported_grant_type")
        if not client_id or self.secrets.get(client_id) != secret:
            return _oauth(401, "invalid_client")
        wanted, tenant_id = form.get("scope", "").split(), form.get("tenant_id", "")
        if not tenant_id or not wanted:
            return _oauth(400, "invalid_request")
        company = tenants.get(tenant_id)
        if company is None or company.client_id != client_id or company.approval != "approved":
            return _oauth(400, self.unapproved_error)
        if not set(wanted) <= set(company.scopes):
            return _oauth(400, "invalid_scope")
        known = company if tenant_id == company.tenant_id else None
        scopes = frozenset(wanted)
        session = Session(client_id, tenant_id, known, scopes, at + timedelta(seconds=self.token_life_s))
        token = self._minted(session)
        self.sessions[token] = session
        answer = {
            "access_token": token,
            "expires_in": self.token_life_s,
            "token_type": "Bearer",
            "scope": " ".join(wanted),
        }
        return json_response(200, answer, (("Cache-Control", "no-store"),))

    def session(self, request: Request) -> Session | None:
        """What the bearer token stands for, expired or not; None for a token nobody gave."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        return self.sessions.get(token.strip()) if kind.lower() == "bearer" else None

    def admitted(self, session: Session | None, needed: str, at: datetime) -> Company:
        """The company this call is about. Raises Gateway: 401 for the token, 403 for a missing scope."""
        if session is None or session.expires_at <= at or session.company is None:
            raise Gateway(401, "Unauthorized. Access token is missing or invalid.")
        if session.company.approval != "approved":
            raise Gateway(401, "Unauthorized. The application has no access to the tenant.")
        if needed not in session.scopes:
            raise Gateway(403, f"Forbidden. The scope {needed} is required.")
        return session.company

    def expire(self, tenant_id: str | None) -> int:
        """Make tokens worthless, of one tenant or of all. Gives how many."""
        gone = [token for token, session in self.sessions.items() if tenant_id in (None, session.tenant_id)]
        for token in gone:
            del self.sessions[token]
        return len(gone)

    def count(self, session: Session, at: datetime) -> tuple[bool, tuple[tuple[str, str], ...]]:
        """Count one call. Gives whether it is within the limit, and the headers every answer carries."""
        key = (session.tenant_id, session.client_id)
        second = int(at.timestamp())
        window = self.windows.get(key)
        if window is None or window.started != second // WINDOW_S:
            window = self.windows[key] = Window(second // WINDOW_S)
        limit = self.limits.get(key, self.limit)
        within = window.used < limit
        window.used += within
        reset = str(WINDOW_S - second % WINDOW_S)
        headers = (
            ("X-RateLimit-Limit", str(limit)),
            ("X-RateLimit-Remaining", str(limit - window.used if limit > window.used else 0)),
            ("X-RateLimit-Reset", reset),
            ("X-RateLimit-Policy", POLICY),
        )
        return within, headers if within else (*headers, ("Retry-After", reset))

    def _minted(self, session: Session) -> str:
        claims: dict[str, object] = {"client_id": session.client_id, "tenant_id": session.tenant_id}
        claims |= {"scope": sorted(session.scopes), "exp": int(session.expires_at.timestamp())}
        claims["jti"] = f"{self.random.getrandbits(64):016x}"
        parts = (_base64url(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "at+jwt"}, claims))
        return ".".join((*parts, _base64url(self.random.randbytes(32))))


def _credentials(request: Request, form: dict[str, str]) -> tuple[str, str]:
    kind, _, encoded = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        client_id, _, secret = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote(client_id), unquote(secret)


def _oauth(status: int, error: str) -> Response:
    return json_response(status, {"error": error}, (("Cache-Control", "no-store"),))


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
