"""A made-up life of one shop: what happens, what breaks and how long it takes is drawn from one seed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from ml_connector.engine import connecting, reviewing
from ml_connector.finance.rulebook import Mode
from ml_connector_sandbox.core.faults import Faulty
from tests.engine.world import Killed, World

MODES: tuple[Mode, ...] = ("per_record", "batch", "daily", "per_payout")
STEPS = 30
CREATES = ("/v2/journaltransaction", "/v1/customer", "/v2/customerinvoice", "/action/release")
ANSWERS = {  # of a person who mends what faults left behind
    "twice-unknown": "send-again",
    "release-refused": "release-again",
    "unposted": "release-again",
    "draft-missing": "check-again",
    "refused": "plan-again",
    "gift-card": "accept",
}
EFFECTS: tuple[str | dict[str, Any], ...] = (
    "cut_before",
    "cut_after",
    "truncate",
    {"kind": "timeout_before", "seconds": 60},
    {"kind": "timeout_after", "seconds": 60},
    {"kind": "delay_commit", "seconds": 200},
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 500, "when": "after"},
    {"kind": "status", "status": 429, "retry_after": 40},
    {"kind": "status", "status": 401},
    {"kind": "slow", "seconds": 20},
)


class Chance:
    """What any life has: a world, one seed for all that happens in it, and the story so far (printed when it fails)."""

    steps = STEPS
    creates: tuple[str, ...] = CREATES
    answers: Mapping[str, str] = ANSWERS
    world: World

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.story: list[str] = []

    def shop(self) -> Faulty:
        """The pretend vendor at the other end."""
        return self.world.square

    def trade(self) -> None:
        """One thing that people do."""
        raise NotImplementedError

    def calm(self) -> None:
        """No more faults; what is left is brought to rest."""
        raise NotImplementedError

    def live(self) -> None:
        """Everything that happens, then calm until all has settled."""
        for _ in range(self.steps):
            self.chance.choices(
                (self.trade, self.pass_time, self.break_something, self.kill_soon, self.take_over),
                weights=(10, 12, 4, 3, 1),
            )[0]()
        self.calm()

    # ------------------------------------------------------------------------------------------ what breaks

    def break_something(self) -> None:
        """One of the next calls goes wrong."""
        effect = self.chance.choice(EFFECTS)
        vendor = self.chance.choice(("visma", "visma", "square"))
        where = self.chance.choice(self.creates) if vendor == "visma" and self.chance.random() < 0.8 else "/"
        faulty = self.world.visma if vendor == "visma" else self.shop()
        if vendor == "square" and effect == {"kind": "status", "status": 401}:
            effect = {"kind": "status", "status": 503}
        faulty.add({"match": {"path": where}, "effect": effect, "skip": self.chance.randrange(6)})
        self._tell(f"fault {vendor} {where} {effect}")

    def kill_soon(self) -> None:
        """The process dies at one of its next moments."""
        left = self.chance.randrange(1, 120)

        def now(_moment: str, _what: str) -> bool:
            nonlocal left
            left -= 1
            return left == 0

        self.world.kill_when = now
        self._tell(f"kill in {left}")

    def take_over(self) -> None:
        """Another process goes on; the first is forgotten without having died."""
        self.world.works = self.world.new_works("worker-x")
        self._tell("another worker")

    # ------------------------------------------------------------------------------------------ time

    def pass_time(self) -> None:
        """Seconds or hours go by; now and then the clock is set wrongly."""
        if self.chance.random() < 0.1:
            wrong = self.chance.choice((-120, -5, 45, 900))
            self.world.clock.jump(self.world.clock.now() + timedelta(seconds=wrong))
            self._tell(f"clock jumps {wrong} s")
        seconds = self.chance.choice((5, 40, 120, 320, 700, 4_000))
        self.world.clock.advance(seconds)
        self._tell(f"{seconds} s")
        self.run()

    def run(self) -> None:
        try:
            self.world.run()
        except Killed as died:
            self._tell(f"died: {died}")
            self.world.restart()

    def _quiet(self, times: int, seconds: float) -> None:
        for _ in range(times):
            self.world.clock.advance(seconds)
            self.run()

    def _mend(self) -> None:
        world = self.world
        for item in reviewing.open_items(world.works, world.workspace):
            if item.code == "connection-paused":
                connecting.ping(world.works, item.subject)
            elif item.code in self.answers:
                reviewing.resolve(world.works, world.workspace, item.id, answer=self.answers[item.code], by="Ann")
            self._tell(f"asked: {item.code} {item.sentence[:200]}")

    def _tell(self, what: str) -> None:
        self.story.append(f"{self.world.clock.now():%d %H:%M:%S} {what}")


class Life(Chance):
    """A shop with a till, by Square."""

    def __init__(self, seed: int, url: str, folder: Path) -> None:
        super().__init__(seed)
        self.mode = MODES[seed % len(MODES)]
        self.paid: list[str] = []
        self.bills: dict[str, int] = {}  # not paid yet: gross amount
        self.customer: str | None = None
        self.world = World(url, folder, seed=seed)
        self.world.set_up(
            mode=self.mode, corrections="automatic", batch_size=3, batch_age_s=120, needs_limit_h=1000, late="next_open"
        )
        self.world.clock.advance(3 * 3600)

    # ------------------------------------------------------------------------------------------ what happens

    def trade(self) -> None:
        """One thing in the shop."""
        self.chance.choices((self.sell, self.refund, self.gift_card, self.payout, self.bill), weights=(8, 3, 1, 2, 2))[
            0
        ]()

    def sell(self) -> None:
        amount = self.chance.randrange(100, 30_000)
        lines: list[dict[str, Any]] = [{"amount": amount, "tax": self.chance.choice(("25", "12"))}]
        if self.chance.random() < 0.3:
            lines.append({"amount": self.chance.randrange(100, 9_000), "tax": "25"})
        total = sum(line["amount"] for line in lines)
        place = self.chance.choice(self.world.shop["location_ids"])
        tenders: list[dict[str, Any]] = [{"means": self.chance.choice(("card", "card", "cash", "external"))}]
        if self.chance.random() < 0.2:
            tenders = [{"means": "cash", "amount": total // 2}, {"means": "card"}]
        tip = self.chance.choice((0, 0, 500)) if tenders == [{"means": "card"}] else 0
        made = self._do("sell", location_id=place, lines=lines, tenders=[{**tenders[0], "tip": tip}, *tenders[1:]])
        if made:
            self.paid += made["payment_ids"]

    def refund(self) -> None:
        if self.paid:
            payment = self.paid.pop(self.chance.randrange(len(self.paid)))
            self._do("refund", payment_id=payment)

    def gift_card(self) -> None:
        self._do("gift_card", amount=self.chance.randrange(1000, 50_000))

    def payout(self) -> None:
        place = self.chance.choice(self.world.shop["location_ids"])
        self._do("payout", location_id=place, fail=self.chance.random() < 0.15)

    def bill(self) -> None:
        if self.bills and self.chance.random() < 0.6:
            self._do("invoice_pay", invoice_id=self.bills.popitem()[0])
            return
        who: dict[str, Any] = {"customer": {"given_name": "Ann", "email_address": "ann@shop.example"}}
        if self.customer:
            who = {"customer_id": self.customer}
        amount = self.chance.randrange(500, 40_000)
        lines = [{"amount": amount, "tax": "25"}]
        made = self._do("invoice", lines=lines, due_date="2026-05-10", **who)
        if made:
            self.customer = made["customer_id"]
            self.bills[made["invoice_id"]] = amount

    def _do(self, verb: str, **arguments: Any) -> dict[str, Any] | None:
        try:
            made = self.world.do(verb, **arguments)
        except ValueError as refused:  # the shop itself says that this makes no sense now
            self._tell(f"{verb} refused: {refused}")
            return None
        self._tell(f"{verb} {arguments}")
        return made

    def calm(self) -> None:
        """No more faults; refusals that a person must mend are mended; time passes."""
        self.world.visma.remove()
        self.world.square.remove()
        self.world.kill_when = None
        for _ in range(3):
            self._quiet(12, 120)
            self._mend()
        self.world.do("payout")
        for place in self.world.shop["location_ids"]:
            self.world.do("payout", location_id=place)
        self._quiet(14, 7_200)
        self._mend()
        self._quiet(10, 120)
