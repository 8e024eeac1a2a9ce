"""The official Stripe library, unchanged, drives the pretend Stripe over real HTTP."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
import uvicorn

from ml_connector_sandbox.core.faults import Faulty
from ml_connector_sandbox.core.server import Application, Clock, bound_socket
from ml_connector_sandbox.stripe import Stripe

# A place beyond the last second of any clock in these tests: pending webhooks of all endpoints are due by then.
SOON = timedelta(seconds=5)


@dataclass
class Served:
    """The sandbox behind a port, and the library's client on it."""

    vendor: Stripe
    clock: Clock
    url: str
    facts: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.facts = self.do("seed_account", name="Example AS", country="NO", currency="nok")
        self.do("knobs", duplicate_share=0.0)
        self.client = self.client_with(self.facts["secret_key"])

    def client_with(self, key: str, **how: Any) -> Any:
        return stripe.StripeClient(key, base_addresses={"api": self.url}, **how)

    def do(self, verb: str, **arguments: Any) -> Any:
        return self.vendor.control(verb, arguments, self.clock.now())

    @property
    def v1(self) -> Any:
        return self.client.v1

    def customer(self, **fields: Any) -> Any:
        given = {"name": "Kunde AS", "email": "ap@kunde.example.com"} | fields
        return self.v1.customers.create(given)

    def invoice(self, **fields: Any) -> Any:
        rate = {"display_name": "MVA", "inclusive": False, "percentage": 25, "country": "NO", "tax_type": "vat"}
        line = {
            "description": "Blåbær AS €", "amount": 100000, "metadata": {"visma_line": "1"},
            "tax_amounts": [{"amount": 25000, "taxable_amount": 100000, "tax_rate_data": rate}],
        }  # fmt: skip
        given = {
            "customer": self.customer().id, "collection_method": "send_invoice", "currency": "nok",
            "days_until_due": 14, "auto_advance": False, "automatic_tax": {"enabled": False},
            "pending_invoice_items_behavior": "exclude", "metadata": {"visma_invoice_no": "10042"},
        } | fields  # fmt: skip
        draft = self.v1.invoices.create(given)
        self.v1.invoices.add_lines(draft.id, {"lines": [line]})
        return self.v1.invoices.finalize_invoice(draft.id, {"auto_advance": False})


