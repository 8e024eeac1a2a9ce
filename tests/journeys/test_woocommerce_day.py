"""A web shop's day as a bookkeeper would check it: invoices, payments, credit notes, VAT and each method's clearing."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.cli.output import Output
from ml_connector.cli.stories import woocommerce
from ml_connector.logs import Redactor

pytestmark = pytest.mark.slow
Row = dict[str, Any]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Row:
    """The whole story, told once."""
    return woocommerce.tell(tmp_path_factory.mktemp("story"), Output(as_json=True), redactor=Redactor())


def of_kind(day: Row, kind: str) -> list[Row]:
    return [one for one in day["vouchers"] if one["kind"] == kind]


def signed(line: Row) -> Decimal:
    return Decimal(line["debit"]) - Decimal(line["credit"])


def test_every_document_balances_and_says_why(day: Row) -> None:
    for voucher in day["vouchers"]:
        assert sum(map(signed, voucher["lines"]), Decimal(0)) == 0, voucher
        assert all(line["because"] for line in voucher["lines"]), voucher


def test_the_day_in_the_ledger_is_the_day_in_the_shop(day: Row) -> None:
    assert {"gross", "vat 25", "vat 12", "refunded", "paid stripe", "refunded cod"} <= set(day["truth"])
    assert all(row["equal"] for row in day["truth"].values()), day["truth"]


def test_nothing_is_owed_by_buyers_who_have_paid(day: Row) -> None:
    owed = [signed(line) for one in day["vouchers"] for line in one["lines"] if line["role"] == "receivable"]
    assert len(owed) > 70
    assert sum(owed) == 0


def test_each_refund_is_one_credit_note_and_one_payment_back(day: Row) -> None:
    notes = Counter(one["keys"][0] for one in of_kind(day, "credit_note") if ":ref:" in one["keys"][0])
    backs = Counter(one["keys"][0].removesuffix(":paid") for one in of_kind(day, "customer_refund"))
    assert len(notes) == 4
    assert notes == backs


def test_clearing_of_each_method_is_what_was_paid_less_what_was_given_back(day: Row) -> None:
    statements = {one["account"]: one for one in day["clearing"]}
    assert set(statements) == {account for account, _ in woocommerce.GATEWAYS.values()}
    assert all(one["unexplained"] == "0.00 SEK" for one in statements.values()), statements
    for name in ("ppcp-gateway", "klarna_payments", "cod", "bacs"):
        paid, back = (
            Decimal(day["truth"][f"{verb} {name}"]["expected"].split()[0].replace(",", ""))
            for verb in ("paid", "refunded")
        )
        ledger = Decimal(statements[woocommerce.GATEWAYS[name][0]]["ledger"].split()[0].replace(",", ""))
        assert ledger == paid - back, name


def test_what_was_doubtful_was_asked_and_nothing_waits(day: Row) -> None:
    codes = {one["code"] for one in day["held_and_mended"]}
    assert codes >= {"refund-vat-mix", "mapping-missing", "vat-number-refused"}
    assert day["notices"] > 40


def test_an_order_that_people_ship_and_invoice_takes_its_prepayment(day: Row) -> None:
    sold = day["sold_by_order"]
    assert "not invoiced in Visma yet" in sold["waited"]
    assert (sold["order"], sold["state"], sold["left"]) == ("000001", "posted", "0.00 SEK")


def test_an_order_edited_after_posting_changes_nothing_until_a_person_says_so(day: Row) -> None:
    assert day["edited_after_posting"]["ledger_untouched"] is True
    assert day["edited_after_posting"]["asked"] == ["correction"]


def test_a_broken_line_leaves_one_invoice(day: Row) -> None:
    assert day["interrupted"]["copies_in_ledger"] == 1
    assert "create adopted" in day["interrupted"]["attempts"]
    assert day["duplicates_in_ledger"] == 0


def test_replaying_everything_changes_nothing_and_the_trail_is_unbroken(day: Row) -> None:
    assert day["replayed"]["unchanged"] is True
    assert day["audit_chain_ok"] is True
