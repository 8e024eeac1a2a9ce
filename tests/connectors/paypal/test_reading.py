"""The report as the net, the lists, records by id: what is asked, and that nothing is lost or read in vain."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ml_connector.connectors.paypal.positions import Position, dump, load
from ml_connector.connectors.shapes import Absent, SourceObject
from ml_connector.errors import ConfigurationError, NotAuthorized, Rejected, Transient, UsageError
from tests.connectors.paypal import payloads as paypal
from tests.connectors.paypal.scripted import DISPUTES, INVOICES, NOW, REPORT, SEARCH, Report, Scripted, error, reply

DAY = timedelta(days=1)


def stamped(at: Any) -> str:
    return str(at.strftime("%Y-%m-%dT%H:%M:%SZ"))


def rows(count: int, *, since: Any = NOW - DAY, every: timedelta = timedelta(seconds=1)) -> list[dict[str, Any]]:
    return [paypal.row(f"TX{number:05}", at=stamped(since + every * number)) for number in range(count)]


def ids(found: list[SourceObject]) -> list[str]:
    return [one.external_id for one in found]


# ---------------------------------------------------------------------------------------------- the report


def test_a_first_reading_takes_windows_of_thirty_days_from_its_start() -> None:
    report = Report(rows(3))
    script = Scripted({REPORT: report})
    found, _, position = script.poll("transactions", backfill_from=NOW - 70 * DAY)
    assert ids(found) == ["TX00000:T0006:NOK+", "TX00001:T0006:NOK+", "TX00002:T0006:NOK+"]
    windows = [(one["start_date"], one["end_date"]) for one in report.asked]
    assert windows == [
        ("2026-09-19T12:00:00Z", "2026-10-19T12:00:00Z"),
        ("2026-10-19T12:00:00Z", "2026-11-18T12:00:00Z"),
        ("2026-11-18T12:00:00Z", "2026-11-28T12:00:00Z"),
    ]
    assert {one["page"] for one in report.asked} == {"1"}
    assert load(position).mark == NOW


def test_history_is_read_three_years_back_and_no_further() -> None:
    report = Report([])
    Scripted({REPORT: report}).poll("transactions", backfill_from=NOW - 5000 * DAY)
    assert report.asked[0]["start_date"] == stamped(NOW - 3 * 365 * DAY)
    assert len(report.asked) == 37


def test_the_mark_is_what_paypal_has_refreshed_and_never_now() -> None:
    report = Report(rows(1), refreshed=NOW - timedelta(hours=3))
    script = Scripted({REPORT: report})
    _, _, position = script.poll("transactions", backfill_from=NOW - 2 * DAY)
    assert load(position).mark == NOW - timedelta(hours=3)


def test_a_row_that_came_late_is_still_read_by_the_next_round() -> None:
    report = Report([], refreshed=NOW)
    script = Scripted({REPORT: report})
    _, _, position = script.poll("transactions", backfill_from=NOW - 5 * DAY)
    script.clock.advance(3600)
    report.refreshed = NOW + timedelta(hours=1)
    report.rows.append(paypal.row("LATE", at=stamped(NOW - 3 * DAY)))
    found, _, _ = script.poll("transactions", position)
    assert ids(found) == ["LATE:T0006:NOK+"]


def test_rows_are_read_again_for_four_days_and_once_a_day_for_a_month() -> None:
    report = Report([])
    script = Scripted({REPORT: report})
    _, _, position = script.poll("transactions", backfill_from=NOW - 400 * DAY)
    report.asked.clear()
    script.clock.advance(3600)
    report.refreshed = NOW + timedelta(hours=1)
    _, _, position = script.poll("transactions", position, backfill_from=NOW - 400 * DAY)
    assert [one["start_date"] for one in report.asked] == [stamped(NOW - 4 * DAY)]
    report.asked.clear()
    script.clock.advance(86_400)
    report.refreshed = NOW + timedelta(hours=25)
    _, _, position = script.poll("transactions", position, backfill_from=NOW - 400 * DAY)
    assert [one["start_date"] for one in report.asked] == [stamped(NOW + timedelta(hours=1) - 29 * DAY)]
    report.asked.clear()
    script.clock.advance(900)
    report.refreshed += timedelta(minutes=15)
    script.poll("transactions", position, backfill_from=NOW - 400 * DAY)
    assert [one["start_date"] for one in report.asked] == [stamped(NOW + timedelta(hours=25) - 4 * DAY)]


def test_a_report_that_was_not_refreshed_since_costs_one_call() -> None:
    report = Report(rows(3))
    script = Scripted({REPORT: report})
    _, _, position = script.poll("transactions", backfill_from=NOW - 2 * DAY)
    report.asked.clear()
    script.clock.advance(900)
    _, _, after = script.poll("transactions", position)
    assert len(report.asked) == 1
    assert load(after).mark == load(position).mark


def test_nothing_served_yet_is_no_error_and_moves_no_mark() -> None:
    report = Report([], refreshed=NOW - 2 * DAY)
    script = Scripted({REPORT: report})
    found, _, position = script.poll("transactions", backfill_from=NOW - timedelta(hours=1))
    assert (found, load(position).mark, load(position).until) == ([], None, None)


def test_a_result_that_is_too_large_is_halved_until_it_fits_and_nothing_is_lost() -> None:
    report = Report(rows(300, since=NOW - 20 * DAY, every=timedelta(minutes=61)), most=40)
    found, _, position = Scripted({REPORT: report}).poll("transactions", backfill_from=NOW - 25 * DAY)
    assert len(set(ids(found))) == 300
    assert load(position).mark == NOW


def test_more_than_the_report_serves_in_one_second_is_told() -> None:
    report = Report([paypal.row(f"TX{number}", at=stamped(NOW - DAY)) for number in range(50)], most=40)
    with pytest.raises(Rejected, match="second"):
        Scripted({REPORT: report}).poll("transactions", backfill_from=NOW - 2 * DAY)


def test_a_window_of_several_pages_is_read_only_up_to_what_stands_still() -> None:
    report = Report(rows(1200), refreshed=NOW - timedelta(hours=2))
    found, _, position = Scripted({REPORT: report}).poll("transactions", backfill_from=NOW - 2 * DAY)
    assert len(set(ids(found))) == 1200
    assert [one["page"] for one in report.asked] == ["1", "1", "2", "3"]
    assert {one["end_date"] for one in report.asked[1:]} == {stamped(NOW - timedelta(hours=2))}
    assert load(position).mark == NOW - timedelta(hours=2)


def test_pages_that_shift_while_they_are_read_are_read_again() -> None:
    report = Report(rows(600)[1:], refreshed=NOW - timedelta(hours=1))
    missing = rows(600)[0]

    def shift(number: int) -> None:
        if number == 3:  # a row sorted in front of the first page, between the pages
            report.rows.insert(0, missing)

    report.between = shift
    found, _, _ = Scripted({REPORT: report}).poll("transactions", backfill_from=NOW - 2 * DAY)
    assert len(set(ids(found))) == 600
    assert [one["page"] for one in report.asked] == ["1", "1", "2", "1", "2"]


def test_a_count_that_is_always_wrong_stops_nothing_once_two_readings_agree() -> None:
    report = Report(rows(700), wrong_total=3)
    found, _, position = Scripted({REPORT: report}).poll("transactions", backfill_from=NOW - 2 * DAY)
    assert len(set(ids(found))) == 700
    assert len(report.asked) == 4
    assert load(position).mark == NOW


def test_a_round_is_taken_up_after_a_restart_where_it_stopped() -> None:
    report = Report(rows(4600))
    script = Scripted({REPORT: report})
    position: str | None = None
    sizes = []
    while True:
        page = script.reader().page("transactions", position, now=NOW, backfill_from=NOW - 2 * DAY)
        sizes.append(len(page.objects))
        position = page.position
        if not page.more:
            break
    assert sizes == [2000, 2000, 600]
    assert [one["page"] for one in report.asked] == [str(number) for number in range(1, 11)]


def test_one_id_in_several_rows_makes_several_records() -> None:
    triple = [
        paypal.row("SALE", "T0006", "100.00", "EUR", fee="-3.90"),
        paypal.row("CONV", "T0200", "-96.10", "EUR", fee=None),
        paypal.row("CONV", "T0200", "1084.20", "SEK", fee=None),
    ]
    found, _, _ = Scripted({REPORT: Report(triple)}).poll("transactions", backfill_from=NOW - 10 * DAY)
    assert ids(found) == ["SALE:T0006:EUR+", "CONV:T0200:EUR-", "CONV:T0200:SEK+"]


def test_two_rows_of_one_key_with_different_amounts_are_put_before_a_person() -> None:
    from ml_connector.connectors.paypal.translate import translate
    from ml_connector.errors import Untranslatable

    twins = [paypal.row(value="10.00"), paypal.row(value="11.00"), paypal.row(value="11.00")]
    found, _, _ = Scripted({REPORT: Report(twins)}).poll("transactions", backfill_from=NOW - 10 * DAY)
    assert len(found) == 1
    with pytest.raises(Untranslatable) as caught:
        translate("transaction", found[0].payload)
    assert caught.value.field == "same_key"


def test_one_broken_row_stops_no_stream() -> None:
    broken = paypal.row()
    del broken["transaction_info"]["transaction_amount"]
    script = Scripted({REPORT: Report([broken, *rows(2)])})
    found, _, _ = script.poll("transactions", backfill_from=NOW - 10 * DAY)
    assert len(found) == 3


def test_a_report_that_is_not_permitted_pauses_the_connection() -> None:
    script = Scripted({REPORT: error("NOT_AUTHORIZED", "PERMISSION_DENIED", status=403)})
    with pytest.raises(NotAuthorized, match="nine hours"):
        script.poll("transactions")


def test_a_transaction_is_found_by_its_id_and_comes_in_the_shape_of_the_stream() -> None:
    report = Report(rows(5, since=NOW - 100 * DAY))
    script = Scripted({REPORT: report})
    (found,) = script.reader().fetch("transaction", ["TX00002:T0006:NOK+"])
    assert isinstance(found, SourceObject)
    assert found.payload == rows(5, since=NOW - 100 * DAY)[2]
    assert "transaction_id" not in report.asked[-1]  # a filter would empty the balances
    (gone,) = script.reader().fetch("transaction", ["NONE:T0006:NOK+"])
    assert isinstance(gone, Absent)


def test_rows_are_found_by_transaction_and_walked_since_a_day() -> None:
    report = Report(rows(5))
    script = Scripted({REPORT: report})
    assert ids(script.reader().find("transaction", ("transaction", "TX00003"), location=None)) == ["TX00003:T0006:NOK+"]
    assert len(script.reader().walk("transaction", location=None, since=NOW - 40 * DAY)) == 5


# ---------------------------------------------------------------------------------------------- invoices


def listed(*found: dict[str, Any], pages: int = 1) -> dict[str, Any]:
    return {"items": list(found), "total_pages": pages, "total_items": len(found)}


def numbered(number: int, status: str = "SENT", **changed: Any) -> dict[str, Any]:
    return paypal.open_invoice(id=f"INV2-{number:04}", status=status, **changed)


def test_open_new_and_paid_invoices_are_searched_and_named_once() -> None:
    script = Scripted({SEARCH: listed(numbered(1), numbered(2))})
    found, named, position = script.poll("invoices")
    assert (found, named) == ([], ["INV2-0001", "INV2-0002"])
    asked = script.to(SEARCH)
    assert [sorted(one.keys() - {"fields"}) for one in asked] == [
        ["status"], ["creation_date_range"], ["payment_date_range"],
    ]  # fmt: skip
    assert asked[0]["status"] == ["SENT", "UNPAID", "PARTIALLY_PAID", "PAYMENT_PENDING"]
    assert len(asked[0]["status"]) <= 5
    assert asked[1]["creation_date_range"] == {"start": "2026-11-26T12:00:00Z", "end": "2026-11-28T12:00:00Z"}
    assert asked[1]["fields"] == ["items", "payments", "refunds"]
    assert script.poll("invoices", position)[1] == []


def test_an_invoice_that_looks_different_is_named_again_even_if_its_time_did_not_move() -> None:
    script = Scripted({SEARCH: listed(numbered(1))})
    _, _, position = script.poll("invoices")
    script.answers[SEARCH] = listed(numbered(1, due_amount=paypal.money("1000.00")))
    assert script.poll("invoices", position)[1] == ["INV2-0001"]


def test_the_whole_list_tells_what_was_canceled_or_edited_elsewhere_and_leaves_drafts_alone() -> None:
    script = Scripted({INVOICES: listed(numbered(1), numbered(2), numbered(3, "DRAFT"), numbered(4, "SCHEDULED"))})
    _, named, position = script.poll("invoice_list")
    assert named == ["INV2-0001", "INV2-0002"]
    script.answers[INVOICES] = listed(numbered(1), numbered(2, "CANCELLED"), numbered(3, "SENT"))
    assert script.poll("invoice_list", position)[1] == ["INV2-0002", "INV2-0003"]


def test_the_whole_list_is_walked_page_by_page_a_hundred_names_at_a_time() -> None:
    every = [numbered(number) for number in range(230)]

    def page(request: Any) -> Any:
        number, size = int(request.url.params["page"]), int(request.url.params["page_size"])
        return reply(200, {"items": every[(number - 1) * size : number * size], "total_pages": 3})

    script = Scripted({INVOICES: page})
    _, named, _ = script.poll("invoice_list")
    assert named == [f"INV2-{number:04}" for number in range(230)]
    first = script.reader().page("invoice_list", None, now=NOW)
    assert (len(first.named), first.more) == (100, True)


def test_closed_invoices_from_before_the_start_are_left_out() -> None:
    script = Scripted({INVOICES: listed(numbered(1, "PAID"), numbered(2))})
    assert script.poll("invoice_list", backfill_from=NOW)[1] == ["INV2-0002"]


def test_without_the_invoicing_permission_there_are_simply_no_invoices() -> None:
    denied = error("NOT_AUTHORIZED", "PERMISSION_DENIED", status=403)
    script = Scripted({SEARCH: denied, INVOICES: denied, DISPUTES: denied})
    for stream in ("invoices", "invoice_list", "disputes"):
        assert script.poll(stream)[:2] == ([], [])


def test_an_invoice_is_found_by_its_number_in_the_shape_of_get() -> None:
    script = Scripted({SEARCH: listed(paypal.invoice()), f"{INVOICES}/{paypal.INVOICE}": paypal.invoice()})
    (found,) = script.reader().find("invoice", ("number", "10042"), location=None)
    assert found.payload == paypal.invoice()
    assert script.reader().find("invoice", ("number", "1004"), location=None) == []  # the search finds parts, too
    with pytest.raises(Rejected):
        script.reader().find("invoice", ("number", "x" * 26), location=None)


# ---------------------------------------------------------------------------------------------- disputes


def test_disputes_are_listed_by_link_on_our_own_host_and_named() -> None:
    def page(request: Any) -> Any:
        assert request.url.host == "api-m.sandbox.paypal.com"
        assert request.url.params["page_size"] == "50"
        if "next_page_token" in request.url.params:
            return reply(200, {"items": [{"dispute_id": "PP-D-2", "update_time": "2026-11-27T00:00:00Z"}]})
        links = [
            {"rel": "next", "href": "https://api.paypal.com/v1/customer/disputes?next_page_token=abc&page_size=50"}
        ]
        return reply(200, {"items": [{"dispute_id": "PP-D-1", "update_time": "2026-11-27T00:00:00Z"}], "links": links})

    script = Scripted({DISPUTES: page})
    _, named, position = script.poll("disputes", backfill_from=NOW - 1000 * DAY)
    assert named == ["PP-D-1", "PP-D-2"]
    assert script.to(DISPUTES)[0]["update_time_after"] == stamped(NOW - 179 * DAY)
    assert script.poll("disputes", position)[1] == []


def test_an_empty_list_of_disputes_may_lack_its_items() -> None:
    assert Scripted({DISPUTES: {"links": []}}).poll("disputes")[:2] == ([], [])


def test_disputes_about_a_capture_are_found() -> None:
    script = Scripted({DISPUTES: {"items": [{"dispute_id": "PP-D-27803"}]}, f"{DISPUTES}/PP-D-27803": paypal.dispute()})
    (found,) = script.reader().find("dispute", ("capture", paypal.CAPTURE), location=None)
    assert found.external_id == "PP-D-27803"
    assert script.to(DISPUTES)[0]["disputed_transaction_id"] == paypal.CAPTURE
    assert "update_time_after" not in script.to(DISPUTES)[0]


# ---------------------------------------------------------------------------------------------- by id


def test_records_are_read_by_id_one_answer_for_each_in_their_order() -> None:
    path = "/v2/payments/captures"
    script = Scripted(
        {
            f"{path}/A1": paypal.capture(id="A1"),
            f"{path}/B2": error("RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID", status=404),
            f"{path}/C3": error("NOT_AUTHORIZED", "PERMISSION_DENIED", status=403),
        }
    )
    found = script.reader().fetch("capture", ["B2", "A1", "C3", "A1"])
    assert [type(one) for one in found] == [Absent, SourceObject, Absent, SourceObject]
    assert len(script.asked) == 3
    assert isinstance(found[2], Absent)
    assert "another" in found[2].why


def test_an_id_is_one_path_segment_whatever_it_holds() -> None:
    script = Scripted({"/v2/payments/refunds/../../oauth2/token": {}, "/v2/payments/refunds/X/Y": paypal.refund()})
    script.reader().fetch("refund", ["X/Y"])
    assert script.requests[-1].url.raw_path == b"/v2/payments/refunds/X%2FY"


def test_kinds_and_streams_that_are_not_there_are_told() -> None:
    reader = Scripted({}).reader()
    for attempt in (
        lambda: reader.fetch("order", ["1"]),
        lambda: reader.page("orders", None, now=NOW),
        lambda: reader.find("capture", ("order", "1"), location=None),
        lambda: reader.walk("invoice", location=None, since=NOW),
        lambda: reader.page("transactions", "{}", now=NOW),
        lambda: reader.page("transactions", '{"v":1,"mark":"yesterday"}', now=NOW),
        lambda: reader.page("transactions", '{"v":1,"page":"x"}', now=NOW),
        lambda: reader.page("transactions", '{"v":1,"surplus":1}', now=NOW),
    ):
        with pytest.raises(UsageError):
            attempt()


def test_a_position_comes_back_from_its_text() -> None:
    position = Position(mark=NOW, until=NOW, page=3, seen=7, digest=9, known=("a",), day="2026-11-28")
    assert load(dump(position)) == position


def test_a_list_that_is_no_list_is_tried_again_later() -> None:
    with pytest.raises(Transient):
        Scripted({DISPUTES: {"items": "many"}}).poll("disputes")


def test_calls_keep_to_five_a_second_and_a_wrong_rate_is_told() -> None:
    script = Scripted({f"/v2/payments/captures/C{number}": paypal.capture() for number in range(20)})
    reader = script.reader(requests_per_second="5")
    before = script.clock.monotonic()
    reader.fetch("capture", [f"C{number}" for number in range(20)])
    assert script.clock.monotonic() - before == pytest.approx(3.0)
    with pytest.raises(ConfigurationError):
        script.reader(requests_per_second="many")
