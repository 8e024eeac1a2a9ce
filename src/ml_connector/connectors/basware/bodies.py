"""Write bodies: whole records as Basware takes them. Nothing empty is sent, for unknown fields and nulls are refused.

Human text is cut to its field; codes never are, a record with a longer one is refused before anything is sent. A
record that is sent again after an error must differ in some field, or Basware does not pass it on: `again` counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ml_connector.errors import Rejected, UsageError
from ml_connector.finance.invoices import Ref
from ml_connector.finance.money import Money
from ml_connector.finance.procurement import (
    BankAccount,
    CardAddress,
    Coding,
    GoodsReceipt,
    OrderHeader,
    OrderLine,
    PaymentAnswer,
    PaymentTermRule,
    ReferenceRow,
    SupplierCard,
    TransferAnswer,
)

Body = dict[str, Any]

PRICE = Decimal("0.0001")
ADDRESS_TYPES = {"postal": "PostalAddress", "remittance": "RemittanceAddress", "delivery": "DeliveryAddress"}
DIMENSION_FIELDS: Mapping[str, str] = {
    "cost_center": "costCenterCode",
    "project": "projectCode",
    **{f"dim{n}": f"dimCode{n}" for n in range(1, 11)},
}


# ---------------------------------------------------------------------------------------------- reference data


def reference(row: ReferenceRow, again: int = 0) -> Body:
    """One row of reference data. `again`: how often it failed before."""
    return _REFERENCE[row.kind](row, again)


def _account(row: ReferenceRow, again: int) -> Body:
    body: Body = {"accountCode": code(row.code, 25, row.source), "accountNames": _names(row)}
    return _filled(body, text5=_count(again)) | {"companies": _companies(row, inherit=True)} | _keyed(row)


def _cost_center(row: ReferenceRow, again: int) -> Body:
    body: Body = {"costCenterCode": code(row.code, 25, row.source), "costCenterNames": _names(row)}
    return _filled(body, text10=_count(again)) | {"companies": _companies(row)} | _keyed(row)


def _tax_code(row: ReferenceRow, again: int) -> Body:
    body: Body = {"taxCode": code(row.code, 25, row.source), "taxCodeNames": _names(row)}
    body["taxPercentage"] = row.percent or Decimal(0)
    return _filled(body, taxGroup=_count(again)) | {"companies": _companies(row, inherit=True)} | _keyed(row)


def _payment_term(row: ReferenceRow, again: int) -> Body:
    body: Body = {"paymentTermCode": code(row.code, 25, row.source), "paymentTermNames": _names(row)}
    if again:
        body["sortOrder"] = again
    body |= _due(row.term or PaymentTermRule(automatic=False))
    body |= {"validFrom": _day(row.valid_from), "validTo": _day(row.valid_to)}
    return body | {"companies": _companies(row, inherit=True)} | _keyed(row)


def _due(rule: PaymentTermRule) -> Body:
    body: Body = {"dueDateCalc": 1 if rule.automatic else 0}
    if rule.automatic:
        _known(body, dueDateDays=rule.days, dueDateDays2=rule.days_after_month, dueDateEom=rule.month_ends)
    if rule.discount_percent and rule.discount_days is not None:
        body |= {"cashDueDateCalc": 1, "cashDueDateDays": rule.discount_days, "cashDiscount": rule.discount_percent}
    return body


def _project(row: ReferenceRow, again: int) -> Body:
    body: Body = {"projectCode": code(row.code, 25, row.source), "projectName": (row.name or row.code)[:100]}
    body = _filled(body, description=_count(again))
    body |= {"validFrom": _day(row.valid_from), "validUntil": _day(row.valid_to)}
    return body | {"companies": _companies(row)} | _keyed(row)


def _list_row(row: ReferenceRow, again: int) -> Body:
    body: Body = {name: value for name, value in sorted(row.columns.items()) if value}
    if again and row.spare:
        body[row.spare] = _count(again)
    return body | {"companies": _companies(row)} | _keyed(row)


def _exchange_rate(row: ReferenceRow, again: int) -> Body:
    if row.rate is None or not row.currency_to:
        raise UsageError("An exchange rate has a rate and two currencies.", record=row.source)
    del again  # a rate has no spare field; a new one is another record
    body: Body = {"rate": row.rate, "currencyCodeFrom": row.code, "currencyCodeTo": row.currency_to}
    return body | {"validFrom": _day(row.valid_from), "companies": _companies(row)} | _keyed(row)


_REFERENCE: Mapping[str, Callable[[ReferenceRow, int], Body]] = {
    "account": _account,
    "cost_center": _cost_center,
    "tax_code": _tax_code,
    "payment_term": _payment_term,
    "project": _project,
    "list": _list_row,
    "exchange_rate": _exchange_rate,
}


def _names(row: ReferenceRow) -> list[Body]:
    """At least two characters: shorter names are padded with their code."""
    text = row.name.strip() or row.code
    if len(text) < 2:
        text = f"{text} {row.code}" if text != row.code else f"{text} -"
    return [{"language": language, "translation": text[:2000]} for language in row.languages or ("en-US",)]


def _companies(row: ReferenceRow, *, inherit: bool | None = None) -> list[Body]:
    body: Body = {"companyCode": code(row.company, 32, row.source)}
    if inherit is not None:
        body["inherit"] = inherit
    return [body | {"active": row.active}]


def _keyed(row: ReferenceRow) -> Body:
    return {"externalCode": code(row.external_code, 36, row.source)}


# ---------------------------------------------------------------------------------------------- suppliers


def supplier(card: SupplierCard, again: int = 0) -> Body:
    """A supplier, whole."""
    body: Body = {
        "externalCode": code(card.external_code, 36, card.source),
        "vendorCode": code(card.number, 25, card.source),
        "name": card.name[:250],
        "sourceSystem": code(card.source_system, 32, card.source),
    }
    _filled(
        body,
        description=_count(again),
        supplierAssignedAccountId=card.our_account[:128],
        vendorClass=card.supplier_class[:100],
    )
    _listed(body, "identifiers", [{"id": id_[:36], "schemeId": scheme[:32]} for scheme, id_ in card.identifiers])
    _listed(body, "addresses", [_address(one) for one in card.addresses])
    if card.contact or card.email or card.phone:
        contact = _filled(
            {"name": (card.contact or card.name)[:200]}, telephone=card.phone[:50], email=card.email[:200]
        )
        body["contacts"] = [contact | {"role": "PrimaryContact"}]
    if card.payment_method:
        body["paymentMeans"] = [_means(card)]
    if card.term:
        body["paymentTerms"] = {"paymentTermCode": code(card.term, 25, card.source)}
    body["processingStatus"] = {"active": card.active, "paymentDenied": card.payment_denied}
    body["companies"] = [{"companyCode": code(card.company, 32, card.source), "inheritToChildUnits": True}]
    return body


def _address(one: CardAddress) -> Body:
    body: Body = {"externalCode": one.external_code, "name": one.name[:200], "addressType": ADDRESS_TYPES[one.role]}
    lines = [line[:200] for line in one.lines[:3]]
    _filled(
        body,
        **{f"addressLine{n}": line for n, line in enumerate(lines, 1)},
        streetName=(lines[0] if lines else "")[:50],
        postalZone=one.postal_code[:50],
        cityName=one.city[:50],
        countrySubEntity=one.region[:50],
        countryId=one.country if len(one.country) == 2 else "",
    )
    return body | {"default": one.default}


def _means(card: SupplierCard) -> Body:
    body: Body = {"paymentMeansCode": code(card.payment_method, 25, card.source)}
    _filled(body, currencyCode=card.currency if len(card.currency) == 3 else "")
    body["default"] = True
    accounts = [_bank(one, default=place == 0) for place, one in enumerate(card.accounts)]
    _listed(body, "financialAccounts", accounts)
    return body


def _bank(one: BankAccount, *, default: bool) -> Body:
    """An account by both its numbers, each naming the other; the bank only where its BIC is known."""
    body: Body = {}
    if one.bic:
        body["financialInstitution"] = {"name": one.bank_name[:250], "id": one.bic[:20], "schemeId": "BIC"}
    numbers = [(scheme, id_) for scheme, id_ in (("IBAN", one.iban), ("BBAN", one.bban)) if id_]
    found = []
    for place, (scheme, id_) in enumerate(numbers):
        other = numbers[1 - place][1] if len(numbers) == 2 else ""
        row: Body = {"schemeId": scheme, "id": code(id_, 32, "bank account"), "default": default and place == 0}
        found.append(_filled(row, linkedBbanOrIban=other))
    body["financialAccountIdentifiers"] = found
    return body


# ---------------------------------------------------------------------------------------------- orders


def order(head: OrderHeader, again: int = 0) -> Body:
    """An order's head. Closed here is for people to read: lines do not inherit it."""
    body: Body = {
        "externalCode": code(head.external_code, 36, head.source),
        "orderNumber": code(head.number, 100, head.source),
        "sourceSystem": code(head.source_system, 32, head.source),
        "companyCode": code(head.company, 25, head.source),
        "organizationElementCode": code(head.organization, 25, head.source, least=2),
        "currencyCode": head.currency,
        "supplierCode": code(head.supplier, 25, head.source),
    }
    _filled(
        body,
        orderTypeCode=head.order_type[:25],
        description=head.description[:1000],
        paymentTermCode=head.term,
        orderReference=head.reference[:100],
        created=_day(head.created) if head.created else "",
        requestedDeliveryDate=_day(head.promised) if head.promised else "",
        text10=_count(again),
    )
    # The contract's order has no isDeleted: its lines are deleted, and it is closed.
    body["isClosed"] = head.closed or head.deleted
    return body


