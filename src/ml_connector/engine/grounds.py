"""Grounds: what a record's writes stand on in other records, and in words why one of these is not in the books."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ml_connector.engine.books import Books, Road
from ml_connector.engine.judging import Judged
from ml_connector.finance.plan import Finding, Plan, PlannedWrite
from ml_connector.store import records, trip_moves, trips, writes
from ml_connector.store.database import Connection
from ml_connector.store.states import move_many
from ml_connector.store.tables import trip as trip_table
from ml_connector.store.trip_undo import BEING_UNDONE
from ml_connector.store.trips import Trip
from ml_connector.store.writes import Write

_STOPPED = frozenset({"held", "waiting"})
_OVER = frozenset({"ignored", "reversed"})


@dataclass(frozen=True, slots=True)
class Lacking:
    """A needed key that is not on its way. `trip_id`: whose record books it, where that is known; `told`: why not.

    `over`: its record was decided otherwise, so that nothing will come by itself.
    """

    key: str
    told: str
    trip_id: str | None = None
    over: bool = False


def outside(several: Sequence[PlannedWrite]) -> set[str]:
    """The keys that these writes of one plan need of other records."""
    needed = {key for write in several for key in write.needs}
    return needed - {write.key for write in several} if needed else needed


def in_order(judged: Sequence[Judged]) -> Sequence[Judged]:
    """The same, each after those whose writes it needs; what stops or books nothing comes first."""
    needed = {one.case.id: outside(one.verdict.writes) for one in judged if isinstance(one.verdict, Plan)}
    if not any(needed.values()):
        return judged
    ordered = [one for one in judged if not isinstance(one.verdict, Plan)]
    left = [one for one in judged if isinstance(one.verdict, Plan)]
    while left:
        coming = {write.key for one in left for write in _writes(one)}
        free = [one for one in left if not needed[one.case.id] & coming] or left
        ordered += free
        gone = {one.case.id for one in free}
        left = [one for one in left if one.case.id not in gone]
    return ordered


def lacking(
    c: Connection, books: Books, keys: Collection[str], live: Mapping[str, Write], *,
    decided: Mapping[str, tuple[str, str | None]], posts: bool,
) -> list[Lacking]:  # fmt: skip
    """Which of these keys is not done and not on its way.

    `decided`: (state, reason) of trips that were planned just now, which the store does not have yet. `posts`: whether
    who needs them is sent at all.
    """
    found = []
    for key in keys:
        write = live.get(key)
        if write is not None and write.state != "open":
            continue
        maker = _maker(c, books, key) if write is None else trips.by_ids(c, [write.trip_id]).get(write.trip_id)
        state, reason = decided.get(maker.id, (maker.state, maker.reason)) if maker is not None else ("", None)
        if write is None or state in _STOPPED:
            found.append(_told(key, maker, state, reason or ""))
        elif posts and maker is not None and not _is_posted(maker, books):
            found.append(Lacking(key, "which is planned on a route that does not post", maker.id))
    return found


def sentence(found: Sequence[Lacking]) -> str:
    """What is waited for and why: the first of several, with what lacks for the same reason."""
    keys = [need.key for need in found if need.told == found[0].told]
    return f"Waits for {', '.join(keys)}, {found[0].told}."


def over(write: PlannedWrite, need: Lacking) -> Finding:
    """Asks what becomes of a write whose ground a person or its own record has taken away."""
    code = "taken-back" if "took back" in need.told else "need-ignored"
    sentence = (
        f"{write.key} needs {need.key}, {need.told}. Plan that record again by its name (`ml-connector replay`), or "
        "ignore this one."
    )
    return Finding(code, sentence, field=write.key, proposal={"needs": need.key})


def look_again(c: Connection, several: Sequence[Write], *, now: int) -> None:
    """These are not on their way any more: records whose open writes need them are planned again and say so."""
    if not several:
        return
    needing = writes.needing(c, several[0].company_id, sorted({write.key for write in several}))
    open_ones = {write.trip_id for write in needing if write.state == "open" and write.reverses_id is None}
    stopped = sorted(open_ones - {write.trip_id for write in several})
    trip_moves.reopen(c, stopped, now=now)
    # With a part of it in the books already: what is left is planned again as that of any waiting record.
    move_many(c, trip_table, stopped, source="posting", target="waiting", updated_at=now)


def _is_posted(maker: Trip, books: Books) -> bool:
    road = books.roads.get(maker.route_id)
    return road is None or road.route.posting != "off"


def _told(key: str, maker: Trip | None, state: str, reason: str) -> Lacking:
    if maker is None:
        return Lacking(key, "whose record is not read yet")
    if state == "reversed" or (state == "posted" and reason == BEING_UNDONE):
        return Lacking(key, "which a person took back", maker.id, over=True)
    if state == "received":
        return Lacking(key, "which is not planned yet", maker.id)
    said = {"held": "which is held", "waiting": "which waits itself", "ignored": "whose record is ignored"}
    told = said.get(state, f"whose record is {state} without it")
    return Lacking(key, f"{told}: {reason.rstrip('.')}" if reason else told, maker.id, over=state in _OVER)


def _writes(one: Judged) -> tuple[PlannedWrite, ...]:
    return one.verdict.writes if isinstance(one.verdict, Plan) else ()


def _maker(c: Connection, books: Books, key: str) -> Trip | None:
    """Whose record books a key: who has planned it before, else the record that the key names."""
    planned = [write.trip_id for write in writes.by_key(c, books.company.id, key)]
    found = list(trips.by_ids(c, planned).values()) or _named(c, books, key)
    # Of several records that may book it, one that still will.
    return min(found, key=lambda trip: (trip.state in _OVER, trip.id), default=None)


def _named(c: Connection, books: Books, key: str) -> list[Trip]:
    """Trips of the records that a key names by its parts: {code}:{part}:{id}."""
    code, _, rest = key.partition(":")
    part, _, name = rest.partition(":")
    found: list[Trip] = []
    for road in books.roads.values():
        if road.terms.code == code:
            stored = _records(c, road, part, name)
            found += [one for record_id in stored for one in trips.of_record(c, record_id)]
    return [one for one in found if one.route_id in books.roads]


def _records(c: Connection, road: Road, part: str, name: str) -> list[str]:
    """Ids of the records behind one part of a road's keys; a flow says where the kind is not named by the part."""
    kind, link = next(((kind, link) for of, kind, link in road.flow.makers if of == part), ("", ""))
    kinds = [kind] if kind else [one for one in road.flow.kinds if one.startswith(part)]
    if link:
        return [one.id for kept in records.by_links(c, road.source.id, kind, link, [name]).values() for one in kept]
    return [one.id for kind in kinds for one in records.by_names(c, road.source.id, kind, [name]).values()]
