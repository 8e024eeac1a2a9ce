"""Captures and authorizations: what they are, how they become money, how PayPal shows them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal

from ml_connector_sandbox.core.dice import share_of
from ml_connector_sandbox.core.instants import DAY
from ml_connector_sandbox.paypal.ledger import Payer, Row
from ml_connector_sandbox.paypal.money import convert, decimals, half_up, percent_of, usual_rate, wire
from ml_connector_sandbox.paypal.refusals import Json, unprocessable
from ml_connector_sandbox.paypal.state import Merchant, World
from ml_connector_sandbox.paypal.times import stamp


@dataclass(frozen=True, slots=True)
class Sale:
    """What somebody pays: the input of `take`. Amounts in minor units; `fee` None: by the fee model."""

    amount: int
    currency: str
    payer: Payer
    client_id: str = ""  # the application that took it; empty: another app, or a PayPal page
    fee: int | None = None
    invoice_id: str = ""
    custom_id: str = ""
    order_id: str = ""
    authorization_id: str = ""
    paypal_invoice_id: str = ""
    code: str = "T0006"
    subject: str = ""
    note: str = ""
    pending: str = ""  # the reason why it waits; empty: completed at once
    final: bool = True
    converted: bool | None = None  # None: when the currency is not held
    rate: Decimal | None = None


@dataclass(slots=True)
class Capture:
    """A captured payment."""

    id: str
    sale: Sale
    status: str
    fee: int
    created: int
    updated: int
    reason: str = ""
    receivable: int | None = None
    receivable_currency: str = ""
    rate: Decimal | None = None
    refunded: int = 0
    refund_ids: list[str] = field(default_factory=list)
    dispute_id: str = ""
    charged_back: bool = False
    row: Row | None = None

    @property
    def left(self) -> int:
        """What may still be refunded."""
        return self.sale.amount - self.refunded


@dataclass(slots=True)
class Refund:
    """A refund of a capture. `fee_back` is the part of the fee PayPal returns."""

    id: str
    capture_id: str
    client_id: str
    amount: int
    currency: str
    status: str
    fee_back: int
    created: int
    updated: int
    invoice_id: str = ""
    custom_id: str = ""
    note: str = ""
    total: int = 0  # refunded of the capture so far, this one included
    debited: int | None = None  # in the receivable currency, where converted
    receivable_currency: str = ""
    rate: Decimal | None = None
    row: Row | None = None


@dataclass(slots=True)
class Authorization:
    """Money promised; captured later, in parts or whole."""

    id: str
    sale: Sale
    status: str
    created: int
    updated: int
    expires: int
    captured: int = 0
    reauthorized: bool = False


def model_fee(world: World, amount: int, currency: str) -> int:
    """Percentage plus a fixed part in the payment's currency, never above the amount."""
    fixed = half_up(Decimal(world.knobs.fee_fixed) * Decimal(10) ** decimals(currency))
    return min(amount, percent_of(amount, world.knobs.fee_percent) + fixed)


def take(world: World, merchant: Merchant, sale: Sale, at: int, *, claim: bool = True) -> Capture:
    """A payment comes in: the capture, its report rows and its event. `claim`: its invoice id must be new."""
    if claim:
        claim_invoice_id(world, merchant, sale.invoice_id)
    fee = model_fee(world, sale.amount, sale.currency) if sale.fee is None else sale.fee
    capture = Capture(world.mint.transaction(), sale, "PENDING", fee, at, at, reason=sale.pending)
    merchant.captures[capture.id] = capture
    if sale.pending:
        capture.row = merchant.ledger.post(_row(world, capture, "P", at))
        tell(world, capture, "PAYMENT.CAPTURE.PENDING", at)
        return capture
    complete(world, merchant, capture, at)
    return capture


def claim_invoice_id(world: World, merchant: Merchant, invoice_id: str) -> None:
    """Each invoice id once, as most accounts are set. Refused with DUPLICATE_INVOICE_ID."""
    if not invoice_id:
        return
    if world.knobs.unique_invoice_ids and invoice_id in merchant.used_invoice_ids:
        text = "Duplicate Invoice ID detected. To avoid a potential duplicate transaction your account setting requires"
        raise unprocessable("DUPLICATE_INVOICE_ID", f"{text} that Invoice Id be unique for each transaction.")
    merchant.used_invoice_ids.add(invoice_id)


