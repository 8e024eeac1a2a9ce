"""Which orders of a shop are booked, on which day, and who books their money."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from ml_connector.finance.encoding import decode, encode
from ml_connector.finance.plan import Related
from ml_connector.finance.rulebook import Terms
from ml_connector.rules.bookkeeping import method_of, role_of
from ml_connector.rules.shop_lines import recognised
from ml_connector.rules.shop_orders import event_key, means_of, not_booked, paid_how, sold_at, sold_on
from tests.flows.shop_builders import MORNING, TERMS, line, on_hold, order

NOTHING = Related()
ELSEWHERE = replace(TERMS, gateways_elsewhere={"stripe": "st:ch", "bacs": "ledger"})


@pytest.mark.parametrize("status", ["processing", "completed", "refunded"])
def test_sold_orders_are_booked(status: str) -> None:
    assert not_booked(order(status=status), TERMS) is None


def test_completed_follows_processing_and_only_that() -> None:
    only = replace(TERMS, order_statuses=("processing",))
    assert not_booked(order(status="completed"), only) is None
    assert not_booked(order(status="processing"), replace(TERMS, order_statuses=("completed",))) is not None


def test_an_order_is_of_the_day_it_was_paid_unless_it_is_booked_unpaid() -> None:
    paid_at = MORNING + timedelta(days=4)
    assert sold_at(order(paid_at=paid_at), TERMS) == paid_at
    by_invoice = replace(TERMS, gateway_statuses={"stripe": ("on-hold",)})
    assert sold_at(order(paid_at=paid_at), by_invoice) == MORNING
    assert sold_on(on_hold(created_at=MORNING.replace(hour=23, minute=30)), TERMS) == date(2026, 3, 11)


def test_money_is_booked_by_the_shop_by_a_processor_or_not_at_all() -> None:
    assert paid_how(order(), NOTHING, TERMS).how == "here"
    assert paid_how(order(paid=False), NOTHING, TERMS).how == "unpaid"
    assert paid_how(order(), NOTHING, ELSEWHERE).how == "elsewhere"
    assert event_key(order(), ELSEWHERE) == "st:ch:ch_1"
    assert event_key(order(), TERMS) is None
    assert event_key(order(payment_method="bacs"), ELSEWHERE) is None


def test_a_payment_method_is_known_to_rules_by_its_own_name() -> None:
    here = means_of(order(), paid_how(order(), NOTHING, TERMS))
    away = means_of(order(), paid_how(order(), NOTHING, ELSEWHERE))
    assert [(role_of(means), method_of(means)) for means in (here, away, "gateway:", "card", "external:x")] == [
        ("clearing", "stripe"), ("suspense", "stripe"), ("clearing", None), ("clearing", "card"),
        ("external", "external:x"),
    ]  # fmt: skip


def test_gift_cards_are_known_by_the_routes_words_alone() -> None:
    lines = (
        line("500", "", name="GAVEKORT 500"), line("500", "", name="Kort", article="gavekort-500"),
        line("40", kind="shipping", name="Gavekort per post"), line("500", "", name="Gift card"),
    )  # fmt: skip
    assert [one.kind for one in recognised(lines, TERMS, NOTHING)] == ["gift_card", "gift_card", "shipping", "goods"]
    assert recognised(lines, replace(TERMS, gift_card_words=(" ",)), NOTHING) == lines


def test_the_shops_terms_are_kept_exactly() -> None:
    terms = replace(
        ELSEWHERE, gateway_statuses={"bacs": ("on-hold", "processing")}, supplier_groups=("dealer",), guests="person"
    )
    assert decode(Terms, encode(terms)) == terms
    assert decode(Terms, {}).order_statuses == ("processing", "completed")
