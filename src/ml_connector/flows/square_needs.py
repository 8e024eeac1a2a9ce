"""What must be known around a Square record before it can be planned. Asked again after each round of answers."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from ml_connector.finance.documents import (
    Capture,
    Dispute,
    Document,
    Invoice,
    Party,
    Payout,
    PayoutEntry,
    Refund,
    Sale,
    Succession,
)
from ml_connector.finance.plan import Elsewhere, Need, Related
from ml_connector.finance.rulebook import Terms
from ml_connector.flows import shops, successions
from ml_connector.flows.square_articles import articles_of
from ml_connector.flows.square_entries import ENTRIES
from ml_connector.flows.verdicts import is_before_go_live
from ml_connector.rules.bookkeeping import role_of
from ml_connector.rules.parties import party_needs

_ASKED_LATELY = 2_048  # a record asks the same several times while it is read and planned: a round's worth is kept


def needs(document: Document, related: Related, terms: Terms) -> tuple[Need, ...]:
    """Every need of a document, answered or not; records that are not booked have none."""
    if isinstance(document, Capture):
        return _of_payment(document, related, terms)
    if isinstance(document, Refund):
        return _of_refund(document, related, terms)
    if isinstance(document, Invoice):
        return _of_invoice(document, related, terms)
    if isinstance(document, Payout):
        return _of_payout(document)
    if isinstance(document, Dispute):
        return (payouts_of_dispute(document),) if document.state == "lost" else ()
    if isinstance(document, Party):
        return _of_party(document, related, terms)
    if isinstance(document, Sale):
        return articles_of(document, terms) if is_exchange(document) else ()
    return ()


def is_exchange(sale: Sale) -> bool:
    """Whether an order may be booked by itself: goods came back for others, and no money moved."""
    return sale.state == "completed" and not sale.tenders and bool(sale.returns)


def links(document: Document) -> tuple[tuple[str, str], ...]:
    """By which (name, value) other records find this one."""
    if isinstance(document, Succession):
        return successions.links(document)
    if isinstance(document, Invoice) and document.order_id:
        return (("order", document.order_id),)
    if isinstance(document, Capture) and document.order_id:
        return (("order", document.order_id),)
    if isinstance(document, Refund):
        return _named(payment=document.payment_id, order=document.return_order_id)
    if isinstance(document, Payout):
        found = [_amount_link(document.amount.minor, document.amount.currency)]
        for entry in document.entries:
            found.extend(_named(payment=entry.payment_id, refund=entry.refund_id, dispute=entry.dispute_id))
        return tuple(dict.fromkeys(found))
    return ()


@lru_cache(_ASKED_LATELY)
def order(order_id: str) -> Need:
    """An order by its id."""
    return Need(kind="order", id=order_id)


def shop_order_of(capture: Capture) -> Need:
    """The order of a connected shop that names a payment. One taken at a till waits for no shop to be read."""
    return shops.order_of(capture.id, since=None if capture.in_person else capture.occurred_at)


def shop_credit_note(key: str, refund: Refund) -> Need:
    """The ledger's open credit notes, made by people, of the shop's document with this key."""
    return shops.credit_note(key, minor=refund.amount.minor, currency=refund.amount.currency)


@lru_cache(_ASKED_LATELY)
def payment(payment_id: str) -> Need:
    """A payment by its id."""
    return Need(kind="payment", id=payment_id)


def customer_of(customer_id: str, related: Related) -> Party | None:
    """The customer that an id means today; None: Square has none of it."""
    return successions.party_of("customer", customer_id, related)


def booked(key: str) -> Need:
    """What we have booked under the key of a customer document."""
    return Need(kind="customer_document", system="own", fields=(("prefix", key),))


def refunds_of(refund: Refund) -> Need:
    """Every refund of the same payment. The refund itself is among them, so what is stored answers without a walk."""
    link = ("payment", refund.payment_id or "")
    return Need(kind="refund", link=link, optional=True, since=refund.occurred_at, location=refund.location)


def invoice_of(sale: Sale) -> Need:
    """The invoice of an order, if there is one.

    Square has no filter by order, so the answer comes from a walk over the location's invoices. "Not there" counts only
    after the order was closed: an invoice made for an order that stood open would be overlooked, and booked twice.
    """
    return _invoice_of(sale.id, since=sale.closed_at or sale.created_at, location=sale.location)


@lru_cache(_ASKED_LATELY)
def _invoice_of(order_id: str, *, since: datetime | None, location: str | None) -> Need:
    return Need(kind="invoice", link=("order", order_id), optional=True, since=since, location=location)


def payout_of(payment_id: str) -> Need:
    """The payout that holds a payment: only asked in the mode that pools by payout."""
    return Need(kind="payout", link=("payment", payment_id))


def payout_of_refund(refund_id: str) -> Need:
    """The payout that holds a refund."""
    return Need(kind="payout", link=("refund", refund_id))


def payouts_of_dispute(dispute: Dispute) -> Need:
    """The payouts whose entries took the disputed money, or gave it back."""
    return Need(kind="payout", link=("dispute", dispute.id))


def payout_of_amount(entry: PayoutEntry, payout: Payout) -> Need:
    """The payout that an entry speaks of: returned money has its amount, one paid out by itself the opposite amount."""
    minor = entry.net.minor if ENTRIES.role(entry) == "returned" else -entry.net.minor
    link = _amount_link(minor, entry.net.currency)
    return Need(kind="payout", link=link, optional=True, since=payout.created_at, location=payout.location)


def dispute(dispute_id: str) -> Need:
    """The state of a dispute: asked so that its outcome is read, and booked by its own trip."""
    return Need(kind="dispute", id=dispute_id, optional=True)


def publication(invoice: Invoice) -> Need:
    """When an invoice left draft: told by its event alone. That nobody can tell any more is an answer too."""
    return Need(kind="publication", id=invoice.id)


def first_in_payout(sale: Sale) -> str | None:
    """The payment whose payout pools the order; None when all was paid outside the processor."""
    return next((tender.payment_id for tender in sale.tenders if role_of(tender.means) == "clearing"), None)


def _of_payment(capture: Capture, related: Related, terms: Terms) -> tuple[Need, ...]:
    if capture.state != "completed" or is_before_go_live(capture.occurred_at, capture.location, terms):
        return ()
    asked = _of_shops(capture)
    if not capture.order_id:
        return asked
    own = order(capture.order_id)
    sale: Sale | None = related.one(own)
    if sale is None or sale.state == "draft":
        return (own, *asked)
    others = [payment(tender.payment_id) for tender in sale.tenders if tender.payment_id != capture.id]
    beside = [one for other in others for one in _of_shops(related.one(other))]
    around = _around(sale, related, terms)
    pooled = first_in_payout(sale) if terms.mode == "per_payout" and not _documented(sale, related, terms) else None
    if pooled is not None and _claimed(capture, related):
        pooled = None
    return (own, *asked, *others, *beside, *around, *((payout_of(pooled),) if pooled else ()))


def _of_shops(capture: Capture | None) -> tuple[Need, ...]:
    """Only money that Square holds may be a shop's: it took its buyers' cards."""
    asks = capture is not None and capture.state == "completed" and role_of(capture.means) == "clearing"
    return (shop_order_of(capture),) if capture is not None and asks else ()


def _claimed(capture: Capture, related: Related) -> str | None:
    """The key of the document that a shop's route made of the order of a payment, if one claims it."""
    answer: tuple[Elsewhere, ...] = related.documents(shop_order_of(capture)) or ()
    return next((key for one in answer for key in one.contents), None)


