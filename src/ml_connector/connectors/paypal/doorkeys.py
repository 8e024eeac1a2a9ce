"""What a webhook door must know, as the text kept as its key: the webhook's id, whose environment, which roots.

PayPal signs with certificates; the only thing of ours in a signature is the webhook's id. A door's key is therefore
that id alone for live, or a JSON object for the sandbox and for a pretend PayPal. Pure.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from ml_connector.connectors.http import LOOPBACK
from ml_connector.connectors.paypal import LIVE_HOSTS, SANDBOX_HOSTS
from ml_connector.errors import ConfigurationError

_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
_PATH = re.compile(r"/v1/notifications/certs/[A-Za-z0-9_.-]{1,200}")


@dataclass(frozen=True, slots=True)
class DoorKey:
    """The webhook id and what may vouch for its signatures. `origin`: of a pretend PayPal on this machine.

    `roots`: PEM of root certificates that are trusted besides the system's, never with live.
    """

    webhook_id: str
    environment: str = "live"  # live, sandbox, local
    origin: str = ""
    roots: str = ""

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.webhook_id):
            raise ConfigurationError("A PayPal webhook id is letters and digits.", record=self.webhook_id[:40])
        if self.environment not in {"live", "sandbox", "local"}:
            raise ConfigurationError("A PayPal environment is live, sandbox or local.", record=self.webhook_id)
        if self.roots and self.environment == "live":
            raise ConfigurationError(
                "Root certificates of our own are not trusted for PayPal's live webhooks.",
                record=self.webhook_id,
                fix="Take webhook_roots out of the connection.",
            )
        if self.environment == "local" and (urlsplit(self.origin).hostname or "") not in LOOPBACK:
            raise ConfigurationError("A pretend PayPal is on this machine only.", record=self.webhook_id)

    def text(self) -> str:
        """As it is kept in the vault."""
        if self.environment == "live":
            return self.webhook_id
        written = {"webhook_id": self.webhook_id, "environment": self.environment}
        written |= {"origin": self.origin} if self.origin else {}
        written |= {"roots": self.roots} if self.roots else {}
        return json.dumps(written, separators=(",", ":"))

    def allows(self, url: str) -> bool:
        """Whether a certificate may be fetched from there: whole hosts and the certificates' path, no suffixes."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return False
        if not _PATH.fullmatch(parts.path) or parts.query or parts.fragment or "@" in parts.netloc:
            return False
        if self.environment == "local":
            return f"{parts.scheme}://{parts.netloc}" == self.origin
        hosts = LIVE_HOSTS if self.environment == "live" else SANDBOX_HOSTS
        return parts.scheme == "https" and port in {None, 443} and parts.hostname in hosts


@lru_cache(maxsize=256)  # each delivery asks for the key of its door; there is no secret in it
def read_key(text: str) -> DoorKey:
    """The key in a text: a bare id is live's. Raises ConfigurationError."""
    if not text.lstrip().startswith("{"):
        return DoorKey(text.strip())
    try:
        read = json.loads(text)
        return DoorKey(**{str(name): str(value) for name, value in read.items()})
    except (ValueError, TypeError):
        raise ConfigurationError(
            "The key of a PayPal webhook door cannot be read.", fix="Watch the webhook again."
        ) from None
