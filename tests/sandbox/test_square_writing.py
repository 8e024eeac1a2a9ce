"""Write calls of the pretend Square: payments and orders by API, idempotency, optimistic locks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.square_shop import Shop


def euro(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "EUR"}


def payment(source: str = "cnon:card-nonce-ok", amount: int = 1000, **more: Any) -> dict[str, Any]:
    return {
        "source_id": source,
        "idempotency_key": f"{source}{amount}{len(more)}"[:45],
        "amount_money": euro(amount),
    } | more


def order(shop: Shop, **more: Any) -> Any:
    lines = [{"name": "Tea", "quantity": "2", "base_price_money": euro(500)}]
    taxes = [{"uid": "t", "name": "VAT", "percentage": "25", "type": "ADDITIVE", "scope": "ORDER"}]
    wanted = {"location_id": shop.places[0], "line_items": lines, "taxes": taxes} | more
    return shop.post("/v2/orders", {"order": wanted})["order"]


def test_a_payment_without_an_order_makes_one_with_a_custom_amount() -> None:
    shop = Shop()
    made = shop.post("/v2/payments", payment(tip_money=euro(100)))["payment"]
    assert (made["status"], made["total_money"]["amount"]) == ("COMPLETED", 1100)
    own = shop.get(f"/v2/orders/{made['order_id']}")["order"]
    assert own["line_items"][0]["item_type"] == "CUSTOM_AMOUNT"
    assert (own["state"], own["tenders"][0]["id"]) == ("COMPLETED", made["id"])


@pytest.mark.parametrize(
    ("source", "details", "kind"),
    [
        ("CASH", {"cash_details": {"buyer_supplied_money": {"amount": 2000, "currency": "EUR"}}}, "CASH"),
        ("EXTERNAL", {"external_details": {"type": "CHECK", "source": "Paper"}}, "EXTERNAL"),
        ("wnon:cash-app-ok", {}, "WALLET"),
        ("bnon:bank-nonce-ok", {}, "BANK_ACCOUNT"),
    ],
)
def test_each_source_makes_its_kind_of_payment(source: str, details: dict[str, Any], kind: str) -> None:
    assert Shop().post("/v2/payments", payment(source, **details))["payment"]["source_type"] == kind


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (payment("cnon:card-nonce-declined"), (402, "GENERIC_DECLINE")),
        (payment("cnon:unheard-of"), (404, "NOT_FOUND")),
        (payment("EXTERNAL"), (400, "MISSING_REQUIRED_PARAMETER")),
        (
            payment("CASH", cash_details={"buyer_supplied_money": {"amount": 1, "currency": "EUR"}}),
            (400, "VALUE_TOO_LOW"),
        ),
        (payment() | {"amount_money": {"amount": 1000, "currency": "USD"}}, (400, "CURRENCY_MISMATCH")),
        (payment() | {"amount_money": {"amount": "1000", "currency": "EUR"}}, (400, "EXPECTED_INTEGER")),
        (payment() | {"idempotency_key": "k" * 46}, (400, "VALUE_TOO_LONG")),
        (payment() | {"idempotency_key": ""}, (400, "MISSING_REQUIRED_PARAMETER")),
        (payment(colour="red"), (400, "UNKNOWN_BODY_PARAMETER")),
        ([], (400, "EXPECTED_OBJECT")),
    ],
)
def test_payments_square_would_refuse_are_refused(body: Any, expected: tuple[int, str]) -> None:
    assert Shop().refused("POST", "/v2/payments", body) == expected


def test_the_same_key_gives_the_same_answer_and_another_body_is_refused() -> None:
    shop = Shop()
    first = shop.post("/v2/payments", payment())
    assert shop.post("/v2/payments", payment()) == first
    assert len(shop.get("/v2/payments")["payments"]) == 1
    other = payment() | {"note": "changed"}
    assert shop.refused("POST", "/v2/payments", other) == (400, "IDEMPOTENCY_KEY_REUSED")


def test_a_delayed_payment_is_completed_or_cancelled_with_its_version_token() -> None:
    shop = Shop()
    made = shop.post("/v2/payments", payment(autocomplete=False))["payment"]
    path = f"/v2/payments/{made['id']}"
    assert made["status"] == "APPROVED"
    assert shop.refused("POST", f"{path}/complete", {"version_token": "old"}) == (400, "VERSION_MISMATCH")
    changed = shop.call("PUT", path, {"payment": {"tip_money": euro(50)}, "idempotency_key": "u"})[1]["payment"]
    assert changed["total_money"]["amount"] == 1050
    assert (
        shop.post(f"{path}/complete", {"version_token": changed["version_token"]})["payment"]["status"] == "COMPLETED"
    )
    assert shop.refused("POST", f"{path}/cancel") == (400, "BAD_REQUEST")


def test_two_approved_payments_pay_an_order_together() -> None:
    shop = Shop()
    own = order(shop)
    assert own["total_money"]["amount"] == 1250
    keys = [
        shop.post("/v2/payments", payment(amount=a, order_id=own["id"], autocomplete=False))["payment"]["id"]
        for a in (1000, 250)
    ]
    paid = shop.post(f"/v2/orders/{own['id']}/pay", {"idempotency_key": "p", "payment_ids": keys})["order"]
    assert paid["state"] == "COMPLETED"
    assert {shop.get(f"/v2/payments/{key}")["payment"]["status"] for key in keys} == {"COMPLETED"}
    more = payment(amount=1, order_id=own["id"])
    assert shop.refused("POST", "/v2/payments", more) == (400, "BAD_REQUEST")


def test_an_order_is_updated_sparsely_against_its_version() -> None:
    shop = Shop()
    own = order(shop)
    path = f"/v2/orders/{own['id']}"
    change = {"version": 1, "line_items": [{"uid": own["line_items"][0]["uid"], "quantity": "3"}]}
    status, answer = shop.call("PUT", path, {"order": change})
    assert (status, answer["order"]["total_money"]["amount"], answer["order"]["version"]) == (200, 1875, 2)
    assert shop.refused("PUT", path, {"order": change}) == (400, "VERSION_MISMATCH")
    gone = {"version": 2, "state": "CANCELED"}
    assert shop.call("PUT", path, {"order": gone})[1]["order"]["state"] == "CANCELED"
    till = shop.do("sell")["order_id"]
    assert shop.refused("PUT", f"/v2/orders/{till}", {"order": {"version": 1}}) == (400, "BAD_REQUEST")


def test_calculate_prices_without_keeping() -> None:
    shop = Shop()
    line = {"name": "Tea", "quantity": "1.5", "base_price_money": euro(333)}
    answer = shop.post("/v2/orders/calculate", {"order": {"location_id": shop.places[0], "line_items": [line]}})
    assert answer["order"]["total_money"]["amount"] == 500
    assert shop.post("/v2/orders/search", {"location_ids": shop.places}) == {}


def test_a_refund_by_api_is_amount_only_and_never_larger_than_what_is_left() -> None:
    shop = Shop()
    key = shop.post("/v2/payments", payment())["payment"]["id"]
    body = {"idempotency_key": "r1", "payment_id": key, "amount_money": euro(600), "reason": "Goodwill"}
    made = shop.post("/v2/refunds", body)["refund"]
    assert made["status"] == "PENDING"
    back = shop.get(f"/v2/orders/{made['order_id']}")["order"]["returns"][0]
    assert back["return_line_items"][0]["item_type"] == "CUSTOM_AMOUNT"
    again = body | {"idempotency_key": "r2", "amount_money": euro(401)}
    assert shop.refused("POST", "/v2/refunds", again) == (400, "REFUND_AMOUNT_INVALID")
    assert len(shop.get("/v2/refunds")["refunds"]) == 1


def test_a_customer_is_cleared_by_null_and_locked_by_version() -> None:
    shop = Shop()
    key = shop.post("/v2/customers", {"given_name": "Ada", "note": "x"})["customer"]["id"]
    status, answer = shop.call("PUT", f"/v2/customers/{key}", {"note": None, "version": 0})
    assert (status, "note" in answer["customer"], answer["customer"]["version"]) == (200, False, 1)
    assert shop.refused("PUT", f"/v2/customers/{key}", {"note": "y", "version": 0}) == (409, "CONFLICT")
    assert shop.refused("POST", "/v2/customers", {"note": "nobody"}) == (400, "BAD_REQUEST")


def test_a_wrong_method_and_a_body_that_is_no_json_are_refused() -> None:
    shop = Shop()
    assert shop.refused("PUT", "/v2/payments") == (405, "METHOD_NOT_ALLOWED")
    status, answer = shop.call("POST", "/v2/orders/search", None)
    assert (status, answer["errors"][0]["code"]) == (400, "MISSING_REQUIRED_PARAMETER")
