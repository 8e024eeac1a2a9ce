"""Invoices of the pretend PayPal: sums, states, money from PayPal and from outside."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.paypal_account import Account, money

BASE = "/v2/invoicing/invoices"


@pytest.fixture
def account() -> Account:
    return Account()


def body(currency: str = "SEK", **more: Any) -> dict[str, Any]:
    tax = {"name": "VAT", "percent": "25"}
    items = [{"name": "Work", "quantity": "1", "unit_amount": money("1000.00", currency), "tax": tax}]
    return {"detail": {"currency_code": currency}, "items": items} | more


def sent(account: Account, **more: Any) -> str:
    made = account.post(BASE, body(**more))["id"]
    account.post(f"{BASE}/{made}/send", {"send_to_recipient": True})
    return str(made)


def pay_outside(value: str, **more: Any) -> dict[str, Any]:
    return {"method": "BANK_TRANSFER", "payment_date": "2026-11-20", "amount": money(value)} | more


def back_outside(value: str) -> dict[str, Any]:
    return {"method": "BANK_TRANSFER", "refund_date": "2026-11-20", "amount": money(value)}


def test_the_sums_follow_the_published_example(account: Account) -> None:
    # Items 60.00, item discounts 7.50, invoice discount 5 % of 52.50 = 2.63, tax of what is left, shipping, custom.
    items = [
        {"name": "A", "quantity": "1", "unit_amount": money("50.00", "USD"), "tax": {"name": "Tax", "percent": "7.25"},
         "discount": {"percent": "5"}},
        {"name": "B", "quantity": "1", "unit_amount": money("10.00", "USD"), "tax": {"name": "Tax", "percent": "7.25"},
         "discount": {"amount": money("5.00", "USD")}},
    ]  # fmt: skip
    breakdown = {
        "discount": {"invoice_discount": {"percent": "5"}},
        "shipping": {"amount": money("10.00", "USD"), "tax": {"name": "Tax", "percent": "7.25"}},
        "custom": {"label": "Packing", "amount": money("10.00", "USD")},
    }
    made = account.post(BASE, {"detail": {"currency_code": "USD"}, "items": items, "amount": {"breakdown": breakdown}})
    shown = made["amount"]["breakdown"]
    assert shown["item_total"] == money("60.00", "USD")
    assert shown["discount"]["item_discount"] == money("-7.50", "USD")
    assert shown["discount"]["invoice_discount"]["amount"] == money("-2.63", "USD")
    assert shown["tax_total"] == money("4.34", "USD")
    assert made["amount"]["value"] == "74.21"


def test_tax_inside_the_price_leaves_the_total_at_the_price(account: Account) -> None:
    made = account.post(BASE, body(configuration={"tax_inclusive": True}))
    assert made["amount"]["value"] == "1000.00"
    assert made["amount"]["breakdown"]["tax_total"] == money("200.00")
    assert made["amount"]["breakdown"]["item_total"] == money("800.00")


def test_without_prefer_only_the_link_comes_back(account: Account) -> None:
    short = account.post(BASE, body(), full=False)
    assert set(short) == {"href", "rel", "method"}
    assert account.follow(short["href"])["status"] == "DRAFT"


@pytest.mark.parametrize(
    ("change", "issue"),
    [
        ({"items": []}, "INVALID_ARRAY_LENGTH"),
        ({"detail": {}}, "MISSING_REQUIRED_PARAMETER"),
        ({"detail": {"currency_code": "ISK"}}, "NOT_SUPPORTED"),
        ({"detail": {"currency_code": "EUR"}}, "INVALID_PARAMETER_VALUE"),
        ({"invoicer": {"email_address": "stranger@example.com"}}, "USER_NOT_FOUND"),
        ({"items": [{"name": "x", "quantity": "one", "unit_amount": money("1.00")}]}, "INVALID_DECIMAL_VALUE"),
        ({"items": [{"name": "x" * 201, "quantity": "1", "unit_amount": money("1.00")}]}, "INVALID_STRING_MAX_LENGTH"),
    ],
)
def test_a_faulty_invoice_is_refused(account: Account, change: dict[str, Any], issue: str) -> None:
    assert account.refused("POST", BASE, body() | change)[1] == issue


def test_an_invoice_of_the_future_is_scheduled_and_goes_out_on_its_day(account: Account) -> None:
    made = account.post(BASE, body(detail={"currency_code": "SEK", "invoice_date": "2026-11-25"}))["id"]
    assert account.call("POST", f"{BASE}/{made}/send", {})[0] == 202
    assert account.get(f"{BASE}/{made}")["status"] == "SCHEDULED"
    cancel = {"send_to_recipient": False}
    assert account.refused("POST", f"{BASE}/{made}/cancel", cancel)[1] == "CANNOT_CANCEL_SCHEDULED_INVOICE"
    account.wait(days=5)
    assert account.get(f"{BASE}/{made}")["status"] == "SENT"


def test_a_payment_through_paypal_makes_a_report_row_that_names_the_invoice(account: Account) -> None:
    made = account.do("invoice", number="10042", items=[{"name": "Work", "price": "1000.00", "tax": "25"}])
    paid = account.do("invoice_pay", invoice_id=made["invoice_id"], fee="32.90")
    assert (paid["status"], paid["due"]) == ("PAID", "0.00")
    (row,) = account.get(f"{BASE}/{made['invoice_id']}")["payments"]["transactions"]
    assert (row["type"], row["payment_id"]) == ("PAYPAL", paid["capture_id"])
    account.wait(hours=4)
    (detail,) = account.report()["transaction_details"]
    assert detail["cart_info"]["paypal_invoice_id"] == made["invoice_id"]
    assert detail["transaction_info"]["invoice_id"] == "10042"
    assert detail["transaction_info"]["transaction_id"] == paid["capture_id"]
    path = f"/v2/payments/captures/{paid['capture_id']}"
    assert account.refused("GET", path) == (404, "INVALID_RESOURCE_ID")
    account.do("knobs", invoice_payments_readable=True)
    assert account.get(path)["status"] == "COMPLETED"


def test_a_pending_payment_and_a_refund_move_the_state(account: Account) -> None:
    made = account.do("invoice")["invoice_id"]
    paid = account.do("invoice_pay", invoice_id=made, pending="ECHECK")
    assert paid["status"] == "PAYMENT_PENDING"
    account.do("settle", capture_id=paid["capture_id"])
    assert account.get(f"{BASE}/{made}")["status"] == "PAID"
    account.do("refund", capture_id=paid["capture_id"], amount="100.00")
    shown = account.get(f"{BASE}/{made}")
    assert (shown["status"], shown["refunds"]["refund_amount"]) == ("PARTIALLY_REFUNDED", money("100.00"))
    account.do("refund", capture_id=paid["capture_id"])
    assert account.get(f"{BASE}/{made}")["status"] == "REFUNDED"


def test_a_tip_stands_outside_the_total(account: Account) -> None:
    made = account.do("invoice")["invoice_id"]
    paid = account.do("invoice_pay", invoice_id=made, tip="50.00", fee="0.00")
    shown = account.get(f"{BASE}/{made}")
    assert (shown["gratuity"], shown["amount"]["value"]) == (money("50.00"), "1250.00")
    assert shown["payments"]["paid_amount"] == money("1250.00")
    assert paid["net"] == "1300.00"


def test_outside_payments_add_up_to_paid_and_can_be_removed(account: Account) -> None:
    made = sent(account)
    first = account.post(f"{BASE}/{made}/payments", pay_outside("250.00", note="mlc 1"))["payment_id"]
    assert first.startswith("EXTR-")
    assert account.get(f"{BASE}/{made}")["status"] == "PARTIALLY_PAID"
    account.post(f"{BASE}/{made}/payments", {"method": "CASH"})  # without amount: all that is due
    shown = account.get(f"{BASE}/{made}")
    assert (shown["status"], shown["due_amount"]) == ("MARKED_AS_PAID", money("0.00"))
    assert shown["payments"]["transactions"][0]["note"] == "mlc 1"
    assert account.call("DELETE", f"{BASE}/{made}/payments/{first}")[0] == 204
    assert account.get(f"{BASE}/{made}")["due_amount"] == money("250.00")
    assert account.do("truth")["totals"] == {}  # no PayPal money moved
    account.do("knobs", external_paid_status="PAID")
    account.post(f"{BASE}/{made}/payments", pay_outside("250.00"))
    assert account.get(f"{BASE}/{made}")["status"] == "PAID"


@pytest.mark.parametrize(
    ("change", "status", "issue"),
    [
        ({"method": "GOLD"}, 400, "INVALID_PAYMENT_METHOD"),
        ({"amount": money("0.00")}, 400, "VALUE_CANNOT_BE_ZERO"),
        ({"amount": money("1.001")}, 400, "INVALID_DECIMAL_VALUE"),
        ({"amount": money("12345678.00")}, 400, "INVALID_DECIMAL_VALUE"),
        ({"amount": money("-1.00")}, 400, "INVALID_DECIMAL_VALUE"),
        ({"amount": money("1.00", "EUR")}, 400, "NOT_SUPPORTED"),
        ({"amount": money("1250.01")}, 422, "PAYMENT_AMOUNT_GREATER_THAN_AMOUNT_DUE"),
    ],
)
def test_a_faulty_outside_payment_is_refused(account: Account, change: dict[str, Any], status: int, issue: str) -> None:
    path = f"{BASE}/{sent(account)}/payments"
    assert account.refused("POST", path, pay_outside("1.00") | change) == (status, issue)


def test_whole_unit_currencies_take_whole_numbers(account: Account) -> None:
    items = [{"name": "Work", "quantity": "1", "unit_amount": money("5000", "JPY")}]
    path = f"{BASE}/{sent(account, currency='JPY', items=items)}/payments"
    wrong = pay_outside("1") | {"amount": money("10.5", "JPY")}
    assert account.refused("POST", path, wrong) == (400, "INVALID_INTEGER_VALUE")
    account.post(path, wrong | {"amount": money("5000", "JPY")})


def test_drafts_and_settled_invoices_take_no_payment(account: Account) -> None:
    made = account.post(BASE, body())["id"]
    assert account.refused("POST", f"{BASE}/{made}/payments", pay_outside("1.00"))[1] == "CANNOT_PROCESS_PAYMENTS"
    assert account.refused("POST", f"{BASE}/{made}/refunds", back_outside("1.00"))[1] == "CANNOT_PROCESS_REFUNDS"


def test_outside_refunds_stay_within_outside_payments_and_bind_them(account: Account) -> None:
    made = sent(account)
    paid = account.post(f"{BASE}/{made}/payments", pay_outside("300.00"))["payment_id"]
    account.do("invoice_pay", invoice_id=made, amount="950.00")
    path = f"{BASE}/{made}/refunds"
    assert account.refused("POST", path, back_outside("300.01")) == (422, "INVALID_REFUND_AMOUNT")
    back = account.post(path, back_outside("100.00"))["refund_id"]
    assert account.get(f"{BASE}/{made}")["status"] == "PARTIALLY_REFUNDED"
    gone = f"{BASE}/{made}/payments/{paid}"
    assert account.refused("DELETE", gone) == (422, "CANNOT_DELETE_EXTERNAL_PAYMENT")
    assert account.call("DELETE", f"{path}/{back}")[0] == 204
    assert account.call("DELETE", gone)[0] == 204
    account.do("knobs", refunds_count_paypal=True)
    account.post(path, back_outside("950.00"))


def test_cancel_wants_a_body_and_an_unpaid_sent_invoice(account: Account) -> None:
    made = sent(account)
    path = f"{BASE}/{made}/cancel"
    quiet = {"send_to_recipient": False, "send_to_invoicer": False, "additional_recipients": []}
    assert account.refused("POST", path)[0] == 400
    assert account.call("POST", path, quiet)[0] == 204
    assert account.get(f"{BASE}/{made}")["status"] == "CANCELLED"
    assert account.refused("POST", path, quiet) == (422, "INVOICE_CANCELED_ALREADY")
    assert account.paypal.world.merchant(None).invoices[made].mails == ["send"]
    draft = account.post(BASE, body())["id"]
    assert account.refused("POST", f"{BASE}/{draft}/cancel", quiet)[1] == "CANNOT_CANCEL_DRAFT_INVOICE"
    paid = sent(account)
    account.post(f"{BASE}/{paid}/payments", pay_outside("10.00"))
    assert account.refused("POST", f"{BASE}/{paid}/cancel", quiet)[1] == "CANNOT_CANCEL_PAID_INVOICE"
    account.post(f"{BASE}/{paid}/refunds", back_outside("10.00"))
    assert account.refused("POST", f"{BASE}/{paid}/cancel", quiet)[1] == "CANNOT_CANCEL_REFUNDED_INVOICE"


def test_a_cancellation_mails_unless_told_not_to(account: Account) -> None:
    made = sent(account, additional_recipients=["boss@example.com"])
    account.call("POST", f"{BASE}/{made}/cancel", {})
    mails = account.paypal.world.merchant(None).invoices[made].mails
    assert mails == ["send", "cancel", "cancel to additional recipients"]


def test_a_sent_invoice_can_be_changed_and_its_update_time_moves(account: Account) -> None:
    account.subscribe("INVOICING.INVOICE.UPDATED")
    account.do("knobs", duplicate_share=0)
    made = sent(account)
    before = account.get(f"{BASE}/{made}")
    account.wait(hours=1)
    items = before["items"] + [{"name": "More", "quantity": "2", "unit_amount": money("10.00")}]
    status, after = account.call(
        "PUT", f"{BASE}/{made}", before | {"items": items}, headers={"prefer": "return=representation"},
        send_to_recipient="false",
    )  # fmt: skip
    assert (status, after["amount"]["value"], after["status"]) == (200, "1270.00", "SENT")
    assert after["detail"]["metadata"]["last_update_time"] > before["detail"]["metadata"]["last_update_time"]
    (event,) = account.events()
    assert event["resource"]["invoice"]["id"] == made
    account.do("knobs", invoice_event_shape="plain")
    account.do("invoice_edit", invoice_id=made, items=[{"name": "Less", "price": "5.00"}])
    assert account.events()[0]["resource"]["amount"]["value"] == "5.00"


def test_search_finds_by_status_dates_and_number_and_leaves_out_blocks_not_asked_for(account: Account) -> None:
    made = sent(account)
    account.post(f"{BASE}/{made}/payments", pay_outside("10.00"))
    other = account.do("invoice", mail=False, number="77")["invoice_id"]
    search = "/v2/invoicing/search-invoices"
    (found,) = account.post(search, {"status": ["PARTIALLY_PAID"]})["items"]
    assert found["id"] == made
    assert not {"items", "payments"} & set(found)
    assert account.post(search, {"status": ["PARTIALLY_PAID"], "fields": ["payments"]})["items"][0]["payments"]
    assert [i["id"] for i in account.post(search, {"invoice_number": "77"})["items"]] == [other]
    assert [i["id"] for i in account.post(search, {"status": ["UNPAID"]})["items"]] == [other]
    day = {"start": "2026-11-20T00:00:00Z", "end": "2026-11-20T23:59:59Z"}
    assert [i["id"] for i in account.post(search, {"payment_date_range": day})["items"]] == [made]
    assert len(account.post(search, {"creation_date_range": day})["items"]) == 2
    assert account.post(search, {"invoice_date_range": {"start": "2026-11-21", "end": "2026-11-22"}})["items"] == []
    assert account.refused("POST", search, {"status": ["SENT"] * 6})[0] == 400
    assert account.refused("POST", search, {"creation_date_range": {"start": day["start"]}})[0] == 400


def test_lists_are_paged_and_count_only_when_asked(account: Account) -> None:
    for _ in range(3):
        account.do("invoice")
    page = account.get(BASE, page_size=2)
    assert len(page["items"]) == 2
    assert "total_items" not in page
    assert account.get(BASE, page_size=2, page=2, total_required="true")["total_pages"] == 2
    assert account.refused("GET", BASE, page_size=101)[0] == 400
    assert account.refused("GET", BASE, page=1001)[0] == 400
