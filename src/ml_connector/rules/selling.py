"""The recipe of a sales order: what of the ledger's items stands for its lines, and what the ledger made of it.

The ledger makes the invoice when people ship and invoice the order there. What was paid before is in `advances`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from ml_connector.finance.documents import Refund, Sale, SaleLine
from ml_connector.finance.invoices import InvoiceLine
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Finding, Found, Need, PlannedWrite, Related
from ml_connector.finance.rulebook import Terms
from ml_connector.finance.selling import SalesOrder, SalesOrderLine
from ml_connector.rules.bookkeeping import Books, Sheet, branch_of
from ml_connector.rules.customer_documents import blocked, invoice_rows, plain_row
from ml_connector.rules.goods import ROLES, facts_of, policy_of
from ml_connector.rules.invoicing import Bill
from ml_connector.rules.parties import Known
from ml_connector.rules.texts import begun, clipped

_GOODS = frozenset({"goods", "custom"})


# ------------------------------------------------------------------------------------------ what must be known


def item_needs(sale: Sale, terms: Terms) -> tuple[Need, ...]:
    """The items of the ledger that may stand for what was ordered."""
    numbers = [number for line in sale.lines for number in _candidates(line, terms)]
    numbers += [terms.order_items["rounding"]] if sale.rounding and "rounding" in terms.order_items else []
    return tuple(_item(number) for number in dict.fromkeys(numbers))


def invoices_of(key: str) -> Need:
    """The invoices that the ledger has made of the order with this key.

    One without a number tells what became of it: Gone, Otherwise (it is booked, and not as an order) or Unknown (nobody
    answers just now).
    """
    return Need("order_invoice", system="target", fields=(("of", key),), optional=True)


def made_of(key: str, related: Related) -> tuple[tuple[Found, ...], str]:
    """(the invoices that were made of an order, what else became of it: Gone, Otherwise, Unknown or nothing)."""
    found: tuple[Found, ...] = tuple(related.documents(invoices_of(key)) or ())
    numbered = tuple(one for one in found if one.number)
    return numbered, "" if len(numbered) == len(found) else next(one.status for one in found if not one.number)


def _candidates(line: SaleLine, terms: Terms) -> tuple[str, ...]:
    """Numbers of items for a line, the best first: named for its article, its own number, named for its kind."""
    items = terms.order_items
    named = [items[f"sku:{name}"] for name in line.names if f"sku:{name}" in items]
    own = [*line.names] if line.kind in _GOODS and not named else []
    role, instead = ROLES[line.kind]
    general = [items[one] for one in (role, instead) if one is not None and one in items]
    return tuple(dict.fromkeys((*named, *own, *general)))


def _item(number: str) -> Need:
    return Need("item", system="target", fields=(("number", number),), optional=True)


# ------------------------------------------------------------------------------------------ the order


def plan_order(bill: Bill, sale: Sale, customer: Known, *, books: Books, related: Related) -> SalesOrderPlan:
    """The order itself; None where something is missing, which the findings say."""
    facts = replace(facts_of(sale, "invoice"), status=sale.status or sale.state)
    sheet = Sheet(bill.key, record=bill.record, day=bill.day, facts=facts, books=books)
    sheet.note(*customer.findings)
    lines = [one for line in sale.lines for one in _lines(sheet, line, related)]
    if sale.rounding:
        rows = plain_row(sheet, "rounding", sale.rounding.minor, "Rounding")
        lines += [_line(row, item, Decimal(1)) for row in rows if (item := _rounding_item(sheet, related))]
    if blocked(sheet.findings) or not lines:
        return SalesOrderPlan(None, (*sheet.findings, *(() if lines or sheet.findings else (_empty(bill.record),))))
    terms, vat = books.terms, sum(line.vat.minor for line in lines if line.vat is not None)
    total = Money(sum(line.net.minor for line in lines) + vat, sale.currency)
    content = SalesOrder(
        customer=customer.number, day=bill.day, type=terms.order_type, currency=sale.currency, lines=tuple(lines),
        total=total, vat_total=Money(vat, sale.currency), reference=bill.number, source=bill.key,
        text=clipped(f"Order {bill.number}"), tolerance=terms.tolerance_minor,
        branch=branch_of(terms, sale.location),
    )  # fmt: skip
    why = (customer.why, *sheet.why.values())
    write = PlannedWrite(bill.key, "sales_order", content, needs=customer.needs, why=why)
    return SalesOrderPlan(write, tuple(sheet.findings))


@dataclass(frozen=True, slots=True)
class SalesOrderPlan:
    """The write of an order, and what was found."""

    write: PlannedWrite | None
    findings: tuple[Finding, ...]


def _lines(sheet: Sheet, line: SaleLine, related: Related) -> list[SalesOrderLine]:
    """A sale line as an order line; what costs nothing is ordered and shipped all the same."""
    rows = invoice_rows(sheet, line, policy_of(sheet.books.terms, related))
    if not rows and not line.net.minor and not line.tax.minor and line.kind in _GOODS:
        code = sheet.books.mapper.choose("no_vat", sheet.facts).vat_code
        rows = [InvoiceLine("", line.net, code, clipped(line.name))] if code is not None else []
    if not rows:
        return []
    item = _item_of(sheet, line, related)
    if item is None:
        return []
    sheet.explain("item", item, f"for {line.name}")
    return [_line(row, item, _quantity(sheet, line)) for row in rows]


def _line(row: InvoiceLine, item: str, quantity: Decimal) -> SalesOrderLine:
    return SalesOrderLine(item, quantity, row.net, row.vat_code, row.text, row.vat, row.role)


def _quantity(sheet: Sheet, line: SaleLine) -> Decimal:
    """As many as were ordered; of part of a unit the price must come out in whole cents."""
    quantity = line.quantity if line.quantity > 0 else Decimal(1)
    if quantity == quantity.to_integral_value() or Decimal(line.net.minor) % quantity == 0:
        return quantity
    sheet.note(Finding(
        "quantity-unpriced",
        f"{begun(sheet.record)} has {quantity} of {line.name} for {line.net}, which no price of whole cents gives. "
        "Enter the order in Visma by hand and ignore it here, or correct the quantity in the source.",
        "quantity",
    ))  # fmt: skip
    return quantity


def _item_of(sheet: Sheet, line: SaleLine, related: Related) -> str | None:
    """The first item that there is and that may be sold; None: a finding was noted."""
    numbers = _candidates(line, sheet.books.terms)
    found = _sold(numbers, related)
    if found is None:
        sheet.note(_no_item(sheet.record, line, numbers, related))
    return found


def _rounding_item(sheet: Sheet, related: Related) -> str | None:
    numbers = [number for number in (sheet.books.terms.order_items.get("rounding"),) if number is not None]
    found = _sold(numbers, related)
    if found is None:
        sheet.note(_unnamed(sheet.record, "its rounding", "rounding"))
    return found


def _sold(numbers: Iterable[str], related: Related) -> str | None:
    for number in numbers:
        for one in related.documents(_item(number)) or ():
            if one.status == "Active":
                return str(one.number)
    return None


def _no_item(record: str, line: SaleLine, numbers: Sequence[str], related: Related) -> Finding:
    known = [one for number in numbers for one in related.documents(_item(number)) or ()]
    if known:
        one = known[0]
        return Finding(
            "item-not-sold",
            f"{begun(record)} has {line.name}, and item {one.number} is {one.status} in Visma. Let it be sold, or "
            "name another in the route's order items.",
            "order_items",
            {"item": one.number, "terms": {"order_items": {_named_for(line): ""}}},
        )
    return _unnamed(record, f"{line.name}{f' ({line.names[-1]})' if line.names else ''}", _named_for(line))


def _named_for(line: SaleLine) -> str:
    return f"sku:{line.names[-1]}" if line.kind in _GOODS and line.names else ROLES[line.kind][0]


def _unnamed(record: str, what: str, name: str) -> Finding:
    return Finding(
        "item-missing",
        f"{begun(record)} has {what}, for which Visma has no item of that number and the route names none. Make the "
        f"item in Visma, or name one in the route's order items ({name}).",
        "order_items",
        {"terms": {"order_items": {name: ""}}},
    )


def _empty(record: str) -> Finding:
    return Finding(
        "nothing-to-order", f"{begun(record)} has no line. Ignore it here, or correct it in the source.", "lines"
    )


def is_left_to_ship(rest: Sale, sale: Sale, back: Refund) -> bool:
    """Whether what a refund leaves of an order can be ordered: it says which goods came back, and how many."""
    if back.returned is None or not back.returned.itemized or rest.total.minor <= 0 or rest.rounding != sale.rounding:
        return False
    goods = [line.quantity for line in (*back.returned.lines, *rest.lines) if line.kind in _GOODS]
    return all(quantity > 0 for quantity in goods)
