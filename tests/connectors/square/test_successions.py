"""Merges of customers: told by their events alone, by webhook or by the Events API; nobody is asked for them."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ml_connector.connectors.shapes import Absent, SourceObject
from ml_connector.connectors.square.translate import translate
from ml_connector.connectors.square.webhooks import all_of
from ml_connector.finance.documents import Party, Succession
from tests.connectors.square.on_sandbox import Shop


def event(merge: Any, kind: str = "customer.deleted") -> dict[str, Any]:
    held = {"customer": {"id": "A"}, "event_context": {"merge": merge}}
    return {"merchant_id": "M", "type": kind, "event_id": "E1", "data": {"type": "customer", "id": "A", "object": held}}


def test_an_event_of_a_merge_names_each_customer_that_became_the_new_one() -> None:
    told, *beside = all_of(event({"from_customer_ids": ["A", "B", "A", "N"], "to_customer_id": "N"}))
    assert (told.kind, told.external_id) == ("customer", "A")
    assert [(one.kind, one.external_id, one.event_id) for one in beside] == [
        ("succession", "A@N", "E1:succession0"), ("succession", "B@N", "E1:succession1"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "merge",
    [None, "N", {}, {"to_customer_id": "N"}, {"from_customer_ids": "A", "to_customer_id": "N"},
     {"from_customer_ids": [1, "", None, "x\ny", "A@B", "A" * 999], "to_customer_id": "N"},
     {"from_customer_ids": ["A"], "to_customer_id": ["N"]}],
)  # fmt: skip
def test_a_merge_that_says_nothing_sensible_brings_the_customer_alone(merge: Any) -> None:
    assert [one.kind for one in all_of(event(merge))] == ["customer"]


def test_what_no_webhook_brought_comes_by_the_events_api_and_no_customer_is_asked_for_it() -> None:
    shop = Shop()
    old = [shop.do("customer", company_name=name)["customer_id"] for name in ("Harbour", "Harbor")]
    _, position = shop.poll("events")
    new = shop.do("customer", merge=old)["customer_id"]
    shop.clock.advance(3_600)
    page = shop.fresh_reader().page("events", position, now=shop.clock.now())
    names = {one.external_id for one in page.named if one.kind == "succession"}
    assert names == {f"{one}@{new}" for one in old}
    before = dict(shop.calls)
    found = shop.fresh_reader().fetch("succession", sorted(names))
    assert shop.calls == before
    told = [translate("succession", cast(SourceObject, one).payload) for one in found]
    assert {cast(SourceObject, one).external_id for one in found} == set(old)
    assert set(cast(list[Succession], told)) == {Succession(one, new) for one in old}
    (merged,) = shop.fresh_reader().fetch("customer", [new])
    assert cast(Party, translate("customer", cast(SourceObject, merged).payload)).merged
    assert all(isinstance(one, Absent) for one in shop.fresh_reader().fetch("customer", old))
    assert isinstance(shop.fresh_reader().fetch("succession", old)[0], Absent), "by its id alone nobody can tell"
