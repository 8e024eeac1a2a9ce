"""Write bodies: collected invoices, their credits, customers and outside payments as Stripe's forms want them. Pure.

The same content and context give the same bytes, whenever it is asked: a repeat under one idempotency key must be the
same request. So no time is taken from a clock here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from ml_connector.connectors.shapes import Context
from ml_connector.connectors.stripe.amounts import to_wire
from ml_connector.errors import Rejected, UsageError
from ml_connector.finance.collection import CollectionInvoice, CollectionLine, Marks, OutsidePayment
from ml_connector.finance.invoices import Number, PartyCard, Ref
from ml_connector.finance.money import Money

Body = dict[str, Any]

TOKEN = "ml_connector_token"  # noqa: S105 - the name of a mark, not a secret
KEY = "ml_connector_key"
LINE = "ledger_line"
PERCENT = "vat_percent"
NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,25}")  # an invoice number that Stripe takes
MAX_MARK = 500
MAX_MARK_NAME = 40
MAX_TEXT = 250
MAX_MEMO = 500
MAX_FIELD = 140
RATE_DECIMALS = 4
DAYTIME = time(12)  # midnight prints as the day before in western zones


def invoice(content: CollectionInvoice, context: Context) -> Body:
    """The draft without its lines. Never finalized, mailed or taxed by Stripe itself."""
    due, moved = due_day(content, context)
    fields = []
    if moved and content.due_on is not None:
        fields.append({"name": "Due date", "value": content.due_on.isoformat()})
    if content.reference:
        fields.append({"name": "Reference", "value": content.reference[:MAX_FIELD]})
    return {
        "customer": known(content.customer),
        "collection_method": "send_invoice",
        "currency": content.currency.lower(),
        "due_date": seconds_of(due),
        "auto_advance": False,
        "automatic_tax": {"enabled": False},
        "pending_invoice_items_behavior": "exclude",
        "effective_at": _not_ahead(content.day, context),
        "number": content.number if NUMBER.fullmatch(content.number) else None,
        "description": content.text[:MAX_MEMO] or None,
        "custom_fields": fields or None,
        "metadata": marks(content.marks, source=content.source, context=context),
    }


def due_day(content: CollectionInvoice, context: Context) -> tuple[date, bool]:
    """When it is due, and whether that was moved: Stripe takes no day that has begun when the invoice is made."""
    began = began_on(context)
    tomorrow = began + timedelta(days=1)
    if content.due_on is None or content.due_on < tomorrow:
        return tomorrow, content.due_on is not None
    return content.due_on, False


def began_on(context: Context) -> date:
    """The day on which the submission was made: it stays the same for every repeat."""
    if context.started_at is None:
        raise UsageError("A collected invoice is sent with the time at which that began.", record=context.key)
    return context.started_at.astimezone(UTC).date()


def lines(content: Iterable[CollectionLine]) -> Body:
    """The lines, each with its VAT to the last cent: manual amounts are taken as they are."""
    return {"lines": [_line(line) for line in content]}


def _line(line: CollectionLine) -> Body:
    body: Body = {
        "description": line.text[:MAX_TEXT] or "-",
        "amount": wire(line.net),
        "metadata": {LINE: str(line.line), PERCENT: percent_of(line)},
    }
    if line.vat_percent is not None:
        tax: Body = {
            "amount": wire(line.vat),
            "taxable_amount": wire(line.net),
            "tax_rate_data": {
                "display_name": line.vat_name[:50] or "VAT",
                "inclusive": False,
                "percentage": _percentage(line, line.vat_percent),
                "tax_type": "vat",
            },
        }
        if line.exempt:
            tax["taxability_reason"] = line.exempt
        body["tax_amounts"] = [tax]
    return body


def _percentage(line: CollectionLine, percent: Decimal) -> str:
    if not 0 <= percent <= 100 or percent != round(percent, RATE_DECIMALS):
        raise Rejected(
            f"Stripe takes no VAT rate of {percent} %: 0 to 100 with {RATE_DECIMALS} decimals.",
            record=line.text[:MAX_TEXT],
            fix="Correct the rate in the ledger, or collect the invoice another way and ignore it here.",
        )
    return _plain(percent)


def percent_of(line: CollectionLine) -> str:
    """The rate of a line as it is marked: by it a later credit finds lines of its rate."""
    return "" if line.vat_percent is None else _plain(line.vat_percent)


def customer(card: PartyCard, context: Context, *, tax_ids: bool) -> Body:
    """A customer. Empty fields are left alone. `tax_ids`: of a new one, with its numbers; Stripe checks their form."""
    address = card.address
    body: Body = {
        "name": card.name[:256] or None,
        "email": card.email or None,
        "phone": card.phone[:20] or None,
        "metadata": {
            "visma_customer_no": card.account_number[:MAX_MARK] or None,
            "org_no": card.org_number[:MAX_MARK] or None,
            KEY: card.source[:MAX_MARK],
            TOKEN: context.token,
        },
    }
    if address.lines or address.city or address.country:
        body["address"] = {
            "line1": address.lines[0] if address.lines else None,
            "line2": ", ".join(address.lines[1:]) or None,
            "postal_code": address.postal_code or None,
            "city": address.city or None,
            "state": address.region or None,
            "country": address.country or None,
        }
    numbers = tax_numbers(card) if tax_ids else []
    if numbers:
        body["tax_id_data"] = numbers
    return body


def tax_numbers(card: PartyCard) -> list[Body]:
    """The VAT number as Stripe knows its kind: Norway's own, that of an EU country by its first letters."""
    number = re.sub(r"[\s.-]", "", card.vat_number).upper()
    if not number:
        return []
    if number.startswith("NO") or card.address.country == "NO":
        return [{"type": "no_vat", "value": number.removeprefix("NO")}]
    return [{"type": "eu_vat", "value": number}] if number[:2].isalpha() else []


