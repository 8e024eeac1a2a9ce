"""What the machine works with: the open database, the clock, the flows and the systems, handed to every unit.

Built once by the composition root; units take it as their first argument and keep nothing themselves.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ml_connector.clock import Clock, micros
from ml_connector.connectors.http import Http, Meter, Reach
from ml_connector.connectors.shapes import Directory, Ping, RateHeaders, Reader, System, Writer
from ml_connector.engine.documents import Documents
from ml_connector.errors import ConfigurationError, UsageError
from ml_connector.finance.plan import Found
from ml_connector.flows.flow import Flow
from ml_connector.store import connection_rows, sealed_secrets
from ml_connector.store.connection_rows import ConnectionRow
from ml_connector.store.database import Connection, Database
from ml_connector.store.ids import Ids
from ml_connector.vault.credentials import Sealed, Secret, open_sealed
from ml_connector.vault.keys import KeyRing
from ml_connector.vault.tokens import TokenCache


@dataclass(frozen=True, slots=True)
class Limits:
    """Times and sizes of the machine; each has its reason in docs/limits.md."""

    chart_max_age_s: int = 600
    lease_s: int = 60
    call_timeout_s: int = 40
    unit_s: int = 55
    calls_at_once: int = 4
    notices_at_once: int = 1_000
    trips_at_once: int = 500
    sends_at_once: int = 32
    probe_first_s: int = 30
    probe_last_s: int = 300
    look_again_us: int = 2_000_000  # the ledger works asynchronously: a document shows its new state a moment later


def _lines() -> Lines:
    return Lines()


def _parties() -> Parties:
    return Parties()


@dataclass(frozen=True, slots=True)
class Works:
    """The machine's means. `holder` names this process in leases; `transport` replaces the network in tests."""

    database: Database
    clock: Clock
    ids: Ids
    ring: KeyRing
    tokens: TokenCache
    flows: Mapping[str, Flow]
    systems: Mapping[str, System]
    holder: str
    limits: Limits = field(default_factory=Limits)
    allowed_hosts: frozenset[str] = frozenset()  # any system may be called there
    private_hosts: frozenset[str] = frozenset()  # only one that lives at an address of its own
    conceal: Callable[[str], object] = str  # tells the log which texts are secret
    transport: Callable[[ConnectionRow], Any] | None = None
    lines: Lines = field(default_factory=_lines)
    parties: Parties = field(default_factory=_parties)
    documents: Documents = field(default_factory=Documents)

    def now(self) -> int:
        """The present moment in microseconds."""
        return micros(self.clock.now())

    def hosts_of(self, system: System) -> frozenset[str]:
        """Addresses that the operator lets this system be called at, beside those that are its own."""
        return self.allowed_hosts | self.private_hosts if system.open_http is not None else self.allowed_hosts

    def system(self, connector: str) -> System:
        """The system of this name. Raises ConfigurationError for one this version does not have."""
        try:
            return self.systems[connector]
        except KeyError:
            raise ConfigurationError(
                f"There is no connector {connector}.", fix=f"Choose one of {', '.join(sorted(self.systems))}."
            ) from None


