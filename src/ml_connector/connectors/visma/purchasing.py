"""Suppliers, purchase orders, receipts, what is owed and paid, and the set-up behind them, as documents. Pure.

Prices and quantities stay exact decimals. Amounts that have a twin in the document's currency are read from the twin;
those of receipts and payments have none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Literal, NoReturn

from ml_connector.connectors.shapes import Payload
from ml_connector.connectors.visma.observed import day, text
from ml_connector.errors import Untranslatable
from ml_connector.finance.journal import Dimensions
from ml_connector.finance.money import CURRENCIES, Money, exponent
from ml_connector.finance.purchasing import (
    DueRule,
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
    ReferenceValue,
    SettledInvoice,
    SupplierAddress,
)

Row = Mapping[str, Any]
TAKEN = frozenset({"Accept", "AcceptButWarn"})  # what a line does with more than was ordered


def translate(kind: str, row: Payload) -> PurchaseDocument:
    """The canonical document of a payload. Raises Untranslatable naming the field."""
    return KINDS[kind](row)


def supplier(row: Row) -> LedgerSupplier:
    """A supplier, whole."""
    contact = _inner(row, "mainContact")
    found = ((role, row.get(name)) for role, name in _ADDRESSES)
    return LedgerSupplier(
        number=_given(row, "number"),
        name=text(row.get("name")),
        status=text(row.get("status")) or "Active",
        currency=text(row.get("currencyId")),
        term=text(row.get("creditTerms")),
        supplier_class=text(row.get("supplierClass")),
        payment_method=text(row.get("paymentMethod")),
        paid_by=text(row.get("accountUsedForPayment")),
        details=tuple(_detail(one) for one in _rows(row, "supplierPaymentMethodDetails")),
        org_number=text(row.get("corporateId")),
        vat_number=text(row.get("vatRegistrationId")),
        our_account=text(row.get("accountReference")),
        contact=text(contact.get("attention")) or text(contact.get("name")),
        email=text(contact.get("email")),
        phone=text(contact.get("phone1")),
        addresses=tuple(_address(role, one) for role, one in found if isinstance(one, Mapping)),
        updated_at=_moment(row),
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
    currency = _currency(row, "currency")
    return PurchaseOrder(
        number=_given(row, "orderNbr"),
        type=text(row.get("orderType")),
        status=text(row.get("status")),
        hold=row.get("hold") is True,
        supplier=text(row.get("supplier")),
        currency=currency,
        lines=tuple(_order_line(one, currency) for one in _rows(row, "lines")),
        day=_day(row, "date"),
        promised=_day(row, "promisedOn"),
        text=text(row.get("description")),
        term=text(row.get("terms")),
        supplier_reference=text(row.get("supplierRef")),
        updated_at=_moment(row),
    )


def _order_line(row: Row, currency: str) -> PurchaseOrderLine:
    article, sub = _inner(row, "inventory"), row.get("sub")
    net = _decimal(row, "amount") if row.get("amount") is not None else _decimal(row, "extCost")
    return PurchaseOrderLine(
        number=_number(row, "lineNbr"),
        kind=text(row.get("lineType")),
        quantity=_decimal(row, "orderQty"),
        unit_price=_decimal(row, "unitCost"),
        net=_money(net, currency),
        unit=text(row.get("uom")),
        base_quantity=_decimal(row, "baseOrderQty") if row.get("baseOrderQty") is not None else None,
        text=text(row.get("lineDescription")),
        article=text(article.get("number")),
        article_name=text(article.get("description")),
        supplier_article=text(row.get("alternateId")),
        vat_code=text(row.get("taxCategory")),
        account=text(row.get("account")),
        dimensions=dimensions(sub),
        project=_project(row),
        completed=row.get("completed") is True,
        canceled=row.get("canceled") is True,
        overreceipt_allowed=text(row.get("receiptAction")) in TAKEN,
    )


def receipt(row: Row) -> PurchaseReceipt:
    """A receipt, or goods that went back."""
    return PurchaseReceipt(
        number=_given(row, "receiptNbr"),
        type=text(row.get("receiptType")),
        status=text(row.get("status")),
        supplier=text(row.get("supplier")),
        lines=tuple(_receipt_line(one) for one in _rows(row, "lines")),
        day=_day(row, "date"),
        supplier_reference=text(row.get("supplierRef")),
        updated_at=_moment(row),
    )


def _receipt_line(row: Row) -> ReceiptLine:
    return ReceiptLine(
        number=_number(row, "lineNbr"),
        quantity=_decimal(row, "receiptQty"),
        unit_cost=_decimal(row, "unitCost"),
        unit=text(row.get("uom")),
        base_quantity=_decimal(row, "baseReceiptQty") if row.get("baseReceiptQty") is not None else None,
        order_type=text(row.get("poOrderType")),
        order_number=text(row.get("poOrderNbr")),
        order_line=_number(row, "poOrderLineNbr") if row.get("poOrderLineNbr") is not None else 0,
    )


def invoice(row: Row) -> LedgerSupplierInvoice:
    """A supplier's document."""
    currency = _currency(row, "currencyId")
    status = text(row.get("status"))
    total = _total(row, status)
    vat = (
        _decimal(row, "vatTotalInCurrency") if row.get("vatTotalInCurrency") is not None else _decimal(row, "vatAmount")
    )
    return LedgerSupplierInvoice(
        type=text(row.get("documentType")),
        number=_given(row, "referenceNumber"),
        status=status,
        supplier=text(row.get("supplier")),
        currency=currency,
        total=_money(total, currency),
        vat_total=_money(vat, currency),
        lines=tuple(_invoice_line(one, currency) for one in _rows(row, "invoiceLines")),
        day=_day(row, "date"),
        due_on=_day(row, "dueDate"),
        supplier_name=text(_inner(row, "supplier").get("name")),
        reference=text(row.get("supplierReference")),
        payment_reference=text(row.get("paymentRefNo")),
        term=text(row.get("creditTerms")),
        note=text(row.get("note")),
        text=text(row.get("description")),
        files=tuple(_file(one) for one in _rows(row, "attachments")),
        updated_at=_moment(row),
        period=text(row.get("financialPeriod")).replace("-", ""),
    )


