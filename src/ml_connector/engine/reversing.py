"""What takes posted writes back: a mirror in the journal, or the ledger's own reversing call.

Each after what stands on it.

Writes name what they need; taken back, the order is the other way round: a payment is voided before the invoice it is
put against is reversed. The order is kept as needs between the reversals, so it holds wherever a worker is killed.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ml_connector.engine.books import Books
from ml_connector.engine.opposites import opposite_of
from ml_connector.engine.references import refers_to
from ml_connector.engine.works import Works
from ml_connector.finance.encoding import booked_hash, decode_content, encode, expected, text_of
from ml_connector.finance.kinds import KINDS
from ml_connector.finance.plan import Finding
from ml_connector.store import trip_needs, trip_undo, unsent, write_moves, writes
from ml_connector.store.database import Connection
from ml_connector.store.writes import Write

CORRECTING = "correction"  # what is taken back is booked anew, so its record counts as booked meanwhile
TAKEN_BACK = "taken back"
UNDOING = "undo"


@dataclass(frozen=True, slots=True)
class Reversals:
    """Rows of new open writes that take `originals` back, and what each must wait for.

    `keys`: of all reversals, those that are on their way already too; `last`: of those that no other waits for.
    """

    originals: tuple[Write, ...]
    rows: tuple[dict[str, Any], ...]
    needs: tuple[dict[str, Any], ...]
    keys: tuple[str, ...]
    last: tuple[str, ...]


def with_dependents(c: Connection, company_id: str, several: Sequence[Write]) -> list[Write]:
    """These and every write that is put against one of them, directly or through others, done or on its way.

    In the order in which they are taken back.
    """
    found = {write.id: write for write in several}
    edge = list(several)
    while edge:
        keys = {write.key for write in edge}
        edge = [
            write
            for write in writes.needing(c, company_id, sorted(keys))
            if write.id not in found and write.state != "open" and write.reverses_id is None
            if not (KINDS[write.kind].updated or KINDS[write.kind].told) and keys & refers_to(write)
        ]
        found.update({write.id: write for write in edge})
    whole = list(found.values())
    return _last_first(whole, writes.needs_of(c, list(found)))


def reversals_of(
    works: Works, c: Connection, books: Books, several: Sequence[Write], *, purpose: str,
    of_trips: Collection[str], under_way: Collection[str] = (),
) -> Reversals | tuple[Finding, ...]:  # fmt: skip
    """What takes these back, what stands on others first; or why that cannot be done here.

    A reversal belongs to the trip of its original. `purpose` is that of `of_trips`; what goes with it of other records
    is booked anew. A reversal that is live already, or named in `under_way`, is not made again.
    """
    needed = writes.needs_of(c, [write.id for write in several])
    ordered = _last_first(several, needed)
    keys = {write.id: reversal_key(write) for write in ordered}
    live = writes.live(c, books.company.id, sorted(keys.values()))
    freed = _freed(c, books, ordered, needed)
    rows, needs, findings = [], [], []
    for old in ordered:
        if keys[old.id] in live or keys[old.id] in under_way:
            continue
        why = purpose if old.trip_id in of_trips else CORRECTING
        row = _row(works, old, books, purpose=why, freed=old.id in freed)
        if isinstance(row, Finding):
            findings.append(row)
            continue
        rows.append(row)
        if old.id in freed:  # by what it stands on, so after that
            first = freed[old.id]
        else:
            first = [keys[one.id] for one in ordered if old.key in needed.get(one.id, ()) and one.id not in freed]
        needs += [_need(books, row["id"], key) for key in first]
    if findings:
        return tuple(findings)
    waited_for = {need["key"] for need in needs}
    last = tuple(key for key in keys.values() if key not in waited_for)
    return Reversals(tuple(ordered), tuple(rows), tuple(needs), tuple(keys.values()), last)


def _freed(
    c: Connection, books: Books, several: Sequence[Write], needed: Mapping[str, Collection[str]]
) -> dict[str, list[str]]:
    """What is put against an invoice by a payment that is taken back, now or before: the ledger frees it with that.

    By id, the keys of the reversals that do it. Not where the order is to go as well: it is invoiced, and that invoice
    is a person's matter first.
    """
    applied = {one.id: needed.get(one.id, ()) for one in several if one.kind == "payment_application"}
    if not applied or any(one.kind == "sales_order" for one in several):
        return {}
    standing = writes.live(c, books.company.id, sorted({key for keys in applied.values() for key in keys}))
    back = {key: reversal_key(payment) for key, payment in standing.items()}
    going = {one.key for one in several}
    on_its_way = writes.live(c, books.company.id, sorted(back.values()))
    free = {key for key, name in back.items() if key in going or name in on_its_way}
    return {
        id_: [back[key] for key in keys if key in back]
        for id_, keys in applied.items()
        if free.issuperset(key for key in keys if key in back)
    }


def _last_first(several: Sequence[Write], needed: Mapping[str, Collection[str]]) -> list[Write]:
    """What nothing else stands on comes first."""
    left = list(several)
    ordered: list[Write] = []
    while left:
        free = [one for one in left if not any(one.key in needed.get(other.id, ()) for other in left)] or left
        ordered += free
        left = [one for one in left if one not in free]
    return ordered


def _need(books: Books, write_id: str, key: str) -> dict[str, Any]:
    return {
        "write_id": write_id,
        "key": key,
        "workspace_id": books.company.workspace_id,
        "company_id": books.company.id,
    }


def _row(works: Works, old: Write, books: Books, *, purpose: str, freed: bool) -> dict[str, Any] | Finding:
    """A new open write under the reversal's key that takes `old` back, or why that cannot be done here."""
    content = decode_content(old.kind, json.loads(old.content)["content"])
    opposite = opposite_of(content, old, books, freed=freed)
    if isinstance(opposite, Finding):
        return opposite
    kind, reversing = opposite
    worth = expected(reversing)
    why = [["reversal", old.number or old.key, f"takes back {old.key}"]]
    now = works.now()
    return {
        "id": works.ids.new(),
        "workspace_id": books.company.workspace_id,
        "company_id": books.company.id,
        "trip_id": old.trip_id,
        "target_id": old.target_id,
        "key": reversal_key(old),
        "revision": old.revision,
        "kind": kind,
        "content": text_of({"content": encode(reversing), "why": why, "purpose": purpose}),
        "hash": booked_hash(kind, reversing),
        "amount": worth.total if worth else None,
        "currency": worth.currency if worth else None,
        "pool_key": None,
        "reverses_id": old.id,
        "state": "open",
        "position": 0,
        "created_at": now,
        "updated_at": now,
    }


