"""Purchasing over real sockets: the pretend Visma as a process, our own wire, empty answers and raw bytes."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from ml_connector.clock import HandClock
from ml_connector.connectors.http import Http, Reach
from ml_connector.connectors.shapes import Context, SourceObject
from ml_connector.connectors.visma import CONNECTOR, open_reader, open_writer, translate
from ml_connector.connectors.visma.reader import VismaReader
from ml_connector.connectors.visma.writer import VismaWriter
from ml_connector.finance.invoices import SupplierInvoiceLine
from ml_connector.finance.money import Money
from ml_connector.finance.procurement import LedgerCoding
from ml_connector.finance.purchasing import LedgerSupplierInvoice
from ml_connector.vault.tokens import TokenCache
from tests.connectors.visma.buying import PAPER
from tests.sandbox.test_core_server import Server, started, stopped

pytestmark = pytest.mark.slow
PDF = bytes(range(256)) * 4_000  # a megabyte of any bytes


class Line:
    """A reader and a writer of the company in the running sandbox."""

    def __init__(self, base: str) -> None:
        self.door = Server(base)
        self.company = self.verb("seed_company", suppliers=[PAPER])
        clock = HandClock(datetime.now(UTC))
        own = {name: self.company[name] for name in ("client_id", "client_secret", "tenant_id")}
        self.http = Http(Reach(base, frozenset(CONNECTOR.hosts), frozenset({base})))
        settings = {"base_url": base}
        self.reader: VismaReader = open_reader(self.http, own, settings, tokens=TokenCache(clock), clock=clock)
        self.writer: VismaWriter = open_writer(self.http, own, settings, tokens=TokenCache(clock), clock=clock)

    def verb(self, verb: str, **arguments: Any) -> Any:
        return self.door.door("POST", "control", {"verb": verb, **arguments})


@pytest.fixture(scope="module")
def line() -> Iterator[Line]:
    process, base = started([])
    held = Line(base.rstrip("/"))
    yield held
    held.http.close()
    assert stopped(process) == 0


def entered(line: Line) -> str:
    def wrapped(**fields: Any) -> dict[str, Any]:
        return {name: value if name == "operation" else {"value": value} for name, value in fields.items()}

    today = datetime.now(UTC).strftime("%Y-%m-%dT00:00:00")
    body = wrapped(supplierNumber="50001", documentType="Invoice", date=today, supplierReference="F-1", hold=True)
    row = wrapped(operation="Insert", accountNumber="4000", quantity=1, costInCurrency=1000, vatCodeId="25")
    file = {"name": "F-1.pdf", "content": base64.b64encode(PDF).decode()}
    made = line.verb("enter_supplier_invoice", body={**body, "invoiceLines": [row]}, file=file)
    return str(made["number"])


def test_a_bill_is_read_with_its_file_coded_released_and_read_back(line: Line) -> None:
    number = entered(line)
    (one,) = line.reader.fetch("supplierInvoice", [f"Invoice/{number}"])
    assert isinstance(one, SourceObject)
    found = translate("supplierInvoice", one.payload)
    assert isinstance(found, LedgerSupplierInvoice)
    assert line.reader.attachment("supplierInvoice", one.external_id, found.files[0].id) == PDF
    cost = SupplierInvoiceLine("6570", Money.of("1000", "SEK"), "25", "Chairs", ((1, "10"),))
    coding = LedgerCoding(number, "SEK", (cost,), found.total, found.vat_total, "bw:doc:1")
    asked = Context("tok0000001", "bw:doc:1", started_at=datetime.now(UTC))
    made = line.writer.create("ledger_coding", coding, asked)
    known = Context("tok0000001", "bw:doc:1", remote_id=made.remote_id, etag=made.etag, started_at=asked.started_at)
    line.writer.release("ledger_coding", coding, known)
    seen = line.writer.observe("ledger_coding", [(coding, known)])[made.remote_id]
    assert (seen.state, seen.total) == ("released", 125000)


def test_orders_receipts_and_the_set_up_travel_as_they_are(line: Line) -> None:
    order = line.verb("order_goods", supplier="50001", lines=[{"article": "Å/1", "text": "Stol", "price": "99.995"}])
    line.verb("receive_goods", order=order["number"])
    now = datetime.now(UTC)
    for stream in ("supplier", "purchaseorder", "purchasereceipt", "account", "segmentvalue", "creditterm"):
        page = line.reader.page(stream, None, now=now)
        assert page.objects, stream
        assert all(translate(one.kind, one.payload) for one in page.objects)
