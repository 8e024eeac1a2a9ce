"""The control verbs: what no API can do. Their arguments and answers stand in README.md."""

from __future__ import annotations

import copy
import html
from collections.abc import Callable
from dataclasses import fields
from decimal import Decimal
from typing import Any

from ml_connector_sandbox.core import verbs
from ml_connector_sandbox.woocommerce import (
    api_people,
    bulk_making,
    checkout,
    handover,
    order_editing,
    php,
    play,
    pricing,
    seeding,
    shown,
    trade,
)
from ml_connector_sandbox.woocommerce import truth as noted
from ml_connector_sandbox.woocommerce.calls import check
from ml_connector_sandbox.woocommerce.faults import Json
from ml_connector_sandbox.woocommerce.order_args import UPDATE
from ml_connector_sandbox.woocommerce.state import Knobs, Order, Store
from ml_connector_sandbox.woocommerce.times import SECOND, given
from ml_connector_sandbox.woocommerce.world import World

Verb = Callable[[World, Json, int], Any]
_CHOICES = {
    "permalinks": ("pretty", "pathinfo", "plain"),
    "page_instead": ("", "coming_soon", "login", "maintenance", "firewall"),
}


def run(world: World, verb: str, arguments: Json, now: int) -> Any:
    """Do one verb. ValueError when it is unknown or its arguments make no sense."""
    return verbs.run("WooCommerce", VERBS, world, verb, arguments, now, told=php.plain)


def _store(world: World, arguments: Json) -> Store:
    return world.store(arguments.get("store"))


def _order_of(store: Store, arguments: Json) -> Order:
    found = trade.own(store, int(arguments["order_id"]))
    if found is None:
        raise ValueError(f"There is no order {arguments['order_id']} in {store.name}.")
    return found


def _order(world: World, arguments: Json, now: int) -> Json:
    store = _store(world, arguments)
    order = checkout.buy(store, arguments, now)
    return {"order_id": order.id, "order": shown.order(store, order)}


