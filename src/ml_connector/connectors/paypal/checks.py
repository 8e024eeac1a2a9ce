"""The ping: is there a token, which permission is missing, can webhooks be verified. Reads alone, about nine calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from ml_connector.connectors.http import Http
from ml_connector.connectors.pacing import Ticking
from ml_connector.connectors.paypal import auth
from ml_connector.connectors.paypal.certificates import system_roots
from ml_connector.connectors.paypal.client import PayPalClient
from ml_connector.connectors.paypal.faults import NotPermitted, NotServedYet
from ml_connector.connectors.paypal.reader import open_client
from ml_connector.connectors.paypal.webhooks import WEBHOOKS
from ml_connector.connectors.shapes import Check, Ping
from ml_connector.connectors.tokens import Tokens
from ml_connector.errors import ConnectorError, NotAuthorized, Rejected

NO_SUCH_CAPTURE = "0MLCONNECTORPING0"  # 17 characters; "not found" proves that we may ask
NO_CERTIFICATE = "/v1/notifications/certs/CERT-ml-connector-ping"  # "not found" proves that the host is in reach
NO_DELIVERY = {
    "auth_algo": "SHA256withRSA", "cert_url": f"https://api.paypal.com{NO_CERTIFICATE}", "transmission_id": "ping",
    "transmission_sig": "cGluZw==", "transmission_time": "2026-01-01T00:00:00Z", "webhook_id": "PING",
}  # fmt: skip
NO_EVENT = b'{"id":"WH-PING","event_type":"PING","resource":{}}'
LATER = "A token made before that serves up to nine hours more: then ping again."


@dataclass(frozen=True, slots=True)
class Permission:
    """One permission: its scope's end, how it is tried, how PayPal's dashboard calls it, what is lost without it.

    `lost` empty: nothing works without it. `writing`: what our routes write to PayPal needs it.
    """

    name: str
    scope: str
    feature: str
    lost: str
    probe: Callable[[PayPalClient, Ticking], object] | None = None
    writing: bool = False


def _report(client: PayPalClient, clock: Ticking) -> str:
    now = clock.now()
    try:
        return client.report(now - timedelta(days=1), now, page=1).account
    except NotServedYet:
        return ""


def _verification(client: PayPalClient, _clock: Ticking) -> None:
    """That PayPal finds fault with what we made up shows as well as an answer does that we may ask."""
    with suppress(Rejected):
        client.verify_signature(NO_DELIVERY, NO_EVENT)


PERMISSIONS = (
    Permission("Transaction Search", "reporting/search/read", "Transaction search", "", _report),
    Permission("balances", "reporting/balances/read", "Transaction search", "Balances are not proven.",
               lambda client, _clock: client.balances()),
    Permission("payments", "payments/payment/authcapture", "Accept payments",
               "Captures are booked from report rows alone.",
               lambda client, _clock: client.one("/v2/payments/captures", NO_SUCH_CAPTURE)),
    Permission("refunds", "payments/refund", "Accept payments", "Refunds are booked from report rows alone."),
    Permission("invoicing", "invoicing/invoices/read", "Invoicing", "Invoices are not read.",
               lambda client, _clock: client.invoices(1)),
    Permission("invoicing, writing", "invoicing/invoices/readwrite", "Invoicing",
               "Payments made outside PayPal are not told to its invoices.", writing=True),
    Permission("disputes", "disputes/read-seller", "Customer disputes", "Disputes are not read.",
               lambda client, _clock: client.disputes()),
    Permission("webhooks", "applications/webhooks", "Webhooks", "Webhooks are not registered; polling reads all.",
               lambda client, _clock: client.webhooks()),
    Permission("webhook verification", "applications/verify-webhook-signature", "Webhooks",
               "A webhook whose certificate cannot be had is refused; polling reads all.",
               _verification),
)  # fmt: skip


def ping(
    http: Http, credentials: Mapping[str, Any], settings: Mapping[str, str], *, tokens: Tokens, clock: Ticking
) -> Ping:
    """Ask PayPal who we are and try each permission once, by calls that change nothing.

    The permission to write may be missing where no route writes here (setting `writes`): it is told.
    """
    environment = auth.environment_of(http.reach.base_url)
    facts = {"environment": environment}
    try:
        client = open_client(http, credentials, settings, tokens=tokens, clock=clock)
        token = client.token()
    except ConnectorError as error:
        token_check = Check("token", ok=False, sentence=error.what, fix=error.fix)
        return Ping(ok=False, account="", checks=(token_check,), facts=facts)
    checks = [Check("token", ok=True, sentence=f"The {environment} token is alive.")]
    account = ""
    written = bool(settings.get("writes"))
    for permission in (replace(one, lost="") if one.writing and written else one for one in PERMISSIONS):
        check, said = _tried(client, permission, clock=clock, scopes=token.scopes)
        checks.append(check)
        account = account or said
    checks += [_certificate_host(http), *_certificates(environment, credentials)]
    if account:
        facts["account_ref"] = account
    facts["app"] = token.app_id
    return Ping(
        ok=all(check.ok for check in checks), account=account or token.app_id, checks=tuple(checks), facts=facts
    )


def _tried(
    client: PayPalClient, permission: Permission, *, clock: Ticking, scopes: frozenset[str]
) -> tuple[Check, str]:
    """The check of one permission, and the account's number where its answer names it."""
    name, optional = permission.name, bool(permission.lost)
    fix = f"Switch on “{permission.feature}” for the app in PayPal's developer dashboard. {LATER}"
    missing = Check(
        name, ok=optional, sentence=f"{name}: the permission is missing. {permission.lost}".strip(), fix=fix
    )
    if permission.probe is None:
        listed = not scopes or _holds(scopes, permission.scope)
        return (Check(name, ok=True, sentence=f"{name}: the token has it.") if listed else missing), ""
    try:
        found = permission.probe(client, clock)
    except (NotPermitted, NotAuthorized):
        return missing, ""
    except ConnectorError as error:
        return Check(name, ok=False, sentence=f"{name} could not be tried: {error.what}", fix=error.fix), ""
    return Check(name, ok=True, sentence=f"{name} works."), found if isinstance(found, str) else ""


