"""Customers and suppliers: which one of the ledger it is, or the card that makes one.

A party that *we* made is always named by its write's key, never by the number it got: so a plan made before and one
made after its creation book the same thing. One that was there before keeps its card: the ledger's people own it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ml_connector.finance.documents import Party
from ml_connector.finance.invoices import Number, PartyCard, Ref
from ml_connector.finance.plan import Explanation, Finding, Found, Need, PlannedWrite, Related
from ml_connector.finance.rulebook import Terms
from ml_connector.rules.matching import PartyMatch, match_party

_SHORT = {"customer": "cus", "supplier": "ven"}
# Questions about a party that was merged: several stand for it, nobody told of which it was merged, it is gone.
MERGED, UNTOLD, GONE = "party-merged", "party-merged-untold", "customer-gone"
NEW, NUMBER = "new", "number:"  # answers: make one, it is this one
BOUND = frozenset({"made", "decided"})


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


def party_needs(party: Party, terms: Terms) -> tuple[Need, ...]:
    """The look-ups of a party and of all that became it, and which of these a person said stands for it."""
    own = party_need(party, terms)
    if not party.is_of_others:
        return (own,)
    return (own, *(_former_need(one, terms) for one in party.formerly), _chosen_need(party, terms))


def know(party: Party, related: Related, terms: Terms, *, to_book: bool) -> Known:
    """The ledger's number of a party, or the card to make. A blocked party stops only what is `to_book` on it."""
    found: tuple[Found, ...] = tuple(related.documents(party_need(party, terms)) or ())
    holder = party
    if party.is_of_others:
        stands = _standing(party, found, related, terms, to_book=to_book)
        if isinstance(stands, Finding):
            return Known("", (), PartyMatch(None, made=False, because="ambiguous", finding=stands), (stands,))
        if stands is not None:
            holder, found = stands[0], (stands[1],)
    decision = _decision(related)
    match = match_party(party, found, decision=decision)
    if to_book and party.merged and not (party.formerly or found or decision):
        match = replace(match, finding=_untold(party, terms))
    if match.finding is not None and (to_book or match.number is None):
        return Known("", (), match, (match.finding,))
    if match.number is not None and not match.made:
        return Known(match.number, (), match)
    key = party_key(holder, terms)
    card = card_of(party, terms, source=key)
    findings = () if card.name else (_nameless(party),)
    return Known(Ref(key), (PlannedWrite(key, party.role, card),), match, findings)


def merged_apart(known: Known) -> bool:
    """Whether a person must say which of several in the ledger stands for a party that was merged."""
    return known.match.finding is not None and known.match.finding.code == MERGED


def is_one_of(number: Number, party: Party, related: Related, terms: Terms) -> bool:
    """Whether a number of the ledger stands for one of those that became a party; any may, where nobody told which."""
    if not party.formerly:
        return True
    members = (party, *party.formerly)
    if isinstance(number, Ref):
        return number.key in {party_key(one, terms) for one in members}
    return number in {one.number for _, one in _all_found(party, (), related, terms)}


def _standing(
    party: Party, own: tuple[Found, ...], related: Related, terms: Terms, *, to_book: bool
) -> tuple[Party, Found] | Finding | None:
    """Who of those that became a party stands in the ledger: whose card it is, and what was found of it there.

    The ledger's customers are never merged by us: where several stand a person says which one counts.
    """
    known = _all_found(party, own, related, terms)
    bound = [pair for pair in known if pair[1].how in BOUND]
    bound = [pair for pair in bound if pair[1].number] or bound  # a card on its way has none yet
    chosen: Found | None = related.one(_chosen_need(party, terms))
    if chosen is not None:
        return next((pair for pair in bound if pair[1].number == chosen.number), (party, chosen))
    numbers = sorted({found.number for _, found in bound or known})
    if len(numbers) > 1 and (bound or to_book):
        return _several(party, numbers, terms)
    return next(iter(bound or known), None)


def _all_found(party: Party, own: tuple[Found, ...], related: Related, terms: Terms) -> list[tuple[Party, Found]]:
    """What was found of a party and of those that became it, with whose it is."""
    own = own or tuple(related.documents(party_need(party, terms)) or ())
    former = [(one, found) for one in party.formerly for found in related.documents(_former_need(one, terms)) or ()]
    return [*((party, found) for found in own), *former]


def _former_need(party: Party, terms: Terms) -> Need:
    return replace(party_need(party, terms), awaited=True)


def _chosen_need(party: Party, terms: Terms) -> Need:
    return Need(kind=party.role, system="target", fields=(("binding", _chosen_key(party, terms)),), optional=True)


def _chosen_key(party: Party, terms: Terms) -> str:
    """Under which a person's word is kept, apart from the party's own card, which may stand for documents."""
    return f"{party_key(party, terms)}:chosen"


def _several(party: Party, numbers: list[str], terms: Terms) -> Finding:
    names = ", ".join(one.id for one in party.formerly)
    return Finding(
        MERGED,
        f"{party.role.capitalize()} {party.id} was merged of others ({names}) that are {' and '.join(numbers)} in the "
        f"ledger. Answer with the one that counts from now on; what is booked stays where it is, and nothing is merged "
        "in the ledger by itself.",
        party_key(party, terms),
        {"choices": numbers, "bind": {"kind": party.role, "key": _chosen_key(party, terms)}},
    )


def _untold(party: Party, terms: Terms) -> Finding:
    return Finding(
        UNTOLD,
        f"{party.role.capitalize()} {party.id} was merged of others, and no event told of which. Answer with "
        f"`{NUMBER}` and the number that one of them has in the ledger, or {NEW}.",
        party_key(party, terms),
        {"choices": [NEW], "bind": {"kind": party.role, "key": _chosen_key(party, terms)}},
    )


def card_of(party: Party, terms: Terms, *, source: str = "") -> PartyCard:
    """The card: what the source knows, and the route's defaults for what only the ledger asks.

    `source`: the key it was made under, where that was another's, who became this party. Defaults are named
    `customer.class` or, for one country, `customer.vat_zone.NO`.
    """
    country = party.address.country
    status: Literal["Active", "Inactive"] = "Active" if party.active else "Inactive"
    return PartyCard(
        kind=party.role,
        name=party.name.strip(),
        source=source or party_key(party, terms),
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
    for code in ("party-ambiguous", "party-name-match", UNTOLD):
        if answer := related.decisions.get(code, "").removeprefix(NUMBER).strip():
            return answer if answer.casefold() != NEW else NEW
    return ""


def _nameless(party: Party) -> Finding:
    return Finding(
        "party-name-missing",
        f"{party.role.capitalize()} {party.id} has no name. Give it one in the source; it is read again.",
        "name",
    )
