"""Every request our Stripe connector sends is one that the description of Stripe's API takes, field by field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from ml_connector.connectors.http import Http, Reach
from ml_connector.connectors.stripe import CONNECTOR, VERSION
from ml_connector.connectors.stripe.checks import PROBE, WRITES
from ml_connector.connectors.stripe.objects import EXPAND, PATHS
from ml_connector.connectors.stripe.webhooks import EVENTS
from ml_connector.errors import Rejected
from ml_connector_sandbox.core.wire import Request
from ml_connector_sandbox.stripe.forms import decode
from tests.connectors.stripe.contents import card, credit, invoice, line, payment, void
from tests.connectors.stripe.on_sandbox import START, Account, serving
from tests.contract.stripe_schemas import FILE, Specification, shape_of

pytestmark = pytest.mark.skipif(
    not FILE.exists(), reason=f"no description of Stripe's API at {FILE}: what we send is NOT checked"
)


@dataclass
class Noted:
    """Every request that was sent: its operation, headers and form."""

    requests: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)

    def on(self, account: Account) -> None:
        """From now on the account's calls are noted on their way to the pretend Stripe."""

        def carried(asked: httpx2.Request) -> httpx2.Response:
            headers = {name.lower(): value for name, value in asked.headers.items()}
            query = asked.url.query.decode()
            request = Request(asked.method, asked.url.path, query, headers, asked.read())
            form = decode(request.body.decode() if asked.method == "POST" else query)
            self.requests.append((account.vendor.operation(request), headers, form))
            answer = account.vendor.answer(request, account.clock.now())
            return httpx2.Response(answer.status, headers=list(answer.headers), content=answer.body)

        reach = Reach(CONNECTOR.default_base_url, frozenset(CONNECTOR.hosts))
        account.http.close()
        account.http = Http(reach, transport=httpx2.MockTransport(carried))
        account.kept_writer = account.new_writer()


@pytest.fixture(scope="module")
def specification() -> Specification:
    return Specification()


@pytest.fixture(scope="module")
def noted() -> Iterator[Noted]:
    """All that we can do, done once."""
    found = Noted()
    with serving() as served:
        account = served.account()
        found.on(account)
        account.watch()
        customers(account)
        invoices(account)
        account.do("play_day", date="2026-11-18")
        account.wait(days=2)
        reading(account)
        account.ping()
        account.watch()
        yield found


def customers(account: Account) -> None:
    made = account.writer.create("customer", card(), account.context("C1"))
    account.writer.create("customer", card(vat_number="NO1"), account.context("C2"))
    account.writer.create("customer", card(number=made.remote_id, name="New"), account.context("C3"))
    account.writer.find("customer", [(card(), account.context("C1"))])
    account.wait(hours=2)
    every = {"customer_no": "9", "org_number": "9", "vat_number": "NO9", "email": "x@example.com", "name": "Nobody AS"}
    account.writer.look_up("customer", every)
    account.writer.look_up("customer", {"number": made.remote_id})
    account.writer.look_up("customer", {"vat_number": "NO912345678MVA"})


def invoices(account: Account) -> None:
    customer = account.do("customer", name="Nordlys AS", email="ap@nordlys.example.com")["customer_id"]
    sent = {}
    for token in ("I1", "I2", "I3", "I4"):
        content = invoice(
            customer, line(), line("10.00", "0.00", "0", exempt="zero_rated", line=2), number=f"N-{token}",
            due_on=None if token == "I1" else START.date(),
        )  # fmt: skip
        made = account.writer.create("collection_invoice", content, account.context(token))
        done = account.context(token, remote_id=made.remote_id)
        if token == "I4":
            account.writer.discard("collection_invoice", content, done)
            continue
        account.writer.release("collection_invoice", content, done)
        sent[token] = (content, done)
    account.writer.find("collection_invoice", list(sent.values()))
    account.writer.observe("collection_invoice", list(sent.values()))
    account.writer.look_up("sent_invoice", {"of": sent["I1"][1].remote_id})
    ids = {token: done.remote_id for token, (_, done) in sent.items()}
    changes: list[tuple[str, Any]] = [
        ("collection_credit", credit(ids["I1"])),
        ("collection_credit", credit(ids["I1"], line("10.00", "2.50"), number="K-10")),
        ("invoice_void", void(ids["I2"])),
        ("outside_payment", payment(ids["I3"], "1260.00")),
        ("outside_payment", payment(ids["I1"], "100.00", whole=False)),
    ]
    for n, (kind, change) in enumerate(changes):
        context = account.context(f"X{n}")
        account.writer.create(kind, change, context)
        account.writer.find(kind, [(change, context)])
        account.writer.observe(kind, [(change, context)])
    with pytest.raises(Rejected):
        account.writer.create("collection_credit", credit(ids["I1"], line("900.00", "225.00")), account.context("C9"))


def reading(account: Account) -> None:
    since = account.clock.now() - timedelta(days=20)
    for stream in CONNECTOR.streams:
        _, _, position = account.poll(stream.name, backfill_from=since)
        account.poll(stream.name, position)
    for kind in CONNECTOR.reads:
        rows = account.reader().walk(kind, location=None, since=since)
        account.reader().fetch(kind, [row.external_id for row in rows])
    charge = account.stored("charge")[0]
    for kind, link in (
        ("charge", ("intent", charge["payment_intent"])), ("invoice_payment", ("intent", charge["payment_intent"])),
        ("invoice_payment", ("invoice", "in_1")), ("refund", ("charge", charge["id"])),
        ("dispute", ("charge", charge["id"])), ("balance_transaction", ("source", charge["id"])),
    ):  # fmt: skip
        account.reader().find(kind, link, location=None)


