"""A plan against the ledger's set-up as last read: what the ledger would refuse, said before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from ml_connector.finance.chart import Account, Chart
from ml_connector.finance.invoices import CustomerInvoice, CustomerPayment, PartyCard, SupplierInvoice
from ml_connector.finance.journal import Dimensions, JournalEntry, Posting
from ml_connector.finance.money import exponent
from ml_connector.finance.plan import Finding, Plan, PlannedWrite
from ml_connector.finance.procurement import LedgerCoding
from ml_connector.finance.rulebook import Terms
from ml_connector.finance.selling import SalesOrder
from ml_connector.rules import closing

_MOST_PROPOSED = 3  # similar accounts named in a proposal


def validate(plan: Plan, chart: Chart, terms: Terms) -> tuple[Finding, ...]:
    """Everything in this plan that the ledger would refuse or that a person should see; empty when it can be sent."""
    found: dict[tuple[str, str, str], Finding] = {}
    for finding in _all(plan, chart, terms):
        found.setdefault((finding.code, finding.field, finding.sentence), finding)
    return tuple(found.values())


def _all(plan: Plan, chart: Chart, terms: Terms) -> Iterator[Finding]:
    seen: dict[str, PlannedWrite] = {}
    for write in plan.writes:
        if write.key in seen:
            yield _finding(
                "duplicate-key",
                f"Two writes of one plan have the key {write.key}.",
                "Report this; nothing is sent.",
                "key",
            )
        seen[write.key] = write
        content = write.content
        for kind, check in _CHECKS:
            if isinstance(content, kind):
                yield from check(content, write.key, chart)
        if isinstance(content, JournalEntry | CustomerInvoice | CustomerPayment | SupplierInvoice | LedgerCoding):
            yield from _reported(content, write.key, terms)


def _journal(entry: JournalEntry, key: str, chart: Chart) -> Iterator[Finding]:
    touches_cash = False
    for posting in entry.postings:
        account = chart.accounts.get(posting.account)
        if account is None or not account.active or account.control is not None or not account.manual_entry:
            yield from _account(posting.account, posting.role, key, chart, journal=True)
        if account is not None and account.cash_account:
            touches_cash = True
            yield from _cash_line(posting, entry.currency, key, chart)
        elif posting.dimensions:
            yield from _dimensions(posting.dimensions, key, chart)
        if posting.vat_code is not None or posting.vat_id is not None:
            yield from _vat(posting, entry.event_day or entry.day, key, chart)
        if account is not None and account.currency not in (None, entry.currency) and not account.cash_account:
            yield _finding(
                "account-currency",
                f"Account {account.number} keeps {account.currency}, and {key} is in {entry.currency}.",
                "Choose an account without a currency of its own.",
                f"{posting.role}.account",
            )
    yield from _closing(entry, key, chart)
    yield from _period(entry.day, closing.CASH if touches_cash else closing.GENERAL, key, chart)
    yield from _currency(entry.currency, key, chart)
    yield from _branch(entry.branch, key, chart)
    if entry.ledger is not None:
        ledger = chart.ledgers.get(entry.ledger)
        if ledger is None or ledger.balance_type.casefold() != "actual":
            yield _finding(
                "ledger-unknown",
                f"Ledger {entry.ledger}, wanted by {key}, is no actual ledger.",
                "Correct the route.",
                "ledger",
            )


def _customer_invoice(invoice: CustomerInvoice, key: str, chart: Chart) -> Iterator[Finding]:
    for line in invoice.lines:
        yield from _account(line.account, line.role, key, chart, journal=False)
        yield from _dimensions(line.dimensions, key, chart)
        yield from _vat_code(line.vat_code, key, chart)
    for detail in invoice.tax_details:
        yield from _vat_id(detail.vat_id, invoice.event_day or invoice.day, key, chart)
    yield from _period(invoice.day, closing.CUSTOMER, key, chart)
    yield from _currency(invoice.currency, key, chart)
    yield from _branch(invoice.branch, key, chart)


def _customer_payment(payment: CustomerPayment, key: str, chart: Chart) -> Iterator[Finding]:
    cash = chart.cash_accounts.get(payment.cash_account)
    if cash is None:
        yield _finding(
            "cash-account-unknown", f"Cash account {payment.cash_account}, wanted by {key}, is not in the ledger.",
            "Create it in Visma or correct the rule.", "cash_account", cash_account=payment.cash_account,
        )  # fmt: skip
    elif cash.currency != payment.amount.currency:
        yield _finding(
            "cash-account-currency",
            f"Cash account {cash.number} keeps {cash.currency}, and {key} is in {payment.amount.currency}.",
            f"Add a rule with a cash account in {payment.amount.currency}.", "currency",
        )  # fmt: skip
    if not chart.payment_methods.get(payment.method, False):
        known = payment.method in chart.payment_methods
        yield _finding(
            "payment-method-inactive" if known else "payment-method-unknown",
            f"Payment method {payment.method}, wanted by {key}, "
            f"{'is not active' if known else 'is not in the ledger'}.",
            "Choose another in the rules.",
            "payment_method",
            choices=sorted(m for m, active in chart.payment_methods.items() if active),
        )
    yield from _period(payment.day, closing.CUSTOMER_CASH, key, chart)
    yield from _branch(payment.branch, key, chart)


def _sales_order(order: SalesOrder, key: str, chart: Chart) -> Iterator[Finding]:
    for line in order.lines:
        yield from _vat_code(line.vat_code, key, chart)
    yield from _currency(order.currency, key, chart)
    yield from _branch(order.branch, key, chart)


def _supplier_invoice(invoice: SupplierInvoice, key: str, chart: Chart) -> Iterator[Finding]:
    yield from _costs(invoice, "coding" if invoice.document else "fee", key, chart)
    yield from _period(invoice.posting_day or invoice.day, closing.SUPPLIER, key, chart)
    yield from _currency(invoice.currency, key, chart)


def _coding(coding: LedgerCoding, key: str, chart: Chart) -> Iterator[Finding]:
    """The new lines of an invoice that waits in the ledger, which keeps its day and its period."""
    yield from _costs(coding, "coding", key, chart)
    yield from _currency(coding.currency, key, chart)
    if coding.day is None and not coding.period:
        return
    named = next((one for one in chart.periods if one.id == coding.period), None)
    period = named if named is not None or coding.day is None else chart.period_of(coding.day)
    if period is None or not closing.is_open(period, closing.SUPPLIER):
        where = f"Period {period.id}" if period is not None else f"The period of {coding.period or coding.day}"
        yield _finding(
            "period-closed",
            f"{where} takes no supplier invoice, and {coding.number}, which {key} codes, stands in it.",
            "Open the period, or move the invoice to another in Visma.", "period", period=coding.period,
        )  # fmt: skip


def _costs(content: SupplierInvoice | LedgerCoding, role: str, key: str, chart: Chart) -> Iterator[Finding]:
    for line in content.lines:
        yield from _account(line.account, role, key, chart, journal=False)
        yield from _dimensions(line.dimensions, key, chart)
        yield from _vat_code(line.vat_code, key, chart)
    for detail in content.tax_details:
        yield from _vat_id(detail.vat_id, content.day or date.min, key, chart)


def _card(card: PartyCard, key: str, chart: Chart) -> Iterator[Finding]:
    if not card.name.strip():
        yield _finding(
            "party-name-missing", f"The {card.kind} of {key} has no name.", "Give it one in the source.", "name"
        )
    if card.vat_zone is not None and chart.vat_zones and card.vat_zone not in chart.vat_zones:
        yield _finding(
            "vat-zone-unknown", f"VAT zone {card.vat_zone}, wanted by {key}, is not in the ledger.",
            "Correct the defaults of the route.", "vat_zone", choices=list(chart.vat_zones),
        )  # fmt: skip
    if card.currency is not None:
        yield from _currency(card.currency, key, chart)


def _closing(entry: JournalEntry, key: str, chart: Chart) -> Iterator[Finding]:
    """Where the gain or loss goes that only the ledger knows yet."""
    if entry.closes is not None:
        yield from _account(entry.closes.to, "currency_difference", key, chart, journal=True)
        yield from _dimensions(entry.closes.dimensions, key, chart)


def _account(number: str, role: str, key: str, chart: Chart, *, journal: bool) -> Iterator[Finding]:
    account = chart.accounts.get(number)
    where = f"{role}.account"
    if account is None:
        yield _finding(
            "account-unknown", f"Account {number}, wanted by {key} for {role}, is not in the ledger.",
            "Create it in Visma or correct the rule.", where, account=number, similar=_similar(number, chart),
        )  # fmt: skip
        return
    if not account.active:
        yield _finding(
            "account-inactive", f"Account {number} {account.description}, wanted by {key} for {role}, is inactive.",
            "Choose another in the rules.", where, account=number, similar=_similar(number, chart),
        )  # fmt: skip
    if account.control is not None:
        yield _finding(
            "account-control",
            f"Account {number}, wanted by {key} for {role}, belongs to {account.control} and takes no other entry.",
            "Choose an account that is no control account.",
            where,
            account=number,
        )
    if journal and not account.manual_entry:
        fix = "Allow manual entry on the account in Visma, or choose another."
        if role == "vat":
            fix = "Allow manual entry on the VAT account in Visma, or book sales as invoices to a collective customer."
        yield _finding(
            "account-no-manual-entry",
            f"Account {number}, wanted by {key} for {role}, takes no journal lines.",
            fix,
            where,
            account=number,
        )


def _similar(number: str, chart: Chart) -> list[str]:
    near = [one for one in chart.accounts.values() if one.number[:2] == number[:2] and _usable(one)]
    return [one.number for one in near[:_MOST_PROPOSED]]


def _usable(account: Account) -> bool:
    return account.active and account.manual_entry and account.control is None


def _cash_line(posting: Posting, currency: str, key: str, chart: Chart) -> Iterator[Finding]:
    """A line on a cash account's GL account enters the cash ledger only with exactly its currency and dimensions."""
    kept = chart.cash_account_on(posting.account)
    in_currency = [cash for cash in kept if cash.currency == currency]
    where = f"{posting.role}.cash_account"
    if not in_currency:
        yield _finding(
            "cash-account-currency", f"No cash account on {posting.account} keeps {currency}, the currency of {key}.",
            f"Add a rule with a cash account in {currency}.", where, account=posting.account, currency=currency,
        )  # fmt: skip
    elif all(cash.dimensions != posting.dimensions for cash in in_currency):
        yield _finding(
            "cash-account-dimensions",
            f"The line of {key} on cash account {posting.account} has dimensions {_said(posting.dimensions)}, not the "
            "account's own.",
            "Give the rule the cash account, and no dimensions.", where, account=posting.account,
        )  # fmt: skip


