"""Whatever a web shop sells: totals are the source's, entries balance, refunds lose nothing, twice is once."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ml_connector.finance.documents import Refund, Sale, SaleLine, TaxShare
from ml_connector.finance.encoding import booked_hash, decode_write, encode_write
from ml_connector.finance.invoices import CustomerInvoice, CustomerPayment
from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Plan
from ml_connector.rules.goods import gross_of
from ml_connector.rules.shop_refunds import left_of
from tests.flows.shop_builders import D15, D25, TERMS, Store, order, posted, refund, with_refunds

cents = st.integers(1, 10**6)
JOURNAL = replace(TERMS, order_document="journal")


def taxed(net: int, rate: Decimal) -> tuple[TaxShare, ...]:
    tax = int((Decimal(net) * rate / 100).quantize(Decimal(1), ROUND_HALF_UP))
    return (TaxShare(rate, Money(tax, "NOK")),)


@st.composite
def orders(draw: st.DrawFn) -> Sale:
    """Goods, shipping and fees of two rates, at times a discount, a gift card, and rounding."""
    made = []
    for n in range(draw(st.integers(1, 6))):
        kind: Any = draw(st.sampled_from(["goods", "goods", "shipping", "fee"]))
        net, rate = draw(cents), draw(st.sampled_from([D25, D15]))
        made.append(SaleLine(f"{n}", "Lue", Money(net, "NOK"), taxed(net, rate), kind))
    if draw(st.booleans()):
        less = draw(st.integers(1, made[0].net.minor))
        rate = made[0].taxes[0].rate or D25
        made.append(SaleLine("d", "Rabatt", Money(-less, "NOK"), taxed(-less, rate), "discount"))
    if draw(st.booleans()) and (whole := gross_of(made)) > 0:
        made.append(SaleLine("g", "Gavekort", Money(-draw(st.integers(1, whole)), "NOK"), (), "discount"))
    rounding = draw(st.integers(-100, 100)) if gross_of(made) > 100 else 0
    return order(*made, rounding=str(Decimal(rounding) / 100))


@settings(max_examples=80)
@given(orders())
def test_an_invoice_is_the_orders_total_and_its_payment_pays_it_whole(sale: Sale) -> None:
    plan = Store().plan(sale)
    bill = plan.writes[0].content
    assert isinstance(bill, CustomerInvoice)
    assert bill.total == sale.total
    assert bill.vat_total.minor == sum(line.tax.minor for line in sale.lines)
    paid = [write.content.amount for write in plan.writes if isinstance(write.content, CustomerPayment)]
    assert paid == ([sale.total] if sale.total else [])
    assert all(decode_write(encode_write(write)) == write for write in plan.writes)


@settings(max_examples=80)
@given(orders())
def test_planning_what_is_posted_plans_the_same(sale: Sale) -> None:
    for terms in (TERMS, JOURNAL):
        first = Store(terms=terms).plan(sale)
        again = Store(terms=terms, posted=posted(first)).plan(replace(sale, status="completed"))
        hashes = [[(w.key, booked_hash(w.kind, w.content)) for w in plan.writes] for plan in (first, again)]
        assert hashes[0] == hashes[1]


@settings(max_examples=80)
@given(orders())
def test_a_sales_transaction_balances_on_the_clearing_of_its_payment_method(sale: Sale) -> None:
    (write,) = Store(terms=JOURNAL).plan(sale).writes
    entry = write.content
    assert isinstance(entry, JournalEntry)
    assert entry.balance_of("1580") == sale.total
    vat = sum(posting.amount.minor for posting in entry.postings if posting.role == "vat")
    assert -vat == sum(line.tax.minor for line in sale.lines)


@st.composite
def refunded(draw: st.DrawFn) -> tuple[Sale, tuple[Refund, ...]]:
    """An order given back in up to four parts: some with their lines, some by amount; the last takes the rest."""
    sale = order(*draw(orders()).lines)
    left, refunds = list(sale.lines), []
    for n in range(draw(st.integers(0, 3))):
        name = f"727:{731 + n}"
        whole = gross_of(left)
        if whole <= 1:
            break
        if draw(st.booleans()) and len(left) > 1 and (gross := left[0].gross.minor) > 0 and gross <= whole:
            line = left.pop(0)
            refunds.append(refund(str(line.gross.decimal()), line, id=name))
        else:
            amount = Money(draw(st.integers(1, whole - 1)), "NOK")
            refunds.append(refund(str(amount.decimal()), id=name))
            left = list(left_of(sale, refunds).lines)
    rest = left_of(sale, refunds).total
    if rest.minor > 0:
        refunds.append(refund(str(rest.decimal()), id=f"727:{731 + len(refunds)}"))
    return sale, tuple(refunds)


@settings(max_examples=120)
@given(refunded())
def test_refunds_of_a_whole_order_take_back_exactly_its_sales_and_its_vat(
    case: tuple[Sale, tuple[Refund, ...]],
) -> None:
    sale, refunds = case
    shop = with_refunds(sale, *refunds)
    store = Store(shop, *refunds, decisions={"refund-vat-mix": "approve"})
    notes = []
    for one in refunds:
        verdict = store.verdict(one)
        assert isinstance(verdict, Plan), verdict
        note, money = verdict.writes[0].content, verdict.writes[-1].content
        assert isinstance(note, CustomerInvoice)
        assert isinstance(money, CustomerPayment)
        assert note.total == one.amount == money.amount
        notes.append(note)
    assert sum(note.total.minor for note in notes) == sale.total.minor
    assert sum(note.vat_total.minor for note in notes) == sum(line.tax.minor for line in sale.lines if sale.total)
