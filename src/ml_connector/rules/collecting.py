"""Which invoices of the ledger another system collects, and what is told it of them and of what became of them.

An invoice goes out once, as it is when nothing of it is paid. Later payments and credits of people follow it. What our
own routes booked from that system never goes back to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from ml_connector.finance.collection import (
    MOST_LINES,
    CollectionInvoice,
    CollectionLine,
    LedgerAttachment,
    Marks,
)
from ml_connector.finance.documents import Party
from ml_connector.finance.invoices import Number, Ref
from ml_connector.finance.ledger import LedgerInvoice, LedgerPayment
from ml_connector.finance.plan import Explanation, Finding, Found, PlannedWrite, Related
from ml_connector.finance.rulebook import Terms
from ml_connector.rules.findings import approved
from ml_connector.rules.ledger_lines import TaxedLine
from ml_connector.rules.mapping import Facts, Mapper
from ml_connector.rules.parties import Known

# What a processor takes least, in major units: below it an invoice would be called paid and its amount put on the
# customer's balance. A currency that is not here is taken to need ten.
MINIMUM: Mapping[str, Decimal] = {
    **dict.fromkeys("USD EUR CHF AUD CAD NZD SGD BRL INR".split(), Decimal("0.50")),
    "GBP": Decimal("0.30"), "NOK": Decimal(3), "SEK": Decimal(3), "DKK": Decimal("2.50"), "PLN": Decimal(2),
    "CZK": Decimal(15), "HUF": Decimal(175), "RON": Decimal(2), "BGN": Decimal(1), "JPY": Decimal(50),
}  # fmt: skip
_UNKNOWN_MINIMUM = Decimal(10)
ROLE = "collect"
_URL_LIFE = timedelta(days=30)  # after the due date

_OURS = re.compile(r"(?:^|[\s\[])[\w.-]+:(?:inpay|ch|re):(?:inpay|ch|py|re|pyr)_\w+")
"""A key of a payment, charge or refund of the collecting system: our routes put it on what they book."""


# ---------------------------------------------------------------------------------------------- which


def invoice_key(number: str, terms: Terms) -> str:
    """The key of an invoice that is sent out."""
    return f"{terms.code}:inv:{number}"


def change_key(document: str, invoice: str, terms: Terms) -> str:
    """The key of what a payment or credit note of the ledger means for one invoice that was sent."""
    return f"{terms.code}:chg:{document}:{invoice}"


@dataclass(frozen=True, slots=True)
class Mark:
    """Whether an invoice is marked for collecting, and by what, or why not, in words."""

    yes: bool
    because: str


def not_collectable(invoice: LedgerInvoice, terms: Terms) -> str:
    """Why an invoice is none to be sent out, whoever marked it; empty when it may be."""
    if invoice.kind != "invoice":
        return "only invoices are collected"
    if invoice.state in {"draft", "other"}:
        return "it is not released"
    if invoice.state == "voided":
        return "it is voided"
    if not invoice.total:
        return "it is of zero"
    if invoice.balance != invoice.total:
        return f"{invoice.balance} of {invoice.total} is open: it is paid or credited in part already"
    if terms.go_live is not None and invoice.day < terms.go_live:
        return f"it is of {invoice.day}, before the go-live day {terms.go_live}"
    return ""


def mark_of(
    invoice: LedgerInvoice, related: Related, buyer: Party | None, *, terms: Terms, mapper: Mapper | None
) -> Mark | None:
    """Whether it is to be collected; None while that depends on the buyer or on rules, and those are not known yet.

    A person may ask for one by its name (decision `collect`). Where the terms let rules decide, nothing else does.
    """
    if approved(related, ROLE):
        return Mark(True, "a person asked for it")
    if terms.collect == "all":
        return Mark(True, "all are collected")
    if terms.collect == "rules":
        return None if buyer is None or mapper is None else _by_rules(invoice, buyer, mapper)
    if invoice.payment_method and invoice.payment_method in terms.collect_methods:
        return Mark(True, f"payment method {invoice.payment_method}")
    if invoice.customer in terms.collect_customers:
        return Mark(True, f"customer {invoice.customer}")
    if terms.collect_classes or terms.collect_attributes:
        return None if buyer is None else _by_buyer(buyer, terms)
    return Mark(False, "nothing marks it")


def attributes_of(buyer: Party) -> tuple[str, ...]:
    """A customer's attributes as rules and terms name them, "ID=VALUE".

    Of several values chosen together each is one; a tick is 1 and true.
    """
    said = (f"{name}={one}" for name, value in buyer.attributes for one in _values(value))
    return tuple(dict.fromkeys(said))


def _values(value: str) -> Iterator[str]:
    yield value
    if "," in value:
        yield from (part for one in value.split(",") if (part := one.strip()))
    if value.casefold() in {"1", "true"}:
        yield from ("1", "true", "True")
    if value.casefold() in {"0", "false"}:
        yield from ("0", "false", "False")


def _by_buyer(buyer: Party, terms: Terms) -> Mark:
    if buyer.group and buyer.group in terms.collect_classes:
        return Mark(True, f"customer class {buyer.group}")
    has = set(attributes_of(buyer))
    wanted = (f"{name}={value}" for name, values in terms.collect_attributes.items() for value in values)
    found = next((one for one in wanted if one in has), "")
    return Mark(True, f"attribute {found} of customer {buyer.id}") if found else Mark(False, "nothing marks it")


def _by_rules(invoice: LedgerInvoice, buyer: Party, mapper: Mapper) -> Mark:
    facts = Facts(
        method=invoice.payment_method or None, type="invoice", currency=invoice.currency,
        country=buyer.address.country or None, customer_group=buyer.group or None, amount=invoice.total.decimal(),
        customer_number=invoice.customer, attribute=attributes_of(buyer), branch=invoice.branch or None,
        credit_terms=invoice.credit_terms or None,
    )  # fmt: skip
    choice = mapper.choose(ROLE, facts)
    if choice.collect is None:
        return Mark(False, "no rule of role collect fits it")
    return Mark(choice.collect == "yes", choice.reason("collect"))


def is_ours(*texts: str) -> bool:
    """Whether one of these texts carries the key of what we booked from the collecting system."""
    return any(_OURS.search(text) for text in texts)


def is_from_there(payment: LedgerPayment, mapper: Mapper) -> bool:
    """Whether a payment came through the collecting system: by our key on it, or on its clearing account."""
    clearing = {rule.cash_account for rule in mapper.rules_for("clearing")} - {None}
    return is_ours(payment.text, payment.reference) or payment.cash_account in clearing


# ---------------------------------------------------------------------------------------------- what goes out


def plan_collection(
    invoice: LedgerInvoice,
    lines: Sequence[TaxedLine],
    payer: Known,
    *,
    because: str,
    found: Sequence[Found],
    terms: Terms,
) -> tuple[list[PlannedWrite], list[Finding]]:
    """The invoice, and the address to pay at as a file on the ledger's own. `because`: what marked it."""
    key = invoice_key(invoice.number, terms)
    findings = [*payer.findings, *_against(invoice, lines)]
    at = next((one for one in found if one.number == payer.number), None)
    if at is not None and at.currency not in {None, invoice.currency}:
        findings.append(_other_currency(invoice, at))
    if any(finding.blocks for finding in findings):
        return [], findings
    content = CollectionInvoice(
        customer=payer.number, number=invoice.number, day=invoice.day, due_on=invoice.due_on, currency=invoice.currency,
        lines=tuple(line_of(one, place) for place, one in enumerate(lines, 1)), total=invoice.total,
        vat_total=invoice.vat_total, source=key, reference=invoice.reference, text=invoice.text,
        marks=marks_of(invoice),
    )  # fmt: skip
    why = (payer.why, Explanation("collected", invoice.number, because))
    sent = PlannedWrite(key, "collection_invoice", content, needs=payer.needs, why=why)
    return [*payer.writes, sent, told_in_ledger(invoice, key)], findings


