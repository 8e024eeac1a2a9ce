"""Idempotency keys: the first outcome is kept and given again, unless the endpoint never began."""

from __future__ import annotations

from dataclasses import dataclass

from ml_connector_sandbox.core.instants import SECOND
from ml_connector_sandbox.core.wire import Request, Response
from ml_connector_sandbox.stripe.refusals import Refused
from ml_connector_sandbox.stripe.state import Book

_LONGEST = 255


@dataclass(slots=True)
class Kept:
    """The first outcome under a key."""

    asked: tuple[str, bytes]
    answer: Response
    at: int


def replay(book: Book, request: Request, now: int) -> Response | None:
    """The stored outcome of this key, marked as a replay. 400 for other parameters, 409 while the first one runs."""
    key = request.headers.get("idempotency-key", "")
    if len(key) > _LONGEST:
        text = f"Idempotency keys can have at most {_LONGEST} characters."
        raise _refused(Refused(400, text, kind="idempotency_error"))
    knobs = book.world.knobs
    kept = book.replays.get(key) if key else None
    if kept is None or now - kept.at >= knobs.idempotency_s * SECOND:
        return None
    if kept.asked != (request.path, request.body):
        text = (
            f"Keys for idempotent requests can only be used with the same parameters they were first used with. Try "
            f"using a key other than '{key}' if you meant to execute a different request."
        )
        raise _refused(Refused(400, text, kind="idempotency_error"))
    if now - kept.at < knobs.in_progress_s * SECOND:
        text = f"There is currently another in-progress request using this Idempotent Key: {key}."
        raise _refused(Refused(409, text, code="idempotency_key_in_use"))
    answer: Response = kept.answer
    headers = (*answer.headers, ("Idempotency-Key", key), ("Idempotent-Replayed", "true"))
    return Response(answer.status, answer.body, headers)


def keep(book: Book, request: Request, answer: Response, now: int) -> None:
    """Store an outcome under the request's key, if it has one."""
    key = request.headers.get("idempotency-key", "")
    if key:
        book.replays[key] = Kept((request.path, request.body), answer, now)


def _refused(refused: Refused) -> Refused:
    refused.begun = False
    return refused
