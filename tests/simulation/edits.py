"""A made-up life of a web shop whose clerk keeps changing orders that are in the books already."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from ml_connector.engine import replaying
from ml_connector.errors import ConnectorError
from ml_connector_sandbox.core.faults import Faulty
from tests.engine.shop_world import ShopWorld
from tests.engine.world import Killed
from tests.simulation.days import ANSWERS, Chance

CREATES = (
    "/v2/customerinvoice",
    "/v1/customerPayment",
    "/v2/customerCreditNote",
    "/action/release",
    "/action/void",
    "/action/reverse",
)


class Edits(Chance):
    """Orders are placed, repriced, taken back and brought again; corrections are asked about or made at once."""

    world: ShopWorld
    steps = 60
    creates: tuple[str, ...] = CREATES

    def __init__(self, seed: int, url: str, folder: Path) -> None:
        super().__init__(seed)
        self.corrections = ("automatic", "ask")[seed % 2]
        self.orders: list[dict[str, Any]] = []
        self.gross: dict[str, int] = {}  # what the shop says now, in minor units
        self.world = ShopWorld(url, folder, seed=seed)
        self.world.set_up(corrections=self.corrections, needs_limit_h=1000, late="next_open")
        self.world.clock.advance(3 * 3600)

    def shop(self) -> Faulty:
        return self.world.woo

    # ------------------------------------------------------------------------------------------ what people do

    def trade(self) -> None:
        """One thing at the desk."""
        what = (self.place, self.reprice, self.undo, self.replay, self.answer_corrections)
        self.chance.choices(what, weights=(6, 8, 2, 3, 3))[0]()

    def place(self) -> None:
        net = self.chance.randrange(10, 400)
        order = self.world.order(str(Decimal(net) * 5 / 4))
        self.orders.append(order)
        self.gross[str(order["id"])] = net * 125
        self._tell(f"order {order['id']} of {net} net")

    def reprice(self) -> None:
        if not self.orders:
            return
        order, net = self.chance.choice(self.orders), self.chance.randrange(10, 400)
        self.world.reprice(order, f"{net}.00")
        self.gross[str(order["id"])] = net * 125
        self._tell(f"order {order['id']} is {net} net now")

    def undo(self) -> None:
        self._by_name("undo", lambda trip: replaying.undo(self.world.works, trip, by="Ann"))

    def replay(self) -> None:
        self._by_name(
            "replay", lambda trip: replaying.replay_trips(self.world.works, self.world.workspace, [trip], by="Ann")
        )

    def _by_name(self, what: str, act: Any) -> None:
        """A person does something with one record that was read."""
        known = self.trips()
        if not known:
            return
        number, trip = self.chance.choice(sorted((number, trip) for number, (trip, _) in known.items()))
        try:
            act(trip)
            self._tell(f"{what} {number}")
        except ConnectorError as refused:  # on its way, taken back already
            self._tell(f"{what} {number} refused: {refused.what}")
        except Killed as died:
            self._tell(f"{what} {number} died: {died}")
            self.world.restart()

    def answer_corrections(self) -> None:
        """A person accepts what is asked."""
        try:
            self.world.answer("correction")
        except Killed as died:
            self._tell(f"answering died: {died}")
            self.world.restart()

    # ------------------------------------------------------------------------------------------ the end

    def calm(self) -> None:
        """No more faults, everything asked is accepted, time passes."""
        self.world.visma.remove()
        self.world.woo.remove()
        self.world.kill_when = None
        self.answers = {**ANSWERS, "correction": "accept"}
        for _ in range(4):
            self._quiet(8, 200)
            self._mend()
        self._quiet(8, 3_600)
        self._mend()
        self._quiet(12, 200)

    def trips(self) -> dict[str, tuple[str, str]]:
        """(trip, state) by number of the order."""
        with self.world.database.reading() as c:
            rows = c.exec_driver_sql(
                "SELECT r.external_id, t.id, t.state FROM trip t JOIN record r ON r.id = t.record_id"
                " WHERE r.kind = 'order'"
            )
            return {row[0]: (row[1], row[2]) for row in rows}
