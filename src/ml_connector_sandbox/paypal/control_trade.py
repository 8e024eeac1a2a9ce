"""Verbs that make trade: payments, refunds, fees, conversions, holds, withdrawals, and any row of any event code."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from ml_connector_sandbox.core.dice import share_of
from ml_connector_sandbox.paypal import orders, payments, refunds, truth
from ml_connector_sandbox.paypal.ledger import Payer, Row
from ml_connector_sandbox.paypal.money import convert, minor, text, usual_rate
from ml_connector_sandbox.paypal.payments import Capture, Sale
from ml_connector_sandbox.paypal.refunds import Wanted
from ml_connector_sandbox.paypal.refusals import Json
from ml_connector_sandbox.paypal.state import Merchant, World
from ml_connector_sandbox.paypal.times import read

_CODE = re.compile(r"T\d{4}")


def merchant_of(world: World, arguments: Json) -> Merchant:
    """The merchant the arguments name, else the first."""
    return world.merchant(arguments.get("merchant_id"))


def moment(arguments: Json, now: int) -> int:
    """The `at` of the arguments, not later than now."""
    at = read(str(arguments["at"])) if arguments.get("at") else now
    if at > now:
        raise ValueError("A verb's `at` cannot lie in the future: move the clock, then call it.")
    return at


def money(arguments: Json, name: str, currency: str) -> int:
    """An amount in minor units. ValueError when absent or no decimal string."""
    if not isinstance(arguments[name], str):
        raise ValueError(f"{name} must be a decimal string such as '1250.00', not {arguments[name]!r}.")  # noqa: TRY004
    return minor(arguments[name], currency)


def some_money(arguments: Json, name: str, currency: str) -> int | None:
    """As `money`, or None where absent."""
    return None if arguments.get(name) is None else money(arguments, name, currency)


def rate_of(arguments: Json) -> Decimal | None:
    """The `rate` of the arguments."""
    if arguments.get("rate") is None:
        return None
    try:
        rate = Decimal(str(arguments["rate"]))
    except InvalidOperation:
        raise ValueError(f"rate must be a decimal string, not {arguments['rate']!r}.") from None
    if rate <= 0:
        raise ValueError("rate must be above zero.")
    return rate


def payer_of(world: World, merchant: Merchant, given: Any) -> Payer:
    """A payer from fields, by number, or one of the seeded people by chance."""
    if isinstance(given, int):
        return merchant.payers[given % len(merchant.payers)]
    base = merchant.payers[world.mint.below(len(merchant.payers))]
    if not given:
        return base
    given_name, surname = str(given.get("given_name", base.given_name)), str(given.get("surname", base.surname))
    email = str(given.get("email", f"{given_name.lower()}.{surname.lower()}@example.com"))
    account = str(given.get("account_id") or world.mint.account())
    return Payer(account, email, given_name, surname, str(given.get("country", base.country)))


def sale_of(world: World, merchant: Merchant, arguments: Json) -> Sale:
    """What the arguments of `capture` describe."""
    currency = str(arguments.get("currency", merchant.currency))
    amount = money(arguments, "gross", currency)
    if amount <= 0:
        raise ValueError("gross must be above zero: money out is a refund, a fee or a transaction.")
    elsewhere = bool(arguments.get("elsewhere", False))
    app = "" if elsewhere else world.app_of(merchant, arguments.get("client_id")).client_id
    return Sale(
        amount, currency, payer_of(world, merchant, arguments.get("payer")), client_id=app,
        fee=some_money(arguments, "fee", currency), invoice_id=str(arguments.get("invoice_id", "")),
        custom_id=str(arguments.get("custom_id", "")), code=str(arguments.get("code", "T0006")),
        order_id=str(arguments.get("order_id", "")), subject=str(arguments.get("subject", "")),
        note=str(arguments.get("note", "")), pending=str(arguments.get("pending", "")),
        converted=arguments.get("convert"), rate=rate_of(arguments),
    )  # fmt: skip


def capture(world: World, arguments: Json, now: int) -> Json:
    """A payment comes in."""
    merchant, at = merchant_of(world, arguments), moment(arguments, now)
    made = payments.take(world, merchant, sale_of(world, merchant, arguments), at)
    return shown_capture(world, made)


def shown_capture(world: World, made: Capture) -> Json:
    """What `capture` answers."""
    sale = made.sale
    receivable = None if made.receivable is None else text(made.receivable, made.receivable_currency)
    return {
        "capture_id": made.id, "gross": text(sale.amount, sale.currency), "fee": text(made.fee, sale.currency),
        "net": text(sale.amount - made.fee, sale.currency), "currency": sale.currency, "receivable": receivable,
        "capture": payments.show_capture(world, made),
    }  # fmt: skip


def _capture(merchant: Merchant, arguments: Json) -> Capture:
    found = merchant.captures.get(str(arguments["capture_id"]))
    if found is None:
        raise ValueError(f"No capture {arguments['capture_id']}: use the capture_id a verb or order returned.")
    return found


def settle(world: World, arguments: Json, now: int) -> Json:
    """A pending payment ends: completed, or with `decline` declined."""
    merchant, at = merchant_of(world, arguments), moment(arguments, now)
    made = _capture(merchant, arguments)
    ending = payments.decline if arguments.get("decline") else payments.complete
    ending(world, merchant, made, at)
    return shown_capture(world, made)


def refund(world: World, arguments: Json, now: int) -> Json:
    """Money back; `elsewhere` when somebody clicks on PayPal's page: the app that took it still hears of it."""
    merchant, at = merchant_of(world, arguments), moment(arguments, now)
    taken = _capture(merchant, arguments)
    currency = taken.sale.currency
    wanted = Wanted(
        some_money(arguments, "amount", currency), fee_back=some_money(arguments, "fee_back", currency) or 0,
        invoice_id=str(arguments.get("invoice_id", "")), custom_id=str(arguments.get("custom_id", "")),
        note=str(arguments.get("note", "")), client_id=taken.sale.client_id, rate=rate_of(arguments),
        fails=bool(arguments.get("fails", False)),
    )  # fmt: skip
    made = refunds.refund(world, merchant, taken, wanted=wanted, at=at)
    debited = None if made.debited is None else text(made.debited, made.receivable_currency)
    return {
        "refund_id": made.id, "amount": text(made.amount, currency), "currency": currency, "debited": debited,
        "refund": refunds.show(world, made),
    }  # fmt: skip


