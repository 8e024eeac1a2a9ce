"""Customers of Square that were merged: one customer of the ledger, which is never merged, doubled or moved by us."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ml_connector.finance.documents import Succession
from ml_connector.finance.invoices import PartyCard
from ml_connector.finance.plan import Found, Hold, Ignore, Plan
from ml_connector.rules.parties import GONE, MERGED, UNTOLD
from tests.flows.builders import TERMS, Shop, capture, customer, invoice, readable, sale, tender

UNPAID = sale(state="open", tenders=())
TO_N = (Succession("A", "N"), Succession("B", "N"))
NEW = customer("N", name="Harbour Group", merged=True)


def made(number: str) -> Found:
    return Found(number, how="made")


def written(shop: Shop, named: str = "N") -> list[str]:
    return [readable(write).splitlines()[0] for write in shop.plan(invoice(customer_id=named)).writes]


@pytest.mark.parametrize("named", ["A", "B", "N"])
def test_whoever_of_them_an_invoice_names_it_is_booked_on_the_one_that_stands(named: str) -> None:
    shop = Shop(UNPAID, NEW, customer("A"), *TO_N, found={"sq:cus:A": made("10050")})
    assert written(shop, named) == [
        "sq:cus:A customer Harbour Group Active", "sq:inv:I1 2026-03-09 customer_invoice to <sq:cus:A>",
    ]  # fmt: skip


def test_the_card_of_one_that_is_gone_is_kept_up_by_the_one_it_became() -> None:
    shop = Shop(NEW, customer("A"), *TO_N, found={"sq:cus:A": made("10050")})
    (card,) = shop.plan(NEW).writes
    assert isinstance(card.content, PartyCard)
    assert (card.key, card.content.name, card.content.source) == ("sq:cus:A", "Harbour Group", "sq:cus:A")
    gone = shop.verdict(customer("A"))
    assert isinstance(gone, Ignore)
    assert "customer N now" in gone.reason
    assert isinstance(Shop(NEW, *TO_N).verdict(NEW), Ignore), "one that no invoice ever named is not written"


def test_one_that_was_never_read_and_is_gone_is_known_by_what_became_of_it() -> None:
    assert written(Shop(UNPAID, NEW, *TO_N, found={"sq:cus:B": made("10051")}), "A")[0].startswith("sq:cus:B")
    assert written(Shop(UNPAID, NEW, *TO_N), "A")[0].startswith("sq:cus:N"), "none stands: it is made once"


def test_who_is_found_by_what_the_old_one_showed_is_not_made_anew() -> None:
    old = customer("A", email="old@harbour.example")
    shop = Shop(UNPAID, NEW, old, *TO_N, found={"old@harbour.example": Found("10045")})
    assert written(shop) == ["sq:inv:I1 2026-03-09 customer_invoice to 10045"]


def test_merged_again_and_again_it_stays_the_same_customer_and_a_circle_ends() -> None:
    last = customer("M", merged=True)
    shop = Shop(UNPAID, last, *TO_N, Succession("N", "M"), found={"sq:cus:A": made("10050")})
    for named in ("A", "N", "M"):
        assert written(shop, named)[0].startswith("sq:cus:A")
    circle = Shop(UNPAID, customer("A"), Succession("A", "B"), Succession("B", "A"), found={"sq:cus:A": made("10050")})
    assert written(circle, "A")[0].startswith("sq:cus:A")


BOTH = {"sq:cus:A": made("10050"), "sq:cus:B": made("10051")}
CHOSEN = {**BOTH, "sq:cus:N:chosen": Found("10051", how="decided")}


def test_two_that_stand_apart_in_the_ledger_are_a_persons_matter_wherever_one_of_them_is_named() -> None:
    shop = Shop(UNPAID, NEW, customer("A"), customer("B"), *TO_N, found=BOTH)
    for document in (invoice(customer_id="A"), invoice(customer_id="N"), NEW):
        verdict = shop.verdict(document)
        assert isinstance(verdict, Hold)
        (finding,) = verdict.findings
        assert (finding.code, finding.field) == (MERGED, "sq:cus:N")
        assert finding.proposal["choices"] == ["10050", "10051"]
    matched = {"a@x.example": Found("10045"), "b@x.example": Found("10046")}
    found = Shop(
        UNPAID, NEW, customer("A", email="a@x.example"), customer("B", email="b@x.example"), *TO_N, found=matched
    )
    assert found.holds(invoice(customer_id="N")) == [MERGED]
    assert isinstance(found.verdict(NEW), Ignore), "nobody is asked about one that nothing is booked on"


def test_the_one_that_a_person_chose_counts_from_then_on() -> None:
    shop = Shop(UNPAID, NEW, customer("A"), *TO_N, found=CHOSEN)
    assert written(shop, "A")[-1] == "sq:inv:I1 2026-03-09 customer_invoice to <sq:cus:B>"
    (card,) = shop.plan(NEW).writes
    assert card.key == "sq:cus:B"
    other = {**BOTH, "sq:cus:N:chosen": Found("10077", how="decided")}
    assert written(Shop(UNPAID, NEW, *TO_N, found=other)) == ["sq:inv:I1 2026-03-09 customer_invoice to 10077"]


def test_what_is_booked_keeps_its_customer_and_so_does_what_is_put_against_it() -> None:
    before = Shop(UNPAID, customer("A")).plan(invoice(customer_id="A")).writes[1].content
    paid = sale(tenders=(tender("P1", "125"),))
    for found in (BOTH, CHOSEN):
        for named in ("A", "N"):
            bill = invoice(customer_id=named, state="paid")
            shop = Shop(paid, bill, NEW, capture("125"), *TO_N, found=found, posted={"sq:inv:I1": before})
            plan = shop.plan(bill)
            assert plan.writes[0].content == before
            assert "of <sq:cus:A> on" in readable(plan.writes[1])
            assert [write.content for write in shop.plan(capture("125")).writes] == [plan.writes[1].content]


def test_a_card_that_is_on_its_way_counts_as_made() -> None:
    plan = Shop(UNPAID, NEW, *TO_N, found={"sq:cus:A": made("")}).plan(invoice(customer_id="N"))
    assert [write.key for write in plan.writes] == ["sq:cus:A", "sq:inv:I1"]


def test_one_merged_of_nobody_knows_whom_is_asked_about_before_it_is_made_a_second_time() -> None:
    assert Shop(UNPAID, NEW).holds(invoice(customer_id="N")) == [UNTOLD]
    assert isinstance(Shop(NEW).verdict(NEW), Ignore)
    by_number = Shop(UNPAID, NEW, decisions={UNTOLD: "number:10050"})
    assert written(by_number) == ["sq:inv:I1 2026-03-09 customer_invoice to 10050"]
    assert written(Shop(UNPAID, NEW, decisions={UNTOLD: "new"}))[0].startswith("sq:cus:N")
    known = Shop(UNPAID, NEW, found={"sq:cus:N:chosen": Found("10050", how="decided")})
    assert written(known) == ["sq:inv:I1 2026-03-09 customer_invoice to 10050"], "said once for all its invoices"


def test_a_booked_invoice_that_names_one_merged_of_nobody_knows_whom_stays_as_it_is() -> None:
    before = Shop(UNPAID, customer("A")).plan(invoice(customer_id="A"))
    after = Shop(UNPAID, NEW, posted={"sq:inv:I1": before.writes[1].content}).plan(invoice(customer_id="N"))
    assert [write.content for write in after.writes] == [before.writes[1].content]


def test_a_customer_that_square_does_not_know_is_asked_about_in_words() -> None:
    assert Shop(UNPAID).holds(invoice(customer_id="A")) == [GONE]
    assert written(Shop(UNPAID, decisions={GONE: "number: 10050"}), "A") == [
        "sq:inv:I1 2026-03-09 customer_invoice to 10050"
    ]


def test_an_order_of_a_merged_business_customer_is_invoiced_to_the_one_that_stands() -> None:
    order = sale(customer_id="A")
    terms = replace(TERMS, business_orders=True)
    plan = Shop(order, NEW, capture("125"), *TO_N, found={"sq:cus:A": made("10050")}, terms=terms).plan(capture("125"))
    assert isinstance(plan, Plan)
    assert [write.key for write in plan.writes][:2] == ["sq:cus:A", "sq:ord:O1"]
