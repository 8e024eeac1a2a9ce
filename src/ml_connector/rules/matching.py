"""What belongs together: refunds and captures, parties and the ledger's, payouts and their parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ml_connector.finance.documents import Capture, Party, Payout, Refund, Sale
from ml_connector.finance.invoices import CustomerPayment
from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Content, Finding, Found

_MONEY_ROLES = frozenset({"clearing", "till", "external", "gift_cards"})


@dataclass(frozen=True, slots=True)
class RefundedBefore:
    """What was given back before: of this very payment as the source says, and of the whole sale as we booked it."""

    of_payment: Money
    of_sale: Money


def over_refund(capture: Capture, refund: Refund, *, before: RefundedBefore, paid: Money) -> Finding | None:
    """A refund that would give back more than was paid. `paid`: what the sale's payments came to (see `paid_for`)."""
    checks = ((before.of_payment + refund.amount, capture.total), (before.of_sale + refund.amount, paid))
    for given, limit in checks:
        if given > limit:
            return Finding(
                "over-refund",
                f"Refund {refund.id} of {refund.amount} brings what was given back for payment {capture.id} to "
                f"{given}, "
                f"more than the {limit} that was paid. Check both in the source; book the excess by hand if it is "
                "real.",
                "amount",
                {"paid": str(limit), "given_back": str(given)},
            )
    return None


def paid_for(capture: Capture, sale: Sale | None) -> Money:
    """What was paid for a sale by all its payments; the payment's own total where the sale has no other."""
    if sale is None or len(sale.tenders) < 2:
        return capture.total
    return Money(max(capture.total.minor, sum(tender.amount.minor for tender in sale.tenders)), capture.total.currency)


def given_back(contents: Iterable[Content], currency: str) -> Money:
    """What booked refunds gave back, by whatever means."""
    minor = 0
    for content in contents:
        if isinstance(content, CustomerPayment) and content.kind == "refund" and content.amount.currency == currency:
            minor += content.amount.minor
        elif isinstance(content, JournalEntry) and content.currency == currency:
            minor -= sum(p.amount.minor for p in content.postings if p.role in _MONEY_ROLES and p.amount.minor < 0)
    return Money(minor, currency)


@dataclass(frozen=True, slots=True)
class PartyMatch:
    """Which party of the ledger a party of the source is. `number` None: none yet, make it. `made`: by us."""

    number: str | None
    made: bool
    because: str
    finding: Finding | None = None


def match_party(party: Party, found: Sequence[Found], *, decision: str, there: str = "The ledger") -> PartyMatch:
    """One clear answer or a question: several, or one found by name alone, are never taken without a person.

    `decision` is a number of these, or `new`; `there` is who has them. Numbers of organisations and VAT come in already
    checked.
    """
    what = f"{party.role} {party.id}"
    if decision and decision != "new":
        chosen = next((one for one in found if one.number.casefold() == decision.casefold()), Found(decision))
        return _usable(party, chosen, f"a person chose {chosen.number}")
    bound = [one for one in found if one.how in {"made", "decided"}]
    if bound:
        return _usable(party, bound[0], f"already bound to {bound[0].number or 'a card on its way'}")
    if not found or decision == "new":
        return PartyMatch(
            None, made=False, because="not in the ledger yet" if not found else "a person chose a new one"
        )
    numbers = sorted({one.number for one in found})
    by_name = all(one.facts.get("by") == "name" for one in found)
    if len(numbers) > 1 or by_name:
        return PartyMatch(None, made=False, because="ambiguous", finding=Finding(
            "party-name-match" if by_name else "party-ambiguous",
            f"{there} has {', '.join(numbers)} that may be {what}. Answer with the right number, or new.",
            party.role, {"choices": [*numbers, "new"]},
        ))  # fmt: skip
    by = found[0].facts.get("by", "its number or address")
    return _usable(party, found[0], f"matched by {by}")


def usable(role: str, whom: str, found: Found) -> Finding | None:
    """What stands against booking on a party of the ledger, taken for `whom`."""
    if found.status in {"Active", "OneTime"}:
        return None
    return Finding(
        f"{role}-blocked",
        f"{role.capitalize()} {found.number} for {whom} has status {found.status} in the ledger. "
        "Set it to Active in Visma, or bind another.",
        role,
        {"number": found.number, "status": found.status},
    )


def _usable(party: Party, found: Found, because: str) -> PartyMatch:
    against = usable(party.role, party.id, found)
    return PartyMatch(found.number, made=found.how == "made", because=because, finding=against)


def second_road(key: str, amount: Money, posted: Mapping[str, Content]) -> Finding | None:
    """What stands against an event that another road may have booked under its key before: unequal amounts."""
    first = posted.get(key)
    booked = None if first is None else _amount_of(first)
    if first is None or booked == amount:
        return None
    return Finding(
        "second-road-differs",
        f"{key} is already booked with {booked} from another system, and this one says {amount}. "
        "Find out which is right; correct or ignore the other.",
        "amount",
        {"booked": str(booked), "stated": str(amount)},
    )


def payout_difference(payout: Payout) -> Money:
    """What the payout states beyond the sum of its entries (zero when it has none to add up)."""
    if not payout.itemized:
        return Money.zero(payout.amount.currency)
    return Money(payout.amount.minor - sum(entry.net.minor for entry in payout.entries), payout.amount.currency)


def _amount_of(content: Content) -> Money | None:
    if isinstance(content, JournalEntry):
        return content.turnover
    if isinstance(content, CustomerPayment):
        return content.amount
    return getattr(content, "total", None)
