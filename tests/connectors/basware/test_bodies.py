"""Each body the writer makes, against Basware's own contract, and as the sheet's examples show them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator, Draft202012Validator

from ml_connector.connectors.basware import bodies, network
from ml_connector.connectors.basware.client import dumped
from ml_connector.errors import Rejected, UsageError
from ml_connector.finance.invoices import Ref
from ml_connector.finance.procurement import BankAccount, PaymentTermRule
from tests.connectors.basware.contents import CARD, CODING, HEADER, INVOICE, LINE, PAID, REFERENCE, TRANSFER, code, row

SPECS = Path(__file__).parents[4] / "shared" / "specs" / "basware"
P2P = SPECS / "basware_p2p_openapi_2026-06.json"
ENTITIES = {
    "account": "AccountEntity",
    "cost_center": "CostCenterEntity",
    "list": "GenericListEntity",
    "tax_code": "TaxCodeEntity",
    "payment_term": "PaymentTermEntity",
    "project": "ProjectEntityV2",
    "exchange_rate": "ExchangeRateEntity",
}


def strictly(node: Any) -> Any:
    """OpenAPI's `nullable` as JSON schema says it; a pattern on a number says nothing."""
    if isinstance(node, dict):
        made = {key: strictly(value) for key, value in node.items() if key not in ("nullable", "format", "example")}
        if made.get("type") in ("integer", "number", "boolean"):
            for key in ("pattern", "maxLength", "minLength"):
                made.pop(key, None)
        return made
    return [strictly(one) for one in node] if isinstance(node, list) else node


def check(entity: str, body: dict[str, Any]) -> dict[str, Any]:
    if not P2P.exists():
        pytest.skip(f"Basware's contract is not here: {P2P}")
    contract = strictly(json.loads(P2P.read_text(encoding="utf-8")))
    schema = {**contract, "$ref": f"#/components/schemas/{entity}"}
    sent: dict[str, Any] = json.loads(dumped(body))
    faults = [f"{list(one.path)}: {one.message}" for one in Draft202012Validator(schema).iter_errors(sent)]
    assert not faults
    return sent


@pytest.mark.parametrize("again", [0, 2])
@pytest.mark.parametrize("kind", sorted(REFERENCE))
def test_reference_rows_fit_the_contract(kind: str, again: int) -> None:
    check(ENTITIES[kind], bodies.reference(REFERENCE[kind], again))


@pytest.mark.parametrize("again", [0, 1])
def test_suppliers_orders_and_lines_fit_the_contract(again: int) -> None:
    check("VendorEntity", bodies.supplier(CARD, again))
    check("OrderEntity", bodies.order(HEADER, again))
    check("OrderLineEntity", bodies.order_line(LINE, again))


def test_answers_fit_the_contract() -> None:
    check("TransferResponseEntity", bodies.transfer(TRANSFER))
    check("TransferResponseEntity", bodies.transfer(replace(TRANSFER, success=False, message="x" * 300)))
    check("PaymentResponseEntity", bodies.payment(PAID))


def test_an_invoice_fits_the_networks_schema() -> None:
    path = SPECS / "network_v1_invoice_post_schema.json"
    if not path.exists():
        pytest.skip(f"Basware's network schema is not here: {path}")
    sent = json.loads(dumped(network.body_of(INVOICE)))
    assert not [one.message for one in Draft4Validator(json.loads(path.read_text(encoding="utf-8"))).iter_errors(sent)]
    assert sent["data"]["taxTotal"] == {"currencyId": "NOK", "amount": 250}
    assert sent["deliveryChannelPreference"] == "only-eInvoicing"


def test_a_supplier_is_sent_as_the_sheets_example_shows() -> None:
    assert check("VendorEntity", bodies.supplier(CARD)) == {
        "externalCode": CARD.external_code,
        "vendorCode": "50012",
        "name": "Nordlys Kontor AS",
        "sourceSystem": "VISMANET-1",
        "supplierAssignedAccountId": "K-77",
        "vendorClass": "1",
        "identifiers": [{"id": "NO912345678MVA", "schemeId": "VAT"}],
        "addresses": [
            {
                "externalCode": CARD.addresses[0].external_code,
                "name": "Main",
                "addressType": "PostalAddress",
                "addressLine1": "Storgata 1",
                "streetName": "Storgata 1",
                "postalZone": "0155",
                "cityName": "Oslo",
                "countryId": "NO",
                "default": True,
            }
        ],
        "contacts": [
            {
                "name": "Kari",
                "telephone": "+4722000000",
                "email": "post@nordlys.example",
                "role": "PrimaryContact",
            }
        ],
        "paymentTerms": {"paymentTermCode": "30"},
        "paymentMeans": [
            {
                "paymentMeansCode": "BANK",
                "currencyCode": "NOK",
                "default": True,
                "financialAccounts": [
                    {
                        "financialInstitution": {"name": "Testbanken", "id": "TESTNOKK", "schemeId": "BIC"},
                        "financialAccountIdentifiers": [
                            {
                                "schemeId": "IBAN",
                                "id": "NO9386011117947",
                                "default": True,
                                "linkedBbanOrIban": "86011117947",
                            },
                            {
                                "schemeId": "BBAN",
                                "id": "86011117947",
                                "default": False,
                                "linkedBbanOrIban": "NO9386011117947",
                            },
                        ],
                    }
                ],
            }
        ],
        "processingStatus": {"active": True, "paymentDenied": False},
        "companies": [{"companyCode": "NO01", "inheritToChildUnits": True}],
    }


