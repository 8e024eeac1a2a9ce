"""What must be known of a target before anything is planned for it: looked up lately, or asked for now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from ml_connector.connectors.shapes import Directory, ReadsDirectories, Writer
from ml_connector.engine.works import Registry, Works, open_line
from ml_connector.errors import NotAuthorized, Transient
from ml_connector.finance.plan import Answer, Found, Need
from ml_connector.store import bindings, connection_rows, submissions, writes
from ml_connector.store.database import Connection

DOCUMENTS_MAX_AGE_S = 300  # what people make in the target by hand is looked up anew: they do so when we ask them
FRESH = frozenset({"supplier_document", "ledger_balance"})  # what a person booked a moment ago must not be booked again


class Silent(Exception):
    """A system could not be asked, or refused to answer: `connection_id` and the fault."""

    def __init__(self, connection_id: str, fault: NotAuthorized | Transient) -> None:
        super().__init__(str(fault))
        self.connection_id, self.fault = connection_id, fault


def answer(works: Works, c: Connection, connection_id: str, need: Need, *, since: int) -> Answer | Need | None:
    """From what was looked up lately; a party we are bound to is looked up by its number and keeps how it was bound.

    A Need: this is to be looked up first (`ask`). None: no answer yet, and nothing to ask. `of` is the key of a write:
    asked for is what belongs to its document in the target; before that stands, nothing, or no answer yet where it is
    on its way and `awaited`. `since`: when this planning began, in microseconds; what must be fresh is read after it.
    """
    fields = dict(need.fields)
    of = fields.get("of")
    if of is not None:
        document = writes.standing(c, connection_id, of)
        if document is None:
            return None if need.awaited and writes.on_its_way(c, connection_id, of) else ()
        fields |= {"of_kind": document.kind, "of": document.remote_id or ""}
    key = fields.pop("binding", None)
    bound = bindings.of_keys(c, connection_id, need.kind, [key]).get(key) if key is not None else None
    if bound is not None:
        fields = {"number": bound.remote_id}
    elif key is not None and need.awaited and writes.on_its_way(c, connection_id, key):
        return (Found("", how="made"),)
    asked = tuple(sorted(fields.items()))
    name = (connection_id, need.kind, asked)
    if need.kind in FRESH:
        cached = works.parties.get(name, now=since, max_age_s=0)  # after this planning began
    else:
        cached = works.parties.get(name, now=works.now(), max_age_s=None if of is None else DOCUMENTS_MAX_AGE_S)
    if cached is None:
        return Need(need.kind, system="target", fields=asked)
    if of is not None:  # what we made ourselves is no news
        ours = submissions.numbers_of(c, connection_id, need.kind, [one.number for one in cached])
        return tuple(one for one in cached if one.number not in ours)
    how = bound.how if bound is not None else None
    return tuple(replace(one, how=how or one.how) for one in cached)


def ask(works: Works, unknown: Mapping[tuple[str, str], Need]) -> bool:
    """Look up in the targets what is unknown, by (connection, need name). True when there was any: gather again then.

    Raises Silent.
    """
    by_registry: dict[Registry, list[Need]] = {}
    for (connection_id, _name), need in unknown.items():
        by_registry.setdefault((connection_id, need.kind), []).append(need)
    for registry, needs in by_registry.items():
        try:
            _look_up(works, registry, needs)
        except (NotAuthorized, Transient) as fault:
            raise Silent(registry[0], fault) from fault
    return bool(unknown)


def _look_up(works: Works, registry: Registry, needs: Sequence[Need]) -> None:
    line = open_line(works, registry[0])
    with works.database.reading() as c:
        connection = connection_rows.get(c, registry[0])
    if connection is not None and connection.state != "active":
        raise Transient(f"{connection.title} ({connection.code}) is paused.", record=connection.code)
    whole = _directory(works, line.writer, registry, len(needs))
    for need in needs:
        fields = {key: value for key, value in need.fields if value}
        look_up = whole.look_up if whole is not None else partial(line.writer.look_up, need.kind)
        found = tuple(look_up(fields)) if fields else ()
        works.parties.put((*registry, need.fields), found, now=works.now())


def _directory(works: Works, writer: Writer, registry: Registry, wanted: int) -> Directory | None:
    """All parties of a kind, where that costs fewer calls than looking up those that are wanted."""
    known = works.parties.directory(registry, now=works.now())
    if known is not None or not isinstance(writer, ReadsDirectories):
        return known
    before = works.parties.read_before(registry, now=works.now())
    worth = works.parties.worth(registry, wanted, now=works.now())
    if before is None and worth is None:
        return None
    read = writer.directory(registry[1], before=before, most_calls=worth or 0)
    works.parties.keep(registry, read, now=works.now())
    return None if isinstance(read, int) else read
