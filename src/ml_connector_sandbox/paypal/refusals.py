"""PayPal's refusals: one exception that carries status, issue and place, and its body in PayPal's envelope."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

# status -> (name, message), the texts of PayPal's own files
_ENVELOPES: dict[int, tuple[str, str]] = {
    400: ("INVALID_REQUEST", "Request is not well-formed, syntactically incorrect, or violates schema."),
    401: (
        "AUTHENTICATION_FAILURE",
        "Authentication failed due to missing authorization header, or invalid authentication credentials.",
    ),
    403: ("NOT_AUTHORIZED", "Authorization failed due to insufficient permissions."),
    404: ("RESOURCE_NOT_FOUND", "The specified resource does not exist."),
    405: ("METHOD_NOT_SUPPORTED", "The server does not implement the requested HTTP method."),
    409: ("RESOURCE_CONFLICT", "The server has detected a conflict while processing this request."),
    415: ("UNSUPPORTED_MEDIA_TYPE", "The server does not support the request payload's media type."),
    422: (
        "UNPROCESSABLE_ENTITY",
        "The requested action could not be performed, semantically incorrect, or failed business validation.",
    ),
    429: ("RATE_LIMIT_REACHED", "Too many requests. Blocked due to rate limiting."),
    500: ("INTERNAL_SERVER_ERROR", "An internal server error occurred."),
    503: ("SERVICE_UNAVAILABLE", "Service Unavailable."),
}


class Refused(Exception):
    """A request PayPal answers with an error. Raised anywhere below `answer`, which renders it."""

    def __init__(
        self,
        status: int,
        issue: str = "",
        description: str = "",
        *,
        field: str = "",
        value: str = "",
        location: str = "body",
        name: str = "",
        message: str = "",
        extra: Json | None = None,
    ) -> None:
        super().__init__(f"{status} {issue or name}: {description or message}")
        self.status = status
        self.issue = issue
        self.description = description
        self.field = field
        self.value = value
        self.location = location
        self.name = name
        self.message = message
        self.extra = extra or {}
        self.headers: tuple[tuple[str, str], ...] = ()

    def body(self, debug_id: str) -> Json:
        """The answer's JSON body."""
        name, message = _ENVELOPES[self.status]
        shown: Json = {"name": self.name or name, "message": self.message or message, "debug_id": debug_id}
        if self.issue:
            detail: Json = {"field": self.field, "value": self.value} if self.field else {}
            detail |= {"location": self.location} if self.field else {}
            shown["details"] = [detail | {"issue": self.issue, "description": self.description}]
        shown["links"] = [
            {"href": "https://developer.paypal.com/api/rest/responses/", "rel": "information_link", "method": "GET"}
        ]
        return shown | self.extra


class TokenRefused(Refused):
    """A 401 in the shape of the token service: `{"error": ..., "error_description": ...}`."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(401, name=error, message=description)

    def body(self, debug_id: str) -> Json:
        """Without an envelope, as the gateway answers."""
        del debug_id
        return {"error": self.name, "error_description": self.message}


def bad(issue: str, description: str, *, field: str = "", value: str = "", location: str = "body") -> Refused:
    """A 400 refusal: the request itself is wrong."""
    return Refused(400, issue, description, field=field, value=value, location=location)


def unprocessable(issue: str, description: str, *, field: str = "", value: str = "") -> Refused:
    """A 422 refusal: the request is well-formed, the business says no."""
    return Refused(422, issue, description, field=field, value=value)


def not_found() -> Refused:
    """A 404 refusal for a resource this caller has none of."""
    text = "Specified resource ID does not exist. Please check the resource ID and try again."
    return Refused(404, "INVALID_RESOURCE_ID", text)


def forbidden() -> Refused:
    """A 403 refusal: the token lacks the scope, or the resource belongs to another application."""
    text = "You do not have permission to access or perform operations on this resource."
    return Refused(403, "PERMISSION_DENIED", text)
