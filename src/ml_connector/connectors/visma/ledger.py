"""Customer documents and payments that people made in the ledger, as canonical documents. Pure.

Amounts are those in the document's currency. VAT by id is shown only where the list was asked to expand it; its amounts
have no twin in the document's currency, so whoever uses them proves that they sum up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, NoReturn

from ml_connector.connectors.shapes import Payload
from ml_connector.connectors.visma.observed import day, minor, text
from ml_connector.errors import Untranslatable
from ml_connector.finance.journal import Dimensions
from ml_connector.finance.ledger import (
    LedgerApplication,
    LedgerInvoice,
    LedgerLine,
    LedgerPayment,
    LedgerState,
    LedgerTax,
)
from ml_connector.finance.money import CURRENCIES, Money, exponent

STATES: Mapping[str, LedgerState] = {
    **dict.fromkeys(
        ("Hold", "Balanced", "Scheduled", "PendingPrint", "PendingEmail", "CreditHold", "CcHold", "Reserved"), "draft"
    ),
    "Open": "open",
    "Closed": "closed",
    "Voided": "voided",
}
INVOICE_KINDS: Mapping[str, Literal["invoice", "credit_note", "debit_note"]] = {
    "Invoice": "invoice",
    "CreditNote": "credit_note",
    "DebitNote": "debit_note",
}
PAYMENT_KINDS: Mapping[str, Literal["payment", "prepayment", "refund", "void_payment", "void_refund"]] = {
    "Payment": "payment",
    "Prepayment": "prepayment",
    "Refund": "refund",
    "VoidPayment": "void_payment",
    "VoidRefund": "void_refund",
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def invoice(row: Payload) -> LedgerInvoice:
    """A customer invoice, credit note or debit note. Raises Untranslatable naming the field."""
    number = _given(row, "referenceNumber")
    currency = _currency(row, "currencyId")
    taxes = row.get("taxDetails")
    return LedgerInvoice(
        kind=INVOICE_KINDS.get(text(row.get("documentType")), "other"),
        number=number,
        state=STATES.get(text(row.get("status")), "other"),
        customer=_given(row, "customer"),
        currency=currency,
        day=_day(row, "documentDate"),
        due_on=_day_or_none(row, "documentDueDate"),
        lines=tuple(_line(line, currency) for line in _rows(row, "invoiceLines" if "invoiceLines" in row else "lines")),
        total=_money(row, "amountInCurrency", currency),
        balance=_money(row, "balanceInCurrency", currency),
        vat_total=_money(row, "vatTotalInCurrency", currency),
        updated_at=_moment(row),
        taxes=tuple(_tax(tax, currency) for tax in _rows(row, "taxDetails")) if taxes is not None else None,
        customer_name=_named(row.get("customer")),
        payment_method=text(row.get("paymentMethod")),
        reference=text(row.get("customerRefNumber")),
        text=text(row.get("invoiceText")),
        note=text(row.get("note")),
        applications=tuple(
            _application(one, currency, kind="docType", number="refNbr") for one in _rows(row, "applications")
        ),
        branch=_account(row.get("branchNumber")).strip(),
        credit_terms=_identified(row.get("creditTerms")),
    )


def payment(row: Payload) -> LedgerPayment:
    """A payment, prepayment, refund, or what voids one. Raises Untranslatable naming the field."""
    currency = _currency(row, "currency")
    name = "paymentAmountInCurrency" if row.get("paymentAmountInCurrency") is not None else "paymentAmount"
    return LedgerPayment(
        kind=PAYMENT_KINDS.get(text(row.get("type")), "other"),
        number=_given(row, "refNbr"),
        state=STATES.get(text(row.get("status")), "other"),
        customer=_given(row, "customer"),
        currency=currency,
        day=_day(row, "applicationDate"),
        amount=_money(row, name, currency),
        updated_at=_moment(row),
        cash_account=text(row.get("cashAccount")),
        method=text(row.get("paymentMethod")),
        reference=text(row.get("paymentRef")),
        text=text(row.get("invoiceText")),
        applications=tuple(
            _application(one, currency, kind="documentType", number="refNbr") for one in _rows(row, "paymentLines")
        ),
    )


def _line(row: Mapping[str, Any], currency: str) -> LedgerLine:
    return LedgerLine(
        number=row["lineNumber"] if type(row.get("lineNumber")) is int else 0,
        text=text(row.get("description")),
        net=_money(row, "amountInCurrency", currency),
        account=_account(row.get("account")),
        vat_code=_identified(row.get("vatCode")),
        dimensions=_dimensions(row.get("subaccount")),
        article=text(row.get("inventoryNumber")),
    )


def _tax(row: Mapping[str, Any], currency: str) -> LedgerTax:
    return LedgerTax(
        vat_id=text(row.get("vatId")) or text(row.get("taxId")),
        rate=_rate(row.get("vatRate")),
        base=_money(row, "taxableAmount", currency),
        vat=_money(row, "vatAmount", currency),
    )


def _application(row: Mapping[str, Any], currency: str, *, kind: str, number: str) -> LedgerApplication:
    return LedgerApplication(text(row.get(kind)), text(row.get(number)), _money(row, "amountPaid", currency))


def _account(value: Any) -> str:
    """An account is shown with its type, number and description."""
    found = value.get("number") if isinstance(value, Mapping) else value
    return found if isinstance(found, str) else text(value)


def _identified(value: Any) -> str:
    found = value.get("id") if isinstance(value, Mapping) else value
    return found if isinstance(found, str) else ""


def _named(value: Any) -> str:
    found = value.get("name") if isinstance(value, Mapping) else ""
    return found if isinstance(found, str) else ""


def _dimensions(value: Any) -> Dimensions:
    segments = value.get("segments") if isinstance(value, Mapping) else None
    found = {
        one["segmentId"]: one["segmentValue"]
        for one in (segments if isinstance(segments, list) else ())
        if isinstance(one, Mapping)
        and type(one.get("segmentId")) is int
        and isinstance(one.get("segmentValue"), str)
        and one["segmentValue"]
    }
    return tuple(sorted(found.items()))


def _rate(value: Any) -> Decimal | None:
    try:
        found = None if value is None or isinstance(value, bool) else Decimal(value)
    except (InvalidOperation, TypeError, ValueError):
        return None
    if found is None or not found.is_finite():
        return None
    return found.quantize(Decimal(1)) if found == found.to_integral_value() else found.normalize()


def _money(row: Mapping[str, Any], name: str, currency: str) -> Money:
    value = row.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float | Decimal)):
        _fail(name, "is no amount")
    if isinstance(value, float | Decimal) and not Decimal(value).is_finite():
        _fail(name, "is no amount")
    return Money(minor(value, exponent(currency)), currency)


def _currency(row: Mapping[str, Any], name: str) -> str:
    found = text(row.get(name))
    return found if found in CURRENCIES else _fail(name, f"is {found[:10] or 'missing'}, no currency")


def _given(row: Mapping[str, Any], name: str) -> str:
    found = text(row.get(name)).strip()
    return found or _fail(name, "is missing")


def _day(row: Mapping[str, Any], name: str) -> date:
    found = _day_or_none(row, name)
    return _fail(name, "is no date") if found is None else found


def _day_or_none(row: Mapping[str, Any], name: str) -> date | None:
    written = day(row.get(name))
    if written is None:
        return None
    try:
        return date.fromisoformat(written)
    except ValueError:
        _fail(name, "is no date")


def _moment(row: Mapping[str, Any]) -> datetime:
    """When it was last changed, as if it were UTC: the zone is not documented."""
    value = row.get("lastModifiedDateTime")
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else EPOCH
    except ValueError:
        return EPOCH
    return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)


def _rows(row: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    found = row.get(name)
    if found is None:
        return
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        _fail(name, "is no list of objects")
    yield from found


def _fail(name: str, what: str) -> NoReturn:
    raise Untranslatable(f"Visma's field {name} {what}.", field=name)
