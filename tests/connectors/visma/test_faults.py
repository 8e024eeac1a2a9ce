"""Refusals in every shape this API uses, and what each means to whoever called."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from ml_connector.connectors.http import Answer
from ml_connector.connectors.visma.faults import fault, rate_of, words
from ml_connector.errors import (
    Conflict,
    ConnectorError,
    NeedsApproval,
    NotAuthorized,
    NotFound,
    RateLimited,
    Rejected,
    Transient,
    UnknownOutcome,
)
from tests.connectors.visma.builders import FakeVisma, context, payroll, writer

JOURNAL = "/v2/journaltransaction"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"message": "'Account' cannot be empty."}, "'Account' cannot be empty"),
        (
            {
                "Message": "The request is invalid.",
                "modelState": {"invoice.customerNumber": ["is unknown", "is short"]},
            },
            "The request is invalid.; invoice.customerNumber: is unknown is short",
        ),
        (
            {
                "ExceptionType": "IPPException",
                "ExceptionMessage": "No rights.",
                "ExceptionFaultCode": "1",
                "ExceptionDetails": "",
            },
            "No rights",
        ),
        ({"statusCode": 401, "message": "Access denied"}, "Access denied"),
        ({"error": {"message": "inner"}}, "inner"),
        ("just text", "just text"),
        ({}, ""),
        (b"plain text", "plain text"),
        (b"<html><style>x{}</style><h1>502 Bad Gateway</h1></html>", "502 Bad Gateway"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"", ""),
    ],
)
def test_the_vendors_words_are_kept_whatever_shape_they_come_in(body: Any, said: str) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    assert words(Answer(400, {}, raw)) == said


def test_a_novel_is_cut_to_five_hundred_characters() -> None:
    assert len(words(Answer(400, {}, json.dumps({"message": "x" * 5000}).encode()))) == 500


@pytest.mark.parametrize(
    ("method", "status", "kind"),
    [
        ("POST", 400, Rejected),
        ("POST", 403, NotAuthorized),
        ("GET", 404, NotFound),
        ("POST", 409, Rejected),
        ("POST", 410, Rejected),
        ("PUT", 412, Conflict),
        ("POST", 415, Rejected),
        ("POST", 429, RateLimited),
        ("POST", 500, UnknownOutcome),
        ("POST", 502, UnknownOutcome),
        ("POST", 503, UnknownOutcome),
        ("POST", 504, UnknownOutcome),
        ("POST", 408, UnknownOutcome),
        ("PUT", 500, UnknownOutcome),
        ("GET", 500, Transient),
        ("GET", 503, Transient),
        ("GET", 302, Rejected),
    ],
)
def test_each_status_means_one_thing(method: str, status: int, kind: type[ConnectorError]) -> None:
    assert type(fault(Answer(status, {}, b""), method=method, where=f"{method} /x")) is kind


def test_a_segment_is_refused_with_500_as_declared() -> None:
    assert type(fault(Answer(500, {}, b""), method="PUT", where="PUT /v1/dimension/SUBACCOUNT/1")) is Rejected


@pytest.mark.parametrize(
    ("headers", "wait"),
    [({"retry-after": "37"}, 37.0), ({"x-ratelimit-reset": "120"}, 120.0), ({"retry-after": "soon"}, 60.0), ({}, 60.0)],
)
def test_a_rate_limit_says_how_long_to_wait(headers: dict[str, str], wait: float) -> None:
    limited = fault(
        Answer(429, headers, b'{"statusCode":429,"message":"Rate limit is exceeded."}'), method="POST", where="POST /x"
    )
    assert isinstance(limited, RateLimited)
    assert limited.retry_after_s == wait


@pytest.mark.parametrize(
    ("method", "where", "scope"),
    [
        ("GET", "GET /v1/account", "read"),
        ("POST", "POST /v1/customer", "create"),
        ("PUT", "PUT /v1/customer/1", "update"),
    ],
)
def test_a_missing_scope_is_named(method: str, where: str, scope: str) -> None:
    assert f"vismanet_erp_service_api:{scope}" in fault(Answer(403, {}, b""), method=method, where=where).fix


def test_for_an_action_both_possible_scopes_are_named() -> None:
    refused = fault(Answer(403, {}, b""), method="POST", where=f"POST {JOURNAL}/1/action/release")
    assert "api:create (or vismanet_erp_service_api:update)" in refused.fix


def test_a_company_without_licence_stops_the_connection() -> None:
    body = {"ExceptionType": "IPPException", "ExceptionMessage": "No license.", "ExceptionFaultCode": "12027"}
    refused = fault(Answer(400, {}, json.dumps(body).encode()), method="POST", where="POST /x")
    assert isinstance(refused, NotAuthorized)
    assert "No license" in refused.what


def test_the_budget_is_read_from_an_answers_headers() -> None:
    headers = {
        "x-ratelimit-limit": "500",
        "x-ratelimit-remaining": "17",
        "x-ratelimit-reset": "1800",
        "x-ratelimit-policy": "4-fixed-window",
    }
    told = rate_of(Answer(200, headers, b""))
    assert told is not None
    assert (told.limit, told.remaining, told.reset_s, told.policy) == (500, 17, 1800, "4-fixed-window")
    assert rate_of(Answer(200, {}, b"")) is None
    assert rate_of(Answer(200, {"x-ratelimit-limit": "many", "x-ratelimit-remaining": "1"}, b"")) is None


def test_a_lost_answer_to_a_post_is_unknown_and_is_not_sent_again() -> None:
    visma = FakeVisma().by("POST", JOURNAL, _cut)
    with pytest.raises(UnknownOutcome):
        writer(visma).create("journal", payroll(), context())
    assert visma.calls() == [f"POST {JOURNAL}"]


def test_a_lost_answer_to_a_get_may_be_asked_again() -> None:
    with pytest.raises(Transient):
        writer(FakeVisma().by("GET", "/v1/account", _cut)).chart()


def _cut(request: httpx2.Request) -> httpx2.Response:
    raise httpx2.ReadError("cut", request=request)


@pytest.mark.parametrize(
    "error", ["invalid_grant", "unauthorized_client", "access_denied", "invalid_scope", "invalid_request"]
)
def test_every_word_for_a_missing_approval_is_understood(error: str) -> None:
    visma = FakeVisma(token=lambda _: httpx2.Response(400, json={"error": error, "error_description": "Tenant?"}))
    with pytest.raises(NeedsApproval) as refused:
        writer(visma).create("journal", payroll(), context())
    assert error in refused.value.what
    assert visma.calls() == []


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, b'{"error":"invalid_client"}', NotAuthorized),
        (418, b"teapot", NotAuthorized),
        (429, b"", RateLimited),
        (503, b"<html>down</html>", Transient),
        (200, b"not json", Transient),
        (200, b"[]", Transient),
        (200, b'{"expires_in":1}', Transient),
        (200, b'{"access_token":""}', NotAuthorized),
    ],
)
def test_other_refusals_of_the_token_endpoint(status: int, body: bytes, kind: type[ConnectorError]) -> None:
    visma = FakeVisma(token=lambda _: httpx2.Response(status, content=body))
    with pytest.raises(kind) as refused:
        writer(visma).create("journal", payroll(), context())
    assert type(refused.value) is kind


def test_a_lost_token_answer_did_no_harm() -> None:
    with pytest.raises(Transient):
        writer(FakeVisma(token=_cut)).create("journal", payroll(), context())


def test_a_refused_token_is_replaced_once_and_then_the_person_is_told() -> None:
    visma = FakeVisma().on("POST", JOURNAL, 401, {"statusCode": 401, "message": "Unauthorized"})
    with pytest.raises(NotAuthorized) as refused:
        writer(visma).create("journal", payroll(), context())
    assert [request.url.path for request in visma.requests] == ["/connect/token", JOURNAL, "/connect/token", JOURNAL]
    assert "not the company's" in refused.value.fix


def test_no_secret_is_in_what_is_said_or_shown() -> None:
    visma = FakeVisma(token=lambda _: httpx2.Response(401, json={"error": "invalid_client"}))
    there = writer(visma)
    with pytest.raises(NotAuthorized) as refused:
        there.create("journal", payroll(), context())
    assert "hush-hush" not in str(refused.value) + repr(there.client.account) + repr(vars(there.client))