def _total(row: Row, status: str) -> Decimal:
    """`amount` has no twin: until something is paid the balance in currency is the total.

    An open one may be paid in part: its amount counts where balance and twin agree, so that there is one currency.
    """
    balance = _decimal(row, "balanceInCurrency")
    unreleased = status in ("Hold", "Balanced", "Prebooked")
    if balance and (unreleased or (status == "Open" and balance != _decimal(row, "balance"))):
        return balance
    return _decimal(row, "amount")


def _invoice_line(row: Row, currency: str) -> LedgerInvoiceLine:
    net = _decimal(row, "costInCurrency") if row.get("costInCurrency") is not None else _decimal(row, "cost")
    return LedgerInvoiceLine(
        number=_number(row, "lineNumber"),
        net=_money(net, currency),
        text=text(row.get("transactionDescription")),
        quantity=_decimal(row, "quantity") if row.get("quantity") is not None else None,
        account=text(row.get("account")),
        vat_code=text(row.get("vatCode")),
        order=text(row.get("poNumber")),
        order_line=text(row.get("poLineNr")),
    )


def _file(row: Row) -> LedgerFile:
    return LedgerFile(text(row.get("id")) or text(row.get("attachmentId")), text(row.get("name")))


def payment(row: Row) -> LedgerSupplierPayment:
    """A payment to a supplier with what it took of which documents."""
    currency = _currency(row, "currency")
    return LedgerSupplierPayment(
        type=text(row.get("type")),
        number=_given(row, "refNbr"),
        status=text(row.get("status")),
        released=_is_released(row),
        supplier=text(row.get("supplier")),
        currency=currency,
        settled=tuple(_settled(one, currency) for one in _rows(row, "paymentLines")),
        day=_day(row, "applicationDate"),
        method=text(row.get("paymentMethod")),
        reference=text(row.get("paymentRef")),
        updated_at=_moment(row),
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
        _money(_decimal(row, "amountPaid"), own),
        _money(_decimal(row, "cashDiscountTaken"), own),
    )


def account(row: Row) -> ReferenceValue:
    """A GL account."""
    return ReferenceValue("account", _given(row, "accountCD"), text(row.get("description")), row.get("active") is True)


def segment_value(row: Row) -> ReferenceValue:
    """A value of a segment, as `purchase_reading` takes it out of its dimension."""
    return ReferenceValue(
        "segment_value", _given(row, "valueId"), text(row.get("description")), row.get("active") is True,
        _number(row, "segmentId"),
    )  # fmt: skip


