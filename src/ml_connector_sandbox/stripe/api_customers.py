"""Customers, their tax ids and balance over the API; tax rates."""

from __future__ import annotations

from ml_connector_sandbox.stripe import balances, customers, events, searching, taxes
from ml_connector_sandbox.stripe.calls import Call
from ml_connector_sandbox.stripe.currencies import currency_of
from ml_connector_sandbox.stripe.listing import equal, page
from ml_connector_sandbox.stripe.refusals import Json, missing
from ml_connector_sandbox.stripe.shapes import merged


def create(call: Call) -> Json:
    """`POST /v1/customers`."""
    return call.show(customers.new(call.book, call.params, call.now))


def retrieve(call: Call) -> Json:
    """`GET /v1/customers/{id}`: a deleted one says so, with 200."""
    row = call.own("customer")
    return dict(row) if row.get("deleted") else call.show(row)


def update(call: Call) -> Json:
    """`POST /v1/customers/{id}`."""
    row = customers.alive(call.book, call.args["id"])
    return call.show(customers.edit(call.book, row, call.params, call.now))


def delete(call: Call) -> Json:
    """`DELETE /v1/customers/{id}`."""
    return customers.delete(call.book, customers.alive(call.book, call.args["id"]), call.now)


def listed(call: Call) -> Json:
    """`GET /v1/customers`: the e-mail is compared exactly, case included."""
    email = call.params.get("email")
    keep = equal(call.params, "email")  # an index keeps the address a customer was made with
    return page(call, call.book.shelves["customer"], keep=keep if email else None)


def search(call: Call) -> Json:
    """`GET /v1/customers/search`."""
    return searching.search(call, "customer")


def tax_id_new(call: Call) -> Json:
    """`POST /v1/customers/{customer}/tax_ids`."""
    row = customers.alive(call.book, call.args["customer"], param="customer")
    return call.show(customers.add_tax_id(call.book, row, call.params, call.now))


def tax_ids(call: Call) -> Json:
    """`GET /v1/customers/{customer}/tax_ids`."""
    customers.alive(call.book, call.args["customer"], param="customer")
    return page(call, call.book.shelves["tax_id"], within=("customer", call.args["customer"]))


def _tax_id(call: Call) -> Json:
    row = call.own("tax_id")
    if row["customer"] != call.args["customer"]:
        raise missing("tax_id", row["id"], param="id")
    return row


def tax_id(call: Call) -> Json:
    """`GET /v1/customers/{customer}/tax_ids/{id}`."""
    return call.show(_tax_id(call))


def tax_id_gone(call: Call) -> Json:
    """`DELETE /v1/customers/{customer}/tax_ids/{id}`."""
    row = _tax_id(call)
    events.emit(call.book, "customer.tax_id.deleted", row, call.now)
    call.book.shelves["tax_id"].take(row["id"])
    return {"id": row["id"], "object": "tax_id", "deleted": True}


def balance_new(call: Call) -> Json:
    """`POST /v1/customers/{customer}/balance_transactions`."""
    row = customers.alive(call.book, call.args["customer"], param="customer")
    currency = currency_of(call.params["currency"])
    told = {"description": call.params.get("description"), "metadata": merged({}, call.params.get("metadata"))}
    made = balances.move(
        call.book, row["id"], currency, call.params["amount"], kind="adjustment", now=call.now, described=told
    )
    return call.show(made)


def balance_list(call: Call) -> Json:
    """`GET /v1/customers/{customer}/balance_transactions`."""
    customers.alive(call.book, call.args["customer"], param="customer")
    shelf = call.book.shelves["customer_balance_transaction"]
    return page(call, shelf, within=("customer", call.args["customer"]), keep=equal(call.params, "invoice"))


def balance_one(call: Call) -> Json:
    """`GET /v1/customers/{customer}/balance_transactions/{id}`."""
    row = call.own("customer_balance_transaction")
    if row["customer"] != call.args["customer"]:
        raise missing("customer balance transaction", row["id"], param="id")
    return call.show(row)


def rate_new(call: Call) -> Json:
    """`POST /v1/tax_rates`."""
    active = call.params.get("active")
    return call.show(taxes.new_rate(call.book, call.params, call.now, active=True if active is None else active))


def rate(call: Call) -> Json:
    """`GET /v1/tax_rates/{id}`."""
    return call.show(call.own("tax_rate"))


def rate_edit(call: Call) -> Json:
    """`POST /v1/tax_rates/{id}`: percentage and inclusive never change."""
    row = call.own("tax_rate")
    fields = {name: value for name, value in call.params.items() if name not in {"expand", "metadata"}}
    if "metadata" in call.params:
        fields["metadata"] = merged(row["metadata"], call.params["metadata"])
    return call.show(events.changed(call.book, row, call.now, "tax_rate.updated", **fields))


def rates(call: Call) -> Json:
    """`GET /v1/tax_rates`."""
    return page(call, call.book.shelves["tax_rate"], keep=equal(call.params, "active", "inclusive"))
