"""Basware's accounting documents as canonical ones. Pure. Untranslatable names the field; nothing else is raised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml_connector.connectors.basware.fields import Fields, moment_of
from ml_connector.errors import Untranslatable
from ml_connector.finance.purchasing import ApprovedInvoice, CodingRow, GivenAnswer

KINDS = ("accountingDocument",)
DIMENSIONS = range(1, 11)


def translate(kind: str, payload: Mapping[str, Any]) -> ApprovedInvoice:
    """The canonical document of a payload."""
    if kind not in KINDS:
        raise Untranslatable(f"Basware's {kind!r} has no canonical form.", field="(kind)")
    return approved_invoice(Fields(payload, record=_record_of(payload)))


def approved_invoice(row: Fields) -> ApprovedInvoice:
    """An invoice as it was coded and approved.

    The rows make the ledger's lines, not `invoiceLines`: they need a setting that tenants lack.
    """
    currency = row.currency("currencyCode")
    return ApprovedInvoice(
        id=row.needed("invoiceId"),
        status=row.needed("processingStatus"),
        company=row.needed("companyCode"),
        supplier=row.text("supplierCode").strip(),
        currency=currency,
        payment_block=row.flag("paymentBlock"),
        number=row.text("invoiceNumber").strip(),
        net=row.money_or_none("netSum", currency),
        gross=row.money_or_none("grossSum", currency),
        tax=row.money_or_none("taxSum1", currency),
        day=row.day_or_none("invoiceDate"),
        due_on=row.day_or_none("dueDate"),
        voucher_day=row.day_or_none("voucherDate"),
        payment_reference=row.text("referenceNumber").strip(),
        term=row.text("paymentTermCode").strip(),
        type_code=row.text("invoiceTypeCode").strip(),
        text=row.text("description").strip(),
        orders=row.texts("orderNumbers"),
        rows=tuple(_coding(one, currency) for one in row.parts("codingRows")),
        transfers=tuple(_answer(one) for one in row.parts("transferResponses")),
        payments=tuple(_answer(one) for one in row.parts("paymentResponses")),
        voucher=row.text("voucherNumber1").strip(),
        document_id=row.text("bumid").strip(),
        updated_at=moment_of(row.node.get("lastUpdated")),
    )


def _coding(row: Fields, currency: str) -> CodingRow:
    found = ((number, row.text(f"dimCode{number}").strip()) for number in DIMENSIONS)
    quantity = row.number_or_none("matchedQuantity")
    return CodingRow(
        external_code=row.needed("externalCode"),
        index=row.whole_or_none("rowIndex") or 0,
        net=row.money_or_none("netTotal", currency),
        gross=row.money_or_none("grossTotal", currency),
        account=row.text("accountCode").strip(),
        cost_center=row.text("costCenterCode").strip(),
        project=row.text("projectCode").strip(),
        dimensions=tuple((number, value) for number, value in found if value),
        tax_code=row.text("taxCode").strip(),
        tax_percent=row.number_or_none("taxPercent"),
        tax=row.money_or_none("taxSum", currency),
        second_tax_percent=row.number_or_none("taxPercent2"),
        second_tax=row.money_or_none("taxSum2", currency),
        text=row.text("lastComment").strip(),
        order=row.text("orderNumber").strip(),
        order_line=row.text("orderLineNumber").strip(),
        receipt=row.text("goodsReceiptNumber").strip(),
        receipt_line=row.text("goodsReceiptItemNumber").strip(),
        quantity=quantity if quantity is not None else row.number_or_none("allocatedQuantity"),
    )


def _answer(row: Fields) -> GivenAnswer:
    return GivenAnswer(row.text("externalCode"), row.flag("success"), row.text("voucherNumber1").strip())


def _record_of(node: object) -> str | None:
    found = node.get("invoiceId") if isinstance(node, Mapping) else None
    return found if type(found) is str and 0 < len(found) <= 36 and found.isprintable() else None
