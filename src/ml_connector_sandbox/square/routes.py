"""The table of endpoints: method and path, who may call it, what it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ml_connector_sandbox.square import (
    api_admin,
    api_catalog,
    api_invoices,
    api_orders,
    api_parties,
    api_payments,
    api_reading,
)
from ml_connector_sandbox.square.calls import Answer, Call, Shape


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint. `scopes` are all needed; `personal` means only a personal token. `key_limit`: idempotency key."""

    method: str
    path: str
    answer: Callable[[Call], Answer]
    scopes: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    body: Shape | None = None
    personal: bool = False
    key_limit: int = 0
    key_needed: bool = False


_TIMES = ("begin_time", "end_time", "sort_order", "cursor", "limit")
_UPDATED = ("updated_at_begin_time", "updated_at_end_time", "sort_field")
_INVOICE_WRITE = ("ORDERS_WRITE", "INVOICES_WRITE")
_CATALOG_GET = ("include_related_objects", "catalog_version", "include_category_path_to_root")

_r, _o, _p, _x, _a = api_reading, api_orders, api_payments, api_parties, api_admin
_i, _c = api_invoices, api_catalog

ROUTES: tuple[Route, ...] = (
    Route("GET", "/v2/locations", _r.list_locations, ("MERCHANT_PROFILE_READ",)),
    Route("GET", "/v2/locations/{location_id}", _r.get_location, ("MERCHANT_PROFILE_READ",)),
    Route("GET", "/v2/merchants", _r.list_merchants, ("MERCHANT_PROFILE_READ",), ("cursor",)),
    Route("GET", "/v2/merchants/{merchant_id}", _r.get_merchant, ("MERCHANT_PROFILE_READ",)),
    Route(
        "GET", "/v2/payments", _r.list_payments, ("PAYMENTS_READ",),
        (*_TIMES, *_UPDATED, "location_id", "total", "last_4", "card_brand", "is_offline_payment", "offline_begin_time",
         "offline_end_time"),
    ),
    Route("POST", "/v2/payments", _p.create, ("PAYMENTS_WRITE",), body=_p.CREATE, key_limit=45, key_needed=True),
    Route("GET", "/v2/payments/{payment_id}", _r.get_payment, ("PAYMENTS_READ",)),
    Route(
        "PUT", "/v2/payments/{payment_id}", _p.update, ("PAYMENTS_WRITE",), body=_p.UPDATE, key_limit=45,
        key_needed=True,
    ),
    Route("POST", "/v2/payments/{payment_id}/complete", _p.complete, ("PAYMENTS_WRITE",), body=_p.COMPLETE),
    Route("POST", "/v2/payments/{payment_id}/cancel", _p.cancel, ("PAYMENTS_WRITE",)),
    Route(
        "GET", "/v2/refunds", _r.list_refunds, ("PAYMENTS_READ",),
        (*_TIMES, *_UPDATED, "location_id", "status", "source_type"),
    ),
    Route("POST", "/v2/refunds", _p.refund, ("PAYMENTS_WRITE",), body=_p.REFUND, key_limit=45, key_needed=True),
    Route("GET", "/v2/refunds/{refund_id}", _r.get_refund, ("PAYMENTS_READ",)),
    Route("POST", "/v2/orders", _o.create, ("ORDERS_WRITE",), body=_o.CREATE, key_limit=192),
    Route("POST", "/v2/orders/search", _o.search, ("ORDERS_READ",), body=_o.SEARCH),
    Route("POST", "/v2/orders/batch-retrieve", _o.batch_retrieve, ("ORDERS_READ",), body=_o.BATCH),
    Route("POST", "/v2/orders/calculate", _o.calculate, body=_o.CALCULATE),
    Route("GET", "/v2/orders/{order_id}", _o.get_order, ("ORDERS_READ",)),
    Route("PUT", "/v2/orders/{order_id}", _o.update, ("ORDERS_WRITE",), body=_o.UPDATE, key_limit=192),
    Route(
        "POST", "/v2/orders/{order_id}/pay", _o.pay, ("PAYMENTS_WRITE", "ORDERS_WRITE"), body=_o.PAY, key_limit=192,
        key_needed=True,
    ),
    Route("GET", "/v2/invoices", _i.list_invoices, ("INVOICES_READ",), ("location_id", "cursor", "limit")),
    Route("POST", "/v2/invoices", _i.create_invoice, _INVOICE_WRITE, body=_i.CREATE_INVOICE, key_limit=128),
    Route("POST", "/v2/invoices/search", _i.search_invoices, ("INVOICES_READ",), body=_i.SEARCH_INVOICES),
    Route("GET", "/v2/invoices/{invoice_id}", _i.get_invoice, ("INVOICES_READ",)),
    Route("PUT", "/v2/invoices/{invoice_id}", _i.change_invoice, _INVOICE_WRITE, body=_i.UPDATE_INVOICE, key_limit=128),
    Route("DELETE", "/v2/invoices/{invoice_id}", _i.change_invoice, _INVOICE_WRITE, ("version",)),
    Route(
        "POST", "/v2/invoices/{invoice_id}/publish", _i.change_invoice, _INVOICE_WRITE, body=_i.PUBLISH_INVOICE,
        key_limit=128,
    ),
    Route("POST", "/v2/invoices/{invoice_id}/cancel", _i.change_invoice, _INVOICE_WRITE, body=_i.CANCEL_INVOICE),
    Route(
        "GET", "/v2/customers", _x.list_customers, ("CUSTOMERS_READ",),
        ("cursor", "limit", "sort_field", "sort_order", "count"),
    ),
    Route("POST", "/v2/customers", _x.create_customer, ("CUSTOMERS_WRITE",), body=_x.CREATE_CUSTOMER, key_limit=192),
    Route("POST", "/v2/customers/search", _x.search_customers, ("CUSTOMERS_READ",), body=_x.SEARCH_CUSTOMERS),
    Route("POST", "/v2/customers/bulk-retrieve", _x.bulk_customers, ("CUSTOMERS_READ",), body=_x.BULK_CUSTOMERS),
    Route("GET", "/v2/customers/{customer_id}", _x.get_customer, ("CUSTOMERS_READ",)),
    Route("PUT", "/v2/customers/{customer_id}", _x.update_customer, ("CUSTOMERS_WRITE",), body=_x.UPDATE_CUSTOMER),
    Route("DELETE", "/v2/customers/{customer_id}", _x.delete_customer, ("CUSTOMERS_WRITE",), ("version",)),
    Route("POST", "/v2/vendors/search", _x.search_vendors, ("VENDOR_READ",), body=_x.SEARCH_VENDORS),
    Route("POST", "/v2/vendors/bulk-retrieve", _x.bulk_vendors, ("VENDOR_READ",), body=_x.BULK_VENDORS),
    Route(
        "POST", "/v2/vendors/create", _x.create_vendor, ("VENDOR_WRITE",), body=_x.CREATE_VENDOR, key_limit=128,
        key_needed=True,
    ),
    Route("GET", "/v2/vendors/{vendor_id}", _x.get_vendor, ("VENDOR_READ",)),
    Route("PUT", "/v2/vendors/{vendor_id}", _x.update_vendor, ("VENDOR_WRITE",), body=_x.CREATE_VENDOR, key_limit=128),
    Route("GET", "/v2/payouts", _r.list_payouts, ("PAYOUTS_READ",), (*_TIMES, "location_id", "status")),
    Route("GET", "/v2/payouts/{payout_id}", _r.get_payout, ("PAYOUTS_READ",)),
    Route(
        "GET", "/v2/payouts/{payout_id}/payout-entries", _r.list_payout_entries, ("PAYOUTS_READ",),
        ("sort_order", "cursor", "limit"),
    ),
    Route("GET", "/v2/disputes", _r.list_disputes, ("DISPUTES_READ",), ("cursor", "states", "location_id")),
    Route("GET", "/v2/disputes/{dispute_id}", _r.get_dispute, ("DISPUTES_READ",)),
    Route("POST", "/v2/catalog/search", _c.search_catalog, ("ITEMS_READ",), body=_c.SEARCH_CATALOG),
    Route("POST", "/v2/catalog/batch-retrieve", _c.batch_catalog, ("ITEMS_READ",), body=_c.BATCH_CATALOG),
    Route("GET", "/v2/catalog/object/{object_id}", _c.get_catalog_object, ("ITEMS_READ",), _CATALOG_GET),
    Route(
        "GET", "/v2/gift-cards", _c.list_gift_cards, ("GIFTCARDS_READ",),
        ("type", "state", "limit", "cursor", "customer_id"),
    ),
    Route(
        "GET", "/v2/gift-cards/activities", _c.list_activities, ("GIFTCARDS_READ",),
        (*_TIMES, "gift_card_id", "type", "location_id"),
    ),
    Route("GET", "/v2/gift-cards/{id}", _c.get_gift_card, ("GIFTCARDS_READ",)),
    Route("POST", "/v2/events", _a.search_events, body=_a.SEARCH_EVENTS, personal=True),
    Route("PUT", "/v2/events/enable", _a.enable_events, personal=True),
    Route("PUT", "/v2/events/disable", _a.disable_events, personal=True),
    Route("GET", "/v2/events/types", _a.list_event_types, query=("api_version",), personal=True),
    Route("GET", "/v2/webhooks/event-types", _a.list_event_types, query=("api_version",), personal=True),
    Route(
        "GET", "/v2/webhooks/subscriptions", _a.list_subscriptions,
        query=("cursor", "include_disabled", "sort_order", "limit"), personal=True,
    ),
    Route("POST", "/v2/webhooks/subscriptions", _a.create_subscription, body=_a.CREATE, personal=True, key_limit=45),
    Route("GET", "/v2/webhooks/subscriptions/{subscription_id}", _a.get_subscription, personal=True),
    Route("PUT", "/v2/webhooks/subscriptions/{subscription_id}", _a.update_subscription, body=_a.UPDATE, personal=True),
    Route("DELETE", "/v2/webhooks/subscriptions/{subscription_id}", _a.delete_subscription, personal=True),
    Route(
        "POST", "/v2/webhooks/subscriptions/{subscription_id}/signature-key", _a.rotate_key, body=_a.ROTATE,
        personal=True, key_limit=45,
    ),
    Route(
        "POST", "/v2/webhooks/subscriptions/{subscription_id}/test", _a.try_subscription, body=_a.TEST, personal=True,
    ),
)  # fmt: skip


def _by_length() -> dict[int, list[tuple[Route, list[str]]]]:
    table: dict[int, list[tuple[Route, list[str]]]] = {}
    for route in ROUTES:
        parts = route.path.strip("/").split("/")
        table.setdefault(len(parts), []).append((route, parts))
    return table


_TABLE = _by_length()


def find(method: str, parts: list[str]) -> tuple[Route | None, dict[str, str], bool]:
    """(route, path arguments, whether the path exists with another method). Earlier routes win."""
    elsewhere = False
    for route, pattern in _TABLE.get(len(parts), []):
        args = {p[1:-1]: part for p, part in zip(pattern, parts, strict=True) if p[0] == "{"}
        if all(p[0] == "{" or p == part for p, part in zip(pattern, parts, strict=True)):
            if route.method == method:
                return route, args, True
            elsewhere = True
    return None, {}, elsewhere
