"""After an older backup was restored: what may stand in the targets already is looked for before it is sent.

Such a database knows nothing of what was sent after the backup was taken. So whatever it makes of records of that time
counts as sent and not answered: it is looked for by its token, taken over where it stands, and sent only where it does
not. What share a voucher must be the same records again, so pools are sealed as the vouchers there were.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ml_connector.clock import moment
from ml_connector.connectors.shapes import Context, Observed
from ml_connector.engine import contents
from ml_connector.engine.books import Books
from ml_connector.engine.works import Works, open_line
from ml_connector.finance.journal import JournalEntry
from ml_connector.rules import pooling
from ml_connector.rules.texts import token_of
from ml_connector.store import audit, backups, configs, setups, submissions, trips
from ml_connector.store.audit import Entry
from ml_connector.store.database import Connection, Database
from ml_connector.store.setups import CompanyRow
from ml_connector.store.submissions import Submission
from ml_connector.store.writes import Write

OWNER = "company"  # whose config rows say this
REACH = 3  # tries whose tokens are looked for: what was refused and sent again stands under a later one
VOUCHERS = 12  # of one pool, looked for at once
PATIENCE_US = 3_600_000_000  # so long a voucher's records may take to be read again, then a person is asked
LOOK_AGAIN_US = 60_000_000
_UNFINISHED = (
    "creating",
    "unknown",
    "differs",
)  # of a pool: which voucher the next one is shows when these are settled
_SAID = "A backup was restored: nobody knows whether this was sent."

Group = tuple[str, list[Write]]


@dataclass(frozen=True, slots=True)
class Restored:
    """`since`: what was sent later is not known here. `until`: what happened later cannot have been sent.

    `until` None: a backup that has not come to life yet.
    """

    since: int
    until: int | None


def declare(works: Works, *, since: int | None, by: str) -> dict[str, Restored]:
    """Say of every company that its database is an older backup; by company name.

    `since` None: the last event that its workspace noted. What was ready to be sent is looked for first, too.
    """
    found = {}
    with works.database.writing() as c:
        for company in setups.companies(c):
            last = audit.latest_events(c, company.workspace_id, limit=1)
            began = since if since is not None else last[0].at if last else works.now()
            found[company.name] = _keep(works, c, company, since=began, by=by)
            ready = submissions.of_company(c, company.id, states=("ready",), limit=100_000)
            _doubt(works, c, company.workspace_id, found[company.name], [one.id for one in ready])
    return found


def back_up(works: Works, folder: Path, *, told: backups.Told) -> list[Path]:
    """Copy a SQLite install while it works; the copies.

    They know by themselves that they are a backup, should they be started: no command can be forgotten then.
    """
    since = works.now()
    copies = backups.copy(works.database, folder, told=told)
    main, inbox = (f"sqlite:///{path}" for path in copies)
    copy = Database(main, inbox_url=inbox)
    try:
        with copy.writing() as c:
            for company in setups.companies(c):
                _write(works, c, company, Restored(since, None), by="backup")
    finally:
        copy.close()
    return copies


def _keep(works: Works, c: Connection, company: CompanyRow, *, since: int, by: str) -> Restored:
    known = Restored(since, works.now())
    body = {"since": since, "until": known.until}
    _write(works, c, company, known, by=by)
    entry = Entry(works.now(), by, "restored", company.id, body)
    audit.append_many(c, chain=audit.company_chain(company.id), workspace_id=company.workspace_id, entries=[entry])
    return known


def _write(works: Works, c: Connection, company: CompanyRow, known: Restored, *, by: str) -> None:
    body = json.dumps({"since": known.since, "until": known.until})
    configs.add(
        c, workspace_id=company.workspace_id, owner_kind=OWNER, owner_id=company.id, body=body, author=by,
        ids=works.ids, now=works.now(),
    )  # fmt: skip


def _of_company(c: Connection, company: CompanyRow) -> Restored | None:
    """When a company's database was restored last; None where it never was."""
    row = configs.newest(c, OWNER, company.id)
    return None if row is None else Restored(**json.loads(row.body))


def doubt(works: Works, c: Connection, books: Books, sealed: Sequence[tuple[str, Sequence[Write]]]) -> None:
    """Of what was just sealed, (submission, its writes) each, have looked for what may have been sent before.

    The caller's transaction.
    """
    known = _of_company(c, books.company)
    if known is None or not sealed:
        return
    if known.until is None:
        known = _keep(works, c, books.company, since=known.since, by="system")
    old = _old(c, known, (write for _, members in sealed for write in members))
    doubtful = [submission_id for submission_id, members in sealed if any(write.id in old for write in members)]
    _doubt(works, c, books.company.workspace_id, known, doubtful)


def _doubt(works: Works, c: Connection, workspace_id: str, known: Restored, ids: Sequence[str]) -> None:
    """Ready submissions become unknown ones, by an attempt that began when the backup was taken."""
    now = works.now()
    rows = [{"id": one, "due_at": now, "updated_at": now} for one in ids]
    submissions.move(c, rows, source="ready", target="creating")
    made = submissions.intend(c, ids, call="create", workspace_id=workspace_id, ids=works.ids, now=known.since)
    submissions.learn(c, [(attempt, "unknown", _SAID) for attempt in made.values()], now=now)
    submissions.move(c, rows, source="creating", target="unknown")


