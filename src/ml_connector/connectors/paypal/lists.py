"""Invoices and disputes: lists without a filter for changes. They name what looks different, to be read by id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ml_connector.connectors.paypal.client import ListPage, PayPalClient, Row, wire
from ml_connector.connectors.paypal.faults import NotPermitted
from ml_connector.connectors.paypal.objects import id_of, part, time_of
from ml_connector.connectors.paypal.positions import Position, dump, load
from ml_connector.connectors.positions import digest_of
from ml_connector.connectors.shapes import Named, Page

OVERLAP = timedelta(days=2)  # payments of an invoice carry a date only, in the account's zone
DISPUTE_OVERLAP = timedelta(hours=1)
DISPUTES_KEPT = timedelta(days=179)
OPEN = ("SENT", "UNPAID", "PARTIALLY_PAID", "PAYMENT_PENDING")
UNBORN = frozenset({"DRAFT", "SCHEDULED"})  # nothing to book before they are sent
ROOM = 100  # names of one page of ours: at five calls a second, twenty seconds of reading
CALLS = 10
MAX_PAGES = 1000  # PayPal's own ceiling
DISPUTE_PAGES = 40


def recent_invoices(client: PayPalClient, text: str | None, *, now: datetime) -> Page:
    """Open invoices, and those made or paid since the last round.

    What is canceled or refunded elsewhere comes by event or from the whole list.
    """
    position = load(text)
    since = (position.mark or now) - OVERLAP
    window = {"start": wire(since), "end": wire(position.until or now)}
    queries: list[Mapping[str, Any]] = [
        {"status": list(OPEN)},
        {"creation_date_range": window},
        {"payment_date_range": window},
    ]

    def ask(step: int, page: int) -> ListPage:
        return client.search_invoices(queries[step], page=page)

    return _walked(position, ask, steps=len(queries), now=now, kept_since=None)


def all_invoices(client: PayPalClient, text: str | None, *, now: datetime, start: datetime | None) -> Page:
    """The whole list against what it looked like last time: edits, cancellations and refunds that no event told.

    Closed invoices that last changed before `start` are left out.
    """
    return _walked(load(text), lambda _step, page: client.invoices(page), steps=1, now=now, kept_since=start)


def _walked(position: Position, ask: Any, *, steps: int, now: datetime, kept_since: datetime | None) -> Page:
    """Walk the pages of each query; a page that names too much is taken up again, what it named left out."""
    if position.until is None:
        position = replace(position, until=now, step=0, page=1, found=())
    known, found = set(position.known), dict.fromkeys(position.found)
    named: dict[Named, None] = {}
    step, page = position.step, position.page
    for _ in range(CALLS):
        try:
            listed = ask(step, page)
        except NotPermitted:
            return Page((), (), dump(Position(mark=position.mark)), more=False)
        full = _name(listed.rows, known=known, found=found, named=named, kept_since=kept_since)
        if full:
            break
        page += 1
        if page > min(listed.total_pages, MAX_PAGES) or not listed.rows:
            step, page = step + 1, 1
        if step >= steps:
            return Page((), tuple(named), dump(Position(mark=position.until, known=tuple(found))), more=False)
    on = replace(position, step=step, page=page, found=tuple(found))
    return Page((), tuple(named), dump(on), more=True)


def _name(
    rows: list[Row],
    *,
    known: set[str],
    found: dict[str, None],
    named: dict[Named, None],
    kept_since: datetime | None,
) -> bool:
    """Name the rows that look new; True when there is no room for more."""
    for row in rows:
        look = _look(row)
        if look in found:
            continue
        if look not in known and _wanted(row, kept_since):
            if len(named) >= ROOM:
                return True
            named[Named("invoice", id_of("invoice", row))] = None
        found[look] = None
    return False


def _look(row: Row) -> str:
    """What changes when an invoice does: its times, and its totals in case a time does not move."""
    times = part(part(row, "detail"), "metadata")
    paid, refunded = part(row, "payments").get("paid_amount"), part(row, "refunds").get("refund_amount")
    total = part(row, "amount").get("value")
    return digest_of(
        row.get("id"), row.get("status"), times.get("last_update_time"), total, row.get("due_amount"), paid, refunded
    )


def _wanted(row: Row, kept_since: datetime | None) -> bool:
    if row.get("status") in UNBORN:
        return False
    changed = time_of(part(part(row, "detail"), "metadata"), "last_update_time")
    return kept_since is None or changed is None or changed >= kept_since or row.get("status") in OPEN


def disputes(client: PayPalClient, text: str | None, *, now: datetime, start: datetime | None) -> Page:
    """Disputes changed since the last round, of the last half year: older ones PayPal does not list."""
    position = load(text)
    if position.until is None:
        position = replace(position, until=now, found=())
    floor = now - DISPUTES_KEPT
    since = max((position.mark - DISPUTE_OVERLAP) if position.mark else (start or floor), floor)
    known, found = {*position.known, *position.found}, dict.fromkeys(position.found)
    named: dict[Named, None] = {}
    try:
        for row in _summaries(client, since):
            look = digest_of(row.get("dispute_id"), row.get("update_time"), row.get("status"))
            if look not in known:
                if len(named) >= ROOM:
                    return Page((), tuple(named), dump(replace(position, found=tuple(found))), more=True)
                named[Named("dispute", id_of("dispute", row))] = None
            found[look] = None
    except NotPermitted:
        return Page((), (), dump(Position(mark=position.mark)), more=False)
    return Page((), tuple(named), dump(Position(mark=position.until, known=tuple(found))), more=False)


def _summaries(client: PayPalClient, since: datetime) -> Iterator[Row]:
    after: Mapping[str, str] | None = None
    for _ in range(DISPUTE_PAGES):
        rows, after = client.disputes(updated_since=since, after=after)
        yield from rows
        if after is None:
            return
