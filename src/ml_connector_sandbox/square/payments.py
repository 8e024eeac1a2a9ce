"""Payments: APPROVED, COMPLETED, the fee that shows later; their tenders on the order; what reaches the balance."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ml_connector_sandbox.core.instants import DAY
from ml_connector_sandbox.square import gift_cards, orders
from ml_connector_sandbox.square.faults import Json, bad
from ml_connector_sandbox.square.pricing import whole
from ml_connector_sandbox.square.shelves import Stored
from ml_connector_sandbox.square.state import Merchant, Movement, World
from ml_connector_sandbox.square.times import parse, stamp

# means -> (Payment.source_type, Tender.type)
MEANS = {
    "card": ("CARD", "CARD"),
    "gift_card": ("CARD", "SQUARE_GIFT_CARD"),
    "cash": ("CASH", "CASH"),
    "external": ("EXTERNAL", "OTHER"),
    "wallet": ("WALLET", "WALLET"),
    "bank_account": ("BANK_ACCOUNT", "BANK_ACCOUNT"),
    "buy_now_pay_later": ("BUY_NOW_PAY_LATER", "BUY_NOW_PAY_LATER"),
    "square_account": ("SQUARE_ACCOUNT", "SQUARE_ACCOUNT"),
}
PAID_OUT = {"card", "wallet", "bank_account", "buy_now_pay_later", "square_account"}


@dataclass(frozen=True, slots=True)
class Tendered:
    """How somebody pays. `amount` is without tip; minor units."""

    means: str
    amount: int
    tip: int = 0
    brand: str = "VISA"
    last_4: str = "1111"
    external_type: str = "OTHER"
    external_source: str = "Other terminal"
    external_source_id: str = ""
    external_fee: int = 0
    supplied: int | None = None  # cash handed over
    client_created: int | None = None  # device time of an offline payment
    gift_card_id: str = ""
    customer_id: str = ""
    reference_id: str = ""
    note: str = ""
    buyer_email: str = ""
    product: str = "SQUARE_POS"
    delay_action: str = "CANCEL"

    @property
    def total(self) -> int:
        """Amount and tip."""
        return self.amount + self.tip

    @property
    def entry_method(self) -> str:
        """A card that pays through the API is typed in; at a till it is there."""
        return "KEYED" if self.product == "ECOMMERCE_API" else "EMV"


def fee_of(world: World, amount: int) -> int:
    """Square's fee on a total, half to even."""
    return whole(Decimal(amount) * Decimal(world.knobs.fee_percent) / 100) + world.knobs.fee_fixed


def take(
    world: World, merchant: Merchant, order: Stored, *, tendered: Tendered, now: int, complete: bool = True
) -> Stored:
    """A payment on an order. Not complete: it stays APPROVED, its money is only promised."""
    key = world.mint.mixed(29) + "ZY"
    offline = tendered.client_created is not None
    created = tendered.client_created if offline and world.knobs.offline_created_at == "device" else now
    body = payment_body(
        merchant, key=key, order_id=order.id, location_id=order.location, tendered=tendered, at=created or now
    )
    body["updated_at"] = stamp(now)
    body["version_token"] = world.mint.mixed(30) + "6o"
    row = merchant.payments.put(Stored(body, order.location, created or now, updated=now))
    if tendered.means == "gift_card":
        gift_cards.redeem(world, merchant, tendered.gift_card_id, amount=tendered.total, payment_id=key, now=now)
    tender = tender_body(merchant, payment=body, tendered=tendered)
    order.body.setdefault("tenders", []).append(tender)
    orders.recount(world, merchant, order)
    orders.touch(world, merchant, order, now=now)
    _tell(world, merchant, row, now=now, created=True)
    if complete:
        capture(world, merchant, row, now=now)
    return row


