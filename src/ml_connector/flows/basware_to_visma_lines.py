"""Coding rows of an approved invoice as lines of a supplier invoice, with what was ordered or received linked.

Two kinds of trouble: `faults` are the document's, and go back to people in Basware in plain words; `findings` are ours
(a rule, a setting, the ledger), and hold the record here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from ml_connector.finance.chart import Chart, VatId
from ml_connector.finance.invoices import PurchaseLink, SupplierInvoiceLine, TaxDetail
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Explanation, Finding, Found, Related
from ml_connector.finance.purchasing import ApprovedInvoice, CodingRow, PurchaseOrder, PurchaseReceipt
from ml_connector.flows import basware_to_visma_needs as need
from ml_connector.rules import closing
from ml_connector.rules.bookkeeping import Books
from ml_connector.rules.findings import decided, mapping_missing
from ml_connector.rules.mapping import Facts

TOLERANCE = 1  # minor units a row
STOCK = "GoodsForInventory"
SEVERAL = (",", ";", " ")  # a row may name several orders


@dataclass(slots=True)
class Booked:
    """The lines, and everything that stands against them."""

    lines: list[SupplierInvoiceLine] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    why: list[Explanation] = field(default_factory=list)
    taxed: list[tuple[str, int, int]] = field(default_factory=list)  # VAT category, net and tax of each row


def lines_of(document: ApprovedInvoice, related: Related, books: Books) -> Booked:
    """Every row as a line, and a rounding line where rows and head differ by less than a minor unit a row."""
    made = Booked()
    if not document.rows:
        made.faults.append("it has no coding rows")
    for row in document.rows:
        _row(document, row, made, related=related, books=books)
    if not made.faults and not made.findings:
        _rounding(document, made, books)
    return made


def _row(document: ApprovedInvoice, row: CodingRow, made: Booked, *, related: Related, books: Books) -> None:
    where = f"row {row.index}"
    if row.net is None or row.gross is None:
        made.faults.append(f"{where} has no net or gross total")
        return
    if not row.net and not row.gross:
        return
    if not row.account:
        made.faults.append(f"{where} has no account")
        return
    vat_code = _vat_code(document, row, made, books)
    dimensions = need.dimensions(row, books.terms)
    _combined(dimensions, where, made, related=related, books=books)
    link = _link(row, where, made, related)
    if against := _unfit(row.account, document.currency, books.chart):
        made.faults.append(f"{where}: account {row.account} {against}")
    made.taxed.append((vat_code, row.net.minor, row.gross.minor - row.net.minor))
    made.lines.append(
        SupplierInvoiceLine(
            account=row.account,
            net=row.net,
            vat_code=vat_code,
            text=row.text or document.text or f"{document.number} {where}",
            dimensions=dimensions,
            link=link,
            quantity=row.quantity if link is not None else None,
            project=row.project if row.project and "project" not in books.terms.purchase.dimensions.values() else None,
        )
    )


def _unfit(number: str, currency: str, chart: Chart) -> str:
    """Why the ledger takes no cost on this account; empty when it does."""
    account = chart.accounts.get(number)
    if account is None or not account.active:
        return "is inactive" if account else "is not in the ledger"
    if account.control is not None:
        return f"belongs to {account.control} and takes no other entry"
    if account.currency not in (None, currency):
        return f"keeps {account.currency}, and the invoice is in {currency}"
    return ""


# ---------------------------------------------------------------------------------------------- VAT


def _vat_code(document: ApprovedInvoice, row: CodingRow, made: Booked, books: Books) -> str:
    """The row's tax code is a VAT category. One that deducts in part or turns the duty around needs a rule."""
    where = f"row {row.index}"
    tax = row.gross.minor - row.net.minor if row.gross is not None and row.net is not None else 0
    if row.second_tax or row.second_tax_percent:
        return _ruled(document, row, "partly_deductible", made, books)
    if not row.tax_code:
        if tax:
            made.faults.append(f"{where} has tax and no tax code")
        choice = books.mapper.choose("no_vat", Facts(currency=document.currency))
        if choice.vat_code is None:
            facts = Facts(currency=document.currency)
            made.findings.append(mapping_missing(books.mapper, "no_vat", "vat_code", facts=facts, record=where))
        return choice.vat_code or ""
    if not books.chart.vat_codes.get(row.tax_code, False):
        made.faults.append(f"{where}: tax code {row.tax_code} is not an active VAT category of the ledger")
    zone = books.terms.purchase.vat_zone
    ids = [
        one
        for one in books.chart.vat_ids.values()
        if row.tax_code in one.categories and (not zone or zone in one.zones)
    ]
    if any(one.reverse for one in ids):
        return _ruled(document, row, "reverse_charge", made, books)
    return row.tax_code


