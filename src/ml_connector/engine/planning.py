"""Planning: due trips become plans, questions to people, waiting or nothing. Decides in memory, then stores it all at
once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from ml_connector.clock import moment
from ml_connector.engine import gathering
from ml_connector.engine.arriving import link_name
from ml_connector.engine.books import Books, Road
from ml_connector.engine.gathering import Case, Gathered
from ml_connector.engine.reversing import reversal_row
from ml_connector.engine.reviewing import decisions_of
from ml_connector.engine.works import Works
from ml_connector.finance.encoding import (
    booked_hash,
    decode_content,
    encode_finding,
    encode_write,
    expected,
    hash_of,
    text_of,
)
from ml_connector.finance.kinds import KINDS
from ml_connector.finance.plan import Answer, Content, Finding, Hold, Ignore, Need, Plan, PlannedWrite, Verdict, Wait
from ml_connector.rules import pooling
from ml_connector.rules.validation import validate
from ml_connector.store import audit, leases, records, reviews, setups, trips, writes
from ml_connector.store.audit import Entry
from ml_connector.store.database import Connection
from ml_connector.store.leases import Lease
from ml_connector.store.trips import Trip
from ml_connector.store.writes import Write

CONSENT = "consent"
CORRECTION = "correction"
TAKE_BACK = "take back"
BY_PERSON = "A person decided: "  # how the reason of what a person ignored begins
_ONLY_LATE = frozenset({"period-closed", "period-missing", "vat-reported"})
_LOOK_AGAIN_US = 3_600_000_000  # a waiting trip is looked at hourly, in case a wake-up was lost


@dataclass(frozen=True, slots=True)
class Stands:
    """What is posted stays: the record has not changed, only its period was closed since."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What planning says of one trip."""

    case: Case
    verdict: Verdict | Stands
    rulebook_n: int
    missing: tuple[Need, ...] = ()


def plan_due(works: Works, lease: Lease, books: Books) -> tuple[Lease, int]:
    """Plan up to one round of due trips. Returns the renewed lease and how many were planned.

    Where terms, rules or posting have changed since `books` were opened nothing is: what that made due must not be
    planned by the old ones.
    """
    now = works.now()
    with works.database.reading() as c:
        found = trips.due(c, books.route_ids, now=now, limit=works.limits.trips_at_once)
        if not found or setups.set_up_mark(c, books.company.id) != books.mark:
            return lease, 0
        cases, stored = cases_of(works, c, books, found)
        answered = trips.answers_of(c, [trip.id for trip in found if trip.state == "waiting"])
        gathered = gathering.gather(works, c, cases, known=not_there(answered))
    while gathering.look_up_parties(works, gathered):
        with works.database.reading() as c:
            gathered = gathering.gather(works, c, cases, known=gathered.answers)
    by_trip = {trip.id: trip for trip in found}
    judged = [
        judge(
            case,
            gathered,
            books=books,
            road=books.roads[by_trip[case.id].route_id],
            day_of=stored[by_trip[case.id].record_id].occurred_at,
        )
        for case in cases
    ]
    versions = {trip.id: stored[trip.record_id].n for trip in found}
    with works.database.writing() as c:
        lease = leases.renew(c, lease, now=works.now(), ttl_us=works.limits.lease_s * 1_000_000)
        _Settlement(works, c, books, by_trip, versions).settle(judged)
    return lease, len(found)


def cases_of(
    works: Works, c: Connection, books: Books, found: Sequence[Trip]
) -> tuple[list[Case], dict[str, records.StoredRecord]]:
    """These trips ready to be planned: their documents, what people decided and what is posted; and their records."""
    stored = records.by_ids(c, [trip.record_id for trip in found])
    decided = reviews.of_trips(c, [trip.id for trip in found], state="resolved")
    posted = _posted(c, [trip.id for trip in found if trip.planned_n is not None])
    cases = []
    for trip in found:
        road, record = books.roads[trip.route_id], stored[trip.record_id]
        document, fault = gathering.document_of(works, record, road.translate)
        mine = posted.get(trip.id, {})
        cases.append(
            Case(
                id=trip.id,
                document=document,
                fault=fault,
                flow=road.flow,
                terms=road.terms,
                source_id=road.source.id,
                target_id=road.route.target_id,
                translate=road.translate,
                decisions=decisions_of(decided.get(trip.id, [])),
                posted=mine,
                settled=bool(mine) and trip.planned_n == record.n,
            )
        )
    return cases, stored


