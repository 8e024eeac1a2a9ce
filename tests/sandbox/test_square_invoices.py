"""Invoices of the pretend Square: their requests, payments, cancellations and refunds."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.square_shop import Shop

LINES = [{"name": "Desk", "amount": 80000, "tax": "25"}]
ALL = (
    "invoice.created", "invoice.published", "invoice.updated", "invoice.payment_made", "invoice.refunded",
    "invoice.canceled", "invoice.deleted",
)  # fmt: skip


def invoice(shop: Shop, **arguments: Any) -> Any:
    return shop.do("invoice", lines=LINES, due_date="2026-02-14", **arguments)


def requests_of(body: Any) -> list[tuple[str, int, int]]:
    return [
        (r["request_type"], r["computed_amount_money"]["amount"], r["total_completed_amount_money"]["amount"])
        for r in body["payment_requests"]
    ]


def test_a_deposit_then_the_balance_pays_an_invoice_and_completes_its_order() -> None:
    shop = Shop()
    shop.subscribe(*ALL)
    made = invoice(shop, deposit_percent="25")
    assert requests_of(made["invoice"]) == [("DEPOSIT", 20000, 0), ("BALANCE", 60000, 0)]
    assert (made["invoice"]["status"], made["invoice"]["next_payment_amount_money"]["amount"]) == ("UNPAID", 20000)
    first = shop.do("invoice_pay", invoice_id=made["invoice_id"])["invoice"]
    assert (first["status"], first["next_payment_amount_money"]["amount"]) == ("PARTIALLY_PAID", 60000)
    assert shop.get(f"/v2/orders/{made['order_id']}")["order"]["state"] == "OPEN"
    last = shop.do("invoice_pay", invoice_id=made["invoice_id"], means="cash", tip=500)
    assert (last["invoice"]["status"], requests_of(last["invoice"])[1]) == ("PAID", ("BALANCE", 60000, 60000))
    order = shop.get(f"/v2/orders/{made['order_id']}")["order"]
    assert order["state"] == "COMPLETED"
    assert [t["type"] for t in order["tenders"]] == ["CARD", "CASH"]
    assert last["payment"]["tip_money"]["amount"] == 500
    types = [e["type"] for e in shop.events()]
    assert types == ["invoice.created", "invoice.published", "invoice.payment_made", "invoice.payment_made"]


def test_instalments_share_the_rest_and_the_last_takes_what_rounding_leaves() -> None:
    shop = Shop()
    made = invoice(shop, deposit_percent="10", instalments=7)
    parts = requests_of(made["invoice"])
    assert [p[0] for p in parts] == ["DEPOSIT"] + ["INSTALLMENT"] * 7
    assert sum(p[1] for p in parts) == 80000


def test_an_invoice_cancelled_after_a_part_payment_keeps_the_payment_and_the_open_order() -> None:
    shop = Shop()
    made = invoice(shop, deposit_percent="50")
    shop.do("invoice_pay", invoice_id=made["invoice_id"])
    assert shop.do("invoice_cancel", invoice_id=made["invoice_id"])["invoice"]["status"] == "CANCELED"
    assert shop.get(f"/v2/orders/{made['order_id']}")["order"]["state"] == "OPEN"
    with pytest.raises(ValueError, match="cannot be paid"):
        shop.do("invoice_pay", invoice_id=made["invoice_id"], amount=100)
    other = invoice(shop)
    shop.do("invoice_cancel", invoice_id=other["invoice_id"])
    assert shop.get(f"/v2/orders/{other['order_id']}")["order"]["state"] == "CANCELED"


def test_cash_rounding_shows_on_the_request_and_not_in_what_was_completed() -> None:
    shop = Shop()
    made = shop.do("invoice", lines=[{"amount": 9998, "tax": "25"}], due_date="2026-02-14")
    paid = shop.do("invoice_pay", invoice_id=made["invoice_id"], means="cash", rounding=2)
    request = paid["invoice"]["payment_requests"][0]
    assert paid["payment"]["amount_money"]["amount"] == 10000
    assert request["rounding_adjustment_included_money"]["amount"] == 2
    assert request["total_completed_amount_money"]["amount"] == 9998
    assert paid["invoice"]["status"] == "PAID"


def test_refunds_move_a_paid_invoice_to_partially_and_fully_refunded() -> None:
    shop = Shop()
    made = invoice(shop)
    key = shop.do("invoice_pay", invoice_id=made["invoice_id"])["payment_id"]
    for amount, status in ((30000, "PARTIALLY_REFUNDED"), (50000, "REFUNDED")):
        shop.do("refund", payment_id=key, amount=amount)
        shop.wait(seconds=6)
        assert shop.get(f"/v2/invoices/{made['invoice_id']}")["invoice"]["status"] == status


def test_a_scheduled_invoice_is_sent_at_its_time() -> None:
    shop = Shop()
    made = invoice(shop, scheduled_at="2026-02-01T09:00:00Z")
    assert made["invoice"]["status"] == "SCHEDULED"
    shop.wait(days=1)
    assert shop.get(f"/v2/invoices/{made['invoice_id']}")["invoice"]["status"] == "UNPAID"


def test_numbers_are_unique_per_location_only() -> None:
    shop = Shop()
    first = invoice(shop, location_id=shop.places[0])["invoice"]["invoice_number"]
    second = invoice(shop, location_id=shop.places[1])["invoice"]["invoice_number"]
    assert first == second == "000001"
    with pytest.raises(ValueError, match="is taken"):
        invoice(shop, location_id=shop.places[0], invoice_number="000001")


def test_the_api_drafts_publishes_and_cancels_against_the_version() -> None:
    shop = Shop()
    shop.subscribe(*ALL)
    customer = shop.post("/v2/customers", {"company_name": "Office Ltd", "tax_ids": {"eu_vat": "IE3426675K"}})[
        "customer"
    ]
    line = {"name": "Desk", "quantity": "1", "base_price_money": {"amount": 5000, "currency": "EUR"}}
    order = shop.post("/v2/orders", {"order": {"location_id": shop.places[0], "line_items": [line]}})["order"]
    wanted = {
        "order_id": order["id"], "location_id": shop.places[0], "primary_recipient": {"customer_id": customer["id"]},
        "payment_requests": [{"request_type": "BALANCE", "due_date": "2026-03-01"}],
    }  # fmt: skip
    draft = shop.post("/v2/invoices", {"invoice": wanted, "idempotency_key": "i"})["invoice"]
    assert (draft["status"], draft["version"]) == ("DRAFT", 0)
    assert draft["primary_recipient"]["tax_ids"] == {"eu_vat": "IE3426675K"}
    path = f"/v2/invoices/{draft['id']}"
    assert shop.refused("POST", f"{path}/publish", {"version": 7}) == (400, "VERSION_MISMATCH")
    assert shop.post(f"{path}/publish", {"version": 0})["invoice"]["status"] == "UNPAID"
    assert shop.refused("DELETE", path, version=1) == (400, "BAD_REQUEST")
    assert shop.post(f"{path}/cancel", {"version": 1})["invoice"]["status"] == "CANCELED"
    assert len(shop.get("/v2/invoices", location_id=shop.places[0])["invoices"]) == 1
    found = {"query": {"filter": {"location_ids": shop.places[:1], "customer_ids": [customer["id"]]}}}
    assert len(shop.post("/v2/invoices/search", found)["invoices"]) == 1
    two = {"query": {"filter": {"location_ids": shop.places[:2]}}}
    assert shop.refused("POST", "/v2/invoices/search", two) == (400, "INVALID_VALUE")
    events = shop.events()
    assert [e["type"] for e in events] == ["invoice.created", "invoice.published", "invoice.canceled"]
    assert events[1]["location_id"] == shop.places[0]


def test_a_deleted_draft_sends_an_event_without_object() -> None:
    shop = Shop()
    shop.subscribe(*ALL)
    made = invoice(shop, publish=False)
    assert shop.call("DELETE", f"/v2/invoices/{made['invoice_id']}", version=0) == (200, {})
    assert shop.events()[-1]["data"] == {"type": "invoice", "id": made["invoice_id"], "deleted": True}


def test_rounding_of_a_first_cash_payment_is_not_counted_again_by_the_second() -> None:
    shop = Shop()
    made = invoice(shop, deposit_percent="33")
    shop.do("invoice_pay", invoice_id=made["invoice_id"], means="cash", rounding=3)
    last = shop.do("invoice_pay", invoice_id=made["invoice_id"])["invoice"]
    assert last["status"] == "PAID"
    assert [paid for _, _, paid in requests_of(last)] == [26400, 53600]
    assert shop.get(f"/v2/orders/{made['order_id']}")["order"]["state"] == "COMPLETED"
