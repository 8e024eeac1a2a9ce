"""Reading one Square connection: pages of streams, records by id, records that point to another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from ml_connector.connectors.http import Http
from ml_connector.connectors.pacing import Ticking
from ml_connector.connectors.shapes import Absent, Held, Named, Page, SourceObject
from ml_connector.connectors.square import articles, payouts_stream, publications, rounds, successions
from ml_connector.connectors.square.auth import FixedToken, tokens_of
from ml_connector.connectors.square.client import (
    FAR_BACK,
    AccessTokens,
    FeatureOff,
    Query,
    Row,
    Rows,
    SquareClient,
    every,
)
from ml_connector.connectors.square.fetching import Fetching
from ml_connector.connectors.square.objects import id_of, source_object
from ml_connector.connectors.square.pacing import Pacer
from ml_connector.connectors.square.positions import Lane, Position, dump, load
from ml_connector.connectors.square.walks import LAG, OVERLAP, advance
from ml_connector.connectors.square.webhooks import PUBLICATION, SUBSCRIBED, all_of
from ml_connector.errors import Rejected, Untranslatable, UsageError

WALK_ROOM = 2000  # records of one page of a full walk
SLACK = 20  # rows repeated when a full walk is taken up again: some may have been removed in front


def open_reader(
    http: Http,
    credentials: Mapping[str, str],
    settings: Mapping[str, str],
    *,
    tokens: AccessTokens | None = None,
    clock: Ticking,
    pacer: Pacer | None = None,
) -> SquareReader:
    """A reader of one seller. `tokens` renews OAuth tokens; without it the access token is used as it is.

    `pacer` is shared where several readers use one token. Settings: requests_per_second, calls_at_once.
    """
    client = SquareClient(http, tokens_of(credentials, tokens), pacer or Pacer.of(settings, clock))
    pat = credentials.get("personal_access_token")
    events = SquareClient(http, FixedToken(pat), Pacer.of(settings, clock)) if pat else None
    return SquareReader(client, clock=clock, events=events, merchant=credentials.get("merchant_id") or None)


class SquareReader:
    """The Reader of Square. `events` is the client with the application's personal token, where there is one."""

    def __init__(
        self, client: SquareClient, *, clock: Ticking, events: SquareClient | None = None, merchant: str | None = None
    ) -> None:
        self._client = client
        self._events = events
        self._merchant = merchant
        self._clock = clock
        self._fetching = Fetching(client, clock)
        self._held: Held = _nothing_held

    def compare_with(self, held: Held) -> None:
        """What we hold of the seller: of the catalogue only the articles among it are read again."""
        self._held = held

    def page(self, stream: str, position: str | None, *, now: datetime, backfill_from: datetime | None = None) -> Page:
        """The next page of a stream: at most 500 records by time, 40 payouts, 2000 of a full walk."""
        start = backfill_from or FAR_BACK
        if stream in rounds.TIMED:
            return rounds.next_page(
                self._client, rounds.TIMED[stream], position, now=now, start=start, places=self._places
            )
        if stream == "payouts":
            return payouts_stream.next_page(self._client, position, now=now, start=start, places=self._places)
        if stream == "articles":
            return articles.next_page(self._client, position, now=now, held=self._held)
        if stream == "events":
            return self._event_page(position, now=now)
        walk = self._walks().get(stream)
        if walk is None:
            raise UsageError(f"Square has no stream {stream!r}.")
        return walk(position)

    def fetch(
        self, kind: str, external_ids: Sequence[str], *, since: datetime | None = None
    ) -> list[SourceObject | Absent]:
        """The present state of these records, one answer for each id, in their order."""
        if kind == PUBLICATION:
            merchant = (self._merchant or self._own_merchant()) if self._events is not None else ""
            return list(publications.fetch(self._events, external_ids, merchant=merchant, now=self._clock.now()))
        if kind == successions.KIND:
            return successions.fetch(external_ids)
        return self._fetching.fetch(kind, external_ids, since=since)

    def find(self, kind: str, link: tuple[str, str], *, location: str | None) -> list[SourceObject]:
        """Invoices by ("order", id), payouts by ("payment", id)."""
        return self._fetching.find(kind, link, location=location)

    def walk(self, kind: str, *, location: str | None, since: datetime) -> list[SourceObject]:
        """Every invoice of a location, or its payouts made since then; with no location, of all of them."""
        return self._fetching.walk(kind, location=location, since=since)

    def _places(self) -> list[str]:
        return [id_of("location", row) for row in self._client.locations()]

    def _walks(self) -> Mapping[str, Callable[[str | None], Page]]:
        return {
            "locations": self._location_page,
            "invoices": self._invoice_page,
            "vendors": lambda position: self._full_walk("vendor", position, places=("*",)),
            "disputes": lambda position: self._full_walk("dispute", position, places=("*",)),
        }

    def _location_page(self, position: str | None) -> Page:
        found = tuple(source_object("location", row) for row in self._client.locations())
        return Page(found, (), dump(load(position)), more=False)

    def _invoice_page(self, position: str | None) -> Page:
        return self._full_walk("invoice", position, places=sorted(self._places()))

    def _full_walk(self, kind: str, text: str | None, *, places: Sequence[str]) -> Page:
        """A kind that Square cannot filter by time: all of it, place by place, a page of ours at a time.

        Taken up again it is walked from its beginning and what was given is left out, less some slack: no cursor is
        kept.
        """
        position = load(text)
        left = [place for place in places if place >= position.place]
        if not left:
            return Page((), (), dump(Position()), more=False)
        place = left[0]
        skip = position.walked if place == position.place else 0
        try:
            rows = every(lambda cursor: self._listed(kind, place, cursor), what=f"{kind}s")
        except FeatureOff:
            return Page((), (), dump(Position()), more=False)
        first = max(0, skip - SLACK)
        given = rows[first : skip + WALK_ROOM]
        found = tuple(source_object(kind, row) for row in given)
        if skip + WALK_ROOM < len(rows):
            return Page(found, (), dump(Position(place=place, walked=skip + WALK_ROOM)), more=True)
        if len(left) > 1:
            return Page(found, (), dump(Position(place=left[1])), more=True)
        return Page(found, (), dump(Position()), more=False)

    def _listed(self, kind: str, place: str, cursor: str | None) -> Rows:
        if kind == "invoice":
            return self._client.invoices(place, cursor)
        return self._client.vendors(cursor) if kind == "vendor" else self._client.disputes(cursor)

    def _event_page(self, text: str | None, *, now: datetime) -> Page:
        """What the Events API tells: names to fetch, for deliveries that never came.

        Nothing without a personal access token.

        Searching must be enabled first; what happened before that is not there, polling heals it.
        """
        position = load(text)
        if self._events is None:
            return Page((), (), dump(position), more=False)
        try:
            return self._searched(self._events, position, now=now)
        except FeatureOff:
            return Page((), (), dump(position), more=False)

    def _searched(self, events: SquareClient, position: Position, *, now: datetime) -> Page:
        until = (now - LAG).replace(microsecond=0)
        lane = position.lanes.get("*")
        if lane is None:
            events.enable_events()
            return Page((), (), dump(Position(lanes={"*": Lane(until)})), more=False)
        if lane.mark >= until:
            return Page((), (), dump(position), more=False)
        end = position.until or until
        merchant = self._merchant or self._own_merchant()
        begin = max(lane.mark - OVERLAP, now - publications.EVENTS_KEPT)

        def ask(since: datetime, cursor: str | None) -> Rows:
            query = Query("created_at", since, end, cursor=cursor)
            return events.events(query, merchant=merchant, types=SUBSCRIBED)

        rows, after = advance(lane, ask, until=end, begin=begin, stamp="created_at", room=500, key="event_id")
        more = after.mark < end
        named = tuple(dict.fromkeys(one for row in rows for one in _named(row)))
        return Page((), named, dump(Position(lanes={"*": after}, until=end if more else None)), more=more)

    def _own_merchant(self) -> str:
        found = self._client.call("GET", "/v2/merchants/me", operation="GET /v2/merchants/me").get("merchant")
        if not isinstance(found, dict) or not isinstance(found.get("id"), str):
            raise Rejected("Square does not say whose token this is.", fix="Enter the merchant id of the connection.")
        self._merchant = str(found["id"])
        return self._merchant


def _nothing_held(_kind: str, _since: datetime) -> list[str]:
    return []


def _named(event: Row) -> list[Named]:
    """What an event asks to read; nothing for one that is ignored or broken: the object itself is polled anyway."""
    try:
        found = all_of(event)
    except Untranslatable:
        return []
    return [Named(one.kind, one.external_id) for one in found if one.kind and one.external_id]
