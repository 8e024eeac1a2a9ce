"""The parameters of every endpoint, as tables in the words of `shapes.py`."""

from __future__ import annotations

from typing import Any

from ml_connector_sandbox.stripe.listing import PAGING, TIMED

Table = dict[str, Any]

EXPAND: Table = {"expand": ["id"]}
NONE: Table = {}
_UNIX = "int"
_PERIOD: Table = {"start*": _UNIX, "end*": _UNIX}
_ADDRESS: Table = {
    "city": "str", "country": "str", "line1": "str", "line2": "str", "postal_code": "str", "state": "str",
}  # fmt: skip
_SHIPPING: Table = {
    "address*": _ADDRESS, "name*": "str", "phone": "str:20", "carrier": "str", "tracking_number": "str",
}  # fmt: skip
_CUSTOM_FIELD: Table = {"name*": "str:40", "value*": "str:140"}
_REASONS = (
    "one:customer_exempt|not_collecting|not_subject_to_tax|not_supported|portion_product_exempt|"
    "portion_reduced_rated|portion_standard_rated|product_exempt|product_exempt_holiday|proportionally_rated|"
    "reduced_rated|reverse_charge|standard_rated|taxable_basis_reduced|zero_rated"
)
_TAX_TYPES = (
    "one:admissions_tax|amusement_tax|attendance_tax|communications_tax|digital_excise_tax|entertainment_tax|get_fund|"
    "gross_receipts_tax|gst|hospitality_tax|hst|igst|jct|lease_tax|luxury_tax|mass_transit_parking_tax|nhil|"
    "parking_tax|pst|qst|resort_tax|retail_delivery_fee|rst|sales_tax|service_tax|tourism_tax|utility_users_tax|vat"
)

CUSTOMER_EDIT: Table = EXPAND | {
    "address": _ADDRESS, "balance": "int", "business_name": "str:150", "cash_balance": "unplayed",
    "default_source": "unplayed", "description": "str", "email": "str:512", "individual_name": "str:150",
    "invoice_prefix": "str:12", "invoice_settings": "unplayed", "metadata": "map", "name": "str:256",
    "next_invoice_sequence": "int", "phone": "str:20", "preferred_locales": ["str"],
    "shipping": {name: kind for name, kind in _SHIPPING.items() if name not in {"carrier", "tracking_number"}},
    "source": "unplayed", "tax": "unplayed", "tax_exempt": "one:|none|exempt|reverse", "validate": "unplayed",
}  # fmt: skip
_TAX_ID: Table = {"type*": "str", "value*": "str"}
CUSTOMER_NEW: Table = {name: kind for name, kind in CUSTOMER_EDIT.items() if name != "default_source"} | {
    "tax_id_data": [_TAX_ID], "test_clock": "unplayed", "payment_method": "unplayed",
}  # fmt: skip
CUSTOMER_LIST: Table = TIMED | {"email": "str", "test_clock": "unplayed"}
TAX_ID_NEW: Table = EXPAND | _TAX_ID
BALANCE_NEW: Table = EXPAND | {"amount*": "int", "currency*": "str", "description": "str:350", "metadata": "map"}
BALANCE_LIST: Table = TIMED | {"invoice": "id"}