def approve(world: World, arguments: Json, now: int) -> Json:
    """The buyer approves an order."""
    merchant = merchant_of(world, arguments)
    order = merchant.orders.get(str(arguments["order_id"]))
    if order is None:
        raise ValueError(f"No order {arguments['order_id']}: use an id of POST /v2/checkout/orders.")
    orders.approve(world, order, payer_of(world, merchant, arguments.get("payer")), now)
    return {"order": orders.show(world, order)}


def post(world: World, merchant: Merchant, row: Row) -> Json:
    """Post one row and show it."""
    return truth.show_row(merchant.ledger.post(payments.late(world, row)))


def plain_row(world: World, arguments: Json, now: int, *, code: str, sign: int) -> tuple[Merchant, Row]:
    """A row from `amount`, `currency`, `reference`, `code`; `amount` is given without sign."""
    merchant, at = merchant_of(world, arguments), moment(arguments, now)
    currency = str(arguments.get("currency", merchant.currency))
    amount = money(arguments, "amount", currency)
    if amount <= 0:
        raise ValueError("amount must be above zero here: the verb knows its direction.")
    wanted = str(arguments.get("code", code))
    if not _CODE.fullmatch(wanted):
        raise ValueError(f"{wanted} is no event code: T and four digits.")
    key = str(arguments.get("transaction_id") or world.mint.transaction())
    reference = str(arguments.get("capture_id") or arguments.get("reference", ""))
    row = Row(
        key, wanted, str(arguments.get("status", "S")), currency, sign * amount, at, at, reference=reference,
        invoice_id=str(arguments.get("invoice_id", "")), custom=str(arguments.get("custom_id", "")),
        subject=str(arguments.get("subject", "")), note=str(arguments.get("note", "")),
    )  # fmt: skip
    return merchant, row


def fee(world: World, arguments: Json, now: int) -> Json:
    """A fee outside a payment (T0107, T0106, T0113...); with `back` a returned one (T1108)."""
    back = bool(arguments.get("back", False))
    merchant, row = plain_row(world, arguments, now, code="T1108" if back else "T0107", sign=1 if back else -1)
    return post(world, merchant, row)


def conversion(world: World, arguments: Json, now: int) -> Json:
    """A conversion by hand (T0201) or to cover a negative balance (T0202): `amount` of `source` becomes `target`."""
    merchant, at = merchant_of(world, arguments), moment(arguments, now)
    source, target = str(arguments["source"]), str(arguments.get("target", merchant.currency))
    amount = money(arguments, "amount", source)
    if source == target or amount <= 0:
        raise ValueError("A conversion needs two currencies and an amount above zero.")
    rate = rate_of(arguments) or usual_rate(source, target)
    got = some_money(arguments, "received", target) or convert(amount, rate, source=source, target=target)
    reference = str(arguments.get("capture_id") or arguments.get("reference", ""))
    code = str(arguments.get("code", "T0201"))
    rows = payments.exchange(world, merchant, {source: -amount, target: got}, at, reference=reference, code=code)
    return {"rate": str(rate), "rows": [truth.show_row(row) for row in rows]}


def hold(world: World, arguments: Json, now: int) -> Json:
    """Money becomes unavailable (T2101, T1110, T1500...)."""
    merchant, row = plain_row(world, arguments, now, code="T2101", sign=-1)
    return post(world, merchant, row)


