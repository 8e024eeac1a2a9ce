"""The ping: is there a token, which scope is missing, one harmless reading each. Reads alone, about twelve calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml_connector.connectors.basware.client import DOCUMENTS, STATUS, SUBSCRIPTIONS, BaswareClient
from ml_connector.connectors.basware.faults import judged
from ml_connector.connectors.basware.reader import open_client
from ml_connector.connectors.http import Http
from ml_connector.connectors.pacing import Ticking
from ml_connector.connectors.shapes import Check, Ping
from ml_connector.connectors.tokens import AccessToken, Tokens
from ml_connector.errors import ConnectorError, NotAuthorized

NOBODY = "00000000-0000-0000-0000-000000000000"
ONE = {"pageSize": "1"}


@dataclass(frozen=True, slots=True)
class Probe:
    """One resource: how it is read, and what is lost without it (empty: nothing works)."""

    name: str
    path: str
    params: Mapping[str, str]
    lost: str = ""


PROBES = (
    Probe("requestStatus", STATUS, {"system": "P2P", **ONE}),
    Probe("vendors", "/v1/vendors", ONE, "Suppliers are not sent, and no orders."),
    Probe("paymentTerms", "/v1/paymentTerms", ONE, "Payment terms are not sent, and suppliers wait for them."),
    Probe("accounts", "/v1/accounts", ONE, "Accounts are not sent."),
    Probe("costCenters", "/v1/costCenters", ONE, "Cost centres are not sent."),
    Probe("taxCodes", "/v1/taxCodes", ONE, "Tax codes are not sent."),
    Probe("lists", "/v1/lists/ACC_LIST_1", ONE, "Other dimensions are not sent."),
    Probe("matchingOrders", "/v1/matchingOrders", ONE, "Orders are not sent."),
    Probe("matchingOrderLines", "/v1/matchingOrderLines", {"orderExternalCode": NOBODY}, "Order lines are not sent."),
    Probe("accountingDocuments", DOCUMENTS, {"ProcessingStatus": "WaitingForTransfer", **ONE},
          "Approved invoices are not read."),
    Probe("subscriptions", SUBSCRIPTIONS, {}, "Webhooks are not registered; polling reads all."),
)  # fmt: skip


def ping(
    http: Http, credentials: Mapping[str, Any], settings: Mapping[str, str], *, tokens: Tokens, clock: Ticking
) -> Ping:
    """Ask for a token and try each scope once, by readings that may find nothing."""
    facts: dict[str, str] = {}
    try:
        client = open_client(http, credentials, settings, tokens=tokens, clock=clock)
        facts["base_url"] = client.client.base_url
        token = None if client.client.basic else client.token()
    except ConnectorError as error:
        check = Check("token", ok=False, sentence=error.what, fix=error.fix)
        return Ping(ok=False, account="", checks=(check,), facts=facts)
    checks = [Check("token", ok=True, sentence="The token is alive." if token else "User and password are sent.")]
    if token is not None:
        checks += _scopes(token, client.client.scopes)
    checks += [_tried(client, probe) for probe in PROBES]
    account = f"{client.client.user}@{client.client.base_url.partition('://')[2]}"
    return Ping(ok=all(check.ok for check in checks), account=account, checks=tuple(checks), facts=facts)


def _scopes(token: AccessToken, wanted: tuple[str, ...]) -> list[Check]:
    """Writing cannot be tried without writing: the token says what it was given for."""
    missing = sorted(set(wanted) - token.scopes)
    if not missing:
        return [Check("scopes", ok=True, sentence="Every scope we ask for was granted.")]
    fix = "Ask Basware to grant them to this client, or name the granted ones in the field Scopes."
    return [Check("scopes", ok=False, sentence=f"Not granted: {', '.join(missing)}.", fix=fix)]


def _tried(client: BaswareClient, probe: Probe) -> Check:
    try:
        answer = client.send("GET", probe.path, operation=f"GET {probe.path}", params=probe.params)
        if answer.status != 404:  # an empty list
            judged(answer, f"GET {probe.path}", method="GET")
    except NotAuthorized as error:
        sentence = f"{probe.name}: {error.what} {probe.lost}".strip()
        return Check(probe.name, ok=False, sentence=sentence, fix=error.fix)
    except ConnectorError as error:
        return Check(probe.name, ok=False, sentence=f"{probe.name} could not be tried: {error.what}", fix=error.fix)
    return Check(probe.name, ok=True, sentence=f"{probe.name} works.")
