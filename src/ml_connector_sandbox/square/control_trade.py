"""The control verbs that trade: sales, refunds, invoices, payouts, gift cards, disputes, parties."""

from __future__ import annotations

from decimal import Decimal

from ml_connector_sandbox.square import disputes, gift_cards, invoices, orders, parties, payments, payouts, trade
from ml_connector_sandbox.square.faults import Json
from ml_connector_sandbox.square.shelves import Stored
from ml_connector_sandbox.square.state import Merchant, World, must
from ml_connector_sandbox.square.times import parse, stamp


def moment(arguments: Json, now: int) -> int:
    """The instant a verb speaks of: `at`, not later than now, else now."""
    if not arguments.get("at"):
        return now
    at = parse(str(arguments["at"]), "at")
    if at > now:
        raise ValueError(f"at {arguments['at']} is in the future ({stamp(now)} now): ask again when it has come.")
    return at


def merchant_of(world: World, arguments: Json) -> Merchant:
    """The merchant a verb speaks of."""
    return world.merchant(arguments.get("merchant_id"))


def sell(world: World, arguments: Json, now: int) -> Json:
    """A sale at the till."""
    if arguments.get("offline_at"):
        arguments = arguments | {"offline_at": parse(str(arguments["offline_at"]), "offline_at")}
    order, rows = trade.sell(world, merchant_of(world, arguments), arguments, moment(arguments, now))
    return {
        "order_id": order.id,
        "payment_ids": [row.id for row in rows],
        "order": order.body,
        "payments": [row.body for row in rows],
    }


def complete(world: World, arguments: Json, now: int) -> Json:
    """Capture or void an APPROVED payment."""
    merchant = merchant_of(world, arguments)
    row = must(merchant.payments.own(arguments["payment_id"]), "Payment", arguments["payment_id"])
    if arguments.get("cancel"):
        payments.void(world, merchant, row, now=moment(arguments, now))
    else:
        payments.capture(world, merchant, row, now=moment(arguments, now))
    return {"payment": row.body}


def pay(world: World, arguments: Json, now: int) -> Json:
    """A further tender on an OPEN order."""
    merchant = merchant_of(world, arguments)
    order = must(merchant.orders.own(arguments["order_id"]), "Order", arguments["order_id"])
    spec = arguments.get("tender") or {}
    tendered = trade.tendered_of(spec, amount=orders.amount_due(order, world))
    row = payments.take(world, merchant, order, tendered=tendered, now=moment(arguments, now))
    return {"payment_id": row.id, "payment": row.body, "order": order.body}


def refund(world: World, arguments: Json, now: int) -> Json:
    """A refund of a payment, a sale, or nobody's payment."""
    rows = trade.refund(world, merchant_of(world, arguments), arguments, moment(arguments, now))
    return {
        "refund_ids": [r.id for r in rows],
        "order_id": rows[0].body["order_id"],
        "refunds": [r.body for r in rows],
    }


def _requests(arguments: Json) -> list[Json]:
    """Payment requests from {"due_date", "deposit_percent"?, "instalments"?}."""
    due = arguments["due_date"]
    count = int(arguments.get("instalments", 0))
    wanted: list[Json] = []
    if arguments.get("deposit_percent"):
        share = str(arguments["deposit_percent"])
        wanted.append({"request_type": "DEPOSIT", "due_date": due, "percentage_requested": share})
    if not count:
        return [
            *wanted,
            {"request_type": "BALANCE", "due_date": due, "tipping_enabled": bool(arguments.get("tipping"))},
        ]
    rest = 100 - Decimal(str(arguments.get("deposit_percent", 0)))
    share = f"{rest / count:.4f}"
    return wanted + [
        {"request_type": "INSTALLMENT", "due_date": due, "percentage_requested": share} for _ in range(count)
    ]


