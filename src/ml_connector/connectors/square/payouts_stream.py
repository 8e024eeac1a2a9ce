"""Payouts with their entries: listed by creation, the last 14 days again each time, those not final once a day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from ml_connector.connectors.shapes import Page, SourceObject
from ml_connector.connectors.square.client import Query, Row, Rows, SquareClient
from ml_connector.connectors.square.objects import source_object, time_of
from ml_connector.connectors.square.positions import Lane, Position, dump, load
from ml_connector.connectors.square.walks import LAG, advance

LOOK_BACK = timedelta(days=14)  # Square has no filter on changes: SENT becomes PAID or FAILED within days
GIVEN_UP = timedelta(days=60)  # after this a payout that is still not final is no longer asked for
ROOM = 40  # payouts of one page of ours: each takes one call or more for its entries
LANES_AT_ONCE = 25


def next_page(
    client: SquareClient, text: str | None, *, now: datetime, start: datetime, places: Callable[[], Sequence[str]]
) -> Page:
    """The next payouts that are new or changed, each composed with all its entries."""
    position = load(text)
    if position.until is None:
        position = _round(position, now=now, start=start, places=places)
    until = position.until or now
    keeper = _Keeper(client, position)
    keeper.read_due()
    lanes = dict(position.lanes)
    for _ in range(LANES_AT_ONCE):
        waiting = [name for name, lane in lanes.items() if lane.mark < until]
        if not waiting or len(keeper.found) >= ROOM:
            break
        name = waiting[0]
        rows, lanes[name] = _listed(client, lanes[name], location=name, until=until, keeper=keeper)
        for row in rows:
            keeper.keep(row)
    more = any(lane.mark < until for lane in lanes.values()) or bool(keeper.due)
    after = replace(position, lanes=lanes, known=keeper.known, watched=keeper.watched, due=tuple(keeper.due))
    if not more:
        after = _ended(after, until)
    return Page(tuple(keeper.found), (), dump(after), more=more)


def composed(client: SquareClient, payout: Row) -> Row:
    """A payout and its entries as one payload. A SIMPLE one has none."""
    entries = [] if payout.get("type") == "SIMPLE" else client.payout_entries(str(payout.get("id")))
    return {"payout": payout, "entries": entries}


class _Keeper:
    """What was found, and what must be remembered about it."""

    def __init__(self, client: SquareClient, position: Position) -> None:
        self._client = client
        self.found: list[SourceObject] = []
        self.known = dict(position.known)
        self.watched = dict(position.watched)
        self.due = list(position.due)

    def read_due(self) -> None:
        """Read again those that were not final yesterday, as many as fit."""
        batch, self.due = self.due[:ROOM], self.due[ROOM:]
        for id_ in batch:
            row = self._client.one("/v2/payouts", "payout", id_)
            if row is None:
                self.watched.pop(id_, None)
            else:
                self.keep(row)

    def is_new(self, row: Row) -> bool:
        return self.known.get(str(row.get("id"))) != _fingerprint(row)

    def keep(self, row: Row) -> None:
        payload = composed(self._client, row)
        one = source_object("payout", payload)
        self.found.append(one)
        self.known[one.external_id] = _fingerprint(row)
        self.watched.pop(one.external_id, None)
        if row.get("status") == "SENT" or not _adds_up(payload):
            self.watched[one.external_id] = one.occurred_at.isoformat()


def _round(position: Position, *, now: datetime, start: datetime, places: Callable[[], Sequence[str]]) -> Position:
    until = (now - LAG).replace(microsecond=0)
    lanes = {name: position.lanes.get(name) or Lane(min(start, until)) for name in sorted(places())}
    today = until.date().isoformat()
    oldest = (until - GIVEN_UP).isoformat()
    watched = {id_: created for id_, created in position.watched.items() if created > oldest}
    due = tuple(watched) if position.night and position.night != today else ()
    return replace(position, lanes=lanes, until=until, watched=watched, due=due)


def _ended(position: Position, until: datetime) -> Position:
    """Forget what can no longer be listed: payouts older than the look-back that are final."""
    oldest = (until - LOOK_BACK - timedelta(days=1)).isoformat()
    known = {id_: mark for id_, mark in position.known.items() if mark.partition("|")[0] > oldest}
    return replace(position, until=None, night=until.date().isoformat(), known=known)


def _listed(
    client: SquareClient, lane: Lane, *, location: str, until: datetime, keeper: _Keeper
) -> tuple[list[Row], Lane]:
    def ask(begin: datetime, cursor: str | None) -> Rows:
        return client.payouts(Query("created_at", begin, until, locations=(location,), cursor=cursor))

    room = ROOM - len(keeper.found)
    begin = lane.mark - LOOK_BACK
    return advance(lane, ask, until=until, begin=begin, stamp="created_at", room=room, wanted=keeper.is_new)


def _fingerprint(row: Row) -> str:
    created = time_of(row, "created_at")
    return f"{created.isoformat() if created else ''}|{row.get('status')}|{row.get('version')}"


def _adds_up(payload: Row) -> bool:
    """Whether the entries make the payout; Square may show a payout before its last entry."""
    if payload["payout"].get("type") == "SIMPLE":
        return True
    nets = [entry.get("net_amount_money") or {} for entry in payload["entries"]]
    amount = payload["payout"].get("amount_money") or {}
    try:
        return bool(sum(net.get("amount", 0) for net in nets) == amount.get("amount"))
    except (TypeError, AttributeError):
        return False  # what is broken is read again, and told by translate
