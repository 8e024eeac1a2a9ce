"""Write bodies: finance values as this API wants them, scalars in their `{"value": ...}` where the contract wraps them.

Absent keys leave things unchanged and nulls can clear them, so nothing empty is ever sent. Human text is cut to its
field, our token never is (field lengths are not in the vendor's specification; these are short enough everywhere).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from ml_connector.errors import UsageError
from ml_connector.finance.documents import Address
from ml_connector.finance.invoices import (
    Application,
    CustomerInvoice,
    CustomerPayment,
    InvoiceLine,
    Number,
    PartyCard,
    Ref,
    Reversal,
    SupplierInvoice,
    SupplierInvoiceLine,
    TaxDetail,
)
from ml_connector.finance.journal import Dimensions, JournalEntry, Posting
from ml_connector.finance.money import Money, exponent

Body = dict[str, Any]

HEADER_TEXT = 120
LINE_TEXT = 200
PAYMENT_TEXT = 50  # invoiceText of a payment, as the vendor states it
REFERENCE_TEXT = 40
PURCHASES = {"order": "PurchaseOrder", "receipt": "PurchaseReceipt"}
PAYMENT_TYPES = {"payment": "Payment", "prepayment": "Prepayment", "refund": "Refund"}


def journal(entry: JournalEntry, *, token: str, period: str | None = None) -> Body:
    """A batch that is balanced, not released, and carries the token at the end of its description."""
    body: Body = {
        "hold": {"value": False},
        "transactionDate": _day(entry.day),
        "currencyId": {"value": entry.currency},
        "description": {"value": marked(entry.text, token)},
        "createVatTransaction": {"value": entry.vat_transaction},
        "controlTotalInCurrency": {"value": number(entry.turnover)},
    }
    if entry.vat_transaction and not entry.vat_is_exact():
        body["skipVatAmountValidation"] = {"value": True}
    _given(body, financialPeriod=period, ledger=entry.ledger, branch=entry.branch)
    body["journalTransactionLines"] = [_journal_line(n, posting) for n, posting in enumerate(entry.postings, 1)]
    return body


def _journal_line(n: int, posting: Posting) -> Body:
    amount = posting.amount
    debit = amount.minor > 0
    value = number(amount) if debit else number(-amount)
    line: Body = {
        "operation": "Insert",
        "lineNumber": {"value": n},
        "accountNumber": {"value": posting.account},
        "referenceNumber": {"value": posting.reference},
        "transactionDescription": {"value": _line_text(posting)},
        "debitAmountInCurrency": {"value": value if debit else 0},
        "creditAmountInCurrency": {"value": 0 if debit else value},
    }
    if posting.dimensions:
        line["subaccount"] = segments(posting.dimensions)
    if posting.vat_code:
        line["vatCodeId"] = {"value": posting.vat_code}
    if posting.vat_id:
        line["vatId"] = {"value": posting.vat_id}
    return line


def _line_text(posting: Posting) -> str:
    """The line's text with the whole id of the record it books: accountants find the record from the ledger."""
    text, source = posting.text, posting.source
    if not source or source in text:
        return text[:LINE_TEXT]
    return f"{text[: max(LINE_TEXT - len(source) - 1, 0)]} {source}".strip()


def customer_invoice(invoice: CustomerInvoice, *, token: str, period: str | None = None) -> Body:
    """An invoice, credit note or debit note; the three differ in the names of lines, taxes and due date."""
    credit = invoice.kind == "credit_note"
    body: Body = {
        "hold": {"value": False},
        "customerNumber": {"value": known(invoice.customer)},
        "documentDate": _day(invoice.day),
        "currencyId": {"value": invoice.currency},
        "externalReference": {"value": token},
        "dontPrint": {"value": True},
        "dontEmail": {"value": True},
    }
    _given(
        body,
        financialPeriod=period,
        customerRefNumber=invoice.reference[:REFERENCE_TEXT],
        invoiceText=invoice.text[:HEADER_TEXT],
        note=invoice.source,
        branchNumber=invoice.branch,
    )
    if invoice.due_on is not None and not credit:
        body["documentDueDate"] = _day(invoice.due_on)
    rows = "invoiceLines" if invoice.kind == "customer_invoice" else "lines"
    body[rows] = [_invoice_line(n, line) for n, line in enumerate(invoice.lines, 1)]
    if invoice.tax_details:
        body["taxDetails" if credit else "taxDetailLines"] = taxes(invoice.tax_details)
    if credit and invoice.applies_to is not None:
        body["applicationLines"] = [_application(Application("Invoice", invoice.applies_to, invoice.total))]
    return body


