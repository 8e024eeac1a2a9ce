"""Rows of PayPal's report that are neither capture nor refund, and how disputes end."""

from __future__ import annotations

from ml_connector.finance.documents import Dispute, Movement
from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.plan import Finding, Hold, Plan, Related, Verdict, Wait
from ml_connector.flows import paypal_needs as need
from ml_connector.flows.paypal_receipts import plan_receipt_row, status_unknown, unbooked
from ml_connector.flows.paypal_refunds import plan_fee_returned, plan_refund_row
from ml_connector.flows.verdicts import verdict
from ml_connector.rules.bookkeeping import Books
from ml_connector.rules.claims import plan_outcome
from ml_connector.rules.days import business_day
from ml_connector.rules.movements import is_ruled, plan_conversion, plan_movement, suspended, unmapped

_NOT_MIRRORED = frozenset({"receipt", "refund", "conversion", "mirror", "none"})
"""What a payment or refund was booked as, with whom and for what, a person must look up before it is taken back."""


def plan_row_record(row: Movement, related: Related, books: Books) -> Verdict:
    """What one row of the report becomes."""
    if stop := unbooked(row, related, books):
        return stop
    if row.role == "receipt":
        return plan_receipt_row(row, related, books)
    if row.role == "refund":
        return plan_refund_row(row, related, books)
    key = key_of(row, books)
    day = business_day(row.occurred_at, books.terms, None)
    if row.state == "unknown":
        return verdict(suspended(row, key=key, day=day, books=books, warning=status_unknown(row)))
    if row.role == "conversion":
        return _conversion(row, related, books)
    if row.role == "fee_returned":
        return plan_fee_returned(row, related, books, key=key)
    if row.role == "mirror":
        return _mirror(row, related, books, key=key)
    return verdict(plan_movement(row, as_role=row.role, key=key, day=day, books=books))


def key_of(row: Movement, books: Books) -> str:
    """The key of a row: its id holds transaction, event code, currency and sign."""
    return f"{books.terms.code}:txn:{row.id}"


def plan_dispute_record(dispute: Dispute, related: Related, books: Books) -> Verdict:
    """What the outcome of a dispute becomes; its money came in rows."""
    payments = need.payments_of(dispute)
    key = f"{books.terms.code}:dp:{dispute.id}:lost"
    loss = related.posted.get(key)
    around = [row for payment in payments for row in related.documents(need.about(payment)) or ()]
    made = plan_outcome(
        dispute,
        rows=[row for row in around if row.role == "dispute" and row.state not in need.UNBOOKED],
        refunded=any(row.role == "refund" for row in around),
        posted=loss if isinstance(loss, JournalEntry) else None,
        key=key,
        day=business_day(dispute.updated_at, books.terms, None),
        books=books,
    )
    return verdict(made) if isinstance(made, Plan) else made


def _mirror(row: Movement, related: Related, books: Books, *, key: str) -> Verdict:
    """A row that takes another back, or part of it: where that one stands; else by a rule for its code."""
    day = business_day(row.occurred_at, books.terms, None)
    origin = _origin(row, related)
    if origin is not None and origin.role not in _NOT_MIRRORED:
        return verdict(plan_movement(row, as_role=origin.role, key=key, day=day, books=books, mirrors=origin))
    if is_ruled(row, key=key, day=day, books=books):
        return verdict(plan_movement(row, as_role=row.role, key=key, day=day, books=books))
    return verdict(suspended(row, key=key, day=day, books=books, warning=unmapped(row)))


def _origin(row: Movement, related: Related) -> Movement | None:
    """What a mirror takes back, or part of it.

    Of the rows of its reference the one with the opposite amount, else the only one that goes the other way.
    """
    if not row.reference_id:
        return None
    rows = [one for one in related.documents(need.rows_of(row.reference_id)) or () if _is_opposite(one, row)]
    whole = [one for one in rows if one.amount == -row.amount]
    found = whole or rows
    return found[0] if len(found) == 1 else None


def _is_opposite(one: Movement, row: Movement) -> bool:
    """Whether a row moved money the other way, in the same currency, and at least as much of it."""
    if one.amount.currency != row.amount.currency or one.state in need.UNBOOKED:
        return False
    return one.amount.minor * row.amount.minor < 0 and abs(one.amount.minor) >= abs(row.amount.minor)


def _conversion(row: Movement, related: Related, books: Books) -> Verdict:
    """Both rows of a conversion make the same two journals; a pair that is not certain is held."""
    group = [one for one in related.documents(need.group_of(row)) or () if one.role == "conversion"]
    pair = {one.id: one for one in group if one.occurred_at == row.occurred_at}
    pair[row.id] = row
    if len(pair) == 1:
        return Wait("the other row of this conversion is not read yet")
    sold = [one for one in pair.values() if one.amount.minor < 0]
    bought = [one for one in pair.values() if one.amount.minor > 0]
    if len(sold) != 1 or len(bought) != 1 or sold[0].amount.currency == bought[0].amount.currency:
        return Hold((_unpaired(row, len(pair)),))
    states = {one.state for one in pair.values()}
    if "pending" in states:
        return Wait("one row of this conversion is pending")
    if not states <= {"completed", "reversed"}:
        return Hold((_unpaired(row, len(pair)),))
    out, into = sold[0], bought[0]
    if row.reference_id and not _fits(row.reference_id, out, into, related):
        return Hold((_unexplained(out, into),))
    day = business_day(out.occurred_at, books.terms, None)
    return verdict(plan_conversion(out, into, key=key_of(out, books), day=day, books=books))


def _fits(reference: str, out: Movement, into: Movement, related: Related) -> bool:
    """Whether one leg is exactly what the nearest row of the reference left in that currency, taken away."""
    named = (*(related.documents(need.rows_of(reference)) or ()), *(related.documents(need.about(reference)) or ()))
    parents = [one for one in named if one.role != "conversion" and _may_be_parent(one, reference)]
    if not parents:
        return False
    near = min(abs((one.occurred_at - out.occurred_at).total_seconds()) for one in parents)
    nearest = [one for one in parents if abs((one.occurred_at - out.occurred_at).total_seconds()) == near]
    return any(leg.amount == -parent.net for parent in nearest for leg in (out, into))


def _may_be_parent(row: Movement, reference: str) -> bool:
    return row.transaction_id == reference or row.role == "refund"


def _unpaired(row: Movement, count: int) -> Finding:
    return Finding(
        "conversion-unpaired",
        f"Conversion {row.transaction_id} of {row.amount} stands in the report with {count - 1} others of the same "
        "moment that do not make one pair of two currencies. Book them by hand and ignore them here.",
        "reference",
    )


def _unexplained(out: Movement, into: Movement) -> Finding:
    return Finding(
        "conversion-differs",
        f"Conversion {out.transaction_id} of {-out.amount} to {into.amount} fits no payment or refund that it names. "
        "Compare it in PayPal; book it by hand and ignore it here.",
        "amount",
    )
