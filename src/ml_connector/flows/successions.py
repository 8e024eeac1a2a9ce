"""Successions: one party of a source became another, as its people merge customers; what plans then mean by either.

Who names a party that is no more means the one it became, and that one brings along all that it formerly was: where
any of them is bound in the ledger, so is it (`rules/parties`). A flow whose source can tell of it says so in
`Flow.merges`; told once, it is kept for good, and nobody looks for it at the source.
"""

from __future__ import annotations

from dataclasses import replace

from ml_connector.finance.documents import Party, Succession
from ml_connector.finance.plan import Need, Related

KIND = "succession"
BECAME = "became"


def links(told: Succession) -> tuple[tuple[str, str], ...]:
    """By which a party finds those that became it."""
    return ((BECAME, told.became),)


def needs_of(kind: str, id_: str, related: Related) -> list[Need]:
    """What tells which party an id means today, and what that formerly was. That it is gone is an answer."""
    line = _line(id_, related)
    today = line[-1]
    before = _before(today, related)
    needs = [*map(_succession, line), Need(kind=kind, id=today, optional=True), *map(_became, (today, *before))]
    return [*needs, *(_kept(kind, one) for one in before)]


def party_of(kind: str, id_: str, related: Related) -> Party | None:
    """The party that an id means today, with those it formerly was; None when the source has none and we know none."""
    today = _line(id_, related)[-1]
    names = [today, *_before(today, related)]
    known = {one: related.one(_kept(kind, one)) for one in names[1:]} | {today: related.one(Need(kind=kind, id=today))}
    party: Party | None = next((known[one] for one in names if known[one] is not None), None)
    if party is None or len(names) == 1:
        return party
    role = party.role
    others = (known[one] or Party(one, role, name="", active=True) for one in names if one != party.id)
    return replace(party, formerly=tuple(others))


def _line(id_: str, related: Related) -> list[str]:
    """The id and all that it became one after another, today's last."""
    found = [id_]
    while True:
        told: Succession | None = related.one(_succession(found[-1]))
        if told is None or told.became in found:
            return found
        found.append(told.became)


def _before(id_: str, related: Related) -> list[str]:
    """The ids of all that became this one, the nearest first."""
    found: list[str] = []
    looking = [id_]
    for one in looking:
        told: tuple[Succession, ...] = related.documents(_became(one)) or ()
        new = [each.id for each in told if each.id not in (id_, *looking)]
        looking += new
        found += new
    return found


def _succession(id_: str) -> Need:
    return Need(kind=KIND, id=id_, system="kept")


def _became(id_: str) -> Need:
    return Need(kind=KIND, link=(BECAME, id_), system="kept")


def _kept(kind: str, id_: str) -> Need:
    return Need(kind=kind, id=id_, system="kept")
