"""Rules by category and article number: what the catalogue says of an order's lines, and what it does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ml_connector.finance.documents import Article, Sale
from ml_connector.finance.plan import Related, Wait
from ml_connector.finance.rulebook import Rule, Rulebook, When
from ml_connector.flows.square_to_visma import FLOW
from tests.flows.builders import (
    D12,
    RULEBOOK,
    TERMS,
    Shop,
    back,
    capture,
    customer,
    invoice,
    journal,
    line,
    readable,
    refund,
    return_order,
    sale,
    tender,
)

ASKING = replace(TERMS, asks_articles=True)
FOOD = Rule("food", ("sales",), When(category=("Food",)), account="3020")
BUN = Rule("bun", ("sales",), When(article=("BUN-L",)), account="3030")
BY_ID = Rule("by id", ("sales",), When(article=("VAR-9",)), account="3030")


def book(*rules: Rule) -> Rulebook:
    return replace(RULEBOOK, rules=(*rules, *RULEBOOK.rules))


def article(id_: str = "VAR-1", *categories: str, sku: str = "", **more: Any) -> Article:
    return Article(**{"id": id_, "state": "known", "sku": sku, "categories": categories, **more})


def bread(**more: Any) -> Article:
    return article("VAR-1", "Bread", "Food", sku="BUN-L", **more)


def sold(*ids: str | None) -> Sale:
    """An order of one line of 100.00 + 25.00 for each article."""
    lines = [line("100", "25", uid=f"u{n}", article=id_) for n, id_ in enumerate(ids)]
    return sale(*lines)


def shop(*documents: Any, rules: tuple[Rule, ...] = (FOOD,), **more: Any) -> Shop:
    return Shop(*documents, terms=ASKING, rulebook=book(*rules), **more)


def test_a_category_chooses_the_account_and_one_above_it_does_too() -> None:
    (write,) = shop(sold("VAR-1"), bread()).plan(capture()).writes
    assert readable(write) == journal(
        "sq:sale:O1 2026-03-10",
        "Dr 1580 clearing 125.00",
        "Cr 3020 sales OSLO V25 100.00",
        "Cr 2611 vat U25 25.00",
    )
    said = {(why.what, why.chosen): why.because for why in write.why}
    assert said["sales account", "3020"] == "rule food: category = Food"


def test_an_article_is_known_by_its_number_and_by_the_sources_id() -> None:
    (by_number,) = shop(sold("VAR-1"), bread(), rules=(BUN,)).plan(capture()).writes
    assert "Cr 3030 sales" in readable(by_number)
    (by_id,) = shop(sold("VAR-9"), article("VAR-9", sku="X"), rules=(BY_ID,)).plan(capture()).writes
    assert "Cr 3030 sales" in readable(by_id)


def test_what_the_catalogue_does_not_know_and_amounts_typed_in_fall_to_other_rules() -> None:
    order = sale(
        line("100", "25", uid="a", article="VAR-1"), line("100", "25", uid="b", article="GONE"),
        line("100", "25", uid="c", kind="custom"),
    )  # fmt: skip
    (write,) = shop(order, bread(), article("GONE", state="unknown")).plan(capture("375")).writes
    assert readable(write) == journal(
        "sq:sale:O1 2026-03-10",
        "Dr 1580 clearing 375.00",
        "Cr 3020 sales OSLO V25 100.00",
        "Cr 2611 vat U25 75.00",
        "Cr 3010 sales OSLO V25 200.00",
    )


def test_nothing_is_asked_of_the_catalogue_unless_a_rule_tells_articles_apart() -> None:
    asked = Shop(sold("VAR-1")).related(capture())
    assert not [name for name in asked.answers if ":article:" in name]
    plain, asking = (FLOW.needs(capture(), Related({"source:order:O1": (sold("VAR-1"),)}), t) for t in (TERMS, ASKING))
    assert [need.said for need in asking if need not in plain] == ["article VAR-1"]


def test_a_sale_waits_until_its_articles_are_read() -> None:
    missing = FLOW.needs(capture(), shop(sold("VAR-1")).related(capture()), ASKING)
    assert any(need.kind == "article" and not need.optional for need in missing)


def test_a_hidden_catalogue_lets_the_sale_wait_in_words_rather_than_fall_to_another_rule() -> None:
    verdict = shop(sold("VAR-1"), article("VAR-1", state="hidden")).verdict(capture())
    assert isinstance(verdict, Wait)
    assert "ITEMS_READ" in verdict.reason


def test_returned_goods_come_off_the_account_they_were_sold_on() -> None:
    came_back = return_order(back(line("100", "25", article="VAR-1")))
    given = refund("125", return_order_id="R-O1")
    (write,) = shop(sold("VAR-1"), came_back, capture(), bread()).plan(given).writes
    assert "Dr 3020 sales OSLO V25 100.00" in readable(write)


def test_a_refund_by_amount_is_shared_between_categories() -> None:
    order = sold("VAR-1", "VAR-2")
    known = (bread(), article("VAR-2", "Toys"))
    rules = (FOOD, Rule("toys", ("sales",), When(category=("Toys",)), account="3030"))
    around = (order, capture("250"), *known)
    held = shop(*around, rules=rules, decisions={"refund-vat-mix": "approve"})
    (write,) = held.plan(refund("125")).writes
    assert "Dr 3020 sales OSLO V25 50.00" in readable(write)
    assert "Dr 3030 sales OSLO V25 50.00" in readable(write)


def test_an_even_exchange_is_told_apart_too() -> None:
    order = sale(
        line("100", "25", uid="new", article="VAR-2"), tenders=(),
        returns=(back(line("100", "25", uid="old", article="VAR-1")),),
    )  # fmt: skip
    (write,) = shop(order, bread(), article("VAR-2", "Toys")).plan(order).writes
    assert "Dr 3020 sales OSLO V25 100.00" in readable(write)
    assert "Cr 3010 sales OSLO V25 100.00" in readable(write)


def test_an_invoices_lines_follow_the_categories_of_its_order() -> None:
    bill = invoice()
    order = replace(sold("VAR-1"), tenders=(), state="open")
    world = shop(order, customer(), bread())
    (document,) = [one for one in world.plan(bill).writes if one.kind == "customer_invoice"]
    assert "3020 sales" in readable(document)


def test_a_category_that_no_rule_names_is_in_the_proposal() -> None:
    rules = (FOOD, *(rule for rule in RULEBOOK.rules if rule.id != "sales-25"))
    world = Shop(
        sold("VAR-2"), article("VAR-2", "Toys"), terms=ASKING, rulebook=replace(RULEBOOK, rules=rules)
    )  # fmt: skip
    verdict: Any = world.verdict(capture())
    (finding,) = verdict.findings
    assert finding.code == "mapping-missing"
    assert finding.proposal["when"] == {"vat_rate": "25", "category": "Toys"}


def test_two_rates_and_two_categories_stay_apart() -> None:
    order = sale(
        line("100", "25", uid="a", article="VAR-1"), line("50", "6", uid="b", rate=D12, article="VAR-2"),
        tenders=(tender("P1", "181"),),
    )  # fmt: skip
    (write,) = shop(order, bread(), article("VAR-2", "Toys")).plan(capture("181")).writes
    assert "Cr 3020 sales OSLO V25 100.00" in readable(write)
    assert "Cr 3020 sales OSLO V12 50.00" in readable(write)
