"""A refused change leaves no trace: what a document was before is put back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

from ml_connector_sandbox.visma.refusal import Refusal


@contextmanager
def unchanged_when_refused(document: Any, *, rows: str = "") -> Iterator[None]:
    """Put a slotted dataclass back when the block raises a Refusal; `rows` names the list that is changed in place."""
    before = {name: _kept(getattr(document, name), deep=name == rows) for name in type(document).__slots__}
    try:
        yield
    except Refusal:
        for name, value in before.items():
            setattr(document, name, value)
        raise


def _kept(value: Any, *, deep: bool) -> Any:
    if isinstance(value, list):
        return [copy(row) for row in value] if deep else list(value)
    return dict(value) if isinstance(value, dict) else value
