"""Square's payloads as canonical documents: one function a kind. Pure and quick; no decision about accounts.

Untranslatable names the field; nothing else is raised, whatever the payload. Unknown words of Square's open enums: a
state that only waits is taken as waiting (payment and refund: pending; order: open; invoice: pending; dispute: open),
a means is "other"; where waiting has no word and a guess could book (payout status, kind of order line) the record is
held as Untranslatable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from ml_connector.connectors.square.articles import article_of
from ml_connector.connectors.square.fields import Fields
from ml_connector.connectors.square.means import is_in_person, of_payment, of_refund
from ml_connector.connectors.square.parties import customer_of, location_of, vendor_of
from ml_connector.connectors.square.payouts import dispute_of, payout_of
from ml_connector.connectors.square.publications import publication_of
from ml_connector.connectors.square.sales import sale_of
from ml_connector.connectors.square.successions import succession_of
from ml_connector.errors import Untranslatable
from ml_connector.finance.documents import Capture, Document, Invoice, Refund
from ml_connector.finance.money import Money

PAYMENT_STATES: Mapping[str, Literal["pending", "completed", "canceled", "failed"]] = {
    "APPROVED": "pending",  # authorized only: it can still be canceled
    "PENDING": "pending",
    "COMPLETED": "completed",
    "CANCELED": "canceled",
    "FAILED": "failed",
}
REFUND_STATES: Mapping[str, Literal["pending", "completed", "rejected", "failed"]] = {
    "PENDING": "pending",
    "COMPLETED": "completed",
    "REJECTED": "rejected",
    "FAILED": "failed",
}
InvoiceState = Literal[
    "draft", "scheduled", "open", "part_paid", "paid", "part_refunded", "refunded", "canceled", "failed", "pending"
]
INVOICE_STATES: Mapping[str, InvoiceState] = {
    "DRAFT": "draft",
    "SCHEDULED": "scheduled",
    "UNPAID": "open",
    "PARTIALLY_PAID": "part_paid",
    "PAID": "paid",
    "PARTIALLY_REFUNDED": "part_refunded",
    "REFUNDED": "refunded",
    "CANCELED": "canceled",
    "FAILED": "failed",
    "PAYMENT_PENDING": "pending",
}


def translate(kind: str, payload: Mapping[str, Any]) -> Document:
    """The canonical document of a payload: the object itself, or wrapped under its kind as webhooks carry it.

    payout: `{"payout": ..., "entries": [...]}`. Raises Untranslatable naming the field.
    """
    make = _KINDS.get(kind)
    if make is None:
        raise Untranslatable(f"Square's {kind!r} has no canonical form.", field="(kind)")
    around = Fields(payload)
    inner = payload.get(kind)
    node = payload if inner is None else inner
    where = "" if inner is None else kind
    return make(Fields(node, where, _record_of(node)), around if inner is not None else None)


def _record_of(node: object) -> str | None:
    id_ = node.get("id") if isinstance(node, Mapping) else None
    return id_ if type(id_) is str and len(id_) <= 300 and id_.isprintable() else None


def _capture(payment: Fields, _around: Fields | None) -> Capture:
    amount = payment.money("amount_money")
    currency = amount.currency
    tip = Money(payment.minor("tip_money", currency), currency)
    stated = payment.money_or_none("total_money", currency)
    total = amount + tip if stated is None else stated
    if total.minor != amount.minor + tip.minor:
        payment.fail("total_money", f"is {total.minor} while amount and tip make {amount.minor + tip.minor}")
    created = payment.moment("created_at")
    offline = payment.part_or_none("offline_payment_details")
    external = payment.part_or_none("external_details")
    return Capture(
        id=payment.id("id"),
        state=PAYMENT_STATES.get(payment.text("status"), "pending"),
        means=of_payment(payment),
        amount=amount,
        tip=tip,
        total=total,
        location=payment.id_or_none("location_id"),
        order_id=payment.id_or_none("order_id"),
        customer_id=payment.id_or_none("customer_id"),
        occurred_at=(offline.moment_or_none("client_created_at") if offline is not None else None) or created,
        updated_at=payment.moment_or_none("updated_at") or created,
        fee=_fees(payment, currency),
        own_fee=external.money_or_none("source_fee_money", currency) if external is not None else None,
        refunded=payment.money_or_none("refunded_money", currency),
        offline=payment.flag("is_offline_payment") or offline is not None,
        in_person=is_in_person(payment),
        reference=payment.text("reference_id") or payment.text("receipt_number"),
    )


def _fees(payment: Fields, currency: str) -> Money | None:
    """What Square states as its fee so far; adjustments may be negative. None: not stated yet."""
    fees = [fee.minor("amount_money", currency, negative=True) for fee in payment.parts("processing_fee")]
    return Money(sum(fees), currency) if fees else None


def _refund(refund: Fields, _around: Fields | None) -> Refund:
    created = refund.moment("created_at")
    return Refund(
        id=refund.id("id"),
        state=REFUND_STATES.get(refund.text("status"), "pending"),
        amount=refund.money("amount_money"),
        payment_id=refund.id_or_none("payment_id"),
        return_order_id=refund.id_or_none("order_id"),
        location=refund.id_or_none("location_id"),
        means=of_refund(refund),
        occurred_at=created,
        updated_at=refund.moment_or_none("updated_at") or created,
        reason=refund.text("reason"),
    )


def _invoice(invoice: Fields, _around: Fields | None) -> Invoice:
    requests = tuple(invoice.parts("payment_requests"))
    currency = _invoice_currency(invoice, requests)
    requested = sum(request.minor("computed_amount_money", currency) for request in requests)
    completed = sum(request.minor("total_completed_amount_money", currency) for request in requests)
    recipient = invoice.part_or_none("primary_recipient")
    due = [day for request in requests if (day := request.day_or_none("due_date")) is not None]
    created = invoice.moment("created_at")
    return Invoice(
        id=invoice.id("id"),
        number=invoice.text("invoice_number"),
        state=INVOICE_STATES.get(invoice.text("status"), "pending"),
        order_id=invoice.id_or_none("order_id"),
        location=invoice.id_or_none("location_id"),
        customer_id=recipient.id_or_none("customer_id") if recipient is not None else None,
        currency=currency,
        requested=Money(requested, currency),
        completed=Money(completed, currency),
        due_on=max(due, default=None),  # with a deposit or instalments: the day by which all is to be paid
        published_at=None,  # a record of its own: no read of an invoice gives it
        scheduled_at=invoice.moment_or_none("scheduled_at"),
        created_at=created,
        updated_at=invoice.moment_or_none("updated_at") or created,
        version=invoice.whole("version"),
        text=invoice.text("title") or invoice.text("description"),
    )


def _invoice_currency(invoice: Fields, requests: tuple[Fields, ...]) -> str:
    """An invoice has no total of its own: its currency is that of what it asks for."""
    for request in requests:
        if (asked := request.money_or_none("computed_amount_money")) is not None:
            return asked.currency
    return invoice.money("next_payment_amount_money").currency


_KINDS: Mapping[str, Callable[[Fields, Fields | None], Document]] = {
    "article": lambda article, _around: article_of(article),
    "publication": lambda publication, _around: publication_of(publication),
    "payment": _capture,
    "refund": _refund,
    "order": lambda order, _around: sale_of(order),
    "invoice": _invoice,
    "customer": lambda customer, _around: customer_of(customer),
    "succession": lambda told, _around: succession_of(told),
    "vendor": lambda vendor, _around: vendor_of(vendor),
    "location": lambda location, _around: location_of(location),
    "payout": payout_of,
    "dispute": lambda dispute, _around: dispute_of(dispute),
}
KINDS = tuple(_KINDS)
