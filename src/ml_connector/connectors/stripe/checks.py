"""The ping: whose account it is, which permissions the key has. A call each, and nothing can be written by any.

A missing permission answers 403, and its message names it. Reading is tried by a list of one. Writing is tried on an
object that cannot exist, with nothing but a parameter that does not: Stripe looks at the permission first, so that 403
says that it is missing, and 400 or 404 that it is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ml_connector.connectors.http import Http
from ml_connector.connectors.pacing import Ticking
from ml_connector.connectors.shapes import Check, Ping
from ml_connector.connectors.stripe.client import StripeClient, item, key_of
from ml_connector.connectors.stripe.faults import is_code, refused_permission
from ml_connector.connectors.stripe.paths import CREDITS, CUSTOMERS, INVOICES, RECORDS
from ml_connector.connectors.stripe.reader import open_client
from ml_connector.errors import ConnectorError, NotAuthorized


@dataclass(frozen=True, slots=True)
class Permission:
    """One permission: how it is tried, how the dashboard calls it, what is lost without it (empty: it is needed)."""

    name: str
    path: str
    grant: str
    lost: str = ""


PROVEN, MISSING = frozenset({400, 404}), 403
PERMISSIONS = (
    Permission("events", "/v1/events", "Events: Read"),
    Permission("invoices", "/v1/invoices", "Invoices: Read"),
    Permission("payments of invoices", "/v1/invoice_payments", "Invoices: Read"),
    Permission("customers", "/v1/customers", "Customers: Read"),
    Permission("charges", "/v1/charges", "Charges and Refunds: Read"),
    Permission("refunds", "/v1/refunds", "Charges and Refunds: Read"),
    Permission("balance", "/v1/balance_transactions", "Balance transaction sources and Balance: Read"),
    Permission("payouts", "/v1/payouts", "Payouts: Read"),
    Permission("disputes", "/v1/disputes", "Disputes: Read"),
    Permission("credit notes", "/v1/credit_notes", "Credit notes: Read"),
    Permission("webhook endpoints", "/v1/webhook_endpoints", "Webhook Endpoints: Read",
               "The endpoint is not made by itself; polling reads all."),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Write:
    """One permission to write: where it is tried, and its name in the dashboard and in Stripe's refusals.

    Also what of ours (kinds of writes) needs it, and what is lost without it where nothing must have it.
    """

    name: str
    path: str
    grant: str
    permission: str
    kinds: frozenset[str]
    lost: str = ""


NOWHERE = "mlc-no-such-object"  # ids of Stripe hold no dash
PROBE = {"mlc_permission_probe": "1"}  # no parameter of any interface
WRITES = (
    Write("writing customers", item(CUSTOMERS, NOWHERE), "Customers: Write", "rak_customer_write",
          frozenset({"customer"})),
    Write("writing invoices", item(INVOICES, NOWHERE), "Invoices: Write", "rak_invoice_write",
          frozenset({"collection_invoice", "invoice_void", "outside_payment"})),
    Write("writing credit notes", item(CREDITS, NOWHERE), "Credit notes: Write", "rak_credit_note_write",
          frozenset({"collection_credit"})),
    Write("writing payment records", item(RECORDS, NOWHERE, "report_refund"), "Payment Records: Write",
          "rak_payment_record_write", frozenset({"part_payment"})),
    Write("writing webhook endpoints", item("/v1/webhook_endpoints", NOWHERE), "Webhook Endpoints: Write",
          "rak_webhook_write", frozenset(), "The endpoint is not made by itself; polling reads all."),
)  # fmt: skip
WRITTEN = "writes"
"""The setting that names, parted by spaces, the kinds that the routes into this account write."""


def ping(
    http: Http, credentials: Mapping[str, Any], settings: Mapping[str, str], *, tokens: Any, clock: Ticking
) -> Ping:
    """Ask Stripe who we are and try each permission once, by calls that change nothing.

    A permission to write that nothing of ours needs (setting `writes`) may be missing: it is told.
    """
    del tokens
    try:
        client = open_client(http, credentials, settings, clock=clock)
    except ConnectorError as error:
        return Ping(ok=False, account="", checks=(Check("key", ok=False, sentence=error.what, fix=error.fix),))
    checks, account = _account(client)
    if checks[0].ok:
        checks += [_tried(client, permission) for permission in PERMISSIONS]
        wanted = frozenset(settings.get(WRITTEN, "").split())
        checks += [_knocked(client, write, wanted, at=clock.now()) for write in WRITES]
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


def _knocked(client: StripeClient, write: Write, wanted: frozenset[str], *, at: datetime) -> Check:
    """Whether the key may write, by how a write that cannot be is refused. Nothing is written whatever comes."""
    name, may_lack = write.name, not write.kinds & wanted
    key = key_of(write.path, f"ping {at.isoformat()}")
    try:
        answer = client.knock(write.path, PROBE, key=key, operation=f"POST {write.permission} (ping)")
    except ConnectorError as error:
        return Check(name, ok=may_lack, sentence=f"{name}: could not be proved: {error.what}", fix=error.fix)
    if answer.status in PROVEN:
        return Check(name, ok=True, sentence=f"{name}: the key may ({write.permission}).")
    if answer.status != MISSING:
        sentence = f"{name}: could not be proved: Stripe answered {answer.status}, which says nothing of permissions."
        return Check(name, ok=may_lack, sentence=sentence, fix="Run `ml-connector ping` again in a while.")
    permission = refused_permission(answer) or write.permission
    lost = write.lost or ("No route of this connection needs it now." if may_lack else "")
    sentence = f"{name}: the permission {permission} is missing. {lost}".strip()
    fix = f"Grant the key {write.grant} ({permission}) in Stripe, then run `ml-connector ping`."
    return Check(name, ok=may_lack, sentence=sentence, fix=fix)
