"""Short marks made from keys."""

from __future__ import annotations

import base64
import hashlib

import pytest

from ml_connector.rules.texts import base32, reference_of


@pytest.mark.parametrize("length", [1, 9, 10, 12, 16, 20, 32])
def test_a_mark_is_the_beginning_of_the_base32_of_a_hash(length: int) -> None:
    for n in range(200):
        digest = hashlib.sha256(b"%d" % n).digest()
        assert base32(digest, length) == base64.b32encode(digest).decode("ascii")[:length]
    assert reference_of("sq:order:1", length=length) == reference_of("sq:order:1", length=32)[:length]
