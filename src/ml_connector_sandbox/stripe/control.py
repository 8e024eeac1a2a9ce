"""The control verbs: what no API can do. Their arguments and answers stand in README.md."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from ml_connector_sandbox.stripe import bulk, control_cases, control_trade, play, seeding, truth
from ml_connector_sandbox.stripe.desk import SIGNATURES
from ml_connector_sandbox.stripe.refusals import Json
from ml_connector_sandbox.stripe.state import Failure, Knobs, World

Verb = Callable[[World, Json, int], Any]
_CHOICES = {"signature": SIGNATURES, "missing_email_at": ("create", "finalize"), "should_retry": ("", "true", "false")}
_STATUSES = (400, 401, 402, 403, 404, 409, 424, 429, 500, 502, 503)


def run(world: World, verb: str, arguments: Json, now: int) -> Any:
    """Do one verb. ValueError when it is unknown or its arguments make no sense."""
    act = VERBS.get(verb)
    if act is None:
        raise ValueError(f"Stripe knows no verb {verb}: use one of {', '.join(sorted(VERBS))}.")
    try:
        return copy.deepcopy(act(world, arguments, now))
    except (KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise ValueError(f"{verb}: an argument is missing or of the wrong kind ({error!r}); see README.md.") from error


def _knobs(world: World, arguments: Json, now: int) -> Json:
    known = {f.name: f for f in fields(Knobs)}
    for name, value in arguments.items():
        if name not in known:
            raise ValueError(f"No knob {name}: use one of {', '.join(sorted(known))}.")
        kind = type(getattr(world.knobs, name))
        if (kind is bool) != isinstance(value, bool) or (kind is str) != isinstance(value, str):
            raise ValueError(f"The knob {name} cannot be {value!r}: it is a {kind.__name__}.")
        if name in _CHOICES and value not in _CHOICES[name]:
            raise ValueError(f"The knob {name} cannot be {value!r}: use one of {_CHOICES[name]}.")
        setattr(world.knobs, name, kind(value))
    return {name: getattr(world.knobs, name) for name in known}


def _fail_next(world: World, arguments: Json, now: int) -> Json:
    """The next `times` calls of `operation` (any) fail with `status`, before or after the commit.

    `rolled_back`: the endpoint began and undid its work, so that the key of a POST keeps the failure.
    """
    status, stored = int(arguments["status"]), str(arguments.get("stored", "error"))
    if status not in _STATUSES:
        raise ValueError(f"The status is one of {', '.join(map(str, _STATUSES))}.")
    if stored not in {"error", "answer"}:
        raise ValueError("What the idempotency key keeps is error or answer.")
    failure = Failure(
        status, str(arguments.get("operation", "")), int(arguments.get("times", 1)),
        bool(arguments.get("after_commit")), stored, str(arguments.get("should_retry", "")),
        str(arguments.get("code", "")), str(arguments.get("retry_after", "")),
        bool(arguments.get("rolled_back")),
    )  # fmt: skip
    world.failures = [f for f in world.failures if f.times > 0]
    world.failures.append(failure)
    return {"waiting": sum(f.times for f in world.failures)}


def _truth(world: World, arguments: Json, now: int) -> Json:
    return truth.truth(seeding.book_of(world, arguments), now, detail=bool(arguments.get("detail")))


VERBS: dict[str, Verb] = {
    "seed_account": seeding.seed_account,
    "key": seeding.make_key,
    "change_key": seeding.change_key,
    "customer": control_trade.customer,
    "credit": control_trade.credit,
    "invoice": control_trade.invoice,
    "pay": control_trade.pay,
    "charge": control_trade.charge,
    "settle": control_trade.settle,
    "fail": control_trade.fail,
    "fail_late": control_trade.fail_late,
    "refund": control_trade.refund,
    "settle_refund": control_trade.settle_refund,
    "adjust": control_trade.adjust,
    "dispute": control_cases.dispute,
    "payout": control_cases.payout,
    "roll_secret": control_cases.roll_secret,
    "resend": control_cases.resend,
    "events": control_cases.events_of,
    "play_day": play.play_day,
    "bulk": bulk.bulk,
    "knobs": _knobs,
    "truth": _truth,
    "fail_next": _fail_next,
}
