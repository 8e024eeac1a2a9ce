"""Orders by the thousand that take no memory: each is worked out from its number when it is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from ml_connector_sandbox.woocommerce import pricing
from ml_connector_sandbox.woocommerce.state import Line, Order, Store

_STEPS = 97  # distinct amounts before they repeat


@dataclass(slots=True)
class Block:
    """A run of paid guest orders with consecutive ids, evenly spaced in time. `taken` ones became real orders."""

    first: int
    n: int
    start: int
    span: int
    classes: tuple[str, ...]
    gateways: tuple[tuple[str, str], ...]
    customers: tuple[int, ...]
    country: str
    currency: str
    amount: Decimal
    items: int  # first of n * 2 item ids
    taken: set[int] = field(default_factory=set)
    faces: dict[tuple[int, str], Order] = field(default_factory=dict)

    def created(self, k: int) -> int:
        """When order k came, whole seconds."""
        return self.start + self.span * k // self.n

    def typed(self, k: int) -> Decimal:
        """The typed price of order k."""
        return self.amount + Decimal(k % _STEPS) / 4

    def happened(self, stamp: int) -> int:
        """How many orders there are by then."""
        if stamp < self.start:
            return 0
        return min(self.n, -(-(stamp - self.start + 1) * self.n // self.span))


def peek(store: Store, order_id: int) -> Order | None:
    """A bulk order, read only."""
    for block in store.blocks:
        k = order_id - block.first
        if 0 <= k < block.n and k not in block.taken:
            return build(store, block, k)
    return None


def take(store: Store, order_id: int) -> Order | None:
    """A bulk order on its way to becoming a real one, because it is about to change."""
    for block in store.blocks:
        k = order_id - block.first
        if 0 <= k < block.n and k not in block.taken:
            order = build(store, block, k)
            block.taken.add(k)
            store.orders[order_id] = order
            return order
    return None


def take_of_customer(store: Store, user_id: int) -> None:
    """Make real every bulk order of a customer."""
    for block in store.blocks:
        if user_id in block.customers:
            for k in range(block.n):
                if block.customers[k % len(block.customers)] == user_id:
                    take(store, block.first + k)


def build(store: Store, block: Block, k: int) -> Order:
    """Order k of a block: one line, paid at once."""
    shape = (k % _STEPS, block.classes[k % len(block.classes)])
    face = block.faces.get(shape)
    if face is None:
        face = block.faces[shape] = _face(store, block, k)
    order_id, created = block.first + k, block.created(k)
    method, title = block.gateways[k % len(block.gateways)]
    line = face.lines[0]
    order = Order(
        order_id, str(order_id), f"wc_order_bulk{order_id}", "processing", block.currency, face.prices_include_tax,
        created, created, "store-api", paid=created, payment_method=method, payment_title=title,
        transaction_id=f"tx_{order_id}", billing=_buyer(k, block.country),
    )  # fmt: skip
    order.customer_id = block.customers[k % len(block.customers)] if block.customers else 0
    order.lines = [
        Line(block.items + 2 * k, line.kind, line.name, line.subtotal, line.total, line.taxes, sku=line.sku,
             tax_class=line.tax_class)
    ]  # fmt: skip
    order.tax_lines = face.tax_lines
    order.sums = face.sums
    return order


def _face(store: Store, block: Block, k: int) -> Order:
    tax_class = block.classes[k % len(block.classes)]
    order = Order(0, "", "", "processing", block.currency, store.inclusive, 0, 0, "store-api")
    order.billing = {"country": block.country}
    line = Line(0, "line_item", "Goods", Decimal(0), Decimal(0), tax_class=tax_class)
    rates = pricing.rates_for(store, block.country, "", tax_class)
    price = block.typed(k)
    pricing.price_typed(store, line, (price, price), rates)
    order.lines = [line]
    pricing.add_up(store, order)
    return order


def _buyer(k: int, country: str) -> dict[str, str]:
    return {"first_name": "Kari", "last_name": f"Kunde {k}", "email": f"kunde{k}@example.test", "country": country,
            "city": "Bod\u00f8", "postcode": "8006"}  # fmt: skip
