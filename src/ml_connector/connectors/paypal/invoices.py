"""PayPal's invoices: recipient, lines, taxes, payments and refunds, added up against what PayPal states. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from ml_connector.connectors.paypal.fields import EXPONENTS, Fields
from ml_connector.finance.documents import Address, Invoice, InvoiceRow, Means, Party, SaleLine, TaxShare
from ml_connector.finance.money import Money

InvoiceState = Literal["draft", "scheduled", "open", "part_paid", "paid", "part_refunded", "refunded", "canceled"]
STATES: Mapping[str, InvoiceState] = {
    "DRAFT": "draft",
    "SCHEDULED": "scheduled",
    "SENT": "open",  # mailed
    "UNPAID": "open",  # shared by link
    "PAYMENT_PENDING": "open",  # sent; its payment is on the way and booked when it comes
    "PARTIALLY_PAID": "part_paid",
    "PAID": "paid",
    "MARKED_AS_PAID": "paid",
    "PARTIALLY_REFUNDED": "part_refunded",
    "REFUNDED": "refunded",
    "MARKED_AS_REFUNDED": "refunded",
    "CANCELLED": "canceled",
    "AUTO_CANCELLED": "canceled",
}
UNFINISHED = frozenset({"DRAFT", "SCHEDULED"})  # their sums may not be there yet
MEANS: Mapping[str, Means] = {
    "BANK_TRANSFER": "bank",
    "WIRE_TRANSFER": "bank",
    "CASH": "cash",
    "CHECK": "external:check",
    "CREDIT_CARD": "card",
    "DEBIT_CARD": "card",
    "PAYPAL": "wallet",
}
HUNDRED = Decimal(100)


def invoice_of(invoice: Fields) -> Invoice:
    """An invoice with its lines. Raises Untranslatable when lines, discounts, taxes and shipping miss its total."""
    status = invoice.text("status")
    state = STATES.get(status)
    if state is None:
        invoice.fail("status", "is no status of an invoice that is known")
    detail = invoice.part("detail")
    currency = _currency(detail, invoice)
    total = invoice.part("amount").own_money(currency) if "amount" in invoice.node else Money.zero(currency)
    lines = tuple(_lines(invoice, currency, total=total)) if status not in UNFINISHED else ()
    times = detail.part("metadata")
    issued = detail.day_or_none("invoice_date")
    created = _created(times, issued)
    paid = invoice.part("payments")
    return Invoice(
        id=invoice.id("id"),
        number=detail.text("invoice_number"),
        state=state,
        order_id=None,
        location=None,
        customer_id=None,
        currency=currency,
        requested=total,
        completed=Money(paid.minor("paid_amount", currency), currency),
        due_on=detail.part("payment_term").day_or_none("due_date"),
        published_at=times.moment_or_none("first_sent_time"),
        scheduled_at=None,
        created_at=created,
        updated_at=times.moment_or_none("last_update_time") or created,
        text=detail.text("note"),
        lines=lines,
        payments=tuple(_rows(paid, currency, id_key="payment_id", day_key="payment_date")),
        refunds=tuple(_rows(invoice.part("refunds"), currency, id_key="refund_id", day_key="refund_date")),
        due=invoice.money_or_none("due_amount", currency),
        tip=invoice.money_or_none("gratuity", currency),
        issued_on=issued,
        recipient=_recipient(invoice),
        reference=detail.text("reference"),
        parent_id=invoice.id_or_none("parent_id"),
    )


def _currency(detail: Fields, invoice: Fields) -> str:
    stated = detail.text("currency_code")
    if stated not in EXPONENTS:
        return invoice.part("amount").own_money().currency if not stated else detail.fail("currency_code", "is unknown")
    return stated


def _created(times: Fields, issued: date | None) -> datetime:
    """The list's metadata may lack it: the invoice's own date then, from midnight UTC."""
    found = times.moment_or_none("create_time")
    if found is None and issued is not None:
        found = datetime.combine(issued, time(), UTC)
    return times.fail("create_time", "is missing") if found is None else found


# ---------------------------------------------------------------------------------------------- lines


def _lines(invoice: Fields, currency: str, *, total: Money) -> Iterator[SaleLine]:
    """Goods after all discounts, then shipping and the custom amount; they sum to the total exactly or are held.

    PayPal rounds each line's price and each line's tax; an invoice discount lowers all lines by their share. Where unit
    prices hold the tax (`tax_inclusive`), no example shows how: a sum that differs is held like any other.
    """
    breakdown = invoice.part("amount").part("breakdown")
    inclusive = invoice.part("configuration").flag("tax_inclusive")
    items = list(invoice.parts("items"))
    taxes = [_tax(item, "tax", currency) for item in items]
    nets = _nets(items, breakdown, currency, inclusive=inclusive)
    if inclusive:
        held = [sum(share.amount.minor for share in tax) for tax in taxes]
        nets = [net - tax for net, tax in zip(nets, held, strict=True)]
    lines = [
        SaleLine(
            uid=item.text("id") or str(place),
            name=item.text("name") or item.text("description"),
            net=Money(net, currency),
            taxes=tax,
            quantity=item.decimal_or_none("quantity") or Decimal(1),
        )
        for place, (item, net, tax) in enumerate(zip(items, nets, taxes, strict=True))
    ]
    lines += _extras(breakdown, currency)
    _check_tax(breakdown, lines, currency)
    made = sum(line.gross.minor for line in lines)
    if made != total.minor:
        invoice.fail(
            "amount.value", f"is {total} while lines, discounts, taxes and shipping make {Money(made, currency)}"
        )
    yield from lines


def _nets(items: list[Fields], breakdown: Fields, currency: str, *, inclusive: bool) -> list[int]:
    """Each line's price less its own discount and its share of the invoice's, in minor units.

    Whether `item_total` holds the tax of prices that hold it is not documented; the invoice's total is proven anyway.
    """
    gross = [_price(item, currency) for item in items]
    if not inclusive:
        _agree(breakdown, "item_total", sum(gross), currency)
    discounts = breakdown.part("discount")
    own = [_item_discount(item, price, currency) for item, price in zip(items, gross, strict=True)]
    # Negative in answers; a request's positive form would mean the same.
    stated = discounts.money_or_none("item_discount", currency)
    if stated is not None and abs(stated.minor) != sum(own):
        discounts.fail("item_discount", f"is {stated} while the lines' discounts make {Money(-sum(own), currency)}")
    nets = [price - less for price, less in zip(gross, own, strict=True)]
    whole = abs(discounts.part("invoice_discount").minor("amount", currency))
    if whole and nets:
        weights = [max(0, net) for net in nets]
        shares = Money(whole, currency).split(weights)
        nets = [net - share.minor for net, share in zip(nets, shares, strict=True)]
    return nets


def _price(item: Fields, currency: str) -> int:
    quantity = item.decimal_or_none("quantity")
    unit = item.money("unit_amount", currency)
    amount = unit.decimal() * (Decimal(1) if quantity is None else quantity)
    return _rounded(amount, currency)


def _item_discount(item: Fields, price: int, currency: str) -> int:
    """Positive in the line itself, by amount or by percent of the line's price."""
    discount = item.part("discount")
    amount = discount.money_or_none("amount", currency)
    if amount is not None:
        return abs(amount.minor)
    percent = discount.decimal_or_none("percent")
    return 0 if percent is None else _rounded(Money(price, currency).decimal() * percent / HUNDRED, currency)


