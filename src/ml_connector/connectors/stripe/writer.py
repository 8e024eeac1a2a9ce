"""Writes to Stripe: customers, invoices of the ledger that it collects, their credits, and payments made elsewhere.

Every POST carries an idempotency key made from the submission's token and the step, and a body that is the same each
time. An invoice is a draft until it is released; nothing is mailed, and no money is moved from here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ml_connector.connectors.http import Http
from ml_connector.connectors.shapes import Context, Created, Observed
from ml_connector.connectors.stripe import bodies, crediting, customers, seen
from ml_connector.connectors.stripe.bodies import known
from ml_connector.connectors.stripe.client import Row, StripeClient, item, key_of
from ml_connector.connectors.stripe.faults import is_code
from ml_connector.connectors.stripe.pacing import Ticking
from ml_connector.connectors.stripe.reader import open_client
from ml_connector.errors import NotFound, Rejected, UnknownOutcome, UsageError
from ml_connector.finance.chart import Chart
from ml_connector.finance.collection import CollectionCredit, CollectionInvoice, InvoiceVoid, OutsidePayment
from ml_connector.finance.invoices import PartyCard
from ml_connector.finance.plan import Found

INVOICES = "/v1/invoices"
ROWS = "/v1/invoice_payments"
CREDITS = "/v1/credit_notes"
RECORDS = "/v1/payment_records"
BEFORE = timedelta(minutes=10)  # their clock against ours
FEW = 3  # up to so many invoices are read one by one
BY_HAND = "Compare the invoice in Stripe with the ledger and settle it by hand."

Asked = Sequence[tuple[Any, Context]]


def open_writer(
    http: Http, credentials: Mapping[str, Any], settings: Mapping[str, str], *, tokens: Any, clock: Ticking
) -> StripeWriter:
    """The writer of one account. Costs no call."""
    del tokens
    return StripeWriter(open_client(http, credentials, settings, clock=clock), clock=clock)


class StripeWriter:
    """The Writer of Stripe. Thread-safe; keeps nothing."""

    def __init__(self, client: StripeClient, *, clock: Ticking) -> None:
        self.client = client
        self._clock = clock

    # ------------------------------------------------------------------------------------------ writing

    def create(self, kind: str, content: Any, context: Context) -> Created:
        """Make it. A draft of an invoice takes two calls, and so may a customer, a credit or part of a payment."""
        return _makers(kind, content)(self.client, content, context)

    def release(self, kind: str, content: Any, context: Context) -> None:
        """Finalize a draft: amounts are frozen, the page to pay on is there. Everything else stands at once.

        Stripe repeats a refusal for a day under one key, so this key holds the hour: finalizing twice does nothing.
        """
        del content
        if kind != "collection_invoice":
            return
        step = f"finalize|{self._clock.now():%Y-%m-%dT%H}"
        path = item(INVOICES, context.remote_id, "finalize")
        self.client.post(
            path, {"auto_advance": False}, key=_key(context, step), operation=f"POST {INVOICES}/{{id}}/finalize"
        )

    def discard(self, kind: str, content: Any, context: Context) -> None:
        """Delete a draft that differs from what was planned; what is gone already is no error. Drafts alone."""
        del content
        if kind != "collection_invoice":
            raise UsageError(f"A {kind} is no draft that could be deleted.", record=context.key)
        try:
            self.client.delete(item(INVOICES, context.remote_id), operation=f"DELETE {INVOICES}/{{id}}")
        except NotFound:
            return

    def attach(self, kind: str, context: Context, *, file_name: str, body: bytes) -> None:
        """Stripe's invoices take no files."""
        del kind, file_name, body
        raise UsageError("Nothing can be attached to an invoice of Stripe.", record=context.key)

    # ------------------------------------------------------------------------------------------ reading back

    def find(self, kind: str, contexts: Asked) -> dict[str, list[Observed]]:
        """Look for our tokens. Lists alone, never a search: that lags behind what was written."""
        if kind == "collection_invoice":
            return self._found_invoices(contexts)
        found: dict[str, list[Observed]] = {}
        for content, context in contexts:
            one = self._found_one(kind, content, context)
            found[context.token] = [one] if one is not None else []
        return found

    def observe(self, kind: str, contexts: Asked) -> dict[str, Observed]:
        """Read back by remote id: invoices by one list where there are many; `gone` for what is not there."""
        if kind == "collection_invoice":
            return self._invoices(contexts)
        answer = {}
        for content, context in contexts:
            one = self._found_one(kind, content, context)
            answer[context.remote_id] = one if one is not None else seen.gone(context.remote_id)
        return answer

    def look_up(self, kind: str, fields: Mapping[str, str]) -> list[Found]:
        """Customers; or how an invoice of ours stands there (`sent_invoice`, `of` its id). 1-4 calls."""
        if kind == "sent_invoice":
            row = self.client.one(INVOICES, fields.get("of") or fields.get("number", ""))
            return [] if row is None else [_standing(row)]
        if kind != "customer":
            raise UsageError(f"Stripe is not asked for a {kind}.")
        return customers.look_up(self.client, fields)

    def chart(self) -> Chart:
        """Stripe has no accounts."""
        raise UsageError("Stripe has no chart of accounts.")

    def _found_invoices(self, contexts: Asked) -> dict[str, list[Observed]]:
        found: dict[str, list[Observed]] = {context.token: [] for _, context in contexts}
        groups = {known(content.customer) for content, _ in contexts}
        params: dict[str, Any] = {"created": {"gte": _since(contexts)}}
        if len(groups) == 1:
            params["customer"] = groups.pop()
        for row in self.client.every(INVOICES, params):
            one = seen.invoice(row)
            # A draft without lines is half made: repeating its calls under their keys completes that very one.
            if one.state == "gone" or (one.state == "draft" and not one.total):
                continue
            for token in one.tokens:
                if token in found:
                    found[token].append(one)
        return found

    def _invoices(self, contexts: Asked) -> dict[str, Observed]:
        wanted = {context.remote_id for _, context in contexts}
        found: dict[str, Observed] = {}
        dated = all(context.started_at is not None for _, context in contexts)
        if len(wanted) > FEW and dated:
            for row in self.client.every(INVOICES, {"created": {"gte": _since(contexts)}}):
                one = seen.invoice(row)
                if one.remote_id in wanted:
                    found[one.remote_id] = one
        for remote_id in wanted - found.keys():
            single = self.client.one(INVOICES, remote_id)
            found[remote_id] = seen.gone(remote_id) if single is None else seen.invoice(single)
        return found

    def _found_one(self, kind: str, content: Any, context: Context) -> Observed | None:
        if kind == "customer":
            return _found_customer(self.client, content, context)
        if kind == "collection_credit":
            return _found_credit(self.client, content, context)
        if kind == "outside_payment":
            return _found_payment(self.client, content, context)
        if kind == "invoice_void":
            return _found_void(self.client, content, context)
        raise UsageError(f"Stripe takes no {kind}.", record=context.key)


