"""A new shop: settings, rates, ways to pay, an owner with keys, goods to sell."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ml_connector_sandbox.woocommerce import api_goods, handover, shown, trade
from ml_connector_sandbox.woocommerce.faults import Json
from ml_connector_sandbox.woocommerce.ids import Mint
from ml_connector_sandbox.woocommerce.state import Rate, Store, User
from ml_connector_sandbox.woocommerce.times import DAY_S, SECOND
from ml_connector_sandbox.woocommerce.webhooks import Desk
from ml_connector_sandbox.woocommerce.world import World

# slug -> (title, switched on, can give money back)
GATEWAYS = {
    "stripe": ("Kort", True, True),
    "ppcp-gateway": ("PayPal", True, True),
    "klarna_payments": ("Klarna", True, True),
    "bacs": ("Bank\u00f6verf\u00f6ring", True, False),
    "cod": ("Postf\u00f6rskott", True, False),
    "cheque": ("Check", False, False),
}
_CLASSES = {"reduced-rate": "Reduced rate", "zero-rate": "Zero rate"}


def seed_store(world: World, arguments: Json, now: int) -> Json:
    """Open a shop and answer everything a caller needs."""
    name = str(arguments.get("name") or (f"Butik {len(world.stores) + 1}" if world.stores else "Butik"))
    path = str(arguments.get("path", "")).rstrip("/")
    if path and not path.startswith("/"):
        raise ValueError("path begins with a slash, such as /butikk.")
    if name in world.stores or any(s.path == path for s in world.stores.values()):
        raise ValueError(f"There is a shop called {name!r} or at {path or '/'} already.")
    zone = str(arguments.get("time_zone", "Europe/Stockholm"))
    mint = Mint(int(arguments.get("seed", world.seed + len(world.stores))))
    store = Store(name, path, str(arguments.get("home", "")).rstrip("/"), zone, mint)
    store.zone.key  # noqa: B018 - an unknown zone is refused here
    store.settings = _settings(arguments)
    store.reserve(int(arguments.get("first_id", 100)) - 1)
    store.desk = Desk(store, world.time_scale)
    store.plugins = [{"plugin": "woocommerce/woocommerce.php", "name": "WooCommerce", "version": store.version}]
    store.plugins += [{"plugin": p, "name": p, "version": "1.0"} for p in arguments.get("plugins", [])]
    _rates(store, [str(t) for t in arguments.get("taxes", ["25", "12"])])
    _gateways(store, arguments.get("gateways"))
    stamp = now // SECOND - DAY_S
    owner = User(store.number("user"), "administrator", f"owner@{path.strip('/') or 'shop'}.example", "owner", stamp)
    store.users[owner.id] = owner
    world.stores[name] = store
    wire(store)
    keys = _keys(store, arguments, owner)
    goods = _goods(store, stamp)
    store.extra_statuses = dict(arguments.get("statuses", {}))
    return {
        "store": name,
        "path": path,
        "base_path": f"{path}/wp-json/wc/v3",
        **keys,
        "owner_id": owner.id,
        "currency": store.currency,
        "products": goods,
        "taxes": {f"{r.percent:f}": {"rate_id": r.id, "class": r.tax_class} for r in store.rates.values()},
        "gateways": list(store.gateways),
    }


def _settings(arguments: Json) -> dict[str, dict[str, str]]:
    def yes(name: str, *, default: bool) -> str:
        return "yes" if arguments.get(name, default) else "no"

    return {
        "general": {
            "woocommerce_default_country": str(arguments.get("country", "SE")),
            "woocommerce_currency": str(arguments.get("currency", "SEK")),
            "woocommerce_currency_pos": "right_space",
            "woocommerce_price_thousand_sep": " ",
            "woocommerce_price_decimal_sep": ",",
            "woocommerce_price_num_decimals": str(int(arguments.get("decimals", 2))),
            "woocommerce_calc_taxes": "yes",
            "woocommerce_enable_coupons": "yes",
        },
        "products": {"woocommerce_weight_unit": "kg", "woocommerce_dimension_unit": "cm"},
        "tax": {
            "woocommerce_prices_include_tax": yes("prices_include_tax", default=True),
            "woocommerce_tax_based_on": str(arguments.get("tax_based_on", "shipping")),
            "woocommerce_shipping_tax_class": "inherit",
            "woocommerce_tax_round_at_subtotal": yes("round_at_subtotal", default=False),
            "woocommerce_tax_display_shop": "incl",
            "woocommerce_tax_total_display": "itemized",
        },
        "shipping": {"woocommerce_ship_to_destination": "billing"},
        "checkout": {"woocommerce_force_ssl_checkout": "no"},
    }


def _rates(store: Store, percents: list[str]) -> None:
    """The first is the standard class, the second the reduced one, 0 the zero class, others a class of their own."""
    store.tax_classes = dict(_CLASSES)
    for n, percent in enumerate(percents):
        slug = (
            "" if n == 0 else "zero-rate" if Decimal(percent) == 0 else "reduced-rate" if n == 1 else f"rate-{percent}"
        )
        if slug:
            store.tax_classes.setdefault(slug, f"Rate {percent}")
        add_rate(store, percent, tax_class=slug, country=store.country)


def add_rate(store: Store, percent: str, *, tax_class: str, country: str, name: str = "", **more: Any) -> Rate:
    """A tax rate of a country and class."""
    rate_id = store.number("rate")
    rate = Rate(rate_id, country, Decimal(percent), name or f"Moms {percent}%", tax_class, order=rate_id, **more)
    store.rates[rate_id] = rate
    return rate


def _gateways(store: Store, wanted: Any) -> None:
    names = list(GATEWAYS) if wanted is None else list(wanted)
    for n, slug in enumerate(names):
        title, enabled, refunds = GATEWAYS.get(slug, (slug, True, True))
        store.gateways[slug] = {
            "id": slug,
            "title": title,
            "description": "",
            "order": n,
            "enabled": enabled,
            "method_title": title,
            "method_description": "",
            "method_supports": ["products", "refunds"] if refunds else ["products"],
            "settings": {},
        }


def _keys(store: Store, arguments: Json, owner: User) -> Json:
    made = handover.new_key(store, str(arguments.get("permissions", "read_write")), "seeded", user_id=owner.id)
    fixed = arguments.get("consumer_key"), arguments.get("consumer_secret")
    if all(fixed):
        store.keys.pop(made.consumer_key)
        made.consumer_key, made.secret = str(fixed[0]), str(fixed[1])
        store.keys[made.consumer_key] = made
    read = handover.new_key(store, "read", "seeded, read only", user_id=owner.id)
    return {
        "consumer_key": made.consumer_key,
        "consumer_secret": made.secret,
        "read_key": read.consumer_key,
        "read_secret": read.secret,
    }


def _goods(store: Store, stamp: int) -> dict[str, int]:
    made = {}
    for rate in list(store.rates.values()):
        percent = f"{rate.percent:f}"
        body = {"name": f"Vara & mer {percent} %", "sku": f"V{percent}", "regular_price": "249.90"}
        made[percent] = api_goods.new_product(store, body | {"tax_class": rate.tax_class}, stamp)["id"]
    return made


def wire(store: Store) -> None:
    """What webhook bodies are built from, when a job runs."""

    def order(number: int) -> Json | None:
        found = trade.find(store, number)
        return shown.order(store, found) if found else None

    def customer(number: int) -> Json | None:
        found = store.users.get(number)
        return shown.customer(store, found) if found else None

    def product(number: int) -> Json | None:
        found = store.products.get(number)
        return api_goods.product(store, found) if found else None

    def coupon(number: int) -> Json | None:
        found = store.coupons.get(number)
        return api_goods.coupon(store, found) if found else None

    store.desk.builders = {"order": order, "customer": customer, "product": product, "coupon": coupon}
