"""Rulebooks out and in again."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_connector.finance.rulebook import ROLES, Rule, Rulebook, When
from ml_connector.rules.rulefile import RuleFileError, from_csv, from_toml, rules_from_toml, to_csv, to_toml

words = st.text(st.sampled_from("aÅ1 =,;|\\\"'\r\n\t\x00#[]"), min_size=1, max_size=6)
some = st.just(()) | st.lists(words, max_size=2).map(tuple)
maybe = st.none() | words
rates = st.decimals(0, 100, places=2)
whens = st.builds(
    When, location=some, method=some, type=some, currency=some, country=some, category=some, article=some,
    customer_group=some, status=some, customer_number=some, branch=some, credit_terms=some,
    attribute=st.lists(st.builds("{}={}".format, words, words), max_size=2).map(tuple),
    vat_rate=st.lists(rates, max_size=2).map(tuple),
    amount_from=st.none() | rates, amount_to=st.none() | rates,
)  # fmt: skip
rules = st.builds(
    Rule,
    id=words,
    roles=st.lists(st.sampled_from(sorted(ROLES)), min_size=1, max_size=3).map(tuple),
    when=whens,
    account=maybe,
    cash_account=maybe,
    vat_code=maybe,
    vat_id=maybe,
    customer=maybe,
    supplier=maybe,
    payment_method=maybe,
    project=maybe,
    collect=st.sampled_from([None, "yes", "no"]),
    note=st.just("") | words,
    dimensions=st.dictionaries(st.integers(1, 9), words, max_size=3).map(lambda d: tuple(sorted(d.items()))),
)
rulebooks = st.builds(
    Rulebook, version=st.integers(1, 10**6), valid_from=st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    rules=st.lists(rules, max_size=3, unique_by=lambda rule: rule.id).map(tuple),
)  # fmt: skip


@settings(max_examples=40)
@given(rulebooks)
def test_a_rulebook_comes_back_from_toml_exactly(rulebook: Rulebook) -> None:
    assert from_toml(to_toml(rulebook)) == rulebook


@settings(max_examples=40)
@given(rulebooks)
def test_a_rulebook_comes_back_from_csv_exactly(rulebook: Rulebook) -> None:
    assert from_csv(to_csv(rulebook)) == rulebook


def test_a_file_reads_as_a_person_would_write_it() -> None:
    text = """
version = 3
valid_from = 2026-01-01

[[rule]]
id = "7"
roles = ["sales"]
account = "3010"
dimensions = { 1 = "OSLO" }
[rule.when]
type = ["refund"]
vat_rate = ["25"]
amount_from = "10"
"""
    when = When(type=("refund",), vat_rate=(Decimal(25),), amount_from=Decimal(10))
    rule = Rule("7", ("sales",), when, account="3010", dimensions=((1, "OSLO"),))
    assert from_toml(text) == Rulebook(3, date(2026, 1, 1), (rule,))


HEAD = "version = 1\nvalid_from = 2026-01-01\n"
RULE = HEAD + '[[rule]]\nid = "1"\nroles = ["fee"]\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("version = ", "not TOML"),
        ("", "version = <number>"),
        (HEAD + "rule = 5\n", "[[rule]]"),
        (HEAD + "ruls = 5\n", "'ruls', which is not known"),
        (RULE + 'acount = "1"\n', "rule 1 (id '1') has 'acount'"),
        (RULE + "account = 1\n", "must be text in quotes"),
        (RULE + '[rule.when]\ntype = "sale"\n', "rule 1 (id '1'), type"),
        (RULE + '[rule.when]\nvat_rate = ["much"]\n', "'much' is not a number"),
        (RULE + '[rule.when]\nvat_rate = ["NaN"]\n', "is not a number"),
        (RULE + 'when = "x"\n', "when must be a table"),
        (RULE + 'dimensions = "x"\n', "dimensions must be a table"),
        (RULE + 'dimensions = { one = "x" }\n', "'one' is not a segment number"),
        (HEAD + '[[rule]]\nid = "1"\nroles = ["cake"]\n', "cake is not a role"),
        (HEAD + '[[rule]]\nroles = ["fee"]\n', "has no id"),
        (RULE + 'collect = "maybe"\n', 'collect is \'maybe\'. Say "yes" or "no"'),
        (RULE + '[rule.when]\nattribute = ["COLLECT"]\n', "'COLLECT' has no value. Write it like ID=VALUE"),
        (RULE + '[[rule]]\nid = "1"\nroles = ["fee"]\n', "Two rules have the id '1'"),
    ],
)
def test_a_wrong_toml_names_the_rule_and_what_to_do(text: str, says: str) -> None:
    with pytest.raises(RuleFileError) as caught:
        from_toml(text)
    assert says in str(caught.value)


CSV = "rulebook,1,2026-01-01\nid,roles,account,dimensions,vat_rate\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Line 1 must be"),
        ("rulebook,x,2026-01-01\n", "Line 1 must be"),
        ("rulebook,1,soon\n", "'soon' is not a day"),
        ("rulebook,1,2026-01-01\nid,roles,colour\n", "Line 2: Column 'colour'"),
        ("rulebook,1,2026-01-01\nid\n", "Columns id and roles are missing"),
        (CSV + "1,fee,6570,OSLO,\n", "line 3: dimension 'OSLO'"),
        (CSV + "1,fee,6570,1=A|1=B,\n", "one dimension twice"),
        (CSV + "1,fee,6570,,12,5\n", "Line 3 has 6 cells"),
        (CSV + "1,fee,6570,,x\n", "line 3, vat_rate"),
        (CSV + "1,cake,6570,,\n", "cake is not a role"),
        (CSV + "1,fee,1,,\n\n1,fee,2,,\n", "Two rules"),
    ],
)
def test_a_wrong_csv_names_the_line_and_what_to_do(text: str, says: str) -> None:
    with pytest.raises(RuleFileError) as caught:
        from_csv(text)
    assert says in str(caught.value)


def test_a_spreadsheet_may_leave_columns_out_and_add_a_byte_order_mark() -> None:
    (rule,) = from_csv("\ufeff" + CSV + "1,fee|sales,6570,1=OSLO,25\n").rules
    assert (rule.roles, rule.account, rule.dimensions, rule.when.vat_rate) == (
        ("fee", "sales"), "6570", ((1, "OSLO"),), (Decimal(25),)
    )  # fmt: skip


def test_a_snippet_has_rules_only() -> None:
    assert [rule.id for rule in rules_from_toml('[[rule]]\nid = "1"\nroles = ["fee"]\n')] == ["1"]
