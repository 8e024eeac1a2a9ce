"""Basware to Visma: an approved invoice becomes a supplier invoice, or codes the one that waits there. Pure.

`basware_receives`: acknowledge, book, answer with the number; what people there must mend is answered with words, never
with silence. `visma_receives`: the ledger has the invoice already, and a second one is never made: it is matched, and
only where a person switched updates on is it coded, released and answered.
"""

from __future__ import annotations

from datetime import date

from ml_connector.finance.chart import Chart
from ml_connector.finance.documents import Document
from ml_connector.finance.invoices import Ref, SupplierInvoice
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Finding, Found, Hold, Ignore, Plan, PlannedWrite, Related, Verdict
from ml_connector.finance.procurement import Acknowledgement, LedgerCoding, TransferAnswer
from ml_connector.finance.purchasing import ApprovedInvoice, LedgerSupplierInvoice
from ml_connector.finance.rulebook import Rulebook, Terms
from ml_connector.flows import basware_to_visma_needs as need
from ml_connector.flows import basware_to_visma_twins as twins
from ml_connector.flows.basware_to_visma_lines import Booked, lines_of, posting_day, tax_details
from ml_connector.flows.flow import Flow
from ml_connector.flows.verdicts import too_old
from ml_connector.flows.visma_to_basware_invoices import sent_id
from ml_connector.rules.bookkeeping import Books
from ml_connector.rules.findings import approved, blocking
from ml_connector.rules.matching import usable
from ml_connector.rules.purchase_codes import code, document_key, standing, unready

KINDS = ("accountingDocument",)
ROLES = ("vat_input", "no_vat", "rounding")
"""The roles this flow asks rules for."""

WAITING = "WaitingForTransfer"
PREBOOKS = "WaitingForPrebook"
OFFERED = frozenset({WAITING, "TransferInProgress"})
MESSAGE = 250
UNCODED = frozenset({"Hold", "Balanced"})


def plan(document: Document, related: Related, *, terms: Terms, rulebook: Rulebook, chart: Chart) -> Verdict:
    """What an approved invoice becomes in the ledger, and what Basware is told."""
    if not isinstance(document, ApprovedInvoice):
        return Ignore("Basware tells of no such record")
    against = unready(terms)
    if against is not None:
        return Hold((against,))
    if document.company != terms.purchase.company:
        return Ignore(f"it is company {document.company}'s")
    if document.status == PREBOOKS and terms.purchase.mode == "basware_receives":
        return Hold((Finding(
            "prebook-waits",
            f"Document {document.number or document.id} waits for prebooking, which is not done here: it is booked "
            "once it is approved. Switch prebooking off for this company in Basware; it comes again for transfer.",
            "processingStatus",
        ),))  # fmt: skip
    if document.status not in OFFERED:
        return Plan(standing(related, into="source")) if related.posted else Ignore(f"it is {document.status} there")
    if terms.go_live is not None and document.day is not None and document.day < terms.go_live and not related.posted:
        return Ignore(too_old(document.day, terms))
    books = Books.of(rulebook, chart, terms)
    if terms.purchase.mode == "visma_receives":
        return _returned(document, related, books)
    return _approved(document, related, books)


# ---------------------------------------------------------------------------------------------- basware_receives


def _approved(document: ApprovedInvoice, related: Related, books: Books) -> Verdict:
    """The invoice is booked once, whatever is offered again: then it is answered with the number that is held."""
    terms = books.terms
    for key, booked in related.posted.items():
        if isinstance(booked, SupplierInvoice):
            again = [PlannedWrite(key, "supplier_invoice", booked)]
            return _plan(document, again, Ref(key), related, terms)
    if held := twins.ours(document, related, terms):
        return _plan(document, [], held.number.rpartition("/")[2], related, terms)
    made = lines_of(document, related, books)
    faults = [*_faults(document, related, terms), *made.faults]
    if faults:
        return _sent_back(document, faults, related, terms)
    booked_on, late = posting_day(document, books)
    findings = [*made.findings, *_findings(document, related, terms), *late]
    if stops := blocking(findings):
        return Hold(stops)
    own = need.event_key(document, terms)
    invoice = _invoice(document, made, books, booked_on=booked_on)
    writes = [
        PlannedWrite(own, "supplier_invoice", invoice, needs=(_ack_key(document, related, terms),), why=tuple(made.why))
    ]
    return _plan(document, writes, Ref(own), related, terms, findings=tuple(findings))