def _posted(c: Connection, trip_ids: Sequence[str]) -> dict[str, dict[str, Content]]:
    """What stands in the ledger for trips, by key; a trip with unfinished writes is left out."""
    found: dict[str, dict[str, Content]] = {}
    unfinished = writes.unfinished_trips(c, trip_ids)
    for write in writes.of_trips(c, trip_ids, states=("done",)):
        if write.reverses_id is None and write.trip_id not in unfinished:
            content = decode_content(write.kind, json.loads(write.content)["content"])
            found.setdefault(write.trip_id, {})[write.key] = content
    return found


def not_there(answered: Sequence[trips.Answered]) -> dict[tuple[str, str], Answer]:
    """What was looked for by id at the source and is not there: an answer where the need is optional."""
    return {(one.connection_id, Need(one.kind, id=one.external_id).name): () for one in answered if not one.there}


def judge(case: Case, gathered: Gathered, *, books: Books, road: Road, day_of: int | None) -> Judged:
    """Decide, touching nothing, what one record should become."""
    rulebook = road.rulebook_on(moment(day_of or 0).date())
    if case.document is None:
        field = case.fault.field if case.fault else ""
        finding = Finding("untranslatable", str(case.fault), field=field)
        return Judged(case, Hold((finding,)), rulebook.version)
    ignored = case.decisions.get("ignore")
    if ignored:
        return Judged(case, Ignore(f"{BY_PERSON}{ignored}"), rulebook.version)
    missing = tuple(gathered.missing.get(case.id, ()))
    if missing:
        return Judged(
            case, Wait(f"Waits for {', '.join(need.name for need in missing[:3])}."), rulebook.version, missing
        )
    verdict = road.flow.plan(
        case.document, gathered.related(case), terms=case.terms, rulebook=rulebook, chart=books.chart
    )
    if isinstance(verdict, Plan):
        findings = (*verdict.findings, *validate(verdict, books.chart, case.terms))
        blocking = tuple(finding for finding in findings if finding.blocks)
        verdict = Hold(blocking) if blocking else replace(verdict, findings=findings)
    if case.settled and isinstance(verdict, Hold) and {finding.code for finding in verdict.findings} <= _ONLY_LATE:
        return Judged(case, Stands(), rulebook.version)
    return Judged(case, verdict, rulebook.version)


def plan_hash(plan: Plan) -> str:
    """What consent names: the same writes with the same booked content give the same hash."""
    return hash_of([[write.key, write.kind, booked_hash(write.kind, write.content)] for write in plan.writes])