def _old(c: Connection, known: Restored, members: Iterable[Write]) -> set[str]:
    """Which of these writes are of records that may have been posted before."""
    found = list(members)
    if known.until is None:
        return {write.id for write in found}
    new = trips.happened_after(c, [write.trip_id for write in found], known.until)
    return {write.id for write in found if write.trip_id not in new}


# ------------------------------------------------------------------------------------------- looking for them


def is_doubt(one: Submission, *, began: int) -> bool:
    """Whether a submission's open attempt is one that nobody here made."""
    return began < one.created_at


def tries(one: Submission) -> list[Submission]:
    """The same submission as later tries of it were named."""
    base = one.key.rpartition("#")[0]
    keys = [(n, f"{base}#{n}") for n in range(one.ordinal + 1, one.ordinal + REACH)]
    return [replace(one, key=key, ordinal=n, token=token_of(one.company_id, key)) for n, key in keys]


@dataclass(frozen=True, slots=True)
class Closing:
    """Pools that may be sealed now: (pool, its writes) each, and by pool the number that its voucher has.

    `later`: the trips that must wait, because the rest of their voucher is not here yet.
    """

    groups: list[Group]
    numbers: Mapping[str, int] = field(default_factory=dict)
    later: Sequence[str] = ()


def as_sent(works: Works, books: Books, closing: Sequence[Group]) -> Closing:
    """Pools that close, each as the first of its vouchers that stands in the ledger and is not known here.

    A pool without such vouchers closes as it would have.
    """
    with works.database.reading() as c:
        known = _of_company(c, books.company)
        if known is None:
            return Closing(list(closing))
        open_pools = _unsure(c, known, closing)
        used = submissions.used_ordinals(c, books.company.id, list(open_pools))
        unfinished = submissions.of_company(c, books.company.id, states=_UNFINISHED, limit=100_000)
    busy = {one.key.rpartition("#")[0] for one in unfinished}
    asked = {pool: (used.get(pool, 0), members[0]) for pool, members in open_pools.items() if pool not in busy}
    there = _vouchers(works, books, known, asked) if asked else {}
    groups = [(pool, part) for pool, part in closing if pool not in busy & open_pools.keys() | there.keys()]
    numbers, later = {}, [write.trip_id for pool in busy & open_pools.keys() for write in open_pools[pool]]
    for pool, (n, seen) in there.items():
        within, is_whole = _within(pool, open_pools[pool], seen)
        if within and (is_whole or (known.until is not None and works.now() > known.until + PATIENCE_US)):
            groups.append((pool, within))
            numbers[pool] = n
        else:
            later += [write.trip_id for write in open_pools[pool]]
    return Closing(groups, numbers, later)


def _unsure(c: Connection, known: Restored, closing: Sequence[Group]) -> dict[str, list[Write]]:
    """The pools of entries among these that hold records of before, whole."""
    found: dict[str, list[Write]] = {}
    for pool, part in closing:
        if not pooling.named(pool).is_parcel:
            found.setdefault(pool, []).extend(part)
    old = _old(c, known, (write for members in found.values() for write in members))
    return {pool: members for pool, members in found.items() if any(write.id in old for write in members)}


def _vouchers(
    works: Works, books: Books, known: Restored, pools: Mapping[str, tuple[int, Write]]
) -> dict[str, tuple[int, Observed]]:
    """The first voucher of each pool that stands in the ledger under a number that is not used here.

    `pools`: the last number that is used, and one of its writes.
    """
    began, asked = moment(known.since), []
    for pool, (used, write) in pools.items():
        for n in range(used + 1, used + 1 + VOUCHERS):
            key = f"{pool}#{n}"
            context = Context(token_of(books.company.id, key), key, started_at=began)
            asked.append((pool, n, contents.of_write(write), context))
    writer = open_line(works, books.company.connection_id).writer
    seen = writer.find("journal", [(content, context) for _, _, content, context in asked])
    found: dict[str, tuple[int, Observed]] = {}
    for pool, n, _, context in asked:
        standing = [one for one in seen.get(context.token, ()) if one.state != "gone"]
        if standing and pool not in found:
            found[pool] = (n, standing[0])
    return found


def _within(pool: str, members: Sequence[Write], seen: Observed) -> tuple[list[Write], bool]:
    """The writes that a voucher holds, by the marks of its lines, and whether they are all that it holds.

    The lines of a voucher of sums tell no records: it is taken to hold all of its pool.
    """
    entries = [(write, entry) for write in members if isinstance(entry := contents.of_write(write), JournalEntry)]
    if pooling.named(pool).mode == "batch":
        marks = set(seen.tokens)
        entries = [pair for pair in entries if {posting.reference for posting in pair[1].postings} <= marks]
    return [write for write, _ in entries], sum(entry.turnover.minor for _, entry in entries) == seen.total
