"""The pretend Square as one thing: a request in, an answer out; control verbs; webhooks that are due."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from ml_connector_sandbox.core.instants import micros
from ml_connector_sandbox.core.wire import Delivery, Request, Response, json_response, segments
from ml_connector_sandbox.square import control, invoices, oauth, routes
from ml_connector_sandbox.square.calls import Call, read_body
from ml_connector_sandbox.square.faults import Refused, bad
from ml_connector_sandbox.square.shelves import Stored, dumps
from ml_connector_sandbox.square.state import Merchant, World
from ml_connector_sandbox.square.webhooks import Desk

# Releases of the Square API this sandbox admits to know; any other date is refused.
VERSIONS = frozenset(
    """2023-12-13 2024-01-18 2024-02-22 2024-03-20 2024-04-17 2024-05-15 2024-06-04 2024-07-17 2024-08-21 2024-09-19
    2024-10-17 2024-11-20 2024-12-18 2025-01-23 2025-02-20 2025-03-19 2025-04-16 2025-05-21 2025-06-18 2025-07-16
    2025-08-20 2025-09-24 2025-10-16 2026-01-22 2026-05-20 2026-07-15 2026-09-16""".split()
)
_JSON = ("Content-Type", "application/json; charset=utf-8")

_OAUTH: dict[tuple[str, str], Callable[[World, Request, int], Response]] = {
    ("GET", "/oauth2/authorize"): oauth.authorize,
    ("POST", "/oauth2/token"): oauth.obtain,
    ("POST", "/oauth2/token/status"): oauth.status,
    ("POST", "/oauth2/revoke"): oauth.revoke,
}


class Square:
    """A strict, stateful Square in memory. `time_scale` stretches its own delays (retries, fees, refunds, payouts)."""

    name = "square"

    def __init__(self, seed: int = 0, time_scale: float = 1.0) -> None:
        self._seed, self._time_scale = seed, time_scale
        self.world = self._new_world()

    def _new_world(self) -> World:
        world = World(self._seed, self._time_scale)
        world.desk = Desk(world)

        def captured(merchant: Merchant, order: Stored, payment: Stored, now: int) -> None:
            rounding = ((order.body.get("rounding_adjustment") or {}).get("amount_money") or {}).get("amount", 0)
            amount = int(payment.body["amount_money"]["amount"])
            invoices.paid(world, merchant, order, amount=amount, rounding=rounding, now=now)

        world.captured = captured
        return world

    def answer(self, request: Request, at: datetime) -> Response:
        """Answer one request of Square's API, after everything due by then has happened."""
        now = max(micros(at), self.world.clock.now)
        self.world.advance(now)
        version = self.world.knobs.default_version
        try:
            version = _version(request, version)
            response = self._dispatch(request, now)
        except Refused as refused:
            response = json_response(refused.status, refused.body())
        self.world.advance(now)
        return Response(response.status, response.body, (*response.headers, ("Square-Version", version)))

    def _dispatch(self, request: Request, now: int) -> Response:
        door = _OAUTH.get((request.method, request.path))
        if door is not None:
            return door(self.world, request, now)
        route, args, exists = routes.find(request.method, segments(request.path))
        if route is None:
            if exists:
                raise Refused(405, "METHOD_NOT_ALLOWED", f"{request.method} is not allowed here.")
            raise Refused(404, "NOT_FOUND", "Resource not found.")
        call = self._call(request, route, args, now)
        if not route.key_limit:
            return _text_response(route.answer(call))
        return self._once(call, route)

    def _call(self, request: Request, route: routes.Route, args: dict[str, str], now: int) -> Call:
        token = oauth.bearer(self.world, request, now)
        if route.personal and not token.personal:
            raise Refused(403, "FORBIDDEN", "This endpoint needs a personal access token.")
        missing = [scope for scope in route.scopes if scope not in token.scopes]
        if missing:
            raise Refused(403, "INSUFFICIENT_SCOPES", f"The token lacks the scope {', '.join(missing)}.")
        app, merchant = self.world.applications[token.application_id], self.world.merchants[token.merchant_id]
        call = Call(self.world, request, now, token, merchant, app, args)
        call.query = request.params() if request.query else {}
        unknown = call.query.keys() - set(route.query)
        if unknown:
            raise bad("UNKNOWN_QUERY_PARAMETER", f"Unknown query parameter {min(unknown)}.", field=min(unknown))
        if request.method != "GET":
            call.body = read_body(request, route.body)
        return call

    def _once(self, call: Call, route: routes.Route) -> Response:
        """Same key and same body: the first answer again. Same key, other body: refused."""
        key = call.body.get("idempotency_key") or ""
        if route.key_needed and not key:
            raise bad("MISSING_REQUIRED_PARAMETER", "idempotency_key is required.", field="idempotency_key")
        if len(key) > route.key_limit:
            raise bad("VALUE_TOO_LONG", f"At most {route.key_limit} characters.", field="idempotency_key")
        if not key:
            return _text_response(route.answer(call))
        digest = hashlib.sha256(dumps([call.request.path, call.body]).encode()).hexdigest()
        slot = (call.merchant.id, f"{route.method} {route.path}", key)
        if slot in self.world.answers:
            before, status, body = self.world.answers[slot]
            if before != digest:
                detail = "The idempotency key was used with another request."
                raise bad("IDEMPOTENCY_KEY_REUSED", detail, field="idempotency_key")
            return Response(status, body, (_JSON,))
        response = _text_response(route.answer(call))
        self.world.answers[slot] = (digest, response.status, response.body)
        return response

    def control(self, verb: str, arguments: dict[str, Any], at: datetime) -> Any:
        """Run one control verb (see README.md). ValueError says what is wrong with it."""
        if verb == "reset":
            self.world = self._new_world()
            return {"reset": True}
        now = max(micros(at), self.world.clock.now)
        self.world.advance(now)
        try:
            result = control.run(self.world, verb, arguments, now)
        except Refused as refused:
            raise ValueError(f"{verb}: {refused}") from refused
        self.world.advance(now)
        return result

    def operation(self, request: Request) -> str:
        """The endpoint's name for counting, such as `GET /v2/payments/{payment_id}`."""
        if (request.method, request.path) in _OAUTH:
            return f"{request.method} {request.path}"
        route, _, _ = routes.find(request.method, segments(request.path))
        return f"{route.method} {route.path}" if route else f"{request.method} (unknown)"

    def deliveries(self, at: datetime) -> list[Delivery]:
        """Take the webhooks due by then."""
        now = max(micros(at), self.world.clock.now)
        self.world.advance(now)
        return self.world.desk.due(now)

    def delivered(self, delivery: Delivery, status: int | None, at: datetime) -> None:
        """Note how an attempt ended."""
        self.world.desk.ended(delivery.id, status, max(micros(at), self.world.clock.now))


def _version(request: Request, default: str) -> str:
    asked = request.headers.get("square-version")
    if asked is None:
        return default
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", asked):
        raise bad("INVALID_SQUARE_VERSION_FORMAT", "Square-Version must be YYYY-MM-DD.")
    if asked not in VERSIONS:
        raise bad("API_VERSION_INCOMPATIBLE", f"Square-Version {asked} is unknown.")
    return asked


def _text_response(answer: Any) -> Response:
    text = answer if isinstance(answer, str) else dumps(answer)
    return Response(200, text.encode(), (_JSON,))
