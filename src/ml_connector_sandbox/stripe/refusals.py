"""Stripe's refusals: one exception that carries status, type, code and parameter, and its body in Stripe's envelope."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
Headers = tuple[tuple[str, str], ...]


class Refused(Exception):
    """A request Stripe answers with an error. Raised anywhere below `answer`, which renders it."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str = "",
        param: str = "",
        kind: str = "invalid_request_error",
        extra: Json | None = None,
        headers: Headers = (),
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.kind = kind
        self.extra = extra or {}
        self.headers = headers
        self.begun = True  # false: refused before the endpoint ran, so an idempotency key is not used up

    def body(self, request_id: str) -> Json:
        """The answer's JSON body; absent code and parameter are left out, as the vendor does."""
        error: Json = {"message": self.message, "type": self.kind}
        error |= {"code": self.code, "doc_url": f"https://stripe.com/docs/error-codes/{self.code}"} if self.code else {}
        error |= {"param": self.param} if self.param else {}
        error["request_log_url"] = f"https://dashboard.stripe.com/logs/{request_id}"
        return {"error": error | self.extra}


def bad(message: str, *, code: str = "", param: str = "") -> Refused:
    """A 400 refusal by the endpoint itself."""
    return Refused(400, message, code=code, param=param)


def malformed(message: str, *, code: str = "", param: str = "") -> Refused:
    """A 400 refusal by parameter checks, before the endpoint began."""
    refused = Refused(400, message, code=code, param=param)
    refused.begun = False
    return refused


def missing(kind: str, key: str, *, param: str, status: int = 404) -> Refused:
    """No such object: 404 for the one in the path, 400 for one named in a parameter."""
    return Refused(status, f"No such {kind}: '{key}'", code="resource_missing", param=param)