def payment_body(merchant: Merchant, *, key: str, order_id: str, location_id: str, tendered: Tendered, at: int) -> Json:
    """An APPROVED payment as Square shows it."""
    money, source_type = merchant.money, MEANS[tendered.means][0]
    body: Json = {"id": key, "created_at": stamp(at), "updated_at": stamp(at)}
    body["amount_money"] = money(tendered.amount)
    if tendered.tip:
        body["tip_money"] = money(tendered.tip)
    body |= {"status": "APPROVED", "source_type": source_type, "location_id": location_id, "order_id": order_id}
    body["total_money"] = money(tendered.total)
    body["approved_money"] = money(tendered.total)
    body |= _details(merchant, tendered, at)
    if tendered.means in PAID_OUT | {"gift_card"}:
        body |= {
            "delay_duration": "PT168H",
            "delay_action": tendered.delay_action,
            "delayed_until": stamp(at + 7 * DAY),
        }
    if tendered.client_created is not None:
        body["is_offline_payment"] = True
        body["offline_payment_details"] = {"client_created_at": stamp(tendered.client_created)}
    optional = {
        "customer_id": tendered.customer_id,
        "reference_id": tendered.reference_id,
        "note": tendered.note,
        "buyer_email_address": tendered.buyer_email,
    }
    body |= {k: v for k, v in optional.items() if v}
    body |= {"receipt_number": key[:4], "receipt_url": f"https://squareup.com/receipt/preview/{key}"}
    return body | {"application_details": {"square_product": tendered.product}}


def _details(merchant: Merchant, tendered: Tendered, at: int) -> Json:
    money = merchant.money
    if tendered.means == "cash":
        supplied = tendered.total if tendered.supplied is None else tendered.supplied
        change = supplied - tendered.total
        return {"cash_details": {"buyer_supplied_money": money(supplied), "change_back_money": money(change)}}
    if tendered.means == "external":
        details = {"type": tendered.external_type, "source": tendered.external_source}
        details |= {"source_id": tendered.external_source_id} if tendered.external_source_id else {}
        return {"external_details": details | {"source_fee_money": money(tendered.external_fee)}}
    if tendered.means == "wallet":
        return {"wallet_details": {"status": "AUTHORIZED", "brand": "CASH_APP"}}
    if tendered.means == "bank_account":
        return {"bank_account_details": {"bank_name": "Example Bank", "transfer_type": "ACH", "country": "IE"}}
    if tendered.means == "buy_now_pay_later":
        return {"buy_now_pay_later_details": {"brand": "CLEARPAY"}}
    if tendered.means == "square_account":
        return {"square_account_details": {"payment_source_token": "EXAMPLE"}}
    return {
        "card_details": {
            "status": "AUTHORIZED",
            "card": card_body(tendered),
            "entry_method": tendered.entry_method,
            "statement_description": f"SQ *{merchant.name}"[:50],
            "card_payment_timeline": {"authorized_at": stamp(at)},
        }
    }


def card_body(tendered: Tendered) -> Json:
    """A card as it shows on payments, tenders and refunds."""
    brand = "SQUARE_GIFT_CARD" if tendered.means == "gift_card" else tendered.brand
    card: Json = {"card_brand": brand, "last_4": tendered.last_4}
    if tendered.means != "gift_card":
        card |= {"exp_month": 11, "exp_year": 2030, "card_type": "DEBIT", "prepaid_type": "NOT_PREPAID"}
    return card | {"fingerprint": f"sq-1-{brand.lower()}-{tendered.last_4}"}


def tender_body(merchant: Merchant, *, payment: Json, tendered: Tendered) -> Json:
    """The order's view of a payment. Its amount holds the tip."""
    tender: Json = {"id": payment["id"], "location_id": payment["location_id"], "transaction_id": payment["order_id"]}
    tender |= {"created_at": payment["created_at"], "type": MEANS[tendered.means][1], "payment_id": payment["id"]}
    tender["amount_money"] = merchant.money(tendered.total)
    if tendered.tip:
        tender["tip_money"] = merchant.money(tendered.tip)
    if tendered.customer_id:
        tender["customer_id"] = tendered.customer_id
    if tendered.means in {"card", "gift_card"}:
        card = {k: v for k, v in card_body(tendered).items() if k != "prepaid_type"}
        tender["card_details"] = {"status": "AUTHORIZED", "card": card, "entry_method": tendered.entry_method}
    if tendered.means == "cash":
        supplied = payment["cash_details"]
        tender["cash_details"] = {
            "buyer_tendered_money": supplied["buyer_supplied_money"],
            "change_back_money": supplied["change_back_money"],
        }
    return tender


def means_of(body: Json) -> str:
    """The means of an existing payment."""
    if ((body.get("card_details") or {}).get("card") or {}).get("card_brand") == "SQUARE_GIFT_CARD":
        return "gift_card"
    return next(means for means, (source_type, _) in MEANS.items() if source_type == body["source_type"])


def business_time(row: Stored) -> int:
    """Device time of an offline payment, else created_at."""
    client = (row.body.get("offline_payment_details") or {}).get("client_created_at")
    if client:
        return parse(client, "client_created_at")
    return row.created


