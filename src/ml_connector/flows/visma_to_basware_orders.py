"""Purchase orders with their receipts: a head, and whole lines each time something about one changes.

A receipt plans the same lines as its order does, from the same knowledge: whoever comes last finds them as they are.
Nothing is deleted there: a line that is gone is deleted softly, from what the head remembers of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal

from ml_connector.finance.money import Money
from ml_connector.finance.plan import Finding, Hold, Ignore, Need, Plan, PlannedWrite, Related, Verdict, Wait
from ml_connector.finance.procurement import Coding, GoodsReceipt, OrderHeader, OrderLine
from ml_connector.finance.purchasing import (
    LedgerSupplier,
    PurchaseOrder,
    PurchaseOrderLine,
    PurchaseReceipt,
    ReceiptLine,
)
from ml_connector.finance.rulebook import Terms
from ml_connector.flows.visma_to_basware_reference import coding_keys, coding_needs, term_needs
from ml_connector.flows.visma_to_basware_suppliers import ACTIVE, DENIED, supplier_key
from ml_connector.rules.bookkeeping import Books
from ml_connector.rules.findings import blocking, mapping_missing
from ml_connector.rules.mapping import Facts
from ml_connector.rules.purchase_codes import code, key, parcel, percent_of, too_long

SENT_TYPES = frozenset({"RegularOrder", "DropShip"})  # Blanket there means matching by sum, here an agreement
NOT_YET = frozenset({"Hold", "Balanced", "PendingEmail", "PendingPrint", "Printed"})
ENDED = frozenset({"Closed", "Cancelled", "Voided"})
GONE = frozenset({"Cancelled", "Voided"})
TEXTS = frozenset({"Description"})  # a line of words
MADE = frozenset({"Released"})
UNMADE = frozenset({"Cancelled"})  # sent while it stood: taken back by a negative row


def order_key(terms: Terms, order: PurchaseOrder) -> str:
    """The key of an order's head."""
    return key(terms, "order", order.type, order.number)


def order_need(number: str) -> Need:
    """An order by its number."""
    return Need(kind="purchaseorder", id=number, optional=True)


def supplier_need(number: str) -> Need:
    """A supplier by its number."""
    return Need(kind="supplier", id=number, optional=True)


def receipts_need(order: PurchaseOrder) -> Need:
    """Every receipt for an order."""
    since = datetime.combine(order.day or date(2000, 1, 1), time(), UTC)  # later ones come by themselves, and plan too
    return Need(kind="purchasereceipt", link=("order", order.number), optional=True, since=since)


def plan_order(order: PurchaseOrder, related: Related, books: Books) -> Verdict:
    """The head and every line. What was never sent and is not open is not sent."""
    terms = books.terms
    own = order_key(terms, order)
    head = related.posted.get(own)
    if idle := _idle(order, known=isinstance(head, OrderHeader)):
        return idle
    lines, findings = _lines(order, related, books)
    findings += [one for one in _against(order, own) if one is not None]
    if stops := blocking(findings):
        return Hold(stops)
    gone = _gone(order, head, related, terms) if isinstance(head, OrderHeader) else []
    numbers = tuple(
        dict.fromkeys((*(head.lines if isinstance(head, OrderHeader) else ()), *(one.number for one in lines)))
    )
    made = _head(order, terms, numbers, related)
    needs = (*_supplier_needs(order, related, terms), *term_needs(order.term, related, terms))
    writes = [PlannedWrite(own, "order_header", made, needs=needs, pool=parcel(terms, "order_header"))]
    coded = {str(line.number): coding_keys(_named_by(line, terms), related, terms) for line in order.lines}
    writes += [_line_write(one, (own, *coded.get(one.number, ())), terms) for one in (*lines, *gone)]
    return Plan(tuple(writes), tuple(one for one in findings if not one.blocks))


