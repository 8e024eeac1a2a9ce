"""Judging: what one record should become, decided without touching anything."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ml_connector.clock import moment
from ml_connector.engine.books import Books, Road
from ml_connector.engine.gathering import Case, Gathered
from ml_connector.engine.ignoring import CHANGED, changed, content_hash
from ml_connector.finance.plan import Elsewhere, Finding, Hold, Need, Plan, Related, Verdict, Wait
from ml_connector.rules.dimension_values import made_first, with_new
from ml_connector.rules.validation import validate

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
    shown: str | None = None  # a person ignores it, and this is what was shown
    asked_anew: str | None = None  # a person ignored what is not so any more: this is what it is now
    behind: Plan | None = None  # what a question asks a person to have booked
    watched: tuple[Need, ...] = ()  # where it is held or waits: what it looked at that may change that


def judge(case: Case, gathered: Gathered, *, books: Books, road: Road, day_of: int | None) -> Judged:
    """Decide, touching nothing, what one record should become."""
    ignoring = case.ignoring
    if ignoring is None:
        return _judged(case, gathered, books=books, road=road, day_of=day_of)
    silent = Judged(case, ignoring.verdict, road.rulebook_on(moment(day_of or 0).date()).version)
    if ignoring.shown is not None and ignoring.shown[0] == case.n:
        return silent
    judged = _judged(case, gathered, books=books, road=road, day_of=day_of)
    now = content_hash(judged.verdict)
    if ignoring.shown is None or ignoring.shown[1] == now:
        return replace(silent, shown=now)
    if isinstance(judged.verdict, Plan) and not case.posted and case.decisions.get(CHANGED) != now:
        judged = replace(judged, verdict=Hold((changed(judged.verdict, ignoring),)), behind=judged.verdict)
    return judged if isinstance(judged.verdict, Wait) else replace(judged, asked_anew=now)


def _judged(case: Case, gathered: Gathered, *, books: Books, road: Road, day_of: int | None) -> Judged:
    rulebook = road.rulebook_on(moment(day_of or 0).date())
    if case.document is None:
        field = case.fault.field if case.fault else ""
        finding = Finding("untranslatable", str(case.fault), field=field)
        return Judged(case, Hold((finding,)), rulebook.version)
    missing = tuple(gathered.missing.get(case.id, ()))
    if missing:
        return Judged(
            case, Wait(f"Waits for {', '.join(need.said for need in missing[:3])}."), rulebook.version, missing
        )
    related = gathered.related(case)
    verdict = road.flow.plan(case.document, related, terms=case.terms, rulebook=rulebook, chart=books.chart)
    if isinstance(verdict, Plan):
        coming = case.terms.new_dimension_values
        verdict = made_first(verdict, books.chart, coming) if coming else verdict
        chart = with_new(books.chart, coming) if coming else books.chart
        findings = (*verdict.findings, *validate(verdict, chart, case.terms))
        blocking = tuple(finding for finding in findings if finding.blocks)
        if blocking:
            verdict = Hold(blocking)
        elif findings != verdict.findings:
            verdict = replace(verdict, findings=findings)
    if case.settled and isinstance(verdict, Hold) and {finding.code for finding in verdict.findings} <= _ONLY_LATE:
        return Judged(case, Stands(), rulebook.version)
    watched = gathered.watched(case) if isinstance(verdict, Hold | Wait) else ()
    unread = _unread(related) if isinstance(verdict, Wait) else ()
    return Judged(case, verdict, rulebook.version, unread=unread, watched=watched)


def _unread(related: Related) -> tuple[tuple[str, str], ...]:
    """The streams of other connections that must be read before these can tell anything."""
    told = (one for answer in related.answers.values() for one in answer)
    return tuple(dict.fromkeys(one.reading for one in told if isinstance(one, Elsewhere) and one.reading))
