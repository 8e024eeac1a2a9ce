"""Tax rates and the taxes of a line: given by the caller to the unit, or worked out from rates."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from ml_connector_sandbox.stripe import events
from ml_connector_sandbox.stripe.refusals import Json, bad
from ml_connector_sandbox.stripe.state import Book
from ml_connector_sandbox.stripe.times import seconds

MOST_A_LINE = 20
_FIELDS = ("country", "description", "display_name", "inclusive", "jurisdiction", "state", "tax_type")


def new_rate(book: Book, given: Json, now: int, *, active: bool) -> Json:
    """A tax rate object. Refused unless 0 to 100 percent with at most four decimals."""
    percentage: Decimal = given["percentage"]
    if not 0 <= percentage <= 100 or percentage != percentage.quantize(Decimal("0.0001")):
        raise bad("Invalid percentage: between 0 and 100, with at most 4 decimal places.", param="percentage")
    row: Json = {name: given.get(name) for name in _FIELDS}
    whole = percentage == percentage.to_integral_value()
    row |= {
        "id": book.key("tax_rate"), "object": "tax_rate", "active": active, "created": seconds(now),
        "effective_percentage": None, "flat_amount": None, "jurisdiction_level": given.get("jurisdiction_level"),
        **book.mode(), "metadata": given.get("metadata") or {},
        "percentage": int(percentage) if whole else float(percentage), "rate_type": "percentage",
    }  # fmt: skip
    return events.made(book, row, now, "tax_rate.created")


def manual(book: Book, amounts: list[Json], now: int, *, where: str) -> list[Json]:
    """Taxes as the caller worked them out; the rate of identical content is found, else made and archived at once."""
    if len(amounts) > MOST_A_LINE:
        raise bad(f"A line can have at most {MOST_A_LINE} tax amounts.", param=where)
    return [_manual(book, given, now) for given in amounts]


def _manual(book: Book, given: Json, now: int) -> Json:
    content = given["tax_rate_data"]
    rate = next((r for r in map(book.shelves["tax_rate"].rows.get, book.manual_rates) if r and _same(r, content)), None)
    if rate is None:
        rate = new_rate(book, content, now, active=False)
        book.manual_rates.add(rate["id"])
    reason = given.get("taxability_reason") or "not_available"
    return _tax(rate, given["amount"], given["taxable_amount"], reason)


def _same(rate: Json, content: Json) -> bool:
    if Decimal(str(rate["percentage"])) != content["percentage"]:
        return False
    return all(rate[name] == content.get(name) for name in (*_FIELDS, "jurisdiction_level"))


def by_rates(book: Book, ids: list[str], amount: int, *, where: str) -> list[Json]:
    """Taxes of an amount by rate objects, each rounded half up. Refused for archived and manual rates."""
    found = []
    for key in ids:
        rate = book.get("tax_rate", key)
        if rate is None:
            raise bad(f"No such tax rate: '{key}'", code="resource_missing", param=where)
        if not rate["active"] or key in book.manual_rates:
            raise bad(f"The tax rate {key} is archived and cannot be used.", param=where)
        found.append(worked_out(rate, amount))
    return found


def worked_out(rate: Json, amount: int) -> Json:
    """The tax of an amount by one rate."""
    percentage = Decimal(str(rate["percentage"]))
    if rate["inclusive"]:
        net = (amount / (1 + percentage / 100)).quantize(Decimal(1), ROUND_HALF_UP)
        tax, base = amount - int(net), int(net)
    else:
        tax, base = int((amount * percentage / 100).quantize(Decimal(1), ROUND_HALF_UP)), amount
    return _tax(rate, tax, base, "standard_rated" if percentage else "zero_rated")


def _tax(rate: Json, amount: int, base: int, reason: str) -> Json:
    return {
        "amount": amount, "tax_behavior": "inclusive" if rate["inclusive"] else "exclusive", "taxable_amount": base,
        "taxability_reason": reason, "tax_rate_details": {"tax_rate": rate["id"]}, "type": "tax_rate_details",
    }  # fmt: skip
