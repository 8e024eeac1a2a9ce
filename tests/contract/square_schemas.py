"""The official OpenAPI file of Square as JSON Schemas: nullable understood, unknown fields refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

SPECIFICATION = Path(__file__).parents[2].parent / "shared" / "specs" / "square" / "api.json"

# Fields that the file's own examples or texts show although the schema does not name them.
EXTRA_FIELDS = {
    "Money": {"currency_code"},
    "CustomerDeletedEventData": {"deleted"},
    "CatalogVersionUpdatedEventData": {"id"},
    "DisputeCreatedEventObject": {"dispute"},
    "DisputeStateUpdatedEventObject": {"dispute"},
    **{
        f"Invoice{name}Event": {"location_id"}
        for name in ("Created", "Published", "Updated", "PaymentMade", "Refunded", "Canceled", "Deleted")
    },
    # The spec defines test results as an object; newer answers have these at the root.
    "TestWebhookSubscriptionResponse": {"notification_url", "status_code", "passes_filter", "payload"},
}


class Specification:
    """Finds the schema of an answer or an event and validates against it."""

    def __init__(self) -> None:
        document = json.loads(SPECIFICATION.read_text())
        raw = document["components"]["schemas"]
        self.paths: dict[str, Any] = document["paths"]
        self.events = {s["x-webhook"]["event"]: name for name, s in raw.items() if "x-webhook" in s}
        schemas = {name: _strict(_plain(schema), EXTRA_FIELDS.get(name, set())) for name, schema in raw.items()}
        schemas = {name: _without_codes(schema) if name == "ErrorCode" else schema for name, schema in schemas.items()}
        self._root = {"components": {"schemas": schemas}}

    def answer_schema(self, operation: str) -> str | None:
        """The schema name of an operation such as `GET /v2/payments/{payment_id}`."""
        method, path = operation.split(" ", 1)
        responses = self.paths.get(path, {}).get(method.lower(), {}).get("responses", {})
        for response in responses.values():
            reference = response.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "")
            return str(reference.rsplit("/", 1)[-1]) or None
        return None

    def faults(self, name: str, content: Any) -> list[str]:
        """What is wrong with content, by the named schema."""
        schema = {"$ref": f"#/components/schemas/{name}"} | self._root
        validator = jsonschema.Draft202012Validator(schema)
        return [f"{e.json_path}: {e.message[:200]}" for e in validator.iter_errors(content)]


def _plain(schema: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema: `nullable` becomes a null alternative, also beside a $ref."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {k: _plain(v) for k, v in schema.items() if k not in {"nullable", "example", "x-examples", "readOnly"}}
    if schema.get("nullable") is True:
        return {"anyOf": [kept, {"type": "null"}]}
    return kept


def _strict(schema: Any, extra: set[str]) -> Any:
    if schema.get("properties"):
        schema = schema | {"properties": schema["properties"] | dict.fromkeys(extra, True)}
        schema.setdefault("additionalProperties", False)
    return schema


def _without_codes(schema: Any) -> Any:
    # VERSION_MISMATCH stands in Square's texts but not in its enum.
    return schema | {"enum": [*schema["enum"], "VERSION_MISMATCH"]}
