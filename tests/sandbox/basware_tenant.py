"""A seeded Basware tenant with a clock of its own, for tests of the pretend Basware."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from ml_connector_sandbox.basware import Basware
from ml_connector_sandbox.core.wire import Delivery, Request, Response

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOOK = "https://hooks.example.test/basware"
SECRET = "bw-webhook-secret-0001"


def basic(name: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


@dataclass
class Office:
    """`call` answers (status, body) with a token of all scopes; `do` runs a control verb."""

    basware: Basware = field(default_factory=Basware)
    now: datetime = START
    facts: dict[str, Any] = field(default_factory=dict)
    log: list[tuple[str, int, Any, Any]] = field(default_factory=list)  # operation, status, request body, answer
    request_id: str = ""

    def __post_init__(self) -> None:
        companies = [
            {"code": "NO01", "name": "Demo AS", "currency": "NOK", "endpoint": "987654321"},
            {"code": "SE01", "name": "Exempel AB", "currency": "SEK", "elements": ["SE01", "SE01-LAGER"]},
        ]
        self.facts = self.facts or self.do("seed_tenant", companies=companies)
        self._token, self._granted = "", self.now

    def do(self, verb: str, **arguments: Any) -> Any:
        return self.basware.control(verb, arguments, self.now)

    def wait(self, **duration: float) -> None:
        self.now += timedelta(**duration)

    def settle(self) -> None:
        """A minute later everything that was sent has been worked on."""
        self.wait(minutes=1)

    def grant(self, *scopes: str, secret: str = "", facts: dict[str, Any] | None = None) -> tuple[int, Any]:
        facts = facts or self.facts
        headers = {
            "authorization": basic(facts["client_id"], secret or facts["client_secret"]),
            "content-type": "application/x-www-form-urlencoded",
        }
        form = urlencode({"grant_type": "client_credentials", "scope": " ".join(scopes or facts["scopes"])})
        answer = self.basware.answer(Request("POST", "/v1/tokens", "", headers, form.encode()), self.now)
        body = json.loads(answer.body)
        self.log.append(("POST /v1/tokens", answer.status, None, body))
        return answer.status, body

    def token(self) -> str:
        if not self._token or self.now - self._granted > timedelta(minutes=50):
            self._granted = self.now
            self._token = str(self.grant()[1]["access_token"])
        return self._token

    def renew(self) -> None:
        self._token = ""

    def send(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None, **query: Any
    ) -> Response:
        sent = {"content-type": "application/json"} if body is not None else {}
        sent |= {"authorization": f"Bearer {self.token()}"} | (headers or {})
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        request = Request(method, path, urlencode(query), {k: v for k, v in sent.items() if v}, raw)
        answer = self.basware.answer(request, self.now)
        self.request_id = dict(answer.headers)["x-amzn-RequestId"]
        return answer

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        answer = self.send(method, path, body, **more)
        operation = self.basware.operation(Request(method, path))
        if answer.status == 302:
            self.log.append((operation, 302, body, None))
            answer = self.follow(answer)
        kind = dict(answer.headers).get("Content-Type", "")
        parsed = json.loads(answer.body) if answer.body and "json" in kind else answer.body or None
        self.log.append((operation, answer.status, body, parsed))
        return answer.status, parsed

    def follow(self, answer: Response, **headers: str) -> Response:
        """The answer behind a redirect, fetched without credentials unless they are given."""
        place = urlsplit(dict(answer.headers)["Location"])
        return self.basware.answer(Request("GET", place.path, place.query, headers, b"", place.netloc), self.now)

    def get(self, path: str, **query: Any) -> Any:
        status, body = self.call("GET", path, **query)
        assert status == 200, (status, body)
        return body

    def post(self, path: str, body: Any = None) -> Any:
        status, answer = self.call("POST", path, body)
        assert status == 200, (status, answer)
        return answer

    def refused(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, str]:
        """The status and the first error's code ("" without a body)."""
        status, answer = self.call(method, path, body, **more)
        assert status >= 400, answer
        errors = (answer or {}).get("errors") or (answer or {}).get("errorMessages") or [{"code": ""}]
        return status, errors[0]["code"]

    def items(self, request_id: str = "") -> dict[str, str]:
        """externalCode -> status of a request (default: the last one)."""
        row = self.get(f"/v1/requestStatus/{request_id or self.request_id}")["requestStatus"][0]
        return {item["externalCode"]: item["status"] for item in row["systems"][0]["items"]}

    def told(self, request_id: str) -> list[str]:
        """The messages of a request's items."""
        row = self.get(f"/v1/requestStatus/{request_id}")["requestStatus"][0]
        return [e["message"] for item in row["systems"][0]["items"] for e in item["errors"] or []]

    def outcome(self, path: str, body: Any, method: str = "POST") -> str:
        """Send one record, wait, and give its item's status."""
        status, answer = self.call(method, path, body)
        assert status == 200, (status, answer)
        request_id = self.request_id
        self.settle()
        return next(iter(self.items(request_id).values()))

    def subscribe(self, kind: str = "AccountingDocuments", subtype: str = "All", url: str = HOOK) -> Any:
        row = {
            "taskType": kind, "taskSubType": subtype, "subscriptionType": "Webhook",
            "notificationWebhookURL": url, "webhookAuthenticationToken": SECRET,
        }  # fmt: skip
        return self.post("/v1/subscriptions", [row])

    def due(self, status: int | None = 200) -> list[Delivery]:
        """The deliveries due now, each ended with that status."""
        taken = self.basware.deliveries(self.now)
        for delivery in taken:
            self.basware.delivered(delivery, status, self.now)
        return taken


