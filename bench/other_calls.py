"""What an order of a web shop and a payment through a wallet cost in calls to Visma."""

from __future__ import annotations

from bench import visma_calls
from bench.figures import Figure

TITLE = "Visma calls: an order of a web shop, a payment through a wallet"
SIZE, QUICK = 500, 60
LONGEST_S = 300


def run(size: int = SIZE) -> list[Figure]:
    """Post `size` records of each source in each way."""
    return visma_calls.run(size, visma_calls.OTHERS)
