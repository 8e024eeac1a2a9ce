"""WooCommerce orders as sales orders: items, advances, what the ledger's invoices take of them, and what is held."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.finance.documents import Sale
from ml_connector.finance.invoices import CustomerInvoice, CustomerPayment, Ref
from ml_connector.finance.plan import Found, Hold, Ignore, Plan, Wait
from ml_connector.finance.selling import PaymentApplication, SalesOrder
from tests.flows.shop_builders import (
    GOODS,
    MORNING,
    SHIPPING,
    TERMS,
    Store,
    line,
    nok,
    on_hold,
    order,
    posted,
    refund,
    with_refunds,
)

ITEMS = {"sales": "VARE", "shipping": "FRAKT"}
SOLD = replace(TERMS, order_document="sales_order", order_items=ITEMS)
KEY = "wc:ord:727"
HAT = line("400", article="LUE-1", quantity=Decimal(2))


def item(number: str, status: str = "Active") -> Found:
    return Found(number, f"Item {number}", status)


def invoice(number: str = "900001", *, status: str = "Open", left: str = "550", total: str = "550") -> Found:
    """The ledger's invoice of the order of 550.00."""
    facts = {"open": str(nok(left).minor), "total": str(nok(total).minor), "day": "2026-03-12"}
    return Found(number, status=status, currency="NOK", facts=facts)


def store(*documents: Any, found: dict[str, Found] | None = None, **more: Any) -> Store:
    known = {"VARE": item("VARE"), "FRAKT": item("FRAKT"), **(found or {})}
    return Store(*documents, found=known, **{"terms": SOLD, **more})


def sent(sale: Sale) -> dict[str, Any]:
    return posted(store().plan(sale))


def test_a_paid_order_becomes_a_sales_order_and_an_advance_and_waits_for_the_invoice() -> None:
    plan = store().plan(order())
    sold, paid = plan.writes
    assert (sold.key, sold.kind, paid.key, paid.needs) == (KEY, "sales_order", "wc:pay:727", (KEY,))
    assert isinstance(sold.content, SalesOrder)
    assert [(one.item, one.net, one.vat_code, one.vat) for one in sold.content.lines] == [
        ("VARE", nok("400"), "V25", nok("100")), ("FRAKT", nok("40"), "V25", nok("10")),
    ]  # fmt: skip
    assert (sold.content.total, sold.content.vat_total, sold.content.tolerance) == (nok("550"), nok("110"), 100)
    assert isinstance(paid.content, CustomerPayment)
    assert (paid.content.kind, paid.content.amount, paid.content.applications) == ("prepayment", nok("550"), ())
    assert plan.rest is not None
    assert plan.rest.patience_h == 720
    assert [(one.code, one.blocks) for one in plan.findings] == [("vat-on-advance", False)]


def test_the_invoice_that_the_ledger_made_takes_the_advance_and_nothing_is_waited_for() -> None:
    plan = store(found={KEY: invoice()}, posted=sent(order())).plan(order())
    applied = plan.writes[-1]
    assert (applied.key, applied.kind, applied.needs) == (
        "wc:app:727:900001", "payment_application", ("wc:pay:727",)
    )  # fmt: skip
    assert applied.content == PaymentApplication(
        Ref("wc:pay:727", "remote_id"), "900001", nok("550"), nok("550"), "wc:app:727:900001"
    )
    assert (plan.rest, plan.findings) == (None, ())


def test_what_was_applied_stays_as_it_was_though_the_invoice_is_closed_by_it() -> None:
    done = posted(store(found={KEY: invoice()}, posted=sent(order())).plan(order()))
    plan = store(found={KEY: invoice(status="Closed", left="0")}, posted=done).plan(order())
    assert posted(plan) == done
    assert plan.rest is None


def test_a_part_that_is_invoiced_takes_its_part_and_the_rest_is_waited_for() -> None:
    part = invoice(left="250", total="250")
    plan = store(found={KEY: part}, posted=sent(order())).plan(order())
    assert isinstance(plan.writes[-1].content, PaymentApplication)
    assert plan.writes[-1].content.amount == nok("250")
    assert plan.rest is not None
    assert "in part" in plan.rest.reason