def _invoice_line(n: int, line: InvoiceLine) -> Body:
    body: Body = {
        "operation": "Insert",
        "lineNumber": {"value": n},
        "description": {"value": line.text[:LINE_TEXT]},
        "quantity": {"value": 1},
        "unitPriceInCurrency": {"value": number(line.net)},
        "vatCodeId": {"value": line.vat_code},
        "accountNumber": {"value": line.account},
    }
    if line.dimensions:
        body["subaccount"] = segments(line.dimensions)
    return body


def payment(content: CustomerPayment, *, token: str, period: str | None = None) -> Body:
    """A payment, prepayment or refund with what it is put against."""
    body: Body = {
        "type": {"value": PAYMENT_TYPES[content.kind]},
        "hold": {"value": False},
        "customer": {"value": known(content.customer)},
        "applicationDate": _day(content.day),
        "paymentRef": {"value": token},
        "paymentMethod": {"value": content.method},
        "cashAccount": {"value": content.cash_account},
        "currency": {"value": content.amount.currency},
        "paymentAmount": {"value": number(content.amount)},
    }
    text = content.text or content.source
    _given(body, applicationPeriod=period, invoiceText=text[:PAYMENT_TEXT], branch=content.branch)
    if content.applications:
        body["paymentLines"] = [_application(row) for row in content.applications]
    return body


def applications(rows: Iterable[Application]) -> list[Body]:
    """New lines of a payment."""
    return [_application(row) for row in rows]


def _application(row: Application) -> Body:
    body: Body = {
        "operation": "Insert",
        "documentType": {"value": row.document},
        "refNbr": {"value": known(row.number)},
        "amountPaid": {"value": number(row.amount)},
    }
    if row.write_off is not None:
        body["balanceWriteOff"] = {"value": number(row.write_off)}
    return body


def release_payment(document_type: str) -> Body:
    """The release body of a payment is wrapped."""
    return {"type": {"value": document_type}}


def void_payment(content: Reversal) -> Body:
    """The void body is not wrapped."""
    return {"type": content.document_type, "returnVoidPayment": True}


REVERSE_INVOICE: Body = {"returnCreditNote": True}  # not wrapped


def supplier_invoice(invoice: SupplierInvoice, *, token: str, period: str | None = None) -> Body:
    """A supplier's invoice; one with a negative total becomes a debit adjustment with the signs turned."""
    sign = -1 if invoice.total.minor < 0 else 1
    body: Body = {
        "documentType": {"value": supplier_type(invoice)},
        "hold": {"value": False},
        "supplierNumber": {"value": known(invoice.supplier)},
        "date": _day(invoice.day),
        "description": {"value": marked(invoice.text or invoice.source, token)},
        "currencyId": {"value": invoice.currency},
        "taxCalculationMode": {"value": "Net"},
        "amount": {"value": number(_times(invoice.total, sign))},
        "vatAmount": {"value": number(_times(invoice.vat_total, sign))},
    }
    _given(body, financialPeriod=period, supplierReference=invoice.reference[:REFERENCE_TEXT], note=invoice.source)
    _given(body, paymentRefNo=invoice.payment_reference[:REFERENCE_TEXT])
    if invoice.pay_selected is not None:
        body["paySelected"] = {"value": invoice.pay_selected}
    if invoice.due_on is not None:
        body["dueDate"] = _day(invoice.due_on)
    body["invoiceLines"] = [supplier_line(n, line, sign=sign) for n, line in enumerate(invoice.lines, 1)]
    if invoice.tax_details:
        body["taxDetailLines"] = taxes(invoice.tax_details, sign=sign)
    return body


def supplier_line(n: int, line: SupplierInvoiceLine, *, sign: int = 1) -> Body:
    """One cost line to insert."""
    cost = number(_times(line.net, sign))
    row: Body = {
        "operation": "Insert",
        "lineNumber": {"value": n},
        "accountNumber": {"value": line.account},
        "transactionDescription": {"value": line.text[:LINE_TEXT]},
        **_quantity(line, cost, sign=sign),
        "costInCurrency": {"value": cost},
        "vatCodeId": {"value": line.vat_code},
    }
    if line.dimensions:
        row["subaccount"] = segments(line.dimensions)
    return row | _purchase(line)