def order_line(line: OrderLine, again: int = 0) -> Body:
    """A line with all its coding and receipts: right whether Basware merges arrays or replaces them."""
    body: Body = {
        "externalCode": code(line.external_code, 36, line.source),
        "orderExternalCode": code(line.order_code, 36, line.source),
        "lineNumber": code(line.number, 100, line.source),
        "sortNumber": line.position,
        "quantity": line.quantity,
        "matchingMode": "Return" if line.returned else "Standard",
    }
    _known(
        body,
        netPrice=_rounded(line.net_price, PRICE),
        netSum=_sum(line.net_sum),
        taxPercent=line.tax_percent,
    )
    _filled(
        body,
        currencyCode=line.currency,
        uom=line.unit[:25],
        taxCode=line.tax_code,
        productCode=line.article[:250],
        productName=line.article_name[:250],
        buyerProductCode=line.own_article[:250],
        description=line.description[:1000],
        text10=_count(again),
    )
    body |= {
        "isReceiptRequired": line.receipt_required,
        "isReceiptBasedMatching": line.receipt_based,
        "isOverreceivalAllowed": line.overreceipt_allowed,
        "isClosed": line.closed,
        "isDeleted": line.deleted,
    }
    _listed(body, "orderLineCoding", [_coding(one) for one in line.coding])
    _listed(body, "goodsReceipts", [_receipt(one) for one in line.receipts])
    return body


