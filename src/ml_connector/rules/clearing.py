"""What waits in clearing: which captures and refunds a processor holds until a payout settles them."""

from __future__ import annotations

from ml_connector.finance.chart import Chart
from ml_connector.finance.documents import Movement, Payout, Refund, Sale
from ml_connector.finance.money import Money
from ml_connector.finance.rulebook import Rulebook, Terms
from ml_connector.rules.bookkeeping import role_of
from ml_connector.rules.days import business_day
from ml_connector.rules.mapping import Facts, choose
from ml_connector.rules.movements import balance_moved


def enters_clearing(means: str) -> bool:
    """Whether money that came this way is held by the processor until a payout.

    Cash, own terminals and gift cards are not.
    """
    return role_of(means) == "clearing"


def settled_by(payout: Payout) -> dict[str, Money]:
    """The payments and refunds whose money this payout carries, by id, and what each took off clearing."""
    found: dict[str, Money] = {}
    for entry in payout.entries:
        named = entry.refund_id or (entry.payment_id if entry.type == "CHARGE" else None)
        if named:
            moved = entry.gross.minor if entry.type in ("CHARGE", "REFUND") else 0
            before = found[named].minor if named in found else 0
            found[named] = Money(before + moved, payout.amount.currency)
    return found


def came_back(payout: Payout) -> list[int]:
    """Minor units that a payout leaves with the processor: its own where it failed, less each that it pays out anew."""
    left = [payout.amount.minor] if payout.state == "failed" else []
    return left + [-entry.net.minor for entry in payout.entries if entry.type == "RETURNED_PAYOUT"]


def shop_money(document: Sale | Refund, terms: Terms) -> Money | None:
    """What an order or a refund of a shop did to its payment method's clearing.

    None where the shop's route books no money for it: nothing was paid, a processor's route or a person books it, or
    the source is no shop.
    """
    method = document.payment_method
    if not method or method in terms.gateways_elsewhere:
        return None
    if isinstance(document, Refund):
        return -document.amount
    return document.total if document.tenders and document.state != "canceled" else None


def kept(row: Movement, terms: Terms) -> Money | None:
    """What a row of a processor's own account did to the balance we keep; None before go-live, when it was not ours."""
    early = terms.go_live is not None and business_day(row.occurred_at, terms, None) < terms.go_live
    return None if early else balance_moved(row)


def clearing_account(rulebook: Rulebook, currency: str, chart: Chart, *, method: str | None = None) -> str | None:
    """The GL account of the clearing cash account that the rules name for a currency, and a shop's payment method."""
    choice = choose(rulebook, "clearing", Facts(currency=currency, method=method))
    cash = chart.cash_accounts.get(choice.cash_account or "")
    return cash.account if cash is not None else choice.account
