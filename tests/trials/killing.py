"""The kill trial: a shop sells while our processes are killed at random moments, and the ledger must not notice.

Pretend vendors run in processes of their own and answer badly on purpose: commits that come late, answers that are cut
off, webhooks that come twice. At the end everything is left to finish, and the ledger is held against what truly moved:
nothing lost, nothing twice, clearing equal to the cent, the audit trail whole.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import httpx2

from ml_connector.engine import reviewing
from ml_connector.store import cursors
from tests.engine import proofs
from tests.engine.world import World
from tests.setting import ROOT, Setting, open_setting

FAULTS: tuple[dict[str, Any], ...] = tuple(
    {"match": {"method": method}, "effect": effect, "times": None, "probability": probability}
    for method, effect, probability in (
        ("POST", {"kind": "delay_commit", "seconds": 3, "answer": "cut"}, 0.06),
        ("POST", {"kind": "cut_after"}, 0.06),
        ("POST", {"kind": "cut_before"}, 0.04),
        ("GET", {"kind": "cut_before"}, 0.02),
        ("POST", {"kind": "slow", "seconds": 0.3}, 0.5),  # so that death finds calls on their way
        ("GET", {"kind": "slow", "seconds": 0.2}, 0.3),
    )
)
ENVIRONMENT = {"MLC_LEASE_S": "10", "MLC_CALL_TIMEOUT_S": "5"}
TERMS: dict[str, Any] = {"batch_age_s": 2, "batch_size": 25}
START_S = 30
CLEARING, TILL = "1580", "1910"


@dataclass(slots=True)
class Trial:
    """What happened in a trial."""

    kills: int = 0
    sales: int = 0
    refunds: int = 0
    vouchers: int = 0
    strays: int = 0
    asked: int = 0
    seconds: float = 0.0
    moments: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        return (
            f"{self.kills} kills in {self.seconds:.0f} s; {self.sales} sales and {self.refunds} refunds; "
            f"{self.vouchers} vouchers, {self.strays} stray drafts, {self.asked} questions; "
            f"killed while {dict(self.moments)}"
        )


def run_trial(
    folder: Path, *, database_url: str | None, kills: int, seed: int = 1, mode: str = "batch", workers: int = 0,
    finish_s: float = 420, intake: bool = False,
) -> Trial:  # fmt: skip
    """Sell, kill, sell, kill, ... then finish and prove. Raises AssertionError that names what is wrong.

    `intake`: webhooks come to a process of their own, which is killed too.
    """
    chance = random.Random(seed)
    began = time.monotonic()
    trial = Trial()
    door = _free_port() if intake else None
    environment = {**ENVIRONMENT, **({"MLC_INTAKE_PORT": str(door)} if door else {})}
    with open_setting(
        folder, database_url, mode=mode, seed=seed, time_scale=0.001, environment=environment, **TERMS
    ) as setting:
        port = _free_port()
        # A killed drain loses its block of calls until the window ends: by design, and a hundred times in some minutes.
        setting.control("visma", "set_rate_limit", limit=1_000_000)
        setting.subscribe(f"http://127.0.0.1:{door or port}")
        setting.fail("visma", *FAULTS)
        ours = _Ours(setting, port, workers=workers)
        try:
            while trial.kills < kills:
                ours.start_missing()
                if chance.random() < 0.9:  # else killed while it starts
                    ours.wait_until_up()
                until = time.monotonic() + chance.uniform(0.1, 4.0)
                while time.monotonic() < until:
                    _trade(setting, chance, trial)
                    time.sleep(chance.uniform(0.05, 0.6))
                killed = ours.kill_door(chance) if intake and chance.random() < 0.4 else 0
                trial.kills += killed or ours.kill_some(chance)
                trial.moments[_moment(setting)] += 1
            setting.heal("visma")
            ours.start_missing()
            _finish(setting, ours, trial, seconds=finish_s)
        finally:
            ours.end()
        _prove(setting, trial)
    trial.seconds = time.monotonic() - began
    return trial


class _Ours:
    """Our processes: one that serves, and workers beside it on PostgreSQL."""

    def __init__(self, setting: Setting, port: int, *, workers: int) -> None:
        self._setting = setting
        self._port = port
        self._names = ["serve", *(f"work-{n}" for n in range(workers))]
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start_missing(self) -> None:
        """Start whatever does not run, as a supervisor would."""
        environment = {**os.environ, **self._setting.environment, "PYTHONPATH": "src:."}
        for name in self._names:
            if name in self._running and self._running[name].poll() is None:
                continue
            command = [sys.executable, "-m", "tests.trials.process", name.partition("-")[0], str(self._port)]
            with (self._setting.folder / f"{name}.log").open("ab") as said:
                self._running[name] = subprocess.Popen(
                    command, cwd=ROOT, env=environment, stdout=said, stderr=subprocess.STDOUT
                )

    def wait_until_up(self) -> None:
        """Until the one that serves answers."""
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            try:
                self._setting.client.get(f"http://127.0.0.1:{self._port}/health")
                return
            except httpx2.TransportError:
                time.sleep(0.05)
        raise AssertionError(f"Nothing answers after {START_S} s.\n{self.said()}")

    def kill_some(self, chance: random.Random) -> int:
        """Kill one or more, without warning; how many."""
        victims = chance.sample(self._names, chance.randint(1, len(self._names)))
        for name in victims:
            self._running[name].kill()
            self._running[name].wait()
        return len(victims)

    def kill_door(self, chance: random.Random) -> int:
        """Kill the process that takes webhooks in, which the one that serves starts again; how many."""
        serving = self._running["serve"].pid
        children = [
            name for one in Path(f"/proc/{serving}/task").glob("*/children") for name in one.read_text().split()
        ]
        if not children:
            return 0
        os.kill(int(chance.choice(children)), signal.SIGKILL)
        return 1

    def end(self) -> None:
        """Ask all to end; kill what does not."""
        for process in self._running.values():
            process.terminate()
        for name, process in self._running.items():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise AssertionError(f"{name} did not end within 15 s of SIGTERM") from None

    def said(self) -> str:
        """The last lines of every log, for a failure."""
        logs = [self._setting.folder / f"{name}.log" for name in self._names]
        return "\n".join(f"--- {path.name}\n" + "\n".join(path.read_text().splitlines()[-25:]) for path in logs)


def _trade(setting: Setting, chance: random.Random, trial: Trial) -> None:
    """A little business: some sales by card and cash, now and then a refund of one of them."""
    for _ in range(chance.randint(1, 3)):
        place = chance.choice(setting.shop["location_ids"])
        lines = [{"name": "goods", "amount": chance.randint(100, 50_000), "tax": chance.choice(("25", "12"))}]
        sale = setting.sell(location_id=place, lines=lines, means=chance.choice(("card", "card", "cash")))
        trial.sales += 1
        if chance.random() < 0.2:
            setting.control("square", "refund", payment_id=sale["payment_ids"][0])
            trial.refunds += 1


def _moment(setting: Setting) -> str:
    """What was going on, told by the newest attempt whose end nobody wrote down."""
    rows = proofs.query(
        _world(setting), "SELECT call FROM attempt WHERE outcome IS NULL ORDER BY started_at DESC LIMIT 1"
    )
    return str(rows[0][0]) if rows else "between calls"


def _finish(setting: Setting, ours: _Ours, trial: Trial, *, seconds: float) -> None:
    """Wait until everything that moved is posted and nothing is on its way."""
    until = time.monotonic() + seconds
    left: Any = None
    while time.monotonic() < until:
        time.sleep(2)
        with setting.database.writing() as c:
            cursors.make_due(c, setting.square_id, now=setting.works.now())
        trial.asked += _answer_questions(setting)
        left = _left(setting)
        if not left:
            return
        ours.start_missing()
    raise AssertionError(f"After {seconds:.0f} s there is still {left}\n{_why(setting)}\n{ours.said()}")


def _answer_questions(setting: Setting) -> int:
    """What was sent twice without an answer, and is not there, is asked of a person, who looks and sends again."""
    answered = 0
    for item in reviewing.open_items(setting.works, setting.workspace):
        if item.code == "twice-unknown":
            reviewing.resolve(setting.works, setting.workspace, item.id, answer="send-again", by="trial")
            answered += 1
    return answered


def _left(setting: Setting) -> dict[str, Any]:
    counts = setting.truth()["counts"]
    states = proofs.states(_world(setting))
    left: dict[str, Any] = {}
    for kind, wanted in (("payment", counts["payments"]), ("refund", counts["refunds"])):
        done = states.get((kind, "posted"), 0)
        if done != wanted:
            left[kind] = f"{done} of {wanted} posted"
    moving = {key: n for key, n in states.items() if key[1] not in proofs.RESTING}
    return left | ({"moving": moving} if moving else {})


def _why(setting: Setting) -> str:
    world = _world(setting)
    rows = {
        name: proofs.query(world, sql)
        for name, sql in {
            "trips": "SELECT state, reason, count(*) FROM trip GROUP BY state, reason",
            "submissions": "SELECT state, fault, count(*) FROM submission GROUP BY state, fault",
            "attempts": "SELECT call, outcome, count(*) FROM attempt GROUP BY call, outcome",
            "questions": "SELECT code, sentence FROM review_item WHERE state = 'open' LIMIT 10",
            "connections": "SELECT code, state, reason FROM connection",
            "cursors": "SELECT stream, failures, reason FROM cursor WHERE failures > 0",
        }.items()
    }
    return "\n".join(f"{name}: {found}" for name, found in rows.items())


def _prove(setting: Setting, trial: Trial) -> None:
    """Our own account of it, then the vendors' without us."""
    world = _world(setting)
    proofs.expect_settled(world, strays=True)
    posted = [one for one in setting.books() if one["status"] in proofs.IN_THE_BOOKS]
    trial.vouchers, trial.strays = len(posted), len(setting.books()) - len(posted)
    where: dict[tuple[str, str], set[str]] = {}
    for voucher in posted:
        for line in voucher["lines"]:
            where.setdefault((line["reference"], line["account"]), set()).add(voucher["number"])
    twins = {name: numbers for name, numbers in where.items() if len(numbers) > 1}
    assert not twins, f"in more than one voucher: {twins}"
    days = setting.truth()["days"]
    for account, means in ((CLEARING, "card"), (TILL, "cash")):
        truly = sum(day["means"].get(means, 0) - day["refund_means"].get(means, 0) for day in days)
        booked = sum(
            100 * (Decimal(line["debit"]) - Decimal(line["credit"]))
            for voucher in posted
            for line in voucher["lines"]
            if line["account"] == account
        )
        assert booked == truly, f"account {account}: {booked} booked, {truly} truly moved"


def _world(setting: Setting) -> World:
    return cast(World, setting)  # the proofs ask for what both have: database, works, company, books


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
