"""The pretend Basware at its door: tokens, Basic users, scopes, limits, faults, the control verbs' own checks."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ml_connector_sandbox.basware import Basware
from ml_connector_sandbox.core.faults import Faulty
from ml_connector_sandbox.core.wire import Request
from tests.sandbox.basware_tenant import Office, basic, order, term, vendor


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_a_token_is_a_jwt_that_the_published_keys_verify() -> None:
    office = Office()
    status, grant = office.grant("vendors.read", "vendors.write")
    assert (status, grant["expires_in"], grant["scope"]) == (200, 3600, "vendors.read vendors.write")
    head, claims, signature = grant["access_token"].split(".")
    key = json.loads(office.basware.answer(Request("GET", "/.well-known/jwks.json"), office.now).body)["keys"][0]
    numbers = rsa.RSAPublicNumbers(int.from_bytes(raw(key["e"])), int.from_bytes(raw(key["n"])))
    numbers.public_key().verify(raw(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
    told = json.loads(raw(claims))
    assert json.loads(raw(head))["alg"] == "RS256"
    assert told["exp"] - told["iat"] == 3600
    assert (told["aud"], told["bwcid"]) == ("OpenAPI", office.facts["tenant_id"])


@pytest.mark.parametrize(
    ("headers", "form", "status"),
    [
        ({}, "grant_type=client_credentials&scope=vendors.read", 422),
        ({"authorization": "Basic bm9ib2R5Onh4"}, "grant_type=client_credentials&scope=vendors.read", 401),
        ({"authorization": "right"}, "grant_type=client_credentials", 400),
        ({"authorization": "right"}, "scope=vendors.read", 400),
        ({"authorization": "right"}, "grant_type=password&scope=vendors.read", 400),
        ({"authorization": "right"}, "grant_type=client_credentials&scope=vendors.read%20moon.write", 400),
        ({"authorization": "right", "content-type": "application/json"}, "{}", 422),
    ],
)
def test_a_token_is_refused(headers: dict[str, str], form: str, status: int) -> None:
    office = Office()
    right = basic(office.facts["client_id"], office.facts["client_secret"])
    sent = {"content-type": "application/x-www-form-urlencoded"} | headers
    sent = {name: right if value == "right" else value for name, value in sent.items()}
    answer = office.basware.answer(Request("POST", "/v1/tokens", "", sent, form.encode()), office.now)
    assert answer.status == status
    assert json.loads(answer.body).keys() <= {"error", "error_description", "detail"}


def test_a_token_of_five_minutes_dies_in_the_middle_of_a_batch() -> None:
    office = Office()
    office.do("client", client_id=office.facts["client_id"], life_s=300)
    assert office.call("POST", "/v1/paymentTerms", [term()])[0] == 200
    office.wait(seconds=299)
    assert office.call("POST", "/v1/paymentTerms", [term("60")])[0] == 200
    office.wait(seconds=2)
    assert office.call("POST", "/v1/paymentTerms", [term("90")]) == (401, None)
    office.renew()
    assert office.call("POST", "/v1/paymentTerms", [term("90")])[0] == 200


@pytest.mark.parametrize("life", [299, 86_401])
def test_a_client_has_tokens_of_five_minutes_to_a_day(life: int) -> None:
    with pytest.raises(ValueError, match="life_s"):
        Office().do("client", life_s=life)


def test_basic_authentication_serves_instead_of_a_token_but_not_beside_one() -> None:
    office = Office()
    user = office.facts["basic_user"]
    header = {"authorization": basic(user["user"], user["password"])}
    assert office.call("POST", "/v1/paymentTerms", [term()], headers=header)[0] == 200
    both = {"authorization": f"{header['authorization']}, Bearer {office.token()}"}
    assert office.call("GET", "/v1/paymentTerms", headers=both)[0] == 400
    client = {"authorization": basic(office.facts["client_id"], office.facts["client_secret"])}
    assert office.call("GET", "/v1/paymentTerms", headers=client) == (401, None)


def test_a_missing_scope_is_a_403_for_reading_writing_and_deleting() -> None:
    office = Office()
    token = office.grant("vendors.read")[1]["access_token"]
    header = {"authorization": f"Bearer {token}"}
    assert office.call("GET", "/v1/vendors", headers=header) == (404, None)
    assert office.refused("POST", "/v1/vendors", [vendor()], headers=header)[0] == 403
    assert office.refused("DELETE", "/v1/vendors", {"externalCode": "x"}, headers=header)[0] == 403
    assert office.refused("GET", "/v1/accounts", headers=header)[0] == 403


def test_tenants_see_nothing_of_each_other() -> None:
    office = Office()
    office.post("/v1/paymentTerms", [term()])
    other = office.do("seed_tenant", tenant_id="other")
    token = office.grant("paymentTerms.read", "requestStatus.read", facts=other)[1]["access_token"]
    header = {"authorization": f"Bearer {token}"}
    mine = office.request_id
    office.settle()
    assert office.call("GET", "/v1/paymentTerms", headers=header)[0] == 404
    assert office.call("GET", f"/v1/requestStatus/{mine}", headers=header)[0] == 404


def test_every_reply_names_its_request() -> None:
    office = Office()
    paths = ("/v1/vendors", "/v1/nowhere", "/v1/tasks", "/.well-known/jwks.json", "/bw-store/nothing")
    answers = [office.basware.answer(Request("GET", path), office.now) for path in paths]
    ids = {dict(answer.headers)["x-amzn-RequestId"] for answer in answers}
    assert len(ids) == len(paths)


def test_a_wrong_method_is_a_405_and_a_misspelt_filter_a_400() -> None:
    office = Office()
    assert office.call("PUT", "/v1/vendors", [vendor()]) == (405, None)
    assert office.call("GET", "/v1/nowhere") == (404, None)
    assert office.refused("GET", "/v1/accountingDocuments", processingStatus="New")[0] == 400
    assert office.refused("GET", "/v1/vendors", pageSize=501)[0] == 400
    assert office.refused("GET", "/v1/vendors", lastUpdated="yesterday")[0] == 400


def test_more_calls_than_allowed_are_429_with_or_without_retry_after() -> None:
    office = Office()
    office.do("knobs", calls_per_minute=1)
    office.call("GET", "/v1/vendors")
    answer = office.send("GET", "/v1/vendors")
    assert (answer.status, dict(answer.headers)["Retry-After"]) == (429, "5")
    office.do("knobs", retry_after="")
    assert "Retry-After" not in dict(office.send("GET", "/v1/vendors").headers)
    office.wait(seconds=61)
    assert office.call("GET", "/v1/vendors")[0] == 404


def test_a_500_after_the_commit_has_taken_effect() -> None:
    office = Office()
    office.do("fail_next", status=500, operation="POST /v1/paymentTerms", after_commit=True)
    assert office.refused("POST", "/v1/paymentTerms", [term()])[0] == 500
    failed = office.request_id
    office.settle()
    assert office.items(failed) == {"term-30": "Success"}
    assert office.outcome("/v1/paymentTerms", [term()]) == "NotProcessed"


@pytest.mark.parametrize("status", [401, 403, 409, 429, 500, 502, 503])
def test_a_fault_before_the_commit_has_none(status: int) -> None:
    office = Office()
    office.token()
    office.do("fail_next", status=status, retry_after="7")
    answer = office.send("POST", "/v1/paymentTerms", [term()])
    assert (answer.status, dict(answer.headers)["Retry-After"]) == (status, "7")
    assert office.call("GET", "/v1/paymentTerms") == (404, None)


def test_fault_rules_of_the_core_strike_by_operation() -> None:
    basware = Faulty(Basware())
    office = Office(basware=basware)  # type: ignore[arg-type] # the same contract, with faults around it
    basware.add({"match": {"operation": "POST /v1/matchingOrders"}, "effect": {"kind": "cut_after"}})
    answer = office.send("POST", "/v1/matchingOrders", [order()])
    assert answer.cut
    assert len(office.get("/v1/matchingOrders")["matchingOrders"]) == 1
    assert basware.calls["GET /v1/matchingOrders"] == 1


def test_expired_tokens_are_refused_at_once() -> None:
    office = Office()
    office.token()
    assert office.do("expire_tokens") == {"expired": 1}
    assert office.call("GET", "/v1/vendors")[0] == 401


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("dance", {}),
        ("knobs", {"colour": 1}),
        ("knobs", {"signature": "rot13"}),
        ("knobs", {"paused": 1}),
        ("invoice", {"kind": "golden"}),
        ("invoice", {"kind": "exact"}),
        ("invoice", {"order_number": "PO404"}),
        ("invoice", {"company_code": "XX"}),
        ("invoice", {"status": "Lost"}),
        ("approve", {"invoice_id": "nope"}),
        ("retransfer", {}),
        ("seed_records", {"resource": "moons", "records": []}),
        ("seed_records", {"resource": "vendors", "records": [{"externalCode": "x"}]}),
        ("seed_records", {"resource": "vendors", "records": [vendor()]}),
        ("slow_next", {"seconds": 1, "entity_type": "Moon"}),
        ("fail_next", {"status": 418}),
        ("push_again", {}),
        ("truth", {"tenant_id": "nobody"}),
        ("client", {"scopes": ["moon.read"]}),
    ],
)
def test_a_verb_that_makes_no_sense_says_why(verb: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Office().do(verb, **arguments)


def test_the_same_seed_gives_the_same_world_and_reset_gives_it_again() -> None:
    first, second = Office(), Office()
    assert first.facts == second.facts
    assert first.do("invoice") == second.do("invoice")
    first.do("reset")
    assert Office(basware=first.basware).facts == second.facts
    assert first.do("truth")["documents"] == {}


def test_time_never_runs_backwards() -> None:
    office = Office()
    office.post("/v1/paymentTerms", [term()])
    first = office.request_id
    office.settle()
    assert office.items(first) == {"term-30": "Success"}
    office.now -= timedelta(minutes=5)
    assert office.items(first) == {"term-30": "Success"}
