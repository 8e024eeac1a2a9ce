"""Bodies and queries as Stripe takes them: form-encoded, nesting in brackets, lists numbered. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

Form = Mapping[str, Any]

HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


def encoded(form: Form) -> bytes:
    """The body of a POST: always the same bytes for the same form, so that a repeat is the same request."""
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in flat(form).items()).encode()


def flat(form: Form) -> dict[str, str]:
    """Every value under its bracketed name. None is left out; an empty text unsets a field."""
    return dict(_pairs(form, ""))


def _pairs(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if value is None:
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _pairs(inner, f"{name}[{key}]" if name else str(key))
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for place, inner in enumerate(value):
            yield from _pairs(inner, f"{name}[{place}]")
    elif isinstance(value, bool):
        yield name, "true" if value else "false"
    else:
        yield name, _whole(str(value))


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _whole(text: str) -> str:
    """A text without halves of characters, which no encoding takes."""
    return text if text.isascii() else text.encode(errors="replace").decode()