_RELEASES = {
    "T1110": "T1111", "T2101": "T2102", "T2103": "T2104", "T2105": "T2106", "T2107": "T2108", "T2111": "T2112",
}  # fmt: skip


def release(world: World, arguments: Json, now: int) -> Json:
    """A hold ends, whole: `transaction_id` of the hold. Its code answers the hold's (T1105 where there is no pair)."""
    merchant, at = merchant_of(world, arguments), moment(arguments, now)
    held = [row for row in merchant.ledger.of(str(arguments["transaction_id"])) if row.amount < 0]
    if not held:
        raise ValueError(f"No hold {arguments['transaction_id']}: use the transaction_id that hold returned.")
    code = str(arguments.get("code") or _RELEASES.get(held[0].code, "T1105"))
    back = Row(
        world.mint.transaction(), code, "S", held[0].currency, -held[0].amount, at, at,
        reference=held[0].reference or held[0].transaction_id,
    )  # fmt: skip
    return post(world, merchant, back)


def withdraw(world: World, arguments: Json, now: int) -> Json:
    """Money to the bank (T0400, T0401, T0403): `amount`, or all that is available."""
    merchant = merchant_of(world, arguments)
    currency = str(arguments.get("currency", merchant.currency))
    available = merchant.ledger.available(currency)
    arguments = {"amount": text(available, currency)} | arguments | {"currency": currency}
    if money(arguments, "amount", currency) > available:
        raise ValueError(f"Only {text(available, currency)} {currency} is available: withdraw at most that.")
    merchant, row = plain_row(world, arguments, now, code="T0400", sign=-1)
    if share_of(row.transaction_id, world.knobs.odd_status_share):
        row = Row(row.transaction_id, row.code, "R", currency, row.amount, row.initiated, row.updated)
    return post(world, merchant, row)


def return_withdrawal(world: World, arguments: Json, now: int) -> Json:
    """The bank sends a withdrawal back: T1101."""
    merchant, at = merchant_of(world, arguments), moment(arguments, now)
    gone = [r for r in merchant.ledger.of(str(arguments["transaction_id"])) if r.code.startswith("T04")]
    if not gone:
        raise ValueError(f"No withdrawal {arguments['transaction_id']}: use what withdraw returned.")
    back = Row(
        world.mint.transaction(), "T1101", "S", gone[0].currency, -gone[0].amount, at, at,
        reference=gone[0].transaction_id,
    )  # fmt: skip
    return post(world, merchant, back)


def transaction(world: World, arguments: Json, now: int) -> Json:
    """Any row: `code`, signed `amount`, `fee`, `status`, `affects_balance`, `in_balance`, ids of one's own."""
    merchant, at = merchant_of(world, arguments), moment(arguments, now)
    currency = str(arguments.get("currency", merchant.currency))
    code = str(arguments["code"])
    if not _CODE.fullmatch(code):
        raise ValueError(f"{code} is no event code: T and four digits.")
    status = str(arguments.get("status", "S"))
    payer = payer_of(world, merchant, arguments["payer"]) if "payer" in arguments else None
    row = Row(
        str(arguments.get("transaction_id") or world.mint.transaction()), code, status, currency,
        money(arguments, "amount", currency), at, at, fee=some_money(arguments, "fee", currency),
        reference=str(arguments.get("reference", "")), reference_type=str(arguments.get("reference_type", "TXN")),
        invoice_id=str(arguments.get("invoice_id", "")), custom=str(arguments.get("custom_id", "")),
        subject=str(arguments.get("subject", "")), note=str(arguments.get("note", "")), payer=payer,
        paypal_invoice_id=str(arguments.get("paypal_invoice_id", "")), instrument=str(arguments.get("instrument", "")),
        affects_balance=bool(arguments.get("affects_balance", status not in {"P", "D"})),
        in_balance=bool(arguments.get("in_balance", True)),
    )  # fmt: skip
    return post(world, merchant, row)


def change_transaction(world: World, arguments: Json, now: int) -> Json:
    """A row changes after it was seen: `status`, `fee`, `amount`, `affects_balance`, `in_balance`."""
    merchant, at = merchant_of(world, arguments), moment(arguments, now)
    rows = merchant.ledger.of(str(arguments["transaction_id"]))
    rows = [r for r in rows if arguments.get("code", r.code) == r.code]
    if len(rows) != 1:
        raise ValueError(f"{len(rows)} rows have this transaction_id: name one, with its code where there are several.")
    row = rows[0]
    changes: dict[str, Any] = {k: arguments[k] for k in ("status", "affects_balance", "in_balance") if k in arguments}
    for name in ("fee", "amount"):
        if name in arguments:
            changes[name] = money(arguments, name, row.currency)
    return truth.show_row(merchant.ledger.change(row, at, **changes))
