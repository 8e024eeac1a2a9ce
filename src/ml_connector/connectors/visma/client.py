"""Calls in Visma's words: token and company on each, one new token after a 401, lists to their end, Locations read."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from ml_connector import jsontext
from ml_connector.connectors.http import Answer, Http
from ml_connector.connectors.shapes import Created
from ml_connector.connectors.tokens import AccessToken, Now, Tokens
from ml_connector.connectors.visma import auth
from ml_connector.connectors.visma.faults import SCOPE_OF_METHOD, fault, refused_everywhere, words
from ml_connector.errors import Transient, UnknownOutcome

Row = Mapping[str, Any]
Parse = Callable[[bytes], Any]

PAGE_SIZE = 1000
MAX_PAGES = 200  # of one list: 200 000 journal lines; a longer list is asked for in smaller windows
UNPAGED_SIZE = 5000
BACKGROUND = {"erp-api-background": "none"}
_RESERVED = re.compile(r"[^A-Za-z0-9_.~ -]")
_ENCODED = re.compile(r"b64\(([A-Za-z0-9_-]*)\)")


class VismaClient:
    """One company's API. Thread-safe. Retries nothing, save that a refused token is replaced once.

    `base`: the address of a service that is not on the connection's own; `scopes`: which one each method needs there.
    """

    def __init__(
        self, http: Http, account: auth.Account, *, tokens: Tokens, clock: Now, base: str = "",
        scopes: Mapping[str, str] = SCOPE_OF_METHOD,
    ) -> None:  # fmt: skip
        self.http = http
        self._base, self._scopes = base, scopes
        self.account = account
        self._tokens = tokens
        self._clock = clock
        self._headers = {"Accept": "application/json"}
        if account.company_id:
            self._headers["ipp-company-id"] = account.company_id
        self._ever_answered = False

    def token(self) -> AccessToken:
        """The token that serves now, obtained when there is none."""
        held: AccessToken = self._tokens.get(
            self.account.key, lambda: auth.obtain(self.http, self.account, clock=self._clock)
        )
        return held

    def call(
        self,
        method: str,
        path: str,
        *,
        operation: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        content: Any | None = None,
        body: bytes | None = None,
        record: str | None = None,
    ) -> Answer:
        """One call that succeeded (2xx), else our error. A 401 did nothing: it is sent once more with a new token."""
        given = {**self._headers, **(headers or {})}
        answer = self._send(method, path, operation=operation, params=params, headers=given, content=content, body=body)
        if answer.ok:
            self._ever_answered = True
            return answer
        if answer.status == 401:
            raise refused_everywhere(words(answer), ever_answered=self._ever_answered)
        raise fault(answer, method=method, where=f"{method} {path}", record=record, scopes=self._scopes)

    def _send(self, method: str, path: str, *, headers: dict[str, str], **what: Any) -> Answer:
        token = self.token()
        headers["Authorization"] = f"Bearer {token.reveal()}"
        answer = self.http.send(method, self._base + path, headers=headers, **what)
        if answer.status != 401:
            return answer
        self._tokens.forget(self.account.key, token)
        headers["Authorization"] = f"Bearer {self.token().reveal()}"
        return self.http.send(method, self._base + path, headers=headers, **what)

    def selling(self, base: str) -> VismaClient:
        """The same company's sales order service: another host, and a token of its own scopes."""
        account = dataclasses.replace(self.account, scopes=auth.SALES_SCOPES)
        scopes = {"GET": auth.SALES_SCOPES[0], **dict.fromkeys(("POST", "PATCH", "DELETE"), auth.SALES_SCOPES[1])}
        return VismaClient(self.http, account, tokens=self._tokens, clock=self._clock, base=base, scopes=scopes)

    def one(self, path: str, *, operation: str, params: Mapping[str, str] | None = None) -> Answer | None:
        """GET of one thing; None when it does not exist."""
        given = dict(self._headers)
        answer = self._send("GET", path, operation=operation, params=params, headers=given)
        if answer.ok:
            self._ever_answered = True
            return answer
        if answer.status == 404:
            return None
        if answer.status == 401:
            raise refused_everywhere(words(answer), ever_answered=self._ever_answered)
        raise fault(answer, method="GET", where=f"GET {path}", scopes=self._scopes)

    def row(
        self, path: str, *, operation: str, params: Mapping[str, str] | None = None, parse: Parse = jsontext.parse
    ) -> tuple[Row, str | None] | None:
        """GET of one thing as (object, ETag); None when it does not exist. Raises Transient when it is no object."""
        answer = self.one(path, operation=operation, params=params)
        if answer is None:
            return None
        content = _mapping(answer, parse)
        if not content:
            raise Transient(f"The answer to GET {path} is not an object.", record=path)
        return content, answer.headers.get("etag")

    def rows(self, path: str, *, operation: str, params: Mapping[str, str] | None = None) -> list[Row]:
        """GET of a list as it comes; some empty searches answer 404."""
        answer = self.one(path, operation=operation, params=params)
        return [] if answer is None else rows_of(answer, path)

    def pages(
        self,
        path: str,
        params: Mapping[str, str],
        *,
        operation: str,
        first: int = 1,
        count: Callable[[list[Row]], int] = len,
    ) -> Iterator[list[Row]]:
        """The pages of a list until it ends: defaults truncate silently, and sizes above the cap are silently cut.

        `count` says how many of the vendor's units a page holds: journal lists count lines.
        """
        seen = 0
        for page in range(first, first + MAX_PAGES):
            rows = self.rows(
                path, operation=operation, params={**params, "pageNumber": str(page), "pageSize": str(PAGE_SIZE)}
            )
            if not rows:
                return
            yield rows
            units = count(rows)
            seen += units
            if is_last(rows, units=units, seen=seen, first=first):
                return
        raise Transient(f"{path} has more than {MAX_PAGES} pages.", record=path, fix="Read a shorter time at once.")

    def whole(
        self, path: str, params: Mapping[str, str], *, operation: str, count: Callable[[list[Row]], int] = len,
        parse: Parse = jsontext.parse,
    ) -> list[list[Row]]:  # fmt: skip
        """All the pages of a list. One is parsed while the next is made: that takes the vendor as long as us."""

        def asked(page: int) -> Answer | None:
            numbered = {**params, "pageNumber": str(page), "pageSize": str(PAGE_SIZE)}
            return self.one(path, operation=operation, params=numbered)

        answer = asked(1)
        rows = [] if answer is None else rows_of(answer, path, parse)
        if not rows or is_last(rows, units=count(rows), seen=count(rows)):
            return [rows] if rows else []
        total, cap = _metadata(rows)
        surely = min(MAX_PAGES, -(-(total or 0) // min(PAGE_SIZE, cap or PAGE_SIZE)))
        with ThreadPoolExecutor(1, thread_name_prefix="parse") as parsing:
            coming = [
                parsing.submit(rows_of, one, path, parse) for page in range(2, surely + 1) if (one := asked(page))
            ]
            pages = [rows, *(page for future in coming if (page := future.result()))]
        seen = sum(count(page) for page in pages)
        if len(pages) < max(surely, 1) or is_last(pages[-1], units=count(pages[-1]), seen=seen):
            return pages
        return pages + list(self.pages(path, params, operation=operation, first=len(pages) + 1, count=count))

    def listed(self, path: str, params: Mapping[str, str] | None = None, *, operation: str) -> list[Row]:
        """A paged list, whole."""
        return [row for page in self.pages(path, params or {}, operation=operation) for row in page]

    def unpaged(self, path: str, params: Mapping[str, str] | None = None, *, operation: str) -> list[Row]:
        """A list that knows no pages, whole: read on where rows tell of more, or came exactly as many as asked."""
        found: list[Row] = []
        for _ in range(MAX_PAGES):
            asked = {**(params or {}), "numberToRead": str(UNPAGED_SIZE)}
            if found:
                asked["skipRecords"] = str(len(found))
            rows = self.rows(path, operation=operation, params=asked)
            found += rows
            total = _metadata(rows)[0]
            if not rows or (len(found) >= total if total is not None else len(rows) < UNPAGED_SIZE):
                return found
        raise Transient(f"{path} is longer than expected.", record=path)

    def job(self, job_id: str) -> Mapping[str, Any] | None:
        """The state of a background job, by its path only; None when it is not known (any more: kept 24 hours)."""
        found = self.row(f"/v1/background/{segment(job_id)}", operation="GET /v1/background/{id}")
        return None if found is None else found[0]

    def job_content(self, job_id: str) -> Answer | None:
        """The body that a finished job would have answered."""
        return self.one(f"/v1/background/{segment(job_id)}/content", operation="GET /v1/background/{id}/content")


def is_last(rows: list[Row], *, units: int, seen: int, first: int = 1) -> bool:
    """Whether a list ends with this page: by the total its rows tell, else because it is shorter than asked for."""
    total, cap = _metadata(rows)
    if total is not None and first == 1:
        return seen >= total
    return units < min(PAGE_SIZE, cap or PAGE_SIZE)


def rows_of(answer: Answer, where: str, parse: Parse = jsontext.parse) -> list[Row]:
    """The rows of a list: a bare array, or the few resources that wrap it in `records`."""
    try:
        content = parse(answer.body)
    except ValueError:
        raise Transient(f"The answer to GET {where} is not JSON.", record=where) from None
    if isinstance(content, Mapping):
        content = content.get("records", content.get("value"))
    if not isinstance(content, list):
        raise Transient(f"The answer to GET {where} is not a list.", record=where)
    return [row for row in content if isinstance(row, Mapping)]


def total_of(rows: list[Row]) -> int | None:
    """How many there are in all, as any row tells."""
    return _metadata(rows)[0]


def _metadata(rows: list[Row]) -> tuple[int | None, int | None]:
    told = rows[0].get("metadata") if rows else None
    if not isinstance(told, Mapping):
        return None, None
    total, cap = told.get("totalCount"), told.get("maxPageSize")
    return (total if isinstance(total, int) else None), (cap if isinstance(cap, int) and cap > 0 else None)


def segment(value: str) -> str:
    """An identifier as a path segment; what routing would trip over travels as base64, as the vendor prescribes."""
    if _RESERVED.search(value):
        return f"b64({base64.urlsafe_b64encode(value.encode()).decode().rstrip('=')})"
    return quote(value, safe="")


def last_segment(location: str) -> str:
    """The number at the end of a Location, whatever its scheme and host: it is read as text and never called."""
    last = unquote(urlsplit(location).path.rstrip("/").rpartition("/")[2])
    encoded = _ENCODED.fullmatch(last)
    if encoded is None:
        return last
    text = encoded[1]
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return last


def created(answer: Answer, *, where: str, record: str | None = None) -> Created:
    """What a POST made, from Location or body; a job when the vendor took it for later. The status alone says nothing.

    Raises UnknownOutcome when the answer names neither: it was carried out, and has to be looked for by its token.
    """
    content = _mapping(answer)
    job = job_of(answer, content)
    if job:
        return Created("", "", job_id=job)
    location = answer.headers.get("location", "")
    number = last_segment(location) if location else number_in(content)
    if not number:
        raise UnknownOutcome(f"{where} was accepted without naming the new number.", record=record)
    return Created(number, number, etag=answer.headers.get("etag"))


def job_of(answer: Answer, content: Mapping[str, Any] | None = None) -> str:
    """The id of the background job that an answer names; empty when it names none."""
    body = _mapping(answer) if content is None else content
    if body.get("stateLocation") and body.get("id"):
        return str(body["id"])
    location = answer.headers.get("location", "")
    return last_segment(location) if "/background/" in location.lower() else ""


def number_in(body: Mapping[str, Any]) -> str:
    """The number of a new document, in any of the places where action results put it."""
    for name in ("referenceNumber", "refNbr", "referenceNbr", "batchNumber", "number"):
        if isinstance(body.get(name), str) and body[name]:
            return str(body[name])
    for name in ("creditNoteDto", "voidPayment"):
        inner = body.get(name)
        if isinstance(inner, Mapping):
            return number_in(inner)
    return ""


def _mapping(answer: Answer, parse: Parse = jsontext.parse) -> Mapping[str, Any]:
    if not answer.body.strip():
        return {}
    try:
        content = parse(answer.body)
    except ValueError:
        return {}
    return content if isinstance(content, Mapping) else {}


def action_result(answer: Answer) -> tuple[str, str]:
    """(`Queued`, `InProcess`, `Failed`, `Done` or empty, the vendor's words) of an action's answer."""
    body = _mapping(answer)
    return str(body.get("actionResult") or ""), str(body.get("errorInfo") or "")
