"""Contents by their text: what planning or sealing has just written down, sending and comparing need not read again.

A content never changes and its text says all of it. Losing this memory costs time only.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from ml_connector import jsontext
from ml_connector.finance.encoding import decode_content, decode_sent, encode_sent
from ml_connector.finance.plan import Content, Parcel, PlannedWrite
from ml_connector.store.submissions import Submission
from ml_connector.store.writes import Write


class _Memory:
    """The contents used last, by kind and text. Safe between threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str], Any] = OrderedDict()

    def of(self, kind: str, text: str, decode: Callable[[str, str], Any]) -> Any:
        with self._lock:
            known = self._known.get((kind, text))
            if known is not None:
                self._known.move_to_end((kind, text))
                return known
        made = decode(kind, text)
        self.put(kind, text, made)
        return made

    def put(self, kind: str, text: str, content: Any) -> None:
        with self._lock:
            self._known[kind, text] = content
            if len(self._known) > self._most:
                self._known.popitem(last=False)


# A document is looked at four to six times on its way. One record's takes some kB of memory, and a thousand of them go
# together; a voucher of many records takes hundreds, and few go together.
_SMALL_TEXT = 4_000
_written = _Memory(1_500)
_small = _Memory(1_500)
_large = _Memory(64)


def write_text(write: PlannedWrite, encoded: Any) -> str:
    """How a planned write is kept: its content and why each choice was made. `encoded` is what encode_write gave."""
    text = jsontext.canonical({"content": encoded["content"], "why": encoded["why"]})
    if len(text) <= _SMALL_TEXT:
        _written.put(write.kind, text, write.content)
    return text


def of_write(write: Write) -> Content:
    """The content a write books."""
    if len(write.content) > _SMALL_TEXT:
        return _read_write(write.kind, write.content)
    content: Content = _written.of(write.kind, write.content, _read_write)
    return content


def sent_text(kind: str, content: Content | Parcel) -> str:
    """How the content of a submission is kept."""
    text = jsontext.canonical(encode_sent(content))
    _memory(text).put(kind, text, content)
    return text


def of_submission(one: Submission) -> Content | Parcel:
    """What the submission sends."""
    content: Content | Parcel = _memory(one.content).of(one.kind, one.content, _read_sent)
    return content


def _memory(text: str) -> _Memory:
    return _small if len(text) <= _SMALL_TEXT else _large


def _read_write(kind: str, text: str) -> Content:
    return decode_content(kind, jsontext.parse(text)["content"])


def _read_sent(kind: str, text: str) -> Content | Parcel:
    return decode_sent(kind, jsontext.parse(text))
