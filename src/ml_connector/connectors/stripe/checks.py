"""The ping: whose account it is, which permissions the key has. Reads alone, a call each.

A missing permission answers 403, and its message names it. Writing cannot be tried without writing: the permissions it
needs are told, and a refusal later pauses the connection and names the one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml_connector.connectors.http import Http
from ml_connector.connectors.pacing import Ticking
from ml_connector.connectors.shapes import Check, Ping
from ml_connector.connectors.stripe.client import StripeClient
from ml_connector.connectors.stripe.faults import is_code
from ml_connector.connectors.stripe.reader import open_client
from ml_connector.errors import ConnectorError, NotAuthorized


@dataclass(frozen=True, slots=True)
class Permission:
    """One permission: how it is tried, how the dashboard calls it, what is lost without it (empty: it is needed)."""

    name: str
    path: str
    grant: str
    lost: str = ""


PERMISSIONS = (
    Permission("events", "/v1/events", "Events: Read"),
    Permission("invoices", "/v1/invoices", "Invoices: Read (to send invoices: Write)"),
    Permission("payments of invoices", "/v1/invoice_payments", "Invoices: Read"),
    Permission("customers", "/v1/customers", "Customers: Read (to send invoices: Write)"),
    Permission("charges", "/v1/charges", "Charges and Refunds: Read"),
    Permission("refunds", "/v1/refunds", "Charges and Refunds: Read"),
    Permission("balance", "/v1/balance_transactions", "Balance transaction sources and Balance: Read"),
    Permission("payouts", "/v1/payouts", "Payouts: Read"),
    Permission("disputes", "/v1/disputes", "Disputes: Read"),
    Permission("credit notes", "/v1/credit_notes", "Credit notes: Read (to send credits: Write)"),
    Permission("webhook endpoints", "/v1/webhook_endpoints", "Webhook Endpoints: Write",
               "The endpoint is not made by itself; polling reads all."),
)  # fmt: skip
WRITES = "Customers, Invoices, Credit notes and Payment Records: Write"


def ping(
    http: Http, credentials: Mapping[str, Any], settings: Mapping[str, str], *, tokens: Any, clock: Ticking
) -> Ping:
    """Ask Stripe who we are and try each permission once, by calls that change nothing."""
    del tokens
    try:
        client = open_client(http, credentials, settings, clock=clock)
    except ConnectorError as error:
        return Ping(ok=False, account="", checks=(Check("key", ok=False, sentence=error.what, fix=error.fix),))
    checks, account = _account(client)
    if checks[0].ok:
        checks += [_tried(client, permission) for permission in PERMISSIONS]
        checks.append(Check("writing", ok=True, sentence=f"Writing is not tried. It needs {WRITES}."))
    facts = {"environment": client.access.mode}
    if account:
        facts["account_ref"] = account
    return Ping(
        ok=all(check.ok for check in checks), account=account or client.access.mode, checks=tuple(checks), facts=facts
    )


def _account(client: StripeClient) -> tuple[list[Check], str]:
    """Whether the key serves, and whose account it is where the key may ask: that is a permission of its own."""
    alive = Check("key", ok=True, sentence=f"The {client.access.mode} key is alive.")
    try:
        found = client.get("/v1/account")
    except NotAuthorized as error:
        if "with 403" in error.what and not is_code(error, "account_invalid"):
            return [alive], client.access.account
        return [Check("key", ok=False, sentence=error.what, fix=error.fix)], ""
    except ConnectorError as error:
        return [Check("key", ok=False, sentence=f"Stripe could not be asked: {error.what}", fix=error.fix)], ""
    id_ = found.get("id")
    return [alive], id_ if isinstance(id_, str) else ""


def _tried(client: StripeClient, permission: Permission) -> Check:
    name = permission.name
    try:
        client.get(permission.path, {"limit": 1}, operation=f"GET {permission.path}")
    except NotAuthorized as error:
        sentence = f"{name}: the permission is missing. {permission.lost}".strip()
        fix = f"Grant the key {permission.grant}. {error.fix}"
        return Check(name, ok=bool(permission.lost), sentence=sentence, fix=fix)
    except ConnectorError as error:
        return Check(name, ok=False, sentence=f"{name} could not be tried: {error.what}", fix=error.fix)
    return Check(name, ok=True, sentence=f"{name} works.")