def invoice(world: World, arguments: Json, now: int) -> Json:
    """An invoice with its order, published unless told otherwise."""
    merchant, at = merchant_of(world, arguments), moment(arguments, now)
    customer_id = arguments.get("customer_id") or customer(world, arguments.get("customer") or {}, now)["customer_id"]
    location_id = str(merchant.location(arguments.get("location_id"))["id"])
    request = trade.request_of(merchant, arguments | {"customer_id": customer_id})
    order = orders.open_order(world, merchant, request=request, location_id=location_id, now=at, source="Invoices")
    wanted: Json = {"order_id": order.id, "primary_recipient": {"customer_id": customer_id}}
    wanted |= {
        k: arguments[k] for k in ("invoice_number", "title", "scheduled_at", "sale_or_service_date") if k in arguments
    }
    wanted["payment_requests"] = arguments.get("payment_requests") or _requests(arguments)
    row = invoices.draft(world, merchant, request=wanted, now=at)
    if arguments.get("publish", True):
        invoices.publish(world, merchant, row, now=at)
    return {"invoice_id": row.id, "order_id": order.id, "customer_id": customer_id, "invoice": row.body}


def _invoice_of(merchant: Merchant, arguments: Json) -> Stored:
    return must(merchant.invoices.own(arguments["invoice_id"]), "Invoice", arguments["invoice_id"])


def invoice_publish(world: World, arguments: Json, now: int) -> Json:
    """A draft becomes the customer's."""
    merchant = merchant_of(world, arguments)
    row = _invoice_of(merchant, arguments)
    invoices.publish(world, merchant, row, now=moment(arguments, now))
    return {"invoice": row.body}


def invoice_pay(world: World, arguments: Json, now: int) -> Json:
    """A payment towards an invoice."""
    merchant = merchant_of(world, arguments)
    row = _invoice_of(merchant, arguments)
    due = (row.body.get("next_payment_amount_money") or {}).get("amount", 0)
    spec = {k: v for k, v in arguments.items() if k not in {"merchant_id", "invoice_id", "at", "rounding"}}
    rounding = int(arguments.get("rounding", 0))
    tendered = trade.tendered_of(spec, amount=due + rounding, product="INVOICES")
    payment = invoices.pay(world, merchant, row, tendered=tendered, rounding=rounding, now=moment(arguments, now))
    return {"payment_id": payment.id, "payment": payment.body, "invoice": row.body}


def invoice_cancel(world: World, arguments: Json, now: int) -> Json:
    """Cancel an invoice."""
    merchant = merchant_of(world, arguments)
    row = _invoice_of(merchant, arguments)
    invoices.cancel(world, merchant, row, now=moment(arguments, now))
    return {"invoice": row.body}


def payout(world: World, arguments: Json, now: int) -> Json:
    """A payout, or with `payout_id` the end of one."""
    merchant, at = merchant_of(world, arguments), moment(arguments, now)
    if arguments.get("payout_id"):
        row = must(merchant.payouts.own(arguments["payout_id"]), "Payout", arguments["payout_id"])
        payouts.conclude_now(world, merchant, row, fail=bool(arguments.get("fail")), now=at)
        return {"payout_id": row.id, "payout": row.body}
    location_id = str(merchant.location(arguments.get("location_id"))["id"])
    for entry in arguments.get("entries") or []:
        payouts.add_entry(merchant, location_id, payouts.scripted(entry, at))
    fail = bool(arguments.get("fail"))
    if arguments.get("type", "BATCH") == "SIMPLE":
        amount = int(arguments["amount"])
        made: Stored | None = payouts.simple(world, merchant, location_id=location_id, amount=amount, now=at, fail=fail)
    else:
        until = parse(str(arguments["until"]), "until") if arguments.get("until") else None
        extra: Json = {
            k: arguments[k] for k in ("destination", "payout_fee", "arrival_date", "end_to_end_id") if k in arguments
        }
        made = payouts.batch(world, merchant, location_id=location_id, now=at, until=until, fail=fail, extra=extra)
    return {"payout_id": made.id if made else None, "payout": made.body if made else None}


