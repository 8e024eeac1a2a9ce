"""WooCommerce orders as sales orders: items, advances, what the ledger's invoices take of them, and what is held."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.finance.documents import Refund, Sale
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


HATS = line("400", article="LUE-1", quantity=Decimal(4))
ONE_BACK = refund("125", line("100", article="LUE-1"))


def back_and_sale(back: Refund, sale: Sale | None = None) -> tuple[Refund, Sale]:
    """A refund, and the order as it reads after it."""
    return back, with_refunds(sale or order(HATS, SHIPPING), back)


def test_goods_that_came_back_before_the_invoice_are_taken_off_the_order_and_paid_out_of_its_advance() -> None:
    back, sale = back_and_sale(ONE_BACK)
    before = sent(order(HATS, SHIPPING))
    lowered, paid = store(back, posted=before).plan(sale).writes
    assert isinstance(lowered.content, SalesOrder)
    assert [(one.quantity, one.net) for one in lowered.content.lines] == [
        (Decimal(3), nok("300")), (Decimal(1), nok("40"))
    ]  # fmt: skip
    assert paid.content == before["wc:pay:727"]
    around = store(sale, posted=posted(store(back, posted=before).plan(sale)))
    (out,) = around.plan(back).writes
    assert isinstance(out.content, CustomerPayment)
    assert [(one.document, one.amount) for one in out.content.applications] == [("Prepayment", nok("125"))]
    assert around.plan(back).rest is None


def test_the_invoice_of_what_is_left_takes_what_is_left_of_the_advance() -> None:
    back, sale = back_and_sale(ONE_BACK)
    before = posted(store(back, posted=sent(order(HATS, SHIPPING))).plan(sale))
    out = posted(store(sale).plan(back))
    now: Any = {"found": {KEY: invoice(left="425", total="425")}, "against": {"wc:pay:727": out}}
    plan = store(back, posted=before, **now).plan(sale)
    applied = plan.writes[-1].content
    assert isinstance(applied, PaymentApplication)
    assert (applied.amount, plan.rest, plan.findings) == (nok("425"), None, ())
    refunded = store(sale, posted={**before, **out}, **now).plan(back)
    assert (posted(refunded), refunded.rest) == (out, None)
    later = replace(back, id="727:732", occurred_at=MORNING + timedelta(days=9))
    again = with_refunds(order(HATS, SHIPPING), back, later)
    kept = store(back, later, posted=before, **now).plan(again)
    assert posted(kept)[KEY] == before[KEY], "what came back after the invoice is credited, the order stays"


@pytest.mark.parametrize(
    "back",
    [refund("125"), refund("125", line("100", article="LUE-1", quantity=Decimal(0)))],
    ids=["amount alone", "money for goods that were kept"],
)
def test_money_given_back_before_the_invoice_is_paid_out_at_once_and_credited_once_there_is_one(back: Refund) -> None:
    back, sale = back_and_sale(back)
    before = sent(order(HATS, SHIPPING))
    assert posted(store(back, posted=before).plan(sale))[KEY] == before[KEY]
    approved = {"refund-vat-mix": "approve"}
    first = store(sale, posted=before, decisions=approved).plan(back)
    assert [write.kind for write in first.writes] == ["customer_refund"]
    assert first.rest is not None
    assert "follows its invoice" in first.rest.reason
    stands: Any = {"posted": {**before, **posted(first)}, "decisions": approved}
    draft = store(sale, found={KEY: invoice(status="Balanced")}, **stands).plan(back)
    assert (posted(draft), draft.rest is None) == (posted(first), False)
    out, credit = store(sale, found={KEY: invoice(left="125")}, **stands).plan(back).writes
    assert isinstance(credit.content, CustomerInvoice)
    assert (credit.key, credit.kind, credit.content.applies_to, credit.content.total) == (
        "wc:ref:727:731:credit", "credit_note", "900001", nok("125")
    )  # fmt: skip
    stands["posted"][credit.key] = credit.content
    settled = store(sale, found={KEY: invoice(status="Closed", left="0")}, **stands).plan(back)
    assert posted(settled) == {out.key: out.content, credit.key: credit.content}


@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_an_order_that_somebody_lowered_in_the_ledger_is_asked_about_before_anything_is_credited(where: str) -> None:
    terms = SOLD if where == "here" else replace(SOLD, gateways_elsewhere={"stripe": "st:ch"})
    back, sale = back_and_sale(refund("125"))
    before = sent(order(HATS, SHIPPING))
    if where == "here":
        before |= posted(store(sale, posted=before).plan(back))
    around: Any = {"terms": terms, "posted": before, "found": {KEY: invoice(left="0", total="425", status="Closed")}}
    assert store(sale, **around).holds(back) == ["order-lowered"]


def test_a_part_given_back_by_a_processor_waits_for_the_invoice_by_itself() -> None:
    terms = replace(SOLD, gateways_elsewhere={"stripe": "st:ch"})
    back, sale = back_and_sale(ONE_BACK)
    before = {KEY: sent(order(HATS, SHIPPING))[KEY]}
    kept = store(back, posted=before, terms=terms).plan(sale)
    assert posted(kept)[KEY] == before[KEY], "the processor's payment is known by the order's total"
    plan = store(sale, terms=terms).plan(back)
    assert (plan.writes, plan.rest is None) == ((), False)
    (credit,) = store(sale, terms=terms, found={KEY: invoice()}).plan(back).writes
    assert credit.kind == "credit_note"


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


def test_an_advance_of_a_processor_that_names_the_payment_otherwise_is_found_by_the_order() -> None:
    terms = replace(SOLD, gateways_elsewhere={"stripe": "st:ch"})
    advance = sent(order())["wc:pay:727"]
    around: Any = {"posted": {KEY: sent(order())[KEY]}, "against": {KEY: {"st:ch:ch_9": advance}}}
    plan = store(terms=terms, found={KEY: invoice()}, **around).plan(order(transaction_id="pi_1"))
    assert plan.writes[1].needs == ("st:ch:ch_9",)
