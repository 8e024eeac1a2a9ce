"""Purchasing as people enter it: orders, receipts, payments to suppliers. Rows are kept as the API shows them.

There is no API here for entering them: our product never writes them. What people do at the screen are control verbs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from ml_connector_sandbox.visma.call import moment
from ml_connector_sandbox.visma.chart import ZERO
from ml_connector_sandbox.visma.company import Company, row_version
from ml_connector_sandbox.visma.parties import supplier
from ml_connector_sandbox.visma.payables import SupplierDocument
from ml_connector_sandbox.visma.posting import Voucher, subaccount
from ml_connector_sandbox.visma.shown import branch_reference, day, shown_subaccount

Row = dict[str, Any]
ORDER_TYPES = ("RegularOrder", "DropShip", "Blanket", "StandardBlanket")
ORDER_STATUSES = tuple("Balanced Cancelled Closed Hold Open PendingEmail PendingPrint Printed Voided".split())
RECEIPT_TYPES = ("PoReceipt", "PoReturn", "TransferReceipt")
RECEIPT_STATUSES = ("Hold", "Balanced", "Released", "Cancelled")
PAYMENT_TYPES = ("Payment", "DebitAdj", "Prepayment", "Refund", "VoidPayment", "VoidRefund")
LINE_TYPES = (
    "GoodsForInventory GoodsForSalesOrder GoodsForReplenishment GoodsForDropShip NonStockForDropShip "
    "NonStockForSalesOrder NonStock Service Freight Description"
).split()
UNPAID = frozenset({"Open"})


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where rows of one kind are kept: the field of their number, of their type, and what each field may be."""

    number: str
    type: str
    default_type: str
    words: dict[str, Iterable[str]] = field(default_factory=dict)


SHELVES = {
    "purchase_orders": Shelf(
        "orderNbr", "orderType", "RegularOrder", {"orderType": ORDER_TYPES, "status": ORDER_STATUSES}
    ),
    "purchase_receipts": Shelf(
        "receiptNbr", "receiptType", "PoReceipt", {"receiptType": RECEIPT_TYPES, "status": RECEIPT_STATUSES}
    ),
    "supplier_payments": Shelf("refNbr", "type", "Payment", {"type": PAYMENT_TYPES}),
}


def rows_of(company: Company, kind: str) -> dict[tuple[str, str], Row]:
    """The rows of a kind by type and number: numbers repeat between types. Raises ValueError for an unknown kind."""
    if kind not in SHELVES:
        raise ValueError(f"Cannot seed {kind!r}; there are {', '.join(SHELVES)}.")
    found: dict[tuple[str, str], Row] = getattr(company, kind)
    return found


def numbered(company: Company, kind: str, number: str, of: str = "") -> Row | None:
    """The row of this number, of any type unless one is named."""
    for (type_, known), row in rows_of(company, kind).items():
        if known == number and of.lower() in ("", type_.lower()):
            return row
    return None


def keep(company: Company, kind: str, row: Row, now: datetime) -> Row:
    """Keep a row as it was changed now. Raises ValueError for a missing number or a word the API does not know."""
    shelf = SHELVES[kind]
    if not row.get(shelf.number):
        raise ValueError(f"A row of {kind} needs {shelf.number}.")
    for name, words in shelf.words.items():
        if row.get(name) is not None and row[name] not in tuple(words):
            raise ValueError(f"{name} of {kind} is one of {', '.join(words)}.")
    for line in row.get("lines") or ():
        if line.get("lineType") is not None and line["lineType"] not in LINE_TYPES:
            raise ValueError(f"lineType is one of {', '.join(LINE_TYPES)}.")
    row.setdefault(shelf.type, shelf.default_type)
    row.setdefault("lastModifiedDateTime", moment(now))
    row["timeStamp"] = row_version(company.stamp())
    rows_of(company, kind)[row[shelf.type], str(row[shelf.number])] = row
    return row


def seeded(company: Company, kind: str, rows: list[Row], now: datetime) -> int:
    """Put rows as the API shows them into the company."""
    rows_of(company, kind)
    for row in rows:
        keep(company, kind, dict(row), now)
    return len(rows)


