"""Business days, closed periods, pools, retries."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from ml_connector.finance.chart import Chart, Period
from ml_connector.finance.encoding import booked_hash
from ml_connector.finance.journal import JournalEntry, mirrored
from ml_connector.finance.plan import Plan
from ml_connector.finance.rulebook import LocationTerms, Mode, Terms
from ml_connector.rules import closing, retrying
from ml_connector.rules.days import business_day, day_bounds
from ml_connector.rules.pooling import closes_at, evidence, evidence_row, merge, pool_of
from ml_connector.rules.texts import clipped, reference_of
from tests.flows.builders import CHART, D12, OSLO, TERMS, Shop, capture, eur, line, sale

DUBLIN = Terms(
    time_zone="UTC", locations={"D": LocationTerms("Europe/Dublin"), "BAR": LocationTerms("Europe/Dublin", 180)}
)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("moment", "location", "day"),
    [
        (utc(2026, 3, 28, 23, 59), "D", date(2026, 3, 28)),
        (utc(2026, 3, 29, 0, 0), "D", date(2026, 3, 29)),
        (utc(2026, 3, 29, 22, 59), "D", date(2026, 3, 29)),
        (utc(2026, 3, 29, 23, 0), "D", date(2026, 3, 30)),
        (utc(2026, 10, 24, 22, 59), "D", date(2026, 10, 24)),
        (utc(2026, 10, 24, 23, 0), "D", date(2026, 10, 25)),
        (utc(2026, 10, 25, 23, 59), "D", date(2026, 10, 25)),
        (utc(2026, 10, 26, 0, 0), "D", date(2026, 10, 26)),
        (utc(2026, 7, 1, 1, 59), "BAR", date(2026, 6, 30)),
        (utc(2026, 7, 1, 2, 0), "BAR", date(2026, 7, 1)),
        (utc(2026, 7, 1, 23, 30), "elsewhere", date(2026, 7, 1)),
        (utc(2026, 7, 1, 23, 30), None, date(2026, 7, 1)),
    ],
)
def test_the_business_day_is_the_locations_own(moment: datetime, location: str | None, day: date) -> None:
    assert business_day(moment, DUBLIN, location) == day


def test_a_day_has_23_or_25_hours_when_clocks_change() -> None:
    assert day_bounds(date(2026, 3, 29), DUBLIN, "D") == (utc(2026, 3, 29, 0), utc(2026, 3, 29, 23))
    assert day_bounds(date(2026, 10, 25), DUBLIN, "D") == (utc(2026, 10, 24, 23), utc(2026, 10, 26, 0))
    assert day_bounds(date(2026, 7, 1), DUBLIN, "BAR") == (utc(2026, 7, 1, 2), utc(2026, 7, 2, 2))


# ---------------------------------------------------------------------------------------------------- closed periods

CLOSED = frozenset({"general_ledger"})
SHUT = replace(
    CHART,
    periods=(
        Period("202603", date(2026, 3, 1), active=True, closed=CLOSED),
        Period("202604", date(2026, 4, 1), active=False),
        Period("202605", date(2026, 5, 1), active=True, closed=frozenset({"cash_management"})),
        Period("202606", date(2026, 6, 1), active=True),
    ),
)


def test_a_sale_of_a_closed_period_is_held_by_default() -> None:
    assert Shop(sale(), chart=SHUT).holds(capture()) == ["period-closed"]
    assert Shop(sale(), chart=replace(SHUT, periods=())).holds(capture()) == ["period-missing"]
    assert Shop(sale(), chart=replace(SHUT, periods=SHUT.periods[1:])).holds(capture()) == ["period-missing"]


def test_a_late_sale_goes_to_the_next_period_that_is_open_to_it_with_its_true_day_in_the_text() -> None:
    late = replace(TERMS, late="next_open")
    (write,) = Shop(sale(), chart=SHUT, terms=late).plan(capture()).writes
    entry = write.content
    assert isinstance(entry, JournalEntry)
    assert (entry.day, entry.event_day) == (date(2026, 6, 1), date(2026, 3, 10))  # May is closed in cash management
    assert "(of 2026-03-10)" in entry.text
    (usual,) = Shop(sale()).plan(capture()).writes
    assert booked_hash("journal", entry) == booked_hash("journal", usual.content)


def test_a_late_sale_without_any_open_period_is_held() -> None:
    nothing = replace(SHUT, periods=SHUT.periods[:2])
    assert Shop(sale(), chart=nothing, terms=replace(TERMS, late="next_open")).holds(capture()) == ["period-closed"]


def test_reported_vat_is_always_held_but_a_sale_without_vat_is_not() -> None:
    terms = replace(TERMS, late="next_open", vat_reported_until=date(2026, 3, 31))
    assert Shop(sale(), terms=terms).holds(capture()) == ["vat-reported"]
    assert Shop(sale(line("100")), terms=terms).plan(capture("100")).writes


@pytest.mark.parametrize(
    ("reported", "day"),
    [
        (None, date(2026, 6, 10)),
        (date(2026, 5, 31), date(2026, 6, 10)),
        (date(2026, 6, 15), date(2026, 6, 16)),
        (date(2026, 6, 30), date(2026, 8, 1)),  # July is closed
    ],
)
def test_what_is_taken_back_changes_no_return_that_went_out(reported: date | None, day: date) -> None:
    july, august = Period("202607", date(2026, 7, 1), active=False), Period("202608", date(2026, 8, 1), active=True)
    chart = replace(SHUT, periods=(*SHUT.periods, july, august))
    back = closing.day_to_take_back(
        date(2026, 6, 10), ledgers=closing.CASH, vat_reported_until=reported, chart=chart
    )  # fmt: skip
    assert back == day


@pytest.mark.parametrize(
    ("ledgers", "closed", "is_open"),
    [
        (closing.GENERAL, "cash_management", True),
        (closing.CASH, "cash_management", False),
        (closing.CUSTOMER, "customer_ledger", False),
        (closing.CUSTOMER_CASH, "cash_management", False),
        (closing.SUPPLIER, "supplier_ledger", False),
        (closing.SUPPLIER, "customer_ledger", True),
    ],
)
def test_each_kind_of_document_asks_for_its_own_sub_ledgers(
    ledgers: frozenset[str], closed: str, is_open: bool
) -> None:
    assert (
        closing.is_open(Period("202603", date(2026, 3, 1), active=True, closed=frozenset({closed})), ledgers) is is_open
    )


def test_a_mirror_has_its_own_day() -> None:
    late = replace(TERMS, late="next_open")
    entry = Shop(sale(), chart=SHUT, terms=late).plan(capture()).writes[0].content
    assert isinstance(entry, JournalEntry)
    back = mirrored(entry, day=date(2026, 6, 2), text="back")
    assert (back.day, back.event_day) == (date(2026, 6, 2), None)


# ------------------------------------------------------------------------------------------------------------- pools


def entry_of(plan: Plan) -> JournalEntry:
    content = plan.writes[0].content
    assert isinstance(content, JournalEntry)
    return content


ENTRY = entry_of(Shop(sale()).plan(capture()))


def pool(
    mode: Mode, entry: JournalEntry = ENTRY, location: str | None = OSLO, payout: str | None = "PO1"
) -> str | None:
    return pool_of(replace(TERMS, mode=mode), entry, location=location, payout=payout)


def test_each_posting_mode_pools_what_belongs_together() -> None:
    assert pool("per_record") is None
    assert pool("batch") == pool("batch", location="L2")
    assert pool("daily") != pool("daily", location="L2")
    assert pool("per_payout") != pool("per_payout", payout="PO2")
    assert pool("per_payout", payout=None) is None


def test_a_pool_never_mixes_day_branch_ledger_currency_or_vat_handling() -> None:
    others = [
        replace(ENTRY, day=date(2026, 3, 11)), replace(ENTRY, branch="7"), replace(ENTRY, ledger="1"),
        replace(ENTRY, vat_transaction=False), replace(ENTRY, event_day=date(2026, 2, 1)),
        entry_of(Shop(sale(line("100", "24.99"))).plan(capture("124.99"))),
    ]  # fmt: skip
    assert len({pool("batch"), *(pool("batch", one) for one in others)}) == len(others) + 1


def test_writes_of_the_flow_carry_their_pool_and_documents_do_not() -> None:
    daily = replace(TERMS, mode="daily")
    assert Shop(sale(), terms=daily).plan(capture()).writes[0].pool == "sq:pool:daily:2026-03-10:EUR:::vat:L-OSLO"
    assert Shop(sale()).plan(capture()).writes[0].pool is None


def test_a_batch_keeps_every_record_and_a_summary_one_line_a_place() -> None:
    other = entry_of(Shop(sale(line("40", "10"), id="O2", tenders=None)).plan(capture("50", order_id="O2")))
    joined = merge([ENTRY, other], "batch", reference="T", text="Batch")
    assert len(joined.postings) == 6
    assert len({one.reference for one in joined.postings}) == 2
    summed = merge([ENTRY, other], "daily", reference="TOKEN", text="Day")
    assert [(one.account, one.amount) for one in summed.postings] == [
        ("1580", eur("175")), ("3010", eur("-140")), ("2611", eur("-35"))
    ]  # fmt: skip
    assert summed.vat_is_exact()
    assert joined.turnover == summed.turnover == ENTRY.turnover + other.turnover


def test_the_evidence_lists_every_record_and_its_sum_and_runs_no_formula() -> None:
    rows = [evidence_row("sq:sale:O1", ENTRY), evidence_row("sq:sale:=cmd()", ENTRY)]
    lines = evidence(rows).decode().split("\r\n")
    assert lines[0] == "key,source id,day,amount,currency,accounts"
    assert lines[1] == "sq:sale:O1,O1,2026-03-10,125.00,EUR,1580 2611 3010"
    assert lines[2].split(",")[1] == "'=cmd()"
    assert lines[3] == "total,2,,250.00,EUR,"


def test_a_pool_is_sealed_by_its_age_or_by_the_close_of_its_day() -> None:
    opened, age = utc(2026, 3, 10, 12), timedelta(seconds=60)

    def closes(mode: Mode, opened_at: datetime = opened, *, planning: bool = False) -> datetime:
        pool = pool_of(replace(TERMS, mode=mode), ENTRY, location=OSLO, payout="PO1") or ""
        return closes_at(TERMS, pool, opened_at=opened_at, planning=planning)

    assert closes("batch") == opened + age
    assert closes("per_payout") == opened + age
    assert closes("daily") == utc(2026, 3, 11, 1, 0)


def test_a_pool_of_a_day_that_is_over_gathers_first_and_longer_while_records_are_planned() -> None:
    pool = pool_of(replace(TERMS, mode="daily"), ENTRY, location=OSLO, payout=None) or ""
    late = utc(2026, 3, 11, 1, 0)
    assert closes_at(TERMS, pool, opened_at=late - timedelta(seconds=1)) == late
    assert closes_at(TERMS, pool, opened_at=late) == late + timedelta(seconds=60)
    assert closes_at(TERMS, pool, opened_at=late, planning=True) == late + timedelta(hours=1)


def test_what_a_person_asks_for_waits_for_no_age_once_all_is_planned_but_a_day_is_summed_whole() -> None:
    opened, later = utc(2026, 3, 10, 12), utc(2026, 3, 10, 13)
    batch = pool_of(replace(TERMS, mode="batch"), ENTRY, location=OSLO, payout=None) or ""
    daily = pool_of(replace(TERMS, mode="daily"), ENTRY, location=OSLO, payout=None) or ""
    assert closes_at(TERMS, batch, opened_at=opened, asked_at=later) == opened
    assert closes_at(TERMS, batch, opened_at=opened, asked_at=later, planning=True) == opened + timedelta(seconds=60)
    assert closes_at(TERMS, batch, opened_at=later + timedelta(seconds=1), asked_at=later) > later
    assert closes_at(TERMS, daily, opened_at=opened, asked_at=later) == utc(2026, 3, 11, 1, 0)
    over = utc(2026, 3, 11, 1, 0)
    assert closes_at(TERMS, daily, opened_at=over, asked_at=over) == over


# ----------------------------------------------------------------------------------------------------------- retries


def test_waits_for_a_reading_double_up_to_a_quarter_of_an_hour() -> None:
    assert [retrying.reading_wait_s(failures, asked_s=None) for failures in (0, 1, 2, 7, 8, 99)] == [
        5.0, 10.0, 20.0, 640.0, 900.0, 900.0,
    ]  # fmt: skip


def test_a_first_failure_waits_as_long_as_it_was_asked_and_later_ones_never_shorter_than_they_would() -> None:
    assert retrying.reading_wait_s(0, asked_s=1.0) == 1.0
    assert retrying.reading_wait_s(1, asked_s=1.0) == 10.0
    assert retrying.reading_wait_s(1, asked_s=60.0) == 60.0


def test_a_call_that_was_surely_not_made_waits_no_shorter_than_asked() -> None:
    assert retrying.sending_wait_s(asked_s=None) == 3.0
    assert retrying.sending_wait_s(asked_s=1.0) == 3.0
    assert retrying.sending_wait_s(asked_s=60.0) >= 60.0


# ------------------------------------------------------------------------------------------------------------- texts


def test_a_reference_is_short_ascii_and_always_the_same() -> None:
    mark = reference_of("sq:sale:O1")
    assert mark == reference_of("sq:sale:O1")
    assert len(mark) == 12
    assert mark.isascii()
    assert mark.isalnum()
    assert len({reference_of(f"sq:sale:{n}") for n in range(5000)}) == 5000


def test_texts_are_clipped_to_one_line() -> None:
    assert clipped("a\nb\t c") == "a b c"
    assert len(clipped("x" * 300)) == 256
    assert clipped("Ærø", 50) == "Ærø"


def test_an_uneven_sale_still_pools_apart_from_exact_ones() -> None:
    rounded = entry_of(Shop(sale(line("33.33", "4", rate=D12))).plan(capture("37.33")))
    assert rounded.vat_is_exact()


def test_the_empty_chart_has_no_period() -> None:
    assert closing.next_open(date(2026, 1, 1), ledgers=closing.GENERAL, chart=Chart(utc(2026, 1, 1))) is None
