"""Whatever comes in: a document, or Untranslatable with a field. Never another exception."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ml_connector.connectors.stripe import seen
from ml_connector.connectors.stripe.positions import Position, dump, load
from ml_connector.connectors.stripe.translate import KINDS, translate
from ml_connector.connectors.stripe.webhooks import EVENTS, WEBHOOKS
from ml_connector.errors import BadSignature, UsageError
from tests.connectors.fuzz import any_json, field_refused_by, paths, with_change
from tests.connectors.stripe import payloads as stripe
from tests.connectors.stripe.scripted import NOW

JSON = any_json(["nok", "isk", "paid", 1790000000, "txn_1", 10**15, -1])
WRONG: list[Any] = [
    None,
    "",
    "x",
    -1,
    10**30,
    [],
    [None],
    {},
    True,
    "\ud800",
    "\x00",
    1.5,
    "nok",
    "kwd",
    "isk",
    Decimal("sNaN"),
]


def survives(kind: str, payload: Any) -> None:
    assert field_refused_by(lambda: translate(kind, payload)) != ""


def test_the_fuzz_starts_from_payloads_that_translate() -> None:
    for kind, payload in stripe.ALL.items():
        translate(kind, payload)
    assert set(stripe.ALL) == set(KINDS)


@settings(max_examples=300, deadline=None)
@given(kind=st.sampled_from(KINDS), where=st.integers(0, 10_000), value=JSON)
def test_one_field_replaced_by_anything_never_crashes_translate(kind: str, where: int, value: Any) -> None:
    payload = stripe.ALL[kind]
    places = paths(payload)
    survives(kind, with_change(payload, places[where % len(places)], value))


@settings(max_examples=200, deadline=None)
@given(kind=st.sampled_from([*KINDS, "unknown", ""]), payload=JSON)
def test_any_json_at_all_never_crashes_translate(kind: str, payload: Any) -> None:
    survives(kind, payload)


def test_every_single_field_missing_or_of_a_wrong_type_never_crashes_translate() -> None:
    for kind, payload in stripe.ALL.items():
        for path in paths(payload):
            for value in WRONG:
                survives(kind, with_change(payload, path, value))


@settings(max_examples=200, deadline=None)
@given(kind=st.sampled_from([*EVENTS, "x"]), content=JSON, rest=JSON)
def test_any_event_never_crashes_the_door(kind: str, content: Any, rest: Any) -> None:
    event = {"type": kind, "data": {"object": content}, "id": rest, "created": rest, "account": rest}
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


@settings(max_examples=300, deadline=None)
@given(
    header=st.text() | st.lists(st.sampled_from(["t=1790000000", "v1=", "v1=å", "t=", "v0=a", "=", ","])).map(",".join)
)
def test_any_signature_header_is_refused_and_never_crashes_the_door(header: str) -> None:
    try:
        WEBHOOKS.verify(b"{}", {"stripe-signature": header}, url="", keys=["whsec_x"], now=NOW)
    except BadSignature:
        return
    raise AssertionError(header)


@settings(max_examples=300, deadline=None)
@given(text=st.text() | JSON.map(lambda value: json.dumps(value, default=str)))
def test_any_position_is_read_or_refused_in_words(text: str) -> None:
    try:
        load(text)
    except UsageError:
        return


@given(
    mark=st.integers(0, 2**40), after=st.text(max_size=9), known=st.lists(st.text(max_size=12)), day=st.text(max_size=9)
)
def test_a_position_survives_as_text(mark: int, after: str, known: list[str], day: str) -> None:
    position = Position(mark=mark, until=mark, after=after, day=day, known=tuple(known))
    assert load(dump(position)) == position


@settings(max_examples=200, deadline=None)
@given(where=st.integers(0, 10_000), value=JSON)
def test_any_answer_that_is_read_back_is_observed_or_names_its_field(where: int, value: Any) -> None:
    payload = stripe.invoice()
    places = paths(payload)
    broken = with_change(payload, places[where % len(places)], value)
    assert field_refused_by(lambda: seen.invoice(broken)) != ""