def _holds(scopes: frozenset[str], wanted: str) -> bool:
    return any(scope.removeprefix(auth.SCOPE_PREFIX) == wanted for scope in scopes)


def _certificate_host(http: Http) -> Check:
    """Whether certificates of webhooks can be fetched at all: they come from where our calls go to."""
    name = "webhook certificate host"
    try:
        http.send("GET", http.reach.base_url.rstrip("/") + NO_CERTIFICATE, operation="GET certificate")
    except ConnectorError as error:
        said = f"Certificates of webhooks cannot be fetched: {error.what} PayPal is asked about each delivery instead."
        return Check(name, ok=False, sentence=said, fix=error.fix)
    return Check(name, ok=True, sentence="Certificates of webhooks can be fetched.")


def _certificates(environment: str, credentials: Mapping[str, Any]) -> list[Check]:
    """Whether webhooks can be verified: trusted roots, and what failed last in this process, by its part."""
    checks = []
    if environment == "live" and credentials.get("webhook_roots"):
        checks.append(
            Check(
                "webhook roots",
                ok=False,
                sentence="Root certificates of our own are refused with PayPal's live address.",
                fix="Take webhook_roots out of the connection.",
            )
        )
    elif not credentials.get("webhook_roots") and not system_roots():
        checks.append(
            Check(
                "webhook roots",
                ok=False,
                sentence="This machine has no trusted root certificates, so no webhook can be verified.",
                fix="Install the ca-certificates package, or set SSL_CERT_FILE.",
            )
        )
    failed = WEBHOOKS.certificates.problems()
    again = "It is fetched again by itself."
    return checks + [Check("webhook certificate", ok=False, sentence=problem, fix=again) for problem in failed]
