"""Who and where: workspaces, connections, companies, routes, doors, their settings and their sealed secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from ml_connector.store.bulk import chunks
from ml_connector.store.ids import Ids
from ml_connector.store.tables import Micros, company, config, connection, door, oauth_state, route, secret, workspace

DEFAULT_WORKSPACE = "default"


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """One customer's access to one system. `state`: active, paused (see reason), off."""

    id: str
    workspace_id: str
    connector: str
    code: str
    title: str
    account_ref: str | None
    base_url: str | None
    settings: Mapping[str, Any]
    state: str
    paused_until: Micros | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class CompanyRow:
    """One set of books."""

    id: str
    workspace_id: str
    connection_id: str
    name: str
    base_currency: str
    time_zone: str
    go_live: date | None


@dataclass(frozen=True, slots=True)
class RouteRow:
    """A flow set up between two connections of a company. `posting`: off, approve, on."""

    id: str
    workspace_id: str
    company_id: str
    flow: str
    source_id: str
    target_id: str
    posting: str

    def beside(self, ledger_id: str) -> str:
        """The connection at its other end: the one that is not the ledger."""
        return self.target_id if self.source_id == ledger_id else self.source_id


@dataclass(frozen=True, slots=True)
class DoorRow:
    """A webhook address. `connection_id` None: the account in the verified body chooses the connection."""

    id: str
    workspace_id: str | None
    connection_id: str | None
    connector: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ConfigRow:
    """One immutable version of settings or rules."""

    n: int
    valid_from: date | None
    body: str
    author: str
    created_at: Micros


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


def ensure_workspace(c: Connection, *, name: str, now: Micros) -> str:
    """The workspace of this name, made when missing; its id."""
    found = c.execute(select(workspace.c.id).where(workspace.c.id == name)).scalar_one_or_none()
    if found is None:
        c.execute(insert(workspace).values(id=name, name=name, created_at=now))
    return name


# ------------------------------------------------------------------------------------------- connections


def _connection(row: Any) -> ConnectionRow:
    return ConnectionRow(
        row.id,
        row.workspace_id,
        row.connector,
        row.code,
        row.title,
        row.account_ref,
        row.base_url,
        json.loads(row.settings),
        row.state,
        row.paused_until,
        row.reason,
    )


def add_connection(
    c: Connection,
    *,
    workspace_id: str,
    connector: str,
    code: str,
    title: str,
    base_url: str | None,
    settings: Mapping[str, Any],
    ids: Ids,
    now: Micros,
    account_ref: str | None = None,
) -> str:
    """A new connection, active. Raises IntegrityError when the code is taken."""
    connection_id = ids.new()
    c.execute(
        insert(connection).values(
            id=connection_id,
            workspace_id=workspace_id,
            connector=connector,
            code=code,
            title=title,
            account_ref=account_ref,
            base_url=base_url,
            settings=json.dumps(dict(settings)),
            state="active",
            created_at=now,
        )
    )
    return connection_id


def update_connection(c: Connection, connection_id: str, **values: Any) -> None:
    """Change account_ref, title, base_url, settings (a mapping), state, paused_until, reason."""
    if "settings" in values:
        values["settings"] = json.dumps(dict(values["settings"]))
    c.execute(update(connection).where(connection.c.id == connection_id).values(**values))


def get_connection(c: Connection, connection_id: str) -> ConnectionRow | None:
    """A connection by its id."""
    row = c.execute(select(connection).where(connection.c.id == connection_id)).one_or_none()
    return _connection(row) if row else None


def connection_by_code(c: Connection, workspace_id: str, code: str) -> ConnectionRow | None:
    """The connection of this code in a workspace."""
    row = c.execute(
        select(connection).where(connection.c.workspace_id == workspace_id, connection.c.code == code)
    ).one_or_none()
    return _connection(row) if row else None


def connections_by_account(c: Connection, connector: str, account_ref: str) -> list[ConnectionRow]:
    """Connections of one system to one account of theirs, over all workspaces: for doors that serve many."""
    rows = c.execute(
        select(connection).where(connection.c.connector == connector, connection.c.account_ref == account_ref)
    )
    return [_connection(row) for row in rows]


def connections(c: Connection, workspace_id: str | None = None) -> list[ConnectionRow]:
    """Every connection, of one workspace or of all."""
    query = select(connection).order_by(connection.c.id)
    if workspace_id is not None:
        query = query.where(connection.c.workspace_id == workspace_id)
    return [_connection(row) for row in c.execute(query)]


