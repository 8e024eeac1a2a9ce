"""Square refunds: what comes back, by which way, and what waits for a person."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ml_connector.finance.plan import Hold, Ignore, Wait
from tests.flows.builders import (
    D12,
    TERMS,
    Shop,
    back,
    capture,
    eur,
    journal,
    line,
    readable,
    refund,
    return_order,
    sale,
    tender,
)

APPROVED = {"refund-vat-mix": "approve"}


def test_an_itemized_partial_refund_takes_back_its_own_lines_and_vat() -> None:
    returned = return_order(back(line("50", "12.50")))
    (write,) = Shop(sale(), capture(), returned).plan(refund("62.50", return_order_id="R-O1")).writes
    assert readable(write) == journal(
        "sq:ref:RF1 2026-03-10",
        "Dr 3010 sales OSLO V25 50.00",
        "Dr 2611 vat U25 12.50",
        "Cr 1580 clearing 62.50",
    )


def test_an_amount_only_refund_takes_the_vat_by_the_sales_mix_once_approved() -> None:
    order = sale(line("100", "25"), line("100", "12", rate=D12), tip="10")
    paid = capture("237", tip="10")
    custom = return_order(back(line("118.50", name="Custom amount"), itemized=False))
    asked = refund("118.50", return_order_id="R-O1")
    verdict = Shop(order, paid, custom).verdict(asked)
    assert isinstance(verdict, Hold)
    (finding,) = verdict.findings
    assert finding.code == "refund-vat-mix"
    assert "Dr 3010 50.00 EUR" in finding.proposal["entry"]
    (write,) = Shop(order, paid, custom, decisions=APPROVED).plan(asked).writes
    assert readable(write) == journal(
        "sq:ref:RF1 2026-03-10",
        "Dr 3010 sales OSLO V25 50.00",
        "Dr 2611 vat U25 12.50",
        "Dr 3020 sales OSLO V12 50.00",
        "Dr 2621 vat U12 6.00",
        "Cr 1580 clearing 118.50",
    )


def test_an_amount_only_refund_of_everything_gives_the_tip_back_too() -> None:
    (write,) = Shop(sale(tip="10"), capture(tip="10"), decisions=APPROVED).plan(refund("135")).writes
    assert "Dr 2890 tips OSLO 10.00" in readable(write)
    assert "Cr 1580 clearing 135.00" in readable(write)


@pytest.mark.parametrize(
    ("means", "line_"),
    [("cash", "Cr 1910 till OSLO 62.50"), ("gift_card", "Cr 2421 gift_cards 62.50"), (None, "Cr 1580 clearing 62.50")],
)
def test_money_goes_back_by_the_destination_the_source_names(means: str | None, line_: str) -> None:
    returned = return_order(back(line("50", "12.50")))
    asked = refund("62.50", return_order_id="R-O1", means=means)
    (write,) = Shop(sale(), capture(), returned).plan(asked).writes
    assert line_ in readable(write)


def test_an_unlinked_refund_is_held_then_booked_or_parked_as_a_person_says() -> None:
    returned = return_order(back(line("50", "12.50"), sale_id=None))
    asked = refund("62.50", payment_id=None, return_order_id="R-O1")
    assert Shop(returned).holds(asked) == ["refund-unlinked"]
    (write,) = Shop(returned, decisions={"refund-unlinked": "approve"}).plan(asked).writes
    assert "Dr 3010 sales OSLO V25 50.00" in readable(write)
    (parked,) = Shop(returned, decisions={"refund-unlinked": "suspense"}).plan(asked).writes
    assert readable(parked) == journal("sq:ref:RF1 2026-03-10", "Dr 2999 suspense 62.50", "Cr 1580 clearing 62.50")


def test_a_refund_that_says_nothing_can_only_be_parked() -> None:
    asked = refund("62.50", payment_id=None)
    assert Shop(decisions={"refund-unlinked": "approve"}).holds(asked) == ["refund-without-lines"]
    decided = {"refund-unlinked": "approve", "refund-without-lines": "suspense"}
    assert "Dr 2999 suspense 62.50" in readable(Shop(decisions=decided).plan(asked).writes[0])


def test_a_refund_larger_than_its_capture_is_held() -> None:
    returned = return_order(back(line("120", "30")))
    assert Shop(sale(), capture(), returned).holds(refund("150", return_order_id="R-O1")) == ["over-refund"]


def test_refunds_that_together_exceed_the_capture_are_held() -> None:
    first = return_order(back(line("80", "20")))
    shop = Shop(sale(), capture(), first)
    booked = shop.plan(refund("100", return_order_id="R-O1")).writes[0]
    again = return_order(back(line("40", "10")), id="R-O2")
    second = refund("50", id="RF2", return_order_id="R-O2")
    assert Shop(sale(), capture(), again, posted={booked.key: booked.content}).holds(second) == ["over-refund"]
    assert Shop(sale(), capture(), again).plan(second).writes


def test_a_second_refund_is_held_by_what_the_source_says_of_the_first() -> None:
    returned = (return_order(back(line("80", "20"))), return_order(back(line("40", "10")), id="R-O2"))
    first = refund("100", return_order_id="R-O1")
    second = refund("50", id="RF2", return_order_id="R-O2")
    shop = Shop(sale(), capture(), *returned, first, second)
    assert shop.holds(second) == ["over-refund"]
    assert shop.plan(first).writes  # the first stands, whatever comes after it
    rejected = Shop(sale(), capture(), *returned, replace(first, state="rejected"), second)
    assert rejected.plan(second).writes


def test_a_replayed_refund_does_not_count_against_itself() -> None:
    returned = return_order(back(line("100", "25")))
    asked = refund("125", return_order_id="R-O1")
    booked = Shop(sale(), capture(), returned).plan(asked).writes[0]
    again = Shop(sale(), capture(), returned, posted={booked.key: booked.content}).plan(asked)
    assert again.writes == (booked,)


def test_a_return_paid_back_in_two_refunds_is_shared_between_them() -> None:
    order = sale(tenders=(tender("P1", "25"), tender("P2", "100")))
    paid = (capture("25"), capture("100", id="P2"))
    returned = return_order(back(line("100", "25")))
    shop = Shop(order, *paid, returned)
    (one,) = shop.plan(refund("25", return_order_id="R-O1")).writes
    (two,) = shop.plan(refund("100", id="RF2", payment_id="P2", return_order_id="R-O1")).writes
    assert "Dr 3010 sales OSLO V25 20.00" in readable(one)
    assert "Dr 3010 sales OSLO V25 80.00" in readable(two)


def test_a_return_smaller_than_its_refund_is_held() -> None:
    returned = return_order(back(line("20", "5")))
    assert Shop(sale(), capture(), returned).holds(refund("100", return_order_id="R-O1")) == ["refund-differs"]


def test_an_exchange_with_money_back_shows_both_sides() -> None:
    exchange = replace(sale(line("40", "10"), id="R-O1", tenders=()), returns=(back(line("100", "25")),))
    (write,) = Shop(sale(), capture(), exchange).plan(refund("75", return_order_id="R-O1")).writes
    assert readable(write) == journal(
        "sq:ref:RF1 2026-03-10",
        "Dr 3010 sales OSLO V25 100.00",
        "Dr 2611 vat U25 25.00",
        "Cr 3010 sales OSLO V25 40.00",
        "Cr 2611 vat U25 10.00",
        "Cr 1580 clearing 75.00",
    )


def test_a_refund_to_a_single_purpose_card_gives_no_vat_back() -> None:
    returned = return_order(back(line("50", "12.50")))
    asked = refund("62.50", return_order_id="R-O1", means="gift_card")
    (write,) = Shop(sale(), capture(), returned, terms=replace(TERMS, gift_cards="single")).plan(asked).writes
    assert readable(write) == journal("sq:ref:RF1 2026-03-10", "Dr 3010 sales OSLO 50.00", "Cr 2421 gift_cards 50.00")


@pytest.mark.parametrize(("state", "kind"), [("pending", Wait), ("rejected", Ignore), ("failed", Ignore)])
def test_only_completed_refunds_are_booked(state: str, kind: type) -> None:
    assert isinstance(Shop(sale(), capture()).verdict(refund("10", state=state)), kind)


def test_a_refund_waits_for_its_payment() -> None:
    assert isinstance(Shop().verdict(refund("10")), Wait)


def test_a_refund_rule_can_send_returns_to_their_own_account() -> None:
    from ml_connector.finance.rulebook import Rule, Rulebook, When
    from tests.flows.builders import RULEBOOK

    book = Rulebook(
        2, RULEBOOK.valid_from, (Rule("7", ("sales",), When(type=("refund",)), account="3020"), *RULEBOOK.rules)
    )
    returned = return_order(back(line("50", "12.50")))
    (write,) = Shop(sale(), capture(), returned, rulebook=book).plan(refund("62.50", return_order_id="R-O1")).writes
    assert ("sales account", "3020", "rule 7: type = refund") in {(w.what, w.chosen, w.because) for w in write.why}
    assert write.content.balance_of("3020") == eur("50")  # type: ignore[union-attr]


def test_a_sentence_about_a_refund_names_it_by_its_very_id() -> None:
    custom = return_order(back(line("50", name="Custom amount"), itemized=False))
    verdict = Shop(sale(), capture(), custom).verdict(refund("50", id="P1_aBcD", return_order_id="R-O1"))
    assert isinstance(verdict, Hold)
    assert verdict.findings[0].sentence.startswith("Refund P1_aBcD ")
