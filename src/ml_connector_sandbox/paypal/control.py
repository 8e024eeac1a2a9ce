"""The control verbs: what no API can do. Their arguments and answers stand in README.md."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from ml_connector_sandbox.paypal import bulk, control_cases, control_trade, play, seeding
from ml_connector_sandbox.paypal import truth as noted
from ml_connector_sandbox.paypal.certificates import KINDS
from ml_connector_sandbox.paypal.refusals import Json
from ml_connector_sandbox.paypal.state import Failure, Knobs, World

Verb = Callable[[World, Json, int], Any]
_CHOICES = {
    "certificate": KINDS,
    "signature": ("good", "broken", "wrong_webhook", "sha1"),
    "fee_back_as": ("amount", "row"),
    "refund_conversion_names": ("refund", "sale"),
    "reversed_status": ("V", "S"),
    "report_order": ("updated", "initiated"),
    "external_paid_status": ("MARKED_AS_PAID", "PAID"),
    "invoice_event_shape": ("wrapped", "plain"),
    "denied_name": ("PAYMENT.CAPTURE.DECLINED", "PAYMENT.CAPTURE.DENIED"),
    "foreign_status": (404, 403),
    "replay_status": (200, 201),
}


def run(world: World, verb: str, arguments: Json, now: int) -> Any:
    """Do one verb. ValueError when it is unknown or its arguments make no sense."""
    act = VERBS.get(verb)
    if act is None:
        raise ValueError(f"PayPal knows no verb {verb}: use one of {', '.join(sorted(VERBS))}.")
    try:
        return copy.deepcopy(act(world, arguments, now))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{verb}: an argument is missing or of the wrong kind ({error!r}); see README.md.") from error


def _knobs(world: World, arguments: Json, now: int) -> Json:
    del now
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


def _truth(world: World, arguments: Json, now: int) -> Json:
    merchant = control_trade.merchant_of(world, arguments)
    return noted.truth(world, merchant, now, detail=bool(arguments.get("detail")))


def _certificates(world: World, arguments: Json, now: int) -> Json:
    """The chain; `rotate` goes to a new leaf and key, `withdraw` has the old one served no more."""
    del now
    desk = world.desk
    old = desk.leaf()
    if arguments.get("rotate"):
        desk.generation += 1
    if arguments.get("withdraw"):
        desk.withdrawn.add(old.id)
    leaf, chain = desk.leaf(), desk.chain()
    return {
        "root": chain.root_pem(), "intermediate": chain.intermediate_pem(), "leaf": leaf.pem[:20_000].decode(),
        "cert_url": world.knobs.cert_base_url + leaf.path, "path": leaf.path, "kind": leaf.kind,
    }  # fmt: skip


def _fail_next(world: World, arguments: Json, now: int) -> Json:
    """PayPal-shaped faults for the requests to come."""
    del now
    status = int(arguments["status"])
    if status not in {401, 403, 404, 409, 429, 500, 503}:
        raise ValueError(f"No PayPal fault {status}: use 401, 403, 404, 409, 429, 500 or 503.")
    world.failures.append(
        Failure(
            str(arguments.get("operation", "")), status, int(arguments.get("times", 1)),
            bool(arguments.get("after_commit", False)), str(arguments.get("retry_after", "")),
        )
    )  # fmt: skip
    return {"waiting": sum(f.times for f in world.failures)}


def _revoke_token(world: World, arguments: Json, now: int) -> Json:
    """All tokens of the application die, or the given one."""
    del now
    if arguments.get("token"):
        world.tokens[arguments["token"]].revoked = True
        return {"revoked": 1}
    app = world.app_of(control_trade.merchant_of(world, arguments), arguments.get("client_id"))
    own = [t for t in world.tokens.values() if t.client_id == app.client_id and not t.revoked]
    for token in own:
        token.revoked = True
    return {"revoked": len(own)}


VERBS: dict[str, Verb] = {
    "seed_merchant": seeding.seed_merchant,
    "application": seeding.application,
    "capture": control_trade.capture,
    "settle": control_trade.settle,
    "refund": control_trade.refund,
    "approve": control_trade.approve,
    "fee": control_trade.fee,
    "conversion": control_trade.conversion,
    "hold": control_trade.hold,
    "release": control_trade.release,
    "withdraw": control_trade.withdraw,
    "return_withdrawal": control_trade.return_withdrawal,
    "transaction": control_trade.transaction,
    "change_transaction": control_trade.change_transaction,
    "invoice": control_cases.invoice,
    "invoice_pay": control_cases.invoice_pay,
    "invoice_record": control_cases.invoice_record,
    "invoice_edit": control_cases.invoice_edit,
    "invoice_cancel": control_cases.invoice_cancel,
    "dispute": control_cases.dispute,
    "reverse": control_cases.reverse,
    "payout": control_cases.payout,
    "return_payout": control_cases.return_payout,
    "play_day": play.play_day,
    "bulk": bulk.bulk,
    "knobs": _knobs,
    "truth": _truth,
    "certificates": _certificates,
    "fail_next": _fail_next,
    "revoke_token": _revoke_token,
}
