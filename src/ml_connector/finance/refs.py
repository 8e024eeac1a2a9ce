"""References: what of another write is only known once that one is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Ref:
    """`field` of what the write with this `key` became, filled in when the write that holds it is sent.

    `number` is what people call it, `remote_id` what calls name it by, `url` where it is shown; `base_total` is its
    debit total in the company's base currency, as the ledger worked it out.
    """

    key: str
    field: Literal["number", "remote_id", "url", "base_total"] = "number"


Number = str | Ref
"""The number of a document or a party: known, or what another write of ours will have."""
