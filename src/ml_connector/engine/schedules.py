"""How often each stream of a connection is read: the connector's own pace unless a person has set another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ml_connector.connectors.shapes import Connector, Stream
from ml_connector.engine.works import Works
from ml_connector.errors import UsageError
from ml_connector.flows.flow import Flow
from ml_connector.store import audit, connection_rows, cursors, setups
from ml_connector.store.audit import Entry

SETTING = "every_s."  # a connection's setting, with the stream's name behind it
LEAST_S, MOST_S = 30, 7 * 86_400  # vendors limit calls; a week's silence of webhooks must be healed


@dataclass(frozen=True, slots=True)
class Scheduled:
    """One stream: how often it is read, how often it usually is, when next and with what result last.

    Times in microseconds; `next_at` None: no route asks for it. `flows`: who gets what it brings.
    """

    stream: str
    every_s: int
    usual_s: int
    flows: tuple[str, ...]
    next_at: int | None
    read_at: int | None
    failures: int
    reason: str | None


def of_connection(works: Works, connection_id: str) -> list[Scheduled]:
    """Every stream of a connection with its schedule."""
    with works.database.reading() as c:
        row = connection_rows.known(c, connection_id)
        known = {one.stream: one for one in cursors.of_connection(c, connection_id)}
        read = {name: cursors.finished_at(c, connection_id, name) for name in known}
        routes = [one for one in setups.routes(c) if one.source_id == connection_id]
    found = []
    for stream in works.system(row.connector).connector.streams:
        cursor = known.get(stream.name)
        begun = cursor is not None and cursor.due_at < cursors.NEVER
        flows = sorted({one.flow for one in routes if _wants(works.flows[one.flow], stream)})
        found.append(
            Scheduled(
                stream.name, every_s(row.settings, stream), stream.every_s, tuple(flows),
                cursor.due_at if cursor is not None and begun else None,
                read.get(stream.name),
                cursor.failures if cursor is not None else 0, cursor.reason if cursor is not None else None,
            )
        )  # fmt: skip
    return found


def _wants(flow: Flow, stream: Stream) -> bool:
    return bool({*flow.kinds, *flow.follows} & set(stream.kinds))


def every_s(settings: Mapping[str, object], stream: Stream) -> int:
    """How often a stream is read with these settings of its connection."""
    return int(str(settings.get(f"{SETTING}{stream.name}", stream.every_s)))


def set_every(works: Works, connection_id: str, stream: str, seconds: int | None, *, by: str) -> None:
    """Read a stream so often from now on; None: as often as the connector usually does. Noted in the audit trail."""
    with works.database.writing() as c:
        row = connection_rows.known(c, connection_id)
        settings = {name: value for name, value in row.settings.items() if name != f"{SETTING}{stream}"}
        if seconds is not None:
            settings[f"{SETTING}{stream}"] = str(seconds)
        check({f"{SETTING}{stream}": str(seconds or LEAST_S)}, works.system(row.connector).connector)
        connection_rows.change(c, connection_id, settings=settings)
        cursors.make_due(c, connection_id, now=works.now(), streams=(stream,))
        entry = Entry(works.now(), by, "schedule set", connection_id, {"stream": stream, "every_s": seconds})
        audit.append_many(c, chain=audit.INSTALL, workspace_id=row.workspace_id, entries=[entry])
    works.lines.forget(connection_id)


def check(settings: Mapping[str, str], connector: Connector) -> None:
    """Raise UsageError for a schedule that names no stream of this connector, or is no sensible time."""
    names = [one.name for one in connector.streams]
    for name, text in settings.items():
        if not name.startswith(SETTING):
            continue
        stream = name.removeprefix(SETTING)
        if stream not in names:
            fix = f"Its streams are {', '.join(names)}."
            raise UsageError(f"{connector.title} has no stream {stream}.", record=stream, fix=fix)
        if not text.isascii() or not text.isdigit() or not LEAST_S <= int(text) <= MOST_S:
            raise UsageError(
                f"{text} is no time to read {stream} again.", record=stream,
                fix=f"Say {LEAST_S} to {MOST_S} seconds, a week.",
            )  # fmt: skip
