"""Rules against a ledger, before they post anything."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from ml_connector.finance.rulebook import Rule, Rulebook, When
from ml_connector.flows.square_to_visma import FLOW
from ml_connector.rules.checking import check_rulebook
from tests.flows.builders import CHART, RULEBOOK, account

CHART2 = replace(
    CHART,
    accounts={
        **CHART.accounts,
        "1700": account("1700", currency="EUR"),
        "2995": account("2995", "Liability", tax_category="V25"),
        "2994": account("2994", "Liability", manual_entry=False),
        "1581": account("1581", manual_entry=False),
    },
    cash_accounts={**CHART.cash_accounts, "SHUT": replace(CHART.cash_accounts["BANK"], number="SHUT", account="1581")},
    vat_ids={**CHART.vat_ids, "GONE": replace(CHART.vat_ids["U25"], id="GONE", not_after=date(2025, 12, 31))},
)


def check(*rules: Rule) -> set[tuple[str, bool]]:
    found = check_rulebook(Rulebook(1, date(2026, 1, 1), rules), CHART2, FLOW.roles)
    return {(one.code, one.blocks) for one in found if one.code != "role-unmapped"}


def test_the_demo_rulebook_passes() -> None:
    found = check_rulebook(RULEBOOK, CHART, FLOW.roles)
    assert [one.code for one in found if one.blocks] == []
    assert {one.field for one in found if one.code == "role-unmapped"} == {"service_charge"}


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (Rule("x", ("fee",), account="4711"), "account-unknown"),
        (Rule("x", ("fee",), account="9999"), "account-inactive"),
        (Rule("x", ("fee",), account="1510"), "account-control"),
        (Rule("x", ("fee",), account="2994"), "account-no-manual-entry"),
        (Rule("x", ("fee",), account="1580"), "account-is-cash"),
        (Rule("x", ("fee",), cash_account="BANK"), "account-is-cash"),
        (Rule("x", ("tips",), account="2995"), "account-has-vat"),
        (Rule("x", ("transit",), account="1700"), "account-currency"),
        (Rule("x", ("clearing",), account="3010"), "account-not-cash"),
        (Rule("x", ("clearing",), cash_account="NONE"), "cash-account-unknown"),
        (Rule("x", ("bank",), cash_account="SHUT"), "cash-account-closed"),
        (Rule("x", ("clearing",), When(currency=("GBP",)), cash_account="SQEUR"), "cash-account-currency"),
        (Rule("x", ("clearing",), account="1930", cash_account="SQEUR"), "cash-account-mismatch"),
        (Rule("x", ("sales",), dimensions=((1, "MOON"),)), "dimension-unknown"),
        (Rule("x", ("sales",), When(branch=("77",)), account="3010"), "branch-unknown"),
        (Rule("x", ("sales",), dimensions=((9, "OSLO"),)), "dimension-unknown"),
        (Rule("x", ("sales",), dimensions=((1, "OLD"),)), "dimension-inactive"),
        (Rule("x", ("sales",), vat_code="OLD"), "vat-code-unknown"),
        (Rule("x", ("sales",), When(vat_rate=(Decimal(12),)), vat_code="V25"), "vat-rate-differs"),
        (Rule("x", ("vat",), vat_id="NONE"), "vat-id-unknown"),
        (Rule("x", ("vat",), vat_id="GONE"), "vat-id-expired"),
        (Rule("x", ("vat",), When(vat_rate=(Decimal(12),)), vat_id="U25"), "vat-rate-differs"),
        (Rule("x", ("vat",), account="2890", vat_id="U25"), "vat-account-differs"),
        (Rule("x", ("sales",), vat_code="V12", vat_id="U25"), "vat-id-differs"),
        (Rule("x", ("clearing",), payment_method="OLD"), "payment-method-unknown"),
    ],
)
def test_what_a_rule_names_must_fit_the_ledger(rule: Rule, code: str) -> None:
    assert check(rule) == {(code, True)}


def test_a_sales_rule_may_name_the_vat_id_behind_its_code() -> None:
    assert (
        check(Rule("x", ("sales",), When(vat_rate=(Decimal(25),)), account="3010", vat_code="V25", vat_id="U25"))
        == set()
    )


def test_a_rule_behind_a_wider_one_never_speaks() -> None:
    wide = Rule("a", ("fee",), account="6570")
    assert check(wide, Rule("b", ("fee",), When(location=("L1",)), account="6575")) == {("rule-unreachable", False)}
    assert check(Rule("b", ("fee",), When(location=("L1",)), account="6575"), wide) == set()
    assert check(wide, Rule("c", ("fee",), dimensions=((1, "OSLO"),))) == set()
    big = Rule("d", ("fee",), When(amount_from=Decimal(10)), account="6570")
    assert check(big, Rule("e", ("fee",), When(amount_from=Decimal(20)), account="6575")) == {
        ("rule-unreachable", False)
    }
    assert check(big, Rule("f", ("fee",), When(amount_from=Decimal(5)), account="6575")) == set()


def test_a_rule_for_a_role_the_flow_never_asks_is_pointed_out() -> None:
    assert check(Rule("x", ("write_off",), account="6570")) == {("rule-unused", False)}


@pytest.mark.parametrize(
    ("rule", "codes"),
    [
        (Rule("x", ("collect",), collect="yes"), set()),
        (Rule("x", ("collect",)), {("collect-undecided", False)}),
        (Rule("x", ("clearing",), collect="no"), {("collect-undecided", False)}),
    ],
)
def test_a_rule_about_collecting_has_the_role_and_decides(rule: Rule, codes: set[tuple[str, bool]]) -> None:
    found = check_rulebook(Rulebook(1, date(2026, 1, 1), (rule,)), CHART2, ("clearing", "collect"))
    assert {(one.code, one.blocks) for one in found} - {("role-unmapped", False)} == codes
    assert "collect" not in {one.field for one in found if one.code == "role-unmapped"}
