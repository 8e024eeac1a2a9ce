"""Verbs about invoices, disputes and payouts."""

from __future__ import annotations

from ml_connector_sandbox.core.instants import day_of
from ml_connector_sandbox.paypal import disputes, invoices, payments, payouts
from ml_connector_sandbox.paypal.api_invoices import INVOICE
from ml_connector_sandbox.paypal.calls import check
from ml_connector_sandbox.paypal.control_trade import merchant_of, moment, money, payer_of, rate_of, some_money
from ml_connector_sandbox.paypal.disputes import Dispute
from ml_connector_sandbox.paypal.invoices import Invoice
from ml_connector_sandbox.paypal.money import text, wire
from ml_connector_sandbox.paypal.payments import Sale
from ml_connector_sandbox.paypal.payouts import Batch, Item
from ml_connector_sandbox.paypal.refusals import Json
from ml_connector_sandbox.paypal.state import Merchant, World


def invoice_body(merchant: Merchant, arguments: Json, at: int) -> Json:
    """The API body of an invoice from plain arguments: `items` of {name, price, quantity, tax (percent), discount}."""
    currency = str(arguments.get("currency", merchant.currency))
    items = []
    for given in arguments.get("items") or [{"name": "Consulting", "price": "1000.00", "tax": "25"}]:
        item: Json = {"name": given["name"], "quantity": str(given.get("quantity", "1"))}
        item["unit_amount"] = {"currency_code": currency, "value": given["price"]}
        item |= {"tax": {"name": "VAT", "percent": str(given["tax"])}} if given.get("tax") else {}
        item |= {"discount": {"percent": str(given["discount"])}} if given.get("discount") else {}
        items.append(item)
    detail: Json = {"currency_code": currency, "invoice_date": arguments.get("date", day_of(at).isoformat())}
    detail["payment_term"] = {"term_type": str(arguments.get("term", "NET_30"))}
    detail |= {"invoice_number": arguments["number"]} if arguments.get("number") else {}
    detail |= {"reference": arguments["reference"]} if arguments.get("reference") else {}
    bill: Json = {"business_name": "Example Kund AB", "email_address": "ap@kund.example.com"}
    bill |= {"address": {"country_code": merchant.country}} | dict(arguments.get("recipient") or {})
    body: Json = {"detail": detail, "primary_recipients": [{"billing_info": bill}], "items": items}
    body["configuration"] = {
        "partial_payment": {"allow_partial_payment": bool(arguments.get("partial", True))},
        "tax_inclusive": bool(arguments.get("tax_inclusive", False)),
    }
    breakdown: Json = {}
    if arguments.get("discount"):
        breakdown["discount"] = {"invoice_discount": {"percent": str(arguments["discount"])}}
    if arguments.get("shipping"):
        breakdown["shipping"] = {"amount": {"currency_code": currency, "value": arguments["shipping"]}}
    return body | ({"amount": {"breakdown": breakdown}} if breakdown else {})


def invoice(world: World, arguments: Json, now: int) -> Json:
    """An invoice made on PayPal's page (`elsewhere`) or by the application; sent unless `send` is false."""
    merchant, at = merchant_of(world, arguments), moment(arguments, now)
    app = "" if arguments.get("elsewhere") else world.app_of(merchant, arguments.get("client_id")).client_id
    body = arguments.get("body") or invoice_body(merchant, arguments, at)
    check(body, INVOICE)
    made = invoices.draft(world, merchant, body, at, client_id=app)
    made.parent_id = str(arguments.get("parent_id", ""))
    made.flow = str(arguments.get("flow", made.flow))
    if arguments.get("send", True):
        invoices.send(world, merchant, made, at, to_recipient=bool(arguments.get("mail", True)))
    return _shown(world, merchant, made)


def _shown(world: World, merchant: Merchant, made: Invoice) -> Json:
    return {
        "invoice_id": made.id, "number": made.number, "status": made.status, "currency": made.currency,
        "total": text(made.sums.total, made.currency), "due": text(made.due, made.currency),
        "mails": list(made.mails), "invoice": invoices.show(world, merchant, made),
    }  # fmt: skip


def _invoice(merchant: Merchant, arguments: Json) -> Invoice:
    found = merchant.invoices.get(str(arguments["invoice_id"]))
    if found is None:
        raise ValueError(f"No invoice {arguments['invoice_id']}: use the invoice_id a verb or the API returned.")
    return found


