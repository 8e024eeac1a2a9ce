"""What must be known around records before they can be planned: answered from the store, or named as missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ml_connector.connectors.shapes import Translate
from ml_connector.engine import look_ups, ours, siblings, walks
from ml_connector.engine.ignoring import Ignoring
from ml_connector.engine.siblings import Asker
from ml_connector.engine.works import Works
from ml_connector.errors import Untranslatable
from ml_connector.finance.documents import Document
from ml_connector.finance.plan import Answer, Content, Need, Related
from ml_connector.finance.rulebook import Rulebook, Terms
from ml_connector.flows.flow import Flow
from ml_connector.store import records
from ml_connector.store.database import Connection
from ml_connector.store.records import StoredRecord

ROUNDS = 8  # payment -> order -> invoice -> customer -> party in the ledger is five


@dataclass(frozen=True, slots=True)
class Case:
    """One record to be planned: its document, or why it cannot be read.

    `posted` is what stands in the ledger for it, by key; `settled`: all of that, and the record has not changed since.
    `ignoring`: a person's word that it is to be left out.
    """

    id: str  # of the trip, or any name in a preview
    document: Document | None
    fault: Untranslatable | None
    flow: Flow
    terms: Terms
    source_id: str
    target_id: str
    translate: Translate
    decisions: Mapping[str, str] = field(default_factory=dict)
    posted: Mapping[str, Content] = field(default_factory=dict)
    settled: bool = False
    rulebook: Rulebook | None = None
    n: int = 0  # the version of the record
    ignoring: Ignoring | None = None


@dataclass(slots=True)
class Gathered:
    """Everything known around the cases, and what is missing by case."""

    answers: dict[tuple[str, str], Answer]  # (connection, need name)
    missing: dict[str, list[Need]]
    unknown: dict[tuple[str, str], Need]  # what to look up in a target: (connection, need name)
    asked: dict[str, list[tuple[tuple[str, str], Need]]]  # what each case asked, by its name in `answers`

    def related(self, case: Case) -> Related:
        """What is known around one case."""
        answers = self.answers
        known = {place[1]: answers[place] for place, _ in self.asked.get(case.id, ()) if place in answers}
        return Related(known, case.decisions, case.posted, case.rulebook)

    def watched(self, case: Case) -> tuple[Need, ...]:
        """What a case looked at that its plan is to be made again for."""
        kinds = case.flow.watches
        return tuple(need for _, need in self.asked.get(case.id, ()) if need.kind in kinds) if kinds else ()


class _Known(Mapping[str, Answer]):
    """All that is known, as one case sees it. It remembers what the case looked for in vain."""

    __slots__ = ("_answers", "_source", "_target", "in_vain")

    def __init__(self, case: Case, answers: Mapping[tuple[str, str], Answer]) -> None:
        self._answers, self._source, self._target = answers, case.source_id, case.target_id
        self.in_vain: list[tuple[str, str]] = []

    def get(self, name: str, default: Any = None) -> Any:
        place = (self._target if name.startswith("target:") else self._source, name)
        found = self._answers.get(place)
        if found is None:
            self.in_vain.append(place)
            return default
        return found

    def __getitem__(self, name: str) -> Answer:
        found: Answer | None = self.get(name)
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return (name for connection_id, name in self._answers if connection_id in (self._source, self._target))

    def __len__(self) -> int:
        return sum(1 for _ in self)


@dataclass(slots=True)
class _Asking:
    case: Case
    known: _Known
    related: Related
    needs: list[tuple[tuple[str, str], Need]] = field(default_factory=list)


def document_of(
    works: Works, record: StoredRecord, translate: Translate
) -> tuple[Document | None, Untranslatable | None]:
    """A stored record as a document, or why it cannot be read as one."""
    try:
        return _translated(works, record, translate), None
    except Untranslatable as error:
        return None, error


def _translated(works: Works, record: StoredRecord, translate: Translate) -> Document:
    payload = record.payload
    if payload is None:
        raise Untranslatable("The payload was erased.", field="payload", record=record.external_id)
    name = (translate, record.kind, record.hash)
    return works.documents.of(name, lambda: translate(record.kind, records.payload_of(payload)))


def gather(
    works: Works, c: Connection, cases: Sequence[Case], *, known: Mapping[tuple[str, str], Answer] | None = None,
    since: int | None = None,
) -> Gathered:  # fmt: skip
    """Ask each case what it needs, again after each round of answers, until nothing new is asked.

    What a case needs follows from what it looked at: it is asked again only when something came that it looked for.
    `since`: when this planning began (now, if not given). What must be fresh is looked up after it.
    """
    began = works.now() if since is None else since
    found = Gathered(dict(known or {}), {}, {}, {})
    tried: set[tuple[str, str]] = set()
    asking = everyone = [_asking(case, found) for case in cases if case.document is not None]
    for _ in range(ROUNDS):
        asked = _ask(asking, found, tried=tried)
        tried |= asked.keys()
        _answer_siblings(works, c, asked, found=found)
        _answer(works, c, asked, found=found, since=began)
        asking = [one for one in asking if any(place in found.answers for place in one.known.in_vain)]
        if not asking:
            break
    for one in everyone:
        found.asked[one.case.id] = one.needs
        found.missing[one.case.id] = [need for place, need in one.needs if place not in found.answers]
    return found


def _asking(case: Case, found: Gathered) -> _Asking:
    known = _Known(case, found.answers)
    return _Asking(case, known, Related(answers=known, decisions=case.decisions, posted=case.posted))


def _ask(
    asking: Sequence[_Asking], found: Gathered, *, tried: set[tuple[str, str]]
) -> dict[tuple[str, str], tuple[Need, Case]]:
    """What every case still needs by what it knows: by (connection, need name), leaving out what was tried before."""
    asked: dict[tuple[str, str], tuple[Need, Case]] = {}
    for one in asking:
        case = one.case
        one.known.in_vain.clear()
        if case.document is None:
            continue
        one.needs = [(_place(case, need), need) for need in case.flow.needs(case.document, one.related, case.terms)]
        for place, need in one.needs:
            if place not in found.answers and place not in tried:
                asked[place] = need, case
    return asked


def _answer_siblings(
    works: Works, c: Connection, asked: Mapping[tuple[str, str], tuple[Need, Case]], *, found: Gathered
) -> None:
    """What the company's other connections tell of the same events."""
    by_asker: dict[Asker, dict[str, Need]] = {}
    for need, case in asked.values():
        if need.system == "sibling":
            asker = Asker(case.source_id, case.target_id, case.flow, case.terms.code)
            by_asker.setdefault(asker, {})[need.name] = need
    for asker, needs in by_asker.items():
        answers = siblings.answer(works, c, asker, list(needs.values()))
        found.answers |= {(asker.source_id, name): answer for name, answer in answers.items()}


