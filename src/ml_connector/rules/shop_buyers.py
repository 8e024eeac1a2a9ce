"""Whom a shop's order is booked on: its customer, the guest in person, or the collective customer of guests.

An order stays on whom it was booked: a guest may get an account later, and an account may be deleted.
"""

from __future__ import annotations

from dataclasses import replace

from ml_connector.finance.documents import Party, Sale
from ml_connector.finance.invoices import CustomerInvoice
from ml_connector.finance.plan import Content, Finding, Found, Need, Related
from ml_connector.finance.rulebook import Terms
from ml_connector.finance.selling import SalesOrder
from ml_connector.rules.findings import approved
from ml_connector.rules.matching import PartyMatch, usable
from ml_connector.rules.parties import Known, default_of, know, party_need


def is_collective(sale: Sale, terms: Terms) -> bool:
    """Whether an order is booked on the collective customer: VAT of a numbered buyer must be told on their own name."""
    buyer = sale.buyer
    if sale.customer_id is not None or terms.guests == "person":
        return False
    return buyer is None or not (buyer.vat_number or buyer.org_number)


def buyer_needs(sale: Sale, account: Party | None, terms: Terms) -> tuple[Need, ...]:
    """What must be looked up in the ledger to know the buyer. `account`: the shop's customer record."""
    if is_collective(sale, terms):
        number = _collective(sale, terms)
        return (_numbered(number),) if isinstance(number, str) else ()
    party = account or sale.buyer
    return (party_need(party, terms),) if party is not None else ()


def know_buyer(sale: Sale, account: Party | None, related: Related, terms: Terms, *, booked: Content | None) -> Known:
    """The customer of an order; what stands against it is in its findings. `booked`: what the order was booked as."""
    if isinstance(booked, CustomerInvoice | SalesOrder):
        return Known(booked.customer, (), PartyMatch(None, made=False, because="the order was booked on it before"))
    if against := _refused_number(sale, related):
        return _nobody(against)
    if is_collective(sale, terms):
        return _know_collective(sale, related, terms)
    party = account or sale.buyer
    if party is None:
        return _nobody(_no_buyer(sale))
    known = know(party, related, terms, to_book=True)
    # The customer's own record keeps the card up to date; another order must not put back what it changed.
    return replace(known, writes=()) if known.match.made else known


def _know_collective(sale: Sale, related: Related, terms: Terms) -> Known:
    number = _collective(sale, terms)
    if isinstance(number, Finding):
        return _nobody(number)
    found: tuple[Found, ...] = tuple(related.documents(_numbered(number)) or ())
    zone = default_of(terms, "customer", "vat_zone", sale.country)
    if not found:
        return _nobody(_unfit(number, "is not in the ledger", sale))
    if (blocked := usable("customer", f"guests of order {sale.reference or sale.id}", found[0])) is not None:
        return _nobody(blocked)
    if found[0].currency not in {None, sale.currency}:
        return _nobody(_unfit(number, f"keeps {found[0].currency}", sale))
    if found[0].facts.get("vat_zone", zone) != zone:
        return _nobody(_unfit(number, f"is in VAT zone {found[0].facts['vat_zone']}", sale))
    own = f"{sale.country}:{sale.currency}" in terms.collective_customers and sale.country != zone
    because = f"guests of {sale.country if own else f'VAT zone {zone}'} in {sale.currency} share a customer"
    return Known(number, (), PartyMatch(number, made=False, because=because))


def _collective(sale: Sale, terms: Terms) -> str | Finding:
    """The collective customer's number in the ledger, or what a person must say first."""
    zone = default_of(terms, "customer", "vat_zone", sale.country)
    if zone is None:
        name = f"customer.vat_zone.{sale.country}" if sale.country else "customer.vat_zone"
        return Finding(
            "vat-zone-unset",
            f"Order {sale.reference or sale.id} was sold to {sale.country or 'no country'}, for which the route names "
            f"no VAT zone. Set {name} in the route's party defaults.",
            "party_defaults",
            {"terms": {"party_defaults": {name: ""}}},
        )
    name = f"{zone}:{sale.currency}"
    guests = terms.collective_customers
    named = guests.get(f"{sale.country}:{sale.currency}") or guests.get(name)
    return named or Finding(
        "collective-customer-missing",
        f"Order {sale.reference or sale.id} is a guest's, and the route names no collective customer for VAT zone "
        f"{zone} in {sale.currency}. Make one in Visma and name it, or let each guest be a customer.",
        "collective_customers",
        {"terms": {"collective_customers": {name: ""}}},
    )


def _numbered(number: str) -> Need:
    return Need(kind="customer", system="target", fields=(("number", number),), optional=True)


def _nobody(finding: Finding) -> Known:
    return Known("", (), PartyMatch(None, made=False, because="nobody yet", finding=finding), (finding,))


def _unfit(number: str, what: str, sale: Sale) -> Finding:
    return Finding(
        "collective-customer-unfit",
        f"Collective customer {number} {what}; order {sale.reference or sale.id} needs one in {sale.currency} for "
        f"{sale.country or 'buyers without a country'}. Correct it in Visma or in the route.",
        "collective_customers",
        {"number": number},
    )


def _refused_number(sale: Sale, related: Related) -> Finding | None:
    """VAT left out on the strength of a number that is none."""
    buyer = sale.buyer
    if not sale.vat_exempt or buyer is None or buyer.vat_number or not buyer.refused_numbers:
        return None
    if approved(related, "vat-number-refused"):
        return None
    return Finding(
        "vat-number-refused",
        f"Order {sale.reference or sale.id} was sold without VAT, and {', '.join(buyer.refused_numbers)} is no VAT "
        "number. Ask the buyer for the right one; approve if VAT was rightly left out.",
        "vat_number",
        {"decision": "approve"},
    )


def _no_buyer(sale: Sale) -> Finding:
    return Finding(
        "order-without-buyer",
        f"Order {sale.reference or sale.id} names no buyer. Add a billing name in the shop; it is read again.",
        "billing",
    )
