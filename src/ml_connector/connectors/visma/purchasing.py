"""Suppliers, purchase orders, receipts, what is owed and paid, and the set-up behind them, as documents. Pure.

Prices and quantities stay exact decimals. Amounts that have a twin in the document's currency are read from the twin;
those of receipts and payments have none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Literal

from ml_connector.connectors.shapes import Payload
from ml_connector.connectors.visma import reference_values
from ml_connector.connectors.visma.observed import text
from ml_connector.connectors.visma.rows import (
    Row,
    changed_at,
    currency_of,
    day_of,
    decimal_of,
    dimensions,
    given,
    inner,
    money,
    number_of,
    rows_of,
)
from ml_connector.finance.money import CURRENCIES
from ml_connector.finance.purchasing import (
    LedgerFile,
    LedgerInvoiceLine,
    LedgerSupplier,
    LedgerSupplierInvoice,
    LedgerSupplierPayment,
    PaymentDetail,
    PurchaseDocument,
    PurchaseOrder,
    PurchaseOrderLine,
    PurchaseReceipt,
    ReceiptLine,
    SettledInvoice,
    SupplierAddress,
)

TAKEN = frozenset({"Accept", "AcceptButWarn"})  # what a line does with more than was ordered


def translate(kind: str, row: Payload) -> PurchaseDocument:
    """The canonical document of a payload. Raises Untranslatable naming the field."""
    return KINDS[kind](row)


def supplier(row: Row) -> LedgerSupplier:
    """A supplier, whole."""
    contact = inner(row, "mainContact")
    found = ((role, row.get(name)) for role, name in _ADDRESSES)
    return LedgerSupplier(
        number=given(row, "number"),
        name=text(row.get("name")),
        status=text(row.get("status")) or "Active",
        currency=text(row.get("currencyId")),
        term=text(row.get("creditTerms")),
        supplier_class=text(row.get("supplierClass")),
        payment_method=text(row.get("paymentMethod")),
        paid_by=text(row.get("accountUsedForPayment")),
        details=tuple(_detail(one) for one in rows_of(row, "supplierPaymentMethodDetails")),
        org_number=text(row.get("corporateId")),
        vat_number=text(row.get("vatRegistrationId")),
        our_account=text(row.get("accountReference")),
        contact=text(contact.get("attention")) or text(contact.get("name")),
        email=text(contact.get("email")),
        phone=text(contact.get("phone1")),
        addresses=tuple(_address(role, one) for role, one in found if isinstance(one, Mapping)),
        updated_at=changed_at(row),
    )


_ADDRESSES: tuple[tuple[Literal["main", "remittance"], str], ...] = (
    ("main", "mainAddress"),
    ("remittance", "remitAddress"),
)


def _address(role: Literal["main", "remittance"], row: Row) -> SupplierAddress:
    lines = tuple(line for n in (1, 2, 3) if (line := text(row.get(f"addressLine{n}"))))
    country = text(row.get("country")) or text(row.get("countryId"))
    return SupplierAddress(
        role, lines, text(row.get("postalCode")), text(row.get("city")), text(row.get("county")), country
    )


def _detail(row: Row) -> PaymentDetail:
    name = text(row.get("paymentMethodDetailDescription")) or text(row.get("paymentMethodDetailBankingDetailType"))
    return PaymentDetail(name, text(row.get("paymentMethodDetailValue")).strip())


def order(row: Row) -> PurchaseOrder:
    """A purchase order with its lines."""
    currency = currency_of(row, "currency")
    return PurchaseOrder(
        number=given(row, "orderNbr"),
        type=text(row.get("orderType")),
        status=text(row.get("status")),
        hold=row.get("hold") is True,
        supplier=text(row.get("supplier")),
        currency=currency,
        lines=tuple(_order_line(one, currency) for one in rows_of(row, "lines")),
        day=day_of(row, "date"),
        promised=day_of(row, "promisedOn"),
        text=text(row.get("description")),
        term=text(row.get("terms")),
        supplier_reference=text(row.get("supplierRef")),
        updated_at=changed_at(row),
    )


def _order_line(row: Row, currency: str) -> PurchaseOrderLine:
    article, sub = inner(row, "inventory"), row.get("sub")
    net = decimal_of(row, "amount") if row.get("amount") is not None else decimal_of(row, "extCost")
    return PurchaseOrderLine(
        number=number_of(row, "lineNbr"),
        kind=text(row.get("lineType")),
        quantity=decimal_of(row, "orderQty"),
        unit_price=decimal_of(row, "unitCost"),
        net=money(net, currency),
        unit=text(row.get("uom")),
        base_quantity=decimal_of(row, "baseOrderQty") if row.get("baseOrderQty") is not None else None,
        text=text(row.get("lineDescription")),
        article=text(article.get("number")),
        article_name=text(article.get("description")),
        supplier_article=text(row.get("alternateId")),
        vat_code=text(row.get("taxCategory")),
        account=text(row.get("account")),
        dimensions=dimensions(sub),
        project=text(inner(row, "project").get("id")),
        completed=row.get("completed") is True,
        canceled=row.get("canceled") is True,
        overreceipt_allowed=text(row.get("receiptAction")) in TAKEN,
    )


def receipt(row: Row) -> PurchaseReceipt:
    """A receipt, or goods that went back."""
    return PurchaseReceipt(
        number=given(row, "receiptNbr"),
        type=text(row.get("receiptType")),
        status=text(row.get("status")),
        supplier=text(row.get("supplier")),
        lines=tuple(_receipt_line(one) for one in rows_of(row, "lines")),
        day=day_of(row, "date"),
        supplier_reference=text(row.get("supplierRef")),
        updated_at=changed_at(row),
    )


def _receipt_line(row: Row) -> ReceiptLine:
    return ReceiptLine(
        number=number_of(row, "lineNbr"),
        quantity=decimal_of(row, "receiptQty"),
        unit_cost=decimal_of(row, "unitCost"),
        unit=text(row.get("uom")),
        base_quantity=decimal_of(row, "baseReceiptQty") if row.get("baseReceiptQty") is not None else None,
        order_type=text(row.get("poOrderType")),
        order_number=text(row.get("poOrderNbr")),
        order_line=number_of(row, "poOrderLineNbr") if row.get("poOrderLineNbr") is not None else 0,
    )


def invoice(row: Row) -> LedgerSupplierInvoice:
    """A supplier's document."""
    currency = currency_of(row, "currencyId")
    status = text(row.get("status"))
    total = _total(row, status)
    vat = (
        decimal_of(row, "vatTotalInCurrency")
        if row.get("vatTotalInCurrency") is not None
        else decimal_of(row, "vatAmount")
    )
    return LedgerSupplierInvoice(
        type=text(row.get("documentType")),
        number=given(row, "referenceNumber"),
        status=status,
        supplier=text(row.get("supplier")),
        currency=currency,
        total=money(total, currency),
        vat_total=money(vat, currency),
        lines=tuple(_invoice_line(one, currency) for one in rows_of(row, "invoiceLines")),
        day=day_of(row, "date"),
        due_on=day_of(row, "dueDate"),
        supplier_name=text(inner(row, "supplier").get("name")),
        reference=text(row.get("supplierReference")),
        payment_reference=text(row.get("paymentRefNo")),
        term=text(row.get("creditTerms")),
        note=text(row.get("note")),
        text=text(row.get("description")),
        files=tuple(_file(one) for one in rows_of(row, "attachments")),
        updated_at=changed_at(row),
        period=text(row.get("financialPeriod")).replace("-", ""),
    )


