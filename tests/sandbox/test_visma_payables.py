"""Suppliers and supplier invoices, and the seeded reads of purchasing."""

from __future__ import annotations

from typing import Any

from tests.sandbox.visma_office import Office, header, office, wrapped

PATH = "/v1/supplierInvoice"


def bill(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """100.00 of card fees from Square in SEK unless told otherwise."""
    rows = list(lines) or [bill_line("6570", 100, "NONE")]
    defaults = {"documentType": "Invoice", "supplierNumber": "50000", "date": "2026-03-10T00:00:00", "hold": False}
    return wrapped(**{**defaults, "supplierReference": "F-1", "currencyId": "SEK", **more}, invoiceLines=rows)


def bill_line(account: str, cost: float, vat: str, **more: Any) -> dict[str, Any]:
    return wrapped(operation="Insert", accountNumber=account, quantity=1, costInCurrency=cost, vatCodeId=vat, **more)


def released(shop: Office, body: dict[str, Any]) -> str:
    number = shop.create(PATH, body)
    shop.act(f"{PATH}/{body['documentType']['value']}/{number}/action/release")
    return number


def test_a_supplier_invoice_posts_cost_input_vat_and_payable() -> None:
    shop = office(suppliers=[{"number": "50001", "name": "Local AB", "zone": "SE"}])
    number = released(shop, bill(bill_line("6570", 100, "25"), supplierNumber="50001"))
    read = shop.get(f"{PATH}/Invoice/{number}")
    assert (read["status"], read["amount"], read["vatAmount"], read["balanceInCurrency"]) == (
        "Open",
        125.0,
        25.0,
        125.0,
    )
    assert (shop.balance("2440"), shop.balance("6570"), shop.balance("2641")) == ("-125.00", "100.00", "25.00")


def test_reverse_charge_adds_both_sides_and_nothing_to_pay() -> None:
    shop = office()
    lines = (bill_line("6570", 400, "RC25"), bill_line("2895", -400, "NONE"))
    number = released(shop, bill(*lines, taxCalculationMode="Net"))
    assert shop.get(f"{PATH}/Invoice/{number}")["status"] == "Closed"
    assert (shop.balance("2645"), shop.balance("2614"), shop.balance("2440")) == ("100.00", "-100.00", "0")


def test_gross_lines_contain_their_vat() -> None:
    shop = office(suppliers=[{"number": "50001", "name": "Local AB", "zone": "SE"}])
    lines = (bill_line("6570", 125, "25"), bill_line("4000", 0.99, "25"))
    number = released(shop, bill(*lines, supplierNumber="50001", taxCalculationMode="Gross"))
    assert shop.get(f"{PATH}/Invoice/{number}")["amount"] == 125.99
    assert (shop.balance("6570"), shop.balance("2641"), shop.balance("2440")) == ("100.00", "25.20", "-125.99")
    assert shop.control("balances")["total"] == "0.00"


def test_a_prebooked_invoice_is_turned_back_when_released() -> None:
    shop = office()
    number = shop.create(PATH, bill())
    shop.act(f"{PATH}/Invoice/{number}/action/prebook", wrapped(accountNumber="1790"))
    assert shop.get(f"{PATH}/Invoice/{number}")["status"] == "Prebooked"
    assert shop.balance("1790") == "100.00"
    shop.act(f"{PATH}/Invoice/{number}/action/release")
    assert (shop.balance("1790"), shop.balance("6570"), shop.balance("2440")) == ("0.00", "100.00", "-100.00")


def test_a_reversal_is_a_debit_adjustment_that_waits_for_release() -> None:
    shop = office()
    number = released(shop, bill())
    result = shop.act(f"{PATH}/Invoice/{number}/action/reverse")
    mirror = f"{PATH}/DebitAdj/{result['refNbr']}"
    assert shop.get(mirror)["status"] == "Balanced"
    shop.act(mirror + "/action/release")
    assert (shop.balance("2440"), shop.balance("6570")) == ("0.00", "0.00")
    assert shop.get(mirror)["status"] == "Open"


def test_a_stale_row_version_is_refused_at_once_on_put_and_reverse() -> None:
    shop = office()
    number = released(shop, bill())
    shop.get(f"{PATH}/Invoice/{number}")
    seen = header(shop.last, "ETag")
    shop.control("touch", kind="supplierInvoice", number=number)
    assert shop.call("POST", f"{PATH}/Invoice/{number}/action/reverse", if_match=seen).status == 412


def test_a_closed_supplier_ledger_stops_the_invoice() -> None:
    shop = office()
    shop.control("close_period", period="202603", ledgers=["SupplierLedger"])
    assert "SupplierLedger" in shop.refused("POST", PATH, bill())


def test_lines_change_by_operation_and_a_repeated_insert_doubles_them() -> None:
    shop = office()
    number = shop.create(PATH, bill())
    again = {"invoiceLines": [bill_line("6570", 100, "NONE")]}
    assert shop.call("PUT", f"{PATH}/Invoice/{number}", again).status == 204
    assert shop.get(f"{PATH}/{number}")["amount"] == 200.0
    gone = {"invoiceLines": [wrapped(operation="Delete", lineNumber=1)]}
    shop.call("PUT", f"{PATH}/Invoice/{number}", gone)
    assert shop.get(f"{PATH}/{number}")["amount"] == 100.0


def test_seeded_purchase_documents_are_read_and_linked() -> None:
    shop = office()
    receipt = {"receiptNbr": "R1", "receiptType": "PoReceipt", "status": "Released", "lines": [{"lineNbr": 1}]}
    shop.control("seed_rows", kind="purchase_receipts", rows=[receipt])
    assert shop.get("/v2/PurchaseReceipt?status=released")[0]["metadata"]["maxPageSize"] == 500
    link = {"linkLine": {"purchaseType": "PurchaseReceipt", **wrapped(purchaseNumber="R1", purchaseLineNbr=1)}}
    number = shop.create(PATH, bill(bill_line("6570", 100, "NONE") | link))
    assert shop.get(f"{PATH}/{number}")["invoiceLines"][0]["poReceiptNbr"] == "R1"
    link["linkLine"] |= wrapped(purchaseLineNbr=2)
    assert "no such line" in shop.refused("POST", PATH, bill(bill_line("6570", 100, "NONE") | link))


def test_a_supplier_is_created_and_its_stale_change_refused() -> None:
    shop = office()
    number = shop.create("/v1/supplier", wrapped(name="Paper AB", vatZoneId="SE"))
    seen = header(shop.last, "ETag")
    assert shop.call("PUT", f"/v1/supplier/{number}", wrapped(name="Paper & Co"), if_match=seen).status == 204
    assert shop.call("PUT", f"/v1/supplier/{number}", wrapped(name="x"), if_match=seen).status == 412
    assert shop.get(f"/v1/supplier/{number}")["name"] == "Paper & Co"
