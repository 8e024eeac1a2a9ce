"""The settings of the process: from MLC_ variables and one TOML file to a single frozen value, checked at start.

What concerns a customer (routes, rules, posting) is not here but in the database, where each version is kept.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, model_validator

from ml_connector.errors import ConfigurationError

PREFIX = "MLC_"
FILE_VARIABLE = "MLC_CONFIG"
USUAL_FILE = "ml-connector.toml"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
# Their values are never repeated in a message: an address of a database may hold a password.
_SECRET = frozenset({"master_key", "database_url", "inbox_url", "metrics_token"})


def _addresses(value: object) -> object:
    """By commas or as a list; as an address is compared: in lower case, without a slash at its end."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        return value
    return [part.strip().rstrip("/").lower() for part in parts if part.strip()]


def _is_loopback(url: SplitResult) -> bool:
    return url.hostname in LOOPBACK


def _is_origin(url: SplitResult) -> bool:
    """Whether it is scheme, host and port alone."""
    whole = f"{url.scheme}://{url.netloc}" == url.geturl() and "@" not in url.netloc
    return whole and url.scheme in {"http", "https"} and bool(url.hostname)


class Settings(BaseModel):
    """Everything that may differ between two installs. Build it with `load`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    data_dir: Path = Field(Path("data"), description="Folder of the databases and the key file.")
    database_url: str = Field(
        "", repr=False, description="Main database: `sqlite:///file` or `postgresql://...`. Empty: a file in data_dir."
    )
    inbox_url: str | None = Field(
        None, repr=False, description="Webhook inbox on SQLite, a file of its own. Empty: beside the main database."
    )
    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(8080, ge=1, le=65_535, description="Port to listen on.")
    intake_port: int | None = Field(
        None, ge=1, le=65_535,
        description="Port of a process that only takes webhooks, beside `serve` on SQLite. None: `serve` takes them.",
    )  # fmt: skip
    public_url: str | None = Field(
        None, description="Address under which vendors reach us, exactly as registered with them."
    )
    master_key: SecretStr | None = Field(
        None, description="Master keys, `v2:<base64>,v1:<base64>`. Only as a variable. Empty: the key file."
    )
    master_key_file: Path = Field(Path(), description="Key file, readable by its owner only. Empty: in data_dir.")
    allow_insecure_hosts: Annotated[tuple[str, ...], BeforeValidator(_addresses)] = Field(
        (), description="Loopback addresses that may be called over plain http, such as the sandbox's; by commas."
    )
    allow_private_hosts: Annotated[tuple[str, ...], BeforeValidator(_addresses)] = Field(
        (), description="Addresses of shops in a network of one's own, or reached by plain http alone; by commas."
    )
    metrics_token: SecretStr | None = Field(
        None, min_length=16,
        description="Lets a scraper elsewhere read `/metrics`, at least 16 characters. None: only this machine may.",
    )  # fmt: skip
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is logged.")
    log_format: Literal["console", "json"] = Field("console", description="For people, or one JSON object a line.")
    worker_slots: int = Field(8, ge=1, le=50, description="Units of work at a time in one process.")
    chart_max_age_s: int = Field(600, ge=1, le=600, description="Oldest chart of accounts to plan with, in seconds.")
    lease_s: int = Field(
        60, ge=10, le=600, description="How long a worker owns a company without renewing, in seconds."
    )
    call_timeout_s: int = Field(40, ge=1, le=300, description="Longest wait for a vendor's answer, in seconds.")

    @model_validator(mode="before")
    @classmethod
    def _derive(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Fill what follows from other settings; an empty text counts as not given."""
        chosen = {name: value for name, value in given.items() if value != ""}
        folder = Path(str(chosen.get("data_dir", "data"))).absolute()
        url = str(chosen.setdefault("database_url", f"sqlite:///{folder / 'ml-connector.db'}"))
        if url.startswith("sqlite"):
            chosen.setdefault("inbox_url", f"sqlite:///{folder / 'inbox.db'}")
        return {"master_key_file": folder / "master.key"} | chosen | {"data_dir": folder}

    @model_validator(mode="after")
    def _agree(self) -> Self:
        for problem in (_database_problem(self), _port_problem(self), _address_problem(self), _time_problem(self)):
            if problem:
                raise ValueError(problem)
        return self

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded tier: one process, files."""
        return self.database_url.startswith("sqlite")


def load(environment: Mapping[str, str], *, folder: Path) -> Settings:
    """Read the settings: variables go before the file, the file before the defaults.

    The file is the one MLC_CONFIG names, else `ml-connector.toml` in `folder` if there is one. Raises
    ConfigurationError that names every wrong setting at once and shows no secret.
    """
    variables = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
    named = variables.pop(FILE_VARIABLE, "")
    file = Path(named) if named else folder / USUAL_FILE
    in_file = _read_file(file) if named or file.exists() else {}
    places = {name: f"{name} in {file}" for name in in_file}
    in_variables = {variable.removeprefix(PREFIX).lower(): value for variable, value in variables.items()}
    places |= {name: PREFIX + name.upper() for name in in_variables}
    _refuse_unknown(places)
    try:
        return Settings.model_validate(in_file | in_variables)
    except ValidationError as problem:
        raise _readable(problem, places, in_file | in_variables) from None


def make_data_dir(settings: Settings) -> None:
    """Make the folder of the databases, closed to others, and see that it can be written. Raises ConfigurationError."""
    probe = settings.data_dir / ".writable"
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as problem:
        raise ConfigurationError(
            f"The folder {settings.data_dir} cannot be written: {problem.strerror}.",
            fix="Choose another with MLC_DATA_DIR, or give it to the user that runs ml-connector.",
        ) from problem


def reference() -> str:
    """The settings as a table for docs/settings.md."""
    rows = [
        f"| `{PREFIX}{name.upper()}` | {_default(name, field.default)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["| Variable | Default | Meaning |", "| --- | --- | --- |", *rows])


def _default(name: str, value: object) -> str:
    derived = {"database_url": "a file", "inbox_url": "a file", "master_key_file": "`data/master.key`"}
    return derived.get(name) or (f"`{value}`" if value not in {None, ()} else "none")


def _read_file(file: Path) -> dict[str, Any]:
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as problem:
        raise ConfigurationError(
            f"The settings file {file} cannot be read: {problem.strerror}.", fix=f"Correct {FILE_VARIABLE}."
        ) from problem
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ConfigurationError(f"The settings file {file} is not TOML: {problem}.", fix="Correct the file.") from None
    if "master_key" in found:
        raise ConfigurationError(
            f"The settings file {file} holds the master key, which then lies in every backup of the file.",
            fix="Remove it, and use MLC_MASTER_KEY or a key file (MLC_MASTER_KEY_FILE).",
        )
    return found


def _refuse_unknown(places: dict[str, str]) -> None:
    known = list(Settings.model_fields)
    for name in places.keys() - set(known):
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"Did you mean {PREFIX}{close[0].upper()}?" if close else f"Known are: {', '.join(known)}."
        raise ConfigurationError(f"There is no setting {places[name]}.", fix=hint)


def _readable(problem: ValidationError, places: dict[str, str], given: dict[str, Any]) -> ConfigurationError:
    sentences = []
    for error in problem.errors(include_url=False, include_context=False):
        name = str(error["loc"][0]) if error["loc"] else ""
        value = f" is {given[name]!r}" if name in given and name not in _SECRET else ""
        message = error["msg"].removeprefix("Value error, ")
        sentences.append(f"{places.get(name, name)}{value}: {message}." if name else f"{message}.")
    return ConfigurationError(
        " ".join(sentences), fix="Correct it and start again; docs/settings.md lists all settings."
    )


def _database_problem(settings: Settings) -> str | None:
    scheme = urlsplit(settings.database_url).scheme
    if scheme not in {"sqlite", "postgresql", "postgresql+psycopg"}:
        return "MLC_DATABASE_URL must begin with sqlite:/// or postgresql://"
    if scheme != "sqlite":
        return (
            "MLC_INBOX_URL is for SQLite; on PostgreSQL the inbox is in the main database"
            if settings.inbox_url
            else None
        )
    if not settings.database_url.removeprefix("sqlite:///").removeprefix("sqlite:").strip("/").replace(":memory:", ""):
        return "MLC_DATABASE_URL must name a file: what is kept in memory is gone after a restart"
    if not str(settings.inbox_url).startswith("sqlite:///") or settings.inbox_url == settings.database_url:
        return "MLC_INBOX_URL must be a SQLite file other than the main database"
    return None


def _port_problem(settings: Settings) -> str | None:
    if settings.intake_port is None:
        return None
    if not settings.is_sqlite:
        return "MLC_INTAKE_PORT is for SQLite; on PostgreSQL start workers beside `serve`"
    return "MLC_INTAKE_PORT must be another port than MLC_PORT" if settings.intake_port == settings.port else None


def _address_problem(settings: Settings) -> str | None:
    for text in settings.allow_insecure_hosts:
        url = urlsplit(text)
        if url.scheme != "http" or not _is_loopback(url) or not _is_origin(url):
            return f"MLC_ALLOW_INSECURE_HOSTS holds {text!r}, but only http:// on this machine may stand there, such as http://127.0.0.1:8001"
    for text in settings.allow_private_hosts:
        if not _is_origin(urlsplit(text)):
            return f"MLC_ALLOW_PRIVATE_HOSTS holds {text!r}, which is no address such as https://10.0.0.5 or http://shop.example:8080"
    if settings.public_url is None:
        return None
    url = urlsplit(settings.public_url)
    if not url.hostname or url.query or url.fragment or settings.public_url.endswith("/"):
        return "MLC_PUBLIC_URL must be an address without a slash, question or fragment at its end"
    if url.scheme != "https" and not (url.scheme == "http" and _is_loopback(url)):
        return "MLC_PUBLIC_URL must begin with https://, since vendors send money's events there"
    return None


def _time_problem(settings: Settings) -> str | None:
    if settings.call_timeout_s >= settings.lease_s:
        return "MLC_CALL_TIMEOUT_S must be less than MLC_LEASE_S, or a call outlives the right to make it"
    return None
