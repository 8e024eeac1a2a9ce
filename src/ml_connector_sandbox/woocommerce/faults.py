"""Refusals in the form WordPress gives them: one exception with status, code, message and `data`."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


class Refused(Exception):
    """A request the shop answers with an error body. `data` is an object mostly, an integer or null sometimes."""

    def __init__(self, status: int, code: str, message: str, *, data: Any = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.data = {"status": status} if data is None else data

    def body(self) -> Json:
        """The answer's JSON body."""
        return {"code": self.code, "message": self.message, "data": self.data}


def bad_param(name: str, message: str, code: str = "rest_invalid_type") -> Refused:
    """A parameter that its description does not allow."""
    data = {
        "status": 400,
        "params": {name: message},
        "details": {name: {"code": code, "message": message, "data": None}},
    }
    return Refused(400, "rest_invalid_param", f"Invalid parameter(s): {name}", data=data)


def missing_params(names: list[str]) -> Refused:
    """Required parameters that did not come."""
    text = f"Missing parameter(s): {', '.join(names)}"
    return Refused(400, "rest_missing_callback_param", text, data={"status": 400, "params": names})


def odd_500(code: str, message: str, number: int) -> Refused:
    """A business refusal dressed as an outage: `data` is a bare integer, so WordPress falls back to status 500."""
    return Refused(500, code, message, data=number)


def no_route() -> Refused:
    """A path or method nobody serves."""
    return Refused(404, "rest_no_route", "No route matches this address and method.")
