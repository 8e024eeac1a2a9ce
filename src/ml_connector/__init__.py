"""ml-connector: every event of a connected system in the Visma.net ledger exactly once, with proof."""
