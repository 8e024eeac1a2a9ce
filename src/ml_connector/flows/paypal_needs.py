"""What must be known around a PayPal record before it can be planned. Asked again after each round of answers.

The report is the complete source, so a capture or refund that an event told of only waits for its row: the row books
the event, with what the capture or refund says beside it.
"""

from __future__ import annotations

from functools import lru_cache

from ml_connector.finance.documents import Capture, Dispute, Document, Invoice, Movement, Party, Refund
from ml_connector.finance.plan import Need, Related
from ml_connector.finance.rulebook import Terms
from ml_connector.flows import shops
from ml_connector.flows.verdicts import is_before_go_live
from ml_connector.rules.adjusting import prefix_of
from ml_connector.rules.parties import party_need
from ml_connector.rules.texts import reference_of

UNBOOKED = frozenset({"pending", "denied"})
_EMAIL_MARK = 20  # characters of the mark that stands for an e-mail address in keys


def needs(document: Document, related: Related, terms: Terms) -> tuple[Need, ...]:
    """Every need of a document, answered or not; records that are not booked have none."""
    if isinstance(document, Capture):
        return _of_capture(document, terms)
    if isinstance(document, Refund):
        return _of_refund(document, terms)
    if isinstance(document, Invoice):
        unborn = document.state in {"draft", "scheduled"}
        return () if unborn else (*_customer(document.recipient, terms), *_told_to(document, terms))
    if isinstance(document, Dispute):
        lost = document.state == "lost"
        return tuple(about(payment_id) for payment_id in payments_of(document)) if lost else ()
    if isinstance(document, Movement):
        return _of_row(document, related, terms)
    return ()


def links(document: Document) -> tuple[tuple[str, str], ...]:
    """By which (name, value) other records find this one."""
    if isinstance(document, Movement):
        found = [("transaction", document.transaction_id)]
        if document.reference_id:
            found.append(("reference", document.reference_id))
        elif document.role == "conversion":
            found.append(("instant", document.occurred_at.isoformat()))
        return tuple(found)
    if isinstance(document, Invoice):
        return (*((("number", document.number),) if document.number else ()), *_paid_by(document))
    if isinstance(document, Capture):
        return (("transaction", document.id),)
    if isinstance(document, Refund):
        paid = (("capture", document.payment_id),) if document.payment_id else ()
        return (("transaction", document.id), *paid)
    if isinstance(document, Dispute):
        return tuple(("transaction", payment_id) for payment_id in payments_of(document))
    return ()


def capture(capture_id: str) -> Need:
    """A capture by its id; another app's is not shown, and its row stands for it."""
    return Need(kind="capture", id=capture_id, optional=True)


def capture_beside(row: Movement) -> tuple[Need, ...]:
    """The capture of a payment received, where its row does not say all that is booked.

    It has no fee (yet), or a status that nobody knows. PayPal reads one capture a call; a row that says it all is
    booked without.
    """
    return (capture(row.transaction_id),) if row.fee is None or row.state == "unknown" else ()


def refund(refund_id: str) -> Need:
    """A refund by its id; another app's is not shown."""
    return Need(kind="refund", id=refund_id, optional=True)


def refund_beside(row: Movement) -> tuple[Need, ...]:
    """The refund of a row, where that does not say all that is booked: which payment, what of its fee came back."""
    said = row.fee is not None and row.state != "unknown" and refunded_payment(row, None) is not None
    return () if said else (refund(row.transaction_id),)


def invoice(invoice_id: str) -> Need:
    """An invoice by its id; an app may not be allowed to see invoices."""
    return Need(kind="invoice", id=invoice_id, optional=True)


def rows_of(transaction_id: str) -> Need:
    """The rows of a transaction. Not optional: the report lags by hours, and has everything in the end."""
    return Need(kind="transaction", link=("transaction", transaction_id))


def about(transaction_id: str) -> Need:
    """The rows that refer to a transaction."""
    return Need(kind="transaction", link=("reference", transaction_id))


def group_of(row: Movement) -> Need:
    """The rows of a conversion: of the same reference, without one of the same instant. The row is among them."""
    if row.reference_id:
        return about(row.reference_id)
    return Need(kind="transaction", link=("instant", row.occurred_at.isoformat()))


