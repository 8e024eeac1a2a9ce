"""Reading documents back by remote id: by one listing where that takes fewer calls, else one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from ml_connector.connectors.shapes import Context, Observed
from ml_connector.connectors.visma import search
from ml_connector.connectors.visma.client import PAGE_SIZE, VismaClient
from ml_connector.connectors.visma.kinds import PARTIES, PAYMENTS, Place, place_of, result_kind
from ml_connector.connectors.visma.lookback import Lookback, changed_since, units
from ml_connector.connectors.visma.observed import Row, gone
from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.plan import Content

SINGLES = 3  # so many documents are read one by one where a listing may take more calls, for all we know


class ReadingBack:
    """Of one company. It keeps what saves calls: how far to look back, and how many rows of others were in the way."""

    def __init__(self, client: VismaClient, lookback: Lookback) -> None:
        self._client = client
        self._lookback = lookback
        self._crowd = 0  # rows of other documents in the last listing: more calls, and more to read, than our own cost

    def observe(self, kind: str, contexts: Sequence[tuple[Content, Context]]) -> dict[str, Observed]:
        """Documents by remote id, each as the ledger shows it; what it does not have is `gone`."""
        found: dict[str, Observed] = {}
        places: dict[str, list[tuple[Content, Context]]] = {}
        for content, context in contexts:
            places.setdefault(result_kind(kind, content), []).append((content, context))
        for there, group in places.items():
            wanted = {context.remote_id: context.started_at for _, context in group}
            files = any(context.file for _, context in group)
            rows = sum(_rows(content) for content, _ in group)
            found.update(self._observe(there, wanted, rows=rows, files=files))
        return found

    def _observe(
        self, kind: str, wanted: Mapping[str, datetime | None], *, rows: int, files: bool
    ) -> dict[str, Observed]:
        place = place_of(kind)
        found: dict[str, Observed] = {}
        starts = [started for started in wanted.values() if started is not None]
        if kind not in PARTIES and starts and len(starts) == len(wanted):
            tight = self._lookback.tight(min(starts))
            if files or self._better_listed(len(wanted), rows, is_tight=tight is not None):
                found = self._listed(place, wanted, tight or self._lookback.wide(min(starts)), files=files)
                if tight is not None and len(wanted) - len(found) > SINGLES:
                    self._lookback.forget()
                    found |= self._listed(place, wanted, self._lookback.wide(min(starts)), files=files)
        for remote_id in wanted:
            if remote_id not in found:
                found[remote_id] = self._single(kind, place, remote_id)
        return found

    def _better_listed(self, documents: int, rows: int, *, is_tight: bool) -> bool:
        """Whether a listing takes fewer calls than as many documents, whose rows fill pages as other documents' do."""
        pages = 1 + (rows + self._crowd) // PAGE_SIZE
        listed = documents > (pages if is_tight else max(pages, SINGLES))
        if not listed:
            self._crowd //= 2  # what was in the way then leaves the window: look again before long
        return listed

    def _listed(
        self, place: Place, wanted: Mapping[str, datetime | None], since: datetime, *, files: bool
    ) -> dict[str, Observed]:
        """By one listing; files are shown by listings alone."""
        found = {}
        crowd = 0
        for rows in changed_since(self._client, place, since, {"expandAttachments": "true"} if files else None):
            if place.lines and (rows[0].get("batchNumber") not in wanted or not _general(rows[0])):
                crowd += units(rows)
                continue  # other people's batches are not taken apart
            seen = place.seen(rows)
            started = wanted.get(seen.remote_id)
            if started is not None:
                found[seen.remote_id] = seen
                self._lookback.learn(started, seen.facts["modified"])
            else:
                crowd += 1
        self._crowd = crowd
        return found

    def _single(self, kind: str, place: Place, remote_id: str) -> Observed:
        if kind in PAYMENTS:  # the path has no type: two documents may share the number
            return search.payment(self._client, remote_id) or gone(remote_id)
        found = self._client.row(place.item(remote_id), operation=f"GET {place.read}/{{id}}", parse=place.parse_one)
        if found is None:
            return gone(remote_id)
        row, etag = found
        if not _general(row):
            return gone(remote_id)
        # Files are expanded by lists alone: what one document shows of them by itself tells nothing.
        return place.seen([{name: value for name, value in row.items() if name != "attachments"}], etag=etag)


def _rows(content: Content) -> int:
    """How many rows of a listing a document takes: journals are listed by line."""
    return len(content.postings) if isinstance(content, JournalEntry) else 1


def _general(row: Row) -> bool:
    """Whether a batch is of the general ledger: other modules count their batches from one as well."""
    return str(row.get("module") or "ModuleGL").removeprefix("Module") == "GL"
