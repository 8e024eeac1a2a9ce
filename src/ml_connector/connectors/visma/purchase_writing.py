"""What approval changes on an invoice that waits in the ledger: its lines replaced, its hold taken off.

Our reference goes behind its description, and the key of what it was approved as before its note: by the one a lost
call is found, by the other its payments are told to where it was approved. What people wrote there stays.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ml_connector.connectors.shapes import Context, Created, Observed
from ml_connector.connectors.visma import observed, payloads, purchase_reading
from ml_connector.connectors.visma.client import VismaClient, job_of, segment
from ml_connector.connectors.visma.observed import Row, text
from ml_connector.errors import Conflict, NotFound, Rejected, UnknownOutcome
from ml_connector.finance.invoices import SupplierInvoice
from ml_connector.finance.procurement import LedgerCoding
from ml_connector.finance.purchasing import LedgerSupplierInvoice

LIST = "/v1/supplierInvoice"
PATH = f"{LIST}/Invoice"
CHANGEABLE = frozenset({"Hold", "Balanced"})
READ_AGAIN = 2  # times, after the version that was read was not the newest any more
LONG = timedelta(minutes=2)  # since it was sealed, right after planning had looked
MOST_NOTE = 3_900  # characters; what does not fit is not put there, as words of people would be lost


def recode(client: VismaClient, coding: LedgerCoding, context: Context) -> Created:
    """Replace the lines of an unreleased invoice and take it off hold, against the very version that was read.

    2 calls, 3 where the invoice alone does not show its note. Rejected for one that takes no lines any more: prebooked,
    released, voided. A version that is not the newest any more is read again and compared, twice at most; Conflict when
    it keeps changing, or when somebody changed what is replaced.
    """
    row, etag = _there(client, coding, context)
    for left in range(READ_AGAIN, -1, -1):
        try:
            return _put(client, coding, context, row, etag=etag)
        except Conflict:
            if not left:
                raise
            newer, etag = _there(client, coding, context)
            if _replaced(newer) != _replaced(row):
                raise Conflict(
                    f"Somebody changed supplier invoice {coding.number} in Visma while it was coded.",
                    record=context.key,
                    fix="Look at its lines there, then send again or ignore this.",
                ) from None
            row = newer
    raise AssertionError("the last try ends in an answer or an error")


def see_that_nobody_booked(client: VismaClient, invoice: SupplierInvoice, context: Context, *, now: datetime) -> None:
    """Look again for an approved invoice that waited long to be sent: people book by hand what does not come.

    One call, and none for what was planned a moment ago.

    Raises Rejected where somebody did, UnknownOutcome where the one that is there is ours after all.
    """
    asked_at = context.started_at
    if not invoice.document or asked_at is None or now - asked_at < LONG:
        return
    fields = {"supplier": str(invoice.supplier), "reference": invoice.reference, "year": str(invoice.day.year)}
    for found in purchase_reading.look_up(client, "supplier_document", fields):
        note = found.document.note if isinstance(found.document, LedgerSupplierInvoice) else ""
        if invoice.source in note.split():
            raise UnknownOutcome(
                f"Supplier invoice {found.number} was made from the same document.", record=context.key
            )
        raise Rejected(
            f"Somebody booked invoice {invoice.reference} of supplier {invoice.supplier} as {found.number} meanwhile.",
            record=context.key,
            fix="Replay the record: it is answered with that number then.",
        )


def _put(client: VismaClient, coding: LedgerCoding, context: Context, row: Row, *, etag: str | None) -> Created:
    status = text(row.get("status"))
    if status not in CHANGEABLE:
        raise Rejected(
            f"Supplier invoice {coding.number} is {status} and takes no new lines.",
            record=context.key,
            fix="Correct it in Visma by hand, then ignore this.",
        )
    answer = client.call(
        "PUT",
        f"{PATH}/{segment(coding.number)}",
        operation=f"PUT {PATH}/{{id}}",
        headers={"If-Match": etag} if etag else {},
        content=coding_body(coding, row, token=context.token, note=_note(client, coding, row)),
        record=context.key,
    )
    etag_now = answer.headers.get("etag")
    return Created(f"Invoice/{coding.number}", coding.number, etag=etag_now, job_id=job_of(answer) or None)


def _replaced(row: Row) -> list[Any]:
    """What the coding was decided on and what it replaces."""
    head = [text(row.get(name)) for name in ("supplier", "currencyId", "date", "supplierReference", "amount")]
    names = ("lineNumber", "account", "costInCurrency", "vatCode", "transactionDescription")
    return [head, *([text(line.get(name)) for name in names] for line in row.get("invoiceLines") or ())]


def found(client: VismaClient, coding: LedgerCoding, context: Context) -> list[Observed]:
    """The invoice, if our reference is on it: then a lost call was carried out. One call."""
    known = client.row(f"{PATH}/{segment(coding.number)}", operation=f"GET {PATH}/{{id}}")
    if known is None:
        return []
    seen = observed.supplier_invoice(known[0], etag=known[1])
    return [seen] if context.token in seen.tokens else []


def coding_body(coding: LedgerCoding, row: Row, *, token: str, note: str | None) -> payloads.Body:
    """All old lines deleted, all new ones inserted behind them; amounts as they were approved, lines without VAT."""
    old = [number for line in row.get("invoiceLines") or () if type(number := line.get("lineNumber")) is int]
    first = max(old, default=0) + 1
    body: payloads.Body = {
        "hold": {"value": False},
        "description": {"value": _described(text(row.get("description")), token)},
        "amount": {"value": payloads.number(coding.total)},
        "vatAmount": {"value": payloads.number(coding.vat_total)},
        "invoiceLines": [
            *({"operation": "Delete", "lineNumber": {"value": one}} for one in old),
            *(payloads.supplier_line(first + n, line) for n, line in enumerate(coding.lines)),
        ],
    }
    if coding.tax_details:
        body["taxDetailLines"] = payloads.taxes(coding.tax_details)
    if text(row.get("taxCalculationMode")) != "Net":
        body["taxCalculationMode"] = {"value": "Net"}
    if note is not None:
        body["note"] = {"value": note}
    if coding.pay_selected is not None:
        body["paySelected"] = {"value": coding.pay_selected}
    return body


def _there(client: VismaClient, coding: LedgerCoding, context: Context) -> tuple[Row, str | None]:
    known = client.row(f"{PATH}/{segment(coding.number)}", operation=f"GET {PATH}/{{id}}")
    if known is None:
        raise NotFound("Visma has no such supplier invoice.", record=context.key)
    return known[0], known[1] or observed.etag_of(known[0])


def _described(old: str, token: str) -> str:
    """The description with our reference behind it: what is there was not too long, so its length is kept to."""
    if old.endswith(f"[{token}]"):
        return old
    most = max(len(old), payloads.HEADER_TEXT)
    return f"{old[: most - len(token) - 3].rstrip()} [{token}]".lstrip()


def _note(client: VismaClient, coding: LedgerCoding, row: Row) -> str | None:
    """The note with our key before it; None where it stays as it is."""
    shown: Any = row.get("note") if "note" in row else _listed_note(client, row)
    if shown is not None and not isinstance(shown, str):
        return None
    old = (shown or "").strip()
    if coding.source in old.split():
        return None
    new = f"{coding.source}\n{old}".strip()
    return new if len(new) <= MOST_NOTE else None


def _listed_note(client: VismaClient, row: Row) -> Any:
    """The note as the list shows it; no text where the list does not show the invoice, so that nothing is lost."""
    params = {
        "supplier": text(row.get("supplier")),
        "documentType": "Invoice",
        "docDate": text(row.get("date")),
        "docDateCondition": ">=",
        "expandNote": "true",
    }
    number = text(row.get("referenceNumber"))
    for rows in client.pages(LIST, params, operation=f"GET {LIST}"):
        for one in rows:
            if text(one.get("referenceNumber")) == number and text(one.get("documentType")) == "Invoice":
                return one.get("note")
    return False