def plan_receipt(receipt: PurchaseReceipt, related: Related, books: Books) -> Verdict:
    """The lines of the orders that a receipt is for, whole; the orders themselves are not its matter."""
    terms = books.terms
    if not receipt.orders:
        return Ignore("it is for no purchase order")
    if receipt.status not in MADE | UNMADE:
        return Wait(f"receipt {receipt.number} is {receipt.status}: it counts once it is released")
    writes: list[PlannedWrite] = []
    findings: list[Finding] = []
    for number in receipt.orders:
        order = related.one(order_need(number))
        if not isinstance(order, PurchaseOrder) or order.type not in SENT_TYPES:
            continue
        if order.status in NOT_YET or order.hold:
            return Wait(f"order {number} is not open yet")
        lines, found = _lines(order, related, books)
        touched = {str(one.order_line) for one in receipt.lines if _is_for(one, order)}
        findings += [one for one in found if _line_of(one) in touched or not _line_of(one)]
        own = order_key(terms, order)
        writes += [_line_write(line, (own,), terms) for line in lines if line.number in touched]
    if stops := blocking(findings):
        return Hold(stops)
    if not writes:
        return Ignore("none of its orders is sent there")
    return Plan(tuple(writes), tuple(findings))


# ---------------------------------------------------------------------------------------------- whether


def _idle(order: PurchaseOrder, *, known: bool) -> Verdict | None:
    if order.type not in SENT_TYPES:
        return Ignore(f"orders of type {order.type} are not matched there")
    is_open = order.status == "Open" and not order.hold
    word = "on hold" if order.hold else order.status
    if known:
        stays = not is_open and order.status not in ENDED
        return Wait(f"order {order.number} is {word}: it stays there as it was") if stays else None
    if order.status in ENDED:
        return Ignore(f"it is {order.status} and was never sent")
    return None if is_open else Wait(f"order {order.number} is {word}: it goes out once it is open")


def order_coding_needs(order: PurchaseOrder, terms: Terms) -> tuple[Need, ...]:
    """The ledger's accounts, VAT categories and segment values that the lines of an order name."""
    return tuple(dict.fromkeys(need for line in order.lines for need in _named_by(line, terms)))


def _named_by(line: PurchaseOrderLine, terms: Terms) -> tuple[Need, ...]:
    return coding_needs(terms, accounts=(line.account,), vat_codes=(line.vat_code,), segments=line.dimensions)


def _supplier_needs(order: PurchaseOrder, related: Related, terms: Terms) -> tuple[str, ...]:
    """The supplier's card first: an order whose vendor is not there is refused. One not sent by us is Basware's."""
    found = related.one(supplier_need(order.supplier))
    sent = isinstance(found, LedgerSupplier) and found.status in ACTIVE | DENIED
    return (supplier_key(terms, order.supplier),) if sent else ()


def _against(order: PurchaseOrder, own: str) -> Iterator[Finding | None]:
    yield too_long(order.supplier, "supplier", own)
    yield too_long(order.term, "credit terms", own)
    yield too_long(order.number, "order number", own, most=100)


# ---------------------------------------------------------------------------------------------- the head


def _head(order: PurchaseOrder, terms: Terms, numbers: tuple[str, ...], related: Related) -> OrderHeader:
    purchase = terms.purchase
    return OrderHeader(
        external_code=code(terms, "order", order.type, order.number),
        number=printed_number(order, related, terms),
        order_type=order.type,
        company=purchase.company,
        organization=purchase.organization or purchase.company,
        source_system=purchase.source_system,
        currency=order.currency,
        supplier=order.supplier,
        source=order_key(terms, order),
        lines=numbers,
        created=order.day,
        promised=order.promised,
        description=order.text,
        term=order.term,
        reference=order.supplier_reference,
        closed=order.status in ENDED,
        deleted=order.status in GONE,
    )


def printed_number(order: PurchaseOrder, related: Related, terms: Terms) -> str:
    """The number as the supplier knows it; with its type before it where another type has had the same one."""
    others = (content for content in related.posted.values() if isinstance(content, OrderHeader))
    taken = any(one.order_type != order.type and one.number == order.number for one in others)
    del terms
    return f"{order.type}-{order.number}" if taken else order.number


# ---------------------------------------------------------------------------------------------- lines


def _lines(order: PurchaseOrder, related: Related, books: Books) -> tuple[list[OrderLine], list[Finding]]:
    receipts = [one for one in related.documents(receipts_need(order)) or () if isinstance(one, PurchaseReceipt)]
    lines: list[OrderLine] = []
    findings: list[Finding] = []
    for line in order.lines:
        if line.kind in TEXTS or not line.quantity:
            continue
        made, found = _line(order, line, receipts, related=related, books=books)
        findings += found
        lines.append(made)
    return lines, findings


