"""The fields of matching orders, their lines, codings and goods receipts, and of what answers a document."""

from __future__ import annotations

from ml_connector_sandbox.basware.fields import Shape, each, numbered

_KEY = {"externalCode*": "str:1-36"}
_CUSTOM = numbered("text", 10, "str:0-250?") | numbered("numeric", 5, "num?") | numbered("date", 5, "date?")
_PERCENT = "num:-1000000000-1000000000?"

ORDER: Shape = _KEY | _CUSTOM | {
    "lastUpdated": "date",
    "orderNumber*": "str:1-100",
    "sourceSystem*": "str:1-36",
    "companyCode*": "str:1-25",
    "organizationElementCode*": "str:2-25",
    "currencyCode*": "str:2-3",
    "supplierCode*": "str:1-25",
    "description": "str:0-1000?",
    "orderReference": "str:0-100?",
    **each("orderTypeCode purchaseOrganizationCode invoicingSupplierCode paymentTermCode", "str:0-25?"),
    **each(
        "companyName organizationElementName purchaseOrganizationName supplierName invoicingSupplierName"
        " paymentTermName",
        "str:0-250?",
    ),
    **each("created requestedDeliveryDate actualDeliveryDate validFrom validTo", "date?"),
    **each("isClosed isInvoiced isDelivered", "bool?"),
}  # fmt: skip
_CODING: Shape = _KEY | {
    "rowIndex*": "int:0-100000",
    "allocatedQuantity*": "num",
    "accountCode": "str:0-50?",
    "costCenterCode": "str:0-200?",
    **each("projectCode taxCode", "str:0-25?"),
    **each("taxPercent taxPercent2", _PERCENT),
    **each(
        "netTotal grossTotal taxSum taxSum2 conversionNumerator conversionDenominator conversionDeNumerator", "num?"
    ),
    **each(
        "accountName costCenterName projectName partnerProfitCenter fixedAssetCode fixedAssetName network"
        " networkActivity",
        "str:0-250?",
    ),
    "materialGroup": "str:0-100?",
    **each(
        "fixedAssetSubCode fixedAssetSubName internalOrderCode internalOrderName profitCenterCode profitCenterName"
        " businessUnitCode businessUnitName projectSubCode projectSubName employeeCode employeeName vehicleNumber"
        " vehicleName salesOrderCode salesOrderName salesOrderSubCode salesOrderSubName customerCode customerName"
        " accAssignmentCategoryCode accAssignmentCategoryName budgetCode budgetName serviceCode serviceName"
        " businessAreaCode businessAreaName taxJurisdictionCode subUOM workOrderCode workOrderName workOrderSubCode"
        " workOrderSubName commitmentItem controllingArea functionalArea",
        "str:0-50?",
    ),
    **numbered("dimCode", 10, "str:0-100?"),
    **numbered("dimName", 10, "str:0-100?"),
    **numbered("num", 5, "num?"),
    **numbered("text", 5, "str:0-250?"),
    **numbered("date", 5, "date?"),
}
_RECEIPT: Shape = _KEY | _CUSTOM | {
    "goodsReceiptNumber*": "str:1-100",
    "quantity*": "num",
    "goodsReceiptLineNumber": "str:0-25?",
    "referenceGRExternalCode": "str:0-36?",
    **each("netSum grossSum netPrice grossPrice invoicedQuantity invoicedNetSum invoicedGrossSum", "num?"),
    **each("isDeleted notifyFault", "bool?"),
    "unitOfMeasure": "str:0-25?",
    **each("deliveryNoteNumber bestFitGrouping subUnitOfMeasure goodsReceiptNote productSerialNumber", "str:0-250?"),
    **each("goodsReceiptType receiveMethod", "int?"),
    **each("voucherNumber serviceEntrySheetDocId", "str:0-100?"),
    **each("fiscalYear deliveryDate", "date?"),
    "comment": "str:0-255?",
    "receiptCoding": [_CODING, "?"],
}  # fmt: skip
LINE: Shape = _KEY | _CUSTOM | {
    "lastUpdated": "date",
    "orderExternalCode*": "str:1-36",
    "lineNumber*": "str:1-100",
    "quantity*": "num",
    "matchingMode*": "one:Standard|Blanket|Return|Service",
    "sortNumber": "int?",
    "currencyCode": "str:2-3?",
    **each("netSum grossSum netPrice grossPrice taxPercent2 taxSum taxSum2", "num?"),
    **each("invoicedQuantity invoicedNetSum invoicedGrossSum", "num?"),
    "taxPercent": "num:0-1000000000?",
    **each("uom priceUnit taxCode unspsc", "str:0-25?"),
    **each(
        "subUOM priceUnitDescription productCode productName materialGroup globalTradeItemNumber buyerProductCode",
        "str:0-250?",
    ),
    "contractNumber": "str:0-255?",
    **each("description comment", "str:0-1000?"),
    **each("validFrom validTo requestedDeliveryDate actualDeliveryDate", "date?"),
    **each(
        "isReceiptRequired isReceiptBasedMatching isOverreceivalAllowed isClosed isDeleted isSelfApproved", "bool?"
    ),
    "orderLineCoding": [_CODING, "?"],
    "goodsReceipts": [_RECEIPT, "?"],
    "referenceUsers": [
        {
            "userExternalCode": "str:0-36?", "userEmail": "str:0-250?", "lastUpdated": "date",
            "userRole": "one:Buyer|Owner|ReferencePerson|Other?",
        },
        "?",
    ],
}  # fmt: skip

_VOUCHERS = {"sourceSystem": "str:0-32?"} | numbered("voucherNumber", 2, "str:0-25?")
_TOLD = _KEY | {"success*": "bool", "responseMessage*": "str:1-250"}
TRANSFER: Shape = _TOLD | _VOUCHERS | {"transferDate": "date?", "paymentBlock*": "bool"}
PREBOOK: Shape = _TOLD | _VOUCHERS | {"prebookDate": "date?", "paymentBlock*": "bool"}
PAYMENT: Shape = _KEY | {
    "success*": "bool",
    "paymentBlock*": "bool",
    "responseMessage": "str:0-250?",
    "sourceSystem": "str:0-32?",
    "paymentDate": "date?",
    **each("paymentTermCode paymentMethod checkNumber", "str:0-25?"),
    **each("paidTotal cashDiscount", "num?"),
    "paymentMessage": "str:0-100?",
    **each("paymentNumber paymentDocument paymentReversalDocument", "str:0-250?"),
}
ACKNOWLEDGED: Shape = {"requestIds": ["str", "?"]}
REMOVAL: Shape = {"lastUpdated": "date?", "externalCode": "str:0-36?"}
