"""What is written to Stripe, one full example of each kind: Nordlys AS is invoiced 1 250.00 by Demo AS."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from ml_connector.finance.collection import (
    CollectionCredit,
    CollectionInvoice,
    CollectionLine,
    InvoiceVoid,
    OutsidePayment,
)
from ml_connector.finance.documents import Address
from ml_connector.finance.invoices import PartyCard
from ml_connector.finance.money import Money

DAY = date(2026, 11, 18)
MARKS = (("visma_invoice_no", "10042"), ("visma_tenant", "tenant7"))


def money(amount: str, currency: str = "NOK") -> Money:
    return Money.of(amount, currency)


def line(net: str = "1000.00", vat: str = "250.00", percent: str | None = "25", **more: Any) -> CollectionLine:
    given: dict[str, Any] = {"text": "Chairs", "vat_name": "MVA", "line": 1, "currency": "NOK"} | more
    currency = given.pop("currency")
    rate = None if percent is None else Decimal(percent)
    return CollectionLine(net=money(net, currency), vat=money(vat, currency), vat_percent=rate, **given)


def invoice(customer: str, *lines: CollectionLine, **more: Any) -> CollectionInvoice:
    rows = lines or (line(),)
    currency = rows[0].net.currency
    vat = sum((one.vat for one in rows[1:]), rows[0].vat)
    net = sum((one.net for one in rows[1:]), rows[0].net)
    given: dict[str, Any] = {
        "number": "10042", "day": DAY, "due_on": date(2026, 12, 18), "source": "vi:inv:10042", "marks": MARKS,
        "reference": "PO 77", "text": "Invoice 10042",
    } | more  # fmt: skip
    return CollectionInvoice(
        customer=customer, currency=currency, lines=rows, total=net + vat, vat_total=vat, **given
    )  # fmt: skip


def credit(invoice_id: str, *lines: CollectionLine, **more: Any) -> CollectionCredit:
    rows = lines or (line("400.00", "100.00"),)
    vat = sum((one.vat for one in rows[1:]), rows[0].vat)
    net = sum((one.net for one in rows[1:]), rows[0].net)
    given: dict[str, Any] = {"number": "K-9", "day": DAY, "currency": "NOK", "source": "vi:crm:K-9"} | more
    return CollectionCredit(invoice=invoice_id, lines=rows, total=net + vat, vat_total=vat, **given)


def payment(invoice_id: str, amount: str = "1250.00", **more: Any) -> OutsidePayment:
    given: dict[str, Any] = {
        "kind": "outside_payment", "day": DAY, "whole": True, "document": "P-31", "source": "vi:pay:P-31",
    } | more  # fmt: skip
    return OutsidePayment(invoice=invoice_id, amount=money(amount), **given)


def void(invoice_id: str) -> InvoiceVoid:
    return InvoiceVoid(invoice_id, "K-9", "vi:crm:K-9")


def card(**more: Any) -> PartyCard:
    given: dict[str, Any] = {
        "name": "Nordlys AS", "source": "vi:cus:10001", "email": "ap@nordlys.example.com", "phone": "+4712345678",
        "org_number": "912345678", "vat_number": "NO912345678MVA", "account_number": "10001",
        "address": Address(lines=("Storgata 1", "2. etg"), postal_code="0155", city="Oslo", country="NO"),
    } | more  # fmt: skip
    return PartyCard("customer", **given)
