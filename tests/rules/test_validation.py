"""Plans against a ledger's set-up: each thing it would refuse is said before anything is sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.finance.chart import CashAccount, Chart, CurrencyUse, Period
from ml_connector.finance.invoices import CustomerPayment, PartyCard, SupplierInvoice, SupplierInvoiceLine, TaxDetail
from ml_connector.finance.journal import JournalEntry, Posting
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Content, Finding, Found, Plan, PlannedWrite
from ml_connector.finance.procurement import LedgerCoding
from ml_connector.finance.rulebook import Terms
from ml_connector.rules.matching import match_party, second_road
from ml_connector.rules.validation import validate
from tests.flows.builders import CHART, TERMS, Shop, account, capture, customer, eur, invoice, payout, sale

DAY = date(2026, 3, 10)
LEDGER = replace(
    CHART,
    accounts={
        **CHART.accounts,
        "2612": account("2612", "Liability", manual_entry=False),
        "1700": account("1700", currency="GBP"),
    },
    vat_ids={**CHART.vat_ids, "GONE": replace(CHART.vat_ids["U25"], id="GONE", not_after=date(2025, 12, 31))},
    branches={**CHART.branches, "8": replace(CHART.branches["7"], number="8", active=False)},
)


def line(number: str, amount: str, role: str = "fee", **more: Any) -> Posting:
    return Posting(number, eur(amount), role, "sq:x:1", "REF", **more)


def entry(*lines: Posting, **more: Any) -> JournalEntry:
    return JournalEntry(**{"day": DAY, "currency": "EUR", "postings": lines, "text": "Test", **more})


def codes(content: Content, chart: Chart = LEDGER, terms: Terms = TERMS) -> list[str]:
    found = validate(Plan((PlannedWrite("sq:x:1", "journal", content),)), chart, terms)
    assert all(_three_parts(one) for one in found), found
    return [one.code for one in found]


def _three_parts(finding: Finding) -> bool:
    """What happened, to which record, what to do."""
    return "sq:x:1" in finding.sentence and finding.sentence.count(". ") >= 1 and finding.sentence.endswith(".")


PAIR = (line("6570", "1"), line("2890", "-1", "tips"))


def test_a_good_entry_has_nothing_against_it() -> None:
    assert codes(entry(*PAIR)) == []


@pytest.mark.parametrize(
    ("first", "code"),
    [
        (line("4711", "1"), "account-unknown"),
        (line("9999", "1"), "account-inactive"),
        (line("1510", "1"), "account-control"),
        (line("2612", "1", "vat"), "account-no-manual-entry"),
        (line("1700", "1"), "account-currency"),
        (line("6570", "1", dimensions=((9, "X"),)), "dimension-unknown"),
        (line("6570", "1", dimensions=((1, "MOON"),)), "dimension-unknown"),
        (line("6570", "1", dimensions=((1, "OLD"),)), "dimension-inactive"),
        (line("1910", "1", "till"), "cash-account-dimensions"),
        (line("1580", "1", "clearing", dimensions=((1, "OSLO"),)), "cash-account-dimensions"),
        (line("6570", "1", vat_code="XX"), "vat-code-unknown"),
        (line("6570", "1", vat_code="OLD"), "vat-code-inactive"),
        (line("2611", "1", "vat", vat_code="V25", vat_id="NONE"), "vat-id-unknown"),
        (line("2611", "1", "vat", vat_code="V25", vat_id="GONE"), "vat-id-expired"),
        (line("2611", "1", "vat", vat_code="V12", vat_id="U25"), "vat-code-unfit"),
        (line("2611", "1", "vat", vat_code="V25", vat_id="U25", vat_rate=Decimal(24)), "vat-rate-differs"),
        (line("2890", "1", "vat", vat_code="V25", vat_id="U25"), "vat-account-differs"),
    ],
)
def test_a_line_that_the_ledger_would_refuse_is_named(first: Posting, code: str) -> None:
    assert codes(entry(first, line("2890", "-1", "tips"))) == [code]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"branch": "9"}, "branch-unknown"),
        ({"branch": "8"}, "branch-inactive"),
        ({"ledger": "X"}, "ledger-unknown"),
        ({"ledger": "B"}, "ledger-unknown"),
        ({"day": date(2025, 12, 31)}, "period-missing"),
    ],
)
def test_a_voucher_that_the_ledger_would_refuse_is_named(changes: dict[str, Any], code: str) -> None:
    assert codes(entry(*PAIR, **changes)) == [code]


def test_cash_lines_ask_for_open_cash_management_and_plain_ones_do_not() -> None:
    shut = replace(
        LEDGER, periods=(Period("202603", date(2026, 3, 1), active=True, closed=frozenset({"cash_management"})),)
    )
    assert codes(entry(line("1930", "1", "bank"), line("2890", "-1", "tips")), shut) == ["period-closed"]
    assert codes(entry(*PAIR), shut) == []
    asleep = replace(LEDGER, periods=(Period("202603", date(2026, 3, 1), active=False),))
    assert codes(entry(*PAIR), asleep) == ["period-closed"]


def test_currencies_must_be_kept_with_enough_decimals() -> None:
    assert codes(entry(*PAIR), replace(LEDGER, currencies={})) == ["currency-unknown"]
    whole = {"EUR": CurrencyUse("EUR", base=True, precision=0)}
    assert codes(entry(*PAIR), replace(LEDGER, currencies=whole)) == ["currency-precision"]
    pounds = replace(LEDGER, cash_accounts={"BANK": CashAccount("BANK", "1930", "GBP")})
    assert codes(entry(line("1930", "1", "bank"), line("2890", "-1", "tips")), pounds) == ["cash-account-currency"]


def test_reported_vat_is_looked_at_once_more() -> None:
    terms = replace(TERMS, vat_reported_until=date(2026, 3, 31))
    assert codes(entry(*PAIR, vat_transaction=True), terms=terms) == ["vat-reported"]
    assert codes(entry(*PAIR), terms=terms) == []


def test_two_writes_of_one_key_are_a_fault() -> None:
    write = PlannedWrite("sq:x:1", "journal", entry(*PAIR))
    assert [one.code for one in validate(Plan((write, write)), LEDGER, TERMS)] == ["duplicate-key"]


def payment(**changes: Any) -> CustomerPayment:
    given = {
        "kind": "payment",
        "customer": "10",
        "day": DAY,
        "cash_account": "SQEUR",
        "method": "SQ",
        "amount": eur("1"),
        "source": "s",
    }
    return CustomerPayment(**{**given, **changes})


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (payment(cash_account="NONE"), "cash-account-unknown"),
        (payment(amount=Money(1, "GBP")), "cash-account-currency"),
        (payment(method="NONE"), "payment-method-unknown"),
        (payment(method="OLD"), "payment-method-inactive"),
        (payment(branch="9"), "branch-unknown"),
        (payment(day=date(2025, 1, 1)), "period-missing"),
        (PartyCard("customer", " ", "s"), "party-name-missing"),
        (PartyCard("customer", "A", "s", vat_zone="99"), "vat-zone-unknown"),
        (PartyCard("supplier", "A", "s", currency="SEK"), "currency-unknown"),
    ],
)
def test_payments_and_parties_are_checked(content: Content, code: str) -> None:
    assert codes(content) == [code]


def test_invoices_are_checked_line_by_line() -> None:
    write = Shop(sale(state="open", tenders=()), customer()).plan(invoice()).writes[1]
    bad = replace(LEDGER, vat_codes={}, vat_ids={}, segments={}, accounts={}, currencies={}, periods=())
    found = validate(Plan((write,)), bad, TERMS)
    assert {one.code for one in found} == {
        "account-unknown",
        "dimension-unknown",
        "vat-code-unknown",
        "vat-id-unknown",
        "period-missing",
        "currency-unknown",
    }
    cost = SupplierInvoiceLine("4711", eur("1"), "XX", "Fee", ((1, "MOON"),))
    content = SupplierInvoice("5", DAY, None, "EUR", (cost,), eur("1"), eur("0"), "R", "s")
    assert codes(content) == ["account-unknown", "dimension-unknown", "vat-code-unknown"]


def test_a_suppliers_invoice_is_checked_in_the_period_it_is_booked_in() -> None:
    cost = SupplierInvoiceLine("4711", eur("1"), "XX", "Fee", ())
    content = SupplierInvoice("5", date(2025, 1, 1), None, "EUR", (cost,), eur("1"), eur("0"), "R", "s")
    assert "period-missing" in codes(content)
    assert "period-missing" not in codes(replace(content, posting_day=DAY))
    assert "period-missing" in codes(replace(content, day=DAY, posting_day=date(2025, 1, 1)))


CODED = LedgerCoding(
    "500001", "EUR", (SupplierInvoiceLine("6570", eur("80"), "V25", "Chairs"),), eur("100"), eur("20"), "bw:doc:1",
    day=DAY, period="202603",
)  # fmt: skip


def recoded(**changes: Any) -> LedgerCoding:
    return replace(CODED, lines=(replace(CODED.lines[0], **changes),))


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (CODED, []),
        (recoded(account="4711"), ["account-unknown"]),
        (recoded(account="9999"), ["account-inactive"]),
        (recoded(account="1510"), ["account-control"]),
        (recoded(dimensions=((1, "MOON"),)), ["dimension-unknown"]),
        (recoded(dimensions=((1, "OLD"),)), ["dimension-inactive"]),
        (recoded(vat_code="XX"), ["vat-code-unknown"]),
        (recoded(vat_code="OLD"), ["vat-code-inactive"]),
        (replace(CODED, currency="GBP"), ["currency-unknown"]),
        (replace(CODED, tax_details=(TaxDetail("NONE", eur("80"), eur("20")),)), ["vat-id-unknown"]),
        (replace(CODED, tax_details=(TaxDetail("GONE", eur("80"), eur("20")),)), ["vat-id-expired"]),
        (replace(CODED, day=None, period=""), []),
        (replace(CODED, day=date(2019, 1, 1), period="201901"), ["period-closed"]),
    ],
)
def test_a_coding_that_comes_back_is_checked_before_it_is_written(content: LedgerCoding, found: list[str]) -> None:
    assert codes(content) == found


def test_a_coding_is_checked_in_the_period_in_which_its_invoice_stands() -> None:
    shut = tuple(
        replace(one, closed=frozenset({"supplier_ledger"})) if one.id == "202603" else one for one in LEDGER.periods
    )
    chart = replace(LEDGER, periods=shut)
    assert codes(CODED, chart) == ["period-closed"]
    assert codes(replace(CODED, period="202604"), chart) == []  # a person moved it there
    assert codes(replace(CODED, period=""), chart) == ["period-closed"]


def test_a_coding_of_vat_that_is_reported_is_held() -> None:
    assert codes(CODED, terms=replace(TERMS, vat_reported_until=DAY)) == ["vat-reported"]


def test_an_unknown_account_proposes_similar_ones() -> None:
    (finding,) = validate(
        Plan((PlannedWrite("sq:x:1", "journal", entry(line("6599", "1"), line("2890", "-1"))),)), LEDGER, TERMS
    )
    assert finding.proposal["similar"] == ["6570", "6575", "6590"]


def test_a_suppliers_status_is_part_of_the_match() -> None:
    match = match_party(customer(), [Found("10", status="OnHold")], decision="")
    assert match.finding is not None
    assert match.finding.code == "customer-blocked"
    assert match_party(customer(), [], decision="10").number == "10"


def test_one_economic_event_on_two_roads_is_booked_once() -> None:
    booked = Shop(sale()).plan(capture()).writes[0]
    posted = {booked.key: booked.content}
    assert second_road("sq:sale:O1", eur("125"), {}) is None
    assert second_road("sq:sale:O1", eur("125"), posted) is None
    unequal = second_road("sq:sale:O1", eur("124"), posted)
    assert unequal is not None
    assert unequal.code == "second-road-differs"
    assert second_road("k", eur("1"), {"k": payment()}) is None


def test_a_payout_in_another_currency_than_its_accounts_is_held() -> None:
    pounds = payout(amount="50")
    codes_ = Shop().holds(replace(pounds, amount=Money(5000, "GBP")))
    assert codes_ == ["mapping-missing", "mapping-missing"]  # clearing and bank each need a cash account in pounds
