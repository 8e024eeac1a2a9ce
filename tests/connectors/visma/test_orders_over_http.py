"""Sales orders over real sockets: the service at another address than the ERP, empty answers, a DELETE."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ml_connector.clock import HandClock
from ml_connector.connectors.http import Http, Reach
from ml_connector.connectors.shapes import Context
from ml_connector.connectors.visma import CONNECTOR, open_writer
from ml_connector.connectors.visma.writer import VismaWriter
from ml_connector.errors import HostRefused
from ml_connector.finance.invoices import Reversal
from ml_connector.finance.money import Money
from ml_connector.finance.selling import SalesOrder, SalesOrderLine
from ml_connector.vault.tokens import TokenCache
from tests.sandbox.test_core_server import Server, started, stopped

pytestmark = pytest.mark.slow


class Line:
    """A writer of the company in the running sandbox; the ERP is called by name, the orders by number."""

    def __init__(self, base: str) -> None:
        self.door = Server(base)
        self.company = self.door.door("POST", "control", {"verb": "seed_company"})
        self.door.door("POST", "control", {"verb": "set_item", "number": "MUG / 1", "vat": "25"})
        self.named = base.replace("127.0.0.1", "localhost")
        self.base = base

    def open(self, *allowed: str) -> tuple[Http, VismaWriter]:
        clock = HandClock(datetime.now(UTC))
        own = {name: self.company[name] for name in ("client_id", "client_secret", "tenant_id")}
        http = Http(Reach(self.named, frozenset(CONNECTOR.hosts), frozenset({self.named, *allowed})))
        settings = {"base_url": self.named, "sales_order_url": self.base}
        return http, open_writer(http, own, settings, tokens=TokenCache(clock), clock=clock)


@pytest.fixture(scope="module")
def line() -> Iterator[Line]:
    process, base = started([])
    yield Line(base.rstrip("/"))
    assert stopped(process) == 0


def ordered() -> SalesOrder:
    net, vat = Money.of("200", "SEK"), Money.of("50", "SEK")
    row = SalesOrderLine("MUG / 1", Decimal(3), net, "25", "Mugs", vat)
    day = datetime.now(UTC).date()
    return SalesOrder("10010", day, "SO", "SEK", (row,), net + vat, vat, "77", "wc:ord:77")


def test_an_order_is_made_found_read_and_deleted_at_its_own_address(line: Line) -> None:
    http, writer = line.open(line.base)
    assert writer.look_up("item", {"number": "MUG / 1"})[0].number == "MUG / 1"
    context = Context("tok0000001", "wc:ord:77", started_at=datetime.now(UTC) - timedelta(seconds=1))
    made = writer.create("sales_order", ordered(), context)
    (found,) = writer.find("sales_order", [(ordered(), context)])["tok0000001"]
    assert found.remote_id == made.remote_id
    known = Context("tok0000001", "wc:ord:77", remote_id=made.remote_id)
    seen = writer.observe("sales_order", [(ordered(), known)])[made.remote_id]
    assert (seen.state, seen.total, seen.vat) == ("draft", 25_000, 5_000)
    writer.release("sales_order", ordered(), replace(known, etag=seen.etag))
    assert writer.observe("sales_order", [(ordered(), known)])[made.remote_id].state == "released"
    undo = Reversal("order_cancellation", made.number, "SO", "wc:ord:77")
    gone = writer.create("order_cancellation", undo, context)
    done = Context("tok0000001", "wc:ord:77:rev", remote_id=gone.remote_id)
    assert writer.observe("order_cancellation", [(undo, done)])[gone.remote_id].state == "released"
    http.close()


def test_an_address_that_nobody_allowed_is_not_called(line: Line) -> None:
    http, writer = line.open()
    with pytest.raises(HostRefused):
        writer.create("sales_order", ordered(), Context("tok0000002", "key", started_at=datetime.now(UTC)))
    http.close()
