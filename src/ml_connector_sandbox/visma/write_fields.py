"""Which fields each write body knows, and which of them travel inside `{"value": ...}`.

Facts of the vendor's contract, misspellings included; a contract test compares them with the specification.

Notation of a field: `name` wrapped string, `name:t` wrapped of type t, `name!t` bare of type t, `name[Shape]` bare
list of rows, `name{Shape}` bare object, `name(Shape)` wrapped object. Types: s string, n number, i integer, b boolean,
d date-time, u uuid, or the name of an enumeration.
"""

from __future__ import annotations

ENUMS: dict[str, tuple[str, ...]] = {
    "Operation": tuple("Insert Update Delete".split()),
    "RotRutType": tuple("Rut Rot".split()),
    "ItemType": tuple("Service MaterialCost OtherCost".split()),
    "CustomerDocumentType": tuple(
        """Invoice DebitNote CreditNote Payment VoidPayment Prepayment Refund FinCharge SmallBalanceWo
        SmallCreditWo CashSale CashReturn Undefined NoUpdate""".split()
    ),
    "PaymentType": tuple(
        "Payment CreditNote Prepayment Refund VoidPayment SmallBalanceWo VoidRefund Undefined".split()
    ),
    "SupplierDocumentType": tuple("Invoice CreditAdj DebitAdj Prepayment Refund Payment".split()),
    "TaxCalculationMode": tuple("TaxSetting Gross Net".split()),
    "PurchaseType": tuple("PurchaseOrder PurchaseReceipt".split()),
    "AccountType": tuple("Asset Liability Income Expense".split()),
    "SupplierStatus": tuple("Active OnHold HoldPayments Inactive OneTime".split()),
    "ChargeBearer": tuple("Payer Beneficiary Shared ServiceLevel".split()),
    "AccountUsedForPayment": tuple("IBAN BBAN BANKGIRO PLUSGIRO".split()),
    "PaymentBy": tuple("DueDate DiscountDate".split()),
    "CustomerStatus": tuple("Active OnHold CreditHold Inactive OneTime".split()),
    "CreditVerification": tuple("Disabled DaysPastDue CreditLimit LimitAndDaysPastDue".split()),
    "StatementType": tuple("OpenItem BalanceBroughtForward".split()),
}

