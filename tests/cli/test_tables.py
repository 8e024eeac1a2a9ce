"""What people read in a terminal: tables that fit, journals that add up, times as the books keep them."""

from __future__ import annotations

import io
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from ml_connector.cli import audit_trail, journal_table, output
from ml_connector.engine.journals import Line
from ml_connector.finance.money import Money

KEY = "sq:sale:7lLBQivalDLlR4k8RB8fNAZtHzqWhZY"
SENTENCE = "Nobody has said yet what becomes of it, so it waits for a person who knows"


def seen(show: object, *, width: int) -> list[str]:
    written = io.StringIO()
    show(Console(file=written, width=width, soft_wrap=True))  # type: ignore[operator]
    return written.getvalue().splitlines()


def two_rows(why: str = "") -> object:
    rows = [(KEY, Money(12500, "EUR"), why, None), ("sq:fee:1", Money(-90, "EUR"), "", "")]
    return output.table("Open", ("record", "amount", "why", "to do"), rows)


def test_amounts_stand_right_and_a_column_that_says_nothing_is_left_out() -> None:
    title, head, _, first, second = seen(two_rows(), width=80)
    assert (title, "to do" in head, "why" in head) == ("Open", False, False)
    assert first.rstrip().endswith("125.00 EUR")
    assert second.rstrip().endswith("│  -0.90 EUR")


def test_a_sentence_is_wrapped_between_its_words() -> None:
    lines = seen(two_rows(SENTENCE), width=90)
    assert max(map(len, lines)) <= 90
    assert " ".join(" ".join(line.rpartition("│")[2] for line in lines[3:]).split()) == SENTENCE


def test_on_a_narrow_screen_a_row_is_a_block_and_its_id_stays_whole() -> None:
    assert seen(two_rows(SENTENCE), width=60) == [
        "Open", KEY, "    amount: 125.00 EUR", f"    why: {SENTENCE}", "sq:fee:1", "    amount: -0.90 EUR",
    ]  # fmt: skip


def line(account: str, minor: int, because: str) -> Line:
    amount, nothing = Money(abs(minor), "EUR"), Money(0, "EUR")
    sides = (amount, nothing) if minor > 0 else (nothing, amount)
    return Line(account, f"Account {account}", "sales", (), *sides, "", "", (), because)


JOURNAL = (line("1580", 125_000, "rule clearing: always"), line("3001", -125_000, "rule sales: vat_rate = 25"))


def test_a_journal_has_its_currency_in_the_head_and_its_sums_at_the_end() -> None:
    lines = seen(lambda console: journal_table.show(console, "GL1", JOURNAL), width=100)
    assert lines[1].split() == ["account", "name", "debit", "EUR", "credit", "EUR"]
    assert lines[2].split("  ")[-1] == "rule clearing: always"
    assert lines[-1].split() == ["sum", "1,250.00", "1,250.00"]


def test_on_a_narrow_screen_the_reasons_stand_under_the_lines_of_a_journal() -> None:
    lines = seen(lambda console: journal_table.show(console, "GL1", JOURNAL), width=60)
    assert lines[3] == "    rule clearing: always"
    assert max(map(len, lines)) <= 60


def test_times_are_told_in_the_zone_of_the_books(monkeypatch: pytest.MonkeyPatch) -> None:
    noon = 1_763_725_200_000_000
    monkeypatch.setitem(output._zone, "of", UTC)
    assert output.when(noon) == "2025-11-21 11:40:00 UTC"
    output.tell_times_in(ZoneInfo("Europe/Stockholm"))
    assert output.when(noon) == "2025-11-21 12:40:00 CET"
    assert output.when(None) == ""


def test_the_facts_of_an_event_are_a_line_of_words() -> None:
    assert audit_trail._facts({"chart": 1, "trips": [["T1", "held"], ["T2", None]], "now": {"a": True}}) == (
        "chart: 1; trips: T1 held, T2 -; now: a True"
    )
    long = audit_trail._facts({"keys": ["sq:sale:1"] * 100})
    assert long.endswith("sq:sale:1 … (--json tells all)")
