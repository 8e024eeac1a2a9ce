"""Invoices of PayPal as documents; each trap of theirs by its name."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from ml_connector.finance.money import Money
from tests.connectors.paypal import payloads as paypal
from tests.connectors.paypal.payloads import money
from tests.connectors.paypal.translated import (
    invoice_of,
    nok,
    refused,
    usd,
)


def test_discounts_taxes_shipping_and_the_custom_amount_make_the_total_of_paypals_own_example() -> None:
    made = invoice_of(paypal.discounted_invoice())
    assert [(line.name, line.kind, line.net, line.tax) for line in made.lines] == [
        ("Yoga Mat", "goods", usd("45.12"), usd("3.27")),
        ("Yoga t-shirt", "goods", usd("4.75"), usd("0.34")),
        ("Shipping", "shipping", usd("10.00"), usd("0.73")),
        ("Packing Charges", "custom", usd("10.00"), usd("0")),
    ]
    assert sum(line.gross.minor for line in made.lines) == made.requested.minor == 7421


def test_an_invoice_whose_lines_miss_its_total_is_refused() -> None:
    payload = paypal.invoice()
    payload["amount"] = {**payload["amount"], "value": "1250.01"}
    assert refused("invoice", payload) == "amount.value"


def test_an_invoice_whose_taxes_differ_from_their_total_is_refused() -> None:
    payload = paypal.discounted_invoice(tax_total=money("4.35", "USD"))
    assert refused("invoice", payload) == "amount.breakdown.tax_total"


def test_a_custom_amount_may_be_below_zero() -> None:
    breakdown = {**paypal.invoice()["amount"]["breakdown"], "custom": {"label": "Discount", "amount": money("-50.00")}}
    made = invoice_of(paypal.invoice(amount={**money("1200.00"), "breakdown": breakdown}))
    assert made.lines[-1].net == nok("-50.00")


def test_unit_prices_that_hold_the_tax_are_taken_apart() -> None:
    made = invoice_of(
        paypal.invoice(
            items=[
                {
                    "name": "Coffee",
                    "quantity": "2",
                    "unit_amount": money("62.50"),
                    "tax": {"name": "MVA", "percent": "25", "amount": money("25.00")},
                }
            ],
            configuration={"tax_inclusive": True},
            amount={**money("125.00"), "breakdown": {"item_total": money("125.00"), "tax_total": money("25.00")}},
        )
    )
    assert [(line.net, line.tax, line.quantity) for line in made.lines] == [(nok("100.00"), nok("25.00"), Decimal(2))]


def test_quantities_and_prices_are_rounded_line_by_line_in_paypals_own_decimals() -> None:
    item = {"name": "Tea", "quantity": "3.5", "unit_amount": money("99", "HUF")}
    payload = paypal.invoice(
        items=[item],
        amount={**money("347", "HUF"), "breakdown": {"item_total": money("347", "HUF")}},
        due_amount=money("347", "HUF"),
        payments={},
        detail={**paypal.invoice()["detail"], "currency_code": "HUF"},
    )
    assert invoice_of(payload).lines[0].net == Money.of(347, "HUF")  # 346.5 is half away from zero


def test_a_draft_needs_no_sums() -> None:
    made = invoice_of(paypal.invoice(status="DRAFT", amount=money("7.00"), payments={}))
    assert (made.state, made.lines) == ("draft", ())


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("SENT", "open"),
        ("UNPAID", "open"),
        ("PAYMENT_PENDING", "open"),
        ("PAID", "paid"),
        ("MARKED_AS_PAID", "paid"),
        ("REFUNDED", "refunded"),
        ("MARKED_AS_REFUNDED", "refunded"),
        ("PARTIALLY_REFUNDED", "part_refunded"),
        ("CANCELLED", "canceled"),
        ("AUTO_CANCELLED", "canceled"),
    ],
)
def test_statuses_of_an_invoice(status: str, state: str) -> None:
    assert invoice_of(paypal.invoice(status=status)).state == state


def test_an_invoice_of_an_unknown_status_is_held() -> None:
    assert refused("invoice", paypal.invoice(status="SHREDDED")) == "status"


def test_paypals_own_payments_are_told_from_those_a_person_recorded() -> None:
    row = {"type": "PAYPAL", "payment_id": paypal.CAPTURE, "payment_date": "2026-11-27", "amount": money("100.00")}
    (made,) = invoice_of(paypal.invoice(payments={"paid_amount": money("100.00"), "transactions": [row]})).payments
    assert (made.origin, made.id) == ("processor", paypal.CAPTURE)


def test_a_tip_stands_beside_the_total() -> None:
    assert invoice_of(paypal.invoice(gratuity=money("20.00"))).tip == nok("20.00")


def test_a_date_with_a_zone_behind_it_is_still_a_date() -> None:
    detail = {**paypal.invoice()["detail"], "invoice_date": "2026-11-20Z"}
    assert invoice_of(paypal.invoice(detail=detail)).issued_on == date(2026, 11, 20)