def changed(company: Company, kind: str, row: Row, now: datetime) -> Row:
    """Keep a row that was there before, with a new time of change."""
    row["lastModifiedDateTime"] = moment(now)
    if kind == "purchase_orders":
        company.tell("PurchaseOrderChanged", "purchaseorder", row["orderNbr"])
    return keep(company, kind, row, now)


# ---------------------------------------------------------------------------------------------- orders


def order(company: Company, wishes: Row, now: datetime) -> Row:
    """Enter a purchase order. `lines`: article, text, quantity, price, and what they may leave out."""
    who = supplier(company, str(wishes["supplier"]))
    on = date.fromisoformat(wishes.get("day") or now.date().isoformat())
    row: Row = {
        "orderType": wishes.get("type", "RegularOrder"),
        "orderNbr": str(wishes.get("number") or company.chart.series["POORDER"].take()),
        "hold": bool(wishes.get("hold", False)),
        "status": wishes.get("status", "Hold" if wishes.get("hold") else "Open"),
        "date": day(on),
        "promisedOn": day(date.fromisoformat(wishes.get("promised") or on.isoformat())),
        "description": wishes.get("text", ""),
        "supplier": {"internalId": who.id, "number": who.number, "name": who.name},
        "currency": wishes.get("currency") or who.currency,
        "supplierRef": wishes.get("reference", ""),
        "terms": {"id": who.terms, "description": company.chart.credit_terms[who.terms][0]},
        "branch": branch_reference(company, next(iter(company.chart.branches))),
        "lines": [_order_line(company, n, one) for n, one in enumerate(wishes["lines"], 1)],
        "purchaseReceipts": [],
    }
    _summed(row)
    company.tell("PurchaseOrderCreated", "purchaseorder", row["orderNbr"])
    return keep(company, "purchase_orders", row, now)


def _order_line(company: Company, number: int, wish: Row) -> Row:
    quantity, price = Decimal(str(wish.get("quantity", 1))), Decimal(str(wish.get("price", 0)))
    kind = wish.get("kind", "GoodsForInventory" if wish.get("article") else "NonStock")
    row: Row = {
        "lineNbr": int(wish.get("number", number)),
        "lineType": kind,
        "lineDescription": wish.get("text", ""),
        "uom": wish.get("unit", "PCS"),
        "orderQty": quantity,
        "baseOrderQty": Decimal(str(wish.get("base_quantity", quantity))),
        "qtyOnReceipts": ZERO,
        "unitCost": price,
        "extCost": quantity * price,
        "amount": quantity * price,
        "alternateId": wish.get("supplier_article", ""),
        "receiptAction": wish.get("receipt_action", "Reject"),
        "completed": False,
        "canceled": False,
    }
    if wish.get("article"):
        row["inventory"] = {"number": wish["article"], "description": wish.get("text", "")}
    if wish.get("vat"):
        category = company.chart.categories[wish["vat"]]
        row["taxCategory"] = {"number": category.id, "description": category.description}
    if wish.get("account"):
        account = company.chart.accounts[wish["account"]]
        row["account"] = {"type": account.type, "number": account.number, "description": account.description}
    if wish.get("segments"):
        wanted = [{"segmentId": int(n), "segmentValue": value} for n, value in wish["segments"].items()]
        row["sub"] = shown_subaccount(company, subaccount(company, wanted))
    return row


def _summed(row: Row) -> None:
    net = sum((line["amount"] for line in row["lines"] if not line["canceled"]), ZERO)
    row |= {"lineTotal": net, "lineTotalInBaseCurrency": net, "orderTotal": net, "orderTotalInBaseCurrency": net}


def change_order(company: Company, wishes: Row, now: datetime) -> Row:
    """Change an order: `fields` of its head, `lines` by number (fields as the API shows them), `remove` of lines."""
    row = numbered(company, "purchase_orders", str(wishes["number"]), str(wishes.get("type", "")))
    if row is None:
        raise ValueError(f"There is no purchase order {wishes['number']!r}.")
    row |= wishes.get("fields") or {}
    row["lines"] = [line for line in row["lines"] if line["lineNbr"] not in (wishes.get("remove") or ())]
    for line in row["lines"]:
        for name, value in (wishes.get("lines") or {}).get(str(line["lineNbr"]), {}).items():
            line[name] = Decimal(str(value)) if isinstance(line.get(name), Decimal) else value
        line["amount"] = line["extCost"] = line["orderQty"] * line["unitCost"]
    _summed(row)
    return changed(company, "purchase_orders", row, now)


