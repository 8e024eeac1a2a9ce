"""Where a collected invoice can be paid: asked anew each time, as such an address dies a while after it was read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ml_connector.engine.sending import content_of, context_of
from ml_connector.engine.works import Works, open_line
from ml_connector.errors import ConnectorError
from ml_connector.store.submissions import Submission

_KIND = "collection_invoice"
_STANDS = frozenset({"releasing", "done"})


@dataclass(frozen=True, slots=True)
class PayPage:
    """How an invoice stands where it is collected.

    `url` is empty where nothing is to be paid there, or `trouble` says why it could not be asked.
    """

    key: str
    number: str
    status: str = ""
    url: str = ""
    trouble: str = ""


def pay_pages(works: Works, submissions: Sequence[Submission]) -> tuple[PayPage, ...]:
    """The pages of those that are invoices which another system collects. One call each; never raises for a fault."""
    return tuple(_page(works, one) for one in submissions if one.kind == _KIND and one.state in _STANDS)


def _page(works: Works, one: Submission) -> PayPage:
    remote_id, number = one.remote_id or "", one.number or ""
    try:
        seen = open_line(works, one.target_id).writer.observe(one.kind, [(content_of(one), context_of(one))])[remote_id]
    except ConnectorError as fault:
        return PayPage(one.key, number, trouble=str(fault))
    return PayPage(one.key, seen.number or number, seen.status, str(seen.facts.get("url") or ""))