def purpose_of(reversal: Write) -> str:
    """Why a reversal was made; of one older than that was kept, that its original was not to be booked any more."""
    return str(json.loads(reversal.content).get("purpose", TAKEN_BACK))


def reversal_key(old: Write) -> str:
    """`{key}:rev`; each later revision is taken back under a key of its own, because reversals stay in the books."""
    return f"{old.key}:rev" if old.revision == 1 else f"{old.key}:rev{old.revision}"


def give_up(c: Connection, reversal: Write, *, reason: str, now: int) -> list[str]:
    """An open reversal that the target refused or a person cancelled: it and those that wait for it are dropped.

    The records they belong to are held; the trips. Who was to be taken back along with them is planned again.
    """
    given_up = {reversal.id: reversal}
    edge = [reversal]
    while edge:
        waiting = writes.needing(c, reversal.company_id, [write.key for write in edge])
        edge = [one for one in waiting if one.state == "open" and one.reverses_id and one.id not in given_up]
        given_up.update({write.id: write for write in edge})
    write_moves.drop(c, list(given_up), now=now)
    held = sorted({write.trip_id for write in given_up.values()})
    trip_undo.stop_taking_back(c, held, reason=reason, now=now)
    trip_needs.forget(c, held)
    if any(purpose_of(write) == UNDOING for write in given_up.values()):
        originals = writes.by_ids(c, [write.reverses_id or "" for write in given_up.values()])
        sharing = trip_undo.sharing_in_company(c, reversal.company_id, sorted({one.key for one in originals.values()}))
        under_way = unsent.unfinished_trips(c, sharing)
        trip_undo.stop(c, [one for one in sharing if one not in under_way], now=now)
    return held
