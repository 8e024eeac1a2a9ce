"""Where a shop is: its address as a person typed it, and a door to that host alone, never into our own network."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit, urlunsplit

import httpx2

from ml_connector.connectors.http import Http, Meter, Reach
from ml_connector.errors import ConfigurationError, HostRefused

TAILS = ("/wp-admin", "/wp-login.php", "/wp-json", "/index.php")
CERTIFICATE = "trusted_certificate"
_TO_TRUST = "A shop that nobody signs for is connected with its own certificate (--trusted-certificate)."
TIMEOUT_S = 60.0  # big pages of a slow shared host; the engine may ask for less

Resolve = Callable[[str], Sequence[str]]
"""Host name -> its IP addresses. Raises OSError when it has none."""


def store_url(typed: str) -> str:
    """The base address of a shop: https unless said otherwise, its folder kept, WordPress' own tails taken off.

    Raises ConfigurationError for what is no address.
    """
    text = typed.strip()
    parts = urlsplit(text if "://" in text else f"https://{text}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if parts.scheme not in {"http", "https"} or not host or parts.username or parts.password:
        raise ConfigurationError(f"{typed!r} is no address of a shop.", fix="Give it as https://shop.example.")
    path = parts.path.rstrip("/")
    for tail in TAILS:
        if tail in path:
            path = path[: path.index(tail)]
    name = f"[{host}]" if ":" in host else host
    return urlunsplit((parts.scheme, f"{name}:{port}" if port else name, path.rstrip("/"), "", ""))


def reach_of(base_url: str, allowed: frozenset[str] = frozenset()) -> Reach:
    """The reach of one shop: its own host by https; plain http and private addresses only where allowed on purpose."""
    base = store_url(base_url)
    return Reach(base, frozenset({urlsplit(base).hostname or ""}), allowed)


def open_http(
    base_url: str,
    settings: Mapping[str, str],
    *,
    allowed: frozenset[str] = frozenset(),
    timeout_s: float = TIMEOUT_S,
    meter: Meter | None = None,
    transport: httpx2.BaseTransport | None = None,
) -> Http:
    """The HTTP door to one shop. `transport` replaces the network in tests.

    The setting `trusted_certificate` (PEM) is the one way to a self-signed shop: that certificate is trusted, none else
    is checked less.
    """
    given = transport or GuardedTransport(_network(settings), allowed)
    reach = reach_of(base_url, allowed)
    return Http(reach, timeout_s=timeout_s, meter=meter, transport=given, to_trust=_TO_TRUST)


class GuardedTransport(httpx2.BaseTransport):
    """Resolves a host once, refuses private addresses, and calls the very address it has judged.

    Without that a name could mean a public address when it is checked and our own network when it is called.
    """

    def __init__(
        self, inner: httpx2.BaseTransport, allowed: frozenset[str] = frozenset(), *, resolve: Resolve | None = None
    ) -> None:
        self._inner = inner
        self._allowed = allowed
        self._resolve = resolve or _addresses

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send it to a public address of its host. Raises HostRefused where there is none."""
        url = request.url
        origin = f"{url.scheme}://{url.netloc.decode()}"
        if origin in self._allowed:
            return self._inner.handle_request(request)
        try:
            found = list(self._resolve(url.host))
        except OSError as error:
            raise httpx2.ConnectError(f"{url.host} has no address: {error}", request=request) from None
        private = [one for one in found if not _public(one)]
        if private or not found:
            raise HostRefused(
                f"{url.host} is an address inside a network ({', '.join(private) or 'none'}).", record=origin
            )
        sent = httpx2.Request(
            request.method,
            url.copy_with(host=found[0]),
            headers=request.headers,  # its Host is still the shop's name
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": url.host},
        )
        return self._inner.handle_request(sent)

    def close(self) -> None:
        self._inner.close()


def _network(settings: Mapping[str, str]) -> httpx2.BaseTransport:
    limits = httpx2.Limits(max_connections=4, max_keepalive_connections=4)
    pinned = settings.get(CERTIFICATE)
    if not pinned:
        return httpx2.HTTPTransport(limits=limits)
    context = ssl.create_default_context()
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # this very certificate, whoever signed it
    try:
        context.load_verify_locations(cadata=pinned)
    except (ssl.SSLError, ValueError):
        raise ConfigurationError(f"The setting {CERTIFICATE} is no certificate in PEM form.") from None
    return httpx2.HTTPTransport(verify=context, limits=limits)


def _addresses(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]).partition("%")[0] for one in found))


def _public(address: str) -> bool:
    try:
        read = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(read, "ipv4_mapped", None)
    return (mapped or read).is_global and not read.is_multicast
