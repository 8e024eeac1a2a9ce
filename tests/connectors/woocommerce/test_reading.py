"""Paging, restarts, overlap and counting against a strict shop."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_connector.connectors.shapes import Absent, SourceObject
from ml_connector.connectors.woocommerce.positions import Count, Lane, Position, dump, load
from ml_connector.connectors.woocommerce.translate import GONE, translate
from ml_connector.errors import Rejected, Transient, Untranslatable, UsageError
from ml_connector.finance.documents import Refund, Sale
from tests.connectors.woocommerce import payloads as woo
from tests.connectors.woocommerce.strict_shop import START, StrictShop, gmt, wrong

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
BACK = START - timedelta(days=3)


def ids(found: list[SourceObject]) -> list[str]:
    return [one.external_id for one in found]


# ---------------------------------------------------------------------------------------------- by time


def test_the_first_reading_begins_where_it_is_told_and_asks_in_naive_utc() -> None:
    shop = StrictShop()
    shop.add_order(1, BACK - HOUR)
    shop.add_order(2, BACK)
    found, _ = shop.poll("orders", backfill_from=BACK)
    assert ids(found) == ["2"]
    (asked,) = shop.to("/orders")
    assert asked == {
        "modified_after": "2026-01-29T11:59:59", "dates_are_gmt": "true", "orderby": "modified", "order": "asc",
        "per_page": "100", "dp": "6",
    }  # fmt: skip


def test_the_next_reading_repeats_ten_minutes() -> None:
    shop = StrictShop()
    shop.add_order(1, START - MINUTE)
    _, position = shop.poll("orders", backfill_from=BACK)
    shop.add_order(2, START - 9 * MINUTE)  # committed late
    found, _ = shop.poll("orders", position)
    assert sorted(ids(found)) == ["1", "2"]
    assert shop.to("/orders")[-1]["modified_after"] == gmt(START - 11 * MINUTE - timedelta(seconds=1))


def test_a_hundred_orders_cost_two_calls_and_a_hundred_refunds_four() -> None:
    shop = StrictShop()
    for number in range(1, 101):
        shop.add_order(number, START - number * MINUTE)
        shop.add_refund(number + 1000, number, START - number * MINUTE)
    found, _ = shop.poll("orders", backfill_from=BACK)
    assert (len(found), len(shop.asked)) == (100, 2)  # a full page and the empty one behind it
    shop.asked.clear()
    refunds, _ = shop.poll("refunds", backfill_from=BACK)
    assert (len(refunds), len(shop.asked)) == (100, 3)
    shop.asked.clear()
    assert len(shop.reader().fetch("order", [str(number) for number in range(1, 101)])) == 100
    assert len(shop.asked) == 1
    shop.asked.clear()
    shop.reader().fetch("refund", [f"{number}:{number + 1000}" for number in range(1, 101)])
    assert len(shop.asked) == 2


@settings(max_examples=15)
@given(
    seconds=st.lists(st.integers(0, 300), max_size=420),
    seed=st.integers(0, 99),
    crowd=st.integers(0, 260),
)
def test_every_order_is_given_whatever_ties_there_are(seconds: list[int], seed: int, crowd: int) -> None:
    shop = StrictShop(seed=seed)
    for number, second in enumerate([*seconds, *([7] * crowd)], start=1):
        shop.add_order(number, START - HOUR + timedelta(seconds=second))
    found, position = shop.poll("orders", backfill_from=BACK)
    assert sorted(map(int, ids(found))) == list(range(1, len(seconds) + crowd + 1))
    assert len(found) == len(set(ids(found)))  # once each: no page of ours repeats another
    assert load(position).lane.at is None


@settings(max_examples=10)
@given(seed=st.integers(0, 9999), count=st.integers(90, 350))
def test_orders_that_change_while_we_read_are_given_again_and_none_is_lost(seed: int, count: int) -> None:
    shop = StrictShop(seed=seed)
    for number in range(1, count + 1):
        shop.add_order(number, START - HOUR + timedelta(seconds=number % 60))

    def somebody_edits() -> None:
        row = shop.chance.choice(shop.rows["orders"])
        shop.clock.advance(1)
        row["date_modified_gmt"] = gmt(shop.clock.now())
        row["number"] = gmt(shop.clock.now())

    shop.before_each = somebody_edits
    found, position = shop.poll("orders", backfill_from=BACK)
    shop.before_each = None
    later, _ = shop.poll("orders", position)
    newest = {one.external_id: one.payload["number"] for one in [*found, *later]}
    assert newest == {str(row["id"]): row["number"] for row in shop.rows["orders"]}


def test_pages_are_counted_by_their_rows_and_no_link_is_followed() -> None:
    shop = StrictShop()
    for id_ in range(1, 231):
        shop.add_order(id_, START - (300 - id_) * MINUTE)
    found, _ = shop.poll("orders", backfill_from=BACK)  # each answer says that there is one row, and links elsewhere
    assert len(set(ids(found))) == 230


def test_a_position_can_be_taken_up_after_any_page() -> None:
    shop = StrictShop()
    for number in range(1, 701):
        shop.add_order(number, START - HOUR + timedelta(seconds=number // 3))
    first = shop.reader().page("orders", None, now=START, backfill_from=BACK)
    assert first.more
    shop.reader().page("orders", first.position, now=START)  # read, and killed before it was stored
    rest, _ = shop.poll("orders", first.position)
    given = [*ids(list(first.objects)), *ids(rest)]
    assert sorted(map(int, given)) == list(range(1, 701))


def test_a_stamp_from_the_future_does_not_hide_what_comes_before_it() -> None:
    shop = StrictShop()
    shop.add_order(1, START + timedelta(days=400))
    _, position = shop.poll("orders", backfill_from=BACK)
    shop.clock.advance(3600)
    shop.add_order(2, START + HOUR)
    found, _ = shop.poll("orders", position)
    assert "2" in ids(found)


def test_carts_of_the_block_checkout_are_left_out_of_pages() -> None:
    shop = StrictShop()
    for number in range(1, 151):
        shop.add_order(number, START - number * MINUTE, status="checkout-draft" if number % 2 else "processing")
    found, _ = shop.poll("orders", backfill_from=BACK)
    assert len(found) == 75


def test_a_list_out_of_order_in_the_hour_that_summer_time_ends_is_taken_whole() -> None:
    shop = StrictShop()
    moments = [START - timedelta(seconds=(number * 37) % 3600) for number in range(230)]
    listed = [woo.order(id=number, date_modified_gmt=gmt(moment)) for number, moment in enumerate(moments, start=1)]

    def unsorted(request: httpx2.Request) -> httpx2.Response:
        begin = (int(request.url.params.get("page", "1")) - 1) * 100
        return httpx2.Response(200, content=_text(listed[begin : begin + 100]))

    shop.answers["/orders"] = unsorted
    found, position = shop.poll("orders", backfill_from=BACK)
    assert len(set(ids(found))) == 230
    assert load(position).lane.mark == START


def test_a_shop_that_ignores_the_filter_is_told_of() -> None:
    shop = StrictShop()
    old = _text([woo.order(date_modified_gmt="2020-01-01T00:00:00")])
    shop.answers["/orders"] = lambda _request: httpx2.Response(200, content=old)
    with pytest.raises(Rejected, match="modified_after"):
        shop.poll("orders", backfill_from=BACK)


def test_a_row_without_a_time_or_an_id_is_an_answer_that_cannot_be_trusted() -> None:
    for row in (woo.order(date_modified_gmt=None), woo.order(id=0)):
        shop = StrictShop()
        shop.answers["/orders"] = partial(_replying, _text([row]))
        with pytest.raises(Transient):
            shop.poll("orders", backfill_from=BACK)


def test_a_shop_that_fails_over_big_pages_is_asked_for_smaller_ones() -> None:
    shop = StrictShop()
    for number in range(1, 41):
        shop.add_order(number, START - number * MINUTE)
    reader = shop.reader()
    shop.answers["/orders"] = lambda _request: httpx2.Response(503, html="Vedlikehold")
    for _ in range(5):
        with pytest.raises(Transient):
            reader.page("orders", None, now=START, backfill_from=BACK)
    assert [one["per_page"] for one in shop.to("/orders")] == ["100", "50", "25", "12", "10"]
    del shop.answers["/orders"]
    page = reader.page("orders", None, now=START, backfill_from=BACK)
    assert (len(page.objects), page.more) == (28, True)  # three pages of ten, each repeating the last row before it
    for _ in range(20):
        page = reader.page("orders", page.position, now=START)
    assert int(shop.to("/orders")[-1]["per_page"]) > 10


@pytest.mark.parametrize(
    "text", ["", "x", "[]", "{}", '{"v":2}', '{"v":1,"lane":[1,2,3]}', '{"v":1,"counts":{"order":[]}}']
)
def test_a_position_that_is_not_ours_says_so(text: str) -> None:
    with pytest.raises(UsageError):
        StrictShop().poll("orders", text)


MOMENTS = st.integers(0, 10**8).map(lambda second: START + timedelta(seconds=second))
PAIRS = st.integers(1, 10**9).map(str) | st.tuples(st.integers(1, 10**9), st.integers(1, 10**9)).map(
    lambda pair: f"{pair[0]}:{pair[1]}"
)


@given(
    known=st.frozensets(PAIRS), found=st.frozensets(PAIRS), mark=st.none() | MOMENTS, at=st.none() | MOMENTS,
    seen=st.lists(st.integers(1).map(str), max_size=5).map(tuple), walked=st.integers(0, 10**6),
)  # fmt: skip
def test_positions_survive_as_text(known: Any, found: Any, mark: Any, at: Any, seen: Any, walked: int) -> None:
    count = Count(known, mark, at, found, frozenset(), walked, tuple(sorted(known)))
    position = Position(Lane(mark, at, seen), walked, {"order": count}, "order")
    assert load(dump(position)) == position


def test_a_month_of_a_busy_shop_stays_a_small_position() -> None:
    known = frozenset(str(50_000 + 7 * number) for number in range(9_000))
    assert len(dump(Position(counts={"order": Count(known=known)}))) < 30_000


# ---------------------------------------------------------------------------------------------- refunds


def test_refunds_carry_the_bits_of_their_order_and_translate() -> None:
    shop = StrictShop()
    shop.add_order(727, START - HOUR)
    shop.add_refund(731, 727, START - MINUTE)
    (found,), _ = shop.poll("refunds", backfill_from=BACK)
    assert found.external_id == "727:731"
    document = translate("refund", found.payload)
    assert isinstance(document, Refund)
    assert (document.id, document.sale_id, document.amount.minor) == ("727:731", "727", 49900)
    assert shop.reader().fetch("refund", ["727:731"]) == [found]
    assert shop.reader().find("refund", ("order", "727"), location=None) == [found]


def test_a_refund_of_a_trashed_order_keeps_its_currency() -> None:
    shop = StrictShop()
    shop.add_order(727, START - HOUR, status="trash")
    shop.add_refund(731, 727, START - MINUTE)
    (found,), _ = shop.poll("refunds", backfill_from=BACK)
    assert isinstance(translate("refund", found.payload), Refund)


def test_a_refund_whose_order_is_gone_is_kept_and_held() -> None:
    shop = StrictShop()
    shop.add_refund(731, 727, START - MINUTE)
    (found,), _ = shop.poll("refunds", backfill_from=BACK)
    with pytest.raises(Untranslatable):
        translate("refund", found.payload)


def test_an_older_shop_gives_refunds_by_the_orders_that_name_them() -> None:
    shop = StrictShop()
    shop.answers["/refunds"] = lambda _request: wrong(404, "rest_no_route")
    shop.add_order(727, START - HOUR, refunds=[{"id": 731, "reason": "", "total": "-499.00"}])
    shop.add_order(728, START - HOUR)
    shop.add_refund(731, 727, START - MINUTE)
    found, position = shop.poll("refunds", backfill_from=BACK)
    assert ids(found) == ["727:731"]
    assert load(position).lane.mark == START - HOUR
    assert shop.reader().page("deletions", None, now=START).position


# ---------------------------------------------------------------------------------------------- by id


def test_a_page_gives_the_very_shape_that_fetch_gives() -> None:
    shop = StrictShop()
    shop.add_order(1, START - HOUR)
    (polled,), _ = shop.poll("orders", backfill_from=BACK)
    assert [polled] == shop.reader().fetch("order", ["1"])
    assert "_links" not in polled.payload


def test_a_trashed_order_is_fetched_and_a_deleted_one_is_absent() -> None:
    shop = StrictShop()
    shop.add_order(1, START - HOUR, status="trash")
    shop.add_order(3, START - HOUR)
    first, second, third = shop.reader().fetch("order", ["1", "2", "3"])
    assert isinstance(first, SourceObject)
    document = translate("order", first.payload)
    assert isinstance(document, Sale)
    assert (document.state, document.status) == ("canceled", "trash")
    assert isinstance(second, Absent)
    assert isinstance(third, SourceObject)


def test_an_id_that_is_none_is_absent_and_asks_nothing_else() -> None:
    shop = StrictShop()
    for kind, id_ in (("order", "x"), ("order", "1,2"), ("refund", "7"), ("refund", "7:x"), ("customer", "0")):
        (found,) = shop.reader().fetch(kind, [id_])
        assert isinstance(found, Absent)
    assert not shop.asked


def test_two_hundred_and_fifty_orders_are_three_calls() -> None:
    shop = StrictShop()
    for number in range(1, 251):
        shop.add_order(number, START)
    assert len(shop.reader().fetch("order", [str(number) for number in range(1, 251)])) == 250
    assert len(shop.asked) == 3


def test_keys_chosen_in_the_settings_travel_in_the_payload() -> None:
    shop = StrictShop()
    shop.add_order(1, START)
    (found,) = shop.reader(vat_number_keys=" min_vat , x,").fetch("order", ["1"])
    assert isinstance(found, SourceObject)
    assert found.payload["_meta_keys"] == {"vat_number": ["min_vat", "x"]}


# ---------------------------------------------------------------------------------------------- customers


def test_customers_are_walked_by_id_and_one_removed_on_the_way_hides_none() -> None:
    shop = StrictShop()
    for number in range(1, 751):
        shop.rows["customers"].append(woo.customer(id=number))
    reader, position, more = shop.reader(), None, True
    found: list[SourceObject] = []
    while more:
        page = reader.page("customers", position, now=START)
        found += page.objects
        position, more = page.position, page.more
        shop.remove("customers", len(found) // 2)
        shop.remove("customers", 3)
    assert set(ids(found)) == {str(number) for number in range(1, 751)}
    assert load(position).walked == 0


def test_a_customer_of_any_role_is_found_by_id_and_by_e_mail() -> None:
    shop = StrictShop()
    shop.rows["customers"].append(woo.customer())
    assert isinstance(shop.reader().fetch("customer", ["25"])[0], SourceObject)
    assert shop.to("/customers")[0]["role"] == "all"


# ---------------------------------------------------------------------------------------------- counting


def counted(shop: StrictShop, position: str | None) -> tuple[list[SourceObject], str]:
    return shop.poll("deletions", position)


def test_the_first_count_only_learns() -> None:
    shop = StrictShop()
    shop.add_order(1, START - HOUR)
    shop.add_refund(9, 1, START - HOUR)
    found, position = counted(shop, None)
    assert found == []
    assert load(position).counts["order"].known == {"1"}
    assert load(position).counts["refund"].known == {"1:9"}


def test_a_refund_deleted_without_a_word_is_found_the_next_day() -> None:
    shop = StrictShop()
    shop.add_order(1, START - HOUR)
    shop.add_refund(9, 1, START - HOUR)
    _, position = counted(shop, None)
    shop.remove("refunds", 9)
    shop.clock.advance(86_400)
    (found,), position = counted(shop, position)
    assert (found.kind, found.external_id, GONE in found.payload) == ("refund", "1:9", True)
    shop.clock.advance(86_400)
    assert counted(shop, position)[0] == []


def test_an_order_deleted_for_good_is_found_and_a_trashed_one_is_given() -> None:
    shop = StrictShop()
    for number in (1, 2, 3):
        shop.add_order(number, START - HOUR)
    _, position = counted(shop, None)
    shop.remove("orders", 1)
    shop.rows["orders"][0]["status"] = "trash"
    shop.clock.advance(86_400)
    found, _ = counted(shop, position)
    assert [(one.external_id, one.payload.get("status"), GONE in one.payload) for one in found] == [
        ("1", None, True),
        ("2", "trash", False),
    ]


def test_what_webhooks_and_polling_missed_is_named_by_the_count() -> None:
    shop = StrictShop()
    shop.add_order(1, START - HOUR)
    _, position = counted(shop, None)
    shop.clock.advance(86_400)
    shop.add_order(2, shop.clock.now() - HOUR)
    found, _ = counted(shop, position)
    assert ids(found) == ["2"]


def test_orders_that_grow_old_leave_the_count_unsaid() -> None:
    shop = StrictShop()
    shop.add_order(1, START - timedelta(days=30))
    shop.add_order(2, START - HOUR)
    _, position = counted(shop, None)
    for _ in range(5):
        shop.clock.advance(86_400)
        found, position = counted(shop, position)
        assert found == []
    assert load(position).counts["order"].known == {"2"}


def test_drafts_and_cancelled_orders_are_not_counted() -> None:
    shop = StrictShop()
    for number, status in enumerate(("checkout-draft", "cancelled", "failed", "completed"), start=1):
        shop.add_order(number, START - HOUR, status=status)
    _, position = counted(shop, None)
    assert load(position).counts["order"].known == {"4"}


@settings(max_examples=3)
@given(removed=st.sets(st.integers(1, 1100), max_size=40), seed=st.integers(0, 99))
def test_every_vanished_order_is_found_over_many_pages(removed: set[int], seed: int) -> None:
    shop = StrictShop(seed=seed)
    for number in range(1, 1101):
        row = {"id": number, "parent_id": 0, "status": "completed", "date_created_gmt": gmt(START - HOUR)}
        shop.rows["orders"].append(row)
    _, position = counted(shop, None)
    for number in removed:
        shop.remove("orders", number)
    shop.clock.advance(86_400)
    found, _ = counted(shop, position)
    assert {int(one.external_id) for one in found} == removed
    assert all(GONE in one.payload for one in found)


# ---------------------------------------------------------------------------------------------- the rest


def test_walks_are_bounded_and_read_what_changed() -> None:
    shop = StrictShop()
    shop.add_order(1, START - HOUR)
    shop.add_order(2, START - timedelta(days=9))
    shop.add_refund(9, 1, START - HOUR)
    assert ids(shop.reader().walk("order", location=None, since=BACK)) == ["1"]
    assert ids(shop.reader().walk("refund", location=None, since=BACK)) == ["1:9"]


def test_what_does_not_exist_says_so() -> None:
    reader = StrictShop().reader()
    with pytest.raises(UsageError):
        reader.page("products", None, now=START)
    with pytest.raises(UsageError):
        reader.fetch("product", ["1"])
    with pytest.raises(UsageError):
        reader.find("order", ("number", "N-1"), location=None)
    with pytest.raises(UsageError):
        reader.walk("shop", location=None, since=BACK)


def _replying(content: bytes, _request: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, content=content)


def _text(rows: list[dict[str, Any]]) -> bytes:
    return json.dumps(rows, default=float).encode()


def test_a_refund_made_and_deleted_between_two_counts_is_found_among_what_we_hold() -> None:
    shop = StrictShop()
    shop.add_order(1, START - HOUR)
    _, position = counted(shop, None)
    asked: list[tuple[str, datetime]] = []

    def held(kind: str, since: datetime) -> list[str]:
        asked.append((kind, since))
        return ["1:9"] if kind == "refund" else ["1", "2"]

    shop.held = held
    shop.clock.advance(86_400)
    (found,), position = counted(shop, position)
    assert (found.kind, found.external_id, GONE in found.payload) == ("refund", "1:9", True)
    assert [kind for kind, _ in asked] == ["refund"]
    assert START - timedelta(days=93) < asked[0][1] < START