def _invoice(document: ApprovedInvoice, made: Booked, books: Books, *, booked_on: date | None) -> SupplierInvoice:
    """Posted and released even with a payment block: on hold, its cost would be missing from the ledger."""
    total = document.gross or Money.zero(document.currency)
    net = sum(line.net.minor for line in made.lines)
    if document.day is None:
        raise ValueError("a document without a date is sent back before")
    return SupplierInvoice(
        supplier=document.supplier,
        day=document.day,
        due_on=document.due_on,
        currency=document.currency,
        lines=tuple(made.lines),
        total=total,
        vat_total=Money(total.minor - net, document.currency),
        reference=document.number,
        source=document_key(books.terms, document.id),
        text=document.text,
        tax_details=tax_details(document, made, books),
        payment_reference=document.payment_reference,
        posting_day=booked_on,
        pay_selected=False if document.payment_block else None,
        document=document.id,
    )


def _plan(
    document: ApprovedInvoice, writes: list[PlannedWrite], voucher: str | Ref, related: Related, terms: Terms, *,
    findings: tuple[Finding, ...] = (),
) -> Plan:  # fmt: skip
    """Acknowledge, book, answer: in this order."""
    ack = PlannedWrite(
        _ack_key(document, related, terms),
        "acknowledgement",
        Acknowledgement(document.id, _ack_key(document, related, terms), _attempt(document, related, terms)),
        into="source",
    )
    needs = (ack.key, *(write.key for write in writes))
    answer = _answer(document, related, terms, success=True, message="Posted", voucher=voucher)
    told = PlannedWrite(answer.source, "transfer_answer", answer, needs=needs, into="source")
    kept = [
        write
        for write in standing(related, into="source")
        if write.key not in {one.key for one in (ack, *writes, told)}
    ]
    return Plan((*kept, ack, *writes, told), findings)


def _sent_back(document: ApprovedInvoice, faults: list[str], related: Related, terms: Terms) -> Plan:
    """Basware's users mend it there and transfer it again: the same id, another attempt."""
    ack_key = _ack_key(document, related, terms)
    ack = PlannedWrite(
        ack_key,
        "acknowledgement",
        Acknowledgement(document.id, ack_key, _attempt(document, related, terms)),
        into="source",
    )
    text = "; ".join(dict.fromkeys(faults))
    message = f"Not posted: {text}"
    answer = _answer(
        document, related, terms, success=False, message=message if len(message) <= MESSAGE else message[:249] + "…"
    )
    told = PlannedWrite(answer.source, "transfer_answer", answer, needs=(ack_key,), into="source")
    note = Finding(
        "sent-back", f"Document {document.number or document.id} goes back to Basware: {text}.", blocks=False
    )
    kept = [write for write in standing(related, into="source") if write.key not in (ack.key, told.key)]
    return Plan((*kept, ack, told), (note,))


def _answer(
    document: ApprovedInvoice, related: Related, terms: Terms, *, success: bool, message: str, voucher: str | Ref = ""
) -> TransferAnswer:
    attempt = str(_attempt(document, related, terms))
    key = f"{document_key(terms, document.id)}:answer:{attempt}"
    return TransferAnswer(
        external_code=code(terms, "answer", document.id, "posted" if success else "refused", attempt),
        document_id=document.id,
        success=success,
        message=message,
        source=key,
        source_system=terms.purchase.source_system,
        voucher=voucher,
        day=document.voucher_day or document.day if success else None,
        payment_block=document.payment_block,
        attempt=_attempt(document, related, terms),
    )


def _attempt(document: ApprovedInvoice, related: Related, terms: Terms) -> int:
    """How often it was offered: one that waits is a new attempt after every answer that it lists.

    One that is in progress and has its last answer from us is still that attempt.
    """
    answered = len(document.transfers)
    last = f"{document_key(terms, document.id)}:answer:{answered}"
    return answered if document.status != WAITING and last in related.posted else answered + 1


def _ack_key(document: ApprovedInvoice, related: Related, terms: Terms) -> str:
    return f"{document_key(terms, document.id)}:ack:{_attempt(document, related, terms)}"


# ---------------------------------------------------------------------------------------------- checks


def _faults(document: ApprovedInvoice, related: Related, terms: Terms) -> list[str]:
    """What people in Basware must mend."""
    found = []
    if not document.number:
        found.append("it has no invoice number")
    if document.day is None:
        found.append("it has no invoice date")
    if not document.supplier:
        found.append("it has no supplier")
    elif not related.documents(need.supplier(document.supplier)):
        found.append(f"supplier {document.supplier} is not in the ledger")
    return found + twins.doubled(document, related, terms)


def _findings(document: ApprovedInvoice, related: Related, terms: Terms) -> list[Finding]:
    """What people here must see or settle."""
    suppliers = related.documents(need.supplier(document.supplier)) or ()
    unusable = (usable("supplier", document.supplier, one) for one in suppliers if one.status != "HoldPayments")
    found = [one for one in unusable if one is not None]
    said = terms.purchase.invoice_types.get(document.type_code, "")
    is_credit = document.gross is not None and document.gross.minor < 0
    if said and (said == "credit") != is_credit and not approved(related, "invoice-type"):
        found.append(Finding(
            "invoice-type",
            f"Document {document.number} is of type {document.type_code} ({said}); its gross sum is {document.gross}. "
            "Approve to book it by its sum, or correct it in Basware.",
            "invoiceTypeCode", {"decision": "approve"},
        ))  # fmt: skip
    if document.payment_block:
        found.append(Finding(
            "payment-blocked",
            f"Document {document.number} is posted and released, and not selected for payment: Basware blocks it.",
            "paymentBlock", blocks=False,
        ))  # fmt: skip
    return found


