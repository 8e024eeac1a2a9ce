"""Customers and suppliers: which one of the ledger it is, or the card that makes one.

A party that *we* made is always named by its write's key, never by the number it got: so a plan made before and one
made after its creation book the same thing. One that was there before keeps its card: the ledger's people own it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ml_connector.finance.documents import Party
from ml_connector.finance.invoices import Number, PartyCard, Ref
from ml_connector.finance.plan import Explanation, Finding, Found, Need, PlannedWrite, Related
from ml_connector.finance.rulebook import Terms
from ml_connector.rules.matching import PartyMatch, match_party

_SHORT = {"customer": "cus", "supplier": "ven"}


@dataclass(frozen=True, slots=True)
class Known:
    """A party as the ledger will know it: its number or the write that makes it."""

    number: Number
    writes: tuple[PlannedWrite, ...]
    match: PartyMatch
    findings: tuple[Finding, ...] = ()

    @property
    def why(self) -> Explanation:
        """Which party was taken, and why."""
        chosen = self.number.key if isinstance(self.number, Ref) else self.number
        return Explanation("party", chosen, self.match.because)

    @property
    def needs(self) -> tuple[str, ...]:
        """Keys that must be done before a document may name this party."""
        return (self.number.key,) if isinstance(self.number, Ref) else ()


def party_key(party: Party, terms: Terms) -> str:
    """The key of the party's card."""
    return f"{terms.code}:{_SHORT[party.role]}:{party.id}"


def party_need(party: Party, terms: Terms) -> Need:
    """The look-up in the ledger: by our own binding, then by numbers, then by e-mail.

    A name is only ever a proposal.
    """
    fields = [("binding", party_key(party, terms))]
    named = (("vat_number", party.vat_number), ("org_number", party.org_number), ("email", party.email))
    fields.extend((name, value) for name, value in named if value)
    return Need(kind=party.role, system="target", fields=tuple(fields), optional=True)


def know(party: Party, related: Related, terms: Terms, *, to_book: bool) -> Known:
    """The ledger's number of a party, or the card to make. A blocked party stops only what is `to_book` on it."""
    need = party_need(party, terms)
    found: tuple[Found, ...] = tuple(related.documents(need) or ())
    match = match_party(party, found, decision=_decision(related))
    if match.finding is not None and (to_book or match.number is None):
        return Known("", (), match, (match.finding,))
    if match.number is not None and not match.made:
        return Known(match.number, (), match)
    key = party_key(party, terms)
    card = card_of(party, terms)
    findings = () if card.name else (_nameless(party),)
    return Known(Ref(key), (PlannedWrite(key, party.role, card),), match, findings)


def card_of(party: Party, terms: Terms) -> PartyCard:
    """The card: what the source knows, and the route's defaults for what only the ledger asks.

    Defaults are named `customer.class` or, for one country, `customer.vat_zone.NO`.
    """
    country = party.address.country
    status: Literal["Active", "Inactive"] = "Active" if party.active else "Inactive"
    return PartyCard(
        kind=party.role,
        name=party.name.strip(),
        source=party_key(party, terms),
        status=status,
        party_class=default_of(terms, party.role, "class", country),
        currency=default_of(terms, party.role, "currency", country),
        terms=default_of(terms, party.role, "terms", country),
        vat_zone=default_of(terms, party.role, "vat_zone", country),
        payment_method=default_of(terms, party.role, "payment_method", country),
        email=party.email,
        phone=party.phone,
        contact=party.contact,
        address=party.address,
        org_number=party.org_number,
        vat_number=party.vat_number,
        account_number=party.account_number,
    )


def default_of(terms: Terms, role: str, name: str, country: str) -> str | None:
    """The route's default for a field of a party's card: for its country, else for all."""
    defaults = terms.party_defaults
    return defaults.get(f"{role}.{name}.{country}") or defaults.get(f"{role}.{name}")


def _decision(related: Related) -> str:
    for code in ("party-ambiguous", "party-name-match"):
        if answer := related.decisions.get(code, "").strip():
            return answer if answer.casefold() != "new" else "new"
    return ""


def _nameless(party: Party) -> Finding:
    return Finding(
        "party-name-missing",
        f"{party.role.capitalize()} {party.id} has no name. Give it one in the source; it is read again.",
        "name",
    )
