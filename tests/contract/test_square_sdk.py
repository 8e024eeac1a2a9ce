"""Square's official SDK drives the pretend Square over HTTP, unchanged but for its base URL."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import square as sdk
import uvicorn
from square.core.api_error import ApiError
from square.utils.webhooks_helper import verify_signature

from ml_connector_sandbox.core.faults import Faulty
from ml_connector_sandbox.core.server import Application, Clock, bound_socket
from ml_connector_sandbox.square import Square

pytestmark = pytest.mark.slow
EUR = "EUR"


class Served:
    """A pretend Square behind a real socket, with the official client for each kind of token."""

    def __init__(self, vendor: Square, base: str) -> None:
        self.vendor = vendor
        self.base = base
        self.shop = self.do("seed_merchant", name="Retail Ireland")
        self.client = sdk.Square(token=self.shop["oauth_token"], base_url=base)
        self.owner = sdk.Square(token=self.shop["pat"], base_url=base)

    def do(self, verb: str, **arguments: Any) -> Any:
        return self.vendor.control(verb, arguments, datetime.now(UTC))

    def events_due(self) -> list[Any]:
        return self.vendor.deliveries(datetime.now(UTC))


@pytest.fixture
def served() -> Iterator[Served]:
    vendor = Square(time_scale=0.0)  # fees and refunds are there at once
    sock = bound_socket(0)
    config = uvicorn.Config(Application(Faulty(vendor), Clock()), lifespan="off", log_level="error", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    running = Served(vendor, f"http://127.0.0.1:{sock.getsockname()[1]}")
    yield running
    for client in (running.client, running.owner):
        client._client_wrapper.httpx_client.httpx_client.close()
    server.should_exit = True
    thread.join(timeout=10)
    assert not thread.is_alive()


def money(amount: int) -> Any:
    return {"amount": amount, "currency": EUR}


def test_the_sdk_reads_places_and_the_merchant(served: Served) -> None:
    places = served.client.locations.list().locations or []
    assert [place.id for place in places] == served.shop["location_ids"]
    merchants = list(served.client.merchants.list())
    assert merchants[0].main_location_id == served.shop["location_ids"][0]


def test_the_sdk_pays_refunds_and_reads_back(served: Served) -> None:
    client = served.client
    paid = client.payments.create(
        source_id="cnon:card-nonce-ok", idempotency_key="p1", amount_money=money(12500), tip_money=money(1000)
    ).payment
    assert paid is not None
    assert paid.id is not None
    assert paid.status == "COMPLETED"
    again = client.payments.create(
        source_id="cnon:card-nonce-ok", idempotency_key="p1", amount_money=money(12500), tip_money=money(1000)
    ).payment
    assert again is not None
    assert again.id == paid.id
    refund = client.refunds.refund_payment(
        idempotency_key="r1", payment_id=paid.id, amount_money=money(6250), reason="Goodwill"
    ).refund
    assert refund is not None
    assert refund.id is not None
    read = client.refunds.get(refund_id=refund.id).refund
    assert read is not None
    assert read.status == "COMPLETED"
    seen = client.payments.get(payment_id=paid.id).payment
    assert seen is not None
    assert seen.refunded_money is not None
    assert seen.refunded_money.amount == 6250
    assert seen.processing_fee is not None
    for source, details in (
        ("CASH", {"cash_details": {"buyer_supplied_money": money(2000)}}),
        ("EXTERNAL", {"external_details": {"type": "CHECK", "source": "Paper"}}),
    ):
        other: Any = client.payments.create(
            source_id=source,
            idempotency_key=f"p-{source}",
            amount_money=money(1500),
            **details,
        ).payment
        assert other.source_type == source
    held: Any = client.payments.create(
        source_id="cnon:card-nonce-ok", idempotency_key="p2", amount_money=money(100), autocomplete=False
    ).payment
    done: Any = client.payments.complete(payment_id=held.id).payment
    assert done.status == "COMPLETED"


def test_the_pagers_of_the_sdk_see_every_row_once(served: Served) -> None:
    for _ in range(23):
        served.do("sell")
    payments = [p.id for p in served.client.payments.list(limit=5, sort_field="UPDATED_AT", sort_order="ASC")]
    assert len(set(payments)) == len(payments) == 23
    payout = served.do("payout")["payout_id"]
    entries = list(served.client.payouts.list_entries(payout_id=payout, limit=4))
    assert len({entry.id for entry in entries}) == 23
    assert [p.id for p in served.client.payouts.list()] == [payout]


def test_the_sdk_makes_updates_searches_and_pays_orders(served: Served) -> None:
    client, place = served.client, served.shop["location_ids"][0]
    wanted: Any = {
        "location_id": place,
        "line_items": [{"uid": "l", "name": "Tea", "quantity": "2", "base_price_money": money(500)}],
        "taxes": [{"uid": "t", "name": "VAT", "percentage": "25", "type": "ADDITIVE", "scope": "ORDER"}],
    }
    order: Any = client.orders.create(order=wanted, idempotency_key="o1").order
    assert (order.total_money.amount, order.version) == (1250, 1)
    more: Any = {"version": 1, "location_id": place, "line_items": [{"uid": "l", "quantity": "4"}]}
    order = client.orders.update(order_id=order.id, order=more).order
    assert (order.total_money.amount, order.version) == (2500, 2)
    held: Any = client.payments.create(
        source_id="cnon:card-nonce-ok",
        idempotency_key="h",
        amount_money=money(2500),
        order_id=order.id,
        autocomplete=False,
    ).payment
    paid: Any = client.orders.pay(order_id=order.id, idempotency_key="pay", payment_ids=[held.id]).order
    assert paid.state == "COMPLETED"
    sort: Any = {"sort": {"sort_field": "UPDATED_AT", "sort_order": "ASC"}}
    found = client.orders.search(location_ids=[place], query=sort).orders or []
    assert [o.id for o in found] == [order.id]
    batch = client.orders.batch_get(order_ids=[order.id, "UNKNOWN"]).orders or []
    assert [o.id for o in batch] == [order.id]


def test_the_sdk_makes_publishes_and_cancels_an_invoice(served: Served) -> None:
    client, place = served.client, served.shop["location_ids"][0]
    customer: Any = client.customers.create(company_name="Office Ltd").customer
    line: Any = {"name": "Desk", "quantity": "1", "base_price_money": money(80000)}
    order: Any = client.orders.create(order={"location_id": place, "line_items": [line]}).order
    wanted: Any = {
        "location_id": place, "order_id": order.id, "primary_recipient": {"customer_id": customer.id},
        "payment_requests": [{"request_type": "BALANCE", "due_date": "2030-01-01"}],
        "accepted_payment_methods": {"card": True},
    }  # fmt: skip
    draft: Any = client.invoices.create(invoice=wanted, idempotency_key="i").invoice
    open_: Any = client.invoices.publish(invoice_id=draft.id, version=draft.version).invoice
    assert (open_.status, open_.version) == ("UNPAID", 1)
    gone: Any = client.invoices.cancel(invoice_id=draft.id, version=open_.version).invoice
    assert gone.status == "CANCELED"
    assert [i.id for i in client.invoices.list(location_id=place)] == [draft.id]
    query: Any = {"filter": {"location_ids": [place]}, "sort": {"field": "INVOICE_SORT_DATE", "order": "DESC"}}
    assert len(client.invoices.search(query=query).invoices or []) == 1


def test_the_sdk_reads_parties_catalog_disputes_and_gift_cards(served: Served) -> None:
    client = served.client
    vendor: Any = client.vendors.create(idempotency_key="v", vendor={"name": "Harbour Fish"}).vendor
    assert [v.id for v in client.vendors.search(filter={"status": ["ACTIVE"]}).vendors or []] == [vendor.id]
    many: Any = client.vendors.batch_get(vendor_ids=[vendor.id]).responses
    assert many[vendor.id].vendor.name == "Harbour Fish"
    customer: Any = client.customers.create(given_name="Ada").customer
    client.customers.update(customer_id=customer.id, note="regular")
    assert [c.note for c in client.customers.list()] == ["regular"]
    assert len(client.customers.search(query={"sort": {"field": "CREATED_AT", "order": "ASC"}}).customers or []) == 1
    client.customers.delete(customer_id=customer.id)
    objects: Any = client.catalog.search(object_types=["ITEM"]).objects
    one: Any = client.catalog.object.get(object_id=objects[0].id).object
    assert one.type == "ITEM"
    sale = served.do("sell")
    dispute = served.do("dispute", payment_id=sale["payment_ids"][0])["dispute_id"]
    assert [d.id for d in client.disputes.list(states="EVIDENCE_REQUIRED")] == [dispute]
    card = served.do("gift_card", amount=5000)["gift_card_id"]
    assert [a.gift_card_id for a in client.gift_cards.activities.list()] == [card]


def test_the_sdk_runs_webhooks_and_its_verifier_accepts_our_signature(served: Served) -> None:
    hooks = served.owner.webhooks.subscriptions
    url = "https://hooks.example.test/square"
    wanted: Any = {"name": "ours", "event_types": ["payment.created"], "notification_url": url}
    made: Any = hooks.create(subscription=wanted, idempotency_key="s").subscription
    served.do("knobs", duplicate_share=0)
    served.client.payments.create(source_id="cnon:card-nonce-ok", idempotency_key="w", amount_money=money(100))
    (delivery,) = served.events_due()
    signed = dict(delivery.headers)["x-square-hmacsha256-signature"]
    body = delivery.body.decode()
    checked = {"request_body": body, "signature_header": signed, "notification_url": url}
    assert verify_signature(**checked, signature_key=made.signature_key)
    assert not verify_signature(**checked | {"request_body": body + " "}, signature_key=made.signature_key)
    assert hooks.update_signature_key(subscription_id=made.id, idempotency_key="k").signature_key != made.signature_key
    assert [s.id for s in hooks.list()] == [made.id]
    assert hooks.test(subscription_id=made.id, event_type="payment.created")
    hooks.update(subscription_id=made.id, subscription={"enabled": False})
    assert list(hooks.list()) == []
    hooks.delete(subscription_id=made.id)
    assert "payment.created" in (served.owner.webhooks.event_types.list().event_types or [])


def test_the_sdk_searches_events_by_the_personal_token_only(served: Served) -> None:
    served.owner.events.enable_events()
    served.do("sell")
    query: Any = {"filter": {"event_types": ["payment.created"]}}
    found: Any = served.owner.events.search_events(query=query, limit=10)
    assert [event.type for event in found.events] == ["payment.created"]
    assert found.metadata[0].event_id == found.events[0].event_id
    with pytest.raises(ApiError) as refused:
        served.client.events.search_events(query=query)
    assert refused.value.status_code == 403


def test_the_sdk_renews_asks_about_and_revokes_tokens(served: Served) -> None:
    shop, client = served.shop, served.client
    status = client.o_auth.retrieve_token_status()
    assert status.merchant_id == shop["merchant_id"]
    fresh = client.o_auth.obtain_token(
        client_id=shop["application_id"],
        client_secret=shop["application_secret"],
        grant_type="refresh_token",
        refresh_token=shop["refresh_token"],
    )
    assert fresh.refresh_token == shop["refresh_token"]
    with pytest.raises(ApiError) as bearer:
        client.o_auth.revoke_token(client_id=shop["application_id"], merchant_id=shop["merchant_id"])
    assert bearer.value.status_code == 401
    header: Any = {"additional_headers": {"Authorization": f"Client {shop['application_secret']}"}}
    gone = client.o_auth.revoke_token(
        client_id=shop["application_id"], merchant_id=shop["merchant_id"], request_options=header
    )
    assert gone.success
    with pytest.raises(ApiError) as dead:
        client.locations.list()
    assert dead.value.status_code == 401
    assert dead.value.body["errors"][0]["code"] == "ACCESS_TOKEN_REVOKED"
