"""Sales orders and advances against the pretend service: made once, found again, read back, taken back, applied."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.connectors.shapes import Context
from ml_connector.connectors.visma.auth import SALES_BASE, sales_url
from ml_connector.connectors.visma.orders import body, prices
from ml_connector.connectors.visma.writer import VismaWriter
from ml_connector.errors import Conflict, HostRefused, Rejected, Transient, UnknownOutcome, UsageError
from ml_connector.finance.invoices import CustomerPayment, Reversal
from ml_connector.finance.selling import PaymentApplication, SalesOrder, SalesOrderLine
from tests.connectors.visma.driver import Driver, sek
from tests.connectors.visma.sandboxed import START, Sandbox

DAY = date(2026, 5, 20)
ROOT = "/api/v3/SalesOrders"


def line(net: str = "200", quantity: str = "2", item: str = "MUG", **changes: Any) -> SalesOrderLine:
    whole = SalesOrderLine(item, Decimal(quantity), sek(net), "25", "Mugs", sek(str(Decimal(net) / 4)))
    return replace(whole, **changes)


def ordered(*lines: SalesOrderLine, **changes: Any) -> SalesOrder:
    rows = lines or (line(),)
    net = sum((one.net.minor for one in rows), 0)
    vat = sum((one.vat.minor for one in rows if one.vat is not None), 0)
    sums = {"total": sek(str(Decimal(net + vat) / 100)), "vat_total": sek(str(Decimal(vat) / 100))}
    facts = {"reference": "77", "source": "wc:ord:77", "text": "Order 77"}
    return SalesOrder(**{"customer": "10010", "day": DAY, "type": "SO", "currency": "SEK", "lines": rows,
                         **sums, **facts, **changes})  # fmt: skip


def sold(**preferences: Any) -> tuple[Sandbox, VismaWriter, Driver]:
    sandbox = Sandbox()
    sandbox.control("set_item", number="MUG", description="Mug", vat="25", account="3001")
    if preferences:
        sandbox.control("set_preferences", **preferences)
    writer = sandbox.writer()
    return sandbox, writer, Driver(sandbox, writer)


@pytest.mark.parametrize("totals", [True, False])
def test_an_order_is_made_read_back_and_found_by_our_reference(totals: bool) -> None:
    sandbox, writer, driver = sold(order_totals=totals)
    rows = (line("200"), replace(line("8", "1"), net=sek("9.99"), vat=sek("2.50")))
    order = ordered(*rows, total=sek("262.49"), vat_total=sek("52.50"))
    context = driver.create("sales_order", order)
    assert context.remote_id == "SO/000001"
    seen = driver.seen("sales_order", order, context)
    assert (seen.state, seen.status, seen.currency, seen.total, seen.vat) == ("draft", "Hold", "SEK", 26249, 5250)
    assert context.token in seen.tokens
    (found,) = writer.find("sales_order", [(order, context)])[context.token]
    assert (found.remote_id, found.number, found.total) == ("SO/000001", "000001", 26249)
    other = replace(context, token="tok9999999")
    assert writer.find("sales_order", [(order, other)])[other.token] == []
    (kept,) = sandbox.control("sales_orders")
    assert (kept["reference"], kept["order"], kept["customer"]) == (context.token, "77", "10010")


def test_an_order_whose_reference_is_not_shown_where_it_was_written_is_known_by_its_note() -> None:
    sandbox, _, driver = sold()
    order = ordered()
    context = driver.create("sales_order", order)
    kept = next(iter(sandbox.vendor.vendor.companies())).sales_orders["SO", "000001"]  # type: ignore[attr-defined]
    kept.reference = ""
    assert context.token in driver.seen("sales_order", order, context).tokens


@pytest.mark.parametrize("as_object", [True, False])
def test_an_order_is_on_hold_until_it_is_taken_off_in_the_version_that_was_compared(as_object: bool) -> None:
    sandbox, writer, driver = sold(order_status_object=as_object)
    order = ordered()
    context = driver.create("sales_order", order)
    seen = driver.seen("sales_order", order, context)
    assert (seen.state, bool(seen.etag)) == ("draft", True)
    writer.release("sales_order", order, replace(context, etag=seen.etag))
    seen = driver.seen("sales_order", order, context)
    assert (seen.state, seen.status) == ("released", "Open")
    calls = {name: n for name, n in sandbox.meter.calls.items() if "connect" not in name}
    one = f"{ROOT}/{{type}}/{{id}}"
    assert calls == {f"POST {ROOT}": 1, f"GET {one}": 2, f"PATCH {one}": 1}  # the ERP is not asked


def test_an_order_that_somebody_changed_since_it_was_compared_stays_on_hold() -> None:
    sandbox, writer, driver = sold()
    order = ordered()
    context = driver.create("sales_order", order)
    seen = driver.seen("sales_order", order, context)
    sandbox.control("set_sales_order", number="000001")
    with pytest.raises(Conflict):
        writer.release("sales_order", order, replace(context, etag=seen.etag))
    assert driver.seen("sales_order", order, context).state == "draft"
    writer.release("sales_order", order, replace(context, etag=None))  # no version is known: the newest
    assert driver.seen("sales_order", order, context).state == "released"


def test_of_many_orders_those_that_went_on_are_told_by_one_list() -> None:
    sandbox, writer, driver = sold()
    order = ordered()
    made = [replace(driver.create("sales_order", order), started_at=START) for _ in range(5)]
    for context in made[1:]:
        writer.release("sales_order", order, replace(context, etag=None))
    before = sandbox.meter.calls[f"GET {ROOT}/{{type}}/{{id}}"]
    seen = writer.observe("sales_order", [(order, context) for context in made])
    assert [seen[one.remote_id].state for one in made] == ["draft", *["released"] * 4]
    assert seen[made[0].remote_id].vat == order.vat_total.minor
    assert sandbox.meter.calls[f"GET {ROOT}"] == 1
    assert sandbox.meter.calls[f"GET {ROOT}/{{type}}/{{id}}"] == before + 1


@pytest.mark.parametrize(
    ("quantity", "net", "rows"),
    [
        ("2", "200.00", [("2", "100.00")]),
        ("3", "10.00", [("2", "3.33"), ("1", "3.34")]),
        ("3", "-10.00", [("2", "-3.33"), ("1", "-3.34")]),
        ("1", "-50.00", [("1", "-50.00")]),
        ("1.5", "15.00", [("1.5", "10.00")]),
        ("7", "0.03", [("6", "0.00"), ("1", "0.03")]),
    ],
)
def test_prices_of_whole_cents_give_the_line_exactly(quantity: str, net: str, rows: list[tuple[str, str]]) -> None:
    found = prices(Decimal(quantity), sek(net))
    assert [(str(n), str(price.decimal())) for n, price in found] == rows
    assert sum(n * price.minor for n, price in found) == sek(net).minor


def test_part_of_a_unit_without_a_price_of_whole_cents_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(UsageError, match="whole cents"):
        prices(Decimal("1.5"), sek("10.00"))


def test_the_body_wraps_nothing_and_the_reference_is_never_cut() -> None:
    made = body(ordered(reference="n" * 60, text="t" * 300), token="tok1234567")
    assert made["status"] == "Hold"
    assert made["customer"] == {"id": "10010", "refNo": "tok1234567", "order": "n" * 40}
    assert len(made["description"]) == 120
    assert made["orderLines"][0]["hasManualPrice"] is True
    assert made["note"] == "wc:ord:77 [tok1234567]"
    assert "branchId" not in made


def test_a_lost_answer_leaves_one_order_that_is_found() -> None:
    sandbox, writer, driver = sold()
    sandbox.vendor.add({"match": {"operation": f"POST {ROOT}"}, "effect": {"kind": "cut_after"}})
    order, context = ordered(), driver.context()
    with pytest.raises(UnknownOutcome):
        writer.create("sales_order", order, context)
    (found,) = writer.find("sales_order", [(order, context)])[context.token]
    assert found.number == "000001"
    assert len(sandbox.control("sales_orders")) == 1


def test_many_orders_are_listed_to_the_last_page() -> None:
    sandbox, writer, driver = sold()
    order = ordered()
    made = [driver.create("sales_order", order) for _ in range(103)]
    found = writer.find("sales_order", [(order, replace(one, started_at=START)) for one in made])
    assert {token: [one.remote_id for one in hits] for token, hits in found.items()} == {
        one.token: [one.remote_id] for one in made
    }
    assert sandbox.meter.calls[f"GET {ROOT}"] == 2


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (ordered(line(item="CUP")), "CUP"),
        (ordered(customer="99999"), "99999"),
        (ordered(type="ZZ"), "ZZ"),
        (ordered(line(vat_code="77")), "77"),
    ],
)
def test_what_the_service_refuses_is_told_in_its_words(order: SalesOrder, words: str) -> None:
    sandbox, writer, driver = sold()
    with pytest.raises(Rejected, match=words):
        writer.create("sales_order", order, driver.context())
    assert sandbox.control("sales_orders") == []


def test_a_missing_right_names_the_scope_of_the_service() -> None:
    sandbox, writer, driver = sold()
    order = ordered()
    context = driver.create("sales_order", order)
    sandbox.vendor.add({"match": {"operation": f"POST {ROOT}"}, "effect": {"kind": "status", "status": 403}})
    with pytest.raises(Rejected) as refused:
        writer.create("sales_order", order, replace(context, token="tok0000009"))
    assert "visma.net.erp.salesorder:write" in refused.value.fix
    sandbox.vendor.add({"match": {"operation": f"GET {ROOT}"}, "effect": {"kind": "status", "status": 403}})
    with pytest.raises(Transient):  # looked for again later; no connection is paused for it
        writer.find("sales_order", [(order, context)])


def test_a_company_that_did_not_approve_the_service_keeps_its_erp() -> None:
    sandbox, writer, driver = sold()
    scopes = [one for one in sandbox.company["scopes"] if "salesorder" not in one]
    sandbox.control("approve_tenant", scopes=scopes)
    with pytest.raises(Rejected, match="gives no token"):
        writer.create("sales_order", ordered(), driver.context())
    assert writer.look_up("item", {"number": "mug"})[0].number == "MUG"


def test_an_order_that_nothing_was_made_of_is_deleted_and_a_second_time_is_no_error() -> None:
    sandbox, writer, driver = sold()
    driver.create("sales_order", ordered())
    undo = Reversal("order_cancellation", "000001", "SO", "wc:ord:77")
    context = driver.context()
    assert writer.find("order_cancellation", [(undo, context)])[context.token] == []
    for _ in range(2):
        made = writer.create("order_cancellation", undo, context)
        done = replace(context, remote_id=made.remote_id)
        assert writer.observe("order_cancellation", [(undo, done)])[made.remote_id].state == "released"
    assert [one.state for one in writer.find("order_cancellation", [(undo, context)])[context.token]] == ["released"]
    assert sandbox.control("sales_orders") == []


@pytest.mark.parametrize("verb", ["ship_sales_order", "invoice_sales_order"])
def test_an_order_that_went_on_is_not_deleted(verb: str) -> None:
    sandbox, writer, driver = sold()
    driver.released("sales_order", ordered())
    sandbox.control(verb, number="000001")
    undo = Reversal("order_cancellation", "000001", "SO", "wc:ord:77")
    with pytest.raises(Rejected, match="shipped or invoiced"):
        writer.create("order_cancellation", undo, driver.context())
    assert len(sandbox.control("sales_orders")) == 1


def test_an_order_that_somebody_changed_meanwhile_is_not_deleted() -> None:
    sandbox, writer, driver = sold()
    driver.create("sales_order", ordered())
    fault = {"kind": "control", "verb": "set_sales_order", "arguments": {"number": "000001"}}
    sandbox.vendor.add({"match": {"operation": f"DELETE {ROOT}/{{type}}/{{orderId}}"}, "effect": fault})
    undo = Reversal("order_cancellation", "000001", "SO", "wc:ord:77")
    with pytest.raises(Conflict):
        writer.create("order_cancellation", undo, driver.context())
    assert len(sandbox.control("sales_orders")) == 1


def test_what_was_made_of_an_order_is_told_by_its_shipments_or_by_our_reference() -> None:
    sandbox, writer, driver = sold()
    driver.released("sales_order", ordered())
    asked = {"of_kind": "sales_order", "of": "SO/000001"}
    assert writer.look_up("order_invoice", asked) == []
    made = sandbox.control("invoice_sales_order", number="000001")
    (found,) = writer.look_up("order_invoice", asked)
    assert (found.number, found.status, found.currency) == (made["invoice"], "Open", "SEK")
    assert found.facts["open"] == found.facts["total"] == "25000"
    sandbox.vendor.add({
        "match": {"operation": f"GET {ROOT}/{{type}}/{{orderId}}/shipment"}, "effect": {"kind": "status", "status": 404}
    })  # fmt: skip
    (found,) = writer.look_up("order_invoice", asked)
    assert found.number == made["invoice"]
    assert [one.status for one in writer.look_up("order_invoice", {"of": "SO/999999"})] == ["Gone"]


def test_a_service_that_does_not_answer_makes_nothing_else_wait() -> None:
    sandbox, writer, driver = sold()
    driver.create("sales_order", ordered())
    sandbox.vendor.add({"match": {"path": "SalesOrders"}, "effect": {"kind": "status", "status": 503}, "times": None})
    assert [one.status for one in writer.look_up("order_invoice", {"of": "SO/000001"})] == ["Unknown"]


def test_what_was_booked_as_an_invoice_before_is_its_own_invoice() -> None:
    sandbox, writer, driver = sold()
    driver.released("sales_order", ordered())
    number = sandbox.control("invoice_sales_order", number="000001")["invoice"]
    asked = {"of_kind": "customer_invoice", "of": number}
    assert [one.number for one in writer.look_up("order_invoice", asked)] == [number]
    assert [one.status for one in writer.look_up("order_invoice", {"of_kind": "journal", "of": "7"})] == ["Otherwise"]


@pytest.mark.parametrize(
    ("status", "state"), [("Active", "Active"), ("NoPurchases", "Active"), ("NoSales", "NoSales"), ("Inactive",) * 2]
)
def test_an_item_may_be_sold_or_not(status: str, state: str) -> None:
    sandbox, writer, _ = sold()
    sandbox.control("set_item", number="MUG", status=status)
    (found,) = writer.look_up("item", {"number": "mug"})
    assert (found.number, found.name, found.status, found.facts["vat_code"]) == ("MUG", "Mug", state, "25")
    assert writer.look_up("item", {"number": "CUP 1/2"}) == []


def advance(amount: str = "250") -> CustomerPayment:
    return CustomerPayment("prepayment", "10010", DAY, "1582", "SQUARE", sek(amount), "wc:pay:77")


def applied(driver: Driver, sandbox: Sandbox, amount: str = "250") -> tuple[PaymentApplication, str]:
    """An advance that is released, and the order's invoice that it is to be put against."""
    driver.released("sales_order", ordered())
    paid = driver.released("customer_payment", advance())
    invoice = sandbox.control("invoice_sales_order", number="000001")["invoice"]
    content = PaymentApplication(paid.remote_id, invoice, sek(amount), sek("250"), "wc:app:77")
    return content, invoice


