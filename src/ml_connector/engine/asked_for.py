"""Records that somebody asked for by name: trips that wait for them, and people who look at what would be planned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from ml_connector.clock import moment
from ml_connector.connectors.shapes import SourceObject
from ml_connector.engine import arriving, walks
from ml_connector.engine.walks import Place
from ml_connector.engine.works import Works, open_line
from ml_connector.errors import ConnectorError
from ml_connector.store import connection_rows, trip_needs
from ml_connector.store.connection_rows import ConnectionRow
from ml_connector.store.trip_moves import LIVE_PRIORITY
from ml_connector.store.trip_needs import OpenNeed

ASK_AGAIN_US = 300_000_000  # a thing that is not there yet is looked for every five minutes


def read_for_trips(works: Works, connection: ConnectionRow, needs: Sequence[OpenNeed]) -> int:
    """What waiting trips asked for by name; walks for those who asked "does anything point here".

    How many objects came. Raises what the reader raises; nothing is kept then.
    """
    line = open_line(works, connection.id)
    began = works.now()
    objects: list[SourceObject] = []
    by_kind: dict[str, list[str]] = {}
    walked_at: dict[Place, int] = {}
    for need in needs:
        if need.external_id and not _by_link(need):
            by_kind.setdefault(need.kind, []).append(need.external_id)
        elif need.external_id and need.fields.get("optional"):
            walked_at[need.kind, need.fields.get("location")] = works.now()
    for kind, names in by_kind.items():
        objects += arriving.split(line.reader.fetch(kind, sorted(set(names))))[0]
    oldest = moment(min(need.asked_at for need in needs)) - walks.BACK
    for kind, location in walked_at:
        objects += line.reader.walk(kind, location=location, since=oldest)
    with works.database.reading() as c:
        wanted = arriving.wanted_by(works, c, connection)
    readings = arriving.readings_of(arriving.translated(works, wanted, objects), source="lookup", read_at=began)
    there = {(one.kind, one.external_id) for one in objects}
    walked = [need.id for need in needs if _by_link(need) and (need.kind, need.fields.get("location")) in walked_at]
    found = [need.id for need in needs if (need.kind, need.external_id or "") in there]
    gone = [
        need.id for need in needs if need.fields.get("optional") and not _by_link(need) and need.id not in set(found)
    ]
    still = [need.id for need in needs if need.id not in {*found, *walked, *gone}]
    with works.database.writing() as c:
        arriving.keep(works, c, wanted, readings, actor="look-up", priority=LIVE_PRIORITY, facts={"needs": len(needs)})
        walks.mark(works, c, connection, walked_at)
        trip_needs.answer(c, [*found, *walked], found='"there"', now=works.now())
        trip_needs.answer(c, gone, found=None, now=works.now())
        trip_needs.ask_again(c, still, at=works.now() + ASK_AGAIN_US)
    return len(objects)


def read_for_preview(works: Works, connection_id: str, ids: Mapping[str, Sequence[str]]) -> None:
    """Read and keep these records of a source now, by kind: for who only wants to see what would be planned.

    What cannot be read now is told as what the record waits for.
    """
    with works.database.reading() as c:
        wanted = arriving.wanted_by(works, c, connection_rows.known(c, connection_id))
    began = works.now()
    objects: list[SourceObject] = []
    with suppress(ConnectorError):
        reader = open_line(works, connection_id).reader
        for kind, names in ids.items():
            objects += arriving.split(reader.fetch(kind, sorted(names)))[0]
    if objects:
        readings = arriving.readings_of(arriving.translated(works, wanted, objects), source="lookup", read_at=began)
        with works.database.writing() as c:
            arriving.keep(works, c, wanted, readings, actor="look-up", priority=LIVE_PRIORITY)


def _by_link(need: OpenNeed) -> bool:
    return (need.external_id or "").startswith("link:")
