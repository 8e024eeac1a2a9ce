"""The slate of one round of planning: rows, questions and needs written up here, and stored at once by `outcomes`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from ml_connector.clock import micros
from ml_connector.engine import contents
from ml_connector.engine.arriving import link_name
from ml_connector.engine.books import Books
from ml_connector.engine.judging import Judged
from ml_connector.engine.works import Works
from ml_connector.finance.encoding import encode_finding, encode_write, expected
from ml_connector.finance.plan import Finding, Need, PlannedWrite, Wait
from ml_connector.rules import pooling
from ml_connector.store import records, trip_needs
from ml_connector.store.database import Connection
from ml_connector.store.trips import Trip
from ml_connector.store.writes import Write

WAITED = trip_needs.WAITED
LOOK_AGAIN_US = 3_600_000_000  # a waiting trip is looked at hourly, in case a wake-up was lost


class Slate:
    """What one round has decided so far. The caller's transaction."""

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
        # What is live under the keys in question, and what of it is being taken back; known once the round has looked.
        self.live: dict[str, Write] = {}
        self.leaving: dict[str, str] = {}
        self.revisions: dict[str, int] = {}

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
        until_us = in_micros(wait.until)
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
        self._move(one, "waiting", reason=wait.reason, due_at=until_us or self.now + LOOK_AGAIN_US)

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
        self.asked.append(
            {
                "trip_id": one.case.id,
                "connection_id": one.case.source_id,
                "kind": need.kind,
                "external_id": _external(need),
                "fields": {"location": need.location, "optional": need.optional},
            }
        )

    def _wait_for(self, one: Judged, keys: Collection[str]) -> None:
        """The trip is looked at again when any of these writes is done."""
        self.asked += [self._named(one, "write", key) for key in dict.fromkeys(keys)]

    def _named(self, one: Judged, kind: str, name: str) -> dict[str, Any]:
        """A need of the trip that nobody looks for: who meets it wakes the trip."""
        where = one.case.source_id
        return {
            "trip_id": one.case.id, "connection_id": where, "kind": kind, "external_id": name, "fields": {},
            "due_at": None,
        }  # fmt: skip

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
        names = (trip_needs.watched(need.kind, _external(need)) for need in one.watched)
        self.asked += [self._named(one, trip_needs.WATCHED, name) for name in names]
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


def _external(need: Need) -> str:
    """By which name a record of the source is waited for."""
    return need.id or "" if need.link is None else link_name(*need.link)


def in_micros(moment: datetime | None) -> int | None:
    """A moment that may be missing, as it is stored."""
    return None if moment is None else micros(moment)
