"""The derived description of Stripe's API as JSON Schemas: unknown fields refused, so that a typing error shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

FOLDER = Path(__file__).parents[2].parent / "shared" / "specs" / "stripe"
FILE = FOLDER / "stripe_v1_subset_2026-10-28.endive.json"
SAMPLES = FOLDER / "fixtures3_2026-08-26.dahlia.json"

_IGNORED = {"description", "title", "format", "nullable", "deprecated", "x-open-enum", "x-stub"}
# Said by the fact sheet, or by answers others recorded, where the derived file is silent.
_ALSO = {"total_count"}


class Specification:
    """Finds the schema of an answer or of parameters and validates against it."""

    def __init__(self) -> None:
        self.document = json.loads(FILE.read_text())
        named = self.document["components"]["schemas"]
        self._root = {"components": {"schemas": {name: self._plain(value) for name, value in named.items()}}}

    def operation(self, name: str) -> dict[str, Any] | None:
        """The operation of a name such as `POST /v1/invoices/{id}/finalize`, whatever its arguments are called."""
        method, _, path = name.partition(" ")
        for template, item in self.document["paths"].items():
            if shape_of(template) == shape_of(path) and method.lower() in item:
                found: dict[str, Any] = item[method.lower()]
                return found
        return None

    def parameters(self, name: str) -> dict[str, Any]:
        """The schemas of an operation's parameters, query and body alike."""
        operation = self.operation(name) or {}
        query = [self._resolved(p) for p in operation.get("parameters", [])]
        found = {p["name"]: p["schema"] for p in query if p["in"] == "query"}
        body = self._resolved(operation.get("requestBody", {}))
        for content in body.get("content", {}).values():
            found |= self._resolved(content["schema"]).get("properties", {})
        return found

    def parameter_faults(self, name: str, form: dict[str, Any]) -> list[str]:
        """What is wrong with the decoded form of a request: unknown names, wrong types and words, what is missing."""
        operation = self.operation(name) or {}
        body = self._resolved(operation.get("requestBody", {}))
        query = [self._resolved(p) for p in operation.get("parameters", [])]
        required = [p["name"] for p in query if p.get("required") and p["in"] == "query"]
        for content in body.get("content", {}).values():
            required += self._resolved(content["schema"]).get("required", [])
        schema = {"type": "object", "properties": self.parameters(name), "required": required}
        return self._faults(schema, self._typed(schema, form))

    def _typed(self, schema: dict[str, Any], value: Any) -> Any:
        """A value of a form, where all is text, as the type its schema wants; as it is where it cannot be that."""
        schema = self._resolved(schema)
        for choice in [*schema.get("anyOf", []), *schema.get("oneOf", [])]:
            made = self._typed(choice, value)
            if not self._faults(choice, made):
                return made
        kind = schema.get("type")
        if isinstance(value, dict) and kind == "array":
            return [self._typed(schema["items"], value[n]) for n in sorted(value, key=int)]
        if isinstance(value, dict):
            known, other = schema.get("properties", {}), schema.get("additionalProperties", {})
            return {name: self._typed(known.get(name, other), inner) for name, inner in value.items()}
        if kind == "number" and value.replace(".", "", 1).isdecimal():
            return float(value)
        if kind == "integer" and value.lstrip("-").isdecimal():
            return int(value)
        return {"true": True, "false": False}.get(value, value) if kind == "boolean" else value

    def inner(self, schema: dict[str, Any]) -> list[dict[str, Any]]:
        """The tables of named fields a schema allows, through choices and lists."""
        schema = self._resolved(schema)
        found = [schema["properties"]] if "properties" in schema else []
        for part in [*schema.get("anyOf", []), *schema.get("oneOf", [])]:
            found += self.inner(part)
        return found + (self.inner(schema["items"]) if "items" in schema else [])

    def answer_faults(self, name: str, status: int, content: Any) -> list[str]:
        """What is wrong with an answer, by the file; what says it is deleted has a schema of its own."""
        if isinstance(content, dict) and content.get("deleted"):
            return self.faults("deleted_object", content)
        operation = self.operation(name) or {}
        responses = operation["responses"]
        response = self._resolved(responses.get(str(status)) or responses.get("default", {}))
        schema = next(iter(response["content"].values()))["schema"]
        return self._faults(schema, content)

    def faults(self, kind: str, content: Any) -> list[str]:
        """What is wrong with an object, by the schema of its name."""
        return self._faults({"$ref": f"#/components/schemas/{kind}"}, content)

    def _faults(self, schema: Any, content: Any) -> list[str]:
        validator = jsonschema.Draft202012Validator(self._plain(schema) | self._root)
        found = [f"{error.json_path}: {error.message[:160]}" for error in validator.iter_errors(content)]
        return found + [f"{path}: unknown field" for path in self._unknown([schema], content, "$")]

    def _resolved(self, node: Any) -> Any:
        while "$ref" in node:
            target: Any = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    def _plain(self, schema: Any) -> Any:
        """OpenAPI 3.0 as JSON Schema: null where nullable, any text where an enum is open."""
        if isinstance(schema, list):
            return [self._plain(item) for item in schema]
        if not isinstance(schema, dict):
            return schema
        dropped = _IGNORED | ({"enum"} if schema.get("x-open-enum") else set())
        kept = {
            key: {name: self._plain(inner) for name, inner in value.items()}
            if key == "properties"
            else self._plain(value)
            for key, value in schema.items()
            if key not in dropped
        }
        return {"anyOf": [kept, {"type": "null"}]} if schema.get("nullable") else kept

    def _unknown(self, schemas: list[Any], content: Any, path: str) -> list[str]:
        if isinstance(content, list):
            items = [found for schema in schemas for found in self._members(schema, "items")]
            return [f for n, one in enumerate(content) for f in self._unknown(items, one, f"{path}[{n}]")]
        if not isinstance(content, dict):
            return []
        if any(self._members(schema, "x-stub") for schema in schemas):
            return []  # one of the objects it may be is outside the file
        known: dict[str, list[Any]] = {}
        for schema in schemas:
            for properties in self._members(schema, "properties"):
                for name, wanted in properties.items():
                    known.setdefault(name, []).append(wanted)
        if not known:
            return []
        found = [f"{path}.{name}" for name in content if name not in known and name not in _ALSO]
        for name in content.keys() & known.keys():
            found += self._unknown(known[name], content[name], f"{path}.{name}")
        return found

    def _members(self, schema: Any, key: str) -> list[Any]:
        schema = self._resolved(schema)
        found = [schema[key]] if key in schema else []
        for combined in ("allOf", "anyOf", "oneOf"):
            for part in schema.get(combined, []):
                found += self._members(part, key)
        return found


def shape_of(path: str) -> str:
    """A path without the names of its arguments."""
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))
