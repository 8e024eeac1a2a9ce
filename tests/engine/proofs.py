"""What must be true of a world in which everything has come to rest."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import text

from ml_connector.engine import census, clearing
from ml_connector.store import audit_proof
from tests.engine.world import World

RESTING = {"posted", "ignored", "held", "reversed"}
IN_THE_BOOKS = {"Posted", "Released", "Closed", "Open"}


def query(world: World, sql: str, **values: Any) -> list[Any]:
    """Rows of the main database."""
    with world.database.reading() as c:
        return [tuple(row) for row in c.execute(text(sql), values)]


def states(world: World) -> dict[tuple[str, str], int]:
    """How many trips by kind and state."""
    return {
        (kind, state): n
        for kind, state, n in query(world, "SELECT kind, state, count(*) FROM trip GROUP BY kind, state")
    }


def questions(world: World) -> list[str]:
    """Codes of open questions to people."""
    return sorted(row[0] for row in query(world, "SELECT code FROM review_item WHERE state = 'open'"))


def in_ledger(world: World) -> list[dict[str, Any]]:
    """Vouchers that count: released and posted."""
    return [one for one in world.books() if one["status"] in IN_THE_BOOKS]


def drafts(world: World) -> list[dict[str, Any]]:
    """Vouchers that are in the ledger's database but not in its books."""
    return [one for one in world.books() if one["status"] not in IN_THE_BOOKS]


def lines_in_ledger(world: World) -> Counter[tuple[Any, ...]]:
    """Every line that counts, without the vouchers' numbers and references."""
    return Counter(
        (
            one["module"],
            one["date"],
            one["currency"],
            line["account"],
            str(line["segments"]),
            line["debit"],
            line["credit"],
        )
        for one in in_ledger(world)
        for line in one["lines"]
    )


def turnover(world: World) -> dict[tuple[str, str], int]:
    """Debit less credit in cents by (date, account)."""
    found: Counter[tuple[str, str]] = Counter()
    for one in in_ledger(world):
        for line in one["lines"]:
            found[one["date"], line["account"]] += round(100 * float(line["debit"])) - round(
                100 * float(line["credit"])
            )
    return {key: amount for key, amount in found.items() if amount}


def expect_settled(world: World, said: str = "", *, strays: bool = False, waiting: bool = False) -> None:
    """Nothing half done, nothing twice, nothing missing, nothing unexplained, the chain unbroken."""
    resting = RESTING | ({"waiting"} if waiting else set())
    moving = {key: n for key, n in states(world).items() if key[1] not in resting}
    assert moving == {}, f"{said}: {moving} {query(world, 'SELECT id, kind, state, reason, due_at FROM trip')}"
    assert query(world, "SELECT call, outcome FROM attempt WHERE outcome IS NULL OR outcome = 'unknown'") == [], said
    sent = query(world, "SELECT key, state, fault FROM submission WHERE state NOT IN ('done', 'cancelled')")
    assert sent == [], f"{said}: {sent}"
    unsent = query(
        world,
        "SELECT w.key, w.state, t.state FROM planned_write w JOIN trip t ON t.id = w.trip_id "
        "WHERE w.state = 'sealed' OR w.state = 'open' AND t.state <> 'held'",
    )
    assert unsent == [], f"{said}: {unsent}"
    expect_one_voucher_for_each(world, said, strays=strays)
    for one in clearing.statements(world.works, world.company_id):
        assert one.unexplained.minor == 0, f"{said}: {one}"
    counted = census.census(world.works, world.company_id)
    assert counted.ok, f"{said}: {counted}"
    with world.database.reading() as c:
        verdict = audit_proof.verify(c)
    assert verdict.ok, f"{said}: {verdict}"


def expect_one_voucher_for_each(world: World, said: str = "", *, strays: bool = False) -> None:
    """Every document of ours that is done is one voucher in the books, and there is no other voucher."""
    done = query(
        world,
        "SELECT kind, number FROM submission WHERE state = 'done' "
        "AND kind NOT IN ('customer', 'supplier', 'dimension_value')",
    )
    assert len(done) == len(in_ledger(world)), (
        f"{said}: {len(done)} done, {len(in_ledger(world))} vouchers in the books"
    )
    if not strays:
        assert drafts(world) == [], f"{said}: {drafts(world)}"
