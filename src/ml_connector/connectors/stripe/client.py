"""Stripe's calls in Stripe's words: version, account and key on each, paced, lists to their end, errors in ours."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ml_connector.connectors.http import Answer, Http
from ml_connector.connectors.stripe.auth import Access
from ml_connector.connectors.stripe.faults import is_repeated, judged
from ml_connector.connectors.stripe.forms import HEADERS, Form, encoded, flat
from ml_connector.connectors.stripe.pacing import Pacer
from ml_connector.errors import NotFound, Transient

Row = dict[str, Any]

PAGE = 100  # the most; the default of 10 truncates silently
MAX_PAGES = 200  # of one list in one go: 20 000 rows; a longer one is asked for in smaller windows
KEY_LENGTH = 48


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of a list, newest first."""

    rows: list[Row]
    more: bool

    @property
    def last(self) -> str:
        """The id after which the next page begins."""
        found = self.rows[-1].get("id") if self.rows else None
        return found if isinstance(found, str) else ""


class StripeClient:
    """One account's Stripe. Thread-safe. Retries nothing."""

    def __init__(self, http: Http, access: Access, *, pacer: Pacer) -> None:
        self.http = http
        self.access = access
        self._pacer = pacer

    def get(self, path: str, params: Form | None = None, *, operation: str = "") -> Row:
        """One reading."""
        answer = self._send("GET", path, operation=operation or f"GET {path}", params=flat(params) if params else None)
        return judged(answer, f"GET {path}", method="GET")

    def post(self, path: str, form: Form, *, key: str, operation: str = "") -> Row:
        """One change under an idempotency key: a repeat with the same body within a day changes nothing again."""
        return self.posted(path, form, key=key, operation=operation)[0]

    def posted(self, path: str, form: Form, *, key: str, operation: str = "") -> tuple[Row, bool]:
        """The same, and whether the answer is of this moment: a repeat is told what the first one was told."""
        headers = {"Idempotency-Key": key}
        answer = self._send(
            "POST", path, operation=operation or f"POST {path}", headers=headers | HEADERS, body=encoded(form)
        )
        return judged(answer, f"POST {path}", method="POST"), not is_repeated(answer)

    def knock(self, path: str, form: Form, *, key: str, operation: str) -> Answer:
        """A change that nothing can come of, to see how it is refused; the answer as it is, whatever its status."""
        headers = {"Idempotency-Key": key} | HEADERS
        return self._send("POST", path, operation=operation, headers=headers, body=encoded(form))

    def delete(self, path: str, *, operation: str) -> Row:
        """One removal: of a draft or a webhook endpoint."""
        return judged(self._send("DELETE", path, operation=operation), f"DELETE {path}", method="DELETE")

    def one(self, path: str, id_: str, *, expand: tuple[str, ...] = ()) -> Row | None:
        """GET one object; None when Stripe has none of that id in this mode and account, or it was deleted."""
        params = {"expand": list(expand)} if expand else None
        try:
            found = self.get(item(path, id_), params, operation=f"GET {path}/{{id}}")
        except NotFound:
            return None
        return None if found.get("deleted") is True else found

    def page(self, path: str, params: Form, *, after: str = "") -> ListPage:
        """One page of a list, a hundred rows at most."""
        asked = {**params, "limit": PAGE, **({"starting_after": after} if after else {})}
        return _page(self.get(path, asked, operation=f"GET {path}"), path)

    def every(self, path: str, params: Form) -> Iterator[Row]:
        """A list whole. Raises Transient where it is longer than expected: nothing is cut in silence."""
        after = ""
        for _ in range(MAX_PAGES):
            found = self.page(path, params, after=after)
            yield from found.rows
            after = found.last
            if not found.more or not after:
                return
        raise Transient(f"{path} has more than {MAX_PAGES} pages.", record=path, fix="Read a shorter time at once.")

    def search(self, path: str, query: str) -> list[Row]:
        """The objects that a search finds. It lags behind a minute, at times an hour: no proof of absence."""
        where = f"{path}/search"
        return _page(self.get(where, {"query": query, "limit": PAGE}, operation=f"GET {where}"), where).rows

    def _send(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **what: Any) -> Answer:
        with self._pacer.turn():
            return self.http.send(method, path, headers={**self.access.headers(), **(headers or {})}, **what)


def item(path: str, id_: str, *more: str) -> str:
    """The path of one object and what is asked of it."""
    return "/".join((path, quote(id_, safe="", errors="replace"), *more))


def key_of(token: str, step: str) -> str:
    """The idempotency key of one step of one submission; the account and mode keep theirs apart by themselves."""
    return hashlib.sha256(f"{token}|stripe|{step}".encode()).hexdigest()[:KEY_LENGTH]


def _page(body: Row, where: str) -> ListPage:
    rows = body.get("data")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Transient(f"Stripe's answer to GET {where} holds no list of objects.", record=where)
    return ListPage(rows, body.get("has_more") is True)
