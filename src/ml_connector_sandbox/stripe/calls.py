"""One API call as an endpoint sees it: whose books, which object, what was asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ml_connector_sandbox.stripe.refusals import Json, missing
from ml_connector_sandbox.stripe.rendering import shown
from ml_connector_sandbox.stripe.shapes import Shape
from ml_connector_sandbox.stripe.state import ApiKey, Book


@dataclass(slots=True)
class Call:
    """An authenticated call with checked parameters."""

    book: Book
    key: ApiKey
    now: int
    path: str
    args: dict[str, str]
    params: Json = field(default_factory=dict)

    def own(self, kind: str, arg: str = "id") -> Json:
        """The stored object the path names. 404 when this book has none, whatever other books have."""
        key = self.args[arg]
        row = self.book.get(kind, key)
        if row is None:
            raise missing(kind.replace("_", " "), key, param="id" if arg == "id" else arg)
        return row

    def named(self, kind: str, param: str, key: str | None) -> Json:
        """The stored object a parameter names. 400 when there is none."""
        row = self.book.get(kind, key)
        if row is None:
            raise missing(kind.replace("_", " "), str(key), param=param, status=400)
        return row

    def show(self, row: Json) -> Json:
        """A copy for the wire."""
        return shown(self.book, row, self.now)


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint: what it answers, takes, and which permission of a restricted key it needs."""

    method: str
    template: str
    answer: Callable[[Call], Json]
    shape: Shape
    permission: str  # such as `invoice`; read for GET, write for the rest

    @property
    def name(self) -> str:
        """The endpoint's name for counting, such as `POST /v1/invoices/{id}/finalize`."""
        return f"{self.method} {self.template}"
