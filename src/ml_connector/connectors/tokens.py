"""Bearer tokens as connectors get and hold them; the cache that shares them is handed in."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


class Now(Protocol):
    """Whatever tells the time: the process's clock or a test's."""

    def now(self) -> datetime:
        """The present moment, aware UTC."""
        ...


class Tokens(Protocol):
    """A cache of tokens with one request in flight for each key: the vault's, or a test's."""

    def get(self, key: Hashable, obtain: Callable[[], Any]) -> Any: ...

    def forget(self, key: Hashable, refused: Any) -> None: ...


class AccessToken:
    """A bearer token that no print, log or traceback shows, and the scopes it was given for.

    `app_id`: the application it belongs to, where the answer tells.
    """

    __slots__ = ("_text", "app_id", "scopes")

    def __init__(self, text: str, scopes: frozenset[str], *, app_id: str = "") -> None:
        self._text = text
        self.scopes = scopes
        self.app_id = app_id

    def reveal(self) -> str:
        """The token itself, for the Authorization header."""
        return self._text

    def __repr__(self) -> str:
        return "AccessToken(***)"


@dataclass(frozen=True, slots=True)
class Grant:
    """What the token endpoint gave. `expires_at` aware UTC, by our clock and the vendor's `expires_in`."""

    value: AccessToken
    expires_at: datetime


class OneToken:
    """A cache for a few calls in a row, where none is handed in: it holds one token."""

    def __init__(self) -> None:
        self._grant: Any = None

    def get(self, key: Hashable, obtain: Callable[[], Any]) -> Any:
        """The token, obtained at the first call."""
        del key
        self._grant = self._grant or obtain()
        return self._grant.value

    def forget(self, key: Hashable, refused: Any) -> None:
        """It was refused: obtain another at the next call."""
        del key, refused
        self._grant = None
