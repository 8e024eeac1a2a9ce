"""PayPal as data: what it offers, what a person enters to connect, what is polled how often.

Its rooms: `reader.open_reader`, `writer.open_writer`, `auth.ping`, `webhooks.WEBHOOKS`, `translate.translate`,
`subscriptions.watch`.
"""

from __future__ import annotations

from ml_connector.connectors.shapes import Connector, CredentialField, Stream

LIVE_HOSTS = frozenset({"api-m.paypal.com", "api.paypal.com"})
SANDBOX_HOSTS = frozenset({"api-m.sandbox.paypal.com", "api.sandbox.paypal.com"})

CONNECTOR = Connector(
    name="paypal",
    title="PayPal",
    reads=("transaction", "capture", "refund", "invoice", "dispute"),
    writes=("external_payment", "external_payment_removal", "external_refund", "invoice_cancel"),
    webhooks=True,
    credential_fields=(
        CredentialField(
            "client_id",
            "Client ID",
            secret=False,
            note="Of a REST app of the seller's own account; live and sandbox have different ones.",
        ),
        CredentialField("client_secret", "Secret", secret=True),
        CredentialField(
            "webhook_roots",
            "Root certificates of a pretend PayPal",
            secret=False,
            required=False,
            note="PEM. Only for tests and the sandbox: refused with PayPal's live address.",
        ),
    ),
    streams=(
        # One call when PayPal's report has not been refreshed since; it lags by up to three hours.
        Stream("transactions", 900, ("transaction",)),
        Stream("invoices", 900, ("invoice",)),  # open, new and paid ones: there is no filter for changes
        Stream("invoice_list", 86_400, ("invoice",)),  # all of them
        Stream("disputes", 3600, ("dispute",)),
    ),
    hosts=tuple(sorted(LIVE_HOSTS | SANDBOX_HOSTS)),
    default_base_url="https://api-m.paypal.com",
    sandbox_base_url="https://api-m.sandbox.paypal.com",
)
