"""Connecting by consent: where the seller's browser goes, and what its return is worth, once."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from ml_connector.connectors.http import Http, Reach
from ml_connector.connectors.shapes import System
from ml_connector.engine import connecting, noting, safekeeping
from ml_connector.engine.works import Works
from ml_connector.errors import NotAuthorized, UsageError
from ml_connector.store import connection_rows, consents
from ml_connector.vault.credentials import Sealed, open_sealed, seal

STATE_LIFE_US = 1_800_000_000  # half an hour: a person logs in, reads what is asked, and agrees
STATE_BYTES = 32
CALLBACK = "/oauth/{connector}/callback"
_SECRET = "client_secret"  # noqa: S105 - the name of a field

_REFUSALS = {
    "access_denied": "The seller did not agree: nothing was connected.",
    "invalid_scope": "The application asked for a right that it may not have.",
    "server_error": "The other side could not answer.",
}


def callback_url(public_url: str | None, connector: str) -> str:
    """Where the vendor sends the browser back to; register exactly this with the application.

    Raises UsageError where the install has no public address.
    """
    if not public_url:
        raise UsageError("The public address of this install is not set.", fix="Set MLC_PUBLIC_URL.")
    return public_url.rstrip("/") + CALLBACK.format(connector=connector)


def begin(
    works: Works, workspace_id: str, *, connector: str, code: str, title: str, client_id: str, client_secret: str,
    redirect_uri: str | None, base_url: str | None, by: str
) -> str:  # fmt: skip
    """The address to open in the seller's browser. Its state works once, for half an hour, and is kept as a hash.

    A connection of this code that exists already gets the new credentials. Raises UsageError where the system has no
    consent by browser.
    """
    system = works.system(connector)
    if system.authorize_url is None or system.exchange_code is None:
        raise UsageError(f"{system.connector.title} is not connected by consent.", record=connector)
    state = secrets.token_urlsafe(STATE_BYTES)
    sealed = _seal(works, workspace_id, state, client_secret)
    facts: dict[str, Any] = {
        "code": code, "title": title, "client_id": client_id, "redirect_uri": redirect_uri or "",
        "base_url": base_url or "", "by": by, **sealed,
    }  # fmt: skip
    with works.database.writing() as c:
        consents.remember(
            c, state_hash=hash_of(state), workspace_id=workspace_id, connector=connector, facts=facts, now=works.now()
        )
        noting.note(
            works,
            c,
            verb="consent asked",
            subject=code,
            by=by,
            workspace_id=workspace_id,
            facts={"connector": connector},
        )
    base = base_url or system.connector.default_base_url
    return system.authorize_url(client_id, state=state, redirect_uri=redirect_uri, base=base)


def finish(works: Works, *, state: str, params: Mapping[str, str]) -> str:
    """Exchange what the browser brought back for credentials, sealed; the connection's id.

    Raises UsageError (a state that is unknown, used or old), NotAuthorized (the seller or the vendor said no).
    """
    now = works.now()
    with works.database.writing() as c:
        found = consents.use(c, hash_of(state), now=now, not_before=now - STATE_LIFE_US)
    if found is None:
        raise UsageError(
            "This link was used already, or is older than half an hour.", fix="Connect again from the beginning."
        )
    workspace_id, connector, facts = found
    if params.get("error") or not params.get("code"):
        raise _refused(params, record=str(facts["code"]))
    system = works.system(connector)
    credentials = _exchange(works, system, workspace_id, state, code=params["code"], facts=facts)
    return _keep(works, workspace_id, connector, facts, credentials)


def hash_of(state: str) -> str:
    """How a state is kept: who reads the database cannot finish somebody else's consent."""
    return hashlib.sha256(state.encode()).hexdigest()


def _seal(works: Works, workspace_id: str, state: str, client_secret: str) -> dict[str, str]:
    works.conceal(client_secret)
    sealed = seal(
        works.ring, client_secret, workspace=workspace_id, owner=f"oauth:{hash_of(state)}", field=_SECRET, n=1
    )
    return {"key_id": sealed.key_id, "nonce": sealed.nonce.hex(), "ciphertext": sealed.ciphertext.hex()}


def _refused(params: Mapping[str, str], *, record: str) -> NotAuthorized:
    reason = params.get("error", "")
    told = params.get("error_description", "")[:200]
    what = _REFUSALS.get(reason, f"The other side refused ({reason or 'it brought no code'}).")
    return NotAuthorized(
        f"{what} {told}".strip(), record=record, fix="Connect again, and agree to all rights that are asked."
    )


def _exchange(
    works: Works, system: System, workspace_id: str, state: str, *, code: str, facts: Mapping[str, Any]
) -> Mapping[str, str]:
    sealed = Sealed(str(facts["key_id"]), bytes.fromhex(facts["nonce"]), bytes.fromhex(facts["ciphertext"]))
    owner = f"oauth:{hash_of(state)}"
    secret = open_sealed(works.ring, sealed, workspace=workspace_id, owner=owner, field=_SECRET, n=1).reveal()
    base = str(facts["base_url"] or system.connector.default_base_url)
    reach = Reach(base, frozenset(system.connector.hosts), works.allowed_hosts)
    if system.exchange_code is None:
        raise UsageError(f"{system.connector.title} is not connected by consent.", record=str(facts["code"]))
    http = Http(reach, timeout_s=works.limits.call_timeout_s)
    try:
        return system.exchange_code(
            http, code, client_id=str(facts["client_id"]), client_secret=secret,
            redirect_uri=str(facts["redirect_uri"]) or None, now=works.clock.now(),
        )  # fmt: skip
    finally:
        http.close()


def _keep(
    works: Works, workspace_id: str, connector: str, facts: Mapping[str, Any], credentials: Mapping[str, str]
) -> str:
    code, by = str(facts["code"]), str(facts["by"])
    for name in ("access_token", "refresh_token"):
        works.conceal(credentials.get(name, ""))
    with works.database.reading() as c:
        known = connection_rows.by_code(c, workspace_id, code)
    rest = dict(credentials)
    if known is None:
        allowed = {one.name for one in works.system(connector).connector.credential_fields}
        first = {name: text for name, text in credentials.items() if name in allowed}
        rest = {name: text for name, text in credentials.items() if name not in allowed}  # sealed by connect already
        connection_id = connecting.connect(
            works, workspace_id, connector=connector, code=code, title=str(facts["title"]), credentials=first,
            settings={}, base_url=str(facts["base_url"]) or None, by=by,
        )  # fmt: skip
    else:
        if known.connector != connector:
            raise UsageError(
                f"The connection {code} is one to {known.connector}.", record=code, fix="Choose another code."
            )
        connection_id = known.id
    with works.database.writing() as c:
        safekeeping.store_credentials(works, c, workspace_id, connection_id, rest)
        account = credentials.get("merchant_id")
        changes = {"state": "active", "reason": None, "paused_until": None}
        connection_rows.change(c, connection_id, **changes, **({"account_ref": account} if account else {}))
        noting.note(
            works, c, verb="consent given", subject=connection_id, by=by, workspace_id=workspace_id,
            facts={"connector": connector, "code": code, "fields": sorted(credentials)},
        )  # fmt: skip
    return connection_id
