"""The pretend Basware as one thing: a request in, an answer out; control verbs; pushes that are due."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from ml_connector_sandbox.basware import api_documents, control, network, oauth, ring, routes
from ml_connector_sandbox.basware.calls import Call, read_body, read_query
from ml_connector_sandbox.basware.pushes import Desk, Ring
from ml_connector_sandbox.basware.refusals import Fault, Refused, answer_json, shown
from ml_connector_sandbox.basware.routes import Route
from ml_connector_sandbox.basware.state import Tenant, World
from ml_connector_sandbox.core.failures import Failure, struck
from ml_connector_sandbox.core.instants import MINUTE
from ml_connector_sandbox.core.timely import Timely
from ml_connector_sandbox.core.wire import Request, Response

_TOKENS, _KEYS, _CONFIGURATION = "/v1/tokens", "/.well-known/jwks.json", "/.well-known/openid-configuration"
_CODES = {403: "ACCESS_TOKEN_VALIDATION_ERROR"}


class Basware(Timely[World]):
    """A strict, stateful Basware in memory. `time_scale` stretches its own delays; `ring` posts tests of webhooks."""

    name = "basware"
    refused = Refused

    def __init__(self, seed: int = 0, time_scale: float = 1.0, ring: Ring = ring.ring) -> None:
        self._seed, self._time_scale, self._ring = seed, time_scale, ring
        super().__init__()

    def _new_world(self) -> World:
        world = World(self._seed, self._time_scale)
        world.desk = Desk(world, self._ring)
        return world

    def answer(self, request: Request, at: datetime) -> Response:
        """Answer one request, after everything due by then has happened."""
        now = self._told(at)
        request_id = self.world.mint.uuid()
        route, args, exists = routes.find(request.method, request.path)
        try:
            response = self._dispatch(request, route, args, request_id=request_id, now=now, exists=exists)
        except Refused as refused:
            response = shown(refused, _family(request, route), request_id)
        self.world.advance(now)
        return replace(response, headers=(*response.headers, ("x-amzn-RequestId", request_id)))

    def _dispatch(
        self, request: Request, route: Route | None, args: dict[str, str], *, request_id: str, now: int, exists: bool
    ) -> Response:
        failure = self._failure(request)
        if failure is not None and not failure.after:
            raise _as_refusal(failure)
        response = self._answer(request, route, args, request_id=request_id, now=now, exists=exists)
        if failure is not None:
            raise _as_refusal(failure)
        return response

    def _answer(
        self, request: Request, route: Route | None, args: dict[str, str], *, request_id: str, now: int, exists: bool
    ) -> Response:
        outside = self._outside(request, now)
        if outside is not None:
            return outside
        if route is None:
            raise Refused(405 if exists else 404)
        answer = route.answer(self._call(request, route, args, request_id=request_id, now=now))
        if answer.content is None:
            return Response(answer.status, b"", answer.headers)
        return answer_json(answer.status, answer.content, answer.headers)

    def _outside(self, request: Request, now: int) -> Response | None:
        """What needs no token: tokens themselves, keys, pre-signed addresses."""
        if (request.method, request.path) == ("POST", _TOKENS):
            return oauth.obtain(self.world, request, now)
        if request.method == "GET" and request.path == _KEYS:
            return answer_json(200, oauth.keys())
        if request.method == "GET" and request.path == _CONFIGURATION:
            return answer_json(200, oauth.configuration(self.world, request))
        if request.method == "GET" and request.path.startswith(api_documents.STORE):
            return api_documents.stored(self.world, request, now)
        if request.method == "PUT" and request.path.startswith(network.UPLOADS):
            return network.uploaded(self.world, request, now)
        return None

    def _call(self, request: Request, route: Route, args: dict[str, str], *, request_id: str, now: int) -> Call:
        if route.family == "network":
            client = oauth.network_caller(self.world, request)
        else:
            client = oauth.caller(self.world, request, route.scope, now)
        tenant = self.world.tenants[client.tenant_id]
        self._limit(tenant, now)
        call = Call(self.world, request, request_id, now, client, tenant, args)
        call.query = read_query(request, route.query)
        if route.bodied:
            call.body = read_body(request)
        return call

    def _limit(self, tenant: Tenant, now: int) -> None:
        most = self.world.knobs.calls_per_minute
        if not most:
            return
        tenant.calls = [at for at in tenant.calls if at > now - MINUTE]
        if len(tenant.calls) >= most:
            raise _throttled(self.world.knobs.retry_after)
        tenant.calls.append(now)

    def _failure(self, request: Request) -> Failure | None:
        waiting = self.world.failures
        return struck(waiting, self.operation(request)) if waiting else None

    def _act(self, verb: str, arguments: dict[str, Any], now: int) -> Any:
        return control.run(self.world, verb, arguments, now)

    def operation(self, request: Request) -> str:
        """The endpoint's name for counting, such as `GET /v1/vendors/{externalCode}`."""
        for place in (api_documents.STORE, network.UPLOADS):
            if request.path.startswith(place):
                return f"{request.method} {place}{{key}}"
        if request.path in (_TOKENS, _KEYS, _CONFIGURATION):
            return f"{request.method} {request.path}"
        route, _, _ = routes.find(request.method, request.path)
        return route.name if route else f"{request.method} (unknown)"


def _family(request: Request, route: Route | None) -> str:
    if request.path == _TOKENS:
        return "token"
    if request.path.startswith((api_documents.STORE, network.UPLOADS)):
        return "store"
    return route.family if route else "p2p"


def _throttled(retry_after: str) -> Refused:
    refused = Refused(429, Fault("UNEXPECTED_ERROR", "Too many requests"))
    refused.headers = (("Retry-After", retry_after),) if retry_after else ()
    return refused


def _as_refusal(failure: Failure) -> Refused:
    code = _CODES.get(failure.status, "UNEXPECTED_ERROR")
    refused = Refused(failure.status, Fault(code, "Injected by a control verb."), mute=failure.status == 503)
    refused.headers = (("Retry-After", failure.retry_after),) if failure.retry_after else ()
    return refused
