"""Refunds: PENDING, then COMPLETED with a payment.updated; to the card, to cash, to a gift card, or unlinked."""

from __future__ import annotations

from dataclasses import dataclass

from ml_connector_sandbox.square import gift_cards, invoices, payments, returns
from ml_connector_sandbox.square.faults import Json, bad
from ml_connector_sandbox.square.shelves import Stored
from ml_connector_sandbox.square.state import Merchant, Movement, World
from ml_connector_sandbox.square.times import stamp


@dataclass(frozen=True, slots=True)
class Asked:
    """A refund somebody wants. An empty `destination` is the payment's own means."""

    amount: int
    reason: str = ""
    destination: str = ""
    gift_card_id: str = ""
    external_type: str = "OTHER"
    external_source: str = "Other terminal"
    fee_back: bool | None = None
    named: bool = False  # the API names the destination only when asked to


def refundable(row: Stored) -> int:
    """What is left of a payment to refund, pending refunds taken off."""
    return int(row.body["total_money"]["amount"]) - int((row.body.get("refunded_money") or {}).get("amount", 0))


def refund(
    world: World, merchant: Merchant, payment: Stored, *, asked: Asked, order: Stored, back: returns.Returned, now: int
) -> Stored:
    """A PENDING refund of a completed payment, on an already made return order."""
    if payment.body["status"] != "COMPLETED":
        raise bad(
            "REFUND_ERROR_PAYMENT_NEEDS_COMPLETION", f"Payment {payment.id} is not completed.", field="payment_id"
        )
    if not 0 < asked.amount <= refundable(payment):
        detail = f"The requested refund amount exceeds what is left of payment {payment.id}."
        raise bad("REFUND_AMOUNT_INVALID", detail, field="amount_money")
    means = asked.destination or payments.means_of(payment.body)
    body: Json = {
        "id": f"{payment.id}_{world.mint.mixed(30)}",
        "status": "PENDING",
        "amount_money": merchant.money(asked.amount),
    }
    body |= {"payment_id": payment.id, "order_id": order.id, "location_id": payment.location}
    body |= _destination(merchant, asked, means, payment)
    row = _record(world, merchant, body, asked=asked, order=order, tender_id=payment.id, now=now)
    total = int((payment.body.get("refunded_money") or {}).get("amount", 0)) + asked.amount
    payment.body["refunded_money"] = merchant.money(total)
    payment.body["refund_ids"] = [*payment.body.get("refund_ids", []), row.id]
    payments.changed(world, merchant, payment, now=now)
    due = world.after(now, world.knobs.refund_delay_s)
    world.later(
        due, lambda at: _complete(world, merchant, row, asked=asked, means=means, back=back, payment=payment, now=at)
    )
    return row


def unlinked(
    world: World, merchant: Merchant, *, asked: Asked, order: Stored, back: returns.Returned, now: int
) -> Stored:
    """A refund without a payment, paid onto a card."""
    key = f"{world.mint.mixed(29)}ZY_{world.mint.mixed(30)}"
    body: Json = {"id": key, "status": "PENDING", "amount_money": merchant.money(asked.amount), "unlinked": True}
    body |= {"order_id": order.id, "location_id": order.location}
    means = asked.destination or "card"
    body |= _destination(merchant, asked, means, None)
    row = _record(world, merchant, body, asked=asked, order=order, tender_id="", now=now)
    due = world.after(now, world.knobs.refund_delay_s)
    world.later(
        due, lambda at: _complete(world, merchant, row, asked=asked, means=means, back=back, payment=None, now=at)
    )
    return row


def _destination(merchant: Merchant, asked: Asked, means: str, payment: Stored | None) -> Json:
    if means not in payments.MEANS:
        raise bad("INVALID_VALUE", f"`{means}` is not a destination.", field="destination")
    shown: Json = {"destination_type": payments.MEANS[means][0]}
    if not asked.destination and not asked.named and payment is not None:
        return shown
    if means == "cash":
        details: Json = {"seller_supplied_money": merchant.money(asked.amount), "change_back_money": merchant.money(0)}
        return shown | {"destination_details": {"cash_details": details}}
    if means == "external":
        details = {"type": asked.external_type, "source": asked.external_source}
        return shown | {"destination_details": {"external_details": details}}
    card = payments.card_body(payments.Tendered(means=means, amount=asked.amount, last_4="7000"))
    return shown | {"destination_details": {"card_details": {"card": card, "entry_method": "SWIPED"}}}


