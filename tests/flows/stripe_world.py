"""The way back from Stripe, asked of the flow: ledger invoices answered by number, siblings by what is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ml_connector.finance.documents import Document, Invoice, InvoicePayment, Movement
from ml_connector.finance.invoices import CustomerInvoice, CustomerPayment
from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.ledger import LedgerInvoice
from ml_connector.finance.plan import Content, Elsewhere, Found, Ignore, Need, Plan, PlannedWrite, Wait
from ml_connector.flows.stripe_to_visma import FLOW
from tests.flows.collection_world import CHART, SETTLES, World, bill, collected, moved, row


class Stripe(World):
    """What is known around a record of Stripe. `bills`: the ledger's invoices."""

    def __init__(
        self, *documents: Document, bills: Iterable[LedgerInvoice] = (), notes: Iterable[Found] = (),
        shop: Mapping[str, tuple[Elsewhere, ...]] | None = None, **more: Any,
    ) -> None:  # fmt: skip
        super().__init__(FLOW, *documents, found={"credit_note": tuple(notes)}, **more)
        self.bills = {one.number: plain(one) for one in bills or (bill(),)}
        self.shop = shop or {}

    def _answer(self, need: Need) -> Any:
        if need.system == "sibling":
            return self.shop.get(need.name, ())
        if need.kind not in {"ledger_invoice", "ledger_balance"}:
            return super()._answer(need)
        found = self.bills.get(dict(need.fields)["number"])
        return () if found is None else (Found(found.number, found.customer_name, found.state, document=found),)

    def warnings(self, document: Document) -> list[str]:
        made = self.verdict(document)
        assert isinstance(made, Plan), made
        return [finding.code for finding in made.findings]

    def waits(self, document: Document) -> str:
        made = self.verdict(document)
        assert isinstance(made, Wait), made
        return made.reason

    def ignores(self, document: Document) -> str:
        made = self.verdict(document)
        assert isinstance(made, Ignore), made
        return made.reason


def paying(*rows: InvoicePayment, invoice: Invoice | None = None) -> tuple[Document, ...]:
    """The invoice in Stripe and the payments of it: what stands around a charge that pays it."""
    return (invoice or collected(), *(rows or (row(),)))


PAID: dict[str, Any] = {"settles": SETTLES}
"""A charge with this pays invoice 10042."""


def fee(minor: str = "30", *, of: str = "1250", **more: Any) -> Movement:
    """The balance transaction of a charge."""
    return moved("charge", of, minor, **more)


def all_writes(world: World, *documents: Document) -> list[PlannedWrite]:
    """The writes of all these records, each planned by itself."""
    return [write for one in documents for write in world.writes(one)]


def balances(writes: Iterable[PlannedWrite]) -> dict[str, int]:
    """What writes leave on each account, minor units; receivables on AR, VAT of credit notes on VAT."""
    found: dict[str, int] = {}

    def add(account: str, minor: int) -> None:
        found[account] = found.get(account, 0) + minor

    contents: dict[str, Content] = {write.key: write.content for write in writes}
    for content in contents.values():
        if isinstance(content, JournalEntry):
            for posting in content.postings:
                add(posting.account, posting.amount.minor)
        elif isinstance(content, CustomerPayment):
            sign = -1 if content.kind == "refund" else 1
            add(CHART.cash_accounts[content.cash_account].account, sign * content.amount.minor)
            add("AR", -sign * content.amount.minor)
        elif isinstance(content, CustomerInvoice):
            sign = -1 if content.kind == "debit_note" else 1
            add("AR", -sign * content.total.minor)
            add("VAT", sign * content.vat_total.minor)
            for line in content.lines:
                add(line.account, sign * line.net.minor)
    return {account: minor for account, minor in found.items() if minor}


def plain(document: LedgerInvoice, **more: Any) -> LedgerInvoice:
    """The same without dimensions: the small chart has no segments."""
    return replace(document, lines=tuple(replace(one, dimensions=()) for one in document.lines), **more)
