"""Verbs that trade: customers pay invoices or without one, slowly, wrongly, too much; money goes back."""

from __future__ import annotations

from decimal import Decimal

from ml_connector_sandbox.stripe import (
    balances,
    charges,
    customers,
    finalizing,
    invoices,
    ledger,
    lines,
    refunds,
    settling,
)
from ml_connector_sandbox.stripe.charges import Means
from ml_connector_sandbox.stripe.currencies import check_amount, currency_of
from ml_connector_sandbox.stripe.ledger import Movement
from ml_connector_sandbox.stripe.refusals import Json
from ml_connector_sandbox.stripe.rendering import shown
from ml_connector_sandbox.stripe.seeding import book_of
from ml_connector_sandbox.stripe.state import Book, World
from ml_connector_sandbox.stripe.times import read


def moment(arguments: Json, now: int) -> int:
    """When it happens: `at`, not in the future, else now."""
    if not arguments.get("at"):
        return now
    at = read(str(arguments["at"]))
    if at > now:
        raise ValueError(f"{arguments['at']} is in the future: move the clock, or leave `at` out.")
    return at


def thing(book: Book, kind: str, arguments: Json, name: str) -> Json:
    """The object an argument names."""
    row = book.get(kind, str(arguments[name]))
    if row is None:
        raise ValueError(f"No {kind} {arguments[name]}: use a {name} that a verb or the API returned.")
    return row


def whole(arguments: Json, name: str, default: int | None = None) -> int:
    """An amount in API minor units. ValueError for anything but a whole number."""
    value = arguments.get(name)
    value = default if value is None else value
    if type(value) is not int:  # neither true, nor a text, nor a float
        raise ValueError(f"{name} is {value!r}: give a whole number of minor units, such as 125000.")
    return value


def _rate(arguments: Json) -> Decimal | None:
    return Decimal(str(arguments["rate"])) if arguments.get("rate") is not None else None


def _means(arguments: Json) -> Means:
    return Means(str(arguments.get("method", "card")), arguments.get("fee"), _rate(arguments), arguments.get("delay_s"))


def customer(world: World, arguments: Json, now: int) -> Json:
    """A customer made in the dashboard."""
    book, at = book_of(world, arguments), moment(arguments, now)
    count = len(book.shelves["customer"]) + 1
    given: Json = {"name": f"Kund {count} AB", "email": f"ap{count}@kund.example.com"}
    names = ("name", "email", "address", "metadata", "phone", "tax_exempt", "description", "tax_id_data", "balance")
    given |= {name: arguments[name] for name in names if name in arguments}
    row = customers.new(book, given, at)
    return {"customer_id": row["id"], "customer": shown(book, row, at)}


def credit(world: World, arguments: Json, now: int) -> Json:
    """Move a customer's balance; negative is credit."""
    book, at = book_of(world, arguments), moment(arguments, now)
    row = thing(book, "customer", arguments, "customer_id")
    currency = currency_of(str(arguments.get("currency") or row["currency"] or book.account.currency))
    moved = balances.move(book, row["id"], currency, whole(arguments, "amount"), kind="adjustment", now=at)
    return {"customer_id": row["id"], "balance": moved["ending_balance"], "currency": currency}


def invoice(world: World, arguments: Json, now: int) -> Json:
    """An invoice made in the dashboard: `lines` of {amount, description, tax percent}; finalized unless told not to."""
    book, at = book_of(world, arguments), moment(arguments, now)
    owner = arguments.get("customer_id") or customer(world, arguments | {"metadata": {}}, now)["customer_id"]
    given: Json = {"customer": owner, "collection_method": "send_invoice", "days_until_due": arguments.get("days", 30)}
    given |= {name: arguments[name] for name in ("currency", "number", "metadata", "description") if name in arguments}
    made = invoices.draft(book, given, at)
    lines.add(book, made, [_line(one) for one in arguments.get("lines") or [{"amount": 100000, "tax": "25"}]], at)
    if arguments.get("finalize", True):
        finalizing.finalize(book, made, at)
    return _invoice(book, made, at)


