"""Setting up: companies, connections, routes, doors, rules and terms. Every change is versioned and leaves an audit
event.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from itertools import count
from typing import Any

from ml_connector.connectors.shapes import Ping
from ml_connector.engine import door as doors
from ml_connector.engine import schedules
from ml_connector.engine.books import fresh_chart, route_terms, rulebook_of, rulebook_text, terms_text
from ml_connector.engine.works import Works, open_line, open_secret
from ml_connector.errors import ConfigurationError, Rejected, UsageError
from ml_connector.finance.encoding import decode, encode, encode_finding, hash_of
from ml_connector.finance.plan import Finding
from ml_connector.finance.purchase_terms import PurchaseTerms
from ml_connector.finance.rulebook import Rulebook, Terms
from ml_connector.flows.flow import Flow
from ml_connector.rules import checking, rulefile
from ml_connector.store import audit, cursors, reviews, setups, trip_moves
from ml_connector.store.audit import Entry
from ml_connector.store.database import Connection
from ml_connector.store.setups import CompanyRow, ConnectionRow, RouteRow
from ml_connector.vault.credentials import Sealed, reseal, seal

TERMS = "route"
RULEBOOK = "rulebook"


def note(
    works: Works,
    c: Connection,
    *,
    verb: str,
    subject: str,
    by: str,
    facts: Mapping[str, Any],
    workspace_id: str | None,
    chain: str = audit.INSTALL,
) -> None:
    """One audit event about a change of the set-up. The caller's transaction."""
    audit.append_many(c, chain=chain, workspace_id=workspace_id, entries=[Entry(works.now(), by, verb, subject, facts)])


def init(works: Works, *, workspace: str = setups.DEFAULT_WORKSPACE) -> str:
    """Have the workspace; its id."""
    with works.database.writing() as c:
        return setups.ensure_workspace(c, name=workspace, now=works.now())


