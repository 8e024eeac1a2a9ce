"""Supplier invoices and their kin: totals, input and reverse-charge VAT, prebooking, release, reversal."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ml_connector_sandbox.visma.bodies import REFERENCE_LIMIT, TEXT_LIMIT, Body, limited, required
from ml_connector_sandbox.visma.call import Call
from ml_connector_sandbox.visma.chart import ZERO, Subaccount
from ml_connector_sandbox.visma.company import Company
from ml_connector_sandbox.visma.document_vat import Tax, overridden, taxes
from ml_connector_sandbox.visma.parties import Party, supplier
from ml_connector_sandbox.visma.posting import (
    Voucher,
    account,
    forced_number,
    numbered,
    open_period,
    period_for,
    rate_on,
    subaccount,
)
from ml_connector_sandbox.visma.refusal import Refusal
from ml_connector_sandbox.visma.undo import unchanged_when_refused

Day = date  # a field may be called `date` too
LEDGERS = ("GeneralLedger", "SupplierLedger")
STOCK = frozenset({"GoodsForInventory", "GoodsForSalesOrder", "GoodsForReplenishment"})
ENTERED = ("Invoice", "CreditAdj", "DebitAdj", "Prepayment")
_LIMITS = {
    "supplierReference": REFERENCE_LIMIT,
    "description": TEXT_LIMIT,
    "note": 4000,
    "paymentRefNo": REFERENCE_LIMIT,
    "paymentMessage": TEXT_LIMIT,
}


@dataclass(slots=True)
class SupplierLine:
    """One line of a supplier document; `link` is what it was matched to in purchasing."""

    number: int
    account: str
    sub: Subaccount
    vat_code: str
    cost: Decimal = ZERO
    quantity: Decimal = ZERO
    unit_cost: Decimal = ZERO
    text: str = ""
    note: str = ""
    branch: str = "1"
    prebook_account: str = ""
    prebook_sub: Subaccount | None = None
    link: dict[str, Any] = field(default_factory=dict)
    attachments: list[str] = field(default_factory=list)


@dataclass(slots=True)
class SupplierDocument:
    """A supplier invoice, credit or debit adjustment, or prepayment request."""

    kind: str
    number: str
    supplier: Party
    status: str
    date: Day
    due: Day
    period: str
    currency: str
    rate: Decimal
    zone: str
    branch: str
    mode: str
    created: datetime
    modified: datetime
    stamp: int
    terms: str
    lines: list[SupplierLine] = field(default_factory=list)
    taxes: list[Tax] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)
    approval: str = "New"
    pay_selected: bool = False
    total: Decimal = ZERO
    balance: Decimal = ZERO
    released: bool = False
    prebooking: tuple[str, str] | None = None
    attachments: list[str] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str]:
        """What identifies it."""
        return self.kind, self.number

    def sign(self) -> int:
        """1 when we owe it, -1 for a debit adjustment."""
        return -1 if self.kind == "DebitAdj" else 1

    def vat_total(self) -> Decimal:
        """The VAT that is to be paid: reverse charge is not."""
        return sum((tax.amount for tax in self.taxes if not tax.vat.reverse), ZERO)

    def net(self) -> Decimal:
        """The lines without VAT."""
        costs = sum((line.cost for line in self.lines), ZERO)
        return costs - self.vat_total() if self.mode == "Gross" else costs


def create(call: Call) -> SupplierDocument:
    """Enter a document. Raises Refusal; then nothing has happened."""
    company, body = call.company, call.body("SupplierInvoice")
    kind = body.get("documentType") or "Invoice"
    if kind not in ENTERED:
        raise Refusal(400, f"A supplier document of type {kind} cannot be entered.")
    who = supplier(company, required(body, "supplierNumber", "Supplier"))
    on = (body.get("date") or call.now).date()
    document = SupplierDocument(
        kind, "", who, "Hold" if company.preferences.hold_on_entry else "Balanced", on, on, "",
        body.get("currencyId") or who.currency, Decimal(1), who.zone, next(iter(company.chart.branches)), "TaxSetting",
        call.now, call.now, 0, who.terms,
    )  # fmt: skip
    _fill(company, document, body, fresh=True)
    forced = forced_number(body, "referenceNumber")
    document.number = numbered(
        company, "APINVOICE", forced, lambda n: (kind, n) in company.supplier_documents, "Reference Nbr."
    )
    document.stamp = company.stamp()
    company.supplier_documents[document.key] = document
    company.tell("ApInvoiceStatusChanged", "supplierInvoice", document.number)
    return document


def change(call: Call, document: SupplierDocument) -> None:
    """Merge a body into an unreleased document. Raises Refusal."""
    if document.status not in ("Hold", "Balanced", "Prebooked"):
        raise Refusal(400, f"The document {document.number} is {document.status} and cannot be changed.")
    body = call.body("SupplierInvoice")
    with unchanged_when_refused(document, rows="lines"):
        if body.get("supplierNumber"):
            document.supplier = supplier(call.company, body["supplierNumber"])
        _fill(call.company, document, body, fresh=False)
    touched(call, document)


def touched(call: Call, document: SupplierDocument) -> None:
    """Note a change."""
    document.modified, document.stamp = call.now, call.company.stamp()


def release(call: Call, document: SupplierDocument) -> None:
    """Post the document; a prebooking is turned back first. Raises Refusal."""
    company = call.company
    if document.status not in ("Balanced", "Prebooked"):
        raise Refusal(400, f"The document {document.number} has status {document.status} and cannot be released.")
    open_period(company, document.period, None, LEDGERS)
    if document.prebooking is not None:
        _turn_back(call, document)
    _post(call, document)
    document.released, document.balance = True, document.total
    document.status = "Open" if document.total else "Closed"
    touched(call, document)
    company.tell("ApInvoiceStatusChanged", "supplierInvoice", document.number)


def prebook(call: Call, document: SupplierDocument) -> None:
    """Post the document against the prebook account for now. Raises Refusal."""
    company, body = call.company, call.body("Prebooking")
    if document.status != "Balanced":
        raise Refusal(400, f"The document {document.number} has status {document.status} and cannot be prebooked.")
    open_period(company, document.period, None, LEDGERS)
    number = body.get("accountNumber") or company.chart.defaults["prebook"]
    account(company, number)
    voucher, sign = _voucher(company, document), document.sign()
    voucher.add(_payable(company, document), -sign * document.total)
    voucher.add(number, sign * document.total, sub=subaccount(company, body.get("subaccount")))
    batch = voucher.post(call.now)
    document.prebooking = batch.key if batch else None
    document.status = "Prebooked"
    touched(call, document)


def void_prebooked(call: Call, document: SupplierDocument) -> None:
    """Turn a prebooking back and void the document. Raises Refusal."""
    if document.status != "Prebooked":
        raise Refusal(400, f"The document {document.number} has status {document.status} and cannot be voided.")
    _turn_back(call, document)
    document.status = "Voided"
    touched(call, document)


def reverse(call: Call, document: SupplierDocument) -> SupplierDocument:
    """A debit adjustment with the lines of a released invoice, not yet released. Raises Refusal."""
    company = call.company
    if not document.released or document.kind not in ("Invoice", "CreditAdj"):
        raise Refusal(400, f"The document {document.number} has status {document.status} and cannot be reversed.")
    open_period(company, document.period, None, LEDGERS)
    mirror = SupplierDocument(
        "DebitAdj", "", document.supplier, "Balanced", document.date, document.due, document.period, document.currency,
        document.rate, document.zone, document.branch, document.mode, call.now, call.now, company.stamp(),
        document.terms,
    )  # fmt: skip
    mirror.lines = [replace(line, attachments=[]) for line in document.lines]
    mirror.taxes, mirror.total = list(document.taxes), document.total
    mirror.texts = dict(document.texts)
    mirror.number = numbered(
        company, "APINVOICE", None, lambda n: ("DebitAdj", n) in company.supplier_documents, "Reference Nbr."
    )
    company.supplier_documents[mirror.key] = mirror
    return mirror


def _fill(company: Company, document: SupplierDocument, body: Body, *, fresh: bool) -> None:
    chart = company.chart
    if body.get("date"):
        document.date = body["date"].date()
    document.currency = body.get("currencyId") or document.currency
    document.rate = rate_on(company, document.currency, document.date, body.get("exchangeRate"))
    document.zone = body.get("supplierTaxZone") or document.zone
    if document.zone not in chart.zones:
        raise Refusal(400, f"'VAT zone' '{document.zone}' cannot be found in the system.")
    document.mode = body.get("taxCalculationMode") or document.mode
    document.terms = body.get("creditTermsId") or document.terms
    if document.terms not in chart.credit_terms:
        raise Refusal(400, f"'Credit terms' '{document.terms}' cannot be found in the system.")
    days = chart.credit_terms[document.terms][1]
    due = body.get("dueDate")
    document.due = due.date() if due else document.date + timedelta(days=days)
    document.branch = body.get("branchNumber") or document.branch
    if document.branch not in chart.branches:
        raise Refusal(400, f"'Branch' '{document.branch}' cannot be found in the system.")
    keep = {"financialPeriod": document.period} if document.period and "date" not in body else {}
    document.period = _period(company, {**keep, **body}, document.date)
    document.texts |= {name: limited(body[name], limit, name) for name, limit in _LIMITS.items() if name in body}
    if body.get("paySelected") is not None:
        document.pay_selected = body["paySelected"]
    if body.get("hold") is not None and document.status in ("Hold", "Balanced"):
        document.status = "Hold" if body["hold"] else "Balanced"
    _apply_rows(company, document, body.get("invoiceLines") or [], fresh=fresh)
    _compute(company, document, body)


def _period(company: Company, body: Body, on: Day) -> str:
    """A supplier's document may be booked in another period than its own day's, where one is named."""
    named = (body.get("financialPeriod") or "").replace("-", "")
    if named:
        return open_period(company, named, None, LEDGERS).id
    return period_for(company, body, on, LEDGERS).id


def _compute(company: Company, document: SupplierDocument, body: Body) -> None:
    lines = [(line.vat_code, line.cost) for line in document.lines]
    gross = document.mode == "Gross"
    found = taxes(company.chart, document.zone, lines, document.date, document.currency, gross=gross)
    rows = body.get("taxDetailLines")
    document.taxes = overridden(found, rows if rows is not None else document.more.get("tax_rows", []))
    if rows is not None:
        document.more["tax_rows"] = rows
    document.total = document.net() + document.vat_total()
    if document.total < 0:
        raise Refusal(400, f"The amount of the document is negative: {document.total}.")
    told = body.get("amount")
    if told is not None and company.preferences.validate_control_totals and told != document.total:
        raise Refusal(400, f"The document is out of balance: {told} is not {document.total}.")


def _apply_rows(company: Company, document: SupplierDocument, rows: list[Body], *, fresh: bool) -> None:
    lines = {line.number: line for line in document.lines}
    for row in rows:
        operation, number = row.get("operation") or "Insert", row.get("lineNumber")
        if operation == "Insert":
            number = number if number is not None and number not in lines else max(lines, default=0) + 1
            default = document.supplier.accounts.get("expenseAccount") or company.chart.defaults["expense"]
            line = SupplierLine(number, default, subaccount(company, None), "")
            line.vat_code, line.branch = company.chart.zones[document.zone].default_category, document.branch
            lines[number] = _filled(company, document, line, row)
        elif fresh:
            raise Refusal(400, f"Operation {operation} is not possible on a new document.")
        elif number not in lines:
            raise Refusal(400, f"Line number {number} does not exist on the document.")
        elif operation == "Delete":
            del lines[number]
        else:
            lines[number] = _filled(company, document, lines[number], row)
    document.lines = [lines[number] for number in sorted(lines)]


def _filled(company: Company, document: SupplierDocument, line: SupplierLine, row: Body) -> SupplierLine:
    if row.get("inventoryNumber"):
        raise Refusal(400, f"'Inventory' '{row['inventoryNumber']}' cannot be found in the system.")
    if row.get("accountNumber"):
        line.account = row["accountNumber"]
    chosen = account(company, line.account)
    if chosen.control_module or chosen.net_income or chosen.cash:
        raise Refusal(400, f"Account '{line.account}' cannot be used on a document line.")
    if row.get("subaccount"):
        line.sub = subaccount(company, row["subaccount"], within=line.sub)
    line.vat_code = row.get("vatCodeId") or line.vat_code
    line.quantity = row.get("quantity", line.quantity) or ZERO
    line.unit_cost = row.get("unitCostInCurrency", line.unit_cost) or ZERO
    extended = line.quantity * line.unit_cost
    given = row.get("costInCurrency")
    changed = "quantity" in row or "unitCostInCurrency" in row
    cost = given if given is not None else extended if changed else line.cost
    line.cost = company.chart.rounded(cost, document.currency)
    line.text = row.get("transactionDescription", line.text) or ""
    line.note = row.get("note", line.note) or ""
    if row.get("prebookAccountNumber"):
        line.prebook_account = account(company, row["prebookAccountNumber"]).number
        line.prebook_sub = subaccount(company, row.get("prebookSubaccount"))
    if row.get("linkLine"):
        line.link = _link(company, row["linkLine"])
    return line


def _link(company: Company, row: Body) -> dict[str, Any]:
    receipt = row.get("purchaseType") == "PurchaseReceipt"
    rows = company.purchase_receipts if receipt else company.purchase_orders
    lines = [
        line
        for (_, number), document in rows.items()
        if number == row.get("purchaseNumber")
        for line in document.get("lines", [])
        if line["lineNbr"] == row.get("purchaseLineNbr")
    ]
    if not lines:
        raise Refusal(400, f"{row.get('purchaseType')} '{row.get('purchaseNumber')}' has no such line.")
    if not receipt and lines[0].get("lineType") in STOCK:
        raise Refusal(400, "A line of a stock item can only be linked to a purchase receipt.")
    names = ("poReceiptNbr", "poReceiptLineNbr") if receipt else ("poNumber", "poLineNr")
    return dict(zip(names, (row["purchaseNumber"], row["purchaseLineNbr"]), strict=True))


def _payable(company: Company, document: SupplierDocument) -> str:
    return document.supplier.accounts.get("supplierAccount") or company.chart.defaults["payable"]


def _voucher(company: Company, document: SupplierDocument) -> Voucher:
    return Voucher(
        company, "AP", document.date, document.period, document.currency, document.rate,
        document.texts.get("description", ""), document.supplier.number, document.branch, document.number,
        document.kind,
    )  # fmt: skip


def _post(call: Call, document: SupplierDocument) -> None:
    company, sign = call.company, document.sign()
    voucher = _voucher(company, document)
    voucher.add(_payable(company, document), -sign * document.total, text=document.texts.get("supplierReference", ""))
    included = _included(document)
    for line in document.lines:
        account(company, line.account)
        cost = line.cost - included.pop(line.number, ZERO)
        voucher.add(line.account, sign * cost, sub=line.sub, text=line.text, vat_code=line.vat_code)
    for tax in document.taxes:
        if tax.vat.claimable is not None:
            voucher.add(tax.vat.claimable.number, sign * tax.amount, text=tax.vat.description, vat_id=tax.vat.id)
        if tax.vat.reverse and tax.vat.payable is not None:
            voucher.add(tax.vat.payable.number, -sign * tax.amount, text=tax.vat.description, vat_id=tax.vat.id)
    voucher.post(call.now)


def _included(document: SupplierDocument) -> dict[int, Decimal]:
    """The VAT inside gross lines, by line: the last line of each VAT id takes the rounding."""
    shares: dict[int, Decimal] = {}
    if document.mode != "Gross":
        return shares
    for tax in document.taxes:
        if tax.vat.reverse:
            continue
        lines = [line for line in document.lines if line.vat_code in tax.vat.categories]
        left = tax.amount
        for line in lines[:-1]:
            share = (line.cost * tax.rate / (100 + tax.rate)).quantize(Decimal("0.01"))
            shares[line.number] = shares.get(line.number, ZERO) + share
            left -= share
        shares[lines[-1].number] = shares.get(lines[-1].number, ZERO) + left
    return shares


def _turn_back(call: Call, document: SupplierDocument) -> None:
    company = call.company
    if document.prebooking is None:
        return
    booked = company.ledger.batches[document.prebooking]
    voucher = _voucher(company, document)
    for line in booked.lines:
        voucher.add(
            line.account.number, line.credit - line.debit, sub=line.sub, base=line.base_credit - line.base_debit
        )
    voucher.post(call.now)
    document.prebooking = None
