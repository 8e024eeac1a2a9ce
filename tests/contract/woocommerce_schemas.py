"""What a real shop said about its own API (OPTIONS answers), as JSON Schemas that refuse unknown fields."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

FOLDER = Path(__file__).parents[2].parent / "shared" / "specs" / "woocommerce"
ROUTES = FOLDER / "wc-v3-routes.json"
OPTIONS = FOLDER / "wc-v3-options.json"

# endpoint -> name of the OPTIONS answer that describes one of its items
ITEMS = {
    "/orders": "orders",
    "/orders/{id}": "orders",
    "/orders/{order_id}/notes": "order_notes",
    "/orders/{order_id}/notes/{id}": "order_notes",
    "/orders/{order_id}/refunds": "order_refunds",
    "/orders/{order_id}/refunds/{id}": "order_refunds",
    "/orders/statuses": "order_statuses",
    "/refunds": "refunds",
    "/customers": "customers",
    "/customers/{id}": "customers",
    "/products": "products",
    "/products/{id}": "products",
    "/products/{product_id}/variations": "product_variations",
    "/products/{product_id}/variations/{id}": "product_variations",
    "/coupons": "coupons",
    "/coupons/{id}": "coupons",
    "/taxes": "taxes",
    "/taxes/{id}": "taxes",
    "/taxes/classes": "tax_classes",
    "/settings": "settings",
    "/settings/{group}": "settings_option",
    "/settings/{group}/{id}": "settings_option",
    "/data/currencies": "data_currencies",
    "/data/currencies/current": "data_currencies",
    "/data/currencies/{currency}": "data_currencies",
    "/payment_gateways": "payment_gateways",
    "/payment_gateways/{id}": "payment_gateways",
    "/shipping_methods": "shipping_methods",
    "/system_status": "system_status",
    "/webhooks": "webhooks",
    "/webhooks/{id}": "webhooks",
}
# Fields a real shop sends although its description does not name them (seen in its answers).
UNDESCRIBED = {
    "orders": {"currency_symbol"},
    "tax_lines": {"rate_percent"},
    "taxes": {"subtotal"},
    "shipping_lines": {"tax_status"},
    "fee_lines": {"amount"},
    "shipping": {"phone"},
    "product_variations": {"date_created_gmt", "date_modified_gmt", "name", "parent_id", "sale_price"},
    "refunds": {"parent_id"},
    "line_items": {"global_unique_id", "image", "parent_name"},
}


# Described as one type, sent as another (the vendor's own examples show it).
_MISDESCRIBED = {"sub_groups": "array", "dropins_mu_plugins": "object"}


class Specification:
    """Finds the schema of an endpoint's items and validates against it."""

    def __init__(self) -> None:
        self.routes: dict[str, Any] = json.loads(ROUTES.read_text())
        described = json.loads(OPTIONS.read_text())
        self.schemas = {
            name: _strict(entry["options"]["schema"], name)
            for name, entry in described.items()
            if "schema" in entry["options"]
        }

    def faults(self, path: str, content: Any) -> list[str]:
        """What is wrong with an answer of that endpoint, by its description."""
        schema = self.schemas[ITEMS[path]]
        rows = content if isinstance(content, list) else [content]
        validator = jsonschema.Draft4Validator(schema)
        return [f"{e.json_path}: {e.message[:160]}" for row in rows for e in validator.iter_errors(row)]


def _strict(schema: Any, name: str) -> dict[str, Any]:
    """One description as a real schema: own types understood, nothing unknown, `_links` allowed."""
    kept: dict[str, Any] = {}
    properties = schema.get("properties")
    if properties:
        kept["properties"] = {key: _strict(value, key) for key, value in properties.items()}
        kept["properties"] |= {key: {} for key in {"_links", *UNDESCRIBED.get(name, ())}}
        kept["additionalProperties"] = False
    if isinstance(schema.get("items"), dict):
        kept["items"] = _strict(schema["items"], name)
    wanted = _types(schema.get("type"), name)
    if wanted:
        kept["type"] = wanted
    if schema.get("enum"):
        kept["enum"] = [*schema["enum"], *([""] if name == "tax_class" else [])]
    return kept


def _types(given: Any, name: str) -> list[str]:
    names = given if isinstance(given, list) else [given]
    found: list[str] = []
    for one in names:
        found += {"date-time": ["string", "null"], "bool": ["boolean"], "float": ["number"], "mixed": [], None: []}.get(
            one, [one]
        )
    if name in ("sku", "parent_name", "usage_limit", "stock_quantity"):
        found.append("null")
    if name in _MISDESCRIBED:
        found.append(_MISDESCRIBED[name])
    if name == "id" and "integer" in found:
        found.append("string")  # image.id is "" where there is no image; ids of gateways and settings are text
    return found
