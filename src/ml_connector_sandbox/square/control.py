"""The control verbs: what no API can do. Their arguments and answers stand in README.md."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import fields
from decimal import Decimal
from typing import Any

from ml_connector_sandbox.square import (
    bulk_making,
    disputes,
    gift_cards,
    invoices,
    oauth,
    orders,
    parties,
    payments,
    payouts,
    play,
    seeding,
    trade,
)
from ml_connector_sandbox.square import truth as noted
from ml_connector_sandbox.square.faults import Json
from ml_connector_sandbox.square.shelves import Stored
from ml_connector_sandbox.square.state import Knobs, Merchant, RefreshToken, Token, World, must
from ml_connector_sandbox.square.times import parse, stamp
from ml_connector_sandbox.square.webhooks import new_key

Verb = Callable[[World, Json, int], Any]


def run(world: World, verb: str, arguments: Json, now: int) -> Any:
    """Do one verb. ValueError when it is unknown or its arguments make no sense."""
    act = VERBS.get(verb)
    if act is None:
        raise ValueError(f"Square knows no verb {verb}: use one of {', '.join(sorted(VERBS))}.")
    try:
        return copy.deepcopy(act(world, arguments, now))
    except (KeyError, TypeError) as error:
        raise ValueError(f"{verb}: an argument is missing or of the wrong kind ({error!r}); see README.md.") from error


def _at(arguments: Json, now: int) -> int:
    """The instant a verb speaks of: `at`, not later than now, else now."""
    if not arguments.get("at"):
        return now
    at = parse(str(arguments["at"]), "at")
    if at > now:
        raise ValueError(f"at {arguments['at']} is in the future ({stamp(now)} now): ask again when it has come.")
    return at


def _merchant(world: World, arguments: Json) -> Merchant:
    return world.merchant(arguments.get("merchant_id"))


def _sell(world: World, arguments: Json, now: int) -> Json:
    if arguments.get("offline_at"):
        arguments = arguments | {"offline_at": parse(str(arguments["offline_at"]), "offline_at")}
    order, rows = trade.sell(world, _merchant(world, arguments), arguments, _at(arguments, now))
    return {
        "order_id": order.id,
        "payment_ids": [row.id for row in rows],
        "order": order.body,
        "payments": [row.body for row in rows],
    }


def _complete(world: World, arguments: Json, now: int) -> Json:
    merchant = _merchant(world, arguments)
    row = must(merchant.payments.own(arguments["payment_id"]), "Payment", arguments["payment_id"])
    if arguments.get("cancel"):
        payments.void(world, merchant, row, now=_at(arguments, now))
    else:
        payments.capture(world, merchant, row, now=_at(arguments, now))
    return {"payment": row.body}


def _pay(world: World, arguments: Json, now: int) -> Json:
    """A further tender on an OPEN order."""
    merchant = _merchant(world, arguments)
    order = must(merchant.orders.own(arguments["order_id"]), "Order", arguments["order_id"])
    spec = arguments.get("tender") or {}
    tendered = trade.tendered_of(spec, amount=orders.amount_due(order, world))
    row = payments.take(world, merchant, order, tendered=tendered, now=_at(arguments, now))
    return {"payment_id": row.id, "payment": row.body, "order": order.body}


def _refund(world: World, arguments: Json, now: int) -> Json:
    rows = trade.refund(world, _merchant(world, arguments), arguments, _at(arguments, now))
    return {
        "refund_ids": [r.id for r in rows],
        "order_id": rows[0].body["order_id"],
        "refunds": [r.body for r in rows],
    }


def _requests(arguments: Json) -> list[Json]:
    """Payment requests from {"due_date", "deposit_percent"?, "instalments"?}."""
    due = arguments["due_date"]
    count = int(arguments.get("instalments", 0))
    wanted: list[Json] = []
    if arguments.get("deposit_percent"):
        share = str(arguments["deposit_percent"])
        wanted.append({"request_type": "DEPOSIT", "due_date": due, "percentage_requested": share})
    if not count:
        return [
            *wanted,
            {"request_type": "BALANCE", "due_date": due, "tipping_enabled": bool(arguments.get("tipping"))},
        ]
    rest = 100 - Decimal(str(arguments.get("deposit_percent", 0)))
    share = f"{rest / count:.4f}"
    return wanted + [
        {"request_type": "INSTALLMENT", "due_date": due, "percentage_requested": share} for _ in range(count)
    ]


def _invoice(world: World, arguments: Json, now: int) -> Json:
    merchant, at = _merchant(world, arguments), _at(arguments, now)
    customer_id = arguments.get("customer_id") or _customer(world, arguments.get("customer") or {}, now)["customer_id"]
    location_id = str(merchant.location(arguments.get("location_id"))["id"])
    request = trade.request_of(merchant, arguments | {"customer_id": customer_id})
    order = orders.open_order(world, merchant, request=request, location_id=location_id, now=at, source="Invoices")
    wanted: Json = {"order_id": order.id, "primary_recipient": {"customer_id": customer_id}}
    wanted |= {
        k: arguments[k] for k in ("invoice_number", "title", "scheduled_at", "sale_or_service_date") if k in arguments
    }
    wanted["payment_requests"] = arguments.get("payment_requests") or _requests(arguments)
    row = invoices.draft(world, merchant, request=wanted, now=at)
    if arguments.get("publish", True):
        invoices.publish(world, merchant, row, now=at)
    return {"invoice_id": row.id, "order_id": order.id, "customer_id": customer_id, "invoice": row.body}


def _invoice_of(merchant: Merchant, arguments: Json) -> Stored:
    return must(merchant.invoices.own(arguments["invoice_id"]), "Invoice", arguments["invoice_id"])


def _invoice_pay(world: World, arguments: Json, now: int) -> Json:
    merchant = _merchant(world, arguments)
    row = _invoice_of(merchant, arguments)
    due = (row.body.get("next_payment_amount_money") or {}).get("amount", 0)
    spec = {k: v for k, v in arguments.items() if k not in {"merchant_id", "invoice_id", "at", "rounding"}}
    rounding = int(arguments.get("rounding", 0))
    tendered = trade.tendered_of(spec, amount=due + rounding, product="INVOICES")
    payment = invoices.pay(world, merchant, row, tendered=tendered, rounding=rounding, now=_at(arguments, now))
    return {"payment_id": payment.id, "payment": payment.body, "invoice": row.body}


def _invoice_cancel(world: World, arguments: Json, now: int) -> Json:
    merchant = _merchant(world, arguments)
    row = _invoice_of(merchant, arguments)
    invoices.cancel(world, merchant, row, now=_at(arguments, now))
    return {"invoice": row.body}


def _payout(world: World, arguments: Json, now: int) -> Json:
    merchant, at = _merchant(world, arguments), _at(arguments, now)
    if arguments.get("payout_id"):
        row = must(merchant.payouts.own(arguments["payout_id"]), "Payout", arguments["payout_id"])
        payouts.conclude_now(world, merchant, row, fail=bool(arguments.get("fail")), now=at)
        return {"payout_id": row.id, "payout": row.body}
    location_id = str(merchant.location(arguments.get("location_id"))["id"])
    for entry in arguments.get("entries") or []:
        payouts.add_entry(merchant, location_id, payouts.scripted(entry, at))
    fail = bool(arguments.get("fail"))
    if arguments.get("type", "BATCH") == "SIMPLE":
        amount = int(arguments["amount"])
        made: Stored | None = payouts.simple(world, merchant, location_id=location_id, amount=amount, now=at, fail=fail)
    else:
        until = parse(str(arguments["until"]), "until") if arguments.get("until") else None
        extra: Json = {
            k: arguments[k] for k in ("destination", "payout_fee", "arrival_date", "end_to_end_id") if k in arguments
        }
        made = payouts.batch(world, merchant, location_id=location_id, now=at, until=until, fail=fail, extra=extra)
    return {"payout_id": made.id if made else None, "payout": made.body if made else None}


def _entry(world: World, arguments: Json, now: int) -> Json:
    merchant = _merchant(world, arguments)
    location_id = str(merchant.location(arguments.get("location_id"))["id"])
    entry = payouts.scripted(arguments, _at(arguments, now))
    payouts.add_entry(merchant, location_id, entry)
    return {"net": entry["gross"] - entry["fee"]}


def _gift_card(world: World, arguments: Json, now: int) -> Json:
    """Sell a card (default), or read one with `gift_card_id`."""
    merchant = _merchant(world, arguments)
    if arguments.get("gift_card_id") and not arguments.get("amount"):
        card = must(merchant.gift_cards.own(arguments["gift_card_id"]), "Gift card", arguments["gift_card_id"])
        return {"gift_card_id": card.id, "gift_card": card.body}
    at = _at(arguments, now)
    reload = merchant.gift_cards.own(arguments["gift_card_id"]) if arguments.get("gift_card_id") else None
    card = reload or gift_cards.issue(world, merchant, now=at)
    lines = [{"amount": int(arguments.get("amount", 50000)), "gift_card": card.id}]
    sale = {k: v for k, v in arguments.items() if k in {"location_id", "means", "tenders", "customer_id"}}
    order, rows = trade.sell(world, merchant, sale | {"lines": lines}, at)
    ids = [r.id for r in rows]
    return {"gift_card_id": card.id, "gift_card": card.body, "order_id": order.id, "payment_ids": ids}


def _dispute(world: World, arguments: Json, now: int) -> Json:
    merchant, at = _merchant(world, arguments), _at(arguments, now)
    if arguments.get("dispute_id"):
        row = must(merchant.disputes.own(arguments["dispute_id"]), "Dispute", arguments["dispute_id"])
        disputes.conclude(world, merchant, row, state=str(arguments["state"]), now=at)
    else:
        payment = must(merchant.payments.own(arguments["payment_id"]), "Payment", arguments["payment_id"])
        row = disputes.open_dispute(
            world, merchant, payment, amount=arguments.get("amount"), reason=arguments.get("reason", "NOT_RECEIVED"),
            state=arguments.get("state", "EVIDENCE_REQUIRED"), now=at,
        )  # fmt: skip
    return {"dispute_id": row.id, "dispute": row.body}


def _customer(world: World, arguments: Json, now: int) -> Json:
    merchant, at = _merchant(world, arguments), _at(arguments, now)
    if arguments.get("merge"):
        row = parties.merge_customers(world, merchant, arguments["merge"], at)
    elif arguments.get("customer_id"):
        row = must(merchant.customers.own(arguments["customer_id"]), "Customer", arguments["customer_id"])
        if arguments.get("delete"):
            parties.delete_customer(world, merchant, row, at)
        else:
            changes = {k: v for k, v in arguments.items() if k in parties.CUSTOMER_FIELDS}
            parties.update_customer(world, merchant, row, changes, at)
    else:
        example = {"company_name": "Example Office Ltd", "email_address": "accounts@office.example.test"}
        given = {k: v for k, v in arguments.items() if k in parties.CUSTOMER_FIELDS}
        source = arguments.get("creation_source", "DIRECTORY")
        row = parties.create_customer(world, merchant, given or example, at, source=source)
    return {"customer_id": row.id, "customer": row.body}


def _vendor(world: World, arguments: Json, now: int) -> Json:
    merchant, at = _merchant(world, arguments), _at(arguments, now)
    given = {k: v for k, v in arguments.items() if k in parties.VENDOR_FIELDS}
    if arguments.get("vendor_id"):
        row = must(merchant.vendors.own(arguments["vendor_id"]), "Vendor", arguments["vendor_id"])
        parties.update_vendor(world, merchant, row, given, at)
    else:
        row = parties.create_vendor(world, merchant, {"name": f"Supplier {len(merchant.vendors.rows) + 1}"} | given, at)
    return {"vendor_id": row.id, "vendor": row.body}


def _location(world: World, arguments: Json, now: int) -> Json:
    """A new location, or with `location_id` a changed one (name, status, timezone)."""
    merchant = _merchant(world, arguments)
    if not arguments.get("location_id"):
        return {"location": seeding.add_location(world, merchant, arguments, now)}
    body = merchant.location(arguments["location_id"])
    body |= {k: arguments[k] for k in ("name", "status", "timezone") if k in arguments}
    seeding.tell_location(world, merchant, body["id"], type_="location.updated", now=now)
    return {"location": body}


def _catalog(world: World, arguments: Json, now: int) -> Json:
    merchant = _merchant(world, arguments)
    content = arguments.get("content") or {}
    row = seeding.put_object(world, merchant, str(arguments["type"]), content, now, key=arguments.get("id", ""))
    seeding.tell_catalog(world, merchant, now)
    return {"object": row.body}


def _play_day(world: World, arguments: Json, now: int) -> Json:
    del now
    return play.play_day(world, _merchant(world, arguments), arguments)


def _knobs(world: World, arguments: Json, now: int) -> Json:
    del now
    known = {f.name: f for f in fields(Knobs)}
    for name, value in arguments.items():
        if name not in known:
            raise ValueError(f"No knob {name}: use one of {', '.join(sorted(known))}.")
        kind = type(getattr(world.knobs, name))
        if (kind is bool) != isinstance(value, bool):
            raise ValueError(f"The knob {name} cannot be {value!r}: it is a {kind.__name__}.")
        setattr(world.knobs, name, kind(value))
    return {name: getattr(world.knobs, name) for name in known}


def _truth(world: World, arguments: Json, now: int) -> Json:
    del now
    return noted.truth(world, _merchant(world, arguments), detail=bool(arguments.get("detail")))


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
    "sell": _sell,
    "pay": _pay,
    "complete": _complete,
    "refund": _refund,
    "invoice": _invoice,
    "invoice_pay": _invoice_pay,
    "invoice_cancel": _invoice_cancel,
    "payout": _payout,
    "entry": _entry,
    "gift_card": _gift_card,
    "dispute": _dispute,
    "customer": _customer,
    "vendor": _vendor,
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
