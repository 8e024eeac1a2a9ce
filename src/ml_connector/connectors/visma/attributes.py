"""Attributes that a company has thought of for its customers: looked up by id, with the values that may be chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml_connector.connectors.visma.client import VismaClient, segment
from ml_connector.connectors.visma.observed import Row, text
from ml_connector.finance.plan import Found

ADDRESS = "/v1/attribute"
TICK = ("0", "1", "false", "true", "False", "True")


def look_up(client: VismaClient, fields: Mapping[str, str]) -> list[Found]:
    """The attribute with this `number`; none where the ledger has none. One call.

    Its `status` is how it is entered (Combo, Checkbox, Text...). Fact `values`: what may be chosen, a line each; none
    where any text may be entered.
    """
    wanted = fields.get("number", "")
    if not wanted:
        return []
    found = client.row(f"{ADDRESS}/{segment(wanted)}", operation=f"GET {ADDRESS}/{{id}}")
    if found is None:
        return []
    row = found[0]
    control = text(row.get("controlType"))
    values = TICK if control == "Checkbox" else tuple(_values(row))
    facts = {"values": "\n".join(values)} if values else {}
    return [Found(text(row.get("attributeID")) or wanted, text(row.get("description")), control, facts=facts)]


def _values(row: Row) -> list[str]:
    details: Any = row.get("details")
    rows = [one for one in details if isinstance(one, Mapping)] if isinstance(details, list) else []
    return [value for one in rows if one.get("disabled") is not True and (value := text(one.get("valueId")))]
