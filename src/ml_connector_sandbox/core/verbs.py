"""Control verbs of a pretend vendor: what no API can do, named in its README."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from typing import Any, TypeVar

Json = dict[str, Any]
W = TypeVar("W")
_NONSENSE = (KeyError, TypeError, AttributeError, ArithmeticError)


def run(
    vendor: str, verbs: Mapping[str, Callable[[W, Json, int], Any]], world: W, verb: str, arguments: Json, now: int,
    *, told: Callable[[Any], Any] = copy.deepcopy,
) -> Any:  # fmt: skip
    """Do one verb; `told` makes of its result what the caller may keep. ValueError says what makes no sense."""
    act = verbs.get(verb)
    if act is None:
        raise ValueError(f"{vendor} knows no verb {verb}: use one of {', '.join(sorted(verbs))}.")
    try:
        return told(act(world, arguments, now))
    except _NONSENSE as error:
        raise ValueError(f"{verb}: an argument is missing or of the wrong kind ({error!r}); see README.md.") from error


def turn_knobs(knobs: Any, arguments: Json, choices: Mapping[str, Collection[Any]]) -> Json:
    """Set some fields of a dataclass of knobs, all of them or none; how all stand now.

    A knob keeps its kind; one that is named in `choices` has one of these values.
    """
    known = [one.name for one in fields(knobs)]
    for name, value in arguments.items():
        if name not in known:
            raise ValueError(f"No knob {name}: use one of {', '.join(sorted(known))}.")
        kind = type(getattr(knobs, name))
        if (kind is bool) != isinstance(value, bool) or (kind is str) != isinstance(value, str):
            raise ValueError(f"The knob {name} cannot be {value!r}: it is a {kind.__name__}.")
        if name in choices and value not in choices[name]:
            raise ValueError(f"The knob {name} cannot be {value!r}: use one of {tuple(choices[name])}.")
    for name, value in arguments.items():
        setattr(knobs, name, type(getattr(knobs, name))(value))
    return {name: getattr(knobs, name) for name in known}
