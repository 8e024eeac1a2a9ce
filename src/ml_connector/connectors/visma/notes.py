"""Open credit notes that people made in the ledger for a document that is paid: what a refund may be paid out on."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ml_connector.connectors.shapes import Observed
from ml_connector.connectors.visma.client import VismaClient
from ml_connector.connectors.visma.kinds import place_of
from ml_connector.connectors.visma.lookback import whole
from ml_connector.connectors.visma.search import payment
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Found

_WORD = re.compile(r"[\w-]+")
_PLACE = place_of("credit_note")
_INVOICE = "customer_invoice"


def look_up(client: VismaClient, fields: Mapping[str, str]) -> list[Found]:
    """The open credit notes of a document's customer that name it, and those of the very amount that name nothing.

    `fields`: of_kind and of (the remote id) of the document, or `invoice` (its number), minor and currency of the
    amount. Facts of an answer: by (document or amount), open (what is left of it, in minor units), said (both in
    words), marks (what stands on it, a line each). Two calls, none when the document is gone.
    """
    wanted = int(fields["minor"])
    of_invoice = fields.get("invoice")
    document = _document(client, _INVOICE if of_invoice else fields["of_kind"], of_invoice or fields["of"])
    if document is None:
        return []
    customer = document.facts["customer"]
    params = {"customer": customer, "status": "Open", "expandApplications": "true"}
    found = []
    for rows in whole(client, _PLACE, params):
        note = _PLACE.seen(rows)
        left = note.facts["balance"] or 0
        same = note.facts["customer"] == customer and note.currency == fields["currency"] and note.status == "Open"
        by = _by(note, document) if same and left > 0 else ""
        if by == "document" or (by == "amount" and left == wanted):
            found.append(_found(note, left, by, document))
    return found


def _document(client: VismaClient, kind: str, remote_id: str) -> Observed | None:
    if kind != _INVOICE:
        return payment(client, remote_id)
    place = place_of(_INVOICE)
    row = client.row(place.item(remote_id), operation=f"GET {place.read}/{{id}}")
    return None if row is None else place.seen([row[0]])


def _by(note: Observed, document: Observed) -> str:
    """Whether a credit note names the document (or took over its mark), names nothing, or belongs to another."""
    named = {number for _, number in note.facts.get("applications", ())}
    written = {word for text in note.tokens for word in _WORD.findall(text)}
    if document.number in named | written or set(document.tokens) & set(note.tokens):
        return "document"
    return "" if named else "amount"


def _found(note: Observed, left: int, by: str, document: Observed) -> Found:
    amount = Money(left, note.currency)
    said = f"{amount}, names {document.number}" if by == "document" else f"{amount}, of the same customer"
    facts = {"by": by, "open": str(left), "said": said, "marks": "\n".join(note.tokens)}
    return Found(note.number, status=note.status, currency=note.currency, facts=facts)
