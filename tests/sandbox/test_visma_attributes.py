"""Attributes of the pretend ERP's customers: told, set by people, refused where there is no such value, filtered."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.sandbox.visma_office import Office, office, wrapped


def lines(**values: str) -> dict[str, Any]:
    return {"attributeLines": [wrapped(attributeId=name, attributeValue=value) for name, value in values.items()]}


def values(shop: Office, number: str = "10010") -> dict[str, str]:
    return {one["id"]: one["value"] for one in shop.get(f"/v1/customer/{number}")["attributes"]}


def test_the_attributes_of_a_company_are_listed_and_told_one_by_one() -> None:
    shop = office()
    listed = {one["attributeID"]: one for one in shop.get("/v1/attribute")}
    assert {"COLLECT", "CHANNELS", "DIGITAL"} <= set(listed)
    assert listed["COLLECT"]["metadata"]["totalCount"] == len(listed)
    one = shop.get("/v1/attribute/COLLECT")
    assert [detail["valueId"] for detail in one["details"]] == ["STRIPE", "BANK"]
    assert shop.refused("GET", "/v1/attribute/COLOUR", status=404)
    assert [row["attributeID"] for row in shop.get("/v1/attribute?controlType=Checkbox")] == ["DIGITAL"]


def test_a_customers_values_are_set_changed_and_taken_away() -> None:
    shop = office()
    assert shop.call("PUT", "/v1/customer/10010", lines(COLLECT="STRIPE", CHANNELS="WEB,SHOP")).status == 204
    assert values(shop) == {"COLLECT": "STRIPE", "CHANNELS": "WEB,SHOP"}
    assert shop.call("PUT", "/v1/customer/10010", lines(COLLECT="")).status == 204
    assert values(shop) == {"CHANNELS": "WEB,SHOP"}


@pytest.mark.parametrize("sent", [{"COLOUR": "RED"}, {"COLLECT": "STRIPES"}, {"COLLECT": "STRIPE,BANK"}])
def test_a_value_that_there_is_not_is_refused_and_changes_nothing(sent: dict[str, str]) -> None:
    shop = office()
    assert "cannot be found" in shop.refused("PUT", "/v1/customer/10010", {**lines(**sent), **wrapped(name="Other")})
    assert values(shop) == {}
    assert shop.get("/v1/customer/10010")["name"] == "Nordlys AB"


def test_customers_are_filtered_by_their_values() -> None:
    shop = office(customers=[{"number": "20001", "name": "Kari", "attributes": {"COLLECT": "STRIPE"}}])
    asked = quote('{"COLLECT":"STRIPE,BANK"}')
    assert [one["number"] for one in shop.get(f"/v1/customer?attributes={asked}")] == ["20001"]
    other = quote('{"COLLECT":"BANK"}')
    assert shop.get(f"/v1/customer?attributes={other}") == []
    assert shop.refused("GET", "/v1/customer?attributes=COLLECT")
