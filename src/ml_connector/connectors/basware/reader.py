"""Reading one tenant: documents that wait for the ledger by poll, any document by its id.

The poll has no cursor to lose: what waits is offered on every reading until it is acknowledged. What changed since is
read beside it, so that what becomes of a document is known too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from ml_connector.connectors.basware import auth
from ml_connector.connectors.basware.client import DOCUMENTS, BaswareClient, Row, wire
from ml_connector.connectors.basware.fields import moment_of
from ml_connector.connectors.basware.pacing import Pacer
from ml_connector.connectors.http import Http
from ml_connector.connectors.pacing import Ticking
from ml_connector.connectors.shapes import Absent, Page, SourceObject
from ml_connector.connectors.tokens import Tokens
from ml_connector.errors import Untranslatable, UsageError

KIND = "accountingDocument"
STREAM = "accountingDocuments"
KEY = "accountingDocuments"
PAGE_SIZE = "100"
WAITING = "WaitingForTransfer"
OVERLAP = timedelta(minutes=5)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNKNOWN = "Basware has no such document."


def open_reader(
    http: Http, credentials: Mapping[str, str], settings: Mapping[str, str], *, tokens: Tokens, clock: Ticking
) -> BaswareReader:
    """The reader of one tenant. Costs no call. Settings: company_codes (blank-separated), requests_per_second (5)."""
    return BaswareReader(
        open_client(http, credentials, settings, tokens=tokens, clock=clock),
        companies=tuple(str(settings.get("company_codes") or "").split()),
    )


def open_client(
    http: Http, credentials: Mapping[str, str], settings: Mapping[str, str], *, tokens: Tokens, clock: Ticking
) -> BaswareClient:
    """The calls of one client. Raises ConfigurationError when a credential is missing."""
    client = auth.client_of(credentials, http.reach.base_url)
    return BaswareClient(http, client, tokens=tokens, clock=clock, pacer=Pacer.of(settings, clock))


class BaswareReader:
    """The Reader of Basware."""

    def __init__(self, client: BaswareClient, *, companies: tuple[str, ...] = ()) -> None:
        self.client = client
        self._companies = companies or ("",)

    def page(self, stream: str, position: str | None, *, now: datetime, backfill_from: datetime | None = None) -> Page:
        """What waits now, and what changed since the last reading (from `backfill_from` the first time). One page."""
        if stream != STREAM:
            raise UsageError(f"Basware has no stream {stream!r}.")
        mark = _mark(position) or backfill_from
        rows: dict[str, Row] = {}
        for company in self._companies:
            scope = {"pageSize": PAGE_SIZE, **({"companyCode": company} if company else {})}
            if mark is not None:
                changed = {**scope, "lastUpdated": wire(mark - OVERLAP)}
                rows |= _by_id(self.client.rows(DOCUMENTS, KEY, changed))
            rows |= _by_id(self.client.rows(DOCUMENTS, KEY, {**scope, "ProcessingStatus": WAITING}))
        objects = tuple(source_object(row) for row in rows.values())
        return Page(objects, (), json.dumps({"mark": _newest(rows.values(), mark or now).isoformat()}), more=False)

    def fetch(
        self, kind: str, external_ids: Sequence[str], *, since: datetime | None = None
    ) -> list[SourceObject | Absent]:
        """The present state of documents, one call each."""
        del since
        if kind != KIND:
            raise UsageError(f"Basware has no records of kind {kind!r}.")
        return [self._one(id_) for id_ in external_ids]

    def find(self, kind: str, link: tuple[str, str], *, location: str | None) -> list[SourceObject]:
        """Basware's documents are not found by what they point to."""
        del location
        raise UsageError(f"Basware cannot find a {kind} by {link[0]}.")

    def walk(self, kind: str, *, location: str | None, since: datetime) -> list[SourceObject]:
        """Every document changed since then."""
        del location
        if kind != KIND:
            raise UsageError(f"Basware's {kind}s are not walked.")
        rows: dict[str, Row] = {}
        for company in self._companies:
            params = {
                "pageSize": PAGE_SIZE,
                "lastUpdated": wire(since),
                **({"companyCode": company} if company else {}),
            }
            rows |= _by_id(self.client.rows(DOCUMENTS, KEY, params))
        return [source_object(row) for row in rows.values()]

    def _one(self, id_: str) -> SourceObject | Absent:
        found = self.client.one(DOCUMENTS, id_, key=KEY)
        return Absent(KIND, id_, UNKNOWN) if found is None else source_object(found)


def source_object(row: Row) -> SourceObject:
    """A document as a record, its payload untouched. Raises Untranslatable when it has no usable id."""
    id_ = row.get("invoiceId")
    if not isinstance(id_, str) or not 0 < len(id_) <= 36 or not id_.isprintable():
        raise Untranslatable("A document in Basware's answer has no id.", field="invoiceId")
    changed = moment_of(row.get("lastUpdated"))
    stamp = changed.isoformat(timespec="microseconds") if changed is not None else ""
    occurred = moment_of(row.get("invoiceDate")) or changed or EPOCH
    return SourceObject(KIND, id_, row, stamp, occurred)


def _by_id(rows: Sequence[Row]) -> dict[str, Row]:
    return {str(row.get("invoiceId")): row for row in rows}


def _newest(rows: Iterable[Row], mark: datetime) -> datetime:
    """The newest change that Basware's own clock told; ours only before there was any."""
    told = [moment_of(row.get("lastUpdated")) for row in rows]
    known = [one for one in told if one is not None]
    return max(known, default=mark)


def _mark(position: str | None) -> datetime | None:
    if position is None:
        return None
    try:
        return moment_of(json.loads(position)["mark"])
    except (ValueError, KeyError, TypeError):
        raise UsageError(
            "The position of a Basware stream cannot be read.", fix="Reset the stream's cursor: all is read again."
        ) from None
