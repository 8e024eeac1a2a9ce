"""What is told on an invoice of the ledger when its payment is disputed: a file, and words in its note.

Told once when it opens and once when it ends, by which both stay in the ledger. What was told stands as it was said.
"""

from __future__ import annotations

from ml_connector.finance.collection import LedgerAttachment, LedgerNote
from ml_connector.finance.documents import Capture, Dispute
from ml_connector.finance.plan import Content, Explanation, PlannedWrite, Related
from ml_connector.finance.rulebook import Terms

_ENDED = {
    "won": "won: the money comes back",
    "lost": "lost: the money is gone",
    "warning_closed": "closed: no money was taken",
    "prevented": "prevented: no money was taken",
}
"""How a dispute ended, by the source's word, as it is told."""


def plan_flags(dispute: Dispute, number: str, *, key: str, terms: Terms, related: Related) -> list[PlannedWrite]:
    """The file and the words that say an invoice's payment is disputed, and those that say how it ended.

    `key` is the dispute's; `number` the invoice's.
    """
    said = _said(dispute)
    of = f"{key}:open:{number}"
    name = f"dispute-{dispute.id}.txt"
    made: list[tuple[str, str, Content]] = [
        (f"{of}:file", "ledger_attachment", LedgerAttachment("customer_invoice", number, name, said, f"{of}:file")),
        (of, "ledger_note", _note(number, said, of, terms=terms)),
    ]
    if (end := _ENDED.get(dispute.outcome)) is not None:
        done = f"{key}:{dispute.outcome}:{number}"
        words = (f"Dispute {dispute.id} of {dispute.amount} is {end}.",)
        made.append((done, "ledger_note", LedgerNote("customer_invoice", number, words, done)))
    why = (Explanation("flagged", number, f"its payment {dispute.payment_id} is disputed: {dispute.reason}"),)
    planned = {
        name: PlannedWrite(name, kind, related.posted.get(name, content), why=why) for name, kind, content in made
    }
    # What was told before stands: another state, or another outcome on appeal, adds words and takes none away.
    for told, content in related.posted.items():
        if isinstance(content, LedgerNote | LedgerAttachment) and told not in planned and content.number == number:
            kind = "ledger_note" if isinstance(content, LedgerNote) else "ledger_attachment"
            planned[told] = PlannedWrite(told, kind, content, why=why)
    return list(planned.values())


def plan_failed_note(charge: Capture, number: str, *, key: str, related: Related) -> PlannedWrite:
    """Words on an invoice whose payment failed: no money came, or what had come was taken back."""
    came = " after it had been credited: that money is gone" if charge.failed_movement_id else ": no money came"
    why = f" ({charge.failure})" if charge.failure else ""
    lines = (f"Payment {charge.id} of {charge.amount} failed{came}{why}.",)
    content: Content = related.posted.get(key, LedgerNote("customer_invoice", number, lines, key))
    return PlannedWrite(key, "ledger_note", content, why=(Explanation("told", number, "its payment failed"),))


def _note(number: str, lines: tuple[str, ...], source: str, *, terms: Terms) -> LedgerNote:
    return LedgerNote(
        "customer_invoice", number, lines, source,
        stop_dunning=terms.dispute_stops_dunning or None,
        no_debt_collection=terms.dispute_no_debt_collection or None,
    )  # fmt: skip


def _said(dispute: Dispute) -> tuple[str, ...]:
    what = "Inquiry" if dispute.stage == "inquiry" else "Dispute"
    found = [
        f"{what} {dispute.id} of {dispute.amount} on payment {dispute.payment_id}",
        f"Reason: {dispute.reason.replace('_', ' ') or 'none is given'}",
    ]
    if dispute.due_at is not None:
        found.append(f"Answer by {dispute.due_at:%Y-%m-%d %H:%M} UTC")
    return tuple(found)
