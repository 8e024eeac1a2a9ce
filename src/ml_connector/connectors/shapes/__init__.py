"""The shapes every connector fills in: what a system can do as data, and the rooms the engine calls.

A connector folder offers `CONNECTOR`, `open_reader`, `open_writer` (where it writes), `WEBHOOKS` and `translate`.
The engine knows these shapes and no vendor.
"""

from ml_connector.connectors.shapes.doors import Delivered, Opinion, Vouchable, Webhooks
from ml_connector.connectors.shapes.reading import (
    Absent,
    Balances,
    Compares,
    Held,
    Named,
    Page,
    Payload,
    Reader,
    ReadsFiles,
    SourceObject,
    StatesBalances,
    TellsHowFar,
    Translate,
)
from ml_connector.connectors.shapes.system import (
    Check,
    Connector,
    CredentialField,
    Handover,
    Ping,
    RateHeaders,
    Stream,
    Subscribed,
    System,
)
from ml_connector.connectors.shapes.writing import (
    Context,
    Created,
    Directory,
    Discards,
    Observed,
    ReadsDirectories,
    Sent,
    ShowsAccounts,
    Writer,
)

__all__ = [
    "Absent",
    "Balances",
    "Check",
    "Compares",
    "Connector",
    "Context",
    "Created",
    "CredentialField",
    "Delivered",
    "Directory",
    "Discards",
    "Handover",
    "Held",
    "Named",
    "Observed",
    "Opinion",
    "Page",
    "Payload",
    "Ping",
    "RateHeaders",
    "Reader",
    "ReadsDirectories",
    "ReadsFiles",
    "Sent",
    "ShowsAccounts",
    "SourceObject",
    "StatesBalances",
    "Stream",
    "Subscribed",
    "System",
    "TellsHowFar",
    "Translate",
    "Vouchable",
    "Webhooks",
    "Writer",
]
