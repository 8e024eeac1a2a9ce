"""What waits in clearing: which captures and refunds a processor holds until a payout settles them."""

from __future__ import annotations

from ml_connector.finance.chart import Chart
from ml_connector.finance.documents import Payout
from ml_connector.finance.rulebook import Rulebook
from ml_connector.rules.bookkeeping import role_of
from ml_connector.rules.mapping import Facts, choose


def enters_clearing(means: str) -> bool:
    """Whether money that came this way is held by the processor until a payout (cash, own terminals and gift
    cards are not).
    """
    return role_of(means) == "clearing"


def settled_by(payout: Payout) -> tuple[str, ...]:
    """Ids of the payments and refunds whose money this payout carries."""
    found = []
    for entry in payout.entries:
        if entry.refund_id:
            found.append(entry.refund_id)
        elif entry.payment_id and entry.type == "CHARGE":
            found.append(entry.payment_id)
    return tuple(found)


def came_back(payout: Payout) -> int:
    """Minor units that a payout leaves with the processor: its own where it failed, less what an earlier one left."""
    left = payout.amount.minor if payout.state == "failed" else 0
    return left - sum(entry.net.minor for entry in payout.entries if entry.type == "RETURNED_PAYOUT")


def clearing_account(rulebook: Rulebook, currency: str, chart: Chart) -> str | None:
    """The GL account of the clearing cash account that the rules name for a currency."""
    choice = choose(rulebook, "clearing", Facts(currency=currency))
    cash = chart.cash_accounts.get(choice.cash_account or "")
    return cash.account if cash is not None else choice.account