# ---------------------------------------------------------------------------------------------- receipts


def receive(company: Company, wishes: Row, now: datetime) -> Row:
    """Enter a receipt of an order: `quantities` by line (all that is open when left out). `type` PoReturn sends back.

    The return names no receipt: so it is in the ERP.
    """
    ordered = numbered(company, "purchase_orders", str(wishes["order"]), str(wishes.get("order_type", "")))
    if ordered is None:
        raise ValueError(f"There is no purchase order {wishes['order']!r}.")
    type_ = wishes.get("type", "PoReceipt")
    on = date.fromisoformat(wishes.get("day") or now.date().isoformat())
    wanted = wishes.get("quantities")
    lines: list[Row] = []
    for line in ordered["lines"]:
        quantity = Decimal(str(wanted.get(str(line["lineNbr"]), 0))) if wanted else line["orderQty"]
        if quantity:
            lines.append(_receipt_line(ordered, line, quantity, len(lines) + 1))
            line["qtyOnReceipts"] += -quantity if type_ == "PoReturn" else quantity
    row: Row = {
        "receiptType": type_,
        "receiptNbr": str(wishes.get("number") or company.chart.series["PORECEIPT"].take()),
        "hold": wishes.get("status") == "Hold",
        "status": wishes.get("status", "Released"),
        "date": day(on),
        "postPeriod": f"{on.month:02d}{on.year:04d}",
        "supplier": ordered["supplier"],
        "currency": ordered["currency"],
        "supplierRef": wishes.get("reference", ""),
        "totalQty": sum((line["receiptQty"] for line in lines), ZERO),
        "branchNumber": ordered["branch"],
        "note": wishes.get("note", ""),
        "lines": lines,
    }
    named = {"type": type_, "receiptNumber": row["receiptNbr"], "status": row["status"], "totalQty": row["totalQty"]}
    ordered["purchaseReceipts"].append(named)
    changed(company, "purchase_orders", ordered, now)
    return keep(company, "purchase_receipts", row, now)


def _receipt_line(ordered: Row, line: Row, quantity: Decimal, number: int) -> Row:
    per_unit = line["baseOrderQty"] / line["orderQty"]
    return {
        "lineNbr": number,
        "lineType": line["lineType"],
        "transactionDescription": line["lineDescription"],
        "uom": line["uom"],
        "orderQty": line["orderQty"],
        "receiptQty": quantity,
        "baseReceiptQty": quantity * per_unit,
        "unitCost": line["unitCost"],
        "extCost": quantity * line["unitCost"],
        "amount": quantity * line["unitCost"],
        "poOrderType": ordered["orderType"],
        "poOrderNbr": ordered["orderNbr"],
        "poOrderLineNbr": line["lineNbr"],
    }


def change_receipt(company: Company, wishes: Row, now: datetime) -> Row:
    """Change fields of a receipt's head: it is released, or cancelled."""
    row = numbered(company, "purchase_receipts", str(wishes["number"]), str(wishes.get("type", "")))
    if row is None:
        raise ValueError(f"There is no purchase receipt {wishes['number']!r}.")
    row |= wishes.get("fields") or {}
    return changed(company, "purchase_receipts", row, now)


# ---------------------------------------------------------------------------------------------- payments


def pay(company: Company, wishes: Row, now: datetime) -> Row:
    """Pay a released invoice, whole or in part, from a cash account; the money and the balance move with it."""
    document = _bill(company, str(wishes["invoice"]))
    discount = Decimal(str(wishes.get("discount", 0)))
    amount = Decimal(str(wishes["amount"])) if "amount" in wishes else document.balance - discount
    if amount <= 0 or amount + discount > document.balance:
        raise ValueError(f"{amount} cannot be paid on a balance of {document.balance}.")
    on = date.fromisoformat(wishes.get("day") or now.date().isoformat())
    cash = company.chart.cash_accounts[str(wishes.get("cash_account", "1930"))]
    row: Row = {
        "type": "Payment",
        "refNbr": str(wishes.get("number") or company.chart.series["APPAYMENT"].take()),
        "status": "Closed",
        "hold": False,
        "applicationDate": day(on),
        "applicationPeriod": f"{on.month:02d}{on.year:04d}",
        "paymentRef": wishes.get("reference", ""),
        "supplier": _shown_supplier(document),
        "paymentMethod": wishes.get("method", "BANK"),
        "cashAccount": cash.number,
        "currency": {"id": document.currency, "decimalPrecision": company.chart.decimals(document.currency)},
        "description": wishes.get("text", ""),
        "paymentAmount": amount,
        "appliedAmount": amount,
        "unappliedBalance": ZERO,
        "balance": ZERO,
        "released": True,
        "branch": document.branch,
        "paymentLines": [_paid(document, amount, discount, on)],
    }
    _settle(company, document, amount, discount, cash=cash.account.number, on=on, number=row["refNbr"], now=now)
    return keep(company, "supplier_payments", row, now)


