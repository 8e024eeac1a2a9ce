"""Transaction Search: the net under everything. Windows of days, read whole, up to what PayPal says it has refreshed.

A round begins four days before the mark (thirty once a day), because rows come late and change: a payment that was
pending, a fee filled in. It ends where PayPal's own `last_refreshed_datetime` stands, never at our present.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ml_connector.connectors.paypal.client import PayPalClient, ReportPage, Row
from ml_connector.connectors.paypal.faults import NotServedYet, TooManyRows
from ml_connector.connectors.paypal.movements import SAME_KEY, key_of
from ml_connector.connectors.paypal.objects import part, source_object, time_of
from ml_connector.connectors.paypal.positions import MAX_SPAN_S, Position, dump, load
from ml_connector.connectors.shapes import Page, SourceObject
from ml_connector.errors import Rejected, Transient

AGAIN = timedelta(days=4)
DEEP = timedelta(days=29)  # with the lag still one window; a payment may be pending for weeks
HISTORY = timedelta(days=3 * 365)
UNSAID = timedelta(hours=6)  # how far behind a report is taken to be that does not say it
ROOM = 2000  # rows of one page of ours
CALLS = 12  # of one page of ours
FEW = 2500  # rows of a window after which the next may be twice as long


def next_page(client: PayPalClient, text: str | None, *, now: datetime, start: datetime | None) -> Page:
    """The next rows. `start` is where a stream that was never read begins: three years back at most."""
    position = load(text)
    oldest = now.replace(microsecond=0) - HISTORY
    if position.until is None:
        position = _round(position, now=now.replace(microsecond=0), start=max(start or oldest, oldest))
    rows: list[Row] = []
    for _ in range(CALLS):
        if position.until is None or len(rows) >= ROOM:
            break
        position = _step(client, position, rows, now=now)
    return Page(tuple(_objects(rows)), (), dump(position), more=position.until is not None)


def _round(position: Position, *, now: datetime, start: datetime) -> Position:
    """A new round from the mark, less what is read again, up to now."""
    deep = position.mark is not None and position.day != now.date().isoformat()
    begin = start if position.mark is None else max(position.mark - (DEEP if deep else AGAIN), start)
    begin = min(begin.replace(microsecond=0), now)
    end = min(begin + timedelta(seconds=position.span_s), now)
    return replace(position, until=now, begin=begin, end=end, page=1, seen=0, digest=0, before="", deep=deep)


def _step(client: PayPalClient, position: Position, rows: list[Row], *, now: datetime) -> Position:
    """One call: the next page of the window, taken into `rows`; the position after it."""
    begin, end = position.begin or now, position.end or now  # both are there while a round is under way
    try:
        page = client.report(begin, end, page=position.page)
    except NotServedYet:
        return _ended(position, position.mark)
    except TooManyRows:
        return _halved(position, begin, end)
    refreshed = (page.refreshed or now - UNSAID).replace(microsecond=0)
    if page.total_pages > 1 and end > refreshed > begin:
        # What may still grow shifts its pages while they are read: only the part that stands still is read whole.
        return replace(_again(position), end=refreshed, until=refreshed)
    if position.page > 1 and page.total_items != position.total:
        return replace(_again(position), before="")  # rows came or went: the pages have shifted
    rows += page.rows
    position = replace(
        position,
        seen=position.seen + len(page.rows),
        digest=_digest(position.digest, page.rows),
        total=page.total_items,
        page=position.page + 1,
    )
    nothing_new = position.mark is not None and position.mark >= refreshed
    if nothing_new and not position.deep and end >= refreshed and page.total_pages <= 1:
        return _ended(position, position.mark)
    if position.page <= page.total_pages:
        return position
    return _closed(position, page, begin=begin, end=end, refreshed=refreshed)


def _closed(position: Position, page: ReportPage, *, begin: datetime, end: datetime, refreshed: datetime) -> Position:
    """The window's last page was read: read it again when rows are missing, else go on to the next.

    Done is a window whose rows are as many as PayPal counts on every page, or that gave the very same rows twice.
    """
    reading = f"{position.seen}:{position.digest:x}"
    if page.total_items is not None and position.seen != page.total_items and position.before != reading:
        return replace(_again(position), before=reading)
    until = position.until or end
    if end >= min(until, refreshed):
        served = min(until, refreshed)
        return _ended(position, served if position.mark is None else max(served, position.mark))
    span_s = min(MAX_SPAN_S, position.span_s * 2) if position.seen < FEW else position.span_s
    # The second that ends one window begins the next: whichever end PayPal leaves out, nothing is lost.
    after = min(end + timedelta(seconds=span_s), until)
    return replace(_again(position), begin=end, end=after, span_s=span_s, before="")


def _halved(position: Position, begin: datetime, end: datetime) -> Position:
    """More than PayPal serves at once (10,000 rows): half the window."""
    span_s = int((end - begin).total_seconds()) // 2
    if span_s < 1:
        raise Rejected(
            f"More transactions than PayPal's report serves lie in the second from {begin.isoformat()}.",
            fix="Ask PayPal's support for the activity report of that day; nothing after it is read.",
        )
    return replace(_again(position), end=begin + timedelta(seconds=span_s), span_s=span_s, before="")


def _again(position: Position) -> Position:
    """The window from its first page."""
    return replace(position, page=1, seen=0, digest=0)


def _ended(position: Position, mark: datetime | None) -> Position:
    """Between rounds. The day is kept once its deep reading was made (the first reading of all is one)."""
    day = position.day
    if mark is not None and position.until is not None and (position.deep or not day):
        day = position.until.date().isoformat()
    return Position(mark=mark, day=day, span_s=position.span_s)


def _digest(digest: int, rows: list[Row]) -> int:
    """A sum over rows, whatever their order: a list may be read from either end."""
    for row in rows:
        name = f"{key_of(row)} {part(row, 'transaction_info').get('transaction_amount')}"
        digest += int.from_bytes(hashlib.sha256(name.encode("utf-8", "replace")).digest()[:7], "big")
    return digest % (1 << 56)


def _objects(rows: list[Row]) -> Iterator[SourceObject]:
    """Rows as records. Two that differ under one key are put together, so that translating them asks a person."""
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        found.setdefault(key_of(row), {})[_money(row)] = row  # of one row read twice the later reading counts
    for alike in found.values():
        first, *others = (alike[money] for money in sorted(alike))
        yield source_object("transaction", {**first, SAME_KEY: others} if others else first)


def _money(row: Mapping[str, Any]) -> str:
    info = part(row, "transaction_info")
    return f"{info.get('transaction_amount')} {info.get('transaction_initiation_date')}"


# ---------------------------------------------------------------------------------------------- looking for rows


def rows_since(client: PayPalClient, since: datetime, *, now: datetime) -> list[SourceObject]:
    """Every row from `since` on, in one go: windows halved where needed. Bounded by what the report serves."""
    rows: list[Row] = []
    position = _round(Position(), now=now.replace(microsecond=0), start=max(since, now - HISTORY))
    for _ in range(500):
        if position.until is None:
            return list(_objects(rows))
        position = _step(client, position, rows, now=now)
    raise Rejected("There are more than 500 pages of transactions.", fix="Look for a shorter time.")


def rows_of_transaction(client: PayPalClient, transaction_id: str, *, now: datetime) -> list[SourceObject]:
    """All rows with this id, newest windows first, three years back.

    A filter empties the balances of a row, so that it is asked for again by the second it was written, without one.
    """
    end = now.replace(microsecond=0)
    oldest = end - HISTORY
    while end > oldest:
        begin = max(oldest, end - timedelta(seconds=MAX_SPAN_S))
        found = _filtered(client, transaction_id, begin, end)
        if found:
            return list(_objects([_whole(client, row) for row in found]))
        end = begin
    return []


def _filtered(client: PayPalClient, transaction_id: str, begin: datetime, end: datetime) -> list[Row]:
    try:
        return client.report(begin, end, page=1, transaction_id=transaction_id).rows
    except NotServedYet:
        return []
    except TooManyRows as many:
        raise Transient("PayPal's report does not filter by transaction.", record=str(many)) from None


def _whole(client: PayPalClient, row: Row) -> Row:
    info = part(row, "transaction_info")
    one = source_object("transaction", row)
    for key in ("transaction_updated_date", "transaction_initiation_date"):
        at = _time(info, key)
        if at is None:
            continue
        try:
            near = client.report(at, at + timedelta(seconds=1), page=1).rows
        except (NotServedYet, TooManyRows):
            continue
        for found in near:
            if key_of(found) == one.external_id:
                return found
    return row


def _time(info: Mapping[str, Any], key: str) -> datetime | None:
    found = time_of(info, key)
    return found.replace(microsecond=0) if found is not None else None