def _place(case: Case, need: Need) -> tuple[str, str]:
    return case.target_id if need.system == "target" else case.source_id, need.name


def _answer(
    works: Works, c: Connection, asked: Mapping[tuple[str, str], tuple[Need, Case]], *, found: Gathered, since: int
) -> None:
    """Answer from the store what it can answer."""
    by_id: dict[tuple[str, str], list[tuple[str, Need, Translate]]] = {}
    by_link: dict[tuple[str, str, str], list[tuple[str, Need, Translate]]] = {}
    for (connection_id, name), (need, case) in asked.items():
        if need.system == "sibling":
            continue
        if need.system in ("target", "own"):
            _answer_written(works, c, connection_id, need, found=found, since=since)
        elif need.id is not None:
            by_id.setdefault((connection_id, need.kind), []).append((name, need, case.translate))
        elif need.link is not None:
            by_link.setdefault((connection_id, need.kind, need.link[0]), []).append((name, need, case.translate))
    for (connection_id, kind), needs in by_id.items():
        _answer_ids(works, c, (connection_id, kind), needs, found=found)
    for (connection_id, kind, link), several in by_link.items():
        _answer_links(works, c, (connection_id, kind, link), several, found=found)


def _answer_ids(
    works: Works, c: Connection, where: tuple[str, str], needs: Sequence[tuple[str, Need, Translate]], *,
    found: Gathered
) -> None:  # fmt: skip
    """Records by their ids; none, where only what is kept was asked for."""
    connection_id, kind = where
    stored = records.by_names(c, connection_id, kind, [need.id or "" for _, need, _ in needs])
    for name, need, translate in needs:
        record = stored.get(need.id or "")
        if record is not None:
            found.answers[connection_id, name] = _documents(works, [record], translate)
        elif need.system == "kept":
            found.answers[connection_id, name] = ()


def _answer_links(
    works: Works, c: Connection, where: tuple[str, str, str], needs: Sequence[tuple[str, Need, Translate]], *,
    found: Gathered
) -> None:  # fmt: skip
    """Records that point to something; none, where a walk that is young enough has found none."""
    connection_id, kind, link = where
    pointing = records.by_links(c, connection_id, kind, link, [need.link[1] for _, need, _ in needs if need.link])
    marks: dict[str | None, int] = {}
    now = works.clock.now()
    for name, need, translate in needs:
        several = pointing.get(need.link[1] if need.link else "", [])
        if several or need.system == "kept":
            found.answers[connection_id, name] = _documents(works, several, translate)
        elif need.optional and _walked(c, connection_id, need, marks) >= walks.reach(need.since, now=now):
            found.answers[connection_id, name] = ()


def _documents(works: Works, stored: Sequence[StoredRecord], translate: Translate) -> Answer:
    found = [document_of(works, record, translate)[0] for record in stored]
    return tuple(document for document in found if document is not None)


def _walked(c: Connection, connection_id: str, need: Need, marks: dict[str | None, int]) -> int:
    if need.location not in marks:
        marks[need.location] = walks.walked_at(c, connection_id, (need.kind, need.location))
    return marks[need.location]


def _answer_written(
    works: Works, c: Connection, connection_id: str, need: Need, *, found: Gathered, since: int
) -> None:
    """What stands in the target, or what of ours stands in the source."""
    if need.system == "own":
        found.answers[connection_id, need.name] = ours.answer(c, connection_id, need)
        return
    known = look_ups.answer(works, c, connection_id, need, since=since)
    if isinstance(known, Need):
        found.unknown[connection_id, need.name] = known
    elif known is not None:
        found.answers[connection_id, need.name] = known
