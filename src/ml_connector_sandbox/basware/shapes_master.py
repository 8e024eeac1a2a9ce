"""The fields of master data: accounts, cost centres, tax codes, payment terms, projects, rates, lists, vendors."""

from __future__ import annotations

from ml_connector_sandbox.basware.fields import Shape, each, numbered

_CODE, _TRANSLATED = "str:1-25", [{"translation*": "str:2-2000", "language*": "str:2-10"}]
_KEY = {"externalCode*": "str:1-36", "lastUpdated": "date"}
_COMPANY = {"companyCode*": "str:1-32", "active*": "bool"}
_INHERITING = _COMPANY | {"inherit*": "bool"}
_SUM, _DAYS = "num:-1000000000-1000000000", "int:0-2147483647?"
_EMAIL = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9]+"

ACCOUNT: Shape = _KEY | {
    "accountCode*": _CODE,
    "accountNames*": _TRANSLATED,
    "taxCode": "str:0-25?",
    **numbered("text", 5, "str:0-250?"),
    "companies*": [_INHERITING],
}
COST_CENTER: Shape = _KEY | {
    "costCenterCode*": _CODE,
    "costCenterNames*": _TRANSLATED,
    **numbered("text", 10, "str:0-250?"),
    **numbered("date", 5, "date?"),
    **numbered("int", 5, "int?"),
    "companies*": [_COMPANY],
}
TAX_CODE: Shape = _KEY | {
    "taxCode*": _CODE,
    "taxCodeNames*": _TRANSLATED,
    "taxGroup": "str:0-25?",
    "taxPercentage*": _SUM,
    "taxPercentage2": _SUM + "?",
    "additionalData": [
        {"externalCode": "str:0-32?", "taxPercent": "num?", "active": "bool?"}
        | each("account statistical transactionType country condition", "str:0-25?"),
        "?",
    ],
    "companies*": [_INHERITING],
}
PAYMENT_TERM: Shape = _KEY | {
    "paymentTermCode*": _CODE,
    "paymentTermNames*": _TRANSLATED,
    "moveDueDatesTo": "like:[012]?",
    "dueDateCalc": "int:0-1?",
    "cashDueDateCalc": "int:0-2?",
    **each("sortOrder dueDateDays dueDateDays2 dueDateEom cashDueDateDays cashDueDateDays2 cashDueDateEom", _DAYS),
    "cashDiscount": "num:0-1000000000?",
    "validFrom*": "date",
    "validTo*": "date",
    "companies*": [_INHERITING],
    "paymentTermDiscountRules": [
        {"externalCode*": "str:1-36", "discountDays": _DAYS, "discountPercent": "num:0-1000000000?", "active*": "bool"},
        "?",
    ],
}
PROJECT: Shape = _KEY | {
    "projectCode*": _CODE,
    "projectName*": "str:1-100",
    "description": "str:0-500?",
    "validFrom*": "date",
    "validUntil*": "date",
    "companies*": [_COMPANY],
}
EXCHANGE_RATE: Shape = _KEY | {
    "rate*": "num:0-1000000000",
    "currencyCodeFrom*": "str:2-3",
    "currencyCodeTo*": "str:2-3",
    "validFrom*": "date",
    "companies*": [_COMPANY],
}
_CONTENTS = (
    "Plant|ProfitCenter|BusinessUnit|Project|ProjectSub|Employee|Vehicle|Customer|AccAssignmentCategory|Budget|Service"
    "|BusinessArea|PartnerProfitCenter|FixedAsset|FixedAssetSubCode|WorkOrderCode|WorkOrderSubCode|CommitmentItem"
    "|ControllingArea|FunctionalArea|Network|NetworkActivity|Tax|TaxJurisdiction|InternalOrder|SalesOrder"
    "|SalesOrderSub|" + "|".join(f"Dimension{n}" for n in range(1, 11))
)
LIST_ITEM: Shape = _KEY | {
    **numbered("text_", 25, "str?"),
    **numbered("number_", 15, "num?"),
    **numbered("dateValue_", 15, "date?"),
    "companies": [_COMPANY, "?"],
    "listContent": f"one:{_CONTENTS}?",
}

