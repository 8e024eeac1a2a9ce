"""The master keys: 32 random bytes each, in numbered versions; the newest seals, every one still opens.

Written `v2:<base64>,v1:<base64>` in the variable MLC_MASTER_KEY, or one to a line in a file only its owner may read.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import os
import re
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path

from ml_connector.errors import ConfigurationError

KEY_BYTES = 32  # AES-256
_ENTRY = re.compile(r"v([1-9][0-9]{0,5}):(\S+)")


@dataclass(frozen=True, slots=True)
class MasterKey:
    """One version. Its id carries a fingerprint, so that a wrong key under a right number is named, not guessed."""

    version: int
    material: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if self.version < 1:
            raise ValueError("master keys are numbered from 1")
        if len(self.material) != KEY_BYTES:
            raise ValueError(f"a master key has {KEY_BYTES} bytes, not {len(self.material)}")

    @property
    def id(self) -> str:
        """What a sealed row notes: version and fingerprint, `v2-1f0c9a3e`."""
        return f"v{self.version}-{hashlib.sha256(b'ml-connector master key' + self.material).hexdigest()[:8]}"

    def written(self) -> str:
        """The key as it stands in the file or the variable. A secret: for the key file alone."""
        return f"v{self.version}:{base64.b64encode(self.material).decode()}"


@dataclass(frozen=True, slots=True)
class KeyRing:
    """All versions we hold, newest first."""

    keys: tuple[MasterKey, ...]

    def __post_init__(self) -> None:
        versions = [key.version for key in self.keys]
        if not versions or versions != sorted(set(versions), reverse=True):
            raise ValueError("a key ring holds at least one key, each version once, newest first")

    @property
    def newest(self) -> MasterKey:
        """The one that seals."""
        return self.keys[0]

    def find(self, key_id: str) -> MasterKey | None:
        """The key that a sealed row names, if we still hold it."""
        return next((key for key in self.keys if key.id == key_id), None)


def open_ring(path: Path, *, text: str | None = None, create: bool = False) -> KeyRing:
    """The ring of this install: from `text` (the variable's value) if given, else from the file at `path`.

    With `create`, a missing file is made with a new key. Raises ConfigurationError, never showing a key.
    """
    if text is not None:
        return parse_ring(text, source="MLC_MASTER_KEY")
    if create and not path.exists():
        return create_file(path)
    return read_file(path)


def parse_ring(text: str, *, source: str) -> KeyRing:
    """Read `v2:...,v1:...`, in any order, split by commas or white space. `source` is named in errors."""
    entries = [entry for entry in re.split(r"[,\s]+", text) if entry]
    keys = sorted((_parse_key(entry, source) for entry in entries), key=lambda key: -key.version)
    try:
        return KeyRing(tuple(keys))
    except ValueError as problem:
        raise ConfigurationError(f"The master keys in {source} cannot be used: {problem}.", fix=_HOW) from None


def read_file(path: Path) -> KeyRing:
    """The ring in a file that only its owner may read."""
    try:
        # Opened first and then examined, so that what is checked is what is read.
        with path.open("rb") as file:
            _refuse_loose(path, os.fstat(file.fileno()))
            text = file.read(65_536).decode("ascii", errors="replace")
    except OSError as problem:
        raise ConfigurationError(
            f"The master key file {path} cannot be read: {problem.strerror}.",
            fix="Restore the file from your backup of keys, or set MLC_MASTER_KEY. Without it no stored secret opens.",
        ) from problem
    return parse_ring(text, source=str(path))


def create_file(path: Path) -> KeyRing:
    """Make a key file with one new key, 0600 from its first moment. If another process was quicker, use its file."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    ring = KeyRing((MasterKey(1, secrets.token_bytes(KEY_BYTES)),))
    waiting = _write_aside(path, ring)
    try:
        os.link(waiting, path)  # unlike rename, link never replaces a key that is in use
    except FileExistsError:
        return read_file(path)
    finally:
        waiting.unlink()
    _make_lasting(path.parent)
    return ring


def add_key(path: Path) -> KeyRing:
    """Put a new newest key into the file, keeping the old ones so that everything sealed still opens."""
    held = read_file(path)
    ring = KeyRing((MasterKey(held.newest.version + 1, secrets.token_bytes(KEY_BYTES)), *held.keys))
    _write_aside(path, ring).replace(path)
    _make_lasting(path.parent)
    return ring


_HOW = (
    'Write each key as v1:<base64 of 32 bytes>. A new one: python -c "import base64, secrets; '
    "print('v1:' + base64.b64encode(secrets.token_bytes(32)).decode())\""
)


def _parse_key(entry: str, source: str) -> MasterKey:
    found = _ENTRY.fullmatch(entry)
    if found is None:
        raise ConfigurationError(f"An entry of the master keys in {source} has no version in front.", fix=_HOW)
    with contextlib.suppress(binascii.Error, ValueError):
        return MasterKey(int(found[1]), base64.b64decode(found[2], validate=True))
    raise ConfigurationError(f"Master key v{found[1]} in {source} is not {KEY_BYTES} bytes in base64.", fix=_HOW)


def _refuse_loose(path: Path, found: os.stat_result) -> None:
    if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigurationError(
            f"The master key file {path} may be read or written by others (mode {stat.S_IMODE(found.st_mode):04o}).",
            fix=f"Run: chmod 600 {path}. If others had access to the machine, add a new key and seal everything again.",
        )
    if found.st_uid not in {os.geteuid(), 0}:
        raise ConfigurationError(
            f"The master key file {path} belongs to another user (number {found.st_uid}).",
            fix=f"Let the user that runs ml-connector own it: chown $(id -u) {path}.",
        )


def _write_aside(path: Path, ring: KeyRing) -> Path:
    """The ring in a new file beside `path`, on the disk for certain."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write("".join(f"{key.written()}\n" for key in ring.keys))
        file.flush()
        os.fsync(file.fileno())
    return aside


def _make_lasting(folder: Path) -> None:
    """A new name in a folder survives a power cut only when the folder is synchronised too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
