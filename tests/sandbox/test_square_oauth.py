"""Tokens of the pretend Square: grants, rotation, scopes, expiry, revocation."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from ml_connector_sandbox.core.wire import Request, Response
from tests.sandbox.square_shop import Shop

CALLBACK = "https://a.example.test/cb"


def visit(shop: Shop, **query: str) -> Response:
    wanted = {"client_id": shop.facts["application_id"], "scope": "PAYMENTS_READ ORDERS_READ", "state": "s1"} | query
    return shop.square.answer(Request("GET", "/oauth2/authorize", urlencode(wanted)), shop.now)


def code_from(answer: Response) -> str:
    target = dict(answer.headers)["Location"]
    assert target.startswith(CALLBACK)
    return parse_qs(urlsplit(target).query)["code"][0]


def exchange(shop: Shop, **fields: Any) -> tuple[int, Any]:
    client = {"client_id": shop.facts["application_id"], "client_secret": shop.facts["application_secret"]}
    wanted = {k: v for k, v in (client | fields).items() if v is not None}
    return shop.call("POST", "/oauth2/token", wanted, token="stray")


def by_code(shop: Shop, **query: str) -> Any:
    status, answer = exchange(
        shop, grant_type="authorization_code", code=code_from(visit(shop, sandbox_consent="allow", **query))
    )
    assert status == 200, answer
    return answer


def test_the_consent_page_offers_every_merchant_and_its_links_lead_back() -> None:
    shop = Shop()
    page = visit(shop)
    assert page.status == 200
    assert "PAYMENTS_READ" in page.body.decode()
    link = page.body.decode().split("href='")[1].split("'")[0].replace("&amp;", "&")
    path, query = link.split("?", 1)
    again = shop.square.answer(Request("GET", path, query), shop.now)
    assert again.status == 302
    assert parse_qs(urlsplit(dict(again.headers)["Location"]).query)["state"] == ["s1"]


def test_a_refusal_comes_back_as_access_denied() -> None:
    target = dict(visit(Shop(), sandbox_consent="deny").headers)["Location"]
    assert "error=access_denied" in target
    assert "error_description=user_denied" in target


def test_a_code_works_once_and_for_five_minutes() -> None:
    shop = Shop()
    code = code_from(visit(shop, sandbox_consent="allow"))
    assert exchange(shop, grant_type="authorization_code", code=code)[0] == 200
    assert exchange(shop, grant_type="authorization_code", code=code)[0] == 401
    stale = code_from(visit(shop, sandbox_consent="allow"))
    shop.wait(minutes=6)
    assert exchange(shop, grant_type="authorization_code", code=stale)[0] == 401


def test_the_code_flow_keeps_its_refresh_token_and_may_narrow_but_not_widen() -> None:
    shop = Shop()
    first = by_code(shop)
    status, second = exchange(shop, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert (status, second["refresh_token"]) == (200, first["refresh_token"])
    assert second["access_token"] != first["access_token"]
    narrow = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"], "scopes": ["ORDERS_READ"]}
    narrowed = exchange(shop, **narrow)[1]["access_token"]
    assert shop.refused("GET", "/v2/payments", token=narrowed) == (403, "INSUFFICIENT_SCOPES")
    assert exchange(shop, **narrow | {"scopes": ["VENDOR_READ"]})[0] == 400
    assert exchange(shop, **narrow | {"client_secret": "wrong"})[0] == 401


def test_the_pkce_flow_rotates_a_single_use_refresh_token_of_ninety_days() -> None:
    shop = Shop()
    verifier = "v" * 50
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    code = code_from(visit(shop, sandbox_consent="allow", code_challenge=challenge))
    public: dict[str, Any] = {"client_secret": None}
    assert exchange(shop, grant_type="authorization_code", code=code, code_verifier="x", **public)[0] == 401
    status, first = exchange(shop, grant_type="authorization_code", code=code, code_verifier=verifier, **public)
    assert (status, first["refresh_token_expires_at"]) == (200, "2026-05-01T12:00:00Z")
    status, second = exchange(shop, grant_type="refresh_token", refresh_token=first["refresh_token"], **public)
    assert status == 200
    assert second["refresh_token"] != first["refresh_token"]
    assert exchange(shop, grant_type="refresh_token", refresh_token=first["refresh_token"], **public)[0] == 401
    shop.wait(days=91)
    assert exchange(shop, grant_type="refresh_token", refresh_token=second["refresh_token"], **public)[0] == 401


def test_a_migration_token_becomes_a_grant_once() -> None:
    shop = Shop()
    old = shop.do("migration_token", token=shop.facts["oauth_token"])["migration_token"]
    status, answer = exchange(shop, grant_type="migration_token", migration_token=old)
    assert (status, answer["merchant_id"]) == (200, shop.facts["merchant_id"])
    assert exchange(shop, grant_type="migration_token", migration_token=old)[0] == 401


def test_tokens_expire_after_thirty_days_or_one_when_short_lived() -> None:
    shop = Shop()
    long = by_code(shop)
    short = exchange(shop, grant_type="refresh_token", refresh_token=long["refresh_token"], short_lived=True)[1]
    shop.wait(hours=24)
    assert shop.refused("GET", "/v2/payments", token=short["access_token"]) == (401, "ACCESS_TOKEN_EXPIRED")
    assert shop.call("GET", "/v2/payments", token=long["access_token"])[0] == 200
    shop.wait(days=29)
    assert shop.refused("GET", "/v2/payments", token=long["access_token"]) == (401, "ACCESS_TOKEN_EXPIRED")
    assert shop.call("GET", "/v2/payments", token=shop.facts["pat"])[0] == 200


def test_status_tells_scopes_and_a_personal_token_has_no_expiry() -> None:
    shop = Shop()
    token = by_code(shop)["access_token"]
    status = shop.call("POST", "/oauth2/token/status", token=token)[1]
    assert (status["scopes"], status["merchant_id"]) == (["PAYMENTS_READ", "ORDERS_READ"], shop.facts["merchant_id"])
    assert shop.call("POST", "/oauth2/token/status", token=shop.facts["pat"])[1]["expires_at"] == ""
    shop.do("expire_token", token=token)
    assert shop.refused("POST", "/oauth2/token/status", token=token) == (401, "ACCESS_TOKEN_EXPIRED")
    assert shop.refused("POST", "/oauth2/token/status", token="nobody's") == (401, "UNAUTHORIZED")


def test_revoking_needs_the_client_header_and_kills_the_whole_grant() -> None:
    shop = Shop()
    shop.subscribe("oauth.authorization.revoked")
    body = {"client_id": shop.facts["application_id"], "merchant_id": shop.facts["merchant_id"]}
    assert shop.refused("POST", "/oauth2/revoke", body) == (401, "UNAUTHORIZED")
    client = {"authorization": f"Client {shop.facts['application_secret']}"}
    both = body | {"access_token": shop.facts["oauth_token"]}
    assert shop.refused("POST", "/oauth2/revoke", both, headers=client) == (400, "CONFLICTING_PARAMETERS")
    assert shop.call("POST", "/oauth2/revoke", body, headers=client) == (200, {"success": True})
    assert shop.refused("GET", "/v2/payments") == (401, "ACCESS_TOKEN_REVOKED")
    assert exchange(shop, grant_type="refresh_token", refresh_token=shop.facts["refresh_token"])[0] == 401
    (event,) = shop.events()
    assert event["data"]["object"]["revocation"]["revoker_type"] == "APPLICATION"


def test_revoking_only_the_access_token_keeps_the_grant() -> None:
    shop = Shop()
    body = {
        "client_id": shop.facts["application_id"], "access_token": shop.facts["oauth_token"],
        "revoke_only_access_token": True,
    }  # fmt: skip
    client = {"authorization": f"Client {shop.facts['application_secret']}"}
    assert shop.call("POST", "/oauth2/revoke", body, headers=client)[0] == 200
    assert shop.refused("GET", "/v2/payments") == (401, "ACCESS_TOKEN_REVOKED")
    assert exchange(shop, grant_type="refresh_token", refresh_token=shop.facts["refresh_token"])[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/v2/payments", "PAYMENTS_READ"),
        ("GET", "/v2/payouts", "PAYOUTS_READ"),
        ("POST", "/v2/orders/search", "ORDERS_READ"),
        ("POST", "/v2/vendors/search", "VENDOR_READ"),
        ("GET", "/v2/disputes", "DISPUTES_READ"),
        ("POST", "/v2/payments", "PAYMENTS_WRITE"),
    ],
)
def test_each_endpoint_wants_its_own_scope(method: str, path: str, scope: str) -> None:
    shop = Shop()
    shop.do("reset")
    shop.facts = shop.do("seed_merchant", scopes=["MERCHANT_PROFILE_READ"])
    status, answer = shop.call(method, path, {} if method == "POST" else None)
    assert (status, answer["errors"][0]["category"]) == (403, "AUTHENTICATION_ERROR")
    assert scope in answer["errors"][0]["detail"]


def test_two_merchants_share_an_application_and_see_only_their_own() -> None:
    shop = Shop()
    other = shop.do("seed_merchant", name="Second", application_id=shop.facts["application_id"])
    key = shop.do("sell")["payment_ids"][0]
    assert other["pat"] == shop.facts["pat"]
    assert shop.refused("GET", f"/v2/payments/{key}", token=other["oauth_token"]) == (404, "NOT_FOUND")
    shop.subscribe("payment.created")
    shop.do("sell", merchant_id=other["merchant_id"])
    assert [e["merchant_id"] for e in shop.events()] == [other["merchant_id"]]