_METHODS = (
    "one:card|customer_balance|sepa_debit|klarna|link|swish|mobilepay|ideal|bancontact|us_bank_account|paypal|"
    "revolut_pay|p24|eps|blik|bacs_debit|twint"
)
_INVOICE: Table = EXPAND | {
    "account_tax_ids": "unplayed", "application_fee_amount": "unplayed", "auto_advance": "bool",
    "automatic_tax": {"enabled*": "bool", "liability": "unplayed"}, "automatically_finalizes_at": "unplayed",
    "collection_method": "one:charge_automatically|send_invoice", "custom_fields": [_CUSTOM_FIELD],
    "days_until_due": "int", "default_payment_method": "unplayed", "default_source": "unplayed",
    "default_tax_rates": ["id"], "description": "str:1500", "discounts": "unplayed", "due_date": _UNIX,
    "effective_at": _UNIX, "footer": "str", "issuer": "unplayed", "metadata": "map", "number": "str:26",
    "on_behalf_of": "unplayed",
    "payment_settings": {"default_mandate": "unplayed", "payment_method_options": "unplayed",
                         "payment_method_types": [_METHODS]},
    "rendering": "unplayed", "shipping_cost": "unplayed", "shipping_details": "unplayed",
    "statement_descriptor": "str:22", "transfer_data": "unplayed",
}  # fmt: skip
INVOICE_EDIT = _INVOICE
INVOICE_NEW: Table = _INVOICE | {
    "customer*": "id", "customer_account": "unplayed", "currency": "str", "from_invoice": "unplayed",
    "pending_invoice_items_behavior": "one:exclude|include", "subscription": "unplayed",
}  # fmt: skip
INVOICE_LIST: Table = TIMED | {
    "collection_method": "one:charge_automatically|send_invoice", "customer": "id", "customer_account": "unplayed",
    "due_date": "range", "status": "one:draft|open|paid|uncollectible|void", "subscription": "unplayed",
}  # fmt: skip
_RATE_DATA: Table = {
    "country": "str:2", "description": "str", "display_name*": "str:100", "inclusive*": "bool", "jurisdiction": "str",
    "jurisdiction_level": "one:city|country|county|district|multiple|state", "percentage*": "num", "state": "str",
    "tax_type": _TAX_TYPES,
}  # fmt: skip
_TAX_AMOUNT: Table = {
    "amount*": "int", "tax_rate_data*": _RATE_DATA, "taxability_reason": _REASONS, "taxable_amount*": "int",
}  # fmt: skip
_BEHAVIOR = "one:exclusive|inclusive|unspecified"
_LINE: Table = {
    "amount": "int", "description": "str", "discountable": "bool", "discounts": "unplayed", "metadata": "map",
    "period": _PERIOD,
    "price_data": {
        "currency*": "str", "product": "id",
        "product_data": {"description": "str", "images": "unplayed", "metadata": "map", "name*": "str",
                         "tax_code": "unplayed", "tax_details": "unplayed", "unit_label": "str"},
        "tax_behavior": _BEHAVIOR, "unit_amount": "int", "unit_amount_decimal": "num",
    },
    "pricing": "unplayed", "quantity": "int", "quantity_decimal": "unplayed", "tax_amounts": [_TAX_AMOUNT],
    "tax_rates": ["id"],
}  # fmt: skip
_ALL_LINES: Table = EXPAND | {"invoice_metadata": "map"}
LINES_ADD: Table = _ALL_LINES | {"lines*": [_LINE | {"invoice_item": "unplayed"}]}
LINES_EDIT: Table = _ALL_LINES | {"lines*": [_LINE | {"id*": "id"}]}
LINES_REMOVE: Table = _ALL_LINES | {"lines*": [{"behavior*": "one:delete|unassign", "id*": "id"}]}
LINE_EDIT: Table = EXPAND | _LINE
FINALIZE: Table = EXPAND | {"auto_advance": "bool"}
PAY: Table = EXPAND | {
    "forgive": "bool", "mandate": "unplayed", "off_session": "bool", "paid_out_of_band": "bool",
    "payment_method": "id", "source": "unplayed",
}  # fmt: skip
ATTACH: Table = EXPAND | {"payment_intent": "id", "payment_record": "id"}
INVOICE_PAYMENT_LIST: Table = TIMED | {
    "invoice": "id", "status": "one:canceled|open|paid",
    "payment": {"type*": "one:payment_intent|payment_record", "payment_intent": "id", "payment_record": "id"},
}  # fmt: skip

ITEM_NEW: Table = EXPAND | {
    "amount": "int", "currency": "str", "customer*": "id", "customer_account": "unplayed", "description": "str",
    "discountable": "bool", "discounts": "unplayed", "invoice": "id", "metadata": "map", "period": _PERIOD,
    "price_data": "unplayed", "pricing": "unplayed", "quantity": "unplayed", "quantity_decimal": "unplayed",
    "subscription": "unplayed", "tax_behavior": "unplayed", "tax_code": "unplayed", "tax_rates": ["id"],
    "unit_amount_decimal": "unplayed",
}  # fmt: skip
ITEM_LIST: Table = TIMED | {"customer": "id", "customer_account": "unplayed", "invoice": "id", "pending": "bool"}

_MONEY: Table = {"currency*": "str", "value*": "int"}
_BILLING: Table = {"address": _ADDRESS, "email": "str", "name": "str", "phone": "str"}
RECORD_REPORT: Table = EXPAND | {
    "amount_requested*": _MONEY, "canceled": {"canceled_at*": _UNIX},
    "customer_details": {"customer": "id", "email": "str", "name": "str", "phone": "str"},
    "customer_presence": "one:off_session|on_session", "description": "str", "failed": {"failed_at*": _UNIX},
    "guaranteed": {"guaranteed_at*": _UNIX}, "initiated_at*": _UNIX, "metadata": "map",
    "outcome": "one:canceled|failed|guaranteed",
    "payment_method_details*": {
        "billing_details": _BILLING, "custom": {"display_name": "str:100", "type": "id"}, "payment_method": "unplayed",
        "type": "one:custom",
    },
    "processor_details": {"custom": {"payment_reference*": "str"}, "type*": "one:custom"},
    "shipping_details": {"address": _ADDRESS, "name": "str", "phone": "str"},
}  # fmt: skip
RECORD_REFUND: Table = EXPAND | {
    "amount": _MONEY, "initiated_at": _UNIX, "metadata": "map", "outcome*": "one:refunded",
    "processor_details*": {"custom": {"refund_reference*": "str"}, "type*": "one:custom"},
    "refunded": {"refunded_at*": _UNIX},
}  # fmt: skip
RECORD_LIST: Table = PAGING | {"created_after": _UNIX, "created_before": _UNIX}