def void(company: Company, wishes: Row, now: datetime) -> list[Row]:
    """Void a payment: it shows as Voided, and a voiding one shares its number; the invoice is owed again."""
    row = numbered(company, "supplier_payments", str(wishes["number"]), "Payment")
    if row is None or row["status"] == "Voided":
        raise ValueError(f"There is no payment {wishes['number']!r} that stands.")
    line = row["paymentLines"][0]
    document = _bill(company, line["invoiceRefNbr"], ("Open", "Closed"))
    on = date.fromisoformat(wishes.get("day") or now.date().isoformat())
    cash = company.chart.cash_accounts[row["cashAccount"]]
    amount, discount = line["amountPaid"], line["cashDiscountTaken"]
    _settle(company, document, -amount, -discount, cash=cash.account.number, on=on, number=row["refNbr"], now=now)
    row["status"] = "Voided"
    voiding = {
        **row,
        "type": "VoidPayment",
        "status": "Closed",
        "applicationDate": day(on),
        "paymentAmount": -amount,
        "appliedAmount": -amount,
        "paymentLines": [{**line, "amountPaid": -amount, "cashDiscountTaken": -discount}],
        "lastModifiedDateTime": moment(now),
    }
    return [
        changed(company, "supplier_payments", row, now),
        keep(company, "supplier_payments", voiding, now),
    ]


def _bill(company: Company, number: str, statuses: Iterable[str] = UNPAID) -> SupplierDocument:
    document = company.supplier_documents.get(("Invoice", number))
    if document is None or document.status not in statuses:
        raise ValueError(f"There is no supplier invoice {number!r} that is {' or '.join(sorted(statuses))}.")
    return document


def _shown_supplier(document: SupplierDocument) -> Row:
    who = document.supplier
    return {"internalId": who.id, "number": who.number, "name": who.name}


def _paid(document: SupplierDocument, amount: Decimal, discount: Decimal, on: date) -> Row:
    return {
        "branch": document.branch,
        "docType": document.kind,
        "invoiceRefNbr": document.number,
        "amountPaid": amount,
        "cashDiscountTaken": discount,
        "withholdingTax": ZERO,
        "applicationPeriod": f"{on.month:02d}{on.year:04d}",
        "date": day(document.date),
        "dueDate": day(document.due),
        "balance": document.balance - amount - discount,
        "description": document.texts.get("description", ""),
        "currency": document.currency,
        "supplierRef": document.texts.get("supplierReference", ""),
    }


def _settle(
    company: Company, document: SupplierDocument, amount: Decimal, discount: Decimal, *, cash: str, on: date,
    number: str, now: datetime,
) -> None:  # fmt: skip
    period = company.chart.period_of(on)
    if period is None:
        raise ValueError(f"There is no period for {on}.")
    voucher = Voucher(
        company, "AP", on, period.id, document.currency, document.rate, f"Payment {number}", document.supplier.number,
        document.branch, number, "Payment",
    )  # fmt: skip
    owed = document.supplier.accounts.get("supplierAccount") or company.chart.defaults["payable"]
    voucher.add(owed, amount + discount, text=document.number)
    voucher.add(cash, -amount, text=document.number)
    if discount:
        voucher.add(company.chart.defaults["purchase_discount"], -discount, text=document.number)
    voucher.post(now)
    document.balance -= amount + discount
    document.status = "Closed" if not document.balance else "Open"
    document.modified, document.stamp = now, company.stamp()
    company.tell("ApInvoiceStatusChanged", "supplierInvoice", document.number)