def _of_refund(refund: Refund, related: Related, terms: Terms) -> tuple[Need, ...]:
    if refund.state != "completed" or is_before_go_live(refund.occurred_at, refund.location, terms):
        return ()
    found = [order(refund.return_order_id)] if refund.return_order_id else []
    back: Sale | None = related.one(found[0]) if found else None
    if back is not None:
        found.extend(articles_of(back, terms))
    if not refund.payment_id:
        return tuple(found)
    found.extend((payment(refund.payment_id), refunds_of(refund)))
    capture: Capture | None = related.one(payment(refund.payment_id))
    if capture is None:
        return tuple(found)
    found.extend(_of_shops(capture))
    key = _claimed(capture, related)
    if key is not None:
        return (*found, shops.refunds_of(capture.id), shop_credit_note(key, refund))
    if not capture.order_id:
        return tuple(found)
    found.append(order(capture.order_id))
    sale: Sale | None = related.one(order(capture.order_id))
    if sale is None:
        return tuple(found)
    found.extend(_around(sale, related, terms))
    means = refund.means or capture.means
    if terms.mode == "per_payout" and role_of(means) == "clearing" and not _documented(sale, related, terms):
        found.append(payout_of_refund(refund.id))
    return tuple(dict.fromkeys(found))


def _of_invoice(invoice: Invoice, related: Related, terms: Terms) -> tuple[Need, ...]:
    if invoice.state in {"draft", "scheduled"} or not invoice.order_id:
        return ()
    own = order(invoice.order_id)
    found = [own, *_of_issue(invoice), *_of_customer(invoice.customer_id, invoice_key(invoice, terms), related, terms)]
    sale: Sale | None = related.one(own)
    if sale is not None:
        found.extend(payment(tender.payment_id) for tender in sale.tenders)
        found.extend(articles_of(sale, terms))
    return tuple(found)


