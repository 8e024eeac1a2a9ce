"""What became of requests, from requestStatus: one sweep for all of them. Pure, save for the reading itself.

An accepted POST says only that the form was right. A record is done when its own item says Success, or Warning, or
NotProcessed where the same content had Success before; a request can be an Error with good items in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from ml_connector.connectors.basware.client import STATUS, BaswareClient, Row, wire
from ml_connector.connectors.basware.fields import moment_of

SYSTEM = "P2P"
BACK = timedelta(minutes=5)
PAGE_SIZE = "500"
FINAL = frozenset({"Success", "Error", "AcknowledgedSuccess", "AcknowledgedError"})
OVERTAKEN = "Another version of this record, sent at the same moment, was taken in its place."
Verdict = Literal["done", "pending", "refused", "expired", "unchanged"]
_WORDS: Mapping[str, Verdict] = {
    "Success": "done",
    "Warning": "done",
    "Error": "refused",
    "RecordExpired": "expired",
    "NotProcessed": "unchanged",
}
_ORDER: tuple[Verdict, ...] = ("refused", "expired", "pending", "unchanged", "done")  # the first one counts


@dataclass(frozen=True, slots=True)
class Item:
    """What one system says of one record of one request."""

    verdict: Verdict
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One request: its state, when it last changed, and its records by external code."""

    id: str
    entity: str
    final: bool
    at: str
    items: Mapping[str, tuple[Item, ...]] = field(default_factory=dict)

    def judged(self, *codes: str) -> Item | None:
        """What it says of a record (known by any of these codes) over all systems; None when it does not name it."""
        found = [item for code in codes for item in self.items.get(code, ())]
        for verdict in _ORDER:
            for item in found:
                if item.verdict == verdict:
                    told = "; ".join(dict.fromkeys(one.sentence for one in found if one.sentence))
                    return Item(verdict, told)
        return None


def sweep(client: BaswareClient, since: datetime) -> dict[str, Request]:
    """Every request of ours since then, by id. Good items are never left out: a missing one would read as good."""
    params = {"system": SYSTEM, "lastUpdated": wire(since - BACK), "pageSize": PAGE_SIZE}
    return requests_of(client.rows(STATUS, "requestStatus", params, operation=f"GET {STATUS}"))


def history(client: BaswareClient, entity: str) -> dict[str, Request]:
    """Every request of one kind of record that Basware still remembers."""
    params = {"system": SYSTEM, "entityType": entity, "pageSize": PAGE_SIZE}
    return requests_of(client.rows(STATUS, "requestStatus", params, operation=f"GET {STATUS} (history)"))


def single(client: BaswareClient, request_id: str) -> Request | None:
    """One request by its id; None while Basware does not know it: it is on its way."""
    found = client.one(STATUS, request_id, key="requestStatus", params={"system": SYSTEM})
    return None if found is None else request_of(found)


def requests_of(rows: Iterable[Row]) -> dict[str, Request]:
    """Rows as requests; one that comes twice (pages shift) counts as it was last."""
    found: dict[str, Request] = {}
    for row in rows:
        one = request_of(row)
        if one.id and (one.id not in found or one.at >= found[one.id].at):
            found[one.id] = one
    return found


def request_of(row: Mapping[str, Any]) -> Request:
    """One request. Only what P2P says counts; unknown words are `pending`, never good."""
    items: dict[str, list[Item]] = {}
    systems = [one for one in _rows(row.get("systems")) if _text(one.get("system")) in (SYSTEM, "")]
    for system in systems:
        for item in _rows(system.get("items")):
            one = Item(_WORDS.get(_text(item.get("status")), "pending"), _sentence(item))
            for name in ("externalCode", "parentExternalCode"):
                if _text(item.get(name)):
                    items.setdefault(_text(item.get(name)), []).append(one)
    final = _text(row.get("requestStatus")) in FINAL or (
        bool(systems) and all(_text(one.get("systemStatus")) in FINAL for one in systems)
    )
    at = moment_of(row.get("lastUpdated"))
    return Request(
        id=_text(row.get("requestId")),
        entity=_text(row.get("entityType")),
        final=final,
        at=at.isoformat(timespec="microseconds") if at is not None else "",
        items={code: tuple(several) for code, several in items.items()},
    )


def newer(
    known: Mapping[str, Request], entity: str, codes: Sequence[str], *, than: Request, sent_at: str
) -> Item | None:
    """What another request says of a record that one, sent then, calls expired; None when there is none. At work: wait.

    The newer one may finish first: what finished after this one was sent is not older than it, as nothing of ours is on
    its way when a record is sent.
    """
    others = (one for one in known.values() if one.id != than.id and one.entity == entity and not one.final)
    if any(code in one.items for one in others for code in codes):
        return Item("pending")
    since = min(sent_at, than.at) if sent_at else than.at
    found = _nearest(entity, codes, [one for one in known.values() if one.id != than.id and one.at >= since])
    return Item("done", found.sentence or OVERTAKEN) if found is not None and found.verdict == "done" else found


def before(known: Mapping[str, Request], entity: str, codes: Sequence[str], *, than: Request) -> Item | None:
    """What the last request before this one says of a record that this one calls unchanged.

    Requests that say unchanged too say nothing themselves.
    """
    return _nearest(entity, codes, [one for one in known.values() if one.id != than.id and one.at <= than.at])


def _nearest(entity: str, codes: Sequence[str], others: Iterable[Request]) -> Item | None:
    """What the last of these requests says of a record, save those that say only that it was theirs no more."""
    for one in sorted(others, key=lambda request: request.at, reverse=True):
        item = one.judged(*codes) if one.entity == entity else None
        if item is not None and item.verdict not in ("unchanged", "expired"):
            return item
    return None


def _sentence(item: Mapping[str, Any]) -> str:
    told = []
    for error in _rows(item.get("errors")):
        message, category = _text(error.get("message")), _text(error.get("category"))
        told.append(f"{message} ({category})" if message and category == "Technical" else message)
    return "; ".join(dict.fromkeys(one for one in told if one))[:500]


def _rows(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
