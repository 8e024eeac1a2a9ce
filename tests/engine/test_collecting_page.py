"""The address at which a collected invoice is paid: it dies a while after it was read, and `trace` reads it anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_connector.engine import paypages, tracing
from ml_connector.engine.paypages import PayPage
from tests.engine.collecting_world import CollectingWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[CollectingWorld]:
    made = CollectingWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    made.open_books()
    yield made
    made.close()


def pages(world: CollectingWorld, name: str) -> list[PayPage]:
    stories = tracing.trace(world.works, world.workspace, name)
    return [page for story in stories for page in paypages.pay_pages(world.works, story.submissions)]


def test_the_key_that_the_file_on_the_invoice_names_gives_the_address_of_today(world: CollectingWorld) -> None:
    number = world.invoice(1000)
    world.look()
    (first,) = pages(world, f"st:inv:{number}")
    assert (first.number, first.status, first.trouble) == (number, "open", "")
    world.clock.advance(15 * 86_400)
    (later,) = pages(world, number)
    assert later.url not in ("", first.url)
    assert later.url == world.there()[0]["hosted_invoice_url"]


def test_an_invoice_that_is_paid_says_so(world: CollectingWorld) -> None:
    number = world.invoice(1000)
    world.look()
    world.at_stripe("pay", invoice_id=world.there()[0]["id"])
    (page,) = pages(world, number)
    assert page.status == "paid"


def test_when_stripe_cannot_be_asked_the_story_is_told_all_the_same(world: CollectingWorld) -> None:
    number = world.invoice(1000)
    world.look()
    world.stripe.add({"match": {}, "effect": {"kind": "status", "status": 503}, "times": None})
    (page,) = pages(world, number)
    assert page.url == ""
    assert "MLC-" in page.trouble


def test_a_record_that_is_not_collected_has_no_page(world: CollectingWorld) -> None:
    number = world.invoice(1)  # below the least that Stripe takes
    world.look()
    assert pages(world, number) == []
