"""The recipes of everything else that moves a processor's balance: the balance against the role the movement has.

Fees, holds, withdrawals, funding, disputes, payments sent, adjustments. A rule for `payout_adjustment` that names the
event code decides before all others; what nothing names goes to suspense with a warning, never away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from ml_connector.finance.documents import Movement, MovementRole
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Finding, Plan
from ml_connector.rules.bookkeeping import Books, Sheet
from ml_connector.rules.exchanges import plan_exchange
from ml_connector.rules.mapping import Facts
from ml_connector.rules.receipts import MEANS, group_of, post_fee
from ml_connector.rules.texts import begun

ROLES: Mapping[MovementRole, str] = {
    "fee": "fee",
    "fee_returned": "fee",
    "reserve": "reserve",
    "dispute": "dispute_receivable",
    "withdrawal": "bank",
    "withdrawal_returned": "bank",
    "funding": "bank",
}
"""Movement -> the account role that stands against the balance. Others: a rule, else suspense."""

CODES: Mapping[str, str] = {
    "T0106": "dispute_fee",  # of a chargeback
    # Cards that fund a payment or are paid back: which account stands behind them only a rule knows.
    "T06": "",
    "T07": "",
}
"""Event codes, or their first three characters, that are other than their group. Empty: a rule, else suspense."""

_UNMOVED = frozenset({"pending", "denied"})


def plan_movement(
    row: Movement, *, as_role: MovementRole, key: str, day: date, books: Books, mirrors: Movement | None = None
) -> Plan:
    """One journal.

    `as_role`: what the movement is. One that `mirrors` another stands where that one does, unless a rule names its own
    event code.
    """
    sheet = _sheet(row, key, day, books)
    like = row if mirrors is None or _ruled(sheet, row) else mirrors
    if like is not row:
        sheet.facts = facts_of(like)
    against = _against(sheet, like, as_role)
    if against == "fee":
        post_fee(sheet, -row.amount.minor, type_=like.code)
    else:
        sheet.post(against, -row.amount.minor)
    if row.fee is not None and row.fee.minor:
        _post_own_fee(sheet, row, as_role)
    sheet.post("clearing", row.net.minor)
    write = sheet.write(f"{_words(as_role)} {row.transaction_id} ({row.code})")
    return Plan((write,) if write else (), tuple(sheet.findings))


def plan_conversion(sold: Movement, bought: Movement, *, key: str, day: date, books: Books) -> Plan:
    """One event, two journals of one currency each, linked through money in transit."""
    out = _sheet(sold, key, day, books)
    out.post("transit", -sold.net.minor)
    out.post("clearing", sold.net.minor)
    into = _sheet(bought, f"{key}:in", day, books)
    into.post("clearing", bought.net.minor)
    into.post("transit", -bought.net.minor)
    text = f"Conversion {sold.transaction_id}, {-sold.net} to {bought.net}"
    return plan_exchange(out, into, given=-sold.net, got=bought.net, text=text)


def suspended(row: Movement, *, key: str, day: date, books: Books, warning: Finding) -> Plan:
    """The whole movement against suspense."""
    sheet = _sheet(row, key, day, books)
    sheet.post("suspense", -row.net.minor)
    sheet.post("clearing", row.net.minor)
    sheet.note(warning)
    write = sheet.write(f"Movement {row.transaction_id} ({row.code}), unplaced")
    return Plan((write,) if write else (), tuple(sheet.findings))


def is_ruled(row: Movement, *, key: str, day: date, books: Books) -> bool:
    """Whether a rule for `payout_adjustment` names the event code of this very row."""
    return _ruled(_sheet(row, key, day, books), row)


def balance_moved(row: Movement) -> Money:
    """What a row did to the processor's balance: what clearing must show for it. In the row's currency."""
    if row.role == "none" or row.state in _UNMOVED:
        return Money.zero(row.amount.currency)
    return row.net


def facts_of(row: Movement) -> Facts:
    """What rules may ask about a movement: its event code as type, currency, who is on the other side, status."""
    country = row.party.address.country if row.party is not None else ""
    return Facts(
        method=MEANS, type=row.code, currency=row.amount.currency, country=country or None,
        customer_group=group_of(row.party), status=row.status or None,
        amount=abs(row.amount.decimal()),
    )  # fmt: skip


def _sheet(row: Movement, key: str, day: date, books: Books) -> Sheet:
    return Sheet(key, record=f"movement {row.id}", day=day, facts=facts_of(row), books=books)


def _against(sheet: Sheet, row: Movement, as_role: MovementRole) -> str:
    """The role against the balance: by a rule for this very code, else by what the movement is."""
    if _ruled(sheet, row):
        return "payout_adjustment"
    role = CODES.get(row.code, CODES.get(row.code[:3], ROLES.get(as_role, "")))
    if role == "bank" and sheet.books.terms.payout_to == "transit":
        return "transit"
    if role:
        return role
    choice = sheet.books.mapper.choose("payout_adjustment", sheet.facts)
    if choice.account is not None or choice.cash_account is not None:
        return "payout_adjustment"
    sheet.note(unmapped(row))
    return "suspense"


def _ruled(sheet: Sheet, row: Movement) -> bool:
    choice = sheet.books.mapper.choose("payout_adjustment", sheet.facts)
    deciding = (choice.why.get("account") or choice.why.get("cash_account") or ("", ""))[0]
    rules = sheet.books.mapper.rules_for("payout_adjustment")
    return any(rule.id == deciding and row.code in rule.when.type for rule in rules)


def _post_own_fee(sheet: Sheet, row: Movement, as_role: MovementRole) -> None:
    minor = 0 if row.fee is None else -row.fee.minor
    if as_role == "dispute":
        sheet.post("dispute_fee", minor, facts=replace(sheet.facts, type="fee"))
    else:
        post_fee(sheet, minor)


def unmapped(row: Movement) -> Finding:
    """A movement that neither its code nor a rule places."""
    return Finding(
        "movement-unmapped",
        f"{begun(f'movement {row.id}')} of {row.amount} has the event code {row.code}, for which no rule stands: it is "
        "on suspense. Add a rule for payout_adjustment with this type and replay it, or move it by hand.",
        "payout_adjustment.account",
        {
            "rule": f'[[rule]]\nid = "movement-{row.code}"\nroles = ["payout_adjustment"]\naccount = ""\n'
            f'[rule.when]\ntype = ["{row.code}"]\n',
            "role": "payout_adjustment",
            "field": "account",
            "type": row.code,
        },
        blocks=False,
    )


def _words(role: MovementRole) -> str:
    return role.replace("_", " ").capitalize()
