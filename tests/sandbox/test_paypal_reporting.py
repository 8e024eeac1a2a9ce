"""Transaction Search and balances of the pretend PayPal: lag, windows, changed and late rows, conversions, holds."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.sandbox.paypal_account import Account, money

REPORT = "/v1/reporting/transactions"
DAY = {"start_date": "2026-11-20T00:00:00Z", "end_date": "2026-11-21T00:00:00Z"}


@pytest.fixture
def account() -> Account:
    return Account()


def codes(rows: list[Any]) -> list[str]:
    return [row["transaction_event_code"] for row in rows]


def test_a_sale_shows_only_when_the_report_was_refreshed_past_it(account: Account) -> None:
    account.do("capture", gross="100.00")
    empty = account.get(REPORT, **DAY | {"start_date": "2026-11-20T01:00:00Z"})
    assert empty["last_refreshed_datetime"] == "2026-11-20T09:00:00Z"
    assert empty["end_date"] == "2026-11-20T09:00:00Z"
    assert (empty["total_items"], empty["total_pages"]) == (0, 0)
    account.wait(hours=3)
    assert account.get(REPORT, **DAY)["total_items"] == 1


def test_a_window_that_begins_beyond_the_refreshed_time_says_there_is_no_data_yet(account: Account) -> None:
    status, answer = account.call("GET", REPORT, start_date="2026-11-20T09:00:01Z", end_date="2026-11-20T10:00:00Z")
    assert (status, answer["name"]) == (400, "INVALID_REQUEST")
    assert answer["message"] == "Data for the given start date is not available."


@pytest.mark.parametrize(
    ("changes", "issue"),
    [
        ({"start_date": "2026-10-20T23:59:59Z", "end_date": "2026-11-21T00:00:00Z"}, "INVALID_DATE_RANGE"),
        ({"start_date": "2023-11-01T00:00:00Z", "end_date": "2023-11-02T00:00:00Z"}, "INVALID_DATE_RANGE"),
        ({"start_date": "2026-11-20"}, "INVALID_PARAMETER_SYNTAX"),
        ({"start_date": "2026-11-20T00:00:00"}, "INVALID_PARAMETER_SYNTAX"),
        ({"end_date": "2026-11-19T00:00:00Z"}, "INVALID_DATE_RANGE"),
        ({"page": 0}, "INVALID_INTEGER_MIN_VALUE"),
        ({"page_size": 501}, "INVALID_INTEGER_MAX_VALUE"),
        ({"fields": "transaction_info,colour"}, "INVALID_PARAMETER_VALUE"),
        ({"balance_affecting_records_only": "yes"}, "INVALID_PARAMETER_VALUE"),
    ],
)
def test_a_malformed_window_is_refused(account: Account, changes: dict[str, Any], issue: str) -> None:
    assert account.refused("GET", REPORT, **DAY | changes) == (400, issue)


def test_31_days_are_allowed_and_offsets_are_understood(account: Account) -> None:
    answer = account.get(REPORT, start_date="2026-10-20T02:00:00+02:00", end_date="2026-11-20T00:00:00Z")
    assert answer["start_date"] == "2026-10-20T00:00:00Z"


def test_amounts_are_signed_and_refunds_point_at_their_sale(account: Account) -> None:
    taken = account.do(
        "capture", gross="1250.00", currency="NOK", fee="45.30", invoice_id="10042", custom_id="t7|10042"
    )
    account.do("refund", capture_id=taken["capture_id"], amount="250.00")
    account.wait(hours=4)
    sale, back = account.rows()
    assert sale["transaction_id"] == taken["capture_id"]
    assert sale["transaction_amount"] == money("1250.00", "NOK")
    assert sale["fee_amount"] == money("-45.30", "NOK")
    assert (sale["invoice_id"], sale["custom_field"]) == ("10042", "t7_10042")
    assert back["transaction_amount"] == money("-250.00", "NOK")
    assert back["paypal_reference_id"] == taken["capture_id"]
    assert back["paypal_reference_id_type"] == "TXN"
    assert "fee_amount" not in back


def test_only_asked_blocks_are_there_and_a_filter_empties_the_ending_balance(account: Account) -> None:
    account.do("capture", gross="10.00")
    account.wait(hours=4)
    plain = account.get(REPORT, **DAY)["transaction_details"][0]
    assert set(plain) == {"transaction_info"}
    assert plain["transaction_info"]["ending_balance"]
    asked = DAY | {"fields": "transaction_info,payer_info", "transaction_currency": "SEK"}
    filtered = account.get(REPORT, **asked)["transaction_details"][0]
    assert set(filtered) == {"transaction_info", "payer_info"}
    assert "ending_balance" not in filtered["transaction_info"]
    assert account.get(REPORT, **DAY, transaction_amount="1 TO 999")["total_items"] == 0


def test_a_sale_with_conversion_is_three_rows_and_its_refund_three_more(account: Account) -> None:
    taken = account.do("capture", gross="100.00", currency="USD", fee="3.90", rate="11.2820")
    back = account.do("refund", capture_id=taken["capture_id"], amount="50.00")
    account.wait(hours=4)
    rows = account.rows()
    assert codes(rows) == ["T0006", "T0200", "T0200", "T1107", "T0200", "T0200"]
    assert [r["transaction_amount"]["value"] for r in rows[:3]] == ["100.00", "-96.10", "1084.20"]
    assert {r["paypal_reference_id"] for r in rows[1:3]} == {taken["capture_id"]}
    assert {r["paypal_reference_id"] for r in rows[4:]} == {back["refund_id"]}
    assert len({r["transaction_id"] for r in rows}) == 6
    assert len({r["transaction_initiation_date"] for r in rows[:3]}) == 1
    account.do("knobs", refund_conversion_names="sale")
    account.do("refund", capture_id=taken["capture_id"], amount="10.00")
    account.wait(hours=4)
    assert {r["paypal_reference_id"] for r in account.rows()[7:]} == {taken["capture_id"]}


def test_without_conversion_rows_the_money_stays_in_its_currency(account: Account) -> None:
    account.do("knobs", conversion_rows=False)
    account.do("capture", gross="100.00", currency="USD", fee="3.90")
    assert account.do("truth")["balances"] == {"USD": {"total": "96.10", "available": "96.10", "withheld": "0.00"}}


def test_a_pending_row_is_hidden_by_default_and_becomes_a_success(account: Account) -> None:
    taken = account.do("capture", gross="100.00", pending="ECHECK")["capture_id"]
    account.wait(hours=4)
    assert account.rows() == []
    (pending,) = account.rows(balance_affecting_records_only="N")
    assert pending["transaction_status"] == "P"
    account.wait(days=2)
    account.do("settle", capture_id=taken)
    assert account.rows() == []
    account.wait(hours=3)
    (done,) = account.rows()
    assert done["transaction_status"] == "S"
    assert done["transaction_initiation_date"] == "2026-11-20T12:00:00Z"
    assert done["transaction_updated_date"] == "2026-11-22T16:00:00Z"
    assert account.get(REPORT, **DAY)["total_items"] == 0  # a window selects on the time of the update
    account.do("knobs", report_order="initiated")
    assert account.get(REPORT, **DAY)["total_items"] == 1


def test_a_report_shows_each_row_as_it_was_when_last_refreshed(account: Account) -> None:
    row = account.do("transaction", code="T1900", amount="10.00")
    account.wait(hours=4)
    account.do("change_transaction", transaction_id=row["transaction_id"], status="V")
    assert account.rows()[0]["transaction_status"] == "S"
    account.wait(hours=3)
    assert [r["transaction_status"] for r in account.rows()] == ["V"]


def test_a_fee_may_appear_later_while_the_balance_knows_it_at_once(account: Account) -> None:
    account.do("knobs", fee_late_s=86400)
    account.do("capture", gross="100.00", fee="4.00")
    assert account.do("truth")["balances"]["SEK"]["total"] == "96.00"
    account.wait(hours=4)
    assert "fee_amount" not in account.rows()[0]
    account.wait(hours=24)
    assert account.rows()[0]["fee_amount"] == money("-4.00")


def test_late_rows_appear_behind_the_mark(account: Account) -> None:
    account.do("knobs", late_share=1.0, late_s=172800)
    account.do("capture", gross="100.00")
    account.wait(hours=6)
    assert account.rows() == []
    account.wait(days=2)
    assert account.rows()[0]["transaction_updated_date"] == "2026-11-20T12:00:00Z"


def test_one_id_may_occur_twice(account: Account) -> None:
    account.do("knobs", twin_share=1.0)
    account.do("capture", gross="100.00")
    account.wait(hours=4)
    assert len(account.rows()) == 1
    both = account.rows(balance_affecting_records_only="N")
    assert len(both) == 2
    assert len({r["transaction_id"] for r in both}) == 1


def test_pages_count_from_one_and_link_on(account: Account) -> None:
    account.do("bulk", n=25, start="2026-11-20T00:00:00Z", end="2026-11-20T06:00:00Z")
    first = account.get(REPORT, **DAY, page_size=10)
    assert (first["page"], first["total_items"], first["total_pages"]) == (1, 25, 3)
    links = {x["rel"]: x["href"] for x in first["links"]}
    assert links["next"].startswith("https://api-m.sandbox.paypal.com/v1/reporting/transactions?")
    third = account.follow(links["last"])
    assert len(third["transaction_details"]) == 5
    assert "next" not in {x["rel"] for x in third["links"]}
    assert len({r["transaction_id"] for r in account.rows(page_size=10)}) == 25


def test_newest_first_makes_pages_shift_while_rows_arrive(account: Account) -> None:
    account.do("knobs", newest_first=True)
    account.do("bulk", n=10, start="2026-11-20T00:00:00Z", end="2026-11-20T06:00:00Z")
    first = account.get(REPORT, **DAY, page_size=5)["transaction_details"]
    account.do("transaction", code="T1900", amount="1.00", at="2026-11-20T07:00:00Z")
    second = account.get(REPORT, **DAY, page_size=5, page=2)
    assert first[-1] == second["transaction_details"][0]
    assert second["total_items"] == 11


def test_more_than_the_limit_is_refused_whole(account: Account) -> None:
    account.do("knobs", resultset_limit=100)
    account.do("bulk", n=101, start="2026-11-20T00:00:00Z", end="2026-11-20T06:00:00Z")
    status, answer = account.call("GET", REPORT, **DAY)
    assert (status, answer["name"]) == (400, "RESULTSET_TOO_LARGE")
    assert (answer["total_items"], answer["maximum_items"]) == (101, 100)
    half = account.get(REPORT, start_date=DAY["start_date"], end_date="2026-11-20T03:00:00Z")
    assert half["total_items"] == 51


def test_field_shapes_go_against_the_file_as_live_samples_do(account: Account) -> None:
    account.do("knobs", field_shapes=True)
    account.do("transaction", code="T0003", amount="5.00", reference="7EB31", reference_type="PAP")
    account.wait(hours=4)
    answer = account.report()
    assert answer["page"] == 0
    assert answer["last_refreshed_datetime"] == "2026-11-20T13:00:00+0000"
    info = answer["transaction_details"][0]["transaction_info"]
    assert info["paypal_reference_id"] == "B-7EB31"
    assert (
        account.report(start_date="2026-11-01T00:00:00Z", end_date="2026-11-02T00:00:00Z")["transaction_details"] == []
    )


def test_holds_move_the_available_balance_only(account: Account) -> None:
    account.do("capture", gross="1000.00", fee="0.00")
    held = account.do("hold", amount="300.00")
    other = account.do("hold", amount="50.00", code="T1500")
    assert account.do("truth")["balances"]["SEK"] == {"total": "1000.00", "available": "650.00", "withheld": "350.00"}
    assert account.do("release", transaction_id=held["transaction_id"])["code"] == "T2102"
    assert account.do("release", transaction_id=other["transaction_id"])["code"] == "T1105"
    assert account.do("truth")["balances"]["SEK"]["available"] == "1000.00"


def test_balances_are_those_of_a_time_not_later_than_the_refresh(account: Account) -> None:
    account.do("capture", gross="100.00", fee="0.00")
    account.wait(hours=4)
    account.do("hold", amount="40.00")
    now = account.get("/v1/reporting/balances", currency_code="SEK")
    assert now["balances"][0]["total_balance"] == money("100.00")
    assert now["balances"][0]["withheld_balance"] == money("0.00")
    before = account.get("/v1/reporting/balances", currency_code="SEK", as_of_time="2026-11-20T11:59:59Z")
    assert before["balances"][0]["total_balance"] == money("0.00")
    assert before["as_of_time"] == "2026-11-20T11:59:59Z"
    account.wait(hours=3)
    later = account.get("/v1/reporting/balances", currency_code="SEK")["balances"][0]
    assert (later["available_balance"], later["withheld_balance"]) == (money("60.00"), money("40.00"))


def test_withdrawals_take_what_is_available_and_may_return(account: Account) -> None:
    account.do("capture", gross="100.00", fee="4.00")
    gone = account.do("withdraw", code="T0401")
    assert (gone["code"], gone["amount"]) == ("T0401", "-96.00")
    back = account.do("return_withdrawal", transaction_id=gone["transaction_id"])
    assert (back["code"], back["amount"], back["reference"]) == ("T1101", "96.00", gone["transaction_id"])
    account.do("knobs", odd_status_share=1.0)
    assert account.do("withdraw", amount="10.00")["status"] == "R"
    assert account.do("truth")["balances"]["SEK"]["total"] == "86.00"


def test_a_reversed_payment_may_leave_the_balance_without_a_row_of_its_own(account: Account) -> None:
    taken = account.do("capture", gross="100.00", fee="4.00")["capture_id"]
    account.do("reverse", capture_id=taken)
    account.wait(hours=4)
    assert [(r["transaction_event_code"], r["transaction_status"]) for r in account.rows()] == [("T0006", "V")]
    assert account.do("truth")["balances"]["SEK"]["total"] == "0.00"


@pytest.mark.parametrize("knobs", [{}, {"fee_back_as": "row"}, {"conversion_rows": False}, {"reversed_status": "S"}])
@pytest.mark.parametrize("seed", [0, 7])
def test_a_played_day_adds_up_to_what_its_script_promised_in_report_and_balances(seed: int, knobs: Any) -> None:
    account = Account()
    if knobs:
        account.do("knobs", **knobs)
    promised = account.do("play_day", date="2026-11-19", seed=seed)
    truth = account.do("truth")
    assert truth["mishaps"] == []
    assert truth["totals"] == promised["expected"]
    assert truth["balances"] == promised["balances"]
    sums: dict[tuple[str, str], list[Decimal]] = {}
    for row in account.rows():
        cell = sums.setdefault((row["transaction_amount"]["currency_code"], row["transaction_event_code"]), [])
        cell.append(Decimal(row["transaction_amount"]["value"]) + Decimal(row.get("fee_amount", {}).get("value", "0")))
    told = {
        (currency, code): Decimal(cell["amount"]) + Decimal(cell["fee"])
        for currency, by_code in promised["expected"].items()
        for code, cell in by_code.items()
    }
    assert {key: sum(values) for key, values in sums.items()} == told
    shown = account.get("/v1/reporting/balances")["balances"]
    assert {b["currency"]: b["available_balance"]["value"] for b in shown if b["currency"] in promised["balances"]} == {
        currency: balance["available"] for currency, balance in promised["balances"].items()
    }


def test_a_day_of_the_future_unfolds_as_time_is_told(account: Account) -> None:
    promised = account.do("play_day", date="2026-11-21")
    assert account.do("truth")["counts"]["captures"] == 0
    account.wait(hours=24)
    assert 0 < account.do("truth")["counts"]["captures"] < promised["counts"]["capture"]
    account.wait(hours=24)
    assert account.do("truth")["balances"] == promised["balances"]
