"""What the pretend PayPal says is what PayPal's published files say: answers, requests, scopes and parameters."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from ml_connector_sandbox.core.instants import DAY, HOUR
from ml_connector_sandbox.paypal.routes import ROUTES
from tests.contract.paypal_schemas import FOLDER, Specification
from tests.sandbox.paypal_account import HOOK, Account, money

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason=f"no PayPal specifications at {FOLDER}")

# Where the vendor's answers or the fact sheet go beyond the files; each with its reason.
_BEYOND_THE_FILE = {
    # the file's own text says so: without Prefer no invoice comes back
    ("POST /v2/invoicing/invoices", 201): "$: 'detail' is a required property",
}


@pytest.fixture(scope="module")
def specification() -> Specification:
    return Specification()


@pytest.fixture(scope="module")
def busy() -> tuple[Account, list[Any]]:
    """An account where everything happened once, everything was read, and all its events."""
    account = Account()
    hook = account.subscribe()
    account.do("play_day", date="2026-11-19")
    pay(account)
    invoice(account)
    account.do("payout", items=[{"amount": "12.00", "fee": "0.50", "sender_item_id": "p1"}])
    account.wait(hours=4)
    read(account)
    notifications(account, hook["id"])
    be_refused(account)
    return account, account.events()


def pay(account: Account) -> None:
    order = {"intent": "CAPTURE", "purchase_units": [{"amount": money("250.00"), "invoice_id": "o1"}]}
    made = account.post("/v2/checkout/orders", order)
    account.post("/v2/checkout/orders", order, full=False)
    account.do("approve", order_id=made["id"])
    paid = account.post(f"/v2/checkout/orders/{made['id']}/capture", {})
    capture = paid["purchase_units"][0]["payments"]["captures"][0]["id"]
    account.post(f"/v2/payments/captures/{capture}/refund", {"amount": money("50.00"), "note_to_payer": "Sorry"})
    account.post(f"/v2/payments/captures/{capture}/refund", {}, full=False)
    order = {"intent": "AUTHORIZE", "purchase_units": [{"amount": money("90.00", "EUR"), "custom_id": "c1"}]}
    made = account.post("/v2/checkout/orders", order)
    account.do("approve", order_id=made["id"])
    kept = account.post(f"/v2/checkout/orders/{made['id']}/authorize")
    key = kept["purchase_units"][0]["payments"]["authorizations"][0]["id"]
    account.get(f"/v2/payments/authorizations/{key}")
    account.post(f"/v2/payments/authorizations/{key}/capture", {"amount": money("40.00", "EUR")})
    account.get(f"/v2/checkout/orders/{made['id']}")


def draft() -> dict[str, Any]:
    tax = {"name": "VAT", "percent": "25"}
    item = {
        "name": "Work",
        "quantity": "1.5",
        "unit_amount": money("800.00"),
        "tax": tax,
        "discount": {"percent": "10"},
    }
    recipient = {"business_name": "Kund AB", "email_address": "ap@kund.example.com"}
    breakdown = {
        "discount": {"invoice_discount": {"percent": "5"}},
        "shipping": {"amount": money("60.00"), "tax": tax},
        "custom": {"label": "Packing", "amount": money("10.00")},
    }
    return {
        "detail": {"currency_code": "SEK", "payment_term": {"term_type": "NET_30"}, "reference": "deal 7"},
        "primary_recipients": [{"billing_info": recipient}], "items": [item],
        "configuration": {"partial_payment": {"allow_partial_payment": True}}, "amount": {"breakdown": breakdown},
    }  # fmt: skip


def invoice(account: Account) -> None:
    base = "/v2/invoicing/invoices"
    account.post("/v2/invoicing/generate-next-invoice-number")
    made = account.post(base, draft())
    one = f"{base}/{made['id']}"
    assert account.call("PUT", one, draft(), headers={"prefer": "return=representation"})[0] == 200
    account.post(f"{one}/send", {"send_to_recipient": True})
    assert account.call("POST", f"{one}/remind", {"subject": "Please"})[0] == 204
    part = {"method": "BANK_TRANSFER", "payment_date": "2026-11-20", "amount": money("100.00"), "note": "mlc 1"}
    paid = account.post(f"{one}/payments", part)
    back = account.post(
        f"{one}/refunds", {"method": "BANK_TRANSFER", "refund_date": "2026-11-20", "amount": money("40.00")}
    )
    account.get(one)
    assert account.call("DELETE", f"{one}/refunds/{back['refund_id']}")[0] == 204
    assert account.call("DELETE", f"{one}/payments/{paid['payment_id']}")[0] == 204
    account.do("invoice_pay", invoice_id=made["id"], amount="200.00", tip="5.00")
    account.get(one)
    account.post(base, draft(), full=False)
    ahead = draft()
    ahead["detail"]["invoice_date"] = "2026-12-01"
    scheduled = account.post(base, ahead)["id"]
    account.post(f"{base}/{scheduled}/send", {})
    assert account.call("DELETE", f"{base}/{scheduled}")[0] == 204
    gone = account.do("invoice")["invoice_id"]
    assert account.call("POST", f"{base}/{gone}/cancel", {"send_to_recipient": False})[0] == 204
    account.get(base, total_required="true", page_size=2)
    wanted = {"status": ["PARTIALLY_PAID"], "fields": ["payments"]}
    account.post("/v2/invoicing/search-invoices", wanted, page_size=50)


def read(account: Account) -> None:
    account.get("/v1/reporting/balances")
    rows = account.rows()
    assert len(rows) > 60
    account.rows(balance_affecting_records_only="N", fields="transaction_info,payer_info,cart_info", page_size=50)
    account.report(start_date="2026-11-01T00:00:00Z", end_date="2026-11-02T00:00:00Z")
    world = account.paypal.world.merchant(None)
    for capture in list(world.captures.values()):
        if capture.sale.client_id:
            account.get(f"/v2/payments/captures/{capture.id}")
    for key in world.refunds:
        account.get(f"/v2/payments/refunds/{key}")
    page = account.get("/v1/customer/disputes", page_size=1)
    link = next(x["href"] for x in page["links"] if x["rel"] == "next")
    for row in page["items"] + account.follow(link)["items"]:
        account.get(f"/v1/customer/disputes/{row['dispute_id']}")
    for batch in world.batches.values():
        account.get(f"/v1/payments/payouts/{batch.id}", total_required="true")
        account.get(f"/v1/payments/payouts-item/{batch.items[0].id}")


def notifications(account: Account, hook: str) -> None:
    base = "/v1/notifications"
    change = [{"op": "replace", "path": "/event_types", "value": [{"name": "INVOICING.INVOICE.PAID"}]}]
    assert account.call("PATCH", f"{base}/webhooks/{hook}", change)[0] == 200
    for path in ("webhooks", f"webhooks/{hook}", f"webhooks/{hook}/event-types", "webhooks-event-types"):
        account.get(f"{base}/{path}")
    events = account.get(f"{base}/webhooks-events", page_size=5)["events"]
    account.get(f"{base}/webhooks-events/{events[0]['id']}")
    account.post(f"{base}/webhooks-events/{events[0]['id']}/resend", {"webhook_ids": [hook]})
    account.post(f"{base}/simulate-event", {"webhook_id": hook, "event_type": "INVOICING.INVOICE.PAID"})
    other = account.subscribe("PAYMENT.CAPTURE.COMPLETED", url=f"{HOOK}/2")["id"]
    assert account.call("DELETE", f"{base}/webhooks/{other}")[0] == 204


def be_refused(account: Account) -> None:
    capture = account.do("capture", gross="10.00")["capture_id"]
    path = f"/v2/payments/captures/{capture}"
    account.refused("POST", f"{path}/refund", {"amount": money("11.00")})
    account.refused("POST", f"{path}/refund", {"amount": money("1.001")})
    account.refused("POST", f"{path}/refund", {"amount": {"value": "1"}})
    account.refused("GET", "/v2/payments/captures/NOPE")
    account.refused("GET", path, token="nobody's")
    account.refused("GET", "/v1/reporting/transactions", start_date="2026-11-01T00:00:00Z")
    account.refused("GET", "/v2/invoicing/invoices/INV2-NOPE")
    account.refused("POST", "/v2/invoicing/search-invoices", {"status": ["SENT"] * 6})
    account.refused("GET", "/v1/notifications/webhooks/NOPE")
    account.refused("POST", "/v1/notifications/webhooks", {"url": "ftp://x", "event_types": [{"name": "*"}]})
    account.refused("GET", "/v1/customer/disputes", page_size=51)


def test_every_answer_is_what_the_specifications_allow(
    specification: Specification, busy: tuple[Account, list[Any]]
) -> None:
    found: Counter[str] = Counter()
    for operation, status, _, answer in busy[0].log:
        if status == 401 and "error" in answer:
            continue  # the gateway's own shape, before any operation is reached
        beyond = _BEYOND_THE_FILE.get((operation, status))
        faults = specification.answer_faults(operation, status, answer)
        if beyond is not None and beyond in faults:
            continue
        found.update(f"{operation} {status} {fault}" for fault in faults)
    assert found == {}
    assert len({operation for operation, _, _, _ in busy[0].log}) >= 36


def test_every_request_body_we_accept_is_what_the_specifications_allow(
    specification: Specification, busy: tuple[Account, list[Any]]
) -> None:
    found: Counter[str] = Counter()
    for operation, status, body, _ in busy[0].log:
        if body is not None and status < 300:
            found.update(f"{operation} {fault}" for fault in specification.request_faults(operation, body))
    assert found == {}


def test_every_event_is_what_the_specifications_allow(
    specification: Specification, busy: tuple[Account, list[Any]]
) -> None:
    resources = {
        "capture": ("payments_payment_v2.json", "capture-2"),
        "refund": ("payments_payment_v2.json", "refund"),
        "authorization": ("payments_payment_v2.json", "authorization-2"),
        "checkout-order": ("checkout_orders_v2.json", "order"),
        "invoices": ("invoicing_v2.json", "invoice"),
        "dispute": ("customer_disputes_v1.json", "dispute"),
    }
    found: Counter[str] = Counter()
    logged = busy[0].paypal.world.desk.log.values()
    for event in logged:
        found.update(specification.faults("notifications_webhooks_v1.json", "event", event.body))
        file, name = resources[event.body["resource_type"]]
        resource = event.body["resource"].get("invoice", event.body["resource"])
        found.update(f"{event.name} {fault}" for fault in specification.faults(file, name, resource))
    assert found == {}
    assert {event.name for event in logged} >= {
        "PAYMENT.CAPTURE.COMPLETED", "PAYMENT.CAPTURE.PENDING", "PAYMENT.CAPTURE.DECLINED", "PAYMENT.CAPTURE.REFUNDED",
        "PAYMENT.CAPTURE.REVERSED", "PAYMENT.AUTHORIZATION.CREATED", "CHECKOUT.ORDER.APPROVED",
        "CHECKOUT.ORDER.COMPLETED", "INVOICING.INVOICE.CREATED", "INVOICING.INVOICE.SCHEDULED",
        "INVOICING.INVOICE.UPDATED", "INVOICING.INVOICE.PAID", "INVOICING.INVOICE.REFUNDED",
        "INVOICING.INVOICE.CANCELLED", "CUSTOMER.DISPUTE.CREATED", "CUSTOMER.DISPUTE.RESOLVED",
    }  # fmt: skip


def test_every_endpoint_scope_and_parameter_of_the_sandbox_stands_in_the_specifications(
    specification: Specification,
) -> None:
    for route in ROUTES:
        assert specification.operation(route.name) is not None, route.name
        unknown = set(route.query) - specification.parameters(route.name)
        # The event log pages by link: how the link says where to go on is nowhere written.
        assert unknown <= ({"next_page_token"} if "webhooks-events" in route.path else set()), route.name
        known = specification.scopes(route.name)
        # readwrite includes read, as its name says.
        known |= (
            {"https://uri.paypal.com/services/invoicing/invoices/readwrite"} if "invoicing" in route.path else set()
        )
        assert {scope for scopes in route.scopes for scope in scopes} <= known, route.name


def test_request_ids_are_remembered_as_long_as_the_files_say(specification: Specification) -> None:
    for route in ROUTES:
        named = "paypal_request_id" in str((specification.operation(route.name) or {}).get("parameters", ""))
        assert bool(route.kept) == named, route.name
        assert route.kept in {0, 45 * DAY if "payments" in route.path else 6 * HOUR}


def test_the_check_itself_notices_what_is_wrong(specification: Specification) -> None:
    operation = "GET /v2/payments/captures/{capture_id}"
    assert any("colour" in f for f in specification.answer_faults(operation, 200, {"id": "x", "colour": 1}))
    assert any(
        "12" in f
        for f in specification.answer_faults(operation, 200, {"amount": {"currency_code": "SEK", "value": 12}})
    )
    assert specification.answer_faults(operation, 204, None)
    assert specification.request_faults("POST /v2/payments/captures/{capture_id}/refund", {"custom_id": ""})
