"""Values of dimensions that the ledger lacks: which may be made there, because a person approved them, and as what."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from ml_connector.finance.chart import Chart, Segment
from ml_connector.finance.dimensions import DimensionValue, key_of, same_name
from ml_connector.finance.invoices import CustomerInvoice, SupplierInvoice
from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.plan import Content, Explanation, Finding, Plan, PlannedWrite
from ml_connector.finance.procurement import LedgerCoding

MOST_DESCRIPTION = 60  # characters; the ledger's own limit is not documented, names of places are shorter
KIND = "dimension_value"
Approved = Mapping[int, Mapping[str, str]]
"""Segment -> value -> description: what a person said may be made and is not made yet."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A value that could be made, for a person to change or to take as it is."""

    segment: int
    value: str
    description: str


def with_new(chart: Chart, approved: Approved) -> Chart:
    """The chart as it will be when all that is approved is made."""
    known = {number: values for number, values in approved.items() if number in chart.segments}
    if not known:
        return chart
    segments = {
        number: replace(
            chart.segments[number], values={**chart.segments[number].values, **dict.fromkeys(values, True)},
            names={**values, **chart.segments[number].names},
        )
        for number, values in known.items()
    }  # fmt: skip
    return replace(chart, segments={**chart.segments, **segments})


def made_first(plan: Plan, chart: Chart, approved: Approved) -> Plan:
    """The plan with the approved values that it names and the ledger lacks: made before what needs them.

    A value that is there by another name is a finding: somebody else's shop must not get these sales.
    """
    made: dict[str, PlannedWrite] = {write.key: write for write in plan.writes if write.kind == KIND}
    findings, grown = list(plan.findings), []
    for write in plan.writes:
        wanted = [one for one in sorted(set(named(write.content))) if one[1] in approved.get(one[0], {})]
        needs = []
        for number, value in wanted:
            description = approved[number][value]
            if (other := taken(chart.segments.get(number), value, description)) is not None:
                findings.append(_taken(chart.segments[number], value, description, other))
            elif lacks(chart, number, value, description):
                needs.append(key_of(number, value))
                made.setdefault(needs[-1], write_of(number, value, description, chart))
        grown.append(replace(write, needs=(*write.needs, *needs)) if needs else write)
    if not made and len(findings) == len(plan.findings):
        return plan
    others = [write for write in grown if write.kind != KIND]
    return replace(plan, writes=(*made.values(), *others), findings=tuple(findings))


def write_of(segment: int, value: str, description: str, chart: Chart) -> PlannedWrite:
    """The write that makes an approved value."""
    called = chart.segments[segment].description if segment in chart.segments else ""
    chosen = f"{value} {description}".strip()
    why = Explanation(f"dimension {segment} {called}".strip(), chosen, "a person approved it")
    return PlannedWrite(key_of(segment, value), KIND, DimensionValue(segment, value, description), why=(why,))


def named(content: Content) -> Iterator[tuple[int, str]]:
    """The values of dimensions that a document of the ledger carries."""
    if isinstance(content, JournalEntry):
        for posting in content.postings:
            yield from posting.dimensions
    elif isinstance(content, CustomerInvoice | SupplierInvoice | LedgerCoding):
        for line in content.lines:
            yield from line.dimensions


def lacks(chart: Chart, number: int, value: str, description: str) -> bool:
    """Whether the ledger has this segment and not this value in use, nor another under its id."""
    segment = chart.segments.get(number)
    return segment is not None and taken(segment, value, description) is None and not segment.values.get(value, False)


def taken(segment: Segment | None, value: str, description: str) -> str | None:
    """What the value is called in the ledger, where that is not what it was to be called."""
    if segment is None or value not in segment.values:
        return None
    name = segment.names.get(value, "")
    return None if same_name(name, description) else name or value


def proposed(segment: Segment, name: str) -> Proposal | None:
    """A value of this segment for something of that name: the next number, or letters of the name.

    None where the segment numbers itself, or has no room left.
    """
    free = None if segment.auto_number else _next_number(segment) or _from_name(segment, name)
    return None if free is None else Proposal(segment.id, free, name.strip()[:MOST_DESCRIPTION])


def wrong_with(chart: Chart, wanted: Proposal) -> str:
    """Why a value cannot be made, as far as the chart knows; empty when it can."""
    segment = chart.segments.get(wanted.segment)
    if segment is None:
        known = ", ".join(f"{one.id} {one.description}" for one in chart.segments.values()) or "none"
        return f"Dimension {wanted.segment} is not in the ledger; it has {known}."
    called = f"dimension {segment.id} {segment.description}"
    if segment.auto_number:
        return f"The ledger numbers the values of {called} itself: make it there."
    if not wanted.value or not wanted.value.isprintable() or wanted.value != wanted.value.strip():
        return f"{wanted.value!r} is no value of {called}: letters and digits are."
    if segment.length and len(wanted.value) > segment.length:
        return f"{wanted.value} has {len(wanted.value)} characters, and values of {called} at most {segment.length}."
    if not wanted.description.strip():
        return f"{wanted.value} needs a description."
    if len(wanted.description) > MOST_DESCRIPTION:
        return f"The description of {wanted.value} is longer than {MOST_DESCRIPTION} characters."
    if (other := taken(segment, wanted.value, wanted.description)) is not None:
        return f"{wanted.value} of {called} is called {other} already."
    return ""


def telling_apart(candidates: Collection[tuple[tuple[int, str], ...]]) -> int | None:
    """The segment by which these sets of dimensions differ; None where there is not exactly one."""
    by_segment: dict[int, set[str]] = {}
    for dimensions in candidates:
        for number, value in dimensions:
            by_segment.setdefault(number, set()).add(value)
    differing = [number for number, values in by_segment.items() if len(values) > 1]
    found = differing or list(by_segment)
    return found[0] if len(found) == 1 else None


def _taken(segment: Segment, value: str, description: str, other: str) -> Finding:
    return Finding(
        "dimension-taken",
        f"Value {value} of dimension {segment.id} {segment.description} was to be made as {description}, and is in the "
        f"ledger as {other} meanwhile. Accept where both are the same; else `create` another value for the rules.",
        f"dimension {segment.id}",
        {"segment": segment.id, "value": value, "description": description, "called": other, "accept": "the same"},
    )


def _next_number(segment: Segment) -> str | None:
    """The number after the highest in use, in the step in which they were given so far.

    None where values are no numbers, or all are taken.
    """
    active = {int(value): on for value, on in segment.values.items() if value.isdecimal() and value.isascii()}
    if not active or len(active) < len(segment.values):
        return None
    width = segment.length or max(map(len, segment.values))
    used = [number for number, on in active.items() if on]
    for step in (10**power for power in range(width - 1, -1, -1)):
        if any(number % step for number in used):
            continue
        following = range(max(used, default=0) + step, 10**width, step)
        if (free := next((number for number in following if number not in active), None)) is not None:
            return str(free).zfill(width)
    return None


def _from_name(segment: Segment, name: str) -> str | None:
    """The first letters of the name; a number at their end where that is taken."""
    width = segment.length or max(map(len, segment.values), default=10)
    letters = "".join(letter for letter in name.upper() if letter.isascii() and letter.isalnum()) or "X"
    tails = ("", *map(str, range(1, min(10**width, 1_000))))
    found = ((letters[: width - len(tail)] + tail).ljust(segment.length, "0") for tail in tails)
    return next((value for value in found if value not in segment.values), None)
