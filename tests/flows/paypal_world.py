"""A small company and a PayPal account with readable defaults, and a way to ask the flow what it would book."""

# ruff: noqa: A002 - builders take the documents' own field names

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ml_connector.connectors.paypal.codes import role_of
from ml_connector.finance.chart import Account, CashAccount, Chart, CurrencyUse, Ledger, Period, VatId
from ml_connector.finance.documents import (
    Address,
    Capture,
    Dispute,
    Document,
    Invoice,
    InvoiceRow,
    Movement,
    Party,
    Refund,
    SaleLine,
    TaxShare,
)
from ml_connector.finance.invoices import CustomerInvoice, CustomerPayment
from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Elsewhere, Found, Hold, Need, Plan, PlannedWrite, Related, Verdict
from ml_connector.finance.rulebook import Rule, Rulebook, Terms, When
from ml_connector.flows.paypal_needs import credit_note
from ml_connector.flows.paypal_to_visma import FLOW
from ml_connector.rules.validation import validate

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
D25, D12 = Decimal(25), Decimal(12)


def sek(amount: str | int) -> Money:
    return Money.of(amount, "SEK")


def _accounts() -> dict[str, Account]:
    def one(number: str, kind: Any = "Asset", **more: Any) -> Account:
        return Account(number, f"Account {number}", kind, **more)

    made = (
        one("1581", cash_account=True, currency="SEK"),
        one("1582", cash_account=True, currency="EUR"),
        one("1930", cash_account=True, currency="SEK"),
        one("1510", control="AR"),
        *(one(number) for number in ("1610", "1690", "1790")),
        *(one(number, "Liability") for number in ("2611", "2621", "2990", "2999")),
        *(one(number, "Income") for number in ("3010", "3020", "3030", "3740", "3990")),
        *(one(number, "Expense") for number in ("6570", "6575", "6590", "6595", "7960")),
    )
    return {account.number: account for account in made}


CHART = Chart(
    read_at=NOON,
    accounts=_accounts(),
    cash_accounts={
        "PPSEK": CashAccount("PPSEK", "1581", "SEK"),
        "PPEUR": CashAccount("PPEUR", "1582", "EUR"),
        "BANK": CashAccount("BANK", "1930", "SEK"),
    },
    vat_ids={
        "U25": VatId("U25", "Output 25", "Vat", ((date(2020, 1, 1), D25),), ("V25",), ("01",), "2611"),
        "U12": VatId("U12", "Output 12", "Vat", ((date(2020, 1, 1), D12),), ("V12",), ("01",), "2621"),
    },
    vat_codes={"V25": True, "V12": True, "V0": True},
    vat_zones=("01",),
    periods=tuple(Period(f"2026{month:02d}", date(2026, month, 1), active=True) for month in range(1, 13)),
    ledgers={"1": Ledger("1", "Actual", "Actual", "SEK")},
    currencies={"SEK": CurrencyUse("SEK", base=True, precision=2), "EUR": CurrencyUse("EUR", base=False, precision=2)},
    payment_methods={"PP": True},
)

RULES = (
    Rule("clearing-sek", ("clearing",), When(currency=("SEK",)), cash_account="PPSEK", payment_method="PP"),
    Rule("clearing-eur", ("clearing",), When(currency=("EUR",)), cash_account="PPEUR", payment_method="PP"),
    Rule("bank", ("bank",), When(currency=("SEK",)), cash_account="BANK"),
    Rule("sales-25", ("sales",), When(vat_rate=(D25,)), account="3010", vat_code="V25"),
    Rule("sales-12", ("sales",), When(vat_rate=(D12,)), account="3020", vat_code="V12"),
    Rule("sales-0", ("sales",), When(vat_rate=(Decimal(0),)), account="3030"),
    Rule("no-vat", ("no_vat",), vat_code="V0"),
    Rule("fee", ("fee",), account="6570"),
    Rule("settlement", ("fee_settlement",), account="2990"),
    Rule("reserve", ("reserve",), account="1610"),
    Rule("dispute", ("dispute_receivable",), account="1690"),
    Rule("dispute-fee", ("dispute_fee",), account="6575"),
    Rule("dispute-loss", ("dispute_loss",), account="6590"),
    Rule("transit", ("transit",), account="1790"),
    Rule("suspense", ("suspense",), account="2999"),
    Rule("currency", ("currency_difference",), account="7960"),
    Rule("bonus", ("payout_adjustment",), When(type=("T0800",)), account="3990"),
)
ANONYMOUS = Rule("anonymous", ("sales",), When(type=("capture",)), account="3010", vat_code="V25")
TERMS = Terms(code="pp", time_zone="Europe/Stockholm", fee_vat="exempt")


