"""Adopting: a row that Basware has already for one of our codes keeps its own key there, for a code exists once.

Somebody else may have filled the tenant before us (another program, a file). A second row with the same code in the
same company would be refused or stand beside the first. So before rows are sent, what is there is read: whole once,
then what changed since. A restart learns it again from the same lists, so nothing of it is kept by us.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ml_connector.connectors.basware.client import BaswareClient, wire
from ml_connector.connectors.tokens import Now
from ml_connector.errors import NotAuthorized, Rejected
from ml_connector.finance.procurement import ReferenceRow, SupplierCard

FRESH = timedelta(minutes=10)
BACK = timedelta(minutes=5)
PAGE_SIZE = "500"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where rows of a kind are listed, under which key of the answer, and which field holds the code."""

    path: str
    key: str
    field: str


@dataclass(slots=True)
class _Read:
    """External codes by code, as they stood at one moment."""

    at: datetime
    codes: dict[str, list[str]]


class Adopting:
    """What one tenant has already. Safe between threads."""

    def __init__(self, client: BaswareClient, clock: Now) -> None:
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._read: dict[tuple[str, str], _Read] = {}

    def adopted(self, rows: Sequence[tuple[str, Any]]) -> list[tuple[str, Any]]:
        """The rows, each with the external code it has there. Raises Rejected naming those that are there twice."""
        found, twice = [], {}
        for key, row in rows:
            there = self._there(row)
            if len(there) > 1 and row.external_code not in there:
                twice[key] = f"Basware has {len(there)} rows with code {_code(row)} in company {row.company}: keep one."
            known = row.external_code if not there or row.external_code in there else there[0]
            found.append((key, row if known == row.external_code else replace(row, external_code=known)))
        if twice:
            what = " ".join(list(twice.values())[:3])
            raise Rejected(what, record=next(iter(twice)), fix="Then replay the record.", rows=twice)
        return found

    def codes(self, row: Any) -> tuple[str, ...]:
        """Every external code by which a result may name this row: ours, and the one it has there."""
        return tuple(dict.fromkeys((row.external_code, *self._there(row))))

    def _there(self, row: Any) -> list[str]:
        place = _place_of(row)
        return self._listed(place, row.company).get(_code(row), []) if place is not None else []

    def _listed(self, place: _Place, company: str) -> Mapping[str, list[str]]:
        with self._lock:
            known, now = self._read.get((place.path, company)), self._clock.now()
            if known is not None and now - known.at < FRESH:
                return known.codes
            codes = dict(known.codes) if known is not None else {}
            since = {"lastUpdated": wire(known.at - BACK)} if known is not None else {}
            params = {"pageSize": PAGE_SIZE, "companyCode": company, **since}
            try:
                rows = self._client.rows(place.path, place.key, params, operation=f"GET {place.path} (codes)")
            except NotAuthorized:  # without the right to read, what is sent decides
                rows = []
            for row in rows:
                code, external = row.get(place.field), row.get("externalCode")
                if isinstance(code, str) and isinstance(external, str) and external not in codes.get(code, ()):
                    codes[code] = [*codes.get(code, ()), external]
            self._read[place.path, company] = _Read(now, codes)
            return codes


_PLACES: Mapping[str, _Place] = {
    "account": _Place("/v1/accounts", "accounts", "accountCode"),
    "cost_center": _Place("/v1/costCenters", "costCenters", "costCenterCode"),
    "tax_code": _Place("/v1/taxCodes", "taxCodes", "taxCode"),
    "payment_term": _Place("/v1/paymentTerms", "paymentTerms", "paymentTermCode"),
}
_VENDORS = _Place("/v1/vendors", "vendorEntities", "vendorCode")


def _place_of(row: Any) -> _Place | None:
    """None where rows have no code that must be there once."""
    if isinstance(row, SupplierCard):
        return _VENDORS
    if not isinstance(row, ReferenceRow):
        return None
    if row.kind == "list":
        column = next((name for name, text in row.columns.items() if text == row.code), "")
        return _Place(f"/v1/lists/{row.list_key}", "listItems", column) if column else None
    return _PLACES.get(row.kind)


def _code(row: SupplierCard | ReferenceRow) -> str:
    return row.number if isinstance(row, SupplierCard) else row.code