def _total(row: Row, status: str) -> Decimal:
    """`amount` has no twin: until something is paid the balance in currency is the total.

    An open one may be paid in part: its amount counts where balance and twin agree, so that there is one currency.
    """
    balance = decimal_of(row, "balanceInCurrency")
    unreleased = status in ("Hold", "Balanced", "Prebooked")
    if balance and (unreleased or (status == "Open" and balance != decimal_of(row, "balance"))):
        return balance
    return decimal_of(row, "amount")


def _invoice_line(row: Row, currency: str) -> LedgerInvoiceLine:
    net = decimal_of(row, "costInCurrency") if row.get("costInCurrency") is not None else decimal_of(row, "cost")
    return LedgerInvoiceLine(
        number=number_of(row, "lineNumber"),
        net=money(net, currency),
        text=text(row.get("transactionDescription")),
        quantity=decimal_of(row, "quantity") if row.get("quantity") is not None else None,
        account=text(row.get("account")),
        vat_code=text(row.get("vatCode")),
        order=text(row.get("poNumber")),
        order_line=text(row.get("poLineNr")),
    )


def _file(row: Row) -> LedgerFile:
    return LedgerFile(text(row.get("id")) or text(row.get("attachmentId")), text(row.get("name")))


def payment(row: Row) -> LedgerSupplierPayment:
    """A payment to a supplier with what it took of which documents."""
    currency = currency_of(row, "currency")
    return LedgerSupplierPayment(
        type=text(row.get("type")),
        number=given(row, "refNbr"),
        status=text(row.get("status")),
        released=_is_released(row),
        supplier=text(row.get("supplier")),
        currency=currency,
        settled=tuple(_settled(one, currency) for one in rows_of(row, "paymentLines")),
        day=day_of(row, "applicationDate"),
        method=text(row.get("paymentMethod")),
        reference=text(row.get("paymentRef")),
        updated_at=changed_at(row),
    )


def _is_released(row: Row) -> bool:
    """Whether it has moved money: printed alone has not."""
    told = row.get("released")
    return told if isinstance(told, bool) else text(row.get("status")) in ("Open", "Closed")


def _settled(row: Row, currency: str) -> SettledInvoice:
    own = text(row.get("currency")) or currency
    own = own if own in CURRENCIES else currency
    return SettledInvoice(
        text(row.get("docType")),
        text(row.get("invoiceRefNbr")),
        money(decimal_of(row, "amountPaid"), own),
        money(decimal_of(row, "cashDiscountTaken"), own),
    )


KINDS: Mapping[str, Callable[[Row], PurchaseDocument]] = {
    "supplier": supplier,
    "purchaseorder": order,
    "purchasereceipt": receipt,
    "supplierInvoice": invoice,
    "supplierPayment": payment,
    "account": reference_values.account,
    "segmentvalue": reference_values.segment_value,
    "vatcategory": reference_values.vat_category,
    "creditterm": reference_values.credit_term,
}
