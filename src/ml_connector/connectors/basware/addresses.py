"""Where a Basware tenant lives: regions we know, addresses a person typed, and where its files may lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import urlsplit, urlunsplit

import httpx2

from ml_connector.connectors.http import Http, Meter, Reach
from ml_connector.errors import ConfigurationError

# US and AU stand in third-party code only; Canada's production and all other test hosts are published nowhere: typed.
REGIONS: Mapping[str, str] = {
    "EU": "https://api.basware.com",
    "US": "https://us-api.basware.com",
    "AU": "https://au-api.basware.com",
}
TYPED = ("CA",)  # regions that there are, and whose address Basware names to its customers alone
EU_TEST = "https://test-api.basware.com"
DEFAULT = REGIONS["EU"]
HOSTS = tuple(urlsplit(one).hostname or "" for one in (*REGIONS.values(), EU_TEST))
FILE_HOSTS = (".basware.com", ".amazonaws.com")  # where documents and files are handed out from, by signed addresses


@dataclass(frozen=True, slots=True)
class BaswareReach(Reach):
    """The reach of one tenant: its own host, and the stores its answers send us to, all by https."""

    def check(self, url: str) -> None:
        """Raise HostRefused unless this URL may be called."""
        parts = urlsplit(url)
        if parts.scheme == "https" and (parts.hostname or "").endswith(FILE_HOSTS):
            return
        Reach.check(self, url)


def typed(text: str) -> str:
    """A base address as a person typed it, without a path. Raises ConfigurationError for what is none."""
    parts = urlsplit(text.strip() if "://" in text else f"https://{text.strip()}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if parts.scheme not in {"http", "https"} or not host or parts.username or parts.password:
        raise ConfigurationError(f"{text!r} is no address of Basware.", fix="Give it as https://api.basware.com.")
    return urlunsplit((parts.scheme, f"{host}:{port}" if port else host, "", "", ""))


def base_of(credentials: Mapping[str, Any], opened: str) -> str:
    """The tenant's base address: one that was typed wins, else the region's.

    Raises ConfigurationError for a region whose address is not known: it must be typed.
    """
    base = typed(opened) if opened else DEFAULT
    region = str(credentials.get("region") or "").strip().upper()
    if not region or base != DEFAULT:
        return base
    return REGIONS.get(region) or _unknown(region)


def check_region(credentials: Mapping[str, Any], base_url: str) -> None:
    """Raise ConfigurationError for a region that there is none of, or whose address must be typed and is not."""
    region = str(credentials.get("region") or "").strip().upper()
    if region not in ("", *REGIONS, *TYPED):
        _unknown(region)
    base_of(credentials, base_url)


def _unknown(region: str) -> NoReturn:
    fix = (
        f"Regions are {', '.join((*REGIONS, *TYPED))}; or leave it out and type your own host as base URL (--base-url)."
    )
    what = f"Basware has no region {region[:20]!r}."
    if region in TYPED:
        what = f"Basware publishes no address of region {region}."
        fix = "Type the address that Basware gave you as base URL (--base-url)."
    raise ConfigurationError(what, record="region", fix=fix)


def open_http(
    base_url: str,
    settings: Mapping[str, str],
    *,
    allowed: frozenset[str] = frozenset(),
    timeout_s: float = 40.0,
    meter: Meter | None = None,
    transport: httpx2.BaseTransport | None = None,
) -> Http:
    """The HTTP door to one tenant. Every region's host may be called, for the region is a credential."""
    base = typed(base_url or DEFAULT)
    extra = [typed(settings[name]) for name in ("network_url",) if settings.get(name)]
    hosts = frozenset({*HOSTS, *(urlsplit(one).hostname or "" for one in (base, *extra))})
    return Http(BaswareReach(base, hosts, allowed), timeout_s=timeout_s, meter=meter, transport=transport)
