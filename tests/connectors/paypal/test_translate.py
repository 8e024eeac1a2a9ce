"""Real shapes in, documents out, written so that a person can check them; and each trap of the vendor by its name."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.connectors.paypal.fields import EXPONENTS, money_of
from ml_connector.connectors.paypal.translate import translate
from ml_connector.finance.documents import (
    Address,
    Capture,
    Converted,
    Dispute,
    DisputeMovement,
    Invoice,
    InvoiceRow,
    Movement,
    Party,
    Refund,
    SaleLine,
    TaxShare,
)
from ml_connector.finance.money import Money
from tests.connectors.paypal import payloads as paypal
from tests.connectors.paypal.payloads import money
from tests.connectors.paypal.translated import (
    capture_of,
    dispute_of,
    invoice_of,
    movement_of,
    nok,
    refund_of,
    refused,
)

# ---------------------------------------------------------------------------------------------- golden pairs


def test_a_capture() -> None:
    at = datetime(2026, 11, 20, 10, 15, 28, tzinfo=UTC)
    assert capture_of() == Capture(
        id="3C679366HH908993F",
        state="completed",
        means="wallet",
        amount=nok("1250.00"),
        tip=nok("0"),
        total=nok("1250.00"),
        location=None,
        order_id="5O190127TN364715T",
        customer_id=None,
        occurred_at=at,
        updated_at=at,
        fee=nok("45.30"),
        reference="10042",
        net=nok("1204.70"),
        invoice_number="10042",
        custom_id="tenant7-10042",
    )


def test_a_refund() -> None:
    at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert refund_of(paypal.refund()) == Refund(
        id="1JU08902781691411",
        state="completed",
        amount=nok("250.00"),
        payment_id="3C679366HH908993F",
        return_order_id=None,
        location=None,
        means=None,
        occurred_at=at,
        updated_at=at,
        by_processor=True,
        fee_returned=nok("0.00"),
        net=nok("250.00"),
        invoice_number="10042",
        custom_id="tenant7-10042",
    )


def test_an_invoice() -> None:
    assert invoice_of(paypal.invoice()) == Invoice(
        id="INV2-Z56S-5LLA-Q52L-CPZ5",
        number="10042",
        state="part_paid",
        order_id=None,
        location=None,
        customer_id=None,
        currency="NOK",
        requested=nok("1250.00"),
        completed=nok("100.00"),
        due_on=date(2026, 11, 30),
        published_at=datetime(2026, 11, 20, 9, tzinfo=UTC),
        scheduled_at=None,
        created_at=datetime(2026, 11, 20, 8, tzinfo=UTC),
        updated_at=datetime(2026, 11, 27, 8, tzinfo=UTC),
        lines=(SaleLine("0", "Consulting", nok("1000.00"), (TaxShare(Decimal(25), nok("250.00"), "MVA"),)),),
        payments=(
            InvoiceRow(
                "EXTR-86F38350LX4353815", "recorded", "bank", nok("100.00"), date(2026, 11, 27), note="mlc 8f3c21"
            ),
        ),
        due=nok("1150.00"),
        issued_on=date(2026, 11, 20),
        recipient=Party(
            "kari@example.com", "customer", "Fjord AS", active=True, email="kari@example.com",
            address=Address(("Storgata 1",), "0155", "Oslo", "", "NO"), is_company=True, contact="Kari Nordmann",
        ),
        reference="deal-7",
    )  # fmt: skip


def test_a_row_of_the_report() -> None:
    at = datetime(2026, 11, 20, 10, 15, 28, tzinfo=UTC)
    made = movement_of(paypal.row())
    assert made == Movement(
        id="3C679366HH908993F:T0006:NOK+",
        transaction_id="3C679366HH908993F",
        code="T0006",
        role="receipt",
        state="completed",
        amount=nok("1250.00"),
        fee=nok("-45.30"),
        occurred_at=at,
        updated_at=at,
        status="S",
        invoice_id="INV2-Z56S-5LLA-Q52L-CPZ5",
        invoice_number="10042",
        custom_id="tenant7-10042",
        balance=nok("8120.11"),
        party=Party(
            "KX5P2TESTPAY1", "customer", "Kari Nordmann", active=True, email="kari@example.com",
            address=Address(country="NO"),
        ),
    )  # fmt: skip
    assert made.net == nok("1204.70")


def test_a_dispute_that_was_lost() -> None:
    assert dispute_of() == Dispute(
        id="PP-D-27803",
        state="lost",
        amount=nok("1250.00"),
        payment_id="3C679366HH908993F",
        reason="UNAUTHORISED",
        due_at=datetime(2026, 12, 1, 8, tzinfo=UTC),
        updated_at=datetime(2026, 11, 25, 8, tzinfo=UTC),
        opened_at=datetime(2026, 11, 21, 8, tzinfo=UTC),
        outcome="RESOLVED_BUYER_FAVOUR",
        stage="CHARGEBACK",
        refunded=nok("1250.00"),
        payment_ids=("3C679366HH908993F",),
        invoice_number="10042",
        movements=(
            DisputeMovement(nok("-1250.00"), "DISPUTE_SETTLEMENT", datetime(2026, 11, 25, 8, tzinfo=UTC)),
        ),
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------- money


@pytest.mark.parametrize(("value", "minor"), [("10", 1000), ("10.5", 1050), ("10.50", 1050), ("-0.01", -1)])
def test_a_value_may_have_as_many_decimals_as_it_likes_up_to_the_currencys(value: str, minor: int) -> None:
    assert money_of(value, "SEK") == Money(minor, "SEK")


@pytest.mark.parametrize("currency", ["HUF", "TWD", "JPY"])
def test_whole_unit_currencies_of_paypal_take_no_fraction_but_iso_counts_their_own_minor_units(currency: str) -> None:
    whole = money_of("1000", currency)
    assert whole is not None
    assert whole.decimal() == 1000
    assert money_of("1000.00", currency) == whole
    assert money_of("1000.50", currency) is None


@pytest.mark.parametrize("currency", ["ISK", "KWD", "XXX", "nok", ""])
def test_a_currency_that_is_none_of_paypals_is_refused(currency: str) -> None:
    assert currency not in EXPONENTS
    assert refused("capture", paypal.capture(amount=money("10", currency))) == "amount.currency_code"


@pytest.mark.parametrize("value", ["10.555", "1e3", "NaN", "Infinity", "", "1,000.00", " 10", "9" * 40, 10, 10.5, None])
def test_an_amount_that_is_no_plain_decimal_text_is_refused(value: Any) -> None:
    amount = {"currency_code": "NOK", "value": value}
    assert refused("capture", paypal.capture(amount=amount)) == "amount.value"


# ---------------------------------------------------------------------------------------------- captures


def test_a_pending_capture_without_a_breakdown_has_no_fee_and_not_a_fee_of_zero() -> None:
    payload = paypal.capture(status="PENDING", status_details={"reason": "ECHECK"})
    del payload["seller_receivable_breakdown"]
    made = translate("capture", payload)
    assert isinstance(made, Capture)
    assert (made.state, made.fee, made.net) == ("pending", None, None)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("COMPLETED", "completed"),
        ("PARTIALLY_REFUNDED", "completed"),
        ("REFUNDED", "completed"),
        ("PENDING", "pending"),
        ("DECLINED", "failed"),
        ("FAILED", "failed"),
        ("SOMETHING_NEW", "pending"),
    ],
)
def test_statuses_of_a_capture(status: str, state: str) -> None:
    assert capture_of(status=status).state == state


def test_fees_that_do_not_lead_from_gross_to_net_are_refused() -> None:
    breakdown = {"gross_amount": money("1250.00"), "paypal_fee": money("45.30"), "net_amount": money("1204.71")}
    payload = paypal.capture(seller_receivable_breakdown=breakdown)
    assert refused("capture", payload) == "seller_receivable_breakdown.net_amount"


def test_a_partners_fee_is_no_fee_of_paypals_and_counts_towards_the_net() -> None:
    breakdown = {
        "gross_amount": money("1250.00"),
        "paypal_fee": money("45.30"),
        "platform_fees": [{"amount": money("10.00")}],
        "net_amount": money("1194.70"),
    }
    made = capture_of(seller_receivable_breakdown=breakdown)
    assert (made.fee, made.net) == (nok("45.30"), nok("1194.70"))


def test_only_the_gross_amount_is_sure_to_be_there() -> None:
    assert capture_of(seller_receivable_breakdown={"gross_amount": money("1250.00")}).fee is None
    with_net = {"gross_amount": money("1250.00"), "net_amount": money("1250.00")}
    assert capture_of(seller_receivable_breakdown=with_net).fee == nok("0")


def test_a_capture_put_into_another_currency_says_what_it_brought() -> None:
    breakdown = {
        "gross_amount": money("100.00", "EUR"),
        "paypal_fee": money("3.90", "EUR"),
        "net_amount": money("96.10", "EUR"),
        "receivable_amount": money("1084.20", "SEK"),
        "exchange_rate": {"source_currency": "EUR", "target_currency": "SEK", "value": "11.282"},
    }
    made = capture_of(amount=money("100.00", "EUR"), seller_receivable_breakdown=breakdown)
    assert made.converted == Converted(Money.of("1084.20", "SEK"), Decimal("11.282"))


# ---------------------------------------------------------------------------------------------- refunds


def test_the_running_total_of_refunds_is_not_the_refunds_amount() -> None:
    assert refund_of(paypal.refund()).amount == nok("250.00")


@pytest.mark.parametrize(
    "href",
    [
        "https://api.sandbox.paypal.com/v2/payments/captures/3C679366HH908993F",
        "https://api-m.paypal.com/v2/payments/captures/3C679366HH908993F",
    ],
)
def test_a_refund_is_tied_to_its_capture_by_the_link_up(href: str) -> None:
    assert refund_of(paypal.up(href)).payment_id == "3C679366HH908993F"


@pytest.mark.parametrize(
    "href",
    [
        "https://api-m.paypal.com.evil.test/v2/payments/captures/3C679366HH908993F",
        "https://evilpaypal.com/v2/payments/captures/3C679366HH908993F",
        "https://api-m.paypal.com/v2/checkout/orders/3C679366HH908993F",
        "https://api-m.paypal.com/v2/payments/captures/3C679366HH908993F/refund",
        "https://[broken",
        "",
    ],
)
def test_a_link_up_that_leads_elsewhere_ties_nothing(href: str) -> None:
    assert refund_of(paypal.up(href)).payment_id is None


def test_the_fee_given_back_with_a_refund_is_not_the_original_fee() -> None:
    breakdown = {
        "gross_amount": money("250.00"),
        "paypal_fee": money("7.25"),
        "net_amount": money("242.75"),
        "total_refunded_amount": money("250.00"),
    }
    made = refund_of(paypal.refund(seller_payable_breakdown=breakdown))
    assert (made.fee_returned, made.net) == (nok("7.25"), nok("242.75"))


def test_a_refund_paid_from_another_currency_says_what_it_took() -> None:
    breakdown = {
        "gross_amount": money("50.00", "EUR"),
        "paypal_fee": money("0.00", "EUR"),
        "net_amount": money("50.00", "EUR"),
        "net_amount_breakdown": [
            {
                "payable_amount": money("50.00", "EUR"),
                "converted_amount": money("564.00", "SEK"),
                "exchange_rate": {"source_currency": "EUR", "target_currency": "SEK", "value": "11.28"},
            }
        ],
    }
    made = refund_of(paypal.refund(amount=money("50.00", "EUR"), seller_payable_breakdown=breakdown))
    assert made.converted == Converted(Money.of("564.00", "SEK"), Decimal("11.28"))


@pytest.mark.parametrize(
    ("status", "state"),
    [("COMPLETED", "completed"), ("PENDING", "pending"), ("FAILED", "failed"), ("CANCELLED", "rejected")],
)
def test_statuses_of_a_refund(status: str, state: str) -> None:
    assert refund_of(paypal.refund(status=status)).state == state
