"""The account and its webhook endpoints over the API."""

from __future__ import annotations

from urllib.parse import urlsplit

from ml_connector_sandbox.stripe.calls import Call
from ml_connector_sandbox.stripe.event_names import NAMES
from ml_connector_sandbox.stripe.listing import page
from ml_connector_sandbox.stripe.refusals import Json, bad
from ml_connector_sandbox.stripe.shapes import merged
from ml_connector_sandbox.stripe.state import API_VERSION, Account
from ml_connector_sandbox.stripe.times import seconds

MOST_ENDPOINTS = 16
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_FOR_EVER = 1 << 62


def account(call: Call) -> Json:
    """`GET /v1/account`."""
    return show_account(call.book.account)


def show_account(own: Account) -> Json:
    """The account object, with what its owner may see."""
    return {
        "id": own.id, "object": "account",
        "business_profile": {"mcc": None, "name": own.name, "product_description": None, "support_address": None,
                             "support_email": None, "support_phone": None, "support_url": None, "url": None},
        "business_type": "company", "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True, "country": own.country, "created": own.created, "default_currency": own.currency,
        "details_submitted": True, "email": own.email, "metadata": {}, "payouts_enabled": True,
        "settings": {
            "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
            "card_payments": {"decline_on": {"avs_failure": False, "cvc_failure": False},
                              "statement_descriptor_prefix": None},
            "dashboard": {"display_name": own.name, "timezone": "Etc/UTC"},
            "payments": {"statement_descriptor": "SANDBOX"},
            "payouts": {"debit_negative_balances": True, "schedule": {"delay_days": 2, "interval": "daily"},
                        "statement_descriptor": None},
        },
        "type": "standard",
    }  # fmt: skip


def endpoint_new(call: Call) -> Json:
    """`POST /v1/webhook_endpoints`: the only answer that shows the secret."""
    book, given = call.book, call.params
    if given.get("connect"):
        raise bad("This account is no platform.", param="connect")
    version = given.get("api_version")
    if version not in {None, API_VERSION}:
        raise bad(f"Invalid API version: {version}. This sandbox speaks {API_VERSION} only.", param="api_version")
    if len(book.shelves["webhook_endpoint"]) >= MOST_ENDPOINTS:
        raise bad(f"You have reached the maximum of {MOST_ENDPOINTS} webhook endpoints.")
    row: Json = {
        "id": book.key("webhook_endpoint"), "object": "webhook_endpoint", "api_version": version, "application": None,
        "created": seconds(call.now), "description": given.get("description"),
        "enabled_events": _names(given["enabled_events"]), **book.mode(),
        "metadata": merged({}, given.get("metadata")), "status": "enabled",
        "url": _url(given["url"], live=book.livemode),
    }  # fmt: skip
    book.put(row, call.now)
    secret = f"whsec_{book.world.mint.letters(32)}"
    book.secrets[row["id"]] = [(secret, _FOR_EVER)]
    return call.show(row) | {"secret": secret}


def _url(url: str, *, live: bool) -> str:
    """HTTPS, or HTTP to this very machine (the sandbox's only leniency) and in test mode."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise bad("Not a valid URL", code="url_invalid", param="url")
    if parts.scheme == "http" and live and parts.hostname not in _LOOPBACK:
        raise bad("Invalid URL: live endpoints must use HTTPS.", code="url_invalid", param="url")
    return url


def _names(given: list[str] | None) -> list[str]:
    unknown = [name for name in given or [] if name != "*" and name not in NAMES]
    if not given or unknown:
        text = f"Invalid enabled_events: {', '.join(unknown) or 'at least one is needed'}."
        raise bad(text, param="enabled_events")
    return list(given)


def endpoint_edit(call: Call) -> Json:
    """`POST /v1/webhook_endpoints/{id}`: not the version."""
    row, given = call.own("webhook_endpoint"), call.params
    if "enabled_events" in given:
        row["enabled_events"] = _names(given["enabled_events"])
    if given.get("url"):
        row["url"] = _url(given["url"], live=call.book.livemode)
    if given.get("disabled") is not None:
        row["status"] = "disabled" if given["disabled"] else "enabled"
    if "description" in given:
        row["description"] = given["description"]
    if "metadata" in given:
        row["metadata"] = merged(row["metadata"], given["metadata"])
    return call.show(row)


def endpoint_gone(call: Call) -> Json:
    """`DELETE /v1/webhook_endpoints/{id}`."""
    row = call.own("webhook_endpoint")
    call.book.shelves["webhook_endpoint"].take(row["id"])
    return {"id": row["id"], "object": "webhook_endpoint", "deleted": True}


def endpoints(call: Call) -> Json:
    """`GET /v1/webhook_endpoints`."""
    return page(call, call.book.shelves["webhook_endpoint"])
