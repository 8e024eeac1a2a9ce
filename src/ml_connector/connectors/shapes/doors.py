"""What hears a system: verified deliveries of a webhook."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol, runtime_checkable


class Delivered(NamedTuple):
    """What one verified webhook delivery says: at most a hint to read something. A tuple, as doors make thousands.

    `event_id` None: the vendor gives none that can be trusted, nothing is deduplicated. `kind` None: a type we do not
    know or do not need, `ignored` says which.
    """

    event_id: str | None
    account_ref: str | None
    kind: str | None
    external_id: str | None
    event_type: str
    occurred_at: datetime | None
    ignored: str | None = None


class Webhooks(Protocol):
    """The verifying half of a webhook door. Pure: bytes and headers in."""

    def verify(self, body: bytes, headers: Mapping[str, str], *, url: str, keys: Sequence[str], now: datetime) -> None:
        """Raise BadSignature unless one of the keys signed these very bytes. Header names are lower case."""
        ...

    def read(self, body: bytes, headers: Mapping[str, str]) -> list[Delivered]:
        """What the verified bytes say. Raises Untranslatable for bodies that are no event."""
        ...


Opinion = Callable[[str, Mapping[str, str], bytes], bool]
"""(key of the door, headers, raw body) -> whether the vendor itself says that it sent this. Calls out: never waited for
by a door."""


@runtime_checkable
class Vouchable(Protocol):
    """A door whose vendor can be asked about a delivery that cannot be verified here."""

    def through(self, opinion: Opinion) -> Webhooks:
        """The same door, with somebody to ask."""
        ...
