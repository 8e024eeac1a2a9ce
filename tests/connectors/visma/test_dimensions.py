"""Values of segments against the pretend Visma: made, taken as they are, refused, set inactive, looked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ml_connector.connectors.shapes import Context
from ml_connector.connectors.visma.writer import VismaWriter
from ml_connector.errors import Conflict, NotFound, Rejected, UnknownOutcome
from ml_connector.finance.dimensions import DimensionValue
from tests.connectors.visma.sandboxed import Sandbox

KIND = "dimension_value"
PATH = "/v1/dimension/SUBACCOUNT/1"
BERGEN = DimensionValue(1, "40", "Bergen")
CONTEXT = Context("TOKEN", "dim:1:40", "1/40:TOKEN")


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture
def writer(sandbox: Sandbox) -> VismaWriter:
    return sandbox.writer()


def shown(writer: VismaWriter) -> Mapping[str, Any]:
    row, _ = writer.client.row(PATH, operation="GET") or ({}, None)
    return {one["valueId"]: one for one in row["segmentValues"]}


def test_a_value_is_made_beside_the_others_and_read_back(sandbox: Sandbox, writer: VismaWriter) -> None:
    before = shown(writer)
    calls = sandbox.calls()
    made = writer.create(KIND, BERGEN, CONTEXT)
    assert (made.remote_id, made.number, sandbox.calls() - calls) == ("1/40:TOKEN", "40", 2)
    seen = writer.observe(KIND, [(BERGEN, CONTEXT)])[made.remote_id]
    assert (seen.state, seen.number, dict(seen.facts), seen.tokens) == ("released", "40", {}, ("TOKEN",))
    now = shown(writer)
    assert {name: row["description"] for name, row in now.items() if name not in before} == {"40": "Bergen"}
    assert {name: row for name, row in now.items() if name in before} == before
    assert writer.chart().segments[1].names["40"] == "Bergen"


def test_one_that_is_there_is_taken_and_under_another_name_refused(sandbox: Sandbox, writer: VismaWriter) -> None:
    writer.create(KIND, BERGEN, CONTEXT)
    calls = sandbox.calls()
    assert writer.create(KIND, DimensionValue(1, "40", " bergen"), CONTEXT).number == "40"
    assert sandbox.calls() - calls == 1
    with pytest.raises(Rejected, match="as Bergen, not as Cork"):
        writer.create(KIND, DimensionValue(1, "40", "Cork"), CONTEXT)
    assert shown(writer)["40"]["description"] == "Bergen"
    off = writer.observe(KIND, [(DimensionValue(1, "40", "Cork"), CONTEXT)])["1/40:TOKEN"]
    assert off.facts["differences"] == ["it is called Bergen instead of Cork"]


def test_it_is_set_inactive_and_active_again_and_keeps_the_name_that_people_gave_it(writer: VismaWriter) -> None:
    writer.create(KIND, BERGEN, CONTEXT)
    writer.create(KIND, DimensionValue(1, "40", "Old name", active=False), CONTEXT)
    assert (shown(writer)["40"]["description"], shown(writer)["40"]["active"]) == ("Bergen", False)
    assert writer.observe(KIND, [(BERGEN, CONTEXT)])["1/40:TOKEN"].facts["differences"] == ["it is inactive"]
    writer.create(KIND, BERGEN, CONTEXT)
    assert shown(writer)["40"]["active"] is True
    with pytest.raises(Rejected, match="is not in Visma"):
        writer.create(KIND, DimensionValue(1, "77", "Gone", active=False), CONTEXT)


def test_a_lost_call_is_found_by_what_it_made(sandbox: Sandbox, writer: VismaWriter) -> None:
    assert writer.find(KIND, [(BERGEN, CONTEXT)]) == {"TOKEN": []}
    sandbox.vendor.add({"match": {"path": PATH, "method": "PUT"}, "effect": {"kind": "cut_after"}})
    with pytest.raises(UnknownOutcome):
        writer.create(KIND, BERGEN, CONTEXT)
    (seen,) = writer.find(KIND, [(BERGEN, Context("TOKEN", "dim:1:40"))])["TOKEN"]
    assert (seen.remote_id, seen.number) == ("1/40:TOKEN", "40")


def test_what_somebody_changed_meanwhile_is_read_again_and_given_up_when_it_keeps_changing(
    sandbox: Sandbox, writer: VismaWriter
) -> None:
    touched = {"kind": "control", "verb": "touch", "arguments": {"kind": "segment", "number": "1"}}
    conflict = {"match": {"path": PATH, "method": "PUT"}, "effect": touched}
    sandbox.vendor.add({**conflict, "times": 2})
    assert writer.create(KIND, BERGEN, CONTEXT).number == "40"
    sandbox.vendor.add({**conflict, "times": 3})
    with pytest.raises(Conflict):
        writer.create(KIND, DimensionValue(1, "41", "Cork"), CONTEXT)
    assert "41" not in shown(writer)


def test_a_refusal_comes_as_500_and_only_after_a_second_look_is_it_one(sandbox: Sandbox, writer: VismaWriter) -> None:
    with pytest.raises(Rejected, match="characters"):
        writer.create(KIND, DimensionValue(1, "400", "Bergen"), CONTEXT)
    sandbox.vendor.add({"match": {"path": PATH, "method": "PUT"}, "effect": {"kind": "status", "status": 502}})
    with pytest.raises(UnknownOutcome):
        writer.create(KIND, BERGEN, CONTEXT)
    with pytest.raises(NotFound):
        writer.create(KIND, DimensionValue(9, "40", "Bergen"), CONTEXT)
