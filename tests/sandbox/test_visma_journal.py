"""Journal transactions: what is refused, how a batch lives, how it is listed."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.sandbox.visma_office import Office, header, journal, journal_line, office, segments, wrapped

JT = "/v2/journaltransaction"


def sale(**vat_line: Any) -> list[dict[str, Any]]:
    tax = {"credit": 25, "vatCodeId": "25", "vatId": "S25", **vat_line}
    return [
        journal_line("1910", debit=100 + tax["credit"]),
        journal_line("3001", credit=100, vatCodeId="25", subaccount=segments((1, "10"))),
        journal_line("2611", **tax),
    ]


def test_a_created_batch_is_balanced_read_back_and_posted_by_release() -> None:
    shop = office()
    number = shop.create(JT, journal(*sale(), description="Sales [abc1234567]", createVatTransaction=True))
    batch = shop.get(f"{JT}/{number}")
    assert (batch["status"], batch["module"], batch["postPeriod"]) == ("Balanced", "ModuleGL", "032026")
    assert (batch["debitTotalInCurrency"], batch["creditTotalInCurrency"]) == (125.0, 125.0)
    assert batch["journalTransactionLines"][1]["subaccount"]["segments"][0]["segmentValue"] == "10"
    assert header(shop.last, "ETag") == f'"{batch["timeStamp"]}"'
    assert shop.balance("1910") == "0"
    assert shop.act(f"{JT}/{number}/action/release")["actionResult"] == "Done"
    assert shop.get(f"{JT}/{number}")["status"] == "Posted"
    assert shop.balance("1910") == "125.00"
    assert shop.control("balances")["total"] == "0.00"


def test_a_list_shows_a_batch_to_the_byte_as_the_single_read_does() -> None:
    shop = office()
    number = shop.create(JT, journal(*sale(), description="Försäljning [abc1234567]", createVatTransaction=True))
    shop.get(f"{JT}/{number}")
    alone = shop.last.body.decode()
    shop.get(f"{JT}?periodId=202603&pageNumber=1&pageSize=100&expandAttachments=true")
    listed = re.sub(r',"metadata":\{[^}]*\}', "", shop.last.body.decode()).removeprefix("[").removesuffix("]")
    whole = re.sub(r',"attachments":\[\]', "", listed)
    assert re.sub(r',"attachments":\[\]', "", alone) == whole


def test_release_without_automatic_posting_ends_unposted() -> None:
    shop = office(preferences={"auto_post_on_release": False})
    number = shop.create(JT, journal())
    shop.act(f"{JT}/{number}/action/release")
    assert shop.get(f"{JT}/{number}")["status"] == "Unposted"


def test_a_held_batch_may_be_unbalanced_and_cannot_be_released() -> None:
    shop = office()
    lopsided = journal(journal_line("1910", debit=100), journal_line("3004", credit=90), hold=True)
    number = shop.create(JT, lopsided)
    assert "hold" in shop.refused("POST", f"{JT}/{number}/action/release")
    assert "not balanced" in shop.refused("PUT", f"{JT}/{number}", wrapped(hold=False))
    fix = wrapped(operation="Update", lineNumber=2, creditAmountInCurrency=100)
    assert shop.call("PUT", f"{JT}/{number}", wrapped(hold=False, journalTransactionLines=[fix])).status == 204
    assert shop.get(f"{JT}/{number}")["status"] == "Balanced"


def test_hold_is_the_default_where_the_company_says_so() -> None:
    shop = office(preferences={"hold_on_entry": True})
    body = journal()
    del body["hold"]
    assert shop.get(f"{JT}/{shop.create(JT, body)}")["status"] == "Hold"


def test_releasing_twice_is_refused() -> None:
    shop = office()
    number = shop.create(JT, journal())
    shop.act(f"{JT}/{number}/action/release")
    assert "Posted" in shop.refused("POST", f"{JT}/{number}/action/release")
    assert shop.balance("1910") == "100.00"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([journal_line("1910", debit=1)], "two lines"),
        ([journal_line("1910", debit=2), journal_line("3004", credit=1)], "not balanced"),
        ([journal_line("9999", debit=1), journal_line("3004", credit=1)], "cannot be found"),
        ([journal_line("3999", debit=1), journal_line("3004", credit=1)], "inactive"),
        ([journal_line("1510", debit=1), journal_line("3004", credit=1)], "control account of AR"),
        ([journal_line("2440", debit=1), journal_line("3004", credit=1)], "control account of AP"),
        ([journal_line("2099", debit=1), journal_line("3004", credit=1)], "net income"),
        ([journal_line("1580", debit=1), journal_line("3004", credit=1)], "not a cash account in SEK"),
        ([journal_line("1910", debit=1, credit=1), journal_line("3004")], "both a debit and a credit"),
        ([journal_line("1910", debit=1.005), journal_line("3004", credit=1.005)], "more decimals"),
        (
            [journal_line("1690", debit=1, subaccount=segments((1, "77"))), journal_line("3004", credit=1)],
            "does not exist",
        ),
        ([journal_line("1690", debit=1, subaccount=segments((1, "90"))), journal_line("3004", credit=1)], "inactive"),
        (
            [journal_line("1690", debit=1, subaccount=segments((3, "10"))), journal_line("3004", credit=1)],
            "Segment '3'",
        ),
        (
            [journal_line("1910", debit=1, subaccount=segments((1, "10"))), journal_line("3004", credit=1)],
            "cash account",
        ),
        ([journal_line("1690", debit=1), wrapped(accountNumber="3004", referenceNumber="x" * 16)], "longer than 15"),
        ([journal_line("1690", debit=1, project="P1"), journal_line("3004", credit=1)], "'Project'"),
    ],
)
def test_a_line_the_ledger_cannot_take_is_refused_and_leaves_nothing(lines: list[dict[str, Any]], words: str) -> None:
    shop = office()
    assert words in shop.refused("POST", JT, journal(*lines))
    assert shop.books() == []


@pytest.mark.parametrize(
    ("header_fields", "words"),
    [
        ({"financialPeriod": "202602"}, "outside the financial period"),
        ({"transactionDate": "2031-01-01T00:00:00"}, "not defined"),
        ({"ledger": "9"}, "'Ledger'"),
        ({"branch": "9"}, "'Branch'"),
        ({"currencyId": "XXX"}, "'Currency'"),
        ({"overrideNumberSeries": True, "batchNumber": "MINE"}, "Manual numbering"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(header_fields: dict[str, Any], words: str) -> None:
    assert words in office().refused("POST", JT, journal(**header_fields))


def test_a_closed_period_is_refused_and_a_cash_line_minds_cash_management() -> None:
    shop = office()
    shop.control("close_period", period="202603", ledgers=["CashManagement"])
    assert "CashManagement" in shop.refused("POST", JT, journal())
    plain = journal(journal_line("1690", debit=1), journal_line("3004", credit=1))
    shop.create(JT, plain)
    shop.control("close_period", period="202603")
    assert "closed" in shop.refused("POST", JT, plain)
    shop.control("open_period", period="202603")
    shop.create(JT, plain)


def test_a_period_closed_between_entry_and_release_stops_the_release() -> None:
    shop = office()
    number = shop.create(JT, journal())
    shop.control("close_period", period="202603")
    assert "closed" in shop.refused("POST", f"{JT}/{number}/action/release")
    assert shop.get(f"{JT}/{number}")["status"] == "Balanced"


@pytest.mark.parametrize(
    ("vat_line", "words"),
    [
        ({"credit": 24.99}, "does not match the VAT rate"),
        ({"vatCodeId": "12"}, "cannot be found in VAT category"),
        ({"vatId": "X"}, "TaxID 'X' cannot be found"),
    ],
)
def test_a_vat_transaction_must_fit_its_ids_and_its_rate(vat_line: dict[str, Any], words: str) -> None:
    body = journal(*sale(**vat_line), createVatTransaction=True)
    assert words in office().refused("POST", JT, body)


def test_the_vat_amount_check_can_be_switched_off_but_not_the_pair() -> None:
    shop = office()
    shop.create(JT, journal(*sale(credit=24.99), createVatTransaction=True, skipVatAmountValidation=True))
    wrong = journal(*sale(vatCodeId="12"), createVatTransaction=True, skipVatAmountValidation=True)
    shop.refused("POST", JT, wrong)


def test_sales_with_a_vat_code_but_no_vat_are_refused_when_vat_is_asked_for() -> None:
    body = journal(
        journal_line("1910", debit=100), journal_line("3001", credit=100, vatCodeId="25"), createVatTransaction=True
    )
    assert "25.00 is expected" in office().refused("POST", JT, body)


def test_a_forced_number_collides_where_the_series_allows_one() -> None:
    shop = office(series=[{"id": "GLGL", "manual": True}])
    forced = journal(overrideNumberSeries=True, batchNumber="SYNC-1")
    assert shop.create(JT, forced) == "SYNC-1"
    assert "already exists" in shop.refused("POST", JT, forced)


def test_control_totals_are_demanded_where_the_company_validates_them() -> None:
    shop = office(preferences={"validate_control_totals": True})
    assert "control total" in shop.refused("POST", JT, journal())
    shop.create(JT, journal(controlTotalInCurrency=100))


def test_a_stale_row_version_is_refused_at_once_and_a_fresh_one_is_not() -> None:
    shop = office()
    number = shop.create(JT, journal())
    shop.get(f"{JT}/{number}")
    seen = header(shop.last, "ETag")
    shop.control("touch", kind="journaltransaction", number=number)
    assert shop.call("POST", f"{JT}/{number}/action/release", if_match=seen).status == 412
    assert shop.last.body == b""
    shop.get(f"{JT}/{number}")
    assert shop.call("POST", f"{JT}/{number}/action/release", if_match=header(shop.last, "ETag")).status == 202


def test_foreign_currency_is_kept_in_both_currencies() -> None:
    shop = office()
    body = journal(journal_line("1580", debit=100), journal_line("1690", credit=100), currencyId="EUR")
    batch = shop.get(f"{JT}/{shop.create(JT, body)}")
    assert (batch["debitTotalInCurrency"], batch["debitTotal"], batch["exchangeRate"]) == (100.0, 1130.0, 11.3)


def test_the_list_demands_a_period_or_a_time() -> None:
    shop = office()
    assert "periodId" in shop.refused("GET", JT)
    assert shop.get(f"{JT}?periodId=202603") == []


def test_pages_count_lines_so_that_a_batch_may_be_split() -> None:
    shop = office()
    numbers = [shop.create(JT, journal(*sale())) for _ in range(2)]
    pages = [shop.get(f"{JT}?periodId=202603&pageSize=4&pageNumber={page}") for page in (1, 2, 3)]
    found = [[(row["batchNumber"], len(row["journalTransactionLines"])) for row in page] for page in pages]
    assert found == [[(numbers[0], 3), (numbers[1], 1)], [(numbers[1], 2)], []]
    assert pages[0][0]["metadata"] == {"totalCount": 6, "maxPageSize": 1000}


def test_the_list_by_time_finds_what_changed_since_with_the_latest_change_last() -> None:
    shop = office()
    first = shop.create(JT, journal())
    shop.wait(minutes=10)
    second = shop.create(JT, journal())
    shop.wait(minutes=10)
    shop.act(f"{JT}/{first}/action/release")
    found = shop.get(f"{JT}?lastModifiedDateTime=2026-03-10T13:05:00")
    assert [row["batchNumber"] for row in found] == [second, first]  # 12:00 UTC is 13:00 in Stockholm
    assert [row["batchNumber"] for row in shop.get(f"{JT}?lastModifiedDateTime=2026-03-10T13:15:00")] == [first]


def test_a_page_larger_than_the_cap_is_cut_silently() -> None:
    shop = office(preferences={"page_cap": 2})
    shop.create(JT, journal(*sale()))
    found = shop.get(f"{JT}?periodId=202603&pageSize=5000")
    assert len(found[0]["journalTransactionLines"]) == 2


def test_a_file_is_attached_and_a_repeated_name_is_a_new_revision() -> None:
    shop = office()
    number = shop.create(JT, journal())
    body = (
        b'--xx\r\nContent-Disposition: form-data; name="v"; filename="list.csv"\r\n'
        b"Content-Type: text/csv\r\n\r\na;b\n\r\n--xx--\r\n"
    )
    for _ in range(2):
        answer = shop.call(
            "POST", f"{JT}/module/GL/{number}/attachment", body, content_type="multipart/form-data; boundary=xx"
        )
        assert answer.status == 201
    files = shop.get(f"{JT}/{number}")["attachments"]
    assert [(file["name"], file["revision"]) for file in files] == [("list.csv", 2)]
    assert shop.call("GET", f"/v1/attachment/{files[0]['id']}").body.strip() == b"a;b"


def background(shop: Office, **headers: str) -> dict[str, Any]:
    answer = shop.call("POST", JT, journal(), erp_api_background="none", **headers)
    assert answer.status == 202
    return dict(json.loads(answer.body))


def test_a_background_call_is_started_finished_and_forgotten_after_a_day() -> None:
    shop = office(preferences={"job_seconds": 5})
    job = background(shop)
    path = "/v1/background/" + job["id"]
    assert job["stateLocation"].endswith(path)
    state = shop.get(path)
    assert (state["status"], state["statusCode"]) == ("Started", 0)
    assert shop.books() == []
    shop.wait(seconds=5)
    state = shop.get(path)
    assert (state["status"], state["statusCode"], state["hasResponseContent"]) == ("Finished", 201, False)
    assert state["responseHeaders"]["Location"].rsplit("/", 1)[1] == shop.books()[0]["number"]


def test_a_failed_background_call_keeps_the_body_of_its_refusal() -> None:
    shop = office()
    body = journal(journal_line("3999", debit=1), journal_line("3004", credit=1))
    job = json.loads(shop.call("POST", JT, body, erp_api_background="none").body)
    state = shop.get("/v1/background/" + job["id"])
    assert (state["status"], state["statusCode"]) == ("Failed", 400)
    assert "inactive" in shop.get(f"/v1/background/{job['id']}/content")["message"]


@pytest.mark.parametrize(("mode", "status"), [("result", 200), ("empty", 204), ("accepted_result", 202), ("job", 202)])
def test_a_release_may_answer_in_any_of_the_ways_nobody_has_settled(mode: str, status: int) -> None:
    shop = office(preferences={"action_answer": mode})
    number = shop.create(JT, journal())
    answer = shop.call("POST", f"{JT}/{number}/action/release")
    assert answer.status == status
    assert ("stateLocation" in answer.body.decode()) is (mode == "job")
    assert shop.get(f"{JT}/{number}")["status"] == "Posted"


def test_there_is_no_way_to_delete_a_batch() -> None:
    shop = office()
    number = shop.create(JT, journal())
    assert shop.call("DELETE", f"{JT}/{number}").status == 405


def test_an_auto_reversing_batch_comes_back_in_the_next_period() -> None:
    shop = office()
    number = shop.create(JT, journal(autoReversing=True))
    shop.act(f"{JT}/{number}/action/release")
    mirror = [voucher for voucher in shop.books() if voucher["period"] == "202604"]
    assert [line["credit"] for line in mirror[0]["lines"]] == ["100.00", "0.00"]
    assert shop.balance("1910") == "0.00"
