"""Bulk trade: any number of simple card sales that take no memory, each computed from its number when it is read."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ml_connector_sandbox.core.instants import DAY, SECOND
from ml_connector_sandbox.square.faults import Json
from ml_connector_sandbox.square.shelves import Field, Key, Stored
from ml_connector_sandbox.square.times import stamp

if TYPE_CHECKING:
    from ml_connector_sandbox.square.state import Clock, Merchant

LAG = 2 * SECOND  # from created_at to updated_at and closed_at, fee included
_TAIL = 12  # characters of an id after the block's prefix: 10 digits and ZY


class Block:
    """One `bulk` call: n sales evenly over a span and over locations. Sale k is a pure function of k."""

    def __init__(self, clock: Clock, *, prefix: str, n: int, start: int, span: int, locations: list[str]) -> None:
        self.clock = clock
        self.prefix = prefix
        self.n = n
        self.start = start
        self.span = span
        self.locations = locations
        self.rates: tuple[tuple[str, int], ...] = (("25", 2500),)  # inclusive VAT in turn: percentage, hundredths
        self.fee_percent = (100, 0)  # hundredths of a percent, fixed minor units
        self.paid_out: dict[str, int] = dict.fromkeys(locations, 0)  # sales of each location already in a payout

    def created(self, k: int) -> int:
        """When sale k happened; whole milliseconds, as the wire shows."""
        return self.start + k * self.span // self.n // 1000 * 1000

    def amount(self, k: int) -> int:
        """The price of sale k, tax included: 5.00 to 104.99."""
        return 500 + k * 7919 % 10000

    def rate(self, k: int) -> str:
        """The VAT percentage of sale k."""
        return self.rates[k % len(self.rates)][0]

    def tax(self, k: int) -> int:
        """VAT inside the price, half to even."""
        hundredths = self.rates[k % len(self.rates)][1]
        return _half_even(self.amount(k) * hundredths, 10_000 + hundredths)

    def fee(self, k: int) -> int:
        """Square's fee, half to even."""
        return _half_even(self.amount(k) * self.fee_percent[0], 10_000) + self.fee_percent[1]

    def location(self, k: int) -> str:
        """Where sale k happened."""
        return self.locations[k % len(self.locations)]

    def key(self, kind: str, k: int) -> str:
        """The id of its payment ("P") or order ("O")."""
        return f"{self.prefix}{kind}{k:010d}ZY"

    def numbers(self, location: str) -> range:
        """The sales of a location, in order of time."""
        return (
            range(self.locations.index(location), self.n, len(self.locations))
            if location in self.locations
            else range(0)
        )

    def happened(self, location: str) -> int:
        """How many sales of the location are visible by now."""
        return bisect_right(self.numbers(location), self.clock.now - LAG, key=self.created)


def _half_even(numerator: int, denominator: int) -> int:
    quotient, rest = divmod(numerator, denominator)
    twice = 2 * rest
    return quotient + (1 if twice > denominator or (twice == denominator and quotient % 2) else 0)


class Sold:
    """A computed row: sale k of a block, as payment or as order."""

    __slots__ = ("_face", "k")

    def __init__(self, face: Face, k: int) -> None:
        self._face = face
        self.k = k

    @property
    def id(self) -> str:
        return self._face.block.key(self._face.kind, self.k)

    @property
    def location(self) -> str:
        return self._face.block.location(self.k)

    @property
    def created(self) -> int:
        return self._face.block.created(self.k)

    @property
    def updated(self) -> int:
        return self.created + LAG

    @property
    def closed(self) -> int:
        return self.updated

    @property
    def body(self) -> Json:
        parsed: Json = json.loads(self.text())
        return parsed

    def text(self) -> str:
        """The object as JSON."""
        return self._face.render(self.k)