def _line(given: Json) -> Json:
    line: Json = {"amount": whole(given, "amount"), "description": given.get("description", "Consulting")}
    if given.get("tax") is not None:
        percent = Decimal(str(given["tax"]))
        tax = int((line["amount"] * percent / 100).to_integral_value())
        data = {"display_name": "VAT", "inclusive": False, "percentage": percent}
        line["tax_amounts"] = [{"amount": tax, "taxable_amount": line["amount"], "tax_rate_data": data}]
    return line


def _invoice(book: Book, row: Json, now: int) -> Json:
    wire = shown(book, row, now)
    names = ("number", "status", "currency", "total", "amount_due", "amount_paid", "amount_remaining")
    return {"invoice_id": row["id"], "customer_id": row["customer"]} | {n: wire[n] for n in names} | {"invoice": wire}


def pay(world: World, arguments: Json, now: int) -> Json:
    """Pay an invoice: whole, in part (a payment intent of its own) or too much; `slow` leaves it pending."""
    book, at = book_of(world, arguments), moment(arguments, now)
    row = thing(book, "invoice", arguments, "invoice_id")
    if row["status"] not in {"open", "uncollectible"}:
        raise ValueError(f"Invoice {row['id']} is {row['status']}: only open ones can be paid.")
    amount = whole(arguments, "amount", row["amount_remaining"])
    check_amount(amount, row["currency"])
    intent = _intent_for(book, row, amount, at)
    means = _means(arguments)
    charge = charges.begin(book, intent, means, at) if arguments.get("slow") else charges.pay(book, intent, means, at)
    return paid(book, charge, at) | {"invoice": shown(book, row, at)}


def _intent_for(book: Book, row: Json, amount: int, at: int) -> Json:
    """The default intent, made larger for an overpayment; for a part, one of its own beside it."""
    if amount <= 0:
        raise ValueError("Pay a positive amount.")
    rows = book.shelves["invoice_payment"].having("invoice", row["id"])
    default = next((r for r in rows if r["is_default"] and r["status"] == "open"), None)
    intent = book.get("payment_intent", default["payment"]["payment_intent"]) if default else None
    if intent is not None and amount >= row["amount_remaining"] and intent["status"] == "requires_payment_method":
        intent["amount"] = amount
        return intent
    made = charges.new_intent(book, amount, row["currency"], at, customer=row["customer"], invoice=row)
    payment = {"type": "payment_intent", "payment_intent": made["id"]}
    settling.new_row(book, row, payment, amount, at, default=False)
    return made


def paid(book: Book, charge: Json, now: int) -> Json:
    """What a payment verb answers."""
    found = settling.rows_of(book, charge["payment_intent"])
    known = book.extra[charge["id"]]
    return {
        "charge_id": charge["id"], "payment_intent_id": charge["payment_intent"], "status": charge["status"],
        "amount": charge["amount"], "currency": charge["currency"], "fee": known["fee"],
        "rate": None if known["rate"] is None else str(known["rate"]),
        "invoice_payment_ids": [row["id"] for row in found], "charge": shown(book, charge, now),
    }  # fmt: skip


def charge(world: World, arguments: Json, now: int) -> Json:
    """A payment without invoice."""
    book, at = book_of(world, arguments), moment(arguments, now)
    currency = currency_of(str(arguments.get("currency", book.account.currency)))
    amount = check_amount(whole(arguments, "amount"), currency)
    intent = charges.new_intent(
        book, amount, currency, at, customer=arguments.get("customer_id"), metadata=arguments.get("metadata"),
        description=arguments.get("description"),
    )  # fmt: skip
    means = _means(arguments)
    made = charges.begin(book, intent, means, at) if arguments.get("slow") else charges.pay(book, intent, means, at)
    return paid(book, made, at)