def company(code: str = "NO01", **more: Any) -> dict[str, Any]:
    return {"companyCode": code, "active": True} | more


def term(code: str = "30", **more: Any) -> dict[str, Any]:
    named = [{"language": "en-US", "translation": f"{code} days"}]
    return {
        "externalCode": f"term-{code}", "paymentTermCode": code, "paymentTermNames": named, "dueDateCalc": 1,
        "dueDateDays": 30, "validFrom": "2020-01-01", "validTo": "9999-12-31",
        "companies": [company(inherit=True), company("SE01", inherit=True)],
    } | more  # fmt: skip


def tax_code(code: str = "25", **more: Any) -> dict[str, Any]:
    named = [{"language": "en-US", "translation": f"VAT {code}"}]
    rows = [company(inherit=True), company("SE01", inherit=True)]
    return {
        "externalCode": f"tax-{code}", "taxCode": code, "taxCodeNames": named, "taxPercentage": 25, "companies": rows,
    } | more  # fmt: skip


def account(code: str = "6540", **more: Any) -> dict[str, Any]:
    named = [{"language": "en-US", "translation": "Furniture"}]
    rows = [company(inherit=True)]
    return {"externalCode": f"acc-{code}", "accountCode": code, "accountNames": named, "companies": rows} | more


def cost_center(code: str = "100", **more: Any) -> dict[str, Any]:
    named = [{"language": "en-US", "translation": "Oslo"}]
    rows = [company()]
    return {"externalCode": f"cc-{code}", "costCenterCode": code, "costCenterNames": named, "companies": rows} | more


def vendor(code: str = "50012", **more: Any) -> dict[str, Any]:
    bank = {
        "financialInstitution": {"name": "Testbanken", "id": "TESTNOKK", "schemeId": "BIC"},
        "financialAccountIdentifiers": [{"schemeId": "IBAN", "id": "NO9386011117947", "default": True}],
    }
    return {
        "externalCode": f"vendor-{code}", "vendorCode": code, "name": "Nordlys Kontor AS",
        "companies": [{"companyCode": "NO01", "inheritToChildUnits": True}],
        "identifiers": [{"id": "NO912345678MVA", "schemeId": "VAT"}], "paymentTerms": {"paymentTermCode": "30"},
        "paymentMeans": [
            {"paymentMeansCode": "BANK", "currencyCode": "NOK", "default": True, "financialAccounts": [bank]}
        ],
        "processingStatus": {"active": True, "paymentDenied": False},
    } | more  # fmt: skip


def order(number: str = "PO000123", **more: Any) -> dict[str, Any]:
    return {
        "externalCode": f"order-{number}", "orderNumber": number, "sourceSystem": "VISMANET-1", "companyCode": "NO01",
        "organizationElementCode": "NO01", "currencyCode": "NOK", "supplierCode": "50012", "created": "2026-02-03",
        "paymentTermCode": "30", "isClosed": False,
    } | more  # fmt: skip


def line(number: str = "1", order_number: str = "PO000123", **more: Any) -> dict[str, Any]:
    coding = {
        "externalCode": f"coding-{order_number}-{number}", "rowIndex": 1, "allocatedQuantity": 10,
        "accountCode": "6540", "costCenterCode": "100",
    }  # fmt: skip
    return {
        "externalCode": f"line-{order_number}-{number}", "orderExternalCode": f"order-{order_number}",
        "lineNumber": number, "quantity": 10, "matchingMode": "Standard", "netPrice": 1000.5, "uom": "C62",
        "taxCode": "25", "taxPercent": 25, "isReceiptRequired": True, "isReceiptBasedMatching": True,
        "isOverreceivalAllowed": False, "isClosed": False, "isDeleted": False, "orderLineCoding": [coding],
    } | more  # fmt: skip


def receipt(number: str, quantity: float, **more: Any) -> dict[str, Any]:
    return {
        "externalCode": f"receipt-{number}", "goodsReceiptNumber": number, "quantity": quantity, "netPrice": 1000.5,
        "goodsReceiptLineNumber": "1", "deliveryDate": "2026-02-10",
    } | more  # fmt: skip


def furnished(**more: Any) -> Office:
    """An office whose reference data, vendor, order and one line are in the target system."""
    office = Office(**more)
    for resource, records in (
        ("paymentTerms", [term()]), ("taxCodes", [tax_code()]), ("accounts", [account()]),
        ("costCenters", [cost_center()]), ("vendors", [vendor()]), ("matchingOrders", [order()]),
        ("matchingOrderLines", [line(goodsReceipts=[receipt("R1", 4), receipt("R2", 6)])]),
    ):  # fmt: skip
        office.do("seed_records", resource=resource, records=records)
    return office
