"""Sealed secrets of connections and doors, newest first; the older ones end at a time."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from ml_connector.store.tables import Micros, secret


@dataclass(frozen=True, slots=True)
class SecretRow:
    """One sealed secret."""

    id: str
    workspace_id: str | None
    owner_kind: str
    owner_id: str
    field: str
    n: int
    key_id: str
    nonce: bytes
    ciphertext: bytes
    retired_at: Micros | None


def _secret(row: Any) -> SecretRow:
    return SecretRow(
        row.id,
        row.workspace_id,
        row.owner_kind,
        row.owner_id,
        row.field,
        row.n,
        row.key_id,
        bytes(row.nonce),
        bytes(row.ciphertext),
        row.retired_at,
    )


def next_n(c: Connection, owner_kind: str, owner_id: str, field: str) -> int:
    """The number the next secret of this field gets: it is part of what the seal is bound to."""
    last = c.execute(
        select(func.max(secret.c.n)).where(
            secret.c.owner_kind == owner_kind, secret.c.owner_id == owner_id, secret.c.field == field
        )
    ).scalar_one()
    return (last or 0) + 1


def add(c: Connection, row: SecretRow, *, now: Micros) -> None:
    """A sealed secret beside the older ones of its field."""
    c.execute(insert(secret).values(created_at=now, **asdict(row)))


def retire(c: Connection, owner_kind: str, owner_id: str, field: str, *, below: int, at: Micros) -> int:
    """Older secrets of a field stop being used at `at`."""
    return c.execute(
        update(secret)
        .where(
            secret.c.owner_kind == owner_kind,
            secret.c.owner_id == owner_id,
            secret.c.field == field,
            secret.c.n < below,
            secret.c.retired_at.is_(None),
        )
        .values(retired_at=at)
    ).rowcount


def in_use(c: Connection, owner_kind: str, owner_id: str, *, now: Micros) -> list[SecretRow]:
    """The sealed secrets of an owner that are in use at `now`, newest first."""
    rows = c.execute(
        select(secret)
        .where(
            secret.c.owner_kind == owner_kind,
            secret.c.owner_id == owner_id,
            secret.c.retired_at.is_(None) | (secret.c.retired_at > now),
        )
        .order_by(secret.c.field, secret.c.n.desc())
    )
    return [_secret(row) for row in rows]


def any_sealed(c: Connection) -> bool:
    """Whether any secret is kept."""
    return c.execute(select(secret.c.id).limit(1)).first() is not None


def every(c: Connection) -> list[SecretRow]:
    """Every sealed secret, for the rotation of the master key."""
    return [_secret(row) for row in c.execute(select(secret).order_by(secret.c.id))]


def reseal(c: Connection, secret_id: str, *, key_id: str, nonce: bytes, ciphertext: bytes) -> None:
    """The same secret under a newer master key."""
    c.execute(update(secret).where(secret.c.id == secret_id).values(key_id=key_id, nonce=nonce, ciphertext=ciphertext))
