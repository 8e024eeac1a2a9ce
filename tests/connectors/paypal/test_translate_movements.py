"""Rows of PayPal's report, and disputes, as documents; each trap of theirs by its name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ml_connector.connectors.paypal.codes import role_of
from ml_connector.connectors.paypal.movements import key_of
from ml_connector.connectors.paypal.translate import translate
from ml_connector.finance.documents import (
    Dispute,
)
from tests.connectors.paypal import payloads as paypal
from tests.connectors.paypal.payloads import money
from tests.connectors.paypal.translated import (
    dispute_of,
    movement_of,
    nok,
    refused,
)

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
