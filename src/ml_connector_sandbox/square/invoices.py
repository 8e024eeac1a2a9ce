"""Invoices: DRAFT, published, paid in parts, cancelled, refunded. Lines and taxes live on the order."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from ml_connector_sandbox.core.instants import stamp_s
from ml_connector_sandbox.square import orders, payments
from ml_connector_sandbox.square.faults import Json, bad
from ml_connector_sandbox.square.pricing import number, whole
from ml_connector_sandbox.square.shelves import Stored
from ml_connector_sandbox.square.state import Merchant, World, must
from ml_connector_sandbox.square.times import parse

OPEN_STATES = {"UNPAID", "SCHEDULED", "PARTIALLY_PAID"}


def draft(world: World, merchant: Merchant, *, request: Json, now: int) -> Stored:
    """A DRAFT invoice of an OPEN order. `request` is the invoice of CreateInvoice."""
    order = must(merchant.orders.own(str(request.get("order_id") or "")), "Order", str(request.get("order_id")))
    if order.body["state"] != "OPEN" or order.id in merchant.invoice_of_order:
        raise bad("BAD_REQUEST", f"Order {order.id} is not open or has an invoice.", field="invoice.order_id")
    location_id = request.get("location_id") or order.location
    if location_id != order.location:
        raise bad("BAD_REQUEST", "The invoice and its order must be of one location.", field="invoice.location_id")
    body: Json = {"id": f"inv:0-{world.mint.mixed(22)}", "version": 0, "location_id": location_id, "order_id": order.id}
    optional = ("title", "description", "scheduled_at", "sale_or_service_date", "payment_conditions", "custom_fields")
    body |= {k: request[k] for k in optional if request.get(k)}
    body["primary_recipient"] = _recipient(merchant, request.get("primary_recipient") or {})
    body["payment_requests"] = [_request(world, r) for r in request.get("payment_requests") or []]
    body["delivery_method"] = request.get("delivery_method") or "EMAIL"
    body["invoice_number"] = request.get("invoice_number") or _next_number(merchant, location_id)
    _unique_number(merchant, body)
    body["accepted_payment_methods"] = {
        k: bool((request.get("accepted_payment_methods") or {"card": True}).get(k))
        for k in ("card", "square_gift_card", "bank_account", "buy_now_pay_later", "cash_app_pay")
    }
    body |= {"status": "DRAFT", "timezone": merchant.zone(location_id), "store_payment_method_enabled": False}
    body |= {"created_at": stamp_s(now), "updated_at": stamp_s(now)}
    row = merchant.invoices.put(Stored(body, location_id, now))
    merchant.invoice_of_order[order.id] = row.id
    _compute(merchant, body, orders.price_before_tips(order, world))
    _tell(world, merchant, row, type_="invoice.created", now=now)
    return row


def _recipient(merchant: Merchant, wanted: Json) -> Json:
    customer = must(
        merchant.customers.own(str(wanted.get("customer_id") or "")), "Customer", str(wanted.get("customer_id"))
    )
    kept = ("given_name", "family_name", "email_address", "phone_number", "company_name", "address")
    shown = {"customer_id": customer.id} | {k: customer.body[k] for k in kept if customer.body.get(k)}
    return shown | ({"tax_ids": customer.body["tax_ids"]} if customer.body.get("tax_ids") else {})


def _request(world: World, wanted: Json) -> Json:
    if wanted.get("request_type") not in {"BALANCE", "DEPOSIT", "INSTALLMENT"}:
        raise bad("INVALID_ENUM_VALUE", "Expected BALANCE, DEPOSIT or INSTALLMENT.", field="invoice.payment_requests")
    try:
        date.fromisoformat(str(wanted.get("due_date")))
    except ValueError:
        raise bad(
            "INVALID_DATE", "A payment request needs a due_date.", field="invoice.payment_requests.due_date"
        ) from None
    base = {"uid": world.mint.uuid(), "automatic_payment_source": "NONE", "tipping_enabled": False}
    return base | {k: v for k, v in wanted.items() if v is not None}


def _next_number(merchant: Merchant, location_id: str) -> str:
    merchant.invoice_numbers[location_id] = merchant.invoice_numbers.get(location_id, 0) + 1
    return f"{merchant.invoice_numbers[location_id]:06d}"


def _unique_number(merchant: Merchant, body: Json) -> None:
    for row in merchant.invoices.rows.values():
        if row.location == body["location_id"] and row.body["invoice_number"] == body["invoice_number"]:
            raise bad(
                "BAD_REQUEST", f"Invoice number {body['invoice_number']} is taken.", field="invoice.invoice_number"
            )


def _compute(merchant: Merchant, body: Json, total: int) -> None:
    """Amounts of the requests: fixed ones and shares first, the BALANCE (or last instalment) takes the rest."""
    requests, left = body["payment_requests"], total
    for n, request in enumerate(requests):
        last = n == len(requests) - 1 or request["request_type"] == "BALANCE"
        if request.get("percentage_requested") and not last:
            share = number(request["percentage_requested"], "percentage_requested")
            amount = whole(Decimal(total) * share / 100)
        elif request.get("fixed_amount_requested_money") and not last:
            amount = merchant.amount(request["fixed_amount_requested_money"], "fixed_amount_requested_money")
        else:
            amount = left
        if amount > left:
            raise bad("BAD_REQUEST", "The payment requests exceed the order.", field="invoice.payment_requests")
        left -= amount
        request["computed_amount_money"] = merchant.money(amount)
        request.setdefault("total_completed_amount_money", merchant.money(0))
    _next_payment(merchant, body)


def _open_part(request: Json) -> int:
    return int(request["computed_amount_money"]["amount"]) - int(request["total_completed_amount_money"]["amount"])


def _next_payment(merchant: Merchant, body: Json) -> None:
    body.pop("next_payment_amount_money", None)
    unpaid = [_open_part(r) for r in body["payment_requests"] if _open_part(r) > 0]
    if unpaid and body["status"] in OPEN_STATES:
        body["next_payment_amount_money"] = merchant.money(unpaid[0])


def update(world: World, merchant: Merchant, row: Stored, *, changes: Json, now: int) -> None:
    """Change texts, dates and, in a draft, the payment requests."""
    if row.body["status"] not in OPEN_STATES | {"DRAFT"}:
        raise bad("BAD_REQUEST", f"Invoice {row.id} is {row.body['status']}.", field="invoice")
    allowed = {"title", "description", "scheduled_at", "sale_or_service_date", "payment_conditions", "delivery_method"}
    row.body |= {k: v for k, v in changes.items() if k in allowed}
    if changes.get("payment_requests") and row.body["status"] == "DRAFT":
        row.body["payment_requests"] = [_request(world, r) for r in changes["payment_requests"]]
        order = must(merchant.orders.own(row.body["order_id"]), "Order", row.body["order_id"])
        _compute(merchant, row.body, orders.price_before_tips(order, world))
    _changed(world, merchant, row, type_="invoice.updated", now=now)


def publish(world: World, merchant: Merchant, row: Stored, *, now: int) -> None:
    """DRAFT -> SCHEDULED or UNPAID. A scheduled one becomes UNPAID at its time."""
    if row.body["status"] != "DRAFT":
        raise bad("BAD_REQUEST", f"Invoice {row.id} is {row.body['status']}.", field="invoice_id")
    if not row.body["payment_requests"]:
        raise bad("BAD_REQUEST", "A published invoice needs payment requests.", field="invoice.payment_requests")
    due = parse(row.body["scheduled_at"], "scheduled_at") if row.body.get("scheduled_at") else now
    row.body["status"] = "SCHEDULED" if due > now else "UNPAID"
    row.body["public_url"] = f"https://squareup.com/pay-invoice/{row.id}"
    _next_payment(merchant, row.body)
    _changed(world, merchant, row, type_="invoice.published", now=now)
    if due > now:
        world.later(due, lambda at: _send(world, merchant, row, now=at))


def _send(world: World, merchant: Merchant, row: Stored, *, now: int) -> None:
    if row.body["status"] == "SCHEDULED":
        row.body["status"] = "UNPAID"
        _changed(world, merchant, row, type_="invoice.updated", now=now)


def pay(
    world: World, merchant: Merchant, row: Stored, *, tendered: payments.Tendered, rounding: int = 0, now: int
) -> Stored:
    """A payment towards the invoice: a tender on its order. `rounding` is what cash rounding adds."""
    if row.body["status"] not in OPEN_STATES:
        raise bad("BAD_REQUEST", f"Invoice {row.id} is {row.body['status']} and cannot be paid.", field="invoice_id")
    order = must(merchant.orders.own(row.body["order_id"]), "Order", row.body["order_id"])
    if not 0 < tendered.amount <= orders.amount_due(order, world) + rounding:
        raise bad("BAD_REQUEST", f"Invoice {row.id} is not open for {tendered.amount}.", field="amount_money")
    orders.add_rounding(world, merchant, order, rounding)
    return payments.take(world, merchant, order, tendered=tendered, now=now)


def paid(world: World, merchant: Merchant, order: Stored, *, amount: int, rounding: int = 0, now: int) -> None:
    """Credit a captured payment to the requests of the order's invoice, if it has one."""
    key = merchant.invoice_of_order.get(order.id)
    if key is None:
        return
    row = must(merchant.invoices.own(key), "Invoice", key)
    if any("rounding_adjustment_included_money" in r for r in row.body["payment_requests"]):
        rounding = 0  # an earlier payment held it
    left = amount - rounding
    for request in row.body["payment_requests"]:
        part = min(left, _open_part(request))
        left -= part
        request["total_completed_amount_money"] = merchant.money(
            request["total_completed_amount_money"]["amount"] + part
        )
        if rounding and part:
            request["rounding_adjustment_included_money"] = merchant.money(rounding)
            rounding = 0
    done = all(_open_part(r) <= 0 for r in row.body["payment_requests"])
    row.body["status"] = "PAID" if done else "PARTIALLY_PAID"
    _next_payment(merchant, row.body)
    _changed(world, merchant, row, type_="invoice.payment_made", now=now)


