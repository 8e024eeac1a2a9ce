"""Fault rules, in process: which request they strike, what the caller sees, what was executed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ml_connector_sandbox.core.faults import Faulty
from tests.sandbox.visma_office import Office, journal, office

JT = "/v2/journaltransaction"
POST_JT = {"operation": f"POST {JT}"}


def struck(effect: Any, **rule: Any) -> Office:
    shop = office()
    shop.vendor.add({"match": POST_JT, "effect": effect, **rule})
    return shop


@pytest.mark.parametrize(
    ("effect", "executed"),
    [
        ("cut_before", False),
        ("cut_after", True),
        ({"kind": "timeout_before", "seconds": 60}, False),
        ({"kind": "timeout_after", "seconds": 60}, True),
        ({"kind": "status", "status": 500}, False),
        ({"kind": "status", "status": 500, "when": "after"}, True),
        ({"kind": "status", "status": 429, "retry_after": 7}, False),
        ("truncate", True),
        ({"kind": "slow", "seconds": 2}, True),
    ],
)
def test_an_effect_executes_or_does_not(effect: Any, executed: bool) -> None:
    shop = struck(effect)
    shop.call("POST", JT, journal())
    assert len(shop.books()) == int(executed)
    assert shop.call("POST", JT, journal()).status == 201  # the rule struck once


def test_a_cut_has_no_bytes_and_a_timeout_says_how_long() -> None:
    assert struck("cut_after").call("POST", JT, journal()).cut
    held = struck({"kind": "timeout_before", "seconds": 60}).call("POST", JT, journal())
    assert (held.status, held.delay_s) == (504, 60)
    assert struck("truncate").call("POST", JT, journal()).truncate


def test_a_delayed_commit_happens_later_at_its_own_moment() -> None:
    shop = struck({"kind": "delay_commit", "seconds": 240})
    assert shop.call("POST", JT, journal()).cut
    shop.wait(seconds=239)
    assert shop.books() == []
    shop.wait(seconds=1)
    assert len(shop.books()) == 1
    since = shop.get(f"{JT}?lastModifiedDateTime=2026-03-10T13:04:00")
    assert len(since) == 1


def test_a_control_effect_happens_just_before_the_request() -> None:
    arguments = {"period": "202603"}
    shop = office()
    arguments["tenant_id"] = shop.company["tenant_id"]
    shop.vendor.add({"match": POST_JT, "effect": {"kind": "control", "verb": "close_period", "arguments": arguments}})
    assert "closed" in shop.refused("POST", JT, journal())


def test_a_rule_skips_repeats_and_ends() -> None:
    shop = struck({"kind": "status", "status": 503}, skip=1, times=2)
    statuses = [shop.call("POST", JT, journal()).status for _ in range(4)]
    assert statuses == [201, 503, 503, 201]
    assert shop.vendor.rules()[0]["hits"] == 2


def test_a_rule_strikes_by_path_and_method() -> None:
    shop = office()
    shop.vendor.add({"match": {"method": "get", "path": "/ACCOUNT/19"}, "effect": "cut_before", "times": None})
    assert shop.call("GET", "/v1/account/1910").cut
    assert not shop.call("GET", "/v1/account/3001").cut
    shop.vendor.remove()
    assert not shop.call("GET", "/v1/account/1910").cut


def test_probability_is_drawn_from_the_seed() -> None:
    def run() -> list[int]:
        shop = struck({"kind": "status", "status": 503}, probability=0.5, times=None)
        return [shop.call("POST", JT, journal()).status for _ in range(20)]

    assert run() == run()
    assert set(run()) == {201, 503}


def test_a_gateway_error_is_html_and_a_rate_limit_is_json() -> None:
    shop = struck({"kind": "status", "status": 503})
    assert shop.call("POST", JT, journal()).body.startswith(b"<html>")
    limited = struck({"kind": "status", "status": 429, "retry_after": 7}).call("POST", JT, journal())
    assert ("Retry-After", "7") in limited.headers
    assert json.loads(limited.body)["statusCode"] == 429


@pytest.mark.parametrize(
    "rule", [{}, {"effect": "melt"}, {"effect": {"kind": "slow"}}, {"effect": "truncate", "when": 1}]
)
def test_a_rule_that_makes_no_sense_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"rule|needs"):
        office().vendor.add(rule)


def test_calls_are_counted_by_operation_not_by_address() -> None:
    shop = office()
    shop.get("/v1/account/1910")
    shop.get("/API/controller/api/v1/ACCOUNT/3001")
    assert isinstance(shop.vendor, Faulty)
    assert shop.vendor.calls["GET /v1/account/{account}"] == 2
