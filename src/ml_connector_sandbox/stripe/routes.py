"""Every endpoint the pretend Stripe answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from ml_connector_sandbox.stripe import api_customers as people
from ml_connector_sandbox.stripe import api_invoices as bills
from ml_connector_sandbox.stripe import api_money as money
from ml_connector_sandbox.stripe import api_settings as own
from ml_connector_sandbox.stripe import params as p
from ml_connector_sandbox.stripe.calls import Call, Route
from ml_connector_sandbox.stripe.dispute_params import DISPUTE_EDIT
from ml_connector_sandbox.stripe.listing import PAGING
from ml_connector_sandbox.stripe.refusals import Json
from ml_connector_sandbox.stripe.searching import SEARCH
from ml_connector_sandbox.stripe.shapes import Shape

_Answer = Callable[[Call], Json]


def _one(kind: str) -> _Answer:
    return cast(_Answer, money.retrieve(kind))


_TABLE: tuple[tuple[str, str, _Answer, Shape, str], ...] = (
    ("GET", "account", own.account, p.EXPAND, "account"),
    ("GET", "balance", money.balance, p.EXPAND, "balance"),
    ("GET", "balance_transactions", money.ledger_list, p.BALANCE_TXN_LIST, "balance_transaction"),
    ("GET", "balance_transactions/{id}", _one("balance_transaction"), p.EXPAND, "balance_transaction"),
    ("GET", "charges", money.charge_list, p.CHARGE_LIST, "charge"),
    ("GET", "charges/search", money.charge_search, SEARCH, "charge"),
    ("GET", "charges/{id}", _one("charge"), p.EXPAND, "charge"),
    ("POST", "charges/{id}", money.charge_edit, p.CHARGE_EDIT, "charge"),
    ("GET", "credit_notes", money.credit_note_list, p.CREDIT_NOTE_LIST, "credit_note"),
    ("POST", "credit_notes", money.credit_note_new, p.CREDIT_NOTE, "credit_note"),
    ("GET", "credit_notes/preview", money.credit_note_preview, p.CREDIT_NOTE, "credit_note"),
    ("GET", "credit_notes/{id}", _one("credit_note"), p.EXPAND, "credit_note"),
    ("POST", "credit_notes/{id}", money.credit_note_edit, p.CREDIT_NOTE_EDIT, "credit_note"),
    ("GET", "credit_notes/{id}/lines", money.credit_note_lines, PAGING, "credit_note"),
    ("POST", "credit_notes/{id}/void", money.credit_note_void, p.EXPAND, "credit_note"),
    ("GET", "customers", people.listed, p.CUSTOMER_LIST, "customer"),
    ("POST", "customers", people.create, p.CUSTOMER_NEW, "customer"),
    ("GET", "customers/search", people.search, SEARCH, "customer"),
    ("GET", "customers/{id}", people.retrieve, p.EXPAND, "customer"),
    ("POST", "customers/{id}", people.update, p.CUSTOMER_EDIT, "customer"),
    ("DELETE", "customers/{id}", people.delete, p.NONE, "customer"),
    ("GET", "customers/{customer}/balance_transactions", people.balance_list, p.BALANCE_LIST, "customer"),
    ("POST", "customers/{customer}/balance_transactions", people.balance_new, p.BALANCE_NEW, "customer"),
    ("GET", "customers/{customer}/balance_transactions/{id}", people.balance_one, p.EXPAND, "customer"),
    ("GET", "customers/{customer}/tax_ids", people.tax_ids, PAGING, "customer"),
    ("POST", "customers/{customer}/tax_ids", people.tax_id_new, p.TAX_ID_NEW, "customer"),
    ("GET", "customers/{customer}/tax_ids/{id}", people.tax_id, p.EXPAND, "customer"),
    ("DELETE", "customers/{customer}/tax_ids/{id}", people.tax_id_gone, p.NONE, "customer"),
    ("GET", "disputes", money.dispute_list, p.DISPUTE_LIST, "dispute"),
    ("GET", "disputes/{id}", _one("dispute"), p.EXPAND, "dispute"),
    ("POST", "disputes/{id}", money.dispute_edit, DISPUTE_EDIT, "dispute"),
    ("POST", "disputes/{id}/close", money.dispute_close, p.EXPAND, "dispute"),
    ("GET", "events", money.event_list, p.EVENT_LIST, "event"),
    ("GET", "events/{id}", _one("event"), p.EXPAND, "event"),
    ("GET", "invoice_payments", bills.payment_list, p.INVOICE_PAYMENT_LIST, "invoice"),
    ("GET", "invoice_payments/{id}", bills.payment, p.EXPAND, "invoice"),
    ("GET", "invoiceitems", bills.items, p.ITEM_LIST, "invoice"),
    ("POST", "invoiceitems", bills.item_new, p.ITEM_NEW, "invoice"),
    ("GET", "invoiceitems/{id}", bills.item, p.EXPAND, "invoice"),
    ("DELETE", "invoiceitems/{id}", bills.item_gone, p.NONE, "invoice"),
    ("GET", "invoices", bills.listed, p.INVOICE_LIST, "invoice"),
    ("POST", "invoices", bills.create, p.INVOICE_NEW, "invoice"),
    ("GET", "invoices/search", bills.search, SEARCH, "invoice"),
    ("GET", "invoices/{id}", bills.retrieve, p.EXPAND, "invoice"),
    ("POST", "invoices/{id}", bills.update, p.INVOICE_EDIT, "invoice"),
    ("DELETE", "invoices/{id}", bills.delete, p.NONE, "invoice"),
    ("POST", "invoices/{id}/add_lines", bills.add_lines, p.LINES_ADD, "invoice"),
    ("POST", "invoices/{id}/update_lines", bills.update_lines, p.LINES_EDIT, "invoice"),
    ("POST", "invoices/{id}/remove_lines", bills.remove_lines, p.LINES_REMOVE, "invoice"),
    ("GET", "invoices/{id}/lines", bills.line_list, PAGING, "invoice"),
    ("POST", "invoices/{id}/lines/{line}", bills.update_line, p.LINE_EDIT, "invoice"),
    ("POST", "invoices/{id}/finalize", bills.finalize, p.FINALIZE, "invoice"),
    ("POST", "invoices/{id}/send", bills.send, p.EXPAND, "invoice"),
    ("POST", "invoices/{id}/void", bills.void, p.EXPAND, "invoice"),
    ("POST", "invoices/{id}/mark_uncollectible", bills.mark_uncollectible, p.EXPAND, "invoice"),
    ("POST", "invoices/{id}/pay", bills.pay, p.PAY, "invoice"),
    ("POST", "invoices/{id}/attach_payment", bills.attach_payment, p.ATTACH, "invoice"),
    ("GET", "payment_intents", money.intent_list, p.INTENT_LIST, "payment_intent"),
    ("POST", "payment_intents", money.intent_new, p.INTENT_NEW, "payment_intent"),
    ("GET", "payment_intents/search", money.intent_search, SEARCH, "payment_intent"),
    ("GET", "payment_intents/{id}", _one("payment_intent"), p.INTENT_GET, "payment_intent"),
    ("POST", "payment_intents/{id}/cancel", money.intent_cancel, p.INTENT_CANCEL, "payment_intent"),
    ("GET", "payment_records", bills.record_list, p.RECORD_LIST, "payment_record"),
    ("POST", "payment_records/report_payment", bills.report, p.RECORD_REPORT, "payment_record"),
    ("GET", "payment_records/{id}", bills.record, p.EXPAND, "payment_record"),
    ("POST", "payment_records/{id}/report_refund", bills.report_refund, p.RECORD_REFUND, "payment_record"),
    ("GET", "payouts", money.payout_list, p.PAYOUT_LIST, "payout"),
    ("POST", "payouts", money.payout_new, p.PAYOUT_NEW, "payout"),
    ("GET", "payouts/{id}", _one("payout"), p.EXPAND, "payout"),
    ("POST", "payouts/{id}", money.payout_edit, p.METADATA, "payout"),
    ("POST", "payouts/{id}/cancel", money.payout_cancel, p.EXPAND, "payout"),
    ("GET", "refunds", money.refund_list, p.REFUND_LIST, "charge"),
    ("POST", "refunds", money.refund_new, p.REFUND_NEW, "charge"),
    ("GET", "refunds/{id}", _one("refund"), p.EXPAND, "charge"),
    ("POST", "refunds/{id}", money.refund_edit, p.METADATA, "charge"),
    ("POST", "refunds/{id}/cancel", money.refund_cancel, p.EXPAND, "charge"),
    ("GET", "tax_rates", people.rates, p.TAX_RATE_LIST, "tax_rate"),
    ("POST", "tax_rates", people.rate_new, p.TAX_RATE_NEW, "tax_rate"),
    ("GET", "tax_rates/{id}", people.rate, p.EXPAND, "tax_rate"),
    ("POST", "tax_rates/{id}", people.rate_edit, p.TAX_RATE_EDIT, "tax_rate"),
    ("GET", "webhook_endpoints", own.endpoints, PAGING, "webhook"),
    ("POST", "webhook_endpoints", own.endpoint_new, p.ENDPOINT_NEW, "webhook"),
    ("GET", "webhook_endpoints/{id}", _one("webhook_endpoint"), p.EXPAND, "webhook"),
    ("POST", "webhook_endpoints/{id}", own.endpoint_edit, p.ENDPOINT_EDIT, "webhook"),
    ("DELETE", "webhook_endpoints/{id}", own.endpoint_gone, p.NONE, "webhook"),
)

ROUTES = tuple(Route(method, f"/v1/{path}", answer, shape, grant) for method, path, answer, shape, grant in _TABLE)
PERMISSIONS = tuple(sorted({route.permission for route in ROUTES}))


def find(method: str, parts: list[str]) -> tuple[Route | None, dict[str, str]]:
    """The endpoint of a path and its arguments; fixed words win over arguments."""
    for route, template in _BY_LENGTH.get((method, len(parts)), ()):
        args = _match(template, parts)
        if args is not None:
            return route, args
    return None, {}


def _match(template: list[str], parts: list[str]) -> dict[str, str] | None:
    args: dict[str, str] = {}
    for wanted, part in zip(template, parts, strict=True):
        if wanted.startswith("{"):
            args[wanted[1:-1]] = part
        elif wanted != part:
            return None
    return args


def _by_length() -> dict[tuple[str, int], list[tuple[Route, list[str]]]]:
    found: dict[tuple[str, int], list[tuple[Route, list[str]]]] = {}
    for route in ROUTES:
        template = route.template.strip("/").split("/")
        found.setdefault((route.method, len(template)), []).append((route, template))
    for listed in found.values():
        listed.sort(key=lambda pair: sum(part.startswith("{") for part in pair[1]))
    return found


_BY_LENGTH = _by_length()
