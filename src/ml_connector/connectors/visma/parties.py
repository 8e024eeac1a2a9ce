"""Customers and suppliers in the ledger: looked up by what identifies them, found again after a lost answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial

from ml_connector.connectors.shapes import Observed
from ml_connector.connectors.visma import observed
from ml_connector.connectors.visma.client import PAGE_SIZE, VismaClient, segment, total_of
from ml_connector.connectors.visma.observed import Row, text
from ml_connector.errors import UsageError
from ml_connector.finance.invoices import PartyCard
from ml_connector.finance.plan import Found

KINDS = frozenset({"customer", "supplier"})
MOST_PAGES = 20  # of a directory: 20 000 parties; more are looked up one by one
_FILTERS = {"org_number": "corporateId", "vat_number": "vatRegistrationId", "email": "email"}


def look_up(client: VismaClient, kind: str, fields: Mapping[str, str]) -> list[Found]:
    """The parties that fit the first given field which any party fits: number, organisation number, VAT number, e-mail.

    Suppliers cannot be filtered by e-mail; that field is passed over for them.
    """
    if kind not in KINDS:
        raise UsageError(f"{kind!r} is no party of the ledger.", record=kind)
    if fields.get("number"):
        row = _numbered(client, kind, fields["number"])
        if row is not None:
            return [_found(row)]
    for name, filtered in _FILTERS.items():
        wanted = fields.get(name, "").strip()
        if not wanted or (kind == "supplier" and name == "email"):
            continue
        for spelled in _spellings(name, wanted):
            rows = _filtered(client, kind, {filtered: spelled}, partial(_fits, name=name, wanted=wanted))
            if rows:
                return [_found(row) for row in rows]
    return []


class Directory:
    """Every party of one kind by what identifies it. What a later change did is seen by the next one."""

    def __init__(self, kind: str, rows: Iterable[Row], *, calls: int) -> None:
        self.calls = calls
        self._kind = kind
        self._by: dict[tuple[str, str], dict[str, Row]] = {}
        for row in rows:
            for name, value in _marks(row):
                self._by.setdefault((name, value), {})[text(row.get("number"))] = row

    def look_up(self, fields: Mapping[str, str]) -> list[Found]:
        """As `look_up` of this module."""
        for name in ("number", *_FILTERS):
            wanted = fields.get(name, "").strip()
            if not wanted or (self._kind == "supplier" and name == "email"):
                continue
            rows = self._by.get((name, _mark(name, wanted)))
            if rows:
                return [_found(row) for row in rows.values()]
        return []


def directory(client: VismaClient, kind: str) -> Directory | None:
    """All parties of a kind; None where the first page tells that they are too many."""
    found: list[Row] = []
    for calls, rows in enumerate(client.pages(f"/v1/{kind}", {}, operation=f"GET /v1/{kind}"), start=1):
        found += rows
        total = total_of(rows)
        if calls > MOST_PAGES or (total is not None and total > MOST_PAGES * PAGE_SIZE):
            return None
    return Directory(kind, found, calls=max(1, -(-len(found) // PAGE_SIZE)))


def find(client: VismaClient, card: PartyCard, *, since: datetime | None) -> list[Observed]:
    """A party that a lost call may have made: by its number, its organisation number, else by name since then."""
    if card.number is not None:
        row = _numbered(client, card.kind, card.number)
        return [] if row is None else [observed.party(row)]
    if card.org_number:
        rows = _filtered(
            client,
            card.kind,
            {"corporateId": card.org_number},
            partial(_fits, name="org_number", wanted=card.org_number),
        )
    else:
        params = {"name": card.name}
        if since is not None:
            params |= {
                "lastModifiedDateTime": since.replace(microsecond=0).isoformat(),
                "lastModifiedDateTimeCondition": ">=",
            }
        rows = _filtered(
            client, card.kind, params, lambda row: text(row.get("name")).casefold() == card.name.casefold()
        )
    return [observed.party(row) for row in rows]


def _numbered(client: VismaClient, kind: str, number: str) -> Row | None:
    found = client.row(f"/v1/{kind}/{segment(number)}", operation=f"GET /v1/{kind}/{{id}}")
    if found is None:
        return None
    row = found[0]
    return row if text(row.get("number")).strip() == number.strip() else None


def _filtered(client: VismaClient, kind: str, params: Mapping[str, str], fits: Callable[[Row], bool]) -> list[Row]:
    rows = client.listed(f"/v1/{kind}", params, operation=f"GET /v1/{kind}")
    return list({text(row.get("number")): row for row in rows if fits(row)}.values())


def _fits(row: Row, name: str, wanted: str) -> bool:
    if name == "email":
        contacts = (row.get("mainContact"), row.get("invoiceContact"))
        mails = {text(contact.get("email")).casefold() for contact in contacts if isinstance(contact, Mapping)}
        return wanted.casefold() in mails
    return _bare(text(row.get(_FILTERS[name]))) == _bare(wanted)


def _marks(row: Row) -> Iterable[tuple[str, str]]:
    """By what a party is found, as `_mark` spells it."""
    yield "number", text(row.get("number")).strip()
    for name in ("org_number", "vat_number"):
        yield name, _bare(text(row.get(_FILTERS[name])))
    for contact in (row.get("mainContact"), row.get("invoiceContact")):
        if isinstance(contact, Mapping):
            yield "email", text(contact.get("email")).casefold()


def _mark(name: str, wanted: str) -> str:
    if name == "number":
        return wanted
    return wanted.casefold() if name == "email" else _bare(wanted)


def _spellings(name: str, wanted: str) -> Iterable[str]:
    """The filter compares letter by letter: a number is asked for as given, bare, or with the dash of ten digits."""
    if name == "email":
        return (wanted,)
    bare = _bare(wanted)
    dashed = f"{bare[:6]}-{bare[6:]}" if len(bare) == 10 and bare.isdigit() else bare
    return dict.fromkeys((wanted, bare, dashed))


def _bare(number: str) -> str:
    """A registration number without the spaces, dots and dashes people write in it."""
    return re.sub(r"[^0-9A-Z]", "", number.upper())


def _found(row: Row) -> Found:
    facts = {
        "org_number": text(row.get("corporateId")),
        "vat_number": text(row.get("vatRegistrationId")),
        "vat_zone": text(row.get("vatZone")),
        "terms": text(row.get("creditTerms")),
        "internal_id": text(row.get("internalId")),
    }
    return Found(
        number=text(row.get("number")),
        name=text(row.get("name")),
        status=text(row.get("status")) or "Active",
        currency=text(row.get("currencyId")) or None,
        facts={name: value for name, value in facts.items() if value},
    )