class Face:
    """A block seen as payments or as orders: a `Source` of a shelf."""

    def __init__(self, block: Block, kind: str, template: Json) -> None:
        self.block = block
        self.kind = kind
        self.taken: set[int] = set()
        text = json.dumps(template, ensure_ascii=False, separators=(",", ":")).replace("%", "%%")
        for name in ("amount", "tax", "fee"):
            text = text.replace(f'"@{name}@"', f"%({name})d")
        for name in ("payment_id", "order_id", "location", "created", "updated", "delayed", "rate", "receipt"):
            text = text.replace(f"@{name}@", f"%({name})s")
        self._text = text

    def render(self, k: int) -> str:
        """Sale k as JSON text."""
        block, created = self.block, self.block.created(k)
        key = block.key("P", k)
        return self._text % {
            "payment_id": key, "order_id": block.key("O", k), "location": block.location(k), "receipt": key[-6:-2],
            "created": stamp(created), "updated": stamp(created + LAG), "amount": block.amount(k), "tax": block.tax(k),
            "fee": block.fee(k), "rate": block.rate(k), "delayed": stamp(created + 7 * DAY),
        }  # fmt: skip

    def get(self, key: str) -> Sold | None:
        """The row of an id of this block, once it happened, unless it was taken over."""
        prefix = self.block.prefix + self.kind
        if not key.startswith(prefix) or len(key) != len(prefix) + _TAIL:
            return None
        digits = key[len(prefix) : -2]
        k = int(digits) if digits.isdigit() else self.block.n
        if k >= self.block.n or k in self.taken or self.block.created(k) + LAG > self.block.clock.now:
            return None
        return Sold(self, k)

    def keys(self, field: Field, location: str, lo: Key, hi: Key, *, descending: bool) -> Iterator[Key]:
        """Keys of one location within bounds, as far as they happened."""
        block, lag = self.block, 0 if field == "created" else LAG

        def key(k: int) -> Key:
            return block.created(k) + lag, block.key(self.kind, k)

        numbers = block.numbers(location)
        right = min(bisect_right(numbers, hi, key=key), block.happened(location)) if numbers else 0
        left = bisect_left(numbers, lo, key=key) if numbers else 0
        for i in range(right - 1, left - 1, -1) if descending else range(left, right):
            if numbers[i] not in self.taken:
                yield key(numbers[i])

    def take(self, key: str) -> Stored:
        """Hand a row over to the shelf, because it is about to change."""
        row = self.get(key)
        if row is None:
            raise KeyError(key)
        self.taken.add(row.k)
        stored = Stored(row.body, row.location, row.created, updated=row.updated)
        stored.closed = row.updated
        return stored

    def count(self) -> int:
        """Rows visible now and not taken over."""
        return sum(self.block.happened(location) for location in self.block.locations) - len(self.taken)


class EntryRun:
    """Some consecutive entries of a payout: kept ones, or the charges of a stretch of a block."""

    def __init__(self, kept: list[Json], block: Block | None = None, numbers: range = range(0)) -> None:
        self._kept = kept
        self._block = block
        self._numbers = numbers
        self.net = sum(self[i]["gross"] - self[i]["fee"] for i in range(len(self)))

    @classmethod
    def of(cls, entries: list[Json]) -> EntryRun:
        """A run of kept entries."""
        return cls(entries)

    def __len__(self) -> int:
        return len(self._numbers) if self._block else len(self._kept)

    def __getitem__(self, i: int) -> Json:
        if self._block is None:
            return self._kept[i]
        block, k = self._block, self._numbers[i]
        details = {"payment_id": block.key("P", k)}
        return {
            "type": "CHARGE",
            "gross": block.amount(k),
            "fee": block.fee(k),
            "at": block.created(k),
            "details": details,
        }


def claim(merchant: Merchant, location_id: str, cut: int) -> list[EntryRun]:
    """Charges of bulk sales of a location up to an instant that no payout has paid yet; they are paid from now on."""
    runs = []
    for block in merchant.blocks:
        if location_id not in block.locations:
            continue
        numbers = block.numbers(location_id)
        upto = min(bisect_right(numbers, cut, key=block.created), block.happened(location_id))
        fresh = numbers[block.paid_out[location_id] : upto]
        if fresh:
            block.paid_out[location_id] = upto
            runs.append(EntryRun([], block, fresh))
    return runs


def totals(block: Block, location: str, lo: int, hi: int) -> dict[str, Any]:
    """What happened at a location within [lo, hi): count, gross, VAT by rate, fees."""
    numbers = block.numbers(location)
    left = bisect_left(numbers, lo, key=block.created)
    right = min(bisect_left(numbers, hi, key=block.created), block.happened(location))
    vat: dict[str, int] = {}
    gross = fees = 0
    for k in numbers[left:right]:
        gross += block.amount(k)
        fees += block.fee(k)
        rate = block.rate(k)
        vat[rate] = vat.get(rate, 0) + block.tax(k)
    return {"count": max(0, right - left), "gross": gross, "vat": vat, "fees": fees}
