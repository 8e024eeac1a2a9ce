"""What we put on customer documents, read back: files by name and bytes, words in notes. One list serves many.

Files are shown by lists alone. Whether a file changes when a document was last changed is nowhere said, so the list is
by document date; a note surely does. A document that a list does not show is looked for by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from ml_connector.connectors.shapes import Context, Observed
from ml_connector.connectors.visma import collected, files, payloads
from ml_connector.connectors.visma.client import VismaClient, total_of
from ml_connector.connectors.visma.kinds import Place, place_of
from ml_connector.connectors.visma.lookback import Lookback, changed_since
from ml_connector.connectors.visma.observed import Row, day, gone, text
from ml_connector.errors import NotFound, Rejected
from ml_connector.finance.collection import LedgerAttachment, LedgerNote

FEW = 3  # so many documents are looked for one by one; and of so many of a look the bytes are read as well
_FILES = {"expandAttachments": "true"}

Put = Sequence[tuple[LedgerAttachment, Context]]
Said = Sequence[tuple[LedgerNote, Context]]


def attachments(client: VismaClient, put: Put) -> dict[str, Observed]:
    """The files by remote id: `gone` where the document does not list it, else with how it differs, in words."""
    rows: dict[tuple[str, str], Row] = {}
    for document in {content.document for content, _ in put}:
        of = [content for content, _ in put if content.document == document]
        rows |= {(document, number): row for number, row in _documents(client, place_of(document), of).items()}
    found: dict[str, Observed] = {}
    for content, context in put:
        row = rows.get((content.document, payloads.known(content.number)))
        found[context.remote_id] = _file(client, content, context, row, whole=len(found) < FEW)
    return found


def notes(client: VismaClient, lookback: Lookback, said: Said) -> dict[str, Observed]:
    """The words by remote id: `gone` where they are not there, else with how they differ."""
    rows = _changed(client, lookback, said) if len(said) > FEW else {}
    found: dict[str, Observed] = {}
    for content, context in said:
        number = payloads.known(content.number)
        row = rows.get((content.document, number)) or _alone(client, place_of(content.document), number)
        found[context.remote_id] = _words(content, context, row)
    return found


def _documents(client: VismaClient, place: Place, contents: Sequence[LedgerAttachment]) -> dict[str, Row]:
    """Rows with their files, by number: one list from the first day on, where that takes fewer calls."""
    wanted = {payloads.known(content.number): content for content in contents}
    days = [content.day for content in contents if content.day is not None]
    found: dict[str, Row] = {}
    if len(wanted) > FEW and len(days) == len(contents):
        found = _since(client, place, min(days), wanted)
    for number, content in wanted.items():
        if number not in found:
            found |= _by_itself(client, place, number, content)
    return found


def _since(client: VismaClient, place: Place, first: date, wanted: Mapping[str, object]) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for rows in client.pages(place.read, {**_FILES, **_from(first)}, operation=f"GET {place.read}"):
        found |= {number: row for row in rows if (number := _number(row)) in wanted}
        total = total_of(rows)
        if len(found) == len(wanted) or (total is not None and total > len(wanted) * len(rows)):
            break
    return found


def _by_itself(client: VismaClient, place: Place, number: str, content: LedgerAttachment) -> dict[str, Row]:
    """One document as a list shows it: among its customer's of that day and later."""
    customer, on = content.customer, content.day
    if not customer or on is None:
        row = _alone(client, place, number)
        written = day(row.get("documentDate")) if row else None
        if row is None or written is None:
            return {}
        customer, on = text(row.get("customer")), date.fromisoformat(written)
    asked = {**_FILES, "customer": customer, **_from(on)}
    for rows in client.pages(place.read, asked, operation=f"GET {place.read}"):
        for one in rows:
            if _number(one) == number:
                return {number: one}
    return {}


def _changed(client: VismaClient, lookback: Lookback, said: Said) -> dict[tuple[str, str], Row]:
    starts = [context.started_at for _, context in said if context.started_at is not None]
    if len(starts) < len(said):
        return {}
    since = lookback.wide(min(starts))
    return {
        (document, _number(rows[-1])): rows[-1]
        for document in {content.document for content, _ in said}
        for rows in changed_since(client, place_of(document), since)
    }


def _file(
    client: VismaClient, content: LedgerAttachment, context: Context, row: Row | None, *, whole: bool
) -> Observed:
    number = payloads.known(content.number)
    listed = row.get("attachments") if row is not None else []
    if not isinstance(listed, list):  # the list was not asked for them, for all it says
        return _shown(context, number, ())
    one = next((one for one in _rows(listed) if text(one.get("name")) == content.file_name), None)
    if one is None:
        return gone(context.remote_id)
    off = _unlike(client, content, context, text(one.get("id"))) if whole else ""
    return _shown(context, number, (off,) if off else ())


def _unlike(client: VismaClient, content: LedgerAttachment, context: Context, file_id: str) -> str:
    """How the bytes that Visma keeps differ from those that were sent; empty where they do not. One call."""
    sent = collected.file_of(content, context)[1]
    try:
        kept = files.read(client, file_id, record=content.source)
    except (NotFound, Rejected) as fault:
        return f"file {content.file_name} cannot be read: {fault.what.rstrip('.')}"
    return "" if kept == sent else f"file {content.file_name} holds {len(kept)} bytes that are not the {len(sent)} sent"


def _words(content: LedgerNote, context: Context, row: Row | None) -> Observed:
    note = text(row.get("note")) if row is not None else ""
    _, mark, said = note.partition(collected.mark_of(content))
    if not mark:
        return gone(context.remote_id)
    words = [payloads.known(line) for line in content.lines]
    off = [] if _lines(said)[: len(words)] == words else ["the words below our mark in its note are others"]
    for name, wanted in collected.flags_of(content):
        if row is not None and name in row and row[name] is not wanted:
            off.append(f"{name} is not {str(wanted).lower()}")
    return _shown(context, payloads.known(content.number), off)


def _shown(context: Context, number: str, differences: Iterable[str]) -> Observed:
    facts = {"differences": list(differences)}
    return Observed(context.remote_id, number, "released", "", "", 0, None, None, (context.token,), facts=facts)


def _alone(client: VismaClient, place: Place, number: str) -> Row | None:
    found = client.row(place.item(number), operation=f"GET {place.read}/{{id}}")
    return None if found is None else found[0]


def _from(on: date) -> dict[str, str]:
    return {"documentDate": f"{on.isoformat()}T00:00:00", "documentDateCondition": ">="}


def _number(row: Row) -> str:
    return text(row.get("referenceNumber")).strip()


def _lines(words: str) -> list[str]:
    return [line.rstrip() for line in words.strip("\r\n").splitlines()]


def _rows(found: Sequence[object]) -> list[Row]:
    return [one for one in found if isinstance(one, Mapping)]
