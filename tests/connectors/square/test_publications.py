"""When an invoice was published: from the event that says so, or by searching events; nobody asks twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

import pytest

from ml_connector.connectors.shapes import SourceObject
from ml_connector.connectors.square.translate import translate
from ml_connector.connectors.square.webhooks import WEBHOOKS, all_of
from ml_connector.errors import Untranslatable
from ml_connector.finance.documents import Publication
from tests.connectors.square.on_sandbox import START, Shop

SEARCH = "POST /v2/events"


def made(shop: Shop, **arguments: Any) -> str:
    lines = [{"name": "Desk", "amount": 12_500, "tax": "25"}]
    return str(shop.do("invoice", lines=lines, due_date="2026-02-20", **arguments)["invoice_id"])


def read(shop: Shop, *ids: str) -> list[Publication]:
    found = shop.fresh_reader().fetch("publication", ids)
    assert all(isinstance(one, SourceObject) for one in found)
    return [cast(Publication, translate("publication", cast(SourceObject, one).payload)) for one in found]


def event(invoice_id: str, moment: str = "2026-01-31T12:00:00Z") -> dict[str, Any]:
    inside = {"type": "invoice", "id": invoice_id, "object": {"invoice": {"id": invoice_id, "status": "UNPAID"}}}
    return {"merchant_id": "M", "type": "invoice.published", "event_id": "E1", "created_at": moment, "data": inside}


def test_the_event_itself_brings_the_moment_and_no_call_is_made() -> None:
    shop = Shop()
    told, beside = all_of(event("inv:0-1"))
    assert (told.kind, told.external_id, told.event_id) == ("invoice", "inv:0-1", "E1")
    assert (beside.kind, beside.event_id) == ("publication", "E1:publication")
    assert read(shop, str(beside.external_id)) == [Publication("inv:0-1", START)]
    assert shop.calls == {}


def test_other_events_bring_none_and_neither_does_one_without_a_time() -> None:
    assert len(all_of({**event("inv:0-1"), "type": "invoice.updated"})) == 1
    assert len(all_of({**event("inv:0-1"), "created_at": "some day"})) == 1
    with pytest.raises(Untranslatable):
        WEBHOOKS.read(b'{"type":"invoice.published","created_at":"2026-01-31T12:00:00Z","data":{"id":"x"}}', {})


def test_what_no_webhook_told_is_found_by_one_search_for_all() -> None:
    shop = Shop()
    shop.reader.page("events", None, now=shop.clock.now())  # makes events searchable
    first = made(shop)
    shop.clock.advance(3600)
    second = made(shop)
    shop.clock.advance(120)
    before = shop.calls.get(SEARCH, 0)
    one, two, none = read(shop, first, second, "inv:0-nobody")
    assert (one.published_at, two.published_at) == (START, START + timedelta(hours=1))
    assert none == Publication("inv:0-nobody", None)
    assert shop.calls[SEARCH] - before == 1


def test_without_the_applications_own_token_nobody_can_tell_and_nobody_is_asked() -> None:
    shop = Shop()
    del shop.credentials["personal_access_token"]
    assert read(shop, made(shop))[0].published_at is None
    assert SEARCH not in shop.calls


def test_missed_events_bring_it_too() -> None:
    shop = Shop()
    _, position = shop.poll("events")
    invoice = made(shop)
    shop.clock.advance(1800)
    page = shop.fresh_reader().page("events", position, now=shop.clock.now())
    named = [one.external_id for one in page.named if one.kind == "publication"]
    assert [one.id for one in read(shop, *named)] == [invoice]
