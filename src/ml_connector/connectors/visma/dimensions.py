"""Values of the subaccount's segments: made, set inactive, never deleted; each against the very version that was read.

A segment is changed by rows with an operation; what is not named stays. A refusal comes as 500 on this one call, so the
segment is read again before it is taken for one.
"""

from __future__ import annotations

from collections.abc import Sequence

from ml_connector.connectors.shapes import Context, Created, Observed
from ml_connector.connectors.visma.chart import DIMENSION
from ml_connector.connectors.visma.client import Row, VismaClient
from ml_connector.connectors.visma.observed import text
from ml_connector.errors import Conflict, NotFound, Rejected
from ml_connector.finance.dimensions import DimensionValue, same_name

KIND = "dimension_value"
PATH = f"/v1/dimension/{DIMENSION}"
READ_AGAIN = 2  # times, after somebody else changed the segment between our reading and our writing


def put(client: VismaClient, wanted: DimensionValue, context: Context) -> Created:
    """Bring a value to what it must be; one that is so already is taken as it is. 1 call, 2 where something is written.

    Rejected for a value that is there by another name, and in Visma's own words; Conflict when the segment keeps
    changing.
    """
    for left in range(READ_AGAIN, -1, -1):
        row, etag = _segment(client, wanted, context)
        known = _value(row, wanted)
        if not _off(wanted, known):
            return _made(wanted, context)
        _may_be_written(wanted, context, known)
        try:
            return _write(client, wanted, context, known=known is not None, etag=etag)
        except Conflict:
            if not left:
                raise
        except Rejected:
            if _off(wanted, _value(_segment(client, wanted, context)[0], wanted)):
                raise
            return _made(wanted, context)
    raise AssertionError("the last try ends in an answer or an error")


def found(client: VismaClient, several: Sequence[tuple[DimensionValue, Context]]) -> dict[str, list[Observed]]:
    """By token: the value, where it is as it must be; then a lost call was carried out, or is not needed any more."""
    return {context.token: [] if one.facts else [one] for (_, context), one in _seen(client, several)}


def observe(client: VismaClient, several: Sequence[tuple[DimensionValue, Context]]) -> dict[str, Observed]:
    """As Visma shows them. One call for each segment."""
    return {one.remote_id: one for _, one in _seen(client, several)}


def _seen(
    client: VismaClient, several: Sequence[tuple[DimensionValue, Context]]
) -> list[tuple[tuple[DimensionValue, Context], Observed]]:
    segments: dict[int, Row] = {}
    for wanted, context in several:
        if wanted.segment not in segments:
            segments[wanted.segment], _ = _segment(client, wanted, context)
    return [((one, context), _observed(one, context, segments[one.segment])) for one, context in several]


def _observed(wanted: DimensionValue, context: Context, row: Row) -> Observed:
    off = _off(wanted, _value(row, wanted))
    return Observed(
        _address(wanted, context),
        wanted.value,
        "released",
        status="Active" if wanted.active else "Inactive",
        currency="",
        total=0,
        vat=None,
        day=None,
        tokens=(context.token,),
        facts={"differences": off} if off else {},
    )


def _may_be_written(wanted: DimensionValue, context: Context, known: Row | None) -> None:
    called = text(known.get("description")) if known is not None else wanted.description
    if wanted.active and not same_name(called, wanted.description):
        raise Rejected(
            f"Value {wanted.value} of segment {wanted.segment} is in Visma already, as {called}, not as "
            f"{wanted.description}.",
            record=context.key,
            fix="Is it the same one? Then say so; else choose another value.",
        )
    if known is None and not wanted.active:
        raise Rejected(f"Value {wanted.value} of segment {wanted.segment} is not in Visma.", record=context.key)


def _write(client: VismaClient, wanted: DimensionValue, context: Context, *, known: bool, etag: str | None) -> Created:
    row = {"operation": "Update" if known else "Insert", "value": wanted.value}
    name = {} if known else {"description": {"value": wanted.description}}
    client.call(
        "PUT",
        f"{PATH}/{wanted.segment}",
        operation=f"PUT {PATH}/{{id}}",
        headers={"If-Match": etag} if etag else {},
        content={"segmentValues": [{**row, **name, "active": {"value": wanted.active}}]},
        record=context.key,
    )
    return _made(wanted, context)


def _made(wanted: DimensionValue, context: Context) -> Created:
    """Its address ends in our token: one value may be made, set inactive and be made again."""
    return Created(_address(wanted, context), wanted.value, released=True)


def _address(wanted: DimensionValue, context: Context) -> str:
    return f"{wanted.segment}/{wanted.value}:{context.token}"


def _segment(client: VismaClient, wanted: DimensionValue, context: Context) -> tuple[Row, str | None]:
    found = client.row(f"{PATH}/{wanted.segment}", operation=f"GET {PATH}/{{id}}")
    if found is None:
        raise NotFound(f"Segment {wanted.segment} of {DIMENSION} is not in Visma.", record=context.key)
    return found


def _value(row: Row, wanted: DimensionValue) -> Row | None:
    values = row.get("segmentValues") or ()
    return next((one for one in values if text(one.get("valueId")).strip() == wanted.value), None)


def _off(wanted: DimensionValue, known: Row | None) -> list[str]:
    """In words, how a value is not what it must be. What is inactive may have been renamed by people."""
    if known is None:
        return ["the value is not there"]
    found, called = [], text(known.get("description"))
    if wanted.active and not same_name(called, wanted.description):
        found.append(f"it is called {called} instead of {wanted.description}")
    if bool(known.get("active")) is not wanted.active:
        found.append("it is inactive" if wanted.active else "it is active")
    return found
