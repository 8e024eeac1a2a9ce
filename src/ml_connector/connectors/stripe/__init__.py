"""Stripe as data: what it offers, what a person enters to connect, what is polled how often.

Its rooms: `reader.open_reader`, `writer.open_writer`, `checks.ping`, `webhooks.WEBHOOKS`, `translate.translate`,
`subscriptions.watch`.
"""

from __future__ import annotations

from ml_connector.connectors.shapes import Connector, CredentialField, Stream

VERSION = "2026-10-28.endive"
"""The version of the interface that every call names and every webhook endpoint of ours is made with."""

CONNECTOR = Connector(
    name="stripe",
    title="Stripe",
    reads=("invoice", "invoice_payment", "charge", "refund", "dispute", "payout", "balance_transaction"),
    writes=("customer", "collection_invoice", "collection_credit", "invoice_void", "outside_payment"),
    webhooks=True,
    credential_fields=(
        CredentialField(
            "api_key",
            "Restricted key",
            secret=True,
            note="rk_live_... or rk_test_... with the permissions of the README; a secret key (sk_...) works and can "
            "do more than it should.",
        ),
        CredentialField(
            "account_id",
            "Connected account",
            secret=False,
            required=False,
            note="acct_..., only where a platform's key acts for one of its accounts.",
        ),
    ),
    streams=(
        # Events tell what to read again; the lists beside them find what no event told, each with its overlap.
        Stream("events", 300, ("invoice", "invoice_payment", "charge", "refund", "dispute", "payout")),
        Stream("balance_transactions", 900, ("balance_transaction",)),
        Stream("charges", 3600, ("charge",)),
        Stream("refunds", 3600, ("refund",)),
        Stream("payouts", 3600, ("payout",)),
        Stream("disputes", 3600, ("dispute",)),
        Stream("invoice_payments", 86_400, ("invoice_payment",)),
    ),
    hosts=("api.stripe.com",),
    default_base_url="https://api.stripe.com",
)
