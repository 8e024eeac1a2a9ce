"""The body of a delivery: JSON or a refusal that names the body, however it is broken."""

from __future__ import annotations

import pytest

from ml_connector.connectors.deliveries import event_in
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
