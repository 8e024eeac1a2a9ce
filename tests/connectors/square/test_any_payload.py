"""Whatever comes in: a document, or Untranslatable with a field. Never another exception."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ml_connector.connectors.square.translate import KINDS, translate
from ml_connector.connectors.square.webhooks import EVENTS, WEBHOOKS
from tests.connectors.fuzz import any_json, field_refused_by, paths, with_change
from tests.connectors.square import payloads as square

JSON = any_json(["EUR", "2026-01-01T00:00:00Z", "1E9"])


WRONG: list[Any] = [None, "", "x", -1, 10**30, [], [None], {}, True, "\ud800"]


def survives(kind: str, payload: Any) -> None:
    assert field_refused_by(lambda: translate(kind, payload)) != ""


def test_the_fuzz_starts_from_payloads_that_translate() -> None:
    for kind, payload in square.ALL.items():
        translate(kind, payload)
    assert set(square.ALL) == set(KINDS)


@settings(max_examples=300, deadline=None)
@given(kind=st.sampled_from(KINDS), where=st.integers(0, 10_000), value=JSON)
def test_one_field_replaced_by_anything_never_crashes_translate(kind: str, where: int, value: Any) -> None:
    payload = square.ALL[kind]
    places = paths(payload)
    survives(kind, with_change(payload, places[where % len(places)], value))


@settings(max_examples=200, deadline=None)
@given(kind=st.sampled_from([*KINDS, "unknown", ""]), payload=JSON)
def test_any_json_at_all_never_crashes_translate(kind: str, payload: Any) -> None:
    survives(kind, payload)


def test_every_single_field_missing_or_of_a_wrong_type_never_crashes_translate() -> None:
    for kind, payload in square.ALL.items():
        for path in paths(payload):
            for value in WRONG:
                survives(kind, with_change(payload, path, value))


@settings(max_examples=200, deadline=None)
@given(kind=st.sampled_from([*EVENTS, "oauth.authorization.revoked", "x"]), data=JSON, rest=JSON)
def test_any_event_never_crashes_the_door(kind: str, data: Any, rest: Any) -> None:
    event = {"type": kind, "data": data, "event_id": rest, "merchant_id": rest, "created_at": rest}
    survives_reading(json.dumps(event, default=str).encode())


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=200))
def test_any_bytes_never_crash_the_door(body: bytes) -> None:
    survives_reading(body)


def survives_reading(body: bytes) -> None:
    def read() -> None:
        (found,) = WEBHOOKS.read(body, {})
        assert found.ignored or (found.kind and found.external_id)

    assert field_refused_by(read) != ""
