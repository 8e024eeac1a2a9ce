"""Customers of a system that collects the ledger's invoices: which one there is the ledger's, or its new card.

Two that may be it, or one found by name alone, ask a person; the route may say that a name is enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ml_connector.finance.documents import Party
from ml_connector.finance.invoices import PartyCard, Ref
from ml_connector.finance.plan import Finding, Found, PlannedWrite, Related
from ml_connector.finance.rulebook import Terms
from ml_connector.rules.matching import match_party
from ml_connector.rules.parties import Known, card_of, party_key


def payer_fields(party: Party, terms: Terms) -> tuple[tuple[str, str], ...]:
    """How the customer is looked for: our binding, the ledger's number, registration numbers, e-mail, name."""
    named = (
        ("customer_no", party.id), ("vat_number", party.vat_number), ("org_number", party.org_number),
        ("email", party.email), ("name", party.name.strip()),
    )  # fmt: skip
    return (("binding", party_key(party, terms)), *((name, value) for name, value in named if value))


def know_payer(party: Party, found: Sequence[Found], related: Related, terms: Terms) -> Known:
    """The customer there, or the card that makes one. Two that may be it, or one by name alone, ask a person."""
    if terms.collect_by_name:
        found = [_named(one) for one in found]
    answer = related.decisions.get("party-ambiguous", "") or related.decisions.get("party-name-match", "")
    match = match_party(party, found, decision=answer.strip(), there="The system that collects invoices")
    if match.finding is not None:
        return Known("", (), match, (match.finding,))
    if match.number is not None and not match.made:
        at = next((one for one in found if one.number == match.number), Found(match.number))
        return Known(match.number, (), match, _against_payer(party, at, email=at.facts.get("email", "")))
    key = party_key(party, terms)
    at = next((one for one in found if one.number == match.number), Found(""))
    write = PlannedWrite(key, "customer", payer_card(party, terms))
    return Known(Ref(key), (write,), match, _against_payer(party, at, email=party.email))


def payer_card(party: Party, terms: Terms) -> PartyCard:
    """The customer's card there; its number in the ledger is what finds it again. Nothing of the ledger's set-up."""
    card = card_of(party, terms)
    return replace(
        card, account_number=party.id, party_class=None, currency=None, terms=None, vat_zone=None, payment_method=None
    )


def _named(found: Found) -> Found:
    by_name = found.facts.get("by") == "name"
    return replace(found, facts={**found.facts, "by": "name, as the route says"}) if by_name else found


def _against_payer(party: Party, found: Found, *, email: str) -> tuple[Finding, ...]:
    against = []
    if not party.name.strip() and not found.number:
        against.append(Finding(
            "party-name-missing", f"Customer {party.id} has no name. Give it one in Visma; it is read again.", "name",
        ))  # fmt: skip
    if not email:
        against.append(Finding(
            "payer-email-missing",
            f"Customer {party.id} has no e-mail address, and no invoice can be collected without one. Enter it in "
            "Visma; the invoice goes on by itself. Where the customer is known there already, enter it there too, "
            "then plan again.",
            "email",
        ))  # fmt: skip
    if found.facts.get("balance", "0") != "0":
        against.append(Finding(
            "payer-balance",
            f"Customer {party.id} has a balance where invoices are collected ({found.number}), which would be set off "
            "against the invoice. Settle it there, then plan again.",
            "balance",
        ))  # fmt: skip
    return tuple(against)
