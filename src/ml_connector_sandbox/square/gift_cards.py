"""Gift cards: sold as an order line, loaded, spent, refunded to; each step an activity with the balance after it."""

from __future__ import annotations

from ml_connector_sandbox.square.faults import Json, Refused, bad
from ml_connector_sandbox.square.shelves import Stored
from ml_connector_sandbox.square.state import Merchant, World, must
from ml_connector_sandbox.square.times import stamp


def issue(world: World, merchant: Merchant, *, now: int) -> Stored:
    """A new gift card without money."""
    gan = "".join(str(world.mint.below(10)) for _ in range(16))
    body: Json = {"id": "gftc:" + world.mint.hexadecimal(32), "type": "DIGITAL", "gan_source": "SQUARE", "gan": gan}
    body |= {"state": "PENDING", "balance_money": merchant.money(0), "created_at": stamp(now)}
    return merchant.gift_cards.put(Stored(body, "", now))


def load(
    world: World, merchant: Merchant, card: Stored, *, amount: int, order: Stored, line_uid: str, now: int
) -> None:
    """Money paid onto a card: ACTIVATE the first time, then LOAD."""
    first = card.body["state"] == "PENDING"
    card.body["state"] = "ACTIVE"
    kind = "ACTIVATE" if first else "LOAD"
    details = {"amount_money": merchant.money(amount), "order_id": order.id, "line_item_uid": line_uid}
    _act(world, merchant, card, kind=kind, change=amount, details=details, location_id=order.location, now=now)


def redeem(world: World, merchant: Merchant, card_id: str, *, amount: int, payment_id: str, now: int) -> None:
    """Spend from a card. Refused when it holds too little. Without an id the first card with enough money is used."""
    card = find(merchant, card_id, amount)
    if card.body["balance_money"]["amount"] < amount:
        raise Refused(402, "INSUFFICIENT_FUNDS", f"Gift card {card.id} holds less than {amount}.", field="source_id")
    location_id = must(merchant.payments.own(payment_id), "Payment", payment_id).location
    details = {"amount_money": merchant.money(amount), "payment_id": payment_id, "status": "COMPLETED"}
    _act(world, merchant, card, kind="REDEEM", change=-amount, details=details, location_id=location_id, now=now)


def give_back(world: World, merchant: Merchant, card_id: str, *, amount: int, location_id: str, now: int) -> Stored:
    """Refund onto a card; a new one when none is named."""
    card = merchant.gift_cards.own(card_id) if card_id else issue(world, merchant, now=now)
    card = must(card, "Gift card", card_id)
    card.body["state"] = "ACTIVE"
    details = {"amount_money": merchant.money(amount)}
    _act(world, merchant, card, kind="REFUND", change=amount, details=details, location_id=location_id, now=now)
    return card


def find(merchant: Merchant, card_id: str, amount: int) -> Stored:
    """The named card, or the first that holds the amount."""
    if card_id:
        return must(merchant.gift_cards.own(card_id), "Gift card", card_id)
    for card in merchant.gift_cards.rows.values():
        if card.body["balance_money"]["amount"] >= amount:
            return card
    raise bad("INVALID_VALUE", f"No gift card holds {amount}; sell one first.", field="source_id")


def _act(
    world: World, merchant: Merchant, card: Stored, *, kind: str, change: int, details: Json, location_id: str, now: int
) -> None:
    balance = merchant.money(card.body["balance_money"]["amount"] + change)
    card.body["balance_money"] = balance
    merchant.gift_cards.changed(card, now)
    body: Json = {"id": "gcact_" + world.mint.hexadecimal(32), "type": kind, "location_id": location_id}
    body |= {"created_at": stamp(now), "gift_card_id": card.id, "gift_card_gan": card.body["gan"]}
    body |= {"gift_card_balance_money": balance, f"{kind.lower()}_activity_details": details}
    merchant.activities.put(Stored(body, location_id, now))
