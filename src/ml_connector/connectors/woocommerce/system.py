"""The doors of WooCommerce as the engine opens them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml_connector.connectors.http import Http
from ml_connector.connectors.shapes import Handover, Ping, Subscribed, System
from ml_connector.connectors.woocommerce import CONNECTOR, addresses, auth, handover, subscriptions
from ml_connector.connectors.woocommerce.client import Ticking
from ml_connector.connectors.woocommerce.reader import WooReader
from ml_connector.connectors.woocommerce.reader import open_reader as open_woo
from ml_connector.connectors.woocommerce.signing import Key
from ml_connector.connectors.woocommerce.translate import translate
from ml_connector.connectors.woocommerce.webhooks import WEBHOOKS


def open_reader(
    http: Http, credentials: Mapping[str, str], settings: Mapping[str, str], *, tokens: Any, clock: Ticking
) -> WooReader:
    """The reader of one shop. A key does not expire: there are no tokens to keep."""
    return open_woo(http, credentials, settings, clock=clock)


def ping(
    http: Http, credentials: Mapping[str, str], settings: Mapping[str, str], *, tokens: Any, clock: Ticking
) -> Ping:
    """Whose shop this is and what the key may read."""
    return auth.ping(http, credentials, settings, clock=clock)


def watch(http: Http, credentials: Mapping[str, str], url: str, *, clock: Ticking) -> Subscribed | None:
    """One active webhook for each topic that rings this address; None where the key may not register any."""
    return subscriptions.watch(http, Key.of(credentials), url, clock=clock)


SYSTEM = System(
    connector=CONNECTOR,
    open_reader=open_reader,
    open_writer=None,
    ping=ping,
    translate=translate,
    webhooks=WEBHOOKS,
    watch=watch,
    open_http=addresses.open_http,
    handover=Handover(
        handover.authorize_url, handover.state_of, handover.received, handover.agreed, handover.MAX_BODY_BYTES
    ),
    webhook_body_bytes=4 * 1_048_576,  # a delivery is a whole order, and refusals in a row disable the webhook
)
