"""Contents, contexts and a fake Visma behind the HTTP transport, with readable defaults."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx2

from ml_connector.clock import HandClock
from ml_connector.connectors.http import Http, Meter, Reach
from ml_connector.connectors.shapes import Context
from ml_connector.connectors.visma import CONNECTOR, open_reader, open_writer
from ml_connector.connectors.visma.reader import VismaReader
from ml_connector.connectors.visma.writer import VismaWriter
from ml_connector.finance.invoices import (
    CustomerInvoice,
    CustomerPayment,
    InvoiceLine,
    SupplierInvoice,
    SupplierInvoiceLine,
)
from ml_connector.finance.journal import JournalEntry, Posting
from ml_connector.finance.money import Money
from ml_connector.vault.tokens import TokenCache

NOON = datetime(2025, 3, 31, 12, 0, tzinfo=UTC)
BASE = "https://api.finance.visma.net"
CREDENTIALS = {"client_id": "isv_test", "client_secret": "hush-hush", "tenant_id": "t-1"}

Answering = Callable[[httpx2.Request], httpx2.Response]


def nok(amount: str) -> Money:
    return Money.of(amount, "NOK")


def posting(account: str, amount: str, **changes: Any) -> Posting:
    given: dict[str, Any] = {"role": "sales", "source": "sq:sale:O1", "reference": "9f2c41", "text": "Salaries"}
    return Posting(account, nok(amount), **{**given, **changes})


def payroll(**changes: Any) -> JournalEntry:
    """The fact sheet's own example of a journal."""
    lines = (
        posting("5000", "1000", dimensions=((1, "10"),), text="Salaries", source=""),
        posting("2930", "-1000", dimensions=((1, "10"),), text="Salaries payable", source=""),
    )
    given: dict[str, Any] = {"day": date(2025, 3, 31), "currency": "NOK", "postings": lines, "text": "Payroll 2025-03"}
    return JournalEntry(**{**given, "ledger": "1", "branch": "1", **changes})


def sale(**changes: Any) -> JournalEntry:
    """A sale of 125.00 with 25 % VAT."""
    lines = (
        posting("1580", "125", role="clearing", text="Card"),
        posting("3000", "-100", dimensions=((1, "10"),), vat_code="3", vat_rate=Decimal(25), text="Sales"),
        posting("2700", "-25", role="vat", vat_code="3", vat_id="3", vat_rate=Decimal(25), text="VAT"),
    )
    given: dict[str, Any] = {"day": date(2025, 3, 31), "currency": "NOK", "postings": lines, "text": "Sales"}
    return JournalEntry(**{**given, "vat_transaction": True, **changes})


def invoice(**changes: Any) -> CustomerInvoice:
    """Two hours of consulting, as in the fact sheet, with 25 % VAT."""
    line = InvoiceLine("3000", nok("1000"), "3", "Hours", dimensions=((1, "10"),), vat=nok("250"))
    given: dict[str, Any] = {
        "kind": "customer_invoice",
        "customer": "10045",
        "day": date(2025, 4, 2),
        "due_on": None,
        "currency": "NOK",
        "lines": (line,),
        "total": nok("1250"),
        "vat_total": nok("250"),
        "reference": "PO 4711",
        "source": "sq:inv:I1",
        "text": "April",
        "branch": "1",
    }
    return CustomerInvoice(**{**given, **changes})


def payment(**changes: Any) -> CustomerPayment:
    given: dict[str, Any] = {
        "kind": "payment",
        "customer": "10045",
        "day": date(2025, 4, 3),
        "cash_account": "1580",
        "method": "CARD",
        "amount": nok("1250"),
        "source": "sq:pay:P1",
    }
    return CustomerPayment(**{**given, **changes})


def supplier_invoice(**changes: Any) -> SupplierInvoice:
    given: dict[str, Any] = {
        "supplier": "50000",
        "day": date(2025, 4, 3),
        "due_on": date(2025, 5, 3),
        "currency": "NOK",
        "lines": (SupplierInvoiceLine("6540", nok("400"), "1", "Fees"),),
        "total": nok("500"),
        "vat_total": nok("100"),
        "reference": "F-77",
        "source": "sq:fee:2025-03",
    }
    return SupplierInvoice(**{**given, **changes})


def context(token: str = "tok0000001", **changes: Any) -> Context:
    return Context(**{"token": token, "key": f"sq:sale:{token}", "started_at": NOON, **changes})


