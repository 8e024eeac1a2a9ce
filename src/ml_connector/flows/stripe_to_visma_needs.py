"""What must be known around a Stripe record before it can be planned. Asked again after each round of answers.

Charges, refunds, disputes and payouts say what happened and in which state it is; balance transactions say what the
account moved by. Both are read apart, so each waits for the other where it needs it.
"""

from __future__ import annotations

from collections.abc import Sequence

from ml_connector.finance.documents import (
    Capture,
    Dispute,
    Document,
    Invoice,
    InvoicePayment,
    Movement,
    Refund,
)
from ml_connector.finance.plan import Need, Related
from ml_connector.finance.rulebook import Terms
from ml_connector.flows import stripe_to_visma_asking as ask
from ml_connector.flows import stripe_to_visma_outside as outside
from ml_connector.flows.verdicts import is_before_go_live

INVOICE_MARK, CUSTOMER_MARK = "visma_invoice_no", "visma_customer_no"
"""What our own invoices carry there: the ledger's invoice and customer."""
_CHARGES, _REFUNDS, _PAYOUTS = ("ch_", "py_"), ("re_", "pyr_"), ("po_",)


def needs(document: Document, related: Related, terms: Terms) -> tuple[Need, ...]:
    """Every need of a document, answered or not; records that are not booked have none."""
    if isinstance(document, Capture):
        return _of_charge(document, related, terms)
    if isinstance(document, Refund):
        return _of_refund(document, related, terms)
    if isinstance(document, InvoicePayment):
        paid = document.state == "paid" and document.origin == "processor"
        return (ask.charge_of_row(document),) if paid else ()
    if isinstance(document, Invoice):
        return outside.needs_of(document, ledger_number(document))
    if isinstance(document, Dispute):
        return _of_dispute(document, related)
    if isinstance(document, Movement):
        return _of_movement(document, related, terms)
    return ()


def links(document: Document) -> tuple[tuple[str, str], ...]:
    """By which (name, value) other records find this one."""
    found: list[tuple[str, str]] = []
    if isinstance(document, Capture):
        found = [("transaction", document.id), ("intent", document.intent_id), ("transaction", document.intent_id)]
        found += [("movement", document.movement_id), ("movement", document.failed_movement_id)]
        found += [("invoice_payment", row_id) for row_id, _ in document.settles or ()]
    elif isinstance(document, Refund):
        found = [("charge", document.payment_id or ""), ("movement", document.failed_movement_id)]
        found += [("transaction", document.payment_id or ""), ("transaction", document.intent_id)]
    elif isinstance(document, InvoicePayment):
        found = [("invoice", document.invoice_id), ("intent", document.intent_id), ("charge", document.charge_id)]
    elif isinstance(document, Invoice):
        found = [(outside.LEDGER_INVOICE, ledger_number(document))]
    elif isinstance(document, Dispute):
        found = [("charge", document.payment_id or "")]
    elif isinstance(document, Movement):
        found = [("source", document.reference_id or ""), (_kind_named(document), document.reference_id or "")]
    return tuple(dict.fromkeys((name, value) for name, value in found if name and value))


# ---------------------------------------------------------------------------------------------- what answers


def rows_of(paid: Capture, related: Related) -> list[InvoicePayment] | None:
    """The payments of invoices that a charge made; None while one of them is not read."""
    if not paid.settles and paid.intent_id:
        return [] if paid.settles is not None else None
    if not paid.settles:
        found: Sequence[InvoicePayment] | None = related.documents(ask.rows_without_intent(paid))
        return None if found is None else sorted(found, key=_in_time)
    rows = [related.one(ask.row(row_id)) for row_id, _ in paid.settles]
    known = [one for one in rows if isinstance(one, InvoicePayment)]
    return sorted(known, key=_in_time) if len(known) == len(rows) else None


def earlier_on(one: InvoicePayment, related: Related) -> int:
    """What payments made before this one have brought to its invoice, minor units."""
    others: Sequence[InvoicePayment] = related.documents(ask.rows_of_invoice(one.invoice_id)) or ()
    return sum(
        other.amount.minor
        for other in others
        if other.state == "paid" and other.id != one.id and _in_time(other) < _in_time(one)
    )


def ledger_number(collected: Invoice | None) -> str:
    """The number of the ledger's invoice that an invoice is collected for; empty for one that was made there."""
    return collected.marks.get(INVOICE_MARK, "") if collected is not None else ""


def money_keys(paid: Capture, related: Related, terms: Terms) -> tuple[str, ...]:
    """The keys under which a charge's money is booked; none where it is not, or not to be."""
    if paid.state != "completed" or not is_ours(paid, related, terms):
        return ()
    rows = [one for one in rows_of(paid, related) or () if one.state == "paid" and one.origin == "processor"]
    numbered = [one for one in rows if ledger_number(related.one(ask.invoice(one.invoice_id)))]
    return tuple(f"{terms.code}:inpay:{one.id}" for one in numbered) or (f"{terms.code}:ch:{paid.id}",)


