"""The pretend PayPal's tokens, scopes, limits and faults."""

from __future__ import annotations

import pytest

from tests.sandbox.paypal_account import Account, money

SEARCH = "https://uri.paypal.com/services/reporting/search/read"


def test_a_token_asked_for_again_is_the_same_with_less_time_left() -> None:
    account = Account()
    first = account.grant()
    account.wait(hours=2)
    second = account.grant()
    assert second["access_token"] == first["access_token"]
    assert (first["expires_in"], second["expires_in"]) == (32400, 25200)
    account.wait(hours=7)
    assert account.grant()["access_token"] != first["access_token"]


def test_a_token_ends_after_nine_hours_and_on_revocation() -> None:
    account = Account()
    token = account.token()
    account.get("/v1/reporting/balances", token=token)
    account.wait(hours=9)
    assert account.refused("GET", "/v1/reporting/balances", token=token) == (401, "invalid_token")
    fresh = account.token()
    account.do("revoke_token")
    assert account.refused("GET", "/v1/reporting/balances", token=fresh) == (401, "invalid_token")


def test_a_wrong_secret_and_a_missing_header_are_refused_in_their_own_shapes() -> None:
    account = Account()
    assert account.grant(secret="wrong")["error"] == "invalid_client"
    status, answer = account.call("GET", "/v1/reporting/balances", headers={"authorization": ""})
    assert (status, answer["name"]) == (401, "AUTHENTICATION_FAILURE")
    assert answer["debug_id"]


def test_a_scope_switched_on_reaches_new_tokens_only() -> None:
    account = Account()
    everything = account.facts["scopes"]
    account.do("application", client_id=account.facts["client_id"], scopes=[s for s in everything if s != SEARCH])
    token = account.token()
    asked = {"start_date": "2026-11-19T00:00:00Z", "end_date": "2026-11-20T00:00:00Z"}
    account.do("application", client_id=account.facts["client_id"], scopes=everything)
    assert account.refused("GET", "/v1/reporting/transactions", **asked) == (403, "PERMISSION_DENIED")
    assert account.token() == token  # the old token is still handed out
    account.wait(hours=9)
    assert SEARCH in account.grant()["scope"]
    account.get("/v1/reporting/transactions", **asked)


def test_too_many_calls_are_refused_with_and_without_retry_after() -> None:
    account = Account()
    token = account.token()
    account.do("knobs", calls_per_minute=2)
    for _ in range(2):
        account.get("/v1/reporting/balances", token=token)
    answer = account.send("GET", "/v1/reporting/balances", token=token)
    assert answer.status == 429
    assert ("Retry-After", "30") in answer.headers
    account.do("knobs", retry_after="")
    assert not any(n == "Retry-After" for n, _ in account.send("GET", "/v1/reporting/balances", token=token).headers)
    account.wait(seconds=61)
    account.get("/v1/reporting/balances", token=token)


def test_a_500_after_the_commit_leaves_the_effect_behind() -> None:
    account = Account()
    capture = account.do("capture", gross="100.00")["capture_id"]
    path = f"/v2/payments/captures/{capture}/refund"
    account.do("fail_next", operation="POST /v2/payments/captures/{capture_id}/refund", status=500, after_commit=True)
    key = {"paypal-request-id": "r1"}
    assert account.refused("POST", path, {"amount": money("30.00")}, headers=key) == (500, "INTERNAL_SERVER_ERROR")
    again = account.call("POST", path, {"amount": money("30.00")}, headers=key)
    assert again[0] == 200
    assert account.do("truth")["counts"]["refunds"] == 1


def test_each_application_reads_its_own_account_only() -> None:
    account = Account()
    other = account.do("seed_merchant", name="Another AB", currency="EUR")
    capture = account.do("capture", gross="10.00")["capture_id"]
    path = f"/v2/payments/captures/{capture}"
    assert account.refused("GET", path, token=account.token(other)) == (404, "INVALID_RESOURCE_ID")
    second = account.do("application")
    assert account.refused("GET", path, token=account.token(second)) == (404, "INVALID_RESOURCE_ID")
    account.do("knobs", foreign_status=403)
    assert account.refused("GET", path, token=account.token(second)) == (403, "PERMISSION_DENIED")


def test_unknown_paths_methods_parameters_and_bodies_are_refused() -> None:
    account = Account()
    assert account.refused("GET", "/v2/nothing") == (404, "INVALID_RESOURCE_ID")
    assert account.refused("PATCH", "/v1/reporting/balances") == (405, "METHOD_NOT_SUPPORTED")
    assert account.refused("GET", "/v1/reporting/balances", currency="SEK") == (400, "INVALID_PARAMETER_SYNTAX")
    orders = "/v2/checkout/orders"
    assert account.refused("POST", orders, {"intent": "CAPTURE"}) == (400, "MISSING_REQUIRED_PARAMETER")
    plain = account.send("POST", orders, {"intent": "CAPTURE"}, headers={"content-type": "text/plain"})
    assert plain.status == 415


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("dance", {}),
        ("capture", {}),
        ("capture", {"gross": 12.5}),
        ("capture", {"gross": "10.5", "currency": "JPY"}),
        ("capture", {"gross": "1.00", "currency": "ISK"}),
        ("capture", {"gross": "1.00", "at": "2099-01-01T00:00:00Z"}),
        ("refund", {"capture_id": "NOPE"}),
        ("withdraw", {"amount": "1.00"}),
        ("transaction", {"code": "X1", "amount": "1.00"}),
        ("knobs", {"colour": 1}),
        ("knobs", {"certificate": "golden"}),
        ("dispute", {"capture_id": "NOPE"}),
        ("play_day", {"date": "2026-11-19", "payments": 3}),
    ],
)
def test_a_verb_that_makes_no_sense_says_why(verb: str, arguments: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Account().do(verb, **arguments)


def test_the_same_seed_and_script_give_the_same_world_and_reset_gives_it_again() -> None:
    first, second = Account(), Account()
    assert first.facts == second.facts
    assert first.do("capture", gross="1.00") == second.do("capture", gross="1.00")
    first.do("reset")
    assert first.do("seed_merchant", name="Example Shop AB", held=["EUR", "NOK", "JPY"]) == second.facts
