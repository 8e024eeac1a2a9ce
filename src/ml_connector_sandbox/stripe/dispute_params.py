"""The parameters of a dispute: evidence texts by name."""

from __future__ import annotations

from ml_connector_sandbox.stripe.disputes import EVIDENCE
from ml_connector_sandbox.stripe.params import EXPAND, Table

_LONGEST = 20_000

DISPUTE_EDIT: Table = EXPAND | {
    "evidence": dict.fromkeys(EVIDENCE, f"str:{_LONGEST}") | {"appeal": "unplayed", "enhanced_evidence": "unplayed"},
    "intended_submission_method": "unplayed",
    "metadata": "map",
    "submit": "bool",
}
