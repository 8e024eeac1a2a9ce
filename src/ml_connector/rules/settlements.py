"""The recipes of a row of a processor's account beside a document that books its money: fee, and change of currency.

The document (payment, refund, payout) moves clearing by its own amount in its own currency. The row says what the
account really moved by. Same currency: Dr fee; Cr clearing. Another: two journals linked through money in transit.
What then still differs goes to suspense with a warning, so that clearing is what the account shows.
"""

from __future__ import annotations

from datetime import date

from ml_connector.finance.documents import Movement
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Finding, Plan, PlannedWrite
from ml_connector.rules.bookkeeping import Books, Sheet
from ml_connector.rules.exchanges import plan_exchange
from ml_connector.rules.mapping import Facts
from ml_connector.rules.movements import facts_of
from ml_connector.rules.receipts import MEANS, post_fee
from ml_connector.rules.texts import begun


def plan_settlement(
    row: Movement, moved: Money, *, key: str, day: date, books: Books, needs: tuple[str, ...] = ()
) -> Plan:
    """What a row books beside the document that moved clearing by `moved` (signed). `needs`: that document's keys."""
    if moved.currency == row.amount.currency:
        return _fee(row, moved, key=key, day=day, books=books, needs=needs)
    facts = Facts(method=MEANS, type=row.code, currency=moved.currency, amount=abs(moved.decimal()))
    out = Sheet(key, record=f"movement {row.id}", day=day, facts=facts, books=books)
    out.post("transit", moved.minor)
    out.post("clearing", -moved.minor)
    into = Sheet(f"{key}:in", record=f"movement {row.id}", day=day, facts=facts_of(row), books=books)
    into.post("clearing", row.net.minor)
    post_fee(into, _cost(row))
    into.post("transit", -row.amount.minor)
    text = f"Settlement {row.id}, {moved} as {row.amount}"
    return plan_exchange(out, into, given=moved, got=row.amount, text=text, needs=needs)


def _fee(row: Movement, moved: Money, *, key: str, day: date, books: Books, needs: tuple[str, ...]) -> Plan:
    sheet = Sheet(key, record=f"movement {row.id}", day=day, facts=facts_of(row), books=books)
    off = row.amount - moved
    post_fee(sheet, _cost(row))
    sheet.post("suspense", -off.minor)
    sheet.post("clearing", off.minor - _cost(row))
    if off:
        sheet.note(_differs(row, moved))
    write: PlannedWrite | None = sheet.write(f"Fee of {row.code} {row.reference_id or row.id}", needs=needs)
    return Plan((write,) if write else (), tuple(sheet.findings))


def _cost(row: Movement) -> int:
    return 0 if row.fee is None else -row.fee.minor


def _differs(row: Movement, moved: Money) -> Finding:
    return Finding(
        "settlement-differs",
        f"{begun(f'movement {row.id}')} moved the account by {row.amount}, and {row.reference_id} says {moved}: "
        f"{row.amount - moved} is on suspense. Find out what it is and move it by hand.",
        "amount",
        {"row": str(row.amount), "document": str(moved)},
        blocks=False,
    )
