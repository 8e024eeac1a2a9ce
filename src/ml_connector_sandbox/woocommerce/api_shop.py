"""Endpoints about the shop itself: settings, gateways, currencies, shipping methods, system status."""

from __future__ import annotations

from typing import Any

from ml_connector_sandbox.woocommerce.calls import Answer, Arg, Call
from ml_connector_sandbox.woocommerce.faults import Json, Refused
from ml_connector_sandbox.woocommerce.order_args import CURRENCIES
from ml_connector_sandbox.woocommerce.shown import link
from ml_connector_sandbox.woocommerce.state import Store

OPTION = {"value": Arg("mixed")}
GATEWAY = {
    "description": Arg("string"),
    "enabled": Arg("boolean"),
    "order": Arg("integer"),
    "settings": Arg("mixed"),
    "title": Arg("string"),
}
_GROUPS = {"general": "General", "products": "Products", "tax": "Tax", "shipping": "Shipping", "checkout": "Payments"}
# WordPress prints symbols as HTML entities.
_CURRENCIES = {
    "NOK": ("Norwegian krone", "&#107;&#114;"),
    "SEK": ("Swedish krona", "&#107;&#114;"),
    "DKK": ("Danish krone", "kr."),
    "EUR": ("Euro", "&euro;"),
    "GBP": ("Pound sterling", "&pound;"),
    "USD": ("United States (US) dollar", "&#36;"),
    "JPY": ("Japanese yen", "&yen;"),
}


def linked(store: Store, body: Json, path: str, collection: str) -> Json:
    """A body with the addresses of itself and of its list."""
    links = {"self": [{"href": link(store, path)}], "collection": [{"href": link(store, collection)}]}
    return body | {"_links": links}


def list_groups(call: Call) -> Answer:
    """Groups of settings."""
    rows = [
        {"id": key, "label": label, "description": "", "parent_id": "", "sub_groups": []}
        | {"_links": {"options": [{"href": link(call.store, f"/settings/{key}")}]}}
        for key, label in _GROUPS.items()
    ]
    return Answer(rows)


def _option(store: Store, group: str, key: str) -> Json:
    value = store.settings[group][key]
    body: Json = {
        "id": key,
        "label": key.removeprefix("woocommerce_").replace("_", " ").capitalize(),
        "description": "",
        "type": "checkbox" if value in ("yes", "no") else "text",
        "default": "no" if value in ("yes", "no") else "",
        "tip": "",
        "value": value,
        "group_id": group,
    }
    return linked(store, body, f"/settings/{group}/{key}", f"/settings/{group}")


def _group(call: Call) -> str:
    group = call.args["group"]
    if group not in _GROUPS:
        raise Refused(404, "rest_setting_setting_group_invalid", "Invalid setting group.")
    return group


def list_options(call: Call) -> Answer:
    """All settings of a group."""
    group = _group(call)
    return Answer([_option(call.store, group, key) for key in call.store.settings.get(group, {})])


def _known_option(call: Call) -> tuple[str, str]:
    group, key = _group(call), call.args["id"]
    if key not in call.store.settings.get(group, {}):
        raise Refused(404, "rest_setting_setting_invalid", "Invalid setting.")
    return group, key


def read_option(call: Call) -> Answer:
    """One setting."""
    return Answer(_option(call.store, *_known_option(call)))


def update_option(call: Call) -> Answer:
    """Change a setting; orders made before keep their figures."""
    group, key = _known_option(call)
    value, before = call.params.get("value"), call.store.settings[group][key]
    choices = {"woocommerce_currency": CURRENCIES}.get(key, ("yes", "no") if before in ("yes", "no") else ())
    if choices and value not in choices:
        raise Refused(400, "rest_setting_value_invalid", "An invalid setting value was passed.")
    call.store.settings[group][key] = str(value)
    return Answer(_option(call.store, group, key))


