"""Many released customer invoices at once, entered by the very code that enters one, for measuring what reads them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ml_connector_sandbox.core.wire import Request
from ml_connector_sandbox.visma.company import Company
from ml_connector_sandbox.visma.refusal import Refusal

if TYPE_CHECKING:
    from ml_connector_sandbox.visma.vendor import Visma

Row = dict[str, Any]
MOST = 20_000
_VAT = {"25": 125, "12": 112, "6": 106}  # percent of the net that the gross is


def invoice_many(vendor: Visma, company: Company, arguments: Row, at: datetime) -> Row:
    """`n` invoices dated today, to `customers` in turn: numbers, or how many new ones to make. Numbers, and the sum.

    Raises ValueError for a number out of range and for what the ERP refuses.
    """
    n, wanted = int(arguments["n"]), arguments.get("customers", 1)
    if not 0 < n <= MOST:
        raise ValueError(f"Make 1 to {MOST} invoices.")
    act = _Person(vendor, company, at)
    known = [str(one) for one in wanted] if isinstance(wanted, list) else [act.customer() for _ in range(int(wanted))]
    vat = str(arguments.get("vat", "25"))
    nets = [100 + vendor.random.randrange(9_900) for _ in range(n)]
    numbers = [act.invoice(known[k % len(known)], net, vat) for k, net in enumerate(nets)]
    return {"n": n, "customers": known, "numbers": numbers, "gross_minor": sum(net * _VAT[vat] for net in nets)}


class _Person:
    """Somebody who works in the program."""

    def __init__(self, vendor: Visma, company: Company, at: datetime) -> None:
        self._vendor, self._company, self._at = vendor, company, at
        self._day = company.local(at).strftime("%Y-%m-%dT00:00:00")

    def customer(self) -> str:
        """A new customer that has all that an invoice by mail needs."""
        n = len(self._company.customers) + 1
        name = f"Buyer {n}"
        contact = {"email": {"value": f"buyer{n}@example.com"}}
        body = {"name": {"value": name}, "mainContact": {"value": contact}, "invoiceContact": {"value": contact}}
        return self._do("/v1/customer", {**body, "corporateId": {"value": f"55{n:08d}"}})

    def invoice(self, customer: str, net: int, vat: str) -> str:
        """One line of whole units of money, released."""
        line = {"accountNumber": "3001", "quantity": 1, "unitPriceInCurrency": net, "vatCodeId": vat}
        header = {"customerNumber": customer, "documentDate": self._day, "hold": False}
        header |= {"dontPrint": True, "dontEmail": True}
        lines = [{"operation": "Insert", **_wrapped({**line, "description": "Work"})}]
        number = self._do("/v2/customerinvoice", {**_wrapped(header), "invoiceLines": lines})
        self._do(f"/v1/customerinvoice/{number}/action/release", {})
        return number

    def _do(self, path: str, body: Row) -> str:
        headers = {"content-type": "application/json", "host": "program"}
        asked = Request("POST", path, "", headers, json.dumps(body).encode())
        try:
            done = self._vendor.by_hand(self._company, asked, self._at)
        except Refusal as refusal:
            raise ValueError(f"{path}: {refusal.message}") from refusal
        return next((value for name, value in done.headers if name.lower() == "location"), "").rpartition("/")[2]


def _wrapped(fields: Row) -> Row:
    return {name: {"value": value} for name, value in fields.items()}
