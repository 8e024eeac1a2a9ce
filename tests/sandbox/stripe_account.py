"""A seeded Stripe account with a clock of its own, for tests of the pretend Stripe."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from ml_connector_sandbox.core.wire import Delivery, Request, Response
from ml_connector_sandbox.stripe import Stripe

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
VERSION = "2026-10-28.endive"
HOOK = "https://hooks.example.test/stripe"


def flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Parameters as form fields: `a[b]`, numbered lists."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flat(inner, f"{name}[{key}]" if name else str(key))
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from flat(inner, f"{name}[{n}]")
    else:
        yield name, {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def tax(amount: int, taxable: int, percentage: str = "25") -> dict[str, Any]:
    """A manual tax amount of a line."""
    rate = {"display_name": "MVA", "inclusive": False, "percentage": percentage, "country": "NO", "tax_type": "vat"}
    return {"amount": amount, "taxable_amount": taxable, "tax_rate_data": rate}


@dataclass
class Account:
    """`get`, `post`, `delete` answer the body of a 200; `refused` the error of anything else; `do` runs a verb."""

    stripe: Stripe = field(default_factory=Stripe)
    now: datetime = START
    facts: dict[str, Any] = field(default_factory=dict)
    log: list[tuple[str, int, Any, Any]] = field(default_factory=list)  # operation, status, parameters, answer

    def __post_init__(self) -> None:
        self.facts = self.facts or self.do("seed_account", name="Example AS", country="NO", currency="nok")
        self.do("knobs", duplicate_share=0.0)

    def do(self, verb: str, **arguments: Any) -> Any:
        return self.stripe.control(verb, arguments, self.now)

    def wait(self, **duration: float) -> None:
        self.now += timedelta(**duration)

    def send(
        self, method: str, path: str, params: Any = None, *, key: str = "", headers: dict[str, str] | None = None,
        raw: str | None = None,
    ) -> Response:  # fmt: skip
        text = raw if raw is not None else urlencode(list(flat(params or {})))
        sent = {"authorization": f"Bearer {key or self.facts['secret_key']}", "stripe-version": VERSION}
        sent |= {"content-type": "application/x-www-form-urlencoded"} | (headers or {})
        post = method == "POST"
        request = Request(method, f"/v1/{path}", "" if post else text, sent, text.encode() if post else b"")
        answer = self.stripe.answer(request, self.now)
        self.log.append((self.stripe.operation(request), answer.status, params, json.loads(answer.body)))
        return answer

    def _good(self, method: str, path: str, params: dict[str, Any], **how: Any) -> Any:
        answer = self.send(method, path, params, **how)
        body = json.loads(answer.body)
        assert answer.status == 200, body
        return body

    def get(self, path: str, params: dict[str, Any] | None = None, **how: Any) -> Any:
        return self._good("GET", path, params or {}, **how)

    def post(self, path: str, params: dict[str, Any] | None = None, **how: Any) -> Any:
        return self._good("POST", path, params or {}, **how)

    def delete(self, path: str) -> Any:
        return self._good("DELETE", path, {})

    def refused(self, method: str, path: str, params: Any = None, **how: Any) -> tuple[int, dict[str, Any]]:
        answer = self.send(method, path, params, **how)
        assert answer.status >= 400, answer.body
        return answer.status, json.loads(answer.body)["error"]

    def customer(self, **fields: Any) -> Any:
        return self.post("customers", {"name": "Kunde AS", "email": "ap@kunde.example.com"} | fields)

    def draft(self, *, lines: list[dict[str, Any]] | None = None, **fields: Any) -> Any:
        given = {"collection_method": "send_invoice", "days_until_due": 14, "auto_advance": False} | fields
        given["customer"] = given.get("customer") or self.customer()["id"]
        if "due_date" in fields:
            del given["days_until_due"]
        made = self.post("invoices", given)
        lines = (
            [{"amount": 100000, "description": "Work", "tax_amounts": [tax(25000, 100000)]}] if lines is None else lines
        )
        return self.post(f"invoices/{made['id']}/add_lines", {"lines": lines}) if lines else made

    def invoice(self, **fields: Any) -> Any:
        return self.post(f"invoices/{self.draft(**fields)['id']}/finalize", {"auto_advance": False})

    def paid(self, **payment: Any) -> Any:
        """An invoice of 1 250.00 that was paid; the payment verb's answer."""
        return self.do("pay", invoice_id=self.invoice()["id"], **payment)

    def types(self) -> list[str]:
        return list(self.do("events")["types"])

    def subscribe(self, *events: str, url: str = HOOK) -> Any:
        given = {"url": url, "enabled_events": list(events) or ["*"], "api_version": VERSION}
        return self.post("webhook_endpoints", given)

    def deliveries(self, status: int | None = 200) -> list[Delivery]:
        """What is due now, told to have ended with that status."""
        due = self.stripe.deliveries(self.now)
        for delivery in due:
            self.stripe.delivered(delivery, status, self.now)
        return due