# ------------------------------------------------------------------------------------------- connections


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
    """Store a connection with its credentials sealed; nothing is called. Raises UsageError for missing or unknown
    fields.
    """
    system = works.system(connector)
    _check_fields(system.connector.credential_fields, credentials, connector)
    schedules.check(settings, system.connector)
    if ":" in code or not code.isascii() or not 1 <= len(code) <= 12:
        raise UsageError("A code is 1 to 12 plain characters without a colon; it begins every key.", record=code)
    with works.database.writing() as c:
        if setups.connection_by_code(c, workspace_id, code):
            raise UsageError("There is a connection of this code already.", record=code, fix="Choose another --code.")
        connection_id = setups.add_connection(
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
        _have_cursors(works, c, workspace_id, connection_id, connector)
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


def _have_cursors(works: Works, c: Connection, workspace_id: str, connection_id: str, connector: str) -> None:
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


def store_credentials(
    works: Works, c: Connection, workspace_id: str, connection_id: str, credentials: Mapping[str, str]
) -> None:
    """Seal credentials as the newest of their fields; the older ones end at once."""
    for field, text in credentials.items():
        if text:
            _seal(works, c, workspace_id, ("connection", connection_id), field, text)
    works.lines.forget(connection_id)


def _seal(
    works: Works,
    c: Connection,
    workspace_id: str | None,
    owner: tuple[str, str],
    field: str,
    text: str,
    *,
    older_until: int | None = None,
) -> None:
    works.conceal(text)
    n = setups.next_secret_n(c, owner[0], owner[1], field)
    sealed = seal(works.ring, text, workspace=workspace_id or "", owner=f"{owner[0]}:{owner[1]}", field=field, n=n)
    row = setups.SecretRow(
        works.ids.new(), workspace_id, *owner, field, n, sealed.key_id, sealed.nonce, sealed.ciphertext, None
    )
    setups.add_secret(c, row, now=works.now())
    setups.retire_secrets(c, owner[0], owner[1], field, below=n, at=works.now() if older_until is None else older_until)


def ping(works: Works, connection_id: str) -> Ping:
    """Prove a connection without writing anything; remember whose account it is, and end a pause when all is well."""
    line = open_line(works, connection_id)
    answer = line.ping()
    account_ref = answer.facts.get("account_ref")
    with works.database.writing() as c:
        row = setups.get_connection(c, connection_id)
        if row is not None and account_ref and row.account_ref != account_ref:
            setups.update_connection(c, connection_id, account_ref=account_ref)
        if row is not None and answer.ok and row.state == "paused":
            setups.update_connection(c, connection_id, state="active", reason=None, paused_until=None)
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
    return answer


def find_connection(works: Works, workspace_id: str, code: str) -> ConnectionRow:
    """The connection of this code. Raises UsageError when there is none."""
    with works.database.reading() as c:
        row = setups.connection_by_code(c, workspace_id, code)
        known = [one.code for one in setups.connections(c, workspace_id)]
    if row is None:
        raise UsageError(
            "There is no connection of this code.", record=code, fix=f"Known: {', '.join(known) or 'none yet'}."
        )
    return row


# ------------------------------------------------------------------------------------------- companies and routes


def add_company(
    works: Works, workspace_id: str, *, connection_id: str, name: str, time_zone: str, go_live: date | None, by: str
) -> str:
    """A set of books over a Visma connection; its chart is read at once, so that the base currency is Visma's own
    word.
    """
    with works.database.writing() as c:
        company_id = setups.add_company(
            c,
            workspace_id=workspace_id,
            connection_id=connection_id,
            name=name,
            base_currency="",
            time_zone=time_zone,
            go_live=go_live,
            ids=works.ids,
            now=works.now(),
        )
        facts = {"name": name, "time_zone": time_zone, "go_live": go_live.isoformat() if go_live else None}
        note(works, c, verb="company added", subject=company_id, by=by, workspace_id=workspace_id, facts=facts)
    _, chart, _ = fresh_chart(works, company_id)
    with works.database.writing() as c:
        setups.set_base_currency(c, company_id, chart.base_currency or "")
    return company_id


def find_company(works: Works, workspace_id: str, name: str | None = None) -> CompanyRow:
    """The company of this name or id; without a name, the only one. Raises UsageError when that is not clear."""
    with works.database.reading() as c:
        rows = setups.companies(c, workspace_id)
    wanted = [row for row in rows if name is None or name in (row.id, row.name)]
    if len(wanted) != 1:
        known = ", ".join(row.name for row in rows) or "none yet"
        raise UsageError("Which company is meant is not clear.", record=name, fix=f"Name one of: {known}.")
    return wanted[0]


def add_route(
    works: Works,
    *,
    company_id: str,
    flow: str,
    source_id: str,
    terms: Terms,
    posting: str,
    by: str,
    target_id: str | None = None,
) -> str:
    """Set up a flow between a system and the company's ledger; records read before get their trips, streams begin.

    One end is the ledger: the target unless `target_id` names another, and then the source.
    """
    pair = works.flows[flow]
    with works.database.writing() as c:
        company = setups.get_company(c, company_id)
        source = setups.get_connection(c, source_id)
        target = setups.get_connection(c, target_id or (company.connection_id if company else ""))
        if company is None or source is None or target is None:
            raise UsageError("There is no such company or connection.", record=company_id)
        if pair.source != source.connector:
            raise UsageError(f"{flow} reads from {pair.source}, not from {source.connector}.", record=source.code)
        if pair.target != target.connector:
            raise UsageError(f"{flow} writes to {pair.target}, not to {target.connector}.", record=target.code)
        if company.connection_id not in (source.id, target.id):
            raise UsageError(f"Neither end of {flow} is the ledger of {company.name}.", record=source.code)
        route_id = setups.add_route(
            c,
            workspace_id=company.workspace_id,
            company_id=company_id,
            flow=flow,
            source_id=source_id,
            target_id=target.id,
            posting=posting,
            ids=works.ids,
            now=works.now(),
        )
        _save(works, c, company.workspace_id, TERMS, route_id, terms_text(terms), by=by)
        streams = None if source.id != company.connection_id else _streams(works, source.connector, pair)
        _have_cursors(works, c, company.workspace_id, source_id, source.connector)
        cursors.start_all(c, source_id, now=works.now(), only=streams)
        for kind in pair.kinds:
            trip_moves.start_for_kind(
                c, route_id, source_id, kind, workspace_id=company.workspace_id, ids=works.ids, now=works.now()
            )
        note(
            works,
            c,
            verb="route added",
            subject=route_id,
            by=by,
            workspace_id=company.workspace_id,
            chain=audit.company_chain(company_id),
            facts={"flow": flow, "source": source.code, "target": target.code, "posting": posting},
        )
    return route_id


def _streams(works: Works, connector: str, pair: Flow) -> frozenset[str]:
    """The streams that bring what this flow books: a ledger has many that nobody asked for."""
    streams = works.system(connector).connector.streams
    return frozenset(one.name for one in streams if set(one.kinds) & set(pair.kinds))


def routes_of(works: Works, company_id: str) -> list[RouteRow]:
    """The routes into a company's ledger."""
    with works.database.reading() as c:
        return setups.routes(c, company_id=company_id)


def switch_posting(works: Works, route_id: str, posting: str, *, by: str) -> None:
    """off, approve or on."""
    if posting not in ("off", "approve", "on"):
        raise UsageError("Posting is off, approve or on.", record=posting)
    with works.database.writing() as c:
        route = setups.get_route(c, route_id)
        if route is None:
            raise UsageError("There is no such route.", record=route_id)
        setups.switch_posting(c, route_id, posting)
        trip_moves.due_again(c, route_id, now=works.now(), states=("planned",))
        note(
            works,
            c,
            verb="posting switched",
            subject=route_id,
            by=by,
            workspace_id=route.workspace_id,
            chain=audit.company_chain(route.company_id),
            facts={"from": route.posting, "to": posting},
        )


def terms_now(works: Works, route_id: str) -> Terms:
    """The terms of a route as they stand."""
    with works.database.reading() as c:
        route = setups.get_route(c, route_id)
        if route is None:
            raise UsageError("There is no such route.", record=route_id)
        return route_terms(c, route)


def save_terms(works: Works, route_id: str, terms: Terms, *, by: str) -> int:
    """A new version of a route's terms; what is not posted yet is planned again."""
    with works.database.writing() as c:
        route = setups.get_route(c, route_id)
        if route is None:
            raise UsageError("There is no such route.", record=route_id)
        n = _save(works, c, route.workspace_id, TERMS, route_id, terms_text(terms), by=by)
        _plan_again(works, c, route_id)
        note(
            works,
            c,
            verb="terms saved",
            subject=route_id,
            by=by,
            workspace_id=route.workspace_id,
            chain=audit.company_chain(route.company_id),
            facts={"version": n, "hash": hash_of(terms_text(terms))},
        )
    return n


def _save(
    works: Works,
    c: Connection,
    workspace_id: str,
    kind: str,
    owner_id: str,
    body: str,
    *,
    by: str,
    valid_from: date | None = None,
) -> int:
    return setups.add_config(
        c,
        workspace_id=workspace_id,
        owner_kind=kind,
        owner_id=owner_id,
        body=body,
        author=by,
        ids=works.ids,
        now=works.now(),
        valid_from=valid_from,
    )


def _plan_again(works: Works, c: Connection, route_id: str) -> None:
    trip_moves.due_again(c, route_id, now=works.now(), states=("held", "planned", "waiting"))


# ------------------------------------------------------------------------------------------- rules


@dataclass(frozen=True, slots=True)
class SavedRules:
    """The version that was saved and what was found when it was checked against the chart."""

    version: int
    findings: tuple[Finding, ...]


def rules_now(works: Works, route_id: str) -> Rulebook:
    """The newest rulebook of a route; an empty one before the first."""
    with works.database.reading() as c:
        row = setups.newest_config(c, RULEBOOK, route_id)
    return rulebook_of(row) if row else Rulebook(0, date.min)


def check_rules(works: Works, route_id: str, book: Rulebook) -> tuple[Finding, ...]:
    """What a rulebook names, checked live against the ledger."""
    with works.database.reading() as c:
        route = setups.get_route(c, route_id)
    if route is None:
        raise UsageError("There is no such route.", record=route_id)
    _, chart, _ = fresh_chart(works, route.company_id)
    return checking.check_rulebook(book, chart, works.flows[route.flow].roles, day=works.clock.now().date())


def save_rules(works: Works, route_id: str, book: Rulebook, *, by: str, force: bool = False) -> SavedRules:
    """A new version of the rules, checked against the ledger first; what is held is planned again, without reading
    again.

    Raises Rejected with the blocking findings unless `force`: a rule that names a missing account only holds records.
    """
    findings = check_rules(works, route_id, book)
    blocking = [finding for finding in findings if finding.blocks]
    if blocking and not force:
        raise Rejected(
            " ".join(finding.sentence for finding in blocking[:5]),
            record=route_id,
            fix="Correct the rules, or save with --force.",
        )
    with works.database.writing() as c:
        route = setups.get_route(c, route_id)
        if route is None:
            raise UsageError("There is no such route.", record=route_id)
        valid_from = None if book.valid_from == date.min else book.valid_from
        n = _save(works, c, route.workspace_id, RULEBOOK, route_id, rulebook_text(book), by=by, valid_from=valid_from)
        _plan_again(works, c, route_id)
        note(
            works,
            c,
            verb="rules saved",
            subject=route_id,
            by=by,
            workspace_id=route.workspace_id,
            chain=audit.company_chain(route.company_id),
            facts={
                "version": n,
                "rules": len(book.rules),
                "hash": hash_of(rulebook_text(book)),
                "findings": [encode_finding(f)["code"] for f in findings],
            },
        )
    return SavedRules(n, findings)


def add_rule(works: Works, route_id: str, rule_toml: str, *, by: str, values: Mapping[str, str] | None = None) -> int:
    """Put one more rule (TOML, with these values in it) behind the others; the version saved.

    Behind: it was asked for because no rule decides its case, so there it speaks, and everywhere else the older rules
    go on deciding. An id that is taken gets a number.
    """
    book = rules_now(works, route_id)
    taken = {rule.id for rule in book.rules}
    added = []
    for rule in rulefile.rules_from_toml(rule_toml):
        free = next(name for n in count(1) if (name := rule.id if n == 1 else f"{rule.id}-{n}") not in taken)
        taken.add(free)
        said: dict[str, Any] = dict(values or {})
        added.append(replace(rule, id=free, **said))
    return save_rules(works, route_id, replace(book, rules=(*book.rules, *added)), by=by).version


# ------------------------------------------------------------------------------------------- webhook doors


def open_door(
    works: Works, *, connection_id: str, public_url: str, signature_key: str | None, by: str
) -> tuple[str, str]:
    """A webhook address for one connection: (door id, the exact URL to register). The key may follow later."""
    secret_part = doors.new_path_secret()
    with works.database.writing() as c:
        connection = setups.get_connection(c, connection_id)
        if connection is None:
            raise UsageError("There is no such connection.", record=connection_id)
        url = doors.door_url(public_url, connection.connector, secret_part)
        door_id = setups.add_door(
            c,
            workspace_id=connection.workspace_id,
            connection_id=connection_id,
            connector=connection.connector,
            path_hash=doors.path_hash(secret_part),
            settings={"url": url},
            ids=works.ids,
            now=works.now(),
        )
        if signature_key:
            _seal(works, c, connection.workspace_id, ("door", door_id), doors.KEY_FIELD, signature_key)
        note(
            works,
            c,
            verb="door opened",
            subject=door_id,
            by=by,
            workspace_id=connection.workspace_id,
            facts={"connection": connection.code},
        )
    return door_id, url


def learn_door_key(works: Works, door_id: str, key: str, *, changes: Sequence[str]) -> None:
    """The key the vendor says it signs with: kept when it is new, beside the older one for a day."""
    with works.database.reading() as c:
        sealed = [one for one in setups.secrets(c, "door", door_id, now=works.now()) if one.field == doors.KEY_FIELD]
    known = {open_secret(works, one).reveal() for one in sealed}
    if key not in known:
        set_door_key(works, door_id, key, by="system")
    if changes:
        with works.database.writing() as c:
            note(
                works,
                c,
                verb="subscription watched",
                subject=door_id,
                by="system",
                workspace_id=None,
                facts={"changes": list(changes)},
            )


def set_door_key(works: Works, door_id: str, key: str, *, by: str, grace_s: int = 86_400) -> None:
    """A new signature key; the old one is accepted for the grace period, as vendors retry what they signed before."""
    with works.database.writing() as c:
        row = next((one for one in setups.doors(c) if one.id == door_id), None)
        if row is None:
            raise UsageError("There is no such door.", record=door_id)
        _seal(
            works,
            c,
            row.workspace_id,
            ("door", door_id),
            doors.KEY_FIELD,
            key,
            older_until=works.now() + grace_s * 1_000_000,
        )
        note(
            works,
            c,
            verb="door key set",
            subject=door_id,
            by=by,
            workspace_id=row.workspace_id,
            facts={"grace_s": grace_s},
        )


# ------------------------------------------------------------------------------------------- the master key


def rotate_master_key(works: Works, *, by: str) -> int:
    """Seal every secret anew under the newest master key; how many changed. Safe to repeat."""
    changed = 0
    with works.database.writing() as c:
        for row in setups.all_secrets(c):
            old = Sealed(row.key_id, row.nonce, row.ciphertext)
            new = reseal(
                works.ring,
                old,
                workspace=row.workspace_id or "",
                owner=f"{row.owner_kind}:{row.owner_id}",
                field=row.field,
                n=row.n,
            )
            if new != old:
                setups.reseal(c, row.id, key_id=new.key_id, nonce=new.nonce, ciphertext=new.ciphertext)
                changed += 1
        note(works, c, verb="keys rotated", subject="vault", by=by, workspace_id=None, facts={"secrets": changed})
    return changed


def parse_terms(document: Mapping[str, Any], *, base: Terms) -> Terms:
    """Terms from a TOML table over what stands; unknown names are refused by name."""
    known = {one.name for one in fields(Terms)} - {"code", "go_live"}
    unknown = sorted(set(document) - known)
    if unknown:
        raise ConfigurationError(f"Unknown terms: {', '.join(unknown)}.", fix=f"Known: {', '.join(sorted(known))}.")
    merged = {**encode(base), **{name: _plain(value) for name, value in document.items()}}
    if "purchase" in document:
        merged["purchase"] = _purchase(document["purchase"], base)
    try:
        terms: Terms = decode(Terms, json.loads(json.dumps(merged)))
    except (TypeError, ValueError, KeyError) as error:
        raise ConfigurationError(f"The terms cannot be read: {error}.") from None
    return terms


def _purchase(given: Any, base: Terms) -> dict[str, Any]:
    """The purchase part over what stands of it. Its code is the connection's."""
    known = {one.name for one in fields(PurchaseTerms)} - {"code"}
    unknown = sorted(set(given) - known) if isinstance(given, Mapping) else ["no table"]
    if unknown:
        raise ConfigurationError(
            f"Unknown terms: purchase: {', '.join(unknown)}.", fix=f"Known: {', '.join(sorted(known))}."
        )
    return {**encode(base.purchase), **_plain(given)}


def _plain(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return value
