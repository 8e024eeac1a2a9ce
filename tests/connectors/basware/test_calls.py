"""Tokens, pages, redirects, addresses, the ping: what goes over the wire and what comes of it."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import httpx2
import pytest

from ml_connector.connectors.basware import auth
from ml_connector.connectors.basware.addresses import base_of, open_http
from ml_connector.connectors.basware.checks import PROBES, ping
from ml_connector.connectors.basware.scopes import FILE_SCOPE, SCOPES
from ml_connector.connectors.shapes import Absent, Ping, SourceObject
from ml_connector.connectors.tokens import AccessToken
from ml_connector.errors import ConfigurationError, HostRefused, NotAuthorized, RateLimited, Transient, UsageError
from tests.connectors.basware.scripted import (
    BASE,
    CONTINUATION,
    CREDENTIALS,
    DOCUMENTS,
    NOW,
    TOKEN,
    Scripted,
    jwt,
    reply,
    token,
)  # fmt: skip

VENDOR = "/v1/vendors/x"
DOCUMENT = {"invoiceId": "D1", "processingStatus": "WaitingForTransfer", "lastUpdated": "2026-02-03T10:00:00Z"}


# ---------------------------------------------------------------------------------------------- tokens


def test_the_token_is_asked_for_once_with_both_form_fields_and_no_scope_that_deletes_records() -> None:
    script = Scripted({VENDOR: {"externalCode": "x"}})
    for _ in range(2):
        script.client().one("/v1/vendors", "x")
    (asked,) = script.to(TOKEN)
    form = parse_qs(asked.content.decode())
    assert form["grant_type"] == ["client_credentials"]
    scopes = form["scope"][0].split()
    assert {"vendors.write", "requestStatus.read"} <= set(scopes)
    assert [one for one in scopes if one.endswith(".delete")] == ["subscriptions.delete"]
    assert asked.headers["authorization"].startswith("Basic ")
    assert script.requests[-1].headers["authorization"] == "Bearer plain-1"


@pytest.mark.parametrize(("life", "exp_s", "serves_s"), [(3600, 600, 600), (60, 3600, 60), (300, None, 300)])
def test_a_token_serves_as_long_as_the_shorter_of_what_is_said_of_it(
    life: int, exp_s: int | None, serves_s: int
) -> None:
    text = jwt(int((NOW + timedelta(seconds=exp_s)).timestamp())) if exp_s else "a.b.c"
    script = Scripted({TOKEN: {"access_token": text, "expires_in": life}, VENDOR: {}})
    script.client().one("/v1/vendors", "x")
    assert script.cache.grants[0].expires_at == NOW + timedelta(seconds=serves_s)


def test_a_refused_token_is_replaced_once() -> None:
    script = Scripted({VENDOR: [httpx2.Response(401), reply(200, {})]})
    script.client().one("/v1/vendors", "x")
    assert script.tokens == 2
    script = Scripted({VENDOR: httpx2.Response(401)})
    with pytest.raises(NotAuthorized):
        script.client().one("/v1/vendors", "x")
    assert len(script.to(VENDOR)) == 2


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        (reply(400, {"error": "invalid_request", "error_description": "scope"}), NotAuthorized),
        (reply(401, {"error": "invalid_client"}), NotAuthorized),
        (reply(422, {"detail": [{"loc": ["body"], "msg": "field required", "type": "missing"}]}), NotAuthorized),
        (httpx2.Response(429), RateLimited),
        (httpx2.Response(500), Transient),
        (reply(200, {"access_token": ""}), Transient),
    ],
)
def test_a_refused_token_request_says_why(answer: httpx2.Response, raised: type[Exception]) -> None:
    with pytest.raises(raised):
        Scripted({TOKEN: answer}).client().token()


def test_user_and_password_go_on_every_call_where_there_is_no_client() -> None:
    script = Scripted({VENDOR: {}}, credentials={"user": "u", "password": "p"})
    script.client().one("/v1/vendors", "x")
    assert script.tokens == 0
    assert script.requests[0].headers["authorization"] == "Basic dTpw"
    with pytest.raises(ConfigurationError):
        Scripted(credentials={"client_id": "x"}).client()


def test_no_token_or_secret_is_printed() -> None:
    client = auth.client_of(CREDENTIALS, BASE)
    assert "bw-secret" not in repr(client)
    assert "plain" not in repr(AccessToken("plain", frozenset()))


# ---------------------------------------------------------------------------------------------- addresses


def test_the_region_chooses_the_address_and_a_typed_one_wins() -> None:
    assert base_of({}, BASE) == BASE
    assert base_of({"region": "us"}, BASE) == "https://us-api.basware.com"
    assert base_of({"region": "AU"}, "https://test-api.basware.com") == "https://test-api.basware.com"
    with pytest.raises(ConfigurationError, match="Type the address that Basware gave you"):
        base_of({"region": "CA"}, BASE)


def test_calls_go_to_the_tenant_and_to_baswares_stores_alone() -> None:
    http = open_http("api.ca.example", {}, transport=httpx2.MockTransport(lambda _r: httpx2.Response(200)))
    http.send("GET", "/v1/vendors", operation="x")
    http.send("GET", "https://x.s3.eu-west-1.amazonaws.com/f", operation="x")
    for url in ("https://evil.example/", "http://api.basware.com/", "https://amazonaws.com.evil.example/"):
        with pytest.raises(HostRefused):
            http.send("GET", url, operation="x")
    with pytest.raises(ConfigurationError):
        open_http("https://u:p@api.basware.com", {})


# ---------------------------------------------------------------------------------------------- reading


def test_an_empty_list_is_a_404() -> None:
    assert Scripted({"/v1/vendors": httpx2.Response(404)}).client().rows("/v1/vendors", "vendorEntities", {}) == []


def test_the_next_page_is_the_same_question_with_the_token_as_a_header() -> None:
    pages = [
        reply(200, {"vendorEntities": [{"n": 1}]}, **{"x-amz-meta-continuationtoken": "next"}),
        reply(200, {"vendorEntities": [{"n": 2}]}),
    ]
    script = Scripted({"/v1/vendors": pages})
    assert script.client().rows("/v1/vendors", "vendorEntities", {"pageSize": "500"}) == [{"n": 1}, {"n": 2}]
    first, second = script.to("/v1/vendors")
    assert first.url == second.url
    assert CONTINUATION not in first.headers
    assert second.headers[CONTINUATION] == "next"


@pytest.mark.parametrize("body", [{"matchingOrderLines": [{"n": 1}]}, [{"n": 1}], {"other": [{"n": 1}]}])
def test_lists_are_read_under_their_name_or_bare(body: object) -> None:
    script = Scripted({"/v1/matchingOrderLines": lambda _asked: reply(200, body)})
    assert script.client().rows("/v1/matchingOrderLines", "matchingOrderLines", {}) == [{"n": 1}]


def test_a_redirect_is_followed_by_hand_and_without_authorization() -> None:
    """A client that follows by itself keeps the header on the same host, and the store refuses it."""
    away = httpx2.Response(302, headers={"Location": "https://s3.eu-west-1.amazonaws.com/docs?sig=1"})
    home = httpx2.Response(302, headers={"Location": f"{BASE}/docs?sig=1"})

    def store(asked: httpx2.Request) -> httpx2.Response:
        return reply(400 if "authorization" in asked.headers else 200, {"accountingDocuments": [DOCUMENT]})

    for answer in (away, home):
        script = Scripted({DOCUMENTS: answer, "/docs": store})
        assert script.client().rows(DOCUMENTS, "accountingDocuments", {}) == [DOCUMENT]
    assert script.requests[-1].url.host == "api.basware.com"


def test_numbers_are_exact() -> None:
    script = Scripted({"/v1/vendors": httpx2.Response(200, content=b'{"v": [{"n": 0.1, "m": 1234567890.12}]}')})
    assert script.client().rows("/v1/vendors", "v", {}) == [{"n": Decimal("0.1"), "m": Decimal("1234567890.12")}]


def test_the_poll_reads_what_waits_and_what_changed_since() -> None:
    changed = {**DOCUMENT, "invoiceId": "D2", "processingStatus": "Paid", "lastUpdated": "2026-02-03T11:00:00Z"}

    def documents(asked: httpx2.Request) -> httpx2.Response:
        waiting = asked.url.params.get("ProcessingStatus") == "WaitingForTransfer"
        return reply(200, {"accountingDocuments": [DOCUMENT] if waiting else [changed]})

    script = Scripted({DOCUMENTS: documents})
    first = script.reader().page("accountingDocuments", None, now=NOW)
    assert [one.external_id for one in first.objects] == ["D1"]
    assert not first.more
    second = script.reader(company_codes="NO01").page("accountingDocuments", first.position, now=NOW)
    assert {one.external_id for one in second.objects} == {"D1", "D2"}
    assert script.requests[-2].url.params["lastUpdated"] == "2026-02-03T09:55:00.000Z"
    assert script.requests[-1].url.params["companyCode"] == "NO01"
    assert json.loads(second.position)["mark"] == "2026-02-03T11:00:00+00:00"
    with pytest.raises(UsageError):
        script.reader().page("accountingDocuments", "nonsense", now=NOW)


def test_a_document_is_fetched_by_its_id_and_comes_as_a_list_of_one() -> None:
    script = Scripted({f"{DOCUMENTS}/D1": {"accountingDocuments": [DOCUMENT]}, f"{DOCUMENTS}/D9": httpx2.Response(404)})
    found, absent = script.reader().fetch("accountingDocument", ["D1", "D9"])
    assert isinstance(found, SourceObject)
    assert found.payload == DOCUMENT
    assert isinstance(absent, Absent)


# ---------------------------------------------------------------------------------------------- ping


NOTHING = {probe.path: httpx2.Response(404) for probe in PROBES}


def pinged(answers: dict[str, Any], credentials: dict[str, str] | None = None, *, scope: str = "") -> Ping:
    script = Scripted({**NOTHING, **answers, **({TOKEN: token(scope=scope)} if scope else {})})
    given = CREDENTIALS if credentials is None else credentials
    return ping(script.http, given, script.settings, tokens=script.cache, clock=script.clock)


def test_the_ping_goes_through_the_scopes_and_names_each_missing_one_and_what_is_lost_without_it() -> None:
    told = pinged({"/v1/vendors": httpx2.Response(403)}, scope=" ".join({*SCOPES} - {"accounts.write"}))
    assert not told.ok
    wrong = {check.name: check for check in told.checks if not check.ok}
    assert set(wrong) == {"accounts", "vendors"}
    assert wrong["accounts"].sentence == "Not granted: accounts.write. Accounts are not sent."
    assert "accounts.write" in wrong["accounts"].fix
    assert wrong["vendors"].sentence.startswith("vendors.read: Basware answered GET /v1/vendors with 403")
    assert "Suppliers are not sent" in wrong["vendors"].sentence
    assert "the scope vendors.read" in wrong["vendors"].fix


def test_a_ping_of_a_client_with_every_scope_names_them_all() -> None:
    told = pinged({})
    assert told.ok
    said = {check.name: check.sentence for check in told.checks}
    assert said["vendors"] == "vendors.read works; vendors.write was granted."
    whole = " ".join(said.values())
    assert [scope for scope in (*SCOPES, FILE_SCOPE) if scope not in whole] == []


def test_the_right_to_hand_on_files_is_told_of_where_it_is_asked_for() -> None:
    wanted = {**CREDENTIALS, "scopes": f"+{FILE_SCOPE}"}
    refused = pinged({}, wanted, scope=" ".join(SCOPES))
    (wrong,) = [check for check in refused.checks if not check.ok]
    assert (wrong.name, wrong.sentence) == (
        "importDocuments", f"Not granted: {FILE_SCOPE}. Invoices are handed on as data, without their PDF.",
    )  # fmt: skip
    assert pinged({}, wanted, scope=" ".join((*SCOPES, FILE_SCOPE))).ok


def test_scopes_that_are_left_out_on_purpose_are_no_fault_save_the_one_that_nothing_works_without() -> None:
    fewer = "requestStatus.read vendors.read vendors.write"
    told = pinged({"/v1/accounts": httpx2.Response(403)}, {**CREDENTIALS, "scopes": fewer}, scope=fewer)
    assert told.ok
    said = {check.name: check.sentence for check in told.checks}
    assert said["accounts"] == "accounts.read is not asked for. Accounts are not sent."
    none = pinged({}, {**CREDENTIALS, "scopes": "vendors.read"}, scope="vendors.read")
    assert [check.name for check in none.checks if not check.ok] == ["requestStatus"]


def test_a_user_with_a_password_is_not_told_what_it_may_write() -> None:
    told = pinged({}, {"user": "u", "password": "p"})
    said = {check.name: check.sentence for check in told.checks}
    assert said["vendors"] == "vendors.read works; vendors.write shows when it is first used."


def test_a_token_that_one_scope_too_many_refuses_is_asked_for_scope_by_scope() -> None:
    def answer(asked: httpx2.Request) -> httpx2.Response:
        scopes = parse_qs(asked.content.decode())["scope"][0].split()
        wrong = {"error": "invalid_scope", "error_description": "a scope is not allowed"}
        return reply(400, wrong) if FILE_SCOPE in scopes or "lists.write" in scopes else reply(200, token())

    script = Scripted({TOKEN: answer})
    wanted = {**CREDENTIALS, "scopes": f"+{FILE_SCOPE}"}
    (check,) = ping(script.http, wanted, script.settings, tokens=script.cache, clock=script.clock).checks
    assert not check.ok
    assert check.sentence.endswith(f"Refused: lists.write, {FILE_SCOPE}.")
    assert f"grant lists.write, {FILE_SCOPE} to this client" in check.fix


def test_a_ping_that_reaches_nobody_says_where_to_look() -> None:
    script = Scripted({TOKEN: httpx2.Response(502)})
    (check,) = ping(script.http, CREDENTIALS, script.settings, tokens=script.cache, clock=script.clock).checks
    assert (check.name, check.ok) == ("token", False)
    assert "region or base URL" in check.fix


def test_a_ping_without_a_token_ends_there() -> None:
    script = Scripted({TOKEN: reply(401, {"error": "invalid_client"})})
    told = ping(script.http, CREDENTIALS, script.settings, tokens=script.cache, clock=script.clock)
    assert [check.name for check in told.checks] == ["token"]
    assert not told.ok