# ---------------------------------------------------------------------------------------------- making


def _makers(kind: str, content: Any) -> Callable[[StripeClient, Any, Context], Created]:
    made: Mapping[str, tuple[type[Any], Callable[[StripeClient, Any, Context], Created]]] = {
        "customer": (PartyCard, _customer),
        "collection_invoice": (CollectionInvoice, _invoice),
        "collection_credit": (CollectionCredit, _credit),
        "outside_payment": (OutsidePayment, _payment),
        "invoice_void": (InvoiceVoid, _void),
    }
    kept = made.get(kind)
    if kept is None or not isinstance(content, kept[0]):
        raise UsageError(f"Stripe takes no {kind}.", fix=f"It takes {', '.join(made)}.")
    return kept[1]


def _customer(client: StripeClient, card: PartyCard, context: Context) -> Created:
    """A new customer, or the known one updated. A VAT number that Stripe does not take is left out: the name and
    address serve without.
    """
    if card.number is not None:
        path = item(customers.PATH, card.number)
        body = bodies.customer(card, context, tax_ids=False)
        client.post(path, body, key=_key(context, "update"), operation=f"POST {customers.PATH}/{{id}}")
        return Created(card.number, card.number, released=True)
    try:
        made = client.post(customers.PATH, bodies.customer(card, context, tax_ids=True), key=_key(context, "customer"))
    except Rejected as refused:
        if not is_code(refused, "tax_id_invalid"):
            raise
        made = client.post(
            customers.PATH, bodies.customer(card, context, tax_ids=False), key=_key(context, "customer without tax id")
        )
    id_ = _id(made, customers.PATH)
    return Created(id_, id_, released=True)