def pause(c: Connection, connection_id: str, *, reason: str, until: Micros | None) -> bool:
    """Stop calling for this connection (until: by itself; None: until a person repairs it). False: it was paused
    already.
    """
    return (
        c.execute(
            update(connection)
            .where(connection.c.id == connection_id, connection.c.state == "active")
            .values(state="paused", reason=reason, paused_until=until)
        ).rowcount
        == 1
    )


def resume_due(c: Connection, *, now: Micros) -> int:
    """Connections whose pause has ended are active again."""
    return c.execute(
        update(connection)
        .where(connection.c.state == "paused", connection.c.paused_until.is_not(None), connection.c.paused_until <= now)
        .values(state="active", reason=None, paused_until=None)
    ).rowcount


# ------------------------------------------------------------------------------------------- companies and routes


def _company(row: Any) -> CompanyRow:
    go_live = date.fromisoformat(row.go_live) if row.go_live else None
    return CompanyRow(row.id, row.workspace_id, row.connection_id, row.name, row.base_currency, row.time_zone, go_live)


def add_company(
    c: Connection,
    *,
    workspace_id: str,
    connection_id: str,
    name: str,
    base_currency: str,
    time_zone: str,
    go_live: date | None,
    ids: Ids,
    now: Micros,
) -> str:
    """A new set of books; its id."""
    company_id = ids.new()
    c.execute(
        insert(company).values(
            id=company_id,
            workspace_id=workspace_id,
            connection_id=connection_id,
            name=name,
            base_currency=base_currency,
            time_zone=time_zone,
            go_live=go_live.isoformat() if go_live else None,
            created_at=now,
        )
    )
    return company_id


def get_company(c: Connection, company_id: str) -> CompanyRow | None:
    """A company by its id."""
    row = c.execute(select(company).where(company.c.id == company_id)).one_or_none()
    return _company(row) if row else None


def companies(c: Connection, workspace_id: str | None = None) -> list[CompanyRow]:
    """Every company, of one workspace or of all."""
    query = select(company).order_by(company.c.id)
    if workspace_id is not None:
        query = query.where(company.c.workspace_id == workspace_id)
    return [_company(row) for row in c.execute(query)]


def set_go_live(c: Connection, company_id: str, day: date | None) -> None:
    """Nothing that happened before this day is booked."""
    c.execute(update(company).where(company.c.id == company_id).values(go_live=day.isoformat() if day else None))


def add_route(
    c: Connection,
    *,
    workspace_id: str,
    company_id: str,
    flow: str,
    source_id: str,
    target_id: str,
    posting: str,
    ids: Ids,
    now: Micros,
) -> str:
    """A new route; its id."""
    route_id = ids.new()
    c.execute(
        insert(route).values(
            id=route_id,
            workspace_id=workspace_id,
            company_id=company_id,
            flow=flow,
            source_id=source_id,
            target_id=target_id,
            posting=posting,
            created_at=now,
        )
    )
    return route_id


def _route(row: Any) -> RouteRow:
    return RouteRow(row.id, row.workspace_id, row.company_id, row.flow, row.source_id, row.target_id, row.posting)


def routes(
    c: Connection, *, company_id: str | None = None, source_id: str | None = None, workspace_id: str | None = None
) -> list[RouteRow]:
    """Routes of a company, from a source, or of a workspace."""
    query = select(route).order_by(route.c.id)
    for column, value in (
        (route.c.company_id, company_id),
        (route.c.source_id, source_id),
        (route.c.workspace_id, workspace_id),
    ):
        if value is not None:
            query = query.where(column == value)
    return [_route(row) for row in c.execute(query)]


def get_route(c: Connection, route_id: str) -> RouteRow | None:
    """A route by its id."""
    row = c.execute(select(route).where(route.c.id == route_id)).one_or_none()
    return _route(row) if row else None


def switch_posting(c: Connection, route_id: str, posting: str) -> None:
    """off: plan only; approve: post what a person consents to; on: post."""
    c.execute(update(route).where(route.c.id == route_id).values(posting=posting))


# ------------------------------------------------------------------------------------------- settings and rules