def book(*first: Rule) -> Rulebook:
    """The usual rules, after these."""
    return Rulebook(1, date(2026, 1, 1), (*first, *RULES))


def row(
    code: str, amount: str, *, id: str = "TX1", fee: str | None = None, currency: str = "SEK", **more: Any
) -> Movement:
    """One row of the report, with the role the connector gives its event code."""
    worth = Money.of(amount, currency)
    sign = "-" if worth.minor < 0 else "+"
    given: dict[str, Any] = {
        "id": f"{id}:{code}:{currency}{sign}", "transaction_id": id, "code": code,
        "role": role_of(code, minor=worth.minor), "state": "completed", "amount": worth,
        "fee": None if fee is None else Money.of(fee, currency), "occurred_at": NOON, "updated_at": NOON, "status": "S",
    }  # fmt: skip
    if more.get("reference_id"):
        given["reference_type"] = "transaction"
    return Movement(**{**given, **more})


def sale_row(amount: str = "1000", fee: str | None = "-32.90", *, id: str = "CAP1", **more: Any) -> Movement:
    return row("T0006", amount, id=id, fee=fee, **more)


def refund_row(amount: str = "-250", *, id: str = "REF1", of: str | None = "CAP1", **more: Any) -> Movement:
    return row("T1107", amount, id=id, **{"reference_id": of, "occurred_at": NOON + HOUR, **more})


def capture(amount: str = "1000", *, id: str = "CAP1", fee: str | None = "32.90", **more: Any) -> Capture:
    given: dict[str, Any] = {
        "id": id, "state": "completed", "means": "wallet", "amount": sek(amount), "tip": sek(0), "total": sek(amount),
        "location": None, "order_id": None, "customer_id": None, "occurred_at": NOON, "updated_at": NOON,
        "fee": None if fee is None else sek(fee),
    }  # fmt: skip
    return Capture(**{**given, **more})


def refund(amount: str = "250", *, id: str = "REF1", of: str | None = "CAP1", **more: Any) -> Refund:
    given: dict[str, Any] = {
        "id": id, "state": "completed", "amount": sek(amount), "payment_id": of, "return_order_id": None,
        "location": None, "means": None, "occurred_at": NOON + HOUR, "updated_at": NOON + HOUR,
    }  # fmt: skip
    return Refund(**{**given, **more})


def party(name: str = "Kari Nordmann", email: str = "kari@example.com", **more: Any) -> Party:
    return Party(more.pop("id", email), "customer", name, active=True, email=email, **more)


def line(net: str, tax: str = "0", *, rate: Decimal = D25, name: str = "Consulting") -> SaleLine:
    return SaleLine("1", name, sek(net), (TaxShare(rate, sek(tax)),) if Decimal(tax) else ())


def invoice(*lines: SaleLine, id: str = "INV2-1", state: Any = "open", **more: Any) -> Invoice:
    """A PayPal invoice of 800.00 + 200.00 VAT to Kari, unless told otherwise."""
    lines = lines or (line("800", "200"),)
    total = Money(sum(one.gross.minor for one in lines), "SEK")
    given: dict[str, Any] = {
        "id": id, "number": "10042", "state": state, "order_id": None, "location": None, "customer_id": None,
        "currency": "SEK", "requested": total, "completed": sek(0), "due_on": date(2026, 4, 9),
        "published_at": NOON,
        "scheduled_at": None, "created_at": NOON - HOUR, "updated_at": NOON, "lines": lines, "due": total,
        "issued_on": date(2026, 3, 9), "recipient": party(),
    }  # fmt: skip
    return Invoice(**{**given, **more})


def paid_row(amount: str = "1000", *, id: str = "CAP1", origin: Any = "processor") -> InvoiceRow:
    return InvoiceRow(id, origin, "wallet" if origin == "processor" else "bank", sek(amount), date(2026, 3, 10))


def dispute(state: Any = "lost", **more: Any) -> Dispute:
    given: dict[str, Any] = {
        "id": "PP-D-1", "state": state, "amount": sek("1250"), "payment_id": "CAP1", "reason": "FRAUD", "due_at": None,
        "updated_at": NOON + 24 * HOUR, "payment_ids": ("CAP1",),
    }  # fmt: skip
    return Dispute(**{**given, **more})


def credit_notes(*numbers: str, of: str = "pp:inv:INV2-1", amount: str = "250") -> dict[str, tuple[Found, ...]]:
    """What a look-up of open credit notes would answer."""
    asked = credit_note(of, minor=sek(amount).minor, currency="SEK")
    return {asked.name: tuple(Found(number) for number in numbers)}


