"""Which party of a target stands for one of a source: a person says so once, for every record that asks the same."""

from __future__ import annotations

from collections.abc import Sequence

from ml_connector.engine.works import Works
from ml_connector.rules.parties import GONE, MERGED, NEW, NUMBER, UNTOLD
from ml_connector.store import bindings, reviews, setups, trips
from ml_connector.store.database import Connection
from ml_connector.store.reviews import ReviewItem

BY_NUMBER = f"{NUMBER}<of the one in the ledger>"


def answers_to(item: ReviewItem) -> tuple[str, ...]:
    """What may be answered to a question about a party that was merged or is gone; nothing where it is another."""
    if item.code == MERGED:
        return tuple(item.proposal["choices"])
    return {UNTOLD: (BY_NUMBER, NEW), GONE: (BY_NUMBER,)}.get(item.code, ())


def keep(works: Works, c: Connection, item: ReviewItem, *, answer: str) -> Sequence[ReviewItem]:
    """Keep a person's word about a merged party for records to come. What else asks the same now is given back."""
    kept = item.proposal.get("bind")
    says = answer.startswith(NUMBER) or answer in answers_to(item)
    if kept is None or item.trip_id is None or not says:
        return ()
    route = setups.get_route(c, trips.by_ids(c, [item.trip_id])[item.trip_id].route_id)
    if route is None:
        return ()
    if answer != NEW:
        bindings.bind(
            c, route.target_id, kept["kind"], kept["key"], remote_id=answer.removeprefix(NUMBER).strip(), how="decided",
            workspace_id=route.workspace_id, ids=works.ids, now=works.now(),
        )  # fmt: skip
    found = reviews.open_items(c, route.workspace_id, company_id=item.company_id, code=item.code)
    return [one for one in found if one.proposal.get("bind") == kept and one.id != item.id]
