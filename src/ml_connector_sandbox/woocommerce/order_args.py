"""What order, refund and note endpoints take, as the shop describes it."""

from __future__ import annotations

from ml_connector_sandbox.woocommerce.calls import CONTEXT, DATES, META, PAGING, PICKED, Arg

CURRENCIES = tuple(
    """AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTC BTN BWP BYR BYN BZD
    CAD CDF CHF CLP CNY COP CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GGP GHS GIP GMD
    GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS IMP INR IQD IRR IRT ISK JEP JMD JOD JPY KES KGS KHR KMF KPW KRW KWD
    KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR
    NZD OMR PAB PEN PGK PHP PKR PLN PRB PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLL SOS SRD SSP STN
    SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VEF VES VND VUV WST XAF XCD XOF XPF YER ZAR
    ZMW""".split()
)
_ADDRESS = dict.fromkeys(
    ("first_name", "last_name", "company", "address_1", "address_2", "city", "state", "postcode", "country"), "string"
)
_LINE_META = [{"id": "integer", **META[0], "display_key": "string", "display_value": "string"}]
_EDIT_STATUSES = (
    "auto-draft", "pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed", "checkout-draft",
)  # fmt: skip

_FEED = {
    **CONTEXT, **PAGING, **DATES, **PICKED,
    "dates_are_gmt": Arg("boolean", default=False),
    "dp": Arg("integer"),
    "include_meta": Arg(["string"]), "exclude_meta": Arg(["string"]),
    "order": Arg("string", "desc", ("asc", "desc")),
    "orderby": Arg("string", "date", ("date", "id", "include", "title", "slug", "modified")),
    "order_item_display_meta": Arg("boolean", default=False),
    "parent": Arg(["integer"]), "parent_exclude": Arg(["integer"]),
    "search": Arg("string"),
}  # fmt: skip
LIST = {
    **_FEED,
    "created_via": Arg(["string"]),
    "customer": Arg("integer"),
    "product": Arg("integer"),
    "status": Arg(["string"], ["any"]),  # its choices grow with plugins: checked by the endpoint
}
REFUNDS = {**_FEED}
UPDATE = {
    "billing": Arg({**_ADDRESS, "email": "string|null", "phone": "string"}),
    "shipping": Arg({**_ADDRESS}),
    "coupon_lines": Arg([{"id": "integer", "code": "mixed", "meta_data": [{"id": "integer", **META[0]}]}]),
    "created_via": Arg("string"),
    "currency": Arg("string", enum=CURRENCIES),
    "customer_id": Arg("integer"),
    "customer_note": Arg("string"),
    "fee_lines": Arg(
        [
            {"id": "integer", "name": "mixed", "tax_class": "string", "tax_status": "string", "total": "string",
             "meta_data": [{"id": "integer", **META[0]}]}
        ]
    ),
    "line_items": Arg(
        [
            {"id": "integer", "name": "mixed", "parent_name": "string", "product_id": "mixed",
             "variation_id": "integer", "quantity": "integer", "tax_class": "string", "subtotal": "string",
             "total": "string", "meta_data": _LINE_META}
        ]
    ),
    "manual_update": Arg("boolean"),
    "meta_data": Arg([{"id": "integer", **META[0]}]),
    "parent_id": Arg("integer"),
    "payment_method": Arg("string"),
    "payment_method_title": Arg("string"),
    "set_paid": Arg("boolean"),
    "shipping_lines": Arg(
        [
            {"id": "integer", "instance_id": "string", "method_id": "mixed", "method_title": "mixed",
             "total": "string", "meta_data": [{"id": "integer", **META[0]}]}
        ]
    ),
    "status": Arg("string", enum=_EDIT_STATUSES),
    "transaction_id": Arg("string"),
}  # fmt: skip
CREATE = {
    **UPDATE,
    "customer_id": Arg("integer", 0),
    "manual_update": Arg("boolean", default=False),
    "set_paid": Arg("boolean", default=False),
    "status": Arg("string", "pending", _EDIT_STATUSES),
}
DELETE = {"force": Arg("boolean", default=False)}
NOTES = {**CONTEXT, "type": Arg("string", "any", ("any", "customer", "internal"))}
NOTE = {
    "note": Arg("string", required=True),
    "customer_note": Arg("boolean", default=False),
    "added_by_user": Arg("boolean", default=False),
}
REFUND = {
    "amount": Arg("string"),
    "api_refund": Arg("boolean", default=True),
    "api_restock": Arg("boolean", default=True),
    "meta_data": Arg([{"id": "integer", **META[0]}]),
    "reason": Arg("string"),
    "refunded_by": Arg("integer"),
    # line_items is described as read-only, so WordPress checks nothing inside it; the endpoint takes it all the same.
    "line_items": Arg("mixed"),
}
DELETE_REFUND = {"force": Arg("boolean", default=True)}