def _tax(owner: Fields, key: str, currency: str) -> tuple[TaxShare, ...]:
    """A line's tax: the amount is PayPal's; a rate of zero is kept, since it says which kind of zero."""
    tax = owner.part_or_none(key)
    if tax is None:
        return ()
    rate = tax.decimal_or_none("percent")
    amount = Money(tax.minor("amount", currency), currency)
    return (TaxShare(rate, amount, tax.text("name")),) if rate is not None or amount else ()


def _extras(breakdown: Fields, currency: str) -> Iterator[SaleLine]:
    shipping = breakdown.part_or_none("shipping")
    if shipping is not None:
        amount = Money(shipping.minor("amount", currency), currency)
        taxes = _tax(shipping, "tax", currency)
        if amount or any(share.amount for share in taxes):
            yield SaleLine("shipping", "Shipping", amount, taxes, kind="shipping")
    custom = breakdown.part_or_none("custom")
    if custom is not None and (amount := Money(custom.minor("amount", currency), currency)):
        yield SaleLine("custom", custom.text("label") or "Other", amount, kind="custom")


def _check_tax(breakdown: Fields, lines: list[SaleLine], currency: str) -> None:
    _agree(breakdown, "tax_total", sum(line.tax.minor for line in lines), currency)


def _agree(breakdown: Fields, key: str, made: int, currency: str) -> None:
    stated = breakdown.money_or_none(key, currency)
    if stated is not None and stated.minor != made:
        breakdown.fail(key, f"is {stated} while the lines make {Money(made, currency)}")


def _rounded(amount: Decimal, currency: str) -> int:
    """To PayPal's decimals, half away from zero; then in ISO's minor units."""
    step = Decimal(1).scaleb(-EXPONENTS[currency])
    return Money.of(amount.quantize(step, ROUND_HALF_UP), currency).minor


# ---------------------------------------------------------------------------------------------- payments, recipient


def _rows(owner: Fields, currency: str, *, id_key: str, day_key: str) -> Iterator[InvoiceRow]:
    """Payments or refunds. A row without a type is taken as recorded: it then asks a person, and books nothing."""
    for row in owner.parts("transactions"):
        through = row.text("type") == "PAYPAL"
        yield InvoiceRow(
            id=row.id(id_key) if through else row.id_or_none(id_key) or "",
            origin="processor" if through else "recorded",
            means=MEANS.get(row.text("method"), "other"),
            amount=abs(row.money("amount", currency)),
            day=row.day_or_none(day_key),
            note=row.text("note"),
        )


def _recipient(invoice: Fields) -> Party | None:
    """The first recipient. PayPal has no customer id: the e-mail address stands for it, empty where there is none."""
    for recipient in invoice.parts("primary_recipients"):
        billing = recipient.part("billing_info")
        name = billing.part("name")
        person = name.text("full_name").strip() or " ".join(
            part for key in ("given_name", "surname") if (part := name.text(key).strip())
        )
        company = billing.text("business_name").strip()
        email = billing.text("email_address").strip()
        if not (person or company or email):
            return None
        return Party(
            id=email,
            role="customer",
            name=company or person or email,
            active=True,
            email=email,
            address=_address(billing.part("address")),
            is_company=bool(company),
            contact=person if company else "",
        )
    return None


def _address(node: Fields) -> Address:
    lines = tuple(text for key in ("address_line_1", "address_line_2") if (text := node.text(key).strip()))
    return Address(
        lines=lines,
        postal_code=node.text("postal_code"),
        city=node.text("admin_area_2"),
        region=node.text("admin_area_1"),
        country=node.text("country_code"),
    )