def _dimensions(dimensions: Dimensions, key: str, chart: Chart) -> Iterator[Finding]:
    for segment_id, value in dimensions:
        segment = chart.segments.get(segment_id)
        if segment is None:
            yield _finding(
                "dimension-unknown",
                f"Dimension {segment_id}, wanted by {key}, is not in the ledger.",
                "Correct the rule.",
                f"dimension {segment_id}",
                segment=segment_id,
                choices=sorted(chart.segments),
            )
        elif not segment.values.get(value, False):
            known = value in segment.values
            yield _finding(
                "dimension-inactive" if known else "dimension-unknown",
                f"Value {value} of dimension {segment_id} {segment.description}, wanted by {key}, "
                f"{'is inactive' if known else 'is not in the ledger'}.",
                "Activate or create it in Visma, or correct the rule.",
                f"dimension {segment_id}",
                segment=segment_id,
                value=value,
            )


def _vat(posting: Posting, day: date, key: str, chart: Chart) -> Iterator[Finding]:
    if posting.vat_code is not None:
        yield from _vat_code(posting.vat_code, key, chart)
    if posting.vat_id is None:
        return
    yield from _vat_id(posting.vat_id, day, key, chart)
    vat = chart.vat_ids.get(posting.vat_id)
    if vat is None:
        return
    if vat.categories and posting.vat_code not in vat.categories:
        yield _finding(
            "vat-code-unfit", f"VAT code {posting.vat_code} does not belong to VAT id {vat.id}, both wanted by {key}.",
            "Give the rule a VAT code of that VAT id.", "vat_code", choices=list(vat.categories),
        )  # fmt: skip
    rate = vat.rate_on(day)
    if posting.vat_rate is not None and rate is not None and rate != posting.vat_rate:
        yield _finding(
            "vat-rate-differs", f"VAT id {vat.id} is {rate} % on {day}, and {key} carries {posting.vat_rate} %.",
            "Choose the VAT id of that rate, or correct the tax in the source.", "vat_id", rate=str(rate),
        )  # fmt: skip
    if (
        vat.payable_account is not None
        and posting.role == "vat"
        and posting.account not in (vat.payable_account, vat.claimable_account)
    ):
        yield _finding(
            "vat-account-differs",
            f"VAT id {vat.id} is booked on {vat.payable_account}, and {key} puts it on {posting.account}.",
            "Remove the account from the rule: the ledger names it.",
            "vat.account",
            account=vat.payable_account,
        )


