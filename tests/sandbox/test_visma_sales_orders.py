"""The pretend sales order service: its own scopes, plain strict bodies, versions that must be named, pages from 0."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ml_connector_sandbox.core.wire import Response
from tests.sandbox.visma_office import SCOPES, Office, header, office, token_answer

ROOT = "/api/v3/SalesOrders"
SALES = "visma.net.erp.salesorder:read visma.net.erp.salesorder:write"
READ, WRITE = SALES.split()


def shop(scope: str = SALES) -> Office:
    """A company that sells one item, and a token for its orders."""
    there = office()
    there.control("set_item", number="MUG", description="Mug", vat="25", account="3001", type="FinishedGoodItem")
    there.token = json.loads(token_answer(there.vendor, there.company, scope=scope).body)["access_token"]
    return there


def order(*lines: dict[str, Any], **head: Any) -> dict[str, Any]:
    """Two mugs at 100.00 for Nordlys unless told otherwise."""
    rows = list(lines) or [{"inventoryId": "mug", "quantity": 2, "unitPrice": 100}]
    defaults = {"type": "SO", "customer": {"id": "10010", "refNo": "tok1234567", "order": "77"}}
    return {**defaults, "orderLines": rows, **head}


def entered(there: Office, **head: Any) -> str:
    answer = there.call("POST", ROOT, order(**head))
    assert answer.status == 201, answer.body
    return header(answer, "Location").rsplit("/", 1)[1]


def words(answer: Response) -> dict[str, Any]:
    return dict(json.loads(answer.body))


def test_an_order_is_numbered_priced_and_taxed_and_shows_only_what_is_expanded() -> None:
    there = shop()
    number = entered(there)
    assert header(there.last, "Location") == f"http://erp.test{ROOT}/SO/{number}"
    shown = there.get(f"{ROOT}/SO/{number}")
    assert shown["totals"] == {"orderTotal": 250.0, "taxTotal": 50.0, "taxableTotal": 200.0}
    assert "customer" not in shown
    assert "orderLines" not in shown
    shown = there.get(f"{ROOT}/SO/{number}?expand=customer,lines")
    assert (shown["customer"]["refNo"], shown["customer"]["order"]) == ("tok1234567", "77")
    assert [line["extendedPrice"] for line in shown["orderLines"]] == [200.0]
    assert [row["taxAmount"] for row in there.get(f"{ROOT}/SO/{number}/tax")] == [50.0]
    assert there.get(f"{ROOT}/SO/{number}/shipment") == []


def test_a_token_of_the_erp_does_not_open_the_service_and_a_reading_one_does_not_write() -> None:
    there = shop(SCOPES)
    assert there.call("GET", ROOT).status == 403
    there = shop(READ)
    assert there.call("GET", ROOT).status == 200
    answer = there.call("POST", ROOT, order())
    assert (answer.status, words(answer)["status"]) == (403, 403)
    there.token = "nobody's"
    assert there.call("GET", ROOT).status == 401


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (order(customer={"value": {"id": "10010"}}), "value"),
        (order(type={"value": "SO"}), "type"),
        (order(type="XX"), "type"),
        (order(customer={"id": "99999"}), "customer.id"),
        (order(surprise=1), "surprise"),
        (order(status="Completed"), "status"),
        (order(orderId="000500"), "orderId"),
        (order(date="yesterday"), "date"),
        (order({"inventoryId": "NONE-SUCH", "quantity": 1}), "orderLines[0].inventoryId"),
        (order({"inventoryId": "MUG", "quantity": -1}), "orderLines[0].quantity"),
        (order({"inventoryId": "MUG", "quantity": "2"}), "quantity"),
        (order({"inventoryId": "MUG", "quantity": 1, "taxCategoryId": "99"}), "orderLines[0].taxCategoryId"),
        (order(customer={"id": "10010", "refNo": "x" * 41}), "refNo"),
    ],
)
def test_a_wrong_body_is_refused_with_the_place_named(body: dict[str, Any], where: str) -> None:
    there = shop()
    answer = there.call("POST", ROOT, body)
    assert answer.status == 400
    assert list(words(answer)["errors"]) == [where]
    assert there.control("sales_orders") == []


def test_a_change_must_name_the_version_it_changes() -> None:
    there = shop()
    number = entered(there)
    place = f"{ROOT}/SO/{number}"
    assert there.call("PATCH", place, {"status": "Hold"}).status == 428
    assert there.call("DELETE", place).status == 428
    there.call("GET", place)
    version = header(there.last, "ETag")
    assert there.call("PATCH", place, {"status": "Hold"}, if_match=version).status == 202
    assert there.call("DELETE", place, if_match=version).status == 412
    there.call("GET", place)
    assert there.call("DELETE", place, if_match=header(there.last, "ETag")).status == 202
    assert there.call("GET", place).status == 404


def test_a_shipped_order_cannot_be_changed_or_deleted() -> None:
    there = shop()
    number = entered(there)
    there.control("ship_sales_order", number=number)
    there.call("GET", f"{ROOT}/SO/{number}")
    assert there.call("DELETE", f"{ROOT}/SO/{number}", if_match=header(there.last, "ETag")).status == 405


def test_an_order_on_hold_is_shipped_only_once_it_is_open() -> None:
    there = shop()
    number = entered(there, status="Hold")
    place = f"{ROOT}/SO/{number}"
    assert there.get(place)["status"]["hold"] is True
    with pytest.raises(ValueError, match="is Hold"):
        there.control("ship_sales_order", number=number)
    version = header(there.last, "ETag")
    assert there.call("PATCH", place, {"status": "Shipping"}, if_match=version).status == 400
    assert there.call("PATCH", place, {"status": "Open"}, if_match=version).status == 202
    there.control("set_preferences", order_status_object=False)
    assert there.get(place)["status"] == there.get(ROOT)["value"][0]["status"] == "Open"
    there.control("ship_sales_order", number=number)


def test_lists_begin_at_page_0_and_are_shorter_when_something_is_expanded() -> None:
    there = shop()
    numbers = [entered(there) for _ in range(3)]
    first = there.get(f"{ROOT}?pageSize=2")
    assert ([one["orderId"] for one in first["value"]], first["totalCount"]) == (numbers[:2], 3)
    assert [one["orderId"] for one in there.get(f"{ROOT}/SO?pageSize=2&pageIndex=1")["value"]] == numbers[2:]
    assert first["value"][0]["customerRefNo"] == "tok1234567"
    assert first["value"][0]["orderTotal"] == 250.0
    assert there.get(f"{ROOT}?pageSize=500&expand=customer")["pageSize"] == 100
    assert there.get(f"{ROOT}?customerId=10000")["value"] == []
    assert there.get(f"{ROOT}?modifiedSince=2026-03-10T12:00:01")["value"] == []
    for nonsense in ("pageIndex=-1", "pageSize=0", "pageSize=1001", "orderBy=colour", "expand=everything"):
        assert there.call("GET", f"{ROOT}?{nonsense}").status == 400, nonsense


def test_a_person_invoices_an_order_and_both_sides_name_each_other() -> None:
    there = shop()
    number = entered(there)
    made = there.control("invoice_sales_order", number=number)
    assert (made["status"], made["total"]) == ("Open", "250.00")
    (row,) = there.get(f"{ROOT}/SO/{number}/shipment")
    assert (row["invoiceType"], row["invoiceNo"]) == ("Invoice", made["invoice"])
    assert there.get(f"{ROOT}/SO/{number}")["status"] == {
        "description": "Completed", "hold": False, "cancelled": False
    }  # fmt: skip
    there.token = json.loads(token_answer(there.vendor, there.company).body)["access_token"]
    invoice = there.get(f"/v1/customerinvoice/{made['invoice']}")
    assert invoice["customerRefNumber"] == "tok1234567"
    assert [(line["soOrderType"], line["soOrderNbr"]) for line in invoice["invoiceLines"]] == [("SO", number)]
    assert there.balance("1510") == "250.00"
    assert there.balance("3001") == "-200.00"
    with pytest.raises(ValueError, match="invoice already"):
        there.control("invoice_sales_order", number=number)


def test_items_are_shown_by_number_in_any_casing_and_an_unknown_one_is_404() -> None:
    there = shop(SCOPES)
    assert there.get("/v1/inventory/mug")["inventoryNumber"] == "MUG"
    assert [one["inventoryNumber"] for one in there.get("/v1/inventory")] == ["MUG"]
    assert there.call("GET", "/v1/inventory/CUP").status == 404


def test_calls_are_counted_by_operation() -> None:
    there = shop()
    number = entered(there)
    there.get(f"{ROOT}/SO/{number}/tax")
    assert there.vendor.calls[f"POST {ROOT}"] == 1
    assert there.vendor.calls[f"GET {ROOT}/{{type}}/{{orderId}}/tax"] == 1
