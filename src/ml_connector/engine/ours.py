"""Ours: what we have written ourselves, told to a flow that reads the system it was written to.

So a document that our own route made is not taken for a person's, whatever stands on it.
"""

from __future__ import annotations

from ml_connector.engine import contents
from ml_connector.finance.plan import Elsewhere, Need
from ml_connector.store import writes
from ml_connector.store.database import Connection
from ml_connector.store.writes import Write


def answer(c: Connection, connection_id: str, need: Need) -> tuple[Elsewhere, ...]:
    """What a need for our own asks: by what a document is called there, by how a key begins, or what `needing` it."""
    fields = dict(need.fields)
    if "needing" in fields:
        return tuple(_told(write) for write in writes.put_against(c, connection_id, fields["needing"]))
    if "prefix" in fields:
        return tuple(_told(write) for write in writes.beginning(c, connection_id, fields["prefix"]))
    found = writes.made_as(c, connection_id, need.kind, fields.get("ids", "").split("|"))
    return tuple(_told(write) for write in found)


def _told(write: Write) -> Elsewhere:
    """`record`: what it is called in its target, empty while nobody knows; `reason`: its kind of write."""
    return Elsewhere(write.remote_id or "", write.state, write.kind, {write.key: contents.of_write(write)})
