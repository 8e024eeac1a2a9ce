"""What the pretend Square says is what Square's published file says: every answer and every event."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.contract.square_schemas import SPECIFICATION, Specification
from tests.sandbox.square_shop import Shop

pytestmark = pytest.mark.skipif(not SPECIFICATION.exists(), reason=f"no Square specification at {SPECIFICATION}")


@pytest.fixture(scope="module")
def specification() -> Specification:
    return Specification()


@pytest.fixture(scope="module")
def busy() -> tuple[Shop, list[Any]]:
    """A shop where everything happened once, everything was read, and all its events."""
    shop = Shop()
    known = shop.call("GET", "/v2/webhooks/event-types", token=shop.facts["pat"])[1]["event_types"]
    subscription = shop.subscribe(*known)
    shop.call("PUT", "/v2/events/enable", token=shop.facts["pat"])
    shop.do("play_day", date="2026-01-30")
    live_through(shop)
    read_everything(shop, subscription["id"])
    write_through_the_api(shop)
    be_refused(shop)
    return shop, shop.events()


def live_through(shop: Shop) -> None:
    main = shop.places[0]
    sale = shop.do("sell", tenders=[{"means": "buy_now_pay_later"}])
    shop.do("refund", payment_id=sale["payment_ids"][0], amount=100, destination="cash")
    for means in ("bank_account", "square_account"):
        shop.do("sell", means=means)
    shop.do("refund", unlinked=True, amount=500, destination="gift_card")
    whole = shop.do("sell", tip=500, auto_gratuity="10", discount_percent="5")
    shop.do("refund", payment_id=whole["payment_ids"][0])
    rounded = shop.do("sell", means="cash", cash_rounding=7)
    shop.do("refund", order_id=rounded["order_id"])
    shop.do("complete", payment_id=shop.do("sell", complete=False)["payment_ids"][0], cancel=True)
    dispute = shop.do("dispute", payment_id=shop.do("sell")["payment_ids"][0])["dispute_id"]
    shop.do("dispute", dispute_id=dispute, state="WON")
    vendor = shop.do("vendor", name="Acme", contacts=[{"name": "Bo", "email_address": "b@example.test"}])
    shop.do("vendor", vendor_id=vendor["vendor_id"], note="x")
    merged = [shop.do("customer", given_name=name)["customer_id"] for name in "AB"]
    shop.do("customer", customer_id=shop.do("customer", merge=merged)["customer_id"], note="y")
    shop.do("location", location_id=shop.do("location", name="New")["location"]["id"], name="Newer")
    shop.do("catalog", type="CATEGORY", content={"category_data": {"name": "Garden"}})
    shop.do("payout", location_id=main, entries=[{"type": "TAX_ON_FEE", "amount": -12}, {"type": "OTHER", "amount": 5}])
    shop.do("payout", type="SIMPLE", amount=100, fail=True, location_id=shop.places[1])
    paid = shop.do("invoice", due_date="2026-03-01", deposit_percent="30")
    shop.do("invoice_pay", invoice_id=paid["invoice_id"], means="cash", rounding=1)
    shop.do("refund", payment_id=shop.do("invoice_pay", invoice_id=paid["invoice_id"])["payment_id"], amount=10)
    shop.do("invoice_cancel", invoice_id=shop.do("invoice", due_date="2026-03-01", instalments=3)["invoice_id"])
    shop.do("invoice", due_date="2026-03-01", scheduled_at="2026-02-01T09:00:00Z")
    draft = shop.do("invoice", due_date="2026-03-01", publish=False)
    shop.call("DELETE", f"/v2/invoices/{draft['invoice_id']}")
    shop.do("bulk", n=30)
    shop.wait(days=2)


def read_everything(shop: Shop, subscription_id: str) -> None:
    main, pat = shop.places[0], shop.facts["pat"]
    for path, name in (
        ("payments", "payments"), ("refunds", "refunds"), ("payouts", "payouts"), ("disputes", "disputes"),
        ("customers", "customers"), ("gift-cards", "gift_cards"),
    ):  # fmt: skip
        for row in shop.walk(f"/v2/{path}", name):
            shop.get(f"/v2/{path}/{row['id']}")
    shop.walk("/v2/payments", "payments", is_offline_payment="true")
    for payout in shop.walk("/v2/payouts", "payouts"):
        shop.walk(f"/v2/payouts/{payout['id']}/payout-entries", "payout_entries", limit=20)
    for row in shop.walk("/v2/invoices", "invoices", location_id=main):
        shop.get(f"/v2/invoices/{row['id']}")
    for path in ("locations", "locations/main", "merchants", "merchants/me", "gift-cards/activities"):
        shop.get(f"/v2/{path}")
    orders = shop.search("/v2/orders/search", "orders", {"location_ids": shop.places})
    shop.search("/v2/orders/search", "order_entries", {"location_ids": shop.places, "return_entries": True})
    shop.post("/v2/orders/batch-retrieve", {"order_ids": [order["id"] for order in orders[:100]]})
    for order in orders:
        shop.get(f"/v2/orders/{order['id']}")
    shop.post("/v2/invoices/search", {"query": {"filter": {"location_ids": [main]}}})
    customers = shop.post("/v2/customers/search", {})["customers"]
    shop.post("/v2/customers/bulk-retrieve", {"customer_ids": [customers[0]["id"], "C0"]})
    vendors = shop.post("/v2/vendors/search", {})["vendors"]
    shop.get(f"/v2/vendors/{vendors[0]['id']}")
    shop.post("/v2/vendors/bulk-retrieve", {"vendor_ids": [vendors[0]["id"], "V0"]})
    objects = shop.post("/v2/catalog/search", {})["objects"]
    shop.post("/v2/catalog/batch-retrieve", {"object_ids": [o["id"] for o in objects]})
    shop.get(f"/v2/catalog/object/{objects[0]['id']}")
    one = f"/v2/webhooks/subscriptions/{subscription_id}"
    for path in ("/v2/webhooks/subscriptions", one, "/v2/events/types"):
        shop.call("GET", path, token=pat)
    shop.search("/v2/events", "events", {}, token=pat)
    shop.call("PUT", one, {"subscription": {"name": "renamed"}}, token=pat)
    shop.post(f"{one}/test", {"event_type": "payment.created"}, token=pat)
    shop.post(f"{one}/signature-key", {"idempotency_key": "k"}, token=pat)
    shop.call("POST", "/oauth2/token/status")
    client = {"client_id": shop.facts["application_id"], "client_secret": shop.facts["application_secret"]}
    refresh = {"grant_type": "refresh_token", "refresh_token": shop.facts["refresh_token"]}
    assert shop.call("POST", "/oauth2/token", client | refresh)[0] == 200


def write_through_the_api(shop: Shop) -> None:
    euro = {"amount": 1000, "currency": "EUR"}
    paid = shop.post("/v2/payments", {"source_id": "cnon:card-nonce-ok", "idempotency_key": "a", "amount_money": euro})
    body = {"idempotency_key": "b", "payment_id": paid["payment"]["id"], "amount_money": euro}
    shop.post("/v2/refunds", body)
    held = {"source_id": "cnon:card-nonce-ok", "idempotency_key": "c", "amount_money": euro, "autocomplete": False}
    shop.post(f"/v2/payments/{shop.post('/v2/payments', held)['payment']['id']}/complete", {})
    line = {"name": "Tea", "quantity": "1", "base_price_money": euro}
    order = shop.post("/v2/orders", {"order": {"location_id": shop.places[0], "line_items": [line]}})["order"]
    shop.call("PUT", f"/v2/orders/{order['id']}", {"order": {"version": 1, "reference_id": "r"}})
    shop.post("/v2/orders/calculate", {"order": {"location_id": shop.places[0], "line_items": [line]}})
    customer = shop.post("/v2/customers", {"company_name": "Office Ltd"})["customer"]
    vendor = shop.post("/v2/vendors/create", {"idempotency_key": "v", "vendor": {"name": "Beta"}})["vendor"]
    shop.call("PUT", f"/v2/vendors/{vendor['id']}", {"vendor": {"note": "x", "version": 1}})
    wanted = {
        "order_id": order["id"], "location_id": shop.places[0], "primary_recipient": {"customer_id": customer["id"]},
        "payment_requests": [{"request_type": "BALANCE", "due_date": "2026-03-01"}],
    }  # fmt: skip
    draft = shop.post("/v2/invoices", {"invoice": wanted})["invoice"]
    shop.post(f"/v2/invoices/{draft['id']}/publish", {"version": 0})
    shop.post(f"/v2/invoices/{draft['id']}/cancel", {"version": 1})
    shop.call("DELETE", f"/v2/customers/{customer['id']}")


def be_refused(shop: Shop) -> None:
    shop.refused("GET", "/v2/payments/NOPE")
    shop.refused("GET", "/v2/payments", limit="many")
    shop.refused("GET", "/v2/payments", token="nobody's")
    shop.refused("POST", "/v2/events", {})
    shop.refused("PUT", f"/v2/orders/{shop.do('sell')['order_id']}", {"order": {}})
    shop.refused("POST", "/v2/payments", {"colour": 1})


def test_every_answer_is_what_the_specification_allows(
    specification: Specification, busy: tuple[Shop, list[Any]]
) -> None:
    found: Counter[str] = Counter()
    for _, operation, _, body in busy[0].log:
        name = specification.answer_schema(operation)
        assert name, f"the specification has no {operation}"
        found.update(f"{operation} {fault}" for fault in specification.faults(name, body))
    assert found == {}
    assert len({operation for _, operation, _, _ in busy[0].log}) >= 50


def test_every_event_is_what_the_specification_allows(
    specification: Specification, busy: tuple[Shop, list[Any]]
) -> None:
    found: Counter[str] = Counter()
    for event in busy[1]:
        found.update(
            f"{event['type']} {fault}" for fault in specification.faults(specification.events[event["type"]], event)
        )
    assert found == {}
    assert {event["type"] for event in busy[1]} >= {
        "payment.created", "payment.updated", "refund.created", "refund.updated", "order.created", "order.updated",
        "invoice.created", "invoice.published", "invoice.updated", "invoice.payment_made", "invoice.refunded",
        "invoice.canceled", "invoice.deleted", "customer.created", "customer.updated", "customer.deleted",
        "vendor.created", "vendor.updated", "payout.sent", "payout.paid", "payout.failed", "location.created",
        "location.updated", "catalog.version.updated", "dispute.created", "dispute.state.updated",
    }  # fmt: skip


def test_the_check_itself_notices_what_is_wrong(specification: Specification) -> None:
    money = {"amount": "12", "currency": "EUR"}
    faults = specification.faults("GetPaymentResponse", {"payment": {"id": "x", "total_money": money, "colour": 1}})
    assert any("colour" in fault for fault in faults)
    assert any("'12'" in fault for fault in faults)
    assert specification.faults("PaymentCreatedEvent", {"data": {"type": 5}})


def test_every_endpoint_and_scope_of_the_sandbox_stands_in_the_specification(specification: Specification) -> None:
    from ml_connector_sandbox.square.routes import ROUTES

    for route in ROUTES:
        operation = specification.paths.get(route.path, {}).get(route.method.lower())
        assert operation is not None, f"{route.method} {route.path}"
        scopes = set(operation.get("security", [{}])[0].get("oauth2", []))
        # The file names no scope for payouts; Square's pages do.
        assert scopes == set(route.scopes) or route.path.startswith("/v2/payouts"), route.path
        known = {p["name"] for p in operation.get("parameters", []) if p["in"] == "query"}
        if route.method == "GET":
            assert set(route.query) == known, route.path
