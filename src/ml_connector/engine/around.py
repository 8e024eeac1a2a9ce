"""What new records will need to be planned, read together with them: fewer rounds later, fewer calls in all."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from ml_connector.clock import moment
from ml_connector.engine import arriving, gathering, walks
from ml_connector.engine.arriving import Brought, Wanted
from ml_connector.engine.books import needing_terms
from ml_connector.engine.gathering import Case
from ml_connector.engine.walks import Place
from ml_connector.engine.works import Line, Works
from ml_connector.errors import ConnectorError
from ml_connector.finance.documents import Document
from ml_connector.finance.plan import Answer, need_name
from ml_connector.store.records import Reading

ROUNDS = 4  # what is read may need more: a payment its order, the order its customer


def read_around(
    works: Works, line: Line, wanted: Wanted, brought: Sequence[Brought]
) -> tuple[list[Reading], dict[Place, int]]:
    """What these objects need and nobody has stored, read now; and when each walk for it began."""
    if not brought or wanted.translate is None or not wanted.routes:
        return [], {}
    around = _Around(works, wanted)
    around.add(brought)
    began = works.now()
    # What cannot be read now is no reason to lose what was: the trips ask for the rest, and tell what is wrong.
    with suppress(ConnectorError):
        _read_missing(works, line, wanted, around)
    return arriving.readings_of(around.extra, source="lookup", read_at=began), around.walks


def _read_missing(works: Works, line: Line, wanted: Wanted, around: _Around) -> None:
    for _ in range(ROUNDS):
        ids, links = around.missing()
        if not ids and not links:
            return
        for kind, names in ids.items():
            there, _gone = arriving.split(line.reader.fetch(kind, names))
            around.asked |= {(kind, name) for name in names}
            around.add(arriving.translated(works, wanted, there), extra=True)
        for (kind, location), since in links.items():
            walked_at = works.now()
            found = line.reader.walk(kind, location=location, since=moment(since))
            around.walks[kind, location] = walked_at
            around.add(arriving.translated(works, wanted, found), extra=True)


class _Around:
    """What is known around objects that were just read, before anything is stored."""

    def __init__(self, works: Works, wanted: Wanted) -> None:
        self._works, self._wanted = works, wanted
        self._have: set[tuple[str, str]] = set()
        self._known: dict[tuple[str, str], Answer] = {}
        self._cases: list[Case] = []
        with works.database.reading() as c:
            self._terms = {route.id: needing_terms(c, route) for route, _ in wanted.routes}
        self.asked: set[tuple[str, str]] = set()
        self.extra: list[Brought] = []
        self.walks: dict[Place, int] = {}

    def add(self, brought: Sequence[Brought], *, extra: bool = False) -> None:
        """Objects to plan for, or `extra` ones that only answer."""
        for one in brought:
            name = (one.object.kind, one.object.external_id)
            if name in self._have:
                continue
            self._have.add(name)
            if extra:
                self.extra.append(one)
            if one.document is not None:
                self._answers(one.document, one)
                self._plans(one.document, one)

    def _answers(self, document: Document, one: Brought) -> None:
        source = self._wanted.connection.id
        self._known[source, need_name(one.object.kind, one.object.external_id)] = (document,)
        for link in one.links:
            self._known[source, need_name(one.object.kind, link)] = (document,)

    def _plans(self, document: Document, one: Brought) -> None:
        translate = self._wanted.translate
        if translate is None:
            return
        for route, flow in self._wanted.routes:
            if one.object.kind in flow.kinds:
                name = f"{route.id}/{one.object.kind}/{one.object.external_id}"
                source, target = self._wanted.connection.id, route.target_id
                self._cases.append(Case(name, document, None, flow, self._terms[route.id], source, target, translate))

    def missing(self) -> tuple[dict[str, list[str]], dict[Place, int]]:
        """Ids, and walks by (kind, location) with how far back, that the plans will ask for and nobody knows yet."""
        ids: dict[str, set[str]] = {}
        links: dict[Place, int] = {}
        with self._works.database.reading() as c:
            found = gathering.gather(self._works, c, self._cases, known=self._known)
        # Whose needs are met asks nothing more: answers only grow while we read.
        self._cases = [case for case in self._cases if found.missing.get(case.id)]
        for needs in found.missing.values():
            for need in needs:
                if need.system == "target":
                    continue
                if need.id is not None and (need.kind, need.id) not in self.asked:
                    ids.setdefault(need.kind, set()).add(need.id)
                elif need.link is not None and need.optional and (need.kind, need.location) not in self.walks:
                    since = walks.reach(need.since, now=self._works.clock.now())
                    key = (need.kind, need.location)
                    links[key] = min(links.get(key, since), since)
        return {kind: sorted(names) for kind, names in ids.items()}, links
