"""A small company and a Square shop with readable defaults, and a way to ask the flow what it would book."""

# ruff: noqa: A002 - builders take the documents' own field names

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ml_connector.finance.chart import (
    Account,
    Branch,
    CashAccount,
    Chart,
    CurrencyUse,
    Ledger,
    Period,
    Segment,
    VatId,
)
from ml_connector.finance.documents import (
    Article,
    Capture,
    Dispute,
    Document,
    Invoice,
    Location,
    Party,
    Payout,
    PayoutEntry,
    Publication,
    Refund,
    Sale,
    SaleLine,
    SaleReturn,
    Succession,
    TaxShare,
    Tender,
)
from ml_connector.finance.invoices import CustomerInvoice, CustomerPayment, PartyCard, Ref
from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Elsewhere, Found, Hold, Need, Plan, PlannedWrite, Related, Verdict
from ml_connector.finance.rulebook import LocationTerms, Rule, Rulebook, Terms, When
from ml_connector.flows.square_to_visma import FLOW
from ml_connector.rules.validation import validate

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
OSLO = "L-OSLO"
D25, D12 = Decimal(25), Decimal(12)


def eur(amount: str | int) -> Money:
    return Money.of(amount, "EUR")


def account(number: str, kind: Any = "Asset", **more: Any) -> Account:
    return Account(number, f"Account {number}", kind, **more)


CHART = Chart(
    read_at=NOON,
    accounts={
        one.number: one
        for one in (
            account("1580", cash_account=True, currency="EUR"),
            account("1930", cash_account=True, currency="EUR"),
            account("1910", cash_account=True, currency="EUR"),
            account("1585", cash_account=True, currency="EUR"),
            account("1935", cash_account=True, currency="EUR"),
            account("1610"),
            account("1690"),
            account("1790"),
            account("1510", control="AR"),
            account("2421", "Liability"),
            account("2611", "Liability"),
            account("2621", "Liability"),
            account("2890", "Liability"),
            account("2990", "Liability"),
            account("2999", "Liability"),
            account("3010", "Income"),
            account("3020", "Income"),
            account("3030", "Income"),
            account("3740", "Income"),
            account("6570", "Expense"),
            account("6575", "Expense"),
            account("6590", "Expense"),
            account("6595", "Expense"),
            account("9999", "Expense", active=False),
        )
    },
    cash_accounts={
        "SQEUR": CashAccount("SQEUR", "1580", "EUR"),
        "BANK": CashAccount("BANK", "1930", "EUR"),
        "TILL": CashAccount("TILL", "1910", "EUR", dimensions=((1, "OSLO"),)),
        "EXTEUR": CashAccount("EXTEUR", "1585", "EUR"),
        "CARDEUR": CashAccount("CARDEUR", "1935", "EUR"),
    },
    segments={1: Segment(1, "Place", {"OSLO": True, "BERGEN": True, "OLD": False})},
    vat_ids={
        "U25": VatId("U25", "Output 25", "Vat", ((date(2020, 1, 1), D25),), ("V25",), ("01",), "2611"),
        "U12": VatId("U12", "Output 12", "Vat", ((date(2020, 1, 1), D12),), ("V12",), ("01",), "2621"),
    },
    vat_codes={"V25": True, "V12": True, "V0": True, "OLD": False},
    vat_zones=("01",),
    periods=tuple(Period(f"2026{month:02d}", date(2026, month, 1), active=True) for month in range(1, 13)),
    branches={"1": Branch("1", "Main", main=True), "7": Branch("7", "Ireland")},
    ledgers={"1": Ledger("1", "Actual", "Actual", "EUR"), "B": Ledger("B", "Budget", "Budget", "EUR")},
    currencies={"EUR": CurrencyUse("EUR", base=True, precision=2)},
    payment_methods={"SQ": True, "CASH": True, "OLD": False},
)