def credit_note(key: str, *, minor: int, currency: str) -> Need:
    """The ledger's open credit notes, made by people, of the document or payment with this key."""
    return shops.credit_note(key, minor=minor, currency=currency)


def order_of(row: Movement) -> Need:
    """The order of a connected shop that a payment received is for, if a shop's order names it."""
    return shops.order_of(row.transaction_id, since=row.occurred_at)


def shop_refunds_of(transaction_id: str) -> Need:
    """The refunds that a connected shop has made of the order of a payment."""
    return shops.refunds_of(transaction_id)


def party_of(party: Party | None) -> Party | None:
    """A payer or recipient as the ledger is asked for it. None without an e-mail address.

    Named by a mark of the address, which PayPal has for both, so that no address stands in a key.
    """
    if party is None or not party.email:
        return None
    return Party(
        _mark_of(party.email), "customer", party.name, party.active, email=party.email.strip(), phone=party.phone,
        address=party.address, org_number=party.org_number, vat_number=party.vat_number, is_company=party.is_company,
        contact=party.contact, group=party.group,
    )  # fmt: skip


@lru_cache(maxsize=4096)  # each question about a payment asks for its payer
def _mark_of(email: str) -> str:
    return reference_of(f"email:{email.strip().casefold()}", length=_EMAIL_MARK)


def payments_of(dispute: Dispute) -> tuple[str, ...]:
    """The payments a dispute is about."""
    return dispute.payment_ids or ((dispute.payment_id,) if dispute.payment_id else ())


def receipt_row(related: Related, capture_id: str) -> Movement | None:
    """The row of a payment received; one that is booked before one that is not."""
    rows = [row for row in related.documents(rows_of(capture_id)) or () if row.role == "receipt"]
    return min(rows, key=lambda row: (row.state in UNBOOKED, row.id), default=None)


def refund_row(related: Related, refund_id: str) -> Movement | None:
    """The row of a refund."""
    rows = [row for row in related.documents(rows_of(refund_id)) or () if row.role == "refund"]
    return min(rows, key=lambda row: (row.state in UNBOOKED, row.id), default=None)


def refunded_payment(row: Movement, found: Refund | None) -> str | None:
    """What a refund gives back: as its own link says, else as its row does."""
    if found is not None and found.payment_id:
        return found.payment_id
    return row.reference_id if row.reference_type == "transaction" else None


def told(invoice_id: str, terms: Terms) -> Need:
    """What our own route out of the ledger has told a PayPal invoice, or is telling it."""
    return Need("adjustment", system="own", fields=(("prefix", prefix_of(invoice_id, terms)),))


def _told_to(document: Invoice, terms: Terms) -> tuple[Need, ...]:
    rows = (*document.payments, *document.refunds)
    outside = document.state == "canceled" or any(row.origin == "recorded" for row in rows)
    return (told(document.id, terms),) if outside else ()


def payer_of(row: Movement, bill: Invoice | None) -> Party | None:
    """Who paid: the recipient of the invoice that was paid, else the payer."""
    return (party_of(bill.recipient) if bill is not None else None) or party_of(row.party)


def _of_capture(found: Capture, terms: Terms) -> tuple[Need, ...]:
    if found.state != "completed" or is_before_go_live(found.occurred_at, None, terms):
        return ()
    return (rows_of(found.id),)


def _of_refund(found: Refund, terms: Terms) -> tuple[Need, ...]:
    if found.state != "completed" or is_before_go_live(found.occurred_at, None, terms):
        return ()
    return (rows_of(found.id),)


def _of_row(row: Movement, related: Related, terms: Terms) -> tuple[Need, ...]:
    if row.state in UNBOOKED or row.role == "none" or is_before_go_live(row.occurred_at, None, terms):
        return ()
    return (*_reversal_of(row), *_by_role(row, related, terms))


def _reversal_of(row: Movement) -> tuple[Need, ...]:
    """A row called reversed still counts where another takes it back; until that is read nobody can tell."""
    return (about(row.transaction_id),) if row.state == "reversed" else ()


