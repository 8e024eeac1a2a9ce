"""Square payments and orders: what a bookkeeper reads in the journal."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ml_connector.finance.documents import Sale
from ml_connector.finance.encoding import booked_hash
from ml_connector.finance.plan import Hold, Ignore, Wait
from ml_connector.finance.rulebook import LocationTerms
from tests.flows.builders import (
    D12,
    NOON,
    OSLO,
    TERMS,
    Shop,
    back,
    capture,
    eur,
    journal,
    line,
    place,
    readable,
    sale,
    tender,
)


def test_a_card_sale_with_vat_and_tip_is_one_balanced_journal() -> None:
    order = sale(tip="10")
    (write,) = Shop(order).plan(capture(tip="10")).writes
    assert readable(write) == journal(
        "sq:sale:O1 2026-03-10",
        "Dr 1580 clearing 135.00",
        "Cr 3010 sales OSLO V25 100.00",
        "Cr 2611 vat U25 25.00",
        "Cr 2890 tips OSLO 10.00",
    )
    assert write.content.vat_transaction  # type: ignore[union-attr]


def test_every_choice_is_explained_by_its_rule() -> None:
    (write,) = Shop(sale()).plan(capture()).writes
    said = {(why.what, why.chosen): why.because for why in write.why}
    assert said["sales account", "3010"] == "rule sales-25: vat_rate = 25"
    assert said["clearing cash account", "SQEUR"] == "rule clearing: currency = EUR"
    assert said["sales dimension 1", "OSLO"] == f"rule oslo: location = {OSLO}"


def test_a_split_payment_debits_each_means_and_every_payment_plans_the_same_write() -> None:
    order = sale(
        line("100", "25"), line("50", "6", rate=D12),
        tenders=(tender("P1", "61"), tender("P2", "100", means="cash"), tender("P3", "20", means="other")),
    )  # fmt: skip
    paid = (
        capture("61"), capture("100", id="P2", means="cash"),
        capture("20", id="P3", means="external:OTHER", own_fee=eur("0.60")),
    )  # fmt: skip
    shop = Shop(order, *paid)
    writes = [shop.plan(one).writes[0] for one in paid]
    assert readable(writes[0]) == journal(
        "sq:sale:O1 2026-03-10",
        "Dr 1580 clearing 61.00",
        "Dr 1910 till OSLO 100.00",
        "Dr 1585 external 20.00",
        "Dr 6570 fee OSLO 0.60",
        "Cr 3010 sales OSLO V25 100.00",
        "Cr 2611 vat U25 25.00",
        "Cr 3020 sales OSLO V12 50.00",
        "Cr 2621 vat U12 6.00",
        "Cr 1585 external 0.60",
    )
    assert writes[0] == writes[1] == writes[2]


def test_a_multi_purpose_gift_card_is_a_debt_when_sold_and_taxed_when_used() -> None:
    card = sale(line("500", kind="gift_card", name="Gift card"))
    (sold,) = Shop(card).plan(capture("500")).writes
    assert readable(sold) == journal("sq:sale:O1 2026-03-10", "Dr 1580 clearing 500.00", "Cr 2421 gift_cards 500.00")
    order = sale(tenders=(tender("P1", "125", means="gift_card"),))
    (used,) = Shop(order).plan(capture(means="gift_card")).writes
    assert readable(used) == journal(
        "sq:sale:O1 2026-03-10", "Dr 2421 gift_cards 125.00", "Cr 3010 sales OSLO V25 100.00", "Cr 2611 vat U25 25.00"
    )


def test_a_single_purpose_gift_card_is_taxed_when_sold_and_not_when_used() -> None:
    terms = replace(TERMS, gift_cards="single")
    card = sale(line("100", "25", kind="gift_card", name="Voucher"))
    (sold,) = Shop(card, terms=terms).plan(capture()).writes
    assert readable(sold) == journal(
        "sq:sale:O1 2026-03-10", "Dr 1580 clearing 125.00", "Cr 2421 gift_cards V25 100.00", "Cr 2611 vat U25 25.00"
    )
    half = sale(tenders=(tender("P1", "62.50", means="gift_card"), tender("P2", "62.50")))
    paid = (capture("62.50", means="gift_card"), capture("62.50", id="P2"))
    (used,) = Shop(half, *paid, terms=terms).plan(paid[0]).writes
    assert readable(used) == journal(
        "sq:sale:O1 2026-03-10",
        "Dr 2421 gift_cards 50.00",
        "Dr 1580 clearing 62.50",
        "Cr 3010 sales OSLO 50.00",
        "Cr 3010 sales OSLO V25 50.00",
        "Cr 2611 vat U25 12.50",
    )


def test_a_gift_card_waits_until_somebody_says_which_kind_it_is() -> None:
    terms = replace(TERMS, gift_cards=None)
    order = sale(line("500", kind="gift_card"))
    assert Shop(order, terms=terms).holds(capture("500")) == ["gift-card-kind"]
    assert Shop(sale(), terms=terms).holds(capture(means="gift_card")) == ["gift-card-kind"]
    assert Shop(order, terms=terms, decisions={"gift-card-kind": "multi"}).plan(capture("500")).writes


@pytest.mark.parametrize(
    ("kind", "tax", "code"), [("multi", "25", "gift-card-taxed"), ("single", "0", "gift-card-untaxed")]
)
def test_a_gift_card_whose_tax_contradicts_its_kind_is_held(kind: Any, tax: str, code: str) -> None:
    order = sale(line("100", tax, kind="gift_card"))
    assert Shop(order, terms=replace(TERMS, gift_cards=kind)).holds(capture(order.total.decimal().__str__())) == [code]


def test_an_automatic_gratuity_follows_the_policy_and_is_held_without_one() -> None:
    taxed = sale(line("100", "25"), line("10", "2.50", kind="auto_gratuity"))
    (write,) = Shop(taxed).plan(capture("137.50")).writes
    assert "Cr 3010 service_charge OSLO V25 10.00" in readable(write)
    untaxed = sale(line("100", "25"), line("10", kind="auto_gratuity"))
    (tip,) = Shop(untaxed, terms=replace(TERMS, gratuity_taxed=False)).plan(capture("135")).writes
    assert "Cr 2890 tips OSLO 10.00" in readable(tip)
    assert Shop(untaxed, terms=replace(TERMS, gratuity_taxed=None)).holds(capture("135")) == ["gratuity-policy"]
    assert Shop(untaxed).holds(capture("135")) == ["gratuity-tax-differs"]
    assert Shop(taxed, terms=replace(TERMS, gratuity_taxed=False)).holds(capture("137.50")) == ["gratuity-tax-differs"]


def test_tips_that_the_company_keeps_are_sales_without_vat() -> None:
    (write,) = Shop(sale(tip="10"), terms=replace(TERMS, tips_are="sales")).plan(capture(tip="10")).writes
    assert "Cr 3030 sales OSLO 10.00" in readable(write)


def test_a_service_charge_is_sales_with_its_own_vat() -> None:
    order = sale(line("100", "25"), line("8", "2", kind="service_charge"))
    (write,) = Shop(order).plan(capture("135")).writes
    assert "Cr 3010 service_charge OSLO V25 8.00" in readable(write)


def test_cash_rounding_has_its_own_line_without_vat() -> None:
    order = sale(line("100", "24.98"), rounding="0.02", tenders=(tender("P1", "125", means="cash"),))
    (write,) = Shop(order).plan(capture(means="cash")).writes
    assert "Cr 3740 rounding 0.02" in readable(write)


def test_totals_within_the_tolerance_are_rounded_and_beyond_it_held() -> None:
    near = replace(sale(), total=eur("125.01"), tenders=(tender("P1", "125.01"),))
    (write,) = Shop(near).plan(capture("125.01")).writes
    assert "Cr 3740 rounding 0.01" in readable(write)
    far = replace(sale(), total=eur("126"), tenders=(tender("P1", "126"),))
    assert Shop(far).holds(capture("126")) == ["total-differs"]
    unpaid = sale(tenders=(tender("P1", "100"),))
    assert Shop(unpaid).holds(capture("100")) == ["payments-differ"]


def test_an_exchange_shows_what_went_out_and_what_came_back() -> None:
    order = sale(line("200", "50"), returns=(back(line("100", "25"), sale_id="O0"),), tenders=(tender("P1", "125"),))
    (write,) = Shop(order).plan(capture()).writes
    assert readable(write) == journal(
        "sq:sale:O1 2026-03-10",
        "Dr 3010 sales OSLO V25 100.00",
        "Dr 2611 vat U25 25.00",
        "Dr 1580 clearing 125.00",
        "Cr 3010 sales OSLO V25 200.00",
        "Cr 2611 vat U25 50.00",
    )


def test_an_even_exchange_is_booked_from_the_order_because_it_has_no_payment() -> None:
    order = sale(line("100", "25"), returns=(back(line("111.61", "13.39", rate=D12), sale_id="O0"),), tenders=())
    (write,) = Shop().plan(order).writes
    assert readable(write) == journal(
        "sq:sale:O1 2026-03-10",
        "Dr 3020 sales OSLO V12 111.61",
        "Dr 2621 vat U12 13.39",
        "Cr 3010 sales OSLO V25 100.00",
        "Cr 2611 vat U25 25.00",
    )
    assert isinstance(Shop().verdict(sale()), Ignore)


def test_a_free_order_books_nothing() -> None:
    order = sale(line("0"), tenders=(tender("P1", "0"),))
    assert isinstance(Shop(order).verdict(capture("0")), Ignore)


def test_two_taxes_on_one_line_are_two_vat_lines() -> None:
    first = line("100", "25")
    both = replace(first, taxes=(*first.taxes, replace(first.taxes[0], rate=D12, amount=eur("12"))))
    assert Shop(sale(both)).holds(capture("137")) == ["mapping-missing"]  # nobody has mapped sales at 37 %


@pytest.mark.parametrize(("state", "verdict"), [("pending", Wait), ("canceled", Ignore), ("failed", Ignore)])
def test_only_captured_payments_are_revenue(state: str, verdict: type) -> None:
    assert isinstance(Shop(sale()).verdict(capture(state=state)), verdict)


def test_a_part_paid_open_order_waits_until_it_is_whole() -> None:
    assert isinstance(Shop(sale(state="open")).verdict(capture()), Wait)
    assert isinstance(Shop().verdict(capture()), Wait)


def test_a_payment_of_a_canceled_order_or_of_none_is_held() -> None:
    assert Shop(sale(state="canceled")).holds(capture()) == ["order-canceled-but-paid"]
    assert Shop().holds(capture(order_id=None)) == ["order-missing"]


def test_a_sale_waits_until_the_invoices_of_its_location_were_walked() -> None:
    class Unwalked(Shop):
        def answer(self, need):  # type: ignore[no-untyped-def]
            return () if need.kind == "invoice" else super().answer(need)

        def related(self, document):  # type: ignore[no-untyped-def]
            known = super().related(document)
            return replace(known, answers={k: v for k, v in known.answers.items() if ":invoice:" not in k})

    assert isinstance(Unwalked(sale()).verdict(capture()), Wait)


def test_what_happened_before_go_live_is_ignored_with_the_reason() -> None:
    verdict = Shop(sale(), terms=replace(TERMS, go_live=(NOON + timedelta(days=1)).date())).verdict(capture())
    assert verdict == Ignore("it is of 2026-03-10, before the go-live day 2026-03-11")


def test_a_new_location_is_held_with_a_proposal_and_so_are_its_sales() -> None:
    verdict = Shop().verdict(place())
    assert isinstance(verdict, Hold)
    assert verdict.findings[0].code == "location-unmapped"
    assert verdict.findings[0].proposal["time_zone"] == "Europe/Dublin"
    assert Shop(sale(location="L-NEW")).holds(capture(location="L-NEW")) == ["location-unmapped"]
    assert isinstance(Shop().verdict(place(OSLO)), Ignore)


def test_a_location_gives_the_entry_its_branch() -> None:
    terms = replace(TERMS, locations={OSLO: LocationTerms(time_zone="Europe/Dublin", branch="7")})
    (write,) = Shop(sale(), terms=terms).plan(capture()).writes
    assert write.content.branch == "7"  # type: ignore[union-attr]


def test_a_missing_mapping_proposes_a_rule_from_a_similar_one() -> None:
    nine = line("100", "9", rate=None)
    order = sale(replace(nine, taxes=(replace(nine.taxes[0], rate=D12 - 3),)))
    verdict = Shop(order).verdict(capture("109"))
    assert isinstance(verdict, Hold)
    (finding,) = verdict.findings
    assert finding.code == "mapping-missing"
    assert finding.proposal["rule"] == (
        '[[rule]]\nid = "sales-9"\nroles = ["sales"]\naccount = "3010"\n[rule.when]\nvat_rate = ["9"]\n'
    )


def test_planning_twice_gives_the_same_plan() -> None:
    shop = Shop(sale(tip="10"))
    first, second = shop.plan(capture(tip="10")), shop.plan(capture(tip="10"))
    assert first == second
    assert booked_hash("journal", first.writes[0].content) == booked_hash("journal", second.writes[0].content)


def test_orders_of_an_unknown_document_type_never_reach_the_journal() -> None:
    draft: Sale = sale(state="draft")
    assert isinstance(Shop(draft).verdict(capture()), Wait)
