"""Whatever moves a PayPal account: entries balance, clearing is what PayPal shows, planning twice is planning once."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ml_connector.connectors.paypal.codes import CODES, GROUPS, role_of
from ml_connector.finance.documents import Movement, SaleLine, TaxShare
from ml_connector.finance.encoding import booked_hash, decode_write, encode_write
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Plan, PlannedWrite
from ml_connector.finance.rulebook import Rule, When
from ml_connector.rules.movements import balance_moved
from ml_connector.rules.receipts import vat_within
from tests.flows.paypal_world import (
    ANONYMOUS,
    D25,
    KARI,
    NOON,
    PayPal,
    balances,
    book,
    invoice,
    paid_row,
    party,
    row,
)

KNOWN_CODES = sorted({*CODES, *(f"{group}00" for group in GROUPS), "T0006", "T9900", "T1900", "Q7"})
ALONE = [code for code in KNOWN_CODES if role_of(code, minor=-1) not in {"refund", "conversion"}]
CLEARING = {"SEK": "1581", "EUR": "1582"}
cents = st.integers(1, 10**7)


@st.composite
def rows(draw: st.DrawFn) -> Movement:
    """One row that stands for itself, of any code, status and fee."""
    code, minor = draw(st.sampled_from(ALONE)), draw(cents) * draw(st.sampled_from([1, -1]))
    currency = draw(st.sampled_from(["SEK", "SEK", "SEK", "EUR"]))
    bank = role_of(code, minor=minor) in {"withdrawal", "withdrawal_returned", "funding"}
    currency = "SEK" if bank else currency  # its bank account keeps one currency
    fee = draw(st.none() | st.integers(-5000, 500))
    state: Any = draw(st.sampled_from(["completed", "completed", "unknown", "pending", "denied"]))
    payer = draw(st.sampled_from([None, party(), party("Stranger", "stranger@example.com")]))
    worth = Money(minor, currency).decimal()
    made = row(code, str(worth), id=f"T{draw(st.integers(1, 10**9))}", currency=currency, state=state, party=payer)
    return made if fee is None else Movement(**{**_fields(made), "fee": Money(fee, currency)})


def _fields(made: Movement) -> dict[str, Any]:
    return {name: getattr(made, name) for name in Movement.__dataclass_fields__}


def in_clearing(writes: list[PlannedWrite]) -> dict[str, int]:
    """What the ledger shows on each clearing account."""
    found = balances(writes)
    return {currency: found.get(account, 0) for currency, account in CLEARING.items()}


def available(moved: list[Movement]) -> dict[str, int]:
    """What PayPal shows as available."""
    sums = dict.fromkeys(CLEARING, 0)
    for one in moved:
        sums[one.amount.currency] += balance_moved(one).minor
    return sums


@settings(max_examples=150, deadline=None)
@given(st.lists(rows(), min_size=1, max_size=8, unique_by=lambda one: one.transaction_id), st.booleans())
def test_clearing_is_what_paypal_shows_as_available(moved: list[Movement], anonymous: bool) -> None:
    world = PayPal(*moved, found=KARI, rulebook=book(*([ANONYMOUS] if anonymous else [])))
    made: list[PlannedWrite] = []
    for one in moved:
        verdict = world.verdict(one)
        if isinstance(verdict, Plan):
            assert world.verdict(one) == verdict
            made += verdict.writes
    assert len({write.key for write in made}) == len(made)
    assert all(decode_write(encode_write(write)) == write for write in made)
    assert in_clearing(made) == available(moved)
    assert sum(balances(made).values()) == 0


@settings(max_examples=100, deadline=None)
@given(cents, st.lists(st.integers(1, 100), min_size=1, max_size=4), st.integers(0, 2), st.booleans())
def test_a_payment_and_its_refunds_leave_clearing_as_the_report_does(
    amount: int, weights: list[int], way: int, whole: bool
) -> None:
    parts = [part for part in Money(amount, "SEK").split([*weights, 0 if whole else 50]) if part][: len(weights)]
    gross = Money(amount, "SEK")
    vat = Money(vat_within(gross, D25), "SEK")
    work = SaleLine("1", "Work", gross - vat, (TaxShare(D25, vat),) if vat else ())
    bill = invoice(work, payments=(paid_row(str(gross.decimal())),))
    paid = row("T0006", str(gross.decimal()), id="CAP1", fee="-1.23", invoice_id=("INV2-1" if way == 0 else None))
    backs = [
        row("T1107", str(-part.decimal()), id=f"R{place}", reference_id="CAP1", occurred_at=NOON.replace(minute=place))
        for place, part in enumerate(parts, 1)
    ]
    answer = {"refund-credit-note": "none"}
    world = PayPal(bill, paid, *backs, found=KARI, decisions=answer, rulebook=book(*([ANONYMOUS] if way == 1 else [])))
    made = [write for one in (paid, *backs) for write in world.writes(one)]
    assert in_clearing(made) == available([paid, *backs])
    if way == 0:
        left = balances([*made, *world.writes(bill)])
        assert left["AR"] == 0
    for one in (paid, *backs):
        again = world.writes(one)
        assert [booked_hash(w.kind, w.content) for w in again] == [
            booked_hash(w.kind, w.content) for w in made if w.key in {x.key for x in again}
        ]


@settings(max_examples=60, deadline=None)
@given(cents, cents, st.integers(-500, 0))
def test_a_conversion_empties_the_foreign_clearing(sold: int, bought: int, fee: int) -> None:
    net = Money(sold, "EUR")
    sale = row("T0006", str((net - Money(fee, "EUR")).decimal()), id="EU1", currency="EUR", party=party())
    sale = Movement(**{**_fields(sale), "fee": Money(fee, "EUR")})
    out = row("T0200", str(-net.decimal()), id="C1", currency="EUR", reference_id="EU1")
    into = row("T0200", str(Money(bought, "SEK").decimal()), id="C2", reference_id="EU1")
    rule = Rule("any", ("sales",), When(type=("capture",)), account="3030")
    world = PayPal(sale, out, into, rulebook=book(rule))
    made = [write for one in (sale, out, into) for write in world.writes(one)]
    assert in_clearing(made) == available([sale, out, into])
    assert in_clearing(made)["EUR"] == 0


@given(cents, st.sampled_from([6, 12, 20, 25]))
def test_vat_and_net_make_the_gross(gross: int, rate: int) -> None:
    from decimal import Decimal

    vat = vat_within(Money(gross, "SEK"), Decimal(rate))
    assert abs((gross - vat) * rate - vat * 100) <= 100 + rate
