"""Values to JSON and back, exactly; and the hash of what a write books."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import types
import typing
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from operator import attrgetter
from typing import Any, Literal, Union

from ml_connector.finance.collection import CollectionCredit, CollectionInvoice
from ml_connector.finance.invoices import CustomerInvoice, CustomerPayment, Ref, SupplierInvoice
from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.kinds import KINDS
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Content, Expected, Explanation, Finding, Parcel, PlannedWrite
from ml_connector.finance.procurement import LedgerCoding
from ml_connector.finance.selling import PaymentApplication, SalesOrder

Encoder = Callable[[Any], Any]

_CANONICAL = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


def encode(value: Any) -> Any:
    """A finance value as JSON-ready data: money as [minor, currency], dates as text, decimals as text."""
    kind: Any = type(value)
    return _encoder(kind)(value)


def decode(kind: type, data: Any) -> Any:
    """The value of this type from what `encode` gave."""
    return _decoder(kind)(data)


def encode_write(write: PlannedWrite) -> dict[str, Any]:
    """A planned write as JSON-ready data."""
    return {
        "key": write.key,
        "kind": write.kind,
        "content": encode(write.content),
        "needs": list(write.needs),
        "pool": write.pool,
        "into": write.into,
        "why": [[why.what, why.chosen, why.because] for why in write.why],
    }


def decode_content(kind: str, data: Any) -> Content:
    """The content of a write of this kind."""
    return typing.cast(Content, decode(KINDS[kind].content, data))


def encode_sent(content: Content | Parcel) -> Any:
    """What a submission sends, as JSON-ready data."""
    if isinstance(content, Parcel):
        rows = zip(content.rows, content.again, strict=True)
        return {"rows": [[key, encode(row), again] for (key, row), again in rows]}
    return encode(content)


def decode_sent(kind: str, data: Any) -> Content | Parcel:
    """What a submission of this kind sends."""
    if KINDS[kind].parcel is None:
        return decode_content(kind, data)
    rows = tuple((key, decode_content(kind, row)) for key, row, _ in data["rows"])
    return Parcel(kind, rows, tuple(again for _, _, again in data["rows"]))


def decode_write(data: dict[str, Any]) -> PlannedWrite:
    """The planned write that `encode_write` described."""
    return PlannedWrite(
        key=data["key"],
        kind=data["kind"],
        content=decode_content(data["kind"], data["content"]),
        needs=tuple(data["needs"]),
        pool=data["pool"],
        into=data["into"],
        why=tuple(Explanation(*why) for why in data["why"]),
    )


def encode_finding(finding: Finding) -> dict[str, Any]:
    """A finding as JSON-ready data."""
    return {
        "code": finding.code,
        "sentence": finding.sentence,
        "field": finding.field,
        "proposal": dict(finding.proposal),
        "blocks": finding.blocks,
    }


def text_of(data: Any) -> str:
    """Canonical JSON text."""
    return _CANONICAL(data)


def hash_of(data: Any) -> str:
    """SHA-256 of canonical JSON, hexadecimal."""
    return text_hash(text_of(data))


def text_hash(text: str) -> str:
    """The same of a canonical text that is there already."""
    return hashlib.sha256(text.encode()).hexdigest()


def booked_hash(kind: str, content: Content) -> str:
    """The hash of what is booked: type, day, currency, amounts by account, dimension, VAT and party; never texts.

    The day is the event's, not the one a late policy chose: a period that closes later changes no hash.

    Two writes with the same key and this hash are the same write.
    """
    return hash_of([kind, _booked(content)])


def _booked(content: Content) -> Any:
    if isinstance(content, JournalEntry):
        sums: dict[tuple[Any, ...], int] = {}
        for line in content.postings:
            where = (line.account, line.dimensions, line.vat_code or "", line.vat_id or "")
            sums[where] = sums.get(where, 0) + line.amount.minor
        lines = sorted(
            [account, list(map(list, dims)), code, vat, amount]
            for (account, dims, code, vat), amount in sums.items()
            if amount
        )
        return [(content.event_day or content.day).isoformat(), content.currency, content.branch, lines]
    if isinstance(content, CustomerInvoice):
        rows = sorted(
            [line.account, list(map(list, line.dimensions)), line.vat_code, line.net.minor] for line in content.lines
        )
        day = (content.event_day or content.day).isoformat()
        return [day, content.currency, _party(content.customer), rows, content.vat_total.minor]
    if isinstance(content, SalesOrder):
        ordered = sorted([line.item, str(line.quantity), line.vat_code, line.net.minor] for line in content.lines)
        return [content.day.isoformat(), content.currency, _party(content.customer), ordered, content.vat_total.minor]
    if isinstance(content, PaymentApplication):
        return [_party(content.payment), content.invoice, content.amount.minor]
    if isinstance(content, CustomerPayment):
        applied = [[one.document, _party(one.number), one.amount.minor] for one in content.applications]
        day = (content.event_day or content.day).isoformat()
        return [content.kind, day, encode(content.amount), content.cash_account, _party(content.customer), applied]
    if isinstance(content, SupplierInvoice):
        costs = sorted(
            [line.account, list(map(list, line.dimensions)), line.vat_code, line.net.minor] for line in content.lines
        )
        made_from = [content.document] if content.document else []
        party, vat = _party(content.supplier), content.vat_total.minor
        return [content.day.isoformat(), content.currency, party, costs, vat, *made_from]
    if isinstance(content, LedgerCoding):
        coded = encode(content)
        return {name: value for name, value in coded.items() if name not in ("day", "period")}
    return encode(content)


def _party(number: str | Ref) -> str:
    return number.key if isinstance(number, Ref) else number


def expected(content: Content | Parcel) -> Expected | None:
    """What must be read back before release; None for master data and reversals."""
    if isinstance(content, JournalEntry):
        return Expected(content.currency, content.turnover.minor, day=content.day)
    if isinstance(content, LedgerCoding):
        return Expected(content.currency, content.total.minor, content.vat_total.minor)
    if isinstance(content, CustomerInvoice | SupplierInvoice):
        return Expected(content.currency, content.total.minor, content.vat_total.minor, content.day)
    if isinstance(content, CustomerPayment):
        return Expected(content.amount.currency, content.amount.minor, day=content.day)
    if isinstance(content, SalesOrder):
        return Expected(content.currency, content.total.minor, content.vat_total.minor, tolerance=content.tolerance)
    if isinstance(content, CollectionInvoice | CollectionCredit):
        return Expected(content.currency, content.total.minor, content.vat_total.minor)
    return None


def _same(value: Any) -> Any:
    return value


@cache
def _encoder(kind: type) -> Encoder:  # noqa: PLR0911 - one return for each shape of value
    if kind is Money:
        return lambda money: [money.minor, money.currency]
    if kind is Decimal:
        return str
    if kind in (date, datetime):
        return lambda moment: moment.isoformat()
    if kind in (tuple, list):
        return lambda items: [encode(one) for one in items]
    if kind is Ref:
        return lambda ref: {"ref": ref.key, "field": ref.field}
    if dataclasses.is_dataclass(kind):
        return _fields(typing.cast(type, kind))
    if issubclass(kind, dict | types.MappingProxyType):
        return lambda items: {str(key): encode(one) for key, one in items.items()}
    if issubclass(kind, frozenset):
        return sorted
    return _same


def _fields(kind: type) -> Encoder:
    """All fields of a dataclass by their declared types: what is text or a number already is taken as it is.

    None is left out where it is the default; elsewhere it is a value like any other.
    """
    hints = typing.get_type_hints(kind)
    parts = [(one.name, _declared(hints[one.name]), one.default is not None) for one in dataclasses.fields(kind)]
    read: Encoder = attrgetter(*(name for name, _, _ in parts))
    if len(parts) == 1:
        return lambda value: _encoded(parts, (read(value),))
    return lambda value: _encoded(parts, read(value))


def _encoded(parts: Sequence[tuple[str, Encoder | None, bool]], held: Iterable[Any]) -> dict[str, Any]:
    return {
        name: part if each is None or part is None else each(part)
        for (name, each, kept), part in zip(parts, held, strict=True)
        if part is not None or kept
    }


def _declared(hint: Any) -> Encoder | None:
    """The encoder of a value, other than None, of a declared type; None where the value is JSON already."""
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if hint in (str, int, bool) or origin is Literal:
        return None
    if origin in (Union, types.UnionType):
        rest = [part for part in inside if part is not type(None)]
        return _declared(rest[0]) if len(rest) == 1 else encode
    if origin is tuple and len(inside) == 2 and inside[1] is Ellipsis:
        each = _declared(inside[0])
        return list if each is None else lambda items: [each(one) for one in items]
    if origin is tuple and all(_declared(part) is None for part in inside):
        return list
    return _encoder(hint) if origin is None and isinstance(hint, type) else encode


@cache
def _decoder(kind: Any) -> Encoder:  # noqa: C901, PLR0911 - one return for each shape of value
    origin = typing.get_origin(kind)
    if origin is Literal:
        return _same
    if origin in (Union, types.UnionType):
        return _union(typing.get_args(kind))
    if origin is tuple:
        return _tuple(typing.get_args(kind))
    if origin is not None and issubclass(origin, frozenset):
        return frozenset
    if origin is not None:
        return _mapping(typing.get_args(kind))
    if kind is Money:
        return lambda data: Money(data[0], data[1])
    if kind is Decimal:
        return Decimal
    if kind is datetime:
        return datetime.fromisoformat
    if kind is date:
        return date.fromisoformat
    if kind is Ref:
        return lambda data: Ref(data["ref"], data["field"])
    if dataclasses.is_dataclass(kind):
        return _record(typing.cast(type, kind))
    return _same


def _record(kind: type) -> Encoder:
    hints = typing.get_type_hints(kind)
    parts = {one.name: _decoder(hints[one.name]) for one in dataclasses.fields(kind)}
    plain = frozenset(name for name, part in parts.items() if part is _same)
    return lambda data: kind(**{name: part if name in plain else parts[name](part) for name, part in data.items()})


def _tuple(parts: tuple[Any, ...]) -> Encoder:
    if len(parts) == 2 and parts[1] is Ellipsis:
        each = _decoder(parts[0])
        return tuple if each is _same else lambda data: tuple([each(one) for one in data])
    several = [_decoder(part) for part in parts]
    if all(part is _same for part in several):
        return tuple
    return lambda data: tuple(one(item) for one, item in zip(several, data, strict=True))


def _mapping(parts: tuple[Any, ...]) -> Encoder:
    key, each = parts[0], _decoder(parts[1])
    return lambda data: {(int(name) if key is int else name): each(one) for name, one in data.items()}


def _union(parts: tuple[Any, ...]) -> Encoder:
    rest = [part for part in parts if part is not type(None)]
    if len(rest) == 1:
        only = _decoder(rest[0])
        if only is _same:
            return _same
        return lambda data: None if data is None else only(data)
    if Ref in rest:  # a number, or a reference to a number that is not known yet
        ref = _decoder(Ref)
        return lambda data: ref(data) if isinstance(data, dict) else data
    return _same