def _of_payout(payout: Payout) -> tuple[Need, ...]:
    found: list[Need] = []
    for entry in payout.entries if payout.itemized else ():
        role = ENTRIES.role(entry)
        if role in {"returned", "matched"}:
            found.append(payout_of_amount(entry, payout))
        elif role == "dispute" and entry.dispute_id:
            found.append(dispute(entry.dispute_id))
    return tuple(dict.fromkeys(found))


def _around(sale: Sale, related: Related, terms: Terms) -> list[Need]:
    """The invoice of an order and the customer of either."""
    own = invoice_of(sale)
    found = [own, *articles_of(sale, terms)]
    invoice: Invoice | None = related.one(own)
    if invoice is not None:
        key = invoice_key(invoice, terms)
        found.extend((*_of_issue(invoice), *_of_customer(invoice.customer_id, key, related, terms)))
    elif terms.business_orders:
        found.extend(_of_customer(sale.customer_id, order_key(sale, terms), related, terms, companies_only=True))
    return found


def invoice_key(invoice: Invoice, terms: Terms) -> str:
    """The key of the customer document of an invoice."""
    return f"{terms.code}:inv:{invoice.id}"


def order_key(sale: Sale, terms: Terms) -> str:
    """The key of the customer document of an order that is invoiced."""
    return f"{terms.code}:ord:{sale.id}"


def _of_issue(invoice: Invoice) -> tuple[Need, ...]:
    return (
        () if invoice.published_at is not None or invoice.state in {"draft", "scheduled"} else (publication(invoice),)
    )


def _of_customer(
    customer_id: str | None, key: str, related: Related, terms: Terms, *, companies_only: bool = False
) -> list[Need]:
    """Who an id means today, who that is in the ledger, and where it was merged, whom its document is booked on."""
    if not customer_id:
        return []
    found = successions.needs_of("customer", customer_id, related)
    party = customer_of(customer_id, related)
    if party is not None and (party.is_company or not companies_only):
        found += [*party_needs(party, terms), *((booked(key),) if party.is_of_others else ())]
    return found


def _of_party(party: Party, related: Related, terms: Terms) -> tuple[Need, ...]:
    if party.role != "customer":
        return party_needs(party, terms)
    today = customer_of(party.id, related) or party
    return (*successions.needs_of("customer", party.id, related), *party_needs(today, terms))


def _documented(sale: Sale, related: Related, terms: Terms) -> bool:
    """Whether the order is an invoice or becomes one: such records are posted alone, never pooled."""
    if related.one(invoice_of(sale)) is not None:
        return True
    if not terms.business_orders or not sale.customer_id:
        return False
    party = customer_of(sale.customer_id, related)
    return party is not None and party.is_company


def _amount_link(minor: int, currency: str) -> tuple[str, str]:
    return ("amount", f"{minor}:{currency}")


def _named(**ids: str | None) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in ids.items() if value)
