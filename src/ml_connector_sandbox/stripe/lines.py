"""The lines of a draft invoice: added, changed, taken away, each checked against what the whole may hold."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from ml_connector_sandbox.stripe import taxes
from ml_connector_sandbox.stripe.currencies import check_amount, currency_of
from ml_connector_sandbox.stripe.refusals import Json, bad, missing
from ml_connector_sandbox.stripe.shapes import merged
from ml_connector_sandbox.stripe.state import Book
from ml_connector_sandbox.stripe.times import seconds

MOST = 250  # items on an invoice


def new_line(book: Book, invoice: Json, given: Json, now: int, *, where: str) -> Json:
    """A line built from the parameters of add_lines or of an invoice item."""
    amount, quantity, unit = _amount(invoice["currency"], given, where=where)
    moment = seconds(now)
    period = given.get("period") or {"start": moment, "end": moment}
    line: Json = {
        "id": book.world.mint.key("il"), "object": "line_item", "amount": amount, "currency": invoice["currency"],
        "description": given.get("description"), "discount_amounts": [],
        "discountable": True if given.get("discountable") is None else given["discountable"], "discounts": [],
        "invoice": invoice["id"], **book.mode(), "metadata": merged({}, given.get("metadata")),
        "parent": _parent(given.get("invoiceitem") or book.world.mint.key("ii")), "period": period,
        "pretax_credit_amounts": [], "pricing": _pricing(book, unit), "quantity": quantity,
        "quantity_decimal": str(quantity), "subscription": None, "subtotal": amount, "taxes": [],
    }  # fmt: skip
    _set_taxes(book, invoice, line, given, now, where=where)
    return line


def _parent(item: str) -> Json:
    details = {"invoice_item": item, "proration": False, "proration_details": {"credited_items": None}}
    return {"invoice_item_details": details | {"subscription": None}, "subscription_item_details": None,
            "type": "invoice_item_details"}  # fmt: skip


def _pricing(book: Book, unit: str) -> Json:
    made = {"price": book.world.mint.key("price"), "product": f"prod_{book.world.mint.letters(14)}"}
    return {"price_details": made, "type": "price_details", "unit_amount_decimal": unit}


def _amount(currency: str, given: Json, *, where: str) -> tuple[int, int, str]:
    """(amount, quantity, unit amount). Refused for both ways, neither way, or another currency."""
    price = given.get("price_data")
    if given.get("amount") is not None:
        if price or given.get("quantity") is not None:
            raise bad("You may only specify one of these parameters: amount, price_data.", param=f"{where}[amount]")
        return check_amount(given["amount"], currency, param=f"{where}[amount]"), 1, str(given["amount"])
    if not price:
        raise bad(
            "You must specify either `amount` or `price_data`.", code="parameter_missing", param=f"{where}[amount]"
        )
    if currency_of(price["currency"], param=f"{where}[price_data][currency]") != currency:
        text = f"The currency of a line must be that of its invoice, {currency}."
        raise bad(text, param=f"{where}[price_data][currency]")
    unit = price.get("unit_amount")
    unit = price.get("unit_amount_decimal") if unit is None else Decimal(unit)
    if unit is None:
        raise bad("Give unit_amount or unit_amount_decimal.", code="parameter_missing", param=f"{where}[price_data]")
    quantity = 1 if given.get("quantity") is None else given["quantity"]
    amount = int((unit * quantity).quantize(Decimal(1), ROUND_HALF_UP))
    return check_amount(amount, currency, param=where), quantity, format(unit.normalize(), "f")


def _set_taxes(book: Book, invoice: Json, line: Json, given: Json, now: int, *, where: str) -> None:
    amounts, rates = given.get("tax_amounts"), given.get("tax_rates")
    if amounts and rates:
        raise bad(
            "You may only specify one of these parameters: tax_amounts, tax_rates.", param=f"{where}[tax_amounts]"
        )
    extra = book.extra[invoice["id"]]
    if amounts:
        if invoice["automatic_tax"]["enabled"]:
            raise bad("Tax amounts cannot be given while automatic tax is enabled.", param=f"{where}[tax_amounts]")
        line["taxes"] = taxes.manual(book, amounts, now, where=f"{where}[tax_amounts]")
        extra["ways"][line["id"]] = "manual"
    elif rates:
        if invoice["automatic_tax"]["enabled"]:
            raise bad("Tax rates cannot be used while automatic tax is enabled.", param=f"{where}[tax_rates]")
        line["taxes"] = taxes.by_rates(book, rates, line["amount"], where=f"{where}[tax_rates]")
        extra["ways"][line["id"]] = "rates"
        extra["rates"][line["id"]] = list(rates)
    else:
        default = [rate["id"] for rate in invoice["default_tax_rates"]]
        line["taxes"] = taxes.by_rates(book, default, line["amount"], where="default_tax_rates")
        extra["ways"][line["id"]] = ""


def check_ways(book: Book, invoice: Json, *, where: str) -> None:
    """Refuse manual tax amounts beside rates of any kind on one invoice."""
    ways = set(book.extra[invoice["id"]]["ways"].values())
    if "manual" in ways and ("rates" in ways or invoice["default_tax_rates"]):
        text = "Manual tax amounts cannot be used on an invoice that has tax rates on any line or default tax rates."
        raise bad(text, param=where)


def add(book: Book, invoice: Json, given: list[Json], now: int) -> None:
    """Add lines, all or none."""
    lines = book.lines[invoice["id"]]
    if len(lines) + len(given) > MOST:
        raise bad(f"An invoice can have at most {MOST} items.", param="lines")
    ways = dict(book.extra[invoice["id"]]["ways"])
    try:
        new = [new_line(book, invoice, one, now, where=f"lines[{n}]") for n, one in enumerate(given)]
        check_ways(book, invoice, where="lines")
    except Exception:
        book.extra[invoice["id"]]["ways"] = ways
        raise
    lines.extend(new)


def change(book: Book, invoice: Json, key: str, given: Json, now: int, *, where: str) -> None:
    """Change one line; fields that are left out stay."""
    lines = book.lines[invoice["id"]]
    at = next((n for n, line in enumerate(lines) if line["id"] == key), None)
    if at is None:
        raise missing("line item", key, param=f"{where}[id]", status=400)
    line = dict(lines[at])
    if given.get("amount") is not None or given.get("price_data"):
        line["amount"], line["quantity"], unit = _amount(invoice["currency"], given, where=where)
        line["subtotal"], line["quantity_decimal"] = line["amount"], str(line["quantity"])
        line["pricing"] = line["pricing"] | {"unit_amount_decimal": unit}
    line |= {name: given[name] for name in ("description", "discountable", "period") if name in given}
    if "metadata" in given:
        line["metadata"] = merged(line["metadata"], given["metadata"])
    if "tax_amounts" in given or "tax_rates" in given:
        _set_taxes(book, invoice, line, given, now, where=where)
    else:
        _retax(book, invoice, line)
    check_ways(book, invoice, where=where)
    lines[at] = line


def retax(book: Book, invoice: Json) -> None:
    """Other default rates for the lines that have no taxes of their own."""
    for line in book.lines[invoice["id"]]:
        if not book.extra[invoice["id"]]["ways"][line["id"]]:
            _retax(book, invoice, line)


def _retax(book: Book, invoice: Json, line: Json) -> None:
    """A new amount under old rates; manual amounts stay as they were given."""
    extra = book.extra[invoice["id"]]
    if extra["ways"][line["id"]] != "manual":
        ids = extra["rates"].get(line["id"]) or [rate["id"] for rate in invoice["default_tax_rates"]]
        line["taxes"] = taxes.by_rates(book, ids, line["amount"], where="tax_rates")


def remove(book: Book, invoice: Json, keys: list[str]) -> None:
    """Take lines away."""
    have = {line["id"] for line in book.lines[invoice["id"]]}
    for n, key in enumerate(keys):
        if key not in have:
            raise missing("line item", key, param=f"lines[{n}][id]", status=400)
        book.extra[invoice["id"]]["ways"].pop(key, None)
    book.lines[invoice["id"]] = [line for line in book.lines[invoice["id"]] if line["id"] not in keys]
