"""When an invoice left draft: its date of issue, which no read of an invoice gives, only the event that told of it.

A record of ours, one for each invoice: `{"id", "published_at"}`. The webhook names it with the moment it carries, so
that nothing need be asked; where no webhook came, Square's Events API is searched, which needs the application's
personal access token and reaches back 28 days. `published_at` null: nobody can tell any more, which is an answer too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from ml_connector.connectors.shapes import SourceObject
from ml_connector.connectors.square.client import FeatureOff, Query, Row, SquareClient, every
from ml_connector.connectors.square.fields import Fields, moment_of
from ml_connector.connectors.square.objects import EPOCH
from ml_connector.connectors.square.webhooks import PARTED, PUBLICATION, PUBLISHED
from ml_connector.finance.documents import Publication

EVENTS_KEPT = timedelta(days=28) - timedelta(hours=1)  # Square's own memory of events, an hour short of its edge


def fetch(client: SquareClient | None, ids: Sequence[str], *, merchant: str, now: datetime) -> list[SourceObject]:
    """One answer for each id: a moment that an event named, else one that searching finds, in one search for all."""
    parted = [(id_.partition(PARTED)[0], id_.partition(PARTED)[2]) for id_ in ids]
    unknown = {invoice_id for invoice_id, moment in parted if not moment}
    found = _searched(client, merchant=merchant, now=now) if client is not None and unknown else {}
    return [_object(invoice_id, moment or found.get(invoice_id)) for invoice_id, moment in parted]


def publication_of(publication: Fields) -> Publication:
    """The publication of a record."""
    return Publication(publication.id("id"), publication.moment_or_none("published_at"))


def _searched(events: SquareClient, *, merchant: str, now: datetime) -> dict[str, str]:
    """The moment of each invoice that was published lately; none where events may not be searched."""
    window = Query("created_at", now - EVENTS_KEPT, now)

    def page(cursor: str | None) -> tuple[list[Row], str | None]:
        query = Query(window.field, window.begin, window.end, cursor=cursor)
        return events.events(query, merchant=merchant, types=(PUBLISHED,))

    try:
        rows = every(page, what="published invoices")
    except FeatureOff:
        return {}
    return {
        id_: moment for row in rows if (id_ := _invoice_in(row)) and isinstance(moment := row.get("created_at"), str)
    }


def _invoice_in(event: Row) -> str | None:
    data = event.get("data")
    held = data.get("object") if isinstance(data, dict) else None
    invoice = held.get("invoice") if isinstance(held, dict) else None
    id_ = invoice.get("id") if isinstance(invoice, dict) else None
    return id_ if isinstance(id_, str) else None


def _object(invoice_id: str, moment: str | None) -> SourceObject:
    known = moment_of(moment) if moment else None
    text = known.isoformat() if known is not None else None
    payload = {"id": invoice_id, "published_at": text}
    return SourceObject(kind=PUBLICATION, external_id=invoice_id, payload=payload, stamp="", occurred_at=known or EPOCH)
