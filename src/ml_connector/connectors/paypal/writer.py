"""Telling a PayPal invoice what happened in the ledger: outside payment, its removal, outside refund, cancel.

Nothing else is ever written, and none of it moves PayPal's money. PayPal has no idempotency here: one call at a time
for an invoice, which is read before, and what is already there is taken as ours. The invoice is the record: no drafts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, NoReturn
from urllib.parse import quote

from ml_connector.connectors.http import Http
from ml_connector.connectors.pacing import Ticking
from ml_connector.connectors.paypal.client import INVOICES, PayPalClient, Row
from ml_connector.connectors.paypal.faults import NotPermitted
from ml_connector.connectors.paypal.fields import EXPONENTS, Fields
from ml_connector.connectors.paypal.invoices import invoice_of
from ml_connector.connectors.paypal.reader import open_client
from ml_connector.connectors.shapes import Context, Created, Observed
from ml_connector.connectors.tokens import Tokens
from ml_connector.errors import NotAuthorized, NotFound, Rejected, UnknownOutcome, Untranslatable, UsageError
from ml_connector.finance.chart import Chart
from ml_connector.finance.documents import Invoice, InvoiceAdjustment, InvoiceRow
from ml_connector.finance.money import Money, total
from ml_connector.finance.plan import Content, Found

Adjusted = Content | InvoiceAdjustment

KINDS = ("external_payment", "external_payment_removal", "external_refund", "invoice_cancel")
METHODS: Mapping[str, str] = {
    "bank": "BANK_TRANSFER",
    "cash": "CASH",
    "card": "CREDIT_CARD",
    "wallet": "OTHER",  # PAYPAL would read as if PayPal had moved the money
    "external:check": "CHECK",
}
MAX_NOTE = 2000
MAX_WHOLE_DIGITS = 7
MAX_WHOLE_UNITS = 6  # digits where the currency has no decimals
CANCELABLE = "open"
CANCELED_ALREADY = "INVOICE_CANCELED_ALREADY"
# Everybody left out is mailed otherwise: the recipient by default, those in copy when the list is missing.
SILENT = {"send_to_recipient": False, "send_to_invoicer": False, "additional_recipients": []}
READ_AGAIN = "Compare the invoice at PayPal with the ledger and adjust one of them by hand."


def open_writer(
    http: Http, credentials: Mapping[str, Any], settings: Mapping[str, str], *, tokens: Tokens, clock: Ticking
) -> PayPalWriter:
    """The writer of one account's invoices. Costs no call."""
    return PayPalWriter(open_client(http, credentials, settings, tokens=tokens, clock=clock))


class PayPalWriter:
    """The Writer of PayPal. Each method reads the invoice first; `create` then makes one call that changes it."""

    def __init__(self, client: PayPalClient) -> None:
        self._client = client
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def create(self, kind: str, content: Adjusted, context: Context) -> Created:
        """Make the adjustment, or find it made. Rejected when the invoice does not bear it; nothing was sent then."""
        wanted = _adjustment(kind, content)
        with self._alone(wanted.invoice_id):
            invoice = self._invoice(wanted.invoice_id)
            if invoice is None:
                raise NotFound("PayPal has no such invoice.", record=wanted.invoice_id)
            return _MAKERS[kind](self._client, invoice, wanted, context)

    def release(self, kind: str, content: Adjusted, context: Context) -> None:
        """Nothing: what is recorded at PayPal stands at once."""

    def attach(self, kind: str, context: Context, *, file_name: str, body: bytes) -> None:
        """PayPal's invoices take no files."""
        del kind, file_name, body
        raise UsageError("Nothing can be attached to a PayPal invoice.", record=context.key)

    def find(self, kind: str, contexts: Sequence[tuple[Adjusted, Context]]) -> dict[str, list[Observed]]:
        """Look whether adjustments were made: one reading of each invoice.

        By our token in a payment's note; a refund by its day and amount, which no refund had when it was sent.
        """
        invoices: dict[str, Invoice | None] = {}
        found: dict[str, list[Observed]] = {}
        for content, context in contexts:
            wanted = _adjustment(kind, content)
            if wanted.invoice_id not in invoices:
                invoices[wanted.invoice_id] = self._invoice(wanted.invoice_id)
            invoice = invoices[wanted.invoice_id]
            seen = _seen(invoice, wanted, context) if invoice is not None else None
            found[context.token] = [seen] if seen is not None else []
        return found

    def observe(self, kind: str, contexts: Sequence[tuple[Adjusted, Context]]) -> dict[str, Observed]:
        """What stands at PayPal now, by remote id; `gone` for what is not there any more."""
        seen = self.find(kind, contexts)
        answer = {}
        for content, context in contexts:
            here = seen[context.token]
            answer[context.remote_id] = here[0] if here else _gone(_adjustment(kind, content), context)
        return answer

    def look_up(self, kind: str, fields: Mapping[str, str]) -> list[Found]:
        """How an invoice stands there (`invoice`, `number`: its id), whole in `document`. PayPal keeps no customers."""
        invoice = self._invoice(fields.get("number", "")) if kind == "invoice" else None
        if invoice is None:
            return []
        return [Found(invoice.id, invoice.number, invoice.state, currency=invoice.currency, document=invoice)]

    def chart(self) -> Chart:
        """PayPal has no accounts."""
        raise UsageError("PayPal has no chart of accounts.")

    def _invoice(self, invoice_id: str) -> Invoice | None:
        try:
            found = self._client.one(INVOICES, invoice_id)
        except NotPermitted:
            raise NotAuthorized(
                "PayPal does not let this app read the invoice (403).",
                record=invoice_id,
                fix="Switch on Invoicing for the app in PayPal's developer dashboard, then `ml-connector ping`.",
            ) from None
        if found is None:
            return None
        return _read(found, invoice_id)

    def _alone(self, invoice_id: str) -> threading.Lock:
        with self._guard:
            return self._locks.setdefault(invoice_id, threading.Lock())


