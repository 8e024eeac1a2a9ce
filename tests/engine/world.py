"""A small world in one process: pretend vendors behind the HTTP client, a clock that moves by hand, real databases."""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import httpx2
from sqlalchemy import text

from ml_connector.clock import HandClock, micros
from ml_connector.connectors import SYSTEMS
from ml_connector.engine import connecting, ruling, setup
from ml_connector.engine.units import Ran, Unit, due_units, run_all_due
from ml_connector.engine.works import Limits, Works
from ml_connector.finance.rulebook import LocationTerms, Mode, Rule, Rulebook, Terms, When
from ml_connector.flows import FLOWS
from ml_connector.store.connection_rows import ConnectionRow
from ml_connector.store.database import Connection, Database
from ml_connector.store.ids import Ids
from ml_connector.store.migrations import migrate
from ml_connector.vault.keys import create_file
from ml_connector.vault.tokens import TokenCache
from ml_connector_sandbox.core.faults import Faulty
from ml_connector_sandbox.core.wire import Request
from ml_connector_sandbox.square import Square
from ml_connector_sandbox.visma import Visma
from tests.copying import copied
from tests.databases import lay_tables

START = datetime(2026, 3, 10, 6, 0, tzinfo=UTC)
GO_LIVE = date(2026, 3, 1)
VISMA_URL = "http://127.0.0.1:1111"
SQUARE_URL = "http://127.0.0.1:2222"


class Killed(BaseException):
    """The process dies here: no handler in the product may catch it."""


class Doomed(Database):
    """A real database that tells before and after each commit, and is gone for a process that has died."""

    moment: Callable[[str, str], None] = staticmethod(lambda _moment, _what: None)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with super().writing() as c:
            yield c
            self.moment("before", "COMMIT")
        self.moment("after", "COMMIT")

    @contextmanager
    def inbox_writing(self) -> Iterator[Connection]:
        with super().inbox_writing() as c:
            yield c
            self.moment("before", "COMMIT inbox")
        self.moment("after", "COMMIT inbox")