def test_an_advance_is_put_against_the_invoice_and_both_are_read_back() -> None:
    sandbox, writer, driver = sold()
    content, _ = applied(driver, sandbox)
    context = driver.create("payment_application", content)
    assert driver.seen("payment_application", content, context).state == "draft"
    assert balances(sandbox, "1510") == "250.00"
    writer.release("payment_application", content, context)
    sandbox.clock.advance(2)
    seen = driver.seen("payment_application", content, context)
    assert (seen.state, seen.total, seen.facts["invoice_balance"]) == ("released", 25000, 0)
    assert balances(sandbox, "1510") == "0.00"
    writer.release("payment_application", content, context)  # refused there, and done all the same
    again = writer.create("payment_application", content, driver.context())
    assert again.remote_id == context.remote_id
    assert sandbox.meter.calls["PUT /v1/customerPayment/{id}"] == 1


def test_part_of_an_advance_leaves_the_invoice_open_for_the_rest() -> None:
    sandbox, writer, driver = sold()
    content, _ = applied(driver, sandbox, "100")
    context = driver.create("payment_application", content)
    writer.release("payment_application", content, context)
    sandbox.clock.advance(2)
    seen = driver.seen("payment_application", content, context)
    assert (seen.state, seen.facts["invoice_balance"]) == ("released", 15000)


