"""Tokens, refusals, the ping, the watch: what goes over the wire and what comes of bad answers."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from ml_connector.connectors.http import Answer
from ml_connector.connectors.paypal import auth
from ml_connector.connectors.paypal.checks import PERMISSIONS, ping
from ml_connector.connectors.paypal.doorkeys import read_key
from ml_connector.connectors.paypal.faults import NotPermitted, NotServedYet, TooManyRows, judged
from ml_connector.connectors.paypal.subscriptions import vouching, watch
from ml_connector.connectors.paypal.system import SYSTEM
from ml_connector.connectors.paypal.webhooks import SUBSCRIBED
from ml_connector.errors import (
    ConfigurationError,
    Conflict,
    ConnectorError,
    NotAuthorized,
    NotFound,
    RateLimited,
    Rejected,
    Transient,
    UnknownOutcome,
)
from ml_connector.vault.tokens import TokenCache
from tests.connectors.paypal import payloads as paypal
from tests.connectors.paypal.scripted import (
    BASE,
    CERTIFICATES,
    CREDENTIALS,
    DISPUTES,
    INVOICES,
    NOW,
    REPORT,
    TOKEN,
    VERIFY,
    WEBHOOKS,
    Report,
    Scripted,
    error,
    reply,
    token,
)

CAPTURE = f"/v2/payments/captures/{paypal.CAPTURE}"
URL = "https://door.example/hooks/paypal/secret"


# ---------------------------------------------------------------------------------------------- tokens


def test_the_token_is_asked_for_once_with_the_clients_credentials_in_a_form() -> None:
    script = Scripted({CAPTURE: paypal.capture()})
    reader = script.reader()
    reader.fetch("capture", [paypal.CAPTURE])
    reader.fetch("capture", [paypal.CAPTURE])
    (asked,) = [request for request in script.requests if request.url.path == TOKEN]
    assert asked.read() == b"grant_type=client_credentials"
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert base64.b64decode(asked.headers["authorization"].removeprefix("Basic ")) == b"AX-client:EL-secret"
    assert script.requests[-1].headers["authorization"] == "Bearer A21AA-1"


def test_a_refused_token_is_replaced_once_and_the_call_made_again() -> None:
    script = Scripted({CAPTURE: [error("AUTHENTICATION_FAILURE", status=401), reply(200, paypal.capture())]})
    script.reader().fetch("capture", [paypal.CAPTURE])
    assert script.tokens == 2
    assert len(script.to(CAPTURE)) == 2


def test_a_second_refusal_is_final() -> None:
    script = Scripted({CAPTURE: reply(401, {"error": "invalid_token", "error_description": "Token revoked."})})
    with pytest.raises(NotAuthorized):
        script.reader().fetch("capture", [paypal.CAPTURE])
    assert len(script.to(CAPTURE)) == 2


def test_the_life_that_paypal_states_is_what_counts_when_it_gives_the_same_token_again() -> None:
    script = Scripted({TOKEN: token(life=600)})
    app = auth.app_of(CREDENTIALS, BASE)
    cache = TokenCache(script.clock)
    for minutes in (0, 5, 8, 9):
        script.clock.jump(NOW + timedelta(minutes=minutes))
        cache.get(app.key, lambda: auth.obtain(script.http, app, clock=script.clock))  # type: ignore[arg-type, return-value]
    assert script.tokens == 2  # at the start, and when four fifths of the ten minutes were over


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply(401, {"error": "invalid_client", "error_description": "Client Authentication failed"}), NotAuthorized),
        (reply(429, {"name": "RATE_LIMIT_REACHED"}, **{"Retry-After": "7"}), RateLimited),
        (reply(503, {}), Transient),
        (reply(200, {"access_token": ""}), Transient),
        (reply(200, {"access_token": "x", "expires_in": "soon"}), Transient),
        (httpx2.Response(200, content=b"<html>"), Transient),
    ],
)
def test_a_token_that_is_not_given_says_why(answer: httpx2.Response, kind: type[ConnectorError]) -> None:
    script = Scripted({TOKEN: answer})
    with pytest.raises(kind) as caught:
        script.reader().fetch("capture", ["X"])
    assert "EL-secret" not in str(caught.value)


def test_a_token_never_shows_itself_and_missing_credentials_are_named() -> None:
    grant = auth.obtain(Scripted().http, auth.app_of(CREDENTIALS, BASE), clock=Scripted().clock)
    assert "A21AA" not in repr(grant)
    assert "EL-secret" not in repr(auth.app_of(CREDENTIALS, BASE))
    with pytest.raises(ConfigurationError, match="client_secret"):
        auth.app_of({"client_id": "x"}, BASE)


# ---------------------------------------------------------------------------------------------- refusals


def answer(status: int, body: Any = None, **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


def issue(name: str, *issues: str) -> dict[str, Any]:
    return {"name": name, "message": "Said.", "debug_id": "abc", "details": [{"issue": one} for one in issues]}


@pytest.mark.parametrize(
    ("status", "body", "method", "kind"),
    [
        (400, issue("INVALID_REQUEST", "INVALID_DECIMAL_VALUE"), "POST", Rejected),
        (401, issue("AUTHENTICATION_FAILURE"), "GET", NotAuthorized),
        (401, {"error": "invalid_token"}, "GET", NotAuthorized),
        (403, issue("NOT_AUTHORIZED", "PERMISSION_DENIED"), "POST", NotAuthorized),
        (404, issue("RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID"), "GET", NotFound),
        (409, issue("RESOURCE_CONFLICT", "PREVIOUS_REQUEST_IN_PROGRESS"), "POST", Conflict),
        (415, issue("UNSUPPORTED_MEDIA_TYPE"), "POST", Rejected),
        (422, issue("UNPROCESSABLE_ENTITY", "CANNOT_PROCESS_PAYMENTS"), "POST", Rejected),
        (422, b"", "POST", Rejected),
        (429, issue("RATE_LIMIT_REACHED"), "POST", RateLimited),
        (500, issue("INTERNAL_SERVER_ERROR"), "GET", Transient),
        (500, issue("INTERNAL_SERVER_ERROR"), "POST", UnknownOutcome),
        (503, b"<html>", "DELETE", UnknownOutcome),
        (503, b"<html>", "GET", Transient),
        (408, b"", "POST", UnknownOutcome),
        (200, b"<html>", "GET", Transient),
        (200, b"<html>", "POST", UnknownOutcome),
    ],
)
def test_every_refusal_means_one_of_our_errors(status: int, body: Any, method: str, kind: type[ConnectorError]) -> None:
    with pytest.raises(ConnectorError) as caught:
        judged(answer(status, body), f"{method} /x", method=method)
    assert type(caught.value) is kind


def test_a_search_that_fails_did_nothing() -> None:
    with pytest.raises(Transient):
        judged(answer(500), "POST /search", method="POST", safe=True)


def test_an_empty_answer_is_an_empty_object() -> None:
    assert judged(answer(204, b""), "DELETE /x", method="DELETE") == {}


def test_details_may_be_a_text_in_reports_and_paypals_reference_is_told_but_no_value_that_was_sent() -> None:
    body = {"name": "INVALID_REQUEST", "message": "Bad.", "details": "end_date is missing", "information_link": "x"}
    with pytest.raises(Rejected, match=r"end_date is missing.*reference a1b2c3"):
        judged(answer(400, body, paypal_debug_id="a1b2c3"), "GET /x")
    detailed = {"name": "X", "details": [{"issue": "Y", "field": "/note", "value": "Kari's own words"}]}
    with pytest.raises(Rejected) as caught:
        judged(answer(422, detailed), "POST /x", method="POST")
    assert "Kari" not in str(caught.value)


def test_the_reports_own_refusals_are_told_apart() -> None:
    with pytest.raises(TooManyRows):
        judged(answer(400, {"name": "RESULTSET_TOO_LARGE", "total_items": 10_001}), "GET /x")
    said = {"name": "INVALID_REQUEST", "message": "Data for the given start date is not available."}
    with pytest.raises(NotServedYet):
        judged(answer(400, said), "GET /x")
    with pytest.raises(NotPermitted):
        judged(answer(403, issue("NOT_AUTHORIZED")), "GET /x", optional=True)


@pytest.mark.parametrize(("said", "wait"), [({"retry_after": "12"}, 12.0), ({}, None), ({"retry_after": "soon"}, None)])
def test_the_wait_that_paypal_asks_for_is_kept_and_often_it_asks_for_none(said: dict[str, str], wait: float) -> None:
    with pytest.raises(RateLimited) as caught:
        judged(answer(429, issue("RATE_LIMIT_REACHED"), **said), "GET /x")
    assert caught.value.retry_after_s == wait


def test_an_answer_that_does_not_come_is_transient_for_a_read_and_unknown_for_a_write() -> None:
    def cut(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadTimeout("cut", request=request)

    script = Scripted({CAPTURE: cut, "/v2/invoicing/search-invoices": cut, f"POST {INVOICES}/X/cancel": cut})
    client = script.reader().client
    with pytest.raises(Transient):
        client.one("/v2/payments/captures", paypal.CAPTURE)
    with pytest.raises(Transient):
        client.search_invoices({}, page=1)
    with pytest.raises(UnknownOutcome):
        client.call("POST", f"{INVOICES}/X/cancel", operation="cancel", content={})


# ---------------------------------------------------------------------------------------------- ping


def everything(**changed: Any) -> Scripted:
    answers: dict[str, Any] = {
        REPORT: Report([]),
        "/v1/reporting/balances": {"balances": []},
        "/v2/payments/captures/0MLCONNECTORPING0": error("RESOURCE_NOT_FOUND", status=404),
        INVOICES: {"items": []},
        DISPUTES: {},
        WEBHOOKS: {"webhooks": []},
        VERIFY: {"verification_status": "FAILURE"},
        TOKEN: token(scope=" ".join(auth.SCOPE_PREFIX + one.scope for one in PERMISSIONS)),
    }
    return Scripted({**answers, **changed})


def pinged(script: Scripted, *, writes: str = "", **credentials: str) -> Any:
    given, settings = {**CREDENTIALS, **credentials}, {"requests_per_second": "1000", "writes": writes}
    return ping(script.http, given, settings, tokens=script.cache, clock=script.clock)


def test_a_ping_tells_whose_account_it_is_and_that_all_works() -> None:
    answer = pinged(everything())
    assert answer.ok
    assert answer.account == "TESTACCT12345"
    assert answer.facts == {
        "environment": "sandbox", "account_ref": "TESTACCT12345", "app": "APP-80W284485P519543T",
    }  # fmt: skip
    assert [check.name for check in answer.checks] == [
        "token", *(one.name for one in PERMISSIONS), "webhook certificate host",
    ]  # fmt: skip


DENIED = error("NOT_AUTHORIZED", "PERMISSION_DENIED", status=403)


@pytest.mark.parametrize(
    ("path", "name", "ok"),
    [
        (REPORT, "Transaction Search", False),
        ("/v1/reporting/balances", "balances", True),
        ("/v2/payments/captures/0MLCONNECTORPING0", "payments", True),
        (INVOICES, "invoicing", True),
        (DISPUTES, "disputes", True),
        (WEBHOOKS, "webhooks", True),
        (VERIFY, "webhook verification", True),
    ],
)
def test_a_ping_names_the_missing_permission(path: str, name: str, ok: bool) -> None:
    answer = pinged(everything(**{path: DENIED}))
    (check,) = [one for one in answer.checks if "missing" in one.sentence]
    assert (check.name, check.ok, answer.ok) == (name, ok, ok)
    assert "dashboard" in check.fix


def test_a_permission_that_cannot_be_tried_is_looked_up_in_the_tokens_own_list() -> None:
    answer = pinged(everything(**{TOKEN: token()}))
    missing = [one.name for one in answer.checks if "missing" in one.sentence]
    assert missing == ["refunds", "invoicing, writing"]


def test_the_permission_to_write_must_be_there_where_a_route_tells_invoices_of_payments() -> None:
    script = everything(**{TOKEN: token()})
    for writes, ok in (("", True), ("external_payment invoice_cancel", False)):
        (check,) = [one for one in pinged(script, writes=writes).checks if one.name == "invoicing, writing"]
        assert (check.ok, "missing" in check.sentence) == (ok, True)


def test_a_ping_without_a_token_says_so_and_stops() -> None:
    script = everything(**{TOKEN: reply(401, {"error": "invalid_client"})})
    answer = pinged(script)
    assert (answer.ok, [check.name for check in answer.checks]) == (False, ["token"])
    assert "sandbox or live" in answer.checks[0].fix
    assert script.asked == []


def test_a_permission_that_fails_otherwise_is_not_called_missing() -> None:
    answer = pinged(everything(**{INVOICES: reply(503, {})}))
    (check,) = [one for one in answer.checks if not one.ok]
    assert "could not be tried" in check.sentence


def test_what_a_ping_made_up_may_be_found_fault_with() -> None:
    refused = reply(400, {"name": "VALIDATION_ERROR", "details": [{"field": "cert_url", "issue": "no such file"}]})
    answer = pinged(everything(**{"/v1/notifications/verify-webhook-signature": refused}))
    assert answer.ok


def test_a_ping_says_which_part_of_verifying_webhooks_failed() -> None:
    def cut(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("no route", request=request)

    answer = pinged(everything(**{CERTIFICATES: cut}))
    (check,) = [one for one in answer.checks if not one.ok]
    assert check.name == "webhook certificate host"
    assert "cannot be fetched" in check.sentence
    assert not answer.ok


def test_a_ping_of_live_refuses_roots_of_our_own() -> None:
    script = everything()
    script.base = "https://api-m.paypal.com"
    script.__post_init__()
    checks = {one.name: one.ok for one in pinged(script, webhook_roots="PEM").checks}
    assert checks["webhook roots"] is False


def test_a_young_account_whose_report_serves_nothing_yet_is_fine() -> None:
    early = Report([], refreshed=NOW - timedelta(days=3))
    assert pinged(everything(**{REPORT: early})).ok


# ---------------------------------------------------------------------------------------------- watch


def offered(*names: str) -> dict[str, Any]:
    return {"event_types": [{"name": name} for name in names]}


def watched(script: Scripted, **credentials: str) -> Any:
    return watch(script.http, {**CREDENTIALS, **credentials}, URL, clock=script.clock)


def webhook(*names: str, url: str = URL) -> dict[str, Any]:
    return {"id": "8PT597110X687430LKGECATA", "url": url, "event_types": [{"name": name} for name in names]}


TYPES = "/v1/notifications/webhooks-event-types"


def test_a_webhook_is_made_for_the_events_that_paypal_offers_and_its_id_is_the_doors_key() -> None:
    script = Scripted(
        {
            TYPES: offered("PAYMENT.CAPTURE.COMPLETED", "CUSTOMER.DISPUTE.CREATED", "OTHER"),
            f"GET {WEBHOOKS}": {"webhooks": [webhook("*", url="https://other.example")]},
            f"POST {WEBHOOKS}": reply(201, webhook()),
        }
    )
    found = watched(script, webhook_roots="PEM")
    (made,) = script.to(WEBHOOKS, "POST")
    assert made == {
        "url": URL,
        "event_types": [{"name": "PAYMENT.CAPTURE.COMPLETED"}, {"name": "CUSTOMER.DISPUTE.CREATED"}],
    }
    assert found.changes == ("subscribed to 2 event types",)
    key = read_key(found.signature_key)
    assert (key.webhook_id, key.environment, key.roots) == ("8PT597110X687430LKGECATA", "sandbox", "PEM")


def test_a_webhook_that_lacks_events_is_repaired_and_keeps_those_of_others() -> None:
    path = f"{WEBHOOKS}/8PT597110X687430LKGECATA"
    script = Scripted(
        {TYPES: offered(*SUBSCRIBED), f"GET {WEBHOOKS}": {"webhooks": [webhook("VAULT.X", *SUBSCRIBED[1:])]}, path: {}}
    )
    assert watched(script).changes == (f"added {SUBSCRIBED[0]}",)
    (patch,) = script.to(path, "PATCH")
    names = [one["name"] for one in patch[0]["value"]]
    assert (patch[0]["op"], patch[0]["path"], names[0]) == ("replace", "/event_types", "VAULT.X")
    assert set(SUBSCRIBED) < set(names)


@pytest.mark.parametrize("names", [SUBSCRIBED, ("*",)])
def test_a_webhook_that_has_them_all_is_left_alone(names: tuple[str, ...]) -> None:
    script = Scripted({TYPES: offered(*SUBSCRIBED), WEBHOOKS: {"webhooks": [webhook(*names)]}})
    assert watched(script).changes == ()


def test_an_app_with_ten_webhooks_takes_no_more() -> None:
    others = [webhook("*", url=f"https://other.example/{number}") for number in range(10)]
    with pytest.raises(Rejected, match="10 webhooks"):
        watched(Scripted({TYPES: offered(), WEBHOOKS: {"webhooks": others}}))


def test_without_the_permission_nothing_is_watched_and_nothing_paused() -> None:
    assert watched(Scripted({TYPES: DENIED})) is None


def test_a_live_webhooks_key_is_its_bare_id() -> None:
    script = Scripted({TYPES: offered(), WEBHOOKS: {"webhooks": [webhook("*")]}}, base="https://api-m.paypal.com")
    assert watched(script).signature_key == "8PT597110X687430LKGECATA"


def test_paypal_is_asked_about_a_delivery_with_its_original_text() -> None:
    path = "/v1/notifications/verify-webhook-signature"
    script = Scripted({path: {"verification_status": "SUCCESS"}})
    key = read_key("8PT597110X687430LKGECATA")
    raw = b'{"id":"WH-1",  "z":1, "a":"\\u00e5"}'
    client = script.reader().client
    headers = {"paypal-transmission-id": "T1", "paypal-auth-algo": "SHA256withRSA"}
    assert vouching(lambda _door: client)(key, headers, raw)
    sent = script.requests[-1].read()
    assert sent.endswith(b',"webhook_event":' + raw + b"}")
    asked = json.loads(sent)
    assert (asked["transmission_id"], asked["webhook_id"]) == ("T1", "8PT597110X687430LKGECATA")
    script.answers[path] = {"verification_status": "FAILURE"}
    assert not vouching(lambda _door: client)(key, headers, raw)
    assert not vouching(lambda _door: None)(key, headers, raw)


def test_the_system_offers_all_its_doors() -> None:
    assert SYSTEM.connector.name == "paypal"
    assert None not in (SYSTEM.open_reader, SYSTEM.open_writer, SYSTEM.translate, SYSTEM.webhooks, SYSTEM.watch)
