"""Tokens, lists, filters that are ignored, the reader, webhooks and translation."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx2
import pytest

from ml_connector.clock import HandClock
from ml_connector.connectors.shapes import Absent
from ml_connector.connectors.visma import SYSTEM, WEBHOOKS, translate
from ml_connector.connectors.visma.auth import granted_scopes, token_url
from ml_connector.connectors.visma.chart import currencies, periods, vat_ids
from ml_connector.connectors.visma.client import segment
from ml_connector.errors import BadSignature, ConfigurationError, HostRefused, Transient, Untranslatable, UsageError
from ml_connector.finance.documents import Party
from ml_connector.finance.purchasing import LedgerSupplier
from tests.connectors.visma.builders import NOON, FakeVisma, context, http, invoice, payment, payroll, reader, writer

INVOICES = "/v1/customerinvoice"


def test_a_token_is_asked_for_one_company_and_kept_until_shortly_before_its_end() -> None:
    visma = FakeVisma().on("POST", "/v2", 201, Location="/x/GL1")
    clock = HandClock(NOON)
    there = writer(visma, clock=clock, company_id="77")
    there.create("journal", payroll(), context())
    form = parse_qs(visma.requests[0].content.decode())
    assert form["grant_type"] == ["client_credentials"]
    assert form["tenant_id"] == ["t-1"]
    assert form["scope"] == [" ".join(f"vismanet_erp_service_api:{right}" for right in ("read", "create", "update"))]
    assert str(visma.requests[0].url) == "https://connect.visma.com/connect/token"
    assert visma.last().headers["ipp-company-id"] == "77"
    clock.advance(2000)
    there.create("journal", payroll(), context())
    clock.advance(1500)
    there.create("journal", payroll(), context())
    assert [request.url.path for request in visma.requests].count("/connect/token") == 2


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({}, "https://connect.visma.com/connect/token"),
        ({"base_url": "https://integration.visma.net/API/controller/api"}, "https://connect.visma.com/connect/token"),
        ({"base_url": "http://127.0.0.1:81/api"}, "http://127.0.0.1:81/connect/token"),
        ({"base_url": "http://127.0.0.1:81", "token_path": "/id/t"}, "http://127.0.0.1:81/id/t"),
        ({"token_url": "https://x.example/t"}, "https://x.example/t"),
    ],
)
def test_the_token_endpoint_follows_the_base_address(settings: dict[str, str], url: str) -> None:
    assert token_url(settings) == url


def test_the_legacy_host_gets_its_longer_path() -> None:
    visma = FakeVisma().on("POST", "/API/controller/api/v2/journaltransaction", 201, Location="/x/GL1")
    base = "https://integration.visma.net/API/controller/api"
    assert writer(visma, base_url=base).create("journal", payroll(), context()).number == "GL1"


def test_a_token_endpoint_elsewhere_is_not_called() -> None:
    visma = FakeVisma()
    with pytest.raises(HostRefused):
        writer(visma, token_url="https://evil.example/t").create("journal", payroll(), context())
    assert visma.requests == []


def test_missing_credentials_are_named() -> None:
    assert SYSTEM.open_writer is not None
    with pytest.raises(ConfigurationError, match="client_secret, tenant_id"):
        SYSTEM.open_writer(http(FakeVisma()), {"client_id": "x"}, {}, tokens=None, clock=None)


def test_granted_scopes_come_from_the_answer_else_from_the_token() -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"scope": ["a:read"]}).encode()).decode().rstrip("=")
    assert granted_scopes("a:read a:create", "opaque", asked=("z",)) == {"a:read", "a:create"}
    assert granted_scopes(None, f"x.{claims}.y", asked=("z",)) == {"a:read"}
    assert granted_scopes(None, "x.%%%.y", asked=("z",)) == {"z"}
    assert granted_scopes(None, "opaque", asked=("z",)) == {"z"}


@pytest.mark.parametrize(
    ("value", "part"), [("GL0001234", "GL0001234"), ("A/B", "b64(QS9C)"), ("Å 1", "b64(w4UgMQ)"), ("a b", "a%20b")]
)
def test_identifiers_with_reserved_characters_travel_encoded(value: str, part: str) -> None:
    assert segment(value) == part


def document(number: str, reference: str, **changes: Any) -> dict[str, Any]:
    row = {
        "documentType": "Invoice",
        "referenceNumber": number,
        "externalReference": reference,
        "status": "Balanced",
        "currencyId": "NOK",
        "customer": {"number": "10045", "name": "Nordlys AS"},
        "amountInCurrency": 1250.0,
        "vatTotalInCurrency": 250.000000001,
        "documentDate": "2025-04-02T00:00:00",
        "lastModifiedDateTime": "2025-04-02T10:00:00",
        "timeStamp": "AAAAAE0YIiI=",
    }
    return {**row, **changes}


def test_one_invoice_is_looked_for_by_its_reference() -> None:
    visma = FakeVisma().on("GET", INVOICES, 200, [document("1", "tok0000001")])
    found = writer(visma).find("customer_invoice", [(invoice(), context())])
    assert [(one.number, one.total, one.vat) for one in found["tok0000001"]] == [("1", 125000, 25000)]
    assert visma.last().url.params["externalReference"] == "tok0000001"


def test_a_filter_that_is_ignored_is_noticed_and_the_changes_are_listed() -> None:
    rows = [document("1", "somebody's"), document("2", "tok0000001"), document("3", "tok0000002")]
    visma = FakeVisma().on("GET", INVOICES, 200, rows)
    found = writer(visma).find("customer_invoice", [(invoice(), context())])
    assert [one.number for one in found["tok0000001"]] == ["2"]
    assert "lastModifiedDateTime" in visma.last().url.params
    assert visma.last().url.params["lastModifiedDateTimeCondition"] == ">="


def test_a_payment_is_looked_for_by_customer_and_day_and_its_type_must_fit() -> None:
    row = {"type": "Payment", "refNbr": "9", "status": "Balanced", "currency": "NOK", "paymentAmount": 1250.0}
    rows = [
        {**row, "paymentRef": "tok0000001", "type": "Refund"},
        {**row, "paymentRef": "tok0000001"},
        {**row, "refNbr": "8", "paymentRef": "other"},
    ]
    visma = FakeVisma().on("GET", "/v1/customerPayment", 200, rows)
    found = writer(visma).find("customer_payment", [(payment(), context())])
    assert [one.remote_id for one in found["tok0000001"]] == ["Payment/9"]
    asked = visma.last().url.params
    assert (asked["customer"], asked["docDate"], asked["docDateCondition"]) == ("10045", "2025-04-03T00:00:00", ">=")


def test_an_empty_search_may_answer_404() -> None:
    visma = FakeVisma().on("GET", INVOICES, 404, {"message": "nothing"})
    assert writer(visma).find("customer_invoice", [(invoice(), context())]) == {"tok0000001": []}


def test_a_list_that_is_no_list_is_not_taken_for_an_empty_one() -> None:
    visma = FakeVisma().on("GET", INVOICES, 200, {"message": "try later"})
    with pytest.raises(Transient):
        writer(visma).find("customer_invoice", [(invoice(), context())])


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("customer", {"number": "10", "name": "A", "corporateId": "556000-0001"}),
        ("supplier", {"number": "10", "name": "A", "corporateId": "SE5560000001".removeprefix("SE")}),
    ],
)
def test_parties_that_an_ignored_filter_let_through_are_dropped(kind: str, row: dict[str, Any]) -> None:
    visma = FakeVisma().on("GET", f"/v1/{kind}", 200, [row, {"number": "11", "name": "B", "corporateId": "1"}])
    found = writer(visma).look_up(kind, {"org_number": "556000 0001"})
    assert [one.number for one in found] == ["10"]


def test_a_customer_is_looked_up_by_mail_and_a_supplier_is_not() -> None:
    row = {"number": "10", "name": "A", "mainContact": {"email": "A@b.example"}}
    visma = FakeVisma().on("GET", "/v1/customer", 200, [row])
    there = writer(visma)
    assert [one.number for one in there.look_up("customer", {"email": "a@b.example"})] == ["10"]
    assert there.look_up("supplier", {"email": "a@b.example"}) == []
    with pytest.raises(UsageError):
        there.look_up("employee", {"number": "1"})


def numbered(count: int, total: int | None = None, first: int = 1) -> list[dict[str, Any]]:
    told = {"totalCount": total if total is not None else count, "maxPageSize": 1000}
    return [
        document(str(n), "", metadata=told, lastModifiedDateTime=f"2025-04-02T10:00:{n % 60:02d}")
        for n in range(first, first + count)
    ]


def test_a_stream_is_read_page_by_page_and_goes_on_from_the_vendors_newest_moment() -> None:
    answers = [numbered(1000, 1200), numbered(200, 1200, 1001), []]
    visma = FakeVisma().by("GET", INVOICES, lambda _: httpx2.Response(200, json=answers.pop(0)))
    there = reader(visma)
    first = there.page("customerinvoice", None, now=NOON, backfill_from=NOON - timedelta(days=30))
    assert (len(first.objects), first.more) == (1000, True)
    assert visma.last().url.params["lastModifiedDateTime"] == "2025-03-01T10:00:00"
    second = there.page("customerinvoice", first.position, now=NOON)
    assert (len(second.objects), second.more) == (200, False)
    assert visma.last().url.params["pageNumber"] == "2"
    there.page("customerinvoice", second.position, now=NOON)
    assert visma.last().url.params["lastModifiedDateTime"] == "2025-04-02T08:00:59"
    assert visma.last().url.params["pageNumber"] == "1"


def test_a_sweep_whose_rows_moved_begins_anew_a_few_times_at_most() -> None:
    totals = iter(range(1200, 1300))

    def answer(request: httpx2.Request) -> httpx2.Response:
        total = next(totals)
        first = request.url.params["pageNumber"] == "1"
        return httpx2.Response(200, json=numbered(1000 if first else total - 1000, total, 1 if first else 1001))

    there, position, pages = reader(FakeVisma().by("GET", INVOICES, answer)), None, 0
    while True:
        page = there.page("customerinvoice", position, now=NOON)
        position, pages = page.position, pages + 1
        if not page.more:
            break
    assert pages == 6


def test_a_record_is_stamped_by_its_row_version_and_keeps_no_count_of_the_list() -> None:
    visma = FakeVisma().on("GET", INVOICES, 200, numbered(1))
    (found,) = reader(visma).page("customerinvoice", None, now=NOON).objects
    assert found.stamp == "000000004d182222"
    assert "metadata" not in found.payload
    assert found.occurred_at == datetime(2025, 4, 2, tzinfo=UTC)


def test_supplier_invoices_are_named_by_type_and_number() -> None:
    row = {"documentType": "DebitAdj", "referenceNumber": "7", "date": "2025-04-02T00:00:00"}
    visma = FakeVisma().on("GET", "/v1/supplierInvoice/DebitAdj/7", 200, row).on("GET", "/v1/supplierInvoice/", 404)
    there = reader(visma)
    found, missing = there.fetch("supplierInvoice", ["DebitAdj/7", "Invoice/8"])
    assert not isinstance(found, Absent)
    assert found.external_id == "DebitAdj/7"
    assert isinstance(missing, Absent)


def test_many_changed_records_are_fetched_by_one_listing() -> None:
    visma = FakeVisma().on("GET", f"{INVOICES}/99", 404).on("GET", INVOICES, 200, numbered(4))
    found = reader(visma).fetch("customerinvoice", ["1", "2", "3", "4", "99"], since=NOON)
    assert [one.external_id for one in found] == ["1", "2", "3", "4", "99"]
    assert len(visma.calls()) == 2


def test_what_belongs_to_a_party_is_compared_again() -> None:
    rows = [document("1", ""), document("2", "", customer={"number": "other"})]
    there = reader(FakeVisma().on("GET", INVOICES, 200, rows))
    assert [one.external_id for one in there.find("customerinvoice", ("customer", "10045"), location=None)] == ["1"]
    with pytest.raises(UsageError):
        there.find("customerinvoice", ("order", "1"), location=None)
    with pytest.raises(UsageError):
        there.page("payroll", None, now=NOON)


@pytest.mark.parametrize(
    ("written", "read"),
    [("202501", "202501"), ("012025", "202501"), ("01-2025", "202501"), ("1", "202501"), ("", "202501")],
)
def test_a_period_is_named_by_year_and_number_however_it_is_written(written: str, read: str) -> None:
    row = {
        "year": 2025,
        "period": written,
        "startDate": "2025-01-01T00:00:00",
        "endDate": "2025-02-01T00:00:00",
        "active": True,
    }
    (period,) = periods([row])
    assert period.id == read


def test_an_adjustment_period_owns_no_day() -> None:
    december = {"year": 2025, "period": "12", "startDate": "2025-12-01T00:00:00", "endDate": "2026-01-01T00:00:00"}
    adjustment = {"year": 2025, "period": "13", "startDate": "2026-01-01T00:00:00", "endDate": "2026-01-01T00:00:00"}
    assert [period.id for period in periods([adjustment, december])] == ["202512"]


def test_of_two_rates_on_one_day_the_output_rate_counts() -> None:
    schedules = [
        {"startDate": "2026-04-01T00:00:00", "vatRate": 6, "groupType": "Output"},
        {"startDate": "2000-01-01T00:00:00", "vatRate": 12, "groupType": "Input"},
        {"startDate": "2000-01-01T00:00:00", "vatRate": 12.5, "groupType": "Output"},
    ]
    found = vat_ids([{"vatId": "F", "schedules": schedules, "glAccounts": {"vatPayableAccount": "2631"}}])["F"]
    assert [str(rate) for _, rate in found.rates] == ["12.5", "6"]
    assert found.payable_account == "2631"


def test_only_currencies_in_use_are_kept() -> None:
    rows = [
        {"id": "NOK", "isBaseCurrency": True, "isUsedForAccounting": False, "decimalPrecision": 2},
        {"id": "JPY", "isBaseCurrency": False, "isUsedForAccounting": True, "decimalPrecision": 0},
        {"id": "XYZ", "isBaseCurrency": False, "isUsedForAccounting": False},
    ]
    assert {use.id: use.precision for use in currencies(rows).values()} == {"NOK": 2, "JPY": 0}


def test_a_known_period_is_sent_with_the_document() -> None:
    row = {
        "year": 2025,
        "period": "202503",
        "startDate": "2025-03-01T00:00:00",
        "endDate": "2025-04-01T00:00:00",
        "active": True,
    }
    visma = FakeVisma().on("GET", "/v1/financialPeriod", 200, [row]).on("GET", "/v1/dimension", 200, {"segments": []})
    visma.on("GET", "/v1", 200, []).on("POST", "/v2", 201, Location="/x/GL1")
    there = writer(visma)
    there.chart()
    there.create("journal", payroll(), context())
    assert visma.body()["financialPeriod"] == {"value": "202503"}


def signed(body: bytes, key: str = "k") -> str:
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


@pytest.mark.parametrize("name", ["x-visma-signature", "signature", "x-hub-signature-256"])
@pytest.mark.parametrize("prefix", ["", "sha256="])
def test_a_signature_is_accepted_under_any_header_name(name: str, prefix: str) -> None:
    body = '{"event":"Customer Changed","customer":"Åse"}'.encode()
    WEBHOOKS.verify(body, {name: prefix + signed(body)}, url="", keys=["old", "k"], now=NOON)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"signature": ""},
        {"signature": "AAAA"},
        {"signature": signed(b"{} ")},
        {"x-key": signed(b"{}")},
        {"signature": "é"},
    ],
)
def test_anything_else_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(BadSignature):
        WEBHOOKS.verify(b"{}", headers, url="", keys=["k"], now=NOON)
    with pytest.raises(BadSignature):
        WEBHOOKS.verify(b"{}", {"signature": signed(b"{}", "")}, url="", keys=[], now=NOON)


@pytest.mark.parametrize(
    ("event", "kind", "number"),
    [
        ({"eventType": "Customer Changed", "entityNumber": "10045", "tenantId": "t-1"}, "customer", "10045"),
        (
            {"event": "AR Invoice Status Changed", "data": {"refNbr": "100007"}, "companyId": 7},
            "customerinvoice",
            "100007",
        ),
        (
            {"resourceUrl": "https://api.finance.visma.net/v1/supplierInvoice/500001", "tenant": "t-1"},
            "supplierInvoice",
            "Invoice/500001",
        ),
        ({"event": "PurchaseOrderChanged", "number": "PO1"}, "purchaseorder", "PO1"),
    ],
)
def test_a_delivery_is_a_hint_of_what_to_read(event: dict[str, Any], kind: str, number: str) -> None:
    (found,) = WEBHOOKS.read(json.dumps(event).encode(), {})
    assert (found.kind, found.external_id, found.event_id) == (kind, number, None)


def test_an_event_that_names_nothing_we_read_is_ignored_with_its_name() -> None:
    (found,) = WEBHOOKS.read(b'{"event":"Shipment Changed","number":"1"}', {})
    assert found.kind is None
    assert found.ignored is not None
    assert "Shipment Changed" in found.ignored


@pytest.mark.parametrize("body", [b"", b"no json", b'"text"', b"[1]", b"\xff"])
def test_a_body_that_is_no_event_is_told_as_such(body: bytes) -> None:
    with pytest.raises(Untranslatable):
        WEBHOOKS.read(body, {})


def test_a_customer_becomes_a_party() -> None:
    row = {
        "number": "10045",
        "name": "Nordlys AS",
        "status": "Active",
        "corporateId": "999888777",
        "mainContact": {"email": "post@nordlys.example", "phone1": "22"},
        "mainAddress": {
            "addressLine1": "Storgata 1",
            "postalCode": "0155",
            "city": "Oslo",
            "country": {"id": "NO", "name": "Norway"},
        },
        "lastModifiedDateTime": "2025-04-02T10:00:00",
    }
    party = translate("customer", row)
    assert isinstance(party, Party)
    assert (party.id, party.role, party.address.country, party.is_company) == ("10045", "customer", "NO", True)
    supplier = translate("supplier", {**row, "status": "Inactive"})
    assert isinstance(supplier, LedgerSupplier)
    assert (supplier.number, supplier.status, supplier.addresses[0].country) == ("10045", "Inactive", "NO")


def test_what_cannot_be_translated_names_the_field() -> None:
    with pytest.raises(Untranslatable) as refused:
        translate("customer", {"name": "nobody"})
    assert refused.value.field == "number"
    with pytest.raises(Untranslatable):
        translate("customerinvoice", {})


def test_a_payment_that_shares_its_number_is_read_by_its_type() -> None:
    row = {"refNbr": "9", "status": "Open", "currency": "NOK", "paymentAmountInCurrency": 1.0}
    rows = [{**row, "type": "VoidPayment", "status": "Voided"}, {**row, "type": "Payment"}]
    visma = FakeVisma().on("GET", "/v1/customerPayment", 200, rows)
    asked = replace(context(), remote_id="Payment/9")
    seen = writer(visma).observe("customer_payment", [(payment(), asked)])["Payment/9"]
    assert (seen.state, seen.status) == ("released", "Open")
    assert visma.last().url.params["paymentType"] == "Payment"
