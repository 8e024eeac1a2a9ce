"""Customer documents and payments that people made in the ledger, as canonical documents. Pure.

Amounts are those in the document's currency. VAT by id is shown only where the list was asked to expand it; its amounts
have no twin in the document's currency, so whoever uses them proves that they sum up.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from ml_connector.connectors.shapes import Payload
from ml_connector.connectors.visma.observed import minor, text
from ml_connector.connectors.visma.rows import Row, changed_at, currency_of, day_of, dimensions, fail, given, rows_of
from ml_connector.finance.ledger import (
    LedgerApplication,
    LedgerInvoice,
    LedgerLine,
    LedgerPayment,
    LedgerState,
    LedgerTax,
)
from ml_connector.finance.money import Money, exponent

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
    number = given(row, "referenceNumber")
    currency = currency_of(row, "currencyId")
    taxes = row.get("taxDetails")
    return LedgerInvoice(
        kind=INVOICE_KINDS.get(text(row.get("documentType")), "other"),
        number=number,
        state=STATES.get(text(row.get("status")), "other"),
        customer=given(row, "customer"),
        currency=currency,
        day=_day(row, "documentDate"),
        due_on=day_of(row, "documentDueDate"),
        lines=tuple(
            _line(line, currency) for line in rows_of(row, "invoiceLines" if "invoiceLines" in row else "lines")
        ),
        total=_money(row, "amountInCurrency", currency),
        balance=_money(row, "balanceInCurrency", currency),
        vat_total=_money(row, "vatTotalInCurrency", currency),
        updated_at=changed_at(row) or EPOCH,
        taxes=tuple(_tax(tax, currency) for tax in rows_of(row, "taxDetails")) if taxes is not None else None,
        customer_name=_named(row.get("customer")),
        payment_method=text(row.get("paymentMethod")),
        reference=text(row.get("customerRefNumber")),
        text=text(row.get("invoiceText")),
        note=text(row.get("note")),
        applications=tuple(
            _application(one, currency, kind="docType", number="refNbr") for one in rows_of(row, "applications")
        ),
        branch=_account(row.get("branchNumber")).strip(),
        credit_terms=_identified(row.get("creditTerms")),
    )


def payment(row: Payload) -> LedgerPayment:
    """A payment, prepayment, refund, or what voids one. Raises Untranslatable naming the field."""
    currency = currency_of(row, "currency")
    name = "paymentAmountInCurrency" if row.get("paymentAmountInCurrency") is not None else "paymentAmount"
    return LedgerPayment(
        kind=PAYMENT_KINDS.get(text(row.get("type")), "other"),
        number=given(row, "refNbr"),
        state=STATES.get(text(row.get("status")), "other"),
        customer=given(row, "customer"),
        currency=currency,
        day=_day(row, "applicationDate"),
        amount=_money(row, name, currency),
        updated_at=changed_at(row) or EPOCH,
        cash_account=text(row.get("cashAccount")),
        method=text(row.get("paymentMethod")),
        reference=text(row.get("paymentRef")),
        text=text(row.get("invoiceText")),
        applications=tuple(
            _application(one, currency, kind="documentType", number="refNbr") for one in rows_of(row, "paymentLines")
        ),
    )


def _line(row: Row, currency: str) -> LedgerLine:
    return LedgerLine(
        number=row["lineNumber"] if type(row.get("lineNumber")) is int else 0,
        text=text(row.get("description")),
        net=_money(row, "amountInCurrency", currency),
        account=_account(row.get("account")),
        vat_code=_identified(row.get("vatCode")),
        dimensions=dimensions(row.get("subaccount")),
        article=text(row.get("inventoryNumber")),
    )


def _tax(row: Row, currency: str) -> LedgerTax:
    return LedgerTax(
        vat_id=text(row.get("vatId")) or text(row.get("taxId")),
        rate=_rate(row.get("vatRate")),
        base=_money(row, "taxableAmount", currency),
        vat=_money(row, "vatAmount", currency),
    )


def _application(row: Row, currency: str, *, kind: str, number: str) -> LedgerApplication:
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


def _rate(value: Any) -> Decimal | None:
    try:
        found = None if value is None or isinstance(value, bool) else Decimal(value)
    except (InvalidOperation, TypeError, ValueError):
        return None
    if found is None or not found.is_finite():
        return None
    return found.quantize(Decimal(1)) if found == found.to_integral_value() else found.normalize()


def _money(row: Row, name: str, currency: str) -> Money:
    value = row.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float | Decimal)):
        fail(name, "is no amount")
    if isinstance(value, float | Decimal) and not Decimal(value).is_finite():
        fail(name, "is no amount")
    return Money(minor(value, exponent(currency)), currency)


def _day(row: Row, name: str) -> date:
    return day_of(row, name) or fail(name, "is no date")