def complete(world: World, merchant: Merchant, capture: Capture, at: int) -> None:
    """The money arrives: S row, conversion where the currency is not held."""
    if capture.status != "PENDING":
        raise ValueError(f"Capture {capture.id} is {capture.status}: only a PENDING one can be completed.")
    capture.status, capture.updated, capture.reason = "COMPLETED", at, ""
    sale, knobs = capture.sale, world.knobs
    waited = capture.row is not None
    if capture.row is not None:
        capture.row = merchant.ledger.change(
            capture.row, at, status="S", affects_balance=True, fee=-capture.fee or None
        )
    elif knobs.fee_late_s and capture.fee:
        capture.row = merchant.ledger.post_without_fee(_row(world, capture, "S", at))
        shown = at + world.span(knobs.fee_late_s)
        world.later(shown, lambda then, row=capture.row: _show_fee(merchant, row, then, -capture.fee))  # type: ignore[misc]
    else:
        capture.row = merchant.ledger.post(_row(world, capture, "S", at))
    if share_of(capture.id, knobs.twin_share):
        twin = _row(world, capture, "S", at)
        merchant.ledger.post(replace(twin, affects_balance=False))
    foreign = sale.currency not in merchant.held if sale.converted is None else sale.converted
    if foreign and sale.currency != merchant.currency:
        capture.rate = sale.rate or usual_rate(sale.currency, merchant.currency)
        net = sale.amount - capture.fee
        capture.receivable_currency = merchant.currency
        capture.receivable = convert(net, capture.rate, source=sale.currency, target=merchant.currency)
        if knobs.conversion_rows:
            money = {sale.currency: -net, merchant.currency: capture.receivable}
            exchange(world, merchant, money, at, reference=capture.id)
    tell(world, capture, "PAYMENT.CAPTURE.COMPLETED", at)
    if waited:
        world.captured(merchant, capture, at)


def decline(world: World, merchant: Merchant, capture: Capture, at: int) -> None:
    """A pending payment fails: D row."""
    if capture.status != "PENDING" or capture.row is None:
        raise ValueError(f"Capture {capture.id} is {capture.status}: only a PENDING one can be declined.")
    capture.status, capture.updated = "DECLINED", at
    capture.row = merchant.ledger.change(capture.row, at, status="D")
    tell(world, capture, world.knobs.denied_name, at)
    world.captured(merchant, capture, at)


def exchange(
    world: World,
    merchant: Merchant,
    money: dict[str, int],
    at: int,
    *,
    reference: str = "",
    code: str = "T0200",
) -> list[Row]:
    """The rows of a conversion: one per currency, own ids, no fee, the same reference and time."""
    rows = [
        Row(world.mint.transaction(), code, "S", currency, amount, at, at, reference=reference)
        for currency, amount in sorted(money.items(), key=lambda pair: pair[1])
    ]
    return [merchant.ledger.post(late(world, row)) for row in rows]


def late(world: World, row: Row) -> Row:
    """The row, hidden from reports for a while when chance (by its id) wants it."""
    if not share_of(row.transaction_id, world.knobs.late_share):
        return row
    shown = row.updated + world.span(world.knobs.late_s)
    return replace(row, shown_from=shown)


def _show_fee(merchant: Merchant, row: Row, at: int, fee: int) -> None:
    merchant.ledger.show_fee(row, at, fee)


def _row(world: World, capture: Capture, status: str, at: int) -> Row:
    sale = capture.sale
    row = Row(
        capture.id, sale.code, status, sale.currency, sale.amount, at, at,
        fee=(-capture.fee or None) if status == "S" else None,
        reference=sale.order_id if sale.order_id and not sale.client_id else "",
        reference_type="ODR",
        invoice_id=sale.invoice_id, custom=sale.custom_id, subject=sale.subject, note=sale.note, payer=sale.payer,
        paypal_invoice_id=sale.paypal_invoice_id, affects_balance=status == "S",
    )  # fmt: skip
    return late(world, row)


def tell(world: World, capture: Capture, name: str, at: int) -> None:
    """An event about a capture, to the application that took it."""
    shown = show_capture(world, capture)
    world.desk.emit(capture.sale.client_id, name, shown, kind="capture", resource_id=capture.id, at=at)


