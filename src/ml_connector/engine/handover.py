"""Connecting by hand-over: a person agrees on the system's own page, and the system itself posts its key to us.

The post is unsigned. Its only proof is the state in it: 32 random bytes that work once, for half an hour, and are kept
as a hash. Whoever knew one could at most enter a key for the address that was asked about, and a ping would show it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ml_connector.connectors.shapes import Handover
from ml_connector.engine import connecting, noting, oauth, safekeeping
from ml_connector.engine.works import Works
from ml_connector.errors import UsageError
from ml_connector.store import connection_rows, consents

CALLBACK = "/handover/{connector}"
RETURN = "/handover/{connector}/done"
APP_NAME = "ml-connector"
_REFUSED = "This hand-over was used already, or is older than half an hour."


@dataclass(frozen=True, slots=True)
class Wanted:
    """The connection that a hand-over is to make. `beside` are credentials that are no secret, kept with the key."""

    connector: str
    code: str
    title: str
    base_url: str
    settings: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, str] = field(default_factory=dict)


def begin(works: Works, workspace_id: str, wanted: Wanted, *, public_url: str | None, by: str, root: str = "") -> str:
    """The address to open in the browser of somebody who may give keys of the system out.

    A connection of this code that exists already gets the new key, if it is of this very address. `root` is what the
    system's own addresses begin with. Raises UsageError where the system hands nothing over, ConfigurationError where
    it could not reach us.
    """
    connector, code, base_url = wanted.connector, wanted.code, wanted.base_url
    parts = _parts(works, connector)
    _check_code(works, workspace_id, connector, code, base_url)
    if not public_url:
        raise UsageError(
            "The public address of this install is not set, and the key is posted to it.", record=code,
            fix="Set MLC_PUBLIC_URL to its https address, or enter the key by hand.",
        )  # fmt: skip
    state = secrets.token_urlsafe(oauth.STATE_BYTES)
    link = parts.authorize_url(
        base_url, app_name=APP_NAME, state=state, callback_url=_at(public_url, CALLBACK, connector),
        return_url=_at(public_url, RETURN, connector), root=root, allowed=works.allowed_hosts,
    )  # fmt: skip
    facts: dict[str, Any] = {
        "code": code, "title": wanted.title, "base_url": base_url, "settings": dict(wanted.settings),
        "beside": dict(wanted.beside), "by": by,
    }  # fmt: skip
    with works.database.writing() as c:
        consents.remember(
            c, state_hash=_hash_of(state), workspace_id=workspace_id, connector=connector, facts=facts, now=works.now()
        )
        noting.note(
            works, c, verb="hand-over asked", subject=code, by=by, workspace_id=workspace_id,
            facts={"connector": connector, "base_url": base_url},
        )  # fmt: skip
    return link


def body_limit(works: Works, connector: str) -> int:
    """How many bytes a hand-over of this system may have. Raises UsageError where it makes none."""
    return _parts(works, connector).max_body_bytes


def take(works: Works, connector: str, body: bytes) -> str:
    """Keep the key that a system has posted, sealed; the connection's id.

    Raises Untranslatable (no hand-over), UsageError (nobody asked for it, or used, or old), NotAuthorized (fewer rights
    than asked for).
    """
    parts = _parts(works, connector)
    state = parts.state_of(body)
    credentials = dict(parts.received(body, state=state))
    for text in credentials.values():
        works.conceal(text)
    found = _use(works, connector, state)
    if found is None:
        raise UsageError(_REFUSED, fix="Connect again from the beginning.")
    workspace_id, facts = found
    code, by = str(facts["code"]), str(facts["by"])
    credentials = {**facts["beside"], **credentials}
    known = _check_code(works, workspace_id, connector, code, str(facts["base_url"]))
    if known is None:
        return connecting.connect(
            works, workspace_id, connector=connector, code=code, title=str(facts["title"]), credentials=credentials,
            settings=facts["settings"], base_url=str(facts["base_url"]), by=by,
        )  # fmt: skip
    with works.database.writing() as c:
        safekeeping.store_credentials(works, c, workspace_id, known, credentials)
        connection_rows.change(c, known, state="active", reason=None, paused_until=None)
        noting.note(
            works, c, verb="key handed over", subject=known, by=by, workspace_id=workspace_id,
            facts={"connector": connector, "code": code, "fields": sorted(credentials)},
        )  # fmt: skip
    return known


def returned(works: Works, connector: str, params: Mapping[str, str]) -> bool:
    """Whether the browser came back with consent. A state that was refused is over. The key comes by its own way."""
    parts = _parts(works, connector)
    if parts.agreed(params):
        return True
    _use(works, connector, params.get("user_id", ""))
    return False


def _use(works: Works, connector: str, state: str) -> tuple[str, dict[str, Any]] | None:
    """(workspace, what was asked) of a state, once."""
    now = works.now()
    with works.database.writing() as c:
        found = consents.use(c, _hash_of(state), now=now, not_before=now - oauth.STATE_LIFE_US)
    return (found[0], found[2]) if found is not None and found[1] == connector else None


def _hash_of(state: str) -> str:
    """How a state is kept; one of a consent by browser is never one of a hand-over."""
    return oauth.hash_of(f"handover:{state}")


def _at(public_url: str, path: str, connector: str) -> str:
    return public_url.rstrip("/") + path.format(connector=connector)


def _parts(works: Works, connector: str) -> Handover:
    system = works.systems.get(connector)
    if system is None or system.handover is None:
        raise UsageError("This system hands no key over.", record=connector)
    return system.handover


def _check_code(works: Works, workspace_id: str, connector: str, code: str, base_url: str) -> str | None:
    """The connection of this code, where it is one to the very address that is asked."""
    with works.database.reading() as c:
        known = connection_rows.by_code(c, workspace_id, code)
    if known is None:
        return None
    if known.connector != connector or known.base_url != base_url:
        raise UsageError(
            f"The connection {code} is one to {known.base_url or known.connector}.", record=code,
            fix="Choose another --code.",
        )  # fmt: skip
    return known.id
