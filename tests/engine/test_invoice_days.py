"""Invoices of a shop: their customers, payments, cancellations and corrections."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ml_connector.engine import replaying, ruling
from ml_connector.errors import Rejected
from tests.engine.business_days import Open, answer, cents_on, items, rest, trip_of
from tests.engine.proofs import expect_settled, in_ledger, query, questions, states
from tests.engine.world import World


def bill(world: World, customer_id: str | None = None, **more: Any) -> dict[str, Any]:
    """An invoice of 99.00."""
    who = (
        {"customer_id": customer_id}
        if customer_id
        else {"customer": {"given_name": "Ann", "email_address": "ann@shop.example"}}
    )
    return world.do("invoice", lines=[{"amount": 9900, "tax": "25"}], due_date="2026-04-10", **who, **more)


def test_a_customer_is_made_once_for_two_invoices(open_world: Open) -> None:
    world = open_world()
    first = bill(world)
    bill(world, first["customer_id"])
    rest(world, 90_000, step=3600)
    assert world.visma.calls["POST /v1/customer"] == 1
    assert states(world)[("invoice", "posted")] == 2
    bill(world, first["customer_id"])
    rest(world, 90_000, step=3600)
    assert world.visma.calls["POST /v1/customer"] == 1, "the binding is used again"
    assert states(world)[("invoice", "posted")] == 3
    assert len(query(world, "SELECT id FROM binding WHERE kind = 'customer'")) == 1
    expect_settled(world)


def test_an_invoice_to_a_customer_blocked_in_the_ledger_is_held(open_world: Open) -> None:
    world = open_world()
    first = bill(world)
    rest(world)
    company = next(iter(world.visma.vendor.tenants.values()))  # type: ignore[attr-defined]
    made = next(one for one in company.customers.values() if not one.number.startswith("100"))
    made.status = "Hold"
    world.clock.advance(700)
    bill(world, first["customer_id"])
    rest(world, 90_000, step=3600)
    assert states(world)[("invoice", "held")] == 1
    assert len(in_ledger(world)) == 1


def test_a_cancelled_invoice_is_credited(open_world: Open) -> None:
    world = open_world()
    made = bill(world)
    rest(world)
    assert cents_on(world, "3001") == -7920
    world.do("invoice_cancel", invoice_id=made["invoice_id"])
    rest(world, 90_000, step=3600)
    assert cents_on(world, "3001") == 0
    expect_settled(world)


def sell_to(world: World, account: str) -> None:
    """Save rules under which sales at 25 % go to another account, and plan invoices again."""
    book = ruling.rules_now(world.works, world.route_id)
    rules = tuple(replace(rule, account=account) if rule.id == "sales 25" else rule for rule in book.rules)
    ruling.save_rules(world.works, world.route_id, replace(book, rules=rules), by="Ann")
    replaying.replay_trips(world.works, world.workspace, [trip_of(world, "invoice")], by="Ann")
    rest(world, 600)


def test_a_credit_note_that_lowers_an_invoice_is_a_persons_matter_and_asked_about_once_for_each_change(
    open_world: Open,
) -> None:
    world = open_world()
    made = bill(world)
    rest(world)
    world.do("invoice_cancel", invoice_id=made["invoice_id"])
    rest(world, 90_000, step=3600)
    by_hand = r"lowers the invoice of sq:inv:.*, and no call of Visma frees it again. In Visma, reverse its application"
    with pytest.raises(Rejected, match=by_hand):
        replaying.undo(world.works, trip_of(world, "invoice"), by="Ann")
    sell_to(world, "3004")
    assert questions(world) == ["correction"]
    answer(world, "correction", "accept")
    rest(world, 600)
    (item,) = items(world, "reversal-by-hand")
    assert "then answer ignore" in item.sentence
    answer(world, "reversal-by-hand", "ignore: mended in Visma")
    rest(world, 600)
    replaying.replay_trips(world.works, world.workspace, [trip_of(world, "invoice")], by="Ann")
    rest(world, 600)
    assert questions(world) == [], "the very change that a person has dealt with"
    sell_to(world, "3002")
    assert questions(world) == ["correction"], "another one"


def test_a_part_paid_invoice_and_its_refund(open_world: Open) -> None:
    world = open_world()
    made = bill(world)
    rest(world)
    paid = world.do("invoice_pay", invoice_id=made["invoice_id"])
    rest(world)
    world.do("refund", payment_id=paid["payment_id"])
    rest(world, 3600)
    assert cents_on(world, "3001") == 0
    assert cents_on(world, "1510") == 0
    expect_settled(world)


def test_a_customers_newer_card_updates_the_one_that_an_invoice_made(open_world: Open) -> None:
    world = open_world()
    fields = {"given_name": "Ada", "company_name": "Ada Ltd", "email_address": "ada@example.test"}
    first = world.square.control("invoice", {"customer": fields, "due_date": "2026-04-10"}, world.clock.now())
    rest(world)
    changed = {"customer_id": first["customer_id"], "company_name": "Ada & Daughters Ltd"}
    world.square.control("customer", changed, world.clock.now())
    again = {"customer_id": first["customer_id"], "due_date": "2026-04-10"}
    world.square.control("invoice", again, world.clock.now())
    rest(world, seconds=90_000, step=3_600)
    cards = query(world, "SELECT revision, state FROM planned_write WHERE kind = 'customer' ORDER BY revision")
    assert cards == [(1, "reversed"), (2, "done")]
    assert questions(world) == []
