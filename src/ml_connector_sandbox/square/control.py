"""The control verbs: what no API can do. Their arguments and answers stand in README.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ml_connector_sandbox.core import verbs
from ml_connector_sandbox.square import (
    bulk_making,
    control_trade,
    oauth,
    play,
    seeding,
)
from ml_connector_sandbox.square import truth as noted
from ml_connector_sandbox.square.faults import Json
from ml_connector_sandbox.square.state import RefreshToken, Token, World
from ml_connector_sandbox.square.times import stamp
from ml_connector_sandbox.square.webhooks import new_key

Verb = Callable[[World, Json, int], Any]


def run(world: World, verb: str, arguments: Json, now: int) -> Any:
    """Do one verb. ValueError when it is unknown or its arguments make no sense."""
    return verbs.run("Square", VERBS, world, verb, arguments, now)


def _location(world: World, arguments: Json, now: int) -> Json:
    """A new location, or with `location_id` a changed one (name, status, timezone)."""
    merchant = control_trade.merchant_of(world, arguments)
    if not arguments.get("location_id"):
        return {"location": seeding.add_location(world, merchant, arguments, now)}
    body = merchant.location(arguments["location_id"])
    body |= {k: arguments[k] for k in ("name", "status", "timezone") if k in arguments}
    seeding.tell_location(world, merchant, body["id"], type_="location.updated", now=now)
    return {"location": body}


def _catalog(world: World, arguments: Json, now: int) -> Json:
    merchant = control_trade.merchant_of(world, arguments)
    if arguments.get("delete"):
        gone = seeding.delete_object(merchant, str(arguments["id"]), now)
        seeding.tell_catalog(world, merchant, now)
        return {"object": gone.body}
    content = arguments.get("content") or {}
    row = seeding.put_object(world, merchant, str(arguments["type"]), content, now, key=arguments.get("id", ""))
    seeding.tell_catalog(world, merchant, now)
    return {"object": row.body}


def _play_day(world: World, arguments: Json, now: int) -> Json:
    del now
    return play.play_day(world, control_trade.merchant_of(world, arguments), arguments)


def _knobs(world: World, arguments: Json, now: int) -> Json:
    """Shares of a payment may be given as numbers."""
    del now
    shares = {name: str(arguments[name]) for name in ("fee_percent", "tax_on_fee_percent") if name in arguments}
    return verbs.turn_knobs(world.knobs, arguments | shares, {})


def _truth(world: World, arguments: Json, now: int) -> Json:
    del now
    return noted.truth(world, control_trade.merchant_of(world, arguments), detail=bool(arguments.get("detail")))


def _token(world: World, arguments: Json) -> Token:
    token = world.tokens.get(arguments["token"])
    if token is None:
        raise ValueError("No such access token: use one that seed_merchant or /oauth2/token returned.")
    return token


def _revoke_token(world: World, arguments: Json, now: int) -> Json:
    """The seller withdraws the grant: all its tokens die, the application is told."""
    token = _token(world, arguments)
    if token.personal or arguments.get("only_this"):
        token.revoked = True
    else:
        oauth.withdraw(world, world.applications[token.application_id], token.merchant_id, revoker="MERCHANT", now=now)
    return {"revoked": True}


def _expire_token(world: World, arguments: Json, now: int) -> Json:
    token = _token(world, arguments)
    if token.personal:
        raise ValueError("A personal access token does not expire: revoke it instead.")
    token.expires = now
    return {"expires_at": stamp(now)}


def _migration_token(world: World, arguments: Json, now: int) -> Json:
    del now
    token = _token(world, arguments)
    value = "sq0atp-" + world.mint.mixed(22)
    world.migration_tokens[value] = RefreshToken(value, token.application_id, token.merchant_id, token.scopes)
    return {"migration_token": value}


def _rotate_signature_key(world: World, arguments: Json, now: int) -> Json:
    found = world.desk.subscriptions.get(arguments["subscription_id"])
    if found is None:
        raise ValueError("No such subscription: use an id of /v2/webhooks/subscriptions.")
    found.key, found.updated = new_key(world), now
    return {"signature_key": found.key}


VERBS: dict[str, Verb] = {
    "seed_merchant": seeding.seed_merchant,
    "sell": control_trade.sell,
    "pay": control_trade.pay,
    "complete": control_trade.complete,
    "refund": control_trade.refund,
    "invoice": control_trade.invoice,
    "invoice_publish": control_trade.invoice_publish,
    "invoice_pay": control_trade.invoice_pay,
    "invoice_cancel": control_trade.invoice_cancel,
    "payout": control_trade.payout,
    "entry": control_trade.entry,
    "gift_card": control_trade.gift_card,
    "dispute": control_trade.dispute,
    "customer": control_trade.customer,
    "vendor": control_trade.vendor,
    "location": _location,
    "catalog": _catalog,
    "play_day": _play_day,
    "bulk": bulk_making.sell_in_bulk,
    "knobs": _knobs,
    "truth": _truth,
    "revoke_token": _revoke_token,
    "expire_token": _expire_token,
    "migration_token": _migration_token,
    "rotate_signature_key": _rotate_signature_key,
}
