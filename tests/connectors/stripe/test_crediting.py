"""Credits put on the lines of an invoice: to the last cent, and never more than a line still bears."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ml_connector.connectors.stripe.crediting import lines_of
from ml_connector.errors import Rejected, Untranslatable
from ml_connector.finance.collection import CollectionLine
from ml_connector.finance.money import Money
from tests.connectors.stripe.contents import credit, line

RATES = ("25", "15", "0")


def theirs(net: int, percent: str, n: int) -> dict[str, Any]:
    """A line of Stripe's invoice as we made it."""
    return {
        "id": f"il_{n}", "object": "line_item", "amount": net, "metadata": {"vat_percent": percent},
        "taxes": [{"amount": 0, "tax_rate_details": {"tax_rate": f"txr_{percent}"}}],
    }  # fmt: skip


def ours(net: int, percent: str) -> CollectionLine:
    vat = int((Decimal(net) * Decimal(percent) / 100).quantize(Decimal(1), ROUND_HALF_UP))
    return line(str(Money(net, "NOK").decimal()), str(Money(vat, "NOK").decimal()), percent)


LINES = st.lists(st.tuples(st.integers(1, 10**7) | st.integers(1, 40), st.sampled_from(RATES)), min_size=1, max_size=8)


@example(invoiced=[(1, "25"), (1, "25")], wanted=[(2, "25")], earlier=[0] * 8)
@given(invoiced=LINES, wanted=LINES, earlier=st.lists(st.integers(0, 10**7), min_size=8, max_size=8))
def test_a_credit_is_placed_whole_or_not_at_all(
    invoiced: list[tuple[int, str]], wanted: list[tuple[int, str]], earlier: list[int]
) -> None:
    rows = [theirs(net, percent, n) for n, (net, percent) in enumerate(invoiced)]
    credited = {f"il_{n}": min(earlier[n], net) for n, (net, _) in enumerate(invoiced)}
    left = {f"il_{n}": net - credited[f"il_{n}"] for n, (net, _) in enumerate(invoiced)}
    content = credit("in_1", *(ours(net, percent) for net, percent in wanted))
    room = {rate: sum(left[f"il_{n}"] for n, (_, at) in enumerate(invoiced) if at == rate) for rate in RATES}
    needed = {rate: sum(net for net, at in wanted if at == rate) for rate in RATES}
    if any(needed[rate] > room[rate] for rate in RATES):
        with pytest.raises(Rejected):
            lines_of(content, rows, credited=credited)
        return
    made = lines_of(content, rows, credited=credited)
    assert sum(one["amount"] for one in made) == sum(net for net, _ in wanted)
    assert sum(tax["amount"] for one in made for tax in one["tax_amounts"]) == content.vat_total.minor
    for id_, most in left.items():
        assert sum(one["amount"] for one in made if one["invoice_line_item"] == id_) <= most
    for one in made:
        at = invoiced[int(one["invoice_line_item"].removeprefix("il_"))][1]
        assert [tax["tax_rate"] for tax in one["tax_amounts"]] == [f"txr_{at}"]
        assert one["amount"] > 0


def test_a_line_without_vat_is_credited_on_lines_without_and_says_nothing_of_tax() -> None:
    row = {"id": "il_1", "amount": 10000, "metadata": {"vat_percent": ""}, "taxes": []}
    content = credit("in_1", line("50.00", "0.00", None))
    assert lines_of(content, [row], credited={}) == [
        {"type": "invoice_line_item", "invoice_line_item": "il_1", "amount": 5000}
    ]


def test_a_line_that_lowers_a_credit_is_for_a_person() -> None:
    content = credit("in_1", line("500.00", "125.00"), line("-100.00", "-25.00"))
    with pytest.raises(Rejected, match="by hand"):
        lines_of(content, [theirs(100000, "25", 1)], credited={})


def test_a_broken_line_of_stripes_names_its_field() -> None:
    with pytest.raises(Untranslatable) as caught:
        lines_of(credit("in_1"), [{"id": "il_1", "amount": "x"}], credited={})
    assert caught.value.field == "amount"