# ---------------------------------------------------------------------------------------------- visma_receives


def _returned(document: ApprovedInvoice, related: Related, books: Books) -> Verdict:
    """The invoice is in the ledger: matched by the id we gave it, else by supplier, number, day and sum."""
    terms = books.terms
    if not terms.purchase.updates:
        return Ignore("the ledger has the invoice; its approval is read, and nothing is answered")
    matches = [one for one in twins.same(document, related) if _matches(one, document, terms)]
    if len(matches) != 1:
        return Hold((Finding(
            "document-unmatched",
            f"Document {document.number or document.id} of supplier {document.supplier} over {document.gross} fits "
            f"{len(matches)} invoices in Visma. This company's invoices come to Visma first, so no second one is made: "
            "find it there, or ignore the document here.",
            "document", {"choices": [one.number for one in matches]},
        ),))  # fmt: skip
    invoice = matches[0].document
    if not isinstance(invoice, LedgerSupplierInvoice):
        return Hold((Finding("document-unmatched", f"{matches[0].number} cannot be read in Visma.", "document"),))
    for key, posted in related.posted.items():
        if isinstance(posted, LedgerCoding):
            return _plan(document, [PlannedWrite(key, "ledger_coding", posted)], posted.number, related, terms)
    if any(one.state == "done" for one in twins.others(document, related, terms)):
        said = f"invoice {document.number} of supplier {document.supplier} is in the ledger as {matches[0].number}"
        return _sent_back(document, [f"{said}, coded by another document"], related, terms)
    if invoice.status not in UNCODED:
        return _already(document, invoice, related, terms)
    return _coded(document, invoice, related, books)


def _coded(document: ApprovedInvoice, invoice: LedgerSupplierInvoice, related: Related, books: Books) -> Verdict:
    """The coding comes back: all lines anew, off hold, released."""
    terms = books.terms
    own = need.event_key(document, terms)
    made = lines_of(document, related, books)
    if made.faults:
        return _sent_back(document, made.faults, related, terms)
    findings = [*made.findings, *_findings(document, related, terms)]
    if stops := blocking(findings):
        return Hold(stops)
    total = document.gross or invoice.total
    net = sum(line.net.minor for line in made.lines)
    content = LedgerCoding(
        number=invoice.number,
        currency=document.currency,
        lines=tuple(made.lines),
        total=total,
        vat_total=Money(total.minor - net, document.currency),
        source=document_key(terms, document.id),
        pay_selected=False if document.payment_block else None,
        tax_details=tax_details(document, made, books),
        day=invoice.day,
        period=invoice.period,
    )
    write = PlannedWrite(
        own, "ledger_coding", content, needs=(_ack_key(document, related, terms),), why=tuple(made.why)
    )
    return _plan(document, [write], invoice.number, related, terms, findings=tuple(findings))


def _already(document: ApprovedInvoice, invoice: LedgerSupplierInvoice, related: Related, terms: Terms) -> Verdict:
    """Released or prebooked by a person: it stays as it is, and Basware gets its number once that is seen."""
    if invoice.status in ("Open", "Closed", "Reserved"):
        return _plan(document, [], invoice.number, related, terms)
    if approved(related, "invoice-not-codable"):
        return _plan(document, [], invoice.number, related, terms)
    return Hold((Finding(
        "invoice-not-codable",
        f"Invoice {invoice.number} is {invoice.status} in Visma and takes no new lines, so the coding of "
        f"{document.number} stays out. Code it there by hand, then approve to answer Basware with its number.",
        "status", {"decision": "approve"},
    ),))  # fmt: skip


def _matches(one: Found, document: ApprovedInvoice, terms: Terms) -> bool:
    invoice = one.document
    if not isinstance(invoice, LedgerSupplierInvoice) or invoice.type != "Invoice":
        return False
    if document.document_id and document.document_id == sent_id(terms, invoice.type, invoice.number):
        return True
    return invoice.day == document.day and (document.gross is None or invoice.total == document.gross)


FLOW = Flow(
    name="basware_to_visma", source="basware", target="visma", kinds=KINDS, roles=ROLES, needs=need.needs, plan=plan,
    links=need.links,
    makers=(("doc", "accountingDocument", ""), ("bill", "accountingDocument", "invoice")),
)  # fmt: skip
