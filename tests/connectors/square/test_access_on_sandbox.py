"""Access to the pretend Square: credentials by its page, what a ping proves, subscriptions of webhooks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ml_connector.connectors.square import oauth
from ml_connector.connectors.square.auth import ping
from ml_connector.connectors.square.reader import open_reader
from ml_connector.connectors.square.subscriptions import WebhookSubscriptions, watch
from ml_connector.connectors.square.webhooks import SUBSCRIBED
from ml_connector.errors import NotAuthorized
from ml_connector_sandbox.core.wire import Request
from tests.connectors.square.on_sandbox import BASE, START, Shop

HOOK = "https://hooks.example.test/webhooks/square"

# ---------------------------------------------------------------------------------------------- OAuth


def authorized(shop: Shop, **more: Any) -> dict[str, list[str]]:
    """What the browser is sent back with."""
    url = oauth.authorize_url(
        shop.credentials["client_id"], state="s1", redirect_uri="https://app.example.test/cb", base=BASE, **more
    )
    parts = urlsplit(url + "&sandbox_consent=allow")
    answer = shop.square.answer(Request("GET", parts.path, parts.query), shop.clock.now())
    return parse_qs(urlsplit(dict(answer.headers)["Location"]).query)


def test_the_code_flow_gives_credentials_that_read_and_renew() -> None:
    shop = Shop(merchant={"redirect_uri": "https://app.example.test/cb"})
    back = authorized(shop)
    assert back["state"] == ["s1"]
    given: dict[str, Any] = {
        "client_id": shop.credentials["client_id"],
        "client_secret": shop.credentials["client_secret"],
        "redirect_uri": "https://app.example.test/cb",
    }
    first = oauth.exchange_code(shop.http, back["code"][0], now=shop.clock.now(), **given)
    assert first["merchant_id"] == shop.facts["merchant_id"]
    with pytest.raises(NotAuthorized):
        oauth.exchange_code(shop.http, back["code"][0], now=shop.clock.now(), **given)
    shop.clock.advance(7 * 86_400)
    second = oauth.refresh(shop.http, first, now=shop.clock.now())
    assert second["access_token"] != first["access_token"]
    assert second["refresh_token"] == first["refresh_token"]
    assert second["obtained_at"] == shop.clock.now().isoformat()
    shop.credentials |= second
    assert len(shop.poll("locations")[0]) == 3
    oauth.revoke(shop.http, second)
    with pytest.raises(NotAuthorized):
        shop.poll("locations")


def test_one_access_token_can_be_revoked_alone() -> None:
    shop = Shop()
    oauth.revoke(shop.http, shop.credentials, only_access_token=True)
    with pytest.raises(NotAuthorized):
        shop.poll("locations")
    shop.credentials |= oauth.refresh(shop.http, shop.credentials, now=shop.clock.now())
    assert shop.poll("locations")[0]


def test_an_expired_token_is_renewed_once_and_the_call_repeated() -> None:
    shop = Shop()

    class Renewing:
        value: str = shop.credentials["access_token"]
        renewals = 0

        def current(self) -> str:
            return self.value

        def renew(self, refused: str) -> str:
            assert refused == self.value
            self.value = oauth.refresh(shop.http, shop.credentials, now=shop.clock.now())["access_token"]
            self.renewals += 1
            return self.value

    tokens = Renewing()
    shop.clock.advance(31 * 86_400)
    reader = open_reader(shop.http, shop.credentials, {}, tokens=tokens, clock=shop.clock)
    assert len(reader.page("locations", None, now=shop.clock.now()).objects) == 3
    assert len(reader.page("locations", None, now=shop.clock.now()).objects) == 3
    assert tokens.renewals == 1


def test_a_refresh_token_that_is_dead_asks_for_a_new_connection() -> None:
    shop = Shop()
    with pytest.raises(NotAuthorized, match="refused"):
        oauth.refresh(shop.http, {**shop.credentials, "refresh_token": "dead"}, now=shop.clock.now())
    with pytest.raises(NotAuthorized, match="no refresh token"):
        oauth.refresh(shop.http, {"client_id": "x"}, now=shop.clock.now())


@pytest.mark.parametrize(("days", "due"), [(0, False), (6.9, False), (7, True), (29, True), (31, True)])
def test_a_token_is_renewed_every_seven_days(days: float, due: bool) -> None:
    assert oauth.refresh_due(START + timedelta(days=30), START, START + timedelta(days=days)) is due


def test_a_short_lived_token_is_renewed_before_its_last_hour_and_one_without_end_never() -> None:
    end = START + timedelta(hours=24)
    assert not oauth.refresh_due(end, START, START + timedelta(hours=22))
    assert oauth.refresh_due(end, START, START + timedelta(hours=23, minutes=30))
    assert not oauth.refresh_due(None, START, datetime(2040, 1, 1, tzinfo=UTC))


# ---------------------------------------------------------------------------------------------- ping


def test_a_ping_proves_every_scope_and_names_merchant_and_locations() -> None:
    shop = Shop()
    shop.do("sell")
    found = ping(shop.http, shop.credentials, {}, clock=shop.clock)
    assert found.ok, found.checks
    assert found.account == shop.facts["merchant_id"]
    assert found.facts["merchant_name"] == "Retail Ireland"
    assert {check.name for check in found.checks} >= {*oauth.SCOPES, "token", "locations"}
    assert sum(shop.calls.values()) <= 12


def test_a_ping_names_the_scope_that_is_missing() -> None:
    granted = [scope for scope in oauth.SCOPES if scope not in {"PAYOUTS_READ", "VENDOR_READ"}]
    shop = Shop(merchant={"scopes": granted})
    found = ping(shop.http, shop.credentials, {}, clock=shop.clock)
    assert not found.ok
    assert [check.name for check in found.checks if not check.ok] == ["PAYOUTS_READ"]
    (vendors,) = [check for check in found.checks if check.name == "VENDOR_READ"]
    assert "missing" in vendors.sentence


def test_a_ping_with_a_dead_token_says_so() -> None:
    shop = Shop()
    found = ping(shop.http, {**shop.credentials, "access_token": "dead"}, {}, clock=shop.clock)
    assert not found.ok
    assert [check.name for check in found.checks] == ["token"]
    assert "dead" not in str(found)


def test_a_ping_tells_a_production_application_on_the_sandbox_host() -> None:
    shop = Shop()
    found = ping(shop.http, {**shop.credentials, "client_id": "sq0idp-production"}, {}, clock=shop.clock)
    (check,) = [check for check in found.checks if check.name == "environment"]
    assert not check.ok
    assert "production application" in check.sentence


# ---------------------------------------------------------------------------------------------- subscriptions


def test_a_subscription_is_made_once_then_left_alone_then_repaired() -> None:
    shop = Shop()
    pat = shop.credentials["personal_access_token"]
    made = watch(shop.http, pat, HOOK, clock=shop.clock)
    assert (made.did, made.subscription.enabled, set(made.subscription.event_types)) == ("made", True, set(SUBSCRIBED))
    assert made.subscription.signature_key
    assert made.subscription.signature_key not in repr(made)
    again = watch(shop.http, pat, HOOK, clock=shop.clock)
    assert (again.did, again.subscription) == ("unchanged", made.subscription)
    admin = WebhookSubscriptions(shop.http, pat, clock=shop.clock)
    body = {"subscription": {"enabled": False, "event_types": ["payment.created"]}}
    shop.http.send(
        "PUT",
        f"/v2/webhooks/subscriptions/{made.subscription.id}",
        operation="break",
        headers={"Authorization": f"Bearer {pat}"},
        content=body,
    )
    mended = watch(shop.http, pat, HOOK, clock=shop.clock)
    assert mended.did == "repaired"
    assert len(mended.changes) == 2
    (now,) = admin.list()
    assert now.enabled
    assert set(now.event_types) == set(SUBSCRIBED)
    assert mended.subscription.signature_key == made.subscription.signature_key


@pytest.mark.parametrize("shape", ["spec", "root"])
def test_a_test_delivery_is_understood_in_both_shapes(shape: str) -> None:
    shop = Shop(knobs={"test_shape": shape})
    admin = WebhookSubscriptions(shop.http, shop.credentials["personal_access_token"], clock=shop.clock)
    found = admin.test(admin.create(HOOK).id)
    assert (found.status, found.passed) == (200, True)


def test_subscriptions_cannot_be_kept_with_an_oauth_token() -> None:
    shop = Shop()
    with pytest.raises(NotAuthorized):
        watch(shop.http, shop.facts["oauth_token"], HOOK, clock=shop.clock)
