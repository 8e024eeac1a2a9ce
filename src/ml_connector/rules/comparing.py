"""What a change of rules would have done: two sets of plans for the same records, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ml_connector.finance.encoding import booked_hash
from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.plan import Hold, Ignore, Plan, PlannedWrite, Verdict
from ml_connector.rules.mapping import FIELDS, Choice


@dataclass(frozen=True, slots=True)
class Difference:
    """What changes for one record. `before` and `after` are readable lines."""

    record: str
    what: Literal["same", "books_other", "now_held", "now_planned", "now_ignored", "now_waits"]
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


def what_if(before: Mapping[str, Verdict], after: Mapping[str, Verdict]) -> tuple[Difference, ...]:
    """The records whose booking would differ, by record name. Records that stay the same are left out."""
    names = [*before, *(name for name in after if name not in before)]
    found = (_compared(name, before.get(name), after.get(name)) for name in names)
    return tuple(one for one in found if one.what != "same")


def changed_fields(before: Choice, after: Choice) -> dict[str, tuple[str, str]]:
    """The fields in which two choices differ: {field: (before, after)}."""
    names = (*FIELDS, "dimensions")
    pairs = {name: (getattr(before, name), getattr(after, name)) for name in names}
    return {name: (str(old or ""), str(new or "")) for name, (old, new) in pairs.items() if old != new}


def _compared(name: str, before: Verdict | None, after: Verdict | None) -> Difference:
    old, new = _lines(before), _lines(after)
    if isinstance(before, Plan) and isinstance(after, Plan):
        return Difference(name, "same" if _booked(before) == _booked(after) else "books_other", old, new)
    if type(before) is type(after) and old == new:
        return Difference(name, "same")
    if isinstance(after, Plan):
        return Difference(name, "now_planned", old, new)
    if isinstance(after, Hold):
        return Difference(name, "now_held", old, new)
    return Difference(name, "now_ignored" if isinstance(after, Ignore) or after is None else "now_waits", old, new)


def _booked(plan: Plan) -> dict[str, str]:
    return {write.key: booked_hash(write.kind, write.content) for write in plan.writes}


def _lines(verdict: Verdict | None) -> tuple[str, ...]:
    if verdict is None:
        return ()
    if isinstance(verdict, Plan):
        return tuple(line for write in verdict.writes for line in _write_lines(write))
    if isinstance(verdict, Hold):
        return tuple(f"held: {finding.code}: {finding.sentence}" for finding in verdict.findings)
    return (f"{'ignored' if isinstance(verdict, Ignore) else 'waits'}: {verdict.reason}",)


def _write_lines(write: PlannedWrite) -> list[str]:
    content = write.content
    if not isinstance(content, JournalEntry):
        return [f"{write.key} {write.kind.replace('_', ' ')}"]
    lines = [f"{write.key} {content.day}"]
    for line in content.postings:
        dims = "".join(f" {segment}={value}" for segment, value in line.dimensions)
        vat = f" VAT {line.vat_id or line.vat_code}" if line.vat_code else ""
        lines.append(
            f"{'Dr' if line.amount.minor > 0 else 'Cr'} {line.account} {abs(line.amount)} {line.role}{dims}{vat}"
        )
    return lines
