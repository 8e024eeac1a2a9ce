"""A vendor's own word for a delivery: asked through the connection whose door it is, whichever process has the door."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ml_connector.connectors import webhooks_of
from ml_connector.connectors.paypal.doorkeys import DoorKey
from ml_connector.connectors.shapes import Vouchable
from ml_connector.engine.door import OpenDoor, with_opinion
from ml_connector.engine.door_line import DoorLine, answer_to
from ml_connector.engine.door_rows import DoorRows
from tests.engine.wallet_world import WalletWorld

HEADERS = {"paypal-transmission-id": "T1", "paypal-auth-algo": "SHA256withRSA"}
BODY = b'{"id":"WH-1", "n":"\xc3\xa5"}'


@dataclass
class Told:
    """A lookup that notes whom it is asked to vouch for."""

    answer: bool = True
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    def door(self, path_secret: str) -> OpenDoor | None:
        return OpenDoor("D1", "paypal", "W1", "C1", "", (path_secret,), webhooks_of("paypal"), 1_000)

    def account(self, door: OpenDoor, account_ref: str) -> tuple[str, str] | None:
        raise NotImplementedError

    def vouch(self, connection_id: str, key: str, headers: Mapping[str, str], body: bytes) -> bool:
        self.asked.append((connection_id, key, dict(headers), body))
        return self.answer


def line_to(lookup: Told) -> DoorLine:
    """A line whose other end answers at once, through JSON both ways."""
    made: list[DoorLine] = []

    def say(message: Mapping[str, Any]) -> None:
        made[0].heard(json.loads(json.dumps(answer_to(json.loads(json.dumps(message)), lookup))))

    made.append(DoorLine(say, lambda _text: None))
    return made[0]


@pytest.mark.parametrize("answer", [True, False])
def test_a_process_without_credentials_has_the_other_ask_about_the_very_bytes(answer: bool) -> None:
    told = Told(answer)
    assert line_to(told).vouch("C1", "KEY", HEADERS, BODY) is answer
    assert told.asked == [("C1", "KEY", HEADERS, BODY)]


def test_nobody_at_the_other_end_is_no_word() -> None:
    def say(_message: Mapping[str, Any]) -> None:
        raise OSError("gone")

    assert not DoorLine(say, lambda _text: None).vouch("C1", "KEY", HEADERS, BODY)


def test_a_door_that_comes_over_the_line_has_somebody_to_ask() -> None:
    door = line_to(Told()).door("SECRET")
    assert door is not None
    assert door.webhooks is not webhooks_of("paypal")
    assert isinstance(door.webhooks, Vouchable)


def test_a_vendor_that_cannot_be_asked_keeps_its_door_as_it_is() -> None:
    assert with_opinion(Told(), webhooks_of("square"), "C1") is webhooks_of("square")


def test_paypal_is_asked_through_the_doors_own_connection(tmp_path: Path) -> None:
    world = WalletWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    world.open_books()
    key = DoorKey("8PT597110X687430LKGECATA", "sandbox").text()
    rows = DoorRows(world.works)
    headers = {**HEADERS, "paypal-cert-url": "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1",
               "paypal-transmission-sig": "c2ln", "paypal-transmission-time": "2026-03-10T06:00:00Z"}  # fmt: skip
    assert not rows.vouch(world.paypal_id, key, headers, BODY)  # asked, and it does not know that webhook
    assert any("verify-webhook-signature" in call for call in world.paypal.calls)
    world.paypal.control("fail_next", {"status": 503, "times": 9}, world.clock.now())
    assert not rows.vouch(world.paypal_id, key, headers, BODY)
    assert not rows.vouch(world.visma_id, key, headers, BODY)
    world.close()