def settle(world: World, arguments: Json, now: int) -> Json:
    """A pending charge ends: `outcome` succeeded (default) or failed."""
    book, at = book_of(world, arguments), moment(arguments, now)
    row = thing(book, "charge", arguments, "charge_id")
    if row["status"] != "pending":
        raise ValueError(f"Charge {row['id']} is {row['status']}, not pending.")
    outcome = str(arguments.get("outcome", "succeeded"))
    if outcome == "succeeded":
        charges.complete(book, row, at)
    elif outcome == "failed":
        charges.fail_pending(book, row, at, code=str(arguments.get("code", "payment_method_provider_decline")))
    else:
        raise ValueError("The outcome is succeeded or failed.")
    return paid(book, row, at)


def fail(world: World, arguments: Json, now: int) -> Json:
    """An attempt that is declined: on an invoice (`invoice_id`), or without one (`amount`, `currency`)."""
    book, at = book_of(world, arguments), moment(arguments, now)
    code = str(arguments.get("code", "card_declined"))
    if arguments.get("invoice_id"):
        row = thing(book, "invoice", arguments, "invoice_id")
        intent = _intent_for(book, row, row["amount_remaining"], at)
    else:
        currency = currency_of(str(arguments.get("currency", book.account.currency)))
        intent = charges.new_intent(book, whole(arguments, "amount"), currency, at)
    return paid(book, charges.fail(book, intent, _means(arguments), at, code=code), at)


def fail_late(world: World, arguments: Json, now: int) -> Json:
    """A credited slow payment is taken back (charge_failure); `reopen` opens its invoice again."""
    book, at = book_of(world, arguments), moment(arguments, now)
    row = thing(book, "charge", arguments, "charge_id")
    if row["status"] != "succeeded":
        raise ValueError(f"Charge {row['id']} is {row['status']}: only a succeeded one can be taken back.")
    code = str(arguments.get("code", "payment_method_provider_decline"))
    line = charges.fail_after_all(book, row, at, code=code, reopen=bool(arguments.get("reopen")))
    return paid(book, row, at) | {"balance_transaction_id": line["id"]}


def refund(world: World, arguments: Json, now: int) -> Json:
    """Refund a charge: `amount` (all that is left), `pending` insufficient_funds or processing."""
    book, at = book_of(world, arguments), moment(arguments, now)
    row = thing(book, "charge", arguments, "charge_id")
    amount = whole(arguments, "amount", refunds.refundable(row))
    pending = str(arguments.get("pending", ""))
    if pending not in {"", "insufficient_funds", "processing"}:
        raise ValueError("A refund is pending for insufficient_funds or processing.")
    made = refunds.refund(
        book, row, amount, at, pending=pending, rate=_rate(arguments), reason=arguments.get("reason"),
        metadata=arguments.get("metadata"),
    )  # fmt: skip
    return {"refund_id": made["id"], "status": made["status"], "refund": shown(book, made, at)}


def settle_refund(world: World, arguments: Json, now: int) -> Json:
    """A refund ends: `outcome` succeeded (of a pending one), failed or canceled."""
    book, at = book_of(world, arguments), moment(arguments, now)
    row = thing(book, "refund", arguments, "refund_id")
    acts = {"succeeded": refunds.succeed, "failed": refunds.fail, "canceled": refunds.cancel}
    outcome = str(arguments["outcome"])
    if outcome not in acts:
        raise ValueError(f"The outcome is one of {', '.join(acts)}.")
    acts[outcome](book, row, at)
    return {"refund_id": row["id"], "status": row["status"], "refund": shown(book, row, at)}


def adjust(world: World, arguments: Json, now: int) -> Json:
    """Any line of the ledger: `amount`, `category`, `type`, `fee`, `description`; unknown categories too."""
    book, at = book_of(world, arguments), moment(arguments, now)
    currency = currency_of(str(arguments.get("currency", book.account.currency)))
    category = str(arguments.get("category", "other_adjustment"))
    movement = Movement(
        whole(arguments, "amount"), currency, str(arguments.get("type", "adjustment")), category,
        arguments.get("source", ""), whole(arguments, "fee", 0), _rate(arguments), arguments.get("description"),
    )  # fmt: skip
    line = ledger.post(book, movement, at)
    line["source"] = line["source"] or None
    return {"balance_transaction_id": line["id"], "balance_transaction": shown(book, line, at)}