def report_payment(content: OutsidePayment, context: Context) -> Body:
    """A payment record: money that Stripe never saw. Its day is the ledger's."""
    at = _not_ahead(content.day, context)
    return {
        "amount_requested": {"value": wire(content.amount), "currency": content.amount.currency.lower()},
        "initiated_at": at,
        "outcome": "guaranteed",
        "guaranteed": {"guaranteed_at": at},
        "payment_method_details": {"type": "custom", "custom": {"display_name": content.means[:50].capitalize()}},
        "processor_details": {"type": "custom", "custom": {"payment_reference": content.document[:100]}},
        "metadata": marks(content.marks, source=content.source, context=context),
    }


def marks(given: Marks, *, source: str, context: Context) -> Body:
    """Metadata: what the flow says, our key and the token by which it is found again."""
    kept = {name[:MAX_MARK_NAME]: value[:MAX_MARK] for name, value in given if value}
    return {**kept, KEY: source[:MAX_MARK], TOKEN: context.token}


def wire(amount: Money) -> int:
    """The amount as Stripe counts it; what cannot be said exactly is refused before anything is sent."""
    try:
        return to_wire(amount)
    except ValueError as wrong:
        raise Rejected(f"{wrong}.", record=str(amount), fix="Collect it another way and ignore it here.") from None


def seconds_of(day: date) -> int:
    """Noon of a day, in seconds."""
    return int(datetime.combine(day, DAYTIME, UTC).timestamp())


def _not_ahead(day: date, context: Context) -> int:
    """Noon of a day, or when the submission was made where that was earlier on that day: Stripe takes no time ahead."""
    noon = seconds_of(day)
    if context.started_at is None or began_on(context) != day:
        return noon
    return min(noon, int(context.started_at.timestamp()))


def known(number: Number) -> str:
    """A number that was filled in. Raises UsageError for a reference that was not."""
    if isinstance(number, Ref):
        raise UsageError(f"The {number.field} of {number.key} is not known yet.", record=number.key)
    return number


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
