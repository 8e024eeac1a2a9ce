"""PayPal invoices: drafted, sent, paid, refunded, cancelled; what was recorded as paid outside stands beside."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from ml_connector_sandbox.core.instants import day_of, start_of
from ml_connector_sandbox.paypal import payments
from ml_connector_sandbox.paypal.invoice_sums import Sums, add_up
from ml_connector_sandbox.paypal.ledger import Payer
from ml_connector_sandbox.paypal.money import CURRENCIES, wire
from ml_connector_sandbox.paypal.payments import Capture, Refund, Sale
from ml_connector_sandbox.paypal.refusals import Json, bad, unprocessable
from ml_connector_sandbox.paypal.state import Merchant, World
from ml_connector_sandbox.paypal.times import stamp

OPEN = ("SENT", "UNPAID", "PARTIALLY_PAID")
_NET_DAYS = {
    "DUE_ON_RECEIPT": 0, "NET_10": 10, "NET_15": 15, "NET_30": 30, "NET_45": 45, "NET_60": 60, "NET_90": 90,
}  # fmt: skip
_TERMS = {*_NET_DAYS, "DUE_ON_DATE_SPECIFIED", "NO_DUE_DATE"}
_SENT_BACK = ("reference", "note", "terms_and_conditions", "memo")


@dataclass(slots=True)
class Entry:
    """A payment or refund of an invoice. `kind` PAYPAL or EXTERNAL; `pending` money is not there yet."""

    id: str
    kind: str
    day: date
    method: str
    amount: int
    note: str = ""
    pending: bool = False


@dataclass(slots=True)
class Invoice:
    """An invoice; `body` is what was sent."""

    id: str
    client_id: str
    body: Json
    number: str
    currency: str
    sums: Sums
    invoice_date: date
    created: int
    updated: int
    status: str = "DRAFT"
    open_status: str = "SENT"  # what it is when nothing is paid
    payments: list[Entry] = field(default_factory=list)
    refunds: list[Entry] = field(default_factory=list)
    gratuity: int = 0
    sent: int = 0
    cancelled: int = 0
    parent_id: str = ""
    flow: str = "REGULAR_SINGLE"
    mails: list[str] = field(default_factory=list)

    @property
    def paid(self) -> int:
        """Money recorded, from either side, that is not pending."""
        return sum(p.amount for p in self.payments if not p.pending)

    @property
    def due(self) -> int:
        """What is open; pending money counts as promised."""
        return max(0, self.sums.total - sum(p.amount for p in self.payments))


def draft(world: World, merchant: Merchant, body: Json, at: int, *, client_id: str) -> Invoice:
    """A new invoice in DRAFT."""
    currency = body["detail"]["currency_code"]
    _check(merchant, body, currency)
    number = body["detail"].get("invoice_number") or next_number(merchant)
    if any(i.number == number for i in merchant.invoices.values()):
        text = "Invoice number already exists."
        raise unprocessable("DUPLICATE_INVOICE_NUMBER", text, field="/detail/invoice_number", value=number)
    if number.isdigit():
        merchant.last_invoice_number = max(merchant.last_invoice_number, int(number) % 10**9)
    made = Invoice(
        world.mint.invoice(), client_id, body, number, currency, add_up(body, currency), _day(body, at), at, at
    )
    merchant.invoices[made.id] = made
    tell(world, merchant, made, "CREATED", at)
    return made


def next_number(merchant: Merchant) -> str:
    """The number after the highest one."""
    return f"{merchant.last_invoice_number + 1:04d}"


def _check(merchant: Merchant, body: Json, currency: str) -> None:
    if currency not in CURRENCIES:
        text = "Currency code is not supported."
        raise bad("NOT_SUPPORTED", text, field="/detail/currency_code", value=currency)
    term = body["detail"].get("payment_term") or {}
    if term.get("term_type", "NO_DUE_DATE") not in _TERMS:
        raise bad("INVALID_PARAMETER_VALUE", "No such term.", field="/detail/payment_term/term_type")
    email = (body.get("invoicer") or {}).get("email_address", merchant.email)
    if email != merchant.email:
        raise unprocessable("USER_NOT_FOUND", "User is not associated with paypal based on invoicer email.")


def _day(body: Json, at: int) -> date:
    given = body["detail"].get("invoice_date")
    try:
        return date.fromisoformat(given) if given else day_of(at)
    except ValueError:
        text = "Expected a date such as 2026-11-20."
        raise bad("INVALID_PARAMETER_SYNTAX", text, field="/detail/invoice_date", value=str(given)) from None


def change(world: World, merchant: Merchant, made: Invoice, body: Json, at: int) -> None:
    """Replace the whole invoice, as PUT does. Also a sent one can be changed while nothing is paid."""
    if made.status not in {"DRAFT", "SCHEDULED", "SENT", "UNPAID"}:
        raise unprocessable("CANNOT_UPDATE_INVOICE", "The invoice cannot be changed in its current state.")
    currency = body["detail"]["currency_code"]
    _check(merchant, body, currency)
    made.body, made.currency, made.sums = body, currency, add_up(body, currency)
    made.number = body["detail"].get("invoice_number") or made.number
    made.invoice_date, made.updated = _day(body, at), at
    tell(world, merchant, made, "UPDATED", at)


def send(world: World, merchant: Merchant, made: Invoice, at: int, *, to_recipient: bool) -> bool:
    """Make it payable; False when its date lies ahead and it is SCHEDULED instead."""
    if made.status not in {"DRAFT", "SCHEDULED"}:
        raise unprocessable("CANNOT_SEND_INVOICE", "The invoice cannot be sent in its current state.")
    made.open_status = "SENT" if to_recipient else "UNPAID"
    if made.invoice_date > day_of(at):
        made.status, made.updated = "SCHEDULED", at
        tell(world, merchant, made, "SCHEDULED", at)
        world.later(start_of(made.invoice_date), lambda then: _send_scheduled(made, then))
        return False
    _go_out(made, at)
    return True


def _send_scheduled(made: Invoice, at: int) -> None:
    if made.status == "SCHEDULED" and made.invoice_date <= day_of(at):
        _go_out(made, at)


def _go_out(made: Invoice, at: int) -> None:
    made.status, made.sent, made.updated = made.open_status, at, at
    if made.open_status == "SENT":
        made.mails.append("send")


def cancel(world: World, merchant: Merchant, made: Invoice, at: int) -> None:
    """Withdraw an unpaid invoice for good. Refused with the issue of its state."""
    issues = {
        "DRAFT": ("CANNOT_CANCEL_DRAFT_INVOICE", "Draft invoice cannot be canceled."),
        "SCHEDULED": ("CANNOT_CANCEL_SCHEDULED_INVOICE", "Cannot cancel a scheduled invoice."),
        "CANCELLED": ("INVOICE_CANCELED_ALREADY", "Invoice is already cancelled."),
        "AUTO_CANCELLED": ("INVOICE_CANCELED_ALREADY", "Invoice is already cancelled."),
    }
    if made.status in issues:
        raise unprocessable(*issues[made.status])
    if made.refunds:
        raise unprocessable("CANNOT_CANCEL_REFUNDED_INVOICE", "Cannot cancel a refunded or partially refunded invoice.")
    if made.payments:
        raise unprocessable("CANNOT_CANCEL_PAID_INVOICE", "Cannot cancel a paid or partially paid invoice.")
    made.status, made.cancelled, made.updated = "CANCELLED", at, at
    tell(world, merchant, made, "CANCELLED", at)


def pay(world: World, merchant: Merchant, made: Invoice, sale: Sale, at: int) -> Capture:
    """The customer pays by PayPal. `sale.amount` holds the tip too; the invoice's `gratuity` is set before."""
    if made.status not in {*OPEN, "PAYMENT_PENDING"}:
        raise ValueError(f"Invoice {made.id} is {made.status}: only a sent, unpaid or part-paid one can be paid.")
    booked = sale.amount if world.knobs.gratuity_in_payments else sale.amount - made.gratuity
    capture = payments.take(world, merchant, sale, at, claim=False)
    entry = Entry(capture.id, "PAYPAL", day_of(at), "PAYPAL", booked, pending=bool(sale.pending))
    made.payments.append(entry)
    settle(world, merchant, made, at, "PAID")
    return capture


