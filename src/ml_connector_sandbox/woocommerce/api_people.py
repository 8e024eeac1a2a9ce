"""Endpoints of customers: registered users. No list filter by change exists, as in the real shop."""

from __future__ import annotations

from typing import Any

from ml_connector_sandbox.woocommerce import listing, shown, trade
from ml_connector_sandbox.woocommerce.api_orders import batch
from ml_connector_sandbox.woocommerce.calls import CONTEXT, META, PAGING, PICKED, Answer, Arg, Call, check
from ml_connector_sandbox.woocommerce.faults import Json, Refused
from ml_connector_sandbox.woocommerce.state import Store, User

_ROLES = ("administrator", "editor", "author", "contributor", "subscriber", "customer", "shop_manager")
_ADDRESS = dict.fromkeys(
    ("first_name", "last_name", "company", "address_1", "address_2", "city", "state", "postcode", "country", "phone"),
    "string",
)
LIST = {
    **CONTEXT, **PAGING, **PICKED,
    "email": Arg("string"),
    "order": Arg("string", "asc", ("asc", "desc")),
    "orderby": Arg("string", "name", ("id", "include", "name", "registered_date")),
    "role": Arg("string", "customer", ("all", *_ROLES)),
    "search": Arg("string"),
}  # fmt: skip
UPDATE = {
    "billing": Arg({**_ADDRESS, "email": "string"}),
    "shipping": Arg({**_ADDRESS}),
    "email": Arg("string"),
    "first_name": Arg("string"),
    "last_name": Arg("string"),
    "meta_data": Arg([{"id": "integer", **META[0]}]),
    "password": Arg("string"),
    "username": Arg("string"),
}
CREATE = {**UPDATE, "email": Arg("string", required=True)}
DELETE = {"force": Arg("boolean", default=False), "reassign": Arg("integer", 0)}


def list_customers(call: Call) -> Answer:
    """Users with the role customer, unless asked otherwise."""
    params = call.params
    rows = [u for u in call.store.users.values() if params["role"] in ("all", u.role) and listing.picked(call, u.id)]
    if params.get("email"):
        rows = [u for u in rows if u.email.lower() == params["email"].lower()]
    if params.get("search"):
        text = params["search"].lower()
        rows = [u for u in rows if text in f"{u.email} {u.username}".lower()]
    keys: dict[str, Any] = {
        "id": lambda u: u.id,
        "include": lambda u: u.id,
        "name": lambda u: (u.username.lower(), u.id),
        "registered_date": lambda u: (u.created, listing.shuffled(u.id)),
    }
    rows = listing.in_order(call, rows, keys[params["orderby"]])
    return listing.paged(call, rows, lambda u: shown.customer(call.store, u))


def _find(store: Store, user_id: Any) -> User:
    found = store.users.get(int(user_id or 0))
    if found is None:
        raise Refused(404, "wc_user_invalid_id", "Invalid resource ID.")
    return found


def read_customer(call: Call) -> Answer:
    """One customer."""
    return Answer(shown.customer(call.store, _find(call.store, call.id())))


def create_customer(call: Call) -> Answer:
    """A new account; rings customer.created."""
    row = create(call.store, call.params, stamp=call.stamp, now=call.now)
    return Answer(shown.customer(call.store, row), 201, (("Location", shown.link(call.store, f"/customers/{row.id}")),))


def create(store: Store, body: Json, *, stamp: int, now: int) -> User:
    """Make an account. Refused for an e-mail that has one, or none at all."""
    email = str(body["email"])
    _check_email(store, email)
    name = str(body.get("username") or email.partition("@")[0])
    if any(u.username == name for u in store.users.values()):
        if body.get("username"):
            raise Refused(400, "registration-error-username-exists", "This username is taken.")
        name = f"{name}{store.number('username')}"
    row = User(store.number("user"), "customer", email, name, stamp)
    store.users[row.id] = row
    _fill(store, row, {k: v for k, v in body.items() if k != "email"})
    store.desk.emit("customer.created", row.id, now)
    return row


def _check_email(store: Store, email: str) -> None:
    if "@" not in email:
        raise Refused(400, "registration-error-invalid-email", "Please provide a valid email address.")
    if any(u.email.lower() == email.lower() for u in store.users.values()):
        raise Refused(400, "registration-error-email-exists", "An account is registered with this e-mail.")


def _fill(store: Store, row: User, body: Json) -> None:
    row.first_name = str(body.get("first_name", row.first_name))
    row.last_name = str(body.get("last_name", row.last_name))
    row.billing = row.billing | body.get("billing", {})
    row.shipping = row.shipping | body.get("shipping", {})
    row.meta = shown.merge_meta(store, row.meta, body.get("meta_data"))


def update_customer(call: Call) -> Answer:
    """Change an account; rings customer.updated."""
    return Answer(shown.customer(call.store, update(call.store, call.id(), call.params, now=call.now)))


def update(store: Store, user_id: Any, body: Json, *, now: int) -> User:
    """Put a checked body into an account."""
    row = _find(store, user_id)
    email = str(body.get("email", row.email))
    if email.lower() != row.email.lower():
        if any(u.email.lower() == email.lower() for u in store.users.values()):
            raise Refused(400, "woocommerce_rest_customer_invalid_email", "Email address is invalid.")
        row.email = email
    if "username" in body and body["username"] != row.username:
        raise Refused(400, "woocommerce_rest_customer_invalid_argument", "Username isn't editable.")
    _fill(store, row, body)
    row.modified = now // 1_000_000
    store.desk.emit("customer.updated", row.id, now)
    return row


def delete_customer(call: Call) -> Answer:
    """Accounts have no bin: force is needed."""
    if not call.params["force"]:
        raise Refused(501, "woocommerce_rest_trash_not_supported", "Customers do not support trashing.")
    return Answer(_remove(call, call.id()))


def _remove(call: Call, user_id: Any) -> Json:
    row = _find(call.store, user_id)
    body = shown.customer(call.store, row)
    trade.delete_customer(call.store, row.id, call.now)
    return body


def batch_customers(call: Call) -> Answer:
    """Many at once."""
    store = call.store

    def make(body: Json) -> Json:
        return shown.customer(store, create(store, check(CREATE, body), stamp=call.stamp, now=call.now))

    def change(body: Json) -> Json:
        return shown.customer(store, update(store, body.get("id"), check(UPDATE, body), now=call.now))

    return batch(call, create=make, update=change, delete=lambda user_id: _remove(call, user_id))
