"""How this ERP says no: an exception that knows its status and which of the body shapes it travels in."""

from __future__ import annotations

from typing import Any

from ml_connector_sandbox.core.wire import Response, json_response


class Refusal(Exception):
    """A request that is refused for a business reason: `{"message": ...}`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    def content(self) -> dict[str, Any]:
        """The body of the answer."""
        return {"message": self.message}

    def response(self) -> Response:
        """The whole answer."""
        if self.status == 412:
            return Response(412)  # no body is documented
        return json_response(self.status, self.content())


class Malformed(Refusal):
    """A body that does not fit the contract: the model-state shape."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(400, message)
        self.where = where

    def content(self) -> dict[str, Any]:
        """The body of the answer."""
        return {"Message": "The request is invalid.", "modelState": {self.where: [self.message]}}


class Gateway(Refusal):
    """Refused before the ERP saw it: the API gateway's shape."""

    def content(self) -> dict[str, Any]:
        """The body of the answer."""
        return {"statusCode": self.status, "message": self.message}


class Licence(Refusal):
    """A company without a licence: the exception shape."""

    def __init__(self) -> None:
        super().__init__(400, "No license for this company.")

    def content(self) -> dict[str, Any]:
        """The body of the answer."""
        return {
            "ExceptionType": "IPPException",
            "ExceptionMessage": self.message,
            "ExceptionFaultCode": "12027",
            "ExceptionMessageID": "12027_6e2a06a8-51d0-4c31-9d3b-0d2f37a5b7c1",
            "ExceptionDetails": "",
        }


def not_found(what: str, key: object) -> Refusal:
    """The usual 404."""
    return Refusal(404, f"{what} '{key}' cannot be found in the system.")
