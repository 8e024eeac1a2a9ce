"""Orders of a connected shop whose cards Square takes: one event, told by two connections, booked once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from ml_connector.finance.invoices import CustomerInvoice, InvoiceLine
from ml_connector.finance.journal import JournalEntry, Posting
from ml_connector.finance.plan import Content, Elsewhere, Hold, Related, Wait
from ml_connector.flows.square_to_visma import FLOW
from tests.flows.builders import TERMS, Shop, capture, eur, invoice, journal, readable, refund, sale, tender

ORDER = "sibling:order:transaction:P1"
REFUNDS = "sibling:refund:transaction:P1"


def document(amount: str = "125", *, kind: Any = "customer_invoice") -> CustomerInvoice:
    total = eur(amount)
    vat = replace(total, minor=total.minor // 5)
    line = InvoiceLine("3010", total - vat, "V25", "Goods", (), vat)
    return CustomerInvoice(kind, "10000", date(2026, 3, 9), None, "EUR", (line,), total, vat, "727", "wc:ord:727")


def made(*contents: tuple[str, Content], state: str = "posted", reason: str = "", of: str = "order 727") -> Elsewhere:
    return Elsewhere(f"{of} of wc", state, reason, dict(contents))


INVOICED = made(("wc:ord:727", document()))
UNREAD = made(state="unread", reason="not read since", of="orders")


def credited(number: str, amount: str = "25") -> Elsewhere:
    return made((f"wc:ref:{number}", document(amount, kind="credit_note")), of=f"refund {number}")


def on_suspense(account: str = "2999") -> Elsewhere:
    lines = (
        Posting(account, eur("125"), "suspense", "wc:ord:727", "r"),
        Posting("3010", -eur("125"), "sales", "wc:ord:727", "r"),
    )
    return made(("wc:ord:727", JournalEntry(date(2026, 3, 9), "EUR", lines, "Order 727")))


def test_the_money_of_an_order_is_a_payment_of_the_shops_invoice_and_no_sale() -> None:
    (payment,) = Shop(sale(), capture(), siblings={ORDER: (INVOICED,)}).plan(capture()).writes
    assert readable(payment) == journal(
        "sq:pay:P1 2026-03-10 payment 125.00 of 10000 on SQEUR SQ", "Invoice <wc:ord:727> 125.00"
    )
    assert payment.needs == ("wc:ord:727",)


def test_what_square_calls_a_tip_is_part_of_the_shops_total() -> None:
    paid = capture("115", tip="10")
    (payment,) = Shop(sale(), paid, siblings={ORDER: (INVOICED,)}).plan(paid).writes
    assert "Invoice <wc:ord:727> 125.00" in readable(payment)


def test_a_payment_waits_while_the_shop_may_still_tell_of_its_order() -> None:
    assert Shop(sale(), capture(), siblings={ORDER: (UNREAD,)}).verdict(capture()) == Wait(
        "orders of wc: unread, not read since"
    )


@pytest.mark.parametrize("means", ["cash", "external:card", "gift_card"])
def test_money_that_square_does_not_hold_is_no_shops(means: str) -> None:
    paid = capture(means=means)
    asked = {need.name for need in FLOW.needs(paid, Related(), TERMS)}
    assert not [name for name in asked if name.startswith("sibling:")]


def test_a_payment_at_a_till_waits_for_no_shop_to_be_read() -> None:
    def asked(**more: Any) -> Any:
        needs = FLOW.needs(capture(**more), Related(), TERMS)
        return next(need.since for need in needs if need.system == "sibling")

    assert asked(in_person=True) is None
    assert asked() == capture().occurred_at


def test_a_sales_transaction_left_on_suspense_is_emptied() -> None:
    world = Shop(sale(), capture(), siblings={ORDER: (on_suspense(),)})
    assert readable(world.plan(capture()).writes[0]) == journal(
        "sq:pay:P1 2026-03-10", "Dr 1580 clearing 125.00", "Cr 2999 suspense 125.00"
    )
    assert "Dr 2999 suspense 25.00" in readable(world.plan(refund("25")).writes[0])
    assert Shop(sale(), capture(), siblings={ORDER: (on_suspense("2990"),)}).holds(capture()) == ["suspense-differs"]


def test_a_payment_of_squares_own_invoice_and_of_a_shops_order_is_held() -> None:
    stored = (sale(), capture(), invoice())
    assert Shop(*stored, siblings={ORDER: (INVOICED,)}).holds(capture()) == ["second-road-differs"]


def test_an_order_with_another_payment_of_a_shop_is_not_booked_whole() -> None:
    order = sale(tenders=(tender("P1", "125"), tender("P2", "125")), total=eur("250"))
    other = capture(id="P2")
    claimed = Shop(order, capture(), other, siblings={ORDER: (INVOICED,)})
    assert isinstance(claimed.verdict(other), Hold)
    assert claimed.plan(capture()).writes[0].key == "sq:pay:P1"
    waiting = Shop(order, capture(), other, siblings={ORDER: (UNREAD,)})
    assert isinstance(waiting.verdict(other), Wait)


def test_a_refund_pays_out_the_shops_credit_note_the_first_the_first() -> None:
    first, second = refund("25"), refund("25", id="RF2", occurred_at=refund("25").occurred_at.replace(hour=20))
    told = {ORDER: (INVOICED,), REFUNDS: (credited("732"), credited("731"), credited("730", "10"))}
    world = Shop(sale(), capture(), first, second, siblings=told)
    (write,) = world.plan(first).writes
    assert readable(write) == journal(
        "sq:ref:RF1 2026-03-10 refund 25.00 of 10000 on SQEUR SQ", "CreditNote <wc:ref:731> 25.00"
    )
    assert world.plan(second).writes[0].needs == ("wc:ref:732",)


def test_a_refund_that_the_shop_does_not_know_is_asked_about() -> None:
    stored = (sale(), capture(), refund("25"))
    told = {ORDER: (INVOICED,)}
    assert Shop(*stored, siblings=told).holds(refund("25")) == ["refund-credit-note"]
    said = Shop(*stored, siblings=told, decisions={"refund-credit-note": "CN-9"})
    assert "CreditNote CN-9 25.00" in readable(said.plan(refund("25")).writes[0])


def test_more_than_was_paid_is_never_given_back() -> None:
    world = Shop(sale(), capture(), refund("130"), siblings={ORDER: (INVOICED,)})
    assert world.holds(refund("130")) == ["over-refund"]


def test_a_shops_order_given_back_to_a_gift_card_is_asked_about() -> None:
    back = refund("25", means="gift_card")
    told = {ORDER: (INVOICED,), REFUNDS: (credited("731"),)}
    assert Shop(sale(), capture(), back, siblings=told).holds(back) == ["invoice-refund-to-gift-card"]
