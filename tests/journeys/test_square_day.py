"""A Square day as a bookkeeper would check it: every krona once, on the right account, explained, provable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ml_connector.app import opened
from ml_connector.cli.output import Output
from ml_connector.cli.stories import square
from ml_connector.engine import journals, reviewing, tracing
from ml_connector.engine.works import Works
from ml_connector.errors import UsageError
from ml_connector.logs import Redactor
from ml_connector.settings import Settings
from ml_connector.store import audit_proof
from ml_connector.store.setups import DEFAULT_WORKSPACE

pytestmark = pytest.mark.slow

CLEARING, TILL, BANK, OWN_CARDS = "1580", "1910", "1930", "1585"
TIPS, GIFT_CARDS, FEES, ROUNDING = "2820", "2421", "6570", "3740"
VAT = {"2611": Decimal(25), "2621": Decimal(12)}
SALES = {"3001": "2611", "3002": "2621"}
Row = dict[str, Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("story")


@pytest.fixture(scope="module")
def day(folder: Path) -> Row:
    """The whole story, told once."""
    return square.tell(folder, Output(as_json=True), redactor=Redactor())


@pytest.fixture(scope="module")
def works(folder: Path, day: Row) -> Iterator[Works]:
    """The install after the story, its vendors gone: what a person could still look up."""
    with opened(Settings.model_validate({"data_dir": str(folder / "install")})) as found:
        yield found


def of_sort(day: Row, sort: str) -> list[Row]:
    return [one for one in day["vouchers"] if any(f":{sort}:" in key for key in one["keys"])]


def signed(line: Row) -> Decimal:
    return Decimal(line["debit"]) - Decimal(line["credit"])


def on(voucher: Row, account: str) -> Decimal:
    return sum((signed(line) for line in voucher["lines"] if line["account"] == account), Decimal(0))


def test_every_voucher_balances(day: Row) -> None:
    assert len(day["vouchers"]) > 75
    for voucher in day["vouchers"]:
        assert sum(signed(line) for line in voucher["lines"]) == 0, voucher


def test_numbers_are_unbroken(day: Row) -> None:
    numbers = sorted(int(one["number"].removeprefix("GL")) for one in day["vouchers"] if one["kind"] == "journal")
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_every_payment_is_booked_by_exactly_one_sale(day: Row) -> None:
    keys = Counter(key for one in day["vouchers"] for key in one["keys"])
    assert set(keys.values()) == {1}
    assert len(of_sort(day, "sale")) >= 70


def test_the_day_in_the_ledger_is_the_day_at_square(day: Row) -> None:
    assert set(day["truth"]) == {"gross", "vat", "tips", "fees", "refunds", "payouts"}
    assert all(row["equal"] for row in day["truth"].values()), day["truth"]


def test_vat_is_its_rate_of_the_net_on_every_sale(day: Row) -> None:
    checked = 0
    for voucher in [*of_sort(day, "sale"), *of_sort(day, "ref")]:
        for income, vat in SALES.items():
            net, tax = on(voucher, income), on(voucher, vat)
            assert abs(net * VAT[vat] / 100 - tax) <= Decimal("0.02"), voucher
            checked += bool(tax)
    assert checked > 60


def test_departments_stand_on_sales_tips_and_fees_and_never_on_money(day: Row) -> None:
    for voucher in day["vouchers"]:
        for line in voucher["lines"]:
            if line["account"] in (CLEARING, BANK, TILL, OWN_CARDS):
                assert set(line["dimensions"]) <= {"1=00", "2=000"}
            elif line["account"] in {*SALES, TIPS, FEES}:
                assert set(line["dimensions"]) <= {"1=10", "1=20", "1=30"}
                assert line["dimensions"], voucher


def test_every_line_says_why_it_is_there(day: Row) -> None:
    assert [line for one in day["vouchers"] for line in one["lines"] if not line["because"]] == []


def test_tips_are_owed_without_vat(day: Row) -> None:
    tips = [line for one in day["vouchers"] for line in one["lines"] if line["account"] == TIPS]
    assert len(tips) > 15
    assert {line["vat"] for line in tips} <= {"", "NONE"}


def test_a_gift_card_is_a_debt_when_sold_and_taxed_when_used(day: Row) -> None:
    sold = [one for one in of_sort(day, "sale") if on(one, GIFT_CARDS) < 0]
    used = [one for one in of_sort(day, "sale") if on(one, GIFT_CARDS) > 0]
    assert sold
    assert used
    assert all(on(one, vat) == 0 for one in sold for vat in VAT)
    assert all(on(one, "2611") < 0 for one in used)


def test_cash_goes_to_the_till_and_never_to_clearing(day: Row) -> None:
    cash = [one for one in of_sort(day, "sale") if on(one, TILL) and not on(one, CLEARING)]
    assert cash
    assert {line["account"] for one in cash for line in one["lines"]} <= {TILL, ROUNDING, *SALES, *VAT}


def test_the_sale_taken_offline_stands_on_the_evening_it_was_taken(day: Row) -> None:
    days = Counter(one["day"] for one in of_sort(day, "sale"))
    first, *_ = sorted(days)
    assert days[first] == 1


def test_the_invoice_is_in_the_customer_ledger_with_its_payment_and_not_in_the_journal(day: Row) -> None:
    (invoice,) = of_sort(day, "inv")
    (payment,) = of_sort(day, "pay")
    assert (invoice["kind"], payment["kind"]) == ("customer_invoice", "customer_payment")
    assert on(payment, CLEARING) == sum(Decimal(line["debit"]) for line in invoice["lines"])


def test_each_shop_is_paid_out_less_its_fee(day: Row) -> None:
    payouts = of_sort(day, "po")
    assert len(payouts) == 3
    assert all(on(one, BANK) + on(one, FEES) == -on(one, CLEARING) for one in payouts)
    assert all(on(one, FEES) > 0 for one in payouts)


def test_a_missing_rule_held_one_payout_and_the_accepted_proposal_posted_it(day: Row) -> None:
    (held,) = [one for one in day["held_and_mended"] if one["code"] == "mapping-missing"]
    assert "fee" in held["why"]
    (gothenburg,) = [one for one in of_sort(day, "po") if any("1=30" in line["dimensions"] for line in one["lines"])]
    (fee,) = [line for line in gothenburg["lines"] if line["account"] == FEES]
    assert fee["because"].startswith("rule fee:")


def test_refunds_by_amount_waited_for_a_person_and_nothing_waits_now(day: Row, works: Works) -> None:
    codes = Counter(one["code"] for one in day["held_and_mended"])
    assert sum(codes.values()) - codes["mapping-missing"] == 2
    assert day["held"] == day["waiting"] == 0
    assert reviewing.open_items(works, DEFAULT_WORKSPACE) == []


def test_a_broken_line_leaves_one_voucher(day: Row) -> None:
    assert day["interrupted"]["copies_in_ledger"] == 1
    assert "create adopted" in day["interrupted"]["attempts"]
    assert day["duplicates_in_ledger"] == 0


def test_clearing_is_explained_to_the_last_cent(day: Row) -> None:
    assert day["clearing_unexplained"] == "0.00 EUR"
    (statement,) = day["clearing"]
    assert statement["ledger"] == statement["waiting"] == "125.00 EUR"  # the sale after the payout


def test_replaying_everything_changes_nothing(day: Row) -> None:
    assert day["replayed"] == {"records": day["records"], "sent": 0, "unchanged": True}


def test_visma_was_called_less_than_three_times_for_each_document(day: Row) -> None:
    assert day["visma_calls"] < 3 * len(day["vouchers"])


def test_the_audit_trail_is_unbroken_and_tells_of_every_voucher(day: Row, works: Works) -> None:
    with works.database.reading() as c:
        assert audit_proof.verify(c).ok
        trail = "\n".join(audit_proof.export(c))
    assert [one["number"] for one in day["vouchers"] if one["number"] not in trail] == []


def test_any_id_leads_to_the_same_story(day: Row, works: Works) -> None:
    number = day["interrupted"]["vouchers"][0]
    (voucher,) = journals.voucher(works, DEFAULT_WORKSPACE, number)
    (story,) = tracing.trace(works, DEFAULT_WORKSPACE, number)
    event = next(one["event_id"] for one in story.notices)
    names = [story.external_id, voucher.keys[0], voucher.token, story.trips[0].id, event, day["interrupted"]["order"]]
    for name in names:
        found = tracing.trace(works, DEFAULT_WORKSPACE, name)
        assert story.record_id in [one.record_id for one in found], name


def test_a_story_is_told_from_the_webhook_to_the_ledger_in_the_order_of_time(day: Row, works: Works) -> None:
    (story,) = tracing.trace(works, DEFAULT_WORKSPACE, day["interrupted"]["vouchers"][0])
    whats = [one.what for one in story.moments]
    assert [one.at for one in story.moments] == sorted(one.at for one in story.moments)
    assert whats.index("notice") < whats.index("read") < whats.index("intention") < whats.index("outcome")
    verbs = {one.told.split(" (")[0] for one in story.moments if one.what == "audit"}
    assert verbs >= {"read", "planned", "sealed", "sent", "posted"}


def test_another_workspace_sees_nothing_of_it(day: Row, works: Works) -> None:
    with pytest.raises(UsageError):
        tracing.trace(works, "other", day["interrupted"]["vouchers"][0])
