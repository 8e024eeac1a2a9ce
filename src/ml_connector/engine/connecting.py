"""Connections: stored with their credentials sealed, proven, found by code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ml_connector.clock import moment
from ml_connector.connectors.shapes import Check, CredentialField, Ping
from ml_connector.engine import doorkeeping, schedules
from ml_connector.engine.books import route_terms
from ml_connector.engine.noting import note
from ml_connector.engine.safekeeping import store_credentials
from ml_connector.engine.works import Works, credentials_of, make_line, open_line
from ml_connector.errors import NotAuthorized, UsageError
from ml_connector.store import connection_rows, cursors, reviews, setups
from ml_connector.store.connection_rows import ConnectionRow
from ml_connector.store.database import Connection
from ml_connector.vault.tokens import TokenCache


def connect(
    works: Works,
    workspace_id: str,
    *,
    connector: str,
    code: str,
    title: str,
    credentials: Mapping[str, str],
    settings: Mapping[str, str],
    base_url: str | None,
    by: str,
) -> str:
    """Store a connection with its credentials sealed; nothing is called.

    Raises UsageError for missing or unknown fields, ConfigurationError for what the system knows can never work.
    """
    system = works.system(connector)
    _check_fields(system.connector.credential_fields, credentials, connector)
    if system.accepts is not None:
        system.accepts(credentials, base_url or "")
    schedules.check(settings, system.connector)
    if ":" in code or not code.isascii() or not 1 <= len(code) <= 12:
        raise UsageError("A code is 1 to 12 plain characters without a colon; it begins every key.", record=code)
    with works.database.writing() as c:
        if connection_rows.by_code(c, workspace_id, code):
            fix = f"Choose another --code, or replace its credentials: ml-connector connect renew {code}."
            raise UsageError("There is a connection of this code already.", record=code, fix=fix)
        connection_id = connection_rows.add(
            c,
            workspace_id=workspace_id,
            connector=connector,
            code=code,
            title=title,
            base_url=base_url,
            settings=settings,
            ids=works.ids,
            now=works.now(),
        )
        store_credentials(works, c, workspace_id, connection_id, credentials)
        have_cursors(works, c, workspace_id, connection_id, connector)
        note(
            works,
            c,
            verb="connected",
            subject=connection_id,
            by=by,
            workspace_id=workspace_id,
            facts={"connector": connector, "code": code, "fields": sorted(credentials), "base_url": base_url or ""},
        )
    return connection_id


def fields_in_use(works: Works, connection_id: str) -> list[CredentialField]:
    """The fields that a connection is called with, without what is in them."""
    with works.database.reading() as c:
        row = connection_rows.get(c, connection_id)
        standing = credentials_of(works, c, connection_id)
    offered = works.system(row.connector).connector.credential_fields if row else ()
    return [one for one in offered if standing.get(one.name)]


def renew(
    works: Works,
    workspace_id: str,
    *,
    code: str,
    credentials: Mapping[str, str],
    settings: Mapping[str, str],
    base_url: str | None,
    by: str,
) -> Ping:
    """Other credentials for a connection, with settings and an address where those are given.

    They are tried first: what stands stays unless they work and are of the same account. Raises UsageError, and
    whatever the system says.
    """
    row = find_connection(works, workspace_id, code)
    connector = row.connector
    with works.database.reading() as c:
        standing = credentials_of(works, c, row.id)
    if standing.get("refresh_token"):
        fix = f"Ask for it again: ml-connector connect {connector} --oauth --code {code}."
        raise UsageError("This connection was made by consent.", record=code, fix=fix)
    offered, merged = works.system(connector).connector, {**standing, **credentials}
    _check_fields(offered.credential_fields, merged, connector)
    wanted = replace(row, settings={**row.settings, **settings}, base_url=base_url or row.base_url)
    schedules.check(wanted.settings, offered)
    answer = _tried(works, wanted, merged)
    with works.database.writing() as c:
        store_credentials(works, c, workspace_id, row.id, credentials)
        connection_rows.change(
            c,
            row.id,
            settings=wanted.settings,
            base_url=wanted.base_url,
            state="active",
            reason=None,
            paused_until=None,
        )
        reviews.supersede(c, [row.id], now=works.now())
        facts = {"connector": connector, "code": code, "fields": sorted(credentials), "base_url": base_url or ""}
        note(works, c, verb="credentials renewed", subject=row.id, by=by, workspace_id=workspace_id, facts=facts)
    return answer


def _tried(works: Works, row: ConnectionRow, credentials: Mapping[str, str]) -> Ping:
    """What the system answers to these credentials. Raises NotAuthorized, or UsageError: another account's."""
    line = make_line(works, row, credentials, tokens=TokenCache(works.clock))
    try:
        answer = line.ping(writes=_written_by_routes(works, row.id))
    finally:
        line.http.close()
    # A webhook's certificate that cannot be fetched says nothing about credentials.
    wrong = next((one for one in answer.checks if not one.ok and not one.name.startswith("webhook")), None)
    if wrong is not None:
        raise NotAuthorized(f"{wrong.sentence} Nothing was changed.", record=row.code, fix=wrong.fix)
    account = answer.facts.get("account_ref")
    if row.account_ref and account and account != row.account_ref:
        fix = (
            "Nothing was changed. Give credentials of the same account, or connect the other one under another --code."
        )
        raise UsageError(
            f"These are credentials of {account}, and {row.code} is {row.account_ref}.", record=row.code, fix=fix
        )
    return answer