def _by_role(row: Movement, related: Related, terms: Terms) -> tuple[Need, ...]:
    if row.role == "receipt":
        return _around_receipt(row, related, terms)
    if row.role == "refund":
        own = refund_beside(row)
        if any(related.documents(one) is None for one in own):
            return own
        found: Refund | None = related.one(refund(row.transaction_id))
        return (*own, *_around_refund(row, found, related, terms))
    if row.role == "conversion":
        return (group_of(row), *((rows_of(row.reference_id),) if row.reference_id else ()))
    if row.role in {"mirror", "fee_returned"} and row.reference_id and row.reference_type == "transaction":
        return _of_follower(row, related)
    return ()


def _of_follower(row: Movement, related: Related) -> tuple[Need, ...]:
    """A fee given back: the refunds it may belong to, with what they state. A mirror: what it takes back."""
    reference = row.reference_id or ""
    found = [rows_of(reference)]
    if row.role == "fee_returned":
        found.append(about(reference))
        found += [refund(one.transaction_id) for one in refunds_near(row, related)]
    return tuple(dict.fromkeys(found))


def refunds_near(row: Movement, related: Related) -> tuple[Movement, ...]:
    """The refund that a row refers to, or the refunds of the payment that it refers to."""
    reference = row.reference_id or ""
    rows = (*(related.documents(rows_of(reference)) or ()), *(related.documents(about(reference)) or ()))
    return tuple({one.id: one for one in rows if one.role == "refund"}.values())


def _around_receipt(row: Movement, related: Related, terms: Terms) -> tuple[Need, ...]:
    found = [*capture_beside(row), order_of(row)]
    if row.invoice_id:
        found.append(invoice(row.invoice_id))
        if related.documents(invoice(row.invoice_id)) is None:
            return tuple(found)
    bill: Invoice | None = related.one(invoice(row.invoice_id)) if row.invoice_id else None
    payer = payer_of(row, bill)
    if payer is not None:
        found.append(party_need(payer, terms))
    return tuple(found)


def _around_refund(row: Movement, found: Refund | None, related: Related, terms: Terms) -> tuple[Need, ...]:
    payment_id = refunded_payment(row, found)
    asked: list[Need] = []
    if payment_id is None:
        return ()
    if row.reference_id == payment_id:
        asked.append(about(payment_id))  # earlier refunds; this one is among them
    receipt = receipt_row(related, payment_id)
    if receipt is None:
        return (*asked, *_of_unread_payment(payment_id, related, terms))
    asked.append(rows_of(payment_id))
    asked += [*_around_receipt(receipt, related, terms), shop_refunds_of(payment_id)]
    if receipt.invoice_id is None or related.documents(invoice(receipt.invoice_id)) is not None:
        bill: Invoice | None = related.one(invoice(receipt.invoice_id)) if receipt.invoice_id else None
        asked.append(_credited(row, receipt, bill, related=related, terms=terms))
    return tuple(dict.fromkeys(asked))


def _of_unread_payment(payment_id: str, related: Related, terms: Terms) -> tuple[Need, ...]:
    """The row of a refunded payment, and while that is not here its capture.

    It tells whether the payment is older than the books, so that its row may never come.
    """
    own = capture(payment_id)
    paid: Capture | None = related.one(own)
    if paid is not None and is_before_go_live(paid.occurred_at, None, terms):
        return (own,)
    return (own, rows_of(payment_id))


def _credited(row: Movement, receipt: Movement, bill: Invoice | None, *, related: Related, terms: Terms) -> Need:
    """Whether people have made the credit note of a refund already. Asks nothing where no customer document stands."""
    ordered = [key for one in related.documents(order_of(receipt)) or () for key in one.contents]
    of = f"{terms.code}:inv:{bill.id}" if bill is not None else f"{terms.code}:cap:{receipt.transaction_id}"
    return credit_note(ordered[0] if ordered else of, minor=-row.amount.minor, currency=row.amount.currency)


def _customer(recipient: Party | None, terms: Terms) -> list[Need]:
    party = party_of(recipient)
    return [party_need(party, terms)] if party is not None else []


def _paid_by(found: Invoice) -> tuple[tuple[str, str], ...]:
    return tuple(("payment", row.id) for row in found.payments if row.origin == "processor" and row.id)
