"""Reading from the pretend Square: defaults, limits, bounds, cursors and refusals as Square has them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.square_shop import Shop


def test_payments_and_payouts_default_to_the_main_location_and_refunds_to_all() -> None:
    shop = Shop()
    keys = [shop.do("sell", location_id=place)["payment_ids"][0] for place in shop.places[:2]]
    for key in keys:
        shop.do("refund", payment_id=key, amount=100)
    shop.wait(minutes=1)
    for place in shop.places[:2]:
        shop.do("payout", location_id=place)
    assert [p["id"] for p in shop.get("/v2/payments")["payments"]] == keys[:1]
    assert len(shop.get("/v2/payments", location_id=shop.places[1])["payments"]) == 1
    assert len(shop.get("/v2/refunds")["refunds"]) == 2
    assert len(shop.get("/v2/refunds", location_id=shop.places[1])["refunds"]) == 1
    assert [p["location_id"] for p in shop.get("/v2/payouts")["payouts"]] == shop.places[:1]


def test_walking_by_update_time_sees_each_payment_once_and_in_order() -> None:
    shop = Shop()
    for _ in range(25):
        shop.do("sell")
        shop.wait(seconds=3)
    rows = shop.walk("/v2/payments", "payments", sort_field="UPDATED_AT", sort_order="ASC", limit=7)
    stamps = [row["updated_at"] for row in rows]
    assert len({row["id"] for row in rows}) == len(rows) == 25
    assert stamps == sorted(stamps)
    middle = stamps[12]
    late = shop.walk(
        "/v2/payments", "payments", sort_field="UPDATED_AT", sort_order="ASC", updated_at_begin_time=middle
    )
    assert [row["updated_at"] for row in late] == stamps[12:]


def test_payments_older_than_a_year_need_begin_time() -> None:
    shop = Shop()
    shop.do("sell", at="2024-06-01T10:00:00Z")
    assert shop.get("/v2/payments") == {}
    assert shop.get("/v2/payments", updated_at_begin_time="2024-01-01T00:00:00Z") == {}
    assert len(shop.get("/v2/payments", begin_time="2024-01-01T00:00:00Z")["payments"]) == 1


def test_offline_payments_hide_until_asked_for() -> None:
    shop = Shop()
    made = shop.do("sell", offline_at="2026-01-29T20:00:00Z")["payments"][0]
    assert made["created_at"] == "2026-01-31T12:00:00.000Z"
    assert made["offline_payment_details"] == {"client_created_at": "2026-01-29T20:00:00.000Z"}
    assert shop.get("/v2/payments") == {}
    assert [p["id"] for p in shop.get("/v2/payments", is_offline_payment="true")["payments"]] == [made["id"]]
    bounds = {"offline_begin_time": "2026-01-29T00:00:00Z", "offline_end_time": "2026-01-30T00:00:00Z"}
    assert len(shop.get("/v2/payments", **bounds)["payments"]) == 1
    assert shop.get("/v2/payments", offline_begin_time=bounds["offline_begin_time"])["payments"]
    shop.do("knobs", offline_hidden_by_default=False, offline_created_at="device")
    again = shop.do("sell", offline_at="2026-01-29T21:00:00Z")["payments"][0]
    assert again["created_at"] == "2026-01-29T21:00:00.000Z"
    assert {p["id"] for p in shop.get("/v2/payments")["payments"]} == {made["id"], again["id"]}


def test_a_cursor_is_bound_to_its_query_and_dies_after_five_minutes() -> None:
    shop = Shop()
    for _ in range(3):
        shop.do("sell")
    cursor = shop.get("/v2/payments", limit=1)["cursor"]
    assert shop.refused("GET", "/v2/payments", limit=2, cursor=cursor) == (400, "INVALID_CURSOR")
    assert shop.refused("GET", "/v2/refunds", limit=1, cursor=cursor) == (400, "INVALID_CURSOR")
    assert shop.refused("GET", "/v2/payments", limit=1, cursor="x" + cursor) == (400, "INVALID_CURSOR")
    shop.wait(minutes=5)
    assert len(shop.get("/v2/payments", limit=1, cursor=cursor)["payments"]) == 1
    shop.wait(seconds=1)
    assert shop.refused("GET", "/v2/payments", limit=1, cursor=cursor) == (400, "INVALID_CURSOR")


def test_short_and_empty_pages_lose_nothing() -> None:
    shop = Shop()
    for _ in range(20):
        shop.do("sell")
    shop.do("knobs", empty_pages=0.5, short_pages=0.5)
    sizes: list[int] = []
    cursor = ""
    while True:
        page = shop.get("/v2/payments", limit=4, **({"cursor": cursor} if cursor else {}))
        sizes.append(len(page.get("payments", [])))
        cursor = page.get("cursor", "")
        if not cursor:
            break
    assert sum(sizes) == 20
    assert 0 in sizes
    assert 2 in sizes


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/v2/payments", {"limit": 500}, 200),
        ("/v2/payouts", {"limit": 500}, 200),
        ("/v2/customers", {"limit": 101}, (400, "VALUE_TOO_HIGH")),
        ("/v2/customers", {"limit": 0}, (400, "VALUE_TOO_LOW")),
        ("/v2/payments", {"begin_time": "yesterday"}, (400, "INVALID_TIME")),
        (
            "/v2/payments",
            {"begin_time": "2026-01-02T00:00:00Z", "end_time": "2026-01-01T00:00:00Z"},
            (400, "INVALID_TIME_RANGE"),
        ),
        ("/v2/payments", {"sort_field": "AMOUNT"}, (400, "INVALID_ENUM_VALUE")),
        ("/v2/payments", {"sort_order": "UP"}, (400, "INVALID_SORT_ORDER")),
        ("/v2/payments", {"colour": "red"}, (400, "UNKNOWN_QUERY_PARAMETER")),
        ("/v2/payments", {"location_id": "LNOWHERE"}, (404, "NOT_FOUND")),
        ("/v2/payments/NOPE", {}, (404, "NOT_FOUND")),
        ("/v2/invoices", {}, (400, "MISSING_REQUIRED_PARAMETER")),
        ("/v2/nonsense", {}, (404, "NOT_FOUND")),
    ],
)
def test_limits_and_values_are_judged_as_square_does(path: str, query: dict[str, Any], expected: Any) -> None:
    shop = Shop()
    if expected == 200:
        assert shop.call("GET", path, **query)[0] == 200
    else:
        assert shop.refused("GET", path, **query) == expected


def search_body(shop: Shop, **query: Any) -> dict[str, Any]:
    return {"location_ids": shop.places, "query": query}


def test_order_search_is_inclusive_sorts_and_merges_locations() -> None:
    shop = Shop()
    made = []
    for n in range(6):
        made.append(shop.do("sell", location_id=shop.places[n % 3])["order"])
        shop.wait(seconds=60)
    window = {"updated_at": {"start_at": made[1]["updated_at"], "end_at": made[4]["updated_at"]}}
    sort = {"sort_field": "UPDATED_AT", "sort_order": "ASC"}
    body = search_body(shop, filter={"date_time_filter": window}, sort=sort) | {"limit": 2}
    found = shop.search("/v2/orders/search", "orders", body)
    assert [o["id"] for o in found] == [o["id"] for o in made[1:5]]
    entries = shop.search("/v2/orders/search", "order_entries", body | {"return_entries": True})
    assert [e["order_id"] for e in entries] == [o["id"] for o in made[1:5]]
    states = search_body(shop, filter={"state_filter": {"states": ["OPEN"]}})
    assert shop.post("/v2/orders/search", states) == {}


def test_order_search_refuses_what_square_refuses() -> None:
    shop = Shop()
    path = "/v2/orders/search"
    window = {"created_at": {"start_at": "2026-01-01T00:00:00Z"}}
    mismatch = search_body(shop, filter={"date_time_filter": window}, sort={"sort_field": "UPDATED_AT"})
    assert shop.refused("POST", path, mismatch) == (400, "BAD_REQUEST")
    two = search_body(shop, filter={"date_time_filter": window | {"updated_at": window["created_at"]}})
    assert shop.refused("POST", path, two) == (400, "BAD_REQUEST")
    assert shop.refused("POST", path, {"location_ids": [shop.places[0]] * 11}) == (400, "ARRAY_LENGTH_TOO_LONG")
    assert shop.refused("POST", path, search_body(shop) | {"limit": 1001}) == (400, "VALUE_TOO_HIGH")
    assert shop.refused("POST", path, {"query": {}}) == (400, "MISSING_REQUIRED_PARAMETER")
    assert shop.refused("POST", path, search_body(shop, filter={"colour": 1})) == (400, "UNKNOWN_BODY_PARAMETER")
    assert shop.refused("POST", path, {"location_ids": "L1"}) == (400, "EXPECTED_ARRAY")


def test_batch_retrieve_drops_unknown_orders_in_silence() -> None:
    shop = Shop()
    key = shop.do("sell")["order_id"]
    answer = shop.post("/v2/orders/batch-retrieve", {"order_ids": ["UNKNOWN", key]})
    assert [o["id"] for o in answer["orders"]] == [key]
    too_many = {"order_ids": ["x"] * 101}
    assert shop.refused("POST", "/v2/orders/batch-retrieve", too_many) == (400, "ARRAY_LENGTH_TOO_LONG")


def test_locations_and_the_merchant_are_shown_with_their_odd_keys() -> None:
    shop = Shop()
    shop.do("location", location_id=shop.places[2], status="INACTIVE")
    assert [place["status"] for place in shop.get("/v2/locations")["locations"]] == ["ACTIVE", "ACTIVE", "INACTIVE"]
    assert shop.get("/v2/locations/main")["location"]["id"] == shop.places[0]
    assert isinstance(shop.get("/v2/merchants")["merchant"], list)
    assert shop.get("/v2/merchants/me")["merchant"]["main_location_id"] == shop.places[0]


def test_customers_are_found_by_their_update_time_and_a_merge_makes_a_new_one() -> None:
    shop = Shop()
    shop.subscribe("customer.created", "customer.deleted")
    old = [shop.do("customer", given_name=name)["customer_id"] for name in ("Ada", "Bo")]
    shop.events()
    shop.wait(hours=1)
    merged = shop.do("customer", merge=old)["customer_id"]
    body = {"query": {"filter": {"updated_at": {"start_at": "2026-01-31T12:30:00Z"}}}}
    assert [c["id"] for c in shop.search("/v2/customers/search", "customers", body)] == [merged]
    assert merged not in old
    assert shop.refused("GET", f"/v2/customers/{old[0]}") == (404, "NOT_FOUND")
    events = shop.events()
    assert [e["type"] for e in events] == ["customer.created", "customer.deleted", "customer.deleted"]
    context = {"merge": {"from_customer_ids": old, "to_customer_id": merged}}
    assert [e["data"]["object"]["event_context"] for e in events] == [context] * 3


def test_vendors_are_searched_at_the_root_and_their_events_bear_another_id() -> None:
    shop = Shop()
    shop.subscribe("vendor.created", "vendor.updated")
    made = shop.do("vendor", name="Harbour Fish")
    shop.do("vendor", vendor_id=made["vendor_id"], status="INACTIVE")
    created, updated = shop.events()
    assert created["data"]["id"] != made["vendor_id"] == created["data"]["object"]["vendor"]["id"]
    assert updated["data"]["object"]["operation"] == "UPDATED"
    assert shop.post("/v2/vendors/search", {"filter": {"status": ["ACTIVE"]}}) == {}
    found = shop.post("/v2/vendors/search", {"filter": {"name": ["Harbour Fish"]}, "sort": {"field": "NAME"}})
    assert found["vendors"][0]["version"] == 2
    wrong: dict[str, Any] = {"query": {"filter": {}}}
    assert shop.refused("POST", "/v2/vendors/search", wrong) == (400, "UNKNOWN_BODY_PARAMETER")
    bulk = shop.post("/v2/vendors/bulk-retrieve", {"vendor_ids": [made["vendor_id"], "V0"]})["responses"]
    assert bulk["V0"]["errors"][0]["code"] == "NOT_FOUND"
    shop.do("knobs", vendors_enabled=False)
    assert shop.refused("GET", f"/v2/vendors/{made['vendor_id']}")[0] == 403


def test_catalog_search_gives_what_changed_after_the_mark() -> None:
    shop = Shop()
    first = shop.post("/v2/catalog/search", {})
    assert {o["type"] for o in first["objects"]} == {"CATEGORY", "TAX", "ITEM"}
    nested = shop.post("/v2/catalog/search", {"object_types": ["ITEM_VARIATION"]})["objects"]
    assert {o["type"] for o in nested} == {"ITEM_VARIATION"}
    shop.wait(minutes=1)
    assert "objects" not in shop.post("/v2/catalog/search", {"begin_time": first["latest_time"]})
    made = shop.do("catalog", type="CATEGORY", content={"category_data": {"name": "Garden"}})["object"]
    changed = shop.post("/v2/catalog/search", {"begin_time": first["latest_time"]})["objects"]
    assert [o["id"] for o in changed] == [made["id"]]
    assert shop.get(f"/v2/catalog/object/{made['id']}")["object"]["category_data"] == {"name": "Garden"}
    both = {"include_deleted_objects": True, "include_category_path_to_root": True}
    assert shop.refused("POST", "/v2/catalog/search", both) == (400, "INVALID_VALUE")


def test_several_catalog_objects_come_with_what_they_name_one_level_deep() -> None:
    shop = Shop()
    variation = next(iter(shop.facts["variations"].values()))
    alone = shop.post("/v2/catalog/batch-retrieve", {"object_ids": [variation, "NONE"]})
    assert [o["id"] for o in alone["objects"]] == [variation]
    assert "related_objects" not in alone
    asked = {"object_ids": [variation], "include_related_objects": True}
    (item,) = shop.post("/v2/catalog/batch-retrieve", asked)["related_objects"]
    assert item["type"] == "ITEM"
    (category,) = item["item_data"]["categories"]
    above = shop.do("catalog", type="CATEGORY", content={"category_data": {"name": "Everything"}})["object"]
    content = {"category_data": {"name": "Household", "parent_category": {"id": above["id"]}}}
    shop.do("catalog", type="CATEGORY", id=category["id"], content=content)
    asked = {"object_ids": [category["id"]], "include_category_path_to_root": True}
    (found,) = shop.post("/v2/catalog/batch-retrieve", asked)["objects"]
    assert found["category_data"]["path_to_root"] == [{"category_id": above["id"], "category_name": "Everything"}]


def test_of_a_deleted_catalog_object_only_its_id_is_left_and_only_for_who_asks() -> None:
    shop = Shop()
    variation = next(iter(shop.facts["variations"].values()))
    shop.do("catalog", id=variation, delete=True)
    assert shop.post("/v2/catalog/batch-retrieve", {"object_ids": [variation]}) == {}
    asked = {"object_ids": [variation], "include_deleted_objects": True, "include_related_objects": True}
    (gone,) = shop.post("/v2/catalog/batch-retrieve", asked)["objects"]
    assert gone["is_deleted"]
    assert "item_variation_data" not in gone


def test_a_wrong_version_header_is_refused_and_the_right_one_echoed() -> None:
    shop = Shop()
    assert (
        shop.refused("GET", "/v2/locations", headers={"square-version": "soon"})[1] == "INVALID_SQUARE_VERSION_FORMAT"
    )
    assert (
        shop.refused("GET", "/v2/locations", headers={"square-version": "1999-01-01"})[1] == "API_VERSION_INCOMPATIBLE"
    )
    assert shop.call("GET", "/v2/locations", headers={"square-version": "2026-09-16"})[0] == 200


def test_a_disputed_payment_takes_money_and_winning_brings_it_back() -> None:
    shop = Shop()
    key = shop.do("sell")["payment_ids"][0]
    made = shop.do("dispute", payment_id=key, amount=5000)["dispute_id"]
    assert shop.get("/v2/disputes", states="EVIDENCE_REQUIRED")["disputes"][0]["id"] == made
    assert shop.do("truth")["balance"][shop.places[0]] == 12500 - 125 - 5000
    shop.do("dispute", dispute_id=made, state="WON")
    assert shop.get(f"/v2/disputes/{made}")["dispute"]["version"] == 2
    assert shop.do("truth")["balance"][shop.places[0]] == 12500 - 125


def test_an_offline_order_arrives_late_with_its_original_created_at() -> None:
    shop = Shop()
    made = shop.do("sell", offline_at="2026-01-29T12:00:00Z")["order"]
    assert (made["created_at"], made["updated_at"]) == ("2026-01-29T12:00:00.000Z", "2026-01-31T12:00:00.000Z")
    window = {"created_at": {"start_at": "2026-01-29T00:00:00Z", "end_at": "2026-01-30T00:00:00Z"}}
    found = shop.post("/v2/orders/search", search_body(shop, filter={"date_time_filter": window}))
    assert [o["id"] for o in found["orders"]] == [made["id"]]


def test_lists_may_lag_behind_single_reads() -> None:
    shop = Shop()
    shop.do("knobs", list_lag_s=30)
    key = shop.do("sell")["payment_ids"][0]
    assert shop.get(f"/v2/payments/{key}")["payment"]["id"] == key
    assert shop.get("/v2/payments") == {}
    shop.wait(seconds=60)
    assert len(shop.get("/v2/payments")["payments"]) == 1
