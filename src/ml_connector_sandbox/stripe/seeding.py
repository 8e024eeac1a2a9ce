"""Accounts and their keys: how a world begins."""

from __future__ import annotations

from typing import Any

from ml_connector_sandbox.core.instants import DAY
from ml_connector_sandbox.stripe.currencies import DECIMALS
from ml_connector_sandbox.stripe.refusals import Json
from ml_connector_sandbox.stripe.routes import PERMISSIONS
from ml_connector_sandbox.stripe.state import Account, ApiKey, Book, World
from ml_connector_sandbox.stripe.times import seconds


def book_of(world: World, arguments: Json) -> Book:
    """The books a verb is about: `account_id` (the first), `livemode` (false)."""
    if not world.accounts:
        raise ValueError("There is no account yet: use seed_account first.")
    key = arguments.get("account_id") or next(iter(world.accounts))
    if key not in world.accounts:
        raise ValueError(f"No account {key}: use one of {', '.join(world.accounts)}.")
    return world.accounts[key].book(livemode=bool(arguments.get("livemode")))


def seed_account(world: World, arguments: Json, now: int) -> Json:
    """A new account with a full key for each mode; see README.md."""
    currency = str(arguments.get("currency", "sek")).lower()
    settles = tuple(dict.fromkeys([currency, *(str(c).lower() for c in arguments.get("settles", []))]))
    unknown = [c for c in settles if c not in DECIMALS]
    if unknown:
        raise ValueError(f"No Stripe currency: {', '.join(unknown)}. Use some of {', '.join(sorted(DECIMALS))}.")
    key = str(arguments.get("account_id") or f"acct_1T{world.mint.letters(14)}")
    if key in world.accounts:
        raise ValueError(f"Account {key} is there already: choose another account_id.")
    email = str(arguments.get("email", f"owner-{len(world.accounts) + 1}@example.com"))
    name, country = str(arguments.get("name", "Example Shop AB")), str(arguments.get("country", "SE"))
    world.add_account(Account(key, name, country, currency, settles, email, seconds(now - 365 * DAY)))
    secrets = {
        f"{mode}secret_key": make_key(world, {"account_id": key, "livemode": mode == "live_"}, now)["secret"]
        for mode in ("", "live_")
    }
    return {
        "account_id": key,
        "name": name,
        "country": country,
        "currency": currency,
        "settles": list(settles),
    } | secrets


def make_key(world: World, arguments: Json, now: int) -> Json:
    """A key: restricted when `grants` are given, {permission: read or write}, or `all` for every one to write."""
    book = book_of(world, arguments)
    grants: Any = arguments.get("grants")
    if grants == "all":
        grants = dict.fromkeys(PERMISSIONS, "write")
    wrong = [n for n, level in (grants or {}).items() if n not in PERMISSIONS or level not in {"read", "write", "none"}]
    if wrong:
        raise ValueError(f"No such grant: {', '.join(wrong)}. Give read, write or none for {', '.join(PERMISSIONS)}.")
    kind = f"{'sk' if grants is None else 'rk'}_{'live' if book.livemode else 'test'}"
    secret = str(arguments.get("secret") or f"{kind}_51T{world.mint.letters(40)}")
    if not secret.startswith(kind):
        raise ValueError(f"The secret of this key begins with {kind}_.")
    world.keys[secret] = ApiKey(secret, book.account.id, book.livemode, grants)
    return {"secret": secret, "livemode": book.livemode, "grants": grants}


def change_key(world: World, arguments: Json, now: int) -> Json:
    """Other `grants` for a restricted key, or `expired`, or `deleted`."""
    key = world.keys.get(str(arguments["secret"]))
    if key is None:
        raise ValueError("No such key: give a secret that seed_account or key returned.")
    if arguments.get("deleted"):
        del world.keys[key.secret]
        return {"secret": key.secret, "deleted": True}
    if "grants" in arguments:
        if key.grants is None:
            raise ValueError("A secret key has every permission: make a restricted one with key.")
        key.grants = dict(arguments["grants"])
    key.expired = bool(arguments.get("expired", key.expired))
    return {"secret": key.secret, "livemode": key.livemode, "grants": key.grants, "expired": key.expired}
