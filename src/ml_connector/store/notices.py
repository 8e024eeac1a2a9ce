"""The notice as it is written. No database here: the process that only takes webhooks in loads none of its parts."""

from __future__ import annotations

from typing import NamedTuple


class Notice(NamedTuple):
    """A webhook said something changed. `event_id` None: the vendor gives no trustworthy one, every ring counts.

    A named tuple, for one is made for each webhook and put into the statement as it is. `received_at` in microseconds.
    """

    id: str
    door_id: str
    kind: str
    external_id: str
    received_at: int
    workspace_id: str | None = None
    connection_id: str | None = None
    event_id: str | None = None
    event_type: str | None = None
    account_ref: str | None = None
    body: str | None = None
