"""Form bodies and queries with brackets: `a[b]=1`, `a[0][b]=1`, `a[]=1`, `a[][b]=1`, plain or percent-encoded."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from ml_connector_sandbox.stripe.refusals import Json, malformed

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART = re.compile(r"\[([^\[\]]*)\]")
_FIELDS = 10_000  # more parameters than any honest call has


def decode(text: str) -> Json:
    """Nested dictionaries of strings. Lists stay dictionaries with number keys, as only the table knows which is which.

    Refused (400) when a name has no sense or stands for a value and a group at once.
    """
    tree: Json = {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), max_num_fields=_FIELDS)
    except ValueError:
        raise malformed("Invalid request: the body is not form-encoded.") from None
    for name, value in pairs:
        match = _NAME.fullmatch(name)
        if match is None:
            raise malformed(f"Invalid parameter name: {name}", code="parameter_unknown", param=name)
        _place(tree, [match[1], *_PART.findall(match[2])], value, name)
    return tree


def _place(tree: Json, parts: list[str], value: str, name: str) -> None:
    node = tree
    for n, part in enumerate(parts):
        rest = parts[n + 1 :]
        key = part or _position(node, rest)
        if not rest:
            if isinstance(node.get(key), dict):
                raise malformed(f"Invalid object: {name} is a value and a group at once.", param=name)
            node[key] = value  # the last of a repeated name counts
            return
        node = node.setdefault(key, {})
        if not isinstance(node, dict):
            raise malformed(f"Invalid object: {name} is a value and a group at once.", param=name)


def _position(node: Json, rest: list[str]) -> str:
    """Where `[]` puts a value: a new place, or the last one while its group does not have the field yet."""
    last = node.get(str(len(node) - 1))
    if rest and isinstance(last, dict) and rest[0] and rest[0] not in last:
        return str(len(node) - 1)
    return str(len(node))
