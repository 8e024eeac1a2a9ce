"""Judging: what one record should become, decided without touching anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ml_connector.clock import moment
from ml_connector.engine.books import Books, Road
from ml_connector.engine.gathering import Case, Gathered
from ml_connector.finance.encoding import booked_hash, hash_of
from ml_connector.finance.plan import Elsewhere, Finding, Hold, Ignore, Need, Plan, Related, Verdict, Wait
from ml_connector.rules.validation import validate

BY_PERSON = "A person decided: "  # how the reason of what a person ignored begins
_ONLY_LATE = frozenset({"period-closed", "period-missing", "vat-reported"})


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
    unread: tuple[tuple[str, str], ...] = ()  # it waits until these streams of other connections were read


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
            case, Wait(f"Waits for {', '.join(need.said for need in missing[:3])}."), rulebook.version, missing
        )
    related = gathered.related(case)
    verdict = road.flow.plan(case.document, related, terms=case.terms, rulebook=rulebook, chart=books.chart)
    if isinstance(verdict, Plan):
        findings = (*verdict.findings, *validate(verdict, books.chart, case.terms))
        blocking = tuple(finding for finding in findings if finding.blocks)
        if blocking:
            verdict = Hold(blocking)
        elif findings != verdict.findings:
            verdict = replace(verdict, findings=findings)
    if case.settled and isinstance(verdict, Hold) and {finding.code for finding in verdict.findings} <= _ONLY_LATE:
        return Judged(case, Stands(), rulebook.version)
    return Judged(case, verdict, rulebook.version, unread=_unread(related) if isinstance(verdict, Wait) else ())


def _unread(related: Related) -> tuple[tuple[str, str], ...]:
    """The streams of other connections that must be read before these can tell anything."""
    told = (one for answer in related.answers.values() for one in answer)
    return tuple(dict.fromkeys(one.reading for one in told if isinstance(one, Elsewhere) and one.reading))


def plan_hash(plan: Plan, booked: Mapping[str, str] | None = None) -> str:
    """What consent names: the same writes with the same booked content give the same hash. `booked`: the hashes of the
    contents by key, where they were made already.
    """
    known = booked or {write.key: booked_hash(write.kind, write.content) for write in plan.writes}
    return hash_of([[write.key, write.kind, known[write.key]] for write in plan.writes])
