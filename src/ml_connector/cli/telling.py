"""What a write holds that is no voucher (a supplier's card, an order's line, an answer), in one line for people."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from ml_connector.finance.invoices import Ref
from ml_connector.finance.money import Money

_OURS = frozenset({"source", "source_system", "external_code", "order_code", "client_token", "company"})
LONGEST = 60


def told(kind: str, content: Any) -> str:
    """Its kind and every field that says something: what is as always, and our own names, are left out."""
    found = [text for field in fields(content) if (text := _field(field, getattr(content, field.name)))]
    return f"{kind.replace('_', ' ')}: {', '.join(found)}" if found else kind.replace("_", " ")


def _field(field: Field[Any], value: Any) -> str:
    default = field.default_factory() if field.default_factory is not MISSING else field.default
    if field.name in _OURS or value is None or value == "" or (value == default and default is not MISSING):
        return ""
    return f"{field.name.replace('_', ' ')} {_value(value)}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Ref):
        return f"the number of {value.key}"
    if isinstance(value, str | int | Decimal | Money | date):
        text = str(value)
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    if is_dataclass(value) and not isinstance(value, type):
        return f"({', '.join(text for one in fields(value) if (text := _field(one, getattr(value, one.name))))})"
    if isinstance(value, tuple | list):
        return str(len(value)) if any(is_dataclass(one) for one in value) else " ".join(_value(one) for one in value)
    if isinstance(value, dict):
        return " ".join(f"{name}={_value(one)}" for name, one in value.items())
    return str(value)