class Lines:
    """Open lines to systems, one per connection, kept while its set-up stays the same. Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[tuple[str, str], Line] = {}

    def get(self, connection_id: str, version: str, make: Callable[[], Line]) -> Line:
        """The line of this connection and version of its set-up; an older one is left to whoever still uses it."""
        with self._lock:
            line = self._open.get((connection_id, version))
            if line is None:
                for old in [key for key in self._open if key[0] == connection_id]:
                    del self._open[old]
                line = self._open[connection_id, version] = make()
            return line

    def forget(self, connection_id: str) -> None:
        """Open anew next time (credentials have changed)."""
        with self._lock:
            for old in [key for key in self._open if key[0] == connection_id]:
                del self._open[old]

    def calls(self) -> dict[str, int]:
        """Calls made so far by operation, over all lines."""
        with self._lock:
            meters = [line.http.meter for line in self._open.values()]
        total: dict[str, int] = {}
        for meter in meters:
            for operation, count in dict(meter.calls).items():
                total[operation] = total.get(operation, 0) + count
        return total

    def close(self) -> None:
        with self._lock:
            for line in self._open.values():
                line.http.close()
            self._open.clear()


PartyName = tuple[str, str, tuple[tuple[str, str], ...]]
"""Connection, kind and the fields asked for."""
Registry = tuple[str, str]  # (connection, kind): customers of one ledger
FIRST_GUESS = 3  # calls that reading a registry may take, before anybody has
NEVER_WHOLE = 2**62
WHOLE_US = 86_400_000_000  # so long only what changed is read; what was deleted is seen after it


@dataclass(frozen=True, slots=True)
class _Read:
    """A directory: when what changed was read last, and when all of it was."""

    parties: Directory
    read_at: int
    whole_at: int


class Parties:
    """Answers about parties in a target, kept as long as a chart may be old. Safe between threads."""

    MAX = 10_000

    def __init__(self, max_age_s: int = 600) -> None:
        self._lock = threading.Lock()
        self._max_age_us = max_age_s * 1_000_000
        self._known: dict[PartyName, tuple[int, tuple[Found, ...]]] = {}
        self._directories: dict[Registry, _Read] = {}
        self._spent: dict[Registry, tuple[int, int]] = {}  # since when, and how many look-ups one by one
        self._price: dict[Registry, int] = {}  # calls that reading all of them takes; NEVER_WHOLE: too many to

    def get(self, name: PartyName, *, now: int, max_age_s: int | None = None) -> tuple[Found, ...] | None:
        """The answer while it is young enough."""
        with self._lock:
            known = self._known.get(name)
        limit_us = self._max_age_us if max_age_s is None else max_age_s * 1_000_000
        return known[1] if known and now - known[0] <= limit_us else None

    def put(self, name: PartyName, found: tuple[Found, ...], *, now: int) -> None:
        with self._lock:
            if len(self._known) >= self.MAX:
                self._known.clear()
            self._known[name] = (now, found)

    def directory(self, registry: Registry, *, now: int) -> Directory | None:
        """All parties of a kind, while that is young enough."""
        with self._lock:
            known = self._directories.get(registry)
        return known.parties if known and now - known.read_at <= self._max_age_us else None

    def read_before(self, registry: Registry, *, now: int) -> Directory | None:
        """All parties of a kind as read lately, where only what changed since need be read; a day at most."""
        with self._lock:
            known = self._directories.get(registry)
        return known.parties if known and now - known.whole_at <= WHOLE_US else None

    def keep(self, registry: Registry, read: Directory | int | None, *, now: int) -> None:
        """Remember what reading a directory gave: itself, or what it would cost; None: nobody asks for it again."""
        with self._lock:
            if read is None or isinstance(read, int):
                self._price[registry] = NEVER_WHOLE if read is None else read
                return
            known = self._directories.get(registry)
            whole_at = known.whole_at if known and now - known.whole_at <= WHOLE_US else now
            if whole_at == now:
                self._price[registry] = read.calls
                self._spent.pop(registry, None)
            self._directories[registry] = _Read(read, now, whole_at)

    def worth(self, registry: Registry, more: int, *, now: int) -> int | None:
        """How many calls reading all may take now. None: it takes more than that, as far as is known.

        As many as look-ups one by one, with `more` that are to be made, would have cost within a day.

        So that, whatever comes, little more than twice the least is spent.
        """
        with self._lock:
            since, spent = self._spent.get(registry, (now, 0))
            if now - since > WHOLE_US:
                since, spent = now, 0
            spent += more
            self._spent[registry] = (since, spent)
            return spent if spent > self._price.get(registry, FIRST_GUESS) else None

    def forget(self) -> None:
        """A party was made or changed: ask again, and read what changed."""
        with self._lock:
            self._known.clear()
            long_ago = -1 - self._max_age_us
            self._directories = {name: replace(one, read_at=long_ago) for name, one in self._directories.items()}


@dataclass(slots=True)
class Line:
    """An open line to one system: its HTTP door, its rooms, and the last rate headers heard."""

    connection: ConnectionRow
    http: Http
    system: System
    credentials: Mapping[str, str]
    tokens: TokenCache
    clock: Clock
    heard: RateHeaders | None = None
    heard_at: int = 0
    _reader: Reader | None = None
    _writer: Writer | None = None

    @property
    def title(self) -> str:
        """What people call the system."""
        return self.system.connector.title

    @property
    def reader(self) -> Reader:
        """The system's reading half.

        Raises UsageError where it is not read.
        """
        if self._reader is None:
            if self.system.open_reader is None:
                raise UsageError(f"{self.system.connector.title} is not read.", record=self.connection.code)
            self._reader = self.system.open_reader(
                self.http, self.credentials, self._settings(), tokens=self.tokens, clock=self.clock
            )
        return self._reader

    @property
    def writer(self) -> Writer:
        """The system's writing half.

        Raises UsageError where it is never written to.
        """
        if self._writer is None:
            if self.system.open_writer is None:
                raise UsageError(f"{self.system.connector.title} is never written to.", record=self.connection.code)
            self._writer = self.system.open_writer(
                self.http, self.credentials, self._settings(), tokens=self.tokens, clock=self.clock
            )
        return self._writer

    def ping(self, *, writes: Iterable[str] = ()) -> Ping:
        """Ask the system who we are and what we may do; `writes`: the kinds that we must be able to write there."""
        settings = {**self._settings(), "writes": " ".join(sorted(writes))}
        return self.system.ping(self.http, self.credentials, settings, tokens=self.tokens, clock=self.clock)

    def _settings(self) -> Mapping[str, str]:
        base = self.connection.base_url or self.system.connector.default_base_url
        return {**{key: str(value) for key, value in self.connection.settings.items()}, "base_url": base}


def open_line(works: Works, connection_id: str) -> Line:
    """The line of a connection: credentials opened, hosts checked.

    Raises UsageError when there is no such connection.
    """
    with works.database.reading() as c:
        connection = connection_rows.known(c, connection_id)
        newest = _newest_secrets(works, c, connection_id)
    version = (
        ",".join(sorted(row.id for row in newest.values()))
        + str(connection.base_url)
        + str(sorted(connection.settings.items()))
    )
    return works.lines.get(
        connection_id, version, lambda: make_line(works, connection, _opened(works, newest), tokens=works.tokens)
    )


def _newest_secrets(works: Works, c: Connection, connection_id: str) -> dict[str, sealed_secrets.SecretRow]:
    newest: dict[str, sealed_secrets.SecretRow] = {}
    for row in sealed_secrets.in_use(c, "connection", connection_id, now=works.now()):
        newest.setdefault(row.field, row)
    return newest


def _opened(works: Works, newest: Mapping[str, sealed_secrets.SecretRow]) -> dict[str, str]:
    return {name: open_secret(works, row).reveal() for name, row in newest.items()}


def credentials_of(works: Works, c: Connection, connection_id: str) -> dict[str, str]:
    """What a connection is called with now, in the clear."""
    return _opened(works, _newest_secrets(works, c, connection_id))


def make_line(works: Works, connection: ConnectionRow, credentials: Mapping[str, str], *, tokens: TokenCache) -> Line:
    """A line with these credentials, kept or tried before they are."""
    system = works.system(connection.connector)
    for text in credentials.values():
        works.conceal(text)
    base = connection.base_url or system.connector.default_base_url
    meter = Meter()
    transport = works.transport(connection) if works.transport else None
    timeout_s = works.limits.call_timeout_s
    if system.open_http is not None:
        settings = {key: str(value) for key, value in connection.settings.items()}
        http = system.open_http(
            base, settings, allowed=works.hosts_of(system), timeout_s=timeout_s, meter=meter, transport=transport
        )
    else:
        reach = Reach(base, frozenset(system.connector.hosts), works.allowed_hosts)
        http = Http(reach, timeout_s=timeout_s, meter=meter, transport=transport)
    line = Line(connection, http, system, credentials, tokens, works.clock)
    if system.rate_of is not None:
        rate_of = system.rate_of

        def hear(_operation: str, answer: Any) -> None:
            heard = rate_of(answer)
            if heard is not None:
                line.heard, line.heard_at = heard, works.now()

        meter.on_answer = hear
    return line


def open_secret(works: Works, row: sealed_secrets.SecretRow) -> Secret:
    """Open one sealed row. Raises SealBroken when it was moved, changed or its master key is gone."""
    sealed = Sealed(row.key_id, row.nonce, row.ciphertext)
    return open_sealed(
        works.ring,
        sealed,
        workspace=row.workspace_id or "",
        owner=f"{row.owner_kind}:{row.owner_id}",
        field=row.field,
        n=row.n,
    )
