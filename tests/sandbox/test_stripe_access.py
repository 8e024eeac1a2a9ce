"""Who may call the pretend Stripe, with which words: keys, modes, grants, versions, forms, idempotency, limits."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from ml_connector_sandbox.core.faults import Faulty
from ml_connector_sandbox.core.wire import Request
from tests.sandbox.stripe_account import START, VERSION, Account, tax


@pytest.fixture
def account() -> Account:
    return Account()


def test_a_basic_header_is_as_good_as_a_bearer(account: Account) -> None:
    pair = base64.b64encode(f"{account.facts['secret_key']}:".encode()).decode()
    assert account.get("account", headers={"authorization": f"Basic {pair}"})["id"] == account.facts["account_id"]


@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer sk_test_nobody", "Basic !!", "Digest x"])
def test_no_key_and_a_wrong_key_are_401(account: Account, header: str) -> None:
    status, error = account.refused("GET", "account", headers={"authorization": header})
    assert (status, error["type"]) == (401, "invalid_request_error")


def test_an_expired_key_says_so(account: Account) -> None:
    account.do("change_key", secret=account.facts["secret_key"], expired=True)
    status, error = account.refused("GET", "account")
    assert (status, error["code"]) == (401, "api_key_expired")


def test_a_restricted_key_is_refused_by_the_name_of_the_permission(account: Account) -> None:
    key = account.do("key", grants={"invoice": "write", "customer": "read", "charge": "none"})["secret"]
    assert key.startswith("rk_test_")
    assert account.get("customers", key=key)["data"] == []
    status, error = account.refused("POST", "customers", {"name": "x"}, key=key)
    assert status == 403
    assert "rak_customer_write" in error["message"]
    assert {"code", "param"} & set(error) == set()
    assert account.refused("GET", "charges", key=key)[0] == 403


@pytest.mark.parametrize("path", ["customers/nobody", "invoices/none", "credit_notes/none", "webhook_endpoints/none"])
def test_permission_is_looked_at_before_object_and_parameters(account: Account, path: str) -> None:
    grants = {"customer": "read", "invoice": "read", "credit_note": "read", "webhook": "read"}
    without = account.do("key", grants=grants)["secret"]
    may = account.do("key", grants="all")["secret"]
    assert account.refused("POST", path, {"colour": "red"}, key=without)[0] == 403
    assert account.refused("POST", path, {"colour": "red"}, key=may)[0] == 400
    assert account.refused("POST", path, {}, key=may)[0] == 404


def test_expanding_needs_the_permission_to_read_what_is_behind(account: Account) -> None:
    made = account.invoice()
    key = account.do("key", grants={"invoice": "read"})["secret"]
    assert account.get(f"invoices/{made['id']}", key=key)["customer"] == made["customer"]
    status, error = account.refused("GET", f"invoices/{made['id']}", {"expand": ["customer"]}, key=key)
    assert status == 403
    assert "rak_customer_read" in error["message"]


def test_the_other_mode_does_not_exist(account: Account) -> None:
    made = account.customer()
    live = account.facts["live_secret_key"]
    assert made["livemode"] is False
    assert account.refused("GET", f"customers/{made['id']}", key=live)[0] == 404
    status, error = account.refused("POST", "invoices", {"customer": made["id"]}, key=live)
    assert (status, error["code"], error["param"]) == (400, "resource_missing", "customer")
    assert account.get("customers", key=live)["data"] == []


def test_another_account_does_not_exist_either(account: Account) -> None:
    made = account.customer()
    other = account.do("seed_account", name="Other")
    assert account.refused("GET", f"customers/{made['id']}", key=other["secret_key"])[0] == 404
    status, error = account.refused("GET", "account", headers={"stripe-account": other["account_id"]})
    assert (status, error["code"]) == (403, "account_invalid")


@pytest.mark.parametrize("version", ["2025-03-31.basil", "", "latest"])
def test_only_the_pinned_version_is_spoken(account: Account, version: str) -> None:
    status, error = account.refused("GET", "account", headers={"stripe-version": version})
    assert status == 400
    assert VERSION in error["message"]


def test_bodies_are_forms_not_json(account: Account) -> None:
    status, _ = account.refused("POST", "customers", raw='{"name":"x"}', headers={"content-type": "application/json"})
    assert status == 400


@pytest.mark.parametrize(
    "text",
    [
        "lines[0][amount]=100&lines[0][description]=a&lines[1][amount]=200",
        "lines%5B0%5D%5Bamount%5D=100&lines%5B0%5D%5Bdescription%5D=a&lines%5B1%5D%5Bamount%5D=200",
        "lines[][amount]=100&lines[][description]=a&lines[][amount]=200",
        "lines[7][amount]=200&lines[2][amount]=100",
    ],
)
def test_brackets_come_in_every_form(account: Account, text: str) -> None:
    made = account.draft(lines=[])
    got = account.post(f"invoices/{made['id']}/add_lines", raw=text)
    assert [line["amount"] for line in got["lines"]["data"]] == [100, 200]


@pytest.mark.parametrize(
    ("given", "code", "param"),
    [
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"address": {"town": "Oslo"}}, "parameter_unknown", "address[town]"),
        ({"balance": "1.5"}, "parameter_invalid_integer", "balance"),
        ({"tax_id_data": [{"type": "no_vat"}]}, "parameter_missing", "tax_id_data[0][value]"),
        ({"tax_id_data": [{"type": "no_vat", "value": "12"}]}, "tax_id_invalid", "value"),
        ({"email": "nobody"}, "email_invalid", "email"),
        ({"metadata": {"k" * 41: "v"}}, None, "metadata[" + "k" * 41 + "]"),
        ({"metadata": {"k": "v" * 501}}, None, "metadata[k]"),
        ({"metadata": {str(n): "v" for n in range(51)}}, None, "metadata"),
        ({"tax_exempt": "maybe"}, None, "tax_exempt"),
        ({"test_clock": "clock_1"}, None, "test_clock"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(
    account: Account, given: dict[str, Any], code: str | None, param: str
) -> None:
    status, error = account.refused("POST", "customers", given)
    assert (status, error.get("code"), error["param"]) == (400, code, param)
    assert account.get("customers")["data"] == []


def test_an_old_field_name_is_an_unknown_parameter(account: Account) -> None:
    made = account.invoice()
    status, error = account.refused("GET", "invoice_payments", {"charge": "ch_1"})
    assert (status, error["code"]) == (400, "parameter_unknown")
    assert {"charge", "payment_intent", "paid", "tax", "paid_out_of_band"} & set(made) == set()
    line = {"amount": 1, "tax_amounts": [tax(1, 1)], "tax": 25}
    path = f"invoices/{account.draft(lines=[])['id']}/add_lines"
    assert account.refused("POST", path, {"lines": [line]})[1]["param"] == "lines[0][tax]"


def test_a_query_on_a_delete_and_an_unknown_path_are_refused(account: Account) -> None:
    made = account.customer()
    assert account.refused("DELETE", f"customers/{made['id']}", {"reason": "x"})[0] == 400
    assert account.refused("GET", "subscriptions")[0] == 404


def test_an_empty_text_unsets(account: Account) -> None:
    made = account.customer(metadata={"a": "1", "b": "2"}, description="x")
    one = f"customers/{made['id']}"
    assert account.post(one, {"metadata": {"a": ""}, "description": ""})["metadata"] == {"b": "2"}
    assert account.get(one)["description"] is None
    assert account.post(one, {"metadata": ""})["metadata"] == {}


def test_a_repeated_key_gives_the_first_outcome_marked_as_replay(account: Account) -> None:
    headers = {"idempotency-key": "k1"}
    first = account.send("POST", "customers", {"name": "One"}, headers=headers)
    again = account.send("POST", "customers", {"name": "One"}, headers=headers)
    assert again.body == first.body
    assert dict(again.headers)["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in dict(first.headers)
    assert len(account.get("customers")["data"]) == 1


def test_a_key_with_another_body_or_path_is_an_idempotency_error(account: Account) -> None:
    headers = {"idempotency-key": "k1"}
    made = json.loads(account.send("POST", "customers", {"name": "One"}, headers=headers).body)
    for path, body in (("customers", {"name": "Two"}), (f"customers/{made['id']}", {"name": "One"})):
        status, error = account.refused("POST", path, body, headers=headers)
        assert (status, error["type"]) == (400, "idempotency_error")


def test_a_key_lives_a_day_and_then_makes_another_object(account: Account) -> None:
    headers = {"idempotency-key": "k1"}
    account.send("POST", "customers", {"name": "One"}, headers=headers)
    account.wait(hours=23, minutes=59)
    account.send("POST", "customers", {"name": "One"}, headers=headers)
    assert len(account.get("customers")["data"]) == 1
    account.wait(minutes=2)
    account.send("POST", "customers", {"name": "One"}, headers=headers)
    assert len(account.get("customers")["data"]) == 2


def test_failed_validation_does_not_use_up_a_key_but_a_refusal_by_the_endpoint_does(account: Account) -> None:
    headers = {"idempotency-key": "k1"}
    account.refused("POST", "customers", {"colour": "red"}, headers=headers)
    account.post("customers", {"name": "One"}, headers=headers)
    headers = {"idempotency-key": "k2"}
    given = {"invoice": "in_none", "amount": 1}
    first = account.send("POST", "credit_notes", given, headers=headers)
    again = account.send("POST", "credit_notes", given, headers=headers)
    assert (first.status, again.status) == (400, 400)
    assert dict(again.headers)["Idempotent-Replayed"] == "true"


def test_a_key_in_flight_is_a_conflict(account: Account) -> None:
    account.do("knobs", in_progress_s=5.0)
    headers = {"idempotency-key": "k1"}
    account.post("customers", {"name": "One"}, headers=headers)
    status, error = account.refused("POST", "customers", {"name": "One"}, headers=headers)
    assert (status, error["code"]) == (409, "idempotency_key_in_use")
    account.wait(seconds=6)
    account.post("customers", {"name": "One"}, headers=headers)
    assert len(account.get("customers")["data"]) == 1


def test_a_500_after_the_commit_is_kept_and_a_new_key_makes_a_second_object(account: Account) -> None:
    account.do("fail_next", status=500, operation="POST /v1/customers", after_commit=True)
    headers = {"idempotency-key": "k1"}
    status, error = account.refused("POST", "customers", {"name": "One"}, headers=headers)
    assert (status, error["type"]) == (500, "api_error")
    assert account.refused("POST", "customers", {"name": "One"}, headers=headers)[0] == 500
    account.post("customers", {"name": "One"}, headers={"idempotency-key": "k2"})
    assert len(account.get("customers")["data"]) == 2


def test_a_500_before_the_commit_leaves_the_key_free(account: Account) -> None:
    account.do("fail_next", status=500)
    headers = {"idempotency-key": "k1"}
    account.refused("POST", "customers", {"name": "One"}, headers=headers)
    account.post("customers", {"name": "One"}, headers=headers)
    assert len(account.get("customers")["data"]) == 1


@pytest.mark.parametrize("should", ["", "true", "false"])
def test_a_429_says_what_it_was_told_about_retrying(account: Account, should: str) -> None:
    account.do("fail_next", status=429, should_retry=should, code="lock_timeout")
    answer = account.send("GET", "account")
    assert answer.status == 429
    assert json.loads(answer.body)["error"]["code"] == "lock_timeout"
    assert dict(answer.headers).get("Stripe-Should-Retry", "") == should
    assert "Retry-After" not in dict(answer.headers)


def test_a_key_may_call_so_often_in_a_second(account: Account) -> None:
    account.do("knobs", calls_per_s=3)
    statuses = [account.send("GET", "account").status for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    account.wait(seconds=1)
    assert account.send("GET", "account").status == 200


def test_a_cut_connection_after_the_commit_is_healed_by_the_same_key() -> None:
    account = Account()
    faulty = Faulty(account.stripe)
    faulty.add({"match": {"operation": "POST /v1/customers"}, "effect": "cut_after"})
    headers = {
        "authorization": f"Bearer {account.facts['secret_key']}", "stripe-version": VERSION, "idempotency-key": "k1",
        "content-type": "application/x-www-form-urlencoded",
    }  # fmt: skip
    request = Request("POST", "/v1/customers", "", headers, b"name=One")
    assert faulty.answer(request, START).cut
    assert faulty.answer(request, START).status == 200
    assert len(account.get("customers")["data"]) == 1


def test_every_answer_has_a_request_id_and_the_version(account: Account) -> None:
    answers = [account.send("GET", "account"), account.send("GET", "nothing")]
    ids = {dict(answer.headers)["Request-Id"] for answer in answers}
    assert len(ids) == 2
    assert {dict(answer.headers)["Stripe-Version"] for answer in answers} == {VERSION}


def test_the_same_seed_gives_the_same_ids() -> None:
    assert Account().customer()["id"] == Account().customer()["id"]


def test_a_failure_that_undid_its_work_is_kept_under_the_key_and_nothing_else_happened() -> None:
    account = Account()
    account.do("fail_next", status=500, operation="POST /v1/customers", rolled_back=True)
    headers = {"idempotency-key": "k1"}
    for _ in range(2):
        status, error = account.refused("POST", "customers", {"name": "x"}, headers=headers)
        assert (status, error["type"]) == (500, "api_error")
    assert account.get("customers")["data"] == []
    assert account.send("POST", "customers", {"name": "x"}, headers={"idempotency-key": "k2"}).status == 200


def test_a_decline_is_a_402_of_type_card_error() -> None:
    account = Account()
    account.do("fail_next", status=402, code="card_declined")
    status, error = account.refused("GET", "customers")
    assert (status, error["type"], error["code"]) == (402, "card_error", "card_declined")
