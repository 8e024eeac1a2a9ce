"""What requestStatus says of one submission: pending until every record is judged, then released, some refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ml_connector.connectors.basware import statuses
from ml_connector.connectors.basware.client import BaswareClient
from ml_connector.connectors.basware.statuses import Item, Request
from ml_connector.connectors.shapes import Context, Observed

SEND_AGAIN = "Basware holds the same content and never said that it took it. Replay the record: it is sent anew."
KEPT = "Basware had a row of this code already: it was overwritten and keeps its key there."
NOT_NAMED = "The request is finished and does not name this record. Replay the record: it is sent anew."
REPLACED = "A newer version of this record was sent at the same moment, and its result is not known."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for in requestStatus: the records of one submission by their codes."""

    entity: str
    rows: tuple[tuple[str, tuple[str, ...]], ...]  # (source key, codes by which an item may name it)
    kept: frozenset[str] = frozenset()  # keys of rows that were there before us


class Judge:
    """Requests that are known, and what they say of one submission's records."""

    def __init__(self, client: BaswareClient, known: Mapping[str, Request]) -> None:
        self._client = client
        self._known = known
        self._histories: dict[str, Mapping[str, Request]] = {}

    def parcel(self, wanted: Wanted, context: Context) -> Observed:
        """Pending until every record's item is final; then released, with the refused ones named."""
        sent_at = context.started_at.isoformat(timespec="microseconds") if context.started_at else ""
        requests = [self._known.get(id_) for id_ in context.remote_id.split()]
        there = [one for one in requests if one is not None]
        refused: dict[str, str] = {}
        notes: dict[str, str] = {}
        waiting = 0
        for key, codes in wanted.rows:
            item = self._record(wanted.entity, codes, there, whole=len(there) == len(requests), sent_at=sent_at)
            if item.verdict == "pending":
                waiting += 1
            elif item.verdict == "refused":
                refused[key] = f"{item.sentence.rstrip('.') or 'Basware gave no reason'}."
            elif item.sentence or key in wanted.kept:
                notes[key] = item.sentence or KEPT
        state = "pending" if waiting else "released"
        facts = {"rows": len(wanted.rows), "waiting": waiting, "notes": notes}
        return _observed(context, state, facts=facts, refused={} if waiting else refused)

    def _record(
        self, entity: str, codes: Sequence[str], there: Sequence[Request], *, whole: bool, sent_at: str
    ) -> Item:
        for request in there:
            item = request.judged(*codes)
            if item is None:
                continue
            if item.verdict == "expired":
                later = statuses.newer(self._known, entity, codes, than=request, sent_at=sent_at)
                return later if later is not None else Item("refused", REPLACED)
            return self._before(entity, codes, request) if item.verdict == "unchanged" else item
        if not whole or not all(request.final for request in there):
            return Item("pending")
        return Item("refused", NOT_NAMED)

    def _before(self, entity: str, codes: Sequence[str], request: Request) -> Item:
        """Unchanged is good only where the same content was taken before; else it has never arrived."""
        for known in (self._known, None):
            earlier = statuses.before(known or self._history(entity), entity, codes, than=request)
            if earlier is not None:
                return earlier if earlier.verdict == "done" else Item("refused", earlier.sentence or SEND_AGAIN)
        return Item("refused", SEND_AGAIN)

    def _history(self, entity: str) -> Mapping[str, Request]:
        if entity not in self._histories:
            self._histories[entity] = statuses.history(self._client, entity)
        return self._histories[entity]


def standing(context: Context, remote_id: str | None = None) -> Observed:
    """What stands at once, under the id that the context has or this one."""
    context = context if remote_id is None else replace(context, remote_id=remote_id)
    return _observed(context, "released")


def _observed(
    context: Context, state: Any, *, facts: Mapping[str, Any] | None = None, refused: Mapping[str, str] | None = None
) -> Observed:
    return Observed(
        remote_id=context.remote_id,
        number=context.remote_id.split(" ")[0],
        state=state,
        status=state,
        currency="",
        total=0,
        vat=None,
        day=None,
        tokens=(context.token,),
        facts=facts or {},
        refused=refused or {},
    )
