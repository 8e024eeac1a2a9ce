"""Looking for what we wrote: by our token in lists, which do not lag, or by how an invoice stands. No search."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ml_connector.connectors.shapes import Context, Observed
from ml_connector.connectors.stripe import customers, seen
from ml_connector.connectors.stripe.bodies import known
from ml_connector.connectors.stripe.client import PAGE, Row, StripeClient, item
from ml_connector.connectors.stripe.fields import Fields, id_in
from ml_connector.connectors.stripe.paths import CREDITS, CUSTOMERS, INVOICES, RECORDS, ROWS
from ml_connector.errors import UsageError
from ml_connector.finance.collection import CollectionCredit, CollectionInvoice, InvoiceVoid, OutsidePayment
from ml_connector.finance.invoices import PartyCard
from ml_connector.finance.money import Money

BEFORE = timedelta(minutes=10)  # their clock against ours
TOGETHER = timedelta(days=1)
FEW = 3  # up to so many invoices are read one by one

Asked = Sequence[tuple[Any, Context]]


def invoices_of(client: StripeClient, contexts: Asked) -> dict[str, list[Observed]]:
    """Invoices by token, one list for all of them. Every token is a key."""
    found: dict[str, list[Observed]] = {context.token: [] for _, context in contexts}
    for row in _since_then(client, contexts):
        one = seen.invoice(row)
        # A draft without lines is half made: repeating its calls under their keys completes that very one.
        if one.state == "gone" or _is_half(one):
            continue
        for token in one.tokens:
            if token in found:
                found[token].append(one)
    return found


def half_made(client: StripeClient, content: CollectionInvoice, context: Context) -> str:
    """The draft of ours that has no lines yet; empty when there is none."""
    rows = map(seen.invoice, _since_then(client, [(content, context)]))
    return next((one.remote_id for one in rows if _is_half(one) and context.token in one.tokens), "")


def invoices_by_id(client: StripeClient, contexts: Asked) -> dict[str, Observed]:
    """Invoices as they stand, by id: one list where there are many; `gone` for what is not there."""
    wanted = {context.remote_id for _, context in contexts}
    found: dict[str, Observed] = {}
    span = _span(contexts) if len(wanted) > FEW else None
    if span is not None:
        for place, row in enumerate(client.every(INVOICES, {"created": span}), start=1):
            if row.get("id") in wanted:
                one = seen.invoice(row)
                found[one.remote_id] = one
            # The newest come first, and they are what is wanted; older ones may be very many.
            left = len(wanted) - len(found)
            if not left or (place % PAGE == 0 and left <= place // PAGE):
                break
    for remote_id in wanted - found.keys():
        single = client.one(INVOICES, remote_id)
        found[remote_id] = seen.gone(remote_id) if single is None else seen.invoice(single)
    return found


def one_of(client: StripeClient, kind: str, content: Any, context: Context) -> Observed | None:
    """What stands of one submission; None when nothing does."""
    look = _LOOKS.get(kind)
    if look is None:
        raise UsageError(f"Stripe takes no {kind}.", record=context.key)
    return look(client, content, context)


def outside(client: StripeClient, row: Row) -> Money:
    """What of an invoice was paid outside Stripe."""
    rows = list(client.every(ROWS, {"invoice": str(row.get("id")), "status": "paid"}))
    return seen.outside_paid(row, rows)


def told_outside(client: StripeClient, row: Row) -> dict[str, str]:
    """What of an invoice was paid outside Stripe, in minor units.

    `outside` is all of it, `others` what people told of by records. No call where nothing is paid; one, and one for
    each record.
    """
    if not row.get("amount_paid"):
        return {"outside": "0", "others": "0"}
    rows = list(client.every(ROWS, {"invoice": str(row.get("id")), "status": "paid"}))
    paid = seen.outside_paid(row, rows)
    others = Money.zero(paid.currency)
    for one in rows:
        record = _record_in(one)
        told = client.one(RECORDS, record) if record else None
        if told is not None and not customers.token_in(told):
            others += Fields(one, record=record).money("amount_paid", paid.currency)
    return {"outside": str(paid.minor), "others": str(others.minor)}


def credited(client: StripeClient, invoice_id: str, context: Context) -> dict[str, int]:
    """How much of each line of an invoice is credited already, net.

    What this submission itself did is left out, so that a repeat is the same request.
    """
    sums: dict[str, int] = {}
    for note in client.every(CREDITS, {"invoice": invoice_id}):
        if note.get("status") == "void" or customers.token_in(note) == context.token:
            continue
        note_id = str(note.get("id"))
        for line in client.every(item(CREDITS, note_id, "lines"), {}):
            fields = Fields(line, record=note_id)
            of = fields.id_or_none("invoice_line_item")
            if of is not None:
                sums[of] = sums.get(of, 0) + (fields.whole_or_none("amount") or 0)
    return sums


def _customer(client: StripeClient, card: PartyCard, context: Context) -> Observed | None:
    if card.number is not None:
        row = client.one(CUSTOMERS, card.number)
        return None if row is None else _active(row, context)
    params: dict[str, Any] = {"created": {"gte": _moment(context)}}
    if card.email:
        params["email"] = card.email
    return next((found for row in client.every(CUSTOMERS, params) if (found := _active(row, context))), None)


def _active(row: Row, context: Context) -> Observed | None:
    id_ = id_in(row)
    if id_ is None or customers.token_in(row) != context.token:
        return None
    return seen.standing(id_, number=id_, token=context.token, status="active", total=0, currency="")


def _credit(client: StripeClient, content: CollectionCredit, context: Context) -> Observed | None:
    for row in client.every(CREDITS, {"invoice": known(content.invoice)}):
        one = seen.credit(row)
        if context.token in one.tokens and one.state != "gone":
            return one
    return None


def _payment(client: StripeClient, content: OutsidePayment, context: Context) -> Observed | None:
    """Marked paid as a whole: by what was paid outside. In part: by the token in a payment record of the invoice."""
    invoice_id = known(content.invoice)
    row = client.one(INVOICES, invoice_id)
    if row is None:
        return None
    if content.whole:
        paid = row.get("status") == "paid" and outside(client, row) >= content.amount
        name = f"{invoice_id}/outside" if paid else ""
    else:
        record = _record_of(client, invoice_id, context)
        name = f"{invoice_id}/{record}" if record else ""
    if not name:
        return None
    amount = content.amount
    return seen.standing(
        name, number=content.document, token=context.token, status="paid", total=amount.minor, currency=amount.currency
    )


def _record_of(client: StripeClient, invoice_id: str, context: Context) -> str:
    for paid in client.every(ROWS, {"invoice": invoice_id, "status": "paid"}):
        record = _record_in(paid)
        if record is None:
            continue
        told = client.one(RECORDS, record)
        if told is not None and customers.token_in(told) == context.token:
            return record
    return ""


def _record_in(row: Row) -> str | None:
    """The payment record behind a payment of an invoice."""
    payment = row.get("payment")
    return id_in(payment.get("payment_record")) if isinstance(payment, dict) else None


def _void(client: StripeClient, content: InvoiceVoid, context: Context) -> Observed | None:
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


_LOOKS: Mapping[str, Callable[[StripeClient, Any, Context], Observed | None]] = {
    "customer": _customer,
    "collection_credit": _credit,
    "outside_payment": _payment,
    "invoice_void": _void,
}


def _since_then(client: StripeClient, contexts: Asked) -> list[Row]:
    groups = {known(content.customer) for content, _ in contexts}
    params: dict[str, Any] = {"created": {"gte": _since(contexts)}}
    if len(groups) == 1:
        params["customer"] = groups.pop()
    return list(client.every(INVOICES, params))


def _is_half(one: Observed) -> bool:
    return one.state == "draft" and not one.total


def _span(contexts: Asked) -> dict[str, int] | None:
    """When these were made, where that is about one time: a list of it is not much longer than they are many."""
    began = [context.started_at for _, context in contexts if context.started_at is not None]
    if len(began) < len(contexts) or max(began) - min(began) > TOGETHER:
        return None
    return {"gte": _since(contexts), "lt": int((max(began) + TOGETHER).timestamp())}


def _since(contexts: Asked) -> int:
    return min(_moment(context) for _, context in contexts)


def _moment(context: Context) -> int:
    """Before the first call for it, in seconds; without one, from the beginning."""
    if context.started_at is None:
        return int(datetime(2020, 1, 1, tzinfo=UTC).timestamp())
    return int((context.started_at - BEFORE).timestamp())