def learn_of_capture(world: World, merchant: Merchant, capture: Capture, at: int) -> None:
    """A pending payment of an invoice was completed or declined."""
    made = merchant.invoices.get(capture.sale.paypal_invoice_id)
    entry = next((p for p in made.payments if p.id == capture.id), None) if made else None
    if made is None or entry is None:
        return
    entry.pending = False
    if capture.status == "DECLINED":
        made.payments.remove(entry)
    settle(world, merchant, made, at, "UPDATED" if capture.status == "DECLINED" else "PAID")


def learn_of_refund(world: World, merchant: Merchant, refund: Refund, at: int) -> None:
    """A PAYPAL payment of an invoice was refunded."""
    made = merchant.invoices.get(merchant.captures[refund.capture_id].sale.paypal_invoice_id)
    if made is not None:
        made.refunds.append(Entry(refund.id, "PAYPAL", day_of(at), "PAYPAL", refund.amount))
        settle(world, merchant, made, at, "REFUNDED")


def settle(world: World, merchant: Merchant, made: Invoice, at: int, event: str) -> None:
    """Work out the status after money came or went, and tell."""
    made.status, made.updated = _status(world, made), at
    tell(world, merchant, made, event, at)


def _status(world: World, made: Invoice) -> str:
    refunded, outside = sum(r.amount for r in made.refunds), world.knobs.external_paid_status == "MARKED_AS_PAID"
    if refunded:
        if refunded < made.paid:
            return "PARTIALLY_REFUNDED"
        return "MARKED_AS_REFUNDED" if outside and all(r.kind == "EXTERNAL" for r in made.refunds) else "REFUNDED"
    if any(p.pending for p in made.payments):
        return "PAYMENT_PENDING"
    if made.payments and made.paid >= made.sums.total:
        return "MARKED_AS_PAID" if outside and all(p.kind == "EXTERNAL" for p in made.payments) else "PAID"
    return "PARTIALLY_PAID" if made.payments else made.open_status


