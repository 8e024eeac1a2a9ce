"""Logging: one line an event, for people or as JSON, with every secret masked before the line is written.

Two nets, since one always has a hole: values that are known to be secret (`Redactor.add`, called where a secret is
opened or a token obtained) and shapes that secrets come in (headers, `client_secret=...`, key prefixes). The finished
line is masked too, whoever wrote it: our code, a library, or a traceback.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import sys
import threading
from collections.abc import Mapping, MutableMapping
from typing import IO, Any, Literal
from urllib.parse import quote, quote_plus

import structlog

MASK = "***"
SHORTEST = 6  # a shorter value would be masked inside ordinary words
MOST_VALUES = 2_000  # the oldest is forgotten first: the tokens of a thousand connections for more than an hour

# Bare `token` is not among them: our reference token is printed on purpose. An access token is known by value or shape.
_NAMES = (
    r"authorization|(?:set-)?cookie|password|passwd|secret|client_secret|api_?key|access_token|refresh_token|id_token"
    r"|bearer_token|client_assertion|assertion|private_key|consumer_key|consumer_secret|signature_key|webhook_secret"
    r"|webhook_key|signing_secret|master_key|signature|[a-z0-9-]{1,60}-signature"
).replace("_", "[_-]?")
_SECRET_NAME = re.compile(_NAMES, re.IGNORECASE)
_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL), MASK),
    # Authorization: Bearer abc, wherever it stands.
    (re.compile(r"\b((?i:bearer|basic))\s+(?=\S*[0-9A-Z=_./+-])[A-Za-z0-9._~+/=-]{6,}"), rf"\1 {MASK}"),
    # A signature's header may hold several parts: t=1,v1=abc.
    (re.compile(r"\b([a-z0-9-]{1,60}-signature\\*[\"']?\s*[:=]\s*\\*[\"']?)[^\s\"'\\]+", re.IGNORECASE), rf"\1{MASK}"),
    # client_secret=abc, "client_secret": "abc", ('client_secret', 'abc'), and JSON inside JSON.
    (
        re.compile(
            rf"(?<![A-Za-z0-9])({_NAMES})(\\*[\"']?\s*[:=]\s*|\\*[\"'],\s*)"
            r"(\\*\"[^\"\\]*\\*\"|'[^']*'|(?:(?:bearer|basic)\s+)?[^\s\"'\\,;&)}\]]+)",
            re.IGNORECASE,
        ),
        rf"\1\2{MASK}",
    ),
    # The password in the address of a database or a proxy.
    (re.compile(r"\b([a-z][a-z0-9+.-]{0,20}://[^\s:/@]{0,200}:)[^\s/@]{1,500}@", re.IGNORECASE), rf"\1{MASK}@"),
    # How Square, Stripe and WooCommerce begin theirs, and anything signed as a JSON web token.
    (re.compile(r"\b(?:EAAA|sq0[a-z]{3}-|[sr]k_(?:live|test)_|whsec_|c[ks]_(?=[0-9a-f]{20}))[A-Za-z0-9_-]{8,}"), MASK),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?"), MASK),
)


class Redactor:
    """Masks secrets in text and in events. Safe to share between threads."""

    def __init__(self, *, most_values: int = MOST_VALUES) -> None:
        self._most_values = most_values
        self._lock = threading.Lock()
        self._values: dict[str, None] = {}  # in order of arrival
        self._forms: tuple[str, ...] = ()  # longest first, so that a secret within another does not break it

    def add(self, value: str) -> None:
        """Mask this value from now on, also as JSON, in an address and in base64. Values under six signs are left."""
        if len(value) < SHORTEST:
            return
        with self._lock:
            self._values.pop(value, None)
            self._values[value] = None
            if len(self._values) > self._most_values:
                self._values.pop(next(iter(self._values)))
            forms = {form for known in self._values for form in _forms(known)}
            self._forms = tuple(sorted(forms, key=len, reverse=True))

    def text(self, text: str) -> str:
        """`text` with every secret masked."""
        masked = text
        for form in self._forms:  # measured: quicker than one pattern of them all
            if form in masked:
                masked = masked.replace(form, MASK)
        for shape, replacement in _SHAPES:
            masked = shape.sub(replacement, masked)
        return masked

    def value(self, value: object) -> object:
        """A value of an event, masked throughout; what is neither text nor a collection is shown by its own print."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {
                str(name): MASK if _SECRET_NAME.fullmatch(str(name)) else self.value(inner)
                for name, inner in value.items()
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(inner) for inner in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return self.text(str(value))

    def event(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """The same as a structlog processor. What begins with an underscore belongs to the logging machinery."""
        inner = {name: event[name] for name in event if name.startswith("_")}
        shown = self.value({name: event[name] for name in event if not name.startswith("_")})
        return {**inner, **shown} if isinstance(shown, dict) else inner

    def line(self, _logger: object, _method: str, line: str) -> str:
        """The same for a finished line: the last net."""
        return self.text(line)


def configure(
    *,
    level: str,
    form: Literal["console", "json"],
    redactor: Redactor,
    stream: IO[str] | None = None,
) -> None:
    """Set logging up for the whole process, libraries included. Called once by app, again by tests.

    Standard error by default, since the answers of commands go to standard output.
    """
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        # Before masking, and never the renderer with local variables: those hold what a function was given.
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer(default=str)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    )
    handler = _Handler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), _without_colours, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redactor.event,
                renderer,
                redactor.line,  # type: ignore[list-item]  # after the renderer an event is a line of text
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    _quiet_libraries()
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _without_colours(_logger: object, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """The web server says everything a second time, in colours."""
    event.pop("color_message", None)
    return event


class _Handler(logging.StreamHandler[IO[str]]):
    """A handler whose own failure does not print what it was given, as the standard one does."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  the standard library's name
        """Say that a line was lost, and whose."""
        sys.stderr.write(f"A log line of {record.name} could not be written: {sys.exc_info()[0]}.\n")


def _quiet_libraries() -> None:
    """Libraries that log whole addresses, statements or advertisements at lower levels."""
    for name in ("httpx", "httpx2", "httpcore", "httpcore2", "dbos", "sqlalchemy", "alembic", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _forms(value: str) -> set[str]:
    """The ways in which a value may stand in a line."""
    return {
        value,
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        repr(value)[1:-1],
        quote(value, safe=""),
        quote_plus(value),
        base64.b64encode(value.encode()).decode().rstrip("="),
    }
