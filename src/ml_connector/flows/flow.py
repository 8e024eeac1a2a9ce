"""What every pair of systems is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ml_connector.finance.chart import Chart
from ml_connector.finance.documents import Document
from ml_connector.finance.plan import Need, Related, Verdict
from ml_connector.finance.rulebook import Rulebook, Terms

OWN_ID = "id"  # in Flow.siblings: ours is met by its own id at its source
IDENTITY = "identity"  # a link: what tells a thing from another to which its source gives the same id later


class PlanFunction(Protocol):
    """Decides, touching nothing, what should be written for one document."""

    def __call__(
        self, document: Document, related: Related, *, terms: Terms, rulebook: Rulebook, chart: Chart
    ) -> Verdict: ...


@dataclass(frozen=True, slots=True)
class Flow:
    """One pair: which source kinds it books, which account roles it asks rules for, and its two pure functions.

    `needs(document, related, terms)` is asked again after each round of answers, so that a need may follow from another
    (payment -> order -> customer); it returns every need of the document, answered or not. `links(document)` tells by
    which (name, value) pairs other records may find this one: an invoice by ("order", its order id). `moves` are the
    kinds whose records say what the money at the source did: the clearing statement is drawn up from these alone, so
    no movement may stand in two of them. `siblings` are the records of a company's other connections that tell of the
    same event: (kind, link by which they name it, link by which ours does, or OWN_ID). `on_demand`: a kind whose
    records a person may ask for one by one, and under which name that decision reaches `plan`. `makers` are the parts
    of its keys ({code}:{part}:{id}) that do not begin the name of the kind that books them: (part, kind, link by which
    the id finds it; empty: the id is its own). `follows` are kinds that get no trip, but whose records plans read: what
    changed of them is read before the kinds that are booked. `watches` are kinds that plans look at: when a record of
    theirs has changed, what is held or waits and had looked at it is planned again. `merges`: the kind of
    records that tell that a party of the source became another, and the kind of those parties (`flows/successions`).
    `writes` tells which kinds go into the target by these terms, as far as the target's ping proves that they may.
    """

    name: str
    source: str
    target: str
    kinds: tuple[str, ...]
    roles: tuple[str, ...]
    needs: Callable[[Document, Related, Terms], tuple[Need, ...]]
    plan: PlanFunction
    links: Callable[[Document], tuple[tuple[str, str], ...]]
    moves: tuple[str, ...] = ()
    siblings: tuple[tuple[str, str, str], ...] = ()
    on_demand: tuple[str, str] | None = None
    makers: tuple[tuple[str, str, str], ...] = ()
    follows: tuple[str, ...] = ()
    watches: tuple[str, ...] = ()
    merges: tuple[str, str] | None = None
    writes: Callable[[Terms], tuple[str, ...]] | None = None
