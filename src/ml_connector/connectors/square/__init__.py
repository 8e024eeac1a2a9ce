"""Square as data: what it offers, what a person enters to connect, what is polled how often.

Its rooms: `reader.open_reader`, `auth.ping`, `webhooks.WEBHOOKS`, `translate.translate`, `oauth`, `subscriptions`.
"""

from __future__ import annotations

from ml_connector.connectors.shapes import Connector, CredentialField, Stream

CONNECTOR = Connector(
    name="square",
    title="Square",
    reads=(
        "payment",
        "refund",
        "order",
        "invoice",
        "customer",
        "vendor",
        "location",
        "payout",
        "dispute",
        "article",
        "publication",
        "succession",
    ),
    writes=(),
    webhooks=True,
    credential_fields=(
        CredentialField(
            "access_token",
            "Access token",
            secret=True,
            note="An OAuth token of one seller, or the personal access token of your own account.",
        ),
        CredentialField(
            "refresh_token",
            "Refresh token",
            secret=True,
            required=False,
            note="Comes with an OAuth access token; renews it.",
        ),
        CredentialField(
            "client_id",
            "Application ID",
            secret=False,
            required=False,
            note="Needed with OAuth. A sandbox one begins with sandbox-.",
        ),
        CredentialField("client_secret", "Application secret", secret=True, required=False, note="Needed with OAuth."),
        CredentialField(
            "personal_access_token",
            "Personal access token of the application",
            secret=True,
            required=False,
            note="Only with it are webhook subscriptions made and repaired and missed events searched.",
        ),
        CredentialField(
            "merchant_id",
            "Merchant ID",
            secret=False,
            required=False,
            note="The seller; filled in by OAuth and by a ping.",
        ),
    ),
    streams=(
        Stream("payments", 300, ("payment",)),
        Stream("refunds", 300, ("refund",)),
        Stream("orders", 300, ("order",)),
        Stream("customers", 3600, ("customer",)),
        Stream("payouts", 3600, ("payout",)),
        Stream("disputes", 3600, ("dispute",)),
        Stream("locations", 3600, ("location",)),
        Stream("articles", 900, ("article",)),  # those that rules were asked about; else nothing is called
        # no time filter: every reading is a full walk; webhooks carry the day
        Stream("invoices", 86_400, ("invoice",)),
        Stream("vendors", 86_400, ("vendor",)),  # the same
        Stream(
            "events",
            900,
            ("payment", "refund", "order", "invoice", "customer", "vendor", "payout", "location", "dispute"),
        ),
    ),
    hosts=("connect.squareup.com", "connect.squareupsandbox.com"),
    default_base_url="https://connect.squareup.com",
    sandbox_base_url="https://connect.squareupsandbox.com",
)
