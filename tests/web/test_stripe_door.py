"""Stripe at its webhook door, from the pretend Stripe's own deliveries to the ledger: made, watched, forged, missed."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from ml_connector.engine import doorkeeping
from ml_connector.engine.units import Unit
from ml_connector.store.inbox_writer import InboxWriter
from ml_connector.web.app import build_app
from tests.engine.collecting_world import BANK, FEES, CollectingWorld
from tests.engine.proofs import query
from tests.engine.test_collecting_back import STRIPE, clear, collected

PUBLIC = "https://books.example.test"
THING = {"object": {"id": "ch_1", "object": "charge"}}


class Doored(CollectingWorld):
    """Both ways of the pair, and a door that the pretend Stripe delivers to."""

    def open_a_door(self) -> None:
        self.open_books()
        self.open_the_way_back()
        self.door_id, self.url = doorkeeping.open_door(
            self.works, connection_id=self.stripe_id, public_url=PUBLIC, signature_key=None, by="test"
        )
        self.writer = InboxWriter(self.works.database)
        self.writer.start()
        app = build_app(self.works, self.writer, ring=lambda _connections: None, public_url=PUBLIC)
        self.client = TestClient(app)
        self.run()  # the endpoint is made, and its secret learnt

    def endpoints(self) -> list[dict[str, Any]]:
        found = self.stripe.control("truth", {"detail": True}, self.clock.now())["objects"]["webhook_endpoint"]
        return [one for one in found if one["url"] == self.url and not one.get("deleted")]

    def deliver(self, *, answer: bool = True) -> list[int]:
        """What is due at the door: the answers. Without an answer the door is down and Stripe gets none."""
        came = []
        for one in self.stripe.deliveries(self.clock.now()):
            status = self.post(one.body, dict(one.headers)) if answer else None
            came += [status] if status else []
            self.stripe.delivered(one, status, self.clock.now())
        return came

    def post(self, body: bytes, headers: dict[str, str]) -> int:
        return self.client.post(self.url.removeprefix(PUBLIC), content=body, headers=headers).status_code

    def by_the_door_alone(self, seconds: float, *, step: float = 50) -> list[int]:
        """Time passes; nothing is polled at Stripe, so that only what rang is read."""
        came = []
        for _ in range(int(seconds / step)):
            self.clock.advance(step)
            came += self.deliver()
            self.run(only=self.is_not_polled)
        return came

    def is_not_polled(self, unit: Unit) -> bool:
        return not (unit.kind == "poll" and unit.subject == self.stripe_id)

    def notices(self) -> Counter[str]:
        with self.database.inbox_reading() as c:
            return Counter(row.event_type for row in c.exec_driver_sql("SELECT event_type FROM notice"))

    def close(self) -> None:
        self.writer.stop()
        super().close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Doored]:
    made = Doored(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    made.open_a_door()
    yield made
    made.close()


def test_the_endpoint_is_made_by_itself_and_what_rings_is_booked_without_a_poll(world: Doored) -> None:
    (endpoint,) = world.endpoints()
    assert endpoint["status"] == "enabled"
    number, there = collected(world)
    world.at_stripe("pay", invoice_id=there, fee=2_500)
    assert set(world.by_the_door_alone(1_500)) == {200}
    assert {"charge.succeeded", "invoice.paid", "invoice_payment.paid"} <= set(world.notices())
    assert world.open_amount(number) == 0
    assert world.balance(STRIPE) == "1250.00"  # the fee comes with its row of the balance, which no event names
    world.look(seconds=1_200, step=100)
    assert world.balance(FEES) == "25.00"
    assert clear(world)


def test_every_event_twice_late_and_in_any_order_books_each_payment_once(world: Doored) -> None:
    world.at_stripe("knobs", duplicate_share=1.0, shuffle=True, delay_s=90.0)
    _, there = collected(world)
    paid = world.at_stripe("pay", invoice_id=there)
    world.at_stripe("refund", charge_id=paid["charge_id"], amount=25_000)
    assert set(world.by_the_door_alone(1_000)) == {200}
    world.look(seconds=2_000, step=200)
    assert max(world.notices().values()) < 12
    payments = [key for key in world.keys() if ":inpay:" in key]  # noqa: SIM118
    assert len(payments) == 1
    assert clear(world)


def test_what_webhooks_missed_is_read_by_polling_and_late_ones_double_nothing(world: Doored) -> None:
    number, there = collected(world)
    paid = world.at_stripe("pay", invoice_id=there)
    world.at_stripe("dispute", charge_id=paid["charge_id"], reason="fraudulent")
    world.deliver(answer=False)  # the door was down
    world.look(seconds=2_000, step=200)
    assert world.open_amount(number) == 0
    assert clear(world)
    before = set(world.keys())
    assert world.by_the_door_alone(7_200, step=600)  # now they come again
    world.look(seconds=2_000, step=200)
    assert set(world.keys()) == before
    assert clear(world)


@pytest.mark.parametrize("signed", ["broken", "old", "future", "v0_only", "none", "wrong_secret"])
def test_what_is_not_rightly_signed_is_401_and_kept_nowhere(world: Doored, signed: str) -> None:
    _, there = collected(world)
    world.deliver()
    before = world.notices()
    world.at_stripe("knobs", signature=signed)
    world.at_stripe("pay", invoice_id=there)
    assert set(world.deliver()) == {401}
    assert world.notices() == before


def test_several_secrets_are_taken_while_one_is_rolled(world: Doored) -> None:
    _, there = collected(world)
    world.by_the_door_alone(100)
    (endpoint,) = world.endpoints()
    rolled = world.at_stripe("roll_secret", endpoint_id=endpoint["id"], overlap_s=3_600)
    world.at_stripe("pay", invoice_id=there, amount=10_000)
    assert set(world.deliver()) == {200}  # signed with both, of which we hold the older
    doorkeeping.set_door_key(world.works, world.door_id, rolled["secret"], by="anna")
    world.clock.advance(30)
    world.at_stripe("pay", invoice_id=there, amount=10_000)
    assert set(world.deliver()) == {200}
    body = json.dumps({"id": "evt_late", "object": "event", "type": "charge.updated", "data": THING}).encode()
    assert world.post(body, signed(world, body)) == 200  # by the older alone, as of a delivery begun before
    world.clock.advance(2 * 86_400)
    assert world.post(body, signed(world, body)) == 401


def signed(world: Doored, body: bytes) -> dict[str, str]:
    """As Stripe signs, with the first secret of the door."""
    at = int(world.clock.now().timestamp())
    secret = first_secret(world)
    made = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return {"stripe-signature": f"t={at},v1={made}", "content-type": "application/json"}


def first_secret(world: Doored) -> str:
    account = next(iter(world.stripe.vendor.world.accounts.values()))  # type: ignore[attr-defined]
    secrets = account.book(livemode=False).secrets
    return str(next(iter(secrets.values()))[0][0])


def test_the_names_of_the_brief_ring_for_the_real_things(world: Doored) -> None:
    _, there = collected(world)
    world.by_the_door_alone(100)
    charge = world.at_stripe("pay", invoice_id=there)["charge_id"]
    thing = {"object": {"id": charge, "object": "charge"}}
    event = {
        "id": "evt_brief_1",
        "object": "event",
        "type": "charge.completed",
        "created": 1_790_000_000,
        "data": thing,
    }
    body = json.dumps(event).encode()
    assert world.post(body, signed(world, body)) == 200
    world.run(only=world.is_not_polled)
    read = query(world, "SELECT external_id FROM record WHERE kind = 'charge'")
    assert read == [(charge,)]


@pytest.mark.parametrize("fault", ["deleted", "disabled"])
def test_an_endpoint_that_somebody_spoils_is_made_anew_and_its_secret_learnt(world: Doored, fault: str) -> None:
    number, there = collected(world)
    (endpoint,) = world.endpoints()
    if fault == "deleted":
        world.in_stripe(f"/v1/webhook_endpoints/{endpoint['id']}", "", method="DELETE")
    else:
        world.in_stripe(f"/v1/webhook_endpoints/{endpoint['id']}", "disabled=true")
    world.clock.advance(3_700)
    world.run(only=world.is_not_polled)
    (again,) = world.endpoints()
    assert (again["id"] != endpoint["id"], again["status"]) == (True, "enabled")
    world.clock.advance(15)
    world.at_stripe("pay", invoice_id=there)
    assert set(world.by_the_door_alone(1_000)) == {200}
    assert world.open_amount(number) == 0


def test_without_the_permission_for_endpoints_a_person_is_told_and_polling_goes_on(tmp_path: Path) -> None:
    world = Doored(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    world.lacking = ("webhook",)
    world.open_a_door()
    assert world.endpoints() == []
    assert "rak_webhook" in world.items()["webhooks-unwatched"]
    number, there = collected(world)
    world.at_stripe("pay", invoice_id=there)
    world.look(seconds=1_200, step=100)
    assert world.open_amount(number) == 0
    assert world.balance(BANK) == "0"
    world.close()


def test_what_people_do_in_the_ledger_goes_out_when_the_ledger_rings(world: Doored) -> None:
    key = "made-up-key"
    _, url = doorkeeping.open_door(
        world.works, connection_id=world.visma_id, public_url=PUBLIC, signature_key=key, by="test"
    )
    world.ledger("subscribe", url=url, key=key)
    number = world.invoice(1000)
    for _ in range(12):
        world.clock.advance(20)
        for one in world.visma.deliveries(world.clock.now()):
            answer = world.client.post(url.removeprefix(PUBLIC), content=one.body, headers=dict(one.headers))
            assert answer.status_code == 200
            world.visma.delivered(one, answer.status_code, world.clock.now())
        world.run(only=lambda unit: unit.kind != "poll")
    assert [(one["metadata"]["visma_invoice_no"], one["status"]) for one in world.there()] == [(number, "open")]
