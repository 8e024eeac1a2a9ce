"""A shop, its ledger and our works, ready to run: pretend vendors in processes of their own, real time, real sockets.

    with open_setting(tmp_path) as setting:
        setting.sell()
        setting.run_until_quiet()
        assert setting.books()

For a clock that moves by hand and vendors in this process, see `tests.engine.world`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import httpx2

from ml_connector import app
from ml_connector.engine import connecting, doorkeeping, ruling, setup
from ml_connector.engine.units import run_all_due
from ml_connector.engine.works import Works
from ml_connector.finance.rulebook import LocationTerms, Terms
from ml_connector.settings import Settings, load
from ml_connector.store.database import Database
from tests.engine.world import World

ROOT = Path(__file__).parents[1]
START_TIMEOUT_S = 60
SUBSCRIBED = ("payment.created", "payment.updated", "refund.created", "refund.updated", "payout.sent", "payout.paid")


@dataclass(slots=True)
class Setting:
    """What is there. `company` and `shop` are what the pretend vendors answered when they were seeded."""

    folder: Path
    urls: Mapping[str, str]
    environment: Mapping[str, str]
    settings: Settings
    works: Works
    client: httpx2.Client
    company: dict[str, Any] = field(default_factory=dict)
    shop: dict[str, Any] = field(default_factory=dict)
    workspace: str = ""
    visma_id: str = ""
    square_id: str = ""
    company_id: str = ""
    route_id: str = ""

    @property
    def database(self) -> Database:
        return self.works.database

    def control(self, vendor: str, verb: str, **arguments: Any) -> dict[str, Any]:
        """A verb of the control door of `visma` or `square`."""
        return dict(self._post(vendor, "/_sandbox/control", {"verb": verb, **arguments}))

    def fail(self, vendor: str, *rules: Mapping[str, Any]) -> None:
        """Add fault rules: {"match": ..., "effect": ..., "times": ...}."""
        self._post(vendor, "/_sandbox/faults", list(rules))

    def heal(self, vendor: str) -> None:
        """No faults any more."""
        self.client.delete(f"{self.urls[vendor]}/_sandbox/faults").raise_for_status()

    def pass_time(self, seconds: float) -> None:
        """Let the vendors' time run ahead; ours does not."""
        for vendor in self.urls:
            self._post(vendor, "/_sandbox/clock", {"advance_s": seconds})

    def calls(self, vendor: str) -> dict[str, int]:
        """Calls that the vendor answered, by operation."""
        return dict(self.client.get(f"{self.urls[vendor]}/_sandbox/calls").json())

    def sell(self, **arguments: Any) -> dict[str, Any]:
        """One sale in the shop."""
        return self.control("square", "sell", **arguments)

    def bulk(self, n: int, *, events: bool = False) -> dict[str, Any]:
        """`n` card sales of the last minutes."""
        now = datetime.now(UTC)
        start, end = (now - timedelta(minutes=5)).isoformat(), now.isoformat()
        return self.control("square", "bulk", n=n, start=start, end=end, events=events)

    def books(self) -> list[dict[str, Any]]:
        """Every voucher in the pretend ledger, drafts too."""
        return list(self.control("visma", "books", tenant_id=self.company["tenant_id"])["vouchers"])

    def truth(self, *, detail: bool = False) -> dict[str, Any]:
        """What truly moved in the shop."""
        return self.control("square", "truth", detail=detail)

    def subscribe(self, public_url: str) -> str:
        """Open a webhook door at this address and register it with the shop's application; the door's own URL."""
        door_id, url = doorkeeping.open_door(
            self.works, connection_id=self.square_id, public_url=public_url, signature_key=None, by="test"
        )
        wanted = {"name": "ours", "event_types": list(SUBSCRIBED), "notification_url": url, "api_version": "2025-08-20"}
        answer = self.client.post(
            f"{self.urls['square']}/v2/webhooks/subscriptions",
            json={"idempotency_key": door_id, "subscription": wanted},
            headers={"authorization": f"Bearer {self.shop['pat']}", "square-version": "2025-08-20"},
        )
        assert answer.status_code == 200, answer.text
        doorkeeping.set_door_key(self.works, door_id, answer.json()["subscription"]["signature_key"], by="test")
        connecting.ping(self.works, self.square_id)  # learns whose account it is, so that events find their connection
        return url

    def run_until_quiet(self, *, seconds: float = 60) -> None:
        """Run what is due, here in this thread, until nothing is or the time is over."""
        until = time.monotonic() + seconds
        while any(ran.worked for ran in run_all_due(self.works, most=500)) and time.monotonic() < until:
            pass

    def _post(self, vendor: str, path: str, body: Any) -> Any:
        answer = self.client.post(f"{self.urls[vendor]}{path}", json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()


@contextmanager
def open_setting(
    folder: Path, database_url: str | None = None, *, locations: int = 3, mode: str = "batch", posting: str = "on",
    days: int = 3, seed: int = 1, time_scale: float = 1.0, environment: Mapping[str, str] | None = None, **terms: Any,
) -> Iterator[Setting]:  # fmt: skip
    """Vendors started, company and shop seeded, connections, route and a complete rulebook made; all ended afterwards.

    `database_url` empty: SQLite files in `folder`. `days`: how long ago the company went live. `environment`: MLC_
    variables over the usual ones. `terms`: of the route.
    """
    with _sandbox(folder, seed=seed, time_scale=time_scale) as urls, httpx2.Client(timeout=60) as client:
        usual = {
            "MLC_DATA_DIR": str(folder / "data"),
            "MLC_DATABASE_URL": database_url or "",
            "MLC_ALLOW_INSECURE_HOSTS": ",".join(urls.values()),
            "MLC_LOG_LEVEL": "WARNING",
        }
        variables = {**usual, **(environment or {})}
        settings = load(variables, folder=folder)
        with app.opened(settings) as works:
            setting = Setting(folder, urls, variables, settings, works, client)
            _connect(setting, locations=locations, go_live=date.today() - timedelta(days=days))  # noqa: DTZ011  a day
            _route(setting, mode=mode, posting=posting, terms=terms)
            yield setting


def _connect(setting: Setting, *, locations: int, go_live: date) -> None:
    works, urls = setting.works, setting.urls
    setting.company = setting.control("visma", "seed_company", base_currency="EUR")
    setting.shop = setting.control("square", "seed_merchant", name="Retail", locations=locations)
    setting.workspace = setup.init(works)
    setting.visma_id = connecting.connect(
        works, setting.workspace, connector="visma", code="vn", title="Visma", by="test", base_url=urls["visma"],
        credentials={name: setting.company[name] for name in ("client_id", "client_secret", "tenant_id")},
        settings={"token_url": f"{urls['visma']}/connect/token"},
    )  # fmt: skip
    setting.square_id = connecting.connect(
        works, setting.workspace, connector="square", code="sq", title="Square", by="test", base_url=urls["square"],
        credentials={"access_token": setting.shop["pat"]}, settings={"requests_per_second": "1000"},
    )  # fmt: skip
    setting.company_id = setup.add_company(
        works, setting.workspace, connection_id=setting.visma_id, name="Retail AB", time_zone="Europe/Dublin",
        go_live=go_live, by="test",
    )  # fmt: skip


def _route(setting: Setting, *, mode: str, posting: str, terms: Mapping[str, Any]) -> None:
    places = {one: LocationTerms(time_zone="Europe/Dublin") for one in setting.shop["location_ids"]}
    usual: dict[str, Any] = {
        "mode": mode, "time_zone": "Europe/Dublin", "gift_cards": "multi", "gratuity_taxed": True, "fee_vat": "exempt",
        "locations": places,
    }  # fmt: skip
    setting.route_id = setup.add_route(
        setting.works, company_id=setting.company_id, flow="square_to_visma", source_id=setting.square_id,
        terms=Terms(**{**usual, **terms}), posting=posting, by="test",
    )  # fmt: skip
    book = World.rulebook(cast(World, setting))  # the same chart is seeded there, and the rules name nothing else
    ruling.save_rules(setting.works, setting.route_id, book, by="test")


@contextmanager
def _sandbox(folder: Path, *, seed: int, time_scale: float) -> Iterator[dict[str, str]]:
    """The pretend vendors in processes of their own; base URLs by name."""
    command = [
        sys.executable, "-m", "ml_connector_sandbox", "serve", "--only", "visma", "--only", "square",
        "--seed", str(seed), "--time-scale", str(time_scale),
    ]  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "sandbox.log").open("w") as said:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=said, text=True, env={**os.environ, "PYTHONPATH": "src"}
        )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("{"), (folder / "sandbox.log").read_text()
        yield {name: url for name, url in json.loads(line).items() if name in ("visma", "square")}
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
