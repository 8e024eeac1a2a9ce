"""The search language, over what the index saw some time ago."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ml_connector_sandbox.stripe.calls import Call
from ml_connector_sandbox.stripe.listing import limit_of
from ml_connector_sandbox.stripe.refusals import Json, bad

SEARCH = {"query*": "str", "limit": "int", "page": "str", "expand": ["id"]}

FIELDS = {
    "customer": {"created", "email", "metadata", "name", "phone"},
    "invoice": {"created", "currency", "customer", "metadata", "number", "status", "total"},
    "charge": {"amount", "created", "currency", "customer", "disputed", "metadata", "refunded", "status"},
    "payment_intent": {"amount", "created", "currency", "customer", "metadata", "status"},
}
_NUMBERS = {"created", "total", "amount"}
_WORDS = {"name", "email"}  # compared without case
_COMPARE: dict[str, Callable[[int, int], bool]] = {
    ":": operator.eq, ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le,
}  # fmt: skip
_CLAUSE = re.compile(
    r"""\s*(?P<neg>-)?(?P<field>[a-z_]+)(?:\[(?P<mq>["'])(?P<meta>(?:\\.|(?!(?P=mq)).)*)(?P=mq)\])?"""
    r"""(?P<op>>=|<=|:|~|>|<)(?:(?P<q>["'])(?P<text>(?:\\.|(?!(?P=q)).)*)(?P=q)|(?P<bare>-?\d+|null|true|false))"""
)
_JOIN = re.compile(r"\s+(AND|OR)\s+|\s+|$")


@dataclass(frozen=True, slots=True)
class Clause:
    """One comparison."""

    field: str
    meta: str | None
    op: str
    value: str | None  # None: null
    negated: bool

    def holds(self, row: Json) -> bool:
        """Whether a row meets it."""
        value = row.get(self.field)
        if self.meta is not None:
            value = (value or {}).get(self.meta)
        return self._matches(value) != self.negated

    def _matches(self, value: Any) -> bool:
        if self.value is None or value is None:
            return self.value is None and value is None
        if self.field in _NUMBERS:
            return _COMPARE[self.op](int(value), int(self.value))
        text = ("true" if value else "false") if isinstance(value, bool) else str(value)
        wanted = self.value
        if self.field in _WORDS or self.op == "~":
            text, wanted = text.lower(), wanted.lower()
        return wanted in text if self.op == "~" else wanted == text


def search(call: Call, kind: str) -> Json:
    """One page of what matched when the index last looked; the objects are shown as they are now."""
    clauses, together = parse(call.params["query"], kind)
    seen = call.now - call.book.world.delay(call.book.world.knobs.search_lag_s)
    shelf = call.book.shelves[kind]
    found = [row for row in shelf.walk() if _matches(call, row, clauses, together=together, seen=seen)]
    limit, start = limit_of(call), _start(call)
    more = start + limit < len(found)
    return {
        "object": "search_result", "data": [call.show(row) for row in found[start : start + limit]], "has_more": more,
        "next_page": f"page_{start + limit}" if more else None, "url": call.path,
    }  # fmt: skip


def _matches(call: Call, row: Json, clauses: list[Clause], *, together: bool, seen: int) -> bool:
    old = next((copy for at, copy in reversed(call.book.copies.get(row["id"], [])) if at <= seen), None)
    if old is None:
        return False
    verdicts = (clause.holds(old) for clause in clauses)
    return all(verdicts) if together else any(verdicts)


def _start(call: Call) -> int:
    page = call.params.get("page")
    if page is None:
        return 0
    if not re.fullmatch(r"page_\d{1,9}", page):
        raise bad(f"Invalid page: {page}", param="page")
    return int(page.removeprefix("page_"))


def parse(query: str, kind: str) -> tuple[list[Clause], bool]:
    """The clauses, and whether all must hold (else any). Refused (400) when it is no query."""
    clauses: list[Clause] = []
    joins: set[str] = set()
    at = 0
    while at < len(query):
        match = _CLAUSE.match(query, at)
        if match is None:
            raise bad(f"We were unable to parse your search query near {query[at : at + 20]!r}.", param="query")
        clauses.append(_clause(match, kind))
        join = _JOIN.match(query, match.end())
        if join is None:
            raise bad("We were unable to parse your search query: join clauses with AND or OR.", param="query")
        at = join.end()
        if at < len(query):
            joins.add(join[1] or "AND")
    if not clauses:
        raise bad("The search query is empty.", param="query")
    if len(joins) > 1:
        raise bad("You cannot combine AND and OR in one search query.", param="query")
    return clauses, joins != {"OR"}


def _clause(match: re.Match[str], kind: str) -> Clause:
    field, op = match["field"], match["op"]
    if field not in FIELDS[kind]:
        raise bad(f"Field `{field}` is an unsupported search field for resource `{kind}s`.", param="query")
    if (field == "metadata") != (match["meta"] is not None):
        raise bad("Metadata is searched as metadata['key']:'value'.", param="query")
    text = match["text"] if match["q"] else match["bare"]
    value = None if match["bare"] == "null" else re.sub(r"\\(.)", r"\1", text)
    if op == "~" and (value is None or len(value) < 3 or field in _NUMBERS):
        raise bad("Substring search needs at least 3 characters, on a text field.", param="query")
    if field in _NUMBERS and (value is None or not re.fullmatch(r"-?\d+", value)):
        raise bad(f"Field `{field}` takes a number.", param="query")
    if field not in _NUMBERS and op not in {":", "~"}:
        raise bad(f"Field `{field}` does not support `{op}`.", param="query")
    return Clause(field, _unescaped(match["meta"]), op, value, bool(match["neg"]))


def _unescaped(text: str | None) -> str | None:
    return None if text is None else re.sub(r"\\(.)", r"\1", text)
