"""Every example of the vendor's own description, for all our kinds and all events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ml_connector.connectors.square.translate import KINDS, translate
from ml_connector.connectors.square.webhooks import EVENTS, WEBHOOKS
from ml_connector.errors import Untranslatable

PUT_TOGETHER = {"article", "publication", "succession"}  # from several objects or an event: no example holds one

SPEC = Path(__file__).parents[4] / "shared" / "specs" / "square" / "api.json"

pytestmark = pytest.mark.skipif(
    not SPEC.exists(), reason=f"the vendor's description is not at {SPEC}: examples NOT checked"
)


@cache
def schemas() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(SPEC.read_text())["components"]["schemas"]
    return found


def examples(node: Any, kinds: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """Objects of our kinds inside an example: under `payment` or in a list under `payments`."""
    for key, value in node.items() if isinstance(node, dict) else ():
        if key in kinds and isinstance(value, dict):
            yield key, value
        elif key.removesuffix("s") in kinds and isinstance(value, list):
            yield from ((key.removesuffix("s"), one) for one in value)
        else:
            yield from examples(value, kinds)


def test_every_example_of_our_kinds_is_translated_or_names_its_field() -> None:
    translated, refused = dict.fromkeys(KINDS, 0), []
    for name, schema in schemas().items():
        if not name.endswith("Response") or "Subscription" in name:
            continue
        for kind, payload in examples(schema.get("example"), KINDS):
            try:
                translate(kind, payload)
                translated[kind] += 1
            except Untranslatable as error:
                refused.append((name, error.field))
    assert all(n for kind, n in translated.items() if kind not in PUT_TOGETHER), translated
    # Orders as old or unfinished calls show them: without the fields that every stored order has.
    assert sorted(refused) == [
        ("BatchRetrieveOrdersResponse", "created_at"),
        ("CalculateOrderResponse", "id"),
        ("CreateCheckoutResponse", "created_at"),
    ]


def test_the_example_of_payout_entries_is_translated_with_its_payout() -> None:
    entries = schemas()["ListPayoutEntriesResponse"]["example"]["payout_entries"]
    payout = schemas()["GetPayoutResponse"]["example"]["payout"]
    found: Any = translate("payout", {"payout": payout, "entries": entries})
    assert [(entry.type, entry.gross.minor, entry.fee.minor, entry.net.minor) for entry in found.entries] == [
        ("REFUND", -50, -2, -48),
        ("CHARGE", 100, 19, 81),
    ]


def test_every_event_is_read_or_ignored_with_a_reason() -> None:
    events = {name: schema for name, schema in schemas().items() if "x-webhook" in schema}
    assert len(events) == 146
    read = set()
    for schema in events.values():
        example = schema["example"]
        found, *beside = WEBHOOKS.read(json.dumps(example).encode(), {})
        assert [one.kind for one in beside] == ["publication"] * (found.event_type == "invoice.published")
        assert found.event_id == example["event_id"]
        assert found.event_type == schema["x-webhook"]["event"]
        assert found.occurred_at is not None
        if found.kind is None:
            assert found.ignored
            continue
        read.add(found.event_type)
        inside = example["data"].get("object", {})
        if found.kind in inside:
            document: Any = translate(found.kind, inside)
            assert document.id == found.external_id
    assert read == {*EVENTS, "oauth.authorization.revoked"}
