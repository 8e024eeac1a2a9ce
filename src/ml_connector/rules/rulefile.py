"""A rulebook as TOML and as CSV text, both exact in both directions, with errors that name the rule and the line."""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from ml_connector.finance.rulebook import Rule, Rulebook, When
from ml_connector.rules.mapping import CONDITIONS, FIELDS

_AMOUNTS = ("amount_from", "amount_to")
_COLUMNS = ("id", "roles", *CONDITIONS, *_AMOUNTS, *FIELDS, "dimensions", "note")
_MOST_RULES = 10_000  # a file with more is no rulebook


class RuleFileError(ValueError):
    """The text is not a rulebook: which rule or line, what is wrong with it, and what it should be."""


def to_toml(rulebook: Rulebook) -> str:
    """The rulebook as TOML, rules in order."""
    parts = [f"version = {rulebook.version}\nvalid_from = {rulebook.valid_from.isoformat()}\n"]
    parts.extend(rule_toml(rule) for rule in rulebook.rules)
    return "\n".join(parts)


def rule_toml(rule: Rule) -> str:
    """One rule as a TOML table."""
    lines = ["[[rule]]", f"id = {quoted(rule.id)}", f"roles = {_list(rule.roles)}"]
    lines.extend(f"{name} = {quoted(value)}" for name in FIELDS if (value := getattr(rule, name)) is not None)
    if rule.dimensions:
        pairs = ", ".join(f"{segment} = {quoted(value)}" for segment, value in rule.dimensions)
        lines.append(f"dimensions = {{ {pairs} }}")
    if rule.note:
        lines.append(f"note = {quoted(rule.note)}")
    when = [f"{name} = {_list(map(str, values))}" for name in CONDITIONS if (values := getattr(rule.when, name))]
    when.extend(
        f"{name} = {quoted(str(value))}" for name in _AMOUNTS if (value := getattr(rule.when, name)) is not None
    )
    if when:
        lines.extend(["[rule.when]", *when])
    return "\n".join(lines) + "\n"


