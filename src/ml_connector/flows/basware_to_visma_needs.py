"""What must be known around an approved invoice before it can be planned."""

from __future__ import annotations

from datetime import date

from ml_connector.finance.documents import Document
from ml_connector.finance.journal import Dimensions
from ml_connector.finance.plan import Need, Related
from ml_connector.finance.purchasing import ApprovedInvoice, CodingRow
from ml_connector.finance.rulebook import Terms

TYPES = ("RegularOrder", "DropShip")


def needs(document: Document, related: Related, terms: Terms) -> tuple[Need, ...]:
    """The supplier, documents of the same reference, and what its rows point to. Nothing for what is not answered."""
    del related
    if not isinstance(document, ApprovedInvoice) or document.company != terms.purchase.company:
        return ()
    found = []
    if document.supplier:
        found.append(supplier(document.supplier))
        if document.number and document.day is not None:
            found += [same_reference(document), same_document(document), taken(document, terms)]
    for row in document.rows:
        if row.receipt:
            continue
        if number := order_number(row):
            found += [order(number), receipts(number)]
    if terms.purchase.combinations == "checked":
        combined = {dimensions(row, terms) for row in document.rows}
        found += [combination(one) for one in sorted(combined) if one]
    return tuple(dict.fromkeys(found))


def links(document: Document) -> tuple[tuple[str, str], ...]:
    """An approved invoice is found by the id under which the network knows it, and by what makes two of them one."""
    if not isinstance(document, ApprovedInvoice):
        return ()
    by_id = (("document", document.document_id),) if document.document_id else ()
    named = document.supplier and document.number and document.day is not None
    return (*by_id, *((("invoice", _invoice(document)),) if named else ()))


def supplier(number: str) -> Need:
    """A supplier of the ledger."""
    return Need(kind="supplier", system="target", fields=(("number", number),), optional=True)


def same_reference(document: ApprovedInvoice) -> Need:
    """The supplier's documents of the same year with the same number."""
    year = str((document.day or date.min).year)
    fields = (("supplier", document.supplier), ("reference", document.number), ("year", year))
    return Need(kind="supplier_document", system="target", fields=fields, optional=True)


def same_document(document: ApprovedInvoice) -> Need:
    """Documents there of the same supplier, number and year; this one is among them."""
    return Need(kind="accountingDocument", link=("invoice", _invoice(document)), optional=True)


def event_key(document: ApprovedInvoice, terms: Terms) -> str:
    """The key of an invoice in the ledger: that of the event. Two documents of one invoice claim the same, once."""
    return f"{terms.purchase.code}:bill:{_invoice(document)}"


def taken(document: ApprovedInvoice, terms: Terms) -> Need:
    """What we have written, or are about to, for this invoice: from this document or from another."""
    return Need(kind="supplier_invoice", system="own", fields=(("prefix", event_key(document, terms)),))


def _invoice(document: ApprovedInvoice) -> str:
    year = (document.day or date.min).year
    return f"{document.company}|{document.supplier}|{year}|{''.join(document.number.split()).casefold()}"


def order(number: str) -> Need:
    """An order of the ledger."""
    return Need(kind="purchase_order", system="target", fields=(("number", number),), optional=True)


def receipts(number: str) -> Need:
    """The receipts of an order of the ledger."""
    return Need(kind="purchase_receipt", system="target", fields=(("order", number),), optional=True)


def combination(values: Dimensions) -> Need:
    """The subaccount with exactly these segments."""
    fields = tuple((str(segment), value) for segment, value in values)
    return Need(kind="subaccount", system="target", fields=fields, optional=True)


def order_number(row: CodingRow) -> str:
    """The ledger's number of the order of a row: we may have put its type before it."""
    for type_ in TYPES:
        if row.order.startswith(f"{type_}-"):
            return row.order.removeprefix(f"{type_}-")
    return row.order


def dimensions(row: CodingRow, terms: Terms) -> Dimensions:
    """The dimensions of a row as segments of the ledger, in its order."""
    values = {"cost_center": row.cost_center, "project": row.project}
    values |= {f"dim{number}": value for number, value in row.dimensions}
    found = ((segment, values.get(where, "")) for segment, where in terms.purchase.dimensions.items())
    return tuple(sorted((segment, value) for segment, value in found if value))
