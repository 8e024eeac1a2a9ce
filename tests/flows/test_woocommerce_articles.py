"""Rules by the category of a shop's article: when the shop's products are asked for, and what is waited for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ml_connector.finance.documents import Article, Sale
from ml_connector.finance.invoices import CustomerInvoice
from ml_connector.finance.plan import Wait
from ml_connector.finance.rulebook import Rule, Rulebook, When
from tests.flows.shop_builders import (
    CHART,
    D25,
    GOODS,
    RULEBOOK,
    SHIPPING,
    TERMS,
    Store,
    account,
    line,
    order,
    posted,
    refund,
    with_refunds,
)

COFFEE = Rule("coffee", ("sales",), When(category=("Kaffe",), vat_rate=(D25,)), account="3020", vat_code="V25")
ASKING: dict[str, Any] = {
    "rulebook": Rulebook(1, RULEBOOK.valid_from, (COFFEE, *RULEBOOK.rules)),
    "terms": replace(TERMS, asks_articles=True),
    "chart": replace(CHART, accounts={**CHART.accounts, "3020": account("3020", "Income")}),
}
BEANS = Article("88", "known", "Beans", categories=("Mat", "Kaffe"))
BAG = line("400", article="BEAN-1", listed="88")


def accounts(store: Store, document: Any) -> list[str]:
    content = store.plan(document).writes[0].content
    assert isinstance(content, CustomerInvoice)
    return [one.account for one in content.lines]


def test_a_rule_by_category_decides_where_a_line_goes() -> None:
    store = Store(BEANS, **ASKING)
    assert accounts(store, order(BAG, GOODS, SHIPPING)) == ["3020", "3000", "3040"]
    assert [one for one in store.asked if "article" in one] == ["source:article:88"]


def test_who_tells_no_articles_apart_asks_the_shop_for_none() -> None:
    store = Store(BEANS)
    assert accounts(store, order(BAG)) == ["3000"]
    assert not [one for one in store.asked if "article" in one]


def test_what_came_back_goes_where_it_was_sold() -> None:
    sale = order(BAG, SHIPPING)
    back = refund("125", line("100", article="BEAN-1", listed="88"))
    store = Store(BEANS, with_refunds(sale, back), posted=posted(Store(BEANS, **ASKING).plan(sale)), **ASKING)
    assert accounts(store, back) == ["3020"]


def test_an_article_that_the_shop_lists_no_more_is_booked_by_the_other_rules() -> None:
    assert accounts(Store(Article("88", "unknown"), **ASKING), order(BAG)) == ["3000"]


def test_products_that_the_key_may_not_read_are_waited_for_and_what_is_booked_stays() -> None:
    hidden = Store(Article("88", "hidden"), **ASKING)
    sale: Sale = order(BAG)
    verdict = hidden.verdict(sale)
    assert isinstance(verdict, Wait)
    assert "does not show its products" in verdict.reason
    back = refund("125", line("100", article="BEAN-1", listed="88"))
    assert isinstance(Store(Article("88", "hidden"), with_refunds(sale, back), **ASKING).verdict(back), Wait)
    before = posted(Store(BEANS, **ASKING).plan(sale))
    assert Store(Article("88", "hidden"), posted=before, **ASKING).plan(sale).writes
