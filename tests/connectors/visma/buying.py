"""A company that buys: suppliers, orders, receipts, bills and payments as people enter them in the pretend Visma."""

from __future__ import annotations

import base64
from typing import Any

from ml_connector.connectors.shapes import SourceObject
from ml_connector.connectors.visma import translate
from ml_connector.connectors.visma.client import PAGE_SIZE
from ml_connector.connectors.visma.reader import VismaReader
from ml_connector.finance.purchasing import LedgerSupplierInvoice, PurchaseDocument
from tests.connectors.visma.sandboxed import Sandbox

PAPER = {
    "number": "50001",
    "name": "Paper AB",
    "zone": "SE",
    "currency": "SEK",
    "terms": "30",
    "corporate_id": "5560001111",
    "vat_registration": "SE556000111101",
    "email": "invoice@paper.example",
    "places": {
        "mainAddress": {"addressLine1": "Gatan 1", "postalCode": "111 11", "city": "Stockholm", "countryId": "SE"}
    },
    "plain": {
        "paymentMethodId": "BANK",
        "accountUsedForPayment": "BANKGIRO",
        "note": "Pays late",
        "supplierPaymentMethodDetails": [
            {"paymentMethodDetailDescription": "Bankgiro", "paymentMethodDetailValue": "5050-1055"},
            {"paymentMethodDetailDescription": "IBAN", "paymentMethodDetailValue": "SE4550000000058398257466"},
        ],
    },
}
CHAIR = {
    "article": "CHAIR", "text": "Chair", "quantity": 10, "price": "100.125", "vat": "25", "segments": {"1": "10"},
    "supplier_article": "C-1",
}  # fmt: skip
DESK = {"text": "Desk", "quantity": 2, "price": "400", "account": "4000", "vat": "25"}
PDF = b"%PDF-1.4 an invoice"


class Buyer:
    """What people do at the screen, and what the reader shows of it."""

    def __init__(self, **seed: Any) -> None:
        self.sandbox = Sandbox()
        self.sandbox.control("reset", seed=7)
        company = self.sandbox.control("seed_company", **{"suppliers": [PAPER], **seed})
        self.sandbox.company = company
        self.reader = self.sandbox.reader()

    def order(self, *lines: dict[str, Any], **more: Any) -> str:
        wishes = {"supplier": "50001", "lines": list(lines) or [CHAIR, DESK], **more}
        return str(self.sandbox.control("order_goods", **wishes)["number"])

    def receive(self, order: str, **more: Any) -> str:
        return str(self.sandbox.control("receive_goods", order=order, **more)["number"])

    def bill(self, *, hold: bool = True, file: bytes | None = PDF, **head: Any) -> str:
        """1 000.00 and 25 % on account 4000, waiting for approval."""
        line = _wrapped(operation="Insert", accountNumber="4000", quantity=1, costInCurrency=1000, vatCodeId="25")
        given = {"supplierNumber": "50001", "documentType": "Invoice", "date": "2026-05-18", "currencyId": "SEK"}
        body = _wrapped(**{**given, "supplierReference": "F-1", "hold": hold, **head})
        body["invoiceLines"] = [line]
        kept = {"name": "F-1.pdf", "content": base64.b64encode(file).decode()} if file is not None else None
        return str(self.sandbox.control("enter_supplier_invoice", body=body, file=kept)["number"])

    def release(self, number: str) -> None:
        client = self.sandbox.writer().client
        path = f"/v1/supplierInvoice/Invoice/{number}/action/release"
        client.call("POST", path, operation="release")
        self.sandbox.clock.advance(2)

    def pay(self, invoice: str, **more: Any) -> str:
        return str(self.sandbox.control("pay_supplier", invoice=invoice, **more)["number"])

    def one(self, kind: str, external_id: str) -> SourceObject:
        (found,) = self.reader.fetch(kind, [external_id])
        assert isinstance(found, SourceObject), found
        return found

    def document(self, kind: str, external_id: str) -> Any:
        return translate(kind, self.one(kind, external_id).payload)

    def invoice(self, number: str) -> LedgerSupplierInvoice:
        found = self.document("supplierInvoice", f"Invoice/{number}")
        assert isinstance(found, LedgerSupplierInvoice)
        return found

    def stream(self, name: str, position: str | None = None, **more: Any) -> tuple[dict[str, SourceObject], str]:
        """A whole sweep by a reader that knows nothing but the position: what it brought, and where it is."""
        brought: dict[str, SourceObject] = {}
        for _ in range(20):
            reader: VismaReader = self.sandbox.reader()
            page = reader.page(name, position, now=self.sandbox.clock.now(), **more)
            brought |= {one.external_id: one for one in page.objects}
            position = page.position
            if not page.more:
                return brought, position
        raise AssertionError(f"{name} does not end (page size {PAGE_SIZE})")

    def documents(self, name: str, position: str | None = None) -> dict[str, PurchaseDocument]:
        found, _ = self.stream(name, position)
        return {key: _purchase(translate(name, one.payload)) for key, one in found.items()}

    def calls(self) -> int:
        return self.sandbox.calls()


def _purchase(document: Any) -> PurchaseDocument:
    assert isinstance(document, PurchaseDocument)
    return document


def _wrapped(**fields: Any) -> dict[str, Any]:
    return {name: value if name == "operation" else {"value": value} for name, value in fields.items()}
