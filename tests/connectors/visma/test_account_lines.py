"""What stands on an account, whoever booked it: every row is looked at, none is believed to be what was asked for."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ml_connector.errors import Untranslatable
from ml_connector.finance.chart import Chart, CurrencyUse, Ledger, Period
from ml_connector.finance.ledger import AccountLine
from tests.connectors.visma.builders import NOON, FakeVisma, writer

LINES = "/v1/GeneralLedgerTransactions"
CHART = Chart(
    read_at=NOON, currencies={"SEK": CurrencyUse("SEK", base=True, precision=2)},
    ledgers={"1": Ledger("1", "Books", "Actual", "SEK"), "2": Ledger("2", "Plan", "Budget", "SEK")},
    periods=tuple(Period(f"2026{month:02}", date(2026, month, 1), active=True) for month in (1, 2, 3)),
)  # fmt: skip


def row(**changes: Any) -> dict[str, Any]:
    """A line of a journal in euro, as the vendor shows it."""
    return {
        "module": "GL", "batchNumber": "GL0001", "refNumber": "WXDWIX3J5BCX", "tranDate": "2026-03-10T00:00:00",
        "description": "Sale", "account": {"number": "1580"}, "debitAmount": 1130.0, "creditAmount": 0.0,
        "currency": "EUR", "currDebitAmount": 100.0, "currCreditAmount": 0.0, **changes,
    }  # fmt: skip


def shown(*rows: dict[str, Any]) -> list[AccountLine]:
    return list(writer(FakeVisma().on("GET", LINES, content=list(rows))).account_lines("1580", chart=CHART))


def test_a_line_is_told_in_its_own_and_in_base_currency() -> None:
    (line,) = shown(row())
    assert line == AccountLine("GL0001", date(2026, 3, 10), "Sale", 113_000, "EUR", 10_000)
    assert (line.on("EUR", base="SEK"), line.on("SEK", base="SEK"), line.on("GBP", base="SEK")) == (10_000, 113_000, 0)


def test_a_payment_is_known_by_its_own_number_and_not_by_its_batch() -> None:
    (line,) = shown(row(module="AR", batchNumber="AR0007", refNumber="200001"))
    assert line.document == "200001"


def test_a_line_without_currency_is_in_base_currency_alone() -> None:
    (line,) = shown(row(currency=None, currDebitAmount=None, debitAmount=0.0, creditAmount=9.5))
    assert (line.on("SEK", base="SEK"), line.on("EUR", base="SEK")) == (-950, 0)


def test_rows_of_other_accounts_are_passed_over_and_a_row_without_a_day_is_told() -> None:
    assert shown(row(account="1930"), row(account="1580"))[0].base_minor == 113_000
    with pytest.raises(Untranslatable, match="GL0001 has no date"):
        shown(row(tranDate=None))


def test_every_actual_ledger_is_asked_once_from_the_first_period_to_the_last() -> None:
    visma = FakeVisma().on("GET", LINES, content=[])
    assert list(writer(visma).account_lines("1580", chart=CHART)) == []
    (asked,) = [one.url.params for one in visma.requests if one.url.path == LINES]
    assert {name: asked[name] for name in ("ledger", "account", "fromPeriod", "toPeriod", "includeUnposted")} == {
        "ledger": "1", "account": "1580", "fromPeriod": "202601", "toPeriod": "202603", "includeUnposted": "true",
    }  # fmt: skip
