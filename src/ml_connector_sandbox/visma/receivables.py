"""Customer invoices, credit notes and debit notes: totals, VAT, life from Hold to Closed, and what they post."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ml_connector_sandbox.visma.bodies import REFERENCE_LIMIT, TEXT_LIMIT, Body, limited
from ml_connector_sandbox.visma.call import Call
from ml_connector_sandbox.visma.chart import ZERO, Chart, Subaccount
from ml_connector_sandbox.visma.company import Company
from ml_connector_sandbox.visma.document_vat import Tax, overridden, taxes
from ml_connector_sandbox.visma.parties import Party, customer
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
LEDGERS = ("GeneralLedger", "CustomerLedger")
SERIES = {"Invoice": "ARINVOICE", "CreditNote": "ARCREDIT", "DebitNote": "ARDEBIT"}
LINES_FIELD = {"Invoice": "invoiceLines", "CreditNote": "lines", "DebitNote": "lines"}
TAX_FIELD = {"Invoice": "taxDetailLines", "CreditNote": "taxDetails", "DebitNote": "taxDetailLines"}
_OPEN_TO_CHANGE = ("Hold", "Balanced", "PendingPrint", "PendingEmail", "CreditHold")
_LIMITS = {
    "invoiceText": TEXT_LIMIT,
    "externalReference": REFERENCE_LIMIT,
    "customerRefNumber": REFERENCE_LIMIT,
    "paymentReference": REFERENCE_LIMIT,
    "note": 4000,
}


@dataclass(slots=True)
class CustomerLine:
    """One line of a customer document."""

    number: int
    account: str
    sub: Subaccount
    vat_code: str
    amount: Decimal = ZERO
    quantity: Decimal = ZERO
    unit_price: Decimal = ZERO
    manual_amount: Decimal = ZERO
    discount_percent: Decimal = ZERO
    discount: Decimal = ZERO
    description: str = ""
    inventory: str = ""
    note: str = ""
    branch: str = "1"
    attachments: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Application:
    """So much of a paying document (payment, credit note) settles so much of another one."""

    payer: tuple[str, str]
    paid: tuple[str, str]
    amount: Decimal
    write_off: Decimal = ZERO
    reason: str = ""
    released: bool = False


@dataclass(slots=True)
class CustomerDocument:
    """An invoice, credit note or debit note. Amounts are in its currency; `balance` counts once it is released."""

    kind: str
    number: str
    customer: Party
    status: str
    date: Day
    due: Day
    period: str
    currency: str
    rate: Decimal
    zone: str
    branch: str
    created: datetime
    modified: datetime
    stamp: int
    terms: str
    lines: list[CustomerLine] = field(default_factory=list)
    taxes: list[Tax] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)
    dont_print: bool = False
    dont_email: bool = False
    total: Decimal = ZERO
    balance: Decimal = ZERO
    released: bool = False
    batch: str = ""
    applications: list[Application] = field(default_factory=list)
    attachments: list[str] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str]:
        """What identifies it: numbers may repeat between kinds."""
        return self.kind, self.number

    def net(self) -> Decimal:
        """The sum of the lines."""
        return sum((line.amount for line in self.lines), ZERO)

    def vat_total(self) -> Decimal:
        """The VAT that is charged: reverse charge is not."""
        return sum((tax.amount for tax in self.taxes if not tax.vat.reverse), ZERO)

    def base_sign(self) -> int:
        """1 when the customer owes it, -1 for a credit note."""
        return -1 if self.kind == "CreditNote" else 1

    def base_balance(self, chart: Chart) -> Decimal:
        """The open amount in base currency."""
        return chart.rounded(self.balance * self.rate, chart.base_currency)


def create(call: Call, kind: str) -> CustomerDocument:
    """Enter a new document. Raises Refusal; then nothing has happened."""
    company, body = call.company, call.body(f"Customer{kind}")
    who = customer(company, body.get("customerNumber"))
    document = _blank(call, kind, who, body)
    fill(company, document, body, fresh=True)
    if kind == "CreditNote":
        _apply_early(company, document, body.get("applicationLines") or [])
    forced = forced_number(body, "referenceNumber")
    document.number = numbered(
        company, SERIES[kind], forced, lambda n: (kind, n) in company.customer_documents, "Reference Nbr."
    )
    _enter(company, document)
    return document


def _enter(company: Company, document: CustomerDocument) -> None:
    document.applications = [
        Application(document.key, a.paid, a.amount) if a.payer[1] == "" else a for a in document.applications
    ]
    document.stamp = company.stamp()
    company.customer_documents[document.key] = document
    company.tell("ArInvoiceChanged", _resource(document.kind), document.number)


def change(call: Call, document: CustomerDocument) -> None:
    """Merge a body into a document; of a released one only texts may change. Raises Refusal."""
    company, body = call.company, call.body(f"Customer{document.kind}")
    if document.status not in _OPEN_TO_CHANGE:
        if set(body) - {"note", "excludeDebtCollection", "revoked", "paymentReference"}:
            raise Refusal(400, f"The document {document.number} is {document.status} and cannot be changed.")
        document.texts |= {name: limited(body[name], limit, name) for name, limit in _LIMITS.items() if name in body}
    else:
        with unchanged_when_refused(document, rows="lines"):
            if body.get("customerNumber"):
                document.customer = customer(company, body["customerNumber"])
            fill(company, document, body, fresh=False)
    touched(call, document)


def touched(call: Call, document: CustomerDocument) -> None:
    """Note a change."""
    document.modified, document.stamp = call.now, call.company.stamp()
    call.company.tell("ArInvoiceChanged", _resource(document.kind), document.number)


def release(call: Call, document: CustomerDocument) -> None:
    """Post the document and, for a credit note, settle what it was applied to. Raises Refusal."""
    company = call.company
    if document.released:
        _release_applications(call, document)
        return
    if document.status != "Balanced":
        raise Refusal(400, f"The document {document.number} has status {document.status} and cannot be released.")
    open_period(company, document.period, document.date, LEDGERS)
    document.batch = _post(call, document)
    document.released, document.balance = True, document.total
    document.status = "Open" if document.total else "Closed"
    company.tell("ArInvoiceStatusChanged", _resource(document.kind), document.number)
    if document.applications:
        _release_applications(call, document)
    touched(call, document)


def reversed_by(call: Call, invoice: CustomerDocument) -> CustomerDocument:
    """A credit note with the lines of a released invoice, not yet released. Raises Refusal."""
    company = call.company
    if not invoice.released:
        raise Refusal(400, f"The document {invoice.number} is not released and cannot be reversed.")
    open_period(company, invoice.period, invoice.date, LEDGERS)
    note = CustomerDocument(
        "CreditNote", "", invoice.customer, "Balanced", invoice.date, invoice.date, invoice.period, invoice.currency,
        invoice.rate, invoice.zone, invoice.branch, call.now, call.now, 0, invoice.terms,
    )  # fmt: skip
    note.status = "Hold" if company.preferences.reversal_on_hold else "Balanced"
    note.lines = [replace(line, attachments=[]) for line in invoice.lines]
    note.taxes, note.total = list(invoice.taxes), invoice.total
    note.texts = {**invoice.texts, "invoiceText": invoice.texts.get("invoiceText", "")}
    note.dont_print = note.dont_email = True
    note.number = numbered(
        company, "ARCREDIT", None, lambda n: ("CreditNote", n) in company.customer_documents, "Reference Nbr."
    )
    _enter(company, note)
    return note


def settle(call: Call, application: Application, payer_rate: Decimal) -> Decimal:
    """Take an application off the paid document. Gives the exchange difference in base currency, gain positive."""
    paid = paid_document(call.company, application.paid)
    covered = application.amount + application.write_off
    if covered > paid.balance:
        raise Refusal(
            400, f"The amount {covered} is larger than the balance {paid.balance} of {paid.kind} {paid.number}."
        )
    paid.balance -= covered
    paid.status = "Open" if paid.balance else "Closed"
    if not any(known is application for known in paid.applications):
        paid.applications.append(application)
    application.released = True
    touched(call, paid)
    chart = call.company.chart
    at_payer = chart.rounded(application.amount * payer_rate, chart.base_currency)
    return at_payer - chart.rounded(application.amount * paid.rate, chart.base_currency)


def paid_document(company: Company, key: tuple[str, str]) -> CustomerDocument:
    """A released document something is applied to. Raises Refusal."""
    found = company.customer_documents.get(key)
    if found is None:
        raise Refusal(400, f"{key[0]} '{key[1]}' cannot be found in the system.")
    if not found.released or found.status not in ("Open", "Closed"):
        raise Refusal(400, f"{key[0]} '{key[1]}' is {found.status}; only an open document can be applied.")
    return found


def _resource(kind: str) -> str:
    return {"Invoice": "customerinvoice", "CreditNote": "customerCreditNote", "DebitNote": "customerDebitNote"}[kind]


def _blank(call: Call, kind: str, who: Party, body: Body) -> CustomerDocument:
    company = call.company
    on = (body.get("documentDate") or call.now).date()
    currency = body.get("currencyId") or who.currency
    hold = body.get("hold")
    on_hold = company.preferences.hold_on_entry if hold is None else hold
    document = CustomerDocument(
        kind, "", who, "Hold" if on_hold else "Balanced", on, on, "", currency, Decimal(1), who.zone,
        next(iter(company.chart.branches)), call.now, call.now, 0, body.get("creditTermsId") or who.terms,
    )  # fmt: skip
    rate_on(company, currency, on, body.get("exchangeRate"))
    return document


def fill(company: Company, document: CustomerDocument, body: Body, *, fresh: bool) -> None:
    """Merge header, lines and VAT, then compute. Raises Refusal."""
    chart = company.chart
    if body.get("documentDate"):
        document.date = body["documentDate"].date()
    document.currency = body.get("currencyId") or document.currency
    document.rate = rate_on(company, document.currency, document.date, body.get("exchangeRate"))
    document.zone = body.get("customerVatZoneId") or document.zone
    if document.zone not in chart.zones:
        raise Refusal(400, f"'VAT zone' '{document.zone}' cannot be found in the system.")
    document.terms = body.get("creditTermsId") or document.terms
    days = chart.credit_terms.get(document.terms)
    if days is None:
        raise Refusal(400, f"'Credit terms' '{document.terms}' cannot be found in the system.")
    due = body.get("documentDueDate")
    document.due = due.date() if due else document.date + timedelta(days=days[1])
    document.branch = body.get("branchNumber") or document.branch
    if document.branch not in chart.branches:
        raise Refusal(400, f"'Branch' '{document.branch}' cannot be found in the system.")
    method = body.get("paymentMethodId") or document.customer.plain.get("defaultPaymentMethodId", "")
    if method and method not in chart.payment_methods:
        raise Refusal(400, f"'Payment method' '{method}' cannot be found in the system.")
    document.texts["paymentMethod"] = method or document.texts.get("paymentMethod", "")
    keep = {"financialPeriod": document.period} if document.period and "documentDate" not in body else {}
    document.period = period_for(company, {**keep, **body}, document.date, LEDGERS).id
    document.texts |= {name: limited(body[name], limit, name) for name, limit in _LIMITS.items() if name in body}
    document.dont_print = document.dont_print if body.get("dontPrint") is None else body["dontPrint"]
    document.dont_email = document.dont_email if body.get("dontEmail") is None else body["dontEmail"]
    _apply_rows(company, document, body.get(LINES_FIELD[document.kind]) or [], fresh=fresh)
    found = taxes(
        chart,
        document.zone,
        [(line.vat_code, line.amount) for line in document.lines],
        document.date,
        document.currency,
    )
    rows = body.get(TAX_FIELD[document.kind])
    document.taxes = overridden(found, rows if rows is not None else document.more.get("tax_rows", []))
    if rows is not None:
        document.more["tax_rows"] = rows
    document.total = document.net() + document.vat_total()
    if document.total < 0:
        raise Refusal(400, f"The amount of the document is negative: {document.total}.")
    _set_status(document, body)


def _set_status(document: CustomerDocument, body: Body) -> None:
    hold = body.get("hold")
    on_hold = document.status == "Hold" if hold is None else hold
    plain = document.customer.plain
    if on_hold:
        document.status = "Hold"
    elif document.customer.status == "CreditHold":
        document.status = "CreditHold"
    elif plain.get("printInvoices") and not document.dont_print:
        document.status = "PendingPrint"
    elif plain.get("sendInvoicesByEmail") and not document.dont_email:
        document.status = "PendingEmail"
    else:
        document.status = "Balanced"


def _apply_rows(company: Company, document: CustomerDocument, rows: list[Body], *, fresh: bool) -> None:
    lines = {line.number: line for line in document.lines}
    for row in rows:
        operation, number = row.get("operation") or "Insert", row.get("lineNumber")
        if operation == "Insert":
            number = number if number is not None and number not in lines else max(lines, default=0) + 1
            default = document.customer.accounts.get("salesAccount") or company.chart.defaults["sales"]
            line = CustomerLine(number, default, subaccount(company, None), "")
            line.branch = document.branch
            line.vat_code = company.chart.zones[document.zone].default_category
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


def _filled(company: Company, document: CustomerDocument, line: CustomerLine, row: Body) -> CustomerLine:
    chart, currency = company.chart, document.currency
    if row.get("inventoryNumber"):
        item = company.items.get(row["inventoryNumber"].upper())
        if item is None:
            raise Refusal(400, f"'Inventory' '{row['inventoryNumber']}' cannot be found in the system.")
        line.inventory, line.account, line.vat_code = item.number, item.account, item.vat
    if row.get("accountNumber"):
        line.account = row["accountNumber"]
    chosen = account(company, line.account)
    if chosen.control_module or chosen.net_income or chosen.cash:
        raise Refusal(400, f"Account '{line.account}' cannot be used on a document line.")
    if row.get("subaccount"):
        line.sub = subaccount(company, row["subaccount"], within=line.sub)
    if row.get("vatCodeId"):
        line.vat_code = row["vatCodeId"]
    if row.get("branchNumber") and row["branchNumber"] not in chart.branches:
        raise Refusal(400, f"'Branch' '{row['branchNumber']}' cannot be found in the system.")
    line.branch = row.get("branchNumber") or line.branch
    line.description = row.get("description", line.description) or ""
    line.note = row.get("note", line.note) or ""
    line.quantity = row.get("quantity", line.quantity) or ZERO
    line.unit_price = row.get("unitPriceInCurrency", line.unit_price) or ZERO
    line.discount_percent = row.get("discountPercent", line.discount_percent) or ZERO
    extended = chart.rounded(line.quantity * line.unit_price, currency)
    given = row.get("discountAmountInCurrency")
    line.discount = chart.rounded(extended * line.discount_percent / 100, currency) if given is None else given
    line.manual_amount = row.get("manualAmountInCurrency", line.manual_amount) or ZERO
    line.amount = chart.rounded(line.manual_amount or extended - line.discount, currency)
    return line


def _apply_early(company: Company, note: CustomerDocument, rows: list[Body]) -> None:
    if rows and not company.preferences.applications_before_release:
        raise Refusal(400, "Applications can be entered only after the credit note has been released.")
    for row in rows:
        key = (row.get("documentType") or "Invoice", row.get("refNbr") or "")
        paid = paid_document(company, key)
        amount = row.get("amountPaid") or ZERO
        if paid.customer is not note.customer or paid.currency != note.currency:
            raise Refusal(400, f"{key[0]} '{key[1]}' belongs to another customer or currency.")
        if amount > paid.balance:
            raise Refusal(400, f"The amount {amount} is larger than the balance {paid.balance} of {key[1]}.")
        note.applications.append(Application(("CreditNote", ""), key, amount))
    if sum((application.amount for application in note.applications), ZERO) > note.total:
        raise Refusal(400, "More is applied than the credit note amounts to.")


def _release_applications(call: Call, note: CustomerDocument) -> None:
    own = [a for a in note.applications if a.payer == note.key and not a.released]
    if not own:
        raise Refusal(400, f"The document {note.number} is already released.")
    if sum((a.amount for a in own), ZERO) > note.balance:
        raise Refusal(400, f"More is applied than the balance {note.balance} of {note.number}.")
    for application in own:
        paid = paid_document(call.company, application.paid)
        if application.amount > paid.balance:
            raise Refusal(400, f"The amount {application.amount} is larger than the balance of {paid.number}.")
    gain = ZERO
    for application in own:
        gain += settle(call, application, note.rate)
        note.balance -= application.amount
    note.status = "Open" if note.balance else "Closed"
    post_difference(call, note, gain)
    touched(call, note)


def post_difference(call: Call, note: CustomerDocument, gain: Decimal) -> None:
    """Post the exchange difference that applying a credit note leaves on the receivables account."""
    if not gain:
        return
    voucher = _voucher(call.company, note, f"Exchange difference {note.number}")
    voucher.currency, voucher.rate = call.company.chart.base_currency, Decimal(1)
    defaults = call.company.chart.defaults
    voucher.add(_receivable(call.company, note), gain)
    voucher.add(defaults["gain" if gain > 0 else "loss"], -gain)
    voucher.post(call.now)


def _receivable(company: Company, document: CustomerDocument) -> str:
    return document.customer.accounts.get("customerLedgerAccount") or company.chart.defaults["receivable"]


def _voucher(company: Company, document: CustomerDocument, text: str) -> Voucher:
    return Voucher(
        company, "AR", document.date, document.period, document.currency, document.rate, text,
        document.customer.number, document.branch, document.number, document.kind,
    )  # fmt: skip


def _post(call: Call, document: CustomerDocument) -> str:
    company, sign = call.company, document.base_sign()
    voucher = _voucher(company, document, document.texts.get("invoiceText", ""))
    voucher.add(_receivable(company, document), sign * document.total, text=document.texts.get("externalReference", ""))
    for line in document.lines:
        account(company, line.account)
        voucher.add(line.account, -sign * line.amount, sub=line.sub, text=line.description, vat_code=line.vat_code)
    for tax in document.taxes:
        if tax.vat.reverse or tax.vat.payable is None:
            continue
        voucher.add(tax.vat.payable.number, -sign * tax.amount, text=tax.vat.description, vat_id=tax.vat.id)
    batch = voucher.post(call.now)
    return batch.number if batch else ""
