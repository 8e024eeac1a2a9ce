"""What pretend vendors have in common whose world is told the time: verbs, and webhooks that are due."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from ml_connector_sandbox.core.instants import micros
from ml_connector_sandbox.core.wire import Delivery


class Desk(Protocol):
    """What sends webhooks; times in microseconds."""

    def due(self, now: int, /) -> list[Delivery]: ...

    def ended(self, delivery_id: str, status: int | None, now: int, /) -> None: ...


class World(Protocol):
    """All a vendor knows. Time never runs backwards."""

    @property
    def now(self) -> int: ...

    @property
    def desk(self) -> Desk: ...

    def advance(self, now: int, /) -> None: ...


W = TypeVar("W", bound=World)


class Timely(ABC, Generic[W]):
    """A vendor around such a world, which the verb `reset` makes anew."""

    refused: type[Exception]  # how the vendor's own code refuses

    def __init__(self) -> None:
        self.world = self._new_world()

    @abstractmethod
    def _new_world(self) -> W:
        """The world as it begins."""

    @abstractmethod
    def _act(self, verb: str, arguments: dict[str, Any], now: int) -> Any:
        """Do one verb other than `reset`."""

    def _told(self, at: datetime) -> int:
        """The instant that counts, once everything due by then has happened."""
        now = max(micros(at), self.world.now)
        self.world.advance(now)
        return now

    def control(self, verb: str, arguments: dict[str, Any], at: datetime) -> Any:
        """Run one control verb (see the vendor's README.md). ValueError says what is wrong with it."""
        if verb == "reset":
            self.world = self._new_world()
            return {"reset": True}
        now = self._told(at)
        try:
            result = self._act(verb, arguments, now)
        except self.refused as refused:
            raise ValueError(f"{verb}: {refused}") from refused
        self.world.advance(now)
        return result

    def deliveries(self, at: datetime) -> list[Delivery]:
        """Take the webhooks due by then."""
        now = self._told(at)
        return self.world.desk.due(now)

    def delivered(self, delivery: Delivery, status: int | None, at: datetime) -> None:
        """Note how an attempt ended."""
        self.world.desk.ended(delivery.id, status, max(micros(at), self.world.now))
