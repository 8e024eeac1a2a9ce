"""Lists: filters by time, page numbers with a silent cap, and the older skip-and-read of unpaged resources."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from ml_connector_sandbox.visma.bodies import read_date
from ml_connector_sandbox.visma.call import Call
from ml_connector_sandbox.visma.refusal import Refusal

T = TypeVar("T")
Row = dict[str, Any]

# The vendor's own table says that `>` includes equality.
_CONDITIONS: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.ge,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
}


def moment_filter(call: Call, name: str) -> Callable[[datetime], bool] | None:
    """A filter on a date-time; None unless value and condition came together, as alone the filter is ignored."""
    asked, condition = call.query.get(name), _CONDITIONS.get(call.query.get(f"{name}Condition", "").strip())
    if not asked or condition is None:
        return None
    wanted = query_moment(name, asked)
    return lambda found: condition(found, wanted)


def day_filter(call: Call, name: str) -> Callable[[date], bool] | None:
    """The same for a day."""
    keep = moment_filter(call, name)
    return None if keep is None else lambda day: keep(datetime.combine(day, time()))


def amount_filter(call: Call, name: str) -> Callable[[Decimal], bool] | None:
    """The same for an amount."""
    asked, condition = call.query.get(name), _CONDITIONS.get(call.query.get(f"{name}Condition", "").strip())
    if not asked or condition is None:
        return None
    try:
        wanted = Decimal(asked)
    except InvalidOperation as error:
        raise Refusal(400, f"The value '{asked}' is not valid for {name}.") from error
    return lambda found: condition(found, wanted)


def query_moment(name: str, text: str) -> datetime:
    """A moment from the query. Raises a 400 Refusal when it is none of the accepted formats."""
    try:
        return read_date(text)
    except (TypeError, ValueError) as error:
        raise Refusal(400, f"The value '{text}' is not valid for {name}.") from error


def all_pass(value: Any, filters: Iterable[Callable[[Any], bool] | None]) -> bool:
    """Whether every filter that there is lets the value through."""
    return all(keep is None or keep(value) for keep in filters)


def page_bounds(call: Call, cap: int | None = None) -> tuple[int, int, int]:
    """Start, end and the cap. Larger pages than the cap are silently cut; nonsense counts as absent."""
    limit = cap or call.company.preferences.page_cap
    number = max(_integer(call.query.get("pageNumber")) or 1, 1)
    size = _integer(call.query.get("pageSize")) or call.company.preferences.default_page
    size = min(max(size, 1), limit)
    return (number - 1) * size, number * size, limit


def paged(
    call: Call, rows: Sequence[T], render: Callable[[T], Row], *, cap: int | None = None, metadata: bool = True
) -> list[Row]:
    """One page, each row with the metadata that this vendor puts inside rows."""
    start, end, limit = page_bounds(call, cap)
    shown = [render(row) for row in rows[start:end]]
    return with_metadata(shown, len(rows), limit) if metadata else shown


def unpaged(call: Call, rows: Sequence[T], render: Callable[[T], Row], *, key: str | None = None) -> list[Row]:
    """A whole list, after `greaterThanValue` (where the resource has a key for it) and the deprecated read-and-skip."""
    shown = [render(row) for row in rows]
    beyond = call.query.get("greaterThanValue")
    if key is not None and beyond:
        shown = [row for row in shown if str(row[key]) > beyond]
    skipped = _integer(call.query.get("skipRecords")) or 0
    wanted = _integer(call.query.get("numberToRead"))
    return shown[skipped : skipped + wanted] if wanted else shown[skipped:]


def with_metadata(rows: list[Row], total: int, cap: int) -> list[Row]:
    """The rows, each telling the total and the cap."""
    for row in rows:
        row["metadata"] = {"totalCount": total, "maxPageSize": cap}
    return rows


def _integer(text: str | None) -> int | None:
    try:
        return int(text) if text else None
    except ValueError:
        return None
