"""Basware as data: what it offers, what a person enters to connect, what is polled how often.

Its rooms: `reader.open_reader`, `writer.open_writer`, `checks.ping`, `webhooks.WEBHOOKS`, `translate.translate`,
`subscriptions.watch`, `addresses.open_http`.
"""

from __future__ import annotations

from ml_connector.connectors.basware.addresses import DEFAULT, EU_TEST, HOSTS
from ml_connector.connectors.shapes import Connector, CredentialField, Stream

CONNECTOR = Connector(
    name="basware",
    title="Basware",
    reads=("accountingDocument",),
    writes=(
        "reference_row",
        "supplier_card",
        "order_header",
        "order_line",
        "received_invoice",
        "acknowledgement",
        "transfer_answer",
        "payment_answer",
    ),
    webhooks=True,
    credential_fields=(
        CredentialField(
            "region",
            "Region",
            secret=False,
            required=False,
            note="EU, US, AU or CA. For CA, test systems and hosts of one's own give the base URL that Basware named.",
        ),
        CredentialField("client_id", "Client id", secret=False, required=False, note="OAuth2; or user and password."),
        CredentialField("client_secret", "Client secret", secret=True, required=False),
        CredentialField("user", "User", secret=False, required=False, note="Only where there is no client id."),
        CredentialField("password", "Password", secret=True, required=False),
        CredentialField(
            "scopes",
            "Scopes",
            secret=False,
            required=False,
            note="Only where Basware grants fewer than we ask for; +importDocuments.write adds the one for files.",
        ),
        CredentialField(
            "webhook_secret",
            "Webhook secret",
            secret=True,
            required=False,
            note="32 characters or more, of your own; empty: made from the client secret and the door's address.",
        ),
        CredentialField(
            "webhook_header",
            "Signature header",
            secret=False,
            required=False,
            note="Only where Basware signs in another header than x-bwapi-signature-256.",
        ),
        CredentialField("network_user", "Network user", secret=False, required=False, note="Of the Network API."),
        CredentialField("network_password", "Network password", secret=True, required=False),
    ),
    streams=(Stream("accountingDocuments", 600, ("accountingDocument",)),),
    hosts=HOSTS,
    default_base_url=DEFAULT,
    sandbox_base_url=EU_TEST,
)