def _ruled(document: ApprovedInvoice, row: CodingRow, kind: str, made: Booked, books: Books) -> str:
    facts = Facts(type=kind, category=(row.tax_code,) if row.tax_code else (), currency=document.currency)
    choice = books.mapper.choose("vat_input", facts)
    if choice.vat_code is None:
        record = f"row {row.index} of {document.number} (tax code {row.tax_code}, {kind.replace('_', ' ')})"
        also = ("type", "category")
        made.findings.append(
            mapping_missing(books.mapper, "vat_input", "vat_code", facts=facts, record=record, also=also)
        )
        return row.tax_code
    made.why.append(choice.explained(f"VAT code of row {row.index}", "vat_code"))
    return choice.vat_code


# ---------------------------------------------------------------------------------------------- segments


def _combined(
    dimensions: tuple[tuple[int, str], ...], where: str, made: Booked, *, related: Related, books: Books
) -> None:
    """Segments are right only together: the ledger books a subaccount, not its parts."""
    for segment_id, value in dimensions:
        segment = books.chart.segments.get(segment_id)
        if segment is None or not segment.values.get(value, False):
            name = segment.description if segment else f"segment {segment_id}"
            made.faults.append(f"{where}: {value} is no active value of {name}")
            return
    if not dimensions or books.terms.purchase.combinations != "checked":
        return
    found: tuple[Found, ...] = tuple(related.documents(need.combination(dimensions)) or ())
    if any(one.status == "Active" for one in found):
        return
    said = "-".join(value for _, value in dimensions)
    made.faults.append(f"{where}: the combination {said} is {'inactive' if found else 'not'} in the ledger")


# ---------------------------------------------------------------------------------------------- orders and receipts


def _link(row: CodingRow, where: str, made: Booked, related: Related) -> PurchaseLink | None:
    """What a row was ordered or received by: without it the receipt's accrual stays and the cost is booked twice."""
    if row.receipt:
        return _named("receipt", row.receipt, row.receipt_line, where, made)
    if not row.order:
        return None
    if any(mark in row.order.strip() or mark in row.order_line.strip() for mark in SEVERAL):
        made.faults.append(f"{where} names several orders or lines: split it into one row for each")
        return None
    found: tuple[Found, ...] = tuple(related.documents(need.order(need.order_number(row))) or ())
    order = found[0].document if found else None
    link = _named("order", need.order_number(row), row.order_line, where, made)
    if link is None or not isinstance(order, PurchaseOrder):
        if link is not None:
            made.faults.append(f"{where}: order {row.order} is not in the ledger")
        return None
    line = next((one for one in order.lines if one.number == link.line), None)
    if line is None:
        made.faults.append(f"{where}: order {row.order} has no line {row.order_line}")
        return None
    return _received(row, link, where, made, related) if line.kind == STOCK else link


def _received(row: CodingRow, link: PurchaseLink, where: str, made: Booked, related: Related) -> PurchaseLink | None:
    """Stock is linked to its receipt alone: the only one, or the one that a person names."""
    found: tuple[Found, ...] = tuple(related.documents(need.receipts(link.number)) or ())
    came = [one.document for one in found if isinstance(one.document, PurchaseReceipt)]
    parts = [
        (receipt.number, part.number)
        for receipt in came
        if receipt.type == "PoReceipt" and receipt.status == "Released"
        for part in receipt.lines
        if part.order_number == link.number and part.order_line == link.line
    ]
    said = decided(related, "receipt-ambiguous")
    chosen = [one for one in parts if f"{one[0]}/{one[1]}".casefold() == said] or (parts if len(parts) == 1 else [])
    if len(chosen) == 1:
        return PurchaseLink("receipt", chosen[0][0], chosen[0][1])
    names = [f"{number}/{line}" for number, line in parts]
    made.findings.append(
        Finding(
            "receipt-ambiguous",
            f"{where} is stock of order {row.order} line {row.order_line}, with {len(parts)} receipts in Visma; an "
            "invoice's line is linked to one. Receive the goods in Visma, or answer with receipt/line.",
            where,
            {"choices": names},
        )
    )
    return None


