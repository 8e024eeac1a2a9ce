"""The whole pretend vendor: identity and API on one host, several companies, one state machine."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Any

from ml_connector_sandbox.core.wire import Delivery, Request, Response, json_response
from ml_connector_sandbox.visma import control, routes, sales_orders_api
from ml_connector_sandbox.visma.access import SCOPE_OF_METHOD, Access, Session
from ml_connector_sandbox.visma.background import Jobs
from ml_connector_sandbox.visma.call import Call, Route, Router, as_json, plain_key
from ml_connector_sandbox.visma.company import Company, row_version
from ml_connector_sandbox.visma.refusal import Gateway, Licence, Refusal
from ml_connector_sandbox.visma.webhooks import Webhooks

_LEGACY = ["api", "controller", "api"]
_TOKEN = ["connect", "token"]
_DISCOVERY = [".well-known", "openid-configuration"]

Found = tuple[Route, dict[str, str]] | None


class Visma:
    """The pretend Visma.net ERP with Visma Connect. See `core.wire.Vendor` for the contract."""

    def __init__(self, seed: int = 0) -> None:
        self.name = "visma"
        self.router = Router(routes.all_routes())
        self.start(seed)

    def start(self, seed: int) -> None:
        """Forget everything and begin anew from this seed."""
        self.seed = seed
        self.random = Random(seed)
        self.access = Access(Random(self.random.getrandbits(64)))
        self.tenants: dict[str, Company] = {}  # by company tenant and by customer tenant
        self.jobs = Jobs(self._execute)
        self.webhooks = Webhooks(Random(self.random.getrandbits(64)))
        self._last: tuple[Request | None, Found] = (None, None)

    def companies(self) -> list[Company]:
        """Every company once."""
        return [company for tenant, company in self.tenants.items() if tenant == company.tenant_id]

    def answer(self, request: Request, at: datetime) -> Response:
        """Answer one request."""
        self.jobs.run_due(at)
        connect = self._connect(request, at)
        if connect is not None:
            return connect
        if sales_orders_api.is_of_service(request):
            return sales_orders_api.answer(self.access, request, at)
        session = self.access.session(request)
        if session is None:
            return Gateway(401, "Unauthorized. Access token is missing or invalid.").response()
        within, limits = self.access.count(session, at)
        try:
            if not within:
                raise Gateway(429, f"Rate limit is exceeded. Try again in {limits[-1][1]} seconds.")
            response = self._inside(request, session, at)
        except Refusal as refusal:
            response = refusal.response()
        return Response(response.status, response.body, (*response.headers, *limits))

    def control(self, verb: str, arguments: dict[str, Any], at: datetime) -> Any:
        """Do what no API can. See the README for the verbs."""
        self.jobs.run_due(at)
        return control.perform(self, verb, arguments, at)

    def by_hand(self, company: Company, request: Request, at: datetime) -> Response:
        """What a person does in the program itself: no token, no limit, no job. Raises Refusal."""
        found = self._match(request, api_parts(request.path))
        if found is None:
            raise Refusal(404, f"The program has no {request.method} {request.path}.")
        route, values = found
        return route.act(Call(self, company, request, values, request.params(), at, company.local(at)))

    def operation(self, request: Request) -> str:
        """The method and the path with its placeholders."""
        if sales_orders_api.is_of_service(request):
            return sales_orders_api.operation(request)
        parts = api_parts(request.path)
        if [part.lower() for part in parts] == _TOKEN:
            return f"{request.method} /connect/token"
        found = self._match(request, parts)
        return f"{request.method} {request.path}" if found is None else found[0].name

    def deliveries(self, at: datetime) -> list[Delivery]:
        """The webhooks that are due."""
        self.jobs.run_due(at)
        return self.webhooks.due(self.companies(), at)

    def delivered(self, delivery: Delivery, status: int | None, at: datetime) -> None:
        """How an attempt ended."""
        self.webhooks.attempted(delivery, status, at)

    def _connect(self, request: Request, at: datetime) -> Response | None:
        if "connect" not in request.path.lower() and "well-known" not in request.path:
            return None
        parts = [part.lower() for part in request.path.split("/") if part]
        if parts == _TOKEN:
            if request.method != "POST":
                return json_response(405, {"error": "invalid_request"})
            return self.access.token(request, self.tenants, at)
        if parts == _DISCOVERY:
            base = f"http://{request.host}"
            return json_response(200, {"issuer": base, "token_endpoint": f"{base}/connect/token"})
        return None

    def _inside(self, request: Request, session: Session, at: datetime) -> Response:
        company = self.access.admitted(session, SCOPE_OF_METHOD.get(request.method, ""), at)
        if not company.preferences.licensed:
            raise Licence
        parts = api_parts(request.path)
        found = self._match(request, parts)
        if found is None:
            known = self.router.methods(parts)
            raise Refusal(
                405 if known else 404, f"No HTTP resource was found that matches {request.method} {request.path}."
            )
        route, values = found
        if company.preferences.company_header == "required" and not _names_company(request, company):
            if request.method == "GET" and not values:
                return json_response(200, [])
            raise Refusal(404, "The record cannot be found.")
        call = Call(self, company, request, values, request.params() if request.query else {}, at, company.local(at))
        return self._routed(call, route)

    def _routed(self, call: Call, route: Route) -> Response:
        webhook = call.request.headers.get("erp-api-background")
        if route.path.startswith("/v1/background"):
            webhook = None
        if route.if_match == "sync" and webhook is None:
            _guard(call, route)
        if webhook is not None:
            return self.jobs.accept(call, route, webhook)
        mode = _answer_mode(call.company, route)
        if mode == "job":
            return self.jobs.accept(call, route, None)
        response = route.act(call)
        if mode == "empty":
            return Response(204)
        if mode == "accepted_result":
            return Response(202, response.body or as_json({}), response.headers)
        return response

    def _execute(self, call: Call, route: Route, background: bool) -> Response:
        try:
            if background and route.if_match != "none":
                _guard(call, route)
            return route.act(call)
        except Refusal as refusal:
            return refusal.response()

    def _match(self, request: Request, parts: list[str]) -> Found:
        last, found = self._last
        if last is not request:
            found = self.router.find(request.method, parts)
            self._last = (request, found)
        return found


def api_parts(path: str) -> list[str]:
    """The parts of an API path, without the prefix of the legacy host. A `b64(...)` value stays one part."""
    parts = [part for part in path.split("/") if part]
    return parts[3:] if [part.lower() for part in parts[:3]] == _LEGACY else parts


def _names_company(request: Request, company: Company) -> bool:
    return plain_key(request.headers.get("ipp-company-id", "")) == str(company.company_id)


def _answer_mode(company: Company, route: Route) -> str:
    if route.path == "/v1/customer":
        return "job" if company.preferences.customer_answer == "job" and route.method == "POST" else "result"
    wish = company.preferences.action_answer
    if route.action and wish != "declared":
        return wish
    return "job" if route.implicit else "result"


def _guard(call: Call, route: Route) -> None:
    wanted = call.request.headers.get("if-match")
    if not wanted or wanted.strip() == "*" or route.subject is None:
        return
    if wanted.strip().removeprefix("W/").strip('"') != row_version(route.subject(call)):
        raise Refusal(412, "The record was changed by someone else.")
