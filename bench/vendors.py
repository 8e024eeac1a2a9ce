"""The pretend vendors in processes of their own, as a benchmark drives them: control verbs, faults, calls counted."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ANSWER_S = 60
STOP_S = 10


@dataclass(frozen=True, slots=True)
class Vendor:
    """One pretend vendor, by its address."""

    url: str

    def control(self, verb: str, **arguments: Any) -> dict[str, Any]:
        """Carry out a control verb. Raises urllib.error.HTTPError with the vendor's reason where it makes no sense."""
        return dict(_ask("POST", f"{self.url}/_sandbox/control", {"verb": verb, **arguments}))

    def calls(self) -> dict[str, int]:
        """Calls by operation since `forget_calls`."""
        return dict(_ask("GET", f"{self.url}/_sandbox/calls"))

    def forget_calls(self) -> None:
        _ask("DELETE", f"{self.url}/_sandbox/calls")

    def slow_down(self, seconds: float) -> None:
        """Every answer from now on comes this much later."""
        rule = {"match": {}, "effect": {"kind": "slow", "seconds": seconds}, "times": None}
        _ask("POST", f"{self.url}/_sandbox/faults", rule)

    def advance(self, seconds: float) -> None:
        """Move the vendor's clock."""
        _ask("POST", f"{self.url}/_sandbox/clock", {"advance_s": seconds})

    def request(self, method: str, path: str, content: Any, *, token: str) -> dict[str, Any]:
        """A call of the vendor's own API."""
        return dict(_ask(method, self.url + path, content, headers={"Authorization": f"Bearer {token}"}))


@dataclass(frozen=True, slots=True)
class Vendors:
    """The pretend vendors that benchmarks drive; one that was not started has no address."""

    visma: Vendor
    square: Vendor
    woocommerce: Vendor
    paypal: Vendor


@contextlib.contextmanager
def running(*names: str, seed: int = 1) -> Iterator[Vendors]:
    """Start those that are named; they end with the block, or with this process."""
    with _serving("--seed", str(seed), *(word for name in names for word in ("--only", name))) as told:
        yield Vendors(*(Vendor(told.get(name, "")) for name in Vendors.__slots__))


@contextlib.contextmanager
def one(name: str, *, seed: int = 1) -> Iterator[Vendor]:
    """Start one pretend vendor, whose delays take no time; it ends with the block, or with this process."""
    with _serving("--seed", str(seed), "--only", name, "--time-scale", "0") as told:
        yield Vendor(told[name])


@contextlib.contextmanager
def _serving(*options: str) -> Iterator[Mapping[str, str]]:
    """Base URLs by name."""
    command = [sys.executable, "-m", "ml_connector_sandbox", "serve", *options]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    try:
        assert child.stdout is not None
        line = child.stdout.readline()
        if not line:
            raise RuntimeError("The pretend vendors did not start; their complaint stands above.")
        yield json.loads(line)
    finally:
        child.terminate()
        try:
            child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if child.stdout is not None:
            child.stdout.close()


def _ask(method: str, url: str, content: Any = None, *, headers: Mapping[str, str] | None = None) -> Any:
    body = None if content is None else json.dumps(content).encode()
    given = {"Content-Type": "application/json", **(headers or {})}
    asked = urllib.request.Request(url, data=body, headers=given, method=method)
    with urllib.request.urlopen(asked, timeout=ANSWER_S) as answer:
        return json.loads(answer.read() or b"null")
