"""Every status, type and code -> the error that says whether the call may be made again; and in which words."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from ml_connector.errors import (
    ConnectorError,
    NotAuthorized,
    NotFound,
    RateLimited,
    Rejected,
    Transient,
    UnknownOutcome,
)
from tests.connectors.stripe.scripted import Scripted, error, reply

PATH = "/v1/customers"
HTML = httpx2.Response(502, content=b"<html><h1>Bad gateway</h1></html>", headers={"content-type": "text/html"})


def fault(answer: Any, method: str = "POST") -> ConnectorError:
    client = Scripted({PATH: answer}).client()
    calls = {
        "POST": lambda: client.post(PATH, {"name": "x"}, key="k"),
        "DELETE": lambda: client.delete(PATH, operation="DELETE"),
        "GET": lambda: client.get(PATH),
    }
    with pytest.raises(ConnectorError) as caught:
        calls[method]()
    return caught.value


REFUSALS: list[tuple[int, str, str, type[ConnectorError]]] = [
    (400, "", "invalid_request_error", Rejected),
    (400, "parameter_unknown", "invalid_request_error", Rejected),
    (400, "parameter_missing", "invalid_request_error", Rejected),
    (400, "parameter_invalid_integer", "invalid_request_error", Rejected),
    (400, "resource_missing", "invalid_request_error", Rejected),
    (400, "invoice_not_editable", "invalid_request_error", Rejected),
    (400, "invoice_no_customer_line_items", "invalid_request_error", Rejected),
    (400, "invoice_payment_intent_requires_action", "invalid_request_error", Rejected),
    (400, "amount_too_small", "invalid_request_error", Rejected),
    (400, "charge_already_refunded", "invalid_request_error", Rejected),
    (400, "customer_tax_location_invalid", "invalid_request_error", Rejected),
    (400, "tax_id_invalid", "invalid_request_error", Rejected),
    (400, "payout_reconciliation_not_ready", "invalid_request_error", Transient),
    (400, "", "idempotency_error", Rejected),
    (401, "", "invalid_request_error", NotAuthorized),
    (401, "api_key_expired", "invalid_request_error", NotAuthorized),
    (402, "card_declined", "card_error", Rejected),
    (403, "", "invalid_request_error", NotAuthorized),
    (404, "resource_missing", "invalid_request_error", NotFound),
    (405, "", "invalid_request_error", Rejected),
    (409, "", "invalid_request_error", Transient),
    (409, "idempotency_key_in_use", "invalid_request_error", Transient),
    (424, "", "api_error", Transient),
    (429, "", "", RateLimited),
    (429, "rate_limit", "invalid_request_error", RateLimited),
    (429, "lock_timeout", "invalid_request_error", Transient),
]


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
@pytest.mark.parametrize(("status", "code", "kind", "ours"), REFUSALS)
def test_a_clear_refusal_is_surely_not_done_whatever_the_method(
    status: int, code: str, kind: str, ours: type[ConnectorError], method: str
) -> None:
    found = fault(error(status, code, kind=kind), method)
    assert type(found) is ours
    assert f"with {status}" in found.what
    assert code in found.what


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_failure_of_a_write_is_unknown_and_of_a_reading_passing(status: int) -> None:
    for method, ours in (("POST", UnknownOutcome), ("DELETE", UnknownOutcome), ("GET", Transient)):
        assert type(fault(error(status, kind="api_error"), method)) is ours


def test_the_status_decides_before_the_code() -> None:
    assert type(fault(error(500, "lock_timeout", kind="api_error"))) is UnknownOutcome
    assert type(fault(error(500, "rate_limit"))) is UnknownOutcome


@pytest.mark.parametrize(
    "body", [b"", b"<html></html>", b"[]", b'{"error":"x"}', b'{"error":{"code":7}}', b"\xff", b"[" * 9000]
)
def test_a_body_that_is_no_error_of_stripes_is_judged_by_its_status(body: bytes) -> None:
    assert type(fault(httpx2.Response(400, content=body))) is Rejected
    assert type(fault(httpx2.Response(429, content=body))) is RateLimited
    assert type(fault(httpx2.Response(503, content=body))) is UnknownOutcome


def test_an_html_page_of_a_gateway_says_nothing_of_a_write_and_is_tried_again_for_a_reading() -> None:
    assert type(fault(HTML)) is UnknownOutcome
    assert type(fault(HTML, "GET")) is Transient


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"", b"{", b"null"])
def test_a_good_status_without_a_json_object_is_no_success(body: bytes) -> None:
    assert type(fault(httpx2.Response(200, content=body))) is UnknownOutcome
    assert type(fault(httpx2.Response(200, content=body), "GET")) is Transient


@pytest.mark.parametrize("lost", [httpx2.ReadTimeout("x"), httpx2.RemoteProtocolError("x"), httpx2.ReadError("x")])
def test_an_answer_that_does_not_come_is_unknown_for_a_write(lost: Exception) -> None:
    client = Scripted(raises=lost).client()
    with pytest.raises(UnknownOutcome):
        client.post(PATH, {}, key="k")
    with pytest.raises(Transient):
        client.get(PATH)


def test_no_connection_is_surely_not_done() -> None:
    with pytest.raises(Transient):
        Scripted(raises=httpx2.ConnectError("x")).client().post(PATH, {}, key="k")


def test_a_refusal_names_its_field_and_stripes_request_and_never_the_key() -> None:
    found = fault(error(400, "parameter_unknown", message="Received unknown parameter: colour.", param="colour"))
    assert found.what == (
        "Stripe answered POST /v1/customers with 400: parameter_unknown. Received unknown parameter: colour "
        "(field colour) (request req_9)."
    )
    assert "rk_test" not in str(found)


def test_the_permission_a_403_names_in_its_message_is_in_the_fix() -> None:
    words = "The provided key 'rk_test_***' does not have the required permissions. Having 'rak_charge_read' would do."
    assert "Grant rak_charge_read to" in fault(error(403, message=words), "GET").fix
    assert "Grant the permission to" in fault(error(403, message="No."), "GET").fix


@pytest.mark.parametrize(
    ("header", "wait"), [("7", 7.0), ("999999", 3600.0), ("-1", None), ("soon", None), ("1e9", None), ("", None)]
)
def test_a_retry_after_is_obeyed_within_an_hour_and_none_is_promised(header: str, wait: float | None) -> None:
    found = fault(error(429, "rate_limit", **({"Retry-After": header} if header else {})))
    assert isinstance(found, RateLimited)
    assert found.retry_after_s == wait


def test_a_very_long_message_is_cut() -> None:
    assert len(fault(error(400, message="x" * 100_000)).what) < 500


def test_a_redirect_is_no_success() -> None:
    assert type(fault(reply(302, Location="https://elsewhere.example"))) is Transient


def test_a_failure_repeated_from_under_the_key_says_so() -> None:
    from ml_connector.connectors.stripe.faults import is_kept

    assert is_kept(fault(error(500, Idempotent_Replayed="true")))
    assert not is_kept(fault(error(500)))
    assert not is_kept(fault(error(400, Idempotent_Replayed="true")))