def _invoice(client: StripeClient, content: CollectionInvoice, context: Context) -> Created:
    """The draft and its lines. Where Stripe would pay part of it from the customer's balance the draft goes again."""
    form = bodies.lines(content.lines)  # what cannot be said exactly is refused before the draft exists
    made = client.post(INVOICES, bodies.invoice(content, context), key=_key(context, "create"))
    id_ = _id(made, INVOICES)
    filled = client.post(
        item(INVOICES, id_, "add_lines"),
        form,
        key=_key(context, "lines"),
        operation=f"POST {INVOICES}/{{id}}/add_lines",
    )
    shown = seen.invoice(filled)
    if shown.facts["starting_balance"]:
        client.delete(item(INVOICES, id_), operation=f"DELETE {INVOICES}/{{id}}")
        raise Rejected(
            f"The Stripe customer of invoice {content.number} has a balance, which Stripe would set off.",
            record=context.key,
            fix="Settle the customer's balance in Stripe, then plan again.",
        )
    return Created(id_, shown.number)


def _credit(client: StripeClient, content: CollectionCredit, context: Context) -> Created:
    """A credit note on what is open, never mailed. It must not touch what was paid: that a person decides."""
    invoice_id = known(content.invoice)
    row = client.get(item(INVOICES, invoice_id), operation=f"GET {INVOICES}/{{id}}")
    open_minor = seen.invoice(row).facts["remaining"]
    if content.total.minor > open_minor:
        raise Rejected(
            f"Credit note {content.number} of {content.total} is more than what is open on invoice {invoice_id}.",
            record=context.key,
            fix=BY_HAND,
        )
    rows = list(client.every(item(INVOICES, invoice_id, "lines"), {}))
    form = {
        "invoice": invoice_id,
        "email_type": "none",
        "lines": crediting.lines_of(content, rows),
        "memo": f"Credit note {content.number}"[:200],
        "metadata": bodies.marks(content.marks, source=content.source, context=context),
    }
    made = client.post(CREDITS, form, key=_key(context, "credit"))
    return Created(_id(made, CREDITS), seen.credit(made).number)


def _payment(client: StripeClient, content: OutsidePayment, context: Context) -> Created:
    """All of it: marked paid out of band. Part of it: a payment record, put on the invoice."""
    invoice_id = known(content.invoice)
    if content.kind != "outside_payment":
        raise Rejected(
            f"{content.document} takes back money that Stripe was told of, and paid is final there.",
            record=context.key,
            fix=BY_HAND,
        )
    if content.whole:
        _pay_whole(client, content, context, invoice_id=invoice_id)
        return Created(f"{invoice_id}/outside", content.document, released=True)
    made = client.post(
        f"{RECORDS}/report_payment", bodies.report_payment(content, context), key=_key(context, "report")
    )
    record = _id(made, RECORDS)
    client.post(
        item(INVOICES, invoice_id, "attach_payment"),
        {"payment_record": record},
        key=_key(context, "attach"),
        operation=f"POST {INVOICES}/{{id}}/attach_payment",
    )
    return Created(f"{invoice_id}/{record}", content.document, released=True)


def _pay_whole(client: StripeClient, content: OutsidePayment, context: Context, *, invoice_id: str) -> None:
    row = client.get(item(INVOICES, invoice_id), operation=f"GET {INVOICES}/{{id}}")
    shown = seen.invoice(row)
    if shown.status == "paid" and _outside(client, row) >= content.amount:
        return  # our own call before this one
    if shown.status != "open" or shown.facts["remaining"] != content.amount.minor:
        raise Rejected(
            f"{content.document} pays {content.amount}, and invoice {invoice_id} is {shown.status} in Stripe with "
            f"{shown.facts['remaining']} (minor units) open.",
            record=context.key,
            fix=BY_HAND,
        )
    client.post(
        item(INVOICES, invoice_id, "pay"),
        {"paid_out_of_band": True},
        key=_key(context, "pay"),
        operation=f"POST {INVOICES}/{{id}}/pay",
    )


