"""What every pretend vendor does as a server, whoever it is: its control door, its faults, its refusals."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import BadStatusLine, RemoteDisconnected
from typing import Any

import pytest

from ml_connector_sandbox.vendors import VENDORS
from tests.sandbox.served import call, serving, verb

pytestmark = pytest.mark.slow
NOWHERE = "/nowhere/at/all"


@pytest.fixture(scope="module")
def urls() -> Iterator[dict[str, str]]:
    with serving() as found:
        yield found


@pytest.fixture(params=VENDORS)
def base(urls: dict[str, str], request: pytest.FixtureRequest) -> Iterator[str]:
    """A vendor that knows nothing and fails nowhere."""
    found = urls[request.param]
    yield found
    call(found, "DELETE", "/_sandbox/faults")
    verb(found, "reset")


def test_all_are_served_when_none_is_named_and_each_says_that_it_is_ready(urls: dict[str, str]) -> None:
    assert set(urls) == set(VENDORS)
    said = {name: call(url, "GET", "/_sandbox/ready").json for name, url in urls.items()}
    assert {name: (one["name"], one["ready"]) for name, one in said.items()} == {name: (name, True) for name in VENDORS}


def test_those_that_are_named_are_served_alone() -> None:
    with serving("square", "visma") as found:
        assert set(found) == {"square", "visma"}


def test_a_verb_that_nobody_knows_is_refused_by_its_name_with_those_there_are(base: str) -> None:
    heard = call(base, "POST", "/_sandbox/control", {"verb": "dance"})
    assert heard.status == 400
    assert "dance" in heard.json["error"]
    assert "truth" in heard.json["error"] or "books" in heard.json["error"]


@pytest.mark.parametrize("asked", [{}, {"reset": True}, [], "reset", None, b"", b"{", b"\xff"])
def test_a_control_call_without_a_verb_is_refused(base: str, asked: Any) -> None:
    heard = call(base, "POST", "/_sandbox/control", asked)
    assert heard.status == 400
    assert heard.json["error"]


def test_a_door_that_is_none_is_refused_with_those_there_are(base: str) -> None:
    heard = call(base, "GET", "/_sandbox/cellar")
    assert heard.status == 404
    assert "control" in heard.json["error"]


def test_an_address_that_is_none_is_refused_and_counted(base: str) -> None:
    before = sum(call(base, "GET", "/_sandbox/calls").json.values())
    assert 400 <= call(base, "GET", NOWHERE).status < 500
    assert sum(call(base, "GET", "/_sandbox/calls").json.values()) == before + 1


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 100_000, b"null", b'{"a": ' * 5_000, b"x" * 2_000_000])
def test_a_body_that_is_no_sense_is_refused_and_breaks_nothing(base: str, body: bytes) -> None:
    assert 400 <= call(base, "POST", NOWHERE, body).status < 500
    assert call(base, "GET", "/_sandbox/ready").json["ready"] is True


def test_a_fault_strikes_once_after_those_it_lets_through(base: str) -> None:
    rule = {"match": {"path": NOWHERE}, "effect": {"kind": "status", "status": 503}, "skip": 1}
    usual = call(base, "GET", NOWHERE).status
    call(base, "POST", "/_sandbox/faults", rule)
    assert [call(base, "GET", NOWHERE).status for _ in range(3)] == [usual, 503, usual]
    assert [one["hits"] for one in call(base, "GET", "/_sandbox/faults").json] == [1]


def test_a_fault_that_cuts_leaves_the_caller_without_an_answer(base: str) -> None:
    call(base, "POST", "/_sandbox/faults", {"match": {"path": NOWHERE}, "effect": "cut_before"})
    with pytest.raises((RemoteDisconnected, ConnectionResetError, BadStatusLine)):
        call(base, "GET", NOWHERE)
    assert 400 <= call(base, "GET", NOWHERE).status < 500


@pytest.mark.parametrize("rule", [{}, {"effect": "melt"}, {"match": {}, "effect": {"kind": "slow"}}, 7])
def test_a_fault_that_makes_no_sense_is_refused_and_none_is_added(base: str, rule: Any) -> None:
    assert call(base, "POST", "/_sandbox/faults", rule).status == 400
    assert call(base, "GET", "/_sandbox/faults").json == []


def test_a_clock_that_makes_no_sense_is_refused(base: str) -> None:
    for wish in ({}, {"advance_s": "soon"}, {"set": "2026-03-01T12:00:00"}):
        assert call(base, "POST", "/_sandbox/clock", wish).status == 400
