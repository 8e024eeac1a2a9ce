"""Odd ends of money collected at Stripe, through the whole engine: each leaves clearing as Stripe shows its account."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ml_connector.engine import clearing, connecting, draining, reviewing
from ml_connector.finance.rulebook import Rule
from ml_connector.store import cursors
from tests.engine.collecting_world import CLEARING, CUSTOMER, RECEIVABLE, CollectingWorld
from tests.engine.proofs import query
from tests.engine.test_collecting_back import STRIPE, clear, collected

CLAIM, LOSS, SALES, VAT = "1521", "6351", "3001", "2611"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[CollectingWorld]:
    yield from opened(tmp_path)


def opened(folder: Path, *, without: str = "", none: str = "", **terms: Any) -> Iterator[CollectingWorld]:
    """A company with both ways of the pair; `without`: the rule that the way back lacks, `none`: the code of no VAT."""
    made = CollectingWorld(f"sqlite:///{folder / 'main.db'}", folder)
    made.open_books(**terms)
    more = (Rule("none", ("no_vat",), vat_code=none),) if none else ()
    made.book = replace(made.book, rules=(*more, *(rule for rule in made.book.rules if rule.id != without)))
    made.open_the_way_back()
    yield made
    made.close()


def accept_all(world: CollectingWorld) -> set[str]:
    """Every open question is answered with what it proposes: their codes."""
    items = reviewing.open_items(world.works, world.workspace)
    for item in items:
        reviewing.resolve(world.works, world.workspace, item.id, answer="accept", by="anna")
    return {item.code for item in items}


def parts(world: CollectingWorld) -> set[str]:
    """What the live writes are, without the ids of Stripe."""
    return {":".join(piece for piece in key.split(":")[1:] if "_" not in piece) for key in world.keys()}  # noqa: SIM118


def test_a_payment_that_fails_after_it_was_credited_is_voided_and_told_on_its_invoice(world: CollectingWorld) -> None:
    number, there = collected(world)
    paid = world.at_stripe("pay", invoice_id=there, fee=2_500, method="sepa_debit")
    world.look(seconds=1_200, step=100)
    assert world.open_amount(number) == 0
    world.at_stripe("fail_late", charge_id=paid["charge_id"], reopen=True)
    world.look(seconds=2_000, step=200)
    assert accept_all(world) == {"correction"}
    world.look(seconds=2_000, step=200)
    assert world.open_amount(number) == 1250
    assert world.balance(STRIPE) == "-25.00"  # the fee stays
    assert clear(world)
    shown = world.ledger("by_hand", method="GET", path=f"/v1/customerinvoice/{number}")["body"]
    assert "failed after it had been credited" in str(shown.get("note"))


def test_a_refund_that_fails_later_is_voided_and_its_credit_note_stays_open(world: CollectingWorld) -> None:
    _, there = collected(world)
    paid = world.at_stripe("pay", invoice_id=there)
    world.look(seconds=1_200, step=100)
    refund = world.at_stripe("refund", charge_id=paid["charge_id"], amount=25_000)
    world.look(seconds=2_000, step=200)
    assert {"re", "re:paid"} <= parts(world)
    assert clear(world)
    world.at_stripe("settle_refund", refund_id=refund["refund_id"], outcome="failed")
    world.look(seconds=2_000, step=200)
    assert accept_all(world) == {"correction"}
    world.look(seconds=2_000, step=200)
    assert clear(world)
    assert {"re", "re:paid:rev"} <= parts(world)
    assert "re:paid" not in parts(world)


def test_what_was_paid_too_much_stays_available_and_goes_back_from_the_payment(world: CollectingWorld) -> None:
    number, there = collected(world)
    paid = world.at_stripe("pay", invoice_id=there, amount=130_000)
    world.look(seconds=1_200, step=100)
    assert world.open_amount(number) == 0
    assert set(world.items()) == {"collected-overpaid"}
    world.at_stripe("refund", charge_id=paid["charge_id"], amount=5_000)
    world.look(seconds=2_000, step=200)
    assert clear(world)
    assert {"inpay", "re"} <= parts(world)
    assert "re:paid" not in parts(world)  # no credit note: the invoice itself is paid


def test_a_charge_settled_in_another_currency_leaves_nothing_in_its_own(world: CollectingWorld) -> None:
    world.at_stripe("charge", amount=10_000, currency="eur", rate="11.28")
    world.look(seconds=2_000, step=200)
    assert world.items() == {}
    assert Decimal(world.balance(CLEARING["EUR"])) == 0
    assert clear(world)


def test_a_charge_without_an_invoice_is_a_sale_and_its_refund_takes_back_a_part(world: CollectingWorld) -> None:
    paid = world.at_stripe("charge", amount=12_500)
    world.look(seconds=1_200, step=100)
    world.at_stripe("refund", charge_id=paid["charge_id"], amount=2_500)
    world.look(seconds=2_000, step=200)
    assert (world.balance(SALES), world.balance(VAT)) == ("-80.00", "-20.00")
    assert clear(world)


def test_a_dispute_lost_and_won_on_appeal_leaves_only_its_fee(world: CollectingWorld) -> None:
    _, there = collected(world)
    paid = world.at_stripe("pay", invoice_id=there)
    world.look(seconds=1_200, step=100)
    dispute = world.at_stripe("dispute", charge_id=paid["charge_id"], reason="fraudulent")["dispute_id"]
    world.look(seconds=1_200, step=100)
    world.at_stripe("dispute", dispute_id=dispute, outcome="lost")
    world.look(seconds=2_000, step=200)
    assert (world.balance(CLAIM), world.balance(LOSS)) == ("0.00", "1250.00")
    world.at_stripe("dispute", dispute_id=dispute, status="appeal_under_review")
    world.look(seconds=2_000, step=200)
    assert world.balance(LOSS) == "1250.00"
    world.at_stripe("dispute", dispute_id=dispute, outcome="won")
    world.look(seconds=2_000, step=200)
    assert (world.balance(CLAIM), world.balance(LOSS)) == ("0.00", "0.00")
    assert world.items() == {}
    assert clear(world)


def test_what_was_owed_again_and_is_not_a_person_takes_back_and_closes(tmp_path: Path) -> None:
    """The debit note of a lost dispute that an appeal won: no call takes it back, so the words say how."""
    for world in opened(tmp_path, dispute_lost="owed", none="NONE"):
        _, there = collected(world)
        paid = world.at_stripe("pay", invoice_id=there)
        world.look(seconds=1_200, step=100)
        dispute = world.at_stripe("dispute", charge_id=paid["charge_id"], reason="fraudulent")["dispute_id"]
        world.look(seconds=1_200, step=100)
        world.at_stripe("dispute", dispute_id=dispute, outcome="lost")
        world.look(seconds=2_000, step=200)
        assert (world.balance(CLAIM), world.balance(RECEIVABLE)) == ("0.00", "1250.00")
        world.at_stripe("dispute", dispute_id=dispute, status="appeal_under_review")
        world.look(seconds=1_200, step=100)
        world.at_stripe("dispute", dispute_id=dispute, outcome="won")
        world.look(seconds=2_000, step=200)
        accept_all(world)
        world.look(seconds=1_200, step=100)
        (item,) = reviewing.open_items(world.works, world.workspace)
        for word in ("Debit note", "1,250.00 SEK", f"customer {CUSTOMER}", CLAIM, "VAT code NONE", "answer ignore"):
            assert word in item.sentence, item.sentence
        world.credit_by_hand(1250, account=CLAIM, vat="NONE", against=("DebitNote", item.sentence.split()[2]))
        assert (world.balance(CLAIM), world.balance(RECEIVABLE)) == ("0.00", "0.00")
        reviewing.resolve(world.works, world.workspace, item.id, answer="ignore", by="anna")
        world.look(seconds=2_000, step=200)
        assert world.items() == {}
        assert clear(world)


def test_a_payout_that_fails_comes_back_to_clearing_once(world: CollectingWorld) -> None:
    _, there = collected(world)
    world.at_stripe("pay", invoice_id=there, fee=2_500)
    world.look(seconds=1_200, step=100)
    sent = world.at_stripe("payout", pending=True)["payout_id"]
    world.look(seconds=4_000, step=400)
    assert (world.balance(STRIPE), world.balance("1930")) == ("0.00", "1225.00")
    world.at_stripe("payout", payout_id=sent, outcome="failed")
    world.look(seconds=4_000, step=400)
    assert (world.balance(STRIPE), world.balance("1930")) == ("1225.00", "0.00")


def test_the_clearing_statement_names_what_a_held_charge_leaves_open(tmp_path: Path) -> None:
    for world in opened(tmp_path, without="anonymous", unknown_receipts="hold"):
        world.at_stripe("charge", amount=12_500, fee=500)
        world.look(seconds=1_200, step=100)
        assert set(world.items()) == {"charge-unplaced"}  # asked once: the fee waits for its charge
        (statement,) = clearing.statements(world.works, world.company_id)
        assert (statement.ledger.minor, statement.waiting.minor, statement.unexplained.minor) == (0, 12_000, 0)
        (open_row,) = statement.unbooked_amounts
        assert "held" in open_row.why


def look_at_rounds(world: CollectingWorld, *, most: int) -> None:
    """Both sides are read and one drain is run. Time stands still: it must come to rest by itself."""
    for connection_id in (world.visma_id, world.stripe_id):
        with world.database.writing() as c:
            cursors.make_due(c, connection_id, now=world.works.now())
    world.run(only=lambda unit: unit.kind != "drain")
    rounds = itertools.count(1)
    drained = draining.drain(world.works, world.company_id, stop=lambda: next(rounds) > most)
    assert next(rounds) <= most, f"what goes to a silent system is planned over and over: {drained.planned} times"


@pytest.mark.parametrize(("status", "paused"), [(503, False), (401, True)])
def test_a_system_that_does_not_answer_stops_nothing_that_goes_elsewhere(
    world: CollectingWorld, status: int, paused: bool
) -> None:
    world.stripe.add(
        {"match": {"path": "/v1/customers"}, "effect": {"kind": "status", "status": status}, "times": None}
    )
    number = world.invoice(1000)
    world.at_stripe("charge", amount=12_500, fee=500)
    look_at_rounds(world, most=20)
    world.look(seconds=300)
    assert world.there() == []
    charges = [state for name, (state, _) in world.trips().items() if name.startswith("charge")]
    assert charges == ([] if paused else ["posted"])  # what is paused is not read either
    assert ("connection-paused" in world.items()) is paused
    states = dict(query(world, "SELECT code, state FROM connection"))
    assert states == {"vn": "active", "st": "paused" if paused else "active"}
    world.stripe.remove()
    if paused:
        connecting.ping(world.works, world.stripe_id)
    world.look(seconds=1_200, step=50)
    assert [one["metadata"]["visma_invoice_no"] for one in world.there()] == [number]
    assert clear(world)