RULES = (
    Rule("clearing", ("clearing",), When(currency=("EUR",)), cash_account="SQEUR", payment_method="SQ"),
    Rule("bank-card", ("bank",), When(method=("card",)), cash_account="CARDEUR"),
    Rule("bank", ("bank",), When(currency=("EUR",)), cash_account="BANK"),
    Rule("till", ("till",), cash_account="TILL", payment_method="CASH"),
    Rule("external", ("external",), When(method=("external",)), cash_account="EXTEUR", payment_method="SQ"),
    Rule("oslo", ("sales", "tips", "fee"), When(location=(OSLO,)), dimensions=((1, "OSLO"),)),
    Rule("sales-25", ("sales",), When(vat_rate=(D25,)), account="3010", vat_code="V25"),
    Rule("sales-12", ("sales",), When(vat_rate=(D12,)), account="3020", vat_code="V12"),
    Rule("sales-0", ("sales",), When(vat_rate=(Decimal(0),)), account="3030"),
    Rule("vat-25", ("vat",), When(vat_rate=(D25,)), vat_id="U25"),
    Rule("vat-12", ("vat",), When(vat_rate=(D12,)), vat_id="U12"),
    Rule("no-vat", ("no_vat",), vat_code="V0"),
    Rule("tips", ("tips",), account="2890"),
    Rule("gift", ("gift_cards",), account="2421"),
    Rule("rounding", ("rounding",), account="3740"),
    Rule("fee", ("fee",), account="6570"),
    Rule("dispute-fee", ("dispute_fee",), account="6575"),
    Rule("dispute-loss", ("dispute_loss",), account="6590"),
    Rule("dispute", ("dispute_receivable",), account="1690"),
    Rule("settlement", ("fee_settlement",), account="2990"),
    Rule("reserve", ("reserve",), account="1610"),
    Rule("transit", ("transit",), account="1790"),
    Rule("suspense", ("suspense",), account="2999"),
    Rule("app-fee", ("payout_adjustment",), When(type=("APP_FEE_REVENUE",)), account="6595"),
)
RULEBOOK = Rulebook(1, date(2026, 1, 1), RULES)
TERMS = Terms(
    code="sq",
    time_zone="Europe/Dublin",
    locations={OSLO: LocationTerms(time_zone="Europe/Dublin", name="Oslo")},
    gift_cards="multi",
    gratuity_taxed=True,
    fee_vat="exempt",
    tolerance_minor=2,
)


def line(net: str, tax: str = "0", *, rate: Decimal | None = D25, kind: Any = "goods", **more: Any) -> SaleLine:
    taxes = (TaxShare(rate, eur(tax)),) if Decimal(tax) else ()
    return SaleLine(more.pop("uid", "u1"), more.pop("name", "Coffee"), eur(net), taxes, kind=kind, **more)


def tender(payment_id: str, amount: str, *, tip: str = "0", means: str = "card") -> Tender:
    return Tender(payment_id, means, eur(amount), eur(tip), NOON)


def sale(
    *lines: SaleLine,
    id: str = "O1",
    tenders: tuple[Tender, ...] | None = None,
    tip: str = "0",
    rounding: str = "0",
    **more: Any,
) -> Sale:
    """An order, paid by one card payment P1 unless told otherwise. Lines default to 100.00 + 25.00 VAT."""
    lines = lines or (line("100", "25"),)
    total = sum(one.gross.minor for one in lines) + eur(tip).minor + eur(rounding).minor
    if tenders is None:
        tenders = (Tender("P1", "card", Money(total, "EUR"), eur(tip), NOON),)
    given: dict[str, Any] = {
        "id": id, "state": "completed", "currency": "EUR", "location": OSLO, "lines": lines, "tenders": tenders,
        "tip": eur(tip), "rounding": eur(rounding), "total": Money(total, "EUR"),
        "created_at": NOON, "updated_at": NOON, "closed_at": NOON,
    }  # fmt: skip
    return Sale(**{**given, **more})


def back(
    *lines: SaleLine, sale_id: str | None = "O1", tip: str = "0", rounding: str = "0", itemized: bool = True
) -> SaleReturn:
    return SaleReturn(sale_id, lines, eur(tip), eur(rounding), itemized)


def return_order(*returns: SaleReturn, id: str = "R-O1", **more: Any) -> Sale:
    """The order that holds returned lines and nothing else."""
    return replace(sale(id=id), lines=(), tenders=(), returns=returns, total=eur(0), **more)


