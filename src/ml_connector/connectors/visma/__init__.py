"""Visma.net ERP, the ledger: hosts, credentials and capabilities as data, and the doors the engine opens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml_connector.connectors.http import Http
from ml_connector.connectors.shapes import Connector, CredentialField, Stream, System
from ml_connector.connectors.tokens import Now, Tokens
from ml_connector.connectors.visma.auth import API_BASES, account_of, sales_url
from ml_connector.connectors.visma.checks import ping
from ml_connector.connectors.visma.client import VismaClient
from ml_connector.connectors.visma.faults import rate_of
from ml_connector.connectors.visma.reader import VismaReader
from ml_connector.connectors.visma.translate import translate
from ml_connector.connectors.visma.webhooks import WEBHOOKS
from ml_connector.connectors.visma.writer import VismaWriter

__all__ = ["CONNECTOR", "SYSTEM", "WEBHOOKS", "open_reader", "open_writer", "ping", "rate_of", "translate"]

CONNECTOR = Connector(
    name="visma",
    title="Visma.net ERP",
    reads=(
        "customer",
        "supplier",
        "customerinvoice",
        "customerCreditNote",
        "customerPayment",
        "supplierInvoice",
        "supplierPayment",
        "purchaseorder",
        "purchasereceipt",
        "account",
        "segmentvalue",
        "vatcategory",
        "creditterm",
    ),
    writes=(
        "journal",
        "customer_invoice",
        "credit_note",
        "debit_note",
        "customer_payment",
        "customer_refund",
        "supplier_invoice",
        "customer",
        "supplier",
        "reverse_invoice",
        "void_payment",
        "sales_order",
        "order_cancellation",
        "payment_application",
        "application_freed",
        "ledger_attachment",
        "ledger_note",
        "ledger_coding",
        "dimension_value",
    ),
    webhooks=True,
    credential_fields=(
        CredentialField("client_id", "Client id", secret=False, note="Of the service application; begins with isv_."),
        CredentialField("client_secret", "Client secret", secret=True),
        CredentialField(
            "tenant_id",
            "Company tenant id",
            secret=False,
            note="Visma Admin, Company, Edit, Configuration. The company's, not the customer's.",
        ),
        CredentialField(
            "company_id", "Company id", secret=False, required=False, note="Only where calls must name the company."
        ),
        CredentialField(
            "webhook_key",
            "Webhook signature key",
            secret=True,
            required=False,
            note="Shown once in the Developer Portal.",
        ),
    ),
    streams=(
        Stream("customerinvoice", 300, ("customerinvoice",)),
        Stream("customerCreditNote", 300, ("customerCreditNote",)),
        Stream("customerPayment", 300, ("customerPayment",)),
        Stream("supplierInvoice", 300, ("supplierInvoice",)),
        Stream("purchaseorder", 900, ("purchaseorder",)),
        Stream("supplier", 900, ("supplier",)),
        Stream("customer", 900, ("customer",)),
        Stream("purchasereceipt", 900, ("purchasereceipt",)),
        Stream("supplierPayment", 900, ("supplierPayment",)),
        Stream("account", 3600, ("account",)),
        Stream("segmentvalue", 3600, ("segmentvalue",)),
        Stream("vatcategory", 3600, ("vatcategory",)),
        Stream("creditterm", 3600, ("creditterm",)),
    ),
    hosts=("api.finance.visma.net", "integration.visma.net", "connect.visma.com", "salesorder.visma.net"),
    default_base_url=API_BASES[0],
    decides={
        "journal": "VAT of each line, beyond the tolerance of its own check, and the rate of a foreign currency",
        **dict.fromkeys(
            ("customer_invoice", "credit_note", "debit_note"),
            "VAT as it works it out (compared before release), credit hold of the customer, approval",
        ),
        **dict.fromkeys(
            ("customer_payment", "customer_refund"),
            "whether the payment method may be used with the cash account, and the rate of a foreign currency",
        ),
        "supplier_invoice": "VAT as it works it out (compared before release), approval",
        "sales_order": "VAT as it works it out (compared), prices, and credit hold of the customer",
    },
)


def open_writer(
    http: Http, credentials: Mapping[str, Any], settings: Mapping[str, str], *, tokens: Tokens, clock: Now
) -> VismaWriter:
    """The writer of one company. Costs no call. Raises ConfigurationError when a credential is missing."""
    client = _client(http, credentials, settings, tokens=tokens, clock=clock)
    return VismaWriter(client, now=clock, sales_url=sales_url(settings))


def open_reader(
    http: Http, credentials: Mapping[str, Any], settings: Mapping[str, str], *, tokens: Tokens, clock: Now
) -> VismaReader:
    """The reader of one company. Costs no call. Raises ConfigurationError when a credential is missing."""
    return VismaReader(_client(http, credentials, settings, tokens=tokens, clock=clock))


def _client(
    http: Http, credentials: Mapping[str, Any], settings: Mapping[str, str], *, tokens: Tokens, clock: Now
) -> VismaClient:
    return VismaClient(http, account_of(credentials, settings), tokens=tokens, clock=clock)


SYSTEM = System(
    connector=CONNECTOR,
    open_reader=open_reader,
    open_writer=open_writer,
    ping=ping,
    translate=translate,
    webhooks=WEBHOOKS,
    rate_of=rate_of,
)
