"""The control verbs: what no API can do. Their arguments and answers stand in README.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ml_connector_sandbox.core import verbs
from ml_connector_sandbox.stripe import bulk, control_cases, control_trade, play, seeding, truth
from ml_connector_sandbox.stripe.desk import SIGNATURES
from ml_connector_sandbox.stripe.refusals import Json
from ml_connector_sandbox.stripe.state import Failure, World

Verb = Callable[[World, Json, int], Any]
_CHOICES = {"signature": SIGNATURES, "missing_email_at": ("create", "finalize"), "should_retry": ("", "true", "false")}
_STATUSES = (400, 401, 402, 403, 404, 409, 424, 429, 500, 502, 503)


def run(world: World, verb: str, arguments: Json, now: int) -> Any:
    """Do one verb. ValueError when it is unknown or its arguments make no sense."""
    return verbs.run("Stripe", VERBS, world, verb, arguments, now)


def _knobs(world: World, arguments: Json, now: int) -> Json:
    return verbs.turn_knobs(world.knobs, arguments, _CHOICES)


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