def capture(world: World, merchant: Merchant, row: Stored, *, now: int) -> None:
    """APPROVED -> COMPLETED: the money is due to the seller, the fee will show later, the order may be done."""
    body, means = row.body, means_of(row.body)
    if body["status"] != "APPROVED":
        raise bad("BAD_REQUEST", f"Payment {row.id} is {body['status']} and cannot be completed.", field="payment_id")
    body["status"] = "COMPLETED"
    for details in ("card_details", "wallet_details"):
        if details in body:
            body[details] = body[details] | {"status": "CAPTURED"}
    if "card_details" in body:
        body["card_details"]["card_payment_timeline"] = body["card_details"]["card_payment_timeline"] | {
            "captured_at": stamp(now)
        }
    changed(world, merchant, row, now=now)
    total, at = int(body["total_money"]["amount"]), business_time(row)
    merchant.movements.append(
        Movement(
            "tender", at, row.location, total, row.id, means=means, tip=(body.get("tip_money") or {}).get("amount", 0)
        )
    )
    if means in PAID_OUT:
        _earn(world, merchant, row, total=total, now=now)
    order = merchant.orders.own(body["order_id"])
    if order is not None:
        for tender in order.body.get("tenders") or []:
            if tender["id"] == row.id and "card_details" in tender:
                tender["card_details"]["status"] = "CAPTURED"
        order.forget_text()
        orders.settle(world, merchant, order, now=now, business_at=at)
        world.captured(merchant, order, row, now)


def _earn(world: World, merchant: Merchant, row: Stored, *, total: int, now: int) -> None:
    fee = fee_of(world, total)
    merchant.fees[row.id] = fee
    entry = {"type": "CHARGE", "gross": total, "fee": fee, "at": now, "details": {"payment_id": row.id}}
    merchant.balance.setdefault(row.location, []).append(entry)
    merchant.movements.append(Movement("fee", business_time(row), row.location, fee, row.id))
    tax = whole(Decimal(fee) * Decimal(world.knobs.tax_on_fee_percent) / 100)
    if tax:
        details = {"payment_id": row.id, "tax_rate_description": f"VAT {world.knobs.tax_on_fee_percent}%"}
        entry = {"type": "TAX_ON_FEE", "gross": -tax, "fee": 0, "at": now, "details": details}
        merchant.balance[row.location].append(entry)
        merchant.movements.append(Movement("adjustment", now, row.location, -tax, row.id, means="TAX_ON_FEE"))
    if fee:
        world.later(
            world.after(now, world.knobs.fee_delay_s), lambda due: _show_fee(world, merchant, row, fee=fee, now=due)
        )


def _show_fee(world: World, merchant: Merchant, row: Stored, *, fee: int, now: int) -> None:
    fees = row.body.setdefault("processing_fee", [])
    fees.append({"effective_at": stamp(now), "type": "INITIAL", "amount_money": merchant.money(fee)})
    changed(world, merchant, row, now=now)


def void(world: World, merchant: Merchant, row: Stored, *, now: int) -> None:
    """APPROVED -> CANCELED; the tender leaves the order."""
    if row.body["status"] != "APPROVED":
        raise bad(
            "BAD_REQUEST", f"Payment {row.id} is {row.body['status']} and cannot be canceled.", field="payment_id"
        )
    row.body["status"] = "CANCELED"
    if "card_details" in row.body:
        row.body["card_details"]["status"] = "VOIDED"
    changed(world, merchant, row, now=now)
    order = merchant.orders.own(row.body["order_id"])
    if order is not None:
        order.body["tenders"] = [t for t in order.body["tenders"] if t["id"] != row.id]
        orders.recount(world, merchant, order)
        orders.touch(world, merchant, order, now=now)


def changed(world: World, merchant: Merchant, row: Stored, *, now: int) -> None:
    """Note a change of the payment and tell subscribers."""
    row.body["updated_at"] = stamp(now)
    row.body["version_token"] = world.mint.mixed(30) + "6o"
    merchant.payments.changed(row, now)
    _tell(world, merchant, row, now=now, created=False)


def _tell(world: World, merchant: Merchant, row: Stored, *, now: int, created: bool) -> None:
    type_ = "payment.created" if created else "payment.updated"
    world.desk.emit(merchant, type_=type_, data_type="payment", data_id=row.id, content={"payment": row.body}, now=now)