KARI = {"kari@example.com": Found("10007", "Kari Nordmann")}
NORWAY = Address(country="NO")

_KINDS = {Capture: "capture", Refund: "refund", Invoice: "invoice", Dispute: "dispute", Movement: "transaction"}


class PayPal:
    """What is stored around a record: answers the flow's needs as the engine would, and remembers decisions."""

    def __init__(
        self, *documents: Document,
        found: Mapping[str, Found] | None = None, decisions: Mapping[str, str] | None = None,
        posted: Mapping[str, Any] | None = None,
        known: Mapping[str, Any] | None = None, siblings: Mapping[str, tuple[Elsewhere, ...]] | None = None,
        terms: Terms = TERMS, rulebook: Rulebook | None = None, chart: Chart = CHART,
    ) -> None:  # fmt: skip
        """`found`: parties and credit notes of the ledger by one of the look-up's values."""
        self.documents = documents
        self.found = dict(found or {})
        self.known = dict(known or {})  # answers by need name, whether asked for or not
        self.siblings = dict(siblings or {})  # and what our routes told others, by need name
        self.decisions, self.posted = dict(decisions or {}), dict(posted or {})
        self.terms, self.rulebook, self.chart = terms, rulebook or book(), chart

    def related(self, document: Document) -> tuple[Related, tuple[Need, ...]]:
        """Everything the flow asks for, asked again until nothing new is wanted; and what stays unknown."""
        answers: dict[str, Any] = dict(self.known)
        for _ in range(8):
            related = Related(answers, self.decisions, self.posted)
            missing = tuple(one for one in FLOW.needs(document, related, self.terms) if one.name not in answers)
            news = {
                one.name: found
                for one in missing
                if (found := self.answer(one)) or one.optional or one.system in {"sibling", "own"}
            }
            if not news:
                return related, missing
            answers = {**answers, **news}
        raise AssertionError("the flow asks for ever")

    def answer(self, need: Need) -> tuple[Any, ...]:
        if need.system in {"sibling", "own"}:
            return self.siblings.get(need.name, ())
        if need.system == "target":
            return tuple(self.found[value] for _, value in need.fields if value in self.found)
        kin = [one for one in self.documents if _KINDS[type(one)] == need.kind]
        if need.link is not None:
            assert not need.optional, "a walk over PayPal's records is not served"
            return tuple(one for one in kin if need.link in FLOW.links(one))
        return tuple(one for one in kin if getattr(one, "id", None) == need.id)

    def waits(self, document: Document) -> list[str]:
        """Names of the needs that keep a record waiting."""
        return [need.name for need in self.related(document)[1]]

    def verdict(self, document: Document) -> Verdict:
        related, missing = self.related(document)
        assert not missing, missing
        return FLOW.plan(document, related, terms=self.terms, rulebook=self.rulebook, chart=self.chart)

    def plan(self, document: Document) -> Plan:
        verdict = self.verdict(document)
        assert isinstance(verdict, Plan), verdict
        assert validate(verdict, self.chart, self.terms) == ()
        return verdict

    def writes(self, document: Document) -> tuple[PlannedWrite, ...]:
        return self.plan(document).writes

    def warnings(self, document: Document) -> list[str]:
        return [finding.code for finding in self.plan(document).findings]

    def holds(self, document: Document) -> list[str]:
        verdict = self.verdict(document)
        assert isinstance(verdict, Hold), verdict
        return [finding.code for finding in verdict.findings]


def balances(writes: list[PlannedWrite], chart: Chart = CHART) -> dict[str, int]:
    """What writes leave on each account of the ledger, minor units; receivables on `AR`."""
    found: dict[str, int] = {}

    def add(account: str, minor: int) -> None:
        found[account] = found.get(account, 0) + minor

    for write in {one.key: one for one in writes}.values():
        content = write.content
        if isinstance(content, JournalEntry):
            for posting in content.postings:
                add(posting.account, posting.amount.minor)
        elif isinstance(content, CustomerInvoice):
            sign = -1 if content.kind == "customer_invoice" else 1
            add("AR", -sign * content.total.minor)
            for one in content.lines:
                add(one.account, sign * one.net.minor)
            add("VAT", sign * content.vat_total.minor)
        elif isinstance(content, CustomerPayment):
            sign = 1 if content.kind == "payment" else -1
            add(chart.cash_accounts[content.cash_account].account, sign * content.amount.minor)
            add("AR", -sign * content.amount.minor)
    return found


def later(document: Movement, hours: int) -> Movement:
    return replace(document, occurred_at=document.occurred_at + hours * HOUR)
