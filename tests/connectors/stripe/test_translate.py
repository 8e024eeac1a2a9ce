"""Each kind as a document, and every trap of the fact sheet that a payload may hold."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.connectors.stripe.translate import KINDS, translate
from ml_connector.errors import Untranslatable
from ml_connector.finance.documents import Capture, Dispute, Invoice, InvoicePayment, Movement, Payout, Refund
from ml_connector.finance.money import Money
from tests.connectors.stripe import payloads as stripe
from tests.connectors.stripe.payloads import T

AT = datetime.fromtimestamp(T, UTC)


def nok(amount: str) -> Money:
    return Money.of(amount, "NOK")


def captured(**changed: Any) -> Capture:
    made = translate("charge", stripe.charge(**changed))
    assert isinstance(made, Capture)
    return made


def refunded(**changed: Any) -> Refund:
    made = translate("refund", stripe.refund(**changed))
    assert isinstance(made, Refund)
    return made


def invoiced(**changed: Any) -> Invoice:
    made = translate("invoice", stripe.invoice(**changed))
    assert isinstance(made, Invoice)
    return made


def row(**changed: Any) -> InvoicePayment:
    made = translate("invoice_payment", stripe.invoice_payment(**changed))
    assert isinstance(made, InvoicePayment)
    return made


def disputed(**changed: Any) -> Dispute:
    made = translate("dispute", stripe.dispute(**changed))
    assert isinstance(made, Dispute)
    return made


def moved(**changed: Any) -> Movement:
    made = translate("balance_transaction", stripe.movement(**changed))
    assert isinstance(made, Movement)
    return made


def paid_out(**changed: Any) -> Payout:
    made = translate("payout", stripe.payout(**changed))
    assert isinstance(made, Payout)
    return made


def held(kind: str, payload: dict[str, Any]) -> str:
    with pytest.raises(Untranslatable) as caught:
        translate(kind, payload)
    return caught.value.field


# ---------------------------------------------------------------------------------------------- charges


def test_a_charge_is_a_payment_with_its_fee_intent_and_the_invoices_it_pays() -> None:
    made = captured()
    assert (made.id, made.state, made.total, made.fee) == ("ch_1T", "completed", nok("1250.00"), nok("19.30"))
    assert (made.intent_id, made.movement_id, made.means) == ("pi_1T", "txn_1T", "card")
    assert made.settles == (("inpay_1T", "in_1T"),)
    assert (made.occurred_at, made.customer_id, made.marks) == (AT, "cus_1T", {"visma": "10042"})


def test_a_fee_that_is_not_there_yet_is_none_and_never_zero() -> None:
    """With asynchronous capture the balance transaction is null at first."""
    assert captured(balance_transaction=None).fee is None
    early = captured(balance_transaction="txn_1T")
    assert (early.fee, early.movement_id) == (None, "txn_1T")


def test_a_charge_settled_in_another_currency_says_so_and_has_no_fee_in_its_own() -> None:
    bt = stripe.movement(currency="sek", amount=1234, fee=50, net=1184, exchange_rate=Decimal("1.234"))
    made = captured(currency="eur", amount=1000, amount_captured=1000, balance_transaction=bt)
    assert (made.total, made.fee) == (Money.of("10.00", "EUR"), None)
    assert made.converted is not None
    assert (made.converted.amount, made.converted.rate) == (Money.of("12.34", "SEK"), Decimal("1.234"))
    assert made.converted.fee == Money.of("0.50", "SEK")


def test_an_uncaptured_charge_is_no_money_and_a_part_capture_is_what_was_captured() -> None:
    assert captured(captured=False, amount_captured=0).state == "pending"
    assert captured(amount_captured=100000).total == nok("1000.00")


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("succeeded", "completed"),
        ("pending", "pending"),
        ("failed", "failed"),
        ("new word", "pending"),
        (None, "pending"),
    ],
)
def test_only_a_charge_that_succeeded_is_money_and_unknown_words_wait(status: str | None, state: str) -> None:
    assert captured(status=status).state == state


def test_a_failed_charge_says_why() -> None:
    made = captured(status="failed", captured=False, failure_code="card_declined", failure_message="Declined.")
    assert (made.state, made.failure, made.total) == ("failed", "Declined.", nok("1250.00"))


def test_a_charge_taken_back_after_it_was_credited_names_the_row_that_did() -> None:
    assert captured(failure_balance_transaction="txn_8").failed_movement_id == "txn_8"
    assert captured(failure_balance_transaction=stripe.movement(id="txn_8")).failed_movement_id == "txn_8"


def test_refunded_is_only_said_of_whole_refunds_so_the_amount_counts() -> None:
    assert captured(refunded=False, amount_refunded=2500).refunded == nok("25.00")


def test_a_charge_for_no_invoice_and_one_nobody_has_looked_up_are_two_things() -> None:
    assert captured(invoice_payments=[]).settles == ()
    assert captured(invoice_payments=None).settles is None


def test_one_payment_may_cover_several_invoices() -> None:
    both = [{"id": "inpay_1", "invoice": "in_1"}, {"id": "inpay_2", "invoice": {"id": "in_2", "object": "invoice"}}]
    assert captured(invoice_payments=both).settles == (("inpay_1", "in_1"), ("inpay_2", "in_2"))


def test_fields_that_went_away_in_basil_are_not_believed() -> None:
    """`charge.invoice`, `invoice.charge`, `invoice.paid`: an old payload may still hold them."""
    assert captured(invoice="in_9", invoice_payments=[]).settles == ()
    assert invoiced(paid=True, charge="ch_9", payment_intent="pi_9", paid_out_of_band=True).state == "open"


@pytest.mark.parametrize(
    ("method", "means"),
    [
        ("card", "card"),
        ("card_present", "card"),
        ("klarna", "bnpl"),
        ("vipps", "wallet"),
        ("sepa_debit", "bank"),
        (None, "card"),
    ],
)
def test_local_methods_are_told_by_their_kind(method: str | None, means: str) -> None:
    assert captured(id="py_1T", payment_method_details={"type": method}).means == means


@pytest.mark.parametrize(
    ("currency", "minor", "amount"),
    [("jpy", 500, "500 JPY"), ("isk", 500, "5 ISK"), ("ugx", 50000, "500 UGX"), ("huf", 1250, "12.50 HUF")],
)
def test_amounts_are_read_as_stripe_counts_each_currency(currency: str, minor: int, amount: str) -> None:
    value, code = amount.split()
    made = captured(currency=currency, amount=minor, amount_captured=minor, balance_transaction=None, amount_refunded=0)
    assert made.total == Money.of(value, code)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"currency": "xxq"}, "currency"),
        ({"currency": None}, "currency"),
        ({"amount_captured": "1250.00"}, "amount_captured"),
        ({"amount_captured": Decimal("1250.5")}, "amount_captured"),
        ({"amount_captured": True}, "amount_captured"),
        ({"amount_captured": -1}, "amount_captured"),
        ({"id": None}, "id"),
        ({"id": "x" * 300}, "id"),
        ({"created": None}, "created"),
        ({"created": T * 1000}, "created"),
        ({"object": "payment_intent"}, "object"),
        ({"balance_transaction": {"id": "txn", "currency": "nok"}}, "balance_transaction.fee"),
        ({"invoice_payments": [{"id": "inpay_1"}]}, "invoice_payments[0].invoice"),
        ({"currency": "isk", "amount_captured": 501}, "amount_captured"),
    ],
)
def test_a_charge_that_cannot_be_read_is_held_naming_the_field(changed: dict[str, Any], field: str) -> None:
    assert held("charge", stripe.charge(**changed)) == field


# ---------------------------------------------------------------------------------------------- refunds


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("pending", "pending"), ("requires_action", "pending"), ("succeeded", "completed"), ("failed", "failed"),
        ("canceled", "rejected"), ("new word", "pending"),
    ],
)  # fmt: skip
def test_a_refund_has_gone_when_it_succeeded_and_may_fail_weeks_later(status: str, state: str) -> None:
    assert refunded(status=status).state == state


def test_a_refund_names_its_charge_its_intent_and_the_row_that_brought_the_money_back() -> None:
    made = refunded(failure_balance_transaction="txn_7")
    assert (made.payment_id, made.intent_id, made.amount) == ("ch_1T", "pi_1T", nok("250.00"))
    assert (made.failed_movement_id, made.by_processor) == ("txn_7", True)


def test_a_refund_in_another_currency_says_what_left_the_account_without_a_sign() -> None:
    bt = stripe.movement(currency="sek", amount=-1234, fee=0, net=-1234, exchange_rate=Decimal("1.234"))
    made = refunded(currency="eur", amount=1000, balance_transaction=bt)
    assert made.converted is not None
    assert made.converted.amount == Money.of("12.34", "SEK")


# ---------------------------------------------------------------------------------------------- invoices and their rows


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({"status": "draft"}, "draft"), ({"status": "open"}, "open"),
        ({"status": "open", "amount_paid": 100, "amount_remaining": 124900}, "part_paid"),
        ({"status": "paid", "amount_paid": 125000, "amount_remaining": 0}, "paid"),
        ({"status": "void"}, "canceled"), ({"status": "uncollectible"}, "failed"),
    ],
)  # fmt: skip
def test_an_invoice_is_in_the_state_stripe_says(changed: dict[str, Any], state: str) -> None:
    assert invoiced(**changed).state == state


def test_an_invoice_of_an_unknown_state_is_held_because_a_guess_could_be_booked() -> None:
    assert held("invoice", stripe.invoice(status="settled")) == "status"


def test_an_invoice_says_what_is_open_due_and_whose_it_is() -> None:
    made = invoiced()
    assert (made.requested, made.due, made.completed) == (nok("1250.00"), nok("1250.00"), nok("0.00"))
    assert (made.due_on, made.issued_on) == (date(2026, 10, 5), date(2026, 9, 21))
    assert made.marks == {"visma_invoice_no": "10042"}


def test_credit_that_paid_is_ending_less_starting_and_never_total_less_due() -> None:
    """Credit notes lower `amount_due` too."""
    used = invoiced(starting_balance=-2500, ending_balance=0, amount_due=122500)
    assert used.balance_used == nok("25.00")
    credited = invoiced(amount_due=100000, amount_remaining=100000, pre_payment_credit_notes_amount=25000)
    assert (credited.balance_used, credited.credited) == (None, nok("250.00"))


def test_an_overpaid_invoice_says_how_much_became_credit() -> None:
    assert invoiced(status="paid", amount_paid=130000, amount_remaining=0, amount_overpaid=5000).overpaid == nok(
        "50.00"
    )


def test_a_row_of_an_intent_or_charge_is_money_and_a_record_is_what_somebody_told() -> None:
    assert (row().origin, row().intent_id, row().amount) == ("processor", "pi_1T", nok("1250.00"))
    direct = row(payment={"type": "charge", "charge": "ch_1T"})
    assert (direct.origin, direct.charge_id) == ("processor", "ch_1T")
    assert row(payment={"type": "payment_record", "payment_record": "pr_1"}).origin == "recorded"


def test_a_row_of_an_unknown_kind_is_held_because_it_may_be_no_money() -> None:
    assert held("invoice_payment", stripe.invoice_payment(payment={"type": "crypto"})) == "payment.type"
    assert held("invoice_payment", stripe.invoice_payment(payment=None)) == "payment.type"


def test_an_open_row_asks_and_a_paid_one_has_what_was_paid() -> None:
    asked = row(status="open", amount_paid=None, status_transitions={"paid_at": None, "canceled_at": None})
    assert (asked.state, asked.amount, asked.paid_at) == ("open", nok("1250.00"), None)
    assert row(amount_paid=2500).amount == nok("25.00")
    assert held("invoice_payment", stripe.invoice_payment(amount_paid=None)) == "amount_paid"


# ---------------------------------------------------------------------------------------------- disputes


@pytest.mark.parametrize(
    ("status", "state", "stage"),
    [
        ("warning_needs_response", "open", "inquiry"), ("warning_under_review", "open", "inquiry"),
        ("warning_closed", "open", "inquiry"), ("needs_response", "open", "chargeback"),
        ("under_review", "open", "chargeback"), ("appeal_needs_response", "open", "chargeback"),
        ("appeal_under_review", "open", "chargeback"), ("won", "won", "chargeback"), ("lost", "lost", "chargeback"),
        ("prevented", "open", "chargeback"), ("new word", "open", "chargeback"),
    ],
)  # fmt: skip
def test_a_dispute_is_lost_or_won_only_where_stripe_says_so_and_appeals_open_it_again(
    status: str, state: str, stage: str
) -> None:
    made = disputed(status=status)
    assert (made.state, made.stage, made.outcome) == (state, stage, status)


def test_the_money_of_a_dispute_is_in_its_balance_transactions_in_the_accounts_currency() -> None:
    taken = stripe.movement(id="txn_3", amount=-1128, fee=150, net=-1278, currency="sek", reporting_category="dispute")
    back = stripe.movement(
        id="txn_4", amount=1128, fee=0, net=1128, currency="sek", reporting_category="dispute_reversal"
    )
    made = disputed(currency="eur", amount=100, balance_transactions=[taken, back])
    assert made.amount == Money.of("1.00", "EUR")
    assert [(one.id, one.amount, one.fee) for one in made.movements] == [
        ("txn_3", Money.of("-11.28", "SEK"), Money.of("1.50", "SEK")),
        ("txn_4", Money.of("11.28", "SEK"), Money.of("0.00", "SEK")),
    ]


def test_an_inquiry_moves_no_money() -> None:
    assert disputed(status="warning_needs_response", balance_transactions=[]).movements == ()


@pytest.mark.parametrize("due", [0, None])
def test_a_due_by_of_zero_or_null_means_that_no_answer_is_possible(due: int | None) -> None:
    assert disputed(evidence_details={"due_by": due}).due_at is None


def test_a_dispute_movement_that_does_not_add_up_is_held() -> None:
    bad = stripe.dispute(balance_transactions=[stripe.movement(net=1)])
    assert held("dispute", bad) == "balance_transactions[0].net"


# ---------------------------------------------------------------------------------------------- movements and payouts


@pytest.mark.parametrize(
    ("category", "type_", "role"),
    [
        ("charge", "charge", "receipt"),
        ("charge", "payment", "receipt"),
        ("refund", "payment_refund", "refund"),
        ("charge_failure", "payment_failure_refund", "receipt"),
        ("refund_failure", "refund_failure", "refund"),
        ("dispute", "adjustment", "dispute"),
        ("dispute_reversal", "adjustment", "dispute"),
        ("fee", "stripe_fee", "fee"),
        ("network_cost", "network_cost", "fee"),
        ("tax", "tax_fee", "fee"),
        ("payout", "payout", "withdrawal"),
        ("payout_reversal", "payout_failure", "withdrawal_returned"),
        ("payout_reversal", "payout_cancel", "withdrawal_returned"),
        ("topup", "topup", "funding"),
        ("other_adjustment", "reserve_hold", "reserve"),
        ("transfer", "transfer", "other"),
        ("other_adjustment", "adjustment", "other"),
        ("new word", "new word", "other"),
    ],
)
def test_movements_are_told_by_their_category_and_unknown_ones_are_other(category: str, type_: str, role: str) -> None:
    assert moved(reporting_category=category, type=type_).role == role


def test_a_movement_has_amount_and_fee_signed_from_our_side_and_its_net_is_proven() -> None:
    made = moved()
    assert (made.amount, made.fee, made.net, made.reference_id) == (
        nok("1250.00"),
        nok("-19.30"),
        nok("1230.70"),
        "ch_1T",
    )
    assert held("balance_transaction", stripe.movement(net=123071)) == "net"


def test_what_is_pending_stands_in_the_balance_and_an_unknown_word_is_unknown() -> None:
    assert [moved(status=word).state for word in ("pending", "available", "new")] == [
        "completed",
        "completed",
        "unknown",
    ]


def test_the_lines_of_a_payout_sum_to_it_and_its_own_line_is_none_of_them() -> None:
    made = paid_out()
    assert (made.itemized, len(made.entries)) == (True, 2)
    assert sum(entry.net.minor for entry in made.entries) == made.amount.minor == 98070
    assert {entry.fee for entry in made.entries} == {nok("19.30"), nok("0.00")}


def test_another_payouts_reversal_in_a_payout_is_one_of_its_lines() -> None:
    lines = [
        stripe.movement(id="txn_5", amount=500, fee=0, net=500, reporting_category="payout_reversal", source="po_0"),
        stripe.movement(id="txn_9", amount=-500, fee=0, net=-500, reporting_category="payout", source="po_1T"),
    ]
    assert [entry.id for entry in paid_out(amount=500, balance_transactions=lines).entries] == ["txn_5"]


def test_a_payout_without_its_lines_is_not_itemized() -> None:
    """Manual ones have none, automatic ones not before their reconciliation is completed."""
    assert not paid_out(balance_transactions=None, reconciliation_status="in_progress").itemized
    assert paid_out(balance_transactions=[]).itemized


@pytest.mark.parametrize(
    ("status", "state"),
    [("pending", "sent"), ("in_transit", "sent"), ("paid", "paid"), ("failed", "failed"), ("canceled", "failed")],
)
def test_a_payout_is_where_stripe_says_and_may_fail_after_it_was_paid(status: str, state: str) -> None:
    assert paid_out(status=status).state == state


def test_a_payout_of_an_unknown_state_is_held() -> None:
    assert held("payout", stripe.payout(status="lost in transit")) == "status"


def test_a_payout_below_zero_takes_money_from_the_bank() -> None:
    assert paid_out(amount=-5000, balance_transactions=None).amount == nok("-50.00")


def test_an_unknown_kind_is_refused() -> None:
    assert held("customer", {"id": "cus_1"}) == "(kind)"
    assert set(KINDS) == set(stripe.ALL)