class _Settlement:
    """One transaction in which judgements become rows."""

    def __init__(
        self, works: Works, c: Connection, books: Books, by_trip: Mapping[str, Trip], versions: Mapping[str, int]
    ) -> None:
        self.works, self.c, self.books, self.trips, self.versions = works, c, books, by_trip, versions
        self.now = works.now()
        self.workspace = books.company.workspace_id
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.items: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []
        self.new_writes: list[dict[str, Any]] = []
        self.new_needs: list[dict[str, Any]] = []
        self.facts: list[list[Any]] = []

    def settle(self, judged: Sequence[Judged]) -> None:
        """Store what planning decided for all of them."""
        keys = [write.key for one in judged if isinstance(one.verdict, Plan) for write in one.verdict.writes]
        writes.drop_open(self.c, [one.case.id for one in judged], now=self.now)
        self.live = writes.live(self.c, self.books.company.id, keys)
        self.revisions = writes.last_revisions(self.c, self.books.company.id, keys)
        for one in judged:
            self._one(one)
        writes.add(self.c, self.new_writes, self.new_needs)
        for target, rows in self.rows.items():
            trips.settle_plan(self.c, target, rows)
        if self.asked:
            trips.ask(self.c, self.asked, workspace_id=self.workspace, ids=self.works.ids, now=self.now)
        asked_again: dict[str, set[tuple[str, str]]] = {}
        for item in self.items:
            asked_again.setdefault(item["subject"], set()).add((item["code"], item["field"]))
        again = [
            trip_id for trip_id, trip in self.trips.items() if trip.planned_n is not None or trip.state != "received"
        ]
        asking = {need["trip_id"] for need in self.asked}
        trips.forget_needs(self.c, [trip_id for trip_id in again if trip_id not in asking])
        reviews.supersede(self.c, again, now=self.now, keep=asked_again)
        if self.items:
            reviews.raise_items(self.c, self.items, workspace_id=self.workspace, ids=self.works.ids, now=self.now)
        entry = Entry(
            self.now, "system", "planned", self.books.company.id, {"chart": self.books.chart_n, "trips": self.facts}
        )
        audit.append_many(
            self.c, chain=audit.company_chain(self.books.company.id), workspace_id=self.workspace, entries=[entry]
        )

    def _one(self, one: Judged) -> None:
        match one.verdict:
            case Plan():
                self._plan(one, one.verdict)
            case Ignore(reason):
                self._ignore(one, reason)
            case Hold(findings):
                self._hold(one, findings)
            case Stands():
                trip = self.trips[one.case.id]
                self._move(one, "posted", plan=trip.plan, hash_text=trip.plan_hash)
            case Wait(reason, until):
                self._wait(one, reason, until_us=None if until is None else int(until.timestamp() * 1_000_000))

    def _hold(self, one: Judged, findings: Sequence[Finding]) -> None:
        for finding in findings:
            self._ask(one, finding)
        self._move(one, "held", reason="; ".join(sorted({finding.code for finding in findings})))

    def _ignore(self, one: Judged, reason: str) -> None:
        """Nothing is to be booked. What stands in the ledger already is taken back, or stays by a person's word."""
        trip = self.trips[one.case.id]
        done = writes.of_trips(self.c, [trip.id], states=("done",)) if one.case.posted else []
        standing = [write for write in done if write.reverses_id is None and not KINDS[write.kind].updated]
        if not standing:
            self._move(one, "ignored", reason=reason)
        elif one.case.decisions.get("ignore"):
            self._move(one, "posted", reason=reason, plan=trip.plan, hash_text=trip.plan_hash)
        elif one.case.terms.corrections != "automatic" and one.case.decisions.get(CORRECTION) != TAKE_BACK:
            numbers = ", ".join(write.number or write.key for write in standing)
            sentence = (
                f"It is posted as {numbers}, and is not to be booked any more: {reason}. "
                "Accept to take the posting back, or ignore the change."
            )
            self._hold(one, [Finding(CORRECTION, sentence, proposal={"accept": TAKE_BACK})])
        else:
            self._take_back(one, list(reversed(standing)), reason)

    def _take_back(self, one: Judged, standing: Sequence[Write], reason: str) -> None:
        """Reverse these in this order; the trip waits for it and is looked at again."""
        rows = [reversal_row(self.works, old, self.books, trip_id=one.case.id, now=self.now) for old in standing]
        stopped = [row for row in rows if isinstance(row, Finding)]
        if stopped:
            self._hold(one, stopped)
            return
        made = [row for row in rows if not isinstance(row, Finding)]
        live = writes.live(self.c, self.books.company.id, [row["key"] for row in made])
        fresh = [row for row in made if row["key"] not in live]
        self.new_writes += fresh
        self.new_needs += [
            {
                "write_id": later["id"],
                "key": earlier["key"],
                "workspace_id": self.workspace,
                "company_id": self.books.company.id,
            }
            for earlier, later in pairwise(fresh)
        ]
        self.asked += [_write_need(one, row["key"]) for row in made]
        self._move(one, "waiting", reason=f"taken back: {reason}", due_at=self.now + _LOOK_AGAIN_US)

    def _ask(self, one: Judged, finding: Finding) -> None:
        self.items.append(
            {
                "subject": one.case.id,
                "company_id": self.books.company.id,
                "connection_id": one.case.source_id,
                "trip_id": one.case.id,
                "code": finding.code,
                "field": finding.field,
                "sentence": finding.sentence,
                "proposal": encode_finding(finding)["proposal"],
            }
        )

    def _wait(self, one: Judged, reason: str, *, until_us: int | None) -> None:
        trip = self.trips[one.case.id]
        limit_us = one.case.terms.needs_limit_h * 3_600_000_000
        if one.missing and self.now - trip.created_at > limit_us:
            names = ", ".join(need.name for need in one.missing)
            sentence = (
                f"{names} has not appeared for {one.case.terms.needs_limit_h} hours. Look for it in "
                "the source, or ignore the record."
            )
            self._hold(one, [Finding("need-not-met", sentence)])
            return
        for need in one.missing:
            self._need(one, need)
        self._move(one, "waiting", reason=reason, due_at=until_us or self.now + _LOOK_AGAIN_US)

    def _need(self, one: Judged, need: Need) -> None:
        external = need.id if need.link is None else link_name(*need.link)
        self.asked.append(
            {
                "trip_id": one.case.id,
                "connection_id": one.case.source_id,
                "kind": need.kind,
                "external_id": external,
                "fields": {"location": need.location, "optional": need.optional},
            }
        )

    def _plan(self, one: Judged, plan: Plan) -> None:
        trip = self.trips[one.case.id]
        hashes = {write.key: booked_hash(write.kind, write.content) for write in plan.writes}
        if self._clash(one, plan, hashes):
            return
        mine = [write for write in plan.writes if write.key not in self.live]
        others = [self.live[write.key] for write in plan.writes if write.key in self.live]
        for position, write in enumerate(mine):
            self._write(one, write, hashes[write.key], position=position)
        waiting_for = [other for other in others if other.state != "done" and other.trip_id != trip.id]
        own_sealed = [other for other in others if other.state == "sealed" and other.trip_id == trip.id]
        wanted = hash_of([[write.key, write.kind, hashes[write.key]] for write in plan.writes])
        text = text_of(
            {"keys": [write.key for write in plan.writes], "warnings": [encode_finding(f) for f in plan.findings]}
        )
        if mine or own_sealed:
            self._move(one, "planned", plan=text, hash_text=wanted)
            self._consent(one, trip, plan, wanted)
        elif waiting_for:
            self.asked += [_write_need(one, other.key) for other in waiting_for]
            reason = f"Shares {waiting_for[0].key} with another record."
            self._move(one, "waiting", reason=reason, plan=text, hash_text=wanted, due_at=self.now + _LOOK_AGAIN_US)
        else:
            self._move(one, "posted", plan=text, hash_text=wanted)

    def _consent(self, one: Judged, trip: Trip, plan: Plan, wanted: str) -> None:
        if self.books.roads[trip.route_id].route.posting == "approve" and trip.approved_hash != wanted:
            keys = ", ".join(write.key for write in plan.writes)
            self._ask(
                one, Finding(CONSENT, f"{keys} is planned and waits for consent.", proposal={"plan_hash": wanted})
            )

    def _clash(self, one: Judged, plan: Plan, hashes: Mapping[str, str]) -> bool:
        """The same key with another content: ours is a correction, another record's is a question."""
        for write in plan.writes:
            old = self.live.get(write.key)
            if old is None or old.hash == hashes[write.key]:
                continue
            if KINDS[write.kind].updated:
                self._newer_card(old)
            elif old.trip_id != one.case.id:
                sentence = (
                    f"{write.key} was planned from another record with other amounts or accounts. "
                    "Compare the two with `ml-connector trace`, then ignore one."
                )
                self._hold(one, [Finding("event-unequal", sentence, proposal={"key": write.key, "other": old.trip_id})])
                return True
            elif old.state == "sealed":
                reason = f"{write.key} is on its way to the ledger."
                self._move(one, "waiting", reason=reason, due_at=self.now + 30_000_000)
                return True
            else:
                self._correct(one, write, old, hashes)
                return True
        return False

    def _newer_card(self, old: Write) -> None:
        """A party is updated in place, whichever record says so: what stands makes room for it."""
        if old.state == "done":
            writes.reverse(self.c, [old.id], now=self.now)
            del self.live[old.key]

    def _correct(self, one: Judged, write: PlannedWrite, old: Write, hashes: Mapping[str, str]) -> None:
        consent = one.case.decisions.get(CORRECTION)
        if one.case.terms.corrections != "automatic" and consent != hashes[write.key]:
            sentence = (
                f"{write.key} is posted as {old.number} with other content than the record gives now. "
                "Accept the correction (reversal and a new posting) or ignore the change."
            )
            proposal = {
                "accept": hashes[write.key],
                "posted": json.loads(old.content)["content"],
                "now": encode_write(write)["content"],
            }
            self._hold(one, [Finding(CORRECTION, sentence, field=write.key, proposal=proposal)])
            return
        row = reversal_row(self.works, old, self.books, trip_id=one.case.id, now=self.now)
        if isinstance(row, Finding):
            self._hold(one, [row])
            return
        if row["key"] not in writes.live(self.c, self.books.company.id, [row["key"]]):
            self.new_writes.append(row)
        self.asked.append(_write_need(one, row["key"]))
        self._move(one, "waiting", reason=f"{old.number} is being reversed first.", due_at=self.now + _LOOK_AGAIN_US)

    def _write(self, one: Judged, write: PlannedWrite, hash_text: str, *, position: int) -> None:
        write_id = self.works.ids.new()
        encoded = encode_write(write)
        worth = expected(write.content)
        revision = self.revisions.get(write.key, 0) + 1
        target_id = one.case.target_id if write.into == "target" else one.case.source_id
        pool = write.pool or pooling.parcel_of(one.case.terms, write.kind)
        row = {
            "id": write_id,
            "workspace_id": self.workspace,
            "company_id": self.books.company.id,
            "trip_id": one.case.id,
            "target_id": target_id,
            "key": write.key,
            "revision": revision,
            "kind": write.kind,
            "content": text_of({"content": encoded["content"], "why": encoded["why"]}),
            "hash": hash_text,
            "amount": worth.total if worth else None,
            "currency": worth.currency if worth else None,
            "pool_key": pool,
            "reverses_id": None,
            "state": "open",
            "position": position,
            "created_at": self.now,
            "updated_at": self.now,
        }
        self.new_writes.append(row)
        self.new_needs += [
            {"write_id": write_id, "key": key, "workspace_id": self.workspace, "company_id": self.books.company.id}
            for key in dict.fromkeys(write.needs)
        ]
        self.live[write.key] = Write(
            write_id,
            self.books.company.id,
            one.case.id,
            write.key,
            revision,
            write.kind,
            "",
            hash_text,
            pool,
            None,
            "open",
            None,
            None,
            None,
            self.now,
            target_id,
        )

    def _move(
        self,
        one: Judged,
        target: str,
        *,
        reason: str | None = None,
        plan: str | None = None,
        hash_text: str | None = None,
        due_at: int | None = None,
    ) -> None:
        trip = self.trips[one.case.id]
        self.rows.setdefault(target, []).append(
            {
                "b_id": trip.id,
                "b_n": self.versions[trip.id],
                "b_plan": plan,
                "b_hash": hash_text,
                "b_rulebook": one.rulebook_n,
                "b_chart": self.books.chart_n,
                "b_reason": reason,
                "b_due": due_at,
                "b_was": trip.due_at,
                "b_at": self.now,
            }
        )
        self.facts.append([trip.id, target, hash_text or reason or ""])


def _write_need(one: Judged, key: str) -> dict[str, Any]:
    """A trip waits until the write of this key, another record's, is done."""
    return {
        "trip_id": one.case.id,
        "connection_id": one.case.source_id,
        "kind": "write",
        "external_id": key,
        "fields": {},
    }