@pytest.fixture
def served() -> Iterator[Served]:
    vendor = Stripe(time_scale=0.0)  # fees, search and payouts are there at once
    sock = bound_socket(0)
    clock = Clock()
    config = uvicorn.Config(Application(Faulty(vendor), clock), lifespan="off", log_level="error", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    stripe.enable_telemetry = False
    yield Served(vendor, clock, f"http://127.0.0.1:{sock.getsockname()[1]}")
    server.should_exit = True
    thread.join(timeout=10)
    assert not thread.is_alive()


def test_the_sdk_sends_an_invoice_and_sees_it_paid(served: Served) -> None:
    made = served.invoice(number="V-10042")
    assert (made.status, made.number, made.total, made.subtotal) == ("open", "V-10042", 125000, 100000)
    assert made.total_taxes[0].amount == 25000
    assert served.v1.invoices.send_invoice(made.id).status == "open"
    paid = served.do("pay", invoice_id=made.id)
    rows = served.v1.invoice_payments.list({"invoice": made.id, "status": "paid"}).data
    assert [row.amount_paid for row in rows] == [125000]
    assert rows[0].payment.payment_intent == paid["payment_intent_id"]
    back = {"payment": {"type": "payment_intent", "payment_intent": paid["payment_intent_id"]}}
    assert served.v1.invoice_payments.list(back).data[0].invoice == made.id
    charge = served.v1.charges.retrieve(paid["charge_id"], {"expand": ["balance_transaction"]})
    assert charge.balance_transaction.net == 125000 - charge.balance_transaction.fee
    assert served.v1.invoices.retrieve(made.id).status == "paid"


def test_the_sdk_finds_customers_by_email_and_by_search(served: Served) -> None:
    made = served.customer(metadata={"visma_customer_no": "10001"})
    assert [c.id for c in served.v1.customers.list({"email": "ap@kunde.example.com"}).data] == [made.id]
    found = served.v1.customers.search({"query": "metadata['visma_customer_no']:'10001' OR name:'nobody'"})
    assert [c.id for c in found.data] == [made.id]
    served.v1.customers.delete(made.id)
    assert served.v1.customers.retrieve(made.id).deleted is True


def test_the_sdk_walks_pages_to_the_end(served: Served) -> None:
    names = [f"Kunde {n}" for n in range(23)]
    for name in names:
        served.customer(name=name)
    listed = [c.name for c in served.v1.customers.list({"limit": 10}).auto_paging_iter()]
    assert listed == names[::-1]
    found = [c.name for c in served.v1.customers.search({"query": "name~'Kunde'", "limit": 10}).auto_paging_iter()]
    assert sorted(found) == sorted(names)


def test_the_sdk_credits_refunds_and_disputes(served: Served) -> None:
    made = served.invoice()
    line = served.v1.invoices.line_items.list(made.id).data[0]
    note = {"invoice": made.id, "email_type": "none", "lines": [
        {"type": "invoice_line_item", "invoice_line_item": line.id, "amount": 10000}]}  # fmt: skip
    assert served.v1.credit_notes.preview(note).total == 12500
    assert served.v1.credit_notes.create(note).pre_payment_amount == 12500
    paid = served.do("pay", invoice_id=made.id)
    assert paid["amount"] == 112500
    refund = served.v1.refunds.create({"charge": paid["charge_id"], "amount": 500})
    assert (refund.status, refund.charge) == ("succeeded", paid["charge_id"])
    case = served.do("dispute", charge_id=paid["charge_id"])["dispute_id"]
    dispute = served.v1.disputes.retrieve(case)
    assert dispute.balance_transactions[0].reporting_category == "dispute"
    assert served.v1.disputes.close(case).status == "lost"


def test_the_sdk_reports_outside_money(served: Served) -> None:
    made = served.invoice()
    then = int(served.clock.now().timestamp()) - 10
    record = served.v1.payment_records.report_payment({
        "amount_requested": {"value": 25000, "currency": "nok"}, "initiated_at": then, "outcome": "guaranteed",
        "guaranteed": {"guaranteed_at": then},
        "payment_method_details": {"type": "custom", "custom": {"display_name": "Bank"}},
    })  # fmt: skip
    served.v1.invoices.attach_payment(made.id, {"payment_record": record.id})
    seen = served.v1.invoices.retrieve(made.id, {"expand": ["amount_paid_off_stripe", "payments"]})
    assert (seen.amount_paid, seen.amount_remaining, seen.amount_paid_off_stripe) == (25000, 100000, 25000)
    assert served.v1.invoices.pay(made.id, {"paid_out_of_band": True}).status == "paid"
    assert served.v1.charges.list().data == []


def test_the_sdk_reconciles_a_payout(served: Served) -> None:
    for _ in range(3):
        served.do("pay", invoice_id=served.invoice().id)
    served.do("payout")
    payout = served.v1.payouts.list({"status": "paid"}).data[0]
    assert payout.reconciliation_status == "completed"
    rows = list(served.v1.balance_transactions.list({"payout": payout.id, "limit": 2}).auto_paging_iter())
    assert sum(row.net for row in rows if row.type != "payout") == payout.amount
    assert sum(row.net for row in rows) == 0


def test_the_sdk_verifies_a_webhook_and_reads_the_event_log(served: Served) -> None:
    wanted = {"url": f"{served.url}/nobody", "enabled_events": ["invoice.paid"], "api_version": stripe.api_version}
    endpoint = served.v1.webhook_endpoints.create(wanted)
    assert "secret" not in served.v1.webhook_endpoints.retrieve(endpoint.id)
    served.do("pay", invoice_id=served.invoice().id)
    (delivery,) = served.vendor.deliveries(served.clock.now() + SOON)
    signature = dict(delivery.headers)["stripe-signature"]
    event = stripe.Webhook.construct_event(delivery.body, signature, endpoint.secret)
    assert event.type == "invoice.paid"
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(delivery.body + b" ", signature, endpoint.secret)
    log = served.v1.events.list({"types": ["invoice.paid"], "delivery_success": False})
    assert [e.id for e in log.data] == [event.id]


def test_the_sdk_names_each_refusal(served: Served) -> None:
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        served.v1.customers.create({"colour": "red"})
    assert (unknown.value.code, unknown.value.param) == ("parameter_unknown", "colour")
    with pytest.raises(stripe.InvalidRequestError) as gone:
        served.v1.invoices.retrieve("in_none")
    assert (gone.value.http_status, gone.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.AuthenticationError):
        served.client_with("sk_test_nobody").v1.accounts.retrieve_current()
    narrow = served.do("key", grants={"invoice": "read"})["secret"]
    with pytest.raises(stripe.PermissionError, match="rak_customer_write"):
        served.client_with(narrow).v1.customers.create({"name": "x"})
    served.v1.customers.create({"name": "one"}, {"idempotency_key": "k1"})
    with pytest.raises(stripe.IdempotencyError):
        served.v1.customers.create({"name": "two"}, {"idempotency_key": "k1"})


def test_the_sdk_retries_a_lost_answer_without_making_two(served: Served) -> None:
    patient = served.client_with(served.facts["secret_key"], max_network_retries=2)
    served.do("fail_next", status=500, operation="POST /v1/customers", after_commit=True, stored="answer")
    made = patient.v1.customers.create({"name": "Once AS"})
    assert [c.id for c in served.v1.customers.list().data] == [made.id]
    served.do("fail_next", status=429, should_retry="true")
    assert patient.v1.customers.retrieve(made.id).name == "Once AS"
    served.do("fail_next", status=429)
    with pytest.raises(stripe.RateLimitError):
        patient.v1.customers.retrieve(made.id)


def test_the_library_speaks_the_version_the_sandbox_is_pinned_to(served: Served) -> None:
    assert stripe.api_version == "2026-10-28.endive"
    assert served.v1.accounts.retrieve_current().id == served.facts["account_id"]
    assert served.v1.balance.retrieve().livemode is False
    assert datetime.fromtimestamp(served.customer().created, UTC) <= served.clock.now()