def from_toml(text: str) -> Rulebook:
    """The rulebook that the TOML text says. Raises RuleFileError."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise RuleFileError(f"The file is not TOML: {fault}. Correct it at that place.") from None
    _known(table, {"version", "valid_from", "rule"}, "the file")
    rows = table.get("rule", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise RuleFileError("Rules are written as [[rule]] tables. Put each rule under its own [[rule]].")
    version, valid_from = table.get("version"), table.get("valid_from")
    if type(version) is not int or type(valid_from) is not date:
        raise RuleFileError("The file must begin with version = <number> and valid_from = <yyyy-mm-dd>. Add both.")
    return _rulebook(
        version, valid_from, [_from_table(row, f"rule {n} (id {row.get('id')!r})") for n, row in enumerate(rows, 1)]
    )


def rules_from_toml(text: str) -> tuple[Rule, ...]:
    """Only the rules of a snippet, as a proposal holds them. Raises RuleFileError."""
    return from_toml(f"version = 1\nvalid_from = 2000-01-01\n{text}").rules


def to_csv(rulebook: Rulebook) -> str:
    """The rulebook as CSV: first row version and day, second row the columns, then a row for each rule."""
    out = io.StringIO(newline="")
    table = csv.writer(out)
    table.writerow(("rulebook", rulebook.version, rulebook.valid_from.isoformat()))
    table.writerow(_COLUMNS)
    for rule in rulebook.rules:
        cells = [rule.id, _packed(rule.roles)]
        cells.extend(_packed(map(str, getattr(rule.when, name))) for name in CONDITIONS)
        cells.extend(_optional(getattr(rule.when, name)) for name in _AMOUNTS)
        cells.extend(_optional(getattr(rule, name)) for name in FIELDS)
        cells.append(_packed(f"{segment}={value}" for segment, value in rule.dimensions))
        table.writerow([*cells, rule.note])
    return out.getvalue()


def from_csv(text: str) -> Rulebook:
    """The rulebook that the CSV text says. Raises RuleFileError."""
    try:
        rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    except csv.Error as fault:
        raise RuleFileError(f"The file is not CSV: {fault}. Export a rulebook to see the form.") from None
    head = rows[0] if rows else []
    if len(head) < 3 or head[0] != "rulebook" or not head[1].isdigit():
        raise RuleFileError("Line 1 must be: rulebook,<version>,<yyyy-mm-dd>. Export a rulebook to see the form.")
    valid_from = _parsed(date.fromisoformat, head[2], "line 1", "a day as yyyy-mm-dd")
    columns = rows[1] if len(rows) > 1 else []
    unknown = set(columns) - set(_COLUMNS)
    if unknown or not {"id", "roles"} <= set(columns):
        what = f"Column {min(unknown)!r} is not known" if unknown else "Columns id and roles are missing"
        raise RuleFileError(f"Line 2: {what}. The columns are {', '.join(_COLUMNS)}.")
    rules = []
    for n, row in enumerate(rows[2:], 3):
        if any(row):
            if len(row) > len(columns):
                raise RuleFileError(
                    f"Line {n} has {len(row)} cells for {len(columns)} columns. Quote cells that hold commas."
                )
            rules.append(_from_row(dict(zip(columns, row, strict=False)), f"line {n}"))
    return _rulebook(int(head[1]), valid_from, rules)


def _rulebook(version: int, valid_from: date, rules: list[Rule]) -> Rulebook:
    if len(rules) > _MOST_RULES:
        raise RuleFileError(
            f"The file has {len(rules)} rules; at most {_MOST_RULES} are allowed. Merge rules that differ in one value."
        )
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            raise RuleFileError(f"Two rules have the id {rule.id!r}. Give each rule an id of its own.")
        seen.add(rule.id)
    return Rulebook(version, valid_from, tuple(rules))


def _from_table(row: Mapping[str, Any], where: str) -> Rule:
    _known(row, {"id", "roles", "when", "dimensions", "note", *FIELDS}, where)
    when = row.get("when", {})
    if not isinstance(when, dict):
        raise RuleFileError(f"{where}: when must be a table. Write [rule.when] below the rule.")
    _known(when, {*CONDITIONS, *_AMOUNTS}, f"{where}, when")
    dimensions = row.get("dimensions", {})
    if not isinstance(dimensions, dict):
        raise RuleFileError(f'{where}: dimensions must be a table such as {{ 1 = "OSLO" }}.')
    values: dict[str, tuple[str, ...]] = {
        name: _texts(when[name], f"{where}, {name}") for name in CONDITIONS if name in when
    }
    return _rule(
        where,
        rule_id=_text(row.get("id", ""), f"{where}, id"),
        roles=_texts(row.get("roles", []), f"{where}, roles"),
        values=values,
        amounts={name: _text(when[name], f"{where}, {name}") for name in _AMOUNTS if name in when},
        fields={name: _text(row[name], f"{where}, {name}") for name in FIELDS if name in row},
        dimensions=[(str(segment), _text(value, f"{where}, dimensions")) for segment, value in dimensions.items()],
        note=_text(row.get("note", ""), f"{where}, note"),
    )


def _from_row(row: Mapping[str, str], where: str) -> Rule:
    pairs = []
    for pair in _unpacked(row.get("dimensions", "")):
        segment, sign, value = pair.partition("=")
        if not sign:
            raise RuleFileError(f"{where}: dimension {pair!r} is not of the form 1=OSLO. Correct it.")
        pairs.append((segment, value))
    return _rule(
        where,
        rule_id=row.get("id", ""),
        roles=_unpacked(row.get("roles", "")),
        values={name: cells for name in CONDITIONS if (cells := _unpacked(row.get(name, "")))},
        amounts={name: cell for name in _AMOUNTS if (cell := row.get(name, ""))},
        fields={name: cell for name in FIELDS if (cell := row.get(name, ""))},
        dimensions=pairs,
        note=row.get("note", ""),
    )


def _rule(
    where: str, *, rule_id: str, roles: tuple[str, ...], values: Mapping[str, tuple[str, ...]], amounts: Mapping[str,
    str],
    fields: Mapping[str, str], dimensions: list[tuple[str, str]], note: str,
) -> Rule:  # fmt: skip
    if not rule_id:
        raise RuleFileError(f"{where} has no id. Give it one; it is named in every explanation.")
    said: dict[str, Any] = {name: texts for name, texts in values.items() if name != "vat_rate"}
    if "vat_rate" in values:
        said["vat_rate"] = tuple(_decimal(text, f"{where}, vat_rate") for text in values["vat_rate"])
    said.update({name: _decimal(text, f"{where}, {name}") for name, text in amounts.items()})
    segments = sorted((_parsed(int, segment, where, "a segment number"), value) for segment, value in dimensions)
    if len({segment for segment, _ in segments}) < len(segments):
        raise RuleFileError(f"{where} gives one dimension twice. Keep one value.")
    try:
        return Rule(rule_id, roles, When(**said), dimensions=tuple(segments), note=note, **fields)
    except ValueError as fault:
        raise RuleFileError(f"{where}: {fault}") from None


def _known(table: Mapping[str, Any], names: set[str], where: str) -> None:
    unknown = sorted(set(table) - names)
    if unknown:
        raise RuleFileError(f"{where} has {unknown[0]!r}, which is not known. Use one of {', '.join(sorted(names))}.")


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise RuleFileError(f"{where}: {value!r} must be text in quotes.")
    return value


def _texts(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise RuleFileError(f"{where}: {value!r} must be a list of texts in quotes.")
    return tuple(_text(one, where) for one in value)


def _decimal(text: str, where: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise RuleFileError(f"{where}: {text!r} is not a number. Write it like 12.5.")
    return number


def _parsed(read: Callable[[str], Any], text: str, where: str, form: str) -> Any:
    try:
        return read(text)
    except ValueError:
        raise RuleFileError(f"{where}: {text!r} is not {form}. Correct it.") from None


def quoted(text: str) -> str:
    """A TOML basic string."""
    safe = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda found: f"\\u{ord(found[0]):04x}", safe) + '"'


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(quoted, texts))}]"


def _packed(texts: Iterable[str]) -> str:
    """Several texts in one cell, parted by a bar; a bar inside a text gets a backslash."""
    return "|".join(text.replace("\\", "\\\\").replace("|", "\\|") for text in texts)


def _unpacked(cell: str) -> tuple[str, ...]:
    if not cell:
        return ()
    texts, escaped = [""], False
    for letter in cell:
        if not escaped and letter == "\\":
            escaped = True
            continue
        if letter == "|" and not escaped:
            texts.append("")
        else:
            texts[-1] += letter
        escaped = False
    return tuple(texts)


def _optional(value: object) -> str:
    return "" if value is None else str(value)
