"""Every kind of document against the pretend Visma, in each way it may answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ml_connector.connectors.shapes import Context
from ml_connector.errors import Conflict, NeedsApproval, NotAuthorized, RateLimited, Rejected
from ml_connector.finance.invoices import (
    Application,
    Reversal,
    TaxDetail,
)
from ml_connector.finance.plan import Content
from tests.connectors.visma.driver import DAY, Driver, card, fees, invoice, paid, sale, sek
from tests.connectors.visma.sandboxed import BASE, Sandbox

ANSWERS: list[dict[str, Any]] = [
    {"action_answer": "declared"},
    {"action_answer": "job", "customer_answer": "job", "job_seconds": 1},
    {"action_answer": "result", "location_host": "legacy", "void_releases": True},
    {"action_answer": "accepted_result", "reversal_on_hold": True, "page_cap": 3},
    {"action_answer": "empty", "location_host": "api", "auto_post_on_release": False, "validate_control_totals": True},
]


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture
def driver(sandbox: Sandbox) -> Driver:
    return Driver(sandbox, sandbox.writer())


@pytest.fixture(params=ANSWERS, ids=lambda wishes: str(wishes["action_answer"]))
def every_way(request: pytest.FixtureRequest, sandbox: Sandbox) -> Driver:
    sandbox.control("set_preferences", **request.param)
    return Driver(sandbox, sandbox.writer())


def test_a_sale_is_posted_once_with_its_vat(every_way: Driver) -> None:
    seen = every_way.released("journal", sale())
    assert (seen.total, seen.currency, seen.day) == (12500, "SEK", "2026-05-20")
    assert seen.facts["by_account"] == {"1582": 12500, "3001": -10000, "2611": -2500}
    (voucher,) = every_way.sandbox.control("books", module="GL")["vouchers"]
    assert (voucher["number"], voucher["description"], voucher["create_vat"]) == (
        seen.number,
        "Sale [tok0000001]",
        True,
    )
    assert [line["vat_id"] for line in voucher["lines"]] == ["", "", "S25"]


def test_an_invoice_is_paid_and_the_payment_voided(every_way: Driver) -> None:
    bill = every_way.released("customer_invoice", invoice())
    assert (bill.total, bill.vat, bill.facts["balance"]) == (125000, 25000, 125000)
    receipt = every_way.released("customer_payment", paid(Application("Invoice", bill.number, sek("1250"))))
    assert receipt.facts["available"] == 0
    asked = (invoice(), Context("tok0000001", "key 1", remote_id=bill.remote_id))
    assert every_way.writer.observe("customer_invoice", [asked])[bill.remote_id].status == "Closed"
    voided = every_way.released("void_payment", Reversal("void_payment", receipt.number, "Payment", "sq:pay:P1"))
    assert (voided.facts["type"], voided.total) == ("VoidPayment", -125000)
    assert every_way.writer.observe("customer_invoice", [asked])[bill.remote_id].facts["balance"] == 125000


def test_a_credit_note_is_paid_back(every_way: Driver) -> None:
    note = every_way.released("credit_note", invoice(kind="credit_note", due_on=None))
    back = every_way.released(
        "customer_refund", paid(Application("CreditNote", note.number, sek("1250")), kind="refund")
    )
    assert (back.remote_id, back.state) == (f"Refund/{back.number}", "released")


def test_a_credit_note_lowers_the_invoice_it_names(every_way: Driver) -> None:
    bill = every_way.released("customer_invoice", invoice())
    note = every_way.released("credit_note", invoice(kind="credit_note", due_on=None, applies_to=bill.number))
    assert (note.status, note.facts["balance"]) == ("Closed", 0)


def test_a_debit_note_carries_the_sources_vat(every_way: Driver) -> None:
    tax = TaxDetail("S25", sek("1000"), sek("250"))
    note = every_way.released("debit_note", invoice(kind="debit_note", tax_details=(tax,)))
    assert (note.total, note.vat) == (125000, 25000)


def test_an_invoice_is_reversed_as_a_whole(every_way: Driver) -> None:
    bill = every_way.released("customer_invoice", invoice())
    note = every_way.released("reverse_invoice", Reversal("reverse_invoice", bill.number, "Invoice", "sq:inv:I1"))
    assert (note.facts["type"], note.total) == ("CreditNote", 125000)


def test_a_suppliers_invoice_its_debit_adjustment_and_its_reversal(every_way: Driver) -> None:
    bill = every_way.released("supplier_invoice", fees())
    assert (bill.remote_id, bill.total) == (f"Invoice/{bill.number}", 40000)
    lowered = every_way.released("supplier_invoice", fees("-"))
    assert (lowered.remote_id, lowered.total) == (f"DebitAdj/{lowered.number}", -40000)
    turned = every_way.released("reverse_invoice", Reversal("reverse_invoice", bill.number, "SupplierInvoice", "x"))
    assert turned.remote_id.startswith("DebitAdj/")


@pytest.mark.parametrize("kind", ["customer", "supplier"])
def test_a_party_is_made_found_by_its_number_in_any_spelling_and_changed(every_way: Driver, kind: str) -> None:
    made = every_way.released(kind, card(kind))
    (found,) = every_way.writer.look_up(kind, {"org_number": "5560000001"})
    assert (found.number, found.currency, found.facts["vat_zone"]) == (made.number, "SEK", "SE")
    changed = card(kind, number=made.number, status="Inactive")
    context = replace(every_way.context(), remote_id=made.number, etag=made.etag)
    done = every_way.writer.create(kind, changed, context)
    assert (done.remote_id, done.released) == (made.number, True)
    every_way.sandbox.clock.advance(2)
    assert every_way.seen(kind, changed, context).status == "Inactive"
    assert every_way.writer.look_up(kind, {"number": "nowhere"}) == []


def test_a_draft_that_somebody_touched_is_not_released(driver: Driver) -> None:
    context = driver.create("journal", sale())
    driver.sandbox.control("touch", kind="journaltransaction", number=context.remote_id)
    with pytest.raises(Conflict):
        driver.writer.release("journal", sale(), context)
    assert driver.seen("journal", sale(), context).status == "Balanced"


def test_a_background_release_that_meets_a_change_is_told_when_the_draft_is_read(driver: Driver) -> None:
    context = driver.create("customer_invoice", invoice())
    driver.sandbox.control("touch", kind="customerinvoice", number=context.remote_id)
    driver.writer.release("customer_invoice", invoice(), context)
    seen = driver.seen("customer_invoice", invoice(), context)
    assert seen.state == "draft"
    assert "412" in seen.facts["release_refused"]


def test_a_closed_period_is_refused_in_visas_own_words(driver: Driver) -> None:
    driver.sandbox.control("close_period", period="202605")
    with pytest.raises(Rejected, match="closed in"):
        driver.writer.create("journal", sale(), driver.context())


def test_a_voucher_keeps_its_list_of_records(driver: Driver) -> None:
    context = driver.create("journal", sale())
    driver.writer.attach("journal", context, file_name="records.csv", body=b"key;amount\r\nsq:sale:O1;125.00\r\n")
    (voucher,) = driver.sandbox.control("books", module="GL")["vouchers"]
    assert voucher["attachments"] == 1


def test_the_whole_chart_takes_eleven_calls(driver: Driver) -> None:
    known = driver.writer.chart()
    assert driver.sandbox.calls() == 11
    assert known.base_currency == "SEK"
    assert known.accounts["1582"].cash_account
    assert known.accounts["1510"].control
    assert not known.accounts["3999"].active
    assert known.cash_accounts["1582"].dimensions == ((1, "00"), (2, "000"))
    assert known.segments[1].values["90"] is False
    assert known.vat_ids["S25"].rate_on(DAY) == 25
    assert known.vat_ids["S25"].payable_account == "2611"
    period = known.period_of(DAY)
    assert period is not None
    assert period.id == "202605"
    driver.sandbox.control("deactivate_account", number="6570")
    driver.sandbox.control("close_period", period="202604")
    fresh = driver.writer.chart()
    assert not fresh.accounts["6570"].active
    assert "general_ledger" in {period.id: period for period in fresh.periods}["202604"].closed


def test_doctor_facts_name_series_and_rates(driver: Driver) -> None:
    facts = driver.writer.configuration_facts()
    assert facts.organisations
    assert facts.number_series["CUSTOMER"] is True
    assert facts.rates["EUR"] > 0
    assert any("automatically post" in question for question in facts.asked)


def test_ping_proves_each_right_and_writes_nothing(sandbox: Sandbox) -> None:
    before = sandbox.control("books")
    answer = sandbox.ping()
    assert answer.ok
    assert [check.name for check in answer.checks] == ["token", "scopes", "read", "company", "create", "update"]
    assert (answer.account, answer.facts["base_currency"], answer.facts["rate_policy"]) == (
        sandbox.company["name"],
        "SEK",
        "4-fixed-window",
    )
    assert sandbox.control("books") == before


def test_ping_names_the_right_that_is_missing(sandbox: Sandbox) -> None:
    answer = sandbox.ping({"scopes": "vismanet_erp_service_api:read vismanet_erp_service_api:create"})
    refused = {check.name: check for check in answer.checks if not check.ok}
    assert set(refused) == {"update"}
    assert "vismanet_erp_service_api:update" in refused["update"].fix


def test_ping_tells_who_must_approve_what(sandbox: Sandbox) -> None:
    sandbox.control("revoke_tenant")
    answer = sandbox.ping()
    assert not answer.ok
    assert "Integration Administrator" in answer.checks[0].fix


def test_a_customer_tenant_is_recognised(sandbox: Sandbox) -> None:
    answer = sandbox.ping(tenant_id=sandbox.company["customer_tenant_id"])
    (check,) = [check for check in answer.checks if not check.ok]
    assert check.name == "read"
    assert "customer's, not the company's" in check.fix


def test_an_expired_token_is_replaced_in_the_same_call(driver: Driver) -> None:
    driver.writer.chart()
    driver.sandbox.control("expire_tokens")
    assert driver.released("journal", sale()).state == "released"
    assert driver.sandbox.meter.calls["POST /connect/token"] == 2


def test_a_withdrawn_approval_is_told_as_such(driver: Driver) -> None:
    driver.writer.chart()
    driver.sandbox.control("revoke_tenant")
    with pytest.raises(NeedsApproval):
        driver.writer.create("journal", sale(), driver.context())


def test_a_wrong_secret_is_no_matter_of_approval(sandbox: Sandbox) -> None:
    with pytest.raises(NotAuthorized) as refused:
        sandbox.writer(client_secret="wrong").chart()
    assert not isinstance(refused.value, NeedsApproval)
    assert "secret" in refused.value.fix


def test_the_rate_limit_says_when_to_come_back(driver: Driver) -> None:
    driver.writer.chart()
    driver.sandbox.control("set_rate_limit", limit=1)
    with pytest.raises(RateLimited) as limited:  # noqa: PT012 - the first call is within the limit
        driver.writer.create("journal", sale(), driver.context())
        driver.writer.create("journal", sale(), driver.context())
    assert limited.value.retry_after_s is not None
    assert limited.value.retry_after_s > 0


def test_two_hundred_sales_cost_two_point_two_calls_each(driver: Driver) -> None:
    there = driver.writer
    asked: list[tuple[Content, Context]] = [(sale(), driver.create("journal", sale())) for _ in range(200)]
    seen = there.observe("journal", asked)
    for content, context in asked:
        there.release("journal", content, replace(context, etag=seen[context.remote_id].etag))
    done = there.observe("journal", asked)
    assert {one.state for one in done.values()} == {"released"}
    assert driver.sandbox.calls() <= 2.2 * 200


def test_the_reader_follows_changes_and_fetches_by_number(driver: Driver) -> None:
    reader = driver.sandbox.reader()
    start = driver.sandbox.clock.now()
    first = reader.page("customerinvoice", None, now=start)
    assert (first.objects, first.more) == ((), False)
    bill = driver.released("customer_invoice", invoice())
    page = reader.page("customerinvoice", first.position, now=driver.sandbox.clock.now())
    (found,) = page.objects
    assert (found.external_id, page.more) == (bill.number, False)
    (fetched,) = reader.fetch("customerinvoice", [bill.number])
    assert fetched == found
    (party,) = reader.fetch("supplier", ["50000"])
    assert party.external_id == "50000"
    assert reader.find("customerinvoice", ("customer", "10010"), location=None) == [found]
    assert BASE.startswith("http://127.0.0.1")
