"""Advances: what was paid for a sales order before its invoice, what was given back of it, what its invoices take.

It stands on the customer's prepayment account until people have invoiced the order in the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ml_connector.finance.documents import Sale
from ml_connector.finance.invoices import CustomerPayment, Ref
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Content, Elsewhere, Finding, Found, PlannedWrite, Related
from ml_connector.finance.rulebook import Terms
from ml_connector.finance.selling import PaymentApplication
from ml_connector.rules.findings import approved

_OPEN = frozenset({"Open", "Closed"})  # an invoice that is in the ledger


@dataclass(frozen=True, slots=True)
class Advance:
    """What was paid before the invoice: the key of its payment, how much, and whether that is planned or booked."""

    key: str
    amount: Money
    stands: bool = True


def given_back(found: Iterable[Elsewhere], *, currency: str) -> Money:
    """What was paid back of an advance, of all that is put against it."""
    contents = (content for one in found for content in one.contents.values())
    back = (one for one in contents if isinstance(one, CustomerPayment) and one.kind == "refund")
    taken = (row.amount.minor for one in back for row in one.applications if row.document == "Prepayment")
    return Money(sum(taken), currency)


def applications(
    advance: Advance,
    invoices: Sequence[Found],
    *,
    order_id: str,
    terms: Terms,
    posted: dict[str, Content] | None = None,
) -> list[PlannedWrite]:
    """What of an advance is put against which invoice: what was, as it was, and what is left on those that are open."""
    prefix = f"{terms.code}:app:{order_id}:"
    before = {
        key: one for key, one in (posted or {}).items()
        if key.startswith(prefix) and isinstance(one, PaymentApplication) and _from(one) == advance.key
    }  # fmt: skip
    if before and not advance.stands:
        return []
    made = [_applied(key, one, advance) for key, one in before.items()]
    left = advance.amount.minor - sum(one.amount.minor for one in before.values())
    for invoice in sorted(invoices, key=lambda one: one.number):
        key, owed = f"{prefix}{invoice.number}", int(invoice.facts.get("open", "0"))
        if key in before or invoice.status != "Open" or invoice.currency != advance.amount.currency:
            continue
        minor = min(left, owed)
        if minor > 0:
            content = PaymentApplication(
                Ref(advance.key, "remote_id"), invoice.number, Money(minor, advance.amount.currency),
                Money(owed, advance.amount.currency), key,
            )  # fmt: skip
            made.append(_applied(key, content, advance))
            left -= minor
    return made


def _from(one: PaymentApplication) -> str:
    return one.payment.key if isinstance(one.payment, Ref) else one.payment


def _applied(key: str, content: PaymentApplication, advance: Advance) -> PlannedWrite:
    return PlannedWrite(key, "payment_application", content, needs=(advance.key,))


def left_of_advance(advance: Advance, made: Iterable[PlannedWrite]) -> Money:
    """What of an advance is not put against any invoice."""
    used = sum(one.content.amount.minor for one in made if isinstance(one.content, PaymentApplication))
    return Money(advance.amount.minor - used, advance.amount.currency)


def still_to_come(sale: Sale, invoices: Sequence[Found], terms: Terms) -> str | None:
    """Why more of an advance may still be taken, in words; None when the whole order is in the ledger's invoices."""
    number = sale.reference or sale.id
    if not invoices:
        return f"the sales order of order {number} is not invoiced in Visma yet: ship and invoice it there"
    drafts = [one for one in invoices if one.status not in _OPEN]
    if drafts:
        return f"invoice {drafts[0].number} of order {number} is {drafts[0].status} in Visma: release it there"
    invoiced = sum(int(one.facts.get("total", "0")) for one in invoices)
    if invoiced + terms.tolerance_minor < sale.total.minor:
        return f"order {number} is invoiced in part in Visma: ship and invoice the rest there"
    return None


def vat_on_advance(sale: Sale, terms: Terms, related: Related) -> Finding | None:
    """VAT of what is paid before it is invoiced may be due at once; the ledger reports it with the invoice."""
    vat = sum(line.tax.minor for line in sale.lines)
    if not vat or approved(related, "vat-on-advance"):
        return None
    stops = terms.advances == "hold"
    fix = "Approve to send it all the same." if stops else "Ask your accountant whether that is soon enough."
    return Finding(
        "vat-on-advance",
        f"Order {sale.reference or sale.id} is paid before it is invoiced: {sale.total}, of it "
        f"{Money(vat, sale.currency)} VAT, which Visma reports with the invoice. {fix}",
        "vat",
        {"decision": "approve"} if stops else {},
        blocks=stops,
    )


def advance_left(sale: Sale, left: Money) -> Finding:
    """Every invoice is there, and not all of what was paid is put against them by us."""
    return Finding(
        "advance-left",
        f"{left} of the advance for order {sale.reference or sale.id} is not put against its invoices: Visma's total "
        "differs, or somebody settled them. Look at the advance in Visma.",
        "amount",
        blocks=False,
    )
