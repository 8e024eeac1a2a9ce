"""Fault injection: a wrapper that makes a pretend vendor fail the way networks and busy services fail.

It is a vendor itself, and pure: randomness comes from a seed, time from the caller, and nothing sleeps. A server (or a
test) reads `delay_s`, `cut` and `truncate` of the answer and acts on them.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from ml_connector_sandbox.core.wire import Delivery, Request, Response, Vendor, json_response

KINDS = {
    "cut_before": (),
    "cut_after": (),
    "timeout_before": ("seconds",),
    "timeout_after": ("seconds",),
    "delay_commit": ("seconds",),
    "status": ("status",),
    "truncate": (),
    "slow": ("seconds",),
    "control": ("verb",),
}  # effect kind -> arguments it cannot do without

_HTML = b"<html><head><title>%d</title></head><body><h1>The service is unavailable.</h1></body></html>"


@dataclass(slots=True)
class Rule:
    """One fault rule. `times` None means for ever; `skip` lets that many matching requests through first."""

    id: str
    match: dict[str, str]
    effect: dict[str, Any]
    times: int | None = 1
    skip: int = 0
    probability: float = 1.0
    hits: int = 0
    pattern: re.Pattern[str] | None = None

    def concerns(self, request: Request, operation: str) -> bool:
        """Whether this rule looks at that request at all."""
        if self.match.get("operation", operation) != operation:
            return False
        if self.match.get("method", request.method).upper() != request.method:
            return False
        return self.pattern is None or self.pattern.search(request.path) is not None

    def as_json(self) -> dict[str, Any]:
        """The rule as the control door shows it."""
        return {
            "id": self.id,
            "match": self.match,
            "effect": self.effect,
            "times": self.times,
            "skip": self.skip,
            "probability": self.probability,
            "hits": self.hits,
        }


class Faulty:
    """A vendor with faults. Same contract as the vendor inside; with no rules it changes nothing."""

    def __init__(self, vendor: Vendor, seed: int = 0) -> None:
        self.vendor = vendor
        self.name = vendor.name
        self.calls: Counter[str] = Counter()
        self._random = Random(seed)
        self._rules: dict[str, Rule] = {}
        self._late: list[tuple[datetime, Request]] = []
        self._made = 0

    def add(self, rule: dict[str, Any]) -> str:
        """Add one rule and give its id. Raises ValueError when the rule makes no sense."""
        built = self._build(rule)
        self._rules[built.id] = built
        return built.id

    def remove(self, rule_id: str | None = None) -> None:
        """Remove one rule, or all of them."""
        if rule_id is None:
            self._rules.clear()
        else:
            self._rules.pop(rule_id, None)

    def rules(self) -> list[dict[str, Any]]:
        """All rules, first added first, with how often each has struck."""
        return [rule.as_json() for rule in self._rules.values()]

    def waiting(self) -> int:
        """How many requests are still to be executed late."""
        return len(self._late)

    def answer(self, request: Request, at: datetime) -> Response:
        """Answer as the vendor would, unless a rule strikes."""
        self.tick(at)
        operation = self.vendor.operation(request)
        self.calls[operation] += 1
        rule = self._striking(request, operation) if self._rules else None
        if rule is None:
            return self.vendor.answer(request, at)
        return self._strike(rule.effect, request, at)

    def control(self, verb: str, arguments: dict[str, Any], at: datetime) -> Any:
        """Pass a control verb on to the vendor, late requests first."""
        self.tick(at)
        return self.vendor.control(verb, arguments, at)

    def operation(self, request: Request) -> str:
        """The name under which this request is counted."""
        return self.vendor.operation(request)

    def deliveries(self, at: datetime) -> list[Delivery]:
        """The webhooks that are due."""
        self.tick(at)
        return self.vendor.deliveries(at)

    def delivered(self, delivery: Delivery, status: int | None, at: datetime) -> None:
        """How a webhook attempt ended."""
        self.vendor.delivered(delivery, status, at)

    def tick(self, at: datetime) -> None:
        """Execute the requests whose late moment has come, in the order of their moments."""
        while self._late and self._late[0][0] <= at:
            due, request = self._late.pop(0)
            self.vendor.answer(request, due)

    def _build(self, rule: dict[str, Any]) -> Rule:
        unknown = set(rule) - {"id", "match", "effect", "times", "skip", "probability", "hits"}
        effect = rule.get("effect")
        effect = {"kind": effect} if isinstance(effect, str) else effect
        if unknown or not isinstance(effect, dict) or effect.get("kind") not in KINDS:
            raise ValueError(f"Not a fault rule: {rule!r}. Give match and effect; the kinds are {', '.join(KINDS)}.")
        missing = [name for name in KINDS[effect["kind"]] if name not in effect]
        if missing:
            raise ValueError(f"Effect {effect['kind']} needs {', '.join(missing)}.")
        match = dict(rule.get("match") or {})
        self._made += 1
        return Rule(
            id=str(rule.get("id") or f"f{self._made}"),
            match=match,
            effect=dict(effect),
            times=rule.get("times", 1),
            skip=int(rule.get("skip", 0)),
            probability=float(rule.get("probability", 1.0)),
            pattern=re.compile(match["path"], re.IGNORECASE) if "path" in match else None,
        )

    def _striking(self, request: Request, operation: str) -> Rule | None:
        for rule in self._rules.values():
            if rule.times == 0 or not rule.concerns(request, operation):
                continue
            if rule.skip > 0:
                rule.skip -= 1
                continue
            if rule.probability < 1.0 and self._random.random() >= rule.probability:
                continue
            rule.hits += 1
            rule.times = None if rule.times is None else rule.times - 1
            return rule
        return None

    def _strike(self, effect: dict[str, Any], request: Request, at: datetime) -> Response:
        kind, seconds = effect["kind"], float(effect.get("seconds", 0))
        if kind == "cut_before":
            return Response(0, cut=True)
        if kind == "timeout_before":
            return replace(_html(504), delay_s=seconds)
        if kind == "delay_commit":
            return self._later(request, at, effect)
        if kind == "status" and effect.get("when", "before") == "before":
            return _status(effect)
        if kind == "control":
            self.vendor.control(str(effect["verb"]), dict(effect.get("arguments") or {}), at)
        answer = self.vendor.answer(request, at)
        if kind == "cut_after":
            return replace(answer, cut=True)
        if kind in ("timeout_after", "slow"):
            return replace(answer, delay_s=answer.delay_s + seconds)
        if kind == "truncate":
            return replace(answer, truncate=True)
        return _status(effect) if kind == "status" else answer

    def _later(self, request: Request, at: datetime, effect: dict[str, Any]) -> Response:
        seconds = float(effect["seconds"])
        self._late.append((at + timedelta(seconds=seconds), request))
        self._late.sort(key=lambda late: late[0])
        if effect.get("answer", "cut") == "cut":
            return Response(0, cut=True)
        return replace(_html(504), delay_s=seconds)


def _status(effect: dict[str, Any]) -> Response:
    status = int(effect["status"])
    headers = (("Retry-After", str(effect["retry_after"])),) if "retry_after" in effect else ()
    if effect.get("html", status >= 502):
        answer = _html(status)
        return replace(answer, headers=(*answer.headers, *headers))
    return json_response(status, {"statusCode": status, "message": "Injected by a fault rule."}, headers)


def _html(status: int) -> Response:
    return Response(status, _HTML % status, (("Content-Type", "text/html"),))