def vat_category(row: Row) -> ReferenceValue:
    """A VAT category: the code of document lines. Its rate depends on zone and day, so it is not here."""
    active = row.get("active") is not False
    return ReferenceValue("vat_category", _given(row, "vatCategoryId"), text(row.get("description")), active)


def credit_term(row: Row) -> ReferenceValue:
    """Credit terms in the ledger's own words: its lists of due date types are not in any contract."""
    percent = _decimal(row, "discountPercent")
    rule = DueRule(
        kind=text(row.get("dueDateType")),
        days=_whole(row, "dueDay1"),
        day_of_month=_whole(row, "dueDay1"),
        delay_days=_whole(row, "delayDays"),
        discount_kind=text(row.get("discountType")),
        discount_days=_whole(row, "discountDay"),
        discount_percent=percent or None,
        instalments=text(row.get("instalmentType")).lower() in ("multiple", "m"),
    )
    active = text(row.get("visibleTo")).casefold() not in _DISABLED
    return ReferenceValue("credit_term", _given(row, "termsId"), text(row.get("description")), active, rule=rule)


_DISABLED = frozenset({"ds", "disabled"})  # who sees the terms: nobody


KINDS: Mapping[str, Callable[[Row], PurchaseDocument]] = {
    "supplier": supplier,
    "purchaseorder": order,
    "purchasereceipt": receipt,
    "supplierInvoice": invoice,
    "supplierPayment": payment,
    "account": account,
    "segmentvalue": segment_value,
    "vatcategory": vat_category,
    "creditterm": credit_term,
}


def dimensions(sub: Any) -> Dimensions:
    """The segments of a subaccount, by id."""
    if not isinstance(sub, Mapping):
        return ()
    found = []
    for one in _rows(sub, "segments"):
        value = text(one.get("segmentValue")).strip()
        if value and _whole(one, "segmentId"):
            found.append((_number(one, "segmentId"), value))
    return tuple(sorted(found))


def _project(row: Row) -> str:
    found = _inner(row, "project")
    return text(found.get("id"))


def _inner(row: Row, name: str) -> Row:
    found = row.get(name)
    return found if isinstance(found, Mapping) else {}


def _rows(row: Row, name: str) -> Iterator[Row]:
    found = row.get(name)
    if found is not None and not isinstance(found, list):
        _fail(name, "is no list")
    for one in found or ():
        if not isinstance(one, Mapping):
            _fail(name, "holds something that is no object")
        yield one


def _given(row: Row, name: str) -> str:
    return text(row.get(name)).strip() or _fail(name, "is missing")


def _currency(row: Row, name: str) -> str:
    found = row.get(name)
    code = text(found.get("id")) if isinstance(found, Mapping) else text(found)
    return code if code in CURRENCIES else _fail(name, "is no currency of ISO 4217")


def _day(row: Row, name: str) -> date | None:
    found = day(row.get(name))
    try:
        read = date.fromisoformat(found) if found else None
    except ValueError:
        _fail(name, "is no date")
    return read if read is None or read.year > 1900 else None  # an empty date comes as a very early one


def _moment(row: Row) -> datetime | None:
    """The last change, as if it were UTC: the zone is not documented."""
    found = row.get("lastModifiedDateTime")
    try:
        read = datetime.fromisoformat(found) if isinstance(found, str) else None
        return None if read is None else read.replace(tzinfo=read.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _decimal(row: Row, name: str) -> Decimal:
    found = row.get(name)
    if found is None:
        return Decimal(0)
    if isinstance(found, bool) or not isinstance(found, int | float | Decimal | str):
        _fail(name, "is no number")
    try:
        read = Decimal(repr(found)) if isinstance(found, float) else Decimal(found)
    except InvalidOperation:
        _fail(name, "is no number")
    return read if read.is_finite() and abs(read) < Decimal(10) ** 15 else _fail(name, "is no usable number")


def _money(amount: Decimal, currency: str) -> Money:
    """Half a minor unit and less is the noise of a double."""
    return Money(int(amount.scaleb(exponent(currency)).to_integral_value(ROUND_HALF_UP)), currency)


def _number(row: Row, name: str) -> int:
    found = _whole(row, name)
    return _fail(name, "is no whole number") if found is None else found


def _whole(row: Row, name: str) -> int | None:
    found = row.get(name)
    if isinstance(found, str) and found.strip().isdecimal():
        found = int(found)
    return found if type(found) is int else None


def _fail(name: str, what: str) -> NoReturn:
    raise Untranslatable(f"Visma's field {name} {what}.", field=name)
