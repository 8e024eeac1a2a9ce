"""One process works on a SQLite file: a claim that ends with the process, and a refusal of network file systems.

More workers gain nothing there (the file has one writer) and could run a unit twice; PostgreSQL is for that.
"""

from __future__ import annotations

import os
from pathlib import Path

from ml_connector.errors import ConfigurationError

_USE_POSTGRESQL = "Stop the other process, or use PostgreSQL for more than one."
# File locks there lie or vanish (sqlite.org/howtocorrupt.html, section 2).
_NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "glusterfs", "lustre", "fuse.sshfs", "fuse.glusterfs"}
)
_MOUNTS = Path("/proc/self/mounts")


class FileClaim:
    """An exclusive lock on `path`, held from construction until `release` or the end of the process."""

    def __init__(self, path: Path) -> None:
        try:
            import fcntl
        except ImportError as error:
            raise ConfigurationError(
                "This system has no file locks that we know.", record=str(path), fix="Use PostgreSQL here."
            ) from error
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise ConfigurationError(
                "Another process works on this database.", record=str(path), fix=_USE_POSTGRESQL
            ) from error

    def release(self) -> None:
        os.close(self._descriptor)


def refuse_network_file_system(path: Path) -> None:
    """Raise ConfigurationError where the file at `path` lies on a network file system; silent where nobody can tell."""
    if not _MOUNTS.exists():
        return
    kind = file_system_of(path.resolve(), mounts=_MOUNTS.read_text(encoding="utf-8", errors="replace"))
    if kind in _NETWORK_FILE_SYSTEMS:
        raise ConfigurationError(
            f"The database file lies on a network file system ({kind}), where SQLite loses writes.",
            record=str(path),
            fix="Move it to a local disk, or use PostgreSQL.",
        )


def file_system_of(path: Path, *, mounts: str) -> str | None:
    """The kind of file system that holds `path`, from the text of /proc/self/mounts; the deepest mount counts."""
    best: tuple[int, str] | None = None
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        mount = Path(fields[1].replace("\\040", " "))
        if path.is_relative_to(mount) and (best is None or len(mount.parts) >= best[0]):
            best = (len(mount.parts), fields[2])
    return best[1] if best else None
