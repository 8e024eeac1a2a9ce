"""The fields of an invoice sent into the network, and of an upload of an image."""

from __future__ import annotations

from ml_connector_sandbox.basware.fields import Shape, each

_REFERENCE = {"id*": "str", "schemeId": "str"}
_MONEY = {"currencyId*": "str", "amount*": "num"}
_SUBTOTALS = [_MONEY | {"percent": "num", "taxableAmount": "num"}]
_DAY = r"like:\d{4}-(1[0-2]|0[1-9])-(3[01]|0[1-9]|[12]\d)(Z|[+-]\d{2}:\d{2}|)"
_PARTY: Shape = {
    "partyName*": "str",
    "endpoint": _REFERENCE,
    "partyIdentification": [_REFERENCE],
    "postalAddress": each(
        "cityName postalZone addressLine addressLine2 locality countrySubentity countryId", "str"
    ),
    "partyTaxScheme": {"company": {"id": "str", "schemeId": "str"}},
    "contact": each("name telephone telefax electronicMail", "str"),
}  # fmt: skip
_MEANS: Shape = {
    "paymentMeansCode*": "str",
    "paymentDueDate": _DAY,
    "paymentIdentifier": _REFERENCE,
    "financialAccount": [
        each(
            "financialInstitutionName financialInstitutionId financialInstitutionIdSchemeId"
            " financialInstitutionBranchId financialInstitutionBranchSchemeId",
            "str",
        )
        | {"ids": [_REFERENCE]}
    ],
}
_LINE: Shape = {
    "id*": "str",
    "internalId": "str",
    "quantity": {"amount": "num", "amountUninvoiced": "num", "unitCode": "str"},
    "serviceIndicator": "bool",
    "lineExtension*": _MONEY,
    "item*": {"description": ["str"], "name": "str", "taxPercent": "num", "sellersItem": _REFERENCE},
    "taxTotal": [_MONEY | {"transactionCurrencyTax": {"amount*": "num"}, "taxSubTotal": _SUBTOTALS}],
    "price": _MONEY,
    "delivery": {"actualDeliveryDate": _DAY},
    "orderLineReference": {"lineId*": "str", "orderReference": "str"},
    "allowanceCharge": {"chargeIndicator*": "bool", "amount*": "num", "multiplierFactorNumeric": "num"},
}
INVOICE: Shape = {
    "clientToken*": "str:1-",
    "fileRefs": [{"refId*": "str"}],
    "deliveryChannelPreference": "one:printing-always|only-eInvoicing|printing-allowed|",
    "serviceProviderId": "str",
    "data*": {
        "id*": "str:1-",
        "idSchemeId": "str",
        "issueDate*": _DAY,
        "documentCurrencyCode": "str",
        "note": "str",
        "allowanceCharge": {"freight": "num", "handling": "num"},
        "orderReference": _REFERENCE | {"customerReference": "str", "salesOrderId": "str"},
        "billingReference": _REFERENCE,
        "contractDocumentReference": _REFERENCE,
        "additionalDocumentReference": _REFERENCE | {"issueDate": _DAY, "typeCode": "str"},
        "accountingSupplierParty*": _PARTY,
        "accountingCustomerParty*": _PARTY,
        "delivery": {"actualDeliveryDate": _DAY},
        "deliveryParty": _PARTY,
        "paymentMeans": _MEANS,
        "paymentTerms": {
            "settlementPeriod": {"startDate": _DAY, "endDate": _DAY}, "note": "str", "penaltySurchargePercent": "num",
        },
        "taxTotal": _MONEY | {"taxSubTotal": _SUBTOTALS},
        "legalMonetaryTotal*": {"lineExtensionAmount": _MONEY, "payableAmount*": _MONEY},
        "buyerReference": {"id*": "str"},
        "invoiceLine*": [_LINE],
    },
}  # fmt: skip
_EMAIL = r"like:[^@\s]+@[^@\s]+\.[^@\s]+"
UPLOAD: Shape = {"receivingEmailAddress*": _EMAIL, "notificationEmailAddress*": _EMAIL}
