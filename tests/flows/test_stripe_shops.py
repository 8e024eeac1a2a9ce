"""Orders of a connected shop that are paid through Stripe: one event, told by two connections, booked once."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from ml_connector.finance.documents import Document
from ml_connector.finance.invoices import Application, CustomerInvoice, CustomerPayment, InvoiceLine, Ref
from ml_connector.finance.journal import JournalEntry, Posting
from ml_connector.finance.plan import Content, Elsewhere
from ml_connector.flows.stripe_to_visma import FLOW
from tests.flows.collection_world import NOON, cash, charge, journal, refund, sek
from tests.flows.stripe_world import Stripe, fee

BY_CHARGE, BY_INTENT = "sibling:order:transaction:ch_1", "sibling:order:transaction:pi_1"
REFUNDS = "sibling:refund:transaction:ch_1"


def document(amount: str = "1250", *, kind: Any = "customer_invoice", customer: Any = "10000") -> CustomerInvoice:
    total, vat = sek(amount), sek(str(int(amount) // 5))
    line = InvoiceLine("3001", total - vat, "25", "Goods", (), vat)
    return CustomerInvoice(kind, customer, date(2026, 5, 19), None, "SEK", (line,), total, vat, "727", "wc:ord:727")


def made(*contents: tuple[str, Content], state: str = "posted", reason: str = "", of: str = "order 727") -> Elsewhere:
    return Elsewhere(f"{of} of wc", state, reason, dict(contents))


def invoiced(**more: Any) -> Elsewhere:
    return made(("wc:ord:727", document(**more)))


def credited(number: str, amount: str = "250") -> Elsewhere:
    return made((f"wc:ref:{number}", document(amount, kind="credit_note")), of=f"refund {number}")


def shop(*found: Elsewhere, by: str = BY_CHARGE, refunds: tuple[Elsewhere, ...] = ()) -> dict[str, Any]:
    return {"shop": {by: found, REFUNDS: refunds}}


def left_on_suspense(account: str = "2999", amount: str = "1250") -> Elsewhere:
    """An order that the shop's route booked as a sales transaction, its money to come on suspense."""
    lines = (
        Posting(account, sek(amount), "suspense", "wc:ord:727", "r"),
        Posting("3001", -sek(amount), "sales", "wc:ord:727", "r"),
    )
    return made(("wc:ord:727", JournalEntry(date(2026, 5, 19), "SEK", lines, "Order 727")))


@pytest.mark.parametrize("by", [BY_CHARGE, BY_INTENT])
def test_the_money_of_an_order_is_a_payment_of_the_shops_invoice(by: str) -> None:
    (write,) = Stripe(**shop(invoiced(), by=by)).writes(charge())
    content = cash([write], "st:ch:ch_1")
    assert content.applications == (Application("Invoice", Ref("wc:ord:727"), sek("1250")),)
    assert (content.customer, write.needs) == ("10000", ("wc:ord:727",))


def test_the_fee_of_an_orders_charge_comes_with_its_row() -> None:
    here = Stripe(charge(), fee(), **shop(invoiced()))
    assert [write.needs for write in here.writes(fee())] == [("st:ch:ch_1",)]


def test_a_charge_waits_while_the_shop_may_still_tell_of_its_order() -> None:
    unread = made(state="unread", reason="not read since", of="orders")
    assert Stripe(shop={BY_CHARGE: (unread,), BY_INTENT: (unread,)}).waits(charge()) == (
        "orders of wc: unread, not read since"
    )


def test_an_order_that_is_not_booked_claims_no_payment() -> None:
    writes = Stripe(**shop(made(state="ignored"))).writes(charge())
    assert journal(writes, "st:ch:ch_1") == {"1583": "1250.00", "2999": "-1250.00"}


@pytest.mark.parametrize(
    ("found", "code"),
    [
        ((invoiced(amount="1000"),), "second-road-differs"),
        ((invoiced(), made(("wc:ord:728", document()))), "second-road-differs"),
        (
            (
                made(
                    ("wc:ord:727", document()),
                    ("wc:pay:727", CustomerPayment("payment", "1", NOON.date(), "X", "Y", sek("1250"), "s")),
                ),
            ),
            "payment-booked-by-shop",
        ),
        ((left_on_suspense("2998"),), "suspense-differs"),
    ],
    ids=["unequal", "two orders", "the shop books its money too", "another suspense account"],
)
def test_what_is_not_clear_between_shop_and_stripe_is_held(found: tuple[Elsewhere, ...], code: str) -> None:
    assert Stripe(**shop(*found)).findings(charge()) == {code}


def test_a_sales_transaction_left_on_suspense_is_emptied_without_a_warning() -> None:
    here = Stripe(**shop(left_on_suspense()))
    assert journal(here.writes(charge()), "st:ch:ch_1") == {"2999": "-1250.00", "1583": "1250.00"}
    assert here.warnings(charge()) == []
    back = refund("250")
    again = Stripe(charge(), back, **shop(left_on_suspense()))
    assert journal(again.writes(back), "st:re:re_1") == {"2999": "250.00", "1583": "-250.00"}


def test_a_refund_pays_out_the_shops_credit_note() -> None:
    back = refund("250")
    (write,) = Stripe(charge(), back, **shop(invoiced(), refunds=(credited("731"),))).writes(back)
    out = cash([write], "st:re:re_1")
    assert out.applications == (Application("CreditNote", Ref("wc:ref:731"), sek("250")),)
    assert write.needs == ("wc:ref:731", "st:ch:ch_1")


def test_two_equal_refunds_take_a_credit_note_each() -> None:
    first, second = refund("250"), refund("250", id="re_2", occurred_at=NOON + timedelta(hours=2))
    around: tuple[Document, ...] = (charge(), first, second)
    here = Stripe(*around, **shop(invoiced(), refunds=(credited("731"), credited("732"))))
    assert [here.writes(one)[0].needs[0] for one in (first, second)] == ["wc:ref:731", "wc:ref:732"]


def test_a_refund_that_the_shop_does_not_know_is_asked_about() -> None:
    back = refund("250")
    assert Stripe(charge(), back, **shop(invoiced())).findings(back) == {"refund-credit-note"}
    held = made(state="held", reason="refund-vat-mix", of="refund 731")
    assert Stripe(charge(), back, **shop(invoiced(), refunds=(held,))).waits(back) == (
        "refund 731 of wc: held, refund-vat-mix"
    )


def test_a_refund_waits_while_its_charge_is_not_clear() -> None:
    back = refund("250")
    assert "waits for an answer" in Stripe(charge(), back, **shop(invoiced(amount="1000"))).waits(back)


def test_orders_and_refunds_that_name_a_charge_later_have_it_looked_at_again() -> None:
    assert {("order", "transaction", "transaction"), ("refund", "transaction", "transaction")} <= set(FLOW.siblings)
    assert ("transaction", "ch_1") in FLOW.links(charge())
    assert ("transaction", "ch_1") in FLOW.links(refund())