def _line(
    order: PurchaseOrder,
    line: PurchaseOrderLine,
    receipts: Iterable[PurchaseReceipt],
    *,
    related: Related,
    books: Books,
) -> tuple[OrderLine, list[Finding]]:
    """A line with coding and receipts. Goods are matched in three ways: order, receipt, invoice."""
    terms = books.terms
    number = str(line.number)
    back = line.quantity < 0 or line.unit_price < 0
    price = -abs(line.unit_price) if back else line.unit_price
    account, findings = _account(order, line, books)
    rows, noted = _receipts(order, line, receipts, related=related, terms=terms)
    goods = line.kind.startswith("Goods") and terms.purchase.three_way and not back
    gone = order.status in GONE or line.canceled
    percent = percent_of(books.chart, line.vat_code, zone=terms.purchase.vat_zone, day=order.day or date.min)
    made = OrderLine(
        external_code=code(terms, "line", order.type, order.number, number),
        order_code=code(terms, "order", order.type, order.number),
        company=terms.purchase.company,
        number=number,
        position=line.number,
        quantity=abs(line.quantity),
        source=f"{order_key(terms, order)}:line:{number}",
        returned=back,
        net_price=price,
        net_sum=-abs(line.net) if back else line.net,
        currency=order.currency,
        unit=terms.purchase.units.get(line.unit, line.unit),
        tax_code=line.vat_code,
        tax_percent=percent if percent is not None and percent >= 0 else None,
        article=line.supplier_article or line.article,
        own_article=line.article,
        article_name=line.article_name,
        description=line.text,
        receipt_required=goods,
        receipt_based=goods,
        overreceipt_allowed=line.overreceipt_allowed,
        closed=order.status in ENDED or line.completed or gone,
        deleted=gone,
        coding=(_coding(order, line, account, terms),) if account else (),
        receipts=rows,
    )
    return made, findings + noted


def _account(order: PurchaseOrder, line: PurchaseOrderLine, books: Books) -> tuple[str, list[Finding]]:
    """The line's own account; stock has none, and waits on the accrual account that a rule names."""
    if line.account:
        return line.account, []
    codes, names = tuple(filter(None, (line.vat_code,))), tuple(filter(None, (line.article,)))
    facts = Facts(type=line.kind, category=codes, article=names, currency=order.currency)
    choice = books.mapper.choose("accrual", facts)
    if choice.account is not None:
        return choice.account, []
    record = f"line {line.number} of order {order.number}"
    return "", [mapping_missing(books.mapper, "accrual", "account", facts=facts, record=record, also=("type",))]


def _coding(order: PurchaseOrder, line: PurchaseOrderLine, account: str, terms: Terms) -> Coding:
    """A subaccount is a composed code: each segment goes as a dimension of its own."""
    places = terms.purchase.dimensions
    found = [(places[segment], value) for segment, value in line.dimensions if segment in places]
    if line.project and not any(where == "project" for where, _ in found):
        found.append(("project", line.project))
    own = code(terms, "coding", order.type, order.number, str(line.number))
    return Coding(own, 1, abs(line.quantity), account, tuple(found), line.vat_code)


def _gone(order: PurchaseOrder, head: OrderHeader, related: Related, terms: Terms) -> list[OrderLine]:
    """Lines that the head remembers and the order has no more: deleted and closed, with what is known of them."""
    there = {str(line.number) for line in order.lines}
    return [_deleted(order, number, related, terms) for number in head.lines if number not in there]


def _deleted(order: PurchaseOrder, number: str, related: Related, terms: Terms) -> OrderLine:
    source = f"{order_key(terms, order)}:line:{number}"
    known = related.posted.get(source)
    quantity = known.quantity if isinstance(known, OrderLine) else Decimal(1)
    price = known.net_price if isinstance(known, OrderLine) else Decimal(0)
    return OrderLine(
        external_code=code(terms, "line", order.type, order.number, number),
        order_code=code(terms, "order", order.type, order.number),
        company=terms.purchase.company,
        number=number,
        position=int(number) if number.isdecimal() else 0,
        quantity=quantity,
        source=source,
        net_price=price,
        net_sum=known.net_sum if isinstance(known, OrderLine) else Money.zero(order.currency),
        currency=order.currency,
        closed=True,
        deleted=True,
        receipts=known.receipts if isinstance(known, OrderLine) else (),
    )


