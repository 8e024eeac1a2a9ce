"""Customers and suppliers: `/v1/customer`, `/v1/supplier`."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from ml_connector_sandbox.core.wire import Response
from ml_connector_sandbox.visma import attributes
from ml_connector_sandbox.visma.bodies import Body, required
from ml_connector_sandbox.visma.call import Call, Route, created, moment, no_content, ok
from ml_connector_sandbox.visma.chart import ZERO
from ml_connector_sandbox.visma.company import Company, row_version
from ml_connector_sandbox.visma.lists import all_pass, moment_filter, paged
from ml_connector_sandbox.visma.posting import forced_number, not_found_currency, numbered
from ml_connector_sandbox.visma.refusal import Refusal, not_found
from ml_connector_sandbox.visma.shown import vat_zone
from ml_connector_sandbox.visma.undo import unchanged_when_refused

Row = dict[str, Any]
_ADDRESSES = ("mainAddress", "invoiceAddress", "deliveryAddress", "remitAddress", "supplierAddress")
_CONTACTS = ("mainContact", "invoiceContact", "deliveryContact", "remitContact", "supplierContact")
_CUSTOMER_FLAGS = (
    "printInvoices acceptAutoInvoices sendInvoicesByEmail sendDunningLettersViaEMail printDunningLetters"
    " printStatements sendStatementsByEmail printMultiCurrencyStatements invoiceToDefaultLocation excludeDebtCollection"
).split()
_CUSTOMER_PLAIN = ("accountReference", "creditVerification", "creditLimit", "creditDaysPastDue", "statementType", "gln")
_SUPPLIER_PLAIN = (
    "accountReference documentLanguage cashAccount paymentLeadTime paymentRefDisplayMask paySeparately chargeBearer"
    " accountUsedForPayment paymentBy naceCode note"
).split()


@dataclass(slots=True)
class Party:
    """A customer or a supplier. `accounts`: role -> GL account number, where it differs from the company's."""

    id: int
    number: str
    name: str
    created: datetime
    modified: datetime
    stamp: int
    currency: str
    zone: str
    status: str = "Active"
    terms: str = "30"
    corporate_id: str = ""
    vat_registration: str = ""
    places: dict[str, dict[str, str]] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)
    plain: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)


def routes() -> list[Route]:
    """The operations."""
    return [
        Route("GET", "/v1/customer", _customers),
        Route("POST", "/v1/customer", _create_customer, implicit=True),
        Route("GET", "/v1/customer/{number}", _customer),
        Route("PUT", "/v1/customer/{number}", _change_customer, if_match="background", subject=lambda c: _one(c).stamp),
        Route("GET", "/v1/customer/internal/{internal}", _customer),
        Route(
            "PUT",
            "/v1/customer/internal/{internal}",
            _change_customer,
            if_match="background",
            subject=lambda c: _one(c).stamp,
        ),
        Route("GET", "/v1/customer/{number}/balance", _balance),
        Route("GET", "/v1/supplier", _suppliers),
        Route("POST", "/v1/supplier", _create_supplier),
        Route("GET", "/v1/supplier/{number}", _supplier),
        Route("PUT", "/v1/supplier/{number}", _change_supplier, if_match="sync", subject=lambda c: _vendor(c).stamp),
    ]


def customer(company: Company, number: str | None) -> Party:
    """The customer a document names. Raises Refusal."""
    if not number:
        raise Refusal(400, "'Customer' cannot be empty.")
    found = company.customers.get(number)
    if found is None:
        raise Refusal(400, f"'Customer' '{number}' cannot be found in the system.")
    if found.status in ("Inactive", "OnHold"):
        raise Refusal(400, f"The status of customer '{number}' is {found.status}.")
    return found


def supplier(company: Company, number: str | None) -> Party:
    """The supplier a document names. Raises Refusal."""
    if not number:
        raise Refusal(400, "'Supplier' cannot be empty.")
    found = company.suppliers.get(number)
    if found is None:
        raise Refusal(400, f"'Supplier' '{number}' cannot be found in the system.")
    if found.status in ("Inactive", "OnHold"):
        raise Refusal(400, f"The status of supplier '{number}' is {found.status}.")
    return found


