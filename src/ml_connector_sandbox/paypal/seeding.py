"""Merchants and their applications: how a world begins."""

from __future__ import annotations

from typing import Any

from ml_connector_sandbox.core.instants import DAY
from ml_connector_sandbox.paypal.ledger import Payer
from ml_connector_sandbox.paypal.money import CURRENCIES
from ml_connector_sandbox.paypal.refusals import Json
from ml_connector_sandbox.paypal.state import ALL_SCOPES, App, Merchant, World

_PEOPLE = (
    ("Kari", "Nordmann", "NO"), ("Astrid", "Lind", "SE"), ("Jonas", "Weber", "DE"), ("Sofie", "Holm", "DK"),
    ("Mika", "Virtanen", "FI"), ("Emma", "Clarke", "GB"), ("Yuki", "Sato", "JP"), ("Noah", "Miller", "US"),
    ("Zsofia", "Nagy", "HU"), ("Chloe", "Martin", "FR"),
)  # fmt: skip


def seed_merchant(world: World, arguments: Json, now: int) -> Json:
    """A new account with one application; see README.md."""
    currency = str(arguments.get("currency", "SEK"))
    held = tuple(dict.fromkeys([currency, *arguments.get("held", [])]))
    unknown = [c for c in held if c not in CURRENCIES]
    if unknown:
        raise ValueError(f"No PayPal currency: {', '.join(unknown)}. Use some of {', '.join(sorted(CURRENCIES))}.")
    key = str(arguments.get("merchant_id") or world.mint.account())
    if key in world.merchants:
        raise ValueError(f"Merchant {key} is there already: choose another merchant_id.")
    email = str(arguments.get("email", f"merchant-{len(world.merchants) + 1}@example.com"))
    country = str(arguments.get("country", "SE"))
    merchant = Merchant(
        key, str(arguments.get("name", "Example Shop AB")), email, country, currency, held, now - 365 * DAY
    )
    merchant.payers = [
        Payer(world.mint.account(), f"{given.lower()}@example.com", given, surname, home)
        for given, surname, home in _PEOPLE
    ]
    world.merchants[key] = merchant
    made = application(world, arguments | {"merchant_id": key}, now)
    return made | {"merchant_id": key, "currency": currency, "held": list(held), "email": email}


def application(world: World, arguments: Json, now: int) -> Json:
    """A new application of a merchant, or with an existing `client_id` other scopes or another secret for it."""
    del now
    merchant = world.merchant(arguments.get("merchant_id"))
    scopes: Any = arguments.get("scopes", ALL_SCOPES)
    client_id = str(arguments.get("client_id") or "A" + world.mint.secret(59))
    known = world.apps.get(client_id)
    if known is not None:
        if known.merchant_id != merchant.id:
            raise ValueError(f"Application {client_id} belongs to another merchant: give its merchant_id.")
        known.scopes = tuple(scopes) if "scopes" in arguments else known.scopes
        known.secret = str(arguments.get("client_secret", known.secret))
    else:
        secret = str(arguments.get("client_secret") or "E" + world.mint.secret(59))
        known = App(client_id, secret, f"APP-{world.mint.code(17)}", merchant.id, tuple(scopes))
        world.apps[client_id] = known
    return {
        "client_id": known.client_id, "client_secret": known.secret, "app_id": known.app_id,
        "scopes": list(known.scopes),
    }  # fmt: skip
