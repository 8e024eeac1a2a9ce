"""Customer payments, refunds, prepayments and their voids: what they settle and what they post."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from ml_connector_sandbox.visma.bodies import REFERENCE_LIMIT, Body, limited, required
from ml_connector_sandbox.visma.call import Call
from ml_connector_sandbox.visma.chart import ZERO, CashAccount, Chart
from ml_connector_sandbox.visma.company import Company
from ml_connector_sandbox.visma.journal import Batch
from ml_connector_sandbox.visma.parties import Party, customer
from ml_connector_sandbox.visma.posting import (
    Voucher,
    forced_number,
    mirrored,
    numbered,
    open_period,
    period_for,
    rate_on,
)
from ml_connector_sandbox.visma.receivables import Application, CustomerDocument, paid_document, post_difference, settle
from ml_connector_sandbox.visma.receivables import touched as document_touched
from ml_connector_sandbox.visma.refusal import Refusal
from ml_connector_sandbox.visma.undo import unchanged_when_refused

Day = date  # a field may be called `date` too
LEDGERS = ("GeneralLedger", "CustomerLedger", "CashManagement")
ENTERED = ("Payment", "Prepayment", "Refund")
VOIDING = {"Payment": "VoidPayment", "Prepayment": "VoidPayment", "Refund": "VoidRefund"}
_TEXT_LIMIT = 50


@dataclass(slots=True)
class Payment:
    """A payment, prepayment, refund or voiding document, in the currency of its cash account."""

    kind: str
    number: str
    customer: Party
    status: str
    date: Day
    period: str
    cash: CashAccount
    method: str
    rate: Decimal
    amount: Decimal
    reference: str
    text: str
    branch: str
    created: datetime
    modified: datetime
    stamp: int
    available: Decimal = ZERO
    released: bool = False
    batches: list[tuple[str, str]] = field(default_factory=list)
    lines: list[Application] = field(default_factory=list)
    applications: list[Application] = field(default_factory=list)  # of refunds that pay this one back

    @property
    def key(self) -> tuple[str, str]:
        """What identifies it: a voiding document shares the number of its payment."""
        return self.kind, self.number

    def sign(self) -> int:
        """1 when it lowers what the customer owes."""
        return -1 if self.kind == "Refund" else 1

    def base_available(self, chart: Chart) -> Decimal:
        """The unapplied rest in base currency."""
        return chart.rounded(self.available * self.rate, chart.base_currency)

    def applied(self) -> Decimal:
        """What its lines settle."""
        return sum((line.amount for line in self.lines), ZERO)


def create(call: Call) -> Payment:
    """Enter a payment. Raises Refusal; then nothing has happened."""
    company, body = call.company, call.body("Payment")
    kind = body.get("type") or "Payment"
    if kind not in ENTERED:
        raise Refusal(400, f"A payment of type {kind} cannot be entered.")
    who = customer(company, required(body, "customer", "Customer"))
    reference = limited(required(body, "paymentRef", "Payment Ref."), REFERENCE_LIMIT, "Payment Ref.")
    on = (body.get("applicationDate") or call.now).date()
    cash, method = _cash(company, body)
    currency = body.get("currency") or cash.currency
    if currency != cash.currency:
        raise Refusal(
            400, f"The currency of the payment {currency} differs from that of the cash account {cash.currency}."
        )
    period = period_for(company, body, on, LEDGERS, "applicationPeriod").id
    amount = company.chart.rounded(body.get("paymentAmount") or ZERO, currency)
    if amount < 0:
        raise Refusal(400, "'Payment Amount' must not be negative.")
    branch = body.get("branch") or next(iter(company.chart.branches))
    if branch not in company.chart.branches:
        raise Refusal(400, f"'Branch' '{branch}' cannot be found in the system.")
    hold = body.get("hold")
    status = "Hold" if (company.preferences.hold_on_entry if hold is None else hold) else "Balanced"
    payment = Payment(
        kind, "", who, status, on, period, cash, method, rate_on(company, currency, on, None), amount, reference,
        limited(body.get("invoiceText"), _TEXT_LIMIT, "Description"), branch, call.now, call.now, 0,
    )  # fmt: skip
    _apply_rows(company, payment, body.get("paymentLines") or [])
    forced = forced_number(body, "referenceNumber")
    payment.number = numbered(company, "ARPAYMENT", forced, lambda n: _taken(company, n), "Reference Nbr.")
    for line in payment.lines:
        line.payer = payment.key
    payment.stamp = company.stamp()
    company.payments[payment.key] = payment
    return payment


def change(call: Call, payment: Payment, body: Body) -> None:
    """Merge a body. Of a released payment only the applications may grow. Raises Refusal."""
    company = call.company
    if payment.status in ("Voided", "Closed"):
        raise Refusal(400, f"The payment {payment.number} is {payment.status} and cannot be changed.")
    if payment.released and set(body) - {"type", "paymentLines", "customer", "paymentRef", "hold"}:
        raise Refusal(400, f"The payment {payment.number} is released; only its applications can be changed.")
    with unchanged_when_refused(payment):
        if not payment.released:
            _change_header(company, payment, body)
        _apply_rows(company, payment, body.get("paymentLines") or [])
    payment.modified, payment.stamp = call.now, company.stamp()


def release(call: Call, payment: Payment) -> None:
    """Post the payment, or what was applied since. Raises Refusal; then nothing has happened."""
    company = call.company
    if payment.status not in ("Balanced", "Open"):
        raise Refusal(400, f"The payment {payment.number} has status {payment.status} and cannot be released.")
    pending = [line for line in payment.lines if not line.released]
    if payment.released and not pending:
        raise Refusal(400, f"The payment {payment.number} is already released.")
    open_period(company, payment.period, payment.date, LEDGERS)
    if payment.kind in VOIDING.values():
        _release_void(call, payment)
        return
    _check_pending(company, payment, pending)
    if not payment.released:
        _post(call, payment)
        payment.released, payment.available = True, payment.amount
    for line in pending:
        _take_off(call, payment, line)
    payment.status = "Open" if payment.available else "Closed"
    payment.modified, payment.stamp = call.now, company.stamp()


def void(call: Call, payment: Payment) -> Payment:
    """Make the voiding document of a released payment. Raises Refusal."""
    company = call.company
    if not payment.released or payment.status == "Voided" or payment.kind not in VOIDING:
        raise Refusal(400, f"The payment {payment.number} has status {payment.status} and cannot be voided.")
    if (VOIDING[payment.kind], payment.number) in company.payments:
        raise Refusal(400, f"The payment {payment.number} has a voiding document already.")
    if payment.applications:
        raise Refusal(400, f"The payment {payment.number} has been refunded and cannot be voided.")
    open_period(company, payment.period, payment.date, LEDGERS)
    voiding = Payment(
        VOIDING[payment.kind], payment.number, payment.customer, "Balanced", payment.date, payment.period, payment.cash,
        payment.method, payment.rate, -payment.amount, payment.reference, payment.text, payment.branch,
        call.now, call.now, company.stamp(),
    )  # fmt: skip
    company.payments[voiding.key] = voiding
    if company.preferences.void_releases:
        release(call, voiding)
    return voiding


def apply_note(call: Call, note: CustomerDocument, body: Body) -> None:
    """Apply a credit note to further documents: the payment screen shows credit notes too. Raises Refusal."""
    found = []
    for row in body.get("paymentLines") or []:
        paid = paid_document(call.company, (row.get("documentType") or "Invoice", row.get("refNbr") or ""))
        if paid.customer is not note.customer or paid.currency != note.currency:
            raise Refusal(400, f"{paid.kind} '{paid.number}' belongs to another customer or currency.")
        found.append(Application(note.key, paid.key, row.get("amountPaid") or ZERO))
    note.applications += found
    document_touched(call, note)


def _taken(company: Company, number: str) -> bool:
    return any((kind, number) in company.payments for kind in ENTERED)


def _cash(company: Company, body: Body) -> tuple[CashAccount, str]:
    chart = company.chart
    method_id = required(body, "paymentMethod", "Payment Method")
    method = chart.payment_methods.get(method_id)
    if method is None or not method["active"]:
        raise Refusal(400, f"'Payment Method' '{method_id}' cannot be found in the system or is inactive.")
    number = required(body, "cashAccount", "Cash Account")
    cash = chart.cash_accounts.get(number)
    if cash is None or not cash.account.active:
        raise Refusal(400, f"'Cash Account' '{number}' cannot be found in the system or is inactive.")
    if method_id not in cash.methods:
        raise Refusal(400, f"Cash account '{number}' cannot be used with payment method '{method_id}'.")
    return cash, method_id


def _change_header(company: Company, payment: Payment, body: Body) -> None:
    if body.get("cashAccount") or body.get("paymentMethod"):
        chosen = {"paymentMethod": payment.method, "cashAccount": payment.cash.number}
        payment.cash, payment.method = _cash(company, {**chosen, **{k: v for k, v in body.items() if v}})
    if body.get("applicationDate"):
        payment.date = body["applicationDate"].date()
        payment.period = period_for(company, body, payment.date, LEDGERS, "applicationPeriod").id
    if body.get("paymentAmount") is not None:
        payment.amount = company.chart.rounded(body["paymentAmount"], payment.cash.currency)
    if body.get("hold") is not None:
        payment.status = "Hold" if body["hold"] else "Balanced"
    payment.reference = limited(body.get("paymentRef") or payment.reference, REFERENCE_LIMIT, "Payment Ref.")
    payment.text = limited(body["invoiceText"], _TEXT_LIMIT, "Description") if "invoiceText" in body else payment.text
    payment.rate = rate_on(company, payment.cash.currency, payment.date, None)


def _apply_rows(company: Company, payment: Payment, rows: list[Body]) -> None:
    lines = list(payment.lines)
    for row in rows:
        key = (row.get("documentType") or "Invoice", row.get("refNbr") or "")
        known = [line for line in lines if line.paid == key and not line.released]
        if row.get("operation") in ("Update", "Delete"):
            if not known:
                raise Refusal(400, f"The payment has no open line for {key[0]} {key[1]}.")
            lines = [line for line in lines if line is not known[0]]
            if row["operation"] == "Delete":
                continue
        lines.append(_line(company, payment, key, row))
    if sum((line.amount for line in lines), ZERO) > payment.amount:
        raise Refusal(400, f"More is applied than the payment amounts to: {payment.amount}.")
    payment.lines = lines


def _line(company: Company, payment: Payment, key: tuple[str, str], row: Body) -> Application:
    amount, write_off = row.get("amountPaid") or ZERO, row.get("balanceWriteOff") or ZERO
    line = Application(payment.key, key, amount, write_off, row.get("writeOffReasonCode") or "")
    if payment.kind == "Refund":
        balance, owner, currency = _refundable(company, key)
    elif key[0] in ("Invoice", "DebitNote"):
        document = paid_document(company, key)
        balance, owner, currency = document.balance, document.customer, document.currency
    else:
        raise Refusal(400, f"A {payment.kind} cannot be applied to a {key[0]}.")
    if owner is not payment.customer:
        raise Refusal(400, f"{key[0]} '{key[1]}' belongs to another customer.")
    if currency != payment.cash.currency:
        raise Refusal(400, f"{key[0]} '{key[1]}' is in {currency}; a cross rate is needed.")
    if amount + write_off > balance:
        raise Refusal(
            400, f"The amount {amount + write_off} is larger than the balance {balance} of {key[0]} {key[1]}."
        )
    if write_off:
        _, limit = company.chart.reason_codes.get(line.reason, ("", None))
        if limit is None:
            raise Refusal(400, f"'Reason Code' '{line.reason}' cannot be found in the system.")
        if write_off > limit:
            raise Refusal(400, f"The write-off {write_off} is above the limit {limit}.")
    return line


def _refundable(company: Company, key: tuple[str, str]) -> tuple[Decimal, Party, str]:
    """Balance, customer and currency of what a refund pays back. Raises Refusal."""
    if key[0] == "CreditNote":
        note = paid_document(company, key)
        return note.balance, note.customer, note.currency
    payment = company.payments.get(key)
    if payment is None or not payment.released or key[0] not in ("Payment", "Prepayment"):
        raise Refusal(400, f"{key[0]} '{key[1]}' cannot be refunded.")
    return payment.available, payment.customer, payment.cash.currency


def _check_pending(company: Company, payment: Payment, pending: list[Application]) -> None:
    if payment.kind == "Refund" and payment.applied() != payment.amount:
        raise Refusal(
            400, f"The refund {payment.number} is not fully applied: {payment.applied()} of {payment.amount}."
        )
    for line in pending:
        if payment.kind == "Refund":
            balance = _refundable(company, line.paid)[0]
        else:
            balance = paid_document(company, line.paid).balance
        if line.amount + line.write_off > balance:
            raise Refusal(400, f"{line.paid[0]} '{line.paid[1]}' has a balance of {balance} only.")


def _voucher(call: Call, payment: Payment) -> Voucher:
    return Voucher(
        call.company, "AR", payment.date, payment.period, payment.cash.currency, payment.rate,
        payment.text or payment.reference, payment.customer.number, payment.branch, payment.number, payment.kind,
    )  # fmt: skip


def _customer_account(company: Company, payment: Payment) -> str:
    accounts, defaults = payment.customer.accounts, company.chart.defaults
    if payment.kind == "Prepayment":
        return accounts.get("prepaymentAccount") or defaults["customer_prepayment"]
    return accounts.get("customerLedgerAccount") or defaults["receivable"]


def _keep(payment: Payment, batch: Batch | None) -> None:
    if batch is not None:
        payment.batches.append(batch.key)


def _post(call: Call, payment: Payment) -> None:
    voucher = _voucher(call, payment)
    amount = payment.sign() * payment.amount
    voucher.add(payment.cash.account.number, amount, sub=payment.cash.sub, text=payment.reference)
    voucher.add(_customer_account(call.company, payment), -amount, text=payment.reference)
    _keep(payment, voucher.post(call.now))


def _take_off(call: Call, payment: Payment, line: Application) -> None:
    company = call.company
    if payment.kind == "Refund":
        _pay_back(call, payment, line)
    else:
        gain = settle(call, line, payment.rate)
        _post_application(call, payment, line, gain)
    payment.available -= line.amount
    line.released = True
    company.tell("ArInvoiceStatusChanged", "customerinvoice", line.paid[1])


def _pay_back(call: Call, payment: Payment, line: Application) -> None:
    chart = call.company.chart
    if line.paid[0] == "CreditNote":
        note = paid_document(call.company, line.paid)
        post_difference(call, note, -settle(call, line, payment.rate))
        return
    source = call.company.payments[line.paid]
    source.available -= line.amount
    source.status = "Open" if source.available else "Closed"
    source.applications.append(line)
    source.modified, source.stamp = call.now, call.company.stamp()
    voucher = _voucher(call, payment)
    voucher.currency, voucher.rate = chart.base_currency, Decimal(1)
    receivable = source.customer.accounts.get("customerLedgerAccount") or chart.defaults["receivable"]
    if source.kind == "Prepayment":
        base = chart.rounded(line.amount * source.rate, chart.base_currency)
        voucher.add(_customer_account(call.company, source), base)
        voucher.add(receivable, -base)
    difference = chart.rounded(line.amount * (source.rate - payment.rate), chart.base_currency)
    if difference:
        voucher.add(receivable, difference)
        voucher.add(chart.defaults["gain" if difference > 0 else "loss"], -difference)
    _keep(payment, voucher.post(call.now))


def _post_application(call: Call, payment: Payment, line: Application, gain: Decimal) -> None:
    """Write-off, exchange difference, and for a prepayment the move to the receivables account."""
    company = call.company
    chart = company.chart
    voucher = _voucher(call, payment)
    voucher.currency, voucher.rate = chart.base_currency, Decimal(1)
    receivable = payment.customer.accounts.get("customerLedgerAccount") or chart.defaults["receivable"]
    paid_rate = company.customer_documents[line.paid].rate
    if payment.kind == "Prepayment":
        base = chart.rounded(line.amount * payment.rate, chart.base_currency)
        voucher.add(_customer_account(company, payment), base)
        voucher.add(receivable, -base)
    if line.write_off:
        base = chart.rounded(line.write_off * paid_rate, chart.base_currency)
        voucher.add(chart.reason_codes[line.reason][0], base)
        voucher.add(receivable, -base)
    if gain:
        voucher.add(receivable, gain)
        voucher.add(chart.defaults["gain" if gain > 0 else "loss"], -gain)
    _keep(payment, voucher.post(call.now))


def _release_void(call: Call, voiding: Payment) -> None:
    company = call.company
    original = next(
        company.payments[kind, voiding.number] for kind in ENTERED if (kind, voiding.number) in company.payments
    )
    for key in original.batches:
        _reverse_batch(call, company.ledger.batches[key])
    for line in original.lines:
        if line.released:
            _give_back(call, line)
    original.lines = []
    original.status, original.available = "Voided", ZERO
    original.modified, original.stamp = call.now, company.stamp()
    voiding.status, voiding.released = "Closed", True
    voiding.modified, voiding.stamp = call.now, company.stamp()


def _give_back(call: Call, line: Application) -> None:
    paid = call.company.customer_documents.get(line.paid)
    if paid is not None:
        paid.balance += line.amount + line.write_off
        paid.status = "Open"
        paid.applications = [known for known in paid.applications if known is not line]
        document_touched(call, paid)
        return
    source = call.company.payments[line.paid]
    source.available += line.amount
    source.status = "Open"
    source.applications = [known for known in source.applications if known is not line]


def _reverse_batch(call: Call, batch: Batch) -> None:
    company = call.company
    number = company.chart.series[f"GL{batch.module}"].take()
    reverse = Batch(
        batch.module, number, batch.status, batch.date, batch.period, batch.ledger, batch.currency, batch.rate,
        batch.branch, f"Void {batch.description}", mirrored(batch), call.now, call.now, company.stamp(),
    )  # fmt: skip
    reverse.control_total, reverse.original = batch.control_total, batch.number
    company.ledger.add(reverse)
