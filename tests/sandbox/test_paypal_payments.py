"""Orders, captures, refunds and authorizations of the pretend PayPal."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.paypal_account import Account, money


@pytest.fixture
def account() -> Account:
    return Account()


def order(account: Account, value: str = "100.00", intent: str = "CAPTURE", **unit: Any) -> str:
    made = account.post("/v2/checkout/orders", {"intent": intent, "purchase_units": [{"amount": money(value)} | unit]})
    return str(made["id"])


def test_an_order_is_captured_after_the_payer_approved_it(account: Account) -> None:
    key = order(account, reference_id="u1", invoice_id="10042")
    path = f"/v2/checkout/orders/{key}/capture"
    assert account.refused("POST", path, {}) == (422, "ORDER_NOT_APPROVED")
    account.do("approve", order_id=key)
    paid = account.post(path, {})
    capture = paid["purchase_units"][0]["payments"]["captures"][0]
    assert paid["status"] == "COMPLETED"
    shown = account.get(f"/v2/payments/captures/{capture['id']}")
    assert shown["supplementary_data"]["related_ids"]["order_id"] == key
    assert shown["invoice_id"] == "10042"
    assert account.refused("POST", path, {}) == (422, "ORDER_ALREADY_CAPTURED")


def test_the_fee_model_is_a_percentage_and_a_fixed_part_and_the_breakdown_adds_up(account: Account) -> None:
    shown = account.do("capture", gross="1250.00", currency="NOK")["capture"]["seller_receivable_breakdown"]
    assert shown["paypal_fee"] == money("42.85", "NOK")  # 42.50 + 0.35
    assert shown["net_amount"] == money("1207.15", "NOK")
    yen = account.do("capture", gross="1000", currency="JPY")["capture"]["seller_receivable_breakdown"]
    assert yen["paypal_fee"] == money("34", "JPY")


def test_a_pending_capture_has_no_breakdown_until_it_completes(account: Account) -> None:
    taken = account.do("capture", gross="80.00", pending="ECHECK")
    path = f"/v2/payments/captures/{taken['capture_id']}"
    shown = account.get(path)
    assert (shown["status"], shown["status_details"]) == ("PENDING", {"reason": "ECHECK"})
    assert "seller_receivable_breakdown" not in shown
    assert account.refused("POST", f"{path}/refund", {}) == (422, "PENDING_CAPTURE")
    account.wait(days=3)
    account.do("settle", capture_id=taken["capture_id"])
    assert account.get(path)["seller_receivable_breakdown"]["gross_amount"] == money("80.00")


def test_a_declined_capture_cannot_be_refunded(account: Account) -> None:
    taken = account.do("capture", gross="80.00", pending="PENDING_REVIEW")["capture_id"]
    account.do("settle", capture_id=taken, decline=True)
    assert account.get(f"/v2/payments/captures/{taken}")["status"] == "DECLINED"
    assert account.refused("POST", f"/v2/payments/captures/{taken}/refund", {}) == (422, "REFUND_NOT_ALLOWED")


def test_refunds_name_their_capture_by_the_up_link_and_count_up(account: Account) -> None:
    taken = account.do("capture", gross="100.00", custom_id="shop|7", invoice_id="7")["capture_id"]
    path = f"/v2/payments/captures/{taken}/refund"
    first = account.post(path, {"amount": money("30.00")})
    second = account.post(path, {})
    up = next(x["href"] for x in second["links"] if x["rel"] == "up")
    assert up.endswith(f"/v2/payments/captures/{taken}")
    assert first["seller_payable_breakdown"]["total_refunded_amount"] == money("30.00")
    assert second["amount"] == money("70.00")
    assert second["seller_payable_breakdown"]["total_refunded_amount"] == money("100.00")
    assert "custom_id" not in second  # a bar is allowed on captures, not on refunds
    assert account.get(f"/v2/payments/captures/{taken}")["status"] == "REFUNDED"
    assert account.refused("POST", path, {}) == (422, "CAPTURE_FULLY_REFUNDED")


@pytest.mark.parametrize(
    ("body", "issue"),
    [
        ({"amount": money("100.01")}, "REFUND_AMOUNT_EXCEEDED"),
        ({"amount": money("1.00", "EUR")}, "REFUND_CAPTURE_CURRENCY_MISMATCH"),
        ({"amount": money("9.999")}, "DECIMAL_PRECISION"),
        ({"amount": money("9.5", "HUF")}, "DECIMALS_NOT_SUPPORTED"),
        ({"amount": money("0.00")}, "CANNOT_BE_ZERO_OR_NEGATIVE"),
        ({"amount": money("5", "ISK")}, "INVALID_CURRENCY_CODE"),
        ({"custom_id": "a|b"}, "INVALID_PARAMETER_SYNTAX"),
        ({"note_to_payer": "x" * 256}, "INVALID_STRING_MAX_LENGTH"),
        ({"colour": "red"}, "INVALID_PARAMETER_SYNTAX"),
    ],
)
def test_a_refund_is_refused_with_the_issue_of_its_fault(account: Account, body: Any, issue: str) -> None:
    taken = account.do("capture", gross="100.00")["capture_id"]
    status, found = account.refused("POST", f"/v2/payments/captures/{taken}/refund", body)
    assert (status, found) == (400 if issue.startswith("INVALID_P") or "STRING" in issue else 422, issue)


def test_refunds_are_limited_in_number_time_and_by_open_cases(account: Account) -> None:
    taken = account.do("capture", gross="100.00")["capture_id"]
    path = f"/v2/payments/captures/{taken}/refund"
    account.do("knobs", refund_limit=1)
    account.post(path, {"amount": money("1.00")})
    assert account.refused("POST", path, {})[1] == "MAX_NUMBER_OF_REFUNDS_EXCEEDED"
    account.do("knobs", refund_limit=10)
    case = account.do("dispute", capture_id=taken, amount="20.00")["dispute_id"]
    assert account.refused("POST", path, {"amount": money("1.00")})[1] == "TRANSACTION_DISPUTED"
    account.do("dispute", dispute_id=case, outcome="lost")
    assert account.refused("POST", path, {})[1] == "REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK"
    other = account.do("capture", gross="5.00")["capture_id"]
    account.wait(days=181)
    path = f"/v2/payments/captures/{other}/refund"
    assert account.refused("POST", path, {})[1] == "REFUND_TIME_LIMIT_EXCEEDED"


def test_a_refund_may_pend_and_fail_and_then_be_tried_again(account: Account) -> None:
    account.do("knobs", refund_delay_s=60)
    taken = account.do("capture", gross="100.00")["capture_id"]
    made = account.do("refund", capture_id=taken, fails=True)
    assert made["refund"]["status"] == "PENDING"
    account.wait(seconds=61)
    assert account.get(f"/v2/payments/refunds/{made['refund_id']}")["status"] == "FAILED"
    assert account.get(f"/v2/payments/captures/{taken}")["status"] == "COMPLETED"
    again = account.do("refund", capture_id=taken)["refund_id"]
    account.wait(seconds=61)
    assert account.get(f"/v2/payments/refunds/{again}")["status"] == "COMPLETED"


def test_a_request_id_gives_the_latest_state_of_the_first_request_for_45_days(account: Account) -> None:
    taken = account.do("capture", gross="100.00")["capture_id"]
    path, key = f"/v2/payments/captures/{taken}/refund", {"paypal-request-id": "k1"}
    first = account.call("POST", path, {"amount": money("10.00")}, headers=key)
    second = account.call("POST", path, {"amount": money("10.00")}, headers=key)
    assert (first[0], second[0]) == (201, 200)
    assert first[1]["id"] == second[1]["id"]
    account.wait(days=46)
    third = account.call("POST", path, {"amount": money("10.00")}, headers=key)
    assert third[1]["id"] != first[1]["id"]
    account.do("knobs", in_progress_s=60)
    assert account.refused("POST", path, {}, headers=key) == (409, "PREVIOUS_REQUEST_IN_PROGRESS")


def test_an_order_remembers_a_request_id_for_six_hours(account: Account) -> None:
    body, key = {"intent": "CAPTURE", "purchase_units": [{"amount": money("5.00")}]}, {"paypal-request-id": "o1"}
    first = account.post("/v2/checkout/orders", body, headers=key)["id"]
    assert account.post("/v2/checkout/orders", body, headers=key)["id"] == first
    account.wait(hours=6)
    assert account.post("/v2/checkout/orders", body, headers=key)["id"] != first


def test_without_prefer_a_post_shows_id_status_and_links_only(account: Account) -> None:
    taken = account.do("capture", gross="100.00")["capture_id"]
    short = account.post(f"/v2/payments/captures/{taken}/refund", {"amount": money("1.00")}, full=False)
    assert set(short) == {"id", "status", "links"}


def test_an_invoice_id_is_used_once_unless_the_account_allows_it(account: Account) -> None:
    account.do("capture", gross="1.00", invoice_id="10042")
    key = order(account, invoice_id="10042")
    account.do("approve", order_id=key)
    assert account.refused("POST", f"/v2/checkout/orders/{key}/capture", {}) == (422, "DUPLICATE_INVOICE_ID")
    account.do("knobs", unique_invoice_ids=False)
    account.post(f"/v2/checkout/orders/{key}/capture", {})


def test_an_authorization_is_captured_in_parts_and_then_cannot_be_voided(account: Account) -> None:
    key = order(account, intent="AUTHORIZE")
    account.do("approve", order_id=key)
    promised = account.post(f"/v2/checkout/orders/{key}/authorize")
    one = promised["purchase_units"][0]["payments"]["authorizations"][0]["id"]
    path = f"/v2/payments/authorizations/{one}"
    part = account.post(f"{path}/capture", {"amount": money("40.00")})
    assert part["supplementary_data"]["related_ids"]["authorization_id"] == one
    assert account.get(path)["status"] == "PARTIALLY_CAPTURED"
    assert account.refused("POST", f"{path}/void") == (422, "PREVIOUSLY_CAPTURED")
    assert account.refused("POST", f"{path}/capture", {"amount": money("90.00")})[1] == "MAX_CAPTURE_AMOUNT_EXCEEDED"
    account.post(f"{path}/capture", {"final_capture": True})
    assert account.get(path)["status"] == "CAPTURED"


def test_an_authorization_is_voided_and_then_dead(account: Account) -> None:
    key = order(account, intent="AUTHORIZE")
    account.do("approve", order_id=key)
    promised = account.post(f"/v2/checkout/orders/{key}/authorize")
    path = f"/v2/payments/authorizations/{promised['purchase_units'][0]['payments']['authorizations'][0]['id']}"
    assert account.call("POST", f"{path}/void")[0] == 204
    assert account.refused("POST", f"{path}/capture", {}) == (422, "PREVIOUSLY_VOIDED")
    assert account.do("truth")["totals"] == {}


def test_a_sale_in_a_currency_that_is_not_held_is_converted_and_says_so(account: Account) -> None:
    taken = account.do("capture", gross="100.00", currency="USD", fee="3.90", rate="11.2820")
    shown = taken["capture"]["seller_receivable_breakdown"]
    assert shown["receivable_amount"] == money("1084.20")
    assert shown["exchange_rate"] == {"source_currency": "USD", "target_currency": "SEK", "value": "11.2820"}
    back = account.do("refund", capture_id=taken["capture_id"], amount="50.00", rate="11.30")["refund"]
    assert back["seller_payable_breakdown"]["net_amount_in_receivable_currency"] == money("565.00")
    held = account.do("capture", gross="100.00", currency="EUR")["capture"]["seller_receivable_breakdown"]
    assert "receivable_amount" not in held
