"""WooCommerce refunds: with lines, by amount, by status, the second one, deleted ones, and whose money it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from ml_connector.finance.documents import SaleReturn
from ml_connector.finance.plan import Hold, Ignore, Plan, Wait
from tests.flows.builders import journal, readable
from tests.flows.shop_builders import (
    D15,
    GOODS,
    MORNING,
    SHIPPING,
    TERMS,
    Store,
    buyer,
    line,
    nok,
    on_hold,
    order,
    posted,
    refund,
    with_refunds,
)

APPROVED = {"refund-vat-mix": "approve"}
JOURNAL = replace(TERMS, order_document="journal")
HALF = line("200", "50")
COFFEE = line("200", "30", rate=D15, uid="32", name="Kaffe")


def test_a_refund_with_lines_is_a_credit_note_and_its_payment_out() -> None:
    asked = refund("250", HALF)
    plan = Store(with_refunds(order(), asked)).plan(asked)
    assert [readable(write) for write in plan.writes] == [
        journal("wc:ref:727:731 2026-03-11 credit_note to 90001", "3000 sales V25 200.00", "VAT 50.00 total 250.00"),
        journal(
            "wc:ref:727:731:paid 2026-03-11 refund 250.00 of 90001 on STRIPE STRIPE",
            "CreditNote <wc:ref:727:731> 250.00",
        ),
    ]
    assert plan.writes[0].needs == ("wc:ord:727",)
    assert plan.writes[1].needs == ("wc:ref:727:731",)


def test_a_refund_of_an_unpaid_order_lowers_its_invoice() -> None:
    asked = refund("250", HALF)
    terms = replace(TERMS, order_statuses=("on-hold",))
    (write,) = Store(with_refunds(on_hold(), asked), terms=terms).plan(asked).writes
    assert readable(write).endswith("applied to <wc:ord:727>")


def test_a_refund_by_a_connected_processor_leaves_the_payment_out_to_it() -> None:
    asked = refund("250", HALF)
    terms = replace(TERMS, gateways_elsewhere={"stripe": "st:ch"})
    (write,) = Store(with_refunds(order(), asked), terms=terms).plan(asked).writes
    assert write.key == "wc:ref:727:731"
    assert "applied" not in readable(write)


def test_an_amount_alone_takes_vat_by_the_orders_mix_and_waits_for_approval() -> None:
    sale = order(line("200", "50"), COFFEE)
    asked = refund("96")
    shop = with_refunds(sale, asked)
    assert Store(shop).holds(asked) == ["refund-vat-mix"]
    plan = Store(shop, decisions=APPROVED).plan(asked)
    assert readable(plan.writes[0]) == journal(
        "wc:ref:727:731 2026-03-11 credit_note to 90001",
        "3000 sales V25 40.00",
        "3015 sales V15 40.00",
        "VAT 16.00 total 96.00",
    )


def test_a_refund_by_status_takes_back_the_lines_that_are_left_without_asking() -> None:
    first, rest = refund("250", HALF), refund("300", id="727:732", occurred_at=MORNING + timedelta(days=2))
    sale = with_refunds(order(), first, rest, status="refunded")
    plan = Store(sale, first).plan(rest)
    assert readable(plan.writes[0]) == journal(
        "wc:ref:727:732 2026-03-12 credit_note to 90001",
        "3000 sales V25 200.00",
        "3040 shipping V25 40.00",
        "VAT 60.00 total 300.00",
    )


def test_a_refund_of_everything_by_amount_mirrors_the_whole_order() -> None:
    asked = refund("550")
    plan = Store(with_refunds(order(), asked)).plan(asked)
    assert readable(plan.writes[0]).endswith("VAT 110.00 total 550.00")


def test_the_rest_after_an_amount_by_mix_is_still_exact() -> None:
    sale = order(line("200", "50"), COFFEE)
    first, second = refund("96"), refund("384", id="727:732")
    shop = with_refunds(sale, first, second)
    plan = Store(shop, first).plan(second)
    assert readable(plan.writes[0]) == journal(
        "wc:ref:727:732 2026-03-11 credit_note to 90001",
        "3000 sales V25 160.00",
        "3015 sales V15 160.00",
        "VAT 64.00 total 384.00",
    )


def test_refunds_of_more_than_was_paid_are_held() -> None:
    first, second = refund("400"), refund("200", id="727:732")
    shop = with_refunds(order(), first, second)
    assert "over-refund" in Store(shop, first, decisions=APPROVED).holds(second)
    assert Store(shop, second, decisions=APPROVED).plan(first).writes


def test_a_deleted_refund_no_longer_counts() -> None:
    gone, second = refund("400"), refund("550", id="727:732", occurred_at=MORNING + timedelta(days=2))
    shop = with_refunds(order(), second)
    assert readable(Store(shop, gone).plan(second).writes[0]).endswith("total 550.00")


def test_a_refund_that_its_order_names_no_more_is_for_a_person() -> None:
    asked = refund("250", HALF)
    shop = with_refunds(order(), updated_at=MORNING + timedelta(days=3))
    assert Store(shop).holds(asked) == ["refund-deleted"]
    booked = Store(with_refunds(order(), asked)).plan(asked)
    assert Store(shop, posted=posted(booked)).holds(asked) == ["refund-deleted"]
    kept = Store(shop, posted=posted(booked), decisions={"refund-deleted": "approve"}).plan(asked)
    assert posted(kept) == posted(booked)


def test_a_refund_read_before_its_order_changed_is_booked() -> None:
    assert Store(order()).plan(refund("250", HALF)).writes


def test_a_gift_card_among_the_lines_given_back_goes_to_its_liability() -> None:
    card = line("-150", "", kind="discount", uid="36", name="Gavekort AB12")
    sale = order(GOODS, SHIPPING, card)
    asked = refund("400", GOODS, SHIPPING, card)
    plan = Store(with_refunds(sale, asked)).plan(asked)
    assert "2421 gift_cards V0 -150.00" in readable(plan.writes[0])
    unknown = replace(card, name="Kundefordel")
    asked = refund("400", GOODS, SHIPPING, unknown)
    assert Store(with_refunds(order(GOODS, SHIPPING, unknown), asked)).holds(asked) == ["discount-or-gift-card"]


def test_lines_that_differ_from_the_amount_by_rounding_keep_it_apart() -> None:
    asked = refund("250.40", HALF)
    assert "3740 rounding V0 0.40" in readable(Store(with_refunds(order(), asked)).plan(asked).writes[0])
    wide = refund("252", HALF)
    assert Store(with_refunds(order(), wide)).holds(wide) == ["total-differs"]


def test_a_refund_entered_without_moving_money_is_a_warning() -> None:
    asked = refund("250", HALF, by_processor=False)
    verdict = Store(with_refunds(order(), asked)).verdict(asked)
    assert isinstance(verdict, Plan)
    assert [(one.code, one.blocks) for one in verdict.findings] == [("refund-by-hand", False)]


# -------------------------------------------------------------------------------------------------- sales transactions


def test_a_refund_of_a_sales_transaction_mirrors_it() -> None:
    asked = refund("250", HALF)
    (write,) = Store(with_refunds(order(), asked), terms=JOURNAL).plan(asked).writes
    assert readable(write) == journal(
        "wc:ref:727:731 2026-03-11", "Dr 3000 sales V25 200.00", "Dr 2701 vat U25 50.00", "Cr 1580 clearing 250.00"
    )


def test_a_refund_without_a_transaction_is_still_linked_by_its_order() -> None:
    sale = order(payment_method="vipps", transaction_id="")
    asked = refund("250", HALF, payment_id=None)
    (write,) = Store(with_refunds(sale, asked), terms=JOURNAL).plan(asked).writes
    assert "Cr 1581 clearing 250.00" in readable(write)


def test_the_money_of_a_processors_refund_waits_in_suspense() -> None:
    asked = refund("250", HALF)
    terms = replace(JOURNAL, gateways_elsewhere={"stripe": "st:ch"})
    (write,) = Store(with_refunds(order(), asked), terms=terms).plan(asked).writes
    assert "Cr 2999 suspense 250.00" in readable(write)


def test_a_refund_follows_the_form_its_order_was_booked_in() -> None:
    asked = refund("250", HALF)
    sale = with_refunds(order(), asked)
    sold = posted(Store(terms=JOURNAL).plan(order()))
    assert [write.kind for write in Store(sale, posted=sold).plan(asked).writes] == ["journal"]
    billed = posted(Store(found={}, terms=TERMS).plan(order()))
    plan = Store(replace(sale, guest=False, customer_id="25"), posted=billed).plan(asked)
    assert [readable(write).splitlines()[0] for write in plan.writes] == [
        "wc:ref:727:731 2026-03-11 credit_note to 90001",
        "wc:ref:727:731:paid 2026-03-11 refund 250.00 of 90001 on STRIPE STRIPE",
    ]


# ------------------------------------------------------------------------------------------------- not, or not yet


def test_a_refund_of_nothing_or_from_before_go_live_is_ignored() -> None:
    assert isinstance(Store(order()).verdict(refund("0")), Ignore)
    assert isinstance(Store(order(), terms=replace(TERMS, go_live=date(2026, 3, 12))).verdict(refund("250")), Ignore)


def test_a_refund_of_a_sale_from_before_go_live_is_for_a_person() -> None:
    asked = refund("250", HALF)
    terms = replace(TERMS, go_live=date(2026, 3, 11))
    assert Store(with_refunds(order(), asked), terms=terms).holds(asked) == ["order-before-go-live"]


@pytest.mark.parametrize("status", ["pending", "on-hold"])
def test_a_refund_waits_for_an_order_that_is_not_booked(status: str) -> None:
    asked = refund("250", HALF)
    assert isinstance(Store(with_refunds(on_hold(status=status), asked)).verdict(asked), Wait)
    assert isinstance(Store(with_refunds(on_hold(), asked), terms=JOURNAL).verdict(asked), Wait)


def test_a_refund_of_a_paid_order_that_was_moved_back_is_booked() -> None:
    asked = refund("250", HALF)
    assert Store(with_refunds(order(), asked, state="open", status="on-hold")).plan(asked).writes


def test_a_refund_of_a_cancelled_order_is_asked_about() -> None:
    asked = refund("250", HALF)
    sale = with_refunds(order(), asked, state="canceled", status="cancelled")
    assert Store(sale).holds(asked) == ["refund-of-canceled-order"]
    assert Store(sale, decisions={"refund-of-canceled-order": "approve"}).plan(asked).writes


def test_a_refund_of_an_order_that_is_gone_is_held() -> None:
    assert Store().holds(refund("250", HALF)) == ["order-missing"]


def test_a_refund_of_a_payment_nobody_has_proven_is_asked_about() -> None:
    asked = refund("250", HALF, payment_id=None)
    sale = with_refunds(order(payment_method="", transaction_id=""), asked)
    assert Store(sale).holds(asked) == ["payment-unproven"]


def test_a_refund_to_a_buyer_who_is_a_question_is_held_with_that_question() -> None:
    asked = refund("250", HALF)
    sale = with_refunds(order(country="FR", buyer=buyer()), asked)
    verdict = Store(sale).verdict(asked)
    assert isinstance(verdict, Hold)
    assert [finding.code for finding in verdict.findings] == ["collective-customer-missing"]


def test_a_refund_by_quantity_alone_has_no_lines_that_count() -> None:
    asked = replace(refund("250"), returned=SaleReturn("727", (), nok(0), nok(0), itemized=False))
    assert Store(with_refunds(order(), asked)).holds(asked) == ["refund-vat-mix"]
