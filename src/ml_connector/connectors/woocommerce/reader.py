"""Reading one WooCommerce shop: pages of streams, records by id, records that point to another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from ml_connector.connectors.http import Http
from ml_connector.connectors.shapes import Absent, Held, Named, Page, SourceObject
from ml_connector.connectors.woocommerce import articles
from ml_connector.connectors.woocommerce.client import (
    DECIMALS,
    PER_PAGE,
    RouteMissing,
    Row,
    Ticking,
    WooClient,
)
from ml_connector.connectors.woocommerce.counting import Counting, nothing_held
from ml_connector.connectors.woocommerce.fetching import Fetching
from ml_connector.connectors.woocommerce.fields import id_of
from ml_connector.connectors.woocommerce.objects import MetaKeys, customer_object, order_object
from ml_connector.connectors.woocommerce.positions import Position, dump, load
from ml_connector.connectors.woocommerce.sales import DRAFTS
from ml_connector.connectors.woocommerce.signing import Key, Nonce, new_nonce
from ml_connector.connectors.woocommerce.walks import CREATED, MODIFIED, advance
from ml_connector.errors import RateLimited, Transient, UsageError

FAR_BACK = datetime(2011, 1, 1, tzinfo=UTC)  # before the first WooCommerce
PAGES = 3  # listings of one page of ours: shops are slow, and a unit of work is short
SMALLEST_PAGE = 10
GOOD_PAGES = 20  # after so many a page that had to be made smaller grows again
WALK_SLACK = 20  # rows of a full walk given twice: some may have been removed in front
MAX_WALK = 5_000

META_SETTINGS = {"vat_number_keys": "vat_number", "org_number_keys": "org_number"}


def open_reader(
    http: Http,
    credentials: Mapping[str, str],
    settings: Mapping[str, str],
    *,
    clock: Ticking,
    nonce: Nonce = new_nonce,
) -> WooReader:
    """A reader of one shop. Settings: vat_number_keys, org_number_keys (metadata keys, comma between them)."""
    return WooReader(WooClient(http, Key.of(credentials), clock=clock, nonce=nonce), meta_keys(settings), clock=clock)


def meta_keys(settings: Mapping[str, str]) -> dict[str, list[str]]:
    """The metadata keys chosen for VAT and organisation numbers, as the payload carries them to `translate`."""
    found = {}
    for setting, name in META_SETTINGS.items():
        if keys := [key.strip() for key in settings.get(setting, "").split(",") if key.strip()]:
            found[name] = keys
    return found


class WooReader:
    """The Reader of WooCommerce."""

    def __init__(self, client: WooClient, keys: MetaKeys, *, clock: Ticking) -> None:
        self._client = client
        self._keys = keys
        self._clock = clock
        self._fetching = Fetching(client, keys)
        self._size = PER_PAGE
        self._good = 0
        self._held: Held = nothing_held

    def compare_with(self, held: Held) -> None:
        """What we hold of the shop: refunds among it that are listed no more are looked for, products read again."""
        self._held = held

    def reached(self, stream: str, position: str) -> datetime | None:
        """How far orders and refunds were read, by their last change."""
        lane = load(position).lane
        return (lane.at or lane.mark) if stream in {"orders", "refunds"} else None

    def page(self, stream: str, position: str | None, *, now: datetime, backfill_from: datetime | None = None) -> Page:
        """The next page of a stream: at most three listings, or ten of ids alone."""
        start = backfill_from or FAR_BACK
        if stream == "orders":
            return self._orders(load(position), now=now, start=start)
        if stream == "refunds":
            return self._refunds(load(position), now=now, start=start)
        if stream == "customers":
            return self._customers(load(position))
        if stream == "deletions":
            return Counting(self._counted, self._fetching.fetch, self._held).page(position, now=now)
        if stream == "articles":
            return articles.next_page(self._client, position, held=self._held)
        if stream == "shop":
            shop = self._fetching.shop()
            return Page((shop,) if shop is not None else (), (), dump(Position()), more=False)
        raise UsageError(f"WooCommerce has no stream {stream!r}.")

    def fetch(
        self, kind: str, external_ids: Sequence[str], *, since: datetime | None = None
    ) -> list[SourceObject | Absent]:
        """The present state of these records, one answer for each id, in their order. A trashed order is there."""
        del since  # ids are the cheapest way: a hundred orders a call
        return self._fetching.fetch(kind, external_ids)

    def find(self, kind: str, link: tuple[str, str], *, location: str | None) -> list[SourceObject]:
        """Refunds by ("order", id), orders by ("customer", id), customers by ("email", address)."""
        del location  # a shop is one place
        return self._fetching.find(kind, link)

    def walk(self, kind: str, *, location: str | None, since: datetime) -> list[SourceObject]:
        """Every order or refund changed since then, every customer. Raises UsageError for more than 5,000."""
        del location
        streams = {"order": "orders", "refund": "refunds", "customer": "customers"}
        if kind not in streams:
            raise UsageError(f"WooCommerce cannot be walked for {kind!r}.")
        found: list[SourceObject] = []
        position: str | None = None
        more = True
        while more:
            page = self.page(streams[kind], position, now=self._clock.now(), backfill_from=since)
            found += page.objects
            by_kind = [one.external_id for one in page.named]
            found += [one for one in self._fetching.fetch(kind, by_kind) if isinstance(one, SourceObject)]
            position, more = page.position, page.more
            if len(found) > MAX_WALK:
                raise UsageError(f"More than {MAX_WALK} {kind}s have changed since {since.isoformat()}.")
        return found

    def _orders(self, position: Position, *, now: datetime, start: datetime) -> Page:
        rows, lane, more = advance(
            position.lane,
            lambda params: self._listed("/orders", {**params, "dp": DECIMALS}),
            MODIFIED,
            start=start,
            now=now,
            pages=PAGES,
            per_page=self._size,
        )
        # carts of the block checkout have ids and stand in lists; whether they do depends on the version
        objects = tuple(order_object(row, self._keys) for row in rows if row.get("status") not in DRAFTS)
        return Page(objects, (), dump(Position(lane=lane)), more=more)

    def _refunds(self, position: Position, *, now: datetime, start: datetime) -> Page:
        try:
            rows, lane, more = advance(
                position.lane,
                lambda params: self._listed("/refunds", {**params, "dp": DECIMALS}, newer=True),
                CREATED,
                start=start,
                now=now,
                pages=PAGES,
                per_page=self._size,
            )
        except RouteMissing:
            return self._refunds_of_orders(position, now=now, start=start)
        pairs = [(parent, row) for row in rows if (parent := id_of(row.get("parent_id"))) is not None]
        return Page(tuple(self._fetching.refunds(pairs)), (), dump(Position(lane=lane)), more=more)

    def _refunds_of_orders(self, position: Position, *, now: datetime, start: datetime) -> Page:
        """WooCommerce before 9.0 lists no refunds across orders: those that changed orders name."""
        rows, lane, more = advance(
            position.lane,
            lambda params: self._listed("/orders", {**params, "_fields": "id,date_modified_gmt,refunds"}),
            MODIFIED,
            start=start,
            now=now,
            pages=PAGES,
            per_page=self._size,
        )
        named = [
            Named("refund", f"{id_of(row.get('id'))}:{refund_id}")
            for row in rows
            for one in row.get("refunds") or ()
            if isinstance(one, dict) and (refund_id := id_of(one.get("id"))) is not None
        ]
        return Page((), tuple(dict.fromkeys(named)), dump(Position(lane=lane)), more=more)

    def _customers(self, position: Position) -> Page:
        """All customers, by id: there is no filter for changes. Administrators and other roles come by fetch."""
        objects: list[SourceObject] = []
        walked = position.walked
        for _ in range(PAGES):
            begin = max(0, walked - min(WALK_SLACK, self._size // 2))
            params = {"orderby": "id", "order": "asc", "per_page": str(self._size), "offset": str(begin)}
            rows = self._listed("/customers", params)
            objects += [customer_object(row, self._keys) for row in rows]
            if len(rows) < int(params["per_page"]):
                return Page(_unique(objects), (), dump(Position()), more=False)
            walked = begin + len(rows)
        return Page(_unique(objects), (), dump(replace(position, walked=walked)), more=True)

    def _counted(self, path: str, params: dict[str, str]) -> list[Row] | None:
        try:
            return self._client.rows(path, params, newer=True)
        except RouteMissing:
            return None

    def _listed(self, path: str, params: dict[str, str], *, newer: bool = False) -> list[Row]:
        """One page of big rows. A shop that fails over it is asked for half as many the next time."""
        try:
            rows = self._client.rows(path, params, newer=newer)
        except RateLimited:
            raise
        except Transient:
            self._size, self._good = max(SMALLEST_PAGE, self._size // 2), 0
            raise
        self._good += 1
        if self._good >= GOOD_PAGES and self._size < PER_PAGE:
            self._size, self._good = min(PER_PAGE, self._size * 2), 0
        return rows


def _unique(objects: Sequence[SourceObject]) -> tuple[SourceObject, ...]:
    return tuple({one.external_id: one for one in objects}.values())
