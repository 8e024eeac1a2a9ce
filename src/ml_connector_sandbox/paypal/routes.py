"""Which endpoint answers which request: path, scopes, body, query, and how long a request id is remembered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ml_connector_sandbox.core.instants import DAY, HOUR
from ml_connector_sandbox.paypal import (
    api_cases,
    api_invoice_search,
    api_invoices,
    api_orders,
    api_payments,
    api_webhooks,
    reporting,
)
from ml_connector_sandbox.paypal.calls import Answer, Call
from ml_connector_sandbox.paypal.state import PAYOUTS_SCOPE, SERVICES

_PAYMENTS_KEPT = 45 * DAY
_ORDERS_KEPT = 6 * HOUR


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint. `scopes`: the token needs all of one of these. `again` answers a repeated request id."""

    method: str
    path: str
    answer: Callable[[Call], Answer]
    scopes: tuple[tuple[str, ...], ...]
    body: Any = None
    body_needed: bool = False
    query: tuple[str, ...] = ()
    kept: int = 0
    again: Callable[[Call, str], Answer] | None = None

    @property
    def name(self) -> str:
        """What it is counted as."""
        return f"{self.method} {self.path}"


def _any(*suffixes: str) -> tuple[tuple[str, ...], ...]:
    return tuple((SERVICES + suffix,) for suffix in suffixes)


_CAPTURE, _REFUND, _ORDER = _any("payments/payment/authcapture"), _any("payments/refund"), _any("payments/payment")
_HOOKS = _any("applications/webhooks")
_VERIFY = ((SERVICES + "applications/webhooks", SERVICES + "applications/verify-webhook-signature"),)
_READ, _WRITE = _any("invoicing/invoices/read", "invoicing/invoices/readwrite"), _any("invoicing/invoices/readwrite")
_DISPUTES, _PAYOUTS = _any("disputes/read-seller"), ((PAYOUTS_SCOPE,),)
_INVOICES = "/v2/invoicing/invoices"
_INVOICE = "/v2/invoicing/invoices/{invoice_id}"
_AUTHORIZATION = "/v2/payments/authorizations/{authorization_id}"
_CAPTURES = "/v2/payments/captures/{capture_id}"
_ORDERS = "/v2/checkout/orders"
_WEBHOOK = "/v1/notifications/webhooks/{webhook_id}"
_EVENTS = "/v1/notifications/webhooks-events"

_PAYING = (
    Route("GET", _CAPTURES, api_payments.get_capture, _CAPTURE),
    Route(
        "POST", f"{_CAPTURES}/refund", api_payments.refund_capture, _REFUND, api_payments.REFUND,
        kept=_PAYMENTS_KEPT, again=api_payments.show_refund,
    ),
    Route("GET", "/v2/payments/refunds/{refund_id}", api_payments.get_refund, _REFUND),
    Route("GET", _AUTHORIZATION, api_payments.get_authorization, _CAPTURE),
    Route(
        "POST", f"{_AUTHORIZATION}/capture", api_payments.capture_authorization, _CAPTURE, api_payments.CAPTURE,
        kept=_PAYMENTS_KEPT, again=api_payments.show_capture,
    ),
    Route(
        "POST", f"{_AUTHORIZATION}/reauthorize", api_payments.reauthorize, _CAPTURE, api_payments.REAUTHORIZE,
        kept=_PAYMENTS_KEPT, again=api_payments.show_authorization,
    ),
    Route("POST", f"{_AUTHORIZATION}/void", api_payments.void, _CAPTURE),
    Route(
        "POST", _ORDERS, api_orders.create, _ORDER, api_orders.CREATE, body_needed=True,
        kept=_ORDERS_KEPT, again=api_orders.show,
    ),
    Route("GET", f"{_ORDERS}/{{id}}", api_orders.get, _ORDER, query=("fields",)),
    Route(
        "POST", f"{_ORDERS}/{{id}}/capture", api_orders.capture, _ORDER, api_orders.TAKE,
        kept=_ORDERS_KEPT, again=api_orders.show_whole,
    ),
    Route(
        "POST", f"{_ORDERS}/{{id}}/authorize", api_orders.authorize, _ORDER, api_orders.TAKE,
        kept=_ORDERS_KEPT, again=api_orders.show_whole,
    ),
    Route(
        "GET", "/v1/reporting/transactions", reporting.transactions, _any("reporting/search/read"),
        query=reporting.QUERY,
    ),
    Route(
        "GET", "/v1/reporting/balances", reporting.balances, _any("reporting/balances/read"),
        query=("as_of_time", "currency_code"),
    ),
    Route("POST", "/v1/notifications/webhooks", api_webhooks.create, _HOOKS, api_webhooks.CREATE, body_needed=True),
    Route("GET", "/v1/notifications/webhooks", api_webhooks.list_all, _HOOKS, query=("anchor_type",)),
    Route("GET", _WEBHOOK, api_webhooks.get, _HOOKS),
    Route("PATCH", _WEBHOOK, api_webhooks.patch, _HOOKS, api_webhooks.PATCH, body_needed=True),
    Route("DELETE", _WEBHOOK, api_webhooks.delete, _HOOKS),
    Route("GET", f"{_WEBHOOK}/event-types", api_webhooks.event_types_of, _HOOKS),
    Route("GET", "/v1/notifications/webhooks-event-types", api_webhooks.event_types, ((),)),
    Route(
        "GET", _EVENTS, api_webhooks.events, _HOOKS,
        query=("page_size", "start_time", "end_time", "transaction_id", "event_type", "next_page_token"),
    ),
    Route("GET", f"{_EVENTS}/{{event_id}}", api_webhooks.event, _HOOKS),
    Route("POST", f"{_EVENTS}/{{event_id}}/resend", api_webhooks.resend, _HOOKS, api_webhooks.RESEND),
    Route(
        "POST", "/v1/notifications/simulate-event", api_webhooks.simulate, _HOOKS, api_webhooks.SIMULATE,
        body_needed=True,
    ),
    Route(
        "POST", "/v1/notifications/verify-webhook-signature", api_webhooks.verify, _VERIFY, api_webhooks.VERIFY,
        body_needed=True,
    ),
)  # fmt: skip

