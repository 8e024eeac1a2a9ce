"""What the doctor says of sales orders: their service answers, and every item that is named may be sold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from ml_connector.errors import ConnectorError
from ml_connector.finance.rulebook import Terms

SERVICE = "sales order service"


class Told(NamedTuple):
    """One line of the diagnosis."""

    item: str
    verdict: Literal["ok", "wrong", "asked"]
    sentence: str
    fix: str = ""


def examine(writer: Any, terms: Terms) -> Iterator[Told]:
    """Nothing where the route's orders become no sales orders. One call, and one for each item."""
    if terms.order_document != "sales_order":
        return
    yield _service(writer)
    for name, number in sorted(terms.order_items.items()):
        yield _item(writer, name, number)
    if "shipping" not in terms.order_items and "sales" not in terms.order_items:
        yield Told(
            "order items", "wrong", "No item is named for shipping, so an order with shipping is held.",
            'Name one: order_items = {shipping = "FREIGHT"} in the route\'s terms.',
        )  # fmt: skip
    yield Told(
        f"order type {terms.order_type}", "asked",
        "It must be active, number its orders by itself, and lead to an invoice; customers need a prepayment account, "
        "and the payment methods must take prepayments.",
        "Look at it in Visma, under sales order types and the customers' ledger accounts.",
    )  # fmt: skip


def _service(writer: Any) -> Told:
    try:
        (found,) = writer.look_up("order_service", {})
    except ConnectorError as fault:
        return Told(SERVICE, "wrong", fault.what, fault.fix)
    missing = found.facts.get("missing", "")
    if missing:
        fix = "Approve it in Visma App Store, then `ml-connector ping`."
        return Told(SERVICE, "wrong", f"Its token lacks {missing}.", fix)
    return Told(SERVICE, "ok", "It answers, and its token may read and write orders.")


def _item(writer: Any, name: str, number: str) -> Told:
    item = f"item {number}"
    found = writer.look_up("item", {"number": number})
    if not found:
        return Told(item, "wrong", f"It is named for {name} and not in the ledger.", "Create it, or name another.")
    if found[0].status != "Active":
        return Told(item, "wrong", f"It is {found[0].status}.", "Let it be sold in Visma, or name another.")
    vat = found[0].facts.get("vat_code", "")
    return Told(item, "ok", f"{found[0].name}, for {name}{f'; its own VAT code is {vat}' if vat else ''}.")
