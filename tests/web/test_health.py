"""Health, readiness, figures, consent and the frame around every answer."""

from __future__ import annotations

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from ml_connector.engine import oauth
from ml_connector.engine.runtime import Runtime
from ml_connector.store.inbox_writer import InboxWriter
from ml_connector.web.app import build_app
from tests.databases import Databases, migrated
from tests.web.shops import Shop, event, open_shop


@pytest.fixture
def database_url(sqlite_databases: Databases) -> str:
    return sqlite_databases.new(migrated)


def test_it_is_alive_and_ready(database_url: str) -> None:
    with open_shop(database_url) as shop:
        assert shop.client.get("/health").json() == {"status": "live"}
        assert shop.client.get("/ready").json() == {"ready": True, "missing": []}


def test_it_is_not_ready_when_its_workers_must_start_anew(database_url: str) -> None:
    with open_shop(database_url) as shop:
        runtime = Runtime(shop.works, database_url=database_url)
        runtime.failure = "broken"
        app = build_app(shop.works, InboxWriter(shop.works.database), ring=lambda _: None, runtime=runtime)
        answer = TestClient(app).get("/ready")
        assert (answer.status_code, answer.json()["missing"]) == (503, ["workers"])


def asked(url: str, *, host: str, token: str | None = None, **headers: str) -> int:
    with open_shop(url, token=token, client=(host, 1)) as shop:
        return int(shop.client.get("/metrics", headers=headers).status_code)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_figures_are_shown_to_this_machine(database_url: str, host: str) -> None:
    assert asked(database_url, host=host) == 200


def test_the_figures_are_not_shown_through_a_proxy_on_this_machine(database_url: str) -> None:
    assert asked(database_url, host="127.0.0.1", **{"x-forwarded-for": "1.2.3.4"}) == 403


@pytest.mark.parametrize(
    ("token", "given", "status"),
    [(None, "Bearer ", 403), (None, "Bearer None", 403), ("good", "Bearer bad", 403), ("good", "Bearer good", 200)],
)
def test_from_elsewhere_the_figures_take_a_token(database_url: str, token: str | None, given: str, status: int) -> None:
    assert asked(database_url, host="10.0.0.9", token=token, authorization=given) == status


def test_the_figures_name_what_waits(database_url: str) -> None:
    with open_shop(database_url, client=("127.0.0.1", 1)) as shop:
        shop.deliver(event())
        text = shop.client.get("/metrics").text
        assert "mlc_notices_open 1.0" in text
        assert 'mlc_connection_active{code="sq",connector="square"} 1.0' in text
        assert "mlc_database_up 1.0" in text


def test_every_answer_carries_the_security_headers(database_url: str) -> None:
    with open_shop(database_url) as shop:
        for path in ("/health", "/nowhere", "/metrics"):
            headers = shop.client.get(path).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert "default-src 'none'" in headers["content-security-policy"]
            assert headers["strict-transport-security"].startswith("max-age=")


def test_what_breaks_is_told_without_a_trace(database_url: str) -> None:
    def broken(_request: Request) -> Response:
        raise RuntimeError("the secret word is swordfish")

    with open_shop(database_url) as shop:
        writer = InboxWriter(shop.works.database)
        app = build_app(shop.works, writer, ring=lambda _: None, more=[Route("/broken", broken)])
        answer = TestClient(app).get("/broken")
        assert answer.status_code == 500
        assert "swordfish" not in answer.text
        assert "Traceback" not in answer.text
        assert answer.headers["x-frame-options"] == "DENY"


# ------------------------------------------------------------------------------- consent


def begun(shop: Shop) -> str:
    """The state that a browser carries to the vendor and back."""
    address = oauth.begin(
        shop.works, shop.workspace, connector="square", code="new", title="New shop", client_id="sq0idp-made-up",
        client_secret="sq0csp-made-up-secret", redirect_uri=None, base_url=None, by="test",
    )  # fmt: skip
    return dict(part.split("=", 1) for part in address.partition("?")[2].split("&"))["state"]


def test_a_state_that_nobody_gave_out_is_refused(database_url: str) -> None:
    with open_shop(database_url) as shop:
        answer = shop.client.get("/oauth/square/callback?state=forged&code=abc")
        assert answer.status_code == 400
        assert "used already" in answer.text


def test_a_seller_who_says_no_is_told_and_the_state_is_used_up(database_url: str) -> None:
    with open_shop(database_url) as shop:
        path = f"/oauth/square/callback?state={begun(shop)}&error=access_denied&error_description=<b>no</b>"
        first, second = shop.client.get(path), shop.client.get(path)
        assert first.status_code == second.status_code == 400
        assert "did not agree" in first.text
        assert "<b>" not in first.text
        assert "used already" in second.text


def test_an_endless_callback_is_refused(database_url: str) -> None:
    with open_shop(database_url) as shop:
        assert shop.client.get("/oauth/square/callback?state=" + "x" * 9_000).status_code == 414
