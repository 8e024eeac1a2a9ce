"""The doors of Stripe as the engine opens them."""

from __future__ import annotations

from ml_connector.connectors.shapes import System
from ml_connector.connectors.stripe import CONNECTOR
from ml_connector.connectors.stripe.checks import ping
from ml_connector.connectors.stripe.reader import open_reader
from ml_connector.connectors.stripe.subscriptions import watch
from ml_connector.connectors.stripe.translate import translate
from ml_connector.connectors.stripe.webhooks import WEBHOOKS
from ml_connector.connectors.stripe.writer import open_writer

SYSTEM = System(
    connector=CONNECTOR,
    open_reader=open_reader,
    open_writer=open_writer,
    ping=ping,
    translate=translate,
    webhooks=WEBHOOKS,
    watch=watch,
)
