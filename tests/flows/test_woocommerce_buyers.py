"""Whom a shop's orders are booked on, its customers as cards, and the shop itself."""

from __future__ import annotations

from dataclasses import replace

from ml_connector.finance.documents import Movement
from ml_connector.finance.invoices import PartyCard, Ref
from ml_connector.finance.plan import Found, Ignore, Plan
from ml_connector.flows.woocommerce_to_visma import FLOW
from tests.flows.builders import readable
from tests.flows.shop_builders import MORNING, TERMS, Store, buyer, line, nok, order, posted, refund, shop

PERSON = replace(TERMS, guests="person")
FJELL = buyer("25", name="Fjell Drift AS", email="innkjop@fjell.example", is_company=True)
REGISTERED = order(customer_id="25", guest=False, buyer=buyer("25", name="Jon Fjell"))


def test_guests_of_a_zone_and_currency_share_a_customer() -> None:
    write = Store().plan(order()).writes[0]
    assert "to 90001" in readable(write)
    assert write.why[0].because == "guests of VAT zone 01 in NOK share a customer"


def test_guests_of_a_country_may_have_a_customer_before_that_of_their_zone() -> None:
    named = {**TERMS.collective_customers, "NO:NOK": "90009"}
    found = {"90009": replace(Store().found["90001"], number="90009")}
    write = Store(terms=replace(TERMS, collective_customers=named), found=found).plan(order()).writes[0]
    assert "to 90009" in readable(write)
    assert write.why[0].because == "guests of NO in NOK share a customer"


def test_a_guest_may_be_a_customer_in_person() -> None:
    card, invoice, _ = Store(terms=PERSON).plan(order()).writes
    assert readable(card) == "wc:cus:guest-1 customer Siv Sørensen Active"
    assert isinstance(card.content, PartyCard)
    assert card.content.vat_zone == "01"
    assert invoice.needs == ("wc:cus:guest-1",)


def test_a_guest_with_a_vat_or_organisation_number_has_a_card_of_its_own() -> None:
    for number in ({"vat_number": "NO912345678MVA"}, {"org_number": "912345678"}):
        plan = Store().plan(order(buyer=buyer(is_company=True, **number)))
        assert plan.writes[0].key == "wc:cus:guest-1"


def test_a_registered_buyer_is_the_customer_of_the_shops_record() -> None:
    card, invoice, _ = Store(FJELL).plan(REGISTERED).writes
    assert readable(card) == "wc:cus:25 customer Fjell Drift AS Active"
    assert "to <wc:cus:25>" in readable(invoice)
    without_account = Store().plan(REGISTERED)
    assert readable(without_account.writes[0]) == "wc:cus:25 customer Jon Fjell Active"


def test_a_card_that_stands_is_not_written_by_the_next_order() -> None:
    made = {"wc:cus:25": Found("10050", how="made")}
    invoice, _ = Store(FJELL, found=made).plan(REGISTERED).writes
    assert invoice.needs == ("wc:cus:25",)
    theirs = {"innkjop@fjell.example": Found("10060")}
    assert "to 10060" in readable(Store(FJELL, found=theirs).plan(REGISTERED).writes[0])


def test_an_order_stays_on_whom_it_was_booked_when_the_account_is_deleted() -> None:
    booked = posted(Store(FJELL).plan(REGISTERED))
    store = Store(posted=booked)
    plan = store.plan(order())
    assert plan.writes[0].content == booked["wc:ord:727"]
    assert plan.writes[0].needs == ("wc:cus:25",)
    assert store.asked == []


def test_a_collective_customer_that_is_missing_or_unfit_is_held() -> None:
    assert Store().holds(order(country="FR")) == ["collective-customer-missing"]
    assert Store(terms=replace(TERMS, party_defaults={})).holds(order()) == ["vat-zone-unset"]
    for number, found in (
        ("unfit", Found("90001", currency="EUR")),
        ("unfit", Found("90001", facts={"vat_zone": "02"})),
        ("customer-blocked", Found("90001", status="CreditHold")),
    ):
        (code,) = Store(found={"90001": found}).holds(order())
        assert number in code
    store = Store()
    store.found.clear()
    assert store.holds(order()) == ["collective-customer-unfit"]


