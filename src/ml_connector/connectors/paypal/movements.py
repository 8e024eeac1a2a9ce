"""Rows of the Transaction Search report, and the key of each. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal

from ml_connector.connectors.paypal.codes import role_of
from ml_connector.connectors.paypal.fields import Fields
from ml_connector.finance.documents import Address, Movement, Party
from ml_connector.finance.money import Money

STATES: Mapping[str, Literal["completed", "pending", "denied", "reversed"]] = {
    "S": "completed",
    "P": "pending",
    "D": "denied",
    "V": "reversed",
}
ReferenceType = Literal["transaction", "order", "subscription", "agreement", "other"]
REFERENCES: Mapping[str, ReferenceType] = {
    "TXN": "transaction",
    "ODR": "order",
    "SUB": "subscription",
    "PAP": "agreement",
}
SAME_KEY = "same_key"  # where the reader puts rows that cannot be told from this one by their key


def external_id(transaction_id: str, code: str, *, currency: str, minor: int) -> str:
    """The key of a row: an id alone may stand in several (a payment and its conversion, a hold and its release)."""
    return f"{transaction_id}:{code}:{currency}{'-' if minor < 0 else '+'}"


def movement_of(row: Fields) -> Movement:
    """One row. Its fee may be in no other currency than its amount: a report that says so is held."""
    info = row.part("transaction_info")
    amount = info.money("transaction_amount")
    transaction_id, code = info.id("transaction_id"), info.id("transaction_event_code")
    if row.node.get(SAME_KEY):
        row.fail(SAME_KEY, f"holds another row with id {transaction_id}, code {code}, currency and sign")
    reference = info.id_or_none("paypal_reference_id")
    said = info.text("paypal_reference_id_type")
    status = info.text("transaction_status")
    occurred = info.moment("transaction_initiation_date")
    return Movement(
        id=external_id(transaction_id, code, currency=amount.currency, minor=amount.minor),
        transaction_id=transaction_id,
        code=code,
        role=role_of(code, minor=amount.minor),
        state=STATES.get(status, "unknown"),
        amount=amount,
        fee=info.money_or_none("fee_amount", amount.currency),
        occurred_at=occurred,
        updated_at=info.moment_or_none("transaction_updated_date") or occurred,
        reference_id=reference,
        reference_type=_reference_type(said) if reference else None,
        status=status,
        invoice_id=row.part("cart_info").id_or_none("paypal_invoice_id"),
        invoice_number=info.text("invoice_id"),
        custom_id=info.text("custom_field"),
        balance=_balance(info, amount),
        party=_party(row.part("payer_info")),
        text=info.text("transaction_subject") or info.text("transaction_note"),
    )


def _reference_type(said: str) -> ReferenceType:
    """Without a type a reference is taken as a transaction's: refunds, fees and holds always point at one."""
    return REFERENCES.get(said, "other") if said else "transaction"


def _balance(info: Fields, amount: Money) -> Money | None:
    found = info.money_or_none("available_balance") or info.money_or_none("ending_balance")
    return found if found is not None and found.currency == amount.currency else None


def _party(payer: Fields) -> Party | None:
    """Who paid, as far as the row says; the blocks may be empty."""
    id_ = payer.id_or_none("account_id") or ""
    email = payer.text("email_address")
    name = _name(payer.part("payer_name"))
    if not (id_ or email or name):
        return None
    country = payer.text("country_code")
    return Party(id_ or email, "customer", name, active=True, email=email, address=Address(country=country))


def _name(node: Fields) -> str:
    joined = " ".join(part for key in ("given_name", "surname") if (part := node.text(key).strip()))
    return node.text("alternate_full_name").strip() or joined or node.text("full_name").strip()


def key_of(row: Mapping[str, Any]) -> str:
    """The external id of a raw row.

    Never fails: a row that cannot be named by its fields is named by its hash, and held when it is translated, so that
    one broken row stops no stream.
    """
    info = _object(row.get("transaction_info"))
    amount = _object(info.get("transaction_amount"))
    parts = [info.get("transaction_id"), info.get("transaction_event_code"), amount.get("currency_code")]
    value = amount.get("value")
    if type(value) is not str or not all(type(part) is str and 0 < len(part) <= 60 for part in parts):
        return f"?{hashlib.sha256(json.dumps(row, sort_keys=True, default=str).encode()).hexdigest()[:32]}"
    minor = -1 if value.startswith("-") and value.strip("-0.") else 1
    return external_id(str(parts[0]), str(parts[1]), currency=str(parts[2]), minor=minor)


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