def _quantity(line: SupplierInvoiceLine, cost: int | Decimal, *, sign: int) -> Body:
    """One unit of the whole cost; of something ordered its quantity, and no price, which need not divide the cost."""
    if line.quantity is not None:
        return {"quantity": {"value": abs(line.quantity) if sign < 0 else line.quantity}}
    return {"quantity": {"value": 1}, "unitCostInCurrency": {"value": cost}}


def _purchase(line: SupplierInvoiceLine) -> Body:
    """What a line was ordered or received by, and its project."""
    body: Body = {}
    if line.link is not None:
        body["linkLine"] = {
            "purchaseType": PURCHASES[line.link.kind],
            "purchaseNumber": {"value": line.link.number},
            "purchaseLineNbr": {"value": line.link.line},
        }
    if line.project:
        body["projectId"] = {"value": line.project}
    return body


def supplier_type(invoice: SupplierInvoice) -> str:
    """The vendor's word for this document."""
    return "DebitAdj" if invoice.total.minor < 0 else "Invoice"


def party(card: PartyCard) -> Body:
    """A customer or supplier, only what is known of it."""
    customer = card.kind == "customer"
    body: Body = {"name": {"value": card.name}, "status": {"value": card.status}}
    _given(
        body,
        currencyId=card.currency,
        creditTermsId=card.terms,
        vatZoneId=card.vat_zone,
        corporateId=card.org_number,
        vatRegistrationId=card.vat_number,
        accountReference=card.account_number,
    )
    _given(body, **{"customerClassId" if customer else "supplierClassId": card.party_class})
    if card.payment_method and customer:
        body["defaultPaymentMethod"] = {"value": {"paymentMethodId": {"value": card.payment_method}}}
    elif card.payment_method:
        body["paymentMethodId"] = {"value": card.payment_method}
    _nested(body, "mainAddress", _address(card.address))
    _nested(body, "mainContact", {"name": card.contact, "email": card.email, "phone1": card.phone})
    return body


def _address(address: Address) -> Mapping[str, str]:
    lines = (*address.lines, "", "", "")
    return {
        "addressLine1": lines[0],
        "addressLine2": lines[1],
        "addressLine3": lines[2],
        "postalCode": address.postal_code,
        "city": address.city,
        "countryId": address.country,
    }


def _nested(body: Body, name: str, fields: Mapping[str, str]) -> None:
    inner = {field: {"value": value} for field, value in fields.items() if value}
    if inner:
        body[name] = {"value": inner}


def segments(dimensions: Dimensions) -> list[Body]:
    """Segment values; not wrapped, leading zeros kept."""
    return [{"segmentId": segment, "segmentValue": value} for segment, value in dimensions]


def taxes(details: Iterable[TaxDetail], *, sign: int = 1) -> list[Body]:
    """VAT by VAT id, as the source states it."""
    return [
        {
            "taxId": {"value": detail.vat_id},
            "taxableAmount": {"value": number(_times(detail.base, sign))},
            "vatAmount": {"value": number(_times(detail.vat, sign))},
        }
        for detail in details
    ]


def number(money: Money) -> int | Decimal:
    """An amount as a JSON number with at most the currency's decimals, exactly."""
    decimals = exponent(money.currency)
    whole, part = divmod(money.minor, 10**decimals)
    return Decimal(money.minor).scaleb(-decimals) if part else whole


def marked(text: str, token: str) -> str:
    """Text for people with our token behind it in brackets; the text gives way, the token never."""
    return f"{text[: HEADER_TEXT - len(token) - 3].rstrip()} [{token}]".lstrip()


def known(value: Number) -> str:
    """A number that must be filled in by now."""
    if isinstance(value, Ref):
        raise UsageError(f"The number of {value.key} is not known yet.", record=value.key)
    return value


def _given(body: Body, **fields: str | None) -> None:
    for name, value in fields.items():
        if value:
            body[name] = {"value": value}


def _day(day: date) -> Body:
    return {"value": f"{day.isoformat()}T00:00:00"}


def _times(money: Money, sign: int) -> Money:
    return money if sign > 0 else -money
