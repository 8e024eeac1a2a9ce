"""Payloads of this API as canonical documents. Pure. Kinds that are not here travel as payload only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ml_connector.connectors.shapes import Payload
from ml_connector.connectors.visma import ledger, purchasing
from ml_connector.connectors.visma.observed import text
from ml_connector.errors import Untranslatable
from ml_connector.finance.documents import Address, Document, Party

_INACTIVE = frozenset({"Inactive"})


def translate(kind: str, payload: Payload) -> Document:
    """The canonical document of a payload. Raises Untranslatable naming the field."""
    if kind in purchasing.KINDS:
        return purchasing.translate(kind, payload)
    if kind == "customer":
        return _party(payload)
    if kind in ("customerinvoice", "customerCreditNote"):
        return ledger.invoice(payload)
    if kind == "customerPayment":
        return ledger.payment(payload)
    raise Untranslatable(f"Visma records of kind {kind!r} have no canonical form yet.", field="kind")


def _party(payload: Payload) -> Party:
    number = text(payload.get("number")).strip()
    if not number:
        raise Untranslatable("The customer has no number.", field="number")
    contact = payload.get("mainContact")
    contact = contact if isinstance(contact, Mapping) else {}
    corporate = text(payload.get("corporateId"))
    return Party(
        id=number,
        role="customer",
        name=text(payload.get("name")),
        active=text(payload.get("status")) not in _INACTIVE,
        email=text(contact.get("email")),
        phone=text(contact.get("phone1")),
        address=_address(payload.get("mainAddress")),
        org_number=corporate,
        vat_number=text(payload.get("vatRegistrationId")),
        account_number=text(payload.get("accountReference")),
        is_company=bool(corporate or payload.get("vatRegistrationId")),
        contact=text(contact.get("attention")) or text(contact.get("name")),
        updated_at=moment(payload.get("lastModifiedDateTime")),
        note=text(payload.get("note")),
        group=_class_of(payload),
        attributes=_attributes(payload.get("attributes")),
    )


def _class_of(payload: Mapping[str, Any]) -> str:
    told = payload.get("customerClass")
    return text(told.get("id")) if isinstance(told, Mapping) else ""


def _attributes(rows: Any) -> tuple[tuple[str, str], ...]:
    """The company's own attributes of a customer that have a value; what is no attribute is passed over."""
    said = [one for one in rows if isinstance(one, Mapping)] if isinstance(rows, list) else []
    pairs = [(text(one.get("id")).strip(), text(one.get("value")).strip()) for one in said]
    return tuple((name, value) for name, value in pairs if name and value)


def _address(row: Any) -> Address:
    if not isinstance(row, Mapping):
        return Address()
    lines = tuple(line for n in (1, 2, 3) if (line := text(row.get(f"addressLine{n}"))))
    return Address(
        lines, text(row.get("postalCode")), text(row.get("city")), text(row.get("county")), text(row.get("country"))
    )


def moment(value: Any) -> datetime | None:
    """A time of the API as if it were UTC: its zone is not documented."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        return None if found is None else found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