def capture(amount: str = "125", *, id: str = "P1", tip: str = "0", means: str = "card", **more: Any) -> Capture:
    given: dict[str, Any] = {
        "id": id, "state": "completed", "means": means, "amount": eur(amount), "tip": eur(tip),
        "total": eur(amount) + eur(tip), "location": OSLO, "order_id": "O1", "customer_id": None,
        "occurred_at": NOON, "updated_at": NOON,
    }  # fmt: skip
    return Capture(**{**given, **more})


def refund(amount: str, *, id: str = "RF1", **more: Any) -> Refund:
    given: dict[str, Any] = {
        "id": id,
        "state": "completed",
        "amount": eur(amount),
        "payment_id": "P1",
        "return_order_id": None,
        "location": OSLO,
        "means": None,
        "occurred_at": NOON + timedelta(hours=1),
        "updated_at": NOON + timedelta(hours=1),
    }
    return Refund(**{**given, **more})


def entry(type: str, gross: str, fee: str = "0", *, id: str = "E1", **more: Any) -> PayoutEntry:
    return PayoutEntry(id, type, eur(gross), eur(fee), eur(gross) - eur(fee), **more)


def payout(*entries: PayoutEntry, id: str = "PO1", amount: str | None = None, **more: Any) -> Payout:
    total = eur(amount) if amount is not None else Money(sum(one.net.minor for one in entries), "EUR")
    given: dict[str, Any] = {
        "id": id,
        "state": "paid",
        "amount": total,
        "location": OSLO,
        "destination": "bank_account",
        "itemized": bool(entries),
        "entries": entries,
        "arrives_on": date(2026, 3, 12),
        "created_at": NOON,
        "updated_at": NOON,
    }
    return Payout(**{**given, **more})


def invoice(requested: str = "125", *, id: str = "I1", **more: Any) -> Invoice:
    given: dict[str, Any] = {
        "id": id,
        "number": "000007",
        "state": "open",
        "order_id": "O1",
        "location": OSLO,
        "customer_id": "C1",
        "currency": "EUR",
        "requested": eur(requested),
        "completed": eur(0),
        "due_on": date(2026, 4, 9),
        "published_at": NOON - timedelta(days=1),
        "scheduled_at": None,
        "created_at": NOON - timedelta(days=2),
        "updated_at": NOON,
    }
    return Invoice(**{**given, **more})


def customer(id: str = "C1", **more: Any) -> Party:
    given: dict[str, Any] = {
        "id": id,
        "role": "customer",
        "name": "Harbour Café Ltd",
        "active": True,
        "is_company": True,
    }
    return Party(**{**given, **more})


def vendor(id: str = "V1", **more: Any) -> Party:
    return Party(**{"id": id, "role": "supplier", "name": "Roastery Ltd", "active": True, **more})


def dispute(state: Any = "open", **more: Any) -> Dispute:
    given: dict[str, Any] = {
        "id": "DP1",
        "state": state,
        "amount": eur("1250"),
        "payment_id": "P1",
        "reason": "fraud",
        "due_at": None,
        "updated_at": NOON,
    }
    return Dispute(**{**given, **more})


def place(id: str = "L-NEW", **more: Any) -> Location:
    given: dict[str, Any] = {
        "id": id,
        "name": "Cork",
        "active": True,
        "time_zone": "Europe/Dublin",
        "currency": "EUR",
        "country": "IE",
    }
    return Location(**{**given, **more})


_KINDS = {
    Capture: "payment",
    Refund: "refund",
    Invoice: "invoice",
    Payout: "payout",
    Dispute: "dispute",
    Sale: "order",
    Location: "location",
    Article: "article",
    Publication: "publication",
    Succession: "succession",
}


