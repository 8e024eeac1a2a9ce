"""Safe copies of a SQLite install, taken while others write, each as one moment's last commit left it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from ml_connector.errors import ConfigurationError, StorageUnavailable
from ml_connector.store.database import Database

PAGES = 20_000  # of 4 KiB, between two words on how far it is
Told = Callable[[int, int], object]
"""Hears how many pages of how many are copied of the file at hand."""


def copy(database: Database, folder: Path, *, told: Told = lambda *_: None) -> list[Path]:
    """Copy the files of an install into a folder of their own names, readable by their owner alone; the copies.

    The inbox goes first: what it calls done by then is in the main database, which is copied after it. The other way
    round a notice could be done in the one and not read in the other.

    Raises ConfigurationError on PostgreSQL or where a copy is there already, StorageUnavailable where one is damaged.
    """
    files = database.files()
    if not files:
        raise ConfigurationError(
            "This install is on PostgreSQL, whose own tools copy it.",
            fix="Use pg_dump; after a restore say `ml-connector restored`. See docs/operations.md.",
        )
    copies = [folder / path.name for path in files]
    for one in copies:
        if one.exists():
            raise ConfigurationError("There is a copy of this name already.", record=str(one), fix="Name a new folder.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for source, target in reversed(list(zip(files, copies, strict=True))):
        _copy(source, target, told=told)
    return copies


def _copy(source: Path, target: Path, *, told: Told) -> None:
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target)) as written:
        # One reading for all of it: a writer beside us would else have the copy begin anew at each commit.
        read.execute("BEGIN")
        read.execute("SELECT count(*) FROM sqlite_master").fetchone()
        read.backup(written, pages=PAGES, progress=lambda _, left, pages: told(pages - left, pages))
        found = written.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise StorageUnavailable(
            f"The copy is damaged: {found}.", record=str(target), fix="Check the disk, and take the backup again."
        )
