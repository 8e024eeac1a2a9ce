"""The chart of the pretend ERP: accounts, segments, periods, VAT, paging, webhooks, control verbs."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from ml_connector_sandbox.core.faults import Faulty
from ml_connector_sandbox.visma import Visma
from ml_connector_sandbox.visma.webhooks import signature
from tests.sandbox.visma_office import NOON, header, invoice, journal, journal_line, office, segments, wrapped

SEGMENT = "/v1/dimension/SUBACCOUNT/1"


def test_the_default_company_has_what_a_square_retailer_needs() -> None:
    shop = office()
    cash = {row["number"]: row["currency"] for row in shop.get("/v1/cashaccount")}
    assert cash == {"1580": "EUR", "1581": "GBP", "1582": "SEK", "1585": "SEK", "1910": "SEK"} | {
        "1930": "SEK",
        "1940": "EUR",
        "1950": "GBP",
    }
    periods = shop.get("/v1/financialPeriod")
    assert len(periods) == 36
    assert (periods[0]["startDate"], periods[0]["endDate"]) == ("2025-01-01T00:00:00", "2025-02-01T00:00:00")
    assert [row["isBaseCurrency"] for row in shop.get("/v1/currency") if row["id"] == "SEK"] == [True]


def test_a_company_may_keep_its_books_in_euro() -> None:
    shop = office(
        base_currency="EUR", accounts=[{"number": "1931", "description": "Bank two", "currency": "SEK", "cash": True}]
    )
    assert shop.get("/v1/organization")[0]["baseCurrency"] == "EUR"
    cash = {row["number"]: row["currency"] for row in shop.get("/v1/cashaccount")}
    assert (cash["1910"], cash["1580"], cash["1931"]) == ("EUR", "EUR", "SEK")


def test_rates_of_vat_change_with_the_day() -> None:
    rates = [{"from": "2000-01-01", "rate": 12}, {"from": "2026-04-01", "rate": 6}]
    shop = office(vats=[{"id": "S12", "rates": rates}])
    line = {"operation": "Insert", **wrapped(accountNumber="3002", quantity=1, unitPriceInCurrency=100, vatCodeId="12")}
    for day, vat in (("2026-03-31", 12.0), ("2026-04-01", 6.0)):
        number = shop.create("/v2/customerinvoice", invoice(line, documentDate=day))
        assert shop.get(f"/v1/customerinvoice/{number}")["vatTotalInCurrency"] == vat


def test_an_account_is_deactivated_in_the_middle_of_things() -> None:
    shop = office()
    shop.create("/v2/journaltransaction", journal())
    before = shop.get("/v1/account/3004")["timeStamp"]
    shop.control("deactivate_account", number="3004")
    assert "inactive" in shop.refused("POST", "/v2/journaltransaction", journal())
    assert shop.get("/v1/account/3004")["timeStamp"] != before
    assert "3004" not in [row["accountCD"] for row in shop.get("/v1/account?active=true")]


def test_accounts_are_unpaged_and_filtered_by_time_only_with_a_condition() -> None:
    shop = office()
    everything = shop.get("/v1/account?pageNumber=2&pageSize=1")
    assert len(everything) == everything[0]["metadata"]["totalCount"] > 30
    shop.wait(minutes=45)
    shop.call("PUT", "/v1/account/1799", wrapped(description="Suspense, new"))
    query = "lastModifiedDateTime=2026-03-10T13:30:00&lastModifiedDateTimeCondition=%3E"
    assert [row["description"] for row in shop.get(f"/v1/account?{query}")] == ["Suspense, new"]


def test_an_account_is_created_with_the_misspelt_code_of_the_contract() -> None:
    shop = office()
    shop.create("/v1/account", wrapped(accountCD="6999", type="Expense", extenalCode1="X1"))
    assert shop.get("/v1/account/6999")["externalCode1Info"]["number"] == "X1"
    assert "already exists" in shop.refused("POST", "/v1/account", wrapped(accountCD="6999", type="Expense"))


def test_a_segment_value_is_added_and_used_and_a_refusal_is_a_500() -> None:
    shop = office()
    row = {"operation": "Insert", "value": "40", **wrapped(description="Malmo", active=True)}
    assert shop.call("PUT", SEGMENT, {"segmentValues": [row]}).status == 204
    assert shop.get(SEGMENT + "/40")["description"] == "Malmo"
    line = journal_line("3004", credit=100, subaccount=segments((1, "40")))
    shop.create("/v2/journaltransaction", journal(journal_line("1910", debit=100), line))
    assert shop.call("PUT", SEGMENT, {"segmentValues": [row]}).status == 500
    gone = {"operation": "Delete", "value": "40"}
    assert "used" in shop.refused("PUT", SEGMENT, {"segmentValues": [gone]}, status=500)


def test_a_segment_takes_all_rows_or_none_and_no_field_it_does_not_know() -> None:
    shop = office()
    before = shop.get(SEGMENT)["segmentValues"]
    row = {"operation": "Insert", "value": "40", **wrapped(description="Malmo")}
    for body in (
        {"segmentValues": [row, row]},
        {"segmentValues": [row, {**row, "value": "4"}]},
        {"segmentValues": [row, {"operation": "Update", "value": "77", **wrapped(active=False)}]},
        {"segmentValues": [row], "segementId": 2},
    ):
        shop.refused("PUT", SEGMENT, body, status=500)
    shop.refused("PUT", SEGMENT, {"segmentValues": [{**row, "valueId": "40"}]}, status=400)
    shop.refused("PUT", SEGMENT, {"segmentValues": [{**row, "description": "Malmo"}]}, status=400)
    assert shop.get(SEGMENT)["segmentValues"] == before
    assert shop.call("PUT", SEGMENT, {"segmentValues": [row]}).status == 204
    off = {"operation": "Update", "value": "40", **wrapped(active=False)}
    assert shop.call("PUT", SEGMENT, {"segmentValues": [off]}).status == 204
    assert (shop.get(SEGMENT + "/40")["description"], shop.get(SEGMENT + "/40")["active"]) == ("Malmo", False)


def test_a_segment_that_was_changed_meanwhile_is_not_overwritten() -> None:
    shop = office()
    shop.get(SEGMENT)
    seen = header(shop.last, "ETag")
    shop.control("touch", kind="segment", number="1")
    assert shop.call("PUT", SEGMENT, wrapped(description="Shop"), if_match=seen).status == 412


def test_a_combination_must_exist_where_the_company_does_not_make_them() -> None:
    shop = office(preferences={"auto_create_subaccounts": False})
    body = journal(journal_line("1910", debit=1), journal_line("3004", credit=1, subaccount=segments((1, "10"))))
    assert "10-000" in shop.refused("POST", "/v2/journaltransaction", body)
    shop.create("/v1/subaccount", wrapped(subaccountNumber="10-000"))
    shop.create("/v2/journaltransaction", body)


def test_credit_terms_come_in_an_envelope() -> None:
    page = office().get("/v1/creditTerm?pageNumber=2&pageSize=2")
    assert (page["totalCount"], page["pageNumber"], [row["termsId"] for row in page["records"]]) == (3, 2, ["30"])


def test_currency_rates_are_asked_for_by_currency() -> None:
    found = office().get("/v2/currencyrate?fromCurrency=EUR")
    assert [(row["fromCurrencyId"], row["rate"]) for row in found] == [("EUR", 11.3)]


def test_webhooks_are_signed_hints_that_may_be_doubled_lost_and_retried() -> None:
    shop = office()
    key = shop.control("subscribe", url="https://hooks.test/visma", events=["CustomerCreated"], duplicate=1.0)["key"]
    shop.create("/v1/customer", wrapped(name="Fjord AS"))
    shop.create("/v1/supplier", wrapped(name="Paper AB"))
    first, second = shop.vendor.deliveries(shop.at)
    assert first == second
    assert dict(first.headers)["x-visma-signature"] == signature(key, first.body)
    assert json.loads(first.body)["tenantId"] == shop.company["tenant_id"]
    shop.vendor.delivered(first, 500, shop.at)
    shop.vendor.delivered(second, 200, shop.at)
    assert shop.vendor.deliveries(shop.at) == []
    assert shop.vendor.deliveries(shop.at + timedelta(seconds=30)) == [first]
    shop.control("subscribe", url="https://hooks.test/visma", lost=1.0)
    shop.create("/v1/customer", wrapped(name="Lost AS"))
    assert shop.vendor.deliveries(shop.at + timedelta(hours=1)) == []


def test_books_and_balances_tell_drafts_from_the_ledger() -> None:
    shop = office()
    shop.create("/v2/journaltransaction", journal(description="draft"))
    assert [voucher["description"] for voucher in shop.books()] == ["draft"]
    assert shop.books(statuses=["Posted"]) == []
    assert shop.control("balances")["accounts"] == {}


def test_reset_forgets_everything_and_the_seed_repeats_it() -> None:
    vendor = Faulty(Visma(seed=4))
    first = vendor.control("seed_company", {}, NOON)
    vendor.control("reset", {}, NOON)
    assert vendor.control("companies", {}, NOON) == []
    assert vendor.control("seed_company", {}, NOON) == first


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("fly", {}),
        ("close_period", {"period": "209901"}),
        ("close_period", {"period": "202603", "ledgers": ["Moon"]}),
        ("deactivate_account", {"number": "9999"}),
        ("set_preferences", {"colour": "blue"}),
        ("touch", {"kind": "customer", "number": "nobody"}),
        ("seed_rows", {"kind": "moons", "rows": []}),
        ("seed_company", {"colour": "blue"}),
    ],
)
def test_nonsense_at_the_control_door_is_a_value_error(verb: str, arguments: dict[str, object]) -> None:
    shop = office()
    with pytest.raises(ValueError, match=r"\w"):
        shop.vendor.control(verb, dict(arguments), NOON)