def told_in_ledger(invoice: LedgerInvoice, key: str) -> PlannedWrite:
    """The file on the ledger's invoice: where it can be paid, and until when that address holds."""
    until = f"until {invoice.due_on + _URL_LIFE}" if invoice.due_on is not None else "until 30 days after its due date"
    lines: tuple[Number, ...] = (
        f"Invoice {invoice.number} is collected as", Ref(key, "remote_id"), "It can be paid at", Ref(key, "url"),
        f"This address holds {until}, 120 days at most; `ml-connector trace {key}` reads a new one.",
    )  # fmt: skip
    content = LedgerAttachment("customer_invoice", invoice.number, f"payment-page-{invoice.number}.txt", lines, key,
                               customer=invoice.customer, day=invoice.day)  # fmt: skip
    return PlannedWrite(f"{key}:link", "ledger_attachment", content, needs=(key,), into="source")


def marks_of(document: LedgerInvoice) -> Marks:
    """By what the other system's invoice is known as the ledger's."""
    return (("visma_invoice_no", document.number), ("visma_customer_no", document.customer))


# ---------------------------------------------------------------------------------------------- inside


def line_of(one: TaxedLine, place: int) -> CollectionLine:
    """A line of the ledger as it is collected."""
    exempt = "reverse_charge" if one.reverse else "zero_rated" if one.rate == 0 else ""
    text = one.line.text or one.line.article or f"Line {one.line.number or place}"
    charged = one.rate if not one.reverse else Decimal(0)
    return CollectionLine(
        text, one.line.net, one.vat, charged if one.rate is not None else None, "VAT" if one.rate is not None else "",
        exempt, one.line.number or place,
    )  # fmt: skip


def _against(invoice: LedgerInvoice, lines: Sequence[TaxedLine]) -> list[Finding]:
    against = []
    least = MINIMUM.get(invoice.currency, _UNKNOWN_MINIMUM)
    if invoice.total.decimal() < least:
        against.append(Finding(
            "collection-too-small",
            f"Invoice {invoice.number} of {invoice.total} is below the {least} {invoice.currency} that can be "
            "collected. Collect it another way and ignore it here.",
            "total", {"least": str(least)},
        ))  # fmt: skip
    if len(lines) > MOST_LINES:
        against.append(Finding(
            "collection-too-long",
            f"Invoice {invoice.number} has {len(lines)} lines, and at most {MOST_LINES} can be collected. Collect it "
            "another way and ignore it here.",
            "lines",
        ))  # fmt: skip
    return against


def _other_currency(invoice: LedgerInvoice, found: Found) -> Finding:
    return Finding(
        "payer-currency",
        f"Customer {found.number} has {found.currency} as its currency where invoices are collected, and invoice "
        f"{invoice.number} is in {invoice.currency}. It is sent all the same.",
        "currency",
        blocks=False,
    )
