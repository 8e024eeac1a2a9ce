"""The doctor on VAT: each code in each zone, what bears none, rates that will change."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from ml_connector.engine import doctor, ruling
from ml_connector.engine.doctor_vat import Told, examine
from ml_connector.finance.chart import Chart
from ml_connector.finance.rulebook import Rule, Terms
from tests.engine.shop_world import ShopWorld
from tests.flows.builders import CHART

TODAY = date(2026, 4, 1)
U25, U12 = CHART.vat_ids["U25"], CHART.vat_ids["U12"]


def told(*rules: Rule, chart: Chart = CHART, terms: Terms = Terms()) -> list[Told]:  # noqa: B008  a frozen value
    return list(examine(rules, terms, chart, TODAY))


def with_ids(**changed: object) -> Chart:
    return replace(CHART, vat_ids={**CHART.vat_ids, **changed})  # type: ignore[dict-item]


def test_a_code_is_told_with_its_rate_and_id_in_each_zone() -> None:
    abroad = replace(U25, id="X0", rates=((date(2020, 1, 1), Decimal(0)),), zones=("09",))
    (one,) = told(Rule("s", ("sales",), vat_code="V25"), chart=with_ids(X0=abroad))
    assert one == Told("VAT code V25", "ok", "01: 25 % (U25); 09: 0 % (X0).")


def test_a_code_that_no_vat_id_serves_is_wrong_for_sales_and_right_for_what_bears_none() -> None:
    chart = replace(CHART, vat_codes={**CHART.vat_codes, "NONE": True})
    assert [one.verdict for one in told(Rule("s", ("sales",), vat_code="NONE"), chart=chart)] == ["wrong"]
    assert told(Rule("n", ("no_vat",), vat_code="NONE"), chart=chart) == [
        Told("VAT code NONE", "ok", "It bears no VAT in any zone.")
    ]


@pytest.mark.parametrize("reverse", [False, True])
def test_what_bears_no_vat_must_bear_none_in_any_zone(reverse: bool) -> None:
    zero = replace(U12, id="Z", rates=((date(2020, 1, 1), Decimal(0 if reverse else 12)),), reverse=reverse)
    chart = with_ids(Z=replace(zero, categories=("V0",), zones=("EU",)))
    (one,) = told(Rule("n", ("no_vat",), vat_code="V0"), chart=chart)
    assert one.verdict == "wrong"
    assert "in zone EU" in one.sentence
    assert "VAT id Z" in one.sentence


def test_a_rate_that_will_change_and_an_id_that_will_end_are_told_in_time() -> None:
    food = replace(U12, rates=((date(2020, 1, 1), Decimal(6)), (date(2028, 1, 1), Decimal(12))))
    found = told(Rule("s", ("sales",), vat_code="V12"), chart=with_ids(U12=food))
    assert [one.sentence for one in found if one.verdict == "asked"] == ["From 2028-01-01 it is 12 %."]
    ends = replace(U12, not_after=date(2027, 12, 31))
    found = told(Rule("v", ("vat",), vat_id="U12"), chart=with_ids(U12=ends))
    assert [one.sentence for one in found] == ["It ends on 2027-12-31."]


def test_reverse_charge_of_fees_needs_a_vat_id_of_that_kind() -> None:
    terms = Terms(fee_vat="reverse_charge")
    assert [one.verdict for one in told(terms=terms)] == ["wrong"]
    (one,) = told(terms=terms, chart=with_ids(R=replace(U25, id="R", reverse=True)))
    assert (one.verdict, one.sentence) == ("ok", "For the processor's monthly invoice: R.")


def test_a_collective_customer_must_be_there_active_and_of_its_zone_and_currency(tmp_path: Path) -> None:
    world = ShopWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    world.set_up()

    def verdict(number: str, serves: str) -> tuple[str, str]:
        zones = {"vat_zone": "SE", "customer.vat_zone.DE": "EU"}
        terms = replace(world.terms, collective_customers={serves: number}, party_defaults=zones)
        ruling.save_terms(world.works, world.route_id, terms, by="Ann")
        (one,) = [one for one in doctor.examine(world.works, world.company_id) if one.item == f"customer {number}"]
        return one.verdict, one.sentence

    assert verdict("10000", "SE:SEK")[0] == "ok"
    assert verdict("10000", "EU:SEK") == ("wrong", "It is for VAT zone EU, and the card has SE.")
    assert verdict("10002", "EXPORT:SEK") == ("wrong", "It is for SEK, and the card keeps GBP.")
    assert verdict("10001", "DE:EUR")[0] == "ok"  # of a country in that zone
    assert verdict("99999", "SE:SEK") == ("wrong", "It is not in the ledger.")
    ruling.save_terms(world.works, world.route_id, replace(world.terms, party_defaults={"vat_zone": "MOON"}), by="Ann")
    (one,) = [one for one in doctor.examine(world.works, world.company_id) if one.item == "VAT zone MOON"]
    assert one.verdict == "wrong"
    assert "Name one of" in one.fix
    world.close()
