"""Where what we write lives in Stripe's API."""

from __future__ import annotations

CUSTOMERS = "/v1/customers"
INVOICES = "/v1/invoices"
ROWS = "/v1/invoice_payments"
CREDITS = "/v1/credit_notes"
RECORDS = "/v1/payment_records"
