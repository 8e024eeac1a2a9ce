"""Source records: one per thing of theirs, with every version of its payload as it was read."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from ml_connector import jsontext
from ml_connector.store.bulk import chunks, insert_many, update_many
from ml_connector.store.ids import Ids
from ml_connector.store.tables import Micros, link, record, version


def payload_text(payload: Mapping[str, Any]) -> str:
    """The payload as JSON text in a stable order, decimals with the very digits that were read."""
    return jsontext.canonical(payload)


def payload_hash(text: str) -> str:
    """SHA-256 of the payload text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def payload_of(text: str) -> dict[str, Any]:
    """The payload back from its text, decimals as Decimal."""
    parsed: dict[str, Any] = jsontext.parse(text)
    return parsed


@dataclass(frozen=True, slots=True)
class Reading:
    """A record as just read, ready to be kept.

    `links` tell what it points to, `wanted_by` which routes give it a trip.
    """

    kind: str
    external_id: str
    payload: str
    hash: str
    stamp: str
    read_at: Micros
    occurred_at: Micros
    location: str | None
    source: str
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a reading. `fresh`: a new version was stored; `first`: the record was not known."""

    reading: Reading
    record_id: str
    n: int
    fresh: bool
    first: bool


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record with its current version."""

    id: str
    kind: str
    external_id: str
    n: int
    payload: str | None
    occurred_at: Micros | None
    location: str | None
    stamp: str
    hash: str


def keep(
    c: Connection, readings: Sequence[Reading], *, workspace_id: str, connection_id: str, ids: Ids, now: Micros
) -> list[Kept]:
    """Store each reading as the next version of its record, unless it is what the current version says already.

    An older state (by the vendor's stamp, else by when the request began) than the current one is not kept. A -> B -> A
    gives three versions. The same record twice in `readings`: the later reading counts.
    """
    latest = {(one.kind, one.external_id): one for one in readings}
    known = _current(c, connection_id, latest)
    kept: list[Kept] = []
    new_records, new_versions, moved = [], [], []
    for name, one in latest.items():
        old = known.get(name)
        if old is None:
            record_id, n = ids.new(), 1
            new_records.append(
                _record_row(one, record_id, workspace_id=workspace_id, connection_id=connection_id, now=now)
            )
        elif old.hash == one.hash or _is_older(one, old):
            kept.append(Kept(one, old.record_id, old.n, fresh=False, first=False))
            continue
        else:
            record_id, n = old.record_id, old.n + 1
            moved.append({"b_id": record_id, "b_n": n, "b_was": old.n, "b_at": now, "b_occurred": one.occurred_at})
        new_versions.append(_version_row(one, record_id, n, workspace_id=workspace_id))
        kept.append(Kept(one, record_id, n, fresh=True, first=old is None))
    insert_many(c, record, new_records)
    insert_many(c, version, new_versions)
    if moved:
        update_many(c, _MOVE, moved)
    _keep_links(c, [one for one in kept if one.fresh], workspace_id=workspace_id, connection_id=connection_id)
    return kept


_MOVE = (
    update(record)
    .where(record.c.id == bindparam("b_id"), record.c.current_n == bindparam("b_was"))
    .values(current_n=bindparam("b_n"), updated_at=bindparam("b_at"), occurred_at=bindparam("b_occurred"))
)


@dataclass(frozen=True, slots=True)
class _Current:
    record_id: str
    n: int
    hash: str
    stamp: str
    read_at: Micros


def _current(c: Connection, connection_id: str, names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], _Current]:
    by_kind: dict[str, list[str]] = {}
    for kind, external_id in names:
        by_kind.setdefault(kind, []).append(external_id)
    found: dict[tuple[str, str], _Current] = {}
    for kind, wanted in by_kind.items():
        for part in chunks(wanted):
            rows = c.execute(
                select(
                    record.c.id, record.c.external_id, version.c.n, version.c.hash, version.c.stamp, version.c.read_at
                )
                .join(version, (version.c.record_id == record.c.id) & (version.c.n == record.c.current_n))
                .where(record.c.connection_id == connection_id, record.c.kind == kind, record.c.external_id.in_(part))
            )
            for row in rows:
                found[kind, row.external_id] = _Current(row.id, row.n, row.hash, row.stamp or "", row.read_at)
    return found


def _is_older(one: Reading, old: _Current) -> bool:
    if one.stamp and old.stamp and one.stamp != old.stamp:
        return one.stamp < old.stamp
    return one.read_at < old.read_at


def _record_row(one: Reading, record_id: str, *, workspace_id: str, connection_id: str, now: Micros) -> dict[str, Any]:
    return {
        "id": record_id,
        "workspace_id": workspace_id,
        "connection_id": connection_id,
        "kind": one.kind,
        "external_id": one.external_id,
        "current_n": 1,
        "location": one.location,
        "occurred_at": one.occurred_at,
        "created_at": now,
        "updated_at": now,
    }


def _version_row(one: Reading, record_id: str, n: int, *, workspace_id: str) -> dict[str, Any]:
    return {
        "record_id": record_id,
        "n": n,
        "workspace_id": workspace_id,
        "stamp": one.stamp,
        "read_at": one.read_at,
        "source": one.source,
        "hash": one.hash,
        "payload": one.payload,
    }


