"""What must be known around a WooCommerce record before it can be planned. Asked again after each round of answers."""

from __future__ import annotations

from ml_connector.finance.documents import Document, Party, Refund, Sale
from ml_connector.finance.invoices import CustomerInvoice, CustomerPayment
from ml_connector.finance.plan import Need, Related
from ml_connector.finance.rulebook import Terms
from ml_connector.finance.selling import SalesOrder
from ml_connector.flows.flow import IDENTITY
from ml_connector.flows.verdicts import is_before_go_live
from ml_connector.flows.woocommerce_articles import articles_of
from ml_connector.rules.parties import party_need
from ml_connector.rules.selling import invoices_of, item_needs
from ml_connector.rules.shop_buyers import buyer_needs
from ml_connector.rules.shop_orders import event_key, not_booked, order_key, sold_at
from ml_connector.rules.shop_parties import as_supplier
from ml_connector.rules.shop_refunds import is_deleted, older_than


def needs(document: Document, related: Related, terms: Terms) -> tuple[Need, ...]:
    """Every need of a document, answered or not; records that are not booked have none."""
    if isinstance(document, Sale):
        return _of_order(document, related, terms)
    if isinstance(document, Refund):
        return _of_refund(document, related, terms)
    if isinstance(document, Party):
        supplier = as_supplier(document, terms)
        return (party_need(document, terms), *((party_need(supplier, terms),) if supplier else ()))
    return ()


def links(document: Document) -> tuple[tuple[str, str], ...]:
    """By which (name, value) other records find this one: a refund by its order, both by the payment they are about."""
    if isinstance(document, Refund) and document.sale_id:
        paid = (("transaction", document.payment_id),) if document.payment_id else ()
        return (("order", document.sale_id), *paid)
    if isinstance(document, Sale):
        named = ((IDENTITY, document.identity), ("transaction", document.transaction_id))
        return tuple((name, value) for name, value in named if value)
    return ()


def order(order_id: str) -> Need:
    """An order by its id."""
    return Need(kind="order", id=order_id, optional=True)


def customer(customer_id: str) -> Need:
    """A registered customer by id; one whose account is deleted is an answer."""
    return Need(kind="customer", id=customer_id, optional=True)


def refund(refund_id: str) -> Need:
    """A refund by its id; one that was deleted is an answer."""
    return Need(kind="refund", id=refund_id, optional=True)


def refunds_of(one: Refund) -> Need:
    """Every refund of the same order. The refund itself is among them, so what is stored answers without a walk."""
    return Need(kind="refund", link=("order", one.sale_id or ""), optional=True, since=one.occurred_at)


def booked_order(order_id: str, terms: Terms) -> Need:
    """What an order is booked as, whichever of the orders it is that had this id."""
    return Need(kind="booked_order", system="own", fields=(("prefix", order_key(order_id, terms)),))


def against(key: str) -> Need:
    """What is put against a write: the payments of an order, what was taken of an advance."""
    return Need(kind="against", system="own", fields=(("needing", key),))


def advance_of(sale: Sale, related: Related, terms: Terms) -> tuple[str, CustomerPayment | None] | None:
    """The advance of an order, as it stands or by the key under which it will; None where none is known.

    It is the shop's own, or that of a processor, which may name its payment otherwise than the shop does.
    """
    if sale.payment_method not in terms.gateways_elsewhere:
        key = f"{terms.code}:pay:{sale.id}"
        standing = related.posted.get(key)
        return key, standing if isinstance(standing, CustomerPayment) else None
    for one in related.documents(against(order_key(sale.id, terms))) or ():
        for key, content in one.contents.items():
            if isinstance(content, CustomerPayment) and content.kind == "prepayment":
                return key, content
    own = event_key(sale, terms)
    return (own, None) if own else None


def account(sale: Sale, related: Related) -> Party | None:
    """The shop's record of a registered buyer, where it is known."""
    return related.one(customer(sale.customer_id)) if sale.customer_id else None


def earlier_refunds(one: Refund, sale: Sale, related: Related) -> tuple[Refund, ...]:
    """The refunds of the order that were made before this one and are not deleted, oldest first."""
    named = (related.one(refund(stated.id)) for stated in sale.refunds)
    known = (*(related.documents(refunds_of(one)) or ()), *named)
    return older_than(one, (other for other in known if isinstance(other, Refund) and not is_deleted(other, sale)))


def stated_refunds(sale: Sale, related: Related) -> tuple[Refund, ...]:
    """The refunds that an order names, in its order of time."""
    found = (related.one(refund(stated.id)) for stated in sale.refunds)
    known = [one for one in found if isinstance(one, Refund)]
    return tuple(sorted(known, key=lambda one: (one.occurred_at, one.id)))


def _of_order(sale: Sale, related: Related, terms: Terms) -> tuple[Need, ...]:
    posted = related.posted.get(order_key(sale.id, terms))
    if posted is None and (not_booked(sale, terms) or is_before_go_live(sold_at(sale, terms), sale.location, terms)):
        return ()
    sold = isinstance(posted, SalesOrder) or (posted is None and terms.order_document == "sales_order")
    refunds = (refund(stated.id) for stated in sale.refunds) if sale.state == "canceled" or sold else ()
    selling = _of_sold(sale, related, terms) if sold else ()
    return (*_around(sale, related, terms), *articles_of(sale.lines, terms), *refunds, *selling)


def _of_sold(sale: Sale, related: Related, terms: Terms) -> tuple[Need, ...]:
    """Items, what the ledger made of the order, and its advance with what was taken of that."""
    key = order_key(sale.id, terms)
    elsewhere = sale.payment_method in terms.gateways_elsewhere
    advance = advance_of(sale, related, terms)
    paid = ((against(key),) if elsewhere else (), (against(advance[0]),) if advance else ())
    return (*item_needs(sale, terms), invoices_of(key), *(one for part in paid for one in part))


def _of_refund(one: Refund, related: Related, terms: Terms) -> tuple[Need, ...]:
    if not one.sale_id or not one.amount or is_before_go_live(one.occurred_at, one.location, terms):
        return ()
    own = order(one.sale_id)
    sale: Sale | None = related.one(own)
    if sale is None:
        return (own,)
    others = (refund(stated.id) for stated in sale.refunds if stated.id != one.id)
    made = (invoices_of(order_key(sale.id, terms)),) if terms.order_document == "sales_order" else ()
    booked = booked_order(sale.id, terms)
    lines = (*sale.lines, *(one.returned.lines if one.returned else ()))
    return (own, refunds_of(one), *others, booked, *made, *articles_of(lines, terms), *_around(sale, related, terms))


def _around(sale: Sale, related: Related, terms: Terms) -> tuple[Need, ...]:
    """The buyer of an order, where it becomes a customer's document and is not booked on somebody already."""
    posted = related.posted.get(order_key(sale.id, terms))
    if isinstance(posted, CustomerInvoice | SalesOrder) or (posted is None and terms.order_document == "journal"):
        return ()
    if not sale.customer_id:
        return buyer_needs(sale, None, terms)
    own = customer(sale.customer_id)
    if related.documents(own) is None:
        return (own,)
    return (own, *buyer_needs(sale, related.one(own), terms))
