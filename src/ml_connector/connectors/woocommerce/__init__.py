"""WooCommerce as data: what it offers, what a person enters to connect, what is polled how often.

Its rooms: `reader.open_reader`, `auth.ping`, `webhooks.WEBHOOKS`, `translate.translate`, `subscriptions`, `handover`,
`addresses.open_http`. There is no central host: calls go to the shop's own, out of the connection's base URL.
"""

from __future__ import annotations

from ml_connector.connectors.shapes import Connector, CredentialField, Stream

CONNECTOR = Connector(
    name="woocommerce",
    title="WooCommerce",
    reads=("order", "refund", "customer", "shop", "article"),
    writes=(),
    webhooks=True,
    credential_fields=(
        CredentialField(
            "consumer_key",
            "Consumer key",
            secret=True,
            note="Begins with ck_. WooCommerce, Settings, Advanced, REST API; Read/Write lets webhooks be registered.",
        ),
        CredentialField("consumer_secret", "Consumer secret", secret=True, note="Begins with cs_."),
        CredentialField(
            "authentication",
            "Way of proving the key",
            secret=False,
            required=False,
            note="Empty: HTTP Basic. query: where the web server drops the Authorization header; a ping says so.",
        ),
    ),
    streams=(
        Stream("orders", 300, ("order",)),
        Stream("refunds", 300, ("refund",)),
        # no filter for changes: every reading is a full walk; webhooks carry the day
        Stream("customers", 86_400, ("customer",)),
        Stream("deletions", 86_400, ("order", "refund")),
        Stream("shop", 21_600, ("shop",)),
        Stream("articles", 86_400, ("article",)),  # those that rules were asked about; else nothing is called
    ),
    hosts=(),
    default_base_url="",
)
