"""Refusals, and the five shapes in which Basware's services give them: P2P, push, tokens, network, file store."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

from ml_connector_sandbox.core.wire import Response, json_response

Json = dict[str, Any]

SCHEMA = "SCHEMA_VALIDATION_ERROR"
PARAMETER = "PARAMETER_VALIDATION_ERROR"
CONFLICT = "CONFLICT_IN_POST"
MISMATCH = "EXTERNAL_CODE_MISMATCH"
INVALID = "DATA_VALIDATION_FAILED"
NOT_ALLOWED = "METHOD_NOT_ALLOWED"

_WORDS = {401: "Unauthorized", 404: "Not Found", 422: "UnprocessableEntity", 500: "Internal server error"}
_TYPES = {"ACCESS_TOKEN_VALIDATION_ERROR": "SECURITY", "UNEXPECTED_ERROR": "TECHNICAL", CONFLICT: "BUSINESS"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of an error list."""

    code: str
    message: str
    external_code: str | None = None

    def as_json(self) -> Json:
        """As P2P shows it."""
        named = {"externalCode": self.external_code} if self.external_code is not None else {}
        kind = _TYPES.get(self.code, "VALIDATION")
        return named | {"type": kind, "code": self.code, "message": self.message}


class Refused(Exception):
    """A request that is answered with an error. `mute`: without a body although the status usually has one."""

    def __init__(self, status: int, *faults: Fault, mute: bool = False) -> None:
        super().__init__(f"{status} {'; '.join(f.message for f in faults)}")
        self.status = status
        self.faults = faults
        self.mute = mute
        self.headers: tuple[tuple[str, str], ...] = ()


def bad(code: str, message: str, external_code: str | None = None) -> Refused:
    """A 400 with one error."""
    return Refused(400, Fault(code, message, external_code))


def answer_json(status: int, content: Any, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """An answer whose numbers are JSON doubles, as Basware's are."""
    return json_response(status, doubled(content), headers)


def doubled(content: Any) -> Any:
    """Content with every Decimal as an integer or a double."""
    if isinstance(content, dict):
        return {key: doubled(value) for key, value in content.items()}
    if isinstance(content, list):
        return [doubled(value) for value in content]
    if isinstance(content, Decimal):
        return int(content) if content == content.to_integral_value() else float(content)
    return content


def exact(content: Any) -> Any:
    """Content with every double as the Decimal it prints as: how control verbs read numbers."""
    if isinstance(content, dict):
        return {key: exact(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [exact(value) for value in content]
    return Decimal(repr(content)) if isinstance(content, float) else content


def shown(refused: Refused, family: str, request_id: str) -> Response:
    """The answer of a refusal in the shape of one of the services."""
    text = "; ".join(fault.message for fault in refused.faults) or _WORDS.get(refused.status, "Error")
    makers = {"push": _push, "token": _token, "network": _network}
    if refused.mute:
        return Response(refused.status, b"", refused.headers)
    if family == "store":
        body = f"<Error><Code>{refused.status}</Code><Message>{escape(text)}</Message></Error>".encode()
        return Response(refused.status, body, (("Content-Type", "application/xml"), *refused.headers))
    if family in makers:
        return json_response(refused.status, makers[family](refused, text, request_id), refused.headers)
    if refused.status in (401, 404) or (refused.status in (405, 503) and not refused.faults):
        return Response(refused.status, b"", refused.headers)
    body_p2p = {"requestId": request_id, "hasErrors": True, "errors": [f.as_json() for f in refused.faults]}
    return json_response(refused.status, body_p2p, refused.headers)


def _push(refused: Refused, text: str, request_id: str) -> Json:
    if refused.status == 404:
        return {"detail": "Not Found"}
    if refused.status != 400:
        return {"message": _WORDS.get(refused.status, text)}
    listed = [{"type": "VALIDATION", "code": f.code, "message": f.message} for f in refused.faults]
    return {"requestId": request_id, "hasError": True, "errorMessages": listed}


def _token(refused: Refused, text: str, request_id: str) -> Json:
    del request_id
    if refused.status == 422:
        return {"detail": [{"loc": ["body", f.code], "msg": f.message, "type": "missing"} for f in refused.faults]}
    code = refused.faults[0].code if refused.faults else "invalid_request"
    return {"error": code} | ({} if refused.status == 401 else {"error_description": text})


def _network(refused: Refused, text: str, request_id: str) -> Json:
    listed = [{"fieldId": f.external_code or "", "fieldMessage": f.message} for f in refused.faults]
    errors = {"validationErrors": listed, "message": text, "id": request_id, "type": "VALIDATION", "info": ""}
    return {"version": "1.0", "errors": errors | {"code": "Error.004.0002"}}
