"""Endpoints of the catalog and of gift cards."""

from __future__ import annotations

from typing import Any

from ml_connector_sandbox.square.api_reading import get_one
from ml_connector_sandbox.square.calls import (
    Answer,
    Call,
    Shape,
    Walk,
    choice,
    limit_of,
    need,
    page,
    page_of_list,
    time_range,
)
from ml_connector_sandbox.square.faults import Json, bad
from ml_connector_sandbox.square.shelves import EVERYWHERE, Row
from ml_connector_sandbox.square.times import parse, stamp

NESTED = frozenset({"ITEM_VARIATION", "IMAGE", "MODIFIER"})  # found only where they are asked for by type

SEARCH_CATALOG: Shape = {
    "cursor": "str", "object_types": ["str"], "include_deleted_objects": "bool", "include_related_objects": "bool",
    "begin_time": "str", "query": "map", "limit": "int", "include_category_path_to_root": "bool",
}  # fmt: skip
BATCH_CATALOG: Shape = {
    "object_ids": ["str"], "include_related_objects": "bool", "catalog_version": "int",
    "include_deleted_objects": "bool", "include_category_path_to_root": "bool",
}  # fmt: skip


def search_catalog(call: Call) -> Answer:
    """Objects changed after `begin_time` (exclusive). `latest_time` is the next mark."""
    begin = parse(call.body["begin_time"], "begin_time") if call.body.get("begin_time") else None
    types, deleted = call.body.get("object_types"), bool(call.body.get("include_deleted_objects"))
    if deleted and call.body.get("include_category_path_to_root"):
        where = "include_category_path_to_root"
        raise bad("INVALID_VALUE", "Paths to the root cannot be had of deleted objects.", field=where)
    limit = call.body.get("limit") or 0
    rows = [
        row
        for row in call.merchant.catalog.walk(
            "updated", (EVERYWHERE,), lo=(begin, "~") if begin is not None else (-1, "")
        )
        if (row.body["type"] in types if types else row.body["type"] not in NESTED)
        and (deleted or not row.body["is_deleted"])
    ]
    text = page_of_list(call, [row.text() for row in rows], name="objects", limit=limit if 0 < limit <= 1000 else 1000)
    latest = f'"latest_time":"{stamp(call.now)}"'
    return f"{{{latest}}}" if text == "{}" else f"{text[:-1]},{latest}}}"


def get_catalog_object(call: Call) -> Answer:
    """One object."""
    return get_one(call.merchant.catalog, "Catalog object", "object", call.args["object_id"])


def batch_catalog(call: Call) -> Answer:
    """Several objects; unknown ids are left out. What they name goes beside them, one level deep."""
    rows = [row for key in need(call.body, "object_ids") if (row := call.merchant.catalog.get(key))]
    kept = [row.body for row in rows if call.body.get("include_deleted_objects") or not row.body["is_deleted"]]
    answer: dict[str, Any] = {"objects": kept} if kept else {}
    if call.body.get("include_related_objects") and (beside := _related(call, kept)):
        answer["related_objects"] = beside
    if call.body.get("include_category_path_to_root"):
        answer = {name: [_with_path(call, one) for one in several] for name, several in answer.items()}
    return answer


def _related(call: Call, objects: list[Json]) -> list[Json]:
    named: dict[str, None] = {}
    for one in objects:
        inside = one.get("item_data") or one.get("item_variation_data") or {}
        ids = [
            inside.get("item_id"),
            *(inside.get("tax_ids") or ()),
            *(c["id"] for c in inside.get("categories") or ()),
        ]
        named.update(dict.fromkeys(filter(None, ids)))
    rows = (call.merchant.catalog.get(key) for key in named)
    return [row.body for row in rows if row is not None and not row.body["is_deleted"]]


def _with_path(call: Call, body: Json) -> Json:
    """A category with those above it, its parent first; one at the top has no path."""
    path: list[Json] = []
    above = (body.get("category_data") or {}).get("parent_category")
    while above and (row := call.merchant.catalog.get(above["id"])) is not None:
        inside = row.body.get("category_data") or {}
        path.append({"category_id": row.body["id"], "category_name": inside.get("name", "")})
        above = inside.get("parent_category")
    return body | {"category_data": body["category_data"] | {"path_to_root": path}} if path else body


def list_gift_cards(call: Call) -> Answer:
    """Gift cards."""
    limit = limit_of(call.query.get("limit"), default=30, top=200, strict=False)
    state = call.query.get("state")
    walk = Walk("created", (EVERYWHERE,), descending=False, keep=lambda row: state in {None, row.body["state"]})
    return page(call, call.merchant.gift_cards, name="gift_cards", walk=walk, limit=limit)


def get_gift_card(call: Call) -> Answer:
    """One gift card."""
    return get_one(call.merchant.gift_cards, "Gift card", "gift_card", call.args["id"])


def list_activities(call: Call) -> Answer:
    """What happened to gift cards, of all locations unless one is named."""
    query = call.query
    location = str(call.merchant.location(query["location_id"])["id"]) if query.get("location_id") else EVERYWHERE
    lo, hi = time_range(query, "begin_time", "end_time")
    order = choice(query.get("sort_order"), ("ASC", "DESC"), "sort_order", default="DESC")

    def keep(row: Row) -> bool:
        return query.get("gift_card_id") in {None, row.body["gift_card_id"]} and query.get("type") in {
            None,
            row.body["type"],
        }

    walk = Walk("created", (location,), lo=lo, hi=hi, descending=order == "DESC", keep=keep)
    limit = limit_of(query.get("limit"), default=50, top=100, strict=False)
    return page(call, call.merchant.activities, name="gift_card_activities", walk=walk, limit=limit)
