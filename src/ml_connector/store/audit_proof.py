"""Proof that the audit trail is as it was written: in the database, or from an export far away from it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from ml_connector.store.audit import START, Event, Head, hash_of, stored_events
from ml_connector.store.audit import heads as audit_heads
from ml_connector.store.tables import Micros

_MOST_BROKEN = 100


@dataclass(frozen=True, slots=True)
class Broken:
    """The first event of a chain that is not as it was written, and why."""

    chain: str
    seq: int
    reason: str


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """What a verification found; `broken` names the first broken event of each chain, at most a hundred."""

    events: int
    chains: int
    broken: tuple[Broken, ...]

    @property
    def ok(self) -> bool:
        return not self.broken


def verify(c: Connection, chain: str | None = None, *, exported: Iterable[Head] = ()) -> VerifyResult:
    """Recompute every hash of one chain or all, compare with the heads here and with `exported` ones.

    Streams: memory does not grow with the trail.
    """
    wanted = [head for head in exported if chain in {None, head.chain}]
    stored = [head for head in audit_heads(c) if chain in {None, head.chain}]
    return check(stored_events(c, chain), heads=stored, exported=wanted)


def check(
    events: Iterable[Event], *, heads: Iterable[Head] | None = None, exported: Iterable[Head] = ()
) -> VerifyResult:
    """Verify `events`, each chain's in the order of their numbers: from the database or from an export.

    `heads`, where given, are the last events there must be, of exactly these chains; `exported` must lie on the chains.
    """
    found: dict[str, Broken] = {}
    ends = None if heads is None else {head.chain: head for head in heads}
    expected: dict[str, dict[int, str]] = {}
    for head in exported:
        expected.setdefault(head.chain, {})[head.seq] = head.hash
    last: dict[str, tuple[int, str]] = {}
    owners: dict[str, str | None] = {}
    count = 0
    for event in events:
        count += 1
        owners.setdefault(event.chain, event.workspace_id)
        seq, previous = last.get(event.chain, (0, START))
        reason = _fault(event, seq=seq + 1, previous=previous, expected=expected.get(event.chain, {}))
        if reason:
            found.setdefault(event.chain, Broken(event.chain, seq + 1, reason))
        last[event.chain] = (seq + 1 if reason else event.seq, event.hash)
    for broken in _ends_that_differ(last, ends, expected, owners=owners):
        found.setdefault(broken.chain, broken)
    return VerifyResult(events=count, chains=len(last), broken=tuple(found.values())[:_MOST_BROKEN])


def export(
    c: Connection, workspace_id: str | None = None, *, chain: str | None = None, since: Micros | None = None
) -> Iterator[str]:
    """Events as JSON lines, chain by chain: of one workspace, one chain or all. `read_export` reads them back.

    An export with `since` does not begin at number 1 and cannot be verified by itself.
    """
    for event in stored_events(c, chain, workspace_id=workspace_id, since=since):
        yield json.dumps(
            {name: getattr(event, name) for name in Event.__slots__}, ensure_ascii=True, separators=(",", ":")
        )


def read_export(lines: Iterable[str]) -> Iterator[Event]:
    """The events of an export, to be given to `check` far away from the database."""
    for line in lines:
        if line.strip():
            yield Event(**json.loads(line))


def _fault(event: Event, *, seq: int, previous: str, expected: Mapping[int, str]) -> str | None:
    if event.seq != seq:
        return "an event is missing or out of its place"
    if event.prev_hash != previous:
        return "it does not follow the event before it"
    row = {name: getattr(event, name) for name in Event.__slots__ if name != "hash"}
    if hash_of(row) != event.hash:
        return "its content is not what was written"
    if expected.get(seq, event.hash) != event.hash:
        return "it is not the event whose head was exported"
    return None


def _ends_that_differ(
    last: Mapping[str, tuple[int, str]],
    ends: Mapping[str, Head] | None,
    expected: Mapping[str, Mapping[int, str]],
    *,
    owners: Mapping[str, str | None],
) -> Iterator[Broken]:
    """`owners`: the workspace that began each chain, which its head names."""
    for chain, marks in expected.items():
        seq = last.get(chain, (0, START))[0]
        if marks and max(marks) > seq:
            yield Broken(chain, seq + 1, f"the tail is cut: an exported head tells of {max(marks)} events")
    if ends is None:
        return
    for chain in sorted(last.keys() | ends.keys()):
        head = ends.get(chain)
        seq, last_hash = last.get(chain, (0, START))
        if head is None:
            yield Broken(chain, seq, "the chain has no head")
        elif (head.seq, head.hash) != (seq, last_hash):
            yield Broken(chain, _place(head.seq, seq), "the head tells of another last event")
        elif chain in owners and head.workspace_id != owners[chain]:
            yield Broken(chain, seq, "the head tells of another workspace")


def _place(told: object, seq: int) -> int:
    """The first event that is missing, or the last one; what is told may be no number, after somebody's change."""
    return seq + 1 if isinstance(told, int) and told > seq else seq