def test_an_invoice_that_somebody_settled_otherwise_is_told() -> None:
    plan = store(found={KEY: invoice(status="Closed", left="0")}, posted=sent(order())).plan(order())
    assert [one.code for one in plan.findings] == ["advance-left"]
    assert plan.rest is None


def test_an_unpaid_order_is_ordered_without_an_advance_and_nothing_is_waited_for() -> None:
    terms = replace(SOLD, order_statuses=("on-hold", "processing"))
    plan = store(terms=terms).plan(on_hold())
    assert [write.key for write in plan.writes] == [KEY]
    assert plan.rest is None


def test_an_article_is_the_item_named_for_it_or_that_of_its_own_number() -> None:
    named = replace(SOLD, order_items={**ITEMS, "sku:LUE-1": "HATT"})
    found = {"LUE-1": item("LUE-1"), "HATT": item("HATT")}
    lines = {}
    for name, terms in (("named", named), ("own", SOLD)):
        content = store(found=found, terms=terms).plan(order(HAT, SHIPPING)).writes[0].content
        assert isinstance(content, SalesOrder)
        lines[name] = (content.lines[0].item, content.lines[0].quantity)
    assert lines == {"named": ("HATT", Decimal(2)), "own": ("LUE-1", Decimal(2))}


def test_an_item_that_may_not_be_sold_gives_way_to_the_one_named_for_its_kind() -> None:
    content = store(found={"LUE-1": item("LUE-1", "Inactive")}).plan(order(HAT)).writes[0].content
    assert isinstance(content, SalesOrder)
    assert content.lines[0].item == "VARE"


@pytest.mark.parametrize(
    ("terms", "found", "code", "named"),
    [
        ({}, {}, "item-missing", "sku:LUE-1"),
        ({"sales": "VARE"}, {"VARE": item("VARE", "NoSales")}, "item-not-sold", "sku:LUE-1"),
    ],
)
def test_a_line_without_an_item_is_held_with_a_proposal(
    terms: dict[str, str], found: dict[str, Found], code: str, named: str
) -> None:
    verdict = Store(found=found, terms=replace(SOLD, order_items=terms)).verdict(order(HAT))
    assert isinstance(verdict, Hold)
    assert [one.code for one in verdict.findings] == [code]
    assert list(verdict.findings[0].proposal["terms"]["order_items"]) == [named]


def test_part_of_a_unit_whose_price_is_no_whole_cents_is_held() -> None:
    assert store().holds(order(line("100", quantity=Decimal("1.5")))) == ["quantity-unpriced"]


def test_a_present_is_ordered_and_shipped_for_nothing() -> None:
    content = store().plan(order(GOODS, line("0", "", name="Pin"))).writes[0].content
    assert isinstance(content, SalesOrder)
    assert [(one.item, one.net, one.vat_code) for one in content.lines][1:] == [("VARE", nok("0"), "V0")]


def test_vat_on_advances_stops_where_the_route_says_so_until_somebody_approves() -> None:
    terms = replace(SOLD, advances="hold")
    assert store(terms=terms).holds(order()) == ["vat-on-advance"]
    assert isinstance(store(terms=terms, decisions={"vat-on-advance": "approve"}).verdict(order()), Plan)


def test_an_order_changed_after_its_invoice_is_held_and_stays_as_it_was_sent_when_approved() -> None:
    before = sent(order())
    changed = order(line("500"), SHIPPING)
    around = store(found={KEY: invoice()}, posted=before)
    assert around.holds(changed) == ["order-changed-since"]
    kept = store(found={KEY: invoice()}, posted=before, decisions={"order-changed-since": "approve"}).plan(changed)
    assert {key: content for key, content in posted(kept).items() if key in before} == before


def test_a_changed_order_without_an_invoice_is_planned_as_it_is_now() -> None:
    plan = store(posted=sent(order())).plan(order(line("500"), SHIPPING))
    assert isinstance(plan.writes[0].content, SalesOrder)
    assert plan.writes[0].content.total == nok("675")


def test_an_order_that_is_gone_from_the_ledger_is_held() -> None:
    around = store(found={KEY: Found("", status="Gone")}, posted=sent(order()))
    assert around.holds(order()) == ["order-gone"]