def _pay(world: World, arguments: Json, now: int) -> Json:
    """The money of an unpaid order arrived: by its gateway, or by the hand of a clerk."""
    store = _store(world, arguments)
    order = _order_of(store, arguments)
    stamp = given(arguments.get("at"), now // SECOND)
    trade.pay(store, order, transaction_id=str(arguments.get("transaction_id", "")), stamp=stamp)
    trade.touch(order, stamp * SECOND)
    trade.ring_updated(store, order, now)
    return {"order": shown.order(store, order)}


def _refund(world: World, arguments: Json, now: int) -> Json:
    """Amount alone: without lines. `lines`: of these. `by_status`: no lines, no tax. Else all that is left."""
    store = _store(world, arguments)
    order = _order_of(store, arguments)
    stamp = given(arguments.get("at"), now // SECOND)
    if arguments.get("by_status"):
        trade.set_status(store, order, "refunded", stamp)
        trade.touch(order, stamp * SECOND)
        trade.ring_updated(store, order, now)
        return {"refund_id": order.refunds[-1].id, "refund": shown.refund(store, order.refunds[-1])}
    amount = Decimal(str(arguments["amount"])) if "amount" in arguments else None
    if "lines" in arguments:
        backs = [_back(store, order, line) for line in arguments["lines"]]
    else:
        backs = [trade.left_of(store, order, line) for line in order.lines] if amount is None else []
    if amount is None and "lines" not in arguments:
        amount = order.sums.total - order.refunded()
    moves = "refunds" in store.gateways.get(order.payment_method, {}).get("method_supports", [])
    row = trade.refund(
        store, order, amount=amount, backs=backs, reason=str(arguments.get("reason", "")),
        paid=bool(arguments.get("gateway", moves)), by=store.admin().id, now=now, stamp=stamp,
    )  # fmt: skip
    return {"refund_id": row.id, "refund": shown.refund(store, row)}


def _back(store: Store, order: Order, wanted: Json) -> trade.Back:
    """Of a line (`index` in the order it is shown, goods first, or `line_id`): a quantity, at its share of price."""
    shown_first = [*order.of("line_item"), *order.of("shipping"), *order.of("fee")]
    line = next((x for x in order.lines if x.id == wanted.get("line_id")), None) or shown_first[int(wanted["index"])]
    quantity = int(wanted.get("quantity", line.quantity))
    if wanted.get("quantity_only"):
        return trade.Back(line.id, quantity)
    if quantity == line.quantity:
        return trade.left_of(store, order, line)
    share = Decimal(quantity) / line.quantity
    taxes = {k: pricing.rounded(after * share, store.decimals) for k, (_, after) in line.taxes.items()}
    return trade.Back(line.id, quantity, pricing.rounded(line.total * share, store.decimals), taxes)


def _edit_order(world: World, arguments: Json, now: int) -> Json:
    """What a clerk changes in the admin: `change` as a REST body, `trash`, `erase` or `number`."""
    store = _store(world, arguments)
    order = _order_of(store, arguments)
    if arguments.get("erase"):
        del store.orders[order.id]
        return {"order": None}
    if arguments.get("trash"):
        trade.trash(store, order, now)
        return {"order": shown.order(store, order)}
    stamp = given(arguments.get("at"), now // SECOND)
    change = check(UPDATE, dict(arguments.get("change", {})))
    order_editing.fill(store, order, change, new=False)
    if "status" in change:
        trade.set_status(store, order, change["status"], stamp)
    if "number" in arguments:
        order.number = str(arguments["number"])
    trade.touch(order, stamp * SECOND)
    trade.ring_updated(store, order, now)
    return {"order": shown.order(store, order)}


def _delete_refund(world: World, arguments: Json, now: int) -> Json:
    del now
    order = _order_of(_store(world, arguments), arguments)
    number = int(arguments.get("refund_id") or order.refunds[-1].id)
    return {"refund_id": trade.delete_refund(order, number).id}


def _customer(world: World, arguments: Json, now: int) -> Json:
    """A new account, or with `customer_id` a changed one; fields as in the API."""
    store = _store(world, arguments)
    fields_ = {k: v for k, v in arguments.items() if k not in ("store", "customer_id", "role")}
    if arguments.get("customer_id"):
        row = api_people.update(store, arguments["customer_id"], check(api_people.UPDATE, fields_), now=now)
    else:
        fields_.setdefault("email", f"kund{store.number('mail')}@example.test")
        row = api_people.create(store, check(api_people.CREATE, fields_), stamp=now // SECOND, now=now)
    row.role = str(arguments.get("role", row.role))
    return {"customer_id": row.id, "customer": shown.customer(store, row)}


def _delete_customer(world: World, arguments: Json, now: int) -> Json:
    store = _store(world, arguments)
    number = int(arguments["customer_id"])
    if number not in store.users:
        raise ValueError(f"There is no customer {number} in {store.name}.")
    trade.delete_customer(store, number, now)
    return {"customer_id": number}


def _key(world: World, arguments: Json, now: int) -> Json:
    """A new key of a new or known user; with `revoke` an end to one."""
    store = _store(world, arguments)
    if arguments.get("revoke"):
        del store.keys[str(arguments["revoke"])]
        return {"revoked": True}
    user_id = int(arguments.get("user_id") or store.admin().id)
    if arguments.get("role"):
        user_id = _customer(world, {"store": store.name, "role": str(arguments["role"])}, now)["customer_id"]
    made = handover.new_key(store, str(arguments.get("permissions", "read_write")), "made", user_id=user_id)
    return {"consumer_key": made.consumer_key, "consumer_secret": made.secret, "user_id": user_id}


def _tax_rate(world: World, arguments: Json, now: int) -> Json:
    """Another rate, such as one of another country."""
    del now
    store = _store(world, arguments)
    rate = seeding.add_rate(
        store, str(arguments["percent"]), tax_class=str(arguments.get("class", "")),
        country=str(arguments.get("country", store.country)), name=str(arguments.get("name", "")),
        compound=bool(arguments.get("compound", False)), priority=int(arguments.get("priority", 1)),
    )  # fmt: skip
    return {"rate_id": rate.id}


def _role(world: World, arguments: Json, now: int) -> Json:
    """Promote or demote a user, such as the owner of keys and webhooks."""
    del now
    store = _store(world, arguments)
    store.users[int(arguments["user_id"])].role = str(arguments["role"])
    return {"user_id": int(arguments["user_id"])}


def _knobs(world: World, arguments: Json, now: int) -> Json:
    del now
    store = _store(world, arguments)
    known = {f.name for f in fields(Knobs)}
    for name, value in arguments.items():
        if name == "store":
            continue
        if name not in known:
            raise ValueError(f"No knob {name}: use one of {', '.join(sorted(known))}.")
        kind = type(getattr(store.knobs, name))
        fits = isinstance(value, kind) or (kind is float and isinstance(value, int))
        if not fits or (kind is not bool and isinstance(value, bool)) or value not in _CHOICES.get(name, (value,)):
            raise ValueError(f"The knob {name} cannot be {value!r}: it is a {kind.__name__}.")
        setattr(store.knobs, name, kind(value))
    return {name: getattr(store.knobs, name) for name in sorted(known)}


def _play_day(world: World, arguments: Json, now: int) -> Json:
    del now
    return play.play_day(world, _store(world, arguments), arguments, VERBS)


def _bulk(world: World, arguments: Json, now: int) -> Json:
    return bulk_making.sell_in_bulk(_store(world, arguments), arguments, now)


def _truth(world: World, arguments: Json, now: int) -> Json:
    return noted.truth(_store(world, arguments), arguments, now)


def _clone(world: World, arguments: Json, now: int) -> Json:
    """A staging copy of a shop in another folder: keys, orders and webhooks intact, only its home differs."""
    del now
    store = _store(world, arguments)
    path = str(arguments["path"]).rstrip("/")
    name = str(arguments.get("name", f"{store.name} staging"))
    if name in world.stores or any(s.path == path for s in world.stores.values()):
        raise ValueError(f"There is a shop called {name!r} or at {path!r} already.")
    builders, store.desk.builders = store.desk.builders, {}
    twin = copy.deepcopy(store)
    store.desk.builders = builders
    twin.name, twin.path, twin.home = name, path, str(arguments.get("home", ""))
    if not twin.home and store.home:
        twin.home = store.home.removesuffix(store.path) + path
    seeding.wire(twin)
    world.stores[name] = twin
    return {"store": name, "path": path}


def _categories(world: World, arguments: Json, now: int) -> Json:
    """The categories of a product, by name, made where the shop has none of that name. No webhook of an order tells."""
    store = _store(world, arguments)
    row = store.products[int(arguments["product_id"])]
    known = {one["name"]: one for other in store.products.values() for one in other.get("categories", ())}
    names = [html.escape(str(name), quote=False) for name in arguments["names"]]
    made = ({"id": store.number("term"), "name": name, "slug": name.lower().replace(" ", "-")} for name in names)
    row["categories"] = [known.get(one["name"], one) for one in made]
    row["modified"] = now // SECOND
    return {"categories": row["categories"]}


def _put_back(world: World, arguments: Json, now: int) -> Json:
    """The shop is put back from a copy of before an order: that and what came after is gone, their ids are free."""
    del now
    store, first = _store(world, arguments), int(arguments["order_id"])
    _order_of(store, arguments)
    gone = [number for number in store.orders if number >= first]
    for number in gone:
        del store.orders[number]
    store.free_from(first)
    return {"gone": gone}


def _webhook_health(world: World, arguments: Json, now: int) -> list[Json]:
    del now
    return _store(world, arguments).desk.health()


VERBS: dict[str, Verb] = {
    "seed_store": seeding.seed_store,
    "order": _order,
    "pay": _pay,
    "refund": _refund,
    "edit_order": _edit_order,
    "delete_refund": _delete_refund,
    "customer": _customer,
    "delete_customer": _delete_customer,
    "key": _key,
    "role": _role,
    "tax_rate": _tax_rate,
    "knobs": _knobs,
    "webhook_health": _webhook_health,
    "play_day": _play_day,
    "bulk": _bulk,
    "truth": _truth,
    "clone": _clone,
    "put_back": _put_back,
    "categories": _categories,
}
