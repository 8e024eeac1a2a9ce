"""What really happened, apart from reports: sums by day, currency and event code, balances, counts."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ml_connector_sandbox.core.instants import day_of
from ml_connector_sandbox.paypal.ledger import Row, money_totals
from ml_connector_sandbox.paypal.money import text
from ml_connector_sandbox.paypal.refusals import Json
from ml_connector_sandbox.paypal.state import Merchant, World
from ml_connector_sandbox.paypal.times import stamp


def truth(world: World, merchant: Merchant, now: int, *, detail: bool) -> Json:
    """Everything at once; with `detail` every row too. Amounts are decimal strings, signed from the merchant's side."""
    ledger = merchant.ledger
    days: dict[str, list[Row]] = {}
    for row in ledger.rows():
        days.setdefault(day_of(row.initiated).isoformat(), []).append(row)
    shown: Json = {"merchant_id": merchant.id, "currency": merchant.currency}
    shown["days"] = [{"day": day} | {"totals": _texts(money_totals(iter(rows)))} for day, rows in sorted(days.items())]
    shown["totals"] = _texts(money_totals(ledger.rows()))
    shown["balances"] = balances(merchant, now)
    shown["counts"] = {
        name: len(getattr(merchant, name))
        for name in ("captures", "refunds", "authorizations", "orders", "invoices", "disputes", "batches")
    } | {"rows": len(ledger.versions)}
    shown["statuses"] = {
        name: dict(Counter(made.status for made in getattr(merchant, name).values()))
        for name in ("captures", "refunds", "invoices", "disputes")
    }
    shown["webhooks"] = world.desk.counts | {"waiting": world.desk.waiting_count(), "events": len(world.desk.log)}
    shown["mishaps"] = list(world.mishaps)
    if detail:
        shown["rows"] = [show_row(row) for row in ledger.rows()]
    return shown


def balances(merchant: Merchant, at: int) -> Json:
    """Currency -> total, available and withheld, as decimal strings."""
    return {
        currency: {
            "total": text(total, currency), "available": text(available, currency),
            "withheld": text(total - available, currency),
        }
        for currency, (total, available) in sorted(merchant.ledger.balances(at).items())
    }  # fmt: skip


def _texts(sums: Json) -> Json:
    return {
        currency: {
            code: {"count": c["count"], "amount": text(c["amount"], currency), "fee": text(c["fee"], currency)}
            for code, c in sorted(codes.items())
        }
        for currency, codes in sorted(sums.items())
    }


def show_row(row: Row) -> dict[str, Any]:
    """One row, newest version, as a verb answers it."""
    return {
        "transaction_id": row.transaction_id, "code": row.code, "status": row.status, "currency": row.currency,
        "amount": text(row.amount, row.currency), "fee": None if row.fee is None else text(row.fee, row.currency),
        "initiated": stamp(row.initiated), "updated": stamp(row.updated), "reference": row.reference,
        "invoice_id": row.invoice_id, "custom": row.custom, "moves": row.moves,
    }  # fmt: skip
