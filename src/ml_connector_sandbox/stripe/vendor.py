"""The pretend Stripe as one thing: a request in, an answer out; control verbs; webhooks that are due."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from ml_connector_sandbox.core.failures import struck
from ml_connector_sandbox.core.timely import Timely
from ml_connector_sandbox.core.wire import Request, Response, json_response, segments
from ml_connector_sandbox.stripe import access, control, forms, idempotency, routes, shapes
from ml_connector_sandbox.stripe.calls import Call, Route
from ml_connector_sandbox.stripe.desk import Desk
from ml_connector_sandbox.stripe.expanding import expand
from ml_connector_sandbox.stripe.refusals import Headers, Refused
from ml_connector_sandbox.stripe.state import API_VERSION, ApiKey, Failure, World


class Stripe(Timely[World]):
    """A strict, stateful Stripe in memory. `time_scale` stretches its own delays (fees, payouts, retries, search)."""

    name = "stripe"
    refused = Refused

    def __init__(self, seed: int = 0, time_scale: float = 1.0) -> None:
        self._seed, self._time_scale = seed, time_scale
        super().__init__()

    def _new_world(self) -> World:
        world = World(self._seed, self._time_scale)
        world.desk = Desk(world)
        return world

    def answer(self, request: Request, at: datetime) -> Response:
        """Answer one request of Stripe's API, after everything due by then has happened."""
        now = self._told(at)
        request_id = f"req_{self.world.mint.letters(14)}"
        self.world.cause = (request_id, request.headers.get("idempotency-key"))
        try:
            response = self._dispatch(request, now, request_id)
        except Refused as refused:
            response = _rendered(refused, request_id)
        finally:
            self.world.cause = (None, None)
        self.world.advance(now)
        headers: Headers = (("Request-Id", request_id), ("Stripe-Version", API_VERSION))
        return replace(response, headers=(*response.headers, *headers))

    def _dispatch(self, request: Request, now: int, request_id: str) -> Response:
        failure = self._failure(request)
        if failure is not None and not failure.after_commit and not failure.rolled_back:
            raise _as_refusal(failure)
        key = access.key_of(self.world, request)
        access.check_headers(request, key)
        access.limit(self.world, key, now)
        route, args = routes.find(request.method, segments(request.path))
        if route is None:
            text = f"Unrecognized request URL ({request.method}: {request.path})."
            raise _unbegun(Refused(404, text))
        access.permit(key, route.permission, write=request.method != "GET")
        if request.method != "POST":
            done = self._run(_call(self.world, request, route, args, key, now), route)
            return done if failure is None else _rendered(_as_refusal(failure), request_id)
        return self._once(request, route, args, key, now, request_id, failure)

    def _once(
        self, request: Request, route: Route, args: dict[str, str], key: ApiKey, now: int, request_id: str,
        failure: Failure | None,
    ) -> Response:  # fmt: skip
        """A POST under its idempotency key: the first outcome is kept once the endpoint has begun."""
        book = self.world.accounts[key.account_id].book(livemode=key.livemode)
        known = idempotency.replay(book, request, now)
        if known is not None:
            return known
        if failure is not None and failure.rolled_back:
            undone = _rendered(_as_refusal(failure), request_id)
            idempotency.keep(book, request, undone, now)
            return undone
        try:
            answer = self._run(_call(self.world, request, route, args, key, now), route)
        except Refused as refused:
            answer = _rendered(refused, request_id)
            if not refused.begun:
                return answer
        lost = _rendered(_as_refusal(failure), request_id) if failure is not None else answer
        kept = lost if failure is not None and failure.stored == "error" else answer
        idempotency.keep(book, request, kept, now)
        echo = request.headers.get("idempotency-key")
        return replace(lost, headers=(*lost.headers, ("Idempotency-Key", echo))) if echo else lost

    def _run(self, call: Call, route: Route) -> Response:
        return json_response(200, expand(call, route.answer(call)))

    def _failure(self, request: Request) -> Failure | None:
        waiting = self.world.failures
        return struck(waiting, self.operation(request)) if waiting else None

    def _act(self, verb: str, arguments: dict[str, Any], now: int) -> Any:
        return control.run(self.world, verb, arguments, now)

    def operation(self, request: Request) -> str:
        """The endpoint's name for counting, such as `POST /v1/invoices/{id}/finalize`."""
        route, _ = routes.find(request.method, segments(request.path))
        return route.name if route else f"{request.method} (unknown)"


def _call(world: World, request: Request, route: Route, args: dict[str, str], key: ApiKey, now: int) -> Call:
    book = world.accounts[key.account_id].book(livemode=key.livemode)
    try:
        given = forms.decode(request.query)
        if request.method != "GET":
            given |= forms.decode(request.body.decode())
    except UnicodeDecodeError:
        raise _unbegun(Refused(400, "Invalid request: the body is not UTF-8.")) from None
    return Call(book, key, now, request.path, args, shapes.check(given, route.shape))


def _rendered(refused: Refused, request_id: str) -> Response:
    should = (
        () if any(name == "Stripe-Should-Retry" for name, _ in refused.headers) else _SHOULD.get(refused.status, ())
    )
    return json_response(refused.status, refused.body(request_id), (*refused.headers, *should))


# Clear refusals say that trying again is of no use; 409, 429 and 5xx say nothing unless told to.
_SHOULD: dict[int, Headers] = dict.fromkeys((400, 402, 404), (("Stripe-Should-Retry", "false"),))


def _as_refusal(failure: Failure) -> Refused:
    if failure.status == 429:
        return access.too_many(failure.should_retry, failure.code or "rate_limit", failure.retry_after)
    headers: Headers = (("Stripe-Should-Retry", failure.should_retry),) if failure.should_retry else ()
    kinds = {402: "card_error"} | dict.fromkeys((500, 502, 503), "api_error")
    kind = kinds.get(failure.status, "invalid_request_error")
    text = "An unknown error occurred." if failure.status >= 500 else "The request was refused."
    return _unbegun(Refused(failure.status, text, code=failure.code, kind=kind, headers=headers))


def _unbegun(refused: Refused) -> Refused:
    refused.begun = False
    return refused
