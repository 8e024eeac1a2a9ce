"""A Swedish company whose invoices Stripe collects, with readable defaults, and ways to ask both flows."""

# ruff: noqa: A002 - builders take the documents' own field names

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from ml_connector.finance.chart import Account, Branch, CashAccount, Chart, CurrencyUse, Ledger, Period, VatId
from ml_connector.finance.documents import (
    Capture,
    Converted,
    Dispute,
    DisputeMovement,
    Document,
    Invoice,
    InvoicePayment,
    Movement,
    Party,
    Payout,
    PayoutEntry,
    Refund,
)
from ml_connector.finance.invoices import CustomerPayment
from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.ledger import LedgerApplication, LedgerInvoice, LedgerLine, LedgerPayment, LedgerTax
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Content, Found, Hold, Need, Plan, PlannedWrite, Related, Verdict
from ml_connector.finance.rulebook import Rule, Rulebook, Terms, When
from ml_connector.flows.flow import Flow
from ml_connector.rules.validation import validate

NOON = datetime(2026, 5, 20, 12, tzinfo=UTC)
DAY = date(2026, 5, 20)
D25, D12 = Decimal(25), Decimal(12)


def sek(amount: str | int) -> Money:
    return Money.of(amount, "SEK")


def eur(amount: str | int) -> Money:
    return Money.of(amount, "EUR")


def _account(number: str, kind: Any = "Asset", **more: Any) -> Account:
    return Account(number, f"Account {number}", kind, **more)


CHART = Chart(
    read_at=NOON,
    accounts={
        one.number: one
        for one in (
            _account("1583", cash_account=True, currency="SEK"),
            _account("1584", cash_account=True, currency="EUR"),
            _account("1930", cash_account=True, currency="SEK"),
            _account("1610"),
            _account("1690"),
            _account("1790"),
            _account("1510", control="AR"),
            _account("2611", "Liability"),
            _account("2621", "Liability"),
            _account("2990", "Liability"),
            _account("2999", "Liability"),
            _account("3001", "Income"),
            _account("3002", "Income"),
            _account("6570", "Expense"),
            _account("6575", "Expense"),
            _account("6590", "Expense"),
            _account("7960", "Expense"),
        )
    },
    cash_accounts={
        "STSEK": CashAccount("STSEK", "1583", "SEK"),
        "STEUR": CashAccount("STEUR", "1584", "EUR"),
        "BANK": CashAccount("BANK", "1930", "SEK"),
    },
    vat_ids={
        "S25": VatId("S25", "Output 25", "Vat", ((date(2020, 1, 1), D25),), ("25",), ("SE",), "2611"),
        "S12": VatId("S12", "Output 12", "Vat", ((date(2020, 1, 1), D12),), ("12",), ("SE",), "2621"),
        "EX": VatId("EX", "Export", "Vat", ((date(2020, 1, 1), Decimal(0)),), ("0",), ("EX",), "2611"),
        "RC": VatId("RC", "Reverse", "ReverseVat", ((date(2020, 1, 1), D25),), ("RC",), ("EU",), "2611", reverse=True),
    },
    vat_codes={"25": True, "12": True, "0": True, "RC": True},
    vat_zones=("SE", "EU", "EX"),
    periods=tuple(Period(f"2026{month:02d}", date(2026, month, 1), active=True) for month in range(1, 13)),
    branches={"1": Branch("1", "Main", main=True)},
    ledgers={"1": Ledger("1", "Actual", "Actual", "SEK")},
    currencies={"SEK": CurrencyUse("SEK", base=True, precision=2), "EUR": CurrencyUse("EUR", base=False, precision=2)},
    payment_methods={"STRIPE": True, "BANK": True},
)