def test_a_lost_application_is_looked_for_on_the_payment() -> None:
    sandbox, writer, driver = sold()
    content, _ = applied(driver, sandbox)
    context = driver.context()
    assert writer.find("payment_application", [(content, context)])[context.token] == []
    driver.create("payment_application", content)
    (found,) = writer.find("payment_application", [(content, context)])[context.token]
    assert found.remote_id == f"{content.payment}/{content.invoice}"


def test_what_a_voided_advance_was_put_against_is_free_again_and_nothing_is_called_for_that() -> None:
    sandbox, writer, driver = sold()
    content, _ = applied(driver, sandbox)
    context = driver.create("payment_application", content)
    writer.release("payment_application", content, context)
    undo = Reversal("application_freed", context.remote_id, "Invoice", "wc:app:77")
    calls = sum(sandbox.meter.calls.values())
    made = writer.create("application_freed", undo, driver.context())
    assert sum(sandbox.meter.calls.values()) == calls
    done = replace(driver.context(), remote_id=made.remote_id)
    assert writer.observe("application_freed", [(undo, done)])[made.remote_id].state == "pending"
    number = str(content.payment).partition("/")[2]
    driver.released("void_payment", Reversal("void_payment", number, "Prepayment", "wc:pay:77"))
    assert writer.observe("application_freed", [(undo, done)])[made.remote_id].state == "released"
    assert balances(sandbox, "1510") == "250.00"


def balances(sandbox: Sandbox, account: str) -> str:
    return str(sandbox.control("balances")["accounts"][account]["SEK"])


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({}, SALES_BASE),
        ({"base_url": "https://integration.visma.net/API/controller/api"}, SALES_BASE),
        ({"base_url": "http://127.0.0.1:9/x"}, "http://127.0.0.1:9"),
        ({"base_url": "http://127.0.0.1:9", "sales_order_url": "http://127.0.0.1:8/"}, "http://127.0.0.1:8"),
    ],
)
def test_the_service_is_on_its_own_host_unless_told_otherwise(settings: dict[str, str], url: str) -> None:
    assert sales_url(settings) == url


def test_a_service_elsewhere_is_not_called() -> None:
    sandbox = Sandbox()
    writer = sandbox.writer({"sales_order_url": "https://orders.example"})
    with pytest.raises(HostRefused):
        writer.create("sales_order", ordered(), Context("tok1234567", "key", started_at=START))
