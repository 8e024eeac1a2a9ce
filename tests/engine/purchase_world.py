"""A small world that buys: a pretend Visma with suppliers, orders and receipts, and a pretend Basware that approves."""

from __future__ import annotations

import base64
import tomllib
from pathlib import Path
from typing import Any

import httpx2

from ml_connector.connectors.basware.scopes import FILE_SCOPE
from ml_connector.engine import connecting, rulebooks, ruling, setup
from ml_connector.finance.rulebook import Terms
from ml_connector.store import cursors
from ml_connector.store.connection_rows import ConnectionRow
from ml_connector_sandbox.basware import Basware
from ml_connector_sandbox.core.faults import Faulty
from tests.engine.told_world import ToldWorld, brought
from tests.engine.world import GO_LIVE, SQUARE_URL, VISMA_URL

BASWARE_URL = SQUARE_URL
COMPANY = "SE01"
SUPPLIERS = [
    {
        "number": "50012", "name": "Nordlys Kontor AB", "zone": "SE", "currency": "base", "terms": "30",
        "corporate_id": "5560001234", "vat_registration": "SE556000123401", "email": "post@nordlys.example",
    },
    {"number": "50013", "name": "Sydvind Stolar AB", "zone": "SE", "currency": "base", "terms": "14"},
]  # fmt: skip
PDF = b"%PDF-1.4\nan invoice\n"