def invoice_pay(world: World, arguments: Json, now: int) -> Json:
    """The customer pays by PayPal: `amount` (all that is due), `tip`, `fee`, `pending`."""
    merchant, at = merchant_of(world, arguments), moment(arguments, now)
    made = _invoice(merchant, arguments)
    tip = some_money(arguments, "tip", made.currency) or 0
    amount = some_money(arguments, "amount", made.currency)
    amount = made.due if amount is None else amount
    if not 0 < amount <= made.due:
        raise ValueError(f"Invoice {made.id}: {text(made.due, made.currency)} is due, pay at most that.")
    readable = world.knobs.invoice_payments_readable
    sale = Sale(
        amount + tip, made.currency, invoices.payer_of(made, payer_of(world, merchant, arguments.get("payer"))),
        client_id=made.client_id if readable else "", fee=some_money(arguments, "fee", made.currency),
        invoice_id=made.number, code=str(arguments.get("code", "T0007")), paypal_invoice_id=made.id,
        pending=str(arguments.get("pending", "")), converted=arguments.get("convert"), rate=rate_of(arguments),
    )  # fmt: skip
    made.gratuity += tip
    capture = invoices.pay(world, merchant, made, sale, at)
    fee, net = text(capture.fee, made.currency), text(amount + tip - capture.fee, made.currency)
    return _shown(world, merchant, made) | {"capture_id": capture.id, "fee": fee, "net": net}


def invoice_cancel(world: World, arguments: Json, now: int) -> Json:
    """Cancelled by a person; `automatic` gives AUTO_CANCELLED."""
    merchant, at = merchant_of(world, arguments), moment(arguments, now)
    made = _invoice(merchant, arguments)
    invoices.cancel(world, merchant, made, at)
    if arguments.get("automatic"):
        made.status = "AUTO_CANCELLED"
    return _shown(world, merchant, made)


def invoice_edit(world: World, arguments: Json, now: int) -> Json:
    """A person changes a sent invoice on PayPal's page: other `items`, or a whole `body`."""
    merchant, at = merchant_of(world, arguments), moment(arguments, now)
    made = _invoice(merchant, arguments)
    fresh = {"currency": made.currency, "number": made.number, "date": made.invoice_date.isoformat()} | arguments
    body = arguments.get("body") or invoice_body(merchant, fresh, at)
    check(body, INVOICE)
    invoices.change(world, merchant, made, body, at)
    return _shown(world, merchant, made)


def invoice_record(world: World, arguments: Json, now: int) -> Json:
    """A person records money outside PayPal: `amount` paid, or with `refund` given back; negative removes nothing."""
    merchant, at = merchant_of(world, arguments), moment(arguments, now)
    made = _invoice(merchant, arguments)
    amount = money(arguments, "amount", made.currency)
    back = bool(arguments.get("refund", False))
    limit = made.paid - sum(r.amount for r in made.refunds) if back else made.due
    if not 0 < amount <= limit:
        raise ValueError(f"Invoice {made.id}: record at most {text(limit, made.currency)}.")
    key = f"EXTR-{world.mint.transaction()}"
    method = str(arguments.get("method", "BANK_TRANSFER"))
    entry = invoices.Entry(key, "EXTERNAL", day_of(at), method, amount, "" if back else str(arguments.get("note", "")))
    (made.refunds if back else made.payments).append(entry)
    invoices.settle(world, merchant, made, at, "REFUNDED" if back else "PAID")
    return _shown(world, merchant, made) | {"entry_id": key}


def dispute(world: World, arguments: Json, now: int) -> Json:
    """Open (`capture_id`), move on (`dispute_id` with `status`, `stage`) or end (`dispute_id` with `outcome`)."""
    merchant, at = merchant_of(world, arguments), moment(arguments, now)
    if not arguments.get("dispute_id"):
        return _open(world, merchant, arguments, at)
    made = merchant.disputes.get(str(arguments["dispute_id"]))
    if made is None:
        raise ValueError(f"No dispute {arguments['dispute_id']}: use the dispute_id that opening returned.")
    if arguments.get("outcome"):
        outcome = {"won": "RESOLVED_SELLER_FAVOUR", "lost": "RESOLVED_BUYER_FAVOUR"}.get(
            str(arguments["outcome"]), str(arguments["outcome"])
        )
        _among(outcome, disputes.OUTCOMES, "outcome")
        refunded = some_money(arguments, "refunded", made.currency)
        refunded = made.amount if refunded is None else refunded
        disputes.resolve(world, merchant, made, at, outcome=outcome, refunded=refunded)
    else:
        status, stage = str(arguments.get("status", made.status)), str(arguments.get("stage", made.stage))
        _among(status, disputes.STATUSES, "status")
        _among(stage, disputes.STAGES, "stage")
        disputes.move_on(world, made, at, status=status, stage=stage)
    return {"dispute_id": made.id, "dispute": disputes.show(world, made)}