def test_vat_left_out_for_a_number_that_is_none_is_asked_about() -> None:
    sale = order(vat_exempt=True, buyer=buyer(refused_numbers=("NO123",)))
    assert Store().holds(sale) == ["vat-number-refused"]
    assert Store(decisions={"vat-number-refused": "approve"}).plan(sale).writes
    assert Store().plan(order(buyer=buyer(refused_numbers=("NO123",)))).writes


def test_an_ambiguous_or_missing_buyer_is_held() -> None:
    party = replace(FJELL, vat_number="NO912345678MVA")
    found = {"NO912345678MVA": Found("1"), "innkjop@fjell.example": Found("2")}
    assert Store(party, found=found).holds(REGISTERED) == ["party-ambiguous"]
    assert Store(terms=PERSON).holds(order(buyer=None)) == ["order-without-buyer"]


# ------------------------------------------------------------------------------------------------- customers, shop


def test_a_customer_is_written_once_an_order_has_made_it_and_kept_up_to_date() -> None:
    assert isinstance(Store().verdict(FJELL), Ignore)
    made = {"wc:cus:25": Found("10050", how="made")}
    (card,) = Store(found=made).plan(replace(FJELL, name="Fjell Drift ASA")).writes
    assert readable(card) == "wc:cus:25 customer Fjell Drift ASA Active"
    assert isinstance(Store(found={"innkjop@fjell.example": Found("10060")}).verdict(FJELL), Ignore)


def test_customers_of_a_named_group_are_suppliers_and_customers_where_they_buy() -> None:
    terms = replace(TERMS, supplier_groups=("Forhandler",))
    dealer = replace(FJELL, group="forhandler")
    (card,) = Store(terms=terms).plan(dealer).writes
    assert readable(card) == "wc:ven:25 supplier Fjell Drift AS Active"
    assert isinstance(Store(terms=terms).verdict(FJELL), Ignore)
    made = {"wc:cus:25": Found("10050", how="made")}
    assert [write.key for write in Store(terms=terms, found=made).plan(dealer).writes] == ["wc:cus:25", "wc:ven:25"]
    theirs = {"innkjop@fjell.example": Found("5001")}
    assert isinstance(Store(terms=terms, found=theirs).verdict(dealer), Ignore)
    everybody = replace(terms, supplier_groups=("*",))
    assert Store(FJELL, terms=everybody).plan(REGISTERED).writes[0].key == "wc:cus:25"


def test_a_blocked_customer_stops_its_orders_and_not_its_own_card() -> None:
    blocked = {"innkjop@fjell.example": Found("10060", status="CreditHold")}
    assert Store(FJELL, found=blocked).holds(REGISTERED) == ["customer-blocked"]
    assert isinstance(Store(found=blocked).verdict(FJELL), Ignore)


def test_a_shop_with_another_clock_than_its_route_is_asked_about() -> None:
    assert isinstance(Store().verdict(shop()), Ignore)
    assert Store().holds(shop("UTC")) == ["time-zone-differs"]
    assert isinstance(Store(decisions={"time-zone-differs": "approve"}).verdict(shop("UTC")), Ignore)


def test_a_record_no_shop_has_is_ignored() -> None:
    row = Movement("1", "1", "T0006", "receipt", "completed", nok(1), None, MORNING, MORNING)
    assert isinstance(Store().verdict(row), Ignore)


def test_processors_find_an_order_by_its_transaction_and_refunds_hang_on_their_order() -> None:
    assert FLOW.links(order()) == (("transaction", "ch_1"),)
    assert FLOW.links(refund("1")) == (("order", "727"), ("transaction", "ch_1"))
    assert FLOW.links(order(transaction_id="")) == FLOW.links(FJELL) == ()


def test_nothing_personal_stands_in_texts_or_keys() -> None:
    verdict = Store().verdict(order(line("400", name="Lue")))
    assert isinstance(verdict, Plan)
    for write in verdict.writes:
        assert "Siv" not in repr(write)
        assert not isinstance(getattr(write.content, "customer", ""), Ref)