RULES = (
    Rule("clearing", ("clearing",), When(currency=("SEK",)), cash_account="STSEK", payment_method="STRIPE"),
    Rule("clearing-eur", ("clearing",), When(currency=("EUR",)), cash_account="STEUR", payment_method="STRIPE"),
    Rule("bank", ("bank",), When(currency=("SEK",)), cash_account="BANK"),
    Rule("transit", ("transit",), account="1790"),
    Rule("currency", ("currency_difference",), account="7960"),
    Rule("fee", ("fee",), account="6570"),
    Rule("settlement", ("fee_settlement",), account="2990"),
    Rule("dispute-fee", ("dispute_fee",), account="6575"),
    Rule("dispute-loss", ("dispute_loss",), account="6590"),
    Rule("dispute", ("dispute_receivable",), account="1690"),
    Rule("reserve", ("reserve",), account="1610"),
    Rule("suspense", ("suspense",), account="2999"),
)
BOOK = Rulebook(1, date(2026, 1, 1), RULES)
TERMS = Terms(code="st", time_zone="Europe/Stockholm", fee_vat="exempt", collect_methods=("STRIPE",))


def book(*rules: Rule) -> Rulebook:
    """The rulebook with other rules before its own."""
    return Rulebook(1, date(2026, 1, 1), (*rules, *RULES))


# ---------------------------------------------------------------------------------------------- the ledger


def line(net: str, code: str = "25", *, number: int = 1, text: str = "Work", account: str = "3001") -> LedgerLine:
    return LedgerLine(number, text, sek(net), account, code, ((1, "10"),))


def tax(base: str, vat: str, rate: Decimal = D25, *, id: str = "S25") -> LedgerTax:
    return LedgerTax(id, rate, sek(base), sek(vat))


