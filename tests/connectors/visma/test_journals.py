"""Journals: the body that is sent, the number that comes back, listings that serve many, and lost answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from ml_connector.connectors.http import Meter
from ml_connector.connectors.shapes import Context
from ml_connector.errors import Conflict, Rejected, UnknownOutcome
from ml_connector.finance.journal import JournalEntry
from tests.connectors.visma.builders import NOON, FakeVisma, batch, context, line_pages, payroll, posting, sale, writer

JOURNAL = "/v2/journaltransaction"


def created(number: str = "GL0001234", host: str = "https://api.finance.visma.net") -> FakeVisma:
    return FakeVisma().on("POST", JOURNAL, 201, Location=f"{host}{JOURNAL}/{number}", ETag='"AAAAAE0YIiI="')


def test_a_journal_is_sent_as_the_vendors_example_shows() -> None:
    visma = created()
    writer(visma).create("journal", payroll(), context("9f2c41abcd"))
    segment = [{"segmentId": 1, "segmentValue": "10"}]
    assert visma.body() == {
        "hold": {"value": False},
        "transactionDate": {"value": "2025-03-31T00:00:00"},
        "ledger": {"value": "1"},
        "branch": {"value": "1"},
        "currencyId": {"value": "NOK"},
        "description": {"value": "Payroll 2025-03 [9f2c41abcd]"},
        "createVatTransaction": {"value": False},
        "controlTotalInCurrency": {"value": 1000},
        "journalTransactionLines": [
            {
                "operation": "Insert",
                "lineNumber": {"value": 1},
                "accountNumber": {"value": "5000"},
                "subaccount": segment,
                "referenceNumber": {"value": "9f2c41"},
                "transactionDescription": {"value": "Salaries"},
                "debitAmountInCurrency": {"value": 1000},
                "creditAmountInCurrency": {"value": 0},
            },
            {
                "operation": "Insert",
                "lineNumber": {"value": 2},
                "accountNumber": {"value": "2930"},
                "subaccount": segment,
                "referenceNumber": {"value": "9f2c41"},
                "transactionDescription": {"value": "Salaries payable"},
                "debitAmountInCurrency": {"value": 0},
                "creditAmountInCurrency": {"value": 1000},
            },
        ],
    }


def test_a_sale_asks_for_its_vat_transaction_and_names_category_and_id() -> None:
    visma = created()
    writer(visma).create("journal", sale(), context())
    body = visma.body()
    lines = body["journalTransactionLines"]
    assert body["createVatTransaction"] == {"value": True}
    assert "skipVatAmountValidation" not in body
    assert lines[0]["transactionDescription"] == {"value": "Card sq:sale:O1"}
    assert "vatCodeId" not in lines[0]
    assert lines[1]["vatCodeId"] == {"value": "3"}
    assert "vatId" not in lines[1]
    assert (lines[2]["vatCodeId"], lines[2]["vatId"]) == ({"value": "3"}, {"value": "3"})
    assert {line["referenceNumber"]["value"] for line in lines} == {"9f2c41"}


def test_the_vat_check_is_waived_only_where_rounding_needs_it() -> None:
    entry = sale(
        postings=(
            posting("1580", "124.99"),
            posting("3000", "-100", vat_code="3", vat_rate=Decimal(25)),
            posting("2700", "-24.99", vat_code="3", vat_id="3", vat_rate=Decimal(25)),
        )
    )
    visma = created()
    writer(visma).create("journal", entry, context())
    assert visma.body()["skipVatAmountValidation"] == {"value": True}
    assert visma.body()["journalTransactionLines"][0]["debitAmountInCurrency"] == {"value": Decimal("124.99")}


def test_a_long_text_gives_way_and_the_token_does_not() -> None:
    visma = created()
    writer(visma).create("journal", payroll(text="x" * 500), context("9f2c41abcd"))
    sent = visma.body()["description"]["value"]
    assert sent.endswith("x [9f2c41abcd]")
    assert len(sent) == 120


@pytest.mark.parametrize(
    "host",
    ["https://api.finance.visma.net", "http://integration.visma.net/API/controller/api", "https://elsewhere.example"],
)
def test_the_number_is_the_last_part_of_location_and_the_host_is_never_called(host: str) -> None:
    visma = created("GL%2F0001234", host)
    made = writer(visma).create("journal", payroll(), context())
    assert (made.remote_id, made.number, made.etag) == ("GL/0001234", "GL/0001234", '"AAAAAE0YIiI="')
    assert visma.calls() == [f"POST {JOURNAL}"]


def test_an_encoded_number_in_location_is_read() -> None:
    made = writer(created("b64(Oi8_I1tdQCYqKzs)")).create("journal", payroll(), context())
    assert made.number == ":/?#[]@&*+;"


def test_a_created_journal_without_a_number_has_to_be_looked_for() -> None:
    with pytest.raises(UnknownOutcome):
        writer(FakeVisma().on("POST", JOURNAL, 201, {})).create("journal", payroll(), context())


def test_a_journal_taken_for_later_is_a_job_and_the_job_tells_the_number() -> None:
    state = {"id": "j-1", "stateLocation": "https://evil.example/v1/background/j-1"}
    answers: list[dict[str, Any]] = [
        {"id": "j-1", "status": "Queued", "statusCode": 0},
        {
            "id": "j-1",
            "status": "Finished",
            "statusCode": 201,
            "responseHeaders": {"Location": f"https://x{JOURNAL}/GL7", "ETag": '"A"'},
        },
    ]
    visma = (
        FakeVisma()
        .on("POST", JOURNAL, 202, state)
        .by("GET", "/v1/background/j-1", lambda _: httpx2.Response(200, json=answers.pop(0)))
    )
    there = writer(visma)
    made = there.create("journal", payroll(), context())
    assert (made.remote_id, made.job_id) == ("", "j-1")
    assert there.job("j-1") is None
    done = there.job("j-1")
    assert done is not None
    assert (done.remote_id, done.etag) == ("GL7", '"A"')


def test_a_failed_job_raises_what_the_call_would_have_raised() -> None:
    state = {"status": "Failed", "statusCode": 400, "hasResponseContent": True}
    visma = FakeVisma().on("GET", "/v1/background/j-1/content", 200, {"message": "Period closed."})
    visma.on("GET", "/v1/background/j-1", 200, state)
    with pytest.raises(Rejected, match="Period closed"):
        writer(visma).job("j-1")


def test_a_job_that_visma_forgot_leaves_the_outcome_unknown() -> None:
    with pytest.raises(UnknownOutcome):
        writer(FakeVisma().on("GET", "/v1/background/", 404)).job("j-1")


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (202, {"id": "j", "stateLocation": "https://x/v1/background/j"}),
        (202, None),
        (204, None),
        (200, {"actionId": "a", "actionResult": "Queued", "errorInfo": ""}),
        (200, {"actionId": "a", "actionResult": "Done", "errorInfo": ""}),
    ],
)
def test_a_release_may_be_answered_in_any_shape(status: int, content: object) -> None:
    visma = FakeVisma().on("POST", f"{JOURNAL}/GL1/action/release", status, content)
    writer(visma).release("journal", payroll(), context(remote_id="GL1", etag='"A"'))
    assert visma.last().headers["if-match"] == '"A"'
    assert "erp-api-background" not in visma.last().headers


def test_a_release_that_failed_says_why() -> None:
    visma = FakeVisma().on("POST", JOURNAL, 200, {"actionResult": "Failed", "errorInfo": "Period closed"})
    with pytest.raises(Rejected, match="Period closed"):
        writer(visma).release("journal", payroll(), context(remote_id="GL1"))


def test_a_draft_that_somebody_changed_is_not_released() -> None:
    with pytest.raises(Conflict):
        writer(FakeVisma().on("POST", JOURNAL, 412)).release("journal", payroll(), context(remote_id="GL1", etag='"A"'))


def test_a_refused_background_release_is_told_when_the_draft_is_read() -> None:
    state = {"status": "Finished", "statusCode": 400, "errorMessage": "Period closed."}
    visma = FakeVisma().on("POST", JOURNAL, 202, {"id": "j-1", "stateLocation": "https://x/v1/background/j-1"})
    visma.on("GET", f"{JOURNAL}/GL1", 200, batch("GL1")).on("GET", "/v1/background/j-1", 200, state)
    there, asked = writer(visma), (payroll(), context(remote_id="GL1"))
    there.release("journal", *asked)
    seen = there.observe("journal", [asked])["GL1"]
    assert seen.state == "draft"
    assert "Period closed" in seen.facts["release_refused"]


def many(count: int, **changes: Any) -> tuple[list[tuple[JournalEntry, Context]], list[dict[str, Any]]]:
    asked: list[tuple[JournalEntry, Context]] = []
    rows = []
    for n in range(count):
        asked.append((payroll(), context(f"tok{n:07d}", remote_id=f"GL{n:04d}")))
        rows.append(batch(f"GL{n:04d}", token=f"tok{n:07d}", **changes))
    return asked, rows


def test_three_hundred_journals_are_read_back_in_a_few_calls_although_pages_split_them() -> None:
    asked, rows = many(300, lines=5)
    visma = FakeVisma().by("GET", JOURNAL, line_pages(rows, size=401))
    seen = writer(visma).observe("journal", asked)
    assert len(visma.calls()) == 4
    assert set(seen) == {f"GL{n:04d}" for n in range(300)}
    assert {found.facts["lines"] for found in seen.values()} == {5}
    assert {found.total for found in seen.values()} == {10000}
    assert {found.facts["by_account"]["3000"] for found in seen.values()} == {-10000}
    assert seen["GL0007"].tokens[0] == "tok0000007"
    assert seen["GL0007"].etag == '"AAAAAE0YIiI="'


def test_later_listings_reach_back_minutes_once_the_vendors_clock_is_known() -> None:
    asked, rows = many(5)
    visma = FakeVisma().by("GET", JOURNAL, line_pages(rows, size=1000))
    there = writer(visma)
    there.observe("journal", asked)
    assert visma.last().url.params["lastModifiedDateTime"] == "2025-03-31T10:00:00"  # two hours before our noon
    later = [(content, replace(one, started_at=NOON + timedelta(minutes=30))) for content, one in asked]
    there.observe("journal", later)
    assert visma.last().url.params["lastModifiedDateTime"] == "2025-03-31T14:25:01"  # their clock is 2 h ahead


def test_a_short_listing_that_misses_documents_is_followed_by_the_long_one() -> None:
    asked, rows = many(5)
    windows: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        since = request.url.params["lastModifiedDateTime"]
        windows.append(since)
        return line_pages([row for row in rows if row["lastModifiedDateTime"] >= since], size=1000)(request)

    there = writer(FakeVisma().by("GET", JOURNAL, answer))
    there.observe("journal", asked)
    for row in rows:  # their clock went back an hour
        row["lastModifiedDateTime"] = "2025-03-31T13:30:00"
    later = [(content, replace(one, started_at=NOON + timedelta(minutes=29))) for content, one in asked]
    seen = there.observe("journal", later)
    assert {found.state for found in seen.values()} == {"draft"}
    assert windows == ["2025-03-31T10:00:00", "2025-03-31T14:24:01", "2025-03-31T10:29:00"]


def test_two_journals_are_read_one_by_one() -> None:
    asked, rows = many(2)
    visma = FakeVisma()
    for row in rows:
        visma.on("GET", f"{JOURNAL}/{row['batchNumber']}", 200, row, ETag='"fresh"')
    seen = writer(visma).observe("journal", asked)
    assert len(visma.calls()) == 2
    assert seen["GL0001"].etag == '"fresh"'


def test_a_batch_of_another_module_with_our_number_is_not_ours() -> None:
    asked, rows = many(1, module="ModuleAR")
    visma = FakeVisma().on("GET", f"{JOURNAL}/GL0000", 200, rows[0])
    assert writer(visma).observe("journal", asked)["GL0000"].state == "gone"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("Hold", "draft"),
        ("Balanced", "draft"),
        ("Unposted", "released"),
        ("Posted", "released"),
        ("Voided", "gone"),
        ("SomethingNew", "pending"),
    ],
)
def test_every_status_has_its_state_and_an_unknown_one_waits(status: str, state: str) -> None:
    asked, rows = many(1, status=status)
    visma = FakeVisma().on("GET", JOURNAL, 200, rows[0])
    seen = writer(visma).observe("journal", asked)["GL0000"]
    assert (seen.state, seen.facts["unposted"]) == (state, status == "Unposted")


def test_one_listing_looks_for_every_token_and_each_is_answered() -> None:
    asked, rows = many(6)
    visma = FakeVisma().by(
        "GET", JOURNAL, line_pages([rows[1], rows[4], batch("GL9999"), {**rows[4], "batchNumber": "GL4b"}], size=1000)
    )
    found = writer(visma).find("journal", asked)
    assert len(visma.calls()) == 1
    assert {token: [one.number for one in hits] for token, hits in found.items()} == {
        "tok0000000": [],
        "tok0000001": ["GL0001"],
        "tok0000002": [],
        "tok0000003": [],
        "tok0000004": ["GL0004", "GL4b"],
        "tok0000005": [],
    }


def test_a_line_that_carries_the_token_as_reference_is_found() -> None:
    row = batch("GL1")
    row["journalTransactionLines"][1]["referenceNumber"] = "tok0000001"
    visma = FakeVisma().by("GET", JOURNAL, line_pages([row], size=1000))
    assert [one.number for one in writer(visma).find("journal", [(payroll(), context())])["tok0000001"]] == ["GL1"]


def test_without_a_starting_time_the_period_is_listed() -> None:
    visma = FakeVisma().by("GET", JOURNAL, line_pages([], size=1000))
    writer(visma).find("journal", [(payroll(), context(started_at=None))])
    assert visma.last().url.params["periodId"] == "202503"
    assert "lastModifiedDateTime" not in visma.last().url.params


def test_a_listing_that_shifted_while_it_was_read_is_read_again() -> None:
    _, rows = many(4)
    shifted = [rows[0], rows[1], rows[1], rows[3]]  # page two began one row late
    readings = iter([line_pages(seen, size=4) for seen in (shifted, shifted, rows, rows)])
    visma = FakeVisma().by("GET", JOURNAL, lambda request: next(readings)(request))  # noqa: PLW0108 - another each time
    found = writer(visma).find("journal", [(payroll(), context("tok0000002"))])
    assert [one.number for one in found["tok0000002"]] == ["GL0002"]
    assert len(visma.calls()) == 4


def test_posting_a_hundred_journals_takes_two_calls_each_and_two_listings() -> None:
    asked, rows = many(100, lines=4)
    by_number = {row["batchNumber"]: row for row in rows}
    numbers = iter(sorted(by_number))

    def post(request: httpx2.Request) -> httpx2.Response:
        if "/action/release" in request.url.path:
            by_number[request.url.path.split("/")[3]]["status"] = "Posted"
            return httpx2.Response(202, json={"actionResult": "Queued", "actionId": "a"})
        return httpx2.Response(201, headers={"Location": f"https://x{JOURNAL}/{next(numbers)}"})

    meter = Meter()
    there = writer(FakeVisma().by("POST", JOURNAL, post).by("GET", JOURNAL, line_pages(rows, size=1000)), meter=meter)
    for content, one in asked:
        made = there.create("journal", content, one)
        assert made.remote_id == one.remote_id
    checked = there.observe("journal", asked)
    for content, one in asked:
        there.release("journal", content, replace(one, etag=checked[one.remote_id].etag))
    settled = there.observe("journal", asked)
    assert {seen.state for seen in settled.values()} == {"released"}
    calls = sum(count for operation, count in meter.calls.items() if operation != "POST /connect/token")
    assert calls == 202
