"""One API call as an endpoint sees it, and the checks WordPress makes on parameters before any endpoint runs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ml_connector_sandbox.core.wire import Request
from ml_connector_sandbox.woocommerce import php
from ml_connector_sandbox.woocommerce.faults import Json, Refused, bad_param, missing_params
from ml_connector_sandbox.woocommerce.state import Store, User
from ml_connector_sandbox.woocommerce.times import is_date_time


@dataclass(frozen=True, slots=True)
class Arg:
    """A parameter: its type (a name, a list of one shape, or a table of shapes), default, bounds and choices."""

    type: Any
    default: Any = None
    enum: tuple[str, ...] = ()
    low: int | None = None
    high: int | None = None
    required: bool = False


Args = Mapping[str, Arg]

CONTEXT = {"context": Arg("string", "view", ("view", "edit"))}
VIEW = {"context": Arg("string", "view", ("view",))}
PAGING = {"page": Arg("integer", 1, low=1), "per_page": Arg("integer", 10, low=1, high=100), "offset": Arg("integer")}
DATES = {name: Arg("date-time") for name in ("after", "before", "modified_after", "modified_before")}
PICKED = {"include": Arg(["integer"]), "exclude": Arg(["integer"])}
META = [{"key": "string", "value": "mixed"}]


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint says: content for JSON, a status, more headers."""

    content: Any
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Call:
    """A call on a store: by whom, when (microseconds), with what. `params` are checked, defaults filled in."""

    store: Store
    request: Request
    now: int
    user: User | None
    args: dict[str, str]
    query: php.Params = field(default_factory=dict)
    body: Json = field(default_factory=dict)
    params: Json = field(default_factory=dict)

    @property
    def stamp(self) -> int:
        """Now in whole seconds."""
        return self.now // 1_000_000

    @property
    def me(self) -> User:
        """The user behind the key."""
        if self.user is None:
            raise Refused(401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
        return self.user

    def id(self, name: str = "id") -> int:
        """A number of the path."""
        return int(self.args[name])


def read_body(request: Request) -> Json:
    """The body as parameters: JSON by its content type, else a form. Refused when JSON does not parse."""
    kind = request.headers.get("content-type", "")
    if not request.body:
        return {}
    if "json" not in kind:
        return php.parse_query(request.body.decode("utf-8", "replace")) if "form" in kind else {}
    try:
        body = json.loads(request.body)
    except ValueError:
        data = {"status": 400, "json_error_code": 4, "json_error_message": "Syntax error"}
        raise Refused(400, "rest_invalid_json", "Invalid JSON body passed.", data=data) from None
    return body if isinstance(body, dict) else {}


def check(args: Args, given: Json) -> Json:
    """Parameters as their descriptions want them, defaults filled in; unknown ones are left out, silently."""
    missing = [name for name, arg in args.items() if arg.required and given.get(name) is None]
    if missing:
        raise missing_params(missing)
    checked: Json = {}
    for name, arg in args.items():
        if name in given and (given[name] is not None or isinstance(arg.type, dict | list)):
            checked[name] = _checked(given[name], arg, name)
        elif arg.default is not None:
            checked[name] = arg.default
    return checked


def _checked(value: Any, arg: Arg, name: str) -> Any:
    result = shaped(value, arg.type, name)
    if arg.enum:
        chosen = result if isinstance(result, list) else [result]
        wrong = [one for one in chosen if one not in arg.enum]
        if wrong:
            where = f"{name}[{chosen.index(wrong[0])}]" if isinstance(result, list) else name
            raise bad_param(name, f"{where} is not one of {', '.join(arg.enum)}.", "rest_not_in_enum")
    if isinstance(result, int) and arg.low is not None and result < arg.low:
        raise bad_param(name, f"{name} must be at least {arg.low}.", "rest_out_of_bounds")
    if isinstance(result, int) and arg.high is not None and result > arg.high:
        raise bad_param(name, f"{name} must be between {arg.low} and {arg.high}.", "rest_out_of_bounds")
    return result


def shaped(value: Any, shape: Any, name: str) -> Any:
    """A value as its shape wants it, the way WordPress coerces; refused when it cannot be."""
    if isinstance(shape, list):
        return [shaped(one, shape[0], f"{name}[{n}]") for n, one in enumerate(_listed(value, name))]
    if isinstance(shape, Mapping):
        if not isinstance(value, dict):
            raise bad_param(_top(name), f"{name} is not of type object.")
        known = {k: shaped(v, shape[k], f"{name}[{k}]") for k, v in value.items() if k in shape}
        return {k: v for k, v in value.items() if k not in shape} | known
    return _simple(value, str(shape), name)


def _listed(value: Any, name: str) -> list[Any]:
    if isinstance(value, str):
        return [part for part in re.split(r"[\s,]+", value) if part]
    if isinstance(value, dict):
        return list(value.values())
    if not isinstance(value, list):
        raise bad_param(_top(name), f"{name} is not of type array.")
    return value


def _simple(value: Any, kind: str, name: str) -> Any:
    if kind == "mixed" or (value is None and kind.endswith("|null")):
        return value
    kind = kind.removesuffix("|null")
    if kind in ("string", "date-time") and isinstance(value, str):
        if kind == "date-time" and not is_date_time(value):
            raise bad_param(_top(name), "Invalid date.", "rest_invalid_date")
        return value
    read = _READERS[kind](value) if kind in _READERS else None
    if read is None:
        raise bad_param(_top(name), f"{name} is not of type {'string' if kind == 'date-time' else kind}.")
    return read


def _integer(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d+(\.0+)?\s*", value):
        return int(float(value))
    whole = isinstance(value, int | float) and not isinstance(value, bool) and value == int(value)
    return int(value) if whole else None


def _number(value: Any) -> Any:
    plain = isinstance(value, int | float | str) and not isinstance(value, bool)
    return value if plain and _numeric(value) else None


def _boolean(value: Any) -> bool | None:
    text = str(value).lower()
    return text in ("true", "1") if text in ("true", "1", "false", "0", "") else None


_READERS: dict[str, Callable[[Any], Any]] = {"integer": _integer, "number": _number, "boolean": _boolean}


def _numeric(value: Any) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _top(name: str) -> str:
    return name.partition("[")[0]
