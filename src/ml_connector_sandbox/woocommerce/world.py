"""All shops of one process, the time they were told last, and what they send out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ml_connector_sandbox.core.agenda import Agenda
from ml_connector_sandbox.core.wire import Delivery
from ml_connector_sandbox.woocommerce.state import Store


@dataclass(slots=True)
class World:
    """Shops by name. Time never runs backwards."""

    seed: int
    time_scale: float
    now: int = 0
    stores: dict[str, Store] = field(default_factory=dict)
    letters: list[tuple[str, Delivery]] = field(default_factory=list)  # key hand-overs on their way out
    handed: dict[str, tuple[str, str]] = field(default_factory=dict)  # delivery id -> (store, consumer key)
    agenda: Agenda = field(default_factory=Agenda)

    def tell(self, now: int) -> int:
        """Take a later time, have what was planned until then happen; answers the time that counts."""
        for due, happen in self.agenda.until(now):
            self.now = max(self.now, due)
            happen(self.now)
        self.now = max(self.now, now)
        return self.now

    def later(self, at: int, happen: Callable[[int], None]) -> None:
        """Have something happen when that time is told."""
        self.agenda.add(at, happen)

    def store(self, name: object) -> Store:
        """A shop by name; the first one when none is named. ValueError when there is none."""
        if not self.stores:
            raise ValueError("There is no shop: use seed_store first.")
        if name is None:
            return next(iter(self.stores.values()))
        if name not in self.stores:
            raise ValueError(f"No shop is called {name!r}. There are: {', '.join(self.stores)}.")
        return self.stores[str(name)]

    def at_path(self, path: str) -> Store | None:
        """The shop whose folder the path lies in, the deepest one."""
        fits = [s for s in self.stores.values() if path == s.path or path.startswith(f"{s.path}/")]
        return max(fits, key=lambda s: len(s.path), default=None)

    def due(self, store: Store, now: int) -> list[Delivery]:
        """What a shop sends now; ids are made unique among shops."""
        letters = [d for name, d in self.letters if name == store.name]
        self.letters = [pair for pair in self.letters if pair[0] != store.name]
        made = store.desk.due(now)
        return letters + [Delivery(f"{store.name}|{d.id}", d.url, d.headers, d.body) for d in made]

    def ended(self, delivery_id: str, status: int | None, now: int) -> None:
        """A key lives on only when its receiver said exactly 200; a webhook counts its outcome."""
        if delivery_id in self.handed:
            name, key = self.handed.pop(delivery_id)
            if status != 200 and name in self.stores:
                self.stores[name].keys.pop(key, None)
            return
        name, _, attempt = delivery_id.rpartition("|")
        if name in self.stores:
            self.stores[name].desk.ended(attempt, status, now)