# ---------------------------------------------------------------------------------------------- making


def _pay(client: PayPalClient, invoice: Invoice, wanted: InvoiceAdjustment, context: Context) -> Created:
    amount, day = _moved(invoice, wanted)
    for row in _recorded(invoice.payments):
        if context.token and context.token in row.note:
            return _created(invoice, f"payments/{row.id}")
    if invoice.due is not None and amount > invoice.due:
        _refuse(invoice, f"{amount} is more than the {invoice.due} that are due")
    content = {
        "method": METHODS.get(wanted.means, "OTHER"),
        "payment_date": day.isoformat(),
        "amount": _wire(amount),
        "note": f"{wanted.text[: MAX_NOTE - 50]} {context.token}".strip(),
    }
    made = _posted(client, invoice, "payments", content)
    return _created(invoice, f"payments/{_id(made, 'payment_id', invoice)}")


def _refund(client: PayPalClient, invoice: Invoice, wanted: InvoiceAdjustment, context: Context) -> Created:
    amount, day = _moved(invoice, wanted)
    del context  # a refund takes no note
    if _same_refunds(invoice, wanted):
        _refuse(
            invoice, f"a recorded refund of {amount} on {day} is there already, and the two could not be told apart"
        )
    paid = total((row.amount for row in _recorded(invoice.payments)), invoice.currency)
    left = paid - total((row.amount for row in _recorded(invoice.refunds)), invoice.currency)
    if amount > left:
        _refuse(invoice, f"{amount} is more than the {left} of recorded payments that are left")
    content = {
        "method": METHODS.get(wanted.means, "OTHER"),
        "refund_date": day.isoformat(),
        "amount": _wire(amount),
    }
    made = _posted(client, invoice, "refunds", content)
    return _created(invoice, f"refunds/{_id(made, 'refund_id', invoice)}")


def _remove(client: PayPalClient, invoice: Invoice, wanted: InvoiceAdjustment, context: Context) -> Created:
    del context
    there = next((row for row in invoice.payments if row.id == wanted.payment_id), None)
    if there is not None and there.origin != "recorded":
        _refuse(invoice, f"payment {wanted.payment_id} went through PayPal and cannot be removed")
    if there is not None:
        path = f"{_path(invoice)}/payments/{quote(wanted.payment_id, safe='')}"
        client.call("DELETE", path, operation=f"DELETE {INVOICES}/{{id}}/payments/{{id}}")
    return _created(invoice, f"removed/{wanted.payment_id}")


def _cancel(client: PayPalClient, invoice: Invoice, wanted: InvoiceAdjustment, context: Context) -> Created:
    del wanted, context
    if invoice.state == "canceled":
        return _created(invoice, "canceled")
    if invoice.state != CANCELABLE or invoice.completed or invoice.payments:
        _refuse(invoice, f"an invoice that is {invoice.state.replace('_', ' ')} or has payments cannot be canceled")
    path = f"{_path(invoice)}/cancel"
    try:
        client.call("POST", path, operation=f"POST {INVOICES}/{{id}}/cancel", content=SILENT)
    except Rejected as refused:
        if CANCELED_ALREADY not in refused.what:
            raise
    return _created(invoice, "canceled")


_MAKERS: Mapping[str, Callable[[PayPalClient, Invoice, InvoiceAdjustment, Context], Created]] = {
    "external_payment": _pay,
    "external_payment_removal": _remove,
    "external_refund": _refund,
    "invoice_cancel": _cancel,
}


