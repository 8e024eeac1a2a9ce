"""Records by id in as few calls as Square allows, and records that point to another."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from ml_connector.connectors.pacing import Ticking
from ml_connector.connectors.shapes import Absent, SourceObject
from ml_connector.connectors.square import articles
from ml_connector.connectors.square.client import MAX_PAGES, FeatureOff, Query, Row, Rows, SquareClient, every
from ml_connector.connectors.square.faults import CursorLost
from ml_connector.connectors.square.objects import id_of, source_object, time_of
from ml_connector.connectors.square.payouts_stream import composed
from ml_connector.connectors.square.walks import GRAIN, OVERLAP
from ml_connector.errors import Rejected, Transient, UsageError

MANY = 8  # from here on listing may be cheaper than asking one by one
# Pages that may bring fewer records than they cost calls, before listing is given up: at least two, and one for every
# ten records wanted. What was changed and read minutes ago comes first in a list, what is wanted may come last.
WASTED, WASTED_PER_RECORD = 2, 0.1
BATCH = 100  # ids of one batch call
FRESH_S = 20.0  # how long the list of a location's newest invoices answers for
INVOICE_PAGES = 50  # of 200 each: a location with more needs a person's decision
PAYOUT_DAYS = timedelta(days=30)  # a payment is paid out within days, or was held back
PAYOUTS_SEARCHED = 100

SINGLES: Mapping[str, tuple[str, str]] = {
    "payment": ("/v2/payments", "payment"),
    "refund": ("/v2/refunds", "refund"),
    "invoice": ("/v2/invoices", "invoice"),
    "customer": ("/v2/customers", "customer"),
    "location": ("/v2/locations", "location"),
    "dispute": ("/v2/disputes", "dispute"),
    "payout": ("/v2/payouts", "payout"),
}
UNKNOWN = "Square has no such record."


class Fetching:
    """Reads by name. Remembers, for seconds, which invoices a location has."""

    def __init__(self, client: SquareClient, clock: Ticking) -> None:
        self._client = client
        self._clock = clock
        self._invoices: dict[str, _InvoiceBook] = {}
        self._lock = threading.Lock()

    def fetch(self, kind: str, ids: Sequence[str], *, since: datetime | None) -> list[SourceObject | Absent]:
        """One answer for each id, in order. Raises NotAuthorized for kind "authorization" when the access is gone."""
        unique = list(dict.fromkeys(ids))
        if kind == "authorization":
            self._client.call("POST", "/oauth2/token/status", operation="POST /oauth2/token/status", content={})
            return [Absent(kind, id_, "The access still works.") for id_ in ids]
        if kind == articles.KIND:
            known = {one.external_id: one for one in articles.fetch(self._client, unique)}
            return [known[id_] for id_ in ids]
        try:
            found = self._rows(kind, unique, since=since)
        except FeatureOff:
            return [Absent(kind, id_, f"Square does not offer {kind}s to this seller.") for id_ in ids]
        return [source_object(kind, found[id_]) if id_ in found else Absent(kind, id_, UNKNOWN) for id_ in ids]

    def _rows(self, kind: str, ids: Sequence[str], *, since: datetime | None) -> Mapping[str, Row]:
        if kind == "order":
            return _batched(ids, self._client.orders_by_id)
        if kind == "vendor":
            return _batched(ids, lambda some: self._client.bulk("vendor", some))
        if kind == "customer" and len(ids) > 1:
            return _batched(ids, lambda some: self._client.bulk("customer", some))
        if kind == "location" and len(ids) > 1:
            return {id_of("location", row): row for row in self._client.locations()}
        if kind not in SINGLES:
            raise UsageError(f"Square has no records of kind {kind!r}.")
        found = self._listed(kind, ids, since) if since is not None and len(ids) >= MANY else {}
        return found | self._singly(kind, [id_ for id_ in ids if id_ not in found])

    def _singly(self, kind: str, ids: Sequence[str]) -> dict[str, Row]:
        path, key = SINGLES[kind]
        found = {}
        for id_ in ids:
            row = self._client.one(path, key, id_)
            if row is not None:
                found[id_] = composed(self._client, row) if kind == "payout" else row
        return found

    def _listed(self, kind: str, ids: Sequence[str], since: datetime) -> dict[str, Row]:
        """Payments and refunds by listing what changed since then.

        As long as that costs hardly more calls than asking singly.

        A row that shows no change since then is an index lagging behind: it is not taken, its record is asked for
        singly.
        """
        if kind not in {"payment", "refund"}:
            return {}
        wanted = set(ids)
        wasted = max(WASTED, int(len(wanted) * WASTED_PER_RECORD))
        found: dict[str, Row] = {}
        for calls, page in enumerate(self._changed(kind, since), start=1):
            for row in page:
                if row.get("id") not in wanted:
                    continue
                changed = time_of(row, "updated_at")
                if changed is not None and changed >= since:
                    found[str(row["id"])] = row
            if len(found) == len(wanted) or calls > len(found) + wasted:
                break
        return found

    def _changed(self, kind: str, since: datetime) -> Iterator[list[Row]]:
        begin, end = since - GRAIN, self._clock.now() + OVERLAP
        if kind == "refund":
            yield from _windowed(self._client.refunds, Query("updated_at", begin, end))
            return
        # A page of each location in turn: what was rung for lies at the same time in all of them, so that looking ends
        # where the last is found, not at the end of every location but the last.
        places = [(id_of("location", row),) for row in self._client.locations()]
        walks = deque(
            _windowed(self._client.payments, Query("updated_at", begin, end, locations=one)) for one in places
        )
        while walks:
            walk = walks.popleft()
            page = next(walk, None)
            if page is not None:
                yield page
                walks.append(walk)

    # ------------------------------------------------------------------------------------------ find

    def find(self, kind: str, link: tuple[str, str], *, location: str | None) -> list[SourceObject]:
        """Invoices by ("order", id), payouts by ("payment", id). An empty answer means: walked, and not there."""
        by, id_ = link[0].removesuffix("_id"), link[1]
        if (kind, by) == ("invoice", "order"):
            return [source_object("invoice", row) for row in self._invoices_of(id_, location)]
        if (kind, by) == ("payout", "payment"):
            return [source_object("payout", row) for row in self._payouts_of(id_, location)]
        raise UsageError(f"Square's {kind}s cannot be found by their {by}.")

    def walk(self, kind: str, *, location: str | None, since: datetime) -> list[SourceObject]:
        """Every invoice of a location (Square has no time filter), or its payouts made since then."""
        if kind not in {"invoice", "payout"}:
            raise UsageError(f"Square's {kind}s are not walked.")
        places = [location] if location else [id_of("location", row) for row in self._client.locations()]
        found = []
        for place in places:
            if kind == "invoice":
                found += every(partial(self._client.invoices, place), what=f"invoices of location {place}")
            else:
                window = Query("created_at", since, self._clock.now() + OVERLAP, locations=(place,))
                pages = _windowed(self._client.payouts, window)
                found += [composed(self._client, row) for page in pages for row in page]
        return [source_object(kind, row) for row in found]

    def _invoices_of(self, order: str, location: str | None) -> list[Row]:
        places = [location] if location else [id_of("location", row) for row in self._client.locations()]
        found = []
        for place in places:
            with self._lock:
                book = self._invoices.setdefault(place, _InvoiceBook(self._client, place))
                book.refresh(self._clock.monotonic())
            for id_ in book.by_order.get(order, ()):
                row = self._client.one("/v2/invoices", "invoice", id_)  # the book may be old, the invoice itself never
                found += [row] if row is not None else []
        return found

    def _payouts_of(self, payment_id: str, location: str | None) -> list[Row]:
        """The payout that holds this payment.

        Those of its location made after it are read, with their entries, until one has it.
        """
        payment = self._client.one("/v2/payments", "payment", payment_id)
        place = location or (payment or {}).get("location_id")
        if payment is None or not isinstance(place, str):
            return []
        begin = time_of(payment, "created_at") or self._clock.now()
        query = Query("created_at", begin, begin + PAYOUT_DAYS, locations=(place,))
        rows = (row for page in _windowed(self._client.payouts, query) for row in page)
        for number, row in enumerate(rows):
            if number >= PAYOUTS_SEARCHED:
                raise Rejected(
                    f"More than {PAYOUTS_SEARCHED} payouts follow payment {payment_id}.",
                    record=payment_id,
                    fix="Name the payout by hand.",
                )
            payload = composed(self._client, row)
            if any(_names(entry, payment_id) for entry in payload["entries"]):
                return [payload]
        return []


class _InvoiceBook:
    """Which invoices a location has, by order: walked whole once, then only its newest pages."""

    def __init__(self, client: SquareClient, place: str) -> None:
        self._client = client
        self._place = place
        self._versions: dict[str, object] = {}
        self._read_at: float | None = None
        self.by_order: dict[str, list[str]] = {}

    def refresh(self, now: float) -> None:
        """Read what is new. Sorted newest first: a page that was known in whole ends the reading."""
        if self._read_at is not None and now - self._read_at < FRESH_S:
            return
        whole = self._read_at is None
        for number, page in enumerate(_pages(lambda cursor: self._client.invoices(self._place, cursor))):
            if number >= INVOICE_PAGES:
                raise Rejected(
                    f"Location {self._place} has more than {INVOICE_PAGES * 200} invoices.",
                    record=self._place,
                    fix="Report it: whether an order has an invoice cannot be told safely.",
                )
            new = [self._note(row) for row in page]
            if not whole and page and not any(new):
                break
        self._read_at = now

    def _note(self, row: Row) -> bool:
        """Remember an invoice; whether it was new or changed."""
        id_, order = id_of("invoice", row), row.get("order_id")
        before = self._versions.get(id_, False)
        self._versions[id_] = row.get("version")
        if isinstance(order, str) and id_ not in self.by_order.setdefault(order, []):
            self.by_order[order].append(id_)
        return before is False or before != row.get("version")


def _batched(ids: Sequence[str], ask: Callable[[Sequence[str]], Mapping[str, Row]]) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for start in range(0, len(ids), BATCH):
        found |= ask(ids[start : start + BATCH])
    return found


def _pages(ask: Callable[[str | None], Rows]) -> Iterator[list[Row]]:
    """Page after page, by the vendor's cursor.

    A forgotten one ends in Transient, as the caller has used rows already.
    """
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        try:
            rows, cursor = ask(cursor)
        except CursorLost as lost:
            raise Transient("Square forgot a page cursor.", record=str(lost)) from None
        yield rows
        if cursor is None:
            return
    raise Rejected(f"Square's list has more than {MAX_PAGES} pages.", fix="Report it: the limit must be raised.")


def _windowed(ask: Callable[[Query], Rows], query: Query) -> Iterator[list[Row]]:
    return _pages(lambda cursor: ask(replace(query, cursor=cursor)))


def _names(entry: Row, payment_id: str) -> bool:
    details = entry.get(f"type_{str(entry.get('type', '')).lower()}_details")
    return isinstance(details, dict) and details.get("payment_id") == payment_id
