"""A buyer's days as a purchasing clerk would check them: orders out, approved invoices back, payments told."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.cli.output import Output
from ml_connector.cli.stories import basware
from ml_connector.logs import Redactor

pytestmark = pytest.mark.slow
Row = dict[str, Any]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Row:
    """The whole story, told once."""
    return basware.tell(tmp_path_factory.mktemp("story"), Output(as_json=True), redactor=Redactor())


def signed(line: Row) -> Decimal:
    return Decimal(line["debit"]) - Decimal(line["credit"])


def test_every_supplier_invoice_balances_and_says_where_each_line_goes(day: Row) -> None:
    booked = [one for one in day["vouchers"] if one["kind"] == "supplier_invoice"]
    assert len(booked) == basware.ORDERS + 3
    for voucher in booked:
        assert sum(map(signed, voucher["lines"]), Decimal(0)) == 0, voucher


def test_records_go_out_in_few_calls_and_each_result_is_awaited(day: Row) -> None:
    assert sum(day["sent"].values()) > 60
    assert day["sending_calls"] <= 10
    assert day["results"].keys() == {"Success"}


def test_what_basware_refuses_is_held_by_name_and_holds_only_what_needs_it(day: Row) -> None:
    assert day["sent"]["vendors"] == 2  # the third waits for its payment term
    assert day["sent"]["matchingOrders"] == basware.ORDERS // 2
    held = {one["code"]: one["why"] for one in day["held_and_mended"]}
    assert "bw:term:N5" in held["refused"]
    assert day["by_kind"]["purchaseorder"] == {"posted": basware.ORDERS}


def test_an_approved_invoice_is_in_the_ledger_once_and_basware_holds_its_number(day: Row) -> None:
    keys = Counter(key for one in day["vouchers"] if one["kind"] == "supplier_invoice" for key in one["keys"])
    assert max(keys.values()) == 1
    assert day["duplicates_in_ledger"] == 0
    assert all(row["equal"] for row in day["truth"].values()), day["truth"]


def test_bad_sums_go_back_with_words_and_come_again_under_the_same_id(day: Row) -> None:
    (back,) = [one for one in day["held_and_mended"] if one["code"] == "sent-back"]
    assert back["told"] in basware.BOOKED


def test_nothing_is_left_open(day: Row) -> None:
    assert (day["held"], day["waiting"], day["questions"]) == (0, 0, 0)


def test_a_broken_line_leaves_one_supplier_invoice(day: Row) -> None:
    assert day["interrupted"]["copies_in_ledger"] == 1
    assert "create adopted" in day["interrupted"]["attempts"]


def test_replaying_everything_changes_nothing_and_the_trail_is_unbroken(day: Row) -> None:
    assert day["replayed"]["unchanged"] is True
    assert day["replayed"]["records"] > 80
    assert day["audit_chain_ok"] is True
