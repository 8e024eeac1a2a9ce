"""The doors of PayPal as the engine opens them."""

from __future__ import annotations

from ml_connector.connectors.paypal import CONNECTOR
from ml_connector.connectors.paypal.checks import ping
from ml_connector.connectors.paypal.reader import open_reader
from ml_connector.connectors.paypal.subscriptions import vouch, watch
from ml_connector.connectors.paypal.translate import translate
from ml_connector.connectors.paypal.webhooks import WEBHOOKS
from ml_connector.connectors.paypal.writer import open_writer
from ml_connector.connectors.shapes import System

SYSTEM = System(
    connector=CONNECTOR,
    open_reader=open_reader,
    open_writer=open_writer,
    ping=ping,
    translate=translate,
    webhooks=WEBHOOKS,
    watch=watch,
    vouch=vouch,
)
