"""Versions of settings and rules, each kept for ever."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, func, insert, or_, select

from ml_connector.store.bulk import chunks
from ml_connector.store.ids import Ids
from ml_connector.store.tables import Micros, config, route


@dataclass(frozen=True, slots=True)
class ConfigRow:
    """One immutable version of settings or rules."""

    n: int
    valid_from: date | None
    body: str
    author: str
    created_at: Micros


def add(
    c: Connection,
    *,
    workspace_id: str,
    owner_kind: str,
    owner_id: str,
    body: str,
    author: str,
    ids: Ids,
    now: Micros,
    valid_from: date | None = None,
) -> int:
    """The next version of settings or rules; its number."""
    last = c.execute(
        select(func.max(config.c.n)).where(config.c.owner_kind == owner_kind, config.c.owner_id == owner_id)
    ).scalar_one()
    n = (last or 0) + 1
    c.execute(
        insert(config).values(
            id=ids.new(),
            workspace_id=workspace_id,
            owner_kind=owner_kind,
            owner_id=owner_id,
            n=n,
            body=body,
            valid_from=valid_from.isoformat() if valid_from else None,
            author=author,
            created_at=now,
        )
    )
    return n


def every(c: Connection, owner_kind: str, owner_id: str) -> list[ConfigRow]:
    """Every version, oldest first."""
    rows = c.execute(
        select(config).where(config.c.owner_kind == owner_kind, config.c.owner_id == owner_id).order_by(config.c.n)
    )
    return [
        ConfigRow(
            row.n, date.fromisoformat(row.valid_from) if row.valid_from else None, row.body, row.author, row.created_at
        )
        for row in rows
    ]


def newest(c: Connection, owner_kind: str, owner_id: str) -> ConfigRow | None:
    """The version that was saved last."""
    row = c.execute(
        select(config)
        .where(config.c.owner_kind == owner_kind, config.c.owner_id == owner_id)
        .order_by(config.c.n.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    return ConfigRow(
        row.n, date.fromisoformat(row.valid_from) if row.valid_from else None, row.body, row.author, row.created_at
    )


def any_holds(c: Connection, owner_kind: str, owner_id: str, texts: Sequence[str]) -> bool:
    """Whether any version holds one of these texts, to the letter: found by the database, which reads them quicker."""
    held = or_(*(config.c.body.contains(one, autoescape=True) for one in texts))
    query = select(config.c.n).where(config.c.owner_kind == owner_kind, config.c.owner_id == owner_id, held)
    return c.execute(query.limit(1)).first() is not None


def newest_of(c: Connection, owner_kind: str, owner_ids: Sequence[str]) -> dict[str, ConfigRow]:
    """The versions that were saved last, by owner."""
    found: dict[str, ConfigRow] = {}
    for part in chunks(owner_ids):
        rows = c.execute(
            select(config).where(config.c.owner_kind == owner_kind, config.c.owner_id.in_(part)).order_by(config.c.n)
        )
        for row in rows:
            valid_from = date.fromisoformat(row.valid_from) if row.valid_from else None
            found[row.owner_id] = ConfigRow(row.n, valid_from, row.body, row.author, row.created_at)
    return found


def set_up_mark(c: Connection, company_id: str) -> str:
    """Changes whenever a route of this company gets other terms, rules or posting."""
    rows = c.execute(
        select(route.c.id, route.c.posting, config.c.owner_kind, func.max(config.c.n))
        .join(config, config.c.owner_id == route.c.id)
        .where(route.c.company_id == company_id, config.c.owner_kind.in_(("route", "rulebook")))
        .group_by(route.c.id, route.c.posting, config.c.owner_kind)
    )
    return str(sorted(tuple(row) for row in rows))
