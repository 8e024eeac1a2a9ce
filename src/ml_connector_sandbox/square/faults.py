"""Square's refusals: one exception that carries status, category and code, and its body in Square's shape."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

# The category Square prints beside a code; every other code is an INVALID_REQUEST_ERROR (spec: x-square error tables).
_CATEGORIES = {
    "UNAUTHORIZED": "AUTHENTICATION_ERROR",
    "ACCESS_TOKEN_EXPIRED": "AUTHENTICATION_ERROR",
    "ACCESS_TOKEN_REVOKED": "AUTHENTICATION_ERROR",
    "FORBIDDEN": "AUTHENTICATION_ERROR",
    "INSUFFICIENT_SCOPES": "AUTHENTICATION_ERROR",
    "GENERIC_DECLINE": "PAYMENT_METHOD_ERROR",
    "CVV_FAILURE": "PAYMENT_METHOD_ERROR",
    "INSUFFICIENT_FUNDS": "PAYMENT_METHOD_ERROR",
    "REFUND_AMOUNT_INVALID": "REFUND_ERROR",
    "PAYMENT_NOT_REFUNDABLE": "REFUND_ERROR",
    "REFUND_ERROR_PAYMENT_NEEDS_COMPLETION": "REFUND_ERROR",
}


class Refused(Exception):
    """A request Square answers with `errors[]`. Raised anywhere below `answer`, which renders it."""

    def __init__(self, status: int, code: str, detail: str, *, field: str | None = None) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.field = field

    def body(self) -> Json:
        """The answer's JSON body."""
        return {"errors": [self.error()]}

    def error(self) -> Json:
        """One element of `errors`."""
        category = _CATEGORIES.get(self.code, "INVALID_REQUEST_ERROR")
        error = {"category": category, "code": self.code, "detail": self.detail}
        return error | ({"field": self.field} if self.field else {})


def bad(code: str, detail: str, *, field: str | None = None) -> Refused:
    """A 400 refusal."""
    return Refused(400, code, detail, field=field)


def not_found(kind: str, key: str) -> Refused:
    """A 404 refusal for an object nobody knows."""
    return Refused(404, "NOT_FOUND", f"{kind} with ID `{key}` not found.")