def test_every_request_is_one_of_stripes_with_parameters_of_the_right_type(
    specification: Specification, noted: Noted
) -> None:
    assert len(noted.requests) > 150
    faults: Counter[str] = Counter()
    for name, _, form in noted.requests:
        if specification.operation(name) is None:
            faults[f"{name}: no such operation"] += 1
        elif form != PROBE:  # what proves a permission has nothing but a parameter that there is not
            faults.update(f"{name} {fault}" for fault in specification.parameter_faults(name, form))
    assert not faults, "\n".join(f"{n} x {fault}" for fault, n in faults.most_common(40))


def test_the_check_itself_refuses_what_is_wrong(specification: Specification) -> None:
    """Proof that it is not blind."""
    good = {"customer": "cus_1", "auto_advance": "false", "due_date": "1790000000", "metadata": {"a": "1"}}
    assert specification.parameter_faults("POST /v1/invoices", good) == []
    for broken in (
        {"colour": "red"}, {"auto_advance": "no"}, {"due_date": "2026-11-20"}, {"automatic_tax": {"on": "true"}},
        {"custom_fields": {"0": {"name": "x"}}}, {"metadata": {"a": {"b": "c"}}},
    ):  # fmt: skip
        assert specification.parameter_faults("POST /v1/invoices", good | broken), broken
    assert specification.parameter_faults("POST /v1/invoices/{id}/add_lines", {})
    assert specification.parameter_faults("GET /v1/invoice_payments", {"payment": {"payment_intent": "pi"}})


def test_every_request_names_version_and_key_and_every_post_an_idempotency_key(noted: Noted) -> None:
    for name, headers, _ in noted.requests:
        assert headers["stripe-version"] == VERSION
        assert headers["authorization"].startswith("Bearer ")
        assert ("idempotency-key" in headers) == name.startswith("POST"), name


def test_what_proves_a_permission_is_refused_by_every_operation_that_it_knocks_at(
    specification: Specification, noted: Noted
) -> None:
    knocked = [name for name, _, form in noted.requests if form == PROBE]
    assert len(knocked) == len(WRITES)
    for name in knocked:
        assert specification.operation(name) is not None
        assert specification.parameter_faults(name, PROBE), name


def test_every_operation_that_the_connector_knows_was_sent(noted: Noted) -> None:
    sent = {shape_of(name) for name, _, _ in noted.requests}
    wanted = {
        "POST /v1/customers", "POST /v1/customers/{}", "GET /v1/customers", "GET /v1/customers/{}",
        "GET /v1/customers/search", "POST /v1/invoices", "DELETE /v1/invoices/{}", "POST /v1/invoices/{}/add_lines",
        "POST /v1/invoices/{}/finalize", "POST /v1/invoices/{}/void", "POST /v1/invoices/{}/pay",
        "POST /v1/invoices/{}/attach_payment", "GET /v1/invoices/{}/lines", "POST /v1/payment_records/report_payment",
        "GET /v1/payment_records/{}", "POST /v1/credit_notes", "GET /v1/credit_notes", "GET /v1/credit_notes/{}/lines",
        "GET /v1/events", "GET /v1/account", "GET /v1/webhook_endpoints", "POST /v1/webhook_endpoints",
        *(f"GET {path}" for path in PATHS.values()), *(f"GET {path}/{{}}" for path in PATHS.values()),
    }  # fmt: skip
    assert wanted <= sent


def test_no_invoice_is_mailed_taxed_or_finalized_by_stripe_itself(noted: Noted) -> None:
    drafts = [form for name, _, form in noted.requests if name == "POST /v1/invoices"]
    assert drafts
    for form in drafts:
        assert (form["auto_advance"], form["automatic_tax"]) == ("false", {"enabled": "false"})
        assert (form["collection_method"], form["pending_invoice_items_behavior"]) == ("send_invoice", "exclude")
    sent = {name for name, _, _ in noted.requests}
    assert not {
        name for name in sent if name.endswith(("/send", "/mark_uncollectible")) or "refunds" in name.split("GET")[0]
    }
    notes = [form for name, _, form in noted.requests if name == "POST /v1/credit_notes"]
    assert {form["email_type"] for form in notes} == {"none"}


def test_metadata_stays_within_stripes_lengths(noted: Noted) -> None:
    told = [form["metadata"] for _, _, form in noted.requests if "metadata" in form]
    assert told
    for marks in told:
        assert len(marks) <= 50
        assert all(len(name) <= 40 and len(value) <= 500 for name, value in marks.items())


def test_events_we_subscribe_to_and_fields_we_expand_are_stripes(specification: Specification) -> None:
    schemas = specification.document["components"]["schemas"]
    assert set(schemas["event"]["properties"]["type"]["enum"]) >= set(EVENTS)
    for kind, names in EXPAND.items():
        assert set(names) <= set(schemas[kind]["properties"]), kind
