"""Square invoices, business orders, customers and vendors."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from ml_connector.finance.documents import Address, Publication
from ml_connector.finance.invoices import CustomerInvoice, PartyCard
from ml_connector.finance.plan import Found, Hold, Ignore, Related, Wait
from ml_connector.flows.square_to_visma import FLOW
from tests.flows.builders import (
    NOON,
    TERMS,
    Shop,
    back,
    capture,
    customer,
    eur,
    invoice,
    journal,
    line,
    readable,
    refund,
    return_order,
    sale,
    tender,
    vendor,
)

UNPAID = sale(state="open", tenders=())


def test_an_unpaid_invoice_makes_its_customer_and_the_invoice() -> None:
    card, write = Shop(UNPAID, customer()).plan(invoice()).writes
    assert readable(card) == "sq:cus:C1 customer Harbour Café Ltd Active"
    assert readable(write) == journal(
        "sq:inv:I1 2026-03-09 customer_invoice to <sq:cus:C1>",
        "3010 sales V25 100.00",
        "VAT 25.00 total 125.00",
    )
    assert write.needs == ("sq:cus:C1",)
    assert isinstance(write.content, CustomerInvoice)
    assert write.content.reference == "000007/Oslo"
    assert write.content.due_on == date(2026, 4, 9)
    assert [(one.vat_id, one.base, one.vat) for one in write.content.tax_details] == [("U25", eur("100"), eur("25"))]


def test_a_line_without_vat_carries_the_companys_no_vat_code() -> None:
    order = sale(line("100"), state="open", tenders=())
    write = Shop(order, customer()).plan(invoice("100")).writes[1]
    assert "3030 sales V0 100.00" in readable(write)


def test_a_paid_invoice_is_left_out_of_the_journal_and_paid_per_tender() -> None:
    order = sale(tenders=(tender("P1", "60", tip="10"), tender("P2", "75", means="cash")), tip="10")
    paid = (capture("50", tip="10"), capture("75", id="P2", means="cash"))
    bill = invoice(state="paid")
    shop = Shop(order, customer(), bill, *paid)
    plan = shop.plan(bill)
    assert [readable(write) for write in plan.writes[1:]] == [
        journal(
            "sq:inv:I1 2026-03-09 customer_invoice to <sq:cus:C1>", "3010 sales V25 100.00", "VAT 25.00 total 125.00"
        ),
        journal("sq:pay:P1 2026-03-10 payment 50.00 of <sq:cus:C1> on SQEUR SQ", "Invoice <sq:inv:I1> 50.00"),
        journal("sq:pay:P1:tip 2026-03-10", "Dr 1580 clearing 10.00", "Cr 2890 tips OSLO 10.00"),
        journal("sq:pay:P2 2026-03-10 payment 75.00 of <sq:cus:C1> on TILL CASH", "Invoice <sq:inv:I1> 75.00"),
    ]
    by_payment = {write.key: write for write in shop.plan(paid[0]).writes}
    by_invoice = {write.key: write for write in plan.writes}
    assert set(by_payment) == {"sq:cus:C1", "sq:pay:P1", "sq:pay:P1:tip"}
    assert all(by_payment[key] == by_invoice[key] for key in by_payment)


def test_a_payment_is_never_dated_before_its_invoice() -> None:
    bill = invoice(state="paid", published_at=NOON + timedelta(days=2))
    plan = Shop(sale(), customer(), bill, capture()).plan(bill)
    assert readable(plan.writes[2]).startswith("sq:pay:P1 2026-03-12 payment")


def test_the_gift_card_part_of_an_invoice_is_a_credit_note_on_the_liability() -> None:
    order = sale(tenders=(tender("P1", "125", means="gift_card"),))
    bill = invoice(state="paid")
    plan = Shop(order, customer(), bill, capture(means="gift_card")).plan(bill)
    assert readable(plan.writes[2]) == journal(
        "sq:pay:P1 2026-03-10 credit_note to <sq:cus:C1>",
        "2421 gift_cards V0 125.00",
        "VAT 0.00 total 125.00",
        "applied to <sq:inv:I1>",
    )


def test_an_invoice_is_not_dated_before_it_was_scheduled() -> None:
    bill = invoice(scheduled_at=NOON + timedelta(days=5))
    assert readable(Shop(UNPAID, customer()).plan(bill).writes[1]).startswith("sq:inv:I1 2026-03-15")
    nobody_knows = Publication("I1", None)
    unknown = invoice(published_at=None)
    assert readable(Shop(UNPAID, customer(), nobody_knows).plan(unknown).writes[1]).startswith("sq:inv:I1 2026-03-08")


def test_an_invoice_is_dated_when_it_left_draft_and_its_payment_knows_that_too() -> None:
    drafted = invoice(published_at=None, created_at=NOON - timedelta(days=30))
    published = Publication("I1", NOON - timedelta(days=2))
    assert readable(Shop(UNPAID, customer(), published).plan(drafted).writes[1]).startswith("sq:inv:I1 2026-03-08")
    paid = replace(drafted, state="paid")
    shop = Shop(sale(), customer(), published, paid, capture())
    assert readable(shop.plan(capture()).writes[1]).startswith("sq:pay:P1 2026-03-10 payment")
    asked = FLOW.needs(drafted, Shop(UNPAID, customer()).related(drafted), TERMS)
    assert "publication I1" in [need.said for need in asked]
    draft = replace(drafted, state="draft")
    assert FLOW.needs(draft, Related({}), TERMS) == ()


@pytest.mark.parametrize("state", ["draft", "scheduled"])
def test_an_invoice_nobody_has_received_is_ignored_and_its_payment_waits(state: str) -> None:
    bill = invoice(state=state)
    assert isinstance(Shop(UNPAID, customer()).verdict(bill), Ignore)
    assert isinstance(Shop(sale(), customer(), bill).verdict(capture()), Wait)


def test_a_cancelled_invoice_credits_its_open_balance() -> None:
    order = sale(state="open", tenders=(tender("P1", "25"),))
    paid = capture("25")
    bill = invoice(state="part_paid")
    before = Shop(order, customer(), bill, paid).plan(bill)
    assert isinstance(Shop(UNPAID, customer()).verdict(invoice(state="canceled")), Ignore)
    canceled = invoice(state="canceled")
    posted = {write.key: write.content for write in before.writes}
    plan = Shop(order, customer(), canceled, paid, posted=posted).plan(canceled)
    assert plan.writes[:-1] == before.writes
    assert readable(plan.writes[-1]) == journal(
        "sq:inv:I1:cancel 2026-03-10 credit_note to <sq:cus:C1>",
        "3010 sales V25 80.00",
        "VAT 20.00 total 100.00",
        "applied to <sq:inv:I1>",
    )


def test_a_refund_of_an_invoice_is_a_credit_note_paid_out() -> None:
    bill = invoice(state="paid")
    returned = return_order(back(line("50", "12.50")))
    plan = Shop(sale(), customer(), bill, capture(), returned).plan(refund("62.50", return_order_id="R-O1"))
    assert [readable(write) for write in plan.writes[1:]] == [
        journal("sq:ref:RF1 2026-03-10 credit_note to <sq:cus:C1>", "3010 sales V25 50.00", "VAT 12.50 total 62.50"),
        journal("sq:ref:RF1:paid 2026-03-10 refund 62.50 of <sq:cus:C1> on SQEUR SQ", "CreditNote <sq:ref:RF1> 62.50"),
    ]
    assert plan.writes[2].needs == ("sq:ref:RF1", "sq:cus:C1")


def test_an_amount_only_refund_of_an_invoice_waits_for_approval() -> None:
    bill = invoice(state="paid")
    shop = Shop(sale(), customer(), bill, capture())
    assert shop.holds(refund("62.50")) == ["refund-vat-mix"]
    assert len(Shop(*shop.documents, decisions={"refund-vat-mix": "yes"}).plan(refund("62.50")).writes) == 3
    assert Shop(*shop.documents, decisions={"refund-vat-mix": "yes"}).holds(refund("62.50", means="gift_card")) == [
        "invoice-refund-to-gift-card"
    ]


def test_an_invoice_that_differs_from_its_order_is_held() -> None:
    assert Shop(UNPAID, customer()).holds(invoice("130")) == ["invoice-total-differs"]
    rounded = Shop(UNPAID, customer()).plan(invoice("125.02")).writes[1]
    assert "3740 rounding V0 0.02" in readable(rounded)


def test_an_invoice_without_customer_or_order_is_held() -> None:
    assert Shop(UNPAID).holds(invoice(customer_id=None)) == ["invoice-without-customer"]
    assert Shop(UNPAID).holds(invoice(order_id=None)) == ["order-missing"]
    assert Shop(UNPAID).holds(invoice()) == ["customer-gone"]


def test_a_payment_of_an_invoice_from_before_go_live_is_for_a_person() -> None:
    bill = invoice(state="paid")
    terms = replace(TERMS, go_live=NOON.date())
    assert Shop(sale(), customer(), bill, terms=terms).holds(capture()) == ["invoice-before-go-live"]


def test_an_order_of_a_business_customer_becomes_an_invoice_when_enabled() -> None:
    order = sale(customer_id="C1")
    shop = Shop(order, customer(), capture(), terms=replace(TERMS, business_orders=True))
    keys = [write.key for write in shop.plan(capture()).writes]
    assert keys == ["sq:cus:C1", "sq:ord:O1", "sq:pay:P1"]
    private = Shop(order, customer(is_company=False), terms=shop.terms)
    assert [write.key for write in private.plan(capture()).writes] == ["sq:sale:O1"]
    assert [write.key for write in Shop(order, customer()).plan(capture()).writes] == ["sq:sale:O1"]
    returned = return_order(back(line("50", "12.50")))
    plan = Shop(order, customer(), capture(), returned, terms=shop.terms).plan(refund("62.50", return_order_id="R-O1"))
    assert [write.key for write in plan.writes] == ["sq:cus:C1", "sq:ref:RF1", "sq:ref:RF1:paid"]


# -------------------------------------------------------------------------------------------------------- parties


def test_a_customer_found_by_its_vat_number_is_used_and_its_card_left_alone() -> None:
    party = customer(vat_number="IE1234567T")
    found = {"IE1234567T": Found("10045", facts={"by": "vat_number"})}
    (write,) = Shop(UNPAID, party, found=found).plan(invoice()).writes
    assert readable(write).startswith("sq:inv:I1 2026-03-09 customer_invoice to 10045")
    assert write.why[0].because == "matched by vat_number"


def test_a_customer_we_made_is_named_by_its_key_so_that_replay_plans_the_same() -> None:
    first = Shop(UNPAID, customer()).plan(invoice())
    later = Shop(UNPAID, customer(), found={"sq:cus:C1": Found("10050", how="made")}).plan(invoice())
    assert [write.content for write in first.writes] == [write.content for write in later.writes]


def test_several_or_blocked_customers_are_held_until_a_person_answers() -> None:
    party = customer(vat_number="IE1234567T", org_number="999888777")
    found = {"IE1234567T": Found("10045"), "999888777": Found("10046")}
    assert Shop(UNPAID, party, found=found).holds(invoice()) == ["party-ambiguous"]
    chosen = Shop(UNPAID, party, found=found, decisions={"party-ambiguous": "10046"}).plan(invoice())
    assert "to 10046" in readable(chosen.writes[0])
    new = Shop(UNPAID, party, found=found, decisions={"party-ambiguous": "new"}).plan(invoice())
    assert new.writes[0].key == "sq:cus:C1"
    blocked = {"IE1234567T": Found("10045", status="CreditHold")}
    assert Shop(UNPAID, party, found=blocked).holds(invoice()) == ["customer-blocked"]


def test_a_name_alone_is_only_a_proposal() -> None:
    found = {"sq:ven:V1": Found("5001", facts={"by": "name"})}
    assert Shop(found=found).holds(vendor()) == ["party-name-match"]


def test_a_customer_alone_is_written_only_once_an_invoice_has_made_it() -> None:
    assert isinstance(Shop().verdict(customer()), Ignore)
    made = {"sq:cus:C1": Found("10050", how="made")}
    (card,) = Shop(found=made).plan(customer(name="Harbour Café 2")).writes
    assert readable(card) == "sq:cus:C1 customer Harbour Café 2 Active"
    assert isinstance(Shop(found=made).verdict(customer(origin="INSTANT_PROFILE")), Ignore)


def test_a_vendor_becomes_a_supplier_with_the_routes_defaults() -> None:
    defaults = {"supplier.class": "10", "supplier.vat_zone": "99", "supplier.vat_zone.SE": "01"}
    terms = replace(TERMS, party_defaults=defaults)
    (card,) = Shop(terms=terms).plan(vendor(address=Address(country="SE"))).writes
    assert isinstance(card.content, PartyCard)
    assert (card.kind, card.content.party_class, card.content.vat_zone) == ("supplier", "10", "01")


def test_an_inactive_vendor_is_set_inactive_where_we_made_it_and_never_created() -> None:
    assert isinstance(Shop().verdict(vendor(active=False)), Ignore)
    made = {"sq:ven:V1": Found("5001", how="made", status="Inactive")}
    (card,) = Shop(found=made).plan(vendor(active=False)).writes
    assert readable(card) == "sq:ven:V1 supplier Roastery Ltd Inactive"
    theirs = {"a@b.example": Found("5002")}
    assert isinstance(Shop(found=theirs).verdict(vendor(email="a@b.example")), Ignore)


def test_a_party_without_a_name_is_held() -> None:
    verdict = Shop().verdict(vendor(name=" "))
    assert isinstance(verdict, Hold)
    assert verdict.findings[0].code == "party-name-missing"
