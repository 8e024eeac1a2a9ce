"""Settling: what was sent is looked for, read back, released and finished; nobody's word but the ledger's counts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from ml_connector.engine import comparing, filing, probing, releasing
from ml_connector.engine.books import Books
from ml_connector.engine.purse import Purse
from ml_connector.engine.works import Line, Works
from ml_connector.store.leases import Lease


def settle_due(
    works: Works, lease: Lease, books: Books, line: Line, *, purse: Purse, pool: ThreadPoolExecutor, until: int
) -> tuple[Lease, int]:
    """One round over everything that is on its way. Returns the renewed lease and how much moved."""
    moved = 0
    for step in (probing.find_orphans, probing.probe, probing.ask_jobs, filing.bring):
        lease, count = step(works, lease, books, line, purse)
        moved += count
    lease, count = comparing.check_drafts(works, lease, books, line, purse=purse, pool=pool)
    moved += count
    lease, count = releasing.release_checked(works, lease, books, line, purse=purse, pool=pool, until=until)
    moved += count
    lease, count = releasing.confirm_released(works, lease, books, line, purse)
    moved += count
    return lease, moved
