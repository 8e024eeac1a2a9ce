"""Customers of Stripe that may be a customer of the ledger. Several hits are all told; nothing is picked here.

Search lags behind what was written, so it is never believed when it finds nothing: lists do not lag. By a tax id
Stripe finds nobody; so who has which is kept for a while, and what was made since is read before each look.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from ml_connector.connectors.pacing import Ticking
from ml_connector.connectors.stripe.bodies import TOKEN
from ml_connector.connectors.stripe.client import Row, StripeClient
from ml_connector.connectors.stripe.fields import Fields, id_in
from ml_connector.connectors.stripe.paths import CUSTOMERS as PATH
from ml_connector.finance.plan import Found

WITH_TAX_IDS = {"expand": ["data.tax_ids"]}
MARKS = (("customer_no", "visma_customer_no"), ("org_number", "org_no"))


_NORWEGIAN = re.compile(r"(NO)?[0-9]{9}(MVA)?")
FRESH = timedelta(hours=1)  # a tax id given to an old customer is seen so late
OVERLAP = timedelta(minutes=5)
RECENT = timedelta(minutes=1)  # who was made since is not looked for: the search lags as much


class TaxIds:
    """Which customer has which tax id, read whole at the first need. Thread-safe."""

    def __init__(self, client: StripeClient, clock: Ticking) -> None:
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._rows: dict[str, Row] = {}
        self._whole: datetime | None = None
        self._newest: datetime | None = None

    def having(self, numbers: set[str]) -> list[Row]:
        """The customers with one of these tax ids. One call a minute; once an hour one for each hundred."""
        with self._lock:
            self._renew(self._clock.now())
            return [row for row in self._rows.values() if _tax_ids(row) & numbers]

    def _renew(self, now: datetime) -> None:
        whole = self._whole is None or now - self._whole > FRESH
        if not whole and self._newest is not None and now - self._newest < RECENT:
            return
        params: dict[str, Any] = dict(WITH_TAX_IDS)
        found = {} if whole else dict(self._rows)
        if not whole and self._newest is not None:
            params["created"] = {"gte": int((self._newest - OVERLAP).timestamp())}
        for row in self._client.every(PATH, params):
            id_ = id_in(row)
            if id_ is not None and _tax_ids(row):
                found[id_] = row
        self._rows, self._newest = found, now  # only now: an answer that is lost half way leaves all as it was
        if whole:
            self._whole = now


def look_up(client: StripeClient, fields: Mapping[str, str], *, tax_ids: TaxIds) -> list[Found]:
    """The customers that fit the first way which finds any: id, marks, tax id, e-mail, name. 1-4 calls.

    `fields`: number (the id), customer_no, org_number, vat_number, email, name. Facts of an answer: by, email, balance
    and currency as Stripe has them.
    """
    if fields.get("number"):
        row = client.one(PATH, fields["number"])
        return [] if row is None else [_found(row, "number")]
    rows = _searched(client, fields)
    return (
        _by_marks(rows, fields)
        or _by_tax_id(client, fields, tax_ids)
        or _by_email(client, fields)
        or _by_name(rows, fields)
    )


def _searched(client: StripeClient, fields: Mapping[str, str]) -> list[Row]:
    """Whoever has one of the marks or the name: one search, all of its clauses joined by OR."""
    asked = [(f"metadata['{mark}']", fields[name].strip()) for name, mark in MARKS if fields.get(name, "").strip()]
    if name := fields.get("name", "").strip():
        asked.append(("name", name))
    if not asked:
        return []
    return client.search(PATH, " OR ".join(f"{field}:'{_escaped(value)}'" for field, value in asked))


def _by_marks(rows: list[Row], fields: Mapping[str, str]) -> list[Found]:
    asked = [(mark, fields[name].strip()) for name, mark in MARKS if fields.get(name, "").strip()]
    marked = [row for row in rows if any(_mark(row, mark) == value for mark, value in asked)]
    named = [row for row in marked if _mark(row, MARKS[0][1]) == fields.get("customer_no", "").strip() != ""]
    return [_found(row, "customer number" if named else "organisation number") for row in named or marked]


def _by_email(client: StripeClient, fields: Mapping[str, str]) -> list[Found]:
    email = fields.get("email", "").strip()
    if not email:
        return []
    rows = client.every(PATH, {"email": email, **WITH_TAX_IDS})
    same = [row for row in rows if row.get("email") == email and not _other(row, fields)]
    return [_found(row, "email") for row in same]


def _by_tax_id(client: StripeClient, fields: Mapping[str, str], tax_ids: TaxIds) -> list[Found]:
    """By VAT or organisation number among the tax ids: no filter of Stripe's knows them."""
    wanted = _numbers(fields)
    if not wanted:
        return []
    ids = [str(row.get("id")) for row in tax_ids.having(wanted)]
    rows = [client.one(PATH, id_, expand=("tax_ids",)) for id_ in ids]  # as it is now
    kept = [row for row in rows if row is not None and _tax_ids(row) & wanted and not _other(row, fields)]
    return [_found(row, "VAT number") for row in kept]


def _by_name(rows: list[Row], fields: Mapping[str, str]) -> list[Found]:
    name = fields.get("name", "").strip().casefold()
    same = [row for row in rows if name and str(row.get("name") or "").casefold() == name]
    return [_found(row, "name") for row in same]


def _other(row: Row, fields: Mapping[str, str]) -> bool:
    """Whether a customer is surely another one: an address may be shared, a number is not."""
    mark = _mark(row, MARKS[0][1])
    if mark and fields.get("customer_no") and mark != fields["customer_no"].strip():
        return True
    held, wanted = _tax_ids(row), _numbers(fields)
    return bool(held and fields.get("vat_number") and not held & wanted)


def _tax_ids(row: Row) -> set[str]:
    ids = row.get("tax_ids")
    held = ids.get("data") if isinstance(ids, dict) else None
    return _forms(str(one.get("value") or "") for one in held or () if isinstance(one, dict))


def _numbers(fields: Mapping[str, str]) -> set[str]:
    """The numbers of the ledger's customer."""
    return _forms(fields.get(name, "") for name in ("vat_number", "org_number"))


def _forms(numbers: Iterable[str]) -> set[str]:
    """Letters and digits of numbers; Norway's with and without its letters too."""
    bare = {_bare(number) for number in numbers} - {""}
    digits = {one.removeprefix("NO").removesuffix("MVA") for one in bare if _NORWEGIAN.fullmatch(one)}
    return bare | digits


def _found(row: Row, by: str) -> Found:
    fields = Fields(row, record=id_in(row))
    facts = {
        "by": by,
        "email": fields.text("email"),
        "balance": str(fields.whole_or_none("balance") or 0),
        "customer_no": _mark(row, MARKS[0][1]),
    }
    currency = fields.text("currency").upper() or None
    return Found(
        fields.id("id"),
        name=fields.text("name"),
        currency=currency,
        facts={name: value for name, value in facts.items() if value},
    )


def _mark(row: Mapping[str, Any], name: str) -> str:
    marks = row.get("metadata")
    value = marks.get(name) if isinstance(marks, Mapping) else None
    return value if isinstance(value, str) else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


def _bare(number: str) -> str:
    return "".join(letter for letter in number.upper() if letter.isalnum())


def token_in(row: Mapping[str, Any]) -> str:
    """Our token in an object's metadata."""
    return _mark(row, TOKEN)