class PurchaseWorld(ToldWorld):
    """Pretend Visma and Basware. Everything is read by polling; the clock moves by hand."""

    def __init__(self, database_url: str, folder: Path, *, inbox_url: str | None = None, seed: int = 1) -> None:
        super().__init__(database_url, folder, inbox_url=inbox_url, seed=seed)
        self.basware = Faulty(Basware(seed=seed, ring=self._ring), seed=seed)

    only_out = False  # no way back is set up
    scopes = f"+{FILE_SCOPE}"  # what is asked for beside the usual

    def open_books(
        self, *, posting: str = "on", suppliers: list[dict[str, Any]] | None = None, **purchase: Any
    ) -> None:
        """A company in SEK that buys, a Basware tenant, the routes out and back with the shipped terms and rules."""
        now = self.clock.now()
        self.company = self.visma.control(
            "seed_company", {"base_currency": "SEK", "suppliers": SUPPLIERS if suppliers is None else suppliers}, now
        )
        self.tenant = self.basware.control("seed_tenant", {"companies": [{"code": COMPANY, "currency": "SEK"}]}, now)
        self.workspace = setup.init(self.works)
        self.visma_id = connecting.connect(
            self.works, self.workspace, connector="visma", code="vn", title="Visma", by="test", base_url=VISMA_URL,
            credentials={key: self.company[key] for key in ("client_id", "client_secret", "tenant_id")},
            settings={"token_url": f"{VISMA_URL}/connect/token"},
        )  # fmt: skip
        self.basware_id = connecting.connect(
            self.works, self.workspace, connector="basware", code="bw", title="Basware", by="test",
            base_url=BASWARE_URL, credentials=self._credentials(), settings={"requests_per_second": "1000"},
        )  # fmt: skip
        self.company_id = setup.add_company(
            self.works, self.workspace, connection_id=self.visma_id, name="Buyer AB", time_zone="Europe/Stockholm",
            go_live=GO_LIVE, by="test",
        )  # fmt: skip
        shipped = tomllib.loads(brought("basware_terms.toml"))
        shipped["purchase"] |= purchase
        self.terms = ruling.parse_terms(shipped, base=Terms(code="bw"))
        book = rulebooks.read(brought("basware_rules.toml"), form="toml")
        ends = {"visma_to_basware": (self.visma_id, self.basware_id), "basware_to_visma": (self.basware_id, None)}
        self.routes = {}
        for flow, (source, target) in list(ends.items())[: 1 if self.only_out else 2]:
            self.routes[flow] = setup.add_route(
                self.works, company_id=self.company_id, flow=flow, source_id=source, target_id=target,
                terms=self.terms, posting=posting, by="test",
            )  # fmt: skip
            ruling.save_rules(self.works, self.routes[flow], book, by="test")

    def _credentials(self) -> dict[str, str]:
        network = self.tenant["network_user"]
        return {
            "client_id": self.tenant["client_id"], "client_secret": self.tenant["client_secret"],
            "network_user": network["user"], "network_password": network["password"],
            "scopes": self.scopes,
        }  # fmt: skip

    def _ring(self, *_: Any, **__: Any) -> int:
        return 200

    def _transport(self, connection: ConnectionRow) -> httpx2.BaseTransport:
        vendor = self.visma if connection.connector == "visma" else self.basware
        return httpx2.MockTransport(lambda request: self._answer(vendor, request))

    # ------------------------------------------------------------------------------------------ what happens

    def order(self, *quantities: int, supplier: str = "50012", price: str = "100.00", **more: Any) -> str:
        """A purchase order with a line of stock for each quantity; its number."""
        lines = [
            {
                "article": f"CHAIR-{n}", "text": f"Chair {n}", "quantity": quantity, "price": price, "vat": "25",
                "account": "4000", "segments": {"1": "10", "2": "100"},
            }
            for n, quantity in enumerate(quantities or (10,), 1)
        ]  # fmt: skip
        wishes = {"supplier": supplier, "lines": lines, **more}
        return str(self.ledger("order_goods", **wishes)["number"])

    def receive(self, order: str, quantities: dict[str, int] | None = None, **more: Any) -> str:
        """Goods of an order came in."""
        wanted = {"quantities": quantities} if quantities else {}
        return str(self.ledger("receive_goods", order=order, **wanted, **more)["number"])

    def bill(self, reference: str = "F-778", net: str = "1000.00", *, file: bool = False, **more: Any) -> str:
        """A supplier's invoice that somebody typed into Visma, on hold; its number."""
        line = {
            "accountNumber": "4000", "vatCodeId": "25", "costInCurrency": float(net), "quantity": 1,
            "transactionDescription": "Chairs",
        }  # fmt: skip
        head = {
            "documentType": "Invoice", "supplierNumber": "50012", "hold": True, "supplierReference": reference,
            "date": "2026-03-09T00:00:00", "currencyId": "SEK", "taxCalculationMode": "Net", **more,
        }  # fmt: skip
        body: dict[str, Any] = {name: {"value": value} for name, value in head.items()}
        body["invoiceLines"] = [{"operation": "Insert", **{name: {"value": value} for name, value in line.items()}}]
        kept = {"name": f"{reference}.pdf", "content": base64.b64encode(PDF).decode()} if file else None
        return str(self.ledger("enter_supplier_invoice", body=body, file=kept)["number"])

    def approve(self, **arguments: Any) -> dict[str, Any]:
        """People in Basware approved an invoice: it waits for the ledger."""
        given = {"supplier_code": "50012", "cost_center": "10", "tax_code": "25", "account": "4000", **arguments}
        coded = {"row_fields": {"dimCode1": "100"}} if "order_number" not in arguments else {}
        return dict(self.at_basware("invoice", **{**coded, **given}))

    def at_basware(self, verb: str, **arguments: Any) -> Any:
        return self.basware.control(verb, arguments, self.clock.now())

    def fail_basware(self, operation: str, effect: str | dict[str, Any], **rule: Any) -> str:
        """From now on this call to Basware fails in this way (once, unless `times` says otherwise)."""
        return self.basware.add({"match": {"operation": operation}, "effect": effect, **rule})

    def read(self) -> None:
        """Both systems are read now."""
        for connection_id in (self.visma_id, self.basware_id):
            with self.works.database.writing() as c:
                cursors.make_due(c, connection_id, now=self.works.now())
        self.run()

    def settle(self, seconds: float = 900, *, step: float = 30) -> None:
        """Both are read, and time passes until all is at rest."""
        self.read()
        self.pass_time(seconds, step=step)

    # ------------------------------------------------------------------------------------------ what came of it

    def there(self, resource: str) -> list[dict[str, Any]]:
        """What P2P itself holds of a resource."""
        rows = self.at_basware("truth", resource=resource)["records"].get(resource, {})
        return [row["target"] for row in rows.values() if row["target"] is not None]

    def codes(self, resource: str, name: str) -> set[str]:
        return {row[name] for row in self.there(resource)}

    def document(self, invoice_id: str) -> dict[str, Any]:
        return dict(self.at_basware("truth")["documents"][invoice_id])

    def supplier_invoices(self) -> list[dict[str, Any]]:
        """What stands in the supplier ledger's vouchers, one for each invoice."""
        return [one for one in self.books() if one["module"] == "AP"]
