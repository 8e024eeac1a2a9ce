"""A whole day of the pretend PayPal, read and translated: clearing is what PayPal itself shows as available."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from ml_connector.connectors.paypal.translate import translate
from ml_connector.connectors.shapes import SourceObject
from ml_connector.finance.chart import Account as LedgerAccount
from ml_connector.finance.chart import CashAccount, Chart, CurrencyUse
from ml_connector.finance.documents import Document, Movement
from ml_connector.finance.invoices import CustomerPayment
from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Content, Plan
from ml_connector.finance.rulebook import Rule, When
from tests.connectors.paypal.on_sandbox import START, Account
from tests.flows.paypal_world import ANONYMOUS, CHART, PayPal, book

CURRENCIES = ("SEK", "EUR", "USD", "JPY", "NOK", "DKK", "HUF")
SIX = Rule("sales-6", ("sales",), When(vat_rate=(Decimal(6),)), account="3020", vat_code="V12")


def _read(account: Account) -> list[Document]:
    """Everything the streams give, and the captures and refunds that the rows name."""
    found: dict[tuple[str, str], Document] = {}
    for stream in ("transactions", "invoices", "disputes"):
        for one in account.poll(stream, backfill_from=START - timedelta(days=3))[0]:
            found[one.kind, one.external_id] = translate(one.kind, one.payload)
    rows = [one for one in found.values() if isinstance(one, Movement)]
    for kind, role in (("capture", "receipt"), ("refund", "refund")):
        ids = sorted({row.transaction_id for row in rows if row.role == role})
        for each in account.reader().fetch(kind, ids):
            if isinstance(each, SourceObject):
                found[kind, each.external_id] = translate(kind, each.payload)
    return list(found.values())


def _world(documents: Iterable[Document]) -> PayPal:
    accounts, cash = dict(CHART.accounts), dict[str, CashAccount]()
    rules = []
    for place, currency in enumerate(CURRENCIES):
        for role, group, method in (("clearing", "16", "PP"), ("bank", "19", None)):
            number = f"{group}5{place}"
            accounts[number] = LedgerAccount(number, currency, cash_account=True, currency=currency)
            cash[f"{role}{currency}"] = CashAccount(f"{role}{currency}", number, currency)
            when = When(currency=(currency,))
            rules.append(
                Rule(f"{role}{currency}", (role,), when, cash_account=f"{role}{currency}", payment_method=method)
            )
    uses = {one: CurrencyUse(one, base=one == "SEK", precision=2) for one in CURRENCIES}
    chart: Chart = replace(CHART, accounts=accounts, cash_accounts=cash, currencies=uses)
    return PayPal(*documents, rulebook=book(ANONYMOUS, SIX, *rules), chart=chart)


def _clearing(contents: Iterable[Content]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for content in contents:
        if isinstance(content, JournalEntry):
            moved = [one.amount for one in content.postings if one.role == "clearing"]
        else:
            assert isinstance(content, CustomerPayment)
            moved = [-content.amount if content.kind == "refund" else content.amount]
        for amount in moved:
            sums[amount.currency] = sums.get(amount.currency, 0) + amount.minor
    return sums


@pytest.mark.parametrize("seed", [3, 11])
def test_a_day_of_a_shop_leaves_clearing_as_paypals_own_balances(seed: int) -> None:
    account = Account()
    account.do("play_day", date="2026-11-19", seed=seed)
    account.wait(hours=4)
    documents = _read(account)
    world = _world(documents)
    made: dict[str, Content] = {}
    for document in documents:
        verdict = world.verdict(document)
        if isinstance(document, Movement):
            assert isinstance(verdict, Plan), verdict
        for write in verdict.writes if isinstance(verdict, Plan) else ():
            assert made.setdefault(write.key, write.content) == write.content
    money = [one for one in made.values() if isinstance(one, JournalEntry | CustomerPayment)]
    shown = account.reader().client.balances()["balances"]
    held = {row["currency"]: Money.of(row["available_balance"]["value"], row["currency"]).minor for row in shown}
    assert {currency: minor for currency, minor in _clearing(money).items() if minor} == {
        currency: minor for currency, minor in held.items() if minor
    }
