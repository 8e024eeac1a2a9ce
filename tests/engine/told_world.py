"""A world that tells what came of its records, by the words a person would ask with."""

from __future__ import annotations

from importlib.resources import files

from ml_connector.engine import reviewing
from tests.engine.proofs import query
from tests.engine.world import World


class ToldWorld(World):
    """Beside the shop of `World`, or instead of it, a system of its own."""

    def trips(self, kind: str | None = None) -> dict[str, tuple[str, str | None]]:
        """(state, reason) by external id; of every kind: by kind and external id."""
        rows = query(
            self, "SELECT r.kind, r.external_id, t.state, t.reason FROM trip t JOIN record r ON r.id = t.record_id"
        )
        return {
            external_id if kind else f"{of} {external_id}": (state, reason)
            for of, external_id, state, reason in rows
            if kind in (None, of)
        }

    def keys(self) -> dict[str, str]:
        """State of each live write by key."""
        rows = query(self, "SELECT key, state FROM planned_write WHERE state NOT IN ('dropped', 'reversed')")
        return {row[0]: row[1] for row in rows}

    def items(self) -> dict[str, str]:
        """Sentence of each open question by its code."""
        return {one.code: one.sentence for one in reviewing.open_items(self.works, self.workspace)}


def brought(name: str) -> str:
    """Rules or terms that the product brings along."""
    return files("ml_connector.cli").joinpath(name).read_text(encoding="utf-8")
