"""Endpoints of goods and coupons: enough to map and to sell."""

from __future__ import annotations

import html
from decimal import Decimal
from typing import Any

from ml_connector_sandbox.woocommerce import listing
from ml_connector_sandbox.woocommerce.calls import CONTEXT, DATES, META, PAGING, PICKED, Answer, Arg, Call
from ml_connector_sandbox.woocommerce.faults import Json, Refused
from ml_connector_sandbox.woocommerce.order_editing import amount
from ml_connector_sandbox.woocommerce.shown import link, merge_meta, money
from ml_connector_sandbox.woocommerce.state import Store
from ml_connector_sandbox.woocommerce.times import shown_gmt, shown_local

_BY = ("date", "id", "include", "title", "slug", "modified")
_ORDERING = {"order": Arg("string", "desc", ("asc", "desc")), "orderby": Arg("string", "date", _BY)}
LIST = {
    **CONTEXT, **PAGING, **DATES, **PICKED, **_ORDERING,
    "dates_are_gmt": Arg("boolean", default=False),
    "search": Arg("string"),
    "sku": Arg("string"),
    "status": Arg("string", "any", ("any", "future", "trash", "draft", "pending", "private", "publish")),
}  # fmt: skip
VARIATIONS = {**LIST, "orderby": Arg("string", "date", (*_BY, "menu_order"))}
PRODUCTS = {
    **LIST,
    "orderby": Arg(
        "string", "date", (*_BY, "menu_order", "popularity", "rating", "post__in", "price", "sales", "random")
    ),
}
UPDATE = {
    "description": Arg("string"),
    "meta_data": Arg([{"id": "integer", **META[0]}]),
    "regular_price": Arg("string"),
    "sku": Arg("string"),
    "tax_class": Arg("string"),
    "tax_status": Arg("string", enum=("taxable", "shipping", "none")),
    "virtual": Arg("boolean"),
}
PRODUCT_UPDATE = {**UPDATE, "name": Arg("string"), "status": Arg("string")}
PRODUCT_CREATE = {**PRODUCT_UPDATE}
VARIATION_UPDATE = {**UPDATE}
DELETE = {"force": Arg("boolean", default=False)}
COUPONS = {
    **CONTEXT, **PAGING, **DATES, **PICKED, **_ORDERING,
    "code": Arg("string"),
    "dates_are_gmt": Arg("boolean", default=False),
    "search": Arg("string"),
}  # fmt: skip
COUPON_UPDATE = {
    "amount": Arg("string"),
    "code": Arg("string"),
    "description": Arg("string"),
    "discount_type": Arg("string", enum=("percent", "fixed_cart", "fixed_product")),
    "meta_data": Arg([{"id": "integer", **META[0]}]),
}
COUPON_CREATE = {
    **COUPON_UPDATE,
    "code": Arg("string", required=True),
    "discount_type": Arg("string", "fixed_cart", ("percent", "fixed_cart", "fixed_product")),
}


def new_product(store: Store, body: Json, stamp: int, *, parent: Json | None = None) -> Json:
    """A product, or with a parent a variation of it; names are kept as HTML."""
    row: Json = {"id": store.number(), "parent_id": parent["id"] if parent else 0, "name": "", "sku": "", "price": "0"}
    row |= {"type": "variation" if parent else "simple", "status": "publish", "description": "", "virtual": False}
    row |= {"tax_class": "", "tax_status": "taxable", "meta_data": [], "created": stamp, "modified": stamp}
    if parent:
        row |= {"name": parent["name"], "tax_class": parent["tax_class"]}
        parent["type"] = "variable"
    fill_product(store, row, body)
    store.products[row["id"]] = row
    return row


