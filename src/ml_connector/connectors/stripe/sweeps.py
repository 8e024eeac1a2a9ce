"""Streams: Stripe's lists from a moment on, newest first, each round with an overlap and once a day with a long one.

Events, charges and payouts are named, to be read by id with what belongs to them; everything else is given as it is
listed. Movements of the balance name what they come from, so that a refund or a dispute that no event told of is read
all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from ml_connector.connectors.positions import digest_of
from ml_connector.connectors.shapes import Named, Page, SourceObject
from ml_connector.connectors.stripe.client import Row, StripeClient
from ml_connector.connectors.stripe.fields import id_in
from ml_connector.connectors.stripe.objects import PATHS, expand_of, source_object
from ml_connector.connectors.stripe.positions import Position, dump, load
from ml_connector.connectors.stripe.webhooks import POLLED, named
from ml_connector.errors import Rejected, Untranslatable, UsageError

HOUR = timedelta(hours=1)
CALLS = 5  # lists of a hundred in one page of ours
MOST_KNOWN = 2_000
EVENTS_KEPT = timedelta(days=29)  # Stripe keeps thirty days
EVENTS = "/v1/events"

# What a movement of the balance comes from, by its category: read again when the movement is new.
SOURCES: Mapping[str, str] = {
    "refund": "refund",
    "refund_failure": "refund",
    "charge_failure": "charge",
    "dispute": "dispute",
    "dispute_reversal": "dispute",
    "payout": "payout",
    "payout_reversal": "payout",
}
PREFIXES: Mapping[str, tuple[str, ...]] = {
    "refund": ("re_", "pyr_"),
    "charge": ("ch_", "py_"),
    "dispute": ("dp_", "du_"),
    "payout": ("po_",),
}


@dataclass(frozen=True, slots=True)
class Sweep:
    """One list: its kind, the overlap of each round and of the deep one of a day."""

    kind: str
    overlap: timedelta
    deep: timedelta
    named: bool = False


SWEEPS: Mapping[str, Sweep] = {
    "balance_transactions": Sweep("balance_transaction", HOUR, timedelta(days=3)),
    "charges": Sweep("charge", HOUR, timedelta(days=3), named=True),
    "refunds": Sweep("refund", HOUR, timedelta(days=30)),  # pending ones fail weeks later
    "payouts": Sweep("payout", HOUR, timedelta(days=14), named=True),
    "disputes": Sweep("dispute", HOUR, timedelta(days=180)),
    "invoice_payments": Sweep("invoice_payment", timedelta(days=1), timedelta(days=120)),  # created with the invoice
}
LOOKS = ("status", "captured", "balance_transaction", "failure_balance_transaction", "reconciliation_status")
"""What changes of a named row when it must be read again."""
FIRST = timedelta(days=3)  # how far back a stream begins that nobody told from when


def next_page(client: StripeClient, stream: str, text: str | None, *, now: datetime, start: datetime | None) -> Page:
    """The next page of a stream. Raises UsageError for a stream that is none."""
    if stream == "events":
        return _events(client, load(text), now=now, start=start)
    sweep = SWEEPS.get(stream)
    if sweep is None:
        raise UsageError(f"Stripe has no stream {stream!r}.")
    position = _begun(load(text), sweep, now=now, start=start)
    params = {"expand": expand_of(sweep.kind)} if not sweep.named else {}
    objects: list[SourceObject] = []
    names: dict[Named, None] = {}
    known, found = set(position.known), dict.fromkeys(position.found)
    rounds = _Rounds(client, PATHS[sweep.kind], position, params)
    for row in rounds:
        if not sweep.named:
            objects.append(source_object(sweep.kind, row))
        mark = _mark(sweep, row)
        if mark is None:
            continue
        look, name = mark
        if look not in known:
            names[name] = None
        found[look] = None
    return _page(rounds, tuple(objects), tuple(names), found)


def _events(client: StripeClient, position: Position, *, now: datetime, start: datetime | None) -> Page:
    """What events name, each object once a page; those of the round before are known."""
    floor = int((now - EVENTS_KEPT).timestamp())
    events = Sweep("event", timedelta(minutes=10), HOUR)
    position = _begun(position, events, now=now, start=start)
    position = replace(position, begin=max(position.begin, floor))
    names: dict[Named, None] = {}
    known, found = set(position.known), dict.fromkeys(position.found)
    rounds = _Rounds(client, EVENTS, position, {"types": list(POLLED)})
    for row in rounds:
        look = digest_of(row.get("id"))
        if look not in known and (name := _named(row)) is not None:
            names[name] = None
        found[look] = None
    return _page(rounds, (), tuple(names), found)


class _Rounds:
    """The rows of a few lists in a row. Says afterwards where it stands."""

    def __init__(self, client: StripeClient, path: str, position: Position, params: Mapping[str, object]) -> None:
        self.position = position
        self.more = True
        self._client, self._path = client, path
        self._params = {**params, "created": {"gte": position.begin, "lt": position.until}}

    def __iter__(self) -> Iterator[Row]:
        for _ in range(CALLS):
            after = self.position.after
            try:
                found = self._client.page(self._path, self._params, after=after)
            except Rejected:
                if not after:
                    raise
                self.position = replace(self.position, after="")  # that id is gone: the round begins anew
                return
            yield from found.rows
            self.position = replace(self.position, after=found.last or after)
            if not found.more or not found.rows:
                self.more = False
                return


def _begun(position: Position, sweep: Sweep, *, now: datetime, start: datetime | None) -> Position:
    """The round under way, or a new one: from the mark less the overlap to now."""
    if position.until:
        return position
    until = int(now.timestamp())
    today = now.astimezone(UTC).date().isoformat()
    if not position.mark:
        begin = int((start or now - FIRST).timestamp())
        return Position(begin=begin, until=until, day=today)
    deep = position.day != today
    begin = position.mark - int((sweep.deep if deep else sweep.overlap).total_seconds())
    return replace(position, begin=max(begin, 0), until=until, after="", day=today, found=())


def _page(
    rounds: _Rounds, objects: tuple[SourceObject, ...], names: tuple[Named, ...], found: Mapping[str, None]
) -> Page:
    here = rounds.position
    kept = tuple(found)[:MOST_KNOWN]  # the newest; what is forgotten is read once more
    if rounds.more:
        return Page(objects, names, dump(replace(here, found=kept)), more=True)
    # A shallow round sees less than the deep one before it: what that one named stays known.
    known = tuple(dict.fromkeys([*kept, *here.known]))[:MOST_KNOWN]
    return Page(objects, names, dump(Position(mark=here.until, day=here.day, known=known)), more=False)


def _mark(sweep: Sweep, row: Row) -> tuple[str, Named] | None:
    """What a row names, and what of it changes when that must be read again."""
    id_ = id_in(row)
    if sweep.named and id_ is not None:
        look = digest_of(id_, *(id_in(row.get(name)) or row.get(name) for name in LOOKS))
        return look, Named(sweep.kind, id_)
    if sweep.kind != "balance_transaction" or id_ is None:
        return None
    kind = SOURCES.get(str(row.get("reporting_category")))
    source = id_in(row.get("source"))
    if kind is None or source is None or not source.startswith(PREFIXES[kind]):
        return None
    return digest_of(id_), Named(kind, source)


def _named(event: Row) -> Named | None:
    content = event.get("data")
    inner = content.get("object") if isinstance(content, dict) else None
    try:
        kind, id_, _ = named(str(event.get("type")), inner if isinstance(inner, dict) else {})
    except Untranslatable:
        return None  # what it is about is in the lists too
    return Named(kind, id_) if kind and id_ else None
