"""The ping: who answers, and each permission proven without writing anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml_connector.connectors.http import Answer, Http
from ml_connector.connectors.shapes import Check, Ping
from ml_connector.connectors.tokens import Now, Tokens
from ml_connector.connectors.visma.auth import Account, account_of
from ml_connector.connectors.visma.client import VismaClient, rows_of
from ml_connector.connectors.visma.faults import rate_of
from ml_connector.connectors.visma.observed import Row, text
from ml_connector.errors import ConnectorError, Rejected, Transient, UnknownOutcome

# A batch number that no series gives: release and update of it cannot do anything but fail.
NOWHERE = "MLC-NO-SUCH-BATCH"


def ping(
    http: Http, credentials: Mapping[str, Any], settings: Mapping[str, str], *, tokens: Tokens, clock: Now
) -> Ping:
    """Six calls at most. A failed check tells what to do; Transient is raised when Visma cannot answer at all."""
    account = account_of(credentials, settings)
    client = VismaClient(http, account, tokens=tokens, clock=clock)
    try:
        granted = client.token().scopes
    except Transient:
        raise
    except ConnectorError as refusal:
        return Ping(False, "", (Check("token", False, refusal.what, refusal.fix),))
    checks = [Check("token", True, "Visma Connect gives a token for this company."), _scopes(account, granted)]
    organisation, first = _read(client, checks)
    if first is None:
        return Ping(False, "", tuple(checks))
    branches = client.rows("/v1/branch", operation="GET /v1/branch")
    checks.append(_company(organisation, branches))
    checks.append(_refused(client, "POST", f"/v2/journaltransaction/{NOWHERE}/action/release", right="create"))
    checks.append(_refused(client, "PUT", f"/v2/journaltransaction/{NOWHERE}", right="update"))
    name = text(organisation.get("name")) or next((text(row.get("name")) for row in branches), "")
    facts = {**_facts(organisation, branches, first), "account_ref": account.tenant_id}
    return Ping(all(check.ok for check in checks), name, tuple(checks), facts)


def _scopes(account: Account, granted: frozenset[str]) -> Check:
    missing = [scope for scope in account.scopes if scope not in granted]
    if not missing:
        return Check("scopes", True, f"The token carries {', '.join(account.scopes)}.")
    return Check(
        "scopes",
        False,
        f"The token lacks {', '.join(missing)}.",
        "Add the scope to the application in the Visma Developer Portal and approve it again in Visma App Store.",
    )


def _read(client: VismaClient, checks: list[Check]) -> tuple[Row, Answer | None]:
    """The organisation, and the answer that told it; the check is noted."""
    try:
        answer = client.call("GET", "/v1/organization", operation="GET /v1/organization")
    except Transient:
        raise
    except ConnectorError as refusal:
        checks.append(Check("read", False, refusal.what, refusal.fix))
        return {}, None
    rows = rows_of(answer, "/v1/organization")
    checks.append(Check("read", True, "Reading works."))
    return (rows[0] if rows else {}), answer


def _company(organisation: Row, branches: list[Row]) -> Check:
    """An empty company is a wrong one: a wrong company id is reported to answer 200 with nothing in it."""
    if not organisation and not branches:
        return Check(
            "company",
            False,
            "Visma answers with no organisation and no branch.",
            "Check the company id, or leave it out: the tenant id alone chooses the company.",
        )
    names = ", ".join(f"{text(row.get('number')).strip()} {text(row.get('name'))}" for row in branches[:10])
    return Check(
        "company",
        True,
        f"{text(organisation.get('name'))}, {text(organisation.get('baseCurrency'))}; branches: {names}.",
    )


def _refused(client: VismaClient, method: str, path: str, *, right: str) -> Check:
    """A write to a document that cannot exist: refused for that reason, the right is proven; 403, it is missing."""
    try:
        client.call(method, path, operation=f"{method} ping", content={})
    except Rejected:
        return Check(right, True, f"Visma lets us {right}: it looked for the document and found none.")
    except Transient:
        raise
    except UnknownOutcome:  # 5xx: it got past the rights, and there is nothing it could have done
        return Check(right, True, f"Visma lets us {right}; it stumbled over a document that does not exist.")
    except ConnectorError as refusal:
        return Check(right, False, refusal.what, refusal.fix)
    return Check(right, True, f"Visma lets us {right}: it accepted the call and had nothing to do.")


def _facts(organisation: Row, branches: list[Row], answer: Answer) -> dict[str, str]:
    facts = {
        "organisation": text(organisation.get("name")),
        "base_currency": text(organisation.get("baseCurrency")),
        "branches": ", ".join(text(row.get("number")).strip() for row in branches),
    }
    rate = rate_of(answer)
    if rate is not None:
        facts["rate_policy"] = rate.policy
        facts["rate_limit"] = str(rate.limit)
        facts["rate_remaining"] = str(rate.remaining)
    return facts
