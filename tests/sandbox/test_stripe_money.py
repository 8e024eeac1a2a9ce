"""Money of the pretend Stripe: payments of invoices, fees that come late, refunds, disputes, payouts, the ledger."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.stripe_account import Account


@pytest.fixture
def account() -> Account:
    return Account()


def ledger(account: Account, **params: Any) -> list[Any]:
    return list(account.get("balance_transactions", {"limit": 100} | params)["data"])


def since(account: Account, before: int) -> list[str]:
    return account.types()[before:]


def test_a_paid_invoice_has_a_row_a_charge_and_later_a_fee(account: Account) -> None:
    made = account.invoice()
    before = len(account.types())
    paid = account.do("pay", invoice_id=made["id"], fee=2000)
    assert account.get(f"charges/{paid['charge_id']}")["balance_transaction"] is None
    assert since(account, before) == [
        "charge.succeeded", "payment_intent.succeeded", "invoice_payment.paid", "invoice.updated", "invoice.paid",
        "invoice.payment_succeeded",
    ]  # fmt: skip
    account.wait(seconds=1)
    charge = account.get(f"charges/{paid['charge_id']}", {"expand": ["balance_transaction"]})
    line = charge["balance_transaction"]
    assert (line["amount"], line["fee"], line["net"]) == (125000, 2000, 123000)
    assert (line["reporting_category"], line["status"]) == ("charge", "pending")
    told = account.do("events", type="charge.updated")["events"]
    assert told[-1]["data"]["previous_attributes"] == {"balance_transaction": None}
    account.wait(days=2)
    assert account.get(f"balance_transactions/{line['id']}")["status"] == "available"


def test_the_fee_may_be_there_at_once(account: Account) -> None:
    paid = account.paid(delay_s=0)
    assert paid["charge"]["balance_transaction"].startswith("txn_")
    assert "charge.updated" not in account.types()


def test_parts_are_rows_of_their_own_and_the_invoice_stays_open_until_nothing_remains(account: Account) -> None:
    made = account.invoice()
    path = f"invoices/{made['id']}"
    account.do("pay", invoice_id=made["id"], amount=25000)
    got = account.get(path)
    assert (got["status"], got["amount_paid"], got["amount_remaining"]) == ("open", 25000, 100000)
    assert "invoice.paid" not in account.types()
    account.do("pay", invoice_id=made["id"])
    assert account.get(path)["status"] == "paid"
    rows = account.get("invoice_payments", {"invoice": made["id"], "status": "paid"})["data"]
    assert sorted(row["amount_paid"] for row in rows) == [25000, 100000]
    assert account.types().count("invoice_payment.paid") == 2
    assert account.types().count("invoice.paid") == 1


@pytest.mark.parametrize(("counts", "shown"), [(True, 130000), (False, 125000)])
def test_too_much_becomes_the_customers_credit(account: Account, counts: bool, shown: int) -> None:
    account.do("knobs", overpaid_counts=counts)
    made = account.invoice()
    account.do("pay", invoice_id=made["id"], amount=130000)
    got = account.get(f"invoices/{made['id']}")
    assert (got["status"], got["amount_paid"], got["amount_overpaid"], got["amount_remaining"]) == (
        "paid", shown, 5000, 0,
    )  # fmt: skip
    assert account.get(f"customers/{made['customer']}")["balance"] == -5000
    moved = account.get(f"customers/{made['customer']}/balance_transactions")["data"][0]
    assert (moved["type"], moved["amount"]) == ("invoice_overpaid", -5000)
    assert "invoice.overpaid" in account.types()


def test_a_declined_attempt_leaves_the_row_open_and_makes_no_money(account: Account) -> None:
    made = account.invoice()
    before = len(account.types())
    failed = account.do("fail", invoice_id=made["id"])
    assert (failed["status"], failed["charge"]["failure_code"]) == ("failed", "card_declined")
    assert since(account, before) == [
        "charge.failed", "payment_intent.payment_failed", "invoice.updated", "invoice.payment_failed",
    ]  # fmt: skip
    asked = {"payment": {"type": "payment_intent", "payment_intent": failed["payment_intent_id"]}}
    (row,) = account.get("invoice_payments", asked)["data"]
    assert (row["status"], row["invoice"]) == ("open", made["id"])
    assert account.get(f"invoices/{made['id']}")["attempt_count"] == 1
    account.do("pay", invoice_id=made["id"])
    account.wait(seconds=2)
    assert len(ledger(account)) == 1


def test_a_slow_payment_is_pending_and_then_succeeds_or_fails(account: Account) -> None:
    good, bad = account.paid(slow=True, method="sepa_debit"), account.paid(slow=True, method="sepa_debit")
    assert good["charge_id"].startswith("py_")
    assert good["status"] == "pending"
    assert account.get(f"payment_intents/{good['payment_intent_id']}")["status"] == "processing"
    assert account.get(f"invoices/{good['invoice']['id']}")["status"] == "open"
    account.do("settle", charge_id=good["charge_id"])
    account.do("settle", charge_id=bad["charge_id"], outcome="failed")
    assert account.get(f"invoices/{good['invoice']['id']}")["status"] == "paid"
    assert account.get(f"invoices/{bad['invoice']['id']}")["status"] == "open"
    account.wait(seconds=2)
    assert [line["type"] for line in ledger(account)] == ["payment"]


@pytest.mark.parametrize(("reopen", "status", "row"), [(False, "paid", "paid"), (True, "open", "canceled")])
def test_a_credited_slow_payment_can_be_taken_back(
    account: Account, reopen: bool, status: str, row: str
) -> None:  # fmt: skip
    paid = account.paid(method="sepa_debit", delay_s=0)
    back = account.do("fail_late", charge_id=paid["charge_id"], reopen=reopen)
    line = account.get(f"balance_transactions/{back['balance_transaction_id']}")
    assert (line["type"], line["reporting_category"]) == ("payment_failure_refund", "charge_failure")
    assert line["amount"] == -125000
    charge = account.get(f"charges/{paid['charge_id']}")
    assert (charge["status"], charge["failure_balance_transaction"]) == ("failed", line["id"])
    assert account.get(f"invoices/{paid['invoice']['id']}")["status"] == status
    assert account.get(f"invoice_payments/{paid['invoice_payment_ids'][0]}")["status"] == row


def test_a_charge_without_invoice_has_no_row(account: Account) -> None:
    made = account.do("charge", amount=5000, metadata={"order": "1001"})
    asked = {"payment": {"type": "payment_intent", "payment_intent": made["payment_intent_id"]}}
    assert account.get("invoice_payments", asked)["data"] == []
    assert made["charge"]["metadata"] == {"order": "1001"}
    account.refused("GET", "invoice_payments", {"payment": {"payment_intent": made["payment_intent_id"]}})


def test_another_currency_is_converted_on_the_way_into_the_balance(account: Account) -> None:
    account.do("charge", amount=1000, currency="eur", rate="11.77", fee=50, delay_s=0)
    (line,) = ledger(account)
    assert (line["currency"], line["amount"], line["fee"], line["net"]) == ("nok", 11770, 50, 11720)
    assert line["exchange_rate"] == pytest.approx(11.77)
    other = account.do("seed_account", currency="nok", settles=["eur"])
    account.do("charge", account_id=other["account_id"], amount=1000, currency="eur", delay_s=0)
    (line,) = account.get("balance_transactions", key=other["secret_key"])["data"]
    assert (line["currency"], line["exchange_rate"]) == ("eur", None)


def test_zero_decimals_are_not_multiplied_on_conversion(account: Account) -> None:
    account.do("charge", amount=1000, currency="jpy", fee=0, delay_s=0)
    (line,) = ledger(account)
    assert line["amount"] == 7059  # 1000 JPY at 0.070588 is 70.59 NOK


def test_refunds_count_on_the_charge_and_cost_no_fee(account: Account) -> None:
    paid = account.paid(delay_s=0)
    before = len(account.types())
    back = account.post("refunds", {"payment_intent": paid["payment_intent_id"], "amount": 25000})
    assert since(account, before) == ["refund.created", "charge.refunded"]
    line = account.get(f"balance_transactions/{back['balance_transaction']}")
    assert (line["amount"], line["fee"], line["reporting_category"]) == (-25000, 0, "refund")
    charge = account.get(f"charges/{paid['charge_id']}")
    assert (charge["amount_refunded"], charge["refunded"]) == (25000, False)
    assert "refunds" not in charge
    opened = account.get(f"charges/{paid['charge_id']}", {"expand": ["refunds"]})
    assert opened["refunds"]["data"][0]["id"] == back["id"]
    account.post("refunds", {"charge": paid["charge_id"]})
    assert account.get(f"charges/{paid['charge_id']}")["refunded"] is True
    _, error = account.refused("POST", "refunds", {"charge": paid["charge_id"]})
    assert error["code"] == "charge_already_refunded"


@pytest.mark.parametrize("given", [{"amount": 125001}, {"amount": 0}, {"payment_intent": "pi_none"}])
def test_refunds_that_stripe_refuses(account: Account, given: dict[str, Any]) -> None:
    paid = account.paid()
    given = given if "payment_intent" in given else given | {"charge": paid["charge_id"]}
    assert account.refused("POST", "refunds", given)[0] == 400
    assert account.get("refunds")["data"] == []


def test_a_refund_that_fails_brings_its_money_back(account: Account) -> None:
    paid = account.paid(delay_s=0)
    made = account.do("refund", charge_id=paid["charge_id"], amount=1000)["refund_id"]
    failed = account.do("settle_refund", refund_id=made, outcome="failed")["refund"]
    line = account.get(f"balance_transactions/{failed['failure_balance_transaction']}")
    assert (line["amount"], line["reporting_category"]) == (1000, "refund_failure")
    assert account.get(f"charges/{paid['charge_id']}")["amount_refunded"] == 0
    assert account.types()[-3:] == ["refund.updated", "refund.failed", "charge.updated"]


def test_a_pending_refund_without_funds_moves_no_money_until_it_succeeds(account: Account) -> None:
    paid = account.paid(delay_s=0)
    made = account.do("refund", charge_id=paid["charge_id"], amount=1000, pending="insufficient_funds")
    assert (made["status"], made["refund"]["balance_transaction"]) == ("pending", None)
    assert len(ledger(account)) == 1
    done = account.do("settle_refund", refund_id=made["refund_id"], outcome="succeeded")["refund"]
    assert (done["status"], len(ledger(account))) == ("succeeded", 2)
    other = account.do("refund", charge_id=paid["charge_id"], amount=1000, pending="insufficient_funds")
    assert account.post(f"refunds/{other['refund_id']}/cancel")["status"] == "canceled"
    assert len(ledger(account)) == 2


def test_a_dispute_takes_the_money_with_a_fee_and_a_won_one_gives_it_back_without(account: Account) -> None:
    paid = account.paid(delay_s=0)
    case = account.do("dispute", charge_id=paid["charge_id"], fee=15000)
    (line,) = case["dispute"]["balance_transactions"]
    assert (line["amount"], line["fee"], line["net"]) == (-125000, 15000, -140000)
    assert (line["type"], line["reporting_category"], line["source"]) == ("adjustment", "dispute", case["dispute_id"])
    assert case["status"] == "needs_response"
    assert account.get(f"charges/{paid['charge_id']}")["disputed"] is True
    won = account.do("dispute", dispute_id=case["dispute_id"], outcome="won")["dispute"]
    assert [x["net"] for x in won["balance_transactions"]] == [-140000, 125000]
    assert account.types()[-2:] == ["charge.dispute.funds_reinstated", "charge.dispute.closed"]
    assert won["evidence_details"]["due_by"] is None
    _, error = account.refused("POST", "refunds", {"charge": paid["charge_id"]})
    assert error["code"] == "charge_disputed"


def test_a_warning_moves_no_money_and_a_lost_case_may_end_won_on_appeal(account: Account) -> None:
    paid = account.paid(delay_s=0)
    warned = account.do("dispute", charge_id=paid["charge_id"], warning=True)
    assert (warned["status"], warned["dispute"]["balance_transactions"]) == ("warning_needs_response", [])
    account.do("dispute", dispute_id=warned["dispute_id"], outcome="warning_closed")
    other = account.paid(delay_s=0)
    case = account.do("dispute", charge_id=other["charge_id"])["dispute_id"]
    for status in ("lost", "appeal_needs_response", "appeal_under_review"):
        account.do("dispute", dispute_id=case, status=status)
    won = account.do("dispute", dispute_id=case, outcome="won")["dispute"]
    assert [x["reporting_category"] for x in won["balance_transactions"]] == ["dispute", "dispute_reversal"]


def test_a_partial_end_gives_back_what_it_says(account: Account) -> None:
    paid = account.paid(delay_s=0)
    case = account.do("dispute", charge_id=paid["charge_id"])["dispute_id"]
    ended = account.do("dispute", dispute_id=case, outcome="partial", amount=50000, fee_back=15000)["dispute"]
    assert (ended["balance_transactions"][1]["amount"], ended["balance_transactions"][1]["fee"]) == (50000, -15000)
    with pytest.raises(ValueError, match="amount"):
        account.do("dispute", dispute_id=case, outcome="partial")


def test_evidence_sends_a_dispute_under_review_and_closing_gives_in(account: Account) -> None:
    paid = account.paid(delay_s=0)
    case = account.do("dispute", charge_id=paid["charge_id"])["dispute_id"]
    sent = account.post(f"disputes/{case}", {"evidence": {"customer_name": "Kari"}, "submit": True})
    assert (sent["status"], sent["evidence_details"]["submission_count"]) == ("under_review", 1)
    assert account.get("disputes", {"charge": paid["charge_id"]})["data"][0]["id"] == case
    assert account.post(f"disputes/{case}/close")["status"] == "lost"
    assert account.refused("POST", f"disputes/{case}/close")[0] == 400
    assert account.refused("GET", "disputes", {"status": "lost"})[1]["code"] == "parameter_unknown"


def test_a_payout_holds_what_was_available_and_is_reconciled_later(account: Account) -> None:
    for _ in range(2):
        account.paid(delay_s=0)
    assert account.do("payout")["payout_id"] is None  # nothing is available yet
    account.wait(days=2)
    account.paid(delay_s=0)  # too young
    made = account.do("payout")
    path = {"payout": made["payout_id"]}
    status, error = account.refused("GET", "balance_transactions", path)
    assert (status, error["code"]) == (400, "payout_reconciliation_not_ready")
    account.wait(minutes=11)
    rows = ledger(account, **path)
    assert len(rows) == 3
    assert sum(row["net"] for row in rows if row["type"] != "payout") == made["amount"]
    own = next(row for row in rows if row["type"] == "payout")
    assert (own["amount"], own["id"]) == (-made["amount"], made["payout"]["balance_transaction"])
    assert account.get(f"payouts/{made['payout_id']}")["status"] == "pending"
    account.wait(days=1)
    got = account.get(f"payouts/{made['payout_id']}")
    assert (got["status"], got["reconciliation_status"], got["trace_id"]["status"]) == ("paid", "completed", "pending")
    account.wait(days=10)
    assert account.get(f"payouts/{made['payout_id']}")["trace_id"]["value"]


def test_a_paid_payout_may_fail_and_its_money_goes_into_the_next_one(account: Account) -> None:
    account.paid(delay_s=0)
    account.wait(days=2)
    made = account.do("payout")
    account.do("payout", payout_id=made["payout_id"], outcome="paid")
    failed = account.do("payout", payout_id=made["payout_id"], outcome="failed")["payout"]
    line = account.get(f"balance_transactions/{failed['failure_balance_transaction']}")
    assert (line["type"], line["reporting_category"], line["amount"]) == (
        "payout_failure", "payout_reversal", made["amount"],
    )  # fmt: skip
    again = account.do("payout")
    assert again["amount"] == made["amount"]
    account.wait(hours=1)
    assert [r["type"] for r in ledger(account, payout=again["payout_id"])] == ["payout", "payout_failure"]


def test_a_canceled_payout_and_one_below_zero(account: Account) -> None:
    paid = account.paid(delay_s=0)
    account.wait(days=2)
    made = account.do("payout")
    assert account.post(f"payouts/{made['payout_id']}/cancel")["status"] == "canceled"
    assert account.refused("POST", f"payouts/{made['payout_id']}/cancel")[0] == 400
    account.do("payout")
    account.do("dispute", charge_id=paid["charge_id"])
    account.wait(days=2)
    assert account.do("payout")["amount"] == -125000 - 15000


def test_a_manual_payout_is_never_reconciled(account: Account) -> None:
    account.paid(delay_s=0)
    assert account.refused("POST", "payouts", {"amount": 1000, "currency": "nok"})[1]["code"] == "balance_insufficient"
    account.wait(days=2)
    made = account.post("payouts", {"amount": 1000, "currency": "nok", "metadata": {"a": "1"}})
    assert (made["automatic"], made["reconciliation_status"]) == (False, "not_applicable")
    account.wait(days=2)
    assert account.refused("GET", "balance_transactions", {"payout": made["id"]})[0] == 400
    assert account.refused("POST", "payouts", {"amount": 1050, "currency": "huf"})[0] == 400
    rest = account.do("payout")
    assert rest["amount"] == 125000 - 1930 - 1000


def test_payouts_are_listed_by_state_and_arrival(account: Account) -> None:
    account.paid(delay_s=0)
    account.wait(days=2)
    made = account.do("payout")
    arrival = made["payout"]["arrival_date"]
    assert account.get("payouts", {"status": "paid"})["data"] == []
    assert len(account.get("payouts", {"arrival_date": {"gte": arrival}})["data"]) == 1
    assert account.get("payouts", {"arrival_date": {"gt": arrival}})["data"] == []
    assert account.refused("GET", "payouts", {"status": "in_transit"})[0] == 400


def test_the_balance_is_the_sum_of_the_ledger_by_availability(account: Account) -> None:
    account.paid(delay_s=0)
    account.wait(days=2)
    account.paid(delay_s=0)
    got = account.get("balance")
    assert (got["available"][0]["amount"], got["pending"][0]["amount"]) == (123070, 123070)
    total = account.do("truth")["totals"]["nok"]["net"]
    assert total == 2 * 123070 == sum(line["net"] for line in ledger(account))


def test_a_line_of_any_category_can_be_put_into_the_ledger(account: Account) -> None:
    account.do("adjust", amount=-300, category="network_cost", type="network_cost")
    account.do("adjust", amount=7, category="something_new", type="something_new")
    assert [row["reporting_category"] for row in ledger(account)] == ["something_new", "network_cost"]


def test_a_played_day_gives_exactly_what_its_script_promised(account: Account) -> None:
    told = account.do("play_day", date="2026-11-19", seed=5, payments=30)
    truth = account.do("truth")
    assert truth["categories"] == told["expected"]
    assert truth["totals"]["nok"]["net"] == 0  # all of it went into the payout
    assert set(told["expected"]["nok"]) == {
        "charge", "refund", "refund_failure", "dispute", "dispute_reversal", "charge_failure", "fee", "payout",
    }  # fmt: skip
    (payout,) = account.get("payouts")["data"]
    assert payout["created"] == told["last_at"]


def test_a_day_to_come_unfolds_as_time_is_told(account: Account) -> None:
    told = account.do("play_day", date="2026-11-21")
    assert account.do("truth")["categories"] == {}
    account.wait(hours=22)
    part = account.do("truth")["totals"]["nok"]["count"]
    account.wait(days=1)
    truth = account.do("truth")
    assert 0 < part < truth["totals"]["nok"]["count"]
    assert truth["categories"] == told["expected"]


def test_bulk_payments_are_like_any_other(account: Account) -> None:
    told = account.do("bulk", n=60)
    account.wait(seconds=5)
    truth = account.do("truth")
    assert (truth["totals"]["nok"]["amount"], truth["totals"]["nok"]["fee"]) == (told["gross"], told["fees"])
    assert truth["statuses"]["invoice"] == {"paid": 60}


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("pay", {"invoice_id": "in_none"}),
        ("charge", {"amount": "12.00"}),
        ("charge", {"amount": 12.0}),
        ("charge", {}),
        ("knobs", {"colour": 1}),
        ("knobs", {"signature": "odd"}),
        ("key", {"grants": {"invoices": "write"}}),
        ("payout", {"payout_id": "po_none", "outcome": "paid"}),
        ("fail_next", {"status": 200}),
        ("dance", {}),
        ("charge", {"amount": 100, "at": "2099-01-01T00:00:00Z"}),
    ],
)
def test_verbs_say_what_is_wrong_with_them(account: Account, verb: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        account.do(verb, **arguments)