def _vat_code(code: str, key: str, chart: Chart) -> Iterator[Finding]:
    if chart.vat_codes.get(code, False):
        return
    known = code in chart.vat_codes
    yield _finding(
        "vat-code-inactive" if known else "vat-code-unknown",
        f"VAT code {code}, wanted by {key}, {'is not active' if known else 'is not in the ledger'}.",
        "Correct the rule.",
        "vat_code",
        vat_code=code,
        choices=sorted(one for one, active in chart.vat_codes.items() if active),
    )


def _vat_id(number: str, day: date, key: str, chart: Chart) -> Iterator[Finding]:
    vat = chart.vat_ids.get(number)
    if vat is None:
        yield _finding(
            "vat-id-unknown", f"VAT id {number}, wanted by {key}, is not in the ledger.", "Correct the rule.", "vat_id",
            vat_id=number, choices=sorted(chart.vat_ids),
        )  # fmt: skip
    elif vat.not_after is not None and day > vat.not_after:
        yield _finding(
            "vat-id-expired", f"VAT id {number} is not valid after {vat.not_after}, and {key} is of {day}.",
            "Add a rule for the VAT id that follows it.", "vat_id", vat_id=number,
        )  # fmt: skip


def _period(day: date, ledgers: frozenset[str], key: str, chart: Chart) -> Iterator[Finding]:
    period = chart.period_of(day)
    if period is None or not closing.is_open(period, ledgers):
        yield closing.closed_finding(day, period, ledgers=ledgers, record=key)


