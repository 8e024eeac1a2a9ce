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
        return (charge_of_row(document),) if paid else ()
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
    elif isinstance(document, Dispute):
        found = [("charge", document.payment_id or "")]
    elif isinstance(document, Movement):
        found = [("source", document.reference_id or ""), (_kind_named(document), document.reference_id or "")]
    return tuple(dict.fromkeys((name, value) for name, value in found if name and value))


# ---------------------------------------------------------------------------------------------- by name


def charge(charge_id: str) -> Need:
    """A charge by its id; another account's is not there."""
    return Need(kind="charge", id=charge_id, optional=True)


def refund(refund_id: str) -> Need:
    """A refund by its id."""
    return Need(kind="refund", id=refund_id, optional=True)


def payout(payout_id: str) -> Need:
    """A payout by its id."""
    return Need(kind="payout", id=payout_id, optional=True)


def movement(movement_id: str) -> Need:
    """The row of the account that brought a charge's money."""
    return Need(kind="balance_transaction", id=movement_id)


def failed_by(kind: str, movement_id: str) -> Need:
    """The charge or refund whose failure a row of the account is."""
    return Need(kind=kind, link=("movement", movement_id))


def charge_of_row(row: InvoicePayment) -> Need:
    """The charge behind a payment of an invoice."""
    return charge(row.charge_id) if row.charge_id else Need(kind="charge", link=("intent", row.intent_id))


def row(row_id: str) -> Need:
    """A payment of an invoice by its id."""
    return Need(kind="invoice_payment", id=row_id)


def rows_of_invoice(invoice_id: str) -> Need:
    """The payments of an invoice that were read; whoever asks has one of them already."""
    return Need(kind="invoice_payment", link=("invoice", invoice_id))


def rows_without_intent(paid: Capture) -> Need:
    """The payments of invoices by a charge that has no payment intent, by which alone the source finds them."""
    return Need(kind="invoice_payment", link=("charge", paid.id), optional=True, since=paid.occurred_at)


def invoice(invoice_id: str) -> Need:
    """An invoice as it is collected."""
    return Need(kind="invoice", id=invoice_id)


def ledger_invoice(number: str) -> Need:
    """The ledger's own invoice, whole."""
    return Need(kind="ledger_invoice", system="target", fields=(("number", number),), optional=True)


def refunds_of(charge_id: str) -> Need:
    """The refunds of a charge that were read; whoever asks is one of them."""
    return Need(kind="refund", link=("charge", charge_id))


def credit_note(back: Refund, *, invoice_number: str = "", of: str = "") -> Need:
    """Open credit notes that people made for an invoice of the ledger, or for the payment with this key."""
    named = ("invoice", invoice_number) if invoice_number else ("of", of)
    fields = (named, ("minor", str(back.amount.minor)), ("currency", back.amount.currency))
    return Need(kind="credit_note", system="target", fields=fields, optional=True)


def orders_of(paid: Capture) -> tuple[Need, ...]:
    """The order of a connected shop that a charge is for: shops name the charge or its payment intent."""
    return tuple(
        Need(kind="order", link=("transaction", name), system="sibling", since=paid.occurred_at)
        for name in (paid.id, paid.intent_id)
        if name
    )


def shop_refunds_of(paid: Capture) -> tuple[Need, ...]:
    """The refunds that a connected shop has made of the order of a charge."""
    return tuple(
        Need(kind="refund", link=("transaction", name), system="sibling") for name in (paid.id, paid.intent_id) if name
    )


# ---------------------------------------------------------------------------------------------- what answers


def rows_of(paid: Capture, related: Related) -> list[InvoicePayment] | None:
    """The payments of invoices that a charge made; None while one of them is not read."""
    if not paid.settles and paid.intent_id:
        return [] if paid.settles is not None else None
    if not paid.settles:
        found: Sequence[InvoicePayment] | None = related.documents(rows_without_intent(paid))
        return None if found is None else sorted(found, key=_in_time)
    rows = [related.one(row(row_id)) for row_id, _ in paid.settles]
    known = [one for one in rows if isinstance(one, InvoicePayment)]
    return sorted(known, key=_in_time) if len(known) == len(rows) else None


