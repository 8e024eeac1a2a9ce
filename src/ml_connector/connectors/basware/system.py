"""The doors of Basware as the engine opens them."""

from __future__ import annotations

from ml_connector.connectors.basware import CONNECTOR
from ml_connector.connectors.basware.addresses import open_http
from ml_connector.connectors.basware.auth import accepts
from ml_connector.connectors.basware.checks import ping
from ml_connector.connectors.basware.reader import open_reader
from ml_connector.connectors.basware.subscriptions import watch
from ml_connector.connectors.basware.translate import translate
from ml_connector.connectors.basware.webhooks import WEBHOOKS
from ml_connector.connectors.basware.writer import open_writer
from ml_connector.connectors.shapes import System

SYSTEM = System(
    connector=CONNECTOR,
    open_reader=open_reader,
    open_writer=open_writer,
    ping=ping,
    translate=translate,
    webhooks=WEBHOOKS,
    watch=watch,
    accepts=accepts,
    open_http=open_http,
)
