"""Outcomes: one transaction in which what planning decided becomes writes, reversals, needs, questions and states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ml_connector import jsontext
from ml_connector.engine import correcting, grounds, reversing
from ml_connector.engine.correcting import CORRECTION, TAKE_BACK, InBooks
from ml_connector.engine.ignoring import CHANGED, by_person, plan_hash
from ml_connector.engine.judging import Judged, Stands
from ml_connector.engine.references import refers_to
from ml_connector.engine.slate import LOOK_AGAIN_US, in_micros
from ml_connector.engine.taking_back import TakingBack
from ml_connector.finance.encoding import booked_hash, encode_finding
from ml_connector.finance.kinds import KINDS
from ml_connector.finance.plan import Finding, Hold, Ignore, Plan, PlannedWrite, Wait
from ml_connector.rules import dimension_values
from ml_connector.store import audit, reviews, trip_moves, trip_needs, unsent, write_moves, writes
from ml_connector.store.audit import Entry
from ml_connector.store.trips import Trip
from ml_connector.store.writes import Write

CONSENT = "consent"
_SELDOM_US = 24 * 3_600_000_000  # at least so often what the target makes by itself is looked for


class Outcomes(TakingBack):
    """What one round of planning decided, gathered and stored at once. The caller's transaction."""

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
        back = unsent.open_reversals(self.c, [trip_id for trip_id in known if trip_id in anew])
        self.dropped = [write for write in back if not KINDS[write.kind].updated]
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
        taking = writes.live(self.c, company_id, [reversing.reversal_key(write) for write in done])
        under_way = [write for write in taking.values() if write.state in ("open", "sealed")]
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
            self._move(one, "waiting", reason=told, due_at=self.now + LOOK_AGAIN_US)
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
            self._move(one, "waiting", reason=reason, plan=text, hash_text=wanted, due_at=self.now + LOOK_AGAIN_US)
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
        due = in_micros(rest.until) or self.now + max(LOOK_AGAIN_US, min((self.now - trip.created_at) // 8, _SELDOM_US))
        self._move(one, "waiting", reason=rest.reason, plan=plan, hash_text=hash_text, due_at=due)

    def _consent(self, one: Judged, trip: Trip, plan: Plan, wanted: str) -> None:
        """Who accepted a correction has consented to the plan that it named; who approved a value, to its making."""
        if self.books.roads[trip.route_id].route.posting != "approve" or trip.approved_hash == wanted:
            return
        approved_before = all(write.kind == dimension_values.KIND for write in plan.writes)
        if approved_before or wanted in (one.case.decisions.get(CORRECTION), one.case.decisions.get(CHANGED)):
            self.approved.append((trip.id, wanted))
            return
        keys = ", ".join(write.key for write in plan.writes)
        self._ask(one, Finding(CONSENT, f"{keys} is planned and waits for consent.", proposal={"plan_hash": wanted}))

    def _clashes(self, one: Judged, plan: Plan, hashes: Mapping[str, str]) -> bool:
        """The same key with another content.

        A party's card is updated in place, another record's is waited for while it is on its way, and a question once
        it stands.
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
            self._move(one, "waiting", reason=told, due_at=self.now + LOOK_AGAIN_US)

    def _newer_card(self, old: Write) -> None:
        """A party is updated in place, whichever record says so: what stands makes room for it."""
        if old.state == "done":
            write_moves.reverse(self.c, [old.id], now=self.now)
            del self.live[old.key]
