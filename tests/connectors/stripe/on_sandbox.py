"""Our rooms wired to the pretend Stripe over real HTTP: a server in a thread, all on one clock that tests move."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import uvicorn

from ml_connector.clock import HandClock
from ml_connector.connectors.http import Http, Reach
from ml_connector.connectors.shapes import Absent, Context, Ping, SourceObject, Subscribed
from ml_connector.connectors.stripe.checks import ping
from ml_connector.connectors.stripe.reader import StripeReader, open_reader
from ml_connector.connectors.stripe.subscriptions import watch
from ml_connector.connectors.stripe.translate import translate
from ml_connector.connectors.stripe.writer import StripeWriter, open_writer
from ml_connector_sandbox.core.faults import Faulty
from ml_connector_sandbox.core.server import Application, Clock, bound_socket
from ml_connector_sandbox.core.wire import Delivery
from ml_connector_sandbox.stripe import Stripe

START = datetime(2026, 11, 20, 14, tzinfo=UTC)
URL = "https://door.example/hooks/stripe/secret"
SETTINGS = {"requests_per_second": "1000"}
TIMEOUT_S = 10.0


class VendorClock(Clock):
    """The vendor's time is the test's."""

    def __init__(self, hand: HandClock) -> None:
        super().__init__()
        self.hand = hand

    def now(self) -> datetime:
        return self.hand.now()


@dataclass
class Account:
    """A seeded account behind a port, its clock, and our rooms around it."""

    vendor: Stripe
    faulty: Faulty
    base: str
    clock: HandClock
    key: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    credentials: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.facts = self.do("seed_account", name="Example AS", country="NO", currency="nok")
        self.do("knobs", duplicate_share=0.0)
        self.credentials = {"api_key": self.facts["secret_key"]}
        self.http = Http(Reach(self.base, frozenset(), frozenset({self.base})), timeout_s=TIMEOUT_S)
        self.kept_writer = self.new_writer()

    def do(self, verb: str, **arguments: Any) -> Any:
        return self.vendor.control(verb, arguments, self.clock.now())

    def fault(self, effect: Mapping[str, Any], **match: str) -> None:
        """One fault of the network or the server, such as a cut connection or an HTML page."""
        self.faulty.add({"match": match, "effect": dict(effect), "times": 1})

    def reader(self) -> StripeReader:
        """As after a restart: nothing remembered."""
        return open_reader(self.http, self.credentials, SETTINGS, tokens=None, clock=self.clock)

    def new_writer(self) -> StripeWriter:
        return open_writer(self.http, self.credentials, SETTINGS, tokens=None, clock=self.clock)

    @property
    def writer(self) -> StripeWriter:
        return self.kept_writer

    def restricted(self, **grants: str) -> None:
        """From now on we hold a restricted key with these permissions."""
        self.credentials = {"api_key": self.do("key", grants=grants)["secret"]}
        self.kept_writer = self.new_writer()

    def restart(self) -> None:
        """The writer remembers nothing any more."""
        self.kept_writer = self.new_writer()

    def ping(self, *, writes: str = "") -> Ping:
        return ping(self.http, self.credentials, {**SETTINGS, "writes": writes}, tokens=None, clock=self.clock)

    def held(self) -> dict[str, int]:
        """How many objects of each kind the account holds, events too: every change tells one."""
        counts: dict[str, int] = self.do("truth")["counts"]
        return counts

    def watch(self, url: str = URL) -> Subscribed | None:
        return watch(self.http, self.credentials, url, clock=self.clock)

    def context(self, token: str = "MLC8F3C21A", **given: Any) -> Context:
        return Context(token, f"st:inv:{token}", **{"started_at": self.clock.now(), **given})

    # ------------------------------------------------------------------------------------------ reading

    def fetched(self, kind: str, id_: str) -> Any:
        """The present state of one record as a document."""
        (found,) = self.reader().fetch(kind, [id_])
        assert isinstance(found, SourceObject), found
        return translate(found.kind, found.payload)

    def absent(self, kind: str, id_: str) -> bool:
        (found,) = self.reader().fetch(kind, [id_])
        return isinstance(found, Absent)

    def poll(
        self, stream: str, position: str | None = None, *, between: Callable[[int], None] = lambda _page: None,
        **given: Any,
    ) -> tuple[list[SourceObject], list[str], str]:  # fmt: skip
        """All pages of one round, each by a fresh reader: records, named ids, position."""
        found: list[SourceObject] = []
        named: list[str] = []
        for number in range(500):
            page = self.reader().page(stream, position, now=self.clock.now(), **given)
            found += page.objects
            named += [one.external_id for one in page.named]
            position = page.position
            if not page.more:
                return found, named, position
            between(number)
        raise AssertionError("the poll does not end")

    # ------------------------------------------------------------------------------------------ the rest

    def stored(self, kind: str) -> list[dict[str, Any]]:
        """Every object of a kind, oldest first."""
        rows: list[dict[str, Any]] = self.do("truth", detail=True)["objects"][kind]
        return rows

    def deliveries(self, status: int = 200) -> list[Delivery]:
        due = self.vendor.deliveries(self.clock.now())
        for one in due:
            self.vendor.delivered(one, status, self.clock.now())
        return due

    @property
    def calls(self) -> dict[str, int]:
        return dict(self.http.meter.calls)

    def forget_calls(self) -> None:
        self.http.meter.calls.clear()

    def wait(self, **how: float) -> None:
        """Let time pass, seconds, minutes, hours or days."""
        units = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
        self.clock.advance(sum(units[name] * value for name, value in how.items()))


@dataclass(frozen=True, slots=True)
class Served:
    """The pretend Stripe behind a port; every account is made on an empty one."""

    vendor: Stripe
    faulty: Faulty
    clock: VendorClock
    base: str

    def account(self, start: datetime = START) -> Account:
        """A fresh account, alone there."""
        self.vendor.control("reset", {}, start)
        self.faulty.remove(None)
        self.clock.hand = HandClock(start)
        return Account(self.vendor, self.faulty, self.base, self.clock.hand)


@contextmanager
def serving() -> Iterator[Served]:
    """A server on a free port that ends with the block."""
    vendor = Stripe()
    faulty = Faulty(vendor)
    clock = VendorClock(HandClock(START))
    sock = bound_socket(0)
    config = uvicorn.Config(Application(faulty, clock), lifespan="off", log_level="error", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + TIMEOUT_S
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.005)
    try:
        yield Served(vendor, faulty, clock, f"http://127.0.0.1:{sock.getsockname()[1]}")
    finally:
        server.should_exit = True
        thread.join(timeout=TIMEOUT_S)
        assert not thread.is_alive()
