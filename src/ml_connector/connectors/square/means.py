"""By what means money came or went: Square's source types, tender types and destinations in our words. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ml_connector.connectors.square.fields import Fields
from ml_connector.finance.documents import Means

GIFT_CARD = "SQUARE_GIFT_CARD"

# Unknown types become "other": a means for which there is no rule, so the record is held.
SOURCES: Mapping[str, Means] = {
    "CARD": "card",
    "BANK_ACCOUNT": "bank",
    "WALLET": "wallet",
    "BUY_NOW_PAY_LATER": "bnpl",
    "SQUARE_ACCOUNT": "account",
    "CASH": "cash",
    "EXTERNAL": "external",
    GIFT_CARD: "gift_card",
}
# A tender OTHER may be an EXTERNAL payment: its payment tells more than its order.
TENDERS: Mapping[str, Means] = {**SOURCES, "THIRD_PARTY_CARD": "external:card", "OTHER": "other", "NO_SALE": "other"}


# The payments of a web shop come through the API, its card typed in: what says neither may be one.
TILLS = frozenset({"SQUARE_POS", "RETAIL", "RESTAURANTS", "TERMINAL_API", "APPOINTMENTS"})
CARD_PRESENT = frozenset({"SWIPED", "EMV", "CONTACTLESS"})


def is_in_person(payment: Fields) -> bool:
    """Whether a payment was taken at a till or terminal."""
    by = payment.part_or_none("application_details")
    card = payment.part_or_none("card_details")
    at_till = by is not None and by.text("square_product") in TILLS
    return at_till or (card is not None and card.text("entry_method") in CARD_PRESENT)


def of_payment(payment: Fields) -> Means:
    """The means of a payment. A Square gift card is a CARD of the brand SQUARE_GIFT_CARD."""
    source = payment.text("source_type")
    if source == "CARD":
        return _card(payment)
    if source == "EXTERNAL":
        return _external(payment)
    return SOURCES.get(source, "other")


def of_tender(tender: Fields) -> Means:
    """The means of a tender of an order."""
    kind = tender.text("type")
    return _card(tender) if kind == "CARD" else TENDERS.get(kind, "other")


def of_refund(refund: Fields) -> Means | None:
    """Where refunded money went; None: back to where the payment came from.

    Details are there only when a destination was named. Without them CARD and EXTERNAL say too little: the payment
    may have been a gift card, or a certain kind of external payment.
    """
    kind = refund.text("destination_type")
    details = refund.part_or_none("destination_details")
    if kind == "CARD":
        return _card(details) if details is not None and details.node.get("card_details") else None
    if kind == "EXTERNAL":
        return _external(details) if details is not None and details.node.get("external_details") else None
    return SOURCES.get(kind, "other") if kind else None


def _card(owner: Fields) -> Means:
    details = owner.part_or_none("card_details")
    card = details.part_or_none("card") if details is not None else None
    return "gift_card" if card is not None and card.text("card_brand") == GIFT_CARD else "card"


def _external(owner: Fields) -> Means:
    details = owner.part_or_none("external_details")
    kind = details.text("type").lower() if details is not None else ""
    return f"external:{kind}" if kind else "external"