def bill(total: str = "1250", *, number: str = "10042", **more: Any) -> LedgerInvoice:
    """An open invoice of the ledger: 1,000.00 and 25 % VAT, to be paid by Stripe."""
    net = Money(sek(total).minor * 4 // 5, "SEK")
    vat = sek(total) - net
    given: dict[str, Any] = {
        "kind": "invoice", "number": number, "state": "open", "customer": "10001", "currency": "SEK", "day": DAY,
        "due_on": date(2026, 6, 19), "lines": (LedgerLine(1, "Work", net, "3001", "25", ((1, "10"),)),),
        "total": sek(total), "balance": sek(total), "vat_total": vat, "updated_at": NOON,
        "taxes": (LedgerTax("S25", D25, net, vat),), "customer_name": "Kund AB", "payment_method": "STRIPE",
    }  # fmt: skip
    return LedgerInvoice(**{**given, **more})


def note(total: str = "250", *applied: LedgerApplication, number: str = "CN7", **more: Any) -> LedgerInvoice:
    """A released credit note of people, put against these documents."""
    made = bill(total, number=number, kind="credit_note", balance=sek(0), state="closed", due_on=None)
    return replace(made, applications=applied, **more)


def on(number: str = "10042", amount: str = "1250", *, document: str = "Invoice") -> LedgerApplication:
    return LedgerApplication(document, number, sek(amount))


def money(amount: str = "1250", *applied: LedgerApplication, number: str = "P1", **more: Any) -> LedgerPayment:
    """A bank payment of people."""
    given: dict[str, Any] = {
        "kind": "payment", "number": number, "state": "closed", "customer": "10001", "currency": "SEK", "day": DAY,
        "amount": sek(amount), "updated_at": NOON, "cash_account": "BANK", "method": "BANK", "reference": "bank 1",
        "applications": applied or (on(),),
    }  # fmt: skip
    return LedgerPayment(**{**given, **more})


def kund(**more: Any) -> Party:
    given: dict[str, Any] = {
        "id": "10001", "role": "customer", "name": "Kund AB", "active": True, "email": "faktura@kund.example",
        "org_number": "556000-0001", "vat_number": "SE556000000101", "is_company": True,
    }  # fmt: skip
    return Party(**{**given, **more})


def payer(number: str = "cus_1", *, by: str = "customer number", **facts: str) -> Found:
    return Found(number, "Kund AB", facts={"by": by, "email": "faktura@kund.example", **facts})


def sent(status: str = "open", *, remaining: str = "1250", paid: str = "0", total: str = "1250") -> Found:
    """How the invoice stands in Stripe."""
    minor = {"remaining": remaining, "paid": paid, "total": total}
    return Found("in_1", "10042", status, facts={name: str(sek(value).minor) for name, value in minor.items()})


# ---------------------------------------------------------------------------------------------- Stripe


def charge(amount: str = "1250", *, id: str = "ch_1", currency: str = "SEK", **more: Any) -> Capture:
    """A charge that succeeded and pays no invoice."""
    worth = Money.of(amount, currency)
    given: dict[str, Any] = {
        "id": id, "state": "completed", "means": "card", "amount": worth, "tip": Money.zero(currency), "total": worth,
        "location": None, "order_id": None, "customer_id": "cus_1", "occurred_at": NOON, "updated_at": NOON,
        "intent_id": "pi_1", "movement_id": "txn_1", "settles": (),
    }  # fmt: skip
    return Capture(**{**given, **more})


SETTLES = (("inpay_1", "in_1"),)


def row(amount: str = "1250", *, id: str = "inpay_1", currency: str = "SEK", **more: Any) -> InvoicePayment:
    given: dict[str, Any] = {
        "id": id, "invoice_id": "in_1", "state": "paid", "origin": "processor", "amount": Money.of(amount, currency),
        "created_at": NOON, "paid_at": NOON, "intent_id": "pi_1",
    }  # fmt: skip
    return InvoicePayment(**{**given, **more})


def collected(amount: str = "1250", *, currency: str = "SEK", **more: Any) -> Invoice:
    """The invoice in Stripe that we sent."""
    worth = Money.of(amount, currency)
    given: dict[str, Any] = {
        "id": "in_1", "number": "10042", "state": "paid", "order_id": None, "location": None, "customer_id": "cus_1",
        "currency": currency, "requested": worth, "completed": worth, "due_on": date(2026, 6, 19), "published_at": NOON,
        "scheduled_at": None, "created_at": NOON, "updated_at": NOON, "due": Money.zero(currency),
        "marks": {"visma_invoice_no": "10042", "visma_customer_no": "10001"},
    }  # fmt: skip
    return Invoice(**{**given, **more})


def refund(amount: str = "250", *, id: str = "re_1", currency: str = "SEK", **more: Any) -> Refund:
    given: dict[str, Any] = {
        "id": id, "state": "completed", "amount": Money.of(amount, currency), "payment_id": "ch_1",
        "return_order_id": None, "location": None, "means": None, "occurred_at": NOON, "updated_at": NOON,
        "intent_id": "pi_1",
    }  # fmt: skip
    return Refund(**{**given, **more})


def moved(
    category: str, amount: str, fee: str = "0", *, id: str = "txn_1", currency: str = "SEK", **more: Any
) -> Movement:
    """A balance transaction."""
    from ml_connector.connectors.stripe.movements import ROLES

    given: dict[str, Any] = {
        "id": id, "transaction_id": id, "code": category, "role": ROLES.get(category, "other"), "state": "completed",
        "amount": Money.of(amount, currency), "fee": -Money.of(fee, currency), "occurred_at": NOON, "updated_at": NOON,
        "reference_id": "ch_1", "reference_type": "transaction",
    }  # fmt: skip
    return Movement(**{**given, **more})


def dispute(status: str = "needs_response", *moves: DisputeMovement, amount: str = "1250", **more: Any) -> Dispute:
    state = {"won": "won", "lost": "lost"}.get(status, "open")
    given: dict[str, Any] = {
        "id": "dp_1", "state": state, "amount": sek(amount), "payment_id": "ch_1", "reason": "fraudulent",
        "due_at": datetime(2026, 6, 1, tzinfo=UTC), "updated_at": NOON, "opened_at": NOON, "outcome": status,
        "stage": "chargeback", "payment_ids": ("ch_1",), "movements": moves,
    }  # fmt: skip
    return Dispute(**{**given, **more})


def taken(amount: str = "1250", fee: str = "150", *, id: str = "txn_d1", currency: str = "SEK") -> DisputeMovement:
    return DisputeMovement(-Money.of(amount, currency), "dispute", NOON, id=id, fee=Money.of(fee, currency))


def given_back(amount: str = "1250", fee: str = "0", *, id: str = "txn_d2") -> DisputeMovement:
    return DisputeMovement(sek(amount), "dispute_reversal", NOON, id=id, fee=sek(fee))


def payout(amount: str = "1000", *entries: PayoutEntry, **more: Any) -> Payout:
    given: dict[str, Any] = {
        "id": "po_1", "state": "paid", "amount": sek(amount), "location": None, "destination": "bank_account",
        "itemized": bool(entries), "entries": entries, "arrives_on": date(2026, 5, 22), "created_at": NOON,
        "updated_at": NOON,
    }  # fmt: skip
    return Payout(**{**given, **more})


def entry(category: str, amount: str, fee: str = "0", *, id: str = "txn_1") -> PayoutEntry:
    return PayoutEntry(id, category, sek(amount), sek(fee), sek(amount) - sek(fee), NOON)


def converted(amount: str, fee: str, rate: str) -> Converted:
    return Converted(sek(amount), Decimal(rate), sek(fee))


# ---------------------------------------------------------------------------------------------- asking


KINDS: Mapping[type, str] = {
    Capture: "charge", InvoicePayment: "invoice_payment", Invoice: "invoice", Refund: "refund", Movement:
    "balance_transaction", Dispute: "dispute", Payout: "payout", Party: "customer",
}  # fmt: skip


class World:
    """What is known around a record, and the answers that look-ups give by kind."""

    def __init__(
        self,
        flow: Flow,
        *documents: Document,
        found: Mapping[str, Sequence[Found]] | None = None,
        terms: Terms = TERMS,
        rulebook: Rulebook = BOOK,
        decisions: Mapping[str, str] | None = None,
        posted: Mapping[str, Content] | None = None,
        siblings: Mapping[str, tuple[Any, ...]] | None = None,
    ) -> None:
        self.flow, self.documents, self.found = flow, documents, found or {}
        self.terms, self.rulebook = terms, rulebook
        self.decisions, self.posted = dict(decisions or {}), dict(posted or {})
        self.siblings = siblings or {}

    def related(self, document: Document) -> Related:
        answers: dict[str, Any] = {}
        for _ in range(9):
            known = Related(answers, self.decisions, self.posted, self.rulebook)
            missing = [need for need in self.flow.needs(document, known, self.terms) if need.name not in answers]
            answered = {need.name: answer for need in missing if (answer := self._answer(need)) is not None}
            if not answered:
                return known
            answers = {**answers, **answered}
        raise AssertionError("needs do not end")

    def _answer(self, need: Need) -> Any:
        if need.system == "target":
            return tuple(self.found.get(need.kind, ()))
        if need.system != "source":
            return self.siblings.get(need.kind, ())
        kin = [one for one in self.documents if KINDS.get(type(one)) == need.kind]
        if need.id is not None:
            there = tuple(one for one in kin if getattr(one, "id", "") == need.id)
        else:
            there = tuple(one for one in kin if need.link in self.flow.links(one))
        return there or (() if need.optional else None)

    def verdict(self, document: Document) -> Verdict:
        return self.flow.plan(document, self.related(document), terms=self.terms, rulebook=self.rulebook, chart=CHART)

    def writes(self, document: Document) -> list[PlannedWrite]:
        """The writes of a plan that nothing speaks against."""
        made = self.verdict(document)
        assert isinstance(made, Plan), made
        assert [finding for finding in validate(made, CHART, self.terms) if finding.blocks] == []
        return list(made.writes)

    def findings(self, document: Document) -> set[str]:
        made = self.verdict(document)
        assert isinstance(made, Hold), made
        return {finding.code for finding in made.findings}

    def post(self, document: Document) -> list[PlannedWrite]:
        """The plan, taken as posted."""
        made = self.writes(document)
        self.posted |= {write.key: write.content for write in made}
        return made


def journal(writes: Sequence[PlannedWrite], key: str) -> dict[str, str]:
    """A journal as {account: signed amount}."""
    (content,) = [write.content for write in writes if write.key == key]
    assert isinstance(content, JournalEntry), content
    sums: dict[str, Money] = {}
    for posting in content.postings:
        sums[posting.account] = sums.get(posting.account, Money.zero(content.currency)) + posting.amount
    return {account: str(amount.decimal()) for account, amount in sums.items()}


def cash(writes: Sequence[PlannedWrite], key: str) -> CustomerPayment:
    (content,) = [write.content for write in writes if write.key == key]
    assert isinstance(content, CustomerPayment), content
    return content


def by_kind(writes: Sequence[PlannedWrite]) -> dict[str, str]:
    return {write.key: write.kind for write in writes}
