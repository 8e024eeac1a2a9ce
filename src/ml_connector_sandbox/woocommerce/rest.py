"""The REST server of a shop: from an address and a method to an endpoint, its checks in WordPress' own order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ml_connector_sandbox.core.wire import Request, Response
from ml_connector_sandbox.woocommerce import auth, php, routes
from ml_connector_sandbox.woocommerce.calls import Answer, Args, Call, check, read_body
from ml_connector_sandbox.woocommerce.faults import Json, Refused, no_route
from ml_connector_sandbox.woocommerce.state import ADMIN_ROLES, Store, User
from ml_connector_sandbox.woocommerce.times import SECOND, instant

JSON = ("Content-Type", "application/json; charset=UTF-8")
_VERBS = {"view": "view", "create": "create", "edit": "edit", "delete": "delete", "batch": "batch"}
_TEXTS = {
    "view": "Sorry, you cannot list resources.",
    "create": "Sorry, you are not allowed to create resources.",
    "edit": "Sorry, you are not allowed to edit this resource.",
    "delete": "Sorry, you are not allowed to delete this resource.",
    "batch": "Sorry, you are not allowed to batch manipulate this resource.",
}


def serve(store: Store, request: Request, route: str, now: int) -> Response:
    """Answer one call to `route`, the address below /wp-json."""
    query = php.parse_query(request.query)
    try:
        answer = _answer(store, request, query, route.rstrip("/") or "/", now)
    except Refused as refused:
        if refused.code == "html":
            raise
        return _response(store, request, query, Answer(refused.body(), refused.status))
    return _response(store, request, query, answer)


def _answer(store: Store, request: Request, query: php.Params, route: str, now: int) -> Answer:
    user = auth.caller(store, request, query, now // SECOND)
    if route in ("/", routes.BASE):
        return _index(store, route, now)
    method = _method(request, query)
    path = route.removeprefix(routes.BASE)
    if not route.startswith(f"{routes.BASE}/"):
        raise no_route()
    if method == "OPTIONS":
        return _options(path)
    found, args = routes.find(method, path)
    if found is None:
        raise no_route()
    call = Call(store, request, now, user, dict(args), query, read_body(request))
    call.params = check(found.args, _given(call, method))
    if found.right:
        _permit(user, found.right)
    return found.answer(call)


def _given(call: Call, method: str) -> Json:
    if method in ("GET", "HEAD", "DELETE"):
        return {**call.body, **call.query}
    return {**call.query, **call.body}


def _method(request: Request, query: php.Params) -> str:
    if request.method != "POST":
        return request.method
    return str(query.get("_method") or request.headers.get("x-http-method-override") or "POST").upper()


def _permit(user: User | None, right: str) -> None:
    if user is None or user.role not in ADMIN_ROLES:
        raise Refused(401 if user is None else 403, f"woocommerce_rest_cannot_{_VERBS[right]}", _TEXTS[right])


def _index(store: Store, route: str, now: int) -> Answer:
    if route == routes.BASE:
        return Answer({"namespace": "wc/v3", "routes": {f"{routes.BASE}{r.path}": {} for r in routes.ROUTES}})
    if not store.knobs.root_open:
        raise Refused(401, "rest_cannot_access", "Only authenticated users can access the REST API.")
    offset = instant(now // SECOND).astimezone(store.zone).utcoffset() or timedelta()
    hours = offset.total_seconds() / 3600
    return Answer(
        {
            "name": store.name,
            "description": "",
            "url": store.home,
            "home": store.home,
            "gmt_offset": f"{hours:g}",
            "timezone_string": store.zone_name,
            "namespaces": ["oembed/1.0", "wc/v1", "wc/v2", "wc/v3", "wc/store/v1", "wp/v2"],
            "authentication": [],
            "routes": {},
        }
    )


def _options(path: str) -> Answer:
    found = routes.at(path)
    if not found:
        raise no_route()
    endpoints = [{"methods": list(r.methods), "args": _described(r.args)} for r in found]
    methods = [m for r in found for m in r.methods]
    return Answer({"namespace": "wc/v3", "methods": methods, "endpoints": endpoints})


def _described(args: Args) -> Json:
    return {
        name: {"required": arg.required, "type": _type(arg.type)}
        | ({"default": arg.default} if arg.default is not None else {})
        | ({"enum": list(arg.enum)} if arg.enum else {})
        for name, arg in args.items()
    }


def _type(shape: Any) -> str:
    if isinstance(shape, list):
        return "array"
    return "object" if isinstance(shape, dict) else {"date-time": "string"}.get(str(shape), str(shape))


def _response(store: Store, request: Request, query: php.Params, answer: Answer) -> Response:
    content = answer.content
    if query.get("_fields") and answer.status < 400:
        names = str(query["_fields"]).split(",")
        content = [_only(c, names) for c in content] if isinstance(content, list) else _only(content, names)
    body = php.dumps(content).encode()
    if store.knobs.php_notice:
        body = (
            b"<br />\n<b>Notice</b>:  Undefined index: total in <b>/srv/plugin.php</b> on line <b>7</b><br />\n" + body
        )
    headers = (JSON, ("X-Robots-Tag", "noindex"), *answer.headers)
    return Response(answer.status, b"" if request.method == "HEAD" else body, headers)


def _only(content: Json, names: list[str]) -> Json:
    tops = {name.partition(".")[0].strip() for name in names}
    return {k: v for k, v in content.items() if k in tops}
