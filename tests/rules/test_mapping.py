"""Which rule decides what."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from ml_connector.finance.chart import Chart, VatId
from ml_connector.finance.rulebook import Rule, Rulebook, Terms, When
from ml_connector.rules.bookkeeping import Books, Sheet
from ml_connector.rules.findings import mapping_missing
from ml_connector.rules.mapping import Facts, Mapper, choose, conditions_of, mapper_of, matches
from ml_connector.rules.rulefile import rules_from_toml

FACTS = Facts(
    location="L1", method="external:OTHER", type="sale", currency="EUR", country="IE", category=("bread", "food"),
    article=("A1", "BUN-1"),
    customer_group="staff", status="completed", vat_rate=Decimal("12.5"), amount=Decimal(100),
    customer_number="10010", attribute=("COLLECT=STRIPE", "CHANNELS=WEB"), branch="1", credit_terms="30",
)  # fmt: skip


def book(*rules: Rule) -> Rulebook:
    return Rulebook(1, date(2026, 1, 1), rules)


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        (When(), True),
        (When(location=("L1", "L2")), True),
        (When(location=("L2",)), False),
        (When(method=("external",)), True),
        (When(method=("external:OTHER",)), True),
        (When(method=("ext",)), False),
        (When(type=("refund",)), False),
        (When(currency=("EUR",), country=("IE",)), True),
        (When(category=("food",), article=("A2",)), False),
        (When(category=("food",)), True),  # it is in bread, and bread is in food
        (When(article=("BUN-1",)), True),  # by its number or by the source's id
        (When(article=("A1", "A2")), True),
        (When(category=("foo",)), False),
        (When(customer_group=("staff",), status=("completed",)), True),
        (When(vat_rate=(Decimal("12.50"),)), True),
        (When(customer_number=("10010", "10011"), branch=("1",), credit_terms=("30",)), True),
        (When(customer_number=("10011",)), False),
        (When(branch=("2",)), False),
        (When(credit_terms=("14",)), False),
        (When(attribute=("CHANNELS=WEB", "CHANNELS=SHOP")), True),
        (When(attribute=("CHANNELS=SHOP",)), False),
        (When(vat_rate=(Decimal(25),)), False),
        (When(amount_from=Decimal(100), amount_to=Decimal(100)), True),
        (When(amount_from=Decimal("100.01")), False),
        (When(amount_to=Decimal("99.99")), False),
    ],
)
def test_conditions_hold_only_for_what_they_name(when: When, holds: bool) -> None:
    assert matches(when, FACTS) is holds


def test_an_unknown_fact_never_fulfils_a_condition() -> None:
    assert not matches(When(location=("L1",)), Facts())
    assert not matches(When(amount_from=Decimal(0)), Facts())


def test_each_field_is_decided_by_the_first_rule_that_sets_it() -> None:
    rules = book(
        Rule("1", ("sales",), When(location=("L1",)), dimensions=((1, "OSLO"),)),
        Rule("2", ("sales",), When(vat_rate=(Decimal("12.5"),)), account="3020"),
        Rule("3", ("sales",), account="3010", vat_code="V", dimensions=((1, "ALL"), (2, "10"))),
    )
    chosen = choose(rules, "sales", FACTS)
    assert (chosen.account, chosen.vat_code, chosen.dimensions) == ("3020", "V", ((1, "OSLO"), (2, "10")))
    assert chosen.reason("account") == "rule 2: vat_rate = 12.5"
    assert chosen.reason("vat_code") == "rule 3: always"
    assert chosen.why["dimension 1"][0] == "1"
    assert chosen.reason("project") == "no rule sets it"


def test_a_rule_speaks_only_for_its_roles() -> None:
    assert choose(book(Rule("1", ("fee",), account="6570")), "sales", FACTS).account is None


def test_amounts_do_not_hide_behind_a_remembered_answer() -> None:
    mapper = Mapper(
        book(Rule("big", ("fee",), When(amount_from=Decimal(1000)), account="A"), Rule("any", ("fee",), account="B"))
    )
    assert mapper.choose("fee", Facts(amount=Decimal(1000))).account == "A"
    assert mapper.choose("fee", Facts(amount=Decimal(999))).account == "B"
    assert mapper.choose("fee", Facts(amount=Decimal(5000))).account == "A"


def test_a_rulebook_has_one_mapper_while_it_is_in_use() -> None:
    rules = book(Rule("1", ("fee",), account="B"))
    assert mapper_of(rules) is mapper_of(rules)
    assert mapper_of(rules) is not mapper_of(book(Rule("1", ("fee",), account="B")))


def test_conditions_read_like_a_sentence() -> None:
    when = When(type=("refund", "sale"), vat_rate=(Decimal(25),), amount_from=Decimal(1), amount_to=Decimal(9))
    assert conditions_of(when) == "type = refund or sale, vat_rate = 25, amount >= 1, amount <= 9"


def test_the_proposal_for_a_missing_mapping_can_be_accepted_as_it_stands() -> None:
    mapper = Mapper(book(Rule("3", ("sales",), When(vat_rate=(Decimal(25),)), account="3010")))
    finding = mapping_missing(mapper, "sales", "account", facts=FACTS, record="order O1")
    assert finding.code == "mapping-missing"
    (rule,) = rules_from_toml(finding.proposal["rule"])
    assert (rule.roles, rule.account, rule.when.vat_rate) == (("sales",), "3010", (Decimal("12.5"),))


def test_another_currencys_cash_account_is_never_proposed() -> None:
    mapper = Mapper(book(Rule("1", ("clearing",), When(currency=("EUR",)), cash_account="SQEUR")))
    finding = mapping_missing(mapper, "clearing", "cash_account", facts=Facts(currency="GBP"), record="order O1")
    assert finding.proposal["cash_account"] == ""


def test_another_countrys_vat_is_never_proposed() -> None:
    mapper = Mapper(book(Rule("se", ("vat",), When(country=("SE",), vat_rate=(Decimal(25),)), vat_id="S25")))
    abroad = Facts(country="DK", vat_rate=Decimal(25))
    assert mapping_missing(mapper, "vat", "vat_id", facts=abroad, record="order O1").proposal["vat_id"] == ""


@pytest.mark.parametrize(
    ("name", "country", "rate", "only"),
    [("vat_id", None, 6, "S06"), ("vat_code", None, 6, "06"), ("account", None, 6, ""), ("vat_id", "DE", 6, ""),
     ("vat_id", None, 7, ""), ("vat_id", None, 12, "")],
)  # fmt: skip
def test_the_one_vat_id_of_a_rate_in_the_ledger_is_proposed(
    name: str, country: str | None, rate: int, only: str
) -> None:
    def vat(id_: str, percent: int, code: str) -> VatId:
        return VatId(id_, "", "Vat", ((date(2026, 4, 1), Decimal(percent)),), (code,), ("SE",), "2631")

    ids = (vat("S06", 6, "06"), vat("S12", 12, "12"), vat("U12", 12, "12"), replace(vat("R06", 6, "R"), reverse=True))
    chart = Chart(datetime(2026, 4, 2, tzinfo=UTC), vat_ids={one.id: one for one in ids})
    facts = Facts(type="sale", currency="SEK", country=country, vat_rate=Decimal(rate))
    books = Books.of(book(), chart, Terms())
    sheet = Sheet("sq:sale:O1", record="order O1", day=date(2026, 4, 2), facts=facts, books=books)
    sheet.missing("vat", name, facts)
    assert sheet.findings[0].proposal[name] == only


def test_another_rates_vat_is_never_proposed() -> None:
    rules = (
        Rule("25", ("sales",), When(vat_rate=(Decimal(25),)), account="3010", vat_code="25"),
        Rule("all", ("sales",), vat_code="MIXED"),
    )
    only, both = Mapper(book(*rules[:1])), Mapper(book(*rules))
    finding = mapping_missing(only, "sales", "vat_code", facts=FACTS, record="order O1")
    assert finding.proposal["vat_code"] == "", "25 % is no guess for 12.5 %"
    finding = mapping_missing(both, "sales", "vat_code", facts=FACTS, record="order O1")
    assert finding.proposal["vat_code"] == "MIXED"
