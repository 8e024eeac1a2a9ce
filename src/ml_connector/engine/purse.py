"""Calls a unit may still make.

They are taken in blocks from the connection's budget row, which is fed by what the target's headers say.
"""

from __future__ import annotations

from ml_connector.engine.works import Line, Works
from ml_connector.store import budget
from ml_connector.store.budget import Block
from ml_connector.store.database import Connection

BLOCK = 50  # calls taken at once: a crash loses at most these, a tenth of the smallest window, until it ends


class Purse:
    """The calls of one drain. `take` and `settle` belong into the drain's transactions, `spent` follows the calls."""

    def __init__(self, works: Works, line: Line) -> None:
        self._works, self._line = works, line
        self._block: Block | None = None
        self._left = 0

    def take(self, c: Connection, wanted: int) -> int:
        """How many of `wanted` calls may be made now; 0 when the window is used up."""
        if not self._line.system.rate_of:
            return wanted
        now = self._works.now()
        if self._block is not None and now >= self._block.window_ends_at:
            self._block, self._left = None, 0
        if self._left <= 0:
            connection = self._line.connection
            self._block = budget.take(
                c, connection.workspace_id, connection_id=connection.id, calls=max(BLOCK, wanted), now=now
            )
            self._left = self._block.calls if self._block else 0
        return max(0, min(wanted, self._left))

    def spent(self, calls: int) -> None:
        """These calls were made."""
        self._left -= calls

    def settle(self, c: Connection) -> None:
        """Tell the budget row what the last answers' headers said."""
        heard = self._line.heard
        if heard is None:
            return
        self._line.heard = None
        connection = self._line.connection
        budget.hear(
            c,
            connection.workspace_id,
            connection_id=connection.id,
            limit=heard.limit,
            remaining=heard.remaining,
            window_ends_at=self._line.heard_at + heard.reset_s * 1_000_000,
            now=self._works.now(),
        )

    def close(self, c: Connection) -> None:
        """Give back what was not used."""
        if self._block is not None and self._left > 0:
            budget.give_back(c, self._block, unused=self._left)
        self._block, self._left = None, 0
