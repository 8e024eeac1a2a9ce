"""What holds for any order, receipt and approved invoice: planned twice is planned once, and nothing is lost."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from ml_connector.finance.encoding import booked_hash
from ml_connector.finance.invoices import SupplierInvoice
from ml_connector.finance.plan import Plan
from ml_connector.finance.procurement import OrderLine, TransferAnswer
from tests.flows.purchase_builders import World, approved, back, line, nok, order, receipt, row, supplier, term

CENTS = st.integers(-50_000, 50_000)
ROWS = st.lists(st.tuples(CENTS, st.integers(0, 10_000)), min_size=1, max_size=8)
LINES = st.lists(st.integers(1, 9), min_size=1, max_size=6, unique=True)
WHOLE = World(term(), supplier())


@settings(max_examples=60)
@given(rows=ROWS, off=st.integers(-4, 4))
def test_lines_and_vat_sum_to_the_document_or_it_goes_back(rows: list[tuple[int, int]], off: int) -> None:
    coded = tuple(
        row(n, str(Decimal(net) / 100), str(Decimal(net + tax) / 100)) for n, (net, tax) in enumerate(rows, 1)
    )
    net, gross = sum(net for net, _ in rows) + off, sum(net + tax for net, tax in rows) + off
    document = approved(*coded, net=nok(str(Decimal(net) / 100)), gross=nok(str(Decimal(gross) / 100)))
    verdict = back().verdict(document)
    assert isinstance(verdict, Plan)
    made = [write.content for write in verdict.writes]
    invoices = [one for one in made if isinstance(one, SupplierInvoice)]
    (answer,) = [one for one in made if isinstance(one, TransferAnswer)]
    assert answer.success == bool(invoices)
    for one in invoices:
        assert sum(each.net.minor for each in one.lines) == net
        assert one.total.minor == gross
        assert one.vat_total.minor == gross - net


@settings(max_examples=40)
@given(numbers=LINES, later=LINES, quantity=st.integers(1, 99))
def test_no_line_of_an_order_is_ever_forgotten(numbers: list[int], later: list[int], quantity: int) -> None:
    first = order(*(line(n, quantity=Decimal(quantity)) for n in numbers))
    posted = WHOLE.contents(first)
    second = World(term(), supplier(), posted=posted).contents(order(*(line(n) for n in later)))
    lines = {one.number: one for one in second.values() if isinstance(one, OrderLine)}
    assert set(lines) == {str(n) for n in {*numbers, *later}}
    assert {number for number, one in lines.items() if one.deleted} == {str(n) for n in set(numbers) - set(later)}


@settings(max_examples=40)
@given(came=st.lists(st.integers(1, 20), max_size=5), gone=st.sets(st.integers(0, 4)))
def test_receipts_sum_to_what_stands(came: list[int], gone: set[int]) -> None:
    several = [
        receipt(f"R{n}", quantity, status="Cancelled" if n in gone else "Released") for n, quantity in enumerate(came)
    ]
    made = World(*several).contents(order())["vi:order:RegularOrder:PO1:line:1"]
    standing = sum(quantity for n, quantity in enumerate(came) if n not in gone)
    assert sum(one.quantity for one in made.receipts) == standing
    assert len({one.external_code for one in made.receipts}) == len(made.receipts)


@given(numbers=LINES)
def test_planning_twice_is_planning_once(numbers: list[int]) -> None:
    document = order(*(line(n) for n in numbers))
    first = WHOLE.plan(document)
    again = World(term(), supplier(), posted=WHOLE.contents(document)).plan(document)
    hashes = [[booked_hash(one.kind, one.content) for one in plan.writes] for plan in (first, again)]
    assert hashes[0] == hashes[1]


@given(change=st.sampled_from(["status", "text"]))
def test_a_booked_invoice_is_the_same_however_its_document_changes(change: str) -> None:
    contents = back().contents(approved())
    changed = replace(approved(), **{change: "Transferred" if change == "status" else "other"})  # type: ignore[arg-type]
    after = back(posted=contents).contents(changed)
    (bill,) = [key for key in contents if ":bill:" in key]
    assert after[bill] == contents[bill]
