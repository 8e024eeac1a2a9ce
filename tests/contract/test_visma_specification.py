"""The pretend Visma.net ERP against the specification: fields, wrappers, operations, If-Match modes, answers."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ml_connector_sandbox.visma import routes
from ml_connector_sandbox.visma.bodies import body_of, field_names
from ml_connector_sandbox.visma.call import Route
from ml_connector_sandbox.visma.refusal import Malformed
from ml_connector_sandbox.visma.write_fields import ENUMS, SHAPES
from tests.sandbox.visma_office import (
    Office,
    document_line,
    invoice,
    journal,
    journal_line,
    office,
    payment,
    segments,
    wrapped,
)

SPECS = Path(__file__).parents[2].parent / "shared" / "specs" / "visma"
pytestmark = pytest.mark.skipif(not SPECS.is_dir(), reason=f"NO SPECIFICATION at {SPECS}: the sandbox is unproven")
Json = dict[str, Any]

WRITES = {
    "JournalTransaction": "JournalTransactionUpdateDto",
    "CustomerInvoice": "CustomerInvoiceUpdateDto",
    "CustomerCreditNote": "CustomerCreditNoteUpdateDto",
    "CustomerDebitNote": "CustomerDebitNoteUpdateDto",
    "Payment": "PaymentUpdateDto",
    "SupplierInvoice": "SupplierInvoiceUpdateDto",
    "Account": "AccountUpdateDto",
    "Subaccount": "SubAccountUpdateDto",
    "Customer": "CustomerUpdateDto",
    "Supplier": "SupplierUpdateDto",
    "ReleasePayment": "ReleasePaymentActionDto",
    "VoidPayment": "VoidPaymentActionDto",
    "Prebooking": "PrebookingUpdateDto",
    "ReverseInvoice": "ReverseInvoiceActionDto",
    "DimensionSegment": "DtoSegmentUpdateDto",
}
CONDENSED = {
    "JournalTransaction": "journalTransaction(v2)",
    "CustomerInvoice": "customerInvoice",
    "CustomerCreditNote": "customerCreditNote",
    "Payment": "customerPayment",
    "SupplierInvoice": "supplierInvoice",
    "Account": "account",
    "Subaccount": "subaccount",
    "Customer": "customer",
    "Supplier": "supplier",
    "DimensionSegment": "dimension",
}


@cache
def openapi() -> Json:
    return dict(json.loads((SPECS / "openapi-reconstructed.json").read_text()))


@cache
def condensed() -> Json:
    return dict(json.loads((SPECS / "fields.json").read_text())["resources"])


def schema(name: str) -> Json:
    return dict(openapi()["components"]["schemas"][name])


def referred(field: Json) -> str | None:
    return field["$ref"].rsplit("/", 1)[1] if "$ref" in field else None


def sample(field: Json) -> Any:
    """A value the specification allows for a field: wrapped where its type has one field, `value`."""
    name = referred(field)
    if name is not None:
        target = schema(name)
        if "enum" in target:
            return target["enum"][-1]
        return {key: sample(inner) for key, inner in target["properties"].items()}
    if "enum" in field:
        return field["enum"][-1]
    if field.get("type") == "array":
        return [sample(field["items"])]
    if field.get("format") == "date-time":
        return "2026-03-10T00:00:00"
    if field.get("format") == "uuid":
        return "6e2a06a8-51d0-4c31-9d3b-0d2f37a5b7c1"
    return {"string": "a", "number": 1.5, "integer": 1, "boolean": True}[field["type"]]


def whole_body(name: str) -> Json:
    return {key: sample(field) for key, field in schema(name)["properties"].items()}


@pytest.mark.parametrize("shape", WRITES)
def test_every_documented_write_field_is_accepted_in_its_documented_wrapping(shape: str) -> None:
    body = whole_body(WRITES[shape])
    read = body_of(shape, json.dumps(body).encode())
    assert set(read) == set(body)


@pytest.mark.parametrize("shape", WRITES)
def test_no_other_field_is_known(shape: str) -> None:
    assert set(field_names(shape)) == set(schema(WRITES[shape])["properties"])
    with pytest.raises(Malformed):
        body_of(shape, b'{"noSuchField":{"value":"a"}}')


@pytest.mark.parametrize("shape", CONDENSED)
def test_the_condensed_field_list_agrees(shape: str) -> None:
    listed = condensed()[CONDENSED[shape]]["write"]
    assert set(field_names(shape)) == set(listed)
    marks = {word.split(":")[0]: word for word in SHAPES[shape].split()}
    wrapped_ones = {name for name, field in listed.items() if isinstance(field, dict) and "wrapped" in field}
    ours = {name for name in listed if name in marks or any(w.startswith(f"{name}(") for w in marks.values())}
    assert wrapped_ones <= ours


def unwrapped_or_wrapped(value: Any) -> Any:
    """The same value with its wrapper taken off, or put on where there was none."""
    return value["value"] if isinstance(value, dict) and set(value) == {"value"} else {"value": value}


@pytest.mark.parametrize("shape", WRITES)
def test_each_field_in_the_other_wrapping_is_refused(shape: str) -> None:
    body = whole_body(WRITES[shape])
    accepted = []
    for name, value in body.items():
        try:
            body_of(shape, json.dumps({name: unwrapped_or_wrapped(value)}).encode())
        except Malformed:
            continue
        accepted.append(name)
    assert accepted == []


def test_enumerations_are_the_documented_ones() -> None:
    documented = {
        tuple(field["enum"])
        for target in openapi()["components"]["schemas"].values()
        for field in [target, *target.get("properties", {}).values()]
        if "enum" in field
    }
    assert {name for name, members in ENUMS.items() if members not in documented} == set()


def bare(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path).lower()


@cache
def documented_operations() -> frozenset[str]:
    return frozenset(f"{method.upper()} {bare(path)}" for path, item in openapi()["paths"].items() for method in item)


@pytest.mark.parametrize("route", routes.all_routes(), ids=lambda route: route.name)
def test_every_operation_is_a_documented_one(route: Route) -> None:
    assert f"{route.method} {bare(route.path)}" in documented_operations()


@cache
def documented_modes() -> dict[str, str]:
    names = {"synchronous": "sync", "background-only": "background"}
    return {
        f"{operation['method']} {bare(operation['path'])}": names[operation["ifMatch"]]
        for resource in condensed().values()
        for operation in resource["operations"]
        if operation.get("ifMatch") in names
    }


def test_row_versions_are_checked_in_the_documented_mode() -> None:
    ours = {f"{route.method} {bare(route.path)}": route.if_match for route in routes.all_routes()}
    known = documented_modes()
    differing = {name: (mode, known.get(name)) for name, mode in ours.items() if mode != known.get(name, "none")}
    assert {name for name in differing if "debitnote" not in name} == set()  # the debit note is not in the list


def test_what_declares_only_202_is_marked_so() -> None:
    for route in routes.all_routes():
        item = next(item for path, item in openapi()["paths"].items() if bare(path) == bare(route.path))
        declared = set(item[route.method.lower()]["responses"]) - {"412"}
        only_202 = declared == {"202"}
        if route.method == "POST" and "/print" not in route.path:
            assert route.implicit == only_202, route.name


# -- answers


def closed(value: Any) -> Any:
    """A schema in which objects have no other fields than the listed ones."""
    if isinstance(value, dict):
        made = {key: closed(inner) for key, inner in value.items() if key not in ("discriminator", "nullable")}
        if "properties" in made:
            made["additionalProperties"] = False
        return made
    return [closed(inner) for inner in value] if isinstance(value, list) else value


@cache
def components() -> Json:
    return dict(closed(deepcopy(openapi()["components"])))


def check(content: Any, path: str) -> None:
    item = next(item for known, item in openapi()["paths"].items() if bare(known) == bare(path))
    declared = item["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.Draft202012Validator({**closed(declared), "components": components()}).validate(content)


def busy_office() -> Office:
    """A company with at least one of everything."""
    shop = office()
    line = journal_line("3001", credit=100, vatCodeId="25", subaccount=segments((1, "10")))
    tax = journal_line("2611", credit=25, vatCodeId="25", vatId="S25")
    shop.create(
        "/v2/journaltransaction", journal(journal_line("1910", debit=125), line, tax, createVatTransaction=True)
    )
    number = shop.create("/v2/customerinvoice", invoice())
    shop.act(f"/v1/customerinvoice/{number}/action/release")
    part = shop.create("/v1/customerPayment", payment(1250, ("Invoice", number, 1250)))
    shop.act(f"/v1/customerPayment/{part}/action/release", {"type": {"value": "Payment"}})
    note = shop.create("/v2/customerCreditNote", invoice(rows_in="lines"))
    shop.act(f"/v1/customerCreditNote/{note}/action/release")
    shop.create("/v2/customerDebitNote", invoice(document_line("1799", 5, "NONE"), rows_in="lines"))
    rows = [wrapped(operation="Insert", accountNumber="6570", quantity=1, costInCurrency=100, vatCodeId="RC25")]
    bill = wrapped(documentType="Invoice", supplierNumber="50000", currencyId="EUR", invoiceLines=rows)
    shop.create("/v1/supplierInvoice", bill)
    purchasing(shop)
    return shop


def purchasing(shop: Office) -> None:
    """An order, received and sent back in part; its invoice, paid and the payment voided."""
    line = {"article": "CHAIR", "text": "Chair", "quantity": 10, "price": "90.5", "vat": "25", "account": "4000"}
    wishes = [{**line, "segments": {"1": "10"}, "supplier_article": "C-1"}, {"text": "Freight", "kind": "Freight"}]
    order = shop.control("order_goods", supplier="50000", currency="SEK", lines=wishes)["number"]
    shop.control("receive_goods", order=order, quantities={"1": 6}, note="Two boxes")
    shop.control("receive_goods", order=order, quantities={"1": 1}, type="PoReturn")
    row = wrapped(operation="Insert", accountNumber="4000", quantity=1, costInCurrency=100, vatCodeId="NONE")
    head = {"supplierNumber": "50000", "date": "2026-03-10", "supplierReference": "F-9", "note": "Mind the date"}
    content = "JVBERi0xLjQ="
    body = wrapped(documentType="Invoice", currencyId="SEK", **head, invoiceLines=[row])
    bill = shop.control("enter_supplier_invoice", body=body, file={"name": "F-9.pdf", "content": content})["number"]
    shop.act(f"/v1/supplierInvoice/Invoice/{bill}/action/release")
    paid = shop.control("pay_supplier", invoice=bill, amount="60", discount="2")["number"]
    shop.control("void_supplier_payment", number=paid)


LISTS = [
    "/v1/account",
    "/v1/subaccount",
    "/v1/vat",
    "/v1/vatCategory",
    "/v1/vatZone",
    "/v1/currency",
    "/v2/currencyrate",
    "/v1/ledger",
    "/v1/financialPeriod",
    "/v1/branch",
    "/v1/organization",
    "/v1/cashaccount",
    "/v1/paymentmethod",
    "/v1/numberSequence",
    "/v1/creditTerm",
    "/v1/customer/customerClass",
    "/v1/supplier/supplierClass",
    "/v1/firstTimeStartup/status",
    "/v1/dimension",
    "/v1/customer",
    "/v1/supplier",
    "/v1/customerinvoice",
    "/v1/customerCreditNote",
    "/v1/customerDebitNote",
    "/v1/customerPayment",
    "/v1/supplierInvoice",
    "/v1/purchaseorder",
    "/v2/PurchaseReceipt",
    "/v1/supplierPayment",
]
QUERIES = {
    "/v1/branch": "?expandCurrency=true&expandLedger=true&expandVatZone=true",
    "/v1/organization": "?expandBranches=true",
    "/v1/customer": "?expandAccountInformation=true",
    "/v1/supplier": "?expandAccountInformation=true&expandNote=true",
    "/v2/PurchaseReceipt": "?expandNote=true",
    "/v1/customerinvoice": "?expandTaxDetails=true&expandApplications=true&expandAttachments=true",
    "/v1/customerCreditNote": "?expandTaxDetails=true&expandApplications=true",
    "/v1/customerDebitNote": "?expandTaxDetails=true",
    "/v1/supplierInvoice": "?expandAttachment=true&expandNote=true&expandLinePrebookAccounts=true",
    "/v1/account": "?includeAccountClassDescription=true",
}


@pytest.fixture(scope="module")
def shop() -> Office:
    return busy_office()


@pytest.mark.parametrize("path", LISTS)
def test_a_list_is_what_the_specification_says(shop: Office, path: str) -> None:
    content = shop.get(path + QUERIES.get(path, ""))
    assert content
    check(content, path)


def test_documents_of_the_ledger_are_what_the_specification_says(shop: Office) -> None:
    batches = shop.get("/v2/journaltransaction?periodId=202603&expandAttachments=true")
    assert {batch["module"] for batch in batches} == {"ModuleGL", "ModuleAR", "ModuleAP"}
    check(batches, "/v2/journaltransaction")
    check(shop.get("/v1/GeneralLedgerTransactions?ledger=1&includeUnreleased=true"), "/v1/GeneralLedgerTransactions")
    check(shop.get("/v2/generalLedgerBalance?periodId=202603"), "/v2/generalLedgerBalance")


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/v1/account", "1910"),
        ("/v1/subaccount", "00-000"),
        ("/v1/customer", "10010"),
        ("/v1/supplier", "50000"),
        ("/v1/vat", "S25"),
        ("/v1/dimension", "SUBACCOUNT?expandSegmentsValues=true"),
        ("/v1/cashaccount", "1582"),
        ("/v1/currency", "SEK"),
        ("/v1/branch", "1"),
        ("/v1/purchaseorder", "PO000001"),
        ("/v2/PurchaseReceipt", "PR000002"),
        ("/v1/supplierPayment", "600001"),
        ("/v1/vatCategory", "25"),
    ],
)
def test_one_record_is_what_the_specification_says(shop: Office, path: str, key: str) -> None:
    check(shop.get(f"{path}/{key}"), path + "/{}")


def test_a_suppliers_payment_and_what_voids_it_are_what_the_specification_says(shop: Office) -> None:
    for kind in ("Payment", "VoidPayment"):
        found = shop.get(f"/v1/supplierPayment/{kind}/600001")
        assert found["type"] == kind
        check(found, "/v1/supplierPayment/{}/{}")


def test_a_segment_its_value_and_a_balance_are_what_the_specification_says(shop: Office) -> None:
    check(shop.get("/v1/dimension/SUBACCOUNT/1"), "/v1/dimension/{}/{}")
    check(shop.get("/v1/dimension/SUBACCOUNT/1/10"), "/v1/dimension/{}/{}/{}")
    check(shop.get("/v1/customer/10010/balance"), "/v1/customer/{}/balance")


def test_a_background_job_is_what_the_specification_says(shop: Office) -> None:
    answer = shop.call("GET", "/v1/account", erp_api_background="none")
    accepted = json.loads(answer.body)
    jsonschema.validate(accepted, {**schema("BackgroundApiAcceptedDto"), "additionalProperties": False})
    state = shop.get("/v1/background/" + accepted["id"])
    check({name: value for name, value in state.items() if value is not None}, "/v1/background/{}")