def show_capture(world: World, capture: Capture, *, minimal: bool = False) -> Json:
    """A capture as PayPal shows it; `minimal` is what a POST without Prefer answers."""
    links = [
        world.link(f"/v2/payments/captures/{capture.id}", "self"),
        world.link(f"/v2/payments/captures/{capture.id}/refund", "refund", "POST"),
    ]
    sale = capture.sale
    if sale.authorization_id:
        links.append(world.link(f"/v2/payments/authorizations/{sale.authorization_id}", "up"))
    elif sale.order_id:
        links.append(world.link(f"/v2/checkout/orders/{sale.order_id}", "up"))
    body: Json = {"id": capture.id, "status": capture.status}
    if capture.reason:
        body["status_details"] = {"reason": capture.reason}
    if minimal:
        return body | {"links": links}
    body |= {"amount": wire(sale.amount, sale.currency), "final_capture": sale.final}
    body |= {"invoice_id": sale.invoice_id} if sale.invoice_id else {}
    body |= {"custom_id": sale.custom_id} if sale.custom_id else {}
    body["seller_protection"] = {
        "status": "ELIGIBLE", "dispute_categories": ["ITEM_NOT_RECEIVED", "UNAUTHORIZED_TRANSACTION"],
    }  # fmt: skip
    if capture.status not in {"PENDING", "DECLINED", "FAILED"}:
        body["seller_receivable_breakdown"] = _receivable(capture)
    related = {"order_id": sale.order_id} if sale.order_id else {}
    related |= {"authorization_id": sale.authorization_id} if sale.authorization_id else {}
    body |= {"supplementary_data": {"related_ids": related}} if related else {}
    return body | {"create_time": stamp(capture.created), "update_time": stamp(capture.updated), "links": links}


def _receivable(capture: Capture) -> Json:
    sale = capture.sale
    shown: Json = {"gross_amount": wire(sale.amount, sale.currency), "paypal_fee": wire(capture.fee, sale.currency)}
    shown["net_amount"] = wire(sale.amount - capture.fee, sale.currency)
    if capture.receivable is not None:
        shown["receivable_amount"] = wire(capture.receivable, capture.receivable_currency)
        shown["exchange_rate"] = {
            "source_currency": sale.currency, "target_currency": capture.receivable_currency,
            "value": str(capture.rate),
        }  # fmt: skip
    return shown


def authorize(world: World, merchant: Merchant, sale: Sale, at: int) -> Authorization:
    """Money promised: a T1300 row that moves nothing."""
    made = Authorization(world.mint.transaction(), sale, "CREATED", at, at, at + 29 * DAY)
    merchant.authorizations[made.id] = made
    merchant.ledger.post(
        Row(
            made.id, "T1300", "S", sale.currency, sale.amount, at, at, invoice_id=sale.invoice_id,
            custom=sale.custom_id, payer=sale.payer, affects_balance=False,
        )
    )  # fmt: skip
    tell_authorization(world, made, "PAYMENT.AUTHORIZATION.CREATED", at)
    return made


def tell_authorization(world: World, made: Authorization, name: str, at: int) -> None:
    """An event about an authorization."""
    shown = show_authorization(world, made)
    world.desk.emit(made.sale.client_id, name, shown, kind="authorization", resource_id=made.id, at=at)


def show_authorization(world: World, made: Authorization, *, minimal: bool = False) -> Json:
    """An authorization as PayPal shows it."""
    path, sale = f"/v2/payments/authorizations/{made.id}", made.sale
    links = [world.link(path, "self")]
    links += [world.link(f"{path}/{verb}", verb, "POST") for verb in ("capture", "void", "reauthorize")]
    body: Json = {"id": made.id, "status": made.status}
    if minimal:
        return body | {"links": links}
    body |= {"amount": wire(sale.amount, sale.currency), "expiration_time": stamp(made.expires)}
    body |= {"invoice_id": sale.invoice_id} if sale.invoice_id else {}
    body |= {"custom_id": sale.custom_id} if sale.custom_id else {}
    body |= {"supplementary_data": {"related_ids": {"order_id": sale.order_id}}} if sale.order_id else {}
    return body | {"create_time": stamp(made.created), "update_time": stamp(made.updated), "links": links}
