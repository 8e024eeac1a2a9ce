"""Documents translated lately are not translated again, and nothing is remembered that was not made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ml_connector.connectors.square.translate import translate
from ml_connector.engine.documents import Documents
from ml_connector.errors import Untranslatable
from ml_connector.finance.documents import Document

LOCATION = {"id": "L1", "name": "Shop", "status": "ACTIVE", "created_at": "2026-03-01T10:00:00Z", "country": "IE",
            "currency": "EUR", "timezone": "Europe/Dublin"}  # fmt: skip


class Translating:
    """Counts what it is asked for."""

    def __init__(self, payload: Mapping[str, Any] = LOCATION) -> None:
        self.payload, self.times = payload, 0

    def __call__(self) -> Document:
        self.times += 1
        return translate("location", self.payload)


def test_the_same_payload_is_translated_once() -> None:
    documents, work = Documents(), Translating()
    first = documents.of((translate, "location", "hash"), work)
    assert documents.of((translate, "location", "hash"), work) is first
    assert work.times == 1


def test_another_payload_is_another_document() -> None:
    documents, work = Documents(), Translating()
    documents.of((translate, "location", "one"), work)
    documents.of((translate, "location", "two"), work)
    assert work.times == 2


def test_what_cannot_be_translated_is_tried_and_refused_each_time() -> None:
    documents, work = Documents(), Translating({"id": 7})
    for _ in range(2):
        with pytest.raises(Untranslatable):
            documents.of((translate, "location", "broken"), work)
    assert work.times == 2


def test_the_document_read_first_is_forgotten_first_though_it_was_used_lately() -> None:
    documents, work = Documents(), Translating()
    for number in range(Documents.MAX):
        documents.of((translate, "location", str(number)), work)
    documents.of((translate, "location", "0"), work)
    documents.of((translate, "location", "one more"), work)
    made = work.times
    documents.of((translate, "location", "1"), work)
    assert work.times == made
    documents.of((translate, "location", "0"), work)
    assert work.times == made + 1
