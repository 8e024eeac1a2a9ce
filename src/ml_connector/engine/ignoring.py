"""What a person ignores stays out of the books as it was shown; when its source changes what matters, it is asked anew.

"As it was shown" is what planning says of the stored version on which the person decided: the content that would be
booked, or what stands against it. A later version of which planning says the same changes nothing. Rules, terms or the
ledger's set-up never bring an ignored record back; `replay` by its name does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ml_connector.finance.encoding import booked_hash, hash_of
from ml_connector.finance.plan import Finding, Hold, Ignore, Plan, Wait
from ml_connector.rules.dimension_values import KIND
from ml_connector.store.reviews import ReviewItem

PREFIX = "ignore:"  # how such a decision begins
BY_PERSON = "A person decided: "  # and how the reason of what it leaves out does
CHANGED = "ignored-changed"  # the question about a record that would be booked now
ANY_VERSION = 0  # what was shown is known by its content alone


@dataclass(frozen=True, slots=True)
class Ignoring:
    """A decision to leave a record out.

    `shown`: (version, what planning said of it); None: nobody has looked since. `anew`: the version of which it was
    asked about again.
    """

    item_id: str
    reason: str
    by: str
    shown: tuple[int, str] | None = None
    anew: int | None = None

    @property
    def verdict(self) -> Ignore:
        """Nothing is booked, by this person's word."""
        return Ignore(f"{BY_PERSON}{self.reason}")


def by_person(reason: str) -> bool:
    """Whether this is why a person's word leaves a record out."""
    return reason.startswith(BY_PERSON)


def ignoring_of(items: Sequence[ReviewItem]) -> Ignoring | None:
    """The last decision to ignore among what people decided about one record; the last word counts."""
    for item in reversed(items):
        decision = item.decision or ""
        if decision.startswith(PREFIX):
            by, kept = item.decided_by or "", item.proposal
            return Ignoring(item.id, decision.removeprefix(PREFIX), by, _shown(kept), kept.get("anew"))
    return None


def content_hash(verdict: object) -> str:
    """What planning says of a record, as one name: the same for what a person would call the same."""
    match verdict:
        case Plan() as plan:
            return plan_hash(plan)
        case Hold(findings):
            return hash_of(["hold", *sorted([one.code, one.field, one.sentence] for one in findings)])
        case Ignore(reason) | Wait(reason):
            return hash_of([type(verdict).__name__, reason])
    return hash_of([type(verdict).__name__])


def plan_hash(plan: Plan, booked: Mapping[str, str] | None = None) -> str:
    """What consent names: the same writes with the same booked content give the same hash.

    `booked`: the hashes of the contents by key, where they were made already. A dimension's value is no part of it: a
    person approved it by itself, and once it stands in the ledger the plan goes without.
    """
    known = booked or {write.key: booked_hash(write.kind, write.content) for write in plan.writes}
    return hash_of([[write.key, write.kind, known[write.key]] for write in plan.writes if write.kind != KIND])


def changed(plan: Plan, ignoring: Ignoring) -> Finding:
    """Asks whether a record that was ignored is to be booked, now that it says something else."""
    keys = ", ".join(write.key for write in plan.writes)
    wanted = plan_hash(plan)
    return Finding(
        CHANGED,
        f"{ignoring.by} ignored this record ({ignoring.reason}), and it has changed at its source since: now {keys} "
        "would be booked. Accept to book it, or ignore it again.",
        proposal={"accept": wanted, "plan_hash": wanted},
    )


def _shown(proposal: Mapping[str, Any]) -> tuple[int, str] | None:
    kept = proposal.get("shown")
    return (int(kept[0]), str(kept[1])) if isinstance(kept, list) else None
