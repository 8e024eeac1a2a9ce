"""Whatever happens on a Stripe account, told in any order and as often as you like: clearing is what Stripe shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ml_connector.finance.documents import Document, Movement
from ml_connector.finance.encoding import booked_hash, decode_write, encode_write
from ml_connector.finance.invoices import CustomerPayment
from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.ledger import LedgerInvoice
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Hold, Ignore, Plan, PlannedWrite, Wait
from tests.flows.collection_world import (
    NOON,
    bill,
    charge,
    collected,
    dispute,
    given_back,
    moved,
    payout,
    refund,
    row,
    taken,
)
from tests.flows.stripe_world import Stripe, all_writes, balances

HOUR = timedelta(hours=1)
CLEARING = {"SEK": "1583", "EUR": "1584"}
ENDS = ("kept", "failed", "returned", "part_back", "all_back", "back_failed", "disputed", "won", "lost")
minors = st.integers(20, 10**6)


@dataclass(slots=True)
class Account:
    """What one Stripe account shows in the end: records, and the ledger's invoices that it collects."""

    documents: list[Document] = field(default_factory=list)
    bills: list[LedgerInvoice] = field(default_factory=list)

    @property
    def rows(self) -> list[Movement]:
        return [one for one in self.documents if isinstance(one, Movement)]

    def available(self) -> int:
        """Minor units of SEK that Stripe holds for us."""
        return sum(one.net.minor for one in self.rows)


def text(minor: int) -> str:
    return str(Money(minor, "SEK").decimal())


def _paid(account: Account, place: int, *, minor: int, fee: int, end: str, euro: bool, billed: bool) -> None:
    """One charge and what became of it. A charge in euro is settled at 11.30 and pays no invoice."""
    ch, txn, currency = f"ch_{place}", f"txn_{place}", "EUR" if euro else "SEK"
    settled = minor * 1130 // 100 if euro else minor
    more: dict[str, Any] = {"id": ch, "intent_id": f"pi_{place}", "movement_id": txn, "settles": ()}
    if billed:
        number, invoice, inpay = f"{10_000 + place}", f"in_{place}", f"inpay_{place}"
        more["settles"] = ((inpay, invoice),)
        account.bills.append(bill(text(minor), number=number))
        marks = {"visma_invoice_no": number, "visma_customer_no": "10001"}
        account.documents.append(collected(text(minor), id=invoice, number=number, marks=marks))
        account.documents.append(row(text(minor), id=inpay, invoice_id=invoice, intent_id=f"pi_{place}"))
    state = "failed" if end in {"failed", "returned"} else "completed"
    fallen = f"{txn}f" if end == "returned" else ""
    account.documents.append(
        charge(text(minor), currency=currency, state=state, failed_movement_id=fallen, failure="declined", **more)
    )
    if end != "failed":
        account.documents.append(moved("charge", text(settled), text(fee), id=txn, reference_id=ch))
    if end == "returned":
        account.documents.append(moved("charge_failure", text(-settled), id=fallen, reference_id=ch))
    _given_back(account, place, minor=minor, settled=settled, end=end, currency=currency)
    _disputed(account, place, minor=settled, end=end)


