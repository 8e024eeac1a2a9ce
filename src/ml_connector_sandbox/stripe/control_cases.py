"""Verbs about disputes, payouts and webhooks."""

from __future__ import annotations

from decimal import Decimal

from ml_connector_sandbox.stripe import disputes, events, payouts
from ml_connector_sandbox.stripe.control_trade import moment, thing, whole
from ml_connector_sandbox.stripe.currencies import currency_of
from ml_connector_sandbox.stripe.disputes import Claim
from ml_connector_sandbox.stripe.refusals import Json
from ml_connector_sandbox.stripe.rendering import shown
from ml_connector_sandbox.stripe.seeding import book_of
from ml_connector_sandbox.stripe.state import Book, World


def dispute(world: World, arguments: Json, now: int) -> Json:
    """Open (`charge_id`); with `dispute_id`: `status`, `withdraw`, `reinstate`, `outcome`."""
    book, at = book_of(world, arguments), moment(arguments, now)
    if not arguments.get("dispute_id"):
        row = _open(book, arguments, at)
    else:
        row = thing(book, "dispute", arguments, "dispute_id")
        _go_on(book, row, arguments, at)
    return {"dispute_id": row["id"], "status": row["status"], "dispute": shown(book, row, at)}


def _open(book: Book, arguments: Json, at: int) -> Json:
    charge = thing(book, "charge", arguments, "charge_id")
    rate = Decimal(str(arguments["rate"])) if arguments.get("rate") is not None else None
    claim = Claim(
        whole(arguments, "amount", charge["amount"]), str(arguments.get("reason", "fraudulent")),
        bool(arguments.get("warning")), bool(arguments.get("withdraw", True)), arguments.get("fee"), rate,
        whole(arguments, "due_days", 14),
    )  # fmt: skip
    return disputes.open_dispute(book, charge, claim, at)


def _go_on(book: Book, row: Json, arguments: Json, at: int) -> None:
    outcome = arguments.get("outcome")
    fee_back = whole(arguments, "fee_back", 0)
    if outcome not in {None, "won", "lost", "partial", "warning_closed", "prevented"}:
        raise ValueError("The outcome is won, lost, partial, warning_closed or prevented.")
    if arguments.get("withdraw"):
        disputes.withdraw(book, row, at)
    if arguments.get("status"):
        disputes.move_on(book, row, str(arguments["status"]), at)
    if arguments.get("reinstate") or (outcome in {"won", "partial"} and row["balance_transactions"]):
        amount = whole(arguments, "amount") if arguments.get("amount") is not None else None
        if outcome == "partial" and amount is None:
            raise ValueError("A partial outcome needs the amount that comes back.")
        disputes.reinstate(book, row, at, amount=amount, fee_back=fee_back)
    if outcome:
        disputes.move_on(book, row, "won" if outcome == "partial" else str(outcome), at)


def payout(world: World, arguments: Json, now: int) -> Json:
    """Run the automatic payout of a currency; with `payout_id` end one by `outcome`."""
    book, at = book_of(world, arguments), moment(arguments, now)
    if arguments.get("payout_id"):
        row = thing(book, "payout", arguments, "payout_id")
        _end_payout(book, row, str(arguments["outcome"]), at)
        return _payout(book, row, at)
    terms = payouts.Terms(
        bool(arguments.get("automatic", True)), arguments.get("transit_s"), arguments.get("reconciled_s"),
        arguments.get("description"), arguments.get("statement_descriptor"),
    )  # fmt: skip
    currency = currency_of(str(arguments.get("currency", book.account.currency)))
    if not terms.automatic:
        return _payout(book, payouts.by_hand(book, whole(arguments, "amount"), currency, at, terms), at)
    made = payouts.run(book, currency, at, terms, pending=bool(arguments.get("pending")))
    return {"payout_id": None, "amount": 0, "status": None} if made is None else _payout(book, made, at)


def _payout(book: Book, row: Json, at: int) -> Json:
    content = book.payout_content.get(row["id"], [])
    return {
        "payout_id": row["id"], "amount": row["amount"], "currency": row["currency"], "status": row["status"],
        "reconciliation_status": row["reconciliation_status"], "balance_transaction_ids": list(content),
        "payout": shown(book, row, at),
    }  # fmt: skip


def _end_payout(book: Book, row: Json, outcome: str, at: int) -> None:
    if outcome == "reconciled":
        if row["reconciliation_status"] != "in_progress":
            raise ValueError(f"Payout {row['id']}: its reconciliation is {row['reconciliation_status']}.")
        name = "payout.reconciliation_completed"
        events.changed(book, row, at, "payout.updated", name, reconciliation_status="completed")
        return
    acts = {"paid": payouts.pay, "failed": payouts.fail, "canceled": payouts.cancel}
    if outcome not in acts:
        raise ValueError("The outcome is paid, failed, canceled or reconciled.")
    acts[outcome](book, row, at)


def roll_secret(world: World, arguments: Json, now: int) -> Json:
    """A further secret of an endpoint; the old ones live on for `overlap_s` (a day), during which both sign."""
    book = book_of(world, arguments)
    row = thing(book, "webhook_endpoint", arguments, "endpoint_id")
    until = now + round(float(arguments.get("overlap_s", 86400)) * 1_000_000)
    held = [(secret, min(end, until)) for secret, end in book.secrets[row["id"]] if end > now]
    secret = f"whsec_{world.mint.letters(32)}"
    book.secrets[row["id"]] = [*held, (secret, 1 << 62)]
    return {"endpoint_id": row["id"], "secret": secret, "active": len(held) + 1}


def resend(world: World, arguments: Json, now: int) -> Json:
    """Send an event again, to `endpoint_id` or to every enabled endpoint of its mode; `event_id`, or the last one."""
    book = book_of(world, arguments)
    shelf = book.shelves["event"]
    event = thing(book, "event", arguments, "event_id") if arguments.get("event_id") else next(shelf.walk(), None)
    if event is None:
        raise ValueError("There is no event yet.")
    ids = (
        [str(arguments["endpoint_id"])] if arguments.get("endpoint_id") else list(book.shelves["webhook_endpoint"].rows)
    )
    for key in ids:
        world.desk.send(book, thing(book, "webhook_endpoint", {"endpoint_id": key}, "endpoint_id"), event, now)
    return {"event_id": event["id"], "sent": len(ids)}


def events_of(world: World, arguments: Json, now: int) -> Json:
    """The whole event log, oldest first, narrowed by `type`; lost ones too."""
    book = book_of(world, arguments)
    wanted = arguments.get("type")
    rows = [row for row in book.shelves["event"].walk(forward=True) if wanted in {None, row["type"]}]
    return {"events": rows, "types": [row["type"] for row in rows]}