def is_ours(paid: Capture, related: Related, terms: Terms) -> bool:
    """Whether a charge's money came on or after the go-live day: when the account got it, not when it was begun."""
    if not is_before_go_live(paid.occurred_at, None, terms):
        return True
    came: Movement | None = related.one(ask.movement(paid.movement_id)) if paid.movement_id else None
    return came is not None and not is_before_go_live(came.occurred_at, None, terms)


# ---------------------------------------------------------------------------------------------- inside


def _of_charge(paid: Capture, related: Related, terms: Terms) -> tuple[Need, ...]:
    if paid.state not in {"completed", "failed"}:
        return ()
    early = is_before_go_live(paid.occurred_at, None, terms)
    asked = [ask.movement(paid.movement_id)] if early and paid.movement_id else []
    if early and not is_ours(paid, related, terms):
        return tuple(asked)
    asked += _of_rows(paid, related, to_book=True)
    if paid.state == "completed" and rows_of(paid, related) == []:
        asked += ask.orders_of(paid)
    return tuple(dict.fromkeys(asked))


def _of_rows(paid: Capture, related: Related, *, to_book: bool) -> list[Need]:
    """The payments of invoices behind a charge and what they are for, as far as the ledger's invoices `to_book`."""
    if not paid.intent_id and not paid.settles:
        asked = [ask.rows_without_intent(paid)]
    else:
        asked = [ask.row(row_id) for row_id, _ in paid.settles or ()]
    for one in rows_of(paid, related) or ():
        if one.origin == "recorded" or (one.state == "canceled" and paid.state != "failed"):
            continue
        asked.append(ask.invoice(one.invoice_id))
        number = ledger_number(related.one(ask.invoice(one.invoice_id)))
        if number and to_book:
            asked += [ask.ledger_invoice(number), ask.rows_of_invoice(one.invoice_id)]
    return asked


def _of_refund(back: Refund, related: Related, terms: Terms) -> tuple[Need, ...]:
    if back.state != "completed" or not back.payment_id or is_before_go_live(back.occurred_at, None, terms):
        return ()
    asked = [ask.charge(back.payment_id), ask.refunds_of(back.payment_id)]
    paid: Capture | None = related.one(ask.charge(back.payment_id))
    if paid is None or paid.state != "completed":
        return tuple(asked)
    asked += _of_charge(paid, related, terms)
    rows = rows_of(paid, related)
    if rows is None or not is_ours(paid, related, terms):
        return tuple(dict.fromkeys(asked))
    numbers = [ledger_number(related.one(ask.invoice(one.invoice_id))) for one in rows if one.state == "paid"]
    asked += [ask.credit_note(back, invoice_number=number) for number in numbers if number]
    if not any(numbers):
        ordered = [key for need in ask.orders_of(paid) for one in related.documents(need) or () for key in one.contents]
        of = ordered[0] if ordered else f"{terms.code}:ch:{paid.id}"
        asked += [*ask.shop_refunds_of(paid), ask.credit_note(back, of=of)]
    return tuple(dict.fromkeys(asked))


def _of_dispute(found: Dispute, related: Related) -> tuple[Need, ...]:
    if not found.payment_id:
        return ()
    asked = [ask.charge(found.payment_id)]
    paid: Capture | None = related.one(ask.charge(found.payment_id))
    return tuple(asked) if paid is None else tuple(dict.fromkeys((*asked, *_of_rows(paid, related, to_book=True))))


def _of_movement(moved: Movement, related: Related, terms: Terms) -> tuple[Need, ...]:
    if is_before_go_live(moved.occurred_at, None, terms):
        return ()
    asked = behind(moved)
    if asked is None:
        return ()
    paid = related.one(asked)
    if not isinstance(paid, Capture):
        return (asked,)
    return tuple(dict.fromkeys((asked, *_came(paid, terms), *_of_rows(paid, related, to_book=False))))


def behind(moved: Movement) -> Need | None:
    """The charge, refund or payout whose money a row of the account is; None for a row that stands for itself."""
    named, kind = moved.reference_id or "", _kind_named(moved)
    if moved.role == "receipt":
        return ask.charge(named) if kind == "charge" else ask.failed_by("charge", moved.id)
    if moved.role == "refund":
        return ask.refund(named) if kind == "refund" else ask.failed_by("refund", moved.id)
    if moved.role in {"withdrawal", "withdrawal_returned"} and kind == "payout":
        return ask.payout(named)
    return None


def _came(paid: Capture, terms: Terms) -> list[Need]:
    early = is_before_go_live(paid.occurred_at, None, terms)
    return [ask.movement(paid.movement_id)] if early and paid.movement_id else []


def _kind_named(moved: Movement) -> str:
    named = moved.reference_id or ""
    for kind, beginnings in (
        ("charge", _CHARGES),
        ("refund", _REFUNDS),
        ("payout", _PAYOUTS),
        ("dispute", ("dp_", "du_")),
    ):
        if named.startswith(beginnings):
            return kind
    return ""


def _in_time(one: InvoicePayment) -> tuple[object, str]:
    return (one.paid_at or one.created_at, one.id)