def tell(world: World, merchant: Merchant, made: Invoice, name: str, at: int) -> None:
    """An event about an invoice, to the application that made it."""
    shown = show(world, merchant, made)
    resource = {"invoice": shown} if world.knobs.invoice_event_shape == "wrapped" else shown
    event = f"INVOICING.INVOICE.{name}"
    world.desk.emit(made.client_id, event, resource, kind="invoices", resource_id=made.id, at=at)


def show(world: World, merchant: Merchant, made: Invoice, *, without: tuple[str, ...] = ()) -> Json:
    """An invoice as PayPal shows it; lists leave out the blocks `without` names."""
    currency = made.currency
    body: Json = {"id": made.id, "status": made.status, "detail": _detail(world, merchant, made)}
    body |= {"parent_id": made.parent_id} if made.parent_id else {}
    body["invoicer"] = {"email_address": merchant.email} | (made.body.get("invoicer") or {})
    names = ("primary_recipients", "additional_recipients")
    body |= {name: made.body[name] for name in names if made.body.get(name)}
    settings: Json = {"tax_calculated_after_discount": True, "tax_inclusive": False, "allow_tip": False}
    settings |= {"partial_payment": {"allow_partial_payment": False}}
    body["configuration"] = settings | (made.body.get("configuration") or {})
    body["amount"] = wire(made.sums.total, currency) | {"breakdown": made.sums.breakdown}
    body["due_amount"] = wire(made.due, currency)
    body |= {"gratuity": wire(made.gratuity, currency)} if made.gratuity else {}
    if "items" not in without:
        body["items"] = made.sums.items
    if made.payments and "payments" not in without:
        rows = [_shown(p, "payment", currency) for p in made.payments]
        body["payments"] = {"paid_amount": wire(made.paid, currency), "transactions": rows}
    if made.refunds and "refunds" not in without:
        rows = [_shown(r, "refund", currency) for r in made.refunds]
        refunded = sum(r.amount for r in made.refunds)
        body["refunds"] = {"refund_amount": wire(refunded, currency), "transactions": rows}
    return body | {"links": links(world, made)}


def links(world: World, made: Invoice) -> list[Json]:
    """What may be done next, a little."""
    path = f"/v2/invoicing/invoices/{made.id}"
    return [world.link(path, "self"), world.link(path, "replace", "PUT")]


def _detail(world: World, merchant: Merchant, made: Invoice) -> Json:
    given = made.body["detail"]
    detail: Json = {"invoice_number": made.number, "currency_code": made.currency}
    detail |= {name: given[name] for name in _SENT_BACK if given.get(name)}
    detail |= {"invoice_date": made.invoice_date.isoformat(), "payment_term": _term(given, made.invoice_date)}
    facts: Json = {"create_time": stamp(made.created), "created_by": merchant.email}
    facts |= {"last_update_time": stamp(made.updated), "last_updated_by": merchant.email, "created_by_flow": made.flow}
    facts |= {"first_sent_time": stamp(made.sent), "last_sent_time": stamp(made.sent)} if made.sent else {}
    facts |= {"cancel_time": stamp(made.cancelled), "cancelled_by": merchant.email} if made.cancelled else {}
    if made.sent:
        facts["recipient_view_url"] = f"https://www.sandbox.paypal.com/invoice/p/#{made.id[5:].replace('-', '')}"
    del world
    return detail | {"metadata": facts}


def _term(given: Json, invoice_date: date) -> Json:
    term: Any = given.get("payment_term") or {"term_type": "NO_DUE_DATE"}
    kind = term.get("term_type", "DUE_ON_DATE_SPECIFIED")
    if kind in _NET_DAYS:
        return {"term_type": kind, "due_date": (invoice_date + timedelta(days=_NET_DAYS[kind])).isoformat()}
    return {"term_type": kind} | ({"due_date": term["due_date"]} if term.get("due_date") else {})


def due_date(made: Invoice) -> date | None:
    """The day it should be paid, where its term names one."""
    term = _term(made.body["detail"], made.invoice_date)
    return date.fromisoformat(term["due_date"]) if "due_date" in term else None


def _shown(entry: Entry, name: str, currency: str) -> Json:
    shown: Json = {"type": entry.kind, f"{name}_id": entry.id, f"{name}_date": entry.day.isoformat()}
    shown |= {"method": entry.method, "amount": wire(entry.amount, currency)}
    return shown | ({"note": entry.note} if entry.note else {})


def payer_of(made: Invoice, fallback: Payer) -> Payer:
    """Who pays an invoice: its recipient, as far as named."""
    recipients = made.body.get("primary_recipients") or [{}]
    bill: Any = recipients[0].get("billing_info") or {}
    name: Any = bill.get("name") or {}
    return Payer(
        fallback.account_id, bill.get("email_address", fallback.email), name.get("given_name", fallback.given_name),
        name.get("surname", fallback.surname), (bill.get("address") or {}).get("country_code", fallback.country),
    )  # fmt: skip