def _currency(currency: str, key: str, chart: Chart) -> Iterator[Finding]:
    use = chart.currencies.get(currency)
    if use is None:
        yield _finding(
            "currency-unknown",
            f"The company does not keep {currency}, the currency of {key}.",
            "Add it in Visma.",
            "currency",
            currency=currency,
        )
    elif use.precision < exponent(currency):
        yield _finding(
            "currency-precision",
            f"The ledger keeps {currency} with {use.precision} decimals, and {key} needs {exponent(currency)}.",
            "Correct the currency in Visma.",
            "currency",
            currency=currency,
        )


def _branch(number: str | None, key: str, chart: Chart) -> Iterator[Finding]:
    if number is None:
        return
    branch = chart.branches.get(number)
    if branch is None or not branch.active:
        state = "is not in the ledger" if branch is None else "is inactive"
        yield _finding(
            "branch-unknown" if branch is None else "branch-inactive", f"Branch {number}, wanted by {key}, {state}.",
            "Correct the location or the route.", "branch", branch=number, choices=sorted(chart.branches),
        )  # fmt: skip


def _reported(
    content: JournalEntry | CustomerInvoice | CustomerPayment | SupplierInvoice | LedgerCoding, key: str, terms: Terms
) -> Iterator[Finding]:
    """The last look at VAT that is already reported, whatever way the write came about."""
    if (
        isinstance(content, CustomerPayment)
        or terms.vat_reported_until is None
        or content.day is None
        or content.day > terms.vat_reported_until
    ):
        return
    if isinstance(content, JournalEntry) and not content.vat_transaction:
        return
    yield _finding(
        "vat-reported",
        f"VAT is reported up to {terms.vat_reported_until} and {key} of {content.day} carries VAT.",
        "Decide with your accountant in which return it belongs, then ignore it here or change the reported date.",
        "day",
    )


def _said(dimensions: Dimensions) -> str:
    return ", ".join(f"{segment} = {value}" for segment, value in dimensions) or "none"


def _finding(code: str, what: str, fix: str, name: str, **proposal: object) -> Finding:
    return Finding(code, f"{what} {fix}", name, proposal)


_CHECKS: tuple[tuple[type[Any], Callable[[Any, str, Chart], Iterator[Finding]]], ...] = (
    (JournalEntry, _journal),
    (CustomerInvoice, _customer_invoice),
    (CustomerPayment, _customer_payment),
    (SupplierInvoice, _supplier_invoice),
    (LedgerCoding, _coding),
    (SalesOrder, _sales_order),
    (PartyCard, _card),
)