def test_nothing_is_decided_while_the_ledger_does_not_say_what_became_of_an_order() -> None:
    silent = {KEY: Found("", status="Unknown")}
    assert isinstance(store(found=silent, posted=sent(order())).verdict(order(line("500"))), Wait)
    back = refund("550", GOODS, SHIPPING)
    assert isinstance(store(with_refunds(order(), back), found=silent).verdict(back), Wait)


def test_the_whole_given_back_before_the_invoice_leaves_the_advance_and_its_refund() -> None:
    back = refund("550", GOODS, SHIPPING)
    sale = with_refunds(order(), back, status="refunded")
    plan = store(back, posted=sent(order())).plan(sale)
    assert [(write.key, write.needs) for write in plan.writes] == [("wc:pay:727", ())]
    (paid,) = store(sale).plan(back).writes
    assert isinstance(paid.content, CustomerPayment)
    (row,) = paid.content.applications
    assert (paid.kind, row.document, row.number, row.amount, paid.needs) == (
        "customer_refund", "Prepayment", Ref("wc:pay:727"), nok("550"), ("wc:pay:727",)
    )  # fmt: skip


def test_the_whole_given_back_before_the_invoice_is_held_where_a_processor_booked_the_advance() -> None:
    terms = replace(SOLD, gateways_elsewhere={"stripe": "st:ch"})
    back = refund("550", GOODS, SHIPPING)
    sale = with_refunds(order(), back, status="refunded")
    assert store(back, posted={KEY: sent(order())[KEY]}, terms=terms).holds(sale) == ["order-given-back"]
    assert isinstance(store(back, terms=terms).verdict(sale), Ignore)
    assert isinstance(store(sale, terms=terms).verdict(back), Ignore)


def test_a_part_given_back_before_the_invoice_is_held() -> None:
    back = refund("50", line("40"))
    assert store(with_refunds(order(), back)).holds(back) == ["refund-before-invoice"]


def test_a_refund_after_the_invoice_is_a_credit_note_and_its_payment_out() -> None:
    back = refund("50", line("40"))
    credit, paid = store(with_refunds(order(), back), found={KEY: invoice()}).plan(back).writes
    assert isinstance(credit.content, CustomerInvoice)
    assert (credit.kind, credit.content.applies_to, paid.kind) == ("credit_note", None, "customer_refund")


def test_a_refund_of_an_unpaid_order_lowers_the_invoice_that_the_ledger_made() -> None:
    terms = replace(SOLD, order_statuses=("on-hold",))
    back = refund("50", line("40"), by_processor=False)
    (credit,) = store(with_refunds(on_hold(), back), found={KEY: invoice()}, terms=terms).plan(back).writes
    assert isinstance(credit.content, CustomerInvoice)
    assert credit.content.applies_to == "900001"


def test_a_refund_of_what_stands_there_as_something_else_is_held() -> None:
    back = refund("50", line("40"))
    around = store(with_refunds(order(), back), found={KEY: Found("", status="Otherwise")})
    assert around.holds(back) == ["order-booked-otherwise"]


def test_a_cancelled_unpaid_order_is_not_to_be_booked_any_more() -> None:
    terms = replace(SOLD, order_statuses=("on-hold",))
    before = posted(store(terms=terms).plan(on_hold()))
    cancelled = replace(on_hold(), state="canceled", status="cancelled", updated_at=MORNING)
    assert isinstance(store(terms=terms, posted=before).verdict(cancelled), Ignore)
    plan = store(terms=terms, posted=before, found={KEY: invoice()}).plan(cancelled)
    assert [write.key for write in plan.writes] == [KEY, f"{KEY}:cancel"]
    assert isinstance(plan.writes[1].content, CustomerInvoice)
    assert plan.writes[1].content.applies_to == "900001"


def test_money_that_a_processor_books_is_put_against_the_invoice_by_the_order() -> None:
    terms = replace(SOLD, gateways_elsewhere={"stripe": "st:ch"})
    plan = store(terms=terms, found={KEY: invoice()}, posted={KEY: sent(order())[KEY]}).plan(order())
    assert [write.key for write in plan.writes] == [KEY, "wc:app:727:900001"]
    assert plan.writes[1].needs == ("st:ch:ch_1",)
