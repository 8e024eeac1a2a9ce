"""A system as a whole: its facts as data, the answer of a ping, and the doors by which the engine opens it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ml_connector.connectors.shapes.doors import Webhooks
from ml_connector.connectors.shapes.reading import Reader, Translate
from ml_connector.connectors.shapes.writing import Writer


@dataclass(frozen=True, slots=True)
class CredentialField:
    """One thing a person enters to connect. `secret` ones are sealed in the vault and never shown again."""

    name: str
    title: str
    secret: bool
    required: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class Stream:
    """Something that is read by polling: its first look-back, how often, and the overlap each reading repeats."""

    name: str
    every_s: int
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Connector:
    """One system as data: capability table, documentation and set-up forms are made from this."""

    name: str
    title: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    webhooks: bool
    credential_fields: tuple[CredentialField, ...]
    streams: tuple[Stream, ...]
    hosts: tuple[str, ...]  # https hosts that calls may go to
    default_base_url: str
    sandbox_base_url: str | None = None
    decides: Mapping[str, str] = field(default_factory=dict)
    """By kind of document: what it alone decides once the document is there, so that no dry run can promise it."""


@dataclass(frozen=True, slots=True)
class RateHeaders:
    """What an answer says of its rate window: calls allowed, calls left, seconds until it ends, the policy's name."""

    limit: int
    remaining: int
    reset_s: int
    policy: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of a ping: what was proven, and in words what is missing."""

    name: str
    ok: bool
    sentence: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Ping:
    """The answer of a ping: who answered, and each permission tried harmlessly."""

    ok: bool
    account: str  # the merchant, company... as the vendor names it
    checks: tuple[Check, ...]
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The vendor's webhook subscription as it is now. `changes` in words; `signature_key` belongs in the vault."""

    changes: tuple[str, ...]
    signature_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Handover:
    """How a system hands a key over by a post of its own, once a person has agreed on its page.

    `authorize_url(base_url, app_name, state, callback_url, return_url, root, allowed)` is that page; the post names the
    state (`state_of`) and holds the credentials (`received`); `agreed` reads what the browser comes back with.
    """

    authorize_url: Callable[..., str]
    state_of: Callable[[bytes], str]
    received: Callable[..., Mapping[str, str]]
    agreed: Callable[[Mapping[str, str]], bool]
    max_body_bytes: int


@dataclass(frozen=True, slots=True)
class System:
    """A connector folder's doors, as the engine opens them. What a system does not offer is None.

    `open_reader`, `open_writer` and `ping` take (http, credentials, settings, *, tokens, clock), settings with the
    `base_url`; `refresh` (http, credentials, *, clock); `refresh_due` (expires_at, obtained_at, now); `watch` (http,
    credentials, url of the door, *, clock); `rate_of` an answer.
    """

    connector: Connector
    open_reader: Callable[..., Reader] | None
    open_writer: Callable[..., Writer] | None
    ping: Callable[..., Ping]
    translate: Translate | None
    webhooks: Webhooks | None
    rate_of: Callable[[Any], RateHeaders | None] | None = None
    refresh: Callable[..., Mapping[str, str]] | None = None  # new credentials in good time, where the vendor's expire
    refresh_due: Callable[..., bool] | None = None
    watch: Callable[..., Subscribed | None] | None = None  # registers and repairs the webhook subscription
    open_http: Callable[..., Any] | None = None  # a system whose hosts are its customers' own opens its line itself
    webhook_body_bytes: int = 1_048_576  # vendors' events are a few kB; more is an attack or a mistake
    authorize_url: Callable[..., str] | None = None
    exchange_code: Callable[..., Mapping[str, str]] | None = None
    handover: Handover | None = None
    accepts: Callable[..., None] | None = None  # (credentials, base URL): raises for what can never work; calls nothing
    vouch: Callable[..., bool] | None = None  # (reader, door key, headers, body): the vendor's own word for a delivery
