"""The shop's webhooks that ring our door: find, make, repair. Needs a Read/Write key of a shop manager.

Each topic is a webhook of its own. The shop disables one after seven failures in a row and keeps the count when it is
switched on again, so that one more failure disables it at once: a disabled one is made anew and the old one deleted.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from urllib.parse import urlsplit

from ml_connector.connectors.http import LOOPBACK, Http
from ml_connector.connectors.shapes import Subscribed
from ml_connector.connectors.woocommerce.client import PER_PAGE, Row, Ticking, WooClient
from ml_connector.connectors.woocommerce.fields import id_of
from ml_connector.connectors.woocommerce.signing import Key
from ml_connector.connectors.woocommerce.webhooks import SUBSCRIBED
from ml_connector.errors import NotAuthorized, NotFound, Rejected

PATH = "/webhooks"
PORTS = frozenset({None, 80, 443, 8080})
NAME = "ml-connector"
MAX_PAGES = 20


def watch(http: Http, key: Key, url: str, topics: Sequence[str] = SUBSCRIBED, *, clock: Ticking) -> Subscribed | None:
    """One active webhook of ours for each topic to `url`, to the letter; None where the key may not see to it.

    Raises NotAuthorized where the key is refused altogether, Rejected for an address that no shop will ring.
    """
    _check_port(url)
    client = WooClient(http, key, clock=clock)
    try:
        return Subscribed(tuple(_Watching(client, url).all(topics)), secret_for(key, url))
    except NotAuthorized:
        client.rows("/orders", {"per_page": "1", "_fields": "id"})  # a key that reads orders is alive: polling goes on
        return None


def secret_for(key: Key, url: str) -> str:
    """The secret of our webhooks at this shop: made of the key's secret and our address, so that it can be made again.

    Plain hexadecimal digits: the shop decodes HTML entities before it signs.
    """
    return hmac.new(key.secret.encode(), f"webhook secret for {url}".encode(), hashlib.sha256).hexdigest()


def _check_port(url: str) -> None:
    """WordPress calls no other ports (wp_http_validate_url), and the shop says nothing about it."""
    parts = urlsplit(url)
    if parts.port not in PORTS and parts.hostname not in LOOPBACK:
        raise Rejected(
            f"No shop rings port {parts.port}: WordPress calls ports 80, 443 and 8080 alone.",
            fix="Let MLC_PUBLIC_URL name an address at one of them, then open the webhook's address anew.",
        )


class _Watching:
    """One look at the webhooks of a shop."""

    def __init__(self, client: WooClient, url: str) -> None:
        self._client = client
        self._url = url
        self._secret = secret_for(client.key, url)
        # The shop tells no secrets: its name says by which one a webhook signs.
        self._mark = hashlib.sha256(self._secret.encode()).hexdigest()[:8]

    def all(self, topics: Sequence[str]) -> list[str]:
        """What was changed, in words."""
        ours = [row for row in self._listed() if row.get("delivery_url") == self._url]
        told: list[str] = []
        for topic in topics:
            told += self._topic(topic, [row for row in ours if row.get("topic") == topic])
        for row in ours:
            if row.get("topic") not in topics:  # a topic in capitals is stored empty and never fires
                told.append(f"deleted a webhook of topic {str(row.get('topic') or '(none)')[:60]}")
                self._delete(row)
        return told

    def _listed(self) -> list[Row]:
        found: list[Row] = []
        for page in range(1, MAX_PAGES + 1):
            params = {"per_page": str(PER_PAGE), "page": str(page), "orderby": "id", "order": "asc"}
            rows = self._client.rows(PATH, params)
            found += rows
            if len(rows) < PER_PAGE:
                return found
        raise Rejected(f"The shop has more than {MAX_PAGES * PER_PAGE} webhooks.", fix="Delete those of old tools.")

    def _topic(self, topic: str, rows: Sequence[Row]) -> list[str]:
        active = [row for row in rows if row.get("status") == "active"]
        paused = [row for row in rows if row.get("status") == "paused"]
        told: list[str] = []
        if active or paused:
            kept = (active or paused)[0]
            told += self._mended(topic, kept)
        else:
            kept = self._create(topic)
            disabled = bool(rows)
            told.append(
                f"{topic} was disabled by the shop after failed deliveries: made anew; polling reads the gap"
                if disabled
                else f"subscribed to {topic}"
            )
        for row in rows:
            if row is not kept:
                self._delete(row)
                told += [f"deleted a second webhook for {topic}"] if row.get("status") != "disabled" else []
        return told

    def _mended(self, topic: str, row: Row) -> list[str]:
        change: dict[str, str] = {}
        told = []
        if row.get("status") != "active":
            change["status"] = "active"
            told.append(f"{topic} was paused: active again; polling reads the gap")
        if row.get("name") != self._name(topic):
            change |= {"name": self._name(topic), "secret": self._secret}
            told.append(f"{topic} signs with the present key")
        if change:
            self._client.change("PUT", f"{PATH}/{_id(row)}", change)
        return told

    def _create(self, topic: str) -> Row:
        content = {"name": self._name(topic), "topic": topic, "delivery_url": self._url, "secret": self._secret}
        made = self._client.change("POST", PATH, content)
        if made.get("topic") != topic:
            self._delete(made)
            raise Rejected(f"The shop did not take the webhook topic {topic}.", record=topic)
        return made

    def _delete(self, row: Row) -> None:
        try:
            self._client.change("DELETE", f"{PATH}/{_id(row)}", params={"force": "true"})
        except NotFound:
            return  # somebody was quicker

    def _name(self, topic: str) -> str:
        return f"{NAME} {topic} {self._mark}"


def _id(row: Row) -> str:
    found = id_of(row.get("id"))
    if found is None:
        raise Rejected("A webhook of the shop has no id.", record=PATH)
    return found