def cancel(world: World, merchant: Merchant, row: Stored, *, now: int) -> None:
    """An open invoice -> CANCELED. What was paid stays paid; a part-paid order stays open."""
    if row.body["status"] not in OPEN_STATES:
        raise bad(
            "BAD_REQUEST", f"Invoice {row.id} is {row.body['status']} and cannot be canceled.", field="invoice_id"
        )
    row.body["status"] = "CANCELED"
    _next_payment(merchant, row.body)
    order = must(merchant.orders.own(row.body["order_id"]), "Order", row.body["order_id"])
    if not order.body.get("tenders"):
        orders.cancel(world, merchant, order, now=now)
    _changed(world, merchant, row, type_="invoice.canceled", now=now)


def delete(world: World, merchant: Merchant, row: Stored, *, now: int) -> None:
    """Remove a DRAFT; its order is cancelled."""
    if row.body["status"] != "DRAFT":
        raise bad(
            "BAD_REQUEST", f"Invoice {row.id} is {row.body['status']}; only drafts are deleted.", field="invoice_id"
        )
    merchant.invoices.remove(row)
    del merchant.invoice_of_order[row.body["order_id"]]
    orders.cancel(world, merchant, must(merchant.orders.own(row.body["order_id"]), "Order", row.id), now=now)
    _tell(world, merchant, row, type_="invoice.deleted", now=now)


