"""The ping: is there a token, and scope by scope: may we read, was writing granted. Reads alone, about twelve calls.

Writing cannot be tried without writing: the token says what it was given for. A user with a password is told nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ml_connector.connectors.basware import auth
from ml_connector.connectors.basware.client import DOCUMENTS, STATUS, SUBSCRIPTIONS, BaswareClient
from ml_connector.connectors.basware.faults import judged
from ml_connector.connectors.basware.reader import open_client
from ml_connector.connectors.basware.scopes import FILE_SCOPE
from ml_connector.connectors.http import Http
from ml_connector.connectors.pacing import Ticking
from ml_connector.connectors.shapes import Check, Ping
from ml_connector.connectors.tokens import Tokens
from ml_connector.errors import ConnectorError, NotAuthorized, Transient

INVALID = "invalid_scope"
NOBODY = "00000000-0000-0000-0000-000000000000"
ONE = {"pageSize": "1"}
GRANT = "Ask Basware to grant {scopes} to this client, or name the granted scopes in the field Scopes."
REACH = "See that region or base URL are those of your tenant and that this machine may call it; then try again."
ASK = "Name it in the field Scopes: what became of records is read by it alone."
LOST_FILES = "Invoices are handed on as data, without their PDF."
NO_FILES = f"{FILE_SCOPE} is not asked for: {LOST_FILES[0].lower()}{LOST_FILES[1:]}"


@dataclass(frozen=True, slots=True)
class Probe:
    """One resource: how it is read (no path: it is not), and what is lost without it (empty: nothing works)."""

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
          "Approved invoices are not read, or not answered."),
    Probe("subscriptions", SUBSCRIPTIONS, {}, "Webhooks are not registered; polling reads all."),
)  # fmt: skip


def ping(
    http: Http, credentials: Mapping[str, Any], settings: Mapping[str, str], *, tokens: Tokens, clock: Ticking
) -> Ping:
    """Ask for a token and go through the scopes, by readings that may find nothing."""
    facts: dict[str, str] = {}
    client = None
    try:
        client = open_client(http, credentials, settings, tokens=tokens, clock=clock)
        facts["base_url"] = client.client.base_url
        token = None if client.client.basic else client.token()
    except ConnectorError as error:
        refused = _refused_scopes(client, clock) if client is not None and INVALID in error.what else []
        fix = (
            REACH if isinstance(error, Transient) else GRANT.format(scopes=", ".join(refused)) if refused else error.fix
        )
        said = f"{error.what} Refused: {', '.join(refused)}." if refused else error.what
        return Ping(ok=False, account="", checks=(Check("token", ok=False, sentence=said, fix=fix),), facts=facts)
    wanted, granted = client.client.scopes, token.scopes if token else None
    checks = [Check("token", ok=True, sentence="The token is alive." if token else "User and password are sent.")]
    checks += [_resource(client, probe, wanted, granted) for probe in _probes(wanted)]
    if FILE_SCOPE not in wanted:
        checks.append(Check("importDocuments", ok=True, sentence=NO_FILES))
    account = f"{client.client.user}@{client.client.base_url.partition('://')[2]}"
    return Ping(ok=all(check.ok for check in checks), account=account, checks=tuple(checks), facts=facts)


def _refused_scopes(client: BaswareClient, clock: Ticking) -> list[str]:
    """Which scopes no token is given for: one that lacks refuses them all, so each is asked for alone."""
    refused = []
    for scope in client.client.scopes:
        try:
            auth.obtain(client.http, replace(client.client, scopes=(scope,)), clock=clock)
        except NotAuthorized:
            refused.append(scope)
        except ConnectorError:  # no answer about this one: it is not accused
            continue
    return refused


def _probes(wanted: tuple[str, ...]) -> list[Probe]:
    """Those that we know, and what else is asked for: of that the token alone tells."""
    known = {probe.name for probe in PROBES}
    others = dict.fromkeys(resource for scope in wanted if (resource := scope.rpartition(".")[0]) not in known)
    return [*PROBES, *(Probe(name, "", {}, LOST_FILES if FILE_SCOPE.startswith(f"{name}.") else "") for name in others)]


def _resource(client: BaswareClient, probe: Probe, wanted: tuple[str, ...], granted: frozenset[str] | None) -> Check:
    """One resource, scope by scope. One that its owner leaves out on purpose is no fault, save where nothing works."""
    asked = [scope for scope in wanted if scope.rpartition(".")[0] == probe.name]
    if not asked:
        said = f"{probe.name}.read is not asked for. {probe.lost}".strip()
        return Check(probe.name, ok=bool(probe.lost), sentence=said, fix="" if probe.lost else ASK)
    missing = [scope for scope in asked if granted is not None and scope not in granted]
    untried = [scope for scope in asked if not (probe.path and scope.endswith(".read"))]
    how = "was granted" if granted is not None else "shows when it is first used"
    told = [f"{scope} {how}" for scope in untried if scope not in missing]
    if probe.path and f"{probe.name}.read" not in missing:
        fault = _tried(client, probe)
        if fault is not None:
            return fault
        told.insert(0, f"{probe.name}.read works")
    if missing:
        said = f"Not granted: {', '.join(missing)}. {probe.lost}".strip()
        return Check(probe.name, ok=False, sentence=said, fix=GRANT.format(scopes=", ".join(missing)))
    return Check(probe.name, ok=True, sentence=f"{'; '.join(told)}.")


def _tried(client: BaswareClient, probe: Probe) -> Check | None:
    """Why it cannot be read; None where it can."""
    scope = f"{probe.name}.read"
    try:
        answer = client.send("GET", probe.path, operation=f"GET {probe.path}", params=probe.params)
        if answer.status != 404:  # an empty list
            judged(answer, f"GET {probe.path}", method="GET")
    except NotAuthorized as error:
        said = f"{scope}: {error.what} {probe.lost}".strip()
        return Check(probe.name, ok=False, sentence=said, fix=error.fix)
    except ConnectorError as error:
        return Check(probe.name, ok=False, sentence=f"{scope} could not be tried: {error.what}", fix=error.fix)
    return None
