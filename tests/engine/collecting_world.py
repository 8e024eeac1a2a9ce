"""A small world whose invoices are written in the ledger and collected by Stripe."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import httpx2

from ml_connector.connectors.stripe import VERSION
from ml_connector.engine import connecting, rulebooks, ruling, setup
from ml_connector.finance.rulebook import Terms
from ml_connector.store import cursors
from ml_connector.store.connection_rows import ConnectionRow
from ml_connector_sandbox.core.faults import Faulty
from ml_connector_sandbox.core.wire import Request
from ml_connector_sandbox.stripe import Stripe
from tests.engine.told_world import ToldWorld, brought
from tests.engine.world import GO_LIVE, SQUARE_URL, VISMA_URL

CLEARING = {"SEK": "1583", "EUR": "1595"}
BANK, FEES, RECEIVABLE = "1930", "6570", "1510"
CUSTOMER = "10010"


class CollectingWorld(ToldWorld):
    """Pretend Visma and Stripe. Both are read by polling; Stripe's own delays are none."""

    def __init__(self, database_url: str, folder: Path, *, inbox_url: str | None = None, seed: int = 1) -> None:
        super().__init__(database_url, folder, inbox_url=inbox_url, seed=seed)
        self.stripe = Faulty(Stripe(seed=seed, time_scale=0), seed=seed)
        self.lacking: tuple[str, ...] = ()  # permissions that a restricted key of ours lacks; none: a secret key

    def open_books(self, *, posting: str = "on", **terms: Any) -> None:
        """A company in SEK, a Stripe account, and the route that sends invoices out."""
        now = self.clock.now()
        accounts = [
            {"number": number, "description": number, "type": "Asset", "currency": currency, "cash": True}
            for currency, number in CLEARING.items()
        ]
        self.company = self.visma.control("seed_company", {"base_currency": "SEK", "accounts": accounts}, now)
        self.account = self.stripe.control("seed_account", {"name": "Seller"}, now)
        self.key = self._restricted() if self.lacking else str(self.account["secret_key"])
        self.workspace = setup.init(self.works)
        self.visma_id = connecting.connect(
            self.works, self.workspace, connector="visma", code="vn", title="Visma", by="test", base_url=VISMA_URL,
            credentials={key: self.company[key] for key in ("client_id", "client_secret", "tenant_id")},
            settings={"token_url": f"{VISMA_URL}/connect/token"},
        )  # fmt: skip
        self.company_id = setup.add_company(
            self.works, self.workspace, connection_id=self.visma_id, name="Seller AB", time_zone="Europe/Stockholm",
            go_live=GO_LIVE, by="test",
        )  # fmt: skip
        self.stripe_id = connecting.connect(
            self.works, self.workspace, connector="stripe", code="st", title="Stripe", by="test", base_url=SQUARE_URL,
            credentials={"api_key": self.key}, settings={},
        )  # fmt: skip
        shipped = tomllib.loads(brought("stripe_terms.toml"))
        self.terms = ruling.parse_terms({**shipped, "collect": "all", **terms}, base=Terms(code="st"))
        self.book = rulebooks.read(brought("stripe_rules.toml"), form="toml")
        self.route_id = self._route("visma_to_stripe", self.visma_id, self.stripe_id, posting=posting)

    def open_the_way_back(self, *, posting: str = "on") -> None:
        """The route that brings back what became of the invoices, and of all money at Stripe."""
        self.back_id = self._route("stripe_to_visma", self.stripe_id, self.visma_id, posting=posting)

    def _restricted(self) -> str:
        """A restricted key with every permission but `lacking`."""
        everything = self.at_stripe("key", grants="all")["grants"]
        return str(self.at_stripe("key", grants={**everything, **dict.fromkeys(self.lacking, "none")})["secret"])

    def _route(self, flow: str, source_id: str, target_id: str, *, posting: str) -> str:
        route_id = setup.add_route(
            self.works, company_id=self.company_id, flow=flow, source_id=source_id, target_id=target_id,
            terms=self.terms, posting=posting, by="test",
        )  # fmt: skip
        ruling.save_rules(self.works, route_id, self.book, by="test")
        return route_id

    def _transport(self, connection: ConnectionRow) -> httpx2.BaseTransport:
        vendor = {"visma": self.visma, "stripe": self.stripe}[connection.connector]
        return httpx2.MockTransport(lambda request: self._answer(vendor, request))

    # ------------------------------------------------------------------------------------------ what people do in Visma

    def invoice(self, net: int = 1000, *, vat: str = "25", customer: str = CUSTOMER, **header: Any) -> str:
        """Somebody writes and releases a customer invoice: its number."""
        day = self.clock.now().strftime("%Y-%m-%dT00:00:00")
        line = {"accountNumber": "3001", "quantity": 1, "unitPriceInCurrency": net, "vatCodeId": vat}
        line |= {"description": "Work"}
        fields = {"customerNumber": customer, "documentDate": day, "hold": False, "dontPrint": True, "dontEmail": True}
        body = {**_wrapped({**fields, **header}), "invoiceLines": [{"operation": "Insert", **_wrapped(line)}]}
        number = str(self.ledger("by_hand", path="/v2/customerinvoice", body=body)["number"])
        self.ledger("by_hand", path=f"/v1/customerinvoice/{number}/action/release", body={})
        return number

    def pay_to_bank(self, number: str, amount: float, *, account: str = "1930", method: str = "BANK") -> str:
        """Somebody books a bank payment on an invoice."""
        day = self.clock.now().strftime("%Y-%m-%dT00:00:00")
        applied = {"documentType": "Invoice", "refNbr": number, "amountPaid": amount}
        fields = {
            "type": "Payment", "customer": CUSTOMER, "paymentMethod": method, "cashAccount": account,
            "applicationDate": day, "paymentRef": f"bank {number}", "hold": False, "paymentAmount": amount,
        }  # fmt: skip
        body = {**_wrapped(fields), "paymentLines": [{"operation": "Insert", **_wrapped(applied)}]}
        paid = str(self.ledger("by_hand", path="/v1/customerPayment", body=body)["number"])
        self.ledger("by_hand", path=f"/v1/customerPayment/{paid}/action/release", body=_wrapped({"type": "Payment"}))
        return paid

    def credit(self, number: str) -> None:
        """Somebody credits an invoice whole."""
        self.ledger("by_hand", path=f"/v1/customerinvoice/{number}/action/reverseandapplytonote", body={})

    def credit_by_hand(self, net: int, *, account: str, vat: str, against: tuple[str, str]) -> str:
        """Somebody writes and releases a credit note on an account, put against a document: its number."""
        day = self.clock.now().strftime("%Y-%m-%dT00:00:00")
        line = {"accountNumber": account, "quantity": 1, "unitPriceInCurrency": net, "vatCodeId": vat}
        applied = {"documentType": against[0], "refNbr": against[1], "amountPaid": net}
        fields = {"customerNumber": CUSTOMER, "documentDate": day, "hold": False, "dontPrint": True, "dontEmail": True}
        body = {
            **_wrapped(fields), "lines": [{"operation": "Insert", **_wrapped(line)}],
            "applicationLines": [{"operation": "Insert", **_wrapped(applied)}],
        }  # fmt: skip
        number = str(self.ledger("by_hand", path="/v2/customerCreditNote", body=body)["number"])
        self.ledger("by_hand", path=f"/v1/customerCreditNote/{number}/action/release", body={})
        return number

    def in_stripe(self, path: str, form: str, method: str = "POST") -> None:
        """Somebody works in Stripe's own dashboard."""
        headers = {
            "authorization": f"Bearer {self.account['secret_key']}", "stripe-version": VERSION,
            "content-type": "application/x-www-form-urlencoded",
        }  # fmt: skip
        answer = self.stripe.vendor.answer(Request(method, path, "", headers, form.encode()), self.clock.now())
        assert answer.status == 200, answer.body

    # ------------------------------------------------------------------------------------------ what came of it

    def look(self, *, seconds: float = 400, step: float = 20) -> None:
        """Both sides are read now; time passes until everything has come to rest."""
        for connection_id in (self.visma_id, self.stripe_id):
            with self.works.database.writing() as c:
                cursors.make_due(c, connection_id, now=self.works.now())
        self.run()
        self.pass_time(seconds, step=step)

    def at_stripe(self, verb: str, **arguments: Any) -> Any:
        """Something that happens at Stripe."""
        return self.stripe.control(verb, arguments, self.clock.now())

    def balance(self, account: str) -> str:
        """Debit less credit of an account that has one currency, as the pretend ledger has it."""
        found = self.ledger("balances")["accounts"].get(account, {})
        return str(next(iter(found.values()), "0"))

    def open_amount(self, number: str) -> float:
        """What is open of an invoice in the ledger."""
        found = self.ledger("by_hand", method="GET", path=f"/v1/customerinvoice/{number}")["body"]
        return float(found["balanceInCurrency"])

    def there(self) -> list[dict[str, Any]]:
        """Every invoice that Stripe has."""
        found = self.stripe.control("truth", {"detail": True}, self.clock.now())["objects"]
        return list(found.get("invoice", ()))


def _wrapped(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: {"value": value} for name, value in fields.items()}
