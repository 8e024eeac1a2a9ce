"""Secrets of connections and doors: sealed, replaced, sealed anew under another master key."""

from __future__ import annotations

from collections.abc import Mapping

from ml_connector.engine.noting import note
from ml_connector.engine.works import Works
from ml_connector.store import (
    sealed_secrets,
)
from ml_connector.store.database import Connection
from ml_connector.vault.credentials import Sealed, reseal, seal


def store_credentials(
    works: Works, c: Connection, workspace_id: str, connection_id: str, credentials: Mapping[str, str]
) -> None:
    """Seal credentials as the newest of their fields; the older ones end at once."""
    for field, text in credentials.items():
        if text:
            seal_field(works, c, workspace_id, ("connection", connection_id), field, text)
    works.lines.forget(connection_id)


def seal_field(
    works: Works,
    c: Connection,
    workspace_id: str | None,
    owner: tuple[str, str],
    field: str,
    text: str,
    *,
    older_until: int | None = None,
) -> None:
    """Seal one field of an owner (kind, id) as its newest; older ones end now, or at `older_until`."""
    works.conceal(text)
    n = sealed_secrets.next_n(c, owner[0], owner[1], field)
    sealed = seal(works.ring, text, workspace=workspace_id or "", owner=f"{owner[0]}:{owner[1]}", field=field, n=n)
    row = sealed_secrets.SecretRow(
        works.ids.new(), workspace_id, *owner, field, n, sealed.key_id, sealed.nonce, sealed.ciphertext, None
    )
    sealed_secrets.add(c, row, now=works.now())
    sealed_secrets.retire(c, owner[0], owner[1], field, below=n, at=works.now() if older_until is None else older_until)


def rotate_master_key(works: Works, *, by: str) -> int:
    """Seal every secret anew under the newest master key; how many changed. Safe to repeat."""
    changed = 0
    with works.database.writing() as c:
        for row in sealed_secrets.every(c):
            old = Sealed(row.key_id, row.nonce, row.ciphertext)
            new = reseal(
                works.ring,
                old,
                workspace=row.workspace_id or "",
                owner=f"{row.owner_kind}:{row.owner_id}",
                field=row.field,
                n=row.n,
            )
            if new != old:
                sealed_secrets.reseal(c, row.id, key_id=new.key_id, nonce=new.nonce, ciphertext=new.ciphertext)
                changed += 1
        note(works, c, verb="keys rotated", subject="vault", by=by, workspace_id=None, facts={"secrets": changed})
    return changed
