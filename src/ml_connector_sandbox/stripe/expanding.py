"""`expand[]`: ids replaced by objects, and the fields that are only there when asked for."""

from __future__ import annotations

import copy
from collections.abc import Callable

from ml_connector_sandbox.stripe import access
from ml_connector_sandbox.stripe.calls import Call
from ml_connector_sandbox.stripe.refusals import Json, bad
from ml_connector_sandbox.stripe.state import Book

DEEPEST = 4

_TXN, _CUS = "balance_transaction", "customer"
# object -> field (dots go into a group without a name of its own) -> kind of the object behind the id
REFERENCES: dict[str, dict[str, str]] = {
    "invoice": {"customer": _CUS, "latest_revision": "invoice", "from_invoice.invoice": "invoice"},
    "invoice_payment": {
        "invoice": "invoice", "payment.payment_intent": "payment_intent", "payment.charge": "charge",
        "payment.payment_record": "payment_record",
    },
    "charge": {
        "customer": _CUS, "payment_intent": "payment_intent", "balance_transaction": _TXN,
        "failure_balance_transaction": _TXN,
    },
    "payment_intent": {"customer": _CUS, "latest_charge": "charge"},
    "refund": {
        "charge": "charge", "payment_intent": "payment_intent", "balance_transaction": _TXN,
        "failure_balance_transaction": _TXN, "customer": _CUS,
    },
    "dispute": {"charge": "charge", "payment_intent": "payment_intent"},
    "payout": {"balance_transaction": _TXN, "failure_balance_transaction": _TXN},
    "balance_transaction": {"source": "*"},
    "credit_note": {
        "invoice": "invoice", "customer": _CUS, "customer_balance_transaction": "customer_balance_transaction",
        "refunds.refund": "refund",
    },
    "customer_balance_transaction": {"customer": _CUS, "invoice": "invoice", "credit_note": "credit_note"},
    "invoiceitem": {"customer": _CUS, "invoice": "invoice"},
    "tax_id": {"customer": _CUS},
}  # fmt: skip


def _rows(book: Book, kind: str, field: str, key: str, url: str) -> Json:
    found = book.shelves[kind].having(field, key)[::-1]
    return {"object": "list", "data": copy.deepcopy(found[:10]), "has_more": len(found) > 10, "url": url}


def _payments(book: Book, row: Json) -> Json:
    return _rows(book, "invoice_payment", "invoice", row["id"], f"/v1/invoice_payments?invoice={row['id']}")


def _off_stripe(book: Book, row: Json) -> int:
    paid = book.shelves["invoice_payment"].having("invoice", row["id"])
    return sum(
        p["amount_paid"] or 0 for p in paid if p["status"] == "paid" and p["payment"]["type"] == "payment_record"
    )


def _credit(book: Book, row: Json) -> Json:
    return {currency: amount for (customer, currency), amount in book.credit.items() if customer == row["id"]}


# object -> field -> what it holds when asked for
INCLUDED: dict[str, dict[str, Callable[[Book, Json], object]]] = {
    "invoice": {"payments": _payments, "amount_paid_off_stripe": _off_stripe},
    "customer": {
        "tax_ids": lambda b, r: _rows(b, "tax_id", "customer", r["id"], f"/v1/customers/{r['id']}/tax_ids"),
        "invoice_credit_balance": _credit,
    },
    "charge": {"refunds": lambda b, r: _rows(b, "refund", "charge", r["id"], f"/v1/charges/{r['id']}/refunds")},
}


def expand(call: Call, answer: Json) -> Json:
    """The answer with everything the call asked to expand. Refused (400) for more than four levels or no such field."""
    for path in call.params.get("expand") or []:
        parts = path.split(".")
        if len(parts) > DEEPEST:
            raise bad(f"You cannot expand more than {DEEPEST} levels of a property: {path}", param="expand")
        _open(call, answer, parts, path)
    return answer


def _open(call: Call, node: Json, parts: list[str], path: str) -> None:
    if node.get("object") in {"list", "search_result"}:
        if parts[0] != "data":
            raise _no_such(path)
        for row in node["data"]:
            _inside(call, row, parts[1:], path)
        return
    _open_one(call, node, parts, path)


def _open_one(call: Call, node: Json, parts: list[str], path: str) -> None:
    kind = str(node.get("object"))
    field = parts[0]
    if field in INCLUDED.get(kind, {}):
        if field not in node:
            node[field] = INCLUDED[kind][field](call.book, node)
        _inside(call, node[field], parts[1:], path)
        return
    group = [name for name in REFERENCES.get(kind, {}) if name == ".".join(parts[:2])]
    if group and len(parts) > 1:
        holders = node.get(field) or []
        for holder in holders if isinstance(holders, list) else [holders]:
            _replace(call, holder, parts[1], REFERENCES[kind][group[0]], parts[2:], path)
    elif field in REFERENCES.get(kind, {}):
        _replace(call, node, field, REFERENCES[kind][field], parts[1:], path)
    elif isinstance(node.get(field), dict) and parts[1:]:
        _open(call, node[field], parts[1:], path)
    else:
        raise _no_such(path)


def _replace(call: Call, holder: Json, field: str, kind: str, rest: list[str], path: str) -> None:
    value = holder.get(field)
    if isinstance(value, str):
        row = _behind(call, kind, value)
        if row is None:
            return
        access.permit(call.key, PERMISSIONS[row["object"]], write=False)
        holder[field] = row if row.get("deleted") else call.show(row)
    _inside(call, holder.get(field), rest, path)


def _inside(call: Call, value: object, rest: list[str], path: str) -> None:
    if rest and isinstance(value, dict) and not value.get("deleted"):
        _open(call, value, rest, path)


def _behind(call: Call, kind: str, key: str) -> Json | None:
    if kind != "*":
        return call.book.get(kind, key)
    for name in ("charge", "refund", "payout", "dispute"):
        row = call.book.get(name, key)
        if row is not None:
            return row
    return None


def _no_such(path: str) -> Exception:
    return bad(f"This property cannot be expanded ({path}).", param="expand")


# object -> the permission of a restricted key that reads it
PERMISSIONS = {
    "customer": "customer", "tax_id": "customer", "customer_balance_transaction": "customer", "invoice": "invoice",
    "invoice_payment": "invoice", "invoiceitem": "invoice", "credit_note": "credit_note", "charge": "charge",
    "refund": "charge", "payment_intent": "payment_intent", "payment_record": "payment_record", "dispute": "dispute",
    "payout": "payout", "balance_transaction": "balance_transaction", "tax_rate": "tax_rate",
}  # fmt: skip
