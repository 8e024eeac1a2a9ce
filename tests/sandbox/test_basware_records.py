"""The pretend Basware's records: what the interface takes, how it pages, and what the worker says later."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sandbox.basware_tenant import Office, account, company, cost_center, furnished, line, tax_code, term, vendor


def many(n: int) -> list[dict[str, Any]]:
    return [cost_center(f"{k:04d}") for k in range(n)]


def test_a_200_only_says_that_the_schema_is_right() -> None:
    office = Office()
    office.post("/v1/vendors", [vendor()])
    request_id = office.request_id
    office.settle()
    assert office.items(request_id) == {"vendor-50012": "Error"}
    assert "Payment term 30 not found in company NO01" in office.told(request_id)
    truth = office.do("truth")["records"]["vendors"]["vendor-50012"]
    assert (truth["interface"]["name"], truth["target"]) == ("Nordlys Kontor AS", None)


def test_a_request_is_unknown_then_in_progress_then_done() -> None:
    office = Office()
    office.post("/v1/paymentTerms", [term()])
    request_id = office.request_id
    assert office.call("GET", f"/v1/requestStatus/{request_id}") == (404, None)
    office.wait(seconds=1)
    assert office.items(request_id) == {"term-30": "InProgress"}
    assert office.call("GET", "/v1/requestStatus", status="Success") == (404, None)
    office.wait(seconds=30)
    assert office.items(request_id) == {"term-30": "Success"}


def test_a_slow_request_takes_longer_than_half_an_hour() -> None:
    office = Office()
    office.do("slow_next", seconds=2400, entity_type="PaymentTerm")
    office.post("/v1/paymentTerms", [term()])
    request_id = office.request_id
    office.wait(minutes=39)
    assert office.items(request_id) == {"term-30": "InProgress"}
    office.wait(minutes=2)
    assert office.items(request_id) == {"term-30": "Success"}


def test_a_paused_worker_finishes_nothing_until_it_goes_on_or_is_told_to() -> None:
    office = Office()
    office.do("knobs", paused=True)
    office.post("/v1/paymentTerms", [term()])
    first = office.request_id
    office.wait(hours=2)
    assert office.items(first) == {"term-30": "InProgress"}
    assert office.do("work") == {"finished": 1}
    assert office.items(first) == {"term-30": "Success"}
    office.post("/v1/paymentTerms", [term("60")])
    second = office.request_id
    office.wait(hours=2)
    office.do("knobs", paused=False)
    assert office.items(second) == {"term-60": "Success"}


def test_an_unchanged_record_is_not_processed_even_after_an_error() -> None:
    office = Office()
    assert office.outcome("/v1/vendors", [vendor()]) == "Error"
    office.do("seed_records", resource="paymentTerms", records=[term()])
    assert office.outcome("/v1/vendors", [vendor()]) == "NotProcessed"
    assert office.outcome("/v1/vendors", [vendor(description="2")]) == "Success"


def test_the_older_of_two_quick_versions_expires() -> None:
    office = furnished()
    office.post("/v1/vendors", [vendor(description="first")])
    older = office.request_id
    office.post("/v1/vendors", [vendor(description="second")])
    newer = office.request_id
    office.settle()
    assert office.items(older) == {"vendor-50012": "RecordExpired"}
    assert office.items(newer) == {"vendor-50012": "Success"}
    assert office.do("truth")["records"]["vendors"]["vendor-50012"]["target"]["description"] == "second"


def test_two_versions_ten_seconds_apart_end_with_the_newer_whichever_is_finished_first() -> None:
    office = furnished()
    office.do("slow_next", seconds=60, entity_type="Vendor")
    office.post("/v1/vendors", [vendor(description="first")])
    older = office.request_id
    office.wait(seconds=10)
    office.post("/v1/vendors", [vendor(description="second")])
    office.wait(minutes=2)
    assert office.items(older) == {"vendor-50012": "RecordExpired"}
    assert office.do("truth")["records"]["vendors"]["vendor-50012"]["target"]["description"] == "second"


def test_warnings_and_errors_can_be_ordered() -> None:
    office = furnished()
    office.do("reject_next", external_code="vendor-50012", message="Vendor is blocked")
    assert office.outcome("/v1/vendors", [vendor(description="1")]) == "Error"
    office.do("reject_next", external_code="vendor-50012", message="Phone not saved", warn=True)
    assert office.outcome("/v1/vendors", [vendor(description="2")]) == "Warning"
    office.do("knobs", warning_share=1.0)
    assert office.outcome("/v1/vendors", [vendor(description="3")]) == "Warning"


@pytest.mark.parametrize(
    ("path", "record", "told"),
    [
        ("/v1/vendors", vendor(companies=[{"companyCode": "XX"}]), "Company XX not found"),
        ("/v1/vendors", vendor("2", name="Twin", externalCode="other", vendorCode="50012"), "in use by"),
        ("/v1/vendors", vendor(paymentMeans=[{"paymentMeansCode": "BANK", "currencyCode": "ZAR"}]), "Currency ZAR"),
        ("/v1/vendors", vendor(identifiers=[{"id": "1", "schemeId": "MOON"}]), "scheme MOON"),
        ("/v1/accounts", account(taxCode="99"), "Tax code 99 not found"),
        ("/v1/paymentTerms", term("7", dueDateEom=13), "End of month"),
        ("/v1/paymentTerms", term("7", validTo="2019-01-01"), "validFrom is after validTo"),
        ("/v1/paymentTerms", term("7", cashDueDateCalc=2), "paymentTermDiscountRules"),
        ("/v1/costCenters", cost_center("7", companies=[company("XX")]), "Company XX not found"),
        ("/v1/lists/ACC_LIST_1", {"externalCode": "x", "text_6": "far"}, "no column text_6"),
        ("/v1/lists/ACC_LIST_11", {"externalCode": "x", "text_1": "x" * 51}, "at most 50"),
        (
            "/v1/exchangeRates",
            {
                "externalCode": "x", "rate": 1.5, "currencyCodeFrom": "ZAR", "currencyCodeTo": "NOK",
                "validFrom": "2026-01-01", "companies": [company()],
            },
            "Currency ZAR is not active",
        ),
    ],
)  # fmt: skip
def test_the_worker_checks_references_and_says_what_is_missing(path: str, record: dict[str, Any], told: str) -> None:
    office = furnished()
    office.post(path, [record])
    request_id = office.request_id
    office.settle()
    assert office.items(request_id) == {record["externalCode"]: "Error"}
    assert any(told in text for text in office.told(request_id)), office.told(request_id)


def test_bank_accounts_of_a_vendor_are_unique_and_addresses_not_in_p2p_a_warning() -> None:
    office = furnished()
    ids = {"financialAccountIdentifiers": [{"schemeId": "IBAN", "id": "NO93"}]}
    means = [{"paymentMeansCode": code, "financialAccounts": [ids]} for code in ("A", "B")]
    assert office.outcome("/v1/vendors", [vendor(paymentMeans=means)]) == "Error"
    address = {"externalCode": "a1", "name": "Main", "addressType": "VisitingAddress"}
    assert office.outcome("/v1/vendors", [vendor(addresses=[address])]) == "Warning"


def test_a_request_can_be_in_error_with_good_items_in_it() -> None:
    office = furnished()
    office.post("/v1/vendors", [vendor("1"), vendor("2", companies=[{"companyCode": "XX"}])])
    request_id = office.request_id
    office.settle()
    assert office.items(request_id) == {"vendor-1": "Success", "vendor-2": "Error"}
    row = office.get("/v1/requestStatus")["requestStatus"][0]
    assert (row["requestId"], row["requestStatus"]) == (request_id, "Error")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (vendor(), "SCHEMA_VALIDATION_ERROR"),
        ([], "PARAMETER_VALIDATION_ERROR"),
        ([vendor(colour="red")], "SCHEMA_VALIDATION_ERROR"),
        ([vendor(name="")], "SCHEMA_VALIDATION_ERROR"),
        ([vendor(vendorCode="x" * 26)], "SCHEMA_VALIDATION_ERROR"),
        ([vendor(name=None)], "SCHEMA_VALIDATION_ERROR"),
        ([vendor(orderingDetails={"orderEmail": "a@EXAMPLE.com"})], "SCHEMA_VALIDATION_ERROR"),
        ([{"externalCode": "x"}], "SCHEMA_VALIDATION_ERROR"),
        (["text"], "SCHEMA_VALIDATION_ERROR"),
        (b"[{", "SCHEMA_VALIDATION_ERROR"),
        (b"[NaN]", "SCHEMA_VALIDATION_ERROR"),
        ([vendor(str(n)) for n in range(201)], "PARAMETER_VALIDATION_ERROR"),
    ],
)
def test_the_interface_refuses_what_its_schema_does_not_know(body: Any, code: str) -> None:
    office = Office()
    assert office.refused("POST", "/v1/vendors", body) == (400, code)
    assert office.call("GET", "/v1/vendors") == (404, None)


@pytest.mark.parametrize(
    "raw", [b'{"a":' * 2000, b"\xff\xfe", b"null", b"[[[]]]", b"[1e999999]", b'[{"externalCode":{}}]', b""]
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/vendors"),
        ("PATCH", "/v1/vendors/vendor-50012"),
        ("DELETE", "/v1/vendors"),
        ("POST", "/v1/matchingOrderLines"),
        ("POST", "/v1/requestStatus/acknowledge"),
        ("POST", "/v1/subscriptions"),
        ("POST", "/v2/smartpdf/invoiceUpload"),
    ],
)
def test_rubbish_is_refused_everywhere(method: str, path: str, raw: bytes) -> None:
    headers = {"content-type": "application/json"}
    assert furnished().send(method, path, raw, headers=headers).status == 400


@pytest.mark.parametrize("number", ["1e999999", "1e16", "true", '"1"'])
def test_a_number_no_double_keeps_is_refused(number: str) -> None:
    office = furnished()
    body = json.dumps([line(netPrice=0)]).replace('"netPrice": 0', f'"netPrice": {number}').encode()
    assert office.refused("POST", "/v1/matchingOrderLines", body)[0] == 400


def test_one_bad_record_refuses_the_batch_unless_the_knob_lets_the_others_in() -> None:
    office = furnished()
    batch = [cost_center("1"), cost_center("2", colour="red")]
    status, answer = office.call("POST", "/v1/costCenters", batch)
    assert (status, [error["externalCode"] for error in answer["errors"]]) == (400, ["cc-2"])
    assert office.call("GET", "/v1/costCenters/cc-1") == (404, None)
    office.do("knobs", whole_batch=False)
    assert office.refused("POST", "/v1/costCenters", batch)[0] == 400
    assert office.get("/v1/costCenters/cc-1")["costCenterCode"] == "1"


def test_a_record_twice_in_a_batch_is_a_conflict() -> None:
    office = Office()
    assert office.refused("POST", "/v1/paymentTerms", [term(), term()]) == (409, "CONFLICT_IN_POST")
    office.do("knobs", conflict_in_flight=True)
    office.post("/v1/paymentTerms", [term()])
    assert office.refused("POST", "/v1/paymentTerms", [term(sortOrder=1)]) == (409, "CONFLICT_IN_POST")
    office.settle()
    assert office.outcome("/v1/paymentTerms", [term(sortOrder=1)]) == "Success"


def test_a_body_above_six_megabytes_and_one_that_is_not_json_are_refused() -> None:
    office = Office()
    assert office.call("POST", "/v1/vendors", b"[" + b" " * (6 * 1024 * 1024) + b"]")[0] == 413
    assert office.call("POST", "/v1/vendors", b"[]", headers={"content-type": "text/plain"})[0] == 400


def test_listings_page_by_header_and_end_without_a_token() -> None:
    office = Office()
    for start in (0, 500):
        office.post("/v1/costCenters", many(1100)[start : start + 500])
    seen: list[str] = []
    token, pages = "", 0
    while True:
        headers = {"x-amz-meta-continuationtoken": token} if token else {}
        answer = office.send("GET", "/v1/costCenters", headers=headers, pageSize=400)
        seen += [row["externalCode"] for row in json.loads(answer.body)["costCenters"]]
        pages += 1
        token = dict(answer.headers).get("x-amz-meta-continuationtoken", "")
        if not token:
            break
    assert (pages, len(seen), len(set(seen))) == (3, 1000, 1000)


def test_a_continuation_token_belongs_to_its_query() -> None:
    office = Office()
    office.post("/v1/costCenters", many(3))
    token = dict(office.send("GET", "/v1/costCenters", pageSize=2).headers)["x-amz-meta-continuationtoken"]
    headers = {"x-amz-meta-continuationtoken": token}
    assert office.refused("GET", "/v1/costCenters", headers=headers, pageSize=1)[0] == 400
    assert office.refused("GET", "/v1/costCenters", headers={"x-amz-meta-continuationtoken": "made-up"})[0] == 400


def test_listings_filter_by_company_and_by_last_change() -> None:
    office = Office()
    office.post("/v1/costCenters", [cost_center("1"), cost_center("2", companies=[company("SE01")])])
    office.wait(hours=1)
    before = office.now.isoformat()
    office.wait(seconds=1)
    office.post("/v1/costCenters", [cost_center("1", text10="2")])
    assert [r["externalCode"] for r in office.get("/v1/costCenters", companyCode="SE01")["costCenters"]] == ["cc-2"]
    assert [r["externalCode"] for r in office.get("/v1/costCenters", lastUpdated=before)["costCenters"]] == ["cc-1"]


def test_post_overwrites_and_patch_changes_what_is_sent() -> None:
    office = Office()
    office.post("/v1/costCenters", [cost_center(text1="a", text2="b")])
    office.wait(minutes=1)
    office.call("PATCH", "/v1/costCenters/cc-100", cost_center(text1="c", text2=None))
    shown = office.get("/v1/costCenters/cc-100")
    assert (shown["text1"], shown["text2"]) == ("c", "b")
    office.post("/v1/costCenters", [cost_center(text2="d")])
    assert "text1" not in office.get("/v1/costCenters/cc-100")
    assert office.refused("PATCH", "/v1/costCenters/cc-100", cost_center("200")) == (400, "EXTERNAL_CODE_MISMATCH")
    assert office.refused("PATCH", "/v1/costCenters/cc-100", {"externalCode": "cc-100"})[0] == 400
    assert office.call("PATCH", "/v1/costCenters/cc-9", cost_center("9")) == (404, None)


def test_patch_does_not_touch_arrays_of_vendors() -> None:
    office = furnished()
    changed = vendor(identifiers=[{"id": "SE1", "schemeId": "VAT"}])
    assert office.refused("PATCH", "/v1/vendors/vendor-50012", changed)[0] == 400
    assert office.outcome("/v1/vendors/vendor-50012", vendor(name="New name AS"), "PATCH") == "Success"


def test_bare_days_come_back_with_a_midnight_and_numbers_as_doubles() -> None:
    office = Office()
    office.post("/v1/taxCodes", [tax_code(taxPercentage=25.5)])
    assert office.get("/v1/taxCodes/tax-25")["taxPercentage"] == 25.5
    office.post("/v1/paymentTerms", [term()])
    assert office.get("/v1/paymentTerms/term-30")["validTo"] == "9999-12-31T00:00:00"


def test_delete_empties_the_interface_and_leaves_the_target_alone() -> None:
    office = furnished()
    assert office.call("DELETE", "/v1/paymentTerms", {"externalCode": "term-30"})[0] == 200
    assert office.call("GET", "/v1/paymentTerms") == (404, None)
    assert office.do("truth")["records"]["paymentTerms"]["term-30"]["target"] is not None
    assert office.outcome("/v1/paymentTerms", [term()]) == "Success"
    assert office.refused("DELETE", "/v1/paymentTerms", {})[0] == 400


def test_a_list_that_does_not_exist_is_refused() -> None:
    assert Office().refused("POST", "/v1/lists/ACC_LIST_36", [{"externalCode": "x"}])[0] == 400


def test_finished_requests_are_acknowledged_once() -> None:
    office = Office()
    office.post("/v1/paymentTerms", [term()])
    body = {"requestIds": [office.request_id]}
    office.wait(seconds=1)
    assert office.call("POST", "/v1/requestStatus/acknowledge", body)[0] == 405
    office.settle()
    assert office.call("POST", "/v1/requestStatus/acknowledge", body) == (200, "Acknowledged")
    assert office.call("POST", "/v1/requestStatus/acknowledge", body)[0] == 405
    assert office.call("POST", "/v1/requestStatus/acknowledge", {"requestIds": ["nope"]}) == (404, None)
    assert office.get("/v1/requestStatus", status="AcknowledgedSuccess")["requestStatus"]


def test_the_sweep_spells_its_flag_with_three_letters_and_the_single_one_with_two() -> None:
    office = furnished()
    office.post("/v1/vendors", [vendor("1"), vendor("2", companies=[{"companyCode": "XX"}])])
    request_id = office.request_id
    office.settle()
    row = office.get("/v1/requestStatus", system="P2P", ignoreSuccessfullItems="true")["requestStatus"][0]
    assert [item["externalCode"] for item in row["systems"][0]["items"]] == ["vendor-2"]
    path = f"/v1/requestStatus/{request_id}"
    assert len(office.get(path, ignoreSuccessfulItems="true")["requestStatus"][0]["systems"][0]["items"]) == 1
    assert office.refused("GET", path, ignoreSuccessfullItems="true")[0] == 400
    assert office.refused("GET", "/v1/requestStatus", ignoreSuccessfulItems="true")[0] == 400
    assert office.call("GET", "/v1/requestStatus", system="Moon") == (404, None)


def test_error_feedbacks_show_the_same_errors() -> None:
    office = furnished()
    office.post("/v1/vendors", [vendor("2", companies=[{"companyCode": "XX"}])])
    office.settle()
    row = office.get("/v1/errorFeedbacks", entityType="Vendor")["errorList"][0]
    assert (row["externalCode"], row["targetSystem"]) == ("vendor-2", "P2P")
    assert "Company XX not found" in row["errors"]
    assert office.call("GET", "/v1/errorFeedbacks", entityType="Account") == (404, None)
