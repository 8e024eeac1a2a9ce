"""Orders of a connected shop that are paid through PayPal: one event, told by two connections, booked once."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from ml_connector.finance.invoices import CustomerInvoice, CustomerPayment, InvoiceLine, Ref
from ml_connector.finance.journal import JournalEntry, Posting
from ml_connector.finance.plan import Content, Elsewhere, Wait
from tests.flows.builders import journal, readable
from tests.flows.paypal_world import NOON, PayPal, balances, book, refund_row, row, sale_row, sek

ORDER = "sibling:order:transaction:CAP1"
REFUNDS = "sibling:refund:transaction:CAP1"


def document(amount: str = "1000", *, kind: Any = "customer_invoice", customer: Any = "10000") -> CustomerInvoice:
    total, vat = sek(amount), sek(str(int(amount) // 5))
    line = InvoiceLine("3010", total - vat, "V25", "Goods", (), vat)
    return CustomerInvoice(kind, customer, date(2026, 3, 9), None, "SEK", (line,), total, vat, "727", "wc:ord:727")


def made(*contents: tuple[str, Content], state: str = "posted", reason: str = "", of: str = "order 727") -> Elsewhere:
    return Elsewhere(f"{of} of wc", state, reason, dict(contents))


def told(*order: Elsewhere, refunds: tuple[Elsewhere, ...] = ()) -> dict[str, tuple[Elsewhere, ...]]:
    return {ORDER: order, REFUNDS: refunds}


def invoiced(**more: Any) -> Elsewhere:
    return made(("wc:ord:727", document(**more)))


def credited(number: str, amount: str = "250") -> Elsewhere:
    return made((f"wc:ref:{number}", document(amount, kind="credit_note")), of=f"refund {number}")


def test_the_money_of_an_order_is_a_payment_of_the_shops_invoice() -> None:
    payment, fee = PayPal(sale_row(), siblings=told(invoiced())).writes(sale_row())
    assert readable(payment) == journal(
        "pp:cap:CAP1 2026-03-10 payment 1000.00 of 10000 on PPSEK PP", "Invoice <wc:ord:727> 1000.00"
    )
    assert payment.needs == ("wc:ord:727",)
    assert fee.key == "pp:cap:CAP1:fee"
    assert balances([payment, fee])["1581"] == 96_710


def test_a_customer_that_the_shops_route_makes_is_named_by_its_write() -> None:
    payment = PayPal(sale_row(), siblings=told(invoiced(customer=Ref("wc:cus:9")))).writes(sale_row())[0]
    assert payment.needs == ("wc:ord:727", "wc:cus:9")


@pytest.mark.parametrize(("state", "reason"), [("unread", "not read since"), ("held", "mapping-missing")])
def test_a_payment_waits_while_the_shop_may_still_tell_of_its_order(state: str, reason: str) -> None:
    verdict = PayPal(sale_row(), siblings=told(made(state=state, reason=reason))).verdict(sale_row())
    assert verdict == Wait(f"order 727 of wc: {state}, {reason}")


def test_an_order_that_is_not_booked_claims_no_payment() -> None:
    (write,) = PayPal(sale_row(), siblings=told(made(state="ignored"))).writes(sale_row())
    assert "suspense" in readable(write)


@pytest.mark.parametrize(
    ("found", "code"),
    [
        ((invoiced(amount="990"),), "second-road-differs"),
        ((invoiced(), made(("wc:ord:728", document()))), "second-road-differs"),
        (
            (
                made(
                    ("wc:ord:727", document()),
                    ("wc:ord:727:paid", CustomerPayment("payment", "1", NOON.date(), "X", "Y", sek("1000"), "s")),
                ),
            ),
            "payment-booked-by-shop",
        ),
    ],
    ids=["unequal", "two orders", "the shop books its money too"],
)
def test_what_is_not_clear_between_shop_and_paypal_is_held(found: tuple[Elsewhere, ...], code: str) -> None:
    assert PayPal(sale_row(), siblings=told(*found)).holds(sale_row()) == [code]


def test_a_refund_pays_out_the_shops_credit_note() -> None:
    siblings = told(invoiced(), refunds=(credited("731"),))
    (write,) = PayPal(sale_row(), refund_row(), siblings=siblings).writes(refund_row())
    assert readable(write) == journal(
        "pp:ref:REF1 2026-03-10 refund 250.00 of 10000 on PPSEK PP", "CreditNote <wc:ref:731> 250.00"
    )


def test_two_equal_refunds_take_a_credit_note_each() -> None:
    first, second = refund_row(), refund_row(id="REF2", occurred_at=NOON + timedelta(hours=2))
    siblings = told(invoiced(), refunds=(credited("732"), credited("731"), credited("730", "100")))
    world = PayPal(sale_row(), first, second, siblings=siblings)
    taken = [write.needs for one in (first, second) for write in world.writes(one)]
    assert taken == [("wc:ref:731",), ("wc:ref:732",)]


def test_a_refund_that_the_shop_does_not_know_is_asked_about() -> None:
    stored = (sale_row(), refund_row())
    assert PayPal(*stored, siblings=told(invoiced(), refunds=(credited("731", "100"),))).holds(refund_row()) == [
        "refund-credit-note"
    ]
    held = made(state="held", reason="refund-vat-mix", of="refund 731")
    assert PayPal(*stored, siblings=told(invoiced(), refunds=(held,))).verdict(refund_row()) == Wait(
        "refund 731 of wc: held, refund-vat-mix"
    )
    said = PayPal(*stored, siblings=told(invoiced()), decisions={"refund-credit-note": "CN-9"})
    assert "CreditNote CN-9 250.00" in readable(said.writes(refund_row())[0])


def _sales_transaction(account: str = "2999", amount: str = "1000") -> Elsewhere:
    lines = (
        Posting(account, sek(amount), "suspense", "wc:ord:727", "r"),
        Posting("3010", -sek(amount), "sales", "wc:ord:727", "r"),
    )
    return made(("wc:ord:727", JournalEntry(date(2026, 3, 9), "SEK", lines, "Order 727")))


def test_a_sales_transaction_left_on_suspense_is_emptied_without_a_warning() -> None:
    world = PayPal(sale_row(), refund_row(), siblings=told(_sales_transaction()))
    assert readable(world.writes(sale_row())[0]) == journal(
        "pp:cap:CAP1 2026-03-10", "Dr 6570 fee 32.90", "Dr 1581 clearing 967.10", "Cr 2999 suspense 1000.00"
    )
    assert world.warnings(sale_row()) == []
    assert "Dr 2999 suspense 250.00" in readable(world.writes(refund_row())[0])
    assert PayPal(sale_row(), siblings=told(_sales_transaction("2998"))).holds(sale_row()) == ["suspense-differs"]
    assert PayPal(sale_row(), siblings=told(_sales_transaction(amount="900"))).holds(sale_row()) == [
        "second-road-differs"
    ]


def test_rows_that_are_no_payment_ask_no_shop() -> None:
    related, _ = PayPal(rulebook=book()).related(row("T0400", "-10"))
    assert not any(name.startswith("sibling:") for name in related.answers)
