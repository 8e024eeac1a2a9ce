"""Charges, payment intents, refunds, disputes, payouts, balance transactions and credit notes over the API."""

from __future__ import annotations

from ml_connector_sandbox.stripe import charges, credit_notes, disputes, events, payouts, refunds, searching
from ml_connector_sandbox.stripe.calls import Call
from ml_connector_sandbox.stripe.currencies import check_amount, currency_of, smallest
from ml_connector_sandbox.stripe.listing import equal, inside, limit_of, listed, page, page_of
from ml_connector_sandbox.stripe.refusals import Json, bad
from ml_connector_sandbox.stripe.shapes import merged
from ml_connector_sandbox.stripe.state import KINDS


def retrieve(kind: str) -> object:
    """The endpoint that reads one object of a kind."""
    if kind not in KINDS:
        raise ValueError(f"No kind {kind}: use one of {', '.join(KINDS)}.")

    def answer(call: Call) -> Json:
        return call.show(call.own(kind))

    return answer


def charge_edit(call: Call) -> Json:
    """`POST /v1/charges/{id}`: text and metadata."""
    row = call.own("charge")
    fields = {"description": call.params["description"]} if "description" in call.params else {}
    if "metadata" in call.params:
        fields["metadata"] = merged(row["metadata"], call.params["metadata"])
    return call.show(events.changed(call.book, row, call.now, "charge.updated", **fields))


def charge_list(call: Call) -> Json:
    """`GET /v1/charges`."""
    name = "payment_intent" if call.params.get("payment_intent") else "customer"
    keep = equal(call.params, "customer", "payment_intent")
    return page(call, call.book.shelves["charge"], within=(name, call.params.get(name)), keep=keep)


def charge_search(call: Call) -> Json:
    """`GET /v1/charges/search`."""
    return searching.search(call, "charge")


def intent_new(call: Call) -> Json:
    """`POST /v1/payment_intents`: it waits for a payment method that only the control verbs bring."""
    given = call.params
    currency = currency_of(given["currency"])
    check_amount(given["amount"], currency)
    if given["amount"] < smallest(currency):
        text = f"Amount must be at least {smallest(currency)} in {currency}."
        raise bad(text, code="amount_too_small", param="amount")
    customer = call.named("customer", "customer", given["customer"])["id"] if given.get("customer") else None
    made = charges.new_intent(
        call.book, given["amount"], currency, call.now, customer=customer,
        metadata=merged({}, given.get("metadata")), description=given.get("description"),
    )  # fmt: skip
    return call.show(made)


def intent_list(call: Call) -> Json:
    """`GET /v1/payment_intents`."""
    return page(call, call.book.shelves["payment_intent"], within=("customer", call.params.get("customer")))


def intent_search(call: Call) -> Json:
    """`GET /v1/payment_intents/search`."""
    return searching.search(call, "payment_intent")


def intent_cancel(call: Call) -> Json:
    """`POST /v1/payment_intents/{id}/cancel`: not the one of an invoice."""
    row = call.own("payment_intent")
    if call.book.shelves["invoice_payment"].having("payment.payment_intent", row["id"]):
        raise bad("You cannot cancel the PaymentIntent of an invoice: void the invoice.", param="intent")
    if row["status"] in {"succeeded", "canceled", "processing"}:
        text = f"You cannot cancel this PaymentIntent because it has a status of {row['status']}."
        raise bad(text, code="payment_intent_unexpected_state")
    reason = call.params.get("cancellation_reason")
    events.changed(
        call.book, row, call.now, "payment_intent.canceled", status="canceled", cancellation_reason=reason,
        canceled_at=call.now // 1_000_000,
    )  # fmt: skip
    return call.show(row)


def refund_new(call: Call) -> Json:
    """`POST /v1/refunds`: by charge or payment intent."""
    given = call.params
    if bool(given.get("charge")) == bool(given.get("payment_intent")):
        raise bad("One of the following params should be provided: payment_intent or charge.", param="charge")
    if given.get("charge"):
        charge = call.named("charge", "charge", given["charge"])
    else:
        intent = call.named("payment_intent", "payment_intent", given["payment_intent"])
        charge = call.named("charge", "payment_intent", intent["latest_charge"])
    amount = refunds.refundable(charge) if given.get("amount") is None else given["amount"]
    check_amount(amount, charge["currency"])
    made = refunds.refund(
        call.book, charge, amount, call.now, reason=given.get("reason"), metadata=given.get("metadata")
    )
    return call.show(made)


def refund_edit(call: Call) -> Json:
    """`POST /v1/refunds/{id}`: metadata."""
    return _metadata(call, call.own("refund"), "refund.updated")


def _metadata(call: Call, row: Json, name: str) -> Json:
    if "metadata" in call.params:
        new = merged(row["metadata"], call.params["metadata"])
        events.changed(call.book, row, call.now, name, metadata=new)
    return call.show(row)


def refund_cancel(call: Call) -> Json:
    """`POST /v1/refunds/{id}/cancel`."""
    return call.show(refunds.cancel(call.book, call.own("refund"), call.now))


def refund_list(call: Call) -> Json:
    """`GET /v1/refunds`."""
    return _of_charge(call, "refund")


def _of_charge(call: Call, kind: str) -> Json:
    name = "charge" if call.params.get("charge") else "payment_intent"
    keep = equal(call.params, "charge", "payment_intent")
    return page(call, call.book.shelves[kind], within=(name, call.params.get(name)), keep=keep)


def dispute_list(call: Call) -> Json:
    """`GET /v1/disputes`: no filter by status."""
    return _of_charge(call, "dispute")


