"""The pretend PayPal as one thing: a request in, an answer out; control verbs; webhooks that are due."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from ml_connector_sandbox.core.failures import Failure, struck
from ml_connector_sandbox.core.instants import SECOND
from ml_connector_sandbox.core.timely import Timely
from ml_connector_sandbox.core.wire import Request, Response, json_response, segments
from ml_connector_sandbox.paypal import api_webhooks, control, invoices, oauth, routes
from ml_connector_sandbox.paypal.calls import Answer, Call, read_body
from ml_connector_sandbox.paypal.refusals import Refused, bad, forbidden, not_found
from ml_connector_sandbox.paypal.routes import Route
from ml_connector_sandbox.paypal.state import World
from ml_connector_sandbox.paypal.webhooks import Desk

_TOKEN = ("POST", "/v1/oauth2/token")
_CERTS = "/v1/notifications/certs/"
_KEY_LIMIT = 108  # characters of a PayPal-Request-Id


class PayPal(Timely[World]):
    """A strict, stateful PayPal in memory. `time_scale` stretches its own delays (retries, report lag, refunds)."""

    name = "paypal"
    refused = Refused

    def __init__(self, seed: int = 0, time_scale: float = 1.0) -> None:
        self._seed, self._time_scale = seed, time_scale
        super().__init__()

    def _new_world(self) -> World:
        world = World(self._seed, self._time_scale)
        world.desk = Desk(world)
        world.captured = lambda merchant, capture, at: invoices.learn_of_capture(world, merchant, capture, at)
        world.refunded = lambda merchant, refund, at: invoices.learn_of_refund(world, merchant, refund, at)
        return world

    def answer(self, request: Request, at: datetime) -> Response:
        """Answer one request of PayPal's API, after everything due by then has happened."""
        now = self._told(at)
        debug_id = self.world.mint.hexadecimal()
        try:
            response = self._dispatch(request, now)
        except Refused as refused:
            response = json_response(refused.status, refused.body(debug_id), refused.headers)
        self.world.advance(now)
        return replace(response, headers=(*response.headers, ("Paypal-Debug-Id", debug_id)))

    def _dispatch(self, request: Request, now: int) -> Response:
        failure = self._failure(request)
        if failure is not None and not failure.after:
            raise _as_refusal(failure)
        response = self._answer(request, now)
        if failure is not None:
            raise _as_refusal(failure)
        return response

    def _answer(self, request: Request, now: int) -> Response:
        if (request.method, request.path) == _TOKEN:
            return oauth.obtain(self.world, request, now)
        if request.method == "GET" and request.path.startswith(_CERTS):
            return api_webhooks.certificate(self.world, request)
        route, args, exists = routes.find(request.method, segments(request.path))
        if route is None:
            raise Refused(405) if exists else not_found()
        call = self._call(request, route, args, now)
        answer = self._once(call, route) if route.kept else route.answer(call)
        return Response(answer.status) if answer.content is None else json_response(answer.status, answer.content)

    def _call(self, request: Request, route: Route, args: dict[str, str], now: int) -> Call:
        app, token = oauth.bearer(self.world, request, now)
        oauth.limit(app.calls, self.world.knobs.calls_per_minute, self.world.knobs.retry_after, now)
        if not any(set(needed) <= set(token.scopes) for needed in route.scopes):
            raise forbidden()
        call = Call(self.world, request, now, app, self.world.merchants[app.merchant_id], args)
        call.query = request.params() if request.query else {}
        unknown = call.query.keys() - set(route.query)
        if unknown:
            raise bad("INVALID_PARAMETER_SYNTAX", "Unknown parameter.", field=min(unknown), location="query")
        if request.method != "GET":
            call.body = read_body(request, route.body, needed=route.body_needed)
        return call

    def _once(self, call: Call, route: Route) -> Answer:
        """A request id seen before: the latest state of what the first request made."""
        key = call.request.headers.get("paypal-request-id", "")
        if len(key) > _KEY_LIMIT:
            raise bad("INVALID_STRING_LENGTH", "PayPal-Request-Id has 1 to 108 characters.", field="PayPal-Request-Id")
        if not key or route.again is None:
            return route.answer(call)
        slot = (call.app.client_id, f"{call.request.method} {call.request.path}", key)
        known = self.world.requests.get(slot)
        if known is not None and call.now - known[0] < route.kept:
            if call.now - known[0] < self.world.knobs.in_progress_s * SECOND:
                text = "A previous request on this resource is currently in progress. Please wait for sometime and try"
                text += " again. It is best to space out the initial and the subsequent request(s) to avoid receiving"
                raise Refused(409, "PREVIOUS_REQUEST_IN_PROGRESS", f"{text} this error.")
            return replace(route.again(call, known[1]), status=self.world.knobs.replay_status)
        answer = route.answer(call)
        self.world.requests[slot] = (call.now, answer.content["id"])
        return answer

    def _failure(self, request: Request) -> Failure | None:
        waiting = self.world.failures
        return struck(waiting, self.operation(request)) if waiting else None

    def _act(self, verb: str, arguments: dict[str, Any], now: int) -> Any:
        return control.run(self.world, verb, arguments, now)

    def operation(self, request: Request) -> str:
        """The endpoint's name for counting, such as `GET /v2/payments/captures/{capture_id}`."""
        if (request.method, request.path) == _TOKEN:
            return f"{request.method} {request.path}"
        if request.path.startswith(_CERTS):
            return f"{request.method} {_CERTS}{{cert_id}}"
        route, _, _ = routes.find(request.method, segments(request.path))
        return route.name if route else f"{request.method} (unknown)"


def _as_refusal(failure: Failure) -> Refused:
    refused = Refused(failure.status)
    refused.headers = (("Retry-After", failure.retry_after),) if failure.retry_after else ()
    return refused
