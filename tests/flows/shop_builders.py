"""A Norwegian web shop with readable defaults, and a way to ask its flow what it would book."""

# ruff: noqa: A002 - builders take the documents' own field names

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ml_connector.finance.chart import Account, CashAccount, Chart, CurrencyUse, Period, VatId
from ml_connector.finance.documents import (
    Address,
    Article,
    Document,
    Location,
    Party,
    Refund,
    Sale,
    SaleLine,
    SaleReturn,
    StatedRefund,
    TaxShare,
    Tender,
)
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Elsewhere, Found, Hold, Need, Plan, Related, Verdict
from ml_connector.finance.rulebook import Rule, Rulebook, Terms, When
from ml_connector.flows.woocommerce_to_visma import FLOW
from ml_connector.rules.validation import validate

MORNING = datetime(2026, 3, 10, 9, tzinfo=UTC)
D25, D15, D0 = Decimal(25), Decimal(15), Decimal(0)


def nok(amount: str | int) -> Money:
    return Money.of(amount, "NOK")


def account(number: str, kind: Any = "Asset", **more: Any) -> Account:
    return Account(number, f"Account {number}", kind, **more)


_ACCOUNTS = (
    account("1580", cash_account=True),
    account("1581", cash_account=True),
    account("1585", cash_account=True),
    account("1510", control="AR"),
    account("2421", "Liability"),
    account("2701", "Liability"),
    account("2703", "Liability"),
    account("2999", "Liability"),
    account("3000", "Income"),
    account("3015", "Income"),
    account("3040", "Income"),
    account("3050", "Income"),
    account("3100", "Income"),
    account("3740", "Income"),
)
CHART = Chart(
    read_at=MORNING,
    accounts={one.number: one for one in _ACCOUNTS},
    cash_accounts={
        "STRIPE": CashAccount("STRIPE", "1580", "NOK"),
        "VIPPS": CashAccount("VIPPS", "1581", "NOK"),
        "STRIPEJPY": CashAccount("STRIPEJPY", "1585", "JPY"),
    },
    vat_ids={
        "U25": VatId("U25", "Output 25", "Vat", ((date(2020, 1, 1), D25),), ("V25",), ("01",), "2701"),
        "U15": VatId("U15", "Output 15", "Vat", ((date(2020, 1, 1), D15),), ("V15",), ("01",), "2703"),
    },
    vat_codes={"V25": True, "V15": True, "V0": True, "VEX": True},
    vat_zones=("01", "02"),
    periods=tuple(Period(f"2026{month:02d}", date(2026, month, 1), active=True) for month in range(1, 13)),
    currencies={
        "NOK": CurrencyUse("NOK", base=True, precision=2),
        "JPY": CurrencyUse("JPY", base=False, precision=0),
    },
    payment_methods={"STRIPE": True, "VIPPS": True},
)
RULES = (
    Rule("jpy", ("clearing",), When(currency=("JPY",)), cash_account="STRIPEJPY", payment_method="STRIPE"),
    Rule("stripe", ("clearing",), When(method=("stripe",)), cash_account="STRIPE", payment_method="STRIPE"),
    Rule("vipps", ("clearing",), When(method=("vipps",)), cash_account="VIPPS", payment_method="VIPPS"),
    Rule("export", ("sales",), When(vat_rate=(D0,), country=("JP",)), account="3100", vat_code="VEX"),
    Rule("sales-25", ("sales",), When(vat_rate=(D25,)), account="3000", vat_code="V25"),
    Rule("sales-15", ("sales",), When(vat_rate=(D15,)), account="3015", vat_code="V15"),
    Rule("sales-0", ("sales",), When(vat_rate=(D0,)), account="3050"),
    Rule("shipping", ("shipping",), When(vat_rate=(D25,)), account="3040", vat_code="V25"),
    Rule("vat-25", ("vat",), When(vat_rate=(D25,)), vat_id="U25"),
    Rule("vat-15", ("vat",), When(vat_rate=(D15,)), vat_id="U15"),
    Rule("no-vat", ("no_vat",), vat_code="V0"),
    Rule("gift", ("gift_cards",), account="2421"),
    Rule("rounding", ("rounding",), account="3740"),
    Rule("suspense", ("suspense",), account="2999"),
)
RULEBOOK = Rulebook(1, date(2026, 1, 1), RULES)
TERMS = Terms(
    code="wc",
    time_zone="Europe/Oslo",
    gift_cards="multi",
    tolerance_minor=100,
    party_defaults={"customer.vat_zone": "02", "customer.vat_zone.NO": "01"},
    collective_customers={"01:NOK": "90001"},
    gift_card_words=("gavekort",),
)
COLLECTIVE = {"90001": Found("90001", name="Guests", currency="NOK", facts={"vat_zone": "01"})}


