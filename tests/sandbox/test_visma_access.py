"""Who gets into the pretend ERP, how often, and what a refusal looks like."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from ml_connector_sandbox.core.faults import Faulty
from ml_connector_sandbox.core.wire import Request
from ml_connector_sandbox.visma import Visma
from tests.sandbox.visma_office import NOON, SCOPES, header, journal, office, token_answer


def test_a_token_is_for_one_tenant_and_ends_after_an_hour() -> None:
    shop = office()
    assert shop.get("/v1/dimension")[0] == "SUBACCOUNT"
    shop.wait(seconds=3599)
    shop.get("/v1/dimension")
    shop.wait(seconds=1)
    assert shop.call("GET", "/v1/dimension").status == 401


def test_there_is_no_refresh_token() -> None:
    shop = office()
    answer = json.loads(token_answer(shop.vendor, shop.company).body)
    assert set(answer) == {"access_token", "expires_in", "token_type", "scope"}


def test_a_wrong_secret_is_an_invalid_client() -> None:
    shop = office()
    answer = token_answer(shop.vendor, shop.company, client_secret="guess")
    assert (answer.status, json.loads(answer.body)) == (401, {"error": "invalid_client"})


def test_credentials_may_come_as_basic_authorization() -> None:
    shop = office()
    pair = f"{shop.company['client_id']}:{shop.company['client_secret']}"
    basic = base64.b64encode(pair.encode()).decode()
    form = f"grant_type=client_credentials&tenant_id={shop.company['tenant_id']}&scope={SCOPES.replace(' ', '+')}"
    request = Request("POST", "/connect/token", headers={"authorization": f"Basic {basic}"}, body=form.encode())
    assert shop.vendor.answer(request, NOON).status == 200


@pytest.mark.parametrize("state", ["unapproved", "revoked"])
def test_a_tenant_that_has_not_approved_gives_no_token(state: str) -> None:
    vendor = Faulty(Visma(seed=1))
    company = vendor.control("seed_company", {"approval": state}, NOON)
    answer = token_answer(vendor, company)
    assert (answer.status, json.loads(answer.body)["error"]) == (400, "unauthorized_client")


def test_the_customer_tenant_gives_a_token_that_opens_nothing() -> None:
    shop = office()
    answer = token_answer(shop.vendor, shop.company, tenant_id=shop.company["customer_tenant_id"])
    assert answer.status == 200
    shop.token = json.loads(answer.body)["access_token"]
    assert shop.call("GET", "/v1/dimension").status == 401


def test_a_scope_that_was_not_granted_is_refused_at_the_token() -> None:
    vendor = Faulty(Visma(seed=1))
    company = vendor.control("seed_company", {"scopes": ["vismanet_erp_service_api:read"]}, NOON)
    answer = token_answer(vendor, company)
    assert json.loads(answer.body) == {"error": "invalid_scope"}


def test_a_token_without_the_create_scope_may_not_post() -> None:
    shop = office()
    answer = token_answer(shop.vendor, shop.company, scope="vismanet_erp_service_api:read")
    shop.token = json.loads(answer.body)["access_token"]
    shop.get("/v1/account")
    assert shop.call("POST", "/v2/journaltransaction", journal()).status == 403


def test_revoking_stops_a_living_token() -> None:
    shop = office()
    shop.control("revoke_tenant")
    assert shop.call("GET", "/v1/account").status == 401


def test_expiring_tokens_stops_them_all() -> None:
    shop = office()
    assert shop.control("expire_tokens") == {"expired": 1}
    assert shop.call("GET", "/v1/account").status == 401


def test_every_answer_tells_the_budget_and_the_last_one_when_to_come_back() -> None:
    shop = office()
    shop.control("set_rate_limit", limit=2)
    shop.get("/v1/dimension")
    assert header(shop.last, "X-RateLimit-Remaining") == "1"
    assert shop.call("GET", "/v1/nowhere").status == 404
    assert header(shop.last, "X-RateLimit-Remaining") == "0"
    assert shop.call("GET", "/v1/dimension").status == 429
    assert header(shop.last, "Retry-After") == "3600"
    assert json.loads(shop.last.body)["statusCode"] == 429
    token = shop.token
    shop.wait(seconds=3600)
    shop.token = json.loads(token_answer(shop.vendor, shop.company, shop.at).body)["access_token"]
    assert token != shop.token
    shop.get("/v1/dimension")


def test_two_companies_have_budgets_of_their_own() -> None:
    vendor = Faulty(Visma(seed=3))
    one, other = office(vendor), office(vendor)
    one.control("set_rate_limit", limit=1)
    one.get("/v1/dimension")
    assert one.call("GET", "/v1/dimension").status == 429
    other.get("/v1/dimension")


def test_two_companies_do_not_see_each_other() -> None:
    vendor = Faulty(Visma(seed=3))
    one, other = office(vendor), office(vendor)
    number = one.create("/v2/journaltransaction", journal())
    assert other.call("GET", f"/v2/journaltransaction/{number}").status == 404


def test_the_legacy_path_any_casing_and_encoded_values_are_the_same_resource() -> None:
    shop = office()
    key = base64.urlsafe_b64encode(b"1910").decode().rstrip("=")
    assert shop.get("/API/controller/api/v1/account/1910") == shop.get(f"/V1/ACCOUNT/b64({key})")


def test_a_required_company_header_that_is_wrong_gives_an_empty_list() -> None:
    shop = office(preferences={"company_header": "required"})
    assert shop.get("/v1/account") == []
    assert shop.get("/v1/account", ipp_company_id=str(shop.company["company_id"])) != []


def test_a_company_without_licence_answers_in_the_exception_shape() -> None:
    shop = office(preferences={"licensed": False})
    answer = shop.call("GET", "/v1/account")
    assert json.loads(answer.body)["ExceptionFaultCode"] == "12027"


def test_an_unknown_field_and_a_missing_wrapper_are_model_state_errors() -> None:
    shop = office()
    bodies: list[dict[str, Any]] = [{"hold": True}, {"holdd": {"value": True}}, {"hold": {"value": "yes"}}]
    for body in [*bodies, {"journalTransactionLines": {}}]:
        answer = shop.call("POST", "/v2/journaltransaction", body)
        assert answer.status == 400
        assert set(json.loads(answer.body)) == {"Message", "modelState"}


def test_a_wrapper_where_none_belongs_is_refused() -> None:
    shop = office()
    body = journal()
    body["journalTransactionLines"][0]["operation"] = {"value": "Insert"}
    assert "operation" in shop.refused("POST", "/v2/journaltransaction", body)


def test_location_may_name_the_legacy_host() -> None:
    shop = office(preferences={"location_host": "legacy"})
    shop.create("/v2/journaltransaction", journal())
    place = header(shop.last, "Location")
    assert place.startswith("https://integration.visma.net/API/controller/api/v2/journaltransaction/GL")
