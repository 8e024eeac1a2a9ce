"""What is left of a shop's order after refunds, and what a refund takes back of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from ml_connector.finance.documents import TaxShare
from ml_connector.finance.money import Money
from ml_connector.rules.shop_refunds import is_deleted, left_of, older_than, sum_of, taken_back
from tests.flows.shop_builders import D15, GOODS, MORNING, SHIPPING, line, nok, order, refund, with_refunds

COFFEE = line("200", "30", rate=D15, uid="32", name="Kaffe")


def test_lines_given_back_are_taken_off_by_their_ids() -> None:
    left = left_of(order(GOODS, COFFEE, SHIPPING), [refund("250", line("200", "50")), refund("230", COFFEE)])
    assert [(one.uid, one.net, one.tax) for one in left.lines] == [
        ("31", nok("200"), nok("50")),
        ("35", nok("40"), nok("10")),
    ]
    assert (left.total, left.rounding) == (nok("300"), nok(0))


def test_an_amount_is_taken_off_by_the_mix_and_later_lines_find_what_is_left_of_them() -> None:
    two = replace(GOODS, uid="30")
    left = left_of(order(GOODS, two, COFFEE), [refund("123"), refund("100", line("80", "20", uid="30"))])
    assert left.total == nok("1007")
    assert left.rounding == nok(0)
    assert len(left.lines) == 2


def test_a_line_that_is_not_in_the_order_counts_as_an_amount() -> None:
    stranger = line("80", "20", uid="99", name="Ukjent", kind="fee")
    left = left_of(order(GOODS, SHIPPING), [refund("100", stranger)])
    assert (left.total, left.rounding) == (nok("450"), nok(0))
    twice = replace(GOODS, taxes=(TaxShare(None, nok("50")), TaxShare(None, nok("50"))))
    assert left_of(order(twice), [refund("100", twice)]).total == nok("400")


def test_nothing_is_left_once_all_is_given_back() -> None:
    left = left_of(order(), [refund("550")])
    assert (left.lines, left.total) == ((), nok(0))


def test_what_differs_from_the_total_is_told_as_rounding() -> None:
    left = left_of(order(rounding="0.40"), [refund("250", line("200", "50"))])
    assert (left.total, left.rounding) == (nok("300.40"), nok("0.40"))


def test_older_refunds_are_in_order_of_time_then_of_number_each_once() -> None:
    late = refund("1", id="727:9", occurred_at=MORNING + timedelta(days=3))
    same = [refund("1", id="727:100"), refund("1", id="727:20")]
    third = refund("1", id="727:101")
    found = older_than(third, [late, *same, *same, third])
    assert [one.id for one in found] == ["727:20", "727:100"]
    assert sum_of(found, "NOK") == nok("2")
    assert sum_of((), "NOK") == Money.zero("NOK")


def test_a_refund_is_deleted_when_a_newer_order_does_not_name_it() -> None:
    asked = refund("250")
    assert not is_deleted(asked, order())
    assert not is_deleted(asked, with_refunds(order(), asked))
    assert is_deleted(asked, with_refunds(order(), updated_at=MORNING + timedelta(days=2)))


def test_the_whole_rest_is_lines_and_less_is_a_mix_of_the_rest() -> None:
    sale = order(GOODS, COFFEE)
    first = refund("500", GOODS)
    rest = taken_back(refund("230", id="727:732"), sale, [first], tolerance=0)
    assert rest.back is not None
    assert [one.name for one in rest.back.returns[0].lines] == ["Kaffe"]
    part = taken_back(refund("115", id="727:732"), sale, [first], tolerance=0)
    assert part.back is None
    assert [one.taxes[0].rate for one in part.sale.lines] == [Decimal(15)]


def test_a_rest_that_rounding_cannot_explain_is_no_mirror() -> None:
    sale = order(rounding="0.90")
    assert taken_back(refund("550.90"), sale, [], tolerance=100).back is not None
    assert taken_back(refund("550.90"), sale, [], tolerance=50).back is None