def have_cursors(works: Works, c: Connection, workspace_id: str, connection_id: str, connector: str) -> None:
    """A cursor for each stream, none of them begun; also for those that the connector got after it was connected."""
    for stream in works.system(connector).connector.streams:
        cursors.ensure(
            c,
            connection_id,
            stream.name,
            workspace_id=workspace_id,
            ids=works.ids,
            now=works.now(),
            due_at=cursors.NEVER,
        )


def _check_fields(fields: Sequence[Any], given: Mapping[str, str], connector: str) -> None:
    known = {one.name for one in fields}
    missing = [one.name for one in fields if one.required and not given.get(one.name)]
    unknown = sorted(set(given) - known)
    if missing or unknown:
        what = " ".join(
            [f"Missing: {', '.join(missing)}." if missing else "", f"Unknown: {', '.join(unknown)}." if unknown else ""]
        ).strip()
        raise UsageError(what, record=connector, fix=f"The fields are {', '.join(sorted(known))}.")


def ping(works: Works, connection_id: str) -> Ping:
    """Prove a connection without writing anything; remember whose account it is, and end a pause when all is well.

    What its webhook doors refused last is told beside what the system answers.
    """
    line = open_line(works, connection_id)
    answer = line.ping(writes=_written_by_routes(works, connection_id))
    account_ref = answer.facts.get("account_ref")
    with works.database.writing() as c:
        row = connection_rows.get(c, connection_id)
        if row is not None and account_ref and row.account_ref != account_ref:
            _check_account(c, row, account_ref)
            connection_rows.change(c, connection_id, account_ref=account_ref)
        if row is not None and answer.ok and row.state == "paused":
            connection_rows.change(c, connection_id, state="active", reason=None, paused_until=None)
            reviews.supersede(c, [connection_id], now=works.now())
        if row is not None:
            note(
                works,
                c,
                verb="pinged",
                subject=connection_id,
                by="system",
                workspace_id=row.workspace_id,
                facts={"ok": answer.ok, "checks": [[one.name, one.ok] for one in answer.checks]},
            )
    refused = [_refused(one, now=works.now()) for one in doorkeeping.refusals(works, connection_id)]
    return replace(answer, ok=answer.ok and all(one.ok for one in refused), checks=(*answer.checks, *refused))


def _refused(one: doorkeeping.Refusal, *, now: int) -> Check:
    what = f"The last delivery was {'put off' if one.put_off else 'refused'} ({moment(one.at):%Y-%m-%d %H:%M} UTC)"
    return Check(
        "webhook deliveries",
        ok=not one.is_trouble(now),
        sentence=f"{what}, and none was taken since: {one.said}",
        fix="Until one is, polling reads everything.",
    )


def _check_account(c: Connection, row: ConnectionRow, account_ref: str) -> None:
    """Raises UsageError: the account is connected already, and would be booked twice."""
    for one in connection_rows.by_account(c, row.connector, account_ref):
        if one.workspace_id == row.workspace_id and one.id != row.id:
            fix = f"Use {one.code}; one account is connected once in a workspace."
            raise UsageError(f"{account_ref} is connected already, as {one.code}.", record=row.code, fix=fix)


def _written_by_routes(works: Works, connection_id: str) -> set[str]:
    """What the routes into this connection that post may write there."""
    with works.database.reading() as c:
        row = connection_rows.get(c, connection_id)
        routes = setups.routes(c, workspace_id=row.workspace_id) if row else []
        into = [one for one in routes if one.target_id == connection_id and one.posting != "off"]
        known = [(works.flows[one.flow].writes, route_terms(c, one)) for one in into]
    return {kind for writes, terms in known if writes is not None for kind in writes(terms)}


def find_connection(works: Works, workspace_id: str, code: str) -> ConnectionRow:
    """The connection of this code. Raises UsageError when there is none."""
    with works.database.reading() as c:
        row = connection_rows.by_code(c, workspace_id, code)
        known = [one.code for one in connection_rows.every(c, workspace_id)]
    if row is None:
        raise UsageError(
            "There is no connection of this code.", record=code, fix=f"Known: {', '.join(known) or 'none yet'}."
        )
    return row
