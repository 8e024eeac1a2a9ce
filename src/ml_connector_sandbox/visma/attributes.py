"""Attributes that a company has thought of for its customers: `/v1/attribute`, and the values that customers have."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from ml_connector_sandbox.core.wire import Response
from ml_connector_sandbox.visma.call import Call, Route, moment, ok
from ml_connector_sandbox.visma.company import Company
from ml_connector_sandbox.visma.lists import paged
from ml_connector_sandbox.visma.refusal import Refusal, not_found

Row = dict[str, Any]
CONTROL_TYPES = ("Text", "Combo", "MultiSelectCombo", "Lookup", "Checkbox", "Datetime")


def routes() -> list[Route]:
    """Reading them. Nobody makes attributes by this API here."""
    return [Route("GET", "/v1/attribute", _list), Route("GET", "/v1/attribute/{attributeId}", _single)]


def seeded(rows: Iterable[Row], now: datetime) -> dict[str, Row]:
    """Attributes by id, from rows of id, description, type and the values that may be chosen."""
    made = {}
    for row in rows:
        control = row.get("type", "Combo")
        if control not in CONTROL_TYPES:
            raise ValueError(f"An attribute is one of {', '.join(CONTROL_TYPES)}.")
        details = [
            {"valueId": value, "description": value.title(), "sortOrder": place, "disabled": False}
            for place, value in enumerate(row.get("values", ()), 1)
        ]
        made[row["id"]] = {
            "attributeID": row["id"], "description": row.get("description", row["id"]), "controlType": control,
            "internal": False, "entryMask": "", "regExp": "", "details": details,
            "createdDateTime": moment(now), "lastModifiedDateTime": moment(now),
        }  # fmt: skip
    return made


def merged_values(company: Company, known: Mapping[str, str], lines: Iterable[Row]) -> dict[str, str]:
    """A customer's values with these lines of a write body. Raises Refusal for an attribute or value there is not."""
    values = dict(known)
    for line in lines:
        name, value = line.get("attributeId") or "", line.get("attributeValue") or ""
        attribute = company.attributes.get(name)
        if attribute is None:
            raise Refusal(400, f"'Attribute' '{name}' cannot be found in the system.")
        chosen = [one["valueId"] for one in attribute["details"]]
        parts = value.split(",") if attribute["controlType"] == "MultiSelectCombo" else [value]
        if value and chosen and not set(parts) <= set(chosen):
            raise Refusal(400, f"'Value' '{value}' of attribute '{name}' cannot be found in the system.")
        if value:
            values[name] = value
        else:
            values.pop(name, None)
    return values


def shown(company: Company, values: Mapping[str, str]) -> list[Row]:
    """A customer's attributes as they are read."""
    return [
        {"id": name, "value": value, "description": company.attributes[name]["description"]}
        for name, value in values.items()
    ]


def wanted(call: Call) -> Mapping[str, set[str]]:
    """The filter of a list of customers, {"ID":"VALUE,VALUE"}. Raises Refusal where it is no such text."""
    asked = call.query.get("attributes")
    if not asked:
        return {}
    try:
        read = json.loads(asked)
    except ValueError:
        read = None
    if not isinstance(read, dict) or not all(isinstance(value, str) for value in read.values()):
        raise Refusal(400, "The value of 'attributes' is not valid.")
    return {name: set(value.split(",")) for name, value in read.items()}


def has(values: Mapping[str, str], asked: Mapping[str, set[str]]) -> bool:
    """Whether a customer has one of the values asked for in every attribute asked for."""
    return all(set(values.get(name, "").split(",")) & some for name, some in asked.items())


def _list(call: Call) -> Response:
    rows = [
        row for row in call.company.attributes.values()
        if call.query.get("attributeID") in {None, "", row["attributeID"]}
        and call.query.get("controlType") in {None, "", row["controlType"]}
    ]  # fmt: skip
    return ok(paged(call, rows, dict))


def _single(call: Call) -> Response:
    found = call.company.attributes.get(call.values["attributeId"])
    if found is None:
        raise not_found("Attribute", call.values["attributeId"])
    return ok(dict(found))
