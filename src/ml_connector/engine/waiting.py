"""What is planned and waits for more of its kind before it is sent: what, until when, and sending it now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ml_connector.engine import pools, timetables
from ml_connector.engine.works import Works
from ml_connector.finance.rulebook import Mode
from ml_connector.rules import pooling
from ml_connector.store import audit, route_runs, setups, unsent
from ml_connector.store.audit import Entry


@dataclass(frozen=True, slots=True)
class Waiting:
    """`number` writes of one `kind` that are to share a voucher, or a call to the system `code` (`is_call`).

    `until` (microseconds): they go then, or before that once they fill it; None: they need others that are not done.
    `day`: the one whose voucher it is.
    """

    pool: str
    code: str
    kind: str
    mode: Mode
    is_call: bool
    day: date | None
    number: int
    until: int | None


def of_company(works: Works, company_id: str) -> list[Waiting]:
    """What is planned and could be sent, and waits: the soonest first, then what needs others first."""
    runs = {one.route_id: one.next_at for one in timetables.of_company(works, company_id)}
    with works.database.reading() as c:
        closing = pools.terms_by_code(c, {company_id})
        ages = unsent.pool_ages(c, company_id, sendable=unsent.pool_ages(c, company_id).keys())
        ready = unsent.pool_ages(c, company_id, sendable=ages.keys(), grounded=True)
    found = []
    for pool, (number, _) in ages.items():
        known = closing.get((company_id, *pools.whose(pool)))
        free, oldest = ready.get(pool, (0, 0))
        if known is not None and free:
            until = max(known.closes_at(pool, oldest=oldest), runs[known.route.id] or 0)
            found.append(_waiting(pool, free, until))
        if number > free:
            found.append(_waiting(pool, number - free, None))
    return sorted(found, key=lambda one: (one.until is None, one.until, one.pool))


def _waiting(pool: str, number: int, until: int | None) -> Waiting:
    name = pooling.named(pool)
    day = name.day if name.mode == "daily" else None
    return Waiting(pool, name.code, name.kind, name.mode, name.is_parcel, day, number, until)


def send_now(works: Works, company_id: str, *, by: str) -> None:
    """A person wants to have sent what is planned now, without waiting for more of its kind."""
    with works.database.writing() as c:
        asked = [one for one in setups.routes(c, company_id=company_id) if one.posting != "off"]
        for one in asked:
            route_runs.ask(c, one.id, now=works.now())
        if asked:
            facts = {"routes": [one.id for one in asked], "wait": False}
            entry = Entry(works.now(), by, "posting asked for", company_id, facts)
            audit.append_many(
                c, chain=audit.company_chain(company_id), workspace_id=asked[0].workspace_id, entries=[entry]
            )