def entry(world: World, arguments: Json, now: int) -> Json:
    """An entry for the next BATCH."""
    merchant = merchant_of(world, arguments)
    location_id = str(merchant.location(arguments.get("location_id"))["id"])
    entry = payouts.scripted(arguments, moment(arguments, now))
    payouts.add_entry(merchant, location_id, entry)
    return {"net": entry["gross"] - entry["fee"]}


def gift_card(world: World, arguments: Json, now: int) -> Json:
    """Sell a card (default), or read one with `gift_card_id`."""
    merchant = merchant_of(world, arguments)
    if arguments.get("gift_card_id") and not arguments.get("amount"):
        card = must(merchant.gift_cards.own(arguments["gift_card_id"]), "Gift card", arguments["gift_card_id"])
        return {"gift_card_id": card.id, "gift_card": card.body}
    at = moment(arguments, now)
    reload = merchant.gift_cards.own(arguments["gift_card_id"]) if arguments.get("gift_card_id") else None
    card = reload or gift_cards.issue(world, merchant, now=at)
    lines = [{"amount": int(arguments.get("amount", 50000)), "gift_card": card.id}]
    sale = {k: v for k, v in arguments.items() if k in {"location_id", "means", "tenders", "customer_id"}}
    order, rows = trade.sell(world, merchant, sale | {"lines": lines}, at)
    ids = [r.id for r in rows]
    return {"gift_card_id": card.id, "gift_card": card.body, "order_id": order.id, "payment_ids": ids}


def dispute(world: World, arguments: Json, now: int) -> Json:
    """Open a dispute, or move one on."""
    merchant, at = merchant_of(world, arguments), moment(arguments, now)
    if arguments.get("dispute_id"):
        row = must(merchant.disputes.own(arguments["dispute_id"]), "Dispute", arguments["dispute_id"])
        disputes.conclude(world, merchant, row, state=str(arguments["state"]), now=at)
    else:
        payment = must(merchant.payments.own(arguments["payment_id"]), "Payment", arguments["payment_id"])
        row = disputes.open_dispute(
            world, merchant, payment, amount=arguments.get("amount"), reason=arguments.get("reason", "NOT_RECEIVED"),
            state=arguments.get("state", "EVIDENCE_REQUIRED"), now=at,
        )  # fmt: skip
    return {"dispute_id": row.id, "dispute": row.body}


def customer(world: World, arguments: Json, now: int) -> Json:
    """Make, change, delete or merge customers."""
    merchant, at = merchant_of(world, arguments), moment(arguments, now)
    if arguments.get("merge"):
        row = parties.merge_customers(world, merchant, arguments["merge"], at)
    elif arguments.get("customer_id"):
        row = must(merchant.customers.own(arguments["customer_id"]), "Customer", arguments["customer_id"])
        if arguments.get("delete"):
            parties.delete_customer(world, merchant, row, at)
        else:
            changes = {k: v for k, v in arguments.items() if k in parties.CUSTOMER_FIELDS}
            parties.update_customer(world, merchant, row, changes, at)
    else:
        example = {"company_name": "Example Office Ltd", "email_address": "accounts@office.example.test"}
        given = {k: v for k, v in arguments.items() if k in parties.CUSTOMER_FIELDS}
        source = arguments.get("creation_source", "DIRECTORY")
        row = parties.create_customer(world, merchant, given or example, at, source=source)
    return {"customer_id": row.id, "customer": row.body}


def vendor(world: World, arguments: Json, now: int) -> Json:
    """Make or change a vendor."""
    merchant, at = merchant_of(world, arguments), moment(arguments, now)
    given = {k: v for k, v in arguments.items() if k in parties.VENDOR_FIELDS}
    if arguments.get("vendor_id"):
        row = must(merchant.vendors.own(arguments["vendor_id"]), "Vendor", arguments["vendor_id"])
        parties.update_vendor(world, merchant, row, given, at)
    else:
        row = parties.create_vendor(world, merchant, {"name": f"Supplier {len(merchant.vendors.rows) + 1}"} | given, at)
    return {"vendor_id": row.id, "vendor": row.body}