_MORE = (
    Route("POST", _INVOICES, api_invoices.create, _WRITE, api_invoices.INVOICE, body_needed=True),
    Route(
        "GET", _INVOICES, api_invoices.list_all, _READ, query=("page", "page_size", "total_required", "fields"),
    ),
    Route("GET", _INVOICE, api_invoices.get, _READ),
    Route(
        "PUT", _INVOICE, api_invoices.update, _WRITE, api_invoices.INVOICE, body_needed=True,
        query=("send_to_recipient", "send_to_invoicer"),
    ),
    Route("DELETE", _INVOICE, api_invoices.delete, _WRITE),
    Route("POST", f"{_INVOICE}/send", api_invoices.send, _WRITE, api_invoices.NOTIFICATION),
    Route("POST", f"{_INVOICE}/remind", api_invoices.remind, _WRITE, api_invoices.NOTIFICATION),
    Route("POST", f"{_INVOICE}/cancel", api_invoices.cancel, _WRITE, api_invoices.NOTIFICATION, body_needed=True),
    Route(
        "POST", f"{_INVOICE}/payments", api_invoices.record_payment, _WRITE, api_invoices.PAYMENT, body_needed=True,
    ),
    Route("DELETE", f"{_INVOICE}/payments/{{transaction_id}}", api_invoices.delete_payment, _WRITE),
    Route("POST", f"{_INVOICE}/refunds", api_invoices.record_refund, _WRITE, api_invoices.REFUND, body_needed=True),
    Route("DELETE", f"{_INVOICE}/refunds/{{transaction_id}}", api_invoices.delete_refund, _WRITE),
    Route("POST", "/v2/invoicing/generate-next-invoice-number", api_invoices.next_number, _WRITE),
    Route(
        "POST", "/v2/invoicing/search-invoices", api_invoice_search.search, _READ, api_invoice_search.SEARCH,
        body_needed=True, query=("page", "page_size", "total_required"),
    ),
    Route("GET", "/v1/customer/disputes", api_cases.list_disputes, _DISPUTES, query=api_cases.DISPUTE_QUERY),
    Route("GET", "/v1/customer/disputes/{id}", api_cases.get_dispute, _DISPUTES),
    Route(
        "GET", "/v1/payments/payouts/{id}", api_cases.get_batch, _PAYOUTS,
        query=("fields", "page", "page_size", "total_required"),
    ),
    Route("GET", "/v1/payments/payouts-item/{payout_item_id}", api_cases.get_item, _PAYOUTS),
)  # fmt: skip

ROUTES: tuple[Route, ...] = _PAYING + _MORE


def find(method: str, parts: list[str]) -> tuple[Route | None, dict[str, str], bool]:
    """The route of a request with the values of its path, and whether the path exists for any method."""
    exists = False
    for route, pattern in _TABLE.get(len(parts), []):
        args: dict[str, str] = {}
        for wanted, part in zip(pattern, parts, strict=True):
            if wanted.startswith("{"):
                args[wanted[1:-1]] = part
            elif wanted != part:
                break
        else:
            exists = True
            if route.method == method:
                return route, args, True
    return None, {}, exists


def _table() -> dict[int, list[tuple[Route, tuple[str, ...]]]]:
    table: dict[int, list[tuple[Route, tuple[str, ...]]]] = {}
    for route in ROUTES:
        pattern = tuple(route.path.strip("/").split("/"))
        table.setdefault(len(pattern), []).append((route, pattern))
    return table


_TABLE = _table()
