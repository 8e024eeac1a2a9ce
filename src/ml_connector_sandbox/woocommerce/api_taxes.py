"""Endpoints of tax rates and tax classes."""

from __future__ import annotations

from decimal import Decimal

from ml_connector_sandbox.woocommerce import listing
from ml_connector_sandbox.woocommerce.api_shop import linked
from ml_connector_sandbox.woocommerce.calls import CONTEXT, PAGING, Answer, Arg, Call
from ml_connector_sandbox.woocommerce.faults import Json, Refused
from ml_connector_sandbox.woocommerce.order_editing import amount
from ml_connector_sandbox.woocommerce.shown import link
from ml_connector_sandbox.woocommerce.state import Rate, Store

TAXES = {
    **CONTEXT, **PAGING,
    "class": Arg("string"),
    "order": Arg("string", "asc", ("asc", "desc")),
    "orderby": Arg("string", "order", ("id", "order", "priority")),
}  # fmt: skip
TAX_UPDATE = {
    "cities": Arg(["string"]),
    "city": Arg("string"),
    "class": Arg("string"),
    "compound": Arg("boolean"),
    "country": Arg("string"),
    "name": Arg("string"),
    "order": Arg("integer"),
    "postcode": Arg("string"),
    "postcodes": Arg(["string"]),
    "priority": Arg("integer"),
    "rate": Arg("string"),
    "shipping": Arg("boolean"),
    "state": Arg("string"),
}
TAX_CREATE = {
    **TAX_UPDATE,
    "class": Arg("string", "standard"),
    "compound": Arg("boolean", default=False),
    "priority": Arg("integer", 1),
    "shipping": Arg("boolean", default=True),
}
FORCE = {"force": Arg("boolean", default=False)}
TAX_CLASS = {"name": Arg("string", required=True)}


def _tax(store: Store, rate: Rate) -> Json:
    body: Json = {
        "id": rate.id,
        "country": rate.country,
        "state": rate.state,
        "postcode": "",
        "city": "",
        "rate": f"{rate.percent:.4f}",
        "name": rate.name,
        "priority": rate.priority,
        "compound": rate.compound,
        "shipping": rate.shipping,
        "order": rate.order,
        "class": rate.tax_class or "standard",
        "postcodes": [],
        "cities": [],
    }
    return linked(store, body, f"/taxes/{rate.id}", "/taxes")


def list_taxes(call: Call) -> Answer:
    """All rates; the standard class is called `standard` here and "" on order lines."""
    wanted = call.params.get("class")
    rows = [r for r in call.store.rates.values() if wanted in (None, r.tax_class or "standard")]
    field = call.params["orderby"]
    rows = listing.in_order(call, rows, lambda r: (getattr(r, field), r.id))
    return listing.paged(call, rows, lambda r: _tax(call.store, r))


def _rate(call: Call) -> Rate:
    found = call.store.rates.get(call.id())
    if found is None:
        raise Refused(404, "woocommerce_rest_invalid_id", "Invalid resource ID.")
    return found


def read_tax(call: Call) -> Answer:
    """One rate."""
    return Answer(_tax(call.store, _rate(call)))


def create_tax(call: Call) -> Answer:
    """A new rate."""
    rate = Rate(call.store.number("rate"), "", Decimal(0), "")
    _fill_rate(call, rate)
    call.store.rates[rate.id] = rate
    return Answer(_tax(call.store, rate), 201)


def update_tax(call: Call) -> Answer:
    """Change a rate; orders keep what they remember."""
    rate = _rate(call)
    _fill_rate(call, rate)
    return Answer(_tax(call.store, rate))


def _fill_rate(call: Call, rate: Rate) -> None:
    params = call.params
    for name in ("country", "state", "name", "priority", "compound", "shipping", "order"):
        if name in params:
            setattr(rate, name, params[name])
    if "rate" in params:
        rate.percent = amount(params["rate"], "rate")
    if "class" in params:
        rate.tax_class = "" if params["class"] == "standard" else params["class"]


def delete_tax(call: Call) -> Answer:
    """Rates have no bin: force is needed."""
    if not call.params["force"]:
        raise Refused(501, "woocommerce_rest_trash_not_supported", "Taxes do not support trashing.")
    rate = _rate(call)
    del call.store.rates[rate.id]
    return Answer(_tax(call.store, rate))


def _class(store: Store, slug: str) -> Json:
    name = "Standard rate" if slug == "standard" else store.tax_classes[slug]
    return {"slug": slug, "name": name, "_links": {"collection": [{"href": link(store, "/taxes/classes")}]}}


def list_classes(call: Call) -> Answer:
    """Tax classes, the standard one first; not paged."""
    return Answer([_class(call.store, slug) for slug in ("standard", *call.store.tax_classes)])


def create_class(call: Call) -> Answer:
    """A new tax class."""
    slug = "-".join(call.params["name"].lower().split())
    if slug in call.store.tax_classes:
        raise Refused(400, "woocommerce_rest_tax_class_exists", "Cannot create: it exists.")
    call.store.tax_classes[slug] = call.params["name"]
    return Answer(_class(call.store, slug), 201)
