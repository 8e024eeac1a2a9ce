"""SmartPDF: the way in for an invoice's picture. Basware reads the data out of it.

Two steps, and the first makes nothing: an address to upload to, and the id under which the document will be known.
Nothing is taken twice for want of an answer, as an address without a file never becomes a document.
"""

from __future__ import annotations

from typing import Any

from ml_connector.connectors.basware.client import BaswareClient, dumped
from ml_connector.connectors.basware.faults import body_of, fault, judged, words
from ml_connector.connectors.basware.scopes import FILE_SCOPE
from ml_connector.connectors.shapes import Created
from ml_connector.errors import Conflict, Rejected, Transient, UnknownOutcome
from ml_connector.finance.procurement import ReceivedInvoice

PATH = "/v2/smartpdf/invoiceUpload"
ENDED = frozenset({403, 404, 410})  # of a signed address: its 15 minutes are over
MAX_FILE_BYTES = 10 * 1024 * 1024  # not stated by Basware; more is no invoice

NO_RIGHT = f"Basware does not let this client hand on files: the scope {FILE_SCOPE} is missing (403{{said}})."
NO_RIGHT_FIX = (
    f"Ask Basware for {FILE_SCOPE}, ask for it in the connection's Scopes (+{FILE_SCOPE}), then replay the record; or "
    "take `mailbox` out of the route's purchase terms, so that invoices are handed on as data."
)


def open_upload(client: BaswareClient, invoice: ReceivedInvoice) -> Created:
    """Ask where to put the file. The document's id is kept before any file is sent; the address goes as `etag`.

    Without the right to hand on files only these invoices are held: all else goes on.
    """
    if not invoice.mailbox or not invoice.notify:
        raise Rejected("SmartPDF needs a mailbox and an address for notifications.", record=invoice.source,
                       fix="Set mailbox and notify in the route's purchase terms.")  # fmt: skip
    wanted = {"receivingEmailAddress": invoice.mailbox, "notificationEmailAddress": invoice.notify}
    operation = f"POST {PATH}"
    try:
        answer = client.send("POST", PATH, operation=operation, body=dumped(wanted))
        if answer.status == 403:
            raise Rejected(NO_RIGHT.format(said=words(body_of(answer))), record=invoice.source, fix=NO_RIGHT_FIX)
        judged(answer, operation, method="POST")
    except UnknownOutcome as lost:
        raise Transient(lost.what, record=invoice.source) from None
    found: Any = answer.json()
    found = found if isinstance(found, dict) else {}
    id_, url = found.get("bumId"), found.get("uploadUrl")
    if not isinstance(id_, str) or not id_ or not isinstance(url, str) or not url:
        raise Transient("SmartPDF's answer names no document and address.", record=invoice.source)
    return Created(remote_id=id_, number=invoice.number, etag=url)


def upload(client: BaswareClient, url: str, body: bytes, *, record: str) -> None:
    """Put the file there: a signed address, which must not get our Authorization. The same file again does no harm.

    Raises Conflict when the address serves no longer, UnknownOutcome when nobody knows whether the file arrived.
    """
    if not 0 < len(body) <= MAX_FILE_BYTES:
        raise Rejected(f"The file has {len(body)} bytes; up to {MAX_FILE_BYTES} are sent.", record=record)
    headers = {"Content-Type": "application/pdf"}
    answer = client.http.send("PUT", url, operation="PUT (SmartPDF upload)", headers=headers, body=body)
    if answer.status in ENDED:
        raise Conflict("SmartPDF's address for the file serves no longer.", record=record)
    if not answer.ok:
        raise fault(answer, "PUT (SmartPDF upload)", method="PUT")