SHAPES: dict[str, str] = {
    "JournalTransaction": """
        batchNumber hold:b transactionDate:d postPeriod financialPeriod ledger currencyId exchangeRate:n
        autoReversing:b description controlTotalInCurrency:n createVatTransaction:b skipVatAmountValidation:b
        transactionCode branch overrideNumberSeries:b journalTransactionLines[JournalTransactionLine]
    """,
    "JournalTransactionLine": """
        operation!Operation lineNumber:i accountNumber subaccount[Segment] project projectTask referenceNumber
        transactionDescription debitAmountInCurrency:n creditAmountInCurrency:n vatCodeId vatId branch uom
        quantity:n note
    """,
    "Segment": "segmentId!i segmentValue!s",
    "CustomerInvoice": """
        paymentMethodId creditTermsId currencyId customerRefNumber cashDiscountDate:d documentDueDate:d
        externalReference customerProject exchangeRate:n domesticServicesDeductibleDocument:b
        rotRutDetails{RotRut} paymentReference contact:i project taxDetailLines[TaxDetail]
        invoiceLines[CustomerInvoiceLines] sendToAutoInvoice:b customerVatZoneId
        billingAddress(SalesInvoiceAddress) invoiceContact(SalesInvoiceContact) startDate:d endDate:d
        accountingCostRef originatorDocRef contractDocRef revoked:b overrideNumberSeries:b directDebitMandateId:u
        excludeDebtCollection:b debtCollectionCaseNbr debtCollectionCaseStatus debtCollectionCaseType
        debtCollectionCaseUrl referenceNumber customerNumber childCustomerNumber consolidateInvoices:b
        documentDate:d origInvoiceDate:d hold:b postPeriod financialPeriod invoiceText locationId salesPersonID:i
        salesperson note branchNumber cashAccount dontPrint:b dontEmail:b
    """,
    "RotRut": """
        distributedAutomaticaly:b type:RotRutType appartment estate organizationNbr distribution[RotRutDistribution]
    """,
    "RotRutDistribution": "operation!Operation lineNbr:i personalId amount:n extra:b",
    "TaxDetail": "taxId taxableAmount:n vatAmount:n",
    "CustomerInvoiceLines": """
        discountCode domesticServicesDeductible:b itemType:ItemType typeOfWork taskId startDate:d endDate:d
        operation!Operation inventoryNumber lineNumber:i description quantity:n unitPriceInCurrency:n
        manualAmountInCurrency:n accountNumber vatCodeId uom discountPercent:n discountAmountInCurrency:n
        manualDiscount:b subaccount[Segment] salesperson deferralSchedule:i deferralCode termStartDate:d
        termEndDate:d note branchNumber
    """,
    "SalesInvoiceAddress": "overrideAddress:b addressLine1 addressLine2 addressLine3 postalCode city countryId county",
    "SalesInvoiceContact": "overrideContact:b name attention email phone1",
    "CustomerCreditNote": """
        currencyId customerRefNumber externalReference contact:i project lines[CustomerCreditNoteLine]
        taxDetails[TaxDetail] applicationLines[PaymentLineBase] customerVatZoneId
        invoiceAddress(SalesInvoiceAddress) invoiceContact(SalesInvoiceContact) overrideNumberSeries:b
        sendToAutoInvoice:b exchangeRate:n referenceNumber customerNumber childCustomerNumber
        consolidateInvoices:b documentDate:d origInvoiceDate:d hold:b postPeriod financialPeriod invoiceText
        locationId salesPersonID:i salesperson note branchNumber cashAccount dontPrint:b dontEmail:b
    """,
    "CustomerCreditNoteLine": """
        discountCode taskId operation!Operation inventoryNumber lineNumber:i description quantity:n
        unitPriceInCurrency:n manualAmountInCurrency:n accountNumber vatCodeId uom discountPercent:n
        discountAmountInCurrency:n manualDiscount:b subaccount[Segment] salesperson deferralSchedule:i
        deferralCode termStartDate:d termEndDate:d note branchNumber
    """,
    "PaymentLineBase": "operation!Operation documentType:CustomerDocumentType refNbr amountPaid:n",
    "CustomerDebitNote": """
        paymentMethodId creditTermsId currencyId customerRefNumber cashDiscountDate:d documentDueDate:d
        externalReference exchangeRate:n domesticServicesDeductibleDocument:b paymentReference contact:i
        rotRutDetails{RotRut} taxDetailLines[TaxDetail] lines[CustomerDebitNoteLines] customerVatZoneId
        invoiceAddress(SalesInvoiceAddress) invoiceContact(SalesInvoiceContact) overrideNumberSeries:b
        referenceNumber customerNumber childCustomerNumber consolidateInvoices:b documentDate:d origInvoiceDate:d
        hold:b postPeriod financialPeriod invoiceText locationId salesPersonID:i salesperson note branchNumber
        cashAccount dontPrint:b dontEmail:b
    """,
    "CustomerDebitNoteLines": """
        discountCode domesticServicesDeductible:b itemType:ItemType typeOfWork operation!Operation
        inventoryNumber lineNumber:i description quantity:n unitPriceInCurrency:n manualAmountInCurrency:n
        accountNumber vatCodeId uom discountPercent:n discountAmountInCurrency:n manualDiscount:b
        subaccount[Segment] salesperson deferralSchedule:i deferralCode termStartDate:d termEndDate:d note
        branchNumber
    """,
    "Payment": """
        referenceNumber type:PaymentType hold:b applicationDate:d applicationPeriod paymentRef customer location
        paymentMethod cashAccount currency paymentAmount:n invoiceText branch overrideNumberSeries:b
        ordersToApply[PaymentOrdersLines] financeCharges[FinanceCharges] paymentLines[PaymentLines]
    """,
    "PaymentOrdersLines": "operation!Operation orderType orderNumber appliedToOrder:n",
    "FinanceCharges": """
        operation!Operation entryType offsetAccount offsetSubAccount description amount:n lineNbr:i
    """,
    "PaymentLines": """
        cashDiscountTaken:n balanceWriteOff:n writeOffReasonCode crossRate:n operation!Operation
        documentType:CustomerDocumentType refNbr amountPaid:n
    """,
    "SupplierInvoice": """
        documentType:SupplierDocumentType referenceNumber hold:b date:d origInvoiceDate:d postPeriod financialPeriod
        supplierReference description supplierNumber locationId currencyId paymentRefNo creditTermsId dueDate:d
        cashDiscountDate:d note exchangeRate:n branchNumber roundingDiffInCurrency:n
        taxCalculationMode:TaxCalculationMode supplierTaxZone cashAccount paymentMethod payDate:d amount:n
        vatAmount:n paymentMessage applyRetainage:b taxDetailLines[TaxDetail] invoiceLines[SupplierInvoiceLine]
        approvalDetails{ApprovalDetails} addPOReceiptLines[AddPOReceiptLine] addPurchaseOrders[AddPurchaseOrder]
        landedCosts[SupplierInvoiceLandedCost] paySelected:b overrideNumberSeries:b validateLineDetails:b
    """,
    "SupplierInvoiceLine": """
        operation!Operation lineNumber:i inventoryNumber transactionDescription quantity:n uom
        unitCostInCurrency:n costInCurrency:n discountPercent:n discountAmountInCurrency:n
        discountUnitCostInCurrency:n manualDiscount:b accountNumber subaccount[Segment] deferralSchedule:i
        deferralCode vatCodeId branch branchNumber note projectId projectInternalId:i projectTaskId
        projectTaskInternalId:i splitLine:b undoSplitLine:b splitHierarchy retainagePct:n curyRetainageAmt:n
        linkLine{LinkLine} termStartDate:d termEndDate:d externalInventoryId prebookAccountNumber
        prebookSubaccount[Segment]
    """,
    "LinkLine": "purchaseType!PurchaseType purchaseNumber purchaseLineNbr:i",
    "ApprovalDetails": "attachmentID comment",
    "AddPOReceiptLine": "poReceiptNumber poReceiptLineNumber:i quantity:n unitCostInCurrency:n costInCurrency:n",
    "AddPurchaseOrder": "poOrderNumber",
    "SupplierInvoiceLandedCost": """
        operation!Operation lineNumber:i landedCostCodeId description amount:n taxCategoryId poReceiptNumber
        inventoryId siteId locationId
    """,
    "Account": """
        accountCD active:b accountClass analysisCode currency description extenalCode1 externalCode2
        accountGroupCD postOption publicCode1 type:AccountType useDefaultSub:b taxCategory
    """,
    "Subaccount": "subaccountNumber subaccountId description active:b",
    "Supplier": """
        number name status:SupplierStatus accountReference numberOfEmployees:i parentRecordNumber supplierClassId
        overrideWithClassValues!b creditTermsId documentLanguage currencyId currencyOverride:b
        currencyRateOverride:b paymentMethodId cashAccount paymentLeadTime:i paymentRefDisplayMask
        paySeparately:b vatRegistrationId corporateId vatZoneId chargeBearer:ChargeBearer
        accountUsedForPayment:AccountUsedForPayment paymentBy:PaymentBy mainAddress(Address)
        mainContact(ContactInfo) remitAddress(Address) remitContact(ContactInfo) supplierAddress(Address)
        supplierContact(ContactInfo) glAccounts(SupplierGlAccounts)
        supplierPaymentMethodDetails[SupplierPaymentMethodDetail] attributeLines[AttributeLine]
        retainageCashAccountID retainageApply:b retainagePct:n note overrideNumberSeries:b naceCode
        landedCostSupplier:b
    """,
    "Address": "addressLine1 addressLine2 addressLine3 postalCode city countryId county",
    "ContactInfo": "name attention email web phone1 phone2 fax",
    "SupplierGlAccounts": """
        supplierAccount supplierSubaccount expenseAccount expenseAccountNonTax expenseEUAccount
        expenseAccountImport expenseSubaccount
    """,
    "SupplierPaymentMethodDetail": "paymentMethodDetailDescription!s paymentMethodDetailValue",
    "AttributeLine": "attributeId attributeValue",
    "Customer": """
        number name status:CustomerStatus accountReference numberOfEmployees:i parentRecordNumber currencyId
        creditLimit:n creditDaysPastDue:i overrideWithClassValues!b customerClassId creditTermsId printInvoices:b
        acceptAutoInvoices:b sendInvoicesByEmail:b sendDunningLettersViaEMail:b printDunningLetters:b
        printStatements:b sendStatementsByEmail:b printMultiCurrencyStatements:b invoiceToDefaultLocation:b
        vatRegistrationId corporateId vatZoneId gln note mainAddress(Address) mainContact(ContactInfo)
        creditVerification:CreditVerification invoiceAddress(Address) invoiceContact(ContactInfo)
        statementType:StatementType deliveryAddress(Address) deliveryContact(ContactInfo) priceClassId
        eInvoiceContract(EInvoiceContract) defaultPaymentMethod(CustomerDefaultPaymentMethod)
        glAccounts(CustomerGlAccounts) directDebitLines[CustomerDirectDebit] attributeLines[AttributeLine]
        overrideNumberSeries:b excludeDebtCollection:b
    """,
    "EInvoiceContract": "fInvoiceContractID fInvoiceIntermediatorID",
    "CustomerDefaultPaymentMethod": "paymentMethodId isDefault:b",
    "CustomerGlAccounts": """
        customerLedgerAccount customerLedgerSubaccount[Segment] salesAccount salesNonTaxableAccount
        salesEuAccount salesExportAccount salesSubaccount[Segment] discountAccount discountSubaccount[Segment]
        freightAccount freightSubaccount[Segment] cashDiscountAccount cashDiscountSubaccount[Segment]
        prepaymentAccount prepaymentSubaccount[Segment]
    """,
    "CustomerDirectDebit": """
        operation!Operation id!u mandateId mandateDescription dateOfSignature:d isDefault:b oneTime:b bic iban
        lastCollectionDate:d maxAmount:n expirationDate:d branch
    """,
    "ReleasePayment": "type:PaymentType",
    "VoidPayment": "type!PaymentType returnVoidPayment!b",
    "Prebooking": "accountNumber subaccount[Segment]",
    "ReverseInvoice": "returnCreditNote!b",
    "DimensionSegment": "segmentValues[SegmentValue] dimensionId!s segementId!i description",
    "SegmentValue": "operation!Operation value!s description active:b",
}
