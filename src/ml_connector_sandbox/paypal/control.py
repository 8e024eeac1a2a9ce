"""The control verbs: what no API can do. Their arguments and answers stand in README.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ml_connector_sandbox.core import failures, verbs
from ml_connector_sandbox.paypal import bulk, control_cases, control_trade, play, seeding
from ml_connector_sandbox.paypal import truth as noted
from ml_connector_sandbox.paypal.certificates import KINDS
from ml_connector_sandbox.paypal.refusals import Json
from ml_connector_sandbox.paypal.state import World

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
_STATUSES = {401, 403, 404, 409, 429, 500, 503}


def run(world: World, verb: str, arguments: Json, now: int) -> Any:
    """Do one verb. ValueError when it is unknown or its arguments make no sense."""
    return verbs.run("PayPal", VERBS, world, verb, arguments, now)


def _knobs(world: World, arguments: Json, now: int) -> Json:
    del now
    return verbs.turn_knobs(world.knobs, arguments, _CHOICES)


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
    world.failures.append(failures.asked_for("PayPal", arguments, _STATUSES))
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
