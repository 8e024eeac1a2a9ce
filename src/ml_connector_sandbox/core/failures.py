"""Faults in a vendor's own shape that wait for the requests to come (what breaks on the way is in `faults`)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar


class Waiting(Protocol):
    """A fault that waits: for how many requests, of which operation ("" for any)."""

    operation: str
    times: int


F = TypeVar("F", bound=Waiting)


@dataclass(slots=True)
class Failure:
    """A fault that is a status, as most vendors have it."""

    operation: str
    status: int
    times: int
    after: bool  # the request takes effect first
    retry_after: str


def asked_for(vendor: str, arguments: dict[str, Any], statuses: Collection[int]) -> Failure:
    """The fault that the verb `fail_next` asks for. ValueError where the vendor never answers so."""
    status = int(arguments["status"])
    if status not in statuses:
        raise ValueError(f"No {vendor} fault {status}: use one of {sorted(statuses)}.")
    return Failure(
        str(arguments.get("operation", "")), status, int(arguments.get("times", 1)),
        bool(arguments.get("after_commit", False)), str(arguments.get("retry_after", "")),
    )  # fmt: skip


def struck(failures: Iterable[F], operation: str) -> F | None:
    """The first fault that waits for this operation; it waits for one request less now."""
    for failure in failures:
        if failure.times > 0 and failure.operation in {"", operation}:
            failure.times -= 1
            return failure
    return None
