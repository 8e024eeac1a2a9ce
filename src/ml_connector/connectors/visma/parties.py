"""Customers and suppliers in the ledger: looked up by what identifies them, found again after a lost answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial

from ml_connector.connectors.shapes import Observed
from ml_connector.connectors.visma import observed
from ml_connector.connectors.visma.client import VismaClient, segment
from ml_connector.connectors.visma.observed import Row, text
from ml_connector.errors import UsageError
from ml_connector.finance.invoices import PartyCard
from ml_connector.finance.plan import Found

KINDS = frozenset({"customer", "supplier"})
FILTERS = {"org_number": "corporateId", "vat_number": "vatRegistrationId", "email": "email"}


def look_up(client: VismaClient, kind: str, fields: Mapping[str, str]) -> list[Found]:
    """The parties that fit the first given field which any party fits: number, organisation number, VAT number, e-mail.

    Suppliers cannot be filtered by e-mail; that field is passed over for them.
    """
    if kind not in KINDS:
        raise UsageError(f"{kind!r} is no party of the ledger.", record=kind)
    if fields.get("number"):
        row = _numbered(client, kind, fields["number"])
        if row is not None:
            return [found_in(row)]
    for name, filtered in FILTERS.items():
        wanted = fields.get(name, "").strip()
        if not wanted or (kind == "supplier" and name == "email"):
            continue
        for spelled in _spellings(name, wanted):
            rows = _filtered(client, kind, {filtered: spelled}, partial(_fits, name=name, wanted=wanted))
            if rows:
                return [found_in(row) for row in rows]
    return []


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
    return bare(text(row.get(FILTERS[name]))) == bare(wanted)


def _spellings(name: str, wanted: str) -> Iterable[str]:
    """The filter compares letter by letter: a number is asked for as given, bare, or with the dash of ten digits."""
    if name == "email":
        return (wanted,)
    digits = bare(wanted)
    dashed = f"{digits[:6]}-{digits[6:]}" if len(digits) == 10 and digits.isdigit() else digits
    return dict.fromkeys((wanted, digits, dashed))


def bare(number: str) -> str:
    """A registration number without the spaces, dots and dashes people write in it."""
    return re.sub(r"[^0-9A-Z]", "", number.upper())


def found_in(row: Row) -> Found:
    """A party's row as the answer to a look-up."""
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