def refunded(world: World, merchant: Merchant, order_id: str, *, now: int) -> None:
    """After a refund of one of its payments: PARTIALLY_REFUNDED, or REFUNDED when all came back."""
    key = merchant.invoice_of_order.get(order_id)
    order = merchant.orders.own(order_id)
    if key is None or order is None:
        return
    row = must(merchant.invoices.own(key), "Invoice", key)
    rows = [merchant.payments.own(t["id"]) for t in order.body.get("tenders") or []]
    taken = sum(r.body["total_money"]["amount"] for r in rows if r)
    back = sum((r.body.get("refunded_money") or {}).get("amount", 0) for r in rows if r)
    row.body["status"] = "REFUNDED" if back >= taken else "PARTIALLY_REFUNDED"
    _changed(world, merchant, row, type_="invoice.refunded", now=now)


def _changed(world: World, merchant: Merchant, row: Stored, *, type_: str, now: int) -> None:
    row.body["version"] += 1
    row.body["updated_at"] = stamp_s(now)
    merchant.invoices.changed(row, now)
    _tell(world, merchant, row, type_=type_, now=now)


def _tell(world: World, merchant: Merchant, row: Stored, *, type_: str, now: int) -> None:
    gone = type_ == "invoice.deleted"
    content: Any = None if gone else {"invoice": row.body}
    world.desk.emit(
        merchant, type_=type_, data_type="invoice", data_id=row.id, content=content, now=now,
        location_id=row.location, deleted=gone,
    )  # fmt: skip
