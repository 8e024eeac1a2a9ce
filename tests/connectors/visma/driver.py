"""Documents for the sandbox's company, and a driver that takes them through their calls as the engine does."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from ml_connector.connectors.shapes import Context, Observed
from ml_connector.connectors.visma.writer import VismaWriter
from ml_connector.errors import UnknownOutcome
from ml_connector.finance.documents import Address
from ml_connector.finance.invoices import (
    Application,
    CustomerInvoice,
    CustomerPayment,
    InvoiceLine,
    PartyCard,
    SupplierInvoice,
    SupplierInvoiceLine,
)
from ml_connector.finance.journal import JournalEntry, Posting
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Content
from tests.connectors.visma.sandboxed import Sandbox

DAY = date(2026, 5, 20)


def sek(amount: str) -> Money:
    return Money.of(amount, "SEK")


def sale(amount: str = "100") -> JournalEntry:
    net = sek(amount)
    vat = sek(str(Decimal(amount) / 4))

    def line(account: str, money: Money, **vat_fields: Any) -> Posting:
        return Posting(account, money, "sale", "sq:sale:O1", "r1", "Sale", **vat_fields)

    lines = (
        line("1582", net + vat),
        line("3001", -net, vat_code="25", vat_rate=Decimal(25), dimensions=((1, "10"),)),
        line("2611", -vat, vat_code="25", vat_id="S25", vat_rate=Decimal(25)),
    )
    return JournalEntry(DAY, "SEK", lines, "Sale", vat_transaction=True)


def invoice(**changes: Any) -> CustomerInvoice:
    line = InvoiceLine("3001", sek("1000"), "25", "Hours", ((1, "10"),), sek("250"))
    whole = CustomerInvoice(
        "customer_invoice",
        "10010",
        DAY,
        DAY + timedelta(days=30),
        "SEK",
        (line,),
        sek("1250"),
        sek("250"),
        "PO 1",
        "sq:inv:I1",
    )
    return replace(whole, **changes)


def paid(*applications: Application, kind: Any = "payment", amount: str = "1250") -> CustomerPayment:
    return CustomerPayment(kind, "10010", DAY, "1582", "SQUARE", sek(amount), "sq:pay:P1", applications)


def fees(sign: str = "") -> SupplierInvoice:
    line = SupplierInvoiceLine("6570", sek(f"{sign}400"), "RC25", "Fees")
    total = sek(f"{sign}400")
    return SupplierInvoice("50000", DAY, DAY, "SEK", (line,), total, sek("0"), f"F{sign}1", "sq:fee:2026-05", "Fees")


def card(kind: Any, **changes: Any) -> PartyCard:
    there = Address(("Gata 1",), "111 11", "Stockholm", "", "SE")
    known = PartyCard(kind, "Kund AB", "sq:cus:C1", currency="SEK", terms="30", vat_zone="SE", party_class="1")
    return replace(known, email="a@kund.example", org_number="556000-0001", address=there, **changes)


class Driver:
    """Takes documents through create, check, release and check again, as the engine does."""

    def __init__(self, sandbox: Sandbox, writer: VismaWriter) -> None:
        self.sandbox = sandbox
        self.writer = writer
        self.made = 0

    def context(self) -> Context:
        self.made += 1
        return Context(f"tok{self.made:07d}", f"key {self.made}", started_at=self.sandbox.clock.now())

    def create(self, kind: str, content: Content) -> Context:
        context = self.context()
        try:
            made = self.writer.create(kind, content, context)
        except UnknownOutcome:  # accepted without a number: it is found as any lost document is
            (found,) = self.writer.find(kind, [(content, context)])[context.token]
            return replace(context, remote_id=found.remote_id, etag=found.etag)
        while made.job_id and not made.remote_id:
            self.sandbox.clock.advance(1)
            made = self.writer.job(made.job_id, kind=kind, content=content) or made
        return replace(context, remote_id=made.remote_id, etag=made.etag)

    def seen(self, kind: str, content: Content, context: Context) -> Observed:
        return self.writer.observe(kind, [(content, context)])[context.remote_id]

    def released(self, kind: str, content: Content) -> Observed:
        context = self.create(kind, content)
        draft = self.seen(kind, content, context)
        found = self.writer.find(kind, [(content, context)])[context.token]
        assert [one.remote_id for one in found] == [context.remote_id]
        if draft.state == "draft":
            self.writer.release(kind, content, replace(context, etag=draft.etag))
            self.sandbox.clock.advance(2)
            draft = self.seen(kind, content, context)
        assert draft.state == "released", (draft.status, draft.facts)
        return draft