def _keep_links(c: Connection, kept: Sequence[Kept], *, workspace_id: str, connection_id: str) -> None:
    wanted = {(one.reading.kind, name, value, one.record_id) for one in kept for name, value in one.reading.links}
    if not wanted:
        return
    old: set[tuple[str, str, str, str]] = set()
    for part in chunks([one.record_id for one in kept if not one.first and one.reading.links]):
        rows = c.execute(
            select(link.c.kind, link.c.name, link.c.value, link.c.record_id).where(link.c.record_id.in_(part))
        )
        old.update((row.kind, row.name, row.value, row.record_id) for row in rows)
    insert_many(
        c,
        link,
        [
            {
                "connection_id": connection_id,
                "kind": kind,
                "name": name,
                "value": value,
                "record_id": owner,
                "workspace_id": workspace_id,
            }
            for kind, name, value, owner in sorted(wanted - old)
        ],
    )


_STORED = select(
    record.c.id,
    record.c.kind,
    record.c.external_id,
    record.c.current_n,
    record.c.occurred_at,
    record.c.location,
    version.c.payload,
    version.c.stamp,
    version.c.hash,
).join(version, (version.c.record_id == record.c.id) & (version.c.n == record.c.current_n))


def _stored(row: Sequence[Any]) -> StoredRecord:
    record_id, kind, external_id, n, occurred_at, location, payload, stamp, hash_text = row[:9]
    return StoredRecord(record_id, kind, external_id, n, payload, occurred_at, location, stamp or "", hash_text)


def by_ids(c: Connection, record_ids: Sequence[str]) -> dict[str, StoredRecord]:
    """Records with their current version, by our id."""
    found = {}
    for part in chunks(record_ids):
        for row in c.execute(_STORED.where(record.c.id.in_(part))).all():
            found[row[0]] = _stored(row)
    return found


def last_read(c: Connection, record_id: str) -> Micros | None:
    """When the current version of a record was read: it has not changed since."""
    found: Micros | None = c.execute(
        select(func.max(version.c.read_at)).where(version.c.record_id == record_id)
    ).scalar_one()
    return found


def by_names(c: Connection, connection_id: str, kind: str, external_ids: Sequence[str]) -> dict[str, StoredRecord]:
    """Records of one kind with their current version, by the source's id."""
    found = {}
    for part in chunks(external_ids):
        rows = c.execute(
            _STORED.where(
                record.c.connection_id == connection_id, record.c.kind == kind, record.c.external_id.in_(part)
            )
        )
        for row in rows:
            found[row.external_id] = _stored(row)
    return found


def by_links(
    c: Connection, connection_id: str, kind: str, name: str, values: Sequence[str]
) -> dict[str, list[StoredRecord]]:
    """Records of one kind that point to these values, by value."""
    found: dict[str, list[StoredRecord]] = {}
    for part in chunks(values):
        rows = c.execute(
            _STORED.add_columns(link.c.value)
            .join(link, link.c.record_id == record.c.id)
            .where(
                link.c.connection_id == connection_id, link.c.kind == kind, link.c.name == name, link.c.value.in_(part)
            )
            .order_by(record.c.id)
        )
        for row in rows:
            found.setdefault(row.value, []).append(_stored(row))
    return found


def links_of(c: Connection, record_ids: Sequence[str], names: Collection[str]) -> set[str]:
    """What these records point to under these names."""
    found: set[str] = set()
    for part in chunks(record_ids):
        rows = c.execute(select(link.c.value).where(link.c.record_id.in_(part), link.c.name.in_(names)))
        found.update(row[0] for row in rows)
    return found


def pointing(c: Connection, connection_id: str, name: str, values: Sequence[str]) -> list[str]:
    """Ids of the records of any kind that point to these values."""
    found: list[str] = []
    for part in chunks(values):
        rows = c.execute(
            select(link.c.record_id).where(
                link.c.connection_id == connection_id, link.c.name == name, link.c.value.in_(part)
            )
        )
        found += [row[0] for row in rows]
    return found


def names_since(c: Connection, connection_id: str, kind: str, since: Micros) -> list[str]:
    """External ids of the records of one kind that happened since."""
    rows = c.execute(
        select(record.c.external_id).where(
            record.c.connection_id == connection_id, record.c.kind == kind, record.c.occurred_at >= since
        )
    )
    return [row[0] for row in rows]


def known_names(c: Connection, connection_id: str, kind: str, external_ids: Sequence[str]) -> set[str]:
    """Which of these the store has."""
    found: set[str] = set()
    for part in chunks(external_ids):
        rows = c.execute(
            select(record.c.external_id).where(
                record.c.connection_id == connection_id, record.c.kind == kind, record.c.external_id.in_(part)
            )
        )
        found.update(row.external_id for row in rows)
    return found


def versions_of(c: Connection, record_id: str) -> list[dict[str, Any]]:
    """Every version of a record, without payloads: for the timeline of `trace`."""
    rows = c.execute(
        select(version.c.n, version.c.stamp, version.c.read_at, version.c.source, version.c.hash)
        .where(version.c.record_id == record_id)
        .order_by(version.c.n)
    )
    return [dict(row._mapping) for row in rows]


def erase(c: Connection, record_id: str, *, now: Micros) -> int:
    """Empty every payload of a record; ids and hashes stay. Returns how many versions were emptied."""
    result = c.execute(
        update(version)
        .where(version.c.record_id == record_id, version.c.payload.is_not(None))
        .values(payload=None, erased_at=now)
    )
    return result.rowcount
