"""How each kind is made in Stripe: the calls of one submission, each under an idempotency key of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ml_connector.connectors.shapes import Context, Created
from ml_connector.connectors.stripe import bodies, comparing, crediting, finding, seen
from ml_connector.connectors.stripe.bodies import known
from ml_connector.connectors.stripe.client import Row, StripeClient, item, key_of
from ml_connector.connectors.stripe.faults import is_code
from ml_connector.connectors.stripe.forms import Form
from ml_connector.connectors.stripe.paths import CREDITS, CUSTOMERS, INVOICES, RECORDS
from ml_connector.connectors.stripe.shown import Shown
from ml_connector.errors import Rejected, UnknownOutcome, UsageError
from ml_connector.finance.collection import CollectionCredit, CollectionInvoice, InvoiceVoid, OutsidePayment
from ml_connector.finance.invoices import PartyCard

BY_HAND = "Compare the invoice in Stripe with the ledger and settle it by hand."


@dataclass(frozen=True, slots=True)
class Sending:
    """The calls of one submission.

    `shown` takes what the answers show of invoices. `generation` counts the keys under which Stripe keeps a failure;
    `late`: it may have forgotten the keys themselves.
    """

    client: StripeClient
    context: Context
    shown: Shown
    generation: int = 0
    late: bool = False

    def post(self, path: str, form: Form, *, step: str, operation: str = "") -> Row:
        """One step; a repeat of it is the very same request."""
        return self.client.post(path, form, key=self.key(step), operation=operation)

    def act(self, path: str, id_: str, action: str, form: Form, *, step: str) -> Row:
        """One step that does something with an object that is there."""
        return self.post(item(path, id_, action), form, step=step, operation=f"POST {path}/{{id}}/{action}")

    def change(self, id_: str, action: str, form: Form, *, step: str) -> tuple[Row, bool]:
        """One step that changes an invoice, and whether its answer is of now: that serves the look that follows."""
        operation = f"POST {INVOICES}/{{id}}/{action}"
        row, fresh = self.client.posted(item(INVOICES, id_, action), form, key=self.key(step), operation=operation)
        if fresh:
            self.shown.keep(row)
        return row, fresh

    def key(self, step: str) -> str:
        """The idempotency key of a step: another one for every time that this was refused and sent anew."""
        said = f"{step}|{self.context.ordinal}"
        return key_of(self.context.token, f"{said}|{self.generation}" if self.generation else said)


def make(kind: str, content: Any, sending: Sending) -> Created:
    """Make it. Raises UsageError for what Stripe does not take."""
    kept = _MAKERS.get(kind)
    if kept is None or not isinstance(content, kept[0]):
        raise UsageError(f"Stripe takes no {kind}.", fix=f"It takes {', '.join(_MAKERS)}.")
    return kept[1](sending, content)


def _customer(sending: Sending, card: PartyCard) -> Created:
    """A new customer, or the known one updated.

    A VAT number that Stripe does not take is left out: the name and address serve without.
    """
    if card.number is not None:
        path, body = item(CUSTOMERS, card.number), bodies.customer(card, sending.context, tax_ids=False)
        sending.post(path, body, step="update", operation=f"POST {CUSTOMERS}/{{id}}")
        return Created(card.number, card.number, released=True)
    try:
        made = sending.post(CUSTOMERS, bodies.customer(card, sending.context, tax_ids=True), step="customer")
    except Rejected as refused:
        if not is_code(refused, "tax_id_invalid"):
            raise
        body = bodies.customer(card, sending.context, tax_ids=False)
        made = sending.post(CUSTOMERS, body, step="customer without tax id")
    id_ = _id(made, CUSTOMERS)
    return Created(id_, id_, released=True)


def _invoice(sending: Sending, content: CollectionInvoice) -> Created:
    """The draft and its lines, compared with the ledger. A draft that is not as it must be is deleted."""
    form = bodies.lines(content.lines)  # what cannot be said exactly is refused before the draft exists
    id_ = _draft(sending, content)
    try:
        shown, _ = sending.change(id_, "add_lines", form, step="lines")
        off = comparing.differences(content, shown, due=bodies.due_day(content, sending.context)[0])
        if off:
            raise Rejected(
                f"Stripe's draft of invoice {content.number} differs from the ledger: {'; '.join(off)}. It is deleted.",
                record=sending.context.key,
                fix="Settle what the sentence names, then plan again.",
            )
    except Rejected:
        sending.shown.forget(id_)
        sending.client.delete(item(INVOICES, id_), operation=f"DELETE {INVOICES}/{{id}}")
        raise
    return Created(id_, seen.invoice(shown).number)


def _draft(sending: Sending, content: CollectionInvoice) -> str:
    """A new draft; late, one of ours that was left empty when its key may be forgotten."""
    if sending.late:
        half = finding.half_made(sending.client, content, sending.context)
        if half:
            return half
    return _id(sending.post(INVOICES, bodies.invoice(content, sending.context), step="create"), INVOICES)


def _credit(sending: Sending, content: CollectionCredit) -> Created:
    """A credit note on what is open, never mailed. It must not touch what was paid: that a person decides."""
    client, context = sending.client, sending.context
    invoice_id = known(content.invoice)
    row = client.get(item(INVOICES, invoice_id), operation=f"GET {INVOICES}/{{id}}")
    shown = seen.invoice(row)
    if shown.currency != content.currency or content.total.minor > shown.facts["remaining"]:
        raise Rejected(
            f"Credit note {content.number} of {content.total} is more than what is open on invoice {invoice_id}.",
            record=context.key,
            fix=BY_HAND,
        )
    rows = list(client.every(item(INVOICES, invoice_id, "lines"), {}))
    form = {
        "invoice": invoice_id,
        "email_type": "none",
        "lines": crediting.lines_of(content, rows, credited=finding.credited(client, invoice_id, context)),
        "memo": f"Credit note {content.number}"[:200],
        "metadata": bodies.marks(content.marks, source=content.source, context=context),
    }
    made = sending.post(CREDITS, form, step="credit")
    return Created(_id(made, CREDITS), seen.credit(made).number)


def _payment(sending: Sending, content: OutsidePayment) -> Created:
    """All of it: marked paid out of band. Part of it: a payment record, put on the invoice."""
    invoice_id = known(content.invoice)
    if content.kind != "outside_payment":
        raise Rejected(
            f"{content.document} takes back money that Stripe was told of, and paid is final there.",
            record=sending.context.key,
            fix=BY_HAND,
        )
    if content.whole:
        _pay_whole(sending, content, invoice_id)
        return Created(f"{invoice_id}/outside", content.document, released=True)
    report = bodies.report_payment(content, sending.context)
    record = _id(sending.post(f"{RECORDS}/report_payment", report, step="report"), RECORDS)
    sending.act(INVOICES, invoice_id, "attach_payment", {"payment_record": record}, step="attach")
    return Created(f"{invoice_id}/{record}", content.document, released=True)


def _pay_whole(sending: Sending, content: OutsidePayment, invoice_id: str) -> None:
    row = sending.client.get(item(INVOICES, invoice_id), operation=f"GET {INVOICES}/{{id}}")
    shown = seen.invoice(row)
    if shown.status == "paid" and finding.outside(sending.client, row) >= content.amount:
        return  # our own call before this one
    if shown.status != "open" or shown.facts["remaining"] != content.amount.minor:
        raise Rejected(
            f"{content.document} pays {content.amount}, and invoice {invoice_id} is {shown.status} in Stripe with "
            f"{shown.facts['remaining']} (minor units) open.",
            record=sending.context.key,
            fix=BY_HAND,
        )
    sending.act(INVOICES, invoice_id, "pay", {"paid_out_of_band": True}, step="pay")


def _void(sending: Sending, content: InvoiceVoid) -> Created:
    invoice_id = known(content.invoice)
    sending.act(INVOICES, invoice_id, "void", {}, step="void")
    return Created(f"{invoice_id}/void", content.document, released=True)


_MAKERS: Mapping[str, tuple[type[Any], Callable[[Sending, Any], Created]]] = {
    "customer": (PartyCard, _customer),
    "collection_invoice": (CollectionInvoice, _invoice),
    "collection_credit": (CollectionCredit, _credit),
    "outside_payment": (OutsidePayment, _payment),
    "invoice_void": (InvoiceVoid, _void),
}


def _id(row: Row, where: str) -> str:
    found = row.get("id")
    if not isinstance(found, str) or not found:
        raise UnknownOutcome(f"Stripe's answer to POST {where} names no id.", record=where)
    return found
