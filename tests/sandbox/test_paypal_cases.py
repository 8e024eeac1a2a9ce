"""Disputes and payouts of the pretend PayPal."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.paypal_account import Account, money

DISPUTES = "/v1/customer/disputes"


@pytest.fixture
def account() -> Account:
    account = Account()
    account.do("knobs", duplicate_share=0)
    return account


def codes(account: Account) -> list[tuple[str, str]]:
    rows = account.do("truth", detail=True)["rows"]
    return [(row["code"], row["amount"]) for row in rows]


def test_a_buyers_case_holds_the_money_and_a_won_one_sets_it_free(account: Account) -> None:
    account.subscribe("CUSTOMER.DISPUTE.CREATED", "CUSTOMER.DISPUTE.UPDATED", "CUSTOMER.DISPUTE.RESOLVED")
    taken = account.do("capture", gross="100.00", fee="0.00")["capture_id"]
    case = account.do("dispute", capture_id=taken, amount="60.00")["dispute_id"]
    assert account.do("truth")["balances"]["SEK"]["withheld"] == "60.00"
    account.do("dispute", dispute_id=case, status="UNDER_REVIEW", stage="CHARGEBACK")
    account.do("dispute", dispute_id=case, outcome="won")
    assert codes(account)[1:] == [("T1110", "-60.00"), ("T1111", "60.00")]
    shown = account.get(f"{DISPUTES}/{case}")
    assert shown["dispute_outcome"] == {"outcome_code": "RESOLVED_SELLER_FAVOUR", "amount_refunded": money("0.00")}
    assert shown["disputed_transactions"][0]["seller_transaction_id"] == taken
    assert [e["event_type"].rsplit(".", 1)[1] for e in account.events()] == ["CREATED", "UPDATED", "RESOLVED"]


def test_a_lost_case_takes_the_money_and_marks_the_sale_reversed(account: Account) -> None:
    account.subscribe("PAYMENT.CAPTURE.REVERSED")
    taken = account.do("capture", gross="100.00", fee="0.00")["capture_id"]
    case = account.do("dispute", capture_id=taken)["dispute_id"]
    account.do("dispute", dispute_id=case, outcome="lost")
    assert codes(account)[1:] == [("T1110", "-100.00"), ("T1111", "100.00"), ("T1106", "-100.00")]
    assert account.do("truth")["balances"]["SEK"]["total"] == "0.00"
    account.wait(hours=4)
    sale = next(r for r in account.rows() if r["transaction_event_code"] == "T0006")
    assert sale["transaction_status"] == "V"
    assert [e["resource"]["id"] for e in account.events()] == [taken]
    (movement,) = account.get(f"{DISPUTES}/{case}")["money_movements"]
    assert (movement["affected_party"], movement["type"], movement["amount"]) == ("SELLER", "DEBIT", money("100.00"))
    with pytest.raises(ValueError, match="resolved already"):
        account.do("dispute", dispute_id=case, outcome="won")


@pytest.mark.parametrize(("outcome", "code"), [("won", "T1202"), ("RESOLVED_WITH_PAYOUT", "T1205"), ("lost", "")])
def test_a_chargeback_takes_money_and_fee_at_once(account: Account, outcome: str, code: str) -> None:
    taken = account.do("capture", gross="100.00", fee="0.00")["capture_id"]
    opened = account.do("dispute", capture_id=taken, channel="EXTERNAL", amount="80.00", fee="15.00")
    assert codes(account)[1:] == [("T1201", "-80.00"), ("T0106", "-15.00")]
    account.do("dispute", dispute_id=opened["dispute_id"], outcome=outcome)
    assert codes(account)[3:] == ([(code, "80.00")] if code else [])


def test_lists_are_summaries_paged_by_link_within_180_days(account: Account) -> None:
    assert "items" not in account.get(DISPUTES)
    keys = []
    for _ in range(3):
        taken = account.do("capture", gross="10.00")["capture_id"]
        keys.append(account.do("dispute", capture_id=taken)["dispute_id"])
        account.wait(hours=1)
    page = account.get(DISPUTES, page_size=2)
    assert [row["dispute_id"] for row in page["items"]] == keys[:0:-1]
    assert not {"disputed_transactions", "money_movements", "dispute_outcome"} & set(page["items"][0])
    rest = account.follow(next(x["href"] for x in page["links"] if x["rel"] == "next"))
    assert [row["dispute_id"] for row in rest["items"]] == keys[:1]
    account.do("dispute", dispute_id=keys[0], status="UNDER_REVIEW")
    (moved,) = account.get(DISPUTES, update_time_after="2026-11-20T14:30:00Z")["items"]
    assert moved["dispute_id"] == keys[0]
    assert len(account.get(DISPUTES, dispute_state="UNDER_PAYPAL_REVIEW,RESOLVED")["items"]) == 1
    both: dict[str, Any] = {"start_time": "2026-11-20T00:00:00Z", "disputed_transaction_id": "X"}
    assert account.refused("GET", DISPUTES, **both)[0] == 400
    assert account.refused("GET", DISPUTES, update_time_after="2026-05-01T00:00:00Z")[0] == 400
    account.wait(days=200)
    assert "items" not in account.get(DISPUTES)


def test_a_payout_is_read_by_batch_and_item_and_may_come_back(account: Account) -> None:
    items = [{"receiver": f"p{n}@example.com", "amount": "10.00", "fee": "0.20"} for n in range(3)]
    made = account.do("payout", items=items, sender_batch_id="november")
    batch = account.get(f"/v1/payments/payouts/{made['payout_batch_id']}", page_size=2, total_required="true")
    assert batch["batch_header"]["amount"] == {"currency": "SEK", "value": "30.00"}
    assert (len(batch["items"]), batch["total_pages"]) == (2, 2)
    account.do("return_payout", item_id=made["item_ids"][0])
    shown = account.get(f"/v1/payments/payouts-item/{made['item_ids'][0]}")
    assert shown["transaction_status"] == "RETURNED"
    assert codes(account)[3:] == [("T1115", "10.00"), ("T1108", "0.20")]
    assert account.do("truth")["balances"]["SEK"]["total"] == "-20.40"
    with pytest.raises(ValueError, match="sent before"):
        account.do("payout", items=items, sender_batch_id="november")
