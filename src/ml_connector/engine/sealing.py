"""Sealing: open writes become submissions, one document each; pools close by size, age or end of day."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from types import MappingProxyType
from typing import Any

from ml_connector.engine import contents, grounds, pools, restoring, reversing, timetables, transits
from ml_connector.engine.books import Books
from ml_connector.engine.references import refs_of
from ml_connector.engine.works import Works
from ml_connector.errors import UsageError
from ml_connector.finance.encoding import text_hash
from ml_connector.finance.invoices import PartyCard, Ref
from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.kinds import KINDS
from ml_connector.finance.plan import Content, Parcel
from ml_connector.rules import pooling
from ml_connector.rules.texts import token_of
from ml_connector.store import (
    audit,
    bindings,
    leases,
    reviews,
    submissions,
    trip_moves,
    unsent,
    write_moves,
    writes,
)
from ml_connector.store.audit import Entry
from ml_connector.store.database import Connection
from ml_connector.store.leases import Lease
from ml_connector.store.states import move_many
from ml_connector.store.tables import trip as trip_table
from ml_connector.store.writes import Write

ALONE_AT_ONCE = 1_000
REFUSED = "refused"  # the question about a write that the target said no to
_FACTS = {"url": "url", "base_total": transits.WORTH}  # what a document was read back with, by what refers to it


def seal_due(works: Works, lease: Lease, books: Books) -> tuple[Lease, int]:
    """Seal what may be sent now. Returns the renewed lease and how many submissions were made."""
    with works.database.reading() as c:
        gates = timetables.gates(works, c, books.company.id)
        alone = unsent.sealable(c, books.company.id, pool=None, limit=ALONE_AT_ONCE, gates=gates)
        closing = pools.closing(works, c, books, gates=gates)
    if not alone and not closing:
        return lease, 0
    pooled = restoring.as_sent(works, books, closing)
    with works.database.writing() as c:
        lease = leases.renew(c, lease, now=works.now(), ttl_us=works.limits.lease_s * 1_000_000)
        groups = [
            (write.key if write.reverses_id else f"{write.key}/{write.revision}", [write]) for write in alone
        ] + pooled.groups
        trip_moves.look_again_at(c, pooled.later, at=works.now() + restoring.LOOK_AGAIN_US)
        made = seal_groups(works, c, books, groups, numbers=pooled.numbers)
    return lease, made


def seal_groups(
    works: Works,
    c: Connection,
    books: Books,
    groups: Sequence[tuple[str, Sequence[Write]]],
    *,
    move_trips: bool = True,
    numbers: Mapping[str, int] = MappingProxyType({}),
) -> int:
    """Make one submission of each group of open writes: (base key, writes) each. The caller's transaction.

    `numbers`: by base, the ordinal that its submission has; else it is the next one.
    """
    now = works.now()
    company = books.company
    ordinals = submissions.used_ordinals(c, company.id, [base for base, _ in groups])
    known = _known(c, company.id, groups)
    bound = _bound(c, groups)
    again = _again(c, company.id, groups)
    rows, pairs, sealed = [], [], []
    for base, members in groups:
        ordinals[base] = numbers.get(base, ordinals.get(base, 0) + 1)
        key = f"{base}#{ordinals[base]}"
        token = token_of(company.id, key)
        content = _known_party(content_of(books, members, token=token, known=known, again=again), members[0], bound)
        submission_id = works.ids.new()
        text = contents.sent_text(members[0].kind, content)
        rows.append(
            {
                "id": submission_id,
                "workspace_id": company.workspace_id,
                "company_id": company.id,
                "target_id": members[0].target_id,
                "key": key,
                "token": token,
                "kind": members[0].kind,
                "ordinal": ordinals[base],
                "content": text,
                "hash": text_hash(text),
                "state": "ready",
                "due_at": now,
                "created_at": now,
                "updated_at": now,
            }
        )
        pairs += [(write.id, submission_id) for write in members]
        sealed.append([key, token, [write.key for write in members]])
    submissions.add(c, rows)
    if unclosed := transits.left_open(books, groups, known):
        reviews.raise_items(c, unclosed, workspace_id=company.workspace_id, ids=works.ids, now=now)
    if write_moves.seal(c, pairs, now=now) != len(pairs):
        raise UsageError("A write was sealed by somebody else at the same time.", record=company.id)
    made = [str(row["id"]) for row in rows]
    restoring.doubt(works, c, books, [(one, members) for one, (_, members) in zip(made, groups, strict=True)])
    if move_trips:
        touched = sorted({write.trip_id for _, members in groups for write in members if write.reverses_id is None})
        # What is due stays due: a newer version that arrived a moment ago is looked at when this one is finished.
        move_many(c, trip_table, touched, source=("planned", "waiting", "held"), target="posting", updated_at=now)
    entry = Entry(now, "system", "sealed", company.id, {"submissions": sealed})
    audit.append_many(c, chain=audit.company_chain(company.id), workspace_id=company.workspace_id, entries=[entry])
    return len(rows)


def content_of(
    books: Books, members: Sequence[Write], *, token: str, known: Mapping[Ref, str], again: Mapping[str, int]
) -> Content | Parcel:
    """What is sent for these writes: the one content with its references filled, a parcel, or the pool's voucher.

    `again`: by key, how often a row was refused before.
    """
    booked = [contents.of_write(write) for write in members]
    if KINDS[members[0].kind].parcel is not None:
        rows = zip(members, booked, strict=True)
        counts = tuple(again.get(write.key, 0) for write in members)
        return Parcel(members[0].kind, tuple((write.key, fill(content, known)) for write, content in rows), counts)
    if len(members) == 1 and members[0].pool_key is None:
        return transits.filled(fill(booked[0], known), known)
    entries = [content for content in booked if isinstance(content, JournalEntry)]
    if len(entries) != len(booked):
        raise UsageError("Only journal entries share a voucher.", record=members[0].key)
    pool = members[0].pool_key or members[0].key
    return pooling.merge(
        entries, pools.mode_of(pool), reference=token, text=f"{books.company.name}: {len(entries)} records {token}"
    )


def _bound(c: Connection, groups: Sequence[tuple[str, Sequence[Write]]]) -> dict[tuple[str, str], str]:
    """Numbers of parties that are to be updated, by target and the key of their card."""
    cards: dict[tuple[str, str], list[str]] = {}
    for _, members in groups:
        for write in members:
            if write.kind in ("customer", "supplier"):
                cards.setdefault((write.target_id, write.kind), []).append(write.key)
    found: dict[tuple[str, str], str] = {}
    for (target_id, kind), keys in cards.items():
        known = bindings.of_keys(c, target_id, kind, keys)
        found.update({(target_id, key): one.remote_id for key, one in known.items()})
    return found


def _known_party(content: Content | Parcel, card: Write, bound: Mapping[tuple[str, str], str]) -> Content | Parcel:
    """A card whose party exists already is an update of that number."""
    number = bound.get((card.target_id, card.key))
    if isinstance(content, PartyCard) and content.number is None and number is not None:
        return replace(content, number=number)
    return content


def _again(c: Connection, company_id: str, groups: Sequence[tuple[str, Sequence[Write]]]) -> dict[str, int]:
    """How often rows of parcels were refused: what is sent again the very same is not looked at anew there."""
    rows = [write.key for _, members in groups for write in members if KINDS[write.kind].parcel is not None]
    return reviews.asked_about(c, company_id, rows, code=REFUSED) if rows else {}


def fill(content: Any, known: Mapping[Ref, str]) -> Any:
    """The same content with every `Ref` replaced by what it stands for. Raises UsageError for an unknown one."""
    if isinstance(content, Ref):
        if not known.get(content):
            raise UsageError(f"The {content.field} of a needed document is not known.", record=content.key)
        return known[content]
    if isinstance(content, tuple):
        return tuple(fill(one, known) for one in content)
    if is_dataclass(content) and not isinstance(content, type) and not isinstance(content, JournalEntry):
        parts = {one.name: getattr(content, one.name) for one in fields(content) if one.init}
        changed = {name: fill(part, known) for name, part in parts.items()}
        return replace(content, **changed) if changed != parts else content
    return content


def _known(c: Connection, company_id: str, groups: Sequence[tuple[str, Sequence[Write]]]) -> dict[Ref, str]:
    """What these writes refer to: numbers, ids and addresses of documents that stand."""
    refs = {ref for _, members in groups for write in members if '"ref"' in write.content for ref in refs_of(write)}
    done = writes.live(c, company_id, sorted({ref.key for ref in refs}))
    done = {key: write for key, write in done.items() if write.state == "done"}
    shown = submissions.by_ids(
        c, sorted({done[ref.key].submission_id or "" for ref in refs if ref.field in _FACTS and ref.key in done})
    )
    found = {}
    for ref in refs:
        write = done.get(ref.key)
        if write is None:
            continue
        if ref.field in _FACTS:
            one = shown.get(write.submission_id or "")
            found[ref] = json.loads(one.observed or "{}").get("facts", {}).get(_FACTS[ref.field], "") if one else ""
        else:
            found[ref] = (write.number if ref.field == "number" else write.remote_id) or ""
    return found


def split_in_halves(works: Works, c: Connection, books: Books, submission_id: str, members: Sequence[Write]) -> None:
    """A refused batch: cancel it and send each half by itself, until the refused record stands alone."""
    now = works.now()
    submissions.move(
        c, [{"id": submission_id, "due_at": None, "updated_at": now}], source="refused", target="cancelled"
    )
    write_moves.unseal(c, submission_id, now=now)
    middle = (len(members) + 1) // 2
    base = members[0].pool_key or members[0].key
    groups = [(base, part) for part in (members[:middle], members[middle:]) if part]
    seal_groups(works, c, books, groups, move_trips=False)


def hold_alone(works: Works, c: Connection, submission_id: str, member: Write, *, reason: str) -> list[str]:
    """A refused document that carries one record: the records that are held.

    Its write is open again but not sent; a reversal is given up with those that wait for it.
    """
    now = works.now()
    submissions.move(
        c, [{"id": submission_id, "due_at": None, "updated_at": now}], source="refused", target="cancelled"
    )
    write_moves.unseal(c, submission_id, now=now)
    if member.reverses_id is not None:
        return reversing.give_up(c, member, reason=reason, now=now)
    move_many(c, trip_table, [member.trip_id], source="posting", target="held", reason=reason, updated_at=now)
    grounds.look_again(c, [member], now=now)
    return [member.trip_id]