def _read(row: Row, invoice_id: str) -> Invoice:
    """The invoice; Rejected when it cannot be understood: what it would bear is then unknown, and nothing is sent."""
    try:
        return invoice_of(Fields(row, record=invoice_id))
    except Untranslatable as unclear:
        raise Rejected(unclear.what, record=invoice_id, fix=READ_AGAIN) from None


def _adjustment(kind: str, content: Adjusted) -> InvoiceAdjustment:
    if not isinstance(content, InvoiceAdjustment) or content.kind != kind or kind not in KINDS:
        raise UsageError(f"PayPal takes no {kind}.", fix=f"It takes {', '.join(KINDS)}.")
    return content


def _moved(invoice: Invoice, wanted: InvoiceAdjustment) -> tuple[Money, date]:
    """Amount and day of a payment or refund, within what PayPal's field takes."""
    amount, day = wanted.amount, wanted.day
    if amount is None or day is None:
        raise UsageError("A payment or refund has an amount and a day.", record=invoice.id)
    if amount.currency != invoice.currency:
        _refuse(invoice, f"{amount} is not in the invoice's currency {invoice.currency}")
    whole = EXPONENTS[invoice.currency] == 0
    if whole and amount.decimal() != int(amount.decimal()):
        _refuse(invoice, f"PayPal takes no decimals of {invoice.currency}")
    if len(str(int(amount.decimal()))) > (MAX_WHOLE_UNITS if whole else MAX_WHOLE_DIGITS):
        _refuse(invoice, f"{amount} has more digits than PayPal takes")
    return amount, day


def _posted(client: PayPalClient, invoice: Invoice, what: str, content: Mapping[str, Any]) -> Row:
    return client.call("POST", f"{_path(invoice)}/{what}", operation=f"POST {INVOICES}/{{id}}/{what}", content=content)


def _id(made: Row, key: str, invoice: Invoice) -> str:
    found = made.get(key)
    if not isinstance(found, str) or not found:
        raise UnknownOutcome(f"PayPal's answer names no {key}.", record=invoice.id)
    return found


def _wire(amount: Money) -> dict[str, str]:
    """An amount in PayPal's decimals: none for HUF and TWD, which have two in ISO 4217."""
    digits = EXPONENTS[amount.currency]
    return {"currency_code": amount.currency, "value": f"{amount.decimal():.{digits}f}"}


def _path(invoice: Invoice) -> str:
    return f"{INVOICES}/{quote(invoice.id, safe='')}"


def _created(invoice: Invoice, what: str) -> Created:
    return Created(remote_id=f"{invoice.id}/{what}", number=invoice.number, released=True)


def _refuse(invoice: Invoice, why: str) -> NoReturn:
    raise Rejected(f"PayPal invoice {invoice.number or invoice.id}: {why}.", record=invoice.id, fix=READ_AGAIN)


# ---------------------------------------------------------------------------------------------- looking


def _recorded(rows: Sequence[InvoiceRow]) -> list[InvoiceRow]:
    return [row for row in rows if row.origin == "recorded"]


def _same_refunds(invoice: Invoice, wanted: InvoiceAdjustment) -> list[InvoiceRow]:
    return [row for row in _recorded(invoice.refunds) if row.amount == wanted.amount and row.day == wanted.day]


def _seen(invoice: Invoice, wanted: InvoiceAdjustment, context: Context) -> Observed | None:
    """The adjustment as the invoice shows it; None when it was not made."""
    if wanted.kind == "invoice_cancel":
        made = invoice.state == "canceled"
        return _observed(invoice, "canceled", context, minor=invoice.requested.minor, day=None) if made else None
    if wanted.kind == "external_payment_removal":
        made = all(row.id != wanted.payment_id for row in invoice.payments)
        what = f"removed/{wanted.payment_id}"
        return _observed(invoice, what, context, minor=0, day=None) if made else None
    if wanted.kind == "external_refund":
        rows, part = _same_refunds(invoice, wanted), "refunds"
    else:
        rows, part = [row for row in _recorded(invoice.payments) if context.token in row.note], "payments"
    rows = [row for row in rows if not context.remote_id or context.remote_id.endswith(f"/{row.id}")]
    if not rows:
        return None
    return _observed(invoice, f"{part}/{rows[0].id}", context, minor=rows[0].amount.minor, day=rows[0].day)


def _observed(invoice: Invoice, what: str, context: Context, *, minor: int, day: date | None) -> Observed:
    return Observed(
        remote_id=f"{invoice.id}/{what}",
        number=invoice.number,
        state="released",
        status=invoice.state,
        currency=invoice.currency,
        total=minor,
        vat=None,
        day=day.isoformat() if day is not None else None,
        tokens=(context.token,),
    )


def _gone(wanted: InvoiceAdjustment, context: Context) -> Observed:
    currency = wanted.amount.currency if wanted.amount is not None else ""
    return Observed(context.remote_id, "", "gone", "", currency, 0, None, None, ())