def _named(kind: str, number: str, line: str, where: str, made: Booked) -> PurchaseLink | None:
    try:
        position = int(Decimal(line.strip()))
    except (InvalidOperation, ValueError):
        made.faults.append(f"{where} names {kind} {number} without a line")
        return None
    return PurchaseLink("receipt" if kind == "receipt" else "order", number, position)


# ---------------------------------------------------------------------------------------------- sums


def _rounding(document: ApprovedInvoice, made: Booked, books: Books) -> None:
    """Rows must sum to the head, net and gross: 0.01 a row goes to the rounding account, more is a fault."""
    if document.net is None or document.gross is None:
        made.faults.append("it has no net or gross sum")
        return
    net = sum(row.net.minor for row in document.rows if row.net is not None)
    gross = sum(row.gross.minor for row in document.rows if row.gross is not None)
    off_net, off_gross = document.net.minor - net, document.gross.minor - gross
    limit = TOLERANCE * len(document.rows)
    if abs(off_net) > limit or abs(off_gross) > limit:
        sums = f"{Money(net, document.currency)} net, {Money(gross, document.currency)} gross"
        made.faults.append(f"its rows sum to {sums}, its head says {document.net} and {document.gross}")
        return
    if off_net:
        _rounding_line(document, off_net, made, books)


def _rounding_line(document: ApprovedInvoice, off: int, made: Booked, books: Books) -> None:
    facts = Facts(currency=document.currency)
    choice, untaxed = books.mapper.choose("rounding", facts), books.mapper.choose("no_vat", facts)
    for role, name, value in (("rounding", "account", choice.account), ("no_vat", "vat_code", untaxed.vat_code)):
        if value is None:
            made.findings.append(
                mapping_missing(books.mapper, role, name, facts=facts, record=f"the rounding of {document.number}")
            )
    if choice.account is not None and untaxed.vat_code is not None:
        made.why.append(choice.explained("rounding account"))
        amount = Money(off, document.currency)
        made.lines.append(SupplierInvoiceLine(choice.account, amount, untaxed.vat_code, "Rounding", choice.dimensions))


def tax_details(document: ApprovedInvoice, made: Booked, books: Books) -> tuple[TaxDetail, ...]:
    """VAT by VAT id as the rows state it, where the ledger's own differs by their rounding: it taxes the sum of them.

    A larger difference is no rounding: it is left to the comparison of the draft, which a person sees.
    """
    sums: dict[str, tuple[VatId, int, int, int]] = {}
    for vat_code, net, tax in made.taxed:
        vat = _vat_id(vat_code, books)
        if vat is not None:
            _, base, taxes, rows = sums.get(vat.id, (vat, 0, 0, 0))
            sums[vat.id] = vat, base + net, taxes + tax, rows + 1
    found = []
    for vat, base, taxes, rows in sums.values():
        rate = vat.rate_on(document.day) if document.day is not None else None
        if rate is None:
            continue
        computed = int((base * rate / 100).quantize(Decimal(1), ROUND_HALF_UP))
        if computed != taxes and abs(computed - taxes) <= TOLERANCE * rows:
            found.append(TaxDetail(vat.id, Money(base, document.currency), Money(taxes, document.currency)))
    return tuple(found)


def _vat_id(vat_code: str, books: Books) -> VatId | None:
    """The one VAT id of a category in the domestic zone; None where there are several, or the duty is turned around."""
    zone = books.terms.purchase.vat_zone
    known = [
        one for one in books.chart.vat_ids.values() if vat_code in one.categories and (not zone or zone in one.zones)
    ]
    return known[0] if len(known) == 1 and not known[0].reverse else None


def posting_day(document: ApprovedInvoice, books: Books) -> tuple[date | None, tuple[Finding, ...]]:
    """The day whose period is booked, where it is not the invoice's own; and why its period takes nothing.

    A period that is closed by now follows the route's policy for late items, like everything else.
    """
    if document.day is None:
        return None, ()
    booked, against = closing.booking_day(
        document.voucher_day or document.day, ledgers=closing.SUPPLIER, vat=False, terms=books.terms, chart=books.chart,
        record=f"document {document.number or document.id}",
    )  # fmt: skip
    return None if booked == document.day else booked, (against,) if against is not None else ()
