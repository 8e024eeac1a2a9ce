"""Taking back what stands in the books and should not, with what is put against it, once a person or term says so."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from ml_connector.engine import correcting, reversing
from ml_connector.engine.correcting import CORRECTION, InBooks
from ml_connector.engine.ignoring import plan_hash
from ml_connector.engine.judging import Judged
from ml_connector.engine.slate import LOOK_AGAIN_US, Slate
from ml_connector.finance.plan import Plan
from ml_connector.store.writes import Write

_ON_ITS_WAY_US = 30_000_000


class TakingBack(Slate):
    """A slate that takes back, too."""

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
            self._move(one, "waiting", reason=reason, due_at=self.now + LOOK_AGAIN_US)
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
        self._move(one, "waiting", reason=told, due_at=self.now + LOOK_AGAIN_US)