@dataclass
class FakeVisma:
    """Answers by method and path prefix, in the order they were laid down; what was not expected fails the test."""

    answers: list[tuple[str, str, Answering]] = field(default_factory=list)
    requests: list[httpx2.Request] = field(default_factory=list)
    token: Answering = lambda _: httpx2.Response(200, json={"access_token": "T", "expires_in": 3600})

    def on(self, method: str, path: str, status: int = 200, content: Any = None, **headers: str) -> FakeVisma:
        """Every call of this method whose path begins so is answered so."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}

        def answer(_: httpx2.Request) -> httpx2.Response:
            raw = b"" if content is None else content if isinstance(content, bytes) else json.dumps(content).encode()
            return httpx2.Response(status, content=raw, headers=named)

        return self.by(method, path, answer)

    def by(self, method: str, path: str, answer: Answering) -> FakeVisma:
        self.answers.append((method, path, answer))
        return self

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        if request.url.path == "/connect/token":
            return self.token(request)
        assert request.headers["authorization"].startswith("Bearer "), "a call without its token"
        for method, path, answer in self.answers:
            if request.method == method and request.url.path.startswith(path):
                return answer(request)
        raise AssertionError(f"{request.method} {request.url} was not expected")

    def calls(self, method: str | None = None) -> list[str]:
        """The API calls so far, without those for tokens."""
        shown = [r for r in self.requests if r.url.path != "/connect/token" and method in (None, r.method)]
        return [f"{r.method} {r.url.path}" for r in shown]

    def last(self) -> httpx2.Request:
        return self.requests[-1]

    def body(self) -> Any:
        """The JSON of the last request, numbers exact."""
        return json.loads(self.last().content, parse_float=Decimal)


def http(transport: Answering, base_url: str = BASE, meter: Meter | None = None) -> Http:
    allowed = frozenset() if base_url.startswith("https") else frozenset({"/".join(base_url.split("/")[:3])})
    reach = Reach(base_url, frozenset(CONNECTOR.hosts), allowed)
    return Http(reach, transport=httpx2.MockTransport(transport), meter=meter)


def writer(
    transport: Answering, *, clock: HandClock | None = None, meter: Meter | None = None, **settings: str
) -> VismaWriter:
    clock = clock or HandClock(NOON)
    there = http(transport, settings.get("base_url", BASE), meter)
    return open_writer(there, CREDENTIALS, settings, tokens=TokenCache(clock), clock=clock)


def reader(transport: Answering, **settings: str) -> VismaReader:
    clock = HandClock(NOON)
    there = http(transport, settings.get("base_url", BASE))
    return open_reader(there, CREDENTIALS, settings, tokens=TokenCache(clock), clock=clock)


def batch(number: str, *, token: str = "", status: str = "Balanced", lines: int = 2, **changes: Any) -> dict[str, Any]:
    """A journal batch as the API shows it: 100.00 debit on the first line, credit on the others."""
    share = Decimal(100) / (lines - 1)
    rows = [line_row(n, "1580" if n == 1 else "3000", Decimal(100) if n == 1 else -share) for n in range(1, lines + 1)]
    row = {
        "module": "ModuleGL",
        "batchNumber": number,
        "status": status,
        "transactionDate": "2025-03-31T00:00:00",
        "financialPeriod": "202503",
        "currencyId": "NOK",
        "description": f"Sales [{token}]" if token else "Somebody else's",
        "debitTotal": 100.0,
        "debitTotalInCurrency": 100.0,
        "creditTotalInCurrency": 100.0,
        "lastModifiedDateTime": "2025-03-31T14:00:01.5",
        "timeStamp": "AAAAAE0YIiI=",
        "journalTransactionLines": rows,
    }
    return {**row, **changes}


def line_row(n: int, account: str, amount: Decimal) -> dict[str, Any]:
    return {
        "lineNumber": n,
        "accountNumber": account,
        "referenceNumber": "9f2c41",
        "debitAmountInCurrency": float(max(amount, Decimal(0))),
        "creditAmountInCurrency": float(max(-amount, Decimal(0))),
    }


def line_pages(batches: Sequence[Mapping[str, Any]], *, size: int) -> Answering:
    """A journal list as the vendor pages it: by lines, so that a batch may be cut by a page's end."""
    flat = [(row, line) for row in batches for line in row["journalTransactionLines"]]

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked = min(int(request.url.params["pageSize"]), size)
        start = (int(request.url.params["pageNumber"]) - 1) * asked
        shown: list[dict[str, Any]] = []
        for row, line in flat[start : start + asked]:
            if shown and shown[-1]["batchNumber"] == row["batchNumber"]:
                shown[-1]["journalTransactionLines"].append(line)
            else:
                told = {"totalCount": len(flat), "maxPageSize": size}
                shown.append({**row, "journalTransactionLines": [line], "metadata": told})
        return httpx2.Response(200, json=shown)

    return answer
