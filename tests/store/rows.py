"""Rows with readable defaults, for tests of the store."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert

from ml_connector.store import tables

WORKSPACE = "W1"
COMPANY = "C1"
LEDGER = "VISMA1"
SHOP = "SQ1"
ROUTE = "R1"
T0 = 1_700_000_000_000_000


def a_company(c: Connection) -> None:
    """One workspace with a ledger, a shop, a company and a route between them."""
    c.execute(insert(tables.workspace).values(id=WORKSPACE, name="Nordlys", created_at=T0))
    for connection_id, connector in ((LEDGER, "visma"), (SHOP, "square")):
        c.execute(
            insert(tables.connection).values(
                id=connection_id, workspace_id=WORKSPACE, connector=connector, code=connector, title=connector,
                account_ref=connection_id, state="ready", created_at=T0,
            )
        )  # fmt: skip
    c.execute(
        insert(tables.company).values(
            id=COMPANY, workspace_id=WORKSPACE, connection_id=LEDGER, name="Nordlys AS", base_currency="NOK",
            time_zone="Europe/Oslo", created_at=T0,
        )
    )  # fmt: skip
    c.execute(
        insert(tables.route).values(
            id=ROUTE, workspace_id=WORKSPACE, company_id=COMPANY, flow="square_to_visma", source_id=SHOP,
            target_id=LEDGER, created_at=T0,
        )
    )  # fmt: skip


def a_record(number: int = 1, **values: Any) -> dict[str, Any]:
    return {
        "id": f"REC{number}", "workspace_id": WORKSPACE, "connection_id": SHOP, "kind": "order",
        "external_id": f"order-{number}", "current_n": 1, "created_at": T0, "updated_at": T0,
    } | values  # fmt: skip


def a_trip(c: Connection, number: int = 1, state: str = "received", **values: Any) -> str:
    c.execute(insert(tables.record).values(a_record(number)))
    row = {
        "id": f"TRIP{number}", "workspace_id": WORKSPACE, "route_id": ROUTE, "record_id": f"REC{number}",
        "kind": "order", "state": state, "created_at": T0, "updated_at": T0,
    } | values  # fmt: skip
    c.execute(insert(tables.trip).values(row))
    return str(row["id"])


def a_write(number: int = 1, state: str = "open", **values: Any) -> dict[str, Any]:
    return {
        "id": f"WRITE{number}", "workspace_id": WORKSPACE, "company_id": COMPANY, "trip_id": "TRIP1",
        "target_id": LEDGER,
        "key": "sq:sale:1", "revision": 1, "kind": "journal", "content": "{}", "hash": "h", "state": state,
        "created_at": T0, "updated_at": T0,
    } | values  # fmt: skip


def a_submission(c: Connection, number: int = 1, state: str = "ready", **values: Any) -> str:
    row = {
        "id": f"SUB{number}", "workspace_id": WORKSPACE, "company_id": COMPANY, "target_id": LEDGER,
        "key": f"sq:sale:{number}", "token": f"TOKEN{number}", "kind": "journal", "content": "{}", "hash": "h",
        "state": state, "created_at": T0, "updated_at": T0,
    } | values  # fmt: skip
    c.execute(insert(tables.submission).values(row))
    return str(row["id"])


def an_attempt(number: int = 1, **values: Any) -> dict[str, Any]:
    return {
        "id": f"ATT{number}", "workspace_id": WORKSPACE, "submission_id": "SUB1", "call": "create", "n": number,
        "started_at": T0,
    } | values  # fmt: skip
