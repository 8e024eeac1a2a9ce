"""Basware's published interface files as JSON Schemas, for answers, accepted requests and notifications."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

FOLDER = Path(__file__).parents[2].parent / "shared" / "specs" / "basware"
FILES = ("basware_p2p_openapi_2026-06.json", "basware_authentication_openapi.json",
         "basware_push_notification_openapi.json")  # fmt: skip
NETWORK = "network_v1_invoice_post_schema.json"

# `format: date-time`: the file's own texts allow plain dates. `pattern` of an integer says nothing in JSON Schema.
_IGNORED = {"example", "examples", "readOnly", "description", "title", "format", "deprecated", "default"}


class Specification:
    """Finds the schema of an answer or a request body and validates against it."""

    def __init__(self) -> None:
        self._operations: dict[str, tuple[Any, Any]] = {}
        for name in FILES:
            document = json.loads((FOLDER / name).read_text())
            for path, item in document["paths"].items():
                for method, operation in item.items():
                    self._operations[f"{method.upper()} {path}"] = (document, operation)
        self.network = json.loads((FOLDER / NETWORK).read_text())
        self.validator = cache(self._validator)

    def knows(self, name: str) -> bool:
        """Whether a file has the operation, such as `GET /v1/vendors/{externalCode}`."""
        return name in self._operations

    def parameters(self, name: str) -> set[str]:
        """The query parameters of an operation."""
        _, operation = self._operations[name]
        return {p["name"] for p in operation.get("parameters", []) if p["in"] == "query"}

    def scopes(self) -> set[str]:
        """Every scope of the P2P file."""
        document, _ = self._operations["GET /v1/vendors"]
        flows = document["components"]["securitySchemes"]["oauth2authentication"]["flows"]
        return set(flows["clientCredentials"]["scopes"])

    def answer_faults(self, name: str, status: int, content: Any) -> list[str]:
        """What is wrong with an answer, by the file."""
        _, operation = self._operations[name]
        response = operation["responses"].get(str(status))
        if response is None:
            return [f"status {status} is not foreseen"]
        wanted = bool(response.get("content"))
        if not wanted or content is None:
            return [] if not wanted and content is None else ["a body is there or missing against the file"]
        return self._told(self.validator(name, str(status)), content)

    def request_faults(self, name: str, body: Any) -> list[str]:
        """What is wrong with a request body, by the file."""
        return self._told(self.validator(name, ""), body)

    def network_faults(self, body: Any) -> list[str]:
        """What is wrong with an invoice for the Network API."""
        return self._told(jsonschema.Draft4Validator(self.network), body)

    def notification_faults(self, body: Any) -> list[str]:
        """What is wrong with a push notification."""
        document, _ = self._operations["GET /v1/tasks"]
        return self._told(_built(document, {"$ref": "#/components/schemas/NotificationPayload"}), body)

    def _validator(self, name: str, status: str) -> Any:
        document, operation = self._operations[name]
        part = operation["responses"][status] if status else operation["requestBody"]
        return _built(document, next(iter(part["content"].values()))["schema"])

    def _told(self, validator: Any, content: Any) -> list[str]:
        return [f"{e.json_path}: {e.message[:160]}" for e in validator.iter_errors(content)]


def _built(document: Any, schema: Any) -> Any:
    named = {name: _plain(value) for name, value in document["components"]["schemas"].items()}
    return jsonschema.Draft202012Validator(_plain(schema) | {"components": {"schemas": named}})


def _plain(schema: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema: `nullable` lets null in."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        key: {k: _plain(v) for k, v in value.items()} if key == "properties" else _plain(value)
        for key, value in schema.items()
        if key not in _IGNORED
    }
    if kept.pop("nullable", False) is True:
        return {"anyOf": [{"type": "null"}, kept]}
    return kept