def _among(value: str, allowed: set[str], name: str) -> None:
    if value not in allowed:
        raise ValueError(f"No {name} {value}: use one of {', '.join(sorted(allowed))}.")


def _open(world: World, merchant: Merchant, arguments: Json, at: int) -> Json:
    capture = merchant.captures.get(str(arguments["capture_id"]))
    if capture is None or capture.status == "PENDING":
        raise ValueError(f"No completed capture {arguments['capture_id']}: use a capture_id of a completed payment.")
    sale = capture.sale
    amount = some_money(arguments, "amount", sale.currency)
    amount = sale.amount if amount is None else amount
    if not 0 < amount <= sale.amount:
        raise ValueError(f"A dispute of {text(amount, sale.currency)} does not fit the payment.")
    reason = str(arguments.get("reason", "MERCHANDISE_OR_SERVICE_NOT_RECEIVED"))
    channel = str(arguments.get("channel", "INTERNAL"))
    stage = str(arguments.get("stage", "CHARGEBACK" if channel == "EXTERNAL" else "INQUIRY"))
    _among(reason, disputes.REASONS, "reason")
    _among(channel, {"INTERNAL", "EXTERNAL", "ALERT"}, "channel")
    _among(stage, disputes.STAGES, "stage")
    key = f"PP-{'R' if channel == 'INTERNAL' else 'D'}-{world.mint.code(8)}"
    made = Dispute(
        key, sale.client_id, capture.id, amount, sale.currency, sale.amount, sale.payer, reason, channel, stage, at, at,
        invoice_number=sale.invoice_id,
    )  # fmt: skip
    fee = some_money(arguments, "fee", sale.currency) or 0
    disputes.open_case(world, merchant, made, at, hold=bool(arguments.get("hold", True)), fee=fee)
    return {"dispute_id": made.id, "dispute": disputes.show(world, made)}


def reverse(world: World, arguments: Json, now: int) -> Json:
    """A payment's money goes without a row of its own: its row becomes V and leaves the balance."""
    merchant, at = merchant_of(world, arguments), moment(arguments, now)
    capture = merchant.captures.get(str(arguments["capture_id"]))
    if capture is None or capture.row is None or capture.status == "PENDING":
        raise ValueError(f"No completed capture {arguments['capture_id']}: use a capture_id of a completed payment.")
    capture.charged_back = True
    capture.row = merchant.ledger.change(capture.row, at, status="V", in_balance=False)
    payments.tell(world, capture, "PAYMENT.CAPTURE.REVERSED", at)
    return {"capture_id": capture.id, "gone": wire(-capture.row.net, capture.sale.currency)}


def payout(world: World, arguments: Json, now: int) -> Json:
    """Mass payments out: `items` of {receiver, amount, fee, status, sender_item_id, note}."""
    merchant, at = merchant_of(world, arguments), moment(arguments, now)
    currency = str(arguments.get("currency", merchant.currency))
    items = []
    for given in arguments["items"]:
        fee = some_money(given, "fee", currency) or 0
        items.append(
            Item(
                world.mint.code(13), world.mint.transaction(), str(given.get("receiver", "payee@example.com")),
                money(given, "amount", currency), fee, str(given.get("status", "SUCCESS")),
                str(given.get("sender_item_id", "")), str(given.get("note", "")), at,
            )
        )  # fmt: skip
    key = world.mint.code(13)
    batch = Batch(key, str(arguments.get("sender_batch_id", key)), currency, items, at)
    payouts.pay_out(world, merchant, batch, at)
    ids = {"item_ids": [i.id for i in items], "transaction_ids": [i.transaction_id for i in items]}
    return {"payout_batch_id": batch.id} | ids


def return_payout(world: World, arguments: Json, now: int) -> Json:
    """A payout item comes back."""
    merchant, at = merchant_of(world, arguments), moment(arguments, now)
    for batch in merchant.batches.values():
        for item in batch.items:
            if item.id == str(arguments["item_id"]):
                payouts.give_back(world, merchant, item, at, currency=batch.currency)
                return {"item_id": item.id, "status": item.status}
    raise ValueError(f"No payout item {arguments['item_id']}: use an item_id that payout returned.")