def line(net: str, tax: str | None = None, *, rate: Decimal | None = D25, kind: Any = "goods", **more: Any) -> SaleLine:
    """A line; its tax is 25 % of the net unless told otherwise. `tax` "": the shop names no tax at all."""
    amount = nok(net)
    share = Money(amount.minor // 4, "NOK") if tax is None else nok(tax or 0)
    taxes = () if tax == "" else (TaxShare(rate, share),)
    return SaleLine(more.pop("uid", "31"), more.pop("name", "Lue"), amount, taxes, kind=kind, **more)


GOODS = line("400")
SHIPPING = line("40", kind="shipping", uid="35", name="Pakke", article="flat_rate")


def buyer(id: str = "guest-1", **more: Any) -> Party:
    given = {"role": "customer", "name": "Siv Sørensen", "active": True, "email": "siv@example.no"}
    return Party(**{"id": id, "address": Address(country="NO"), **given, **more})


def order(*lines: SaleLine, id: str = "727", paid: bool = True, rounding: str = "0", **more: Any) -> Sale:
    """An order of a guest, paid by Stripe unless told otherwise: goods 400.00, shipping 40.00 and 25 % VAT."""
    lines = lines or (GOODS, SHIPPING)
    currency = lines[0].net.currency
    total = Money(sum(one.gross.minor for one in lines) + Money.of(rounding, currency).minor, currency)
    method = more.get("payment_method", "stripe")
    given: dict[str, Any] = {
        "id": id, "state": "completed", "status": "processing", "currency": currency, "location": None, "lines": lines,
        "tip": Money.zero(currency), "rounding": Money.of(rounding, currency), "total": total,
        "tenders": (), "created_at": MORNING, "updated_at": MORNING, "reference": f"N-{id}",
        "payment_method": method, "transaction_id": "ch_1" if method else "", "buyer": buyer(), "guest": True,
        "country": "NO",
    }  # fmt: skip
    if paid:
        tender = Tender(given["transaction_id"] or f"order-{id}", f"external:{method}", total, Money.zero(currency))
        given |= {"paid_at": MORNING + timedelta(minutes=1), "tenders": (tender,) if total else ()}
    return Sale(**{**given, **more})


def on_hold(sale: Sale | None = None, **more: Any) -> Sale:
    """An order whose money has not come."""
    return replace(sale or order(paid=False), **{"state": "open", "status": "on-hold", **more})


def refund(amount: str, *lines: SaleLine, id: str = "727:731", **more: Any) -> Refund:
    """A refund the day after; without lines the shop says only the amount."""
    gross = sum(one.gross.minor for one in lines)
    whole = bool(lines)
    rounding = Money(nok(amount).minor - gross if whole else 0, "NOK")
    given: dict[str, Any] = {
        "id": id, "state": "completed", "amount": nok(amount), "payment_id": "ch_1", "return_order_id": None,
        "location": None, "means": None, "occurred_at": MORNING + timedelta(days=1),
        "updated_at": MORNING + timedelta(days=1), "sale_id": id.partition(":")[0],
        "returned": SaleReturn(id.partition(":")[0], lines, nok(0), rounding, itemized=whole), "by_processor": True,
        "payment_method": "stripe",
    }  # fmt: skip
    return Refund(**{**given, **more})


def with_refunds(sale: Sale, *refunds: Refund, **more: Any) -> Sale:
    """The order as it reads after its refunds."""
    stated = tuple(StatedRefund(one.id, one.amount) for one in refunds)
    updated = max((one.occurred_at for one in refunds), default=sale.updated_at)
    return replace(sale, refunds=stated, **{"updated_at": updated, **more})


def shop(time_zone: str = "Europe/Oslo") -> Location:
    return Location("shop", "Fjellbutikken", active=True, time_zone=time_zone, currency="NOK", country="NO")


class Store:
    """What is stored around a record: answers the flow's needs as the engine would, and remembers decisions."""

    def __init__(
        self, *documents: Document, found: Mapping[str, Found] | None = None,
        decisions: Mapping[str, str] | None = None, posted: Mapping[str, Any] | None = None, terms: Terms = TERMS,
        rulebook: Rulebook = RULEBOOK, chart: Chart = CHART, against: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:  # fmt: skip
        """`found`: parties of the ledger by one of the look-up's values; `against`: by key, what needs that write."""
        self.documents = documents
        self.found = {**COLLECTIVE, **(found or {})}
        self.decisions, self.posted = dict(decisions or {}), dict(posted or {})
        self.against = dict(against or {})
        self.terms, self.rulebook, self.chart = terms, rulebook, chart
        self.asked: list[str] = []

    def related(self, document: Document) -> Related:
        """Everything the flow asks for, asked again until nothing new is wanted."""
        answers: dict[str, Any] = {}
        for _ in range(6):
            related = Related(answers, self.decisions, self.posted)
            wanted = [need for need in FLOW.needs(document, related, self.terms) if need.name not in answers]
            if not wanted:
                return related
            for need in wanted:
                self.asked.append(need.name)
                answers[need.name] = self.answer(need, document)
        return Related(answers, self.decisions, self.posted)

    def answer(self, need: Need, document: Document) -> tuple[Any, ...]:
        if need.system == "own" and "needing" in dict(need.fields):
            on = self.against.get(dict(need.fields)["needing"], {})
            return tuple(Elsewhere("", "done", "", {key: content}) for key, content in on.items())
        if need.system == "own":
            begun = dict(need.fields)["prefix"]
            told = {key: content for key, content in self.posted.items() if key.startswith(begun)}
            return tuple(Elsewhere("", "done", "", {key: content}) for key, content in told.items())
        if need.system == "target":
            return tuple(self.found[value] for _, value in need.fields if value in self.found)
        kin = [one for one in (*self.documents, document) if _KINDS[type(one)] == need.kind]
        if need.link is not None:
            return tuple(one for one in kin if need.link in FLOW.links(one))
        return tuple(one for one in kin if _id(one) == need.id)

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


_KINDS: dict[type, str] = {Article: "article", Sale: "order", Refund: "refund", Party: "customer", Location: "shop"}


def _id(document: Any) -> str:
    return str(document.id)


def posted(plan: Plan) -> dict[str, Any]:
    """A plan as it stands in the ledger once all is done."""
    return {write.key: write.content for write in plan.writes}