def _currency(store: Store, code: str) -> Json:
    name, symbol = _CURRENCIES.get(code, (code, code))
    body = {"code": code, "name": name, "symbol": symbol}
    return linked(store, body, f"/data/currencies/{code}", "/data/currencies")


def list_currencies(call: Call) -> Answer:
    """Every currency a shop can have."""
    return Answer([_currency(call.store, code) for code in CURRENCIES])


def current_currency(call: Call) -> Answer:
    """The shop's currency."""
    return Answer(_currency(call.store, call.store.currency))


def read_currency(call: Call) -> Answer:
    """One currency."""
    code = call.args["currency"].upper()
    if code not in CURRENCIES:
        raise Refused(404, "woocommerce_rest_data_invalid_currency", "There are no currencies matching these codes.")
    return Answer(_currency(call.store, code))


def _gateway(store: Store, body: Json) -> Json:
    return linked(store, dict(body), f"/payment_gateways/{body['id']}", "/payment_gateways")


def list_gateways(call: Call) -> Answer:
    """Ways to pay, switched off ones included; not paged."""
    return Answer([_gateway(call.store, body) for body in call.store.gateways.values()])


def _known_gateway(call: Call) -> Json:
    found = call.store.gateways.get(call.args["id"])
    if found is None:
        raise Refused(404, "woocommerce_rest_payment_gateway_invalid", "Resource does not exist.")
    return found


def read_gateway(call: Call) -> Answer:
    """One way to pay."""
    return Answer(_gateway(call.store, _known_gateway(call)))


def update_gateway(call: Call) -> Answer:
    """Switch it on or off, name it anew."""
    body = _known_gateway(call)
    body |= {name: call.params[name] for name in ("title", "description", "enabled", "order") if name in call.params}
    return Answer(_gateway(call.store, body))


def list_shipping_methods(call: Call) -> Answer:
    """What can be chosen in shipping zones."""
    methods = {"flat_rate": "Flat rate", "free_shipping": "Free shipping", "local_pickup": "Local pickup"}
    return Answer(
        [
            linked(
                call.store, {"id": key, "title": title, "description": ""}, f"/shipping_methods/{key}",
                "/shipping_methods",
            )
            for key, title in methods.items()
        ]
    )  # fmt: skip


def system_status(call: Call) -> Answer:
    """Heavy in a real shop; versions, time zone, plugins, where orders are kept."""
    store = call.store
    environment: dict[str, Any] = {
        "home_url": store.home,
        "site_url": store.home,
        "version": store.version,
        "log_directory_writable": True,
        "wp_version": store.wordpress,
        "wp_multisite": False,
        "wp_memory_limit": 268435456,
        "wp_debug_mode": store.knobs.php_notice,
        "wp_cron": True,
        "language": "en_US",
        "server_info": "nginx",
        "php_version": "8.2.28",
        "php_max_execution_time": 30,
        "default_timezone": "UTC",  # PHP's own; the shop's stands at the root of the REST API
    }
    settings = {
        "api_enabled": False,
        "force_ssl": False,
        "currency": store.currency,
        "number_of_decimals": store.decimals,
        "thousand_separator": store.option("woocommerce_price_thousand_sep"),
        "decimal_separator": store.option("woocommerce_price_decimal_sep"),
        "order_datastore": "OrdersTableDataStore" if store.knobs.hpos else "WC_Order_Data_Store_CPT",
        "HPOS_enabled": store.knobs.hpos,
        "HPOS_sync_enabled": False,
    }
    security = {"secure_connection": store.knobs.tls, "hide_errors": not store.knobs.php_notice}
    return Answer(
        {
            "environment": environment,
            "database": {"wc_database_version": store.version, "database_prefix": "wp_"},
            "active_plugins": store.plugins,
            "inactive_plugins": [],
            "dropins_mu_plugins": {"dropins": [], "mu_plugins": []},
            "theme": {"name": "Storefront", "version": "4.6.0", "is_child_theme": False},
            "settings": settings,
            "security": security,
            "pages": [],
            "post_type_counts": [],
        }
    )