def _filtered(call: Call, parties: dict[str, Party]) -> list[Party]:
    by_modified, by_created = moment_filter(call, "lastModifiedDateTime"), moment_filter(call, "createdDateTime")
    query = call.query
    rows = []
    for party in parties.values():
        if not all_pass(party.modified, (by_modified,)) or not all_pass(party.created, (by_created,)):
            continue
        main = party.places.get("mainContact", {})
        seen = {
            "status": party.status,
            "corporateId": party.corporate_id,
            "vatRegistrationId": party.vat_registration,
            "email": main.get("email", ""),
            "phone": main.get("phone1", ""),
        }
        if any(query.get(name) and query[name].lower() != value.lower() for name, value in seen.items()):
            continue
        if query.get("name") and query["name"].lower() not in party.name.lower():
            continue
        if query.get("greaterThanValue") and party.number <= query["greaterThanValue"]:
            continue
        rows.append(party)
    return rows


def _customers(call: Call) -> Response:
    with_accounts = call.flag("expandAccountInformation")
    asked = attributes.wanted(call)
    rows = [party for party in _filtered(call, call.company.customers) if attributes.has(party.attributes, asked)]
    return ok(paged(call, rows, lambda party: _shown_customer(call.company, party, with_accounts)))


def _suppliers(call: Call) -> Response:
    with_accounts, with_note = call.flag("expandAccountInformation"), call.flag("expandNote")
    rows = _filtered(call, call.company.suppliers)
    return ok(paged(call, rows, lambda party: _shown_supplier(call.company, party, with_accounts, note=with_note)))


def _one(call: Call) -> Party:
    if "internal" in call.values:
        for party in call.company.customers.values():
            if str(party.id) == call.values["internal"]:
                return party
    found = call.company.customers.get(call.values.get("number", ""))
    if found is None:
        raise not_found("Customer", call.values.get("number") or call.values.get("internal"))
    return found


def _vendor(call: Call) -> Party:
    found = call.company.suppliers.get(call.values["number"])
    if found is None:
        raise not_found("Supplier", call.values["number"])
    return found


def _customer(call: Call) -> Response:
    party = _one(call)
    return ok(_shown_customer(call.company, party, with_accounts=True), stamp=party.stamp)


def _supplier(call: Call) -> Response:
    party = _vendor(call)
    note = call.company.preferences.notes_on_single
    return ok(_shown_supplier(call.company, party, with_accounts=True, note=note), stamp=party.stamp)


def _create_customer(call: Call) -> Response:
    body, company = call.body("Customer"), call.company
    party = _made(call, body, company.customers, "CUSTOMER", "Customer")
    _merge_customer(company, party, body)
    company.customers[party.number] = party
    company.tell("CustomerCreated", "customer", party.number)
    return created(call, f"/v1/customer/{party.number}", party.stamp)


def _create_supplier(call: Call) -> Response:
    body, company = call.body("Supplier"), call.company
    party = _made(call, body, company.suppliers, "SUPPLIER", "Supplier")
    _merge_supplier(company, party, body)
    company.suppliers[party.number] = party
    company.tell("SupplierCreated", "supplier", party.number)
    return created(call, f"/v1/supplier/{party.number}", party.stamp)


def _made(call: Call, body: Body, known: dict[str, Party], series: str, label: str) -> Party:
    company = call.company
    required(body, "name", f"{label} name")
    chart = company.chart
    party = Party(
        company.identity(), "", "", call.now, call.now, company.stamp(), chart.base_currency, next(iter(chart.zones))
    )
    _merge(company, party, body)
    forced = forced_number(body, "number")
    party.number = numbered(company, series, forced, lambda number: number in known, f"{label} number")
    return party


def _change_customer(call: Call) -> Response:
    party, body = _one(call), call.body("Customer")
    with unchanged_when_refused(party):
        _merge(call.company, party, body)
        _merge_customer(call.company, party, body)
    _touched(call, party)
    call.company.tell("CustomerChanged", "customer", party.number)
    return no_content()


def _change_supplier(call: Call) -> Response:
    party, body = _vendor(call), call.body("Supplier")
    _merge(call.company, party, body)
    _merge_supplier(call.company, party, body)
    _touched(call, party)
    call.company.tell("SupplierChanged", "supplier", party.number)
    return no_content(party.stamp)


