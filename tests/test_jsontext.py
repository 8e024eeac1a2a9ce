"""JSON text: exact both ways, one text for one value, and the quick way agrees with the standard library's."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector import jsontext

NUMBERS = st.integers() | st.decimals(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=()))  # halves of surrogate pairs among them
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


class Row(TypedDict, total=False):
    number: Any
    lines: list[dict[str, Any]] | None


def theirs(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


@given(VALUES)
def test_a_value_comes_back_with_its_very_digits(value: Any) -> None:
    back = jsontext.parse(jsontext.canonical(value))
    assert same(back, value)


@given(VALUES)
def test_what_is_written_means_the_same_to_the_standard_library(value: Any) -> None:
    assert same(theirs(jsontext.canonical(value)), jsontext.parse(jsontext.canonical(value)))


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none() | st.booleans()))
def test_the_text_is_the_one_the_standard_library_would_write(value: dict[str, Any]) -> None:
    assert jsontext.canonical(value) == json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


@pytest.mark.parametrize("text", ["", "{", "[1,]", "nope", "NaN", "[Infinity]", '{"a":-Infinity}', "\ufeff{}"])
def test_what_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        jsontext.parse(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.10", Decimal("0.10")),
        ("1e400", Decimal("1e400")),
        ("123456789012345678901234567890", 123456789012345678901234567890),
        ('{"a":1,"a":2}', {"a": 2}),
        (r'"\ud800"', "\ud800"),
        ("-0", 0),
    ],
)
def test_odd_json_means_what_it_always_meant(text: str, value: Any) -> None:
    assert jsontext.parse(text) == value
    assert jsontext.parse(text) == theirs(text)


def test_other_encodings_of_unicode_are_understood() -> None:
    assert jsontext.parse('{"a":"å"}'.encode("utf-16")) == {"a": "å"}


def test_nesting_beyond_reason_is_told_as_such() -> None:
    with pytest.raises(RecursionError):
        jsontext.parse("[" * 100_000)


def test_a_shape_leaves_out_what_it_does_not_name() -> None:
    parse = jsontext.parsing(list[Row])
    text = b'[{"number":1.10,"more":{"a":[1,2]},"lines":[{"a":0.5}]},{"lines":null}]'
    assert parse(text) == [{"number": Decimal("1.10"), "lines": [{"a": Decimal("0.5")}]}, {"lines": None}]


@pytest.mark.parametrize("text", [b'{"records":[{"number":1}]}', b'[{"lines":"none"}]', b"[1]"])
def test_an_answer_of_another_shape_is_read_whole(text: bytes) -> None:
    assert jsontext.parsing(list[Row])(text) == json.loads(text)


def test_a_key_that_is_no_text_is_written_as_the_standard_library_does() -> None:
    assert jsontext.canonical({1: Decimal("2.50")}) == '{"1":2.50}'


def test_what_json_cannot_say_is_refused() -> None:
    with pytest.raises(TypeError):
        jsontext.canonical({"a": object()})


def same(one: Any, other: Any) -> bool:
    """Equal, and decimals to the digit."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(*pair) for pair in zip(one, other, strict=True))
    if isinstance(one, Decimal) or isinstance(other, Decimal):
        return Decimal(one) == Decimal(other) and str(one).strip() == str(other).strip()
    return type(one) is type(other) and one == other