def dispute_edit(call: Call) -> Json:
    """`POST /v1/disputes/{id}`."""
    given = {name: value for name, value in call.params.items() if name != "expand"}
    return call.show(disputes.submit(call.book, call.own("dispute"), given, call.now))


def dispute_close(call: Call) -> Json:
    """`POST /v1/disputes/{id}/close`."""
    return call.show(disputes.accept(call.book, call.own("dispute"), call.now))


def payout_new(call: Call) -> Json:
    """`POST /v1/payouts`: a manual one."""
    given = call.params
    terms = payouts.Terms(
        automatic=False, description=given.get("description"), method=given.get("method") or "standard",
        statement_descriptor=given.get("statement_descriptor"),
    )  # fmt: skip
    currency = currency_of(given["currency"])
    made = payouts.by_hand(call.book, given["amount"], currency, call.now, terms)
    made["metadata"] = merged({}, given.get("metadata"))
    return call.show(made)


def payout_edit(call: Call) -> Json:
    """`POST /v1/payouts/{id}`: metadata."""
    return _metadata(call, call.own("payout"), "payout.updated")


def payout_cancel(call: Call) -> Json:
    """`POST /v1/payouts/{id}/cancel`."""
    return call.show(payouts.cancel(call.book, call.own("payout"), call.now))


def payout_list(call: Call) -> Json:
    """`GET /v1/payouts`."""
    same = equal(call.params, "status", "destination")
    arrival = call.params.get("arrival_date")
    shelf = call.book.shelves["payout"]
    return page(call, shelf, keep=lambda row: same(row) and inside(row["arrival_date"], arrival))


def ledger_list(call: Call) -> Json:
    """`GET /v1/balance_transactions`; with `payout` only what a reconciled automatic payout paid out."""
    keep = equal(call.params, "currency", "type", "source")
    if call.params.get("payout"):
        payout = call.named("payout", "payout", call.params["payout"])
        rows = [row for row in payouts.content_of(call.book, payout) if keep(row)]
        rows = [row for row in rows if inside(row["created"], call.params.get("created"))]
        return page_of(call, [call.show(row) for row in rows])
    return page(call, call.book.shelves["balance_transaction"], within=("source", call.params.get("source")), keep=keep)


def balance(call: Call) -> Json:
    """`GET /v1/balance`: what no payout has taken, by currency."""
    book, moment = call.book, call.now // 1_000_000
    sums: dict[str, list[int]] = {currency: [0, 0] for currency in book.account.settles}
    for row in book.shelves["balance_transaction"].rows.values():
        sums.setdefault(row["currency"], [0, 0])[row["available_on"] > moment] += row["net"]

    def part(n: int) -> list[Json]:
        return [{"amount": both[n], "currency": c, "source_types": {"card": both[n]}} for c, both in sums.items()]

    return {"object": "balance", "available": part(0), **book.mode(), "pending": part(1)}


def credit_note_new(call: Call) -> Json:
    """`POST /v1/credit_notes`."""
    return call.show(credit_notes.issue(call.book, call.params, call.now))


def credit_note_preview(call: Call) -> Json:
    """`GET /v1/credit_notes/preview`: the same sums, nothing done."""
    worked = credit_notes.work_out(call.book, call.params, call.now)
    call.book.lines[worked.row["id"]] = worked.lines
    answer = call.show(worked.row)
    del call.book.lines[worked.row["id"]]
    return answer


def credit_note_edit(call: Call) -> Json:
    """`POST /v1/credit_notes/{id}`: memo and metadata."""
    row = call.own("credit_note")
    fields = {"memo": call.params["memo"]} if "memo" in call.params else {}
    if "metadata" in call.params:
        fields["metadata"] = merged(row["metadata"], call.params["metadata"])
    return call.show(events.changed(call.book, row, call.now, "credit_note.updated", **fields))


def credit_note_void(call: Call) -> Json:
    """`POST /v1/credit_notes/{id}/void`."""
    return call.show(credit_notes.void(call.book, call.own("credit_note"), call.now))


def credit_note_list(call: Call) -> Json:
    """`GET /v1/credit_notes`."""
    name = "invoice" if call.params.get("invoice") else "customer"
    keep = equal(call.params, "invoice", "customer")
    return page(call, call.book.shelves["credit_note"], within=(name, call.params.get(name)), keep=keep)


def credit_note_lines(call: Call) -> Json:
    """`GET /v1/credit_notes/{id}/lines`."""
    return page_of(call, call.book.lines[call.own("credit_note")["id"]])


def event_list(call: Call) -> Json:
    """`GET /v1/events`: thirty days, by type, a family `x.*`, or up to twenty types."""
    book, given = call.book, call.params
    types, family = given.get("types"), given.get("type")
    if types and family:
        raise bad("You may only specify one of these parameters: type, types.", param="types")
    if types and len(types) > 20:
        raise bad("At most 20 types can be given.", param="types")
    oldest = (call.now - events.KEPT) // 1_000_000
    success = given.get("delivery_success")

    def keep(row: Json) -> bool:
        wanted = _wanted(row["type"], types, family)
        delivered = success is None or success == _delivered(call, row)
        return wanted and delivered and row["created"] >= oldest

    limit_of(call)
    answer = page(call, book.shelves["event"], keep=keep)
    return listed(call, answer["data"], more=answer["has_more"])


def _wanted(name: str, types: list[str] | None, family: str | None) -> bool:
    if types:
        return name in types
    if family and family.endswith("*"):
        return name.startswith(family[:-1])
    return family in {None, name}


def _delivered(call: Call, row: Json) -> bool:
    return row["pending_webhooks"] == 0 and row["id"] not in call.book.world.desk.failed