def _void(client: StripeClient, content: InvoiceVoid, context: Context) -> Created:
    invoice_id = known(content.invoice)
    client.post(
        item(INVOICES, invoice_id, "void"), {}, key=_key(context, "void"), operation=f"POST {INVOICES}/{{id}}/void"
    )
    return Created(f"{invoice_id}/void", content.document, released=True)


# ---------------------------------------------------------------------------------------------- looking


def _found_customer(client: StripeClient, card: PartyCard, context: Context) -> Observed | None:
    params: dict[str, Any] = {"created": {"gte": _moment(context)}}
    if card.email:
        params["email"] = card.email
    for row in client.every(customers.PATH, params):
        if customers.token_in(row) == context.token:
            id_ = _id(row, customers.PATH)
            return seen.standing(id_, number=id_, token=context.token, status="active", total=0, currency="")
    return None


def _found_credit(client: StripeClient, content: CollectionCredit, context: Context) -> Observed | None:
    for row in client.every(CREDITS, {"invoice": known(content.invoice)}):
        one = seen.credit(row)
        if context.token in one.tokens and one.state != "gone":
            return one
    return None


def _found_payment(client: StripeClient, content: OutsidePayment, context: Context) -> Observed | None:
    """Marked paid as a whole: by what was paid outside. In part: by the token in a payment record of the invoice."""
    invoice_id = known(content.invoice)
    row = client.one(INVOICES, invoice_id)
    if row is None:
        return None
    currency, total = content.amount.currency, content.amount.minor
    if content.whole:
        if row.get("status") != "paid" or _outside(client, row) < content.amount:
            return None
        name = f"{invoice_id}/outside"
        return seen.standing(
            name, number=content.document, token=context.token, status="paid", total=total, currency=currency
        )
    for paid in client.every(ROWS, {"invoice": invoice_id, "status": "paid"}):
        payment = paid.get("payment")
        record = payment.get("payment_record") if isinstance(payment, dict) else None
        if not isinstance(record, str):
            continue
        told = client.one(RECORDS, record)
        if told is not None and customers.token_in(told) == context.token:
            name = f"{invoice_id}/{record}"
            return seen.standing(
                name, number=content.document, token=context.token, status="paid", total=total, currency=currency
            )
    return None


def _found_void(client: StripeClient, content: InvoiceVoid, context: Context) -> Observed | None:
    invoice_id = known(content.invoice)
    row = client.one(INVOICES, invoice_id)
    if row is None or row.get("status") != "void":
        return None
    shown = seen.invoice(row)
    return seen.standing(
        f"{invoice_id}/void",
        number=content.document,
        token=context.token,
        status="void",
        total=shown.total,
        currency=shown.currency,
    )


def _standing(row: Row) -> Found:
    """How an invoice stands in Stripe. Amounts in minor units, in words."""
    shown = seen.invoice(row)
    facts = {
        "remaining": str(shown.facts["remaining"]),
        "paid": str(shown.facts["paid"]),
        "total": str(shown.total),
        "customer": str(shown.facts["customer"]),
    }
    return Found(shown.remote_id, name=shown.number, status=shown.status, currency=shown.currency, facts=facts)


def _outside(client: StripeClient, row: Row) -> Any:
    rows = list(client.every(ROWS, {"invoice": _id(row, INVOICES), "status": "paid"}))
    return seen.outside_paid(row, rows)


def _key(context: Context, step: str) -> str:
    return key_of(context.token, f"{step}|{context.ordinal}")


def _since(contexts: Asked) -> int:
    return min(_moment(context) for _, context in contexts)


def _moment(context: Context) -> int:
    """Before the first call for it, in seconds; without one, from the beginning."""
    if context.started_at is None:
        return int(datetime(2020, 1, 1, tzinfo=UTC).timestamp())
    return int((context.started_at - BEFORE).timestamp())


def _id(row: Row, where: str) -> str:
    found = row.get("id")
    if not isinstance(found, str) or not found:
        raise UnknownOutcome(f"Stripe's answer to POST {where} names no id.", record=where)
    return found
