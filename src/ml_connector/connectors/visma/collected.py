"""What is written back on a customer document: a file, or words in its note. Nothing else of a released one is changed.

The note is read, added to under a mark of ours, and put with the version read, in a background call: only there the
ledger compares versions. A mark that stands already means that nothing is to be sent.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ml_connector.connectors.shapes import Context, Created, Observed
from ml_connector.connectors.visma import payloads
from ml_connector.connectors.visma.client import BACKGROUND, VismaClient, job_of, segment
from ml_connector.connectors.visma.kinds import Place, place_of
from ml_connector.connectors.visma.observed import text
from ml_connector.errors import NotFound, Rejected
from ml_connector.finance.collection import LedgerAttachment, LedgerNote

MOST_NOTE = 3_900  # characters; a longer note would lose its oldest words, so it is refused instead


def file_of(content: LedgerAttachment, context: Context) -> tuple[Context, bytes]:
    """The document the file goes on, and its bytes."""
    number = payloads.known(content.number)
    lines = [payloads.known(line) for line in content.lines]
    return dataclasses.replace(context, remote_id=number), ("\n".join(lines) + "\n").encode()


def write_note(client: VismaClient, content: LedgerNote, context: Context) -> Created:
    """Add the words: a reading and a PUT, or the reading alone where they stand already."""
    place, number = place_of(content.document), payloads.known(content.number)
    row, etag = _read(client, place, number)
    body = _body(content, row)
    if not body:
        return Created(_id_of(content), number, etag=etag)
    headers = {**BACKGROUND, **({"If-Match": etag} if etag else {})}
    answer = client.call(
        "PUT", place.item(number), operation=f"PUT {place.read}/{{id}}", headers=headers, content=body,
        record=context.key,
    )  # fmt: skip
    job = job_of(answer)
    return Created("", "", job_id=job) if job else Created(_id_of(content), number, etag=answer.headers.get("etag"))


def written(content: LedgerNote, done: Created) -> Created:
    """The document whose note was added to, when the job of it is done."""
    return Created(_id_of(content), payloads.known(content.number), etag=done.etag)


def flags_of(content: LedgerNote) -> tuple[tuple[str, bool], ...]:
    """What it sets beside the words, by Visma's names."""
    pairs = (("revoked", content.stop_dunning), ("excludeDebtCollection", content.no_debt_collection))
    return tuple((name, wanted) for name, wanted in pairs if wanted is not None)


def seen_note(client: VismaClient, content: LedgerNote) -> Observed | None:
    """The document whose note carries our mark; None where it does not."""
    place, number = place_of(content.document), payloads.known(content.number)
    found = client.row(place.item(number), operation=f"GET {place.read}/{{id}}")
    if found is None or mark_of(content) not in text(found[0].get("note")):
        return None
    shown = place.seen([found[0]], etag=found[1])
    return dataclasses.replace(shown, remote_id=_id_of(content), state="released")


def _id_of(content: LedgerNote) -> str:
    """A document may be told of many things, and each is one."""
    return f"{payloads.known(content.number)}/{content.source}"


def mark_of(content: LedgerNote) -> str:
    """The line that begins our words: by it they are found again."""
    return f"[{content.source}]"


def _read(client: VismaClient, place: Place, number: str) -> tuple[Mapping[str, Any], str | None]:
    found = client.row(f"{place.read}/{segment(number)}", operation=f"GET {place.read}/{{id}}")
    if found is None:
        raise NotFound(f"Visma has no document {number}.", record=number)
    row, etag = found
    stamp = row.get("timeStamp")
    return row, etag or (f'"{stamp}"' if stamp else None)


def _body(content: LedgerNote, row: Mapping[str, Any]) -> payloads.Body:
    old = text(row.get("note")).rstrip()
    body: payloads.Body = {}
    if mark_of(content) not in old:
        words = "\n".join([mark_of(content), *(payloads.known(line) for line in content.lines)])
        note = f"{old}\n{words}" if old else words
        if len(note) > MOST_NOTE:
            raise Rejected(
                f"The note of {payloads.known(content.number)} is full.",
                record=content.source,
                fix="Shorten the note in Visma, then send again.",
            )
        body["note"] = {"value": note}
    for name, wanted in flags_of(content):
        if row.get(name) is not wanted:
            body[name] = {"value": wanted}
    return body
