"""The default company: a Nordic retailer that sells through Square. Facts only; `seed` turns them into a chart."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]

CURRENCIES: list[Row] = [
    {"id": "SEK", "description": "Swedish krona", "symbol": "kr", "decimals": 2},
    {"id": "EUR", "description": "Euro", "symbol": "€", "decimals": 2},
    {"id": "GBP", "description": "Pound sterling", "symbol": "£", "decimals": 2},
    {"id": "NOK", "description": "Norwegian krone", "symbol": "kr", "decimals": 2},
    {"id": "DKK", "description": "Danish krone", "symbol": "kr", "decimals": 2},
    {"id": "USD", "description": "US dollar", "symbol": "$", "decimals": 2},
    {"id": "JPY", "description": "Japanese yen", "symbol": "¥", "decimals": 0},
]

SEK_FOR_ONE = {
    "SEK": "1", "EUR": "11.30", "GBP": "13.20", "NOK": "0.98", "DKK": "1.51", "USD": "10.50", "JPY": "0.07",
}  # fmt: skip

ACCOUNTS: list[Row] = [
    {"number": "1510", "description": "Accounts receivable", "type": "Asset", "control_module": "AR", "manual": False},
    {"number": "1521", "description": "Dispute receivable", "type": "Asset"},
    {"number": "1580", "description": "Clearing Square EUR", "type": "Asset", "currency": "EUR", "cash": True},
    {"number": "1581", "description": "Clearing Square GBP", "type": "Asset", "currency": "GBP", "cash": True},
    {"number": "1582", "description": "Clearing Square SEK", "type": "Asset", "currency": "SEK", "cash": True},
    {"number": "1585", "description": "Clearing external payments", "type": "Asset", "currency": "base", "cash": True},
    {"number": "1684", "description": "Processor reserve", "type": "Asset"},
    {"number": "1690", "description": "Money in transit", "type": "Asset"},
    {"number": "1790", "description": "Prebooked supplier invoices", "type": "Asset"},
    {"number": "1799", "description": "Suspense", "type": "Asset"},
    {"number": "1910", "description": "Till", "type": "Asset", "currency": "base", "cash": True},
    {"number": "1930", "description": "Bank", "type": "Asset", "currency": "base", "cash": True},
    {"number": "1940", "description": "Bank EUR", "type": "Asset", "currency": "EUR", "cash": True},
    {"number": "1950", "description": "Bank GBP", "type": "Asset", "currency": "GBP", "cash": True},
    {"number": "2099", "description": "Net income of the year", "type": "Liability", "net_income": True},
    {"number": "2420", "description": "Customer prepayments", "type": "Liability"},
    {"number": "2421", "description": "Gift cards", "type": "Liability"},
    {"number": "2440", "description": "Accounts payable", "type": "Liability", "control_module": "AP", "manual": False},
    {"number": "2611", "description": "VAT output 25 %", "type": "Liability"},
    {"number": "2614", "description": "VAT output reverse charge", "type": "Liability"},
    {"number": "2621", "description": "VAT output 12 %", "type": "Liability"},
    {"number": "2631", "description": "VAT output 6 %", "type": "Liability"},
    {"number": "2641", "description": "VAT input", "type": "Asset"},
    {"number": "2645", "description": "VAT input reverse charge", "type": "Asset"},
    {"number": "2820", "description": "Tips payable", "type": "Liability"},
    {"number": "2895", "description": "Fee settlement", "type": "Liability"},
    {"number": "3001", "description": "Sales 25 %", "type": "Income"},
    {"number": "3002", "description": "Sales 12 %", "type": "Income"},
    {"number": "3003", "description": "Sales 6 %", "type": "Income"},
    {"number": "3004", "description": "Sales without VAT", "type": "Income"},
    {"number": "3520", "description": "Shipping charged", "type": "Income"},
    {"number": "3730", "description": "Discounts given", "type": "Income"},
    {"number": "3740", "description": "Rounding", "type": "Income"},
    {"number": "3960", "description": "Currency gain", "type": "Income"},
    {"number": "3999", "description": "Sales, old", "type": "Income", "active": False},
    {"number": "4000", "description": "Purchases", "type": "Expense"},
    {"number": "6351", "description": "Dispute losses", "type": "Expense"},
    {"number": "6352", "description": "Write-offs", "type": "Expense"},
    {"number": "6570", "description": "Card fees", "type": "Expense"},
    {"number": "6571", "description": "Dispute fees", "type": "Expense"},
    {"number": "7960", "description": "Currency loss", "type": "Expense"},
]

DEFAULTS = {
    "receivable": "1510", "customer_prepayment": "2420", "sales": "3001", "payable": "2440", "expense": "4000",
    "prebook": "1790", "gain": "3960", "loss": "7960", "purchase_discount": "3730",
}  # fmt: skip

SEGMENTS: list[Row] = [
    {
        "id": 1,
        "description": "Department",
        "length": 2,
        "values": [
            {"value": "00", "description": "None"},
            {"value": "10", "description": "Oslo"},
            {"value": "20", "description": "Stockholm"},
            {"value": "30", "description": "Gothenburg"},
            {"value": "90", "description": "Closed shop", "active": False},
        ],
    },
    {
        "id": 2,
        "description": "Project",
        "length": 3,
        "values": [
            {"value": "000", "description": "None"},
            {"value": "100", "description": "Web shop"},
            {"value": "200", "description": "Events"},
        ],
    },
]

_ALL_ZONES = ["SE", "EU", "EXPORT"]
CATEGORIES: list[Row] = [
    {"id": "25", "description": "Taxable 25 %"},
    {"id": "12", "description": "Taxable 12 %"},
    {"id": "06", "description": "Taxable 6 %"},
    {"id": "00", "description": "Zero rated"},
    {"id": "RC25", "description": "Reverse charge"},
    {"id": "NONE", "description": "No VAT"},
]
VATS: list[Row] = [
    {"id": "S25", "description": "Sweden 25 %", "rate": "25", "payable": "2611", "categories": ["25"], "zones": ["SE"]},
    {"id": "S12", "description": "Sweden 12 %", "rate": "12", "payable": "2621", "categories": ["12"], "zones": ["SE"]},
    {"id": "S06", "description": "Sweden 6 %", "rate": "6", "payable": "2631", "categories": ["06"], "zones": ["SE"]},
    {"id": "S00", "description": "Zero", "rate": "0", "payable": "2611", "categories": ["00"], "zones": _ALL_ZONES},
    {
        "id": "R25", "description": "Reverse charge 25 %", "rate": "25", "payable": "2614", "claimable": "2645",
        "categories": ["RC25"], "zones": ["SE", "EU"], "reverse": True,
    },
]  # fmt: skip
CLAIMABLE = "2641"  # unless a VAT id says otherwise
ZONES: list[Row] = [
    {"id": "SE", "description": "Sweden", "default_category": "25"},
    {"id": "EU", "description": "European Union", "default_category": "00"},
    {"id": "EXPORT", "description": "Outside the European Union", "default_category": "00"},
]

PAYMENT_METHODS: list[Row] = [
    {"paymentMethodID": name, "description": text, "active": active, "meansOfPayment": means, "useInAP": name == "BANK"}
    for name, text, means, active in (
        ("CARD", "Card", "CreditCard", True),
        ("SQUARE", "Square", "CreditCard", True),
        ("CASH", "Cash", "CashOrCheck", True),
        ("BANK", "Bank transfer", "DirectDeposit", True),
        ("OLD", "Old terminal", "CreditCard", False),
    )
]
METHODS_OF_CASH = {"19": ["CASH", "BANK"], "15": ["CARD", "SQUARE"]}  # by the first digits of the cash account

CREDIT_TERMS = {"0": ("On receipt", 0), "14": ("14 days", 14), "30": ("30 days", 30)}
REASON_CODES = {"WRITEOFF": ("6352", "10.00")}

SERIES: list[Row] = [
    {"id": "GLGL", "description": "Journal transactions", "prefix": "GL", "width": 7, "last": 1000},
    {"id": "GLAR", "description": "Batches of the customer ledger", "prefix": "AR", "width": 7, "last": 1000},
    {"id": "GLAP", "description": "Batches of the supplier ledger", "prefix": "AP", "width": 7, "last": 1000},
    {"id": "ARINVOICE", "description": "Customer invoices", "prefix": "", "width": 6, "last": 100000},
    {"id": "ARCREDIT", "description": "Customer credit notes", "prefix": "", "width": 6, "last": 200000},
    {"id": "ARDEBIT", "description": "Customer debit notes", "prefix": "", "width": 6, "last": 300000},
    {"id": "ARPAYMENT", "description": "Customer payments", "prefix": "", "width": 6, "last": 200000},
    {"id": "APINVOICE", "description": "Supplier invoices", "prefix": "", "width": 6, "last": 500000},
    {"id": "APPAYMENT", "description": "Supplier payments", "prefix": "", "width": 6, "last": 600000},
    {"id": "POORDER", "description": "Purchase orders", "prefix": "PO", "width": 6, "last": 0},
    {"id": "PORECEIPT", "description": "Purchase receipts", "prefix": "PR", "width": 6, "last": 0},
    {"id": "SOORDER", "description": "Sales orders", "prefix": "", "width": 6, "last": 0},
    {"id": "SOSHIPMENT", "description": "Shipments", "prefix": "", "width": 6, "last": 0},
    {"id": "CUSTOMER", "description": "Customers", "prefix": "", "width": 5, "last": 20000, "manual": True},
    {"id": "SUPPLIER", "description": "Suppliers", "prefix": "", "width": 5, "last": 60000, "manual": True},
]

ATTRIBUTES: list[Row] = [
    {"id": "COLLECT", "description": "How invoices are collected", "type": "Combo", "values": ["STRIPE", "BANK"]},
    {"id": "CHANNELS", "description": "Sold through", "type": "MultiSelectCombo", "values": ["WEB", "SHOP", "PHONE"]},
    {"id": "DIGITAL", "description": "Wants no paper", "type": "Checkbox"},
]
CUSTOMERS: list[Row] = [
    {"number": "10000", "name": "Shop customers, domestic", "zone": "SE", "currency": "base", "terms": "0"},
    {"number": "10001", "name": "Shop customers, EU", "zone": "EU", "currency": "EUR", "terms": "0"},
    {"number": "10002", "name": "Shop customers, export", "zone": "EXPORT", "currency": "GBP", "terms": "0"},
    {
        "number": "10010", "name": "Nordlys AB", "zone": "SE", "currency": "base", "terms": "30",
        "corporate_id": "5560001234", "vat_registration": "SE556000123401", "email": "invoices@nordlys.example",
    },
]  # fmt: skip
SUPPLIERS: list[Row] = [
    {
        "number": "50000", "name": "Square", "zone": "EU", "currency": "EUR", "terms": "30",
        "vat_registration": "IE9577523J", "email": "billing@square.example",
    },
]  # fmt: skip
