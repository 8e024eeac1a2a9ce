"""What the pretend Stripe says and takes is what the description of Stripe's API says, field by field."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from ml_connector_sandbox.stripe.event_names import NAMES
from ml_connector_sandbox.stripe.routes import ROUTES
from tests.contract.stripe_schemas import FILE, SAMPLES, Specification
from tests.sandbox.stripe_account import Account, tax

pytestmark = pytest.mark.skipif(not FILE.exists(), reason=f"no description of Stripe's API at {FILE}")


@pytest.fixture(scope="module")
def specification() -> Specification:
    return Specification()


@pytest.fixture(scope="module")
def busy() -> Account:
    """An account where everything happened and everything was read."""
    account = Account()
    account.subscribe()
    account.do("play_day", date="2026-11-19")
    account.wait(hours=2)
    people(account)
    bills(account)
    money(account)
    account.wait(days=12)
    read(account)
    refusals(account)
    return account


def people(account: Account) -> None:
    made = account.customer(
        metadata={"visma_customer_no": "10001"}, address={"country": "NO", "line1": "Gata 1"},
        tax_id_data=[{"type": "no_vat", "value": "123456789MVA"}], tax_exempt="none", phone="+4712345678",
        shipping={"name": "Lager", "address": {"country": "NO"}},
    )  # fmt: skip
    one = f"customers/{made['id']}"
    account.post(one, {"name": "Kunde Ny AS", "metadata": {"org_no": "1"}})
    account.post(f"{one}/balance_transactions", {"amount": -500, "currency": "nok", "metadata": {"a": "b"}})
    moved = account.get(f"{one}/balance_transactions")["data"][0]
    account.get(f"{one}/balance_transactions/{moved['id']}", {"expand": ["customer"]})
    added = account.post(f"{one}/tax_ids", {"type": "eu_vat", "value": "SE123456789101"})
    account.get(f"{one}/tax_ids/{added['id']}")
    account.get(f"{one}/tax_ids")
    account.delete(f"{one}/tax_ids/{added['id']}")
    account.get(one, {"expand": ["tax_ids", "invoice_credit_balance"]})
    account.get("customers", {"email": "ap@kunde.example.com", "limit": 2, "expand": ["data.tax_ids"]})
    account.delete(one)
    account.get(one)
    rate = account.post("tax_rates", {"display_name": "MVA", "inclusive": True, "percentage": "12.5"})
    account.post(f"tax_rates/{rate['id']}", {"active": False, "description": "old"})
    account.get(f"tax_rates/{rate['id']}")
    account.get("tax_rates", {"active": False})


def bills(account: Account) -> None:
    fields = [{"name": "Vår ref", "value": "Kari"}]
    draft = account.draft(metadata={"visma_invoice_no": "10042"}, custom_fields=fields, number="V-10042")
    one = f"invoices/{draft['id']}"
    line = account.get(f"{one}/lines")["data"][0]["id"]
    account.post(f"{one}/lines/{line}", {"description": "Other", "metadata": {"visma_line": "1"}})
    account.post(f"{one}/update_lines", {"lines": [{"id": line, "amount": 90000, "tax_amounts": [tax(22500, 90000)]}]})
    price = {"currency": "nok", "unit_amount_decimal": "12.5", "product_data": {"name": "Screw"}}
    more = account.post(f"{one}/add_lines", {"lines": [{"price_data": price, "quantity": 4}]})["lines"]["data"][-1]
    account.post(f"{one}/remove_lines", {"lines": [{"id": more["id"], "behavior": "delete"}]})
    account.post(one, {"footer": "Thanks", "description": "Nov", "metadata": {"visma_doc_id": "7"}})
    account.post(f"{one}/finalize", {"auto_advance": False})
    account.post(f"{one}/send")
    part = account.do("pay", invoice_id=draft["id"], amount=10000)
    record = {
        "amount_requested": {"value": 20000, "currency": "nok"}, "initiated_at": seconds_of(account) - 60,
        "payment_method_details": {"type": "custom", "custom": {"display_name": "Bank"}}, "outcome": "guaranteed",
        "guaranteed": {"guaranteed_at": seconds_of(account) - 60}, "metadata": {"visma_payment": "9"},
    }  # fmt: skip
    made = account.post("payment_records/report_payment", record)
    account.post(f"{one}/attach_payment", {"payment_record": made["id"]})
    account.get(f"payment_records/{made['id']}")
    back = {"outcome": "refunded", "processor_details": {"type": "custom", "custom": {"refund_reference": "b-1"}}}
    account.post(f"payment_records/{made['id']}/report_refund", back | {"amount": {"value": 100, "currency": "nok"}})
    account.get("payment_records")
    note(account, draft["id"])
    account.get(one, {"expand": ["payments", "amount_paid_off_stripe", "customer"]})
    account.get(f"invoice_payments/{part['invoice_payment_ids'][0]}", {"expand": ["payment.payment_intent"]})
    account.post(f"{one}/pay", {"paid_out_of_band": True})
    void = account.invoice()
    account.post(f"invoices/{void['id']}/mark_uncollectible")
    account.post(f"invoices/{void['id']}/void")
    gone = account.draft()
    account.delete(f"invoices/{gone['id']}")
    item = account.post("invoiceitems", {"customer": account.customer()["id"], "amount": 5000, "currency": "nok"})
    account.get(f"invoiceitems/{item['id']}", {"expand": ["customer"]})
    account.get("invoiceitems", {"pending": True})
    account.delete(f"invoiceitems/{item['id']}")


def note(account: Account, invoice: str) -> None:
    rate = account.get(f"invoices/{invoice}/lines")["data"][0]
    taxed = rate["taxes"][0]["tax_rate_details"]["tax_rate"]
    line = {
        "type": "invoice_line_item", "invoice_line_item": rate["id"], "amount": 800,
        "tax_amounts": [{"amount": 200, "taxable_amount": 800, "tax_rate": taxed}],
    }  # fmt: skip
    given = {"invoice": invoice, "email_type": "none", "lines": [line], "reason": "order_change"}
    account.get("credit_notes/preview", given)
    made = account.post("credit_notes", given)
    account.post(f"credit_notes/{made['id']}", {"memo": "Sorry", "metadata": {"visma": "K1"}})
    account.get(f"credit_notes/{made['id']}", {"expand": ["invoice"]})
    account.get(f"credit_notes/{made['id']}/lines")
    account.post(f"credit_notes/{made['id']}/void")
    account.get("credit_notes", {"invoice": invoice})


def money(account: Account) -> None:
    paid = account.paid()
    account.post(f"charges/{paid['charge_id']}", {"description": "x", "metadata": {"a": "1"}})
    back = account.post("refunds", {"charge": paid["charge_id"], "amount": 100, "reason": "duplicate"})
    account.post(f"refunds/{back['id']}", {"metadata": {"a": "1"}})
    waiting = account.do("refund", charge_id=paid["charge_id"], amount=200, pending="insufficient_funds")
    account.post(f"refunds/{waiting['refund_id']}/cancel")
    failed = account.do("refund", charge_id=paid["charge_id"], amount=300)["refund_id"]
    account.do("settle_refund", refund_id=failed, outcome="failed")
    account.get(f"refunds/{failed}", {"expand": ["charge.balance_transaction", "failure_balance_transaction"]})
    case = account.do("dispute", charge_id=paid["charge_id"])["dispute_id"]
    account.post(f"disputes/{case}", {"evidence": {"customer_name": "Kari"}, "submit": True})
    account.post(f"disputes/{case}/close")
    intent = account.post("payment_intents", {"amount": 5000, "currency": "eur", "metadata": {"a": "1"}})
    account.post(f"payment_intents/{intent['id']}/cancel", {"cancellation_reason": "duplicate"})
    account.do("charge", amount=10000, currency="eur")
    account.wait(days=3)
    account.do("payout", transit_s=3600)
    account.do("charge", amount=99000)
    account.wait(days=3)
    hand = account.post("payouts", {"amount": 1000, "currency": "nok"})
    account.post(f"payouts/{hand['id']}", {"metadata": {"a": "1"}})
    account.post(f"payouts/{hand['id']}/cancel")


def read(account: Account) -> None:
    account.get("account")
    account.get("balance")
    lists = ("charges", "payment_intents", "refunds", "disputes", "payouts", "balance_transactions", "events",
             "invoices", "customers", "credit_notes", "webhook_endpoints", "invoice_payments")  # fmt: skip
    for path in lists:
        page = account.get(path, {"limit": 100})
        assert page["data"], path
        account.get(f"{path}/{page['data'][-1]['id']}")
        for row in page["data"] if path != "events" else ():
            account.get(f"{path}/{row['id']}")
    payout = next(p for p in account.get("payouts")["data"] if p["automatic"])
    account.get("balance_transactions", {"payout": payout["id"], "expand": ["data.source"]})
    account.get("customers/search", {"query": "name~'Kund'", "limit": 1})
    account.get("invoices/search", {"query": "status:'paid'"})
    account.get("charges/search", {"query": "amount>10000 AND currency:'nok'"})
    account.get("payment_intents/search", {"query": "status:'canceled'"})
    hook = account.get("webhook_endpoints")["data"][0]["id"]
    account.post(f"webhook_endpoints/{hook}", {"enabled_events": ["invoice.paid"], "metadata": {"a": "1"}})
    account.delete(f"webhook_endpoints/{hook}")


def refusals(account: Account) -> None:
    account.refused("GET", "invoices/in_none")
    account.refused("POST", "invoices", {"customer": "cus_none"})
    account.refused("POST", "customers", {"colour": "red"})
    account.refused("POST", "customers", key="sk_test_nobody")
    account.refused("GET", "charges", key=account.do("key", grants={"invoice": "read"})["secret"])


def seconds_of(account: Account) -> int:
    return int(account.now.timestamp())


def test_every_answer_is_what_the_description_allows(specification: Specification, busy: Account) -> None:
    told = [(name, status, body) for name, status, _, body in busy.log if specification.operation(name)]
    assert len(told) > 300
    faults = Counter(
        f"{name} {status} {fault}" for name, status, body in told
        for fault in specification.answer_faults(name, status, body)
    )  # fmt: skip
    assert not faults, "\n".join(f"{n} x {fault}" for fault, n in faults.most_common(40))


def test_every_endpoint_of_the_sandbox_was_asked_and_is_one_of_stripes(
    specification: Specification, busy: Account
) -> None:
    asked = {name for name, status, _, _ in busy.log if status == 200}
    assert {route.name for route in ROUTES} - asked == set()
    assert [route.name for route in ROUTES if specification.operation(route.name) is None] == []


def test_every_event_is_what_the_description_allows(specification: Specification, busy: Account) -> None:
    events = busy.do("events")["events"]
    assert len({event["type"] for event in events}) > 40
    faults = Counter()  # type: Counter[str]
    for event in events:
        faults.update(f"{event['type']} {fault}" for fault in specification.faults("event", event))
        row = event["data"]["object"]
        faults.update(f"{event['type']} {fault}" for fault in specification.faults(row["object"], row))
    assert not faults, "\n".join(f"{n} x {fault}" for fault, n in faults.most_common(40))


def test_event_names_are_stripes(specification: Specification) -> None:
    schema = specification.document["components"]["schemas"]["event"]["properties"]["type"]
    assert set(schema["enum"]) >= NAMES


def test_every_parameter_the_sandbox_takes_is_one_of_stripes(specification: Specification) -> None:
    faults = []
    for route in ROUTES:
        given = specification.parameters(route.name)
        faults += [f"{route.name} {where}" for where in foreign(specification, route.shape, given, "")]
    assert faults == []


def foreign(specification: Specification, shape: Any, schemas: dict[str, Any], path: str) -> list[str]:
    """Names in our tables that the description lacks, at any depth."""
    found: list[str] = []
    for name, wanted in shape.items():
        bare = name.rstrip("*")
        if bare not in schemas:
            found.append(f"{path}{bare}")
            continue
        inner = wanted[0] if isinstance(wanted, list) else wanted
        if isinstance(inner, dict):
            tables = specification.inner(schemas[bare])
            merged = {key: value for table in tables for key, value in table.items()}
            found += foreign(specification, inner, merged, f"{path}{bare}.")
    return found


def test_no_parameter_of_stripe_is_taken_for_an_unknown_one(specification: Specification) -> None:
    """What Stripe knows and we do not play is refused by name, as unplayed, not as a typing error."""
    left = {
        route.name: sorted(set(specification.parameters(route.name)) - {name.rstrip("*") for name in route.shape})
        for route in ROUTES
        if route.template != "/v1/payment_intents"  # confirming and methods are left out whole, see README
    }
    assert {name: names for name, names in left.items() if names} == {}


def test_required_parameters_are_those_of_the_description(specification: Specification) -> None:
    body = specification.operation("POST /v1/invoices/{id}/add_lines") or {}
    schema = next(iter(body["requestBody"]["content"].values()))["schema"]
    assert schema["required"] == ["lines"]
    for name in ("POST /v1/tax_rates", "POST /v1/webhook_endpoints", "POST /v1/credit_notes", "POST /v1/payouts"):
        operation = specification.operation(name) or {}
        schema = next(iter(operation["requestBody"]["content"].values()))["schema"]
        ours = next(route.shape for route in ROUTES if route.name == name)
        assert {key[:-1] for key in ours if key.endswith("*")} == set(schema["required"])


def test_the_vendors_own_samples_pass_the_same_checks(specification: Specification) -> None:
    """Proof that the checks are neither blind nor too strict: two differences are explained in the specs' README."""
    samples = json.loads(SAMPLES.read_text())["resources"]
    good = ("balance_transaction", "payout", "tax_rate", "invoice_payment", "customer_balance_transaction")
    assert [f for kind in good for f in specification.faults(kind, samples[kind]) if "shipping" not in f] == []
    broken = samples["payout"] | {"amount": "1.00", "colour": "red"}
    assert len(specification.faults("payout", broken)) == 2