def earlier_on(one: InvoicePayment, related: Related) -> int:
    """What payments made before this one have brought to its invoice, minor units."""
    others: Sequence[InvoicePayment] = related.documents(rows_of_invoice(one.invoice_id)) or ()
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
    numbered = [one for one in rows if ledger_number(related.one(invoice(one.invoice_id)))]
    return tuple(f"{terms.code}:inpay:{one.id}" for one in numbered) or (f"{terms.code}:ch:{paid.id}",)


def is_ours(paid: Capture, related: Related, terms: Terms) -> bool:
    """Whether a charge's money came on or after the go-live day: when the account got it, not when it was begun."""
    if not is_before_go_live(paid.occurred_at, None, terms):
        return True
    came: Movement | None = related.one(movement(paid.movement_id)) if paid.movement_id else None
    return came is not None and not is_before_go_live(came.occurred_at, None, terms)


# ---------------------------------------------------------------------------------------------- inside


def _of_charge(paid: Capture, related: Related, terms: Terms) -> tuple[Need, ...]:
    if paid.state not in {"completed", "failed"}:
        return ()
    early = is_before_go_live(paid.occurred_at, None, terms)
    asked = [movement(paid.movement_id)] if early and paid.movement_id else []
    if early and not is_ours(paid, related, terms):
        return tuple(asked)
    asked += _of_rows(paid, related, to_book=True)
    if paid.state == "completed" and rows_of(paid, related) == []:
        asked += orders_of(paid)
    return tuple(dict.fromkeys(asked))


def _of_rows(paid: Capture, related: Related, *, to_book: bool) -> list[Need]:
    """The payments of invoices behind a charge and what they are for, as far as the ledger's invoices `to_book`."""
    if not paid.intent_id and not paid.settles:
        asked = [rows_without_intent(paid)]
    else:
        asked = [row(row_id) for row_id, _ in paid.settles or ()]
    for one in rows_of(paid, related) or ():
        if one.origin == "recorded" or (one.state == "canceled" and paid.state != "failed"):
            continue
        asked.append(invoice(one.invoice_id))
        number = ledger_number(related.one(invoice(one.invoice_id)))
        if number and to_book:
            asked += [ledger_invoice(number), rows_of_invoice(one.invoice_id)]
    return asked


def _of_refund(back: Refund, related: Related, terms: Terms) -> tuple[Need, ...]:
    if back.state != "completed" or not back.payment_id or is_before_go_live(back.occurred_at, None, terms):
        return ()
    asked = [charge(back.payment_id), refunds_of(back.payment_id)]
    paid: Capture | None = related.one(charge(back.payment_id))
    if paid is None or paid.state != "completed":
        return tuple(asked)
    asked += _of_charge(paid, related, terms)
    rows = rows_of(paid, related)
    if rows is None or not is_ours(paid, related, terms):
        return tuple(dict.fromkeys(asked))
    numbers = [ledger_number(related.one(invoice(one.invoice_id))) for one in rows if one.state == "paid"]
    asked += [credit_note(back, invoice_number=number) for number in numbers if number]
    if not any(numbers):
        ordered = [key for need in orders_of(paid) for one in related.documents(need) or () for key in one.contents]
        of = ordered[0] if ordered else f"{terms.code}:ch:{paid.id}"
        asked += [*shop_refunds_of(paid), credit_note(back, of=of)]
    return tuple(dict.fromkeys(asked))


def _of_dispute(found: Dispute, related: Related) -> tuple[Need, ...]:
    if not found.payment_id:
        return ()
    asked = [charge(found.payment_id)]
    paid: Capture | None = related.one(charge(found.payment_id))
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
        return charge(named) if kind == "charge" else failed_by("charge", moved.id)
    if moved.role == "refund":
        return refund(named) if kind == "refund" else failed_by("refund", moved.id)
    if moved.role in {"withdrawal", "withdrawal_returned"} and kind == "payout":
        return payout(named)
    return None


def _came(paid: Capture, terms: Terms) -> list[Need]:
    early = is_before_go_live(paid.occurred_at, None, terms)
    return [movement(paid.movement_id)] if early and paid.movement_id else []


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