def fill_product(store: Store, row: Json, body: Json) -> None:
    """Put a body into a product. Refused for a SKU another one has."""
    sku = body.get("sku")
    if sku and any(p["sku"] == sku and p["id"] != row["id"] for p in store.products.values()):
        raise Refused(400, "product_invalid_sku", "Invalid or duplicated SKU.")
    row |= {k: body[k] for k in ("status", "description", "tax_status", "virtual", "sku") if k in body}
    if "name" in body:
        row["name"] = html.escape(body["name"], quote=False)
    if "tax_class" in body:
        row["tax_class"] = "" if body["tax_class"] == "standard" else body["tax_class"]
    if "regular_price" in body:
        row["price"] = str(amount(body["regular_price"], "regular_price"))
    row["meta_data"] = merge_meta(store, row["meta_data"], body.get("meta_data"))


def product(store: Store, row: Json) -> Json:
    """A product on the wire."""
    price = money(Decimal(row["price"]), store.decimals)
    path = f"/products/{row['parent_id']}/variations/{row['id']}" if row["parent_id"] else f"/products/{row['id']}"
    body = {k: v for k, v in row.items() if k not in ("created", "modified", "price")}
    body |= {"date_created": shown_local(row["created"], store.zone), "date_created_gmt": shown_gmt(row["created"])}
    body |= {"date_modified": shown_local(row["modified"], store.zone), "date_modified_gmt": shown_gmt(row["modified"])}
    body |= {"price": price, "regular_price": price, "sale_price": "", "on_sale": False, "purchasable": True}
    body |= {"permalink": f"{store.home}/product/{row['id']}/", "stock_status": "instock", "manage_stock": False}
    if not row["parent_id"]:
        body |= {
            "slug": f"product-{row['id']}",
            "variations": [p["id"] for p in store.products.values() if p["parent_id"] == row["id"]],
            "categories": row.get("categories", []), "tags": [], "images": [], "attributes": [],
        }  # fmt: skip
    collection = path.rpartition("/")[0]
    return body | {"_links": {"self": [{"href": link(store, path)}], "collection": [{"href": link(store, collection)}]}}


def _listed(call: Call, rows: list[Json]) -> list[Json]:
    limits, params = listing.bounds(call), call.params
    kept = [r for r in rows if limits.keep(r["created"], r["modified"]) and listing.picked(call, r["id"])]
    if params.get("search"):
        kept = [r for r in kept if params["search"].lower() in str(r.get("name") or r.get("code")).lower()]
    field = {"date": "created", "modified": "modified"}.get(params["orderby"])
    return listing.in_order(call, kept, lambda r: (r[field], listing.shuffled(r["id"])) if field else (r["id"], 0))


def list_products(call: Call) -> Answer:
    """Products (or variations of one)."""
    parent = call.id("product_id") if "product_id" in call.args else 0
    status = call.params["status"]
    rows = [p for p in call.store.products.values() if p["parent_id"] == parent]
    rows = [p for p in rows if (status == "any" and p["status"] != "trash") or p["status"] == status]
    if call.params.get("sku"):
        rows = [p for p in rows if p["sku"] in call.params["sku"].split(",")]
    return listing.paged(call, _listed(call, rows), lambda p: product(call.store, p))


def _find(call: Call) -> Json:
    found = call.store.products.get(call.id())
    parent = call.id("product_id") if "product_id" in call.args else 0
    if found is None or found["parent_id"] != parent:
        kind = "product_variation" if parent else "product"
        raise Refused(404, f"woocommerce_rest_{kind}_invalid_id", "Invalid ID.")
    return found


def read_product(call: Call) -> Answer:
    """One product or variation."""
    return Answer(product(call.store, _find(call)))


def create_product(call: Call) -> Answer:
    """A new product or variation; rings product.created."""
    parent = call.store.products.get(call.id("product_id")) if "product_id" in call.args else None
    if "product_id" in call.args and parent is None:
        raise Refused(404, "woocommerce_rest_product_invalid_id", "Invalid ID.")
    row = new_product(call.store, call.params, call.stamp, parent=parent)
    call.store.desk.emit("product.created", row["id"], call.now)
    return Answer(product(call.store, row), 201)


def update_product(call: Call) -> Answer:
    """Change a product or variation; rings product.updated."""
    row = _find(call)
    fill_product(call.store, row, call.params)
    row["modified"] = call.stamp
    call.store.desk.emit("product.updated", row["id"], call.now)
    return Answer(product(call.store, row))