def add_config(
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


def configs(c: Connection, owner_kind: str, owner_id: str) -> list[ConfigRow]:
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


def newest_config(c: Connection, owner_kind: str, owner_id: str) -> ConfigRow | None:
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


def newest_configs(c: Connection, owner_kind: str, owner_ids: Sequence[str]) -> dict[str, ConfigRow]:
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


# ------------------------------------------------------------------------------------------- doors


def add_door(
    c: Connection,
    *,
    workspace_id: str | None,
    connection_id: str | None,
    connector: str,
    path_hash: str,
    settings: Mapping[str, Any],
    ids: Ids,
    now: Micros,
) -> str:
    """A new webhook address, kept by the hash of its path; its id."""
    door_id = ids.new()
    c.execute(
        insert(door).values(
            id=door_id,
            workspace_id=workspace_id,
            connection_id=connection_id,
            connector=connector,
            path_hash=path_hash,
            settings=json.dumps(dict(settings)),
            created_at=now,
        )
    )
    return door_id


def _door(row: Any) -> DoorRow:
    return DoorRow(row.id, row.workspace_id, row.connection_id, row.connector, json.loads(row.settings))


def door_by_path(c: Connection, path_hash: str) -> DoorRow | None:
    """The door whose path has this hash."""
    row = c.execute(select(door).where(door.c.path_hash == path_hash)).one_or_none()
    return _door(row) if row else None


def doors(c: Connection, *, connection_id: str | None = None) -> list[DoorRow]:
    """Every door, or those of one connection."""
    query = select(door).order_by(door.c.id)
    if connection_id is not None:
        query = query.where(door.c.connection_id == connection_id)
    return [_door(row) for row in c.execute(query)]


def update_door(c: Connection, door_id: str, settings: Mapping[str, Any]) -> None:
    """Change a door's settings."""
    c.execute(update(door).where(door.c.id == door_id).values(settings=json.dumps(dict(settings))))


# ------------------------------------------------------------------------------------------- secrets


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


def next_secret_n(c: Connection, owner_kind: str, owner_id: str, field: str) -> int:
    """The number the next secret of this field gets: it is part of what the seal is bound to."""
    last = c.execute(
        select(func.max(secret.c.n)).where(
            secret.c.owner_kind == owner_kind, secret.c.owner_id == owner_id, secret.c.field == field
        )
    ).scalar_one()
    return (last or 0) + 1


def add_secret(c: Connection, row: SecretRow, *, now: Micros) -> None:
    """A sealed secret beside the older ones of its field."""
    c.execute(insert(secret).values(created_at=now, **asdict(row)))


def retire_secrets(c: Connection, owner_kind: str, owner_id: str, field: str, *, below: int, at: Micros) -> int:
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


def secrets(c: Connection, owner_kind: str, owner_id: str, *, now: Micros) -> list[SecretRow]:
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


def all_secrets(c: Connection) -> list[SecretRow]:
    """Every sealed secret, for the rotation of the master key."""
    return [_secret(row) for row in c.execute(select(secret).order_by(secret.c.id))]


def reseal(c: Connection, secret_id: str, *, key_id: str, nonce: bytes, ciphertext: bytes) -> None:
    """The same secret under a newer master key."""
    c.execute(update(secret).where(secret.c.id == secret_id).values(key_id=key_id, nonce=nonce, ciphertext=ciphertext))


# ------------------------------------------------------------------------------------------- OAuth states


def add_oauth_state(
    c: Connection, *, state_hash: str, workspace_id: str, connector: str, facts: Mapping[str, Any], now: Micros
) -> None:
    """Remember a consent that was asked for."""
    c.execute(
        insert(oauth_state).values(
            state_hash=state_hash,
            workspace_id=workspace_id,
            connector=connector,
            facts=json.dumps(dict(facts)),
            created_at=now,
        )
    )


def use_oauth_state(
    c: Connection, state_hash: str, *, now: Micros, not_before: Micros
) -> tuple[str, str, dict[str, Any]] | None:
    """Use a state once, while it is fresh: (workspace, connector, facts); None when it is unknown, old or used."""
    row = c.execute(
        update(oauth_state)
        .where(
            oauth_state.c.state_hash == state_hash,
            oauth_state.c.used_at.is_(None),
            oauth_state.c.created_at >= not_before,
        )
        .values(used_at=now)
        .returning(oauth_state.c.workspace_id, oauth_state.c.connector, oauth_state.c.facts)
    ).one_or_none()
    return (row.workspace_id or "", row.connector, json.loads(row.facts)) if row else None


def set_base_currency(c: Connection, company_id: str, currency: str) -> None:
    """What the ledger says the company's base currency is."""
    c.execute(update(company).where(company.c.id == company_id).values(base_currency=currency))
