"""Basware's status and body -> our error, as one table.

A POST is idempotent by its external codes, but only the engine sends again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ml_connector.connectors.basware.scopes import scope_of
from ml_connector.connectors.http import Answer
from ml_connector.errors import (
    ConnectorError,
    NotAuthorized,
    NotFound,
    RateLimited,
    Rejected,
    Transient,
    UnknownOutcome,
)

REQUEST_ID = "x-amzn-requestid"
READS = frozenset({"GET", "HEAD"})
MAX_WAIT_S = 3600.0
CONFLICT_WAIT_S = 5.0  # the same record is in flight
BUSY_WAIT_S = 5.0


class InFlight(Transient):
    """409: the record is being worked on, or stands twice in the call. `rows`: which, by external code."""

    rows: Mapping[str, str] = {}


STATUSES: Mapping[int, type[ConnectorError]] = {
    401: NotAuthorized,
    403: NotAuthorized,
    404: NotFound,
    409: InFlight,
    429: RateLimited,
    503: Transient,
}
PUBLISHING = frozenset({"SNS_PUBLISH_ERROR", "SQS_PUBLISH_ERROR"})  # taken in and not passed on: send it again
FIXES: Mapping[int, str] = {
    401: "Check client id and secret (or user and password), and that they belong to this region and environment.",
    403: "Ask Basware to grant this client the scope {scope}; `ml-connector ping` goes through all of them.",
}
SCHEMA_FIX = "The field's length or form is not what Basware takes: correct the record in the ledger."


class AlreadyDone(Exception):
    """405: what was asked for has happened before (an acknowledgement)."""


def judged(answer: Answer, where: str, *, method: str, already: bool = False) -> Answer:
    """The answer of a call that succeeded, else the error it means is raised.

    `already`: a 405 says that it is done (AlreadyDone). A write that ends in 500 may have been taken.
    """
    if answer.ok:
        return answer
    if already and answer.status == 405:
        raise AlreadyDone(where)
    raise fault(answer, where, method=method)


def fault(answer: Answer, where: str, *, method: str) -> ConnectorError:
    """The error that an answer means. A refused batch names its bad records by external code."""
    body = body_of(answer)
    codes = [code for code, _, _ in errors_of(body)]
    kind = STATUSES.get(answer.status)
    if PUBLISHING & set(codes):
        kind = Transient
    if kind is None and (answer.status >= 500 or answer.status == 408):
        kind = Transient if method in READS else UnknownOutcome
    if kind is None:
        kind = Rejected if 400 <= answer.status < 500 else Transient
    what = f"Basware answered {where} with {answer.status}{words(body)}{_trace(answer)}."
    if issubclass(kind, Transient):
        least = {409: CONFLICT_WAIT_S, 503: BUSY_WAIT_S}.get(answer.status)
        later = kind(what, record=where, retry_after_s=retry_after(answer) or least)
        if isinstance(later, InFlight):
            later.rows = rows_refused(answer)
        return later
    fix = SCHEMA_FIX if "SCHEMA_VALIDATION_ERROR" in codes else FIXES.get(answer.status)
    if kind is Rejected:
        return Rejected(what, record=where, fix=fix, rows=rows_refused(answer))
    return kind(what, record=where, fix=fix.format(scope=scope_of(where)) if fix else None)


def rows_refused(answer: Answer) -> dict[str, str]:
    """Which records of a batch a 400 names, by external code, and why. Nothing of the batch counts as stored then."""
    found: dict[str, str] = {}
    for code, message, external in errors_of(body_of(answer)):
        if external:
            found[external] = f"{found[external]}; {message or code}" if external in found else message or code
    return found


def body_of(answer: Answer) -> Any:
    """The JSON of an answer, None where there is none: 401, 404 and 405 have no body."""
    try:
        return answer.json()
    except (ValueError, RecursionError, ArithmeticError):
        return None


def errors_of(body: Any) -> Iterator[tuple[str, str, str]]:
    """(code, sentence, external code) of every error, in any of the five shapes."""
    if not isinstance(body, Mapping):
        return
    for key in ("errors", "errorMessages", "detail"):
        found = body.get(key)
        if isinstance(found, Mapping):  # the network's: one object that holds a list
            yield _text(found.get("code")), _text(found.get("message")), ""
            rows = found.get("validationErrors")
            for row in rows if isinstance(rows, list) else ():
                if isinstance(row, Mapping):
                    yield "", f"{_text(row.get('fieldId'))} {_text(row.get('fieldMessage'))}".strip(), ""
        for row in found if isinstance(found, list) else ():
            if isinstance(row, Mapping):
                yield (
                    _text(row.get("code") or row.get("type")),
                    " ".join(dict.fromkeys(part for part in map(_text, _said(row)) if part)),
                    _text(row.get("externalCode")),
                )
    if isinstance(body.get("error"), str):
        yield body["error"], _text(body.get("error_description")), ""
    if isinstance(body.get("message"), str):
        yield "", _text(body["message"]), ""


def words(body: Any) -> str:
    """What the answer says, cut: codes and sentences; never what was sent."""
    told = [" ".join(part for part in (external, code, said) if part) for code, said, external in errors_of(body)]
    text = "; ".join(dict.fromkeys(one for one in told if one))[:600]
    return f": {text.rstrip('.')}" if text else ""


def retry_after(answer: Answer) -> float | None:
    """The wait Basware asks for; it need not say."""
    text = answer.headers.get("retry-after", "").strip()
    return min(float(text), MAX_WAIT_S) if text.isdecimal() and len(text) < 9 else None


def request_id(answer: Answer) -> str:
    """The id by which requestStatus knows this call; empty where the answer has none."""
    return answer.headers.get(REQUEST_ID, "").strip()[:100]


def _said(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row.get("message"), row.get("msg"), row.get("info")


def _trace(answer: Answer) -> str:
    found = request_id(answer)
    return f" (Basware's request {found})" if found else ""


def _text(value: object) -> str:
    return value.strip()[:300] if isinstance(value, str) else ""
