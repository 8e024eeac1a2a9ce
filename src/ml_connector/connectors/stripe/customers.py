"""Customers of Stripe that may be a customer of the ledger. Several hits are all told; nothing is picked here.

Search lags behind what was written, so it is asked first and never believed when it finds nothing: the list by e-mail
does not lag. Names are only looked for when they are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml_connector.connectors.stripe.bodies import TOKEN
from ml_connector.connectors.stripe.client import Row, StripeClient
from ml_connector.connectors.stripe.fields import Fields, id_in
from ml_connector.finance.plan import Found

PATH = "/v1/customers"
WITH_TAX_IDS = {"expand": ["data.tax_ids"]}
MARKS = (("customer_no", "visma_customer_no"), ("org_number", "org_no"))


def look_up(client: StripeClient, fields: Mapping[str, str]) -> list[Found]:
    """The customers that fit the first way which finds any: id, marks, e-mail, tax id, name. 1-4 calls.

    `fields`: number (the id), customer_no, org_number, vat_number, email, name. Facts of an answer: by, email, balance
    and currency as Stripe has them.
    """
    if fields.get("number"):
        row = client.one(PATH, fields["number"])
        return [] if row is None else [_found(row, "number")]
    for way in (_by_marks, _by_email, _by_tax_id, _by_name):
        found = way(client, fields)
        if found:
            return found
    return []


def _by_marks(client: StripeClient, fields: Mapping[str, str]) -> list[Found]:
    asked = [(mark, fields[name].strip()) for name, mark in MARKS if fields.get(name, "").strip()]
    if not asked:
        return []
    query = " OR ".join(f"metadata['{mark}']:'{_escaped(value)}'" for mark, value in asked)
    rows = [row for row in client.search(PATH, query) if any(_mark(row, mark) == value for mark, value in asked)]
    named = [row for row in rows if _mark(row, MARKS[0][1]) == fields.get("customer_no", "").strip() != ""]
    return [_found(row, "customer number" if named else "organisation number") for row in named or rows]


def _by_email(client: StripeClient, fields: Mapping[str, str]) -> list[Found]:
    email = fields.get("email", "").strip()
    if not email:
        return []
    rows = client.every(PATH, {"email": email, **WITH_TAX_IDS})
    same = [row for row in rows if row.get("email") == email and not _other(row, fields)]
    return [_found(row, "email") for row in same]


def _by_tax_id(client: StripeClient, fields: Mapping[str, str]) -> list[Found]:
    """By VAT number over the whole list: no filter knows it. Only where a VAT number is given."""
    wanted = _numbers(fields)
    if not fields.get("vat_number"):
        return []
    rows = [row for row in client.every(PATH, WITH_TAX_IDS) if _tax_ids(row) & wanted and not _other(row, fields)]
    return [_found(row, "VAT number") for row in rows]


def _by_name(client: StripeClient, fields: Mapping[str, str]) -> list[Found]:
    name = fields.get("name", "").strip()
    if not name:
        return []
    rows = client.search(PATH, f"name:'{_escaped(name)}'")
    return [_found(row, "name") for row in rows if str(row.get("name") or "").casefold() == name.casefold()]


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
    values = {_bare(str(one.get("value"))) for one in held or () if isinstance(one, dict)}
    return values | {value.removeprefix("NO") for value in values}


def _numbers(fields: Mapping[str, str]) -> set[str]:
    """The numbers of the ledger's customer; Norway's with and without its letters."""
    bare = {_bare(fields.get(name, "")) for name in ("vat_number", "org_number")} - {""}
    return bare | {one.removeprefix("NO") for one in bare}


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
