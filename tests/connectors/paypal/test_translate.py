"""Real shapes in, documents out, written so that a person can check them; and each trap of the vendor by its name."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.connectors.paypal.codes import role_of
from ml_connector.connectors.paypal.fields import EXPONENTS, money_of
from ml_connector.connectors.paypal.movements import key_of
from ml_connector.connectors.paypal.translate import translate
from ml_connector.errors import Untranslatable
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


def nok(value: str) -> Money:
    return Money.of(value, "NOK")


def usd(value: str) -> Money:
    return Money.of(value, "USD")


def capture_of(**changed: Any) -> Capture:
    made = translate("capture", paypal.capture(**changed))
    assert isinstance(made, Capture)
    return made


def refund_of(payload: dict[str, Any]) -> Refund:
    made = translate("refund", payload)
    assert isinstance(made, Refund)
    return made


def invoice_of(payload: dict[str, Any]) -> Invoice:
    made = translate("invoice", payload)
    assert isinstance(made, Invoice)
    return made


def movement_of(payload: dict[str, Any]) -> Movement:
    made = translate("transaction", payload)
    assert isinstance(made, Movement)
    return made


def dispute_of(**changed: Any) -> Dispute:
    made = translate("dispute", paypal.dispute(**changed))
    assert isinstance(made, Dispute)
    return made


def refused(kind: str, payload: Any) -> str:
    with pytest.raises(Untranslatable) as caught:
        translate(kind, payload)
    return caught.value.field


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


# ---------------------------------------------------------------------------------------------- invoices


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


# ---------------------------------------------------------------------------------------------- report rows


def test_dates_with_a_plain_offset_are_converted_not_stripped() -> None:
    made = movement_of(paypal.row(at="2026-11-20T02:15:28-0800"))
    assert made.occurred_at == datetime(2026, 11, 20, 10, 15, 28, tzinfo=UTC)


def test_a_time_without_a_zone_is_refused_because_it_may_be_the_accounts() -> None:
    assert (
        refused("transaction", paypal.row(at="2026-11-20T10:15:28")) == "transaction_info.transaction_initiation_date"
    )


def test_a_reference_may_hold_a_hyphen_and_empty_blocks_are_no_error() -> None:
    payload = paypal.row(paypal_reference_id="B-2C8X123", paypal_reference_id_type="PAP")
    payload |= {"payer_info": {}, "cart_info": {}, "shipping_info": {}, "auction_info": {}}
    made = movement_of(payload)
    assert (made.reference_id, made.reference_type) == ("B-2C8X123", "agreement")
    assert (made.party, made.invoice_id) == (None, None)


def test_one_transaction_id_may_stand_in_several_rows_with_keys_of_their_own() -> None:
    rows = [
        paypal.row("TX1", "T0200", "-96.10", "EUR", fee=None),
        paypal.row("TX1", "T0200", "1084.20", "SEK", fee=None),
        paypal.row("TX1", "T1105", "-96.10", "EUR", fee=None),
    ]
    assert [movement_of(row).id for row in rows] == ["TX1:T0200:EUR-", "TX1:T0200:SEK+", "TX1:T1105:EUR-"]
    assert [key_of(row) for row in rows] == [movement_of(row).id for row in rows]


def test_a_row_without_a_fee_has_none_and_a_returned_fee_is_above_zero() -> None:
    assert movement_of(paypal.row(fee=None)).fee is None
    assert movement_of(paypal.row(code="T1107", value="-250.00", fee="7.25")).net == nok("-242.75")


@pytest.mark.parametrize(
    ("status", "state"), [("S", "completed"), ("P", "pending"), ("D", "denied"), ("V", "reversed"), ("F", "unknown")]
)
def test_statuses_of_a_row_and_an_undocumented_one_is_unknown(status: str, state: str) -> None:
    assert movement_of(paypal.row(transaction_status=status)).state == state


@pytest.mark.parametrize(
    ("code", "value", "role"),
    [
        ("T0006", "10.00", "receipt"),
        ("T0000", "-10.00", "sent"),
        ("T0106", "-10.00", "fee"),
        ("T0113", "-10.00", "fee"),
        ("T0200", "10.00", "conversion"),
        ("T0300", "10.00", "funding"),
        ("T0403", "-10.00", "withdrawal"),
        ("T0500", "-10.00", "card"),
        ("T0700", "10.00", "funding"),
        ("T0800", "10.00", "bonus"),
        ("T1100", "-10.00", "mirror"),
        ("T1101", "10.00", "withdrawal_returned"),
        ("T1105", "10.00", "reserve"),
        ("T1106", "-10.00", "dispute"),
        ("T1107", "-10.00", "refund"),
        ("T1107", "10.00", "other"),
        ("T1108", "1.00", "fee_returned"),
        ("T1110", "-10.00", "reserve"),
        ("T1113", "10.00", "other"),
        ("T1200", "10.00", "other"),
        ("T1201", "-10.00", "dispute"),
        ("T1202", "10.00", "dispute"),
        ("T1300", "-10.00", "none"),
        ("T1503", "-10.00", "reserve"),
        ("T1900", "10.00", "other"),
        ("T2001", "10.00", "transfer"),
        ("T2101", "-10.00", "reserve"),
        ("T9800", "10.00", "none"),
        ("T9900", "10.00", "other"),
        ("T7777", "10.00", "other"),
        ("X", "10.00", "other"),
    ],
)
def test_event_codes_say_what_a_row_is_and_unknown_ones_are_other(code: str, value: str, role: str) -> None:
    assert movement_of(paypal.row(code=code, value=value, fee=None)).role == role
    assert role_of(code, minor=nok(value).minor) == role


def test_a_row_that_cannot_be_named_gets_a_name_from_its_hash_and_is_held() -> None:
    payload = paypal.row()
    del payload["transaction_info"]["transaction_id"]
    assert key_of(payload).startswith("?")
    assert key_of(payload) == key_of(dict(payload))
    assert refused("transaction", payload) == "transaction_info.transaction_id"


def test_a_fee_in_another_currency_than_its_row_is_held() -> None:
    payload = paypal.row(fee_amount=money("-3.90", "EUR"))
    assert refused("transaction", payload) == "transaction_info.fee_amount.currency_code"


# ---------------------------------------------------------------------------------------------- disputes


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        ("RESOLVED_SELLER_FAVOUR", "won"),
        ("CANCELED_BY_BUYER", "won"),
        ("DENIED", "won"),
        ("ACCEPTED", "lost"),
        ("RESOLVED_WITH_PAYOUT", "lost"),  # more was taken from the seller than given back
    ],
)
def test_outcomes_of_a_dispute(outcome: str, state: str) -> None:
    assert dispute_of(outcome=outcome).state == state


def test_paypals_own_payout_leaves_a_seller_who_lost_nothing_the_winner() -> None:
    both = [
        paypal.movement("DEBIT", "100.00", "DISPUTE_SETTLEMENT"),
        paypal.movement("CREDIT", "100.00", "DISPUTE_SETTLEMENT"),
    ]
    assert dispute_of(outcome="RESOLVED_WITH_PAYOUT", money_movements=both).state == "won"


@pytest.mark.parametrize("status", ["OPEN", "WAITING_FOR_SELLER_RESPONSE", "UNDER_REVIEW", "SOMETHING_NEW"])
def test_a_dispute_that_is_not_resolved_is_open(status: str) -> None:
    payload = paypal.dispute(status=status)
    del payload["dispute_outcome"]
    made = translate("dispute", payload)
    assert isinstance(made, Dispute)
    assert made.state == "open"


def test_a_resolved_dispute_of_an_unknown_outcome_is_held() -> None:
    assert refused("dispute", paypal.dispute(outcome="SPLIT")) == "dispute_outcome.outcome_code"


def test_a_kind_that_is_not_ours_is_refused() -> None:
    assert refused("order", {"id": "5O190127TN364715T"}) == "(kind)"
