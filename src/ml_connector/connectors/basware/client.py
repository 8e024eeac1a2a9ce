"""Basware's calls in Basware's words: token on each, paced, pages read to their end, redirects followed by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlsplit

from ml_connector.connectors.basware import auth
from ml_connector.connectors.basware.faults import fault, judged, request_id
from ml_connector.connectors.basware.pacing import Pacer
from ml_connector.connectors.http import Answer, Http
from ml_connector.connectors.tokens import AccessToken, Now, Tokens
from ml_connector.errors import Rejected, Transient, UnknownOutcome

Row = dict[str, Any]

CONTINUATION = "x-amz-meta-continuationtoken"
MAX_PAGES = 400
MAX_BODY_BYTES = 6 * 1024 * 1024  # Basware's own
SPLIT_BYTES = 4 * 1024 * 1024
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAX_REDIRECTS = 3

DOCUMENTS = "/v1/accountingDocuments"
STATUS = "/v1/requestStatus"
SUBSCRIPTIONS = "/v1/subscriptions"


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of a list, and the token with which the same question goes on (empty: this was the last)."""

    rows: list[Row]
    token: str


class BaswareClient:
    """One tenant's Basware. Thread-safe. Retries nothing, save that a refused token is replaced once."""

    def __init__(self, http: Http, client: auth.Client, *, tokens: Tokens, clock: Now, pacer: Pacer) -> None:
        self.http = http
        self.client = client
        self._tokens = tokens
        self._clock = clock
        self._pacer = pacer

    def token(self) -> AccessToken:
        """The token that serves now, obtained when there is none."""
        held: AccessToken = self._tokens.get(
            self.client.key, lambda: auth.obtain(self.http, self.client, clock=self._clock)
        )
        return held

    def send(
        self,
        method: str,
        path: str,
        *,
        operation: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """One call with whatever status. A 401 did nothing: it is made once more with a new token.

        A redirect of a read is followed by hand: the signed address must not get our Authorization.
        """
        given = {"Accept": "application/json", **(headers or {})}
        if body is not None:
            given.setdefault("Content-Type", "application/json")
        url = self.client.base_url + path
        what: Row = {"operation": operation, "params": params, "body": body}
        token = None if self.client.basic else self.token()
        answer = self._sent(method, url, headers={**given, "Authorization": self._bearer(token)}, **what)
        if answer.status == 401 and token is not None:
            self._tokens.forget(self.client.key, token)
            answer = self._sent(method, url, headers={**given, "Authorization": self._bearer(self.token())}, **what)
        return self._followed(answer, url, operation) if method == "GET" else answer

    def _sent(self, method: str, url: str, **what: Any) -> Answer:
        with self._pacer.turn():
            return self.http.send(method, url, **what)

    def _bearer(self, token: AccessToken | None) -> str:
        return self.client.authorization() if token is None else f"Bearer {token.reveal()}"

    def _followed(self, answer: Answer, url: str, operation: str) -> Answer:
        for _ in range(MAX_REDIRECTS):
            location = answer.headers.get("location", "")
            if answer.status not in REDIRECTS or not location:
                return answer
            if location.startswith("/"):
                parts = urlsplit(url)
                location = f"{parts.scheme}://{parts.netloc}{location}"
            kept = {name: answer.headers[name] for name in (CONTINUATION,) if name in answer.headers}
            found = self._sent("GET", location, operation=f"{operation} (file)", headers={"Accept": "*/*"})
            answer = Answer(found.status, {**kept, **found.headers}, found.body)
        raise Transient(f"Basware sends {operation} from one address to the next.", record=operation)

    # ------------------------------------------------------------------------------------------ reading

    def page(self, path: str, key: str, params: Mapping[str, str], *, token: str = "", operation: str = "") -> ListPage:
        """One page. The token of the page before is a header, with the very same query; nothing found is a 404."""
        operation = operation or f"GET {path}"
        headers = {CONTINUATION: token} if token else None
        answer = self.send("GET", path, operation=operation, params=params, headers=headers)
        if answer.status == 404:
            return ListPage([], "")
        judged(answer, operation, method="GET")
        return ListPage(rows_of(answer, key, operation), answer.headers.get(CONTINUATION, "").strip())

    def rows(self, path: str, key: str, params: Mapping[str, str], *, operation: str = "") -> list[Row]:
        """A list, whole. Raises Transient when it does not end."""
        found: list[Row] = []
        token = ""
        for _ in range(MAX_PAGES):
            page = self.page(path, key, params, token=token, operation=operation)
            found += page.rows
            if not page.token or page.token == token:
                return found
            token = page.token
        raise Transient(f"Basware's {path} has more than {MAX_PAGES} pages.", record=path)

    def one(self, path: str, id_: str, *, key: str = "", params: Mapping[str, str] | None = None) -> Row | None:
        """GET one thing, None when there is none. `key`: the answer is a list object of one."""
        operation = f"GET {path}/{{id}}"
        answer = self.send("GET", f"{path}/{quote(id_, safe='')}", operation=operation, params=params)
        if answer.status == 404:
            return None
        judged(answer, operation, method="GET")
        found = _json(answer, operation)
        if key and isinstance(found, Mapping) and key in found:
            rows = rows_of(answer, key, operation)
            return rows[0] if rows else None
        if not isinstance(found, dict):
            raise Transient(f"Basware's answer to {operation} is no JSON object.", record=id_)
        return found

    def file(self, path: str, *, operation: str) -> bytes:
        """The bytes of a file: a redirect to a signed address, which lives 15 minutes."""
        answer = self.send("GET", path, operation=operation)
        return judged(answer, operation, method="GET").body

    # ------------------------------------------------------------------------------------------ writing

    def post(self, path: str, content: Any, *, operation: str, already: bool = False) -> Answer:
        """POST one object, or nothing (None). Raises AlreadyDone for a 405 where that is an answer."""
        body = None if content is None else dumped(content)
        answer = self.send("POST", path, operation=operation, body=body)
        return judged(answer, operation, method="POST", already=already)

    def post_rows(self, path: str, rows: Sequence[Row]) -> tuple[str, ...]:
        """POST records as arrays of at most 4 MB; the ids by which requestStatus tells what became of them.

        Raises UnknownOutcome when an answer has no id: it was taken, and has to be looked for.
        """
        ids = []
        for part in parts_of(rows):
            answer = self.send("POST", path, operation=f"POST {path}", body=part)
            if not answer.ok:
                raise fault(answer, f"POST {path}", method="POST")
            found = request_id(answer)
            if not found:
                raise UnknownOutcome(f"Basware took POST {path} without naming the request.", record=path)
            ids.append(found)
        return tuple(ids)


def parts_of(rows: Sequence[Row]) -> list[bytes]:
    """The rows as JSON arrays, none above 4 MB. Raises Rejected for one row above Basware's 6 MB."""
    parts: list[list[bytes]] = [[]]
    size = 0
    for row in rows:
        one = dumped(row)
        if len(one) > MAX_BODY_BYTES - 2:
            raise Rejected(
                f"A record has {len(one)} bytes; Basware takes {MAX_BODY_BYTES}.",
                record=str(row.get("externalCode") or ""),
                fix="Split the order, or shorten its texts.",
            )
        if parts[-1] and size + len(one) + 1 > SPLIT_BYTES:
            parts.append([])
            size = 0
        parts[-1].append(one)
        size += len(one) + 1
    return [b"[" + b",".join(part) + b"]" for part in parts if part]


def dumped(content: Any) -> bytes:
    """JSON with decimals as exact numbers; one that a JSON double cannot hold is refused, not rounded."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=_number).encode()


def _number(value: object) -> Any:
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} cannot be sent as JSON")
    number = int(value) if value == value.to_integral_value() else float(value)
    if Decimal(repr(number)) != value:
        raise Rejected(f"{value} has more digits than Basware's numbers keep.", record="number")
    return number


def rows_of(answer: Answer, key: str, where: str) -> list[Row]:
    """The rows of a list: under its key, under the only key there is, or a bare array."""
    found = _json(answer, where)
    if isinstance(found, Mapping):
        lists = [value for value in found.values() if isinstance(value, list)]
        found = found.get(key, lists[0] if len(lists) == 1 else [] if not lists and not found else None)
    if found is None:
        return []
    if not isinstance(found, list):
        raise Transient(f"Basware's answer to {where} holds no list.", record=where)
    return [row for row in found if isinstance(row, dict)]


def wire(moment: datetime) -> str:
    """A moment as Basware's filters take it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _json(answer: Answer, where: str) -> Any:
    try:
        return answer.json()
    except (ValueError, RecursionError, ArithmeticError):
        raise Transient(f"Basware's answer to {where} is no JSON.", record=where) from None
