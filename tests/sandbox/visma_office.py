"""A company in the pretend ERP and a client of it, with a clock of its own and readable defaults."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from ml_connector_sandbox.core.faults import Faulty
from ml_connector_sandbox.core.wire import Request, Response
from ml_connector_sandbox.visma import Visma

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
SCOPES = " ".join(f"vismanet_erp_service_api:{verb}" for verb in ("read", "create", "update", "delete"))
Json = Any


def wrapped(**fields: Any) -> dict[str, Any]:
    """`{"a": {"value": 1}}` of `a=1`; lists and the bare operation stay as they are."""
    return {
        name: value if isinstance(value, list) or name == "operation" else {"value": value}
        for name, value in fields.items()
    }


def segments(*pairs: tuple[int, str]) -> list[dict[str, Any]]:
    return [{"segmentId": number, "segmentValue": value} for number, value in pairs]


def journal_line(account: str, *, debit: float = 0, credit: float = 0, **more: Any) -> dict[str, Any]:
    amounts = {"debitAmountInCurrency": debit, "creditAmountInCurrency": credit}
    return wrapped(operation="Insert", accountNumber=account, referenceNumber="r1", **amounts, **more)


def journal(*lines: dict[str, Any], **header: Any) -> dict[str, Any]:
    """A balanced voucher of 10 March 2026 unless told otherwise."""
    rows = list(lines) or [journal_line("1910", debit=100), journal_line("3004", credit=100)]
    return wrapped(**{"transactionDate": "2026-03-10T00:00:00", "hold": False, **header}, journalTransactionLines=rows)


def invoice(*lines: dict[str, Any], rows_in: str = "invoiceLines", **header: Any) -> dict[str, Any]:
    """1 000.00 net with 25 % to Nordlys unless told otherwise."""
    rows = list(lines) or [document_line("3001", 1000, "25")]
    defaults = {"customerNumber": "10010", "documentDate": "2026-03-10T00:00:00", "hold": False, "dontPrint": True}
    return wrapped(**{**defaults, "dontEmail": True, **header}, **{rows_in: rows})


def document_line(account: str, price: float, vat: str, **more: Any) -> dict[str, Any]:
    return wrapped(
        operation="Insert", accountNumber=account, quantity=1, unitPriceInCurrency=price, vatCodeId=vat, **more
    )


def payment(amount: float, *applied: tuple[str, str, float], **header: Any) -> dict[str, Any]:
    """Money on the SEK clearing account from Nordlys, applied to (document type, number, amount)."""
    rows = [wrapped(operation="Insert", documentType=kind, refNbr=nr, amountPaid=paid) for kind, nr, paid in applied]
    defaults = {"type": "Payment", "customer": "10010", "paymentMethod": "SQUARE", "cashAccount": "1582"}
    dates = {"applicationDate": "2026-03-11T00:00:00", "paymentRef": "token12345", "hold": False}
    return wrapped(**{**defaults, **dates, "paymentAmount": amount, **header}, paymentLines=rows)


@dataclass
class Office:
    """One company with an approved client. `at` is the vendor's clock; every call is answered at it."""

    vendor: Faulty
    company: dict[str, Any]
    at: datetime = NOON
    token: str = ""
    last: Response = field(default_factory=lambda: Response(0))

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        route, _, query = path.partition("?")
        sent = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        sent |= {name.replace("_", "-").lower(): value for name, value in headers.items()}
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        self.last = self.vendor.answer(Request(method, route, query, sent, raw, host="erp.test"), self.at)
        return self.last

    def get(self, path: str, **headers: str) -> Json:
        answer = self.call("GET", path, **headers)
        assert answer.status == 200, (answer.status, answer.body)
        return json.loads(answer.body)

    def create(self, path: str, body: Any) -> str:
        """Create and give the new number."""
        answer = self.call("POST", path, body)
        assert answer.status == 201, (answer.status, answer.body)
        assert answer.body == b""
        return header(answer, "Location").rsplit("/", 1)[1]

    def act(self, path: str, body: Any = None) -> dict[str, Any]:
        """Do an action and give its result, from the answer or from the job's content."""
        answer = self.call("POST", path, body)
        if answer.status == 202:
            job = self.get("/v1/background/" + json.loads(answer.body)["id"])
            assert job["status"] == "Finished", job
            return dict(self.get(f"/v1/background/{job['id']}/content"))
        assert answer.status == 200, (answer.status, answer.body)
        return dict(json.loads(answer.body))

    def refused(self, method: str, path: str, body: Any = None, status: int = 400) -> str:
        """Demand a refusal and give its message."""
        answer = self.call(method, path, body)
        if answer.status == 202:
            job = self.get("/v1/background/" + json.loads(answer.body)["id"])
            assert (job["status"], job["statusCode"]) == ("Failed", status), job
            return str(job["errorMessage"])
        assert answer.status == status, (answer.status, answer.body)
        content = json.loads(answer.body)
        return str(content.get("message") or content.get("modelState"))

    def control(self, verb: str, **arguments: Any) -> Any:
        return self.vendor.control(verb, {"tenant_id": self.company["tenant_id"], **arguments}, self.at)

    def books(self, **arguments: Any) -> list[dict[str, Any]]:
        return list(self.control("books", **arguments)["vouchers"])

    def balance(self, account: str, currency: str = "SEK") -> str:
        return str(self.control("balances")["accounts"].get(account, {}).get(currency, "0"))

    def wait(self, **span: float) -> None:
        self.at += timedelta(**span)


def header(answer: Response, name: str) -> str:
    return next(value for known, value in answer.headers if known.lower() == name.lower())


def token_answer(vendor: Faulty, company: dict[str, Any], at: datetime = NOON, **changes: str) -> Response:
    form = {
        "grant_type": "client_credentials",
        "client_id": company["client_id"],
        "client_secret": company["client_secret"],
        "tenant_id": company["tenant_id"],
        "scope": SCOPES,
        **changes,
    }
    return vendor.answer(Request("POST", "/connect/token", body=urlencode(form).encode()), at)


def office(vendor: Faulty | None = None, **arguments: Any) -> Office:
    """A fresh company with a token."""
    held = vendor or Faulty(Visma(seed=7), seed=7)
    company = held.control("seed_company", arguments, NOON)
    return Office(held, company, token=json.loads(token_answer(held, company).body)["access_token"])