def _touched(call: Call, party: Party) -> None:
    party.modified, party.stamp = call.now, call.company.stamp()


def _check_references(company: Company, body: Body) -> None:
    chart = company.chart
    if body.get("currencyId") and body["currencyId"] not in chart.currencies:
        raise not_found_currency(body["currencyId"])
    known: dict[str, Container[str]] = {
        "vatZoneId": chart.zones,
        "creditTermsId": chart.credit_terms,
        "customerClassId": ("1",),
        "supplierClassId": ("1",),
    }
    for name, place in known.items():
        if body.get(name) and body[name] not in place:
            raise Refusal(400, f"'{name}' '{body[name]}' cannot be found in the system.")
    for role, number in (body.get("glAccounts") or {}).items():
        if isinstance(number, str) and role.endswith("Account") and number not in chart.accounts:
            raise Refusal(400, f"'Account' '{number}' cannot be found in the system.")


def _merge(company: Company, party: Party, body: Body) -> None:
    _check_references(company, body)
    party.name = body.get("name") or party.name
    party.status = body.get("status") or party.status
    party.currency = body.get("currencyId") or party.currency
    party.zone = body.get("vatZoneId") or party.zone
    party.terms = body.get("creditTermsId") or party.terms
    party.corporate_id = body.get("corporateId", party.corporate_id) or ""
    party.vat_registration = body.get("vatRegistrationId", party.vat_registration) or ""
    for name in (*_ADDRESSES, *_CONTACTS):
        if body.get(name):
            sent = {key: value or "" for key, value in body[name].items()}
            party.places[name] = {**party.places.get(name, {}), **sent}
    for role, number in (body.get("glAccounts") or {}).items():
        if isinstance(number, str):
            party.accounts[role] = number


def _merge_customer(company: Company, party: Party, body: Body) -> None:
    names = (*_CUSTOMER_FLAGS, *_CUSTOMER_PLAIN, "numberOfEmployees")
    party.plain |= {name: body[name] for name in names if body.get(name) is not None}
    method = (body.get("defaultPaymentMethod") or {}).get("paymentMethodId")
    if method:
        if method not in company.chart.payment_methods:
            raise Refusal(400, f"'Payment method' '{method}' cannot be found in the system.")
        party.plain["defaultPaymentMethodId"] = method
    party.attributes = attributes.merged_values(company, party.attributes, body.get("attributeLines") or [])


def _merge_supplier(company: Company, party: Party, body: Body) -> None:
    names = (*_SUPPLIER_PLAIN, "paymentMethodId", "numberOfEmployees")
    party.plain |= {name: body[name] for name in names if body.get(name) is not None}
    if body.get("supplierPaymentMethodDetails") is not None:
        party.plain["supplierPaymentMethodDetails"] = body["supplierPaymentMethodDetails"]


def _common(company: Company, party: Party) -> Row:
    days = company.chart.credit_terms.get(party.terms)
    row: Row = {
        "internalId": party.id,
        "number": party.number,
        "name": party.name,
        "status": party.status,
        "mainAddress": _address(party, "mainAddress"),
        "mainContact": _contact(party, "mainContact"),
        "accountReference": party.plain.get("accountReference", ""),
        "currencyId": party.currency,
        "vatRegistrationId": party.vat_registration,
        "corporateId": party.corporate_id,
        "vatZone": vat_zone(company, party.zone),
        "location": {
            "countryId": party.places.get("mainAddress", {}).get("countryId", ""),
            "id": "MAIN",
            "name": "Primary",
        },
        "attributes": attributes.shown(company, party.attributes),
        "lastModifiedDateTime": moment(party.modified),
        "timeStamp": row_version(party.stamp),
    }
    if days is not None:
        row["creditTerms"] = {"id": party.terms, "description": days[0]}
    return row