def _record(
    world: World, merchant: Merchant, body: Json, *, asked: Asked, order: Stored, tender_id: str, now: int
) -> Stored:
    if asked.reason:
        body["reason"] = asked.reason
    body |= {"created_at": stamp(now), "updated_at": stamp(now)}
    row = merchant.refunds.put(Stored(body, order.location, now))
    tender: Json = {"id": row.id, "location_id": order.location, "created_at": stamp(now), "status": "PENDING"}
    tender |= {
        "transaction_id": order.id,
        "reason": asked.reason or "Returned Goods",
        "amount_money": body["amount_money"],
    }
    tender |= {"tender_id": tender_id} if tender_id else {}
    order.body["refunds"].append(tender)
    order.forget_text()
    _tell(world, merchant, row, now=now, created=True)
    return row


def _complete(
    world: World,
    merchant: Merchant,
    row: Stored,
    *,
    asked: Asked,
    means: str,
    back: returns.Returned,
    payment: Stored | None,
    now: int,
) -> None:
    """PENDING -> COMPLETED: the money has left, the payment and the invoice change too."""
    row.body["status"] = "COMPLETED"
    fee = _fee_back(world, merchant, payment, asked)
    if means in payments.PAID_OUT:
        details = {"payment_id": payment.id if payment else None, "refund_id": row.id}
        entry = {"type": "REFUND", "gross": -asked.amount, "fee": -fee, "at": now, "details": details}
        merchant.balance.setdefault(row.location, []).append(entry)
        if fee:
            row.body["processing_fee"] = [
                {"effective_at": stamp(now), "type": "INITIAL", "amount_money": merchant.money(-fee)}
            ]
            merchant.movements.append(Movement("fee", now, row.location, -fee, row.id))
    if means == "gift_card":
        gift_cards.give_back(
            world, merchant, asked.gift_card_id, amount=asked.amount, location_id=row.location, now=now
        )
    row.body["updated_at"] = stamp(now)
    merchant.refunds.changed(row, now)
    merchant.movements.append(_note(row, asked, means=means, back=back, now=now))
    _approve_on_order(merchant, row, now)
    _tell(world, merchant, row, now=now, created=False)
    if payment is not None:
        payments.changed(world, merchant, payment, now=now)
        invoices.refunded(world, merchant, str(payment.body["order_id"]), now=now)


def _fee_back(world: World, merchant: Merchant, payment: Stored | None, asked: Asked) -> int:
    wanted = world.knobs.refund_returns_fee if asked.fee_back is None else asked.fee_back
    if payment is None or not wanted:
        return 0
    return merchant.fees.get(payment.id, 0) * asked.amount // int(payment.body["total_money"]["amount"])


def _note(row: Stored, asked: Asked, *, means: str, back: returns.Returned, now: int) -> Movement:
    part = asked.amount == back.total
    return Movement(
        "refund",
        now,
        row.location,
        asked.amount,
        row.id,
        means=means,
        tip=back.tip if part else 0,
        vat=tuple(sorted(back.vat.items())) if part else (),
        gift_cards=back.gift_cards if part else 0,
        service=back.service if part else 0,
        rounding=back.rounding if part else 0,
    )


def _approve_on_order(merchant: Merchant, row: Stored, now: int) -> None:
    order = merchant.orders.own(row.body["order_id"])
    if order is None:
        return
    for tender in order.body["refunds"]:
        if tender["id"] == row.id:
            tender["status"] = "APPROVED"
    order.body["updated_at"] = stamp(now)
    merchant.orders.changed(order, now)


def decline(merchant: Merchant, key: str) -> None:
    """Refuse to refund a payment under dispute."""
    if any(d.body["disputed_payment"]["payment_id"] == key for d in merchant.disputes.rows.values()):
        raise bad("PAYMENT_NOT_REFUNDABLE_DUE_TO_DISPUTE", f"Payment {key} is disputed.", field="payment_id")


def _tell(world: World, merchant: Merchant, row: Stored, *, now: int, created: bool) -> None:
    type_ = "refund.created" if created else "refund.updated"
    world.desk.emit(merchant, type_=type_, data_type="refund", data_id=row.id, content={"refund": row.body}, now=now)
