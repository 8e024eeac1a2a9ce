"""The body of a delivery: JSON or a refusal that names the body, however it is broken."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, TypedDict

import pytest

from ml_connector.connectors.deliveries import event_in, events_of
from ml_connector.errors import Untranslatable


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b'{"a":NaN}', b'{"a":1}x', b"\xef\xbb\xbf{}", b'{"a":' + b"9" * 5_000 + b"}"]
)
def test_bytes_that_are_no_json_are_refused(body: bytes) -> None:
    with pytest.raises(Untranslatable) as refused:
        event_in(body)
    assert refused.value.field == "(body)"


def test_ever_deeper_lists_never_crash() -> None:
    with pytest.raises(Untranslatable):
        event_in(b"[" * 100_000 + b"]" * 100_000)


def test_a_text_that_was_cut_within_a_character_is_read() -> None:
    assert event_in(b'{"id":"WH-1","summary":"cut \\ud83d"}') == {"id": "WH-1", "summary": "cut \ud83d"}


class Shape(TypedDict, total=False):
    id: Any
    resource: list[dict[str, Any]]


def test_only_what_a_door_looks_at_is_made() -> None:
    assert events_of(Shape)(b'{"id":"WH-1","resource":[{"id":1.5}],"summary":{"a":[1,2]}}') == {
        "id": "WH-1", "resource": [{"id": Decimal("1.5")}],
    }  # fmt: skip


@pytest.mark.parametrize("body", [b'{"resource":"other"}', b'[{"id":1}]', b'{"id":"cut \\ud83d"}'])
def test_an_event_of_another_shape_is_read_whole(body: bytes) -> None:
    assert events_of(Shape)(body) == event_in(body)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"\xef\xbb\xbf{}", b'{"id":' + b"[" * 100_000])
def test_bytes_that_are_no_json_are_refused_for_a_shape_too(body: bytes) -> None:
    with pytest.raises(Untranslatable):
        events_of(Shape)(body)
