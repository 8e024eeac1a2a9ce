"""`POST /v2/invoicing/search-invoices`: filters by status, number, dates, amounts; there is none by time of change."""

from __future__ import annotations

from datetime import date
from typing import Any

from ml_connector_sandbox.core.instants import day_of
from ml_connector_sandbox.paypal.api_invoices import page
from ml_connector_sandbox.paypal.calls import MONEY, Answer, Call
from ml_connector_sandbox.paypal.invoices import Invoice, due_date
from ml_connector_sandbox.paypal.money import minor
from ml_connector_sandbox.paypal.refusals import Json, bad
from ml_connector_sandbox.paypal.times import parse

_RANGE = {"start*": "str", "end*": "str"}
SEARCH = {
    "recipient_email": "str:254", "recipient_first_name": "str:140", "recipient_last_name": "str:140",
    "recipient_business_name": "str:300", "invoice_number": "str:25", "status": ["str"], "reference": "str:120",
    "currency_code": "str:3", "memo": "str:500", "total_amount_range": {"lower_amount*": MONEY, "upper_amount*": MONEY},
    "invoice_date_range": _RANGE, "due_date_range": _RANGE, "payment_date_range": _RANGE,
    "creation_date_range": _RANGE, "archived": "bool", "fields": ["str"],
}  # fmt: skip
STATUSES = {
    "DRAFT", "SENT", "SCHEDULED", "PAID", "MARKED_AS_PAID", "CANCELLED", "REFUNDED", "PARTIALLY_PAID",
    "PARTIALLY_REFUNDED", "MARKED_AS_REFUNDED", "UNPAID", "PAYMENT_PENDING",
}  # fmt: skip
_BLOCKS = ("items", "payments", "refunds")


def search(call: Call) -> Answer:
    """Newest first. Blocks that `fields` does not ask for are left out."""
    asked: Json = call.body
    statuses = asked.get("status", [])
    if len(statuses) > 5:
        raise bad("INVALID_ARRAY_LENGTH", "At most five statuses.", field="/status")
    unknown = [s for s in statuses if s not in STATUSES]
    if unknown:
        raise bad("INVALID_PARAMETER_VALUE", "No such status.", field="/status", value=unknown[0])
    rows = [i for i in call.merchant.invoices.values() if _plain(asked, i) and _ranged(asked, i)]
    rows.sort(key=lambda i: (i.created, i.id), reverse=True)
    wanted = asked.get("fields", [])
    without = () if "all" in wanted else tuple(name for name in _BLOCKS if name not in wanted)
    return page(call, rows, "/v2/invoicing/search-invoices", without)


def _plain(asked: Json, made: Invoice) -> bool:
    bill: Any = ((made.body.get("primary_recipients") or [{}])[0]).get("billing_info") or {}
    name: Any = bill.get("name") or {}
    facts = {
        "recipient_email": bill.get("email_address"), "recipient_first_name": name.get("given_name"),
        "recipient_last_name": name.get("surname"), "recipient_business_name": bill.get("business_name"),
        "invoice_number": made.number, "reference": made.body["detail"].get("reference"),
        "currency_code": made.currency, "memo": made.body["detail"].get("memo"),
    }  # fmt: skip
    if asked.get("status") and made.status not in asked["status"]:
        return False
    return all(asked[key] == value for key, value in facts.items() if key in asked)


def _ranged(asked: Json, made: Invoice) -> bool:
    due = due_date(made)
    if not _within_days(asked.get("invoice_date_range"), [made.invoice_date], "invoice_date_range"):
        return False
    if not _within_days(asked.get("due_date_range"), [due] if due else [], "due_date_range"):
        return False
    if not _within(asked.get("creation_date_range"), made.created, "creation_date_range"):
        return False
    paid = asked.get("payment_date_range")
    if paid:  # payments know their day only: the days the range touches count
        first, last = (day_of(parse(paid[k], f"/payment_date_range/{k}", location="body")) for k in ("start", "end"))
        if not any(first <= p.day <= last for p in made.payments):
            return False
    amounts = asked.get("total_amount_range")
    if amounts:
        low, high = (minor(amounts[k]["value"], made.currency) for k in ("lower_amount", "upper_amount"))
        same = amounts["lower_amount"]["currency_code"] == made.currency
        return same and low <= made.sums.total <= high
    return True


def _within(asked: Any, at: int, name: str) -> bool:
    if not asked:
        return True
    low, high = (parse(asked[k], f"/{name}/{k}", location="body") for k in ("start", "end"))
    return low <= at <= high


def _within_days(asked: Any, days: list[date], name: str) -> bool:
    if not asked:
        return True
    try:
        low, high = date.fromisoformat(asked["start"]), date.fromisoformat(asked["end"])
    except ValueError:
        raise bad("INVALID_PARAMETER_SYNTAX", "Expected dates such as 2026-11-20.", field=f"/{name}") from None
    return any(low <= day <= high for day in days)
