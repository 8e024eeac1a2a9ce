"""Customers and their tax ids: made, changed, deleted; what a malformed tax id does to the call."""

from __future__ import annotations

import re

from ml_connector_sandbox.stripe import balances, events
from ml_connector_sandbox.stripe.refusals import Json, bad, missing
from ml_connector_sandbox.stripe.shapes import merged
from ml_connector_sandbox.stripe.state import Book
from ml_connector_sandbox.stripe.times import seconds

_ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PREFIX = re.compile(r"[A-Z0-9]{3,12}")
_SIMPLE = ("name", "business_name", "individual_name", "description", "phone")
_MOST_TAX_IDS = 5

# type -> what the vendor accepts; types without a pattern take any text.
TAX_IDS: dict[str, re.Pattern[str] | None] = {
    "eu_vat": re.compile(r"(AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|GR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK|XI)"
                         r"[A-Z0-9+*]{8,12}"),
    "no_vat": re.compile(r"\d{9}(MVA)?"),
    "gb_vat": re.compile(r"GB(\d{9}|\d{12}|GD\d{3}|HA\d{3})"),
    "ch_vat": re.compile(r"CHE-?\d{3}\.?\d{3}\.?\d{3} ?(MWST|TVA|IVA)?"),
    "ch_uid": None, "is_vat": re.compile(r"\d{5,6}"), "no_voec": re.compile(r"\d{7}"), "us_ein": None,
    "eu_oss_vat": None, "de_stn": None, "es_cif": None, "gb_crn": None,
}  # fmt: skip


def new(book: Book, given: Json, now: int) -> Json:
    """A customer from the parameters of `POST /v1/customers`."""
    ids = given.get("tax_id_data") or []
    for one in ids:
        check_tax_id(one)
    key = f"cus_{book.world.mint.letters(14)}"
    row: Json = {
        "id": key, "object": "customer", "address": None, "balance": 0, "business_name": None,
        "created": seconds(now), "currency": None, "customer_account": None, "default_source": None,
        "delinquent": False, "description": None, "discount": None, "email": None, "individual_name": None,
        "invoice_prefix": book.world.mint.capitals(8),
        "invoice_settings": {"custom_fields": None, "default_payment_method": None, "footer": None,
                             "rendering_options": None},
        **book.mode(), "metadata": {}, "name": None, "next_invoice_sequence": 1, "phone": None,
        "preferred_locales": [], "shipping": None, "tax_exempt": "none", "test_clock": None,
    }  # fmt: skip
    row |= _fields(book, row, given)
    events.made(book, row, now, "customer.created")
    for one in ids:
        add_tax_id(book, row, one, now)
    _opening_balance(book, row, given, now)
    return row


def _opening_balance(book: Book, row: Json, given: Json, now: int) -> None:
    if given.get("balance") is not None:
        currency = row["currency"] or book.account.currency
        amount = given["balance"] - balances.of(book, row["id"], currency)
        if amount:
            balances.move(book, row["id"], currency, amount, kind="adjustment", now=now)


def edit(book: Book, row: Json, given: Json, now: int) -> Json:
    """Change a customer; left out stays, an empty text unsets."""
    events.changed(book, row, now, "customer.updated", **_fields(book, row, given))
    _opening_balance(book, row, given, now)
    return row


def _fields(book: Book, row: Json, given: Json) -> Json:
    fields: Json = {name: given[name] for name in _SIMPLE if name in given}
    if "email" in given:
        if given["email"] and not _EMAIL.fullmatch(given["email"]):
            raise bad(f"Invalid email address: {given['email']}", code="email_invalid", param="email")
        fields["email"] = given["email"]
    if "address" in given:
        fields["address"] = _address(given["address"])
    if given.get("shipping"):
        fields["shipping"] = given["shipping"] | {"address": _address(given["shipping"]["address"])}
    if "metadata" in given:
        fields["metadata"] = merged(row["metadata"], given["metadata"])
    if "tax_exempt" in given:
        fields["tax_exempt"] = given["tax_exempt"] or "none"
    if "preferred_locales" in given:
        fields["preferred_locales"] = given["preferred_locales"] or []
    return fields | _numbering(book, row, given)


def _numbering(book: Book, row: Json, given: Json) -> Json:
    fields: Json = {}
    if given.get("next_invoice_sequence") is not None:
        if given["next_invoice_sequence"] < row["next_invoice_sequence"]:
            raise bad("The sequence can only grow.", param="next_invoice_sequence")
        fields["next_invoice_sequence"] = given["next_invoice_sequence"]
    if given.get("invoice_prefix"):
        fields["invoice_prefix"] = _prefix(book, row, given["invoice_prefix"])
    return fields


def _prefix(book: Book, row: Json, prefix: str) -> str:
    taken = any(
        c.get("invoice_prefix") == prefix and c["id"] != row["id"] for c in book.shelves["customer"].rows.values()
    )
    if not _PREFIX.fullmatch(prefix) or taken:
        raise bad("Invoice prefixes are 3 to 12 capitals or digits, each used once.", param="invoice_prefix")
    return prefix


def _address(given: Json | None) -> Json | None:
    if given is None:
        return None
    if given.get("country") and not re.fullmatch("[A-Z]{2}", given["country"]):
        text = f"Country '{given['country']}' is unknown. Try using a 2-character alphanumeric country code instead."
        raise bad(text, code="country_code_invalid", param="address[country]")
    return {name: given.get(name) for name in _ADDRESS}


def check_tax_id(given: Json) -> None:
    """Refused (400 tax_id_invalid) for an unknown type or a value that cannot be one."""
    if given["type"] not in TAX_IDS:
        raise bad(f"Invalid type: {given['type']}", param="tax_id_data[type]")
    pattern = TAX_IDS[given["type"]]
    if pattern is not None and not pattern.fullmatch(given["value"]):
        raise bad(f"Invalid value for {given['type']}.", code="tax_id_invalid", param="value")


def add_tax_id(book: Book, row: Json, given: Json, now: int) -> Json:
    """One more tax id, five at most."""
    check_tax_id(given)
    if len(book.shelves["tax_id"].having("customer", row["id"])) >= _MOST_TAX_IDS:
        raise bad(f"A customer can have at most {_MOST_TAX_IDS} tax ids.", param="type")
    country = given["value"][:2] if given["type"] == "eu_vat" else given["type"][:2].upper()
    made: Json = {
        "id": book.key("tax_id"), "object": "tax_id", "country": country, "created": seconds(now),
        "customer": row["id"], "customer_account": None, **book.mode(),
        "owner": {"customer": row["id"], "type": "customer"}, "type": given["type"], "value": given["value"],
        "verification": {"status": "pending", "verified_address": None, "verified_name": None},
    }  # fmt: skip
    return events.made(book, made, now, "customer.tax_id.created")


def delete(book: Book, row: Json, now: int) -> Json:
    """Gone from lists and search; reading it says that it was deleted."""
    events.emit(book, "customer.deleted", row, now)
    shelf = book.shelves["customer"]
    shelf.take(row["id"])
    book.copies.pop(row["id"], None)
    gone = {"id": row["id"], "object": "customer", "deleted": True}
    shelf.rows[row["id"]] = gone  # found by id only
    for item in book.shelves["tax_id"].having("customer", row["id"]):
        book.shelves["tax_id"].take(item["id"])
    return gone


def alive(book: Book, key: str, *, param: str = "id") -> Json:
    """A customer that was not deleted. 404 otherwise."""
    row = book.get("customer", key)
    if row is None or row.get("deleted"):
        raise missing("customer", key, param=param)
    return row
