"""Invoices collected by Stripe as a bookkeeper would check them: sent once, paid, disputed, paid out, followed."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.cli.output import Output
from ml_connector.cli.stories import stripe
from ml_connector.logs import Redactor

pytestmark = pytest.mark.slow
Row = dict[str, Any]


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Row:
    """The whole story, told once."""
    return stripe.tell(tmp_path_factory.mktemp("story"), Output(as_json=True), redactor=Redactor())


def signed(line: Row) -> Decimal:
    return Decimal(line["debit"]) - Decimal(line["credit"])


def with_key(days: Row, part: str) -> list[Row]:
    return [one for one in days["vouchers"] if any(part in key for key in one["keys"])]


def test_marked_invoices_went_out_once_each_and_one_on_demand(days: Row) -> None:
    assert days["sent"] == stripe.INVOICES + 1
    sent = [key for one in with_key(days, "st:inv:") for key in one["keys"] if key.count(":") == 2]
    assert len(sent) == len(set(sent)) == stripe.INVOICES + 1
    assert len(with_key(days, ":link")) == stripe.INVOICES + 1


def test_every_journal_balances_and_says_why(days: Row) -> None:
    journals = [one for one in days["vouchers"] if one["kind"] == "journal"]
    assert len(journals) > 10
    for voucher in journals:
        assert sum(map(signed, voucher["lines"]), Decimal(0)) == 0, voucher
        assert all(line["because"] for line in voucher["lines"]), voucher


def test_events_and_lists_tell_of_the_same_money_and_it_is_booked_once(days: Row) -> None:
    assert days["notices"] > 30
    keys = Counter(key for one in days["vouchers"] for key in one["keys"])
    assert max(keys.values()) == 1
    assert days["duplicates_in_ledger"] == 0


def test_the_ledger_shows_what_stripe_shows(days: Row) -> None:
    assert set(days["truth"]) == {"at Stripe", "to the bank", "fees", "open invoices"}
    assert all(row["equal"] for row in days["truth"].values()), days["truth"]
    assert days["clearing_unexplained"].startswith("0.00")


def test_disputes_are_flagged_on_their_invoices_with_every_movement(days: Row) -> None:
    assert len(with_key(days, ":open:")) >= 3
    moved = [line for one in days["vouchers"] for line in one["lines"] if line["account"] == "1521"]
    assert len(moved) == 5  # three taken, one given back, one lost


def test_nothing_waits_for_anybody(days: Row) -> None:
    assert (days["held"], days["waiting"], days["questions"]) == (0, 0, 0)


def test_a_broken_line_leaves_one_payment(days: Row) -> None:
    assert days["interrupted"]["copies_in_ledger"] == 1
    assert "create adopted" in days["interrupted"]["attempts"]


def test_replaying_everything_changes_nothing_and_the_trail_is_unbroken(days: Row) -> None:
    assert days["replayed"]["unchanged"] is True
    assert days["audit_chain_ok"] is True