def _coding(one: Coding) -> Body:
    body: Body = {"externalCode": one.external_code, "rowIndex": one.index, "allocatedQuantity": one.quantity}
    _filled(body, accountCode=one.account, taxCode=one.tax_code)
    for where, value in one.dimensions:
        body[DIMENSION_FIELDS[where]] = value
    return body


def _receipt(one: GoodsReceipt) -> Body:
    """A receipt line; its price always goes along, as one taken back without a price counts as nothing."""
    body: Body = {
        "externalCode": one.external_code,
        "goodsReceiptNumber": one.number[:100],
        "goodsReceiptLineNumber": one.line[:25],
        "quantity": one.quantity,
        "netPrice": _rounded(one.net_price, PRICE),
        "isDeleted": False,
    }
    return _filled(
        body,
        deliveryDate=_day(one.received) if one.received else "",
        deliveryNoteNumber=one.delivery_note[:250],
        referenceGRExternalCode=one.reverses,
    )


# ---------------------------------------------------------------------------------------------- answers


def transfer(answer: TransferAnswer) -> Body:
    """What became of a document. The voucher is only kept where it was a success."""
    body: Body = {
        "externalCode": answer.external_code,
        "success": answer.success,
        "responseMessage": answer.message[:250],
        "sourceSystem": code(answer.source_system, 32, answer.source),
        "paymentBlock": answer.payment_block,
    }
    if isinstance(answer.voucher, Ref):
        raise UsageError(f"The number of {answer.voucher.key} is not known yet.", record=answer.source)
    if answer.success:
        _filled(body, voucherNumber1=code(answer.voucher, 25, answer.source) if answer.voucher else "")
        _filled(body, transferDate=_day(answer.day) if answer.day else "")
    return body


def payment(answer: PaymentAnswer) -> Body:
    """All that is known of what is paid: fields that are left out are cleared, and an empty date means today."""
    body: Body = {
        "externalCode": answer.external_code,
        "success": True,
        "sourceSystem": code(answer.source_system, 32, answer.source),
        "paymentDate": _day(answer.day),
        "paymentBlock": answer.payment_block,
        "paidTotal": _sum(answer.paid),
    }
    _known(body, cashDiscount=_sum(answer.discount))
    return _filled(
        body,
        responseMessage=answer.message[:250],
        paymentMessage=answer.message[:100],
        paymentTermCode=answer.term,
        paymentMethod=answer.method[:25],
        paymentNumber=answer.number[:250],
        paymentDocument=answer.document[:250],
        paymentReversalDocument=answer.reversal[:250],
    )


# ---------------------------------------------------------------------------------------------- parts


def code(value: str, most: int, record: str, *, least: int = 1) -> str:
    """A code as it is: one that does not fit names another record when cut. Raises Rejected."""
    if not least <= len(value) <= most:
        raise Rejected(
            f"The code {value[:60]!r} must have {least} to {most} characters.",
            record=record,
            fix="Shorten it in the ledger, or correct the route's terms.",
        )
    return value


def _count(again: int) -> str:
    return f"#{again + 1}" if again else ""


def _day(day: date | None) -> str:
    """A date without a zone: a `Z` may shift the day."""
    if day is None:
        raise UsageError("A date is missing where Basware needs one.", record="date")
    return day.isoformat()


def _rounded(value: Decimal | None, step: Decimal) -> Decimal | None:
    return None if value is None else value.quantize(step, ROUND_HALF_UP).normalize()


def _sum(amount: Money | None) -> Decimal | None:
    return None if amount is None else amount.decimal()


def _filled(body: Body, **texts: str) -> Body:
    for name, value in texts.items():
        if value:
            body[name] = value
    return body


def _known(body: Body, **values: Decimal | int | None) -> None:
    for name, value in values.items():
        if value is not None:
            body[name] = value


def _listed(body: Body, name: str, rows: list[Body]) -> None:
    if rows:
        body[name] = rows
