"""A whole day of the pretend Stripe, read and translated: clearing is what Stripe itself holds, and nobody crashes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ml_connector.connectors.shapes import SourceObject
from ml_connector.connectors.stripe.translate import KINDS as READ
from ml_connector.connectors.stripe.translate import translate
from ml_connector.finance.chart import Account as LedgerAccount
from ml_connector.finance.chart import CashAccount, Chart, CurrencyUse
from ml_connector.finance.documents import Document, Invoice, Movement
from ml_connector.finance.invoices import CustomerPayment
from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.ledger import LedgerInvoice
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Content, Hold, Plan, PlannedWrite, Wait
from ml_connector.finance.rulebook import Rule, When
from ml_connector.flows.stripe_to_visma import FLOW, KINDS
from tests.connectors.stripe.on_sandbox import Account, serving
from tests.flows.collection_world import CHART, TERMS, bill, book
from tests.flows.stripe_world import Stripe

CURRENCIES = ("SEK", "NOK", "EUR", "USD", "DKK")


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with serving() as served:
        found = served.account()
        found.do("play_day", date="2026-11-19", seed=7)
        _odd_cases(found)
        found.wait(days=3)
        yield found
        found.http.close()


def _odd_cases(account: Account) -> None:
    """What a usual day has none of: part payments, too much, other currencies, late failures, a payout that returns."""
    lines = [{"amount": 100_000, "tax": "25"}]
    parts = account.do("invoice", lines=lines)["invoice_id"]
    account.do("pay", invoice_id=parts, amount=50_000)
    account.do("pay", invoice_id=parts)
    over = account.do("invoice", lines=lines)["invoice_id"]
    account.do("pay", invoice_id=over, amount=130_000)
    euros = [account.do("charge", amount=10_000, currency="eur", rate="11.28")["charge_id"] for _ in range(3)]
    account.wait(minutes=5)
    account.do("refund", charge_id=euros[0], amount=4_000, rate="11.30")
    account.do("fail_late", charge_id=euros[1])
    disputed = account.do("dispute", charge_id=euros[2])["dispute_id"]
    account.do("dispute", dispute_id=disputed, outcome="partial", amount=50_000)
    whole = account.do(
        "pay", invoice_id=account.do("invoice", lines=lines)["invoice_id"], slow=True, method="sepa_debit"
    )
    account.do("settle", charge_id=whole["charge_id"], outcome="succeeded")
    account.wait(minutes=5)
    account.do("fail_late", charge_id=whole["charge_id"], reopen=True)
    failed = account.do("refund", charge_id=euros[0], amount=1_000)["refund_id"]
    account.do("settle_refund", refund_id=failed, outcome="failed")
    account.do("adjust", amount=-700, currency="nok", category="climate_order_purchase")
    sent = account.do("payout", currency="nok", pending=True)["payout_id"]
    account.do("payout", payout_id=sent, outcome="failed")


def _read(account: Account) -> list[Document]:
    """Everything the account shows, as the reader fetches it."""
    found: list[Document] = []
    for kind in READ:
        ids = [row["id"] for row in account.stored(kind)]
        for one in account.reader().fetch(kind, ids):
            assert isinstance(one, SourceObject)
            found.append(translate(kind, one.payload))
    return found


def _collected(documents: list[Document]) -> tuple[list[Document], list[LedgerInvoice]]:
    """The same with every invoice made one of the ledger's, and the ledger's side of it."""
    bills, made = [], list[Document]()
    for one in documents:
        if not isinstance(one, Invoice) or not one.number or one.issued_on is None:
            made.append(one)
            continue
        worth = one.requested
        whole = replace(
            bill(number=one.number), currency=worth.currency, total=worth, balance=worth,
            vat_total=Money.zero(worth.currency), taxes=(), day=one.issued_on,
        )  # fmt: skip
        bills.append(replace(whole, lines=(replace(whole.lines[0], net=worth, vat_code="0"),)))
        made.append(replace(one, marks={"visma_invoice_no": one.number}))
    return made, bills


def _set_up() -> tuple[Chart, tuple[Rule, ...]]:
    """Clearing and bank in every currency of the day."""
    accounts, cash, rules = dict(CHART.accounts), dict(CHART.cash_accounts), []
    for place, currency in enumerate(CURRENCIES):
        for role, group, method in (("clearing", "16", "STRIPE"), ("bank", "19", None)):
            number, name = f"{group}5{place}", f"{role}{currency}"
            accounts[number] = LedgerAccount(number, currency, "Asset", cash_account=True, currency=currency)
            cash[name] = CashAccount(name, number, currency)
            rules.append(Rule(name, (role,), When(currency=(currency,)), cash_account=name, payment_method=method))
    uses = {one: CurrencyUse(one, base=one == "SEK", precision=2) for one in CURRENCIES}
    return replace(CHART, accounts=accounts, cash_accounts=cash, currencies=uses), tuple(rules)


def _clearing(writes: list[PlannedWrite]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for content in (write.content for write in writes):
        if isinstance(content, JournalEntry):
            moved = [one.amount for one in content.postings if one.role == "clearing"]
        elif isinstance(content, CustomerPayment):
            moved = [-content.amount if content.kind == "refund" else content.amount]
        else:
            moved = []
        for amount in moved:
            sums[amount.currency] = sums.get(amount.currency, 0) + amount.minor
    return {currency: minor for currency, minor in sums.items() if minor}


@pytest.mark.parametrize("from_the_ledger", [True, False], ids=["invoices of the ledger", "invoices made in Stripe"])
def test_a_day_of_stripe_leaves_clearing_as_stripes_own_balance(account: Account, from_the_ledger: bool) -> None:
    documents = _read(account)
    bills: list[LedgerInvoice] = []
    if from_the_ledger:
        documents, bills = _collected(documents)
    chart, rules = _set_up()
    world = Stripe(*documents, bills=bills, rulebook=book(*rules), terms=TERMS, decisions={"refund-vat-mix": "approve"})
    made: dict[str, Content] = {}
    plans: list[PlannedWrite] = []
    stopped: list[str] = []
    for document in documents:
        related = world.related(document)
        verdict = FLOW.plan(document, related, terms=world.terms, rulebook=world.rulebook, chart=chart)
        if isinstance(verdict, Wait):
            stopped.append(verdict.reason)
        elif isinstance(verdict, Hold):
            stopped += [finding.code for finding in verdict.findings]
        for write in verdict.writes if isinstance(verdict, Plan) else ():
            assert made.setdefault(write.key, write.content) == write.content
            plans.append(write)
    shown: dict[str, int] = {}
    for one in documents:
        if isinstance(one, Movement):
            shown[one.amount.currency] = shown.get(one.amount.currency, 0) + one.net.minor
    assert shown
    assert stopped == (["collected-overpaid"] if from_the_ledger else [])
    assert _clearing(plans) == {currency: minor for currency, minor in shown.items() if minor}
    kinds = {write.kind for write in plans}
    assert ("customer_payment" in kinds) is from_the_ledger
    assert set(KINDS) == set(READ)
