"""Whatever a Square shop sells: entries balance, nothing is lost, planning twice is planning once."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ml_connector.finance.documents import Sale, SaleLine, TaxShare, Tender
from ml_connector.finance.encoding import booked_hash, decode_write, encode_write
from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Plan
from ml_connector.rules.goods import gross_of, part_of, share
from tests.flows.builders import D12, D25, NOON, TERMS, Shop, back, capture, refund, return_order, sale

cents = st.integers(1, 10**6)


@st.composite
def lines(draw: st.DrawFn) -> SaleLine:
    net = draw(cents)
    rate = draw(st.sampled_from([None, D12, D25]))
    kind: Any = draw(st.sampled_from(["goods", "goods", "custom", "service_charge"]))
    if rate is None:
        return SaleLine("u", "x", Money(net, "EUR"), kind=kind)
    tax = int((Decimal(net) * rate / 100).quantize(Decimal(1), ROUND_HALF_UP))
    taxes = (TaxShare(rate, Money(tax, "EUR")),) if tax else ()
    return SaleLine("u", "x", Money(net, "EUR"), taxes, kind)


@st.composite
def orders(draw: st.DrawFn) -> Sale:
    goods = tuple(draw(st.lists(lines(), min_size=1, max_size=6)))
    tip, rounding = draw(st.integers(0, 5000)), draw(st.integers(-2, 2))
    total = gross_of(goods) + tip + rounding
    ways = draw(st.lists(st.sampled_from(["card", "cash", "gift_card", "wallet"]), min_size=1, max_size=3))
    parts = Money(total, "EUR").split(draw(st.lists(st.integers(1, 9), min_size=len(ways), max_size=len(ways))))
    tenders = tuple(
        Tender(f"P{n}", means, part, Money(0, "EUR"), NOON)
        for n, (means, part) in enumerate(zip(ways, parts, strict=True), 1)
    )
    made = sale(*goods, tenders=tenders)
    return replace(made, tip=Money(tip, "EUR"), rounding=Money(rounding, "EUR"), total=Money(total, "EUR"))


def captures(order: Sale) -> list[object]:
    return [
        replace(capture(id=one.payment_id, means=one.means), amount=one.amount, total=one.amount)
        for one in order.tenders
    ]


@settings(max_examples=80)
@given(orders(), st.sampled_from(["multi", "single"]))
def test_a_sale_is_booked_whole_and_the_same_from_every_payment(order: Sale, cards: Any) -> None:
    terms = replace(TERMS, gift_cards=cards)
    paid = captures(order)
    shop = Shop(order, *paid, terms=terms)  # type: ignore[arg-type]
    plans = [shop.verdict(one) for one in paid]  # type: ignore[arg-type]
    first = plans[0]
    assert isinstance(first, Plan)
    assert all(one == first for one in plans)
    (write,) = first.writes
    entry = write.content
    assert isinstance(entry, JournalEntry)
    assert decode_write(encode_write(write)) == write
    assert booked_hash("journal", entry) == booked_hash("journal", shop.plan(paid[-1]).writes[0].content)  # type: ignore[arg-type]
    by_role = {
        role: sum(p.amount.minor for p in entry.postings if p.role == role) for role in {p.role for p in entry.postings}
    }
    net = sum(one.net.minor for one in order.lines)
    assert -by_role.get("sales", 0) - by_role.get("service_charge", 0) == net
    assert -by_role.get("tips", 0) == order.tip.minor
    money = sum(by_role.get(role, 0) for role in ("clearing", "till", "gift_cards"))
    untaxed = sum(one.tax.minor for one in order.lines) + by_role.get("vat", 0)
    assert money == order.total.minor - untaxed
    assert untaxed == 0 or cards == "single"


@settings(max_examples=60)
@given(orders(), st.data())
def test_a_refund_of_any_size_gives_back_exactly_its_amount(order: Sale, data: st.DataObject) -> None:
    assume(order.total.minor > 0)
    order = replace(order, tenders=(Tender("P1", "card", order.total, order.tip, NOON),))
    paid = replace(capture(), amount=order.total, total=order.total)
    amount = data.draw(st.integers(1, order.total.minor))
    shop = Shop(order, paid, decisions={"refund-vat-mix": "approve"})
    verdict = shop.verdict(replace(refund("1"), amount=Money(amount, "EUR")))
    if not isinstance(verdict, Plan):
        assert shop.holds(replace(refund("1"), amount=Money(amount, "EUR"))) == ["refund-differs"]
        assert order.rounding.minor < 0  # more than the goods and the tip, less than the total
        return
    entry = verdict.writes[0].content
    assert isinstance(entry, JournalEntry)
    assert entry.balance_of("1580") == Money(-amount, "EUR")


@settings(max_examples=60)
@given(st.lists(lines(), min_size=1, max_size=6), st.data())
def test_parts_of_lines_sum_to_the_amount(goods: list[SaleLine], data: st.DataObject) -> None:
    amount = data.draw(st.integers(0, gross_of(goods)))
    assert gross_of(part_of(goods, amount)) == amount


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=8), st.integers(-2000, 2000))
def test_shares_lose_nothing(parts: list[int], amount: int) -> None:
    whole = sum(parts)
    spread = share(parts, amount, whole)
    assert sum(spread) == (amount if whole else 0)


@settings(max_examples=30)
@given(st.lists(lines(), min_size=1, max_size=4), st.integers(1, 9), st.integers(1, 9))
def test_refunds_that_share_a_return_take_back_all_of_it(goods: list[SaleLine], first: int, second: int) -> None:
    total = gross_of(goods)
    one, two = (part.minor for part in Money(total, "EUR").split([first, second]))
    if not one or not two:
        return
    tenders = (
        Tender("P1", "card", Money(one, "EUR"), Money(0, "EUR"), NOON),
        Tender("P2", "card", Money(two, "EUR"), Money(0, "EUR"), NOON),
    )
    order = sale(*goods, tenders=tenders)
    paid = [replace(capture(id=f"P{n}"), amount=t.amount, total=t.amount) for n, t in enumerate(tenders, 1)]
    shop = Shop(order, *paid, return_order(back(*goods)))
    entries = [
        shop.plan(replace(refund("1", id=f"RF{n}", payment_id=f"P{n}", return_order_id="R-O1"), amount=t.amount))
        .writes[0]
        .content
        for n, t in enumerate(tenders, 1)
    ]
    assert sum(entry.balance_of("1580").minor for entry in entries if isinstance(entry, JournalEntry)) == -total