CREDIT_NOTE: Table = EXPAND | {
    "amount": "int", "credit_amount": "int", "effective_at": _UNIX, "email_type": "one:credit_note|none",
    "invoice*": "id",
    "lines": [{
        "amount": "int", "description": "str", "invoice_line_item": "id", "metadata": "map", "quantity": "int",
        "tax_amounts": [{"amount*": "int", "tax_rate*": "id", "taxable_amount*": "int"}], "tax_rates": ["id"],
        "type*": "one:custom_line_item|invoice_line_item", "unit_amount": "int", "unit_amount_decimal": "num",
    }],
    "memo": "str:5000", "metadata": "map", "out_of_band_amount": "int",
    "reason": "one:duplicate|fraudulent|order_change|product_unsatisfactory", "refund_amount": "int",
    "refunds": [{"amount_refunded": "int", "payment_record_refund": "unplayed", "refund": "id",
                 "type": "one:payment_record_refund|refund"}],
    "shipping_cost": "unplayed",
}  # fmt: skip
CREDIT_NOTE_EDIT: Table = EXPAND | {"memo": "str:5000", "metadata": "map"}
CREDIT_NOTE_LIST: Table = TIMED | {"customer": "id", "customer_account": "unplayed", "invoice": "id"}

TAX_RATE_NEW: Table = EXPAND | _RATE_DATA | {"active": "bool", "metadata": "map"}
del TAX_RATE_NEW["jurisdiction_level"]
TAX_RATE_EDIT: Table = EXPAND | {
    "active": "bool", "country": "str:2", "description": "str", "display_name": "str:100", "jurisdiction": "str",
    "metadata": "map", "state": "str", "tax_type": _TAX_TYPES,
}  # fmt: skip
TAX_RATE_LIST: Table = TIMED | {"active": "bool", "inclusive": "bool"}

CHARGE_EDIT: Table = EXPAND | {
    "customer": "unplayed", "description": "str", "fraud_details": "unplayed", "metadata": "map",
    "receipt_email": "unplayed", "shipping": "unplayed", "transfer_group": "unplayed",
}  # fmt: skip
CHARGE_LIST: Table = TIMED | {"customer": "id", "payment_intent": "id", "transfer_group": "unplayed"}
INTENT_NEW: Table = EXPAND | {
    "amount*": "int", "currency*": "str", "customer": "id", "description": "str", "metadata": "map",
    "allowed_payment_method_types": ["str"], "confirm": "unplayed", "payment_method": "unplayed",
}  # fmt: skip
INTENT_LIST: Table = TIMED | {"customer": "id", "customer_account": "unplayed"}
INTENT_GET: Table = EXPAND | {"client_secret": "str"}
INTENT_CANCEL: Table = EXPAND | {
    "cancellation_reason": "one:abandoned|duplicate|fraudulent|requested_by_customer",
}  # fmt: skip
REFUND_NEW: Table = EXPAND | {
    "amount": "int", "charge": "id", "currency": "unplayed", "customer": "unplayed", "instructions_email": "unplayed",
    "metadata": "map", "origin": "unplayed", "payment_intent": "id",
    "reason": "one:duplicate|fraudulent|requested_by_customer", "refund_application_fee": "unplayed",
    "reverse_transfer": "unplayed",
}  # fmt: skip
METADATA: Table = EXPAND | {"metadata": "map"}
REFUND_LIST: Table = TIMED | {"charge": "id", "payment_intent": "id"}
DISPUTE_LIST = REFUND_LIST
PAYOUT_NEW: Table = EXPAND | {
    "amount*": "int", "currency*": "str", "description": "str", "destination": "unplayed", "metadata": "map",
    "method": "one:instant|standard", "payout_method": "unplayed", "source_type": "one:bank_account|card|fpx",
    "statement_descriptor": "str:22",
}  # fmt: skip
PAYOUT_LIST: Table = TIMED | {
    "arrival_date": "range", "destination": "id", "status": "one:pending|paid|failed|canceled",
}  # fmt: skip
BALANCE_TXN_LIST: Table = TIMED | {"currency": "str", "payout": "id", "source": "id", "type": "str"}
EVENT_LIST: Table = TIMED | {"delivery_success": "bool", "type": "str", "types": ["str"]}
ENDPOINT_EDIT: Table = EXPAND | {
    "description": "str", "disabled": "bool", "enabled_events": ["str"], "metadata": "map", "url": "str:2048",
}  # fmt: skip
ENDPOINT_NEW: Table = EXPAND | {
    "api_version": "str", "connect": "bool", "description": "str", "enabled_events*": ["str"], "metadata": "map",
    "url*": "str:2048",
}  # fmt: skip
