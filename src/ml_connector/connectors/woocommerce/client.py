"""WooCommerce's calls in its own words: the REST root found once, each attempt signed anew, errors told in ours."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from ml_connector.connectors.http import Answer, Http
from ml_connector.connectors.woocommerce.addresses import store_url
from ml_connector.connectors.woocommerce.faults import code_of, is_json, judged
from ml_connector.connectors.woocommerce.signing import Key, Nonce, new_nonce, prove
from ml_connector.errors import NotFound, Transient, UnknownOutcome

ROOTS = ("/wp-json", "/index.php/wp-json")  # the second where permalinks are of the index.php kind
API = "/wc/v3"
PER_PAGE = 100
DECIMALS = "6"  # the precision WooCommerce keeps; its own display rounds each amount alone, and parts stop adding up
CALLS_AT_ONCE = 2  # shops live on small machines, and security plugins ban who hammers

Row = dict[str, Any]
Params = Mapping[str, str]


class RouteMissing(Exception):
    """The shop's WooCommerce is older than a route."""


class Ticking(Protocol):
    """A clock handed in: the machine's, or one that a test moves."""

    def now(self) -> datetime: ...


class WooClient:
    """Calls to one shop with one key. Thread-safe."""

    def __init__(self, http: Http, key: Key, *, clock: Ticking, nonce: Nonce = new_nonce) -> None:
        self._http = http
        self._key = key
        self._clock = clock
        self._nonce = nonce
        self._base = store_url(http.reach.base_url)
        self._root: str | None = None
        self._flights = threading.BoundedSemaphore(CALLS_AT_ONCE)

    @property
    def base(self) -> str:
        """The shop's address."""
        return self._base

    @property
    def key(self) -> Key:
        """The key that calls are proven with."""
        return self._key

    def index(self) -> Row:
        """What the shop tells everybody: name, address, time zone, name spaces. Needs no key, so it sends none."""
        return _object(judged(self._found("GET", "", {}, None, public=True), "GET /"), "GET /")

    def get(self, path: str, params: Params | None = None, *, operation: str | None = None, newer: bool = False) -> Any:
        """The JSON of a GET. Raises what faults.judged raises, and RouteMissing where a `newer` route is not there."""
        answer = self._found("GET", API + path, params or {}, operation)
        if newer and answer.status == 404 and code_of(answer) == "rest_no_route":
            raise RouteMissing(path)
        return judged(answer, f"GET {path}")

    def one(self, path: str, params: Params | None = None, *, operation: str) -> Row | None:
        """One object; None when the shop has none of that id."""
        try:
            return _object(self.get(path, params, operation=operation), f"GET {path}")
        except NotFound:
            return None

    def rows(self, path: str, params: Params, *, operation: str | None = None, newer: bool = False) -> list[Row]:
        """One page of a list. Rows that are no objects are an answer that cannot be trusted: Transient."""
        found = self.get(path, params, operation=operation, newer=newer)
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            raise Transient(f"The shop's answer to GET {path} is no list of objects.", record=path)
        return found

    def change(self, method: str, path: str, content: Any = None, *, params: Params | None = None) -> Row:
        """One change of the shop's webhooks.

        A lost answer is Transient: what is there is looked at before it is said again.
        """
        answer = self._found(method, API + path, params or {}, None, content=content)
        return _object(judged(answer, f"{method} {path}"), path)

    def _found(
        self,
        method: str,
        path: str,
        params: Params,
        operation: str | None,
        *,
        content: Any = None,
        public: bool = False,
    ) -> Answer:
        """The answer of the REST root that speaks JSON; the other kind of permalinks is tried before any is known."""
        name = operation or f"{method} {_shape(path)}"
        roots = (self._root,) if self._root else ROOTS if method == "GET" else ROOTS[:1]
        answers: list[Answer] = []
        for root in roots:
            answer = self._send(method, self._base + root + (path or "/"), params, name, content=content, public=public)
            if is_json(answer):
                self._root = root
                return answer
            answers.append(answer)
            if answer.status not in {200, 301, 302, 404}:
                break
        return answers[0]

    def _send(self, method: str, url: str, params: Params, operation: str, *, content: Any, public: bool) -> Answer:
        headers = {"Accept": "application/json", "Cache-Control": "no-cache"}
        if not public:
            proof = prove(self._key, method, url, params, now=self._clock.now(), nonce=self._nonce)
            params, headers = proof.params, {**headers, **proof.headers}
        try:
            with self._flights:
                return self._http.send(
                    method, url, operation=operation, params=params or None, headers=headers, content=content
                )
        except UnknownOutcome as lost:  # an answer too large, or lost after a change that is looked at before the next
            raise Transient(lost.what, record=lost.record) from None


def gmt(moment: datetime) -> str:
    """A moment as the date filters want it, beside `dates_are_gmt=true`: without a zone.

    With a Z as well the shop would shift it by its own offset, and hours of orders would be missing.
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _object(found: Any, where: str) -> Row:
    if not isinstance(found, dict):
        raise Transient(f"The shop's answer to {where} is no object.", record=where)
    return found


def _shape(path: str) -> str:
    """The path with ids as a pattern, so that calls are counted by operation."""
    return "/".join("{id}" if part.isdecimal() else part for part in path.removeprefix(API).split("/")) or "/"
