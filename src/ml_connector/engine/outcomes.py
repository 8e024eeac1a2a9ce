"""Outcomes: one transaction in which what planning decided becomes writes, reversals, needs, questions and states."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from ml_connector import jsontext
from ml_connector.clock import micros
from ml_connector.engine import contents, correcting, grounds, reversing
from ml_connector.engine.arriving import link_name
from ml_connector.engine.books import Books
from ml_connector.engine.correcting import CORRECTION, TAKE_BACK, InBooks
from ml_connector.engine.ignoring import CHANGED, by_person, plan_hash
from ml_connector.engine.judging import Judged, Stands
from ml_connector.engine.references import refers_to
from ml_connector.engine.works import Works
from ml_connector.finance.encoding import booked_hash, encode_finding, encode_write, expected
from ml_connector.finance.kinds import KINDS
from ml_connector.finance.plan import Finding, Hold, Ignore, Need, Plan, PlannedWrite, Wait
from ml_connector.rules import pooling
from ml_connector.store import audit, records, reviews, trip_moves, trip_needs, unsent, write_moves, writes
from ml_connector.store.audit import Entry
from ml_connector.store.database import Connection
from ml_connector.store.trips import Trip
from ml_connector.store.writes import Write

CONSENT = "consent"
WAITED = trip_needs.WAITED
_LOOK_AGAIN_US = 3_600_000_000  # a waiting trip is looked at hourly, in case a wake-up was lost
_ON_ITS_WAY_US = 30_000_000
_SELDOM_US = 24 * 3_600_000_000  # at least so often what the target makes by itself is looked for


class Outcomes:
    """What one round of planning decided, gathered and stored at once. The caller's transaction."""

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
        self.approved: list[tuple[str, str]] = []
        self.disturbed: set[str] = set()  # trips of other records whose writes go or stay with what was decided here
        self.decided: dict[str, tuple[str, str | None]] = {}  # (state, reason) of the trips decided so far

    def store(self, judged: Sequence[Judged]) -> None:
        """Store what planning decided for all of them."""
        self._look_around(judged)
        for one in grounds.in_order(judged):
            self._one(one)
        self._tell_who_waits()
        write_moves.add(self.c, self.new_writes, self.new_needs)
        for target, rows in self.rows.items():
            trip_moves.settle_plan(self.c, target, rows)
        if self.asked:
            trip_needs.ask(self.c, self.asked, workspace_id=self.workspace, ids=self.works.ids, now=self.now)
        self._ask_people()
        for trip_id, wanted in self.approved:
            trip_moves.approve(self.c, trip_id, plan_hash=wanted, now=self.now)
        self._disturb()
        facts = {"chart": self.books.chart_n, "trips": self.facts}
        entries = [Entry(self.now, "system", "planned", self.books.company.id, facts), *self._ignored(judged)]
        audit.append_many(
            self.c, chain=audit.company_chain(self.books.company.id), workspace_id=self.workspace, entries=entries
        )

    def _ignored(self, judged: Sequence[Judged]) -> list[Entry]:
        """What a person ignored is remembered as it was shown; where it is not so any more the trail says so."""
        entries = []
        for one in judged:
            ignoring, n = one.case.ignoring, one.case.n
            if ignoring is None:
                continue
            if one.shown is not None:
                reviews.remember(self.c, ignoring.item_id, {"shown": [n, one.shown]})
            elif one.asked_anew is not None and ignoring.shown is not None and ignoring.anew != n:
                reviews.remember(self.c, ignoring.item_id, {"anew": n})
                facts = {"item": ignoring.item_id, "version": n, "was": ignoring.shown[1], "is": one.asked_anew}
                entries.append(Entry(self.now, "system", "ignored no more", one.case.id, facts))
        return entries

    # ------------------------------------------------------------------------------------------ before and after

    def _look_around(self, judged: Sequence[Judged]) -> None:
        """What is live under the keys in question, what stands for these trips and what of it is being taken back.

        A plan is disposable until it is sealed, and so is what it wanted to take back: it is decided anew.
        """
        company_id = self.books.company.id
        known = [one.case.id for one in judged if self.trips[one.case.id].planned_n is not None]
        anew = {one.case.id for one in judged if isinstance(one.verdict, Plan | Ignore)}
        self.unsent = [one for one in writes.of_trips(self.c, known, states=("open",)) if not one.reverses_id]
        write_moves.drop_open(self.c, [one.case.id for one in judged], now=self.now)
        self.dropped = unsent.open_reversals(self.c, [trip_id for trip_id in known if trip_id in anew])
        write_moves.drop(self.c, [write.id for write in self.dropped], now=self.now)
        self.mine = correcting.in_books(self.c, known)
        plans = [one.verdict for one in judged if isinstance(one.verdict, Plan)]
        keys = {write.key for plan in plans for write in plan.writes}
        own = [write for mine in self.mine.values() for write in mine.standing]
        based = {key for write in own for key in refers_to(write)}
        grounded = {key for plan in plans for write in plan.writes for key in write.needs}
        known_by = {*keys, *based, *grounded, *(write.key for write in own)}
        self.live = writes.live(self.c, company_id, sorted(known_by))
        self.revisions = writes.last_revisions(self.c, company_id, sorted(keys))
        done = [write for write in self.live.values() if write.state == "done" and not KINDS[write.kind].updated]
        back = writes.live(self.c, company_id, [reversing.reversal_key(write) for write in done])
        under_way = [write for write in back.values() if write.state in ("open", "sealed")]
        self.leaving = {write.reverses_id: write.key for write in under_way if write.reverses_id}
        self.undone = writes.undone(
            self.c, company_id, [key for key in sorted(keys) if key in self.revisions and key not in self.live]
        )

    def _ask_people(self) -> None:
        """New questions are asked, those that no longer stand are withdrawn, and so is what nobody waits for."""
        asked_again: dict[str, set[tuple[str, str]]] = {}
        for item in self.items:
            asked_again.setdefault(item["subject"], set()).add((item["code"], item["field"]))
        again = [
            trip_id for trip_id, trip in self.trips.items() if trip.planned_n is not None or trip.state != "received"
        ]
        asking = {need["trip_id"] for need in self.asked}
        trip_needs.forget(self.c, [trip_id for trip_id in again if trip_id not in asking])
        reviews.supersede(self.c, again, now=self.now, keep=asked_again)
        if self.items:
            reviews.raise_items(self.c, self.items, workspace_id=self.workspace, ids=self.works.ids, now=self.now)

    def _disturb(self) -> None:
        """Records whose writes are taken back with these, or stay now that these do, are planned again."""
        made = {row["key"] for row in self.new_writes}
        grounds.look_again(self.c, [write for write in self.unsent if write.key not in made], now=self.now)
        gone = [write for write in self.dropped if write.key not in made]
        if gone:
            needed = writes.needs_of(self.c, [write.id for write in gone])
            waiting = writes.live(
                self.c, self.books.company.id, sorted({key for keys in needed.values() for key in keys})
            )
            self.disturbed |= {write.trip_id for write in waiting.values() if write.state == "open"}
        if self.disturbed:
            trip_moves.reopen(self.c, sorted(self.disturbed), now=self.now)

    def _tell_who_waits(self) -> None:
        """Records that wait for one of those decided here, or were stopped by it, look again."""
        for source_id in {road.source.id for road in self.books.roads.values()}:
            if trip_needs.anybody_waits(self.c, source_id):
                waiting = trip_needs.waiting_for(self.c, source_id, "write", list(self.decided))
                self.disturbed |= waiting - self.trips.keys()

    # ------------------------------------------------------------------------------------------ one record

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
            case Wait():
                self._wait(one, one.verdict)

    def _hold(self, one: Judged, findings: Sequence[Finding]) -> None:
        for finding in findings:
            self._ask(one, finding)
        self._move(one, "held", reason="; ".join(sorted({finding.code for finding in findings})))

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

    def _wait(self, one: Judged, wait: Wait) -> None:
        """For something missing, for a moment, or until the record itself changes: none of them for ever."""
        until_us = _micros(wait.until)
        passing = until_us is not None and until_us > self.now
        overdue = None if passing else self._overdue(one, wait.reason, hours=wait.patience_h)
        already = len(self.asked)
        for need in one.missing:
            self._need(one, need)
        self.asked += [
            {
                "trip_id": one.case.id,
                "connection_id": where,
                "kind": trip_needs.READING,
                "external_id": stream,
                "fields": {},
            }
            for where, stream in one.unread
        ]
        if overdue is not None:
            for asked in self.asked[already:]:
                asked["due_at"] = None  # nobody looks for it any more; when it comes after all it wakes the record
            self._hold(one, [overdue])
            return
        self._move(one, "waiting", reason=wait.reason, due_at=until_us or self.now + _LOOK_AGAIN_US)

    def _overdue(self, one: Judged, reason: str, *, hours: int | None = None) -> Finding | None:
        """Why waiting has lasted too long. A record that has changed is waited for anew."""
        trip, hours = self.trips[one.case.id], hours or one.case.terms.needs_limit_h
        limit_us = hours * 3_600_000_000
        if self.now - trip.created_at <= limit_us or one.case.decisions.get(WAITED):
            return None
        if self.now - (records.last_read(self.c, trip.record_id) or 0) <= limit_us:
            return None
        if one.missing:
            names = ", ".join(need.said for need in one.missing)
            sentence = f"{names} has not appeared for {hours} hours. Look for it in the source, or ignore the record."
            return Finding(trip_needs.NOT_MET, sentence)
        sentence = (
            f"It has waited for {hours} hours and nothing has changed: {reason}. Look at it in the source; accept to "
            "wait until it changes, or ignore the record."
        )
        return Finding(WAITED, sentence, proposal={"accept": "wait"})

    def _need(self, one: Judged, need: Need) -> None:
        if need.awaited:
            self._wait_for(one, [value for name, value in need.fields if name == "of"])
            return
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

    def _ignore(self, one: Judged, reason: str) -> None:
        """Nothing is to be booked. What stands in the ledger already is taken back, or stays by a person's word."""
        trip, mine = self.trips[one.case.id], self.mine.get(one.case.id, InBooks())
        if self._gives_way(one, mine):
            return
        if mine.sealed and not by_person(reason):
            self._on_its_way(one, mine.sealed)
        elif self._leaves(one, [write.key for write in mine.standing]):
            return
        elif not mine.standing:
            self._move(one, "ignored", reason=reason)
        elif by_person(reason):
            self._move(one, "posted", reason=reason, plan=trip.plan, hash_text=trip.plan_hash)
        elif self._left_alone(one, correcting.take_back_hash(reason)):
            return
        elif one.case.terms.corrections != "automatic" and one.case.decisions.get(CORRECTION) != TAKE_BACK:
            self._hold(one, [correcting.take_back_question(mine.standing, reason)])
        else:
            change = correcting.take_back_hash(reason)
            self._take_back(
                one, mine.standing, purpose=reversing.TAKEN_BACK, told=f"taken back: {reason}", change=change
            )

    def _plan(self, one: Judged, plan: Plan) -> None:
        hashes = {write.key: booked_hash(write.kind, write.content) for write in plan.writes}
        mine = self.mine.get(one.case.id, InBooks())
        if self._gives_way(one, mine) or self._clashes(one, plan, hashes):
            return
        if wrong := correcting.unlike(mine.sealed, hashes):
            self._on_its_way(one, wrong)
            return
        wrong = [write for write in correcting.unlike(mine.standing, hashes) if write.id not in self.leaving]
        if wrong:
            self._correct(one, plan, wrong)
            return
        if self._leaves(one, [*hashes, *(write.key for write in mine.standing)]):
            return
        fresh = self._fresh(one, plan)
        if fresh is not None and not self._lacks_ground(one, fresh):
            self._book(one, plan, fresh, hashes)

    def _lacks_ground(self, one: Judged, fresh: Sequence[PlannedWrite]) -> bool:
        """Whether one of these needs what no record is about to book: the whole waits for that, and says so.

        It is looked at again when the needed write is done, and when the record behind it is decided.
        """
        own = {write.key for write in fresh}
        needed = dict.fromkeys(key for write in fresh for key in write.needs if key not in own)
        posts = self.books.roads[self.trips[one.case.id].route_id].route.posting != "off"
        found = grounds.lacking(self.c, self.books, needed, self.live, decided=self.decided, posts=posts)
        if not found:
            return False
        self._wait_for(one, [name for need in found for name in (need.key, need.trip_id) if name])
        over = [need for need in found if need.over]
        told = grounds.sentence(found)
        overdue = self._overdue(one, told) if found[0].trip_id is None else None
        if over:
            self._hold(one, [grounds.over(next(w for w in fresh if need.key in w.needs), need) for need in over])
        elif overdue is not None:
            self._hold(one, [overdue])
        else:
            self._move(one, "waiting", reason=told, due_at=self.now + _LOOK_AGAIN_US)
        return True

    def _fresh(self, one: Judged, plan: Plan) -> list[PlannedWrite] | None:
        """What of the plan is not in the books yet. What a person took back with another record is left out."""
        fresh = [write for write in plan.writes if write.key not in self.live]
        left_out = {write.key for write in fresh if self.undone.get(write.key, one.case.id) != one.case.id}
        if not left_out:
            return fresh
        stopped = [write for write in fresh if write.key not in left_out and left_out.intersection(write.needs)]
        if stopped:
            names = ", ".join(sorted(left_out))
            sentence = (
                f"{stopped[0].key} needs {names}, which a person took back. Plan that record again by its name, "
                "or ignore this one."
            )
            self._hold(one, [Finding("taken-back", sentence, field=stopped[0].key)])
            return None
        return [write for write in fresh if write.key not in left_out]

    def _book(self, one: Judged, plan: Plan, fresh: Sequence[PlannedWrite], hashes: Mapping[str, str]) -> None:
        trip = self.trips[one.case.id]
        others = [self.live[write.key] for write in plan.writes if write.key in self.live]
        for position, write in enumerate(fresh):
            self._write(one, write, hashes[write.key], position=position)
        waiting_for = [other for other in others if other.state != "done" and other.trip_id != trip.id]
        own_sealed = [other for other in others if other.state == "sealed" and other.trip_id == trip.id]
        wanted = plan_hash(plan, hashes)
        text = jsontext.canonical(
            {"keys": [write.key for write in plan.writes], "warnings": [encode_finding(f) for f in plan.findings]}
        )
        if fresh or own_sealed:
            if plan.rest is not None:
                self.asked.append(self._named(one, trip_needs.REST, trip.id))
            self._move(one, "planned", plan=text, hash_text=wanted)
            self._consent(one, trip, plan, wanted)
        elif waiting_for:
            self._wait_for(one, [other.key for other in waiting_for])
            reason = f"Shares {waiting_for[0].key} with another record."
            self._move(one, "waiting", reason=reason, plan=text, hash_text=wanted, due_at=self.now + _LOOK_AGAIN_US)
        elif plan.rest is not None:
            self._rest(one, plan.rest, plan=text, hash_text=wanted)
        else:
            self._move(one, "posted", plan=text, hash_text=wanted)

    def _rest(self, one: Judged, rest: Wait, *, plan: str, hash_text: str) -> None:
        """All that was planned stands, and the target is to make something of it: looked for ever more seldom.

        When that lasts too long a person is asked, and it is looked for all the same.
        """
        trip = self.trips[one.case.id]
        overdue = self._overdue(one, rest.reason, hours=rest.patience_h)
        if overdue is not None:
            self._ask(one, overdue)
        due = _micros(rest.until) or self.now + max(_LOOK_AGAIN_US, min((self.now - trip.created_at) // 8, _SELDOM_US))
        self._move(one, "waiting", reason=rest.reason, plan=plan, hash_text=hash_text, due_at=due)

    def _consent(self, one: Judged, trip: Trip, plan: Plan, wanted: str) -> None:
        """Who accepted a correction has consented to the very plan that it named."""
        if self.books.roads[trip.route_id].route.posting != "approve" or trip.approved_hash == wanted:
            return
        if wanted in (one.case.decisions.get(CORRECTION), one.case.decisions.get(CHANGED)):
            self.approved.append((trip.id, wanted))
            return
        keys = ", ".join(write.key for write in plan.writes)
        self._ask(one, Finding(CONSENT, f"{keys} is planned and waits for consent.", proposal={"plan_hash": wanted}))

    def _clashes(self, one: Judged, plan: Plan, hashes: Mapping[str, str]) -> bool:
        """The same key with another content: a party's card is updated in place, another record's is waited for while
        it is on its way, and a question once it stands.
        """
        for write in plan.writes:
            old = self.live.get(write.key)
            if old is None or old.hash == hashes[write.key]:
                continue
            if KINDS[write.kind].updated:
                self._newer_card(old)
            elif old.trip_id != one.case.id and old.id not in self.leaving:
                self._second(one, old)
                return True
        return False

    def _second(self, one: Judged, old: Write) -> None:
        """Another record has the key. Until that is in the ledger it may still make room, or get its number."""
        if old.state == "done":
            sentence = (
                f"{old.key} is posted as {old.number or old.key} from another record, with other amounts or accounts. "
                "Compare the two with `ml-connector trace`, then ignore one."
            )
            self._hold(one, [Finding("event-unequal", sentence, proposal={"key": old.key, "other": old.trip_id})])
            return
        told = f"{old.key} is planned from another record with other amounts or accounts, and comes first."
        overdue = self._overdue(one, told)
        self._wait_for(one, [old.key, old.trip_id])
        if overdue is not None:
            self._hold(one, [overdue])
        else:
            self._move(one, "waiting", reason=told, due_at=self.now + _LOOK_AGAIN_US)

    def _newer_card(self, old: Write) -> None:
        """A party is updated in place, whichever record says so: what stands makes room for it."""
        if old.state == "done":
            write_moves.reverse(self.c, [old.id], now=self.now)
            del self.live[old.key]

    # ------------------------------------------------------------------------------------------ taking back

    def _gives_way(self, one: Judged, mine: InBooks) -> bool:
        """What is put against a document that is being taken back goes first; nobody is asked a second time."""
        lost = correcting.without_ground(mine.standing, self.live, self.leaving)
        lost = [write for write in lost if write.id not in self.leaving]
        if lost:
            told = "What it is put against is being reversed."
            self._take_back(one, lost, purpose=reversing.CORRECTING, told=told)
        return bool(lost)

    def _leaves(self, one: Judged, keys: Collection[str]) -> bool:
        """Something under these keys is on its way out of the books: what comes next is decided after that."""
        leaving = [
            self.leaving[self.live[key].id] for key in keys if key in self.live and self.live[key].id in self.leaving
        ]
        if leaving:
            self._wait_for(one, leaving)
            reason = f"{leaving[0]} is on its way to the ledger."
            self._move(one, "waiting", reason=reason, due_at=self.now + _LOOK_AGAIN_US)
        return bool(leaving)

    def _on_its_way(self, one: Judged, sealed: Sequence[Write]) -> None:
        reason = f"{sealed[0].key} is on its way to the ledger."
        self._move(one, "waiting", reason=reason, due_at=self.now + _ON_ITS_WAY_US)

    def _correct(self, one: Judged, plan: Plan, wrong: Sequence[Write]) -> None:
        """What is posted with other content, or not named any more, is taken back with all that is put against it."""
        wanted = plan_hash(plan)
        if self._left_alone(one, wanted):
            return
        if one.case.terms.corrections != "automatic" and one.case.decisions.get(CORRECTION) != wanted:
            taken = reversing.with_dependents(self.c, self.books.company.id, wrong)
            self._hold(one, [correcting.question(plan, wrong, taken, accept=wanted)])
            return
        told = f"{', '.join(old.number or old.key for old in wrong)} is being reversed first."
        self._take_back(one, wrong, purpose=reversing.CORRECTING, told=told, change=wanted)

    def _left_alone(self, one: Judged, change: str) -> bool:
        """A person wants what is posted to stay in spite of this very change."""
        said = (correcting.left_alone(decision, change) for decision in one.case.decisions.values())
        why = next((each for each in said if each is not None), None)
        if why is not None:
            trip = self.trips[one.case.id]
            self._move(one, "posted", reason=why, plan=trip.plan, hash_text=trip.plan_hash)
        return why is not None

    def _take_back(
        self, one: Judged, several: Sequence[Write], *, purpose: str, told: str, change: str | None = None
    ) -> None:
        """Reverse these and what is put against them; the trip waits for it and is looked at again.

        Where that cannot be done a person may leave it: `change` names what is left alone then.
        """
        taken = reversing.with_dependents(self.c, self.books.company.id, several)
        sealed = [write for write in taken if write.state == "sealed"]
        if sealed:
            self._on_its_way(one, sealed)
            return
        made = reversing.reversals_of(
            self.works, self.c, self.books, taken, purpose=purpose, of_trips={one.case.id},
            under_way=set(self.leaving.values()),
        )  # fmt: skip
        if not isinstance(made, reversing.Reversals):
            named = {"change": change} if change is not None else {}
            self._hold(one, [replace(finding, proposal={**finding.proposal, **named}) for finding in made])
            return
        self.new_writes += made.rows
        self.new_needs += made.needs
        self.leaving.update({row["reverses_id"]: row["key"] for row in made.rows})
        self.disturbed |= {write.trip_id for write in made.originals} - {one.case.id}
        self._wait_for(one, made.last)
        self._move(one, "waiting", reason=told, due_at=self.now + _LOOK_AGAIN_US)

    # ------------------------------------------------------------------------------------------ rows

    def _wait_for(self, one: Judged, keys: Collection[str]) -> None:
        """The trip is looked at again when any of these writes is done."""
        self.asked += [self._named(one, "write", key) for key in dict.fromkeys(keys)]

    def _named(self, one: Judged, kind: str, name: str) -> dict[str, Any]:
        """A need of the trip that nobody looks for: who meets it wakes the trip."""
        where = one.case.source_id
        return {"trip_id": one.case.id, "connection_id": where, "kind": kind, "external_id": name, "fields": {}}

    def _write(self, one: Judged, write: PlannedWrite, hash_text: str, *, position: int) -> None:
        write_id = self.works.ids.new()
        encoded = encode_write(write)
        worth = expected(write.content)
        revision = self.revisions.get(write.key, 0) + 1
        target_id = one.case.target_id if write.into == "target" else one.case.source_id
        pool = write.pool or pooling.parcel_of(one.case.terms, write.kind, write.content)
        row = {
            "id": write_id,
            "workspace_id": self.workspace,
            "company_id": self.books.company.id,
            "trip_id": one.case.id,
            "target_id": target_id,
            "key": write.key,
            "revision": revision,
            "kind": write.kind,
            "content": contents.write_text(write, encoded),
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
        self.decided[trip.id] = (target, reason)
        self.facts.append([trip.id, target, hash_text or reason or ""])


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else micros(moment)