def _given_back(account: Account, place: int, *, minor: int, settled: int, end: str, currency: str) -> None:
    if end not in {"part_back", "all_back", "back_failed"}:
        return
    part, taken_minor = (minor, settled) if end == "all_back" else (max(1, minor // 2), max(1, settled // 2))
    failed = end == "back_failed"
    re, txn = f"re_{place}", f"txn_r{place}"
    account.documents.append(
        refund(
            text(part), id=re, currency=currency, payment_id=f"ch_{place}", occurred_at=NOON + HOUR,
            state="failed" if failed else "completed", failed_movement_id=f"{txn}f" if failed else "",
        )
    )  # fmt: skip
    account.documents.append(moved("refund", text(-taken_minor), id=txn, reference_id=re))
    if failed:
        account.documents.append(moved("refund_failure", text(taken_minor), id=f"{txn}f", reference_id=re))


def _disputed(account: Account, place: int, *, minor: int, end: str) -> None:
    if end not in {"disputed", "won", "lost"}:
        return
    dp, first, second = f"dp_{place}", f"txn_d{place}", f"txn_g{place}"
    moves = [taken(text(minor), id=first)]
    account.documents.append(moved("dispute", text(-minor), "150", id=first, reference_id=dp))
    if end == "won":
        moves.append(given_back(text(minor), id=second))
        account.documents.append(moved("dispute_reversal", text(minor), id=second, reference_id=dp))
    status = {"disputed": "under_review"}.get(end, end)
    account.documents.append(
        dispute(status, *moves, amount=text(minor), id=dp, payment_id=f"ch_{place}", payment_ids=(f"ch_{place}",))
    )


@st.composite
def accounts(draw: st.DrawFn) -> Account:
    account = Account()
    for place in range(draw(st.integers(1, 5))):
        euro = draw(st.booleans())
        _paid(
            account, place, minor=draw(minors), fee=draw(st.integers(0, 500)), end=draw(st.sampled_from(ENDS)),
            euro=euro, billed=not euro and draw(st.booleans()),
        )  # fmt: skip
    if draw(st.booleans()):
        account.documents.append(moved("fee", text(-draw(minors)), id="txn_fee", reference_id=None))
    if draw(st.booleans()):
        amount, failed = draw(minors), draw(st.booleans())
        account.documents.append(payout(text(amount), state="failed" if failed else "paid"))
        account.documents.append(moved("payout", text(-amount), id="txn_po", reference_id="po_1"))
        if failed:
            account.documents.append(moved("payout_reversal", text(amount), id="txn_pf", reference_id="po_1"))
    return account


class Ledger:
    """Plans records as they come, each knowing what was posted of itself, and keeps what stands in the end."""

    def __init__(self, account: Account) -> None:
        self.world = Stripe(*account.documents, bills=account.bills)
        self.of: dict[int, tuple[PlannedWrite, ...]] = {}

    def plan(self, place: int) -> None:
        document = self.world.documents[place]
        self.world.posted = {write.key: write.content for write in self.of.get(place, ())}
        made = self.world.verdict(document)
        assert not isinstance(made, Hold | Wait), made
        self.of[place] = made.writes if isinstance(made, Plan) else ()

    def writes(self) -> list[PlannedWrite]:
        return [write for place in sorted(self.of) for write in self.of[place]]


def clearing(writes: Sequence[PlannedWrite]) -> Mapping[str, int]:
    left = balances(writes)
    return {currency: left.get(account, 0) for currency, account in CLEARING.items()}


@settings(max_examples=60, deadline=None)
@given(accounts(), st.randoms(use_true_random=False))
def test_clearing_is_what_stripe_shows_in_any_order_and_repetition(account: Account, random: Any) -> None:
    straight = Ledger(account)
    for place in range(len(account.documents)):
        straight.plan(place)
    made = straight.writes()
    assert len({write.key for write in made}) == len(made)
    assert clearing(made) == {"SEK": account.available(), "EUR": 0}
    assert sum(balances(made).values()) == 0
    shuffled = Ledger(account)
    order = [*range(len(account.documents)), *range(len(account.documents))]
    random.shuffle(order)
    for place in order:
        shuffled.plan(place)
    assert _hashes(shuffled.writes()) == _hashes(made)


@settings(max_examples=30, deadline=None)
@given(accounts())
def test_every_write_is_kept_exactly_and_needs_only_what_some_record_books(account: Account) -> None:
    ledger = Ledger(account)
    for place in range(len(account.documents)):
        ledger.plan(place)
    made = ledger.writes()
    keys = {write.key for write in made}
    for write in made:
        assert decode_write(encode_write(write)) == write
        assert set(write.needs) <= keys
        if isinstance(write.content, JournalEntry):
            assert sum(one.amount.minor for one in write.content.postings) == 0


@settings(max_examples=30, deadline=None)
@given(accounts())
def test_every_krona_of_an_invoice_is_one_payment_of_it(account: Account) -> None:
    ledger = Ledger(account)
    for place in range(len(account.documents)):
        ledger.plan(place)
    payments = [
        one.content for one in ledger.writes()
        if isinstance(one.content, CustomerPayment) and one.content.kind == "payment"
    ]  # fmt: skip
    numbers = [one.applications[0].number for one in payments]
    assert len(set(map(str, numbers))) == len(numbers)
    totals = {one.number: one.total for one in account.bills}
    assert all(one.amount == totals[str(one.applications[0].number)] for one in payments)


@settings(max_examples=40, deadline=None)
@given(minors, st.lists(st.integers(1, 100), min_size=1, max_size=4))
def test_refunds_that_sum_to_the_invoice_credit_all_of_it_to_the_unit(minor: int, weights: list[int]) -> None:
    parts = [part for part in Money(minor, "SEK").split(weights) if part]
    paid = charge(text(minor), settles=(("inpay_1", "in_1"),))
    backs = [
        refund(str(part.decimal()), id=f"re_{place}", occurred_at=NOON + place * HOUR)
        for place, part in enumerate(parts)
    ]
    here = Stripe(collected(text(minor)), row(text(minor)), paid, *backs, bills=[bill(text(minor))])
    writes = all_writes(here, paid, *backs)
    left = balances(writes)
    assert "1583" not in left
    assert left["AR"] == -minor
    whole = bill(text(minor))
    assert abs(left.get("VAT", 0) - whole.vat_total.minor) <= len(parts)
    again = here.verdict(replace(backs[0], state="pending"))
    assert isinstance(again, Wait)


@settings(max_examples=30, deadline=None)
@given(accounts(), st.integers(0, 30))
def test_a_record_on_its_own_never_crashes_whatever_is_not_read_yet(account: Account, gone: int) -> None:
    kept = [one for place, one in enumerate(account.documents) if place != gone % len(account.documents)]
    here = Stripe(*kept, bills=account.bills)
    for one in kept:
        assert isinstance(here.verdict(one), Plan | Hold | Ignore | Wait)


def _hashes(writes: Sequence[PlannedWrite]) -> dict[str, str]:
    return {write.key: booked_hash(write.kind, write.content) for write in writes}