def delete_product(call: Call) -> Answer:
    """Bin or erase; with force, order lines forget the product and keep name and amounts."""
    row = _find(call)
    body = product(call.store, row)
    if call.params["force"]:
        erase(call.store, row)
    else:
        row["status"] = "trash"
        call.store.desk.emit("product.deleted", row["id"], call.now)
    return Answer(body)


def erase(store: Store, row: Json) -> None:
    """Forget a product for good."""
    del store.products[row["id"]]
    for order in store.orders.values():
        for line in order.lines:
            if row["id"] in (line.product_id, line.variation_id):
                line.product_id, line.variation_id, line.sku = 0, 0, None


def new_coupon(store: Store, body: Json, stamp: int) -> Json:
    """A coupon. Refused for a code that is taken."""
    row: Json = {"id": store.number(), "code": "", "amount": "0.00", "discount_type": "fixed_cart", "description": ""}
    row |= {"status": "publish", "meta_data": [], "usage_count": 0, "created": stamp, "modified": stamp}
    fill_coupon(store, row, body)
    store.coupons[row["id"]] = row
    return row


def fill_coupon(store: Store, row: Json, body: Json) -> None:
    """Put a body into a coupon."""
    code = str(body.get("code", row["code"])).lower()
    if any(c["code"] == code and c["id"] != row["id"] for c in store.coupons.values()):
        raise Refused(400, "woocommerce_rest_coupon_code_already_exists", "The coupon code already exists.")
    row |= {"code": code} | {k: body[k] for k in ("discount_type", "description") if k in body}
    if "amount" in body:
        row["amount"] = money(amount(body["amount"], "amount"), 2)
    row["meta_data"] = merge_meta(store, row["meta_data"], body.get("meta_data"))


def coupon(store: Store, row: Json) -> Json:
    """A coupon on the wire."""
    body = {k: v for k, v in row.items() if k not in ("created", "modified")}
    body |= {"date_created": shown_local(row["created"], store.zone), "date_created_gmt": shown_gmt(row["created"])}
    body |= {"date_modified": shown_local(row["modified"], store.zone), "date_modified_gmt": shown_gmt(row["modified"])}
    body |= {"free_shipping": False, "individual_use": False, "usage_limit": None, "date_expires": None}
    links = {
        "self": [{"href": link(store, f"/coupons/{row['id']}")}],
        "collection": [{"href": link(store, "/coupons")}],
    }
    return body | {"_links": links}


def list_coupons(call: Call) -> Answer:
    """Coupons."""
    code = call.params.get("code")
    rows = [c for c in call.store.coupons.values() if c["status"] != "trash" and code in (None, c["code"])]
    return listing.paged(call, _listed(call, rows), lambda c: coupon(call.store, c))


def _coupon(call: Call) -> Any:
    found = call.store.coupons.get(call.id())
    if found is None:
        raise Refused(404, "woocommerce_rest_shop_coupon_invalid_id", "Invalid ID.")
    return found


def read_coupon(call: Call) -> Answer:
    """One coupon."""
    return Answer(coupon(call.store, _coupon(call)))


def create_coupon(call: Call) -> Answer:
    """A new coupon; rings coupon.created."""
    row = new_coupon(call.store, call.params, call.stamp)
    call.store.desk.emit("coupon.created", row["id"], call.now)
    return Answer(coupon(call.store, row), 201)


def update_coupon(call: Call) -> Answer:
    """Change a coupon; orders keep what they remember."""
    row = _coupon(call)
    fill_coupon(call.store, row, call.params)
    row["modified"] = call.stamp
    call.store.desk.emit("coupon.updated", row["id"], call.now)
    return Answer(coupon(call.store, row))


def delete_coupon(call: Call) -> Answer:
    """Bin or erase."""
    row = _coupon(call)
    body = coupon(call.store, row)
    if call.params["force"]:
        del call.store.coupons[row["id"]]
    else:
        row["status"] = "trash"
        call.store.desk.emit("coupon.deleted", row["id"], call.now)
    return Answer(body)
