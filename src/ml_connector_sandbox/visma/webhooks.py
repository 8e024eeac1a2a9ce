"""Webhooks: hints that something changed, signed, retried with growing pauses, sometimes doubled or lost on purpose."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from random import Random

from ml_connector_sandbox.core.wire import Delivery
from ml_connector_sandbox.visma.company import Company, Subscription

SIGNATURE_HEADER = "x-visma-signature"  # the vendor's texts do not name the header; a receiver takes any *signature*
ATTEMPTS = 6
FIRST_PAUSE = timedelta(seconds=30)


class Webhooks:
    """Everything that waits to be delivered."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._waiting: list[tuple[datetime, int, Delivery]] = []
        self._attempts: dict[str, int] = {}
        self._ticket = 0

    def due(self, companies: list[Company], at: datetime) -> list[Delivery]:
        """Take what is due now."""
        for company in companies:
            while company.events:
                self._announce(company, *company.events.popleft(), at)
        taken = []
        while self._waiting and self._waiting[0][0] <= at:
            taken.append(heappop(self._waiting)[2])
        return taken

    def attempted(self, delivery: Delivery, status: int | None, at: datetime) -> None:
        """Plan the next attempt unless a 2xx came or the attempts are used up."""
        tried = self._attempts.get(delivery.id, 0) + 1
        if (status is not None and 200 <= status < 300) or tried >= ATTEMPTS:
            self._attempts.pop(delivery.id, None)
            return
        self._attempts[delivery.id] = tried
        self._push(delivery, at + FIRST_PAUSE * 2 ** (tried - 1))

    def _announce(self, company: Company, event: str, entity: str, key: str, at: datetime) -> None:
        for subscription in company.subscriptions:
            if subscription.events and event not in subscription.events:
                continue
            if self._random.random() < subscription.lost:
                continue
            delivery = self._signed(company, subscription, event, entity, key, at)
            self._push(delivery, at)
            if self._random.random() < subscription.duplicate:
                self._push(delivery, at)

    def _signed(
        self, company: Company, subscription: Subscription, event: str, entity: str, key: str, at: datetime
    ) -> Delivery:
        notification = company.guid()
        content = {
            "notificationId": notification,
            "eventName": event,
            "tenantId": company.tenant_id,
            "companyId": company.company_id,
            "entity": entity,
            "key": key,
            "resourceUrl": f"https://api.finance.visma.net/v1/{entity}/{key}",
            "createdUtc": at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds"),
        }
        body = json.dumps(content, ensure_ascii=False).encode()
        headers = (("Content-Type", "application/json"), (SIGNATURE_HEADER, signature(subscription.key, body)))
        return Delivery(notification, subscription.url, headers, body)

    def _push(self, delivery: Delivery, at: datetime) -> None:
        self._ticket += 1
        heappush(self._waiting, (at, self._ticket, delivery))


def signature(key: str, body: bytes) -> str:
    """base64(HMAC-SHA256(key, body)), as the vendor's receiver documentation says."""
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()
