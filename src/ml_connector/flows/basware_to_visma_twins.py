"""One invoice, several documents: what stands or will stand in the ledger for it, whoever made it. Pure."""

from __future__ import annotations

from ml_connector.finance.invoices import SupplierInvoice
from ml_connector.finance.plan import Elsewhere, Found, Related
from ml_connector.finance.procurement import LedgerCoding
from ml_connector.finance.purchasing import ApprovedInvoice, LedgerSupplierInvoice
from ml_connector.finance.rulebook import Terms
from ml_connector.flows import basware_to_visma_needs as need
from ml_connector.rules.purchase_codes import document_key

TAKEN = frozenset({"TransferInProgress", "Transferred", "Paid"})


def doubled(document: ApprovedInvoice, related: Related, terms: Terms) -> list[str]:
    """Why this is the second document of an invoice: it stands in the ledger, or another document was taken.

    While another's is on its way nothing is said: its key lets one in, and who comes second waits for the number.
    """
    what = f"invoice {document.number} of supplier {document.supplier} is"
    found = [one.number for one in same(document, related) if not _is_ours(one, document, terms)]
    there = others(document, related, terms)
    found += [one.record or one.state for one in there if one.state == "done"]
    twins = [] if found or there else _twins(document, related)
    said = [f"{what} in the ledger as {number}" for number in dict.fromkeys(found)]
    return said + [f"{what} approved as document {one.id} as well" for one in twins]


def others(document: ApprovedInvoice, related: Related, terms: Terms) -> list[Elsewhere]:
    """What is written, or about to be, for this invoice from other documents."""
    if not document.number or document.day is None:
        return []
    key, own = need.event_key(document, terms), document_key(terms, document.id)
    told: tuple[Elsewhere, ...] = related.documents(need.taken(document, terms)) or ()
    claims = ((one, one.contents.get(key)) for one in told)
    return [
        one for one, content in claims if isinstance(content, SupplierInvoice | LedgerCoding) and content.source != own
    ]


def same(document: ApprovedInvoice, related: Related) -> tuple[Found, ...]:
    """The ledger's documents of this supplier, number and year."""
    if not document.supplier or not document.number or document.day is None:
        return ()
    return tuple(related.documents(need.same_reference(document)) or ())


def _twins(document: ApprovedInvoice, related: Related) -> list[ApprovedInvoice]:
    """Other documents of the same invoice that were taken there, by us or before us."""
    if not document.supplier or not document.number or document.day is None:
        return []
    known: tuple[ApprovedInvoice, ...] = related.documents(need.same_document(document)) or ()
    return [one for one in known if one.id != document.id and one.status in TAKEN]


def _is_ours(one: Found, document: ApprovedInvoice, terms: Terms) -> bool:
    note = one.document.note if isinstance(one.document, LedgerSupplierInvoice) else ""
    return document_key(terms, document.id) in note.split()


def ours(document: ApprovedInvoice, related: Related, terms: Terms) -> Found | None:
    """The ledger's document that was made from this one before we knew of it (after a restored backup)."""
    return next((one for one in same(document, related) if _is_ours(one, document, terms)), None)
