"""What every connection to a SQLite file is told, and what SQLite's complaints mean to us."""

from __future__ import annotations

import sqlite3
import time

from ml_connector.errors import ConfigurationError, ConnectorError, StorageUnavailable

FREE_DISK = "Free disk space; nothing was lost that had been accepted, and senders deliver again."
BRING_BACK = "Bring the database back or correct its address; work goes on by itself afterwards."
MIGRATE = "Run `ml-connector migrate`, then start again."

PRAGMAS = (
    "PRAGMA synchronous = FULL",  # a commit outlives a power cut
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -16000",  # KiB
)
# There are many readers, and each forgets its pages whenever somebody has written.
READER_CACHE = "PRAGMA cache_size = -4000"

# SQLite tells by words (sqlite.org/rescode.html), the first that fits counts.
_WORDS: tuple[tuple[str, type[ConnectorError], str, str], ...] = (
    ("database or disk is full", StorageUnavailable, "The disk of the database is full.", FREE_DISK),
    (
        "is locked",
        StorageUnavailable,
        "Another process is writing to the database file and did not finish in time.",
        "Stop the other process; with more than one machine or worker use PostgreSQL.",
    ),
    (
        "readonly database",
        StorageUnavailable,
        "The database file may not be written.",
        "Give the service's user the right to write the file and its folder.",
    ),
    ("disk i/o error", StorageUnavailable, "The disk failed while the database was read or written.", BRING_BACK),
    ("unable to open database file", StorageUnavailable, "The database file cannot be opened.", BRING_BACK),
    (
        "malformed",
        StorageUnavailable,
        "The database file is damaged.",
        "Stop, keep the file, and restore the last backup.",
    ),
    ("file is not a database", ConfigurationError, "The database file is not a database.", "Correct the file name."),
    ("no such table", ConfigurationError, "The database lacks our tables.", MIGRATE),
    ("no such column", ConfigurationError, "The database is of an older version.", MIGRATE),
)


def prepare(connection: sqlite3.Connection, *, patience_s: float) -> None:
    """Make a fresh connection one of ours: it commits by itself, durably, in write-ahead mode."""
    connection.isolation_level = None  # Python would open transactions late; we say BEGIN ourselves
    _switch_to_wal(connection, patience_s)
    for pragma in PRAGMAS:
        connection.execute(pragma)


def words_of_sqlite(words: str, *, where: str) -> ConnectorError | None:
    """Our error for what SQLite said of the file `where`; None for what only a mistake of ours brings about."""
    lowered = words.lower()
    return next((kind(what, record=where, fix=fix) for mark, kind, what, fix in _WORDS if mark in lowered), None)


def _switch_to_wal(connection: sqlite3.Connection, patience_s: float) -> None:
    """Make the file a WAL one. SQLite does not wait when two do this at once to a new file: it says "locked"."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