def _line_write(line: OrderLine, needs: tuple[str, ...], terms: Terms) -> PlannedWrite:
    return PlannedWrite(line.source, "order_line", line, needs=needs, pool=parcel(terms, "order_line"))


# ---------------------------------------------------------------------------------------------- receipts


def _receipts(
    order: PurchaseOrder,
    line: PurchaseOrderLine,
    receipts: Iterable[PurchaseReceipt],
    *,
    related: Related,
    terms: Terms,
) -> tuple[tuple[GoodsReceipt, ...], list[Finding]]:
    """Every receipt for a line: what came in, what was cancelled later (both rows), what went back."""
    rows: list[GoodsReceipt] = []
    findings: list[Finding] = []
    ordered = sorted(receipts, key=lambda one: (one.type == "PoReturn", one.day or date.min, one.number))
    for receipt in ordered:
        for part in receipt.lines:
            if not _is_for(part, order) or part.order_line != line.number or not part.quantity:
                continue
            if receipt.status not in MADE | UNMADE:
                continue
            if receipt.type == "PoReturn":
                found = _returned(order, line, receipt, part, rows=rows, related=related, terms=terms)
                if isinstance(found, Finding):
                    findings.append(found)
                elif receipt.status in MADE:
                    rows.append(found)
                continue
            row = _row(line, receipt, part, terms, quantity=_quantity(line, part))
            rows.append(row)
            if receipt.status in UNMADE:
                rows.append(_row(line, receipt, part, terms, quantity=-row.quantity, reverses=row.external_code))
    return tuple(rows), findings


def _returned(
    order: PurchaseOrder, line: PurchaseOrderLine, receipt: PurchaseReceipt, part: ReceiptLine, *,
    rows: list[GoodsReceipt], related: Related, terms: Terms,
) -> GoodsReceipt | Finding:  # fmt: skip
    """Goods that went back: the ledger names no original receipt, so it is the line's only one, or a person says it."""
    left: dict[str, Decimal] = {}
    for row in rows:
        left[row.reverses or row.external_code] = left.get(row.reverses or row.external_code, Decimal(0)) + row.quantity
    came = [row for row in rows if row.quantity > 0 and left[row.external_code] > 0]
    field = f"return {receipt.number}/{part.number} of line {line.number}"
    said = related.decisions.get("receipt-return-ambiguous", "").strip()
    chosen = [row for row in came if f"{row.number}/{row.line}" == said] or (came if len(came) == 1 else [])
    if len(chosen) == 1:
        quantity = -abs(_quantity(line, part))
        return _row(line, receipt, part, terms, quantity=quantity, reverses=chosen[0].external_code)
    return Finding(
        "receipt-return-ambiguous",
        f"{receipt.number} returns goods of line {line.number} of order {order.number}, that has {len(came)} receipts: "
        "the ledger does not say which one it is. Answer with receipt/line.",
        field,
        {"choices": [f"{row.number}/{row.line}" for row in came], "line": str(line.number)},
    )


def _row(
    line: PurchaseOrderLine, receipt: PurchaseReceipt, part: ReceiptLine, terms: Terms, *, quantity: Decimal,
    reverses: str = "",
) -> GoodsReceipt:  # fmt: skip
    parts = (
        "receipt",
        receipt.number,
        str(part.number),
        *(("back",) if reverses and receipt.type != "PoReturn" else ()),
    )
    return GoodsReceipt(
        external_code=code(terms, *parts),
        number=receipt.number,
        line=str(part.number),
        quantity=quantity,
        net_price=line.unit_price,
        received=receipt.day,
        delivery_note=receipt.supplier_reference,
        reverses=reverses,
    )


def _quantity(line: PurchaseOrderLine, part: ReceiptLine) -> Decimal:
    """In the order's unit: converted by both lines' base quantities where the units differ."""
    if part.unit == line.unit or not part.base_quantity or not line.base_quantity:
        return part.quantity
    return (part.base_quantity * line.quantity / line.base_quantity).quantize(Decimal("0.000001")).normalize()


def _is_for(part: ReceiptLine, order: PurchaseOrder) -> bool:
    return part.order_number == order.number and part.order_type in ("", order.type)


def _line_of(finding: Finding) -> str:
    return str(finding.proposal.get("line", ""))