def test_an_order_line_is_whole_with_coding_and_receipts() -> None:
    sent = check("OrderLineEntity", bodies.order_line(LINE))
    assert sent["netPrice"] == 1000.1235  # at most four decimals
    assert sent["netSum"] == 10001.23
    assert sent["orderLineCoding"] == [
        {
            "externalCode": LINE.coding[0].external_code,
            "rowIndex": 1,
            "allocatedQuantity": 10,
            "accountCode": "6540",
            "taxCode": "1",
            "costCenterCode": "100",
            "dimCode1": "200",
        }
    ]
    first, back = sent["goodsReceipts"]
    assert (first["quantity"], first["netPrice"], first["deliveryDate"]) == (4, 1000.12, "2026-02-03")
    assert (back["quantity"], back["referenceGRExternalCode"]) == (-1, first["externalCode"])


def test_deleted_is_sent_as_false_and_not_left_out_because_best_fit_matching_needs_a_value() -> None:
    assert bodies.order_line(LINE)["isDeleted"] is False
    assert bodies.order_line(replace(LINE, deleted=True, closed=True))["isDeleted"] is True


def test_a_receipt_taken_back_carries_its_price_because_without_one_its_sum_becomes_zero() -> None:
    assert bodies.order_line(LINE)["goodsReceipts"][1]["netPrice"] == Decimal("1000.12")


def test_goods_that_go_back_are_matched_as_a_return() -> None:
    sent = check("OrderLineEntity", bodies.order_line(replace(LINE, returned=True, net_price=Decimal(-5))))
    assert (sent["matchingMode"], sent["netPrice"]) == ("Return", -5)


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("account", "text5"), ("cost_center", "text10"), ("list", "text_5"), ("payment_term", "sortOrder"),
        ("tax_code", "taxGroup"), ("project", "description"),
    ],
)  # fmt: skip
def test_a_row_sent_again_differs_because_an_identical_one_is_not_passed_on(kind: str, field: str) -> None:
    first, second, third = (bodies.reference(REFERENCE[kind], again) for again in (0, 1, 2))
    assert field not in first
    assert second[field] != third[field]
    assert {**second, field: ""} == {**first, field: ""}


def test_orders_lines_and_suppliers_sent_again_count_in_a_spare_field() -> None:
    assert bodies.supplier(CARD, 1)["description"] == "#2"
    assert bodies.order(HEADER, 2)["text10"] == "#3"
    assert bodies.order_line(LINE, 1)["text10"] == "#2"


def test_names_shorter_than_two_characters_are_padded() -> None:
    names = bodies.reference(row(name="X"))["accountNames"]
    assert names == [{"language": "en-US", "translation": "X 6540"}]
    check("AccountEntity", bodies.reference(row(number="7", name="")))


def test_terms_of_instalments_leave_due_dates_to_people() -> None:
    term = replace(REFERENCE["payment_term"], term=PaymentTermRule(automatic=False, days=30))
    sent = bodies.reference(term)
    assert sent["dueDateCalc"] == 0
    assert "dueDateDays" not in sent


def test_a_date_has_no_zone_because_one_may_shift_the_day() -> None:
    assert bodies.order(HEADER)["created"] == "2026-02-03"
    assert bodies.payment(PAID)["paymentDate"] == "2026-02-03"


def test_a_bank_without_a_bic_is_left_out() -> None:
    sent = bodies.supplier(replace(CARD, accounts=(BankAccount(bban="5050-1055"),)))
    assert sent["paymentMeans"][0]["financialAccounts"] == [
        {"financialAccountIdentifiers": [{"schemeId": "BBAN", "id": "5050-1055", "default": True}]}
    ]


def test_a_code_that_does_not_fit_is_refused_and_never_cut() -> None:
    with pytest.raises(Rejected, match="1 to 25 characters"):
        bodies.supplier(replace(CARD, number="9" * 26))
    with pytest.raises(Rejected, match="2 to 25 characters"):
        bodies.order(replace(HEADER, organization="N"))


def test_a_refused_transfer_has_no_voucher_and_an_unknown_one_is_never_sent() -> None:
    sent = bodies.transfer(replace(TRANSFER, success=False, message="Sum differs"))
    assert "voucherNumber1" not in sent
    with pytest.raises(UsageError):
        bodies.transfer(replace(TRANSFER, voucher=Ref("bw:doc:DOC1")))


def test_payment_answers_are_the_whole_picture_because_what_is_left_out_is_cleared() -> None:
    sent = bodies.payment(PAID)
    assert sent | {"externalCode": ""} == {
        "externalCode": "", "success": True, "sourceSystem": "VISMANET-1", "paymentDate": "2026-02-03",
        "paymentBlock": False, "paidTotal": Decimal("1225.00"), "cashDiscount": Decimal("25.00"),
        "paymentMethod": "BANK",
        "paymentTermCode": "30", "paymentNumber": "P1", "paymentDocument": "P1",
    }  # fmt: skip


def test_external_codes_are_the_same_whenever_they_are_made_and_fit() -> None:
    assert code("supplier", "NO01", "50012") == code("supplier", "NO01", "50012")
    assert len(code("x")) == 36
    assert code("supplier", "NO01", "1") != code("supplier", "NO02", "1")
    assert CODING.lines[0].link is not None
    assert bodies.order(replace(HEADER, promised=date(2026, 3, 1)))["requestedDeliveryDate"] == "2026-03-01"