_ADDRESS_PARTS = (
    "AdditionalField1|AdditionalField2|AdditionalStreetName|BlockName|BuildingName|BuildingNumber|CitySubDivisionName"
    "|Country|Department|District|Email|Floor|GlobalLocationNumber|InhouseEmail|MarkAttention|MarkCare|Region|Room"
    "|CoordinateSystemCode|PlotIdentification|LatitudeDegreesMeasure|LatitudeDirectionCode|LatitudeMinutesMeasure"
    "|LongitudeDegreesMeasure|LongitudeDirectionCode|LongitudeMinutesMeasure"
)
_ADDRESS: Shape = {
    "externalCode*": "str:1-36",
    "name*": "str:1-200",
    "addressType": "one:AdditionalAddress|VisitingAddress|RemittanceAddress|DeliveryAddress|PostalAddress"
    "|RegistrationAddress?",
    **each("description addressLine1 addressLine2 addressLine3", "str:0-200?"),
    **each("cityName postalZone poBox streetName locality countrySubEntity countrySubEntityDescription", "str:0-50?"),
    "countryId": "str:2-2?",
    "default": "bool?",
    "additionalAddressFields": [{"key": f"one:{_ADDRESS_PARTS}", "value": "str:0-200?"}, "?"],
}
_BANK_ACCOUNT: Shape = {
    "financialInstitution": {
        "name*": "str:0-250", "id*": "str:1-20", "schemeId*": "str:1-36", "branchId": "str:0-50?",
        "branchIdSchemeId": "str:0-36?", "countryId": "str:2-2?",
    },
    "financialAccountIdentifiers": [
        {
            "schemeId*": "str:1-36", "id": "str:0-50?", "currencyCode": "str:3-3?", "default": "bool?",
            "linkedBbanOrIban": "str:0-50?",
            **each("description accountHolderName accountAdditionalData1 accountAdditionalData2", "str:0-200?"),
        },
        "?",
    ],
}  # fmt: skip
_ORDERING: Shape = {
    "orderingFormat": "one:UBL|EHFXML21|email|other|none|BaswareNetwork?",
    "orderingMessageLanguage": "str:0-10?",
    "orderingLanguage": "str:0-25?",
    "orderEmail": f"like:{_EMAIL}?",
    "orderProcessType": "str:0-50?",
    "minimumOrderAllowed": "num?",
    **each(
        "isTaxable automaticallyReceiveOnInvoice automaticallyReceiveOnOrder hasActiveCatalog createOrderAutomatically"
        " deliverOrderAutomatically noFreeformItems sendToNetwork",
        "bool?",
    ),
}
VENDOR: Shape = _KEY | {
    "vendorCode*": _CODE,
    "name*": "str:1-250",
    "vendorParent": "str?",
    "buvid": "str:0-36?",
    "sourceSystem": "str:0-36?",
    "description": "str:0-250?",
    "supplierAssignedAccountId": "str:0-128?",
    "eligibleForSourcing": "bool?",
    "vendorClass": "str:0-100?",
    "identifiers": [{"id*": "str:1-36", "schemeId*": "str:1-32", "defaultPartyId": "bool?"}, "?"],
    "addresses": [_ADDRESS, "?"],
    "contacts": [
        {"name*": "str:1-200", "role": "one:AdditionalContact|PrimaryContact|SecondaryContact"}
        | each("description email website", "str:0-200?")
        | each("telephone telefax", "str:0-50?"),
        "?",
    ],
    "deliveryTerm": {"deliveryTermCode*": _CODE, "deliveryLocation": "str:0-100?", "description": "str:0-200?"},
    "paymentMeans": [
        {
            "paymentMeansCode*": _CODE, "description": "str:0-200?", "currencyCode": "str:3-3?", "default": "bool?",
            "financialAccounts": [_BANK_ACCOUNT, "?"],
        },
        "?",
    ],
    "paymentTerms": {"paymentTermCode*": _CODE, "description": "str:0-200?"},
    "orderingDetails": _ORDERING,
    "processingStatus": {"active": "bool?", "paymentDenied": "bool?"},
    "tags": [{"name*": "str:1-50", "value*": "str:1-250", "tagGroup": "str:0-50?"}, "?"],
    "customFields": [{"name*": "str:1-25", "value*": "str:1-250", "groupName": "str:0-500?"}, "?"],
    "companies*": [{"companyCode*": "str:1-32", "inheritToChildUnits": "bool?"}],
}  # fmt: skip
