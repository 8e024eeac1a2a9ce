"""Supplier invoices that came to the ledger first, handed on for approval (mode `visma_receives`); payments told."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from ml_connector.finance.money import Money
from ml_connector.finance.plan import Finding, Hold, Ignore, Need, Plan, PlannedWrite, Related, Verdict, Wait
from ml_connector.finance.procurement import PartyOnNetwork, PaymentAnswer, ReceivedInvoice, ReceivedLine
from ml_connector.finance.purchasing import LedgerSupplier, LedgerSupplierInvoice, LedgerSupplierPayment, SettledInvoice
from ml_connector.finance.rulebook import Terms
from ml_connector.flows.visma_to_basware_orders import supplier_need
from ml_connector.rules.bookkeeping import Books
from ml_connector.rules.findings import decided
from ml_connector.rules.purchase_codes import code, percent_of, standing

WAITING = frozenset({"Hold", "Balanced", "Prebooked"})
PAYS = frozenset({"Payment"})  # what voids one is told by the payment itself, which then shows as Voided


def sent_key(terms: Terms, invoice: LedgerSupplierInvoice) -> str:
    """The key of an invoice that was handed on."""
    return f"{terms.purchase.code}:inv:{terms.purchase.company}:{invoice.type}:{invoice.number}"


def sent_id(terms: Terms, type_: str, number: str) -> str:
    """The id under which the network knows an invoice of ours: made from its number, the same each time."""
    return code(terms, "document", type_, number)


def plan_invoice_out(invoice: LedgerSupplierInvoice, related: Related, books: Books) -> Verdict:
    """An invoice on hold, balanced or prebooked goes out once. What was handed on never changes."""
    terms = books.terms
    own = sent_key(terms, invoice)
    if own in related.posted:
        return Plan(standing(related))
    if terms.purchase.mode != "visma_receives":
        return Ignore("invoices of this company come from Basware")
    if invoice.note.startswith(f"{terms.purchase.code}:doc:"):
        return Ignore("it came from Basware")
    if invoice.status not in WAITING:
        return Ignore(f"it is {invoice.status}: only what waits for approval is handed on")
    if invoice.type != "Invoice":
        return _credit(invoice, related)
    supplier = related.one(supplier_need(invoice.supplier))
    against = _against(invoice, supplier, terms)
    if against:
        return Hold(against)
    write = PlannedWrite(own, "received_invoice", _content(invoice, supplier, books, own))
    return Plan((write,))


def _credit(invoice: LedgerSupplierInvoice, related: Related) -> Verdict:
    if decided(related, "credit-not-sent"):
        return Ignore("a person approves it in the ledger")
    return Hold((Finding(
        "credit-not-sent",
        f"{invoice.type} {invoice.number} waits for approval, and Basware's way in takes invoices only. Approve it in "
        "Visma and ignore it here.",
        "documentType",
    ),))  # fmt: skip


def _against(invoice: LedgerSupplierInvoice, supplier: LedgerSupplier | None, terms: Terms) -> tuple[Finding, ...]:
    record = f"Supplier invoice {invoice.number}"
    found = []
    if supplier is None:
        what = f"{record} names supplier {invoice.supplier}, which Visma does not show. Correct it there."
        found.append(Finding("supplier-missing", what, "supplier"))
    if not invoice.reference or invoice.day is None:
        what = f"{record} lacks the supplier's own number or its date. Enter them in Visma."
        found.append(Finding("reference-missing", what, "supplierReference"))
    if _file(invoice, terms) is None and not (terms.purchase.buyer_endpoint and terms.purchase.buyer_name):
        found.append(Finding(
            "purchase-terms-missing",
            f"{record} has no PDF to hand on, and the purchase terms do not say under which name and e-invoice address "
            "this company receives. Say buyer_name and buyer_endpoint, or attach the PDF and name the mailbox.",
            "purchase.buyer_endpoint",
        ))  # fmt: skip
    return tuple(found)


def _content(
    invoice: LedgerSupplierInvoice, supplier: LedgerSupplier | None, books: Books, own: str
) -> ReceivedInvoice:
    terms, purchase = books.terms, books.terms.purchase
    file = _file(invoice, terms)
    party = PartyOnNetwork(
        name=(supplier.name if supplier else "") or invoice.supplier_name or invoice.supplier,
        endpoint=supplier.org_number if supplier and purchase.supplier_scheme else "",
        endpoint_scheme=purchase.supplier_scheme,
        org_number=supplier.org_number if supplier else "",
        vat_number=supplier.vat_number if supplier else "",
    )
    return ReceivedInvoice(
        document_id=sent_id(terms, invoice.type, invoice.number),
        client_token=code(terms, "token", invoice.type, invoice.number),
        number=invoice.reference,
        day=invoice.day or date.min,
        currency=invoice.currency,
        total=invoice.total,
        vat_total=invoice.vat_total,
        supplier=party,
        buyer=PartyOnNetwork(purchase.buyer_name, purchase.buyer_endpoint, purchase.buyer_scheme),
        source=own,
        due_on=invoice.due_on,
        reference=invoice.payment_reference,
        lines=_lines(invoice, books),
        file=file[0] if file else "",
        file_name=file[1] if file else "",
        mailbox=purchase.mailbox if file else "",
        notify=purchase.notify if file else "",
    )


def _lines(invoice: LedgerSupplierInvoice, books: Books) -> tuple[ReceivedLine, ...]:
    zone, day = books.terms.purchase.vat_zone, invoice.day or date.min
    return tuple(
        ReceivedLine(
            number=str(line.number),
            net=line.net,
            text=line.text or f"Line {line.number}",
            quantity=line.quantity,
            percent=percent_of(books.chart, line.vat_code, zone=zone, day=day) if line.vat_code else None,
            order=line.order,
            order_line=line.order_line,
        )
        for line in invoice.lines
    )


def _file(invoice: LedgerSupplierInvoice, terms: Terms) -> tuple[str, str] | None:
    """The picture to hand on: the first PDF, where a mailbox takes files."""
    if not terms.purchase.mailbox or not terms.purchase.notify:
        return None
    found = [(one.id, one.name) for one in invoice.files if one.id and one.name.casefold().endswith(".pdf")]
    return found[0] if found else None


# ---------------------------------------------------------------------------------------------- payments


def invoice_need(number: str) -> Need:
    """A supplier invoice of the ledger."""
    return Need(kind="supplierInvoice", id=f"Invoice/{number}", optional=True)


def payments_need(payment: LedgerSupplierPayment, number: str) -> Need:
    """Every payment of an invoice: this one is among them."""
    since = datetime.combine(payment.day or date(2000, 1, 1), time(), UTC)
    return Need(kind="supplierPayment", link=("invoice", number), optional=True, since=since)


def plan_payment(payment: LedgerSupplierPayment, related: Related, books: Books) -> Verdict:
    """For each invoice that came from Basware: what is paid of it by now, all payments together.

    An answer that was given stays as it is: the next payment tells the newer picture.
    """
    terms = books.terms
    if not terms.purchase.payments:
        return Ignore("payments are not told to Basware")
    writes = {write.key: write for write in standing(related)}
    findings = []
    for number in dict.fromkeys(one.number for one in payment.settled if one.document_type == "Invoice"):
        invoice = related.one(invoice_need(number))
        document_id = document_of(invoice, terms) if isinstance(invoice, LedgerSupplierInvoice) else ""
        if not isinstance(invoice, LedgerSupplierInvoice) or not document_id:
            continue
        made = _answer(payment, invoice, document_id, related, terms)
        if isinstance(made, Finding):
            findings.append(made)
        elif made is not None:
            writes.setdefault(made.source, PlannedWrite(made.source, "payment_answer", made))
    if findings:
        return Hold(tuple(findings))
    if not writes:
        return _nothing(payment)
    return Plan(tuple(writes.values()))


def document_of(invoice: LedgerSupplierInvoice, terms: Terms) -> str:
    """The id of the Basware document that an invoice of the ledger was made from, as its note says; else empty."""
    prefix = f"{terms.purchase.code}:doc:"
    first = invoice.note.strip().split()[0] if invoice.note.strip() else ""
    return first.removeprefix(prefix) if first.startswith(prefix) else ""


def _nothing(payment: LedgerSupplierPayment) -> Verdict:
    if payment.type in PAYS and not payment.released and payment.status not in ("Voided", "Rejected"):
        return Wait(f"payment {payment.number} is {payment.status}: it has moved no money yet")
    return Ignore("it pays nothing that came from Basware")


def _answer(
    payment: LedgerSupplierPayment, invoice: LedgerSupplierInvoice, document_id: str, related: Related, terms: Terms
) -> PaymentAnswer | Finding | None:
    key = f"{terms.purchase.code}:pay:{document_id}:{payment.number}"
    voided = payment.status == "Voided"
    if payment.type not in PAYS or (voided and key not in related.posted) or not (voided or payment.released):
        return None  # moves no money to the supplier, was never told, or has moved none yet
    key = f"{key}:void" if voided else key
    known = [one for one in related.documents(payments_need(payment, invoice.number)) or () if _pays(one)]
    rows = [row for one in {one.number: one for one in known}.values() for row in one.settled if _is_of(row, invoice)]
    if any(row.paid.currency != invoice.currency for row in rows):
        return Finding(
            "payment-currency",
            f"Payment {payment.number} of invoice {invoice.number} is in another currency than its {invoice.currency}: "
            "what is paid in that is not known. Tell it in Basware by hand and ignore it here.",
            "currency",
        )
    paid = Money(sum(row.paid.minor for row in rows), invoice.currency)
    discount = Money(sum(row.discount.minor for row in rows), invoice.currency)
    return PaymentAnswer(
        external_code=code(terms, "payment", key),
        document_id=document_id,
        source=key,
        source_system=terms.purchase.source_system,
        paid=paid,
        day=payment.day or date.min,
        discount=discount or None,
        method=payment.method,
        term=invoice.term,
        number=payment.reference or payment.number,
        document=payment.number,
        reversal=payment.number if voided else "",
    )


def _pays(one: object) -> bool:
    """What counts as paid: released payments that stand. A debit adjustment lowers the balance and pays nothing."""
    return (
        isinstance(one, LedgerSupplierPayment)
        and one.type in PAYS
        and one.released
        and one.status not in ("Voided", "Hold")
    )


def _is_of(row: SettledInvoice, invoice: LedgerSupplierInvoice) -> bool:
    return row.document_type == "Invoice" and row.number == invoice.number