def _shown_customer(company: Company, party: Party, with_accounts: bool) -> Row:
    row = _common(company, party)
    row |= {name: bool(party.plain.get(name, False)) for name in _CUSTOMER_FLAGS}
    row |= {
        "customerClass": {"id": "1", "description": "Default"},
        "creditVerification": party.plain.get("creditVerification", "Disabled"),
        "creditLimit": party.plain.get("creditLimit", 0),
        "creditDaysPastDue": party.plain.get("creditDaysPastDue", 0),
        "statementType": party.plain.get("statementType", "OpenItem"),
        "gln": party.plain.get("gln", ""),
        "createdDateTime": moment(party.created),
        "invoiceAddress": _address(party, "invoiceAddress"),
        "invoiceContact": _contact(party, "invoiceContact"),
        "deliveryAddress": _address(party, "deliveryAddress"),
        "deliveryContact": _contact(party, "deliveryContact"),
        "directDebitLines": [],
        "defaultPaymentMethodId": party.plain.get("defaultPaymentMethodId", ""),
    }
    if with_accounts:
        roles = {
            "customerLedgerAccount": "receivable",
            "prepaymentAccount": "customer_prepayment",
            "salesAccount": "sales",
        }
        row["glAccounts"] = _accounts(company, party, roles)
    return row


def _shown_supplier(company: Company, party: Party, with_accounts: bool, *, note: bool) -> Row:
    row = _common(company, party)
    plain = party.plain
    row |= {
        "supplierClass": {"id": "1", "description": "Default"},
        "documentLanguage": plain.get("documentLanguage", ""),
        "cashAccount": plain.get("cashAccount", ""),
        "paymentLeadTime": plain.get("paymentLeadTime", 0),
        "paySeparately": bool(plain.get("paySeparately", False)),
        "chargeBearer": plain.get("chargeBearer", "Payer"),
        "accountUsedForPayment": plain.get("accountUsedForPayment", "IBAN"),
        "paymentBy": plain.get("paymentBy", "DueDate"),
        "remitAddress": _address(party, "remitAddress"),
        "remitContact": _contact(party, "remitContact"),
        "supplierAddress": _address(party, "supplierAddress"),
        "supplierContact": _contact(party, "supplierContact"),
        "supplierPaymentMethodDetails": plain.get("supplierPaymentMethodDetails", []),
    }
    if note:
        row["note"] = plain.get("note", "")
    method = company.chart.payment_methods.get(plain.get("paymentMethodId", ""))
    if method is not None:
        row["paymentMethod"] = {"id": method["paymentMethodID"], "description": method["description"]}
    if with_accounts:
        row["glAccounts"] = _accounts(company, party, {"supplierAccount": "payable", "expenseAccount": "expense"})
    return row


def _accounts(company: Company, party: Party, roles: dict[str, str]) -> Row:
    shown: Row = {}
    for name, role in roles.items():
        account = company.chart.accounts.get(party.accounts.get(name) or company.chart.defaults.get(role, ""))
        if account is not None:
            shown[name] = {"type": account.type, "number": account.number, "description": account.description}
    return shown


def _address(party: Party, name: str) -> Row:
    place = party.places.get(name, party.places.get("mainAddress", {}))
    row: Row = {
        key: place.get(key, "") for key in ("addressLine1", "addressLine2", "addressLine3", "postalCode", "city")
    }
    if place.get("countryId"):
        row["country"] = {"id": place["countryId"], "name": place["countryId"]}
    return {"addressId": party.id * 10 + _ADDRESSES.index(name), **row}


def _contact(party: Party, name: str) -> Row:
    place = party.places.get(name, party.places.get("mainContact", {}))
    row = {key: place.get(key, "") for key in ("name", "attention", "email", "web", "phone1", "phone2", "fax")}
    return {"contactId": party.id * 10 + _CONTACTS.index(name), **row}


def _balance(call: Call) -> Response:
    party = _one(call)
    total: Decimal = ZERO
    for document in call.company.customer_documents.values():
        if document.customer is party and document.released:
            total += document.base_sign() * document.base_balance(call.company.chart)
    for payment in call.company.payments.values():
        if payment.customer is party and payment.released:
            total -= payment.sign() * payment.base_available(call.company.chart)
    who = {"internalId": party.id, "number": party.number, "name": party.name}
    return ok(
        {"customer": who, "balance": total, "totalOrder": 0, "totalLoan": 0, "lastModified": moment(party.modified)}
    )