class Shop:
    """What is stored around a record: answers the flow's needs as the engine would, and remembers decisions."""

    def __init__(
        self,
        *documents: Document,
        found: Mapping[str, Found] | None = None,
        decisions: Mapping[str, str] | None = None,
        posted: Mapping[str, Any] | None = None,
        terms: Terms = TERMS,
        rulebook: Rulebook = RULEBOOK,
        chart: Chart = CHART,
        siblings: Mapping[str, tuple[Elsewhere, ...]] | None = None,
    ) -> None:
        """`found`: parties of the ledger by one of the look-up's values. `siblings`: what other connections made of the
        same events, by need name.
        """
        self.siblings = dict(siblings or {})
        self.documents = documents
        self.found = dict(found or {})
        self.decisions = dict(decisions or {})
        self.posted = dict(posted or {})
        self.terms, self.rulebook, self.chart = terms, rulebook, chart

    def related(self, document: Document) -> Related:
        """Everything the flow asks for, asked again until nothing new is wanted."""
        answers: dict[str, Any] = {}
        for _ in range(6):
            related = Related(answers, self.decisions, self.posted)
            wanted = [need for need in FLOW.needs(document, related, self.terms) if need.name not in answers]
            if not wanted:
                return related
            for need in wanted:
                found = self.answer(need)
                if found or need.optional or need.system in {"sibling", "kept", "own"}:
                    answers[need.name] = found
        return Related(answers, self.decisions, self.posted)

    def answer(self, need: Need) -> tuple[Any, ...]:
        if need.system == "sibling":
            return self.siblings.get(need.name, ())
        if need.system == "own":
            prefix = dict(need.fields)["prefix"]
            return tuple(Elsewhere("", "done", "", {k: v}) for k, v in self.posted.items() if k.startswith(prefix))
        if need.system == "target":
            return tuple(self.found[value] for _, value in need.fields if value in self.found)
        kin = [one for one in self.documents if _kind(one) == need.kind]
        if need.link is not None:
            return tuple(one for one in kin if need.link in FLOW.links(one))
        return tuple(one for one in kin if getattr(one, "id", None) == need.id)

    def verdict(self, document: Document) -> Verdict:
        related = self.related(document)
        return FLOW.plan(document, related, terms=self.terms, rulebook=self.rulebook, chart=self.chart)

    def plan(self, document: Document) -> Plan:
        verdict = self.verdict(document)
        assert isinstance(verdict, Plan), verdict
        assert validate(verdict, self.chart, self.terms) == ()
        return verdict

    def holds(self, document: Document) -> list[str]:
        verdict = self.verdict(document)
        assert isinstance(verdict, Hold), verdict
        return [finding.code for finding in verdict.findings]


def _kind(document: Document) -> str:
    return document.role if isinstance(document, Party) else _KINDS[type(document)]


def readable(write: PlannedWrite) -> str:
    """A write as a bookkeeper would jot it down, one line a posting."""
    content = write.content
    if isinstance(content, JournalEntry):
        lines = [f"{write.key} {content.day}"]
        for one in content.postings:
            side = "Dr" if one.amount.minor > 0 else "Cr"
            dims = "".join(f" {value}" for _, value in one.dimensions)
            vat = f" {one.vat_id or one.vat_code}" if one.vat_id or one.vat_code else ""
            lines.append(f"{side} {one.account} {one.role}{dims}{vat} {abs(one.amount).decimal()}")
        return "\n".join(lines)
    if isinstance(content, CustomerInvoice):
        rows = [f"{one.account} {one.role} {one.vat_code} {one.net.decimal()}" for one in content.lines]
        head = f"{write.key} {content.day} {content.kind} to {_number(content.customer)}"
        applied = [f"applied to {_number(content.applies_to)}"] if content.applies_to else []
        return "\n".join([head, *rows, f"VAT {content.vat_total.decimal()} total {content.total.decimal()}", *applied])
    if isinstance(content, CustomerPayment):
        head = f"{write.key} {content.day} {content.kind} {content.amount.decimal()} of {_number(content.customer)}"
        rows = [f"{one.document} {_number(one.number)} {one.amount.decimal()}" for one in content.applications]
        return "\n".join([f"{head} on {content.cash_account} {content.method}", *rows])
    if isinstance(content, PartyCard):
        return f"{write.key} {content.kind} {content.name} {content.status}"
    return f"{write.key} {write.kind}"


def _number(number: Any) -> str:
    return f"<{number.key}>" if isinstance(number, Ref) else str(number)


def journal(*lines: str) -> str:
    return "\n".join(lines)
