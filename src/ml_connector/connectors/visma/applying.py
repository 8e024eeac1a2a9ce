"""Putting an open prepayment against an invoice that stands by now: a new line on it, and its release once more.

The payment is read, its line put with the version read, in a background call: only there versions are compared. A line
that stands already means that nothing is to be sent.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

from ml_connector.connectors.shapes import Context, Created, Observed
from ml_connector.connectors.visma import payloads, search
from ml_connector.connectors.visma.client import BACKGROUND, VismaClient, job_of
from ml_connector.connectors.visma.kinds import place_of
from ml_connector.connectors.visma.observed import gone
from ml_connector.errors import Conflict, NotFound, Rejected
from ml_connector.finance.invoices import Application, Reversal
from ml_connector.finance.selling import PaymentApplication

_INVOICE = place_of("customer_invoice")
_PAYMENT = place_of("customer_payment")


def create(client: VismaClient, content: PaymentApplication, context: Context) -> Created:
    """Add the line: two calls, or one where it stands already."""
    paid = _read(client, content)
    if paid is None:
        raise NotFound(f"Visma has no payment {_payment(content)}.", record=context.key)
    if _has_line(paid, content):
        return _made(content, paid.etag)
    if not paid.etag:
        raise Conflict(f"Visma shows no version of payment {_payment(content)}.", record=context.key)
    headers = {**BACKGROUND, "If-Match": paid.etag}
    place, operation = _PAYMENT.item(_payment(content)), f"PUT {_PAYMENT.read}/{{id}}"
    answer = client.call("PUT", place, operation=operation, headers=headers, content=_line(content), record=context.key)
    job = job_of(answer)
    return Created("", "", job_id=job) if job else _made(content, answer.headers.get("etag"))


def written(content: PaymentApplication, done: Created) -> Created:
    """What the finished job made."""
    return _made(content, done.etag)


def release(client: VismaClient, content: PaymentApplication, context: Context) -> None:
    """Release the payment again for its new line; refused, it counts where the invoice shows that it happened."""
    kind, _, number = _payment(content).rpartition("/")
    path = f"{_PAYMENT.item(number)}/action/release"
    try:
        client.call(
            "POST", path, operation=f"POST {_PAYMENT.read}/{{id}}/action/release",
            content=payloads.release_payment(kind), record=context.key,
        )  # fmt: skip
    except Rejected:
        shown = observe(client, content)
        if shown is None or shown.state != "released":
            raise


def observe(client: VismaClient, content: PaymentApplication) -> Observed | None:
    """The line as both sides show it; None where the payment has none. Two calls.

    Released: the payment is used up, or the invoice is open for so much less than before.
    """
    paid = _read(client, content)
    if paid is None or not _has_line(paid, content):
        return None
    row = client.row(_INVOICE.item(content.invoice), operation=f"GET {_INVOICE.read}/{{id}}")
    invoice = None if row is None else _INVOICE.seen([row[0]])
    if invoice is None or paid.status == "Voided":
        return gone(_id(content))
    left = invoice.facts["balance"]
    done = paid.status == "Closed" or (left is not None and left <= content.owed.minor - content.amount.minor)
    return dataclasses.replace(
        paid, remote_id=_id(content), number=paid.number, state="released" if done else "draft",
        total=content.amount.minor, facts={**paid.facts, "invoice": invoice.number, "invoice_balance": left},
    )  # fmt: skip


def freeing(content: Reversal) -> Created:
    """Nothing is called for it: the void of the payment frees the invoice."""
    known = payloads.known(content.number)
    return Created(f"{known}/freed", known.rpartition("/")[2])


def freed(client: VismaClient, content: Reversal) -> Observed:
    """Whether a payment that was put against an invoice is voided, or its line is gone. One call."""
    known = payloads.known(content.number)
    payment, _, invoice = known.rpartition("/")
    paid = search.payment(client, payment)
    done = paid is None or paid.status == "Voided" or ["Invoice", invoice] not in paid.facts["applications"]
    made = freeing(content)
    state: Literal["released", "pending"] = "released" if done else "pending"
    return Observed(made.remote_id, made.number, state, "Freed" if done else "Applied", "", 0, None, None, ())


def _read(client: VismaClient, content: PaymentApplication) -> Observed | None:
    return search.payment(client, _payment(content))


def _has_line(paid: Observed, content: PaymentApplication) -> bool:
    return ["Invoice", content.invoice] in paid.facts["applications"]


def _line(content: PaymentApplication) -> payloads.Body:
    kind = _payment(content).partition("/")[0]
    return {
        "type": {"value": kind},
        "paymentLines": payloads.applications([Application("Invoice", content.invoice, content.amount)]),
    }


def _payment(content: PaymentApplication) -> str:
    return payloads.known(content.payment)


def _id(content: PaymentApplication) -> str:
    """A payment may be put against several invoices, and each is one."""
    return f"{_payment(content)}/{content.invoice}"


def _made(content: PaymentApplication, etag: str | None) -> Created:
    return Created(_id(content), _payment(content).rpartition("/")[2], etag=etag)