class World:
    """Pretend Visma and Square, one company, one shop with three locations, and the works in between."""

    def __init__(
        self, database_url: str, folder: Path, *, inbox_url: str | None = None, seed: int = 1, patience_s: float = 10
    ) -> None:
        self.seed = seed
        self.database_url = database_url
        self.clock = HandClock(START)
        self.visma = Faulty(Visma(seed=seed), seed=seed)
        self.square = Faulty(Square(seed=seed), seed=seed)
        lay_tables(database_url)
        self.database = Doomed(database_url, inbox_url=inbox_url, patience_s=patience_s)
        migrate(self.database)
        self.database.moment = self._maybe_kill
        self.folder = folder
        self.ring = create_file(folder / "master.key")
        self.kill_when: Callable[[str, str], bool] | None = None
        self.during: Callable[[str], None] | None = None
        self.dead = False
        self._starts = 0
        self.works = self.new_works()

    def new_works(self, holder: str = "worker-1") -> Works:
        """A process of ours, freshly started over the same database."""
        self._starts += 1
        return Works(
            database=self.database,
            clock=self.clock,
            ids=Ids(self.clock, random.Random(self._starts)),
            ring=self.ring,
            tokens=TokenCache(self.clock),
            flows=FLOWS,
            systems=SYSTEMS,
            holder=holder,
            limits=Limits(calls_at_once=1),
            allowed_hosts=frozenset({VISMA_URL, SQUARE_URL}),
            transport=self._transport,
        )

    def restart(self) -> None:
        """The process died and another starts."""
        self.dead = False
        self.works = self.new_works("worker-2")
        self.clock.advance(61)

    def survived(self, database_url: str) -> Self:
        """What is left if the process dies now, in copies, and a new process over them; the rest of this one goes on.

        `database_url`: a copy of the database as its last commit left it.
        """
        other = copy.copy(self)
        outside = {name: one for name, one in vars(self).items() if isinstance(one, Faulty | HandClock)}
        vars(other).update(copied(outside, instead={id(self): other}))
        other.database = Doomed(database_url)
        other.database.moment = other._maybe_kill
        other.kill_when = other.during = None
        other.restart()
        return other

    def _transport(self, connection: ConnectionRow) -> httpx2.BaseTransport:
        vendor = self.visma if connection.connector == "visma" else self.square
        return httpx2.MockTransport(lambda request: self._answer(vendor, request))

    def _answer(self, vendor: Faulty, request: httpx2.Request) -> httpx2.Response:
        self._maybe_kill("before", f"{request.method} {request.url.path}")
        if self.during is not None:
            self.during(f"{request.method} {request.url.path}")
        asked = Request(
            method=request.method,
            path=request.url.path,
            query=request.url.query.decode(),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=request.content,
            host=f"{request.url.host}:{request.url.port}",
        )
        answer = vendor.answer(asked, self.clock.now())
        if answer.delay_s:
            self.clock.advance(min(answer.delay_s, 40))
            if answer.delay_s >= 40:
                raise httpx2.ReadTimeout("too late", request=request)
        self._maybe_kill("after", f"{request.method} {request.url.path}")
        if answer.cut or answer.truncate:
            raise httpx2.RemoteProtocolError("cut", request=request)
        return httpx2.Response(answer.status, headers=list(answer.headers), content=answer.body, request=request)

    def _maybe_kill(self, moment: str, call: str) -> None:
        """A process that died does nothing any more: no `finally` of it reaches a vendor or a row."""
        if self.dead:
            raise Killed("dead already")
        if self.kill_when is not None and self.kill_when(moment, call):
            self.kill_when, self.dead = None, True
            raise Killed(f"{moment} {call}")

    # ------------------------------------------------------------------------------------------ set-up

    def set_up(self, *, mode: Mode = "per_record", posting: str = "on", **terms: Any) -> None:
        """A company, a shop and the route between them, with a complete rulebook."""
        now = self.clock.now()
        self.company = self.visma.control("seed_company", {"base_currency": "EUR"}, now)
        self.shop = self.square.control("seed_merchant", {"name": "Retail", "locations": 3}, now)
        self.workspace = setup.init(self.works)
        self.visma_id = connecting.connect(
            self.works, self.workspace, connector="visma", code="vn", title="Visma", by="test", base_url=VISMA_URL,
            credentials={key: self.company[key] for key in ("client_id", "client_secret", "tenant_id")},
            settings={"token_url": f"{VISMA_URL}/connect/token"},
        )  # fmt: skip
        self.square_id = connecting.connect(
            self.works, self.workspace, connector="square", code="sq", title="Square", by="test", base_url=SQUARE_URL,
            credentials={"access_token": self.shop["pat"]}, settings={"requests_per_second": "1000"},
        )  # fmt: skip
        self.company_id = setup.add_company(
            self.works, self.workspace, connection_id=self.visma_id, name="Retail AB", time_zone="Europe/Dublin",
            go_live=GO_LIVE, by="test",
        )  # fmt: skip
        self.terms = Terms(
            mode=mode, time_zone="Europe/Dublin", gift_cards="multi", gratuity_taxed=True, fee_vat="exempt",
            locations={one: LocationTerms(time_zone="Europe/Dublin") for one in self.shop["location_ids"]},
            **terms,
        )  # fmt: skip
        self.route_id = setup.add_route(
            self.works, company_id=self.company_id, flow="square_to_visma", source_id=self.square_id, terms=self.terms,
            posting=posting, by="test",
        )  # fmt: skip
        self.saved = ruling.save_rules(self.works, self.route_id, self.rulebook(), by="test")

    def rulebook(self) -> Rulebook:
        """Every role mapped to the seeded chart."""
        places = self.shop["location_ids"]
        departments = [
            Rule(
                f"at {place}",
                ("sales", "service_charge", "fee", "tips"),
                When(location=(place,)),
                dimensions=((1, f"{n}0"), (2, "000")),
            )
            for n, place in enumerate(places, start=1)
        ]
        rates = [("25", "3001", "25", "S25", "2611"), ("12", "3002", "12", "S12", "2621")]
        by_rate = []
        for rate, sales, code, vat_id, payable in rates:
            when = When(vat_rate=(Decimal(rate),))
            by_rate.append(Rule(f"sales {rate}", ("sales", "service_charge"), when, account=sales, vat_code=code))
            by_rate.append(Rule(f"vat {rate}", ("vat",), when, account=payable, vat_id=vat_id, vat_code=code))
        plain = [
            ("clearing", "1580", "SQUARE"),
            ("till", "1910", "CASH"),
            ("bank", "1930", "BANK"),
            ("external", "1585", "CARD"),
        ]
        cash = [
            Rule(role, (role,), account=account, cash_account=account, payment_method=method)
            for role, account, method in plain
        ]
        others = [
            ("sales", "3004"), ("service_charge", "3004"), ("tips", "2820"), ("gift_cards", "2421"), ("fee", "6570"),
            ("rounding", "3740"), ("suspense", "1799"), ("dispute_receivable", "1521"), ("dispute_fee", "6571"),
            ("dispute_loss", "6351"), ("reserve", "1684"), ("transit", "1690"), ("fee_settlement", "2895"),
            ("payout_adjustment", "1799"),
        ]  # fmt: skip
        rest = [Rule(f"any {role}", (role,), account=account) for role, account in others]
        no_vat = Rule("no vat", ("no_vat",), account="3004", vat_code="NONE")
        return Rulebook(1, date.min, (*departments, *by_rate, *cash, *rest, no_vat))

    # ------------------------------------------------------------------------------------------ running

    def run(self, *, only: Callable[[Unit], bool] = lambda _unit: True) -> list[Ran]:
        """Everything that is due now, until nothing is."""
        return run_all_due(self.works, only=only, most=500)

    def pass_time(self, seconds: float = 400, *, step: float = 5) -> None:
        """Let time go by in steps, running what becomes due. Steps at which nothing is due are taken at once."""
        end = self.clock.now() + timedelta(seconds=seconds)
        while self.clock.now() < end:
            self._skip_idle_steps(step, before=end)
            self.clock.advance(step)
            self.run()

    def _skip_idle_steps(self, step: float, *, before: datetime) -> None:
        """To the last step before the next reading, or not so far where other work becomes due earlier.

        Looking whether anything is due costs much more than the clock: most of a test's looks would find nothing.
        """
        now = self.clock.now()
        with self.database.reading() as c:
            reading = c.execute(text("SELECT min(due_at) FROM cursor WHERE due_at > :now"), {"now": micros(now)})
            next_us = min(reading.scalar() or micros(before), micros(before))
        skipped = math.ceil((next_us - micros(now)) / (step * 1_000_000)) - 1
        while skipped > 0:
            self.clock.advance(skipped * step)
            if not due_units(self.works):
                return
            self.clock.advance(-skipped * step)
            skipped //= 2

    def sell(self, **arguments: Any) -> dict[str, Any]:
        """One sale in the shop."""
        return dict(self.square.control("sell", arguments, self.clock.now()))

    def do(self, verb: str, **arguments: Any) -> dict[str, Any]:
        """Anything else that happens in the shop."""
        return dict(self.square.control(verb, arguments, self.clock.now()))

    def ledger(self, verb: str, **arguments: Any) -> Any:
        """Something a person does in Visma."""
        return self.visma.control(verb, {"tenant_id": self.company["tenant_id"], **arguments}, self.clock.now())

    def tamper(self, shelf: str, **changes: Any) -> None:
        """The first object on a shelf of the pretend Square has other content now, as no till could have made it."""
        merchant = next(iter(self.square.vendor.world.merchants.values()))  # type: ignore[attr-defined]
        row = next(iter(getattr(merchant, shelf).rows.values()))
        row.body.update(changes, updated_at=self.clock.now().strftime("%Y-%m-%dT%H:%M:%S.000Z"))
        getattr(merchant, shelf).changed(row, micros(self.clock.now()))

    def forge(self, shelf: str, **changes: Any) -> None:
        """One more object like the first on a shelf of the pretend Square, with another id."""
        merchant = next(iter(self.square.vendor.world.merchants.values()))  # type: ignore[attr-defined]
        rows = getattr(merchant, shelf)
        row = next(iter(rows.rows.values()))
        now = self.clock.now().strftime("%Y-%m-%dT%H:%M:%S.000Z")
        body = {**row.body, "id": f"{row.id}x", "created_at": now, "updated_at": now, **changes}
        rows.put(type(row)(body, row.location, micros(self.clock.now())))

    def fail(self, vendor: str, operation: str, effect: str | dict[str, Any], **rule: Any) -> str:
        """From now on this call fails in this way (once, unless `times` says otherwise)."""
        faulty = self.visma if vendor == "visma" else self.square
        match = {"path": operation} if operation.startswith("/") else {"operation": operation}
        return faulty.add({"match": match, "effect": effect, **rule})

    def books(self) -> list[dict[str, Any]]:
        """Every voucher in the pretend ledger."""
        return list(self.visma.control("books", {"tenant_id": self.company["tenant_id"]}, self.clock.now())["vouchers"])

    def close(self) -> None:
        self.works.lines.close()
        self.database.close()
