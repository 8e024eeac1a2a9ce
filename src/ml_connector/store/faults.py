"""What the database's own complaints mean to us: wait and try again, call the operator, or a broken assumption."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import exc

from ml_connector.errors import ConfigurationError, ConnectorError, StorageUnavailable, Transient
from ml_connector.store.sqlitefile import BRING_BACK, FREE_DISK, MIGRATE, words_of_sqlite

# PostgreSQL tells by SQLSTATE (its manual, appendix A), the longest prefix counts.
_POSTGRESQL: tuple[tuple[str, type[ConnectorError], str, str], ...] = (
    ("53100", StorageUnavailable, "The disk of the database server is full.", FREE_DISK),
    ("53300", StorageUnavailable, "The database server takes no more connections.", "Raise its max_connections."),
    ("53", StorageUnavailable, "The database server is short of resources.", BRING_BACK),
    ("40001", Transient, "Two units changed the same rows at once.", "Nothing: it is tried again by itself."),
    ("40P01", Transient, "Two units waited for each other.", "Nothing: it is tried again by itself."),
    ("55P03", StorageUnavailable, "A row stayed locked by another worker for too long.", BRING_BACK),
    ("57014", StorageUnavailable, "The database stopped a statement that took too long.", BRING_BACK),
    ("57P", StorageUnavailable, "The database server is shutting down or starting up.", BRING_BACK),
    ("58", StorageUnavailable, "The disk of the database server failed.", BRING_BACK),
    ("25006", StorageUnavailable, "The database may only be read now.", "Point the address at the primary server."),
    ("28", ConfigurationError, "The database refuses our name or password.", "Correct the database address."),
    ("3D000", ConfigurationError, "The named database does not exist.", "Create it, or correct the address."),
    ("42P01", ConfigurationError, "The database lacks our tables.", MIGRATE),
    ("42703", ConfigurationError, "The database is of an older version.", MIGRATE),
    ("08", StorageUnavailable, "The connection to the database broke.", BRING_BACK),
)


def meaning(error: Exception, *, where: str) -> ConnectorError | None:
    """Our error for a database's complaint, naming the database `where`; None for a broken assumption of ours."""
    if isinstance(error, exc.TimeoutError):
        return StorageUnavailable("Every connection to the database stayed in use.", record=where)
    if not isinstance(error, exc.DBAPIError) or isinstance(error, exc.IntegrityError):
        return None
    state = getattr(error.orig, "sqlstate", None)
    if state:
        return _first(_POSTGRESQL, lambda mark: str(state).startswith(mark), where)
    found = words_of_sqlite(str(error.orig), where=where)
    if found is None and (error.connection_invalidated or _is_psycopg_operational(error)):
        return StorageUnavailable("The database server cannot be reached.", record=where, fix=BRING_BACK)
    return found


def _first(
    table: tuple[tuple[str, type[ConnectorError], str, str], ...], fits: Callable[[str], bool], where: str
) -> ConnectorError | None:
    for mark, kind, what, fix in table:
        if fits(mark):
            return kind(what, record=where, fix=fix)
    return None


def _is_psycopg_operational(error: exc.DBAPIError) -> bool:
    """Psycopg gives no SQLSTATE when it never reached the server."""
    return isinstance(error, exc.OperationalError) and type(error.orig).__module__.startswith("psycopg")
