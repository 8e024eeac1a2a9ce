"""Terms in a file: what is left out stays, a wrong one is named with what may stand there, what is written reads so."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from ml_connector.finance.purchase_terms import PurchaseTerms
from ml_connector.finance.rulebook import LocationTerms, Terms
from ml_connector.rules import termfile

SHIPPED = sorted((Path(__file__).parents[2] / "src/ml_connector/cli").glob("*_terms.toml"))
STANDING = Terms(
    code="sq",
    time_zone="Europe/Oslo",
    gift_cards="multi",
    fee_vat="exempt",
    vat_reported_until=date(2026, 6, 30),
    locations={"L 1": LocationTerms("Europe/Oslo", 120, None, 'The "big" one'), "L2": LocationTerms()},
    gateways_elsewhere={"stripe": "st:ch"},
    collect_attributes={"COLLECT": ("STRIPE", "CARD")},
    gift_card_words=("gift",),
    purchase=PurchaseTerms(code="sq", namespace="7d4d1f4a", dimensions={1: "cost_center"}, units={"PCS": "C62"}),
)


def test_what_is_left_out_stays_as_it_is() -> None:
    read = termfile.parse({"mode": "daily", "purchase": {"payments": True}}, base=STANDING)
    assert read == replace(STANDING, mode="daily", purchase=replace(STANDING.purchase, payments=True))


@pytest.mark.parametrize("terms", [Terms(), STANDING])
def test_what_is_written_is_read_as_the_same(terms: Terms) -> None:
    assert termfile.parse(tomllib.loads(termfile.to_toml(terms)), base=Terms(code=terms.code)) == replace(
        terms, purchase=replace(terms.purchase, code=PurchaseTerms().code)
    )


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_terms_are_read_and_written(file: Path) -> None:
    read = termfile.parse(tomllib.loads(file.read_text(encoding="utf-8")), base=Terms())
    assert termfile.parse(tomllib.loads(termfile.to_toml(read)), base=Terms()) == read


def test_what_nobody_has_said_is_a_remark_that_names_the_choices() -> None:
    text = termfile.to_toml(Terms())
    assert "# gift_cards: nobody has said (multi or single)" in text
    assert "asks_articles" not in text, "no term of people's"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ('mode = "daly"', "mode: 'daly' is none of per_record, batch, daily, per_payout."),
        ('moode = "daily"', "Unknown: moode."),
        ('fee_vat = "maybe"', "fee_vat: 'maybe' is none of exempt, reverse_charge."),
        ('tolerance_minor = "two"', "tolerance_minor: 'two' must be a whole number."),
        ("tolerance_minor = true", "tolerance_minor: True must be a whole number."),
        ("batch_size = -1", "batch_size: -1 must not be negative."),
        ("business_orders = 1", "business_orders: 1 must be true or false."),
        ("branch = 1", "branch: 1 must be text in quotes."),
        ('time_zone = "Europe/Stokholm"', "time_zone: 'Europe/Stokholm' is no time zone, such as Europe/Stockholm."),
        ('[locations.L1]\ntime_zone = "Mars"', "'Mars' is no time zone"),
        ("[locations.L1]\nzone = 1", "Unknown: locations.L1.zone."),
        ("locations = 1", "locations: 1 must be a table."),
        ('order_statuses = "completed"', 'order_statuses: \'completed\' must be a list, such as ["one", "two"].'),
        ('vat_reported_until = "June"', "vat_reported_until: 'June' must be a day, such as 2026-01-31."),
        ('[purchase]\nmode = "both"', "purchase.mode: 'both' is none of visma_receives, basware_receives."),
        ("purchase = 1", "purchase must be a table."),
        ('[purchase.dimensions]\none = "dim1"', "where a number of a segment must stand."),
        ('[purchase.invoice_types]\n380 = "bill"', "is none of invoice, credit."),
        ('code = "x"', "Unknown: code."),
        ("asks_articles = true", "Unknown: asks_articles."),
    ],
)
def test_a_wrong_term_is_named_with_what_it_may_be(given: str, told: str) -> None:
    with pytest.raises(termfile.TermFileError) as refused:
        termfile.parse(tomllib.loads(given), base=Terms())
    assert told in str(refused.value)


def test_every_wrong_term_is_named_at_once() -> None:
    with pytest.raises(termfile.TermFileError, match=r"mode: .* late: "):
        termfile.parse({"mode": "x", "late": "y"}, base=Terms())
