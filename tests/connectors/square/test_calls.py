"""What goes over the wire and what comes of bad answers: a scripted Square that notes each request."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx2
import pytest

from ml_connector.clock import HandClock
from ml_connector.connectors.http import Answer, Http, Reach
from ml_connector.connectors.shapes import Absent
from ml_connector.connectors.square import CONNECTOR
from ml_connector.connectors.square.auth import FixedToken
from ml_connector.connectors.square.faults import CursorLost, judged
from ml_connector.connectors.square.pacing import Pacer
from ml_connector.connectors.square.positions import dump, load
from ml_connector.connectors.square.reader import SquareReader, open_reader
from ml_connector.errors import (
    ConfigurationError,
    Conflict,
    NotAuthorized,
    NotFound,
    RateLimited,
    Rejected,
    Transient,
    Untranslatable,
    UsageError,
)
from tests.connectors.square import payloads as square

NOW = datetime(2026, 2, 10, 12, tzinfo=UTC)
Reply = Callable[[httpx2.Request], httpx2.Response]


def reply(status: int, content: Any, **headers: str) -> httpx2.Response:
    return httpx2.Response(status, json=content, headers=headers)


def given_back(answer: httpx2.Response, request: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)


@dataclass
class Scripted:
    """A Square that says what the test wants. `asked` holds (method, path, parameters or body)."""

    answers: dict[str, Reply | Any]
    clock: HandClock = field(default_factory=lambda: HandClock(NOW))
    asked: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    headers: list[httpx2.Headers] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.answers.setdefault("/v2/locations", {"locations": [square.location("L1"), square.location("L2")]})
        self.http = Http(
            Reach(CONNECTOR.default_base_url, frozenset(CONNECTOR.hosts)), transport=httpx2.MockTransport(self._on)
        )

    def _on(self, request: httpx2.Request) -> httpx2.Response:
        body = request.read()
        self.asked.append((request.method, request.url.path, json.loads(body) if body else dict(request.url.params)))
        self.headers.append(request.headers)
        answer = self.answers.get(request.url.path, {})
        made = answer(request) if callable(answer) else reply(200, answer)
        assert isinstance(made, httpx2.Response)
        return made

    def reader(self, **settings: str) -> SquareReader:
        given = {"access_token": "AT", "merchant_id": "ML1"}
        return open_reader(self.http, given, {"requests_per_second": "1000", **settings}, clock=self.clock)

    def to(self, path: str) -> list[dict[str, Any]]:
        return [asked for _, where, asked in self.asked if where == path]


# ---------------------------------------------------------------------------------------------- requests


def test_every_call_pins_the_version_and_carries_the_token() -> None:
    script = Scripted({})
    script.reader().page("locations", None, now=NOW)
    (headers,) = script.headers
    assert headers["square-version"] == "2025-08-20"
    assert headers["authorization"] == "Bearer AT"
    assert headers["user-agent"].startswith("ml-connector")


def test_payments_are_asked_for_each_location_with_and_without_offline_ones_and_a_begin_far_back() -> None:
    script = Scripted({})
    page = script.reader().page("payments", None, now=NOW, backfill_from=NOW - timedelta(days=1))
    assert not page.more
    asked = script.to("/v2/payments")
    assert sorted((one["location_id"], one.get("is_offline_payment", "")) for one in asked) == [
        ("L1", ""),
        ("L1", "true"),
        ("L2", ""),
        ("L2", "true"),
    ]
    for one in asked:
        assert one["begin_time"] < "2010"
        assert one["updated_at_end_time"] == "2026-02-10T11:59:00.000Z"
        assert one["updated_at_begin_time"] == "2026-02-09T11:49:59.999Z"  # ten minutes of overlap and one grain
        assert (one["sort_field"], one["sort_order"]) == ("UPDATED_AT", "ASC")


def test_orders_filter_and_sort_by_the_same_field() -> None:
    script = Scripted({})
    script.reader().page("orders", None, now=NOW)
    (asked,) = script.to("/v2/orders/search")
    assert list(asked["query"]["filter"]["date_time_filter"]) == ["updated_at"]
    assert asked["query"]["sort"] == {"sort_field": "UPDATED_AT", "sort_order": "ASC"}
    assert asked["location_ids"] == ["L1", "L2"]


def test_the_last_four_days_are_read_again_by_creation_once_a_day() -> None:
    script = Scripted({})
    position = script.reader().page("payments", None, now=NOW).position
    script.asked.clear()
    position = script.reader().page("payments", position, now=NOW + timedelta(hours=1)).position
    assert len(script.to("/v2/payments")) == 4
    script.asked.clear()
    position = script.reader().page("payments", position, now=NOW + timedelta(hours=13)).position
    again = [one for one in script.to("/v2/payments") if one["sort_field"] == "CREATED_AT"]
    assert len(again) == 4
    assert {one["begin_time"] for one in again} == {"2026-02-07T00:58:59.999Z"}
    script.asked.clear()
    script.reader().page("payments", position, now=NOW + timedelta(hours=14))
    assert all(one["sort_field"] == "UPDATED_AT" for one in script.to("/v2/payments"))


def test_a_poll_within_the_same_minute_asks_for_nothing_new() -> None:
    script = Scripted({})
    first = script.reader().page("refunds", None, now=NOW)
    script.asked.clear()
    again = script.reader().page("refunds", first.position, now=NOW)
    assert (again.objects, again.more, script.asked) == ((), False, [])
    assert load(again.position).lanes == load(first.position).lanes


def test_a_location_that_is_new_is_read_from_the_beginning() -> None:
    script = Scripted({})
    position = script.reader().page("orders", None, now=NOW, backfill_from=NOW - timedelta(days=3)).position
    script.answers["/v2/locations"] = {
        "locations": [square.location("L1"), square.location("L2"), square.location("L3")]
    }
    script.asked.clear()
    later = NOW + timedelta(hours=1)
    page = script.reader().page("orders", position, now=later, backfill_from=NOW - timedelta(days=3))
    windows = {
        tuple(one["location_ids"]): one["query"]["filter"]["date_time_filter"]["updated_at"]
        for one in script.to("/v2/orders/search")
    }
    assert windows[("L3",)]["start_at"].startswith("2026-02-07")
    assert windows[("L1", "L2")]["start_at"].startswith("2026-02-10T11:48")
    assert {lane.mark for lane in load(page.position).lanes.values()} == {later - timedelta(minutes=1)}


# ---------------------------------------------------------------------------------------------- full walks


def many_invoices(count: int) -> Callable[[httpx2.Request], httpx2.Response]:
    def on(request: httpx2.Request) -> httpx2.Response:
        asked = json.loads(request.read())
        start = int(asked.get("cursor") or 0)
        place = asked["query"]["filter"]["location_ids"][0]
        rows = [square.invoice(id=f"{place}-{n}") for n in range(start, min(count, start + asked["limit"]))]
        after = {"cursor": str(start + asked["limit"])} if start + asked["limit"] < count else {}
        return reply(200, {"invoices": rows, **after} if rows else {})

    return on


def test_a_full_walk_of_many_invoices_goes_on_after_a_restart_and_misses_none() -> None:
    script = Scripted({"/v2/invoices/search": many_invoices(4100)})
    position, found, pages = None, set(), 0
    while True:
        page = script.reader().page("invoices", position, now=NOW)
        found |= {one.external_id for one in page.objects}
        position, pages = page.position, pages + 1
        if not page.more:
            break
    assert len(found) == 2 * 4100
    assert pages == 6


def test_a_cursor_that_square_forgets_restarts_a_walk_and_three_times_gives_up() -> None:
    lost = {"errors": [{"category": "INVALID_REQUEST_ERROR", "code": "INVALID_CURSOR"}]}
    times = {"left": 2}

    def on(request: httpx2.Request) -> httpx2.Response:
        cursor = request.url.params.get("cursor")
        if cursor and times["left"]:
            times["left"] -= 1
            return reply(400, lost)
        rows = {"disputes": [square.dispute(id="D2" if cursor else "D1")]}
        return reply(200, rows if cursor else {**rows, "cursor": "c"})

    script = Scripted({"/v2/disputes": on})
    page = script.reader().page("disputes", None, now=NOW)
    assert [one.external_id for one in page.objects] == ["D1", "D2"]
    times["left"] = 99
    with pytest.raises(Transient, match="forgot"):
        script.reader().page("disputes", None, now=NOW)


# ---------------------------------------------------------------------------------------------- payouts


def payouts_of(count: int, status: str = "SENT") -> dict[str, Any]:
    rows = [
        square.payout(id=f"po_{n:03}", status=status, created_at=f"2026-02-09T{n // 60:02}:{n % 60:02}:00Z")
        for n in range(count)
    ]

    def listing(request: httpx2.Request) -> httpx2.Response:
        asked = request.url.params
        found = [
            one for one in rows if asked["begin_time"] <= one["created_at"].replace("Z", ".000Z") <= asked["end_time"]
        ]
        start = int(asked.get("cursor") or 0)
        more = {"cursor": str(start + 100)} if start + 100 < len(found) else {}
        return reply(200, {"payouts": found[start : start + 100] if asked["location_id"] == "L1" else [], **more})

    entries = {f"/v2/payouts/{one['id']}/payout-entries": {"payout_entries": square.entries()} for one in rows}
    return {"/v2/payouts": listing, **entries}


def test_payouts_come_forty_at_a_time_with_their_entries_and_each_once() -> None:
    script = Scripted(payouts_of(150))
    position, sizes, found = None, [], []
    while True:
        page = script.reader().page("payouts", position, now=NOW, backfill_from=NOW - timedelta(days=5))
        sizes.append(len(page.objects))
        found += [one.external_id for one in page.objects]
        position = page.position
        if not page.more:
            break
    assert max(sizes) == 40
    assert found == sorted(set(found))
    assert len(found) == 150
    entries = [path for _, path, _ in script.asked if path.endswith("payout-entries")]
    assert len(entries) == 150
    again = script.reader().page("payouts", position, now=NOW + timedelta(hours=1))
    assert again.objects == ()


def test_a_payout_whose_entries_do_not_add_up_is_read_again_the_next_day() -> None:
    answers = payouts_of(1, "PAID")
    answers["/v2/payouts/po_000/payout-entries"] = {"payout_entries": square.entries()[:2]}
    answers["/v2/payouts/po_000"] = {
        "payout": square.payout(id="po_000", status="PAID", created_at="2026-02-09T00:00:00Z")
    }
    script = Scripted(answers)
    position = script.reader().page("payouts", None, now=NOW).position
    script.answers["/v2/payouts/po_000/payout-entries"] = {"payout_entries": square.entries()}
    page = script.reader().page("payouts", position, now=NOW + timedelta(days=1))
    assert len(page.objects[0].payload["entries"]) == 4
    assert load(page.position).watched == {}


# ---------------------------------------------------------------------------------------------- bad answers


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "INVALID_VALUE", Rejected),
        (400, "VERSION_MISMATCH", Conflict),
        (401, "UNAUTHORIZED", NotAuthorized),
        (401, "ACCESS_TOKEN_REVOKED", NotAuthorized),
        (403, "INSUFFICIENT_SCOPES", NotAuthorized),
        (404, "NOT_FOUND", NotFound),
        (408, "REQUEST_TIMEOUT", Transient),
        (409, "CONFLICT", Conflict),
        (410, "GONE", NotFound),
        (422, "SOMETHING_NEW", Rejected),
        (429, "RATE_LIMITED", RateLimited),
        (500, "INTERNAL_SERVER_ERROR", Transient),
        (503, "SOMETHING_NEW", Transient),
        (302, "", Transient),
        (200, "RATE_LIMITED", RateLimited),
        (200, "INTERNAL_SERVER_ERROR", Transient),
        (200, "INVALID_VALUE", Rejected),
    ],
)
def test_each_refusal_is_the_error_it_means(status: int, code: str, kind: type[Exception]) -> None:
    body = {"payments": [], "errors": [{"category": "X", "code": code, "detail": "why"}]}
    script = Scripted({"/v2/refunds": lambda _: reply(status, body)})
    with pytest.raises(kind) as caught:
        script.reader().page("refunds", None, now=NOW)
    assert type(caught.value) is kind
    assert str(caught.value).count("/v2/refunds") == (0 if code == "UNAUTHORIZED" else 2)  # the place, and what failed


def test_the_wait_that_square_asks_for_is_told() -> None:
    for text, wait in {"7": 7.0, "99999": 3600.0, "soon": None, "": None}.items():
        answer = reply(429, {}, **{"retry-after": text})
        script = Scripted({"/v2/refunds": partial(given_back, answer)})
        with pytest.raises(RateLimited) as caught:
            script.reader().page("refunds", None, now=NOW)
        assert caught.value.retry_after_s == wait


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b"null"])
def test_an_answer_that_is_no_json_object_is_tried_again(body: bytes) -> None:
    script = Scripted({"/v2/refunds": lambda _: httpx2.Response(200, content=body)})
    with pytest.raises(Transient):
        script.reader().page("refunds", None, now=NOW)


@pytest.mark.parametrize("content", [{"refunds": 5}, {"refunds": [5]}, {"refunds": [{"id": "R1"}]}, {"refunds": {}}])
def test_a_list_of_another_shape_is_told_and_not_skipped(content: Any) -> None:
    with pytest.raises(Transient):
        Scripted({"/v2/refunds": content}).reader().page("refunds", None, now=NOW)


def test_a_row_without_an_id_stops_the_stream_by_name() -> None:
    with pytest.raises(Untranslatable, match="refund"):
        Scripted({"/v2/refunds": {"refunds": [square.refund(id=None)]}}).reader().page("refunds", None, now=NOW)


def test_a_cut_connection_in_a_search_is_only_transient() -> None:
    def cut(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadError("cut", request=request)

    with pytest.raises(Transient):
        Scripted({"/v2/orders/search": cut}).reader().page("orders", None, now=NOW)


def test_a_forgotten_cursor_is_only_one_where_a_cursor_was_sent() -> None:
    body = json.dumps({"errors": [{"code": "INVALID_CURSOR"}]}).encode()
    with pytest.raises(CursorLost):
        judged(Answer(400, {}, body), "GET /x", paging=True)
    with pytest.raises(Rejected):
        judged(Answer(400, {}, body), "GET /x")


def test_customers_in_bulk_tell_the_unknown_from_the_broken() -> None:
    ok = {"C1": {"customer": square.customer()}, "C2": {"errors": [{"code": "NOT_FOUND"}]}}
    script = Scripted({"/v2/customers/bulk-retrieve": {"responses": ok}})
    found = script.reader().fetch("customer", ["C1", "C2", "C1"])
    assert [type(one) is Absent for one in found] == [False, True, False]
    broken = {"C1": {"errors": [{"code": "INTERNAL_SERVER_ERROR"}]}}
    with pytest.raises(Transient):
        Scripted({"/v2/customers/bulk-retrieve": {"responses": broken}}).reader().fetch("customer", ["C1", "C2"])


def test_an_id_of_ours_cannot_leave_its_path() -> None:
    script = Scripted({})
    script.answers["/v2/payments/../locations"] = {}
    with pytest.raises(Transient):
        script.reader().fetch("payment", ["../locations"])
    assert script.asked[0][1] != "/v2/locations"


def test_kinds_and_streams_that_square_does_not_have_are_named() -> None:
    reader = Scripted({}).reader()
    with pytest.raises(UsageError, match="shoes"):
        reader.fetch("shoes", ["1"])
    with pytest.raises(UsageError, match="shoes"):
        reader.page("shoes", None, now=NOW)


def test_a_broken_position_names_the_way_out() -> None:
    with pytest.raises(UsageError, match="Reset"):
        Scripted({}).reader().page("refunds", "nonsense", now=NOW)


def test_without_a_personal_token_there_are_no_events() -> None:
    script = Scripted({})
    page = script.reader().page("events", None, now=NOW)
    assert (page.named, page.more, script.asked) == ((), False, [])


def test_events_that_the_application_may_not_search_are_no_failure() -> None:
    script = Scripted({"/v2/events/enable": lambda _: reply(403, {"errors": [{"code": "FORBIDDEN"}]})})
    reader = open_reader(script.http, {"access_token": "AT", "personal_access_token": "PAT"}, {}, clock=script.clock)
    assert reader.page("events", None, now=NOW).named == ()


def test_a_connection_without_a_token_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError, match="no access token"):
        open_reader(Scripted({}).http, {}, {}, clock=HandClock(NOW))


def test_a_token_is_never_shown() -> None:
    assert "secret" not in repr(FixedToken("secret"))


# ---------------------------------------------------------------------------------------------- pacing


def test_calls_keep_to_the_rate_without_waiting_while_there_is_room() -> None:
    clock = HandClock(NOW)
    pacer = Pacer(clock, per_second=10)
    for _ in range(10):
        with pacer.turn():
            pass
    assert clock.now() == NOW
    for _ in range(20):
        with pacer.turn():
            pass
    assert clock.now() - NOW == pytest.approx(timedelta(seconds=2), abs=timedelta(milliseconds=1))


def test_no_more_calls_are_in_flight_than_allowed() -> None:
    pacer = Pacer(HandClock(NOW), per_second=1000, at_once=2)
    inside, most, lock, gate = [0], [0], threading.Lock(), threading.Barrier(2)

    def one() -> None:
        with pacer.turn():
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            gate.wait(timeout=5)
            with lock:
                inside[0] -= 1

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 2


@pytest.mark.parametrize("text", ["0", "-1", "fast", "1e9", "nan"])
def test_a_nonsensical_rate_is_refused_when_the_reader_is_opened(text: str) -> None:
    with pytest.raises(ConfigurationError, match="requests_per_second"):
        Scripted({}).reader(requests_per_second=text)


def test_the_position_after_a_walk_is_the_same_text_each_time() -> None:
    position = Scripted({}).reader().page("payments", None, now=NOW).position
    assert dump(load(position)) == position
